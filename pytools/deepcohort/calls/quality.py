"""Coverage and the shape of one sample's calls, from its gVCF while it is merged: what a report shows.

No second pass over reads: blocks say how deep their bases are (INFO COV), records how their reads divide.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls import kernels_quality as k
from deepcohort.calls.columns import QualityCounts
from deepcohort.core.genome import MITOCHONDRIAL_NAMES, X_NAMES, Y_NAMES
from deepcohort.core.vcf_constants import COVERED_AT
from deepcohort.formats.bed import NamedRegion
from deepcohort.formats.vcf_text import Segment

# share of REF among the alleles of another person where this one is homozygous for ALT: for alleles of
# frequency p under the neutral spectrum 1/p it is the mean of (1 - p) p^2 / p over that of p^2 / p, 1/3
REFERENCE_SHARE = 1.0 / 3.0
LEAST_PURE_SITES = 100
_NOT_AUTOSOMES = X_NAMES | Y_NAMES | MITOCHONDRIAL_NAMES
_COVERAGE = ("bp", "depth_sum", *(f"at_least_{x}x" for x in COVERED_AT), "callable")


def _no_counts() -> QualityCounts:
    return QualityCounts(
        counts=np.zeros(k.N_COUNTS, np.int64),
        gq=np.zeros(k.MOST_GQ + 1, np.int64),
        dp=np.zeros(k.MOST_DEPTH + 1, np.int64),
        qual=np.zeros(k.MOST_QUAL + 1, np.int64),
        vaf=np.zeros(k.VAF_BINS + 1, np.int64),
        changes=np.zeros((4, 4), np.int64),
        indels=np.zeros(2 * k.MOST_INDEL_BP + 1, np.int64),
        pure=np.zeros(k.N_PURE),
    )


class QualityTally:
    """Counts of one sample's gVCF, segment by segment in genome order."""

    def __init__(self, targets: Sequence[NamedRegion] = ()) -> None:
        """`targets`: intervals whose coverage is wanted, each by itself."""
        self._contigs: dict[str, NDArray[np.int64]] = {}
        self._het_hom: dict[str, NDArray[np.int64]] = {}
        self._reached = ("", 0)
        self._depths = np.zeros(k.MOST_DEPTH + 1, np.int64)
        self._calls = _no_counts()
        self._targets = [_ContigTargets.of(contig, rows) for contig, rows in _by_contig(targets).items()]
        self._union = [target.union() for target in self._targets]

    def add(self, segment: Segment) -> None:
        """Count the lines of `segment`, which are sound."""
        contig, lines = segment.contig, segment.lines[:, 2]
        if not len(lines):
            return
        reached = self._reached[1] if self._reached[0] == contig else 0
        spans = np.empty((len(lines), k.N_SPAN), np.int64)
        het_hom = self._het_hom.setdefault(contig, np.zeros(2, np.int64))
        end = k.count_quality(
            np.frombuffer(segment.text, np.uint8), lines, reached, contig not in _NOT_AUTOSOMES, spans,
            self._calls, het_hom,
        )  # fmt: skip
        self._reached = (contig, int(end))
        bp = np.maximum(spans[:, k.SPAN_END] - spans[:, k.SPAN_START], 0)
        row = self._contigs.setdefault(contig, np.zeros(len(_COVERAGE), np.int64))
        row[0] += bp.sum()
        row[1:] += spans[:, k.SPAN_SUM :].sum(axis=0)
        mean = np.rint(spans[:, k.SPAN_SUM] / np.maximum(bp, 1)).astype(np.int64)
        self._depths += np.bincount(
            np.minimum(mean, k.MOST_DEPTH), weights=bp, minlength=k.MOST_DEPTH + 1
        ).astype(np.int64)
        for target in (*self._targets, *self._union):
            if target.contig == contig:
                k.spread_spans(spans, target.starts, target.ends, target.highest, target.found)

    def facts(self) -> dict[str, Any]:
        """What was counted, as JSON knows it."""
        total = sum(self._contigs.values(), np.zeros(len(_COVERAGE), np.int64))
        found: dict[str, Any] = {
            "coverage": {
                "all": _coverage_row(total),
                "contigs": {name: _coverage_row(row) for name, row in self._contigs.items()},
                "depths": _trimmed(self._depths),
            },
            "calls": self._call_facts(),
            "contamination": contamination_of(self._calls.pure),
            "sex": sex_of({name: _coverage_row(row) for name, row in self._contigs.items()}, self._het_hom),
        }
        if self._targets:
            found["targets"] = self._target_facts(total)
        return found

    def _call_facts(self) -> dict[str, Any]:
        calls = self._calls
        n = calls.counts
        return {
            "pass": int(n[k.PASSED]),
            "het_snp": int(n[k.HET_SNP]),
            "hom_snp": int(n[k.HOM_SNP]),
            "het_indel": int(n[k.HET_INDEL]),
            "hom_indel": int(n[k.HOM_INDEL]),
            "haploid": int(n[k.HAPLOID]),
            "multiallelic": int(n[k.MULTIALLELIC]),
            "ti": int(n[k.TI]),
            "tv": int(n[k.TV]),
            "insertions": int(calls.indels[k.MOST_INDEL_BP + 1 :].sum()),
            "deletions": int(calls.indels[: k.MOST_INDEL_BP].sum()),
            "changes": {
                f"{a}>{b}": int(calls.changes[i, j])
                for i, a in enumerate("ACGT")
                for j, b in enumerate("ACGT")
                if i != j
            },
            "indel_lengths": {
                str(i - k.MOST_INDEL_BP): int(count) for i, count in enumerate(calls.indels) if count
            },
            "gq": _trimmed(calls.gq),
            "dp": _trimmed(calls.dp),
            "qual": _trimmed(calls.qual),
            "vaf": calls.vaf.tolist(),
        }

    def _target_facts(self, total: NDArray[np.int64]) -> dict[str, Any]:
        union = sum((t.found.sum(axis=0) for t in self._union), np.zeros(len(_COVERAGE)))
        union_bp = sum(int((t.ends - t.starts).sum()) for t in self._union)
        rows = [
            {"name": name, "region": f"{t.contig}:{start + 1}-{end}", **_coverage_row(row, int(end - start))}
            for t in self._targets
            for name, start, end, row in zip(t.names, t.starts, t.ends, t.found, strict=True)
        ]
        return {
            "all": _coverage_row(union, union_bp),
            "depth_share": round(float(union[1] / total[1]), 5) if total[1] else None,
            "intervals": rows,
        }


