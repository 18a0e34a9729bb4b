"""The start of FASTQ files: what can be seen to be wrong before anything is aligned."""

import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

_MOST_BYTES = 16_000_000  # of a first record: the longest Nanopore reads have millions of bases


def fastq_problems(files: Sequence[Path]) -> list[str]:
    """What is wrong with one file of reads, or with two of mates; their first records are read."""
    problems, names = [], []
    for path in files:
        try:
            names.append(_first_name(path))
        except _BadFastqError as error:
            problems.append(f"{path} {error}")
    if len(names) == 2 and _stem(names[0]) != _stem(names[1]):
        problems.append(
            f"{files[0]} begins with read {names[0]}, {files[1]} with {names[1]}; mates must be in one order"
        )
    return problems


class _BadFastqError(Exception):
    """What is wrong with a file, without its name."""


def _first_name(path: Path) -> str:
    if not os.path.isfile(path):
        raise _BadFastqError("does not exist")
    if os.path.getsize(path) == 0:
        raise _BadFastqError("is empty")
    with open(path, "rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if is_gzip else open(path, "rb") as text:
            lines = [text.readline(_MOST_BYTES).rstrip(b"\r\n") for _ in range(4)]
    except (OSError, EOFError, zlib.error) as error:
        raise _BadFastqError(f"cannot be read ({error}); copy it again") from error
    head, bases, plus, qualities = lines
    if not head.startswith(b"@") or not plus.startswith(b"+"):
        raise _BadFastqError("is no FASTQ: its first record has no @ and + lines")
    if len(bases) != len(qualities):
        raise _BadFastqError(
            f"is no sound FASTQ: its first read has {len(bases)} bases and {len(qualities)} qualities"
        )
    words = head[1:].split()
    if not words:
        raise _BadFastqError("is no sound FASTQ: its first read has no name")
    return words[0].decode("utf-8", "replace")


def _stem(name: str) -> str:
    return name[:-2] if name[-2:] in ("/1", "/2") else name
