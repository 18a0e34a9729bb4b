"""Kernels of a sample's lines and of its fragments: against plain Python."""

import itertools
import random

import numpy as np
import pytest
from calls_builders import make_table
from deepcohort.calls import kernels_fragments as kf
from deepcohort.calls import kernels_text as kt
from deepcohort.calls.columns import (
    Output,
    PlacedReads,
    ReferenceConfidence,
    SiteColumns,
    SiteMarks,
    Span,
    TextRules,
    columns_of,
)
from deepcohort.calls.genotype import genotype_sites
from deepcohort.calls.kernels_called import write_called
from deepcohort.calls.types import Known
from deepcohort.candidates.columns import AlleleColumns, Entries, Window
from deepcohort.candidates.phase_kernels import capped_ratio
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.core.vcf_constants import COVERED_AT

START = 500
REFERENCE = "".join(random.Random(0).choices("ACGT", k=80))
WINDOW = Window(encode_bases(REFERENCE).copy(), START)
CONTIG = np.frombuffer(b"chr7", np.uint8)
NO_BIAS = (np.empty((0, 4), np.int32), np.empty((0, 2), np.int64), np.empty((0, 3)))


def random_sites(rng: random.Random, n: int = 10):
    """SiteCalls of random candidates, some of them given."""
    rows = set()
    while len(rows) < n:
        at = rng.randrange(5, 45)
        ref, kind = REFERENCE[at], rng.random()
        if kind < 0.5:
            rows.add((at + START, ref, rng.choice([b for b in "ACGT" if b != ref])))
        elif kind < 0.75:
            rows.add((at + START, ref, ref + "".join(rng.choices("ACGT", k=rng.randint(1, 3)))))
        else:
            rows.add((at + START, REFERENCE[at : at + rng.randint(2, 5)], ref))
    table = make_table([(*r, (rng.randint(0, 20), rng.randint(0, 20))) for r in sorted(rows)])
    prob = np.array(
        [rng.choice([(0.9, 0.08, 0.02), (0.02, 0.5, 0.48), (0, 1, 0), (0, 0.02, 0.98)]) for _ in rows]
    )
    given = np.array([rng.random() < 0.2 for _ in rows])
    ids = tuple("rs1" if g and rng.random() < 0.5 else "" for g in given)
    # what a panel says stands in genotypes, and not in PL: another genotype may be the likeliest there
    prior = np.array([rng.choice([(0.0, 0.0, 0.0), (0.0, 1.5, 2.5), (0.0, -3.0, -3.0)]) for _ in rows])
    known = Known(given, ids, np.ones(n, np.bool_), prior)
    ploidy = np.array([rng.choice([1, 2, 2])] * n, np.int8)
    return genotype_sites(table, prob, WINDOW.reference, START, ploidy, known=known).sites


def room(sites, classes=np.empty(0, np.int16)) -> Output:
    size, lines = kt.text_capacity(
        len(CONTIG), classes, sites.ref_len, sites.n_alts, len(sites.alt_seq) + len(sites.id_text)
    )
    return Output(np.empty(size, np.uint8), np.empty((lines, 3), np.int64))


def alleles_of(sites, s: int) -> list[str]:
    at = int(sites.pos[s]) - START
    alts = range(sites.site_offset[s], sites.site_offset[s + 1])
    texts = [decode_bases(sites.alt_seq[sites.alt_offset[k] : sites.alt_offset[k + 1]]) for k in alts]
    return [REFERENCE[at : at + sites.ref_len[s]], *texts]


