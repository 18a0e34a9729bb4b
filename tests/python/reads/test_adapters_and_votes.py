"""Adapters that return in clipped tails, and the vote of a fragment's copies, held against plain Python."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.sequence import encode_bases
from deepcohort.reads.adapter_kernels import KMER_BP, mask_known, tail_kmers
from deepcohort.reads.library import longest_adapter, measure_library
from deepcohort.reads.merge import in_terms_of
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.types import UNKNOWN_LIBRARY
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


@pytest.mark.parametrize(
    "text", ["A" * 20, "ACACACACACACACACACAC", "ACGACGACGACGACGACGACG", "A" * 10 + "CAAAAAAAAA"]
)
def test_simple_repeats_are_no_kmers(text):
    columns = columns_of_rows([{"pos": 5, "cigar": [(SOFT, len(text)), (MATCH, 9)], "seq": text + "A" * 9}])
    out = np.empty(len(columns.seq), np.int64)
    n, tails = tail_kmers(
        columns.seq, offsets_of(columns.seq_length), columns.cigar_op, columns.cigar_len,
        offsets_of(columns.n_ops), out,
    )  # fmt: skip
    assert (n, tails) == (0, 1)


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


@settings(max_examples=40, deadline=None)
@given(st.text("ACGTN", min_size=20, max_size=70), st.sets(st.integers(0, 50), max_size=4))
def test_masked_bases_are_those_that_known_kmers_cover(text, starts):
    kmers = [text[k : k + KMER_BP] for k in starts if k + KMER_BP <= len(text)]
    known = {kmer(k) for k in kmers if "N" not in k}
    expected = [0] * len(text)
    for k in range(len(text) - KMER_BP + 1):
        part = text[k : k + KMER_BP]
        if "N" not in part and kmer(part) in known:
            expected[k : k + KMER_BP] = [1] * KMER_BP
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


def test_a_read_without_copies_stays():
    found = copies(["ACGTA"], [33])
    assert found.qual.tolist() == [33] * 5
