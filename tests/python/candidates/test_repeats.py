"""Indels in and around repeats: long copies, two alleles in one repeat, and how a haplotype is written."""

import numpy as np
import pytest
from deepcohort.candidates.assembly import clip_kernels
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.realign import haplotype_alignment_kernels
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st
from read_builders import make_batch, random_text

# the bases at the borders are fixed, so that no repeat reaches into the flanks by chance
LEFT, RIGHT = random_text(41, 298) + "GG", "GG" + random_text(42, 298)


def find(genome: str, reads):
    window = Region("one", 0, len(genome))
    return find_candidates(make_batch(reads), encode_bases(genome), window, window, CandidatesConfig())


def by_allele(genome: str, evidence) -> dict[tuple[int, str, str], tuple[int, int, float]]:
    """(pos, REF, ALT) -> REF reads, ALT reads, log10 L(1/1) - L(0/1)."""
    table, support = evidence.table, evidence.support
    found = {}
    for i in range(len(table)):
        ratio = support.log10_ratio[support.offset[i] : support.offset[i + 1]].astype(float)
        hom_het = float(ratio.sum() - np.log10(0.5 + 0.5 * 10**ratio).sum())
        alt = decode_bases(table.alt_seq[table.alt_offset[i] : table.alt_offset[i + 1]])
        ref = genome[table.pos[i] : table.pos[i] + table.ref_len[i]]
        found[int(table.pos[i]), ref, alt] = (int(table.ad[i, 0]), int(table.ad[i, 1]), hom_het)
    return found


def test_another_copy_of_a_long_tandem_repeat():
    # the reference holds 1.8 copies, so no k-mer of a third is new: only what clips read on in tells
    unit = "ACGTTGCATCAGGATTCACCTAGTATGCTTGACA"
    tract = unit + unit[:27]
    genome = LEFT + tract + RIGHT
    haplotype = LEFT + unit + tract + RIGHT
    end, length = 300 + len(tract), 100
    reads = [(i, f"{length}M", genome[i : i + length]) for i in range(180, 420, 10)]
    for i in range(205, 425, 10):
        seq = haplotype[i : i + length]
        if i < 300:
            aligned = min(length, end - i)
            reads.append((i, f"{aligned}M{length - aligned}S" if aligned < length else f"{length}M", seq))
        elif i < 300 + len(unit):
            clipped = 300 + len(unit) - i
            reads.append((300, f"{clipped}S{length - clipped}M", seq))
        else:
            reads.append((i - len(unit), f"{length}M", seq))
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [(299, "G", "G" + unit)]
    n_ref, n_alt, hom_het = found[299, "G", "G" + unit]
    # seven reads reach 12 bp or more beyond the copy that they can tell; three span the reference's tract
    assert (n_ref, n_alt) == (3, 7)
    assert hom_het < -5


def test_reads_of_the_other_haplotype_with_an_indel_of_its_own_in_the_repeat():
    # one haplotype has one AAT more, the other lacks the last T of the repeat
    genome = LEFT + "AAT" * 12 + "AAAAC" + RIGHT
    longer = LEFT + "AAT" * 13 + "AAAAC" + RIGHT
    shorter = LEFT + "AAT" * 11 + "AA" + "AAAAC" + RIGHT
    lost = 300 + 12 * 3 - 1
    reads = []
    for i in range(230, 292, 6):
        reads.append((i, f"{300 - i}M3I{i - 203}M", longer[i : i + 100]))
        reads.append((i, f"{lost - i}M1D{100 - lost + i}M", shorter[i : i + 100]))
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [(299, "G", "GAAT"), (lost - 1, "AT", "A")]
    spanning = sum(i + 100 > 339 for i in range(230, 292, 6))  # others end within the repeat
    n_ref, n_alt, hom_het = found[299, "G", "GAAT"]
    assert n_alt == spanning
    assert n_ref >= spanning - 1
    assert hom_het < -5, "heterozygous, though no read shows the reference's own length"


def test_reads_of_the_other_haplotype_with_changes_before_the_site():
    # one haplotype has TGTG more behind 302; the other TG more behind 300, and G for the A at 302
    genome = LEFT + "ATA" + "TG" * 6 + RIGHT
    longer = LEFT + "ATA" + "TG" * 8 + RIGHT
    other = LEFT + "ATGTG" + "TG" * 6 + RIGHT
    reads = []
    for i in range(230, 292, 6):
        reads.append((i, f"{303 - i}M4I{i - 207}M", longer[i : i + 100]))
        reads.append((i, f"{301 - i}M2I{i - 203}M", other[i : i + 100]))
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [(300, "A", "ATG"), (302, "A", "G"), (302, "A", "ATGTG")]
    for allele in found:
        n_ref, n_alt, hom_het = found[allele]
        assert min(n_ref, n_alt) >= 8, allele
        assert hom_het < -5, allele


