"""Kernels from candidates to sites: against plain Python, brute force over joint genotypes included."""

import itertools
import math
import random

import numpy as np
import pytest
from calls_builders import make_table
from deepcohort.calls import kernels_genotype as kg
from deepcohort.calls import kernels_overlap as ko
from deepcohort.calls import kernels_sites as ks
from deepcohort.calls.columns import DraftSites, KnownColumns, PhasePairs, columns_of
from deepcohort.calls.kernels_phase import count_pairs
from deepcohort.candidates.columns import AlleleColumns, Window
from deepcohort.core.sequence import decode_bases, encode_bases

START = 500  # contig position of the references here
REFERENCE = "".join(random.Random(0).choices("ACGT", k=80))
Row = tuple[int, str, str]


def random_rows(rng: random.Random, n: int, places: range = range(5, 40)) -> list[Row]:
    """(pos, REF, ALT) of `n` alleles, several at one place, with anchors that match the reference."""
    rows: set[Row] = set()
    while len(rows) < n:
        at = rng.choice(places)
        ref = REFERENCE[at]
        kind = rng.random()
        if kind < 0.5:
            rows.add((at + START, ref, rng.choice([b for b in "ACGT" if b != ref])))
        elif kind < 0.75:
            rows.add((at + START, ref, ref + "".join(rng.choices("ACGT", k=rng.randint(1, 3)))))
        else:
            rows.add((at + START, REFERENCE[at : at + rng.randint(2, 5)], ref))
    return sorted(rows)


def table_of(rows: list[Row], rng: random.Random):
    return make_table([(*r, (rng.randint(0, 20), rng.randint(0, 20))) for r in rows])


WINDOW = Window(encode_bases(REFERENCE).copy(), START)


# ------------------------------------------------------------------------------------------ pairs of reads


def test_reads_that_show_two_candidates_of_one_site():
    rng = random.Random(1)
    for _ in range(40):
        n = rng.randint(2, 8)
        pos = np.array(sorted(rng.choices(range(4), k=n)), np.int64)
        kinds = [rng.choice(["snp", "indel", "other"]) for _ in range(n)]
        is_snp, is_indel = (np.array([k == kind for k in kinds]) for kind in ("snp", "indel"))
        rows = np.array(sorted(rng.sample(range(n), rng.randint(1, n))), np.int64)
        reads = [sorted(rng.sample(range(10), rng.randint(0, 8))) for _ in range(n)]
        shown = [[rng.choice([-1, 0, 1, 2]) for _ in r] for r in reads]
        offset = np.cumsum([0, *map(len, reads)]).astype(np.int64)
        pairs, counts = count_pairs(
            pos, is_snp, is_indel, rows, offset, np.array([r for x in reads for r in x], np.int32),
            np.array([a for x in shown for a in x], np.int8),
        )  # fmt: skip
        want = {}
        for i, j in itertools.permutations(range(len(rows)), 2):
            a, b = rows[i], rows[j]
            if pos[a] == pos[b] and kinds[a] == "snp" and kinds[b] == "indel":
                said = [dict(zip(reads[k], shown[k], strict=True)) for k in (a, b)]
                both = [(said[0][r], said[1][r]) for r in said[0] if r in said[1]]
                want[i, j] = (both.count((1, 1)), both.count((1, 0)) + both.count((0, 1)))
        assert {tuple(p): tuple(c) for p, c in zip(pairs.tolist(), counts.tolist(), strict=True)} == want


# ---------------------------------------------------------------------------------------------- genotypes


def test_genotypes_in_the_order_of_the_specification():
    order = [(x, y) for y in range(8) for x in range(y + 1)]
    for g, pair in enumerate(order):
        assert kg.genotype_alleles(g, np.int8(2)) == pair
        assert kg.genotype_alleles(g, np.int8(1)) == (g, -2)
    for n in range(1, 8):
        assert kg.genotype_count(n, np.int8(2)) == sum(y < n for _, y in order)
        assert kg.genotype_count(n, np.int8(1)) == n


