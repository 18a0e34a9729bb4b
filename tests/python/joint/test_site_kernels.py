"""Kernels of a site: its summary, its alleles cut to the carried ones, the records that speak about it."""

import math
import random
import statistics

import numpy as np
import pytest
from deepcohort.joint import columns as c
from deepcohort.joint import trim_kernels as tk
from deepcohort.joint.evidence_kernels import SitePlaces, WindowRecords, mark_deleted_sites, sweep_sample
from deepcohort.joint.genotype_kernels import empty_genotypes
from deepcohort.joint.summary_kernels import FS, MQ, N_SUMMARY, QD, RANK_SUMS, SOR, carries, site_summary
from deepcohort.joint.validate_kernels import records_valid
from scipy.stats import fisher_exact


def ascii_array(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def slow_summary(rows, tables, genotypes, depths, star: int, qual: float) -> list[float]:
    """MQ, SOR, FS, QD and the three medians, from lists of the carriers' numbers."""
    who = [s for s, gt in enumerate(genotypes) if any(a > 0 and a != star for a in gt)]
    told = [rows[s] for s in who if rows[s] is not None]
    squares = [(r[c.MQ_SQ], r[c.MQ_N]) for r in told if r[c.MQ_N] > 0]
    squares += [(r[c.MQ_SQ] ** 2 * r[c.DP], r[c.DP]) for r in told if r[c.MQ_N] == 0 and r[c.DP] > 0]
    n = sum(reads for _, reads in squares)
    out = [math.nan] * N_SUMMARY
    out[MQ] = math.sqrt(sum(square for square, _ in squares) / n) if n else math.nan
    strands = [tables[s] for s in who if rows[s] is not None and tables[s] is not None]
    if strands:
        a, b, x, y = (sum(max(0, t[i]) for t in strands) for i in range(4))
        ratio = (a + 1) * (y + 1) / ((b + 1) * (x + 1))
        ref, alt = (min(p, q) / max(p, q) for p, q in ((a + 1, b + 1), (x + 1, y + 1)))
        out[SOR] = math.log(ratio + 1 / ratio) + math.log(ref) - math.log(alt)
        out[FS] = max(0.0, -10 * math.log10(fisher_exact([[a, b], [x, y]])[1]))
    depth = sum(max(0, depths[s]) for s in who)
    out[QD] = qual / depth if depth else math.nan
    for k in range(c.N_RANKS):
        ranks = [r[c.RANKS + k] / 1000 for r in told if r[c.RANKS + k] != c.NO_RANK]
        out[RANK_SUMS + k] = statistics.median(ranks) if ranks else math.nan
    return out


def test_a_site_is_summed_over_its_carriers():
    rng = random.Random(1)
    for _ in range(40):
        n, star = rng.randint(1, 6), rng.choice([-1, 2])
        records, numbers = np.zeros((n + 2, c.N_COLUMNS), np.int32), []
        variant_of = np.full((n, 3), -1, np.int32)
        rows, tables = [], []
        for s in range(n):
            row = records[s + 2]
            row[c.DP] = rng.choice([-1, 0, 20, 31])
            row[c.MQ_SQ], row[c.MQ_N] = rng.choice([(-1, -1), (50_000, 20), (3_600, 1), (57, 0)])
            row[c.RANKS : c.RANKS + 3] = [rng.choice([c.NO_RANK, -1500, 0, 730, 2250]) for _ in range(3)]
            table = rng.choice([None, [rng.randint(-1, 20) for _ in range(4)]])
            row[c.SB] = -1 if table is None else len(numbers)
            numbers += table or []
            variant_of[s, 0] = s + 2 if rng.random() < 0.8 else -1
            rows.append(row.tolist() if variant_of[s, 0] >= 0 else None)
            tables.append(table)
        gt = [rng.choice([(0, 0), (0, 1), (1, 2), (2, 2), (-1, -1), (1, -2), (0, 2)]) for _ in range(n)]
        dp = [rng.choice([-1, 0, 12, 30]) for _ in range(n)]
        out = np.empty(N_SUMMARY)
        site_summary(
            records, np.array([*numbers, 0], np.int32), variant_of, np.array(gt, np.int16),
            np.array(dp, np.int32), np.int32(star), 250.5, out,
        )  # fmt: skip
        np.testing.assert_allclose(out, slow_summary(rows, tables, gt, dp, star, 250.5), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("gt", "star", "answer"),
    [((0, 0), -1, False), ((0, 1), 1, False), ((1, 2), 1, True), ((-1, -1), -1, False), ((2, -2), -1, True)],
)
def test_a_carrier_holds_more_than_a_deletion_of_another_site(gt, star, answer):
    assert carries(np.array(gt, np.int16), np.int32(star)) == answer


def two_records():
    """A block and a variant that keep every promise; letters and numbers."""
    letters, numbers = ascii_array("xxAC\tA,<NON_REF>").copy(), np.arange(12, dtype=np.int32)
    records = np.full((2, c.N_COLUMNS), -1, np.int32)
    common = {c.N_ALT: 2, c.REF_LEN: 2, c.X: 2, c.PL: 0, c.PL_N: 6, c.AD: 6, c.AD_N: 2, c.SB: 8, c.SEQ: 0}
    kinds = [
        {c.POS: 5, c.END: 9, c.KIND: c.BLOCK, c.SEQ_LEN: 0},
        {c.POS: 5, c.END: 7, c.KIND: c.VARIANT, c.SEQ: 2, c.SEQ_LEN: 14},
    ]
    for row, kind in zip(records, kinds, strict=True):
        for column, value in (common | kind).items():
            row[column] = value
    return records, numbers, letters


def is_valid(records, numbers, letters) -> bool:
    return bool(records_valid(records, numbers, letters, np.array([0, len(records)], np.int64)))


def test_sound_records_are_valid():
    assert is_valid(*two_records())
    records, numbers, letters = two_records()
    records[0, [c.PL, c.PL_N, c.AD, c.AD_N, c.SB, c.X]] = [-9, 0, 99, 0, -1, -1]  # nothing given
    records[0, [c.REF_LEN, c.SEQ_LEN, c.N_ALT]] = 0
    assert is_valid(records, numbers, letters)
    records[1, c.POS], records[1, c.END] = 4, 6
    assert not is_valid(records, numbers, letters)
    samples = np.array([0, 1, 2], np.int64)  # sorted within each sample
    assert records_valid(records, numbers, letters, samples)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (0, c.POS, -2), (0, c.REF_LEN, -1), (0, c.SEQ_LEN, -1), (0, c.N_ALT, -1), (0, c.N_ALT, 1_001),
        (0, c.X, 0), (0, c.X, 3), (0, c.PS, -2), (0, c.PQ, -2), (0, c.PL, -1), (0, c.PL, 7), (0, c.PL_N, -1),
        (0, c.PL_N, 13), (0, c.AD, 11), (0, c.AD_N, -1), (0, c.SB, 9), (0, c.SB, -2), (0, c.KIND, 2),
        (1, c.END, 8), (1, c.REF_LEN, 1), (1, c.SEQ, -1), (1, c.SEQ, 3), (1, c.SEQ_LEN, 15),
        (1, c.SEQ_LEN, 13 - 10), (1, c.N_ALT, 3),
    ],
)  # fmt: skip
def test_a_record_that_breaks_a_promise_is_found(row, column, value):
    records, numbers, letters = two_records()
    records[row, column] = value
    assert not is_valid(records, numbers, letters)


