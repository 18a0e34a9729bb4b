#!/usr/bin/env python3
"""Networks over reads beside today's filter, forests, hard filters and QUAL, on other callers' records.

    filter_networks.py --sets sets.tsv --unlabelled reads.tsv --work DIR [--seeds 3] [--parts methods losses pretraining]

`sets.tsv` has the columns name, caller (bcftools, freebayes, GATK), role (train, test), vcf, reads (commas between
files), truth, confident, reference: what learns, learns from a caller's sets of role train, and all of it is tried on
its sets of role test. `reads.tsv`: reads (one file), reference, region (contig:start-end), for learning without
labels. Tables go to stdout: area under precision and recall and recall at given precisions by set and method;
losses against imbalance on bcftools' records; learning curves with and without pre-training. What was computed is
kept in DIR. Needs PyTorch and scikit-learn (`deepcohort[popgen]`). One core; about six CPU minutes a seed.
"""

import argparse
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import filter_nets
import numpy as np
import torch
from deepcohort.compose.filter_run import TrainingInput
from deepcohort.filter.caller_classifier import squash
from deepcohort.filter.config import TrainFilterConfig
from deepcohort.filter.score import NETWORK_NAMES
from deepcohort.filter.train import Labelled, fit
from deepcohort.model.load import load_predictor
from filter_nets import Plan, RecordNetwork
from filter_tensors import CallSet, Tensors, collect, joined, load, save, unlabelled
from numpy.typing import NDArray

Score = NDArray[np.float64]
PRECISIONS = (0.70, 0.80, 0.90, 0.95, 0.99)
GENOTYPE = ("copies", "called_alts", "length_change")  # of the record, beside the caller's annotations
METHODS = (
    "QUAL", "hard filters", "isolation forest", "random forest", "today's default", "trained filter",
    "1D, reference", "2D, reads", "2D and trained",
)  # fmt: skip
LOSSES = {
    "cross-entropy": Plan(),
    "weighted sampling": Plan(sampling="even"),
    "focal": Plan(loss="focal"),
    "-log^2": Plan(loss="log2"),
    "-log^3": Plan(loss="log3"),
}
LABELS = {100: 80, 1_000: 120, 10_000: 250}  # labelled records and steps of training with them
METHOD_STEPS, LOSS_STEPS, PRETRAIN_STEPS = 250, 150, 250
MOST_TESTED, LEAST_WRONG = 5_000, 40  # records of a set, of which learning curves are drawn


@dataclass(frozen=True)
class Late:
    """Inputs that join late: which columns, and how they are standardised."""

    names: tuple[str, ...]
    fill: Score
    mean: Score
    spread: Score

    @classmethod
    def learned(cls, sets: Sequence[CallSet], names: Sequence[str]) -> "Late":
        """Of the columns `names` of training sets, those that vary."""
        x = squash(np.concatenate([columns(s, names) for s in sets]))
        known = ~np.isnan(x).all(axis=0)
        x, kept = x[:, known], [n for n, k in zip(names, known, strict=True) if k]
        fill = np.nanmedian(x, axis=0)
        full = np.where(np.isnan(x), fill, x)
        return cls(tuple(kept), fill, full.mean(axis=0), np.maximum(full.std(axis=0), 1e-6))

    def of(self, one: CallSet) -> Score:
        """Float64 (N, len(names)), cut to six standard deviations."""
        x = squash(columns(one, self.names))
        return np.clip((np.where(np.isnan(x), self.fill, x) - self.mean) / self.spread, -6, 6)


def columns(one: CallSet, names: Sequence[str]) -> Score:
    """Some of a set's inputs, float64 (N, len(names)), NaN where absent."""
    return np.stack([one.column(name) for name in names], axis=1)


def annotations_of(sets: Sequence[CallSet]) -> list[str]:
    """The caller's annotations that all sets have."""
    names = [name for name in sets[0].names if name not in NETWORK_NAMES]
    return [name for name in names if all(name in one.names for one in sets)]


def area(score: Score, right: NDArray[np.bool_]) -> float:
    """Area under precision and recall (of the set's right records); NaN where all are right or wrong."""
    if right.all() or not right.any():
        return np.nan
    tp, n = _curve(score, right)
    return float((np.diff(tp, prepend=0) / right.sum() * tp / n).sum())


