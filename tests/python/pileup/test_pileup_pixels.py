"""Pixels against a slow plain-Python painter, and what decides which reads are shown."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.pileup.config import CHANNELS, PileupConfig
from deepcohort.pileup.encode import Buffers, encode_examples, encode_pixels
from pileup_builders import evidence_of, flat, random_evidence, reads_of

C = {name: i for i, name in enumerate(CHANNELS)}


def painted_read(reads, row, start, width, reference, ref_start):
    """{column: {channel: value}} of one read, base by base."""
    out = {}
    ops = range(reads.cigar_offset[row], reads.cigar_offset[row + 1])
    ref, query = int(reads.pos[row]), 0
    base0 = reads.seq_offset[row]

    def put(p, channel, value):
        if start <= p < start + width:
            out.setdefault(p - start, {})[channel] = value

    def base(p, q, clipped):
        code = int(reads.seq[base0 + q])
        put(p, "base", [64, 128, 192, 255, 32][code])
        put(p, "quality", 6 * min(int(reads.qual[base0 + q]), 42))
        inside = 0 <= p - ref_start < len(reference)
        differs = inside and code < 4 and int(reference[p - ref_start]) != code
        if clipped:
            put(p, "mismatch", 180 if differs else 100)
        elif differs:
            put(p, "mismatch", 255)

    for k in ops:
        op, n = "MIDNSHP=X"[reads.cigar_op[k]], int(reads.cigar_len[k])
        if op in "M=X":
            for i in range(n):
                base(ref + i, query + i, False)
            ref += n
            query += n
        elif op == "S":
            origin = ref - n if query == 0 else ref
            for i in range(n):
                base(origin + i, query + i, True)
            query += n
        elif op == "I":
            put(ref - 1, "indel", 150 + 4 * min(n, 26))
            query += n
        elif op in "DN":
            for i in range(n):
                put(ref + i, "indel", 120)
            ref += n
    return out


def painted(evidence, reference, window, config, i):
    """One candidate's picture by the painter; every read shown (sites no deeper than rows)."""
    picture = np.zeros(config.shape, np.uint8)
    s, reads = evidence.support, evidence.reads
    entries = range(s.offset[i], s.offset[i + 1])
    order = [e for a in (1, 0, 2, -1) for e in entries if s.allele[e] == a]
    start = int(evidence.table.pos[i]) - config.flank_bp
    for row, e in enumerate(order):
        r = s.read[e]
        columns = painted_read(reads, r, start, config.width, reference, window.start)
        for c, values in columns.items():
            for name, value in values.items():
                picture[C[name], row, c] = value
        if columns:
            low, high = min(columns), max(columns) + 1
            picture[C["mapq"], row, low:high] = 4 * min(int(reads.mapq[r]), 60)
            picture[C["strand"], row, low:high] = 128 if reads.flag[r] & 16 else 255
            support = {1: 255, 0: 85, 2: 170, -1: 40}[int(s.allele[e])]
            picture[C["support"], row, low:high] = support
            ratio = np.float32(np.clip(s.log10_ratio[e], -4, 4))
            picture[C["ratio"], row, low:high] = int(128.0 + 30.0 * float(ratio) + 0.5)
    return picture


@pytest.mark.parametrize("seed", range(4))
def test_pixels_equal_the_painters(seed):
    evidence, reference, window = random_evidence(seed)
    config = PileupConfig(rows=40)
    batch = encode_examples(evidence, reference, window, config)
    assert np.diff(evidence.support.offset).max() <= 40
    for i in range(len(evidence.table)):
        np.testing.assert_array_equal(
            batch.pixels[i], painted(evidence, reference, window, config, i), err_msg=f"candidate {i}"
        )


def test_selected_rows_equal_the_same_rows_of_all():
    evidence, reference, window = random_evidence(7, n_candidates=30)
    config = PileupConfig()
    whole = encode_examples(evidence, reference, window, config)
    some = np.array([3, 4, 11, 28])
    part = encode_examples(evidence, reference, window, config, Buffers(), select=some)
    np.testing.assert_array_equal(part.pixels, whole.pixels[some])
    np.testing.assert_array_equal(part.features, whole.features[some])
    np.testing.assert_array_equal(part.candidate_index, some)
    np.testing.assert_array_equal(
        encode_pixels(evidence, reference, window, config, some), whole.pixels[some]
    )
    assert encode_examples(evidence, reference, window, config, features_only=True).pixels.shape[0] == 0


