"""How real simulated reads are: the same measurements on real and on simulated reads."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.simulate.compare_plot import plot_curves
from deepcohort.simulate.curve import Curve
from deepcohort.simulate.kernels import MAX_COPIES, find_tracts
from deepcohort.simulate.kernels_learn import Tracts, count_bases, count_slips
from deepcohort.simulate.learn import Evidence, gather_evidence

_CYCLES = 400
_MAX_RUN = 16
_AF_EDGES = np.array([0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.01])
_DEPTH_EDGES = np.arange(0, 2.6, 0.1)  # in units of the median


def compare_reads(
    real: Path,
    simulated: Path,
    reference: Path,
    output: Path,
    truth: Path | None = None,
    simulated_reference: Path | None = None,
    simulated_truth: Path | None = None,
) -> dict[str, float]:
    """Write comparison.tsv, summary.tsv and comparison.png to folder `output`.

    Returns, per measurement, the ratio of simulated to real (weighted by the real counts).

    Raises:
        DeepcohortError: unusable reads, or an output that is not a folder.
    """
    if output.exists() and not output.is_dir():
        raise DeepcohortError(f"{output} is not a folder; give one to --output")
    real_curves = measure(gather_evidence([real], reference, truth))
    simulated_curves = measure(
        gather_evidence([simulated], simulated_reference or reference, simulated_truth)
    )
    output.mkdir(parents=True, exist_ok=True)
    summary = {a.name: _ratio(a, b) for a, b in zip(real_curves, simulated_curves, strict=True)}
    names = ("comparison.tsv", "summary.tsv", "comparison.png")
    with atomic_outputs(*(output / n for n in names)) as (table, brief, picture):
        _write_table(table, real_curves, simulated_curves)
        lines = [f"{name}\t{ratio:.3f}\t{_distance(a, b):.3f}" for (name, ratio), a, b in
                 zip(summary.items(), real_curves, simulated_curves, strict=True)]  # fmt: skip
        brief.write_text("\n".join(["measurement\tsimulated_over_real\tdistance", *lines]) + "\n")
        plot_curves(picture, real_curves, simulated_curves)
    return summary


def measure(evidence: list[Evidence]) -> list[Curve]:
    """All curves of one set of reads, in a fixed order."""
    bases = [count_bases(e.reads.reference, e.masked, e.aligned, _CYCLES, 3) for e in evidence]
    by_cycle = sum(b[0] for b in bases)
    by_context = sum(b[1] for b in bases)
    quality = by_cycle.sum(axis=(0, 1))
    cycle = by_cycle.sum(axis=2)
    right = np.arange(64) % 4
    all_context = by_context.sum(axis=(1, 2))
    wrong_context = all_context - by_context.sum(axis=1)[np.arange(64), right]
    words = ["".join("ACGT"[(k >> s) & 3] for s in (4, 2, 0)) for k in range(64)]
    depth_of_quality = by_cycle[..., 0].sum(axis=1)
    mean_quality = (depth_of_quality * np.arange(128)).sum(axis=1) / np.maximum(
        1, depth_of_quality.sum(axis=1)
    )
    curves = [
        _rate("mismatches by cycle, read 1", "cycle", range(1, _CYCLES + 1), cycle[0, :, 1], cycle[0, :, 0]),
        _rate("mismatches by cycle, read 2", "cycle", range(1, _CYCLES + 1), cycle[1, :, 1], cycle[1, :, 0]),
        _rate("mismatches by quality", "phred", range(128), quality[:, 1], quality[:, 0]),
        _rate("mismatches by context", "two bases before, base", words, wrong_context, all_context),
        _share("base qualities", "phred", range(128), quality[:, 0]),
    ]
    curves.append(
        Curve(
            "mean quality by mate",
            "mate",
            ["1", "2"],
            mean_quality,
            depth_of_quality.sum(axis=1).astype(float),
        )
    )
    return curves + _run_curves(evidence) + _site_curves(evidence) + _read_curves(evidence)


def _run_curves(evidence: list[Evidence]) -> list[Curve]:
    """Indel rates by length of the run of equal bases, and of dinucleotide repeats."""
    passages = np.zeros(6 * MAX_COPIES)
    changes = np.zeros((6 * MAX_COPIES, 2))
    for e in evidence:
        left, _ = find_tracts(e.reads.reference)
        starts = np.flatnonzero(left)
        index = left[starts].astype(np.int64)
        ends = starts + (index // MAX_COPIES + 1) * (index % MAX_COPIES)
        blocked = np.zeros(len(starts), bool)
        for _ in range(2):  # as in learning: tracts whose true length differs are left out
            tracts = Tracts(starts, ends, index, blocked)
            n, change, per_tract = count_slips(tracts, e.aligned, 6 * MAX_COPIES, 4)
            worst = per_tract.max(axis=1)
            blocked |= (worst >= 3) & (worst > (0.2 + 0.012 * (index % MAX_COPIES)) * n)
        passages += np.bincount(index, weights=n, minlength=6 * MAX_COPIES)
        changes += change.sum(axis=2)
    run = slice(1, _MAX_RUN + 1)
    pair = slice(MAX_COPIES + 3, MAX_COPIES + 3 + 10)
    return [
        _rate(
            "deletions by homopolymer length", "bp", range(1, _MAX_RUN + 1), changes[run, 0], passages[run]
        ),
        _rate(
            "insertions by homopolymer length", "bp", range(1, _MAX_RUN + 1), changes[run, 1], passages[run]
        ),
        _rate(
            "indels by dinucleotide copies", "copies", range(3, 13), changes[pair].sum(axis=1), passages[pair]
        ),
    ]


def _site_curves(evidence: list[Evidence]) -> list[Curve]:
    """Allele fractions of false candidates per Mb, and evenness of depth."""
    snp, gap = np.zeros(len(_AF_EDGES) - 1), np.zeros(len(_AF_EDGES) - 1)
    depths = np.zeros(len(_DEPTH_EDGES) - 1)
    examined = 0
    for e in evidence:
        both = e.pile.sum(axis=1).astype(np.float64)
        bases = both[:, :4].copy()
        depth = bases.sum(axis=1) + both[:, 4]
        known = e.reads.reference < 4
        bases[np.flatnonzero(known), e.reads.reference[known]] = 0
        able = known & (depth >= 8) & ~e.reads.truth
        examined += int(able.sum())
        alt, indel = bases.max(axis=1), both[:, 4:].max(axis=1)
        # anchors of deletions alone: a deletion of n bases is one candidate
        opens = np.concatenate([[True], both[1:, 4] > both[:-1, 4]]) | (both[:, 5] > 0)
        snp += np.histogram((alt / np.maximum(depth, 1))[able & (alt >= 2)], _AF_EDGES)[0]
        gap += np.histogram((indel / np.maximum(depth, 1))[able & (indel >= 2) & opens], _AF_EDGES)[0]
        relative = depth[known] / max(1.0, float(np.median(depth[known & (depth > 0)])))
        depths += np.histogram(relative, _DEPTH_EDGES)[0]
    x = [f"{a:g}" for a in _AF_EDGES[:-1]]
    n = np.full(len(x), float(examined))
    per_mb = 1e6 / max(1, examined)
    axis = "allele fraction from"
    return [
        Curve("false SNP candidates per Mb by allele fraction", axis, x, snp * per_mb, n),
        Curve("false indel candidates per Mb by allele fraction", axis, x, gap * per_mb, n),
        _share("depth over median", "depth", [f"{a:.1f}" for a in _DEPTH_EDGES[:-1]], depths),
    ]  # fmt: skip


def _read_curves(evidence: list[Evidence]) -> list[Curve]:
    """Fragment lengths, mapping qualities and soft clips."""
    sizes = np.concatenate([e.reads.tlen[(e.reads.tlen > 0) & (e.reads.flag & 0x902 == 2)] for e in evidence])
    edges = np.arange(0, 1_020, 20)
    mapq = np.concatenate([e.reads.mapq[e.reads.flag & 0x900 == 0] for e in evidence])
    clips = []
    for e in evidence:
        clipped = np.concatenate([[0], np.cumsum((e.reads.cigar_op == 4) * e.reads.cigar_len)])
        per_read = clipped[e.reads.cigar_offset[1:]] - clipped[e.reads.cigar_offset[:-1]]
        clips.append(per_read[e.use])
    clip_edges = np.array([0, 1, 5, 10, 20, 40, 80, 1_000_000])
    clip_counts = np.histogram(np.concatenate(clips), clip_edges)[0]
    names = ["0", "1-4", "5-9", "10-19", "20-39", "40-79", "80+"]
    return [
        _share("fragment length", "bp", edges[:-1], np.histogram(sizes, edges)[0]),
        _share("mapping quality", "phred", range(0, 70, 10), np.histogram(mapq, np.arange(0, 80, 10))[0]),
        _share("soft-clipped bases per read", "bp", names, clip_counts),
    ]


def _rate(name: str, axis: str, x: object, k: NDArray, n: NDArray) -> Curve:
    return Curve(name, axis, [str(v) for v in x], k / np.maximum(n, 1), n.astype(np.float64))  # type: ignore[attr-defined]


def _share(name: str, axis: str, x: object, n: NDArray) -> Curve:
    n = n.astype(np.float64)
    return Curve(name, axis, [str(v) for v in x], n / max(1.0, n.sum()), n)  # type: ignore[attr-defined]


def _ratio(real: Curve, simulated: Curve) -> float:
    """Simulated over real, averaged with the real weights."""
    below = float((real.value * real.n).sum())
    return float((simulated.value * real.n).sum()) / below if below else float("nan")


def _distance(real: Curve, simulated: Curve) -> float:
    """Half the summed difference of the two curves scaled to 1 each: 0 alike, 1 disjoint."""
    a, b = (c.value * real.n if c.n.max() != c.n.min() else c.value for c in (real, simulated))
    if not a.sum() or not b.sum():
        return float("nan")
    return float(np.abs(a / a.sum() - b / b.sum()).sum() / 2)


def _write_table(path: Path, real: list[Curve], simulated: list[Curve]) -> None:
    lines = ["measurement\taxis\tat\treal\treal_n\tsimulated\tsimulated_n"]
    for a, b in zip(real, simulated, strict=True):
        for i, x in enumerate(a.x):
            if a.n[i] or b.n[i]:
                lines.append(
                    f"{a.name}\t{a.axis}\t{x}\t{a.value[i]:.6g}\t{a.n[i]:.0f}\t{b.value[i]:.6g}\t{b.n[i]:.0f}"
                )
    path.write_text("\n".join(lines) + "\n")
