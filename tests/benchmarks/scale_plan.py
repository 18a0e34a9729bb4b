"""How long, how dear, how many bytes: a simulated schedule of 1, 100 and 10,000 genomes at 30x.

Every task of the pipeline is placed on a free slot in the order in which Nextflow would submit it, with task
times from measurements (CPU s per Mb, below) and prices as parameters. Writes the table of docs/scale.md:

    python tests/benchmarks/scale_plan.py
"""

import argparse
import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

GENOME_MB = 2_900  # callable sequence of a human genome


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured on one core of a small cloud machine; see docs/scale.md for how."""

    start_s: float = 2.6  # Python, imports, kernels from their cache; per task
    call_s_per_mb: float = 1.0  # HG002 at 30x; planted reads take 0.4 (tests/benchmarks/call_cost.md)
    network_share: float = 0.02  # of call: what a GPU can take over (gpu_call.md)
    merge_s_per_mb: float = 0.05
    genotype_s_per_mb_sample: float = 0.029
    genotype_s_per_mb: float = 0.3
    store_s_per_mb_sample: float = 0.035  # tests/benchmarks/joint_two_levels.tsv, without three starts
    stored_s_per_mb_sample: float = 0.020  # genotyping from stores, the same
    store_mb_per_mb_sample: float = 0.073
    concat_s_per_mb_sample: float = 0.0015
    report_s: float = 30.0
    bam_mb_per_mb: float = 23.0
    gvcf_mb_per_mb: float = 0.33
    cohort_mb_per_mb_sample: float = 0.027
    spread: float = 0.15  # of task times, log-normal


@dataclass(frozen=True, slots=True)
class Place:
    """Where it runs.

    Attributes:
        slots: tasks at once (on GPUs: one GPU and four cores each).
        submit_per_s: how fast the head hands tasks out.
        overhead_s: of the scheduler per task: queue, container, staging of small files.
        dollars_per_slot_h: price of a slot while it works.
        speed: of a core, against the measured one.
        read_mb_s: of one slot; storage_mb_s: of the storage that holds the reads, for all slots together.
        shards: of the genome.
        disk_gb: of a cloud machine. There joint genotyping in one level copies every gVCF whole to each of its
            tasks; the task that joins the cohort VCF holds it twice. Joint genotyping is left out where either does
            not fit. 0: a file system that all see.
        gpu: whether the network runs on one. lost_per_h: spot machines taken back, per slot and hour.
    """

    name: str
    slots: int
    submit_per_s: float
    overhead_s: float
    dollars_per_slot_h: float
    speed: float = 1.0
    read_mb_s: float = 100.0
    storage_mb_s: float = 1e9
    gpu: bool = False
    lost_per_h: float = 0.0
    shards: int = 29  # 100 Mb each, the default; the cloud profiles cut 250 Mb
    disk_gb: float = 0.0


PLACES = (
    Place("laptop, 8 cores", 8, 20, 0.5, 0.0, speed=1.3, read_mb_s=200, storage_mb_s=2_000),
    Place("Slurm, 1,000 cores", 1000, 20, 5, 0.01, storage_mb_s=5_000),
    Place(
        "AWS Batch spot, 2,000 vCPU",
        2000,
        50,
        60,
        0.020,
        read_mb_s=60,
        lost_per_h=0.01,
        shards=12,
        disk_gb=1000,
    ),
    Place(
        "AWS Batch spot, 500 T4",
        500,
        50,
        90,
        0.21,
        read_mb_s=60,
        gpu=True,
        lost_per_h=0.02,
        shards=12,
        disk_gb=1000,
    ),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run comes to."""

    place: str
    genomes: int
    joint: bool
    hours: float
    slot_hours: float
    dollars: float
    tasks: int
    files: int
    read_tb: float
    kept_tb: float
    retried: int


def run_stage(
    seconds: Iterable[float], place: Place, ready: float, costs: Costs, rng: random.Random
) -> tuple[float, float, int, int]:
    """(end, slot seconds, tasks, retries) of tasks that may start at `ready`, on all slots."""
    free: list[float] = []
    end, used, tasks, retries = ready, 0.0, 0, 0
    for number, base in enumerate(seconds):
        submitted = ready + number / place.submit_per_s
        start = submitted if len(free) < place.slots else max(submitted, heapq.heappop(free))
        length = place.overhead_s + base / place.speed * rng.lognormvariate(0.0, costs.spread)
        if rng.random() < place.lost_per_h * length / 3600:
            length *= 1.0 + rng.random()  # taken back somewhere on the way, then done again
            retries += 1
        heapq.heappush(free, start + length)
        end = max(end, start + length)
        used += length
        tasks += 1
    return end, used, tasks, retries


