"""Complex records cut into their smallest parts, as `rtg vcfeval --decompose` cuts them.

Each ALT is aligned with REF end to end (affine gaps: open 1, extend 1, substitution 1); wherever
every ALT agrees with REF the record is cut and the agreeing bases are dropped. MNPs whose bases all
differ stay whole.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.evaluate import variant_kernels as vk
from deepcohort.evaluate.types import RecordTable

_MATCH, _MISMATCH, _INSERT, _DELETE = 0, 1, 2, 3
_BIG = 1 << 28
_UNKNOWN_PENALTY = 10


@kernel
def decomposable(pool, pool_offset, ref_len, alt_len, code):  # type: ignore[no-untyped-def]
    """Whether cutting could change a record, bool (R,): plain bases, and more than a SNP or simple indel."""
    n = len(pool_offset)
    out = np.zeros(n, dtype=np.bool_)
    for i in range(n):
        if ref_len[i] == 1 and alt_len[i] == 1:
            continue
        start = pool_offset[i]
        end = start + ref_len[i] + 1 + alt_len[i]
        plain = True
        n_alts = 1
        longest = 0
        length = 0
        for k in range(start, end):
            c = pool[k]
            if k == start + ref_len[i]:
                continue
            if c == vk.COMMA:
                n_alts += 1
                longest = max(longest, length)
                length = 0
            elif code[c] == 0 or code[c] == 255:
                plain = False
                break
            elif k > start + ref_len[i]:
                length += 1
        longest = max(longest, length)
        if not plain:
            continue
        if ref_len[i] == 1 and longest == 1:
            continue
        simple = n_alts == 1 and (ref_len[i] == 1 or alt_len[i] == 1)
        out[i] = not (simple and pool[start] == pool[start + ref_len[i] + 1])
    return out


@kernel
def align(alt, ref):  # type: ignore[no-untyped-def]
    """Edit steps that turn `ref` into `alt`: uint8 of _MATCH, _MISMATCH, _INSERT, _DELETE.

    Ties prefer, from the end backwards, a diagonal step, then a deletion, then an insertion.

    `alt`, `ref`: uint8 (n,), (m,).
    """
    n, m = len(alt), len(ref)
    # three layers: gap in ALT (bases of REF deleted), diagonal, gap in REF (bases inserted)
    deleted = np.full((m + 1, n + 1), _BIG, dtype=np.int64)
    diagonal = np.full((m + 1, n + 1), _BIG, dtype=np.int64)
    inserted = np.full((m + 1, n + 1), _BIG, dtype=np.int64)
    diagonal[0, 0] = 0
    inserted[0, 0] = 1
    deleted[0, 0] = 1
    for r in range(1, m + 1):
        deleted[r, 0] = deleted[r - 1, 0] + 1
        inserted[r, 0] = _BIG + 1
    deleted[0, 0] += 2
    for a in range(1, n + 1):
        inserted[0, a] = inserted[0, a - 1] + 1
    for r in range(1, m + 1):
        for a in range(1, n + 1):
            if ref[r - 1] == 0 or alt[a - 1] == 0:
                cost = _UNKNOWN_PENALTY
            else:
                cost = 0 if ref[r - 1] == alt[a - 1] else 1
            deleted[r, a] = 1 + min(deleted[r - 1, a], diagonal[r - 1, a] + 1, inserted[r - 1, a] + 1)
            diagonal[r, a] = cost + min(deleted[r - 1, a - 1], diagonal[r - 1, a - 1], inserted[r - 1, a - 1])
            inserted[r, a] = 1 + min(deleted[r, a - 1] + 1, diagonal[r, a - 1] + 1, inserted[r, a - 1])
    steps = np.empty(n + m, dtype=np.uint8)
    n_steps = 0
    r, a = m, n
    locked = _MATCH
    best = min(deleted[r, a], diagonal[r, a], inserted[r, a])
    while r > 0 or a > 0:
        if best == diagonal[r, a] and r > 0 and a > 0 and locked == _MATCH:
            steps[n_steps] = _MATCH if ref[r - 1] == alt[a - 1] and ref[r - 1] != 0 else _MISMATCH
            r -= 1
            a -= 1
            best = min(deleted[r, a], diagonal[r, a], inserted[r, a])
        elif r > 0 and (locked == _DELETE or (best == deleted[r, a] and locked != _INSERT)):
            steps[n_steps] = _DELETE
            r -= 1
            before = best
            best = min(deleted[r, a], diagonal[r, a], inserted[r, a])
            if before == best + 2:
                locked = _MATCH
            else:
                locked = _DELETE
                best = deleted[r, a]
        else:
            steps[n_steps] = _INSERT
            a -= 1
            before = best
            best = min(deleted[r, a], diagonal[r, a], inserted[r, a])
            if before == best + 2:
                locked = _MATCH
            else:
                locked = _INSERT
                best = inserted[r, a]
        n_steps += 1
    return steps[:n_steps][::-1].copy()


def cut(ref: str, alts: list[str]) -> list[tuple[int, list[str]]]:
    """Parts of a record that are not all reference: (offset in REF, alleles of the part, REF first)."""
    steps = [align(vk.ALLELE_CODE[_bytes(alt)], vk.ALLELE_CODE[_bytes(ref)]) for alt in alts]
    at = [0] * len(alts)  # next step
    read = [0] * len(alts)  # bases of the ALT used
    written = [0] * len(alts)  # bases of the ALT already in a part
    parts: list[tuple[int, list[str]]] = []

    def take_insertions(k: int) -> bool:
        before = at[k]
        while at[k] < len(steps[k]) and steps[k][at[k]] == _INSERT:
            at[k] += 1
            read[k] += 1
        return at[k] > before

    def close(start: int, end: int) -> None:
        alleles = [ref[start:end]] + [alt[written[k] : read[k]] for k, alt in enumerate(alts)]
        written[:] = read
        parts.append((start, alleles))

    start = 0
    was_ref = not any([take_insertions(k) for k in range(len(alts))])
    pos = 0
    while pos < len(ref):
        is_ref = all(steps[k][at[k]] == _MATCH for k in range(len(alts)))
        if is_ref != was_ref:
            if pos > 0 or not was_ref:
                close(start, pos)
            start, was_ref = pos, is_ref
        if any([take_insertions(k) for k in range(len(alts))]):
            continue  # judge this position again behind the insertion
        for k in range(len(alts)):
            if steps[k][at[k]] != _DELETE:
                read[k] += 1
            at[k] += 1
            if not is_ref:
                take_insertions(k)
        pos += 1
    close(start, len(ref))
    if was_ref and any([take_insertions(k) for k in range(len(alts))]):
        close(len(ref), len(ref))
    return [part for part in parts if any(allele != part[1][0] for allele in part[1][1:])]


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def cut_record(pos: int, ref: str, alts: list[str]) -> list[tuple[int, str, list[str], list[int]]] | None:
    """Parts of a record as records of their own, or None if it stays whole.

    Returns:
        Per part: position, REF, ALTs, and for each old allele id the new one.
    """
    pad = 1 if all(alt[0] == ref[0] for alt in alts) else 0
    parts = cut(ref[pad:], [alt[pad:] for alt in alts])
    if not parts:
        return None
    if len(parts) == 1 and len(parts[0][1][0]) == len(ref) - pad and (pad == 0 or "" in parts[0][1]):
        return None
    out = []
    for offset, alleles in parts:
        offset += pad
        start = pos + offset
        left = right = ""
        if "" in alleles:  # VCF wants an anchor base: from the left where the record has one
            if offset > 0:
                left = ref[offset - 1]
                start -= 1
            else:
                right = ref[offset + len(alleles[0]) - pad]
        new_ids = [0]
        new_alts: list[str] = []
        for allele in alleles[1:]:
            if allele == alleles[0]:
                new_ids.append(0)
                continue
            text = left + allele + right
            if text not in new_alts:
                new_alts.append(text)
            new_ids.append(new_alts.index(text) + 1)
        out.append((start, left + alleles[0] + right, new_alts, new_ids))
    return out


def in_reading_order(table: RecordTable) -> RecordTable:
    """`table` with records of one position in the order in which vcfeval takes them."""
    return _ordered(table, np.arange(len(table)), {}, by_alleles=False)


def decompose(table: RecordTable) -> RecordTable:
    """`table` with complex records cut, in reading order; parts keep the other columns of their record."""
    rows = np.flatnonzero(
        decomposable(table.pool, table.pool_offset, table.ref_len, table.alt_len, vk.ALLELE_CODE)
    )
    drop = np.zeros(len(table), dtype=bool)
    source: list[int] = []
    made: list[tuple[int, int, int, int]] = []  # pos, ref_len, alt_len, gt_len
    genotypes: list[NDArray[np.int16]] = []
    text = bytearray()
    offsets: list[int] = []
    for row in rows.tolist():
        ref, alt, gt_text = table.text(row)
        gt = table.gt[row]
        parts = cut_record(int(table.pos[row]), ref, alt.split(","))
        if parts is None or (gt > alt.count(",") + 1).any():
            continue
        drop[row] = True
        for start, new_ref, new_alts, new_ids in parts:
            new_gt = np.array([new_ids[a] if a > 0 else a for a in gt], dtype=np.int16)
            separator = "|" if "|" in gt_text else "/"
            written = separator.join("." if a < 0 else str(a) for a in new_gt.tolist() if a > -2)
            new_alt = ",".join(new_alts)
            offsets.append(len(text))
            text += f"{new_ref}\t{new_alt}{written}".encode()
            source.append(row)
            made.append((start, len(new_ref), len(new_alt), len(written)))
            genotypes.append(new_gt)
    if not source:
        return _ordered(table, np.arange(len(table)), {}, by_alleles=True)
    keep = np.flatnonzero(~drop)
    columns = np.array(made, dtype=np.int64)
    replaced = {
        "pos": np.concatenate([table.pos[keep], columns[:, 0]]).astype(np.int32),
        "ref_len": np.concatenate([table.ref_len[keep], columns[:, 1]]).astype(np.int32),
        "alt_len": np.concatenate([table.alt_len[keep], columns[:, 2]]).astype(np.int32),
        "gt_len": np.concatenate([table.gt_len[keep], columns[:, 3]]).astype(np.int32),
        "pool": np.concatenate([table.pool, np.frombuffer(bytes(text), dtype=np.uint8)]),
        "pool_offset": np.concatenate([table.pool_offset[keep], np.array(offsets) + len(table.pool)]),
        "gt": np.concatenate([table.gt[keep], np.array(genotypes, dtype=np.int16)]),
    }
    return _ordered(table, np.concatenate([keep, np.array(source)]), replaced, by_alleles=True)


def _ordered(
    table: RecordTable, source: NDArray, replaced: dict[str, NDArray], by_alleles: bool
) -> RecordTable:
    columns = {name: replaced.get(name, getattr(table, name)) for name in ("pos", "ref_len", "alt_len")}
    if not replaced:
        columns = {name: column[source] for name, column in columns.items()}
    pool = replaced.get("pool", table.pool)
    offset = replaced.get("pool_offset", table.pool_offset[source])
    order = np.lexsort((table.line[source], columns["pos"]))
    sorted_pos = columns["pos"][order]
    tied = np.flatnonzero(sorted_pos[1:] == sorted_pos[:-1])
    if len(tied):
        starts = tied[np.concatenate([[True], np.diff(tied) > 1])]
        for start in starts.tolist():
            end = start + 1
            while end < len(order) and sorted_pos[end] == sorted_pos[start]:
                end += 1
            rows = order[start:end].tolist()
            if by_alleles:
                rows = _by_alleles(rows, columns, pool, offset)
            order[start:end] = heap_order(rows, [int(columns["ref_len"][row]) for row in rows])
    out = {}
    for name in RecordTable.__slots__:
        if name == "pool":
            out[name] = pool
        elif name in replaced:
            out[name] = replaced[name][order]
        else:
            out[name] = getattr(table, name)[source][order]
    return RecordTable(**out)


def _by_alleles(
    rows: list[int], columns: dict[str, NDArray], pool: NDArray[np.uint8], offset: NDArray
) -> list[int]:
    def alleles(row: int) -> tuple[list[str], str]:
        start = int(offset[row])
        cut = start + int(columns["ref_len"][row])
        alt = pool[cut + 1 : cut + 1 + int(columns["alt_len"][row])].tobytes().decode()
        return alt.split(","), pool[start:cut].tobytes().decode()

    return sorted(rows, key=alleles)


def heap_order(items: list[int], keys: list[int]) -> list[int]:
    """`items` by ascending `keys` in the order in which a binary heap gives them back.

    Among matches that are equally good the order of records decides, so ties must fall as they do
    in vcfeval.
    """
    heap: list[tuple[int, int]] = []
    for entry in zip(keys, items, strict=True):
        heap.append(entry)
        k = len(heap) - 1
        while k > 0 and entry[0] < heap[(k - 1) // 2][0]:
            heap[k] = heap[(k - 1) // 2]
            k = (k - 1) // 2
        heap[k] = entry
    out = []
    while heap:
        out.append(heap[0][1])
        entry = heap.pop()
        if not heap:
            break
        k = 0
        while 2 * k + 1 < len(heap):
            child = 2 * k + 1
            if child + 1 < len(heap) and heap[child][0] > heap[child + 1][0]:
                child += 1
            if entry[0] <= heap[child][0]:
                break
            heap[k] = heap[child]
            k = child
        heap[k] = entry
    return out
