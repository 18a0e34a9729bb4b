"""The gVCF and VCF of one sample, written chunk by chunk in genome order.

A base belongs to exactly one record: a variant (or RefCall) record whose REF begins or reaches over
it, or else a reference block. Blocks are the longest runs of bases of one class (ploidy and GQ band):
they do not depend on chunks, and blocks cut at a shard's edge are joined by `deepcohort merge`.
Of a block, DP is the depth at its first base, MIN_DP, PL and so GQ are the smallest within it, COV sums
the depths and counts the bases of enough of them; all of these can be joined without looking at the reads
again.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.bias import NO_BIAS, SiteBias
from deepcohort.calls.columns import (
    Output,
    ReferenceConfidence,
    SiteColumns,
    SiteMarks,
    Span,
    TextRules,
    columns_of,
    text_rules,
)
from deepcohort.calls.config import CallsConfig
from deepcohort.calls.kernels_called import write_called
from deepcohort.calls.kernels_confidence import (
    apply_reference_sites,
    block_classes,
    gq_caps,
    reference_confidence,
    run_lengths,
)
from deepcohort.calls.kernels_text import (
    COVERED,
    END,
    N_STATE,
    OPEN,
    close_block,
    text_capacity,
    write_gvcf,
)
from deepcohort.calls.types import GenotypedSites, SiteCalls
from deepcohort.candidates.columns import Window
from deepcohort.candidates.types import AlleleCounts
from deepcohort.core.region import Region
from deepcohort.formats.tabix import IndexedVcfWriter

_NOWHERE = np.empty(0, dtype=np.int64)
_STORED_BYTES = 32 << 20  # of a temporary file, not deflated: a bound on the disk that whole genomes take


class CallsWriter:
    """Writes the chunks of a sample to a gVCF, a VCF of called variants, or both."""

    def __init__(
        self,
        contig_lengths: Mapping[str, int],
        gvcf: tuple[str | Path, str] | None,
        vcf: tuple[str | Path, str] | None,
        config: CallsConfig | None = None,
        given_only: bool = False,
        is_temporary: bool = False,
    ) -> None:
        """Open the outputs, each given as (path, header text).

        Args:
            given_only: for given alleles alone. is_temporary: this run reads and removes the outputs.
        """
        self._n_stored_bytes = _STORED_BYTES if is_temporary else 0
        self._given_only = given_only
        self._config = config or CallsConfig()
        self._bands = np.array(self._config.gq_bands, dtype=np.int64)
        self._stack = ExitStack()
        self._gvcf = self._open(gvcf, contig_lengths)
        self._vcf = self._open(vcf, contig_lengths)
        self._state = np.zeros(N_STATE, dtype=np.int64)
        self._contig = ""
        self.n_records = 0

    def _open(
        self, output: tuple[str | Path, str] | None, contig_lengths: Mapping[str, int]
    ) -> IndexedVcfWriter | None:
        if output is None:
            return None
        writer = self._stack.enter_context(IndexedVcfWriter(output[0], contig_lengths, self._n_stored_bytes))
        writer.write_header(output[1])
        return writer

    def write_chunk(
        self,
        region: Region,
        counts: AlleleCounts,
        genotyped: GenotypedSites,
        reference: NDArray[np.uint8],
        reference_start: int,
        ploidy: NDArray[np.int8],
        disputed_pos: NDArray[np.int64] = _NOWHERE,
        bias: SiteBias = NO_BIAS,
    ) -> None:
        """Write what lies in `region`; chunks come in genome order.

        Args:
            counts: of a region that holds `region`. genotyped: sites with POS inside, and those before
                that reach in. reference: uint8 codes from `reference_start` on, that hold every REF
                and a margin around `region` (runs of one base are cut at its ends).
            ploidy: int8 (len(region),).
            disputed_pos: int64, POS of candidates that reads speak for and the networks against.
            bias: of the sites, for INFO and SB; without it records have neither.
        """
        disputed = np.isin(genotyped.sites.pos, disputed_pos)
        if self._gvcf is not None:
            self._write_gvcf(region, counts, genotyped, reference, reference_start, ploidy, disputed, bias)
        if self._vcf is not None:
            self._write_vcf(self._vcf, region, genotyped, reference, reference_start, disputed, bias)

    def _confidence(
        self,
        region: Region,
        n_ref: NDArray[np.int32],
        n_total: NDArray[np.int32],
        genotyped: GenotypedSites,
        reference: NDArray[np.uint8],
        reference_start: int,
        ploidy: NDArray[np.int8],
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int16]]:
        """PLs and block class of every base of `region`."""
        config, at = self._config, region.start - reference_start
        runs = run_lengths(reference)[at : at + len(region)]
        caps = gq_caps(runs, config.homopolymer_bp, config.homopolymer_gq_step, config.homopolymer_min_gq)
        pl_het, pl_hom_alt = reference_confidence(n_ref, n_total, ploidy, caps, config.reference_error)
        reference_sites = genotyped.reference_sites
        apply_reference_sites(
            pl_het,
            pl_hom_alt,
            n_total,
            ploidy,
            region.start,
            reference_sites.pos,
            reference_sites.ref_len,
            reference_sites.gq,
        )
        return pl_het, pl_hom_alt, block_classes(pl_het, pl_hom_alt, n_total, ploidy, self._bands)

    def _write_gvcf(
        self,
        region: Region,
        counts: AlleleCounts,
        genotyped: GenotypedSites,
        reference: NDArray[np.uint8],
        reference_start: int,
        ploidy: NDArray[np.int8],
        disputed: NDArray[np.bool_],
        bias: SiteBias,
    ) -> None:
        if self._contig != region.contig or self._state[END] != region.start:
            self._close_block()
            if self._contig != region.contig:
                self._state[COVERED] = 0
        assert self._gvcf is not None
        at = region.start - counts.region.start
        n_ref, n_total = counts.n_ref[at : at + len(region)], counts.n_total[at : at + len(region)]
        if self._given_only:
            pl_het = pl_hom_alt = np.zeros(len(region), np.int32)
            classes = np.zeros(len(region), np.int16)
        else:
            pl_het, pl_hom_alt, classes = self._confidence(
                region, n_ref, n_total, genotyped, reference, reference_start, ploidy
            )
        sites = genotyped.sites
        self._contig = region.contig
        out, span = self._room(region, classes, sites)
        n, n_lines = write_gvcf(
            out, self._state, span, Window(reference, reference_start),
            ReferenceConfidence(classes, n_total, pl_het, pl_hom_alt), columns_of(SiteColumns, sites),
            SiteMarks(disputed, bias.strands, bias.mapping, bias.ranks), self._rules(),
        )  # fmt: skip
        self._gvcf.write_lines(region.contig, out.buffer[:n].data, out.lines[:n_lines])
        self.n_records += n_lines

    def _write_vcf(
        self,
        writer: IndexedVcfWriter,
        region: Region,
        genotyped: GenotypedSites,
        reference: NDArray[np.uint8],
        reference_start: int,
        disputed: NDArray[np.bool_],
        bias: SiteBias,
    ) -> None:
        sites = genotyped.sites
        out, span = self._room(region, np.empty(0, dtype=np.int16), sites)
        n, n_lines = write_called(
            out, span, Window(reference, reference_start), columns_of(SiteColumns, sites),
            SiteMarks(disputed, bias.strands, bias.mapping, bias.ranks), self._rules(),
        )  # fmt: skip
        writer.write_lines(region.contig, out.buffer[:n].data, out.lines[:n_lines])

    def _rules(self) -> TextRules:
        return text_rules(self._config, self._given_only)

    @staticmethod
    def _room(region: Region, classes: NDArray[np.int16], sites: SiteCalls) -> tuple[Output, Span]:
        """Room for the text of `region`, whose bases have `classes` (none without reference blocks)."""
        contig = np.frombuffer(region.contig.encode(), dtype=np.uint8)
        n_bytes = len(sites.alt_seq) + len(sites.id_text)
        size, n_lines = text_capacity(len(contig), classes, sites.ref_len, sites.n_alts, n_bytes)
        out = Output(np.empty(size, dtype=np.uint8), np.empty((n_lines, 3), dtype=np.int64))
        return out, Span(contig, region.start, region.end)

    def _close_block(self) -> None:
        """Write the block that is still open."""
        if self._gvcf is None or not self._state[OPEN]:
            return
        contig = np.frombuffer(self._contig.encode(), dtype=np.uint8)
        buffer = np.empty(len(contig) + 224, dtype=np.uint8)
        lines = np.empty((1, 3), dtype=np.int64)
        n, n_lines = close_block(buffer, 0, lines, 0, self._state, contig)
        self._gvcf.write_lines(self._contig, buffer[:n].data, lines)
        self.n_records += n_lines

    def close(self) -> None:
        """Write what is open and finish the files and their indexes."""
        self._close_block()
        self._stack.close()

    def __enter__(self) -> "CallsWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, trace)
