"""Training a filter on labelled records, thresholds, annotations."""

import gzip
import random
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.cli.filter import app
from deepcohort.compose.filter_run import TrainingInput, label, read_training_manifest, train
from deepcohort.core.errors import DeepcohortError
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.annotations import annotations_of
from deepcohort.filter.apply import filter_vcf
from deepcohort.filter.caller_classifier import load_head
from deepcohort.filter.config import FilterConfig, TrainFilterConfig
from deepcohort.filter.records import parse_record
from deepcohort.filter.thresholds import (
    default_thresholds,
    fdr_thresholds,
    sensitivity_thresholds,
    true_share,
)
from deepcohort.filter.train import RIGHT, UNKNOWN, WRONG, Labelled, best_threshold, fit
from naive_predictor import NaivePredictor
from typer.testing import CliRunner

_CONTIG, _LENGTH_BP, _READ_BP, _DEPTH = "c", 60_000, 100, 8
_HEADER = (
    f"##fileformat=VCFv4.2\n##contig=<ID={_CONTIG},length={_LENGTH_BP}>\n"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    '##INFO=<ID=ALTS,Number=A,Type=Integer,Description="ALT reads">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
)


def write_vcf(path: Path, rows: list[str]) -> Path:
    path.write_text(_HEADER + "".join(f"{row}\n" for row in rows))
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return Path(f"{path}.gz")


