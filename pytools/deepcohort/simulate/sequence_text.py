"""Reads as text."""

import numpy as np

from deepcohort.core.sequence import ASCII_OF_CODE
from deepcohort.simulate.types import RawReads


def read_texts(reads: RawReads) -> tuple[str, str]:
    """All bases and all qualities (phred+33) as two long strings."""
    return (
        ASCII_OF_CODE[reads.seq].tobytes().decode("ascii"),
        (reads.qual + 33).astype(np.uint8).tobytes().decode("ascii"),
    )
