"""bwa mem and minimap2 where only their Python packages are: the same algorithms, records made here."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pysam

from deepcohort.align.tools import INDEX_SUFFIXES
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import scratch_folder
from deepcohort.simulate.io_align import quiet_stderr
from deepcohort.simulate.io_pairs import Group, finish_pairs

_BATCH_BASES = 10_000_000


def index_by_pybwa(reference: Path, prefix: Path) -> None:
    """bwa's index at `prefix`."""
    import pybwa

    with quiet_stderr():
        pybwa.BwaIndex.index(str(reference), prefix=str(prefix))


def index_by_mappy(reference: Path, preset: str, output: Path) -> None:
    """minimap2's index for `preset`."""
    import mappy

    mappy.Aligner(str(reference), preset=preset, fn_idx_out=str(output))


def pairs_by_pybwa(
    out: IO[bytes], prefix: Path, files: list[Path], header: dict, group: str, threads: int
) -> None:
    """Write BAM of one or two FASTQ files, in their order, to `out`."""
    import pybwa

    with _beside_names(prefix, header) as complete, quiet_stderr():
        mem = pybwa.BwaMem(prefix=str(complete))
    paired = len(files) == 2
    options = pybwa.BwaMemOptions(
        interleaved_paired_end=paired, soft_clip_supplementary=True, threads=threads
    )
    with pysam.AlignmentFile(out, "wbu", header=header) as bam:
        for batch in _batches(files):
            with quiet_stderr():
                groups = mem.align(batch, options)
            if paired:
                records: Group = finish_pairs(groups, np.zeros(len(groups), np.bool_), len(header["SQ"]))
            else:
                records = [record for own in groups for record in own]
            _write(bam, records, group)


@contextmanager
def _beside_names(prefix: Path, header: dict) -> Iterator[Path]:
    """Prefix of bwa's index at `prefix` with the list of contigs that pybwa, unlike bwa, looks for."""
    with scratch_folder("deepcohort-") as folder:
        here = Path(folder, "genome")
        for suffix in (*INDEX_SUFFIXES["bwa"], ".alt"):
            if os.path.exists(f"{prefix}{suffix}"):
                os.symlink(os.path.realpath(f"{prefix}{suffix}"), f"{here}{suffix}")
        names = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": header["SQ"]})
        here.with_suffix(".dict").write_text(str(names))
        yield here


def reads_by_mappy(
    out: IO[bytes], index: Path, platform: str, files: list[Path], header: dict, group: str
) -> None:
    """Write BAM of a FASTQ file of long reads, in its order, to `out`."""
    from deepcohort.simulate.io_mappy import MappyAligner

    lengths = {str(row["SN"]): int(row["LN"]) for row in header["SQ"]}
    aligner = MappyAligner(index, platform, lengths, {})
    with pysam.AlignmentFile(out, "wbu", header=header) as bam:
        for batch in _batches(files):
            for read in batch:
                _write(bam, aligner._single(read.name or "", read.sequence or "", read.quality or ""), group)


def _write(bam: pysam.AlignmentFile, records: Group, group: str) -> None:
    for record in records:
        record.set_tag("RG", group, "Z")
        bam.write(record)


def _batches(files: list[Path]) -> Iterator[list[pysam.FastxRecord]]:
    """Reads by some 10 Mb; mates of two files are neighbours.

    Raises:
        DeepcohortError: a file is damaged, or the two have not the same reads in one order.
    """
    with ExitStack() as stack:
        sources = [stack.enter_context(pysam.FastxFile(str(path))) for path in files]
        batch: list[pysam.FastxRecord] = []
        bases = 0
        try:
            for mates in zip(*sources, strict=True):
                if len({_stem(mate.name) for mate in mates}) > 1:
                    raise DeepcohortError(
                        f"{files[0]} has read {mates[0].name} where {files[1]} has {mates[1].name}; "
                        "mates must be in one order"
                    )
                for mate in mates:
                    batch.append(
                        pysam.FastxRecord(name=_stem(mate.name), sequence=mate.sequence, quality=mate.quality)
                    )
                    bases += len(mate.sequence or "")
                if bases >= _BATCH_BASES:
                    yield batch
                    batch, bases = [], 0
        except ValueError as error:
            raise DeepcohortError(
                f"{' and '.join(map(str, files))}: not the same number of reads, or damaged ({error})"
            ) from error
    if batch:
        yield batch


def _stem(name: str | None) -> str:
    text = name or ""
    return text[:-2] if text[-2:] in ("/1", "/2") else text
