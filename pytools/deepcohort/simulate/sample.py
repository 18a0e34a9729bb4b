"""One sample's sequencing: haplotypes to BAM, truth and confident regions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate import io_align, io_outputs
from deepcohort.simulate.config import DEFAULT_PROFILES, SimulateConfig
from deepcohort.simulate.haplotypes import build_haplotype
from deepcohort.simulate.hot_sites import place_hot_sites
from deepcohort.simulate.profile import load_profile
from deepcohort.simulate.qualities import apply_quality_maps, random_quality_maps
from deepcohort.simulate.reads import ShortReadRun, short_reads
from deepcohort.simulate.sexes import SexContig, copies
from deepcohort.simulate.shadow import Shadow
from deepcohort.simulate.types import Genome, Person, RawReads, SiteTable

_Hot = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class SampleTask:
    """What one process needs to make one sample's files in `folder`.

    `fasta` is the aligner's reference: the contigs of `genome`, then decoys.
    """

    folder: Path
    fasta: Path
    genome: Genome
    roles: dict[str, SexContig]
    tables: list[SiteTable]
    decoys: Shadow
    hidden: Shadow
    people: list[Person]
    index: int
    config: SimulateConfig
    confident: dict[str, NDArray[np.bool_]] | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """What this sample drew from the ranges of ReadConfig."""

    profile: str
    coverage: float
    read_length: int
    error_multiplier: float


def draw_settings(config: SimulateConfig, index: int) -> Draw:
    """The settings of sample number `index`; ranges are drawn log-uniformly."""
    rng = np.random.default_rng([config.seed, 15, index])
    reads = config.reads
    profiles = reads.profiles or (DEFAULT_PROFILES[reads.platform],)

    def between(pair: tuple[float, float]) -> float:
        low, high = pair
        return float(low * (high / low) ** rng.random()) if 0 < low < high else float(low)

    return Draw(
        profiles[int(rng.integers(len(profiles)))],
        round(between(reads.coverage), 3),
        round(between(reads.read_length)),
        round(between(reads.error_multiplier), 4),
    )


def simulate_sample(task: SampleTask) -> tuple[str, dict]:
    """Write <name>.bam, .truth.vcf.gz and .confident.bed; returns the name and figures about it."""
    person = task.people[task.index]
    draw = draw_settings(task.config, task.index)
    run = ShortReadRun.of(load_profile(draw.profile), draw.read_length, draw.error_multiplier)
    aligner = io_align.open_aligner(task.config.reads, task.fasta, len(task.genome.contigs))
    batches, n_reads = [], 0
    for raw in _all_reads(task, draw, run):
        n_reads += len(raw)
        batches.append(aligner.align(raw))
    md5 = {n: io_outputs.sequence_md5(codes) for n, codes in task.genome.contigs.items()}
    platform = task.config.reads.platform
    header = io_align.bam_header(task.genome.lengths, md5, person.name, platform, aligner.program)
    n_records = io_align.write_bam(task.folder / f"{person.name}.bam", header, batches, f"{person.name}.1")
    n_truth = io_outputs.write_truth(
        task.folder / f"{person.name}.truth.vcf.gz", task.genome, task.tables, task.people,
        [task.index], task.config.seed,
    )  # fmt: skip
    io_outputs.write_confident(task.folder / f"{person.name}.confident.bed", task.genome, task.confident)
    figures = {"profile": draw.profile, "coverage": draw.coverage, "read_length": run.cycles}
    figures |= {"error_multiplier": draw.error_multiplier, "reads": n_reads, "records": n_records}
    return person.name, figures | {"truth_records": n_truth}


def _all_reads(task: SampleTask, draw: Draw, run: ShortReadRun):  # type: ignore[no-untyped-def]
    """RawReads of every copy of every contig, then of decoys and hidden paralogs."""
    config, person = task.config, task.people[task.index]
    dirt = config.reads.contamination
    donor = (task.index + 1) % len(task.people)
    for c, (name, codes) in enumerate(task.genome.contigs.items()):
        hot = place_hot_sites(
            codes, run.profile.hot_density, run.profile.context_factor, run.profile.sub_cdf,
            np.random.default_rng([config.seed, 16, c]),
        )  # fmt: skip
        maps = None
        if config.reads.quality_binning == "random":
            maps = random_quality_maps(
                len(codes), np.random.default_rng([config.seed, 17, task.index, c])
            )
        sources = [(task.index, 1 - dirt, 0)] + ([(donor, dirt, 1)] if dirt > 0 and donor != task.index else [])
        for who, share, kind in sources:
            for copy, start, end in copies(task.people[who], task.roles[name], len(codes)):
                haplotype = build_haplotype(codes, task.tables[c], 2 * who + copy, start, end)
                seed = _seed(config.seed, 13, task.index, c, copy, kind, start)
                prefix = f"{person.name}:{name}:{'ab'[kind]}{copy}"
                depth = draw.coverage / 2 * share
                raw = short_reads(haplotype, hot, depth, run, prefix, seed)
                if maps is not None:
                    apply_quality_maps(raw.qual, raw.offset, raw.start, maps)
                yield raw
    for kind, shadow in enumerate((task.decoys, task.hidden)):
        parts = []
        for i, copy in enumerate(shadow.copies):
            quiet = np.zeros(int(copy.ref_pos[-1]) + 1, np.uint8)
            seed = _seed(config.seed, 18, task.index, kind, i)
            depth = draw.coverage * shadow.depth_share[i]
            parts.append(short_reads(copy, (quiet, quiet), depth, run, f"{person.name}:{'dh'[kind]}{i}", seed))
        if parts:
            yield _concatenate(parts)


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _concatenate(parts: list[RawReads]) -> RawReads:
    """One batch of several, so that the aligner sees enough pairs to know the insert size."""
    sizes = np.concatenate([np.diff(p.offset) for p in parts])
    return RawReads(
        [name for p in parts for name in p.names],
        np.concatenate([p.seq for p in parts]),
        np.concatenate([p.qual for p in parts]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([p.duplicate for p in parts]),
        np.concatenate([p.start for p in parts]),
        parts[0].paired,
    )

