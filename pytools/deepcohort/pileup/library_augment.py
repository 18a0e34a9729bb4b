"""Domain randomisation of the library and the aligner: pairing, MAPQ, clipped ends, reads from elsewhere.

The simulator knows one library and one aligner at a time. What differs between those of the world is drawn
anew for each stretch of genome, for all of its reads together, so that networks learn what reads say beside
their like and not what bwa mem does with fragments of 400 bp.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.pileup.augment import reads_at
from deepcohort.pileup.foreign_reads import ForeignConfig, foreign_reads
from deepcohort.reads.merge import judged
from deepcohort.reads.types import ReadBatch

_PAIR_BITS, _MATE_REVERSE, _MATE_UNMAPPED = 0xEB, 0x20, 0x8
_MATCH, _SOFT = 0, 4


_FOREIGN = ForeignConfig()


@dataclass(frozen=True, slots=True)
class LibraryAugment:
    """How often, by stretch, each property of the library is changed.

    Attributes:
        single, long_inserts, facing_out, apart, chimeric: probabilities of these pairings; else as it is.
        mapq_noise, mapq_by_mismatch: probabilities that MAPQ is lowered at random, or by mismatches.
        end_to_end: probability that soft clips are aligned to their end, as bowtie2 does.
        clipped: probability that many reads end in clipped foreign bases.
        foreign: probability that a stretch holds reads from elsewhere. foreign_loci: their number per
            10 kb, drawn between these.
    """

    single: float = 0.12
    long_inserts: float = 0.15
    facing_out: float = 0.06
    apart: float = 0.15
    chimeric: float = 0.15
    mapq_noise: float = 0.2
    mapq_by_mismatch: float = 0.2
    end_to_end: float = 0.25
    clipped: float = 0.25
    foreign: float = 0.4
    foreign_loci: tuple[float, float] = (0.3, 4.0)
    foreign_config: ForeignConfig = _FOREIGN


# Calibration wants these at the rate of nature: most libraries are as the simulator makes them.
NATURAL_LIBRARY = LibraryAugment(
    0.1, 0.1, 0.03, 0.08, 0.08, 0.1, 0.1, 0.2, 0.15, foreign=0.25, foreign_loci=(0.1, 1.0)
)
# Of each group one kind at most is drawn, so that their shares add up.
_GROUPS = (
    ("end_to_end", "clipped"),
    ("single", "long_inserts", "facing_out", "apart", "chimeric"),
    ("mapq_noise", "mapq_by_mismatch"),
    ("foreign",),
)
Change = Callable[[ReadBatch, NDArray[np.uint8], int, np.random.Generator], ReadBatch]


def library_with(base: LibraryAugment, assignments: Sequence[str]) -> LibraryAugment:
    """`base` with other probabilities, from texts NAME=VALUE.

    Raises:
        DeepcohortError: a text that is no assignment, an unknown name, or probabilities that cannot be.
    """
    known = [name for group in _GROUPS for name in group]
    chosen: dict[str, float] = {}
    for text in assignments:
        name, _, value = text.partition("=")
        if name.strip() not in known:
            raise DeepcohortError(f"--set {text}: not NAME=VALUE with a NAME of {', '.join(known)}")
        try:
            chosen[name.strip()] = float(value)
        except ValueError:
            raise DeepcohortError(f"--set {text}: {value!r} is no number") from None
    changed = replace(base, **chosen)  # type: ignore[arg-type]
    values = asdict(changed)
    for group in _GROUPS:
        shares = [values[name] for name in group]
        if not (min(shares) >= 0 and sum(shares) <= 1):
            raise DeepcohortError(
                f"--set: {' + '.join(group)} are shares of stretches, none negative and at most 1 together; "
                f"they are {' + '.join(f'{share:g}' for share in shares)}"
            )
    return changed


def vary_library(
    reads: ReadBatch,
    reference: NDArray[np.uint8],
    reference_start: int,
    rng: np.random.Generator,
    config: LibraryAugment,
) -> ReadBatch:
    """`reads` as another library and aligner would have given them, judged by their own profile.

    `reference`: uint8 codes from `reference_start` on.
    """
    if len(reads) == 0:
        return reads
    pairings: list[tuple[float, Change]] = [
        (config.single, _single),
        (config.long_inserts, _long_inserts),
        (config.facing_out, _facing_out),
        (config.apart, _apart),
        (config.chimeric, _chimeric),
    ]
    groups: list[list[tuple[float, Change]]] = [
        [(config.end_to_end, _end_to_end), (config.clipped, _clip_ends)],
        pairings,
        [(config.mapq_noise, _mapq_noise), (config.mapq_by_mismatch, _mapq_by_mismatch)],
    ]
    for group in groups:
        x = rng.random()
        for probability, change in group:
            if 0 <= x < probability:
                reads = change(reads, reference, reference_start, rng)
            x -= probability
    if rng.random() < config.foreign:
        per_bp = rng.uniform(*config.foreign_loci) / 10_000
        n_loci = int(rng.poisson(per_bp * len(reference)))
        reads = foreign_reads(reads, reference, reference_start, n_loci, rng, config.foreign_config)
    return judged(reads)


def _share_of_fragments(reads: ReadBatch, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Bool (R,), the same for both reads of a fragment."""
    salt = np.uint64(rng.integers(0, 2**63))
    mixed = (reads.name_hash ^ salt) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) / 2.0**53 < share)


