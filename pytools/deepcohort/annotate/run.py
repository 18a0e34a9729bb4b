"""A VCF rewritten with annotation in INFO (and rsIDs in ID); every other byte is kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate import allele_kernels as ak
from deepcohort.annotate import keys as k
from deepcohort.annotate.alleles import RefCheck, alleles_of
from deepcohort.annotate.alphamissense import SelectedTable
from deepcohort.annotate.amino_acids import read_substitutions
from deepcohort.annotate.compose import Composer, Known
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.first_pass import (
    NO_CONSEQUENCES,
    Consequences,
    FirstPass,
    consequences,
    first_pass,
    single_change,
    site_alleles,
)
from deepcohort.annotate.genes import GeneModels, read_genes, without_version, write_csq_genes
from deepcohort.annotate.haplotypes import Joint
from deepcohort.annotate.io_csq import csq_version, read_consequences
from deepcohort.annotate.io_segments import (
    by_contig,
    header_lines,
    in_order,
    inside,
    segments_of,
    within_contig,
)
from deepcohort.annotate.other_tables import AlleleTable, TableSpec
from deepcohort.annotate.packed import PackedTable, is_packed
from deepcohort.annotate.reasons import scored_of
from deepcohort.annotate.types import Alleles, ScoreRows, ScoreTable, no_rows
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs, scratch_folder
from deepcohort.core.progress import track_amount
from deepcohort.core.region import Region
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_header import REGION_KEY, region_lines
from deepcohort.formats.vcf_text import Segment, VcfHeader, VcfTextReader


@dataclass(frozen=True, slots=True)
class AnnotateJob:
    """What is annotated with what.

    Attributes:
        vcf: any VCF, sorted. reference: its FASTA. output: .vcf.gz.
        alphamissense: published or packed table. amino_acids: AlphaMissense's table by amino acid.
        genes: GFF3. scores: other tables. regions: records to write, all if None.
    """

    vcf: Path
    reference: Path
    output: Path
    alphamissense: Path | None = None
    amino_acids: Path | None = None
    genes: Path | None = None
    scores: tuple[TableSpec, ...] = ()
    regions: tuple[Region, ...] | None = None


@dataclass(frozen=True, slots=True)
class AnnotateSummary:
    """Counts of a run.

    Attributes:
        n_records, n_alleles: written. n_scored: alleles with a score. n_ref_differs: alleles whose REF is
        not the
            reference's. licence: of the AlphaMissense table, "" without. warnings: doubts, one line each.
    """

    n_records: int
    n_alleles: int
    n_scored: int
    n_ref_differs: int
    licence: str
    warnings: tuple[str, ...]


def new_keys(job: AnnotateJob, tables: Sequence[AlleleTable]) -> dict[str, tuple[str, str, str]]:
    """INFO keys that this job writes."""
    found = dict(k.ALPHAMISSENSE) if job.alphamissense else {}
    if job.genes:
        found |= k.CONSEQUENCE
        found |= k.HAP_SCORE if job.alphamissense else {}
    for table in tables:
        for value, (number, type_) in zip(table.spec.values, table.types, strict=True):
            about = f"{value} of {table.spec.path.name} for this allele" + (
                "" if type_ != "String" else ", | between several"
            )
            found[table.spec.info_key(value)] = (number, type_, about)
    return found


def output_header(
    job: AnnotateJob, tables: Sequence[AlleleTable], table: ScoreTable | None, codes: Mapping[str, int]
) -> str:
    """The VCF's header with what is new in it, before the lines that name regions; the rest as it was.

    `codes`: contig -> genetic code, where that is not the standard one.
    """
    lines = header_lines(job.vcf)
    keys = new_keys(job, tables)
    old = tuple(f"##INFO=<ID={key}," for key in keys)
    old += ("##deepcohort_annotate=",)
    old += ("##deepcohort_alphamissense=",) if job.alphamissense else ()
    old += ("##deepcohort_genes=",) if job.genes else ()
    old += tuple(f"##deepcohort_scores={spec.name};" for spec in job.scores)
    prefix = f"##{REGION_KEY}="
    kept = [line for line in lines[:-1] if not line.startswith(old)]
    regions = [line for line in kept if line.startswith(prefix)]
    if job.regions is not None:
        kept = [line for line in kept if not line.startswith(prefix)]
        regions = region_lines(job.regions)
        kept += regions
    at = next((i for i, line in enumerate(kept) if line.startswith(prefix)), len(kept))
    names = [(spec.name, spec.path.name) for spec in job.scores]
    genes = job.genes.name if job.genes else None
    tool = "; ".join([csq_version(), *(f"genetic code {code} on {contig}" for contig, code in codes.items())])
    new = k.info_lines(keys) + k.about_lines(table.about if table else None, genes, tool, names)
    return "\n".join([*kept[:at], *new, *kept[at:], lines[-1]]) + "\n"


def check_job(job: AnnotateJob, header: VcfHeader, fasta: ReferenceFasta) -> None:
    """Refuse what cannot be done before any work.

    Raises:
        DeepcohortError: nothing to annotate with, an output of another kind, regions of contigs that are not
        there.
    """
    if not (job.alphamissense or job.genes or job.scores):
        raise DeepcohortError("nothing to annotate with; give --alphamissense, --genes or --scores")
    if job.amino_acids and not (job.alphamissense and job.genes):
        raise DeepcohortError("--amino-acids needs --alphamissense (for its UniProt ids) and --genes")
    if not job.output.name.endswith(".vcf.gz"):
        raise DeepcohortError(
            f"output {job.output} must end in .vcf.gz; it is written as BGZF, with an index"
        )
    if job.output.resolve() == job.vcf.resolve():
        raise DeepcohortError(f"output {job.output} is the input; choose another name")
    names = [spec.name for spec in job.scores]
    if len(set(names)) < len(names):
        raise DeepcohortError("--scores names a table twice; give each a name of its own")
    for region in job.regions or ():
        if region.contig not in fasta.contig_lengths:
            raise DeepcohortError(
                f"reference {fasta.path} has no contig {region.contig}, which the regions name"
            )


class _Annotator:
    """All that one run holds open."""

    def __init__(self, job: AnnotateJob, config: AnnotateConfig, stack: ExitStack, quiet: bool) -> None:
        self.job, self.config, self.quiet = job, config, quiet
        self.fasta = stack.enter_context(ReferenceFasta(job.reference))
        reader = VcfTextReader(job.vcf)
        self.header = reader.header
        reader.close()
        check_job(job, self.header, self.fasta)
        self.order = {**self.header.contig_lengths, **self.fasta.contig_lengths}
        self.tables = [AlleleTable(spec, self.fasta, config) for spec in job.scores]
        for table in self.tables:
            stack.callback(table.close)
        self.models: GeneModels | None = None
        if job.genes:
            self.models = read_genes(job.genes, list(self.fasta.contig_lengths))
        self.read_regions = None if job.regions is None else in_order(job.regions, self.order)
        self.regions = None if self.read_regions is None else by_contig(self.read_regions)
        if self.read_regions is not None and self.models is not None:
            grown = self.models.grown(self.read_regions, self.fasta.contig_lengths)
            self.read_regions = in_order(grown, self.order)
        self.folder = stack.enter_context(scratch_folder("deepcohort-annotate-"))
        self.warnings: list[str] = []
        self.table: ScoreTable | None = None
        self.stack = stack

    def segments(self, label: str) -> Iterator[Segment]:
        segments = segments_of(self.job.vcf, self.read_regions, checked=True)
        return track_amount(
            segments, None, label, lambda s: len(s.lines), lambda n: f"{n:,} records", self.quiet
        )

    def length(self, contig: str) -> int:
        """Of a contig in bp; of one that the reference lacks, what the header says (it is refused later)."""
        return self.order.get(contig, 1 << 29)

    def prepare(self) -> tuple[Composer, Consequences]:
        job, table = self.job, self.job.alphamissense
        packed = table is not None and is_packed(table)
        if packed and table is not None:
            self.table = PackedTable(table, self.fasta, self.config)
            self.stack.callback(self.table.close)
        found = FirstPass({}, np.empty((0, 4), dtype=np.int64), 0, 0)
        sites = self.folder / "sites.vcf" if self.models is not None else None
        if self.models is not None or (table is not None and not packed):
            found = first_pass(
                self.segments("first pass"),
                job.vcf,
                self.fasta,
                self.config,
                self.models,
                sites,
                bool(self.header.samples),
            )
        if table is not None and not packed:
            self.table = SelectedTable(
                table,
                found.wanted,
                self.fasta,
                self.config,
                all_rows=self.models is not None,
                quiet=self.quiet,
            )
        said = NO_CONSEQUENCES
        if self.models is not None and sites is not None:
            genes = self.folder / "genes.gff3"
            write_csq_genes(self.models, genes, self.read_regions)
            said = consequences(
                found,
                self.folder,
                sites,
                genes,
                job.reference,
                self.fasta.contig_lengths,
                self.config.trim_protein,
                self.models.codes,
            )
        return self._composer(said), said

    def _composer(self, said: Consequences) -> Composer:
        pairs = self.table.about.pairs if self.table is not None else None
        scored = scored_of(pairs, self.models) if pairs is not None and self.models is not None else None
        if scored is not None and scored.genes is None:
            self.warnings.append(
                f"no transcript of {self.job.genes} is in {self.job.alphamissense}: they name "
                f"transcripts otherwise, so that "
                "gene_not_scored cannot be told (give Ensembl's or GENCODE's gene models)"
            )
        plain = Composer(pairs, None, self.models, scored, self.job.scores)
        if self.job.amino_acids is None:
            return plain
        changes = set(said.mnv_changes)
        for joint in said.joint.values():
            changes |= {(j.entry.transcript, c) for j in joint if (c := single_change(j.entry)) is not None}
        wanted = {(u, change) for t, change in changes for _, u in plain.uniprots(without_version(t)) if u}
        protein = read_substitutions(self.job.amino_acids, wanted)
        return Composer(pairs, protein, self.models, scored, self.job.scores)


class _SiteReader:
    """Hands csq's consequences to the alleles of segments that come in the order of the first pass."""

    def __init__(self, said: Consequences) -> None:
        self._said = said
        self._stream = iter(()) if said.alone is None else read_consequences(said.alone)
        self._next = next(self._stream, None)
        self._base = 0

    def take(
        self, chosen: NDArray[np.int64]
    ) -> tuple[dict[int, str], dict[int, list[Joint]], frozenset[int]]:
        """BCSQ, joint changes, and those of unknown phase, by allele; `chosen`: the segment's alleles "
        "for csq."""
        end = self._base + len(chosen)
        csq: dict[int, str] = {}
        while self._next is not None and self._next[0] < end:
            csq[int(chosen[self._next[0] - self._base])] = self._next[1]
            self._next = next(self._stream, None)
        joint = {
            int(i): self._said.joint[self._base + n]
            for n, i in enumerate(chosen)
            if self._base + n in self._said.joint
        }
        unphased = frozenset(int(i) for n, i in enumerate(chosen) if self._base + n in self._said.unphased)
        self._base = end
        return csq, joint, unphased


