"""Reads near stretches of interest: all that reach them come, as they come without."""

import numpy as np
import pytest
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.region import Region
from deepcohort.reads.load import open_reads
from deepcohort.reads.scan import Near


def test_stretches_are_joined():
    near = Near.of(np.array([50, 10, 20, 70]), np.array([60, 20, 25, 71]))
    assert near.starts.tolist() == [10, 50, 70]
    assert near.ends.tolist() == [25, 60, 71]
    within = Near.of(np.array([0, 5, 30]), np.array([40, 8, 35]))
    assert (within.starts.tolist(), within.ends.tolist()) == ([0], [40])
    assert len(Near.of(np.empty(0, np.int64), np.empty(0, np.int64)).starts) == 0


@pytest.mark.parametrize("places", [[], [2_000], [300, 2_001, 2_200, 5_000]])
def test_the_reads_that_reach_them_come(tmp_path, places):
    reference, bams, _ = write_warm_inputs(tmp_path)
    starts = np.array(places, np.int64)
    near, region = Near.of(starts, starts + 1), Region(CONTIG, 100, LENGTH_BP - 100)
    with open_reads([bams[0]], reference) as source:
        every, some = source.fetch(region), source.fetch(region, near)
    first = every.cigar_offset[:-1]
    clipped = np.where(every.cigar_op[first] == 4, every.cigar_len[first], 0)
    reached = np.zeros(len(every), np.bool_)
    for place in places:
        reached |= (every.pos - clipped <= place) & (every.end > place)
    assert some.name_hash.tolist() == every.name_hash[reached].tolist()
    assert some.pos.tolist() == every.pos[reached].tolist()
    assert reached.sum() >= 5 * len(places)
    # what is said of their bases at these places is the same: the mate that has the say is there too
    for place in places:
        assert _qualities(some, place) == _qualities(every, place)


def _qualities(reads, place):
    """Quality of each unclipped read at a place, by name and flag."""
    found = {}
    for i in range(len(reads)):
        first, last = reads.cigar_offset[i], reads.cigar_offset[i + 1]
        if last - first == 1 and reads.pos[i] <= place < reads.end[i]:
            at = reads.seq_offset[i] + place - reads.pos[i]
            found[int(reads.name_hash[i]), int(reads.flag[i])] = int(reads.qual[at])
    return found
