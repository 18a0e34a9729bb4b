"""Histories, rates and recombination maps drawn anew for every locus."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.popgen.archive import Judge, read_pop_model
from deepcohort.popgen.config import Observation
from deepcohort.popgen.encode import encode_loci
from deepcohort.popgen.recombination import draw_map
from deepcohort.popgen.scan import scan
from deepcohort.popgen.shards import make_loci, open_simulations, simulate
from deepcohort.popgen.statistics import harmonic
from deepcohort.popgen.tasks import built_in, find_task
from deepcohort.popgen.train import train
from popgen_builders import CONSTANT, QUICK, records_of, small_task, vcf_text

RANDOM = CONSTANT.replace("start_size: 1000", "start_size: $size, end_time: $time}, {start_size: 1000")


def test_a_map_holds_its_share_in_hotspots_and_can_be_undone():
    crossovers = draw_map(50_000.0, 0.6, np.random.default_rng(3))
    assert crossovers.physical[[0, -1]].tolist() == crossovers.genetic[[0, -1]].tolist() == [0, 50_000]
    assert (np.diff(crossovers.genetic) > 0).all()
    density = np.diff(crossovers.genetic) / np.diff(crossovers.physical)
    hot = density > 0.4 + 1e-9
    assert (
        np.diff(crossovers.genetic)[hot].sum() - 0.4 * np.diff(crossovers.physical)[hot].sum()
    ) / 50_000 == (pytest.approx(0.6))
    places = np.array([1.0, 12_345.0, 49_999.0])
    there = np.array([crossovers.to_genetic(x) for x in places])
    assert crossovers.to_physical(there) == pytest.approx(places)
    rates = crossovers.mutation_map(1e-8)
    assert rates.total_mass == pytest.approx(1e-8 * 50_000)


def test_hotspots_leave_the_number_and_places_of_neutral_sites_as_they_are(tmp_path):
    task = small_task(tmp_path, hotspot_share=(0.8, 0.8))
    loci = make_loci(replace(task, scenarios=task.scenarios[::-1]), 1, range(1, 300, 2))
    sites = np.diff(loci.offsets)
    theta = 4 * 1000 * task.mutation_rate[0] * task.locus_bp
    assert abs(sites.mean() - theta * harmonic(12)) < 4 * sites.std() / len(sites) ** 0.5
    quarters = np.histogram(loci.positions, np.linspace(0, task.locus_bp, 5))[0] / len(loci.positions)
    assert quarters == pytest.approx(0.25, abs=0.05)
    assert all((np.diff(loci.locus(i).positions) >= 0).all() for i in range(20))


def test_drawn_values_are_recorded_and_follow_their_priors(tmp_path):
    task = small_task(
        tmp_path, mutation_rate=(1e-7, 4e-7), hotspot_share=(0.0, 0.5),
        priors=(("size", (500.0, 8_000.0, "log")), ("time", (150.0, 300.0, "uniform"))),
    )  # fmt: skip
    (tmp_path / "constant.yaml").write_text(RANDOM)
    assert task.parameter_names[4:] == ("mutation_rate", "hotspot_share", "size", "time")
    loci = make_loci(task, 1, range(40))
    drawn = dict(zip(task.parameter_names[4:], loci.parameters[:, 4:].T, strict=True))
    for name, low, high in (("mutation_rate", 1e-7, 4e-7), ("hotspot_share", 0, 0.5), ("size", 500, 8_000)):
        assert low <= drawn[name].min() < drawn[name].max() <= high, name
    # each locus from its own seed; larger ancestral sizes leave more sites
    alone = make_loci(task, 1, range(7, 8))
    assert alone.parameters[0] == pytest.approx(loci.parameters[7], nan_ok=True)
    assert np.array_equal(alone.locus(0).alleles, loci.locus(7).alleles)
    theta = drawn["size"] * drawn["mutation_rate"]
    assert np.corrcoef(np.log(theta), np.log(np.diff(loci.offsets)))[0, 1] > 0.5


def test_a_history_without_a_prior_or_a_deme_is_refused(tmp_path):
    task = small_task(tmp_path, priors=(("size", (500.0, 800.0, "log")),))
    (tmp_path / "constant.yaml").write_text(RANDOM)
    with pytest.raises(DeepcohortError, match="names 'time', which has no prior"):
        make_loci(task, 1, range(1))
    both = (*task.priors, ("time", (200.0, 200.0, "uniform")))
    with pytest.raises(DeepcohortError, match="no deme B"):
        make_loci(replace(task, focal="B", priors=both), 1, range(1))
    negative = (*task.priors, ("time", (-5.0, -1.0, "uniform")))
    with pytest.raises(DeepcohortError, match="not a valid Demes history with the values drawn"):
        make_loci(replace(task, priors=negative), 1, range(1))
    with pytest.raises(DeepcohortError, match="prior of size must be"):
        replace(task, priors=(("size", (5.0, 1.0, "log")),))
    with pytest.raises(DeepcohortError, match="hotspot_share must be two ascending"):
        replace(task, hotspot_share=(0.5, 0.99))


def test_task_files_take_one_rate_or_two_and_priors(tmp_path):
    (tmp_path / "mine.yaml").write_text(RANDOM)
    (tmp_path / "t.toml").write_text(
        'base = "balancing"\nhistory = "mine.yaml"\nfocal = "A"\nmutation_rate = 2e-8\nrecombination = [1e-9, 1e-8]\n'
        '[priors]\nsize = [500, 900, "log"]\ntime = [400, 500, "uniform"]\n'
    )
    task = find_task(tmp_path / "t.toml")
    assert task.mutation_rate == (2e-8, 2e-8)
    assert task.priors[1] == ("time", (400.0, 500.0, "uniform"))
    made = simulate(task, 2, tmp_path / "out", quiet=True)
    assert open_simulations(tmp_path / "out").task == made.task == task


@pytest.mark.parametrize("name", ["balancing_any", "sweep_any"])
def test_histories_at_random_can_all_be_simulated(name):
    loci = make_loci(built_in()[name], 5, range(12))
    assert np.diff(loci.offsets).min() > 5
    assert np.isfinite(loci.parameters[:, 3:]).all()


def test_a_model_of_random_histories_judges_windows_in_their_genome(tmp_path):
    task = small_task(
        tmp_path, priors=(("size", (300.0, 9_000.0, "log")), ("time", (150.0, 300.0, "uniform")))
    )
    (tmp_path / "constant.yaml").write_text(RANDOM)
    made = simulate(task, 240, tmp_path / "sims", quiet=True)
    result = train(made, tmp_path / "run", replace(QUICK, epochs=2), quiet=True)
    model = read_pop_model(result.model)
    assert model.background is not None
    loci = make_loci(task, 9, range(0, 60, 2))
    x = encode_loci(loci, model.encoding, Observation())
    judge = Judge(model)
    one, two = (
        judge(x.pixels, x.features, np.full(model.background.axes.shape[1], v)).p for v in (-2.0, 2.0)
    )
    assert np.abs(one - two).max() > 1e-3
    unknown = judge(x.pixels, x.features).p
    assert np.array_equal(unknown, judge(x.pixels, x.features, np.zeros(model.background.axes.shape[1])).p)
    records = records_of(loci.locus(0).alleles, loci.locus(0).positions, "|")
    path = tmp_path / "wide.vcf"
    for n, known in ((20, False), (60, True)):
        path.write_text(vcf_text({f"c{k}": (20_001, records) for k in range(n)}, 6))
        found = scan(path, model, quiet=True)
        assert found.extremes.known == known
        assert any("do not tell what this genome looks like" in note for note in found.notes) != known
        context = model.background.context(found.features) if known else None
        assert found.judgement.p[0] == pytest.approx(
            judge(*encoded_like(path, model), context).p[0], abs=1e-6
        )


def encoded_like(path, model):
    """The first window of a scan as the network takes it."""
    from deepcohort.popgen.encode import encode_windows
    from deepcohort.popgen.io_scan import open_cohort, read_contigs
    from deepcohort.popgen.scan import Chooser, observe_window, windows_of

    reader, samples = open_cohort(path, None)
    contig = next(read_contigs(reader, path, False))
    window = windows_of(contig, 20_000, 10_000)[0]
    seen = observe_window(contig, window, Chooser(model, samples, None), model.observation, False)
    return encode_windows([seen], model.encoding)
