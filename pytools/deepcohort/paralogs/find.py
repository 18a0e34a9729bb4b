"""Near-identical copies within a reference: the likest other place of every tile of it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.io import ReferenceFasta
from deepcohort.core.progress import track
from deepcohort.core.region import Region
from deepcohort.paralogs.columns import Pairs, Words
from deepcohort.paralogs.config import FindConfig
from deepcohort.paralogs.find_kernels import best_links, count_pairs, list_pairs, sample_words
from deepcohort.paralogs.types import TILE_BP, Link, Links

_Words = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.bool_]]
_Pairs = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_], NDArray[np.int64]]


def find_paralogs(
    reference: Path, config: FindConfig | None = None, quiet: bool = False
) -> tuple[Links, dict[str, int]]:
    """(links of the tiles that have a copy, contig lengths).

    Two places are copies where they share so many sampled words of `kmer_bp` bases that agree on their
    distance.

    Raises:
        DeepcohortError: the reference cannot be read.
    """
    config = config or FindConfig()
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
        passes = -(-sum(lengths.values()) // (config.sampled * config.most_words)) or 1
        steps = [(turn, name) for turn in range(passes) for name in lengths]
        found: list[_Pairs] = []
        words: list[_Words] = []
        for turn, name in track(steps, len(steps), "words", quiet):
            codes = fasta.fetch_codes(Region(name, 0, lengths[name]))
            words.append(_words(codes, config, passes, turn))
            if len(words) == len(lengths):
                found.append(_pairs(words, config))
                words.clear()
    return _links(found, list(lengths), config), lengths


def _words(codes: NDArray[np.uint8], config: FindConfig, passes: int, turn: int) -> _Words:
    """(word, position, whether reversed) of the sampled words of a contig."""
    capacity = 2 * len(codes) // (config.sampled * passes) + 64
    while True:
        word, pos = np.empty(capacity, np.uint64), np.empty(capacity, np.int64)
        reverse = np.empty(capacity, np.bool_)
        n = sample_words(codes, config.kmer_bp, config.sampled, passes, turn, word, pos, reverse)
        if n <= capacity:
            return word[:n], pos[:n], reverse[:n]
        capacity = n


def _pairs(words: list[_Words], config: FindConfig) -> _Pairs:
    """(tile, other contig, inverted, shift) of every pair of places that share a word."""
    contig = np.repeat(np.arange(len(words), dtype=np.int32), [len(w) for w, _, _ in words])
    word, pos, reverse = (np.concatenate([*parts]) for parts in zip(*words, strict=True))
    order = np.argsort(word, kind="stable")
    word = word[order]
    capacity = count_pairs(word, config.max_copies)
    tile, shift = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    other, inverted = np.empty(capacity, np.int32), np.empty(capacity, np.bool_)
    sorted_words = Words(word, contig[order], pos[order], reverse[order])
    found = Pairs(tile, other, inverted, shift)
    n = list_pairs(sorted_words, config.max_copies, config.kmer_bp, TILE_BP, config.apart_bp, found)
    return tile[:n], other[:n], inverted[:n], shift[:n]


def _links(found: list[_Pairs], names: list[str], config: FindConfig) -> Links:
    """The best-supported copy of each tile."""
    tile, other, inverted, shift = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((shift, inverted, other, tile))
    tile, other, inverted, shift = tile[order], other[order], inverted[order], shift[order]
    rows, shared = np.empty(len(tile), np.int64), np.empty(len(tile), np.int64)
    n_tiles = best_links(tile, other, inverted, shift, config.spread_bp, rows, shared)
    links: Links = {}
    for row, count in zip(rows[:n_tiles].tolist(), shared[:n_tiles].tolist(), strict=True):
        if count >= config.min_shared:
            here, number = int(tile[row]) >> 40, int(tile[row]) & ((1 << 40) - 1)
            link = Link(names[other[row]], bool(inverted[row]), int(shift[row]), count)
            links[names[here], number] = link
    return links
