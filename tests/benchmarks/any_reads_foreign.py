"""Another person's haplotypes, whose reads contaminate a sample: shared alleles by the neutral spectrum.

Under the spectrum 1/p an allele that the sample has in one copy has a frequency p uniform in 0..1, one that it has in
two copies one of density 2p; the other person has it in so many copies as two draws of p give. What the sample lacks
is half as often a heterozygote of the other person as the sample has heterozygotes (THETA per bp), and a homozygote
a twelfth as often. Loci are independent, unlike in people.
"""

import random

import numpy as np
from numpy.typing import NDArray

THETA = 0.001  # heterozygotes per bp
_INDELS, _IN_RUNS, _LEAST_RUN_BP = (
    0.15,
    0.7,
    6,
)  # of what the sample lacks; of them one bp of a run of equal bases

Variant = tuple[int, str, tuple[str, str]]  # 0-based POS, REF, alleles of both haplotypes


def foreign_variants(codes: NDArray[np.uint8], span: tuple[int, int], own: list[Variant]) -> list[Variant]:
    """The other person's variants in `span` (0-based half-open) of a contig (codes), whose sample has `own`."""
    rng = random.Random(f"foreign {span}")
    found = [shared for variant in own if (shared := _shared(variant, rng)) is not None]
    taken = {pos + k for pos, ref, _ in own for k in range(-3, len(ref) + 3)}
    n = round((span[1] - span[0]) * THETA * (1 / 2 + 1 / 12))
    for _ in range(n):
        variant = new_variant(codes, span, rng)
        places = set(range(variant[0] - 3, variant[0] + len(variant[1]) + 3))
        if not places & taken:
            taken |= places
            found.append(variant)
    return sorted(found)


def _shared(variant: Variant, rng: random.Random) -> Variant | None:
    """What the other person has of a variant of the sample; None: REF alone."""
    pos, ref, alleles = variant
    alts = [allele for allele in alleles if allele != ref]
    p = rng.random() if len(alts) == 1 else rng.random() ** 0.5
    drawn = tuple(rng.choice(alts) if rng.random() < p else ref for _ in range(2))
    return None if drawn == (ref, ref) else (pos, ref, drawn)


def new_variant(codes: NDArray[np.uint8], span: tuple[int, int], rng: random.Random) -> Variant:
    """A variant that the sample lacks."""
    while True:
        pos = rng.randrange(span[0] + 600, span[1] - 600)
        text = "".join("ACGTN"[c] for c in codes[pos : pos + 20])
        if "N" in text:
            continue
        if rng.random() >= _INDELS:
            other = {"A": "G", "G": "A", "C": "T", "T": "C"}[text[0]]
            ref = text[0]
            alt = other if rng.random() < 2 / 3 else rng.choice([b for b in "ACGT" if b not in (ref, other)])
        elif rng.random() < _IN_RUNS:
            if text[0] == text[1] or len(set(text[1 : _LEAST_RUN_BP + 1])) > 1:
                continue
            ref, alt = (text[:2], text[0]) if rng.random() < 0.5 else (text[0], text[:2])
        else:
            n = rng.randrange(1, 7)
            ref, alt = text[: n + 1], text[0]
            if rng.random() < 0.5:
                ref, alt = text[0], text[0] + "".join(rng.choice("ACGT") for _ in range(n))
        is_hom = rng.random() < 1 / 7
        carried = (alt, alt) if is_hom else (alt, ref) if rng.random() < 0.5 else (ref, alt)
        return pos, ref, carried
