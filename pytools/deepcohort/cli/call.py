"""deepcohort call."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.calls.config import CallsConfig
from deepcohort.phase.config import PhaseConfig

app = typer.Typer()
_CALLS = CallsConfig()


@app.command()
def call(
    reads: Annotated[
        list[Path], typer.Option(help="BAM or CRAM of one sample, indexed; repeat for more files.")
    ],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")],
    gvcf: Annotated[
        Path | None, typer.Option(help="gVCF to write, .g.vcf.gz; its index comes beside it.")
    ] = None,
    vcf: Annotated[Path | None, typer.Option(help="VCF of called variants to write, .vcf.gz.")] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(help="CONTIG or CONTIG:START-END, 1-based inclusive; repeat. Default: all."),
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(help="BED or interval list of regions; with --region, what both hold.")
    ] = None,
    padding: Annotated[int, typer.Option(help="Call so many bp around each of --regions.", min=0)] = 0,
    sample: Annotated[str, typer.Option(help="Sample name. Default: SM of the reads' header.")] = "",
    platform: Annotated[str, typer.Option(help="Of the reads: illumina, hifi or ont.")] = "illumina",
    model: Annotated[
        str, typer.Option(help="Model file, or auto: the one shipped for the platform.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    cascade: Annotated[
        bool, typer.Option("--cascade/--no-cascade", help="Let the small model settle what it is sure of.")
    ] = True,
    paralogs: Annotated[
        Path | None,
        typer.Option(
            help="Table of `deepcohort paralogs`. Default: REFERENCE.paralogs.tsv.gz, where there is one."
        ),
    ] = None,
    place_paralogs: Annotated[
        bool,
        typer.Option(
            "--place-paralogs/--no-place-paralogs",
            help="Judge reads of segmental duplications together (short reads).",
        ),
    ] = True,
    alleles: Annotated[
        Path | None,
        typer.Option(help="VCF or BCF, indexed: its alleles get a record whatever the reads show."),
    ] = None,
    alleles_only: Annotated[
        bool, typer.Option("--alleles-only", help="Write records of those alone.")
    ] = False,
    panel: Annotated[
        Path | None,
        typer.Option(help="VCF or BCF, indexed, with frequencies (AC and AN, AF, or genotypes): a prior."),
    ] = None,
    panel_population: Annotated[
        str, typer.Option(help="Take the frequencies of this population: AF_x, x_AF, or AC_x and AN_x.")
    ] = "",
    second_look: Annotated[
        bool,
        typer.Option(
            "--second-look",
            help="With --alleles: their records alone, by the reads alone, to be merged onto a first gVCF.",
        ),
    ] = False,
    sex: Annotated[str, typer.Option(help="XX, XY, NA, or auto (by coverage): ploidy of X and Y.")] = "auto",
    ploidy: Annotated[int, typer.Option(help="Ploidy outside the ploidy BED and X, Y: 1 or 2.")] = 2,
    ploidy_bed: Annotated[
        Path | None, typer.Option(help="BED whose fourth column is a ploidy (0, 1, 2); overrules --sex.")
    ] = None,
    min_homref_gq: Annotated[
        int, typer.Option(help="gVCF: surer 0/0 candidates melt into reference blocks.", min=0, max=99)
    ] = _CALLS.min_homref_gq,
    low_qual: Annotated[
        float, typer.Option(help="QUAL below this: FILTER LowQual.", min=0)
    ] = _CALLS.low_qual,
    single_read_qual: Annotated[
        float | None,
        typer.Option(
            help="QUAL below this where a single read shows the ALT: FILTER LowQual; --low-qual at least. "
            "Default by platform and depth: of short reads 13 (indels 8) up to 4x, 2 less for each x beyond.",
            min=0,
        ),
    ] = None,
    phase: Annotated[
        bool,
        typer.Option("--phase/--no-phase", help="Phase heterozygous sites by the reads: GT 0|1, PS, PQ."),
    ] = True,
    min_phase_quality: Annotated[
        int, typer.Option(help="Phred; sites and links less sure are left unphased.", min=1, max=99)
    ] = PhaseConfig().min_quality_phred,
    phase_evidence: Annotated[
        Path | None,
        typer.Option(
            help="Leave records unphased and write here what phasing takes, .npz: for a shard that "
            "`deepcohort merge` will phase together with the others."
        ),
    ] = None,
    haplotag: Annotated[
        Path | None,
        typer.Option(help="BAM or CRAM to write: the reads with their haplotype (HP) and phase set (PS)."),
    ] = None,
    max_depth: Annotated[
        int | None, typer.Option(help="Deeper stretches are thinned to this, by read name.", min=1)
    ] = None,
    contamination: Annotated[
        float | None,
        typer.Option(
            help="Share of the reads that are another person's, below 0.5; 0: none. Default: as measured "
            "in short reads, 0 where it is not sure."
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(help="Processes that share long regions, up to 800 MiB each.", min=1)
    ] = 1,
    profile_stages: Annotated[bool, typer.Option("--profile-stages", help="Print time by stage.")] = False,
    profile_json: Annotated[Path | None, typer.Option(help="Write time by stage as JSON.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Call variants of one sample, everywhere or in some regions: reads to gVCF and VCF."""
    from deepcohort.compose.call_run import run_call
    from deepcohort.compose.call_setup import CallRequest

    run_call(
        CallRequest(
            reads=tuple(reads),
            reference=reference,
            gvcf=gvcf,
            vcf=vcf,
            region=tuple(region or ()),
            regions=regions,
            padding=padding,
            sample=sample,
            platform=platform,
            model=model,
            device=device,
            cascade=cascade,
            paralogs=paralogs,
            place_paralogs=place_paralogs,
            alleles=alleles,
            alleles_only=alleles_only or second_look,
            second_look=second_look,
            panel=panel,
            panel_population=panel_population,
            sex=sex,
            ploidy=ploidy,
            ploidy_bed=ploidy_bed,
            min_homref_gq=min_homref_gq,
            low_qual=low_qual,
            single_read_qual=single_read_qual,
            phase=phase,
            min_phase_quality=min_phase_quality,
            phase_evidence=phase_evidence,
            haplotag=haplotag,
            max_depth=max_depth,
            contamination=contamination,
            threads=threads,
            profile_stages=profile_stages,
            profile_json=profile_json,
            quiet=quiet,
        )
    )
