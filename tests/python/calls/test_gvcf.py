"""The text of gVCF and VCF against plain Python, and as pysam reads it."""

import math
from itertools import pairwise

import numpy as np
import pysam
import pytest
from calls_builders import make_counts, make_table
from deepcohort.calls.config import CallsConfig
from deepcohort.calls.genotype import genotype_sites
from deepcohort.calls.gvcf import CallsWriter
from deepcohort.calls.single_reads import single_read_quals
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.formats.vcf_header import make_header
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HOM_REF, HET, HOM_ALT = (0.9999, 5e-5, 5e-5), (0.001, 0.998, 0.001), (0.001, 0.001, 0.998)
LENGTHS = {"c": 10_000}


def write(
    tmp_path, reference, n_ref, n_total, rows=(), probabilities=(), start=0, ploidy=None, cuts=(), config=None
):
    """Lines of gVCF and of VCF that the writer gives; `cuts` are positions where chunks end."""
    config = config or CallsConfig()
    codes = encode_bases(reference)
    end = start + len(n_ref)
    ploidy = np.full(len(n_ref), 2, np.int8) if ploidy is None else np.array(ploidy, np.int8)
    table = make_table(list(rows))
    copies = ploidy[np.clip(table.pos - start, 0, len(ploidy) - 1)]
    genotyped = genotype_sites(table, np.array(probabilities).reshape(-1, 3), codes, 0, copies, config)
    counts = make_counts("c", start, n_ref, n_total, reference[start:end])
    gvcf, vcf = tmp_path / "a.g.vcf.gz", tmp_path / "a.vcf.gz"
    regions = [Region("c", start, end)]
    headers = [make_header("S", LENGTHS, regions, "ref.fa", "m", "1", b) for b in (config.gq_bands, None)]
    with CallsWriter(LENGTHS, (gvcf, headers[0]), (vcf, headers[1]), config) as writer:
        edges = [start, *cuts, end]
        for a, b in pairwise(edges):
            writer.write_chunk(Region("c", a, b), counts, genotyped, codes, 0, ploidy[a - start : b - start])
    return [
        [line.decode().split("\t") for line in pysam.BGZFile(str(path)) if not line.startswith(b"#")]
        for path in (gvcf, vcf)
    ]


def test_blocks_by_hand(tmp_path):
    reference = "ACGTACGTAC"
    n_total = [0, 0, 30, 32, 31, 5, 5, 5, 5, 0]
    lines, called = write(tmp_path, reference, n_total, n_total)
    assert [(x[1], x[3], x[4], x[7], x[8], x[9]) for x in lines] == [
        ("1", "A", "<NON_REF>", "END=2", "GT:GQ:DP:MIN_DP:PL", "./.:0:0:0:0,0,0"),
        ("3", "G", "<NON_REF>", "END=5;COV=93", "GT:GQ:DP:MIN_DP:PL", "0/0:90:30:30:0,90,809"),
        ("6", "C", "<NON_REF>", "END=9", "GT:GQ:DP:MIN_DP:PL", "0/0:15:5:5:0,15,135"),
        ("10", "C", "<NON_REF>", "END=10", "GT:GQ:DP:MIN_DP:PL", "./.:0:0:0:0,0,0"),
    ]
    assert called == []


def test_variant_record_by_hand(tmp_path):
    reference = "ACGTACGTAC"
    lines, called = write(tmp_path, reference, [30] * 10, [30] * 10, [(4, "A", "G", (14, 16))], [HET])
    assert [x[1] for x in lines] == ["1", "5", "6"]
    record = lines[1]
    assert record[:9] == ["c", "5", ".", "A", "G,<NON_REF>", "30", "PASS", ".", "GT:GQ:DP:AD:VAF:PL"]
    gt, gq, dp, ad, vaf, pl = record[9].split(":")
    assert (gt, gq, dp, ad, vaf) == ("0/1", "27", "30", "14,16,0", "0.5333,0")
    # with <NON_REF>: from AD alone, .505 for an allele the genotype holds once, .99 twice, .01 never

    def fit(g):
        return sum(n * math.log10({0: 0.01, 1: 0.505, 2: 0.99}[c]) for n, c in zip((14, 16), g, strict=True))

    unseen = [round(-10 * (fit(g) - fit((1, 1)))) for g in ((1, 0), (0, 1), (0, 0))]
    assert [int(v) for v in pl.split(",")] == [30, 0, 30, *unseen]
    assert called == [[*record[:4], "G", *record[5:9], "0/1:27:30:14,16:0.5333:30,0,30"]]