def slow_touched(pos: int, ref: str, alt: str) -> tuple[int, int]:
    """First and last half base that an allele changes."""
    head = 0
    while head < min(len(ref), len(alt)) and ref[head] == alt[head]:
        head += 1
    ref, alt, pos = ref[head:], alt[head:], pos + head
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    return (2 * pos, 2 * (pos + len(ref) - 1)) if ref else (2 * pos - 1, 2 * pos - 1)


def test_sites_and_what_their_alleles_touch():
    rng = random.Random(2)
    for _ in range(30):
        rows = random_rows(rng, 10)
        rows += [(START + 50, REFERENCE[50:54], REFERENCE[50] + "TT" + REFERENCE[53])]
        table = table_of(rows, rng)
        offsets = kg.site_offsets(table.pos)
        starts = [i for i, r in enumerate(rows) if i == 0 or rows[i - 1][0] != r[0]]
        assert offsets.tolist() == [*starts, len(rows)]
        touched = kg.touched_intervals(columns_of(AlleleColumns, table), WINDOW)
        assert touched.tolist() == [list(slow_touched(*r)) for r in rows]
        given = np.array([rng.random() < 0.4 for _ in rows])
        most = max(int(given[a:b].sum()) for a, b in itertools.pairwise(offsets))
        assert kg.most_alleles(offsets, given) == kg.MAX_ALLELES + most


def slow_members(
    part: range, weight, given, least: float, most: int, touched, is_snp
) -> list[tuple[int, int]]:
    """Rows of each ALT of a site: the likeliest ones and those given, then SNPs joined with indels."""
    likely = sorted((r for r in part if not given[r] and weight[r] >= least), key=lambda r: (-weight[r], r))[
        :most
    ]
    single = sorted([*likely, *(r for r in part if given[r])])
    compounds = [
        (a, b)
        for a in single
        for b in single
        if is_snp[a] and not is_snp[b] and touched[b, 0] > touched[a, 1] and min(weight[a], weight[b]) >= 0.3
    ]
    return [(r, -1) for r in single] + compounds[:2]


def slow_likelihood(members, x: int, y: int | None, log_p, log_ref, pairs) -> float:
    """log10 of genotype x/y (haploid: x) of alleles `members`, REF first."""
    score = 0.0
    for row, other in members[1:]:
        if other < 0:
            held = [row in members[a] for a in ((x, y) if y is not None else (x, x))]
            score += log_p[row, sum(held)]
    if y is None:
        return score
    score += log_ref[[x, y].count(0)]
    for c, (a, b) in enumerate(members):
        if b < 0:
            continue
        cis, trans = pairs.get((a, b), (0, 0))
        if sorted((x, y)) == [0, c]:
            score -= (cis + trans == 0) + min(6.0, trans)
        elif {members[x], members[y]} == {(a, -1), (b, -1)}:
            score -= min(6.0, cis)
    return score


