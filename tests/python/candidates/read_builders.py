"""ReadBatch from a few words per read."""

import re
from collections.abc import Sequence

import numpy as np
from deepcohort.core.sequence import encode_bases
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.merge import to_batch
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import ReadBatch

Read = tuple  # (pos, cigar, seq[, qual[, mapq[, name[, flag]]]])


def make_batch(reads: Sequence[Read], mapq0: Sequence[tuple[int, int]] = ()) -> ReadBatch:
    """Reads in order of position; quality 40, MAPQ 60, names of their own and flag 0 unless given."""
    full = [(*r, *(None,) * (7 - len(r))) for r in reads]
    full = sorted(enumerate(full), key=lambda item: item[1][0])
    ops = [[(int(n), "MIDNSHP=X".index(c)) for n, c in re.findall(r"(\d+)(.)", r[1])] for _, r in full]
    seqs = [encode_bases(r[2]) for _, r in full]
    quals = [
        np.full(len(s), 40 if r[3] is None else r[3]) if not isinstance(r[3], list) else np.array(r[3])
        for s, (_, r) in zip(seqs, full, strict=True)
    ]
    quals = [np.where(s < 4, q, 0) for s, q in zip(seqs, quals, strict=True)]  # as the reader does
    spans = [sum(n for n, op in o if op in (0, 2, 3, 7, 8)) for o in ops]
    names = [r[5] if r[5] is not None else f"read{i}" for i, r in full]
    pos = np.array([r[0] for _, r in full], np.int64)
    columns = ReadColumns(
        pos=pos,
        end=pos + np.array(spans, np.int64),
        mapq=np.array([60 if r[4] is None else r[4] for _, r in full], np.uint8),
        flag=np.array([r[6] or 0 for _, r in full], np.uint16),
        insert_size=np.zeros(len(full), np.int32),
        name_hash=np.array([_hash(n) for n in names], np.uint64),
        seq=np.concatenate([*seqs, np.empty(0)]).astype(np.uint8),
        qual=np.concatenate([*quals, np.empty(0)]).astype(np.uint8),
        seq_length=np.array([len(s) for s in seqs], np.int64),
        cigar_op=np.array([op for o in ops for _, op in o], np.uint8),
        cigar_len=np.array([n for o in ops for n, _ in o], np.int32),
        n_ops=np.array([len(o) for o in ops], np.int64),
        mapq0_pos=np.array([a for a, _ in mapq0], np.int64),
        mapq0_end=np.array([b for _, b in mapq0], np.int64),
    )
    return to_batch(columns, ReadsConfig())


def _hash(name: str) -> int:
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def cigars(batch: ReadBatch) -> list[str]:
    """CIGAR text of every read."""
    return [
        "".join(
            f"{n}{'MIDNSHP=X'[op]}"
            for op, n in zip(
                batch.cigar_op[batch.cigar_offset[i] : batch.cigar_offset[i + 1]],
                batch.cigar_len[batch.cigar_offset[i] : batch.cigar_offset[i + 1]],
                strict=True,
            )
        )
        for i in range(len(batch))
    ]


def random_text(seed: int, n: int) -> str:
    """Random bases."""
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), n))
