"""VCF in: BGZF blocks of one contig, decompressed in slices and parsed by a kernel."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.evaluate import parse_kernels as pk
from deepcohort.evaluate.types import RecordTable
from deepcohort.formats.bgzf import check_bgzf_vcf, inflate_blocks
from deepcohort.formats.hts_index import HtsIndex
from deepcohort.formats.vcf_check import LineChecker, malformed_line, unlisted_contig
from deepcohort.formats.vcf_declarations import listed_contigs
from deepcohort.formats.vcf_index import open_vcf_index
from deepcohort.formats.vcf_text import read_header_lines

_OPTION = {"calls": "vcf"}  # role -> option of `evaluate` that names it
_SLICE_BYTES = 16 << 20  # text parsed at once


class VcfFile:
    """One sample of an indexed VCF (bgzip with .tbi or .csi) or BCF, contig by contig."""

    def __init__(self, path: str | Path, sample: str | None, role: str, choose: bool = True) -> None:
        """Open `path`; `role` ("calls", "truth") is used in messages. `sample` None takes the only one,
        unless `choose` is False: then no sample is looked for.

        Raises:
            DeepcohortError: missing, not BGZF, unindexed, or without the sample.
        """
        self.path = Path(path)
        self.role = role
        if not self.path.exists():
            raise DeepcohortError(f"{role} {self.path} does not exist; check --{_OPTION.get(role, role)}")
        self._is_bcf = self.path.suffix == ".bcf"
        self._open = threading.local()
        self.header = self._read_header()
        self.samples = self._samples()
        self.sample = self._pick_sample(sample) if choose else -1
        self.contig_lengths = self._header_contigs()
        self._index = self._read_index()
        self.contigs = list(self._index)
        # alleles that cannot be compared are counted as left out
        self._checker = LineChecker(
            self.path, self.header, self.contig_lengths, sample=self.sample, odd_alts=True, repeats=True,
            info=True,
        )  # fmt: skip

    def _fail(self, problem: str, remedy: str) -> DeepcohortError:
        return DeepcohortError(f"{self.role} {self.path} {problem}; {remedy}")

    def _read_header(self) -> list[str]:
        if self._is_bcf:
            try:
                with pysam.VariantFile(str(self.path)) as vcf:
                    return [line for line in str(vcf.header).splitlines() if line]
            except (OSError, ValueError) as error:
                raise self._fail(f"cannot be read as BCF ({error})", "copy or make it again") from error
        check_bgzf_vcf(self.path, self.role)
        return read_header_lines(self.path)

    def _samples(self) -> list[str]:
        return self.header[-1].split("\t")[9:]

    def _pick_sample(self, sample: str | None) -> int:
        if sample is None:
            if not self.samples:
                raise self._fail("has no sample column", "evaluation needs genotypes")
            if len(self.samples) > 1:
                names = ", ".join(self.samples[:5])
                raise self._fail(f"has {len(self.samples)} samples ({names}, ...)", "choose with --sample")
            return 0
        if sample not in self.samples:
            names = ", ".join(self.samples[:5]) or "none"
            raise self._fail(f"has no sample '{sample}' (it has: {names})", "check --sample")
        return self.samples.index(sample)

    def _header_contigs(self) -> dict[str, int]:
        """Lengths of the ##contig lines that state one."""
        lengths = {}
        for line in self.header:
            if line.startswith("##contig=<"):
                fields = dict(part.split("=", 1) for part in line[10:-1].split(",") if "=" in part)
                if "ID" in fields and fields.get("length", "").isdecimal():
                    lengths[fields["ID"]] = int(fields["length"])
        return lengths

    def _read_index(self) -> dict[str, tuple[int, int]]:
        """Virtual file offsets (first, last) of each contig that has records."""
        if self._is_bcf:
            if not Path(f"{self.path}.csi").exists():
                raise self._fail("is not indexed", f"run: bcftools index {self.path}")
            index = HtsIndex(Path(f"{self.path}.csi"), f"run: bcftools index -f {self.path}")
            with pysam.VariantFile(str(self.path)) as vcf:
                names = list(map(str, vcf.header.contigs))
            return {names[i]: (0, 0) for i in index.occupied.tolist() if i < len(names)}
        index = open_vcf_index(self.path, self.role)
        spans = {name: index.span(number) for number, name in enumerate(index.names)}
        found = {name: span for name, span in spans.items() if span is not None}
        listed = listed_contigs(self.header)
        for name in found:
            if listed and name not in listed:
                raise unlisted_contig(self.path, name.encode())
        return found

    def _slices(self, contig: str) -> Iterator[NDArray[np.uint8]]:
        """Text of whole lines that together hold every record of `contig`."""
        if self._is_bcf:
            yield from self._bcf_slices(contig)
            return
        first, last = self._index[contig]
        end_block, skip = last >> 16, first & 0xFFFF
        parts: list[bytes] = []
        held = 0
        offset = first >> 16
        for text, following in inflate_blocks(self.path, offset):
            parts.append(text[skip : last & 0xFFFF] if offset == end_block else text[skip:])
            held += len(parts[-1])
            skip = 0
            if offset >= end_block:
                break
            offset = following
            if held >= _SLICE_BYTES:
                whole = b"".join(parts)
                cut = whole.rfind(b"\n") + 1
                parts, held = [whole[cut:]], len(whole) - cut
                if cut:
                    yield np.frombuffer(whole[:cut], dtype=np.uint8)
        whole = b"".join(parts)
        if whole:
            if not whole.endswith(b"\n"):
                raise self._fail("ends within a line", "copy or make it again")
            yield np.frombuffer(whole, dtype=np.uint8)

    def _bcf_slices(self, contig: str) -> Iterator[NDArray[np.uint8]]:
        lines: list[str] = []
        for record in self._bcf().fetch(contig):
            lines.append(str(record))
            if len(lines) == 20_000:
                yield np.frombuffer("".join(lines).encode(), dtype=np.uint8)
                lines = []
        if lines:
            yield np.frombuffer("".join(lines).encode(), dtype=np.uint8)

    def _bcf(self) -> pysam.VariantFile:
        """The open file, one for each thread: its header is read once, however many contigs there are."""
        if not hasattr(self._open, "bcf"):
            self._open.bcf = pysam.VariantFile(str(self.path))
        file: pysam.VariantFile = self._open.bcf
        return file

    def read(self, contig: str) -> RecordTable:
        """All records of `contig` (none if the file has none there).

        Raises:
            DeepcohortError: malformed lines, or records out of order.
        """
        parts: list[tuple[NDArray, ...]] = []
        previous, line, used_before = -1, 0, 0
        name = np.frombuffer(contig.encode(), dtype=np.uint8)
        for text in self._slices(contig) if contig in self._index else ():
            if not self._is_bcf:
                self._checker.check_text(text)
            n_lines = int(np.count_nonzero(text == pk.NEWLINE)) + 1
            ints = np.empty((n_lines, pk.N_INTS), dtype=np.int64)
            floats = np.empty((n_lines, pk.N_FLOATS), dtype=np.float64)
            gts = np.empty((n_lines, pk.MAX_PLOIDY), dtype=np.int16)
            pool = np.empty(len(text), dtype=np.uint8)
            columns = pk.Columns(ints, floats, gts, pool)
            n, used, previous, result, where = pk.parse_lines(
                text, name, self.sample, previous, line, columns
            )
            if result != pk.PARSE_OK:
                self._raise(result, text, where)
            self._check_ends(contig, ints[:n])
            ints[:n, pk.POOL_OFFSET] += used_before
            line += n
            used_before += used
            parts.append((ints[:n].copy(), floats[:n].copy(), gts[:n].copy(), pool[:used].copy()))
        table = _join(parts)
        self._check_repeats(contig, table)
        return table

    def _check_repeats(self, contig: str, table: RecordTable) -> None:
        """See that no two records that pass FILTER have the same POS, REF and ALT."""
        rows = np.flatnonzero(table.passed)
        pos = table.pos[rows]
        again = np.flatnonzero(pos[1:] == pos[:-1]) + 1
        seen: set[bytes] = set()
        last = -1
        for at in again.tolist():
            if pos[at] != last:
                last, seen = int(pos[at]), {_alleles(table, int(rows[at - 1]))}
            alleles = _alleles(table, int(rows[at]))
            if alleles in seen and not alleles.count(b"<"):
                raise self._fail(
                    f"has a second record of the same POS, REF and ALT at {contig}:{last + 1}",
                    "leave one: bcftools norm -d exact",
                )
            seen.add(alleles)

    def _check_ends(self, contig: str, ints: NDArray[np.int64]) -> None:
        """See that records lie within their contig, as long as the header says it is."""
        length = self.contig_lengths.get(contig)
        if length is None:
            return
        beyond = np.flatnonzero(ints[:, pk.POS] + ints[:, pk.REF_LEN] > length)
        if len(beyond):
            place = f"{contig}:{ints[beyond[0], pk.POS] + 1}"
            raise self._fail(
                f"has a record at {place}, beyond the end of {contig} ({length} bp)", "make it again"
            )

    def _raise(self, result: int, text: NDArray[np.uint8], where: int) -> None:
        line = text[where : where + 60].tobytes().split(b"\n")[0].decode("utf-8", "replace")
        place = ":".join(line.split("\t")[:2])
        if result == pk.PARSE_OTHER_CONTIG:
            raise malformed_line(
                self.path, text[where : where + 400].tobytes(), "a record among those of another contig"
            )
        if result == pk.PARSE_UNSORTED:
            raise self._fail(f"is not sorted at {place}", f"run: bcftools sort -Oz {self.path}, and index it")
        raise self._fail(f"has a malformed record at {place}", "check it with: bcftools view")


