"""One sample's sequencing: haplotypes to BAM, truth and confident regions."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate import io_align, io_outputs
from deepcohort.simulate.config import DEFAULT_PROFILES, SimulateConfig
from deepcohort.simulate.decoys import DECOY_PREFIX, DecoySequences
from deepcohort.simulate.haplotypes import build_haplotype
from deepcohort.simulate.long_profile import LongProfile
from deepcohort.simulate.profile import Profile, load_profile
from deepcohort.simulate.qualities import apply_quality_maps, random_quality_maps
from deepcohort.simulate.reads import PositionalBias, ShortReadRun, short_reads
from deepcohort.simulate.reads_long import LongReadRun, long_reads
from deepcohort.simulate.sexes import SexContig, copies
from deepcohort.simulate.types import Genome, Haplotype, Person, RawReads, SiteTable

Run = ShortReadRun | LongReadRun


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
    decoys: DecoySequences
    hidden: DecoySequences
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
    run = _run_of(load_profile(draw.profile, task.config.reads.platform), draw, task.config.reads.stutter)
    decoys = {f"{DECOY_PREFIX}{i}": len(copy.codes) for i, copy in enumerate(task.decoys.copies)}
    aligner = io_align.open_aligner(task.config.reads, task.fasta, task.genome.lengths, decoys)
    md5 = {n: io_outputs.sequence_md5(codes) for n, codes in task.genome.contigs.items()}
    platform = task.config.reads.platform
    header = io_align.bam_header(task.genome.lengths, md5, person.name, platform, aligner.program)
    batches = map(aligner.align, _all_reads(task, draw, run))
    n_records = io_align.write_bam(task.folder / f"{person.name}.bam", header, batches, f"{person.name}.1")
    n_truth = io_outputs.write_truth(
        task.folder / f"{person.name}.truth.vcf.gz", task.genome, task.tables, task.people,
        [task.index], task.config.seed,
    )  # fmt: skip
    io_outputs.write_confident(task.folder / f"{person.name}.confident.bed", task.genome, task.confident)
    figures = {"profile": draw.profile, "coverage": draw.coverage, "read_length": draw.read_length}
    figures |= {"error_multiplier": draw.error_multiplier, "records": n_records}
    return person.name, figures | {"truth_records": n_truth}


def _run_of(profile: Profile, draw: Draw, stutter: float) -> Run:
    if isinstance(profile, LongProfile):
        return LongReadRun.of(profile, draw.read_length, draw.error_multiplier, stutter)
    return ShortReadRun.of(profile, draw.read_length, draw.error_multiplier, stutter)


def _reads_of(
    haplotype: Haplotype, terrain: PositionalBias | None, depth: float, run: Run, prefix: str, seed: int
) -> RawReads:
    if isinstance(run, LongReadRun):
        return long_reads(haplotype, depth, run, prefix, seed)
    terrain = terrain or PositionalBias.flat(int(haplotype.ref_pos.max()) + 1)
    return short_reads(haplotype, terrain, depth, run, prefix, seed)


def _all_reads(task: SampleTask, draw: Draw, run: Run) -> Iterator[RawReads]:
    """Reads of every copy of every contig, then of decoys and of hidden paralogs."""
    config, person = task.config, task.people[task.index]
    dirt = config.reads.contamination
    donor = (task.index + 1) % len(task.people)
    sources = [(task.index, 1 - dirt, "a")] + ([(donor, dirt, "b")] if dirt and donor != task.index else [])
    for c, (name, codes) in enumerate(task.genome.contigs.items()):
        terrain = None
        if isinstance(run, ShortReadRun):
            terrain = PositionalBias.of(codes, run.profile, config.seed, c)
        maps = None
        if config.reads.quality_binning == "random":
            rng = np.random.default_rng([config.seed, 17, task.index, c])
            maps = random_quality_maps(len(codes), rng)
        for who, share, kind in sources:
            for copy, start, end in copies(task.people[who], task.roles[name], len(codes)):
                haplotype = build_haplotype(codes, task.tables[c], 2 * who + copy, start, end)
                raw = _reads_of(
                    haplotype, terrain, draw.coverage / 2 * share, run, f"{person.name}:{name}:{kind}{copy}",
                    _seed(config.seed, 13, task.index, c, copy, ord(kind), start),
                )  # fmt: skip
                if maps is not None:
                    apply_quality_maps(raw.qual, raw.offset, raw.start, maps)
                yield raw
    for kind, shadow in (("d", task.decoys), ("h", task.hidden)):
        parts = [
            _reads_of(
                copy, None, draw.coverage * share, run, f"{person.name}:{kind}{i}",
                _seed(config.seed, 18, task.index, ord(kind), i),
            )
            for i, (copy, share) in enumerate(zip(shadow.copies, shadow.depth_share, strict=True))
        ]  # fmt: skip
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
