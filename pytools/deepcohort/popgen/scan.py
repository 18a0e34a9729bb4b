"""Windows of a cohort to class probabilities, parameters, statistics and misfit; without torch."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.progress import track
from deepcohort.popgen.archive import Judge, Judgement, PopModel
from deepcohort.popgen.encode import encode_windows
from deepcohort.popgen.io_scan import ContigGenotypes, open_cohort, read_contigs, read_groups
from deepcohort.popgen.misfit import ALARM_P, ALARM_SHARE, alarm
from deepcohort.popgen.observe import posterior_shares, variable_matrix
from deepcohort.popgen.samples import (
    LEAST_SAMPLES,
    genetic_covariance,
    neighbour_embedding,
    principal_components,
)
from deepcohort.popgen.types import Observed

LEAST_SNPS = 5
LEAST_HAPLOTYPES = 8
LOW_DEPTH = 15.0  # mean reads below which likelihoods say more than genotypes
SOURCES = ("auto", "gt", "pl")
_PICTURE_SITES = 2_000  # of a contig
_PICTURE_SAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a contig (0-based, half-open) and the SNPs within, as indices of the contig's."""

    contig: str
    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Scan:
    """A finished scan: windows, SNPs that vary in each, what the model says, statistics, notes for people.

    `judged`: bool (N,), windows with enough SNPs; the arrays of `judgement` and `features` are of those.
    `places`: float64 (samples, 4), two principal components and the two axes of the neighbour embedding.
    """

    windows: list[Window]
    n_snps: NDArray[np.int64]
    judged: NDArray[np.bool_]
    judgement: Judgement
    features: NDArray[np.float32]
    notes: list[str]
    samples: list[str]
    places: NDArray[np.float64]


