"""AlphaMissense's table of all amino-acid substitutions: the few that are wanted, in one pass."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate import table_kernels as tk
from deepcohort.annotate.text_source import TextSource
from deepcohort.core.errors import DeepcohortError

WHAT = "amino-acid table"
_NEEDED = ("uniprot_id", "protein_variant", "am_pathogenicity", "am_class")


def _hash(text: bytes) -> int:
    key = 14695981039346656037
    for byte in text:
        key = (key ^ byte) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return key


def read_substitutions(
    path: Path, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Score (ten-thousandths) and class of the wanted (UniProt id, change such as V2L) that the table has.

    Raises:
        DeepcohortError: no such table, truncated, or malformed where it was looked at.
    """
    source = TextSource(path, WHAT)
    try:
        which = _columns(source, path)
        pairs = sorted({(_hash(f"{a}\t{b}".encode()), (a, b)) for a, b in wanted})
        keys = np.array([key for key, _ in pairs], dtype=np.uint64)
        found: dict[tuple[str, str], tuple[int, int]] = {}
        first = True
        while pairs and (text := source.read_lines()):
            if first and not text.startswith(b"#"):  # the header has no #
                text = text[text.index(b"\n") + 1 :]
            first = False
            out = np.empty((text.count(b"\n"), 4), dtype=np.int64)
            n, line, fault = tk.find_substitutions(np.frombuffer(text, dtype=np.uint8), which, keys, out)
            if fault:
                shown = text.split(b"\n", line + 1)[line][:60].decode("ascii", "replace")
                raise DeepcohortError(
                    f"{WHAT} {path} has a malformed or cut line '{shown}'; download it again"
                )
            for k, score, klass, at in out[:n].tolist():
                fields = text[at : text.index(b"\n", at)].decode("ascii", "replace").split("\t")
                pair = fields[int(which[0])], fields[int(which[1])]
                if pair == pairs[k][1]:
                    found[pair] = score, klass
    finally:
        source.close()
    return found


def _columns(source: TextSource, path: Path) -> NDArray[np.int64]:
    source.header()
    line = source.read_lines(1 << 16).split(b"\n", 1)[0].decode("ascii", "replace").rstrip("\r")
    columns = line.split("\t")
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise DeepcohortError(
            f"{WHAT} {path} has no column {', '.join(missing)}; give "
            f"AlphaMissense_aa_substitutions.tsv.gz as published"
        )
    source.header()
    return np.array([columns.index(name) for name in _NEEDED], dtype=np.int64)
