"""Mates that overlap count once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads


def fetch_pair(write_reads: Callable[..., Path], reference_path: Path, first: str, second: str):
    path = write_reads([f"p\t99\tone\t{first}", f"p\t147\tone\t{second}"])
    with open_reads([path], reference_path, ReadsConfig(clearly_better_qual=10)) as source:
        return source.fetch(Region("one", 0, 6_000))


@pytest.mark.parametrize(
    ("first", "second", "quals"),
    [
        # agree: the better one keeps its say, the left one on a tie
        ("11\t60\t4M\t*\t0\t0\tACGT\tIIII", "13\t60\t4M\t*\t0\t0\tGTAA\tIIII", [[40] * 4, [0, 0, 40, 40]]),
        ("11\t60\t4M\t*\t0\t0\tACGT\tII55", "13\t60\t4M\t*\t0\t0\tGTAA\tIIII", [[40, 40, 0, 0], [40] * 4]),
        # disagree: clearly better wins, else none
        ("11\t60\t2M\t*\t0\t0\tAC\tII", "11\t60\t2M\t*\t0\t0\tTC\t5I", [[40, 40], [0, 0]]),
        ("11\t60\t2M\t*\t0\t0\tAC\tII", "11\t60\t2M\t*\t0\t0\tTC\tDI", [[0, 40], [0, 0]]),
        # a deletion in one mate: what lies right of it still meets the right bases
        (
            "11\t60\t2M2D2M\t*\t0\t0\tACGT\tIIII",
            "11\t60\t6M\t*\t0\t0\tACTTGT\t555555",
            [[40] * 4, [0, 0, 20, 20, 0, 0]],
        ),
        # inserted and clipped bases meet nothing
        (
            "11\t60\t1S2M1I1M\t*\t0\t0\tTACAG\tIIIII",
            "11\t60\t3M\t*\t0\t0\tACG\t555",
            [[40] * 5, [0, 0, 0]],
        ),
        # no overlap
        ("11\t60\t2M\t*\t0\t0\tAC\tII", "13\t60\t2M\t*\t0\t0\tGT\tII", [[40, 40], [40, 40]]),
    ],
)
def test_overlap_table(
    write_reads: Callable[..., Path], reference_path: Path, first: str, second: str, quals: list[list[int]]
):
    batch = fetch_pair(write_reads, reference_path, first, second)
    assert batch.mate.tolist() == [1, 0]
    by_flag = {
        int(batch.flag[i]): batch.qual[batch.seq_offset[i] : batch.seq_offset[i + 1]].tolist() for i in (0, 1)
    }
    # two mates at one place are ordered by flag, since their hash is one
    assert [by_flag[99], by_flag[147]] == quals


def test_two_first_reads_are_no_mates(write_reads: Callable[..., Path], reference_path: Path):
    body = "one\t11\t60\t2M\t*\t0\t0\tAC\tII"
    path = write_reads([f"p\t99\t{body}", f"p\t99\t{body}", f"single\t0\t{body}", f"single\t0\t{body}"])
    with open_reads([path], reference_path) as source:
        assert source.fetch(Region("one", 0, 100)).mate.tolist() == [-1] * 4
