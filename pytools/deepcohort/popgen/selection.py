"""A locus with a selected allele at its centre, at full population size, by a coalescent in two classes.

The allele's frequency is followed forward in time (Wright-Fisher, every individual counted), drawn again
until the allele is there today; then the sample's ancestry is followed backwards within the two allelic
classes (`coalescent_kernels.linked_history`), and beyond the origin of the allele msprime goes on under the
whole history. Neutral loci take the same way with a frequency of 0, so that no trait of the simulator tells
them apart. The focal deme takes no migrants since the origin of the allele.
"""

from dataclasses import dataclass
from typing import Any

import msprime
import numpy as np
import tskit
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.popgen.coalescent_kernels import linked_history, set_seed
from deepcohort.popgen.demography import (
    graph_of_template,
    history_text,
    read_history,
    size_by_generation,
    template_of,
    to_demography,
    years_of_generation,
)
from deepcohort.popgen.recombination import CrossoverMap, draw_map
from deepcohort.popgen.tasks import Scenario, Task, draw_prior, draw_rate
from deepcohort.popgen.types import Locus

_ATTEMPTS = 128  # trajectories drawn at a time
_DRAWS = 2_000  # of coefficient and onset


@dataclass(frozen=True, slots=True)
class History:
    """A task's history made ready: the Demes graph, msprime's demography, years of a generation."""

    graph: Any
    demography: msprime.Demography
    focal: int
    generation_years: float
    where: str


def fitness_of(s: float, dominance: float) -> NDArray[np.float64]:
    """Fitness of 0, 1, 2 copies; dominance 0: 1, 1 + s, 1 (heterozygote advantage alone)."""
    if dominance == 0:
        return np.array([1.0, 1.0 + s, 1.0])
    return np.array([1.0, 1.0 + dominance * s, 1.0 + s])


def equilibrium(fitness: NDArray[np.float64]) -> float:
    """Frequency at which an overdominant allele stays."""
    rise, fall = fitness[1] - fitness[0], fitness[1] - fitness[2]
    return float(rise / (rise + fall))


class Histories:
    """The history of each locus of a task: always the same, or drawn from the task's priors."""

    def __init__(self, task: Task) -> None:
        """Read the history of `task`.

        Raises:
            DeepcohortError: an unreadable history, an unknown deme, a parameter without a prior.
        """
        self._task = task
        self._text, self._where = history_text(task.history)
        self._fixed = None if task.priors else self._ready(read_history(self._text, self._where))
        self._template = template_of(self._text, self._where) if task.priors else None

    def draw(self, rng: np.random.Generator) -> tuple[History, list[float]]:
        """A history and the values of its priors."""
        if self._fixed is not None:
            return self._fixed, []
        values = {name: draw_prior(prior, rng) for name, prior in self._task.priors}
        graph = graph_of_template(self._template, values, self._where)
        return self._ready(graph), list(values.values())

    def _ready(self, graph: Any) -> History:
        task = self._task
        demography = to_demography(graph, self._where)
        names = [p.name for p in demography.populations]
        if task.focal not in names:
            raise DeepcohortError(f"{self._where} has no deme {task.focal}; it has {', '.join(names)}")
        years = years_of_generation(graph, task.generation_years)
        return History(graph, demography, names.index(task.focal), years, self._where)


def trajectory(
    fitness: NDArray[np.float64],
    sizes: NDArray[np.float64],
    frequency: tuple[float, float],
    rng: np.random.Generator,
    rounds: int = 1,
) -> NDArray[np.float64] | None:
    """Frequency by generation, present first, of a new allele that is in `frequency` today; (T + 1,).

    sizes: diploid size by generation, present first; the allele is one copy at the oldest. None where
    `rounds` times 128 new alleles did not meet the condition.
    """
    t = len(sizes) - 1
    haploid = np.maximum(np.round(2 * sizes).astype(np.int64), 2)
    for _ in range(rounds):
        p = np.zeros((t + 1, _ATTEMPTS))
        p[t] = 1.0 / haploid[t]
        there = np.arange(_ATTEMPTS)
        for g in range(t, 0, -1):
            x = p[g, there]
            mean = x * x * fitness[2] + 2 * x * (1 - x) * fitness[1] + (1 - x) ** 2 * fitness[0]
            after = (x * x * fitness[2] + x * (1 - x) * fitness[1]) / mean
            p[g - 1, there] = rng.binomial(haploid[g - 1], np.minimum(after, 1.0)) / haploid[g - 1]
            there = there[p[g - 1, there] > 0]
            if not len(there):
                break
        fits = np.flatnonzero((p[0] > max(frequency[0], 0.0)) & (p[0] <= frequency[1]) & (p[0] < 1.0))
        if len(fits):
            return np.ascontiguousarray(p[:, fits[0]])
    return None


