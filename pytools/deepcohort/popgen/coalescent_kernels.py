"""Coalescent kernels: unlinked SNPs under any epochs, and a locus linked to a selected allele."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel


class Segments(NamedTuple):
    """Stretches of chromosomes with ancestors of samples; room for M, as many as are used.

    lineage: int64 (M,), that carries it; below 0: gone. left, right: float64 (M,), bp. node: int64 (M,), of
    the tree.
    """

    lineage: NDArray[np.int64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    node: NDArray[np.int64]


class Lineages(NamedTuple):
    """Chromosomes that live on backwards in time; room for C.

    active: int64 (C,), ids of living ones. By id: cls: int8 (C,), class by the selected allele; lo, hi:
    float64 (C,), bp, outermost ends. parent: int64 (C,), by place in `active`. ends: float64 (4 * C,), work
    space.
    """

    active: NDArray[np.int64]
    cls: NDArray[np.int8]
    parent: NDArray[np.int64]
    lo: NDArray[np.float64]
    hi: NDArray[np.float64]
    ends: NDArray[np.float64]


class Tree(NamedTuple):
    """What is filled.

    edges: float64 (M, 4), left, right, parent, child. node_time: float64 (M,), generations.
    """

    edges: NDArray[np.float64]
    node_time: NDArray[np.float64]


@kernel
def set_seed(seed: int) -> None:
    """Seed the generator that kernels draw from."""
    np.random.seed(seed)


@kernel
def _waiting_time(rate: float, growth: float, size_factor: float) -> float:
    """Time until coalescence at `rate` now, in a population that shrinks backwards as exp(-growth t)."""
    e = -math.log(1.0 - np.random.random())
    if growth == 0.0:
        return e / rate
    x = 1.0 + growth * e / rate
    if x <= 0.0:
        return np.inf
    return math.log(x) / growth


@kernel
def _move_all(pool: NDArray[np.int64], count: NDArray[np.int64], moves: NDArray[np.int64]) -> None:
    """Populations join others as an epoch starts.

    Args:
        pool: int64 (P, n), lineages by population. count: int64 (P,). moves: int64 (P,).
    """
    for k in range(len(count)):
        j = moves[k]
        if j != k:
            for i in range(count[k]):
                pool[j, count[j]] = pool[k, i]
                count[j] += 1
            count[k] = 0


@kernel
def _carriers(
    chosen: int,
    n: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    origin: NDArray[np.int64],
    stack: NDArray[np.int64],
    out: NDArray[Any],
) -> None:
    """Count the samples below node `chosen` by population, into `out` (K,)."""
    out[:] = 0
    top = 1
    stack[0] = chosen
    while top > 0:
        top -= 1
        x = stack[top]
        if x < n:
            out[origin[x]] += 1
        else:
            stack[top] = left[x]
            stack[top + 1] = right[x]
            top += 2


@kernel
def _place_samples(samples: NDArray[np.int64], pool: NDArray[np.int64], count: NDArray[np.int64]) -> int:
    """Fill pool (P, n) and count (P,) with the leaves of `samples` (P,), by population; their number."""
    leaf = 0
    for k in range(len(samples)):
        count[k] = samples[k]
        for i in range(samples[k]):
            pool[k, i] = leaf
            leaf += 1
    return leaf


@kernel
def _genealogy(
    samples: NDArray[np.int64],
    starts: NDArray[np.float64],
    sizes: NDArray[np.float64],
    growths: NDArray[np.float64],
    migration: NDArray[np.float64],
    moves: NDArray[np.int64],
    pool: NDArray[np.int64],
    count: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> int:
    """The node above which the mutation of one genealogy falls; -1 where lineages never meet.

    Arrays are those of `unlinked_snps`. Everything of an event stands in this one loop: calls cost two thirds
    more, in counted references.

    Args:
        pool: int64 (P, n), lineages by population. count: int64 (P,).
    """
    n_epochs, k_pop = sizes.shape
    alive = node = _place_samples(samples, pool, count)
    epoch, t, total, chosen = 0, 0.0, 0.0, 0
    while alive > 1:
        best, event, who, to = np.inf, 0, 0, 0
        for k in range(k_pop):
            c = count[k]
            if c > 1:
                g = growths[epoch, k]
                size = sizes[epoch, k]
                if g != 0.0:
                    size = size * math.exp(-g * (t - starts[epoch]))
                w = _waiting_time(0.5 * c * (c - 1) / size, g, size)
                if w < best:
                    best, event, who = w, 1, k
            if c > 0:
                for j in range(k_pop):
                    m = migration[epoch, k, j]
                    if m > 0.0 and j != k:
                        w = -math.log(1.0 - np.random.random()) / (m * c)
                        if w < best:
                            best, event, who, to = w, 2, k, j
        ends = starts[epoch + 1] if epoch + 1 < n_epochs else np.inf
        if t + best >= ends:
            best, event = ends - t, 0
        if best == np.inf:
            return -1
        # the branch of the mutation: reservoir sampling over the lengths added
        add = best * alive
        total += add
        if np.random.random() * total < add:
            pick = int(np.random.random() * alive)
            for k in range(k_pop):
                if pick < count[k]:
                    chosen = pool[k, pick]
                    break
                pick -= count[k]
        t += best
        c = count[who]
        if event == 0:
            epoch += 1
            _move_all(pool, count, moves[epoch])
            continue
        a = int(np.random.random() * c)
        if event == 1:
            b = int(np.random.random() * (c - 1))
            if b >= a:
                b += 1
            left[node], right[node] = pool[who, a], pool[who, b]
            pool[who, a] = node
            pool[who, b] = pool[who, c - 1]
            node += 1
            alive -= 1
        else:
            pool[to, count[to]] = pool[who, a]
            count[to] += 1
            pool[who, a] = pool[who, c - 1]
        count[who] = c - 1
    return chosen


@kernel
def unlinked_snps(
    samples: NDArray[np.int64],
    starts: NDArray[np.float64],
    sizes: NDArray[np.float64],
    growths: NDArray[np.float64],
    migration: NDArray[np.float64],
    moves: NDArray[np.int64],
    n_snps: int,
    out: NDArray[Any],
) -> bool:
    """Derived-allele counts of SNPs on independent genealogies, one mutation each, into `out`.

    samples: int64 (K,), haplotypes by population, at time 0. starts: float64 (E,), of the epochs, 2N-free
    units chosen by the caller: `sizes` (E, K) are such that a pair coalesces at rate 1 / size; sizes hold at
    the start of an epoch and change as exp(-growths t) within. migration: (E, K, K), rate at which a lineage
    of i moves to j. moves: int64 (E, K), population to which all lineages of k move as an epoch starts (k =
    none). out: uint8 or int16 (n_snps, K). The mutation falls on a branch in proportion to its length.
    """
    k_pop, n = len(samples), samples.sum()
    pool = np.empty((k_pop, n), np.int64)
    count = np.empty(k_pop, np.int64)
    left = np.empty(2 * n, np.int64)
    right = np.empty(2 * n, np.int64)
    origin = np.repeat(np.arange(k_pop), samples)
    stack = np.empty(2 * n, np.int64)
    for snp in range(n_snps):
        chosen = _genealogy(samples, starts, sizes, growths, migration, moves, pool, count, left, right)
        if chosen < 0:
            return False  # lineages that never meet
        _carriers(chosen, n, left, right, origin, stack, out[snp])
    return True


@kernel
def _any_shared(k: int, m: int) -> float:
    """Chance that `k` lineages do not all have different parents among `m`."""
    p = 1.0
    for i in range(k):
        p *= max(0.0, 1.0 - i / m)
    return 1.0 - p


@kernel
def _cut_lineage(
    lineage: int, new: int, x: float, keeps_left: bool, n_seg: int, seg: Segments
) -> tuple[int, bool, bool]:
    """Segments of `lineage` on the far side of the crossover at `x` go to lineage `new`.

    Returns (segments in all, whether any went, whether any stayed); segments are -1 where arrays are full.
    """
    moved = False
    stays = False
    count = n_seg
    for s in range(count):
        if seg.lineage[s] != lineage:
            continue
        away = seg.left[s] >= x if keeps_left else seg.right[s] <= x
        if away:
            seg.lineage[s] = new
            moved = True
        elif seg.left[s] < x < seg.right[s]:
            if n_seg + 1 >= len(seg.lineage):
                return -1, moved, stays
            seg.lineage[n_seg], seg.node[n_seg] = new, seg.node[s]
            if keeps_left:
                seg.left[n_seg], seg.right[n_seg] = x, seg.right[s]
                seg.right[s] = x
            else:
                seg.left[n_seg], seg.right[n_seg] = seg.left[s], x
                seg.left[s] = x
            n_seg += 1
            moved = True
            stays = True
        else:
            stays = True
    return n_seg, moved, stays


@kernel
def _draw_parents(
    active: NDArray[np.int64], n_active: int, cls: NDArray[np.int8], c: int, m: int, parent: NDArray[np.int64]
) -> None:
    """Parents among `m` of the lineages of class `c`, drawn until two lineages share one.

    Args:
        active: int64 (C,). cls: int8 (C,). parent: int64 (C,), filled.
    """
    while True:
        for a in range(n_active):
            if cls[active[a]] == c:
                parent[a] = int(np.random.random() * m)
        for a in range(n_active):
            if cls[active[a]] != c:
                continue
            for b in range(a):
                if cls[active[b]] == c and parent[b] == parent[a]:
                    return


@kernel
def _gather(a: int, n_active: int, lines: Lineages, n_seg: int, seg: Segments) -> int:
    """Segments of the lineages that share the parent of place `a` join its lineage; how many lineages did.

    Args:
        lines: a `Lineages` of room (C,). seg: a `Segments` of room (M,).
    """
    active, cls, parent, lo, hi = lines.active, lines.cls, lines.parent, lines.lo, lines.hi
    first = active[a]
    mates = 0
    for b in range(a + 1, n_active):
        lineage = active[b]
        if lineage < 0 or cls[lineage] != cls[first] or parent[b] != parent[a]:
            continue
        for s in range(n_seg):
            if seg.lineage[s] == lineage:
                seg.lineage[s] = first
        lo[first], hi[first] = min(lo[first], lo[lineage]), max(hi[first], hi[lineage])
        parent[b] = -1
        active[b] = -1
        mates += 1
    return mates


@kernel
def _cuts_of(lineage: int, n_seg: int, seg: Segments, ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ascending ends of a lineage's segments; an empty array where `ends` is too small.

    Args:
        seg: a `Segments` of room (M,). ends: float64 (4 * C,), work space.
    """
    n = 0
    for s in range(n_seg):
        if seg.lineage[s] == lineage:
            if n + 4 >= len(ends):
                return ends[:0]
            ends[n], ends[n + 1] = seg.left[s], seg.right[s]
            n += 2
    return np.unique(ends[:n])


