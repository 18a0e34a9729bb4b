"""The table of segmental duplications that lies beside a reference."""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

from deepcohort.core.archives import gunzip
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.paralogs.types import TILE_BP, Link, Links

SUFFIX = ".paralogs.tsv.gz"
_FIRST = "##deepcohort_paralogs=1"
_COLUMNS = "#contig\tstart\tend\tcopy_contig\tstrand\tshift\tshared"


def table_beside(reference: Path) -> Path | None:
    """The table of `reference`, where it lies beside it."""
    path = Path(f"{reference}{SUFFIX}")
    return path if path.exists() else None


def write_table(path: Path, links: Links, lengths: Mapping[str, int]) -> None:
    """Write `links`, one line a tile, in the order of the reference's contigs; 0-based, half open."""
    rank = {name: i for i, name in enumerate(lengths)}
    with (
        atomic_outputs(path) as (temporary,),
        open(temporary, "wb") as raw,
        # no name and no time in the header: the same table is the same bytes
        gzip.GzipFile("", "wb", 6, fileobj=raw, mtime=0) as out,
    ):
        head = [_FIRST, f"##contigs={_fingerprint(lengths)}", _COLUMNS]
        out.write("".join(f"{line}\n" for line in head).encode())
        for (contig, number), link in sorted(links.items(), key=lambda item: (rank[item[0][0]], item[0][1])):
            start, end = number * TILE_BP, min((number + 1) * TILE_BP, lengths[contig])
            strand = "-" if link.inverted else "+"
            words = (contig, start, end, link.contig, strand, link.shift, link.shared)
            out.write(("\t".join(map(str, words)) + "\n").encode())


def read_table(path: Path, lengths: Mapping[str, int]) -> Links:
    """Links of a table made for a reference of these contigs.

    Raises:
        DeepcohortError: not such a table, damaged, or of another reference.
    """
    links: Links = {}
    try:
        lines = iter(gunzip(path.read_bytes()).decode("ascii").splitlines())
        if next(lines, "") != _FIRST:
            raise DeepcohortError(f"{path} is no table of `deepcohort paralogs`; make it again")
        if next(lines, "") != f"##contigs={_fingerprint(lengths)}":
            raise DeepcohortError(
                f"{path} was made for a reference of other contigs; "
                "run: deepcohort paralogs --reference REFERENCE"
            )
        next(lines, "")
        for line in lines:
            contig, start, _, copy, strand, shift, shared = line.split("\t")
            links[contig, int(start) // TILE_BP] = Link(copy, strand == "-", int(shift), int(shared))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DeepcohortError(
            f"{path} is damaged ({error}); make it again with deepcohort paralogs"
        ) from error
    return links


def _fingerprint(lengths: Mapping[str, int]) -> str:
    text = "".join(f"{name}\t{length}\n" for name, length in lengths.items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]
