"""Every real short-read file at hand: profiled, and a place of it read, whatever its read groups and flags."""

from itertools import pairwise
from pathlib import Path

import pytest
from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profile_of
from deepcohort.reads.types import Conversion

PLACES = {
    "cohort_exome": ("b37.17.fa.gz", Region("17", 7_570_000, 7_580_000)),
    "cohort_lowpass": ("b37.20.fa.gz", Region("20", 20_000_000, 20_020_000)),
    "hg002_illumina_30x": ("b37.20.fa.gz", Region("20", 10_000_000, 10_005_000)),
    "na12878_hiseq_35x": ("hg19.chr3.fa.gz", Region("chr3", 150_000, 155_000)),
}


@pytest.mark.parametrize("folder", PLACES)
def test_files_are_profiled_and_read(shared_data: Path, folder: str):
    fasta, place = PLACES[folder]
    paths: list[Path] = sorted((shared_data / folder).glob("*.bam"))
    assert paths
    reference = shared_data / folder / fasta
    for path in paths:
        config, _ = profile_of([path], reference, ReadsConfig())
        assert config.library.n_reads > 0, path.name
        assert config.library.conversion == Conversion(), path.name
        with open_reads([path], reference, config) as source:
            whole = source.fetch(place)
            cuts = [place.start, (place.start + place.end) // 2, place.end]
            parts = [source.fetch(Region(place.contig, a, b)) for a, b in pairwise(cuts)]
        assert sum(map(len, parts)) >= len(whole), path.name
