"""Scores of another caller's records by the same encoder and network that `call` uses."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.tabix import IndexedVcfWriter
from deepcohort.calls.vcf_text import Segment, VcfHeader, VcfTextReader
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region
from deepcohort.filter.alleles import Change, RecordAlleles, changes_of, is_sequence, to_alleles
from deepcohort.filter.config import LOW_SCORE, SCORE_KEY, FilterConfig
from deepcohort.filter.evidence import evidence_for, row_numbers
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.encode import encode_examples, encode_pixels
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import ReadSource, open_reads


class LazyPredictor(Protocol):
    """See `model.load`."""

    name: str
    version: str
    config: PileupConfig

    def predict_lazily(
        self, features: NDArray[np.float32], pixels_of: Callable[[NDArray[np.int64]], NDArray[np.uint8]]
    ) -> NDArray[np.float32]:
        """P(0, 1, 2 copies), float32 (B, 3)."""
        ...


@dataclass(frozen=True, slots=True)
class FilterSummary:
    """Records read, scored, and scored below the threshold."""

    n_records: int
    n_scored: int
    n_low: int


def parse_record(fields: Sequence[bytes]) -> RecordAlleles:
    """Alleles of a record's fields, and those that its genotypes (if any) hold."""
    alts = tuple(fields[4].decode().split(","))
    called: set[int] = set()
    if len(fields) > 9 and fields[8].startswith(b"GT"):
        for sample in fields[9:]:
            genotype = sample.split(b":", 1)[0].replace(b"|", b"/")
            called |= {int(x) - 1 for x in genotype.split(b"/") if x.isdigit() and x != b"0"}
    inside = sorted(k for k in called if 0 <= k < len(alts))
    return RecordAlleles(
        int(fields[1]) - 1, fields[3].decode(), alts, tuple(inside) or tuple(range(len(alts)))
    )


class Scorer:
    """Scores the records of one contig stretch after the other."""

    def __init__(
        self,
        source: ReadSource,
        reference: ReferenceFasta,
        predictor: LazyPredictor,
        config: FilterConfig,
        candidates: CandidatesConfig,
    ) -> None:
        self._source, self._reference, self._predictor = source, reference, predictor
        self._config, self._candidates = config, candidates

    def score(self, contig: str, records: Sequence[RecordAlleles]) -> list[float | None]:
        """log10 odds that a called ALT of each record is there; None where it cannot be judged.

        Several ALTs: the most doubtful of those that the genotypes hold. A replacement of several
        bases: the most doubtful of its SNPs.
        """
        scores: list[float | None] = []
        for first, last in self._stretches(records):
            scores += self._score_stretch(contig, records[first:last])
        return scores

    def _stretches(self, records: Sequence[RecordAlleles]) -> Iterator[tuple[int, int]]:
        first = 0
        for i in range(1, len(records) + 1):
            if i == len(records):
                yield first, i
            elif (
                records[i].pos - records[i - 1].pos > self._config.max_gap_bp
                or records[i].pos - records[first].pos > self._config.chunk_bp
            ):
                yield first, i
                first = i

    def _score_stretch(self, contig: str, records: Sequence[RecordAlleles]) -> list[float | None]:
        length = self._reference.contig_lengths.get(contig)
        if length is None:
            raise DeepcohortError(
                f"reference {self._reference.path} has no contig {contig}; use the one the VCF was made on"
            )
        stop = min(length, max(r.pos + len(r.ref) for r in records))
        if records[0].pos >= stop:
            return [None] * len(records)
        region = Region(contig, records[0].pos, stop).padded(2 * self._config.max_allele_bp, length)
        window = region.padded(self._candidates.pad_bp, length)
        codes = self._reference.fetch_codes(window)
        wanted = [self._changes(record, codes, window, region) for record in records]
        given = to_alleles(change for alleles in wanted for allele in alleles or () for change in allele)
        evidence = evidence_for(given, self._source.fetch(window), codes, window, region, self._candidates)
        row_of = row_numbers(evidence.table)
        rows = np.array(
            sorted({row_of[self._key(c, window)] for w in wanted for a in w or () for c in a}), dtype=np.int64
        )
        absent = np.ones(len(evidence.table))
        if len(rows):
            config = self._predictor.config
            features = encode_examples(
                evidence, codes, window, config, features_only=True, select=rows
            ).features

            def pixels_of(some: NDArray[np.int64]) -> NDArray[np.uint8]:
                return encode_pixels(evidence, codes, window, config, rows[some])

            absent[rows] = self._predictor.predict_lazily(features, pixels_of)[:, 0]
        depth = evidence.table.dp

        def of_allele(allele: list[Change]) -> float | None:
            numbers = [row_of[self._key(change, window)] for change in allele]
            if not numbers or any(depth[row] == 0 for row in numbers):
                return None
            return min(self._log_odds(float(absent[row])) for row in numbers)

        found: list[float | None] = []
        for alleles in wanted:
            each = [of_allele(allele) for allele in alleles or ()]
            known = [value for value in each if value is not None]
            found.append(min(known) if known and len(known) == len(each) else None)
        return found

    @staticmethod
    def _key(change: Change, window: Region) -> tuple[int, int, bytes]:
        return change[0] + window.start, change[1], change[2]

    def _log_odds(self, absent: float) -> float:
        limit = 10.0**-self._config.max_score
        absent = min(max(absent, limit), 1 - limit)
        return float(
            np.clip(np.log10((1 - absent) / absent), -self._config.max_score, self._config.max_score)
        )

    def _changes(
        self, record: RecordAlleles, codes: NDArray[np.uint8], window: Region, region: Region
    ) -> list[list[Change]] | None:
        """Changes of each called ALT, or None where one cannot be judged."""
        found = []
        for k in record.called:
            alt = record.alts[k]
            if alt == "*":
                continue
            if not is_sequence(alt) or not is_sequence(record.ref):
                return None
            if max(len(alt), len(record.ref)) > self._config.max_allele_bp:
                return None
            changes = changes_of(record.pos - window.start, record.ref, alt, codes)
            if not changes or not all(region.contains(c[0] + window.start) for c in changes):
                return None
            found.append(changes)
        return found or None