@dataclass(frozen=True, slots=True)
class _ContigTargets:
    """Intervals of one contig by start, and what was found in each: float64 (T, len(_COVERAGE))."""

    contig: str
    names: list[str]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    highest: NDArray[np.int64]
    found: NDArray[np.float64]

    @classmethod
    def of(cls, contig: str, rows: Sequence[tuple[int, int, str]]) -> "_ContigTargets":
        rows = sorted(rows)
        starts = np.array([start for start, _, _ in rows], np.int64)
        ends = np.array([end for _, end, _ in rows], np.int64)
        found = np.zeros((len(rows), len(_COVERAGE)))
        return cls(contig, [name for _, _, name in rows], starts, ends, np.maximum.accumulate(ends), found)

    def union(self) -> "_ContigTargets":
        """The same bases, each once."""
        merged: list[tuple[int, int, str]] = []
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]), "")
            else:
                merged.append((start, end, ""))
        return _ContigTargets.of(self.contig, merged)


def _by_contig(targets: Sequence[NamedRegion]) -> dict[str, list[tuple[int, int, str]]]:
    found: dict[str, list[tuple[int, int, str]]] = {}
    for target in targets:
        region = target.region
        found.setdefault(region.contig, []).append((region.start, region.end, target.name))
    return found


def _coverage_row(row: NDArray[Any], bp: int | None = None) -> dict[str, Any]:
    """Bases, mean depth, shares of bases at each depth and callable ones; of `bp` bases, not all called."""
    n = float(row[0] if bp is None else bp)
    shares = {
        name: round(float(x) / n, 6) if n else None for name, x in zip(_COVERAGE[2:], row[2:], strict=True)
    }
    return {"bp": int(n), "mean_depth": round(float(row[1]) / n, 3) if n else None, **shares}


