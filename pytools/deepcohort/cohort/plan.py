"""What a run will come to: tasks, CPU hours, hours, disk, dollars, by measured rates and files' sizes."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs

COLUMNS = ("stage", "tasks", "cpu_hours", "hours", "written_gb", "dollars")
_DEEP_X, _MOST_LOOKED_AT = 20.0, 500  # lib/SecondLook.groovy
_PANEL_SHARE = 0.05  # of the genome: a BED below is taken for an exome's or a panel's


@dataclass(frozen=True, slots=True)
class Rates:
    """CPU seconds and megabytes per Mb, measured on one core of a small cloud machine (docs/scale.md).

    call_s_per_mb: at 30x, of BAM; idle_s_per_mb: where no read lies; cram_s_per_mb: more of CRAM, at 30x.
    bam_mb, cram_mb: megabytes of a file per Mb and x of depth. align_s_per_gb: of compressed FASTQ.
    genotype_s, store_s, stored_s, concat_s: per Mb and sample; filter_s: the same, at 30x. look_share: what a
    second look costs of a call. depth: of reads whose size is not known.
    """

    start_s: float = 2.6
    call_s_per_mb: float = 1.0
    idle_s_per_mb: float = 0.04
    cram_s_per_mb: float = 0.36
    merge_s_per_mb: float = 0.05
    genotype_s_per_mb: float = 0.3
    genotype_s: float = 0.029
    store_s: float = 0.035
    stored_s: float = 0.020
    concat_s: float = 0.0015
    filter_s: float = 1.1
    look_share: float = 0.3
    report_s: float = 30.0
    bam_mb: float = 23.0 / 30
    cram_mb: float = 11.5 / 30
    gvcf_mb: float = 0.33
    store_mb: float = 0.073
    cohort_mb: float = 0.027
    align_s_per_gb: float = 7200.0
    index_s_per_mb: float = 1.0
    finish_s_per_gb: float = 300.0
    aligned_gb_per_gb: float = 1.0
    depth: float = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where tasks run: how many at once, seconds before each begins, dollars of a core and hour."""

    slots: int
    overhead_s: float
    dollars_per_cpu_h: float


