"""AlphaMissense's genomic table as it is published: rows streamed from it, rows of wanted positions kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate import table_kernels as tk
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.text_source import (
    ContigNames,
    TabixIndex,
    TextSource,
    names_of,
    plain_name,
    read_index,
)
from deepcohort.annotate.types import DTYPES, ScoreRows, TableAbout, join_rows, no_rows
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.progress import track_amount
from deepcohort.core.region import Region

WHAT = "AlphaMissense table"
_FIRST_ROWS = 1_000  # looked at in any case: they tell the build
_WINDOW_BYTES = 1 << 18  # read at a time where the index is used
_NEAR_BP = 1 << 16  # positions nearer than this are read together
_MUCH_BP = 200_000_000  # where more of the genome is wanted, the table is read through
_NEEDED = ("CHROM", "POS", "REF", "ALT", "transcript_id", "protein_variant", "am_pathogenicity", "am_class")
_FAULTS = {
    tk.FEW_COLUMNS: "has too few columns: the table is truncated or of another kind",
    tk.BAD_POS: "has no position in column POS",
    tk.BAD_BASE: "has a REF or ALT that is not one of A, C, G, T",
    tk.BAD_VARIANT: "has a protein_variant that is no change like V2L",
    tk.BAD_SCORE: "has an am_pathogenicity that is no number from 0 to 1 of at most four decimals",
    tk.BAD_CLASS: "has an am_class that is none of likely_benign, ambiguous, likely_pathogenic",
    tk.UNSORTED: "comes before the row above it: the table is not sorted by position; sort it",
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one contig that follow each other in the table."""

    contig: str
    rows: ScoreRows


