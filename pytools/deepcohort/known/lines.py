"""Lines of a VCF cut into the columns that alleles take."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.sequence import CODE_OF_ASCII

_TAB, _NEWLINE, _DOT = 9, 10, 46
_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class SiteLines:
    """Records of one contig, L lines.

    Attributes:
        text: the lines, each with its newline. tabs: int64 (L, 5), where the first tabs stand in it.
        first: int64 (L,), where the lines begin. start: int64 (L,), 0-based.
    """

    text: NDArray[np.uint8]
    tabs: NDArray[np.int64]
    first: NDArray[np.int64]
    start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def ref_bp(self) -> NDArray[np.int64]:
        """Length of REF, int64 (L,)."""
        return np.asarray(self.tabs[:, 3] - self.tabs[:, 2] - 1)

    @property
    def is_plain(self) -> NDArray[np.bool_]:
        """Whether REF and ALT are one letter each, and there is no ID, bool (L,)."""
        widths = np.diff(self.tabs[:, 1:], axis=1) == 2
        return np.asarray(widths.all(axis=1) & (self.text[self.tabs[:, 1] + 1] == _DOT))

    @property
    def is_snp(self) -> NDArray[np.bool_]:
        """Whether REF and every ALT are one letter, bool (L,)."""
        alt_bp = self.tabs[:, 4] - self.tabs[:, 3] - 1
        snp = (self.ref_bp == 1) & (alt_bp == 1)
        for row in np.flatnonzero((self.ref_bp == 1) & (alt_bp > 1)).tolist():
            snp[row] = all(len(alt) == 1 for alt in self.fields(row)[4].split(","))
        return np.asarray(snp)

    def codes(self, column: int) -> NDArray[np.uint8]:
        """Base code of the first letter of REF (3) or ALT (4), 4 where it is none of ACGT, uint8 (L,)."""
        return np.asarray(CODE_OF_ASCII[self.text[self.tabs[:, column - 1] + 1]])

    def fields(self, row: int) -> list[str]:
        """CHROM, POS, ID, REF and ALT of a line."""
        return self.text[self.first[row] : self.tabs[row, 4]].tobytes().decode().split("\t")


def cut(text: bytes) -> SiteLines:
    """Columns of whole lines, which are records of one contig and have all the same number of columns."""
    letters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(letters == _NEWLINE)
    first = np.concatenate((np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1))
    tabs = np.flatnonzero(letters == _TAB).reshape(len(ends), -1) if len(ends) else np.empty((0, 5), np.int64)
    tabs = tabs[:, :_COLUMNS]
    return SiteLines(letters, tabs, first, _numbers(letters, tabs[:, 0] + 1, tabs[:, 1]) - 1)


def _numbers(
    letters: NDArray[np.uint8], first: NDArray[np.int64], stop: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Values of the digits letters[first:stop], int64."""
    value = np.zeros(len(first), np.int64)
    for k in range(int((stop - first).max(initial=0))):
        inside = first + k < stop
        value[inside] = 10 * value[inside] + letters[first[inside] + k] - ord("0")
    return value
