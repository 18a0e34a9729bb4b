"""Words of a genome that occur a few times."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.paralogs.columns import Pairs, Words


@kernel
def _mix(x: np.uint64) -> np.uint64:
    """A bijection of 64-bit words that scatters neighbours (the finaliser of SplitMix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def sample_words(
    codes: NDArray[np.uint8],
    k: int,
    sampled: int,
    passes: int,
    turn: int,
    out_word: NDArray[np.uint64],
    out_pos: NDArray[np.int64],
    out_reverse: NDArray[np.bool_],
) -> int:
    """Words of k <= 31 known bases, the lesser of a word and its reverse complement; returns how many.

    Args:
        codes: uint8 (L,). sampled: one word in so many is kept, by its hash; of these, those of the `turn`th
            of so many `passes`.
        out_word uint64, out_pos int64 (of the first base), out_reverse bool: where they are too small,
            the rest is only counted.
    """
    mask = np.uint64((1 << (2 * k)) - 1)
    top = np.uint64(2 * (k - 1))
    forward = reverse = np.uint64(0)
    known = n = 0
    for i in range(len(codes)):
        if codes[i] > 3:
            known = 0
            continue
        code = np.uint64(codes[i])
        forward = ((forward << np.uint64(2)) | code) & mask
        reverse = (reverse >> np.uint64(2)) | ((np.uint64(3) - code) << top)
        known += 1
        if known < k:
            continue
        word = min(forward, reverse)
        hashed = _mix(word)
        if hashed % np.uint64(sampled) == 0 and hashed // np.uint64(sampled) % np.uint64(passes) == turn:
            if n < len(out_word):
                out_word[n], out_pos[n], out_reverse[n] = hashed, i - k + 1, reverse < forward
            n += 1
    return n


@kernel
def count_pairs(word: NDArray[np.uint64], max_copies: int) -> int:
    """How many ordered pairs of equal words there are among groups of 2 to `max_copies`; `word` sorted.

    `word` (n,).
    """
    pairs = 0
    first = 0
    while first < len(word):
        last = first + 1
        while last < len(word) and word[last] == word[first]:
            last += 1
        size = last - first
        if 2 <= size <= max_copies:
            pairs += size * (size - 1)
        first = last
    return pairs


@kernel
def list_pairs(words: Words, max_copies: int, k: int, tile_bp: int, apart_bp: int, pairs: Pairs) -> int:
    """Fill `pairs` with all ordered pairs of places that share a word; returns how many.

    Args:
        words: (n,), sorted. max_copies: more frequent words are passed over. k: bp of a word.
        apart_bp: places of one contig that are nearer are no copies. pairs: room for `count_pairs`.
    """
    word, contig, pos, reverse = words.word, words.contig, words.pos, words.reverse
    tile, other, inverted, shift = pairs.tile, pairs.other, pairs.inverted, pairs.shift
    n = 0
    first = 0
    while first < len(word):
        last = first + 1
        while last < len(word) and word[last] == word[first]:
            last += 1
        if 2 <= last - first <= max_copies:
            for i in range(first, last):
                for j in range(first, last):
                    near = contig[i] == contig[j] and abs(pos[i] - pos[j]) < apart_bp
                    if i == j or near:
                        continue
                    tile[n] = (np.int64(contig[i]) << 40) | (pos[i] // tile_bp)
                    other[n] = contig[j]
                    inverted[n] = reverse[i] != reverse[j]
                    shift[n] = pos[i] + pos[j] + k if inverted[n] else pos[j] - pos[i]
                    n += 1
        first = last
    return n


@kernel
def best_links(
    tile: NDArray[np.int64],
    other: NDArray[np.int32],
    inverted: NDArray[np.bool_],
    shift: NDArray[np.int64],
    spread_bp: int,
    out_row: NDArray[np.int64],
    out_shared: NDArray[np.int64],
) -> int:
    """The pair in the middle of the largest agreeing group of each tile; returns how many tiles.

    Args:
        Columns sorted by (tile, other, inverted, shift). out_row, out_shared: int64, room for each tile.
    """
    n = -1
    low = 0
    for high in range(len(tile)):
        same = tile[low] == tile[high] and other[low] == other[high] and inverted[low] == inverted[high]
        if not same:
            low = high
        while shift[high] - shift[low] > spread_bp:
            low += 1
        if high == 0 or tile[high] != tile[high - 1]:
            n += 1
            out_shared[n] = 0
        if high - low + 1 > out_shared[n]:
            out_shared[n] = high - low + 1
            out_row[n] = (low + high) // 2
    return n + 1