PLACES = {
    "local": Place(8, 0.5, 0.0),
    "slurm": Place(1000, 5.0, 0.01),
    "awsbatch": Place(2000, 60.0, 0.02),
    "googlebatch": Place(2000, 60.0, 0.02),
    "kubernetes": Place(500, 10.0, 0.02),
}


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do.

    Attributes:
        samples: rows of samples.json (Sample.as_json). shards_bp: callable bp of each shard, in order.
        genome_bp: length of the reference. joint: whether the cohort is genotyped.
        earlier: samples stored before. filtered: whether the cohort's calls are scored by its reads.
        second_look: true, all, false, or auto (by depth), as the pipeline's parameter.
    """

    samples: Sequence[Mapping[str, object]]
    shards_bp: Sequence[int]
    genome_bp: int
    joint: bool = True
    earlier: int = 0
    filtered: bool = False
    second_look: str = "false"


@dataclass(frozen=True, slots=True)
class Stage:
    """Tasks of one kind: how many, CPU s of all, CPU s of the longest, cores of each, GB written."""

    stage: str
    tasks: int
    cpu_s: float
    longest_s: float
    cores: int = 1
    written_gb: float = 0.0

    def seconds(self, place: Place) -> float:
        """From the first start to the last end at `place`."""
        at_once = max(1, min(self.tasks, place.slots // self.cores))
        rounds = self.tasks / at_once
        shared = self.cpu_s / (at_once * self.cores)
        return max(shared + rounds * place.overhead_s, self.longest_s / self.cores + place.overhead_s)

    def slot_seconds(self, place: Place) -> float:
        """Core seconds that are paid for."""
        return self.cpu_s + self.tasks * self.cores * place.overhead_s


def plan_stages(work: Work, rates: Rates) -> list[Stage]:
    """Stages of `--mode call` in order; phasing, annotation and export of the cohort are not in them."""
    stages = [Stage("check and cut", 2, 2 * rates.start_s + work.genome_bp / 1e6 * 0.01, 10.0)]
    stages += _alignment(work, rates)
    mb, n = sum(work.shards_bp) / 1e6, len(work.samples)
    longest_mb = max(work.shards_bp, default=0) / 1e6
    per_mb = [_call_s_per_mb(sample, work, rates) for sample in work.samples]
    calls = n * len(work.shards_bp)
    gvcf_gb = rates.gvcf_mb * mb * n / 1e3
    stages.append(
        Stage(
            "call", calls, calls * rates.start_s + sum(per_mb) * mb,
            rates.start_s + max(per_mb, default=0.0) * longest_mb, 1, gvcf_gb,
        )
    )  # fmt: skip
    merge_s = rates.start_s + rates.merge_s_per_mb * mb
    stages.append(Stage("merge", n, n * merge_s, merge_s, 1, gvcf_gb))
    if work.joint and _looks_again(work, per_mb, rates):
        look = rates.look_share
        stages.append(
            Stage(
                "second look", calls + n, calls * rates.start_s + look * sum(per_mb) * mb + n * merge_s,
                rates.start_s + look * max(per_mb) * longest_mb, 1, 2 * gvcf_gb,
            )
        )  # fmt: skip
    if work.joint:
        stages += _joint(work, rates, mb)
    if work.joint and work.filtered:
        stages.append(_filtering(work, rates, per_mb, mb))
    judged = sum(bool(sample.get("truth_vcf")) for sample in work.samples)
    if judged:
        stages.append(Stage("evaluate", judged * (1 + work.joint), judged * (1 + work.joint) * 60.0, 60.0))
    stages.append(Stage("report", 2, rates.report_s + rates.start_s, rates.report_s))
    return stages


def _call_s_per_mb(sample: Mapping[str, object], work: Work, rates: Rates) -> float:
    """CPU s of calling one Mb of `sample`: by the depth that the sizes of its files say."""
    share = min(1.0, sum(work.shards_bp) / max(1, work.genome_bp))
    base_mb = (sum(work.shards_bp) if share < _PANEL_SHARE else work.genome_bp) / 1e6
    depth, cram_depth, unknown = 0.0, 0.0, False
    for path in _paths(sample, "reads"):
        size = _size(path)
        unknown |= size is None
        is_cram = path.lower().endswith(".cram")
        own = (size or 0) / 1e6 / max(base_mb, 1e-9) / (rates.cram_mb if is_cram else rates.bam_mb)
        depth += own
        cram_depth += own if is_cram else 0.0
    for size in _lane_sizes(sample):
        unknown |= size is None
        depth += (size or 0) * rates.aligned_gb_per_gb / 1e6 / max(base_mb, 1e-9) / rates.bam_mb
    if unknown:
        depth, cram_depth = max(depth, rates.depth), cram_depth
    reads = (rates.call_s_per_mb - rates.idle_s_per_mb) * depth + rates.cram_s_per_mb * cram_depth
    return rates.idle_s_per_mb + reads / 30.0


def _looks_again(work: Work, per_mb: Sequence[float], rates: Rates) -> bool:
    """Whether the reads are looked at again (lib/SecondLook.groovy): as told, or if few and shallow."""
    if work.second_look != "auto":
        return work.second_look != "false" and bool(per_mb)
    shallow = rates.idle_s_per_mb + (rates.call_s_per_mb - rates.idle_s_per_mb) * _DEEP_X / 30
    return 2 <= len(per_mb) <= _MOST_LOOKED_AT and sorted(per_mb)[len(per_mb) // 2] < shallow


def _filtering(work: Work, rates: Rates, per_mb: Sequence[float], mb: float) -> Stage:
    """The cohort's calls scored by the reads of all; work follows depth, as that of calls."""
    n = max(1, len(per_mb))
    tasks, shard_mb = _shards_of_an_hour(work, rates.filter_s * n, mb)
    cost = rates.filter_s * sum(per_mb) / rates.call_s_per_mb
    written = rates.cohort_mb * mb * (n + work.earlier) / 1e3
    all_s, longest_s = tasks * rates.start_s + cost * mb, rates.start_s + cost * shard_mb
    return Stage("filter", tasks, all_s, longest_s, 1, written)