def _header_text(header: VcfHeader, predictor: LazyPredictor, config: FilterConfig) -> str:
    """The header with what is new in it; the rest as it was."""
    lines = [
        line for line in header.lines if f"ID={SCORE_KEY}," not in line and f"ID={LOW_SCORE}," not in line
    ]
    new = [
        f'##INFO=<ID={SCORE_KEY},Number=1,Type=Float,Description="log10 odds that the called alternate is '
        f'there, by deepcohort {predictor.name} {predictor.version}">',
        f'##FILTER=<ID={LOW_SCORE},Description="{SCORE_KEY} below {config.snp_threshold:g} (SNP) or '
        f'{config.indel_threshold:g} (INDEL)">',
    ]
    return "\n".join([*lines[:-1], *new, lines[-1]]) + "\n"


def rewrite(line: bytes, score: float | None, is_low: bool) -> bytes:
    """The record with its score and FILTER; every other byte as it was. An old score is replaced."""
    fields = line.split(b"\t")
    key = SCORE_KEY.encode() + b"="
    low = LOW_SCORE.encode()
    info = [part for part in fields[7].split(b";") if not part.startswith(key) and part != b"."]
    if score is not None:
        info.append(key + f"{score:.3f}".encode())
        filters = [part for part in fields[6].split(b";") if part not in (low, b"PASS", b".")]
        filters += [low] if is_low else []
        fields[6] = b";".join(filters) or b"PASS"
        fields[7] = b";".join(info)
    return b"\t".join(fields)


def _rewritten(
    segment: Segment, scorer: Scorer, config: FilterConfig, counts: list[int]
) -> tuple[bytes, NDArray[np.int64]]:
    lines = segment.text.split(b"\n")[:-1]
    records = [parse_record(line.rstrip(b"\r").split(b"\t")) for line in lines]
    out = []
    for line, record, score in zip(lines, records, scorer.score(segment.contig, records), strict=True):
        is_snp = all(len(record.alts[k]) == len(record.ref) for k in record.called)
        threshold = config.snp_threshold if is_snp else config.indel_threshold
        is_low = score is not None and score < threshold
        out.append(rewrite(line, score, is_low) + b"\n")
        counts[0] += 1
        counts[1] += score is not None
        counts[2] += is_low
    spans = segment.lines.copy()
    spans[:, 2] = np.cumsum([0] + [len(line) for line in out[:-1]])
    return b"".join(out), spans


def filter_vcf(
    vcf: Path,
    reads: Sequence[Path],
    reference: Path,
    output: Path,
    predictor: LazyPredictor,
    config: FilterConfig | None = None,
) -> FilterSummary:
    """Write `vcf` with INFO/DC_SCORE and FILTER by threshold, indexed; all other bytes are kept.

    Records that cannot be judged (symbolic alleles, no reads, REF that is not the reference's) pass
    through unchanged.

    Raises:
        DeepcohortError: unreadable inputs; nothing is written then.
    """
    config = config or FilterConfig()
    counts = [0, 0, 0]
    with ExitStack() as stack:
        reader = VcfTextReader(vcf)
        stack.callback(reader.close)
        fasta = stack.enter_context(ReferenceFasta(reference))
        source = stack.enter_context(open_reads(reads, reference, ReadsConfig()))
        scorer = Scorer(source, fasta, predictor, config, CandidatesConfig())
        with atomic_outputs(output, partners=(".tbi", ".csi")) as (temporary,):
            lengths = {**fasta.contig_lengths, **reader.header.contig_lengths}
            with IndexedVcfWriter(temporary, lengths) as writer:
                writer.write_header(_header_text(reader.header, predictor, config))
                for segment in reader.segments():
                    text, spans = _rewritten(segment, scorer, config, counts)
                    writer.write_lines(segment.contig, text, spans)
    return FilterSummary(*counts)
