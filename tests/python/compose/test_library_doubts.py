"""What is said of reads that the platform's model does not read."""

import pytest
from deepcohort.compose.library_doubts import slips_told, wrong_platform
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import LibraryKey
from deepcohort.reads.types import LibraryProfile, OwnLibrary

PAIRS = LibraryProfile(n_reads=5_000, read_length_bp=150, paired_share=0.98)
LONG = LibraryProfile(n_reads=120, read_length_bp=15_000)
SINGLE = LibraryProfile(n_reads=2_000, read_length_bp=400)


def config_of(*profiles: LibraryProfile) -> ReadsConfig:
    """A sample of these libraries, judged by the first one's profile."""
    libraries = [OwnLibrary(LibraryKey(n, "", "S"), n, p) for n, p in zip("abc", profiles, strict=False)]
    return ReadsConfig(library=profiles[0], libraries=tuple(libraries) if len(profiles) > 1 else ())


@pytest.mark.parametrize(
    ("platform", "profiles", "word", "named"),
    [
        ("illumina", (PAIRS,), None, ""),
        ("hifi", (LONG,), None, ""),
        ("ont", (SINGLE,), None, ""),  # amplicons of long-read instruments
        ("illumina", (SINGLE,), None, ""),
        ("illumina", (LONG,), "long_reads", "give --platform hifi or ont"),
        ("ont", (PAIRS,), "short_reads", "give --platform illumina"),
        ("hifi", (PAIRS, PAIRS), "short_reads", "library a, 150 bp"),
        ("illumina", (PAIRS, LONG), "both_kinds", "(library b, 15,000 bp) and pairs of short ones (library a, 150 bp)"),
        ("ont", (LONG, PAIRS), "both_kinds", "call each kind alone"),
        ("hifi", (LONG, SINGLE), None, ""),
        ("illumina", (PAIRS, LibraryProfile(n_reads=1, read_length_bp=2_000)), None, ""),  # a stray
        ("illumina", (LibraryProfile(),), None, ""),  # no reads at all
    ],
)  # fmt: skip
def test_reads_of_another_kind_are_told(platform, profiles, word, named):
    found = wrong_platform(platform, config_of(*profiles))
    assert (found.word if found else None) == word
    if found:
        assert named in found.told


@pytest.mark.parametrize(
    ("slips", "by_quality", "is_told"),
    [
        (1.0, False, False),
        (10.0, False, False),
        (30.0, False, True),
        (100.0, False, True),
        (300.0, True, False),
    ],
)
def test_runs_read_wrong_without_a_word_of_qualities_are_told(slips, by_quality, is_told):
    assert (slips_told(slips, by_quality) is not None) == is_told
