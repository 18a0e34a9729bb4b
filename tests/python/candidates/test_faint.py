"""SNPs shown by one read, against a slow oracle."""

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from read_builders import make_batch, random_text

GENOME = random_text(21, 600)
CONFIG = CandidatesConfig()
SITE = 250


def found(qual: int, n_ref: int, start: int = 200, mapq: int = 60, config: CandidatesConfig = CONFIG) -> int:
    base = {"A": "C", "C": "A", "G": "T", "T": "G"}[GENOME[SITE]]
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


def naive_log10(qual: int, n_ref: int) -> float:
    """log10 of the better of P(reads | 0/1) and P(reads | 1/1), over P(reads | 0/0)."""

    def ratio(q: int) -> float:
        error = 10.0 ** (-q / 10)
        return float(np.log10((1 - error) / (error / 3)))

    ratios = [ratio(qual)] + [-ratio(40)] * n_ref
    het = sum(np.log10((1 + 10.0**r) / 2) for r in ratios)
    return max(het, sum(ratios))


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
