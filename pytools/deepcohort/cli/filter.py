"""deepcohort filter."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcohort.filter.config import FilterConfig, TrainFilterConfig

if TYPE_CHECKING:
    from deepcohort.filter.apply import FilterSummary

app = typer.Typer()
_D = FilterConfig()
_T = TrainFilterConfig()
_ONE_THRESHOLD = "--sensitivity, --fdr and the thresholds exclude each other"


@app.command(name="filter")
def filter_(
    reference: Annotated[
        Path | None, typer.Option(help="Indexed FASTA that calls and reads were made on.")
    ] = None,
    vcf: Annotated[Path | None, typer.Option(help="VCF of any caller, .vcf.gz.")] = None,
    reads: Annotated[
        list[str] | None,
        typer.Option(
            help="BAM or CRAM of the sample, indexed; repeatable. SAMPLE=FILE for each sample of a cohort."
        ),
    ] = None,
    samplesheet: Annotated[
        Path | None, typer.Option(help="Instead of --reads, for a cohort: CSV with columns sample, reads.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="VCF to write, .vcf.gz; its index comes beside it.")
    ] = None,
    platform: Annotated[str, typer.Option(help="Of the reads: illumina, hifi or ont.")] = "illumina",
    model: Annotated[str, typer.Option(help="Model file, or auto: the shipped one.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    trained: Annotated[
        Path | None, typer.Option(help="Filter trained for this caller; without: the network's score alone.")
    ] = None,
    judge: Annotated[
        str, typer.Option(help="What is judged: genotype (as called), or allele (in one copy or two).")
    ] = _D.judge,
    snp_threshold: Annotated[
        float | None,
        typer.Option(
            help=f"SNPs of a lower DC_SCORE get FILTER DCLow. Default: {_D.threshold:g}, "
            f"{_D.few_threshold:g} in files of fewer than {_D.min_records}."
        ),
    ] = _D.snp_threshold,
    indel_threshold: Annotated[float | None, typer.Option(help="The same for indels.")] = _D.indel_threshold,
    sensitivity: Annotated[
        float | None, typer.Option(help="Keep this per cent of the true records (by the scores) instead.")
    ] = _D.sensitivity,
    fdr: Annotated[
        float | None,
        typer.Option(help="Keep as many as the scores allow with this share wrong (0.01) instead."),
    ] = _D.fdr,
    train: Annotated[
        Path | None, typer.Option(help="Train a filter and write it here, instead of filtering.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="With --train: VCF of true variants.")] = None,
    confident: Annotated[
        Path | None, typer.Option(help="With --train: BED where the truth is known.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="With --train: TSV of several call sets (vcf, reads, truth, confident)."),
    ] = None,
    annotations: Annotated[
        bool, typer.Option(help="With --train: use the caller's QUAL, GQ and INFO numbers too.")
    ] = _T.use_annotations,
    regions: Annotated[
        Path | None, typer.Option(help="Of a cohort: BED of records to write; scores stay the same.")
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="Of a cohort: processes that score samples side by side.")
    ] = 1,
    allow_missing_reads: Annotated[
        bool, typer.Option(help="Of a cohort: leave genotypes of samples without reads unscored.")
    ] = False,
    checksums: Annotated[
        Path | None, typer.Option(help="Table to write: name, bytes and SHA-256 of the output.")
    ] = None,
    resource: Annotated[
        Path | None,
        typer.Option(
            help="Of a VCF that is scored already: FILTER by tranches of these known alleles (VCF)."
        ),
    ] = None,
    tranche: Annotated[
        list[float] | None,
        typer.Option(
            help="With --resource: per cent of the known alleles to keep; repeatable. Default: 99, 99.9."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="With --train.")] = _T.seed,
) -> None:
    """Score and filter another caller's VCF with the network (INFO/DC_SCORE, FILTER DCLow).

    Of a cohort: each carrier's genotype too (FORMAT/DC_SCORE), from all carriers' reads.
    """
    from deepcohort.compose.filter_cohort import CohortRequest, is_cohort, option_problems, unread_note
    from deepcohort.compose.filter_cohort import run as run_cohort
    from deepcohort.core.errors import InputProblems
    from deepcohort.model.load import load_predictor

    chosen = (snp_threshold, indel_threshold, sensitivity, fdr)
    of_reads: dict[str, object] = {
        "--trained": trained, "--regions": regions, "--truth": truth, "--confident": confident,
        "--manifest": manifest, "--threads": threads > 1, "--allow-missing-reads": allow_missing_reads,
    }  # fmt: skip
    if resource is not None:
        by_threshold = any(told is not None for told in chosen)
        others = {"--reads": reads, "--samplesheet": samplesheet, "--train": train, **of_reads}
        others["thresholds, --sensitivity and --fdr"] = by_threshold
        _write_tranches(vcf, output, resource, tranche or (99.0, 99.9), others, checksums)
        return
    by_scores = not reads and samplesheet is None and train is None
    if by_scores and any(told is not None for told in chosen):
        _filter_scored(vcf, output, FilterConfig(judge, *chosen), checksums, of_reads, tranche)
        return
    problems = ["--reference is needed"] if reference is None else []
    problems += ["--tranche needs --resource"] if tranche else []
    by_sample = is_cohort(reads or (), samplesheet)
    if by_sample:
        problems += option_problems(reads or (), samplesheet, {"--train": train})
        if regions is not None and (sensitivity is not None or fdr is not None):
            problems.append(
                "--sensitivity and --fdr look at the scores of the whole VCF, and exclude --regions: score "
                "and merge the parts, then give the result alone (no --reads)"
            )
    else:
        cohort_alone = {
            "--regions": regions, "--threads": threads > 1, "--allow-missing-reads": allow_missing_reads
        }  # fmt: skip
        problems += [
            f"{name} is for cohorts: give --samplesheet, or --reads SAMPLE=FILE"
            for name, value in cohort_alone.items()
            if value
        ]
    if train is None:
        problems += [
            f"{name} is needed"
            for name, value in (("--vcf", vcf), ("--reads", reads or samplesheet), ("--output", output))
            if not value
        ]
        problems += [
            f"{name} is for --train alone"
            for name, value in (("--truth", truth), ("--confident", confident), ("--manifest", manifest))
            if value
        ]
    elif manifest is None:
        problems += [
            f"--train needs {name}, or --manifest"
            for name, value in (("--vcf", vcf), ("--reads", reads), ("--truth", truth))
            if not value
        ]
    elif vcf or reads or truth or confident:
        problems.append("--manifest and --vcf, --reads, --truth, --confident exclude each other")
    if train is not None and (output or trained or checksums or any(told is not None for told in chosen)):
        problems.append(
            "--train excludes --output, --checksums, --trained, thresholds, --sensitivity and --fdr: train "
            "first, then filter"
        )
    by_hand = snp_threshold is not None or indel_threshold is not None
    if (sensitivity is not None) + (fdr is not None) + by_hand > 1:
        problems.append(_ONE_THRESHOLD)
    if fdr is not None and trained is not None:
        problems.append("--fdr is for the network's own score: leave out --trained")
    if problems:
        raise InputProblems(problems)
    assert reference is not None
    if by_sample:
        assert vcf is not None
        assert output is not None
        request = CohortRequest(
            vcf, reference, output, tuple(reads or ()), samplesheet, platform, model, device,
            FilterConfig(judge, *chosen), threads, regions, allow_missing_reads, trained,
        )  # fmt: skip
        note = unread_note(request)
        if note:
            typer.echo(f"{output}: {note}", err=True)
        _tell(output, run_cohort(request), checksums)
        return
    predictor = load_predictor(model, platform, device)
    if train is not None:
        from deepcohort.compose.filter_run import TrainingInput, read_training_manifest
        from deepcohort.compose.filter_run import train as run

        if manifest is not None:
            items = read_training_manifest(manifest)
        else:
            assert vcf is not None
            assert truth is not None
            items = [TrainingInput(vcf, tuple(map(Path, reads or ())), truth, confident)]
        head = run(
            items, reference, train, predictor, TrainFilterConfig(use_annotations=annotations, seed=seed)
        )
        typer.echo(
            f"{train}: {head.about['records']} records, {head.about['wrong']} wrong; thresholds "
            f"{head.snp_threshold:.2f} (SNP), {head.indel_threshold:.2f} (indel)",
            err=True,
        )
        return
    from deepcohort.filter.apply import filter_vcf
    from deepcohort.filter.caller_classifier import load_head

    assert vcf is not None
    assert output is not None
    config = FilterConfig(judge, *chosen)
    head_ = load_head(trained) if trained else None
    _tell(
        output,
        filter_vcf(vcf, [Path(word) for word in reads or ()], reference, output, predictor, config, head_),
        checksums,
    )


def _filter_scored(
    vcf: Path | None,
    output: Path | None,
    config: FilterConfig,
    checksums: Path | None,
    others: Mapping[str, object],
    tranche: Sequence[float] | None,
) -> None:
    from deepcohort.core.errors import InputProblems
    from deepcohort.filter.scored import filter_scored

    problems = ["--tranche needs --resource"] if tranche else []
    problems += [f"{name} is needed" for name, value in (("--vcf", vcf), ("--output", output)) if not value]
    problems += [
        f"{name} needs reads: without --reads the scores that {vcf} has are taken"
        for name, value in others.items()
        if value
    ]
    by_hand = config.snp_threshold is not None or config.indel_threshold is not None
    if (config.sensitivity is not None) + (config.fdr is not None) + by_hand > 1:
        problems.append(_ONE_THRESHOLD)
    if problems or vcf is None or output is None:
        raise InputProblems(problems)
    _tell(output, filter_scored(vcf, output, config), checksums)


def _write_tranches(
    vcf: Path | None,
    output: Path | None,
    resource: Path,
    levels: Sequence[float],
    others: Mapping[str, object],
    checksums: Path | None,
) -> None:
    from deepcohort.compose.filter_tranches import run, told
    from deepcohort.core.errors import InputProblems

    problems = [f"{name} is needed" for name, value in (("--vcf", vcf), ("--output", output)) if not value]
    problems += [
        f"--resource takes the scores that {vcf} has, and excludes {name}: score first, then give the result"
        for name, value in others.items()
        if value
    ]
    if problems or vcf is None or output is None:
        raise InputProblems(problems)
    for line in told(run(vcf, output, resource, levels)):
        typer.echo(f"{output}: {line}", err=True)
    _sum_up(output, checksums)


def _sum_up(output: Path, checksums: Path | None) -> None:
    if checksums is not None:
        from deepcohort.cohort.provenance import write_checksums

        write_checksums([output], checksums)


def _tell(output: Path, done: "FilterSummary", checksums: Path | None) -> None:
    _sum_up(output, checksums)
    typer.echo(
        f"{output}: {done.n_records} records, {done.n_scored} scored, {done.n_low} low "
        f"(thresholds {done.snp_threshold:.2f}, {done.indel_threshold:.2f})",
        err=True,
    )
