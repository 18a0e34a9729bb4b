"""Ends that do not fit are clipped as a local aligner would, held against trying every cut by hand."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.reads import clip_kernels
from deepcohort.reads.clip import clip_loose_ends, loose_share
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profile_of
from deepcohort.reads.scan import ReadColumns, offsets_of
from hypothesis import given, settings
from hypothesis import strategies as st

MATCH, INSERTION, DELETION, SKIP, SOFT, HARD = range(6)
CODE = "MIDNSH"
REFERENCE = "".join(np.random.default_rng(11).choice(list("ACGT"), 900))
START = 10_000  # contig position of REFERENCE


def columns(rows):
    """Reads of (pos, [(op, bp)], text), each named by its row."""
    none = np.empty(0, np.int64)
    rows = sorted(rows, key=lambda row: row[0])
    spans = [sum(n for op, n in cigar if op in (MATCH, DELETION, SKIP)) for _, cigar, _ in rows]
    pos = np.array([row[0] for row in rows], np.int64)
    lengths = np.array([len(row[2]) for row in rows], np.int64)
    return ReadColumns(
        pos, pos + np.array(spans, np.int64), np.full(len(rows), 60, np.uint8), np.zeros(len(rows), np.uint16),
        np.zeros(len(rows), np.int32), np.arange(len(rows)).astype(np.uint64),
        encode_bases("".join(row[2] for row in rows)), np.full(int(lengths.sum()), 30, np.uint8), lengths,
        np.array([op for row in rows for op, _ in row[1]], np.uint8),
        np.array([n for row in rows for _, n in row[1]], np.int32),
        np.array([len(row[1]) for row in rows], np.int64), none, none,
    )  # fmt: skip


def clipped(*rows):
    """[(pos, end, CIGAR text)] after clipping."""
    found = clip_loose_ends(columns(rows), encode_bases(REFERENCE), START)
    stops = np.cumsum(found.n_ops)
    text = [f"{n}{CODE[op]}" for op, n in zip(found.cigar_op, found.cigar_len, strict=True)]
    return [
        (int(found.pos[i]), int(found.end[i]), "".join(text[stops[i] - found.n_ops[i] : stops[i]]))
        for i in range(len(stops))
    ]


def other(text):
    """Every base another one."""
    return text.translate(str.maketrans("ACGT", "CGTA"))


def test_an_end_that_differs_is_clipped():
    read = REFERENCE[100:180] + other(REFERENCE[180:192])
    assert clipped((START + 100, [(MATCH, 92)], read)) == [(START + 100, START + 180, "80M12S")]
    read = other(REFERENCE[100:112]) + REFERENCE[112:200]
    assert clipped((START + 100, [(MATCH, 100)], read)) == [(START + 112, START + 200, "12S88M")]


@pytest.mark.parametrize(("last", "cigar"), [(4, "100M"), (3, "96M4S")])
def test_a_mismatch_costs_four_and_a_clip_five(last, cigar):
    """Behind a mismatch 4 fitting bases pay for no clip, and 3 with two mismatches before them do not."""
    at = 100 - last - 1 if last == 4 else 96
    text = REFERENCE[100:200]
    if last == 4:
        text = text[:at] + other(text[at]) + text[at + 1 :]  # -4 + 4 = 0, better than -5
    else:
        text = text[:at] + other(text[at : at + 2]) + text[at + 2 :]  # -8 + 2 < -5
    assert clipped((START + 100, [(MATCH, 100)], text))[0][2] == cigar


def test_a_gap_near_an_end_goes_with_it():
    read = REFERENCE[100:180] + "ACGTACG" + REFERENCE[180:184]
    assert clipped((START + 100, [(MATCH, 80), (INSERTION, 7), (MATCH, 4)], read))[0][2] == "80M11S"
    read = REFERENCE[100:104] + REFERENCE[110:190]
    assert clipped((START + 100, [(MATCH, 4), (DELETION, 6), (MATCH, 80)], read)) == [
        (START + 110, START + 190, "4S80M")
    ]


def test_what_is_clipped_grows_and_hard_clips_stay_outside():
    read = "TTTTT" + other(REFERENCE[100:108]) + REFERENCE[108:180]
    cigar = [(HARD, 3), (SOFT, 5), (MATCH, 80), (HARD, 2)]
    assert clipped((START + 100, cigar, read)) == [(START + 108, START + 180, "3H13S72M2H")]


@pytest.mark.parametrize(
    ("cigar", "text"),
    [
        (
            [(MATCH, 40), (SKIP, 100), (MATCH, 40)],
            REFERENCE[100:140] + other(REFERENCE[240:280]),
        ),  # an intron
        ([(MATCH, 600)], REFERENCE[100:650] + other(REFERENCE[650:700])),  # a long read
        ([(MATCH, 80)], other(REFERENCE[100:180])),  # nothing fits
        ([(MATCH, 80)], REFERENCE[100:160] + "N" * 20),  # bases that nobody read
    ],
)
def test_left_alone(cigar, text):
    before = columns([(START + 100, cigar, text)])
    after = clip_loose_ends(before, encode_bases(REFERENCE), START)
    assert after is before
    assert loose_share(before, encode_bases(REFERENCE), START) == 0


def test_an_end_beside_a_hard_clip_is_the_aligners():
    """It is no end of what the aligner saw: SNPs there are no reason to cut, at the other end it is."""
    text = REFERENCE[100:157] + other(REFERENCE[157:158]) + REFERENCE[158:159] + other(REFERENCE[159:160])
    for hard in (5, 20):
        assert clipped((START + 100, [(MATCH, 60), (HARD, hard)], text)) == [
            (START + 100, START + 160, f"60M{hard}H")
        ]
    assert clipped((START + 100, [(HARD, 9), (MATCH, 60)], text)) == [(START + 100, START + 157, "9H57M3S")]
    other_end = other(REFERENCE[100:112]) + REFERENCE[112:160]
    assert clipped((START + 100, [(MATCH, 60), (HARD, 9)], other_end)) == [
        (START + 112, START + 160, "12S48M9H")
    ]


def test_which_bases_stay_aligned():
    """Of reads that lose nothing -1, of others their bases in the flat array."""
    found = columns(
        [
            (START + 100, [(MATCH, 50)], REFERENCE[100:150]),
            (START + 110, [(MATCH, 60)], REFERENCE[110:160] + other(REFERENCE[160:170])),
        ]
    )
    placed = clip_kernels.Placed(
        found.pos,
        found.seq,
        offsets_of(found.seq_length),
        found.cigar_op,
        found.cigar_len,
        offsets_of(found.n_ops),
    )
    parts = np.zeros((2, 2), np.int64)
    assert clip_kernels.best_parts(placed, encode_bases(REFERENCE), START, parts) == 1
    assert parts.tolist() == [[-1, -1], [50, 100]]


def test_beyond_the_reference_nothing_is_clipped():
    reference = encode_bases(REFERENCE[:150])
    read = columns([(START + 100, [(MATCH, 90)], REFERENCE[100:150] + other(REFERENCE[150:190]))])
    assert loose_share(read, reference, START) == 0


def test_reads_are_in_order_again():
    """A clipped start moves a read behind others."""
    loose = (START + 100, [(MATCH, 90)], other(REFERENCE[100:120]) + REFERENCE[120:190])
    fine = (START + 105, [(MATCH, 80)], REFERENCE[105:185])
    found = clip_loose_ends(columns([loose, fine]), encode_bases(REFERENCE), START)
    assert found.pos.tolist() == [START + 105, START + 120]
    assert found.name_hash.tolist() == [1, 0]
    assert found.seq[:80].tolist() == encode_bases(fine[2]).tolist()


def best_cut(cigar, text, at):
    """(bases cut at the left, at the right) of the best score, by trying all; fewest cut among equals."""
    scores, places, query, place = [], [], 0, at
    for op, n in cigar:  # score before each base and the gap before it
        if op == DELETION:
            scores.append((query, -6 - n))
            place += n
        elif op == INSERTION:
            scores.append((query, -6 - n))
            query += n
        else:
            for _ in range(n):
                places.append(query)
                scores.append((query, 1 if text[query] == REFERENCE[place] else -4))
                query, place = query + 1, place + 1
    best = None
    for low in places:
        for high in (q + 1 for q in places if q >= low):
            inner = sum(s for q, s in scores if low <= q < high and not (q == low and s < -4))
            value = inner - 5 * (low > 0) - 5 * (high < len(text))
            if best is None or value > best[0]:
                best = value, low, high
    return best


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_read_against_all_cuts(seed):
    rng = np.random.default_rng(seed)
    cigar = [(MATCH, int(rng.integers(15, 30)))]
    for _ in range(rng.integers(0, 3)):
        cigar += [
            (int(rng.choice([INSERTION, DELETION])), int(rng.integers(1, 5))),
            (MATCH, int(rng.integers(1, 25))),
        ]
    at, text, place = 200, "", 200
    for op, n in cigar:
        if op == DELETION:
            place += n
            continue
        if op == MATCH:
            stray = rng.random(n) < rng.choice([0.02, 0.3, 0.6])
            text += "".join(
                other(b) if s else b for b, s in zip(REFERENCE[place : place + n], stray, strict=True)
            )
            place += n
        else:
            text += "".join(rng.choice(list("ACGT"), n))
    value, low, high = best_cut(cigar, text, at)
    pos, _, found = clipped((START + at, cigar, text))[0]
    if high - low < 20:
        return
    left = int(found.split("S")[0]) if "S" in found[:3] else 0
    right = (
        int(found[:-1].replace("I", "M").replace("D", "M").replace("S", "M").split("M")[-1])
        if found[-1] == "S"
        else 0
    )
    # another cut of the same score may have been chosen
    assert score_of(cigar, text, at, left, len(text) - right) == value
    assert pos >= START + at


def score_of(cigar, text, at, low, high):
    """Score of the part [low, high) of a read."""
    score, query, place = -5 * (low > 0) - 5 * (high < len(text)), 0, at
    for op, n in cigar:
        if op == MATCH:
            for _ in range(n):
                if low <= query < high:
                    score += 1 if text[query] == REFERENCE[place] else -4
                query, place = query + 1, place + 1
        else:
            if low < query < high:
                score -= 6 + n
            query, place = query + n * (op == INSERTION), place + n * (op == DELETION)
    return score


# files


def sam(name, pos, text):
    return f"{name}\t0\tone\t{pos + 1}\t60\t{len(text)}M\t*\t0\t0\t{text}\t{'F' * len(text)}\tRG:Z:a"


@pytest.fixture
def reads_end_to_end(write_reads, reference_text):
    """A read every 7 bp, every fifth with an end of other bases; and the same without such ends."""
    rng = np.random.default_rng(5)
    loose, fine = [], []
    for k, pos in enumerate(range(0, 5_800, 7)):
        text = reference_text[pos : pos + 100]
        fine.append(sam(f"r{k}", pos, text))
        tail = "".join(rng.choice(list("ACGT"), 30))
        loose.append(sam(f"r{k}", pos, text if k % 5 else text[:70] + tail if k % 2 else tail + text[30:]))
    return write_reads(loose, "loose.bam"), write_reads(fine, "fine.bam")


def test_a_library_is_clipped_where_its_aligner_did_not(reads_end_to_end, reference_path):
    loose, fine = (profile_of([path], reference_path, ReadsConfig())[0] for path in reads_end_to_end)
    assert loose.clips_ends
    assert loose.library.clipped_share == pytest.approx(0.2, abs=0.02)
    assert not fine.clips_ends
    assert fine.library.clipped_share == 0


@pytest.mark.parametrize(("clipped_of_ten", "is_clipped"), [(0, True), (5, True), (7, True), (9, False)])
def test_a_library_is_clipped_where_its_aligner_left_many_of_the_ends(
    write_reads, reference_text, reference_path, clipped_of_ten, is_clipped
):
    """As STAR does, which clips twice as many; bwa's rescue of mates leaves one of eight."""
    rng, lines, odd = np.random.default_rng(8), [], 0
    for k, pos in enumerate(range(0, 5_800, 7)):
        text = reference_text[pos : pos + 100]
        if k % 3:
            lines.append(sam(f"r{k}", pos, text))
            continue
        line = sam(f"r{k}", pos, text[:70] + "".join(rng.choice(list("ACGT"), 30)))
        lines.append(line.replace("100M", "70M30S") if odd % 10 < clipped_of_ten else line)
        odd += 1
    config = profile_of([write_reads(lines)], reference_path, ReadsConfig())[0]
    assert config.clips_ends == is_clipped
    assert config.library.clipped_share == pytest.approx(
        (1 if is_clipped else clipped_of_ten / 10) / 3, abs=0.02
    )


