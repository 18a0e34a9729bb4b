"""Simulators against theory and against msprime."""

from dataclasses import replace

import msprime
import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.popgen.demography import epochs_of, history_of, read_history, to_demography
from deepcohort.popgen.scenarios import cold_stage_epochs, snp_counts
from deepcohort.popgen.selection import equilibrium, fitness_of, trajectory
from deepcohort.popgen.shards import make_loci, open_simulations, simulate, write_ms
from deepcohort.popgen.statistics import harmonic
from deepcohort.popgen.tasks import Group, Scenario, Task, built_in, find_task
from popgen_builders import small_task


def test_neutral_loci_have_the_segregating_sites_and_diversity_of_theory(tmp_path):
    task = small_task(tmp_path)
    loci = make_loci(replace(task, scenarios=task.scenarios[::-1]), 1, range(1, 400, 2))
    n, theta = 12, 4 * 1000 * task.mutation_rate[0] * task.locus_bp
    assert set(loci.label) == {1}
    sites = np.diff(loci.offsets)
    assert abs(sites.mean() / (theta * harmonic(n)) - 1) < 4 * sites.std() / sites.mean() / 200**0.5
    c = loci.alleles.sum(axis=1).astype(float)
    pi = (2 * c * (n - c) / (n * (n - 1))).sum() / 200
    assert abs(pi / theta - 1) < 0.15


def test_an_overdominant_allele_goes_to_its_equilibrium_and_stays():
    fitness = fitness_of(0.005, 20)
    assert fitness.tolist() == pytest.approx([1, 1.1, 1.005])
    assert equilibrium(fitness) == pytest.approx(0.1 / 0.195)
    rng = np.random.default_rng(1)
    ends = [trajectory(fitness, np.full(400, 5_000.0), (0, 1), rng, rounds=20)[0] for _ in range(30)]
    assert np.mean(ends) == pytest.approx(equilibrium(fitness), abs=0.02)


def test_heterozygote_advantage_of_half_a_percent_leaves_a_rare_allele():
    """The document's coefficients without dominance: invisible after 345 generations."""
    rng = np.random.default_rng(1)
    found = [
        trajectory(fitness_of(0.005, 0), np.full(346, 20_000.0), (0, 1), rng, rounds=50) for _ in range(10)
    ]
    assert max(p[0] for p in found) < 0.05


def test_a_condition_on_the_present_frequency_holds(tmp_path):
    sweep = Scenario("sweep", "sweep", s=(0.2,), frequency=(0.3, 0.6), onset_years=(60, 100))
    task = small_task(tmp_path, scenarios=(Scenario("neutral"), sweep))
    loci = make_loci(task, 1, range(20))
    frequency = loci.parameters[loci.label == 1, 2]
    assert ((frequency > 0.3) & (frequency <= 0.6)).all()
    impossible = replace(sweep, s=(0.001,), frequency=(0.9, 1.0), onset_years=(5, 5))
    with pytest.raises(DeepcohortError, match="hardly any new allele"):
        make_loci(replace(task, scenarios=(Scenario("neutral"), impossible)), 1, range(1, 2))


def test_unlinked_snps_are_those_of_msprime():
    """The joint spectrum of the scenario with growth and migration, against msprime's trees."""
    v = {
        "generation_years": 9.0, "ne": 1e5, "size_ratio": 2.0, "t3": 6e3, "t2": 6e4, "t1_growth": 3e5, "t1": 1e6,
        "lgm_1": 20.0, "lgm_2": 50.0, "pleistocene_1": 0.7, "pleistocene_2": 0.6,
        "m12_lgm": 2.0, "m21_lgm": 1.0, "m12": 0.5, "m21": 3.0,
    }  # fmt: skip
    e = cold_stage_epochs(v)
    ours = snp_counts(e, np.array([6, 4]), 6_000, 7)
    d = msprime.Demography()
    for k in range(2):
        d.add_population(name=f"p{k}", initial_size=e.sizes[0, k])
    for i in range(1, len(e.starts)):
        for k in range(2):
            d.add_population_parameters_change(
                time=e.starts[i], initial_size=e.sizes[i, k], growth_rate=e.growths[i, k], population=k
            )
            d.add_migration_rate_change(time=e.starts[i], rate=e.migration[i, k, 1 - k], source=k, dest=1 - k)
    d.add_mass_migration(time=e.starts[-1], source=0, dest=1, proportion=1)
    rng = np.random.default_rng(1)
    theirs = np.zeros((3_000, 2), int)
    samples = [msprime.SampleSet(n, population=k, ploidy=1) for k, n in enumerate((6, 4))]
    for i, ts in enumerate(
        msprime.sim_ancestry(samples, demography=d, ploidy=1, num_replicates=3_000, random_seed=3)
    ):
        tree = ts.first()
        length = np.array([0.0 if u == tree.root else tree.branch_length(u) for u in range(ts.num_nodes)])
        below = np.array(list(tree.samples(rng.choice(ts.num_nodes, p=length / length.sum()))))
        theirs[i] = (below < 6).sum(), (below >= 6).sum()
    for total in (1, 2, 5):
        a, b = ((x.sum(axis=1) == total).mean() for x in (ours, theirs))
        assert abs(a - b) < 4 * (0.25 / 3_000) ** 0.5
    assert ours.mean(axis=0) == pytest.approx(theirs.mean(axis=0), rel=0.1)


