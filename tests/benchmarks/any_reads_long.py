"""Long rows of the benchmark of everything: deepcohort's own simulator, and what tools make of its records."""

import hashlib
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
from accuracy import CallSet, quoted, run
from any_reads_rows import REGION_STARTS, Library, Row

_REVIO = (np.array([7, 13, 20, 25, 30, 37]), np.array([3, 10, 17, 22, 27, 35, 40]))
# what a basecaller or a tool says in place of the simulator's qualities; none: they are left out
_QUALITIES: dict[str, Callable] = {
    "zeros": lambda q: np.zeros_like(q),
    "flat5": lambda q: np.full_like(q, 5),
    "flat20": lambda q: np.full_like(q, 20),
    "half": lambda q: q // 2,
    "recal_down": lambda q: np.maximum(q - 10, 1),
    "recal_up": lambda q: np.minimum(q + 20, 93),
    "cap20": lambda q: np.minimum(q, 20),
    "bins7": lambda q: _REVIO[1][np.searchsorted(_REVIO[0], q, side="right")],
}
_AMPLICON_OVERLAP_BP = 200
_JITTER_BP = {"hifi": 3, "ont": 20}  # that reads of copies of one molecule begin and end apart, at most
_LEAST_COMMON_BP, _LOOKED_AT = 3_000, 12


def simulated_set(row: Row, truth: Path, reference: Path, folder: Path) -> CallSet:
    """HG002's variants, `truth`, planted in `reference` and read by the simulator."""
    made = folder / "made"
    if not (made / "HG002.truth.vcf.gz.tbi").exists():
        shutil.rmtree(made, ignore_errors=True)
        seed = int(hashlib.sha256(row.folder.encode()).hexdigest()[:6], 16)
        regions = " ".join(f"--region chr20:{first}-{first + row.span_bp - 1}" for first in REGION_STARTS)
        errors = "" if row.indel_errors == 1 else f" --error-multiplier {row.indel_errors}"
        run(
            f"deepcohort simulate --reference {quoted(reference)} {regions} --samples 1"
            f" --plant {quoted(truth)} --platform {row.source} --read-length {row.length} --coverage {row.depth}"
            f"{errors} --seed {seed} --output {quoted(made)} --quiet"
        )
    with pysam.FastaFile(str(made / "reference.fa")) as fasta:
        regions = ",".join(f"{c}:1-{fasta.get_reference_length(c)}" for c in fasta.references)
    return CallSet(
        row.name, made / "HG002.bam", made / "reference.fa", regions, made / "HG002.truth.vcf.gz",
        made / "HG002.confident.bed", "HG002",
    )  # fmt: skip


def plain(row: Row) -> Row:
    """The row whose reads this one changes; itself where it changes none."""
    changed = row.after or row.quality != "art" or row.library != Library()
    return replace(row, name=row.base, after=(), quality="art", library=Library()) if changed else row


def change_reads(row: Row, source: Path, bam: Path) -> None:
    """Write `bam`: the reads of `source` as amplicons and with qualities as the row says; not its `after`."""
    with pysam.AlignmentFile(str(source)) as reads:
        header, records = reads.header, list(reads)
        lengths = dict(zip(reads.references, reads.lengths, strict=True))
    if row.library.amplicon_bp:
        size = row.library.amplicon_bp
        records = [part for r in records for part in amplicons(r, size, lengths[r.reference_name])]
    if row.library.copies > 1:
        records = copied(records, row)
    if row.library != Library():
        records.sort(key=lambda r: (r.reference_id, r.reference_start))
    with pysam.AlignmentFile(str(bam), "wb", header=header) as out:
        for record in records:
            if row.quality != "art":
                say(record, row.quality)
            out.write(record)
    pysam.index(str(bam))


def copied(records: list[pysam.AlignedSegment], row: Row) -> list[pysam.AlignedSegment]:
    """Reads as of molecules that PCR copied: reads of one haplotype that overlap, cut to what they share, so that
    each has errors of its own; the next ones that share most are taken. Reads that share little are left out."""
    rng, jitter, found = random.Random(row.seed), _JITTER_BP[row.source], []
    placed: dict[tuple[str, str], list[pysam.AlignedSegment]] = {}
    for record in records:
        if not (record.is_unmapped or record.is_secondary or record.is_supplementary):
            haplotype = (record.reference_name, record.query_name.split(":")[2])
            placed.setdefault(haplotype, []).append(record)
    for reads in placed.values():
        reads.sort(key=lambda r: r.reference_start)
        while reads:
            read = reads.pop(0)
            near = sorted(
                reads[:_LOOKED_AT],
                key=lambda r, end=read.reference_end: r.reference_start - min(r.reference_end, end),
            )
            group = [read, *near[: row.library.copies - 1]]
            for other in group[1:]:
                reads.remove(other)
            first, stop = max(r.reference_start for r in group), min(r.reference_end for r in group)
            if stop - first < _LEAST_COMMON_BP:
                continue
            parts = [cut(r, first + rng.randint(0, jitter), stop - rng.randint(0, jitter)) for r in group]
            found += [part for part in parts if part is not None]
    return found


def say(record: pysam.AlignedSegment, quality: str) -> None:
    """Give the record other qualities."""
    told = record.query_qualities
    if quality == "none" or told is None:
        record.query_sequence = record.query_sequence  # drops qualities
        return
    values = _QUALITIES[quality](np.asarray(told).astype(np.int64))
    record.query_qualities = pysam.qualitystring_to_array("".join(chr(33 + int(q)) for q in values))


def amplicons(record: pysam.AlignedSegment, size: int, length: int) -> list[pysam.AlignedSegment]:
    """What is left of a read where every molecule is an amplicon, one from each multiple of `size` bp on."""
    if record.is_unmapped or record.is_secondary or record.is_supplementary:
        return []
    found = []
    for first in range(record.reference_start // size * size, record.reference_end, size):
        stop = min(first + size + _AMPLICON_OVERLAP_BP, length)
        if record.reference_start <= first and stop <= record.reference_end:
            part = cut(record, first, stop)
            if part is not None:
                found.append(part)
    return found


def cut(record: pysam.AlignedSegment, first: int, stop: int) -> pysam.AlignedSegment | None:
    """The record between reference positions, from match to match; None where nothing matches."""
    operations: list[tuple[int, int]] = []
    query, at, begin, end, pos = 0, record.reference_start, -1, -1, -1
    for op, n in record.cigartuples:
        if op in (0, 7, 8):
            low, high = max(at, first), min(at + n, stop)
            if low < high:
                if begin < 0:
                    begin, pos = query + low - at, low
                end = query + high - at
                operations.append((op, high - low))
        elif begin >= 0 and op in (1, 2, 3) and at < stop:
            operations.append((op, n))
        query += n if op in (0, 1, 4, 7, 8) else 0
        at += n if op in (0, 2, 3, 7, 8) else 0
    while operations and operations[-1][0] in (1, 2, 3):
        operations.pop()
    if begin < 0:
        return None
    part = pysam.AlignedSegment(record.header)
    part.query_name, part.flag, part.reference_id = (
        f"{record.query_name}/{first}",
        record.flag,
        record.reference_id,
    )
    part.reference_start, part.mapping_quality = pos, record.mapping_quality
    part.cigartuples, part.query_sequence = operations, record.query_sequence[begin:end]
    if record.query_qualities is not None:
        part.query_qualities = record.query_qualities[begin:end]
    part.set_tags([("RG", record.get_tag("RG"))] if record.has_tag("RG") else [])
    return part
