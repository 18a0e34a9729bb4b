"""Programs that feed one another, as a shell would join them; the first that fails is told in one line."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import scratch_folder

# samtools as pysam carries it: pinned with it, so that the bytes are the same on every machine
_SAMTOOLS = (
    "import sys, pysam.samtools\n"
    "try: getattr(pysam.samtools, sys.argv[1])(*sys.argv[2:], catch_stdout=False)\n"
    "except Exception as error: sys.exit(str(error))\n"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One program of a pipe: its words, and what it is called in a message."""

    words: tuple[str, ...]
    name: str


def samtools(*words: str) -> Step:
    """A step that runs pysam's own samtools."""
    return Step((sys.executable, "-c", _SAMTOOLS, *words), f"samtools {words[0]}")


def run_pipe(steps: Sequence[Step], feed: Callable[[IO[bytes]], None] | None = None) -> None:
    """Run `steps`, each reading what the one before writes; `feed` writes the first one's input.

    Raises:
        DeepcohortError: a step failed; its last line says why.
        MemoryError: a step was killed, as by a system that is out of memory.
    """
    with scratch_folder("deepcohort-") as folder, contextlib.ExitStack() as stack:
        running: list[tuple[Step, subprocess.Popen[bytes], Path]] = []
        source: IO[bytes] | int = subprocess.PIPE if feed else subprocess.DEVNULL
        for i, step in enumerate(steps):
            log = Path(folder, f"{i}.log")
            target = subprocess.PIPE if i + 1 < len(steps) else subprocess.DEVNULL
            process = subprocess.Popen(
                step.words, stdin=source, stdout=target, stderr=stack.enter_context(open(log, "wb"))
            )
            stack.callback(_end, process)
            if not isinstance(source, int):
                source.close()  # the child has its own; else no broken pipe would reach the step before
            running.append((step, process, log))
            source = process.stdout or subprocess.DEVNULL
        if feed:
            _feed(feed, running[0][1])
        for _, process, _ in running:
            process.wait()
        _judge(running)


def _feed(feed: Callable[[IO[bytes]], None], process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    try:
        feed(process.stdin)
    except BrokenPipeError:
        return  # the step has ended, and will say why
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def _judge(running: "Sequence[tuple[Step, subprocess.Popen[bytes], Path]]") -> None:
    """Raise what the step that failed says; one that only lost its reader or its writer comes last."""
    failed = [(step, process.returncode, log) for step, process, log in running if process.returncode]
    if not failed:
        return
    killed = [step for step, code, _ in failed if code == -9]
    if killed:
        raise MemoryError(f"{killed[0].name} was killed")
    step, code, log = next(((s, c, p) for s, c, p in failed if c != -13), failed[0])
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "error" in line.lower() or "fail" in line.lower()), "")
    raise DeepcohortError(
        f"{step.name} failed (exit {code}): {said or (lines[-1] if lines else 'no message')}"
    )
