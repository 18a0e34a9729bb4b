"""Windows of a cohort to class probabilities, parameters, statistics and misfit; without torch."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.progress import track
from deepcohort.core.sample_places import (
    LEAST_SAMPLES,
    genetic_covariance,
    neighbour_embedding,
    principal_components,
)
from deepcohort.formats.table import read_table
from deepcohort.popgen.archive import Judge, Judgement, PopModel
from deepcohort.popgen.background import LEAST_WINDOWS
from deepcohort.popgen.config import Encoding, Observation
from deepcohort.popgen.encode import encode_windows, image_shape
from deepcohort.popgen.io_scan import ContigGenotypes, open_cohort, read_contigs, read_groups
from deepcohort.popgen.io_zarr import ZarrCohort, is_zarr
from deepcohort.popgen.misfit import ALARM_P, ALARM_SHARE, alarm
from deepcohort.popgen.null import Extremes, extremes_notes, extremes_of
from deepcohort.popgen.observe import posterior_shares, variable_matrix
from deepcohort.popgen.types import Observed

LEAST_SNPS = 5
LEAST_HAPLOTYPES = 8
LOW_DEPTH = 15.0  # mean reads below which likelihoods say more than genotypes
SOURCES = ("auto", "gt", "pl")
_DERIVED = (
    "the model counts derived alleles, and ALT is taken for the derived one everywhere; scan a VCF whose REF "
    "is ancestral, or train with --observe polarised=false"
)
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
    `extremes`: how extreme these windows are.
    `places`: float64 (samples, 4), two principal components and the two axes of the neighbour embedding.
    """

    windows: list[Window]
    n_snps: NDArray[np.int64]
    judged: NDArray[np.bool_]
    judgement: Judgement
    extremes: Extremes
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
        self.names, self.pools = names, members
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
        if len(members) > wanted:
            self.notes.append(
                f"{group}: {wanted} of {len(members)} samples stand for all, as many as in training"
            )
        return _evenly(members, wanted)

    def members_in(self, alleles: NDArray[np.int8]) -> list[NDArray[np.int64]]:
        """Samples of each group in a window of `alleles` (S, samples, 2): more where all are haploid."""
        if not alleles.size or (alleles[..., 1] != -2).any():
            return self.members
        for group, whole, wanted in zip(self.names, self.pools, self.wanted, strict=True):
            line = (
                f"{group}: {len(whole)} haplotypes on haploid contigs instead of the {wanted} that the model "
                "was trained with; probabilities are less sure than they claim there"
            )
            if len(whole) < wanted and line not in self.notes:
                self.notes.append(line)
        return [_evenly(whole, wanted) for whole, wanted in zip(self.pools, self.wanted, strict=True)]


def _evenly(members: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """`n` of `members`, evenly over the list; all where they are no more."""
    if len(members) <= n:
        return members
    return members[np.linspace(0, len(members) - 1, n).round().astype(int)]


def observe_window(
    genotypes: ContigGenotypes, window: Window, chooser: Chooser, observation: Observation, use_pl: bool
) -> Observed:
    """A window as the model was taught to see them by `observation`."""
    part = slice(window.first, window.last)
    shares, groups, copies = [], [], []
    chosen_by_group = chooser.members_in(genotypes.alleles[part])
    chosen = np.concatenate(chosen_by_group)
    alleles = genotypes.alleles[part][:, chosen]
    single = (alleles[..., 1] == -2).all(axis=0)  # samples of one copy throughout: males on X
    all_haploid = bool(single.all()) if alleles.size else False
    phased = all_haploid or (observation.phased != "no" and _is_phased(genotypes, part, chosen))
    start = 0
    for k, members in enumerate(chosen_by_group):
        own, mine = alleles[:, start : start + len(members)], single[start : start + len(members)]
        if phased and not use_pl:
            there = np.stack([np.ones(len(mine), bool), ~mine], axis=1).ravel()
            flat = own.reshape(len(own), -1)[:, there]
            share = np.where(flat < 0, np.nan, flat.astype(np.float64))
            share = share[:, : chooser.wanted[k]]
            n_copies = np.ones(share.shape[1], np.int16)
        else:
            share = _individual_shares(genotypes, part, members, own, use_pl)
            n_copies = np.where(mine, 1, 2).astype(np.int16)
        shares.append(share)
        groups.append(np.full(share.shape[1], k, np.int16))
        copies.append(n_copies)
        start += len(members)
    matrix, positions = variable_matrix(
        np.concatenate(shares, axis=1),
        np.concatenate(copies),
        genotypes.positions[part].astype(np.float64) - window.start,
        observation.polarised,
    )
    return Observed(
        matrix, positions, float(window.end - window.start), np.concatenate(groups), np.concatenate(copies),
        phased and (all_haploid or not use_pl),
    )  # fmt: skip


def _is_phased(genotypes: ContigGenotypes, part: slice, chosen: NDArray[np.int64]) -> bool:
    """Whether the genotypes of a stretch are haplotypes: all heterozygotes phased, a sample's in one set."""
    alleles = genotypes.alleles[part][:, chosen]
    haploid = alleles[..., 1] == -2
    missing = (alleles == -1).any(axis=-1)
    marked = genotypes.phased[part][:, chosen] & ~haploid
    alone = (alleles[..., 0] == alleles[..., 1]) | haploid | missing
    # unphased files mark nothing: without any heterozygote phase is unknown, and does not matter
    if not (marked | alone).all() or not marked.any():
        return False
    if genotypes.sets is None:
        return True
    sets, most = genotypes.sets[part][:, chosen], np.iinfo(np.int64).max
    least = np.where(alone, most, sets).min(axis=0)
    return bool((np.where(alone, -most, sets).max(axis=0) <= least).all())


def _individual_shares(
    genotypes: ContigGenotypes, part: slice, members: NDArray[np.int64], own: NDArray[np.int8], use_pl: bool
) -> NDArray[np.float64]:
    if use_pl and genotypes.pl is not None:
        pl = genotypes.pl[part][:, members].astype(np.float64)
        absent = np.isnan(pl)
        haploid = (own[..., 1] == -2) & absent[..., 2] & ~absent[..., :2].any(axis=-1)
        unseen = (absent.any(axis=-1) & ~haploid) | (np.nan_to_num(pl).max(axis=-1) == 0)
        log_l = np.nan_to_num(pl) * (-np.log(10) / 10)
        log_l[haploid] = np.insert(log_l[haploid][:, :2], 1, -np.inf, axis=1)
        return posterior_shares(log_l, unseen, haploid if haploid.any() else None)
    known = own >= 0
    n = known.sum(axis=-1)
    total = np.where(known, own, 0).sum(axis=-1)
    return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)