def permuted(evidence, seed):
    """The same evidence with reads in another order."""
    reads = evidence.reads
    order = np.random.default_rng(seed).permutation(len(reads))
    new_row = np.argsort(order).astype(np.int32)
    size = {n: getattr(reads, n) for n in ("seq", "qual", "cigar_op", "cigar_len")}
    offsets = {"seq": reads.seq_offset, "qual": reads.seq_offset}
    pieces = {
        n: flat(
            [
                v[offsets.get(n, reads.cigar_offset)[r] : offsets.get(n, reads.cigar_offset)[r + 1]]
                for r in order
            ],
            v.dtype,
        )
        for n, v in size.items()
    }
    plain = ("pos", "end", "mapq", "flag", "insert_size", "name_hash", "mate")
    shuffled = replace(
        reads,
        **{n: getattr(reads, n)[order] for n in plain},
        **{n: p[0] for n, p in pieces.items()},
        seq_offset=pieces["seq"][1],
        cigar_offset=pieces["cigar_op"][1],
    )
    return replace(
        evidence, reads=shuffled, support=replace(evidence.support, read=new_row[evidence.support.read])
    )


def test_batch_order_of_reads_does_not_matter():
    # entries keep their order (the candidates room sorts them); rows of the batch are renumbered
    evidence, reference, window = random_evidence(3, n_reads=300)
    config = PileupConfig(rows=16)
    a = encode_examples(evidence, reference, window, config)
    b = encode_examples(permuted(evidence, 5), reference, window, config)
    np.testing.assert_array_equal(a.pixels, b.pixels)
    np.testing.assert_array_equal(a.features, b.features)


def deep_site(n_ref, n_alt):
    reference = "ACGT" * 30
    rows = [
        {"pos": 20, "cigar": "80M", "seq": reference[20:100], "name": 1000 - i} for i in range(n_ref + n_alt)
    ]
    reads = reads_of(rows)
    entries = [(i, 1 if i < n_alt else 0, 3.0 if i < n_alt else -3.0, 40) for i in range(n_ref + n_alt)]
    return evidence_of(reference, reads, [(60, 1, "C")], [entries])


@pytest.mark.parametrize(
    ("n_ref", "n_alt", "shown_alt"),
    [
        (20, 10, 10),  # all fit
        (300, 3, 3),  # few ALT reads are never lost
        (300, 20, 8),  # more than their share, but the guaranteed 8
        (50, 50, 16),  # half and half
        (2, 300, 30),  # few REF reads are never lost
        (0, 90, 32),
        (90, 0, 0),
    ],
)
def test_which_reads_are_shown(n_ref, n_alt, shown_alt):
    evidence, reference, window = deep_site(n_ref, n_alt)
    picture = encode_examples(evidence, reference, window).pixels[0]
    support = picture[C["support"]].max(axis=1)
    assert (support == 255).sum() == shown_alt
    assert (support > 0).sum() == min(32, n_ref + n_alt)
    assert (support[:shown_alt] == 255).all()  # ALT first


def test_sampled_reads_are_those_of_smallest_hash():
    evidence, reference, window = deep_site(0, 90)
    qual = np.repeat(np.arange(90) % 42, 80).astype(np.uint8)
    evidence = replace(evidence, reads=replace(evidence.reads, qual=qual))
    shown = encode_examples(evidence, reference, window).pixels[0, C["quality"], :, 16]
    kept = np.sort(np.argsort(evidence.reads.name_hash, kind="stable")[:32])
    np.testing.assert_array_equal(shown, 6 * (kept % 42))


def test_candidate_outside_the_window_is_an_error():
    evidence, reference, _window = deep_site(3, 3)
    with pytest.raises(DeepcohortError, match="beyond the window"):
        encode_examples(evidence, reference[:50], Region("c", 0, 50))


@pytest.mark.parametrize(
    "change", [{"rows": 2}, {"flank_bp": 1000}, {"min_group_rows": 17}, {"phase_bp": 5001}]
)
def test_impossible_sizes_are_refused(change):
    with pytest.raises(DeepcohortError):
        PileupConfig(**change)


def test_no_candidates():
    evidence, reference, window = empty()
    batch = encode_examples(evidence, reference, window)
    assert len(batch) == 0
    assert batch.features.shape[0] == 0


def empty():
    reads = reads_of([{"pos": 0, "cigar": "4M", "seq": "ACGT"}])
    evidence, reference, window = evidence_of("ACGTACGT", reads, [(2, 1, "A")], [[(0, 1, 1.0, 2)]])
    table = replace(
        evidence.table,
        **{n: getattr(evidence.table, n)[:0] for n in ("pos", "ref_len", "alt_seq", "dp", "ad", "realigned")},
        alt_offset=np.zeros(1, np.int64),
    )
    support = replace(
        evidence.support,
        offset=np.zeros(1, np.int64),
        **{n: getattr(evidence.support, n)[:0] for n in ("read", "allele", "log10_ratio", "read_index")},
    )
    return replace(evidence, table=table, support=support), reference, window
