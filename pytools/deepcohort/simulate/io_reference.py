"""The user's reference as the simulator takes it."""

from pathlib import Path

from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import parse_region
from deepcohort.simulate.types import Genome


def read_genome(path: Path, regions: tuple[str, ...] = ()) -> Genome:
    """Contigs of a FASTA, or the given regions of it, each as a contig of its own.

    A region of a contig keeps the contig's name and loses its coordinates: chr20:1001-2000 becomes
    chr20 of 1,000 bp (the FASTA written beside the reads is the one to use); a second region of the
    same contig is named chr20_2 and so on.

    Raises:
        DeepcohortError: unreadable FASTA or unknown region.
    """
    contigs, origin = {}, {}
    with ReferenceFasta(path) as fasta:
        for text in regions or tuple(fasta.contig_lengths):
            region = parse_region(text, fasta.contig_lengths)
            name, k = region.contig, 2
            while name in contigs:
                name, k = f"{region.contig}_{k}", k + 1
            contigs[name] = fasta.fetch_codes(region)
            origin[name] = region
    return Genome(contigs, origin=origin)
