"""Real aligners, in process: simulated reads to a sorted, indexed BAM."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pysam

from deepcohort.core.sequence import ASCII_OF_CODE
from deepcohort.simulate.config import ReadConfig
from deepcohort.simulate.types import RawReads

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
READ1, READ2, DUPLICATE = 0x40, 0x80, 0x400
Group = list[pysam.AlignedSegment]  # records of one read, the primary first
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


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


def aligner_of(config: ReadConfig) -> str:
    """bwa or mappy."""
    if config.aligner != "auto":
        return config.aligner
    return "bwa" if config.platform == "illumina" else "mappy"


def build_index(config: ReadConfig, fasta: Path) -> None:
    """Index `fasta`, beside it, for the aligner that `config` asks for; mappy needs none."""
    if aligner_of(config) == "bwa":
        import pybwa

        with quiet_stderr():
            pybwa.BwaIndex.index(str(fasta))


def read_texts(reads: RawReads) -> tuple[str, str]:
    """All bases and all qualities (phred+33) as two long strings."""
    return (
        ASCII_OF_CODE[reads.seq].tobytes().decode("ascii"),
        (reads.qual + 33).astype(np.uint8).tobytes().decode("ascii"),
    )


class BwaAligner:
    """bwa mem through pybwa. Its insert-size model is that of each batch, as in bwa itself."""

    program = ("bwa", "bwa mem, through pybwa")

    def __init__(self, fasta: Path, n_contigs: int) -> None:
        """Open the index beside `fasta`; contigs from `n_contigs` on are decoys."""
        import pybwa

        with quiet_stderr():
            self._mem = pybwa.BwaMem(prefix=str(fasta))
        # soft clips: pybwa 3.0 gives hard-clipped reverse supplementary records the wrong bases
        self._options = pybwa.BwaMemOptions(interleaved_paired_end=True, soft_clip_supplementary=True)
        self._n_contigs = n_contigs

    def align(self, reads: RawReads) -> Group:
        """Records of all pairs, supplementary ones too, with flags complete; none on decoys."""
        seq, qual = read_texts(reads)
        offset = reads.offset.tolist()
        queries = [
            pysam.FastxRecord(name=name, sequence=seq[a:b], quality=qual[a:b])
            for name, a, b in zip(reads.names, offset, offset[1:], strict=False)
        ]
        with quiet_stderr():
            groups = self._mem.align(queries, self._options)
        low, high = _proper_bounds(groups)
        records: Group = []
        for i in range(0, len(groups) - 1, 2):
            pair = groups[i], groups[i + 1]
            # pybwa leaves these flags out
            extra = PAIRED | (PROPER if _is_proper(pair[0][0], pair[1][0], low, high) else 0)
            extra |= DUPLICATE if reads.duplicate[i] else 0
            for flag, group in zip((READ1, READ2), pair, strict=True):
                for record in group:
                    record.flag |= extra | flag
            if pair[0][0].is_unmapped or pair[1][0].is_unmapped:
                _agree_on_strand(*pair)
            records += _without_decoys(pair[0], pair[1], self._n_contigs)
        return records


def _agree_on_strand(first: Group, second: Group) -> None:
    """Set the mate strand flags of a pair of which one is unmapped; pybwa leaves them at forward."""
    for group, mate in ((first, second[0]), (second, first[0])):
        for record in group:
            record.flag = (record.flag & ~MATE_REVERSE) | (MATE_REVERSE if mate.is_reverse else 0)


def open_aligner(config: ReadConfig, fasta: Path, n_contigs: int) -> BwaAligner:
    """The aligner that `config` asks for, on `fasta`, whose contigs from `n_contigs` on are decoys."""
    return BwaAligner(fasta, n_contigs)


def _without_decoys(first: Group, second: Group, n_contigs: int) -> Group:
    """What remains of a pair when decoy contigs are not to be seen."""
    if all(0 <= r.reference_id < n_contigs and r.next_reference_id < n_contigs for r in (*first, *second)):
        if any(r.has_tag("XA") for r in (*first, *second)):
            for record in (*first, *second):
                record.set_tag("XA", None)
        return first + second
    a, b = first[0], second[0]
    away = [r.reference_id >= n_contigs for r in (a, b)]
    if all(away) or (away[0] and b.is_unmapped) or (away[1] and a.is_unmapped):
        return []
    kept = [[r for r in group if r.reference_id < n_contigs] for group in (first, second)]
    if away[0] or away[1]:
        here, lost = (b, a) if away[0] else (a, b)
        kept[0 if away[0] else 1] = [lost]
        _unmap(lost, here)
        for record in kept[1 if away[0] else 0]:
            _point_to_unmapped_mate(record, here)
    for record in (*kept[0], *kept[1]):
        record.set_tag("XA", None)
        record.set_tag("SA", None)
    return kept[0] + kept[1]


def _unmap(read: pysam.AlignedSegment, mate: pysam.AlignedSegment) -> None:
    """Make `read` an unmapped record beside its mapped `mate`."""
    qual = read.query_qualities
    if read.is_reverse:
        sequence = (read.query_sequence or "").translate(_COMPLEMENT)[::-1]
        read.query_sequence = sequence
        read.query_qualities = qual[::-1] if qual is not None else None
    read.cigartuples = None
    read.flag = (read.flag | UNMAPPED) & ~(PROPER | REVERSE | MATE_REVERSE | MATE_UNMAPPED)
    read.flag |= MATE_REVERSE if mate.is_reverse else 0
    read.mapping_quality = 0
    read.reference_id = read.next_reference_id = mate.reference_id
    read.reference_start = read.next_reference_start = mate.reference_start
    read.template_length = 0
    read.set_tags([("MC", mate.cigarstring, "Z"), ("MQ", mate.mapping_quality, "i")])


def _point_to_unmapped_mate(record: pysam.AlignedSegment, primary: pysam.AlignedSegment) -> None:
    """Tell `record` that its mate is unmapped and lies beside `primary`."""
    record.flag = (record.flag | MATE_UNMAPPED) & ~(PROPER | MATE_REVERSE)
    record.next_reference_id = primary.reference_id
    record.next_reference_start = primary.reference_start
    record.template_length = 0
    record.set_tag("MC", None)
    record.set_tag("MQ", None)


def _fr_size(a: pysam.AlignedSegment, b: pysam.AlignedSegment) -> int:
    """Outer distance of a pair that faces inwards on one contig, else -1."""
    if (a.flag | b.flag) & UNMAPPED or a.reference_id != b.reference_id or a.is_reverse == b.is_reverse:
        return -1
    left, right = (b, a) if a.is_reverse else (a, b)
    return int(right.reference_end or 0) - left.reference_start


def _proper_bounds(groups: list[Group]) -> tuple[int, int]:
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


def write_bam(path: Path, header: dict, batches: Iterable[Group], read_group: str) -> int:
    """Write records sorted by position with read group tags, and the index; returns how many.

    Ties are broken by name and flag, so that batching leaves no trace in the file.
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
