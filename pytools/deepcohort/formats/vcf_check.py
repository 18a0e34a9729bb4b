"""Whether the records of a VCF are what the specification and their header let them be."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.paths import remedy_for
from deepcohort.formats import vcf_check_kernels as ck
from deepcohort.formats.bgzf import is_bcf
from deepcohort.formats.vcf_declarations import Declaration, declarations
from deepcohort.formats.vcf_index import check_index_beside
from deepcohort.formats.vcf_text import UNKNOWN_LENGTH, Segment, VcfTextReader

# by fault of vcf_check_kernels
FAULTS = (
    "",
    "a byte that is no printable text",
    "more or fewer columns than the header",
    "an empty field",
    "a POS that is no position",
    "a REF that is not of bases",
    "an ALT that is no allele",
    "a QUAL that is no number",
    "an END that is no number or lies before POS",
    "a FORMAT with a key that is none or stands twice, or GT not first",
    "more values than FORMAT has keys",
    "a GT that is no genotype of these alleles",
    "a genotype of too many copies",
    "a value that is not of the Type that the header says",
    "a negative value where none can be",
    "another number of values than the header says (Number)",
    "a genotype without the PL that FORMAT announces",
    "an INFO key that is empty or stands twice, or a value of it that the header does not allow",
    "a second record of the same POS, REF and ALT (bcftools norm -d exact leaves one)",
    "a line of the header, or a comment, among the records",
)
_NUMBERS = {"A": ck.NUMBER_A, "R": ck.NUMBER_R, "G": ck.NUMBER_G}
_NOT_NEGATIVE = {
    "FORMAT": ("GQ", "DP", "AD", "PL", "MIN_DP", "SB", "PS", "RGQ", "ADF", "ADR"),
    "INFO": ("AC", "AN", "NS", "DP"),
}
_BLOCK_ALTS = (b"<*>", b"<NON_REF>")


def rules_of(
    header_lines: Sequence[str], sample: int = -1, max_ploidy: int = 0, utf8: bool = True,
    odd_alts: bool = False, info: bool = False, repeats: bool = False,
) -> ck.LineRules:  # fmt: skip
    """What header lines (the last names the columns) say of the records; see `LineRules`."""
    declared = declarations(header_lines)
    return ck.LineRules(
        header_lines[-1].rstrip("\r").count("\t") + 1, sample, max_ploidy, utf8, odd_alts, info, repeats,
        _key_rules(d for d in declared if d.section == "FORMAT"),
        _key_rules(d for d in declared if d.section == "INFO"),
    )  # fmt: skip


def _key_rules(declared: Iterable[Declaration]) -> ck.KeyRules:
    codes, kinds, numbers = [], [], []
    for key in {d.key: d for d in declared}.values():
        kind = {"Integer": ck.INTEGER, "Float": ck.FLOAT}.get(key.type_, ck.ANY)
        if kind == ck.INTEGER and key.key in _NOT_NEGATIVE[key.section]:
            kind = ck.NOT_NEGATIVE
        is_genotype = (key.section, key.key) == ("FORMAT", "GT")
        text = np.frombuffer(key.key.encode(), dtype=np.uint8)
        codes.append(int(ck.key_code(text, 0, len(text))))
        kinds.append(ck.GENOTYPE if is_genotype else kind)
        numbers.append(int(key.number) if key.number.isdecimal() else _NUMBERS.get(key.number, -1))
    return ck.KeyRules(np.array(codes, np.uint64), np.array(kinds, np.int8), np.array(numbers, np.int64))


def checker_of(
    reader: VcfTextReader, max_ploidy: int = 0, utf8: bool = True, repeats: bool = False
) -> "LineChecker":
    """The checker of what `reader` reads."""
    header = reader.header
    known = {name: n for name, n in header.contig_lengths.items() if n != UNKNOWN_LENGTH}
    return LineChecker(
        reader.path, header.lines, known, max_ploidy=max_ploidy, utf8=utf8, info=True, repeats=repeats
    )


class LineChecker:
    """Checks record lines: columns, numbers, genotypes, counts of values, INFO, and that none comes twice."""

    def __init__(
        self, path: Path, header_lines: Sequence[str], contig_lengths: Mapping[str, int], *,
        sample: int = -1, max_ploidy: int = 0, utf8: bool = True, odd_alts: bool = False, info: bool = False,
        repeats: bool = False,
    ) -> None:  # fmt: skip
        """For the lines of `path`, which has this header, in the order of the file.

        Args:
            contig_lengths: bp of each contig that its length is known of.
            sample, max_ploidy, utf8, odd_alts, info, repeats: see `LineRules`.
        """
        self._path = path
        self._lengths = dict(contig_lengths)
        self._rules = rules_of(header_lines, sample, max_ploidy, utf8, odd_alts, info, repeats)
        self._tail = b""  # the last lines of the same CHROM and POS

    def check_text(self, text: NDArray[np.uint8]) -> None:
        """Pass over every line of `text`, uint8, whole lines.

        Raises:
            DeepcohortError: the first malformed line, and what is wrong with it.
        """
        place = b"\t".join(self._tail.split(b"\t", 2)[:2]) + b"\t"
        if self._tail and text[: len(place)].tobytes() == place:  # the same POS goes on
            text = np.concatenate((np.frombuffer(self._tail, np.uint8), text))
        at, fault, last_pos = ck.find_fault(text, self._rules)
        if at >= 0:
            raise self._malformed(text[at : at + 400].tobytes(), FAULTS[fault])
        self._tail = text[last_pos:].tobytes()

    def restart(self) -> None:
        """What comes next does not follow on what was checked."""
        self._tail = b""

    def check(self, segment: Segment) -> None:
        """`check_text` of a segment, whose lines moreover lie within their contig.

        END of symbolic alleles is not looked at, but for reference blocks: lifted panels keep the old one.

        Raises:
            DeepcohortError: the first malformed line, and what is wrong with it.
        """
        self.check_text(np.frombuffer(segment.text, dtype=np.uint8))
        length = self._lengths.get(segment.contig)
        if length is None:
            return
        starts, ends = segment.lines[:, 0], segment.lines[:, 1]
        for row in np.flatnonzero((starts >= length) | (ends > length)).tolist():
            line = segment.part(row, row + 1).text
            if starts[row] >= length or not _is_structural(line):
                raise self._malformed(line, f"a record beyond the end of {segment.contig} ({length} bp)")

    def _malformed(self, line: bytes, what: str) -> DeepcohortError:
        return malformed_line(self._path, line, what)


def _is_structural(line: bytes) -> bool:
    """Whether all ALTs of a record are symbolic, and none that of a reference block."""
    alts = line.split(b"\t", 5)[4].split(b",")
    return all(alt.startswith(b"<") and alt not in _BLOCK_ALTS for alt in alts)


def malformed_line(path: Path, line: bytes, what: str) -> DeepcohortError:
    """The error of a record line that breaks VCF: file, position, what is wrong, and the line's beginning."""
    text = line.split(b"\n", 1)[0].decode("utf-8", errors="replace").rstrip("\r")
    shown = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)
    place = ":".join(shown.split("\t", 2)[:2])
    shown = " ".join(shown[:100].split("\t"))
    return DeepcohortError(
        f"{path} holds a malformed line at {place[:60]}: {what}, in '{shown[:80]}'; {remedy_for(path)}"
    )


