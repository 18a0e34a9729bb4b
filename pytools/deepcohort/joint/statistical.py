"""Statistical phase of unrelated samples taken into a cohort VCF, where the reads do not say otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.joint import statistical_kernels as sk
from deepcohort.joint.phase_kernels import FAMILY_SET


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a VCF.

    Attributes:
        text: uint8. table: what stands in it. first: number of its first line in the file.
    """

    text: NDArray[np.uint8]
    table: sk.LineTable
    first: int


def read_chunk(text: bytes, n_samples: int, first: int) -> Chunk:
    """The lines `text`, of a VCF of `n_samples`."""
    n = text.count(b"\n")
    table = sk.LineTable(
        np.zeros((n, 7), dtype=np.int64),
        np.zeros((n, 3), dtype=np.int16),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.bool_),
        np.zeros((n, n_samples, 2), dtype=np.int16),
        np.zeros((n, n_samples), dtype=np.int32),
    )
    array = np.frombuffer(text, dtype=np.uint8)
    sk.read_lines(array, table)
    return Chunk(array, table, first)


def phaser_input(chunk: Chunk, chosen: NDArray[np.int64]) -> tuple[bytes, int]:
    """The chunk's lines for the phaser, and how many."""
    # a cell of one copy, `0` or `.`, becomes `0/0` or `./.`
    n_bytes = 2 * len(chunk.text) + (sk.LINE_BYTES + len(chosen)) * len(chunk.table.place)
    out = np.empty(n_bytes, dtype=np.uint8)
    used, n = sk.put_input(chunk.text, chunk.table, chosen, chunk.first, out)
    return out[:used].tobytes(), n


class PhaserLines:
    """The phaser's lines, taken in order along with those of the cohort."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._held: Chunk | None = next(chunks, None)
        self._at = 0

    def orders(self, chunk: Chunk, chosen: NDArray[np.int64]) -> NDArray[np.int8]:
        """int8 (L, N), see `statistical_order`, of the next chunk of the cohort."""
        order = np.full(chunk.table.phase_set.shape, -1, dtype=np.int8)
        while self._held is not None:
            found = sk.LineTable(*(column[self._at :] for column in self._held.table))  # type: ignore[arg-type]
            part = np.full_like(order, -1)
            taken = sk.statistical_order(chunk.table, chunk.first, chosen, found, part)
            order = np.where(part >= 0, part, order)
            self._at += taken
            if self._at < len(self._held.table.number):
                break
            self._held, self._at = next(self._chunks, None), 0
        return order


@dataclass(slots=True)
class BlockVotes:
    """How each sample's read blocks lie to the statistical haplotypes: votes of their sites."""

    _keys: list[NDArray[np.int64]] = field(default_factory=list)
    _votes: list[NDArray[np.int64]] = field(default_factory=list)
    keys: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    turned: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    overruled: int = 0

    def add(self, chunk: Chunk, order: NDArray[np.int8]) -> None:
        """Votes of the read-phased genotypes that the phaser has, too."""
        line, sample = np.nonzero(_in_block(chunk.table) & (order >= 0))
        key = _key(sample, chunk.table.phase_set[line, sample])
        found, inverse = np.unique(key, return_inverse=True)
        votes = np.bincount(inverse, 1 - 2.0 * order[line, sample], len(found)).astype(np.int64)
        self._keys.append(found)
        self._votes.append(votes)
        if len(self._keys) > 200:
            self._merge()

    def _merge(self) -> None:
        keys, inverse = np.unique(np.concatenate([*self._keys]), return_inverse=True)
        votes = np.bincount(inverse, np.concatenate([*self._votes]), len(keys)).astype(np.int64)
        self._keys, self._votes = [keys], [votes]

    def settle(self) -> None:
        """Lay each block as most of its sites say; as it is written where they are even."""
        if self._keys:
            self._merge()
            self.keys, self.turned = self._keys[0], self._votes[0] < 0

    def final(self, chunk: Chunk, order: NDArray[np.int8], chosen: NDArray[np.int64]) -> NDArray[np.int8]:
        """What is written: statistical order, but within read blocks what the reads say."""
        held = np.zeros(order.shape[1], dtype=np.bool_)
        held[chosen] = True
        final = np.where(held & (chunk.table.phase_set < 0), order, -1).astype(np.int8)
        line, sample = np.nonzero(_in_block(chunk.table) & held)
        key = _key(sample, chunk.table.phase_set[line, sample])
        at = np.searchsorted(self.keys, key)
        known = at < len(self.keys)
        known[known] = self.keys[at[known]] == key[known]
        line, sample, at = line[known], sample[known], at[known]
        final[line, sample] = self.turned[at]
        said = order[line, sample]
        self.overruled += int(((said >= 0) & (said != final[line, sample])).sum())
        return final


def _in_block(table: sk.LineTable) -> NDArray[np.bool_]:
    """Heterozygous genotypes of a read block: a PS of their own."""
    gt = table.gt
    het = (gt[..., 0] >= 0) & (gt[..., 1] >= 0) & (gt[..., 0] != gt[..., 1])
    return het & (table.phase_set > 0) & (table.phase_set != FAMILY_SET)


def _key(sample: NDArray[np.int64], phase_set: NDArray[np.int32]) -> NDArray[np.int64]:
    return (sample.astype(np.int64) << 32) | phase_set.astype(np.int64)


def phased_lines(chunk: Chunk, order: NDArray[np.int8]) -> bytes:
    """The chunk's lines with their phase."""
    n, n_samples = order.shape
    # `:.` for each value that a cell leaves out
    cell_bytes = sk.CELL_BYTES + 2 * int(chunk.table.keys[:, 0].max(initial=0))
    out = np.empty(len(chunk.text) + n * (sk.LINE_BYTES + cell_bytes * n_samples), dtype=np.uint8)
    return out[: sk.put_lines(chunk.text, chunk.table, order, out)].tobytes()
