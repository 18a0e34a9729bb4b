"""Alignment of copies, reads carried from one to the other, and fragments settled: against slow oracles."""

import random

import numpy as np
import pytest
from deepcohort.core.sequence import encode_bases
from deepcohort.paralogs.align_kernels import align_copies
from deepcohort.paralogs.ambiguous_position_kernels import doubtful_positions
from deepcohort.paralogs.columns import Alignments, Axis, Pairs, SiteBases, Tally, Words
from deepcohort.paralogs.copy_genotype_kernels import assign_to_copies, collect_bases, error_of_qual
from deepcohort.paralogs.find_kernels import list_pairs
from deepcohort.paralogs.liftover_kernels import lift_alignment
from hypothesis import given, settings
from hypothesis import strategies as st


def text_of(seed, n):
    return "".join(random.Random(seed).choices("ACGT", k=n))


def test_copies_with_substitutions_and_indels_are_aligned_base_by_base():
    copy = text_of(1, 600)
    #        one base changed, three bases lost, five bases more
    paralog = text_of(2, 100) + copy[:200] + "ACGT"["CGTA".index(copy[200])] + copy[201:300] + copy[303:400]
    paralog += text_of(3, 5) + copy[400:] + text_of(4, 50)
    primary = text_of(5, 40) + copy + text_of(6, 70)
    partner = align_copies(encode_bases(primary), encode_bases(paralog), 60, 20)
    wanted = np.full(len(primary), -1)
    wanted[40:340] = np.arange(100, 400)
    wanted[343:440] = np.arange(400, 497)
    wanted[440:640] = np.arange(502, 702)
    # where gaps lie is free within a few bases
    different = np.flatnonzero(partner != wanted)
    near_gap = np.abs(different[:, None] - np.array([340, 440, 40, 640])).min(axis=1)
    assert (near_gap <= 8).all()
    inside = partner[partner >= 0]
    assert (np.diff(inside) > 0).all()


def test_unknown_bases_never_agree():
    primary = encode_bases("N" * 50)
    assert (align_copies(primary, primary, 0, 5) == -1).all()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_carried_read_keeps_the_place_of_every_base(seed):
    rng = np.random.default_rng(seed)
    # an axis of 120 contig positions: increasing places with gaps, some bases of no partner
    axis = np.cumsum(rng.choice([1, 1, 1, 1, 2, 4], 120)).astype(np.int64)
    inverted = bool(rng.integers(2))
    if inverted:
        axis = axis[::-1].copy()
    axis[rng.random(120) < 0.1] = -1
    ops, lengths, places = [], [], []
    at = start = int(rng.integers(0, 60))
    for _ in range(int(rng.integers(1, 6))):
        op = int(rng.choice([0, 0, 1, 2, 4, 7, 8])) if ops else int(rng.choice([0, 4]))
        n = int(rng.integers(1, 15))
        ops.append(op)
        lengths.append(n)
        if op in (0, 7, 8):
            places += [axis[p] if p < 120 else -1 for p in range(at, at + n)]
            at += n
        elif op == 2:
            at += n
        else:
            places += [-1] * n
    n = len(places)
    out_ops, out_lengths = np.empty(2 * n + 4, np.uint8), np.empty(2 * n + 4, np.int32)
    pos = np.array([start + 1_000])
    reads = Alignments(
        pos, pos, np.empty(0, np.uint8), np.empty(0, np.uint8), np.empty(0, np.uint8), np.array([7, 7 + n]),
        np.array(ops, np.uint8), np.array(lengths, np.int32), np.array([0, len(ops)]),
    )  # fmt: skip
    along = Axis(1_000, axis, inverted)
    first, last, used = lift_alignment(0, reads, along, np.empty(n + 1, np.int64), out_ops, out_lengths)
    wanted = places[::-1] if inverted else places
    if max(wanted, default=-1) < 0:
        assert used == 0
        return
    told, behind = [], first
    for op, length in zip(out_ops[:used], out_lengths[:used], strict=True):
        if op == 0:
            told += range(behind, behind + length)
            behind += length
        elif op == 2:
            behind += length
        else:
            told += [-1] * length
    assert told == wanted
    assert behind == last
    assert out_ops[:used][0] in (0, 4)
    assert out_ops[:used][-1] in (0, 4)


def settled(sites, anchor):
    """Odds from [(different, [(fragment, is_b)])]."""
    offset = np.cumsum([0] + [len(rows) for _, rows in sites]).astype(np.int64)
    flat = [row for _, rows in sites for row in rows]
    return assign_to_copies(
        offset,
        np.array([b for _, b in flat]),
        np.full(len(flat), 1e-3),
        np.array([f for f, _ in flat], np.int64),
        np.array([d for d, _ in sites]),
        np.array(anchor, float),
    )


def test_fragments_follow_the_reference_where_nothing_speaks_against_it():
    # two sites that differ; fragments 0-4 show this copy's bases, 5-9 the other's
    sites = [(True, [(f, f < 5) for f in range(10)]) for _ in range(2)]
    odds = settled(sites, np.zeros(10))
    assert (odds[:5] > 1).all()
    assert (odds[5:] < -1).all()