@kernel
def _coalesce(
    lineage: int,
    time: float,
    cuts: NDArray[np.float64],
    n_seg: int,
    n_edges: int,
    n_nodes: int,
    seg: Segments,
    tree: Tree,
) -> tuple[int, int, int]:
    """Where segments of `lineage` overlap they meet in a new node at `time`.

    Returns (segments, edges, nodes); segments are -1 where arrays are full.
    """
    edges, node_time = tree.edges, tree.node_time
    born = -1
    count = n_seg
    for i in range(len(cuts) - 1):
        x, y = cuts[i], cuts[i + 1]
        covered = 0
        only = -1
        for s in range(count):
            if seg.lineage[s] == lineage and seg.left[s] <= x and seg.right[s] >= y:
                covered += 1
                only = seg.node[s]
        if covered == 0:
            continue
        if n_seg + 1 >= len(seg.lineage) or n_edges + covered >= len(edges) or n_nodes + 1 >= len(node_time):
            return -1, n_edges, n_nodes
        if covered > 1:
            if born < 0:
                born = n_nodes
                node_time[born] = time
                n_nodes += 1
            for s in range(count):
                if seg.lineage[s] == lineage and seg.left[s] <= x and seg.right[s] >= y:
                    edges[n_edges, 0], edges[n_edges, 1] = x, y
                    edges[n_edges, 2], edges[n_edges, 3] = born, seg.node[s]
                    n_edges += 1
            only = born
        seg.lineage[n_seg], seg.left[n_seg], seg.right[n_seg], seg.node[n_seg] = -2, x, y, only
        n_seg += 1
    for s in range(n_seg):
        if seg.lineage[s] == lineage:
            seg.lineage[s] = -1
        elif seg.lineage[s] == -2:
            seg.lineage[s] = lineage
    return n_seg, n_edges, n_nodes


