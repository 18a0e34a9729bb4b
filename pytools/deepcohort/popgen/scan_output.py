"""What a scan leaves: tables, BED, JSON, MultiQC content and the page."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.popgen.archive import PopModel
from deepcohort.popgen.misfit import alarm
from deepcohort.popgen.scan import Scan, Window
from deepcohort.popgen.scan_report import multiqc_content, scan_page


def write_scan(output: str | Path, found: Scan, model: PopModel) -> None:
    """Write windows.tsv, details.tsv, windows.bed, scan.json, scan.html and MultiQC content."""
    output = Path(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepcohortError(f"output folder {output} cannot be made: {error}") from error
    for line in found.notes:
        print(f"popgen scan: {line}", file=sys.stderr)
    finals = [
        output / n
        for n in (
            "windows.tsv",
            "details.tsv",
            "windows.bed",
            "scan.json",
            "popgen_scan_mqc.json",
            "samples.tsv",
        )
    ]
    with atomic_outputs(*finals) as [windows, details, bed, summary, multiqc, samples]:
        windows.write_text(_windows_text(found, model))
        details.write_text(_details_text(found, model))
        bed.write_text(_bed_text(found))
        samples.write_text(_samples_text(found))
        summary.write_text(json.dumps(_summary(found, model), indent=1) + "\n")
        multiqc.write_text(json.dumps(multiqc_content(found, model), indent=1) + "\n")
    scan_page(output / "scan.html", found, model)


def _rows(found: Scan) -> Iterator[tuple[Window, int, int]]:
    """Windows, their number of SNPs, and their row among the judged (-1 = not judged)."""
    row = 0
    for window, n, judged in zip(found.windows, found.n_snps, found.judged, strict=True):
        yield window, int(n), row if judged else -1
        row += int(judged)


def _windows_text(found: Scan, model: PopModel) -> str:
    lines = ["\t".join(["contig", "start", "end", "n_snps", *(f"p_{label}" for label in model.labels)])]
    for w, n, row in _rows(found):
        p = [f"{v:.6g}" for v in found.judgement.p[row]] if row >= 0 else ["nan"] * len(model.labels)
        lines.append("\t".join([w.contig, str(w.start), str(w.end), str(n), *p]))
    return "\n".join(lines) + "\n"


def _details_text(found: Scan, model: PopModel) -> str:
    quantiles = model.about["quantiles"]
    shown = [quantiles.index(q) for q in (0.05, 0.5, 0.95)]
    head = ["contig", "start", "end", "misfit", "score", "rank_p", "null_p", "q"]
    head += [f"{p['name']}_{q:g}" for p in model.about["parameters"] for q in (0.05, 0.5, 0.95)]
    head += list(model.about["statistics"])
    lines = ["\t".join(head)]
    for w, _, row in _rows(found):
        if row < 0:
            continue
        values = [
            found.judgement.misfit[row],
            *(getattr(found.extremes, name)[row] for name in ("score", "rank", "p", "q")),
            *found.judgement.quantiles[row][:, shown].ravel(),
            *found.features[row],
        ]
        lines.append("\t".join([w.contig, str(w.start), str(w.end), *(f"{v:.5g}" for v in values)]))
    return "\n".join(lines) + "\n"


def _samples_text(found: Scan) -> str:
    lines = ["sample\tpc1\tpc2\tembedding1\tembedding2"]
    for name, row in zip(found.samples, found.places, strict=True):
        lines.append("\t".join([name, *(f"{v:.5g}" for v in row)]))
    return "\n".join(lines) + "\n"


def _bed_text(found: Scan) -> str:
    """BED with 1,000 times the probability of anything but the first class as score."""
    lines = []
    for w, n, row in _rows(found):
        if row >= 0:
            lines.append(
                f"{w.contig}\t{w.start}\t{w.end}\t{n}_snps\t{round(1000 * (1 - found.judgement.p[row, 0]))}"
            )
    return "\n".join(lines) + "\n"


def _summary(found: Scan, model: PopModel) -> dict[str, Any]:
    share, raised = alarm(found.judgement.misfit)
    names = model.about["statistics"]
    outside = model.familiar.outside(found.features)
    worst = np.argsort(-outside, kind="stable")[:5]
    return {
        "model": model.about["name"],
        "version": model.about["version"],
        "windows": len(found.windows),
        "judged": int(found.judged.sum()),
        "called": {
            label: int((found.judgement.p.argmax(axis=1) == k).sum()) for k, label in enumerate(model.labels)
        },
        "misfit": {
            "share_of_windows": share,
            "alarm": raised,
            "statistics_outside": {names[i]: round(float(outside[i]), 4) for i in worst},
        },
        "background_known": found.extremes.known,
        "outliers": found.extremes.outliers,
        "notes": found.notes,
    }