def _trimmed(counts: NDArray[np.int64]) -> list[int]:
    """Counts up to the last that is not 0."""
    used = np.flatnonzero(counts)
    return counts[: used[-1] + 1].tolist() if len(used) else []


def contamination_of(pure: NDArray[np.float64]) -> dict[str, Any]:
    """Share of reads that come from another person, from REF reads at homozygous SNPs (see `count_quality`).

    There a read of REF is an error or another person's. Errors are half the reads of the two bases that
    are neither allele; what is left, over REFERENCE_SHARE, is the estimate.

    Args:
        pure: float64 (N_PURE,), see `count_quality`.
    """
    n = int(pure[k.PURE_SITES])
    if n < LEAST_PURE_SITES:
        return {"sites": n, "estimate": None, "standard_error": None}
    share = pure[k.PURE_SHARE] / n
    error = 0.5 * pure[k.PURE_OTHER] / (pure[k.PURE_REF] + pure[k.PURE_ALT] + pure[k.PURE_OTHER])
    spread = math.sqrt(max(pure[k.PURE_SQUARE] / n - share * share, 0.0) / n)
    return {
        "sites": n,
        "reference_reads": round(share, 6),
        "error": round(error, 6),
        "estimate": round(max(0.0, share - error) / REFERENCE_SHARE, 5),
        "standard_error": round(spread / REFERENCE_SHARE, 5),
    }


def sex_of(
    contigs: Mapping[str, Mapping[str, Any]], het_hom: Mapping[str, NDArray[np.int64]]
) -> dict[str, Any] | None:
    """Depth of X and Y over that of autosomes, and heterozygotes of X; None without X or autosomes."""
    depth = {
        kind: _mean_depth(contigs, names)
        for kind, names in (("X", X_NAMES), ("Y", Y_NAMES), ("other", set(contigs) - _NOT_AUTOSOMES))
    }
    if depth["X"] is None or not depth["other"]:
        return None
    x = depth["X"] / depth["other"]
    y = None if depth["Y"] is None else depth["Y"] / depth["other"]
    x_sites = sum((het_hom[name] for name in X_NAMES & het_hom.keys()), np.zeros(2, np.int64))
    return {
        "x_depth": round(x, 4),
        "y_depth": None if y is None else round(y, 4),
        "x_het": int(x_sites[0]),
        "x_hom": int(x_sites[1]),
    }


def _mean_depth(contigs: Mapping[str, Mapping[str, Any]], names: set[str] | frozenset[str]) -> float | None:
    found = [contigs[name] for name in contigs if name in names and contigs[name]["bp"]]
    bp = sum(row["bp"] for row in found)
    return sum(row["bp"] * row["mean_depth"] for row in found) / bp if bp else None


def target_rows(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table of targets of one sample's facts."""
    return list((facts.get("targets") or {}).get("intervals", []))


def write_target_table(facts: Mapping[str, Any], path: Path) -> None:
    """Write the coverage of each target as TSV."""
    columns = ("name", "region", *_coverage_row(np.zeros(len(_COVERAGE))))
    lines = ["\t".join(columns)]
    for row in target_rows(facts):
        lines.append("\t".join("" if row[c] is None else str(row[c]) for c in columns))
    path.write_text("\n".join(lines) + "\n")
