"""Forward simulations by fwdpy11, rescaled by Q, beside the two-class coalescent of deepcohort.popgen.

A constant population of 10,000 (both ways), 50 kb, an overdominant allele 345 generations old. Forward, N and
times are divided by Q, recombination and selection multiplied; before the onset msprime goes on in true time.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from deepcohort.popgen.config import Observation
from deepcohort.popgen.observe import observe
from deepcohort.popgen.selection import fitness_of, variable_sites
from deepcohort.popgen.shards import make_loci, rows_of
from deepcohort.popgen.statistics import statistics
from deepcohort.popgen.tasks import Task, built_in
from deepcohort.popgen.types import Locus

N, GENERATIONS, S, DOMINANCE = 10_000, 345, 0.005, 20.0
SHOWN = ("log_s", "pi_per_kb", "h1", "zns", "tajimas_d")


def constant_task() -> Task:
    """The balancing task in a constant population."""
    text = f"time_units: generations\ndemes:\n  - {{name: A, epochs: [{{start_size: {N}}}]}}\n"
    path = Path(tempfile.mkdtemp()) / "constant.yaml"
    path.write_text(text)
    task = built_in()["balancing"]
    scenarios = tuple(replace(s, onset_years=(GENERATIONS, GENERATIONS)) for s in task.scenarios)
    scenarios = (scenarios[0], replace(scenarios[1], s=(S,), dominance=DOMINANCE))
    return replace(task, history=str(path), focal="A", generation_years=1.0, scenarios=scenarios)


def forward_locus(q: int, seed: int, locus_bp: float = 50_000.0) -> tuple[Locus, float]:
    """One overdominant locus of 40 haplotypes, and the allele's present frequency."""
    import fwdpy11
    import fwdpy11.conditional_models as conditional
    import msprime
    import tskit

    size, steps = N // q, GENERATIONS // q
    rng = fwdpy11.GSLrng(seed)
    pop = fwdpy11.DiploidPopulation(size, locus_bp)
    tiny = 1e-9
    fitness = fitness_of(S, DOMINANCE) - 1.0
    params = fwdpy11.ModelParams(
        nregions=[], sregions=[], recregions=[fwdpy11.PoissonInterval(0, locus_bp, 1e-8 * q * locus_bp)],
        gvalue=fwdpy11.Additive(2.0), rates=(0, 0, None), prune_selected=False, simlen=steps + 1,
        demography=fwdpy11.ForwardDemesGraph.tubes([size], burnin=steps + 1, burnin_is_exact=True),
    )  # fmt: skip
    mutation = conditional.NewMutationParameters(
        frequency=conditional.AlleleCount(1),
        data=fwdpy11.NewMutationData(effect_size=tiny, dominance=float(fitness[1]) * q / tiny),
        position=conditional.PositionRange(left=locus_bp / 2 - 1, right=locus_bp / 2 + 1),
    )

    # without max_attempts, which fwdpy11 0.24 would use up whether the allele survives or not
    out = conditional.track_added_mutation(rng, pop, params, mutation, when=1, until=steps + 1)
    frequency = out.pop.mcounts[out.mutation_index] / (2 * out.pop.N)
    ts = out.pop.dump_tables_to_tskit()
    draw = np.random.default_rng(seed)
    alive = [i for i in ts.individuals() if ts.node(i.nodes[0]).time == 0]
    nodes = np.concatenate([alive[k].nodes for k in draw.choice(len(alive), 20, replace=False)])
    carries = {s: False for s in nodes}
    for variant in ts.variants(samples=nodes):
        if abs(variant.site.position - locus_bp / 2) <= 1:
            carries = dict(zip(nodes, variant.genotypes > 0, strict=True))
    ts = ts.simplify(nodes, keep_input_roots=True)
    tables = tskit.TableCollection(locus_bp)
    tables.time_units = "generations"
    tables.populations.metadata_schema = tskit.MetadataSchema.permissive_json()
    tables.populations.add_row({"name": "pop_0", "description": ""})
    old = ts.tables
    tables.nodes.set_columns(
        flags=old.nodes.flags, time=old.nodes.time * q, population=np.zeros(ts.num_nodes, np.int32)
    )
    e = old.edges
    tables.edges.set_columns(left=e.left, right=e.right, parent=e.parent, child=e.child)
    tables.sort()
    whole = msprime.sim_ancestry(
        initial_state=tables.tree_sequence(), population_size=N, recombination_rate=1e-8,
        start_time=float((steps + 1) * q), random_seed=seed,
    )  # fmt: skip
    mutated = msprime.sim_mutations(
        whole, rate=1.44e-8, discrete_genome=False, model=msprime.BinaryMutationModel(), random_seed=seed
    )
    alleles, positions = variable_sites(mutated)
    state = np.array([carries[s] for s in nodes], np.uint8)
    at = int(np.searchsorted(positions, locus_bp / 2))
    return Locus(np.insert(alleles, at, state, axis=0), np.insert(positions, at, locus_bp / 2)), frequency


def compare_forward(qs: tuple[int, ...], n: int) -> None:
    """Print mean and standard error of statistics and frequency, forward and by coalescent."""
    task = constant_task()
    rows = rows_of(task)

    def line(name: str, loci: list[Locus], frequencies: list[float], cost: float) -> None:
        found = [
            statistics(observe(x, rows, Observation(), 50_000.0, np.random.default_rng(0))) for x in loci
        ]
        names, values = found[0][0], np.array([v for _, v in found])
        words = [f"frequency {np.mean(frequencies):.3f} +- {np.std(frequencies) / len(loci) ** 0.5:.3f}"]
        for key in SHOWN:
            v = values[:, names.index(key)]
            words.append(f"{key} {v.mean():.3f} +- {v.std() / len(v) ** 0.5:.3f}")
        print(
            f"rescaling\t{name}\t{len(loci)} loci\t{cost / len(loci):.2f} CPU s a locus\t" + "\t".join(words),
            flush=True,
        )

    began = time.process_time()
    coalescent = make_loci(task, 5, range(2 * n))
    chosen = np.flatnonzero(coalescent.label == 1)
    cost = (time.process_time() - began) / 2
    line(
        "coalescent",
        [coalescent.locus(int(i)) for i in chosen],
        coalescent.parameters[chosen, 2].tolist(),
        cost,
    )
    for q in qs:
        began = time.process_time()
        made = [forward_locus(q, 100 + i) for i in range(n)]
        line(f"fwdpy11, Q {q}", [x for x, _ in made], [f for _, f in made], time.process_time() - began)