def _hits(
    table: ScoreTable | None, contig: str, alleles: Alleles
) -> tuple[NDArray[np.int64] | None, ScoreRows]:
    """Offsets int64 (a + 1,) and rows of AlphaMissense of each allele."""
    if table is None:
        return None, no_rows()
    snv = np.flatnonzero(alleles.kind == ak.SNV)
    offsets, rows = table.hits(contig, alleles.pos[snv], alleles.code[snv])
    counts = np.zeros(len(alleles.kind), dtype=np.int64)
    counts[snv] = np.diff(offsets)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), rows


def spliced(
    segment: Segment, alleles: Alleles, ids: NDArray[np.int64], info: NDArray[np.int64], pool: bytearray
) -> Segment:
    """The segment with new IDs and INFO."""
    added = int((ids[:, 1] - ids[:, 0]).sum() + (info[:, 1] - info[:, 0]).sum()) + len(info)
    out = np.empty(len(segment.text) + added, dtype=np.uint8)
    lines = segment.lines.copy()
    data = np.frombuffer(bytes(pool) or b"\0", dtype=np.uint8)
    starts = np.empty(len(lines), dtype=np.int64)
    text = np.frombuffer(segment.text, dtype=np.uint8)
    n = ak.splice(text, alleles.columns, ids, info, data, out, starts)
    lines[:, 2] = starts
    return Segment(segment.contig, out[:n].tobytes(), lines)


