"""The unphased gVCF or VCF of a run -> the file of the same records with phase."""

from collections.abc import Mapping
from pathlib import Path

from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_header import region_lines
from deepcohort.formats.vcf_text import VcfTextReader
from deepcohort.phase.phaser import Phaser


def write_phased(source: Path, output: Path, contig_lengths: Mapping[str, int], phaser: Phaser) -> int:
    """Write `output` and its index from `source`, which this run has just written; returns phased sites."""
    reader = VcfTextReader(source)
    try:
        with IndexedVcfWriter(output, contig_lengths) as writer:
            lines = list(reader.header.lines)
            lines[-1:-1] = region_lines(reader.header.regions)
            writer.write_header("\n".join(lines) + "\n")
            for segment in reader.segments():
                phased = phaser.apply(segment)
                writer.write_lines(phased.contig, phased.text, phased.lines)
        phaser.finish()
    finally:
        reader.close()
    return phaser.n_phased
