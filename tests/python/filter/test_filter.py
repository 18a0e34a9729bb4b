"""Alleles of other callers, what is rewritten and what is kept, and scores end to end."""

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pysam
import pytest
from deepcohort.compose.io_warm import write_warm_inputs
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.apply import _header_text, filter_vcf, rewrite
from deepcohort.filter.config import FilterConfig
from deepcohort.filter.records import alt_copies, parse_record
from deepcohort.formats.vcf_text import parse_header
from deepcohort.known.spelling import changes_of, is_sequence, to_alleles
from hypothesis import given
from hypothesis import strategies as st
from naive_predictor import NaivePredictor

#            0123456789012345678
REFERENCE = "GATTACACACAGGGTTTCA"
CODES = encode_bases(REFERENCE)


def spelled(changes):
    return [(pos, n, decode_bases(np.frombuffer(alt, np.uint8))) for pos, n, alt in changes]


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "expected"),
    [
        (3, "T", "G", [(3, 1, "G")]),
        (3, "TAC", "GAT", [(3, 1, "G"), (5, 1, "T")]),  # an MNP is its SNPs
        (4, "AC", "A", [(4, 2, "A")]),
        (8, "ACA", "A", [(3, 3, "T")]),  # CA of the repeat, left-aligned
        (10, "A", "ACA", [(3, 1, "TAC")]),  # one unit more
        (13, "G", "GG", [(10, 1, "AG")]),
        (4, "ACAC", "AC", [(3, 3, "T")]),  # not parsimonious
        (4, "ACAC", "GT", [(3, 3, "T"), (6, 1, "G"), (7, 1, "T")]),  # a replacement: deletion and SNPs
        (6, "ACACAGG", "ATCAG", [(6, 2, "A"), (8, 1, "T"), (10, 2, "A")]),
        (0, "GA", "A", None),  # no base to anchor on
        (3, "A", "G", None),  # not the reference's base
    ],
)
def test_changes(pos, ref, alt, expected):
    found = changes_of(pos, ref, alt, CODES)
    assert (None if found is None else spelled(found)) == expected


@given(st.integers(1, 12), st.integers(1, 6), st.text("ACGT", min_size=1, max_size=6))
def test_changes_give_the_same_haplotype(pos, n_ref, alt):
    ref = REFERENCE[pos : pos + n_ref]
    found = changes_of(pos, ref, alt, CODES)
    if found is None:
        return
    haplotype = REFERENCE
    for at, n, bases in reversed(spelled(found)):
        haplotype = haplotype[:at] + bases + haplotype[at + n :]
    assert haplotype == REFERENCE[:pos] + alt + REFERENCE[pos + n_ref :]


def test_alleles_are_sorted_and_distinct():
    alleles = to_alleles([(5, 1, b"\2"), (3, 2, b"\0"), (5, 1, b"\2"), (3, 1, b"\0\1")])
    assert alleles.pos.tolist() == [3, 3, 5]
    assert alleles.ref_len.tolist() == [1, 2, 1]
    assert alleles.alt_offset.tolist() == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("allele", "good"), [("ACG", True), ("*", False), ("<DEL>", False), ("N", False), (".", False)]
)
def test_sequences(allele, good):
    assert is_sequence(allele) == good


def test_parse_record_takes_called_alternates():
    fields = b"c\t5\t.\tA\tC,G,T\t.\t.\t.\tGT:DP\t0|2:9\t./.:.\t1:3".split(b"\t")
    assert parse_record(fields) == RecordAlleles(4, "A", ("C", "G", "T"), (0, 1), (-1, -1))
    assert parse_record(fields[:8]).called == (0, 1, 2)


@pytest.mark.parametrize(
    ("genotype", "expected"),
    [
        (b"0/1", {0: 1}),
        (b"2|2", {1: 2}),
        (b"1/2", {0: 1, 1: 1}),
        (b"1", {0: 2}),  # haploid: its reads look homozygous
        (b"0", {}),
        (b"./.", {}),
        (b"./1", {0: -1}),
        (b"0/1/1", {0: -1}),
        (b"0/7", {}),
    ],
)
def test_alt_copies(genotype, expected):
    assert alt_copies(genotype, 2) == expected


@pytest.mark.parametrize(
    ("filters", "info", "score", "low", "expected"),
    [
        (".", ".", 2.5, False, ("PASS", "DC_SCORE=2.500")),
        ("PASS", "DP=3", -1.25, True, ("DCLow", "DP=3;DC_SCORE=-1.250")),
        ("q10", "DP=3;DC_SCORE=9", 1.0, False, ("q10", "DP=3;DC_SCORE=1.000")),
        ("q10;DCLow", "DP=3", 1.0, False, ("q10", "DP=3;DC_SCORE=1.000")),
        ("q10", "DB", -1.0, True, ("q10;DCLow", "DB;DC_SCORE=-1.000")),
    ],
)
def test_rewrite(filters, info, score, low, expected):
    line = f"c\t5\tid\tA\tC\t7.10\t{filters}\t{info}\tGT\t0/1".encode()
    fields = rewrite(line, score, low).decode().split("\t")
    assert (fields[6], fields[7]) == expected
    assert fields[:6] + fields[8:] == ["c", "5", "id", "A", "C", "7.10", "GT", "0/1"]


@pytest.mark.parametrize("rest", [b"", b"\tGT\t0/1"])
def test_lines_that_end_as_on_windows(rest):
    line = b"c\t5\t.\tA\tC\t7\t.\tX=1" + rest + b"\r"
    assert rewrite(line, 1.0, False) == b"c\t5\t.\tA\tC\t7\tPASS\tX=1;DC_SCORE=1.000" + rest + b"\r"


