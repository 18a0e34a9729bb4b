"""Phase of calls against phase of truth, and the blocks that the calls are phased in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.evaluate.match import IGNORED, OUTSIDE, TP, ContigResult, SideResult
from deepcohort.evaluate.phase_kernels import count_switches, het_alleles
from deepcohort.evaluate.variant_kernels import ALLELE_CODE

NEAR_BP = 300  # a fragment of short reads spans it
_COUNTS = (
    "hets",
    "phased",
    "blocks",
    "near_pairs",
    "near_phased",
    "phased_truth",
    "phased_calls",
    "compared",
    "compared_blocks",
    "covered",
    "pairs",
    "switches",
    "flips",
    "hamming",
)
COLUMNS = (
    "contig",
    "type",
    *_COUNTS,
    "phased_share",
    "near_share",
    "block_n50_bp",
    "switch_rate",
    "lone_switches",
    "flip_rate",
    "hamming_rate",
)
BLOCK_COLUMNS = ("contig", "start", "end", "phase_set", "hets")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ContigPhase:
    """Phase of one contig: rows (SNP, then all) of counts, and the calls' blocks.

    Attributes:
        contig: name. counts: by type, each of _COUNTS. spans: by type int64 (B,), bp of each block.
        blocks: int64 (B, 4), 1-based start and end, phase set (0: none is written) and heterozygotes.
    """

    contig: str
    counts: dict[str, dict[str, int]]
    spans: dict[str, NDArray[np.int64]]
    blocks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Alleles:
    """Alleles of phased, right, heterozygous records of one side, (K,) each; see `het_alleles`."""

    row: NDArray[np.int64]
    hap: NDArray[np.int64]
    pos: NDArray[np.int64]
    key: NDArray[np.uint64]


def _het_rows(side: SideResult) -> NDArray[np.bool_]:
    gt = side.table.gt
    return (gt[:, 0] >= 0) & (gt[:, 1] >= 0) & (gt[:, 0] != gt[:, 1]) & (side.table.ploidy == 2)


def _phase_sets(side: SideResult) -> NDArray[np.int64]:
    """Phase set of each record, 0 where none is written: the contig is one set then, as VCF has it."""
    return np.maximum(side.table.phase_set, 0)


def _alleles(side: SideResult, template: NDArray[np.uint8]) -> _Alleles:
    table = side.table
    rows = np.flatnonzero(_het_rows(side) & table.phased & (side.decision == TP))
    found, keys = het_alleles(
        table.pool, table.pool_offset, table.pos, table.ref_len, table.alt_len, table.gt, rows, template,
        ALLELE_CODE,
    )  # fmt: skip
    return _Alleles(found[:, 0], found[:, 1], found[:, 2], keys)


def _first_of(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of `rows` stand there for the first time."""
    out = np.zeros(len(rows), dtype=bool)
    out[np.unique(rows, return_index=True)[1]] = True
    return out


