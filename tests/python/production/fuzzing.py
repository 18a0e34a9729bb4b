"""Runs fuzz cases in worker processes and sorts what came of them.

By hand:  python tests/python/production/fuzzing.py --cases 5000 [--target bam] [--seed 0] [--checked]
A finding is repeated with the same target and seed.
"""

import argparse
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
HARMLESS = ("ok", "refused")
_SILENCE_SECONDS = 4000  # beyond the worker's own alarm: stuck in C code


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case came to; `detail` is trace, signal or reason.

    `kind`: ok, refused; finding (a trace), crash (a signal), hang, memory, half-written (files left), accepted
    (malformed, with other results than the sound input's).
    """

    target: str
    seed: int
    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.target} seed {self.seed}: {self.kind}\n{self.detail}"

    @property
    def signature(self) -> str:
        """Kind, place and exception: findings of one cause share it."""
        places = re.findall(r'File "[^"]*/deepcohort/([^"]+)", line (\d+)', self.detail)
        last = self.detail.strip().splitlines()[-1:] or [""]
        return f"{self.target} {self.kind} at {':'.join(places[-1]) if places else '?'}: {last[0][:120]}"


class Worker:
    """A process that runs cases, started anew when one kills it."""

    def __init__(self, base: Path, environment: dict[str, str]) -> None:
        self._command = [sys.executable, str(HERE / "fuzz_worker.py"), str(base)]
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    def run(self, target: str, seed: int) -> Outcome:
        """Run one case to its end, whatever that is."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=self._environment,
            )
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{target} {seed}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _SILENCE_SECONDS)
        line = process.stdout.readline() if ready else ""
        if line:
            answer = json.loads(line)
            return Outcome(target, seed, answer["outcome"], answer["detail"])
        self.close()
        code = process.returncode
        if not ready:
            return Outcome(target, seed, "hang", "no answer: stuck outside Python")
        name = signal.Signals(-code).name if code and code < 0 else f"exit {code}"
        return Outcome(target, seed, "crash", name)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill() if self._process.poll() is None and self._process.returncode is None else None
            self._process.wait()
            self._process = None


def run_cases(cases: Iterable[tuple[str, int]], base: Path, checked: bool = False) -> Iterator[Outcome]:
    """Outcomes of (target, seed) pairs, one after another; `checked` compiles kernels with bounds checks."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", TZ="UTC")
    if checked:
        cache = base / "checked-kernels"
        cache.mkdir(exist_ok=True)
        environment |= {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(cache), "FUZZ_CASE_SECONDS": "600"}
    worker = Worker(base, environment)
    try:
        for target, seed in cases:
            yield worker.run(target, seed)
    finally:
        worker.close()


def main() -> int:
    """Run many cases; 1 when any was a finding."""
    sys.path.insert(0, str(HERE))
    from fuzz_base import make_base
    from fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000, help="of each target")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS))
    parser.add_argument(
        "--checked", action="store_true", help="kernels with bounds checks (compiles for minutes)"
    )
    parser.add_argument("--verbose", action="store_true", help="whole traces")
    parser.add_argument("--base", type=Path, default=Path("/tmp") / f"deepcohort-fuzz-{os.getuid()}")
    options = parser.parse_args()
    make_base(options.base)
    seen: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    for target in options.target or sorted(TARGETS):
        start, kinds = time.monotonic(), Counter[str]()
        seeds = range(options.seed, options.seed + options.cases)
        for outcome in run_cases(((target, s) for s in seeds), options.base, options.checked):
            kinds[outcome.kind] += 1
            if outcome.kind == "refused":
                refusals[re.sub(r"\d+|'[^']*'|/\S+", "#", outcome.detail.strip())[:90]] += 1
            if outcome.kind not in HARMLESS:
                seen[outcome.signature] += 1
                if seen[outcome.signature] == 1:
                    print(
                        outcome if options.verbose else f"seed {outcome.seed}: {outcome.signature}",
                        flush=True,
                    )
        print(f"{target}: {dict(kinds)} in {time.monotonic() - start:.0f} s", flush=True)
    for reason, count in refusals.most_common(25 if options.verbose else 0):
        print(f"{count:6d} refused: {reason}")
    for signature, count in seen.most_common():
        print(f"{count:6d} x {signature}")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
