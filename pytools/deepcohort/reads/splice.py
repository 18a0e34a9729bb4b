"""Reads of DNA that an aligner of RNA spliced, laid in one place."""

from dataclasses import replace

import numpy as np

from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.merge import take_reads
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.splice_kernels import lay_in_one_place
from deepcohort.reads.types import LibraryProfile

_SKIP = 3  # CIGAR operation of BAM
# of the reads of RNA ten times as many and more are spliced, of DNA one in 200; where an instrument
# leaves gaps of some bp in its reads (Complete Genomics), each has one
_SPLICED_SHARE = 0.03


def is_of_dna(profile: LibraryProfile) -> bool:
    """Whether the library's reads are of DNA, so that none is spliced; not of an unknown library."""
    return profile.n_reads > 0 and profile.spliced_share < _SPLICED_SHARE


def unspliced(columns: ReadColumns, config: ReadsConfig) -> ReadColumns:
    """`columns` with the reads of libraries of DNA in one place each, in order again."""
    if not (columns.cigar_op == _SKIP).any():
        return columns
    of_dna = np.array([is_of_dna(profile) for profile in config.profiles])
    if not of_dna.any():
        return columns
    among = of_dna[columns.library] if len(columns.library) else np.full(len(columns.pos), of_dna[0])
    laid = replace(
        columns,
        pos=columns.pos.copy(),
        end=columns.end.copy(),
        cigar_op=columns.cigar_op.copy(),
        cigar_len=columns.cigar_len.copy(),
        n_ops=columns.n_ops.copy(),
    )
    left = lay_in_one_place(laid.pos, laid.end, laid.cigar_op, laid.cigar_len, laid.n_ops, among)
    laid = replace(laid, cigar_op=laid.cigar_op[:left], cigar_len=laid.cigar_len[:left])
    return take_reads(laid, np.lexsort((laid.flag, laid.name_hash, laid.pos)))
