"""What the encoder and network that `call` uses say of another caller's records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.filter.allele_haplotypes import Spelling, changes_by_place, spellings_of
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.config import FilterConfig
from deepcohort.filter.evidence import evidence_for, shown_alleles
from deepcohort.known.spelling import Change, is_sequence
from deepcohort.pileup.encode import encode_examples, encode_pixels, feature_context_bp
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
        log_odds: float64 (n,), log10 odds that the genotype is right (or that the called ALTs are there,
            where it says no more, or FilterConfig.judge is "allele"); 0 where unknown.
        inputs: float64 (n, K), what a trained filter looks at: NETWORK_NAMES, then the caller's
            annotations; NaN where absent or unknown.
        alts: of each record, log10 odds that an ALT (from 0) is there in any number of copies, for those
            that are called and spelled out; empty where unknown.
    """

    known: NDArray[np.bool_]
    log_odds: NDArray[np.float64]
    inputs: NDArray[np.float64]
    alts: tuple[dict[int, float], ...]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Of one record: as in `Judged`."""

    log_odds: float
    inputs: NDArray[np.float64]
    alts: dict[int, float]


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

        Several ALTs: the most doubtful of those that the genotypes hold. An ALT of several changes: the
        most doubtful of them, in the spelling that the reads show.
        """
        known = np.zeros(len(records), dtype=bool)
        log_odds = np.zeros(len(records))
        network = np.full((len(records), len(NETWORK_NAMES)), np.nan)
        alts: list[dict[int, float]] = [{} for _ in records]
        for first, last in self._chunks(records):
            for i, found in enumerate(self._judge_chunk(contig, records[first:last]), start=first):
                if found is not None:
                    known[i] = True
                    log_odds[i], network[i], alts[i] = found.log_odds, found.inputs, found.alts
        return Judged(known, log_odds, np.concatenate([network, annotations], axis=1), tuple(alts))

    def _chunks(self, records: Sequence[RecordAlleles]) -> Iterator[tuple[int, int]]:
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

    def _judge_chunk(self, contig: str, records: Sequence[RecordAlleles]) -> list[_Verdict | None]:
        length = self._reference.contig_lengths.get(contig)
        if length is None:
            raise DeepcohortError(
                f"reference {self._reference.path} has no contig {contig}; use the one the VCF was made on"
            )
        stop = min(length, max(r.pos + len(r.ref) for r in records))
        if records[0].pos >= stop:
            return [None] * len(records)
        beyond_bp = 2 * self._config.max_allele_bp + feature_context_bp(self._predictor.config)
        region = Region(contig, records[0].pos, stop).padded(beyond_bp, length)
        window = region.padded(self._candidates.pad_bp, length)
        codes = self._reference.fetch_codes(window)
        evidence = find_candidates(self._source.fetch(window), codes, window, region, self._candidates)
        shown = changes_by_place(shown_alleles(evidence, window))
        wanted = [self._spellings(record, codes, shown, window, region) for record in records]
        ways = [way for alleles in wanted for allele in alleles or () for way in allele]
        given = {change for way in ways for change in way.changes}
        hidden = {change for way in ways for change in way.hidden} - given
        evidence = evidence_for(sorted(given), sorted(hidden), evidence, codes, window, self._candidates)
        row_of = {c: i for i, c in enumerate(changes_by_place(shown_alleles(evidence, window)))}
        rows = np.array(sorted(row_of[change] for change in given), dtype=np.int64)
        if not len(rows):
            return [None] * len(records)
        config = self._predictor.config
        features = encode_examples(
            evidence, codes, window, config, features_only=True, select=rows
        ).features.copy()

        def pixels_of(some: NDArray[np.int64]) -> NDArray[np.uint8]:
            return encode_pixels(evidence, codes, window, config, rows[some])

        p = np.maximum(self._predictor.predict_lazily(features, pixels_of).astype(np.float64), 0)
        at = {change: k for k, change in enumerate(sorted(given, key=lambda c: row_of[c]))}
        seen = evidence.table.dp[rows] > 0
        return [
            self._verdict(record, alleles or (), at, p, seen, features)
            for record, alleles in zip(records, wanted, strict=True)
        ]

    def _verdict(
        self,
        record: RecordAlleles,
        alleles: Sequence[Sequence[Spelling]],
        at: dict[Change, int],
        p: NDArray[np.float64],
        seen: NDArray[np.bool_],
        features: NDArray[np.float32],
    ) -> _Verdict | None:
        """What is said of a record by its most doubtful ALT; None where no read sees one of them.

        Args:
            alleles: ways to write each called ALT that is spelled out. at: row of each change in `p` (n, 3),
                `seen` and `features`.
        """
        copies, present = _spelled_copies(record), 1 - p[:, 0]
        alts: dict[int, float] = {}
        worst: tuple[float, int, int, int] | None = None
        for which, ways in enumerate(alleles):
            there = _least_doubted(ways, at, present, seen)
            if there is None:
                return None
            alts[_spelled(record)[which]] = self._log_odds(float(present[there[0]]))
            told = copies[which] if self._config.judge == "genotype" else -1
            right = p[:, told] if told > 0 else present
            row, n_changes = _least_doubted(ways, at, right, seen) or there
            if worst is None or right[row] < worst[0]:
                worst = float(right[row]), which, row, n_changes
        if worst is None:
            return None
        chance, which, row, n_changes = worst
        inputs = _inputs(record, which, n_changes, p[row], features[row])
        return _Verdict(self._log_odds(chance), inputs, alts)

    def _log_odds(self, right: float) -> float:
        limit = 10.0**-self._config.max_score
        right = min(max(right, limit), 1 - limit)
        return float(np.clip(np.log10(right / (1 - right)), -self._config.max_score, self._config.max_score))

    def _spellings(
        self,
        record: RecordAlleles,
        codes: NDArray[np.uint8],
        shown: Sequence[Change],
        window: Region,
        region: Region,
    ) -> list[list[Spelling]] | None:
        """Ways to write each called ALT, or None where one cannot be judged."""
        found = []
        for k in record.called:
            alt = record.alts[k]
            if alt == "*":
                continue
            if not is_sequence(alt) or not is_sequence(record.ref):
                return None
            if max(len(alt), len(record.ref)) > self._config.max_allele_bp:
                return None
            ways = spellings_of(record.pos - window.start, record.ref, alt, shown, codes)
            if not ways or not all(region.contains(c[0] + window.start) for w in ways for c in w.changes):
                return None
            found.append(ways)
        return found or None