def test_anchored_fragments_tell_that_the_copies_exchanged_a_base():
    # site 0: fragments anchored here (0-3) show the other copy's base, those anchored there (4-7) this one's;
    # so 8 and 9, which carry nothing else, belong where their base really is
    sites = [(True, [(f, 4 <= f <= 7 or f == 9) for f in range(10)])]
    anchor = [9.0] * 4 + [-9.0] * 4 + [0.0, 0.0]
    odds = settled(sites, anchor)
    assert odds[8] > 1
    assert odds[9] < -1
    # without the anchors the reference is believed
    odds = settled(sites, np.zeros(10))
    assert odds[8] < -1
    assert odds[9] > 1


def test_what_is_the_same_on_both_copies_places_nothing():
    odds = settled([(False, [(f, True) for f in range(8)])], np.zeros(8))
    np.testing.assert_allclose(odds, 0, atol=1e-6)


def test_errors_of_qualities():
    np.testing.assert_allclose(error_of_qual(np.array([0, 10, 20, 41], np.uint8)), [0.75, 0.1, 0.01, 1e-3])


@pytest.mark.parametrize(("mapq", "n_wrong", "wanted"), [(20, 3, True), (60, 3, False), (20, 1, False)])
def test_doubtful_positions(mapq, n_wrong, wanted):
    reference = encode_bases(text_of(9, 60))
    reads = np.tile(reference[10:50], (8, 1))
    reads[:n_wrong, 20] = (reads[0, 20] + 1) % 4
    alignments = Alignments(
        np.full(8, 110), np.full(8, 150), np.full(8, mapq, np.uint8), reads.ravel(), np.full(320, 40, np.uint8),
        np.arange(0, 321, 40), np.zeros(8, np.uint8), np.full(8, 40, np.int32), np.arange(9),
    )  # fmt: skip
    got = doubtful_positions(alignments, reference, 100, 55, 2, 0.12)
    assert np.flatnonzero(got).tolist() == ([30] if wanted else [])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_bases_are_counted_along_the_axis(seed, inverted):
    rng = np.random.default_rng(seed)
    n_axis = 40
    at = np.where(rng.random(60) < 0.2, -1, rng.integers(0, n_axis, 60)).astype(np.int64)
    site_of = np.where(rng.random(n_axis) < 0.3, rng.integers(0, 5, n_axis), -1).astype(np.int64)
    batch = [
        (
            int(rng.integers(95, 150)),
            [(int(rng.choice([0, 1, 2, 4, 7])), int(rng.integers(1, 9))) for _ in range(4)],
        )
        for _ in range(5)
    ]
    sizes = [sum(n for op, n in ops if op != 2) for _, ops in batch]
    offset = np.cumsum([0, *sizes]).astype(np.int64)
    seq = rng.integers(0, 5, offset[-1]).astype(np.uint8)
    qual = rng.integers(2, 41, offset[-1]).astype(np.uint8)
    pos = np.array([p for p, _ in batch], np.int64)
    reads = Alignments(
        pos, pos, np.empty(0, np.uint8), seq, qual, offset,
        np.array([op for _, ops in batch for op, _ in ops], np.uint8),
        np.array([n for _, ops in batch for _, n in ops], np.int32), np.arange(0, 21, 4),
    )  # fmt: skip
    shown, outside, wanted = np.zeros((4, n_axis), np.int64), [0] * 5, []
    for r, (begin, ops) in enumerate(batch):
        place, query = begin - 100, offset[r]
        for op, n in ops:
            for j in range(n if op in (0, 7) else 0):
                if not 0 <= place + j < 60:
                    continue
                outside[r] += not 10 <= place + j < 50
                axis_at, base = at[place + j], int(seq[query + j])
                if axis_at < 0 or base > 3 or qual[query + j] < 10:
                    continue
                base = 3 - base if inverted else base
                shown[base, axis_at] += 1
                if site_of[axis_at] >= 0:
                    wanted.append((site_of[axis_at], 10 + r, base, qual[query + j]))
            place += n if op in (0, 2, 7) else 0
            query += n if op != 2 else 0
    out = SiteBases(*(np.zeros(len(seq), t) for t in (np.int64, np.int64, np.uint8, np.uint8)))
    tally = Tally(np.zeros((4, n_axis), np.int64), np.zeros(5, np.int64), 10, 50)
    n = collect_bases(reads, Axis(100, at, inverted), site_of, np.arange(10, 15), tally, out)
    np.testing.assert_array_equal(tally.shown, shown)
    assert tally.outside.tolist() == outside
    assert list(zip(*(column[:n].tolist() for column in out), strict=True)) == wanted


def test_pairs_of_places_that_share_a_word():
    #        word 1 at two places; word 2 three times, too often; word 3 twice, but near each other
    rows = [
        (1, 0, 100, 0),
        (1, 1, 2_000, 1),
        (2, 0, 1, 0),
        (2, 0, 900, 0),
        (2, 1, 5, 0),
        (3, 0, 7, 0),
        (3, 0, 40, 0),
    ]
    word, contig, pos, reverse = zip(*rows, strict=True)
    words = Words(
        np.array(word, np.uint64), np.array(contig, np.int32), np.array(pos), np.array(reverse, np.bool_)
    )
    pairs = Pairs(np.empty(9, np.int64), np.empty(9, np.int32), np.empty(9, np.bool_), np.empty(9, np.int64))
    n = list_pairs(words, 2, 21, 1_000, 50, pairs)
    found = list(zip(*(column[:n].tolist() for column in pairs), strict=True))
    assert found == [(0, 1, True, 2_121), ((1 << 40) | 2, 0, True, 2_121)]
