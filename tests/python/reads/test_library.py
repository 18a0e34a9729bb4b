"""The profile of a library: by hand from columns, and the same however its files are cut."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from deepcohort.core.region import Region
from deepcohort.reads import copies
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.copies import are_merged_twice, first_short_reads, grouped_copies, repeated
from deepcohort.reads.library import (
    APART,
    insert_bin,
    library_text,
    mapq_table,
    measure_library,
    odd_pairs,
    orientation_of,
)
from deepcohort.reads.load import open_reads
from deepcohort.reads.merge import in_terms_of, take_reads, with_own_inserts
from deepcohort.reads.profile import profile_of, profiled
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import BINS_PER_OCTAVE, INSERT_BINS, UNKNOWN_LIBRARY

PAIRED, PROPER, MATE_UNMAPPED, REVERSE, MATE_REVERSE = 0x1, 0x2, 0x8, 0x10, 0x20
LEFT, RIGHT = PAIRED | MATE_REVERSE, PAIRED | REVERSE  # the two reads of a pair that faces in
BP = 100


def make_columns(rows: Sequence[dict]) -> ReadColumns:
    """Columns of reads of BP bases: pos, and flag, tlen, mapq, name, clip (left, right), qual where they differ."""
    rows = sorted(rows, key=lambda r: (r["pos"], r.get("name", 0), r.get("flag", 0)))
    clips = [r.get("clip", (0, 0)) for r in rows]
    cigars = [[(4, a), (0, BP - a - b), (4, b)] for a, b in clips]
    cigars = [[(op, n) for op, n in cigar if n] for cigar in cigars]
    pos = np.array([r["pos"] for r in rows], np.int64)
    none = np.empty(0, np.int64)
    return ReadColumns(
        pos=pos,
        end=pos + np.array([BP - a - b for a, b in clips], np.int64),
        mapq=np.array([r.get("mapq", 60) for r in rows], np.uint8),
        flag=np.array([r.get("flag", 0) for r in rows], np.uint16),
        insert_size=np.array([r.get("tlen", 0) for r in rows], np.int32),
        name_hash=np.array([r.get("name", k) for k, r in enumerate(rows)], np.uint64),
        seq=np.zeros(BP * len(rows), np.uint8),
        qual=np.concatenate([np.full(BP, r.get("qual", 30)) for r in rows]).astype(np.uint8),
        seq_length=np.full(len(rows), BP, np.int64),
        cigar_op=np.array([op for cigar in cigars for op, _ in cigar], np.uint8),
        cigar_len=np.array([n for cigar in cigars for _, n in cigar], np.int32),
        n_ops=np.array([len(cigar) for cigar in cigars], np.int64),
        mapq0_pos=none,
        mapq0_end=none,
    )


def pair(name: int, pos: int, tlen: int, left: int = LEFT, right: int = RIGHT, **more: object) -> list[dict]:
    """Both reads of a fragment of `tlen` bp from `pos` on."""
    return [
        {"pos": pos, "flag": left, "tlen": tlen, "name": name, **more},
        {"pos": pos + tlen - BP, "flag": right, "tlen": -tlen, "name": name, **more},
    ]


def pairs(n: int, tlen: int = 400, step: int = 37, **more: object) -> list[dict]:
    return [read for k in range(n) for read in pair(k, 1_000 + step * k, tlen + k % 20, **more)]


@pytest.mark.parametrize(
    ("flag", "tlen", "kind"),
    [
        (PAIRED | MATE_REVERSE, 400, 0),  # left read forward, right one reverse
        (PAIRED | REVERSE, -400, 0),
        (PAIRED | REVERSE, 400, 1),  # left read reverse: facing out
        (PAIRED | MATE_REVERSE, -400, 1),
        (PAIRED, 400, 2),
        (PAIRED, -400, 2),
        (PAIRED | REVERSE | MATE_REVERSE, 400, 2),
        (PAIRED | REVERSE | MATE_REVERSE, -400, 2),
        (PAIRED | MATE_REVERSE, 0, APART),  # another contig
        (PAIRED | MATE_UNMAPPED, 400, APART),
        (PAIRED | MATE_UNMAPPED | REVERSE, 0, APART),
        (0, 400, -1),
        (REVERSE, 0, -1),
    ],
)
def test_orientation(flag, tlen, kind):
    # an aligner's word for a proper pair says nothing
    flags = np.array([flag, flag | PROPER, flag | 0x40, flag | 0x80], np.uint16)
    assert orientation_of(flags, np.full(4, tlen, np.int32)).tolist() == [kind] * 4


def test_insert_bins_are_quarters_of_octaves():
    sizes = np.array(
        [0, 1, -1, 2, 199, 200, -200, 256, 304, 305, 5_000, 2**17 - 1, 2**17, -(2**31)], np.int32
    )
    expected = [0, 0, 0, 4, 30, 30, 30, 32, 32, 33, 49, 67, 68, 124]
    assert insert_bin(sizes).tolist() == expected
    assert INSERT_BINS == 17 * BINS_PER_OCTAVE


@pytest.mark.parametrize("tlen", [200, 400, 1_000, 2_000, 5_000])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (LEFT, RIGHT),
        (PAIRED | REVERSE, PAIRED | MATE_REVERSE),  # facing out
        (PAIRED, PAIRED),
    ],
)
@pytest.mark.parametrize("proper", [0, PROPER])
def test_what_most_pairs_do_is_usual(tlen, left, right, proper):
    """Whatever inserts and orientations a library has, its own are not odd; those of any other are."""
    rows = pairs(300, tlen, left=left | proper, right=right | proper)
    library = measure_library([make_columns(rows)])
    assert library.paired_share == 1.0
    assert library.odd_share == 0.0
    assert library.insert_bp[1] == pytest.approx(tlen + 10, abs=2)
    assert library.insert_bp == tuple(sorted(library.insert_bp))
    others = [
        (left, 20 * tlen),  # farther apart
        (left, tlen // 10),
        (left ^ REVERSE, tlen),  # another orientation
        (left, 0),
        (left | MATE_UNMAPPED, tlen),
    ]
    flag = np.array([left, right, *(f for f, _ in others), 0], np.uint16)
    size = np.array([tlen, -tlen, *(n for _, n in others), 0], np.int32)
    assert odd_pairs(flag, size, library).tolist() == [0, 0, 1, 1, 1, 1, 1, 0]


def test_two_kinds_of_pairs_are_both_usual():
    """A mate-pair library holds some ordinary fragments too."""
    out = {"left": PAIRED | REVERSE, "right": PAIRED | MATE_REVERSE}
    rows = pairs(300, 3_000, **out) + [r | {"name": r["name"] + 1_000} for r in pairs(60, 250)]
    library = measure_library([make_columns(rows)])
    assert library.odd_share == 0.0
    kinds = np.array(library.usual_inserts)
    assert kinds.shape == (3, INSERT_BINS)
    assert kinds.any(axis=1).tolist() == [True, True, False]


def test_few_strange_pairs_do_not_become_usual():
    """The bound is 0.3 % of the paired reads, and four of them."""
    stray = [r | {"name": 5_000 + r["name"]} for r in pairs(1, 40_000)]
    library = measure_library([make_columns(pairs(500) + stray)])
    assert library.odd_share == pytest.approx(2 / 1_002)
    two = stray + [r | {"name": 9_000, "pos": r["pos"] + 7} for r in stray]
    few = measure_library([make_columns(pairs(500) + two)])
    assert few.odd_share == 0.0  # four reads of 1,004 are 0.4 %
    many = measure_library([make_columns(pairs(1_500) + two)])
    assert many.odd_share == pytest.approx(4 / 3_004)


def test_single_reads_and_no_reads():
    library = measure_library([make_columns([{"pos": 10 * k} for k in range(50)])])
    assert (library.n_reads, library.read_length_bp, library.paired_share) == (50, BP, 0.0)
    assert (library.odd_share, library.insert_bp, library.copied_share) == (0.0, (0, 0, 0), 0.0)
    assert measure_library([]) is UNKNOWN_LIBRARY
    empty = make_columns([{"pos": 0}])
    assert measure_library([_rows(empty, slice(0, 0))]) is UNKNOWN_LIBRARY


def _rows(columns: ReadColumns, part: slice) -> ReadColumns:
    names = ("pos", "end", "mapq", "flag", "insert_size", "name_hash", "seq_length", "n_ops")
    return replace(columns, **{name: getattr(columns, name)[part] for name in names})


def test_mates_elsewhere_are_odd_where_they_are_few_and_where_they_are_many():
    apart = [{"pos": 1_000 + 11 * k, "flag": PAIRED, "name": 10_000 + k} for k in range(900)]
    few = measure_library([make_columns(pairs(450) + apart[:100])])
    assert few.odd_share == pytest.approx(100 / 1_000)
    many = measure_library([make_columns(pairs(50) + apart)])
    assert many.odd_share == pytest.approx(900 / 1_000)
    assert many.insert_bp[1] > 0  # of the pairs that are


@pytest.mark.parametrize(
    ("typical", "scaled"),
    [
        (60, {0: 0, 1: 1, 5: 5, 30: 30, 60: 60, 255: 255}),
        (42, {0: 0, 1: 1, 5: 5, 20: 20, 21: 22, 31: 40, 42: 60, 255: 255}),
        (70, {0: 0, 1: 1, 35: 35, 70: 70, 255: 255}),
        (255, {0: 0, 1: 1, 3: 3, 255: 255}),
        (3, {0: 0, 1: 1, 3: 3, 20: 20, 22: 40, 24: 60}),  # a typical MAPQ below 24 is taken for 24
    ],
)
def test_mapq_scales(typical, scaled):
    rows = [{"pos": 10 * k, "mapq": typical} for k in range(11)] + [{"pos": 500, "mapq": 1}] * 5
    library = measure_library([make_columns(rows)])
    assert library.typical_mapq == typical
    table = mapq_table(library)
    assert {k: int(table[k]) for k in scaled} == scaled
    assert (np.diff(table.astype(int)) >= 0).all()
    assert in_terms_of(library, make_columns([{"pos": 0, "mapq": typical}])).mapq[0] == table[typical]


def test_a_scale_that_ends_at_20_is_stretched_to_60():
    top = [{"pos": 10 * k, "mapq": 20} for k in range(97)]
    low = [{"pos": 2_000 + k, "mapq": mapq} for k, mapq in enumerate((5, 9, 15))]
    table = mapq_table(measure_library([make_columns(top + low)]))
    assert [int(table[k]) for k in (0, 3, 5, 10, 15, 20, 255)] == [0, 3, 5, 10, 35, 60, 255]
    # strays: 20 is their median, and other reads of the same aligner have more
    strays = [{"pos": 3_000 + k, "mapq": 42} for k in range(10)]
    assert mapq_table(measure_library([make_columns(top + low + strays)]))[20] == 20


def test_clips_of_five_bases():
    clips = [(0, 0), (4, 4), (5, 0), (0, 5), (60, 0)]
    library = measure_library([make_columns([{"pos": k, "clip": clip} for k, clip in enumerate(clips)])])
    assert library.clipped_share == 0.6


def test_quality_alphabet():
    """Values of one base in a thousand or more; 0 stands for N and for a base whose mate counts."""
    quals = [37] * 1_500 + [25] * 300 + [11] * 100 + [2] * 98 + [0] * 500 + [40]
    rows = [{"pos": k, "qual": q} for k, q in enumerate(quals)]
    assert measure_library([make_columns(rows)]).qualities == (2, 11, 25, 37)


def fragments(n: int, each: int, step: int) -> list[dict]:
    """`n` fragments from every `step` bp on, `each` times."""
    found = []
    for k in range(n):
        for copy in range(each):
            found += pair(1_000 * k + copy, 1_000 + step * k, 400 + k % 50)
    return found


@pytest.mark.parametrize(
    ("n", "each", "step", "share", "drops"),
    [
        (400, 1, 20, 0.0, False),
        (400, 2, 20, 0.5, True),  # each fragment twice: duplicates that nobody marked
        (400, 5, 20, 0.8, True),
        (400, 12, 20, 11 / 12, True),
        (400, 13, 20, 12 / 13, False),  # more than twelve of each: amplicons
        (8, 60, 1_000, 59 / 60, False),  # amplicons: few starts, many reads
        (60, 5, 200, 0.8, False),  # too few fragments per bp to tell
    ],
)
def test_copies_are_dropped_where_they_are_duplicates(n, each, step, share, drops):
    columns = make_columns(fragments(n, each, step))
    library = measure_library([columns])
    assert library.copied_share == pytest.approx(share)
    assert library.drops_copies == drops
    left = in_terms_of(library, columns)
    assert len(left.pos) == (2 * n if drops else 2 * n * each)
    if drops:
        # both reads of one fragment stay: that of the smallest name
        assert sorted(left.name_hash.tolist()) == sorted([1_000 * k for k in range(n)] * 2)


def test_copies_one_by_one():
    """Same 5' end, strand and mate's 5' end, wherever they end; of single reads, and reads with mates elsewhere, nothing
    is said."""
    rows = [
        {"pos": 100, "flag": LEFT, "tlen": 400, "name": 7},
        {"pos": 100, "flag": LEFT, "tlen": 400, "name": 5},
        {"pos": 100, "flag": LEFT | PROPER | 0x40, "tlen": 400, "name": 9},
        {"pos": 100, "flag": LEFT | REVERSE, "tlen": 400, "name": 1},
        {"pos": 100, "flag": LEFT, "tlen": 405, "name": 2},
        {"pos": 101, "flag": LEFT, "tlen": 400, "name": 3},
        {"pos": 100, "flag": LEFT, "tlen": 400, "name": 6, "clip": (0, 3)},
        {"pos": 300, "flag": RIGHT, "tlen": -400, "name": 21},
        {"pos": 303, "flag": RIGHT, "tlen": -400, "name": 20, "clip": (3, 0)},
        {"pos": 300, "flag": RIGHT, "tlen": -397, "name": 22, "clip": (0, 3)},  # begins with a wrong base
        {"pos": 200, "flag": PAIRED, "name": 11},
        {"pos": 200, "flag": PAIRED, "name": 12},
    ]
    columns = make_columns(rows)
    assert set(columns.name_hash[grouped_copies(columns)[1]].tolist()) == {6, 7, 9, 21, 22}


def test_a_read_whose_mate_begins_with_an_error_is_a_copy():
    """One read alone goes with several beside it, the nearer ones; two do not, nor those of a pair farther off."""
    tlen = {1: 400, 2: 400, 3: 404, 4: 409, 5: 412, 6: 412, 7: 409, 8: 395, 9: 404}
    rows = [{"pos": 100, "flag": LEFT, "tlen": bp, "name": name} for name, bp in tlen.items()]
    columns = make_columns(rows)
    assert _copies_of(columns) == [{1, 2}, {3, 9}, {4, 7}, {5, 6}, {8}]
    assert _copies_of(make_columns(rows[:3])) == [{1, 2, 3}]
    assert _copies_of(make_columns([*rows[:3], *rows[4:6]])) == [{1, 2, 3}, {5, 6}]
    assert _copies_of(make_columns([rows[0], rows[2]])) == [{1}, {3}]
    none = take_reads(columns, np.empty(0, np.int64))
    assert not len(grouped_copies(none)[0])


def test_a_long_read_that_stands_twice_counts_once(monkeypatch: pytest.MonkeyPatch):
    rows = [
        {"pos": 100, "name": 1},
        {"pos": 100, "name": 2},  # the same
        {"pos": 100, "name": 3, "flag": REVERSE},
        {"pos": 100, "name": 4},  # another base
        {"pos": 100, "name": 5, "qual": 11},
        {"pos": 101, "name": 6},
        {"pos": 100, "name": 7, "clip": (0, 3)},
    ]
    columns = make_columns(rows)
    columns.seq[3 * BP + 50] = 2
    columns.qual[::2] += 1
    monkeypatch.setattr(copies, "_OWN_CHANGES", BP - 1)
    assert not repeated(columns).any()  # short reads may well be alike
    monkeypatch.setattr(copies, "_LONG_BP", BP)
    assert columns.name_hash[repeated(columns)].tolist() == [2]
    columns.qual[:] = 30
    assert not repeated(columns).any()  # molecules of one amplicon
    none = take_reads(columns, np.empty(0, np.int64))
    assert not len(repeated(none))


def test_short_reads_tell_of_a_file_merged_with_itself():
    rng = np.random.default_rng(7)
    n = 400
    rows = [{"pos": 100 + 3 * k, "name": k} for k in range(n)]

    def of(rows: list[dict], qualities: np.ndarray) -> ReadColumns:
        columns = make_columns(rows)
        by_name = qualities[(columns.name_hash % n).astype(int)]
        return replace(columns, qual=by_name.reshape(-1).astype(np.uint8))

    values = rng.choice([12, 23, 37], (n, BP))
    again = [{**row, "name": row["name"] + n} for row in rows]
    twice, half = of([*rows, *again], values), of([*rows, *again[::2]], values)
    assert are_merged_twice([twice])
    assert are_merged_twice([half])
    assert set(twice.name_hash[repeated(twice, of_any_length=True)].tolist()) == set(range(n, 2 * n))
    assert repeated(half, of_any_length=True).sum() == n // 2
    assert not are_merged_twice([of(rows, values)])
    assert not are_merged_twice([of([*rows, *again], np.full((n, BP), 37))])  # such are many in amplicons
    others = of([*rows, *again], rng.choice([12, 23, 37], (n, BP)))
    others.qual[:] = rng.choice([12, 23, 37], len(others.qual))
    assert not are_merged_twice([others])  # fragments read twice
    assert not are_merged_twice([])
    assert first_short_reads(twice).tolist() == list(range(2 * n))


def _copies_of(columns: ReadColumns) -> list[set[int]]:
    """Names of the reads of each group, in order of the smallest."""
    order, copied = grouped_copies(columns)
    groups: list[set[int]] = []
    for row in order:
        if not copied[row]:
            groups.append(set())
        groups[-1].add(int(columns.name_hash[row]))
    return sorted(groups, key=min)


def test_mates_that_lie_together_need_no_tlen():
    """bowtie2 gives 0 where mates pass each other; mates elsewhere keep it."""
    rows = [
        {"pos": 100, "flag": LEFT, "name": 1},
        {"pos": 160, "flag": RIGHT, "name": 1},
        {"pos": 150, "flag": LEFT, "name": 2},  # passed by its mate
        {"pos": 140, "flag": RIGHT, "name": 2},
        {"pos": 170, "flag": RIGHT, "name": 3},  # at one place
        {"pos": 170, "flag": LEFT, "name": 3},
        {"pos": 180, "flag": LEFT, "name": 4},  # mate on another contig
        {"pos": 190, "flag": PAIRED | MATE_UNMAPPED, "name": 5},
        {"pos": 195, "flag": 0, "name": 6},
        {"pos": 200, "flag": LEFT, "tlen": 400, "name": 7},
    ]
    found = with_own_inserts(make_columns(rows))
    told = [
        *zip(
            found.name_hash.tolist(),
            found.pos.tolist(),
            found.flag.tolist(),
            found.insert_size.tolist(),
            strict=True,
        )
    ]
    assert {(name, pos, flag): tlen for name, pos, flag, tlen in told} == {
        (1, 100, LEFT): 160,
        (1, 160, RIGHT): -160,
        (2, 140, RIGHT): 110,
        (2, 150, LEFT): -110,
        (3, 170, LEFT): 100,
        (3, 170, RIGHT): -100,
        (4, 180, LEFT): 0,
        (5, 190, PAIRED | MATE_UNMAPPED): 0,
        (6, 195, 0): 0,
        (7, 200, LEFT): 400,
    }


def test_windows_count_alike_in_any_order():
    one, two = make_columns(pairs(200)), make_columns(pairs(90, 700))
    assert measure_library([one, two]) == measure_library([two, one])
    assert measure_library([one]) == measure_library([one, _rows(one, slice(0, 0))])


def test_depth_of_reads_longer_than_windows():
    # one begins every 1,000 bp of a window of 8,192, each of 20 kb: 20x, whatever the window's first read
    columns = make_columns([{"pos": 1_000 * k} for k in range(9)])
    long = replace(columns, end=columns.pos + 20_480)
    assert measure_library([long]).depth == pytest.approx(20.0)
    assert measure_library([long, long]).depth == pytest.approx(20.0)
    assert measure_library([columns]).depth == pytest.approx(900 / 8_000)


def test_header_text():
    text = library_text(measure_library([make_columns(pairs(300))]))
    assert text == (
        "Reads=600;ReadLength=100;Depth=5.3;Paired=1.000;Inserts=401-410-418;OddPairs=0.000;TypicalMAPQ=60;Clipped=0.000;"
        "Duplicates=0.0000;Copies=0.000;CopiesDropped=no;Adapter=none;Qualities=1"
    )
    assert library_text(replace(UNKNOWN_LIBRARY, spliced_share=0.25)).endswith(";Spliced=0.2500")


# files


def sam_lines(n: int, seed: int) -> list[str]:
    """Pairs over both contigs, some far apart, with clips, MAPQs and qualities that vary."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(n):
        contig, size = str(rng.choice(["one", "two"])), int(rng.integers(250, 450))
        pos = int(rng.integers(1, 5_000))
        clip = int(rng.choice([0, 0, 0, 8]))
        for flag, at, tlen in ((99, pos, size), (147, pos + size - 60, -size)):
            cigar = f"{clip}S{60 - clip}M" if clip else "60M"
            seq = "".join(rng.choice(list("ACGT"), 60))
            qual = "".join(chr(33 + q) for q in rng.choice([2, 11, 25, 37], 60))
            fields = [
                f"r{k}",
                flag,
                contig,
                at,
                int(rng.choice([1, 20, 42, 42])),
                cigar,
                "=",
                1,
                tlen,
                seq,
                qual,
            ]
            lines.append("\t".join(map(str, fields)) + "\tRG:Z:a")
    return lines


