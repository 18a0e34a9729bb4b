"""A simulated cohort on disk: the room's one way in."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.outputs import disk_full_as_error
from deepcohort.core.progress import track
from deepcohort.simulate import io_align, io_outputs
from deepcohort.simulate.config import (
    ALIGNERS,
    INDEL_SPECTRA,
    PLATFORMS,
    QUALITY_BINNINGS,
    SimulateConfig,
)
from deepcohort.simulate.decoys import DECOY_PREFIX, decoys_and_paralogs
from deepcohort.simulate.genome import make_genome
from deepcohort.simulate.io_plant import clip_bed, planted_people, planted_sites
from deepcohort.simulate.io_reference import read_genome
from deepcohort.simulate.pedigree import make_people
from deepcohort.simulate.profile import load_profile
from deepcohort.simulate.sample import SampleTask, draw_settings, simulate_sample
from deepcohort.simulate.sexes import sex_contig
from deepcohort.simulate.types import Genome
from deepcohort.simulate.variants import simulate_sites


@dataclass(frozen=True, slots=True)
class Inputs:
    """Files that a simulation starts from; all optional.

    `reference`: FASTA, of which `regions` (texts) become contigs. `plant`: VCF whose variants are the
    truth, of `plant_sample` or of all its samples; `plant_confident`: BED that bounds the confident
    regions of planted samples.
    """

    reference: Path | None = None
    regions: tuple[str, ...] = ()
    plant: Path | None = None
    plant_sample: str | None = None
    plant_confident: Path | None = None


def simulate_cohort(
    output: Path,
    config: SimulateConfig,
    inputs: Inputs | None = None,
    threads: int = 1,
    quiet: bool = False,
) -> dict:
    """Write a whole cohort into `output`; returns what simulation.json says.

    Files are made in a hidden folder inside `output` and moved when all are complete, the
    samplesheet last.

    Raises:
        DeepcohortError: unusable settings, reference, VCF, profile, or output folder.
    """
    inputs = inputs or Inputs()
    check_config(config)
    _prepare(output)
    work = Path(tempfile.mkdtemp(prefix=".tmp-simulate-", dir=output))
    try:
        with disk_full_as_error(output):
            done = work / "done"
            done.mkdir()
            summary = _simulate(work, done, config, inputs, threads, quiet)
            (done / "simulation.json").write_text(json.dumps(summary, indent=2) + "\n")
            for path in sorted(done.iterdir(), key=lambda p: (p.name == "samplesheet.csv", p.name)):
                os.replace(path, output / path.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return summary


def check_config(config: SimulateConfig) -> None:
    """Look at all settings together.

    Raises:
        InputProblems: values out of range or unknown names, one line each.
    """
    reads, problems = config.reads, []
    if reads.platform not in PLATFORMS:
        problems.append(f"platform '{reads.platform}' is unknown; choose one of {', '.join(PLATFORMS)}")
    if reads.aligner not in ALIGNERS:
        problems.append(f"aligner '{reads.aligner}' is unknown; choose one of {', '.join(ALIGNERS)}")
    if reads.quality_binning not in QUALITY_BINNINGS:
        known = ", ".join(QUALITY_BINNINGS)
        problems.append(f"quality binning '{reads.quality_binning}' is unknown; choose one of {known}")
    spectrum = config.variants.indel_spectrum
    if spectrum not in INDEL_SPECTRA:
        known = ", ".join(INDEL_SPECTRA)
        problems.append(f"indel spectrum '{spectrum}' is unknown; choose one of {known}")
    for name in ("coverage", "read_length", "error_multiplier"):
        low, high = getattr(reads, name)
        if low < 0 or high < low:
            problems.append(f"{name} from {low} to {high} is no range; give LOW and HIGH, 0 or more")
    if 0 < reads.read_length[0] < 25 or (reads.read_length[1] > 400 and reads.platform == "illumina"):
        problems.append(f"read length {reads.read_length} is out of range; short reads have 25 to 400 bp")
    if not 0 <= reads.stutter <= 10:
        problems.append(f"stutter {reads.stutter} is out of range; give 0 to 10")
    if not 0 <= reads.contamination < 0.5:
        problems.append(f"contamination {reads.contamination} is out of range; give 0 to 0.5")
    if problems:
        raise InputProblems(problems)
    for index in range(len(reads.profiles) or 1):
        load_profile(
            reads.profiles[index] if reads.profiles else draw_settings(config, 0).profile, reads.platform
        )


def _prepare(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepcohortError(
            f"output folder {output} cannot be made: {error.strerror}; choose another --output"
        ) from error
    if not os.access(output, os.W_OK):
        raise DeepcohortError(f"output folder {output} is not writable; choose another --output")


def _simulate(
    work: Path, done: Path, config: SimulateConfig, inputs: Inputs, threads: int, quiet: bool
) -> dict:
    """Everything between settings and finished files in `done`."""
    if inputs.reference:
        genome = read_genome(inputs.reference, inputs.regions)
    else:
        genome = make_genome(config.genome, config.seed)
    roles = {n: sex_contig(n, length, genome.made_up) for n, length in genome.lengths.items()}
    summary: dict = {"settings": asdict(config), "contigs": genome.lengths}
    if inputs.plant:
        people = planted_people(inputs.plant, inputs.plant_sample, config.sexes)
        tables, summary["records_left_out"] = planted_sites(inputs.plant, genome, people, roles)
    else:
        people = make_people(config.family, config.unrelated, config.sexes)
        tables = [
            simulate_sites(
                name, codes, people, roles[name], config.variants,
                np.random.default_rng([config.seed, 12, i]),
            )
            for i, (name, codes) in enumerate(genome.contigs.items())
        ]  # fmt: skip
    if config.reads.contamination and len(people) == 1:
        raise DeepcohortError(
            "contamination comes from another sample of the cohort, and there is none; simulate two or more"
        )
    confident = clip_bed(inputs.plant_confident, genome) if inputs.plant_confident else None
    decoys, hidden = decoys_and_paralogs(genome, config.shadow, config.seed)
    index = work / "index"
    index.mkdir()
    extra = {f"{DECOY_PREFIX}{i}": copy.codes for i, copy in enumerate(decoys.copies)}
    io_outputs.write_fasta(index / "reference.fa", Genome(genome.contigs | extra))
    io_align.build_index(config.reads, index / "reference.fa")
    tasks = [
        SampleTask(
            done, index / "reference.fa", genome, roles, tables, decoys, hidden, people, i, config, confident
        )
        for i in range(len(people))
    ]
    figures = dict(track(_run(tasks, threads), len(tasks), "simulate samples", quiet))
    io_outputs.write_fasta(done / "reference.fa", genome)
    io_outputs.write_bed(done / "hidden_paralogs.bed", hidden.origin)
    everyone = list(range(len(people)))
    summary["sites"] = io_outputs.write_truth(
        done / "cohort.truth.vcf.gz", genome, tables, people, everyone, config.seed
    )
    io_outputs.write_pedigree(done / "pedigree.ped", people)
    io_outputs.write_samplesheet(done / "samplesheet.csv", people, config.reads.platform)
    return summary | {"samples": figures}


def _run(tasks: list[SampleTask], threads: int) -> Iterator[tuple[str, dict]]:
    """Results of all samples in order, `threads` processes at a time."""
    if threads <= 1 or len(tasks) == 1:
        yield from map(simulate_sample, tasks)
        return
    with ProcessPoolExecutor(min(threads, len(tasks)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(simulate_sample, tasks)