class PublishedTable:
    """Streams the table; learns its transcripts on the way."""

    def __init__(self, path: Path) -> None:
        """Open `path` and read its header.

        Raises:
            DeepcohortError: see `TextSource`; no header, or other columns.
        """
        self._source = TextSource(path, WHAT)
        header = self._source.header()
        if not header or not header[-1].startswith("#CHROM\t"):
            raise DeepcohortError(
                f"{WHAT} {path} has no header line that begins with #CHROM; give the file as it is published"
            )
        columns = header[-1][1:].split("\t")
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            raise DeepcohortError(
                f"{WHAT} {path} has other columns: {', '.join(missing)} missing; give "
                f"AlphaMissense_hg38.tsv.gz or "
                "AlphaMissense_hg19.tsv.gz as published"
            )
        names = [*_NEEDED, "uniprot_id"]
        self._which = np.array([columns.index(n) if n in columns else -1 for n in names], dtype=np.int64)
        self._genome = columns.index("genome") if "genome" in columns else -1
        self._pairs: dict[tuple[bytes, bytes], int] = {}
        self.pairs: list[tuple[str, str]] = []
        self._contig = b""
        self._last_pos = -1
        self._seen: set[bytes] = set()
        self.path, self._comment, self._genome_name = path, tuple(header[:-1]), ""

    @property
    def about(self) -> TableAbout:
        """What is known of it so far."""
        return TableAbout(self.path.name, self._comment, self._genome_name, self.pairs)

    def chunks(self) -> Iterator[Chunk]:
        """All rows.

        Raises:
            DeepcohortError: the first row that is malformed or out of order, and its line.
        """
        while text := self._source.read_lines():
            yield from self._parse(text)

    def chunks_within(self, index: TabixIndex, windows: Mapping[str, NDArray[np.int64]]) -> Iterator[Chunk]:
        """Rows of stretches of the table, found by its index.

        Args:
            windows: contig as in the table -> int64 (n, 2), 0-based half-open, disjoint, ascending.
        """
        for contig, spans in windows.items():
            for start, end in spans.tolist():
                offset = index.offset(contig, start)
                if offset is None:
                    continue
                self._source.seek(offset)
                self._contig, self._last_pos = b"", -1
                self._seen.clear()
                yield from self._until(contig, start, end)

    def chunks_at(
        self, wanted: Mapping[str, NDArray[np.int64]], contig_of: Mapping[str, str]
    ) -> Iterator[Chunk]:
        """Rows of wanted positions, by reading all of the table; other rows are not looked at beyond their
        position.

        Args:
            wanted: contig of the VCF -> positions. contig_of: plain name of a contig -> the VCF's.
        """
        if self._which[tk.CHROM] != 0 or self._which[tk.POS] != 1:
            yield from self.chunks()
            return
        nothing = np.empty(0, dtype=np.int64)
        is_first = True
        while text := self._source.read_lines():
            data = np.frombuffer(text, dtype=np.uint8)
            starts = np.concatenate([[0], np.flatnonzero(data == ord("\n")) + 1])
            pos, new_contig = np.empty(len(starts) - 1, dtype=np.int32), np.empty(len(starts) - 1, dtype=bool)
            bad = tk.scan_places(data, starts[:-1], pos, new_contig)
            if bad >= 0:
                self._raise(text, bad, _FAULTS[tk.BAD_POS])
            keep = np.zeros(len(pos), dtype=bool)
            cuts = np.flatnonzero(new_contig).tolist()
            for first, last in zip(cuts, [*cuts[1:], len(pos)], strict=True):
                name = text[starts[first] : text.index(b"\t", starts[first])]
                self._check_sorted(text, name, first, pos[first:last])
                mine = wanted.get(contig_of.get(plain_name(name.decode("ascii", "replace")), ""), nothing)
                tk.keep_positions(pos[first:last], mine, keep[first:last])
            if is_first:  # of which the build is told
                keep[:_FIRST_ROWS] = True
            is_first = False
            out = np.empty(len(text), dtype=np.uint8)
            kept = out[: tk.copy_lines(data, starts, keep, out)].tobytes()
            at = self._source.lines_before + len(pos)
            if kept:
                yield from self._parse(kept, is_checked=True)
            self._source.lines_before = at

    def _check_sorted(self, text: bytes, name: bytes, line: int, pos: NDArray[np.int32]) -> None:
        self._check_order(text, name, line, int(pos[0]))
        falls = np.flatnonzero(np.diff(pos) < 0)
        if len(falls):
            self._raise(text, line + int(falls[0]) + 1, _FAULTS[tk.UNSORTED])
        self._last_pos = int(pos[-1])

    def _until(self, contig: str, start: int, end: int) -> Iterator[Chunk]:
        while text := self._source.read_lines(_WINDOW_BYTES):
            for chunk in self._parse(text):
                first, last = np.searchsorted(chunk.rows.pos, [start, end])
                if chunk.contig == contig:
                    yield Chunk(contig, chunk.rows.take(slice(int(first), int(last))))
                if chunk.contig != contig or last < len(chunk.rows):
                    return

    def _parse(self, text: bytes, is_checked: bool = False) -> Iterator[Chunk]:
        """Rows of whole lines; `is_checked`: their order is known to be right."""
        n = text.count(b"\n")
        table = {name: np.empty(n, dtype=dtype) for name, dtype in DTYPES.items()}
        new_contig, new_pair = np.empty(n, dtype=bool), np.empty(n, dtype=bool)
        places = np.empty((n, 6), dtype=np.int64)
        parsed = tk.ParsedRows(*(table[name] for name in tk.ParsedRows._fields))
        breaks = tk.Breaks(new_contig, new_pair, places)
        done, fault = tk.parse_rows(np.frombuffer(text, dtype=np.uint8), self._which, parsed, breaks)
        if fault:
            self._raise(text, done, _FAULTS[fault])
        if not self._genome_name and self._genome >= 0 and n:
            self._genome_name = text.split(b"\n", 1)[0].split(b"\t")[self._genome].decode("ascii", "replace")
        starts = np.flatnonzero(new_pair)
        ids = np.array([self._pair_id(text, places[i]) for i in starts.tolist()], dtype=np.uint32)
        table["pair"] = np.repeat(ids, np.diff(np.append(starts, n)))
        rows = ScoreRows(**table)
        cuts = np.flatnonzero(new_contig).tolist()
        for first, last in zip(cuts, [*cuts[1:], n], strict=True):
            name = text[places[first, 0] : places[first, 1]]
            if not is_checked:
                self._check_order(text, name, first, int(rows.pos[first]))
                self._last_pos = int(rows.pos[last - 1])
            yield Chunk(name.decode("ascii", "replace"), rows.take(slice(first, last)))
        self._source.lines_before += n

    def _check_order(self, text: bytes, name: bytes, line: int, pos: int) -> None:
        if name == self._contig:
            if pos < self._last_pos:
                self._raise(text, line, _FAULTS[tk.UNSORTED])
            return
        if name in self._seen:
            self._raise(
                text,
                line,
                f"is of {name.decode('ascii', 'replace')}, which came before: {WHAT} is not sorted",
            )
        self._seen.add(name)
        self._contig = name

    def _pair_id(self, text: bytes, place: NDArray[np.int64]) -> int:
        pair = text[place[2] : place[3]], text[place[4] : place[5]]
        known = self._pairs.get(pair)
        if known is None:
            known = self._pairs[pair] = len(self.pairs)
            self.pairs.append((pair[0].decode("ascii", "replace"), pair[1].decode("ascii", "replace")))
        return known

    def _raise(self, text: bytes, line: int, what: str) -> None:
        shown = text.split(b"\n", line + 1)[line][:60].decode("ascii", "replace")
        raise DeepcohortError(
            f"{WHAT} {self.path} line {self._source.lines_before + line + 1} {what} ('{shown}')"
        )

    def close(self) -> None:
        """Close the file."""
        self._source.close()


