"""Alleles of a cohort that are worth a second look: those that some sample's gVCF calls."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort import __version__
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region
from deepcohort.core.vcf_constants import VCF_VERSION
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_header import contig_lines, region_lines
from deepcohort.joint import columns as c
from deepcohort.joint.allele_kernels import hash_primitives
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import check_inputs, cut_windows, read_windows, wanted_regions
from deepcohort.joint.io_gvcf import GvcfIndex, GvcfStream
from deepcohort.joint.io_parts import StoredCohort, open_stores
from deepcohort.joint.window import CohortRecords, GvcfSource, gather

_INFO = (
    '##INFO=<ID=READS,Number=1,Type=Integer,Description="Reads of all samples that show the allele">',
    '##INFO=<ID=CALLED,Number=1,Type=Integer,Description="Samples whose gVCF calls the allele">',
)


def write_supported(
    gvcfs: Sequence[Path],
    reference: Path,
    output: Path,
    regions: Sequence[Region] | None = None,
    stores: Sequence[Path] = (),
    config: JointConfig | None = None,
    quiet: bool = False,
) -> int:
    """Write the alleles that some sample's genotype or likeliest PL holds, one a line; their number.

    Alleles that reads show and no gVCF calls are left out: of 190 such SNPs of ten simulated samples at 8x,
    6 were true.

    Args: as of `genotype_cohort`. How regions are cut changes nothing.

    Raises:
        DeepcohortError: input that cannot be used; nothing is written then.
    """
    config = config or JointConfig()
    if not gvcfs and not stores:
        raise DeepcohortError("no gVCF given; use --gvcf (once per sample), --gvcf-list or --cohort")
    with ReferenceFasta(reference) as fasta:
        kept = open_stores(stores)
        headers = check_inputs(gvcfs, fasta, kept)
        wanted = wanted_regions(regions, kept, fasta)
        sources: list[StoredCohort | GvcfSource] = [*kept]
        sources += [
            GvcfSource(GvcfStream(path, GvcfIndex(path)), header.contigs, header.regions)
            for path, header in zip(gvcfs, headers, strict=True)
        ]
        labels = [name for source in sources for name in source.labels]
        windows = list(cut_windows(wanted, len(labels), config))
        n = 0
        with (
            atomic_outputs(output, partners=(".tbi", ".csi")) as (hidden,),
            IndexedVcfWriter(hidden, fasta.contig_lengths) as writer,
        ):
            writer.write_header(_header(fasta, wanted))
            for window, batches, held in read_windows(windows, sources, fasta, config, quiet):
                records, bases, start = gather(batches, labels, fasta, window, config.max_shift_bp, held=held)
                text, lines = _lines(records, window, bases, start)
                if len(lines):
                    writer.write_lines(window.contig, text, lines)
                n += len(lines)
    return n


def _header(fasta: ReferenceFasta, regions: Sequence[Region]) -> str:
    lines = [f"##fileformat={VCF_VERSION}", f"##source=deepcohort sites {__version__}", *_INFO]
    lines += [*contig_lines(fasta.contig_lengths), *region_lines(regions)]
    return "\n".join([*lines, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]) + "\n"


def reads_of_primitives(records: CohortRecords) -> NDArray[np.int64]:
    """Reads that show the allele of each primitive, by its record's AD; 0 where it has none."""
    table = records.table
    rows = records.records[table[:, c.P_REC]]
    known = (rows[:, c.AD] >= 0) & (table[:, c.P_ALT] < rows[:, c.AD_N])
    at = np.where(known, rows[:, c.AD] + table[:, c.P_ALT], 0)
    numbers = records.numbers if len(records.numbers) else np.zeros(1, np.int32)
    return np.where(known, np.maximum(numbers[at], 0), 0).astype(np.int64)


def _lines(
    records: CohortRecords, window: Region, bases: NDArray[np.uint8], bases_start: int
) -> tuple[bytes, NDArray[np.int64]]:
    """VCF lines of the called alleles with POS in `window`; int64 (n, 3) of start, end, first byte."""
    table = records.table
    filtered = records.records[table[:, c.P_REC], c.FILTERED] > 0
    solid = np.flatnonzero(
        (table[:, c.P_SEQ_LEN] >= 0)
        & (table[:, c.P_POS] >= window.start)
        & (table[:, c.P_POS] < window.end)
        & ~filtered
    )
    hashes, pos = hash_primitives(table, records.seq)[solid], table[solid, c.P_POS].astype(np.int64)
    order = np.lexsort((hashes, pos))
    solid, hashes, pos = solid[order], hashes[order], pos[order]
    new = np.ones(len(solid), np.bool_)
    new[1:] = (pos[1:] != pos[:-1]) | (hashes[1:] != hashes[:-1])
    first, group = np.flatnonzero(new), np.cumsum(new) - 1
    called = np.bincount(group, weights=table[solid, c.P_CALLED] > 0, minlength=len(first))
    reads = np.bincount(group, weights=reads_of_primitives(records)[solid], minlength=len(first))
    found = []
    for i in np.flatnonzero(called > 0).tolist():
        row = table[solid[first[i]]]
        at, n_ref = int(row[c.P_POS]), int(row[c.P_REF_LEN])
        ref = bases[at - bases_start : at - bases_start + n_ref].tobytes()
        alt = records.seq[row[c.P_SEQ] : row[c.P_SEQ] + row[c.P_SEQ_LEN]].tobytes()
        found.append((at, n_ref, alt, ref, int(reads[i]), int(called[i])))
    pieces, lines, byte = [], [], 0
    for at, n_ref, alt, ref, n_reads, n_called in sorted(found):
        start = f"{window.contig}\t{at + 1}\t.\t".encode()
        pieces.append(b"%s%s\t%s\t.\t.\tREADS=%d;CALLED=%d\n" % (start, ref, alt, n_reads, n_called))
        lines.append((at, at + n_ref, byte))
        byte += len(pieces[-1])
    return b"".join(pieces), np.array(lines, np.int64).reshape(-1, 3)
