"""What the reads at a sample's sites say beside their alleles (strand, mapping quality, ends of reads)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.genotype import moved_positions
from deepcohort.calls.kernels_bias import measure_bias
from deepcohort.candidates.types import CandidateEvidence, CandidateTable


@dataclass(frozen=True, slots=True)
class SiteBias:
    """Of S sites, what INFO says of their reads.

    Attributes:
        strands: int32 (S, 4), reads of REF forward and reverse, of the ALTs forward and reverse (SB).
        mapping: int64 (S, 2), sum of squared MAPQ and reads (RAW_MQandDP).
        ranks: float64 (S, 3), z of BaseQRankSum, MQRankSum and ReadPosRankSum; NaN where a side has no reads.
    """

    strands: NDArray[np.int32]
    mapping: NDArray[np.int64]
    ranks: NDArray[np.float64]


NO_BIAS = SiteBias(np.empty((0, 4), np.int32), np.empty((0, 2), np.int64), np.empty((0, 3)))


def site_bias(
    evidence: CandidateEvidence,
    rows: NDArray[np.int64],
    table: CandidateTable,
    pos: NDArray[np.int64],
    reference: NDArray[np.uint8],
    reference_start: int,
) -> SiteBias:
    """Bias of the reads at the sites that begin at `pos`.

    Args:
        evidence: of a region that holds them. rows: int64 (N,), rows of its table that were genotyped.
        table: these rows. pos: int64 (S,), ascending. reference: uint8 codes that hold every REF, from
            `reference_start` on.
    """
    if not len(rows):  # given alleles alone: nothing is counted
        n = len(pos)
        return SiteBias(np.zeros((n, 4), np.int32), np.zeros((n, 2), np.int64), np.full((n, 3), np.nan))
    moved = moved_positions(table, reference, reference_start)
    order = np.argsort(moved, kind="stable")
    spans = np.stack([np.searchsorted(moved[order], pos, side) for side in ("left", "right")], axis=1)
    support, reads = evidence.support, evidence.reads
    return SiteBias(
        *measure_bias(
            spans, rows[order], support.offset, support.read, support.allele, support.read_index,
            reads.flag, reads.mapq, reads.own_qual, reads.seq_offset,
        )
    )  # fmt: skip