def test_deletion_covers_its_bases(tmp_path):
    lines, _ = write(tmp_path, "ACGTACGTAC", [30] * 10, [30] * 10, [(2, "GTA", "G")], [HET])
    assert [(x[1], x[7]) for x in lines] == [("1", "END=2"), ("3", "."), ("6", "END=10")]


def test_deletion_from_before_the_region_covers_into_it(tmp_path):
    lines, called = write(tmp_path, "ACGTACGTAC", [30] * 6, [30] * 6, [(2, "GTA", "G")], [HET], start=4)
    assert [(x[1], x[7]) for x in lines] == [("6", "END=10")]
    assert called == []


def test_refcall_record_and_melted_site(tmp_path):
    unsure = (0.9, 0.08, 0.02)
    lines, called = write(
        tmp_path, "ACGTACGTAC", [30] * 10, [30] * 10, [(2, "G", "T"), (6, "G", "C")], [unsure, HOM_REF]
    )
    assert [(x[1], x[6], x[9].split(":")[0], x[9].split(":")[1]) for x in lines] == [
        ("1", ".", "0/0", "90"),
        ("3", "RefCall", "0/0", "10"),
        ("4", ".", "0/0", "90"),  # the melted site is GQ 40: a block of its own
        ("7", ".", "0/0", "40"),
        ("8", ".", "0/0", "90"),
    ]
    assert called == []


def test_low_qual_filter(tmp_path):
    _, called = write(tmp_path, "ACGTACGTAC", [3] * 10, [3] * 10, [(2, "G", "T")], [(0.45, 0.54, 0.01)])
    assert (called[0][5], called[0][6]) == ("3.5", "PASS")
    _, called = write(
        tmp_path,
        "ACGTACGTAC",
        [3] * 10,
        [3] * 10,
        [(2, "G", "T")],
        [(0.45, 0.54, 0.01)],
        config=CallsConfig(low_qual=5),
    )
    assert called[0][6] == "LowQual"


@pytest.mark.parametrize(
    ("alt", "ad", "probability", "verdict"),
    [
        ("T", (1, 1), 0.94, "LowQual"),  # QUAL 12.2: one read needs 13
        ("T", (1, 1), 0.96, "PASS"),
        ("T", (2, 2), 0.54, "PASS"),  # two reads need 3
        ("T", (0, 1), 0.54, "LowQual"),
        ("GT", (1, 1), 0.94, "PASS"),  # an indel needs 8
        ("GT", (1, 1), 0.8, "LowQual"),
        ("GT", (2, 2), 0.54, "PASS"),
    ],
)
def test_a_single_read_needs_more(tmp_path, alt, ad, probability, verdict):
    row, rest = (2, "G", alt, ad), (1 - probability) * 0.99
    gvcf, called = write(
        tmp_path, "ACGTACGTAC", [3] * 10, [3] * 10, [row], [(rest, probability, 1 - probability - rest)]
    )
    (line,) = [x for x in gvcf if x[1] == "3"]
    assert (line[6], called[0][6]) == (verdict, verdict)


@pytest.mark.parametrize(
    ("platform", "depth", "snp", "indel"),
    [
        ("illumina", 0.0, 13, 8),
        ("illumina", 4.0, 13, 8),
        ("illumina", 5.5, 10, 8),
        ("illumina", 7.5, 6, 6),
        ("illumina", 9.0, 3, 3),
        ("illumina", 30.0, 3, 3),
        ("hifi", 5.9, 6, 13),
        ("hifi", 6.0, 0, 13),
        ("hifi", 12.0, 13, 13),
        ("ont", 0.0, 8, 10),
        ("ont", 11.9, 0, 10),
        ("ont", 12.0, 13, 13),
    ],
)
def test_the_deeper_a_sample_the_less_a_single_read_needs(platform, depth, snp, indel):
    """Of many long reads one shows a slip. Where qualities are not what they say, depth tells nothing."""
    assert single_read_quals(platform, depth) == (snp, indel)
    unknown = (13, 8) if platform == "illumina" else (13, 13)
    assert single_read_quals(platform, depth, is_trusted=False) == unknown


