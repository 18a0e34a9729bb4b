"""Kernels against slow plain-Python oracles."""

import numpy as np
import pytest
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.simulate.hot_sites import place_hot_sites
from deepcohort.simulate.kernels import (
    HOT_RATES,
    MAX_COPIES,
    MAX_UNIT,
    N_SITE_SCALES,
    Template,
    apply_variants,
    draw,
    find_tracts,
    simulate_pairs,
)
from deepcohort.simulate.kernels_learn import Aligned, Tracts, count_bases, count_slips
from deepcohort.simulate.kernels_long import run_copies, simulate_long
from deepcohort.simulate.profile import load_profile, simple_illumina_profile
from deepcohort.simulate.reads import ShortReadRun
from deepcohort.simulate.reads_long import LongReadRun
from hypothesis import given, settings
from hypothesis import strategies as st

_SEQUENCE = st.text("ACGT", min_size=20, max_size=60)


@given(reference=_SEQUENCE, data=st.data())
@settings(max_examples=60, deadline=None)
def test_apply_variants_matches_string_surgery(reference, data):
    variants, at = [], 1
    while at < len(reference) - 4:
        at += data.draw(st.integers(0, 9))
        size = data.draw(st.integers(1, 3))
        if at + size > len(reference):
            break
        variants.append((at, size, data.draw(st.text("ACGT", min_size=1, max_size=4))))
        at += size
    expected, place, before = "", [], 0
    for pos, size, alt in variants:
        expected += reference[before:pos] + alt
        place += list(range(before, pos)) + [min(pos + k, pos + size - 1) for k in range(len(alt))]
        before = pos + size
    expected += reference[before:]
    place += list(range(before, len(reference)))
    lengths = [len(v[2]) for v in variants]
    ends = np.cumsum(lengths, dtype=np.int64)
    codes, ref_pos = apply_variants(
        encode_bases(reference), 0, len(reference),
        np.array([v[0] for v in variants], np.int64), np.array([v[1] for v in variants], np.int32),
        encode_bases("".join(v[2] for v in variants)), ends - lengths, ends,
    )  # fmt: skip
    assert decode_bases(codes) == expected
    assert ref_pos.tolist() == place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ACG", {0: (1, 1), 1: (1, 1), 2: (1, 1)}),
        ("AAATC", {0: (1, 3), 3: (1, 1), 4: (1, 1)}),
        # three copies of CA from the first C on; runs of one inside it stay
        ("GCACACAG", {0: (1, 1), 1: (2, 3)}),
        ("GTCATCATCAG", {1: (3, 3)}),
        ("GCACAG", {1: (1, 1)}),  # two copies are no tract
    ],
)
def test_find_tracts(text, expected):
    left, _ = find_tracts(encode_bases(text))
    for at, (unit, copies) in expected.items():
        assert left[at] == (unit - 1) * MAX_COPIES + copies


@given(_SEQUENCE)
@settings(max_examples=60, deadline=None)
def test_tracts_mirror_on_the_other_strand(text):
    """Runs of equal bases start on one strand where they end on the other."""
    codes = encode_bases(text)
    left, right = find_tracts(codes)
    for ends, step in ((left, 1), (right, -1)):
        for at in np.flatnonzero((ends > 0) & (ends < MAX_COPIES)):
            run = 0
            while 0 <= at + step * run < len(codes) and codes[at + step * run] == codes[at]:
                run += 1
            assert ends[at] == run


def test_draw_follows_the_distribution():
    cdf = np.array([0.2, 0.2, 0.7, 1.0], np.float32)
    state = np.array([7], np.uint64)
    counts = np.bincount([draw(state, cdf) for _ in range(20_000)], minlength=4) / 20_000
    assert counts[1] == 0
    np.testing.assert_allclose(counts, [0.2, 0, 0.5, 0.3], atol=0.015)


def _template(codes: np.ndarray) -> Template:
    left, right = find_tracts(codes)
    none = np.zeros(len(codes), np.uint8)
    return Template(codes, np.arange(len(codes), dtype=np.int32), left, right, none, none)


def _complement(text: str) -> str:
    return text.translate(str.maketrans("ACGT", "TGCA"))[::-1]


