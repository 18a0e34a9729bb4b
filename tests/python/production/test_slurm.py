"""The pipeline on a real one-node Slurm, where its packages are there and we are root."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SKIPPED = 77


def run(*options: str) -> str:
    script = ROOT / "tests" / "slurm" / "run.sh"
    result = subprocess.run([script, *options], capture_output=True, text=True, timeout=3000)
    if result.returncode == SKIPPED:
        pytest.skip(result.stdout.strip().splitlines()[-1])
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.mark.nightly
@pytest.mark.pipeline
@pytest.mark.timeout(3100)
def test_stub_tasks_become_jobs_a_cancelled_one_is_retried_and_resume_redoes_none() -> None:
    assert "PASSED" in run("-stub")


@pytest.mark.nightly
@pytest.mark.pipeline
@pytest.mark.timeout(3100)
def test_real_calls_on_slurm() -> None:
    assert "PASSED: demo" in run("--install", "--demo")