def make_sample(folder: Path, seed: int) -> TrainingInput:
    """Reads with errors of low quality, true SNPs, and the calls of a caller that only counts bases."""
    folder.mkdir()
    rng = random.Random(seed)
    genome = "".join(random.Random(0).choices("ACGT", k=_LENGTH_BP))
    (folder / "ref.fa").write_text(f">{_CONTIG}\n{genome}\n")
    pysam.faidx(str(folder / "ref.fa"))
    truth = {
        pos: (rng.choice([b for b in "ACGT" if b != genome[pos]]), rng.choice((1, 1, 2)))
        for pos in sorted(rng.sample(range(200, _LENGTH_BP - 200), 130))
    }
    lines, counts = [], {}
    for k in range(_LENGTH_BP * _DEPTH // _READ_BP):
        start, copy = rng.randrange(0, _LENGTH_BP - _READ_BP), rng.randrange(2)
        bases, quals = [], []
        for pos in range(start, start + _READ_BP):
            base = genome[pos]
            if pos in truth and copy < truth[pos][1]:
                base = truth[pos][0]
            wrong = rng.random() < 0.03
            bases.append(rng.choice([b for b in "ACGT" if b != base]) if wrong else base)
            quals.append(rng.randint(11, 26) if wrong else rng.randint(18, 40))
            here = counts.setdefault(pos, {})
            here[bases[-1]] = here.get(bases[-1], 0) + 1
        flag = rng.choice((0, 16))
        lines.append(
            (start, f"r{k}\t{flag}\t{_CONTIG}\t{start + 1}\t60\t{_READ_BP}M\t*\t0\t0\t{''.join(bases)}\t"
             + "".join(chr(33 + q) for q in quals))
        )  # fmt: skip
    sam = folder / "reads.sam"
    header = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:{_CONTIG}\tLN:{_LENGTH_BP}\n@RG\tID:1\tSM:S\n"
    sam.write_text(header + "".join(f"{text}\n" for _, text in sorted(lines)))
    bam = folder / "reads.bam"
    pysam.view("-b", "-o", str(bam), str(sam), catch_stdout=False)
    pysam.index(str(bam))
    calls = []
    for pos in sorted(counts):
        total = sum(counts[pos].values())
        for base, n in sorted(counts[pos].items()):
            if base != genome[pos] and n >= 2 and n > 0.1 * total:
                gt = "1/1" if n > 0.8 * total else "0/1"
                calls.append(
                    f"{_CONTIG}\t{pos + 1}\t.\t{genome[pos]}\t{base}\t{10 * n}\t.\tALTS={n}\tGT\t{gt}"
                )
    true = [
        f"{_CONTIG}\t{pos + 1}\t.\t{genome[pos]}\t{alt}\t50\t.\t.\tGT\t{'1/1' if n == 2 else '0/1'}"
        for pos, (alt, n) in truth.items()
    ]
    return TrainingInput(
        write_vcf(folder / "calls.vcf", calls), (bam,), write_vcf(folder / "truth.vcf", true), None
    )


def area(vcf: Path, labels: np.ndarray, key: str) -> float:
    """Area under precision and recall (of the true records called) by QUAL or INFO/DC_SCORE."""
    with pysam.VariantFile(str(vcf)) as file:
        scores = np.array([r.qual if key == "QUAL" else r.info[key] for r in file])
    right = labels == RIGHT
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    tp, n = np.cumsum(right[order])[last], np.arange(1, len(scores) + 1)[last]
    return float(np.sum(np.diff(tp, prepend=0) / right.sum() * tp / n))


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filter")
    return [make_sample(folder / str(seed), seed) for seed in (1, 2)]


def test_training_on_one_sample_improves_another(samples, tmp_path, monkeypatch):
    # the made-up qualities promise too much; lowered as they would be, networks alone leave training nothing to win
    monkeypatch.setattr("deepcohort.reads.library.lowered_qualities", lambda *_: ())
    first, second = samples
    reference = second.vcf.parent / "ref.fa"
    labels = label(second, reference).labels(_CONTIG)
    assert (labels == WRONG).sum() > 100
    assert UNKNOWN not in labels
    path = tmp_path / "counter.dcfilter"
    head = train([first], reference, path, NaivePredictor(), TrainFilterConfig())
    assert head.about["wrong"] == (label(first, reference).labels(_CONTIG) == WRONG).sum()
    out = {}
    for name, trained in (("plain", None), ("trained", load_head(path))):
        out[name] = tmp_path / f"{name}.vcf.gz"
        filter_vcf(second.vcf, second.reads, reference, out[name], NaivePredictor(), FilterConfig(), trained)
    by_qual = area(second.vcf, labels, "QUAL")
    by_head = area(out["trained"], labels, "DC_SCORE")
    assert by_qual < 0.97
    assert by_head > by_qual + 0.02
    assert by_head > area(out["plain"], labels, "DC_SCORE") - 0.002
    with pysam.VariantFile(str(out["trained"])) as file:
        passed = np.array(["PASS" in r.filter for r in file])
    right = labels == RIGHT

    def f1(keep):
        return 2 * (keep & right).sum() / (keep.sum() + right.sum())

    assert f1(passed) > f1(np.ones(len(labels), bool)) + 0.1
    # the same bytes again; another seed is another filter
    again = tmp_path / "again.dcfilter"
    assert train([first], reference, again, NaivePredictor(), TrainFilterConfig()).w1.tolist() == (
        load_head(path).w1.tolist()
    )


@pytest.mark.parametrize("filled", [1, 2, 5])
def test_a_stretch_that_fills_few_folds_trains_all_it_has(filled):
    """A network whose fold was empty would stop after an epoch and blunt the mean of all."""
    rng = np.random.default_rng(5)
    right = rng.random(600) < 0.5
    inputs = rng.normal(size=(600, 4)) + right[:, None]
    data = Labelled(
        inputs, right, np.ones(600, bool), rng.integers(0, filled, 600) * (1 if filled == 5 else 2)
    )
    head = fit(data, (300, 0), TrainFilterConfig())
    assert len(head.b2) == (filled if filled > 1 else 5)
    logits = head.logits(inputs)
    loss = np.mean(np.logaddexp(0, logits) - right * logits, axis=1)
    assert (loss < 0.45).all()  # ln 2 of a coin
    odds = head.score(inputs) * np.log(10)
    assert np.mean(np.logaddexp(0, odds) - right * odds) < 0.42


def test_filter_of_another_network_is_refused(samples, tmp_path):
    from dataclasses import replace

    first, _ = samples
    reference = first.vcf.parent / "ref.fa"
    path = tmp_path / "x.dcfilter"
    train([first], reference, path, NaivePredictor(), TrainFilterConfig(epochs=1))
    other = replace(load_head(path), model_version="0.0.0-other")
    with pytest.raises(DeepcohortError, match=r"was trained on model .* 0.0.0-other, this one is"):
        filter_vcf(
            first.vcf, first.reads, reference, tmp_path / "o.vcf.gz", NaivePredictor(), FilterConfig(), other
        )
    path.write_bytes(b"PK no zip")
    with pytest.raises(DeepcohortError, match="no trained filter"):
        load_head(path)


def test_too_few_wrong_records(samples, tmp_path):
    first, _ = samples
    few = TrainingInput(first.truth, first.reads, first.truth, None)
    with pytest.raises(DeepcohortError, match=r"130 right and 0 wrong records .* too few"):
        train([few], first.vcf.parent / "ref.fa", tmp_path / "x", NaivePredictor(), TrainFilterConfig())
    assert not (tmp_path / "x").exists()


def test_share_of_true_records_is_found():
    """Scores of a calibrated judge at prior 0.5: of 300 records 240 are true."""
    rng = np.random.default_rng(3)
    true = np.arange(300) < 240
    score = np.where(true, 2, -2) + rng.normal(0, 1.32, 300)  # log10 likelihood ratio of two normals
    score *= 4 / (1.32**2) / np.log(10)
    share, shift = true_share(score, 0.5)
    assert share == pytest.approx(0.8, abs=0.02)
    assert shift == pytest.approx(np.log10(0.8 / 0.2), abs=0.06)


def test_default_thresholds():
    config = FilterConfig(min_records=100)
    snp = np.arange(300) < 200
    score = np.zeros(300)
    assert default_thresholds(score, snp, config) == (-0.5, -0.5)
    score[0] = score[250] = np.nan  # not scored: 99 indels are left
    assert default_thresholds(score, snp, config) == (-0.5, -2.0)
    assert default_thresholds(score[:0], snp[:0], config) == (-2.0, -2.0)


def test_sensitivity():
    """Four sure records and four of even odds: 4 + 2 expected true; one even one lost leaves 5.5 / 6."""
    score = np.array([9.0] * 4 + [0.0, 0.1, 0.2, 0.3, np.nan])
    snp = np.ones(9, bool)
    assert sensitivity_thresholds(100, score, snp, None) == (-np.inf, -np.inf)
    kept = {s: (score[:8] >= sensitivity_thresholds(s, score, snp, None)[0]).sum() for s in (99, 91, 80, 60)}
    assert kept == {99: 8, 91: 7, 80: 6, 60: 4}


def test_fdr():
    """Eight sure records and two of even odds: none wrong of 8, one of 10."""
    score = np.array([12.0] * 8 + [0.0, 0.0, np.nan])
    snp = np.ones(11, bool)
    assert fdr_thresholds(0.05, score, snp) == (12, -np.inf)
    assert fdr_thresholds(0.09, score, snp) == (12, -np.inf)  # equal scores stay together
    assert fdr_thresholds(0.101, score, ~snp) == (-np.inf, 0)
    assert fdr_thresholds(0.3, score[8:], snp[8:]) == (np.inf, -np.inf)


def test_fdr_is_kept_by_calibrated_scores():
    rng = np.random.default_rng(4)
    score = rng.normal(1, 2, 40_000)
    right = rng.random(40_000) < 1 / (1 + 10.0**-score)
    snp = np.arange(40_000) % 2 == 0
    for wanted in (0.005, 0.02, 0.1):
        for threshold, own in zip(fdr_thresholds(wanted, score, snp), (snp, ~snp), strict=True):
            kept = own & (score >= threshold)
            assert 0.7 * wanted < (~right[kept]).mean() < 1.3 * wanted
            more = own & (score >= threshold - 0.5)  # and no fewer were kept than could be
            assert (1 / (1 + 10.0 ** score[more])).mean() > wanted


@pytest.mark.parametrize("bad", [0, -0.1, 1])
def test_fdr_out_of_range(bad):
    with pytest.raises(DeepcohortError, match="between 0 and 1"):
        FilterConfig(fdr=bad)


@pytest.mark.parametrize("bad", [0, -1, 101])
def test_sensitivity_out_of_range(bad):
    with pytest.raises(DeepcohortError, match="between 0 and 100"):
        FilterConfig(sensitivity=bad)


def test_best_threshold():
    score = np.array([-3.0, -2.0, -1.0, 1.0, 2.0])
    right = np.array([False, True, False, True, True])
    # of 3 true: all kept 6/8; without the first 6/7; three best 4/6 + ...
    assert best_threshold(score, right, 3) == -2.5
    assert best_threshold(score, np.ones(5, bool), 5) < -3
    assert best_threshold(np.array([1.0, 2.0]), np.array([False, True]), 1) == 0.0  # never above 0
    assert best_threshold(np.empty(0), np.empty(0, bool), 3) == 0.0


def test_annotations():
    header = [
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="x">',
        '##INFO=<ID=AO,Number=A,Type=Float,Description="x">',
        '##INFO=<ID=CIGAR,Number=A,Type=String,Description="x">',
        '##INFO=<ID=AF,Number=A,Type=Float,Description="cohort">',
        '##INFO=<ID=X,Number=.,Type=Float,Description="x">',
    ]
    wanted = annotations_of(header)
    assert wanted.names == ("QUAL", "FORMAT/GQ", "AO", "DP")
    lines = [
        line.encode().split(b"\t")
        for line in (
            "c\t5\t.\tA\tC,G\t7.5\t.\tDP=3;AO=4,9\tGT:GQ\t0/2:33",
            "c\t6\t.\tA\tC\t.\t.\tDB;DP=nan;AO=x\tGT\t0/1",
        )
    ]
    values = wanted.values(lines, [parse_record(fields) for fields in lines])
    assert values[0].tolist() == [7.5, 33, 9, 3]
    assert np.isnan(values[1]).all()


def test_copies_of_a_lone_sample():
    assert parse_record(b"c\t5\t.\tA\tC,G\t.\t.\t.\tGT\t2|2".split(b"\t")) == RecordAlleles(
        4, "A", ("C", "G"), (1,), (2,)
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--vcf", "x"], "--reads is needed"),
        (["--vcf", "x", "--reads", "y", "--output", "o", "--truth", "t"], "--truth is for --train alone"),
        (["--train", "t", "--vcf", "x"], "--train needs --reads"),
        (["--train", "t", "--manifest", "m", "--vcf", "x"], "exclude each other"),
        (["--vcf", "x", "--reads", "y", "--output", "o", "--sensitivity", "99", "--snp-threshold", "0"],
         "exclude each other"),
        (["--vcf", "x", "--reads", "y", "--output", "o", "--sensitivity", "99", "--fdr", "0.01"],
         "exclude each other"),
        (["--vcf", "x", "--reads", "y", "--output", "o", "--trained", "t", "--fdr", "0.01"], "leave out --trained"),
        (["--vcf", "x", "--reads", "s=y", "--output", "o", "--train", "t"], "--train is not for cohorts"),
        (["--vcf", "x", "--reads", "y", "--output", "o", "--threads", "2"], "--threads is for cohorts"),
    ],
)  # fmt: skip
def test_contradicting_options(words, message):
    result = CliRunner().invoke(app, ["--reference", "ref.fa", *words])
    assert isinstance(result.exception, DeepcohortError)
    assert message in str(result.exception)


