"""What a BAM header says: contigs, order, samples; and whether it fits the reference."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.bgzf_blocks import BgzfBlocks
from deepcohort.reads.groups import LibraryKey, ReadGroups, samples_of

_MAX_NAMED = 3  # contigs named in a message


@dataclass(frozen=True, slots=True)
class AlignmentHeader:
    """Contigs in file order (name, bp), (ID, SM) of @RG lines, SO of @HD ("" where absent).

    `first_record` is the virtual offset of the first alignment; `checksums` the M5 of @SQ lines, by name;
    `libraries` that of each of `groups`.
    """

    contigs: tuple[tuple[str, int], ...]
    groups: ReadGroups
    libraries: tuple[LibraryKey, ...]
    sort_order: str
    checksums: dict[str, str]
    first_record: int

    @property
    def samples(self) -> tuple[str, ...]:
        """Sample names, sorted."""
        return samples_of(self.groups)


def read_header(blocks: BgzfBlocks) -> AlignmentHeader:
    """Header of an open BAM file.

    Raises:
        DeepcohortError: not a BAM file, or cut short.
    """
    data = bytearray()
    sizes: list[tuple[int, int]] = []  # (file offset, inflated bytes) of the blocks read
    offset = 0

    def need(n_bytes: int) -> None:
        nonlocal offset
        while len(data) < n_bytes:
            block, following = blocks.read(offset)
            if following == offset:
                raise DeepcohortError(f"{blocks.path} is truncated within its header; copy it again")
            sizes.append((offset, len(block)))
            data.extend(block)
            offset = following

    need(4)
    if data[:4] != b"BAM\x01":
        raise DeepcohortError(f"{blocks.path} is not a BAM file; give BAM or CRAM")
    need(8)
    text_bytes = _length(blocks.path, struct.unpack_from("<i", data, 4)[0])
    need(12 + text_bytes)
    text = bytes(data[8 : 8 + text_bytes]).rstrip(b"\0").decode("utf-8", "replace")
    at = 12 + text_bytes
    contigs = []
    for _ in range(struct.unpack_from("<i", data, 8 + text_bytes)[0]):
        need(at + 4)
        name_bytes = _length(blocks.path, struct.unpack_from("<i", data, at)[0])
        need(at + 8 + name_bytes)
        name = bytes(data[at + 4 : at + 3 + name_bytes]).decode("utf-8", "replace")
        contigs.append((name, int(struct.unpack_from("<i", data, at + 4 + name_bytes)[0])))
        at += 8 + name_bytes
    left = at
    first_record = offset << 16
    for block_offset, size in sizes:
        if left < size:
            first_record = block_offset << 16 | left
            break
        left -= size
    return AlignmentHeader(tuple(contigs), *header_text_facts(text), first_record)


def _length(path: Path, value: int) -> int:
    """A length field of the header, when it can be one."""
    if not 0 <= value < 1 << 30:
        raise DeepcohortError(f"{path} has a damaged header; copy or make it again")
    return value


def header_text_facts(
    text: str,
) -> tuple[ReadGroups, tuple[LibraryKey, ...], str, dict[str, str]]:
    """((ID, SM) and libraries of @RG lines, SO of @HD, M5 of @SQ lines by name) of SAM header text."""
    groups: list[tuple[str, str]] = []
    libraries: list[LibraryKey] = []
    order = ""
    checksums: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if fields[0] == "@RG":
            name, sample = _tag(fields, "ID:"), _tag(fields, "SM:").strip()
            groups.append((name, sample))
            library, platform = _tag(fields, "LB:").strip(), _tag(fields, "PL:").strip()
            libraries.append(LibraryKey(library or name, platform.upper(), sample))
        elif fields[0] == "@HD":
            order = _tag(fields, "SO:")
        elif fields[0] == "@SQ" and (checksum := _tag(fields, "M5:")):
            checksums[_tag(fields, "SN:")] = checksum.lower()
    return tuple(groups), tuple(libraries), order, checksums


def _tag(fields: Sequence[str], tag: str) -> str:
    return next((field[len(tag) :] for field in fields if field.startswith(tag)), "")


def shared_contigs(
    path: Path,
    contigs: tuple[tuple[str, int], ...],
    reference: Mapping[str, int],
    reference_path: Path,
) -> dict[str, int]:
    """Contigs (bp by name, file order) that file and reference share.

    Raises:
        DeepcohortError: no @SQ lines, no name in common, or a common name with another length.
    """
    if not contigs:
        raise DeepcohortError(f"{path} has no @SQ lines, so its reads are not aligned; align them first")
    common = {name: length for name, length in contigs if name in reference}
    match = f"{sum(reference[n] == bp for n, bp in common.items())} of {len(contigs)} contigs match"
    if not common:
        raise DeepcohortError(
            f"{path} was aligned to another reference than {reference_path}: it has "
            f"{_names([n for n, _ in contigs])}, the reference has {_names(list(reference))} ({match}); "
            "give the reference that the reads were aligned to"
        )
    wrong = [n for n, bp in common.items() if reference[n] != bp]
    if wrong:
        told = ", ".join(f"{n} ({common[n]} bp, reference {reference[n]} bp)" for n in wrong[:_MAX_NAMED])
        more = f" and {len(wrong) - _MAX_NAMED} more" if len(wrong) > _MAX_NAMED else ""
        raise DeepcohortError(
            f"{path} and {reference_path} disagree in the length of {told}{more} ({match}); "
            "give the reference that the reads were aligned to"
        )
    return common


def _names(names: list[str]) -> str:
    return ", ".join(names[:_MAX_NAMED]) + (", ..." if len(names) > _MAX_NAMED else "")