def test_a_second_tab_is_no_allele():
    records, numbers, letters = two_records()
    letters[6] = 9
    assert not is_valid(records, numbers, letters)


def genotype_index(a: int, b: int) -> int:
    """In the order of the VCF specification, by counting."""
    pairs = [(x, y) for y in range(20) for x in range(y + 1)]
    return pairs.index((min(a, b), max(a, b)))


def test_samples_are_cut_to_the_carried_alleles():
    rng = random.Random(2)
    for _ in range(30):
        n, n_alleles = rng.randint(1, 4), rng.randint(2, 5)
        v = empty_genotypes(n, n_alleles + 1)
        for s in range(n):
            v.ploidy[s] = rng.choice([1, 2])
            alleles = [-1, 0, rng.randrange(n_alleles)]
            v.gt[s] = (rng.choice(alleles), -2 if v.ploidy[s] == 1 else rng.choice(alleles))
            v.ad[s] = -1 if rng.random() < 0.3 else [rng.randrange(30) for _ in range(n_alleles + 1)]
            v.pl[s] = [rng.randrange(500) for _ in range(v.pl.shape[1])]
        held = [0, *sorted({int(a) for a in v.gt.ravel() if a > 0})]
        kept = np.full(n_alleles, 99, np.int64)
        assert tk.carried_alleles(v.gt, n_alleles, kept) == len(held)
        assert kept[: len(held)].tolist() == held
        gt, ad, pl = v.gt.tolist(), v.ad.tolist(), v.pl.tolist()
        tk.keep_alleles(v, n_alleles, kept, len(held))
        for s in range(n):
            assert v.gt[s].tolist() == [held.index(a) if a > 0 else a for a in gt[s]]
            if ad[s][0] >= 0:
                assert v.ad[s, : len(held)].tolist() == [ad[s][a] for a in held]
            if v.ploidy[s] == 1:
                chosen = [pl[s][a] for a in held]
            else:
                chosen = [pl[s][genotype_index(a, b)] for k, b in enumerate(held) for a in held[: k + 1]]
            assert v.pl[s, : len(chosen)].tolist() == [x - min(chosen) for x in chosen]


