"""deepcohort evaluate."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.evaluate.config import OVERLAP, EvaluateConfig, of_rule

app = typer.Typer()
_DEFAULT = EvaluateConfig()


@app.command()
def evaluate(
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that calls and truth are about.")],
    output: Annotated[Path, typer.Option(help="Folder for the results.")],
    vcf: Annotated[
        list[Path] | None,
        typer.Option("--vcf", "--calls", help="Calls: VCF (bgzip, indexed) or BCF; repeatable."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="VCF of true variants; without it calls are described alone.")
    ] = None,
    confident: Annotated[Path | None, typer.Option(help="BED where the truth is known.")] = None,
    sample: Annotated[list[str] | None, typer.Option(help="Sample of each --vcf.")] = None,
    truth_sample: Annotated[str | None, typer.Option(help="Sample of the truth.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="Name of each --vcf in the results.")] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="TSV of many call sets: calls, truth, confident, name, sample, truth_sample, "
            "reads, caller, depth."
        ),
    ] = None,
    reads: Annotated[Path | None, typer.Option(help="BAM/CRAM for strata by coverage and MAPQ.")] = None,
    stratification: Annotated[
        list[str] | None, typer.Option(help="NAME=file.bed, or a .tsv of names and BEDs; repeatable.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Only records that touch CONTIG:START-END.")] = None,
    decompose: Annotated[bool, typer.Option(help="Cut complex records into parts first.")] = (
        _DEFAULT.decompose
    ),
    all_records: Annotated[bool, typer.Option(help="Use records whatever their FILTER.")] = (
        _DEFAULT.all_records
    ),
    squash_ploidy: Annotated[bool, typer.Option(help="Match alleles, not genotypes.")] = (
        _DEFAULT.squash_ploidy
    ),
    rule: Annotated[
        str,
        typer.Option(
            help="overlap: records may overlap and name *, as in T2T-Q100; vcfeval: equal to rtg vcfeval."
        ),
    ] = OVERLAP,
    ref_overlap: Annotated[
        bool | None, typer.Option(help="Of --rule vcfeval: let alleles overlap where they are reference.")
    ] = None,
    obey_phase: Annotated[bool, typer.Option(help="Take phased genotypes as written.")] = (
        _DEFAULT.obey_phase_calls
    ),
    pedigree: Annotated[
        Path | None, typer.Option("--pedigree", "--ped", help="Families (PED), without truth.")
    ] = None,
    replicates: Annotated[
        list[str] | None, typer.Option(help="A,B: two samples of one person, without truth.")
    ] = None,
    sites: Annotated[Path | None, typer.Option(help="VCF of known sites, without truth.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Contigs compared at once.")] = _DEFAULT.threads,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Compare calls with a truth set on haplotypes, as rtg vcfeval does; or describe calls without one."""
    from dataclasses import replace

    from deepcohort.core.errors import InputProblems
    from deepcohort.evaluate.callset_qc import describe
    from deepcohort.evaluate.options import plan, read_stratifications
    from deepcohort.evaluate.run import evaluate_many

    chosen = of_rule(rule)
    config = replace(
        chosen,
        decompose=decompose,
        all_records=all_records,
        squash_ploidy=squash_ploidy,
        ref_overlap=chosen.ref_overlap if ref_overlap is None else ref_overlap,
        obey_phase_calls=obey_phase,
        obey_phase_truth=obey_phase,
        threads=threads,
    )
    call_sets = plan(vcf or [], truth, confident, sample or [], truth_sample, name or [], manifest, reads)
    needs_truth = {
        "--sample": sample, "--truth-sample": truth_sample, "--name": name, "--reads": reads,
        "--stratification": stratification, "--region": region,
    }  # fmt: skip
    without_truth = {"--pedigree": pedigree, "--replicates": replicates, "--sites": sites}
    if call_sets is None:
        problems = [
            f"{option} without --truth has no meaning; give --truth as well"
            for option, value in needs_truth.items()
            if value
        ]
    else:
        problems = [
            f"{option} is for calls without truth; leave it out, or give these without --truth"
            for option, value in without_truth.items()
            if value
        ]
    if problems:
        raise InputProblems(problems)
    if call_sets is None:
        describe(vcf or [], reference, output, pedigree, replicates or [], sites)
    else:
        strata = read_stratifications(stratification or [])
        evaluate_many(call_sets, reference, output, strata, config, region, quiet)
