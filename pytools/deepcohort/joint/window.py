"""One window of the cohort: gVCF text of all samples to the arrays the kernels take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.joint import columns as c
from deepcohort.joint.allele_kernels import count_primitives, list_primitives
from deepcohort.joint.io_gvcf import GvcfStream
from deepcohort.joint.parse_kernels import MALFORMED, parse_records, shift_offsets


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


class GvcfSource:
    """One gVCF as a source of records, window after window."""

    def __init__(self, stream: GvcfStream) -> None:
        self._stream = stream
        self.labels = [str(stream.path)]

    def seek(self, contig: str, pos: int) -> None:
        """Go to `pos` (0-based) of `contig`."""
        self._stream.seek(contig, pos)

    def read(self, window: Region, pad_bp: int) -> RecordBatch:
        """Records that overlap `window` grown to the right by `pad_bp`; windows come in order."""
        return read_sample(self._stream, window, pad_bp)


def read_sample(stream: GvcfStream, window: Region, pad_bp: int) -> RecordBatch:
    """Records of one gVCF that overlap `window` grown to the right by `pad_bp`; advances the stream.

    Raises:
        DeepcohortError: a line that is not a VCF record, or records out of order.
    """
    contig = window.contig.encode()
    until = window.end + pad_bp
    held = stream.until(contig, until)
    text = np.frombuffer(held, dtype=np.uint8)
    n_lines = held.count(b"\n") + 1
    n_numbers = held.count(b",") + 3 * n_lines
    records = np.empty((n_lines, c.N_COLUMNS), dtype=np.int32)
    starts = np.empty(n_lines + 1, dtype=np.int64)
    numbers = np.empty(n_numbers, dtype=np.int32)
    letters = np.empty(len(text), dtype=np.uint8)
    n, used, n_letters, stop, why = parse_records(
        text, np.frombuffer(contig, dtype=np.uint8), window.start, until, records, starts, numbers, letters
    )
    if why == MALFORMED:
        line = held[stop:].split(b"\n", 1)[0].decode("ascii", "replace")
        raise DeepcohortError(
            f"{stream.path} near {window.contig}:{window.start + 1}: not a sorted VCF record: "
            f"'{line[:60]}'; sort the file (bcftools sort) or make it again"
        )
    # the next window starts at window.end: keep the lines that reach into it
    spanning = b"".join(
        held[starts[i] : held.index(b"\n", starts[i]) + 1]
        for i in np.flatnonzero(records[:n, c.END] > window.end)
    )
    stream.keep(spanning, stop)
    return RecordBatch(
        records[:n].copy(), numbers[:used].copy(), letters[:n_letters].copy(), np.array([0, n], np.int64)
    )


def gather(
    batches: Sequence[RecordBatch],
    names: Sequence[str],
    reference: ReferenceFasta,
    window: Region,
    max_shift: int,
    order: NDArray[np.int64] | None = None,
) -> tuple[CohortRecords, NDArray[np.uint8], int]:
    """All samples' records in one table with their primitives.

    Args:
        names: of the samples' files, in the order of the result, for messages.
        order: int64 (N,), which sample of the batches comes first, second, ...; None: as they are.

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
    bases = np.frombuffer(reference.fetch_text(around).encode(), dtype=np.uint8)
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
