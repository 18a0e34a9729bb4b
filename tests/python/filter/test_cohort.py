"""Cohorts: the rule over carriers, genotypes in FORMAT, and the same bytes however the work is cut."""

import gzip
from itertools import pairwise

import numpy as np
import pysam
import pytest
from cyvcf2 import VCF
from deepcohort.annotate.io_segments import segments_of
from deepcohort.calls.merge import merge_shards
from deepcohort.compose import filter_cohort as command
from deepcohort.compose.io_warm import write_warm_inputs
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.filter import blocks
from deepcohort.filter.aggregate import allele_score
from deepcohort.filter.annotations import plain_annotations
from deepcohort.filter.apply import filter_vcf
from deepcohort.filter.caller_classifier import CallerClassifier, save_head
from deepcohort.filter.cohort import check_samples, scored_line
from deepcohort.filter.cohort_scores import LineScores, SampleReads, check_owner
from deepcohort.filter.config import FilterConfig
from deepcohort.filter.genotypes import carriers, with_scores
from deepcohort.filter.score import NETWORK_NAMES
from deepcohort.filter.scored import filter_scored
from naive_predictor import NaivePredictor


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([3.0], 3.0),  # a singleton's is its carrier's
        ([-2.0], -2.0),
        ([2.0] * 10, 2.0),  # carriers that agree pay nothing
        ([5.0] + [-3.0] * 9, 4.0),  # the best of ten
        ([1.0, 5.0], 4.69897),  # log10(2) off the best
        ([1.0, 1.2], 1.0),  # or both
    ],
)
def test_rule_over_carriers(scores, expected):
    assert allele_score(scores) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("n", [1, 2, 10, 200])
def test_rule_is_fair_at_any_number_of_carriers(n):
    """Scores that chance alone gives (P(score > t) = 10^-t) pass as often whatever the number of carriers."""
    rng = np.random.default_rng(5)
    found = np.array([allele_score(row) for row in -np.log10(rng.random((20_000, n)))])
    assert (found > 1).mean() == pytest.approx(0.1, rel=0.1)
    assert (found > 2).mean() == pytest.approx(0.01, rel=0.25)
    best = -np.log10(rng.random((20_000, n)).min(axis=1))
    assert n < 10 or (best > 1).mean() > 0.6  # what the best carrier alone would do


def test_carriers():
    line = b"c\t5\t.\tA\tC,G\t.\t.\t.\tGT:DP\t0|2:9\t./.\t0/0:3\t1/2\t1\t./1"
    found = carriers(line.split(b"\t"))
    assert {s: (r.called, r.copies) for s, r in found.items()} == {
        0: ((1,), (1,)),
        3: ((0, 1), (1, 1)),
        4: ((0,), (2,)),
        5: ((0,), (-1,)),
    }
    assert carriers(b"c\t5\t.\tA\tC\t.\t.\t.\tDP:GT\t3:0/1".split(b"\t")) == {}  # GT comes first, by the spec
    assert carriers(b"c\t5\t.\tA\tC\t.\t.\t.".split(b"\t")) == {}


@pytest.mark.parametrize(
    ("keys", "cells", "expected"),
    [
        ("GT", "0/0 0/1", "GT:DC_SCORE 0/0 0/1:2.500"),
        ("GT:DP:AD", "0/0:3 0/1", "GT:DP:AD:DC_SCORE 0/0:3 0/1:.:.:2.500"),  # values left off
        ("GT:DC_SCORE:DP", "0/0:.:3 0/1:9:4", "GT:DP:DC_SCORE 0/0:3 0/1:4:2.500"),  # an old score
        ("GT:DC_SCORE:DP", "0/0 0/1", "GT:DP:DC_SCORE 0/0 0/1:.:2.500"),
    ],
)
def test_scores_in_format(keys, cells, expected):
    fields = f"c\t5\t.\tA\tC\t.\t.\t.\t{keys}".encode().split(b"\t") + cells.encode().split()
    assert b" ".join(with_scores(fields, {1: 2.5})[8:]).decode() == expected


