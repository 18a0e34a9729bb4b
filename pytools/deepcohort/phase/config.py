"""Settings of phasing by reads."""

from dataclasses import dataclass

from deepcohort.core.errors import DeepcohortError

UNITS_PER_LOG10 = 20  # what a fragment says of a site is kept as an integer of this unit
MAX_LOG10 = 2.0  # of one fragment at one site at most: some reads are chimeras or lie elsewhere


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """How sites are joined to blocks.

    Attributes:
        min_quality_phred: a site whose phase is less sure leaves its block, and a block is cut where
            the phase of its two parts is less sure. One good fragment gives 17.
        exact_sites: groups of linked sites up to this size are solved by trying every phase, larger ones
            by local search from the strongest links.
    """

    min_quality_phred: int = 10
    exact_sites: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.min_quality_phred <= 99:
            raise DeepcohortError(f"min_quality_phred {self.min_quality_phred} must lie between 1 and 99")
        if not 2 <= self.exact_sites <= 16:
            raise DeepcohortError(f"exact_sites {self.exact_sites} must lie between 2 and 16")
