"""Reads without alignment, laid near their mates."""

import re
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.reads import unaligned_kernels as uk
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profile_of
from deepcohort.reads.scan import Near
from deepcohort.reads.unaligned import lays_unaligned

CODE = "MIDNS"
OTHER = str.maketrans("ACGT", "CGTA")
COMPLEMENT = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="module")
def text():
    return "".join(np.random.default_rng(3).choice(list("ACGT"), 800))


def laid(text, read):
    """(pos, end, CIGAR) of `read` in `text` from contig position 1,000 on, or None."""
    out = uk.Laid(
        np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros((1, uk.MOST_OPERATIONS), np.uint8),
        np.zeros((1, uk.MOST_OPERATIONS), np.int32), np.zeros(1, np.int64),
    )  # fmt: skip
    offset = np.array([0, len(read)], np.int64)
    stretch = (np.array([1_000]), np.array([1_000 + len(text)]))
    uk.lay_reads(np.array([0]), encode_bases(read), offset, *stretch, encode_bases(text), 1_000, out)
    n = out.n_ops[0]
    cigar = "".join(f"{bp}{CODE[op]}" for op, bp in zip(out.op[0, :n], out.length[0, :n], strict=True))
    return (int(out.pos[0]), int(out.end[0]), cigar) if n else None


def test_a_read_is_laid_with_its_gap(text):
    assert laid(text, text[100:250]) == (1_100, 1_250, "150M")
    found = laid(text, text[100:160] + text[190:280])
    assert (found[0], found[1]) == (1_100, 1_280)
    assert found[2].count("30D") == 1
    assert found[2].count("M") == 2
    found = laid(text, text[100:160] + "ACGTTGCAACCA" + text[160:240])
    assert (found[0], found[1]) == (1_100, 1_240)
    assert "12I" in found[2]
    assert "S" not in found[2]


def test_ends_that_do_not_fit_are_clipped(text):
    foreign = text[700:730].translate(OTHER)
    assert laid(text, foreign + text[200:300]) == (1_200, 1_300, "30S100M")
    assert laid(text, text[200:300] + foreign) == (1_200, 1_300, "100M30S")


def test_no_base_lies_beyond_the_contig(text):
    read = text[:99]
    assert laid(text, "ACGT"["CGTA".index(text[0])] + read) == (1_000, 1_099, "1S99M")
    assert laid(text, text[-99:] + "A") == (1_701, 1_800, "99M1S")


def test_scattered_differences_are_matches(text):
    read = list(text[300:450])
    for k in range(7, 150, 20):
        read[k] = read[k].translate(OTHER)
    assert laid(text, "".join(read)) == (1_300, 1_450, "150M")


def test_what_fits_nowhere_or_twice_is_not_laid(text):
    other = "".join(np.random.default_rng(4).choice(list("ACGT"), 150))
    assert laid(text, other) is None
    assert laid(text, text[100:160] + other[:90]) is None  # less than half
    assert laid(text[:300] + text[100:300], text[120:270]) is None


def test_the_other_strand():
    seq, qual = encode_bases("ACGTN").copy(), np.arange(5, dtype=np.uint8)
    uk.reverse_complement(seq, qual)
    assert seq.tolist() == encode_bases("NACGT").tolist()
    assert qual.tolist() == [4, 3, 2, 1, 0]


def pair_lines(number, at, first_bases, second_bases, unaligned=None):
    """SAM lines of a pair that spans [at, at + 300), of which mate `unaligned` (0 or 1) has no alignment."""
    texts, pos, lines = (first_bases, second_bases), (at + 1, at + 201), []
    for mate in (0, 1):
        flag = 1 | (0x40, 0x80)[mate] | (0x20, 0x10)[mate]
        bases, place, tlen = texts[mate], pos[mate], (300, -300)[mate]
        cigar, mapq = "100M", 60
        if unaligned is not None:
            place, tlen = pos[1 - unaligned], 0
            flag = 1 | (0x40, 0x80)[mate]
            if mate == unaligned:
                cigar, mapq, flag = "*", 0, flag | 4 | (0x20 if mate == 0 else 0)
                if mate == 1:  # as it came from the sequencer
                    bases = bases.translate(COMPLEMENT)[::-1]
            else:
                flag |= 8 | (0x10 if mate == 1 else 0)
        lines.append(
            f"p{number}\t{flag}\tone\t{place}\t{mapq}\t{cigar}\t=\t{place}\t{tlen}\t{bases}\t{'I' * 100}\tRG:Z:a"
        )
    return lines