class BuildCheck:
    """Holds REF of the first rows of a table against the reference."""

    def __init__(self, what: str, fasta: ReferenceFasta, config: AnnotateConfig, genome: str = "") -> None:
        """Of the table `what`, for messages."""
        self._what, self._fasta, self._config, self._genome = what, fasta, config, genome
        self._checked = self._wrong = 0
        self._first = ""

    def see(self, contig: str, pos: NDArray[np.int32], code: NDArray[np.uint8]) -> None:
        """Rows of a contig of the reference; stops looking once enough agree.

        Raises:
            DeepcohortError: too many differ: another build.
        """
        left = self._config.checked_rows - self._checked
        if left <= 0 or contig not in self._fasta.contig_lengths:
            return
        for p, ref in zip(pos[:left].tolist(), (code[:left] >> 2).tolist(), strict=True):
            base = "N"
            if p < self._fasta.contig_lengths[contig]:
                base = self._fasta.fetch_text(Region(contig, p, p + 1))
            self._checked += base in "ACGT" or p >= self._fasta.contig_lengths[contig]
            if base != "ACGT"[ref] and (base in "ACGT" or p >= self._fasta.contig_lengths[contig]):
                self._wrong += 1
                self._first = self._first or f"{contig}:{p + 1} is {'ACGT'[ref]} there and {base} here"
            self._judge(at_least=20)
        self._judge(at_least=1)

    def _judge(self, at_least: int) -> None:
        if self._checked >= at_least and self._config.is_other_build(self._wrong, self._checked):
            said = f" (it says {self._genome})" if self._genome else ""
            raise DeepcohortError(
                f"{self._what}{said} is of another build than reference {self._fasta.path}: REF of "
                f"{self._wrong} of the "
                f"first {self._checked} rows differs, {self._first}; give the table of this build"
            )


