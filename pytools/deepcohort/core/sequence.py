"""Nucleotide codes: A=0 C=1 G=2 T=3, everything else (N, IUPAC) =4; in reads as stored also `=`, 5."""

import numpy as np
from numpy.typing import NDArray

BASES = "ACGTN"
CODE_N, CODE_EQUAL = 4, 5

# ASCII -> code; lower case (soft-masked) counts as its base
CODE_OF_ASCII: NDArray[np.uint8] = np.full(256, CODE_N, dtype=np.uint8)
for _code, _base in enumerate("ACGT"):
    CODE_OF_ASCII[ord(_base)] = _code
    CODE_OF_ASCII[ord(_base.lower())] = _code
ASCII_OF_CODE: NDArray[np.uint8] = np.frombuffer(b"ACGTN", dtype=np.uint8).copy()

# BAM's 4-bit codes ("=ACMGRSVTWYHKDBN") -> code; '=' stands for the reference's base
CODE_OF_BAM_NIBBLE: NDArray[np.uint8] = np.full(16, CODE_N, dtype=np.uint8)
CODE_OF_BAM_NIBBLE[[0, 1, 2, 4, 8]] = [CODE_EQUAL, 0, 1, 2, 3]


def encode_bases(text: str | bytes) -> NDArray[np.uint8]:
    """Codes of a nucleotide string, uint8 (len(text),)."""
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    return CODE_OF_ASCII[np.frombuffer(raw, dtype=np.uint8)]


def decode_bases(codes: NDArray[np.uint8]) -> str:
    """Upper-case nucleotide string of `codes`, uint8 (n,)."""
    return ASCII_OF_CODE[codes].tobytes().decode("ascii")
