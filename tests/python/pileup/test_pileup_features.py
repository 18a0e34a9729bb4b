"""Site features: hand-worked values, and oracles for likelihoods and company."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.pileup.encode import encode_examples
from deepcohort.pileup.features import FEATURE_MEANINGS, FEATURE_NAMES, F
from pileup_builders import evidence_of, random_evidence, reads_of

#            0         1         2         3
#            0123456789012345678901234567890123456789
REFERENCE = "GATTACAGGGGGCATCATCATCATGTCCAATGCATTTCGA"


def features_at(candidates, entries, rows, reference=REFERENCE, odd_share=0.0):
    reads = replace(reads_of(rows), odd_share=odd_share)
    evidence, codes, window = evidence_of(reference, reads, candidates, entries)
    return encode_examples(evidence, codes, window, features_only=True).features


def plain_reads(n, **change):
    return [{"pos": 0, "cigar": "40M", "seq": REFERENCE, "name": i, **change} for i in range(n)]


def test_names_and_meanings_agree():
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES)) == len(FEATURE_MEANINGS)
    assert FEATURE_NAMES[F.vaf] == "vaf"


def test_depth_and_balance():
    # 2 ALT, 1 REF, 1 OTHER, 1 NONE
    entries = [(0, 1, 2.0, 3), (1, 1, 2.0, 3), (2, 0, -2.0, 3), (3, 2, -1.0, 3), (4, -1, 0.0, 3)]
    f = features_at([(3, 1, "G")], [entries], plain_reads(5))[0]
    assert f[F.vaf] == pytest.approx(0.5)
    assert f[F.other_fraction] == pytest.approx(0.25)
    assert f[F.none_fraction] == pytest.approx(0.2)
    assert f[F.depth_log] == pytest.approx(math.log1p(4) / 4)
    assert f[F.n_alt_small] == pytest.approx(0.2)
    assert f[F.vaf_het_z] == pytest.approx(0.0)
    assert f[F.depth_ratio] == pytest.approx(1.0)


def test_likelihoods_of_two_reads():
    # ratios +2 and -2 at MAPQ 60: 0/1 wins (1 + 100)/2 and (1 + .01)/2, 1/1 is even with 0/0
    f = features_at([(3, 1, "G")], [[(0, 1, 2.0, 3), (1, 0, -2.0, 3)]], plain_reads(2))[0]
    het = math.log10(101 / 2) + math.log10(1.01 / 2)
    assert f[F.lod_het_raw] == pytest.approx(het / 10, rel=1e-5)
    assert f[F.lod_het] == pytest.approx(math.log1p(het), rel=1e-5)
    assert f[F.lod_hom] == pytest.approx(0.0, abs=1e-6)
    assert f[F.lod_hom_het_raw] == pytest.approx(-het / 10, rel=1e-5)
    assert f[F.lod_without_top] == pytest.approx(math.log10(1.01 / 2) / 10, rel=1e-4)
    assert f[F.lod_reverse] == 0


def test_mapq_bounds_what_a_read_says():
    f = features_at([(3, 1, "G")], [[(0, 1, 5.0, 3)]], plain_reads(1, mapq=7))[0]
    assert f[F.lod_hom] == pytest.approx(math.log1p(1.0))  # cut to .1 x 7 + .3
    assert f[F.lod_mapq30] == 0
    assert f[F.mapq_alt_low] == 1


def test_strand_and_place():
    rows = [*plain_reads(2), *[{**r, "flag": 16, "name": 7 + i} for i, r in enumerate(plain_reads(2))]]
    entries = [(0, 1, 2.0, 2), (1, 1, 2.0, 2), (2, 0, -2.0, 30), (3, 0, -2.0, 30)]
    f = features_at([(3, 1, "G")], [entries], rows)[0]
    assert f[F.alt_forward] == 1
    assert f[F.ref_forward] == 0
    assert f[F.alt_minor_strand] == 0
    assert f[F.strand_log_odds] == pytest.approx(2 * math.log(2.5 / 0.5) / 4)
    assert f[F.alt_end_distance] == pytest.approx(2 / 50)
    assert f[F.ref_end_distance] == pytest.approx(9 / 50)
    assert f[F.alt_at_end] == 1
    assert f[F.alt_cycle] == pytest.approx(2 / 40)


def test_clips_shorten_the_distance_to_the_end():
    rows = [{"pos": 10, "cigar": "6S20M4S", "seq": "A" * 30, "name": 1}]
    f = features_at([(13, 1, "G")], [[(0, 1, 2.0, 9)]], rows)[0]
    assert f[F.alt_end_distance] == pytest.approx(3 / 50)
    assert f[F.alt_clipped] == pytest.approx(excess(1, 1, 0.005))
    assert f[F.alt_unaligned] == pytest.approx(10 / 30)


@pytest.mark.parametrize(("cigar", "clipped"), [("9S3M400I9M", 0), ("9M400I3M9S", 1), ("9S3M100I9M", 1)])
def test_clips_far_from_the_site_do_not_count(cigar: str, clipped: int):
    # adapters end the reads of some sequencers, kilobases away from most sites
    n = sum(map(int, re.findall(r"\d+", cigar)))
    site = n - 9 - (cigar[-1] == "S") * 2
    f = features_at([(13, 1, "G")], [[(0, 1, 2.0, site)]], [{"pos": 4, "cigar": cigar, "seq": "A" * n}])[0]
    assert f[F.alt_clipped] == pytest.approx(excess(clipped, 1, 0.005))
    assert f[F.alt_unaligned] == pytest.approx(clipped * 9 / n)


def excess(count: int, n: int, usual: float) -> float:
    """Fifths of a z score, cut to -1..1; a quarter of a read is added to the variance."""
    z = (count - n * usual) / math.sqrt(n * usual * (1 - usual) + 0.25)
    return min(max(z / 5, -1.0), 1.0)


@pytest.mark.parametrize(("share", "n_ref_odd"), [(0.0, 0), (0.3, 0), (0.3, 4), (1.0, 4)])
def test_odd_pairs_are_held_against_ref_reads_and_library(share: float, n_ref_odd: int):
    # 3 of 4 paired ALT reads are odd, and n_ref_odd of 4 REF reads; the fifth ALT read is single
    plain = plain_reads(1)[0]
    alt = [{**plain, "flag": 1, "odd": k < 3, "name": k} for k in range(4)]
    single = {**plain, "flag": 0, "name": 4}
    ref = [{**plain, "flag": 1, "odd": k < n_ref_odd, "name": 5 + k} for k in range(4)]
    entries = [(k, 1, 1.0, 3) for k in range(5)] + [(5 + k, 0, -1.0, 3) for k in range(4)]
    f = features_at([(3, 1, "G")], [entries], [*alt, single, *ref], odd_share=share)[0]
    usual = (20 * share + n_ref_odd) / 24
    assert f[F.alt_odd_pair] == pytest.approx(excess(3, 4, min(max(usual, 0.005), 0.995)), abs=1e-6)
    assert f[F.ref_odd_pair] == pytest.approx(excess(n_ref_odd, 4, min(max(share, 0.005), 0.995)), abs=1e-6)


def test_divergence_is_counted_over_the_read_and_end_places_of_both_alleles():
    seq = list(REFERENCE)
    for at in (3, 9, 30):  # the candidate, one near, one far
        seq[at] = "G" if seq[at] != "G" else "T"
    rows = [
        {"pos": 0, "cigar": "40M", "seq": "".join(seq), "name": 1},
        {"pos": 0, "cigar": "20M1I20M", "seq": REFERENCE[:20] + "A" + REFERENCE[20:], "name": 2},
    ]
    f = features_at([(3, 1, seq[3])], [[(0, 1, 1.0, 3), (1, 0, -1.0, 3)]], rows)[0]
    assert f[F.alt_divergence] == pytest.approx(10 * 3 / 40)
    assert f[F.ref_divergence] == pytest.approx(10 * 1 / 40)
    assert f[F.ref_at_end] == 1
    assert f[F.ref_place_sd] == 0


def test_mismatches_and_indels_near_the_site():
    seq = list(REFERENCE)
    seq[3] = "G"  # the candidate itself
    seq[9] = "C"  # near
    seq[30] = "A"  # beyond 16 bp
    rows = [
        {"pos": 0, "cigar": "40M", "seq": "".join(seq), "name": 1},
        {"pos": 0, "cigar": "10M2D28M", "seq": REFERENCE[:10] + REFERENCE[12:], "name": 2},
        {"pos": 0, "cigar": "40M", "seq": "".join(seq), "name": 3, "qual": [10] * 40},
    ]
    f = features_at([(3, 1, "G")], [[(0, 1, 1.0, 3), (1, 0, -1.0, 3), (2, 0, -1.0, 3)]], rows)[0]
    assert f[F.alt_mismatches] == pytest.approx(math.log1p(1))
    assert f[F.alt_indels] == 0
    assert f[F.ref_mismatches] == 0  # low quality does not count
    assert f[F.ref_indels] == pytest.approx(math.log1p(0.5))


def test_the_candidates_own_indel_is_no_company():
    rows = [{"pos": 0, "cigar": "10M2D28M", "seq": REFERENCE[:10] + REFERENCE[12:], "name": 2}]
    f = features_at([(9, 3, "G")], [[(0, 1, 1.0, 9)]], rows)[0]
    assert f[F.alt_indels] == 0


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        # SNP T>C in "GATTAC": run of 2, transition, next to no C
        ((2, 1, "C"), {"is_snp": 1, "is_transition": 1, "homopolymer": math.log1p(2) / 3, "homopolymer_alt": 0}),
        # A>G beside GGGGG: the run of ALT's base is 5
        ((6, 1, "G"), {"is_snp": 1, "is_transition": 1, "homopolymer_alt": math.log1p(5) / 3}),
        # deletion of one G of five; unit 1, length 5
        ((6, 2, "A"), {"is_deletion": 1, "repeat_unit": 1 / 6, "repeat_length": math.log1p(5) / 4, "repeat_step": 1}),
        # insertion of CAT into CATCATCATCAT: unit 3, length 12
        ((11, 1, "GCAT"), {"is_insertion": 1, "repeat_unit": 0.5, "repeat_length": math.log1p(12) / 4, "repeat_step": 1}),
        # insertion of two bases there is no multiple of the unit
        ((11, 1, "GCA"), {"repeat_step": 0, "indel_length": math.log1p(2) / 4}),
    ],
)  # fmt: skip
def test_sequence_context(candidate, expected):
    f = features_at([candidate], [[(0, 1, 1.0, 3)]], plain_reads(1))[0]
    got = {name: float(f[getattr(F, name)]) for name in expected}
    assert got == pytest.approx(expected, rel=1e-5)


def test_company_of_other_candidates():
    candidates = [(3, 1, "G"), (10, 1, "T"), (10, 2, "G"), (38, 1, "T")]
    entries = [[(0, 1, 1.0, 3), (1, 0, -1.0, 3)]] * 2 + [[(0, 1, 1.0, 3)]] * 2
    f = features_at(candidates, entries, plain_reads(2))
    assert f[0, F.near_10] == pytest.approx(math.log1p(2))
    assert f[0, F.near_50] == pytest.approx(math.log1p(3))
    assert f[0, F.nearest_left] == 1
    assert f[0, F.nearest_right] == pytest.approx(7 / 50)
    assert f[0, F.near_vaf] == 1
    assert f[1, F.same_site_alts] == pytest.approx(0.25)
    assert f[1, F.same_site_vaf] == 1
    assert f[2, F.same_site_vaf] == pytest.approx(0.5)


def test_variable_neighbourhood():
    reference, at = REFERENCE * 110, (90, 600, 1300, 4000)
    rows = [
        {"pos": p - 10, "cigar": "40M", "seq": reference[p - 10 : p + 30], "name": 6 * k + i}
        for k, p in enumerate(at)
        for i in range(6)
    ]
    # het, hom, unsure (one read), het
    shown = [[1, 1, 1, 0, 0, 0], [1] * 6, [1], [1, 1, 1, 0, 0, 0]]
    entries = [
        [(6 * k + i, allele, 4.0 if allele else -4.0, 10) for i, allele in enumerate(alleles)]
        for k, alleles in enumerate(shown)
    ]
    f = features_at([(p, 1, "G") for p in at], entries, rows, reference)
    assert f[:, F.wide_hets] == pytest.approx([0, math.log1p(1) / 3, math.log1p(1) / 3, 0])
    assert f[:, F.wide_homs] == pytest.approx([math.log1p(1) / 3, 0, math.log1p(1) / 3, 0])


@pytest.mark.parametrize("seed", range(3))
def test_likelihoods_equal_the_oracles(seed):
    evidence, codes, window = random_evidence(seed)
    got = encode_examples(evidence, codes, window, features_only=True).features
    s, reads = evidence.support, evidence.reads
    for i in range(len(evidence.table)):
        het = hom = 0.0
        for e in range(s.offset[i], s.offset[i + 1]):
            if s.allele[e] >= 0:
                cap = min(5.0, 0.1 * int(reads.mapq[s.read[e]]) + 0.3)
                x = max(-cap, min(cap, float(s.log10_ratio[e])))
                het += math.log10(0.5 + 0.5 * 10**x)
                hom += x
        assert got[i, F.lod_het_raw] == pytest.approx(np.clip(het, -10, 20) / 10, abs=1e-5)
        assert got[i, F.lod_hom_het_raw] == pytest.approx(np.clip(hom - het, -10, 10) / 10, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_features_are_finite_and_of_order_one(seed):
    evidence, codes, window = random_evidence(seed, n_reads=200)
    f = encode_examples(evidence, codes, window, features_only=True).features
    assert np.isfinite(f).all()
    assert np.abs(f).max() < 8
