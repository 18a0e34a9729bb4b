"""Labels by haplotype: hand-worked neighbourhoods, and truth written in other ways."""

import cyvcf2
import numpy as np
import pysam
import pytest
from deepcohort.candidates.types import CandidateTable
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.pileup.io import TruthAllele, TruthVcf, trim_allele
from deepcohort.pileup.label import label_candidates
from hypothesis import given, settings
from hypothesis import strategies as st
from pileup_builders import flat

#            0         1         2         3         4         5
#            012345678901234567890123456789012345678901234567890123456789
REFERENCE = "ACGTTGCAACCAGAGAGAGTTCGATTTTTTGCAAGCTTGCATCGGATACCTTGGCATCAA"
WINDOW = Region("c", 0, len(REFERENCE))


def table_of(changes):
    alt_seq, alt_offset = flat([encode_bases(a) for _, _, a in changes], np.uint8)
    n = len(changes)
    return CandidateTable(
        "c",
        np.array([p for p, _, _ in changes], np.int64),
        np.array([len(r) for _, r, _ in changes], np.int32),
        alt_seq,
        alt_offset,
        np.full(n, 30, np.int32),
        np.full((n, 2), 15, np.int32),
        np.zeros(n, bool),
    )


def truth_of(rows):
    """(pos, ref, alt, "0/1") rows; the same record number for equal positions."""
    out = []
    for pos, ref, alt, gt in rows:
        a, b = gt[0] == "1", gt[2] == "1"
        out.append(TruthAllele(pos, ref, alt, (a, b), gt[1] == "|", pos))
    return out


CASES = {
    "exact het and hom": (
        [(5, "G", "A"), (20, "T", "C")],
        [(5, "G", "A", "0/1"), (20, "T", "C", "1/1")],
        [1, 2],
    ),
    "absent": ([(5, "G", "A")], [], [0]),
    "wrong allele at a true site": ([(5, "G", "A"), (5, "G", "T")], [(5, "G", "A", "0/1")], [1, 0]),
    "both alternates": ([(5, "G", "A"), (5, "G", "T")], [(5, "G", "A", "1/0"), (5, "G", "T", "0/1")], [1, 1]),
    # AGAGAG: the same deletion written at its right end
    "deletion not left-aligned": ([(10, "CAG", "C")], [(15, "AGA", "A", "0/1")], [1]),
    "deletion not left-aligned, hom": ([(10, "CAG", "C")], [(15, "AGA", "A", "1/1")], [2]),
    # one block in the truth, two SNPs among the candidates
    "block against SNPs": ([(5, "G", "A"), (6, "C", "T")], [(5, "GC", "AT", "0/1")], [1, 1]),
    "SNPs against block": ([(5, "GC", "AT")], [(5, "G", "A", "0|1"), (6, "C", "T", "0|1")], [1]),
    # in trans the block is nobody's haplotype
    "SNPs in trans are no block": ([(5, "GC", "AT")], [(5, "G", "A", "1|0"), (6, "C", "T", "0|1")], [-1]),
    # unphased truth may be either
    "unphased SNPs against block": ([(5, "GC", "AT")], [(5, "G", "A", "0/1"), (6, "C", "T", "0/1")], [1]),
    "unexplained truth makes its neighbour doubtful": ([(25, "T", "C")], [(24, "A", "ATTTGG", "0/1")], [-1]),
    "far neighbours stay": ([(5, "G", "A"), (58, "A", "C")], [(24, "A", "G", "0/1")], [-1, 0]),
    "matched beside unexplained keeps its label": (
        [(20, "T", "C"), (26, "T", "G")],
        [(20, "T", "C", "1/1"), (24, "A", "ATTTGG", "0/1")],
        [2, -1],
    ),
    "indel and SNP beside it": (
        [(23, "AT", "A"), (31, "C", "G")],
        [(28, "TT", "T", "1/1"), (31, "C", "G", "0/1")],
        [2, 1],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name):
    changes, truth, expected = CASES[name]
    got = label_candidates(table_of(changes), REFERENCE, WINDOW, truth_of(truth), None)
    assert got.tolist() == expected


def test_outside_confident_regions_nothing_is_known():
    table = table_of([(5, "G", "A"), (9, "CC", "C"), (20, "T", "C")])
    got = label_candidates(table, REFERENCE, WINDOW, [], [Region("c", 4, 10), Region("c", 20, 21)])
    assert got.tolist() == [0, -1, 0]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_truth_among_many_candidates_is_found_exactly(data):
    """Any subset of well separated or neighbouring SNPs, declared as truth, is labelled as declared."""
    positions = data.draw(st.lists(st.integers(1, 58), min_size=1, max_size=8, unique=True).map(sorted))
    copies = data.draw(st.lists(st.integers(0, 2), min_size=len(positions), max_size=len(positions)))
    changes = [(p, REFERENCE[p], "ACGT"[("ACGT".index(REFERENCE[p]) + 1) % 4]) for p in positions]
    truth = truth_of([(*c, "0/1" if n == 1 else "1/1") for c, n in zip(changes, copies, strict=True) if n])
    assert label_candidates(table_of(changes), REFERENCE, WINDOW, truth, None).tolist() == copies


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ((5, "GCA", "GCT"), (7, "A", "T")),
        ((5, "CAGAG", "CAG"), (5, "CAG", "C")),
        ((5, "C", "CAG"), (5, "C", "CAG")),
        ((5, "A", "T"), (5, "A", "T")),
    ],
)
def test_trimming(given_, expected):
    assert trim_allele(*given_) == expected


