"""ALTs of a segment's records, normalised against the reference."""

from collections.abc import Iterator

import numpy as np

from deepcohort.annotate import allele_kernels as ak
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.types import Alleles
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.formats.vcf_text import Segment

_SPAN_BP = 8 << 20


def short_parts(segment: Segment) -> Iterator[Segment]:
    """The segment in parts whose POS span a few Mb at most: as much of the reference is held at a time."""
    first, starts = 0, segment.lines[:, 0]
    while first < len(starts):
        last = int(np.searchsorted(starts, starts[first] + _SPAN_BP))
        yield segment.part(first, last)
        first = last


def alleles_of(segment: Segment, fasta: ReferenceFasta, config: AnnotateConfig) -> Alleles:
    """Every ALT of the segment.

    Raises:
        DeepcohortError: the reference lacks the contig, a line has fewer than eight columns, or ends as
            on Windows.
    """
    if segment.contig not in fasta.contig_lengths:
        raise DeepcohortError(
            f"reference {fasta.path} has no contig {segment.contig}, on which the VCF has records; "
            "give the reference that its calls were made on"
        )
    if b"\r" in segment.text:
        raise DeepcohortError(
            f"the VCF holds carriage returns, on {segment.contig}; it went through Windows: remove them"
        )
    text = np.frombuffer(segment.text, dtype=np.uint8)
    columns = np.empty((len(segment.lines), 10), dtype=np.int64)
    short = ak.find_columns(text, columns)
    if short >= 0:
        line = segment.text.split(b"\n", short + 1)[short][:60].decode("ascii", "replace")
        raise DeepcohortError(f"the VCF holds a record of fewer than eight columns: '{line}'")
    pos = np.ascontiguousarray(segment.lines[:, 0])
    ref_lengths = columns[:, 4] - 1 - columns[:, 3]
    length = fasta.contig_lengths[segment.contig]
    start = min(length, max(0, int(pos[0]) - config.max_shift_bp))
    end = min(length, int((pos + ref_lengths).max(initial=0)))
    reference = np.frombuffer(
        fasta.fetch_text(Region(segment.contig, start, max(start, end))).encode(), dtype=np.uint8
    )
    n = ak.count_alleles(text, columns)
    out, keys = np.empty((n, 7), dtype=np.int64), np.empty(n, dtype=np.uint64)
    longest = int((columns[:, 5] - columns[:, 4]).max(initial=0))
    scratch = np.empty(config.max_shift_bp + longest + 1, dtype=np.uint8)
    ak.list_alleles(text, columns, pos, reference, start, config.max_shift_bp, scratch, out, keys)
    n_alts = np.bincount(out[:, 0], minlength=len(columns)).astype(np.int64)
    record, number, kind, place, ref_len, code, alt = (np.ascontiguousarray(out[:, k]) for k in range(7))
    return Alleles(columns, record, number, kind, place, ref_len, code, alt, keys, n_alts)


class RefCheck:
    """Holds REF of the VCF's first alleles against the reference."""

    def __init__(self, path: str, fasta: ReferenceFasta, config: AnnotateConfig) -> None:
        self._path, self._fasta, self._config = path, fasta, config
        self._checked = self._wrong = 0
        self.n_differ = 0

    def see(self, segment: Segment, alleles: Alleles) -> None:
        """Alleles of a segment.

        Raises:
            DeepcohortError: too many of the first ones differ: another reference.
        """
        differs = np.isin(alleles.kind, (ak.REF_DIFFERS, ak.OUTSIDE))
        self.n_differ += int(differs.sum())
        left = self._config.checked_rows - self._checked
        if left <= 0:
            return
        self._checked += min(left, len(differs))
        self._wrong += int(differs[:left].sum())
        if self._config.is_other_build(self._wrong, self._checked):
            pos = int(segment.lines[alleles.record[np.flatnonzero(differs)[0]], 0]) + 1
            raise DeepcohortError(
                f"REF of {self._wrong} of the first {self._checked} alleles of {self._path} is not that "
                f"of reference "
                f"{self._fasta.path}, as at {segment.contig}:{pos}; give the reference that the calls "
                f"were made on"
            )
