"""What the platform and the library of a sample imply: chosen here, for whatever looks at its reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepcohort.candidates.config import CandidatesConfig, candidates_for
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.long_qualities import worth
from deepcohort.reads.profile import profiled
from deepcohort.reads.types import LibraryProfile


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """How reads of one sample are taken, and how candidates are found in them.

    `call`, `show`, `why`, `filter` and `haplotag` all take these, so that they see the same evidence.

    Attributes:
        reads: with the profile of the sample's library, where that was measured.
        candidates: of the platform, fitted to that library.
    """

    reads: ReadsConfig
    candidates: CandidatesConfig

    @classmethod
    def for_library(cls, platform: str, reads: ReadsConfig) -> "SampleSettings":
        """Settings where the library's profile is in `reads` already, or unknown."""
        reads = _in_platform_terms(platform, reads)
        library = replace(reads.library, vote_errors=reads.vote_errors, mate_errors=reads.mate_errors)
        return cls(reads, candidates_for(platform, library))


def _in_platform_terms(platform: str, reads: ReadsConfig) -> ReadsConfig:
    """`reads` whose libraries of long reads say what their qualities are worth on that platform."""
    known = (reads.library, *(one.profile for one in reads.libraries))
    if not any(profile.seen for profile in known):
        return reads
    own = tuple(replace(one, profile=_with_worth(platform, one.profile)) for one in reads.libraries)
    return replace(reads, library=_with_worth(platform, reads.library), libraries=own)


def _with_worth(platform: str, library: LibraryProfile) -> LibraryProfile:
    return replace(library, lowered=worth(platform, library)) if library.seen else library


def settings_for(
    paths: Sequence[str | Path], reference: str | Path, platform: str, reads: ReadsConfig | None = None
) -> SampleSettings:
    """Settings of a sample, whose library is measured in its files.

    Args:
        reads: with the name of the sample, where files hold several.

    Raises:
        DeepcohortError: unreadable reads, as `reads.load.open_reads` does.
    """
    return SampleSettings.for_library(platform, profiled(paths, reference, reads or ReadsConfig()))