def _alleles(table: RecordTable, row: int) -> bytes:
    """REF, a tab, and ALT of a record."""
    start = int(table.pool_offset[row])
    return table.pool[start : start + int(table.ref_len[row]) + 1 + int(table.alt_len[row])].tobytes()


def _join(parts: list[tuple[NDArray, ...]]) -> RecordTable:
    if not parts:
        parts = [
            (
                np.empty((0, pk.N_INTS), np.int64),
                np.empty((0, pk.N_FLOATS)),
                np.empty((0, pk.MAX_PLOIDY), np.int16),
                np.empty(0, np.uint8),
            )
        ]
    ints, floats, gts, pool = (np.concatenate(column) for column in zip(*parts, strict=True))
    int32 = {
        name: ints[:, column].astype(np.int32)
        for name, column in (
            ("pos", pk.POS),
            ("ref_len", pk.REF_LEN),
            ("alt_len", pk.ALT_LEN),
            ("gt_len", pk.GT_LEN),
            ("dp", pk.DP),
        )
    }
    return RecordTable(
        **int32,
        pool=pool,
        pool_offset=ints[:, pk.POOL_OFFSET].copy(),
        gt=gts,
        ploidy=ints[:, pk.PLOIDY].astype(np.int8),
        phased=ints[:, pk.PHASED].astype(bool),
        phase_set=ints[:, pk.PHASE_SET].copy(),
        passed=ints[:, pk.PASSED].astype(bool),
        line=ints[:, pk.LINE].copy(),
        qual=floats[:, pk.QUAL].copy(),
        gq=floats[:, pk.GQ].copy(),
        mapq=floats[:, pk.MAPQ].copy(),
    )
