"""Kernels of indexes: against the structures that were packed, and bins by their definition."""

import struct

import numpy as np
import pytest
from deepcohort.formats.hts_index_kernels import FIRST_CHUNK, LOFFSET, N_CHUNKS, NUMBER, REF, read_index
from deepcohort.formats.tabix_kernels import MIN_SHIFT, index_lines
from hypothesis import given, settings
from hypothesis import strategies as st

OFFSET = st.integers(0, 2**62)
CHUNKS = st.lists(st.tuples(OFFSET, OFFSET), max_size=3)
BIN = st.tuples(st.integers(0, 2**32 - 1), OFFSET, CHUNKS)
CONTIGS = st.lists(st.tuples(st.lists(BIN, max_size=3), st.lists(OFFSET, max_size=3)), max_size=3)


def packed(contigs: list, is_csi: bool) -> bytes:
    """The contigs as the body of a BAI or TBI, or of a CSI, holds them."""
    text = b""
    for bins, linear in contigs:
        text += struct.pack("<i", len(bins))
        for number, loffset, chunks in bins:
            text += struct.pack("<IQ" if is_csi else "<I", *((number, loffset) if is_csi else (number,)))
            text += struct.pack("<i", len(chunks)) + b"".join(struct.pack("<QQ", *chunk) for chunk in chunks)
        if not is_csi:
            text += struct.pack("<i", len(linear)) + b"".join(struct.pack("<Q", at) for at in linear)
    return text


def bytes_array(text: bytes) -> np.ndarray:
    return np.frombuffer(text, np.uint8)


@settings(max_examples=40, deadline=None)
@given(CONTIGS, st.booleans(), st.binary(max_size=5))
def test_an_index_is_read_as_it_was_packed(contigs, is_csi, before):
    raw = bytes_array(before + packed(contigs, is_csi) + b"more")
    bins, bin_starts, chunks, linear, linear_starts, end = read_index(raw, len(before), len(contigs), is_csi)
    assert end == len(raw) - 4
    for k, (want_bins, want_linear) in enumerate(contigs):
        rows = bins[bin_starts[k] : bin_starts[k + 1]].tolist()
        found = [
            (row[NUMBER], row[LOFFSET], [*map(tuple, chunks[row[FIRST_CHUNK] :][: row[N_CHUNKS]].tolist())])
            for row in rows
        ]
        assert all(row[REF] == k for row in rows)
        assert found == [(n, off if is_csi else 0, c) for n, off, c in want_bins]
        assert linear[linear_starts[k] : linear_starts[k + 1]].tolist() == ([] if is_csi else want_linear)


@pytest.mark.parametrize("is_csi", [False, True])
def test_an_index_cut_anywhere_is_known_as_such(is_csi):
    text = packed([([(4681, 7, [(1, 2), (3, 4)]), (9, 8, [])], [5, 6]), ([], [])], is_csi)
    assert read_index(bytes_array(text), 0, 2, is_csi)[-1] == len(text)
    assert {read_index(bytes_array(text[:n]), 0, 2, is_csi)[-1] for n in range(len(text))} == {-1}
    negative = struct.pack("<i", -1) + text[4:]
    assert read_index(bytes_array(negative), 0, 2, is_csi)[-1] == -1


def smallest_bin(start: int, end: int, depth: int) -> int:
    """Number of the smallest bin that holds start:end: bins are numbered level by level, widest first."""
    found, number = -1, 0
    for level in range(depth + 1):
        width = 1 << (MIN_SHIFT + 3 * (depth - level))
        if start // width == (end - 1) // width:
            found = number + start // width
        number += 8**level
    return found


LINES = st.lists(st.tuples(st.integers(0, 1 << 19), st.integers(0, 1 << 18)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(LINES, st.integers(5, 7), st.integers(1, 60))
def test_lines_are_binned_and_windowed_as_the_specification_says(spans, depth, n_windows):
    spans = sorted((start, start + length) for start, length in spans)
    lines = np.array([(a, b, 100 + 7 * i) for i, (a, b) in enumerate(spans)], np.int64)
    stop = 100 + 7 * len(spans)
    runs, linear = np.zeros((len(lines), 3), np.int64), np.full(n_windows, -1, np.int64)
    linear[0] = 3  # from lines before these
    n = index_lines(lines, stop, depth, runs, linear)

    want_runs, want_linear = [], [3] + [-1] * (n_windows - 1)
    for i, (start, end) in enumerate(spans):
        end = max(end, start + 1)  # a line of no bases is indexed as one base
        number, first, last = smallest_bin(start, end, depth), 100 + 7 * i, 107 + 7 * i
        if want_runs and want_runs[-1][0] == number:
            want_runs[-1][2] = last
        else:
            want_runs.append([number, first, last])
        for w in range(n_windows):
            if want_linear[w] < 0 and start < (w + 1) << MIN_SHIFT and end > w << MIN_SHIFT:
                want_linear[w] = first
    assert runs[:n].tolist() == want_runs
    assert linear.tolist() == want_linear
