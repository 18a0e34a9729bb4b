"""What reads show at the sites of fingerprints, read by their indexes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from deepcohort.core.errors import DeepcohortError
from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.types import AlleleReads, FingerprintSites, Unit
from deepcohort.reads.config import EXCLUDED_FLAGS
from deepcohort.reads.groups import ReadGroups, groups_of_sample

# no tags, or read groups alone: decoding tags is a third of CRAM's cost
_FIELDS, _WITH_GROUPS = "required_fields=0x7ff", "required_fields=0x17ff"
_CONSUMES_BOTH, _CONSUMES_READ, _CONSUMES_REF = (0, 7, 8), (1, 4), (2, 3)
_NO_QUALITY = 255


def count_reads(
    paths: Sequence[Path],
    reference: Path,
    sample: str,
    sites: FingerprintSites,
    config: FingerprintConfig | None = None,
    indexes: Sequence[Path | None] = (),
) -> list[Unit]:
    """Fragments by allele at `sites`, of each file and read group apart, in their order.

    Args:
        paths: BAM or CRAM, sorted and indexed. sample: whose read groups count, as in calling.
        indexes: one per file; None, and where not given: beside it.

    Raises:
        DeepcohortError: a file that cannot be read. InputProblems: see `groups_of_sample`.
    """
    config = config or FingerprintConfig()
    indexes = [indexes[i] if i < len(indexes) else None for i in range(len(paths))]
    held = [(str(p), held_reads(p, reference, i)[1]) for p, i in zip(paths, indexes, strict=True)]
    chosen = groups_of_sample(held, sample)[0]
    units: list[Unit] = []
    named = Counter(path.name for path in paths)
    for i, path in enumerate(paths):
        mine = chosen[i]
        names = [key for key, _ in held[i][1] if mine is None or key in mine]
        apart = len(names) > 1 or mine is not None
        with _opened(path, reference, indexes[i], apart) as file:
            counts = _count_file(file, path, sites, names if apart else [], config)
        # files of one name in two folders are named whole: one of them may be another person's
        label = path.name if named[path.name] == 1 else str(path)
        units += [Unit(label, group, reads) for group, reads in counts]
    return units


def held_reads(
    path: Path, reference: Path, index: Path | None = None
) -> tuple[tuple[tuple[str, int], ...], ReadGroups]:
    """Contigs with their lengths in bp, and read groups, by the header of a BAM or CRAM.

    Raises:
        DeepcohortError: it cannot be read, or is not indexed.
    """
    with _opened(path, reference, index, False) as file:
        listed = file.header.to_dict().get("RG", [])
        groups = tuple((str(g.get("ID", "")), str(g.get("SM", "")).strip()) for g in listed)
        return tuple(zip(file.references, file.lengths, strict=True)), groups


@contextmanager
def _opened(path: Path, reference: Path, index: Path | None, with_groups: bool) -> Iterator[Any]:
    verbosity = pysam.set_verbosity(0)
    fields = _WITH_GROUPS if with_groups else _FIELDS
    is_cram = path.suffix.lower() == ".cram"
    try:
        with pysam.AlignmentFile(
            str(path),
            reference_filename=str(reference),
            index_filename=str(index) if index else None,
            format_options=[fields] if is_cram else None,
        ) as file:
            if not file.has_index():
                raise DeepcohortError(f"{path} is not indexed; run: samtools index {path}")
            yield file
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"{path} cannot be read at the sites of --fingerprints: {error}") from error
    finally:
        pysam.set_verbosity(verbosity)


def _count_file(
    file: Any, path: Path, sites: FingerprintSites, names: Sequence[str], config: FingerprintConfig
) -> list[tuple[str, AlleleReads]]:
    """Counts by read group; of the whole file as "" where no names are given."""
    groups = list(names) or [""]
    counts = np.zeros((len(groups), 3, len(sites)), np.int32)
    number = {name: i for i, name in enumerate(groups)}
    known = set(file.references)
    for site, (contig, pos) in enumerate(zip(sites.contig, sites.pos.tolist(), strict=True)):
        if contig not in known or pos >= file.get_reference_length(contig):
            continue
        for (_, group), base in _bases_at(file, contig, pos, bool(names), config).items():
            row = number.get(group)
            if row is not None and base:
                kind = 0 if base == sites.ref[site] else 1 if base == sites.alt[site] else 2
                counts[row, kind, site] += 1
    return [(name, AlleleReads(*counts[i])) for i, name in enumerate(groups)]


def _bases_at(
    file: Any, contig: str, pos: int, by_group: bool, config: FingerprintConfig
) -> dict[tuple[str, str], str]:
    """Base of each fragment (name, read group) that covers `pos`; "" where its mates disagree."""
    found: dict[tuple[str, str], str] = {}
    for n, read in enumerate(file.fetch(contig, pos, pos + 1)):
        if n == config.max_reads:
            break
        if read.flag & EXCLUDED_FLAGS or read.mapping_quality < config.min_mapq:
            continue
        at = query_place(read.reference_start, read.cigartuples or [], pos)
        sequence = read.query_sequence
        if at < 0 or sequence is None or at >= len(sequence):
            continue
        quality = read.query_qualities
        if quality is not None and config.min_base_qual > quality[at] != _NO_QUALITY:
            continue
        group = read.get_tag("RG") if by_group and read.has_tag("RG") else ""
        key = (read.query_name, str(group))
        base = sequence[at]
        found[key] = base if found.get(key, base) == base else ""
    return found


def query_place(start: int, cigar: Sequence[tuple[int, int]], pos: int) -> int:
    """Index in the read's sequence of the base aligned to `pos`; -1 where it lies in a deletion or gap."""
    at = 0
    for op, length in cigar:
        if op in _CONSUMES_BOTH:
            if pos < start + length:
                return at + pos - start
            start += length
            at += length
        elif op in _CONSUMES_READ:
            at += length
        elif op in _CONSUMES_REF:
            if pos < start + length:
                return -1
            start += length
    return -1