def windows_of(contig: ContigGenotypes, window_bp: int, step_bp: int) -> list[Window]:
    """Windows over the stretch of a contig that has SNPs; a contig shorter than two windows is one."""
    length, pos = contig.length_bp, contig.positions
    if length < 2 * window_bp:
        spans = [(0, length)]
    else:
        first = max(0, (int(pos[0]) - window_bp) // step_bp + 1) * step_bp
        starts = range(first, min(int(pos[-1]) + 1, length - window_bp + step_bp), step_bp)
        spans = sorted({(min(s, length - window_bp), min(s, length - window_bp) + window_bp) for s in starts})
    edges = [np.searchsorted(pos, span) for span in spans]
    return [Window(contig.contig, *span, int(a), int(b)) for span, (a, b) in zip(spans, edges, strict=True)]


class Chooser:
    """Which samples stand for each group of the model, the same in all windows."""

    def __init__(self, model: PopModel, samples: list[str], groups: dict[str, str] | None) -> None:
        """Settle rows.

        Raises:
            DeepcohortError: a model of several groups without a list, or groups that do not fit.
        """
        rows = model.about["rows"]
        names: list[str] = rows["names"]
        self.notes: list[str] = []
        if len(names) == 1:
            members = [np.arange(len(samples))]
        else:
            given = groups or {}
            if not set(given.values()) >= set(names):
                raise DeepcohortError(
                    f"model {model.path} has the groups {', '.join(names)}; name them in --samples "
                    "(SAMPLE TAB GROUP)"
                )
            members = [np.array([i for i, s in enumerate(samples) if given.get(s) == g]) for g in names]
        self.wanted = [int(n) for n in rows["rows"]]
        self.members = [self._spread(m, n, g) for m, n, g in zip(members, self.wanted, names, strict=True)]

    def _spread(self, members: NDArray[np.int64], haplotypes: int, group: str) -> NDArray[np.int64]:
        """Samples that give `haplotypes` when diploid, evenly over the list; fewer are noted."""
        if 2 * len(members) < LEAST_HAPLOTYPES and haplotypes >= LEAST_HAPLOTYPES:
            raise DeepcohortError(
                f"group {group} has {len(members)} samples; popgen scan needs at least "
                f"{LEAST_HAPLOTYPES // 2}"
            )
        wanted = -(-haplotypes // 2)
        if len(members) < wanted:
            self.notes.append(
                f"{group}: {len(members)} samples instead of the {wanted} that the model was trained with; "
                "probabilities are less sure than they claim"
            )
            return members
        if len(members) > wanted:
            self.notes.append(
                f"{group}: {wanted} of {len(members)} samples stand for all, as many as in training"
            )
        return members[np.linspace(0, len(members) - 1, wanted).round().astype(int)]


def observe_window(
    genotypes: ContigGenotypes, window: Window, chooser: Chooser, polarised: bool, use_pl: bool
) -> Observed:
    """A window as the model was taught to see them."""
    part = slice(window.first, window.last)
    shares, groups, copies = [], [], []
    chosen = np.concatenate(chooser.members)
    alleles = genotypes.alleles[part][:, chosen]
    haploid = alleles[..., 1] == -2
    all_haploid = bool(haploid.all()) if alleles.size else False
    homozygous = (alleles[..., 0] == alleles[..., 1]) | haploid
    missing = (alleles[..., 0] == -1) | (alleles[..., 1] == -1)
    phased = all_haploid or bool((genotypes.phased[part][:, chosen] | homozygous | missing).all())
    # unphased files mark nothing: without any heterozygote phase is unknown, and does not matter
    phased = phased and (all_haploid or bool(genotypes.phased[part][:, chosen].any()))
    start = 0
    for k, members in enumerate(chooser.members):
        own = alleles[:, start : start + len(members)]
        if phased and not use_pl:
            flat = own.reshape(len(own), -1) if not all_haploid else own[..., 0]
            share = np.where(flat < 0, np.nan, flat.astype(np.float64))
            share = share[:, : chooser.wanted[k]]
            n_copies = 1
        else:
            share = _individual_shares(genotypes, part, members, own, use_pl)
            n_copies = 2
        shares.append(share)
        groups.append(np.full(share.shape[1], k, np.int16))
        copies.append(np.full(share.shape[1], n_copies, np.int16))
        start += len(members)
    matrix, positions = variable_matrix(
        np.concatenate(shares, axis=1),
        np.concatenate(copies),
        genotypes.positions[part].astype(np.float64) - window.start,
        polarised,
    )
    return Observed(
        matrix, positions, float(window.end - window.start), np.concatenate(groups), np.concatenate(copies),
        phased and not use_pl,
    )  # fmt: skip


def _individual_shares(
    genotypes: ContigGenotypes, part: slice, members: NDArray[np.int64], own: NDArray[np.int8], use_pl: bool
) -> NDArray[np.float64]:
    if use_pl and genotypes.pl is not None:
        pl = genotypes.pl[part][:, members].astype(np.float64)
        unseen = np.isnan(pl).any(axis=-1) | (np.nan_to_num(pl).max(axis=-1) == 0)
        return posterior_shares(np.nan_to_num(pl) * (-np.log(10) / 10), unseen)
    known = own >= 0
    n = known.sum(axis=-1)
    total = np.where(known, own, 0).sum(axis=-1)
    return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)


def scan(
    vcf: str | Path,
    model: PopModel,
    sample_list: str | Path | None = None,
    source: str = "auto",
    window_bp: int = 0,
    step_bp: int = 0,
    threads: int = 1,
    quiet: bool = False,
) -> Scan:
    """Scan a cohort VCF. `source`: genotypes (gt), likelihoods (pl), or by depth (auto).

    Raises:
        DeepcohortError: a model of unlinked SNPs, a VCF without genotypes, samples or groups that do not fit,
            no window with enough SNPs, likelihoods asked for that are not there.
    """
    encoding = model.encoding
    if encoding.unlinked:
        raise DeepcohortError(
            f"model {model.path} judges unlinked SNPs of whole samples, not windows; scan with a model "
            "of loci"
        )
    if source not in SOURCES:
        raise DeepcohortError(f"--genotypes {source} is unknown; choose from {', '.join(SOURCES)}")
    window_bp = window_bp or encoding.locus_bp
    step_bp = step_bp or max(1, window_bp // 2)
    groups = read_groups(sample_list) if sample_list is not None else None
    reader, samples = open_cohort(vcf, list(groups) if groups else None)
    chooser = Chooser(model, samples, groups)
    judge = Judge(model, threads)
    notes = list(chooser.notes)
    windows: list[Window] = []
    counts: list[int] = []
    parts: list[tuple[Judgement, NDArray[np.float32]]] = []
    thinned: list[NDArray[np.float64]] = []
    for genotypes in track(read_contigs(reader, vcf, source != "gt"), None, "scanning, contigs", quiet):
        use_pl = _use_pl(genotypes, source, str(vcf))
        found = windows_of(genotypes, window_bp, step_bp)
        thinned.append(_thinned_shares(genotypes))
        for chunk in _chunks(found, 64):
            seen = [observe_window(genotypes, w, chooser, model.observation.polarised, use_pl) for w in chunk]
            windows += chunk
            counts += [len(o.positions) for o in seen]
            rich = [o for o in seen if len(o.positions) >= LEAST_SNPS]
            _check_phase(model, rich)
            if rich:
                pixels, features = encode_windows(rich, encoding)
                parts.append((judge(pixels, features), features))
    if not parts:
        raise DeepcohortError(
            f"VCF {vcf}: no window has {LEAST_SNPS} biallelic SNPs that vary among the samples and pass "
            "filters; "
            "nothing can be judged"
        )
    n_snps = np.array(counts, np.int64)
    judged = n_snps >= LEAST_SNPS
    if not judged.all():
        notes.append(
            f"{int((~judged).sum())} of {len(judged)} windows have fewer than {LEAST_SNPS} SNPs: not judged"
        )
    judgement = Judgement(
        *(np.concatenate([getattr(j, name) for j, _ in parts]) for name in ("p", "quantiles", "misfit"))
    )
    share, raised = alarm(judgement.misfit)
    if raised:
        notes.append(
            f"misfit: {100 * share:.0f} % of windows lie outside what was simulated (p < {ALARM_P}, "
            "more than "
            f"{100 * ALARM_SHARE:.0f} % raise this alarm); do not trust the probabilities, train on a "
            "history and "
            "an observation like your data"
        )
    features = np.concatenate([f for _, f in parts])
    return Scan(
        windows, n_snps, judged, judgement, features, notes, samples, _places(np.concatenate(thinned))
    )


def _thinned_shares(genotypes: ContigGenotypes) -> NDArray[np.float64]:
    """ALT shares (sites, samples) of at most 2,000 sites of a contig, evenly, NaN = missing."""
    n = len(genotypes.positions)
    rows = np.unique(np.linspace(0, n - 1, min(n, _PICTURE_SITES)).astype(int))
    own = genotypes.alleles[rows]
    known = own >= 0
    count = known.sum(axis=-1)
    total = np.where(known, own, 0).sum(axis=-1)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _places(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two principal components and two axes of the embedding (samples, 4); the embedding of at most 2,000."""
    components, _ = principal_components(genetic_covariance(share))
    out = np.full((share.shape[1], 4), np.nan)
    out[:, :2] = components[:, :2]
    if LEAST_SAMPLES <= len(components) <= _PICTURE_SAMPLES:
        out[:, 2:] = neighbour_embedding(components)
    return out


def _check_phase(model: PopModel, windows: list[Observed]) -> None:
    taught = model.observation.phased
    if any((taught == "yes" and not o.phased) or (taught == "no" and o.phased) for o in windows):
        needed = "haplotypes" if taught == "yes" else "unphased genotypes"
        raise DeepcohortError(
            f"model {model.path} was trained on {needed}, which this VCF does not have; train with "
            "--observe phased=both, or use a shipped model"
        )


def _use_pl(genotypes: ContigGenotypes, source: str, vcf: str) -> bool:
    if source == "gt":
        return False
    if source == "pl":
        if genotypes.pl is None:
            raise DeepcohortError(f"VCF {vcf}: contig {genotypes.contig} has no PL; scan with --genotypes gt")
        return True
    deep = genotypes.depth is None or float(np.nanmean(genotypes.depth)) >= LOW_DEPTH
    return genotypes.pl is not None and not deep


def _chunks(items: list[Window], n: int) -> Iterator[list[Window]]:
    for start in range(0, len(items), n):
        yield items[start : start + n]


def write_scan(output: str | Path, found: Scan, model: PopModel) -> None:
    """Write windows.tsv, details.tsv, windows.bed, scan.json, scan.html and MultiQC content."""
    from deepcohort.popgen.scan_report import multiqc_content, scan_page

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
    head = ["contig", "start", "end", "misfit"]
    head += [f"{p['name']}_{q:g}" for p in model.about["parameters"] for q in (0.05, 0.5, 0.95)]
    head += list(model.about["statistics"])
    lines = ["\t".join(head)]
    for w, _, row in _rows(found):
        if row < 0:
            continue
        values = [
            found.judgement.misfit[row],
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
        "notes": found.notes,
    }
