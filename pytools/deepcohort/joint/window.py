"""One window of the cohort: gVCF text of all samples to the arrays the kernels take."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region, merge_regions
from deepcohort.formats.vcf_check import FAULTS, malformed_line
from deepcohort.joint import columns as c
from deepcohort.joint import parse_kernels as pk
from deepcohort.joint.allele_kernels import count_primitives, list_primitives
from deepcohort.joint.io_gvcf import GvcfStream
from deepcohort.joint.parse_kernels import Bases, Wanted, parse_records, shift_offsets


@dataclass(frozen=True, slots=True)
class CohortRecords:
    """Records of N samples that overlap one window, struct of arrays.

    Attributes:
        records: int32 (R, N_COLUMNS), sample after sample; columns in joint.columns.
        sample_offsets: int64 (N+1,), rows of each sample.
        numbers: int32 flat (PL, AD, SB). allele_text: uint8 flat (REF<TAB>ALT).
        table: int32 (P, N_PRIMITIVE_COLUMNS). primitive_offsets: int64 (R+1,). seq: uint8 flat.
    """

    records: NDArray[np.int32]
    sample_offsets: NDArray[np.int64]
    numbers: NDArray[np.int32]
    allele_text: NDArray[np.uint8]
    table: NDArray[np.int32]
    primitive_offsets: NDArray[np.int64]
    seq: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one or more samples in one window; offsets in `records` are into its own arrays.

    Attributes:
        records, numbers, allele_text: as in `CohortRecords`. sample_offsets: int64 (N+1,).
    """

    records: NDArray[np.int32]
    numbers: NDArray[np.int32]
    allele_text: NDArray[np.uint8]
    sample_offsets: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ReferenceBases:
    """The reference around a window: uint8 ASCII of A, C, G, T and N, from `start` (0-based) on."""

    start: int
    bases: NDArray[np.uint8]
    contig_length: int

    @classmethod
    def around(cls, reference: ReferenceFasta, window: Region, pad_bp: int) -> "ReferenceBases":
        """Those of `window` and `pad_bp` to both sides."""
        length = reference.contig_lengths[window.contig]
        region = window.padded(pad_bp, length)
        # VCF knows no IUPAC letter but N
        text = reference.fetch_text(region).encode("ascii", "replace").translate(_ACGTN)
        return cls(region.start, np.frombuffer(text, dtype=np.uint8), length)

    def part(self, region: Region) -> NDArray[np.uint8] | None:
        """The bases of `region`; None where they are not all held."""
        start, end = region.start - self.start, region.end - self.start
        return self.bases[start:end] if start >= 0 and end <= len(self.bases) else None


_ACGTN = bytes(i if chr(i) in "ACGTN" else ord("N") for i in range(256))


class _Kept(Protocol):
    """A store that knows how far beyond its regions sites can be judged."""

    def beside_bp(self, pad_bp: int) -> int:
        """Bp to both sides."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far beside a window records are read: of sites `context_bp` away, `pad_bp` around them."""

    context_bp: int
    pad_bp: int

    @property
    def left_bp(self) -> int:
        """To the left; records that overlap the first base are read anyway."""
        return self.context_bp

    @property
    def right_bp(self) -> int:
        """To the right."""
        return self.context_bp + self.pad_bp

    def within(self, store: _Kept) -> tuple[int, int]:
        """To the right and left, as far as `store` goes."""
        context = min(self.context_bp, store.beside_bp(self.pad_bp))
        return context + self.pad_bp, context


