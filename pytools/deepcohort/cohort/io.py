"""Files that describe a cohort: alignment headers, FASTA indexes; shard BEDs out."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from deepcohort.cohort.config import ShardConfig
from deepcohort.cohort.sharding import cut_shards, sequence_runs
from deepcohort.cohort.types import Shard
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region, intersect, merge_regions
from deepcohort.formats.bed import read_bed, write_bed
from deepcohort.reads.groups import ReadGroups

_INDEX_SUFFIXES = {".bam": (".bai", ".csi"), ".cram": (".crai",), ".gz": (".tbi", ".csi"), ".bcf": (".csi",)}
_CHUNK_BP = 8_000_000


@dataclass(frozen=True, slots=True)
class ReadsHeader:
    """What an alignment file says of itself.

    Attributes:
        contigs: lengths in bp, in order. groups: (ID, SM) of its read groups, SM "" where there is none.
        checksums: M5 by contig, as far as they are given.
    """

    contigs: dict[str, int]
    groups: ReadGroups
    checksums: dict[str, str]


def find_index(path: Path) -> Path | None:
    """Index beside alignments or variants (x.bam.bai, x.bai, x.cram.crai, x.vcf.gz.tbi, ...), or None."""
    for suffix in _INDEX_SUFFIXES.get(path.suffix.lower(), ()):
        for candidate in (Path(f"{path}{suffix}"), path.with_suffix(suffix)):
            if os.path.exists(candidate):  # a name may be too long for Path.exists
                return candidate
    return None


def read_header(reads: Path, reference: Path | None) -> ReadsHeader:
    """Header of a BAM or CRAM that is whole: its end marker is there and its first record decodes.

    Raises:
        DeepcohortError: not an alignment file, truncated, or a CRAM that this reference does not decode.
    """
    verbosity = pysam.set_verbosity(0)  # our one line says more than htslib's several
    try:
        with pysam.AlignmentFile(
            str(reads), reference_filename=str(reference) if reference else None, check_sq=False
        ) as file:
            header = file.header.to_dict()
            contigs = dict(zip(file.references, file.lengths, strict=True))
            is_cram = bool(file.is_cram)
            try:
                next(iter(file), None)
            except (OSError, ValueError) as error:
                cause = (
                    "the reference is not the one it was written with" if is_cram else "the data are damaged"
                )
                raise DeepcohortError(f"{reads} does not decode: {cause} ({error})") from error
    except (OSError, ValueError) as error:
        if "truncated" in str(error).lower():
            raise DeepcohortError(
                f"{reads} is truncated (its end marker is missing); copy or make it again"
            ) from error
        raise DeepcohortError(f"{reads} is not a readable BAM or CRAM file ({error})") from error
    finally:
        pysam.set_verbosity(verbosity)
    groups = tuple((str(g.get("ID", "")), str(g.get("SM", "")).strip()) for g in header.get("RG", []))
    sums = {str(s["SN"]): str(s["M5"]).lower() for s in header.get("SQ", []) if "M5" in s}
    return ReadsHeader(contigs, groups, sums)


def index_reference(reference: Path) -> None:
    """Write `reference`.fai (and .gzi when it is bgzipped) beside it.

    Raises:
        DeepcohortError: missing, not FASTA, or compressed with gzip instead of bgzip.
    """
    if not reference.exists():
        raise DeepcohortError(f"reference {reference} does not exist; check --reference")
    with open(reference, "rb") as file:
        head = file.read(16)
    if head[:2] == b"\x1f\x8b" and head[12:14] != b"BC":
        raise DeepcohortError(
            f"reference {reference} is compressed with gzip, not bgzip; run: "
            f"gunzip {reference} && bgzip {reference.with_suffix('')}"
        )
    if not head:
        raise DeepcohortError(f"reference {reference} is empty")
    verbosity = pysam.set_verbosity(0)
    try:
        pysam.faidx(str(reference))
    except pysam.SamtoolsError as error:
        detail = " ".join(str(error).split())
        raise DeepcohortError(f"reference {reference} cannot be indexed as FASTA: {detail}") from error
    finally:
        pysam.set_verbosity(verbosity)


def callable_regions(reference: ReferenceFasta, contigs: list[str], config: ShardConfig) -> list[Region]:
    """Parts of `contigs` that are sequence, in the reference's order, without long runs of N."""
    found = []
    for contig in contigs:
        length = reference.contig_lengths[contig]
        is_n = np.empty(length, np.bool_)
        for start in range(0, length, _CHUNK_BP):  # a human chromosome at once would take 2 GB
            end = min(start + _CHUNK_BP, length)
            text = reference.fetch_text(Region(contig, start, end)).encode("ascii", "replace")
            is_n[start:end] = np.frombuffer(text, np.uint8) == ord("N")
        found += [Region(contig, start, end) for start, end in sequence_runs(is_n, config.min_gap_bp)]
    return found


def padded(regions: list[Region], padding_bp: int, contig_lengths: dict[str, int]) -> list[Region]:
    """Regions grown by `padding_bp` to both sides, those that touch then joined."""
    if not padding_bp:
        return regions
    return merge_regions(r.padded(padding_bp, contig_lengths[r.contig]) for r in regions if len(r))


def intersect_beds(bed: Path, within: Path, output: Path) -> int:
    """Write what `bed` and `within` share, sorted and merged; returns its bp.

    Raises:
        DeepcohortError: an unreadable or empty input.
    """
    shared = intersect(read_bed(bed, None).merged(), read_bed(within, None).regions())
    with atomic_outputs(output) as (temporary,):
        write_bed(temporary, shared)
    return sum(len(region) for region in shared)


def write_shards(shards: list[Shard], table: Path, folder: Path | None) -> None:
    """Write one BED of all shards (4th column: shard name) and, in `folder`, one BED for each."""
    lines = {
        shard.name: [f"{r.contig}\t{r.start}\t{r.end}\t{shard.name}\n" for r in shard.regions]
        for shard in shards
    }
    finals = [table]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        finals += [folder / f"{name}.bed" for name in lines]
    with atomic_outputs(*finals) as temporaries:
        temporaries[0].write_text("".join(line for part in lines.values() for line in part))
        for temporary, part in zip(temporaries[1:], lines.values(), strict=False):  # no folder: none
            temporary.write_text("".join(part))


def shard_reference(
    reference: Path, contigs: list[str], regions: Path | None, config: ShardConfig, padding_bp: int = 0
) -> list[Shard]:
    """Shards of `contigs` (all when empty) of an indexed `reference`, inside `regions` when given.

    `padding_bp`: so far around each of the regions, too.

    Raises:
        DeepcohortError: unknown contigs (all named), a bad BED, or nothing to call.
    """
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
        unknown = [contig for contig in contigs if contig not in lengths]
        if unknown:
            raise DeepcohortError(
                f"--contigs names {', '.join(unknown)}, not in {reference} "
                f"(it has {len(lengths)}: {', '.join(list(lengths)[:5])}, ...)"
            )
        wanted = padded(read_bed(regions, lengths).regions(), padding_bp, lengths) if regions else None
        chosen = [name for name in lengths if not contigs or name in set(contigs)]
        if wanted is not None:
            in_bed = {region.contig for region in wanted}
            chosen = [name for name in chosen if name in in_bed]
        found = callable_regions(fasta, chosen, config)
    return cut_shards(intersect(found, wanted) if wanted is not None else found, config)