def lines_of_pairs(reference_text):
    """Pairs, two of which lack an alignment over a deletion of 12 bp each."""
    lines = []
    for k in range(150):
        at = 100 + 30 * k
        lines += pair_lines(k, at, reference_text[at : at + 100], reference_text[at + 200 : at + 300])
    t = reference_text
    lines += pair_lines(900, 2_000, t[2_000:2_050] + t[2_062:2_112], t[2_200:2_300], unaligned=0)
    lines += pair_lines(901, 3_000, t[3_000:3_100], t[3_188:3_238] + t[3_250:3_300], unaligned=1)
    return lines


@pytest.fixture(params=["reads.bam", "reads.cram"])
def library(request, write_reads, reference_path, reference_text):
    """Path of `lines_of_pairs`."""
    return write_reads(lines_of_pairs(reference_text), name=request.param)


def test_several_libraries_of_one_file_are_laid_alike(write_reads, reference_path, reference_text):
    groups = [f"@RG\tID:{name}\tSM:sample\tLB:{name}" for name in "ab"]
    lines = [
        line.replace("RG:Z:a", "RG:Z:b") if int(line.split("\t")[0][1:]) % 2 else line
        for line in lines_of_pairs(reference_text)
    ]
    path = write_reads(lines, header=("@HD\tVN:1.6\tSO:coordinate", *groups))
    config, _ = profile_of([path], reference_path, ReadsConfig())
    assert len(config.libraries) == 2
    assert config.lays_unaligned
    with open_reads([path], reference_path, config) as source:
        assert len(source.fetch(Region("one", 0, 6_000))) == 304
    for one, n in zip(config.libraries, (152, 152), strict=True):
        alone = replace(config, library=one.profile, libraries=(), only=one.key)
        with open_reads([path], reference_path, alone) as source:
            assert len(source.fetch(Region("one", 0, 6_000))) == n


def test_unaligned_reads_come_with_their_mates(library, reference_path):
    config, _ = profile_of([library], reference_path, ReadsConfig())
    assert config.lays_unaligned
    with open_reads([library], reference_path, config) as source:
        whole = source.fetch(Region("one", 0, 6_000))
        assert len(whole) == 304
        for start, first, last, reverse in ((2_000, 2_000, 2_112, False), (3_000, 3_188, 3_300, True)):
            spans = list(zip(whole.pos.tolist(), whole.end.tolist(), strict=True))
            row = next(i for i in range(304) if spans[i] == (first, last))
            other = int(whole.mate[row])
            assert spans[other] == ((2_200, 2_300) if start == 2_000 else (3_000, 3_100))
            ops = slice(int(whole.cigar_offset[row]), int(whole.cigar_offset[row + 1]))
            assert [CODE[op] for op in whole.cigar_op[ops]] == ["M", "D", "M"]
            assert bool(whole.flag[row] & 0x10) == reverse
            assert not (whole.flag[row] | whole.flag[other]) & 0xC
            assert abs(whole.insert_size[row]) == 300
            assert whole.mapq[row] == 60
            assert not whole.odd[row]
            assert not whole.odd[other]
        for begin in range(0, 6_000, 250):  # whatever the region, the same reads
            region = Region("one", begin, begin + 250)
            part = source.fetch(region)
            inside = (whole.pos < region.end) & (whole.end > region.start)
            for name in ("pos", "end", "flag", "insert_size", "name_hash", "odd"):
                assert (getattr(part, name) == getattr(whole, name)[inside]).all(), (name, begin)


@pytest.mark.parametrize(("place", "span"), [(2_020, (2_000, 2_112)), (3_290, (3_188, 3_300))])
def test_they_come_to_the_stretches_that_they_reach(library, reference_path, place, span):
    """As all reads do (`Near`): their mates lie far off."""
    config, _ = profile_of([library], reference_path, ReadsConfig())
    near = Near.of(np.array([place]), np.array([place + 1]))
    with open_reads([library], reference_path, config) as source:
        every, some = (source.fetch(Region("one", 1_500, 4_000), x) for x in (None, near))
    reached = (every.pos <= place) & (every.end > place)
    inside = (some.pos <= place) & (some.end > place)
    assert some.name_hash[inside].tolist() == every.name_hash[reached].tolist()
    assert span in list(zip(some.pos.tolist(), some.end.tolist(), strict=True))


