"""Compared records as columns, what every table is counted from.

Columns that only feed sums are counted contig by contig and let go (`CountedRecords`); a genome holds those
that thresholds and comparisons need all at once (`ScoredRecords`): 22 bytes a call instead of 49.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.genome import is_numbered, pseudo_autosomal, sex_chromosome
from deepcohort.evaluate.annotate_kernels import allele_keys
from deepcohort.evaluate.context_kernels import classify, reference_context
from deepcohort.evaluate.match import IGNORED, OUTSIDE, ContigResult, SideResult
from deepcohort.evaluate.read_depth import DepthAt
from deepcohort.evaluate.variant_kernels import REASONS, inside_regions
from deepcohort.formats.bed import Intervals

AUTOSOME, CHR_X, PAR, CHR_Y, OTHER_CONTIG = range(5)


@dataclass(frozen=True, slots=True)
class CountedRecords:
    """N counted records of one side of a contig (inside the regions, of usable genotype), in order.

    Attributes:
        contig: int32 (N,), index into the evaluation's contigs. pos: int32 (N,).
        decision: uint8 (N,), match.TP .. match.TOO_HARD. weight: float32 (N,).
        is_snp: bool (N,). kind, zygosity: uint8, length: int16, transition: int8 (N,), as classify gives.
        qual, gq, mapq: float32 (N,), NaN absent. depth: int32 (N,), -1 absent.
        homopolymer, tandem, gc: uint8 (N,). ploidy_region: uint8 (N,), AUTOSOME .. OTHER_CONTIG.
        beds: uint8 (N, ceil(n_beds / 8)), bits of the user's strata, np.packbits order.
        other: int8 (N,), zygosity of the record on the other side that it was paired with, -1 none.
        bases, bases_right: float32 (N,), base pairs changed, and those that the other side has too.
        key: uint64 (N,), hash of position, REF and ALT: equal for one record in two call sets.
    """

    contig: NDArray[np.int32]
    pos: NDArray[np.int32]
    decision: NDArray[np.uint8]
    weight: NDArray[np.float32]
    is_snp: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    length: NDArray[np.int16]
    zygosity: NDArray[np.uint8]
    transition: NDArray[np.int8]
    qual: NDArray[np.float32]
    gq: NDArray[np.float32]
    mapq: NDArray[np.float32]
    depth: NDArray[np.int32]
    homopolymer: NDArray[np.uint8]
    tandem: NDArray[np.uint8]
    gc: NDArray[np.uint8]
    ploidy_region: NDArray[np.uint8]
    beds: NDArray[np.uint8]
    other: NDArray[np.int8]
    bases: NDArray[np.float32]
    bases_right: NDArray[np.float32]
    key: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.pos)

    def kept(self, compared: bool) -> "ScoredRecords":
        """What the whole genome keeps of this contig; `compared`: with other call sets later on."""
        return ScoredRecords(
            contig=self.contig,
            pos=self.pos,
            decision=self.decision,
            is_snp=self.is_snp,
            weight=self.weight,
            qual=self.qual,
            gq=self.gq,
            kind=self.kind if compared else None,
            length=self.length if compared else None,
            key=self.key if compared else None,
        )


@dataclass(frozen=True, slots=True)
class ScoredRecords:
    """Columns of `CountedRecords` that are held of the whole genome; None where nothing will ask for them."""

    contig: NDArray[np.int32]
    pos: NDArray[np.int32]
    decision: NDArray[np.uint8]
    is_snp: NDArray[np.bool_]
    weight: NDArray[np.float32] | None
    qual: NDArray[np.float32] | None
    gq: NDArray[np.float32] | None
    kind: NDArray[np.uint8] | None
    length: NDArray[np.int16] | None
    key: NDArray[np.uint64] | None

    def __len__(self) -> int:
        return len(self.pos)

    def without_scores(self) -> "ScoredRecords":
        """The same of truth records, which need no scores."""
        return replace(self, weight=None, qual=None, gq=None)

    def only(self, keep: NDArray[np.bool_]) -> "ScoredRecords":
        """The chosen rows."""
        columns: dict[str, Any] = {}
        for name in ScoredRecords.__slots__:
            column = getattr(self, name)
            columns[name] = None if column is None else column[keep]
        return ScoredRecords(**columns)


def concatenate(parts: list[ScoredRecords]) -> ScoredRecords:
    """One table of all contigs; `parts` is emptied on the way, so that columns are not held twice."""
    columns = [{name: getattr(part, name) for name in ScoredRecords.__slots__} for part in parts]
    parts.clear()
    whole: dict[str, Any] = {}
    for name in ScoredRecords.__slots__:
        pieces = [c.pop(name) for c in columns]
        whole[name] = None if pieces[0] is None else np.concatenate(pieces)
    return ScoredRecords(**whole)


@dataclass(slots=True)
class Reasons:
    """How many records took no part, by reason."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, side: SideResult) -> None:
        """Count the reasons of one contig."""
        for code, number in enumerate(np.bincount(side.reason, minlength=len(REASONS))):
            self.counts[REASONS[code]] = self.counts.get(REASONS[code], 0) + int(number)
        outside = int(np.count_nonzero(side.decision == OUTSIDE))
        self.counts["outside_regions"] = self.counts.get("outside_regions", 0) + outside


