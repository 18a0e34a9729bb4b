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
        primary, paralog: windows. inverted: whether `paralog` runs the other way along the axis.
        axis_primary, axis_paralog: int64, axis position (index in `primary`) of each contig position of the
            windows, -1 outside what they share. partner: int64 (len(here),), see `align_copies`.
        codes_primary, codes_paralog: base codes along the axis (there: complemented where inverted).
    """

    primary: Region
    paralog: Region
    inverted: bool
    axis_primary: NDArray[np.int64]
    axis_paralog: NDArray[np.int64]
    partner: NDArray[np.int64]
    codes_primary: NDArray[np.uint8]
    codes_paralog: NDArray[np.uint8]


def align_link(tile: Region, link: Link, reference: ReferenceFasta, config: ParalogsConfig) -> Copies | None:
    """`tile` with its margins beside its copy, base by base; None where they hardly share anything."""
    lengths = reference.contig_lengths
    if link.contig not in lengths:
        return None
    primary = tile.padded(config.margin_bp, lengths[tile.contig])
    if link.inverted:
        first, last = link.shift - primary.end, link.shift - primary.start
    else:
        first, last = primary.start + link.shift, primary.end + link.shift
    first, last = (
        max(0, first - config.max_indel_bp),
        min(lengths[link.contig], last + config.max_indel_bp),
    )
    if last - first < config.min_shared_bp or (
        link.contig == primary.contig and first < primary.end and primary.start < last
    ):
        return None
    paralog = Region(link.contig, first, last)
    codes_primary = reference.fetch_codes(primary)
    codes_paralog = reference.fetch_codes(paralog)
    if link.inverted:
        codes_paralog = np.where(codes_paralog < 4, 3 - codes_paralog, codes_paralog)[::-1].astype(np.uint8)
        diagonal = paralog.end - link.shift + primary.start
    else:
        diagonal = primary.start + link.shift - paralog.start
    partner = align_copies(
        codes_primary, np.ascontiguousarray(codes_paralog), diagonal, 2 * config.max_indel_bp
    )
    shared = np.flatnonzero(partner >= 0)
    if len(shared) < config.min_shared_bp:
        return None
    axis_primary = np.where(partner >= 0, np.arange(len(primary)), -1)
    axis_paralog = np.full(len(paralog), -1, np.int64)
    axis_paralog[partner[shared]] = shared
    if link.inverted:
        axis_paralog = axis_paralog[::-1].copy()
    return Copies(
        primary,
        paralog,
        link.inverted,
        axis_primary,
        axis_paralog,
        partner,
        codes_primary,
        np.ascontiguousarray(codes_paralog),
    )