def test_manifest_problems(tmp_path):
    manifest = tmp_path / "m.tsv"
    manifest.write_text("vcf\treads\ttruth\n")
    with pytest.raises(DeepcohortError, match="needs a header"):
        read_training_manifest(manifest)
    manifest.write_text("vcf\treads\ttruth\tconfident\na.vcf.gz\tb.bam,c.bam\tt.vcf.gz\t\nx\t\t\t\n")
    with pytest.raises(DeepcohortError, match="line 3 lacks reads, truth"):
        read_training_manifest(manifest)
    manifest.write_text("vcf\treads\ttruth\tconfident\na.vcf.gz\tb.bam,c.bam\tt.vcf.gz\t\n")
    (item,) = read_training_manifest(manifest)
    assert item == TrainingInput(
        tmp_path / "a.vcf.gz", (tmp_path / "b.bam", tmp_path / "c.bam"), tmp_path / "t.vcf.gz", None
    )


def test_sensitivity_keeps_that_share(samples, tmp_path):
    first, second = samples
    reference = second.vcf.parent / "ref.fa"
    path = tmp_path / "f.dcfilter"
    train([first], reference, path, NaivePredictor(), TrainFilterConfig(use_annotations=False))
    assert load_head(path).annotations.names == ()
    right = label(second, reference).labels(_CONTIG) == RIGHT
    share = []
    for wanted in (99, 90):
        out = tmp_path / f"{wanted}.vcf.gz"
        config = FilterConfig(sensitivity=wanted)
        filter_vcf(second.vcf, second.reads, reference, out, NaivePredictor(), config, load_head(path))
        with gzip.open(out, "rt") as file:
            body = [line.split("\t")[6] for line in file if not line.startswith("#")]
        kept = np.array([f != "DCLow" for f in body])
        share.append(((kept & right).sum() / right.sum(), (kept & ~right).sum()))
    # what may be lost is shared with false records that look right, so rather more is kept
    assert share[0][0] >= 0.975
    assert share[1][0] >= 0.85
    assert share[1][1] < share[0][1] < (~right).sum()
