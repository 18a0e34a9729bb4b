"""Qualities of long reads in terms of their platform's usual run: counts by hand, and what becomes of labels."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.candidates.config import candidates_for
from deepcohort.candidates.repeat_stutter import SLIPS, centred
from deepcohort.candidates.sample import SampleSettings
from deepcohort.core.sequence import encode_bases as encode
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import LibraryKey
from deepcohort.reads.long_qualities import MANY_ERRORS, least_in_runs, seen_qualities, times_usual, worth
from deepcohort.reads.qualities import quality_table
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import LibraryProfile, OwnLibrary

OPS = {"M": 0, "I": 1, "D": 2, "S": 4, "=": 7, "X": 8}
# mismatches per base of ONT's usual run, by reported phred, and how many bases have it
USUAL_ONT = {
    8: (10**-1.14, 0.02),
    13: (10**-1.44, 0.03),
    22: (10**-2.1, 0.1),
    28: (10**-2.95, 0.15),
    37: (10**-4.4, 0.7),
}


def columns_of(reads: list[tuple[int, list[tuple[str, int]], str, list[int]]]) -> ReadColumns:
    """Columns of reads (pos, CIGAR, bases, quals)."""
    none = np.empty(0, np.int64)
    pos = np.array([r[0] for r in reads], np.int64)
    spans = np.array([sum(n for op, n in r[1] if op in "MD=X") for r in reads], np.int64)
    n = len(reads)
    return ReadColumns(
        pos=pos,
        end=pos + spans,
        mapq=np.full(n, 60, np.uint8),
        flag=np.zeros(n, np.uint16),
        insert_size=np.zeros(n, np.int32),
        name_hash=np.arange(n, dtype=np.uint64),
        seq=np.concatenate([encode(r[2]) for r in reads]),
        qual=np.concatenate([np.array(r[3], np.uint8) for r in reads]),
        seq_length=np.array([len(r[2]) for r in reads], np.int64),
        cigar_op=np.array([OPS[op] for r in reads for op, _ in r[1]], np.uint8),
        cigar_len=np.array([n for r in reads for _, n in r[1]], np.int32),
        n_ops=np.array([len(r[1]) for r in reads], np.int64),
        mapq0_pos=none,
        mapq0_end=none,
    )


def test_matches_are_counted_apart_from_gaps():
    """Twelve reads over ACGT...; the first one has an X in the middle, an insertion and a deletion."""
    text = "ACGT" * 20
    plain = (0, [("M", 80)], text, [30] * 80)
    wrong = text[:20] + "T" + text[21:40] + "GG" + text[40:60] + text[63:]
    cigar = [("=", 20), ("X", 1), ("=", 19), ("I", 2), ("M", 20), ("D", 3), ("M", 17)]
    columns = columns_of([(0, cigar, wrong, [20] * len(wrong)), *[plain] * 11])
    every = np.ones(12, bool)
    seen = {row[0]: row[1:] for row in seen_qualities([columns], [(0, encode(text))], [every])}
    # 5 bp of margin at both ends of the matches 0-40, 40-60 and 63-80; = and X are one
    assert seen[20][:2] == (30 + 10 + 7, 1)
    assert seen[30][:2] == (11 * 70, 0)
    assert 0 < seen[30][2] < 2  # what heterozygotes would make
    assert {row[0] for row in seen_qualities([columns], [(0, encode(text))], [np.arange(12) > 0])} == {30}


def test_a_quality_of_zero_is_told_where_most_bases_have_it():
    """N apart; where few have it, they are Ns or as good as such."""
    text = "ACGT" * 20
    wrong = text[:20] + "T" + text[21:40] + "N" + text[41:]
    reads = [(0, [("M", 80)], wrong, [0] * 80), *[(0, [("M", 80)], text, [0] * 80)] * 11]
    codes, every = encode(text), np.ones(12, bool)
    columns = columns_of(reads)
    ((phred, bases, mismatches, _),) = seen_qualities([columns], [(0, codes)], [every])
    assert (phred, bases, mismatches) == (0, 12 * 70 - 1, 1)
    columns.qual[: 11 * 80] = 20
    ((phred, bases, _, _),) = seen_qualities([columns], [(0, codes)], [every])
    assert (phred, bases) == (20, 11 * 70 - 1)
    ((zero, kept),) = worth("ont", LibraryProfile(seen=((0, 1_000_000, 5_000, 500.0),)))
    assert zero == 0
    assert 20 <= kept <= 25


def test_least_quality_in_and_beside_runs():
    first = "ACCCCGTTTAGGGGG"  # the run of G ends with the read; TTT is short
    columns = columns_of(
        [
            (0, [("M", 15)], first, [9, 40, 30, 20, 40, 12, *[5] * 9]),
            (9, [("M", 7)], "GAAAACT", [7, 9, 9, 9, 9, 8, 3]),
        ]
    )
    assert least_in_runs([columns]) == ((7, 1), (9, 1))


def profile(label, n: int = 4_000_000, errors: float = 1.0) -> LibraryProfile:
    """Of a usual ONT run whose qualities are called `label` of themselves, with so many times the errors."""
    seen = np.zeros((2, 94))
    for phred, (rate, share) in USUAL_ONT.items():
        seen[:, label(phred)] += n * share, n * share * rate * errors
    rows = tuple((int(q), int(seen[0, q]), int(seen[1, q]), 0.0) for q in np.flatnonzero(seen[0]))
    return LibraryProfile(seen=rows)


def test_the_usual_run_is_left_alone():
    assert worth("ont", profile(lambda q: q)) == ()
    assert worth("ont", profile(lambda q: q, n=2_000)) == ()
    assert worth("ont", LibraryProfile()) == ()
    assert worth("illumina", profile(lambda q: 5)) == ()


@pytest.mark.parametrize(
    "label", [lambda q: q - 7, lambda q: q + 20, lambda q: q // 2], ids=["down", "up", "half"]
)
def test_other_labels_come_back(label):
    table = quality_table(LibraryProfile(lowered=worth("ont", profile(label))))
    for phred in (13, 22, 28, 37):
        assert abs(int(table[label(phred)]) - phred) <= 2


@pytest.mark.parametrize("label", [5, 30, 60])
def test_flat_qualities_say_what_the_mean_base_is_worth(label):
    # .0045 mismatches per base: those of bases between Q22 and Q25
    ((reported, kept),) = worth("ont", profile(lambda q: label))
    assert reported == label
    assert 22 <= kept <= 25


def test_more_errors_are_worth_less():
    table = quality_table(LibraryProfile(lowered=worth("ont", profile(lambda q: q, errors=6.0))))
    assert table[37] <= 32
    assert table[22] <= 16


def test_many_errors_are_told_whatever_qualities_say():
    for label in (lambda q: q, lambda q: 30):
        assert times_usual("ont", profile(label)) < MANY_ERRORS
        assert times_usual("ont", profile(label, errors=4.0)) > MANY_ERRORS
    assert times_usual("ont", LibraryProfile(seen=((20, 1_000_000, 6_600, 0.0),))) == pytest.approx(
        1.9, abs=0.06
    )
    assert (
        times_usual("ont", LibraryProfile(seen=((20, 1_000, 8, 0.0),))) < 0.5
    )  # 8 where 3 are usual say nothing
    assert (
        times_usual("hifi", LibraryProfile(seen=((20, 1_000_000, 600, 500.0),))) < MANY_ERRORS
    )  # heterozygotes
    assert times_usual("illumina", profile(lambda q: q)) == times_usual("ont", LibraryProfile()) == 0.0


def test_few_bases_tell_nothing():
    assert worth("ont", profile(lambda q: q + 10, n=400)) == ()


def test_settings_of_a_platform_take_what_qualities_are_worth():
    library = replace(profile(lambda q: 5), least=((5, 100),))
    own = OwnLibrary(LibraryKey("L", "", "s"), "L", library, is_apart=True)
    reads = ReadsConfig(library=library, libraries=(own,))
    ont = SampleSettings.for_library("ont", reads)
    assert ont.reads.library.lowered == ont.reads.libraries[0].profile.lowered == worth("ont", library) != ()
    assert SampleSettings.for_library("ont", ont.reads) == ont  # in another process
    assert SampleSettings.for_library("illumina", reads).reads.library.lowered == ()
    # flat qualities add to slips what the usual run's add in the mean: 10^-0.2
    slips, kept = ont.candidates.slips, ont.reads.library.lowered[0][1]
    assert slips.quality_slope * (slips.quality_middle - kept) == pytest.approx(-0.2, abs=0.03)
    assert candidates_for("ont", profile(lambda q: q)).slips == SLIPS["ont"]


def test_slips_stay_where_nothing_was_seen():
    assert centred(SLIPS["ont"], (), np.arange(256, dtype=np.uint8), -0.2) == SLIPS["ont"]
