"""What is to be said of a sample's reads and calls: the notes of its header, and its records by FILTER.

`deepcohort merge --facts` writes it while every line passes by; the report shows it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from deepcohort.calls.kernels_count import COUNTED_FILTERS, INDEL, OTHER, SNP, count_records
from deepcohort.calls.quality import QualityTally
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.paths import remedy_for
from deepcohort.formats.vcf_text import Segment, VcfHeader

# name in the facts: key of the header line
NOTES = {
    "library": "deepcohort_library",
    "unlike_training": "deepcohort_unlike_training",
    "sex": "deepcohort_sex",
    "reads": "deepcohort_reads",
}
_LIBRARY = "##deepcohort_library=<"  # of each library, where a sample has several
_MODEL = "##deepcohort_model="

Value = int | float | bool | str | list[int]


class RecordTally:
    """Counts the records of one sample, segment by segment."""

    def __init__(self) -> None:
        self._filters = np.zeros(OTHER + 1, np.int64)
        self._called = np.zeros(2, np.int64)

    def add(self, segment: Segment) -> None:
        """Count the lines of `segment`, which are sound."""
        text = np.frombuffer(segment.text, np.uint8)
        count_records(text, segment.lines[:, 2], self._filters, self._called)

    @property
    def records(self) -> dict[str, int]:
        """Records by FILTER, reference blocks left out; `other` for words of other tools."""
        return dict(zip((*COUNTED_FILTERS, "other"), self._filters.tolist(), strict=True))

    @property
    def called(self) -> dict[str, int]:
        """PASS records with an ALT in the genotype; those with an indel are not among the SNPs."""
        return {"snp": int(self._called[SNP]), "indel": int(self._called[INDEL])}


def note_of(lines: Sequence[str], key: str, path: Path) -> dict[str, Value] | None:
    """Values of the header line `##key=NAME=value;...`; None without such a line.

    Raises:
        DeepcohortError: the line of the file `path` is malformed.
    """
    prefix = f"##{key}="
    line = next((line for line in lines if line.startswith(prefix) and line[len(prefix) :][:1] != "<"), None)
    if line is None:
        return None
    items = [item.partition("=") for item in line[len(prefix) :].split(";")]
    if not all(k and v for k, _, v in items):
        raise DeepcohortError(f"{path} has a malformed header line '{line[:80]}'; {remedy_for(path)}")
    return {name: _value(text) for name, _, text in items}


def libraries_of(lines: Sequence[str], path: Path) -> list[dict[str, Value]]:
    """Values of the header's lines on single libraries; none where a sample has one.

    Raises:
        DeepcohortError: such a line of the file `path` is malformed.
    """
    found: list[dict[str, Value]] = []
    for line in lines:
        if not line.startswith(_LIBRARY):
            continue
        items = [item.partition("=") for item in line[len(_LIBRARY) : -1].split(",")]
        if not line.endswith(">") or items[0][0] != "ID" or not all(k and v for k, _, v in items):
            raise DeepcohortError(f"{path} has a malformed header line '{line[:80]}'; {remedy_for(path)}")
        found.append({k: unquote(v) if k in ("ID", "Platform") else _value(v) for k, _, v in items})
    return found


def _value(text: str) -> Value:
    if text in ("yes", "no"):
        return text == "yes"
    if re.fullmatch(r"\d+(-\d+)+", text):
        return [int(part) for part in text.split("-")]
    if re.fullmatch(r"\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"\d+\.\d+", text) else text


def check_sample(header: VcfHeader, path: Path) -> None:
    """Raises DeepcohortError where `path` is no file of one sample: facts are of one."""
    if len(header.samples) != 1:
        raise DeepcohortError(
            f"{path} holds {len(header.samples)} samples; --facts is for the VCF or gVCF of one sample"
        )


def facts_of(
    header: VcfHeader, tally: RecordTally, path: Path, quality: QualityTally | None = None
) -> dict[str, Any]:
    """Facts of the sample of `header`; `path` is the file that it was read from."""
    model = next((line for line in header.lines if line.startswith(_MODEL)), _MODEL)
    notes: dict[str, Any] = {name: note_of(header.lines, key, path) for name, key in NOTES.items()}
    if libraries := libraries_of(header.lines, path):
        notes["libraries"] = libraries
    return {
        "sample": header.samples[0],
        "model": model.removeprefix(_MODEL),
        **notes,
        "records": tally.records,
        "called": tally.called,
        "quality": quality.facts() if quality else None,
    }


def facts_text(facts: Mapping[str, Any]) -> str:
    """JSON text of facts."""
    return json.dumps(facts, indent=1) + "\n"


def note_difference(a: str, b: str) -> str | None:
    """What two lines of one note say differently; None where they are not two lines of one note."""
    key = a.partition("=")[0]
    if key.removeprefix("##") not in NOTES.values() or key != b.partition("=")[0]:
        return None
    pairs = zip(*(re.split("[;,]", line.partition("=")[2]) for line in (a, b)), strict=False)
    found = [f"{x} against {y}" for x, y in pairs if x != y]
    return f"{key} ({'; '.join(found) or 'more values'})"
