"""Counts of the alleles of an annotated VCF."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate.annotated import AltNote
from deepcohort.annotate.config import CLASSES
from deepcohort.annotate.consequence_order import ORDER
from deepcohort.annotate.reasons import REASONS

COHORT = "cohort"
_GRAVE = ("consequence", "class", "reason")


@dataclass(slots=True)
class Tally:
    """Counts by kind of value (consequence, class, reason) and value.

    Attributes:
        cohort: distinct alleles that somebody carries (all, where there are no samples).
        by_sample: int64 (2, s): carried once (heterozygous, hemizygous), carried twice.
    """

    n_samples: int
    cohort: dict[tuple[str, str], int] = field(default_factory=dict)
    by_sample: dict[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict)

    def add(self, note: AltNote, copies: NDArray[np.int64], has_csq: bool) -> None:
        """One ALT that some samples carry."""
        values = [("consequence", note.consequence)] if has_csq else []
        if note.classes:
            values.append(("class", note.am_class))
        elif note.why:
            values.append(("reason", note.why))
        for key in values:
            self.cohort[key] = self.cohort.get(key, 0) + 1
            if self.n_samples:
                counts = self.by_sample.setdefault(key, np.zeros((2, self.n_samples), dtype=np.int64))
                counts[0] += copies == 1
                counts[1] += copies > 1

    def rows(self, samples: Sequence[str]) -> list[list[object]]:
        """Rows of counts.tsv."""
        order = {name: i for i, name in enumerate((*ORDER, *CLASSES, *REASONS))}
        keys = sorted(self.cohort, key=lambda k: (_GRAVE.index(k[0]), order.get(k[1], 99), k[1]))
        found: list[list[object]] = [[COHORT, *key, self.cohort[key], "", ""] for key in keys]
        for s, name in enumerate(samples):
            for key in keys:
                one, two = (int(n) for n in self.by_sample[key][:, s])
                found.append([name, *key, one + two, one, two])
        return found