def called_line(sites, s: int, disputed: bool) -> tuple | None:
    """(POS, ID, REF, ALT, QUAL, GT, GQ, DP, AD, PL) of a site cut to its called and given alleles."""
    gt = [int(a) for a in sites.gt[s]]
    first = sites.site_offset[s]
    given = [a for a in range(1, sites.n_alts[s] + 1) if sites.given[first + a - 1]]
    ad = sites.ad[sites.ad_offset[s] : sites.ad_offset[s + 1]].tolist()
    kept = sorted({0, *given, *(a for a in gt if a > 0)})
    if max(gt) <= 0 and not given:
        if not disputed:
            return None
        kept = [0, 1 + ad[1:].index(max(ad[1:]))]
    alleles = [alleles_of(sites, s)[a] for a in kept]
    while min(map(len, alleles)) > 1 and len({a[-1] for a in alleles}) == 1:
        alleles = [a[:-1] for a in alleles]
    gl = sites.gl[sites.gl_offset[s] : sites.gl_offset[s + 1]].tolist()
    if sites.ploidy[s] == 1:
        gl = [gl[a] for a in kept]
    else:
        gl = [gl[b * (b + 1) // 2 + a] for k, b in enumerate(kept) for a in kept[: k + 1]]
    gl = [x - max(gl) for x in gl]
    new = ["." if a < 0 else str(kept.index(a)) for a in gt if a != -2]
    name = sites.id_text[sites.id_offset[s] : sites.id_offset[s + 1]].tobytes().decode() or "."
    qual = f"{int(sites.qual[s] * 10 + 0.5) / 10:g}"
    pl = ",".join(str(int(min(65_535, -10 * x) + 0.5)) for x in gl)
    depths = ",".join(str(ad[a]) for a in kept)
    return (
        str(sites.pos[s] + 1), name, alleles[0], ",".join(alleles[1:]), qual, "/".join(new), str(sites.gq[s]),
        str(sites.dp[s]), depths, pl,
    )  # fmt: skip


def parts(line: str) -> tuple:
    fields = line.split("\t")
    gt, gq, dp, ad, _, pl = fields[9].split(":")
    return (*fields[1:6], gt, gq, dp, ad, pl)


@pytest.mark.parametrize("given_only", [False, True])
def test_called_sites_are_cut_to_what_is_called(given_only):
    rng, n_lines_all, n_cut = random.Random(1), 0, 0
    for _ in range(40):
        sites = random_sites(rng, 24)
        disputed = np.array([rng.random() < 0.3 for _ in range(len(sites))])
        out, span = room(sites), Span(CONTIG, START + 8, START + 55)
        n, n_lines = write_called(
            out,
            span,
            WINDOW,
            columns_of(SiteColumns, sites),
            SiteMarks(disputed, *NO_BIAS),
            TextRules(3.0, 13.0, 8.0, given_only),
        )
        want, starts = [], []
        for s in range(len(sites)):
            if span.start <= sites.pos[s] < span.end:
                line = called_line(sites, s, bool(disputed[s]))
                own = sites.given[sites.site_offset[s] : sites.site_offset[s + 1]].any()
                if line and (own or not given_only):
                    want.append(line)
                    starts.append([int(sites.pos[s]), int(sites.pos[s]) + len(line[2])])
                    n_cut += len(line[3].split(",")) < sites.n_alts[s]
        text = out.buffer[:n].tobytes().decode()
        lines = text.splitlines()
        assert [parts(line) for line in lines] == want
        assert n_lines == len(want)
        assert out.lines[:n_lines, :2].tolist() == starts
        offsets = [0, *itertools.accumulate(len(line) + 1 for line in lines)]
        assert out.lines[:n_lines, 2].tolist() == offsets[:-1]
        n_lines_all += n_lines
    assert n_lines_all > 50
    assert n_cut > 3


def block_line(rows: list[tuple[int, int, int, int, int]]) -> str:
    """A reference block of bases (POS, class, depth, two PLs)."""
    pos, kind = rows[0][:2]
    depths = [d for _, _, d, _, _ in rows]
    one, two = min(r[3] for r in rows), min(r[4] for r in rows)
    copies, covered = kind // 64, kind % 64 > 0
    allele = "0" if covered else "."
    gt = allele if copies == 1 else f"{allele}/{allele}"
    least = min(depths)
    first = depths[0]
    if not covered:
        least, first = min(0, least), 0
    info = f"END={rows[-1][0] + 1}"
    if sum(depths) != len(depths) * least:
        counts = [sum(d >= x for d in depths) for x in COVERED_AT if least < x]
        counts = list(itertools.takewhile(bool, counts))
        info += ";COV=" + ",".join(map(str, [sum(depths), *counts]))
    pl = f"0,{two}" if copies == 1 else f"0,{one},{two}"
    cell = f"{gt}:{min(one, two, 99)}:{first}:{least}:{pl}"
    return (
        f"chr7\t{pos + 1}\t.\t{REFERENCE[pos - START]}\t<NON_REF>\t.\t.\t{info}\tGT:GQ:DP:MIN_DP:PL\t{cell}"
    )


def random_confidence(rng: random.Random, n: int) -> ReferenceConfidence:
    """Stretches of one class; no reads where the class has none."""
    classes, total = [], []
    while len(classes) < n:
        kind = rng.choice([1, 2]) * 64 + rng.choice([0, 1, 2])
        for _ in range(rng.randint(1, 12)):
            classes.append(kind)
            total.append(rng.choice([3, 9, 12, 20, 35]) if kind % 64 else 0)
    one, two = ([rng.randint(0, 120) for _ in range(n)] for _ in "ab")
    return ReferenceConfidence(
        np.array(classes[:n], np.int16),
        np.array(total[:n], np.int32),
        np.array(one, np.int32),
        np.array(two, np.int32),
    )


@pytest.mark.parametrize("cuts", [(), (START + 20, START + 33)])
def test_blocks_are_runs_of_one_class_that_no_record_covers(cuts):
    rng, n_blocks = random.Random(2), 0
    for _ in range(30):
        sites = random_sites(rng, 6)
        start, end = START + 8, START + 65
        confidence = random_confidence(rng, end - start)
        state, text, ends = np.zeros(kt.N_STATE, np.int64), "", []
        for a, b in itertools.pairwise((start, *cuts, end)):
            # a chunk is handed the sites that begin in it, and those before that reach in
            part = ReferenceConfidence(*(column[a - start : b - start].copy() for column in confidence))
            out = room(sites, part.classes)
            n, n_lines = kt.write_gvcf(
                out, state, Span(CONTIG, a, b), WINDOW, part, columns_of(SiteColumns, sites),
                SiteMarks(np.zeros(len(sites), np.bool_), *NO_BIAS), TextRules(3.0, 13.0, 8.0, False),
            )  # fmt: skip
            ends += (out.lines[:n_lines, 2] + len(text)).tolist()
            text += out.buffer[:n].tobytes().decode()
        buffer, lines = np.empty(300, np.uint8), np.empty((1, 3), np.int64)
        n, n_lines = kt.close_block(buffer, 0, lines, 0, state, CONTIG)
        ends += (lines[:n_lines, 2] + len(text)).tolist()
        text += buffer[:n].tobytes().decode()
        assert kt.close_block(buffer, 0, lines, 0, state, CONTIG) == (0, 0)

        at_pos = {int(p): s for s, p in enumerate(sites.pos)}
        covered: set[int] = set()
        want: list = []
        for p in range(START, end):
            s = at_pos.get(p)
            if s is not None:
                covered |= set(range(p, p + int(sites.covers[s])))
                if p >= start:
                    want.append((p, alleles_of(sites, s)))
            elif p >= start and p not in covered:
                base = (p, *(int(column[p - start]) for column in confidence))
                last = want[-1] if want else None
                if isinstance(last, list) and last[-1][0] == p - 1 and last[-1][1] == base[1]:
                    last.append(base)
                else:
                    want.append([base])
        found = text.splitlines()
        assert len(found) == len(want)
        for line, item in zip(found, want, strict=True):
            if isinstance(item, list):
                assert line == block_line(item)
                n_blocks += 1
            else:
                fields = line.split("\t")
                assert (fields[1], fields[3]) == (str(item[0] + 1), item[1][0])
                assert fields[4] == ",".join([*item[1][1:], "<NON_REF>"])
        assert ends == [0, *itertools.accumulate(len(line) + 1 for line in found)][:-1]
    assert n_blocks > 100


# ---------------------------------------------------------------------------------------------- fragments


def made(rows, chosen, at: int) -> str:
    """Bases from `at` on to the end of all REFs, of a haplotype with these candidates."""
    text, place = "", at
    end = max(p + len(r) for p, r, _ in rows)
    for p, ref, alt in sorted(chosen, key=lambda row: (row[0], len(row[1]) != len(row[2]))):
        if p < place:  # an indel on the anchor that a SNP has changed
            text, alt, ref, p = text, alt[1:], ref[1:], p + 1
        text += REFERENCE[place - START : p - START] + alt
        place = p + len(ref)
    return text + REFERENCE[place - START : end - START]


def test_rows_that_make_the_alleles_of_a_heterozygous_site():
    rng, missing = random.Random(3), 0
    for _ in range(60):
        sites = random_sites(rng, 12)
        chosen = np.array(
            [s for s in range(len(sites)) if sites.ploidy[s] == 2 and sites.gt[s, 0] != sites.gt[s, 1]],
            np.int64,
        )
        # candidates: each ALT of a site on its own, as if none were a compound, then spoilt now and then
        rows, owner = [], []
        for s in range(len(sites)):
            ref, *alts = alleles_of(sites, s)
            for alt in alts:
                shown = alt
                if rng.random() < 0.2:
                    shown = alt[:-1] + ("A" if alt[-1] != "A" else "C")
                rows.append((int(sites.pos[s]), ref, shown))
                owner.append(s)
        spans = np.array(
            [(owner.index(s), owner.index(s) + owner.count(s)) for s in range(len(sites))], np.int64
        )
        offset = np.cumsum([0, *(len(a) for *_, a in rows)]).astype(np.int64)
        alleles = AlleleColumns(
            np.array([p for p, *_ in rows], np.int64), np.array([len(r) for _, r, _ in rows], np.int32),
            encode_bases("".join(a for *_, a in rows)).copy(), offset,
        )  # fmt: skip
        numbers = np.arange(len(rows))
        found = kf.rows_of_alleles(
            chosen, columns_of(SiteColumns, sites), spans, numbers, alleles.pos.copy(), alleles, WINDOW
        )
        for i, s in enumerate(chosen.tolist()):
            for k in range(2):
                allele = int(sites.gt[s, k])
                wanted = alleles_of(sites, s)[allele]
                candidates = [r for r in range(*spans[s]) if rows[r][2] == wanted] if allele else []
                first = candidates[0] if candidates else -1 if allele == 0 else -2
                got = found[i, k].tolist()
                if first == -2 and got[0] >= 0:  # a SNP and an indel on one anchor, that make it together
                    snp, indel = rows[got[1]], rows[got[0]]
                    assert (len(snp[1]), len(snp[2])) == (1, 1)
                    assert snp[2] + indel[2][1:] == wanted
                else:
                    assert got == [first, -1]
                    missing += first == -2
    assert missing > 5


def test_a_snp_and_an_indel_on_one_anchor_make_an_allele_together():
    at, base = 20, REFERENCE[20]
    other = "A" if base != "A" else "C"
    rows = [(at + START, base, other), (at + START, base, base + "TT"), (at + START, REFERENCE[20:23], base)]
    table = make_table(rows)
    sites = genotype_sites(
        table, np.array([(0, 1, 0), (0, 1, 0), (1.0, 0, 0)]), WINDOW.reference, START, 2
    ).sites
    alleles = columns_of(AlleleColumns, table)
    site = columns_of(SiteColumns, sites)
    joined = encode_bases(other + "TT").copy()
    site = site._replace(
        alt_seq=joined, alt_offset=np.array([0, 3], np.int64), site_offset=np.array([0, 1], np.int64),
        ref_len=np.array([1], np.int32), gt=np.array([[0, 1]], np.int8),
    )  # fmt: skip
    spans = np.array([[0, 3]], np.int64)
    found = kf.rows_of_alleles(
        np.zeros(1, np.int64), site, spans, np.arange(3), alleles.pos.copy(), alleles, WINDOW
    )
    order = [rows.index(r) for r in sorted(rows)]
    insertion, snp = order.index(1), order.index(0)
    assert found.tolist() == [[[-1, -1], [insertion, snp]]]


def random_reads(rng: random.Random, n: int) -> PlacedReads:
    pos = np.array(sorted(rng.choices(range(1_000), k=n)), np.int64)
    return PlacedReads(
        pos, pos + 100, np.array([rng.choice([60, 60, 3]) for _ in range(n)], np.uint8),
        np.array([rng.choice([0, 0x41, 0x81]) for _ in range(n)], np.uint16),
        np.array([rng.randrange(2**63) for _ in range(n)], np.uint64),
        np.array([rng.choice([0, 350, -350, 20_000, -20_000, 10_000]) for _ in range(n)], np.int32),
    )  # fmt: skip


def shown_of(row: int, entries: Entries) -> dict[int, tuple[int, float]]:
    part = range(entries.offset[row], entries.offset[row + 1])
    return {int(entries.read[e]): (int(entries.allele[e]), float(entries.ratio[e])) for e in part}


def odds(first: list[int], second: list[int], read: int, entries: Entries, mapq) -> float:
    """log10 odds for the first allele that a read gives; 0 where it tells nothing."""
    said, told = [], []
    for rows in (first, second):
        shown = [shown_of(r, entries).get(read) for r in rows]
        shown = [s for s in shown if s]
        said.append(sum(capped_ratio(np.float32(x), mapq[read]) for a, x in shown if a >= 0))
        told.append({a for a, _ in shown if a >= 0})
    if not first or not second:
        k = 1 if second else 0
        if 2 in told[k] or not told[k]:
            return 0.0
        return -said[1] if k else said[0]
    alone = [told[k] & {0, 1} == {1} for k in range(2)]
    if alone[0] == alone[1]:
        return 0.0
    # the other allele is judged by its own rows where the read says anything of them
    k = 1 if alone[0] else 0
    strength = said[k] if told[k] else -said[1 - k]
    return -strength if k == 1 else strength


def test_entries_are_what_fragments_say_of_both_alleles():
    rng, n_entries = random.Random(4), 0
    for _ in range(40):
        reads = random_reads(rng, 12)
        own = [sorted(rng.sample(range(12), rng.randint(0, 12))) for _ in range(5)]
        entries = Entries(
            np.cumsum([0, *map(len, own)]).astype(np.int64), np.array([r for x in own for r in x], np.int32),
            np.array([rng.choice([-1, 0, 1, 2]) for x in own for _ in x], np.int8),
            np.array([rng.choice([-4, -0.7, 0.01, 1.3, 6]) for x in own for _ in x], np.float32),
            np.zeros(sum(map(len, own)), np.int32),
        )  # fmt: skip
        rows = np.array(
            [
                [rng.choice([(-1, -1), (0, -1), (3, 1), (-2, -1)]), rng.choice([(2, -1), (4, 1), (0, -1)])]
                for _ in range(4)
            ]
        )
        fragment, site, units, span = kf.list_entries(rows, entries, reads)
        got = {
            (int(s), int(f)): (int(u), *map(int, ab))
            for f, s, u, ab in zip(fragment, site, units, span, strict=True)
        }
        want = {}
        for i, (one, two) in enumerate(rows.tolist()):
            if -2 in (one[0], two[0]):
                continue
            first = [r for r in one if r >= 0 and r not in two]
            second = [r for r in two if r >= 0 and r not in one]
            for read in range(12):
                x = 20 * min(max(odds(first, second, read, entries, reads.mapq), -2.0), 2.0)
                value = int(np.floor(x + 0.5))
                if value == 0:
                    continue
                a, b, size = int(reads.pos[read]), int(reads.end[read]), int(reads.insert_size[read])
                paired = reads.flag[read] & 1
                if paired and 0 < abs(size) <= 10_000:
                    a, b = (a, max(b, a + size)) if size > 0 else (min(a, b + size), b)
                name = int(reads.name_hash[read])
                if paired and abs(size) > 10_000 and reads.flag[read] & 0x80:
                    name ^= int(kf.OTHER_FRAGMENT)
                assert kf.fragment_id(read, reads) == name
                want[i, name] = (value, a, b)
        assert got == want
        n_entries += len(want)
    assert n_entries > 200