def test_the_same_reads_however_regions_are_cut(reads_end_to_end, reference_path):
    config = profile_of([reads_end_to_end[0]], reference_path, ReadsConfig())[0]
    with open_reads([reads_end_to_end[0]], reference_path, config) as source:
        whole = source.fetch_columns(Region("one", 0, 6_000))
        cuts = [0, 1_003, 1_004, 2_950, 4_111, 6_000]
        pieces = [source.fetch_columns(Region("one", a, b)) for a, b in pairwise(cuts)]
    found = {}
    for piece in pieces:
        stops = np.cumsum(piece.n_ops)
        for i, name in enumerate(piece.name_hash.tolist()):
            ops = slice(stops[i] - piece.n_ops[i], stops[i])
            row = (
                int(piece.pos[i]),
                int(piece.end[i]),
                piece.cigar_op[ops].tolist(),
                piece.cigar_len[ops].tolist(),
            )
            assert found.setdefault(name, row) == row
    assert len(found) == len(whole.pos)
    assert [found[name][0] for name in whole.name_hash.tolist()] == whole.pos.tolist()
    assert (np.diff(whole.pos) >= 0).all()
    assert {field.name for field in fields(ReadColumns)} == {field.name for field in fields(whole)}


def test_ends_are_clipped_in_the_library_whose_aligner_left_them(write_reads, reference_text, reference_path):
    """Beside one that clips, which hides that the other does not; its own odd ends stay."""
    rng = np.random.default_rng(6)
    lines, kept = [], []
    for k, pos in enumerate(range(0, 5_800, 5)):
        text, tail = reference_text[pos : pos + 100], "".join(rng.choice(list("ACGT"), 30))
        lines.append(sam(f"l{k}", pos, text if k % 50 else text[:70] + tail).replace("RG:Z:a", "RG:Z:left"))
        clip = sam(f"c{k}", pos, text if k % 4 else text[:70] + tail)
        kept.append(clip if k % 4 or k % 40 == 0 else clip.replace("100M", "70M30S"))
    header = ("@HD\tVN:1.6\tSO:coordinate", "@RG\tID:a\tSM:s\tLB:clips", "@RG\tID:left\tSM:s\tLB:leaves")
    path = write_reads(lines + kept, header=header)
    config = profile_of([path], reference_path, ReadsConfig())[0]
    assert [(x.name, x.clips_ends) for x in config.libraries] == [("clips", False), ("leaves", True)]
    assert not config.clips_ends
    assert config.clips_some_ends
    with open_reads([path], reference_path, config) as source:
        whole = source.fetch_columns(Region("one", 0, 6_000))
        cuts = [0, 1_003, 1_004, 2_950, 4_111, 6_000]
        pieces = [source.fetch_columns(Region("one", a, b)) for a, b in pairwise(cuts)]
    number = {one.name: k + 1 for k, one in enumerate(config.apart)}
    left = whole.library == number["leaves"]
    assert (whole.n_ops[left] == 2).sum() == pytest.approx(len(lines) / 50, abs=4)  # some tails fit by chance
    plain = sum("\t100M\t" in line for line in kept)
    assert (whole.n_ops[~left] == 1).sum() == plain
    assert {(n, e) for p in pieces for n, e in zip(p.name_hash.tolist(), p.end.tolist(), strict=True)} == set(
        zip(whole.name_hash.tolist(), whole.end.tolist(), strict=True)
    )
