"""Haplotypes of records in the alleles that reads show."""

import numpy as np
import pytest
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.filter.allele_haplotypes import spellings_among, spellings_of
from hypothesis import given, settings
from hypothesis import strategies as st

#            01234567890123456789
REFERENCE = "GATTACACACAGGGTTTCAGCATTG"
CODES = encode_bases(REFERENCE)


def change(pos, ref, alt):
    """An allele as candidates hold it."""
    assert REFERENCE[pos : pos + len(ref)] == ref
    return pos, len(ref), encode_bases(alt).tobytes()


def spell(changes):
    """The reference with these changes made."""
    text = REFERENCE
    for pos, n, alt in sorted(changes, reverse=True):
        text = text[:pos] + decode_bases(np.frombuffer(alt, np.uint8)) + text[pos + n :]
    return text


def test_what_is_shown_as_written_is_taken():
    shown = [change(3, "T", "G"), change(10, "AG", "A")]
    (only,) = spellings_of(10, "AG", "A", shown, CODES)
    assert only.changes == (change(10, "AG", "A"),)
    assert only.hidden == ()


def test_another_spelling_is_found():
    """CAGG > GG: the caller's deletion and SNP are a SNP and a deletion farther left in the reads."""
    shown = sorted([change(3, "T", "G"), change(9, "CA", "C"), change(9, "C", "G"), change(10, "AG", "A")])
    haplotype = REFERENCE[:9] + "GGG" + REFERENCE[13:]  # CAGG > GGG
    ways = spellings_among(9, 4, encode_bases("GGG").tobytes(), shown, CODES)
    assert ways
    for way in ways:
        assert spell(way.changes) == haplotype
        assert change(3, "T", "G") not in way.changes  # of another haplotype


def test_fewest_alleles_come_first():
    shown = sorted([change(4, "ACAC", "A"), change(4, "ACA", "A"), change(7, "C", "A"), change(6, "AC", "A")])
    ways = spellings_among(4, 4, encode_bases("A").tobytes(), shown, CODES)
    assert [len(w.changes) for w in ways] == sorted(len(w.changes) for w in ways)
    assert ways[0].changes == (change(4, "ACAC", "A"),)


@pytest.mark.parametrize(
    ("shown", "joined"),
    [
        ([(10, "AGG", "A"), (12, "G", "GCATC")], (10, "AGG", "ACATC")),  # insertion behind a deletion
        ([(10, "A", "ACATC"), (10, "AGG", "A")], (10, "AGG", "ACATC")),  # before it
    ],
    ids=["behind", "before"],
)
def test_deletion_and_insertion_that_touch_are_one(shown, joined):
    """No read shows the insertion alone: reads with the deletion skip its anchor."""
    rows = sorted(change(*c) for c in shown)
    (only,) = spellings_among(11, 2, encode_bases("CATC").tobytes(), rows, CODES)
    assert only.changes == (change(*joined),)
    assert only.hidden == tuple(c for c in rows if len(c[2]) > c[1])


def test_a_part_is_not_the_whole():
    """Reads show the deletion without the SNP: the record is judged by what its caller wrote."""
    shown = [change(10, "AGG", "A")]
    ways = spellings_of(10, "AGGGT", "AGA", shown, CODES)
    assert len(ways) == 1
    assert ways[0].changes != tuple(shown)
    assert spell(ways[0].changes) == REFERENCE[:10] + "AGA" + REFERENCE[15:]


def test_wrong_reference_gives_nothing():
    assert spellings_of(10, "CGG", "C", [change(10, "AGG", "A")], CODES) == []


alleles = st.builds(
    lambda pos, n, alt: (pos, n, encode_bases(REFERENCE[pos] + alt).tobytes()),
    st.integers(1, 18),
    st.integers(1, 4),
    st.text("ACGT", max_size=3),
).filter(lambda c: c[1] != len(c[2]))
snps = st.builds(
    lambda pos, base: (pos, 1, encode_bases(base).tobytes()), st.integers(1, 20), st.sampled_from("ACGT")
).filter(lambda c: c[2][0] != CODES[c[0]])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(alleles, snps), max_size=7, unique=True), st.integers(2, 12), st.integers(1, 6),
       st.text("ACGT", min_size=1, max_size=6))  # fmt: skip
def test_every_way_spells_the_haplotype(shown, pos, n, alt):
    shown = sorted(shown, key=lambda c: (c[0], c[1], len(c[2]), c[2]))
    for way in spellings_among(pos, n, encode_bases(alt).tobytes(), shown, CODES):
        assert spell(way.changes) == REFERENCE[:pos] + alt + REFERENCE[pos + n :]