def test_lines_say_who_has_no_score():
    line = b"c\t5\t.\tA\tC,G\t9\t.\tDC_UNSCORED=7\tGT\t0/1\t0/2\t1/1\t0/1"
    scores = {0: (1.0, {0: 3.0}), 1: (0.5, {1: -4.0})}
    text, is_low = scored_line(line, LineScores(scores, 2), (-0.5, -0.5))
    assert not is_low
    info = b"DC_SCORE=3.000;DC_ALT_SCORE=3.000,-4.000;DC_SCORED=1,1;DC_UNSCORED=2"
    assert text.split(b"\t")[6:] == [
        b"PASS", info, b"GT:DC_SCORE", b"0/1:1.000", b"0/2:0.500", b"1/1", b"0/1"
    ]  # fmt: skip
    text, is_low = scored_line(line, LineScores({1: scores[1]}, 0), (-0.5, -0.5))
    assert is_low
    assert text.split(b"\t")[6:8] == [b"DCLow", b"DC_SCORE=-4.000;DC_ALT_SCORE=.,-4.000;DC_SCORED=0,1"]
    assert scored_line(line, LineScores({}, 4), (-0.5, -0.5)) == (line.replace(b"=7", b"=4"), False)
    assert scored_line(line, LineScores({}, 0), (-0.5, -0.5)) == (line, False)


def test_samples_and_reads_must_be_the_same(tmp_path):
    vcf = tmp_path / "c.vcf.gz"
    with pytest.raises(DeepcohortError, match=r"--reads has no reads of b of .*--allow-missing-reads$"):
        check_samples(vcf, ["a", "b"], ["a"], "--reads", may_lack=False)
    check_samples(vcf, ["a", "b"], ["a"], "--reads", may_lack=True)
    with pytest.raises(DeepcohortError, match=r"has reads of x, but .* has no such sample; it has a, b"):
        check_samples(vcf, ["a", "b"], ["a", "b", "x"], "--reads", may_lack=True)
    with pytest.raises(DeepcohortError, match="reads of no sample"):
        check_samples(vcf, ["a", "b"], [], "sheet.csv", may_lack=True)
    with pytest.raises(DeepcohortError, match="has no sample;"):
        check_samples(vcf, [], ["a"], "--reads", may_lack=False)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """(reference, --reads words, VCF of two people): true records, and false ones of one or of both."""
    folder = tmp_path_factory.mktemp("cohort")
    reference, bams, _ = write_warm_inputs(folder)
    text = pysam.FastaFile(str(reference)).fetch("warm")

    def snp(pos):  # as the reads have them
        return {"A": "C", "C": "T", "G": "A", "T": "G"}[text[pos]]

    rows = [  # 0-based position, REF length, ALT, genotypes
        (1_500, 1, snp(1_500), "0/1 0/0"),
        (2_000, 1, snp(2_000), "0/1 1/1"),
        (3_000, 4, text[3_000], "0/1 0/1:7"),
        (4_000, 1, f"{text[4_000]}TTCAG", "1/1 0/0"),
        (5_000, 1, snp(5_000), "0/1 0/1"),  # the first has it not
        (5_004, 1, f"{snp(5_004)},<DEL>", "0/1 ./."),
        (6_000, 30, text[6_000], "0|1 0|0"),
        (8_000, 1, snp(8_000), "0/1 1/1"),
        (9_500, 1, "<DEL>", "0/1 0/0"),
        (9_600, 1, snp(9_600), "0/0 0/0"),
    ]
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID=warm,length={len(text)}>"]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="g">']
    lines += ['##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">']
    lines += ['##ALT=<ID=DEL,Description="d">', '##FILTER=<ID=q10,Description="q">']
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tperson0\tperson1")
    for pos, n, alt, cells in rows:
        ref = text[pos : pos + n]
        lines.append(
            "\t".join(["warm", str(pos + 1), ".", ref, alt, "5", "q10", ".", "GT:DP", *cells.split()])
        )
    vcf = folder / "c.vcf"
    vcf.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(vcf), preset="vcf")
    return reference, [f"person{i}={bam}" for i, bam in enumerate(bams)], folder / "c.vcf.gz"


@pytest.fixture(autouse=True)
def naive(monkeypatch):
    monkeypatch.setattr(command, "_load", load)


def load(_model, _device, _platform):
    return NaivePredictor()