def counted_rows(side: SideResult) -> NDArray[np.int64]:
    """Rows of the records that are counted."""
    return np.flatnonzero((side.decision != IGNORED) & (side.decision != OUTSIDE))


def count_side(
    result: ContigResult,
    side: SideResult,
    other: SideResult,
    index: int,
    template: NDArray[np.uint8],
    beds: list[Intervals],
    depth: DepthAt | None,
) -> CountedRecords:
    """Counted records of one side of a compared contig; `depth`: at the records of both sides."""
    table = side.table
    rows = counted_rows(side)
    kind, length, zygosity, transition = classify(
        table.pool, table.pool_offset, table.ref_len, table.alt_len, table.gt, table.ploidy, rows
    )
    pos, ref_len = table.pos[rows], table.ref_len[rows]
    homopolymer, tandem, gc = reference_context(template, pos, ref_len)
    masks = np.zeros((len(rows), len(beds)), dtype=bool)
    empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    for k, bed in enumerate(beds):
        masks[:, k] = inside_regions(pos, pos + ref_len, *bed.get(result.contig, empty))
    dp: NDArray
    mapq: NDArray
    if depth is not None:
        dp, mapq = depth.at(pos)
    elif side is result.calls:
        dp, mapq = table.dp[rows], table.mapq[rows]
    else:  # what a truth set says of depth is not about these reads
        dp, mapq = np.full(len(rows), -1), np.full(len(rows), np.nan)
    return CountedRecords(
        contig=np.full(len(rows), index, dtype=np.int32),
        pos=pos,
        decision=side.decision[rows],
        weight=side.weight[rows].astype(np.float32),
        is_snp=side.is_snp[rows],
        kind=kind,
        length=np.clip(length, -32000, 32000).astype(np.int16),
        zygosity=zygosity,
        transition=transition,
        qual=table.qual[rows].astype(np.float32),
        gq=table.gq[rows].astype(np.float32),
        mapq=np.asarray(mapq, dtype=np.float32),
        depth=np.asarray(dp, dtype=np.int32),
        homopolymer=homopolymer,
        tandem=tandem,
        gc=gc,
        ploidy_region=_ploidy_region(result.contig, len(template), pos),
        beds=np.packbits(masks, axis=1),
        other=_partner(side, other, rows),
        bases=side.bases[rows],
        bases_right=side.bases_right[rows],
        key=_keys(side, rows),
    )


def _ploidy_region(contig: str, length: int, pos: NDArray[np.int32]) -> NDArray[np.uint8]:
    role = sex_chromosome(contig)
    out = np.full(len(pos), OTHER_CONTIG, dtype=np.uint8)
    if is_numbered(contig):
        out[:] = AUTOSOME
    elif role == "X":
        out[:] = CHR_X
        for start, end in pseudo_autosomal(contig, length):
            out[(pos >= start) & (pos < end)] = PAR
    elif role == "Y":
        out[:] = CHR_Y
    return out


def _partner(side: SideResult, other: SideResult, rows: NDArray[np.int64]) -> NDArray[np.int8]:
    """Zygosity of the nearest record of the other side with the same decision in the same neighbourhood."""
    out = np.full(len(rows), -1, dtype=np.int8)
    for decision, sync, other_sync in (
        (2, side.sync, other.sync),  # TP
        (3, side.sync2, other.sync2),  # ALLELE_ONLY
    ):
        theirs = np.flatnonzero(other.decision == decision)
        mine = np.flatnonzero(side.decision[rows] == decision)
        if not len(theirs) or not len(mine):
            continue
        _, _, zygosity, _ = classify(
            other.table.pool,
            other.table.pool_offset,
            other.table.ref_len,
            other.table.alt_len,
            other.table.gt,
            other.table.ploidy,
            theirs,
        )
        their_pos = other.table.pos[theirs]
        my_pos = side.table.pos[rows[mine]]
        right = np.clip(np.searchsorted(their_pos, my_pos), 0, len(theirs) - 1)
        left = np.clip(right - 1, 0, None)
        nearest = np.where(abs(their_pos[right] - my_pos) <= abs(my_pos - their_pos[left]), right, left)
        together = other_sync[theirs[nearest]] == sync[rows[mine]]
        out[mine] = np.where(together, zygosity[nearest].astype(np.int8), np.int8(-1))
    return out


def _keys(side: SideResult, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    table = side.table
    return allele_keys(table.pool, table.pool_offset, table.pos, table.ref_len, table.alt_len, rows)