@pytest.fixture
def library_files(write_reads: Callable[..., Path]) -> dict[str, list[Path]]:
    """The same reads in a BAM, a CRAM, and two BAMs that share them by name."""
    lines = sam_lines(400, 3)
    odd = [line for line in lines if int(line.split("\t")[0][1:]) % 2]
    even = [line for line in lines if line not in odd]
    return {
        "bam": [write_reads(lines, "whole.bam")],
        "csi": [write_reads(lines, "indexed.bam", index="csi")],
        "cram": [write_reads(lines, "whole.cram")],
        "two": [write_reads(odd, "odd.bam"), write_reads(even, "even.bam")],
        "mixed": [write_reads(odd, "odd.cram"), write_reads(even, "even2.bam")],
    }


def test_the_same_profile_from_any_files(library_files, reference_path):
    found = {name: profile_of(paths, reference_path, ReadsConfig()) for name, paths in library_files.items()}
    config, windows = found["bam"]
    for name, (other, other_windows) in found.items():
        assert (name, other.library) == (name, config.library)
        assert (name, other_windows) == (name, windows)
    assert config.library.typical_mapq == 42
    assert config.library.qualities == (2, 11, 25, 37)
    assert 0.15 < config.library.clipped_share < 0.35
    assert config.library.n_reads > 500
    # a second profile does not stand on the first
    assert profiled(library_files["two"], reference_path, config) == config


