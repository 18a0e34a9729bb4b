"""What flows through the room: simulated loci, observed matrices, windows of a cohort."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = 255  # in observed matrices
FULL = 200  # an observed row that surely carries only the derived (or ALT) allele


@dataclass(frozen=True, slots=True)
class Rows:
    """Who the columns of a locus are.

    Attributes:
        group: int16 (R,), index of the time point or population of each row, ascending.
        names: of the groups. ages_years: of the groups, 0 = present.
        copies: haplotypes that each row stands for (1; more where only counts are kept).
    """

    group: NDArray[np.int16]
    names: tuple[str, ...]
    ages_years: tuple[float, ...]
    copies: NDArray[np.int16]

    def slices(self) -> list[slice]:
        """Rows of each group."""
        edges = np.searchsorted(self.group, np.arange(len(self.names) + 1))
        return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]

    def facts(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "names": list(self.names),
            "ages_years": list(self.ages_years),
            "rows": [s.stop - s.start for s in self.slices()],
            "copies": [int(self.copies[s][0]) for s in self.slices()],
        }


@dataclass(frozen=True, slots=True)
class Locus:
    """One locus: derived alleles by site and row.

    Attributes:
        alleles: uint8 (S, R), copies of the derived allele. positions: float64 (S,), bp, ascending.
    """

    alleles: NDArray[np.uint8]
    positions: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Loci:
    """N simulated loci, ragged in sites.

    Attributes:
        alleles: uint8 (total sites, R). positions: float32 (total sites,), bp.
        offsets: int64 (N + 1,), of the sites of each locus.
        label: int16 (N,), index of the scenario. parameters: float32 (N, P), NaN where a scenario has none.
        seed: uint64 (N,). rows: who the columns are.
    """

    alleles: NDArray[np.uint8]
    positions: NDArray[np.float32]
    offsets: NDArray[np.int64]
    label: NDArray[np.int16]
    parameters: NDArray[np.float32]
    seed: NDArray[np.uint64]
    rows: Rows

    def __len__(self) -> int:
        return len(self.label)

    def locus(self, index: int) -> Locus:
        """One of them."""
        part = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return Locus(self.alleles[part], self.positions[part].astype(np.float64))


def join_loci(parts: list[Loci]) -> Loci:
    """Loci of several shards, in order."""
    sizes = np.concatenate([np.diff(p.offsets) for p in parts])
    return Loci(
        np.concatenate([p.alleles for p in parts]),
        np.concatenate([p.positions for p in parts]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([p.label for p in parts]),
        np.concatenate([p.parameters for p in parts]),
        np.concatenate([p.seed for p in parts]),
        parts[0].rows,
    )


@dataclass(frozen=True, slots=True)
class Observed:
    """What a sequencer and a caller leave of a locus.

    Attributes:
        matrix: uint8 (S, R), FULL times the expected share of derived (or ALT) alleles, MISSING = not seen.
        positions: float64 (S,), bp from the start of the window. length_bp: of the window.
        group: int16 (R,), as in Rows. phased: rows are haplotypes; otherwise individuals.
        copies: int16 (R,), haplotypes behind a row.
    """

    matrix: NDArray[np.uint8]
    positions: NDArray[np.float64]
    length_bp: float
    group: NDArray[np.int16]
    copies: NDArray[np.int16]
    phased: bool = True


@dataclass(frozen=True, slots=True)
class Encoded:
    """Examples as the network takes them.

    Attributes:
        pixels: uint8 (N, C, R, W). features: float32 (N, F). label: int16 (N,).
        parameters: float32 (N, P), standardised later; NaN where a scenario has none.
    """

    pixels: NDArray[np.uint8]
    features: NDArray[np.float32]
    label: NDArray[np.int16]
    parameters: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: NDArray[Any]) -> "Encoded":
        """Those of `rows` (indices or mask)."""
        return Encoded(self.pixels[rows], self.features[rows], self.label[rows], self.parameters[rows])