class ContigOrder:
    """Sees that each contig's records stand together, and that the header lists the contig."""

    def __init__(self, path: Path, contigs: Collection[str]) -> None:
        """For the records of `path`; `contigs`: of its header, empty where it lists none."""
        self._path, self._contigs = path, contigs
        self._done: set[str] = set()
        self._current = ""

    def check(self, segment: Segment) -> None:
        """Look at the next segment.

        Raises:
            DeepcohortError: its contig stands in two places, or is not in the header.
        """
        if segment.contig == self._current:
            return
        if segment.contig in self._done:
            raise DeepcohortError(
                f"{self._path} has {segment.contig} in two places; run: bcftools sort, and index it"
            )
        if self._contigs and segment.contig not in self._contigs:
            raise unlisted_contig(self._path, segment.text[:400])
        self._done.add(segment.contig)
        self._current = segment.contig


def unlisted_contig(path: Path, line: bytes) -> DeepcohortError:
    """The error of a record of a contig that the header does not list."""
    return malformed_line(path, line, "a CHROM that the header does not list")


def checked_segments(reader: VcfTextReader, max_ploidy: int = 0) -> Iterator[Segment]:
    """All segments of `reader`, each seen to be sound before it comes.

    Args:
        max_ploidy: most alleles of a GT; 0: any.

    Raises:
        DeepcohortError: the first malformed line, or records out of order or of a contig not in the header.
    """
    checker = checker_of(reader, max_ploidy=max_ploidy)
    order = ContigOrder(reader.path, reader.header.contig_lengths)
    for segment in reader.segments():
        order.check(segment)
        checker.check(segment)
        yield segment


def check_vcf(path: Path, max_ploidy: int = 0, with_index: bool = True) -> None:
    """Read the whole VCF `path` and see that every line is one, and that an index beside it is sound.

    Of BCF, only the index is looked at. `with_index`: False where that was done before.

    Raises:
        DeepcohortError: as `checked_segments` does, or a damaged index.
    """
    if is_bcf(path):
        check_index_beside(path, is_bcf=True)
        return
    reader = VcfTextReader(path)
    try:
        if with_index:
            check_index_beside(path)
        for _ in checked_segments(reader, max_ploidy):
            pass
    finally:
        reader.close()
