"""Reads and truth of a sample as labelled training examples."""

import gc
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.sample import SampleSettings
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.progress import track
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.formats.bed import read_bed
from deepcohort.paralogs.load import AnyReads, links_beside, open_placed
from deepcohort.pileup.augment import NATURAL, AugmentConfig, augment_reads, augmentation_for
from deepcohort.pileup.config import PileupConfig, pileup_for
from deepcohort.pileup.encode import Buffers, encode_examples, feature_context_bp
from deepcohort.pileup.io import TruthVcf
from deepcohort.pileup.label import AMBIGUOUS, label_candidates
from deepcohort.pileup.library_augment import NATURAL_LIBRARY, LibraryAugment, library_with, vary_library
from deepcohort.pileup.shards import Examples, ExampleWriter, stretch_id
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.profile import profiled


@dataclass(frozen=True, slots=True)
class ExamplesConfig:
    """How examples are made.

    Attributes:
        platform: illumina, hifi or ont.
        seed: of augmentation and of the shuffle.
        passes: how often each stretch is used, with other random coverage and qualities each time.
        chunk_bp: unit of augmentation.
        split_bp: unit of the split into training, validation and test sets: a place of the genome is
            in one of them, whatever the sample.
        augment: False leaves coverage and qualities as they are.
        library: how pairing, MAPQ, ends and foreign reads are varied; None leaves them.
        n_buckets: pieces of the shuffle; memory in training is one of them.
    """

    platform: str = "illumina"
    seed: int = 1
    passes: int = 1
    chunk_bp: int = 20_000
    split_bp: int = 2_000
    augment: bool = True
    n_buckets: int = 16
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)
    library: LibraryAugment | None = None
    pileup: PileupConfig = field(default_factory=PileupConfig)
    candidates: CandidatesConfig = field(default_factory=CandidatesConfig)
    reads: ReadsConfig = field(default_factory=ReadsConfig)


def examples_for(
    platform: str,
    passes: int = 1,
    seed: int = 1,
    augment: bool = True,
    natural: bool = False,
    library_set: Sequence[str] = (),
) -> ExamplesConfig:
    """Settings for reads of a platform; `natural`: coverage varies, qualities do not.

    Candidates are the platform's, whatever the library: the shipped networks learned from such examples.
    `library_set`: other probabilities of LibraryAugment, as texts NAME=VALUE.

    Raises:
        DeepcohortError: `library_set` for a platform whose libraries stay as they are, or one that cannot be.
    """
    library = (NATURAL_LIBRARY if natural else LibraryAugment()) if platform == "illumina" else None
    if library_set:
        if library is None or not augment:
            reason = f"--platform {platform}" if library is None else "--no-augment"
            raise DeepcohortError(f"--set {library_set[0]}: with {reason} libraries are not randomised")
        library = library_with(library, library_set)
    return ExamplesConfig(
        platform=platform,
        seed=seed,
        passes=passes,
        augment=augment,
        augmentation=NATURAL if natural else augmentation_for(platform),
        library=library,
        pileup=pileup_for(platform),
        candidates=SampleSettings.for_library(platform, ReadsConfig()).candidates,
    )


def make_examples(
    reads: Sequence[str | Path],
    reference: str | Path,
    truth: str | Path,
    confident: str | Path | None,
    output: str | Path,
    regions: Sequence[Region] | None = None,
    sample: str | None = None,
    config: ExamplesConfig | None = None,
    quiet: bool = False,
) -> tuple[int, int, int]:
    """Write labelled examples to the folder `output`; returns how many have label 0, 1, 2.

    `regions`: where, default the whole of every contig that the truth names. `confident`: BED outside
    which nothing is known, None = all is known (simulated truth).

    Raises:
        DeepcohortError: inputs that are missing or do not fit together, or no candidate anywhere.
    """
    config = config or ExamplesConfig()
    usual = replace(profiled(reads, reference, replace(config.reads, sample=sample or "")), libraries=())
    with (
        ReferenceFasta(reference) as fasta,
        open_placed(reads, reference, usual, links_beside(reference, config.platform)) as source,
    ):
        known = _known(confident, fasta.contig_lengths) if confident else None
        if sample is None and len(source.sample_names) > 1:
            raise DeepcohortError(
                f"the reads are of several samples ({', '.join(source.sample_names[:5])}); give --sample"
            )
        truth_vcf = TruthVcf(truth, sample)
        chunks = _chunks(fasta, source, truth_vcf, known, regions, config.chunk_bp)
        writer = ExampleWriter(output, config.pileup, config.platform, config.seed, config.n_buckets)
        buffers = Buffers()
        for chunk in track(chunks, len(chunks), "examples", quiet):
            for made in _examples_of(chunk, fasta, source, truth_vcf, known, buffers, config):
                writer.add(made)
            gc.collect(0)
    if writer.label_counts.sum() == 0:
        raise DeepcohortError(
            f"no labelled candidate in {len(chunks)} stretches; "
            "do reads, truth and confident regions overlap?"
        )
    writer.close({"reads": [str(Path(r).name) for r in reads], "config": asdict(config)})
    n = writer.label_counts
    return int(n[0]), int(n[1]), int(n[2])