def _shards_of_an_hour(work: Work, s_per_mb: float, mb: float) -> tuple[int, float]:
    """How many shards of an hour of work at most, and Mb of each, as lib/Scale.groovy cuts them."""
    step_mb = next((step for step in (100, 50, 25, 10, 5, 2, 1) if step <= 3600 / s_per_mb), 1)
    shard_mb = min(float(step_mb), max(work.shards_bp, default=1) / 1e6)
    return max(1, math.ceil(mb / shard_mb)), shard_mb


def _alignment(work: Work, rates: Rates) -> list[Stage]:
    lanes = [size for sample in work.samples for size in _lane_sizes(sample)]
    if not lanes:
        return []
    expected_gb = rates.depth * rates.bam_mb * work.genome_bp / 1e9  # of a lane of unknown size
    sizes_gb = [expected_gb if size is None else size / 1e9 for size in lanes]
    n = sum(bool(_lane_sizes(sample)) for sample in work.samples)
    total, written = sum(sizes_gb), sum(sizes_gb) * rates.aligned_gb_per_gb
    align_s, finish_s = rates.align_s_per_gb, rates.finish_s_per_gb
    index_s = work.genome_bp / 1e6 * rates.index_s_per_mb
    return [
        Stage("index for the aligner", 1, index_s, index_s, 1, work.genome_bp * 1.7 / 1e9),
        Stage("align", len(lanes), total * align_s, max(sizes_gb) * align_s, 8, written),
        Stage("mark duplicates", n, written * finish_s, written / n * finish_s, 2, written),
    ]


def _joint(work: Work, rates: Rates, mb: float) -> list[Stage]:
    new, n = len(work.samples), len(work.samples) + work.earlier
    batches = math.ceil(new / 100) if new > 500 else 0  # lib/Scale.groovy
    per_mb = rates.genotype_s_per_mb + (rates.stored_s if batches else rates.genotype_s) * n
    tasks, shard_mb = _shards_of_an_hour(work, per_mb, mb)
    cohort_gb, store_gb = rates.cohort_mb * mb * n / 1e3, rates.store_mb * mb * n / 1e3
    stages = []
    if batches:
        one = rates.start_s + rates.store_s * mb * min(100, new)
        stages.append(Stage("store batches", batches, batches * one, one, 1, store_gb))
    concat_s = rates.start_s + rates.concat_s * mb * n
    stages += [
        Stage(
            "genotype", tasks, tasks * rates.start_s + per_mb * mb, rates.start_s + per_mb * shard_mb, 1,
            cohort_gb + store_gb,
        ),
        Stage("join and count", 2, 2 * concat_s, concat_s, 1, cohort_gb),
    ]  # fmt: skip
    return stages


def kept_gb(work: Work, rates: Rates, save_reads: bool) -> float:
    """GB of results."""
    mb, new = sum(work.shards_bp) / 1e6, len(work.samples)
    kept = rates.gvcf_mb * mb * new / 1e3
    if work.joint:
        kept += (rates.cohort_mb + rates.store_mb) * mb * (new + work.earlier) / 1e3
    lanes = [size or 0 for sample in work.samples for size in _lane_sizes(sample)]
    return kept + (sum(lanes) / 1e9 * rates.aligned_gb_per_gb / 2 if save_reads else 0.0)


def _paths(sample: Mapping[str, object], key: str) -> list[str]:
    found = sample.get(key)
    return [str(path) for path in found] if isinstance(found, list | tuple) else []


def _lane_sizes(sample: Mapping[str, object]) -> list[int | None]:
    """Bytes of each lane's files; None where one is at a URL."""
    lanes = sample.get("lanes")
    found: list[int | None] = []
    for lane in lanes if isinstance(lanes, list) else []:
        sizes = [_size(str(path)) for path in lane["fastq"]]
        known = [size for size in sizes if size is not None]
        found.append(sum(known) if len(known) == len(sizes) else None)
    return found


