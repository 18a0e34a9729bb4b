"""Histories compared: Demes with priors, and the three cold-stage scenarios of Kirschner et al. 2022."""

import math

import msprime
import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.popgen.coalescent_kernels import set_seed, unlinked_snps
from deepcohort.popgen.demography import (
    Epochs,
    epochs_of,
    fill_in,
    read_history,
    to_demography,
    years_of_generation,
)
from deepcohort.popgen.selection import variable_sites
from deepcohort.popgen.tasks import COLD_STAGE_PARAMETERS, Scenario, Task, draw_prior, draw_rate
from deepcohort.popgen.types import Locus


def history_locus(task: Task, scenario: Scenario, seed: int) -> tuple[Locus, list[float]]:
    """One locus, or one set of unlinked SNPs, of a Demes scenario and its parameters.

    Raises:
        DeepcohortError: Demes text that is not valid with the parameters drawn.
    """
    rng = np.random.default_rng(seed)
    values = {name: draw_prior(prior, rng) for name, prior in scenario.priors}
    rate = float(np.exp(rng.uniform(*np.log(np.maximum(task.recombination, 1e-30)))))
    where = f"scenario {scenario.label}"
    try:
        text = fill_in(scenario, values)
    except (KeyError, ValueError) as error:
        raise DeepcohortError(f"{where}: demes names {error}, which has no prior") from error
    graph = read_history(text, where)
    demography = to_demography(graph, where)
    names = {p.name for p in demography.populations}
    missing = [g.deme or task.focal for g in task.groups if (g.deme or task.focal) not in names]
    if missing:
        raise DeepcohortError(f"{where}: no deme {missing[0]}; it has {', '.join(sorted(names))}")
    parameters = [values.get(name, math.nan) for name in task.parameter_names]
    if task.unlinked_snps:
        epochs, index = epochs_of(demography)
        samples = np.zeros(len(index), np.int64)
        for g in task.groups:
            samples[index[g.deme or task.focal]] = g.haplotypes
        counts = snp_counts(epochs, samples, task.unlinked_snps, int(rng.integers(2**31)))
        columns = [index[g.deme or task.focal] for g in task.groups]
        return _unlinked(counts[:, columns]), parameters
    years = years_of_generation(graph, task.generation_years)
    sets = [
        msprime.SampleSet(g.haplotypes, population=g.deme or task.focal, ploidy=1, time=g.age_years / years)
        for g in task.groups
    ]
    ts = msprime.sim_ancestry(
        sets, demography=demography, sequence_length=task.locus_bp, recombination_rate=rate,
        random_seed=int(rng.integers(1, 2**31)), ploidy=2,
    )  # fmt: skip
    ts = msprime.sim_mutations(
        ts, rate=draw_rate(task.mutation_rate, rng), discrete_genome=False,
        model=msprime.BinaryMutationModel(), random_seed=int(rng.integers(1, 2**31)),
    )  # fmt: skip
    return Locus(*variable_sites(ts)), parameters


def snp_counts(epochs: Epochs, samples: NDArray[np.int64], n_snps: int, seed: int) -> NDArray[np.int64]:
    """Derived alleles by SNP and population, int64 (n_snps, K).

    Raises:
        DeepcohortError: a history in which lineages can never meet.
    """
    out = np.zeros((n_snps, len(samples)), np.int64)
    set_seed(seed)
    if not unlinked_snps(
        samples, epochs.starts, epochs.sizes, epochs.growths, epochs.migration, epochs.moves, n_snps, out
    ):
        raise DeepcohortError("the history keeps populations apart for ever; join them or add migration")
    return out


def _unlinked(counts: NDArray[np.int64]) -> Locus:
    if counts.max() > np.iinfo(np.uint8).max:
        raise DeepcohortError("groups of more than 255 haplotypes cannot be kept as counts; sample fewer")
    return Locus(counts.astype(np.uint8), np.arange(len(counts), dtype=np.float64))


def cold_stages(task: Task, scenario: Scenario, seed: int) -> tuple[Locus, list[float]]:
    """Single SNPs under one of the three scenarios of Kirschner et al. 2022, and their parameters."""
    rng = np.random.default_rng(seed)
    values = _cold_stage_values(scenario.label, rng)
    samples = np.array([g.haplotypes for g in task.groups], np.int64)
    counts = snp_counts(cold_stage_epochs(values), samples, task.unlinked_snps, int(rng.integers(2**31)))
    return _unlinked(counts), [values[name] for name in COLD_STAGE_PARAMETERS]


def _cold_stage_values(label: str, rng: np.random.Generator) -> dict[str, float]:
    v = {
        "generation_years": rng.uniform(8, 10),
        "ne": rng.uniform(4e4, 2e5),
        "size_ratio": rng.uniform(0.2, 5),
        "t3": rng.uniform(0, 12e3),
        "t2": rng.uniform(12e3, 110e3),
        "t1_growth": rng.uniform(110e3, 500e3),
    }
    v["t1"] = rng.uniform(110e3 if label == "stable" else v["t1_growth"], 2.4e6)
    for lineage, grows in ((1, label == "both_expand"), (2, label != "stable")):
        v[f"lgm_{lineage}"] = rng.uniform(5, 100) if grows else math.nan
        v[f"pleistocene_{lineage}"] = rng.uniform(0.5, 1) if grows else math.nan
    for name in ("m12_lgm", "m21_lgm", "m12", "m21"):
        v[name] = rng.uniform(0, 5)
    return v


def cold_stage_epochs(v: dict[str, float]) -> Epochs:
    """Epochs in units of 4 Ne generations, backwards: now, from T3, from T2, before growth, one lineage.

    Sizes are relative to Ne, a pair of lineages coalesces at rate 2 / size. A lineage that grows has its
    cold-stage size from T3 to T2 and shrinks exponentially, backwards, to its Pleistocene size at T1 growth.
    """
    unit = v["generation_years"] * 4.0 * v["ne"]
    t3, t2, tg, t1 = (v[name] / unit for name in ("t3", "t2", "t1_growth", "t1"))
    grows = not math.isnan(v["lgm_2"])
    starts = [0.0, t3, t2, *([tg] if grows else []), t1]
    sizes = np.zeros((len(starts), 2))
    growths = np.zeros((len(starts), 2))
    for k, present in enumerate((1.0, v["size_ratio"])):
        cold, old = v[f"lgm_{k + 1}"], v[f"pleistocene_{k + 1}"]
        sizes[:, k] = present
        if not math.isnan(cold):
            sizes[1:3, k] = cold
            growths[2, k] = math.log(cold / old) / (tg - t2)
            sizes[3:, k] = old
    migration = np.zeros((len(starts), 2, 2))
    migration[1] = [[0, v["m12_lgm"]], [v["m21_lgm"], 0]]
    migration[2:-1] = [[0, v["m12"]], [v["m21"], 0]]
    moves = np.tile([0, 1], (len(starts), 1))
    moves[-1] = [1, 1]  # the first lineage joins the second
    return Epochs(np.array(starts), sizes / 2.0, growths, migration, moves.astype(np.int64))
