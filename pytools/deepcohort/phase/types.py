"""What the phase room takes and hands on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Evidence:
    """What fragments say at the heterozygous sites of one contig: H sites, M entries.

    Attributes:
        contig: name.
        pos: int64 (H,), 0-based POS of the sites, ascending, each once.
        fragment: uint64 (M,), hash of the fragment's name.
        site: int32 (M,), index into `pos`.
        odds: int8 (M,), log10 odds that the fragment carries the genotype's first allele (the lower
            number) rather than the second, times UNITS_PER_LOG10.
        Entries stand in the order of (fragment, site); none is zero, and none is there twice.
    """

    contig: str
    pos: NDArray[np.int64]
    fragment: NDArray[np.uint64]
    site: NDArray[np.int32]
    odds: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.pos)


@dataclass(frozen=True, slots=True)
class Phases:
    """Phased sites of one contig, P sites ascending.

    Attributes:
        pos: int64 (P,), 0-based POS. flipped: bool (P,), whether the first haplotype of the block carries
            the genotype's second allele (GT 1|0). block: int64 (P,), 0-based POS of the block's first site.
        quality: int32 (P,), phred, of the site's phase within its block.
    """

    contig: str
    pos: NDArray[np.int64]
    flipped: NDArray[np.bool_]
    block: NDArray[np.int64]
    quality: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.pos)
