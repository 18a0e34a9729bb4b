"""Kernels of realignment: CIGARs put together column by column, scores base by base, bubbles by hand."""

import itertools
import math
import random
import re

import numpy as np
import pytest
from deepcohort.candidates.assembly import allele_keys, assemble_alleles
from deepcohort.candidates.assembly.bubble_kernels import AssemblyRules, assemble_windows
from deepcohort.candidates.columns import AlleleColumns, Window, aligned_reads
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import count_window
from deepcohort.candidates.realign import cigar_edit_kernels as ck
from deepcohort.candidates.realign import fit_kernels as fk
from deepcohort.candidates.realign.columns import (
    Anchor,
    CigarRoom,
    Held,
    LocalHaplotypes,
    MovingReads,
    Operations,
    Span,
)
from deepcohort.candidates.realign.haplotype_kernels import (
    CLIP_COST,
    FLANK_BP,
    GAP_COST,
    MAX_HAPLOTYPES,
    MAX_OPS,
    base_scores,
    half_table,
)
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases
from read_builders import make_batch, random_text

OPS = "MIDNSHP=X"
START = 1_000  # contig position of the window


def columns_of(cigar: str) -> str:
    """One letter a base, read or deleted."""
    return "".join(c * int(n) for n, c in re.findall(r"(\d+)(.)", cigar))


def cigar_of(columns: str) -> str:
    return "".join(f"{len(list(g))}{c}" for c, g in itertools.groupby(columns))


def operations(cigar: str, before: int = 0) -> Operations:
    parts = re.findall(r"(\d+)(.)", cigar)
    op = np.array([0] * before + [OPS.index(c) for _, c in parts], np.uint8)
    length = np.array([1] * before + [int(n) for n, _ in parts], np.int32)
    return Operations(op, length, np.int64(before), np.int64(before + len(parts)))


def empty_room() -> CigarRoom:
    return CigarRoom(*(np.zeros(60, dtype) for dtype in (np.uint8, np.int32) * 2))


def written(room: CigarRoom, n: int) -> str:
    return "".join(f"{length}{OPS[op]}" for op, length in zip(room.op[:n], room.length[:n], strict=True))


def random_inner(rng: random.Random) -> str:
    """CIGAR of a haplotype within its window, which begins and ends with matches."""
    middle = "".join(
        f"{rng.randint(1, 4)}{rng.choice('ID')}{rng.randint(1, 5)}M" for _ in range(rng.randint(0, 2))
    )
    return f"{rng.randint(1, 5)}M{middle}"


def without_gap(columns: str) -> tuple[str, int]:
    """Columns less the gap at their end, and the inserted bases in it."""
    kept = columns.rstrip("ID")
    return kept, columns[len(kept) :].count("I")


def along(inner: str, bases: int) -> str:
    """Columns of the first `bases` read bases along the haplotype; matches behind it."""
    out = ""
    for c in columns_of(inner):
        if out.count("M") + out.count("I") == bases:
            return out
        out += c
    return out + "M" * (bases - out.count("M") - out.count("I"))


def test_cigars_of_reads_are_put_together_column_by_column():
    rng = random.Random(1)
    for _ in range(150):
        inner, room = random_inner(rng), empty_room()
        before, after = rng.randint(0, 6), rng.randint(0, 6)  # bp of the anchors' operations outside
        head, tail = (
            rng.choice(["", "3S", "2H", "2H3S", "4M2I"]),
            rng.choice(["", "5S", "1H", "5S1H", "2D4M"]),
        )
        window = operations(inner)
        whole = sum(c in "MI" for c in columns_of(inner))

        # both ends: what lies between the window's first and last base is replaced
        own = operations(f"{head}{before + 5}M3I{after + 4}M{tail}", before=2)
        n_head = len(re.findall(r"\d+.", head))
        first = Anchor(np.int64(2 + n_head), np.int64(100 - before), np.int64(0))
        last = Anchor(np.int64(4 + n_head), np.int64(105), np.int64(0))
        n = ck.rewrite_both(room, own, first, last, Span(100, 109, 0, 1), window, np.int64(whole))
        want = columns_of(head) + "M" * before + columns_of(inner) + "M" * after + columns_of(tail)
        assert written(room, n) == cigar_of(want)

        # by the left end: as far as the bases go, the rest is clipped
        aligned, rest = rng.randint(1, whole + 4), rng.randint(0, 3)
        own = operations(f"{head}{before + 3}M2I3M" + ("2H" if tail.endswith("H") else ""))
        n = ck.rewrite_left(
            room, own, np.int64(n_head), np.int64(before), window, np.int64(aligned), np.int64(rest)
        )
        kept, inserted = without_gap(along(inner, aligned))
        want = (
            columns_of(head)
            + "M" * before
            + kept
            + "S" * (rest + inserted)
            + ("HH" if tail.endswith("H") else "")
        )
        assert written(room, n) == cigar_of(want)

        # by the right end: the same from behind
        hard = "3H" if head.startswith("2H") else ""
        own = operations(f"{hard}2M2I{after + 3}M{tail}")
        anchor = np.int64(2 + bool(hard))
        n, span = ck.rewrite_right(
            room, own, anchor, np.int64(after), window, np.int64(aligned), np.int64(rest)
        )
        backwards = cigar_of(columns_of(inner)[::-1])
        kept, inserted = without_gap(along(backwards, aligned))
        want = "H" * (3 * bool(hard)) + "S" * (rest + inserted) + kept[::-1] + "M" * after + columns_of(tail)
        assert written(room, n) == cigar_of(want)
        assert span == sum(c in "MD" for c in kept)
        assert ck.reference_span(room.op, room.length, n) == sum(c in "MDN=X" for c in want)


