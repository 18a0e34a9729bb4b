"""Kernels of pixels and features: against plain Python on random reads."""

import math
import random

import numpy as np
import pytest
from deepcohort.candidates.columns import Window, aligned_reads, support_columns
from deepcohort.candidates.phase_kernels import capped_ratio, sure_genotypes
from deepcohort.candidates.substitution_kernels import cpg_class, substitution_log10
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.pileup import feature_kernels as fk
from deepcohort.pileup import kernels as pk
from deepcohort.pileup import read_feature_kernels as rk
from deepcohort.pileup.columns import count_columns, library_columns, table_columns
from deepcohort.pileup.features import FEATURE_NAMES, F
from deepcohort.pileup.sequence_kernels import sequence_features
from pileup_builders import random_evidence

OPS = "MIDNSHP=X"
START = 1000  # of the windows of random_evidence


def clipped(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


def mean(values) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def check(row: np.ndarray, want: dict[str, float]) -> None:
    for name, value in want.items():
        assert row[getattr(F, name)] == pytest.approx(float(value), rel=2e-5, abs=2e-6), name


def operations(reads, r: int):
    """(op, bp, contig position, index of the base) of each operation of a read."""
    out, at, query = [], int(reads.pos[r]), 0
    for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
        op, n = OPS[reads.cigar_op[k]], int(reads.cigar_len[k])
        out.append((op, n, at, query))
        at += n if op in "MDN=X" else 0
        query += n if op in "MIS=X" else 0
    return out


# ------------------------------------------------------------------------------------- which reads are drawn


def test_cursors_stand_at_the_first_operation_that_a_picture_shows():
    evidence, _, _ = random_evidence(1)
    reads = aligned_reads(evidence.reads)
    cursors = pk.start_cursors(reads)
    assert cursors.ref.tolist() == reads.pos.tolist()
    for start in range(990, 1_600, 35):
        for r in range(0, len(reads.pos), 7):
            pk.advance_cursor(np.int32(r), start, reads, cursors)
            own = operations(reads, r)
            want = len(own)
            for k, (op, n, at, query) in enumerate(own):
                ends = {"I": at - 1, "S": at - 1 if query == 0 else math.inf}.get(op, at + n - 1)
                if ends >= start:
                    want = k
                    break
            assert cursors.op[r] - reads.cigar_offset[r] == want
            if want < len(own):
                assert (cursors.ref[r], cursors.query[r]) == own[want][2:]


def slow_choice(entries, first: int, last: int, hashes, max_rows: int, least: int) -> list[int]:
    groups = [[e for e in range(first, last) if entries.allele[e] == a] for a in (1, 0, 2, -1)]
    n, n_alt = last - first, len(groups[0])
    if n > max_rows:
        share = max((max_rows * n_alt + n // 2) // n, min(n_alt, least))
        share = min(share, max_rows - min(n - n_alt, least))
        quotas, left, rest = [share], max_rows - share, n - n_alt
        for group in groups[1:]:
            quotas.append(math.ceil(left * len(group) / rest) if rest else 0)
            left, rest = left - quotas[-1], rest - len(group)
        for k, quota in enumerate(quotas):
            kept = sorted(groups[k], key=lambda e: (hashes[entries.read[e]], e))[:quota]
            groups[k] = sorted(kept)
    return [e for group in groups for e in group]


def test_reads_are_drawn_by_allele_and_the_smallest_hashes_stay():
    evidence, _, _ = random_evidence(2, n_reads=300, n_candidates=10)
    entries, hashes = support_columns(evidence.support), evidence.reads.name_hash
    n_cut = 0
    for max_rows, least in ((100, 5), (12, 3), (6, 2), (4, 1)):
        for i in range(10):
            first, last = int(entries.offset[i]), int(entries.offset[i + 1])
            chosen, scratch = np.zeros(max_rows, np.int64), np.zeros((4, max(1, last - first)), np.int64)
            n = pk.choose_rows(first, last, entries, hashes, max_rows, least, chosen, scratch)
            assert chosen[:n].tolist() == slow_choice(entries, first, last, hashes, max_rows, least)
            n_cut += n < last - first
    assert n_cut > 15


# ---------------------------------------------------------------------------------------------- sequence


def run_of(text: str, base: str) -> int:
    return len(text) - len(text.lstrip(base)) if base else 0


def longest_tandem(text: str, at: int) -> tuple[int, int]:
    """(unit, length) of the longest repeat of two copies or more through `at`; a longer unit must gain more."""
    best = (0, 0)
    for unit in range(1, 7):
        right = at
        while right + unit < len(text) and right - at < 50 and text[right] == text[right + unit] != "N":
            right += 1
        left = at
        while (
            left > 0
            and left - 1 + unit < len(text)
            and at - left < 50
            and text[left - 1] == text[left - 1 + unit] != "N"
        ):
            left -= 1
        length = right - left + unit
        if length >= 2 * unit and length >= best[1] + unit:
            best = (unit, length)
    return best


def test_features_of_the_sequence():
    rng = random.Random(3)
    for _ in range(120):
        text = "".join(rng.choice(["A" * 5, "AC" * 3, "N", "TTG" * 3, *"ACGT"]) for _ in range(60))
        at, ref_len = rng.randrange(len(text)), rng.choice([1, 1, 1, 3])
        alt = "".join(rng.choice("ACGT") for _ in range(rng.choice([1, 1, 2, 4])))
        codes, alt_codes = encode_bases(text).copy(), encode_bases(alt).copy()
        row = np.full(len(FEATURE_NAMES), 7, np.float32)
        sequence_features(row, at, np.int32(ref_len), alt_codes, codes)
        change, here = abs(len(alt) - ref_len), at
        if change and at + 1 < len(text):
            here = at + 1
        unit, length = longest_tandem(text, here)
        behind, before = run_of(text[here:][:50], text[here]), run_of(text[:here][::-1][:50], text[here])
        is_snp = ref_len == len(alt) == 1
        around = text[max(0, at - 50) : at + 51].replace("N", "")
        pairs = {text[k : k + 2] for k in range(max(0, at - 15), min(len(text) - 1, at + 15))}
        known = is_snp and text[at] != "N"
        check(row, {
            "is_snp": is_snp, "is_insertion": len(alt) > ref_len, "is_deletion": len(alt) < ref_len,
            "indel_length": math.log1p(change) / 4, "homopolymer": math.log1p(behind + before) / 3,
            "repeat_unit": unit / 6, "repeat_length": math.log1p(length) / 4,
            "repeat_step": change > 0 and unit > 0 and change % unit == 0,
            "gc": mean(b in "CG" for b in around), "complexity": sum("N" not in p for p in pairs) / 16,
            "is_transition": known and {text[at], alt} in ({"A", "G"}, {"C", "T"}),
            "homopolymer_alt": is_snp * math.log1p(
                run_of(text[at + 1 :][:50], alt[0]) + run_of(text[:at][::-1][:50], alt[0])
            ) / 3,
            "substitution": substitution_log10(codes, at, alt_codes[0]) if known else 0,
            "is_cpg": known and cpg_class(codes, at) == 0,
        })  # fmt: skip


# ------------------------------------------------------------------------------------------------- reads


def company(
    reads, r: int, site: rk.Site, text: str, near: int, least_q: int, whole: bool
) -> tuple[int, int, int]:
    """(mismatches, indels, aligned bp) of a read within `near` bp; `whole`: the site's own too."""
    start, stop = max(site.pos - near, START), min(site.pos + near + 1, START + len(text))
    wrong = gaps = aligned = 0
    base = int(reads.seq_offset[r])
    for op, n, at, query in operations(reads, r):
        if op in "M=X":
            for k in range(n):
                if start <= at + k < stop:
                    shown = "ACGTN"[reads.seq[base + query + k]]
                    aligned += 1
                    own = not whole and site.pos <= at + k < site.stop
                    good = shown != "N" and reads.qual[base + query + k] >= least_q
                    wrong += good and not own and shown != text[at + k - START]
        elif op in "ID" and whole:
            gaps += start <= at < stop
        elif op in "ID" and at - 1 != site.indel_at:
            first, last = site.pos - near, site.pos + near + 1
            gaps += at < last and (at - 1 >= first if op == "I" else at + n > first)
    return wrong, gaps, aligned


def excess(count: float, n: float, share: float, known: float, n_known: float) -> float:
    usual = clipped((20 * share + known) / (20 + n_known), 0.005, 0.995)
    return clipped((count - n * usual) / math.sqrt(n * usual * (1 - usual) + 0.25), -5, 5) / 5


def one_read(e: int, entries, reads, library, site: rk.Site, text: str) -> dict:
    """What one read adds to its allele's features."""
    r = int(entries.read[e])
    length = int(reads.seq_offset[r + 1] - reads.seq_offset[r])
    qual = reads.qual[reads.seq_offset[r] : reads.seq_offset[r + 1]].tolist()
    own, flag, i = operations(reads, r), int(library.flag[r]), int(entries.read_index[e])
    left = own[0][1] if own[0][0] == "S" else 0
    right = own[-1][1] if own[-1][0] == "S" else 0
    if i < 0:
        is_clipped = length <= 600 and max(left, right) >= 5
    else:
        is_clipped = (left >= 5 and i - left < 300) or (right >= 5 and length - right - i <= 300)
    wrong, gaps, _ = company(reads, r, site, text, 16, 15, False)
    far_wrong, far_gaps, aligned = company(reads, r, site, text, 128, 10, True)
    out = {
        "mapq": min(int(reads.mapq[r]), 60), "low": reads.mapq[r] < 20, "forward": not flag & 16,
        "ratio": clipped(float(entries.ratio[e]), -6, 6), "clipped": is_clipped, "wrong": wrong, "gaps": gaps,
        "unaligned": (left + right) / length if is_clipped else 0, "far": (far_wrong + far_gaps) / max(aligned, 1),
        "paired": flag & 1, "odd": library.odd[r] if flag & 1 else 0, "placed": i >= 0,
    }  # fmt: skip
    if i >= 0:
        d = max(0, min(i - left, length - 1 - right - i))
        q = min(qual[i : i + 2]) if site.indel_at >= 0 else qual[i]
        out |= {"q": q, "end": min(d, 50), "at_end": d < 5, "x": i / length}
        out["cycle"] = 1 - i / length if flag & 16 else i / length
    return out


def deviation(xs: list[float]) -> float:
    return 3 * math.sqrt(max(0.0, mean(x * x for x in xs) - mean(xs) ** 2))


def slow_reads(own: dict[int, list[dict]], n_other: int, n_none: int, lengths, library) -> dict[str, float]:
    """Features of reads by allele: own[0] of REF, own[1] of ALT."""
    n_ref, n_alt = len(own[0]), len(own[1])
    told = n_ref + n_alt + n_other
    total = told + n_none
    want = {
        "depth_log": math.log1p(told) / 4, "n_alt_log": math.log1p(n_alt) / 4, "n_alt_small": min(n_alt, 10) / 10,
        "n_ref_log": math.log1p(n_ref) / 4, "vaf": n_alt / told if told else 0,
        "vaf_het_z": clipped((n_alt - told / 2) / math.sqrt(max(told, 1) / 4), -5, 5) / 5,
        "other_fraction": n_other / told if told else 0, "none_fraction": n_none / total if total else 0,
        "read_length_log": math.log2(max(1.0, mean(lengths))) / 10,
        "quality_alt_max": max((r["q"] for r in own[1] if r["placed"]), default=0) / 40,
        "quality_alt_sum": math.log1p(sum(r["q"] for r in own[1] if r["placed"])) / 6,
        "alt_cycle": mean(r["cycle"] for r in own[1] if r["placed"]),
    }  # fmt: skip
    forward = [sum(r["forward"] for r in own[a]) for a in (0, 1)]
    odds = math.log((forward[1] + 0.5) / (n_alt - forward[1] + 0.5)) - math.log(
        (forward[0] + 0.5) / (n_ref - forward[0] + 0.5)
    )
    want["strand_log_odds"] = clipped(odds, -4, 4) / 4
    want["alt_minor_strand"] = min(forward[1], n_alt - forward[1]) / n_alt if n_alt else 0
    for a, name in ((0, "ref"), (1, "alt")):
        placed = [r for r in own[a] if r["placed"]]
        want |= {
            f"quality_{name}_mean": mean(r["q"] for r in placed) / 40, f"ratio_{name}_mean": mean(r["ratio"] for r in own[a]) / 4,
            f"mapq_{name}_mean": mean(r["mapq"] for r in own[a]) / 60, f"mapq_{name}_low": mean(r["low"] for r in own[a]),
            f"{name}_forward": mean(r["forward"] for r in own[a]), f"{name}_end_distance": mean(r["end"] for r in placed) / 50,
            f"{name}_at_end": mean(r["at_end"] for r in placed), f"{name}_place_sd": deviation([r["x"] for r in placed]),
            f"{name}_unaligned": mean(r["unaligned"] for r in own[a]),
            f"{name}_divergence": min(10 * mean(r["far"] for r in own[a]), 2),
            f"{name}_mismatches": math.log1p(mean(r["wrong"] for r in own[a])),
            f"{name}_indels": math.log1p(mean(r["gaps"] for r in own[a])),
        }  # fmt: skip
    clips, odd, paired = ([sum(r[k] for r in own[a]) for a in (0, 1)] for k in ("clipped", "odd", "paired"))
    want["alt_clipped"] = excess(clips[1], n_alt, library.clipped_share, clips[0], n_ref)
    want["ref_clipped"] = excess(clips[0], n_ref, library.clipped_share, 0, 0)
    want["alt_odd_pair"] = excess(odd[1], paired[1], library.odd_share, odd[0], paired[0])
    want["ref_odd_pair"] = excess(odd[0], paired[0], library.odd_share, 0, 0)
    return want


def test_features_of_the_reads():
    for seed in range(4):
        evidence, codes, _ = random_evidence(seed, n_candidates=10)
        reads, entries, table = (
            aligned_reads(evidence.reads),
            support_columns(evidence.support),
            table_columns(evidence.table),
        )
        library = library_columns(evidence.reads)._replace(odd_share=0.1, clipped_share=0.2)
        library.odd[:] = np.random.default_rng(seed).random(len(library.odd)) < 0.3
        cursors, sums, text = pk.start_cursors(reads), np.empty((rk.N_SUMS, 4)), decode_bases(codes)
        for i in range(10):
            pos, ref_len = int(table.pos[i]), int(table.ref_len[i])
            is_indel = ref_len != table.alt_offset[i + 1] - table.alt_offset[i]
            site = rk.Site(pos, pos + 1, pos) if is_indel else rk.Site(pos, pos + ref_len, -2)
            first, last = int(entries.offset[i]), int(entries.offset[i + 1])
            row = np.full(len(FEATURE_NAMES), 7, np.float32)
            total = rk.read_features(
                row, site, first, last, entries, reads, library, Window(codes, START), cursors, sums
            )
            assert total == last - first
            told = entries.allele[first:last].tolist()
            own = {
                a: [
                    one_read(e, entries, reads, library, site, text)
                    for e in range(first, last)
                    if entries.allele[e] == a
                ]
                for a in (0, 1)
            }
            lengths = [int(reads.seq_offset[r + 1] - reads.seq_offset[r]) for r in entries.read[first:last]]
            check(row, slow_reads(own, told.count(2), told.count(-1), lengths, library))


# ---------------------------------------------------------------------------- likelihoods, phase, company


def signed_log(x: float) -> float:
    return math.copysign(math.log1p(abs(x)), x)


def test_likelihoods_of_genotypes():
    evidence, _, _ = random_evidence(5)
    entries, reads = support_columns(evidence.support), evidence.reads
    for i in range(12):
        part = range(entries.offset[i], entries.offset[i + 1])
        row = np.zeros(len(FEATURE_NAMES), np.float32)
        het, hom = fk.likelihood_features(row, part.start, part.stop, entries, reads.mapq, reads.flag)
        told = [
            (int(entries.read[e]), capped_ratio(entries.ratio[e], reads.mapq[entries.read[e]]))
            for e in part
            if entries.allele[e] >= 0
        ]
        halves = [(r, math.log10((1 + 10**x) / 2)) for r, x in told]
        assert het == pytest.approx(sum(h for _, h in halves))
        assert hom == pytest.approx(sum(x for _, x in told))
        forward = [max(sum(v for r, v in side if not reads.flag[r] & 16) for side in (halves, told))]
        reverse = [max(sum(v for r, v in side if reads.flag[r] & 16) for side in (halves, told))]
        check(row, {
            "lod_het": signed_log(het), "lod_hom": signed_log(hom), "lod_hom_het": signed_log(hom - het),
            "lod_het_raw": clipped(het, -10, 20) / 10, "lod_hom_het_raw": clipped(hom - het, -10, 10) / 10,
            "lod_forward": clipped(forward[0], -10, 20) / 10, "lod_reverse": clipped(reverse[0], -10, 20) / 10,
            "lod_mapq30": clipped(sum(h for r, h in halves if reads.mapq[r] >= 30), -10, 20) / 10,
            "lod_without_top": clipped(het - max([0.0, *(h for _, h in halves)]), -10, 20) / 10,
        })  # fmt: skip


def test_phase_of_fragments():
    rng = np.random.default_rng(6)
    evidence, _, _ = random_evidence(6)
    entries = support_columns(evidence.support)
    n = len(evidence.reads)
    mate = np.full(n, -1, np.int32)
    mate[:20] = np.arange(20) ^ 1
    for i in range(12):
        odds = rng.choice([-3.0, -1.0, -0.5, 0.0, 2.0], n)
        part = range(entries.offset[i], entries.offset[i + 1])
        row = np.zeros(len(FEATURE_NAMES), np.float32)
        het, hom, phased = rng.uniform(-15, 25, 3)
        fk.phase_features(row, het, hom, phased, part.start, part.stop, entries, mate, odds)
        told = [
            (int(entries.allele[e]), odds[entries.read[e] & ~1 if entries.read[e] < 20 else entries.read[e]])
            for e in part
            if entries.allele[e] >= 0
        ]
        known = [(a, x > 0) for a, x in told if a < 2 and abs(x) >= 1]
        alt = sorted(sum(k == (1, side) for k in known) for side in (True, False))
        major = sum(k == (1, True) for k in known) >= sum(k == (1, False) for k in known)
        with_alt = [sum(k == (a, major) for k in known) for a in (0, 1)]
        check(row, {
            "lod_het_phased": signed_log(phased), "lod_het_phased_raw": clipped(phased, -10, 20) / 10,
            "lod_hom_het_phased_raw": clipped(hom - phased, -10, 10) / 10, "phase_gain": clipped(phased - het, -3, 3) / 3,
            "phased_fraction": len(known) / len(told) if told else 0, "phased_alt_balance": alt[0] / (sum(alt) + 1),
            "phased_ref_with_alt": with_alt[0] / (sum(with_alt) + 1) if sum(alt) else 0,
        })  # fmt: skip


def test_depth_company_and_neighbours_of_candidates():
    evidence, codes, window = random_evidence(7, n_candidates=40)
    reads, table = evidence.reads, evidence.table
    evidence.counts.mapq0[:] = np.random.default_rng(1).integers(0, 9, len(codes))
    table.realigned[::3] = True
    columns, entries, own = aligned_reads(reads), support_columns(evidence.support), table_columns(table)
    depth = [int(((reads.pos <= p) & (reads.end > p)).sum()) for p in range(START, window.end)]
    prefix = fk.depth_prefix(columns, START, len(codes))
    assert prefix.tolist() == np.cumsum([0, *depth]).tolist()
    out = np.zeros((40, len(FEATURE_NAMES)), np.float32)
    fk.candidate_features(
        out, np.arange(40), own, entries, columns, library_columns(reads), count_columns(evidence.counts),
        Window(codes, START), 150,
    )  # fmt: skip
    is_snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    copies = sure_genotypes(is_snp, entries, reads.mapq)
    share = table.ad[:, 1] / np.maximum(table.dp, 1)
    for i, p in enumerate(table.pos.tolist()):
        near = [j for j in range(40) if j != i and abs(table.pos[j] - p) <= 50]
        apart = {j: int(abs(table.pos[j] - p)) for j in near if table.pos[j] != p}
        same = [j for j in near if table.pos[j] == p]

        def of(kind: int, reach: int, p=p) -> int:
            return sum(0 < abs(table.pos[j] - p) <= reach and copies[j] == kind for j in range(40))

        local = depth[max(0, p - START - 100) : p - START + 101]
        total, at = entries.offset[i + 1] - entries.offset[i], p - START
        low, high = evidence.counts.mapq0[at], evidence.counts.n_total[at]
        check(out[i], {
            "near_10": math.log1p(sum(d <= 10 for d in apart.values())), "near_50": math.log1p(len(apart)),
            "nearest_left": min([50, *(d for j, d in apart.items() if j < i)]) / 50,
            "nearest_right": min([50, *(d for j, d in apart.items() if j > i)]) / 50,
            "near_vaf": min(1, max([0, *(share[j] for j, d in apart.items() if d <= 10)])),
            "same_site_alts": min(len(same), 4) / 4, "same_site_vaf": min(1, max([0, *share[same]])),
            "realigned": table.realigned[i], "near_hets": math.log1p(of(1, 150)) / 2, "near_homs": math.log1p(of(2, 150)) / 2,
            "wide_hets": math.log1p(of(1, 2_000)) / 3, "wide_homs": math.log1p(of(2, 2_000)) / 3,
            "depth_ratio": min(3, total / max(mean(local), 1)), "mapq0_fraction": low / max(low + high, 1),
        })  # fmt: skip
    assert {1, 2} & set(copies.tolist())
