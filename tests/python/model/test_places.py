"""Indels where places misread reads: calls no surer than the reads of both strands allow."""

from itertools import product

import numpy as np
import pytest
from deepcohort.candidates.columns import Entries
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.repeat_stutter import SLIPS, by_quality
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.model.place_kernels import weigh_places
from deepcohort.model.places import with_places
from deepcohort.pileup.features import N_FEATURES
from read_builders import make_batch, random_text

PLACES = {-1.25: 0.447, -0.5: 0.213, 0.0: 0.18, 0.5: 0.137, 1.0: 0.021, 1.5: 0.0016, 2.0: 0.0003, 2.5: 0.0001}
REVERSE = 0x10
SLIPPING = by_quality(SLIPS["illumina"], ((6, 100_000, 5_000), (25, 100_000, 300), (35, 10**6, 160)))
FLOW = CandidatesConfig(slips=SLIPPING)
TEXT = random_text(3, 300)
REFERENCE = TEXT[:150] + "CAG" + TEXT[153:]
BEFORE = np.array([[0.01, 0.95, 0.04]], np.float32)


def entries_of(said):
    """Entries of one candidate: (allele, ratio, flag) of each read, and their flags."""
    n = len(said)
    return Entries(
        np.array([0, n], np.int64),
        np.arange(n, dtype=np.int32),
        np.array([a for a, *_ in said], np.int8),
        np.array([r for _, r, _ in said], np.float32),
        np.zeros(n, np.int32),
    ), np.array([f for *_, f in said], np.uint16)


def expected(said, prior):
    """log10 odds of 0, 1, 2 copies by every pair of places of the two strands."""
    said = [one for one in said if one[0] in (0, 1)]
    odds = []
    for wrong in (1, 0):
        total = 0.0
        for (u, share), (v, other) in product(PLACES.items(), repeat=2):
            chance = share * other
            for allele, ratio, flag in said:
                misread = min(0.9, 10.0 ** (-abs(ratio) + (v if flag & REVERSE else u)))
                chance *= misread if allele == wrong else 1 - misread
            total += chance
        odds.append(np.log10(total))
    return [odds[0], len(said) * np.log10(0.5) + prior, odds[1] + prior - 0.3]


@pytest.mark.parametrize("seed", range(4))
def test_odds_are_those_of_the_formula(seed):
    rng = np.random.default_rng(seed)
    said = [
        (int(a), float(np.float32(r if a == 1 else -r)), int(f))
        for a, r, f in zip(
            rng.choice([-1, 0, 1, 2], 14), rng.uniform(0.1, 4, 14), rng.choice([0, REVERSE], 14), strict=True
        )
    ]
    entries, flag = entries_of(said)
    logs = weigh_places(np.array([0]), np.array([-2.5]), flag, entries)
    assert logs[0] == pytest.approx(expected(said, -2.5), abs=1e-5)


def judged(shown, alt: str):
    """Probabilities after: (reads, bases instead of the A at 151, phred of them, flag)."""
    reads = []
    for n, bases, phred, flag in shown:
        for start in np.linspace(70, 130, n).astype(int).tolist():
            before = 151 - start
            seq = REFERENCE[start:151] + bases + REFERENCE[152 : start + 100]
            qual = [35] * before + [phred] * len(bases) + [35] * (len(seq) - before - len(bases))
            more = len(bases) - 1
            cigar = f"{before}M{more}I{100 - before}M" if more else "100M"
            reads.append((start, cigar, seq, qual, 60, None, flag))
    evidence = find_candidates(
        make_batch(reads), encode_bases(REFERENCE), Region("c", 0, 300), Region("c", 100, 200), FLOW
    )
    lengths = np.diff(evidence.table.alt_offset)
    (row,) = np.flatnonzero(lengths == len(alt))
    features = np.zeros((1, N_FEATURES), np.float32)
    return with_places(evidence, np.array([row]), features, BEFORE)


def test_a_call_by_one_strand_is_taken_back():
    after = judged([(14, "A", 35, 0), (6, "AA", 12, 0x10), (8, "A", 35, 0x10)], "CA")[0]
    assert after[0] > 0.99
    assert after.sum() == pytest.approx(1)


def test_a_call_by_both_strands_stands():
    after = judged([(7, "A", 35, 0), (7, "AA", 35, 0), (8, "AA", 35, 0x10), (8, "A", 35, 0x10)], "CA")[0]
    assert after[0] == pytest.approx(0.01, abs=1e-6)
    assert after[1] > 0.98


def test_copies_are_told_by_both():
    after = judged([(15, "AA", 35, 0), (13, "AA", 35, 0x10), (1, "A", 6, 0x10)], "CA")[0]
    assert after[2] > 0.9
    assert after[0] == pytest.approx(0.01, abs=1e-6)


def test_other_indels_are_left_to_the_networks():
    assert judged([(9, "A", 35, 0), (4, "ACGT", 35, 0x10)], "CACG") is BEFORE  # three bases
