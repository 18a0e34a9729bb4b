"""BAM or CRAM of one sample -> the same records with HP and PS."""

import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.calls.kernels_fragments import FAR_BP, OTHER_FRAGMENT
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs, scratch_folder
from deepcohort.formats.bgzf import BgzfWriter, inflate_blocks
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.tags import ContigTags
from deepcohort.reads.kernels import hash_names

INDEXES = (".bai", ".csi", ".crai")
TAGS = ("HP", "PS", "PC")  # PC is whatshap's; it would belong to another HP
_UNTAGGED = 0x4 | 0x100 | 0x400 | 0x800  # unmapped, secondary, duplicate, supplementary
_MAX_BAI_BP = 1 << 29
_PART_BASES = 8_000_000  # of reads whose plain text is held at a time
_PART_READS = 100_000  # records without SEQ have no bases
Put = Callable[[Sequence[Any]], None]


def write_tagged(
    paths: Sequence[Path],
    groups: Sequence[frozenset[str] | None],
    reference: Path,
    output: Path,
    program: dict[str, str],
    tags_of: Callable[[str], ContigTags],
    config: HaplotagConfig,
    threads: int = 1,
) -> tuple[int, int]:
    """Write every record of `paths` to `output` (.bam or .cram) with its index; old tags are taken off.

    Args:
        groups: of each file the read groups whose reads get tags; None: all.
        program: the @PG line. tags_of: tags of a contig; asked once for each, in the order of the file.

    Returns:
        Records, and those that got a tag.

    Raises:
        DeepcohortError: damaged reads; several files that do not fit together; outputs that cannot be made.
    """
    is_cram = output.suffix == ".cram"
    counts = np.zeros(2, np.int64)
    with atomic_outputs(output, partners=INDEXES) as (temporary,), ExitStack() as stack:
        files = [stack.enter_context(_opened(path, reference)) for path in paths]
        headers = [(str(path), file.header.to_dict()) for path, file in zip(paths, files, strict=True)]
        header = joined_header(headers, program)
        whole = pysam.AlignmentHeader.from_dict(header)
        with (
            _cram_writer(temporary, whole, reference, threads)
            if is_cram
            else bam_writer(temporary, whole) as put
        ):
            for contig, batch in _batches(_merged(paths, files), config.batch_reads):
                counts += _tag_batch(contig, batch, groups, tags_of)
                put([record for record, _ in batch])
        is_long = any(int(line["LN"]) > _MAX_BAI_BP for line in header["SQ"])
        pysam.index(*(["-c"] if is_long and not is_cram else []), str(temporary))  # type: ignore[attr-defined]
    return int(counts[0]), int(counts[1])


@contextmanager
def _cram_writer(path: Path, header: Any, reference: Path, threads: int) -> Iterator[Put]:
    with pysam.AlignmentFile(
        str(path), "wc", header=header, reference_filename=str(reference), threads=threads
    ) as out:

        def put(records: Sequence[Any]) -> None:
            for record in records:
                out.write(record)

        yield put


@contextmanager
def bam_writer(path: Path, header: Any) -> Iterator[Put]:
    """What writes records to the BAM `path`: htslib spells them, igzip deflates them, ten times as fast."""
    with scratch_folder(f".tmp-{os.getpid()}.plain-", path.parent) as folder:
        plain = folder / "part.bam"

        def text_of(records: Sequence[Any]) -> bytes:
            with pysam.AlignmentFile(str(plain), "wb0", header=header) as out:
                for record in records:
                    out.write(record)
            return b"".join(text for text, _ in inflate_blocks(plain, 0))

        with BgzfWriter(path) as writer:
            head = text_of([])
            writer.write(head)

            # parts are as large whatever is put at a time: each costs as much as the header is long
            held: list[Any] = []
            n_bases = 0

            def flush() -> None:
                nonlocal n_bases
                if held:
                    writer.write(memoryview(text_of(held))[len(head) :])
                    held.clear()
                    n_bases = 0

            def put(records: Sequence[Any]) -> None:
                nonlocal n_bases
                for record in records:
                    held.append(record)
                    n_bases += record.query_length
                    if n_bases >= _PART_BASES or len(held) >= _PART_READS:
                        flush()

            yield put
            flush()


