"""Bases that long reads of one strand misread in a context, as where a modified base is read as another."""

import hashlib
from typing import NamedTuple

import pysam


class Misreading(NamedTuple):
    """Shares of the CpGs at which reads err, and of the reads there; C is read as T by forward reads.

    `both`: of each CpG's other half, chosen apart, G is read as A by reverse reads.
    """

    sites: float
    reads: float
    both: bool


MISREADINGS = {
    "cpg_forward": Misreading(0.1, 0.3, both=False),
    "cpg_own": Misreading(0.3, 0.4, both=True),
}


def misread(record: pysam.AlignedSegment, misreading: Misreading) -> None:
    """Change bases of the record, qualities stay; the reference is told by its MD tag, which is dropped."""
    if record.is_unmapped or record.query_sequence is None or (record.is_reverse and not misreading.both):
        return
    right, wrong, beside, step = ("G", "A", "C", -1) if record.is_reverse else ("C", "T", "G", 1)
    pairs = record.get_aligned_pairs(with_seq=True)
    reference = {pos: base.upper() for _, pos, base in pairs if pos is not None}
    bases, qualities = list(record.query_sequence), record.query_qualities
    for query, pos, _ in pairs:
        if query is None or pos is None or not bases[query] == reference[pos] == right:
            continue
        if reference.get(pos + step) != beside:
            continue
        site = f"{record.reference_name}:{pos}"
        if _share(site) < misreading.sites and _share(f"{record.query_name} {site}") < misreading.reads:
            bases[query] = wrong
    record.query_sequence, record.query_qualities = "".join(bases), qualities
    record.set_tag("MD", None)
    record.set_tag("NM", None)


def _share(text: str) -> float:
    """A number from 0 to 1, the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32