def _compared(result: ContigResult, template: NDArray[np.uint8]) -> tuple[NDArray[Any], ...]:
    """Of variants phased on both sides, by position: row of the calls, joint block, and whether the allele
    lies on the same haplotype. A record of two ALTs is one variant."""
    calls, truth = _alleles(result.calls, template), _alleles(result.truth, template)
    _, a, b = np.intersect1d(calls.key, truth.key, return_indices=True)
    order = np.lexsort((calls.key[a], calls.pos[a]))
    a, b = a[order], b[order]
    once = _first_of(calls.row[a]) & _first_of(truth.row[b])
    a, b = a[once], b[once]
    sets = np.stack(
        [_phase_sets(result.calls)[calls.row[a]], _phase_sets(result.truth)[truth.row[b]]], axis=1
    )
    block = np.empty(0, dtype=np.int64)
    if len(a):
        block = np.unique(sets, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return calls.row[a], block, calls.hap[a] == truth.hap[b]


def _switches(block: NDArray[np.int64], same: NDArray[np.bool_]) -> dict[str, int]:
    counts = np.zeros(6, dtype=np.int64)
    order = np.argsort(block, kind="stable")
    count_switches(block[order], same[order], counts)
    names = ("compared_blocks", "covered", "pairs", "switches", "flips", "hamming")
    return {"compared": len(block), **dict(zip(names, counts.tolist(), strict=True))}


def _blocks(
    pos: NDArray[np.int64], phased: NDArray[np.bool_], phase_set: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Blocks of two heterozygotes and more, as `ContigPhase.blocks`; and of each het its block, -1 none."""
    in_block = np.full(len(pos), -1, dtype=np.int64)
    at = np.flatnonzero(phased)
    names, inverse, n = np.unique(phase_set[at], return_inverse=True, return_counts=True)
    first = np.full(len(names), np.iinfo(np.int64).max)
    last = np.full(len(names), -1)
    np.minimum.at(first, inverse, pos[at])
    np.maximum.at(last, inverse, pos[at])
    kept = np.flatnonzero(n > 1)
    number = np.full(len(names), -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    in_block[at] = number[inverse]
    table = np.stack([first[kept] + 1, last[kept] + 1, names[kept], n[kept]], axis=1).astype(np.int64)
    return table, in_block


def _own(side: SideResult, chosen: NDArray[np.bool_]) -> tuple[dict[str, int], NDArray[np.int64]]:
    """What the calls alone tell: how far heterozygous records `chosen` are phased; and the blocks."""
    table = side.table
    rows = np.flatnonzero(chosen)
    pos = table.pos[rows].astype(np.int64)
    rows, pos = rows[np.argsort(pos, kind="stable")], np.sort(pos)
    blocks, in_block = _blocks(pos, table.phased[rows], _phase_sets(side)[rows])
    near = np.diff(pos) <= NEAR_BP
    joined = (in_block[1:] == in_block[:-1]) & (in_block[1:] >= 0)
    counts = {
        "hets": len(rows),
        "phased": int((in_block >= 0).sum()),
        "blocks": len(blocks),
        "near_pairs": int(near.sum()),
        "near_phased": int((near & joined).sum()),
    }
    return counts, blocks


def contig_phase(result: ContigResult, template: NDArray[np.uint8]) -> ContigPhase | None:
    """Phase of one contig; None where calls or truth are not phased there.

    Args:
        template: uint8 (L,), codes 1..4 for ACGT and 0 for the rest.
    """
    sides = result.calls, result.truth
    right = [_het_rows(side) & side.table.phased & (side.decision == TP) for side in sides]
    if not right[0].any() or not right[1].any():
        return None
    row, block, same = _compared(result, template)
    counts, spans = {}, {}
    blocks = np.empty((0, 4), dtype=np.int64)
    judged = (result.calls.decision != IGNORED) & (result.calls.decision != OUTSIDE)
    for kind in ("SNP", "ALL"):
        of_kind = [side.is_snp if kind == "SNP" else np.ones(len(side.table), dtype=bool) for side in sides]
        own, blocks = _own(result.calls, _het_rows(result.calls) & judged & of_kind[0])
        chosen = of_kind[0][row]
        counts[kind] = {
            **own,
            "phased_truth": int((right[1] & of_kind[1]).sum()),
            "phased_calls": int((right[0] & of_kind[0]).sum()),
            **_switches(block[chosen], same[chosen]),
        }
        spans[kind] = blocks[:, 1] - blocks[:, 0]
    return ContigPhase(result.contig, counts, spans, blocks)


def n50(spans: NDArray[np.int64]) -> int:
    """Length of the shortest of those longest blocks that together hold half of all blocks' bp; 0 if none."""
    if not len(spans):
        return 0
    falling = np.sort(spans)[::-1]
    return int(falling[np.searchsorted(np.cumsum(falling), spans.sum() / 2)])


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _full(contig: str, kind: str, counts: dict[str, int], spans: NDArray[np.int64]) -> Row:
    lone = counts["switches"] - 2 * counts["flips"]
    return {
        "contig": contig,
        "type": kind,
        **counts,
        "phased_share": _rate(counts["phased"], counts["hets"]),
        "near_share": _rate(counts["near_phased"], counts["near_pairs"]),
        "block_n50_bp": n50(spans),
        "switch_rate": _rate(counts["switches"], counts["pairs"]),
        "lone_switches": lone,
        "flip_rate": _rate(counts["flips"], counts["pairs"]),
        "hamming_rate": _rate(counts["hamming"], counts["covered"]),
    }


def phase_table(contigs: Sequence[ContigPhase | None]) -> list[Row]:
    """Rows of contigs with something phased on both sides, SNP and all, and of all contigs last."""
    kept = [one for one in contigs if one is not None and one.counts["ALL"]["compared"]]
    if not kept:
        return []
    table = [
        _full(one.contig, kind, one.counts[kind], one.spans[kind]) for one in kept for kind in one.counts
    ]
    for kind in ("SNP", "ALL"):
        whole = {name: sum(one.counts[kind][name] for one in kept) for name in _COUNTS}
        table.append(_full("all", kind, whole, np.concatenate([one.spans[kind] for one in kept])))
    return table


def block_table(contigs: Sequence[ContigPhase | None]) -> list[Row]:
    """A row per block of the calls."""
    return [
        dict(zip(BLOCK_COLUMNS, (one.contig, *block), strict=True))
        for one in contigs
        if one is not None
        for block in one.blocks[np.argsort(one.blocks[:, 0], kind="stable")].tolist()
    ]
