"""Real reads as flat arrays, for learning."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.core.sequence import CODE_OF_ASCII
from deepcohort.formats.vcf_check import check_vcf

_SKIP = 0x4 | 0x100 | 0x200  # unmapped, secondary, QC fail
_PAD_BP = 50


@dataclass(frozen=True, slots=True)
class LearnReads:
    """Primary and supplementary reads of one contig, R reads, sorted by position.

    Attributes:
        reference: uint8 (L,), codes from `start` on; every read lies inside.
        truth: bool (L,), bases at or near a known variant.
        pos: int64 (R,), relative to `start`. flag: int64 (R,). mapq: uint8 (R,). tlen: int64 (R,).
        seq, qual: uint8 flat; offset: int64 (R+1,).
        cigar_op: uint8 flat; cigar_len: int64 flat; cigar_offset: int64 (R+1,).
        mate_near: bool (R,), mate on the same contig.
        name: uint32 (R,), hash of the name, equal for mates.
    """

    contig: str
    start: int
    reference: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    pos: NDArray[np.int64]
    flag: NDArray[np.int64]
    mapq: NDArray[np.uint8]
    tlen: NDArray[np.int64]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int64]
    cigar_offset: NDArray[np.int64]
    mate_near: NDArray[np.bool_]
    name: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.pos)


def read_for_learning(
    bam: Path, fasta: ReferenceFasta, truth: Path | None = None, max_reads: int = 2_000_000
) -> list[LearnReads]:
    """Reads of `bam` by contig, the first `max_reads` of them.

    Raises:
        DeepcohortError: unreadable, unsorted or empty BAM, or contigs that the reference lacks.
    """
    by_contig: dict[str, list[pysam.AlignedSegment]] = {}
    count, last = 0, (-1, -1)
    try:
        with pysam.AlignmentFile(str(bam), "rb", check_sq=False) as file:
            for read in file.fetch(until_eof=True):
                if read.flag & _SKIP or not read.cigartuples or read.query_qualities is None:
                    continue
                here = (read.reference_id, read.reference_start)
                if here < last:
                    raise DeepcohortError(
                        f"{bam} is not sorted by position; run: samtools sort -o sorted.bam {bam}"
                    )
                last = here
                by_contig.setdefault(str(read.reference_name), []).append(read)
                count += 1
                if count >= max_reads:
                    break
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"{bam} cannot be read as BAM: {error}; check the file") from error
    if not count:
        raise DeepcohortError(f"{bam} holds no mapped reads with qualities; a profile needs some thousands")
    unknown = [c for c in by_contig if c not in fasta.contig_lengths]
    if unknown:
        raise DeepcohortError(
            f"{bam} has reads on {unknown[0]}, which {fasta.path} lacks; "
            "give the reference they were mapped to"
        )
    return [_arrays(contig, reads, fasta, truth) for contig, reads in by_contig.items()]


def _arrays(
    contig: str, reads: list[pysam.AlignedSegment], fasta: ReferenceFasta, truth: Path | None
) -> LearnReads:
    length = fasta.contig_lengths[contig]
    furthest = max(int(r.reference_end or 0) for r in reads)
    if furthest > length:
        raise DeepcohortError(
            f"reads on {contig} reach {furthest}, but {fasta.path} ends it at {length}; "
            "give the reference they were mapped to"
        )
    region = Region(contig, reads[0].reference_start, furthest).padded(_PAD_BP, length)
    cigars = [r.cigartuples or [] for r in reads]
    sizes = [r.query_length for r in reads]
    text = "".join(r.query_sequence or "" for r in reads).encode("ascii")
    flat = np.array([pair for cigar in cigars for pair in cigar], np.int64).reshape(-1, 2)
    return LearnReads(
        contig,
        region.start,
        fasta.fetch_codes(region),
        _truth_mask(truth, region),
        np.array([r.reference_start for r in reads], np.int64) - region.start,
        np.array([r.flag for r in reads], np.int64),
        np.array([r.mapping_quality for r in reads], np.uint8),
        np.array([r.template_length for r in reads], np.int64),
        CODE_OF_ASCII[np.frombuffer(text, np.uint8)],
        np.concatenate([np.asarray(r.query_qualities, np.uint8) for r in reads]),
        _offsets(sizes),
        flat[:, 0].astype(np.uint8),
        flat[:, 1].copy(),
        _offsets([len(c) for c in cigars]),
        np.array([r.next_reference_id == r.reference_id for r in reads], bool),
        np.array([zlib.crc32((r.query_name or "").encode()) for r in reads], np.uint32),
    )


def _offsets(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _truth_mask(truth: Path | None, region: Region) -> NDArray[np.bool_]:
    """Bases within 10 bp of a variant of `truth`, relative to `region`."""
    mask = np.zeros(len(region), bool)
    if truth is None:
        return mask
    check_vcf(truth)
    try:
        with pysam.VariantFile(str(truth)) as file:
            for record in file:
                if record.chrom == region.contig:
                    a, b = record.start - 10 - region.start, record.stop + 10 - region.start
                    mask[max(0, a) : max(0, b)] = True
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"truth {truth} cannot be read as VCF: {error}") from error
    return mask