def _size(path: str) -> int | None:
    if "://" in path:
        return None
    try:
        size = os.path.getsize(path)
    except OSError:
        return None
    packed = path.lower().endswith((".gz", ".bam", ".cram"))
    return size if packed else size // 4  # plain FASTQ, as gzip would leave it


def place_of(backend: str, slots: int | None, price: float | None) -> Place:
    """The place named, with what the user knows better.

    Raises:
        DeepcohortError: no such place.
    """
    if backend not in PLACES:
        raise DeepcohortError(f"unknown place '{backend}'; use one of: {', '.join(PLACES)}")
    known = PLACES[backend]
    return Place(
        known.slots if slots is None else slots,
        known.overhead_s,
        known.dollars_per_cpu_h if price is None else price,
    )


def rows_of(stages: Sequence[Stage], place: Place) -> list[dict[str, str]]:
    """Rows of the table, a last one for all."""
    rows = []
    for stage in stages:
        rows.append(
            {
                "stage": stage.stage,
                "tasks": str(stage.tasks),
                "cpu_hours": f"{stage.cpu_s / 3600:.3f}",
                "hours": f"{stage.seconds(place) / 3600:.3f}",
                "written_gb": f"{stage.written_gb:.3f}",
                "dollars": f"{stage.slot_seconds(place) / 3600 * place.dollars_per_cpu_h:.3f}",
            }
        )
    total = {key: f"{sum(float(row[key]) for row in rows):.3f}" for key in COLUMNS[2:]}
    return [*rows, {"stage": "all", "tasks": str(sum(stage.tasks for stage in stages)), **total}]


def write_plan(rows: Sequence[Mapping[str, str]], output: Path) -> None:
    """Write the table."""
    with atomic_outputs(output) as (temporary,):
        lines = ["\t".join(COLUMNS), *("\t".join(row[key] for key in COLUMNS) for row in rows)]
        temporary.write_text("\n".join(lines) + "\n")


def plan_text(work: Work, rows: Sequence[Mapping[str, str]], place: Place, backend: str, kept: float) -> str:
    """What people read: the table, where, how much disk. `kept`: GB of results."""
    heads = dict(zip(COLUMNS, ("stage", "tasks", "CPU h", "hours", "GB written", "dollars"), strict=True))
    width = max(len(row["stage"]) for row in rows)
    lines = []
    for row in (heads, *rows):
        cells = [row["stage"].ljust(width), *(_short(row[key]).rjust(10) for key in COLUMNS[1:])]
        lines.append("  ".join(cells))
    samples = "1 sample" if len(work.samples) == 1 else f"{len(work.samples):,} samples"
    written = float(rows[-1]["written_gb"])
    lines += [
        "",
        f"{samples}, {sum(work.shards_bp) / 1e6:,.1f} Mb in {len(work.shards_bp)} shards; on {backend}: "
        f"{place.slots:,} cores at once, {place.overhead_s:g} s before each task, "
        f"{place.dollars_per_cpu_h:g} dollars per core and hour.",
        f"Disk: {kept:,.2f} GB of results, {written:,.2f} GB in the work folder until it is cleaned.",
        "Estimates by rates measured on one core (docs/scale.md); machines and storage change them twofold.",
    ]
    return "\n".join(lines) + "\n"


def _short(text: str) -> str:
    """Two decimals of what has three, none of what is large."""
    if "." not in text or not text.replace(".", "").isdigit():
        return text
    value = float(text)
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def with_rates(settings: Sequence[str]) -> Rates:
    """Rates with some of them given as NAME=NUMBER.

    Raises:
        DeepcohortError: an unknown name, or no number.
    """
    known = asdict(Rates())
    given: dict[str, float] = {}
    for text in settings:
        name, _, value = text.partition("=")
        if name not in known:
            raise DeepcohortError(f"--rate {text}: unknown rate; use one of: {', '.join(known)}")
        try:
            given[name] = float(value)
        except ValueError:
            raise DeepcohortError(f"--rate {text} is not NAME=NUMBER") from None
    return Rates(**(known | given))
