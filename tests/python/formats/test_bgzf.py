"""Blocks of BGZF, read by both readers: one after another, and at random places."""

import gzip
import struct

import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.bgzf import (
    EOF_BLOCK,
    BgzfWriter,
    DamagedBlock,
    block_size,
    compress_block,
    inflate_block,
    inflate_blocks,
)
from deepcohort.formats.bgzf_blocks import BgzfBlocks

TEXT = bytes(range(256)) * 400


def in_turn(path):
    return b"".join(text for text, _ in inflate_blocks(path, 0))


def at_random(path):
    blocks, found, at = BgzfBlocks(path, 1 << 20), [], 0
    try:
        while True:
            data, following = blocks.read(at)
            if following == at:
                return b"".join(found)
            found.append(data)
            at = following
    finally:
        blocks.close()


@pytest.mark.parametrize("read", [in_turn, at_random])
def test_both_readers_read_what_gzip_reads(tmp_path, read):
    path = tmp_path / "x.gz"
    with BgzfWriter(path) as out:
        out.write(TEXT)
    assert read(path) == gzip.decompress(path.read_bytes()) == TEXT


@pytest.mark.parametrize("read", [in_turn, at_random])
@pytest.mark.parametrize("n_stored", [1, 65_280, 65_281, 1 << 20])
def test_stored_blocks_are_read_as_deflated_ones(tmp_path, read, n_stored):
    stored, deflated = tmp_path / "stored.gz", tmp_path / "deflated.gz"
    with BgzfWriter(stored, n_stored_bytes=n_stored) as out, BgzfWriter(deflated) as usual:
        out.write(TEXT)
        usual.write(TEXT)
    n_stored_blocks = min(-(-n_stored // 65_280), 2)
    assert read(stored) == gzip.decompress(stored.read_bytes()) == TEXT
    sizes = [len(TEXT[:65_280]) + 31, len(TEXT[65_280:]) + 31][:n_stored_blocks]
    assert [block_size(stored.read_bytes(), at) for at in out.block_offsets[: len(sizes)]] == sizes
    assert stored.stat().st_size > deflated.stat().st_size


def test_other_extra_fields_are_passed_over():
    block = compress_block(b"abc")
    more = b"XY\x03\x00abc"
    head = bytearray(block[:10]) + struct.pack("<H", 6 + len(more)) + more + block[12:16]
    padded = bytes(head) + struct.pack("<H", len(block) + len(more) - 1) + block[18:]
    assert block_size(padded, 0) == len(padded)
    assert inflate_block(padded, 0, len(padded)) == gzip.decompress(padded) == b"abc"


def malformed(end=b"", at=None, value=0):
    block = bytearray(compress_block(b"ACGT" * 100))
    if end:
        block[-len(end) :] = end
    if at is not None:
        block[at] = value
    return bytes(block)


DAMAGED = {
    "length": (malformed(end=struct.pack("<I", 401)), "fails its checksum"),
    "no length": (malformed(end=struct.pack("<I", 0)), "fails its checksum|does not inflate"),
    "too long": (
        malformed(end=struct.pack("<I", 65_537)),
        "claims 65537 bytes of data, more than BGZF allows",
    ),
    "checksum": (malformed(end=struct.pack("<II", 7, 400)), "fails its checksum"),
    "data": (malformed(at=18, value=0x07), "does not inflate"),
}


@pytest.mark.parametrize(("block", "why"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_told_with_its_place(tmp_path, block, why):
    with pytest.raises(DamagedBlock, match=why):
        inflate_block(block, 0, len(block))
    first = compress_block(b"fine")
    path = tmp_path / "x.gz"
    path.write_bytes(first + block + EOF_BLOCK)
    for read in (in_turn, at_random):
        with pytest.raises(
            DeepcohortError, match=rf"x\.gz is .*damaged.* byte {len(first)} .*({why})"
        ) as error:
            read(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("read", [in_turn, at_random])
def test_cut_and_foreign_files(tmp_path, read):
    path = tmp_path / "x.gz"
    path.write_bytes(compress_block(TEXT[:1000])[:-5])
    with pytest.raises(DeepcohortError, match="truncated"):
        read(path)
    path.write_bytes(gzip.compress(TEXT))
    with pytest.raises(DeepcohortError, match="BGZF block"):
        read(path)
