"""Settings of the cohort room."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShardConfig:
    """How a reference is cut.

    shard_bp: aim for this many callable bp in a shard; shards come out equal, and at most this long.
        At 1 CPU s per Mb (30x) a shard is two minutes of calling; a start costs 2.5 s.
    min_gap_bp: a run of N at least this long is left out (shorter ones are cheaper to walk over).
    snap_fraction: a cut moves to the end of a contig or run when that is nearer than this fraction
        of a shard, so that no sliver is left over.
    """

    shard_bp: int = 100_000_000
    min_gap_bp: int = 1_000
    snap_fraction: float = 0.05
