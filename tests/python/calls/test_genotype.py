"""Genotypes from probabilities: tables worked by hand."""

import numpy as np
import pytest
from calls_builders import describe, make_table, site_ad, site_gl
from deepcohort.calls.config import CallsConfig
from deepcohort.calls.genotype import genotype_sites, overlap_components
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.sequence import encode_bases

#            0         1         2
#            0123456789012345678901234
REFERENCE = "ACGTACGTACGTACGTACGTACGTA"
CODES = encode_bases(REFERENCE)
HOM_REF, HET, HOM_ALT = (0.998, 0.001, 0.001), (0.001, 0.998, 0.001), (0.001, 0.001, 0.998)


def call(rows, probabilities, ploidy=2, **options):
    return genotype_sites(make_table(rows), np.array(probabilities), CODES, 0, ploidy, **options)


@pytest.mark.parametrize(
    ("rows", "probabilities", "expected"),
    [
        # one allele
        ([(4, "A", "C")], [HET], [(4, "A", ["C"], (0, 1))]),
        ([(4, "A", "C")], [HOM_ALT], [(4, "A", ["C"], (1, 1))]),
        ([(4, "A", "C")], [HOM_REF], []),
        # two alleles of one site, one copy each
        ([(4, "A", "C"), (4, "A", "G")], [HET, HET], [(4, "A", ["C", "G"], (1, 2))]),
        # the second has no support and is trimmed
        ([(4, "A", "C"), (4, "A", "G")], [HET, HOM_REF], [(4, "A", ["C"], (0, 1))]),
        # different REF lengths unify to the longest
        ([(4, "A", "AT"), (4, "ACG", "A")], [HET, HET], [(4, "ACG", ["ATCG", "A"], (1, 2))]),
        # trimming the longer REF brings the shorter one back
        ([(4, "A", "AT"), (4, "ACG", "A")], [HET, HOM_REF], [(4, "A", ["AT"], (0, 1))]),
        # copies beyond the ploidy: the surer allele wins
        (
            [(4, "A", "C"), (4, "A", "G")],
            [(0.0001, 0.0001, 0.9998), (0.4, 0.5, 0.1)],
            [(4, "A", ["C"], (1, 1))],
        ),
        # a homozygous SNP and a heterozygous deletion on the same anchor: a compound allele
        ([(4, "A", "C"), (4, "ACG", "A")], [(1e-5, 1e-4, 0.9999), HET], [(4, "ACG", ["CCG", "C"], (1, 2))]),
        # both on both haplotypes
        ([(4, "A", "C"), (4, "A", "AT")], [HOM_ALT, HOM_ALT], [(4, "A", ["CT"], (1, 1))]),
        # one copy each: apart, without reads that tell otherwise
        ([(4, "A", "C"), (4, "ACG", "A")], [HET, HET], [(4, "ACG", ["CCG", "A"], (1, 2))]),
        # sites that do not touch are independent
        ([(4, "A", "C"), (5, "C", "T")], [HET, HOM_ALT], [(4, "A", ["C"], (0, 1)), (5, "C", ["T"], (1, 1))]),
    ],
)
def test_genotype_table(rows, probabilities, expected):
    assert describe(call(rows, probabilities).sites, REFERENCE) == expected


def test_phase_of_same_anchor_pair():
    rows, probabilities = [(4, "A", "C"), (4, "ACG", "A")], [HET, HET]
    pairs = np.array([[0, 1]])
    cis = call(rows, probabilities, phase=(pairs, np.array([[5, 0]])))
    trans = call(rows, probabilities, phase=(pairs, np.array([[0, 5]])))
    assert describe(cis.sites, REFERENCE) == [(4, "ACG", ["C"], (0, 1))]
    assert describe(trans.sites, REFERENCE) == [(4, "ACG", ["CCG", "A"], (1, 2))]


def test_phase_counts_beside_places_without_copies():
    """Candidates of ploidy 0 in the same chunk are left out; what reads say of others' phase is not."""
    rows, probabilities = [(2, "G", "T"), (4, "A", "C"), (4, "ACG", "A")], [HET, HET, HET]
    pairs = np.array([[1, 2]])
    ploidy = np.array([0, 2, 2], np.int8)
    cis = call(rows, probabilities, ploidy, phase=(pairs, np.array([[5, 0]])))
    assert describe(cis.sites, REFERENCE) == [(4, "ACG", ["C"], (0, 1))]
    without = call(rows, probabilities, np.array([2, 0, 2], np.int8), phase=(pairs, np.array([[5, 0]])))
    assert describe(without.sites, REFERENCE)[1:] == [(4, "ACG", ["A"], (0, 1))]


def test_likelihoods_gq_and_qual():
    found = call([(4, "A", "C")], [(0.01, 0.9, 0.09)]).sites
    np.testing.assert_allclose(site_gl(found, 0), np.log10([0.01 / 0.9, 1.0, 0.1]))
    assert found.gq[0] == 10  # -10 log10(0.10)
    assert found.qual[0] == pytest.approx(20.0)  # -10 log10(0.01)


def test_multiallelic_likelihoods_are_products():
    p, q = (0.1, 0.7, 0.2), (0.2, 0.5, 0.3)
    one_ref = 0.5**30 / 0.97**30  # no read of 30 shows REF: half would, were there a copy
    found = call([(4, "A", "C"), (4, "A", "G")], [p, q]).sites
    # 0/0, 0/1, 1/1, 0/2, 1/2, 2/2
    product = np.array(
        [p[0] * q[0], p[1] * q[0] * one_ref, p[2] * q[0], p[0] * q[1] * one_ref, p[1] * q[1], p[0] * q[2]]
    )
    np.testing.assert_allclose(site_gl(found, 0), np.log10(product / product.max()))


