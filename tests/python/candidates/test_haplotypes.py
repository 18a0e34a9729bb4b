"""Haplotypes worth trying: put together from reads that span parts of a window, each spelled once."""

import numpy as np
import pytest
from deepcohort.candidates.realign.haplotype_kernels import (
    MAX_CHAINS,
    MAX_HAPLOTYPES,
    chain_masks,
    collect_masks,
    covered_alleles,
)
from deepcohort.candidates.realign.window_kernels import spelled_before
from numpy.typing import NDArray

N_ALLELES = 9
EVERYTHING = (1 << N_ALLELES) - 1


def partial_reads(
    haplotypes: tuple[int, int], reach: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(masks, covered) of 60 reads of two haplotypes, each across `reach` neighbouring alleles."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, N_ALLELES - reach + 1, 60)
    covered = ((1 << reach) - 1) << first
    source = np.array(haplotypes)[rng.integers(0, 2, 60)]
    return (source & covered).astype(np.int64), covered.astype(np.int64)


def chained(masks: NDArray[np.int64], covered: NDArray[np.int64]) -> list[int]:
    out = np.zeros(MAX_CHAINS, np.int64)
    return [int(m) for m in out[: chain_masks(masks, covered, len(masks), N_ALLELES, out)]]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("reach", [3, 5])
def test_homozygous_alleles_of_partial_reads_are_one_haplotype(reach: int, seed: int) -> None:
    truth = 0b101101101
    assert chained(*partial_reads((truth, truth), reach, seed)) == [truth]


@pytest.mark.parametrize("seed", range(5))
def test_two_haplotypes_that_differ_within_reach_are_both_found(seed: int) -> None:
    one, other = 0b101101101, 0b110011011  # differ within any two neighbours but one
    found = chained(*partial_reads((one, other), 4, seed))
    assert {one, other} <= set(found)


def test_a_single_deviating_read_makes_no_haplotype() -> None:
    masks, covered = partial_reads((0b111111111, 0b111111111), 4, 3)
    masks[7] = 0
    assert chained(masks, covered) == [0b111111111]


def test_neighbours_that_no_read_links_take_the_usual_state() -> None:
    masks = np.array([0b011] * 4 + [0b110000000] * 4, np.int64)
    covered = np.array([0b000001111] * 4 + [0b111110000] * 4, np.int64)
    assert chained(masks, covered) == [0b110000011]


def test_chains_follow_what_reads_show_whole() -> None:
    masks = np.array([0b1] * 3 + [0b10] * 2, np.int64)
    covered = np.full(5, 0b111, np.int64)
    out = np.zeros(MAX_HAPLOTYPES, np.int64)
    chains = np.array([0b11, 0b1, 0, 0, 0, 0], np.int64)
    m = collect_masks(masks, covered, chains[:2], 0b100, 3, out)  # two SNPs and a deletion
    assert list(out[:m]) == [0, 0b1, 0b10, 0b11, 0b100]


def test_covered_alleles_lie_within_the_read() -> None:
    pos, ref_len = np.array([10, 15, 20]), np.array([1, 4, 1])
    assert covered_alleles(10, 20, 0, 3, pos, ref_len) == 0b011
    assert covered_alleles(11, 19, 0, 3, pos, ref_len) == 0  # the deletion reaches to the read's end
    assert covered_alleles(11, 22, 0, 3, pos, ref_len) == 0b110


def test_a_haplotype_spelled_twice_is_known() -> None:
    haplotypes = np.zeros((3, 8), np.uint8)
    haplotypes[0, :6] = haplotypes[2, :6] = [0, 1, 2, 3, 0, 1]
    haplotypes[1, :6] = [0, 1, 2, 3, 0, 2]
    sizes = np.array([6, 6, 6])
    assert spelled_before(haplotypes, sizes, 2) == 0
    assert spelled_before(haplotypes, sizes, 1) == -1
    assert spelled_before(haplotypes, np.array([5, 6, 6]), 2) == -1
