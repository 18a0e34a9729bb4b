"""What `call` says of a library that is not as it should be, each in one line: what, and what to do."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.conversion import conversion_told
from deepcohort.reads.reasons import left_out_told
from deepcohort.reads.types import LibraryProfile, StrandErrors

_MANY_REPEATED = 0.01  # of the reads stand in the files twice
_SOME_BASES = 0.05  # of the sample's: a kind of reads that is not to be passed over
_MOST = 0.5  # of the reads: those that are pairs
# times the slips of PCR-free libraries: real ones here have 5 at most, ten times the usual indel errors 10,
# and both are called well; simulated reads of 454, of which 100 does not say all, are not
_MANY_SLIPS = 30.0


class WrongPlatform(NamedTuple):
    """Reads of a kind that the platform's model does not read. word: for the header. told: for people."""

    word: str
    told: str


def wrong_platform(platform: str, reads: ReadsConfig) -> WrongPlatform | None:
    """Whether the reads of the sample, or some of them, are of another kind than those of `platform`.

    Long reads are told by the median length of a library. Short ones must be pairs: instruments of long
    reads read short molecules too.
    """
    libraries = [(f"library {one.name}, ", one.profile) for one in reads.libraries]
    libraries = libraries or [("", reads.library)]
    bases = sum(one.n_reads * one.read_length_bp for _, one in libraries)
    libraries = [x for x in libraries if x[1].n_reads * x[1].read_length_bp >= _SOME_BASES * max(bases, 1)]
    long = [f"{name}{one.read_length_bp:,} bp" for name, one in libraries if one.is_long]
    pairs = [
        f"{name}{one.read_length_bp:,} bp"
        for name, one in libraries
        if not one.is_long and one.paired_share > _MOST
    ]
    if long and pairs:
        return WrongPlatform(
            "both_kinds",
            f"long reads ({long[0]}) and pairs of short ones ({pairs[0]}) are one sample, but a model reads "
            "one kind; call each kind alone, with its own --platform",
        )
    if long and platform == "illumina":
        return WrongPlatform(
            "long_reads",
            f"the reads are long ({long[0]} at the median), but called as illumina; give --platform hifi or "
            "ont (samplesheet: platform)",
        )
    if pairs and platform != "illumina":
        return WrongPlatform(
            "short_reads",
            f"the reads are pairs of short ones ({pairs[0]}), but called as {platform}; give --platform "
            "illumina (samplesheet: platform)",
        )
    return None


def slips_told(slips: float, by_quality: bool) -> str | None:
    """What is to be said of a library that reads runs too long or too short `slips` times as often as a
    PCR-free one; nothing where qualities tell where (`by_quality`)."""
    if by_quality or slips < _MANY_SLIPS:
        return None
    return (
        f"runs of equal bases are read too long or too short {slips:.0f} times as often as in PCR-free "
        "libraries, and no quality tells where; mistrust indels, compare the calls with truth"
    )


def library_doubts(library: LibraryProfile) -> list[str]:
    """Warnings of a sample's reads; none of usual ones."""
    return list(_doubts(library))


def _doubts(library: LibraryProfile) -> Iterator[str]:
    if library.repeated_share >= _MANY_REPEATED:
        yield (
            f"{library.repeated_share:.0%} of the reads stand in the files once more, with the same bases "
            "and qualities; each counts once; see whether files were merged twice"
        )
    if library.unbalanced:
        yield (
            "the alleles are not read as one person's, half and half where there are two: reads of several "
            "persons, more than two copies of each chromosome, or DNA of few cells; mistrust the genotypes"
        )
    if library.strand_errors:
        yield _told_of_strands(library.strand_errors)
    more = conversion_told(library.conversion), left_out_told(library.left_out, library.depth)
    yield from filter(None, more)


def _told_of_strands(errors: Sequence[StrandErrors]) -> str:
    worst = max(errors, key=lambda one: one.sites)
    return (
        f"reads of one strand misread bases alike, most often {worst.text} on {worst.strand} reads, at "
        f"{worst.sites:.0%} of such sites; where the other strand shows none of it such bases say nothing; "
        "see StrandErrors in the header"
    )
