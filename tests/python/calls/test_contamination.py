"""Heterozygotes that another person's reads make, against plain formulas and in made-up reads."""

import math

import numpy as np
import pytest
from deepcohort.calls.contamination import log_shares, without_strangers
from deepcohort.calls.kernels_contamination import count_fragments
from deepcohort.candidates.columns import Entries
from deepcohort.candidates.find import find_candidates
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st
from read_builders import make_batch, random_text

REFERENCE = random_text(5, 400)
SITE = 200
ALT, THIRD = {"A": "CG", "C": "AT", "G": "TA", "T": "GC"}[REFERENCE[SITE]]

entry = st.tuples(st.integers(0, 11), st.sampled_from([0, 0, 1, 1, 2, -1]), st.sampled_from([0.5, 1.0, 4.0]))


@settings(max_examples=100, deadline=None)
@given(
    groups=st.lists(st.lists(entry, max_size=12), min_size=1, max_size=4),
    pairs=st.permutations(range(12)),
    n_pairs=st.integers(0, 6),
)
def test_fragments_against_dictionaries(groups, pairs, n_pairs):
    mate = np.full(12, -1, np.int32)
    for k in range(n_pairs):
        mate[pairs[2 * k]], mate[pairs[2 * k + 1]] = pairs[2 * k + 1], pairs[2 * k]
    said = [(r, a, x if a == 1 else -x) for group in groups for r, a, x in group]
    entries = Entries(
        np.cumsum([0, *map(len, groups)]).astype(np.int64),
        np.array([r for r, _, _ in said], np.int32),
        np.array([a for _, a, _ in said], np.int8),
        np.array([x for _, _, x in said], np.float32),
        np.zeros(len(said), np.int32),
    )
    found = count_fragments(np.arange(len(groups)), entries, mate)
    for group, counts in zip(groups, found, strict=True):
        shown: dict[int, int] = {}
        for read, allele, ratio in group:
            f = min(read, mate[read]) if mate[read] >= 0 else read
            if ratio >= 1:
                kind = {1: 1, 0: 2, -1: 2, 2: 3}[allele]
                shown[f] = max(shown.get(f, 0), 1) if kind == 1 else kind
        assert counts.tolist() == [sum(v == k for v in shown.values()) for k in (1, 2, 3)]


def test_likelihoods_are_those_of_the_formula():
    c, n_alt, n_ref = 0.1, 3, 27
    found = log_shares(np.array([[n_alt, n_ref]]), c)[0]

    def chance(share):
        return share**n_alt * (1 - share) ** n_ref

    strangers = [{1: 1 / 2, 2: 1 / 12}, {0: 1 / 2, 1: 1 / 3, 2: 1 / 6}, {0: 1 / 12, 1: 1 / 6}]
    for copies, priors in enumerate(strangers):
        wanted = sum(p * chance((1 - c) * copies / 2 + c * h / 2) for h, p in priors.items())
        assert found[copies] == pytest.approx(math.log(wanted))


def test_homozygotes_whose_reads_agree_need_no_stranger():
    found = log_shares(np.array([[0, 30], [30, 0], [4_000, 60]]), 0.05)
    assert found[0, 0] == found[1, 2] == -math.inf
    assert np.isfinite(found[2]).all()


def judged(bases, before, contamination):
    """Probabilities of the SNP at SITE where one read each shows `bases`."""
    reads = []
    for base, start in zip(bases, np.linspace(110, 190, len(bases)).astype(int).tolist(), strict=True):
        seq = list(REFERENCE[start : start + 100])
        seq[SITE - start] = base
        reads.append((start, "100M", "".join(seq), [40] * 100))
    evidence = find_candidates(
        make_batch(reads), encode_bases(REFERENCE), Region("c", 0, 400), Region("c", 100, 300)
    )
    table = evidence.table
    alts = [int(table.alt_seq[k]) for k in table.alt_offset[:-1]]
    (row,) = np.flatnonzero((table.pos == SITE) & (np.array(alts) == encode_bases(ALT)[0]))
    given_ = np.array([before], np.float32)
    after = without_strangers(evidence, np.array([row]), given_, contamination)
    assert (after is given_) == (contamination == 0)
    return after[0]


REF = REFERENCE[SITE]


def test_four_of_many_reads_are_the_strangers():
    before = (0.05, 0.95, 0.0)
    assert judged(REF * 11 + ALT * 4 + REF * 11, before, 0.05)[0] > 0.9
    assert judged(REF * 11 + ALT * 4 + REF * 11, before, 0.0) == pytest.approx(before)
    assert judged(REF * 15 + ALT * 15, before, 0.05) == pytest.approx(before, abs=1e-4)


def test_three_reads_of_ref_among_alt_are_the_strangers():
    before = (0.0, 0.9, 0.1)
    assert judged(ALT * 27 + REF * 3, before, 0.05)[2] > 0.99
    assert judged(ALT * 17 + REF * 13, before, 0.05)[2] == pytest.approx(0.1, abs=1e-3)


def test_reads_of_a_second_alt_are_seldom_the_strangers():
    before = (0.0, 0.99, 0.01)
    assert judged(ALT * 15 + THIRD * 15, before, 0.05)[1] > 0.98
    one_of_each = judged(ALT * 7 + REF, before, 0.05)[2], judged(ALT * 7 + THIRD, before, 0.05)[2]
    assert one_of_each[0] > 3 * one_of_each[1]