def test_reads_without_errors_are_the_fragment():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, 1_000).astype(np.uint8)
    run = ShortReadRun.of(simple_illumina_profile(), 100, error_multiplier=0.0)
    starts, sizes = np.array([10, 500, 700]), np.array([300, 250, 60])
    seq, qual = simulate_pairs(
        _template(codes), run.model, starts, sizes, np.array([True, False, True]),
        np.arange(3, dtype=np.uint64), 100,
    )  # fmt: skip
    text = decode_bases(codes)
    first, second = text[10:310], text[500:750]
    assert decode_bases(seq[0]) == first[:100]
    assert decode_bases(seq[1]) == _complement(first)[:100]
    assert decode_bases(seq[2]) == _complement(second)[:100]
    assert decode_bases(seq[3]) == second[:100]
    # a fragment shorter than the read runs into the adapter
    assert decode_bases(seq[4]).startswith(text[700:760] + "AGATCGGAAGAGC")
    assert set(np.unique(qual)) <= {2, 12, 23, 37}


@pytest.mark.parametrize(("side", "expected"), [("slip_del", "GAAAAATC"), ("slip_ins", "GAAAAAAATC")])
@pytest.mark.parametrize("forward", [True, False])
def test_a_tract_slips_by_one_unit(side, expected, forward):
    codes = encode_bases("TTGACGAAAAAATCAGGTTACCATG")  # six A
    run = ShortReadRun.of(simple_illumina_profile(), 24, error_multiplier=0.0)
    rates = np.zeros(MAX_UNIT * MAX_COPIES, np.float32)
    rates[6] = 0.49
    model = run.model._replace(
        slip_more=np.zeros(MAX_UNIT, np.float32),
        site_scale=np.ones(N_SITE_SCALES, np.float32),
        **{side: rates},
    )
    n = 200
    seq, _ = simulate_pairs(
        _template(codes), model, np.zeros(n, np.int64), np.full(n, len(codes)), np.full(n, forward),
        np.arange(n, dtype=np.uint64), 24,
    )  # fmt: skip
    reads = [decode_bases(r) for r in seq[::2]]
    shown = [r if forward else _complement(r) for r in reads]
    slipped = sum(expected in r for r in shown)
    plain = sum("GAAAAAATC" in r for r in shown)
    assert slipped + plain == n
    assert 60 < slipped < 140


def test_hot_sites_err_on_one_strand_only():
    codes = np.random.default_rng(5).integers(0, 4, 400).astype(np.uint8)
    template = _template(codes)
    wrong = (int(codes[200]) + 1) % 4
    hot = np.zeros(400, np.uint8)
    hot[200] = 1 + 4 * (len(HOT_RATES) - 1) + wrong
    run = ShortReadRun.of(simple_illumina_profile(), 100, error_multiplier=0.0)
    model = run.model._replace(hot_rate=HOT_RATES.astype(np.float32))
    n = 2_000
    shown = {}
    for forward in (True, False):
        seq, _ = simulate_pairs(
            template._replace(hot_forward=hot), model, np.full(n, 150), np.full(n, 100),
            np.full(n, forward), np.arange(n, dtype=np.uint64), 100,
        )  # fmt: skip
        bases = seq[::2, 50] if forward else 3 - seq[::2, 49]
        shown[forward] = float(np.mean(bases == wrong))
        assert np.all((bases == wrong) | (bases == codes[200]))
    assert shown[True] == pytest.approx(HOT_RATES[-1], abs=0.05)
    assert shown[False] == 0


def test_hot_sites_have_the_learned_density():
    reference = np.random.default_rng(1).integers(0, 4, 200_000).astype(np.uint8)
    profile = load_profile("illumina-hiseq-2x101")
    forward, reverse = place_hot_sites(reference, profile, np.random.default_rng(2))
    for codes in (forward, reverse):
        assert np.mean(codes > 0) == pytest.approx(profile.hot_density, rel=0.15)
    at = np.flatnonzero(forward)
    assert np.all((forward[at] - 1) % 4 != reference[at])  # a hot site never shows the right base


def test_long_reads_without_errors_are_the_template():
    codes = np.random.default_rng(4).integers(0, 4, 5_000).astype(np.uint8)
    left, right = find_tracts(codes)
    run = LongReadRun.of(load_profile("hifi"), 0, error_multiplier=0.0)
    seq, qual, offset = simulate_long(
        codes, np.arange(5_000, dtype=np.int32), left, right, run_copies(codes), run.model,
        np.array([100, 2_000]), np.array([1_500, 2_500]), np.array([True, False]),
        np.array([1, 2], np.uint64),
    )  # fmt: skip
    text = decode_bases(codes)
    assert decode_bases(seq[offset[0] : offset[1]]) == text[100:1_600]
    assert decode_bases(seq[offset[1] : offset[2]]) == _complement(text[2_000:4_500])
    assert qual.max() <= 93


