"""SNPs shown by one read, against a slow oracle."""

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.substitution_kernels import RATES_LOG10
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from read_builders import make_batch, random_text

GENOME = random_text(21, 600)
CONFIG = CandidatesConfig()
SITE = 250


ALT = {"A": "C", "C": "A", "G": "T", "T": "G"}[GENOME[SITE]]
assert "CG" not in GENOME[SITE - 1 : SITE + 2]


def found(qual: int, n_ref: int, start: int = 200, mapq: int = 60, config: CandidatesConfig = CONFIG) -> int:
    base = ALT
    at = SITE - start
    read = GENOME[start:SITE] + base + GENOME[SITE + 1 : start + 100]
    quals = [40] * 100
    quals[at] = qual
    reads = [(start, "100M", read, quals, mapq)]
    reads += [(200, "100M", GENOME[200:300], [40] * 100, 60)] * n_ref
    window = Region("one", 0, len(GENOME))
    evidence = find_candidates(make_batch(reads), encode_bases(GENOME), window, window, config)
    table = evidence.table
    assert len(evidence.support.offset) == len(table) + 1
    assert len(evidence.support.read) == evidence.support.offset[-1] == (n_ref + 1) * len(table)
    return len(table)


def naive_log10(qual: int, n_ref: int, rate_log10: float = RATES_LOG10[2][1]) -> float:
    """log10 of the better of P(reads | 0/1) and P(reads | 1/1), over P(reads | 0/0), and nature's relative rate."""

    def ratio(q: int) -> float:
        error = 10.0 ** (-q / 10)
        return float(np.log10((1 - error) / (error / 3)))

    ratios = [ratio(qual)] + [-ratio(40)] * n_ref
    het = sum(np.log10((1 + 10.0**r) / 2) for r in ratios)
    return max(het, sum(ratios)) + rate_log10


@pytest.mark.parametrize("n_ref", range(6))
@pytest.mark.parametrize("qual", [10, 15, 20, 25, 28, 30, 33, 37, 41])
def test_one_read_makes_a_candidate_where_its_likelihood_could_win(qual: int, n_ref: int):
    wanted = n_ref + 1 <= CONFIG.single_max_depth and naive_log10(qual, n_ref) >= CONFIG.single_min_log10
    assert found(qual, n_ref) == wanted


@pytest.mark.parametrize(("start", "wanted"), [(245, 1), (246, 0), (156, 1), (155, 0), (154, 0)])
def test_not_at_the_end_of_the_read(start: int, wanted: int):
    # of 100 aligned bp, those before the site and those after it
    assert (min(SITE - start, start + 99 - SITE) >= CONFIG.single_end_bp) == bool(wanted)
    assert found(40, 0, start=start) == wanted


def test_a_doubtful_mapping_and_depth_0_switch_it_off():
    assert found(40, 1, mapq=60) == 1
    assert found(40, 1, mapq=20) == 0
    assert found(40, 0, config=CandidatesConfig(single_max_depth=0)) == 0


def cpg_genome() -> str:
    return GENOME[:SITE] + "CG" + GENOME[SITE + 2 :]


@pytest.mark.parametrize(
    ("base", "n_ref", "wanted"),
    [
        ("T", 6, 1),  # depth 7: a CpG that loses its C
        ("T", 7, 0),
        ("A", 4, 0),  # no transition: depth 5 is too deep
    ],
)
def test_a_cpg_may_lose_its_c_at_greater_depth(base: str, n_ref: int, wanted: int):
    genome = cpg_genome()
    read = genome[200:SITE] + base + genome[SITE + 1 : 300]
    reads = [(200, "100M", read)] + [(200, "100M", genome[200:300])] * n_ref
    window = Region("one", 0, len(genome))
    assert len(find_candidates(make_batch(reads), encode_bases(genome), window, window).table) == wanted


@pytest.mark.parametrize(
    ("other_haplotype", "same_haplotype", "wanted"),
    [(9, 0, 1), (8, 1, 0)],  # of 9 REF reads, those that carry the other allele of the SNP beside
)
def test_reads_of_the_other_haplotype_do_not_speak_against_one_read(
    other_haplotype: int, same_haplotype: int, wanted: int
):
    marker = SITE + 20
    far = "A" if GENOME[marker] != "A" else "C"

    def read(at_site: str, at_marker: str) -> str:
        return GENOME[200:SITE] + at_site + GENOME[SITE + 1 : marker] + at_marker + GENOME[marker + 1 : 300]

    reads = [(200, "100M", read(ALT, far))]
    reads += [(200, "100M", read(GENOME[SITE], far))] * same_haplotype
    reads += [(200, "100M", read(GENOME[SITE], GENOME[marker]))] * other_haplotype
    # the marker is seen elsewhere too, so that it is surely heterozygous
    reads += [(marker - 10, "40M", GENOME[marker - 10 : marker] + far + GENOME[marker + 1 : marker + 30])] * 3
    window = Region("one", 0, len(GENOME))
    table = find_candidates(make_batch(reads), encode_bases(GENOME), window, window).table
    assert marker in table.pos
    assert (SITE in table.pos) == bool(wanted)
