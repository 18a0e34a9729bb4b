"""Reads from elsewhere among those of a sample: chimeras, adapters, and mates put down beside their anchor.

An aligner that must place a read near its mate, or to its end, writes alignments full of mismatches and
clips. They come in clusters that show the same bases, as variants do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.merge import columns_of, join_pieces, take_reads, to_batch
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import ReadBatch

_MATCH, _INSERTION, _DELETION, _SOFT = 0, 1, 2, 4
_EDGE_BP = 300


@dataclass(frozen=True, slots=True)
class ForeignConfig:
    """What foreign reads look like at one locus.

    Attributes:
        divergence, indel_rate: substitutions and indels per bp against the reference, drawn between these.
        shared: probability that the reads of a locus come from one template (else each from its own).
        breakpoint: probability that all are aligned up to one base and clipped behind it.
        mean_reads: mean number of reads; at most `most_reads`.
        whole: probability that a read is aligned over all of its length.
        odd: probability that the pairs of a locus are odd.
    """

    divergence: tuple[float, float] = (0.03, 0.22)
    indel_rate: tuple[float, float] = (0.0, 0.02)
    shared: float = 0.75
    breakpoint: float = 0.4
    mean_reads: float = 5.0
    most_reads: int = 60
    whole: float = 0.35
    odd: float = 0.4


@dataclass(slots=True)
class _Template:
    """Foreign sequence in terms of the reference: base by base, with what is inserted before or left out."""

    start: int
    base: NDArray[np.uint8]
    inserted: NDArray[np.int64]
    deleted: NDArray[np.bool_]


def foreign_reads(
    reads: ReadBatch,
    reference: NDArray[np.uint8],
    reference_start: int,
    n_loci: int,
    rng: np.random.Generator,
    config: ForeignConfig,
) -> ReadBatch:
    """`reads` with those of `n_loci` loci of foreign sequence among them."""
    pieces = [columns_of(reads)]
    for _ in range(n_loci if len(reference) > 4 * _EDGE_BP else 0):
        site = reference_start + int(rng.integers(_EDGE_BP, len(reference) - _EDGE_BP))
        beside = np.flatnonzero((reads.pos <= site) & (reads.end > site))
        if len(beside) >= 3:
            pieces += _locus(reads, beside, reference, reference_start, site, rng, config)
    if len(pieces) == 1:
        return reads
    joined = join_pieces(pieces)
    order = np.lexsort((joined.flag, joined.name_hash, joined.pos))
    return to_batch(take_reads(joined, order), ReadsConfig())


def _locus(
    reads: ReadBatch,
    beside: NDArray[np.int64],
    reference: NDArray[np.uint8],
    reference_start: int,
    site: int,
    rng: np.random.Generator,
    config: ForeignConfig,
) -> list[ReadColumns]:
    n_reads = min(2 + int(rng.geometric(1.0 / (config.mean_reads - 1))), config.most_reads)
    rates = rng.uniform(*config.divergence), rng.uniform(*config.indel_rate)
    reach = _EDGE_BP
    shared = rng.random() < config.shared
    at_breakpoint, breaks_left = rng.random() < config.breakpoint, rng.random() < 0.5
    one_strand = rng.random() < 0.5
    strand = int(rng.integers(0, 2))
    mapq_share, is_odd = rng.uniform(0.3, 1.0), rng.random() < config.odd
    around = reference[site - reach - reference_start : site + reach - reference_start]
    template = _template(around, site - reach, rates, rng)
    made = []
    for row in rng.choice(beside, n_reads):
        if not shared:
            template = _template(around, site - reach, rates, rng)
        length = int(reads.seq_offset[row + 1] - reads.seq_offset[row])
        if length > reach - 20:
            continue
        aligned = length if rng.random() < config.whole else int(rng.integers(min(20, length), length + 1))
        start = site - int(rng.integers(0, max(1, aligned - 5)))
        if at_breakpoint:
            start = site if breaks_left else site - aligned
        reverse = strand if one_strand else int(rng.integers(0, 2))
        made.append(
            _read(
                reads,
                int(row),
                template,
                start,
                aligned,
                length,
                breaks_left,
                reverse,
                mapq_share,
                is_odd,
                rng,
            )
        )
    return [piece for piece in made if piece is not None]


def _template(
    around: NDArray[np.uint8], start: int, rates: tuple[float, float], rng: np.random.Generator
) -> _Template:
    n = len(around)
    changed = rng.random(n) < rates[0]
    base = np.where(changed, (around + rng.integers(1, 4, n)) % 4, around).astype(np.uint8)
    kind = rng.random(n)
    inserted = np.where(kind < rates[1] / 2, rng.integers(1, 5, n), 0)
    deleted = kind > 1 - rates[1] / 2
    return _Template(start, base, inserted, deleted)


def _read(
    reads: ReadBatch,
    row: int,
    template: _Template,
    start: int,
    aligned: int,
    length: int,
    clip_left: bool,
    reverse: int,
    mapq_share: float,
    is_odd: bool,
    rng: np.random.Generator,
) -> ReadColumns | None:
    """One read of `length` bases, about `aligned` of them aligned from `start` on."""
    spare = length - aligned
    left = spare if clip_left else int(rng.integers(0, spare + 1)) if spare else 0
    ops, bases = _spelled(template, start - template.start, aligned, rng)
    if not ops:
        return None
    right = length - left - len(bases)
    right = max(right, 0)
    seq = np.concatenate([rng.integers(0, 4, left), bases, rng.integers(0, 4, right)]).astype(np.uint8)
    cigar = [(_SOFT, left), *ops, (_SOFT, right)]
    cigar = [(op, n) for op, n in cigar if n]
    span = sum(n for op, n in ops if op != _INSERTION)
    qual = reads.qual[reads.seq_offset[row] : reads.seq_offset[row + 1]]
    qual = np.resize(np.where(qual == 0, 30, qual), len(seq)).astype(np.uint8)
    flag = (int(reads.flag[row]) & ~0x10) | (0x10 if reverse else 0)
    none = np.empty(0, np.int64)
    return ReadColumns(
        pos=np.array([start], np.int64),
        end=np.array([start + span], np.int64),
        mapq=np.array([max(5, round(float(reads.mapq[row]) * mapq_share))], np.uint8),
        flag=np.array([flag], np.uint16),
        insert_size=np.array([0 if is_odd else reads.insert_size[row]], np.int32),
        name_hash=rng.integers(0, 2**63, 1).astype(np.uint64),
        seq=seq,
        qual=qual,
        seq_length=np.array([len(seq)], np.int64),
        cigar_op=np.array([op for op, _ in cigar], np.uint8),
        cigar_len=np.array([n for _, n in cigar], np.int32),
        n_ops=np.array([len(cigar)], np.int64),
        mapq0_pos=none,
        mapq0_end=none,
    )


def _spelled(
    template: _Template, first: int, aligned: int, rng: np.random.Generator
) -> tuple[list[tuple[int, int]], NDArray[np.uint8]]:
    """CIGAR and bases of the template's reference bases first .. first + aligned; ends are matches."""
    if first < 0 or first + aligned > len(template.base) or aligned < 10:
        return [], np.empty(0, np.uint8)
    ops: list[list[int]] = [[_MATCH, 0]]
    parts: list[NDArray[np.uint8]] = []
    for k in range(first, first + aligned):
        inner = first + 3 < k < first + aligned - 4
        if inner and template.deleted[k]:
            kind, n = _DELETION, 1
        else:
            if inner and template.inserted[k]:
                extra = int(template.inserted[k])
                ops.append([_INSERTION, extra])
                parts.append(np.full(extra, template.base[k], np.uint8))
            kind, n = _MATCH, 1
            parts.append(template.base[k : k + 1])
        if ops[-1][0] == kind:
            ops[-1][1] += n
        else:
            ops.append([kind, n])
    return [(op, n) for op, n in ops], np.concatenate(parts)
