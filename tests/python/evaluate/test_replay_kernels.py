"""Kernels of the search for matching variants: against brute force over whole haplotypes."""

import random
from functools import cmp_to_key
from itertools import permutations, product

import numpy as np
from deepcohort.evaluate import orientation_kernels as ok
from deepcohort.evaluate import path_queue as pq
from deepcohort.evaluate import path_search as ps
from deepcohort.evaluate import path_state as pt

CODES = " ACGT"  # base codes 1 to 4
Allele = tuple[int, int, str]  # start, end, bases


def codes(text: str) -> np.ndarray:
    return np.array([CODES.index(b) for b in text], np.uint8)


def tables(alleles: list[Allele]) -> tuple[np.ndarray, np.ndarray]:
    """`alleles` int32 (A, 4) and `pool`, as path_state has them."""
    offsets = np.cumsum([0, *(len(bases) for _, _, bases in alleles)])
    rows = [(a, b, o, len(s)) for (a, b, s), o in zip(alleles, offsets, strict=False)]
    return np.array(rows, np.int32).reshape(-1, 4), codes("".join(s for *_, s in alleles))


def spelled(reference: str, alleles: list[Allele]) -> str | None:
    """The haplotype that carries these; None where two overlap."""
    text, at = "", 0
    for start, end, bases in alleles:
        if start < at:
            return None
        text += reference[at:start] + bases
        at = end
    return text + reference[at:]


def random_alleles(rng: random.Random, reference: str, n: int) -> list[Allele]:
    """Sorted alleles that differ from the reference and do not touch."""
    found, at = [], rng.randint(1, 3)
    while len(found) < n and at < len(reference) - 3:
        end = at + rng.choice([0, 1, 1, 2])
        bases = "".join(rng.choice("AC") for _ in range(rng.choice([0, 1, 1, 2])))
        if bases != reference[at:end]:
            found.append((at, end, bases))
        at = end + rng.randint(1, 3)
    return found


# ------------------------------------------------------------------------------------------- playing


def shown(row, block: int, reference: np.ndarray, alleles, pool) -> int:
    base = block * (pt.QUEUE + 4)
    if row[base + pt.APOS] == pt.NONE:
        return int(reference[row[base + pt.TPOS]])
    return int(pool[alleles[row[base + pt.NEXT], pt.OFFSET] + row[base + pt.APOS]])


def test_a_path_shows_the_haplotypes_that_it_plays():
    rng = random.Random(1)
    for _ in range(60):
        reference = "".join(rng.choice("ACGT") for _ in range(14))
        own = random_alleles(rng, reference, 4)
        alleles, pool = tables(own)
        row = np.empty(pt.row_width(1, 4), np.int32)
        pt.init_row(row, 1, 4)
        for k in range(len(own)):
            assert pt.play(row, pt.CALLS, np.array([k, 0], np.int32), 1, pt.QUEUE + 4, alleles)
        seen = []
        while True:
            assert pt.step_haplotype(row, 0, len(reference), alleles)
            if row[pt.FINISHED]:
                break
            seen.append(shown(row, 0, codes(reference), alleles, pool))
        assert "".join(CODES[c] for c in seen) == spelled(reference, own)


def test_a_full_queue_is_told():
    alleles, _ = tables([(i, i + 1, "A") for i in range(9)])
    row = np.empty(pt.row_width(1, 2), np.int32)
    pt.init_row(row, 1, 2)
    played = [pt.play(row, 0, np.array([k, 0], np.int32), 1, pt.QUEUE + 2, alleles) for k in range(4)]
    assert played == [True, True, True, False]  # one begins, two wait


def two_paths(reference: str, calls: list[Allele], truth: list[Allele]):
    """A path that has chosen these on one haplotype, its alleles, pool and width."""
    alleles, pool = tables([*calls, *truth])
    width = pt.QUEUE + 4
    row = np.empty(pt.row_width(1, 4), np.int32)
    pt.init_row(row, 1, 4)
    for side, numbers in ((pt.CALLS, range(len(calls))), (pt.TRUTH, range(len(calls), len(alleles)))):
        for k in numbers:
            pt.play(row, side, np.array([k, 0], np.int32), 1, width, alleles)
    return row, alleles, pool, width