@pytest.mark.parametrize(("n_ref", "genotype"), [(0, (1, 2)), (2, (1, 2)), (14, (0, 2))])
def test_ref_reads_decide_between_het_and_two_alternates(n_ref, genotype):
    # the network alone prefers 0/G: P(C absent) is 3 times P(one C)
    rows = [(4, "A", "C", (n_ref, 4)), (4, "A", "G", (n_ref, 12))]
    found = call(rows, [(0.75, 0.25, 0.0), HET]).sites
    assert tuple(found.gt[0]) == (genotype if genotype != (0, 2) else (0, int(found.n_alts[0])))


def test_homref_melts_only_when_sure():
    sure, unsure = (0.999, 0.0005, 0.0005), (0.9, 0.05, 0.05)
    found = call([(4, "A", "C"), (9, "C", "T")], [sure, unsure], config=CallsConfig(min_homref_gq=20))
    assert describe(found.sites, REFERENCE) == [(9, "C", ["T"], (0, 0))]
    assert found.reference_sites.pos.tolist() == [4]
    assert found.reference_sites.gq.tolist() == [30]


def test_allele_depths():
    rows = [(4, "A", "C", (10, 8)), (4, "ACG", "A", (10, 12))]
    found = call(rows, [HET, HET]).sites
    assert site_ad(found, 0) == [10, 8, 12]
    # a compound takes its reads from its parts: all 12 reads of the deletion show the SNP too
    rows = [(4, "A", "C", (0, 30)), (4, "ACG", "A", (0, 12))]
    found = call(rows, [(1e-5, 1e-4, 0.9999), HET]).sites
    assert site_ad(found, 0) == [0, 18, 12]


@pytest.mark.parametrize(
    ("probabilities", "expected", "gq"),
    [
        ((0.01, 0.5, 0.49), [(4, "A", ["C"], (1, -2))], 17),  # .01 against .49: error .02
        ((0.6, 0.3, 0.1), [(4, "A", ["C"], (0, -2))], 8),  # 1 - .6/.7 = .143
    ],
)
def test_haploid_uses_absent_and_present_only(probabilities, expected, gq):
    found = call([(4, "A", "C")], [probabilities], ploidy=1).sites
    assert describe(found, REFERENCE) == expected
    assert len(site_gl(found, 0)) == 2
    assert found.gq[0] == gq


def test_ploidy_zero_calls_nothing():
    found = call([(4, "A", "C"), (9, "C", "T")], [HET, HET], ploidy=np.array([0, 2], dtype=np.int8))
    assert describe(found.sites, REFERENCE) == [(9, "C", ["T"], (0, 1))]


def test_too_many_alternates_keep_the_most_probable():
    rows = [(4, "A", alt) for alt in ("C", "G", "T", "AA", "AC", "AG", "AT")]
    probabilities = [(0.9 - 0.1 * i, 0.1 + 0.1 * i, 0.0) for i in range(7)]
    found = call(rows, probabilities, config=CallsConfig(max_alts=2, min_allele_probability=0.0))
    table = make_table(rows)
    best = sorted(range(7), key=lambda i: -probabilities[i][1])[:2]
    assert found.sites.n_alts[0] >= 1
    alts = describe(found.sites, REFERENCE)[0][2]
    starts = table.alt_offset
    kept = {"".join("ACGT"[c] for c in table.alt_seq[starts[i] : starts[i + 1]]) for i in best}
    assert set(alts) <= kept


def test_replacement_begins_where_it_differs():
    # ACGT>ATTT holds its anchor for nothing: C>T, G>T from the next base on; the SNP before it stays first
    found = call([(3, "T", "G"), (4, "ACGT", "ATTA"), (6, "G", "A")], [HET, HET, HOM_REF]).sites
    assert describe(found, REFERENCE) == [(3, "T", ["G"], (0, 1)), (5, "CGT", ["TTA"], (0, 1))]
    # rows change places, and take their probabilities along
    found = call([(4, "ACGTA", "ACGTTT"), (6, "G", "A")], [HOM_ALT, HET]).sites
    assert describe(found, REFERENCE) == [(6, "G", ["A"], (0, 1)), (8, "A", ["TT"], (1, 1))]


def test_no_candidates():
    found = genotype_sites(make_table([]), np.empty((0, 3)), CODES, 0)
    assert len(found.sites) == 0
    assert len(found.reference_sites.pos) == 0


def test_deletion_at_contig_start():
    # the first base is gone: VCF anchors on the base after it (section 1.4.1); here a deletion of bases 1, 2
    found = call([(0, "ACG", "A")], [HET]).sites
    assert describe(found, REFERENCE) == [(0, "ACG", ["A"], (0, 1))]
    found = call([(0, "AC", "C")], [HET]).sites
    assert describe(found, REFERENCE) == [(0, "AC", ["C"], (0, 1))]


def test_overlap_components_chain():
    #  deletion 4-8 touches bases 5..8; SNP at 8 inside it; deletion 8-11 shares that POS; SNP at 12 is free
    table = make_table([(4, "ACGTA", "A"), (8, "A", "T"), (8, "ACGT", "A"), (12, "A", "G"), (13, "C", "A")])
    assert overlap_components(table, CODES, 0).tolist() == [0, 0, 0, 1, 2]


def test_config_is_checked():
    with pytest.raises(DeepcohortError, match="max_alts"):
        CallsConfig(max_alts=9)
    with pytest.raises(DeepcohortError, match="ascend"):
        CallsConfig(gq_bands=(0, 5, 5))
