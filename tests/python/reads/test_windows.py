"""Windows of the profile: among most of the reads where strays lie all over the genome."""

import numpy as np
import pysam
import pytest
from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profile_of
from deepcohort.reads.windows import (
    PROFILE_WINDOW_BP,
    PROFILE_WINDOWS,
    StoredBytes,
    dense_windows,
    profile_windows,
)

CONTIG_BP, SLICE = 2_000_000, (1_300_000, 1_360_000)
CONTIGS = (("far", CONTIG_BP), ("near", 50_000))


@pytest.fixture(scope="module")
def wide_reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("wide") / "wide.fa"
    rng = np.random.default_rng(3)
    with open(path, "w") as file:
        for name, n in CONTIGS:
            print(
                f">{name}",
                rng.choice(np.frombuffer(b"ACGT", np.uint8), n).tobytes().decode(),
                sep="\n",
                file=file,
            )
    pysam.faidx(str(path))
    return path


def lines_at(places, mapq, prefix):
    rng = np.random.default_rng(len(places))
    bases = rng.choice(np.frombuffer(b"ACGT", np.uint8), (len(places), 60))
    quals = rng.integers(43, 73, (len(places), 60), dtype=np.uint8)
    return [
        f"{prefix}{k}\t0\tfar\t{pos + 1}\t{mapq}\t60M\t*\t0\t0\t{base.tobytes().decode()}\t"
        f"{qual.tobytes().decode()}\tRG:Z:a"
        for k, (pos, base, qual) in enumerate(zip(places, bases, quals, strict=True))
    ]


@pytest.fixture
def stray_files(write_reads, tmp_path, wide_reference):
    """One read of MAPQ 11 every 10 kb, and 10,000 of MAPQ 60 in a slice of 60 kb."""
    rng = np.random.default_rng(4)
    strays = lines_at(range(500, CONTIG_BP - 100, 10_000), 11, "stray")
    mine = lines_at(np.sort(rng.integers(*SLICE, 10_000)).tolist(), 60, "mine")
    halves = [write_reads(strays, "strays.bam", CONTIGS), write_reads(mine, "mine.bam", CONTIGS)]
    whole = write_reads(strays + mine, "whole.bam", CONTIGS)
    csi, cram = tmp_path / "csi.bam", tmp_path / "whole.cram"
    csi.write_bytes(whole.read_bytes())
    pysam.index("-c", str(csi))
    pysam.view("-C", "-T", str(wide_reference), "-o", str(cram), str(whole), catch_stdout=False)
    pysam.index(str(cram))
    return {"bam": [whole], "csi": [csi], "cram": [cram], "two": halves}


@pytest.mark.parametrize("kind", ["bam", "csi", "two"])
def test_the_profile_stands_on_the_slice(stray_files, wide_reference, kind):
    config, windows = profile_of(stray_files[kind], wide_reference, ReadsConfig())
    assert windows
    assert all(window.contig == "far" and SLICE[0] <= window.start < SLICE[1] for window in windows)
    assert config.library.n_reads > 1_000
    assert config.library.typical_mapq == 60


def test_bytes_of_a_cram_are_those_of_its_slices(stray_files, wide_reference):
    with open_reads(stray_files["cram"], wide_reference, ReadsConfig()) as source:
        stored = source.stored_bytes("far")
        assert len(source.stored_bytes("near").starts) == 0
    assert stored.starts[0] == 0
    assert stored.starts[-1] == (CONTIG_BP - 9_500) // 16_384 * 16_384
    n_bytes = stray_files["cram"][0].stat().st_size
    assert 0.8 * n_bytes < stored.n_bytes.sum() <= n_bytes


def test_stored_bytes_follow_the_reads(stray_files, wide_reference):
    for kind in ("bam", "csi"):
        with open_reads(stray_files[kind], wide_reference, ReadsConfig()) as source:
            stored = source.stored_bytes("far")
        dense = (stored.starts + 16_384 > SLICE[0]) & (stored.starts < SLICE[1])
        assert stored.n_bytes[dense].sum() > 5 * stored.n_bytes[~dense].sum()


def test_of_several_files_bytes_add_up():
    one = StoredBytes(np.array([0, 16_384, 65_536]), np.array([5, 6, 7]))
    two = StoredBytes(np.array([16_384, 32_768]), np.array([10, 20]))
    joined = StoredBytes.joined([one, two, StoredBytes.none()])
    assert joined.starts.tolist() == [0, 16_384, 32_768, 65_536]
    assert joined.n_bytes.tolist() == [5, 16, 20, 7]


class Made:
    """Files of one contig with reads at `starts`."""

    def __init__(self, starts, stored):
        self.contig_lengths = {"a": 1_000_000}
        self._starts, self._stored = np.sort(starts), stored

    def first_start(self, region: Region):
        at = self._starts[(self._starts >= region.start) & (self._starts < region.end)]
        return int(at[0]) if len(at) else None

    def stored_bytes(self, _contig):
        return self._stored


def test_dense_windows_lie_at_equal_steps_through_the_bytes():
    starts = np.arange(0, 1_000_000, 100)
    bins = np.arange(0, 1_000_000, 16_384)
    windows = dense_windows(Made(starts, StoredBytes(bins, np.full(len(bins), 1_000))))
    assert len(windows) == PROFILE_WINDOWS
    assert np.ptp(np.diff([window.start for window in windows])) <= 2 * 16_384
    assert all(len(window) == PROFILE_WINDOW_BP for window in windows)
    neighbours = dense_windows(Made(starts, StoredBytes(bins[:2], np.array([1, 1]))))
    assert [(w.start, w.end) for w in neighbours] == [(0, 8_192), (16_400, 24_592)]


def test_without_reads_or_an_index_there_are_none():
    assert dense_windows(Made([], StoredBytes.none())) == []
    assert dense_windows(Made([5], StoredBytes.none())) == []
    assert dense_windows(Made([], StoredBytes(np.array([0]), np.array([9])))) == []
    assert [w.start for w in profile_windows(Made([5], StoredBytes.none()))] == [5]