def moving(reads) -> MovingReads:
    """Reads (pos, CIGAR, sequence) with room for more operations."""
    batch = make_batch(reads)
    spare = 40
    return MovingReads(
        batch.pos.copy(), batch.end.copy(), np.maximum.accumulate(batch.end), batch.seq, batch.qual, batch.seq_offset,
        np.r_[batch.cigar_op, np.zeros(spare, np.uint8)], np.r_[batch.cigar_len, np.zeros(spare, np.int32)],
        batch.cigar_offset[:-1].copy(), batch.cigar_offset[1:].copy(), np.zeros(len(batch), np.bool_),
        np.ones(len(batch), np.bool_),
    )  # fmt: skip


def local_haplotypes(texts: list[str], inner: list[str]) -> LocalHaplotypes:
    longest = max(map(len, texts))
    room = LocalHaplotypes(
        np.zeros((MAX_HAPLOTYPES, longest), np.uint8), np.zeros(MAX_HAPLOTYPES, np.int64),
        np.zeros((MAX_HAPLOTYPES, MAX_OPS), np.uint8), np.zeros((MAX_HAPLOTYPES, MAX_OPS), np.int32),
        np.zeros(MAX_HAPLOTYPES, np.int64), np.zeros(MAX_HAPLOTYPES, np.int64), np.zeros(MAX_HAPLOTYPES),
    )  # fmt: skip
    for h, (text, cigar) in enumerate(zip(texts, inner, strict=True)):
        room.bases[h, : len(text)], room.sizes[h] = encode_bases(text), len(text)
        own = operations(cigar)
        room.ops[h, : own.last], room.lengths[h, : own.last], room.n_ops[h] = own.op, own.length, own.last
    return room


REFERENCE = random_text(11, 700)
SPAN = Span(300, 330, 0, 1)
OTHER = REFERENCE[:315] + REFERENCE[319:]  # 4 bp deleted within the window


def fitted(reads):
    """Reads held against the reference and the deletion: (held, haplotypes, reads, fits)."""
    rows = moving(reads)
    anchors = []
    for r in range(len(rows.pos)):
        first, last = (fk.find_anchor(r, rows, START, np.int64(t)) for t in (SPAN.start, SPAN.stop - 1))
        anchors.append([*first, *last])
    n = len(rows.pos)
    held = Held(np.arange(n), np.array(anchors, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64))
    flanks = (SPAN.start - FLANK_BP, SPAN.stop + FLANK_BP)
    haplotypes = local_haplotypes(
        [REFERENCE[slice(*flanks)], OTHER[flanks[0] : flanks[1] - 4]], ["30M", "15M4D11M"]
    )
    codes = encode_bases(REFERENCE).copy()
    return held, haplotypes, rows, fk.fit_window(held, SPAN, 2, haplotypes, codes, START, rows, base_scores())


