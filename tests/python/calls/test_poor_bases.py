"""What bases too poor to count say together, against the formula."""

import math

import numpy as np
import pytest
from deepcohort.calls.kernels_poor_bases import sum_poor_bases
from deepcohort.calls.poor_bases import with_poor_bases
from deepcohort.candidates.columns import Entries
from deepcohort.candidates.find import find_candidates
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from read_builders import make_batch, random_text

REFERENCE = random_text(5, 400)
SITE = 200
ALT = {"A": "C", "C": "A", "G": "T", "T": "G"}[REFERENCE[SITE]]


def test_sums_are_those_of_the_formula():
    said = [(-1, -0.8), (-1, 0.4), (-1, 0.0), (1, 3.0), (0, -3.0), (2, -2.0)]
    entries = Entries(
        np.array([0, 2, 8], np.int64),
        np.arange(8, dtype=np.int32),
        np.array([0, 1] + [a for a, _ in said], np.int8),
        np.array([-1.0, 1.0] + [x for _, x in said], np.float32),
        np.zeros(8, np.int32),
    )
    logs, share = sum_poor_bases(np.array([1, 0]), entries)
    het = sum(math.log10((1 + 10**x) / 2) for x in (-0.8, 0.4))
    assert logs == pytest.approx(np.array([[het, -0.4], [0, 0]]), abs=1e-6)
    assert share == pytest.approx([2 / 5, 0])


def judged(poor: str, n_poor: int, good: str, n_good: int, before):
    """Probabilities of the SNP at SITE after `n_poor` reads with base `poor` of phred 8, `n_good` of 40 with `good`."""
    reads = []
    for base, n, phred in ((poor, n_poor, 8), (good, n_good, 40)):
        for start in np.linspace(110, 190, n).astype(int).tolist():
            seq = list(REFERENCE[start : start + 100])
            seq[SITE - start] = base
            quals = [40] * 100
            quals[SITE - start] = phred
            reads.append((start, "100M", "".join(seq), quals))
    evidence = find_candidates(
        make_batch(reads), encode_bases(REFERENCE), Region("c", 0, 400), Region("c", 100, 300)
    )
    (row,) = np.flatnonzero(evidence.table.pos == SITE)
    return with_poor_bases(evidence, np.array([row]), np.array([before], np.float32))[0]


def test_many_poor_bases_of_ref_outweigh_a_good_one_of_alt():
    after = judged(REFERENCE[SITE], 20, ALT, 2, (0.1, 0.9, 0.0))
    assert after[0] > 0.95
    assert after.sum() == pytest.approx(1)


def test_poor_bases_of_alt_tell_two_copies_from_one_but_make_no_variant():
    before = (0.1, 0.6, 0.3)
    after = judged(ALT, 20, ALT, 2, before)
    assert after[2] > 0.6
    assert after[0] >= 0.1


def test_few_poor_bases_are_left_to_the_networks():
    assert judged(REFERENCE[SITE], 9, ALT, 10, (0.1, 0.9, 0.0)) == pytest.approx([0.1, 0.9, 0.0])
