"""Reads of DNA that an aligner of RNA spliced."""

import numpy as np
import pytest
from deepcohort.core.region import Region
from deepcohort.reads import splice_kernels
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profile_of
from deepcohort.reads.splice import is_of_dna
from deepcohort.reads.types import UNKNOWN_LIBRARY, LibraryProfile

CODE = "MIDNSHP=X"


def laid(pos, cigar, among=True):
    """(pos, end, CIGAR) of a read, after one that is left as it is."""
    ops = [(0, 30), *((CODE.index(op), n) for n, op in cigar)]
    start = np.array([5, pos], np.int64)
    end = np.array([35, pos + sum(n for n, op in cigar if op in "MDN=X")], np.int64)
    op, length = (np.array([x[k] for x in ops], dtype) for k, dtype in ((0, np.uint8), (1, np.int32)))
    n_ops = np.array([1, len(cigar)], np.int64)
    left = splice_kernels.lay_in_one_place(start, end, op, length, n_ops, np.array([True, among]))
    assert (left, start[0], end[0], op[0], length[0]) == (n_ops.sum(), 5, 35, 0, 30)
    text = "".join(f"{n}{CODE[k]}" for k, n in zip(op[1:left], length[1:left], strict=True))
    return int(start[1]), int(end[1]), text


@pytest.mark.parametrize(
    ("cigar", "want"),
    [
        ("80M26N70M", (100, 276, "80M26D70M")),
        ("80M50N70M", (100, 300, "80M50D70M")),
        ("80M51N70M", (100, 180, "80M70S")),
        ("26M20000N124M", (20126, 20250, "26S124M")),
        ("9S10M20000N131M", (20110, 20241, "19S131M")),
        ("131M50000N16M3S", (100, 231, "131M19S")),
        ("9M1I122M50000N16M2S", (100, 231, "9M1I122M18S")),
        ("5H20M900N30M30N40M900N60M2H", (1020, 1120, "5H20S30M30D40M60S2H")),
        ("60M900N2I90M", (1060, 1150, "62S90M")),
        ("90M3D900N60M", (100, 190, "90M60S")),
        ("70M900N70M", (100, 170, "70M70S")),  # of two alike the first
        ("150M", (100, 250, "150M")),
    ],
)
def test_short_skips_are_deletions_and_beyond_long_ones_reads_are_clipped(cigar, want):
    parts = split(cigar)
    assert laid(100, parts) == want
    assert laid(100, parts, among=False)[2] == cigar


def split(cigar):
    """[(bp, letter)] of CIGAR text."""
    out, n = [], ""
    for letter in cigar:
        if letter.isdigit():
            n += letter
        else:
            out.append((int(n), letter))
            n = ""
    return out


def test_spliced_reads_are_counted():
    cigars = [split(x) for x in ("50M51N50M", "100M", "50M50N50M", "20M60N20M60N20M")]
    op = np.array([CODE.index(x) for cigar in cigars for _, x in cigar], np.uint8)
    length = np.array([n for cigar in cigars for n, _ in cigar], np.int32)
    assert splice_kernels.count_spliced(op, length, np.array([len(c) for c in cigars])) == 3


def test_dna_is_told_by_few_spliced_reads():
    assert not is_of_dna(UNKNOWN_LIBRARY)
    assert is_of_dna(LibraryProfile(n_reads=100))
    assert not is_of_dna(LibraryProfile(n_reads=100, spliced_share=0.2))


def test_gaps_in_many_reads_are_no_deletions(write_reads, reference_path, reference_text):
    gapped = [
        f"r{k}\t0\tone\t{1 + 13 * k}\t60\t10M6N25M\t*\t0\t0\t"
        f"{reference_text[13 * k : 13 * k + 10]}{reference_text[13 * k + 16 : 13 * k + 41]}\t{'I' * 35}\tRG:Z:a"
        for k in range(200)
    ]
    path = write_reads(gapped)
    config, _ = profile_of([path], reference_path, ReadsConfig())
    assert config.library.spliced_share == 1.0
    with open_reads([path], reference_path, config) as source:
        assert set(source.fetch(Region("one", 0, 6_000)).cigar_op.tolist()) == {0, 3}


@pytest.mark.parametrize(("n_spliced", "is_dna"), [(2, True), (40, False)])
def test_reads_of_dna_lie_in_one_place_and_those_of_rna_stay(
    write_reads, reference_path, reference_text, n_spliced, is_dna
):
    lines = []
    for k in range(200):
        at = 100 + 20 * k
        if k < n_spliced:
            text, cigar = reference_text[at : at + 20] + reference_text[at + 520 : at + 600], "20M500N80M"
        else:
            text, cigar = reference_text[at : at + 100], "100M"
        lines.append(f"r{k}\t0\tone\t{at + 1}\t60\t{cigar}\t*\t0\t0\t{text}\t{'I' * 100}\tRG:Z:a")
    path = write_reads(lines)
    config, _ = profile_of([path], reference_path, ReadsConfig())
    assert config.library.spliced_share == pytest.approx(n_spliced / 200)
    with open_reads([path], reference_path, config) as source:
        first = source.fetch(Region("one", 90, 115))
        behind = source.fetch(Region("one", 600, 700))
    if is_dna:  # the first read lies where most of it does, and no read reaches the place of its start
        assert len(first) == 0
        assert (620, 700) in list(zip(behind.pos.tolist(), behind.end.tolist(), strict=True))
        assert list(behind.pos) == sorted(behind.pos)
    else:
        assert (first.pos[0], first.end[0]) == (100, 700)
