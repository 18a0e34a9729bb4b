"""Other spellings of a record's alignment."""

import pysam


def eqx(record: pysam.AlignedSegment) -> list[tuple[int, int]]:
    """CIGAR with = and X for M, from the MD tag."""
    out: list[list[int]] = []
    pairs = iter(record.get_aligned_pairs(with_seq=True))
    for op, length in record.cigartuples:
        for _ in range(length):
            code = op
            if op not in (5, 6):
                query, _, base = next(pairs)
                if op == 0:
                    code = 7 if base.upper() == record.query_sequence[query] else 8
            if out and out[-1][0] == code:
                out[-1][1] += 1
            else:
                out.append([code, 1])
    return [(op, length) for op, length in out]


def harden(record: pysam.AlignedSegment) -> None:
    """Turn soft clips into hard ones: the clipped bases are gone."""
    operations = record.cigartuples
    left = operations[0][1] if operations[0][0] == 4 else 0
    right = operations[-1][1] if operations[-1][0] == 4 else 0
    qualities = record.query_qualities
    end = len(record.query_sequence) - right
    record.query_sequence = record.query_sequence[left:end]
    record.query_qualities = qualities[left:end] if qualities is not None else None
    record.cigartuples = [(5 if op == 4 else op, length) for op, length in operations]
