"""Heterozygotes whose haplotype too few fragments show, against a slow oracle and in made-up reads."""

import math

import numpy as np
import pytest
from deepcohort.calls.balance import by_haplotype, log10_unbalanced
from deepcohort.calls.kernels_balance import REACH_BP, count_haplotypes
from deepcohort.candidates.columns import Entries
from deepcohort.candidates.find import find_candidates
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st
from read_builders import make_batch, random_text

REFERENCE = random_text(5, 1_000)
SITES = (400, 440, 480, 520, 560)


def shown_by_fragments(groups, mate):
    """{fragment: sum of what its reads say} of one candidate's [(read, allele, ratio)]."""
    found: dict[int, int] = {}
    for read, allele, ratio in groups:
        said = 1 if allele == 1 and ratio >= 1 else -1 if allele == 0 and ratio <= -1 else 0
        if said:
            f = min(read, mate[read]) if mate[read] >= 0 else read
            found[f] = found.get(f, 0) + said or -1
    return found


def slow_counts(row, pos, is_snp, groups, mate):
    """ALT and REF at the site, on the haplotype, linked SNPs; by dictionaries."""
    own = shown_by_fragments(groups[row], mate)
    total, n_linked = dict(own), 0
    for k, group in enumerate(groups):
        if not is_snp[k] or pos[k] == pos[row] or abs(pos[k] - pos[row]) > REACH_BP:
            continue
        pairs = []
        for read, allele, ratio in group:
            said = 1 if allele == 1 and ratio >= 1 else -1 if allele == 0 and ratio <= -1 else 0
            f = min(read, mate[read]) if mate[read] >= 0 else read
            if said and f in own:
                pairs.append((said > 0, own[f] > 0))
        both, against = sum(a and b for a, b in pairs), sum(a != b for a, b in pairs)
        if both < 2 or against > 0.2 * (both + against):
            continue
        n_linked += 1
        for read, allele, ratio in group:
            said = 1 if allele == 1 and ratio >= 1 else -1 if allele == 0 and ratio <= -1 else 0
            f = min(read, mate[read]) if mate[read] >= 0 else read
            if said:
                total[f] = total.get(f, 0) + said or -1
    site = [sum(x > 0 for x in own.values()), sum(x < 0 for x in own.values())]
    return [*site, sum(x > 0 for x in total.values()), sum(x < 0 for x in total.values()), n_linked]


entry = st.tuples(st.integers(0, 11), st.sampled_from([0, 0, 1, 1, 2, -1]), st.sampled_from([0.5, 1.0, 4.0]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1_500), st.booleans(), st.lists(entry, max_size=14)), min_size=1, max_size=7
    )
)
def test_counts_as_the_oracle(rows):
    rows.sort(key=lambda row: row[0])
    # reads 0 and 1, 2 and 3 are mates; a read says one thing of a candidate
    mate = np.array([1, 0, 3, 2, *[-1] * 8], np.int32)
    groups = [
        [(r, a, x if a == 1 else -x) for r, (a, x) in sorted({r: (a, x) for r, a, x in group}.items())]
        for _, _, group in rows
    ]
    flat = [e for group in groups for e in group]
    entries = Entries(
        np.cumsum([0] + [len(g) for g in groups]).astype(np.int64),
        np.array([e[0] for e in flat], np.int32),
        np.array([e[1] for e in flat], np.int8),
        np.array([e[2] for e in flat], np.float32),
        np.zeros(len(flat), np.int32),
    )
    pos, is_snp = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows])
    every = np.arange(len(rows))
    counts, _ = count_haplotypes(every, pos, is_snp, entries, np.full(12, 60, np.uint8), mate)
    assert counts.tolist() == [slow_counts(k, pos, is_snp, groups, mate) for k in every]


def test_unbalanced_counts_speak_for_a_copy():
    def exact(a, b):
        steps = 200_000
        share = [(k + 0.5) / (2 * steps) for k in range(steps)]
        return math.log10(sum((2 * f) ** a * (2 - 2 * f) ** b for f in share) / steps)

    pairs = [(0, 0), (5, 5), (5, 20), (7, 49), (40, 40)]
    found = log10_unbalanced(*(np.array(x) for x in zip(*pairs, strict=True)))
    assert found == pytest.approx([exact(*pair) for pair in pairs], abs=1e-3)
    assert found[0] == 0
    assert found[1] < 0 < found[2] < found[3]
    assert found[4] < -0.8


def evidence_of(n_copy: int, mapq: int = 60, sites: tuple[int, ...] = SITES, n_ref: int = 60):
    """Candidates of `n_ref` reads of REF of 100 bp, and `n_copy` of `mapq` with another base at `sites`."""
    bases = list(REFERENCE)
    for site in sites:
        bases[site] = {"A": "C", "C": "A", "G": "T", "T": "G"}[bases[site]]
    starts = np.linspace(320, 560, n_ref).astype(int).tolist()
    reads = [(i, "100M", REFERENCE[i : i + 100]) for i in starts]
    text = "".join(bases)
    reads += [
        (i, "100M", text[i : i + 100], None, mapq) for i in np.linspace(330, 550, n_copy).astype(int).tolist()
    ]
    return find_candidates(
        make_batch(reads), encode_bases(REFERENCE), Region("c", 0, 1_000), Region("c", 300, 700)
    )


def absent_after(evidence, divergence: float = 0.0, depth: float = 10.0):
    """P(0 copies) of each candidate that was .02, with P(1 copy) .97, before."""
    n = len(evidence.table.pos)
    before = np.tile(np.array([0.02, 0.97, 0.01], np.float32), (n, 1))
    after = by_haplotype(evidence, np.arange(n), before, np.full(n, divergence, np.float32), depth)
    assert after.sum(axis=1) == pytest.approx(1, abs=1e-6)
    return after[:, 0]


def test_few_fragments_of_a_copy_are_doubted():
    few = evidence_of(12, mapq=20)
    assert set(few.table.pos) == set(SITES)
    assert absent_after(few).max() > 0.5
    assert absent_after(few).min() > 0.02
    # placed as well as the others, the haplotype may be true; so far from REF no haplotype is, and beside a copy
    # there would be more reads
    assert absent_after(evidence_of(12)) == pytest.approx(0.02)
    assert absent_after(evidence_of(12), divergence=0.05).max() > 0.5
    assert absent_after(evidence_of(16, n_ref=120), depth=60.0).max() > 0.5
    assert absent_after(evidence_of(16, n_ref=120), depth=30.0) == pytest.approx(0.02)


def test_half_of_the_fragments_are_a_haplotype():
    assert absent_after(evidence_of(60, mapq=20), divergence=0.05) == pytest.approx(0.02)


def test_one_site_alone_is_the_networks_to_judge():
    alone = evidence_of(12, mapq=20, sites=(440,))
    assert alone.table.pos.tolist() == [440]
    assert absent_after(alone) == pytest.approx(0.02)


@pytest.mark.parametrize("p", [(1e-5, 1.0, 0.0), (0.6, 0.4, 0.0), (0.02, 0.1, 0.88)])
def test_sure_absent_and_homozygous_sites_stay(p):
    evidence = evidence_of(12, mapq=20)
    before = np.tile(np.array(p, np.float32), (len(evidence.table.pos), 1))
    after = by_haplotype(evidence, np.arange(len(before)), before, np.zeros(len(before), np.float32), 10.0)
    assert after is before
