"""BED in: regions by contig, checked against the reference."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.text import bed_lines

Regions = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]


def read_bed(path: str | Path, contig_lengths: dict[str, int], strict: bool = True) -> Regions:
    """Sorted disjoint (starts, ends) per contig of a BED file (plain or gzipped; 3 columns are used).

    Intervals that touch become one. Lines for contigs the reference lacks are ignored unless
    nothing is left.

    Parameters:
        strict: an interval beyond the end of its contig is an error; otherwise it is cut there.

    Raises:
        DeepcohortError: missing file, malformed, reversed or out-of-range interval, no usable interval.
    """
    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"BED {path} does not exist")
    starts: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, list[int]] = defaultdict(list)
    strangers: set[str] = set()
    for number, line in bed_lines(path):
        fields = line.split("\t") if "\t" in line else line.split()
        try:
            contig, start, end = fields[0], int(fields[1]), int(fields[2])
        except (IndexError, ValueError):
            raise DeepcohortError(
                f"BED {path} line {number} is not 'contig start end': {line.strip()[:60]}"
            ) from None
        if contig not in contig_lengths:
            strangers.add(contig)
            continue
        if start < 0 or end < start:
            raise DeepcohortError(
                f"BED {path} line {number} has a reversed or negative interval {contig}:{start}-{end}; "
                "BED needs 0 <= start <= end"
            )
        if end > contig_lengths[contig]:
            if strict:
                raise DeepcohortError(
                    f"BED {path} line {number} reaches {contig}:{end}, beyond the reference's "
                    f"{contig_lengths[contig]} bp; is it for another reference?"
                )
            end = contig_lengths[contig]
        if end > start:
            starts[contig].append(start)
            ends[contig].append(end)
    if not starts:
        if strangers:
            names = ", ".join(sorted(strangers)[:3])
            known = ", ".join(list(contig_lengths)[:3])
            raise DeepcohortError(
                f"BED {path} names no contig of the reference (BED: {names}; reference: {known}); "
                "use a BED for this reference"
            )
        raise DeepcohortError(f"BED {path} holds no interval; nothing would be evaluated")
    return {contig: _merge(np.array(starts[contig]), np.array(ends[contig])) for contig in starts}


def _merge(starts: NDArray, ends: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    fresh = np.concatenate([[True], starts[1:] > ends[:-1]])
    last = np.concatenate([fresh[1:], [True]])
    return starts[fresh].astype(np.int64), ends[last].astype(np.int64)