@pytest.fixture
def truth_file(tmp_path):
    text = (
        "##fileformat=VCFv4.2\n##contig=<ID=c,length=60>\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\n"
        "c\t6\t.\tG\tA\t.\t.\t.\tGT\t0/1\t0/0\n"
        "c\t11\t.\tCAG\tC,CAGAG\t.\t.\t.\tGT\t1|2\t1/1\n"
        "c\t21\t.\tT\t*\t.\t.\t.\tGT\t0/1\t./.\n"
    )
    path = tmp_path / "t.vcf"
    path.write_text(text)
    return pysam.tabix_index(str(path), preset="vcf", force=True)


def test_truth_vcf(truth_file):
    alleles = TruthVcf(truth_file, "s1").fetch(WINDOW, REFERENCE)
    assert [(a.pos, a.ref, a.alt, a.copies, a.phased) for a in alleles] == [
        (5, "G", "A", 1, False),
        (10, "C", "CAG", 1, True),
        (10, "CAG", "C", 1, True),
    ]
    assert [a.copies for a in TruthVcf(truth_file, "s2").fetch(WINDOW, REFERENCE)] == [2]
    assert TruthVcf(truth_file, "s1").fetch(Region("other", 0, 9), REFERENCE) == []


def test_truth_of_another_reference_is_refused(truth_file):
    with pytest.raises(DeepcohortError, match=r"says G at c:6 where the reference has T"):
        TruthVcf(truth_file, "s1").fetch(WINDOW, REFERENCE[:5] + "T" + REFERENCE[6:])


def test_truth_file_problems(truth_file, tmp_path):
    with pytest.raises(DeepcohortError, match="2 samples"):
        TruthVcf(truth_file)
    with pytest.raises(DeepcohortError, match="no sample x"):
        TruthVcf(truth_file, "x")
    with pytest.raises(DeepcohortError, match="does not exist"):
        TruthVcf(tmp_path / "none.vcf.gz")
    bare = tmp_path / "bare.vcf"
    bare.write_text("##fileformat=VCFv4.2\n")
    with pytest.raises(DeepcohortError, match="not indexed"):
        TruthVcf(bare)
    assert cyvcf2  # the reader behind it
