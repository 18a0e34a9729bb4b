"""What a folder of examples says of itself, checked before a file of it is opened."""

import re
from dataclasses import fields
from typing import Any

from deepcohort.core.names import name_problem
from deepcohort.pileup.config import PileupConfig

_PLAIN_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.npz")  # in the folder itself: no slash
_MOST_BUCKETS = 4096


def check_manifest(manifest: Any) -> None:
    """See that `manifest`, read from JSON, has every part of its kind, and names files of its folder only.

    Raises:
        ValueError: it has not; the text says what is wrong.
    """
    if not isinstance(manifest, dict):
        raise ValueError("it is no object")
    if not isinstance(manifest.get("encoder"), dict):
        raise ValueError("encoder is missing")
    _check_pileup(manifest.get("pileup"))
    platform = manifest.get("platform")
    if not isinstance(platform, str) or name_problem(platform):
        raise ValueError("platform is missing")
    labels = manifest.get("labels")
    if not isinstance(labels, list) or len(labels) != 3 or not all(_is_count(n) for n in labels):
        raise ValueError("labels are no three counts")
    if not isinstance(manifest.get("about"), dict):
        raise ValueError("about is missing")
    _check_buckets(manifest.get("buckets"))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62


def _check_pileup(pileup: object) -> None:
    names = {field.name for field in fields(PileupConfig)}
    if not isinstance(pileup, dict) or set(pileup) != names or not all(map(_is_count, pileup.values())):
        raise ValueError("pileup is no set of sizes")


def _check_buckets(buckets: object) -> None:
    if not isinstance(buckets, list) or len(buckets) > _MOST_BUCKETS:
        raise ValueError("buckets are no list")
    files = []
    for bucket in buckets:
        if not isinstance(bucket, list):
            raise ValueError("a bucket is no list")
        files += bucket
    for name in files:
        if not isinstance(name, str) or not _PLAIN_FILE.fullmatch(name):
            raise ValueError(f"{name!r:.60} is no name of a file in the folder")
    if len(set(files)) != len(files):
        raise ValueError("a file stands there twice")
