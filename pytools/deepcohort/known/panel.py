"""What a panel's frequencies say beforehand of the copies of an allele."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly import add_alleles, allele_keys
from deepcohort.candidates.select import Alleles, take_alleles
from deepcohort.candidates.types import AlleleCounts, CandidateTable
from deepcohort.known.config import KnownConfig
from deepcohort.known.evidence import natural_odds
from deepcohort.known.types import GivenAlleles, KnownEvidence

_LEAST = 1e-30


def worth_a_look(
    panel: GivenAlleles, counts: AlleleCounts, window_start: int, config: KnownConfig
) -> Alleles:
    """Alleles of `panel` that one read may win: not too rare, and SNPs only where some base differs."""
    alleles = panel.alleles
    is_snp = (alleles.ref_len == 1) & (np.diff(alleles.alt_offset) == 1)
    at = alleles.pos + window_start - counts.region.start
    inside = (at >= 0) & (at < len(counts.n_total))
    differs = counts.n_total > counts.n_ref
    shown = np.zeros(len(alleles), np.bool_)
    shown[inside] = differs[at[inside]] | ~is_snp[inside]
    return take_alleles(alleles, np.flatnonzero(shown & (panel.frequency >= config.panel_min_frequency)))


def with_panel_alleles(given: GivenAlleles | None, more: Alleles) -> tuple[GivenAlleles, NDArray[np.bool_]]:
    """(`given` and `more` together, which of them are given, bool)."""
    if given is None:
        return GivenAlleles(more, ("",) * len(more)), np.zeros(len(more), np.bool_)
    joined, rows = add_alleles(given.alleles, more)
    ids, is_given = [""] * len(joined), np.zeros(len(joined), np.bool_)
    is_given[rows] = True
    for row, name in zip(rows.tolist(), given.ids, strict=True):
        ids[row] = name
    return GivenAlleles(joined, tuple(ids), given.symbolic, given.long), is_given


def frequencies_of(table: CandidateTable, panel: GivenAlleles, window_start: int) -> NDArray[np.float64]:
    """Frequency of each candidate in the panel, float64 (N,); NaN: not in it."""
    known = dict(zip(allele_keys(panel.alleles), panel.frequency.tolist(), strict=True))
    rows = allele_keys(Alleles(table.pos - window_start, table.ref_len, table.alt_seq, table.alt_offset))
    return np.array([known.get(row, np.nan) for row in rows], np.float64)


def panel_odds(
    table: CandidateTable,
    frequency: NDArray[np.float64],
    copies: NDArray[np.int8],
    config: KnownConfig,
    novel_share: float = 1.0,
) -> NDArray[np.float64]:
    """log10 of what the panel says of 0, 1 and 2 copies against nature's rate, float64 (N, 3).

    Genotypes are expected in Hardy-Weinberg proportions at the panel's frequency; where the sample has one
    copy of the contig (`copies` 1), two copies stand for the allele. SNPs that the panel lacks are as rare as
    `novel_share` says; indels are spelled in too many ways for that, and stay as they are.
    """
    f = np.clip(np.nan_to_num(frequency, nan=0.5), config.panel_least, 1.0 - config.panel_least)
    shares = np.stack([(1.0 - f) ** 2, 2.0 * f * (1.0 - f), f**2], axis=1)
    one = copies == 1
    shares[one] = np.stack([1.0 - f, 2.0 * f * (1.0 - f), f], axis=1)[one]
    shift = config.panel_strength * (np.log10(shares) - natural_odds(table, config))
    shift -= shift[:, :1]
    np.clip(shift, -config.panel_most_log10, config.panel_most_log10, out=shift)
    novel = np.isnan(frequency)
    shift[novel] = 0.0
    is_snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    shift[novel & is_snp, 1:] = max(-config.panel_most_log10, np.log10(novel_share))
    return np.asarray(shift)


def shifted(
    probabilities: NDArray[np.float64], shift: NDArray[np.float64], min_homref_gq: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(P(0, 1, 2 copies) with the panel, and by what they were multiplied, log10), float64 (N, 3) both.

    A row that is surely absent with and without the panel keeps what it had, and one that is not sure without
    it does not become so: reference blocks and the records of a gVCF then rest on the reads, for whoever
    genotypes a cohort from them.
    """
    surely = 1.0 - 10.0 ** (-0.1 * min_homref_gq)
    most = 1.0 - 10.0 ** (-0.1 * min_homref_gq + 1e-3)
    made = probabilities * 10.0**shift
    made /= made.sum(axis=1, keepdims=True)
    doubtful = (probabilities[:, 0] < surely) & (made[:, 0] > most)
    rest = made[doubtful, 1:]
    made[doubtful, 1:] = rest * ((1.0 - most) / np.maximum(rest.sum(axis=1, keepdims=True), 1e-300))
    made[doubtful, 0] = most
    same = (probabilities[:, 0] >= surely) & (made[:, 0] >= surely)
    made[same] = probabilities[same]
    ratio = np.log10(np.maximum(made, _LEAST)) - np.log10(np.maximum(probabilities, _LEAST))
    return made, np.asarray(ratio)


def share_of_novel(n: int, n_known: int, config: KnownConfig) -> float:
    """Share of a sample's SNPs that a panel lacks, where it knows `n_known` of `n` sure ones; 1: untold."""
    return min(1.0, (n - n_known + 2.0) / n) if n >= config.panel_least_snps else 1.0


def without_unlikely(
    found: KnownEvidence, odds: NDArray[np.float64], config: KnownConfig
) -> NDArray[np.int64]:
    """Rows of `found` that stay: all but panel alleles that no read shows, or that are surely absent.

    Args:
        odds: float64 (N, 3), log10, what is expected beforehand of each row's copies.
    """
    logs = odds.copy()
    logs[:, 1:] += found.log10_odds
    whole = 10.0 ** (logs - logs.max(axis=1, keepdims=True))
    there = whole[:, 1:].sum(axis=1) / whole.sum(axis=1)
    of_panel = (found.shown < 0) & ~found.given
    return np.flatnonzero(~of_panel | ((found.table.ad[:, 1] > 0) & (there >= config.panel_min_probability)))
