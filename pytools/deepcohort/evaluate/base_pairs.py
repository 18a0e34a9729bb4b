"""Partial credit: how many of the base pairs that records change are changed on the other side too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.evaluate import base_pair_kernels as bk

_GAP_BP = 50  # variants nearer than this are compared together


@dataclass(frozen=True, slots=True)
class Played:
    """V variants of one side as they lie on two haplotypes.

    Attributes:
        alleles: int64 (V, 2, 4), START, END, OFFSET into pool, LENGTH; START -1 = reference. pool: uint8.
        bases: float32 (V, 2), edit distance of each from the reference. phase: int64 (V,), phase set, -1
            unphased. matched, skipped: bool (V,), by the search. way: int8 (V,), orientation found by it.
    """

    alleles: NDArray[np.int64]
    pool: NDArray[np.uint8]
    bases: NDArray[np.float32]
    phase: NDArray[np.int64]
    matched: NDArray[np.bool_]
    skipped: NDArray[np.bool_]
    way: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Credit:
    """Of each variant of a side, float32 (V,): base pairs changed, and those that the other side has too."""

    bases: NDArray[np.float32]
    right: NDArray[np.float32]


def played(
    template: NDArray[np.uint8],
    alleles: tuple[NDArray, NDArray, NDArray, NDArray, NDArray, NDArray],
    gt: NDArray[np.int16],
    ploidy: NDArray[np.int8],
    phase: NDArray[np.int64],
    matched: NDArray[np.bool_],
    skipped: NDArray[np.bool_],
    way: NDArray[np.int8],
) -> Played:
    """Variants as build_alleles gives them (first, a_start, a_end, a_off, a_len, a_pool), on haplotypes.

    A haploid genotype lies on both.
    """
    first, a_start, a_end, a_off, a_len, pool = alleles
    two = gt[:, :2].astype(np.int64)
    two[ploidy == 1, 1] = two[ploidy == 1, 0]
    rows = np.where(two > 0, first[:-1, None] + 1 + two, 0)
    on = np.full((len(two), 2, 4), -1, dtype=np.int64)
    there = two > 0
    if len(a_start):
        there &= a_start[rows] >= 0
        for column, values in ((bk.START, a_start), (bk.END, a_end), (bk.OFFSET, a_off), (bk.LENGTH, a_len)):
            on[..., column] = np.where(there, values[rows], -1 if column == bk.START else 0)
    bases = np.empty((len(two), 2), dtype=np.float32)
    bk.trim_to_reference(template, on, pool, bases)
    return Played(on, pool, bases, phase, matched, skipped, way)


def credit(template: NDArray[np.uint8], calls: Played, truth: Played) -> tuple[Credit, Credit]:
    """Bases changed and right, of calls and of truth.

    Where all records of a neighbourhood match, all their bases are right. Elsewhere the haplotypes are
    spelled out and compared (`base_pair_kernels.judge`), and what is not in common is taken off the records
    in proportion to their bases, those that match nothing first. Neighbourhoods that the search gave up
    count as nothing; those too far apart to be compared by their records alone.
    """
    sides = (calls, truth)
    orders, clusters, lows, highs = _clusters(calls, truth)
    n = len(lows)
    spans = np.zeros((n, 6), dtype=np.int64)
    spans[:, 4], spans[:, 5] = lows, highs
    shift = 0
    for k, (side, cluster) in enumerate(zip(sides, clusters, strict=True)):
        spans[:, 2 * k] = shift + np.searchsorted(cluster, np.arange(n), side="left")
        spans[:, 2 * k + 1] = shift + np.searchsorted(cluster, np.arange(n), side="right")
        shift += len(side.matched)
    chosen = _to_compare(sides, orders, clusters, n)
    share = np.ones((n, 2))
    shifted = truth.alleles[orders[1]].copy()
    shifted[..., bk.OFFSET] += len(calls.pool)

    def joined(name: str) -> NDArray:
        return np.concatenate([getattr(side, name)[order] for side, order in zip(sides, orders, strict=True)])

    share[chosen] = bk.judge(
        template,
        np.concatenate([calls.alleles[orders[0]], shifted]),
        np.concatenate([calls.pool, truth.pool]),
        joined("phase"),
        joined("way"),
        joined("bases"),
        spans[chosen],
    )
    credits = [
        _shared_out(side, order, cluster, share[:, k])
        for k, (side, order, cluster) in enumerate(zip(sides, orders, clusters, strict=True))
    ]
    return credits[0], credits[1]


def _clusters(calls: Played, truth: Played) -> tuple[list[NDArray], list[NDArray], NDArray, NDArray]:
    """Order of each side's variants by position, neighbourhood of each in that order, bounds of each."""
    far = np.iinfo(np.int64).max
    starts, ends, orders = [], [], []
    for side in (calls, truth):
        there = side.alleles[..., bk.START] >= 0
        start = np.where(there, side.alleles[..., bk.START], far).min(axis=1, initial=far)
        start[start == far] = 0  # none is played
        end = np.where(there, side.alleles[..., bk.END], 0).max(axis=1, initial=0)
        order = np.argsort(start, kind="stable")
        orders.append(order)
        starts.append(start[order])
        ends.append(end[order])
    start, end = np.concatenate(starts), np.concatenate(ends)
    merged = np.argsort(start, kind="stable")
    reach = np.maximum.accumulate(end[merged]) if len(merged) else end
    new = np.ones(len(merged), dtype=bool)
    new[1:] = start[merged][1:] > reach[:-1] + _GAP_BP
    number = np.cumsum(new) - 1
    ids = np.empty(len(merged), dtype=np.int64)
    ids[merged] = number
    begins = np.flatnonzero(new)
    lows = start[merged][begins]
    highs = reach[np.append(begins[1:], len(merged)) - 1] if len(begins) else reach
    n_calls = len(calls.matched)
    return orders, [ids[:n_calls], ids[n_calls:]], lows, highs


def _to_compare(
    sides: tuple[Played, Played], orders: list[NDArray], clusters: list[NDArray], n: int
) -> NDArray[np.int64]:
    """Neighbourhoods to be spelled out: something does not match, or both sides hold phase to compare."""
    wrong = np.zeros(n, dtype=bool)
    phased = np.ones(n, dtype=bool)
    for side, order, cluster in zip(sides, orders, clusters, strict=True):
        wrong[cluster[~side.matched[order]]] = True
        het = (side.alleles[:, 0] != side.alleles[:, 1]).any(axis=1) & (side.phase >= 0)
        phased &= np.bincount(cluster[het[order]], minlength=n) > 1
    return np.flatnonzero(wrong | phased)


def _shared_out(side: Played, order: NDArray, cluster: NDArray, share: NDArray) -> Credit:
    """Bases of each variant, and those that are right: what a neighbourhood lacks falls on its records."""
    bases = side.bases.sum(axis=1, dtype=np.float64)
    bases[side.skipped] = 0
    weight, matched = bases[order], side.matched[order]
    n = len(share)
    whole = np.bincount(cluster, weight, n)
    odd = np.bincount(cluster[~matched], weight[~matched], n)
    lacking = np.where(share < 0, odd, whole * (1 - share))
    of_odd = np.minimum(lacking, odd)
    with np.errstate(invalid="ignore", divide="ignore"):
        lost_odd = np.nan_to_num(of_odd / odd)
        lost_matched = np.nan_to_num((lacking - of_odd) / (whole - odd))
    right = np.empty(len(bases))
    right[order] = weight * (1 - np.where(matched, lost_matched[cluster], lost_odd[cluster]))
    return Credit(bases.astype(np.float32), right.astype(np.float32))
