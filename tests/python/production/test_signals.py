"""Commands struck by signals: nothing half-written, nobody left running, and the next run gives a sound one's bytes.

Each case strikes one command with one signal `STRIKES` times, at moments spread evenly over the time that a
sound run takes, from when it listens to signals. Training is struck in model/test_training_interrupted.py, runs of
the pipeline in test_struck_nightly.py.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fuzz_base import make_base

STRIKES = int(os.environ.get("SIGNAL_STRIKES", "6"))  # of each of 17 commands and 3 signals: 306
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT": signal.SIGINT}

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc"),
]


@dataclass(frozen=True)
class Command:
    """`words` of a command that reads `base` and writes into `folder`.

    `needs`: a program that may be absent. `keeps`: a whole output is refused, not written again.
    """

    words: Callable[[Path, Path], list[object]]
    needs: str = ""
    keeps: bool = False


def _call(base: Path, folder: Path) -> list[object]:
    return [
        "call", "--reads", base / "sim" / "sample1.bam", "--reference", base / "sim" / "reference.fa",
        "--gvcf", folder / "out.g.vcf.gz", "--vcf", folder / "out.vcf.gz",
    ]  # fmt: skip


def _gvcfs(base: Path) -> list[object]:
    return [word for person in (1, 2) for word in ("--gvcf", base / f"{person}.g.vcf.gz")]


COMMANDS = {
    "call": Command(_call),
    "call_threads": Command(lambda base, folder: [*_call(base, folder), "--threads", "2"]),
    "genotype": Command(
        lambda base, folder: [
            "genotype", *_gvcfs(base), "--reference", base / "sim" / "reference.fa",
            "--output", folder / "out.vcf.gz", "--save-cohort", folder / "out.store",
        ]
    ),
    "merge": Command(
        lambda base, folder: [
            "merge", "--input", base / "1.g.vcf.gz",
            "--output", folder / "out.g.vcf.gz",
        ]
    ),
    "filter": Command(
        lambda base, folder: [
            "filter", "--vcf", base / "1.vcf.gz", "--reads", base / "sim" / "sample1.bam",
            "--reference", base / "sim" / "reference.fa", "--output", folder / "out.vcf.gz",
        ]
    ),
    "evaluate": Command(
        lambda base, folder: [
            "evaluate", "--vcf", base / "1.vcf.gz", "--truth", base / "sim" / "sample1.truth.vcf.gz",
            "--confident", base / "sim" / "sample1.confident.bed", "--reference", base / "sim" / "reference.fa",
            "--output", folder / "out",
        ]
    ),
    "stats": Command(lambda base, folder: ["stats", "--vcf", base / "cohort.vcf.gz", "--output", folder / "out"]),
    "examples": Command(
        lambda base, folder: [
            "examples", "--reads", base / "sim" / "sample1.bam", "--reference", base / "sim" / "reference.fa",
            "--truth", base / "sim" / "sample1.truth.vcf.gz", "--confident", base / "sim" / "sample1.confident.bed",
            "--output", folder / "out",
        ],
        keeps=True,
    ),
    "simulate": Command(
        lambda _base, folder: [
            "simulate", "--output", folder / "out", "--genome-bp", "24000", "--family", "none", "--unrelated", "1",
            "--coverage", "8",
        ]
    ),
    "paralogs": Command(
        lambda base, folder: [
            "paralogs", "--reference", base / "sim" / "reference.fa", "--output", folder / "out.tsv.gz",
        ]
    ),
    "export": Command(
        lambda base, folder: [
            "export", "--vcf", base / "cohort.vcf.gz", "--format", "plink2", "--output", folder / "out",
        ],
        needs="plink2",
    ),
    "haplotag": Command(
        lambda base, folder: [
            "haplotag", "--vcf", base / "1.vcf.gz", "--reads", base / "sim" / "sample1.bam",
            "--reference", base / "sim" / "reference.fa", "--output", folder / "out.bam",
        ]
    ),
    "sites": Command(
        lambda base, folder: [
            "sites", *_gvcfs(base), "--reference", base / "sim" / "reference.fa", "--output", folder / "out.vcf.gz",
        ]
    ),
    "filter_cohort": Command(
        lambda base, folder: [
            "filter", "--vcf", base / "cohort.vcf.gz", "--reads", f"sample1={base / 'sim' / 'sample1.bam'}",
            "--reads", f"sample2={base / 'sim' / 'sample2.bam'}", "--reference", base / "sim" / "reference.fa",
            "--output", folder / "out.vcf.gz",
        ]
    ),
    "annotate": Command(
        lambda base, folder: [
            "annotate", "--vcf", base / "cohort.vcf.gz", "--reference", base / "sim" / "reference.fa",
            "--scores", f"common={base / 'common.vcf.gz'}:AF", "--output", folder / "out.vcf.gz",
        ]
    ),
    "phase": Command(
        lambda base, folder: ["phase", "--vcf", base / "cohort.vcf.gz", "--output", folder / "out.vcf.gz"],
        needs="beagle",
    ),
    "popgen": Command(
        lambda _base, folder: [
            "popgen", "simulate", "--task", "balancing", "--loci", "3", "--output", folder / "out",
        ]
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "sound"
    make_base(folder)
    return folder


# a shell that runs pytest in the background has Ctrl-C ignored in all that it starts
_ENTRY = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from deepcohort.start import main; main()"
)


def _start(words: list[object]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _ENTRY, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _wait_until_it_listens(process: subprocess.Popen[bytes]) -> None:
    """Until SIGTERM has a handler: what comes before is Python's own start."""
    bit = 1 << (signal.SIGTERM - 1)
    while process.poll() is None:
        caught = Path(f"/proc/{process.pid}/status").read_text().partition("SigCgt:")[2].split()
        if caught and int(caught[0], 16) & bit:
            return
        time.sleep(0.01)