def test_the_line_is_cut_to_the_carried_alleles():
    rng = random.Random(3)
    for _ in range(60):
        tail = "".join(rng.choice("AC") for _ in range(rng.randint(0, 3)))
        alts = ["".join(rng.choice("AC") for _ in range(rng.randint(1, 3))) + tail for _ in range(4)]
        if rng.random() < 0.4:
            alts[rng.randrange(4)] = "*"
        ref = rng.choice("AC") + tail
        kept = [0, *sorted(rng.sample(range(1, 5), rng.randint(1, 4)))]
        head = "chr1\t77\t.\t"
        text = ascii_array("before\t" + head + ref + "\t" + ",".join(alts) + "\t.")
        out = np.zeros(200, np.uint8)
        at = tk.put_prefix(out, 5, text, 7, np.array([*kept, 9], np.int64), len(kept))
        alleles = [ref, *(alts[k - 1] for k in kept[1:])]
        while len({a[-1] for a in alleles if a != "*"}) == 1 and min(len(a) for a in alleles if a != "*") > 1:
            alleles = [a if a == "*" else a[:-1] for a in alleles]
        assert out[5:at].tobytes().decode() == head + alleles[0] + "\t" + ",".join(alleles[1:]) + "\t"


def test_origins_of_kept_alleles_are_renumbered():
    text = "1|chr1:5:A:C,3|chr1:6:AT:A,12|chr1:9:G:*"
    for kept, want in (
        ([0, 3, 12], "1|chr1:6:AT:A,2|chr1:9:G:*"), ([0, 1], "1|chr1:5:A:C"), ([0, 2], ""), ([0, 1, 2, 3], text[:26]),
    ):  # fmt: skip
        out = np.zeros(99, np.uint8)
        at = tk.put_origin(out, 2, ascii_array("ab" + text), 2, 2 + len(text), np.array(kept), len(kept))
        assert out[2:at].tobytes().decode() == want


def random_sample(rng: random.Random):
    """Sorted records of one sample, one after another, with gaps; primitives of its variants."""
    records, primitives, at = [], [], rng.randint(0, 3)
    while at < 40:
        row = np.full(c.N_COLUMNS, -1, np.int32)
        is_variant = rng.random() < 0.4
        length = rng.randint(1, 4) if is_variant else rng.randint(1, 9)
        row[c.POS], row[c.END] = at, at + length
        row[c.KIND] = c.VARIANT if is_variant else c.BLOCK
        row[c.DP], row[c.GQ] = rng.choice([-1, 0, 3, 10, 20]), rng.choice([-1, 0, 5, 30, 31])
        row[c.PL], row[c.PL_N] = 0, rng.choice([0, 3])
        own = []
        for _ in range(rng.randint(1, 2) if is_variant else 0):
            shift = rng.choice([0, 0, 1])
            p = [0] * c.N_PRIMITIVE_COLUMNS
            p[c.P_REC], p[c.P_POS], p[c.P_REF_LEN] = len(records), max(0, at - shift), length
            p[c.P_SEQ_LEN], p[c.P_CALLED], p[c.P_ALLELE] = (
                rng.choice([-1, 0, 1, 2]),
                rng.randint(0, 1),
                rng.randint(0, 2),
            )
            own.append(p)
        records.append(row)
        primitives.append(own)
        at += length + rng.choice([0, 0, 0, 1])
    return records, primitives