def recall_at(score: Score, right: NDArray[np.bool_], precision: float) -> float:
    """The largest recall at which precision is at least `precision`."""
    tp, n = _curve(score, right)
    good = tp >= precision * n
    return float(tp[good].max(initial=0) / max(right.sum(), 1))


def _curve(score: Score, right: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Right ones and all of those that score at least as each different score."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    return np.cumsum(right[order])[last], np.arange(1, len(score) + 1)[last]


def hard_filters(one: CallSet) -> Score:
    """QUAL, with all records that the usual hard filters drop below the others.

    GATK's recommended ones; freebayes' as vcflib's manual gives them; bcftools' QUAL and twice the median depth.
    """

    def below(name: str, limit: float) -> NDArray[np.bool_]:
        return np.nan_to_num(one.column(name), nan=np.inf) < limit

    def above(name: str, limit: float) -> NDArray[np.bool_]:
        return np.nan_to_num(one.column(name), nan=-np.inf) > limit

    quality = np.nan_to_num(one.column("QUAL"))
    if one.caller == "GATK":
        both = below("QD", 2) | (quality < 30)
        snp = above("SOR", 3) | above("FS", 60) | below("MQ", 40) | below("MQRankSum", -12.5)
        indel = above("FS", 200) | below("ReadPosRankSum", -20)
        dropped = both | np.where(one.is_snp, snp | below("ReadPosRankSum", -8), indel)
    elif one.caller == "freebayes":
        dropped = (quality <= 1) | (quality / np.maximum(one.column("AO"), 1) <= 10)
        for name, limit in (("SAF", 1), ("SAR", 1), ("RPR", 2), ("RPL", 2)):
            dropped |= below(name, limit)
    else:
        dropped = (quality < 20) | above("DP", 2 * float(np.nanmedian(one.column("DP"))))
    return quality - np.where(dropped, quality.max() + 1, 0)


def forests(train: Sequence[CallSet], seed: int) -> dict[str, Callable[[CallSet], Score]]:
    """A random forest on annotations and genotype, and an isolation forest as VETS trains one: on right records' annotations."""
    from sklearn.ensemble import IsolationForest, RandomForestClassifier

    names = annotations_of(train)
    late, alone = Late.learned(train, [*GENOTYPE, *names]), Late.learned(train, names)
    right = np.concatenate([s.label for s in train])
    forest = RandomForestClassifier(300, min_samples_leaf=3, random_state=seed)
    forest.fit(np.concatenate([late.of(s) for s in train]), right)
    isolation = IsolationForest(random_state=seed)
    isolation.fit(np.concatenate([alone.of(s) for s in train])[right])
    return {
        "random forest": lambda one: np.asarray(forest.predict_proba(late.of(one))[:, 1]),
        "isolation forest": lambda one: np.asarray(isolation.score_samples(alone.of(one))),
    }


def trained_filter(train: Sequence[CallSet], seed: int) -> Callable[[CallSet], Score]:
    """What `deepcohort filter --train` makes of these sets; natural log odds."""
    names = [*NETWORK_NAMES, *annotations_of(train)]
    config = TrainFilterConfig(seed=seed)
    piece = np.concatenate([s.piece for s in train])
    data = Labelled(
        np.concatenate([columns(s, names) for s in train]),
        np.concatenate([s.label for s in train]),
        np.concatenate([s.is_snp for s in train]),
        piece * 2654435761 % 2**32 % config.folds,
    )
    n_truth = (sum(s.n_truth[0] for s in train), sum(s.n_truth[1] for s in train))
    head = fit(data, n_truth, config)
    return lambda one: head.score(columns(one, names)) * np.log(10)


def network(
    train: Sequence[CallSet], mode: str, plan: Plan
) -> tuple[RecordNetwork, Callable[[CallSet], Score]]:
    """A network of `mode` trained on sets; natural log odds."""
    late = Late.learned(train, [*GENOTYPE, *annotations_of(train)])
    made = filter_nets.made(mode, len(late.names), plan.seed)
    right = np.concatenate([s.label for s in train])
    told = np.concatenate([late.of(s) for s in train])
    filter_nets.train(made, joined([s.tensors for s in train]), told, right, plan)
    return made, lambda one: filter_nets.log_odds(made, one.tensors, late.of(one))


def method_scores(
    train: Sequence[CallSet], test: Sequence[CallSet], seed: int
) -> Iterator[tuple[str, list[Score]]]:
    """Scores of every test set by every method."""
    yield "QUAL", [np.nan_to_num(s.column("QUAL")) for s in test]
    yield "hard filters", [hard_filters(s) for s in test]
    yield "today's default", [s.score for s in test]
    for name, of in forests(train, seed).items():
        yield name, [of(s) for s in test]
    trained = [of(s) for of in (trained_filter(train, seed),) for s in test]
    yield "trained filter", trained
    plan = Plan(METHOD_STEPS, seed=seed)
    yield "1D, reference", [of(s) for _, of in (network(train, "reference", plan),) for s in test]
    reads = [of(s) for _, of in (network(train, "reads", plan),) for s in test]
    yield "2D, reads", reads
    yield "2D and trained", [(a + b) / 2 for a, b in zip(reads, trained, strict=True)]


Row = dict[str, object]


def judged(one: CallSet, method: str, seed: int, score: Score) -> Iterator[Row]:
    """A row for SNPs, one for indels."""
    for kind, chosen in (("SNP", one.is_snp), ("INDEL", ~one.is_snp)):
        right = one.label[chosen]
        yield {
            "set": one.name, "caller": one.caller, "type": kind, "method": method, "seed": seed,
            "records": len(right), "wrong": int((~right).sum()), "area": area(score[chosen], right),
            "recalls": [recall_at(score[chosen], right, p) for p in PRECISIONS],
        }  # fmt: skip


def methods(sets: "Sets", seed: int) -> list[Row]:
    """Every method on every caller."""
    rows: list[Row] = []
    for caller in sorted(sets.train):
        test = sets.test[caller]
        for method, scores in method_scores(sets.train[caller], test, seed):
            rows += [
                row for s, score in zip(test, scores, strict=True) for row in judged(s, method, seed, score)
            ]
    return rows


def losses(sets: "Sets", seed: int) -> list[Row]:
    """The 2D network by every loss, on bcftools' records."""
    train, test = sets.train["bcftools"], sets.test["bcftools"]
    rows: list[Row] = []
    for name, plan in LOSSES.items():
        _, of = network(train, "reads", replace(plan, steps=LOSS_STEPS, seed=seed))
        rows += [row for s in test for row in judged(s, name, seed, of(s))]
    return rows


def pretraining(sets: "Sets", seed: int) -> list[Row]:
    """The 2D network, reads and genotype alone, by labelled records, with and without pre-training."""
    torch.manual_seed(seed)
    encoder = filter_nets.ReadEncoder().to(memory_format=torch.channels_last)
    loss = filter_nets.pretrain(encoder, sets.unlabelled, PRETRAIN_STEPS, seed)
    print(f"seed {seed}: loss of masked bases {loss[0]:.3f}, then {loss[1]:.3f}", flush=True)
    train = [s for caller in ("bcftools", "freebayes") for s in sets.train[caller]]
    late = Late.learned(train, GENOTYPE)
    tensors, right = joined([s.tensors for s in train]), np.concatenate([s.label for s in train])
    told = np.concatenate([late.of(s) for s in train])
    order = np.random.default_rng(seed).permutation(len(right))
    rows: list[Row] = []
    for n, steps in LABELS.items():
        some = np.sort(order[:n])
        for name in ("from nothing", "pre-trained"):
            made = filter_nets.made("reads", len(late.names), seed)
            if name == "pre-trained":
                made.encoder.load_state_dict(encoder.state_dict())
            filter_nets.train(made, tensors.take(some), told[some], right[some], Plan(steps, seed=seed))
            for one in (s for caller in ("bcftools", "freebayes") for s in sets.test[caller]):
                if len(one.label) < MOST_TESTED and (~one.label).sum() > LEAST_WRONG:
                    score = filter_nets.log_odds(made, one.tensors, late.of(one))
                    rows += judged(one, f"{n} {name}", seed, score)
    return rows


PARTS: dict[str, Callable[["Sets", int], list[Row]]] = {
    "methods": methods,
    "losses": losses,
    "pretraining": pretraining,
}


@dataclass(frozen=True)
class Sets:
    """Call sets by caller, and reads without labels."""

    train: dict[str, list[CallSet]]
    test: dict[str, list[CallSet]]
    unlabelled: Tensors


def _rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def read_sets(options: argparse.Namespace) -> Sets:
    """All sets, made if they are not in the work folder."""
    predictor = load_predictor("auto", "illumina", "cpu")
    found: dict[str, dict[str, list[CallSet]]] = {"train": {}, "test": {}}
    for i, row in enumerate(_rows_of(options.sets)):
        kept = options.work / f"set{i}.npz"
        if not kept.exists():
            reads = tuple(map(Path, row["reads"].split(",")))
            item = TrainingInput(Path(row["vcf"]), reads, Path(row["truth"]), Path(row["confident"]))
            save(collect(row["name"], row["caller"], item, Path(row["reference"]), predictor), kept)
        found[row["role"]].setdefault(row["caller"], []).append(load(kept))
    return Sets(found["train"], found["test"], _unlabelled(options.unlabelled, options.work))


def _unlabelled(path: Path, work: Path) -> Tensors:
    kept = work / "unlabelled.npz"
    if not kept.exists():
        parts = []
        for i, row in enumerate(_rows_of(path)):
            contig, _, span = row["region"].partition(":")
            start, _, end = span.partition("-")
            parts.append(
                unlabelled(Path(row["reads"]), Path(row["reference"]), contig, int(start), int(end), 300, i)
            )
        np.savez_compressed(kept, **vars(joined(parts)))
    with np.load(kept) as arrays:
        return Tensors(**{name: arrays[name] for name in arrays.files})


def _area_cell(rows: Sequence[Row]) -> str:
    """Mean area, and the range of several seeds."""
    values = [float(row["area"]) for row in rows]  # type: ignore[arg-type]
    if not values or np.isnan(values).any():
        return "-"
    mean = f"{np.mean(values):.4f}"
    return mean if max(values) - min(values) < 5e-5 else f"{mean} ({min(values):.4f}-{max(values):.4f})"


def _recall_cell(rows: Sequence[Row]) -> str:
    """Mean recall in per cent at each of PRECISIONS."""
    values = np.array([row["recalls"] for row in rows], dtype=np.float64)
    return " ".join(f"{100 * x:.0f}" for x in values.mean(axis=0)) if len(rows) else "-"


def table(rows: Sequence[Row], names: Sequence[str], cell: Callable[[Sequence[Row]], str]) -> list[str]:
    """Markdown: a line for each set and type, a column for each method, of all seeds."""
    lines = [
        "| calls | set | | records | wrong | " + " | ".join(names) + " |",
        "|---" * (len(names) + 5) + "|",
    ]
    keys = ("caller", "set", "type", "records", "wrong")
    for place in dict.fromkeys(tuple(row[k] for k in keys) for row in rows):
        mine = [row for row in rows if tuple(row[k] for k in keys) == place]
        cells = [cell([row for row in mine if row["method"] == name]) for name in names]
        if any(told != "-" for told in cells):
            lines.append("| " + " | ".join([*map(str, place), *cells]) + " |")
    return lines


def print_tables(part: str, rows: Sequence[Row]) -> None:
    """Areas; of methods also recalls, of sets whose own precision is below 95 %."""
    present = list(dict.fromkeys(str(r["method"]) for r in rows))
    names = [name for name in METHODS if name in present] if part == "methods" else present
    print(f"\n### {part}: area under precision and recall\n")
    print("\n".join(table(rows, names, _area_cell)))
    if part == "methods":
        hard = [row for row in rows if float(row["wrong"]) > 0.05 * float(row["records"])]  # type: ignore[arg-type]
        told = ", ".join(f"{100 * p:.0f}" for p in PRECISIONS)
        print(f"\n### recall in per cent at precision {told} %\n")
        print("\n".join(table(hard, names, _recall_cell)))


def main() -> None:
    """Collect, train, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--unlabelled", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    sets = read_sets(options)
    done: dict[str, list[Row]] = {part: [] for part in options.parts}
    for seed in range(1, options.seeds + 1):  # all parts of a seed, so that what is stopped early can be told
        for part in options.parts:
            kept = options.work / f"{part}.{seed}.json"
            if not kept.exists():
                kept.write_text(json.dumps(PARTS[part](sets, seed)))
            done[part] += json.loads(kept.read_text())
    for part, rows in done.items():
        print_tables(part, rows)


if __name__ == "__main__":
    main()
