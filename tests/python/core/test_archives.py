"""Archives with spoilt bytes: an answer or one clear line, from every reader of .npz and model files."""

import io
import json
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.filter.caller_classifier import load_head
from deepcohort.model.archive import read_model
from deepcohort.pileup.shards import read_examples
from deepcohort.simulate.profile import load_profile

ASSETS = Path(__file__).resolve().parents[3] / "assets"
SHIPPED = ASSETS / "models" / "illumina.dcmodel"


def packed() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, about=np.array("{}"), pixels=np.zeros((9, 9)), version=np.array(1))
    return buffer.getvalue()


READERS = {
    "model": (lambda path: read_model(path), SHIPPED.read_bytes),
    "examples": (read_examples, packed),
    "filter": (load_head, packed),
    "profile": (
        lambda path: load_profile(str(path)),
        next(iter(sorted((ASSETS / "profiles").glob("*.npz")))).read_bytes,
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_spoilt_bytes(tmp_path, name):
    reader, sound = READERS[name]
    rng = random.Random(8)
    data = sound()
    ends = [
        *range(64),
        *range(len(data) - 400, len(data)),
    ]  # local headers and the directory: what zip trusts
    refused = []
    path = tmp_path / "x.npz"
    for _ in range(150):
        malformed = bytearray(data)
        at = rng.choice(ends) if rng.random() < 0.5 else rng.randrange(len(data))
        malformed[at] = rng.choice((0, 1, 255, rng.randrange(256)))
        path.write_bytes(bytes(malformed))
        try:
            reader(path)
        except DeepcohortError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert not [line for line in refused if "\n" in line]


@pytest.mark.parametrize(
    "about", [[], {}, {"format": 1}, {"format": 1, "pileup": 3}, {"format": 1, "pileup": {"x": 1}}]
)
def test_models_that_say_too_little(tmp_path, about):
    path = tmp_path / "x.dcmodel"
    with zipfile.ZipFile(SHIPPED) as source, zipfile.ZipFile(path, "w") as out:
        told = json.loads(source.read("model.json"))["format"]
        if isinstance(about, dict) and "format" in about:
            about = {**about, "format": told}
        for member in source.namelist():
            out.writestr(member, json.dumps(about) if member == "model.json" else source.read(member))
    with pytest.raises(DeepcohortError, match=r"x\.dcmodel") as error:
        read_model(path)
    assert "\n" not in str(error.value)
