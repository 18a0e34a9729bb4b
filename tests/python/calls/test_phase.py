"""Phase of a SNP and an indel on one anchor."""

import numpy as np
from calls_builders import make_table
from deepcohort.calls.phase import same_site_phase
from deepcohort.candidates.types import ReadSupport


def test_pairs_and_reads():
    table = make_table([(4, "A", "C"), (4, "A", "G"), (4, "ACG", "A"), (9, "C", "T")])
    # rows: 0 A>C, 1 A>G, 2 deletion, 3 elsewhere
    entries = [
        [(0, 1), (1, 1), (2, 0), (5, 1)],
        [(0, 2), (1, 2), (2, 0), (5, 0)],
        [(0, 1), (2, 1), (3, 1), (5, 0)],
        [(0, 1)],
    ]
    flat = [entry for one in entries for entry in one]
    support = ReadSupport(
        offset=np.array([0, 4, 8, 12, 13], dtype=np.int64),
        read=np.array([e[0] for e in flat], dtype=np.int32),
        allele=np.array([e[1] for e in flat], dtype=np.int8),
        log10_ratio=np.zeros(13, np.float32),
        read_index=np.zeros(13, np.int32),
    )
    pairs, reads = same_site_phase(table, support, np.arange(4))
    assert pairs.tolist() == [[0, 2], [1, 2]]
    # C: read 0 shows both; 2 and 5 show one and REF. G: read 2 shows the deletion and REF
    assert reads.tolist() == [[1, 2], [0, 1]]
    pairs, reads = same_site_phase(table, support, np.array([1, 2, 3]))
    assert pairs.tolist() == [[0, 1]]
    assert len(same_site_phase(table, support, np.array([3]))[0]) == 0