def without_keys(segment: Segment, keys: frozenset[bytes]) -> Segment:
    """The segment without INFO of an earlier annotation."""
    out, lines, at = [], segment.lines.copy(), 0
    for i, line in enumerate(segment.text.split(b"\n")[:-1]):
        fields = line.split(b"\t")
        kept = [part for part in fields[7].split(b";") if part.split(b"=", 1)[0] not in keys]
        fields[7] = b";".join(kept) or b"."
        out.append(b"\t".join(fields) + b"\n")
        lines[i, 2] = at
        at += len(out[-1])
    return Segment(segment.contig, b"".join(out), lines)


def annotate_vcf(
    job: AnnotateJob, config: AnnotateConfig | None = None, quiet: bool = True
) -> AnnotateSummary:
    """Write `job.vcf` annotated, indexed.

    Raises:
        DeepcohortError: anything about the inputs that a user can mend; nothing is written then.
    """
    config = config or AnnotateConfig()
    counts = np.zeros(3, dtype=np.int64)
    with ExitStack() as stack:
        run = _Annotator(job, config, stack, quiet)
        composer, said = run.prepare()
        keys = new_keys(job, run.tables)
        stale = frozenset(
            key.encode()
            for key in keys
            if any(line.startswith(f"##INFO=<ID={key},") for line in run.header.lines)
        )
        check, sites = RefCheck(str(job.vcf), run.fasta, config), _SiteReader(said)
        with (
            atomic_outputs(job.output, partners=(".tbi", ".csi")) as (temporary,),
            IndexedVcfWriter(temporary, run.order) as writer,
        ):
            codes = run.models.codes if run.models is not None else {}
            writer.write_header(output_header(job, run.tables, run.table, codes))
            for segment in run.segments("annotating"):
                plain = without_keys(segment, stale) if stale else segment
                plain = within_contig(plain, run.length(plain.contig), job.vcf)
                done = _annotate(plain, run, composer, check, sites)
                for part in _wanted(done[0], run.regions):
                    writer.write_lines(part.contig, part.text, part.lines)
                    counts[0] += len(part.lines)
                counts[1:] += done[1]
        licence = run.table.about.licence if run.table is not None else ""
        run.warnings += [
            f"{t.n_repeated} alleles have several numbers in table {t.spec.name}; the first line's is kept"
            for t in run.tables
            if t.n_repeated
        ]
    return AnnotateSummary(
        int(counts[0]), int(counts[1]), int(counts[2]), check.n_differ, licence, tuple(run.warnings)
    )


