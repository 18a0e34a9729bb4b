#!/usr/bin/env python3
"""The numbers of docs/experiments/popgen.md: networks beside classical ways, wrong histories, real data.

    popgen.py --work DIR [--only NAME ...] [--data ../shared/data] [--loci N] [--test N] [--epochs N]

Simulations and models are kept in DIR and not made again. Each experiment prints lines of
name, method, accuracy (95 % interval), AUC (interval), accuracy of the network less that of the method.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from deepcohort.popgen.archive import Judge, PopModel, read_pop_model
from deepcohort.popgen.compare import area_under_curve
from deepcohort.popgen.compare_run import compare
from deepcohort.popgen.config import Encoding, Observation, train_defaults
from deepcohort.popgen.encode import encode_loci, encode_windows, encoding_for
from deepcohort.popgen.null import log_odds
from deepcohort.popgen.observe import observe_counts
from deepcohort.popgen.scan import scan
from deepcohort.popgen.shards import Simulations, make_loci, rows_of, simulate
from deepcohort.popgen.tasks import Scenario, Task, built_in
from deepcohort.popgen.train import train
from popgen_robust import HISTORIES, Loci, interval, report, test_sets

LACTASE = 136_608_646  # rs4988235, hg19
EXTRAZONAL = 28  # haplotypes of the first lineage of Omocestus petraeus, the first columns


@dataclass(frozen=True)
class Run:
    """Options of the command line."""

    work: Path
    data: Path
    loci: int
    test: int
    epochs: int
    classical: bool


def cpu_s() -> float:
    """CPU seconds of this process and its children."""
    return sum(
        resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print CPU and wall seconds of the block."""
    cpu, wall = cpu_s(), time.perf_counter()
    yield
    print(f"time\t{what}\t{cpu_s() - cpu:.1f} CPU s\t{time.perf_counter() - wall:.1f} s", flush=True)


def simulated(run: Run, task: Task, n: int, seed: int) -> Simulations:
    """Simulations of a task in the work folder."""
    folder = run.work / f"{task.name}_{seed}_{n}"
    with timed(f"simulate {n} of {task.name}"):
        return simulate(task, n, folder, seed, quiet=True)


def trained(run: Run, sims: Simulations, name: str, observation: Observation, limit: int = 0) -> PopModel:
    """A model of simulations in the work folder."""
    config = replace(train_defaults(sims.task.unlinked_snps > 0), epochs=run.epochs)
    folder = run.work / f"run_{name}"
    path = folder / f"{sims.task.name}.dcpop"
    if not path.exists():
        with timed(f"train {name}"):
            train(sims, folder, config, observation, quiet=True, limit=limit)
    return read_pop_model(path)


def against_classical(
    run: Run,
    name: str,
    task: Task,
    observation: Observation,
    loci: int,
    test: int,
    limit: int = 0,
    classical: bool = True,
) -> PopModel:
    """Train on a task and print the comparison on unseen loci."""
    sims, fresh = simulated(run, task, loci, 1), simulated(run, task, test, 2)
    model = trained(run, sims, name, observation, limit)
    with timed(f"compare {name}"):
        own = classical and run.classical
        scores = compare(model, sims, fresh, run.work / f"cmp_{name}", limit, classical=own)
    for way, s in scores.items():
        ahead = "" if s.behind is None else "{:.4f} ({:.4f} to {:.4f})".format(*s.behind)
        accuracy, auc = ("{:.4f} ({:.4f} to {:.4f})".format(*v) for v in (s.accuracy, s.auc))
        print(f"{name}\t{way}\t{accuracy}\t{auc}\t{ahead}", flush=True)
    return model


def base(run: Run) -> None:
    """Neutral or overdominance, dominance 20, phased."""
    against_classical(run, "base", built_in()["balancing"], Observation(), run.loci, run.test)


def low_depth(run: Run) -> None:
    """The same, unphased, 4 to 10 reads an individual."""
    noise = Observation(phased="no", depth=(4, 10))
    against_classical(run, "low_depth", built_in()["balancing"], noise, run.loci, run.test)


def ancient(run: Run) -> None:
    """The same with 10 haplotypes at 1, 2, 4 and 8 thousand years."""
    against_classical(run, "ancient", built_in()["balancing_ancient"], Observation(), run.loci, run.test)


