"""Libraries drawn anew: batches stay whole, the same seed gives the same, and each change does what it says."""

from dataclasses import fields, replace

import numpy as np
import pytest
from deepcohort.compose.make_examples import examples_for
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.sequence import encode_bases
from deepcohort.pileup import library_augment as changes
from deepcohort.pileup.foreign_reads import ForeignConfig, foreign_reads
from deepcohort.pileup.library_augment import NATURAL_LIBRARY, LibraryAugment, library_with, vary_library
from deepcohort.reads.library import APART, mapq_table, measure_library, odd_pairs, orientation_of
from deepcohort.reads.merge import columns_of
from pileup_builders import reads_of

START, LENGTH, BP = 10_000, 4_000, 100
OFF = {
    field.name: 0.0
    for field in fields(LibraryAugment)
    if field.name not in ("foreign_loci", "foreign_config")
}
LEFT, RIGHT, REVERSE, MATE_UNMAPPED = 99, 147, 0x10, 0x8


def reference_of(seed=1):
    return encode_bases("".join(np.random.default_rng(seed).choice(list("ACGT"), LENGTH)))


REFERENCE = reference_of()


def make_batch(seed=2, n=150, clips=True):
    """Pairs that face in, 300 to 500 bp, some with soft clips or a deletion; QNAMEs are shared by mates."""
    rng = np.random.default_rng(seed)
    text = "".join("ACGT"[c] for c in REFERENCE)
    rows = []
    for _ in range(n):
        size = int(rng.integers(300, 500))
        first = int(rng.integers(20, LENGTH - 600))
        name = int(rng.integers(1, 2**63))
        for flag, at, tlen in ((LEFT, first, size), (RIGHT, first + size - BP, -size)):
            seq = list(text[at : at + BP])
            for i in np.flatnonzero(rng.random(BP) < 0.01):
                seq[i] = rng.choice(list("ACGT"))
            left, right = (int(rng.choice([0, 0, 0, 7, 45])) for _ in "lr") if clips else (0, 0)
            if rng.random() < 0.1 and not (left or right):
                cigar, seq = "60M5D40M", list(text[at : at + 60] + text[at + 65 : at + 105])
            else:
                cigar = f"{left}S" * (left > 0) + f"{BP - left - right}M" + f"{right}S" * (right > 0)
            row = {"pos": START + at + left, "cigar": cigar, "seq": "".join(seq), "flag": flag, "tlen": tlen}
            rows.append(row | {"name": name, "mapq": int(rng.choice([20, 60, 60, 60]))})
    batch = reads_of(rows)
    mate = np.full(len(batch), -1, np.int32)
    for row in range(len(batch)):
        other = np.flatnonzero((batch.name_hash == batch.name_hash[row]) & (batch.flag != batch.flag[row]))
        mate[row] = other[0]
    return replace(batch, mate=mate)


def check_whole(batch):
    """Every promise of ReadBatch, and that reads lie on the reference at hand."""
    n = len(batch)
    keys = list(zip(batch.pos.tolist(), batch.name_hash.tolist(), batch.flag.tolist(), strict=True))
    assert keys == sorted(keys)
    for name, dtype in (
        ("pos", np.int64),
        ("end", np.int64),
        ("mapq", np.uint8),
        ("flag", np.uint16),
        ("insert_size", np.int32),
        ("odd", np.uint8),
        ("name_hash", np.uint64),
        ("mate", np.int32),
        ("seq", np.uint8),
        ("qual", np.uint8),
        ("seq_offset", np.int64),
        ("cigar_op", np.uint8),
        ("cigar_len", np.int32),
        ("cigar_offset", np.int64),
    ):
        assert getattr(batch, name).dtype == dtype, name
    assert all(
        len(getattr(batch, name)) == n for name in ("end", "mapq", "flag", "insert_size", "odd", "mate")
    )
    assert len(batch.seq) == len(batch.qual) == batch.seq_offset[-1]
    assert len(batch.cigar_op) == len(batch.cigar_len) == batch.cigar_offset[-1]
    assert (batch.seq <= 4).all()
    assert (batch.cigar_len > 0).all()
    for row in range(n):
        ops = slice(batch.cigar_offset[row], batch.cigar_offset[row + 1])
        cigar = list(zip(batch.cigar_op[ops].tolist(), batch.cigar_len[ops].tolist(), strict=True))
        query = sum(length for op, length in cigar if op in (0, 1, 4, 7, 8))
        span = sum(length for op, length in cigar if op in (0, 2, 3, 7, 8))
        assert query == batch.seq_offset[row + 1] - batch.seq_offset[row]
        assert span == batch.end[row] - batch.pos[row]
        assert all(op != 4 for op, _ in cigar[1:-1])
        assert {cigar[0][0], cigar[-1][0]} <= {0, 4}
        other = batch.mate[row]
        if other >= 0:
            assert batch.mate[other] == row
            assert batch.name_hash[other] == batch.name_hash[row]
    assert batch.pos.min() >= START
    assert batch.end.max() <= START + LENGTH


