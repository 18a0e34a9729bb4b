"""Domain randomisation of real or simulated reads: fewer of them, with other qualities.

Instruments differ in their quality values (four bins, eight, or forty), and a model that has seen one
instrument learns that "this value means error". Mapping qualities through a random monotone step
function, anew for each stretch of genome, takes that away; order is all that stays.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.types import ReadBatch


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """What is randomised per stretch.

    Attributes:
        min_coverage, max_coverage: x; a target is drawn log-uniformly between them, and reads above
            it are left out.
        keep_coverage: probability that all reads stay.
        keep_quality: probability that qualities stay.
        min_bins, max_bins: steps of the quality map.
        quality_noise: standard deviation in phred added per base before the map.
    """

    min_coverage: float = 5.0
    max_coverage: float = 60.0
    keep_coverage: float = 0.25
    keep_quality: float = 0.3
    min_bins: int = 2
    max_bins: int = 8
    quality_noise: float = 1.0


# Qualities of long reads tell how sure a repeat's length is, and their alphabets differ less.
_LONG_KEEP_QUALITY = 0.6

# Reads as instruments make them, at any depth: what calibration needs, other than training.
NATURAL = AugmentConfig(min_coverage=4.0, max_coverage=40.0, keep_coverage=0.1, keep_quality=1.0)


def augmentation_for(platform: str) -> AugmentConfig:
    """How reads of a platform are randomised for training."""
    if platform == "illumina":
        return AugmentConfig()
    return AugmentConfig(keep_quality=_LONG_KEEP_QUALITY)


def subset_reads(reads: ReadBatch, keep: NDArray[np.bool_]) -> ReadBatch:
    """The rows `keep` bool (R,) of a batch, in the same order."""
    return reads_at(reads, np.nonzero(keep)[0])


def reads_at(reads: ReadBatch, rows: NDArray[np.int64]) -> ReadBatch:
    """The rows `rows` of a batch, in the order given."""
    seq_take, seq_offset = _take_flat(reads.seq_offset, rows)
    cigar_take, cigar_offset = _take_flat(reads.cigar_offset, rows)
    new_row = np.full(len(reads) + 1, -1, dtype=np.int32)
    new_row[rows] = np.arange(len(rows), dtype=np.int32)
    return replace(
        reads,
        pos=reads.pos[rows],
        end=reads.end[rows],
        mapq=reads.mapq[rows],
        flag=reads.flag[rows],
        insert_size=reads.insert_size[rows],
        odd=reads.odd[rows],
        name_hash=reads.name_hash[rows],
        mate=new_row[reads.mate[rows]],
        seq=reads.seq[seq_take],
        qual=reads.qual[seq_take],
        own_qual=reads.own_qual[seq_take],
        seq_offset=seq_offset,
        cigar_op=reads.cigar_op[cigar_take],
        cigar_len=reads.cigar_len[cigar_take],
        cigar_offset=cigar_offset,
    )


def _take_flat(
    offset: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sizes = offset[rows + 1] - offset[rows]
    new_offset = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    take = np.arange(new_offset[-1]) - np.repeat(new_offset[:-1] - offset[rows], sizes)
    return take, new_offset


def random_quality_map(rng: np.random.Generator, config: AugmentConfig) -> NDArray[np.uint8]:
    """Monotone step function of phred, uint8 (256,); 0 stays 0 (a base whose mate votes)."""
    n_bins = int(rng.integers(config.min_bins, config.max_bins + 1))
    edges = np.sort(rng.choice(np.arange(4, 41), n_bins - 1, replace=False))
    levels = np.sort(rng.integers(6, 43, n_bins))
    levels[-1] = max(levels[-1], 26)
    mapped = levels[np.searchsorted(edges, np.arange(256), side="right")].astype(np.uint8)
    mapped[0] = 0
    return mapped


def augment_reads(
    reads: ReadBatch, span_bp: int, rng: np.random.Generator, config: AugmentConfig
) -> ReadBatch:
    """`reads` of a stretch of `span_bp`, with random coverage and qualities; mates stay together."""
    if len(reads) == 0:
        return reads
    target = float(np.exp(rng.uniform(np.log(config.min_coverage), np.log(config.max_coverage))))
    salt = np.uint64(rng.integers(0, 2**63))
    if rng.random() >= config.keep_coverage:
        coverage = float((reads.end - reads.pos).sum()) / max(span_bp, 1)
        share = min(1.0, target / max(coverage, 1e-9))
        mixed = (reads.name_hash ^ salt) * np.uint64(0x9E3779B97F4A7C15)
        reads = subset_reads(reads, (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53 < share)
    if rng.random() >= config.keep_quality:
        own = reads.own_qual.astype(np.float32)
        noisy = np.rint(own + rng.normal(0.0, config.quality_noise, len(own)))
        mapped = random_quality_map(rng, config)[np.clip(noisy, 1, 93).astype(np.int64)]
        reads = replace(
            reads,
            qual=np.where(reads.qual == 0, 0, mapped).astype(np.uint8),
            own_qual=np.where(reads.own_qual == 0, 0, mapped).astype(np.uint8),
        )
    return reads
