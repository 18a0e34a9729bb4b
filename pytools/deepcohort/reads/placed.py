"""Reads with their alignments, as kernels take them."""

from deepcohort.reads.clip_kernels import Placed
from deepcohort.reads.scan import ReadColumns, offsets_of


def placed_reads(columns: ReadColumns) -> Placed:
    """The bases and operations of `columns`, which are not copied."""
    return Placed(
        columns.pos, columns.seq, offsets_of(columns.seq_length), columns.cigar_op, columns.cigar_len,
        offsets_of(columns.n_ops),
    )  # fmt: skip
