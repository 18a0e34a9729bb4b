"""Copies of each base by sex: haploid X and Y of males outside the pseudo-autosomal regions."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.ploidy import MITOCHONDRIAL_NAMES

# Pseudo-autosomal regions, 0-based half-open, by (contig, length): GRCh37 and GRCh38 (GRC).
_PAR = {
    ("X", 155_270_560): ((60_000, 2_699_520), (154_931_043, 155_260_560)),
    ("X", 156_040_895): ((10_000, 2_781_479), (155_701_382, 156_030_895)),
    ("Y", 59_373_566): ((10_000, 2_649_520), (59_034_049, 59_363_566)),
    ("Y", 57_227_415): ((10_000, 2_781_479), (56_887_902, 57_217_415)),
}


def sex_chromosome(contig: str) -> str:
    """ "X", "Y" or "" for a contig name."""
    name = contig.removeprefix("chr").upper()
    return name if name in ("X", "Y") else ""


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
    for start, end in _PAR.get((which, contig_length), ()):
        in_par |= (positions >= start) & (positions < end)
    for i, sex in enumerate(sexes):
        if sex:
            outside = 1 if sex == "XY" else (2 if which == "X" else -1)
            # the PAR of Y is masked or a copy of X's: whoever has X there is diploid
            ploidy[:, i] = np.where(in_par, 2 if (which == "X" or sex == "XY") else -1, outside)
    return ploidy
