"""Bases that reads of one strand misread: told by drawn counts, and put right in made-up reads."""

import math
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.sequence import decode_bases
from deepcohort.core.sequence import encode_bases as encode
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.library import library_text
from deepcohort.reads.quality_kernels import PlacedReads
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.strand_error_fit import SHARES
from deepcohort.reads.strand_error_kernels import put_right
from deepcohort.reads.strand_errors import (
    SiteCounts,
    count_sites,
    hinted_cells,
    log_misread,
    measure,
    without_misread_bases,
)
from deepcohort.reads.types import LibraryProfile, StrandErrors
from hypothesis import given, settings
from hypothesis import strategies as st
from read_builders import random_text

ACG_ATG = 4 * (16 * 0 + 4 * 1 + 2) + 3
ERRORS = StrandErrors(ACG_ATG // 4, 3, False, 0.1, 1e-3, 5e-3, tuple(float(s == 0.3) for s in SHARES))


def drawn(share_of_sites: float, share_of_reads: float, error: float, depth: int = 15) -> SiteCounts:
    """A thousand sites of ACG and their counts of ATG, five of them heterozygous, where forward reads misread."""
    rng = np.random.default_rng(7)
    n = rng.binomial(depth, 0.5, (1_000, 2))
    p = np.full((1_000, 2), error)
    p[rng.random(1_000) < share_of_sites, 0] = share_of_reads
    p[:5] = 0.5
    counts = np.stack([n, rng.binomial(n, p)], axis=2)
    return SiteCounts(np.arange(1_000) // 50, np.full(1_000, ACG_ATG), counts)


@pytest.mark.parametrize("sites", [0.03, 0.1, 0.3])
@pytest.mark.parametrize("reads", [0.3, 0.6])
@pytest.mark.parametrize("error", [1e-4, 5e-3])
def test_shares_of_sites_and_reads_are_told(sites: float, reads: float, error: float):
    counts = drawn(sites, reads, error)
    cells = hinted_cells(counts)
    assert cells == [(ACG_ATG, 0)]
    (found,) = measure(counts, cells)
    assert (found.text, found.strand) == ("ACG-ATG", "forward")
    assert found.sites == pytest.approx(sites, rel=0.4)
    assert np.dot(found.shares, SHARES) == pytest.approx(reads, abs=0.07)
    assert 1e-3 < found.heterozygotes < 1e-2
    assert f"StrandErrors=ACG-ATG:forward:{found.sites:.3f}" in library_text(
        LibraryProfile(strand_errors=(found,))
    )


@pytest.mark.parametrize("error", [1e-4, 5e-3, 0.02])
@pytest.mark.parametrize("depth", [4, 8, 15, 60])
def test_independent_errors_tell_of_nothing(error: float, depth: int):
    counts = drawn(0.0, 0.0, error, depth)
    assert measure(counts, hinted_cells(counts)) == ()
    assert measure(counts, [(ACG_ATG, 0), (ACG_ATG, 1)]) == ()


def test_errors_of_both_strands_at_the_same_sites_are_none_of_one():
    counts = drawn(0.0, 0.0, 1e-3)
    n = counts.counts[100:200, :, 0]
    counts.counts[100:200, :, 1] = (n + 1) // 2
    assert hinted_cells(counts) == []


def test_odds_are_those_of_the_formula():
    n, wrong, n_other, wrong_other = 8, 3, 7, 1

    def chance(p, q):
        return p**wrong * (1 - p) ** (n - wrong) * q**wrong_other * (1 - q) ** (n_other - wrong_other)

    misread = 0.1 * chance(0.3, 2e-3)
    variant = 5e-3 * (0.9 * chance(0.5, 0.5) + 0.1 * chance(0.65, 0.5))
    variant += 2.5e-3 * (0.9 * chance(0.99, 0.99) + 0.1 * chance(0.99 + 0.01 * 0.3, 0.99))
    (found,) = log_misread(np.array([[[n, wrong], [n_other, wrong_other]]]), ERRORS)
    assert found == pytest.approx(math.log(misread / variant))


TEXT = random_text(3, 30).replace("CG", "CA") + "TACGT" + random_text(4, 30).replace("CG", "CA")
AT = 32


def columns_of(bases: list[tuple[str, bool]]) -> ReadColumns:
    """Reads of all of TEXT, each with that base at AT and of that strand."""
    n, none = len(bases), np.empty(0, np.int64)
    seq = [encode(TEXT[:AT] + base + TEXT[AT + 1 :]) for base, _ in bases]
    return ReadColumns(
        pos=np.full(n, 100, np.int64),
        end=np.full(n, 100 + len(TEXT), np.int64),
        mapq=np.full(n, 60, np.uint8),
        flag=np.array([16 * reverse for _, reverse in bases], np.uint16),
        insert_size=np.zeros(n, np.int32),
        name_hash=np.arange(n, dtype=np.uint64),
        seq=np.concatenate(seq),
        qual=np.full(n * len(TEXT), 30, np.uint8),
        seq_length=np.full(n, len(TEXT), np.int64),
        cigar_op=np.zeros(n, np.uint8),
        cigar_len=np.full(n, len(TEXT), np.int32),
        n_ops=np.ones(n, np.int64),
        mapq0_pos=none,
        mapq0_end=none,
    )


def read_at(forward: str, reverse: str, errors: tuple[StrandErrors, ...] = (ERRORS,), span=(100, 200)):
    """(bases at AT, their qualities, what else changed) of reads that show these bases."""
    columns = columns_of([(base, False) for base in forward] + [(base, True) for base in reverse])
    before = columns.seq.copy()
    found = without_misread_bases(columns, errors, encode(TEXT), 100, span)
    assert (columns.seq == before).all()  # the columns of the caller stay
    assert (found is columns) == (not errors)
    seq, qual = found.seq.reshape(-1, len(TEXT)), found.qual.reshape(-1, len(TEXT))
    others = np.delete(seq != before.reshape(seq.shape), AT, axis=1)
    assert not others.any()
    return decode_bases(seq[:, AT]), qual[:, AT].tolist()


def test_bases_that_one_strand_misreads_say_nothing():
    assert read_at("CCTCTCC", "CCCCCC") == ("C" * 13, [30, 30, 9, 30, 9, 30, 30] + [30] * 6)


@pytest.mark.parametrize(
    ("forward", "reverse"),
    [
        ("CTCTCTT", "CTTCTC"),  # a heterozygote
        ("TTTTTTT", "TTTTT"),  # two copies
        ("CCCCCCC", "CTTCTC"),  # the other strand
        ("CCGCGCC", "CCCCCC"),  # another ALT
    ],
)
def test_what_the_other_strand_shows_stays(forward: str, reverse: str):
    assert read_at(forward, reverse) == (forward + reverse, [30] * len(forward + reverse))


def test_without_errors_or_beyond_the_span_nothing_changes():
    assert read_at("CCTCTCC", "CCCCCC", ())[0] == "CCTCTCCCCCCCC"
    assert read_at("CCTCTCC", "CCCCCC", span=(100, 100 + AT))[0] == "CCTCTCCCCCCCC"
    assert read_at("CCTCTCC", "CCCCCC", span=(100 + AT, 101 + AT))[0] == "C" * 13


def test_sites_are_counted_by_strand():
    columns = columns_of([(base, False) for base in "CCTG"] + [(base, True) for base in "CCT"])
    sites = count_sites([columns], [(100, encode(TEXT))])
    here = (sites.cell == ACG_ATG).nonzero()[0]
    assert sites.counts[here].tolist() == [[[3, 1], [3, 1]]]
    assert (sites.counts[np.arange(len(sites.cell)) != here[0], :, 1].sum()) == 1  # the G
    poor = replace(columns, mapq=np.full(7, 5, np.uint8))
    assert len(count_sites([poor], [(100, encode(TEXT))]).cell) == 0


def test_reads_are_held_against_the_reference_where_some_are_misread():
    assert not ReadsConfig().needs_reference
    assert ReadsConfig(library=LibraryProfile(strand_errors=(ERRORS,))).needs_reference


@settings(max_examples=60, deadline=None)
@given(
    reads=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5
    ),
    seed=st.integers(0, 99),
)
def test_bases_are_put_right_as_by_hand(reads, seed):
    """Reads of ten bases at a position, less some of their ends, against one base at a time."""
    rng, n = np.random.default_rng(seed), len(reads)
    seq, qual = rng.integers(0, 5, 10 * n).astype(np.uint8), rng.integers(0, 40, 10 * n).astype(np.uint8)
    codes, misread = rng.integers(0, 5, 25).astype(np.uint8), rng.integers(0, 5, 25).astype(np.uint8)
    pos, left, right = np.array(reads, np.int64).T
    wanted_seq, wanted_qual = seq.copy(), qual.copy()
    for r in range(n):
        for k in range(left[r], 10 - right[r]):
            at = pos[r] + k - 5
            if 0 <= at < 25 and misread[at] < 4 and seq[10 * r + k] == misread[at]:
                wanted_seq[10 * r + k] = codes[at]
                wanted_qual[10 * r + k] = min(qual[10 * r + k], 9)
    placed = PlacedReads(pos, pos + left, pos + 10 - right, seq, qual, 10 * np.arange(n))
    put_right(placed, 5, misread, codes, 9)
    assert seq.tolist() == wanted_seq.tolist()
    assert qual.tolist() == wanted_qual.tolist()
