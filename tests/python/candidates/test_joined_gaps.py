"""Gaps joined: held against a slow search, and through candidates of reads as an aligner that counts edits has them."""

import random
import re

import numpy as np
import pytest
from deepcohort.candidates.columns import Window, aligned_reads
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.joined_gap_kernels import (
    APART_BP,
    FLANK_BP,
    best_single_gap,
    join_gaps,
    mark_gapped,
)
from deepcohort.candidates.joined_gaps import with_joined_gaps
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.reads.clip_kernels import GAP, MATCH, MISMATCH
from read_builders import cigars, make_batch

START = 5_000


def random_text(rng: random.Random, n: int) -> str:
    return "".join(rng.choices("ACGT", k=n))


def worth(base: str, code: str) -> int:
    return 0 if "N" in (base, code) else MATCH if base == code else MISMATCH


def score(cigar: str, seq: str, reference: str) -> int:
    """Score of `seq` along `reference` from its first base on; clips cost nothing."""
    total = at = on = 0
    for bp, op in ((int(n), c) for n, c in re.findall(r"(\d+)(.)", cigar)):
        if op in "M=X":
            total += sum(worth(a, b) for a, b in zip(seq[at : at + bp], reference[on : on + bp], strict=True))
        elif op in "ID":
            total -= GAP + bp
        at += bp if op in "MIS=X" else 0
        on += bp if op in "MD=XN" else 0
    return total


def gaps_of(cigar: str) -> list[str]:
    return re.findall(r"\d+[ID]", cigar)


def split_somehow(rng: random.Random, reference: str, seq: str, before: int, last: int) -> str | None:
    """An alignment with several gaps of `seq`, which begins and ends as `reference` does."""
    net, ops, at = len(seq) - len(reference), [], before
    wanted = [rng.choice((1, 2, 3)) * (1 if net > 0 else -1) for _ in range(rng.choice((2, 3)))]
    wanted[-1] += net - sum(wanted)
    if not all(wanted) or any(abs(w) > 12 for w in wanted):
        return None
    ops.append(f"{before}M")
    for gap in wanted:
        ops.append(f"{abs(gap)}{'I' if gap > 0 else 'D'}")
        step = rng.randint(1, 8)
        ops.append(f"{step}M")
        at += step + max(gap, 0)
    if len(seq) - at < last:
        return None
    return "".join((*ops[:-1], f"{int(ops[-1][:-1]) + len(seq) - at}M"))


@pytest.mark.parametrize("seed", range(5))
def test_best_single_gap_is_that_of_a_slow_search(seed):
    rng = random.Random(seed)
    for _ in range(200):
        seq, codes = (random_text(rng, rng.randint(1, 14)) for _ in range(2))
        if rng.random() < 0.3:
            seq = seq[:3] + "N" + seq[4:]
        short, shift = min(len(seq), len(codes)), abs(len(seq) - len(codes))
        gap = f"{shift}{'I' if len(seq) > len(codes) else 'D'}" if shift else ""
        found = [score(f"{k}M{gap}{short - k}M", seq, codes) for k in range(short + 1)]
        if not shift:
            found = found[:1]
        assert best_single_gap(encode_bases(seq), encode_bases(codes)) == (
            max(found),
            found.index(max(found)),
        )


def joined(reads: list[tuple], reference: str) -> list[str]:
    batch = make_batch(reads)
    out = with_joined_gaps(batch, encode_bases(reference), Region("c", START, START + len(reference)))
    assert out.pos.tolist() == batch.pos.tolist()
    return cigars(out)


@pytest.mark.parametrize("seed", range(8))
def test_joined_gaps_score_better_and_others_stay(seed):
    """Each read anew: the same bases over the same span, never a worse score, one gap where one is best."""
    rng = random.Random(seed)
    n_joined = 0
    for _ in range(150):
        reference = random_text(rng, 120)
        bp = rng.randint(2, 8)
        at = rng.randint(50, 60)
        if rng.random() < 0.5:
            seq = reference[:at] + random_text(rng, bp) + reference[at:]
        else:
            seq = reference[:at] + reference[at + bp :]
        cigar = split_somehow(rng, reference, seq, rng.randint(at - 6, at + 2), 35)
        if cigar is None:
            continue
        (new,) = joined([(START, cigar, seq)], reference)
        old_score, new_score = score(cigar, seq, reference), score(new, seq, reference)
        if new != cigar:
            n_joined += 1
            assert new_score > old_score
            assert len(gaps_of(new)) < len(gaps_of(cigar))
        assert sum(int(n) for n, _ in re.findall(r"(\d+)([MIS])", new)) == len(seq)
        assert sum(int(n) for n, _ in re.findall(r"(\d+)([MD])", new)) == len(reference)
        best = max(score(f"{k}M{bp}{'I' if len(seq) > 120 else 'D'}{min(len(seq), 120) - k}M", seq, reference)
                   for k in range(at - FLANK_BP, at + FLANK_BP))  # fmt: skip
        assert best <= new_score or best <= old_score, (cigar, new)
    assert n_joined > 50


