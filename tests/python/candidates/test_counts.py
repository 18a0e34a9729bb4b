"""Counts and indel events against a plain-Python oracle, base by base."""

from collections import Counter

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import count_window
from deepcohort.candidates.kernels import shift_left
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st
from read_builders import make_batch, random_text

CONFIG = CandidatesConfig(max_indel_bp=30)
WINDOW = Region("one", 50, 450)
GENOME = random_text(1, 120) + "A" * 25 + random_text(2, 100) + "CAG" * 9 + "N" * 10 + random_text(3, 300)


def left_aligned(genome: str, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """VCF normal form by the textbook (Tan 2015): trim right, extend left, until nothing changes."""
    while ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
        if not ref or not alt:
            pos -= 1
            ref, alt = genome[pos] + ref, genome[pos] + alt
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        ref, alt, pos = ref[1:], alt[1:], pos + 1
    return pos, ref, alt


def oracle(batch, genome: str, window: Region, config: CandidatesConfig):
    """(n_total, n_deleted, alt_count, clips, Counter of left-aligned indels) over `window`."""
    length = len(window)
    n_total, n_deleted = np.zeros(length, int), np.zeros(length, int)
    alt_count = np.zeros((4, length), int)
    indels: Counter = Counter()
    for i in range(len(batch)):
        at, q = int(batch.pos[i]), int(batch.seq_offset[i])
        first = q
        ops = range(batch.cigar_offset[i], batch.cigar_offset[i + 1])
        for k in ops:
            op, n = int(batch.cigar_op[k]), int(batch.cigar_len[k])
            if op in (0, 7, 8):
                for j in range(n):
                    p = at + j - window.start
                    if 0 <= p < length and batch.qual[q + j] >= config.min_base_qual:
                        n_total[p] += 1
                        if "ACGTN"[batch.seq[q + j]] != genome[at + j]:
                            alt_count[batch.seq[q + j], p] += 1
                at, q = at + n, q + n
            elif op == 1:
                inside = window.start < at < window.end and q > first and k + 1 in ops
                bases, quals = batch.seq[q : q + n], batch.qual[q : q + n]
                if (
                    inside
                    and n <= config.max_indel_bp
                    and quals.mean() >= config.min_base_qual
                    and bases.max() < 4
                ):
                    text = decode_bases(bases)
                    anchor = genome[at - 1]
                    indels[left_aligned(genome, at - 1, anchor, anchor + text)] += 1
                q += n
            elif op == 2:
                mate = batch.mate[i]
                if not (mate >= 0 and mate < i and batch.end[mate] >= at + n):
                    for p in range(at - window.start, at + n - window.start):
                        if 0 <= p < length:
                            n_total[p] += 1
                            n_deleted[p] += 1
                if window.start < at and at + n <= window.end and q > first and n <= config.max_indel_bp:
                    indels[left_aligned(genome, at - 1, genome[at - 1 : at + n], genome[at - 1])] += 1
                at += n
            elif op == 3:
                at += n
            elif op == 4:
                q += n
    return n_total, n_deleted, alt_count, indels


def random_batch(rng: np.random.Generator, n: int):
    reads = []
    for i in range(n):
        pos = int(rng.integers(0, 470))
        cigar, n_bases = "", 0
        for _ in range(int(rng.integers(1, 4))):
            step = int(rng.integers(1, 50))
            cigar += f"{step}M"
            n_bases += step
            op = str(rng.choice(list("IDNSP")))
            step = int(rng.integers(1, 8))
            if op in "IDNP":
                cigar += f"{step}{op}"
                n_bases += step if op == "I" else 0
        cigar += "5M3S"
        n_bases += 8
        seq = "".join(rng.choice(list("ACGTN"), n_bases, p=[0.3, 0.23, 0.22, 0.23, 0.02]))
        quals = rng.integers(2, 41, n_bases).tolist()
        name, flag = (f"pair{i // 2}", (99, 147)[i % 2]) if i % 3 else (None, 0)
        reads.append((pos, cigar, seq, quals, 60, name, flag))
    return make_batch(reads)


@pytest.mark.parametrize("seed", range(6))
def test_counts_as_the_oracle(seed: int):
    batch = random_batch(np.random.default_rng(seed), 60)
    reference = encode_bases(GENOME)[WINDOW.start : WINDOW.end]
    counts = count_window(batch, reference, WINDOW, CONFIG)
    n_total, n_deleted, alt_count, indels = oracle(batch, GENOME, WINDOW, CONFIG)
    known = reference < 4  # what is counted at an N of the reference is cut off later
    np.testing.assert_array_equal(counts.n_total, n_total)
    np.testing.assert_array_equal(counts.n_deleted, n_deleted)
    np.testing.assert_array_equal(counts.alt_count[:, known], alt_count[:, known])
    got: Counter = Counter()
    for k in range(len(counts.indels)):
        events = counts.indels
        pos, length = int(events.pos[k]) + WINDOW.start, int(events.length[k])
        anchor = GENOME[pos]
        if length < 0:
            got[(pos, GENOME[pos : pos + 1 - length], anchor)] += 1
        else:
            read = events.read[k]
            start = batch.seq_offset[read] + events.index[k] + 1
            text = decode_bases(batch.seq[start : start + length])
            turn = int(events.moved[k]) % length
            text = text[length - turn :] + text[: length - turn]
            got[(pos, anchor, anchor + text)] += 1
    # by the window's edge an indel cannot move as far as it should; that is what the padding is for
    edge = WINDOW.start + 10
    assert {k: v for k, v in got.items() if k[0] > edge} == {k: v for k, v in indels.items() if k[0] > edge}
    assert len(indels) > 20


repeats = st.lists(st.sampled_from(["A", "AC", "CAG", "ACGT", "T", "GG"]), min_size=4, max_size=30).map(
    "".join
)


@settings(max_examples=150, deadline=None)
@given(repeats, st.data())
def test_shift_left_is_vcf_normal_form(middle: str, data: st.DataObject):
    genome = "GATTC" + middle + "TGCA"
    at = data.draw(st.integers(3, len(genome) - 4))
    if data.draw(st.booleans()):
        n = data.draw(st.integers(1, len(genome) - at - 1))
        moved = shift_left(encode_bases(genome), at, n, np.empty(0, np.uint8), 0)
        expected = left_aligned(genome, at - 1, genome[at - 1 : at + n], genome[at - 1])
        assert at - 1 - moved == max(expected[0], 0)
    else:
        text = data.draw(st.text("ACGT", min_size=1, max_size=6))
        moved = shift_left(encode_bases(genome), at, 0, encode_bases(text), len(text))
        expected = left_aligned(genome, at - 1, genome[at - 1], genome[at - 1] + text)
        assert at - 1 - moved == max(expected[0], 0)


def test_mates_count_a_deletion_once():
    genome = random_text(9, 200)
    seq = genome[20:50] + genome[60:90]
    batch = make_batch([(20, "30M10D30M", seq, 40, 60, "p", 99), (20, "30M10D30M", seq, 40, 60, "p", 147)])
    counts = count_window(batch, encode_bases(genome), Region("one", 0, 200), CONFIG)
    assert counts.n_total[20:90].tolist() == [1] * 70
    assert counts.n_deleted[50:60].tolist() == [1] * 10


def test_reads_over_the_ends_of_the_contig():
    genome = random_text(10, 100)
    batch = make_batch(
        [(0, "40M", genome[:40]), (80, "20M15D10M", genome[80:] + "A" * 10), (90, "40M", "C" * 40)]
    )
    counts = count_window(batch, encode_bases(genome), Region("one", 0, 100), CONFIG)
    assert counts.n_total[:40].tolist() == [1] * 40
    assert counts.n_total[80:].tolist() == [1] * 10 + [2] * 10
    assert len(counts.indels) == 0


def test_long_reads_are_counted_to_the_last_base():
    genome = random_text(11, 9_000)
    at = [0, 7, 8, 2_047, 2_048, 2_050, 4_095, 4_096, 5_002]
    faint = {8, 4_096}
    seq = list(genome[300:5_303])
    for i in at:
        seq[i] = "ACGT"[("ACGT".index(seq[i]) + 1) % 4]
    quals = [5 if i in faint else 40 for i in range(len(seq))]
    batch = make_batch([(300, f"{len(seq)}M", "".join(seq), quals)] * 2)
    counts = count_window(batch, encode_bases(genome), Region("one", 0, len(genome)), CONFIG)
    shown = np.flatnonzero(counts.alt_count.sum(axis=0))
    assert (shown - 300).tolist() == [i for i in at if i not in faint]
    assert [int(counts.alt_count["ACGT".index(seq[p - 300]), p]) for p in shown] == [2] * len(shown)
    covered = np.flatnonzero(counts.n_total)
    assert (covered[0], covered[-1], len(covered)) == (300, 5_302, len(seq) - len(faint))
