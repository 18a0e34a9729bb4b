"""Phase of calls against phase of truth, where both have it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.evaluate.annotate_kernels import allele_keys
from deepcohort.evaluate.match import TP, ContigResult, SideResult

COLUMNS = ("contig", "phased_truth", "phased_calls", "compared", "pairs", "switches", "switch_rate")


def _phased_hets(side: SideResult) -> NDArray[np.int64]:
    """Rows of right, heterozygous, phased diploid records."""
    gt = side.table.gt
    het = (gt[:, 0] >= 0) & (gt[:, 1] >= 0) & (gt[:, 0] != gt[:, 1]) & (side.table.ploidy == 2)
    return np.flatnonzero(het & side.table.phased & (side.decision == TP))


def phase_row(result: ContigResult) -> dict[str, Any]:
    """Counts of one contig: phased heterozygous records on each side, those that both sides write alike,
    neighbours among these that share a phase set on both sides, and how often their phase differs."""
    rows, keys = [_phased_hets(result.calls), _phased_hets(result.truth)], []
    if not len(rows[0]) or not len(rows[1]):  # nothing to compare: no keys are made
        rows_of_both = {"phased_truth": len(rows[1]), "phased_calls": len(rows[0])}
        return {"contig": result.contig, **rows_of_both, "compared": 0, "pairs": 0, "switches": 0}
    for side, chosen in zip((result.calls, result.truth), rows, strict=True):
        table = side.table
        keys.append(
            allele_keys(table.pool, table.pool_offset, table.pos, table.ref_len, table.alt_len, chosen)
        )
    _, in_calls, in_truth = np.intersect1d(keys[0], keys[1], return_indices=True)
    calls, truth = rows[0][in_calls], rows[1][in_truth]
    order = np.argsort(calls, kind="stable")
    calls, truth = calls[order], truth[order]
    same_way = result.calls.table.gt[calls, 0] == result.truth.table.gt[truth, 0]
    together = np.ones(max(0, len(calls) - 1), dtype=bool)
    for table, at in ((result.calls.table, calls), (result.truth.table, truth)):
        phase_set = np.maximum(table.phase_set[at], 0)
        together &= phase_set[1:] == phase_set[:-1]
    return {
        "contig": result.contig,
        "phased_truth": len(rows[1]),
        "phased_calls": len(rows[0]),
        "compared": len(calls),
        "pairs": int(together.sum()),
        "switches": int((together & (same_way[1:] != same_way[:-1])).sum()),
    }


def phase_table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contigs with something phased on both sides, and all together last; none without any."""
    kept = [row for row in rows if row["compared"]]
    if not kept:
        return []
    whole = {name: sum(row[name] for row in kept) for name in COLUMNS[1:-1]}
    table = [*kept, {"contig": "all", **whole}]
    return [
        {**row, "switch_rate": row["switches"] / row["pairs"] if row["pairs"] else float("nan")}
        for row in table
    ]
