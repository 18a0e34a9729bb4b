"""Options that commands on gVCFs of a cohort share."""

from pathlib import Path
from typing import Annotated

import typer

Reference = Annotated[Path, typer.Option(help="Reference FASTA with .fai, as in the gVCFs.")]
Gvcf = Annotated[list[Path] | None, typer.Option(help="gVCF of one sample; repeat.")]
GvcfList = Annotated[Path | None, typer.Option(help="File that names one gVCF per line.")]
Cohort = Annotated[
    list[Path] | None,
    typer.Option(help="Stored cohort of earlier samples: a file, or a folder of parts; repeat."),
]
CohortList = Annotated[Path | None, typer.Option(help="File that names one stored cohort or part per line.")]
RegionTexts = Annotated[
    list[str] | None, typer.Option(help="CONTIG or CONTIG:START-END, 1-based; repeat. Default: all.")
]
Regions = Annotated[Path | None, typer.Option(help="BED of regions.")]
