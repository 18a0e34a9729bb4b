"""Candidate alleles of a region with the evidence for them."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.types import CandidateEvidence
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def find_candidates(
    reads: ReadBatch,
    reference_codes: NDArray[np.uint8],
    window: Region,
    region: Region,
    config: CandidatesConfig | None = None,
) -> CandidateEvidence:
    """Counts, candidates and support of `region`, from the reads of the padded `window`.

    Args:
        reads: from `ReadSource.fetch(window)`.
        reference_codes: uint8 (len(window),), from `ReferenceFasta.fetch_codes(window)`.
        window: `region.padded(config.pad_bp, contig_length)`.
        region: where counts are given and candidates have their POS.
        config: thresholds.
    """
    raise NotImplementedError
