"""What `call` says of a library that is not as it should be, each in one line: what, and what to do."""

from collections.abc import Iterator, Sequence

from deepcohort.reads.conversion import conversion_told
from deepcohort.reads.reasons import left_out_told
from deepcohort.reads.types import LibraryProfile, StrandErrors

_MANY_REPEATED = 0.01  # of the reads stand in the files twice


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