def own_score(cigar: str, pos: int, seq: str) -> float:
    """log10 score of an alignment, its clips and the gaps of the window included."""
    right, wrong = math.log10((1 - 1e-4) * 4), math.log10(1e-4 / 3 * 4)
    total, at, query = 0.0, pos - START, 0
    for n, c in re.findall(r"(\d+)(.)", cigar):
        if c == "M":
            total += sum(right if seq[query + k] == REFERENCE[at + k] else wrong for k in range(int(n)))
        total -= CLIP_COST if c == "S" else GAP_COST if c in "ID" else 0
        at += int(n) if c in "MD" else 0
        query += int(n) if c in "MIS" else 0
    return total


CARRIERS = [  # of the deletion, aligned as well as an aligner may, or not
    (START + 250, "65M4D55M", OTHER[250:370]), (START + 250, "120M", OTHER[250:370]),
    (START + 260, "55M60S", OTHER[260:375]), (START + 319, "20S60M", OTHER[295:375]),
    (START + 210, "118M", OTHER[210:328]),
]  # fmt: skip


@pytest.mark.parametrize("read", CARRIERS)
def test_reads_fit_the_haplotype_that_they_are_of(read):
    pos, cigar, seq = read
    _, _, _, fits = fitted([read])
    perfect = len(seq) * math.log10((1 - 1e-4) * 4)
    assert fits.scores[0, 1] == pytest.approx(perfect)
    assert fits.scores[0, 0] < perfect - 3
    assert fits.old[0, 0] == pytest.approx(own_score(cigar, pos, seq))
    assert fits.old[0, 1] == ("D" in cigar)
    assert fits.details[0, 1, 2] == 0  # no base differs
    assert fits.details[0, 1, 0] == (ck.BOTH if "D" in cigar else ck.LEFT if pos < START + 300 else ck.RIGHT)


def test_a_read_of_the_reference_fits_the_reference():
    _, _, _, fits = fitted([(START + 280, "90M", REFERENCE[280:370])])
    assert fits.scores[0, 0] == pytest.approx(90 * math.log10((1 - 1e-4) * 4))
    assert fits.scores[0, 0] == pytest.approx(fits.old[0, 0])
    assert fits.details[0, 0].tolist() == [ck.BOTH, 30, 0]


def test_an_insertion_costs_a_gap():
    seq = REFERENCE[280:310] + "GT" + REFERENCE[310:370]
    _, _, _, fits = fitted([(START + 280, "30M2I60M", seq)])
    assert fits.old[0].tolist() == pytest.approx([own_score("30M2I60M", START + 280, seq), 1])
    # one that lies outside the window only bounds what belongs to it
    _, _, _, fits = fitted([(START + 285, "5M2I80M", REFERENCE[285:290] + "GT" + REFERENCE[290:370])])
    assert fits.old[0].tolist() == pytest.approx([80 * math.log10((1 - 1e-4) * 4), 0])


def test_anchors_are_the_operations_at_a_base():
    rows = moving([(START + 10, "7H3S5M2I4M3D6M", random_text(1, 20))])
    want = {9: -1, 10: 2, 14: 2, 15: 4, 18: 4, 19: -1, 21: -1, 22: 6, 27: 6, 28: -1}
    for target, op in want.items():
        anchor = fk.find_anchor(0, rows, START, np.int64(target))
        assert anchor.op == op
        if op >= 0:
            assert (anchor.at, anchor.query) == {2: (10, 3), 4: (15, 10), 6: (22, 14)}[op]


@pytest.mark.parametrize("more", [0, 1])
def test_flanks_reach_alike_to_both_sides(more):
    """As far as the haplotypes do: FLANK_BP beyond the base that holds the read, clipped ones too."""
    codes, n = encode_bases(REFERENCE).copy(), FLANK_BP - 40 + more
    seq, scores, target = random_text(3, 41 + n), base_scores(), np.int64(300)
    rows = moving([(START + 300, f"41M{n}S", seq), (START + 260, f"{n}S41M", seq)])
    left, right = (fk.find_anchor(r, rows, START, target) for r in (0, 1))
    index = left.query + target - left.at
    _, first, is_cut = fk.left_flank(0, left, index, target, rows, codes, scores)
    assert (index - first, is_cut) == (40 if more else FLANK_BP, bool(more))
    index = right.query + target - right.at
    _, stop, is_cut = fk.right_flank(1, right, index, target, rows, codes, scores)
    assert (stop - 1 - index, is_cut) == (40 if more else FLANK_BP, bool(more))


