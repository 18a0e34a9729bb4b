"""Thresholds by the scores of a VCF that has them, of a sample and of a cohort."""

import gzip

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.filter.config import FilterConfig
from deepcohort.filter.scored import filter_scored
from deepcohort.filter.thresholds import fdr_thresholds, sensitivity_thresholds
from test_tranches import rows_of, run, write_vcf

ALTS = ('##INFO=<ID=DC_ALT_SCORE,Number=A,Type=Float,Description="x">',)
TRAINED = ('##INFO=<ID=DC_SCORE,Number=1,Type=Float,Description="odds, as trained">',)


def a_vcf(path, header=ALTS):
    """200 SNPs of odds 2 to -2, two indels, records that must stay as they are."""
    rng = np.random.default_rng(3)
    scores = np.round(rng.normal(1.5, 1, 200), 3)
    rows = [f"c {10 * (i + 1)} . A C . DCLow DC_SCORE={s:.3f}" for i, s in enumerate(scores)]
    rows += [
        "c 3000 . A AT . . DC_SCORE=1.5",
        "c 3010 . A C,AT . q10 DC_SCORE=-4.000;DC_ALT_SCORE=-4.000,.",  # a SNP: the other ALT has no score
        "c 3020 . AT C . q10 DC_SCORE=-0.700",
        "d 10 . A <DEL> . DCLow X=1",
    ]
    return write_vcf(path, rows, header), np.append(scores, -4.0), np.array([1.5, -0.7])


@pytest.mark.parametrize(("share", "sensitivity"), [(0.05, None), (None, 99.0), (0.01, None)])
def test_thresholds_by_all_scores(tmp_path, share, sensitivity):
    vcf, snps, indels = a_vcf(tmp_path / "v.vcf")
    out = tmp_path / "out.vcf.gz"
    score, is_snp = np.append(snps, indels), np.arange(len(snps) + 2) < len(snps)
    config = FilterConfig(fdr=share, sensitivity=sensitivity)
    expected = (
        fdr_thresholds(share, score, is_snp)
        if share
        else sensitivity_thresholds(sensitivity, score, is_snp, config.prior)
    )
    done = filter_scored(vcf, out, config)
    assert (done.snp_threshold, done.indel_threshold) == pytest.approx(expected)
    assert (done.n_records, done.n_scored) == (204, 203)
    low = score < np.where(is_snp, *expected)
    assert done.n_low == low.sum()
    assert 0 < low.sum() < 203
    before, after = rows_of(vcf), rows_of(out)
    assert [x[:6] + x[7:] for x in before] == [x[:6] + x[7:] for x in after]
    at = [*range(200), 201, 200, 202]  # as in the file
    assert [("DCLow" in x[6]) for x in after[:203]] == [bool(low[at[i]]) for i in range(203)]
    assert after[201][6] == "q10;DCLow"
    assert after[203] == before[203]
    if share:  # what it promises, by the scores
        wrong = 1 / (1 + 10.0 ** score[is_snp & ~low])
        assert wrong.mean() <= share
    with gzip.open(out, "rt") as file:
        told = [line for line in file if line.startswith("##FILTER=<ID=DCLow")]
    assert len(told) == 1
    assert f"below {expected[0]:g} (SNP)" in told[0]


def test_by_the_command(tmp_path):
    vcf, *_ = a_vcf(tmp_path / "v.vcf")
    out = str(tmp_path / "out.vcf.gz")
    done = run("--vcf", vcf, "--output", out, "--snp-threshold", "1")
    assert done.exit_code == 0
    assert "(thresholds 1.00, -0.50)" in done.output  # a cohort's default, however few the indels
    assert {x[6] for x in rows_of(out) if x[7] == "DC_SCORE=-0.700"} == {"q10;DCLow"}
    single, *_ = a_vcf(tmp_path / "s.vcf", header=())
    assert "-2.00)" in run("--vcf", single, "--output", out, "--snp-threshold", "1").output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fdr", "0.1", "--sensitivity", "99"], "exclude each other"),
        (["--fdr", "0.1", "--trained", "t"], "--trained needs reads"),
        (["--fdr", "0.1", "--regions", "t.bed"], "--regions needs reads"),
        (["--fdr", "0.1", "--reads", "a=b", "--regions", "t.bed"], "exclude --regions"),
    ],
)
def test_options(tmp_path, words, message):
    vcf, *_ = a_vcf(tmp_path / "v.vcf")
    with pytest.raises(DeepcohortError, match=message):
        run("--vcf", vcf, "--output", str(tmp_path / "o.vcf.gz"), *words)


def test_what_has_no_promise_is_refused(tmp_path):
    plain = write_vcf(tmp_path / "p.vcf", ["c 10 . A C . . X=1"])
    out = tmp_path / "o.vcf.gz"
    with pytest.raises(DeepcohortError, match=r"no record of .* has INFO/DC_SCORE; score it first"):
        filter_scored(plain, out, FilterConfig(fdr=0.1))
    trained, *_ = a_vcf(tmp_path / "t.vcf", TRAINED)
    with pytest.raises(
        DeepcohortError, match="scored by a trained filter, and --fdr is for the network's own"
    ):
        filter_scored(trained, out, FilterConfig(fdr=0.1))
    assert not out.exists()
    kept = filter_scored(trained, out, FilterConfig(sensitivity=99))  # calibrated: no share is fitted
    _, snps, indels = a_vcf(tmp_path / "again.vcf")
    score, is_snp = np.append(snps, indels), np.arange(203) < 201
    # without DC_ALT_SCORE the record of two ALTs counts as an indel
    is_snp[200] = False
    assert kept.snp_threshold == pytest.approx(sensitivity_thresholds(99, score, is_snp, None)[0])
