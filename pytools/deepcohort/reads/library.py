"""What the library and the aligner of a sample make of its reads, so that each is judged among its like.

Proper pairs, insert sizes and mapping qualities mean nothing by themselves: bwa mem's best MAPQ is 60,
bowtie2's 42, and fragments of 3 kb are odd in one library and all there is in another. A profile is taken
once per sample from windows fixed on its genome (`reads.profile.profiled`), whatever is called.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.adapter_kernels import KMER_BP, loose_tails, tail_kmers
from deepcohort.reads.conversion import conversion_facts
from deepcohort.reads.copies import grouped_copies
from deepcohort.reads.long_qualities import least_in_runs, seen_qualities
from deepcohort.reads.purpose import ends_text
from deepcohort.reads.qualities import (
    are_too_poor,
    changed_text,
    count_mismatches,
    least_quality,
    lowered_qualities,
    quality_table,
    raised_qualities,
    with_zeros_told,
)
from deepcohort.reads.reasons import left_out_text
from deepcohort.reads.run_kernels import find_runs, run_passages
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.slips import slips_by_quality
from deepcohort.reads.splice_kernels import count_spliced
from deepcohort.reads.types import (
    BINS_PER_OCTAVE,
    INSERT_BINS,
    LEAST_QUALITY,
    STANDARD_MAPQ,
    UNKNOWN_LIBRARY,
    LibraryProfile,
)
from deepcohort.reads.windows import PROFILE_WINDOW_BP

APART = 3  # orientation class of reads whose mate is unmapped, on another contig, or not placed
CLIP_BP = 5  # a read is clipped from here on
CLIP_NEAR_BP = 300  # and tells of sites this near: the adapters of long reads, of nothing farther
_LEAST_SCALE_MAPQ, _LEAST_TYPICAL_MAPQ, _DOUBTFUL_MAPQ, SURE_MAPQ = 10, 24, 20, 50
_BEST_SHARE = 0.95  # of the reads have at most the MAPQ where the scale ends
_USUAL_SHARE, _USUAL_READS = 0.003, 4  # of the paired reads, a bin that is usual holds at least both
_COPIED_SHARE, _MOST_COPIES, _LEAST_FRAGMENTS_PER_BP = 0.3, 12.0, 0.015
_QUALITY_SHARE = 0.001
# a k-mer is an adapter's where this share of the clipped tails shows it, so many of them, in so many windows
_ADAPTER_SHARE, _ADAPTER_TAILS, _ADAPTER_WINDOWS, _MOST_ADAPTER_KMERS = 0.03, 20, 4, 1024
_LEAST_RUN_BP, _RUN_FLANK_BP = 6, 5
_PAIRED, _MATE_UNMAPPED, _REVERSE, _MATE_REVERSE = 0x1, 0x8, 0x10, 0x20


def mapq_table(library: LibraryProfile) -> NDArray[np.uint8]:
    """Uint8 (256,): MAPQ on the scale where the library's typical read has 60.

    Low values keep their meaning: MAPQ 3 is a coin tossed between two places for every aligner. From
    _DOUBTFUL_MAPQ on the scale is stretched; one that reaches beyond 60 stays as it is. A scale that ends
    between _LEAST_SCALE_MAPQ and _LEAST_TYPICAL_MAPQ is stretched from its middle on: there half of the reads
    or more have the best that there is.
    """
    mapq = np.arange(256)
    doubtful, typical = _DOUBTFUL_MAPQ, max(library.typical_mapq, _LEAST_TYPICAL_MAPQ)
    if _LEAST_SCALE_MAPQ <= library.typical_mapq == library.best_mapq <= _LEAST_TYPICAL_MAPQ:
        doubtful, typical = library.best_mapq // 2, library.best_mapq
    if typical >= STANDARD_MAPQ:
        return mapq.astype(np.uint8)
    stretch = (STANDARD_MAPQ - doubtful) / (typical - doubtful)
    stretched = np.rint(doubtful + stretch * (mapq - doubtful))
    return np.minimum(np.where(mapq <= doubtful, mapq, stretched), 255).astype(np.uint8)


def orientation_of(flag: NDArray[np.uint16], insert_size: NDArray[np.int32]) -> NDArray[np.int8]:
    """Int8 (R,): 0 facing in, 1 facing out, 2 same strand, APART; -1 for single reads.

    Told by strands and the sign of TLEN alone: what an aligner calls a proper pair is its own affair.
    """
    reverse, mate_reverse = (flag & _REVERSE) != 0, (flag & _MATE_REVERSE) != 0
    facing_in = (insert_size > 0) == ~reverse
    kind = np.where(reverse == mate_reverse, 2, np.where(facing_in, 0, 1))
    kind = np.where((insert_size == 0) | ((flag & _MATE_UNMAPPED) != 0), APART, kind)
    return np.where((flag & _PAIRED) != 0, kind, -1).astype(np.int8)


def insert_bin(insert_size: NDArray[np.int32]) -> NDArray[np.int64]:
    """Int64 (R,): bin of log2 |TLEN|; INSERT_BINS and more lie beyond the last."""
    size = np.maximum(np.abs(insert_size.astype(np.int64)), 1)
    return np.floor(BINS_PER_OCTAVE * np.log2(size)).astype(np.int64)


def odd_pairs(
    flag: NDArray[np.uint16], insert_size: NDArray[np.int32], library: LibraryProfile
) -> NDArray[np.uint8]:
    """Uint8 (R,): 1 where a paired read's mate lies elsewhere than the library's pairs usually do."""
    kind, number = orientation_of(flag, insert_size), insert_bin(insert_size)
    usual = np.zeros((APART + 1, INSERT_BINS + 1), np.bool_)
    usual[:APART, :INSERT_BINS] = library.usual_inserts
    is_usual = usual[np.maximum(kind, 0), np.minimum(number, INSERT_BINS)]
    return ((kind >= 0) & ~is_usual).astype(np.uint8)


def odd_by_library(
    flag: NDArray[np.uint16],
    insert_size: NDArray[np.int32],
    number: NDArray[np.uint16],
    profiles: Sequence[LibraryProfile],
) -> NDArray[np.uint8]:
    """Uint8 (R,): `odd_pairs`, each read by the one of `profiles` that it has by `number`, uint16 (R,)."""
    if len(profiles) == 1:
        return odd_pairs(flag, insert_size, profiles[0])
    odd = np.zeros(len(flag), np.uint8)
    for k, profile in enumerate(profiles):
        rows = np.flatnonzero(number == k)
        odd[rows] = odd_pairs(flag[rows], insert_size[rows], profile)
    return odd


def measure_library(
    pieces: Sequence[ReadColumns], references: Sequence[tuple[int, NDArray[np.uint8]]] = ()
) -> LibraryProfile:
    """Profile of the reads of `pieces`, each the whole of a window that no other overlaps.

    `references` are (start, base codes) of each piece's stretch of the reference; without them ends of
    reads that an aligner did not clip are not searched for adapters.
    """
    around = references or [(0, np.empty(0, np.uint8))] * len(pieces)
    around = [stretch for stretch, piece in zip(around, pieces, strict=True) if len(piece.pos)]
    pieces = [piece for piece in pieces if len(piece.pos)]
    if not pieces:
        return UNKNOWN_LIBRARY
    flag = np.concatenate([piece.flag for piece in pieces])
    insert_size = np.concatenate([piece.insert_size for piece in pieces])
    lengths = np.concatenate([piece.seq_length for piece in pieces])
    mapq = np.concatenate([piece.mapq for piece in pieces])
    n_paired = int(((flag & _PAIRED) != 0).sum())
    usual = _usual_inserts(flag, insert_size, n_paired)
    copied_share, drops_copies = _copies(pieces)
    placed = [~grouped_copies(piece)[1] & (piece.mapq >= _DOUBTFUL_MAPQ) for piece in pieces]
    library = LibraryProfile(
        n_reads=len(flag),
        read_length_bp=int(np.median(lengths)),
        depth=_depth(pieces),
        typical_mapq=int(np.median(mapq)),
        best_mapq=int(np.quantile(mapq, _BEST_SHARE, method="higher")),
        paired_share=n_paired / len(flag),
        usual_inserts=tuple(tuple(bool(x) for x in row) for row in usual),
        clipped_share=clipped_share(pieces),
        spliced_share=sum(count_spliced(p.cigar_op, p.cigar_len, p.n_ops) for p in pieces) / len(flag),
        qualities=_quality_alphabet(pieces),
        adapters=_adapters(pieces, around),
        runs=_runs(pieces, around, placed),
        copied_share=copied_share,
        drops_copies=drops_copies,
    )
    odd = odd_pairs(flag, insert_size, library).astype(bool)
    near = np.abs(insert_size[((flag & _PAIRED) != 0) & ~odd])
    quantiles = np.quantile(near, [0.05, 0.5, 0.95]) if len(near) else np.zeros(3)
    low, middle, high = (round(float(q)) for q in quantiles)
    library = replace(library, odd_share=float(odd.sum() / max(n_paired, 1)), insert_bp=(low, middle, high))
    library = with_qualities(library, pieces, around)
    if library.is_long or library.raised:
        return library
    return replace(library, slips=slips_by_quality(pieces, around, placed, quality_table(library)))


def _depth(pieces: Sequence[ReadColumns]) -> float:
    """Bases of the reads that begin in each window, over where they begin: long reads end far beyond it.

    A window begins where a read does: of reads longer than windows that one does not count.
    """
    bases = begun = 0
    for piece in pieces:
        span = piece.end - piece.pos
        if span.mean() > PROFILE_WINDOW_BP:
            bases += int(span[1:].sum())
            begun += PROFILE_WINDOW_BP
        else:
            bases += int(span.sum())
            begun += max(int(piece.pos[-1] - piece.pos[0]), int(span.mean()))
    return float(bases / max(begun, 1))


def _usual_inserts(
    flag: NDArray[np.uint16], insert_size: NDArray[np.int32], n_paired: int
) -> NDArray[np.bool_]:
    """Bool (3, INSERT_BINS): bins that hold their share of the pairs, and their neighbours."""
    kind, number = orientation_of(flag, insert_size), insert_bin(insert_size)
    counts = np.zeros((APART, INSERT_BINS), np.int64)
    inside = (kind >= 0) & (kind < APART) & (number < INSERT_BINS)
    np.add.at(counts, (kind[inside], number[inside]), 1)
    usual = counts >= max(_USUAL_READS, _USUAL_SHARE * n_paired)
    wider = usual.copy()
    wider[:, 1:] |= usual[:, :-1]
    wider[:, :-1] |= usual[:, 1:]
    return np.asarray(wider)


def clipped_share(pieces: Sequence[ReadColumns]) -> float:
    """LibraryProfile.clipped_share of the reads of `pieces`."""
    near = [_clips_nearby(piece) for piece in pieces if len(piece.pos)]
    return float(np.concatenate(near).mean()) if near else 0.0


def _clips_nearby(columns: ReadColumns) -> NDArray[np.float64]:
    """Float (R,): the chance that a site under the read lies within CLIP_NEAR_BP of a clip of it."""
    offset = offsets_of(columns.n_ops)
    first, last = offset[:-1], offset[1:] - 1
    soft = 4
    left = (columns.cigar_op[first] == soft) & (columns.cigar_len[first] >= CLIP_BP)
    right = (columns.cigar_op[last] == soft) & (columns.cigar_len[last] >= CLIP_BP)
    near = np.minimum(1.0, CLIP_NEAR_BP / np.maximum(columns.end - columns.pos, 1))
    return np.asarray((left | right) * near)


def _copies(pieces: Sequence[ReadColumns]) -> tuple[float, bool]:
    """copied_share and drops_copies: amplicons, of few starts and many reads each, are no copies."""
    pairs = copied = covered_bp = 0
    for piece in pieces:
        pairs += int((piece.insert_size != 0).sum())
        copied += int(grouped_copies(piece)[1].sum())
        covered_bp += int(piece.end.max() - piece.pos.min())
    if pairs == 0:
        return 0.0, False
    share, distinct = copied / pairs, pairs - copied
    copies = pairs / max(distinct, 1)
    per_bp = distinct / max(2 * covered_bp, 1)
    drops = share > _COPIED_SHARE and copies <= _MOST_COPIES and per_bp >= _LEAST_FRAGMENTS_PER_BP / 2
    # at a depth where chance alone gives many equal ends, copies prove nothing
    return share, bool(drops and per_bp < 1.0)


def _quality_alphabet(pieces: Sequence[ReadColumns]) -> tuple[int, ...]:
    counts = np.zeros(256, np.int64)
    for piece in pieces:
        counts += np.bincount(piece.qual, minlength=256)
    counts[0] = 0  # bases that are N
    return tuple(int(q) for q in np.flatnonzero(counts > _QUALITY_SHARE * max(int(counts.sum()), 1)))


def with_qualities(
    library: LibraryProfile,
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
) -> LibraryProfile:
    """`library` with what its qualities keep, by reads that are surely placed and no copies; of long reads,
    whose qualities mean more to their models than mismatches tell, with what the platform is to judge."""
    if library.is_long:
        mapq = mapq_table(library)
        sure = [mapq[piece.mapq] >= SURE_MAPQ for piece in pieces]
        return replace(library, seen=seen_qualities(pieces, references, sure), least=least_in_runs(pieces))
    if are_too_poor(pieces):
        told = [with_zeros_told(piece) for piece in pieces]
        return replace(library, raised=raised_qualities(pieces, _mismatches(told, references, library)))
    counts = _mismatches(pieces, references, library)
    return replace(library, lowered=lowered_qualities(counts), least_quality=least_quality(counts))


def _mismatches(
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
    library: LibraryProfile,
) -> NDArray[np.float64]:
    """Float64 (W, 3, 256): `count_mismatches` of each piece by reads surely placed that are no copies."""
    mapq = mapq_table(library)
    counts = []
    for piece, (start, codes) in zip(pieces, references, strict=True):
        sure = ~grouped_copies(piece)[1] & (mapq[piece.mapq] >= SURE_MAPQ)
        counts.append(count_mismatches(piece, sure, start, codes))
    return np.stack(counts)


def library_text(library: LibraryProfile) -> str:
    """The profile as the value of a VCF header line."""
    low, middle, high = library.insert_bp
    facts = {
        "Reads": str(library.n_reads),
        "ReadLength": str(library.read_length_bp),
        "Depth": f"{library.depth:.1f}",
        "Paired": f"{library.paired_share:.3f}",
        "Inserts": f"{low}-{middle}-{high}",
        "OddPairs": f"{library.odd_share:.3f}",
        "TypicalMAPQ": str(library.typical_mapq),
        "Clipped": f"{library.clipped_share:.3f}",
        "Duplicates": f"{library.duplicate_share:.4f}",
        "Copies": f"{library.copied_share:.3f}",
        "CopiesDropped": "yes" if library.drops_copies else "no",
        "Adapter": longest_adapter(library.adapters) or "none",
        "Qualities": str(len(library.qualities)),
    }
    if library.repeated_share:
        facts["Repeated"] = f"{library.repeated_share:.4f}"
    facts |= left_out_text(library.left_out)
    if library.spliced_share:
        facts["Spliced"] = f"{library.spliced_share:.4f}"
    if any(library.drops_clips):  # of the usual library nothing is said
        facts["ClipsDropped"] = ends_text(library.drops_clips)
    if library.lowered:
        facts["QualitiesLowered"] = changed_text(library.lowered)
    if library.raised:
        facts["QualitiesRaised"] = changed_text(library.raised)
    if library.least_quality != LEAST_QUALITY:
        facts["LeastQuality"] = str(library.least_quality)
    if library.vote_errors:
        facts["VoteErrors"] = f"{library.vote_errors:.1e}"
    if library.contamination:
        facts["Contamination"] = f"{library.contamination:.4f}"
    if library.unbalanced:
        facts["Unbalanced"] = f"{library.unbalanced:.1f}"
    facts |= conversion_facts(library.conversion)
    if library.mate_errors:
        facts["MateErrors"] = f"{library.mate_errors:.1e}"
    if library.strand_errors:
        facts["StrandErrors"] = "|".join(
            f"{one.text}:{one.strand}:{one.sites:.3f}" for one in library.strand_errors
        )
    return ";".join(f"{key}={value}" for key, value in facts.items())


def _adapters(
    pieces: Sequence[ReadColumns], references: Sequence[tuple[int, NDArray[np.uint8]]]
) -> tuple[int, ...]:
    """k-mers that return in loose tails all over the genome and that the reference around lacks: adapters,
    neither copies of a place nor parts of a repeat."""
    windows, seen, tails = [], [], 0
    for piece, (start, reference) in zip(pieces, references, strict=True):
        out = np.empty(2 * len(piece.seq), np.int64)
        loose = np.empty((len(piece.pos), 2), np.int32)
        loose_tails(
            piece.seq, offsets_of(piece.seq_length), piece.cigar_op, piece.cigar_len, offsets_of(piece.n_ops),
            piece.pos, reference, start, loose,
        )  # fmt: skip
        n, n_tails = tail_kmers(piece.seq, offsets_of(piece.seq_length), loose, out)
        kmers, counts = np.unique(out[:n], return_counts=True)
        windows.append(kmers)
        seen.append(counts)
        tails += n_tails
    kmers, place = np.unique(np.concatenate(windows), return_inverse=True)
    total = np.bincount(place, weights=np.concatenate(seen), minlength=len(kmers))
    spread = np.bincount(place, minlength=len(kmers))
    returns = (total >= max(_ADAPTER_TAILS, _ADAPTER_SHARE * tails)) & (spread >= _ADAPTER_WINDOWS)
    known = kmers[returns]
    if len(known):
        known = np.setdiff1d(known, _reference_kmers([codes for _, codes in references]))
    # a library so odd that thousands of k-mers return has no adapter that could be told
    return tuple(int(kmer) for kmer in known) if len(known) <= _MOST_ADAPTER_KMERS else ()


def _reference_kmers(stretches: Sequence[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Int64 (K,): k-mers of both strands of stretches of the reference, each uint8 codes."""
    found = [np.empty(0, np.int64)]
    for codes in stretches:
        other_strand = np.where(codes < 4, 3 - codes, codes)[::-1].astype(np.uint8)
        both = np.concatenate((codes, other_strand))
        out = np.empty(2 * len(both), np.int64)
        n = len(codes)
        n_kmers, _ = tail_kmers(both, np.array([0, n, 2 * n]), np.array([[n, 0], [n, 0]], np.int32), out)
        found.append(out[:n_kmers])
    return np.concatenate(found)


