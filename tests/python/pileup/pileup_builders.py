"""Evidence written by hand: aligned reads as (pos, CIGAR, sequence), candidates as (pos, ref, alt)."""

import re
from dataclasses import dataclass, replace

import numpy as np
from deepcohort.candidates.types import AlleleCounts, CandidateTable, ReadSupport
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.reads.types import ReadBatch

OPS = "MIDNSHP=X"


@dataclass(frozen=True)
class Evidence:
    counts: AlleleCounts
    table: CandidateTable
    support: ReadSupport
    reads: ReadBatch


def flat(items, dtype):
    offset = np.concatenate([[0], np.cumsum([len(i) for i in items])]).astype(np.int64)
    joined = np.concatenate([np.asarray(i, dtype) for i in items]) if items else np.empty(0, dtype)
    return joined.astype(dtype), offset


def reads_of(rows):
    """ReadBatch of dicts: pos, cigar, seq, and optionally qual, mapq, flag, name, tlen."""
    rows = sorted(rows, key=lambda r: (r["pos"], r.get("name", 0), r.get("flag", 0)))
    ops, lens, spans = [], [], []
    for r in rows:
        parts = [(OPS.index(o), int(n)) for n, o in re.findall(r"(\d+)([MIDNSHP=X])", r["cigar"])]
        ops.append([o for o, _ in parts])
        lens.append([n for _, n in parts])
        spans.append(sum(n for o, n in parts if o in (0, 2, 3, 7, 8)))
    seq, seq_offset = flat([encode_bases(r["seq"]) for r in rows], np.uint8)
    qual, _ = flat([r.get("qual", [30] * len(r["seq"])) for r in rows], np.uint8)
    cigar_op, cigar_offset = flat(ops, np.uint8)
    cigar_len, _ = flat(lens, np.int32)
    pos = np.array([r["pos"] for r in rows], np.int64)
    return ReadBatch(
        pos=pos,
        end=pos + np.array(spans, np.int64),
        mapq=np.array([r.get("mapq", 60) for r in rows], np.uint8),
        flag=np.array([r.get("flag", 0) for r in rows], np.uint16),
        insert_size=np.array([r.get("tlen", 0) for r in rows], np.int32),
        odd=np.array([r.get("odd", 0) for r in rows], np.uint8),
        name_hash=np.array([r.get("name", 0) for r in rows], np.uint64),
        mate=np.full(len(rows), -1, np.int32),
        seq=seq,
        qual=qual,
        seq_offset=seq_offset,
        cigar_op=cigar_op,
        cigar_len=cigar_len,
        cigar_offset=cigar_offset,
    )


def evidence_of(reference, reads, candidates, entries, start=0, contig="c"):
    """Evidence of `candidates` [(pos, ref_len, alt text)]; entries per candidate:
    [(read row, allele, log10_ratio, read_index)]."""
    window = Region(contig, start, start + len(reference))
    n_total = np.zeros(len(reference), np.int32)
    for a, b in zip(reads.pos, reads.end, strict=True):
        n_total[max(0, a - start) : max(0, b - start)] += 1
    alt_seq, alt_offset = flat([encode_bases(c[2]) for c in candidates], np.uint8)
    rows = [e for group in entries for e in group]
    ad = np.array([[sum(e[1] == 0 for e in g), sum(e[1] == 1 for e in g)] for g in entries], np.int32)
    return (
        Evidence(
            AlleleCounts(window, n_total.copy(), n_total, np.zeros_like(n_total), encode_bases(reference)),
            CandidateTable(
                contig,
                np.array([c[0] for c in candidates], np.int64),
                np.array([c[1] for c in candidates], np.int32),
                alt_seq,
                alt_offset,
                np.array([len(g) for g in entries], np.int32),
                ad.reshape(-1, 2),
                np.zeros(len(candidates), bool),
            ),
            ReadSupport(
                np.concatenate([[0], np.cumsum([len(g) for g in entries])]).astype(np.int64),
                np.array([e[0] for e in rows], np.int32),
                np.array([e[1] for e in rows], np.int8),
                np.array([e[2] for e in rows], np.float32),
                np.array([e[3] for e in rows], np.int32),
            ),
            reads,
        ),
        encode_bases(reference),
        window,
    )


def random_evidence(seed, length=600, n_reads=60, n_candidates=12, read_length=60, start=1000):
    """Random reads with indels, clips and errors, and random candidates over them."""
    rng = np.random.default_rng(seed)
    reference = "".join(rng.choice(list("ACGT"), length))
    rows = []
    for _name in range(n_reads):
        pos = int(rng.integers(0, length - read_length - 10))
        cigar, seq, ref = [], "", pos
        if rng.random() < 0.3:
            n = int(rng.integers(1, 15))
            cigar.append(f"{n}S")
            seq += "".join(rng.choice(list("ACGT"), n))
        while len(seq) < read_length:
            n = int(rng.integers(5, 40))
            n = min(n, length - ref)
            if n <= 0:
                break
            cigar.append(f"{n}{rng.choice(['M', '=', 'M'])}")
            bases = list(reference[ref : ref + n])
            for i in np.nonzero(rng.random(n) < 0.05)[0]:
                bases[i] = rng.choice(list("ACGTN"))
            seq += "".join(bases)
            ref += n
            if len(seq) >= read_length:
                break
            if rng.random() < 0.5:
                n = int(rng.integers(1, 6))
                cigar.append(f"{n}I")
                seq += "".join(rng.choice(list("ACGT"), n))
            elif ref < length - 20:
                n = int(rng.integers(1, 8))
                cigar.append(f"{n}D")
                ref += n
        if cigar[-1][-1] in "ID":
            cigar.append("1M")
            seq += reference[min(ref, length - 1)]
        if rng.random() < 0.3:
            n = int(rng.integers(1, 15))
            cigar.append(f"{n}S")
            seq += "".join(rng.choice(list("ACGT"), n))
        rows.append(
            {
                "pos": start + pos,
                "cigar": "".join(cigar),
                "seq": seq,
                "qual": rng.integers(2, 45, len(seq)),
                "mapq": int(rng.choice([0, 5, 20, 29, 30, 60])),
                "flag": int(rng.choice([0, 16, 99, 147, 65])),
                "name": int(rng.integers(0, 2**63)),
                "tlen": int(rng.integers(-2000, 2000)),
            }
        )
    reads = reads_of(rows)
    candidates, entries = [], []
    for pos in np.sort(rng.integers(0, length - 10, n_candidates)):
        ref_len = int(rng.choice([1, 1, 1, 4]))
        alt = "".join(rng.choice(list("ACGT"), int(rng.choice([1, 1, 3]))))
        p = start + int(pos)
        candidates.append((p, ref_len, alt))
        group = []
        for r in np.nonzero((reads.pos <= p) & (reads.end > p))[0]:
            size = int(reads.seq_offset[r + 1] - reads.seq_offset[r])
            index = int(rng.integers(-1, size))
            group.append((int(r), int(rng.choice([-1, 0, 0, 1, 1, 2])), float(rng.normal() * 3), index))
        entries.append(group)
    return evidence_of(reference, reads, candidates, entries, start)


def with_table(evidence, **changes):
    return replace(evidence, table=replace(evidence.table, **changes))