def filtered(
    cohort, output, words=None, threads=1, bed=None, may_lack=False, sheet=None, trained=None, **asked
):
    reference, reads, vcf = cohort
    chosen = () if sheet else tuple(reads if words is None else words)
    request = command.CohortRequest(
        vcf, reference, output, chosen, sheet, "illumina", "auto", "cpu", FilterConfig(max_score=6, **asked), threads,
        bed, may_lack, trained,
    )  # fmt: skip
    return command.run(request)


def records(path):
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def test_a_cohort(cohort, tmp_path):
    out = tmp_path / "out.vcf.gz"
    done = filtered(cohort, out)
    assert (done.n_records, done.n_scored, done.n_low) == (10, 8, 2)
    before, after = records(cohort[2]), records(out)
    low = {int(x[1]) - 1 for x in after if "DCLow" in x[6].split(";")}
    assert low == {1_500, 8_000}
    for old, new in zip(before, after, strict=True):
        assert old[:6] == new[:6]
        assert new[6].startswith("q10")
        old_cells = [cell.split(":")[0] for cell in old[9:]]
        assert old_cells == [cell.split(":")[0] for cell in new[9:]]
    assert after[-2][7:] == ["DC_UNSCORED=1", *before[-2][8:]]  # symbolic
    assert after[-1] == before[-1]  # nobody's
    read = VCF(str(out))
    found = {v.POS - 1: v for v in read if v.INFO.get("DC_SCORE") is not None}
    scores = {pos: v.format("DC_SCORE")[:, 0] for pos, v in found.items()}
    assert scores[5_000][0] < 0 < scores[5_000][1]  # one carrier is none
    assert found[5_000].INFO["DC_SCORE"] > 0
    assert found[5_000].INFO["DC_SCORED"] == 2
    assert np.isnan(scores[4_000][1])
    assert scores[4_000][0] > 0
    assert scores[2_000].min() > 0
    assert scores[8_000].max() < 0
    assert found[8_000].FILTER == "q10;DCLow"
    with pysam.VariantFile(str(out)) as file:
        assert len(list(file.fetch("warm", 4_000, 4_001))) == 1
    again = tmp_path / "again.vcf.gz"
    filtered((*cohort[:2], out), again)
    assert again.read_bytes() == out.read_bytes()


def test_the_same_however_it_is_cut(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BP", 2_500)
    whole = tmp_path / "whole.vcf.gz"
    filtered(cohort, whole)
    for cuts in ([0, 12_000], [0, 2_001, 4_000, 5_002, 12_000]):
        parts, shards = [], []
        for start, stop in pairwise(cuts):
            bed = tmp_path / "part.bed"
            bed.write_text(f"warm\t{start}\t{stop}\n")
            parts.append(tmp_path / f"part{len(cuts)}.{start}.vcf.gz")
            shards.append(Region("warm", start, stop))
            filtered(cohort, parts[-1], bed=bed)
        merged = tmp_path / f"merged{len(cuts)}.vcf.gz"
        merge_shards(parts, merged, shards)
        assert records(merged) == records(whole)
    assert (tmp_path / "merged2.vcf.gz").read_bytes() == (tmp_path / "merged5.vcf.gz").read_bytes()


def info_scores(path):
    """INFO/DC_SCORE and whether the record is low, by position."""
    found = {v.POS - 1: (v.INFO.get("DC_SCORE"), "DCLow" in (v.FILTER or "")) for v in VCF(str(path))}
    return {pos: told for pos, told in found.items() if told[0] is not None}


@pytest.mark.parametrize("asked", [{"fdr": 0.05}, {"fdr": 0.3}, {"sensitivity": 60.0}])
def test_thresholds_by_the_whole_cohort(cohort, tmp_path, asked):
    plain, out = tmp_path / "plain.vcf.gz", tmp_path / "out.vcf.gz"
    filtered(cohort, plain)
    done = filtered(cohort, out, **asked)
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        "out.vcf.gz", "out.vcf.gz.tbi", "plain.vcf.gz", "plain.vcf.gz.tbi"
    ]  # fmt: skip
    before, after = info_scores(plain), info_scores(out)
    assert {pos: told[0] for pos, told in before.items()} == {pos: told[0] for pos, told in after.items()}
    limits = {True: done.snp_threshold, False: done.indel_threshold}
    for v in VCF(str(out)):
        if v.POS - 1 in after:
            score, is_low = after[v.POS - 1]
            scored = [len(v.REF) == len(alt) for alt in v.ALT if alt[0] != "<"]
            assert is_low == (score < limits[all(scored)] - 1e-6)
    assert done.n_low == sum(is_low for _, is_low in after.values())
    assert [x[9:] for x in records(plain)] == [x[9:] for x in records(out)]
    again = tmp_path / "again.vcf.gz"  # from the scores alone
    filter_scored(plain, again, FilterConfig(**asked))
    assert again.read_bytes() == out.read_bytes()