@kernel
def _without_gone(n_active: int, active: NDArray[np.int64], n_seg: int, seg: Segments) -> tuple[int, int]:
    """Lineages and segments that live on, moved together; (lineages, segments)."""
    lineages = 0
    for a in range(n_active):
        if active[a] >= 0:
            active[lineages] = active[a]
            lineages += 1
    kept = 0
    for s in range(n_seg):
        if seg.lineage[s] >= 0:
            seg.lineage[kept], seg.left[kept] = seg.lineage[s], seg.left[s]
            seg.right[kept], seg.node[kept] = seg.right[s], seg.node[s]
            kept += 1
    return lineages, kept


@kernel
def _recombine(
    q: float,
    fitness: NDArray[np.float64],
    centre_bp: float,
    recombination: float,
    n_active: int,
    n_lin: int,
    n_seg: int,
    lines: Lineages,
    seg: Segments,
) -> tuple[int, int, int]:
    """Crossovers on the way to parents of frequency `q`; (lineages alive, in all, segments or -1)."""
    active, cls, lo, hi = lines.active, lines.cls, lines.lo, lines.hi
    now = n_active
    for a in range(now):
        lin = active[a]
        h_lo, h_hi = min(lo[lin], centre_bp), max(hi[lin], centre_bp)
        if np.random.random() >= recombination * (h_hi - h_lo):
            continue
        x = h_lo + np.random.random() * (h_hi - h_lo)
        c = cls[lin]
        with_allele = q * fitness[c + 1]
        without = (1.0 - q) * fitness[c]
        other = 1 if np.random.random() * (with_allele + without) < with_allele else 0
        keeps_left = x > centre_bp  # the part with the centre keeps its class
        if n_lin + 1 >= len(cls) or n_active + 1 >= len(cls) or n_seg + 2 >= len(seg.lineage):
            return n_active, n_lin, -1
        new = n_lin
        n_seg, moved, stays = _cut_lineage(lin, new, x, keeps_left, n_seg, seg)
        if n_seg < 0:
            return n_active, n_lin, -1
        if not moved:
            continue
        if keeps_left:
            lo[new], hi[new] = max(lo[lin], x), hi[lin]
            hi[lin] = min(hi[lin], x)
        else:
            lo[new], hi[new] = lo[lin], min(hi[lin], x)
            lo[lin] = max(lo[lin], x)
        cls[new] = other
        n_lin += 1
        if stays:
            active[n_active] = new
            n_active += 1
        else:
            active[a] = new
    return n_active, n_lin, n_seg


