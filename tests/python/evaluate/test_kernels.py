"""Kernels against slow plain-Python oracles and hand-worked tables."""

import numpy as np
import pytest
from deepcohort.core.sequence import encode_bases
from deepcohort.evaluate import context_kernels as ck
from deepcohort.evaluate import decompose as dc
from deepcohort.evaluate import parse_kernels as pk
from deepcohort.evaluate import variant_kernels as vk
from hypothesis import given, settings
from hypothesis import strategies as st
from test_properties import Variant, table


def codes(text: str) -> np.ndarray:
    return vk.ALLELE_CODE[np.frombuffer(text.encode(), dtype=np.uint8)]


def template(text: str) -> np.ndarray:
    return (encode_bases(text) + np.uint8(1)) % np.uint8(5)


dna = st.text("ACGT", min_size=0, max_size=7)


def affine_cost(alt: str, ref: str) -> int:
    """Smallest cost of turning REF into ALT by dynamic programming over strings (open 1, extend 1)."""
    from functools import cache

    @cache
    def best(i: int, j: int, last: str) -> int:
        if i == len(ref) and j == len(alt):
            return 0
        options = []
        if i < len(ref) and j < len(alt):
            options.append((ref[i] != alt[j]) + best(i + 1, j + 1, "M"))
        if i < len(ref):
            options.append(1 + (last != "D") + best(i + 1, j, "D"))
        if j < len(alt):
            options.append(1 + (last != "I") + best(i, j + 1, "I"))
        return min(options)

    return best(0, 0, "M")


@settings(max_examples=200, deadline=None)
@given(dna, dna)
def test_alignment_is_optimal_and_spells_the_alt(alt, ref):
    steps = dc.align(codes(alt), codes(ref)).tolist()
    i = j = cost = 0
    last = None
    for s in steps:
        if s in (0, 1):
            assert (ref[i] == alt[j]) == (s == 0)
            cost += s
            i, j = i + 1, j + 1
        else:
            cost += 1 + (last != s)
            i, j = i + (s == 3), j + (s == 2)
        last = s
    assert (i, j) == (len(ref), len(alt))
    assert cost == affine_cost(alt, ref)


@pytest.mark.parametrize(
    ("pos", "ref", "alts", "want"),
    [
        (10, "A", ["G"], None),
        (10, "AT", ["A"], None),
        (10, "AC", ["GT"], None),  # all bases differ: one MNP
        (10, "ACG", ["TCT"], [(10, "A", ["T"], [0, 1]), (12, "G", ["T"], [0, 1])]),
        (10, "ACGT", ["TC"], [(10, "A", ["T"], [0, 1]), (11, "CGT", ["C"], [0, 1])]),
        # two ALTs, of which only one has the second change
        (10, "ACG", ["TCT", "TCG"], [(10, "A", ["T"], [0, 1, 1]), (12, "G", ["T"], [0, 1, 0])]),
    ],
)
def test_cut_records(pos, ref, alts, want):
    assert dc.cut_record(pos, ref, alts) == want


def test_decomposed_genotypes_and_order():
    parts = dc.decompose(table([Variant(4, "ACG", "TCT,TCG", "2/1"), Variant(5, "C", "G", "0/1")]))
    rows = [(int(parts.pos[k]), *parts.text(k)) for k in range(len(parts))]
    assert rows == [(4, "A", "T", "1/1"), (5, "C", "G", "0/1"), (6, "G", "T", "0/1")]


