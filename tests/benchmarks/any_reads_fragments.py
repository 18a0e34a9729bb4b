"""Reads of any library from planted haplotypes: fragments, bases, errors, qualities. Arrays only."""

from dataclasses import dataclass

import numpy as np
from any_reads_flow import read_by_flows
from any_reads_rows import Library, Row
from numpy.typing import NDArray

BASES = np.frombuffer(b"ACGTN", np.uint8)
CODE = np.full(256, 4, np.uint8)
CODE[np.frombuffer(b"ACGT", np.uint8)] = CODE[np.frombuffer(b"acgt", np.uint8)] = np.arange(4)
COMPLEMENT = np.array([3, 2, 1, 0, 4], np.uint8)
ADAPTER = CODE[np.frombuffer(b"AGATCGGAAGAGCACACGTCTGAACTCCAGTCAC", np.uint8)]
INSERTION_RATE, DELETION_RATE = (0.00009, 0.00015), (0.00011, 0.00023)  # art_illumina's, by mate
BINS = {  # label of each stretch of qualities: (first of the stretch, label)
    "bins2": ((0, 10), (20, 37)),
    "bins4": ((0, 2), (3, 12), (18, 23), (30, 37)),
    "bins8": ((0, 2), (3, 6), (10, 15), (20, 22), (25, 27), (30, 33), (35, 37), (40, 40)),
}
Q2_ERRORS = 0.2  # of bases in a tail labelled Q2


