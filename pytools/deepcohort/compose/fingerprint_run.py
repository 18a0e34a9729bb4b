"""Fingerprints of samples: where they are taken, and what they say together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from deepcohort.cohort.types import Sample
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_folder
from deepcohort.core.paths import is_remote
from deepcohort.fingerprints.files import pair_row, read_fingerprint, sorted_rows, write_tables
from deepcohort.fingerprints.io_sites import read_sites
from deepcohort.fingerprints.judge import judge, statement
from deepcohort.fingerprints.sample import called_regions, take_fingerprint
from deepcohort.fingerprints.types import Fingerprint, FingerprintSites, Pair, Verdict
from deepcohort.report.fingerprints import write_fingerprint_sections


def sites_for(sites: Path, reference: Path, regions: Path | None, contigs: str) -> FingerprintSites:
    """The sites of a panel within the regions that are called."""
    names = [name for name in contigs.split(",") if name]
    return read_sites(sites, reference, called_regions(reference, names, regions))


def read_fingerprints(paths: Sequence[Path], sites: FingerprintSites) -> list[Fingerprint]:
    """Fingerprints of files, or of all *.json in folders, by sample name.

    Raises:
        DeepcohortError: none, several of one sample, or an unreadable one.
    """
    files = [f for path in paths for f in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    found = sorted((read_fingerprint(file, sites) for file in files), key=lambda f: f.sample)
    counts = Counter(f.sample for f in found)
    twice = sorted(name for name, n in counts.items() if n > 1)
    if twice or not found:
        which = f"fingerprints of {', '.join(twice)} are given more than once" if twice else "no fingerprints"
        raise DeepcohortError(f"{which}; check --fingerprint")
    return found


def judge_and_write(
    found: Sequence[Fingerprint],
    sites: FingerprintSites,
    parents: Mapping[str, tuple[str, str]],
    sexes: Mapping[str, str],
    output: Path | None,
) -> tuple[list[Verdict], list[Pair]]:
    """Verdicts and pairs, written to the folder `output` if given."""
    verdicts, pairs = judge(found, sites, parents, sexes)
    if output is not None:
        warnings = [line for verdict in verdicts for line in verdict.warnings]
        with atomic_folder(output) as folder:
            write_tables(folder, verdicts, pairs)
            write_fingerprint_sections(folder, sorted_rows(verdicts), [pair_row(p) for p in pairs], warnings)
    return verdicts, pairs


def fingerprints_of_sheet(
    samples: Sequence[Sample], sites: FingerprintSites, reference: Path, tables: Path | None
) -> list[str]:
    """What the samples' reads say at known SNPs: warnings first, then a line per sample.

    `tables`: folder for tables of them, or None.

    Raises:
        DeepcohortError: unreadable reads.
    """
    found, remarks = [], []
    for sample in samples:
        local = [i for i, path in enumerate(sample.reads) if not is_remote(path)]
        if not local:
            remarks.append(f"{sample.sample}: no fingerprint, as its reads are not aligned yet or at URLs")
            continue
        files, indexes = [sample.reads[i] for i in local], [sample.indexes[i] for i in local]
        found.append(take_fingerprint(sample.sample, files, indexes, reference, sites))
    if not found:
        return remarks
    parents = {s.sample: (s.father or "", s.mother or "") for s in samples if s.father or s.mother}
    sexes = {s.sample: s.sex for s in samples if s.sex_told}
    verdicts, _ = judge_and_write(found, sites, parents, sexes, tables)
    warnings = [f"warning: {line}" for verdict in verdicts for line in verdict.warnings]
    return [*warnings, *(f"fingerprint of {statement(verdict)}" for verdict in verdicts), *remarks]