def test_a_path_lives_while_both_sides_spell_the_same():
    rng = random.Random(2)
    n_alive = 0
    for _ in range(150):
        reference = "".join(rng.choice("AC") for _ in range(10))
        calls, truth = (random_alleles(rng, reference, rng.randint(0, 2)) for _ in range(2))
        row, alleles, pool, width = two_paths(reference, calls, truth)
        alive = True
        while alive and not pt.finished(row, 1, width):
            assert pt.step(row, 1, width, len(reference), alleles)
            alive = pt.matches(row, 1, width, codes(reference), alleles, pool)
        one, two = spelled(reference, calls), spelled(reference, truth)
        assert one is not None
        assert two is not None
        n = min(len(one), len(two))
        assert alive == (one[:n] == two[:n])
        n_alive += alive
    assert 10 < n_alive < 140


def test_positions_of_a_path():
    width = pt.QUEUE + 2
    row = np.empty(pt.row_width(2, 2), np.int32)
    pt.init_row(row, 2, 2)
    alleles, _ = tables([(9, 10, "AC"), (12, 13, "")])
    pt.move_forward(row, 2, width, 3, alleles)
    assert pt.in_sync(row, 2, width)
    assert pt.trailing_haplotype(row, 0, 2, width) == pt.NONE
    row[width + pt.TPOS] = 7
    assert not pt.in_sync(row, 2, width)
    assert (pt.position(row, 0, 2, width), pt.position(row, 1, 2, width)) == (7, 3)
    assert (pt.trailing_haplotype(row, 0, 2, width), pt.trailing_haplotype(row, 1, 2, width)) == (0, pt.NONE)
    pt.move_forward(row, 2, width, 5, alleles)
    assert pt.in_sync(row, 2, width)
    assert pt.position(row, 0, 2, width) == 5
    side1 = 4 * width + pt.SIDE_WIDTH
    row[side1 + pt.INCLUDED_END] = 6  # a variant that is chosen but not yet passed
    assert not pt.in_sync(row, 2, width)


def test_a_side_asks_for_more_when_it_runs_dry():
    alleles, _ = tables([(4, 6, "AC"), (8, 9, ""), (9, 10, "G")])
    width = pt.QUEUE + 4
    row = np.empty(pt.row_width(1, 4), np.int32)
    pt.init_row(row, 1, 4)
    assert pt.wants_future(row, 0, 1, width, alleles)  # nothing is chosen
    for k, want in ((0, True), (1, True), (2, False)):  # what waits must have bases
        pt.play(row, 0, np.array([k, 0], np.int32), 1, width, alleles)
        if k == 0:
            row[pt.APOS] = 0  # the first of two bases: one is left
            assert not pt.wants_future(row, 0, 1, width, alleles)
            row[pt.APOS] = 1
        assert pt.wants_future(row, 0, 1, width, alleles) == want


def test_what_overlaps_on_a_haplotype_cannot_follow():
    alleles, _ = tables([(4, 6, "A"), (5, 6, "C"), (6, 7, "C")])
    width = pt.QUEUE + 4
    row = np.empty(pt.row_width(2, 4), np.int32)
    pt.init_row(row, 2, 4)
    pt.play(row, 1, np.array([0, pt.NONE, 0], np.int32), 2, width, alleles)
    row[4 * width + pt.SIDE_WIDTH + pt.INCLUDED_END] = 6
    for played, start, want in (
        ((1, -1), 5, False), ((-1, 1), 5, True), ((2, -1), 6, True), ((1, -1), 6, True), ((-1, -1), 5, True),
    ):  # fmt: skip
        row_of_haps = np.array([*played, 0], np.int32)
        assert pt.can_include(row, 1, np.int32(start), row_of_haps, 2, width, alleles) == want
        assert pt.can_include(row, 0, np.int32(start), row_of_haps, 2, width, alleles)


# --------------------------------------------------------------------------------------------- queue


def random_path(rng: random.Random, reference: str, alleles, width: int) -> np.ndarray:
    row = np.empty(pt.row_width(1, 4), np.int32)
    pt.init_row(row, 1, 4)
    for side in range(2):
        for k in sorted(rng.sample(range(len(alleles)), rng.randint(0, 2))):
            pt.play(row, side, np.array([k, 0], np.int32), 1, width, alleles)
    for _ in range(rng.randint(0, 3)):
        pt.step(row, 1, width, len(reference), alleles)
    row[2 * width + pt.N_INCLUDED] = rng.randint(0, 3)
    return row


def future(row, width: int, own: list[Allele]):
    """What a path has still to play."""
    out = []
    for base in (0, width):
        queued = row[base + pt.QUEUE : base + pt.QUEUE + row[base + pt.QUEUE_LEN]]
        waiting = [own[k] for k in (row[base + pt.NEXT], *queued) if k != pt.NONE]
        out.append(
            (int(row[base + pt.TPOS]), int(row[base + pt.APOS]) if waiting else pt.NONE, tuple(waiting))
        )
    return tuple(out)


