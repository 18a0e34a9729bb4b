"""Recombination maps at random: hotspots of 2 kb hold a share of all crossovers.

A locus is simulated in genetic coordinates, stretched to its length in bp, in which crossovers fall evenly;
the mutation rate follows the map there, and sites are brought back to bp.
"""

from dataclasses import dataclass

import msprime
import numpy as np
from numpy.typing import NDArray

_HOTSPOT_BP = 2_000.0
_BETWEEN_BP = 25_000.0  # mean distance of hotspots


@dataclass(frozen=True, slots=True)
class CrossoverMap:
    """Breakpoints float64 (K,) in bp and in genetic coordinates, both from 0 to the length of the locus."""

    physical: NDArray[np.float64]
    genetic: NDArray[np.float64]

    def to_genetic(self, position: float) -> float:
        """Genetic coordinate of a place in bp."""
        return float(np.interp(position, self.physical, self.genetic))

    def to_physical(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places in bp of genetic coordinates."""
        return np.asarray(np.interp(positions, self.genetic, self.physical))

    def mutation_map(self, rate: float) -> msprime.RateMap:
        """Mutation rate per genetic unit, `rate` per bp."""
        return msprime.RateMap(
            position=self.genetic, rate=rate * np.diff(self.physical) / np.diff(self.genetic)
        )


def draw_map(length_bp: float, share: float, rng: np.random.Generator) -> CrossoverMap:
    """A map with hotspots at random places, of exponential strengths, that hold `share` of the crossovers."""
    n = max(1, int(rng.poisson(length_bp / _BETWEEN_BP)))
    width = min(_HOTSPOT_BP, length_bp / 4)
    starts = rng.uniform(0, length_bp - width, n)
    strength = rng.exponential(size=n)
    strength *= share / strength.sum()
    physical = np.unique(np.concatenate([[0.0, length_bp], starts, starts + width]))
    genetic = (1 - share) * physical
    for start, own in zip(starts, strength, strict=True):
        genetic += own * length_bp * np.clip((physical - start) / width, 0, 1)
    genetic[-1] = length_bp
    return CrossoverMap(physical, genetic)
