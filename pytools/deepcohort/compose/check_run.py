"""What `deepcohort check` must know of rooms that the check itself does not see; imported when needed."""

from collections.abc import Sequence
from pathlib import Path

from deepcohort.cohort.types import StoredSamples


def missing_for_export(formats: Sequence[str]) -> list[str]:
    """Tools that the export to `formats` would find missing, hours later."""
    if not formats:
        return []
    from deepcohort.export.io_export import missing_tools

    return missing_tools(list(formats))


def stored_samples(paths: Sequence[Path], list_file: Path | None) -> list[StoredSamples]:
    """Samples, contigs and regions of the stored cohorts that join.

    Raises:
        DeepcohortError: an unreadable store or list.
    """
    if not paths and list_file is None:
        return []
    from deepcohort.joint.inputs import listed_files
    from deepcohort.joint.io_parts import summarise_store
    from deepcohort.joint.pedigree import person_of

    stored = []
    for found in map(summarise_store, listed_files(list(paths), list_file, "--cohort-list")):
        persons = {}
        for name in found.samples:
            family, father, mother, sex = person_of(found.pedigree, name)
            persons[name] = (family, father, mother, sex or "NA")
        stored.append(StoredSamples(found.path, found.contigs, found.regions, persons))
    return stored
