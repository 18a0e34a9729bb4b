"""The annotated VCF: every record of both sides with its decision and the reason."""

from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.evaluate.annotate_kernels import Side, Words, format_contig
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, OUTSIDE, TOO_HARD, TP, ContigResult, SideResult
from deepcohort.evaluate.variant_kernels import NOT_VARIANT, REASONS
from deepcohort.formats.bgzf import BgzfWriter
from deepcohort.formats.tabix import TBI_LIMIT_BP

_FORMAT = "GT:BD:BK:BI:QQ"
# decision (BD) with kind of match (BK); truth and calls differ in one letter
_WORDS = {
    "calls": {TP: "TP:gm", ALLELE_ONLY: "FP:am", MISS: "FP:.", TOO_HARD: "N:.", OUTSIDE: "N:.", 0: "N:."},
    "truth": {TP: "TP:gm", ALLELE_ONLY: "FN:am", MISS: "FN:.", TOO_HARD: "N:.", OUTSIDE: "N:.", 0: "N:."},
}
_WHY = {
    TP: "same_haplotypes",
    ALLELE_ONLY: "genotype_differs",
    MISS: "allele_not_found",
    TOO_HARD: "too_hard",
    OUTSIDE: "outside_regions",
}

_HEADER = """##fileformat=VCFv4.2
##source=deepcohort evaluate
##INFO=<ID=BS,Number=1,Type=Integer,Description="Neighbourhood whose records were compared together">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=BD,Number=1,Type=String,Description="Decision: TP, FP, FN, or N (not counted)">
##FORMAT=<ID=BK,Number=1,Type=String,Description="Match: gm genotype, am allele only, . none">
##FORMAT=<ID=BI,Number=1,Type=String,Description="Why the record has its decision">
##FORMAT=<ID=QQ,Number=1,Type=Float,Description="QUAL of the call">
"""


class AnnotatedWriter:
    """Writes compared contigs in order; close() adds the index beside `path` (.csi for long contigs)."""

    def __init__(self, path: Path, contig_lengths: dict[str, int]) -> None:
        self._path = path
        self._bgzf = BgzfWriter(path)
        self._needs_csi = max(contig_lengths.values(), default=0) > TBI_LIMIT_BP
        contigs = "".join(f"##contig=<ID={name},length={size}>\n" for name, size in contig_lengths.items())
        columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tTRUTH\tQUERY"
        self._bgzf.write(f"{_HEADER}{contigs}{columns}\n".encode())
        vocabulary = sorted({w for words in _WORDS.values() for w in words.values()})
        vocabulary += [*_WHY.values(), *REASONS, _FORMAT]
        self._index = {word: k for k, word in enumerate(vocabulary)}
        self._words = Words(
            np.frombuffer("".join(vocabulary).encode(), dtype=np.uint8),
            np.cumsum([0] + [len(word) for word in vocabulary]),
        )

    def write(self, result: ContigResult) -> None:
        """Append one contig."""
        qual = result.calls.table.qual
        known = np.isfinite(qual) & (qual >= 0) & (qual < 1e12)
        qq = np.where(known, np.round(np.where(known, qual, 0) * 100), -1).astype(np.int64)
        calls = self._side(result.calls, "calls", qq)
        truth = self._side(result.truth, "truth", np.full(len(result.truth.table.pos), -1, np.int64))
        name = np.frombuffer(result.contig.encode(), dtype=np.uint8)
        text = format_contig(name, self._words, calls, truth)
        self._bgzf.write(text.tobytes())

    def _side(self, side: SideResult, role: str, qual: NDArray[np.int64]) -> Side:
        table = side.table
        rows = np.flatnonzero(side.reason != NOT_VARIANT)
        rows = rows[np.lexsort((table.ref_len[rows], table.pos[rows]))]
        word_of = np.array([self._index[_WORDS[role][d]] for d in range(6)], dtype=np.uint8)
        why_of = np.array([self._index[_WHY.get(d, REASONS[0])] for d in range(6)], dtype=np.uint8)
        reason_of = np.array([self._index[reason] for reason in REASONS], dtype=np.uint8)
        why = np.where(side.decision == 0, reason_of[side.reason], why_of[side.decision])
        return Side(
            rows,
            table.pool,
            table.pool_offset,
            table.pos,
            table.ref_len,
            table.alt_len,
            table.gt_len,
            word_of[side.decision],
            why.astype(np.uint8),
            side.sync,
            qual,
        )

    def close(self) -> None:
        """Finish the file and index it."""
        self._bgzf.close()
        pysam.tabix_index(str(self._path), preset="vcf", force=True, csi=self._needs_csi)

    def abandon(self) -> None:
        """Close after an error."""
        self._bgzf.close()