def test_likelihoods_are_products_over_alleles():
    rng, n_compounds, n_several = random.Random(3), 0, 0
    for _ in range(40):
        rows = random_rows(rng, 12, range(5, 12))
        table = table_of(rows, rng)
        offsets = kg.site_offsets(table.pos)
        touched = kg.touched_intervals(columns_of(AlleleColumns, table), WINDOW)
        is_snp = np.array([len(r) == len(a) == 1 for _, r, a in rows])
        prob = np.array(
            [rng.choice([(0.9, 0.09, 0.01), (0.01, 0.6, 0.39), (0, 1, 0), (0.5, 0.3, 0.3)]) for _ in rows]
        )
        given = np.array([rng.random() < 0.15 for _ in rows])
        ploidy = np.array([rng.choice([1, 2, 2]) for _ in offsets[1:]], np.int8)
        listed = [
            (a, b) for a, b in itertools.permutations(range(len(rows)), 2)
            if rows[a][0] == rows[b][0] and is_snp[a] and not is_snp[b] and rng.random() < 0.7
        ]  # fmt: skip
        reads = [(rng.randint(0, 8), rng.randint(0, 3)) for _ in listed]
        pairs = PhasePairs(
            np.array(listed, np.int64).reshape(-1, 2), np.array(reads, np.int64).reshape(-1, 2)
        )
        n_alleles, member, gl, error = kg.build_sites(
            offsets, prob, table.ad, ploidy, touched, is_snp, given, 0.05, 3, pairs
        )
        for s, (lo, hi) in enumerate(itertools.pairwise(offsets.tolist())):
            haploid = ploidy[s] == 1
            weight, log_p = {}, {}
            for r in range(lo, hi):
                total = max(prob[r, 0] + prob[r, 2], 1e-30) if haploid else prob[r].sum()
                weight[r] = (prob[r, 2] if haploid else prob[r, 1] + prob[r, 2]) / total
                for copies in range(3):
                    log_p[r, copies] = math.log10(max(prob[r, copies] / total, 1e-30))
            assert error[s] == pytest.approx(1 - math.prod(1 - min(w, 1 - 1e-15) for w in weight.values()))
            members = [(-1, -1), *slow_members(range(lo, hi), weight, given, 0.05, 3, touched, is_snp)]
            assert [tuple(m) for m in member[s, 1 : n_alleles[s]].tolist()] == members[1:]
            assert n_alleles[s] == len(members)
            log_ref = [0.0, 0.0, 0.0]
            if not haploid and len(members) > 2 and all(b < 0 for _, b in members):
                n_ref, n_alt = min(table.ad[lo:hi, 0]), sum(table.ad[a, 1] for a, _ in members[1:])
                log_ref = [n_ref * math.log10(q) + n_alt * math.log10(1 - q) for q in (0.03, 0.5)]
                log_ref = [x - max(log_ref) for x in log_ref] + [0.0]
                n_several += 1
            n_compounds += any(b >= 0 for _, b in members)
            known = dict(zip(listed, reads, strict=True))
            for g in range(kg.genotype_count(len(members), ploidy[s])):
                x, y = kg.genotype_alleles(g, ploidy[s])
                want = slow_likelihood(members, x, None if haploid else y, log_p, log_ref, known)
                assert gl[s, g] == pytest.approx(want), (s, x, y)
    assert min(n_compounds, n_several) > 10


# ----------------------------------------------------------------------------------------------- overlaps


def fits(choice, ploidy, spans) -> bool:
    """Whether no half base is covered more often than its ploidy allows."""
    held = [(s, spans[s, a]) for s, pair in enumerate(choice) for a in pair if a > 0]
    for p in range(0, 40):
        over = [s for s, (a, b) in held if a <= p <= b]
        if over and len(over) > min(int(ploidy[s]) for s in over):
            return False
    return True


def test_sites_that_overlap_get_max_marginals_of_what_fits():
    rng, n_changed = random.Random(4), 0
    for _ in range(60):
        n = rng.randint(2, 3)
        n_alleles = np.array([rng.choice([2, 2, 3]) for _ in range(n)], np.int64)
        ploidy = np.array([rng.choice([1, 2, 2]) for _ in range(n)], np.int8)
        spans = np.zeros((n, 3, 2), np.int64)
        spans[:, 0] = (1, 0)
        for s in range(n):
            for a in (1, 2):
                first = 4 * s + rng.randint(0, 2)
                spans[s, a] = (first, first + rng.randint(0, 9))
        gl = np.array([[rng.choice([0.0, -0.5, -3.0, -7.25]) + g / 1000 for g in range(6)] for _ in range(n)])
        before, label = gl.copy(), np.zeros(n, np.int64)
        n_found = ko.resolve_overlaps(n_alleles, gl, ploidy, spans, label)
        genotypes = [
            [
                tuple(kg.genotype_alleles(g, ploidy[s]))
                for g in range(kg.genotype_count(n_alleles[s], ploidy[s]))
            ]
            for s in range(n)
        ]
        best = [max(range(len(gs)), key=lambda g, s=s: before[s, g]) for s, gs in enumerate(genotypes)]
        if fits([genotypes[s][g] for s, g in enumerate(best)], ploidy, spans):
            assert n_found == 0
            assert (gl == before).all()
            continue
        n_changed += 1
        assert n_found == 1
        marginal: dict[tuple[int, int], float] = {}
        for combination in itertools.product(*map(range, map(len, genotypes))):
            if fits([genotypes[s][g] for s, g in enumerate(combination)], ploidy, spans):
                score = sum(before[s, g] for s, g in enumerate(combination))
                for s, g in enumerate(combination):
                    marginal[s, g] = max(marginal.get((s, g), -math.inf), score)
        top = max(marginal.values())
        for s, gs in enumerate(genotypes):
            for g in range(len(gs)):
                if (s, g) in marginal:
                    assert gl[s, g] == pytest.approx(marginal[s, g] - top)
                else:
                    assert gl[s, g] <= -10.0
        after = [max(range(len(gs)), key=lambda g, s=s: gl[s, g]) for s, gs in enumerate(genotypes)]
        assert all(gl[s, g] == 0 for s, g in enumerate(after))
    assert n_changed > 15