def _wanted(segment: Segment, regions: Mapping[str, Sequence[Region]] | None) -> Iterator[Segment]:
    if regions is None:
        yield segment
        return
    for region in regions.get(segment.contig, ()):
        part = inside(segment, region)
        if len(part.lines):
            yield part


def _is_wanted(segment: Segment, regions: Mapping[str, Sequence[Region]] | None) -> NDArray[np.bool_]:
    """Which records lie in the regions, bool (m,)."""
    pos = segment.lines[:, 0]
    if regions is None:
        return np.ones(len(pos), dtype=bool)
    wanted = np.zeros(len(pos), dtype=bool)
    for region in regions.get(segment.contig, ()):
        wanted |= (pos >= region.start) & (pos < region.end)
    return wanted


def _annotate(
    segment: Segment, run: _Annotator, composer: Composer, check: RefCheck, sites: _SiteReader
) -> tuple[Segment, NDArray[np.int64]]:
    """The segment annotated; its alleles and those with a score, int64 (2,)."""
    alleles = alleles_of(segment, run.fasta, run.config)
    check.see(segment, alleles)
    offsets, rows = _hits(run.table, segment.contig, alleles)
    csq: dict[int, str] = {}
    joint: dict[int, list[Joint]] = {}
    unphased: frozenset[int] = frozenset()
    if run.models is not None:
        csq, joint, unphased = sites.take(site_alleles(segment, alleles, run.models))
    known_keys = alleles.pos[alleles.key != 0]
    start, end = int(known_keys.min(initial=1 << 40)), int(known_keys.max(initial=0)) + 1
    matches = [table.matches(segment.contig, start, end, alleles.key) for table in run.tables]
    known = Known(offsets, rows, csq, joint, unphased, matches)
    ids, info, pool = composer.compose(segment, alleles, known)
    here = _is_wanted(segment, run.regions)[alleles.record]
    n_scored = 0 if offsets is None else int((np.diff(offsets) > 0)[here].sum())
    counts = np.array([here.sum(), n_scored], dtype=np.int64)
    return spliced(segment, alleles, ids, info, pool.data), counts