def test_second_allele_that_one_read_shows():
    genome = LEFT + "GATA" * 9 + RIGHT
    shorter = LEFT + "GATA" * 8 + RIGHT
    longer = LEFT + "GATA" * 11 + RIGHT
    lone = (120, "30M2I68M", genome[120:150] + "TT" + genome[150:218])
    reads = [(i, f"{300 - i}M4D{i - 200}M", shorter[i : i + 100]) for i in range(240, 280, 5)]
    reads += [(250, "50M8I42M", longer[250:350]), lone]
    reads += [(i, "100M", genome[i : i + 100]) for i in range(100, 150, 10)]
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [(299, "G", "GGATAGATA"), (299, "GGATA", "G")]
    assert found[299, "G", "GGATAGATA"][1] == 1
    assert found[299, "GGATA", "G"][1] == 8


def test_long_expansion_beside_a_short_one():
    # TTCC 11 times in the reference, once more on one haplotype, twelve times more on the other: its reads
    # fit the shorter allele better than the reference, and no more than 9 bp of them lie behind the repeat
    genome = LEFT + "TTCC" * 11 + RIGHT
    shorter, longer = LEFT + "TTCC" * 12 + RIGHT, LEFT + "TTCC" * 23 + RIGHT
    end, length = 300 + 44, 150
    reads = [(i, f"{300 - i}M4I{i - 154}M", shorter[i : i + length]) for i in range(200, 290, 8)]
    for i in (215, 230, 239, 248, 249, 251):
        reads.append((i, f"{end - i}M{length - end + i}S", longer[i : i + length]))
    for i in (310, 325, 336, 342, 345):
        reads.append((300, f"{348 - i}S{length - 348 + i}M", longer[i : i + length]))
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [(299, "G", "GTTCC"), (299, "G", "G" + "TTCC" * 12)]
    assert found[299, "G", "G" + "TTCC" * 12][1] >= 3


def test_haplotype_is_written_with_fewest_changes():
    # +GT in front and -4 in the CA repeat: an aligner may write SNP, -2, SNP, the second SNP within
    # the deletion of the other haplotype
    head, tail = LEFT + "CGT", RIGHT
    genome = head + "CT" * 14 + "CA" * 24 + tail
    one = head + "GT" + "CT" * 14 + "CA" * 22 + tail
    two = head + "CT" * 14 + "CA" * 17 + tail
    anchor = len(head) + 27  # the last T before the CA repeat
    reads = []
    for i in range(230, 296, 3):
        seq = one[i : i + 150]
        reads.append((i, f"{anchor + 1 - i}M2D{150 - (anchor + 1 - i)}M", seq))
        reads.append((i, f"{anchor + 1 - i}M14D{150 - (anchor + 1 - i)}M", two[i : i + 150]))
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [
        (300, "C", "CGT"),
        (anchor, "TCACA", "T"),
        (anchor, "T" + "CA" * 7, "T"),
    ]


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize(("size", "copied"), [(20, False), (-35, False), (30, True)])
def test_what_a_clip_reads_on_in(step: int, size: int, copied: bool):
    genome = encode_bases(LEFT + RIGHT)
    inserted = encode_bases(random_text(5, max(size, 0)))
    at = 310 if step > 0 else 290
    if copied:
        copy = genome[at - size : at] if step > 0 else genome[at + 1 : at + 1 + size]
        clip = (copy[:16] if step > 0 else copy[-16:]).copy()
    elif size > 0:
        clip = np.concatenate(
            [inserted, genome[at : at + 15]] if step > 0 else [genome[at - 14 : at + 1], inserted]
        )
    else:
        clip = genome[at - size : at - size + 15] if step > 0 else genome[at + size - 14 : at + size + 1]
    query = 0 if step > 0 else len(clip) - 1
    qual = np.full(len(clip), 40, np.uint8)
    clip = clip.copy()
    got = clip_kernels.explain_clip(clip, qual, query, step, len(clip), genome, at, 500)
    assert got == (size, copied)
    allele = np.zeros(600, np.uint8)
    anchor, n_ref, n_alt = clip_kernels.write_clip_allele(size, copied, step, query, at, clip, genome, allele)
    assert (n_ref, n_alt) == (1 + max(-size, 0), 1 + max(size, 0))
    spelled = np.concatenate([genome[:anchor], allele[:n_alt], genome[anchor + n_ref :]])
    if step > 0:
        assert (spelled[at : at + len(clip)] == clip).all()
    else:
        behind = at + 1 + size  # where the first aligned base lies on the new haplotype
        assert (spelled[behind - len(clip) : behind] == clip).all()


