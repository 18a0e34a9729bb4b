"""What a folder of examples says of itself is not believed."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.pileup import shards
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.features import N_FEATURES
from deepcohort.pileup.io import TruthVcf
from deepcohort.pileup.shards import Examples, ExampleWriter, open_examples, read_examples

CONFIG = PileupConfig(rows=8, flank_bp=4, min_group_rows=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    n = 5
    examples = Examples(
        np.zeros((n, *CONFIG.shape), np.uint8), np.zeros((n, N_FEATURES), np.float32), np.zeros(n, np.int8),
        np.zeros(n, np.uint32), np.arange(n, dtype=np.int64),
    )  # fmt: skip
    with ExampleWriter(tmp_path / "x", CONFIG, "illumina", 1, n_buckets=1) as writer:
        writer.add(examples)
    return tmp_path / "x"


def test_sound_examples_open(folder: Path):
    assert len(open_examples([folder]).read_bucket(0)) == 5


@pytest.mark.parametrize(
    "name", ["../x.npz", "/etc/passwd", "a/b.npz", "..", ".npz", "x.txt", 7, None, "x\n.npz", ["x.npz"]]
)
def test_examples_name_no_files_outside_their_folder(name: object, folder: Path):
    shutil.copy(folder / "bucket-000-0000.npz", folder.parent / "x.npz")
    manifest = json.loads((folder / "examples.json").read_text())
    manifest["buckets"] = [[name]]
    (folder / "examples.json").write_text(json.dumps(manifest))
    with pytest.raises(DeepcohortError, match=r"examples\.json is damaged"):
        open_examples([folder])


@pytest.mark.parametrize("key", ["encoder", "pileup", "platform", "labels", "buckets", "about"])
@pytest.mark.parametrize("value", [None, 1, [1], "x", {"x": 1}])
def test_manifests_of_other_shapes(key: str, value: object, folder: Path):
    manifest = json.loads((folder / "examples.json").read_text()) | {key: value}
    if (key, value) in (("platform", "x"), ("about", {"x": 1})):
        return
    (folder / "examples.json").write_text(json.dumps(manifest))
    with pytest.raises(DeepcohortError) as error:
        open_examples([folder])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("label", np.zeros(4, np.int8)), ("label", np.full(5, 3, np.int8)), ("label", np.zeros(5, np.int64)), ("label", np.zeros((5, 1), np.int8)),
        ("features", np.zeros((5, N_FEATURES), np.float64)), ("features", np.full((5, N_FEATURES), np.nan, np.float32)), ("features", np.zeros((5, 3), np.float32)),
        ("pixels", np.zeros((5, 2, 2), np.uint8)), ("pixels", np.zeros((5, 2, 2, 2), np.uint8)), ("pos", np.array("x")), ("stretch", np.zeros(5, np.int32)),
    ],
)  # fmt: skip
def test_arrays_of_other_shapes(name: str, array: np.ndarray, folder: Path):
    path = folder / "bucket-000-0000.npz"
    arrays = dict(np.load(path)) | {name: array}
    np.savez(path, **arrays)
    with pytest.raises(DeepcohortError, match=r"bucket-000-0000\.npz"):
        open_examples([folder]).read_bucket(0)


def test_a_file_that_unpacks_without_end(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shards, "_MOST_CHUNK_BYTES", 8 << 20)
    path = folder / "bucket-000-0000.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("features.npy", "w", force_zip64=True) as out,
    ):
        for _ in range(9):
            out.write(bytes(1 << 20))
    with pytest.raises(DeepcohortError, match="unpacks to more than 8 MiB"):
        read_examples(path, with_pixels=False)


def test_a_truth_that_htslib_gives_up_on(tmp_path: Path):
    import pysam
    from deepcohort.core.region import Region

    head = '##fileformat=VCFv4.3\n##contig=<ID=c,length=100>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n'
    for number, row in enumerate(
        (
            "c\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1/1/1",
            "c\t5\t.\tA\tC\t.\t.\t.\tGT\t0/3",
            "c\t5\t.\tA\tC\t.\t.\t.\tGT",
        )
    ):
        path = tmp_path / f"{number}.vcf"
        path.write_text(head + row + "\n")
        pysam.tabix_index(str(path), preset="vcf", force=True)
        with pytest.raises(DeepcohortError, match=r"truth VCF|vcf\.gz holds a malformed line") as error:
            TruthVcf(f"{path}.gz").fetch(Region("c", 0, 100), "A" * 100)
        assert "\n" not in str(error.value)
