"""The wheel: what it holds, and (nightly) that it works in an empty environment."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that no build folder is left here."""
    folder = tmp_path_factory.mktemp("wheel")
    skip = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc", ".mypy_cache")
    for name in ("pytools", "assets"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=skip)
    build = "import os, sys; os.chdir(sys.argv[1]); from hatchling.build import build_wheel; print(build_wheel(sys.argv[2]))"
    (folder / "dist").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", build, folder / "pytools", folder / "dist"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "dist" / done.stdout.split()[-1]


def test_it_carries_models_and_profiles(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    for folder in ("models", "profiles"):
        for path in (REPOSITORY / "assets" / folder).rglob("*"):
            if path.is_file():
                assert f"deepcohort/assets/{path.relative_to(REPOSITORY / 'assets')}" in names
    assert "deepcohort/align/tools.py" in names
    assert not [name for name in names if name.endswith((".nbi", ".nbc", ".pyc"))]
    for extra in ("train", "simulate", "report"):
        assert f"Provides-Extra: {extra}" in metadata
    needed = [
        line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line
    ]
    assert not [
        line for line in needed if any(name in line for name in ("torch", "multiqc", "msprime", "onnx>"))
    ]


@pytest.mark.nightly
@pytest.mark.timeout(1500)
def test_it_works_in_an_empty_environment(wheel):
    done = subprocess.run(
        [REPOSITORY / "tests" / "wheel" / "run.sh", wheel, sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the wheel is sound" in done.stdout


def test_the_release_builds_tries_and_then_publishes():
    flow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "release.yml").read_text())
    jobs = flow["jobs"]
    runs = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert "make wheel" in runs
    script = next(run.split()[0] for run in runs if run.startswith("tests/"))
    assert (REPOSITORY / script).stat().st_mode & 0o111
    assert set(jobs["publish-wheel"]["needs"]) == set(jobs["release-page"]["needs"]) == {"wheel", "image"}
    for job in ("publish-wheel", "release-page"):
        assert "refs/tags/v" in jobs[job]["if"]