def test_reads_of_both_alternates_count(tmp_path):
    rows = [(2, "G", "A", (0, 1)), (2, "G", "T", (0, 1))]
    _, called = write(tmp_path, "ACGTACGTAC", [2] * 10, [2] * 10, rows, [(0.2, 0.8, 0.0)] * 2)
    assert (called[0][4], called[0][6], called[0][9].split(":")[0]) == ("A,T", "PASS", "1/2")


def test_vcf_holds_called_alleles_only(tmp_path):
    rows = [(2, "G", "T", (4, 12)), (2, "GTAC", "G", (4, 3))]
    gvcf, called = write(tmp_path, "ACGTACGTAC", [30] * 10, [30] * 10, rows, [HET, (0.9, 0.1, 0.0)])
    assert [x[4] for x in gvcf if "END" not in x[7]] == ["TTAC,G,<NON_REF>"]
    assert [(x[3], x[4], x[9].split(":")[0]) for x in called] == [("G", "T", "0/1")]


def test_haploid_text(tmp_path):
    ploidy = [1] * 5 + [2] * 5
    lines, called = write(
        tmp_path, "ACGTACGTAC", [10] * 10, [10] * 10, [(2, "G", "T")], [(0.001, 0.199, 0.8)], ploidy=ploidy
    )
    assert [(x[1], x[9].split(":")[0], x[9].split(":")[-1].count(",")) for x in lines] == [
        ("1", "0", 1),
        ("3", "1", 2),
        ("4", "0", 1),
        ("6", "0/0", 2),
    ]
    assert called[0][9].startswith("1:29:")


def test_n_in_reference(tmp_path):
    lines, _ = write(tmp_path, "NNNNACGTAC", [0] * 4 + [9] * 6, [0] * 4 + [9] * 6)
    assert [(x[1], x[3], x[7]) for x in lines] == [("1", "N", "END=4"), ("5", "A", "END=10")]


def test_homopolymer_lowers_the_cap(tmp_path):
    reference = "ACGT" + "A" * 20 + "CGTA"
    lines, _ = write(tmp_path, reference, [40] * 28, [40] * 28)
    assert [(x[1], x[7], x[9].split(":")[1]) for x in lines] == [
        ("1", "END=4", "99"),
        ("5", "END=24", "27"),
        ("25", "END=28", "99"),
    ]


depths = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=12, max_size=40)


def slow_gvcf(reference, n_ref, n_total, sites, bands):
    """(POS, END, first depth, smallest depth, PLs) of blocks and (POS,) of sites, base by base."""

    def pls(i):
        n, k = n_total[i], n_ref[i]
        if n == 0:
            return 0, 0
        hom = k * math.log10(0.998) + (n - k) * math.log10(0.002)
        alt = k * math.log10(0.002) + (n - k) * math.log10(0.998)
        return tuple(max(0, math.floor(10 * (hom - x) + 0.5)) for x in (n * math.log10(0.5), alt))

    def kind(i):
        return -1 if n_total[i] == 0 else sum(min(*pls(i), 99) >= b for b in bands)

    out, covered, block = [], 0, None
    for i in range(len(reference)):
        if i in sites:
            block = None
            out.append((i + 1,))
            covered = max(covered, i + sites[i])
        elif i >= covered:
            if block is not None and kind(block[-1]) == kind(i):
                block.append(i)
            else:
                block = [i]
                out.append(block)
    found = []
    for item in out:
        if isinstance(item, tuple):
            found.append(item)
        else:
            two = [min(pls(i)[k] for i in item) for k in range(2)]
            depths = [n_total[i] for i in item]
            cover = (sum(depths), *(sum(n >= x for n in depths) for x in (10, 20, 30)))
            found.append((item[0] + 1, item[-1] + 1, n_total[item[0]], min(depths), *two, *cover))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(depths, st.sets(st.integers(0, 11), max_size=4), st.lists(st.integers(1, 39), max_size=3, unique=True))
