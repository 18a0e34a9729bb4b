"""First pass over the VCF: what must be known of all of it before a record can be annotated."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate import allele_kernels as ak
from deepcohort.annotate.alleles import RefCheck, alleles_of
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.genes import GeneModels, overlaps
from deepcohort.annotate.genetic_codes import run_by_code
from deepcohort.annotate.genotype_kernels import list_carriers
from deepcohort.annotate.haplotypes import (
    CodingAllele,
    Group,
    Joint,
    group_of,
    link,
    members_of,
    residues_of,
    write_haplotypes,
)
from deepcohort.annotate.io_csq import Entry, parse_entries, read_joint
from deepcohort.annotate.types import Alleles
from deepcohort.core.io import ReferenceFasta
from deepcohort.formats.vcf_text import Segment


def site_alleles(segment: Segment, alleles: Alleles, models: GeneModels) -> NDArray[np.int64]:
    """Alleles (by index) that csq is asked about: of bases, their REF the reference's, in or near a gene."""
    start = segment.lines[:, 0]
    end = start + alleles.columns[:, 4] - 1 - alleles.columns[:, 3]
    near = overlaps(models.spans.get(segment.contig), start, end)
    return np.flatnonzero(np.isin(alleles.kind, (ak.SNV, ak.MNV, ak.INDEL)) & near[alleles.record])


def allele_text(segment: Segment, alleles: Alleles, i: int) -> tuple[int, str, str]:
    """POS (1-based), REF and ALT of an allele as the record writes them, upper case."""
    columns = alleles.columns[alleles.record[i]]
    text = segment.text
    alt_start = int(alleles.start[i])
    alt_end = text.find(b",", alt_start, int(columns[5]) - 1)
    alt = text[alt_start : alt_end if alt_end >= 0 else int(columns[5]) - 1]
    ref = text[int(columns[3]) : int(columns[4]) - 1]
    return int(segment.lines[alleles.record[i], 0]) + 1, ref.decode().upper(), alt.decode().upper()


@dataclass(slots=True)
class CarrierStore:
    """Carriers of alleles in coding sequence: int64 (n, 4) of site, sample, haplotype, phase set."""

    parts: list[NDArray[np.int64]]

    def add(
        self, segment: Segment, alleles: Alleles, sites: NDArray[np.int64], base: int, models: GeneModels
    ) -> None:
        """Carriers of a segment's alleles; `sites`: see `site_alleles`, numbered from `base`."""
        start = segment.lines[:, 0]
        end = start + alleles.columns[:, 4] - 1 - alleles.columns[:, 3]
        coding = overlaps(models.cds.get(segment.contig), start, end)
        lines = np.unique(alleles.record[sites])
        lines = lines[coding[lines]]
        if not len(lines):
            return
        site_of = np.full((len(lines), int(alleles.n_alts.max()) + 1), -1, dtype=np.int64)
        row = np.searchsorted(lines, alleles.record[sites])
        known = (row < len(lines)) & (lines[np.minimum(row, len(lines) - 1)] == alleles.record[sites])
        site_of[row[known], alleles.number[sites[known]] + 1] = base + np.flatnonzero(known)
        text = np.frombuffer(segment.text, dtype=np.uint8)
        rows = np.empty((4096, 5), dtype=np.int64)
        n = list_carriers(text, alleles.columns, lines, rows)
        if n > len(rows):
            rows = np.empty((n, 5), dtype=np.int64)
            list_carriers(text, alleles.columns, lines, rows)
        rows = rows[:n]
        rows = rows[rows[:, 3] < site_of.shape[1]]
        site = site_of[rows[:, 0], rows[:, 3]]
        self.parts.append(np.column_stack((site, rows[:, 1], rows[:, 2], rows[:, 4]))[site >= 0])

    def by_site(self) -> NDArray[np.int64]:
        """All of them, ascending by site."""
        if not self.parts:
            return np.empty((0, 4), dtype=np.int64)
        rows = np.concatenate(self.parts)
        return rows[np.argsort(rows[:, 0], kind="stable")]


@dataclass(frozen=True, slots=True)
class FirstPass:
    """What the first pass found.

    Attributes:
        wanted: contig -> positions of SNVs, int64 ascending. carriers: see `CarrierStore.by_site`.
        n_sites: alleles written for csq. n_records: records.
    """

    wanted: dict[str, NDArray[np.int64]]
    carriers: NDArray[np.int64]
    n_sites: int
    n_records: int