def test_windows_hold_reads_and_do_not_overlap(library_files, reference_path):
    _, windows = profile_of(library_files["bam"], reference_path, ReadsConfig())
    assert windows
    by_contig: dict[str, list[Region]] = {}
    for window in windows:
        by_contig.setdefault(window.contig, []).append(window)
    for own in by_contig.values():
        own.sort(key=lambda r: r.start)
        assert all(a.end <= b.start for a, b in pairwise(own))
    with open_reads(library_files["bam"], reference_path, ReadsConfig()) as source:
        for window in windows:
            assert source.first_start(window) == window.start


def test_reads_in_one_corner_give_all_windows(write_reads, reference_path):
    """A panel or an exome: intervals without reads give their windows to those that have some."""
    lines = [line for line in sam_lines(300, 5) if line.split("\t")[2] == "two"]
    config, windows = profile_of([write_reads(lines)], reference_path, ReadsConfig())
    assert {window.contig for window in windows} == {"two"}
    assert config.library.n_reads > 200


def test_no_reads_at_all(write_reads, reference_path):
    config, windows = profile_of([write_reads([])], reference_path, ReadsConfig())
    assert (config.library, windows) == (UNKNOWN_LIBRARY, [])


def test_reads_without_cigar_bases_or_qualities(write_reads, reference_path):
    plain = [f"a{k}\t0\tone\t{20 + k}\t60\t30M\t*\t0\t0\t{'ACGTA' * 6}\t*" for k in range(5)]
    bare = [f"z{k}\t0\tone\t{30 + k}\t60\t*\t*\t0\t0\t*\t*" for k in range(3)]
    for lines in (plain, bare, plain + bare, [*bare, "y\t0\tone\t10\t60\t30M\t*\t0\t0\t*\t*"]):
        library = profile_of([write_reads(lines)], reference_path, ReadsConfig())[0].library
        assert library.clipped_share == 0.0
        assert library.qualities in ((30,), ())  # the default quality, or no usable read
