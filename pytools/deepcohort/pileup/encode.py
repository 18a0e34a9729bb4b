"""Candidates and their reads as network inputs."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Window, aligned_reads, support_columns
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.pileup.columns import count_columns, library_columns, table_columns
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.feature_kernels import WIDE_BP, candidate_features
from deepcohort.pileup.features import N_FEATURES
from deepcohort.pileup.kernels import paint_candidates
from deepcohort.pileup.types import Evidence, ExampleBatch

# Reference bases that must surround a candidate (contig ends apart), or its features would depend
# on where a shard was cut.
PADDING_BP = 128
# Features look at other candidates this near. A shard must therefore find candidates this far beyond
# its ends (`find_candidates` on a region padded by `feature_context_bp`), encode with them in the table, and
# drop the records outside; otherwise calls would depend on where shards are cut.
NEIGHBOUR_BP = 50


def feature_context_bp(config: PileupConfig) -> int:
    """bp beyond a candidate within which features look at other candidates."""
    return max(NEIGHBOUR_BP, WIDE_BP, config.phase_bp)


@dataclass
class Buffers:
    """Memory that successive calls of `encode_examples` may fill again instead of asking anew."""

    pixels: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    features: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))

    def take_pixels(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Uninitialised uint8 array of `shape` in this memory."""
        size = int(np.prod(shape))
        if self.pixels.size < size:
            self.pixels = np.empty(size + size // 4, np.uint8)
        return self.pixels[:size].reshape(shape)

    def take_features(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Uninitialised float32 array of `shape` in this memory."""
        size = int(np.prod(shape))
        if self.features.size < size:
            self.features = np.empty(size + size // 4, np.float32)
        return self.features[:size].reshape(shape)


def encode_examples(
    evidence: Evidence,
    reference_codes: NDArray[np.uint8],
    window: Region,
    config: PileupConfig | None = None,
    out: Buffers | None = None,
    features_only: bool = False,
    select: NDArray[np.integer] | None = None,
) -> ExampleBatch:
    """Pixels and site features of the candidates of `evidence`, all of them or the rows `select`.

    Parameters: `reference_codes` uint8 (len(window),) are the base codes of `window`, which must
    reach PADDING_BP beyond every candidate except at contig ends. `select` int (B,), ascending rows
    of the table. `features_only` leaves `pixels` empty (about 5 us a site instead of 20). `out`
    lends memory: the batch is then valid until the next call with the same buffers.

    Raises:
        DeepcohortError: a candidate lies outside the window.
    """
    config = config or PileupConfig()
    buffers = out or Buffers()
    table = evidence.table
    chosen = np.arange(len(table)) if select is None else np.asarray(select, dtype=np.int64)
    if len(table) and (table.pos[0] < window.start or table.pos[-1] + table.ref_len[-1] > window.end):
        raise DeepcohortError(f"candidates reach beyond the window {window}; widen the shard's padding")
    features = buffers.take_features((len(chosen), N_FEATURES))
    if len(chosen):
        _fill_features(features, chosen, evidence, reference_codes, window, config)
    n_pictures = 0 if features_only else len(chosen)
    pixels = buffers.take_pixels((n_pictures, *config.shape))
    if n_pictures:
        _paint(pixels, chosen, evidence, reference_codes, window, config)
    return ExampleBatch(pixels, features, chosen.astype(np.int32))


def encode_pixels(
    evidence: Evidence,
    reference_codes: NDArray[np.uint8],
    window: Region,
    config: PileupConfig,
    select: NDArray[np.integer],
    out: Buffers | None = None,
) -> NDArray[np.uint8]:
    """Pixels alone, uint8 (B, channels, rows, columns), of the ascending table rows `select` (B,)."""
    pixels = (out or Buffers()).take_pixels((len(select), *config.shape))
    if len(select):
        _paint(pixels, np.asarray(select, np.int64), evidence, reference_codes, window, config)
    return pixels


def _fill_features(
    out: NDArray[np.float32],
    chosen: NDArray[np.int64],
    evidence: Evidence,
    reference_codes: NDArray[np.uint8],
    window: Region,
    config: PileupConfig,
) -> None:
    candidate_features(
        out,
        chosen,
        table_columns(evidence.table),
        support_columns(evidence.support),
        aligned_reads(evidence.reads),
        library_columns(evidence.reads),
        count_columns(evidence.counts),
        Window(reference_codes, window.start),
        config.phase_bp,
    )


def _paint(
    out: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    evidence: Evidence,
    reference_codes: NDArray[np.uint8],
    window: Region,
    config: PileupConfig,
) -> None:
    reads = evidence.reads
    paint_candidates(
        out,
        chosen,
        config.flank_bp,
        config.min_group_rows,
        evidence.table.pos,
        support_columns(evidence.support),
        aligned_reads(reads),
        reads.name_hash,
        reads.flag,
        Window(reference_codes, window.start),
    )