def draw_selection(
    task: Task, history: History, scenario: Scenario, rng: np.random.Generator
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Onset in years, fitness and frequency by generation: the scenario's priors given the present frequency.

    Raises:
        DeepcohortError: the condition is hardly ever met.
    """
    for _ in range(_DRAWS):
        years, s = float(rng.uniform(*scenario.onset_years)), float(rng.choice(scenario.s))
        arises = max(1, round(years / history.generation_years))
        sizes = size_by_generation(history.graph, task.focal, arises, history.where)
        fitness = fitness_of(s, scenario.dominance)
        p = trajectory(fitness, sizes, scenario.frequency, rng, rounds=4)
        if p is not None:
            return years, fitness, p
    raise DeepcohortError(
        f"scenario {scenario.label}: hardly any new allele is at a frequency of {scenario.frequency[0]} to "
        f"{scenario.frequency[1]} today; choose a stronger s, an earlier onset or a wider frequency"
    )


def selected_locus(
    task: Task, histories: Histories, scenario: Scenario, seed: int
) -> tuple[Locus, list[float]]:
    """One locus of a scenario and its parameters, from its seed alone."""
    rng = np.random.default_rng(seed)
    rate = float(np.exp(rng.uniform(*np.log(np.maximum(task.recombination, 1e-30)))))
    centre = task.locus_bp / 2 + rng.uniform(-1, 1) * min(task.centre_jitter_bp, task.locus_bp / 2 - 1)
    history, drawn = histories.draw(rng)
    site = _Site(centre, rate, draw_rate(task.mutation_rate, rng), _map_of(task, rng))
    oldest = max(g.age_years for g in task.groups)
    selected = scenario.mode != "neutral"
    # neutral loci take the onset of a selected scenario: nothing but selection differs
    years = float(rng.uniform(*_selected_scenario(task, rng).onset_years))
    fitness, found = np.ones(3), np.zeros(0)
    if selected:
        years, fitness, found = draw_selection(task, history, scenario, rng)
    generations = max(1, round(max(years, oldest) / history.generation_years))
    sizes = size_by_generation(history.graph, task.focal, generations, history.where)
    p = np.zeros(generations + 1)
    p[: len(found)] = found
    ancestry = linked_tables(
        task, history, p, sizes, fitness, site.genetic_centre, rate, int(rng.integers(2**31))
    )
    locus = _with_mutations(*ancestry, history, generations, site, rng)
    own = [float(fitness[1] - 1.0), years, float(p[0])] if selected else [np.nan] * 3
    varied = [v for pair, v in site.varied(task) if len(set(pair)) > 1]
    return locus, [*own, rate, *varied, *drawn]


@dataclass(frozen=True, slots=True)
class _Site:
    """Where the selected site lies (bp), rates per bp and generation, the crossovers' map (None = even)."""

    centre: float
    recombination: float
    mutation_rate: float
    hotspots: tuple[float, CrossoverMap] | None

    @property
    def genetic_centre(self) -> float:
        return self.hotspots[1].to_genetic(self.centre) if self.hotspots else self.centre

    def varied(self, task: Task) -> list[tuple[tuple[float, float], float]]:
        share = self.hotspots[0] if self.hotspots else 0.0
        return [(task.mutation_rate, self.mutation_rate), (task.hotspot_share, share)]


def _map_of(task: Task, rng: np.random.Generator) -> tuple[float, CrossoverMap] | None:
    """Share of hotspots and a map; None where the task has none."""
    if task.hotspot_share[1] == 0:
        return None
    share = float(rng.uniform(*task.hotspot_share))
    return share, draw_map(float(task.locus_bp), share, rng)


def _selected_scenario(task: Task, rng: np.random.Generator) -> Scenario:
    chosen = [s for s in task.scenarios if s.mode != "neutral"] or list(task.scenarios)
    return chosen[int(rng.integers(len(chosen)))]


def linked_tables(
    task: Task,
    history: History,
    p: NDArray[np.float64],
    sizes: NDArray[np.float64],
    fitness: NDArray[np.float64],
    centre: float,
    rate: float,
    seed: int,
) -> tuple[tskit.TableCollection, NDArray[np.int8]]:
    """Tables of the sample's ancestry since the oldest generation of `p`, and the class of each sample."""
    ages = np.repeat(
        [round(g.age_years / history.generation_years) for g in task.groups],
        [g.haplotypes for g in task.groups],
    ).astype(np.int64)
    n = len(ages)
    state = np.zeros(n, np.int8)
    haploid = np.maximum(np.round(2 * sizes).astype(np.int64), 2)
    size = 4_000
    set_seed(seed)
    while True:
        edges, times = np.empty((size, 4)), np.empty(size)
        n_edges, n_nodes = linked_history(
            ages, p, haploid, fitness, float(task.locus_bp), centre, rate, state, edges, times
        )
        if n_edges >= 0:
            break
        size *= 4
    tables = tskit.TableCollection(float(task.locus_bp))
    tables.time_units = "generations"
    tables.populations.metadata_schema = tskit.MetadataSchema.permissive_json()
    for population in history.demography.populations:
        tables.populations.add_row({"name": population.name, "description": ""})
    flags = np.zeros(n_nodes, np.uint32)
    flags[:n] = tskit.NODE_IS_SAMPLE
    tables.nodes.set_columns(
        flags=flags, time=times[:n_nodes], population=np.full(n_nodes, history.focal, np.int32)
    )
    e = edges[:n_edges]
    tables.edges.set_columns(
        left=e[:, 0], right=e[:, 1], parent=e[:, 2].astype(np.int32), child=e[:, 3].astype(np.int32)
    )
    tables.sort()
    return tables, state


def _with_mutations(
    tables: tskit.TableCollection,
    state: NDArray[np.int8],
    history: History,
    generations: int,
    site: _Site,
    rng: np.random.Generator,
) -> Locus:
    """Go on beyond the oldest generation by msprime, add mutations and the selected site itself."""
    seeds = rng.integers(1, 2**31, 2)
    whole = msprime.sim_ancestry(
        initial_state=tables.tree_sequence(),
        demography=history.demography,
        recombination_rate=site.recombination,
        start_time=generations,
        random_seed=int(seeds[0]),
    )
    crossovers = site.hotspots[1] if site.hotspots else None
    rate = crossovers.mutation_map(site.mutation_rate) if crossovers else site.mutation_rate
    mutated = msprime.sim_mutations(
        whole, rate=rate, discrete_genome=False, model=msprime.BinaryMutationModel(),
        random_seed=int(seeds[1]),
    )  # fmt: skip
    alleles, positions = variable_sites(mutated)
    if crossovers:
        positions = crossovers.to_physical(positions)
    if 0 < state.sum() < len(state):
        at = int(np.searchsorted(positions, site.centre))
        alleles = np.insert(alleles, at, state.astype(np.uint8), axis=0)
        positions = np.insert(positions, at, site.centre)
    return Locus(alleles, positions)


def variable_sites(ts: tskit.TreeSequence) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Derived alleles uint8 (S, n) and positions float64 (S,) of the sites that vary among samples."""
    alleles = (ts.genotype_matrix() > 0).astype(np.uint8)
    count = alleles.sum(axis=1)
    vary = (count > 0) & (count < ts.num_samples)
    return alleles[vary], np.asarray(ts.tables.sites.position, np.float64)[vary]
