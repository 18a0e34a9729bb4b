"""Noise, statistics and images."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.popgen.config import Encoding, Observation, observation_from
from deepcohort.popgen.encode import encode_windows, image
from deepcohort.popgen.observe import expected_shares, observe, observe_counts
from deepcohort.popgen.shards import make_loci, rows_of
from deepcohort.popgen.statistic_kernels import haplotype_classes, mean_r2, shared_lengths
from deepcohort.popgen.statistics import fst, statistics, tajimas_d
from deepcohort.popgen.tasks import built_in
from deepcohort.popgen.types import FULL, MISSING, Observed
from popgen_builders import small_task


def window(haplotypes, positions, length=100.0, phased=True, copies=1):
    """An Observed of 0/1 rows given as texts, '.' missing."""
    matrix = np.array(
        [[MISSING if c == "." else FULL * int(c) for c in row] for row in haplotypes], np.uint8
    ).T
    n = matrix.shape[1]
    return Observed(
        matrix,
        np.array(positions, float),
        length,
        np.zeros(n, np.int16),
        np.full(n, copies, np.int16),
        phased,
    )


def test_shared_lengths_by_hand():
    w = window(["000", "010", "0.0"], [20, 50, 80])
    mean, most = np.zeros((3, 3), np.float32), np.zeros((3, 3), np.float32)
    shared_lengths(w.matrix, w.positions, 100.0, 101, mean, most)
    # rows 0 and 1 share 0-50 around site 20 and 50-100 around 80; row 2 matches both throughout
    assert most[:, 0].tolist() == [1, 1, 1]
    assert mean[:, 0].tolist() == pytest.approx([0.75, 0.5, 0.75])
    assert mean[:, 1].tolist() == pytest.approx([0.75, 0.5, 0.75])


def test_classes_and_ld_by_hand():
    w = window(["0011", "0011", "1100", "1000"], [1, 2, 3, 4])
    sizes = np.zeros(4, np.int64)
    assert haplotype_classes(w.matrix, 0, 4, 101, sizes) == 3
    assert sizes.tolist() == [2, 1, 1, 0]
    assert mean_r2(w.matrix, np.array([0, 2])) == pytest.approx(1.0)


def test_statistics_against_scikit_allel(tmp_path):
    allel = pytest.importorskip("allel", reason="scikit-allel is not installed")
    loci = make_loci(small_task(tmp_path), 4, range(6))
    for i in range(6):
        locus = loci.locus(i)
        w = observe(locus, loci.rows, Observation(polarised=True), 20_000.0, np.random.default_rng(0))
        names, values = statistics(w)
        found = dict(zip(names, values, strict=True))
        h = allel.HaplotypeArray(locus.alleles)
        counts = h.count_alleles()
        assert found["tajimas_d"] == pytest.approx(allel.tajima_d(counts), rel=1e-5)
        assert found["pi_per_kb"] * 20 == pytest.approx(
            allel.mean_pairwise_difference(counts).sum(), rel=1e-5
        )
        h1, h12, _, h2_h1 = allel.garud_h(h)
        assert [found["h1"], found["h12"], found["h2_h1"]] == pytest.approx([h1, h12, h2_h1], rel=1e-4)
    one, two = h[:, :6].count_alleles(max_allele=1), h[:, 6:].count_alleles(max_allele=1)
    top, bottom = allel.hudson_fst(one, two)
    p, q = (x[:, 1] / x.sum(axis=1) for x in (one, two))
    assert fst(p, np.full(len(p), 6.0), q, np.full(len(q), 6.0)) == pytest.approx(
        np.nansum(top) / np.nansum(bottom)
    )


def test_tajimas_d_at_its_limits():
    assert tajimas_d(10, 0, 0.0) == 0
    assert tajimas_d(10, 20, 20 / 2.828968) == pytest.approx(0, abs=1e-5)
    assert tajimas_d(10, 20, 4.0) < -1 < 1 < tajimas_d(10, 20, 10.5)


def test_the_order_of_haplotypes_changes_no_statistic(tmp_path):
    loci = make_loci(small_task(tmp_path), 1, range(4))
    for i in range(4):
        w = observe(loci.locus(i), loci.rows, Observation(), 20_000.0, np.random.default_rng(0))
        order = np.random.default_rng(i).permutation(12)
        assert statistics(w)[1] == pytest.approx(
            statistics(replace(w, matrix=w.matrix[:, order]))[1], rel=1e-5
        )


def test_images_are_rows_of_haplotypes_around_the_middle():
    encoding = Encoding(8, (4,), False, 100)
    w = window(["0011", "0011", "1100", "1.00"], [10, 45, 55, 90])
    x = image(w, encoding)
    assert x.shape == (7, 4, 8)
    columns = np.flatnonzero(x[1].any(axis=0))
    assert columns.tolist() == [2, 3, 4, 5]
    assert (x[0][:, 2:6] > 0).astype(int).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]
    assert x[1][3, 3] == 0
    many = window(["01" * 20, "10" * 20, "00" * 20, "11" * 20], range(2, 82, 2), 82.0)
    assert (image(many, encoding)[1] == 255).all()
    assert not image(window([""] * 4, []), encoding).any()


def test_unlinked_images_do_not_depend_on_the_order_of_snps():
    task = replace(built_in()["cold_stages"], unlinked_snps=50)
    loci = make_loci(task, 1, range(1))
    encoding = Encoding(50, (1, 1), True, 100)
    w = observe(loci.locus(0), loci.rows, Observation(), 100.0, np.random.default_rng(0))
    mixed = replace(w, matrix=w.matrix[np.random.default_rng(1).permutation(len(w.matrix))])
    assert (image(w, encoding) == image(mixed, encoding)).all()
    assert (encode_windows([w], encoding)[1] == encode_windows([mixed], encoding)[1]).all()


def test_reads_give_shares_between_genotypes():
    n, alt = np.array([[0, 20, 20, 20]]), np.array([[0, 0, 10, 20]])
    share = expected_shares(n, alt, 0.01, 2)[0]
    assert np.isnan(share[0])
    assert share[1:].tolist() == pytest.approx([0, 0.5, 1], abs=1e-3)
    weak = expected_shares(np.array([[1, 8, 8, 8]]), np.array([[1, 0, 0, 0]]), 0.01, 2)[0]
    assert 0.2 < weak[0] < 0.7


def test_every_kind_of_noise_leaves_a_matrix_that_can_be_judged(tmp_path):
    loci = make_loci(small_task(tmp_path), 1, range(2))
    for noise in (
        {"phased": "no"}, {"depth": [2, 4]}, {"missing": 0.3}, {"error": 0.02}, {"min_maf": 0.2},
        {"density": 0.3}, {"phased": "no", "depth": 1}, {"pseudo_haploid": True},
    ):  # fmt: skip
        w = observe(loci.locus(1), loci.rows, observation_from(noise), 20_000.0, np.random.default_rng(0))
        assert len(w.matrix) == len(w.positions) > 3, noise
        assert np.isfinite(statistics(w)[1]).all()
        assert w.matrix.shape[1] == (6 if noise.get("phased") == "no" else 12)
    kept = observe(
        loci.locus(1), loci.rows, observation_from({"min_maf": 0.2}), 20_000.0, np.random.default_rng(0)
    )
    share = kept.matrix.mean(axis=1) / FULL
    assert np.minimum(share, 1 - share).min() >= 0.19


def test_counts_with_missing_data_and_without_ancestors():
    rows = rows_of(built_in()["cold_stages"])
    w = observe_counts(
        np.array([[27, 12], [1, 0], [0, 0]]), np.array([[28, 12], [14, 0], [28, 12]]), rows, False, 100.0
    )
    assert w.matrix.tolist() == [[round(FULL / 28), 0], [round(FULL / 14), MISSING]]


def test_bad_observations():
    with pytest.raises(DeepcohortError, match="'colour' is unknown"):
        observation_from({"colour": 1})
    with pytest.raises(DeepcohortError, match="choose from yes, no, both"):
        observation_from({"phased": "maybe"})
    with pytest.raises(DeepcohortError, match="missing must be"):
        observation_from({"missing": [0.5, 0.2]})
    with pytest.raises(DeepcohortError, match="one or two numbers"):
        observation_from({"depth": "deep"})
