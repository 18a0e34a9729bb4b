"""Read tensors of records: what the networks of filter_networks.py look at."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numba
import numpy as np
from deepcohort.candidates.sample import settings_for
from deepcohort.compose.filter_run import TrainingInput, label
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.annotations import annotations_of
from deepcohort.filter.apply import judge_segment
from deepcohort.filter.config import FilterConfig
from deepcohort.filter.records import parse_record
from deepcohort.filter.score import NETWORK_NAMES, Scorer
from deepcohort.formats.vcf_text import VcfTextReader
from deepcohort.pileup.types import LazyPredictor
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import ReadSource, open_reads
from deepcohort.reads.types import ReadBatch
from numpy.typing import NDArray

ROWS, COLUMNS = 32, 41  # reads, bp of reference; the record's POS is in the middle
MIDDLE = COLUMNS // 2
DELETED, NOTHING = 4, 5  # beside the base codes 0..3
SCALARS = ("there", "mapq", "reverse", "proper", "first", "shows_alt")
_CHUNK_BP = 50_000


@dataclass(frozen=True)
class Tensors:
    """Reads of N records, aligned to the reference; a base inserted is told at the base before it.

    Attributes:
        base: uint8 (N, ROWS, COLUMNS), 0..3, DELETED or NOTHING. quality: phred, of the same shape.
        inserted: bp inserted after the base, of the same shape.
        scalars: uint8 (N, ROWS, 6), of each read what SCALARS names.
        reference, alternate: uint8 (N, COLUMNS), codes as in `base`; alternate_inserted: uint8 (N,), bp after MIDDLE.
    """

    base: NDArray[np.uint8]
    quality: NDArray[np.uint8]
    inserted: NDArray[np.uint8]
    scalars: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    alternate: NDArray[np.uint8]
    alternate_inserted: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.base)

    def take(self, rows: NDArray[np.int64]) -> "Tensors":
        """Some of the records."""
        return Tensors(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class CallSet:
    """Judged records of one VCF, N that the truth and the network can tell of.

    Attributes:
        label: bool (N,), right. is_snp: bool (N,). score: log10 odds by today's default.
        inputs: float64 (N, K), what a trained filter looks at; names: of its columns.
        piece: int64 (N,), number of the 20 kb that hold the record. n_truth: true records (SNP, indel).
    """

    name: str
    caller: str
    label: NDArray[np.bool_]
    is_snp: NDArray[np.bool_]
    score: NDArray[np.float64]
    inputs: NDArray[np.float64]
    names: tuple[str, ...]
    piece: NDArray[np.int64]
    n_truth: tuple[int, int]
    tensors: Tensors

    def column(self, name: str) -> NDArray[np.float64]:
        """A column of `inputs`; NaN where the caller does not write it."""
        if name not in self.names:
            return np.full(len(self.label), np.nan)
        return self.inputs[:, self.names.index(name)]


@numba.njit(cache=True)
def _fill(rows, starts, pos, seq, qual, seq_offset, ops, lengths, op_offset, base, quality, inserted):  # type: ignore[no-untyped-def]
    """Write reads `rows` int64 (N, R) (-1: none) into windows that begin at `starts` int64 (N,), see `Tensors`."""
    for n in range(rows.shape[0]):
        for r in range(rows.shape[1]):
            read = rows[n, r]
            if read < 0:
                continue
            x, y = pos[read] - starts[n], seq_offset[read]
            for k in range(op_offset[read], op_offset[read + 1]):
                op, length = ops[k], lengths[k]
                if op == 0 or op == 7 or op == 8:
                    for i in range(max(0, -x), min(length, base.shape[2] - x)):
                        code = seq[y + i]
                        base[n, r, x + i] = code if code < 4 else 5
                        quality[n, r, x + i] = qual[y + i]
                    x, y = x + length, y + length
                elif op == 2 or op == 3:
                    for i in range(max(0, -x), min(length, base.shape[2] - x)):
                        base[n, r, x + i] = 4 if op == 2 else 5
                        quality[n, r, x + i] = 30
                    x += length
                elif op == 1:
                    if 0 < x <= base.shape[2]:
                        inserted[n, r, x - 1] = min(length, 255)
                    y += length
                elif op == 4:
                    y += length


def _chosen(batch: ReadBatch, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of at most ROWS reads over each position, spread evenly over those there are; -1: none."""
    out = np.full((len(at), ROWS), -1, np.int64)
    longest = int((batch.end - batch.pos).max(initial=1))
    first = np.searchsorted(batch.pos, at - longest, "right")
    last = np.searchsorted(batch.pos, at, "right")
    for i, (a, b, p) in enumerate(zip(first, last, at, strict=True)):
        over = a + np.flatnonzero(batch.end[a:b] > p)
        if len(over) > ROWS:
            over = over[np.linspace(0, len(over) - 1, ROWS).astype(np.int64)]
        out[i, : len(over)] = over
    return out


