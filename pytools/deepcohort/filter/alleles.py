"""What a VCF record says of its alleles."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordAlleles:
    """What a VCF record says: 0-based POS, REF and ALT texts, and which ALTs (from 0) its genotypes hold.

    `copies`: of each called ALT in the genotype of a lone sample (2 where it is haploid), -1 unknown.
    """

    pos: int
    ref: str
    alts: tuple[str, ...]
    called: tuple[int, ...]
    copies: tuple[int, ...] = ()
