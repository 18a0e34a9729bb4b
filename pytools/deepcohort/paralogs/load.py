"""Reads of one sample, reassigned among the paralogs that are known of the reference."""

from collections.abc import Sequence
from pathlib import Path

from deepcohort.core.io import ReferenceFasta
from deepcohort.paralogs.io_table import read_table, table_beside
from deepcohort.paralogs.place import PlacedReads
from deepcohort.paralogs.types import Links
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import ReadSource, open_reads

AnyReads = ReadSource | PlacedReads
PLATFORM = "illumina"  # long reads find their copy by themselves


def open_placed(
    paths: Sequence[str | Path], reference: str | Path, config: ReadsConfig, links: Links
) -> AnyReads:
    """Reads of `paths`; raises as `reads.load.open_reads` does. Without links, as the aligner put them."""
    return PlacedReads(paths, reference, config, links) if links else open_reads(paths, reference, config)


def links_beside(reference: str | Path, platform: str) -> Links:
    """Links of the table that lies beside `reference`, where there is one and reads are short.

    Raises:
        DeepcohortError: a damaged table, or one of another reference.
    """
    table = table_beside(Path(reference))
    if table is None or platform != PLATFORM:
        return {}
    with ReferenceFasta(reference) as fasta:
        return read_table(table, fasta.contig_lengths)