def sure(row, numbers) -> int:
    if 0 <= row[c.DP] < 10:
        return -1
    return row[c.GQ] if row[c.GQ] >= 0 else numbers[row[c.PL] + 1] if row[c.PL_N] >= 2 else 0


def touching(own, pos: int, star: bool) -> bool:
    """Whether one of a record's primitives puts an allele on the site."""
    for p in own:
        start, stop = p[c.P_POS], p[c.P_POS] + p[c.P_REF_LEN]
        if p[c.P_SEQ_LEN] < 0:
            found = star and start == pos
        else:
            found = p[c.P_ALLELE] > 0 if start == pos else star and start < pos < stop
        if found:
            return True
    return False


def test_the_records_that_speak_about_each_site():
    rng = random.Random(4)
    n_blocks = 0
    for _ in range(40):
        records, primitives = random_sample(rng)
        numbers = np.array([0, 17, 99], np.int32)
        flat = np.array([p for own in primitives for p in own] or [[0] * 8], np.int32)
        offsets = np.cumsum([0, *map(len, primitives)]).astype(np.int64)
        pos = np.array(sorted(rng.sample(range(40), 12)), np.int64)
        ref_len = np.array([rng.choice([1, 1, 2, 6]) for _ in pos], np.int32)
        star = np.array([rng.random() < 0.5 for _ in pos])
        # a column of all samples', as production hands it over
        variant_of, block_of = np.zeros((12, 2, 3), np.int32), np.zeros((12, 2), np.int32)
        sweep_sample(
            WindowRecords(np.array(records), numbers, flat, offsets), np.int64(0), np.int64(len(records)),
            SitePlaces(pos, ref_len, star), 4, 10, variant_of[:, 1], block_of[:, 1],
        )  # fmt: skip
        for k, site in enumerate(pos.tolist()):
            variants = [i for i, own in enumerate(primitives) if touching(own, site, bool(star[k]))]
            want = [*variants[:3], -1, -1, -1][:3]
            want[0] = -2 if len(variants) > 3 else want[0]
            assert variant_of[k, 1].tolist() == want
            span = range(site, site + min(int(ref_len[k]), 4))
            over = [i for i, r in enumerate(records) if any(r[c.POS] <= p < r[c.END] for p in span)]
            covered = all(any(records[i][c.POS] <= p < records[i][c.END] for i in over) for p in span)
            speakers = [i for i in over if i == over[0] or records[i][c.KIND] == c.BLOCK]
            block = min(speakers, key=lambda i: sure(records[i], numbers)) if covered and not variants else -1
            assert block_of[k, 1] == block
            n_blocks += block >= 0
    assert n_blocks > 50


def test_deleted_bases_are_marked():
    rng = random.Random(5)
    for _ in range(40):
        rows = [p for own in random_sample(rng)[1] for p in own]
        pos = np.array(sorted(rng.sample(range(40), 15)), np.int64)
        star = np.zeros(15, np.bool_)
        mark_deleted_sites(np.array(rows or [[0] * 8], np.int32), pos, star)
        called = [p for p in rows if p[c.P_CALLED]]
        deleted = {
            q
            for p in called
            if p[c.P_SEQ_LEN] >= 0
            for q in range(p[c.P_POS] + 1, p[c.P_POS] + p[c.P_REF_LEN])
        }
        deleted |= {p[c.P_POS] for p in called if p[c.P_SEQ_LEN] < 0}
        assert star.tolist() == [p in deleted for p in pos.tolist()]
