"""VCF in: BGZF blocks of one contig, decompressed in slices and parsed by a kernel."""

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
from isal import isal_zlib
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.evaluate import parse_kernels as pk
from deepcohort.evaluate.types import RecordTable

_SLICE_BYTES = 4 << 20  # compressed bytes read at once


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
            raise DeepcohortError(f"{role} {self.path} does not exist; check --{role}")
        self._is_bcf = self.path.suffix == ".bcf"
        self.header = self._read_header()
        self.samples = self._samples()
        self.sample = self._pick_sample(sample) if choose else -1
        self.contig_lengths = self._header_contigs()
        self._index = self._read_index()
        self.contigs = list(self._index)

    def _fail(self, problem: str, remedy: str) -> DeepcohortError:
        return DeepcohortError(f"{self.role} {self.path} {problem}; {remedy}")

    def _read_header(self) -> list[str]:
        with open(self.path, "rb") as file:
            start = file.read(18)
        if start[:2] != b"\x1f\x8b":
            raise self._fail(
                "is not compressed with bgzip",
                f"run: bgzip {self.path} && tabix -p vcf {self.path}.gz, and give the .gz",
            )
        if len(start) < 18 or start[12:14] != b"BC":
            raise self._fail("is plain gzip, not BGZF", "unpack it, then compress it with bgzip and index it")
        if self._is_bcf:
            with pysam.VariantFile(str(self.path)) as vcf:
                return [line for line in str(vcf.header).splitlines() if line]
        lines = []
        try:
            with gzip.open(self.path, "rt", encoding="utf-8", errors="replace") as text:
                for line in text:
                    if not line.startswith("#"):
                        break
                    lines.append(line.rstrip("\r\n"))
                    if line.startswith("#CHROM"):
                        break
        except (EOFError, OSError, zlib.error) as error:
            raise self._fail(f"cannot be decompressed ({error})", "copy or make it again") from error
        if not lines or not lines[-1].startswith("#CHROM"):
            raise self._fail("has no #CHROM header line", "is it a VCF?")
        return lines

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
        for suffix in (".tbi", ".csi"):
            index = Path(f"{self.path}{suffix}")
            if index.exists():
                break
        else:
            command = "bcftools index" if self._is_bcf else "tabix -p vcf"
            raise self._fail("is not indexed", f"run: {command} {self.path}")
        if self._is_bcf:
            with pysam.VariantFile(str(self.path)) as vcf:
                return {str(name): (0, 0) for name in vcf.header.contigs}
        try:
            raw = gzip.decompress(index.read_bytes())
            return _tabix_spans(raw) if raw[:4] == b"TBI\x01" else _csi_spans(raw)
        except (OSError, EOFError, struct.error, ValueError, zlib.error) as error:
            raise self._fail(
                f"has an unreadable index ({error})", f"run: tabix -f -p vcf {self.path}"
            ) from error

    def _slices(self, contig: str) -> Iterator[NDArray[np.uint8]]:
        """Text of whole lines that together hold every record of `contig`."""
        if self._is_bcf:
            yield from self._bcf_slices(contig)
            return
        first, last = self._index[contig]
        rest = b""
        skip = first & 0xFFFF
        end_block = last >> 16
        with open(self.path, "rb") as file:
            file.seek(first >> 16)
            at = first >> 16
            pending = b""
            done = False
            while not done:
                data = pending + file.read(_SLICE_BYTES)
                parts = [rest]
                offset = 0
                while len(data) - offset >= 18:
                    if data[offset : offset + 2] != b"\x1f\x8b":
                        raise self._fail("is damaged between blocks", "copy or make it again")
                    size = struct.unpack_from("<H", data, offset + 16)[0] + 1
                    if offset + size > len(data):
                        break
                    try:
                        body = isal_zlib.decompress(data[offset + 18 : offset + size - 8], -15, 65536)
                    except isal_zlib.error as error:  # type: ignore[misc]
                        raise self._fail(f"is damaged ({error})", "copy or make it again") from error
                    if isal_zlib.crc32(body) != struct.unpack_from("<I", data, offset + size - 8)[0]:
                        raise self._fail("is damaged (checksum)", "copy or make it again")
                    end = last & 0xFFFF if at + offset == end_block else len(body)
                    parts.append(body[skip:end])
                    skip = 0
                    offset += size
                    done = at + offset > end_block
                    if done:
                        break
                if offset == 0 and not done:  # the file ends before its index says so
                    if data or at < end_block or last & 0xFFFF:
                        raise self._fail("is truncated", "copy or make it again")
                    done = True
                at += offset
                pending = data[offset:]
                text = b"".join(parts)
                cut = len(text) if done else text.rfind(b"\n") + 1
                rest = text[cut:]
                if cut:
                    yield np.frombuffer(text[:cut], dtype=np.uint8)

    def _bcf_slices(self, contig: str) -> Iterator[NDArray[np.uint8]]:
        with pysam.VariantFile(str(self.path)) as vcf:
            lines: list[str] = []
            for record in vcf.fetch(contig):
                lines.append(str(record))
                if len(lines) == 20_000:
                    yield np.frombuffer("".join(lines).encode(), dtype=np.uint8)
                    lines = []
            if lines:
                yield np.frombuffer("".join(lines).encode(), dtype=np.uint8)

    def read(self, contig: str) -> RecordTable:
        """All records of `contig` (none if the file has none there).

        Raises:
            DeepcohortError: malformed lines, or records out of order.
        """
        parts: list[tuple[NDArray, ...]] = []
        previous, line, used_before = -1, 0, 0
        name = np.frombuffer(contig.encode(), dtype=np.uint8)
        for text in self._slices(contig) if contig in self._index else ():
            n_lines = int(np.count_nonzero(text == pk.NEWLINE)) + 1
            ints = np.empty((n_lines, pk.N_INTS), dtype=np.int64)
            floats = np.empty((n_lines, pk.N_FLOATS), dtype=np.float64)
            gts = np.empty((n_lines, pk.MAX_PLOIDY), dtype=np.int16)
            pool = np.empty(len(text), dtype=np.uint8)
            n, used, previous, result, where = pk.parse_lines(
                text, name, self.sample, previous, line, ints, floats, gts, pool
            )
            if result != pk.PARSE_OK:
                self._raise(result, text, where)
            ints[:n, pk.POOL_OFFSET] += used_before
            line += n
            used_before += used
            parts.append((ints[:n].copy(), floats[:n].copy(), gts[:n].copy(), pool[:used].copy()))
        return _join(parts)

    def _raise(self, result: int, text: NDArray[np.uint8], where: int) -> None:
        line = text[where : where + 60].tobytes().split(b"\n")[0].decode("utf-8", "replace")
        place = ":".join(line.split("\t")[:2])
        if result == pk.PARSE_UNSORTED:
            raise self._fail(f"is not sorted at {place}", f"run: bcftools sort -Oz {self.path}, and index it")
        raise self._fail(f"has a malformed record at {place}", "check it with: bcftools view")


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
        passed=ints[:, pk.PASSED].astype(bool),
        line=ints[:, pk.LINE].copy(),
        qual=floats[:, pk.QUAL].copy(),
        gq=floats[:, pk.GQ].copy(),
        mapq=floats[:, pk.MAPQ].copy(),
    )


