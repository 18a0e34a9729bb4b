"""Kernels of BAM records, copies and mates: against pysam and plain Python."""

import gzip
import random
from itertools import chain, groupby, pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.sequence import encode_bases
from deepcohort.reads import kernels as rk
from deepcohort.reads.copy_kernels import vote_of_copies
from deepcohort.reads.mate_kernels import pair_mates, settle_overlaps
from deepcohort.reads.scan import _CODES_OF_BAM_BYTE, offsets_of

M64 = 2**64 - 1
OPS = "MIDNSHP=X"
QUERY, REFERENCE = "MIS=X", "MDN=X"


def mixed(value: int) -> int:
    """splitmix64's finaliser without its first round."""
    value = value * 0xBF58476D1CE4E5B9 & M64
    value = (value ^ value >> 27) * 0x94D049BB133111EB & M64
    return value ^ value >> 31


def name_hash(name: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in name:
        value = (value ^ byte) * 0x100000001B3 & M64
    return mixed(value ^ value >> 30)


def random_cigar(rng: random.Random) -> list[tuple[str, int]]:
    inner = [(rng.choice("MMMIDN=XP"), rng.randint(0, 4)) for _ in range(rng.randint(0, 5))]
    clips = [[("S", rng.randint(1, 3))] if rng.random() < 0.3 else [] for _ in range(2)]
    hard = [("H", 5)] if rng.random() < 0.2 else []
    return [*hard, *clips[0], *inner, ("M", rng.randint(0, 3)), *clips[1]]


def random_reads(rng: random.Random, n: int) -> list[pysam.AlignedSegment]:
    reads = []
    for _ in range(n):
        cigar = random_cigar(rng)
        read = pysam.AlignedSegment()
        read.query_name = rng.choice(["*", "a", "b", "read:17"])
        read.flag = rng.choice([0, 16, 99, 147, 1024, 256])
        read.reference_id, read.reference_start = rng.choice([0, 1, 1, 1, 1, 2]), rng.randint(50, 60)
        read.mapping_quality = rng.choice([0, 3, 20, 60])
        read.cigartuples = [(OPS.index(op), length) for op, length in cigar]
        n_bases = sum(length for op, length in cigar if op in QUERY)
        read.query_sequence = "".join(rng.choice("ACGTN") for _ in range(n_bases))
        read.template_length = rng.randint(-500, 500)
        if rng.random() < 0.8:
            read.query_qualities = pysam.qualitystring_to_array(
                "".join(rng.choice("!5I") for _ in range(n_bases))
            )
        read.set_tags([("XA", 5), ("XB", "text"), ("RG", rng.choice(["g1", "g2", "g10"])), ("XC", 1.5)])
        reads.append(read)
    reads += reads[::4]  # some are equal in all
    return sorted(reads, key=lambda r: (r.reference_id, r.reference_start))


def inflated(reads: list[pysam.AlignedSegment], path: Path) -> np.ndarray:
    """The records as they lie in a BAM, without its header."""
    header = pysam.AlignmentHeader.from_references(["x", "y", "z"], [9_000] * 3)
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for read in reads:
            out.write(read)
    raw = gzip.decompress(path.read_bytes())
    names = sum(8 + 2 for _ in range(3))
    return np.frombuffer(raw, np.uint8)[12 + int.from_bytes(raw[4:8], "little") + names :].copy()


def room(n: int) -> rk.RecordRows:
    dtypes = [np.uint8, np.int64, np.int64, np.uint64, np.uint16, np.int64, np.int64, np.int32]
    return rk.RecordRows(*(np.zeros(n, dtype) for dtype in dtypes))


def span(read: pysam.AlignedSegment) -> int:
    return sum(length for op, length in read.cigartuples or [] if OPS[op] in REFERENCE)


def usable(reads, tid: int, first_pos: int, stop_pos: int, min_mapq: int, excluded: int):
    return [
        r
        for r in reads
        if r.reference_id == tid
        and r.reference_start < stop_pos
        and not r.flag & excluded
        and r.query_length
        and (r.mapping_quality == 0 or r.mapping_quality >= min_mapq)
        and span(r) > 0
        and (r.reference_start >= first_pos or r.reference_start + span(r) > first_pos)
    ]


SCAN = (1, 53, 60, -1, 10, 1024)  # tid, first, stop, last POS; MAPQ; flags left out


@pytest.fixture
def scanned(tmp_path: Path):
    """(reads that count, inflated records, rows, number of rows), of random records."""
    reads = random_reads(random.Random(5), 250)
    buffer = inflated(reads, tmp_path / "reads.bam")
    rows = room(len(buffer) // 36 + 1)
    n, _, why, last = rk.scan_records(buffer, 0, *SCAN, False, rows)
    assert (why, last) == (rk.PAST_REGION, 60)
    wanted = usable(reads, 1, 53, 60, 10, 1024)
    assert n == len(wanted) > 50
    return wanted, buffer, rows, n


def test_records_are_scanned_as_pysam_reads_them(scanned):
    reads, _, rows, n = scanned
    assert rows.pos[:n].tolist() == [r.reference_start for r in reads]
    assert rows.end[:n].tolist() == [r.reference_start + span(r) for r in reads]
    assert rows.flag[:n].tolist() == [r.flag for r in reads]
    assert rows.n_ops[:n].tolist() == [len(r.cigartuples) for r in reads]
    kinds = [rk.USABLE if r.mapping_quality >= 10 else rk.MAPQ_ZERO for r in reads]
    assert rows.kind[:n].tolist() == kinds
    assert rows.name_hash[:n].tolist() == [name_hash((r.query_name or "*").encode()) for r in reads]


def test_columns_are_filled_as_pysam_reads_them(scanned):
    reads, buffer, rows, n = scanned
    order = np.array(random.Random(1).sample(range(n), n // 2), np.int64)
    lengths = rk.sequence_lengths(buffer, order, rows.at)
    assert lengths.tolist() == [reads[i].query_length for i in order]
    n_ops, k = rows.n_ops[order].astype(np.int64), len(order)
    columns = rk.FilledColumns(
        np.zeros(k, np.uint8), np.zeros(k, np.int32), np.zeros(lengths.sum(), np.uint8),
        np.zeros(lengths.sum(), np.uint8), offsets_of(lengths), np.zeros(n_ops.sum(), np.uint8),
        np.zeros(n_ops.sum(), np.int32), offsets_of(n_ops),
    )  # fmt: skip
    rk.fill_records(buffer, order, rows, _CODES_OF_BAM_BYTE, 17, columns)
    chosen = [reads[i] for i in order]
    assert columns.mapq.tolist() == [r.mapping_quality for r in chosen]
    assert columns.insert_size.tolist() == [r.template_length for r in chosen]
    assert columns.seq.tolist() == encode_bases("".join(r.query_sequence for r in chosen)).tolist()
    quals = [q for r in chosen for q in (r.query_qualities or [17] * r.query_length)]
    assert columns.qual.tolist() == [0 if c == 4 else q for c, q in zip(columns.seq, quals, strict=True)]
    assert list(zip(columns.cigar_op.tolist(), columns.cigar_len.tolist(), strict=True)) == [
        t for r in chosen for t in r.cigartuples
    ]


def test_groups_of_records(scanned):
    reads, buffer, rows, n = scanned
    groups = [r.get_tag("RG") for r in reads]
    found = np.zeros(n, np.int32)
    for names in (["g10", "g1"], ["g10", "g1", "g2"], []):
        ids = np.frombuffer("".join(names).encode(), np.uint8)
        offsets = np.cumsum([0, *map(len, names)]).astype(np.int64)
        rk.find_groups(buffer, rows.at, ids, offsets, found)
        assert found.tolist() == [names.index(g) if g in names else -1 for g in groups]


def test_rows_near_stretches(scanned):
    reads, buffer, rows, n = scanned
    starts, ends = np.array([48, 55, 61], np.int64), np.array([52, 56, 62], np.int64)
    keep = np.ones(n, np.bool_)
    keep[::7] = False
    rk.keep_near(buffer, rows, n, starts, ends, keep)
    for i, read in enumerate(reads):
        clipped = 0
        for op, length in read.cigartuples:
            if OPS[op] not in "SH":
                break
            clipped += length if OPS[op] == "S" else 0
        begin, end = read.reference_start - clipped, read.reference_start + span(read)
        near = any(begin < b and end > a for a, b in zip(starts, ends, strict=True))
        assert keep[i] == (near and i % 7 != 0)
    assert 0 < keep.sum() < n


def test_unnamed_reads_are_told_apart_by_what_they_are(scanned):
    reads, buffer, rows, n = scanned
    before = rows.name_hash[:n].copy()
    rk.tell_unnamed_apart(buffer, rows, n)
    want, seen = {}, {}
    for i, read in enumerate(reads):
        if read.query_name not in (None, "*"):
            want[i] = int(before[i])
            continue
        begin = int(rows.at[i]) + 36 + 2  # behind the name "*" and its zero
        length = 4 * len(read.cigartuples) + (read.query_length + 1) // 2 + read.query_length
        own = mixed(name_hash(buffer[begin : begin + length].tobytes()) ^ read.reference_start)
        own = mixed(own ^ (256 * read.flag + read.mapping_quality))
        seen[own] = seen.get(own, -1) + 1
        want[i] = mixed(own ^ seen[own])
    assert rows.name_hash[:n].tolist() == [want[i] for i in range(n)]
    assert max(seen.values()) > 0  # some are equal in all


def test_scanning_says_why_it_stopped(tmp_path: Path):
    reads = random_reads(random.Random(6), 40)
    reads = [r for r in reads if r.reference_id == 1]
    buffer = inflated(reads, tmp_path / "a.bam")
    rows = room(len(buffer) // 36 + 1)
    _, at, why, _ = rk.scan_records(buffer[:-1], 0, 1, 0, 999, -1, 10, 1024, False, rows)
    last = 4 + int.from_bytes(buffer[at : at + 4].tobytes(), "little")
    assert (why, at + last) == (rk.NEEDS_MORE, len(buffer))
    assert rk.scan_records(buffer, 0, 1, 0, 999, 55, 10, 1024, False, rows)[1:3] == (0, rk.UNSORTED)
    for at, value in ((0, 31), (3, 0x70), (12, 0), (22, 0x80)):  # block_size, l_read_name, l_seq
        spoilt = buffer.copy()
        spoilt[at] = value
        spoilt[1:3] = 0 if at == 0 else spoilt[1:3]
        assert rk.scan_records(spoilt, 0, 1, 0, 999, -1, 10, 1024, False, rows)[:3] == (0, 0, rk.MALFORMED)


def test_cigars_of_more_than_65535_operations_come_from_their_tag(tmp_path: Path):
    read = random_reads(random.Random(7), 1)[0]
    read.flag, read.reference_id, read.reference_start, read.mapping_quality = 0, 1, 100, 60
    read.cigarstring = "1M1I" * 33_000
    read.query_sequence = "A" * 66_000
    buffer = inflated([read], tmp_path / "long.bam")
    rows = room(3)
    assert rk.scan_records(buffer, 0, 1, 0, 9_999_999, -1, 10, 1024, False, rows)[0] == 1
    assert (rows.n_ops[0], rows.pos[0], rows.end[0]) == (66_000, 100, 33_100)


def test_names_are_hashed():
    names = [b"", b"*", b"read/1", b"M00:1:000"]
    offset = np.cumsum([0, *map(len, names)]).astype(np.int64)
    hashes = rk.hash_names(np.frombuffer(b"".join(names), np.uint8), offset)
    assert hashes.tolist() == [name_hash(n) for n in names]
    assert int(rk.UNNAMED_HASH) == name_hash(b"*")


def test_operations_are_written_the_one_way():
    rng = random.Random(8)
    cigars = [
        [(rng.choice("MM=XID"), rng.choice([0, 0, 1, 2])) for _ in range(rng.randint(0, 7))]
        for _ in range(200)
    ]
    op = np.array([OPS.index(o) for c in cigars for o, _ in c], np.uint8)
    length = np.array([n for c in cigars for _, n in c], np.int32)
    n_ops = np.array([len(c) for c in cigars], np.int64)
    want = []
    for cigar in cigars:
        left: list[tuple[str, int]] = []
        for o, n in cigar:
            kind = "M" if o in "=X" else o
            if n and left and left[-1][0] == kind:
                left[-1] = (kind, left[-1][1] + n)
            elif n:
                left.append((kind, n))
        want.append(left)
    total = rk.plain_operations(op, length, n_ops)
    assert total == sum(map(len, want))
    assert n_ops.tolist() == [len(c) for c in want]
    assert [(OPS[o], n) for o, n in zip(op[:total], length[:total].tolist(), strict=True)] == list(
        chain(*want)
    )


@pytest.mark.parametrize("same_place", [3, 200])
def test_rows_are_ordered_by_place_hash_and_flag(same_place):
    rng = np.random.default_rng(9)
    pos = np.sort(rng.integers(0, 400 // same_place + 1, 400))
    hashes, flags = rng.integers(0, 30, 400).astype(np.uint64), rng.integers(0, 3, 400).astype(np.uint16)
    order = rk.order_rows(pos, hashes, flags, 390)
    assert order.tolist() == sorted(range(390), key=lambda i: (pos[i], hashes[i], flags[i], i))


def test_reads_of_deep_bins_are_thinned_by_their_hash():
    rng = np.random.default_rng(10)
    pos = np.sort(np.r_[rng.integers(0, 64, 60), rng.integers(64, 256, 30)])
    end = pos + rng.integers(1, 40, len(pos))
    hashes = rng.integers(0, 2**63, len(pos)).astype(np.uint64) * np.uint64(2)
    keep = rng.random(len(pos)) < 0.9
    before = keep.copy()
    rk.keep_by_depth(pos, end, hashes, 8.0, 30, 6, keep)
    for number, group in groupby(range(len(pos)), key=lambda i: pos[i] // 64):
        rows = list(group)
        short = [i for i in rows if end[i] - pos[i] <= 30]
        depth = sum(int(end[i] - pos[i]) for i in short if before[i]) / 64
        for i in rows:
            goes = depth > 8 and i in short and int(hashes[i]) / 2**64 >= 8.0 / depth
            assert keep[i] == (before[i] and not goes), number
    assert keep.sum() < before.sum()


def test_rows_of_flat_arrays_are_gathered():
    pieces = [np.array(p, np.uint8) for p in ([1, 2], [], [3], [4, 5, 6])]
    offset, order = offsets_of(np.array([2, 0, 1, 3], np.int64)), np.array([3, 0, 1, 3], np.int64)
    new = offsets_of(np.array([3, 2, 0, 3], np.int64))
    out = rk.gather_rows(np.concatenate(pieces), offset, order, new, np.zeros(8, np.uint8))
    assert out.tolist() == [4, 5, 6, 1, 2, 4, 5, 6]


def test_mates_are_the_first_two_ends_of_a_name():
    rng = random.Random(11)
    hashes = np.array([rng.choice([0, 5, 16, 21, 37, 2**63]) for _ in range(40)], np.uint64)
    flags = np.array([rng.choice([0x41, 0x81, 0x41, 0x0, 0x1]) for _ in range(40)], np.uint16)
    for n in range(1, 40):
        mate = np.empty(n, np.int32)
        pair_mates(hashes[:n], flags[:n], mate)
        first: dict[int, int] = {}
        want = [-1] * n
        for i in range(n):
            if not flags[i] & 1:
                continue
            other = first.setdefault(int(hashes[i]), i)
            if other != i and want[other] < 0 and (flags[i] ^ flags[other]) & 0xC0:
                want[i], want[other] = other, i
        assert mate.tolist() == want


def aligned(pos: int, cigar: list[tuple[str, int]]) -> dict[int, int]:
    """Base of the read at each reference position that one is aligned to."""
    found, query = {}, 0
    for op, length in cigar:
        for _ in range(length):
            if op in "M=X":
                found[pos] = query
            query += op in QUERY
            pos += op in REFERENCE
    return found


def flat_reads(rng: random.Random, cigars: list[list[tuple[str, int]]]):
    """seq, qual, seq_offset, cigar_op, cigar_len, cigar_offset of reads of random bases."""
    lengths = [sum(n for o, n in c if o in QUERY) for c in cigars]
    total = sum(lengths)
    return (
        np.array([rng.randint(0, 4) for _ in range(total)], np.uint8),
        np.array([rng.choice([0, 10, 20, 25, 30]) for _ in range(total)], np.uint8),
        offsets_of(np.array(lengths, np.int64)),
        np.array([OPS.index(o) for c in cigars for o, _ in c], np.uint8),
        np.array([n for c in cigars for _, n in c], np.int32),
        offsets_of(np.array([len(c) for c in cigars], np.int64)),
    )


def test_overlapping_mates_vote_once_per_base():
    rng = random.Random(12)
    for _ in range(60):
        cigars = [random_cigar(rng), random_cigar(rng)]
        pos = sorted([rng.randint(0, 4), rng.randint(0, 4)])
        end = [p + sum(n for o, n in c if o in REFERENCE) for p, c in zip(pos, cigars, strict=True)]
        seq, qual, seq_offset, op, length, op_offset = flat_reads(rng, cigars)
        want = qual.tolist()
        one, two = (aligned(p, c) for p, c in zip(pos, cigars, strict=True))
        for place in set(one) & set(two):
            a, b = one[place], int(seq_offset[1]) + two[place]
            better = qual[a] >= qual[b] if seq[a] == seq[b] else qual[a] > qual[b] + 5
            worse = qual[a] < qual[b] if seq[a] == seq[b] else qual[b] > qual[a] + 5.0
            want[a], want[b] = (want[a] if better else 0), (want[b] if worse else 0)
        mate = np.array([1, 0], np.int32)
        settle_overlaps(np.array(pos), np.array(end), mate, seq, qual, seq_offset, op, length, op_offset, 5)
        assert qual.tolist() == want


def test_copies_vote_on_the_bases_of_the_one_that_stands_for_them():
    rng = random.Random(13)
    for _ in range(40):
        shapes = [[("M", 4)], [("M", 2), ("I", 1), ("M", 1)], [("M", 4)], [("M", 5)]]
        cigars = [rng.choice(shapes) for _ in range(8)]
        seq, qual, seq_offset, op, length, op_offset = flat_reads(rng, cigars)
        order = rng.sample(range(8), 8)
        copied = np.array([rng.random() < 0.7 for _ in range(8)])
        bases = [seq[a:b].tolist() for a, b in pairwise(seq_offset)]
        phred = [qual[a:b].tolist() for a, b in pairwise(seq_offset)]
        groups: list[list[int]] = []
        for row in order:
            if groups and copied[row]:
                groups[-1].append(row)
            else:
                groups.append([row])
        want_bases, want_phred = [list(b) for b in bases], [list(q) for q in phred]
        want_chosen = np.full(8, -1)
        for group in groups:
            # the shape that most have, of as many the one of fewest operations, the first of these
            head = max(group, key=lambda o: (sum(cigars[o] == cigars[v] for v in group), -len(cigars[o])))
            want_chosen[group[0]] = head
            voters = [o for o in group if cigars[o] == cigars[head]]
            for k in range(len(bases[head])) if len(voters) > 1 else ():
                weights = [sum(phred[v][k] for v in voters if bases[v][k] == c) for c in range(4)]
                top, total = max(weights), sum(weights)
                if total:
                    want_bases[head][k] = weights.index(top)
                sure = total and top / total >= 0.7
                want_phred[head][k] = min(45, max(0, top - 2 * (total - top))) if sure else 0
        chosen = np.full(8, -1)
        vote_of_copies(np.array(order), copied, seq, qual, seq_offset, op, length, op_offset, chosen)
        assert chosen.tolist() == want_chosen.tolist()
        assert (seq.tolist(), qual.tolist()) == (list(chain(*want_bases)), list(chain(*want_phred)))
