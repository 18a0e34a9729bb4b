"""Alleles of one codon (or of one reading frame) that lie on one haplotype, and what they make together.

bcftools csq tells it, of haplotypes made for the purpose: for every group of coding alleles that could
change a protein
together, each distinct set of them that somebody carries on one haplotype is a haplotype of its own. Phase
sets (PS) are
kept apart, which csq itself does not do; alleles on both haplotypes belong to every set.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate.genotype_kernels import ALL_SETS, NO_SET
from deepcohort.annotate.io_csq import Entry

_RESIDUE = re.compile(r"(\d+)([A-Z*]*)")
_ANYWHERE = (1, 1 << 30)


@dataclass(slots=True)
class CodingAllele:
    """An allele that changes coding sequence by itself.

    Attributes:
        site: number of the allele in the file for csq. contig, pos (1-based), ref, alt: as written.
        residues: transcript -> first and last amino acid that it can change.
        carriers: int64 (c, 3): sample, haplotype, phase set.
    """

    site: int
    contig: str
    pos: int
    ref: str
    alt: str
    residues: dict[str, tuple[int, int]]
    carriers: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Joint:
    """A change that alleles make together.

    Attributes:
        entry: as csq writes it. sites: of its alleles. samples: that have it on a haplotype.
    """

    entry: Entry
    sites: tuple[int, ...]
    samples: frozenset[int]


@dataclass(frozen=True, slots=True)
class Group:
    """Coding alleles that could act together.

    Attributes:
        members: indices of alleles, ascending. sets: sorted tuples of them that lie on one haplotype ->
            samples; sets of two and more alone. unphased: members that somebody carries together with
            others in unknown phase.
    """

    members: tuple[int, ...]
    sets: dict[tuple[int, ...], set[int]]
    unphased: frozenset[int]


def residues_of(entries: Sequence[Entry], is_indel: bool) -> dict[str, tuple[int, int]]:
    """Amino acids that an allele can change, by transcript; of an indel all that follow or precede it."""
    found = {}
    for entry in entries:
        match = _RESIDUE.match(entry.aa)
        if match is None:
            continue
        first = int(match[1])
        found[entry.transcript] = _ANYWHERE if is_indel else (first, first + max(1, len(match[2])) - 1)
    return found


def link(alleles: Sequence[CodingAllele]) -> list[tuple[int, ...]]:
    """Groups of two and more alleles (by index) whose residues meet in a transcript."""
    parent = list(range(len(alleles)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    by_transcript: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for i, allele in enumerate(alleles):
        for transcript, (first, last) in allele.residues.items():
            by_transcript.setdefault((allele.contig, transcript), []).append((first, last, i))
    for spans in by_transcript.values():
        spans.sort()
        reach, holder = spans[0][1], spans[0][2]
        for first, last, i in spans[1:]:
            if first <= reach:
                parent[root(i)] = root(holder)
            if last >= reach:
                reach, holder = last, i
    groups: dict[int, list[int]] = {}
    for i in range(len(alleles)):
        groups.setdefault(root(i), []).append(i)
    return [tuple(members) for members in groups.values() if len(members) > 1]


def group_of(members: tuple[int, ...], alleles: Sequence[CodingAllele]) -> Group:
    """Which of a group's alleles lie together on somebody's haplotypes."""
    rows = np.concatenate(
        [np.column_stack((np.full(len(alleles[i].carriers), i), alleles[i].carriers)) for i in members]
    )
    rows = rows[np.lexsort((rows[:, 0], rows[:, 1]))]
    cuts = [0, *(np.flatnonzero(np.diff(rows[:, 1])) + 1).tolist(), len(rows)]
    sets: dict[tuple[int, ...], set[int]] = {}
    unphased: set[int] = set()
    for first, last in pairwise(cuts):
        if last - first < 2:
            continue
        found, unknown = _sets_of_sample(rows[first:last].tolist())
        unphased |= unknown
        for held in found:
            sets.setdefault(held, set()).add(int(rows[first, 1]))
    return Group(members, sets, frozenset(unphased))


def _sets_of_sample(rows: list[list[int]]) -> tuple[list[tuple[int, ...]], set[int]]:
    """Sets of alleles on one haplotype of a sample, and those whose phase towards others is unknown.

    Args:
        rows: allele, sample, haplotype, phase set.
    """
    both: list[set[int]] = [set(), set()]
    by_set: dict[int, list[set[int]]] = {}
    for allele, _, haplotype, phase in rows:
        if phase == ALL_SETS:
            both[haplotype].add(allele)
            continue
        key = -10 - allele if phase == NO_SET else phase
        by_set.setdefault(key, [set(), set()])[haplotype].add(allele)
    if not by_set:
        by_set[0] = [set(), set()]
    found = []
    for pair in by_set.values():
        for haplotype in (0, 1):
            held = pair[haplotype] | both[haplotype]
            if len(held) > 1 and (pair[haplotype] or len(by_set) == 1 or haplotype == 0):
                found.append(tuple(sorted(held)))
    unknown: set[int] = set()
    if len(by_set) > 1:
        unknown = {allele for pair in by_set.values() for half in pair for allele in half}
        found = _once(found, both)
    return found, unknown


def _once(found: list[tuple[int, ...]], both: list[set[int]]) -> list[tuple[int, ...]]:
    """Drop sets of homozygous alleles alone where there are several phase sets: no whole haplotype is "
    "known."""
    homozygous = tuple(sorted(both[0]))
    return [held for held in found if held != homozygous]


def write_haplotypes(
    output: Path, alleles: Sequence[CodingAllele], groups: Sequence[Group], contig_lengths: dict[str, int]
) -> list[list[tuple[int, tuple[int, ...]]]]:
    """Write the sets as phased genotypes of made-up samples, two haplotypes each.

    Returns:
        per haplotype: (group, set) that it stands for, one of each group at most.
    """
    columns: list[list[tuple[int, tuple[int, ...]]]] = []
    held: dict[int, list[int]] = {}
    for g, group in enumerate(groups):
        for h, members in enumerate(sorted(group.sets)):
            if h == len(columns):
                columns.append([])
            columns[h].append((g, members))
            for i in members:
                held.setdefault(i, []).append(h)
    n_samples = (len(columns) + 1) // 2
    rank = {name: k for k, name in enumerate(contig_lengths)}
    order = sorted(held, key=lambda i: (rank[alleles[i].contig], alleles[i].pos, alleles[i].site))
    with open(output, "w") as out:
        out.write('##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n')
        out.writelines(f"##contig=<ID={name},length={n}>\n" for name, n in contig_lengths.items())
        names = "\t".join(f"s{k}" for k in range(n_samples))
        out.write(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n")
        for i in order:
            bits = ["0"] * (2 * n_samples)
            for h in held[i]:
                bits[h] = "1"
            a = alleles[i]
            genotypes = "\t".join(f"{x}|{y}" for x, y in zip(bits[::2], bits[1::2], strict=True))
            out.write(f"{a.contig}\t{a.pos}\t{i}\t{a.ref}\t{a.alt}\t.\t.\t.\tGT\t{genotypes}\n")
    return columns


def members_of(entry: Entry) -> list[tuple[int, str, str]]:
    """(POS, REF, ALT) of the alleles of a joint change, from csq's 107G>A+108T>A."""
    found = []
    for part in entry.dna.split("+"):
        match = re.fullmatch(r"(\d+)([A-Za-z]+)>([A-Za-z]+)", part)
        if match:
            found.append((int(match[1]), match[2], match[3]))
    return found
