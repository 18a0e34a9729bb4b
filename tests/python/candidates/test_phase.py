"""Haplotypes of fragments against slow oracles."""

import itertools
import math

import numpy as np
import pytest
from deepcohort.candidates.columns import Entries
from deepcohort.candidates.phase_kernels import (
    HET,
    HOM,
    markers_near,
    phase_fragments,
    phased_het_log10,
    sure_genotypes,
)
from deepcohort.candidates.substitution_kernels import RATES_LOG10, substitution_log10
from deepcohort.core.sequence import encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st

MAPQ60 = np.full(64, 60, np.uint8)


def entries(groups):
    """Entries of [[(read, ratio), ...] per candidate]; ALT where ratio > 0."""
    flat = [e for group in groups for e in group]
    offset = np.concatenate([[0], np.cumsum([len(g) for g in groups])]).astype(np.int64)
    read = np.array([r for r, _ in flat], np.int32)
    ratio = np.array([x for _, x in flat], np.float32)
    return Entries(offset, read, (ratio > 0).astype(np.int8), ratio, np.zeros(len(read), np.int32))


def no_mates(n=64):
    return np.full(n, -1, np.int32)


@pytest.mark.parametrize(
    ("ratios", "wanted"),
    [
        ([4, 4, -4, -4], HET),
        ([4, 4, 4, 4], HOM),  # 0/1 is 16 times less likely
        ([4, 4, 4], 0),  # 8 times
        ([4, -4, -4, -4], 0),  # one ALT read
        ([4, 4, 4, -4], 0),  # one REF read
        ([1, 1, -1, -1], 0),  # too weak
    ],
)
def test_sure_genotypes(ratios, wanted):
    shown = entries([list(enumerate(ratios))])
    assert sure_genotypes(np.array([True]), shown, MAPQ60)[0] == wanted
    assert sure_genotypes(np.array([False]), shown, MAPQ60)[0] == 0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=1, max_size=25), st.integers(0, 40)
)
def test_nearest_markers_first(rows, reach):
    rows.sort()
    pos = np.array([p for p, _ in rows], np.int64)
    copies = np.array([c for _, c in rows], np.int8)
    for c in range(len(pos)):
        near = np.full(4, -1, np.int64)
        n = markers_near(c, pos, copies, reach, near)
        places = {int(p) for p, k in rows if k == HET}  # one marker a position
        apart = [abs(p - int(pos[c])) for p in places]
        assert [abs(int(pos[k] - pos[c])) for k in near[:n]] == sorted(d for d in apart if 0 < d <= reach)[:4]
        assert (copies[near[:n]] == HET).all()
        assert len(set(near[:n].tolist())) == n


def bayes_odds(groups, n_reads):
    """Haplotype odds of each fragment under the best phase of the markers, by trying all of them."""
    best = None
    for signs in itertools.product((1, -1), repeat=len(groups) - 1):
        score, odds = 0.0, np.zeros(n_reads)
        for sign, group in zip((1, *signs), groups, strict=True):
            for r, x in group:
                odds[r] += sign * x
        score = sum(math.log10((10.0**o + 10.0**-o) / 2) for o in odds)
        if best is None or score > best[0] + 1e-9:
            best = (score, odds)
    return best[1]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_fragments_of_clean_markers_get_their_haplotype(seed):
    """Three markers whose reads never err: signs as by trying all phases."""
    rng = np.random.default_rng(seed)
    haplotype = rng.integers(0, 2, 20)
    phase = [1, *rng.choice([1, -1], 2)]
    groups = []
    for k in range(3):
        rows = np.sort(rng.choice(20, 14, replace=False))
        groups.append([(int(r), 1.5 * phase[k] * (1 if haplotype[r] else -1)) for r in rows])
    shown = entries(groups)
    odds, touched = np.zeros(20), np.empty(20, np.int64)
    n = phase_fragments(np.arange(3), 3, shown, np.full(20, 60, np.uint8), no_mates(20), odds, touched)
    wanted = bayes_odds(groups, 20)
    assert n == np.count_nonzero(wanted)
    np.testing.assert_array_equal(np.sign(odds), np.sign(wanted))
    np.testing.assert_allclose(odds, np.clip(wanted, -3, 3), atol=1e-6)


def test_mates_share_their_haplotype_and_unlinked_markers_are_left_out():
    # reads 0 and 1 are mates: 0 covers the first marker, 1 the second; 2 covers an unlinked third
    groups = [[(0, 2.0), (3, -2.0)], [(1, -2.0)], [(2, 2.0)]]
    shown = entries(groups)
    mate = no_mates()
    mate[0], mate[1] = 1, 0
    odds, touched = np.zeros(64), np.empty(64, np.int64)
    n = phase_fragments(np.arange(3), 3, shown, MAPQ60, mate, odds, touched)
    assert n == 2
    assert sorted(touched[:n].tolist()) == [0, 3]
    assert odds[0] == 3.0  # 2 + 2, cut
    assert odds[3] == -2.0
    assert odds[2] == 0.0


def test_likelihood_by_hand():
    # one ALT read of the first haplotype, one REF read surely of the other, one REF read of unknown origin
    shown = entries([[(0, 3.0), (1, -3.0), (2, -3.0)]])
    odds = np.zeros(64)
    odds[0], odds[1] = 3.0, -3.0
    got = phased_het_log10(0, 3, shown, MAPQ60, no_mates(), odds)
    w = 1 / (1 + 1e-3)
    first = math.log10(w * 1e3 + 1 - w) + math.log10((1 - w) * 1e-3 + w) + math.log10((1e-3 + 1) / 2)
    other = math.log10((1 - w) * 1e3 + w) + math.log10(w * 1e-3 + 1 - w) + math.log10((1e-3 + 1) / 2)
    assert got == pytest.approx(math.log10((10**first + 10**other) / 2))
    unknown = phased_het_log10(0, 3, shown, MAPQ60, no_mates(), np.zeros(64))
    assert unknown == pytest.approx(sum(math.log10((1 + 10.0**x) / 2) for x in (3, -3, -3)))


@pytest.mark.parametrize(
    ("text", "at", "alt", "kind", "transition"),
    [
        ("ACGT", 1, "T", 0, True),  # CpG -> TpG
        ("ACGT", 2, "A", 0, True),  # CpG -> CpA
        ("ACGT", 1, "A", 0, False),
        ("ATGT", 1, "C", 1, True),  # TpG -> CpG
        ("ACAT", 2, "G", 1, True),  # CpA -> CpG
        ("ACAT", 2, "T", 1, False),
        ("AAAT", 1, "G", 2, True),
        ("CNGN", 0, "T", 2, True),  # beside N: not known to be one
        ("G", 0, "A", 2, True),
    ],
)
def test_substitutions_by_context(text, at, alt, kind, transition):
    got = substitution_log10(encode_bases(text), at, encode_bases(alt)[0])
    assert got == RATES_LOG10[kind][0 if transition else 1]
