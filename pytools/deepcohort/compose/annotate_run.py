"""What `deepcohort annotate` does with its options."""

from dataclasses import dataclass
from pathlib import Path

import typer

from deepcohort.core.errors import InputProblems


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command, as given."""

    vcf: Path | None
    reference: Path | None
    output: Path | None
    alphamissense: Path | None
    amino_acids: Path | None
    genes: Path | None
    scores: tuple[str, ...]
    regions: Path | None
    pack: Path | None
    report: Path | None
    pedigree: Path | None
    quiet: bool


def _problems(o: Options) -> list[str]:
    """What does not go together, one line each."""
    if o.pack is not None:
        others = {
            "--vcf": o.vcf,
            "--output": o.output,
            "--genes": o.genes,
            "--scores": o.scores,
            "--report": o.report,
        }
        found = [
            f"--pack excludes {name}: pack first, then annotate" for name, value in others.items() if value
        ]
        return found + (["--pack needs --alphamissense"] if o.alphamissense is None else [])
    needed = {"--vcf": o.vcf}
    if o.report is None or o.output is not None:
        needed |= {"--reference": o.reference, "--output": o.output}
    found = [f"{name} is needed" for name, value in needed.items() if value is None]
    if o.output is None and o.report is not None:
        tables = {
            "--alphamissense": o.alphamissense,
            "--genes": o.genes,
            "--scores": o.scores,
            "--regions": o.regions,
        }
        found += [
            f"{name} needs --output: --report alone counts what is annotated"
            for name, v in tables.items()
            if v
        ]
    if o.pedigree is not None and o.report is None:
        found.append("--pedigree is for --report alone")
    return found


def run(options: Options) -> None:
    """Pack, annotate or report.

    Raises:
        InputProblems: options that do not go together. DeepcohortError: see the libraries.
    """
    problems = _problems(options)
    if problems:
        raise InputProblems(problems)
    if options.pack is not None:
        _pack(options)
        return
    vcf = options.vcf
    if options.report is not None and vcf is not None and not (options.genes or options.alphamissense):
        from deepcohort.annotate.report import check_annotated

        check_annotated(vcf)  # before any work: other tables bring nothing that is reported
    if options.output is not None:
        _annotate(options)
        vcf = options.output
    if options.report is not None and vcf is not None:
        _report(options, vcf)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _pack(options: Options) -> None:
    from deepcohort.annotate.config import LICENCE_NOTE
    from deepcohort.annotate.packed import pack
    from deepcohort.core.io import ReferenceFasta

    assert options.alphamissense is not None
    assert options.pack is not None
    fasta = ReferenceFasta(options.reference) if options.reference is not None else None
    n, about = pack(options.alphamissense, options.pack, fasta, quiet=options.quiet)
    _say(f"AlphaMissense: {about.licence} ({LICENCE_NOTE})")
    _say(f"{options.pack}: {n:,} rows, {len({t for t, _ in about.pairs}):,} transcripts")


def _annotate(options: Options) -> None:
    from deepcohort.annotate.config import LICENCE_NOTE
    from deepcohort.annotate.other_tables import parse_spec
    from deepcohort.annotate.run import AnnotateJob, annotate_vcf
    from deepcohort.joint.inputs import chosen_regions

    assert options.vcf is not None
    assert options.reference is not None
    assert options.output is not None
    regions = chosen_regions(options.reference, (), options.regions)
    job = AnnotateJob(
        options.vcf,
        options.reference,
        options.output,
        options.alphamissense,
        options.amino_acids,
        options.genes,
        tuple(parse_spec(text) for text in options.scores),
        None if regions is None else tuple(regions),
    )
    done = annotate_vcf(job, quiet=options.quiet)
    for warning in done.warnings:
        _say(f"deepcohort: warning: {warning}")
    if done.licence:
        _say(f"AlphaMissense: {done.licence} ({LICENCE_NOTE})")
    scored = f", {done.n_scored:,} with a score of AlphaMissense" if options.alphamissense else ""
    differ = f"; REF of {done.n_ref_differs:,} is not the reference's" if done.n_ref_differs else ""
    _say(f"{options.output}: {done.n_records:,} records, {done.n_alleles:,} alleles{scored}{differ}")


def _report(options: Options, vcf: Path) -> None:
    from deepcohort.annotate.report import write_report
    from deepcohort.joint.inputs import family_of

    assert options.report is not None
    family, _ = family_of(options.pedigree, None)
    done = write_report(vcf, options.report, family)
    _say(f"{options.report}: {done}")