def windows_of(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Stretches that hold all of `positions` (ascending), int64 (n, 2); near ones are one."""
    if not len(positions):
        return np.empty((0, 2), dtype=np.int64)
    cuts = np.flatnonzero(np.diff(positions) > _NEAR_BP)
    starts, ends = positions[np.append(0, cuts + 1)], positions[np.append(cuts, len(positions) - 1)] + 1
    return np.column_stack((starts, ends))


def _wanted_chunks(
    table: PublishedTable, wanted: Mapping[str, NDArray[np.int64]], all_rows: bool, quiet: bool
) -> Iterator[Chunk]:
    """All rows; or those of wanted positions at least, by the index where that is less work."""
    if all_rows:
        return tracked(table, quiet)
    index = read_index(table.path)
    if index is not None:
        names = names_of(list(wanted), index.names)
        windows = {theirs: windows_of(wanted[mine]) for mine, theirs in names.items()}
        if sum(int((w[:, 1] - w[:, 0]).sum()) for w in windows.values()) < _MUCH_BP:
            return tracked(table, quiet, table.chunks_within(index, windows))
    return tracked(table, quiet, table.chunks_at(wanted, {plain_name(name): name for name in wanted}))


def tracked(table: PublishedTable, quiet: bool, chunks: Iterator[Chunk] | None = None) -> Iterator[Chunk]:
    """All rows of the table (or `chunks` of it), progress on stderr."""
    label = f"reading {table.path.name}"
    chunks = table.chunks() if chunks is None else chunks
    return track_amount(chunks, None, label, lambda c: len(c.rows), lambda n: f"{n:,} rows", quiet)


class SelectedTable:
    """The rows of wanted positions, taken from the published table in one pass."""

    def __init__(
        self,
        path: Path,
        wanted: Mapping[str, NDArray[np.int64]],
        fasta: ReferenceFasta,
        config: AnnotateConfig,
        all_rows: bool = True,
        quiet: bool = True,
    ) -> None:
        """Read `path` through, or only what is wanted of it.

        Without `all_rows`, transcripts that no wanted position is near to stay unknown, and rows of other
        positions are not checked.

        Args:
            wanted: contig of the VCF -> positions, int64 ascending. fasta: of the VCF. quiet: no progress.

        Raises:
            DeepcohortError: see `PublishedTable` and `BuildCheck`.
        """
        table = PublishedTable(path)
        parts: dict[str, list[ScoreRows]] = {}
        contigs = ContigNames(fasta.contig_lengths)
        check: BuildCheck | None = None
        try:
            for chunk in _wanted_chunks(table, wanted, all_rows, quiet):
                if check is None:
                    check = BuildCheck(f"{WHAT} {path}", fasta, config, table.about.genome)
                name = contigs.of(chunk.contig) or ""
                check.see(name, chunk.rows.pos, chunk.rows.code)
                if name in wanted:
                    keep = np.empty(len(chunk.rows), dtype=bool)
                    tk.keep_positions(chunk.rows.pos, wanted[name], keep)
                    parts.setdefault(name, []).append(chunk.rows.take(keep))
        finally:
            table.close()
        self.about = table.about
        self._rows = {}
        for name in list(parts):
            self._rows[name] = join_rows(parts.pop(name))

    def hits(
        self, contig: str, pos: NDArray[np.int64], code: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], ScoreRows]:
        """See ScoreTable."""
        return rows_of_alleles(self._rows.get(contig), pos, code)

    def close(self) -> None:
        """Nothing is open."""


def rows_of_alleles(
    rows: ScoreRows | None, pos: NDArray[np.int64], code: NDArray[np.int64]
) -> tuple[NDArray[np.int64], ScoreRows]:
    """Offsets int64 (q + 1,) and the rows of each queried allele."""
    if rows is None or not len(rows):
        return np.zeros(len(pos) + 1, dtype=np.int64), no_rows()
    first, count = np.empty(len(pos), dtype=np.int64), np.empty(len(pos), dtype=np.int64)
    tk.lookup(rows.pos, rows.code, pos, code, first, count)
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    found = np.empty(int(offsets[-1]), dtype=np.int64)
    tk.gather(rows.code, code, first, count, found)
    return offsets, rows.take(found)
