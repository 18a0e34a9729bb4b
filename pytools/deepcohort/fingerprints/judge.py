"""Fingerprints of a cohort judged together: a status and lines of warning per sample."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.kin import pairs_of, strays_of
from deepcohort.fingerprints.likelihood import foreign_curves, hardy_weinberg, over_genotypes
from deepcohort.fingerprints.person import likelihoods_of
from deepcohort.fingerprints.types import AlleleReads, Fingerprint, FingerprintSites, Pair, Verdict

OK, UNKNOWN, SWAP, CONTAMINATED, SEX, KIN, SAME = (
    "ok", "too few reads", "swap", "contaminated", "sex", "kin", "same person",
)  # fmt: skip
_NAMED = 3


def judge(
    found: Sequence[Fingerprint],
    sites: FingerprintSites,
    parents: Mapping[str, tuple[str, str]],
    sexes: Mapping[str, str],
    config: FingerprintConfig | None = None,
) -> tuple[list[Verdict], list[Pair]]:
    """A verdict per sample, in their order, and the pairs that are kin.

    Args:
        parents: child -> (father, mother), "" where unknown. sexes: as stated, XX or XY.
    """
    config = config or FingerprintConfig()
    pairs = pairs_of(found, sites, parents, config)
    whose = {(sample, k): other for sample, k, other in strays_of(found, sites, config)}
    verdicts = []
    for mine in found:
        told: list[tuple[str, str]] = []
        if mine.stretches < config.min_stretches:
            told.append(
                (
                    UNKNOWN,
                    f"{mine.sites} sites of --fingerprints, in {mine.stretches} stretches of "
                    f"{config.linked_bp // 1_000} kb, have reads: too few to say whose they are",
                )
            )
        told += [(SWAP, line) for line in _swaps(mine, whose)]
        contaminant = ""
        if is_contaminated(mine, config):
            contaminant = _contaminant(mine, found, sites, config)
            by = f", by {contaminant}" if contaminant else ""
            told.append((CONTAMINATED, f"contaminated: {share_text(mine)} of its reads are foreign{by}"))
        told += [(SEX, line) for line in _sex_lines(mine, sexes)]
        told += _kin_lines(mine.sample, pairs)
        status = "; ".join(dict.fromkeys(kind for kind, _ in told)) or OK
        verdicts.append(
            Verdict(mine, status, tuple(f"{mine.sample}: {line}" for _, line in told if line), contaminant)
        )
    return verdicts, pairs


def is_contaminated(found: Fingerprint, config: FingerprintConfig) -> bool:
    """Whether foreign reads are surely there, and enough to matter."""
    share = found.contamination
    return (
        share.estimate is not None
        and share.low >= config.contaminated_low
        and share.estimate >= config.contaminated_least
    )


def share_text(found: Fingerprint) -> str:
    """The share of foreign reads with its interval: 5.1 % [4.6, 5.7]; "unknown"."""
    share = found.contamination
    if share.estimate is None:
        return "unknown"
    return f"{100 * share.estimate:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def statement(verdict: Verdict) -> str:
    """The sample in a line."""
    found = verdict.fingerprint
    parts = [verdict.status, f"contamination {share_text(found)}"]
    parts.append(f"sex {found.sex}" + (f" by {found.sex_from}" if found.sex_from else ""))
    if found.population:
        parts.append(f"nearest population {population_text(found)}")
    parts.append(f"{found.sites:,} sites at {found.depth:.1f}x")
    return f"{found.sample}: " + "; ".join(parts)


def population_text(found: Fingerprint) -> str:
    """The nearest population, or two where the reads do not tell them apart."""
    return found.population if found.column else f"{found.population} or {found.second}"


def _swaps(mine: Fingerprint, whose: Mapping[tuple[str, int], str]) -> list[str]:
    lines = []
    for k in range(1, len(mine.persons)):
        other = whose.get((mine.sample, k))
        is_other = f" (it is {other})" if other else ""
        lines.append(
            f"{_named(mine.persons[k])} is of another person than {_named(mine.persons[0])}{is_other}: "
            f"log10 odds {mine.odds[k]:.0f}"
        )
    return lines


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _sex_lines(mine: Fingerprint, sexes: Mapping[str, str]) -> list[str]:
    stated = sexes.get(mine.sample, "NA")
    if mine.sex_note:
        return [f"sex is {mine.sex_note}: an aneuploidy, or reads of two persons"]
    if stated in ("XX", "XY") and mine.sex not in ("NA", stated):
        return [f"sex is {mine.sex} by {mine.sex_from}, {stated} is stated"]
    return []


def _kin_lines(name: str, pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """What is wrong with a sample's kin; in words at the first sample of a pair alone."""
    told = []
    for pair in pairs:
        if name not in (pair.one, pair.other) or pair.check not in ("MISMATCH", "unexpected"):
            continue
        by = f"(kinship {pair.kinship:.2f})"
        kind, line = KIN, f"{pair.observed} of {pair.other} by the reads {by}, not stated"
        if pair.observed == "same person":
            kind, line = SAME, f"is the same person as {pair.other}, or a monozygotic twin {by}"
        elif pair.expected:
            line = f"{pair.expected} of {pair.other} as stated, {pair.observed} by the reads {by}"
        told.append((kind, line if name == pair.one else ""))
    return told


def _contaminant(
    mine: Fingerprint, found: Sequence[Fingerprint], sites: FingerprintSites, config: FingerprintConfig
) -> str:
    """The sample whose genotypes explain the foreign reads best, "" where none does better than anybody's."""
    share = np.array([mine.contamination.estimate or 0.0])
    use = (mine.reads[0].depth > 0) & ~sites.is_x
    reads = AlleleReads(mine.reads[0].ref[use], mine.reads[0].alt[use], mine.reads[0].other[use])
    frequency = sites.frequency[use, mine.column]
    prior = hardy_weinberg(frequency)

    def fit(foreign: NDArray[np.float64] | None = None) -> float:
        curves = foreign_curves(reads, frequency, mine.error, mine.het_share, foreign, share)
        total = over_genotypes(curves, frequency, mine.contamination.inbreeding).sum()
        return sites.weight(use) * float(total)

    best, name = fit() + config.sure_log10 * float(np.log(10)), ""
    for other in found:
        if other.sample == mine.sample or other.stretches < config.min_stretches:
            continue
        posterior = prior * likelihoods_of(other, sites)[use]
        value = fit(posterior / posterior.sum(axis=1, keepdims=True))
        if value > best:
            best, name = value, other.sample
    return name