def same(a, b):
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))


def rows_by_read(batch):
    """{(name, flag bits of strand and number): (pos, CIGAR, bases, MAPQ, TLEN)}"""
    found = {}
    for row in range(len(batch)):
        ops = slice(batch.cigar_offset[row], batch.cigar_offset[row + 1])
        bases = slice(batch.seq_offset[row], batch.seq_offset[row + 1])
        found[int(batch.name_hash[row]), int(batch.flag[row]) & REVERSE] = (
            int(batch.pos[row]),
            int(batch.end[row]),
            tuple(zip(batch.cigar_op[ops].tolist(), batch.cigar_len[ops].tolist(), strict=True)),
            batch.seq[bases].tobytes(),
            int(batch.mapq[row]),
            int(batch.insert_size[row]),
        )
    return found


@pytest.mark.parametrize("seed", range(30))
def test_batches_stay_whole_and_repeat(seed):
    reads = make_batch(seed)
    config = LibraryAugment() if seed % 3 else NATURAL_LIBRARY
    drawn = [vary_library(reads, REFERENCE, START, np.random.default_rng(seed), config) for _ in range(2)]
    check_whole(drawn[0])
    assert same(*drawn)
    assert same(reads, make_batch(seed))  # what came in is untouched
    # judged by the profile of what came out
    library = measure_library([columns_of(drawn[0])])
    assert drawn[0].odd.tolist() == odd_pairs(drawn[0].flag, drawn[0].insert_size, library).tolist()
    assert drawn[0].odd_share == library.odd_share
    assert drawn[0].clipped_share == library.clipped_share


def test_seeds_differ():
    reads = make_batch()
    drawn = [
        vary_library(reads, REFERENCE, START, np.random.default_rng(k), LibraryAugment()) for k in range(12)
    ]
    assert len({(len(r), r.flag.tobytes(), r.mapq.tobytes(), r.seq.tobytes()) for r in drawn}) > 8


def test_nothing_drawn_changes_nothing_but_the_judgement():
    reads = make_batch()
    out = vary_library(reads, REFERENCE, START, np.random.default_rng(0), LibraryAugment(**OFF))
    for name in ("pos", "end", "mapq", "flag", "insert_size", "seq", "qual", "cigar_op", "cigar_len", "mate"):
        assert np.array_equal(getattr(out, name), getattr(reads, name)), name
    none = reads_of([])
    assert vary_library(none, REFERENCE, START, np.random.default_rng(0), LibraryAugment()) is none


def changed(name, seed=0, reads=None, **more):
    """(batch, batch with the one change `name` alone)."""
    reads = reads or make_batch()
    out = vary_library(
        reads, REFERENCE, START, np.random.default_rng(seed), LibraryAugment(**{**OFF, name: 1.0, **more})
    )
    check_whole(out)
    return reads, out