def test_live_paths_come_out_in_order_each_future_once():
    rng = random.Random(3)
    reference, width = "ACGTACGTACGT", pt.QUEUE + 4
    own = [(2, 3, "A"), (2, 3, "A"), (2, 3, "C"), (2, 4, "C"), (5, 5, "GG"), (5, 5, "GT")]  # two are the same
    alleles, pool = tables(own)
    compare = lambda p, q: pt.compare_rows(p, q, 1, width, alleles, pool)  # noqa: E731
    for _ in range(15):
        paths = [random_path(rng, reference, alleles, width) for _ in range(30)]
        for p, q in product(paths[:8], repeat=2):
            order, other = compare(p, q), compare(q, p)
            assert (order == 0) == (future(p, width, own) == future(q, width, own))
            assert (order > 0) == (other < 0)
        rows, free = np.empty((64, len(paths[0])), np.int32), np.arange(64).astype(np.int32)
        order_of, at = np.empty(256, np.int32), np.array([64, 128, 128, 0, 0])
        for path in paths:
            pq.offer(path, rows, free, order_of, at, 1, width, alleles, pool)
        best: dict = {}
        for path in paths:
            key = future(path, width, own)
            best[key] = max(best.get(key, 0), int(path[2 * width + pt.N_INCLUDED]))
        assert at[pq.HIGH] - at[pq.LOW] == len(best)
        assert at[pq.N_FREE] == 64 - len(best)
        low, high = int(at[pq.LOW]), int(at[pq.HIGH])
        for path in paths[:5]:
            where, there = pq.find(path, rows, order_of, low, high, 1, width, alleles, pool)
            assert there
            assert future(rows[order_of[where]], width, own) == future(path, width, own)
        out, row = [], np.empty_like(paths[0])
        for left in range(len(best) - 1, -1, -1):
            assert pq.pop(row, rows, free, order_of, at) == left
            assert row[2 * width + pt.N_INCLUDED] == best[future(row, width, own)]
            out.append(row.copy())
        assert len({future(r, width, own) for r in out}) == len(best)
        assert [r.tolist() for r in out] == [r.tolist() for r in sorted(out, key=cmp_to_key(compare))]
        assert sorted(free[: at[pq.N_FREE]].tolist()) == list(range(64))


def test_ties_between_paths_are_broken_by_tidiness():
    width = pt.QUEUE + 2
    side0, tail = 2 * width, 2 * width + 2 * pt.SIDE_WIDTH

    def path(n=(1, 1), since=(0, 0), sync=pt.NO_SYNC, last=3):
        row = np.zeros(pt.row_width(1, 2), np.int32)
        for side in range(2):
            row[side0 + side * pt.SIDE_WIDTH + pt.N_INCLUDED] = n[side]
            row[side0 + side * pt.SIDE_WIDTH + pt.SINCE_SYNC] = since[side]
        row[tail + pt.SYNC_TOP], row[tail + pt.LAST_TRUTH_ID] = sync, last
        return row

    better = [
        (path(n=(2, 1)), path(n=(1, 1), since=(5, 5))), (path(since=(1, 2)), path(since=(4, 1))),
        (path(sync=9), path(sync=4)), (path(sync=4), path()), (path(last=2), path(last=3)),
    ]  # fmt: skip
    for p, q in better:
        assert pt.first_is_better(p, q, 1, width)
        assert not pt.first_is_better(q, p, 1, width)
    none = path(last=pt.NO_ALLELE_ID)
    assert not pt.first_is_better(none, path(since=(3, 0)), 1, width)  # the later one stays
    assert not pt.first_is_better(path(), path(), 1, width)


def test_growing_keeps_what_there_is():
    rows = np.arange(6, dtype=np.int32).reshape(2, 3)
    bigger = pq.grow_rows(rows, 5)
    assert (bigger.shape, bigger[:2].tolist()) == ((9, 3), rows.tolist())
    order, at = np.arange(20, dtype=np.int32), np.array([1, 4, 9, 0, 0])
    longer = pq.grow_order(order, 7, at)
    assert longer[at[pq.LOW] : at[pq.HIGH]].tolist() == [4, 5, 6, 7, 8]
    assert min(at[pq.LOW], len(longer) - at[pq.HIGH]) >= 7
    free = pq.grow_free(np.array([8, 9], np.int32), 5, at)
    assert sorted(free[: at[pq.N_FREE]].tolist()) == [2, 3, 4, 8]
    at = np.array([1, 4, 6, 0, 0])
    free = np.array([7, 0, 0], np.int32)
    pq.drop_all(free, order, at)
    assert (free.tolist(), at[pq.LOW]) == ([7, 4, 5], 6)


