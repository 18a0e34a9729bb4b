"""Phase of families by transmission and by the samples' read blocks, over the sites of one window.

A sample's `order` at a site says which allele of its (ascending) genotype lies on its first haplotype: 0 the
first, 1 the second, -1 open. Haplotypes of a child are paternal and maternal; those of a founder what its
`heir` got and what it did not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c
from deepcohort.joint.genotype_kernels import Evidence

_GT0, _PS, _PQ = c.GT0, c.PS, c.PQ
_P_POS, _P_ALT, _P_ALLELE, _P_REF_LEN, _P_SEQ_LEN = c.P_POS, c.P_ALT, c.P_ALLELE, c.P_REF_LEN, c.P_SEQ_LEN
FAMILY_SET = 1  # PS of what families tell: one block per contig, which no shard needs to know the start of
_NO_SET, _UNKNOWN = -1, -1
_MAX_PQ = 99
_MOST_ANCHORS = 3  # on each side


class Lineage(NamedTuple):
    """Who descends from whom, by sample.

    Attributes:
        trios: int32 (T, 3), child, father and mother, -1 where a parent is not in the cohort; the older
            generations first.
        heir: int32 (N,), of a parent whose own parents are not in the cohort the child that its haplotypes
            are told by, -1 of everybody else.
        related: bool (N,), stands in some trio.
    """

    trios: NDArray[np.int32]
    heir: NDArray[np.int32]
    related: NDArray[np.bool_]


class SiteCalls(NamedTuple):
    """Genotypes of the lines written of a window, L lines and N samples.

    Attributes:
        pos: int64 (L,), 0-based. gt: int16 (L, N, 2), ascending, -1 missing, second -2 haploid.
        gq: int16 (L, N). is_new: bool (L, N), the child has a new allele.
        read_set: int32 (L, N), PS of the read block, 0 where it has none, -1 unphased.
        read_order: int8 (L, N), as `order` by the block. read_pq: int16 (L, N), -1 missing.
        line: int64 (L, 2), where each line begins and ends in its piece of text.
    """

    pos: NDArray[np.int64]
    gt: NDArray[np.int16]
    gq: NDArray[np.int16]
    is_new: NDArray[np.bool_]
    read_set: NDArray[np.int32]
    read_order: NDArray[np.int8]
    read_pq: NDArray[np.int16]
    line: NDArray[np.int64]


class PhaseLimits(NamedTuple):
    """Least GQ of whom transmission is read from, bp to anchors, rounds; who gives sons their one copy."""

    min_gq: int
    reach_bp: int
    rounds: int
    haploid_from_mother: bool


@kernel
def _haps_of(
    evidence: Evidence, row: int, site: int, allele: int, is_star: bool
) -> tuple[int, int]:  # fmt: skip
    """How often record `row` has the site's allele, and the haplotype (0 or 1) of the last one.

    Arrays of `evidence` are (S, N, ...).
    """
    record = evidence.records[row]
    pos = evidence.pos[site]
    count, hap = 0, -1
    for k in range(evidence.offsets[row], evidence.offsets[row + 1]):
        primitive = evidence.table[k]
        if is_star:
            spans = primitive[_P_POS] < pos and pos < primitive[_P_POS] + primitive[_P_REF_LEN]
            fits = primitive[_P_POS] == pos if primitive[_P_SEQ_LEN] < 0 else spans
        else:
            fits = primitive[_P_SEQ_LEN] >= 0 and primitive[_P_POS] == pos and primitive[_P_ALLELE] == allele
        if fits:
            for h in range(2):
                if record[_GT0 + h] == primitive[_P_ALT]:
                    count, hap = count + 1, h
    return count, hap


@kernel
def read_phase(
    evidence: Evidence, site: int, sample: int, gt: NDArray[np.int16]
) -> tuple[int, int, int]:  # fmt: skip
    """(phase set, order, quality) of a sample's genotype gt (2,) by its own records; set -1 if there is none.

    Only where its records hold each ALT of the genotype once, and no other allele of the site: where joint
    genotyping has changed the genotype, the block tells nothing of it.
    """
    if gt[0] < 0 or gt[1] < 0 or gt[0] == gt[1] or evidence.variant_of[site, sample, 0] < 0:
        return _NO_SET, _UNKNOWN, -1
    star = evidence.star[site]
    phase_set, order, quality = _NO_SET, _UNKNOWN, -1
    for allele in range(1, evidence.n_alleles[site]):
        count, hap, row = 0, -1, -1
        for k in range(evidence.variant_of.shape[2]):
            candidate = evidence.variant_of[site, sample, k]
            if candidate < 0:
                break
            n, at = _haps_of(evidence, candidate, site, allele, allele == star)
            if n:
                count, hap, row = count + n, at, candidate
        which = 0 if allele == gt[0] else (1 if allele == gt[1] else -1)
        if which < 0 or count != 1:
            if count > 0 or which >= 0:
                return _NO_SET, _UNKNOWN, -1
            continue
        record = evidence.records[row]
        # the first haplotype holds gt[order]
        mine = which if hap == 0 else 1 - which
        if record[_PS] < 0 or (order >= 0 and (order != mine or phase_set != record[_PS])):
            return _NO_SET, _UNKNOWN, -1
        phase_set, order = record[_PS], mine
        quality = record[_PQ] if quality < 0 or record[_PQ] < quality else quality
    return phase_set, order, quality


@kernel
def _is_het(gt: NDArray[np.int16]) -> bool:
    """Whether `gt` (2,) has two different alleles, both known."""
    return gt[0] >= 0 and gt[1] >= 0 and gt[0] != gt[1]


@kernel
def _sure(calls: SiteCalls, i: int, s: int, min_gq: int) -> bool:
    """Whether sample s (-1: nobody) has a complete genotype of good GQ; arrays of `calls` (L, N, ...)."""
    return s >= 0 and calls.gt[i, s, 0] >= 0 and calls.gt[i, s, 1] != -1 and calls.gq[i, s] >= min_gq


@kernel
def _holds(gt: NDArray[np.int16], allele: int) -> bool:
    """Whether `gt` (2,) has `allele`."""
    return gt[0] == allele or gt[1] == allele


@kernel
def _child_by_parents(
    calls: SiteCalls, i: int, trio: NDArray[np.int32], min_gq: int, order: NDArray[np.int8],
    pq: NDArray[np.int16],
) -> None:  # fmt: skip
    """Order of a heterozygous child where its parents' genotypes leave one way.

    `trio` (3,), `order`, `pq` (L, N).
    """
    child, father, mother = trio[0], trio[1], trio[2]
    has_father, has_mother = _sure(calls, i, father, min_gq), _sure(calls, i, mother, min_gq)
    if not _sure(calls, i, child, min_gq) or not _is_het(calls.gt[i, child]):
        return
    if not has_father and not has_mother:
        return
    quality = calls.gq[i, child]
    fits = np.ones(2, dtype=np.bool_)  # the father gave gt[0], gt[1]
    for way in range(2):
        a, b = calls.gt[i, child, way], calls.gt[i, child, 1 - way]
        if has_father:
            fits[way] = fits[way] and _holds(calls.gt[i, father], a)
        if has_mother:
            fits[way] = fits[way] and _holds(calls.gt[i, mother], b)
    if has_father:
        quality = min(quality, calls.gq[i, father])
    if has_mother:
        quality = min(quality, calls.gq[i, mother])
    if fits[0] != fits[1]:
        order[i, child] = 0 if fits[0] else 1
        pq[i, child] = min(_MAX_PQ, quality)


@kernel
def _received(
    calls: SiteCalls, i: int, child: int, side: int, limits: PhaseLimits, order: NDArray[np.int8]
) -> int:
    """Allele that a child has from its father (side 0) or mother (1); -1 unknown. `order` (L, N)."""
    gt = calls.gt[i, child]
    if not _sure(calls, i, child, limits.min_gq):
        return _UNKNOWN
    if gt[1] < 0:
        return gt[0] if limits.haploid_from_mother == (side == 1) else _UNKNOWN
    if gt[0] == gt[1]:
        return gt[0]
    if order[i, child] < 0:
        return _UNKNOWN
    return gt[order[i, child]] if side == 0 else gt[1 - order[i, child]]


@kernel
def _vote(votes: NDArray[np.int64]) -> int:
    """What the anchors to the left and to the right say together: 0 or 1; -1 none; -2 they contradict.

    votes: int64 (2, 2), of each side for 0 and for 1.
    """
    said = -1
    for side in range(2):
        if votes[side, 0] == votes[side, 1]:
            continue
        word = 0 if votes[side, 0] > votes[side, 1] else 1
        if said >= 0 and said != word:
            return -2
        said = word
    return said


@kernel
def _by_block(
    calls: SiteCalls, i: int, s: int, reach: int, order: NDArray[np.int8], pq: NDArray[np.int16]
) -> tuple[int, int]:
    """Order of an open genotype by the nearest sites of its read block that are known, and its quality.

    `order`, `pq` (L, N).
    """
    votes = np.zeros((2, 2), dtype=np.int64)
    quality = _MAX_PQ if calls.read_pq[i, s] < 0 else calls.read_pq[i, s]
    best = -1
    for side in range(2):
        step, k, found = (-1 if side == 0 else 1), i, 0
        while found < _MOST_ANCHORS:
            k += step
            if k < 0 or k >= len(calls.pos) or abs(calls.pos[k] - calls.pos[i]) > reach:
                break
            if order[k, s] >= 0 and calls.read_set[k, s] == calls.read_set[i, s]:
                votes[side, order[k, s] ^ calls.read_order[k, s]] += 1
                best = max(best, pq[k, s])
                found += 1
    word = _vote(votes)
    if word < 0:
        return word, 0
    return calls.read_order[i, s] ^ word, min(quality, best)


@kernel
def _handed_on(
    calls: SiteCalls, lineage: Lineage, i: int, parent: int, child: int, side: int, limits: PhaseLimits,
    order: NDArray[np.int8],
) -> int:  # fmt: skip
    """Which haplotype of `parent` its child got here (0, 1), by the nearest sites that tell; -1 unknown."""
    if lineage.heir[parent] == child:
        return 0
    votes = np.zeros((2, 2), dtype=np.int64)
    for way in range(2):
        step, k, found = (-1 if way == 0 else 1), i, 0
        while found < _MOST_ANCHORS:
            k += step
            if k < 0 or k >= len(calls.pos) or abs(calls.pos[k] - calls.pos[i]) > limits.reach_bp:
                break
            if order[k, parent] < 0:
                continue
            allele = _received(calls, k, child, side, limits, order)
            gt = calls.gt[k, parent]
            if allele >= 0 and _holds(gt, allele):
                votes[way, 0 if gt[order[k, parent]] == allele else 1] += 1
                found += 1
    return _vote(votes)


@kernel
def _heirs_parents(
    calls: SiteCalls, lineage: Lineage, i: int, trio: NDArray[np.int32], limits: PhaseLimits,
    order: NDArray[np.int8], pq: NDArray[np.int16],
) -> None:  # fmt: skip
    """Orders of founders by what their heir has from them. `trio` (3,), `order`, `pq` (L, N)."""
    child = trio[0]
    for side in range(2):
        parent = trio[1 + side]
        if parent < 0 or lineage.heir[parent] != child or order[i, parent] >= 0:
            continue
        if not _sure(calls, i, parent, limits.min_gq) or not _is_het(calls.gt[i, parent]):
            continue
        allele = _received(calls, i, child, side, limits, order)
        if allele >= 0 and _holds(calls.gt[i, parent], allele):
            order[i, parent] = 0 if calls.gt[i, parent, 0] == allele else 1
            known = calls.gq[i, child] if pq[i, child] < 0 else pq[i, child]
            pq[i, parent] = min(_MAX_PQ, calls.gq[i, parent], known)


@kernel
def _by_genotypes(
    calls: SiteCalls, lineage: Lineage, limits: PhaseLimits, order: NDArray[np.int8], pq: NDArray[np.int16]
) -> None:
    """Everything that the genotypes of parents and children determine at a site by themselves.

    `order`, `pq` (L, N).
    """
    for i in range(len(calls.pos)):
        for trio in lineage.trios:
            _child_by_parents(calls, i, trio, limits.min_gq, order, pq)
        for trio in lineage.trios:
            _heirs_parents(calls, lineage, i, trio, limits, order, pq)


@kernel
def _propose(
    word: int, quality: int, i: int, s: int, proposed: NDArray[np.int8], pq: NDArray[np.int16]
) -> None:
    """Note what one source says of an open genotype: -2 where two contradict each other.

    `proposed`, `pq` (L, N).
    """
    if proposed[i, s] == -1:
        proposed[i, s] = word
        pq[i, s] = quality
    elif proposed[i, s] >= 0:
        if proposed[i, s] != word:
            proposed[i, s] = -2
        else:
            pq[i, s] = max(pq[i, s], quality)


@kernel
def _across(
    calls: SiteCalls, lineage: Lineage, i: int, trio: NDArray[np.int32], limits: PhaseLimits,
    order: NDArray[np.int8], pq: NDArray[np.int16], proposed: NDArray[np.int8], new_pq: NDArray[np.int16],
) -> None:  # fmt: skip
    """What a phased parent says of its child's open genotype, and the child of its parents'.

    `trio` (3,), `order`, `pq`, `proposed`, `new_pq` (L, N).
    """
    child = trio[0]
    for side in range(2):
        parent = trio[1 + side]
        if (
            parent < 0
            or not _sure(calls, i, child, limits.min_gq)
            or not _sure(calls, i, parent, limits.min_gq)
        ):
            continue
        hers, theirs = calls.gt[i, parent], calls.gt[i, child]
        if not _is_het(hers) or theirs[1] < 0:
            continue
        if order[i, parent] >= 0 and _is_het(theirs) and order[i, child] == -1:
            hap = _handed_on(calls, lineage, i, parent, child, side, limits, order)
            if hap >= 0:
                allele = hers[order[i, parent] ^ hap]
                if _holds(theirs, allele):
                    is_second = theirs[1] == allele
                    word = int(is_second) if side == 0 else int(not is_second)
                    _propose(word, pq[i, parent], i, child, proposed, new_pq)
        elif order[i, parent] == -1:
            allele = _received(calls, i, child, side, limits, order)
            if allele >= 0 and _holds(hers, allele):
                hap = _handed_on(calls, lineage, i, parent, child, side, limits, order)
                if hap >= 0:
                    word = int(hers[1] == allele) ^ hap
                    known = calls.gq[i, child] if pq[i, child] < 0 else pq[i, child]
                    _propose(word, min(known, calls.gq[i, parent]), i, parent, proposed, new_pq)


@kernel
def _accept(order: NDArray[np.int8], pq: NDArray[np.int16], proposed: NDArray[np.int8],
            new_pq: NDArray[np.int16]) -> None:  # fmt: skip
    """Take over what was proposed; contradictions (-2) stay open for good. All are (L, N)."""
    for i in range(order.shape[0]):
        for s in range(order.shape[1]):
            if order[i, s] == -1 and proposed[i, s] != -1:
                order[i, s] = proposed[i, s]
                if proposed[i, s] >= 0:
                    pq[i, s] = min(_MAX_PQ, new_pq[i, s])
            proposed[i, s] = -1


@kernel
def _open_contradictions(
    calls: SiteCalls, lineage: Lineage, limits: PhaseLimits, firm: NDArray[np.bool_], order: NDArray[np.int8]
) -> None:
    """Open (-2) what blocks say of a founder and its heir at one site, where it does not go together.

    firm: bool (L, N), told by genotypes: these stay.
    """
    for i in range(order.shape[0]):
        for trio in lineage.trios:
            child = trio[0]
            for side in range(2):
                parent = trio[1 + side]
                if parent < 0 or lineage.heir[parent] != child or order[i, parent] < 0:
                    continue
                allele = _received(calls, i, child, side, limits, order)
                if allele < 0 or allele == calls.gt[i, parent, order[i, parent]]:
                    continue
                if not firm[i, parent]:
                    order[i, parent] = -2
                if order[i, child] >= 0 and not firm[i, child]:
                    order[i, child] = -2


@kernel
def phase_families(
    calls: SiteCalls, lineage: Lineage, limits: PhaseLimits, order: NDArray[np.int8], pq: NDArray[np.int16]
) -> None:
    """Fill order (L, N) and pq (L, N), -1 where unknown, of all related samples' heterozygous genotypes.

    Genotypes first; then, `rounds` times, open genotypes by the sites of their read block that are known,
    and by parents and children that are known at the same site. Nothing depends on a site farther away
    than 2 * rounds * reach_bp. order is -2 where sources contradict each other.
    """
    order[:] = -1
    pq[:] = -1
    _by_genotypes(calls, lineage, limits, order, pq)
    proposed = np.full(order.shape, -1, dtype=np.int8)
    new_pq = np.full(order.shape, -1, dtype=np.int16)
    firm = order >= 0
    for _ in range(limits.rounds):
        for s in range(order.shape[1]):
            if not lineage.related[s]:
                continue
            for i in range(order.shape[0]):
                if order[i, s] == -1 and calls.read_set[i, s] >= 0:
                    word, quality = _by_block(calls, i, s, limits.reach_bp, order, pq)
                    if word >= 0:
                        _propose(word, quality, i, s, proposed, new_pq)
        _accept(order, pq, proposed, new_pq)
        _open_contradictions(calls, lineage, limits, firm, order)
        for i in range(order.shape[0]):
            for trio in lineage.trios:
                _across(calls, lineage, i, trio, limits, order, pq, proposed, new_pq)
        _accept(order, pq, proposed, new_pq)


@kernel
def new_allele_origin(calls: SiteCalls, i: int, trio: NDArray[np.int32], order: NDArray[np.int8]) -> int:
    """Parent on whose haplotype a child's new allele lies: 0 father, 1 mother, -1 unknown.

    `trio` (3,), `order` (L, N).
    """
    child, father, mother = trio[0], trio[1], trio[2]
    if father < 0 or mother < 0 or order[i, child] < 0 or not calls.is_new[i, child]:
        return _UNKNOWN
    found = -1
    for h in range(2):
        allele = calls.gt[i, child, h]
        if calls.gt[i, father, 0] < 0 or calls.gt[i, mother, 0] < 0:
            return _UNKNOWN
        if not _holds(calls.gt[i, father], allele) and not _holds(calls.gt[i, mother], allele):
            if found >= 0:
                return _UNKNOWN
            found = h
    if found < 0:
        return _UNKNOWN
    return 0 if found == order[i, child] else 1
