"""Files of alleles: bgzipped VCF or BCF, indexed, with or without genotypes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.paths import remedy_for
from deepcohort.core.region import Region, merge_regions
from deepcohort.core.sequence import CODE_N, decode_bases, encode_bases
from deepcohort.formats.bgzf import is_bcf
from deepcohort.formats.vcf_check import LineChecker, check_vcf
from deepcohort.formats.vcf_declarations import check_declarations, listed_contigs
from deepcohort.formats.vcf_index import check_index_beside
from deepcohort.formats.vcf_text import read_header_lines
from deepcohort.known.config import KnownConfig
from deepcohort.known.lines import SiteLines, cut
from deepcohort.known.spelling import Change, alleles_of, changes_of, in_order, is_sequence
from deepcohort.known.types import GivenAlleles
from deepcohort.reads.scan import Near

CHECKED_FIRST = 100
_CODES = {base: int(encode_bases(base)[0]) for base in "ACGTacgt"}
_BYTES = {base: bytes([code]) for base, code in _CODES.items()}
_BYTE_OF = [bytes([code]) for code in range(CODE_N)]
_PIECE_BP = 1 << 18
# A file this small is looked at whole, a fraction of a second. Of larger ones only lines in the regions are:
# by the index, so that a contig in two places and lines that begin with # are passed over, as by htslib.
_READ_WHOLE_BYTES = 4 << 20
_REACH_BP = 1_000  # how far an allele may move when it is left-aligned, rounded up


class SiteRecord(NamedTuple):
    """What is read of a record; `frequencies` of each alternate, None: they are not looked at."""

    contig: str
    start: int
    ref: str
    alts: tuple[str, ...]
    name: str
    frequencies: tuple[float, ...] | None = None

    @property
    def pos(self) -> int:
        """POS, 1-based."""
        return self.start + 1


class _CheckedLines:
    """The text of an indexed VCF, which is looked at before htslib makes of it what it can."""

    def __init__(self, path: Path) -> None:
        """Open `path`, whose index is sound.

        Raises:
            DeepcohortError: its header is not, or lines are no records.
        """
        header = read_header_lines(path)
        check_declarations(header, path, whole=True)
        if path.stat().st_size <= _READ_WHOLE_BYTES:
            check_vcf(path, with_index=False)
        self._checker = LineChecker(path, header, {}, info=True)
        try:
            self._text = pysam.TabixFile(str(path), encoding="utf-8")
        except (OSError, ValueError) as error:
            raise DeepcohortError(
                f"the index of {path} cannot be used; run: bcftools index -f {path}"
            ) from error
        self._contigs = frozenset(self._text.contigs)
        declared = listed_contigs(header)
        strange = next((name for name in sorted(self._contigs) if name not in declared), None)
        if declared and strange is not None:
            self._text.close()
            raise DeepcohortError(
                f"{path} has records on {strange[:40]}, which its header does not declare; {remedy_for(path)}"
            )

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def fetch(self, region: Region) -> SiteLines:
        """The lines that overlap `region`, which are records.

        Raises:
            DeepcohortError: the first that is none. OSError, ValueError: they cannot be read.
        """
        if region.contig not in self._contigs:
            return cut(b"")
        lines = self._text.fetch(region.contig, region.start, region.end)
        text = "\n".join([*lines, ""]).encode()
        self._checker.restart()
        self._checker.check_text(np.frombuffer(text, np.uint8))
        return cut(text)


class KnownSites:
    """Alleles of an indexed VCF or BCF; genotypes in it are passed over."""

    def __init__(
        self, path: Path, contig_lengths: Mapping[str, int], option: str, config: KnownConfig | None = None
    ) -> None:
        """Open `path`; `option` is the user's word for it.

        Raises:
            DeepcohortError: missing, no VCF or BCF, not compressed or indexed, or of other contigs.
        """
        self.path, self._option, self._config = path, option, config or KnownConfig()
        if not path.exists():
            raise DeepcohortError(f"{path} does not exist; check {option}")
        bcf = is_bcf(path)
        check_index_beside(path, is_bcf=bcf)  # before htslib, which crashes on some
        verbosity = pysam.set_verbosity(0)
        try:
            self._file = pysam.VariantFile(str(path), drop_samples=True)
        except (OSError, ValueError) as error:
            raise DeepcohortError(f"{path} is neither a VCF nor a BCF; check {option}") from error
        finally:
            pysam.set_verbosity(verbosity)
        if not any(Path(f"{path}{ending}").exists() for ending in (".tbi", ".csi")):
            self._file.close()
            raise DeepcohortError(
                f"{path} is not indexed; sort it, bgzip it and run: bcftools index {path} "
                "(an index of unsorted records cannot be made)"
            )
        self._contigs = set(map(str, self._file.header.contigs)) & set(contig_lengths)
        if not self._contigs:
            names = ", ".join(map(str, list(self._file.header.contigs)[:3])) or "none"
            known = ", ".join(list(contig_lengths)[:3])
            self._file.close()
            raise DeepcohortError(
                f"{path} shares no contig with the reference (its: {names}; the reference's: {known}); "
                f"give {option} a file of the reference that the reads were aligned to"
            )
        self._lengths = contig_lengths
        try:
            self._lines = None if bcf else _CheckedLines(path)
        except DeepcohortError:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._lines is not None:
            self._lines.close()

    def _read(self, region: Region) -> Iterator[SiteRecord]:
        """Records of a BCF that overlap `region`, as they stand."""
        for record in self._file.fetch(region.contig, region.start, region.end):
            yield SiteRecord(
                record.contig, record.start, record.ref or "", record.alts or (), record.id or ""
            )

    def _checked(self, region: Region) -> SiteLines | None:
        """Lines of a VCF that overlap `region`; None of a BCF."""
        if self._lines is None:
            return None
        try:
            lines = self._lines.fetch(region)
        except (OSError, ValueError) as error:
            raise self._unreadable(region, error) from error
        for row in np.flatnonzero(np.diff(lines.start) < 0)[:1].tolist():
            raise self._unsorted(region.contig, int(lines.start[row + 1]), int(lines.start[row]))
        return lines

    def _cut(self, region: Region) -> SiteLines | None:
        """The same where nothing but the alleles of the lines is taken."""
        return self._checked(region) if region.contig in self._contigs else cut(b"")

    def _records(self, region: Region) -> Iterator[SiteRecord]:
        """Records that overlap `region`, by POS."""
        if region.contig not in self._contigs or not len(region):
            return
        lines = self._cut(region)
        if lines is not None:
            yield from map(partial(_record, lines), range(len(lines)))
            return
        last = -1
        try:
            for record in self._read(region):
                if record.start < last:
                    raise self._unsorted(record.contig, record.start, last)
                last = record.start
                yield record
        except (OSError, ValueError) as error:
            raise self._unreadable(region, error) from error

    def _unsorted(self, contig: str, start: int, last: int) -> DeepcohortError:
        return DeepcohortError(
            f"{self.path} is not sorted: {contig}:{start + 1} stands after {last + 1}; "
            f"run: bcftools sort {self.path}"
        )

    def _unreadable(self, region: Region, error: Exception) -> DeepcohortError:
        return DeepcohortError(
            f"{self.path} cannot be read at {region}: {error}; index it again: bcftools index -f {self.path}"
        )

    def fetch(self, window: Region, codes: NDArray[np.uint8], region: Region) -> GivenAlleles:
        """Alleles with POS (once left-aligned) in `region`.

        Args:
            window: holds `region` and what the alleles reach. codes: uint8 reference codes of it.

        Raises:
            DeepcohortError: REF is not the reference's; unsorted; too many alternates at one POS.
        """
        found: dict[Change, list[str]] = {}
        shares: dict[Change, float] = {}
        symbolic: list[int] = []
        long: list[int] = []
        first, last = region.start - window.start, region.end - window.start
        lines = self._cut(window)
        records = self._records(window)
        if lines is not None:
            others = _take_plain(lines, window, codes, (first, last), found)
            records = map(partial(_record, lines), others.tolist())
        for record in records:
            if not window.contains(record.start):
                continue
            name, at, ref = record.name, record.start - window.start, record.ref
            code = _CODES.get(ref)
            is_same = code is not None and codes[at] == code
            if not is_same:
                self._check_ref(record, codes, window)
            for k, alt in enumerate(record.alts):
                changes: Sequence[Change] | None
                if is_same and _CODES.get(alt, code) != code:
                    changes = ((at, 1, _BYTES[alt]),)  # most are such
                elif not is_sequence(alt) or not is_sequence(ref):
                    changes = None
                elif max(len(ref), len(alt)) > self._config.max_allele_bp:
                    long.append(record.start)
                    continue
                else:
                    changes = changes_of(at, ref, alt, codes)
                if not changes:  # an ALT that equals REF is none
                    symbolic.append(record.start)
                    continue
                for change in changes:
                    if first <= change[0] < last:
                        ids = found.setdefault(change, [])
                        if record.frequencies is not None:
                            shares[change] = _sum(shares.get(change, math.nan), record.frequencies[k])
                        if name:
                            ids += [x for x in name.split(";") if x and x != "." and x not in ids]
        rows = in_order(found)
        alleles = alleles_of(rows)
        self._check_number(alleles.pos, window)
        names = tuple([";".join(found[row]) for row in rows])
        frequency = np.array([shares.get(row, np.nan) for row in rows] if shares else [], np.float64)
        return GivenAlleles(alleles, names, tuple(symbolic), tuple(long), np.minimum(frequency, 1.0))

    def _check_ref(self, record: SiteRecord, codes: NDArray[np.uint8], window: Region) -> None:
        ref = record.ref
        at = record.start - window.start
        if at + len(ref) > len(codes):
            return  # longer than what is looked up
        if is_sequence(ref) and not np.array_equal(encode_bases(ref), codes[at : at + len(ref)]):
            there = decode_bases(codes[at : at + len(ref)])
            raise DeepcohortError(
                f"{self.path} belongs to another reference: REF at {record.contig}:{record.pos} is "
                f"{ref[:20]}, the reference has {there[:20]}; give {self._option} a file of the same build"
            )

    def _check_number(self, pos: NDArray[np.int64], window: Region) -> None:
        """See that no position, ascending and relative to `window`, has too many alternates."""
        places, count = np.unique(pos, return_counts=True)
        most = int(count.argmax()) if len(count) else -1
        if most >= 0 and count[most] > self._config.max_alts:
            raise DeepcohortError(
                f"{self.path} gives {count[most]} alternates at {window.contig}:"
                f"{window.start + int(places[most]) + 1}, "
                f"and {self._config.max_alts} are the most; leave the rarest out"
            )

    def check_first(self, regions: Sequence[Region], reference: ReferenceFasta) -> None:
        """Hold the first alleles of `regions` against `reference`.

        Raises:
            DeepcohortError: see `fetch`.
        """
        n = 0
        for region in chunks_for(regions):
            for record in self._records(region):
                end = min(record.start + len(record.ref), self._lengths[region.contig])
                there = Region(region.contig, min(record.start, end), end)
                self._check_ref(record, reference.fetch_codes(there), there)
                n += 1
                if n == CHECKED_FIRST:
                    return

    def stretches(self, regions: Sequence[Region], join_bp: int) -> list[Region]:
        """Parts of `regions` in which given alleles may lie, joined over gaps up to `join_bp`."""
        found: list[Region] = []
        for region in regions:
            parts = [np.empty((2, 0), np.int64)]
            for chunk in chunks_for([region.padded(_REACH_BP, self._lengths[region.contig])]):
                start, ref_bp, is_snp = self._extents(chunk)
                back = np.where(is_snp, 0, _REACH_BP)
                parts.append(np.stack((start - back, start + np.maximum(ref_bp, 1))))
            starts, ends = np.clip(np.concatenate(parts, axis=1), region.start, region.end)
            inside = starts < ends
            joined = Near.of(starts[inside], ends[inside] + join_bp)
            found += [
                Region(region.contig, a, b - join_bp)
                for a, b in zip(joined.starts.tolist(), joined.ends.tolist(), strict=True)
            ]
        return merge_regions(found)

    def _extents(self, region: Region) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """POS - 1, length of REF, and whether all alleles are one letter, of records in `region`."""
        lines = self._cut(region)
        if lines is not None:
            return lines.start, lines.ref_bp, lines.is_snp
        rows = [
            (r.start, len(r.ref), len(r.ref) == 1 and all(len(alt) == 1 for alt in r.alts))
            for r in self._records(region)
        ]
        start, ref_bp, is_snp = (
            np.array(column) for column in (zip(*rows, strict=True) if rows else ((),) * 3)
        )
        return start.astype(np.int64), ref_bp.astype(np.int64), is_snp.astype(np.bool_)


def _sum(a: float, b: float) -> float:
    """Of two frequencies, either of which may be unknown (NaN)."""
    return b if math.isnan(a) else a if math.isnan(b) else a + b


def _record(lines: SiteLines, row: int) -> SiteRecord:
    contig, _, name, ref, alts = lines.fields(row)
    alternates = () if alts == "." else tuple(alts.split(","))
    return SiteRecord(contig, int(lines.start[row]), ref, alternates, "" if name == "." else name)


def _take_plain(
    lines: SiteLines,
    window: Region,
    codes: NDArray[np.uint8],
    wanted: tuple[int, int],
    found: dict[Change, list[str]],
) -> NDArray[np.int64]:
    """Add SNPs without an ID, whose POS lies in `wanted` of the window, to `found`; rows of all other lines.

    Most lines of a second look are such. `codes`: of the window, uint8; a REF unlike it is none of them.
    """
    at = lines.start - window.start
    ref, alt = lines.codes(3), lines.codes(4)
    plain = lines.is_plain & (at >= 0) & (at < len(codes)) & (alt < CODE_N) & (ref < CODE_N) & (alt != ref)
    plain &= codes[np.clip(at, 0, len(codes) - 1)] == ref
    mine = plain & (at >= wanted[0]) & (at < wanted[1])
    for pos, code in zip(at[mine].tolist(), alt[mine].tolist(), strict=True):
        found.setdefault((pos, 1, _BYTE_OF[code]), [])
    return np.flatnonzero(~plain)


def chunks_for(regions: Sequence[Region]) -> Iterator[Region]:
    """`regions` cut short enough to hold the lines of a panel with many genotypes."""
    for region in regions:
        for start in range(region.start, region.end, _PIECE_BP):
            yield Region(region.contig, start, min(start + _PIECE_BP, region.end))
