"""A window of the genome beside another copy of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.paralogs.align_kernels import align_copies
from deepcohort.paralogs.config import ParalogsConfig
from deepcohort.paralogs.types import Link


@dataclass(frozen=True, slots=True)
class Copies:
    """A window and another copy of it, aligned.

    Attributes:
        here, there: windows. inverted: whether `there` runs the other way along the axis.
        axis_here, axis_there: int64, axis position (index in `here`) of each contig position of the
            windows, -1 outside what they share. partner: int64 (len(here),), see `align_copies`.
        codes_here, codes_there: base codes along the axis (there: complemented where inverted).
    """

    here: Region
    there: Region
    inverted: bool
    axis_here: NDArray[np.int64]
    axis_there: NDArray[np.int64]
    partner: NDArray[np.int64]
    codes_here: NDArray[np.uint8]
    codes_there: NDArray[np.uint8]


def align_link(tile: Region, link: Link, reference: ReferenceFasta, config: ParalogsConfig) -> Copies | None:
    """`tile` with its margins beside its copy, base by base; None where they hardly share anything."""
    lengths = reference.contig_lengths
    if link.contig not in lengths:
        return None
    here = tile.padded(config.margin_bp, lengths[tile.contig])
    if link.inverted:
        first, last = link.shift - here.end, link.shift - here.start
    else:
        first, last = here.start + link.shift, here.end + link.shift
    first, last = (
        max(0, first - config.max_indel_bp),
        min(lengths[link.contig], last + config.max_indel_bp),
    )
    if last - first < config.min_shared_bp or (
        link.contig == here.contig and first < here.end and here.start < last
    ):
        return None
    there = Region(link.contig, first, last)
    codes_here = reference.fetch_codes(here)
    codes_there = reference.fetch_codes(there)
    if link.inverted:
        codes_there = np.where(codes_there < 4, 3 - codes_there, codes_there)[::-1].astype(np.uint8)
        diagonal = there.end - link.shift + here.start
    else:
        diagonal = here.start + link.shift - there.start
    partner = align_copies(codes_here, np.ascontiguousarray(codes_there), diagonal, 2 * config.max_indel_bp)
    shared = np.flatnonzero(partner >= 0)
    if len(shared) < config.min_shared_bp:
        return None
    axis_here = np.where(partner >= 0, np.arange(len(here)), -1)
    axis_there = np.full(len(there), -1, np.int64)
    axis_there[partner[shared]] = shared
    if link.inverted:
        axis_there = axis_there[::-1].copy()
    return Copies(
        here,
        there,
        link.inverted,
        axis_here,
        axis_there,
        partner,
        codes_here,
        np.ascontiguousarray(codes_there),
    )
