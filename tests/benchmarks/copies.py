"""Copies of a stretch of reads, where a set is too short to time or to fill a machine."""

from pathlib import Path

import numpy as np
import pysam

MARGIN_BP = 2_000


def slice_of(reads: Path, reference: Path, region: str, work: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """Reference bases of `region` (CONTIG:FIRST-LAST), the records in it with positions from its start on, their offsets."""
    contig, _, span = region.rpartition(":")
    first, last = (int(x) for x in span.split("-"))
    with pysam.FastaFile(str(reference)) as fasta:
        bases = fasta.fetch(contig, first - 1, last)
    plain = work / "slice.bam"
    pysam.view("-b", "-T", str(reference), "-o", str(plain), str(reads), region, catch_stdout=False)
    with pysam.BGZFile(str(plain), "rb") as file:
        body, offsets = records_of(file.read())
    return bases, *shifted(body, offsets, first - 1, last - first + 1)


def head_of(contig_lengths: dict[str, int], groups: list[str]) -> bytes:
    """Inflated BAM header (SAM spec section 4.2) of these contigs and @RG lines."""
    sequences = [f"@SQ\tSN:{name}\tLN:{length}" for name, length in contig_lengths.items()]
    text = "\n".join(["@HD\tVN:1.6\tSO:coordinate", *sequences, *groups, ""]).encode()
    parts = [b"BAM\1", len(text).to_bytes(4, "little"), text, len(contig_lengths).to_bytes(4, "little")]
    for name, length in contig_lengths.items():
        raw = name.encode() + b"\0"
        parts += [len(raw).to_bytes(4, "little"), raw, length.to_bytes(4, "little")]
    return b"".join(parts)


def records_of(bam: bytes) -> tuple[bytes, np.ndarray]:
    """Records of an inflated BAM without its header, and the offset of each."""
    at = 8 + int.from_bytes(bam[4:8], "little")
    n_contigs = int.from_bytes(bam[at : at + 4], "little")
    at += 4
    for _ in range(n_contigs):
        at += 8 + int.from_bytes(bam[at : at + 4], "little")
    body = bam[at:]
    offsets = []
    here = 0
    while here < len(body):
        offsets.append(here)
        here += 4 + int.from_bytes(body[here : here + 4], "little")
    return body, np.array(offsets, dtype=np.int64)


def shifted(body: bytes, offsets: np.ndarray, start: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Records that lie in [start, start + length), with positions from `start` on, and their offsets."""
    data = np.frombuffer(body, np.uint8)
    sizes = np.diff(np.append(offsets, len(data)))
    pos = int32_at(data, offsets + 8)
    mate = int32_at(data, offsets + 28)
    inside = (pos >= start) & (pos < start + length - MARGIN_BP) & (mate >= start) & (mate < start + length)
    kept = np.flatnonzero(inside)
    out = np.concatenate([data[offsets[i] : offsets[i] + sizes[i]] for i in kept])
    new = np.concatenate([[0], np.cumsum(sizes[kept])[:-1]])
    put_int32(out, new + 8, pos[kept] - start)
    put_int32(out, new + 28, mate[kept] - start)
    return out, new


def int32_at(data: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Little-endian integers at the bytes `at`, int32."""
    return np.stack([data[at + i] for i in range(4)], axis=1).copy().view("<i4")[:, 0]


def put_int32(data: np.ndarray, at: np.ndarray, values: np.ndarray) -> None:
    """Write integers there, little-endian."""
    raw = np.broadcast_to(np.asarray(values, "<i4"), at.shape).copy().view(np.uint8).reshape(-1, 4)
    for i in range(4):
        data[at + i] = raw[:, i]
