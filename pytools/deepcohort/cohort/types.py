"""Samples of a cohort and shards of a reference."""

from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.paths import location
from deepcohort.core.region import Region

SEXES = ("XX", "XY", "NA")
PLATFORMS = ("illumina", "hifi", "ont")


@dataclass(frozen=True, slots=True)
class Lane:
    """Reads of one lane that are still to be aligned; single reads have no `fastq_2`."""

    name: str
    fastq_1: Path
    fastq_2: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """One file, or two of mates."""
        return (self.fastq_1,) if self.fastq_2 is None else (self.fastq_1, self.fastq_2)


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: all rows of the samplesheet that carry its name.

    `reads[i]` is indexed by `indexes[i]`. Absent `father`, `mother`, `truth_vcf`, `truth_bed` are
    None; `truth_index` lies beside `truth_vcf`. An absent `family` is the sample itself; an absent
    `sex` is what their coverage says or "NA", and `sex_told` is False: then calling judges the coverage too.
    `contamination` is the share of the reads that are another person's, as given; empty: as measured.
    `lanes` are reads that the pipeline aligns first; their BAM joins `reads`.
    """

    sample: str
    reads: tuple[Path, ...]
    indexes: tuple[Path, ...]
    sex: str = "NA"
    platform: str = "illumina"
    family: str = ""
    father: str | None = None
    mother: str | None = None
    truth_vcf: Path | None = None
    truth_bed: Path | None = None
    truth_index: Path | None = None
    lanes: tuple[Lane, ...] = ()
    sex_told: bool = True
    contamination: str = ""

    def as_json(self) -> dict[str, object]:
        """JSON-ready form that the pipeline reads (paths as text, absent as null)."""
        lanes = [{"lane": lane.name, "fastq": [location(f) for f in lane.files]} for lane in self.lanes]
        told = {"contamination": self.contamination} if self.contamination else {}
        optional = ({"lanes": lanes} if lanes else {}) | told
        return optional | {
            "sample": self.sample,
            "reads": [location(path) for path in self.reads],
            "indexes": [location(path) for path in self.indexes],
            "sex": self.sex if self.sex_told else "auto",
            "platform": self.platform,
            "family": self.family or self.sample,
            "father": self.father,
            "mother": self.mother,
            "truth_vcf": location(self.truth_vcf) if self.truth_vcf else None,
            "truth_index": location(self.truth_index) if self.truth_index else None,
            "truth_bed": location(self.truth_bed) if self.truth_bed else None,
        }


@dataclass(frozen=True, slots=True)
class Shard:
    """Part of the genome that one task calls: disjoint `regions` in reference order, never empty."""

    index: int
    regions: tuple[Region, ...]

    @property
    def name(self) -> str:
        """Name that sorts as the genome does: `shard_00001`, counted from 1."""
        return f"shard_{self.index + 1:05d}"

    def __len__(self) -> int:
        return sum(len(region) for region in self.regions)


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """What a check must know of a stored cohort that new samples are genotyped with.

    Attributes:
        path: of it, for messages. contigs: name -> bp. regions: where sites may start.
        samples: name -> (family, father or "", mother or "", sex), as `Sample` has them.
    """

    path: Path
    contigs: dict[str, int]
    regions: list[Region]
    samples: dict[str, tuple[str, str, str, str]]
