"""What reads show of runs of equal bases, against plain Python that walks each alignment base by base."""

import re

import numpy as np
import pytest
from deepcohort.reads.run_kernels import find_runs, run_passages
from hypothesis import given, settings
from hypothesis import strategies as st

OPS = "MIDNSHP=X"


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=80).map(lambda codes: np.array(codes, np.uint8)))
def test_runs_are_those_that_a_pattern_finds(codes):
    text = "".join("ACGTN"[code] for code in codes)
    expected = [m.span() for m in re.finditer(r"A{3,}|C{3,}|G{3,}|T{3,}", text)]
    assert find_runs(codes, 3).tolist() == [list(span) for span in expected]


def change_of_run(pos, cigar, run, flank):
    """None where the read does not pass, or its change in bp."""
    aligned, at, net = [], pos, 0
    for n, op in cigar:
        if op == "I" and run[0] <= at <= run[1]:
            net += n
        if op in "MDN=X":
            aligned += range(at, at + n)
            net -= n if op == "D" and any(run[0] <= p < run[1] for p in range(at, at + n)) else 0
            at += n
    if not aligned or aligned[0] + flank > run[0] or aligned[-1] + 1 - flank < run[1]:
        return None
    return net


cigars = st.lists(st.tuples(st.integers(1, 3), st.sampled_from("ID")), max_size=4).map(
    lambda indels: [(6, "S"), (9, "M"), *(x for n, op in indels for x in ((n, op), (7, "M")))]
)


@settings(deadline=None)  # the first compiles
@given(st.lists(st.tuples(st.integers(0, 60), cigars, st.booleans()), min_size=1, max_size=6))
def test_passages_and_changes(reads):
    reads.sort(key=lambda read: read[0])
    runs = np.array([[20, 26], [30, 36], [60, 70]], np.int64)
    ends = [pos + sum(n for n, op in cigar if op in "MD") for pos, cigar, _ in reads]
    flat = [(OPS.index(op), n) for _, cigar, _ in reads for n, op in cigar]
    counts = run_passages(
        runs,
        np.array([pos for pos, _, _ in reads], np.int64),
        np.array(ends, np.int64),
        np.array([use for _, _, use in reads], np.bool_),
        np.array([op for op, _ in flat], np.uint8),
        np.array([n for _, n in flat], np.int32),
        np.cumsum([0, *(len(cigar) for _, cigar, _ in reads)]).astype(np.int64),
        2,
    )
    for run, (passed, changed) in zip(runs.tolist(), counts.tolist(), strict=True):
        shown = [change_of_run(pos, cigar, run, 2) for pos, cigar, use in reads if use]
        near = [abs(change) for change in shown if change is not None and abs(change) <= 1]
        assert (passed, changed) == (len(near), sum(near))


def net(cigar, run=(20, 26)):
    ops = [(OPS.index(op), int(n)) for n, op in re.findall(r"(\d+)(.)", cigar)]
    end = 10 + sum(n for op, n in ops if op in (0, 2))
    return run_passages(
        np.array([run], np.int64), np.array([10]), np.array([end]), np.array([True]),
        np.array([op for op, _ in ops], np.uint8), np.array([n for _, n in ops], np.int32), np.array([0, len(ops)]), 5,
    )[0].tolist()  # fmt: skip


@pytest.mark.parametrize(
    ("cigar", "expected"),
    [
        ("40M", [1, 0]),
        ("10M1D30M", [1, 1]),  # at the run's first base
        ("10M1I30M", [1, 1]),
        ("16M1I30M", [1, 1]),  # at its end, as some aligners have it
        ("9M1D30M", [1, 0]),  # before it
        ("10M2D30M", [0, 0]),
        ("10M1D2M1I30M", [1, 0]),
        ("12M", [0, 0]),  # ends in it
    ],
)
def test_changes_by_hand(cigar, expected):
    assert net(cigar) == expected
