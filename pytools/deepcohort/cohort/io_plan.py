"""What there is to plan, from the files that check and shard wrote."""

import json
from pathlib import Path

from deepcohort.cohort.plan import Work
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.formats.bed import read_bed


def read_work(samples: Path, shards: Path, reference: Path, joint: bool, stored: int) -> Work:
    """Samples, callable bp of each shard (column 4 of `shards`), and the length of `reference`.

    Raises:
        DeepcohortError: a file is missing or not what it should be.
    """
    try:
        rows = json.loads(samples.read_text())
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"{samples} is no output of deepcohort check: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "sample" in row for row in rows):
        raise DeepcohortError(f"{samples} is no output of deepcohort check")
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
    bp: dict[str, int] = {}
    for region, more in read_bed(shards, lengths).rows():
        if not more or not more[0]:
            raise DeepcohortError(
                f"{shards} names no shards in its fourth column; make it by: deepcohort shard"
            )
        bp[more[0]] = bp.get(more[0], 0) + len(region)
    return Work(rows, [bp[name] for name in sorted(bp)], sum(lengths.values()), joint, stored)
