"""What the encoder and network that `call` uses say of another caller's records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.config import CandidatesConfig
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.config import FilterConfig
from deepcohort.filter.evidence import evidence_for, row_numbers
from deepcohort.known.spelling import Change, changes_of, is_sequence, to_alleles
from deepcohort.pileup.encode import encode_examples, encode_pixels, reach_bp
from deepcohort.pileup.features import FEATURE_NAMES
from deepcohort.pileup.types import LazyPredictor
from deepcohort.reads.load import ReadSource

_LEAST_P = 1e-6
RECORD_NAMES = (
    "ln_p0",  # of the most doubtful change of the record: no copy
    "ln_p1",
    "ln_p2",
    "ln_p_called",  # as many copies as the genotype has
    "copies",  # of its allele in the genotype; 0 unknown
    "called_alts",
    "changes",  # SNPs and indels that make up the record
    "length_change",  # bp, cut to +-50
)
NETWORK_NAMES = (*RECORD_NAMES, *FEATURE_NAMES)


@dataclass(frozen=True, slots=True)
class Judged:
    """n records as the network (and the caller) see them.

    Attributes:
        known: bool (n,), False where nothing can be said: symbolic alleles, no reads.
        log_odds: float64 (n,), log10 odds that the called ALTs are there; 0 where unknown.
        inputs: float64 (n, K), what a trained filter looks at: NETWORK_NAMES, then the caller's
            annotations; NaN where absent or unknown.
    """

    known: NDArray[np.bool_]
    log_odds: NDArray[np.float64]
    inputs: NDArray[np.float64]


class Scorer:
    """Judges the records of one contig stretch after the other."""

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

    def judge(
        self, contig: str, records: Sequence[RecordAlleles], annotations: NDArray[np.float64]
    ) -> Judged:
        """What is known of each record; `annotations` float64 (n, A) are put beside it.

        Several ALTs: the most doubtful of those that the genotypes hold. A replacement of several
        bases: the most doubtful of its SNPs.
        """
        known = np.zeros(len(records), dtype=bool)
        log_odds = np.zeros(len(records))
        network = np.full((len(records), len(NETWORK_NAMES)), np.nan)
        for first, last in self._stretches(records):
            for i, found in enumerate(self._judge_stretch(contig, records[first:last]), start=first):
                if found is not None:
                    known[i] = True
                    log_odds[i], network[i] = found
        return Judged(known, log_odds, np.concatenate([network, annotations], axis=1))

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

    def _judge_stretch(
        self, contig: str, records: Sequence[RecordAlleles]
    ) -> list[tuple[float, NDArray[np.float64]] | None]:
        length = self._reference.contig_lengths.get(contig)
        if length is None:
            raise DeepcohortError(
                f"reference {self._reference.path} has no contig {contig}; use the one the VCF was made on"
            )
        stop = min(length, max(r.pos + len(r.ref) for r in records))
        if records[0].pos >= stop:
            return [None] * len(records)
        beyond_bp = 2 * self._config.max_allele_bp + reach_bp(self._predictor.config)
        region = Region(contig, records[0].pos, stop).padded(beyond_bp, length)
        window = region.padded(self._candidates.pad_bp, length)
        codes = self._reference.fetch_codes(window)
        wanted = [self._changes(record, codes, window, region) for record in records]
        given = to_alleles(change for alleles in wanted for allele in alleles or () for change in allele)
        evidence = evidence_for(given, self._source.fetch(window), codes, window, region, self._candidates)
        row_of = row_numbers(evidence.table)
        rows = np.array(
            sorted({row_of[self._key(c, window)] for w in wanted for a in w or () for c in a}), dtype=np.int64
        )
        if not len(rows):
            return [None] * len(records)
        config = self._predictor.config
        features = encode_examples(
            evidence, codes, window, config, features_only=True, select=rows
        ).features.copy()

        def pixels_of(some: NDArray[np.int64]) -> NDArray[np.uint8]:
            return encode_pixels(evidence, codes, window, config, rows[some])

        p = np.maximum(self._predictor.predict_lazily(features, pixels_of).astype(np.float64), 0)
        at = {int(row): k for k, row in enumerate(rows)}
        depth = evidence.table.dp
        found: list[tuple[float, NDArray[np.float64]] | None] = []
        for record, alleles in zip(records, wanted, strict=True):
            changes = [[at[row_of[self._key(c, window)]] for c in allele] for allele in alleles or ()]
            if not changes or any(not a or any(depth[rows[k]] == 0 for k in a) for a in changes):
                found.append(None)
                continue
            # first of the most doubtful: (allele, its row)
            which, k = max(((i, k) for i, a in enumerate(changes) for k in a), key=lambda x: p[x[1], 0])
            n_changes = sum(map(len, changes))
            found.append(
                (self._log_odds(float(p[k, 0])), _inputs(record, which, n_changes, p[k], features[k]))
            )
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


def _inputs(
    record: RecordAlleles, which: int, n_changes: int, p: NDArray[np.float64], features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """NETWORK_NAMES of a record; `which`: of its called ALTs that are spelled out, the most doubtful."""
    spelled = [k for k, called in enumerate(record.called) if record.alts[called] != "*"]
    copies = record.copies[spelled[which]] if record.copies else -1
    ln_p = np.log(np.maximum(p, _LEAST_P))
    change = len(record.alts[record.called[spelled[which]]]) - len(record.ref)
    own = (
        *ln_p,
        ln_p[copies] if copies > 0 else np.log(max(1 - p[0], _LEAST_P)),
        max(copies, 0),
        len(record.called),
        n_changes,
        np.clip(change, -50, 50),
    )
    return np.concatenate([own, features])
