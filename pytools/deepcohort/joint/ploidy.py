"""Copies of each base by sex: haploid X and Y of males outside the pseudo-autosomal regions."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.genome import MITOCHONDRIAL_NAMES, pseudo_autosomal, sex_chromosome


def expected_ploidy(
    contig: str, contig_length: int, positions: NDArray[np.int64], sexes: list[str]
) -> NDArray[np.int8]:
    """Ploidy of each sample at each position.

    Args:
        positions: int64 (S,), 0-based. sexes: "XX", "XY" or "" (unknown) of N samples.

    Returns:
        int8 (S, N): 1 (also for mitochondria) or 2; 0 = as the gVCF says (other contigs; X and Y of
        unknown sex); -1 = the sample has no such contig (Y of a female).
    """
    which = sex_chromosome(contig)
    if contig in MITOCHONDRIAL_NAMES:
        return np.ones((len(positions), len(sexes)), dtype=np.int8)
    if not which:
        return np.zeros((len(positions), len(sexes)), dtype=np.int8)
    ploidy = np.zeros((len(positions), len(sexes)), dtype=np.int8)
    in_par = np.zeros(len(positions), dtype=np.bool_)
    for start, end in pseudo_autosomal(contig, contig_length):
        in_par |= (positions >= start) & (positions < end)
    for i, sex in enumerate(sexes):
        if sex:
            outside = 1 if sex == "XY" else (2 if which == "X" else -1)
            # the PAR of Y is masked or a copy of X's: whoever has X there is diploid
            ploidy[:, i] = np.where(in_par, 2 if (which == "X" or sex == "XY") else -1, outside)
    return ploidy
