"""deepcohort show."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def show(
    reads: Annotated[
        list[Path], typer.Option(help="BAM or CRAM, indexed; repeat: samples are told apart by their SM.")
    ],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")],
    output: Annotated[
        Path, typer.Option(help="File to write: .png (.pdf, .svg) of one site, .html of any number.")
    ],
    site: Annotated[
        list[str] | None, typer.Option(help="CONTIG:POS, 1-based, as in the VCF; repeat for a page.")
    ] = None,
    vcf: Annotated[Path | None, typer.Option(help="Sites of this VCF, for a page.")] = None,
    judged: Annotated[
        str, typer.Option(help="Of annotated.vcf.gz of `evaluate`: records judged FP, FN or TP alone.")
    ] = "",
    max_sites: Annotated[int, typer.Option(help="Sites of --vcf at most, evenly spread.", min=1)] = 100,
    alt: Annotated[str, typer.Option(help="ALT to show, of several. Default: the most seen.")] = "",
    width: Annotated[int, typer.Option(help="bp drawn on each side of the site.", min=5, max=500)] = 30,
    platform: Annotated[str, typer.Option(help="Of the reads: illumina, hifi or ont.")] = "illumina",
    model: Annotated[str, typer.Option(help="Model file, or auto: the shipped one.")] = "auto",
    max_reads: Annotated[int, typer.Option(help="Reads drawn at most, all samples together.", min=1)] = 60,
    by_haplotype: Annotated[
        bool, typer.Option("--by-haplotype", help="Group reads by their tag HP, of `deepcohort haplotag`.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Draw the reads of a site, in one sample or several, and what the network sees of it, with its
    probabilities; or many sites on one page.
    """
    from deepcohort.compose.io_sites import Site, sites_of
    from deepcohort.compose.show_page import write_page
    from deepcohort.compose.show_run import by_sample, show_site
    from deepcohort.core.errors import DeepcohortError, InputProblems

    sites = site or []
    problems = []
    if not sites and vcf is None:
        problems.append("nothing to show; give --site or --vcf")
    if judged and vcf is None:
        problems.append("--judged chooses among the records of --vcf; give both")
    if judged not in ("", "FP", "FN", "TP"):
        problems.append(f"--judged {judged[:20]!r} is none of FP, FN, TP")
    if alt and (len(sites) > 1 or vcf is not None):
        problems.append("--alt is of one --site; give it alone")
    if problems:
        raise InputProblems(problems)
    if output.suffix.lower() != ".html":
        if len(sites) != 1 or vcf is not None:
            raise DeepcohortError(f"{output} holds one --site; name a file that ends in .html for several")
        typer.echo(
            show_site(
                reads, reference, sites[0], output, alt, platform, model, max_reads, width, by_haplotype
            )
        )
        return
    chosen = [Site(text) for text in sites]
    chosen += sites_of(vcf, judged, max_sites) if vcf is not None else []
    n = write_page(
        by_sample(reads, reference),
        reference,
        chosen,
        output,
        platform,
        model,
        max_reads,
        width,
        quiet,
        by_haplotype,
        alt,
    )
    typer.echo(f"{output}: {n} sites")
