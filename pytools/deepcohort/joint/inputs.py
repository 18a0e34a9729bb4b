"""Arguments of the command line to what genotyping takes."""

import re
from collections.abc import Sequence
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region, parse_region
from deepcohort.core.text import text_of
from deepcohort.formats.bed import read_bed
from deepcohort.joint.pedigree import EMPTY_PEDIGREE, Pedigree, read_pedigree, read_sexes


def listed_gvcfs(paths: Sequence[Path], list_file: Path | None, may_be_none: bool = False) -> list[Path]:
    """`paths`, then those named in `list_file` (relative ones: to the working folder).

    Raises:
        DeepcohortError: the list does not exist, or nothing is named at all (unless `may_be_none`).
    """
    found = listed_files(paths, list_file, "--gvcf-list")
    if not found and not may_be_none:
        raise DeepcohortError("no gVCF given; use --gvcf (once per sample), --gvcf-list or --cohort")
    return found


def listed_files(paths: Sequence[Path], list_file: Path | None, option: str) -> list[Path]:
    """`paths`, then those named in `list_file`, one a line.

    Raises:
        DeepcohortError: the list does not exist.
    """
    found = list(paths)
    if list_file is not None:
        if not list_file.exists():
            raise DeepcohortError(f"list {list_file} does not exist; check {option}")
        found += [Path(line.strip()) for line in text_of(list_file).splitlines() if line.strip()]
    return found


def named_shards(reference: Path, bed: Path) -> list[tuple[str, list[Region]]]:
    """Name and regions of each shard of a BED whose fourth column names them.

    Raises:
        InputProblems: unknown contigs, malformed rows or rows without a name, all together.
    """
    with ReferenceFasta(reference) as fasta:
        return read_shards(bed, fasta.contig_lengths)


def read_shards(bed: Path, lengths: dict[str, int]) -> list[tuple[str, list[Region]]]:
    """`named_shards` on contigs of these lengths."""
    shards: dict[str, list[Region]] = {}
    unnamed = []
    for region, more in read_bed(bed, lengths).rows():
        name = more[0] if more else ""
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
            shards.setdefault(name, []).append(region)
        else:
            unnamed.append(f"{bed}: the row of {region} has no plain name in column 4; see deepcohort shard")
    if unnamed:
        raise InputProblems(unnamed)
    return list(shards.items())


def chosen_regions(reference: Path, texts: Sequence[str], bed: Path | None) -> list[Region] | None:
    """Regions named by text and by a BED; None where neither is given.

    Raises:
        InputProblems: unknown contigs or malformed rows, all together.
    """
    if not texts and bed is None:
        return None
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
    regions = [parse_region(text, lengths) for text in texts]
    if bed is not None:
        regions += read_bed(bed, lengths).regions()
    return regions


def family_of(pedigree: Path | None, sex: Path | None) -> tuple[Pedigree, dict[str, str]]:
    """Pedigree and sexes of the files that are given."""
    return (
        read_pedigree(pedigree) if pedigree is not None else EMPTY_PEDIGREE,
        read_sexes(sex) if sex is not None else {},
    )
