"""Other genomes than HG002's to plant: of inbred strains, of their children, and of wild ones far from the reference."""

import random

import numpy as np
from any_reads_foreign import Variant, new_variant
from numpy.typing import NDArray

GENOMES = ("", "inbred", "f1", "wild", "strain")
WILD_THETA, STRAIN_THETA = 0.013, 0.01  # variants per bp; of the wild ones a third is homozygous
_WILD_HOMOZYGOTES = 1 / 3
_APART_BP = 2  # between variants that are drawn

Record = tuple[Variant, str]  # and its line of the truth


def planted_genome(
    kind: str, codes: NDArray[np.uint8], span: tuple[int, int], records: list[Record]
) -> list[Record]:
    """Variants in `span` (0-based half-open) of chr20 (codes) by kind of genome; `records` are HG002's.

    Of HG002: "" as they are; "inbred", each ALT on both haplotypes; "f1", on the second one alone.
    Drawn: "wild", diploids of a species ten times as diverse; "strain", the same made homozygous.
    """
    if not kind:
        return records
    if kind in ("wild", "strain"):
        return [(v, truth_line(v)) for v in _drawn(codes, span, kind)]
    found = []
    for (pos, ref, alleles), _ in records:
        alt = next(allele for allele in alleles if allele != ref)
        variant = (pos, ref, (alt if kind == "inbred" else ref, alt))
        found.append((variant, truth_line(variant)))
    return found


def truth_line(variant: Variant) -> str:
    """The variant as a line of a VCF, phased."""
    pos, ref, alleles = variant
    alts = list(dict.fromkeys(allele for allele in alleles if allele != ref))
    first, second = (alts.index(allele) + 1 if allele != ref else 0 for allele in alleles)
    return f"chr20\t{pos + 1}\t.\t{ref}\t{','.join(alts)}\t50\tPASS\t.\tGT\t{first}|{second}\n"


def _drawn(codes: NDArray[np.uint8], span: tuple[int, int], kind: str) -> list[Variant]:
    """Variants at random places, no two nearer than _APART_BP."""
    rng = random.Random(f"{kind} {span}")
    theta = STRAIN_THETA if kind == "strain" else WILD_THETA
    found: list[Variant] = []
    taken: set[int] = set()
    for _ in range(round((span[1] - span[0]) * theta)):
        pos, ref, alleles = new_variant(codes, span, rng)
        places = set(range(pos, pos + len(ref)))
        if places & taken:
            continue
        taken |= set(range(pos - _APART_BP, pos + len(ref) + _APART_BP))
        alt = next(allele for allele in alleles if allele != ref)
        is_hom = kind == "strain" or rng.random() < _WILD_HOMOZYGOTES
        own = (alt, alt) if is_hom else (alt, ref) if rng.random() < 0.5 else (ref, alt)
        found.append((pos, ref, own))
    return sorted(found)
