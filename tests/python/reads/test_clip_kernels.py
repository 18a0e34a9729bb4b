"""Ends that do not fit are clipped: every way to cut a read is tried, and CIGARs are rebuilt base by base."""

import random
import re
from itertools import groupby

import numpy as np
from deepcohort.core.sequence import encode_bases
from deepcohort.reads.clip_kernels import Operations, Placed, best_parts, clip_reads
from deepcohort.reads.scan import offsets_of

START = 700  # contig position of the reference
REFERENCE = "".join(random.Random(0).choices("ACGT", k=160))
OPS = "MIDNSHP=X"
Read = tuple[int, str, str]  # contig position, CIGAR, bases


def parts_of(cigar: str) -> list[tuple[int, str]]:
    return [(int(n), c) for n, c in re.findall(r"(\d+)(.)", cigar)]


def placed(reads: list[Read]) -> Placed:
    cigars = [parts_of(c) for _, c, _ in reads]
    return Placed(
        np.array([p for p, *_ in reads], np.int64), encode_bases("".join(s for *_, s in reads)).copy(),
        offsets_of(np.array([len(s) for *_, s in reads], np.int64)),
        np.array([OPS.index(c) for own in cigars for _, c in own], np.uint8),
        np.array([n for own in cigars for n, _ in own], np.int32),
        offsets_of(np.array([len(own) for own in cigars], np.int64)),
    )  # fmt: skip


def random_read(rng: random.Random) -> Read:
    """A read of the reference with gaps and clips, and an end or two of other bases."""
    at = rng.randrange(-3, 60)
    pos, cigar, seq = at + START, rng.choice(["", "", "2H", "4S", "2H4S"]), ""
    if "4S" in cigar:
        seq = "".join(rng.choices("ACGT", k=4))
    n_clipped = len(seq)
    for k in range(rng.randint(1, 3)):
        if k:
            gap = rng.choice(["2I", "1D", "3D", "5I"] + ["9N"] * (rng.random() < 0.1))
            cigar += gap
            seq += "ACGTA"[: int(gap[0])] if "I" in gap else ""
            at += 0 if "I" in gap else int(gap[0])
        n = rng.randint(3, 30)
        seq += "".join(REFERENCE[p] if 0 <= p < len(REFERENCE) else "A" for p in range(at, at + n))
        cigar, at = f"{cigar}{n}M", at + n
    bases = list(seq)
    spoilt = [rng.randint(0, 9) * (rng.random() < 0.5) for _ in "ab"]
    for i in range(n_clipped, len(bases)):
        if i < n_clipped + spoilt[0] or i >= len(bases) - spoilt[1] or rng.random() < 0.03:
            bases[i] = rng.choice("ACGTN")
    end = rng.choice(["", "", "1H", "3S", "3S1H"])
    return pos, cigar + end, "".join(bases + ["A"] * (3 * ("3S" in end)))


def worth(base: str, place: int) -> int:
    if not 0 <= place < len(REFERENCE):
        return 1
    return 0 if base == "N" else 1 if base == REFERENCE[place] else -4


def value(read: Read, low: int, high: int) -> int:
    """Score of bases [low, high) along the alignment; 5 for each end that was not clipped and is."""
    pos, cigar, seq = read
    own = [(n, c) for n, c in parts_of(cigar) if c != "H"]
    begin = own[0][0] if own[0][1] == "S" else 0
    finish = len(seq) - (own[-1][0] if own[-1][1] == "S" else 0)
    hard = parts_of(cigar)[0][1] == "H", parts_of(cigar)[-1][1] == "H"
    total = -(10**6 if hard[0] else 5) * (low > 0 == begin)
    total -= (10**6 if hard[1] else 5) * (high < len(seq) == finish)
    query, place = 0, pos - START
    for n, c in own:
        if c == "M":
            total += sum(worth(seq[query + k], place + k) for k in range(n) if low <= query + k < high)
        elif c in "ID" and low < query < high:
            total -= 6 + n
        query += n if c in "MIS" else 0
        place += n if c in "MD" else 0
    return total


def slow_part(read: Read) -> tuple[int, int] | None:
    """The best part to stay aligned, the longest of equals; None: the read stays as it is."""
    own = [(n, c) for n, c in parts_of(read[1]) if c != "H"]
    if any(c == "N" for _, c in own):
        return None
    aligned, query = [], 0
    for n, c in own:
        aligned += range(query, query + n) if c == "M" else []
        query += n if c in "MIS" else 0
    ends = [(value(read, a, b + 1), b + 1, -a) for a in aligned for b in aligned if a <= b]
    _, high, low = max(ends)
    if high + low < 20 or (-low, high) == (aligned[0], aligned[-1] + 1):
        return None
    return -low, high


def clipped(read: Read, low: int, high: int) -> tuple[int, int, str]:
    """(start, end, CIGAR) of a read of which bases [low, high) stay aligned."""
    pos, cigar, seq = read
    columns, query, place, hard = "", 0, pos, ["", ""]
    first = last = pos
    for n, c in parts_of(cigar):
        for k in range(n):
            if c == "M" and low <= query < high:
                first = place if not columns else first
                columns, last = columns + "M", place + 1
            elif c in "ID" and low < query - (k if c == "I" else 0) < high:
                columns += c
            query += c in "MIS"
            place += c in "MD"
        if c == "H":
            hard[query > 0] = f"{n}H"
    middle = "".join(f"{len(list(g))}{c}" for c, g in groupby(columns))
    soft = [f"{n}S" if n else "" for n in (low, len(seq) - high)]
    return first, last, hard[0] + soft[0] + middle + soft[1] + hard[1]


def test_reads_keep_the_part_that_fits_best():
    rng, n_clipped = random.Random(1), 0
    for _ in range(25):
        reads = [random_read(rng) for _ in range(6)]
        reads.append((START, "600M", "A" * 600))  # too long to be looked at
        table, parts = placed(reads), np.zeros((7, 2), np.int64)
        wanted = [*map(slow_part, reads[:6]), None]
        assert best_parts(table, encode_bases(REFERENCE).copy(), START, parts) == sum(
            w is not None for w in wanted
        )
        for want, part, first in zip(wanted, parts.tolist(), table.seq_offset.tolist(), strict=False):
            assert part == ([-1, -1] if want is None else [want[0] + first, want[1] + first])
        n_ops = len(table.cigar_op)
        end = np.array(
            [p + sum(n for n, c in parts_of(cigar) if c in "MDN") for p, cigar, _ in reads], np.int64
        )
        room = Operations(
            table.pos.copy(), end.copy(), np.zeros(n_ops + 14, np.uint8), np.zeros(n_ops + 14, np.int32), np.zeros(7, np.int64)
        )  # fmt: skip
        total = clip_reads(table, parts, room)
        assert total == room.n.sum()
        ops = [f"{n}{OPS[op]}" for op, n in zip(room.op[:total], room.length[:total], strict=True)]
        stops = np.cumsum(room.n).tolist()
        for i, (read, want) in enumerate(zip(reads, wanted, strict=True)):
            found = (int(room.pos[i]), int(room.end[i]), "".join(ops[stops[i] - room.n[i] : stops[i]]))
            assert found == (clipped(read, *want) if want else (read[0], int(end[i]), read[1]))
            n_clipped += want is not None
    assert n_clipped > 30
