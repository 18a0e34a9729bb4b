"""Which sequences are segmental duplications, and when and how their reads are reassigned."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParalogsConfig:
    """Thresholds of `place.PlacedReads`.

    Attributes:
        margin_bp: of sequence looked at on both sides of a tile; fragments reach some 600 bp.
        doubtful_mapq: a place is doubtful where the mean MAPQ of its reads is below this,
        min_count, min_fraction: and so many reads, and so large a share, show the same base against the
            reference there.
        max_indel_bp: by how much the two copies may drift apart within a window.
        min_shared_bp: shortest stretch of shared sequence worth it.
        min_balance: the copy with fewer reads has at least this share of the other's; else one of them was
            not captured, or is missing.
        anchor_bp: aligned bases outside the shared stretch that fix a fragment to its copy.
        placed_log10: odds from which a fragment's copy is known; others stay where the aligner put them.
    """

    margin_bp: int = 1_000
    doubtful_mapq: int = 55
    min_count: int = 2
    min_fraction: float = 0.12
    max_indel_bp: int = 64
    min_shared_bp: int = 150
    min_balance: float = 0.25
    anchor_bp: int = 25
    placed_log10: float = 1.0


@dataclass(frozen=True, slots=True)
class FindConfig:
    """Thresholds of `find.find_paralogs`.

    Attributes:
        kmer_bp: length of the words compared.
        sampled: one word in so many is looked at, the same ones everywhere.
        most_words: looked at together; larger genomes take several passes.
        max_copies: words that occur more often say nothing.
        min_shared: sampled words that a tile and its copy must share (of about 256).
        spread_bp: those words must agree on the distance to this.
        apart_bp: copies nearer than this are not told apart.
    """

    kmer_bp: int = 27
    sampled: int = 8
    most_words: int = 100_000_000
    max_copies: int = 8
    min_shared: int = 12
    spread_bp: int = 64
    apart_bp: int = 6_144
