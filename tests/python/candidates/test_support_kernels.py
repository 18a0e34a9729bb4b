"""Kernels that say what each read shows: repeats of sites, haplotypes, entries; against plain Python."""

import math
import random

import numpy as np
import pytest
from deepcohort.candidates import site_kernels as sk
from deepcohort.candidates.columns import AlleleColumns, Entries, Window, aligned_reads
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.phase_kernels import capped_ratio
from deepcohort.candidates.substitution_kernels import substitution_log10
from deepcohort.candidates.support import read_kernels as rk
from deepcohort.candidates.support.single_read_kernels import FaintRules, Snps, weak_single_read_snps
from deepcohort.core.sequence import decode_bases, encode_bases
from read_builders import make_batch, random_text

Allele = tuple[int, str, str]  # pos, REF, ALT
OPS = "MIDNSHP=X"


def columns_of(alleles: list[Allele]) -> AlleleColumns:
    offset = np.cumsum([0, *(len(alt) for *_, alt in alleles)]).astype(np.int64)
    return AlleleColumns(
        np.array([p for p, *_ in alleles], np.int64), np.array([len(r) for _, r, _ in alleles], np.int32),
        encode_bases("".join(alt for *_, alt in alleles)).copy(), offset,
    )  # fmt: skip


def sites_of(alleles: list[Allele]) -> tuple[np.ndarray, np.ndarray]:
    pos, first = np.unique([p for p, *_ in alleles], return_index=True)
    return pos.astype(np.int64), np.append(first, len(alleles)).astype(np.int64)


def random_alleles(rng: random.Random, reference: str, n: int) -> list[Allele]:
    found = set()
    while len(found) < n:
        p, size = rng.randrange(10, len(reference) - 30), rng.randint(1, 4)
        ref = reference[p]
        kind = rng.random()
        if kind < 0.4:
            found.add((p, ref, rng.choice([b for b in "ACGT" if b != ref])))
        elif kind < 0.7:
            found.add((p, ref, ref + rng.choice([reference[p + 1 : p + 1 + size], random_text(size, size)])))
        else:
            found.add((p, reference[p : p + 1 + size], ref))
    return sorted(found, key=lambda a: (a[0], len(a[1]), a[2]))


def repetitive(rng: random.Random, n: int) -> str:
    text = ""
    while len(text) < n:
        text += rng.choice(["A" * 6, "AC" * 4, "TTG" * 3, random_text(rng.randrange(999), 12)])
    return text[:n]


