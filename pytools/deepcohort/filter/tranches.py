"""Tranches by sensitivity to known alleles: scores of a VCF turned into FILTER, named as VQSR does."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.filter.apply import with_filter
from deepcohort.filter.config import SCORE_KEY
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_check import checked_segments
from deepcohort.formats.vcf_declarations import check_declarations
from deepcohort.formats.vcf_header import region_lines
from deepcohort.formats.vcf_text import Segment, VcfHeader, VcfTextReader

TYPES = ("SNP", "INDEL")
_NAME = "VQSRTranche"
_SCORE = SCORE_KEY.encode() + b"="

Allele = tuple[int, bytes, bytes]  # 0-based position, REF, ALT, without bases that both end or begin with
Line = tuple[int, bytes, bytes]  # POS from 0, REF, ALTs with commas
Known = Callable[[str], Iterable[Line]]  # contig -> records of known alleles there


@dataclass(frozen=True, slots=True)
class Tranches:
    """Thresholds of one type, from the first tranche (its records pass) to the last.

    Attributes:
        levels: per cent of the known alleles to keep, rising, the last 100.
        thresholds: scores that keep them, falling; the lowest score of a known allele last.
        n_known: known alleles they are from.
    """

    kind: str
    levels: tuple[float, ...]
    thresholds: tuple[float, ...]
    n_known: int

    def name(self, score: float) -> str:
        """FILTER of a record; empty for the first tranche."""
        place = bisect_left([-threshold for threshold in self.thresholds], -score)
        return self.names()[place - 1] if place else ""

    def names(self) -> list[str]:
        """Of every tranche but the first, and of what lies below the last."""
        steps = [f"{_NAME}{self.kind}{low:.2f}to{high:.2f}" for low, high in pairwise(self.levels)]
        return [*steps, f"{steps[-1]}+"]

    def header_lines(self) -> list[str]:
        """##FILTER lines."""
        bounds = [*self.thresholds, -np.inf]
        return [
            f'##FILTER=<ID={name},Description="{SCORE_KEY} of {self.kind} records: {low:.3f} <= x < '
            f'{high:.3f}, by {self.n_known} known alleles">'
            for name, (high, low) in zip(self.names(), pairwise(bounds), strict=True)
        ]  # fmt: skip


def tranches_of(kind: str, levels: Sequence[float], known: Sequence[float]) -> Tranches:
    """Tranches by the scores of known alleles (one at least)."""
    best_first = sorted(known, reverse=True)
    steps = (*sorted({level for level in levels if level < 100}), 100.0)
    places = [max(1, ceil(len(best_first) * step / 100 - 1e-9)) for step in steps]
    return Tranches(kind, steps, tuple(best_first[place - 1] for place in places), len(best_first))


def trimmed(pos: int, ref: bytes, alt: bytes) -> Allele:
    """The allele without bases that REF and ALT both end with, then begin with; one of each is left."""
    ref, alt = ref.upper(), alt.upper()
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


@dataclass(slots=True)
class _Contig:
    """Alleles of a VCF's contig and the scores of their records."""

    rows: dict[Allele, list[int]] = field(default_factory=dict)
    score: list[float] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)


def _alleles(pos: int, ref: bytes, alts: bytes) -> Iterator[Allele]:
    for alt in alts.split(b","):
        if alt[:1].isalpha():  # neither *, <DEL> nor a breakend
            yield trimmed(pos, ref, alt)


def _kind(ref: bytes, alts: bytes) -> int:
    return int(any(len(alt) != len(ref) for alt in alts.split(b",") if alt != b"*"))


def _score(info: bytes) -> float:
    for part in info.split(b";"):
        if part.startswith(_SCORE) and part != _SCORE + b".":
            return float(part[len(_SCORE) :])
    return np.nan


def _fields(segment: Segment) -> Iterator[list[bytes]]:
    return (line.rstrip(b"\r").split(b"\t") for line in segment.text.split(b"\n")[:-1])


