"""Usable reads of a region from the alignment files of one sample."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.paths import location
from deepcohort.core.region import Region
from deepcohort.formats.bgzf_blocks import BgzfBlocks
from deepcohort.formats.crai import check_crai, crai_slices
from deepcohort.formats.hts_index import beside, load_index
from deepcohort.reads.clip import clip_own_ends
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.conversion import has_equal, with_bases, without_converted
from deepcohort.reads.copies import repeated
from deepcohort.reads.groups import NO_GROUP, LibraryKey, ReadGroups, groups_of_sample, same_files
from deepcohort.reads.header import AlignmentHeader, read_header, shared_contigs
from deepcohort.reads.io import HtslibStretches
from deepcohort.reads.left_out_kernels import KINDS
from deepcohort.reads.merge import (
    in_own_terms,
    join_pieces,
    merge_files,
    reads_in,
    take_reads,
    to_batch,
    with_own_inserts,
)
from deepcohort.reads.scan import (
    ChosenGroups,
    LibraryNumbers,
    Near,
    ReadColumns,
    RegionScanner,
    whole_bins,
)
from deepcohort.reads.splice import unspliced
from deepcohort.reads.starts import RecordStarts
from deepcohort.reads.strand_errors import without_misread_bases
from deepcohort.reads.types import ReadBatch, no_libraries
from deepcohort.reads.unaligned import lay_unaligned, reach_bp
from deepcohort.reads.windows import (
    PROFILE_WINDOW_BP,
    StoredBytes,
)

_KEPT_BYTES = 24 << 20  # inflated data remembered between fetches, of all files of a sample together
_LEAST_KEPT_BYTES = 2 << 20
_REACH_BP = 1_024  # of reads that are clipped, and their deletions, beyond a region
_COPY_BP = 256  # that copies of one read may differ in length


class _BamReads:
    """One local, indexed BAM file."""

    def __init__(self, path: Path, index_path: Path | None, config: ReadsConfig, kept_bytes: int) -> None:
        self._blocks = BgzfBlocks(path, kept_bytes)
        self.header = read_header(self._blocks)
        if not self._blocks.has_eof_block():
            raise DeepcohortError(f"{path} has no BGZF end-of-file block: it is truncated; copy it again")
        _check_sorted(str(path), self.header)
        index_path = index_path or beside(path, (".bai", ".csi"))
        if index_path is None:
            raise DeepcohortError(f"{path} is not indexed; run: samtools index {path}")
        self._path = path
        self._index = load_index(index_path, f"run: samtools index {path}")
        self._tid = {name: tid for tid, (name, _) in enumerate(self.header.contigs)}
        self._starts = RecordStarts(self._blocks, self._index, self.header.contigs)
        self._scanner = RegionScanner(self._blocks, config)

    def take_only(self, groups: frozenset[str]) -> None:
        """Leave out reads of other read groups."""
        self._scanner.groups = ChosenGroups.of(self.header.groups, groups)

    def tell_libraries(self, numbers: Mapping[LibraryKey, int]) -> None:
        """Say of each read which library it is of, 0 for those that `numbers` lacks."""
        self._scanner.libraries = LibraryNumbers.of(self.header.groups, self.header.libraries, numbers)

    def check_index(self) -> None:
        """See that the index is that of the file; see `HtsIndex.check_fits`."""
        self._index.check_fits(self._path, self.header.first_record, has_unplaced=True)

    def columns(self, region: Region, near: Near | None = None) -> Iterator[ReadColumns]:
        tid = self._tid.get(region.contig)
        if tid is None or not len(region):
            return
        first = self._scanner.lookback(region)
        known = self._scanner.later_start(tid, first, 0)
        offset = self._starts.start(tid, first, region.end, known)
        if offset is not None:
            yield from self._scanner.scan(tid, region, offset, near)

    def reasons(self, region: Region) -> NDArray[np.int64]:
        """See `ReadSource.reasons`."""
        tid = self._tid.get(region.contig)
        offset = None if tid is None else self._starts.start(tid, region.start, region.end)
        if tid is None or offset is None:
            return np.zeros(KINDS, np.int64)
        return self._scanner.reasons(tid, region, offset)

    def first_start(self, region: Region) -> int | None:
        return _first_start(self.columns(region), region)

    def stored_bytes(self, contig: str) -> StoredBytes:
        """By the index."""
        tid = self._tid.get(contig)
        if tid is None or tid >= self._index.n_contigs:
            return StoredBytes.none()
        return StoredBytes(*self._index.stored_bytes(tid))

    def close(self) -> None:
        self._blocks.close()


class _HtslibReads:
    """One CRAM file, or a file at a URL."""

    def __init__(self, path: str, reference_path: Path, config: ReadsConfig) -> None:
        index = None if "://" in path else beside(Path(path), (".crai",))
        if index is not None:
            check_crai(index, Path(path))
        self._crai = None if index is None else (index, Path(path))
        self._slices: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] | None = (
            None  # read when asked for
        )
        self._stretches = HtslibStretches(path, reference_path)
        self.header = self._stretches.header()
        _check_sorted(path, self.header)
        self._config = config
        self._tid = {name: tid for tid, (name, _) in enumerate(self.header.contigs)}
        self._length = dict(self.header.contigs)
        self._scanner: RegionScanner | None = None
        self._groups: ChosenGroups | None = None
        self._libraries: LibraryNumbers | None = None

    def take_only(self, groups: frozenset[str]) -> None:
        """Leave out reads of other read groups."""
        self._groups = ChosenGroups.of(self.header.groups, groups)
        self._stretches.needs_groups = True

    def tell_libraries(self, numbers: Mapping[LibraryKey, int]) -> None:
        """Say of each read which library it is of, 0 for those that `numbers` lacks."""
        self._libraries = LibraryNumbers.of(self.header.groups, self.header.libraries, numbers)
        self._stretches.needs_groups = True

    def columns(self, region: Region, near: Near | None = None) -> Iterator[ReadColumns]:
        tid = self._tid.get(region.contig)
        if tid is None or not len(region):
            return
        scanner, offset = self._scanner_of(region)
        first = scanner.lookback(region)
        yield from scanner.scan(tid, region, scanner.later_start(tid, first, offset), near)

    def _scanner_of(self, region: Region) -> tuple[RegionScanner, int]:
        """The scanner of a stretch that holds `region`, and where its records begin."""
        reach = Region(region.contig, max(0, region.start - 2 * self._config.max_capped_span_bp), region.end)
        blocks, offset, is_new = self._stretches.stretch(reach, self._length[region.contig])
        if is_new or self._scanner is None:
            self._scanner = RegionScanner(blocks, self._config)
            self._scanner.groups, self._scanner.libraries = self._groups, self._libraries
        return self._scanner, offset

    def reasons(self, region: Region) -> NDArray[np.int64]:
        """See `ReadSource.reasons`."""
        tid = self._tid.get(region.contig)
        if tid is None:
            return np.zeros(KINDS, np.int64)
        scanner, offset = self._scanner_of(region)
        return scanner.reasons(tid, region, offset)

    def first_start(self, region: Region) -> int | None:
        # a stretch is decoded whole: short ones first
        start, length_bp = region.start, PROFILE_WINDOW_BP
        while start < region.end:
            end = min(region.end, start + length_bp)
            found = _first_start(self.columns(Region(region.contig, start, end)), region)
            if found is not None:
                return found
            start, length_bp = end, min(2 * length_bp, 1 << 20)
        return None

    def stored_bytes(self, contig: str) -> StoredBytes:
        """By slice of the CRAM; nothing of files at URLs."""
        tid = self._tid.get(contig)
        if self._slices is None:
            self._slices = {} if self._crai is None else crai_slices(*self._crai)
        if tid is None or tid not in self._slices:
            return StoredBytes.none()
        return StoredBytes(*self._slices[tid])

    def close(self) -> None:
        self._stretches.close()


def _first_start(pieces: Iterable[ReadColumns], region: Region) -> int | None:
    for piece in pieces:
        inside = piece.pos[(piece.pos >= region.start) & (piece.pos < region.end) & (piece.n_ops > 0)]
        if len(inside):
            return int(inside[0])
    return None


class ReadSource:
    """Reads of one sample from one or more BAM or CRAM files; use as a context manager.

    Any order of `fetch` calls is right; calls that go forward along a contig share work.

    Attributes:
        contig_lengths: bp by name, of the contigs that files and reference share, in file order.
        sample_names: SM values of the headers' read groups, sorted.
        read_groups: (ID, SM) of each file's read groups. checksums: M5 of its @SQ lines by contig.
        libraries: of the read groups whose reads count, sorted; among several that of reads without any.
        n_fetched: reads fetched so far. n_repeated: of these, left out as the files have them twice.
    """

    def __init__(
        self,
        files: Sequence[_BamReads | _HtslibReads],
        contig_lengths: dict[str, int],
        config: ReadsConfig,
        reference_path: Path,
        libraries: Sequence[LibraryKey] = (),
    ) -> None:
        self._files = files
        self._config = config
        self._reference_path = reference_path
        self._fasta: ReferenceFasta | None = None  # opened where reads are held against it
        self.contig_lengths = contig_lengths
        self.sample_names = tuple(sorted({s for file in files for s in file.header.samples}))
        self.read_groups: list[ReadGroups] = [file.header.groups for file in files]
        self.checksums = [file.header.checksums for file in files]
        self.libraries = libraries
        self.n_fetched = self.n_repeated = 0
        if config.only is not None:
            self.tell_libraries({config.only: 1})
        elif config.apart:
            self.tell_libraries({one.key: k + 1 for k, one in enumerate(config.apart)})

    def tell_libraries(self, numbers: Mapping[LibraryKey, int]) -> None:
        """Say of each read which library it is of, 0 for those that `numbers` lacks."""
        for file in self._files:
            file.tell_libraries(numbers)

    def fetch(self, region: Region, near: Near | None = None) -> ReadBatch:
        """Usable reads that overlap `region`, in (pos, name_hash, flag) order.

        Which reads come, and all that is said of their bases within `region`, does not depend on
        where regions are cut. A mate is linked only when it overlaps `region` too.
        With `near` reads that reach none of these stretches may be missing, and their mates unlinked.

        Raises:
            DeepcohortError: damaged, truncated or unsorted file.
        """
        return to_batch(self.fetch_columns(region, near), self._config)

    def fetch_columns(self, region: Region, near: Near | None = None) -> ReadColumns:
        """The same before mates are paired and their overlaps settled."""
        config, whole = self._config, region
        together = config.drops_copies or config.converts or config.library.strand_errors
        if len(self._files) > 1 or together:
            near = None  # reads are thinned, copies vote, and strands are compared, by all reads of a place
        if config.drops_copies:
            whole = self._padded(region, _COPY_BP)
        if config.lays_unaligned:
            reach = reach_bp(config)
            whole = self._padded(whole, reach)
            if near is not None:  # a read laid there has its mate so far off
                near = Near.of(near.starts - reach, near.ends + reach)
        columns = self._counted_once(self._spelled_out(self._merged(whole, near), region.contig))
        if config.only is not None:  # judged by one profile, theirs
            columns = take_reads(columns, np.flatnonzero(columns.library == 1))
            columns = replace(columns, library=no_libraries())
        if config.lays_unaligned and not columns.n_ops.all():
            columns = self._with_laid(columns, whole)
        columns = with_own_inserts(columns)
        laid = unspliced(columns, config)
        was_spliced, columns = laid is not columns, self._judged(laid, whole)
        changed = config.drops_copies or was_spliced or config.needs_reference
        return reads_in(columns, region) if changed else columns

    def _merged(self, whole: Region, near: Near | None) -> ReadColumns:
        """Reads of all files that overlap `whole`, or reach `near`, thinned."""
        if len(self._files) == 1:
            return join_pieces(list(self._files[0].columns(whole, near)))
        bins = whole_bins(whole, self._config)
        bins = bins.padded(0, self.contig_lengths.get(whole.contig, bins.end))
        files = [join_pieces(list(file.columns(bins))) for file in self._files]
        return reads_in(merge_files(files, self._config), whole)

    def _judged(self, columns: ReadColumns, whole: Region) -> ReadColumns:
        """`columns` of the region `whole` by the profiles of their libraries."""
        if not self._config.needs_reference or whole.contig not in self.contig_lengths:
            return in_own_terms(self._config, columns)
        reach = self._padded(whole, _REACH_BP)
        codes = self._reference().fetch_codes(reach)
        columns = without_converted(columns, self._config.profiles, codes, reach.start)
        columns = clip_own_ends(in_own_terms(self._config, columns), self._config, codes, reach.start)
        errors, span = self._config.library.strand_errors, (whole.start, whole.end)
        return without_misread_bases(columns, errors, codes, reach.start, span)

    def _spelled_out(self, columns: ReadColumns, contig: str) -> ReadColumns:
        """`columns` without bases written as `=`."""
        if not has_equal(columns):
            return columns
        within = contig in self.contig_lengths
        last = min(int(columns.end.max()), self.contig_lengths[contig]) if within else 0
        reach = Region(contig, int(columns.pos.min()), last)
        codes = self._reference().fetch_codes(reach) if last > reach.start else np.empty(0, np.uint8)
        return with_bases(columns, codes, reach.start)

    def _counted_once(self, columns: ReadColumns) -> ReadColumns:
        """`columns` without reads that the files have twice; short ones where the profile says so."""
        again = repeated(columns, self._config.library.repeated_share > 0)
        self.n_fetched += len(again)
        if not again.any():
            return columns
        self.n_repeated += int(again.sum())
        return take_reads(columns, np.flatnonzero(~again))

    def _with_laid(self, columns: ReadColumns, whole: Region) -> ReadColumns:
        """`columns` of the region `whole` with reads without alignment laid, or left out."""
        reach = self._padded(whole, reach_bp(self._config))
        if reach.contig not in self.contig_lengths:
            return take_reads(columns, np.flatnonzero(columns.n_ops > 0))
        return lay_unaligned(columns, self._config, self._reference().fetch_codes(reach), reach.start)

    def _reference(self) -> ReferenceFasta:
        if self._fasta is None:
            self._fasta = ReferenceFasta(self._reference_path)
        return self._fasta

    def _padded(self, region: Region, pad_bp: int) -> Region:
        return region.padded(pad_bp, self.contig_lengths.get(region.contig, region.end))

    def first_start(self, region: Region) -> int | None:
        """Where the first usable read that begins in `region` begins, or None."""
        starts = [file.first_start(region) for file in self._files]
        return min((start for start in starts if start is not None), default=None)

    def reasons(self, region: Region) -> NDArray[np.int64]:
        """Int64 (KINDS,): aligned records that begin in `region`, by why they do not count
        (`reads.left_out_kernels`)."""
        return np.sum([file.reasons(region) for file in self._files], axis=0, dtype=np.int64)

    def stored_bytes(self, contig: str) -> StoredBytes:
        """About how many bytes the files have where, by their indexes."""
        return StoredBytes.joined([file.stored_bytes(contig) for file in self._files])

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()
        if self._fasta is not None:
            self._fasta.close()

    def __enter__(self) -> "ReadSource":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_reads(
    paths: Sequence[str | Path],
    reference_path: str | Path,
    config: ReadsConfig | None = None,
    index_paths: Sequence[str | Path | None] | None = None,
) -> ReadSource:
    """Open the alignment files of one sample.

    Args:
        paths: BAM or CRAM, local or URL, sorted and indexed.
        reference_path: indexed FASTA that the reads were aligned to.
        config: which reads are usable.
        index_paths: one per path; None means beside the file.

    Raises:
        DeepcohortError: a file is missing, truncated, not indexed, not sorted, or disagrees with
            the reference; all files' problems are told together.
    """
    config = config or ReadsConfig()
    with ReferenceFasta(reference_path) as reference:
        reference_lengths = reference.contig_lengths
    kept_bytes = max(_KEPT_BYTES // max(1, len(paths)), _LEAST_KEPT_BYTES)
    files: list[_BamReads | _HtslibReads] = []
    problems = same_files(paths)
    contig_lengths: dict[str, int] = {}
    for path, index_path in zip(paths, index_paths or [None] * len(paths), strict=True):
        try:
            file = _open_one(location(path), index_path, Path(reference_path), config, kept_bytes)
            files.append(file)
            contig_lengths |= shared_contigs(
                Path(path), file.header.contigs, reference_lengths, Path(reference_path)
            )
            if isinstance(file, _BamReads):
                file.check_index()
        except DeepcohortError as error:
            problems.append(str(error))
    if not problems:
        try:
            held = [(str(path), file.header.groups) for path, file in zip(paths, files, strict=True)]
            chosen = groups_of_sample(held, config.sample)[0]
            for file, groups in zip(files, chosen, strict=True):
                if groups is not None:
                    file.take_only(groups)
        except InputProblems as error:
            problems += error.problems
    if problems:
        for file in files:
            file.close()
        raise InputProblems(problems)
    headers = [file.header for file in files]
    return ReadSource(files, contig_lengths, config, Path(reference_path), _libraries(headers, chosen))


def _libraries(
    headers: Sequence[AlignmentHeader], chosen: Sequence[frozenset[str] | None]
) -> list[LibraryKey]:
    """See `ReadSource.libraries`; `chosen` read groups by file, None for all."""
    found: set[LibraryKey] = set()
    for header, groups in zip(headers, chosen, strict=True):
        pairs = zip(header.groups, header.libraries, strict=True)
        found |= {key for (name, _), key in pairs if groups is None or name in groups} or {NO_GROUP}
    return sorted(found | {NO_GROUP} if len(found) > 1 else found)


def check_reads_index(path: Path, index: Path) -> None:
    """See that a BAM or CRAM is whole and sorted as far as its ends tell, and that `index` is its own.

    Raises:
        DeepcohortError: it is not.
    """
    with open(path, "rb") as file:
        is_cram = file.read(4) == b"CRAM"
    if is_cram:
        check_crai(index, path)
        return
    reads = _BamReads(path, index, ReadsConfig(), _LEAST_KEPT_BYTES)
    try:
        reads.check_index()
    finally:
        reads.close()


def _open_one(
    path: str,
    index_path: str | Path | None,
    reference_path: Path,
    config: ReadsConfig,
    kept_bytes: int,
) -> _BamReads | _HtslibReads:
    if "://" in path:
        return _HtslibReads(path, reference_path, config)
    if not Path(path).is_file():
        told = "is no file" if Path(path).exists() else "does not exist"
        raise DeepcohortError(f"{path} {told}; check the path of the reads")
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic == b"CRAM":
        return _HtslibReads(path, reference_path, config)
    if magic[:2] != b"\x1f\x8b":
        raise DeepcohortError(f"{path} is neither BAM nor CRAM; convert it with: samtools view -b")
    return _BamReads(Path(path), Path(index_path) if index_path else None, config, kept_bytes)


def _check_sorted(path: str, header: AlignmentHeader) -> None:
    if header.sort_order in ("queryname", "unsorted"):
        raise DeepcohortError(
            f"{path} is not sorted by coordinate (its header says {header.sort_order}); "
            "run: samtools sort, then samtools index"
        )