def _check_choices(model: PopModel, source: str) -> None:
    if model.encoding.unlinked:
        raise DeepcohortError(
            f"model {model.path} judges unlinked SNPs of whole samples, not windows; scan with a model "
            "of loci"
        )
    if source not in SOURCES:
        raise DeepcohortError(f"--genotypes {source} is unknown; choose from {', '.join(SOURCES)}")


@dataclass(slots=True)
class _SeenWindows:
    """Windows of the contigs that were read, and what is kept of those with enough SNPs."""

    windows: list[Window] = field(default_factory=list)
    n_snps: list[int] = field(default_factory=list)
    held: list[bytes] = field(default_factory=list)  # images, until the whole genome says its background
    features: list[NDArray[np.float32]] = field(default_factory=list)
    thinned: list[NDArray[np.float64]] = field(default_factory=list)

    def add(
        self, genotypes: ContigGenotypes, found: list[Window], model: PopModel, chooser: Chooser, use_pl: bool
    ) -> None:
        """Observe the windows `found` of one contig."""
        self.thinned.append(_thinned_shares(genotypes))
        for chunk in _chunks(found, 64):
            seen = [observe_window(genotypes, w, chooser, model.observation, use_pl) for w in chunk]
            self.windows += chunk
            self.n_snps += [len(o.positions) for o in seen]
            rich = [o for o in seen if len(o.positions) >= LEAST_SNPS]
            _check_phase(model, rich, genotypes.contig)
            if rich:
                pixels, features = encode_windows(rich, model.encoding)
                self.held.append(zlib.compress(pixels.tobytes(), 1))
                self.features.append(features)