def test_single():
    reads, out = changed("single")
    assert (out.flag & ~np.uint16(REVERSE) == 0).all()
    assert np.array_equal(out.flag & REVERSE, reads.flag & REVERSE)
    assert not out.insert_size.any()
    assert (out.mate == -1).all()
    assert (orientation_of(out.flag, out.insert_size) == -1).all()
    assert not out.odd.any()


@pytest.mark.parametrize("seed", range(5))
def test_long_inserts(seed):
    reads, out = changed("long_inserts", seed)
    factor = out.insert_size / reads.insert_size
    assert (factor > 0.5).all()
    assert 1.5 < np.median(factor) < 17
    own = {}
    for name, size in zip(out.name_hash.tolist(), out.insert_size.tolist(), strict=True):
        own.setdefault(name, []).append(size)
    assert all(a == -b for a, b in own.values())  # both reads of a pair
    assert np.array_equal(
        orientation_of(out.flag, out.insert_size), orientation_of(reads.flag, reads.insert_size)
    )
    assert out.odd.mean() < 0.1  # usual here


def test_facing_out():
    reads, out = changed("facing_out")
    assert (orientation_of(reads.flag, reads.insert_size) == 0).all()
    assert (orientation_of(out.flag, out.insert_size) == 1).all()
    assert not out.odd.any()


@pytest.mark.parametrize("seed", range(6))
def test_apart(seed):
    _, out = changed("apart", seed)
    kind = orientation_of(out.flag, out.insert_size)
    share = (kind == APART).mean()
    assert 0.0 < share < 0.8
    assert set(kind.tolist()) == {0, APART}
    assert (out.odd[kind == APART] == 1).all()
    assert out.odd_share >= share
    unmapped = (out.flag & MATE_UNMAPPED) != 0
    assert not unmapped.any() or np.array_equal(unmapped, kind == APART)


@pytest.mark.parametrize("seed", range(6))
def test_chimeric(seed):
    reads, out = changed("chimeric", seed)
    touched = (out.insert_size != reads.insert_size) | (out.flag != reads.flag)
    assert 0.02 < touched.mean() < 0.5
    assert out.odd[touched].mean() > 0.7
    assert out.odd[~touched].mean() < 0.1
    names = set(out.name_hash[touched].tolist())
    assert len(names) * 2 == touched.sum()  # whole fragments


@pytest.mark.parametrize("name", ["mapq_noise", "mapq_by_mismatch"])
@pytest.mark.parametrize("seed", range(4))
def test_mapq_only_falls(name, seed):
    reads = make_batch()
    change = getattr(changes, f"_{name}")
    out = change(reads, REFERENCE, START, np.random.default_rng(seed))
    assert (out.mapq <= reads.mapq).all()
    assert (out.mapq >= 5).all()
    lowered = out.mapq < reads.mapq
    assert 0.0 < lowered.mean() < 1.0
    if name == "mapq_by_mismatch":
        mismatches = changes._mismatches(reads, REFERENCE, START)
        assert np.array_equal(lowered, mismatches > 0)


def test_mismatches_against_a_slow_count():
    reads = make_batch(5)
    slow = []
    for row in range(len(reads)):
        at, base, found = int(reads.pos[row]), int(reads.seq_offset[row]), 0
        for k in range(reads.cigar_offset[row], reads.cigar_offset[row + 1]):
            op, length = int(reads.cigar_op[k]), int(reads.cigar_len[k])
            if op == 0:
                found += int((reads.seq[base : base + length] != REFERENCE[at - START :][:length]).sum())
            at += length if op in (0, 2) else 0
            base += length if op in (0, 4) else 0
        slow.append(found)
    assert changes._mismatches(reads, REFERENCE, START).tolist() == slow
    assert 0 < sum(slow) < 2 * len(reads)


def test_mapq_scale_is_taken_out_again():
    """Lowered MAPQs are judged against their own median."""
    reads = replace(make_batch(), mapq=np.full(300, 42, np.uint8))
    out = vary_library(reads, REFERENCE, START, np.random.default_rng(0), LibraryAugment(**OFF))
    assert (out.mapq == mapq_table(measure_library([columns_of(reads)]))[42]).all()
    assert (out.mapq == 60).all()


