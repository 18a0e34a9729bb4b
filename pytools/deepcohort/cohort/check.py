"""Everything that can be known to be wrong before work starts, found in one go."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from deepcohort.cohort.fastq import fastq_problems
from deepcohort.cohort.io import ReadsHeader, find_index, read_header
from deepcohort.cohort.samplesheet import Sheet, is_safe, pedigree_lines, read_samplesheet
from deepcohort.cohort.types import Sample, StoredSamples
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta, check_contig_names
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.paths import is_remote
from deepcohort.core.region import Region, intersect, merge_regions, subtract
from deepcohort.formats.bed import read_bed
from deepcohort.formats.bgzf import check_bgzf_vcf
from deepcohort.formats.vcf_index import open_vcf_index
from deepcohort.reads.checksums import other_sequences
from deepcohort.reads.groups import groups_of_sample, samples_of
from deepcohort.reads.load import check_reads_index
from deepcohort.reads.sex import SexEvidence, has_sex_contig, sex_of_reads

_NAMED = 3  # contigs spelt out in one message
_PADDING_BP = 10_000  # around regions, more than anybody calls beside them (--bed_padding)
_CHUNK_BP = 8_000_000


def compare_contigs(
    reads: dict[str, int], reference: dict[str, int], wanted: list[str]
) -> tuple[list[str], list[str]]:
    """What stands against calling these reads on this reference: (problems, remarks).

    Contig names with lengths in bp. A length that differs, a wanted contig that the reads lack and
    no contig in common are problems; contigs that only the reads have are a remark (not called).
    """
    common = [name for name in reads if name in reference]
    matching = sum(reads[name] == reference[name] for name in common)
    tail = f"({matching} of {len(reads)} contigs of the reads match the reference in name and length)"
    if not common:
        hint = ""
        if {name.removeprefix("chr") for name in reads} & {name.removeprefix("chr") for name in reference}:
            hint = "; one says chr1 where the other says 1"
        return [
            f"no contig in common: the reads have {_some(reads)}, "
            f"the reference {_some(reference)}{hint} {tail}"
        ], []
    problems = []
    differing = [name for name in common if reads[name] != reference[name]]
    if differing:
        which = _some(
            [f"{n} is {reads[n]} bp in the reads, {reference[n]} bp in the reference" for n in differing]
        )
        problems.append(f"contig lengths differ: {which} {tail}; use the reference the reads were aligned to")
    lacking = [name for name in wanted if name not in reads]
    if lacking:
        problems.append(
            f"the reads lack {_some(lacking)}, which is to be called {tail}; leave it out with --contigs"
        )
    extra = len(reads) - len(common)
    remarks = [f"{extra} contigs of the reads are not in the reference and are not called"] if extra else []
    return problems, remarks


def _some(names: "list[str] | dict[str, int]") -> str:
    shown = list(names)
    rest = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return ", ".join(shown[:_NAMED]) + rest


def check_cohort(
    samplesheet: Path,
    reference: Path,
    contigs: list[str],
    regions: Path | None,
    base: Path | None = None,
    launch: Path | None = None,
    open_files: bool = True,
    stored: Sequence[StoredSamples] = (),
    known_problems: Sequence[str] = (),
    missing_aligners: Callable[[set[str]], list[str]] = lambda platforms: [],
) -> tuple[list[Sample], list[str]]:
    """Samples that are fit to call, and remarks on what is odd but allowed.

    Args:
        samplesheet: CSV file (docs/usage.md).
        reference: FASTA with .fai.
        contigs: names to be called; empty for all.
        regions: BED of what to call, or None.
        base: folder that relative cells start from; None for the samplesheet's own.
        launch: where else to look for relative cells when `base` is None.
        open_files: False looks at the text of the samplesheet only.
        stored: cohorts that these samples will be genotyped with.
        known_problems: found elsewhere, to be told together with the others.
        missing_aligners: what is missing here to align reads of these platforms, a line each.

    Raises:
        InputProblems: every problem found, by row.
    """
    sheet = read_samplesheet(samplesheet, base, launch, stored)
    problems = [*sheet.problems, *known_problems]
    if not open_files:
        if problems:
            raise InputProblems(problems)
        return [_with_indexes(sample) for sample in sheet.samples], sheet.remarks
    lengths: dict[str, int] = {}
    wanted: list[str] = []
    asked: list[Region] = []
    try:
        with ReferenceFasta(reference) as fasta:
            lengths = fasta.contig_lengths
        check_contig_names(reference, lengths)
        unknown = [name for name in contigs if name not in lengths]
        if unknown:
            problems.append(
                f"--contigs names {_some(unknown)}, not in the reference (it has {_some(lengths)})"
            )
        wanted = [name for name in lengths if not contigs or name in contigs]
        asked = [Region(name, 0, lengths[name]) for name in wanted]
        if regions:
            in_bed = read_bed(regions, lengths).merged()
            named = {region.contig for region in in_bed}
            wanted = [name for name in wanted if name in named]
            asked = intersect(in_bed, asked)
        for cohort in stored:
            problems += _check_stored(cohort, reference, lengths, asked)
    except DeepcohortError as error:
        problems += str(error).splitlines()
    problems += missing_aligners({sample.platform for sample in sheet.samples if sample.lanes})
    remarks = list(sheet.remarks)
    headers: dict[Path, ReadsHeader] = {}
    samples = [
        _check_sample(s, sheet, reference, lengths, wanted, problems, remarks, headers) for s in sheet.samples
    ]
    problems += _truths_elsewhere(sheet, samples, lengths, asked)
    problems += _wrongly_shared(sheet, samples, headers)
    if not problems:
        samples = [_with_sex(sample, sheet, headers, wanted, remarks) for sample in samples]
    for path, header in headers.items():
        bad, odd = other_sequences(path, header.checksums, reference, wanted)
        problems += bad
        remarks += odd
    if problems:
        raise InputProblems(problems)
    return samples, remarks


def _check_stored(
    cohort: StoredSamples, reference: Path, lengths: dict[str, int], asked: list[Region]
) -> list[str]:
    """What stands against genotyping `asked` with a stored cohort, at most one line."""
    for name, length in cohort.contigs.items():
        if lengths.get(name) != length:
            found = f"{lengths[name]} bp" if name in lengths else "absent"
            return [
                f"stored cohort {cohort.path} has contig {name} of {length} bp, {reference} says {found}; "
                "use the reference it was made on"
            ]
    with ReferenceFasta(reference) as fasta:
        gaps = subtract(asked, merge_regions(cohort.regions))
        lacking = [gap for gap in gaps if not _is_unknown(fasta, gap)]
    if lacking:
        return [
            f"stored cohort {cohort.path} lacks {_some([str(gap) for gap in lacking])}, to be called; "
            "give --regions or --contigs within it"
        ]
    return []


def _is_unknown(fasta: ReferenceFasta, gap: Region) -> bool:
    """Whether the reference has nothing but N there (shards leave out such runs)."""
    for start in range(gap.start, gap.end, _CHUNK_BP):
        piece = Region(gap.contig, start, min(gap.end, start + _CHUNK_BP))
        if fasta.fetch_text(piece).strip("Nn"):
            return False
    return True


def _with_indexes(sample: Sample) -> Sample:
    """The sample with the indexes that lie beside its reads and truth filled in (guessed when absent)."""
    indexes = []
    for reads, index in zip(sample.reads, sample.indexes, strict=True):
        suffix = ".crai" if reads.suffix.lower() == ".cram" else ".bai"
        indexes.append(index if index != Path() else find_index(reads) or Path(f"{reads}{suffix}"))
    truth = sample.truth_vcf
    truth_index = (find_index(truth) or Path(f"{truth}.tbi")) if truth else None
    return replace(sample, indexes=tuple(indexes), truth_index=truth_index)


def _check_sample(
    sample: Sample,
    sheet: Sheet,
    reference: Path,
    lengths: dict[str, int],
    wanted: list[str],
    problems: list[str],
    remarks: list[str],
    headers: dict[Path, ReadsHeader],
) -> Sample:
    sample = _with_indexes(sample)
    rows = [row for row in sheet.rows[sample.sample] if row["reads"]]
    for row, reads, index in zip(rows, sample.reads, sample.indexes, strict=True):
        where = f"row {row.number} ({sample.sample}): "
        if is_remote(reads) or not is_safe(reads):
            continue
        found = [where + text for text in _check_reads(reads, index, reference)]
        if not found:
            try:
                header = read_header(reads, reference if lengths else None)
                check_reads_index(reads, index)
                headers[reads] = header
                bad, odd = compare_contigs(header.contigs, lengths, wanted) if lengths else ([], [])
                found += [f"{where}{reads.name}: {text}" for text in bad]
                remarks += [f"{where}{reads.name}: {text}" for text in odd]
            except DeepcohortError as error:
                found.append(f"{where}{error}")
        problems += found
    for lane, row in zip(sample.lanes, (r for r in sheet.rows[sample.sample] if r["fastq_1"]), strict=False):
        local = [path for path in lane.files if not is_remote(path) and is_safe(path)]
        problems += [f"row {row.number} ({sample.sample}): {text}" for text in fastq_problems(local)]
    opened = [(str(reads), headers[reads].groups) for reads in sample.reads if reads in headers]
    first = f"row {rows[0].number} ({sample.sample}): " if rows else ""
    try:
        remarks += [first + text for text in groups_of_sample(opened, sample.sample)[1]]
    except InputProblems as error:
        problems += [first + text for text in error.problems]
    for column, path in (("truth_vcf", sample.truth_vcf), ("truth_bed", sample.truth_bed)):
        if path and not is_remote(path) and not os.path.isfile(path):
            problems.append(f"{_truth_row(sheet, sample)}{column} {path} does not exist")
    if sample.truth_vcf and os.path.isfile(sample.truth_vcf):
        problems += [
            _truth_row(sheet, sample) + text for text in _check_truth(sample.truth_vcf, sample, lengths)
        ]
    return sample


def _with_sex(
    sample: Sample, sheet: Sheet, headers: dict[Path, ReadsHeader], wanted: list[str], remarks: list[str]
) -> Sample:
    """The sample with the sex that coverage tells, where its cell is empty and X or Y are called."""
    if sample.sex_told or not sample.reads or not has_sex_contig(wanted):  # without reads yet, calling judges
        return sample
    known = [headers[path] for path in sample.reads if path in headers]
    if any(len(samples_of(header.groups)) > 1 for header in known):
        found = SexEvidence("NA", why="a file holds the reads of several samples")
    else:
        contigs = [headers[path].contigs if path in headers else {} for path in sample.reads]
        found = sex_of_reads(sample.reads, contigs, sample.indexes)
    remarks.append(f"row {sheet.rows[sample.sample][0].number} ({sample.sample}): {found.told()}")
    return replace(sample, sex=found.sex)


def _truth_row(sheet: Sheet, sample: Sample) -> str:
    number = next(row.number for row in sheet.rows[sample.sample] if row["truth_vcf"] or row["truth_bed"])
    return f"row {number} ({sample.sample}): "


def _check_truth(truth: Path, sample: Sample, lengths: dict[str, int]) -> list[str]:
    """What stands against comparing with the truth VCF, by its ends and its index; `lengths`: of contigs."""
    if not (sample.truth_index and os.path.isfile(sample.truth_index)):
        return [f"truth_vcf {truth} is not indexed; compress it with bgzip and run: tabix -p vcf '{truth}'"]
    try:
        if truth.suffix == ".gz":
            check_bgzf_vcf(truth, "truth_vcf")
            names = list(open_vcf_index(truth, "truth_vcf").names)
            if names and lengths and not lengths.keys() & set(names):
                return [
                    f"truth_vcf {truth} has records on {_some(names)}, none of them in the reference (it has "
                    f"{_some(lengths)}); give the truth of this reference"
                ]
    except DeepcohortError as error:
        return [str(error)]
    return []


def _truths_elsewhere(
    sheet: Sheet, samples: Sequence[Sample], lengths: dict[str, int], asked: Sequence[Region]
) -> list[str]:
    """Malformed BEDs of truth, and those that share nothing with what is to be called."""
    near = merge_regions(region.padded(_PADDING_BP, lengths[region.contig]) for region in asked)
    told: dict[Path, list[str]] = {}
    problems = []
    for sample in samples:
        bed = sample.truth_bed
        if not near or bed is None or is_remote(bed) or not os.path.isfile(bed):
            continue
        if bed not in told:
            told[bed] = _bed_problems(bed, lengths, near)
        problems += [_truth_row(sheet, sample) + text for text in told[bed]]
    return problems


def _bed_problems(bed: Path, lengths: dict[str, int], near: Sequence[Region]) -> list[str]:
    try:
        known = read_bed(bed, lengths, unknown="skip").merged()
    except DeepcohortError as error:
        return [f"truth_bed: {line}" for line in str(error).splitlines()]
    if intersect(known, near):
        return []
    return [f"truth_bed {bed} shares nothing with what is to be called; leave the truth out of this run"]


def _check_reads(reads: Path, index: Path, reference: Path) -> list[str]:
    if not os.path.isfile(reads):
        return [f"reads {reads} does not exist"]
    if reads.stat().st_size == 0:
        return [f"reads {reads} is empty"]
    if not os.path.isfile(index):
        return [f"{reads} is not indexed (no {index}); run: samtools index '{reads}'"]
    if reads.suffix.lower() == ".cram" and not reference.exists():
        return [f"{reads} is a CRAM and needs its reference; give --reference"]
    return []


def _wrongly_shared(sheet: Sheet, samples: list[Sample], headers: dict[Path, ReadsHeader]) -> list[str]:
    """Files that stand in rows of two samples, yet hold the reads of one."""
    problems = []
    path_of = {
        row.number: path
        for sample in samples
        for row, path in zip(
            [row for row in sheet.rows[sample.sample] if row["reads"]], sample.reads, strict=True
        )
    }
    first = {row.number: (earlier, row) for earlier, row in reversed(sheet.shared)}  # one line per row
    for earlier, row in (first[number] for number in sorted(first)):
        header = headers.get(path_of[row.number])
        if header is not None and len(samples_of(header.groups)) < 2:
            problems.append(
                f"row {row.number}: reads {row['reads']} is listed already in row {earlier.number}, "
                "and its read groups do not name several samples"
            )
    return problems


def write_checked(
    samples: list[Sample], output: Path | None, pedigree: Path | None, stored: Sequence[StoredSamples] = ()
) -> None:
    """Write the samples as JSON (what the pipeline reads) and, with those stored, as a PLINK .ped file."""
    if output:
        with atomic_outputs(output) as (temporary,):
            temporary.write_text(json.dumps([sample.as_json() for sample in samples], indent=1) + "\n")
    if pedigree:
        with atomic_outputs(pedigree) as (temporary,):
            temporary.write_text("".join(f"{line}\n" for line in pedigree_lines(samples, stored)))


def report(samples: list[Sample], remarks: list[str], stored: Sequence[StoredSamples] = ()) -> None:
    """Tell people on stderr what was found."""
    for remark in remarks:
        print(f"deepcohort: note: {remark}", file=sys.stderr)
    files = sum(len(sample.reads) for sample in samples)
    lanes = sum(len(sample.lanes) for sample in samples)
    to_align = f", {lanes} lanes to align" if lanes else ""
    with_truth = sum(sample.truth_vcf is not None for sample in samples)
    older = sum(len(cohort.samples) for cohort in stored)
    more = f", genotyped with {older} stored" if older else ""
    print(
        f"{len(samples)} samples, {files} files, {with_truth} with truth{to_align}{more}: all is well",
        file=sys.stderr,
    )
