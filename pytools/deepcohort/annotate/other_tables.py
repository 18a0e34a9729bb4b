"""Values by allele from any VCF or TSV that the user names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate import line_kernels as lk
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.text_source import ContigNames, TextSource, names_of, read_index
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region

_NAME = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")
_KEYS = ("CHROM", "POS", "REF", "ALT")
_ALIASES = {
    "CHROM": ("#chrom", "chrom", "chr", "#chr", "contig", "chromosome", "#chromosome"),
    "POS": ("pos", "position", "start"),
    "REF": ("ref", "reference"),
    "ALT": ("alt", "alternate"),
}
RSID = "rsID"
_INFO = re.compile(r"##INFO=<ID=([^,>]+),Number=([^,>]+),Type=([^,>]+)")
_MOST_SKIPPED_BP = 1 << 18  # between positions asked for: where the next is farther, the index is used
_ENCODED = {";": "%3B", "=": "%3D", ",": "%2C", " ": "%20", "%": "%25"}


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table and what is wanted of it.

    Attributes:
        name: begins the INFO keys. values: INFO keys of a VCF, columns of a TSV; ID is a VCF's ID.
        keys: column names of contig, position, REF and ALT of a TSV, where they are told.
        wants_rsid: its IDs go into the ID column.
    """

    name: str
    path: Path
    values: tuple[str, ...]
    keys: Mapping[str, str]
    wants_rsid: bool

    def info_key(self, value: str) -> str:
        """INFO key of a value."""
        return f"{self.name}_{re.sub(r'[^0-9A-Za-z_.]', '_', value)}"


def parse_spec(text: str) -> TableSpec:
    """Table named on the command line: NAME=FILE:ITEM,ITEM; items name values, or key columns as in
    POS=start.

    Raises:
        DeepcohortError: it is malformed.
    """
    name, _, rest = text.partition("=")
    path, _, items = rest.rpartition(":")
    if not _NAME.fullmatch(name) or not path or not items or "/" in items:
        raise DeepcohortError(
            f"--scores '{text}' is not NAME=FILE:ITEM,ITEM, such as gnomad=gnomad.vcf.gz:AF or "
            "cadd=cadd.tsv.gz:CHROM=Chrom,POS=Pos,REF=Ref,ALT=Alt,PHRED"
        )
    keys, values = {}, []
    for item in items.split(","):
        key, equals, column = item.partition("=")
        if equals and key not in _KEYS:
            raise DeepcohortError(f"--scores '{text}': {key} is none of {', '.join(_KEYS)}")
        if equals:
            keys[key] = column
        elif item:
            values.append(item)
    wants_rsid = RSID in values
    return TableSpec(name, Path(path), tuple(v for v in values if v != RSID), keys, wants_rsid)


@dataclass(frozen=True, slots=True)
class Matches:
    """What a table says of the alleles of a segment.

    Attributes:
        values: allele -> value per item of the spec ("" none). ids: allele -> IDs.
    """

    values: dict[int, list[str]]
    ids: dict[int, list[str]]


