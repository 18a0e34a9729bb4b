"""Left alignment and trimming: tables worked by hand, and haplotypes that must not change."""

import numpy as np
import pytest
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.simulate.alleles import left_align, trim
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("reference", "pos", "ref", "alt", "expected"),
    [
        # a base of a run: moves to the run's start, anchored on the base before
        ("GAAAAC", 4, "AC", "C", (0, "GA", "G")),
        ("GAAAAC", 3, "A", "AA", (0, "G", "GA")),
        # a unit of a dinucleotide repeat
        ("TCACACAG", 3, "CAC", "C", (0, "TCA", "T")),
        ("TCACACAG", 6, "A", "ACA", (0, "T", "TCA")),
        # shared bases on both sides of a substitution
        ("ACGTA", 0, "ACG", "ATG", (1, "C", "T")),
        # nothing to do
        ("ACGTA", 2, "G", "T", (2, "G", "T")),
        # at the contig's start there is nothing to move to
        ("AAAG", 0, "AA", "A", (0, "AA", "A")),
        # without anchors
        ("GATTC", 2, "T", "", (1, "AT", "A")),
    ],
)
def test_left_align(reference, pos, ref, alt, expected):
    got_pos, got_ref, got_alt = left_align(encode_bases(reference), pos, encode_bases(ref), encode_bases(alt))
    assert (got_pos, decode_bases(got_ref), decode_bases(got_alt)) == expected


def _apply(reference: str, pos: int, ref: str, alt: str) -> str:
    assert reference[pos : pos + len(ref)] == ref
    return reference[:pos] + alt + reference[pos + len(ref) :]


@given(
    reference=st.text("AC", min_size=12, max_size=30),
    pos=st.integers(1, 8),
    size=st.integers(0, 3),
    alt=st.text("AC", max_size=4),
)
def test_left_alignment_keeps_the_haplotype(reference, pos, size, alt):
    ref = reference[pos : pos + size]
    if ref == alt:
        return
    new_pos, new_ref, new_alt = left_align(encode_bases(reference), pos, encode_bases(ref), encode_bases(alt))
    new_ref_text, new_alt_text = decode_bases(new_ref), decode_bases(new_alt)
    assert _apply(reference, new_pos, new_ref_text, new_alt_text) == _apply(reference, pos, ref, alt)
    assert new_ref_text
    assert new_alt_text
    again = left_align(encode_bases(reference), new_pos, new_ref, new_alt)
    assert again[0] == new_pos
    assert np.array_equal(again[1], new_ref)


@pytest.mark.parametrize(
    ("ref", "alts", "expected"),
    [
        ("GAAA", ["GA"], (0, "GAA", ["G"])),
        ("GAAA", ["GA", "GAAAA"], (0, "GAA", ["G", "GAAA"])),
        ("ACG", ["ATG"], (1, "C", ["T"])),
        ("A", ["T"], (0, "A", ["T"])),
    ],
)
def test_trim(ref, alts, expected):
    shift, new_ref, new_alts = trim(encode_bases(ref), [encode_bases(a) for a in alts])
    assert (shift, decode_bases(new_ref), [decode_bases(a) for a in new_alts]) == expected
