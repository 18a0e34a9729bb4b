"""Pairs of alignment records: flags, mate fields, and decoys taken out."""

import numpy as np
import pysam

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
READ1, READ2, DUPLICATE = 0x40, 0x80, 0x400
Group = list[pysam.AlignedSegment]  # records of one read, the primary first
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def finish_pairs(groups: list[Group], duplicate: np.ndarray, n_contigs: int) -> Group:
    """Records of all pairs with flags complete and none on contigs from `n_contigs` on.

    Mates are neighbours in `groups`, with mate fields set; `duplicate` bool (len(groups),).
    """
    low, high = _proper_bounds(groups)
    records: Group = []
    for i in range(0, len(groups) - 1, 2):
        pair = groups[i], groups[i + 1]
        extra = PAIRED | (PROPER if low <= _fr_size(pair[0][0], pair[1][0]) <= high else 0)
        extra |= DUPLICATE if duplicate[i] else 0
        for flag, group in zip((READ1, READ2), pair, strict=True):
            for record in group:
                record.flag |= extra | flag
        if pair[0][0].is_unmapped or pair[1][0].is_unmapped:
            _agree_on_strand(*pair)
        records += _without_decoys(pair[0], pair[1], n_contigs)
    return records


def link_mates(first: Group, second: Group) -> None:
    """Set mate fields of records that know nothing of their mates."""
    for group, mate in ((first, second[0]), (second, first[0])):
        here = group[0]
        for record in group:
            record.flag |= (MATE_REVERSE if mate.is_reverse else 0) | (
                MATE_UNMAPPED if mate.is_unmapped else 0
            )
            if mate.is_mapped:
                record.next_reference_id, record.next_reference_start = (
                    mate.reference_id,
                    mate.reference_start,
                )
                record.set_tag("MC", mate.cigarstring)
                record.set_tag("MQ", mate.mapping_quality)
            elif here.is_mapped:
                record.next_reference_id, record.next_reference_start = (
                    here.reference_id,
                    here.reference_start,
                )
        if here.is_unmapped and mate.is_mapped:
            here.reference_id, here.reference_start = mate.reference_id, mate.reference_start
    a, b = first[0], second[0]
    if a.is_mapped and b.is_mapped and a.reference_id == b.reference_id:
        left, right = min(a.reference_start, b.reference_start), max(_end(a), _end(b))
        sign = 1 if (a.reference_start, a.is_reverse) <= (b.reference_start, b.is_reverse) else -1
        for group, way in ((first, sign), (second, -sign)):
            for record in group:
                record.template_length = way * (right - left)


def _end(record: pysam.AlignedSegment) -> int:
    return int(record.reference_end or 0)


def _agree_on_strand(first: Group, second: Group) -> None:
    """Set the mate strand flags of a pair of which one is unmapped; pybwa leaves them at forward."""
    for group, mate in ((first, second[0]), (second, first[0])):
        for record in group:
            record.flag = (record.flag & ~MATE_REVERSE) | (MATE_REVERSE if mate.is_reverse else 0)


def _without_decoys(first: Group, second: Group, n_contigs: int) -> Group:
    """What remains of a pair when decoy contigs are not to be seen."""
    if all(0 <= r.reference_id < n_contigs and r.next_reference_id < n_contigs for r in (*first, *second)):
        if any(r.has_tag("XA") for r in (*first, *second)):
            for record in (*first, *second):
                record.set_tag("XA", None)
        return first + second
    a, b = first[0], second[0]
    away = [r.reference_id >= n_contigs for r in (a, b)]
    if all(away) or (away[0] and b.is_unmapped) or (away[1] and a.is_unmapped):
        return []
    kept = [[r for r in group if r.reference_id < n_contigs] for group in (first, second)]
    if away[0] or away[1]:
        here, lost = (b, a) if away[0] else (a, b)
        kept[0 if away[0] else 1] = [lost]
        _unmap(lost, here)
        for record in kept[1 if away[0] else 0]:
            _point_to_unmapped_mate(record, here)
    for record in (*kept[0], *kept[1]):
        record.set_tag("XA", None)
        record.set_tag("SA", None)
    return kept[0] + kept[1]


def _unmap(read: pysam.AlignedSegment, mate: pysam.AlignedSegment) -> None:
    """Make `read` an unmapped record beside its mapped `mate`."""
    qual = read.query_qualities
    if read.is_reverse:
        sequence = (read.query_sequence or "").translate(_COMPLEMENT)[::-1]
        read.query_sequence = sequence
        read.query_qualities = qual[::-1] if qual is not None else None
    read.cigartuples = None
    read.flag = (read.flag | UNMAPPED) & ~(PROPER | REVERSE | MATE_REVERSE | MATE_UNMAPPED)
    read.flag |= MATE_REVERSE if mate.is_reverse else 0
    read.mapping_quality = 0
    read.reference_id = read.next_reference_id = mate.reference_id
    read.reference_start = read.next_reference_start = mate.reference_start
    read.template_length = 0
    read.set_tags([("MC", mate.cigarstring, "Z"), ("MQ", mate.mapping_quality, "i")])


def _point_to_unmapped_mate(record: pysam.AlignedSegment, primary: pysam.AlignedSegment) -> None:
    """Tell `record` that its mate is unmapped and lies beside `primary`."""
    record.flag = (record.flag | MATE_UNMAPPED) & ~(PROPER | MATE_REVERSE)
    record.next_reference_id = primary.reference_id
    record.next_reference_start = primary.reference_start
    record.template_length = 0
    record.set_tag("MC", None)
    record.set_tag("MQ", None)


def _fr_size(a: pysam.AlignedSegment, b: pysam.AlignedSegment) -> int:
    """Outer distance of a pair that faces inwards on one contig, else -1."""
    if (a.flag | b.flag) & UNMAPPED or a.reference_id != b.reference_id or a.is_reverse == b.is_reverse:
        return -1
    left, right = (b, a) if a.is_reverse else (a, b)
    return _end(right) - left.reference_start


def _proper_bounds(groups: list[Group]) -> tuple[int, int]:
    """Bounds of a proper pair's size, by bwa mem's rule (mem_pestat): quartiles, then 4 SD."""
    sizes = np.array(
        [
            _fr_size(groups[i][0], groups[i + 1][0])
            for i in range(0, len(groups) - 1, 2)
            if groups[i][0].mapping_quality > 19 and groups[i + 1][0].mapping_quality > 19
        ]
    )
    sizes = sizes[(sizes > 0) & (sizes < 10_000)]
    if len(sizes) < 10:
        return 1, 1_000
    q25, q75 = np.percentile(sizes, [25, 75])
    core = sizes[(sizes >= q25 - 2 * (q75 - q25)) & (sizes <= q75 + 2 * (q75 - q25))]
    low = min(q25 - 3 * (q75 - q25), core.mean() - 4 * core.std())
    high = max(q75 + 3 * (q75 - q25), core.mean() + 4 * core.std())
    return max(1, int(low)), int(high)