@kernel
def _count_class(active: NDArray[np.int64], n_active: int, cls: NDArray[np.int8], c: int) -> int:
    """Lineages of class `c`.

    Args:
        active: int64 (C,). cls: int8 (C,).
    """
    k = 0
    for a in range(n_active):
        if cls[active[a]] == c:
            k += 1
    return k


@kernel
def _meet_in_class(
    c: int,
    time: float,
    n_active: int,
    n_seg: int,
    n_edges: int,
    n_nodes: int,
    lines: Lineages,
    seg: Segments,
    tree: Tree,
) -> tuple[int, int, int, int]:
    """Lineages of class `c` with one parent become one; (lineages, segments or -1, edges, nodes)."""
    for a in range(n_active):
        lineage = lines.active[a]
        if lineage < 0 or lines.cls[lineage] != c or lines.parent[a] < 0:
            continue
        if _gather(a, n_active, lines, n_seg, seg) == 0:
            continue
        cuts = _cuts_of(lineage, n_seg, seg, lines.ends)
        if len(cuts) == 0:
            return n_active, -1, n_edges, n_nodes
        n_seg, n_edges, n_nodes = _coalesce(lineage, time, cuts, n_seg, n_edges, n_nodes, seg, tree)
        if n_seg < 0:
            return n_active, -1, n_edges, n_nodes
    n_active, n_seg = _without_gone(n_active, lines.active, n_seg, seg)
    return n_active, n_seg, n_edges, n_nodes