def test_growth_makes_rare_alleles_and_a_split_makes_fst():
    grown = to_demography(read_history(
        "time_units: generations\ndemes:\n  - {name: A, epochs: [{start_size: 100, end_time: 50}, {start_size: 100, end_size: 50000}]}\n", "x"
    ), "x")  # fmt: skip
    constant = to_demography(
        read_history("time_units: generations\ndemes:\n  - {name: A, epochs: [{start_size: 100}]}\n", "x"),
        "x",
    )
    rare = [
        (snp_counts(epochs_of(d)[0], np.array([20]), 3_000, 5)[:, 0] == 1).mean() for d in (grown, constant)
    ]
    assert rare[0] > rare[1] + 0.1
    assert rare[1] == pytest.approx(1 / harmonic(20), abs=0.06)


def test_locus_does_not_depend_on_shards_threads_or_order(tmp_path, monkeypatch):
    monkeypatch.setattr("deepcohort.popgen.shards.SHARD_LOCI", 4)
    task = small_task(tmp_path)
    simulate(task, 12, tmp_path / "one", seed=5, quiet=True)
    for k in (2, 1):
        simulate(task, 12, tmp_path / "two", seed=5, shard=(k, 2), quiet=True)
    for k in range(3):
        name = f"loci_{k:05d}.npz"
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    written = (tmp_path / "one" / "loci_00001.npz").stat().st_mtime_ns
    (tmp_path / "one" / "loci_00002.npz").unlink()
    with pytest.raises(DeepcohortError, match="is missing"):
        open_simulations(tmp_path / "one").read()
    simulate(task, 12, tmp_path / "one", seed=5, quiet=True)
    assert (tmp_path / "one" / "loci_00001.npz").stat().st_mtime_ns == written
    with pytest.raises(DeepcohortError, match="another task, seed or number"):
        simulate(task, 12, tmp_path / "one", seed=6, quiet=True)
    (tmp_path / "two" / "loci_00000.npz").write_bytes(b"PK spoilt")
    with pytest.raises(DeepcohortError, match="is damaged"):
        open_simulations(tmp_path / "two").read()


def test_ms_text_holds_every_locus(tmp_path):
    task = replace(built_in()["cold_stages"], unlinked_snps=30)
    made = simulate(task, 3, tmp_path / "cold", quiet=True)
    write_ms(made, tmp_path / "x.ms")
    text = (tmp_path / "x.ms").read_text()
    assert text.count("//") == 3
    assert text.startswith("ms 40 3\n")
    block = text.split("// stable")[1].split("//")[0].splitlines()[3:]
    haplotypes = np.array([[int(c) for c in line] for line in block if line])
    assert haplotypes.shape == (40, 30)
    locus = made.read().locus(0)
    assert haplotypes[:28].sum(axis=0).tolist() == locus.alleles[:, 0].tolist()


def test_ancient_samples_are_older_and_fewer_sites_are_derived_only_there(tmp_path):
    groups = (Group("present", 12), Group("old", 6, age_years=80))
    loci = make_loci(small_task(tmp_path, groups=groups), 2, range(4))
    assert loci.alleles.shape[1] == 18
    assert loci.rows.ages_years == (0.0, 80.0)
    assert [s.stop - s.start for s in loci.rows.slices()] == [12, 6]


