"""Several libraries in the files of one sample: the profile of each, and which are judged by their own.

Reads of one library (LB of their read groups) share a profile. A library whose reads are like all of the
sample's is judged by the sample's profile, so that files of one library, or of several alike, cost nothing
more.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.clip import clip_loose_ends, clip_own_ends, loose_share
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.contamination import Estimate, alt_sites, measure
from deepcohort.reads.conversion import measure_conversion, without_converted
from deepcohort.reads.groups import LibraryKey, names_of
from deepcohort.reads.library import (
    clipped_share,
    library_text,
    mapq_table,
    measure_library,
    odd_by_library,
    odd_pairs,
    with_qualities,
)
from deepcohort.reads.merge import in_own_terms, in_terms_of, take_reads
from deepcohort.reads.purpose import clipped_on_purpose, without_clips
from deepcohort.reads.qualities import quality_table
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.splice import is_of_dna
from deepcohort.reads.strand_errors import SiteCounts, count_sites
from deepcohort.reads.types import LibraryProfile, OwnLibrary, no_libraries
from deepcohort.reads.unaligned import lay_unaligned, lays_unaligned
from deepcohort.reads.votes import mate_errors, vote_errors

LEAST_READS = 1_000  # fewer in the windows are too few to tell their library from others
_MAPQ_APART = 5  # of the scaled MAPQ of the library's typical read
_ODD_APART = 0.01  # of a library's pairs: odd among the sample's, usual among its own
_QUALITY_APART = 2.0  # phred, mean over a library's bases
_USUAL_APART = 0.05  # of the sample's pairs: odd in the library, and usual among the sample's
# ends of reads that do not fit are the aligner's doing where this share of the reads has some (bwa mem and
# minimap2 leave at most .005 %, bowtie2 1 %), and has clipped at most so many times as many (STAR twice; bwa
# aln's rescue of mates seven times, where clipping the others gained nothing)
_LOOSE_SHARE, _CLIPPED_OF_LOOSE = 0.0005, 4.0
# reads are the aligner's to lay where it left at most so many that would fit near their mates
_LAID_READS, _LAID_SHARE = 2, 0.0002
_DUPLICATE, _PAIRED = 0x400, 0x1


@dataclass(frozen=True, slots=True)
class WindowReads:
    """Reads of a window, duplicates too.

    Attributes:
        columns: all that lie there. inside: bool (R,), those that begin there. start: of the window.
        codes: uint8, the reference from there on. reasons: int64 (KINDS,), see `ReadSource.reasons`.
    """

    columns: ReadColumns
    inside: NDArray[np.bool_]
    start: int
    codes: NDArray[np.uint8]
    reasons: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Measured:
    """A profile, whether ends are clipped, and the usable reads that it was taken from."""

    profile: LibraryProfile
    clips_ends: bool
    pieces: list[ReadColumns]


def with_profiles(
    config: ReadsConfig, windows: Sequence[WindowReads], keys: Sequence[LibraryKey]
) -> ReadsConfig:
    """`config` with the profiles of the sample and, where `keys` are several, of its libraries.

    `keys` are numbered by the reads of `windows`; those without a read there are left out.
    """
    sample = _measured(windows, [window.inside for window in windows], config.excluded_flags)
    config = replace(
        config,
        library=sample.profile,
        clips_ends=sample.clips_ends,
        libraries=(),
    )
    config = replace(config, lays_unaligned=_leaves_reads(config, windows))
    if len(keys) < 2:
        return config
    libraries = []
    for number, (key, name) in enumerate(zip(keys, names_of(keys), strict=True)):
        own = [window.inside & (window.columns.library == number) for window in windows]
        if any(rows.any() for rows in own):
            found = _measured(windows, own, config.excluded_flags)
            apart = _is_apart(found, sample)
            libraries.append(OwnLibrary(key, name, found.profile, found.clips_ends, apart))
    if len(libraries) < 2:
        return config
    config = replace(config, libraries=tuple(libraries))
    return _with_shares(config, keys, sample.pieces, windows) if config.apart else config


def strangers_in(config: ReadsConfig, windows: Sequence[WindowReads], keys: Sequence[LibraryKey]) -> Estimate:
    """How much of the reads of `windows` is another person's, by the profiles of `config`.

    Of long reads, and of RNA, nothing is told. `keys` are numbered by the reads of `windows`.
    """
    if config.library.is_long or not is_of_dna(config.library):
        return Estimate(0.0, 0.0, False)
    pieces, around = _in_own_terms(config, windows, keys, inside=True)
    return measure(alt_sites(pieces, around))


def sites_by_strand(
    config: ReadsConfig, windows: Sequence[WindowReads], keys: Sequence[LibraryKey]
) -> SiteCounts:
    """What reads of each strand show at the sites of `windows`, by the profiles of `config`; of short reads
    nothing. `keys` are numbered by the reads of `windows`."""
    if not config.library.is_long:
        return count_sites([], [])
    pieces, around = _in_own_terms(config, windows, keys, inside=False)
    return count_sites(pieces, around)


def _in_own_terms(
    config: ReadsConfig, windows: Sequence[WindowReads], keys: Sequence[LibraryKey], inside: bool
) -> tuple[list[ReadColumns], list[tuple[int, NDArray[np.uint8]]]]:
    """Usable reads of `windows` in terms of their libraries, `inside` or all, and (start, base codes)."""
    at = {one.key: k + 1 for k, one in enumerate(config.apart)}
    numbers = np.array([at.get(key, 0) for key in keys], np.uint16)
    pieces, around = [], []
    for window in windows:
        usable = (window.columns.flag & config.excluded_flags) == 0
        usable &= (window.inside | (not inside)) & (window.columns.n_ops > 0)
        piece = take_reads(window.columns, np.flatnonzero(usable))
        if config.apart:
            piece = replace(piece, library=numbers[piece.library])
        piece = without_converted(piece, config.profiles, window.codes, window.start)
        pieces.append(clip_own_ends(in_own_terms(config, piece), config, window.codes, window.start))
        around.append((window.start, window.codes))
    return pieces, around


def library_line(library: OwnLibrary, n_reads: int, more: Mapping[str, str]) -> str:
    """The library as the value of a structured VCF header line.

    Args:
        n_reads: of the sample, in the windows. more: what else is known of the library, by key.
    """
    facts = library_text(library.profile).replace(";", ",")
    words = {
        "ID": header_word(library.name),
        "Platform": header_word(library.key.platform or "unknown"),
        "Share": f"{library.profile.n_reads / max(n_reads, 1):.3f}",
    }
    last = {
        **more,
        "EndsClipped": "yes" if library.clips_ends else "no",
        "Profile": "own" if library.is_apart else "sample",
    }
    first, end = (",".join(f"{key}={value}" for key, value in part.items()) for part in (words, last))
    return f"<{first},{facts},{end}>"


def header_word(text: str) -> str:
    """`text` with characters that mean something in header lines percent-encoded, as in INFO fields."""
    return re.sub(r"[^!#$&-+\--:?-~]", lambda m: "".join(f"%{b:02X}" for b in m.group().encode()), text)


def _measured(
    windows: Sequence[WindowReads], chosen: Sequence[NDArray[np.bool_]], excluded_flags: int
) -> _Measured:
    """Profile of the reads `chosen`, bool (R,) by window."""
    pieces, around = [], []
    n_reads = n_marked = 0
    for window, rows in zip(windows, chosen, strict=True):
        flag = window.columns.flag
        n_reads, n_marked = n_reads + int(rows.sum()), n_marked + int((rows & (flag & _DUPLICATE != 0)).sum())
        usable = rows & ((flag & excluded_flags) == 0)
        pieces.append(take_reads(window.columns, np.flatnonzero(usable)))
        around.append((window.start, window.codes))
    marked_share = n_marked / n_reads if n_reads else 0.0
    conversion = measure_conversion(pieces, around)
    converts = [LibraryProfile(conversion=conversion)]
    pieces = [
        without_converted(piece, converts, codes, start, as_unknown=True)
        for piece, (start, codes) in zip(pieces, around, strict=True)
    ]
    ends = clipped_on_purpose(pieces, around)
    if any(ends):
        pieces = [without_clips(piece, np.tile(ends, (len(piece.pos), 1))) for piece in pieces]
    profile = replace(
        measure_library(pieces, around),
        duplicate_share=marked_share,
        drops_clips=ends,
        conversion=conversion,
    )
    profile = replace(
        profile,
        vote_errors=vote_errors(profile, pieces, around),
        mate_errors=mate_errors(profile, pieces, around),
    )
    if any(conversion.contexts) and profile.raised:  # what was silenced has quality 0
        profile = replace(profile, raised=tuple(pair for pair in profile.raised if pair[0]))
    if not _leaves_ends(profile, pieces, around):
        return _Measured(profile, False, pieces)
    plain = replace(profile, lowered=())
    clipped = [_clipped(plain, *window) for window in zip(pieces, around, strict=True)]
    profile = replace(profile, clipped_share=clipped_share(clipped))
    if profile.lowered:  # maybe for what such ends hold; copies say more than a vote of theirs
        single = replace(plain, drops_copies=False)
        clipped = [_clipped(single, *window) for window in zip(pieces, around, strict=True)]
        kept = with_qualities(single, clipped, around)
        profile = replace(profile, lowered=kept.lowered, least_quality=kept.least_quality)
    return _Measured(profile, True, pieces)


def _clipped(
    profile: LibraryProfile, piece: ReadColumns, around: tuple[int, NDArray[np.uint8]]
) -> ReadColumns:
    """`piece` in terms of `profile`, with its ends clipped."""
    start, codes = around
    return clip_loose_ends(in_terms_of(profile, piece), codes, start)


def _leaves_ends(
    profile: LibraryProfile, pieces: Sequence[ReadColumns], around: Sequence[tuple[int, NDArray[np.uint8]]]
) -> bool:
    """Whether many ends of the reads of `pieces` do not fit the reference `around`, and few are clipped."""
    n_loose = sum(
        loose_share(piece, codes, start) * len(piece.pos)
        for piece, (start, codes) in zip(pieces, around, strict=True)
    )
    share = n_loose / max(profile.n_reads, 1)
    return bool(share > _LOOSE_SHARE and profile.clipped_share <= _CLIPPED_OF_LOOSE * share)


def _leaves_reads(config: ReadsConfig, windows: Sequence[WindowReads]) -> bool:
    """Whether reads without alignment lie near their mates in the `windows` of a sample of this profile."""
    if not lays_unaligned(config.library):
        return False
    n_aligned = n_laid = 0
    for window in windows:
        before = int((window.columns.n_ops > 0).sum())
        columns = replace(window.columns, library=no_libraries())  # all are judged by the sample's profile
        after = lay_unaligned(columns, replace(config, libraries=()), window.codes, window.start)
        n_aligned, n_laid = n_aligned + before, n_laid + len(after.pos) - before
    return n_laid >= max(_LAID_READS, _LAID_SHARE * n_aligned)


def _is_apart(own: _Measured, sample: _Measured) -> bool:
    """Whether reads of a library would be judged otherwise by its own profile than by the sample's."""
    mine, other = own.profile, sample.profile
    if mine.n_reads < LEAST_READS:
        return False
    typical = mine.typical_mapq
    scaled = [int(mapq_table(profile)[typical]) for profile in (mine, other)]
    return bool(
        abs(scaled[0] - scaled[1]) >= _MAPQ_APART
        or mine.drops_copies != other.drops_copies
        or mine.drops_clips != other.drops_clips
        or mine.conversion.contexts != other.conversion.contexts
        or (any(mine.conversion.contexts) and mine.conversion.is_swapped != other.conversion.is_swapped)
        or is_of_dna(mine) != is_of_dna(other)
        or own.clips_ends != sample.clips_ends
        or _qualities_otherwise(own.pieces, mine, other) >= _QUALITY_APART
        or 2 * len(set(mine.adapters) - set(other.adapters)) > len(mine.adapters)
        or _odd_otherwise(own.pieces, mine, other, wrongly_odd=True) > _ODD_APART
        or _odd_otherwise(sample.pieces, mine, other, wrongly_odd=False) > _USUAL_APART
    )


