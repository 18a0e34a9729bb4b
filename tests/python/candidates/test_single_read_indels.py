"""Indels shown by one read."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig, candidates_for
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.single_indel_kernels import NOISE, PLAIN, REPEAT, Indels, indel_kinds
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.reads.types import LibraryProfile
from read_builders import make_batch, random_text

ONT = candidates_for("ont")
VOTED = LibraryProfile(drops_copies=True, vote_errors=2.5e-5)  # a quarter of the usual


@pytest.mark.parametrize(
    ("after", "length", "inserted", "wanted"),
    [
        ("CATCAT", -1, "", NOISE),  # one base in no run
        ("A" * 8, -1, "", NOISE),
        ("A" * 9, -1, "", REPEAT),
        ("A" * 9, 1, "A", REPEAT),
        ("A" * 8, -3, "", NOISE),  # still a change of a run's length
        ("A" * 9, 2, "AA", REPEAT),
        ("CGTACC", -2, "", PLAIN),
        ("CGCGTT", 2, "CG", PLAIN),  # two copies
        ("CGCGCGTT", 2, "CG", REPEAT),
        ("CGCGCGTT", -4, "", REPEAT),  # two units
        ("CGCGCGTT", 1, "C", NOISE),
        ("TTATTATTA", -3, "", REPEAT),
        ("GATTACA", 5, "CCGTA", PLAIN),
    ],
)
def test_kinds(after: str, length: int, inserted: str, wanted: int):
    reference = encode_bases("ACGT" + "G" + after + "GACTGGTC")
    bases = encode_bases("T" + inserted)
    one = np.array([0])
    indels = Indels(one + 4, one + length, one + 1, one, bases)
    kinds, ends = indel_kinds(one, indels, reference)
    assert kinds.tolist() == [wanted]
    assert 5 <= ends[0] <= 5 + len(after)


def test_the_inserted_bases_may_have_been_moved_left():
    reference = encode_bases("ACGTG" + "CACACA" + "TTGG")
    one = np.array([0])
    as_read = Indels(one + 4, one + 2, one, one + 3, encode_bases("AC"))  # after three bases of it
    kinds, ends = indel_kinds(one, as_read, reference)
    assert kinds.tolist() == [REPEAT]
    assert ends.tolist() == [11]


GENOME = random_text(33, 17_000)
SITE, MARKER, READ = 8_000, 12_500, 16_000  # a plain deletion of 4 bp, a SNP and reads that see both
DELETED = 4


def read(has_indel: bool, has_snp: bool, start: int = 200) -> tuple[int, str, str]:
    """(start, CIGAR, bases) of a read of READ bp of the reference."""
    other = "A" if GENOME[MARKER] != "A" else "C"
    text = GENOME[:MARKER] + (other if has_snp else GENOME[MARKER]) + GENOME[MARKER + 1 :]
    if not has_indel:
        return start, f"{READ}M", text[start : start + READ]
    first = SITE + 1 - start
    rest = READ - first - DELETED
    return start, f"{first}M{DELETED}D{rest}M", text[start : SITE + 1] + text[SITE + 1 + DELETED :][:rest]


def indels_found(
    reads: list[tuple[int, str, str]], config: CandidatesConfig = ONT, qual: int = 25
) -> list[int]:
    """Anchors of the indels that are candidates."""
    window = Region("one", 0, len(GENOME))
    batch = make_batch([(*r, [qual] * len(r[2]), 60) for r in reads])
    table = find_candidates(batch, encode_bases(GENOME), window, window, config).table
    return table.pos[np.diff(table.alt_offset) != table.ref_len].tolist()


def test_one_read_is_enough_where_few_cover_the_site():
    for n_ref in range(3):
        found = indels_found([read(True, False)] + [read(False, False)] * n_ref)
        assert len(found) == 1
        assert abs(found[0] - SITE) < DELETED
    plenty = [read(True, False)] + [read(False, False)] * 10
    assert indels_found(plenty) == []  # depth 11
    assert indels_found(plenty, replace(ONT, single_indel_max_depth=11, single_indel_min_log10=-9)) != []
    none = replace(CandidatesConfig(), single_indel_max_depth=0)
    assert indels_found([read(True, False)], none, qual=2) == []  # reads that do not count for the depth


def test_of_short_reads_four_may_cover_the_site_and_more_where_copies_vote():
    for n_ref, config in ((3, CandidatesConfig()), (5, candidates_for("illumina", VOTED))):
        one = read(True, False)
        assert len(indels_found([one] + [read(False, False)] * n_ref, config)) == 1
        assert indels_found([one] + [read(False, False)] * (n_ref + 1), config) == []


def test_a_single_base_counts_where_copies_agree_on_it():
    site, others = 4_000, [(3_500, "1000M", GENOME[3_500:4_500])] * 2
    one = 3_500, "500M1D499M", GENOME[3_500:site] + GENOME[site + 1 : 4_500]
    voted = candidates_for("illumina", VOTED)
    assert len(indels_found([one, *others], voted, qual=45)) == 1
    assert indels_found([one, *others], voted, qual=40) == []  # of one copy
    assert indels_found([one, *others], CandidatesConfig(), qual=45) == []


@pytest.mark.parametrize(("on_its_haplotype", "wanted"), [(0, True), (4, False)])
def test_reads_of_the_other_haplotype_do_not_speak_against_it(on_its_haplotype: int, wanted: bool):
    other = [read(False, False)] * (8 - on_its_haplotype)
    same = [read(False, True)] * on_its_haplotype
    # the SNP is seen by shorter reads too, so that it is surely heterozygous
    short = read(False, True, start=12_000)
    short = 12_000, "2000M", short[2][:2_000]
    found = indels_found([read(True, True), *same, *other, short, short, short])
    assert bool(found) == wanted
