"""Whether reads were aligned to the sequences that the reference holds: M5 of @SQ lines."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from deepcohort.core.io import ReferenceFasta

_MASKED_SHARE = 0.6  # of N: GRCh38's Y has 57 %, the other chromosomes of any human assembly far less
_MAX_NAMED = 3


@lru_cache(maxsize=100_000)
def _checksum(reference: Path, contig: str, _size: int, _changed: int) -> tuple[str, float]:
    with ReferenceFasta(reference) as fasta:
        return fasta.md5(contig)


def other_sequences(
    path: Path, stated: Mapping[str, str], reference: Path, contigs: Sequence[str]
) -> tuple[list[str], list[str]]:
    """(problems, remarks) where a file's M5 of one of `contigs` is not the reference's.

    A contig that is mostly N may be the same sequence masked: a remark only.

    Args:
        stated: M5 by contig, as far as the file's header gives them.
    """
    if not stated or not reference.exists():
        return [], []
    found = reference.stat()
    wrong: list[str] = []
    masked: list[str] = []
    for contig in contigs:
        if contig in stated:
            checksum, share = _checksum(reference, contig, found.st_size, found.st_mtime_ns)
            if checksum != stated[contig]:
                (masked if share > _MASKED_SHARE else wrong).append(contig)
    tail = "in its sequence (M5 of the @SQ lines)"
    problems = [
        f"{path} and {reference} disagree about {_some(wrong)} {tail}; use the reference of the reads"
    ]
    remarks = [f"{path} and {reference} differ at {_some(masked)} {tail}: the reference is mostly N there"]
    return problems if wrong else [], remarks if masked else []


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more
