"""One contig: records of calls and truth in, a decision for each record out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.evaluate import base_pairs as bp
from deepcohort.evaluate import orientation_kernels as ok
from deepcohort.evaluate import path_search, path_state
from deepcohort.evaluate import variant_kernels as vk
from deepcohort.evaluate.config import EvaluateConfig
from deepcohort.evaluate.decompose import decompose, in_reading_order
from deepcohort.evaluate.types import RecordTable

# decision per record
IGNORED, OUTSIDE, TP, ALLELE_ONLY, MISS, TOO_HARD = range(6)


@dataclass(frozen=True, slots=True)
class SideResult:
    """One side of a compared contig, R records.

    Attributes:
        table: the records as compared (after decomposition).
        reason: uint8 (R,), variant_kernels.REASONS: why a record took no part.
        is_snp: bool (R,). inside: bool (R,), touches the confident regions.
        decision: uint8 (R,), IGNORED, OUTSIDE, TP, ALLELE_ONLY (an allele agrees, the genotype does
            not), MISS or TOO_HARD.
        weight: float64 (R,), of calls that are TP: truth records they stand for; 1 elsewhere.
        sync: int32 (R,), id of the neighbourhood compared together (1-based position), 0 none.
        sync2: the same of the second pass, which looks for shared alleles among what is left.
        bases, bases_right: float32 (R,), base pairs that a record changes on both haplotypes, and those
            of them that the other side has too; 0 where not asked for.
    """

    table: RecordTable
    reason: NDArray[np.uint8]
    is_snp: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    decision: NDArray[np.uint8]
    weight: NDArray[np.float64]
    sync: NDArray[np.int32]
    sync2: NDArray[np.int32]
    bases: NDArray[np.float32]
    bases_right: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ContigResult:
    """A compared contig; `given_up` int64 (G, 4): start, end, paths, iterations of what was left out.

    `overlapping`: truth records that reach into the one before them; `starred`: that name `*`.
    """

    contig: str
    calls: SideResult
    truth: SideResult
    given_up: NDArray[np.int64]
    overlapping: int = 0
    starred: int = 0


@dataclass(slots=True)
class _Side:
    """Variants of one side, V of them sorted by (start, end)."""

    table: RecordTable
    reason: NDArray[np.uint8]
    is_snp: NDArray[np.bool_]
    n_alts: NDArray[np.int32]
    record: NDArray[np.int32]
    first: NDArray[np.int64]
    a_start: NDArray[np.int32]
    a_end: NDArray[np.int32]
    a_off: NDArray[np.int32]
    a_len: NDArray[np.int32]
    a_pool: NDArray[np.uint8]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    inside: NDArray[np.bool_]
    modes: tuple[int, int]  # orientations in the first pass and in the second


def _load_side(
    table: RecordTable,
    regions: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
    t_len: int,
    all_alts: bool,
    modes: tuple[int, int],
    config: EvaluateConfig,
) -> _Side:
    table = decompose(table) if config.decompose else in_reading_order(table)
    rules = vk.AlleleRules(config.all_records, all_alts, config.ploidy, config.max_length_bp)
    records = vk.RecordColumns(*(getattr(table, name) for name in vk.RecordColumns._fields))
    reason, is_snp, n_alts, record, alleles = vk.build_alleles(records, rules, t_len, vk.ALLELE_CODE)
    start, end = vk.allele_bounds(alleles.first, alleles.start, alleles.end)
    if regions is None:
        inside = np.ones(len(start), dtype=bool)
    else:
        inside = vk.inside_regions(start, end, *regions)
    if config.ref_overlap:
        vk.trim_reference(alleles, start, end)
    first, a_start, a_end, a_off, a_len, pool = alleles
    rows = (a_start, a_end, a_off, a_len)
    return _Side(table, reason, is_snp, n_alts, record, first, *rows, pool, start, end, inside, modes)


def _modes(config: EvaluateConfig, all_alts: bool, obey_phase: bool) -> tuple[int, int]:
    if all_alts:
        return ok.ANY_ALT, ok.ANY_ALT
    if config.squash_ploidy:
        return ok.ANY_ALLELE, ok.ANY_ALLELE
    return (ok.PHASED if obey_phase else ok.UNPHASED), ok.ANY_ALLELE


def _search(
    template: NDArray[np.uint8],
    calls: _Side,
    truth: _Side,
    take_calls: NDArray[np.int64],
    take_truth: NDArray[np.int64],
    second: bool,
    prune: bool,
    config: EvaluateConfig,
) -> tuple[list[NDArray], list[NDArray], NDArray, NDArray]:
    """Best path over the chosen variants: status, and orientation (0 = first), of calls and of truth; sync
    points; given up."""
    n_haps = 1 if second or config.squash_ploidy else config.ploidy
    orders, pieces = [], []
    for side, take in ((calls, take_calls), (truth, take_truth)):
        order = take[np.lexsort((side.end[take], side.start[take]))]
        rows = side.record
        pieces.append(
            ok.orientations(
                side.modes[second],
                n_haps,
                order,
                side.first,
                side.a_start,
                side.n_alts[rows],
                side.table.gt[rows],
                side.table.ploidy[rows],
                side.table.phased[rows],
            )
        )
        orders.append(order)
    n_rows = len(calls.a_start)
    c_first, c_alleles, c_id = pieces[0]
    t_first, t_alleles, t_id = pieces[1]
    n_orientations = len(c_alleles) + len(t_alleles)
    variants = np.empty((len(orders[0]) + len(orders[1]) + 1, 3), dtype=np.int32)
    variants[:-1, path_search.V_START] = np.concatenate([calls.start[orders[0]], truth.start[orders[1]]])
    variants[:-1, path_search.V_END] = np.concatenate([calls.end[orders[0]], truth.end[orders[1]]])
    variants[:-1, path_search.V_ORIENTATION] = np.concatenate([c_first[:-1], t_first[:-1] + c_first[-1]])
    variants[-1] = (0, 0, n_orientations)
    orientations = np.empty((n_orientations, n_haps + 1), dtype=np.int32)
    orientations[: len(c_alleles), :-1] = c_alleles
    orientations[len(c_alleles) :, :-1] = np.where(t_alleles < 0, -1, t_alleles + n_rows)
    orientations[:, -1] = np.concatenate([c_id, t_id])
    alleles = np.empty((n_rows + len(truth.a_start), 4), dtype=np.int32)
    for part, side, shift in ((slice(n_rows), calls, 0), (slice(n_rows, None), truth, len(calls.a_pool))):
        alleles[part, path_state.START], alleles[part, path_state.END] = side.a_start, side.a_end
        alleles[part, path_state.OFFSET], alleles[part, path_state.LENGTH] = side.a_off + shift, side.a_len
    pool = np.concatenate([calls.a_pool, truth.a_pool])
    problem = path_search.Problem(
        template, len(orders[0]), len(orders[1]), variants, orientations, alleles, pool
    )
    queue = 4
    while True:
        limits = path_search.Limits(n_haps, queue, config.max_paths, config.max_iterations, prune)
        result, status, chosen, syncs, given_up = path_search.best_path(problem, limits)
        if result == path_search.RESULT_OK:
            break
        queue *= 2
    way = np.where(
        status == path_search.STATUS_INCLUDED, chosen - variants[:-1, path_search.V_ORIENTATION], 0
    )
    by_variant, ways = [], []
    for side, order, part in (
        (calls, orders[0], slice(len(orders[0]))),
        (truth, orders[1], slice(len(orders[0]), None)),
    ):
        full = np.full(len(side.start), -1, dtype=np.int8)
        full[order] = status[part]
        by_variant.append(full)
        ways.append(np.zeros(len(side.start), dtype=np.int8))
        ways[-1][order] = way[part]
    return by_variant, ways, syncs, given_up


def _weights(calls: _Side, truth: _Side, status_c: NDArray, status_t: NDArray, syncs: NDArray) -> NDArray:
    """Weight of each included call variant, float64 (V calls,)."""
    order_c = np.lexsort((calls.end, calls.start))
    order_t = np.lexsort((truth.end, truth.start))
    included = np.concatenate([status_c[order_c], status_t[order_t]]) == path_search.STATUS_INCLUDED
    weight = np.ones(len(order_c))
    weight[order_c] = path_search.call_weights(
        syncs,
        np.concatenate([calls.start[order_c], truth.start[order_t]]),
        included,
        np.concatenate([calls.inside[order_c], truth.inside[order_t]]),
        len(order_c),
    )
    return weight


def match_contig(
    contig: str,
    template: NDArray[np.uint8],
    calls_table: RecordTable,
    truth_table: RecordTable,
    regions: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
    config: EvaluateConfig,
) -> ContigResult:
    """Compare one contig.

    Parameters:
        template: uint8 (L,), base codes 1..4 for ACGT, 0 for the rest.
        regions: starts and ends of the confident regions, sorted and disjoint; None = everywhere.
    """
    modes_c = _modes(config, config.all_alts_calls, config.obey_phase_calls)
    modes_t = _modes(config, config.all_alts_truth, config.obey_phase_truth)
    calls = _load_side(calls_table, regions, len(template), config.all_alts_calls, modes_c, config)
    truth = _load_side(truth_table, regions, len(template), config.all_alts_truth, modes_t, config)
    return _match(contig, template, calls, truth, True, config)


def match_trio(
    contig: str,
    template: NDArray[np.uint8],
    child: RecordTable,
    father: RecordTable,
    mother: RecordTable,
    config: EvaluateConfig,
) -> ContigResult:
    """A child's calls against what its parents can have passed on, on haplotypes.

    The parents' tables are of one file: the same records in the same order. In the result they are the
    truth; a call that is no TP is a Mendelian violation, whichever way the records are written.
    """
    modes = ok.UNPHASED, ok.ANY_ALLELE
    calls = _load_side(child, None, len(template), False, modes, config)
    parents = _parents(father, mother)
    passed_on = _load_side(parents, None, len(template), True, (ok.TRANSMITTED, ok.TRANSMITTED), config)
    return _match(contig, template, calls, passed_on, False, config)


def _parents(father: RecordTable, mother: RecordTable) -> RecordTable:
    """Both parents in one table: genotypes side by side, reference where a parent has no variant."""
    columns = {name: getattr(father, name) for name in RecordTable.__slots__}
    genotypes, useful = [], []
    for parent in (father, mother):
        gt = parent.gt[:, :2].copy()
        haploid = parent.ploidy == 1
        gt[haploid, 1] = gt[haploid, 0]
        variant = parent.passed & (gt > 0).any(axis=1) & np.isin(parent.ploidy, (1, 2))
        gt[~variant] = 0
        genotypes.append(gt)
        useful.append(variant)
    columns["gt"] = np.concatenate(genotypes, axis=1)
    columns["ploidy"] = np.full(len(father), 4, dtype=np.int8)
    columns["phased"] = np.zeros(len(father), dtype=bool)
    columns["passed"] = useful[0] | useful[1]
    return RecordTable(**columns)


def _match(
    contig: str,
    template: NDArray[np.uint8],
    calls: _Side,
    truth: _Side,
    prune: bool,
    config: EvaluateConfig,
) -> ContigResult:
    ways = [np.zeros(len(side.start), dtype=np.int8) for side in (calls, truth)]
    all_calls = np.arange(len(calls.start))
    all_truth = np.arange(len(truth.start))
    weight = np.ones(len(all_calls))
    syncs = syncs2 = np.empty(0, dtype=np.int32)
    given_up = np.empty((0, 4), dtype=np.int64)
    status_c = np.zeros(len(all_calls), dtype=np.int8)
    status_t = np.zeros(len(all_truth), dtype=np.int8)
    if len(all_calls) and len(all_truth):
        (status_c, status_t), ways, syncs, given_up = _search(
            template, calls, truth, all_calls, all_truth, False, prune, config
        )
        weight = _weights(calls, truth, status_c, status_t, syncs)
        if config.identical:
            _match_as_written(calls, truth, status_c, status_t, weight)
    allele_c = np.zeros(len(all_calls), dtype=bool)
    allele_t = np.zeros(len(all_truth), dtype=bool)
    left_c = np.flatnonzero(status_c == path_search.STATUS_EXCLUDED)
    left_t = np.flatnonzero(status_t == path_search.STATUS_EXCLUDED)
    if not config.squash_ploidy and len(left_c) and len(left_t):
        (second_c, second_t), _, syncs2, _ = _search(
            template, calls, truth, left_c, left_t, True, prune, config
        )
        allele_c = second_c == path_search.STATUS_INCLUDED
        allele_t = second_t == path_search.STATUS_INCLUDED
    bases = _bases(template, (calls, truth), (status_c, status_t), ways) if config.base_pairs else _NO_BASES
    return ContigResult(
        contig,
        _side_result(calls, status_c, allele_c, weight, syncs, syncs2, bases[0]),
        _side_result(truth, status_t, allele_t, None, syncs, syncs2, bases[1]),
        given_up,
        *_modern_records(truth),
    )


_NO_BASES: tuple[bp.Credit | None, bp.Credit | None] = (None, None)


def _modern_records(truth: _Side) -> tuple[int, int]:
    """Used truth records that begin before an earlier one ends, and those that name `*`."""
    table, rows = truth.table, truth.record
    if not len(rows):
        return 0, 0
    ends = np.maximum.accumulate(table.pos[rows] + table.ref_len[rows])
    return int((table.pos[rows[1:]] < ends[:-1]).sum()), int(
        vk.names_star(table.pool, table.pool_offset, table.ref_len, table.alt_len, rows)
    )


def _match_as_written(
    calls: _Side, truth: _Side, status_c: NDArray, status_t: NDArray, weight: NDArray
) -> None:
    """Include records left over on both sides that are one and the same, in place.

    Records that contradict each other (two changes of one base of one haplotype) cannot be replayed
    together, although both sides may hold them.
    """
    left: dict[tuple[int, str, str, tuple[int, ...]], list[int]] = {}
    for v in np.flatnonzero(status_t == path_search.STATUS_EXCLUDED).tolist():
        left.setdefault(_written(truth, v), []).append(v)
    for v in np.flatnonzero(status_c == path_search.STATUS_EXCLUDED).tolist():
        twins = left.get(_written(calls, v))
        if twins:
            twin = twins.pop(0)
            status_c[v] = status_t[twin] = path_search.STATUS_INCLUDED
            weight[v] = float(truth.inside[twin])


def _written(side: _Side, variant: int) -> tuple[int, str, str, tuple[int, ...]]:
    """Position, REF, ALT and the alleles of the genotype without their order."""
    row = int(side.record[variant])
    gt = side.table.gt[row].tolist()
    alleles = [gt[0], gt[0]] if side.table.ploidy[row] == 1 else [a for a in gt if a > -2]
    ref, alt, _ = side.table.text(row)
    return int(side.table.pos[row]), ref, alt, tuple(sorted(alleles))


def _bases(
    template: NDArray[np.uint8],
    sides: tuple[_Side, _Side],
    statuses: tuple[NDArray, NDArray],
    ways: list[NDArray],
) -> tuple[bp.Credit, bp.Credit]:
    """Base pairs changed and right, of each variant of both sides."""
    played = []
    for side, status, way in zip(sides, statuses, ways, strict=True):
        rows = side.record
        table = side.table
        alleles = (side.first, side.a_start, side.a_end, side.a_off, side.a_len, side.a_pool)
        phase = np.where(table.phased[rows], np.maximum(table.phase_set[rows], 0), -1)
        played.append(
            bp.played(
                template,
                alleles,
                table.gt[rows],
                table.ploidy[rows],
                phase,
                status == path_search.STATUS_INCLUDED,
                status == path_search.STATUS_SKIPPED,
                way,
            )
        )
    return bp.credit(template, played[0], played[1])


def _side_result(
    side: _Side,
    status: NDArray,
    allele: NDArray,
    weight: NDArray | None,
    syncs: NDArray,
    syncs2: NDArray,
    credit: bp.Credit | None,
) -> SideResult:
    """Decisions per record. A TP call counts if truth inside the regions stands behind it (weight > 0),
    wherever the call itself lies; everything else counts if it touches the regions itself."""
    n = len(side.table)
    decision = np.full(n, IGNORED, dtype=np.uint8)
    weights = np.ones(n)
    inside = np.zeros(n, dtype=bool)
    included = status == path_search.STATUS_INCLUDED
    value = np.where(
        included,
        TP,
        np.where(status == path_search.STATUS_SKIPPED, TOO_HARD, np.where(allele, ALLELE_ONLY, MISS)),
    )
    counted = side.inside if weight is None else np.where(included, weight > 0, side.inside)
    decision[side.record] = np.where(counted | (value == TOO_HARD), value, OUTSIDE)
    inside[side.record] = side.inside
    bases, bases_right = np.zeros((2, n), dtype=np.float32)
    if credit is not None:
        bases[side.record], bases_right[side.record] = credit.bases, credit.right
    if weight is not None:
        weights[side.record] = np.where(included, weight, 1.0)
    return SideResult(
        side.table,
        side.reason,
        side.is_snp,
        inside,
        decision,
        weights,
        _neighbourhoods(side, syncs),
        _neighbourhoods(side, syncs2),
        bases,
        bases_right,
    )


def _neighbourhoods(side: _Side, syncs: NDArray) -> NDArray[np.int32]:
    ids = np.zeros(len(side.table), dtype=np.int32)
    if len(syncs):
        at = np.clip(np.searchsorted(syncs, side.start - 1, side="right") - 1, 0, None)
        ids[side.record] = syncs[at] + 2
    return ids
