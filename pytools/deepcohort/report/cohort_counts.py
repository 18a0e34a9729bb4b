"""Counts that a pass over a cohort VCF gathers: samples, sites, families, X and Y."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.genome import is_of_both_parents, sex_chromosome
from deepcohort.report.cohort_config import CohortStatsConfig
from deepcohort.report.io_cohort import CohortSite

_TRANSITIONS = {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}
_STAR = "*"


@dataclass(slots=True)
class SampleCounts:
    """Per sample, int64 (N,) each, over PASS sites.

    `het`, `hom_alt`: non-reference genotypes; `snp`, `insertion`, `deletion`: alternate alleles carried
    by kind (each once per site); `ti`, `tv`: of the SNP ones; `singleton`: carried by nobody else;
    `x_het`, `x_called` (diploid genotypes), `y_called`: outside the pseudo-autosomal regions.
    """

    called: NDArray[np.int64]
    missing: NDArray[np.int64]
    hom_ref: NDArray[np.int64]
    het: NDArray[np.int64]
    hom_alt: NDArray[np.int64]
    snp: NDArray[np.int64]
    insertion: NDArray[np.int64]
    deletion: NDArray[np.int64]
    ti: NDArray[np.int64]
    tv: NDArray[np.int64]
    singleton: NDArray[np.int64]
    de_novo: NDArray[np.int64]
    dp_sum: NDArray[np.int64]
    dp_n: NDArray[np.int64]
    gq_sum: NDArray[np.int64]
    gq_n: NDArray[np.int64]
    x_het: NDArray[np.int64]
    x_called: NDArray[np.int64]
    autosome_het: NDArray[np.int64]
    autosome_called: NDArray[np.int64]
    y_called: NDArray[np.int64]

    @classmethod
    def zeros(cls, n: int) -> "SampleCounts":
        """All counts 0 for `n` samples."""
        return cls(**{name: np.zeros(n, dtype=np.int64) for name in cls.__dataclass_fields__})


@dataclass(slots=True)
class SiteCounts:
    """Of the cohort: sites by FILTER and kind, and the spectrum of allele counts.

    `spectrum[kind][AC, AN]` counts alternate alleles of PASS sites, kind "SNP" or "INDEL".
    """

    by_filter: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    spectrum: dict[str, Counter[tuple[int, int]]] = field(
        default_factory=lambda: {"SNP": Counter(), "INDEL": Counter()}
    )
    y_sites: int = 0


def allele_kind(ref: str, alt: str) -> str:
    """SNP, MNP, INS, DEL or OTHER (`*`, symbolic)."""
    if alt == _STAR or alt.startswith("<"):
        return "OTHER"
    if len(ref) == len(alt):
        changed = sum(a != b for a, b in zip(ref, alt, strict=True))
        return "SNP" if changed == 1 else "MNP"
    return "INS" if len(alt) > len(ref) else "DEL"


def is_transition(ref: str, alt: str) -> bool:
    """Whether the one base that differs is a transition."""
    return any((a, b) in _TRANSITIONS for a, b in zip(ref, alt, strict=True) if a != b)


def count_site(site: CohortSite, samples: SampleCounts, sites: SiteCounts, index: dict[str, int]) -> None:
    """Add one site to the counts; sites that do not pass count in `by_filter` only."""
    sites.by_filter["PASS" if site.passed else "filtered"] += 1
    if not site.passed:
        return
    gt = site.gt
    first, second = gt[:, 0], gt[:, 1]
    haploid = second == -2
    called = (first >= 0) & ((second >= 0) | haploid)
    het = called & ~haploid & (first != second)
    hom_ref = called & (first == 0) & ((second == 0) | haploid)
    samples.called += called
    samples.missing += ~called
    samples.hom_ref += hom_ref
    samples.het += het
    samples.hom_alt += called & ~het & ~hom_ref
    samples.dp_sum += np.maximum(site.dp, 0)
    samples.dp_n += site.dp >= 0
    told = called & (site.gq >= 0)
    samples.gq_sum += np.where(told, site.gq, 0)
    samples.gq_n += told
    where = sex_chromosome(site.contig)
    if site.pseudo_autosomal:
        pass  # two copies in everyone: it says nothing of the sex, and is no autosome's
    elif where == "X":
        samples.x_het += het
        samples.x_called += called & ~haploid
    elif where == "Y":
        samples.y_called += called
        sites.y_sites += 1
    else:
        samples.autosome_het += het
        samples.autosome_called += called
    for name in site.de_novo:
        if name in index:
            samples.de_novo[index[name]] += 1
    an = int((gt >= 0).sum())
    kinds = set()
    for allele, alt in enumerate(site.alts, start=1):
        kind = allele_kind(site.ref, alt)
        if kind == "OTHER":
            continue
        copies = (first == allele).astype(np.int64) + (second == allele)
        ac = int(copies.sum())
        carriers = copies > 0
        kinds.add(kind)
        if ac == 0:
            continue
        if carriers.sum() == 1:
            samples.singleton += carriers
        if kind == "SNP":
            transition = is_transition(site.ref, alt)
            sites.kinds["ti" if transition else "tv"] += 1
            samples.snp += carriers
            (samples.ti if transition else samples.tv)[carriers] += 1
        elif kind in ("INS", "DEL"):
            (samples.insertion if kind == "INS" else samples.deletion)[carriers] += 1
        if kind != "MNP":
            sites.spectrum["SNP" if kind == "SNP" else "INDEL"][ac, an] += 1
    for kind in kinds:
        sites.kinds[kind] += 1
    if len([alt for alt in site.alts if alt != _STAR]) > 1:
        sites.kinds["multiallelic"] += 1


@dataclass(frozen=True, slots=True)
class Trio:
    """Sample rows of a child and both parents."""

    family: str
    child: int
    father: int
    mother: int


def is_mendelian(child: NDArray[np.int16], father: NDArray[np.int16], mother: NDArray[np.int16]) -> bool:
    """Whether a diploid child's complete genotype can come from its parents'."""
    a, b = child
    return bool((a in father and b in mother) or (b in father and a in mother))


def count_trios(
    site: CohortSite, trios: list[Trio], checked: NDArray[np.int64], wrong: NDArray[np.int64]
) -> None:
    """Add the autosomal PASS site to checked (T, 2) and wrong (T, 2): columns SNP and INDEL.

    Only trios of three complete diploid genotypes of which one is not reference count.
    """
    if not trios or not site.passed or not is_of_both_parents(site.contig):
        return
    column = 0 if all(allele_kind(site.ref, alt) in ("SNP", "OTHER") for alt in site.alts) else 1
    for i, trio in enumerate(trios):
        rows = site.gt[[trio.child, trio.father, trio.mother]]
        if (rows < 0).any() or not rows.any():
            continue
        checked[i, column] += 1
        wrong[i, column] += not is_mendelian(rows[0], rows[1], rows[2])


class GenotypeMatrix:
    """Copies of ALT at common biallelic SNPs of autosomes, an even sample of the genome."""

    def __init__(self, config: CohortStatsConfig) -> None:
        self._config = config
        self._rows: list[NDArray[np.int8]] = []
        self._stride = 1
        self._seen = 0

    def add(self, site: CohortSite) -> None:
        """Take the site if it is suitable and its turn."""
        if not site.passed or len(site.alts) != 1 or sex_chromosome(site.contig):
            return
        if allele_kind(site.ref, site.alts[0]) != "SNP":
            return
        gt = site.gt
        called = (gt >= 0).all(axis=1)
        if called.sum() < (1.0 - self._config.max_missing) * len(gt):
            return
        copies = np.where(called, gt.sum(axis=1), -1).astype(np.int8)
        frequency = copies[called].sum() / (2.0 * called.sum())
        if min(frequency, 1.0 - frequency) < self._config.min_frequency:
            return
        if self._seen % self._stride == 0:
            self._rows.append(copies)
        self._seen += 1
        if len(self._rows) > self._config.max_matrix_sites:
            self._rows = self._rows[::2]
            self._stride *= 2

    def array(self, n_samples: int) -> NDArray[np.int8]:
        """int8 (sites, N), -1 missing."""
        return np.array(self._rows, dtype=np.int8) if self._rows else np.zeros((0, n_samples), dtype=np.int8)