def test_invalid_demes_files_of_the_specification_are_refused_in_one_line(shared_data):
    files = sorted((shared_data / "popgen" / "demes" / "spec_test_cases" / "invalid").glob("*.y*ml"))
    if not files:
        pytest.skip("no specification cases in the data")
    for path in files:
        with pytest.raises(DeepcohortError) as caught:
            history_of(str(path))
        assert "\n" not in str(caught.value), path.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind = 'magic'", "kind 'magic' is unknown"),
        ("base = 'none'", "base 'none' is unknown"),
        ("colour = 3\nbase = 'balancing'", "unknown task settings colour"),
        ("base = 'balancing'\nlocus_bp = 5", "locus_bp is 5"),
        ("base = 'balancing'\nrecombination = [1, 2, 3]", "wrong form"),
        ("base = [", "cannot be read as TOML"),
        ("base = 'balancing'\nhistory = 'absent.yaml'", None),
        ("base = 'balancing'\nunlinked_snps = 100", "set unlinked_snps = 0"),
        ("base = 'demography'\nhotspot_share = 0.5", "hotspot_share is for kind selection alone"),
        ("base = 'cold_stages'\nunlinked_snps = 0", "unlinked_snps of 1 at least"),
        ("base = 'cold_stages'\n[[groups]]\nname = 'a'\nhaplotypes = 4", "needs two groups"),
        ("base = 'cold_stages'\n[[scenarios]]\nlabel = 'a'\n[[scenarios]]\nlabel = 'b'", "stable, both_exp"),
        (
            "base = 'balancing'\n[[groups]]\nname = 'a'\nhaplotypes = 4\ndeme = 'YRI'",
            "focal deme .CEU. alone",
        ),
        ("base = 'balancing'\n[[groups]]\nname = 'a'\nhaplotypes = 4\nage_years = -5", "below 0"),
        (
            "base = 'demography'\n[[groups]]\nname = 'a'\nhaplotypes = 4\ndeme = 'A'\nage_years = 900",
            "sampled in the present",
        ),
        (
            "base = 'demography'\n"
            "[[groups]]\nname = 'a'\nhaplotypes = 4\ndeme = 'A'\n[[groups]]\nname = 'b'\nhaplotypes = 8",
            "must be of different demes",
        ),
        (
            "base = 'balancing'\n[[scenarios]]\nlabel = 'neutral'\n[[scenarios]]\nlabel = 'o'\ns = [0.1]\n"
            "mode = 'overdominance'\nonset_years = [20000, 5000]",
            "onset_years must be two ascending",
        ),
    ],
)
def test_bad_task_files(tmp_path, text, message):
    path = tmp_path / "t.toml"
    path.write_text(text if "base" in text else text + "\nscenarios = []\ngroups = []\nname = 'x'")
    if message is None:
        with pytest.raises(DeepcohortError, match="does not exist"):
            make_loci(find_task(path), 1, range(1))
    else:
        with pytest.raises(DeepcohortError, match=message):
            find_task(path)


def test_ages_are_counted_in_the_generations_of_the_history(monkeypatch):
    deme = "time_units: years\ngeneration_time: 10\ndemes:\n  - {name: A, epochs: [{start_size: 500}]}\n"
    task = Task(
        "t", "history", (Scenario("a", demes=deme), Scenario("b", demes=deme)),
        (Group("now", 4), Group("old", 4, age_years=1_000)), focal="A", locus_bp=1_000,
    )  # fmt: skip
    times, simulate_ancestry = [], msprime.sim_ancestry

    def noted(sets, **settings):
        times.extend(s.time for s in sets)
        return simulate_ancestry(sets, **settings)

    monkeypatch.setattr(msprime, "sim_ancestry", noted)
    make_loci(task, 1, range(1))
    assert times == [0, 100]


def test_a_task_file_changes_a_built_in_task(tmp_path):
    (tmp_path / "t.toml").write_text(
        "base = 'demography'\nunlinked_snps = 20\n[[groups]]\nname = 'A'\nhaplotypes = 8\ndeme = 'A'\n"
    )
    loci = make_loci(find_task(tmp_path / "t.toml"), 1, range(8))
    assert loci.alleles.shape == (160, 1)
    assert loci.rows.copies.tolist() == [8]


def test_unknown_demes_and_names_without_priors():
    task = Task(
        "t", "history", (Scenario("a", demes="$x"), Scenario("b", demes="$x")), (Group("A", 4),), focal="A"
    )
    with pytest.raises(DeepcohortError, match="which has no prior"):
        make_loci(task, 1, range(1))
    with pytest.raises(DeepcohortError, match="no deme Z"):
        make_loci(replace(built_in()["demography"], groups=(Group("Z", 4, deme="Z"),)), 1, range(1))


def test_older_selection_than_the_deme_is_refused():
    task = built_in()["balancing"]
    old = replace(task, scenarios=tuple(replace(s, onset_years=(60_000, 60_000)) for s in task.scenarios))
    with pytest.raises(DeepcohortError, match="deme CEU lives from"):
        make_loci(old, 1, range(1))
