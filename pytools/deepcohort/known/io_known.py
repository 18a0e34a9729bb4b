"""Files of alleles: bgzipped VCF or BCF, indexed, with or without genotypes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.paths import make_again
from deepcohort.core.region import Region, merge_regions
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.formats.vcf_check import LineChecker
from deepcohort.formats.vcf_declarations import check_declarations, listed_contigs
from deepcohort.formats.vcf_index import check_index_beside
from deepcohort.formats.vcf_text import read_header_lines
from deepcohort.known.config import KnownConfig
from deepcohort.known.spelling import Change, changes_of, is_sequence, to_alleles
from deepcohort.known.types import GivenAlleles

CHECKED_FIRST = 100
_CODES = {base: int(encode_bases(base)[0]) for base in "ACGTacgt"}
_BYTES = {base: bytes([code]) for base, code in _CODES.items()}
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
        """Open `path`.

        Raises:
            DeepcohortError: its header or its index is unsound.
        """
        header = read_header_lines(path)
        check_index_beside(path)
        check_declarations(header, path, whole=True)
        self._checker = LineChecker(path, header, {}, info=True)
        try:
            self._text = pysam.TabixFile(str(path), encoding="utf-8")
        except (OSError, ValueError) as error:
            raise DeepcohortError(
                f"the index of {path} cannot be used; run: bcftools index -f {path}"
            ) from error
        declared = listed_contigs(header)
        strange = next((name for name in self._text.contigs if name not in declared), None)
        if declared and strange is not None:
            self._text.close()
            raise DeepcohortError(
                f"{path} has records on {strange[:40]}, which its header does not declare; {make_again(path)}"
            )

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def check(self, region: Region) -> None:
        """See that the lines that overlap `region` are records.

        Raises:
            DeepcohortError: the first that is none. OSError, ValueError: they cannot be read.
        """
        if region.contig not in self._text.contigs:
            return
        lines = self._text.fetch(region.contig, region.start, region.end)
        text = "".join(f"{line}\n" for line in lines).encode()
        self._checker.restart()
        self._checker.check_text(np.frombuffer(text, np.uint8))


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
        check_index_beside(path, is_bcf=True)  # as htslib reads it when it opens the file, whichever that is
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
            self._lines = None if self._file.format == "BCF" else _CheckedLines(path)
        except DeepcohortError:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._lines is not None:
            self._lines.close()

    def _read(self, region: Region) -> Iterator[SiteRecord]:
        """Records that overlap `region`, as they stand."""
        for record in self._file.fetch(region.contig, region.start, region.end):
            yield SiteRecord(
                record.contig, record.start, record.ref or "", record.alts or (), record.id or ""
            )

    def _records(self, region: Region) -> Iterator[SiteRecord]:
        """Records that overlap `region`, by POS."""
        if region.contig not in self._contigs or not len(region):
            return
        last = -1
        try:
            if self._lines is not None:
                self._lines.check(region)
            for record in self._read(region):
                if record.pos < last:
                    raise DeepcohortError(
                        f"{self.path} is not sorted: {record.contig}:{record.pos} stands after {last}; "
                        f"run: bcftools sort {self.path}"
                    )
                last = record.pos
                yield record
        except (OSError, ValueError) as error:
            raise DeepcohortError(
                f"{self.path} cannot be read at {region}: {error}; "
                f"index it again: bcftools index -f {self.path}"
            ) from error

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
        for record in self._records(window):
            if not window.contains(record.start):
                continue
            name, at, ref = record.name, record.start - window.start, record.ref
            code = _CODES.get(ref)
            is_same = code is not None and codes[at] == code
            if not is_same:
                self._check_ref(record, codes, window)
            for k, alt in enumerate(record.alts):
                changes: Sequence[Change] | None
                if is_same and alt in _CODES:
                    changes = ((at, 1, _BYTES[alt]),)  # most are such
                elif not is_sequence(alt) or not is_sequence(ref):
                    changes = None
                elif max(len(ref), len(alt)) > self._config.max_allele_bp:
                    long.append(record.start)
                    continue
                else:
                    changes = changes_of(at, ref, alt, codes)
                if changes is None:
                    symbolic.append(record.start)
                    continue
                for change in changes:
                    if first <= change[0] < last:
                        ids = found.setdefault(change, [])
                        if record.frequencies is not None:
                            shares[change] = shares.get(change, 0.0) + record.frequencies[k]
                        if name:
                            ids += [x for x in name.split(";") if x and x != "." and x not in ids]
        self._check_number(found, window)
        alleles = to_alleles(found)
        text, offset = alleles.alt_seq.tobytes(), alleles.alt_offset.tolist()
        keys = zip(alleles.pos.tolist(), alleles.ref_len.tolist(), strict=True)
        rows = [(pos, n, text[offset[i] : offset[i + 1]]) for i, (pos, n) in enumerate(keys)]
        names = [";".join(found[row]) for row in rows]
        frequency = np.array([shares.get(row, np.nan) for row in rows], np.float64)
        return GivenAlleles(alleles, tuple(names), tuple(symbolic), tuple(long), np.minimum(frequency, 1.0))

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

    def _check_number(self, found: Mapping[Change, list[str]], window: Region) -> None:
        count: dict[int, int] = {}
        for pos, _, _ in found:
            count[pos] = count.get(pos, 0) + 1
        most = max(count, key=count.__getitem__, default=0)
        if count.get(most, 0) > self._config.max_alts:
            raise DeepcohortError(
                f"{self.path} gives {count[most]} alternates at {window.contig}:{window.start + most + 1}, "
                f"and {self._config.max_alts} are the most; leave the rarest out"
            )

    def check_first(self, regions: Sequence[Region], reference: ReferenceFasta) -> None:
        """Hold the first alleles of `regions` against `reference`.

        Raises:
            DeepcohortError: see `fetch`.
        """
        n = 0
        for region in regions:
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
            length = self._lengths[region.contig]
            around = region.padded(_REACH_BP, length)
            for record in self._records(around):
                snp = len(record.ref) == 1 and all(len(alt) == 1 for alt in record.alts)
                back = 0 if snp else _REACH_BP
                start = max(region.start, record.start - back)
                end = min(region.end, record.start + len(record.ref or "."))
                if start >= end:
                    continue
                if found and found[-1].contig == region.contig and start <= found[-1].end + join_bp:
                    joined = max(found[-1].end, end)
                    if found[-1].start >= region.start:
                        found[-1] = Region(region.contig, found[-1].start, joined)
                        continue
                found.append(Region(region.contig, start, end))
        return merge_regions(found)