def trained_filter(path, names=()):
    """A filter whose odds are a third of the called genotype's, and minus 2."""
    width = len(NETWORK_NAMES) + len(names)
    w1 = np.zeros((1, width, 1))
    w1[0, NETWORK_NAMES.index("ln_p_called")] = 1e-3
    zeros, ones = np.zeros(width), np.ones(width)
    head = CallerClassifier(
        "", NaivePredictor.name, NaivePredictor.version, plain_annotations(names), {}, zeros, zeros, ones,
        w1, np.zeros((1, 1)), np.full((1, 1), 1e3), np.full(1, 4.0), 1.0, 0.0, 1.2, 1.0,
    )  # fmt: skip
    save_head(head, path)
    return path


def test_a_trained_filter_judges_each_carrier(cohort, tmp_path):
    out = tmp_path / "out.vcf.gz"
    done = filtered(cohort, out, trained=trained_filter(tmp_path / "t.dcfilter"))
    assert (done.snp_threshold, done.indel_threshold) == (1.2, 1.0)
    plain = tmp_path / "plain.vcf.gz"
    filtered(cohort, plain)
    n = 0
    for old, new in zip(VCF(str(plain)), VCF(str(out)), strict=True):
        if old.INFO.get("DC_SCORE") is None:
            assert new.INFO.get("DC_SCORE") is None
            continue
        odds = old.format("DC_SCORE")[:, 0].astype(np.float64)
        ln_p = np.log(10.0**odds / (1 + 10.0**odds))
        expected = (1e3 * np.tanh(1e-3 * -np.log1p(-ln_p)) + 4) / np.log(10)
        scores = new.format("DC_SCORE")[:, 0]
        assert scores == pytest.approx(expected, abs=2e-2, nan_ok=True)
        known = scores[~np.isnan(scores)]
        assert new.INFO["DC_SCORE"] == pytest.approx(allele_score(known), abs=2e-3)
        n += len(known)
    assert n > 8
    with gzip.open(out, "rt") as file:
        assert sum("as trained" in line for line in file) == 1


def test_a_filter_of_annotations_is_not_for_cohorts(cohort, tmp_path):
    trained = trained_filter(tmp_path / "t.dcfilter", ("QUAL",))
    with pytest.raises(
        DeepcohortError, match=r"t.dcfilter looks at the caller's annotations.*--no-annotations"
    ):
        filtered(cohort, tmp_path / "out.vcf.gz", trained=trained)
    assert [x.name for x in tmp_path.iterdir()] == ["t.dcfilter"]


def test_a_header_without_contigs_gets_them(cohort, tmp_path):
    reference, reads, vcf = cohort
    with gzip.open(vcf, "rt") as file:
        text = "".join(line for line in file if not line.startswith("##contig"))
    (tmp_path / "n.vcf").write_text(text)
    pysam.tabix_index(str(tmp_path / "n.vcf"), preset="vcf")
    parts = [tmp_path / "a.vcf.gz", tmp_path / "b.vcf.gz"]
    shards = [Region("warm", 0, 4_000), Region("warm", 4_000, 12_000)]
    for part, shard in zip(parts, shards, strict=True):
        bed = tmp_path / "part.bed"
        bed.write_text(f"warm\t{shard.start}\t{shard.end}\n")
        filtered((reference, reads, tmp_path / "n.vcf.gz"), part, bed=bed)
    merge_shards(parts, tmp_path / "merged.vcf.gz", shards)
    filtered(cohort, tmp_path / "whole.vcf.gz")
    assert records(tmp_path / "merged.vcf.gz") == records(tmp_path / "whole.vcf.gz")


