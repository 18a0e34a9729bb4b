"""What archives may unpack to, and what they may hold."""

import gzip
import io
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from deepcohort.core.archives import DAMAGED_ARCHIVE, array_of, bound_of, gunzip, inflate, read_arrays
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.text import text_of

BOMB_BYTES = 300 << 20  # 300 kB deflated: beyond the bound of a file of this size


@pytest.fixture(scope="module")
def zeros() -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(deflate.compress(bytes(1 << 20)) for _ in range(BOMB_BYTES >> 20)) + deflate.flush()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array)
    return out.getvalue()


def test_gzip_is_unpacked_up_to_its_bound(zeros: bytes):
    assert bound_of(len(zeros)) < BOMB_BYTES
    with pytest.raises(ValueError, match="unpacks to more than"):
        gunzip(zeros)
    assert gunzip(gzip.compress(b"one") + gzip.compress(b"two")) == b"onetwo"


def test_a_bed_that_unpacks_without_end_is_refused_in_one_line(zeros: bytes, tmp_path: Path):
    (tmp_path / "x.bed.gz").write_bytes(zeros)
    with pytest.raises(DeepcohortError, match=r"x\.bed\.gz cannot be read: it unpacks to more than"):
        text_of(tmp_path / "x.bed.gz")


def test_zlib_streams_are_bounded_and_whole():
    packed = zlib.compress(b"a" * 1000)
    assert inflate(packed, 1000) == b"a" * 1000
    for data, most in ((packed, 999), (packed[:-2], 1000)):
        with pytest.raises(ValueError):  # noqa: PT011 - either text
            inflate(data, most)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array("text"),
        np.empty((0, 3)),
        np.float32(3),
    ],
    ids=str,
)
def test_arrays_come_as_they_were_written(array: np.ndarray):
    read = array_of(npy(np.asanyarray(array)))
    assert read.dtype == np.asanyarray(array).dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(-1,)", "(2, 4)", "(7,)"])
def test_an_array_is_no_larger_than_its_data(shape: str):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(48)
    with pytest.raises(ValueError, match="an array of shape"):
        array_of(data)


def test_python_objects_are_no_arrays():
    out = io.BytesIO()
    np.lib.format.write_array(out, np.array([print]), allow_pickle=True)
    with pytest.raises(ValueError, match="type object"):
        array_of(out.getvalue())


def test_members_of_a_zip_share_one_bound(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "ab":
            archive.writestr(f"{name}.npy", npy(np.zeros(40 << 17)))  # 40 MiB each, 40 kB deflated
    assert set(read_arrays(tmp_path / "x.npz", ("a",))) == {"a"}
    with pytest.raises(ValueError, match="unpacks to more than"):
        read_arrays(tmp_path / "x.npz")


def test_compressions_without_a_bound_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.npy", npy(np.zeros(3)))
    with pytest.raises(ValueError, match="unknown way"):
        read_arrays(tmp_path / "x.npz")


def test_json_nested_without_end_counts_as_damage():
    with pytest.raises(DAMAGED_ARCHIVE):
        json.loads("[" * 100_000)
