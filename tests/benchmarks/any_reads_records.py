"""Other spellings of a record's alignment, and bases that a chemistry changes."""

import zlib

import pysam

METHYLATED_SITES, METHYLATED, UNMETHYLATED = (
    0.75,
    0.9,
    0.03,
)  # of CpGs; of the molecules at such a CpG, at others


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


def spell_equal(record: pysam.AlignedSegment) -> None:
    """Write bases that are the reference's as `=`, as samtools calmd -e does."""
    bases = list(record.query_sequence)
    for query, place, base in record.get_aligned_pairs(with_seq=True):
        if query is not None and place is not None and base.isupper():
            bases[query] = "="
    qualities = record.query_qualities
    record.query_sequence = "".join(bases)
    record.query_qualities = qualities


def convert(record: pysam.AlignedSegment, methylated: bool) -> None:
    """Turn C into T where a fragment shows the forward strand, G into A where it shows the other.

    Of `methylated` libraries those of CpGs that are methylated, of others (bisulfite) all that are not. The
    alignment stays, as aligners for such reads leave it.
    """
    forward = record.is_reverse == record.is_read2
    base, changed, step, beside = ("C", "T", 1, "G") if forward else ("G", "A", -1, "C")
    bases, contig = list(record.query_sequence), record.reference_name
    place_of = dict(record.get_aligned_pairs(matches_only=True))
    for query in [i for i, letter in enumerate(bases) if letter == base]:
        neighbour = query + step
        is_cpg = 0 <= neighbour < len(bases) and record.query_sequence[neighbour] == beside
        place = place_of.get(query, 0) - (step == -1)  # a CpG is one site for both strands
        is_site = _drawn(f"{contig}:{place}") < METHYLATED_SITES
        level = (METHYLATED if is_site else UNMETHYLATED) if is_cpg else 0.0
        is_methylated = _drawn(f"{record.query_name}:{place}") < level
        lost = _drawn(f"{place}:{record.query_name}") < 0.01  # of 100 bases one stays as it is
        if is_methylated == methylated and not lost:
            bases[query] = changed
    qualities = record.query_qualities
    record.query_sequence = "".join(bases)
    record.query_qualities = qualities


def _drawn(key: str) -> float:
    """A number in [0, 1) that is the same whenever it is asked for."""
    return zlib.crc32(key.encode()) / 2**32