def _tabix_spans(raw: bytes) -> dict[str, tuple[int, int]]:
    """First and last virtual offset per contig of a .tbi (tabix specification)."""
    n_refs, _, _, _, _, _, _, names_len = struct.unpack_from("<8i", raw, 4)
    names = raw[36 : 36 + names_len].split(b"\0")[:n_refs]
    return _spans(raw, 36 + names_len, [n.decode() for n in names], bin_extra=0, linear=True, depth=5)


def _csi_spans(raw: bytes) -> dict[str, tuple[int, int]]:
    """The same of a .csi (CSIv1 specification, with tabix auxiliary data)."""
    if raw[:4] != b"CSI\x01":
        raise ValueError("neither TBI nor CSI")
    _, depth, aux_len = struct.unpack_from("<3i", raw, 4)
    names_len = struct.unpack_from("<i", raw, 16 + 24)[0]
    n_refs = struct.unpack_from("<i", raw, 16 + aux_len)[0]
    names = raw[16 + 28 : 16 + 28 + names_len].split(b"\0")[:n_refs]
    return _spans(raw, 20 + aux_len, [n.decode() for n in names], bin_extra=8, linear=False, depth=depth)


def _spans(
    raw: bytes, at: int, names: list[str], bin_extra: int, linear: bool, depth: int
) -> dict[str, tuple[int, int]]:
    pseudo_bin = ((1 << (3 * (depth + 1))) - 1) // 7 + 1
    spans = {}
    for name in names:
        n_bins = struct.unpack_from("<i", raw, at)[0]
        at += 4
        first, last = None, 0
        for _ in range(n_bins):
            number = struct.unpack_from("<I", raw, at)[0]
            n_chunks = struct.unpack_from("<i", raw, at + 4 + bin_extra)[0]
            at += 8 + bin_extra
            for _ in range(n_chunks):
                begin, end = struct.unpack_from("<2Q", raw, at)
                at += 16
                if number != pseudo_bin:
                    first = begin if first is None else min(first, begin)
                    last = max(last, end)
        if linear:
            at += 4 + 8 * struct.unpack_from("<i", raw, at)[0]
        if first is not None:
            spans[name] = (first, last)
    return spans