def known_scores(segments: Iterable[Segment], known: Known) -> tuple[list[float], list[float]]:
    """Scores (SNP, INDEL) of the records that hold a known allele, whatever it is spelled with beside it."""
    found: tuple[list[float], list[float]] = ([], [])
    contig, name = _Contig(), ""
    for segment in segments:
        if segment.contig != name:
            _match(name, contig, known, found)
            contig, name = _Contig(), segment.contig
        for fields in _fields(segment):
            score = _score(fields[7])
            if np.isnan(score):
                continue
            for allele in _alleles(int(fields[1]) - 1, fields[3], fields[4]):
                contig.rows.setdefault(allele, []).append(len(contig.score))
            contig.score.append(score)
            contig.kind.append(_kind(fields[3], fields[4]))
    _match(name, contig, known, found)
    return found


def _match(name: str, contig: _Contig, known: Known, found: tuple[list[float], list[float]]) -> None:
    rows: set[int] = set()
    if contig.rows:
        for pos, ref, alts in known(name):
            for allele in _alleles(pos, ref, alts):
                rows.update(contig.rows.get(allele, ()))
    for row in sorted(rows):
        found[contig.kind[row]].append(contig.score[row])


def write_tranches(vcf: Path, output: Path, levels: Sequence[float], known: Known) -> list[Tranches]:
    """Write the VCF with FILTER by tranches of its INFO/DC_SCORE, indexed; all other bytes are kept.

    Records without a score, and those of a type of which no known allele has one, stay as they are.

    Args:
        known: records of known alleles of a contig.

    Returns:
        Tranches of each type that has known alleles.

    Raises:
        DeepcohortError: unreadable inputs, levels out of range, no known allele; nothing is written then.
    """
    wrong = [level for level in levels if not 0 < level <= 100]
    if wrong or not levels or set(levels) == {100}:
        raise DeepcohortError("tranches are per cent of the known alleles, above 0 and one of them below 100")
    scores = known_scores(_checked(vcf), known)
    tranches = [tranches_of(k, levels, s) if s else None for k, s in zip(TYPES, scores, strict=True)]
    told = [t for t in tranches if t is not None]
    if not told:
        raise DeepcohortError(
            f"no record of {vcf} has both INFO/{SCORE_KEY} and an allele of the resource; score it first "
            "(deepcohort filter --reads), and see that both name their contigs alike"
        )
    reader = VcfTextReader(vcf)
    with (
        atomic_outputs(output, partners=(".tbi", ".csi")) as (temporary,),
        IndexedVcfWriter(temporary, _lengths(reader.header, vcf)) as writer,
    ):
        writer.write_header(_header(reader.header, told))
        for segment in reader.segments():
            _write(segment, tranches, writer)
    reader.close()
    return told


def _checked(vcf: Path) -> Iterator[Segment]:
    reader = VcfTextReader(vcf)
    check_declarations(reader.header.lines, vcf, whole=True)
    yield from checked_segments(reader)
    reader.close()


def _lengths(header: VcfHeader, vcf: Path) -> dict[str, int]:
    if not header.contig_lengths:
        raise DeepcohortError(f"the header of {vcf} has no ##contig lines; run: bcftools reheader --fai")
    return dict(header.contig_lengths)


def _header(header: VcfHeader, tranches: Sequence[Tranches]) -> str:
    old = f"##FILTER=<ID={_NAME}"
    lines = [line for line in dict.fromkeys(header.lines) if not line.startswith(old)]
    new = [line for one in tranches for line in one.header_lines()]
    return "\n".join([*lines[:-1], *new, *region_lines(header.regions), lines[-1]]) + "\n"


def _write(segment: Segment, tranches: Sequence[Tranches | None], writer: IndexedVcfWriter) -> None:
    out = []
    for line in segment.text.split(b"\n")[:-1]:
        fields = line.split(b"\t")
        score, own = _score(fields[7].rstrip(b"\r")), tranches[_kind(fields[3], fields[4])]
        if not np.isnan(score) and own is not None:
            line = b"\t".join(_with_tranche(fields, own.name(score)))
        out.append(line + b"\n")
    writer.write_changed(segment.contig, out, segment.lines)


def _with_tranche(fields: Sequence[bytes], name: str) -> list[bytes]:
    kept = [part for part in fields[6].split(b";") if not part.startswith(_NAME.encode())]
    plain = with_filter([*fields[:6], b";".join(kept) or b".", *fields[7:]], is_low=False)
    if name:
        filters = [] if plain[6] == b"PASS" else [plain[6]]
        plain[6] = b";".join([*filters, name.encode()])
    return plain
