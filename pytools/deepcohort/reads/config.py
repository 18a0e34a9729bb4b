"""What counts as a usable read."""

from dataclasses import dataclass

from deepcohort.reads.groups import LibraryKey
from deepcohort.reads.types import UNKNOWN_LIBRARY, LibraryProfile, OwnLibrary

# SAM FLAG bits: unmapped, secondary, QC-fail, duplicate, supplementary
EXCLUDED_FLAGS = 0x4 | 0x100 | 0x200 | 0x400 | 0x800


@dataclass(frozen=True, slots=True)
class ReadsConfig:
    """Which reads are evidence, and how their bases are weighed.

    Attributes:
        min_mapq: phred; reads below are left out (those of MAPQ 0 are reported apart).
        excluded_flags: SAM FLAG bits; a read with any of them is left out.
        default_qual: phred given to bases of reads that carry no qualities.
        min_base_qual: phred; bases below cover nothing and show nothing.
        clearly_better_qual: phred; of two mates that disagree at a base, one wins only when its
            quality exceeds the other's by this much, otherwise neither counts.
        max_depth: x; where more reads than this start, a share of them is kept, chosen by the hash
            of their names, so that time and memory stay bounded whatever the shard.
        max_capped_span_bp: reads that span more than this are never dropped by `max_depth`
            (long reads are few; and a shard could not know the depth where they start).
        library: what the sample's reads usually look like (`reads.profile.profiled`); its MAPQ scale is
            taken out, its pairs and clips are measured against it.
        clips_ends: whether ends of reads that do not fit the reference are clipped, as the sample's aligner
            left them (`reads.clip`); told with the profile; of libraries that are apart, theirs counts.
        lays_unaligned: whether reads without alignment are looked for near their mates (`reads.unaligned`),
            as the sample's aligner left some that lie there; told with the profile.
        keeps_unaligned: whether they come as they are, without operations, at the POS of their mates.
        sample: whose read groups count; empty: all reads.
        libraries: those of the sample, told with its profile, where it has several; else none.
        only: the library whose reads alone are taken; None: all.
    """

    min_mapq: int = 5
    excluded_flags: int = EXCLUDED_FLAGS
    default_qual: int = 30
    min_base_qual: int = 10
    clearly_better_qual: int = 10
    max_depth: int = 500
    max_capped_span_bp: int = 512
    library: LibraryProfile = UNKNOWN_LIBRARY
    clips_ends: bool = False
    lays_unaligned: bool = False
    keeps_unaligned: bool = False
    sample: str = ""
    libraries: tuple[OwnLibrary, ...] = ()
    only: LibraryKey | None = None

    @property
    def apart(self) -> tuple[OwnLibrary, ...]:
        """Libraries whose reads are judged by their own profile."""
        return tuple(one for one in self.libraries if one.is_apart)

    @property
    def profiles(self) -> tuple[LibraryProfile, ...]:
        """What reads are judged by: the sample's profile, then those of the libraries that are apart."""
        return self.library, *(one.profile for one in self.apart)

    @property
    def clips_some_ends(self) -> bool:
        """Whether ends of reads are clipped in some library."""
        return self.clips_ends or any(one.clips_ends for one in self.apart)

    @property
    def needs_reference(self) -> bool:
        """Whether reads are held against the reference."""
        return (
            self.clips_some_ends or self.lays_unaligned or self.converts or bool(self.library.strand_errors)
        )

    @property
    def converts(self) -> bool:
        """Whether some library's chemistry changes bases."""
        return any(any(profile.conversion.contexts) for profile in self.profiles)

    @property
    def drops_copies(self) -> bool:
        """Whether copies are left out in some library."""
        return any(profile.drops_copies for profile in self.profiles)

    @property
    def vote_errors(self) -> float:
        """See `LibraryProfile`; 0 where reads of some library have no vote."""
        voted = all(profile.vote_errors for profile in self.profiles)
        return self.library.vote_errors if voted else 0.0

    @property
    def mate_errors(self) -> float:
        """See `LibraryProfile`; 0 where mates of some library overlap seldom."""
        overlap = all(profile.mate_errors for profile in self.profiles)
        return self.library.mate_errors if overlap else 0.0