def _alternates(
    records: Sequence[RecordAlleles], reference: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Each record's first called ALT as a row of COLUMNS, and the bp it inserts after POS."""
    rows, inserted = reference.copy(), np.zeros(len(records), np.uint8)
    for i, record in enumerate(records):
        alt = encode_bases(record.alts[record.called[0]])
        n = min(len(alt), len(record.ref), COLUMNS - MIDDLE)
        rows[i, MIDDLE : MIDDLE + n] = np.where(alt[:n] < 4, alt[:n], NOTHING)
        gone = min(len(record.ref), COLUMNS - MIDDLE)
        rows[i, MIDDLE + n : MIDDLE + gone] = DELETED
        inserted[i] = min(max(len(alt) - len(record.ref), 0), 255)
    return rows, inserted


def _shows(base: NDArray[np.uint8], inserted: NDArray[np.uint8], tensors: Tensors) -> NDArray[np.bool_]:
    """Whether each read has the ALT where it differs from the reference, bool (N, ROWS)."""
    differs = (tensors.alternate != tensors.reference)[:, None, :]
    same = (~differs | (base == tensors.alternate[:, None, :])).all(axis=2)
    return same & (inserted[:, :, MIDDLE] == tensors.alternate_inserted[:, None])


def tensors_at(
    source: ReadSource, fasta: ReferenceFasta, contig: str, records: Sequence[RecordAlleles]
) -> Tensors:
    """Reads at records of a contig, sorted by position."""
    parts, first = [], 0
    while first < len(records):
        last = first
        while last < len(records) and records[last].pos - records[first].pos < _CHUNK_BP:
            last += 1
        parts.append(_stretch(source, fasta, contig, records[first:last]))
        first = last
    return joined(parts)


def joined(parts: Sequence[Tensors]) -> Tensors:
    """One after the other."""
    return Tensors(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Tensors)))


def _stretch(
    source: ReadSource, fasta: ReferenceFasta, contig: str, records: Sequence[RecordAlleles]
) -> Tensors:
    length = fasta.contig_lengths[contig]
    at = np.array([record.pos for record in records], np.int64)
    window = Region(contig, int(at[0]), min(int(at[-1]) + 1, length)).padded(COLUMNS, length)
    codes = np.full(window.end - window.start + 2 * COLUMNS, NOTHING, np.uint8)
    codes[COLUMNS:-COLUMNS] = np.minimum(fasta.fetch_codes(window), NOTHING)
    codes[codes == DELETED] = NOTHING  # N
    starts = at - MIDDLE
    reference = codes[(starts - window.start + COLUMNS)[:, None] + np.arange(COLUMNS)]
    batch = source.fetch(window)
    rows = _chosen(batch, at)
    shape = (len(records), ROWS, COLUMNS)
    base, quality, inserted = (
        np.full(shape, NOTHING, np.uint8),
        np.zeros(shape, np.uint8),
        np.zeros(shape, np.uint8),
    )
    _fill(
        rows, starts, batch.pos, batch.seq, batch.own_qual, batch.seq_offset, batch.cigar_op, batch.cigar_len,
        batch.cigar_offset, base, quality, inserted,
    )  # fmt: skip
    there = rows >= 0
    flag, mapq = np.append(batch.flag, 0)[rows], np.append(batch.mapq, 0)[rows]
    told = [there, mapq, (flag & 16) > 0, (flag & 2) > 0, (flag & 64) > 0, np.zeros_like(there)]
    scalars = np.stack([np.where(there, x, 0).astype(np.uint8) for x in told], axis=2)
    found = Tensors(base, quality, inserted, scalars, reference, *_alternates(records, reference))
    scalars[:, :, -1] = there & _shows(base, inserted, found)
    return found