def java_heap(keys: list[int]) -> list[int]:
    """Order of a textbook array heap with sift-up and sift-down, entry by entry (ties by structure)."""
    heap: list[tuple[int, int]] = []
    for item, key in enumerate(keys):
        heap.append((key, item))
        k = len(heap) - 1
        while k and heap[k][0] < heap[(k - 1) // 2][0]:
            heap[k], heap[(k - 1) // 2] = heap[(k - 1) // 2], heap[k]
            k = (k - 1) // 2
    out = []
    while heap:
        out.append(heap[0][1])
        heap[0] = heap[-1]
        heap.pop()
        k = 0
        while 2 * k + 1 < len(heap):
            child = 2 * k + 1
            if child + 1 < len(heap) and heap[child + 1][0] < heap[child][0]:
                child += 1
            if heap[k][0] <= heap[child][0]:
                break
            heap[k], heap[child] = heap[child], heap[k]
            k = child
    return out


@given(st.lists(st.integers(0, 3), max_size=9))
def test_heap_order(keys):
    assert dc.heap_order(list(range(len(keys))), keys) == java_heap(keys)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**8),
            st.text("ACGTN", min_size=1, max_size=5),
            st.lists(st.text("ACGT", min_size=1, max_size=4), min_size=1, max_size=3),
            st.sampled_from(["0/1", "1|1", "./.", "1", ".", "0|2", "0/1/2"]),
            st.one_of(st.none(), st.floats(0, 1e5)),
            st.sampled_from(["PASS", ".", "LowQual", "PASS;q10"]),
        ),
        max_size=8,
    )
)
def test_parser_against_splitting(records):
    records = sorted(records, key=lambda r: r[0])
    lines = "".join(
        f"c\t{pos}\tid\t{ref}\t{','.join(alts)}\t{'.' if qual is None else f'{qual:.3f}'}\t{flag}\tMQ=60;DP=9\t"
        f"GQ:GT:DP\t7:{gt}:31\n"
        for pos, ref, alts, gt, qual, flag in records
    )
    text = np.frombuffer(lines.encode(), dtype=np.uint8)
    n = len(records) + 1
    ints, floats = np.empty((n, pk.N_INTS), np.int64), np.empty((n, pk.N_FLOATS))
    gts, pool = np.empty((n, pk.MAX_PLOIDY), np.int16), np.empty(len(text) + 1, np.uint8)
    found, _, _, result, _ = pk.parse_lines(
        text, np.frombuffer(b"c", dtype=np.uint8), 0, -1, 0, pk.Columns(ints, floats, gts, pool)
    )
    assert (found, result) == (len(records), pk.PARSE_OK)
    for k, (pos, ref, alts, gt, qual, flag) in enumerate(records):
        assert ints[k, pk.POS] == pos - 1
        start = ints[k, pk.POOL_OFFSET]
        raw = pool[start : start + len(ref) + 1 + len(",".join(alts)) + len(gt)].tobytes().decode()
        assert raw == f"{ref}\t{','.join(alts)}{gt}"
        want = [-1 if a == "." else int(a) for a in gt.replace("|", "/").split("/")]
        assert gts[k].tolist() == want + [-2] * (pk.MAX_PLOIDY - len(want))
        assert ints[k, pk.PASSED] == (flag in ("PASS", "."))
        assert (ints[k, pk.DP], floats[k, pk.GQ], floats[k, pk.MAPQ]) == (31, 7, 60)
        if qual is None:
            assert np.isnan(floats[k, pk.QUAL])
        else:
            assert floats[k, pk.QUAL] == pytest.approx(float(f"{qual:.3f}"))


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        (9, 10, False),  # the base before the region 10..20
        (10, 11, True),
        (19, 20, True),
        (20, 21, False),
        (5, 10, False),
        (5, 11, True),  # a deletion that straddles the edge counts by its last base
        (10, 10, False),  # an insertion at the edge has no confident base on its left
        (11, 11, True),
        (20, 20, False),
        (19, 19, True),
    ],
)
def test_edges_of_regions(start, end, inside):
    regions = np.array([10, 40]), np.array([20, 50])
    got = vk.inside_regions(np.array([start]), np.array([end]), *regions)
    assert got.tolist() == [inside]


def test_classes_of_variants():
    variants = [
        Variant(1, "A", "G", "0/1"),
        Variant(2, "A", "C", "1/1"),
        Variant(3, "AC", "GT", "0/1"),
        Variant(4, "A", "ATT", "1"),
        Variant(5, "ACG", "A", "1/1"),
        Variant(6, "AC", "A,ACC", "1/2"),
        Variant(7, "A", "AG,T", "0/2"),
    ]
    t = table(variants)
    kind, length, zygosity, transition = ck.classify(
        t.pool, t.pool_offset, t.ref_len, t.alt_len, t.gt, t.ploidy, np.arange(len(t))
    )
    assert kind.tolist() == [ck.SNP, ck.SNP, ck.MNP, ck.INSERTION, ck.DELETION, ck.COMPLEX, ck.SNP]
    assert length.tolist() == [0, 0, 0, 2, -2, -1, 0]
    assert zygosity.tolist() == [ck.HET, ck.HOM, ck.HET, ck.HEMI, ck.HOM, ck.MULTI, ck.HET]
    assert transition.tolist() == [1, 0, -1, -1, -1, -1, 0]


def test_reference_context():
    sequence = "GCGC" + "A" * 9 + "GCTT" + "CAG" * 5 + "TTGC" * 1
    homopolymer, tandem, _ = ck.reference_context(
        template(sequence), np.array([3, 17, 14]), np.array([1, 1, 1])
    )
    assert homopolymer[0] == 9  # the anchor left of the run of A
    assert tandem[1] == 15
    assert (homopolymer[2], tandem[2]) == (2, 0)


def test_gc_counts_both_flanks():
    sequence = "G" * 50 + "A" * 51
    _, _, gc = ck.reference_context(template(sequence), np.array([50]), np.array([1]))
    assert gc[0] == 100 * 50 // 101