def test_reads_that_end_inside_reach_alike_to_both_sides():
    """A read that the haplotype is long enough for is held against it, whichever end hangs on."""
    inner, n = SPAN.stop - SPAN.start, SPAN.stop - SPAN.start + FLANK_BP
    for more in (0, 1):
        pos = START + SPAN.start
        seq = REFERENCE[SPAN.start :][: n + more]
        _, _, _, fits = fitted([(pos, f"{inner - 1}M{n + more - inner + 1}S", seq)])
        assert (fits.details[0, 0, 0] == ck.LEFT) == (not more)
        seq = REFERENCE[SPAN.stop - n - more : SPAN.stop]
        _, _, _, fits = fitted([(pos + 1, f"{n + more - inner + 1}S{inner - 1}M", seq)])
        assert (fits.details[0, 0, 0] == ck.RIGHT) == (not more)


def rewritten(reads, pair=(0, 1)):
    held, haplotypes, rows, fits = fitted(reads)
    used = int(rows.op_last.max())
    used = ck.rewrite_reads(held, SPAN, pair, haplotypes, fits, START, rows, empty_room(), used)
    cigars = []
    for r in range(len(rows.pos)):
        part = range(rows.op_first[r], rows.op_last[r])
        cigars.append("".join(f"{rows.cigar_len[k]}{OPS[rows.cigar_op[k]]}" for k in part))
    return used, rows, cigars


def test_reads_take_the_alignment_of_their_haplotype():
    used, rows, cigars = rewritten(CARRIERS)
    order = sorted(range(len(CARRIERS)), key=lambda k: CARRIERS[k][0])
    at = {k: order.index(k) for k in range(len(CARRIERS))}
    # an aligned one stays; a short end behind the deletion is laid along it; a clipped start reaches over it
    want = ["65M4D55M", "65M4D55M", "55M4D60M", "20M4D60M", "105M4D13M"]
    want_pos = [250, 250, 260, 295, 210]
    for k, (cigar, pos) in enumerate(zip(want, want_pos, strict=True)):
        assert (cigars[at[k]], rows.pos[at[k]] - START) == (cigar, pos), k
        assert rows.end[at[k]] == rows.pos[at[k]] + sum(c in "MD" for c in columns_of(cigar))
        assert rows.changed[at[k]] == (k != 0)
    n_before = sum(len(re.findall(r"\d+.", c)) for _, c, _ in CARRIERS)
    assert used == n_before + 4 * 3


def test_reads_that_fit_no_better_stay():
    spoilt = list(OTHER[250:370])
    for k in range(60, 120, 9):
        spoilt[k] = "ACGT"["CGTA".index(spoilt[k])]  # too many bases differ from either
    reads = [(START + 280, "90M", REFERENCE[280:370]), (START + 250, "120M", "".join(spoilt))]
    used, rows, cigars = rewritten(reads)
    assert (used, cigars, rows.changed.any()) == (2, ["120M", "90M"], False)
    # neither do carriers where their haplotype is not among the two
    assert not rewritten(CARRIERS[:1], pair=(0, 0))[1].changed.any()


def test_room_that_does_not_suffice_is_told():
    held, haplotypes, rows, fits = fitted(CARRIERS)
    full = len(rows.cigar_op) - 1
    assert ck.rewrite_reads(held, SPAN, (0, 1), haplotypes, fits, START, rows, empty_room(), full) == -1


def test_the_pair_of_haplotypes_is_the_likeliest():
    rng = np.random.default_rng(2)
    chosen, table = np.zeros(2, np.int64), half_table()
    both = 0
    for _ in range(60):
        n, h = int(rng.integers(1, 9)), int(rng.integers(2, 6))
        scores, prior = rng.uniform(-12, 0, (n, h)), rng.uniform(-3, 0, h)
        pair = fk.choose_haplotypes(scores, prior, table, chosen)
        relative = np.maximum(scores - scores.max(1, keepdims=True), -10.0)

        def total(a, b, relative=relative, prior=prior):
            mixed = np.log10((10 ** relative[:, a] + 10 ** relative[:, b]) / 2).sum()
            return mixed + (prior[a] if a == b else prior[a] + prior[b])

        best = max(total(a, b) for a in range(h) for b in range(a, h))
        assert total(*pair) > best - 0.04 * n  # the table is that coarse
        a, b = pair
        rival = 0 if a == b else b
        for_a = (relative[:, a] > relative[:, rival] + 3).sum()
        for_b = (relative[:, b] > relative[:, a] + 3).sum()
        assert chosen.tolist() == [a if for_a >= 2 else -1, b if for_b >= 2 else -1]
        both += min(chosen) >= 0
    assert both > 3


