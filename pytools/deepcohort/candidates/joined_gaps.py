"""Alignments of short reads with one gap where their aligner wrote several."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Window, aligned_reads
from deepcohort.candidates.joined_gap_kernels import join_gaps, mark_gapped
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def with_joined_gaps(reads: ReadBatch, reference: NDArray[np.uint8], window: Region) -> ReadBatch:
    """`reads` with one gap in place of several where that fits `reference`, uint8 (len(window),), better.

    An aligner that counts edits writes an inserted TGTT as two insertions or three wherever bases between
    them happen to fit; no two such reads need agree on the alleles then. Long reads stay as they are: their
    own errors make gaps beside gaps.
    """
    columns, gapped = aligned_reads(reads), np.empty(len(reads), np.bool_)
    if not mark_gapped(columns, gapped):  # as nearly always
        return reads
    op, length = np.empty_like(reads.cigar_op), np.empty_like(reads.cigar_len)
    offset = np.empty_like(reads.cigar_offset)
    if not join_gaps(columns, gapped, Window(reference, window.start), op, length, offset):
        return reads
    n = int(offset[-1])
    return replace(reads, cigar_op=op[:n].copy(), cigar_len=length[:n].copy(), cigar_offset=offset)