def test_too_many_combinations_still_fit():
    n = 16
    spans = np.zeros((n, 2, 2), np.int64)
    spans[:, 0], spans[:, 1] = (1, 0), (0, 30)
    gl = np.array([[0.0, -0.1 - s / 100, 0.2] for s in range(n)])
    ploidy, label = np.full(n, 2, np.int8), np.zeros(n, np.int64)
    assert ko.resolve_overlaps(np.full(n, 2, np.int64), gl, ploidy, spans, label) == 1
    chosen = [tuple(kg.genotype_alleles(int(g), np.int8(2))) for g in gl.argmax(1)]
    assert fits(chosen, ploidy, spans)
    assert sum(a > 0 for pair in chosen for a in pair) == 2


def test_spans_of_alleles_and_components_of_sites():
    rng = random.Random(5)
    for _ in range(40):
        n = 6
        touched = np.array(
            [(a, a + rng.randint(0, 6)) for a in sorted(rng.choices(range(60), k=12))], np.int64
        )
        n_alleles = np.array([rng.randint(1, 3) for _ in range(n)], np.int64)
        member = np.full((n, 3, 2), -1, np.int64)
        for s in range(n):  # rows 2s and 2s + 1 are the site's
            for a in range(1, n_alleles[s]):
                member[s, a, 0] = 2 * s + (a - 1)
                if rng.random() < 0.3:
                    member[s, a, 1] = 2 * s + 1
        spans = ko.allele_spans(n_alleles, member, touched)
        reach = []
        for s in range(n):
            for a in range(3):
                rows = [r for r in member[s, a].tolist() if r >= 0] if 0 < a < n_alleles[s] else []
                want = (
                    (min(touched[r, 0] for r in rows), max(touched[r, 1] for r in rows)) if rows else (1, 0)
                )
                assert tuple(spans[s, a]) == want
            own = [tuple(spans[s, a]) for a in range(1, n_alleles[s])]
            reach.append((min(a for a, _ in own), max(b for _, b in own)) if own else None)
        label = ko.components(n_alleles, spans)
        for s in range(1, n):
            joined = reach[s] is None or any(r and r[1] >= reach[s][0] for t, r in enumerate(reach[:s]))
            if reach[s] is None or any(r is not None for r in reach[:s]):
                assert (label[s] == label[s - 1]) == joined
        assert label[0] == 0


# -------------------------------------------------------------------------------------------------- sites


def phred(error: float) -> float:
    return min(999.0, max(0.0, -10 * math.log10(max(error, 1e-100))))


