"""Lines cut into columns eight bytes at a time are those that Python's split gives."""

import numpy as np
from deepcohort.joint.line_kernels import count_bytes, cut_line, last_word
from hypothesis import given, settings
from hypothesis import strategies as st

PIECES = st.lists(st.sampled_from([b"\t", b"\n", b",", b"A", b"\r", b"\x80\x9f", b"0/1:99", b"END=12345"]))


def lines_of(text: bytes) -> list[tuple[int, int, list[int]]]:
    """Number of TABs, end and first nine TABs of each line, as the kernel tells them."""
    data = np.frombuffer(text, np.uint8)
    words, rest = np.frombuffer(text, np.uint64, count=len(text) // 8), np.uint64(last_word(data))
    found, at = [], 0
    while at < len(text):
        tabs = np.full(9, -1, np.int64)
        n, end = cut_line(data, words, rest, at, tabs)
        found.append((int(n), int(end), [t for t in tabs.tolist() if t >= 0]))
        at = end + 1
    return found


def expected(text: bytes) -> list[tuple[int, int, list[int]]]:
    found, at = [], 0
    while at < len(text):
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        tabs = [i for i in range(at, end) if text[i] == 9]
        found.append((len(tabs), end, tabs[:9]))
        at = end + 1
    return found


@settings(deadline=None)
@given(PIECES)
def test_lines_are_cut_where_their_tabs_are(pieces):
    text = b"".join(pieces)
    assert lines_of(text) == expected(text)
    assert count_bytes(np.frombuffer(text, np.uint8)) == (text.count(b"\n"), text.count(b","))


@settings(deadline=None)
@given(st.integers(0, 255), st.integers(0, 20), st.integers(0, 20))
def test_every_byte_that_no_vcf_holds_is_found_wherever_it_lies(byte, before, behind):
    text = b"A" * before + bytes([byte]) + b"A" * behind + b"\n"
    is_bad = (byte < 32 and byte not in b"\t\n\r") or byte == 127
    n, at, _ = lines_of(text)[0]
    assert (n == -1) == is_bad
    assert at == (before if is_bad or byte == 10 else before + 1 + behind)
