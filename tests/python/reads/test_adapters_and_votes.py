"""Adapters that return in clipped tails, and the vote of a fragment's copies, held against plain Python."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.candidates.config import candidates_for
from deepcohort.core.sequence import encode_bases
from deepcohort.reads.adapter_kernels import KMER_BP, loose_tails, mask_known, tail_kmers
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import NO_GROUP
from deepcohort.reads.left_out_kernels import KINDS
from deepcohort.reads.libraries import WindowReads, with_profiles
from deepcohort.reads.library import longest_adapter, measure_library
from deepcohort.reads.mate_kernels import pair_mates
from deepcohort.reads.merge import in_terms_of
from deepcohort.reads.quality_kernels import PlacedReads
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.types import UNKNOWN_LIBRARY, OwnLibrary
from deepcohort.reads.vote_kernels import tally_read_twice
from deepcohort.reads.votes import mate_errors, vote_errors
from hypothesis import given, settings
from hypothesis import strategies as st

ADAPTER = "CTGTCTCTTATACACATCTAGATG"
SOFT, MATCH, DELETION = 4, 0, 2


def columns_of_rows(rows):
    """Rows of (pos, [(op, bp)], text), and optionally qualities, name, flag, tlen."""
    rows = sorted(rows, key=lambda r: r["pos"])
    texts = [encode_bases(r["seq"]) for r in rows]
    none = np.empty(0, np.int64)
    spans = [sum(n for op, n in r["cigar"] if op in (MATCH, DELETION)) for r in rows]
    pos = np.array([r["pos"] for r in rows], np.int64)
    return ReadColumns(
        pos=pos,
        end=pos + np.array(spans, np.int64),
        mapq=np.full(len(rows), 60, np.uint8),
        flag=np.array([r.get("flag", 0) for r in rows], np.uint16),
        insert_size=np.array([r.get("tlen", 0) for r in rows], np.int32),
        name_hash=np.array([r.get("name", k) for k, r in enumerate(rows)], np.uint64),
        seq=np.concatenate(texts).astype(np.uint8),
        qual=np.concatenate([np.asarray(r.get("qual", [30] * len(r["seq"]))) for r in rows]).astype(np.uint8),
        seq_length=np.array([len(t) for t in texts], np.int64),
        cigar_op=np.array([op for r in rows for op, _ in r["cigar"]], np.uint8),
        cigar_len=np.array([n for r in rows for _, n in r["cigar"]], np.int32),
        n_ops=np.array([len(r["cigar"]) for r in rows], np.int64),
        mapq0_pos=none,
        mapq0_end=none,
    )


def random_text(rng, n):
    return "".join(rng.choice(list("ACGT"), n))


def kmer(text):
    value = 0
    for code in encode_bases(text):
        value = value << 2 | int(code)
    return value


def library_with(share: float, windows: int = 5, per_window: int = 60):
    """Profile of windows in which `share` of the clipped tails are the adapter."""
    rng = np.random.default_rng(3)
    pieces = []
    for _ in range(windows):
        rows = []
        for k in range(per_window):
            tail = ADAPTER if rng.random() < share else random_text(rng, len(ADAPTER))
            cigar = [(MATCH, 40), (SOFT, len(tail))]
            rows.append({"pos": 10 * k, "cigar": cigar, "seq": random_text(rng, 40) + tail})
        pieces.append(columns_of_rows(rows))
    return measure_library(pieces)


def test_an_adapter_is_found_and_spelled():
    assert longest_adapter(library_with(0.5).adapters) == ADAPTER


@pytest.mark.parametrize("change", [{"share": 0.0}, {"share": 0.02}, {"share": 0.5, "windows": 3}])
def test_random_tails_rare_ones_and_those_of_few_places_are_no_adapters(change):
    assert library_with(**change).adapters == ()


@pytest.mark.parametrize("strand", [1, -1])
def test_a_repeat_of_the_reference_is_no_adapter(strand):
    """Tails that read on in an Alu return all over the genome; to mask every Alu would hide its variants."""
    rng = np.random.default_rng(4)
    repeat, pieces, around = random_text(rng, 30), [], []
    for _ in range(6):
        rows = []
        for k in range(40):
            tail = repeat if k % 2 else ADAPTER
            rows.append(
                {"pos": 10 * k, "cigar": [(MATCH, 40), (SOFT, len(tail))], "seq": random_text(rng, 40) + tail}
            )
        pieces.append(columns_of_rows(rows))
        around.append((0, np.empty(0, np.uint8)))
    assert {kmer(repeat[k : k + KMER_BP]) for k in range(15)} <= set(measure_library(pieces, around).adapters)
    there = encode_bases(random_text(rng, 200) + repeat + random_text(rng, 200))
    around[3] = 0, there if strand > 0 else (3 - there[::-1]).astype(np.uint8)
    assert longest_adapter(measure_library(pieces, around).adapters) == ADAPTER


@pytest.mark.parametrize(
    "text", ["A" * 20, "ACACACACACACACACACAC", "ACGACGACGACGACGACGACG", "A" * 10 + "CAAAAAAAAA"]
)
def test_simple_repeats_are_no_kmers(text):
    columns = columns_of_rows([{"pos": 5, "cigar": [(SOFT, len(text)), (MATCH, 9)], "seq": text + "A" * 9}])
    out = np.empty(len(columns.seq), np.int64)
    loose = tails_of(columns)
    assert loose.tolist() == [[len(text), 0]]
    assert tail_kmers(columns.seq, offsets_of(columns.seq_length), loose, out) == (0, 1)


def tails_of(columns, reference="", start=0):
    loose = np.empty((len(columns.pos), 2), np.int32)
    loose_tails(
        columns.seq, offsets_of(columns.seq_length), columns.cigar_op, columns.cigar_len,
        offsets_of(columns.n_ops), columns.pos, encode_bases(reference), start, loose,
    )  # fmt: skip
    return loose


def end_to_end_rows(reference, rng, n=60):
    """Reads of 60 bp aligned from end to end, each with 24 bp of the adapter at one end."""
    rows = []
    for k in range(n):
        at = 30 + 10 * k
        genome = reference[at : at + 36]
        left = rng.random() < 0.5
        text = ADAPTER + genome if left else genome + ADAPTER
        rows.append({"pos": 1000 + (at - 24 if left else at), "cigar": [(MATCH, 60)], "seq": text})
    return rows


def test_adapters_are_found_where_an_aligner_does_not_clip():
    rng = np.random.default_rng(8)
    references = [random_text(rng, 800) for _ in range(5)]
    pieces = [columns_of_rows(end_to_end_rows(text, rng)) for text in references]
    around = [(1000, encode_bases(text)) for text in references]
    assert longest_adapter(measure_library(pieces, around).adapters) == ADAPTER
    assert measure_library(pieces).adapters == ()  # nobody could tell
    for piece, text in zip(pieces, references, strict=True):
        loose = tails_of(piece, text, 1000)
        assert (np.abs(loose.max(1) - 24) <= 4).mean() > 0.7  # some bases of the adapter fit by chance
        assert (loose.min(1) == 0).all()


def test_reads_that_fit_have_no_loose_tails():
    rng = np.random.default_rng(9)
    text = random_text(rng, 400)
    rows = [{"pos": 1000 + k, "cigar": [(MATCH, 60)], "seq": text[k : k + 60]} for k in range(0, 300, 7)]
    snp = text[100:159] + ("A" if text[159] != "A" else "C")
    rows.append({"pos": 1100, "cigar": [(MATCH, 60)], "seq": snp})
    assert not tails_of(columns_of_rows(rows), text, 1000).any()
    # behind an indel of the sample the read does not fit its longest run: short tails hold no k-mer that returns
    deleted = text[50:90] + text[95:110]
    row = {"pos": 1050, "cigar": [(MATCH, 40), (DELETION, 5), (MATCH, 15)], "seq": deleted}
    assert tails_of(columns_of_rows([row]), text, 1000)[0, 1] <= 15


def masked(rows, known):
    columns = columns_of_rows(rows)
    mask_known(
        columns.seq, columns.qual, offsets_of(columns.seq_length), columns.cigar_op, columns.cigar_len,
        offsets_of(columns.n_ops), np.array(sorted(known), np.int64),
    )  # fmt: skip
    return (columns.qual == 0).astype(int).tolist()


def test_the_whole_clip_behind_an_adapter_is_masked_and_aligned_bases_under_it():
    known = [kmer(ADAPTER[k : k + KMER_BP]) for k in range(len(ADAPTER) - KMER_BP + 1)]
    front, back = "ACGTTGCAACGGTTAACC", "TTGGCCAATC"
    # the aligner aligned the first 4 bases of the adapter
    row = {"pos": 0, "cigar": [(MATCH, 22), (SOFT, 30)], "seq": front + ADAPTER + back}
    assert masked([row], known) == [0] * 18 + [1] * 34
    turned = {"pos": 0, "cigar": [(SOFT, 10), (MATCH, 42)], "seq": back + front + ADAPTER}
    assert masked([turned], known) == [0] * 28 + [1] * 24  # the clip holds nothing of it
    assert masked([{"pos": 0, "cigar": [(MATCH, 28)], "seq": front + back}], known) == [0] * 28


def spelled(value):
    return "".join("ACGT"[(value >> 2 * k) & 3] for k in reversed(range(KMER_BP)))


def mask_by_hand(text, known):
    """Of a read without clips: known k-mers and what lies on their shorter side, else what hangs over its ends."""
    words = [spelled(k) for k in known]
    n = len(text)
    covered = {k + j for k in range(n) if text[k : k + KMER_BP] in words for j in range(KMER_BP)}
    if covered:
        low, high = min(covered), max(covered) + 1
        covered |= set(range(low)) if low < n - high else set(range(high, n))
    elif n > KMER_BP:
        opens = [w for w in words if not any(w[:-1] == o[1:] for o in words)]
        closes = [w for w in words if not any(w[1:] == o[:-1] for o in words)]
        plain = text.replace("N", "A")
        for length in range(5, KMER_BP):
            if any(plain[:length] == w[-length:] for w in closes):
                covered |= set(range(length))
            if any(plain[-length:] == w[:length] for w in opens):
                covered |= set(range(n - length, n))
    return [int(k in covered) for k in range(n)]


def test_the_first_bases_of_an_adapter_at_the_end_of_a_read_are_masked():
    known = [kmer(ADAPTER[k : k + KMER_BP]) for k in range(len(ADAPTER) - KMER_BP + 1)]
    genome = "ACGTTGCAACGGTTAACC"
    row = {"pos": 0, "cigar": [(MATCH, 25)], "seq": genome + ADAPTER[:7]}
    assert masked([row], known) == [0] * 18 + [1] * 7
    turned = {"pos": 0, "cigar": [(MATCH, 24)], "seq": ADAPTER[-6:] + genome}
    assert masked([turned], known) == [1] * 6 + [0] * 18
    assert masked([row | {"seq": genome + ADAPTER[:4] + "AAA"}], known) == [0] * 25
    clipped = {"pos": 0, "cigar": [(MATCH, 20), (SOFT, 5)], "seq": genome + ADAPTER[:7]}
    assert masked([clipped], known) == [0] * 25  # the aligner has seen to it


def test_an_insertion_that_holds_an_adapter_is_masked_whole():
    known = [kmer(ADAPTER[k : k + KMER_BP]) for k in range(len(ADAPTER) - KMER_BP + 1)]
    left, right = "ACGTTGCAACGGTTAACC", "TTGGCCAATCAAGCTTGCATCCGATTGC"
    row = {"pos": 0, "cigar": [(MATCH, 18), (1, 30), (MATCH, 28)], "seq": left + "GATTGA" + ADAPTER + right}
    assert masked([row], known) == [1] * 48 + [0] * 28  # and the shorter side of the adapter
    apart = {"pos": 0, "cigar": [(MATCH, 10), (1, 4), (MATCH, 40)], "seq": left + right[:12] + ADAPTER}
    assert masked([apart], known) == [0] * 30 + [1] * 24


@settings(max_examples=40, deadline=None)
@given(st.text("ACGTN", min_size=20, max_size=70), st.sets(st.integers(0, 50), max_size=4))
def test_masked_bases_are_those_that_known_kmers_cover(text, starts):
    kmers = [text[k : k + KMER_BP] for k in starts if k + KMER_BP <= len(text)]
    known = {kmer(k) for k in kmers if "N" not in k}
    expected = mask_by_hand(text, known)
    qual = [30] * len(text)
    assert masked([{"pos": 0, "cigar": [(MATCH, len(text))], "seq": text, "qual": qual}], known) == expected


def copies(texts, quals):
    """Copies of one read; the first has the smallest name hash."""
    cigar = [(MATCH, len(texts[0]))]
    common = {"pos": 7, "cigar": cigar, "flag": 1, "tlen": 300}
    rows = [
        {**common, "seq": text, "qual": [q] * len(text), "name": k}
        for k, (text, q) in enumerate(zip(texts, quals, strict=True))
    ]
    library = replace(UNKNOWN_LIBRARY, drops_copies=True)
    return in_terms_of(library, columns_of_rows(rows))


def test_copies_vote():
    found = copies(["ACGTA", "ACGTA", "ACCTA"], [20, 20, 20])
    assert len(found.pos) == 1
    assert found.seq.tolist() == encode_bases("ACGTA").tolist()
    # three agree: phreds add up to at most 45; two against one is no clear majority
    assert found.qual.tolist() == [45, 45, 0, 45, 45]


def test_four_of_five_outvote_the_one_that_stands_for_them():
    found = copies(["ACCTA", *["ACGTA"] * 4], [10] * 5)
    assert found.seq.tolist() == encode_bases("ACGTA").tolist()
    assert found.qual.tolist() == [45, 45, 20, 45, 45]  # 4 x 10 for it, twice 10 against


def copies_of_shapes(shapes):
    """Copies of a forward read of 20 bp at 7: (CIGAR, name); what stands for them."""
    rows = []
    for name, cigar in shapes:
        n = sum(bp for op, bp in cigar if op != DELETION)
        rows.append({"pos": 7, "cigar": cigar, "flag": 1, "tlen": 300, "seq": "ACGTT" * 4, "name": name})
        assert n == 20
    return in_terms_of(replace(UNKNOWN_LIBRARY, drops_copies=True), columns_of_rows(rows))


ALL, INSERTED, DELETED = (
    [(MATCH, 20)],
    [(MATCH, 9), (1, 1), (MATCH, 10)],
    [(MATCH, 9), (DELETION, 1), (MATCH, 11)],
)


@pytest.mark.parametrize(
    ("shapes", "usual"),
    [
        ([(3, INSERTED), (5, ALL)], ALL),  # an indel of one copy of two is an error of its read
        ([(3, INSERTED), (5, ALL), (6, ALL)], ALL),
        ([(3, INSERTED), (5, ALL), (6, INSERTED)], INSERTED),  # one that most have is the fragment's
        ([(3, DELETED), (5, DELETED), (6, [(MATCH, 17), (SOFT, 3)])], DELETED),
        ([(3, DELETED)], DELETED),
    ],
)
def test_the_shape_that_most_copies_have_stands_for_them(shapes, usual):
    found = copies_of_shapes(shapes)
    assert [*zip(found.cigar_op.tolist(), found.cigar_len.tolist(), strict=True)] == usual
    assert found.name_hash.tolist() == [3]  # of the smallest name still, so that mates stay mates
    alike = sum(shape == usual for _, shape in shapes)
    assert set(found.qual.tolist()) == {min(45, 30 * alike)}


def test_a_read_without_copies_stays():
    found = copies(["ACGTA"], [33])
    assert found.qual.tolist() == [33] * 5


def voted_pieces(errors: float, windows: int = 3, per_window: int = 300, n_copies: int = 3):
    """Windows of fragments, each read `n_copies` times; of their bases, `errors` are wrong in all copies alike."""
    rng = np.random.default_rng(6)
    pieces, around = [], []
    for w in range(windows):
        text = random_text(rng, 2_000)
        rows = []
        for f in range(per_window):
            at = int(rng.integers(0, 1_880))
            seq = list(text[at : at + 100])
            for i in np.flatnonzero(rng.random(100) < errors):
                seq[i] = "ACGT"[("ACGT".index(seq[i]) + 1) % 4]
            common = {"pos": at, "cigar": [(MATCH, 100)], "flag": 1, "tlen": 300 + f}
            name = 1_000 * w + 10 * f
            rows += [{**common, "seq": "".join(seq), "name": name + c} for c in range(n_copies)]
        pieces.append(columns_of_rows(rows))
        around.append((0, encode_bases(text)))
    return pieces, around


@pytest.mark.parametrize(("errors", "low", "high"), [(0.0, 1e-5, 2e-5), (0.001, 5e-4, 1.3e-3)])
def test_errors_that_all_copies_share_are_measured(errors, low, high):
    pieces, around = voted_pieces(errors)
    before = [piece.seq.copy() for piece in pieces]
    found = vote_errors(replace(UNKNOWN_LIBRARY, drops_copies=True), pieces, around)
    assert low < found < high
    assert all((piece.seq == seq).all() for piece, seq in zip(pieces, before, strict=True))


def test_votes_are_measured_where_they_are_many():
    pieces, around = voted_pieces(0.0)
    assert vote_errors(UNKNOWN_LIBRARY, pieces, around) == 0
    library = replace(UNKNOWN_LIBRARY, drops_copies=True)
    assert vote_errors(library, pieces[:1], around[:1]) == 0
    assert vote_errors(library, *voted_pieces(0.0, n_copies=1)) == 0  # phred 30, no vote


def test_profiles_of_copies_measure_their_votes():
    pieces, around = voted_pieces(0.0)
    windows = [
        WindowReads(piece, np.ones(len(piece.pos), np.bool_), start, codes, np.zeros(KINDS, np.int64))
        for piece, (start, codes) in zip(pieces, around, strict=True)
    ]
    config = with_profiles(ReadsConfig(), windows, [NO_GROUP])
    assert config.library.drops_copies
    assert config.vote_errors == config.library.vote_errors > 0
    other = OwnLibrary(NO_GROUP, "x", UNKNOWN_LIBRARY, is_apart=True)
    assert replace(config, libraries=(other, other)).vote_errors == 0
    deep = candidates_for("illumina", config.library)
    usual = candidates_for("illumina")
    assert deep.single_max_depth == usual.single_max_depth + 3  # log2 of 1e-4 over 1.2e-5
    assert deep.single_indel_max_depth == usual.single_indel_max_depth + 3
    assert candidates_for("illumina", replace(config.library, vote_errors=1e-3)) == usual


def overlapping_pieces(errors: float, size: int = 120, windows: int = 4, per_window: int = 300):
    """Windows of fragments of `size` bp, 100 of which each mate reads and clips the rest; of the bases that both
    read, `errors` are wrong in both."""
    rng = np.random.default_rng(7)
    pieces, around = [], []
    for w in range(windows):
        text = random_text(rng, 2_000)
        rows = []
        for f in range(per_window):
            at = int(rng.integers(0, 2_000 - size))
            seq = list(text[at : at + size])
            for i in np.flatnonzero(rng.random(size) < errors):
                seq[i] = "ACGT"[("ACGT".index(seq[i]) + 1) % 4]
            bases, name = "".join(seq), 1_000 * w + f
            shared = {"tlen": size + f % 7, "name": name}
            rows.append(
                {
                    "pos": at,
                    "cigar": [(MATCH, 100), (SOFT, 9)],
                    "flag": 99,
                    **shared,
                    "seq": bases[:100] + "A" * 9,
                }
            )
            second = {"pos": at + size - 100, "cigar": [(SOFT, 9), (MATCH, 100)], "flag": 147, **shared}
            rows.append(second | {"tlen": -shared["tlen"], "seq": "A" * 9 + bases[-100:]})
        pieces.append(columns_of_rows(rows))
        around.append((0, encode_bases(text)))
    return pieces, around


PAIRED = replace(UNKNOWN_LIBRARY, paired_share=1.0)


@pytest.mark.parametrize(("errors", "low", "high"), [(0.0, 1e-5, 2e-5), (0.001, 5e-4, 1.3e-3)])
def test_errors_that_both_mates_share_are_measured(errors, low, high):
    assert low < mate_errors(PAIRED, *overlapping_pieces(errors)) < high


def test_mates_tell_where_most_of_them_overlap():
    pieces, around = overlapping_pieces(0.0)
    assert mate_errors(UNKNOWN_LIBRARY, pieces, around) == 0  # single reads
    assert mate_errors(replace(PAIRED, drops_copies=True), pieces, around) == 0  # their votes tell
    assert mate_errors(PAIRED, pieces[:1], around[:1]) == 0  # few bases
    assert mate_errors(PAIRED, *overlapping_pieces(0.0, size=165)) == 0
    apart = [replace(piece, mapq=np.full_like(piece.mapq, 20)) for piece in pieces]
    assert mate_errors(PAIRED, apart, around) == 0


def test_bases_read_twice_are_counted_by_fragment():
    text = random_text(np.random.default_rng(3), 200)
    wrong = {"A": "C", "C": "A", "G": "T", "T": "G"}
    rows = []
    for name in range(5):
        bases = list(text[40:100])
        if name == 0:
            bases[30] = wrong[bases[30]]  # in both mates of one fragment of five
        if name in (1, 2):
            bases[20] = wrong[bases[20]]  # a variant
        for flag in (99, 147):
            own = list(bases)
            if name == 3 and flag == 147:
                own[35] = wrong[own[35]]  # an error of one mate
            quals = [30] * 60
            if name == 4:
                quals[25] = 15
            rows.append(
                {
                    "pos": 40,
                    "cigar": [(MATCH, 60)],
                    "flag": flag,
                    "name": name,
                    "seq": "".join(own),
                    "qual": quals,
                }
            )
    columns = columns_of_rows(rows)
    offsets, mate = offsets_of(columns.seq_length)[:-1], np.empty(len(columns.pos), np.int32)
    pair_mates(columns.name_hash, columns.flag, mate)
    reads = PlacedReads(columns.pos, columns.pos, columns.end, columns.seq, columns.qual, offsets)
    use = np.ones(len(mate), np.bool_)
    expected = np.array([np.nan] * 5 + [0.25])
    counts = tally_read_twice(reads, mate, use, encode_bases(text), 0, expected)
    # 50 bp within the ends of five fragments, without the variant's place, a poor base and the mates that differ
    agreed = 5 * 49 - 2
    assert counts.tolist() == [agreed, 1, 0.25 * agreed, 5 * 60]