def test_end_to_end():
    """Clips of up to a third of a read become aligned bases; what is clipped more is lost, and nothing else."""
    reads, out = changed("end_to_end")
    before, after = rows_by_read(reads), rows_by_read(out)
    assert not (out.cigar_op == 4).any()
    lost, kept = 0, 0
    for key, (pos, end, cigar, bases, mapq, tlen) in before.items():
        left = cigar[0][1] if cigar[0][0] == 4 else 0
        right = cigar[-1][1] if cigar[-1][0] == 4 else 0
        # nor may it reach beyond the reference
        inside = pos - left >= START and end + right <= START + LENGTH
        if 3 * (left + right) > BP or not inside:
            lost += 1
            assert key not in after
            continue
        kept += 1
        opened = tuple((0 if op == 4 else op, n) for op, n in cigar)
        assert after[key] == (pos - left, end + right, opened, bases, mapq, tlen)
    assert (lost + kept, len(after)) == (len(before), kept)
    assert lost > 20
    # mates that are left still know each other
    names = out.name_hash.tolist()
    both = np.array([names.count(name) == 2 for name in names])
    assert np.array_equal(out.mate >= 0, both)


@pytest.mark.parametrize("seed", range(3))
def test_clipped(seed):
    """Right ends of some reads become foreign; beyond six bases they are clipped."""
    reads, out = changed("clipped", seed, reads=make_batch(clips=False))
    before, after = rows_by_read(reads), rows_by_read(out)
    assert before.keys() == after.keys()
    clipped = hidden = 0
    for key, (pos, end, cigar, bases, *rest) in before.items():
        new = after[key]
        assert (new[0], list(new[4:])) == (pos, rest)
        if new[2][-1][0] == 4:
            tail = new[2][-1][1]
            clipped += 1
            assert tail > 6
            assert new[1] == end - tail
            assert new[2] == (*cigar[:-1], (0, cigar[-1][1] - tail), (4, tail))
            assert cigar[-1][1] - tail > 20
            assert new[3][:-tail] == bases[:-tail]
        else:
            hidden += new[3] != bases
            assert (new[1], new[2]) == (end, cigar)
            assert new[3][:-6] == bases[:-6]
    assert 0.02 < clipped / len(before) < 0.5
    assert hidden < clipped
    assert out.clipped_share == pytest.approx(clipped / len(before))


# reads from elsewhere


@pytest.mark.parametrize("seed", range(12))
def test_foreign_reads_are_whole(seed):
    reads = make_batch(seed)
    rng = np.random.default_rng(seed)
    out = foreign_reads(reads, REFERENCE, START, 12, rng, ForeignConfig(indel_rate=(0.0, 0.08)))
    check_whole(out)
    again = foreign_reads(
        reads, REFERENCE, START, 12, np.random.default_rng(seed), ForeignConfig(indel_rate=(0.0, 0.08))
    )
    assert same(out, again)
    old = set(reads.name_hash.tolist())
    own = np.array([name in old for name in out.name_hash.tolist()])
    # the sample's own reads stay as they were, in their order
    assert np.array_equal(out.pos[own], reads.pos)
    assert np.array_equal(out.flag[own], reads.flag)
    assert np.array_equal(out.mapq[own], reads.mapq)
    foreign = ~own
    assert foreign.sum() > 10
    assert len(set(out.name_hash[foreign].tolist())) == foreign.sum()
    assert (out.mate[foreign] == -1).all()
    assert (out.mapq[foreign] >= 5).all()
    assert out.qual[np.repeat(foreign, np.diff(out.seq_offset))].min() > 0
    # and differ from the reference far more than the sample's do
    mismatches = changes._mismatches(out, REFERENCE, START) / (out.end - out.pos)
    assert mismatches[foreign].mean() > 4 * mismatches[own].mean()


