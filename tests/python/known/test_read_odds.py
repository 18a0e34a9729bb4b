"""What reads say of given alleles, summed read by read in plain Python."""

import math
import random
from itertools import chain

import numpy as np
from deepcohort.known.kernels import read_odds


def test_odds_are_the_sum_of_what_each_read_says():
    rng = random.Random(2)
    counts = [0, 3, 9, 1]
    reads = [[rng.randrange(5) for _ in range(n)] for n in counts]
    alleles = [[rng.choice([-1, 0, 1, 2]) for _ in range(n)] for n in counts]
    ratios = [[np.float32(rng.uniform(-8, 8)) for _ in range(n)] for n in counts]
    mapq = np.array([60, 60, 20, 3, 0], np.uint8)
    rows, most = [2, 0, 1, 3, 2], [9.0, 9.0, 1.5, 9.0, 0.5]
    odds = read_odds(
        np.array(rows, np.int64), np.cumsum([0, *counts]).astype(np.int64),
        np.array(list(chain(*reads)), np.int32), np.array(list(chain(*alleles)), np.int8),
        np.array(list(chain(*ratios)), np.float32), mapq, np.array(most),
    )  # fmt: skip
    for i, row in enumerate(rows):
        one = two = 0.0
        for read, allele, ratio in zip(reads[row], alleles[row], ratios[row], strict=True):
            if allele < 0:
                continue
            bound = min(5.0, mapq[read] / 10 + 0.3, most[i])  # no surer than its place, nor than `most`
            x = max(-bound, min(bound, float(ratio)))
            one += math.log10((1 + 10**x) / 2)  # of one copy, half the reads show it
            two += x
        np.testing.assert_allclose(odds[i], (one, two), rtol=1e-9)