class AlleleTable:
    """Reads a sorted table forward, by contig and position, as segments of a VCF come."""

    def __init__(self, spec: TableSpec, fasta: ReferenceFasta, config: AnnotateConfig) -> None:
        """Open the table of `spec`.

        Raises:
            DeepcohortError: missing, without header, or without the columns.
        """
        self.spec, self._fasta, self._config = spec, fasta, config
        self._what = f"table {spec.name}"
        self._source = TextSource(spec.path, self._what)
        self._index = read_index(spec.path) if self._source.is_bgzf else None
        header = self._source.header()
        self._to_skip = self._has_plain_header = False
        self.is_vcf = bool(header) and header[0].startswith("##fileformat=VCF")
        self._fields: list[int] = []
        self._numbers: list[str] = []
        self.types: list[tuple[str, str]] = []  # Number, Type of each value's INFO key
        self._which = self._vcf_columns(header) if self.is_vcf else self._tsv_columns(header)
        self._checked = self._wrong = 0
        self.n_repeated = 0
        self._order: dict[str, int] = {}  # place of each contig in the table
        self._names: ContigNames | None = None  # of all contigs, once they are known
        if self._index is not None:
            self._order = {name: i for i, name in enumerate(self._index.names)}
            self._names = ContigNames(self._order)
        self._clear()

    def _clear(self) -> None:
        self._text = b""
        self._lines = np.empty((0, 8), dtype=np.int64)
        self._first = 0  # line that comes next; those before it are done with
        self._starts = np.empty(0, dtype=np.int64)  # lines at which a contig begins
        self._runs: dict[str, int] = {}  # contig that begins behind the first line here -> its first line
        self._contig = ""
        self._at_end = False
        self._last_pos = -1

    def _vcf_columns(self, header: list[str]) -> NDArray[np.int64]:
        if not header[-1].startswith("#CHROM\t"):
            raise DeepcohortError(f"{self._what} {self.spec.path} is a VCF without its #CHROM line")
        known = {m[1]: (m[2], m[3]) for line in header if (m := _INFO.match(line))}
        for value in self.spec.values:
            if value != "ID" and value not in known:
                raise DeepcohortError(
                    f"{self._what} {self.spec.path} has no INFO {value}; it has {', '.join(list(known)[:12])}"
                )
            number, type_ = ("1", "String") if value == "ID" else known[value]
            plain = number in ("1", "A", "R") and type_ in ("Integer", "Float")
            self._numbers.append(number)
            self.types.append(("A", type_ if plain else "String"))
        return np.array([0, 1, 3, 4], dtype=np.int64)

    def _tsv_columns(self, header: list[str]) -> NDArray[np.int64]:
        columns = [c.strip() for c in header[-1].split("\t")] if header else []
        if len(columns) < 4:
            first = self._source.read_lines(1 << 16).split(b"\n", 1)[0].decode("utf-8", "replace")
            columns = [c.strip() for c in first.split("\t")]
            self._source.header()
            self._to_skip = self._has_plain_header = True
        lower = [c.lower() for c in columns]
        found = []
        for key in _KEYS:
            told = self.spec.keys.get(key)
            names = (told.lower(), f"#{told.lower()}") if told else _ALIASES[key]
            at = next((lower.index(n) for n in names if n in lower), -1)
            if at < 0:
                raise DeepcohortError(
                    f"{self._what} {self.spec.path} has no column {told or key}; name it as in {key}=COLUMN "
                    f"(it has {', '.join(columns[:12])})"
                )
            found.append(at)
        for value in self.spec.values:
            if value not in columns:
                raise DeepcohortError(
                    f"{self._what} {self.spec.path} has no column {value} (it has {', '.join(columns[:12])})"
                )
            self._fields.append(columns.index(value))
            self.types.append(("A", "String"))
        if self.spec.wants_rsid:
            raise DeepcohortError(f"{self._what}: {RSID} is for VCFs; name a column instead")
        return np.array(found, dtype=np.int64)

    # reading

    def _rewind(self) -> None:
        self._clear()
        self._source.header()
        self._to_skip = self._has_plain_header

    def _more(self) -> bool:
        """Take the next piece; lines of one contig at a time stay in the buffer."""
        text = self._source.read_lines(1 << 20)
        if text and self._to_skip:  # a header without #
            text = text[text.index(b"\n") + 1 :] or self._source.read_lines(1 << 20)
            self._to_skip = False
        if not text:
            self._at_end = True
            return False
        n = text.count(b"\n")
        lines = np.empty((n, 8), dtype=np.int64)
        done, fault = lk.scan_table(np.frombuffer(text, dtype=np.uint8), self._which, lines)
        if fault:
            shown = text.split(b"\n", done + 1)[done][:60].decode("ascii", "replace")
            what = (
                "has too few columns: the table is truncated or of another kind"
                if fault == 1
                else "has no position"
            )
            raise DeepcohortError(f"{self._what} {self.spec.path}: the line '{shown}' {what}")
        self._source.lines_before += n
        cut = int(self._lines[self._first, 0]) if self._left() else len(self._text)
        kept = self._lines[self._first :].copy()
        kept[:, [0, 1, 2, 4, 5, 6, 7]] -= cut
        self._text = self._text[cut:]
        lines[:, [0, 1, 2, 4, 5, 6, 7]] += len(self._text)
        self._text += text
        self._lines, self._first = np.concatenate([kept, lines]), 0
        new = np.empty(len(self._lines), dtype=bool)
        lk.new_contigs(np.frombuffer(self._text, dtype=np.uint8), self._lines, new)
        self._starts = np.flatnonzero(new)
        self._runs = {self._contig_of(row): row for row in self._starts[:0:-1].tolist()}
        return True

    def _left(self) -> int:
        return len(self._lines) - self._first

    def _contig_of(self, line: int) -> str:
        return self._text[self._lines[line, 1] : self._lines[line, 2]].decode("ascii", "replace")

    def _drop(self, n: int) -> None:
        self._first += n

    def _run(self) -> int:
        """Lines that come next and are of one contig."""
        later = int(np.searchsorted(self._starts, self._first, side="right"))
        end = int(self._starts[later]) if later < len(self._starts) else len(self._lines)
        return end - self._first

    def _reaches(self, name: str, start: int) -> bool:
        """Go to a contig that was read already; whether its lines from `start` on, if any, begin here.

        Contigs may be many and short: a jump reads a megabyte for each.
        """
        if self._contig != name:
            if name not in self._runs:
                return False
            self._first, self._contig = self._runs[name], name
        if not self._left():
            return False
        if self._contig_of(self._first) != name:
            return True  # all of the contig is done with
        is_whole = self._run() < self._left()
        return is_whole or int(self._lines[-1, 3]) + _MOST_SKIPPED_BP >= start

    def _window(self, name: str, start: int, end: int) -> int:
        """Fill the buffer so that it begins with all lines of a contig with start <= POS < end; their "
        "number."""
        if self._index is not None:
            offset = self._index.offset(name, start)
            if offset is None:
                return 0
            if not self._reaches(name, start):
                self._clear()
                self._source.seek(offset)
                self._to_skip = False
            self._contig = name
        while True:
            if not self._left() and not self._more():
                return 0
            run, mine = self._run(), self._contig_of(self._first)
            self._order.setdefault(mine, len(self._order))
            if mine != name:
                if self._index is not None:
                    return 0
                self._drop(run)
                continue
            pos = self._lines[self._first : self._first + run, 3]
            if (np.diff(pos) < 0).any():
                row = self._first + int(np.flatnonzero(np.diff(pos) < 0)[0]) + 1
                line = self._text[self._lines[row, 0] :].split(b"\n", 1)[0]
                raise DeepcohortError(
                    f"{self._what} {self.spec.path} is not sorted by position, at "
                    f"'{line[:60].decode('ascii', 'replace')}'; sort it"
                )
            self._drop(int(np.searchsorted(pos, start)))
            run = self._run() if self._left() and self._contig_of(self._first) == name else 0
            own = self._lines[self._first : self._first + run, 3]
            if (run and int(own[-1]) >= end) or run < self._left() or not self._more():
                return int(np.searchsorted(own, end))

    def _name_of(self, contig: str) -> str | None:
        """The table's name of a contig; reads it through once where it has no index and the contig "
        "lies behind."""
        if self._names is None:
            here = self._contig_of(self._first) if self._left() else ""
            if here and names_of([contig], [here]):
                return here
            self._rewind()
            while self._left() or self._more():
                self._order.setdefault(self._contig_of(self._first), len(self._order))
                self._drop(self._run())
            self._names = ContigNames(self._order)
            self._rewind()
        return self._names.of(contig)

    def matches(self, contig: str, start: int, end: int, keys: NDArray[np.uint64]) -> Matches:
        """Values of a segment's alleles.

        Args:
            start, end: what their normalised positions span. keys: uint64 (a,), 0: not compared.

        Raises:
            DeepcohortError: malformed, unsorted, or of another build.
        """
        found = Matches({}, {})
        if not (keys != 0).any():
            return found
        name = self._name_of(contig)
        if name is None:
            return found
        is_other = self._index is None and self._contig and self._contig != name
        if is_other and self._order[name] < self._order[self._contig]:
            self._rewind()
        shift = self._config.max_shift_bp
        n = self._window(name, max(0, start - shift), end + shift)
        self._contig = name
        if n:
            self._match(contig, n, keys, found)
        return found

    def _match(self, contig: str, n: int, keys: NDArray[np.uint64], found: Matches) -> None:
        lines = self._lines[self._first : self._first + n]
        shift, length = self._config.max_shift_bp, self._fasta.contig_lengths[contig]
        first = max(0, min(int(lines[0, 3]) - shift, length))
        last = max(first, min(length, int((lines[:, 3] + lines[:, 5] - lines[:, 4]).max())))
        reference = np.frombuffer(
            self._fasta.fetch_text(Region(contig, first, last)).encode(), dtype=np.uint8
        )
        order = np.argsort(keys, kind="stable")
        ascending = keys[order]
        longest = int((lines[:, 7] - lines[:, 6]).max()) + 1
        scratch, tally = np.empty(shift + longest, dtype=np.uint8), np.zeros(3, dtype=np.int64)
        text = np.frombuffer(self._text, dtype=np.uint8)
        rows = np.empty((2 * len(keys) + 16, 3), dtype=np.int64)
        while True:
            m = lk.match_lines(text, lines, reference, first, shift, scratch, ascending, rows, tally)
            if m <= len(rows):
                break
            rows = np.empty((m, 3), dtype=np.int64)
        self._check_build(contig, lines, tally)
        for q, line, number in rows[:m].tolist():
            key, i = ascending[q], q
            while i < len(ascending) and ascending[i] == key:  # an allele may stand in several records
                self._take(int(order[i]), self._first + line, number, found)
                i += 1

    def _check_build(self, contig: str, lines: NDArray[np.int64], tally: NDArray[np.int64]) -> None:
        if self._checked >= self._config.checked_rows:
            return
        self._checked += int(tally[0])
        self._wrong += int(tally[1])
        if self._config.is_other_build(self._wrong, self._checked):
            raise DeepcohortError(
                f"{self._what} {self.spec.path} is of another build than reference {self._fasta.path}: "
                f"REF of "
                f"{self._wrong} of the first {self._checked} alleles differs, as at "
                f"{contig}:{lines[tally[2], 3] + 1}; "
                "give the table of this build"
            )

    def _take(self, allele: int, line: int, number: int, found: Matches) -> None:
        stop = self._lines[line + 1, 0] if line + 1 < len(self._lines) else len(self._text)
        fields = self._text[self._lines[line, 0] : stop].decode("utf-8", "replace").rstrip("\r\n").split("\t")
        if self.is_vcf:
            values = self._vcf_values(fields, number)
            if self.spec.wants_rsid and fields[2] != ".":
                known = found.ids.setdefault(allele, [])
                known += [name for name in fields[2].split(";") if name not in known]
        else:
            values = [
                "".join(_ENCODED.get(c, c) for c in fields[k]) if k < len(fields) else ""
                for k in self._fields
            ]
        values = ["" if v in (".", "") else v for v in values]
        before = found.values.get(allele)
        if before is None:
            found.values[allele] = values
            return
        for k, (old, new) in enumerate(zip(before, values, strict=True)):
            if not old or not new or new in old.split("|"):
                before[k] = old or new
            elif self.types[k][1] == "String":
                before[k] = f"{old}|{new}"
            else:
                self.n_repeated += 1  # one number per allele: the first line's

    def _vcf_values(self, fields: list[str], number: int) -> list[str]:
        info = dict(part.partition("=")[::2] for part in fields[7].split(";")) if len(fields) > 7 else {}
        found = []
        for value, kind in zip(self.spec.values, self._numbers, strict=True):
            if value == "ID":
                found.append(fields[2].replace(";", "|"))
                continue
            if value not in info:
                found.append("")
                continue
            text = info[value]
            parts = text.split(",")
            if kind == "A":
                found.append(parts[number] if number < len(parts) else "")
            elif kind == "R":
                found.append(parts[number + 1] if number + 1 < len(parts) else "")
            else:
                found.append("1" if kind == "0" else text.replace(",", "|").replace(" ", "_"))
        return found

    def close(self) -> None:
        """Close the file."""
        self._source.close()
