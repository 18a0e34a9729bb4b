#!/usr/bin/env python3
"""deepcohort commands one after another in one process: a JSON list of arguments in, a JSON answer out, line by line.

Started by any_reads.py, with the package that is judged on PYTHONPATH; a start of the interpreter and of its libraries
for every call and evaluation of two hundred rows would cost more than the calls.
"""

import contextlib
import io
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path


class Worker:
    """A process that answers; started at the first question, and anew after one that took too long."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, arguments: list[str], limit_s: float) -> str:
        """Run `deepcohort ARGUMENTS`; empty when it went well, else the last line it said."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(self._package), "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        self._process.stdin.write(json.dumps(arguments).encode() + b"\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], limit_s)[0]:
            self.stop()
            return f"more than {limit_s:.0f} s"
        answer = self._process.stdout.readline()
        return json.loads(answer) if answer else "failed: the process died"

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


_OF_THREAD = threading.local()


def ask(package: Path, arguments: list[str], limit_s: float) -> str:
    """`Worker.ask` of this thread's worker for `package`, a folder with deepcohort in it."""
    workers = _OF_THREAD.__dict__.setdefault("workers", {})
    return workers.setdefault(package, Worker(package)).ask(arguments, limit_s)


def answer(arguments: list[str]) -> str:
    """Run one command in this process; what `Worker.ask` returns."""
    from deepcohort.cli import main

    said = io.StringIO()
    sys.argv = ["deepcohort", *arguments]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main()
    except SystemExit as end:
        if not end.code:
            return ""
        lines = said.getvalue().strip().splitlines()
        return f"failed: {lines[-1] if lines else end.code}"
    except Exception as error:
        return f"failed: {type(error).__name__}: {error}"
    return ""


def serve() -> None:
    """Answer until the input ends; whatever else is printed stays away from the answers."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    serve()