def sweep(run: Run) -> None:
    """Overdominance or incomplete sweep."""
    against_classical(run, "sweep", built_in()["overdominance_or_sweep"], Observation(), run.loci, run.test)


def wrong_history(run: Run) -> None:
    """Models of one history and of histories at random on loci unlike those trained on, three thresholds."""
    one = trained(run, simulated(run, built_in()["balancing"], run.loci, 1), "base", Observation())
    mixed = simulated(run, built_in()["balancing_any"], 2 * run.loci, 1)
    models = {
        "one history": (one, "as trained, one history"),
        "histories at random": (trained(run, mixed, "any", Observation()), "histories at random"),
    }
    report(models, lambda encoding: unlike_sets(run, encoding, Observation()))


def wrong_history_shipped(run: Run) -> None:
    """The same of the shipped model, through its own observation (reads, errors, phase at random)."""
    model = read_pop_model("balancing")
    report(
        {"shipped": (model, "histories at random")},
        lambda encoding: unlike_sets(run, encoding, model.observation),
    )


def unlike_sets(run: Run, encoding: Encoding, observation: Observation) -> Iterator[Loci]:
    """Test sets, simulated in the work folder."""

    def make(task: Task, n: int, seed: int) -> Simulations:
        return simulated(run, task, n, seed)

    return test_sets(make, run.data, run.test, encoding, observation)