def test_long_read_error_rate_follows_the_multiplier():
    codes = np.random.default_rng(4).integers(0, 4, 20_000).astype(np.uint8)
    left, right = find_tracts(codes)
    changed = []
    for factor in (0.5, 2.0):
        run = LongReadRun.of(load_profile("ont"), 0, factor)
        seq, _, offset = simulate_long(
            codes, np.arange(20_000, dtype=np.int32), left, right, run_copies(codes), run.model,
            np.zeros(20, np.int64), np.full(20, 20_000), np.full(20, True), np.arange(20, dtype=np.uint64),
        )  # fmt: skip
        # k-mers of reads that the template lacks grow with the error rate
        known = {codes[i : i + 24].tobytes() for i in range(len(codes) - 24)}
        found = [seq[i : i + 24].tobytes() in known for i in range(0, int(offset[-1]) - 24, 24)]
        changed.append(1 - np.mean(found))
    assert changed[1] > 2 * changed[0] > 0


def test_run_copies():
    assert run_copies(encode_bases("AACGGGT")).tolist() == [2, 2, 1, 3, 3, 3, 1]


def aligned(rows):
    """Reads of one contig from [(pos, [(operation, length)], bases)], forward, all used."""
    spans = [pos + sum(n for op, n in ops if op in (0, 2)) for pos, ops, _ in rows]
    seq = np.concatenate([encode_bases(bases) for _, _, bases in rows])
    sizes = [len(bases) for _, _, bases in rows]
    flat = [step for _, ops, _ in rows for step in ops]
    n_ops = [len(ops) for _, ops, _ in rows]
    return Aligned(
        np.array([pos for pos, _, _ in rows]), np.array(spans), np.ones(len(rows), np.bool_),
        np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.int64), seq, np.full(len(seq), 30, np.uint8),
        np.cumsum([0, *sizes]), np.array([op for op, _ in flat], np.uint8),
        np.array([n for _, n in flat], np.int32), np.cumsum([0, *n_ops]),
    )  # fmt: skip


def test_slips_of_tracts_are_counted_by_units():
    # a run of four A at 10 and two copies of CG at 30; flank 2
    tracts = Tracts(
        np.array([10, 30]), np.array([14, 34]), np.array([4, MAX_COPIES + 2]), np.zeros(2, np.bool_)
    )
    rows = [
        (5, [(0, 40)], "A" * 40),  # passes both as they are
        (5, [(0, 5), (2, 1), (0, 34)], "A" * 39),  # one A lost
        (5, [(0, 6), (1, 2), (0, 34)], "A" * 42),  # two A gained
        (5, [(0, 26), (2, 1), (0, 13)], "A" * 39),  # half a unit of the second: no slip
        (5, [(0, 27), (2, 2), (0, 11)], "A" * 38),  # a unit of the second lost
        (9, [(0, 40)], "A" * 40),  # begins too near the first
    ]
    passages, changes, per_tract = count_slips(tracts, aligned(rows), 2 * MAX_COPIES, 2)
    assert passages.tolist() == [5, 6]
    assert per_tract.tolist() == [[1, 1], [1, 0]]
    found = {tuple(int(x) for x in place): int(changes[tuple(place)]) for place in np.argwhere(changes)}
    assert found == {(4, 0, 1): 1, (4, 1, 2): 1, (MAX_COPIES + 2, 0, 1): 1}


def test_bases_and_errors_are_counted_by_cycle_quality_and_context():
    reference = encode_bases("ACGTACGTAC")
    masked = np.zeros(10, np.bool_)
    masked[4] = True
    reads = aligned([(1, [(4, 1), (0, 6)], "T" + "CGAACG")])  # one base clipped, T read as A at reference 3
    by_cycle, by_context = count_bases(reference, masked, reads, 5, 0)
    assert by_cycle[0, :, 30].tolist() == [[0, 0], [1, 0], [1, 0], [1, 1], [0, 0]]  # cycle 4 is masked
    words = {"".join("ACGT"[(c >> s) & 3] for s in (4, 2, 0)): by_context[c, 30] for c in range(64)}
    assert {word: row.tolist() for word, row in words.items() if row.any()} == {
        "ACG": [0, 0, 2, 0],
        "CGT": [1, 0, 0, 0],
        "TAC": [0, 1, 0, 0],
    }
