"""Records of a second look put into the gVCF of a first call."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.merge import ShardRegion, check_headers, check_shard_regions, shard_regions_in_order
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_check import checker_of
from deepcohort.formats.vcf_header import given_lines, region_lines
from deepcohort.formats.vcf_text import Segment, VcfHeader, VcfTextReader

_NON_REF = b"<NON_REF>"


@dataclass(frozen=True, slots=True)
class _Record:
    """A line (with its newline) of a second look, and what it says of alleles."""

    contig: str
    start: int
    end: int
    line: bytes


def insert_records(
    first: Path, looks: Sequence[Path], output: Path, shards: Sequence[Region] | None = None
) -> tuple[int, int]:
    """Write the gVCF `first` with the records of `looks`, files of `call --second-look`, one per shard.

    Where the first call has a record at the same POS it stays alone: networks have judged those reads, and
    its <NON_REF> speaks for other alleles. Blocks stay whole. How the looks were cut does not show.

    Returns:
        (records written, new ones among them).

    Raises:
        InputProblems, DeepcohortError: files of different samples, shards that overlap or are missing,
            malformed lines. Nothing is written then.
    """
    with ExitStack() as stack:
        base = VcfTextReader(first)
        stack.callback(base.close)
        readers = [VcfTextReader(path) for path in looks]
        for reader in readers:
            stack.callback(reader.close)
        check_headers(readers)
        _check_sample(base, readers)
        shard_regions = shard_regions_in_order(readers)
        check_shard_regions(shard_regions, shards)
        with (
            atomic_outputs(output, partners=(".tbi", ".csi")) as (hidden,),
            IndexedVcfWriter(hidden, base.header.contig_lengths) as writer,
        ):
            writer.write_header(_header(base.header))
            return _interleave(base, _Looks(shard_regions), writer)


def _check_sample(base: VcfTextReader, readers: Sequence[VcfTextReader]) -> None:
    for reader in readers:
        if reader.header.samples != base.header.samples:
            names = [",".join(r.header.samples) or "none" for r in (base, reader)]
            raise DeepcohortError(
                f"{reader.path} is of sample {names[1]}, {base.path} of {names[0]}; "
                "give the second look of the same sample"
            )
        if reader.header.contig_lengths != base.header.contig_lengths:
            raise DeepcohortError(f"{reader.path} and {base.path} are of different references")


def _header(header: VcfHeader) -> str:
    lines = list(header.lines)
    at = next((i for i, line in enumerate(lines) if line.startswith("##FORMAT")), len(lines) - 1)
    lines[at:at] = [line for line in given_lines() if line not in lines]
    lines[-1:-1] = region_lines(header.regions)
    return "\n".join(lines) + "\n"


class _Looks:
    """New records in genome order, read as they are asked for."""

    def __init__(self, shard_regions: Sequence[ShardRegion]) -> None:
        self._source = _records_of(shard_regions)
        self._held = next(self._source, None)

    def take(self, contig: str, until: int | None) -> list[_Record]:
        """The next records of `contig` that start before `until` (None: all)."""
        found = []
        while (
            self._held is not None
            and self._held.contig == contig
            and (until is None or self._held.start < until)
        ):
            found.append(self._held)
            self._held = next(self._source, None)
        return found

    @property
    def left(self) -> _Record | None:
        """The record that comes next."""
        return self._held


def _records_of(shard_regions: Sequence[ShardRegion]) -> Iterator[_Record]:
    for reader, regions in groupby(shard_regions, key=lambda x: x.reader):
        checker = checker_of(reader, utf8=False)
        for shard_region in regions:
            checker.restart()
            for segment in reader.take(shard_region.region):
                checker.check(segment)
                yield from _records(segment, reader.path)


def _records(segment: Segment, path: Path) -> Iterator[_Record]:
    ends = [*segment.lines[1:, 2].tolist(), len(segment.text)]
    for (start, end, byte), stop in zip(segment.lines.tolist(), ends, strict=True):
        line = segment.text[byte:stop]
        if line.split(b"\t", 5)[4] == _NON_REF:
            raise DeepcohortError(
                f"{path} has a reference block at {segment.contig}:{start + 1}, which no second look has; "
                "give files of `call --second-look`"
            )
        yield _Record(segment.contig, start, end, line)


def _interleave(base: VcfTextReader, looks: _Looks, writer: IndexedVcfWriter) -> tuple[int, int]:
    n = n_new = 0
    for segment, is_last in _whole_positions(base):
        until = None if is_last else int(segment.lines[-1, 0]) + 1
        text, lines, inserted = _joined(segment, looks.take(segment.contig, until))
        writer.write_lines(segment.contig, text, lines)
        n, n_new = n + len(lines), n_new + inserted
    if looks.left is not None:
        raise DeepcohortError(
            f"{base.path} has no record on {looks.left.contig}, where a second look was made; "
            "give the gVCF of the same sample"
        )
    return n, n_new


def _whole_positions(base: VcfTextReader) -> Iterator[tuple[Segment, bool]]:
    """Segments of the file such that no POS is in two, and whether each is its contig's last."""
    held: Segment | None = None
    for segment in base.segments():
        if held is not None and held.contig == segment.contig:
            lines = segment.lines.copy()
            lines[:, 2] += len(held.text)
            segment = Segment(segment.contig, held.text + segment.text, np.concatenate([held.lines, lines]))
        elif held is not None:
            yield held, True
        cut = int(np.searchsorted(segment.lines[:, 0], segment.lines[-1, 0]))
        if cut:
            yield segment.part(0, cut), False
        held = segment.part(cut, len(segment.lines))
    if held is not None:
        yield held, True


def _joined(segment: Segment, records: Sequence[_Record]) -> tuple[bytes, NDArray[np.int64], int]:
    """Text and lines of `segment` with `records`, and how many of them were put in."""
    if not records:
        return segment.text, segment.lines, 0
    starts = segment.lines[:, 0]
    ends = np.append(segment.lines[1:, 2], len(segment.text))
    texts: list[bytes] = []
    lines: list[NDArray[np.int64]] = []
    size = done = inserted = 0

    def put(text: bytes, rows: NDArray[np.int64], shift: int) -> None:
        nonlocal size
        moved = rows.copy()
        moved[:, 2] += size - shift
        texts.append(text)
        lines.append(moved)
        size += len(text)

    def copy(first: int, last: int) -> None:
        if last > first:
            begin = int(segment.lines[first, 2])
            put(segment.text[begin : int(ends[last - 1])], segment.lines[first:last], begin)

    for record in records:
        at = int(np.searchsorted(starts, record.start))
        if _has_record(segment, ends, at, record.start):
            continue
        copy(done, at)
        done = at
        put(record.line, np.array([[record.start, record.end, 0]], np.int64), 0)
        inserted += 1
    copy(done, len(starts))
    return b"".join(texts), np.concatenate(lines), inserted


def _has_record(segment: Segment, ends: NDArray[np.int64], row: int, pos: int) -> bool:
    """Whether a line from `row` on, at `pos`, is no reference block."""
    while row < len(segment.lines) and segment.lines[row, 0] == pos:
        line = segment.text[int(segment.lines[row, 2]) : int(ends[row])]
        if line.split(b"\t", 5)[4] != _NON_REF:
            return True
        row += 1
    return False
