"""Fragments at heterozygous sites -> blocks of phased sites."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.phase.config import PhaseConfig
from deepcohort.phase.kernels import (
    MICRO,
    group_sites,
    improve_phase,
    join_links,
    list_links,
    split_fragments,
    switch_losses,
)
from deepcohort.phase.types import Evidence, Phases

_LINK_REACH = 3  # sites of a fragment between which links are drawn, to begin with
_LONGEST_RUN = 3  # sites that local search turns together
_MAX_QUALITY = 99

Fragments = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]


def phase_sites(evidence: Evidence, config: PhaseConfig | None = None) -> Phases:
    """The most likely phase of the sites of `evidence`, in blocks, with the quality of each site.

    Quality is the log10 likelihood lost where the site alone, or all of its block from it on, lay the other
    way round, whichever is less; as phred.
    """
    config = config or PhaseConfig()
    least = _loss_of(config.min_quality_phred)
    n_sites = len(evidence)
    part = np.zeros(n_sites, np.int64)
    fragments = split_fragments(*_fragments_of(evidence), part)
    while True:
        sign, group, alone, switched = _solve(n_sites, fragments, config)
        linked = alone >= 0
        weak = linked & (alone < least)
        cut = linked & (switched < least) & ~_opens_group(group)
        if not weak.any() and not cut.any():
            break
        if weak.any():
            part = np.where(weak | ~linked, -1, part)
        else:
            part = np.where(linked, _parts(group, cut), -1)
        fragments = split_fragments(*fragments, part)
    rows = np.flatnonzero(linked)
    return _phases(
        evidence, rows, sign, group, np.where(_opens_group(group), alone, np.minimum(alone, switched))
    )


def _loss_of(quality_phred: int) -> int:
    """Loss of log10 likelihood, in 10^-6, at which the phase is wrong with that probability."""
    wrong = 10.0 ** (-quality_phred / 10)
    return round(MICRO * float(np.log10((1 - wrong) / wrong)))


def _fragments_of(evidence: Evidence) -> Fragments:
    starts = np.flatnonzero(np.append(True, evidence.fragment[1:] != evidence.fragment[:-1]))
    if len(evidence.fragment) == 0:
        starts = np.empty(0, np.int64)
    offset = np.append(starts, len(evidence.fragment)).astype(np.int64)
    return offset, evidence.site.astype(np.int64), evidence.odds


def _solve(
    n_sites: int, fragments: Fragments, config: PhaseConfig
) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(sign, group, loss of each site flipped alone, loss of a switch before it); losses -1 if unlinked."""
    offset, site, odds = fragments
    group = group_sites(n_sites, offset, site)
    order = np.argsort(group, kind="stable")  # linked sites together
    place = np.empty(n_sites, np.int64)
    place[order] = np.arange(n_sites)
    first = np.searchsorted(group[order], np.arange(group.max() + 2 if n_sites else 1)).astype(np.int64)
    at = place[site]
    sign = join_links(n_sites, *_sorted_links(offset, at, odds, n_sites))
    alone = improve_phase(first, offset, at, odds, sign, config.exact_sites, _LONGEST_RUN)
    switched = switch_losses(n_sites, offset, at, odds, sign)
    lonely = np.diff(first)[group[order]] == 1
    alone[lonely] = switched[lonely] = -1
    return sign[place], group, alone[place], switched[place]


def _sorted_links(
    offset: NDArray[np.int64], site: NDArray[np.int64], odds: NDArray[np.int8], n_sites: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Links, those of one pair added up, strongest first."""
    pairs, weight = list_links(offset, site, odds, _LINK_REACH)
    keys = pairs[:, 0] * max(1, n_sites) + pairs[:, 1]
    order = np.argsort(keys, kind="stable")
    keys, weight = keys[order], weight[order]
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    total = np.add.reduceat(weight, starts) if len(keys) else weight
    keys = keys[starts]
    order = np.argsort(-np.abs(total), kind="stable")
    keys = keys[order]
    return np.stack([keys // max(1, n_sites), keys % max(1, n_sites)], axis=1), total[order]


def _opens_group(group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Bool (H,): the first site of each group."""
    opens = np.zeros(len(group), np.bool_)
    opens[np.unique(group, return_index=True)[1]] = True
    return opens


def _parts(group: NDArray[np.int64], cut: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the part of each site, when groups are cut before the sites of `cut`."""
    order = np.argsort(group, kind="stable")
    opens = np.append(True, np.diff(group[order]) != 0) | cut[order]
    part = np.empty(len(group), np.int64)
    part[order] = np.cumsum(opens) - 1
    return part


def _phases(
    evidence: Evidence,
    rows: NDArray[np.int64],
    sign: NDArray[np.int8],
    group: NDArray[np.int64],
    loss: NDArray[np.int64],
) -> Phases:
    """Phases of the sites `rows`; the first site of a block lies as its genotype is written."""
    _, first, which = np.unique(group[rows], return_index=True, return_inverse=True)
    leader = rows[first][which]
    odds = loss[rows] / MICRO
    quality = np.minimum(_MAX_QUALITY, np.floor(10 * np.log10(1 + 10.0 ** np.minimum(odds, 20)) + 1e-9))
    return Phases(
        contig=evidence.contig,
        pos=evidence.pos[rows],
        flipped=sign[rows] != sign[leader],
        block=evidence.pos[leader],
        quality=quality.astype(np.int32),
    )