@kernel
def linked_history(
    sample_time: NDArray[np.int64],
    p: NDArray[np.float64],
    haploid_size: NDArray[np.int64],
    fitness: NDArray[np.float64],
    locus_bp: float,
    centre_bp: float,
    recombination: float,
    state: NDArray[np.int8],
    edges: NDArray[np.float64],
    node_time: NDArray[np.float64],
) -> tuple[int, int]:
    """Ancestry of a locus back to the origin of a selected allele, exact Wright-Fisher within two classes.

    sample_time: int64 (n,), generations, ascending. p: float64 (T + 1,), frequency of the selected allele
    by generation, present first; haploid_size: int64 (T + 1,), 2N. fitness: float64 (3,), of 0, 1, 2 copies.
    edges: float64 (M, 4), left, right, parent, child, filled; node_time: float64 (M,), filled.
    Lineages carry the class of the allele at `centre_bp`. With recombination the other chromosome of the
    parent is drawn by frequency and fitness; within a class parents are drawn uniformly.

    Returns (number of edges, number of nodes), (-1, 0) where an array is too small. `state`: int8 (n,),
    class of each sample, filled.
    """
    n = len(sample_time)
    m = len(edges)
    seg = Segments(np.empty(m, np.int64), np.empty(m), np.empty(m), np.empty(m, np.int64))
    tree = Tree(edges, node_time)
    cap = 8 * n + 4000
    cls, active, parent = np.empty(cap, np.int8), np.empty(cap, np.int64), np.empty(cap, np.int64)
    lo, hi = np.empty(cap), np.empty(cap)
    lines = Lineages(active, cls, parent, lo, hi, np.empty(4 * cap))
    n_seg, n_lin, n_active, n_nodes, n_edges, joined = 0, 0, 0, n, 0, 0
    node_time[:n] = sample_time
    for g in range(len(p) - 1):
        while joined < n and sample_time[joined] == g:
            state[joined] = 1 if np.random.random() < p[g] else 0
            cls[n_lin] = state[joined]
            lo[n_lin], hi[n_lin] = 0.0, locus_bp
            active[n_active] = n_lin
            seg.lineage[n_seg], seg.node[n_seg] = n_lin, joined
            seg.left[n_seg], seg.right[n_seg] = 0.0, locus_bp
            n_seg += 1
            n_active += 1
            n_lin += 1
            joined += 1
        q = p[g + 1]
        if q == 0.0:
            cls[:n_lin] = 0  # before the allele arose: what its first carrier came from is as all others
        n_active, n_lin, n_seg = _recombine(
            q, fitness, centre_bp, recombination, n_active, n_lin, n_seg, lines, seg
        )
        if n_seg < 0:
            return -1, 0
        total = haploid_size[g + 1]
        selected = int(q * total + 0.5)
        for c in range(2):
            size = selected if c == 1 else total - selected
            k = _count_class(active, n_active, cls, c)
            if k < 2 or (size > 1 and np.random.random() >= _any_shared(k, size)):
                continue
            _draw_parents(active, n_active, cls, c, max(size, 1), parent)
            n_active, n_seg, n_edges, n_nodes = _meet_in_class(
                c, g + 1, n_active, n_seg, n_edges, n_nodes, lines, seg, tree
            )
            if n_seg < 0:
                return -1, 0
    return n_edges, n_nodes