def random_drafts(rng: random.Random):
    rows = random_rows(rng, 12, range(5, 12))
    table = table_of(rows, rng)
    offsets = kg.site_offsets(table.pos)
    touched = kg.touched_intervals(columns_of(AlleleColumns, table), WINDOW)
    is_snp = np.array([len(r) == len(a) == 1 for _, r, a in rows])
    given = np.array([rng.random() < 0.2 for _ in rows])
    ploidy = np.array([rng.choice([1, 2, 2]) for _ in offsets[1:]], np.int8)
    prob = np.array(
        [rng.choice([(0.9999, 1e-4, 0), (0.9, 0.08, 0.02), (0, 0.5, 0.5), (0, 1, 0)]) for _ in rows]
    )
    none = np.empty((0, 2), np.int64)
    parts = kg.build_sites(
        offsets, prob, table.ad, ploidy, touched, is_snp, given, 0.01, 3, PhasePairs(none, none)
    )
    return rows, table, offsets, given, DraftSites(*parts[:3], ploidy), parts[3]


def test_decisions_follow_the_posteriors():
    rng, seen = random.Random(6), set()
    for _ in range(40):
        _, _, _, given, drafts, error = random_drafts(rng)
        decided = ks.decide_sites(drafts, error, given, 0.05, 20)
        for s in range(len(error)):
            n = int(drafts.n_alleles[s])
            keep = {a for a in range(drafts.member.shape[1]) if decided.keep[s, a]}
            seen.add(int(decided.status[s]))
            if n == 1:
                assert decided.gq[s] == pytest.approx(phred(error[s]))
                want = ks.HOMREF_IN_BLOCK if phred(error[s]) >= 20 else ks.SITE_REFCALL
                assert (decided.status[s], keep) == (want, {0})
                continue
            pairs = [
                kg.genotype_alleles(g, drafts.ploidy[s])
                for g in range(kg.genotype_count(n, drafts.ploidy[s]))
            ]
            weights = [
                10 ** float(drafts.gl[s, g] - drafts.gl[s, : len(pairs)].max()) for g in range(len(pairs))
            ]
            post = [w / sum(weights) for w in weights]
            best = max(range(len(pairs)), key=lambda g: drafts.gl[s, g])
            assert decided.best[s] == best
            assert decided.gq[s] == pytest.approx(
                phred(sum(p for g, p in enumerate(post) if g != best)), abs=1e-6
            )
            assert decided.qual[s] == pytest.approx(phred(post[0]), abs=1e-4)
            there = [sum(p for p, pair in zip(post, pairs, strict=True) if a in pair) for a in range(n)]
            status = (
                ks.SITE_VARIANT if best else ks.HOMREF_IN_BLOCK if decided.gq[s] >= 20 else ks.SITE_REFCALL
            )
            single = [a for a in range(1, n) if drafts.member[s, a, 1] < 0]
            want_keep = {0, *pairs[best], *(a for a in single if there[a] >= 0.05)} - {-2}
            if status == ks.SITE_REFCALL:
                want_keep.add(max(range(1, n), key=lambda a: (there[a], -a)))
            own = {a for a in single if given[drafts.member[s, a, 0]]}
            if own and status == ks.HOMREF_IN_BLOCK:
                status = ks.SITE_GIVEN
            assert (decided.status[s], keep) == (status, want_keep | own)
    assert seen == {ks.HOMREF_IN_BLOCK, ks.SITE_REFCALL, ks.SITE_VARIANT, ks.SITE_GIVEN}


def alt_text(rows: list[Row], pair, longest: int, at: int) -> str:
    """An ALT over the longest REF of its site; a SNP and an indel on one anchor are one ALT."""
    row = rows[pair[0]] if pair[1] < 0 else rows[pair[1]]
    first = row[2][0] if pair[1] < 0 else rows[pair[0]][2]
    return first + row[2][1:] + REFERENCE[at + len(row[1]) : at + longest]


def slow_depths(members, ad) -> list[int]:
    """AD of REF and the kept alleles; reads of a compound are not its parts' too."""
    alts = [min(ad[r, 1] for r in pair if r >= 0) for pair in members]
    for pair, n in list(zip(members, alts, strict=True)):
        if pair[1] >= 0:
            alts = [
                max(0, x - n) if m[1] < 0 and m[0] in pair else x for m, x in zip(members, alts, strict=True)
            ]
    return [min(ad[r, 0] for pair in members for r in pair if r >= 0), *alts]


