"""Variants of a given VCF as truth."""

from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.formats.bed import read_bed
from deepcohort.formats.vcf_check import check_vcf
from deepcohort.simulate.alleles import left_align
from deepcohort.simulate.sexes import SexContig, mark_absent, presence
from deepcohort.simulate.types import Genome, Person, SiteTable
from deepcohort.simulate.variants import Record, disjoint, make_table


def planted_people(path: Path, sample: str | None, sexes: tuple[str, ...]) -> list[Person]:
    """The VCF's sample called `sample`, or all of its samples.

    Raises:
        DeepcohortError: unreadable VCF, no samples, or no such sample.
    """
    check_vcf(path)
    try:
        with pysam.VariantFile(str(path)) as file:
            names = list(file.header.samples)
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"{path} cannot be read as VCF: {error}; check --plant") from error
    if not names:
        raise DeepcohortError(f"{path} has no samples; --plant needs genotypes")
    if sample and sample not in names:
        raise DeepcohortError(f"{path} has no sample {sample}; it has {', '.join(names[:5])}")
    chosen = [sample] if sample else names
    return [Person(name, (sexes or ("XX",))[i % len(sexes or ("XX",))]) for i, name in enumerate(chosen)]


def planted_sites(
    path: Path, genome: Genome, people: list[Person], roles: dict[str, SexContig]
) -> tuple[list[SiteTable], int]:
    """Truth of every contig from the VCF at `path`, and how many records had to be left out.

    Left out are symbolic alleles, records that overlap an earlier one, that cross the ends of a
    contig or hold N. Unphased genotypes are taken as if phased.

    Raises:
        DeepcohortError: REF disagrees with the reference (wrong reference, or not normalised).
    """
    records: dict[str, list[Record]] = {name: [] for name in genome.contigs}
    homes: dict[str, list[str]] = {}  # contigs that stretches of one are copied to
    for name in genome.contigs:
        homes.setdefault(genome.origin[name].contig if name in genome.origin else name, []).append(name)
    skipped = 0
    with pysam.VariantFile(str(path)) as file:
        for entry in file:
            for name in homes.get(entry.contig, ()):
                region = genome.origin.get(name)
                start = entry.start - (region.start if region else 0)
                inside = start > 0 and start + len(entry.ref or "") < len(genome.contigs[name])
                if inside:
                    record = _record(entry, start, genome.contigs[name], people, path)
                    if record is None:
                        skipped += 1
                    else:
                        records[name].append(record)
    tables = []
    for name, found in records.items():
        length = len(genome.contigs[name])
        kept = disjoint(found, length)
        skipped += len(found) - len(kept)
        table = make_table(name, kept, 2 * len(people))
        end = table.pos + table.ref_len
        for i, person in enumerate(people):
            there = presence(person, roles[name], length, table.pos, end)
            mark_absent(table.gt[:, 2 * i : 2 * i + 2], there)
        tables.append(table)
    return tables, skipped


def _record(
    entry: pysam.VariantRecord, start: int, reference: NDArray[np.uint8], people: list[Person], path: Path
) -> Record | None:
    """The entry as a left-aligned record, or None if it cannot be planted or nobody carries it."""
    ref = encode_bases(entry.ref or "")
    there = reference[start : start + len(ref)]
    if not np.array_equal(ref, there):
        raise DeepcohortError(
            f"{path}: REF {entry.ref} at {entry.contig}:{entry.pos} is {decode_bases(there)} in the "
            "reference; give the reference that the VCF was made with"
        )
    gt = np.zeros(2 * len(people), np.int8)
    for i, person in enumerate(people):
        calls = [a or 0 for a in entry.samples[person.name].allele_indices or ()]
        gt[2 * i : 2 * i + 2] = (calls * 2)[:2] if calls else 0
    used = sorted(set(gt.tolist()) - {0})
    alts = [entry.alleles[a] for a in used if entry.alleles]
    if not used or (ref > 3).any() or not all(a and set(a.upper()) <= set("ACGT") for a in alts):
        return None
    renumbered = np.array([used.index(a) + 1 if a else 0 for a in gt.tolist()], np.int8)
    codes = [encode_bases(a) for a in alts]
    if len(codes) == 1:
        start, ref, codes[0] = left_align(reference, start, ref, codes[0])
    return Record(start, len(ref), codes, renumbered)


def clip_bed(bed: Path, genome: Genome) -> dict[str, NDArray[np.bool_]]:
    """Per contig, bool (L,), the bases inside the intervals of `bed` (coordinates of the origin).

    Raises:
        DeepcohortError: see `read_bed`.
    """
    inside = {name: np.zeros(len(codes), bool) for name, codes in genome.contigs.items()}
    for region in read_bed(bed, None).regions():
        for name, mask in inside.items():
            origin = genome.origin.get(name)
            if (origin.contig if origin else name) == region.contig:
                shift = origin.start if origin else 0
                mask[max(0, region.start - shift) : max(0, region.end - shift)] = True
    return inside
