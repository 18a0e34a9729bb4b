"""A reference cut into balanced shards: a pure function of regions, settings and nothing else."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.cohort.config import ShardConfig
from deepcohort.cohort.types import Shard
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region


def sequence_runs(is_n: NDArray[np.bool_], min_gap_bp: int) -> list[tuple[int, int]]:
    """Intervals (start, end; 0-based half-open) of a contig without its long runs of N.

    Args:
        is_n: whether each base is N, bool (L,).
        min_gap_bp: shorter runs of N stay inside an interval.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_n, [False])).view(np.int8)))
    starts, ends = edges[0::2], edges[1::2]
    wide = ends - starts >= min_gap_bp
    bounds = [0, *np.stack((starts[wide], ends[wide]), axis=1).ravel().tolist(), len(is_n)]
    return [(a, b) for a, b in zip(bounds[0::2], bounds[1::2], strict=True) if b > a]


def cut_shards(regions: Sequence[Region], config: ShardConfig | None = None) -> list[Shard]:
    """Shards that together cover `regions` exactly, in the same order, nearly equal in bp.

    The number of shards is total bp / shard_bp, rounded up. Tiny contigs share a shard.

    Args:
        regions: disjoint, in reference order.
        config: shard size and snapping.

    Raises:
        DeepcohortError: nothing to call, or a shard size below 1.
    """
    config = config or ShardConfig()
    if config.shard_bp < 1:
        raise DeepcohortError(f"shard size {config.shard_bp} bp is too small; give --shard-bp 1 or more")
    total = sum(len(region) for region in regions)
    if total == 0:
        raise DeepcohortError(
            "there is nothing to call: the chosen contigs and regions are empty, or hold only N; "
            "check --contigs and --regions"
        )
    n_shards = -(-total // config.shard_bp)
    shards: list[list[Region]] = [[]]
    done = 0  # bp in all shards so far
    for region in regions:
        start = region.start
        while start < region.end:
            cut = total * len(shards) // n_shards  # where the shard being filled should end
            take = min(region.end - start, cut - done)
            left = region.end - start - take
            slack = int(config.snap_fraction * total / n_shards)
            if len(shards) < n_shards and 0 < left <= slack and take > slack:
                take += left  # a sliver of this region goes along
            if take > 0:
                shards[-1].append(Region(region.contig, start, start + take))
                done += take
                start += take
            if done >= cut and len(shards) < n_shards:
                shards.append([])
    return [Shard(i, tuple(part)) for i, part in enumerate(part for part in shards if part)]