# -------------------------------------------------------------------------------------------- search

GENOTYPES = {"hom": [(1, 1)], "het": [(1, 0), (0, 1)]}


def best_number(reference: str, sides: list[list[tuple[Allele, str]]]) -> int:
    """Most variants of both sides together that spell one pair of haplotypes."""
    found: list[dict[tuple[str, str], int]] = []
    for variants in sides:
        ways: dict[tuple[str, str], int] = {}
        for choice in product(*([None, *GENOTYPES[kind]] for _, kind in variants)):
            pair = [
                spelled(reference, [v for (v, _), c in zip(variants, choice, strict=True) if c and c[h]])
                for h in (0, 1)
            ]
            if None not in pair:
                n = sum(c is not None for c in choice)
                ways[tuple(pair)] = max(ways.get(tuple(pair), 0), n)
        found.append(ways)
    return max(n + found[1][pair] for pair, n in found[0].items() if pair in found[1])


def problem_of(reference: str, sides: list[list[tuple[Allele, str]]]) -> ps.Problem:
    flat = [v for side in sides for v in side]
    alleles, pool = tables([v for v, _ in flat])
    variants, ways = [], []
    for k, ((start, end, _), kind) in enumerate(flat):
        variants.append((start, end, len(ways)))
        ways += [(k if a else pt.NONE, k if b else pt.NONE, a) for a, b in GENOTYPES[kind]]
    variants.append((0, 0, len(ways)))
    return ps.Problem(
        codes(reference), len(sides[0]), len(sides[1]), np.array(variants, np.int32),
        np.array(ways, np.int32).reshape(-1, 3), alleles, pool,
    )  # fmt: skip


def test_the_best_path_matches_as_many_variants_as_can_match():
    rng = random.Random(4)
    n_matched = 0
    for _ in range(60):
        reference = "".join(rng.choice("AAC") for _ in range(14)) + "GT"
        sides = [
            [(a, rng.choice(["hom", "het"])) for a in random_alleles(rng, reference, rng.randint(1, 4))]
            for _ in "ct"
        ]
        if rng.random() < 0.5:  # much of the truth is called, though not all of it as the same genotype
            sides[1] = [(a, rng.choice(["hom", "het", kind])) for a, kind in sides[0] if rng.random() < 0.9]
        problem = problem_of(reference, sides)
        result, status, chosen, syncs, given_up = ps.best_path(
            problem, ps.Limits(2, 8, 10_000, 1_000_000, False)
        )
        assert (result, len(given_up)) == (ps.RESULT_OK, 0)
        assert set(status.tolist()) <= {ps.STATUS_EXCLUDED, ps.STATUS_INCLUDED}
        pairs = []
        for side, first in zip(sides, (0, len(sides[0])), strict=True):
            taken = [
                (v, problem.orientations[chosen[first + i]])
                for i, (v, _) in enumerate(side)
                if status[first + i] == ps.STATUS_INCLUDED
            ]
            pairs.append([spelled(reference, [v for v, way in taken if way[h] != pt.NONE]) for h in (0, 1)])
        assert pairs[0] == pairs[1]
        n = int((status == ps.STATUS_INCLUDED).sum())
        assert n == best_number(reference, sides)
        assert syncs.tolist() == sorted(syncs.tolist())
        n_matched += n
    assert n_matched > 60


def test_a_short_queue_and_a_hard_stretch_are_told():
    # beside one that is left out, deletions queue: none of them shows a base
    queued: list = [((2, 14, "CCC"), "hom"), *(((i, i + 1, ""), "hom") for i in (4, 7, 10))]
    problem = problem_of("A" * 20, [queued, queued])
    assert ps.best_path(problem, ps.Limits(2, 1, 10_000, 1_000_000, False))[0] == ps.RESULT_QUEUE_FULL
    problem = problem_of("A" * 20, [[((i, i, "A"), "hom") for i in range(2, 9)] for _ in "ct"])
    result, status, *_, given_up = ps.best_path(problem, ps.Limits(2, 16, 3, 1_000_000, False))
    assert result == ps.RESULT_OK
    assert len(given_up) > 0
    assert ps.STATUS_SKIPPED in status
    assert (given_up[:, 2] > 3).all()


