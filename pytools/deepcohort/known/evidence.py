"""Given alleles beside those that the reads show."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly import add_alleles
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.select import Alleles, take_alleles
from deepcohort.candidates.support import weigh_reads
from deepcohort.candidates.types import CandidateEvidence, CandidateTable
from deepcohort.core.region import Region
from deepcohort.known.config import KnownConfig
from deepcohort.known.kernels import read_odds
from deepcohort.known.types import GivenAlleles, KnownEvidence


def look_up(
    given: GivenAlleles,
    evidence: CandidateEvidence,
    codes: NDArray[np.uint8],
    window: Region,
    candidates: CandidatesConfig,
    config: KnownConfig,
    by_user: NDArray[np.bool_] | None = None,
) -> KnownEvidence:
    """What the reads say of `given`, beside the candidates of `evidence`, which stay as they are.

    `by_user`: which of them get a record whatever the reads show; None: all.
    """
    table = evidence.table
    shown = Alleles(table.pos - window.start, table.ref_len, table.alt_seq, table.alt_offset)
    joined, row_of, given_rows = given.alleles, np.empty(0, np.int64), np.arange(len(given.alleles))
    if len(shown):
        joined, row_of = add_alleles(shown, given.alleles)
        _, given_rows = add_alleles(given.alleles, shown)
    n = len(joined)
    origin = np.full(n, -1, np.int64)
    origin[row_of] = np.arange(len(shown))
    is_given = np.zeros(n, np.bool_)
    is_given[given_rows] = True if by_user is None else by_user
    ids = [""] * n
    for row, name in zip(given_rows.tolist(), given.ids, strict=True):
        ids[row] = name
    dp, ad = np.zeros(n, np.int32), np.zeros((n, 2), np.int32)
    dp[row_of], ad[row_of] = table.dp, table.ad
    odds = np.zeros((n, 2))
    only = np.flatnonzero(origin < 0)
    if len(only):
        beside = _near(joined.pos, joined.pos[only], config.near_bp)
        support, near_dp, near_ad = weigh_reads(
            evidence.reads, take_alleles(joined, beside), codes, window, candidates
        )
        at = np.searchsorted(beside, only)
        dp[only], ad[only] = near_dp[at], near_ad[at]
        odds[only] = read_odds(
            at, support.offset, support.read, support.allele, support.log10_ratio, evidence.reads.mapq,
            -np.log10(np.where(is_given[only], config.read_error, config.panel_read_error)),
        )  # fmt: skip
    realigned = np.zeros(n, np.bool_)
    realigned[row_of] = table.realigned
    return KnownEvidence(
        table=CandidateTable(
            contig=table.contig,
            pos=joined.pos + window.start,
            ref_len=joined.ref_len,
            alt_seq=joined.alt_seq,
            alt_offset=joined.alt_offset,
            dp=dp,
            ad=ad,
            realigned=realigned,
        ),
        shown=origin,
        given=is_given,
        ids=tuple(ids),
        log10_odds=odds,
        frequency=np.full(n, np.nan),
    )


def without_judged(found: KnownEvidence, candidates: CandidatesConfig) -> KnownEvidence:
    """`found` without alleles of so many reads that the first call had them for candidates.

    Where it left no record of such an allele, networks saw its reads and did not believe them: errors recur
    at a place.
    """
    table = found.table
    is_snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    reads = table.ad[:, 1]
    share = np.where(is_snp, candidates.min_fraction_snp, candidates.min_fraction_indel)
    judged = (reads >= candidates.min_count) & (reads >= share * table.dp)
    return take_known(found, np.flatnonzero(~judged))


def take_known(found: KnownEvidence, rows: NDArray[np.int64]) -> KnownEvidence:
    """The rows `rows`, ascending."""
    table = found.table
    alleles = take_alleles(Alleles(table.pos, table.ref_len, table.alt_seq, table.alt_offset), rows)
    return KnownEvidence(
        table=CandidateTable(
            contig=table.contig,
            pos=alleles.pos,
            ref_len=alleles.ref_len,
            alt_seq=alleles.alt_seq,
            alt_offset=alleles.alt_offset,
            dp=table.dp[rows],
            ad=table.ad[rows],
            realigned=table.realigned[rows],
        ),
        shown=found.shown[rows],
        given=found.given[rows],
        ids=tuple(found.ids[row] for row in rows.tolist()),
        log10_odds=found.log10_odds[rows],
        frequency=found.frequency[rows],
    )


def _near(pos: NDArray[np.int64], wanted: NDArray[np.int64], within_bp: int) -> NDArray[np.int64]:
    """Rows of `pos` (ascending) within `within_bp` of one of `wanted` (ascending)."""
    first = np.searchsorted(wanted, pos - within_bp)
    last = np.searchsorted(wanted, pos + within_bp, "right")
    return np.flatnonzero(last > first)


def natural_odds(table: CandidateTable, config: KnownConfig) -> NDArray[np.float64]:
    """log10 of nature's share of 0, 1 and 2 copies of each allele, float64 (N, 3)."""
    is_snp = np.diff(table.alt_offset) == table.ref_len
    het = np.where(is_snp, config.het_snp, config.het_indel)
    return np.log10(np.stack([1.0 - het * (1.0 + config.hom_share), het, het * config.hom_share], axis=1))
