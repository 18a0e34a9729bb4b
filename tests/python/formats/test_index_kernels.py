"""Kernels of indexes: against the structures that were packed, and bins by their definition."""

import random
import struct

import numpy as np
import pytest
from deepcohort.formats.hts_index_kernels import FIRST_CHUNK, LOFFSET, N_CHUNKS, NUMBER, REF, read_index
from deepcohort.formats.tabix_kernels import MIN_SHIFT, index_lines


def random_offset(rng: random.Random) -> int:
    return rng.randrange(2 ** rng.randint(0, 62))


def random_contigs(rng: random.Random) -> list:
    """Bins (number, loffset, chunks) and linear entries of some contigs."""
    return [
        (
            [
                (
                    rng.randrange(2**32),
                    random_offset(rng),
                    [(random_offset(rng), random_offset(rng)) for _ in range(rng.randint(0, 3))],
                )
                for _ in range(rng.randint(0, 3))
            ],
            [random_offset(rng) for _ in range(rng.randint(0, 3))],
        )
        for _ in range(rng.randint(0, 3))
    ]


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


@pytest.mark.parametrize("is_csi", [False, True])
def test_an_index_is_read_as_it_was_packed(is_csi):
    rng = random.Random(1)
    for _ in range(60):
        contigs, before = random_contigs(rng), rng.randbytes(rng.randint(0, 5))
        raw = bytes_array(before + packed(contigs, is_csi) + b"more")
        bins, bin_starts, chunks, linear, linear_starts, end = read_index(
            raw, len(before), len(contigs), is_csi
        )
        assert end == len(raw) - 4
        for k, (want_bins, want_linear) in enumerate(contigs):
            found = []
            for row in bins[bin_starts[k] : bin_starts[k + 1]].tolist():
                assert row[REF] == k
                own = chunks[row[FIRST_CHUNK] :][: row[N_CHUNKS]].tolist()
                found.append((row[NUMBER], row[LOFFSET], [tuple(chunk) for chunk in own]))
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


def test_lines_are_binned_and_windowed_as_the_specification_says():
    rng = random.Random(2)
    for _ in range(100):
        depth, n_windows = rng.randint(5, 7), rng.randint(1, 60)
        spans = sorted(
            (rng.randrange(1 << rng.randint(1, 19)), rng.randrange(1 << rng.randint(0, 18)))
            for _ in range(12)
        )
        spans = [(start, start + length) for start, length in spans]
        lines = np.array([(a, b, 100 + 7 * i) for i, (a, b) in enumerate(spans)], np.int64)
        runs, linear = np.zeros((12, 3), np.int64), np.full(n_windows, -1, np.int64)
        linear[0] = 3  # from lines before these
        n = index_lines(lines, 100 + 7 * 12, depth, runs, linear)

        want_runs: list[list[int]] = []
        want_linear = [3] + [-1] * (n_windows - 1)
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
