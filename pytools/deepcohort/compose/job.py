"""What to call in one sample, with the settings of every room: the one place that chooses them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepcohort.calls.config import CallsConfig
from deepcohort.calls.ploidy import PloidyMap
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.sample import SampleSettings
from deepcohort.core.region import Region
from deepcohort.known.config import KnownConfig
from deepcohort.paralogs.types import Links
from deepcohort.phase.config import PhaseConfig
from deepcohort.pileup.config import PileupConfig
from deepcohort.reads.config import ReadsConfig


@dataclass(frozen=True, slots=True)
class ShardConfig:
    """How the work is cut; nothing here changes the output.

    Attributes:
        max_chunk_bp, min_chunk_bp: limits of a chunk.
        chunk_bases: read bases that a chunk aims at: deep stretches get smaller chunks.
        batch_examples: candidates gathered over chunks before the model runs (more for a GPU).
        waiting_bases: read bases kept for that at most.
        threads: threads that prepare chunks.
    """

    max_chunk_bp: int = 250_000
    min_chunk_bp: int = 2_000
    chunk_bases: int = 10_000_000
    batch_examples: int = 256
    waiting_bases: int = 40_000_000
    threads: int = 1


@dataclass(frozen=True, slots=True)
class CallJob:
    """What to call: inputs, outputs, and the settings of every room.

    Without `paralogs` reads stay where the aligner put them. `remarks` are for the user: odd but allowed.
    `notes` are header lines KEY=VALUE. `alleles`: VCF or BCF of alleles that get a record whatever the reads
    show; `alleles_only`: no others do; `second_look`: these too are weighed by the reads alone, as aligned.
    `panel`: VCF or BCF of alleles with frequencies, of `panel_population` where it tells of several;
    `panel_novel`: share of the sample's SNPs that it lacks.
    `phase`: whether and how heterozygous sites are phased; with `phase_evidence` they are not yet, and what
    that takes is written there, for `merge` to phase all shards of the sample together.
    """

    reads: Sequence[Path]
    reference: Path
    regions: Sequence[Region]
    sample: str
    gvcf: Path | None
    vcf: Path | None = None
    ploidy: PloidyMap = field(default_factory=PloidyMap)
    reads_config: ReadsConfig = field(default_factory=ReadsConfig)
    paralogs: Links = field(default_factory=dict)
    candidates_config: CandidatesConfig = field(default_factory=CandidatesConfig)
    pileup_config: PileupConfig = field(default_factory=PileupConfig)
    calls_config: CallsConfig = field(default_factory=CallsConfig)
    shard_config: ShardConfig = field(default_factory=ShardConfig)
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    alleles: Path | None = None
    alleles_only: bool = False
    second_look: bool = False
    panel: Path | None = None
    panel_population: str = ""
    panel_novel: float = 1.0
    known_config: KnownConfig = field(default_factory=KnownConfig)
    phase: PhaseConfig | None = None
    phase_evidence: Path | None = None


def job_for(
    reads: Sequence[Path],
    reference: Path,
    regions: Sequence[Region],
    settings: SampleSettings,
    paralogs: Links,
    pileup_config: PileupConfig,
    sample: str = "",
    gvcf: Path | None = None,
) -> CallJob:
    """A job with what the sample's platform and library imply; `replace` adds what else was asked for.

    Args:
        settings: of the sample. paralogs: links that may move reads. pileup_config: of the model that judges.
    """
    return CallJob(
        reads=reads,
        reference=reference,
        regions=regions,
        sample=sample,
        gvcf=gvcf,
        reads_config=settings.reads,
        paralogs=paralogs,
        candidates_config=settings.candidates,
        pileup_config=pileup_config,
    )
