"""How often nature makes a substitution, by the bases beside it.

Counted in the GIAB HG002 v4.2.1 benchmark on GRCh38 chr20:1-8,000,000 (11,257 SNP alleles in 7.6 Mb of
confident sequence): per base and alternate, relative to the mean of all three alternates of all bases
(4.9e-4). What stands out holds for mammals: a methylated C before G becomes T ten times as often.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

# log10 of the relative rate: (of a CpG, making a CpG, neither) x (transition, transversion)
RATES_LOG10 = ((1.26, 0.30), (0.42, -0.47), (0.19, -0.36))
_A, _C, _G, _T = 0, 1, 2, 3


@kernel
def cpg_class(reference: NDArray[np.uint8], at: int) -> int:
    """0: base `at` is part of a CpG; 1: a transition would make it so; 2: neither (also beside N).

    `reference`: uint8 (L,), base codes; `at`: index in it.
    """
    code = reference[at]
    before = reference[at - 1] if at > 0 else np.uint8(4)
    behind = reference[at + 1] if at + 1 < len(reference) else np.uint8(4)
    if (code == _C and behind == _G) or (code == _G and before == _C):
        return 0
    if (code == _T and behind == _G) or (code == _A and before == _C):
        return 1
    return 2


@kernel
def substitution_log10(reference: NDArray[np.uint8], at: int, alt: int) -> float:
    """log10 of how much likelier than the mean nature substitutes code `alt` for base `at`, -0.47 to 1.26.

    `reference`: uint8 (L,), base codes; `at`: index in it.
    """
    # with A=0 C=1 G=2 T=3, transitions differ in the second bit alone
    transition = (reference[at] ^ alt) == 2
    return RATES_LOG10[cpg_class(reference, at)][0 if transition else 1]