class GvcfSource:
    """One gVCF as a source of records, window after window."""

    def __init__(self, stream: GvcfStream, contigs: Collection[str], stated: Sequence[Region] = ()) -> None:
        """Records of `stream`.

        Args:
            contigs: that the file's header lists. stated: what it says that the file answers for.
        """
        self._stream = stream
        self._contigs = contigs
        self.labels = [str(stream.path)]
        self._stated: dict[str, NDArray[np.int64]] = {}
        for region in merge_regions(stated):
            row = np.array([[region.start, region.end]], dtype=np.int64)
            known = self._stated.get(region.contig, np.empty((0, 2), dtype=np.int64))
            self._stated[region.contig] = np.concatenate([known, row])

    def seek(self, contig: str, pos: int) -> None:
        """Go to `pos` (0-based) of `contig`."""
        self._stream.seek(contig, pos)

    def read(self, window: Region, pad_bp: int, reference: ReferenceBases, left_bp: int = 0) -> RecordBatch:
        """Records that overlap `window` grown to the right by `pad_bp`, to the left by `left_bp`; in order.

        Raises:
            DeepcohortError: a line that breaks VCF or contradicts the reference, records out of order or
                given twice, stretches that the file answers for without a record.
        """
        stated = self._stated.get(window.contig, np.empty((0, 2), dtype=np.int64))
        return read_sample(self._stream, window, pad_bp, reference, stated, self._contigs, left_bp)