def joined_header(headers: Sequence[tuple[str, dict[str, Any]]], program: dict[str, str]) -> dict[str, Any]:
    """The first header with the read groups and programs of all, and `program` at the end of its chain.

    Raises:
        DeepcohortError: other contigs, or another read group of the same ID.
    """
    path, whole = headers[0][0], {key: value for key, value in headers[0][1].items()}
    groups = {group["ID"]: group for group in whole.get("RG", [])}
    programs = {line["ID"]: line for line in whole.get("PG", [])}
    for other, header in headers[1:]:
        if [(x["SN"], x["LN"]) for x in header["SQ"]] != [(x["SN"], x["LN"]) for x in whole["SQ"]]:
            raise DeepcohortError(f"{other} has other contigs than {path}; tag each file by itself")
        for group in header.get("RG", []):
            if groups.setdefault(group["ID"], group) != group:
                raise DeepcohortError(
                    f"{path} and {other} hold different read groups named {group['ID']}; "
                    "join them first with: samtools merge"
                )
        for line in header.get("PG", []):
            programs.setdefault(line["ID"], line)
    last = list(programs)[-1:]
    name, n = program["ID"], 1
    while name in programs:
        name, n = f"{program['ID']}.{n}", n + 1
    line = {**program, "ID": name, **({"PP": last[0]} if last else {})}
    whole |= {"RG": list(groups.values())} if groups else {}
    return whole | {"PG": [*programs.values(), line]}


@contextmanager
def _opened(path: Path, reference: Path) -> Iterator[Any]:
    try:
        with pysam.AlignmentFile(str(path), reference_filename=str(reference)) as file:
            yield file
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DeepcohortError(f"{path} cannot be read as BAM or CRAM: {error}; copy it again") from error


def _merged(paths: Sequence[Path], files: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    """(record, number of its file) of all files, by place; unplaced ones last."""

    def numbered(number: int) -> Iterator[tuple[int, int, int, Any]]:
        records = files[number].fetch(until_eof=True)
        while True:
            try:
                record = next(records, None)
            except OSError as error:
                raise DeepcohortError(f"{paths[number]} is truncated or damaged; copy it again") from error
            if record is None:
                return
            contig = record.reference_id
            yield contig if contig >= 0 else 1 << 30, record.reference_start, number, record

    streams = [numbered(number) for number in range(len(files))]
    merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda x: x[:3])
    return ((record, number) for _, _, number, record in merged)


def _batches(
    records: Iterator[tuple[Any, int]], size: int
) -> Iterator[tuple[str | None, list[tuple[Any, int]]]]:
    """(contig, records of it), up to `size` at a time; None: unplaced."""
    for contig, of_contig in groupby(records, key=lambda x: x[0].reference_id):
        while batch := list(islice(of_contig, size)):
            yield batch[0][0].reference_name if contig >= 0 else None, batch


def _tag_batch(
    contig: str | None,
    batch: Sequence[tuple[Any, int]],
    groups: Sequence[frozenset[str] | None],
    tags_of: Callable[[str], ContigTags],
) -> tuple[int, int]:
    """Set the tags of records of one contig; how many records, and how many got tags."""
    wanted = []
    for record, number in batch:
        for tag in TAGS:
            if record.has_tag(tag):
                record.set_tag(tag, None)
        if not record.flag & _UNTAGGED and contig is not None and _is_mine(record, groups[number]):
            wanted.append(record)
    if not wanted or contig is None:
        return len(batch), 0
    tags = tags_of(contig)
    fragment = _fragments(wanted)
    at = np.searchsorted(tags.fragment, fragment)
    at[at == len(tags)] = 0
    hit = np.flatnonzero(tags.fragment[at] == fragment) if len(tags) else np.empty(0, np.int64)
    for i, haplotype, block in zip(
        hit.tolist(), tags.haplotype[at[hit]].tolist(), tags.block[at[hit]].tolist(), strict=True
    ):
        wanted[i].set_tag("HP", haplotype, "i")
        wanted[i].set_tag("PS", block, "i")
    return len(batch), len(hit)


def _is_mine(record: Any, groups: frozenset[str] | None) -> bool:
    return groups is None or (record.has_tag("RG") and record.get_tag("RG") in groups)


def _fragments(records: Sequence[Any]) -> NDArray[np.uint64]:
    """`calls.kernels_fragments.fragment_id` of records, uint64 (N,)."""
    names = [record.query_name.encode() for record in records]
    offset = np.cumsum([0, *map(len, names)]).astype(np.int64)
    hashes: NDArray[np.uint64] = hash_names(np.frombuffer(b"".join(names), np.uint8), offset)
    far = [
        bool(record.flag & 0x1 and record.flag & 0x80 and abs(record.template_length) > FAR_BP)
        for record in records
    ]
    return np.where(far, hashes ^ OTHER_FRAGMENT, hashes)