def reversal(run: Run) -> None:
    """The model of one history by gradient reversal towards unlabelled loci of Gutenkunst 2009."""
    from popgen_adapt import adapt

    task = built_in()["balancing"]
    focal, file = HISTORIES["Gutenkunst 2009"]
    path = run.data / "popgen" / "demes" / file
    if not path.exists():
        print(f"reversal\tskipped: {path} is absent")
        return
    both = (task.scenarios[0], replace(task.scenarios[0], label="also neutral"))
    target = replace(task, name="unlabelled", history=str(path), focal=focal, scenarios=both)
    source = simulated(run, task, run.loci, 1)
    with timed("reversal"):
        config = replace(train_defaults(False), epochs=run.epochs)
        found = adapt(source, simulated(run, target, run.loci // 4, 5), config, 1.0)
    encoding = encoding_for(source.read(), False, task.locus_bp)
    for loci in unlike_sets(run, encoding, Observation()):
        if loci.name in ("as trained, one history", *HISTORIES):
            score = log_odds(found.probabilities(loci.examples))
            called, label = score > found.cut, loci.examples.label
            print(
                f"reversal\t{loci.name}\tAUC {area_under_curve(score, label == 1):.4f}\tFP "
                f"{interval(called[label == 0])} %, power {interval(called[label == 1])} %",
                flush=True,
            )


def advantage(run: Run) -> None:
    """The base model by heterozygote advantage (homozygotes alike), conditioned on being there today."""
    task = built_in()["balancing"]
    model = trained(run, simulated(run, task, run.loci, 1), "base", Observation())
    for s in (0.01, 0.02, 0.05, 0.1):
        own = replace(
            task, name=f"advantage_{s}", scenarios=(Scenario("neutral"), Scenario("overdominance", "overdominance", s=(s,), dominance=0.0))
        )  # fmt: skip
        loci = simulated(run, own, run.test // 2, 4).read()
        x = encode_loci(loci, model.encoding, Observation())
        p = Judge(model)(x.pixels, x.features).p
        frequency = loci.parameters[loci.label == 1, 2]
        print(
            f"advantage\t{s}\tAUC {area_under_curve(p[:, 1], x.label == 1):.4f}\t"
            f"present frequency, median {np.median(frequency):.3f}",
            flush=True,
        )


def cold_stages(run: Run) -> None:
    """Kirschner's three scenarios, 40 haplotypes, by number of simulations."""
    for limit in (1_500, 3_000, 7_500, 30_000):
        against_classical(
            run,
            f"cold_{limit}",
            built_in()["cold_stages"],
            Observation(),
            30_000,
            1_500,
            limit,
            classical=limit == 1_500,
        )


def cold_stages_270(run: Run) -> None:
    """The same with the paper's 160 + 110 haplotypes, 1,000 simulations per scenario."""
    against_classical(
        run, "cold_270", built_in()["cold_stages_270"], Observation(), 3_000, 1_500, classical=False
    )


def petraeus(run: Run) -> None:
    """Omocestus petraeus: posterior of the three scenarios and misfit; missing data as in the data."""
    path = run.data / "popgen/input_Opetraeus.txt"
    if not path.exists():
        print(f"petraeus\tskipped: {path} is absent")
        return
    values = np.loadtxt(path, dtype=int)
    task = built_in()["cold_stages"]
    model = trained(run, simulated(run, task, 15_000, 1), "petraeus", Observation(missing=(0.3, 0.55)), 7_500)
    parts = [values[:, :EXTRAZONAL], values[:, EXTRAZONAL:]]
    counts, seen = (
        np.stack([f(v).sum(axis=1) for v in parts], axis=1) for f in (lambda v: v == 1, lambda v: v != 0)
    )
    rng = np.random.default_rng(1)
    windows = []
    for _ in range(100):
        chosen = rng.choice(len(counts), 1_000, replace=False)
        windows.append(
            observe_counts(counts[chosen], seen[chosen], rows_of(task), False, float(task.locus_bp))
        )
    out = Judge(model)(*encode_windows(windows, model.encoding))
    mean, sd = out.p.mean(axis=0), out.p.std(axis=0)
    for k, label in enumerate(model.labels):
        print(f"petraeus\t{label}\t{mean[k]:.4f}\tsd over 100 subsets of 1,000 SNPs {sd[k]:.4f}")
    print(
        f"petraeus\tmisfit p, median {np.median(out.misfit):.4f}, below .01 {(out.misfit < 0.01).mean():.2f}",
        flush=True,
    )


def lactase(run: Run) -> None:
    """The shipped sweep model on HapMap CEU chr2:135-138 Mb: rank of the windows that hold rs4988235."""
    path = run.data / "popgen/hapmap_r22.chr2_135-138M.CEU.hg19.phased.bcf"
    if not path.exists():
        print(f"lactase\tskipped: {path} is absent")
        return
    with timed("scan HapMap"):
        found = scan(path, read_pop_model("sweep"), quiet=True)
    windows = [w for w, ok in zip(found.windows, found.judged, strict=True) if ok]
    order = np.argsort(-found.judgement.p[:, 1], kind="stable")
    for rank, i in enumerate(order[:8], 1):
        w = windows[i]
        here = "lactase" if w.start <= LACTASE < w.end else ""
        print(
            f"lactase\t{rank}\t{w.contig}:{w.start}-{w.end}\t{found.judgement.p[i, 1]:.5f}\tmisfit {found.judgement.misfit[i]:.3f}\t{here}"
        )
    ranks = [r for r, i in enumerate(order, 1) if windows[i].start <= LACTASE < windows[i].end]
    print(f"lactase\tranks of windows with rs4988235 among {len(windows)}: {ranks}", flush=True)
    print(
        f"lactase\twindows stranger than 99 % of simulations: {(found.judgement.misfit < 0.01).mean():.2f}",
        flush=True,
    )


def rescaling(run: Run) -> None:
    """The two-class coalescent beside forward simulations by fwdpy11 at Q 10 and 5, dominance 20, s .5 %."""
    from popgen_forward import compare_forward

    compare_forward((10, 5), 30)


def speed(run: Run) -> None:
    """CPU of simulating a locus, and of scanning 1,000 windows x 100 samples."""
    for name in ("balancing", "balancing_ancient", "sweep", "cold_stages", "cold_stages_270"):
        task = built_in()[name]
        make_loci(task, 9, range(2))
        began = cpu_s()
        make_loci(task, 9, range(20))
        print(f"speed\t{name}\t{(cpu_s() - began) / 20:.4f} CPU s a locus", flush=True)


EXPERIMENTS: dict[str, Callable[[Run], None]] = {
    f.__name__: f
    for f in (
        base,
        low_depth,
        ancient,
        sweep,
        wrong_history,
        wrong_history_shipped,
        reversal,
        advantage,
        cold_stages,
        cold_stages_270,
        petraeus,
        lactase,
        rescaling,
        speed,
    )
}


def main() -> None:
    """Run the experiments asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(EXPERIMENTS), choices=list(EXPERIMENTS))
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DEEPCOHORT_DATA", default)))
    parser.add_argument("--loci", type=int, default=2_000)
    parser.add_argument("--test", type=int, default=1_000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--network-only", action="store_true", help="without the classical ways")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    run = Run(
        options.work, options.data, options.loci, options.test, options.epochs, not options.network_only
    )
    for name in options.only:
        EXPERIMENTS[name](run)


if __name__ == "__main__":
    sys.exit(main())