def slow_repeat(reference: str, allele: Allele) -> tuple[int, float, int]:
    """(period, units, first position behind the repeat) of an indel."""
    p, ref, alt = allele
    unit = alt[1:] if len(alt) > len(ref) else ref[1:]
    after = p + 1 if len(alt) > len(ref) else p + len(ref)
    period = next(
        k for k in range(1, len(unit) + 1) if len(unit) % k == 0 and unit[:k] * (len(unit) // k) == unit
    )
    more = 0
    while after + more < len(reference) and reference[after + more] == unit[more % len(unit)]:
        more += 1
    return period, (more + len(unit)) / period, max(after + more, p + len(ref))


def spelled(reference: str, alleles: list[Allele], start: int) -> tuple[str, int] | None:
    """Bases behind `start` up to the last change, and where the reference goes on; None: two overlap."""
    text, at = "", start + 1
    for p, ref, alt in sorted(alleles):
        shared = int(len(ref) != len(alt))
        if p + shared < at:
            return None
        text += reference[at : p + shared] + alt[shared:]
        at = p + len(ref)
    return text, at


def test_repeats_of_sites():
    rng = random.Random(1)
    for _ in range(20):
        reference = repetitive(rng, 120)
        alleles = random_alleles(rng, reference, 12)
        pos, first = sites_of(alleles)
        sites = sk.site_repeats(pos, first, columns_of(alleles), encode_bases(reference).copy())
        resync = dict.fromkeys(pos.tolist(), -1)
        for k, allele in enumerate(alleles):
            period, units = 0, 0.0
            if len(allele[1]) != len(allele[2]):
                period, units, behind = slow_repeat(reference, allele)
                resync[allele[0]] = max(resync[allele[0]], behind)
            assert (sites.period[k], sites.units[k]) == (period, pytest.approx(units))
        assert sites.resync.tolist() == [resync[p] for p in pos.tolist()]


def near_rows(s: int, anchor: int, sites, resync, alleles: list[Allele]) -> list[int]:
    """Rows of the neighbours of a site, at most three: indels first, then SNPs; its own SNPs count."""
    rows: list[int] = []
    for indels in (True, False):
        stop = min(resync[s] + (12 if indels else 0), sites[s] + 200)
        behind = [t for t in range(s + 1, len(sites)) if sites[t] < stop]
        for t in [*range(s, anchor - 1, -1), *behind]:
            if t == anchor and not indels:
                continue
            own = [
                k for k, a in enumerate(alleles) if a[0] == sites[t] and (len(a[1]) != len(a[2])) == indels
            ]
            rows += [] if indels and t == s else own
    return rows[:3]


def test_haplotypes_of_sites():
    rng = random.Random(2)
    n_with_neighbours = 0
    for _ in range(20):
        reference = repetitive(rng, 120)
        alleles = random_alleles(rng, reference, 12)
        codes, columns = encode_bases(reference).copy(), columns_of(alleles)
        pos, first = sites_of(alleles)
        sites = sk.site_repeats(pos, first, columns, codes)
        own, resync = sites.resync.tolist(), sites.resync.tolist()
        found = sk.site_haplotypes(sites, columns, np.ones(len(columns.pos), np.bool_), codes)
        for s, p in enumerate(pos.tolist()):
            rows = range(found.first[s], found.first[s + 1])
            if own[s] < 0:
                assert not rows
                continue
            reaching = [t for t in range(s) if pos[t] >= p - 200 and own[t] >= 0 and own[t] + 12 > p]
            anchor = min(reaching, default=s)
            assert found.anchor[s] == anchor
            here = alleles[first[s] : first[s + 1]]
            near = near_rows(s, anchor, pos.tolist(), resync, alleles)
            while near and (len(here) + 1) << len(near) > 16:
                near.pop()
            n_with_neighbours += bool(near)
            want = set()
            for subset in range(1 << len(near)):
                with_these = [alleles[sorted(near)[k]] for k in range(len(near)) if subset >> k & 1]
                for i, allele in enumerate([None, *here]):
                    if allele and len(allele[1]) == len(allele[2]):
                        continue
                    one = spelled(reference, with_these + ([allele] if allele else []), int(pos[anchor]))
                    if one:
                        want.add((i, one[0], one[1], len(one[0]) - (one[1] - int(pos[anchor]) - 1)))
            got = {
                (
                    int(found.candidate[h]),
                    decode_bases(found.bases[found.offset[h] : found.offset[h + 1]]),
                    int(found.tail[h]),
                    int(found.delta[h]),
                )
                for h in rows
            }
            assert got == want
            for k in near:
                if len(alleles[k][1]) != len(alleles[k][2]):
                    resync[s] = max(resync[s], resync[pos.tolist().index(alleles[k][0])])
        assert sites.resync.tolist() == resync
    assert n_with_neighbours > 20


def test_periods_of_short_sequences():
    for text, period in (("A", 1), ("AA", 1), ("ACAC", 2), ("ACACA", 5), ("ACGACG", 3), ("AAT", 3)):
        assert sk.indel_period(encode_bases(text).copy(), len(text)) == period


def random_reads(rng: random.Random, reference: str, n: int, paired: bool = False):
    """Reads of the reference with errors, clips and small indels."""
    rows = []
    for k in range(n):
        pos, cigar, seq, at = rng.randrange(len(reference) - 60), "", "", 0
        at = pos
        if rng.random() < 0.3:
            cigar, seq = "4S", random_text(k, 4)
        for _ in range(rng.randint(1, 3)):
            size = rng.randint(4, 14)
            cigar, seq, at = cigar + f"{size}M", seq + reference[at : at + size], at + size
            op = rng.choice("IDN")
            if op == "I":
                cigar, seq = cigar + "2I", seq + "GT"
            else:
                cigar, at = cigar + f"3{op}", at + 3
        cigar, seq = cigar + "6M", seq + reference[at : at + 6]
        if rng.random() < 0.3:
            cigar, seq = cigar + "3S", seq + "AAA"
        seq = "".join(rng.choice("ACGTN") if rng.random() < 0.1 else b for b in seq)
        name, flag = (f"pair{k // 2}", 0x41 + 0x40 * (k % 2)) if paired else (None, None)
        qual = [rng.choice([1, 5, 12, 30, 40]) for _ in seq]
        rows.append((pos, cigar, seq, qual, rng.choice([0, 20, 60]), name, flag))
    return make_batch(rows)


def operations(batch, row: int) -> list[tuple[str, int]]:
    part = slice(batch.cigar_offset[row], batch.cigar_offset[row + 1])
    return [(OPS[o], int(n)) for o, n in zip(batch.cigar_op[part], batch.cigar_len[part], strict=True)]


def walk(batch, row: int) -> dict[int, tuple[str, int]]:
    """Operation and index of the base (or of the next one) at each reference position of a read."""
    found, at, query = {}, int(batch.pos[row]), 0
    for op, length in operations(batch, row):
        for _ in range(length):
            if op in "MDN":
                found[at] = (op, query)
            at += op in "MDN"
            query += op in "MIS"
    return found


def bases(batch, row: int) -> np.ndarray:
    return batch.seq[batch.seq_offset[row] : batch.seq_offset[row + 1]]


def left_clip(batch, row: int) -> int:
    op, length = operations(batch, row)[0]
    return length if op == "S" else 0


def test_penalties_and_clips():
    table = rk.mismatch_penalties()
    assert table[:2].tolist() == [0, 0]
    for q in (2, 3, 20, 45, 99):
        error = 10 ** (-min(q, 45) / 10)
        assert table[q] == pytest.approx(min(0.0, math.log10(error / 3 / (1 - error))))
    for cigar, want in (
        ("5M", (0, 0)),
        ("3S5M", (1, 3)),
        ("2H3S5M2S", (2, 3)),
        ("2H5M", (1, 0)),
        ("7S", (0, 0)),
    ):
        parts = [(n, c) for n, c in zip(cigar[::2], cigar[1::2], strict=True)]
        op = np.array([OPS.index(c) for _, c in parts], np.uint8)
        length = np.array([int(n) for n, _ in parts], np.int32)
        assert rk.leading_clip(op, length, np.int64(0), np.int64(len(parts))) == want


def test_reads_that_cover_sites_are_counted():
    rng = random.Random(3)
    reference = random_text(3, 300)
    batch = random_reads(rng, reference, 40)
    pos = np.array(sorted(rng.sample(range(10, 290), 30)), np.int64)
    counted = rk.count_entries(aligned_reads(batch), 5, pos - 5)
    for p, n in zip(pos.tolist(), counted.tolist(), strict=True):
        assert n == sum(batch.pos[r] - left_clip(batch, r) <= p < batch.end[r] for r in range(len(batch)))


def room_for(counts: np.ndarray) -> Entries:
    offset = np.cumsum([0, *counts]).astype(np.int64)
    n = int(offset[-1])
    return Entries(
        offset, np.empty(n, np.int32), np.empty(n, np.int8), np.empty(n, np.float32), np.empty(n, np.int32)
    )


def judged(batch, reference: str, start: int, alleles: list[Allele], min_qual: int) -> Entries:
    """Entries of alleles (contig positions) of a window that begins at `start`."""
    codes = encode_bases(reference[start:]).copy()
    columns = columns_of([(p - start, r, a) for p, r, a in alleles])
    pos, first = sites_of([(p - start, r, a) for p, r, a in alleles])
    sites = sk.site_repeats(pos, first, columns, codes)
    haplotypes = sk.site_haplotypes(sites, columns, np.ones(len(columns.pos), np.bool_), codes)
    reads = aligned_reads(batch)
    entries = room_for(np.repeat(rk.count_entries(reads, start, pos), np.diff(first)))
    slips = CandidatesConfig().slips
    rk.judge_reads(reads, columns, Window(codes, start), sites, haplotypes, codes, slips, min_qual, entries)
    return entries


def slow_snp(batch, reference: str, row: int, allele: Allele, others: set[str], min_qual: int):
    """(allele, unbounded log10 ratio, index) that a read shows at a SNP."""
    p, ref, alt = allele
    op, index = walk(batch, row).get(p, ("", -1))
    if op == "D":
        return 2, -2.0, index - 1
    if op != "M":
        return -1, 0.0, None
    base = decode_bases(batch.seq[batch.seq_offset[row] + index : batch.seq_offset[row] + index + 1])
    q = int(batch.qual[batch.seq_offset[row] + index])
    if q < 2 or base == "N":
        return -1, 0.0, index
    error = 10 ** (-min(q, 45) / 10)
    penalty = min(0.0, math.log10(error / 3 / (1 - error)))
    told, ratio = (
        (1, -penalty)
        if base == alt
        else (0, penalty)
        if base == ref
        else (2, penalty if base in others else 0.0)
    )
    return (told if q >= min_qual else -1), ratio, index


def test_what_reads_show_at_snps():
    rng = random.Random(4)
    start, seen = 3, set()
    reference = random_text(4, 200)
    batch = random_reads(rng, reference, 60)
    places = sorted(rng.sample(range(20, 180), 25))
    alleles = [
        (p, reference[p], b)
        for p in places
        for b in sorted(rng.sample(sorted({*"ACGT"} - {reference[p]}), rng.randint(1, 2)))
    ]
    entries = judged(batch, reference, start, alleles, 10)
    for c, allele in enumerate(alleles):
        part = slice(entries.offset[c], entries.offset[c + 1])
        rows = [
            r for r in range(len(batch)) if batch.pos[r] - left_clip(batch, r) <= allele[0] < batch.end[r]
        ]
        assert entries.read[part].tolist() == rows
        others = {a for p, _, a in alleles if p == allele[0]}
        for row, told, ratio, index in zip(
            rows, entries.allele[part], entries.ratio[part], entries.read_index[part], strict=True
        ):
            want, x, i = slow_snp(batch, reference, row, allele, others, 10)
            seen.add(want)
            assert told == want
            if i is not None:
                assert index == i
            if x == 0:
                assert ratio == 0
            else:  # bent by MAPQ: never stronger, never of the other sign
                assert 0 < ratio / x <= 1 + 1e-6
                if batch.mapq[row] == 60:
                    assert ratio == pytest.approx(x, abs=0.05)
    assert seen == {-1, 0, 1, 2}


@pytest.mark.parametrize(("ref", "alt"), [("{}", "{}GATTC"), ("{}", "{}T"), ("deleted", "{}")])
def test_reads_of_each_haplotype_speak_for_its_indel(ref: str, alt: str):
    reference = random_text(8, 200)
    base = reference[100]
    allele = (100, reference[100:106] if ref == "deleted" else base, alt.format(base))
    other = reference[:100] + allele[2] + reference[100 + len(allele[1]) :]
    change = len(allele[2]) - len(allele[1])
    gap = f"{change}I" if change > 0 else f"{-change}D"
    reads = [(60 + k, "80M", reference[60 + k : 140 + k]) for k in range(4)]
    behind = 80 - 41 + 3 - max(change, 0)
    for k in range(3):
        cigar = f"{41 - k}M{gap}{behind + k - 3}M"
        length = 41 - k + max(change, 0) + behind + k - 3
        reads.append((60 + k, cigar, other[60 + k : 60 + k + length]))
    entries = judged(make_batch(reads), reference, 0, [allele], 10)
    batch = make_batch(reads)
    for row, told, ratio in zip(entries.read, entries.allele, entries.ratio, strict=True):
        carries = len(operations(batch, row)) > 1
        assert told == (1 if carries else 0)
        assert (ratio > 2) if carries else (ratio < -2)


def random_entries(rng: random.Random, n_rows: int, n_reads: int) -> Entries:
    rows = [sorted(rng.sample(range(n_reads), rng.randint(0, n_reads))) for _ in range(n_rows)]
    entries = room_for(np.array([len(r) for r in rows]))
    entries.read[:] = [r for row in rows for r in row]
    entries.allele[:] = [rng.choice([-1, 0, 1, 2]) for _ in entries.read]
    entries.ratio[:] = [rng.choice([-4.0, -1.0, -0.75, 0.0, 0.5, 1.0, 3.0]) for _ in entries.read]
    entries.read_index[:] = [rng.randrange(-1, 6) for _ in entries.read]
    return entries


def test_mates_vote_once_at_an_indel_and_votes_are_tallied():
    rng = random.Random(5)
    for _ in range(40):
        entries = random_entries(rng, 6, 8)
        mate = np.array([3, -1, 5, 0, -1, 2, -1, -1], np.int32)
        is_indel = np.array([rng.random() < 0.6 for _ in range(6)])
        want_allele, want_ratio = entries.allele.tolist(), entries.ratio.tolist()
        for c in range(6):
            at = {int(entries.read[e]): e for e in range(entries.offset[c], entries.offset[c + 1])}
            for a, b in ((0, 3), (2, 5)):
                if is_indel[c] and a in at and b in at:
                    i, j = sorted((at[a], at[b]), key=lambda e: -abs(want_ratio[e]))
                    if want_ratio[i] * want_ratio[j] < 0:
                        want_ratio[i] += want_ratio[j]
                        want_allele[i] = -1 if abs(want_ratio[i]) < 0.5 else want_allele[i]
                    want_ratio[j], want_allele[j] = 0.0, -1
        rk.assign_to_copies(is_indel, mate, entries)
        assert (entries.allele.tolist(), entries.ratio.tolist()) == (want_allele, want_ratio)
        dp, ad = np.zeros(6, np.int32), np.zeros((6, 2), np.int32)
        rk.tally(entries, dp, ad)
        for c in range(6):
            votes = want_allele[entries.offset[c] : entries.offset[c + 1]]
            assert dp[c] == sum(v >= 0 for v in votes)
            assert ad[c].tolist() == [votes.count(0), votes.count(1)]


def test_the_mate_that_shows_the_indel_lends_quality_beside_it():
    rng = random.Random(6)
    reference, n_lent = random_text(6, 120), 0
    for _ in range(25):
        batch = random_reads(rng, reference[:110], 10, paired=True)
        reads = aligned_reads(batch)
        entries = random_entries(rng, 5, len(batch))
        pos = np.array(sorted(rng.choices(range(20, 70), k=5)), np.int64)
        is_indel = np.array([rng.random() < 0.7 for _ in range(5)])
        snps = {int(p) for p, i in zip(pos, is_indel, strict=True) if not i}
        want = batch.qual.tolist()
        walks = [{q: p for p, (op, q) in walk(batch, r).items() if op == "M"} for r in range(len(batch))]
        for c in np.flatnonzero(is_indel):
            for e in range(entries.offset[c], entries.offset[c + 1]):
                row, first = int(entries.read[e]), int(entries.read_index[e])
                other = int(batch.mate[row])
                if first < 0 or other < 0 or entries.allele[e] not in (0, 1):
                    continue
                a, b = int(batch.seq_offset[row]), int(batch.seq_offset[other])
                for q in (first, first + 1):
                    p, place = walks[row].get(q), walks[row].get(q - 1)
                    m = next((k for k, at in walks[other].items() if at == p), None)
                    if (
                        p is None and place is not None
                    ):  # the first inserted base, where the mate has one there too
                        before = next((k for k, at in walks[other].items() if at == place), None)
                        if before is not None and before + 1 < len(bases(batch, other)):
                            m = before + 1 if before + 1 not in walks[other] else None
                    if m is None or (p is not None and p in snps):
                        continue
                    open_ = want[a + q] == 0 and batch.own_qual[a + q] > 0 and want[b + m] > 0
                    if open_ and batch.seq[a + q] == batch.seq[b + m]:
                        want[a + q], want[b + m] = want[b + m], 0
                        n_lent += 1
        rk.lend_quality(is_indel, pos, 0, reads, entries)
        assert batch.qual.tolist() == want
    assert n_lent > 3


def test_one_read_must_carry_its_snp():
    rng = random.Random(7)
    reference = random_text(7, 160)
    codes = encode_bases(reference).copy()
    batch = make_batch(
        [(20 + k, "60M", reference[20 + k : 80 + k], None, rng.choice([5, 60])) for k in range(8)]
    )
    n_faint = 0
    for _ in range(30):
        n = 4
        pos = np.array(sorted(rng.sample(range(30, 75), n)), np.int64)
        alt = np.array([(codes[p] + rng.randint(1, 3)) % 4 for p in pos], np.uint8)
        reads = [[r for r in range(8) if batch.pos[r] <= p < batch.end[r]] for p in pos.tolist()]
        entries = room_for(np.array([len(r) for r in reads]))
        entries.read[:] = [r for row in reads for r in row]
        ad, single = np.zeros((n, 2), np.int32), np.array([rng.random() < 0.8 for _ in range(n)])
        for c in range(n):  # too few of them for any to be a marker
            part = slice(entries.offset[c], entries.offset[c + 1])
            shown = [1] * rng.choice([1, 1, 2]) + [rng.choice([-1, 0, 0]) for _ in reads[c]]
            shown = shown[: len(reads[c])]
            rng.shuffle(shown)
            entries.allele[part] = shown
            entries.ratio[part] = [rng.choice([0.5, 3.0, 4.0]) if s == 1 else -0.25 for s in shown]
            ad[c] = shown.count(0), shown.count(1)
        rules = FaintRules(rng.choice([-2.0, 0.0, 1.0]), rng.choice([1, 12]), 500)
        faint = np.zeros(n, np.bool_)
        weak_single_read_snps(
            Snps(single, np.ones(n, np.bool_), pos, alt),
            rules,
            Window(codes, 0),
            aligned_reads(batch),
            entries,
            ad,
            faint,
        )
        for c in range(n):
            het = hom = 0.0
            at_end = False
            for e in range(entries.offset[c], entries.offset[c + 1]):
                row, x = int(entries.read[e]), float(entries.ratio[e])
                if entries.allele[e] >= 0:
                    het += math.log10((1 + 10 ** capped_ratio(x, batch.mapq[row])) / 2)
                    hom += x
                if entries.allele[e] == 1:
                    at_end = (
                        pos[c] - batch.pos[row] < rules.end_bp or batch.end[row] - 1 - pos[c] < rules.end_bp
                    )
            weak = max(het, hom) + substitution_log10(codes, pos[c], alt[c]) < rules.min_log10
            assert faint[c] == bool(single[c] and ad[c, 1] <= 1 and (at_end or weak))
            n_faint += faint[c]
    assert 5 < n_faint < 100


def test_the_mate_that_shows_an_insertion_lends_quality_of_its_first_base():
    reference = random_text(8, 120)
    haplotype = reference[:60] + "ACCA" + reference[60:]
    cigars = ("30M4I26M", "10M4I46M")
    batch = make_batch(
        [
            (30, cigars[0], haplotype[30:90], 40, 60, "pair", 0x41),
            (50, cigars[1], haplotype[50:110], 30, 60, "pair", 0x81),
        ]
    )
    batch.qual[30] = 0  # as it was settled, before the read was realigned to the insertion
    entries = room_for(np.array([2]))
    entries.read[:], entries.read_index[:], entries.allele[:] = [0, 1], [29, 9], [1, -1]
    rk.lend_quality(np.array([True]), np.array([59]), 0, aligned_reads(batch), entries)
    assert batch.qual[30] == 30
    assert batch.qual[batch.seq_offset[1] + 10] == 0
