"""Everything that may befall a whole run: afterwards -resume gives the bytes of a run left alone, redoing nothing."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz_base import make_base
from interrupted_runs import MARKS, finish, process_of, results, start, trace, wait_for

pytestmark = [*MARKS, pytest.mark.nightly]

_NOTED_S = 0.4
# in the order in which a run comes to them
STAGES = ("check", "shard", "call", "merge", "genotype", "stats", "summary", "provenance")


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("sound")
    make_base(base)
    (base / "sim" / "one.csv").write_text("sample,reads\nsample1,sample1.bam\n")
    return base / "sim"


@pytest.fixture(scope="module")
def alone(sim: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("alone")
    finish(start(folder, sim), folder)
    return results(folder)


@pytest.fixture
def small_disk(mounted: Callable[[str, str], Path]) -> Path:
    return mounted("disk", "size=300k")


def log_of(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("log*")))


def completed(folder: Path) -> set[str]:
    return {name for name, row in trace(folder).items() if row["status"] in ("COMPLETED", "CACHED")}


def kill_head_at(stage: str, sim: Path, folder: Path, *more: str) -> None:
    head = start(folder, sim, *more)
    wait_for(lambda: process_of(folder, b"deepcohort", stage.encode()), head)
    # Nextflow starts what follows a task before its cache holds the task, which takes the longest the first time
    time.sleep(_NOTED_S)
    head.send_signal(signal.SIGKILL)
    head.wait()


@pytest.mark.parametrize("stage", STAGES)
def test_the_head_is_killed_and_resumed(stage: str, sim: Path, alone: dict[str, str], tmp_path: Path) -> None:
    kill_head_at(stage, sim, tmp_path)
    before = completed(tmp_path)
    finish(start(tmp_path, sim, "-resume"), tmp_path)
    after = trace(tmp_path)
    assert not [name for name in before if after[name]["status"] != "CACHED"]
    assert results(tmp_path) == alone


def test_the_head_is_killed_again_and_again(sim: Path, alone: dict[str, str], tmp_path: Path) -> None:
    """Nextflow forgets what a resumed run finished when that is killed as well; the results stay right."""
    kill_head_at("check", sim, tmp_path)
    kill_head_at("call", sim, tmp_path, "-resume")
    kill_head_at("genotype", sim, tmp_path, "-resume")
    finish(start(tmp_path, sim, "-resume"), tmp_path)
    assert results(tmp_path) == alone


def test_the_disk_of_the_tasks_is_full(
    sim: Path, alone: dict[str, str], tmp_path: Path, small_disk: Path
) -> None:
    process = start(tmp_path, sim, "-work-dir", str(small_disk))
    assert process.wait(timeout=1000) != 0
    assert f"the disk of the work folder {small_disk} is full" in log_of(tmp_path)
    before = completed(tmp_path)
    subprocess.run(["mount", "-o", "remount,size=100m", small_disk], check=True)
    finish(start(tmp_path, sim, "-work-dir", str(small_disk), "-resume"), tmp_path)
    after = trace(tmp_path)
    assert not [name for name in before if after[name]["status"] != "CACHED"]
    assert results(tmp_path) == alone


def test_the_folder_of_results_cannot_be_written(sim: Path, tmp_path: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    process = start(tmp_path, sim, "--outdir", str(small_disk / "out"))
    assert process.wait(timeout=1000) != 0
    assert f"{small_disk / 'out'}: Read-only file system" in log_of(tmp_path)
    assert not list((tmp_path / "work").glob("*")), "work was done that could not be kept"


def test_a_file_between_two_tasks_is_damaged(sim: Path, alone: dict[str, str], tmp_path: Path) -> None:
    finish(start(tmp_path, sim), tmp_path)
    victim = next(path for path in (tmp_path / "work").rglob("*.shard_*.g.vcf.gz") if not path.is_symlink())
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0x10
    victim.write_bytes(data)
    shutil.rmtree(tmp_path / "out")
    process = start(tmp_path, sim, "-resume")
    assert process.wait(timeout=1000) != 0
    errors = [line for line in log_of(tmp_path).splitlines() if line.startswith("deepcohort: error:")]
    assert any(str(victim.parent) in line for line in errors), errors
    shutil.rmtree(victim.parent)  # as the message says
    finish(start(tmp_path, sim, "-resume"), tmp_path)
    assert results(tmp_path) == alone


def test_the_reads_are_cut_off_and_then_whole(sim: Path, alone: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "sim"
    shutil.copytree(sim, copy)
    whole = (copy / "sample1.bam").read_bytes()
    (copy / "sample1.bam").write_bytes(whole[: len(whole) // 2])
    process = start(tmp_path, copy)
    assert process.wait(timeout=1000) != 0
    assert "sample1.bam is truncated" in log_of(tmp_path)
    assert not (tmp_path / "out" / "samples").exists()
    (copy / "sample1.bam").write_bytes(whole)
    finish(start(tmp_path, copy, "-resume"), tmp_path)
    assert results(tmp_path) == alone


def test_a_call_task_is_killed_until_it_may_live(sim: Path, alone: dict[str, str], tmp_path: Path) -> None:
    head = start(tmp_path, sim)
    os.kill(wait_for(lambda: process_of(tmp_path, b"deepcohort", b"call"), head), signal.SIGKILL)
    finish(head, tmp_path)
    assert max(int(row["attempt"]) for row in trace(tmp_path).values()) == 2
    assert results(tmp_path) == alone