def _qualities_otherwise(pieces: Sequence[ReadColumns], mine: LibraryProfile, other: LibraryProfile) -> float:
    """By how many phred bases of `pieces` count otherwise by `mine` than by `other`, in the mean."""
    if (mine.lowered, mine.raised) == (other.lowered, other.raised):
        return 0.0
    counts = sum(np.bincount(piece.qual, minlength=256) for piece in pieces)
    apart = np.abs(quality_table(mine).astype(np.int64) - quality_table(other))
    return float((counts * apart).sum() / max(int(np.sum(counts)), 1))


def _odd_otherwise(
    pieces: Sequence[ReadColumns], mine: LibraryProfile, other: LibraryProfile, wrongly_odd: bool
) -> float:
    """Share of the paired reads that `other` calls odd and `mine` usual (`wrongly_odd`), or the other way."""
    n = n_paired = 0
    for piece in pieces:
        by_mine, by_other = (odd_pairs(piece.flag, piece.insert_size, x) != 0 for x in (mine, other))
        n += int((by_other & ~by_mine if wrongly_odd else by_mine & ~by_other).sum())
        n_paired += int(((piece.flag & _PAIRED) != 0).sum())
    return n / max(n_paired, 1)


def _with_shares(
    config: ReadsConfig,
    keys: Sequence[LibraryKey],
    pieces: Sequence[ReadColumns],
    windows: Sequence[WindowReads],
) -> ReadsConfig:
    """`config` whose shares of odd pairs and clips are those of reads judged by their own profiles."""
    at = {one.key: k + 1 for k, one in enumerate(config.apart)}
    numbers = np.array([at.get(key, 0) for key in keys], np.uint16)
    n_odd = n_paired = 0
    judged = []
    for piece, window in zip(pieces, windows, strict=True):
        own = replace(piece, library=numbers[piece.library])
        odd = odd_by_library(own.flag, own.insert_size, own.library, config.profiles)
        n_odd, n_paired = n_odd + int(odd.sum()), n_paired + int(((own.flag & _PAIRED) != 0).sum())
        judged.append(clip_own_ends(in_own_terms(config, own), config, window.codes, window.start))
    odd_share = n_odd / max(n_paired, 1)
    return replace(
        config, library=replace(config.library, odd_share=odd_share, clipped_share=clipped_share(judged))
    )
