"""A sample's fingerprint from its files."""

from collections.abc import Sequence
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.paths import is_remote
from deepcohort.core.region import Region, intersect
from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.io_reads import count_reads, held_reads
from deepcohort.fingerprints.person import fingerprint_of
from deepcohort.fingerprints.types import Fingerprint, FingerprintSites
from deepcohort.formats.bed import read_bed
from deepcohort.reads.groups import groups_of_sample, same_files
from deepcohort.reads.header import shared_contigs
from deepcohort.reads.load import check_reads_index
from deepcohort.reads.sex import SexEvidence, sex_of_reads


def called_regions(reference: Path, contigs: Sequence[str], bed: Path | None) -> list[Region] | None:
    """Where sites are taken: in `bed` and `contigs`, as far as given; None: anywhere.

    Raises:
        DeepcohortError: unknown contigs, a bad BED.
    """
    if not contigs and bed is None:
        return None
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
    unknown = [name for name in contigs if name not in lengths]
    if unknown:
        raise DeepcohortError(f"--contigs names {', '.join(unknown)}, not in {reference}")
    whole = [Region(name, 0, n) for name, n in lengths.items() if not contigs or name in set(contigs)]
    return intersect(read_bed(bed, lengths).merged(), whole) if bed else whole


def check_sample_files(paths: Sequence[Path], indexes: Sequence[Path | None], reference: Path) -> None:
    """See that the files are whole, indexed and of the reference.

    Raises:
        InputProblems: all that is wrong.
    """
    problems = same_files(paths)
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
    for i, path in enumerate(paths):
        try:
            if is_remote(path) or "://" in str(path):
                raise DeepcohortError(f"{path} is at a URL: fingerprints are taken of local files alone")
            if not path.is_file():
                raise DeepcohortError(f"{path} does not exist; check the path of the reads")
            contigs, _ = held_reads(path, reference, indexes[i])
            shared_contigs(path, contigs, lengths, reference)
            if indexes[i] is not None:
                check_reads_index(path, indexes[i] or Path())
        except DeepcohortError as error:
            problems += str(error).splitlines()
    if problems:
        raise InputProblems(problems)


def take_fingerprint(
    sample: str,
    paths: Sequence[Path],
    indexes: Sequence[Path | None],
    reference: Path,
    sites: FingerprintSites,
    config: FingerprintConfig | None = None,
) -> Fingerprint:
    """The fingerprint of `sample`, whose reads are in local files that are sound.

    Raises:
        DeepcohortError: a file cannot be read. InputProblems: see `groups_of_sample`.
    """
    units = count_reads(paths, reference, sample, sites, config, indexes)
    return fingerprint_of(sample, units, sites, _by_depth(sample, paths, indexes, reference), config)


def _by_depth(
    sample: str, paths: Sequence[Path], indexes: Sequence[Path | None], reference: Path
) -> SexEvidence:
    held = [held_reads(path, reference, index) for path, index in zip(paths, indexes, strict=True)]
    groups = [(str(path), found) for path, (_, found) in zip(paths, held, strict=True)]
    if any(chosen is not None for chosen in groups_of_sample(groups, sample)[0]):
        return SexEvidence("NA", why="a file holds the reads of several samples")
    return sex_of_reads(paths, [dict(contigs) for contigs, _ in held], indexes)
