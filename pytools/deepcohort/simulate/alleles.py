"""Allele arithmetic: left alignment and trimming, on base codes."""

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]


def left_align(reference: Codes, pos: int, ref: Codes, alt: Codes) -> tuple[int, Codes, Codes]:
    """(pos, REF, ALT) left-aligned and parsimonious (Tan et al. 2015, Bioinformatics 31:2202).

    `pos` is 0-based; ref equals reference[pos : pos + len(ref)]; one of the alleles may be empty.
    """
    a, b = list(ref), list(alt)
    while True:
        if a and b and a[-1] == b[-1] and (min(len(a), len(b)) > 1 or pos > 0):
            a.pop()
            b.pop()
        elif (not a or not b) and pos > 0:
            pos -= 1
            a.insert(0, reference[pos])
            b.insert(0, reference[pos])
        else:
            break
    while len(a) > 1 and len(b) > 1 and a[0] == b[0]:
        a.pop(0)
        b.pop(0)
        pos += 1
    return pos, np.array(a, np.uint8), np.array(b, np.uint8)


def trim(ref: Codes, alts: list[Codes]) -> tuple[int, Codes, list[Codes]]:
    """Bases cut from the left, then REF and ALTs without shared ends (one base stays)."""
    alleles = [ref, *alts]
    while min(map(len, alleles)) > 1 and len({int(a[-1]) for a in alleles}) == 1:
        alleles = [a[:-1] for a in alleles]
    shift = 0
    while min(map(len, alleles)) > 1 and len({int(a[0]) for a in alleles}) == 1:
        alleles = [a[1:] for a in alleles]
        shift += 1
    return shift, alleles[0], alleles[1:]
