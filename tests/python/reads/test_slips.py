"""What qualities say of the lengths of runs, against plain Python that walks each alignment base by base."""

import numpy as np
from deepcohort.candidates.repeat_stutter import SLIPS, by_quality
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.profile import profiled
from deepcohort.reads.slip_kernels import Spelled, tally_slips
from hypothesis import given, settings
from hypothesis import strategies as st

OPS = "MIDNSHP=X"
REFERENCE = np.array([int(c) for c in "0122201113302222210003211100230"], np.uint8)
START = 100
RUNS = (
    np.array([(m, n) for m, n in ((2, 5), (6, 9), (9, 11), (12, 17), (19, 22), (24, 27))], np.int64) + START
)


def expected(reads, flank):
    """Counts by phred: a dictionary of (passed, changed)."""
    found = {}
    for pos, cigar, seq, qual, use in reads:
        aligned, at, query = {}, pos, 0
        for n, op in cigar:
            if op == "M":
                aligned |= {at + i: query + i for i in range(n)}
            at += n if op in "MD" else 0
            query += n if op in "MIS" else 0
        for first, stop in RUNS.tolist():
            if not use or first < pos + flank or stop + flank > at:
                continue
            before, behind = aligned.get(first - 1), aligned.get(stop)
            if before is None or behind is None:
                continue
            if seq[before] != REFERENCE[first - 1 - START] or seq[behind] != REFERENCE[stop - START]:
                continue
            change = abs(behind - before - 1 - (stop - first))
            if change <= 1:
                least = min(qual[before : behind + 1])
                passed, changed = found.get(least, (0, 0))
                found[least] = passed + 1, changed + change
    return found


@st.composite
def one_read(draw):
    """An alignment of a few operations and its bases, most of them the reference's."""
    pos = START + draw(st.integers(0, 8))
    cigar = [(draw(st.integers(1, 3)), "S"), (draw(st.integers(2, 6)), "M")]
    for op in draw(st.lists(st.sampled_from("ID"), max_size=3)):
        cigar += [(draw(st.integers(1, 2)), op), (draw(st.integers(1, 6)), "M")]
    seq, at = [], pos
    for n, op in cigar:
        if op == "M":
            seq += [int(x) for x in REFERENCE[at - START : at - START + n]]
        elif op != "D":
            seq += draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
        at += n if op in "MD" else 0
    if draw(st.booleans()):
        seq[draw(st.integers(0, len(seq) - 1))] = draw(st.integers(0, 4))
    qual = draw(st.lists(st.integers(0, 40), min_size=len(seq), max_size=len(seq)))
    return pos, cigar, seq, qual, draw(st.booleans())


@settings(deadline=None)  # the first compiles
@given(st.lists(one_read(), min_size=1, max_size=6))
def test_tallies_are_those_of_a_walk(reads):
    ends = [pos + sum(n for n, op in cigar if op in "MD") for pos, cigar, *_ in reads]
    reads = [read for read, end in zip(reads, ends, strict=True) if end <= START + len(REFERENCE)]
    ends = [end for end in ends if end <= START + len(REFERENCE)]
    flat = [(OPS.index(op), n) for _, cigar, *_ in reads for n, op in cigar]
    columns = Spelled(
        np.array([pos for pos, *_ in reads], np.int64),
        np.array(ends, np.int64),
        np.array([use for *_, use in reads], np.bool_),
        np.array([x for _, _, seq, _, _ in reads for x in seq], np.uint8),
        np.array([x for _, _, _, qual, _ in reads for x in qual], np.uint8),
        np.cumsum([0, *(len(seq) for _, _, seq, _, _ in reads)]).astype(np.int64),
        np.array([op for op, _ in flat], np.uint8),
        np.array([n for _, n in flat], np.int32),
        np.cumsum([0, *(len(cigar) for _, cigar, *_ in reads)]).astype(np.int64),
    )
    counts = tally_slips(RUNS, REFERENCE, START, columns, 1)
    told = {int(q): (int(counts[q, 0]), int(counts[q, 1])) for q in np.flatnonzero(counts[:, 0])}
    assert told == expected(reads, 1)


def test_usual_libraries_are_judged_as_before(shared_data):
    """Illumina's qualities fall where lengths change, too, but lengths change a tenth as often or less."""
    for folder, names, fasta in (
        ("na12878_hiseq_35x", [f"NA12878.chr3.slice{k}.bam" for k in range(3)], "hg19.chr3.fa.gz"),
        ("hg002_illumina_30x", ["HG002.bam"], "b37.20.fa.gz"),
    ):
        reads = [shared_data / folder / name for name in names]
        library = profiled(reads, shared_data / folder / fasta, ReadsConfig()).library
        passed = sum(passed for _, passed, _ in library.slips)
        assert passed > 100_000
        assert sum(changed for _, _, changed in library.slips) < 0.001 * passed
        assert by_quality(SLIPS["illumina"], library.slips) is None
