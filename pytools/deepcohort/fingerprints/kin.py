"""Pairs of samples: one person, kin as stated, or not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.kin import expected_kin
from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.likelihood import descent_shares, hardy_weinberg, same_person_odds
from deepcohort.fingerprints.person import likelihoods_of
from deepcohort.fingerprints.types import Fingerprint, FingerprintSites, Pair

Floats = NDArray[np.float64]

_LOOKED_AT = 0.08  # correlation of dosages from which a pair is looked at closely; second degree: 0.25


def pairs_of(
    found: Sequence[Fingerprint],
    sites: FingerprintSites,
    parents: Mapping[str, tuple[str, str]],
    config: FingerprintConfig | None = None,
) -> list[Pair]:
    """Pairs that are related, by reads or pedigree, in the order of the samples."""
    config = config or FingerprintConfig()
    auto = ~sites.is_x
    likelihood = [likelihoods_of(f, sites)[auto] for f in found]
    covered = np.array([f.reads[0].depth[auto] > 0 for f in found])
    expected = expected_kin(parents, [f.sample for f in found])
    pairs = []
    for i, j in _worth_a_look(found, likelihood, covered, sites.frequency[auto, 0], expected):
        one, other = found[i], found[j]
        wanted = expected.get(frozenset((one.sample, other.sample)), "")
        column = one.column if one.column == other.column else 0
        shared = covered[i] & covered[j]
        blank = Pair(one.sample, other.sample, int(shared.sum()), 0.0, 1.0, 0.0, 0.0, "", wanted, "")
        rows = np.flatnonzero(auto)[shared]
        pair = _pair(blank, likelihood[i][shared], likelihood[j][shared], rows, column, sites, config)
        if pair.check or pair.observed not in ("", "unrelated"):
            pairs.append(pair)
    return pairs


def strays_of(
    found: Sequence[Fingerprint], sites: FingerprintSites, config: FingerprintConfig | None = None
) -> list[tuple[str, int, str]]:
    """(sample, number of a stray person among its reads, the sample who that is), where one is."""
    config = config or FingerprintConfig()
    told = []
    for mine in found:
        for k in range(1, len(mine.reads)):
            stray = likelihoods_of(mine, sites, k)
            for other in found:
                shared = (mine.reads[k].depth > 0) & (other.reads[0].depth > 0) & ~sites.is_x
                if other.sample == mine.sample or sites.n_stretches(shared) < config.min_stretches:
                    continue
                theirs = likelihoods_of(other, sites)[shared]
                odds = same_person_odds(stray[shared], theirs, sites.frequency[shared, 0])
                if odds * sites.weight(shared) >= config.sure_log10:
                    told.append((mine.sample, k, other.sample))
                    break
    return told


def _worth_a_look(
    found: Sequence[Fingerprint],
    likelihood: Sequence[Floats],
    covered: NDArray[np.bool_],
    frequency: Floats,
    expected: Mapping[frozenset[str], str],
) -> list[tuple[int, int]]:
    """Pairs with correlated genotypes, and those that the pedigree makes kin."""
    if len(found) < 2:
        return []
    prior = hardy_weinberg(frequency)
    rows = []
    for mine, has in zip(likelihood, covered, strict=True):
        posterior = mine * prior
        posterior /= posterior.sum(axis=1, keepdims=True)
        dosage = posterior[:, 1] + 2 * posterior[:, 2]
        rows.append(np.where(has, (dosage - 2 * frequency) / np.sqrt(2 * frequency * (1 - frequency)), 0.0))
    standard = np.array(rows)
    shared = covered.astype(np.float64) @ covered.T.astype(np.float64)
    alike = standard @ standard.T / np.maximum(shared, 1)
    return [
        (i, j)
        for i in range(len(found))
        for j in range(i + 1, len(found))
        if alike[i, j] >= _LOOKED_AT or frozenset((found[i].sample, found[j].sample)) in expected
    ]


def _pair(
    blank: Pair,
    one: Floats,
    other: Floats,
    rows: NDArray[np.int64],
    column: int,
    sites: FingerprintSites,
    config: FingerprintConfig,
) -> Pair:
    """`blank` filled in from the likelihoods of both at the sites `rows`."""
    used = np.zeros(len(sites), np.bool_)
    used[rows] = True
    n = sites.n_stretches(used)
    if n < config.min_stretches:
        return blank
    frequency = sites.frequency[rows, column]
    odds = sites.weight(used) * same_person_odds(one, other, frequency)
    k0, k1, k2 = descent_shares(one, other, frequency)
    observed = relation_of(k0, k1, k2, odds, config)
    if n < config.min_kin_stretches and observed != "same person":
        observed = ""
    check = _check(observed, blank.expected)
    return replace(blank, odds=odds, k0=k0, k1=k1, k2=k2, observed=observed, check=check)


def relation_of(k0: float, k1: float, k2: float, odds: float, config: FingerprintConfig) -> str:
    """What the shares of descent speak for."""
    kinship = k1 / 4 + k2 / 2
    if kinship >= config.duplicate and odds >= config.sure_log10:
        return "same person"
    if kinship >= config.first_degree:
        return "parent-child" if k0 < config.parent_k0 else "siblings"
    return "second degree" if kinship >= config.second_degree else "unrelated"


def _check(observed: str, wanted: str) -> str:
    if not observed:
        return ""
    if wanted:
        return "ok" if observed == wanted else "MISMATCH"
    return "unexpected" if observed in ("same person", "parent-child", "siblings") else ""
