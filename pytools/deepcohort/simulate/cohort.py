"""A simulated cohort on disk: the room's one way in."""

import json
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.progress import track
from deepcohort.simulate import io_align, io_outputs
from deepcohort.simulate.config import SimulateConfig
from deepcohort.simulate.genome import make_genome
from deepcohort.simulate.haplotypes import build_haplotype
from deepcohort.simulate.io_reference import read_genome
from deepcohort.simulate.pedigree import make_people
from deepcohort.simulate.profile import load_profile
from deepcohort.simulate.reads import short_reads
from deepcohort.simulate.types import Genome, Person, SiteTable
from deepcohort.simulate.variants import simulate_sites


@dataclass(frozen=True, slots=True)
class _Task:
    """What one process needs to make one sample's files."""

    folder: Path
    fasta: Path
    genome: Genome
    tables: list[SiteTable]
    people: list[Person]
    index: int
    config: SimulateConfig


def simulate_cohort(
    output: Path,
    config: SimulateConfig,
    reference: Path | None = None,
    regions: tuple[str, ...] = (),
    threads: int = 1,
    quiet: bool = False,
) -> dict:
    """Write a whole cohort into `output`; returns what simulation.json says.

    Files are made in a hidden folder inside `output` and moved when all are complete.

    Raises:
        DeepcohortError: unusable reference, profile, or output folder.
    """
    _prepare(output)
    load_profile(config.reads.profile or "simple")
    work = Path(tempfile.mkdtemp(prefix=".tmp-simulate-", dir=output))
    try:
        genome = read_genome(reference, regions) if reference else make_genome(config.genome, config.seed)
        people = make_people(config.family, config.unrelated)
        tables = [
            simulate_sites(name, codes, people, config.variants, np.random.default_rng([config.seed, 12, i]))
            for i, (name, codes) in enumerate(genome.contigs.items())
        ]
        (work / "done").mkdir()
        (work / "index").mkdir()
        fasta = work / "index" / "reference.fa"
        io_outputs.write_fasta(fasta, Genome(genome.contigs))
        io_align.build_bwa_index(fasta)
        done = work / "done"
        tasks = [_Task(done, fasta, genome, tables, people, i, config) for i in range(len(people))]
        counts = list(track(_run(tasks, threads), len(tasks), "simulate samples", quiet))
        io_outputs.write_fasta(done / "reference.fa", genome)
        everyone = list(range(len(people)))
        n_sites = io_outputs.write_truth(
            done / "cohort.truth.vcf.gz", genome, tables, people, everyone, config.seed
        )
        io_outputs.write_samplesheet(done / "samplesheet.csv", people, config.reads.platform)
        io_outputs.write_pedigree(done / "pedigree.ped", people)
        summary = {"settings": asdict(config), "sites": n_sites, "samples": dict(counts)}
        (done / "simulation.json").write_text(json.dumps(summary, indent=2) + "\n")
        for path in sorted(done.iterdir(), key=lambda p: p.name == "samplesheet.csv"):
            os.replace(path, output / path.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return summary


def _prepare(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepcohortError(
            f"output folder {output} cannot be made: {error.strerror}; choose another --output"
        ) from error
    if not os.access(output, os.W_OK):
        raise DeepcohortError(f"output folder {output} is not writable; choose another --output")


def _run(tasks: list[_Task], threads: int):  # type: ignore[no-untyped-def]
    if threads <= 1 or len(tasks) == 1:
        yield from map(_simulate_sample, tasks)
        return
    with ProcessPoolExecutor(min(threads, len(tasks)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(_simulate_sample, tasks)


def _simulate_sample(task: _Task) -> tuple[str, dict]:
    """BAM, truth and confident BED of one sample."""
    person = task.people[task.index]
    reads = task.config.reads
    profile = load_profile(reads.profile or "simple")
    aligner = io_align.BwaAligner(task.fasta)
    batches = []
    n_reads = 0
    for c, (table, (name, codes)) in enumerate(zip(task.tables, task.genome.contigs.items(), strict=True)):
        for copy in range(2):
            haplotype = build_haplotype(codes, table, 2 * task.index + copy)
            seed = int(np.random.SeedSequence([task.config.seed, 13, task.index, c, copy]).generate_state(1)[0])
            raw = short_reads(haplotype, reads.coverage / 2, profile, reads, f"{person.name}:{name}:{copy}", seed)
            n_reads += len(raw)
            batches.append(aligner.align(raw))
    md5 = {n: io_outputs.sequence_md5(codes) for n, codes in task.genome.contigs.items()}
    header = io_align.bam_header(task.genome.lengths, md5, person.name, reads.platform, aligner.program)
    io_align.write_bam(task.folder / f"{person.name}.bam", header, batches, f"{person.name}.1")
    n_truth = io_outputs.write_truth(
        task.folder / f"{person.name}.truth.vcf.gz", task.genome, task.tables, task.people,
        [task.index], task.config.seed,
    )  # fmt: skip
    io_outputs.write_confident(task.folder / f"{person.name}.confident.bed", task.genome)
    return person.name, {"reads": n_reads, "truth_records": n_truth}
