"""Numbers that a caller wrote beside its records: QUAL, GQ, and INFO fields."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.config import SCORE_KEY

_INFO = re.compile(r"##INFO=<ID=([^,>]+),Number=(1|A),Type=(?:Integer|Float)[,>]")
_ALWAYS = ("QUAL", "FORMAT/GQ")
_NEVER = {SCORE_KEY, "END", "AC", "AF", "AN", "NS", "SVLEN"}  # place or cohort, not evidence


@dataclass(frozen=True, slots=True)
class Annotations:
    """Which numbers are read: "QUAL", "FORMAT/GQ", INFO keys; `per_alt`: keys with a value for each ALT."""

    names: tuple[str, ...]
    per_alt: frozenset[str]

    def values(
        self, lines: Sequence[Sequence[bytes]], records: Sequence[RecordAlleles]
    ) -> NDArray[np.float64]:
        """Values float64 (n, len(names)) of records split into fields; NaN where absent."""
        out = np.full((len(lines), len(self.names)), np.nan)
        keys = [name.encode() for name in self.names]
        for row, (fields, record) in enumerate(zip(lines, records, strict=True)):
            if not keys:
                break
            info = dict(part.partition(b"=")[::2] for part in fields[7].split(b";"))
            for column, (key, name) in enumerate(zip(keys, self.names, strict=True)):
                if name == "QUAL":
                    text = fields[5]
                elif name == "FORMAT/GQ":
                    text = _sample_value(fields, b"GQ")
                else:
                    text = info.get(key, b"")
                    if name in self.per_alt and b"," in text:
                        text = text.split(b",")[min(record.called[0], text.count(b","))]
                out[row, column] = _number(text)
        return out


def _number(text: bytes) -> float:
    try:
        value = float(text)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def _sample_value(fields: Sequence[bytes], key: bytes) -> bytes:
    if len(fields) != 10:
        return b""
    keys, values = fields[8].split(b":"), fields[9].split(b":")
    at = keys.index(key) if key in keys else len(values)
    return values[at] if at < len(values) else b""


def plain_annotations(names: Sequence[str], per_alt: Sequence[str] = ()) -> Annotations:
    """The annotations of these names."""
    return Annotations(tuple(names), frozenset(per_alt))


def annotations_of(header_lines: Sequence[str]) -> Annotations:
    """All that a VCF of this header may hold: QUAL, GQ, and the numeric INFO fields."""
    found = {m[1]: m[2] for line in header_lines if (m := _INFO.match(line)) and m[1] not in _NEVER}
    return Annotations((*_ALWAYS, *sorted(found)), frozenset(k for k, n in found.items() if n == "A"))