def collect(
    name: str, caller: str, item: TrainingInput, reference: Path, predictor: LazyPredictor
) -> CallSet:
    """Labels, scores, inputs and reads of the records of one VCF."""
    labelled = label(item, reference)
    settings = settings_for(item.reads, reference, predictor.platform, ReadsConfig())
    reader = VcfTextReader(item.vcf)
    annotations = annotations_of(reader.header.lines)
    columns: list[list[NDArray[np.generic]]] = [[], [], [], [], []]
    tensors = []
    seen: dict[str, int] = {}
    with ReferenceFasta(reference) as fasta, open_reads(item.reads, reference, settings.reads) as source:
        scorer = Scorer(source, fasta, predictor, FilterConfig(), settings.candidates)
        for segment in reader.segments():
            first = seen.get(segment.contig, 0)
            seen[segment.contig] = first + len(segment.lines)
            told = labelled.labels(segment.contig)[first : first + len(segment.lines)]
            labels = np.pad(told, (0, len(segment.lines) - len(told)), constant_values=-1)
            judged, is_snp = judge_segment(segment, scorer, annotations)
            use = np.flatnonzero(judged.known & (labels >= 0))
            lines = segment.text.split(b"\n")
            records = [parse_record(lines[i].split(b"\t")) for i in use]
            if records:
                tensors.append(tensors_at(source, fasta, segment.contig, records))
            values = (
                labels[use] == 1,
                is_snp[use],
                judged.log_odds[use],
                judged.inputs[use],
                segment.lines[use, 0],
            )
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    reader.close()
    right, is_snp, score, inputs, pos = (np.concatenate(column) for column in columns)
    names = (*NETWORK_NAMES, *annotations.names)
    return CallSet(
        name, caller, right, is_snp, score, inputs, names, pos // 20_000, labelled.n_truth, joined(tensors)
    )


def save(found: CallSet, path: Path) -> None:
    """Keep a set."""
    arrays = {f.name: getattr(found, f.name) for f in fields(CallSet) if f.name != "tensors"}
    arrays |= {f"t_{f.name}": getattr(found.tensors, f.name) for f in fields(Tensors)}
    np.savez_compressed(path, **{k: np.asarray(v) for k, v in arrays.items()})


def load(path: Path) -> CallSet:
    """A set that was kept."""
    with np.load(path) as kept:
        tensors = Tensors(*(kept[f"t_{f.name}"] for f in fields(Tensors)))
        plain = {f.name: kept[f.name] for f in fields(CallSet) if f.name != "tensors"}
    plain |= {
        "name": str(plain["name"]),
        "caller": str(plain["caller"]),
        "names": tuple(map(str, plain["names"])),
    }
    plain["n_truth"] = (int(plain["n_truth"][0]), int(plain["n_truth"][1]))
    return CallSet(**plain, tensors=tensors)


def unlabelled(reads: Path, reference: Path, contig: str, start: int, end: int, n: int, seed: int) -> Tensors:
    """Reads at `n` places by chance where at least four lie, of a region; for learning without labels."""
    rng = np.random.default_rng(seed)
    at = np.unique(rng.integers(start, end, 4 * n))
    settings = settings_for([reads], reference, "illumina", ReadsConfig())
    with ReferenceFasta(reference) as fasta, open_reads([reads], reference, settings.reads) as source:
        records = [RecordAlleles(int(p), "N", ("N",), (0,)) for p in at]
        found = tensors_at(source, fasta, contig, records)
    enough = np.flatnonzero(found.scalars[:, :, 0].sum(axis=1) >= 4)
    return found.take(np.sort(rng.permutation(enough)[:n]))
