"""CIGARs put together operation by operation, held against their columns."""

import itertools
import random

import numpy as np
from deepcohort.reads.cigar_kernels import push_operation


def test_operations_are_those_of_the_columns():
    rng = random.Random(1)
    for _ in range(100):
        given = [(rng.choice((0, 1, 2, 4)), rng.randint(0, 3)) for _ in range(rng.randint(0, 9))]
        op, length, n = np.zeros(9, np.uint8), np.zeros(9, np.int32), 0
        for kind, bp in given:
            n = push_operation(op, length, n, kind, bp)
        columns = [kind for kind, bp in given for _ in range(bp)]
        wanted = [(kind, len(list(group))) for kind, group in itertools.groupby(columns)]
        assert list(zip(op[:n].tolist(), length[:n].tolist(), strict=True)) == wanted