def cohort_shards(genomes: int, costs: Costs) -> int:
    """Shards of joint genotyping: at most an hour each, as lib/Scale.groovy cuts them."""
    mb = 3600 / (costs.genotype_s_per_mb + costs.genotype_s_per_mb_sample * genomes)
    step = next((step for step in (100, 50, 25, 10, 5, 2) if step <= mb), 1)
    return -(-GENOME_MB // step)


def batch_size(genomes: int) -> int:
    """Samples that are stored together before genotyping; all of them: one level, as lib/Scale.groovy has it."""
    return 100 if genomes > 500 else genomes


def call_seconds(place: Place, costs: Costs, tasks: int) -> float:
    """Seconds of one of `tasks` call tasks on a slot (a GPU slot has four cores)."""
    mb = GENOME_MB / place.shards
    work = costs.call_s_per_mb * mb
    if place.gpu:
        work = work * (1 - costs.network_share) / 4 + 8  # the network itself all but vanishes; CUDA starts
    # reading runs beside the work, unless the storage is the slower of the two
    read_mb_s = min(place.read_mb_s, place.storage_mb_s / min(place.slots, tasks))
    return costs.start_s + max(work, costs.bam_mb_per_mb * mb / read_mb_s)


def plan(place: Place, genomes: int, costs: Costs, seed: int = 1) -> Plan:
    """Schedule of a whole run: call, merge, genotype, concatenate, report."""
    rng = random.Random(seed)
    batch = batch_size(genomes)
    calls = genomes * place.shards
    call_s = call_seconds(place, costs, calls)
    stages: list[Sequence[float] | Iterable[float]] = [
        (call_s for _ in range(calls)),
        (costs.start_s + costs.merge_s_per_mb * GENOME_MB for _ in range(genomes)),
    ]
    gvcf_gb = costs.gvcf_mb_per_mb * GENOME_MB * genomes / 1e3
    cohort_gb = costs.cohort_mb_per_mb_sample * GENOME_MB * genomes / 1e3
    on_disk_gb = max(2 * cohort_gb, costs.gvcf_mb_per_mb * GENOME_MB * batch / 1e3)
    joint = genomes > 1 and not 0 < place.disk_gb < on_disk_gb
    batches = genomes // batch if joint and batch < genomes else 0
    shards = cohort_shards(genomes, costs) if joint else 0
    if joint:
        per_sample = costs.stored_s_per_mb_sample if batches else costs.genotype_s_per_mb_sample
        per_mb = costs.genotype_s_per_mb + per_sample * genomes
        in_clouds = place.speed / place.read_mb_s if place.disk_gb else 0.0  # s per MB copied
        store_gb = costs.store_mb_per_mb_sample * GENOME_MB * genomes / 1e3
        copy_s = in_clouds * 1e3 * (store_gb / shards if batches else gvcf_gb)
        stored_s = costs.start_s + costs.store_s_per_mb_sample * GENOME_MB * batch
        stages.append(stored_s + in_clouds * 1e3 * gvcf_gb / batches for _ in range(batches))
        stages += [
            (costs.start_s + copy_s + per_mb * GENOME_MB / shards for _ in range(shards)),
            [costs.start_s + costs.concat_s_per_mb_sample * genomes * GENOME_MB],
        ]
    stages.append([costs.report_s])
    now = used = 0.0
    tasks = retried = 0
    for stage in stages:
        now, seconds, n_tasks, n_retried = run_stage(stage, place, now, costs, rng)
        used, tasks, retried = used + seconds, tasks + n_tasks, retried + n_retried
    bam_tb = costs.bam_mb_per_mb * GENOME_MB * genomes / 1e6
    cohort_tb = cohort_gb / 1e3 if joint else 0.0
    stores_tb = costs.store_mb_per_mb_sample * GENOME_MB * genomes / 1e6 if joint else 0.0
    # merged (gVCF shards, written and hashed), then genotyped
    gvcf_reads = 2 + (shards if place.disk_gb and not batches else joint)
    # how Nextflow hands a task its inputs; in clouds they are copies
    links = 4 * calls + (2 * genomes + batches * shards if batches else 2 * genomes * shards)
    return Plan(
        place=place.name,
        genomes=genomes,
        joint=joint,
        hours=now / 3600,
        slot_hours=used / 3600,
        dollars=used / 3600 * place.dollars_per_slot_h,
        tasks=tasks,
        files=tasks * 12
        + calls * 5
        + (0 if place.disk_gb else links),  # Nextflow's own, outputs of call, links
        read_tb=bam_tb * 1.01 + gvcf_gb / 1e3 * gvcf_reads + stores_tb * bool(batches) + cohort_tb,
        kept_tb=gvcf_gb / 1e3 + cohort_tb + stores_tb,
        retried=retried,
    )


def table(plans: Iterable[Plan]) -> str:
    """Markdown."""
    rows = [
        "| where | genomes | joint | hours | slot hours | dollars | tasks | files | read, TB | kept, TB | taken back |"
    ]
    rows.append("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for p in plans:
        hours = f"{p.hours:,.1f}" if p.hours < 1000 else f"{p.hours / 24 / 365:,.1f} years"
        rows.append(
            f"| {p.place} | {p.genomes:,} | {'yes' if p.joint else 'no'} | {hours} | {p.slot_hours:,.0f} | {p.dollars:,.{2 if 0 < p.dollars < 10 else 0}f} | {p.tasks:,} | "
            f"{p.files:,} | {p.read_tb:,.2f} | {p.kept_tb:,.3f} | {p.retried:,} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genomes", type=int, nargs="+", default=[1, 100, 10_000])
    parser.add_argument("--call-s-per-mb", type=float, default=Costs().call_s_per_mb)
    options = parser.parse_args()
    costs = replace(Costs(), call_s_per_mb=options.call_s_per_mb)
    print(table(plan(place, genomes, costs) for place in PLACES for genomes in options.genomes))


if __name__ == "__main__":
    main()
