"""Real aligners, in process: simulated reads to a sorted, indexed BAM."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pysam

from deepcohort.core.sequence import ASCII_OF_CODE
from deepcohort.simulate.types import RawReads

PROPER, REVERSE, MATE_REVERSE, READ1, READ2 = 0x2, 0x10, 0x20, 0x40, 0x80
UNMAPPED, MATE_UNMAPPED, DUPLICATE = 0x4, 0x8, 0x400


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silence what C libraries print to stderr."""
    sys.stderr.flush()
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


def build_bwa_index(fasta: Path) -> None:
    """Index `fasta` for bwa mem, beside it."""
    import pybwa

    with quiet_stderr():
        pybwa.BwaIndex.index(str(fasta))


def _texts(reads: RawReads) -> tuple[str, str]:
    return (
        ASCII_OF_CODE[reads.seq].tobytes().decode("ascii"),
        (reads.qual + 33).astype(np.uint8).tobytes().decode("ascii"),
    )


class BwaAligner:
    """bwa mem through pybwa. Its insert-size model is that of each batch, as in bwa itself."""

    program = ("bwa", "bwa mem, through pybwa")

    def __init__(self, fasta: Path) -> None:
        import pybwa

        with quiet_stderr():
            self._mem = pybwa.BwaMem(prefix=str(fasta))
        self._options = pybwa.BwaMemOptions(interleaved_paired_end=True)

    def align(self, reads: RawReads) -> list[pysam.AlignedSegment]:
        """Records of all reads, supplementary ones too, with flags complete."""
        seq, qual = _texts(reads)
        offset = reads.offset.tolist()
        queries = [
            pysam.FastxRecord(name=name, sequence=seq[a:b], quality=qual[a:b])
            for name, a, b in zip(reads.names, offset, offset[1:], strict=False)
        ]
        with quiet_stderr():
            groups = self._mem.align(queries, self._options)
        low, high = _proper_bounds(groups)
        records = []
        for i, group in enumerate(groups):
            extra = (READ2 if i % 2 else READ1) | 0x1 | (DUPLICATE if reads.duplicate[i] else 0)
            if _is_proper(group[0], groups[i ^ 1][0], low, high):
                extra |= PROPER
            for record in group:
                record.flag |= extra
                records.append(record)
        return records


def _fr_size(a: pysam.AlignedSegment, b: pysam.AlignedSegment) -> int:
    """Outer distance of a pair that faces inwards on one contig, else -1."""
    if (a.flag | b.flag) & UNMAPPED or a.reference_id != b.reference_id or a.is_reverse == b.is_reverse:
        return -1
    left, right = (b, a) if a.is_reverse else (a, b)
    return right.reference_end - left.reference_start  # type: ignore[operator]


def _proper_bounds(groups: list[list[pysam.AlignedSegment]]) -> tuple[int, int]:
    """Bounds of a proper pair's size, by bwa mem's rule (mem_pestat): quartiles, then 4 SD."""
    sizes = np.array(
        [
            _fr_size(groups[i][0], groups[i + 1][0])
            for i in range(0, len(groups) - 1, 2)
            if groups[i][0].mapping_quality > 19 and groups[i + 1][0].mapping_quality > 19
        ]
    )
    sizes = sizes[(sizes > 0) & (sizes < 10_000)]
    if len(sizes) < 10:
        return 1, 1_000
    q25, q75 = np.percentile(sizes, [25, 75])
    core = sizes[(sizes >= q25 - 2 * (q75 - q25)) & (sizes <= q75 + 2 * (q75 - q25))]
    low = min(q25 - 3 * (q75 - q25), core.mean() - 4 * core.std())
    high = max(q75 + 3 * (q75 - q25), core.mean() + 4 * core.std())
    return max(1, int(low)), int(high)


def _is_proper(a: pysam.AlignedSegment, b: pysam.AlignedSegment, low: int, high: int) -> bool:
    return low <= _fr_size(a, b) <= high


def write_bam(
    path: Path, header: dict, batches: Iterable[list[pysam.AlignedSegment]], read_group: str
) -> int:
    """Write records sorted by position with read group tags, and the index; returns how many.

    Ties are broken by flag and name, so that batching leaves no trace in the file.
    """
    records = [record for batch in batches for record in batch]
    last = 1 << 31
    records.sort(
        key=lambda r: (r.reference_id if r.reference_id >= 0 else last, r.reference_start, r.query_name, r.flag)
    )
    with pysam.AlignmentFile(str(path), "wb", header=header, format_options=[b"level=3"]) as out:
        for record in records:
            record.set_tag("RG", read_group, "Z")
            out.write(record)
    pysam.index(str(path))  # type: ignore[attr-defined]
    return len(records)


def bam_header(
    lengths: dict[str, int], md5: dict[str, str], sample: str, platform: str, program: tuple[str, str]
) -> dict:
    """SAM header of one sample, the same on every machine."""
    from deepcohort import __version__

    names = {"illumina": "ILLUMINA", "hifi": "PACBIO", "ont": "ONT"}
    return {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": n, "LN": length, "M5": md5[n]} for n, length in lengths.items()],
        "RG": [{"ID": f"{sample}.1", "SM": sample, "LB": f"{sample}.lib1", "PL": names[platform]}],
        "PG": [
            {"ID": "deepcohort", "PN": "deepcohort", "VN": __version__, "DS": "simulated reads"},
            {"ID": program[0], "PN": program[0], "DS": program[1], "PP": "deepcohort"},
        ],
    }