def _known(confident: str | Path, contig_lengths: dict[str, int]) -> dict[str, list[Region]]:
    """Sorted disjoint intervals of the BED by contig of the reference."""
    by_contig: dict[str, list[Region]] = {}
    for region in read_bed(confident, contig_lengths, unknown="skip").merged():
        by_contig.setdefault(region.contig, []).append(region)
    return by_contig


def _chunks(
    fasta: ReferenceFasta,
    source: AnyReads,
    truth: TruthVcf,
    known: dict[str, list[Region]] | None,
    regions: Sequence[Region] | None,
    chunk_bp: int,
) -> list[Region]:
    if regions is None:
        contigs = [c for c in fasta.contig_lengths if c in truth.contigs and c in source.contig_lengths]
        regions = [Region(c, 0, fasta.contig_lengths[c]) for c in contigs]
    chunks = [
        Region(r.contig, start, min(start + chunk_bp, r.end))
        for r in regions
        for start in range(r.start, r.end, chunk_bp)
    ]
    if known is not None:
        chunks = [p for p in chunks if _touched(known.get(p.contig, []), p)]
    if not chunks:
        raise DeepcohortError("regions, truth and reads share no stretch of any contig; check contig names")
    return chunks


def _touched(sorted_apart: Sequence[Region], region: Region) -> bool:
    """Whether one of the sorted regions, which do not overlap, shares a base with `region`."""
    at = bisect_right(sorted_apart, region.start, key=lambda known: known.end)
    return at < len(sorted_apart) and sorted_apart[at].start < region.end


def _place_names(contig: str, pos: NDArray[np.int64], split_bp: int) -> NDArray[np.uint32]:
    """Name of the piece of genome around each position, uint32 (N,)."""
    block, inverse = np.unique(pos // split_bp, return_inverse=True)
    names = np.array([stretch_id(contig, int(b)) for b in block], dtype=np.uint32)
    return names[inverse] if len(pos) else np.empty(0, np.uint32)


def _examples_of(
    chunk: Region,
    fasta: ReferenceFasta,
    source: AnyReads,
    truth: TruthVcf,
    known: dict[str, list[Region]] | None,
    buffers: Buffers,
    config: ExamplesConfig,
) -> list[Examples]:
    """Examples of every pass over one stretch."""
    contig_length = fasta.contig_lengths[chunk.contig]
    around = chunk.padded(
        feature_context_bp(config.pileup), contig_length
    )  # features look at other candidates
    window = around.padded(config.candidates.pad_bp, contig_length)
    text = fasta.fetch_text(window)
    codes = encode_bases(text)
    if (codes < 4).sum() < len(codes) // 20:
        return []
    batch = source.fetch(window)
    if len(batch) == 0:
        return []
    alleles = truth.fetch(window, text)
    made = []
    for number in range(config.passes):
        words = (chunk.contig, chunk.start, config.seed)
        reads = batch
        if config.augment:
            rng = np.random.default_rng([stretch_id(*words), number])
            reads = augment_reads(batch, len(window), rng, config.augmentation)
            if config.library is not None:
                reads = vary_library(reads, codes, window.start, rng, config.library)
        evidence = find_candidates(reads, codes, window, around, config.candidates)
        pos = evidence.table.pos
        inside = (pos >= chunk.start) & (pos < chunk.end)
        if not inside.any():
            continue
        confident = None if known is None else known.get(chunk.contig, [])
        labels = label_candidates(evidence.table, text, window, alleles, confident)
        keep = np.nonzero(inside & (labels != AMBIGUOUS))[0]
        batch_of = encode_examples(evidence, codes, window, config.pileup, buffers, select=keep)
        made.append(
            Examples(
                batch_of.pixels.copy(),
                batch_of.features.copy(),
                labels[keep],
                _place_names(chunk.contig, pos[keep], config.split_bp),
                pos[keep],
            )
        )
    return made