def test_regions_that_a_header_names_stay():
    """A merge of filtered shards must see whether one is missing."""
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=c,length=90>", "##deepcohort_region=c:1-50"]
    text = "\n".join([*lines, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]) + "\n"
    predictor = SimpleNamespace(name="m", version="1")
    made = _header_text(parse_header(text, Path("a.vcf")), predictor, None, "genotype", (0.0, 0.0))
    assert parse_header(made, Path("b.vcf")).regions == (Region("c", 0, 50),)


def test_records_that_cannot_be_judged_stay_as_they_are():
    line = b"c\t5\t.\tA\t<DEL>\t7\tq10\tEND=9;SVTYPE=DEL\tGT\t0/1"
    assert rewrite(line, None, False) == line


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    reference, bams, truth = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    return reference, bams[0], truth


def write_vcf(path, reference, rows):
    length = pysam.FastaFile(str(reference)).get_reference_length("warm")
    lines = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID=warm,length={length}>",
        '##INFO=<ID=X,Number=1,Type=String,Description="x">',
    ]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tperson0")
    with pysam.BGZFile(str(path), "w") as out:
        out.write(("\n".join([*lines, *rows]) + "\n").encode())
    return path


def test_true_and_false_records(inputs, tmp_path):
    reference, bam, truth = inputs
    with pysam.VariantFile(str(truth)) as file:
        true = [(r.pos, r.ref, r.alts[0]) for r in file]
    text = pysam.FastaFile(str(reference)).fetch("warm")
    false = [(p, text[p - 1], "ACGT"["ACGT".index(text[p - 1]) - 1]) for p in (1_500, 8_000)]
    false.append((9_000, text[8_999], text[8_999] + "ACGTAC"))
    odd = [(9_500, text[9_499], "<DEL>"), (9_600, "N", "A")]
    rows = [f"warm\t{p}\t.\t{r}\t{a}\t1e3\t.\tX=a%3Bb\tGT\t0|1" for p, r, a in sorted(true + false + odd)]
    vcf = write_vcf(tmp_path / "in.vcf.gz", reference, rows)
    out = tmp_path / "out.vcf.gz"
    done = filter_vcf(vcf, [bam], reference, out, NaivePredictor(), FilterConfig(judge="allele", max_score=6))
    assert (done.n_records, done.n_scored, done.n_low) == (len(rows), len(true + false), len(false))
    found = {}
    with gzip.open(out, "rt") as file:
        body = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    for x, row in zip(body, rows, strict=True):
        old = row.split("\t")
        assert x[:6] + x[8:] == old[:6] + old[8:]
        assert x[7].startswith("X=a%3Bb")
        found[int(x[1])] = x[6]
    assert {p for p, f in found.items() if f == "DCLow"} == {p for p, _, _ in false}
    assert {p for p, f in found.items() if f == "PASS"} == {p for p, _, _ in true}
    with pysam.VariantFile(str(out)) as file:
        scores = [r.info["DC_SCORE"] for r in file.fetch("warm", 1_999, 2_001)]
    assert len(scores) == 1
    assert 0 < scores[0] <= 6
    # a second pass changes nothing but the header's model line
    again = tmp_path / "again.vcf.gz"
    filter_vcf(out, [bam], reference, again, NaivePredictor(), FilterConfig(judge="allele", max_score=6))
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("judge", ["genotype", "allele"])
def test_wrong_genotypes(inputs, tmp_path, judge):
    """A true ALT in the wrong number of copies is a wrong record by genotype, a right one by allele."""
    reference, bam, truth = inputs
    with pysam.VariantFile(str(truth)) as file:
        true = [(r.pos, r.ref, r.alts[0], r.samples[0]["GT"]) for r in file]
    rows, wrong = [], []
    for i, (pos, ref, alt, gt) in enumerate(true):
        copies = sum(a == 1 for a in gt)
        wrong.append(i % 2 == 0)
        called = 3 - copies if i % 2 == 0 else copies
        rows.append(f"warm\t{pos}\t.\t{ref}\t{alt}\t50\t.\t.\tGT\t{'0/1' if called == 1 else '1/1'}")
    vcf = write_vcf(tmp_path / "in.vcf.gz", reference, rows)
    out = tmp_path / "out.vcf.gz"
    config = FilterConfig(judge=judge, snp_threshold=0, indel_threshold=0)
    filter_vcf(vcf, [bam], reference, out, NaivePredictor(), config)
    with pysam.VariantFile(str(out)) as file:
        low = ["DCLow" in r.filter for r in file]
        told = file.header.info["DC_SCORE"].description
    assert low == (wrong if judge == "genotype" else [False] * len(wrong))
    assert ("genotype is right" in told) == (judge == "genotype")


def test_judge_is_checked():
    with pytest.raises(DeepcohortError, match="none of genotype, allele"):
        FilterConfig(judge="record")


def test_wrong_reference_is_named(inputs, tmp_path):
    reference, bam, _ = inputs
    vcf = tmp_path / "in.vcf"
    vcf.write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nother\t5\t.\tA\tC\t.\t.\t.\n"
    )
    with pytest.raises(DeepcohortError, match="no contig other"):
        filter_vcf(vcf, [bam], reference, tmp_path / "out.vcf.gz", NaivePredictor())
    assert not (tmp_path / "out.vcf.gz").exists()
