"""What the simulate room hands on and passes around."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.region import Region

ABSENT = -1  # this copy of the contig does not exist at this site (haploid sex chromosome)


@dataclass(frozen=True, slots=True)
class Person:
    """One sample: `sex` is XX or XY; `father` and `mother` are sample names, or "" for founders."""

    name: str
    sex: str
    family: str = ""
    father: str = ""
    mother: str = ""


@dataclass(frozen=True, slots=True)
class SiteTable:
    """Truth of one contig for all samples: S sites, sorted, disjoint, left-aligned and parsimonious.

    Attributes:
        contig: name.
        pos: int64 (S,), 0-based position of the first REF base.
        ref_len: int32 (S,), bp of REF; records never overlap.
        site_offset: int64 (S+1,), maps sites to alternates (A in all).
        alt_offset: int64 (A+1,); alt_seq: uint8 flat base codes of the alternates.
        gt: int8 (S, H), allele index of haplotype copies; sample i owns columns 2i and 2i+1
            (2i from the mother, 2i+1 from the father, for children); ABSENT where haploid.
        de_novo: int16 (S,), index of the sample in which the variant arose, or -1.
    """

    contig: str
    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    site_offset: NDArray[np.int64]
    alt_offset: NDArray[np.int64]
    alt_seq: NDArray[np.uint8]
    gt: NDArray[np.int8]
    de_novo: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.pos)


@dataclass(frozen=True, slots=True)
class Haplotype:
    """One copy of a contig as one sample carries it.

    Attributes:
        codes: uint8 (L,), base codes.
        ref_pos: int32 (L,), reference position of each base (inserted bases take their anchor's).
        tract_left, tract_right: uint16 (L,), index into the flat slippage tables where a repeat
            tract starts (left) or ends (right), else 0.
    """

    codes: NDArray[np.uint8]
    ref_pos: NDArray[np.int32]
    tract_left: NDArray[np.uint16]
    tract_right: NDArray[np.uint16]


@dataclass(slots=True)
class RawReads:
    """Reads before alignment, R reads; mates are neighbours when `paired`.

    Attributes:
        names: R names (mates share one).
        seq: uint8 flat base codes; qual: uint8 flat phred; offset: int64 (R+1,).
        duplicate: bool (R,), copies of an earlier fragment.
        start: int64 (R,), reference position where the fragment starts.
    """

    names: list[str]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    offset: NDArray[np.int64]
    duplicate: NDArray[np.bool_]
    start: NDArray[np.int64]
    paired: bool = True

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Genome:
    """Reference contigs: base codes (4 = N) by name, in order.

    `mask` marks soft-masked bases; `origin` tells where contigs cut out of a larger reference lie in
    it; `made_up` is whether the simulator invented it.
    """

    contigs: dict[str, NDArray[np.uint8]]
    mask: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    origin: dict[str, Region] = field(default_factory=dict)
    made_up: bool = False

    @property
    def lengths(self) -> dict[str, int]:
        """Contig lengths in bp, by name."""
        return {name: len(codes) for name, codes in self.contigs.items()}