def _runs(
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
    uses: Sequence[NDArray[np.bool_]],
) -> tuple[tuple[int, int, int], ...]:
    """What the reads `uses`, bool (R,) of each piece, show of the lengths of runs: LibraryProfile.runs."""
    found: list[tuple[int, int, int]] = []
    for piece, (start, codes), use in zip(pieces, references, uses, strict=True):
        runs = find_runs(codes, _LEAST_RUN_BP) + start
        counts = run_passages(
            runs,
            piece.pos,
            piece.end,
            use,
            piece.cigar_op,
            piece.cigar_len,
            offsets_of(piece.n_ops),
            _RUN_FLANK_BP,
        )
        rows = np.column_stack((runs[:, 1] - runs[:, 0], counts))[counts[:, 0] > 0]
        found += [(int(bp), int(passed), int(changed)) for bp, passed, changed in rows]
    return tuple(sorted(found))


def longest_adapter(adapters: tuple[int, ...]) -> str:
    """The longest sequence that overlapping k-mers spell, for people; empty without k-mers."""
    left = set(adapters)
    low = (1 << 2 * (KMER_BP - 1)) - 1
    ends = {kmer & low for kmer in left}
    best = ""
    for kmer in sorted(left):
        if kmer >> 2 in ends and any(
            (kmer >> 2) | (b << 2 * (KMER_BP - 1)) in left - {kmer} for b in range(4)
        ):
            continue  # not the first of its chain
        text = "".join("ACGT"[(kmer >> 2 * k) & 3] for k in reversed(range(KMER_BP)))
        at, used = kmer, {kmer}
        while following := [n for b in range(4) if (n := ((at & low) << 2) | b) in left - used]:
            at = following[0]
            used.add(at)
            text += "ACGT"[at & 3]
        best = max(best, text, key=len)
    return best
