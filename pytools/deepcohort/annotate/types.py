"""What flows through annotation."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ScoreRows:
    """n rows of AlphaMissense of one contig, ascending by position.

    Attributes:
        pos: int32, 0-based. code: uint8, REF << 2 | ALT of bases 0 to 3. score: uint16, ten-thousandths.
        klass: uint8, index of config.CLASSES, as the table has it. pair: uint32, index of the table's pairs.
        aa_pos: uint16, residue. aa: uint16, (amino acid - 65) << 5 | (new one - 65).
    """

    pos: NDArray[np.int32]
    code: NDArray[np.uint8]
    score: NDArray[np.uint16]
    klass: NDArray[np.uint8]
    pair: NDArray[np.uint32]
    aa_pos: NDArray[np.uint16]
    aa: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.pos)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "ScoreRows":
        """Some of the rows."""
        return ScoreRows(*(getattr(self, field.name)[rows] for field in fields(self)))


DTYPES = {
    "pos": np.int32,
    "code": np.uint8,
    "score": np.uint16,
    "klass": np.uint8,
    "pair": np.uint32,
    "aa_pos": np.uint16,
    "aa": np.uint16,
}


def no_rows() -> ScoreRows:
    """No rows."""
    return ScoreRows(*(np.empty(0, dtype=dtype) for dtype in DTYPES.values()))


def join_rows(parts: Sequence[ScoreRows]) -> ScoreRows:
    """Rows of all parts, in order."""
    if not parts:
        return no_rows()
    return ScoreRows(*(np.concatenate([getattr(p, name) for p in parts]) for name in DTYPES))


@dataclass(frozen=True, slots=True)
class TableAbout:
    """What a table of AlphaMissense says of itself.

    Attributes:
        name: file name. comment: its comment lines, with the licence. genome: hg38, hg19 or "".
        pairs: (transcript, UniProt id or "").
    """

    name: str
    comment: tuple[str, ...]
    genome: str
    pairs: Sequence[tuple[str, str]]

    @property
    def licence(self) -> str:
        """Its licence line, without the leading #."""
        lines = [line.lstrip("# ").strip() for line in self.comment]
        return next((line for line in lines if "licen" in line.lower()), "no licence line in the table")


class ScoreTable(Protocol):
    """AlphaMissense by allele."""

    about: TableAbout

    def hits(
        self, contig: str, pos: NDArray[np.int64], code: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], ScoreRows]:
        """Rows of each queried SNV: offsets int64 (q + 1,) into the rows."""
        ...

    def close(self) -> None:
        """Close its file."""
        ...


@dataclass(frozen=True, slots=True)
class Alleles:
    """ALTs of the records of a segment, in file order.

    Attributes:
        columns: int64 (m, 10), see `allele_kernels.find_columns`.
        record, number: int64 (a,), record within the segment and ALT within the record, from 0.
        kind: int64 (a,), SNV, MNV ... of allele_kernels. pos, ref_len: int64 (a,), normalised, 0-based.
        code: int64 (a,), REF << 2 | ALT of SNVs. key: uint64 (a,), of position, REF and ALT; 0 where not
        compared.
        start: int64 (a,), first byte of the ALT.
        n_alts: int64 (m,), ALTs of each record.
    """

    columns: NDArray[np.int64]
    record: NDArray[np.int64]
    number: NDArray[np.int64]
    kind: NDArray[np.int64]
    pos: NDArray[np.int64]
    ref_len: NDArray[np.int64]
    code: NDArray[np.int64]
    start: NDArray[np.int64]
    key: NDArray[np.uint64]
    n_alts: NDArray[np.int64]
