"""What the paralogs room hands on."""

from dataclasses import dataclass

# The genome is looked at in tiles that begin at multiples of this, so that shards never show.
TILE_BP = 2_048


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """Another copy of a tile.

    Attributes:
        contig: where it lies. inverted: whether it runs the other way.
        shift: position there = position here + shift; where inverted, shift - 1 - position here.
        shared: sampled words that both have.
    """

    contig: str
    inverted: bool
    shift: int
    shared: int = 0


Links = dict[tuple[str, int], Link]  # by contig and number of the tile