def _least_doubted(
    ways: Sequence[Spelling], at: dict[Change, int], right: NDArray[np.float64], seen: NDArray[np.bool_]
) -> tuple[int, int] | None:
    """(row of the most doubtful change, changes) of the way to write an allele that is doubted least."""
    best = None
    for way in ways:
        rows = [at[change] for change in way.changes]
        if not all(seen[k] for k in rows):
            return None
        worst = min(rows, key=lambda k: float(right[k]))
        if best is None or right[worst] > right[best[0]]:
            best = worst, len(rows)
    return best


def _spelled(record: RecordAlleles) -> list[int]:
    """Called ALTs that are spelled out (not `*`)."""
    return [k for k in record.called if record.alts[k] != "*"]


def _spelled_copies(record: RecordAlleles) -> list[int]:
    """Copies of each called ALT that is spelled out (not `*`), -1 unknown."""
    copies = record.copies or (-1,) * len(record.called)
    return [n for k, n in zip(record.called, copies, strict=True) if record.alts[k] != "*"]


def _inputs(
    record: RecordAlleles, which: int, n_changes: int, p: NDArray[np.float64], features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """NETWORK_NAMES of a record; `which`: of its called ALTs that are spelled out, the most doubtful."""
    copies = _spelled_copies(record)[which]
    ln_p = np.log(np.maximum(p, _LEAST_P))
    change = len(record.alts[_spelled(record)[which]]) - len(record.ref)
    own = (
        *ln_p,
        ln_p[copies] if copies > 0 else np.log(max(1 - p[0], _LEAST_P)),
        max(copies, 0),
        len(record.called),
        n_changes,
        np.clip(change, -50, 50),
    )
    return np.concatenate([own, features])