def test_blocks_against_slow_oracle(tmp_path, columns, where, cuts):
    n_total = [n for n, _ in columns]
    n_ref = [max(0, n - k) for n, k in columns]
    reference = ("ACGT" * 20)[: len(columns)]
    rows, sites = [], {}
    for pos in sorted(where):
        length = 3 if pos % 3 == 0 and pos + 3 <= len(reference) else 1
        anchor = reference[pos]
        alt = anchor if length == 3 else ("C" if anchor == "A" else "A")
        rows.append((pos, reference[pos : pos + length], alt))
        sites[pos] = length
    # the surest call wins nothing here: RefCall records stay whatever overlaps
    config = CallsConfig(min_homref_gq=99)
    lines, _ = write(
        tmp_path, reference, n_ref, n_total, rows, [(0.5, 0.3, 0.2)] * len(rows), config=config,
        cuts=sorted(c for c in cuts if c < len(reference)),
    )  # fmt: skip
    ours = []
    for x in lines:
        if x[7] == ".":
            ours.append((int(x[1]),))
        else:
            _, _, dp, min_dp, pl = x[9].split(":")
            end, _, cov = x[7].removeprefix("END=").partition(";COV=")
            bp = int(end) - int(x[1]) + 1
            cover = [bp * int(min_dp), *(bp * (int(min_dp) >= n) for n in (10, 20, 30))]
            if cov:  # left out where every base has MIN_DP
                total, *counts = map(int, cov.split(","))
                assert total > bp * int(min_dp)
                assert 0 not in counts
                above = iter(counts)
                cover = [total, *(bp if int(min_dp) >= n else next(above, 0) for n in (10, 20, 30))]
            ours.append((int(x[1]), int(end), int(dp), int(min_dp), *map(int, pl.split(",")[1:]), *cover))
    assert ours == slow_gvcf(reference, n_ref, n_total, sites, config.gq_bands)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(["snp", "ins", "del"]),
            st.tuples(st.floats(1e-9, 1), st.floats(1e-9, 1), st.floats(1e-9, 1)),
            st.tuples(st.integers(0, 500), st.integers(0, 500)),
        ),
        max_size=6,
        unique_by=lambda r: (r[0], r[1]),
    )
)
def test_pysam_reads_what_is_written(tmp_path, chosen):
    reference = "ACGTTGCA" * 10
    rows, probabilities = [], []
    for pos, kind, p, ad in sorted(chosen, key=lambda r: (r[0], {"snp": 0, "ins": 1, "del": 2}[r[1]])):
        anchor = reference[pos]
        ref = reference[pos : pos + 4] if kind == "del" else anchor
        alt = {"snp": "C" if anchor != "C" else "G", "ins": anchor + "TT", "del": anchor}[kind]
        rows.append((pos, ref, alt, ad))
        probabilities.append(np.array(p) / sum(p))
    order = sorted(range(len(rows)), key=lambda i: rows[i][:3])
    write(tmp_path, reference, [20] * 80, [20] * 80, rows, [probabilities[i] for i in order])
    with pysam.VariantFile(str(tmp_path / "a.g.vcf.gz")) as file:
        for record in file:
            sample = record.samples[0]
            assert record.alts[-1] == "<NON_REF>"
            n = len(record.alleles)
            assert len(sample["PL"]) == n * (n + 1) // 2
            assert min(sample["PL"]) == 0
            assert record.ref == reference[record.start : record.start + len(record.ref)]
            if "AD" in record.format:
                assert len(sample["AD"]) == n
                assert sum(sample["AD"]) <= sample["DP"]
                assert len(sample["VAF"]) == n - 1
                a, b = sorted(sample["GT"])
                assert sample["PL"][b * (b + 1) // 2 + a] == 0
    with pysam.VariantFile(str(tmp_path / "a.vcf.gz")) as file:
        for record in file:
            sample = record.samples[0]
            assert max(sample["GT"]) > 0
            assert set(range(1, len(record.alleles))) <= set(sample["GT"])
            assert len(sample["PL"]) == {2: 3, 3: 6}[len(record.alleles)]
            # parsimonious: no base is shared by all alleles on the right
            assert min(map(len, record.alleles)) == 1 or len({a[-1] for a in record.alleles}) > 1


@pytest.mark.parametrize("value", [0, 7, 10, 99, 12345, 9_999_999_999])
def test_integers_are_written_in_full(value):
    from deepcohort.calls.kernels_record import put_int

    buffer = np.zeros(20, np.uint8)
    n = put_int(buffer, 3, value)
    assert buffer[3:n].tobytes().decode() == str(value)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.0, 4, "0"),
        (0.5, 4, "0.5"),
        (0.05, 4, "0.05"),
        (0.33333, 4, "0.3333"),
        (170.04, 1, "170"),
        (1.0, 4, "1"),
    ],
)
def test_decimals_are_rounded_and_trailing_zeros_left_off(value, decimals, text):
    from deepcohort.calls.kernels_record import put_fixed

    buffer = np.zeros(20, np.uint8)
    assert buffer[: put_fixed(buffer, 0, value, decimals)].tobytes().decode() == text