def test_variants_of_one_side_that_cancel_each_other_are_pruned():
    sides = [[((3, 4, ""), "hom"), ((6, 6, "A"), "hom")], []]  # within a run of A
    problem = problem_of("CCAAAAAACC", sides)
    for prune, want in ((False, 2), (True, 0)):
        status = ps.best_path(problem, ps.Limits(2, 8, 100, 10_000, prune))[1]
        assert (status == ps.STATUS_INCLUDED).sum() == want


def test_calls_weigh_what_they_match():
    rng = random.Random(5)
    for _ in range(60):
        starts = [sorted(rng.choices(range(30), k=rng.randint(1, 8))) for _ in "ct"]
        n_calls, n = len(starts[0]), sum(map(len, starts))
        included = np.array([rng.random() < 0.7 for _ in range(n)])
        inside = np.array([rng.random() < 0.7 for _ in range(n)])
        syncs = np.array([*sorted(rng.sample(range(30), 3)), 30], np.int32)
        weight = ps.call_weights(
            syncs, np.array([*starts[0], *starts[1]], np.int32), included, inside, n_calls
        )
        stretch = [int(np.searchsorted(syncs[:-1], s)) for s in [*starts[0], *starts[1]]]
        for i in range(n_calls):
            truth = sum(stretch[t] == stretch[i] and included[t] and inside[t] for t in range(n_calls, n))
            calls = sum(stretch[c] == stretch[i] and included[c] for c in range(n_calls))
            assert weight[i] == (truth / calls if included[i] else 0)


# -------------------------------------------------------------------------------------- orientations


def slow_orientations(mode: int, n_haps: int, n_alts: int, gt, ploidy: int, phased: bool, playable: set[int]):
    """Ways as tuples of alleles, of one variant."""
    called = [gt[0]] * n_haps if ploidy == 1 else list(gt[:n_haps])
    if mode == ok.TRANSMITTED and n_haps == 2:
        return {(f, m) for f in gt[:2] for m in gt[2:4]}
    if n_haps == 1 and mode in (ok.ANY_ALT, ok.ANY_ALLELE, ok.TRANSMITTED):
        alts = range(1, n_alts + 1) if mode == ok.ANY_ALT else gt[:ploidy]
        return {(a,) for a in alts if a > 0 and a in playable}
    if mode == ok.ANY_ALT:
        alts = [a for a in range(1, n_alts + 1) if a in playable]
        return {p for a in alts for b in (-1, *alts) for p in ((a, b), (b, a))}
    if phased and mode != ok.UNPHASED:
        return {tuple(called[::-1] if mode == ok.INVERTED else called)}
    return set(permutations(called))


def test_ways_in_which_variants_lie_on_haplotypes():
    rng = random.Random(6)
    for _ in range(80):
        n = rng.randint(1, 12)
        n_alts = [rng.randint(1, 3) for _ in range(n)]
        mode, n_haps = rng.choice(
            [(m, h) for m in range(6) for h in (1, 2) if (m, h) != (ok.ANY_ALLELE, 2)] + [(0, 3), (1, 3)]
        )
        ploidy = [rng.choice([1, 2]) if n_haps < 3 else 3 for _ in range(n)]
        gts = [[rng.randint(0, k) for _ in range(4)] for k in n_alts]
        first = np.cumsum([0, *(k + 2 for k in n_alts)]).astype(np.int64)
        # rows of a variant: none (-1), REF, ALTs; a negative start: it is not played
        a_start = np.array([rng.choice([5, 5, -1]) for _ in range(first[-1])], np.int32)
        phased = [rng.random() < 0.5 for _ in range(n)]
        order = np.array(rng.sample(range(n), n), np.int64)
        o_first, rows, ids = ok.orientations(
            mode, n_haps, order, first, a_start, np.array(n_alts, np.int32), np.array(gts, np.int16),
            np.array(ploidy, np.int8), np.array(phased),
        )  # fmt: skip
        for i, v in enumerate(order.tolist()):
            row_of = {a: int(first[v]) + 1 + a for a in range(-1, n_alts[v] + 1)}
            playable = {a for a, row in row_of.items() if a_start[row] >= 0}
            want = slow_orientations(mode, n_haps, n_alts[v], gts[v], ploidy[v], phased[v], playable)
            part = slice(o_first[i], o_first[i + 1])
            found = [tuple(r) for r in rows[part].tolist()]
            played = {tuple(row_of[a] if a in playable else -1 for a in way) for way in want}
            assert set(found) == played
            assert len(found) == len(want)
            assert sorted(ids[part].tolist()) == sorted(way[0] for way in want)