@dataclass(frozen=True)
class Haplotype:
    """One haplotype of one region: where it lies in the genome array and how positions map.

    Attributes:
        start, length: in the genome array, bp.
        reference_pos, own_pos: int64, 0-based breakpoints of the map from reference to haplotype positions (both rising).
    """

    start: int
    length: int
    reference_pos: NDArray[np.int64]
    own_pos: NDArray[np.int64]

    def at(self, pos: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in the haplotype of reference positions."""
        return np.interp(pos, self.reference_pos, self.own_pos).astype(np.int64)


@dataclass(frozen=True)
class Fragments:
    """n fragments: the first `junction` bases lie at `start` of the genome array, the rest at `other`; int64 all.

    Those of primers lie at `primer`, where the amplicon begins in the reference.
    """

    start: NDArray[np.int64]
    size: NDArray[np.int64]
    junction: NDArray[np.int64]
    other: NDArray[np.int64]
    primer: NDArray[np.int64]


@dataclass(frozen=True)
class Reads:
    """Bases (codes, 4 is N) and quality labels of one mate, uint8 (n, L), and the length of each read, int64 (n,)."""

    codes: NDArray[np.uint8]
    qualities: NDArray[np.uint8]
    lengths: NDArray[np.int64]


def draw_fragments(
    row: Row,
    haplotypes: list[Haplotype],
    elsewhere: tuple[int, int],
    rng: np.random.Generator,
    foreign: list[Haplotype] | tuple[()] = (),
) -> Fragments:
    """Fragments at the row's depth on all haplotypes (two per region); `elsewhere`: stretch of the genome array for
    chimeras; `foreign`: haplotypes of the person who has some of the depth."""
    library = row.library
    starts, sizes, primers = [], [], []
    depths = [(row.depth * (1 - library.foreign), h) for h in haplotypes]
    depths += [(row.depth * library.foreign, h) for h in foreign if library.foreign]
    for depth, haplotype in depths:
        useful = row.length * (1 if library.layout == "single" or library.mates != "paired" else 2)
        wanted = depth / 2 * haplotype.length / useful
        start, size, primer = _place(
            library, row.length, haplotype, max(1, round(wanted / library.copies)), rng
        )
        starts.append(start + haplotype.start)
        sizes.append(size)
        primers.append(primer + elsewhere[0])  # chr20 of the reference is the first of the other places
    start = np.repeat(np.concatenate(starts), library.copies)
    size = np.repeat(np.concatenate(sizes), library.copies)
    chimeric = np.repeat(rng.random(len(start) // library.copies) < library.chimeras, library.copies)
    share = np.repeat(rng.random(len(start) // library.copies), library.copies)
    other = np.repeat(rng.integers(*elsewhere, len(start) // library.copies), library.copies)
    primer = np.repeat(np.concatenate(primers), library.copies)
    return Fragments(start, size, np.where(chimeric, (share * size).astype(np.int64), size), other, primer)


def _place(
    library: Library, read_bp: int, haplotype: Haplotype, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Starts in the haplotype, sizes, and starts in the reference of amplicons (else 0), of n fragments."""
    nowhere = np.zeros(n, np.int64)
    means = np.full(n, library.insert_bp)
    if library.second_insert_bp:
        means[n // 2 :] = library.second_insert_bp
    spread = np.array([library.spread(int(m)) for m in np.unique(means)])[
        np.searchsorted(np.unique(means), means)
    ]
    size = np.clip(np.round(rng.normal(means, spread)), 30, None).astype(np.int64)
    if library.layout == "single":
        size = np.maximum(size, read_bp)
    last = haplotype.reference_pos[-1]
    if library.amplicon_bp:
        step = library.amplicon_bp - 40
        first = haplotype.reference_pos[0] + step * rng.integers(
            0, (last - haplotype.reference_pos[0]) // step - 1, n
        )
        start = haplotype.at(first + library.primers_bp) - library.primers_bp
        end = haplotype.at(first + library.amplicon_bp - library.primers_bp) + library.primers_bp
        return start, end - start, first
    if library.targets:
        centres = target_centres(int(haplotype.reference_pos[0]), int(last))
        weight = np.exp(np.random.default_rng(7).normal(0, 0.8, len(centres)))
        middle = haplotype.at(rng.choice(centres, n, p=weight / weight.sum())) + np.round(
            rng.normal(0, 90, n)
        )
        start = np.clip(middle.astype(np.int64) - size // 2, 0, haplotype.length - size)
        return start, size, nowhere
    return rng.integers(0, haplotype.length - size), size, nowhere


def target_centres(first: int, last: int) -> NDArray[np.int64]:
    """Middles of the targets of an exome-like library between reference positions."""
    return np.arange(first + 1000, last - 1000, 600, dtype=np.int64)


def read_mates(
    row: Row, genome: NDArray[np.uint8], fragments: Fragments, pool: tuple[NDArray[np.uint8], ...],
    elsewhere: tuple[int, int], rng: np.random.Generator,
) -> list[Reads]:  # fmt: skip
    """Reads of the first mate and, unless single, of the second.

    Parameters: genome uint8 codes; pool: qualities of art_illumina, uint8 (k, L) by mate, the same k.
    """
    n = len(fragments.start)
    flipped = rng.random(n) >= row.library.one_strand
    drawn = rng.integers(0, len(pool[0]), n)
    reads = []
    for mate in range(1 if row.library.layout == "single" else 2):
        # the first mate of a flipped fragment reads its right end
        right = flipped if mate == 0 else ~flipped
        if mate == 1 and row.library.mates == "elsewhere":
            moved = rng.integers(*elsewhere, n)
            fragments = Fragments(moved, fragments.size, fragments.size, moved, moved)
        codes = _bases(row, genome, fragments, right, mate, rng)
        if mate == 1 and row.library.mates == "unmapped":
            codes = rng.integers(0, 4, codes.shape, dtype=np.uint8)
        error, label = qualities_of(row.quality, pool[mate][drawn], rng)
        wrong = (rng.random(codes.shape) < error) & (codes < 4)
        codes = np.where(wrong, (codes + rng.integers(1, 4, codes.shape, dtype=np.uint8)) % 4, codes)
        if row.quality == "ns":
            missing = rng.random(codes.shape) < 0.03
            codes, label = np.where(missing, 4, codes), np.where(missing, 2, label)
        lengths = np.full(n, row.length)
        if row.quality == "runs":
            codes, label, lengths = read_by_runs(codes, rng)
        if row.quality == "flow":
            codes, label, lengths = read_by_flows(codes, rng)
        if row.trim:
            cut = rng.random(n) < 0.6
            lengths = np.where(cut, rng.integers(min(30, row.length), row.length + 1, n), lengths)
        reads.append(Reads(codes.astype(np.uint8), label.astype(np.uint8), lengths))
    return reads


def _bases(
    row: Row, genome: NDArray[np.uint8], fragments: Fragments, right: NDArray[np.bool_], mate: int,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:  # fmt: skip
    """True bases of reads with the insertions and deletions of sequencing, codes (n, L)."""
    shape = (len(fragments.start), row.length)
    inserted = rng.random(shape) < INSERTION_RATE[mate] * row.indel_errors
    deleted = rng.random(shape) < DELETION_RATE[mate] * row.indel_errors
    inserted[:, 0] = deleted[:, 0] = False
    step = np.arange(row.length) + np.cumsum(deleted.astype(np.int64) - inserted, axis=1)
    size = fragments.size[:, None]
    if row.library.layout == "rf":  # outwards: a mate begins one read length inside its end
        place = np.where(right[:, None], size - row.length + step, row.length - 1 - step)
        reverse = ~right
    else:
        place = np.where(right[:, None], size - 1 - step, step)
        reverse = right
    before = place < fragments.junction[:, None]
    at = np.where(before, fragments.start[:, None] + place, fragments.other[:, None] + place)
    if row.library.primers_bp:
        primer = fragments.primer[:, None]
        at = np.where(place < row.library.primers_bp, primer + place, at)
        from_end = size - place
        at = np.where(from_end <= row.library.primers_bp, primer + row.library.amplicon_bp - from_end, at)
    codes = genome[np.clip(at, 0, len(genome) - 1)]
    if row.library.damage:
        odds = (
            row.library.damage * 0.5 ** np.clip(place, 0, 60),
            row.library.damage * 0.5 ** np.clip(size - 1 - place, 0, 60),
        )
        codes = np.where((codes == 1) & (rng.random(shape) < odds[0]), 3, codes)
        codes = np.where((codes == 2) & (rng.random(shape) < odds[1]), 0, codes)
    codes = np.where(reverse[:, None], COMPLEMENT[codes], codes)
    codes = np.where(inserted, rng.integers(0, 4, shape, dtype=np.uint8), codes)
    beyond = step - size  # read through: the adapter, then A
    tail = np.where(beyond < len(ADAPTER), ADAPTER[np.clip(beyond, 0, len(ADAPTER) - 1)], 0)
    return np.where(beyond >= 0, tail, codes).astype(np.uint8)


def qualities_of(
    name: str, honest: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Chance of a wrong base and the quality that the file will say, (n, L), from art_illumina's qualities."""
    error = 10.0 ** (-honest.astype(float) / 10)
    if name in BINS:
        firsts, labels = zip(*BINS[name], strict=True)
        return error, np.array(labels, np.uint8)[np.searchsorted(firsts, honest, side="right") - 1]
    if name == "flow":  # errors of its own come later
        return np.zeros_like(error), honest
    if name == "flat30":
        return error, np.full_like(honest, 30)
    if name == "recal_down":  # what recalibration makes of optimistic qualities, by cycle and chance
        drop = 6 + 3 * np.arange(honest.shape[1]) / honest.shape[1] + rng.normal(0, 1.5, honest.shape)
        return error, np.clip(np.round(honest - drop), 2, 60).astype(np.uint8)
    if name == "zeros":
        return error, np.zeros_like(honest)
    if name == "minus31":  # 64 - 33 subtracted from qualities that had no such offset
        return error, np.maximum(honest.astype(int) - 31, 0).astype(np.uint8)
    if name == "recal_up":
        return error, np.clip(honest.astype(int) + 8, 2, 60).astype(np.uint8)
    if name == "q2tails":
        n, length = honest.shape
        kept = np.where(rng.random(n) < 0.4, (length * rng.uniform(0.5, 1, n)).astype(int), length)
        tail = np.arange(length) >= kept[:, None]
        return np.where(tail, Q2_ERRORS, error), np.where(tail, 2, honest).astype(np.uint8)
    return error, honest


def read_by_runs(
    codes: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Bases, qualities (n, L) and lengths of reads by an instrument that reads a run of one base at once.

    A run of k bases loses one with a chance of k^2 / 2000 and gains one with half of that; its qualities are 30 - 3 k, 8 at least.
    """
    n, length = codes.shape
    starts = np.ones((n, length), np.bool_)
    starts[:, 1:] = codes[:, 1:] != codes[:, :-1]
    bases, label = np.full_like(codes, 4), np.full_like(codes, 2)
    lengths = np.zeros(n, np.int64)
    for i in range(n):
        first = np.flatnonzero(starts[i])
        k = np.diff(np.append(first, length))
        chance, drawn = k * k / 2000, rng.random(len(k))
        kept = k - (drawn < chance) + ((drawn >= chance) & (drawn < 1.5 * chance))
        read = np.repeat(codes[i, first], kept)[:length]
        bases[i, : len(read)] = read
        label[i, : len(read)] = np.repeat(np.maximum(8, 30 - 3 * k), kept)[:length]
        lengths[i] = len(read)
    return bases, label, lengths


def stretched(qualities: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """Qualities of reads of another length, (n, length), each cycle that at the same share of the read."""
    return qualities[:, np.arange(length) * qualities.shape[1] // length]