def first_pass(
    segments: Iterator[Segment],
    vcf: Path,
    fasta: ReferenceFasta,
    config: AnnotateConfig,
    models: GeneModels | None,
    sites: Path | None,
    has_samples: bool,
) -> FirstPass:
    """Go through the VCF once; write the alleles in genes to `sites` for csq.

    Raises:
        DeepcohortError: see `alleles_of` and `RefCheck`.
    """
    wanted: dict[str, list[NDArray[np.int64]]] = {}
    carriers = CarrierStore([])
    check = RefCheck(str(vcf), fasta, config)
    n_sites = n_records = 0
    with ExitStack() as stack:
        out: TextIO | None = None
        if sites is not None:
            out = stack.enter_context(open(sites, "w"))
            out.write("##fileformat=VCFv4.2\n")
            out.writelines(f"##contig=<ID={name},length={n}>\n" for name, n in fasta.contig_lengths.items())
            out.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for segment in segments:
            alleles = alleles_of(segment, fasta, config)
            check.see(segment, alleles)
            n_records += len(segment.lines)
            wanted.setdefault(segment.contig, []).append(np.unique(alleles.pos[alleles.kind == ak.SNV]))
            if out is None or models is None:
                continue
            chosen = site_alleles(segment, alleles, models)
            for k, i in enumerate(chosen.tolist()):
                pos, ref, alt = allele_text(segment, alleles, i)
                out.write(f"{segment.contig}\t{pos}\t{n_sites + k}\t{ref}\t{alt}\t.\t.\t.\n")
            if has_samples:
                carriers.add(segment, alleles, chosen, n_sites, models)
            n_sites += len(chosen)
    positions = {name: np.unique(np.concatenate(parts)) for name, parts in wanted.items()}
    return FirstPass(positions, carriers.by_site(), n_sites, n_records)


@dataclass(frozen=True, slots=True)
class Consequences:
    """What csq said.

    Attributes:
        alone: csq's output for each allele alone, read in order. joint: site -> changes it takes part in.
        unphased: sites that somebody carries beside another of their group in unknown phase.
        mnv_changes: (transcript, change such as V2L) of alleles of several bases in one codon.
    """

    alone: Path | None
    joint: dict[int, list[Joint]]
    unphased: frozenset[int]
    mnv_changes: frozenset[tuple[str, str]]


NO_CONSEQUENCES = Consequences(None, {}, frozenset(), frozenset())


def single_change(entry: Entry) -> str | None:
    """Change such as V2L of csq's 2V>2L; None where it is not one residue for another."""
    old, arrow, new = entry.aa.partition(">")
    if not arrow or not old[:-1].isdigit() or old[:-1] != new[:-1] or "*" in (old[-1], new[-1]) or old == new:
        return None
    return f"{old[-1]}{old[:-1]}{new[-1]}"


def consequences(
    found: FirstPass,
    folder: Path,
    sites: Path,
    genes: Path,
    reference: Path,
    contigs: dict[str, int],
    trim: int,
    codes: Mapping[str, int],
) -> Consequences:
    """Run csq on the alleles alone, then on haplotypes of those that could act together.

    `codes`: genetic codes of contigs that have another than the standard one.

    Raises:
        DeepcohortError: csq failed.
    """
    if not found.n_sites:
        return NO_CONSEQUENCES
    alone = folder / "alone.vcf"
    codes = {contig: code for contig, code in codes.items() if contig in found.wanted}
    run_by_code(reference, genes, sites, alone, True, trim, codes)
    coding, changes = _coding_alleles(alone, found.carriers)
    groups = [group_of(members, coding) for members in link(coding)]
    unphased = frozenset(coding[i].site for group in groups for i in group.unphased)
    groups = [group for group in groups if group.sets]
    joint: dict[int, list[Joint]] = {}
    if groups:
        columns = write_haplotypes(folder / "haplotypes.vcf", coding, groups, contigs)
        output = folder / "joint.vcf"
        run_by_code(reference, genes, folder / "haplotypes.vcf", output, False, trim, codes)
        for change in _joint_changes(output, coding, groups, columns):
            for site in change.sites:
                joint.setdefault(site, []).append(change)
    return Consequences(alone, joint, unphased, frozenset(changes))


def _coding_alleles(
    alone: Path, carriers: NDArray[np.int64]
) -> tuple[list[CodingAllele], set[tuple[str, str]]]:
    coding, changes = [], set()
    with open(alone) as file:
        for line in file:
            if line.startswith("#"):
                continue
            contig, pos, name, ref, alt, _, _, info = line.rstrip("\n").split("\t")[:8]
            if "BCSQ=" not in info:
                continue
            entries = [e for e in parse_entries(info.split("BCSQ=", 1)[1]) if e.is_coding]
            if not entries:
                continue
            if len(ref) == len(alt) > 1:
                changes |= {
                    (e.transcript, change) for e in entries if (change := single_change(e)) is not None
                }
            site = int(name)
            first, last = np.searchsorted(carriers[:, 0], [site, site + 1])
            if last > first:
                residues = residues_of(entries, len(ref) != len(alt))
                coding.append(
                    CodingAllele(site, contig, int(pos), ref, alt, residues, carriers[first:last, 1:])
                )
    return coding, changes


def _joint_changes(
    output: Path,
    coding: list[CodingAllele],
    groups: list[Group],
    columns: list[list[tuple[int, tuple[int, ...]]]],
) -> Iterator[Joint]:
    place = {(a.contig, a.pos, a.ref, a.alt): i for i, a in enumerate(coding)}
    group_at = {i: g for g, group in enumerate(groups) for i in group.members}
    for contig, entry, holders in read_joint(output):
        members = [place.get((contig, *member)) for member in members_of(entry)]
        known = [i for i in members if i is not None]
        if len(known) != len(members) or not known:
            continue
        g = group_at[known[0]]
        samples: set[int] = set()
        for h in holders:
            held = next((s for group, s in (columns[h] if h < len(columns) else []) if group == g), None)
            samples |= groups[g].sets[held] if held is not None else set()
        yield Joint(entry, tuple(coding[i].site for i in known), frozenset(samples))