@pytest.mark.parametrize("seed", range(8))
def test_any_gaps_keep_the_bases_of_read_and_reference(seed):
    """Gaps right beside gaps too; never a worse score."""
    rng = random.Random(100 + seed)
    n_joined = 0
    for _ in range(200):
        unit = random_text(rng, rng.choice((1, 2, 3, 5)))
        reference = random_text(rng, 30) + unit * 20 + random_text(rng, 200)  # where much fits somewhere else
        ops = [f"{rng.randint(15, 30)}M"]
        for _ in range(rng.randint(2, 6)):
            ops += [f"{rng.randint(1, 4)}{op}" for op in rng.choice(("I", "D", "ID", "DI"))]
            ops += [f"{rng.randint(1, 9)}M"] * (rng.random() < 0.8)
        ops.append(f"{rng.randint(5, 30)}M")
        cigar = re.sub(r"(\d+)M(\d+)M", lambda m: f"{int(m[1]) + int(m[2])}M", "".join(ops))
        seq, on = "", 0
        for bp, op in ((int(n), c) for n, c in re.findall(r"(\d+)(.)", cigar)):
            seq += reference[on : on + bp] if op == "M" else random_text(rng, bp) if op == "I" else ""
            on += bp if op != "I" else 0
        (new,) = joined([(START, cigar, seq)], reference)
        assert sum(int(n) for n, _ in re.findall(r"(\d+)([MI])", new)) == len(seq)
        assert sum(int(n) for n, _ in re.findall(r"(\d+)([MD])", new)) == on
        n_joined += new != cigar
        assert score(new, seq, reference) >= score(cigar, seq, reference)
    assert n_joined > 20


def test_what_is_written_for_one_insertion():
    """An inserted TGTT that segemehl writes as three, two reads apart in how much of it they have."""
    reference = "ACGGACCTGAACCATGATCC" + "CTCTGTGTGTTTTTGAGTTC" + "GGCATTAGGCATCCAAGTCA"
    seq = reference[:23] + "TGTT" + reference[23:]
    assert score("23M4I37M", seq, reference) > 0
    assert joined([(START, "23M2I4M1I4M1I29M", seq)], reference) == ["23M4I37M"]
    assert joined([(START, "5S18=2I4=1I4=1I29=", "GGGGG" + seq[5:])], reference[5:]) == ["5S18M4I37M"]


@pytest.mark.parametrize(
    "cigar",
    ["20M1I39M", "20M1I10M1D29M", "20M2D3N5M1I34M", "1I20M1I38M", f"10M1I{APART_BP + 1}M1I{27 - APART_BP}M"],
)
def test_what_stays(cigar):
    """One gap; two of two variants; gaps beside a skip, or at the end; gaps too far apart; = and X too."""
    rng = random.Random(3)
    reference = random_text(rng, 70)
    seq, on = "", 0
    for bp, op in ((int(n), c) for n, c in re.findall(r"(\d+)(.)", cigar)):
        seq += reference[on : on + bp] if op == "M" else random_text(rng, bp) if op == "I" else ""
        on += bp if op != "I" else 0
    eqx = cigar.replace("M", "=")
    assert joined([(START, cigar, seq), (START, eqx, seq)], reference) == [cigar, eqx]


def test_reads_beyond_the_window_and_long_ones_stay():
    rng = random.Random(5)
    reference = random_text(rng, 1_300)
    seq = reference[:600] + "GATT" + reference[600:1_200]
    split = "600M2I1M2I599M"
    seq = reference[:600] + "GAT" + reference[600] + "TG" + reference[601:1_200]
    assert joined([(START, split, seq[:1_204])], reference) == [split]  # long
    short, text = seq[560:660], "40M2I1M2I55M"
    window = Region("c", START + 590, START + 1_300)
    batch = make_batch([(START + 560, text, short)])
    assert cigars(with_joined_gaps(batch, encode_bases(reference[590:]), window)) == [text]


def test_columns_of_unchanged_reads_are_the_same_object():
    batch = make_batch([(START, "30M", "A" * 30)])
    assert with_joined_gaps(batch, encode_bases("A" * 40), Region("c", START, START + 40)) is batch


def test_kernel_counts_the_reads_it_changed():
    reference = "ACGGACCTGAACCATGATCC" + "CTCTGTGTGTTTTTGAGTTC" + "GGCATTAGGCATCCAAGTCA"
    seq = reference[:23] + "TGTT" + reference[23:]
    batch = make_batch(
        [(START, "23M4I37M", seq), (START, "23M2I4M1I4M1I29M", seq), (START, "60M", reference)]
    )
    op, length = np.empty_like(batch.cigar_op), np.empty_like(batch.cigar_len)
    offset = np.empty_like(batch.cigar_offset)
    window = Window(encode_bases(reference), START)
    gapped = np.empty(3, np.bool_)
    assert mark_gapped(aligned_reads(batch), gapped) == 1
    assert join_gaps(aligned_reads(batch), gapped, window, op, length, offset) == 1
    assert np.diff(offset).tolist() in ([3, 3, 1], [3, 1, 3], [1, 3, 3])


def test_an_insertion_written_in_parts_is_one_candidate():
    """Without joining no candidate is the insertion: this one, at 20x, as reads of segemehl have it."""
    rng = random.Random(11)
    left, right = random_text(rng, 400), random_text(rng, 400)
    reference = left + "CTCTGTGTGTTTTTGAGTTC" + right
    sample = left + "CTC" + "TGTT" + "TGTGTGTTTTTGAGTTC" + right
    reads = []
    for k in range(20):
        first = 300 + 5 * k
        before = 403 - first
        text = f"{before}M2I4M1I4M1I{150 - before - 12}M"
        reads.append((START + first, text, sample[first : first + 150]))
    window = Region("c", START, START + len(reference))
    evidence = find_candidates(make_batch(reads), encode_bases(reference), window, window, CandidatesConfig())
    table = evidence.table
    found = [
        (decode_bases(table.alt_seq[a:b]), int(r))
        for a, b, r in zip(table.alt_offset[:-1], table.alt_offset[1:], table.ref_len, strict=True)
    ]
    assert [len(alt) - ref for alt, ref in found if len(alt) != ref] == [4]
