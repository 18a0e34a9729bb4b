"""Whose reads a file holds: read groups, their samples, and which of them a sample takes."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deepcohort.core.errors import InputProblems
from deepcohort.core.paths import is_remote

ReadGroups = tuple[tuple[str, str], ...]  # (ID, SM) of each @RG line; SM "" where it is missing or empty
_MAX_NAMED = 5


class LibraryKey(NamedTuple):
    """What tells a library from others: LB of its read groups (ID where there is none), their PL and SM."""

    name: str
    platform: str
    sample: str


NO_GROUP = LibraryKey("", "", "")  # of reads without a read group of the header


def names_of(keys: Sequence[LibraryKey]) -> list[str]:
    """A name for each of `keys`, no two alike: with platform and sample where the first part does not do."""
    first = [key.name or "no_read_group" for key in keys]
    return [
        name if first.count(name) == 1 else "/".join((name, key.platform, key.sample))
        for name, key in zip(first, keys, strict=True)
    ]


def samples_of(groups: ReadGroups) -> tuple[str, ...]:
    """Sample names of read groups, sorted."""
    return tuple(sorted({sample for _, sample in groups if sample}))


def groups_of_sample(
    files: Sequence[tuple[str, ReadGroups]], sample: str
) -> tuple[list[frozenset[str] | None], list[str]]:
    """Read groups of `sample` in each file (None: all reads), and remarks on what is odd but allowed.

    A lone sample of another name is taken for this one: people rename. Of several, only this one's read
    groups count.

    Args:
        files: name and read groups of each. sample: its name; "" takes all reads.

    Raises:
        InputProblems: files hold other samples' reads, or read groups without a sample beside others.
    """
    names = tuple(sorted({name for _, groups in files for name in samples_of(groups)}))
    remarks = []
    unnamed = [path for path, groups in files if any(not name for _, name in groups)]
    if not sample or not names:
        if sample and unnamed:
            remarks.append(
                f"{unnamed[0]}: its read groups name no sample (SM); its reads are taken for {sample}"
            )
        return [None] * len(files), remarks
    if sample not in names:
        if len(names) == 1:
            remarks.append(f"its read groups name {names[0]}, which is taken for {sample}")
            return [None] * len(files), remarks
        listed = ", ".join(names[:_MAX_NAMED])
        where = ", ".join(path for path, _ in files)
        raise InputProblems(
            [f"{where}: reads of several samples ({listed}), none is {sample}; name one of them"]
        )
    problems = []
    chosen: list[frozenset[str] | None] = []
    for path, groups in files:
        mine = frozenset(key for key, name in groups if name == sample)
        without = [key for key, name in groups if not name]
        if not groups or len(mine) == len(groups):
            chosen.append(None)
            continue
        chosen.append(mine)
        if not mine:
            others = ", ".join(samples_of(groups)[:_MAX_NAMED]) or "no sample"
            problems.append(f"{path} holds reads of {others}, not of {sample}; leave it out")
        elif without:
            problems.append(
                f"{path}: read group {without[0]} names no sample (SM), so whose its reads are is not known; "
                "set it with samtools addreplacerg or reheader"
            )
    if problems:
        raise InputProblems(problems)
    return chosen, remarks


def same_files(paths: Sequence[str | Path]) -> list[str]:
    """A problem for each file that is named twice, however it is spelled (links too)."""
    seen: dict[object, str | Path] = {}
    problems = []
    for path in paths:
        try:
            found = None if is_remote(path) else os.stat(path)
        except OSError:
            continue
        key: object = str(path) if found is None else (found.st_dev, found.st_ino)
        if key in seen:
            problems.append(f"{seen[key]} and {path} are the same file; give it once")
        seen.setdefault(key, path)
    return problems