# ------------------------------------------------------------------------------------------ assembly


def assembled(reference: str, reads, window: tuple[int, int], rules=AssemblyRules(2, 10, 60)):
    """(pos, ref_len, ALT) of the alleles that clipped reads spell in a window of the reference."""
    batch = make_batch(reads)
    clips = np.zeros(len(reference), np.int32)
    for pos, cigar, *_ in reads:
        if cigar.endswith("S"):
            clips[pos + int(cigar.split("M")[0])] += 1
        elif "S" in cigar:
            clips[pos] += 1
    found = AlleleColumns(
        np.empty(24, np.int64), np.empty(24, np.int32), np.empty(2_000, np.uint8), np.empty(25, np.int64)
    )
    n = assemble_windows(
        np.array([window[0]], np.int64), np.array([window[1]], np.int64), clips, rules,
        Window(encode_bases(reference).copy(), 0), np.maximum.accumulate(batch.end), aligned_reads(batch), found,
    )  # fmt: skip
    offset = found.alt_offset
    return {
        (int(found.pos[k]), int(found.ref_len[k]), decode_bases(found.alt_seq[offset[k] : offset[k + 1]]))
        for k in range(n)
    }


def clipped_reads(reference: str, other: str, at: int, n: int):
    """Reads of `other` across the change behind `at`, clipped where they leave the reference."""
    reads = []
    for k in range(n):
        pos = at - 60 + 3 * k
        seq = other[pos : pos + 100]
        reads.append((pos, f"{at + 1 - pos}M{100 - (at + 1 - pos)}S", seq))
    return reads


@pytest.mark.parametrize(("deleted", "inserted"), [(0, 18), (27, 0), (0, 33), (9, 21)])
def test_clipped_reads_spell_the_allele(deleted: int, inserted: int):
    reference = random_text(5 + deleted, 400)
    more = random_text(77, inserted)
    other = reference[:200] + more + reference[200 + deleted :]
    reads = clipped_reads(reference, other, 199, 8)
    alleles = assembled(reference, reads, (180, 230))
    assert alleles
    for pos, ref_len, alt in alleles:  # each of them, put into the reference, gives the other haplotype
        assert reference[:pos] + alt + reference[pos + ref_len :] == other
        assert alt[0] == reference[pos]
        if min(ref_len, len(alt)) == 1:  # left-aligned: the last base is not that of the anchor
            last = alt[-1] if len(alt) > 1 else reference[pos + ref_len - 1]
            assert last != reference[pos]


def test_a_haplotype_needs_clips_of_some_quality():
    reference = random_text(9, 400)
    other = reference[:200] + random_text(3, 20) + reference[200:]
    reads = clipped_reads(reference, other, 199, 6)
    whole = assembled(reference, reads, (180, 230))
    assert len(whole) == 1
    assert not assembled(reference, reads, (180, 230), AssemblyRules(7, 10, 60))
    assert not assembled(reference, reads, (180, 230), AssemblyRules(2, 10, 19))
    assert not assembled(reference, reads, (100, 150))
    assert not whole & assembled(reference, [(p, c, s, 5) for p, c, s in reads], (180, 230))
    same = [(pos, cigar, reference[pos : pos + 100]) for pos, cigar, _ in reads]
    assert not assembled(reference, same, (180, 230))


def test_room_for_alleles_grows(monkeypatch: pytest.MonkeyPatch):
    """What is found in one window does not depend on how many were found before."""
    reference, reads, starts = random_text(91, 20 * 400), [], np.arange(20) * 400 + 180
    for w in range(20):
        at = 400 * w + 199
        other = reference[: at + 1] + random_text(300 + w, 18) + reference[at + 1 :]
        reads += clipped_reads(reference, other, at, 8)
    batch, window = make_batch(reads), Region("one", 0, len(reference))
    codes, config = encode_bases(reference).copy(), CandidatesConfig()
    counts = count_window(batch, codes, window, config)
    found = assemble_alleles(batch, counts, starts, starts + 50, codes, window, config)
    assert len(found) >= 20
    monkeypatch.setattr("deepcohort.candidates.assembly.assemble._ALLELES_PER_WINDOW", 0)
    again = assemble_alleles(batch, counts, starts, starts + 50, codes, window, config)
    assert allele_keys(again) == allele_keys(found)
