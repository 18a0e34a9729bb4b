"""Runs of the pipeline that tests kill and resume: started in the background, watched in /proc."""

import csv
import hashlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NEXTFLOW = ROOT / ".venv" / "bin" / "nextflow"

MARKS = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(not NEXTFLOW.exists(), reason="no .venv/bin/nextflow; run make setup"),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc"),
]


def start(folder: Path, sim: Path, *more: str) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NXF_")} | {
        "NXF_ANSI_LOG": "false"
    }
    command = [NEXTFLOW, "run", ROOT, "--samplesheet", sim / "one.csv", "--reference", sim / "reference.fa"]
    command += ["--shard_bp", "6000", "--outdir", "out", *more]
    with open(folder / f"log{len(list(folder.glob('log*')))}", "wb") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


def finish(process: subprocess.Popen[bytes], folder: Path) -> None:
    code = process.wait(timeout=1000)
    assert code == 0, "\n".join(path.read_text()[-3000:] for path in sorted(folder.glob("log*")))


def wait_for(found: Callable[[], int | None], process: subprocess.Popen[bytes]) -> int:
    for _ in range(3000):
        number = found()
        if number is not None:
            return number
        assert process.poll() is None, "the run ended before what was waited for happened"
        time.sleep(0.1)
    raise AssertionError("waited for five minutes")


def process_of(folder: Path, *words: bytes) -> int | None:
    """A process that works in a task folder below `folder` and whose command line holds `words`, in order."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if command[0].endswith((b"python", b"python3")) and str(folder) in os.readlink(entry / "cwd"):
                place = iter(command)
                if all(any(part.endswith(word) for part in place) for word in words):
                    return int(entry.name)
        except OSError:
            continue  # it ended meanwhile
    return None


def trace(folder: Path) -> dict[str, dict[str, str]]:
    with open(folder / "out" / "pipeline_info" / "trace.tsv") as file:
        return {row["name"]: row for row in csv.DictReader(file, delimiter="\t")}


def results(folder: Path) -> dict[str, str]:
    out = folder / "out"
    files = [path for path in out.rglob("*.vcf.gz*") if path.is_file()]
    assert files
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
