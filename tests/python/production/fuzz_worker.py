"""One fuzzing worker: reads case numbers on stdin, runs each, answers one JSON line per case.

A process of its own, so that a crash (numba kernels check no bounds) costs one case and is counted.
"""

import contextlib
import io
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from types import FrameType

# a plain run of the largest target needs about 1.5 GB of address space beyond the libraries
_MEMORY_BYTES = int(os.environ.get("FUZZ_MEMORY_MB", "6000")) << 20
_CASE_SECONDS = int(  # of CPU: others may keep the machine busy
    os.environ.get("FUZZ_CASE_SECONDS", "30")
)


class _Hang(BaseException):
    """The case took too long; no handler of the program may swallow it."""


def _on_alarm(_number: int, _frame: FrameType | None) -> None:
    raise _Hang


def run_case(target: str, seed: int, base: Path, folder: Path) -> dict[str, str]:
    """Outcome of one case: ok, refused (a clear error), or a finding with its trace."""
    from deepcohort.core.errors import DeepcohortError
    from fuzz_base import Accepted
    from fuzz_targets import TARGETS

    noise = io.StringIO()
    signal.setitimer(signal.ITIMER_PROF, _CASE_SECONDS)
    try:
        with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
            TARGETS[target](seed, base, folder)
        outcome, detail = "ok", ""
    except DeepcohortError as error:
        detail = str(error)
        outcome = "refused" if detail.strip() and "Traceback" not in detail else "finding"
    except _Hang:
        outcome, detail = "hang", traceback.format_exc()
    except MemoryError:
        outcome, detail = "memory", traceback.format_exc()
    except SystemExit as stop:
        outcome, detail = ("ok" if stop.code == 0 else "refused"), noise.getvalue()[-300:]
    except Accepted as error:
        outcome, detail = "accepted", str(error)
    except BaseException:
        outcome, detail = "finding", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    left = [p.name for p in folder.rglob(".tmp-*")]
    if outcome == "refused":  # what a command gives up has no results
        left += [p.name for p in folder.glob("o.*")]
    if left:
        outcome, detail = "half-written", f"files left: {left}\n{detail}"
    return {"outcome": outcome, "detail": detail[-3000:]}


def main() -> None:
    """Serve cases until stdin closes."""
    base = Path(sys.argv[1])
    sys.path.insert(0, str(Path(__file__).parent))
    signal.signal(signal.SIGPROF, _on_alarm)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what C libraries print is no answer
    for line in sys.stdin:
        target, seed = line.split()
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            result = run_case(target, int(seed), base, Path(folder))
        answers.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