def test_clip_that_fits_nowhere():
    genome = encode_bases(LEFT + RIGHT)
    clip = encode_bases(random_text(77, 30))
    qual = np.full(30, 40, np.uint8)
    assert clip_kernels.explain_clip(clip, qual, 0, 1, 30, genome, 310, 500) == (0, False)


def slow_score(haplotype: str, reference: str) -> int:
    """Best affine score by all moves, without tables of states shared with the kernel."""
    from functools import cache

    @cache
    def best(i: int, j: int, state: str) -> int:
        if i == 0 and j == 0:
            return 0 if state == "M" else -(10**9)
        options = [-(10**9)]
        if state == "M" and i and j:
            step = 200 if haplotype[i - 1] == reference[j - 1] else -150
            options += [best(i - 1, j - 1, s) + step for s in "MID"]
        if state == "I" and i:
            options += [best(i - 1, j, s) + (-11 if s == "I" else -260) for s in "MID"]
        if state == "D" and j:
            options += [best(i, j - 1, s) + (-11 if s == "D" else -260) for s in "MID"]
        return max(options)

    return max(best(len(haplotype), len(reference), s) for s in "MID")


@given(st.text("ACG", min_size=1, max_size=12), st.text("ACG", min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_alignment_of_a_haplotype_against_a_slow_one(haplotype: str, reference: str):
    ops, lengths = np.zeros(64, np.uint8), np.zeros(64, np.int32)
    hap, ref = encode_bases(haplotype), encode_bases(reference)
    score, n = haplotype_alignment_kernels.align_haplotype(hap, 0, len(hap), ref, 0, len(ref), ops, lengths)
    assert score == slow_score(haplotype, reference)
    assert haplotype_alignment_kernels.spelling_score(hap, 0, ref, 0, ops, lengths, n) == score
    assert lengths[:n][ops[:n] != 2].sum() == len(haplotype)
    assert lengths[:n][ops[:n] != 1].sum() == len(reference)


def test_snps_in_the_flank_do_not_drown_an_indel():
    # five homozygous SNPs beside a homozygous insertion: every read differs from REF there, whatever
    # it says about the insertion
    alt = {"A": "C", "C": "A", "G": "T", "T": "G"}
    genome = LEFT + "A" * 8 + RIGHT
    behind = list("A" * 9 + RIGHT)
    sites = [15, 20, 26, 31, 37]
    for k in sites:
        behind[k + 1] = alt[behind[k + 1]]
    haplotype = LEFT + "".join(behind)
    reads = [(i, f"{300 - i}M1I{i - 201}M", haplotype[i : i + 100]) for i in range(215, 290, 5)]
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [(299, "G", "GA")] + [
        (300 + k, genome[300 + k], alt[genome[300 + k]]) for k in sites
    ]
    n_ref, n_alt, hom_het = found[299, "G", "GA"]
    assert (n_ref, n_alt) == (0, 15)
    assert hom_het > 3


def test_two_insertions_shortly_behind_each_other():
    # both on both haplotypes; a read holds against each what the other one adds
    genome = LEFT + "AAAAAT" + "C" + "AAAAAAAAAA" + RIGHT
    haplotype = LEFT + "AAAAAAT" + "C" + "AAAAAAAAAAA" + RIGHT
    reads = [(i, f"{300 - i}M1I7M1I{91 - (300 - i)}M", haplotype[i : i + 100]) for i in range(225, 290, 5)]
    found = by_allele(genome, find(genome, reads))
    assert list(found) == [(299, "G", "GA"), (306, "C", "CA")]
    for n_ref, n_alt, hom_het in found.values():
        assert (n_ref, n_alt) == (0, 13)
        assert hom_het > 3


def test_a_wrong_base_of_one_read_does_not_make_it_a_read_of_the_reference():
    # two copies, one of them deleted on both haplotypes: a read that ends within the first one fits both
    unit = "ACGTTGCATCAGGATTCACCTAGTAT"
    genome = LEFT + unit + unit + RIGHT
    haplotype = LEFT + unit + RIGHT
    reads = [(i, f"{300 - i}M26D{i - 200}M", haplotype[i : i + 100]) for i in (230, 250, 270)]
    ends = LEFT + unit[:22] + "A" + unit[23:]  # C in the reference; the base lies within the deletion
    assert unit[22] != "A"
    reads.append((226, "100M", ends[226:326]))
    found = by_allele(genome, find(genome, reads))
    deletion = next(key for key in found if len(key[1]) == 27)
    assert found[deletion][0] == 0