def test_foreign_reads_of_one_template_show_the_same_bases():
    """Without indels: at a base of the locus all reads of it agree, and differ from the reference often."""
    config = ForeignConfig(
        divergence=(0.2, 0.2), indel_rate=(0.0, 0.0), shared=1.0, breakpoint=0.0, whole=1.0
    )
    reads = make_batch(3)
    out = foreign_reads(reads, REFERENCE, START, 1, np.random.default_rng(4), config)
    old = set(reads.name_hash.tolist())
    seen: dict[int, set[int]] = {}
    rows = [row for row in range(len(out)) if int(out.name_hash[row]) not in old]
    assert len(rows) >= 3
    for row in rows:
        base = int(out.seq_offset[row])
        assert out.cigar_op[out.cigar_offset[row] : out.cigar_offset[row + 1]].tolist() == [0]
        for k in range(int(out.end[row] - out.pos[row])):
            seen.setdefault(int(out.pos[row]) + k, set()).add(int(out.seq[base + k]))
    assert all(len(bases) == 1 for bases in seen.values())
    differing = np.mean([int(REFERENCE[at - START]) not in bases for at, bases in seen.items()])
    assert 0.1 < differing < 0.3


def test_foreign_reads_at_a_breakpoint_begin_or_end_together():
    config = ForeignConfig(indel_rate=(0.0, 0.0), breakpoint=1.0, whole=0.0, mean_reads=12.0)
    reads = make_batch(3)
    old = set(reads.name_hash.tolist())
    sides = set()
    for seed in range(8):
        out = foreign_reads(reads, REFERENCE, START, 1, np.random.default_rng(seed), config)
        rows = np.array([name not in old for name in out.name_hash.tolist()])
        if rows.sum() < 3:
            continue
        begin, end = len(set(out.pos[rows].tolist())) == 1, len(set(out.end[rows].tolist())) == 1
        assert begin or end
        sides.add(begin)
    assert sides == {True, False}


def test_no_foreign_reads_where_there_is_no_room():
    reads = make_batch()
    rng = np.random.default_rng(0)
    assert foreign_reads(reads, REFERENCE, START, 0, rng, ForeignConfig()) is reads
    few = replace(reads, pos=reads.pos + 10**6, end=reads.end + 10**6)  # none lies on this reference
    assert foreign_reads(few, REFERENCE, START, 5, rng, ForeignConfig()) is few
    assert foreign_reads(reads, REFERENCE[:1_000], START, 5, rng, ForeignConfig()) is reads


def test_shares_are_set_by_name():
    assert library_with(LibraryAugment(), []) == LibraryAugment()
    changed = library_with(LibraryAugment(), ["clipped=0", " foreign = .5"])
    assert changed == replace(LibraryAugment(), clipped=0.0, foreign=0.5)
    made = examples_for("illumina", natural=True, library_set=["clipped=0"])
    assert made.library == replace(NATURAL_LIBRARY, clipped=0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clipped", "'' is no number"),
        ("clipped=much", "'much' is no number"),
        ("clips=0", "a NAME of end_to_end, clipped, single"),
        ("foreign_config=1", "a NAME of"),
        ("foreign=-0.1", "none negative and at most 1 together; they are -0.1"),
        ("clipped=0.8", r"end_to_end \+ clipped are shares .* they are 0.25 \+ 0.8"),
        ("foreign=nan", "they are nan"),
    ],
)
def test_shares_that_cannot_be_are_refused(text, said):
    with pytest.raises(DeepcohortError, match=said):
        library_with(LibraryAugment(), [text])


def test_shares_of_libraries_that_stay_as_they_are_are_refused():
    with pytest.raises(DeepcohortError, match="--platform ont libraries are not randomised"):
        examples_for("ont", library_set=["clipped=0"])
    with pytest.raises(DeepcohortError, match="--no-augment libraries are not randomised"):
        examples_for("illumina", augment=False, library_set=["clipped=0"])
