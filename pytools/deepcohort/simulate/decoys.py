"""The rest of the genome: diverged copies that lend and steal reads.

A slice of a genome has no elsewhere. Decoys are copies of pieces of the reference, known to the
aligner but not part of the output: reads cross over in both directions with the mapping qualities
that a real aligner gives. Hidden paralogs are copies that the aligner does not know: all their reads
pile up on the reference (collapsed duplications).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.config import DecoyConfig
from deepcohort.simulate.kernels import find_tracts
from deepcohort.simulate.types import Genome, Haplotype

_FLANK_BP = 700  # unrelated sequence around each copy, so that fragments cross its ends
DECOY_PREFIX = "decoy__"


@dataclass(frozen=True, slots=True)
class DecoySequences:
    """Copies of reference pieces. `origin` (contig, start, end) of each, 0-based half-open."""

    copies: list[Haplotype]
    origin: list[tuple[str, int, int]]
    depth_share: list[float]  # relative to the sample's coverage


def make_shadow(
    genome: Genome,
    fraction: float,
    divergence: tuple[float, float],
    size_bp: tuple[int, int],
    rng: np.random.Generator,
) -> DecoySequences:
    """Copies that make up `fraction` of the genome; `divergence` and `size_bp` are drawn log-uniformly."""
    lengths = np.array([len(c) for c in genome.contigs.values()], np.float64)
    names = list(genome.contigs)
    shadow = DecoySequences([], [], [])
    left = fraction * lengths.sum()
    for _ in range(10_000):
        if left <= 0:
            break
        name = names[rng.choice(len(names), p=lengths / lengths.sum())]
        size = int(np.exp(rng.uniform(*np.log(size_bp))))
        reference = genome.contigs[name]
        if len(reference) < 2 * size:
            continue
        if size > left and rng.random() > left / size:
            break  # so that small genomes get their share on average
        start = int(rng.integers(0, len(reference) - size))
        piece = reference[start : start + size]
        if (piece > 3).any():
            continue
        shadow.copies.append(_diverge(piece, float(np.exp(rng.uniform(*np.log(divergence)))), rng))
        shadow.origin.append((name, start, start + size))
        shadow.depth_share.append(float(rng.uniform(0.5, 1.0)))
        left -= size
    return shadow


def decoys_and_paralogs(
    genome: Genome, config: DecoyConfig, seed: int
) -> tuple[DecoySequences, DecoySequences]:
    """Decoys and hidden paralogs of `genome`, the same for every sample of a cohort."""
    rng = np.random.default_rng([seed, 14])
    return (
        make_shadow(genome, config.decoy_fraction, config.decoy_divergence, config.decoy_size_bp, rng),
        make_shadow(genome, config.hidden_fraction, config.hidden_divergence, config.hidden_size_bp, rng),
    )


def _diverge(piece: NDArray[np.uint8], divergence: float, rng: np.random.Generator) -> Haplotype:
    """`piece` with substitutions and a tenth as many small indels, between unrelated flanks."""
    codes = piece.copy()
    hit = rng.random(len(codes)) < divergence
    codes[hit] = (codes[hit] + rng.choice([1, 2, 2, 3], int(hit.sum()))) % 4
    keep = np.ones(len(codes), np.int64)
    for at in np.flatnonzero(rng.random(len(codes)) < divergence / 10):
        n = int(rng.geometric(0.5))
        if rng.random() < 0.5:
            keep[at : at + n] = 0
        else:
            keep[at] = 1 + n
    codes = np.repeat(codes, keep)
    flanks = rng.integers(0, 4, (2, _FLANK_BP)).astype(np.uint8)
    codes = np.concatenate([flanks[0], codes, flanks[1]])
    left, right = find_tracts(codes)
    return Haplotype(codes, np.arange(len(codes), dtype=np.int32), left, right)