def _single(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    flag = reads.flag & np.uint16(0xFFFF ^ _PAIR_BITS)
    none = np.full(len(reads), -1, np.int32)
    return replace(reads, flag=flag, insert_size=np.zeros_like(reads.insert_size), mate=none)


def _long_inserts(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    middle, spread = np.exp(rng.uniform(np.log(2.0), np.log(15.0))), rng.uniform(0.05, 0.6)
    u = (reads.name_hash * np.uint64(0xD1342543DE82EF95) >> np.uint64(11)).astype(np.float64) / 2.0**53
    factor = middle * np.exp(spread * (4 * u - 2))
    return replace(
        reads, insert_size=np.clip(reads.insert_size * factor, -(2**31) + 1, 2**31 - 1).astype(np.int32)
    )


def _facing_out(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    factor = int(rng.integers(1, 8))
    return replace(reads, insert_size=(-factor * reads.insert_size).astype(np.int32))


def _apart(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    chosen = _share_of_fragments(reads, rng.uniform(0.05, 0.7), rng)
    flag = np.where(chosen & (rng.random() < 0.5), reads.flag | _MATE_UNMAPPED, reads.flag)
    return replace(reads, flag=flag.astype(np.uint16), insert_size=np.where(chosen, 0, reads.insert_size))


def _chimeric(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    chosen = _share_of_fragments(reads, rng.uniform(0.05, 0.35), rng)
    turned = chosen & _share_of_fragments(reads, 0.5, rng)
    far = np.rint(np.exp(rng.uniform(np.log(500), np.log(5e7), len(reads)))).astype(np.int32)
    far[rng.random(len(reads)) < 0.5] = 0
    insert_size = np.where(chosen, np.sign(reads.insert_size) * far, reads.insert_size)
    flag = np.where(turned, reads.flag ^ _MATE_REVERSE, reads.flag)
    return replace(reads, flag=flag.astype(np.uint16), insert_size=insert_size.astype(np.int32))


def _mapq_noise(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    lowered = _share_of_fragments(reads, rng.uniform(0.1, 0.6), rng)
    mapq = np.where(lowered, reads.mapq * rng.uniform(0.4, 0.95), reads.mapq)
    return replace(reads, mapq=np.maximum(mapq, np.minimum(reads.mapq, 5)).astype(np.uint8))


def _mapq_by_mismatch(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    lost = rng.uniform(0.05, 0.2) * _mismatches(reads, reference, reference_start)
    mapq = np.maximum(reads.mapq * (1 - np.minimum(lost, 0.95)), np.minimum(reads.mapq, 5))
    return replace(reads, mapq=mapq.astype(np.uint8))


def _mismatches(reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int) -> NDArray[np.int64]:
    """Int64 (R,): mismatches of each read's aligned bases."""
    op_row = np.repeat(np.arange(len(reads)), np.diff(reads.cigar_offset))
    op, length = reads.cigar_op, reads.cigar_len.astype(np.int64)
    on_query, on_reference = np.isin(op, (0, 1, 4, 7, 8)), np.isin(op, (0, 2, 3, 7, 8))
    query_end = np.cumsum(np.where(on_query, length, 0))
    reference_end = np.cumsum(np.where(on_reference, length, 0))
    first = reads.cigar_offset[:-1]
    before = np.concatenate([[0], reference_end])[first]
    aligned = on_query & on_reference
    sizes = length[aligned]
    total = int(sizes.sum())
    step = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    base = np.repeat((query_end - np.where(on_query, length, 0))[aligned], sizes) + step
    place = reads.pos[op_row] + (reference_end - np.where(on_reference, length, 0)) - before[op_row]
    at = np.repeat(place[aligned], sizes) + step - reference_start
    inside = (at >= 0) & (at < len(reference))
    differs = inside & (reads.seq[base] != reference[np.clip(at, 0, len(reference) - 1)])
    return np.bincount(np.repeat(op_row[aligned], sizes)[differs], minlength=len(reads)).astype(np.int64)


def _end_to_end(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    """Soft clips of up to a third of the read become aligned bases; reads clipped more are lost."""
    first, last = reads.cigar_offset[:-1], reads.cigar_offset[1:] - 1
    left = np.where(reads.cigar_op[first] == _SOFT, reads.cigar_len[first], 0)
    right = np.where(reads.cigar_op[last] == _SOFT, reads.cigar_len[last], 0)
    op = reads.cigar_op.copy()
    op[first[left > 0]] = _MATCH
    op[last[right > 0]] = _MATCH
    pos, end = reads.pos - left, reads.end + right
    stays = 3 * (left + right) <= np.diff(reads.seq_offset)
    stays &= (pos >= reference_start) & (end <= reference_start + len(reference))
    return _ordered(replace(reads, pos=pos, end=end, cigar_op=op), np.flatnonzero(stays))


def _clip_ends(
    reads: ReadBatch, reference: NDArray[np.uint8], reference_start: int, rng: np.random.Generator
) -> ReadBatch:
    """A share of the reads ends in foreign sequence on the right, which is clipped or, if short, not."""
    share = rng.uniform(0.05, 0.4)
    seq, op, lengths, end = reads.seq.copy(), list(reads.cigar_op), list(reads.cigar_len), reads.end.copy()
    offset = reads.cigar_offset
    new_offset = [0]
    new_op: list[int] = []
    new_length: list[int] = []
    for row in range(len(reads)):
        own_op, own_length = op[offset[row] : offset[row + 1]], lengths[offset[row] : offset[row + 1]]
        if own_op[-1] == _MATCH and own_length[-1] > 30 and rng.random() < share:
            tail = int(rng.integers(2, own_length[-1] - 20))
            stop = reads.seq_offset[row + 1]
            seq[stop - tail : stop] = rng.integers(0, 4, tail)
            if tail > 6:
                own_length[-1] -= tail
                own_op, own_length = [*own_op, _SOFT], [*own_length, tail]
                end[row] -= tail
        new_op += own_op
        new_length += own_length
        new_offset.append(len(new_op))
    return replace(
        reads,
        seq=seq,
        end=end,
        cigar_op=np.array(new_op, np.uint8),
        cigar_len=np.array(new_length, np.int32),
        cigar_offset=np.array(new_offset, np.int64),
    )


def _ordered(reads: ReadBatch, rows: NDArray[np.int64]) -> ReadBatch:
    """The rows `rows` in the batch's order of (pos, name_hash, flag)."""
    order = np.lexsort((reads.flag[rows], reads.name_hash[rows], reads.pos[rows]))
    return reads_at(reads, rows[order])
