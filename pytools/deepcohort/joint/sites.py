"""Primitives of all samples to sites: one per POS, its alleles extended to the longest REF."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.joint import columns as c
from deepcohort.joint.allele_kernels import hash_primitives

_ALT = re.compile(rb"(?:<[^>]*>|[^,<])+")  # commas may stand within <...>


@dataclass(frozen=True, slots=True)
class Sites:
    """S sites of one window, by position; alleles do not yet include `*`.

    Attributes:
        pos: int64 (S,), 0-based. ref_len: int32 (S,), bp.
        alts: ALT texts of each site, without the bases that REF adds.
        alt_ref_lens: reference bases that each ALT replaces.
        origins: of each site, "ALT index|POS|REF|ALT" of alleles that a record wrote otherwise.
    """

    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    alts: list[list[bytes]]
    alt_ref_lens: list[list[int]]
    origins: list[list[bytes]]

    def __len__(self) -> int:
        return len(self.pos)


def merge_alleles(
    table: NDArray[np.int32],
    seq: NDArray[np.uint8],
    records: NDArray[np.int32],
    allele_text: NDArray[np.uint8],
    start: int,
    end: int,
) -> Sites:
    """Sites with POS in [start, end) that some sample's genotype calls; sets P_ALLELE in `table`.

    Alleles of a site stand by descending number of records that call them, then by REF length and
    text, so that their order does not depend on that of the samples.
    """
    solid = np.flatnonzero(
        (table[:, c.P_SEQ_LEN] >= 0) & (table[:, c.P_POS] >= start) & (table[:, c.P_POS] < end)
    )
    hashes = hash_primitives(table, seq)[solid]
    pos = table[solid, c.P_POS].astype(np.int64)
    order = np.lexsort((hashes, pos))
    solid, hashes, pos = solid[order], hashes[order], pos[order]
    new = np.ones(len(solid), dtype=np.bool_)
    new[1:] = (pos[1:] != pos[:-1]) | (hashes[1:] != hashes[:-1])
    first = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    calls = np.bincount(group, weights=table[solid, c.P_CALLED], minlength=len(first)).astype(np.int64)
    kept = np.flatnonzero(calls)
    site_pos, site_of = np.unique(pos[first[kept]], return_inverse=True)
    rows = table[solid[first[kept]]]
    texts = [seq[row[c.P_SEQ] : row[c.P_SEQ] + row[c.P_SEQ_LEN]].tobytes() for row in rows]
    ref_len = np.ones(len(site_pos), dtype=np.int32)
    np.maximum.at(ref_len, site_of, rows[:, c.P_REF_LEN])
    ranks = sorted(
        range(len(kept)), key=lambda i: (site_of[i], -calls[kept[i]], rows[i, c.P_REF_LEN], texts[i])
    )
    alts: list[list[bytes]] = [[] for _ in site_pos]
    alt_ref_lens: list[list[int]] = [[] for _ in site_pos]
    allele_of_group = np.zeros(len(first), dtype=np.int32)
    for i in ranks:
        site = site_of[i]
        alts[site].append(texts[i])
        alt_ref_lens[site].append(int(rows[i, c.P_REF_LEN]))
        allele_of_group[kept[i]] = len(alts[site])
    table[solid, c.P_ALLELE] = allele_of_group[group]
    origins = _trace(table, solid, records, allele_text, site_pos)
    return Sites(site_pos, ref_len, alts, alt_ref_lens, origins)


def _trace(
    table: NDArray[np.int32],
    solid: NDArray[np.int64],
    records: NDArray[np.int32],
    allele_text: NDArray[np.uint8],
    site_pos: NDArray[np.int64],
) -> list[list[bytes]]:
    """Origins of called alleles whose record has another POS, or that are part of an MNP."""
    origins: list[set[bytes]] = [set() for _ in site_pos]
    rows = table[solid]
    on_site = (rows[:, c.P_ALLELE] > 0) & (rows[:, c.P_CALLED] > 0)
    moved = records[rows[:, c.P_REC], c.POS] != rows[:, c.P_POS]
    # substitutions of a REF longer than 1 base: trimmed, or one part of an MNP
    part = (rows[:, c.P_REF_LEN] == 1) & (rows[:, c.P_SEQ_LEN] == 1)
    part &= records[rows[:, c.P_REC], c.REF_LEN] > 1
    for row in rows[on_site & (moved | part)]:
        record = records[row[c.P_REC]]
        text = allele_text[record[c.SEQ] : record[c.SEQ] + record[c.SEQ_LEN]].tobytes()
        ref, _, alts = text.partition(b"\t")
        alt = _ALT.findall(alts)[row[c.P_ALT] - 1]
        if not moved_or_split(record, ref, alt, row):
            continue
        site = int(np.searchsorted(site_pos, row[c.P_POS]))
        origins[site].add(b"%d|%d|%s|%s" % (row[c.P_ALLELE], record[c.POS] + 1, ref, alt))
    return [sorted(found) for found in origins]


def moved_or_split(record: NDArray[np.int32], ref: bytes, alt: bytes, row: NDArray[np.int32]) -> bool:
    """Whether an allele stands elsewhere than in its record, or is one of several parts of it."""
    if record[c.POS] != row[c.P_POS]:
        return True
    return len(ref) == len(alt) and sum(a != b for a, b in zip(ref, alt, strict=True)) > 1
