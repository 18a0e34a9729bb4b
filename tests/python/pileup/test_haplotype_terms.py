"""What haplotypes say of an indel, from entries written by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from deepcohort.pileup.haplotypes import TERM_NAMES, haplotype_terms

MARKERS, INDEL = (100, 900), 500
N_READS = 12


def evidence(marker_alleles, indel_alleles, indel_ratio=1.5, other_alleles=None):
    """Two SNPs that show each read's haplotype, an insertion between them and, if given, another on its POS."""
    rows = [(MARKERS[0], marker_alleles, 4.0, 1), (INDEL, indel_alleles, indel_ratio, 2)]
    if other_alleles is not None:
        rows.append((INDEL, other_alleles, indel_ratio, 3))
    rows.append((MARKERS[1], marker_alleles, 4.0, 1))
    lengths = [row[3] for row in rows]
    signed = [[{0: -ratio, 1: ratio, 2: -ratio}[a] for a in alleles] for _, alleles, ratio, _ in rows]
    support = SimpleNamespace(
        offset=np.arange(len(rows) + 1) * N_READS,
        read=np.tile(np.arange(N_READS, dtype=np.int32), len(rows)),
        allele=np.array([row[1] for row in rows], np.int8).ravel(),
        log10_ratio=np.array(signed, np.float32).ravel(),
        read_index=np.zeros(len(rows) * N_READS, np.int32),
    )
    table = SimpleNamespace(
        pos=np.array([row[0] for row in rows], np.int64),
        ref_len=np.ones(len(rows), np.int32),
        alt_offset=np.cumsum([0, *lengths]).astype(np.int64),
        alt_seq=np.zeros(sum(lengths), np.uint8),
        dp=np.full(len(rows), N_READS, np.int32),
        ad=np.zeros((len(rows), 2), np.int32),
        realigned=np.zeros(len(rows), np.bool_),
    )
    reads = SimpleNamespace(mapq=np.full(N_READS, 60, np.uint8), mate=np.full(N_READS, -1, np.int32))
    return SimpleNamespace(table=table, support=support, reads=reads)


def terms_of(*args, reach_bp=20_000, **kwargs):
    found = haplotype_terms(evidence(*args, **kwargs), np.array([1]), reach_bp)
    return dict(zip(TERM_NAMES, found[0].tolist(), strict=True))


HALVES = [0] * 6 + [1] * 6


def test_an_indel_of_one_haplotype_is_heterozygous():
    terms = terms_of(HALVES, HALVES)
    assert terms["het_1.0"] > 5
    assert terms["hom_het_1.0"] < -5
    assert terms["het_1.0"] > terms["het_unphased_1.0"]  # 2^-12 less for each read's choice
    assert terms["major_alt"] > 0.9
    assert terms["minor_ref"] > 0.9
    assert (terms["unknown"], terms["alleles"]) == (0.0, 1.0)


def test_the_same_reads_on_both_haplotypes_are_errors_more_likely():
    mixed = [0, 1] * 6
    apart, together = terms_of(HALVES, mixed), terms_of(HALVES, HALVES)
    assert apart["het_1.0"] < together["het_1.0"] - 3
    assert apart["het_unphased_1.0"] == pytest.approx(together["het_unphased_1.0"])


def test_without_markers_in_reach_both_likelihoods_are_one():
    terms = terms_of(HALVES, HALVES, reach_bp=300)
    assert terms["het_1.0"] == pytest.approx(terms["het_unphased_1.0"])
    assert (terms["unknown"], terms["sureness"]) == (1.0, 0.0)


def test_two_alternates_share_the_haplotypes():
    other = [1 - a for a in HALVES]
    terms = terms_of(
        HALVES, [2 if a == 0 else 1 for a in HALVES], other_alleles=[2 if a == 0 else 1 for a in other]
    )
    assert terms["alleles"] == 2
    assert terms["hom_het_1.0"] < 0 < terms["het_1.0"]


def test_order_of_haplotypes_does_not_matter():
    one, other = terms_of(HALVES, HALVES), terms_of([1 - a for a in HALVES], HALVES)
    assert one == pytest.approx(other)


def test_nothing_asked_is_nothing_told():
    assert haplotype_terms(evidence(HALVES, HALVES), np.empty(0, np.int64)).shape == (0, len(TERM_NAMES))