def test_blocks_are_those_of_the_whole_file(cohort, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BP", 2_000)
    whole = {b.spans[b.first][0] // 2_000: b for b in blocks.blocks_of(segments_of(cohort[2], None))}
    assert [len(b.lines) for b in whole.values()] == [2, 4, 5, 4, 3]  # with records within 1 kb
    for start in range(0, 12_000, 700):
        wanted = blocks.to_be_read([Region("warm", start, start + 10)], {"warm": 12_000})
        found = {b.spans[b.first][0] // 2_000: b for b in blocks.blocks_of(segments_of(cohort[2], wanted))}
        number = start // 2_000
        assert found.get(number) == whole.get(number)


@pytest.mark.timeout(120)
def test_the_same_with_processes(cohort, tmp_path):
    one, two = tmp_path / "one.vcf.gz", tmp_path / "two.vcf.gz"
    filtered(cohort, one)
    filtered(cohort, two, threads=2)
    assert one.read_bytes() == two.read_bytes()


def test_a_sample_without_reads_is_told(cohort, tmp_path):
    out = tmp_path / "out.vcf.gz"
    with pytest.raises(DeepcohortError, match="no reads of person1"):
        filtered(cohort, out, cohort[1][:1])
    assert not out.exists()
    done = filtered(cohort, out, cohort[1][:1], may_lack=True)
    assert done.n_scored == 8
    with gzip.open(out, "rt") as file:
        assert "##deepcohort_samples_without_reads=person1\n" in file.readlines()
    read = VCF(str(out))
    told = {v.POS - 1: v.INFO.get("DC_UNSCORED") for v in read}
    assert {pos for pos, n in told.items() if n} == {2_000, 3_000, 5_000, 8_000, 9_500}


def test_swapped_reads_are_refused(cohort, tmp_path):
    (_, _, first), (_, _, second) = (word.partition("=") for word in cohort[1])
    with pytest.raises(DeepcohortError, match=r"as reads of person\d, but .* name person\d, another sample"):
        filtered(cohort, tmp_path / "out.vcf.gz", [f"person0={second}", f"person1={first}"])
    assert not list(tmp_path.iterdir())
    check_owner(SampleReads("person0", (first,)), ["renamed"], {"person0", "person1"})


def test_samplesheets(cohort, tmp_path):
    sheet = tmp_path / "reads.csv"
    rows = [word.replace("=", ",") for word in cohort[1]]
    sheet.write_text("\n".join(["sample,reads", *rows]) + "\n")
    out, by_words = tmp_path / "out.vcf.gz", tmp_path / "words.vcf.gz"
    filtered(cohort, out, sheet=sheet)
    filtered(cohort, by_words)
    assert out.read_bytes() == by_words.read_bytes()
    for text, message in (
        ("sample\nperson0\n", "reads"),
        (f"sample,reads\nperson0,{tmp_path}/absent.bam\n{rows[1]}\n", "absent.bam"),
        (f"sample,fastq_1\nperson0,{tmp_path}/a.fastq.gz\n", "not aligned; give its BAM or CRAM"),
        (f"sample,reads,platform\n{rows[0]},nanopore\n{rows[1]},\n", "row 2: unknown platform 'nanopore'"),
        (f"sample,reads\n{rows[0]}\nx,{rows[1].split(',')[1]}\n", "has reads of x"),
    ):
        sheet.write_text(text)
        with pytest.raises(DeepcohortError, match=message):
            filtered(cohort, out, sheet=sheet)
    with pytest.raises(DeepcohortError, match=r"samplesheet .*gone.csv cannot be read"):
        filtered(cohort, out, sheet=tmp_path / "gone.csv")


def test_options(cohort, tmp_path):
    reference, reads, vcf = cohort
    assert command.option_problems(reads, None, {"--train": None}) == []
    assert command.option_problems(["s.bam"], tmp_path / "s.csv", {"--train": "x"}) == [
        "--train is not for cohorts",
        "--samplesheet and --reads exclude each other",
        "--reads s.bam names no sample; write SAMPLE=s.bam",
    ]
    with pytest.raises(DeepcohortError, match="--reads =a is not SAMPLE=FILE"):
        filtered(cohort, tmp_path / "o.vcf.gz", ["=a"])
    bam = reads[0].partition("=")[2]
    with pytest.raises(DeepcohortError, match="2 samples; say whose reads are where"):
        filter_vcf(vcf, [bam], reference, tmp_path / "o.vcf.gz", NaivePredictor())
