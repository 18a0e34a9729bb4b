"""Insertions that a wrong base makes of another one, against plain Python."""

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.kernels import misread_insertions
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st
from read_builders import make_batch, random_text

GENOME = random_text(12, 400)
SITE = 200


def by_hand(rows):
    """Rows are (pos, length, fragments, inserted bases as moved)."""
    found = []
    for pos, length, fragments, text in rows:
        wrong = [
            sum(a != b for a, b in zip(text, other, strict=True))
            for p, n, f, other in rows
            if p == pos and n == length > 0 and f >= 3 * fragments
        ]
        found.append(any(n <= max(1, length // 10) for n in wrong))
    return found


insertion = st.tuples(
    st.integers(0, 1),
    st.sampled_from([-2, 1, 2, 3]),
    st.integers(1, 9),
    st.text("ACGT", min_size=3, max_size=3),
)


@settings(deadline=None)
@given(st.lists(insertion, max_size=10), st.integers(0, 2))
def test_misread_ones_are_those_of_plain_python(drawn, moved):
    rows = sorted((p, n, f, text[: max(n, 0)]) for p, n, f, text in drawn)
    # bases lie in the reads as they were before they were moved to the left
    shifted = [text[moved % len(text) :] + text[: moved % len(text)] if text else "" for *_, text in rows]
    source = np.cumsum([0] + [len(text) for text in shifted])[:-1]
    pos, length, fragments = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    seq = encode_bases("".join(shifted) + "A")
    found = misread_insertions(
        pos, length, fragments.astype(np.int32), source.astype(np.int64), np.full(len(rows), moved), seq
    )
    assert found.tolist() == by_hand(rows)


@pytest.mark.parametrize(("n_other", "n_alleles"), [(1, 1), (2, 2)])
def test_a_read_with_a_wrong_inserted_base_shows_the_insertion(n_other: int, n_alleles: int):
    reads = []
    for k in range(3 + n_other):
        inserted = "GATCA" if k < 3 else "GATTA"
        start = 120 + 5 * k
        text = GENOME[start : SITE + 1] + inserted + GENOME[SITE + 1 : start + 100]
        reads.append((start, f"{SITE + 1 - start}M5I{start + 99 - SITE}M", text, [30] * len(text)))
    window = Region("c", 0, 400)
    table = find_candidates(make_batch(reads), encode_bases(GENOME), window, window, CandidatesConfig()).table
    assert len(table) == n_alleles
    assert table.ad[0].tolist() == [0, 4] if n_alleles == 1 else [0, 3]