def read_sample(
    stream: GvcfStream,
    window: Region,
    pad_bp: int,
    reference: ReferenceBases,
    stated: NDArray[np.int64],
    contigs: Collection[str],
    left_bp: int = 0,
) -> RecordBatch:
    """Records of one gVCF that overlap `window` grown by `pad_bp` (right) and `left_bp`; advances the stream.

    Raises:
        DeepcohortError: see `GvcfSource.read`.
    """
    contig = window.contig.encode()
    until, from_pos = window.end + pad_bp, max(0, window.start - left_bp)
    held = stream.until(contig, until)
    text = np.frombuffer(held, dtype=np.uint8)
    words = np.frombuffer(held, dtype=np.uint64, count=len(held) // 8)
    records, starts, numbers, letters, stop, why = parse_records(
        text,
        words,
        Wanted(
            np.frombuffer(contig, dtype=np.uint8), reference.contig_length, from_pos, until, stated,
            window.end, stream.fresh_at, stream.floor,
        ),
        Bases(reference.bases, reference.start),
    )  # fmt: skip
    if why not in (pk.DONE, pk.NEXT_CONTIG):
        raise _parse_error(stream.path, window, held, stop, why, reference)
    if why == pk.NEXT_CONTIG:
        _check_contig(stream.path, held, stop, contigs)
    # the next window starts at window.end: keep the lines that reach into it, or lie just before
    spanning = b"".join(
        held[starts[i] : held.index(b"\n", starts[i]) + 1]
        for i in np.flatnonzero(records[:, c.END] > window.end - left_bp)
    )
    stream.keep(spanning, stop, until)
    return RecordBatch(records, numbers, letters, np.array([0, len(records)], np.int64))


def _check_contig(path: Path, held: bytes, at: int, contigs: Collection[str]) -> None:
    """See that the line at `at`, the first of another contig, is of one that the header lists."""
    name = held[at : at + 1_000].split(b"\t", 1)[0].split(b"\n", 1)[0].decode("utf-8", "replace")
    if name not in contigs:
        raise malformed_line(path, held[at : at + 400], "a CHROM that the header does not list")


def _parse_error(
    path: Path, window: Region, held: bytes, at: int, why: int, reference: ReferenceBases
) -> DeepcohortError:
    """What `parse_records` stopped at."""
    if why == pk.GAP:
        return DeepcohortError(
            f"{path} has no record of {window.contig}:{at + 1}, although its header says that it answers for "
            "it: records are lost, or its index is of another file; make both again (the index: "
            f"tabix -f -p vcf {path})"
        )
    line = held[at : at + 100_000].split(b"\n", 1)[0]
    fields = line.split(b"\t", 5)
    if why == pk.OTHER_REF:
        ref, pos = fields[3].decode("ascii", "replace"), int(fields[1]) - 1
        there = reference.bases[pos - reference.start :][: min(20, len(ref))].tobytes().decode()
        return DeepcohortError(
            f"{path} has REF {ref[:20]} at {window.contig}:{pos + 1} where the reference has {there}; "
            "was it called on another reference?"
        )
    if why == pk.UNSORTED:
        return DeepcohortError(
            f"{path} is not sorted at {window.contig}:{fields[1].decode('ascii', 'replace')}; "
            "sort it (bcftools sort) and index it, or make it again"
        )
    what = {
        pk.TWICE: "a second record of the same alleles at the same POS, which says otherwise",
        pk.BEYOND: f"it reaches beyond the end of {window.contig} ({reference.contig_length} bp)",
    }.get(why, FAULTS[max(0, why)])
    if b"\n" not in held[at:]:
        what = "the file ends within this line: it was cut"
    return malformed_line(path, line, what)


def gather(
    batches: Sequence[RecordBatch],
    names: Sequence[str],
    reference: ReferenceFasta,
    window: Region,
    max_shift: int,
    order: NDArray[np.int64] | None = None,
    held: ReferenceBases | None = None,
) -> tuple[CohortRecords, NDArray[np.uint8], int]:
    """All samples' records in one table with their primitives.

    Args:
        names: of the samples' files, in the order of the result, for messages.
        order: int64 (N,), which sample of the batches comes first, second, ...; None: as they are.
        held: what is known already of the reference around the window.

    Returns:
        The records; the reference around the window, uint8 ASCII; and its first position.

    Raises:
        DeepcohortError: a record's REF contradicts the reference.
    """
    per_sample = [0, *(n for batch in batches for n in np.diff(batch.sample_offsets))]
    sample_offsets = np.cumsum(per_sample).astype(np.int64)
    starts = np.cumsum([0, *(len(b.records) for b in batches)])
    number_offsets = np.cumsum([0, *(len(b.numbers) for b in batches)])
    letter_offsets = np.cumsum([0, *(len(b.allele_text) for b in batches)])
    records = np.concatenate([b.records for b in batches])
    for i in range(len(batches)):
        shift_offsets(records[starts[i] : starts[i + 1]], number_offsets[i], letter_offsets[i])
    if order is not None:
        counts = np.diff(sample_offsets)[order]
        ends = np.cumsum(counts)
        rows = np.arange(len(records)) + np.repeat(sample_offsets[:-1][order] - (ends - counts), counts)
        records = records[rows]
        sample_offsets = np.concatenate([[0], ends]).astype(np.int64)
    numbers = np.concatenate([b.numbers for b in batches])
    allele_text = np.concatenate([b.allele_text for b in batches])
    variant = records[records[:, c.KIND] == c.VARIANT]
    low = int(variant[:, c.POS].min(initial=window.start))
    high = int((variant[:, c.POS] + variant[:, c.REF_LEN]).max(initial=window.end))
    length = reference.contig_lengths[window.contig]
    around = Region(window.contig, low, min(length, high)).padded(max_shift, length)
    known = None if held is None else held.part(around)
    bases = ReferenceBases.around(reference, around, 0).bases if known is None else known
    n_rows, n_bases = count_primitives(records)
    table = np.empty((n_rows + 1, c.N_PRIMITIVE_COLUMNS), dtype=np.int32)
    seq = np.empty(n_bases + 1, dtype=np.uint8)
    offsets = np.empty(len(records) + 1, dtype=np.int64)
    n, used, wrong = list_primitives(
        records, numbers, allele_text, bases, around.start, max_shift, table, seq, offsets
    )
    if wrong >= 0:
        row = records[wrong]
        ref = allele_text[row[c.SEQ] : row[c.SEQ] + row[c.REF_LEN]].tobytes().decode("ascii", "replace")
        at = int(row[c.POS]) - around.start
        owner = int(np.searchsorted(sample_offsets, wrong, side="right")) - 1
        raise DeepcohortError(
            f"{names[owner]} has REF {ref[:20]} at {window.contig}:{row[c.POS] + 1} where the reference has "
            f"{bases[at : at + min(20, len(ref))].tobytes().decode()}; was it called on another reference?"
        )
    cohort = CohortRecords(records, sample_offsets, numbers, allele_text, table[:n], offsets, seq[:used])
    return cohort, bases, around.start