def _bytes_of(folder: Path) -> dict[str, str]:
    """Hash of every file below `folder` by its relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _unfinished(names: dict[str, str]) -> list[str]:
    return [name for name in names if ".tmp-" in name]


def _alive(session: int) -> list[int]:
    """Processes of the session that are not zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _gone(session: int, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _alive(session):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("name", sorted(SIGNALS))
@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_struck_commands_leave_nothing_half_written(
    command: str, name: str, base: Path, tmp_path: Path
) -> None:
    job, number = COMMANDS[command], SIGNALS[name]
    if job.needs and not shutil.which(job.needs):
        pytest.skip(f"no {job.needs} on PATH")
    sound = tmp_path / "sound"
    sound.mkdir()
    began = time.monotonic()
    process = _start(job.words(base, sound))
    _, said = process.communicate(timeout=900)
    assert process.returncode == 0, said.decode()[-2000:]
    duration, wanted = time.monotonic() - began, _bytes_of(sound)
    hit = 0
    for strike in range(STRIKES):
        folder = tmp_path / f"strike{strike}"
        folder.mkdir()
        process = _start(job.words(base, folder))
        _wait_until_it_listens(process)
        time.sleep(duration * (strike + 0.5) / STRIKES)
        running = process.poll() is None
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
        hit += running and process.returncode != 0
        assert _gone(process.pid), "processes are left running"
        left = _bytes_of(folder)
        if name != "KILL":
            assert not _unfinished(left), f"strike {strike}: temporary files are left"
            assert b"Traceback" not in said, said.decode()[-3000:]
        whole = {key: value for key, value in left.items() if ".tmp-" not in key}
        assert all(wanted.get(key) == value for key, value in whole.items()), f"strike {strike}: half-written"
        if job.keeps and whole == wanted:
            continue
        again = _start(job.words(base, folder))
        _, said = again.communicate(timeout=900)
        assert again.returncode == 0, said.decode()[-2000:]
        after = {key: value for key, value in _bytes_of(folder).items() if ".tmp-" not in key}
        assert after == wanted, f"strike {strike}: the next run gives other bytes"
    assert hit, "no strike came while the command ran"
