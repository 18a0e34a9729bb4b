"""Overlapping sites: no haplotype carries more than it can, and the best joint genotype wins."""

import itertools

import numpy as np
import pytest
from calls_builders import describe, make_table
from deepcohort.calls.genotype import genotype_sites
from deepcohort.core.sequence import encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st

REFERENCE = "ACGTACGTACGTACGTACGTACGTA"
CODES = encode_bases(REFERENCE)


@pytest.mark.parametrize(
    ("rows", "probabilities", "expected"),
    [
        # a heterozygous deletion leaves one base for the SNP under it
        (
            [(4, "ACG", "A"), (6, "G", "T")],
            [(0.0001, 0.9989, 0.001), (0.001, 0.099, 0.9)],
            [(4, "ACG", ["A"], (0, 1)), (6, "G", ["T"], (0, 1))],
        ),
        # a sure homozygous deletion leaves none
        (
            [(4, "ACG", "A"), (6, "G", "T")],
            [(1e-6, 1e-6, 1.0), (0.4, 0.6, 0.0)],
            [(4, "ACG", ["A"], (1, 1))],
        ),
        # a sure homozygous SNP drops a doubtful deletion
        (
            [(4, "ACG", "A"), (6, "G", "T")],
            [(0.4, 0.6, 0.0), (1e-9, 1e-9, 1.0)],
            [(6, "G", ["T"], (1, 1))],
        ),
        # an insertion within deleted bases
        (
            [(4, "ACGT", "A"), (5, "C", "CA")],
            [(1e-6, 1e-6, 1.0), (0.3, 0.7, 0.0)],
            [(4, "ACGT", ["A"], (1, 1))],
        ),
        # the anchor of a deletion is still there: a SNP on it is another site's business
        (
            [(3, "TACG", "T"), (7, "T", "C")],
            [(1e-6, 1e-6, 1.0), (1e-6, 1e-6, 1.0)],
            [(3, "TACG", ["T"], (1, 1)), (7, "T", ["C"], (1, 1))],
        ),
    ],
)
def test_overlap_table(rows, probabilities, expected):
    found = genotype_sites(make_table(rows), np.array(probabilities), CODES, 0)
    called = [row for row in describe(found.sites, REFERENCE) if max(row[3]) > 0]
    assert called == expected


def test_ties_go_the_same_way_every_time():
    rows = [(4, "ACGT", "A"), (6, "GTA", "G")]
    probabilities = np.array([(0.001, 0.001, 0.998)] * 2)
    first = describe(genotype_sites(make_table(rows), probabilities, CODES, 0).sites, REFERENCE)
    for _ in range(3):
        assert describe(genotype_sites(make_table(rows), probabilities, CODES, 0).sites, REFERENCE) == first
    assert sum(sum(row[3]) for row in first if max(row[3]) > 0) <= 2


def touched_points(pos, ref, alt):
    """Half-base points an allele changes, by the book: bases 2b, gaps 2b + 1."""
    if len(ref) == len(alt):
        return {2 * pos}
    if len(ref) > len(alt):
        return set(range(2 * (pos + 1), 2 * (pos + len(ref) - 1) + 1))
    return {2 * pos + 1}


alleles = st.tuples(
    st.integers(2, 14),
    st.sampled_from(["snp", "ins", "del2", "del4"]),
    st.tuples(st.floats(1e-3, 1), st.floats(1e-3, 1), st.floats(1e-3, 1)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(alleles, min_size=2, max_size=5, unique_by=lambda a: a[0]))
def test_joint_genotype_is_the_best_that_fits(chosen):
    rows, probabilities = [], []
    for pos, kind, p in sorted(chosen):
        anchor = REFERENCE[pos]
        if kind == "snp":
            rows.append((pos, anchor, "ACGT"["ACGT".index(anchor) - 1]))
        elif kind == "ins":
            rows.append((pos, anchor, anchor + "GG"))
        else:
            rows.append((pos, REFERENCE[pos : pos + 1 + int(kind[3])], anchor))
        probabilities.append(np.array(p) / sum(p))
    found = genotype_sites(make_table(rows), np.array(probabilities), CODES, 0)
    copies = dict.fromkeys((row[0] for row in rows), 0)
    for pos, _, _, gt in describe(found.sites, REFERENCE):
        copies[pos] = sum(a > 0 for a in gt)
    points = [touched_points(*row) for row in rows]

    def fits(dosage):
        everything = set().union(*points)
        return all(sum(d for d, p in zip(dosage, points, strict=True) if x in p) <= 2 for x in everything)

    def score(dosage):
        return sum(np.log10(p[d]) for d, p in zip(dosage, probabilities, strict=True))

    ours = tuple(copies[row[0]] for row in rows)
    best = max(score(d) for d in itertools.product(range(3), repeat=len(rows)) if fits(d))
    assert fits(ours)
    assert score(ours) == pytest.approx(best, abs=1e-9)


def test_large_components_stay_feasible():
    # thirty deletions, each over the next: far too many combinations to try
    reference = "ACGT" * 50
    rows = [(10 + 2 * i, reference[10 + 2 * i : 16 + 2 * i], reference[10 + 2 * i]) for i in range(30)]
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet((0.2, 1, 1), size=30)
    found = genotype_sites(make_table(rows), probabilities, encode_bases(reference), 0)
    cover = np.zeros(len(reference), dtype=int)
    for pos, ref, _, gt in describe(found.sites, reference):
        cover[pos + 1 : pos + len(ref)] += sum(a > 0 for a in gt)
    assert cover.max() <= 2
    assert cover.max() > 0
