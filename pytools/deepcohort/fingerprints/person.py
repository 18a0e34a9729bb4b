"""One sample: whose reads its files hold, and what they say of that person."""

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.likelihood import (
    COARSE,
    error_of,
    foreign_curves,
    genotype_likelihoods,
    het_share_of,
    population_odds,
    same_person_odds,
    share_interval,
    two_x_odds,
)
from deepcohort.fingerprints.types import (
    AlleleReads,
    Contamination,
    Fingerprint,
    FingerprintSites,
    Unit,
)
from deepcohort.reads.sex import SexEvidence

Floats = NDArray[np.float64]


def fingerprint_of(
    sample: str,
    units: Sequence[Unit],
    sites: FingerprintSites,
    by_depth: SexEvidence | None = None,
    config: FingerprintConfig | None = None,
) -> Fingerprint:
    """The fingerprint of a sample from the reads of its files and read groups.

    `by_depth`: sex by the indexes of its reads.
    """
    config = config or FingerprintConfig()
    persons = _persons(units, sites, config)
    pooled = [_pool([units[i] for i in person]) for person in persons]
    main = pooled[0]
    error, het_share = error_of(main, config.least_error), het_share_of(main)
    covered = (main.depth > 0) & ~sites.is_x
    n, n_autosomal = int(covered.sum()), int((~sites.is_x).sum())
    stretches = sites.n_stretches(covered)
    known = stretches >= config.min_stretches
    plain = genotype_likelihoods(main, sites.frequency[:, 0], error, het_share, 0.0)
    name, odds, second, column = _population(plain, sites, covered, config) if known else ("", 0.0, "", 0)
    found = (
        _contamination(main, sites, covered, column, error, het_share, config) if known else Contamination()
    )
    sex, sex_from, note = _sex(main, sites, column, error, het_share, found, by_depth, config)
    return Fingerprint(
        sample=sample,
        digest=sites.digest,
        persons=tuple(tuple(units[i].name for i in person) for person in persons),
        reads=tuple(pooled),
        odds=tuple(_odds_between(main, other, sites, config) if k else 0.0 for k, other in enumerate(pooled)),
        error=error,
        het_share=het_share,
        contamination=found,
        population=name,
        population_odds=odds,
        second=second,
        column=column,
        sex=sex,
        sex_from=sex_from,
        sex_note=note,
        sites=n,
        stretches=stretches,
        depth=float(main.depth[~sites.is_x].sum() / n_autosomal),
    )


def _pool(units: Sequence[Unit]) -> AlleleReads:
    return reduce(add, (unit.reads for unit in units))


def likelihoods_of(found: Fingerprint, sites: FingerprintSites, person: int = 0) -> Floats:
    """P(reads | 0, 1, 2 copies), float64 (N, 3), of one of the persons, foreign reads allowed for."""
    share = found.contamination.low if person == 0 else 0.0
    return genotype_likelihoods(
        found.reads[person], sites.frequency[:, found.column], found.error, found.het_share, share
    )


def _odds_between(
    one: AlleleReads, other: AlleleReads, sites: FingerprintSites, config: FingerprintConfig
) -> float:
    """log10 odds that two sets of reads are of one person; 0 where they share too few sites."""
    shared = (one.depth > 0) & (other.depth > 0) & ~sites.is_x
    if sites.n_stretches(shared) < config.min_stretches:
        return 0.0
    frequency = sites.frequency[shared, 0]
    parts = []
    for reads in (one, other):
        mine = AlleleReads(reads.ref[shared], reads.alt[shared], reads.other[shared])
        error, het = error_of(mine, config.least_error), het_share_of(mine)
        curves = foreign_curves(mine, frequency, error, het, shares=COARSE)
        foreign = share_interval(curves, frequency, config.blocks, COARSE)[1]
        parts.append(genotype_likelihoods(mine, frequency, error, het, foreign))
    return sites.weight(shared) * same_person_odds(parts[0], parts[1], frequency)


def _persons(units: Sequence[Unit], sites: FingerprintSites, config: FingerprintConfig) -> list[list[int]]:
    """Units by person, those with most reads first.

    A unit joins the persons found so far, the one whose reads fit best, unless its reads surely are of none
    of them. Units of too few reads join the first.
    """
    size = [int(unit.reads.depth.sum()) for unit in units]
    persons: list[list[int]] = []
    pooled: list[AlleleReads] = []
    for i in sorted(range(len(units)), key=lambda k: (-size[k], k)):
        odds = [_odds_between(reads, units[i].reads, sites, config) for reads in pooled]
        best = max(range(len(odds)), key=odds.__getitem__, default=-1)
        if best < 0 or odds[best] < -config.sure_log10:
            persons.append([i])
            pooled.append(units[i].reads)
        else:
            persons[best].append(i)
            pooled[best] = pooled[best] + units[i].reads
    order = sorted(range(len(persons)), key=lambda k: (-sum(size[i] for i in persons[k]), k))
    return [sorted(persons[k]) for k in order]


def _population(
    likelihood: Floats, sites: FingerprintSites, covered: NDArray[np.bool_], config: FingerprintConfig
) -> tuple[str, float, str, int]:
    """(nearest population or "", log10 odds over the second, the second, column of frequencies to take)."""
    if len(sites.populations) < 2:
        return "", 0.0, "", 0
    odds = sites.weight(covered) * population_odds(likelihood[covered], sites.frequency[covered, 1:])
    first, second = np.argsort(-odds, kind="stable")[:2].tolist()
    ahead = float(odds[first] - odds[second])
    is_sure = ahead >= config.sure_log10
    return sites.populations[first], ahead, sites.populations[second], 1 + first if is_sure else 0


def _contamination(
    reads: AlleleReads,
    sites: FingerprintSites,
    covered: NDArray[np.bool_],
    column: int,
    error: float,
    het_share: float,
    config: FingerprintConfig,
) -> Contamination:
    mine = AlleleReads(reads.ref[covered], reads.alt[covered], reads.other[covered])
    curves = foreign_curves(mine, sites.frequency[covered, column], error, het_share)
    estimate, low, high, inbreeding = share_interval(curves, sites.frequency[covered, column], config.blocks)
    return Contamination(estimate if high - low <= config.widest else None, low, high, inbreeding)


def _sex(
    reads: AlleleReads,
    sites: FingerprintSites,
    column: int,
    error: float,
    het_share: float,
    foreign: Contamination,
    by_depth: SexEvidence | None,
    config: FingerprintConfig,
) -> tuple[str, str, str]:
    """(XX, XY or NA; by what; a remark where depth and SNPs of X differ)."""
    depth_says = by_depth.sex if by_depth else "NA"
    on_x = sites.is_x & (reads.depth > 0)
    snps_say = "NA"
    if on_x.any():
        frequency = sites.frequency[:, column]
        likelihood = genotype_likelihoods(reads, frequency, error, het_share, foreign.low)
        odds = sites.weight(on_x) * two_x_odds(likelihood[on_x], frequency[on_x])
        snps_say = "XX" if odds >= config.sure_log10 else "XY" if odds <= -config.sure_log10 else "NA"
    if depth_says == "NA" or snps_say == "NA":
        known = {"depth": depth_says, "SNPs of X": snps_say}
        return next(((sex, why, "") for why, sex in known.items() if sex != "NA"), ("NA", "", ""))
    if depth_says == snps_say:
        return depth_says, "depth and SNPs of X", ""
    return "NA", "", f"{depth_says} by depth, {snps_say} by SNPs of X"