def test_without_a_profile_they_stay_out(library, reference_path):
    assert not lays_unaligned(ReadsConfig().library)
    with open_reads([library], reference_path, ReadsConfig()) as source:
        assert len(source.fetch(Region("one", 0, 6_000))) == 302


def test_an_aligner_that_leaves_none_that_fit_is_left_alone(write_reads, reference_path, reference_text):
    t, other = reference_text, "".join(np.random.default_rng(5).choice(list("ACGT"), 300))
    lines = []
    for k in range(150):
        at = 100 + 30 * k
        lines += pair_lines(k, at, t[at : at + 100], t[at + 200 : at + 300])
    for k in range(3):  # foreign
        lines += pair_lines(900 + k, 2_000, other[k : k + 100], t[2_200:2_300], unaligned=0)
    lines += pair_lines(950, 3_000, t[3_000:3_050] + t[3_062:3_112], t[3_200:3_300], unaligned=0)
    config, _ = profile_of([write_reads(lines)], reference_path, ReadsConfig())
    assert lays_unaligned(config.library)
    assert not config.lays_unaligned


def test_two_gaps_are_no_cluster_of_mismatches(text):
    # an insertion of four and a deletion of four 30 bp on: between them the read is off by four
    found = laid(text, text[100:160] + "ACCA" + text[160:190] + text[194:250])
    assert (found[0], found[1]) == (1_100, 1_250)
    assert "4I" in found[2]
    assert "4D" in found[2]


def slow_score(read, text):
    """Best score of `read` in `text` on any diagonals at most 120 apart, by plain recursion over bases."""
    n, half = len(read), 60
    best = -1_000
    rows = []
    for j in range(n):
        row = {}
        for d in range(-len(read), len(text)):
            at = j + d
            worth = 1 if 0 <= at < len(text) and read[j] == text[at] else -4
            ways = [0 if j == 0 else -5]
            if j:
                ways.append(rows[j - 1][d])
                ways += [rows[j - 1][e] - 14 for e in range(max(d - half, -n), d)]
                ways += [
                    rows[j - 1 - g][d + g] - 14 for g in range(1, min(half, j - 1) + 1) if d + g < len(text)
                ]
            row[d] = max(ways) + worth
            best = max(best, row[d] - (5 if j < n - 1 else 0))
        rows.append(row)
    return best


def score_of(read, text, found):
    """What bwa mem's scores and a gap of 14 make of an alignment."""
    pos, _, cigar = found
    at, k, score = pos - 1_000, 0, 0
    for bp, op in re.findall(r"(\d+)(.)", cigar):
        n = int(bp)
        if op == "M":
            score += sum(1 if read[k + i] == text[at + i] else -4 for i in range(n))
        score -= {"S": 5, "M": 0}.get(op, 14)
        k += n if op in "MIS" else 0
        at += n if op in "MD" else 0
    assert (k, at) == (len(read), found[1] - 1_000)
    return score


def test_no_alignment_scores_better():
    rng = np.random.default_rng(6)
    n_gapped = 0
    for _ in range(12):
        text = "".join(rng.choice(list("ACGT"), 130))
        read = text[20:100]
        for _ in range(rng.integers(0, 3)):
            at, size = int(rng.integers(12, len(read) - 12)), int(rng.integers(1, 6))
            read = read[:at] + (read[at + size :] if rng.random() < 0.5 else "ACGTT"[:size] + read[at:])
        for _ in range(rng.integers(0, 3)):
            at = int(rng.integers(0, len(read)))
            read = read[:at] + read[at].translate(OTHER) + read[at + 1 :]
        found, best = laid(text, read), slow_score(read, text)
        if found is None:
            assert best < max(30, len(read) / 2)
            continue
        n_gapped += "D" in found[2] or "I" in found[2]
        assert score_of(read, text, found) == best
    assert n_gapped >= 3
