"""Places of files: local paths, or URLs that htslib reads by byte range."""

import re
from pathlib import Path

_SCHEME = re.compile(r"(https?|ftp|s3|gs):/+")


def location(path: str | Path) -> str:
    """Text of `path`; a URL that went through pathlib (which folds "//") gets its two slashes back."""
    text = str(path)
    match = _SCHEME.match(text)
    return f"{match[1]}://{text[match.end() :]}" if match else text


def is_remote(path: str | Path) -> bool:
    """Whether `path` is a URL."""
    return "://" in location(path)


def remedy_for(path: str | Path) -> str:
    """The remedy for a damaged file that a command wrote.

    A link is how Nextflow hands a task the file of another task's folder; as long as that folder is there,
    -resume takes the file for sound.
    """
    if Path(path).is_symlink():
        return f"remove the folder {Path(path).resolve().parent} that holds it, then run with -resume"
    return "make it again"