def scan(
    vcf: str | Path,
    model: PopModel,
    sample_list: str | Path | None = None,
    source: str = "auto",
    window_bp: int = 0,
    step_bp: int = 0,
    threads: int = 1,
    quiet: bool = False,
    background: str | Path | None = None,
) -> Scan:
    """Scan a cohort VCF. `source`: genotypes (gt), likelihoods (pl), or by depth (auto).

    background: folder of an earlier scan with this model, whose windows are the null in place of these.

    Raises:
        DeepcohortError: a model of unlinked SNPs, a VCF without genotypes, samples or groups that do not fit,
            no window with enough SNPs, likelihoods asked for that are not there, another model's background.
    """
    _check_choices(model, source)
    window_bp = window_bp or model.encoding.locus_bp
    step_bp = step_bp or max(1, window_bp // 2)
    known = None if background is None else read_background(background, model)
    groups = read_groups(sample_list) if sample_list is not None else None
    contigs, samples = _opened(vcf, list(groups) if groups else None, source != "gt")
    chooser = Chooser(model, samples, groups)
    judge = Judge(model, threads)
    observed = _SeenWindows()
    for genotypes in track(contigs, None, "scanning, contigs", quiet):
        use_pl = _use_pl(genotypes, source, str(vcf))
        observed.add(genotypes, windows_of(genotypes, window_bp, step_bp), model, chooser, use_pl)
    if not observed.features:
        raise DeepcohortError(
            f"VCF {vcf}: no window has {LEAST_SNPS} biallelic SNPs that vary among the samples and pass "
            "filters; nothing can be judged"
        )
    n_snps = np.array(observed.n_snps, np.int64)
    features = np.concatenate(observed.features)
    context = _context(model, features if known is None else known[1])
    judgement = _judged(judge, observed.held, observed.features, model.encoding, context)
    extremes = _extremes(model, judgement, features, context, None if known is None else known[0])
    notes = [
        *([_DERIVED] if model.observation.polarised else []),
        *chooser.notes,
        *_notes_on(n_snps, judgement),
        *extremes_notes(extremes, judgement.p, model.background is not None),
    ]
    return Scan(
        observed.windows,
        n_snps,
        n_snps >= LEAST_SNPS,
        judgement,
        extremes,
        features,
        notes,
        samples,
        _places(np.concatenate(observed.thinned)),
    )


def _notes_on(n_snps: NDArray[np.int64], judgement: Judgement) -> list[str]:
    """Notes on windows that were not judged, and on those that are unlike the simulated ones."""
    notes = []
    judged = n_snps >= LEAST_SNPS
    if not judged.all():
        notes.append(
            f"{int((~judged).sum())} of {len(judged)} windows have fewer than {LEAST_SNPS} SNPs: not judged"
        )
    share, raised = alarm(judgement.misfit)
    if raised:
        notes.append(
            f"misfit: {100 * share:.0f} % of windows lie outside what was simulated (p < {ALARM_P}, "
            f"more than {100 * ALARM_SHARE:.0f} % raise this alarm); do not trust the probabilities, train "
            "on a history and an observation like your data"
        )
    return notes


def _context(model: PopModel, features: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Context of a genome by the statistics of its windows; None where it is unknown."""
    if model.background is None or len(features) < LEAST_WINDOWS:
        return None
    return model.background.context(features)


def _judged(
    judge: Judge,
    held: list[bytes],
    parts: list[NDArray[np.float32]],
    encoding: Encoding,
    context: NDArray[np.float64] | None,
) -> Judgement:
    """Judgement of all windows, chunk by chunk."""
    found = []
    for packed, features in zip(held, parts, strict=True):
        pixels = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(-1, *image_shape(encoding))
        found.append(judge(pixels, features, context))
    return Judgement(
        *(np.concatenate([getattr(j, name) for j in found]) for name in ("p", "quantiles", "misfit"))
    )


def _extremes(
    model: PopModel,
    judgement: Judgement,
    features: NDArray[np.float32],
    context: NDArray[np.float64] | None,
    others: NDArray[np.float64] | None,
) -> Extremes:
    phased = features[:, [model.about["statistics"].index("phased")]]
    known = phased if context is None else np.column_stack([phased, np.tile(context, (len(phased), 1))])
    has = context is not None
    return extremes_of(judgement.p, model.null(has), known, has, others)


def _opened(
    path: str | Path, wanted: list[str] | None, with_pl: bool
) -> tuple[Iterator[ContigGenotypes], list[str]]:
    """Contigs and samples of a VCF, BCF or VCF Zarr."""
    if is_zarr(path):
        cohort = ZarrCohort(path, wanted)
        return cohort.contigs(with_pl), cohort.samples
    reader, samples = open_cohort(path, wanted)
    return read_contigs(reader, path, with_pl), samples


def read_background(folder: str | Path, model: PopModel) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Scores (N,) and statistics (N, F) of the windows of an earlier scan.

    Raises:
        DeepcohortError: no scan, or one with another model.
    """
    folder = Path(folder)
    try:
        version = json.loads((folder / "scan.json").read_text())["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeepcohortError(
            f"background {folder} is no folder of deepcohort popgen scan ({error}); check --background"
        ) from error
    if version != model.about["version"]:
        raise DeepcohortError(
            f"background {folder} was scanned with model {version}, this scan uses {model.about['version']}; "
            "scan both with one model"
        )
    columns = ("score", *model.about["statistics"])
    rows = read_table(folder / "details.tsv", "details of a scan", columns)
    values = np.array([[row.real(c) for c in columns] for row in rows]).reshape(len(rows), len(columns))
    return values[:, 0], values[:, 1:].astype(np.float32)


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


def _check_phase(model: PopModel, windows: list[Observed], contig: str) -> None:
    taught = model.observation.phased
    if any((taught == "yes" and not o.phased) or (taught == "no" and o.phased) for o in windows):
        needed, there = "haplotypes", "has genotypes without phase"
        if taught == "no":
            needed, there = "diploid individuals", "is haploid"
        raise DeepcohortError(
            f"model {model.path} was trained on {needed}, and contig {contig} {there}; train with "
            "--observe phased=both, use a shipped model, or leave the contig out"
        )


def _use_pl(genotypes: ContigGenotypes, source: str, vcf: str) -> bool:
    if source == "gt":
        return False
    if source == "pl":
        if genotypes.pl is None:
            raise DeepcohortError(f"VCF {vcf}: contig {genotypes.contig} has no PL; scan with --genotypes gt")
        return True
    known = np.empty(0) if genotypes.depth is None else genotypes.depth[~np.isnan(genotypes.depth)]
    deep = not len(known) or float(known.mean()) >= LOW_DEPTH
    return genotypes.pl is not None and not deep


def _chunks(items: list[Window], n: int) -> Iterator[list[Window]]:
    for start in range(0, len(items), n):
        yield items[start : start + n]