def test_sites_are_written_out_with_the_alleles_that_stay():
    rng, n_given, n_out = random.Random(7), 0, 0
    for _ in range(40):
        rows, table, offsets, given, drafts, error = random_drafts(rng)
        decided = ks.decide_sites(drafts, error, given, 0.05, 20)
        prior = np.array([[rng.choice([0.0, -1.0]) for _ in range(3)] for _ in rows])
        from_panel = rng.random() < 0.5
        out = ks.collect_sites(
            offsets, columns_of(AlleleColumns, table), table.dp, table.ad, WINDOW, drafts, decided,
            KnownColumns(given, prior, from_panel),
        )  # fmt: skip
        (pos, ref_len, n_alts, seq, alt_offset, site_offset, ploidies, gt, gl, gl_offset, gq, qual, dp, ad, ad_offset,
         o_given, covers) = out  # fmt: skip
        i = 0
        for s, (lo, hi) in enumerate(itertools.pairwise(offsets.tolist())):
            if drafts.n_alleles[s] == 1 or decided.status[s] == ks.HOMREF_IN_BLOCK:
                continue
            kept = [a for a in range(drafts.n_alleles[s]) if decided.keep[s, a]]
            members = [tuple(drafts.member[s, a].tolist()) for a in kept[1:]]
            at, longest = (
                rows[lo][0] - START,
                max(len(rows[max(pair)][1] if pair[1] < 0 else rows[pair[1]][1]) for pair in members),
            )
            assert (pos[i], ref_len[i], n_alts[i], ploidies[i]) == (
                at + START,
                longest,
                len(members),
                drafts.ploidy[s],
            )
            alts = range(site_offset[i], site_offset[i + 1])
            shown = [decode_bases(seq[alt_offset[k] : alt_offset[k + 1]]) for k in alts]
            assert shown == [alt_text(rows, pair, longest, at) for pair in members]
            own_given = [pair[1] < 0 and bool(given[pair[0]]) for pair in members]
            assert o_given[alts.start : alts.stop].tolist() == own_given
            depths = slow_depths(members, table.ad)
            assert ad[ad_offset[i] : ad_offset[i + 1]].tolist() == depths
            assert dp[i] == max(sum(depths), *table.dp[lo:hi].tolist())
            pairs = [
                kg.genotype_alleles(g, drafts.ploidy[s])
                for g in range(kg.genotype_count(drafts.n_alleles[s], drafts.ploidy[s]))
            ]
            likelihoods = []
            for g, (x, y) in enumerate(pairs):
                if {x, y} - {-2} <= set(kept):
                    copies = [x, x if y == -2 else y]
                    taken = sum(
                        prior[r, sum(r in drafts.member[s, a].tolist() for a in copies)]
                        for r, other in drafts.member[s, 1 : drafts.n_alleles[s]].tolist()
                        if other < 0
                    )
                    likelihoods.append(float(drafts.gl[s, g]) - taken)
            likelihoods = [v - max(likelihoods) for v in likelihoods]
            assert gl[gl_offset[i] : gl_offset[i + 1]].tolist() == pytest.approx(likelihoods)
            want_gt = [kept.index(a) if a >= 0 else -2 for a in pairs[decided.best[s]]]
            want_gq, want_qual = min(99, math.floor(decided.gq[s] + 0.5)), decided.qual[s]
            if any(own_given):
                n_given += 1
                if min(likelihoods) > -0.05:  # no read tells
                    want_gt, want_gq, want_qual = [-1, -1 if want_gt[1] != -2 else -2], 0, 0.0
                elif want_gt[0] == 0 and want_gt[1] <= 0 and not from_panel:
                    lead = likelihoods[0] - max(likelihoods[1:])
                    want_gq = max(0, min(want_gq, math.floor(10 * lead + 0.5)))
            assert (gt[i].tolist(), gq[i], qual[i]) == (want_gt, want_gq, want_qual)
            assert covers[i] == (1 if decided.status[s] == ks.SITE_GIVEN or want_gt[0] == -1 else longest)
            i += 1
        assert i == len(pos)
        n_out += i
    assert min(n_given, n_out) > 20
