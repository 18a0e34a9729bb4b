"""Genotypes of a cohort's record: who carries which ALT, and their scores in FORMAT."""

from collections.abc import Mapping, Sequence

from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.config import SCORE_KEY
from deepcohort.filter.records import alt_copies

_FREE = (b"0/0", b"0|0", b"./.", b".|.", b"0", b".")  # of ALTs, and most genotypes of a cohort


def carriers(fields: Sequence[bytes]) -> dict[int, RecordAlleles]:
    """Alleles of the record as each sample (from 0) that holds an ALT has them."""
    if len(fields) < 10 or not fields[8].startswith(b"GT"):
        return {}
    alts = tuple(fields[4].decode().split(","))
    pos, ref = int(fields[1]) - 1, fields[3].decode()
    known: dict[bytes, RecordAlleles | None] = dict.fromkeys(_FREE)
    found = {}
    for sample, cell in enumerate(fields[9:]):
        genotype = cell.partition(b":")[0]
        if genotype not in known:
            copies = alt_copies(genotype, len(alts))
            called = tuple(sorted(copies))
            told = tuple(copies[k] for k in called)
            known[genotype] = RecordAlleles(pos, ref, alts, called, told) if called else None
        record = known[genotype]
        if record is not None:
            found[sample] = record
    return found


def with_scores(fields: Sequence[bytes], scores: Mapping[int, float]) -> list[bytes]:
    """The record's fields with FORMAT/DC_SCORE of the samples (from 0) that have one, as the last key.

    Cells of other samples keep their bytes: values that are left off at the end are missing.
    """
    key = SCORE_KEY.encode()
    keys = fields[8].split(b":")
    cells = list(fields[9:])
    if key in keys:
        at = keys.index(key)
        cells = [_without(cell, at) for cell in cells]
        keys.pop(at)
    for sample, score in scores.items():
        missing = len(keys) - cells[sample].count(b":") - 1
        cells[sample] += b":." * missing + f":{score:.3f}".encode()
    return [*fields[:8], b":".join([*keys, key]), *cells]


def _without(cell: bytes, at: int) -> bytes:
    values = cell.split(b":")
    return b":".join(values[:at] + values[at + 1 :])
