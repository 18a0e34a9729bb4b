"""What the room of fingerprints hands on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FingerprintSites:
    """SNPs of a panel, N in the order of the reference.

    Attributes:
        contig: name of each. pos: int64 (N,), 0-based. ref, alt: a base each.
        frequency: float64 (N, 1 + P), of ALT: in all, then by population; NaN is replaced by that in all.
        stretch: int64 (N,), number of the stretch of linked sites that each lies in.
        populations: P names. is_x: bool (N,), on X outside the pseudo-autosomal regions.
        digest: of all this: fingerprints can be compared where it is the same.
    """

    contig: tuple[str, ...]
    pos: NDArray[np.int64]
    ref: tuple[str, ...]
    alt: tuple[str, ...]
    frequency: Floats
    populations: tuple[str, ...]
    is_x: NDArray[np.bool_]
    stretch: NDArray[np.int64]
    digest: str

    def __len__(self) -> int:
        return len(self.pos)

    def n_stretches(self, rows: NDArray[np.bool_]) -> int:
        """Stretches of which there are `rows`."""
        return len(np.unique(self.stretch[rows]))

    def weight(self, rows: NDArray[np.bool_]) -> float:
        """What each of `rows` tells, as a share of what a site apart from others would."""
        return self.n_stretches(rows) / max(int(rows.sum()), 1)


@dataclass(frozen=True, slots=True)
class AlleleReads:
    """Fragments that show REF, ALT and another base at N sites, int32 (N,) each."""

    ref: Counts
    alt: Counts
    other: Counts

    def __add__(self, more: "AlleleReads") -> "AlleleReads":
        return AlleleReads(self.ref + more.ref, self.alt + more.alt, self.other + more.other)

    @property
    def depth(self) -> Counts:
        """REF and ALT."""
        return self.ref + self.alt


@dataclass(frozen=True, slots=True)
class Unit:
    """Reads that came together: a file, or one read group of it ("" = the whole file)."""

    file: str
    group: str
    reads: AlleleReads

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.file} (read group {self.group})" if self.group else self.file


@dataclass(frozen=True, slots=True)
class Contamination:
    """Share of foreign reads: estimate and 95 % interval; None where too little is known.

    `inbreeding`: the share of the own heterozygotes that is missing, fitted beside it.
    """

    estimate: float | None = None
    low: float = 0.0
    high: float = 1.0
    inbreeding: float = 0.0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the reads of one sample say at the sites.

    Attributes:
        sample: its name. digest: of the sites.
        persons: names of the units of each person found, the one with most reads first.
        reads: of each person.
        odds: log10 that each person but the first is the first one (far below 0: another).
        error: of a read to show the other allele. het_share: of ALT at heterozygous sites.
        contamination: of the first person's reads.
        population: nearest, "" where none is told. population_odds: log10 over the second. second: its name.
        column: of the frequencies that were taken.
        sex, sex_from: XX, XY, NA; depth, SNPs of X, or both. sex_note: where the two differ.
        sites, stretches: autosomal ones with reads. depth: mean over all autosomal sites.
    """

    sample: str
    digest: str
    persons: tuple[tuple[str, ...], ...]
    reads: tuple[AlleleReads, ...]
    odds: tuple[float, ...]
    error: float
    het_share: float
    contamination: Contamination
    population: str = ""
    population_odds: float = 0.0
    second: str = ""
    column: int = 0
    sex: str = "NA"
    sex_from: str = ""
    sex_note: str = ""
    sites: int = 0
    stretches: int = 0
    depth: float = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two samples (or persons among a sample's reads): kinship by likelihood.

    Attributes:
        one, other: names. sites: with reads of both. odds: log10 of one person against two unrelated ones.
        k0, k1, k2: shares of the genome with so many alleles common by descent.
        observed: same person, parent-child, siblings, second degree, unrelated or "" (too few sites).
        expected: parent-child, siblings or "". check: ok, MISMATCH, unexpected or "".
    """

    one: str
    other: str
    sites: int
    odds: float
    k0: float
    k1: float
    k2: float
    observed: str
    expected: str = ""
    check: str = ""

    @property
    def kinship(self) -> float:
        """0.5 of a person with itself, 0.25 of parent and child."""
        return self.k1 / 4 + self.k2 / 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sample's fingerprint judged beside the others: what is wrong with it, a line of warning each."""

    fingerprint: Fingerprint
    status: str
    warnings: tuple[str, ...] = field(default=())
    contaminant: str = ""
