"""Pairs of records: decoys taken out, mates linked."""

import numpy as np
import pysam
from deepcohort.simulate.io_pairs import finish_pairs, link_mates

HEADER = pysam.AlignmentHeader.from_references(["c", "decoy__0"], [10_000, 10_000])
DECOY = 1


def _read(name: str, contig: int, pos: int, reverse: bool) -> pysam.AlignedSegment:
    record = pysam.AlignedSegment(HEADER)
    record.query_name, record.flag, record.mapping_quality = name, 16 if reverse else 0, 60
    record.query_sequence, record.query_qualities = "AACC", pysam.qualitystring_to_array("ABCD")
    record.reference_id, record.reference_start = contig, pos
    record.cigartuples = [(0, 4)] if contig >= 0 else None
    if contig < 0:
        record.flag = 4
    return record


def _pair(a: tuple[int, int, bool], b: tuple[int, int, bool]) -> list[pysam.AlignedSegment]:
    first, second = [_read("p", *a)], [_read("p", *b)]
    link_mates(first, second)
    return finish_pairs([first, second], np.zeros(2, bool), n_contigs=1)


def test_a_proper_pair():
    a, b = _pair((0, 100, False), (0, 300, True))
    assert (a.flag, b.flag) == (1 + 2 + 32 + 64, 1 + 2 + 16 + 128)
    assert (a.template_length, b.template_length) == (204, -204)
    assert (a.next_reference_start, b.next_reference_start) == (300, 100)
    assert a.get_tag("MC") == "4M"


def test_pairs_that_face_away_are_not_proper():
    a, b = _pair((0, 100, True), (0, 300, False))
    assert not a.is_proper_pair
    assert not b.is_proper_pair


def test_a_pair_on_decoys_vanishes():
    assert _pair((DECOY, 5, False), (DECOY, 200, True)) == []


def test_a_mate_on_a_decoy_becomes_unmapped():
    records = _pair((0, 100, False), (DECOY, 300, True))
    here, lost = sorted(records, key=lambda r: r.is_unmapped)
    assert here.mate_is_unmapped
    assert here.next_reference_start == here.reference_start == lost.reference_start == 100
    assert here.template_length == 0
    assert not here.has_tag("MC")
    assert lost.cigarstring is None
    assert lost.query_sequence == "GGTT"  # as sequenced
    assert lost.query_qualities.tolist() == [35, 34, 33, 32]
    assert lost.mapping_quality == 0
    assert not lost.is_reverse
    assert here.reference_id == lost.reference_id == 0


def test_a_decoy_and_an_unmapped_mate_vanish():
    assert _pair((DECOY, 5, False), (-1, -1, False)) == []


def test_duplicates_are_flagged():
    first, second = [_read("p", 0, 1, False)], [_read("p", 0, 90, True)]
    link_mates(first, second)
    assert all(r.is_duplicate for r in finish_pairs([first, second], np.ones(2, bool), 1))
