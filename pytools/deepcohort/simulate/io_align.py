"""Real aligners, in process: simulated reads to a sorted, indexed BAM."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pysam

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.tabix import TBI_LIMIT_BP
from deepcohort.simulate.config import ReadConfig
from deepcohort.simulate.io_pairs import Group, finish_pairs
from deepcohort.simulate.sequence_text import read_texts
from deepcohort.simulate.types import RawReads

_SPILL_RECORDS = 400_000  # some hundred MB


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silence what C libraries print to stderr."""
    sys.stderr.flush()
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


def aligner_of(config: ReadConfig) -> str:
    """bwa or mappy."""
    if config.aligner != "auto":
        return config.aligner
    return "bwa" if config.platform == "illumina" else "mappy"


def build_index(config: ReadConfig, fasta: Path) -> None:
    """Index `fasta`, beside it, for the aligner that `config` asks for; mappy needs none."""
    if aligner_of(config) == "bwa":
        import pybwa

        with quiet_stderr():
            pybwa.BwaIndex.index(str(fasta))


class BwaAligner:
    """bwa mem through pybwa. Its insert-size model is that of each batch, as in bwa itself."""

    program = ("bwa", "bwa mem, through pybwa")

    def __init__(self, fasta: Path, n_contigs: int) -> None:
        """Open the index beside `fasta`; contigs from `n_contigs` on are decoys."""
        import pybwa

        with quiet_stderr():
            self._mem = pybwa.BwaMem(prefix=str(fasta))
        # soft clips: pybwa 3.0 gives hard-clipped reverse supplementary records the wrong bases
        self._options = pybwa.BwaMemOptions(interleaved_paired_end=True, soft_clip_supplementary=True)
        self._n_contigs = n_contigs

    def align(self, reads: RawReads) -> Group:
        """Records of all pairs, supplementary ones too, with flags complete; none on decoys."""
        seq, qual = read_texts(reads)
        offset = reads.offset.tolist()
        queries = [
            pysam.FastxRecord(name=name, sequence=seq[a:b], quality=qual[a:b])
            for name, a, b in zip(reads.names, offset, offset[1:], strict=False)
        ]
        with quiet_stderr():
            groups = self._mem.align(queries, self._options)
        return finish_pairs(groups, reads.duplicate, self._n_contigs)


class Mapper(Protocol):
    """What makes alignments; `program` is the name and the words for the @PG line."""

    program: tuple[str, str]

    def align(self, reads: RawReads) -> Group:
        """Records of `reads`, none on decoys."""
        ...


def open_aligner(config: ReadConfig, fasta: Path, lengths: dict[str, int], decoys: dict[str, int]) -> Mapper:
    """The aligner that `config` asks for, on `fasta`, which holds contigs and then decoys."""
    if aligner_of(config) == "bwa":
        return BwaAligner(fasta, len(lengths))
    try:
        from deepcohort.simulate.io_mappy import MappyAligner
    except ImportError as error:
        raise DeepcohortError(
            "minimap2 (mappy) is not installed: it is built from source; install a C compiler and zlib's "
            "headers, then: pip install mappy; or use --aligner bwa for short reads"
        ) from error
    return MappyAligner(fasta, config.platform, lengths, decoys)


def write_bam(path: Path, header: dict, batches: Iterable[Group], read_group: str) -> int:
    """Write records sorted by position with read group tags, and the index; returns how many.

    Ties are broken by name and flag. Beyond _SPILL_RECORDS, sorted parts go to disk and are merged.
    """
    pending: Group = []
    parts: list[Path] = []
    count = 0
    for batch in batches:
        pending += batch
        count += len(batch)
        if len(pending) >= _SPILL_RECORDS:
            parts.append(path.with_name(f"{path.stem}.part{len(parts)}.bam"))
            _write_sorted(parts[-1], header, pending, read_group)
            pending = []
    if not parts:
        _write_sorted(path, header, pending, read_group)
    else:
        if pending:
            parts.append(path.with_name(f"{path.stem}.part{len(parts)}.bam"))
            _write_sorted(parts[-1], header, pending, read_group)
        # -c -p: all parts have the same header; -l 3: as _write_sorted
        pysam.merge("-f", "-c", "-p", "--no-PG", "-l", "3", str(path), *map(str, parts))  # type: ignore[attr-defined]
        for part in parts:
            part.unlink()
    is_long = max(int(line["LN"]) for line in header["SQ"]) > TBI_LIMIT_BP
    pysam.index(*(["-c"] if is_long else []), str(path))  # type: ignore[attr-defined]
    return count


def _write_sorted(path: Path, header: dict, records: Group, read_group: str) -> None:
    last = 1 << 31  # unmapped pairs come last
    records.sort(
        key=lambda r: (
            r.reference_id if r.reference_id >= 0 else last,
            r.reference_start,
            r.query_name,
            r.flag,
        )
    )
    with pysam.AlignmentFile(str(path), "wb", header=header, format_options=["level=3"]) as out:
        for record in records:
            record.set_tag("RG", read_group, "Z")
            out.write(record)


def bam_header(
    lengths: dict[str, int], md5: dict[str, str], sample: str, platform: str, program: tuple[str, str]
) -> dict:
    """SAM header of one sample, the same on every machine."""
    from deepcohort import __version__

    names = {"illumina": "ILLUMINA", "hifi": "PACBIO", "ont": "ONT"}
    return {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": n, "LN": length, "M5": md5[n]} for n, length in lengths.items()],
        "RG": [{"ID": f"{sample}.1", "SM": sample, "LB": f"{sample}.lib1", "PL": names[platform]}],
        "PG": [
            {"ID": "deepcohort", "PN": "deepcohort", "VN": __version__, "DS": "simulated reads"},
            {"ID": program[0], "PN": program[0], "DS": program[1], "PP": "deepcohort"},
        ],
    }
