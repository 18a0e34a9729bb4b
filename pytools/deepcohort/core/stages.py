"""CPU time and counts by stage of a command, for `--profile-stages` and the benchmarks."""

import json
import resource
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepcohort.core.outputs import atomic_outputs


class StageTimer:
    """Adds up CPU seconds (of the calling threads), wall seconds and items by stage."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = threading.local()
        self._cpu_s: dict[str, float] = {}
        self._wall_s: dict[str, float] = {}
        self._items: dict[str, int] = {}
        self._others_cpu_s = 0.0
        self._others_peak_mib = 0.0
        self._start_wall_s = time.perf_counter()
        self._start_cpu_s = time.process_time()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Charge the block to stage `name`, less what stages within it are charged."""
        inner: list[tuple[float, float]] = []
        outer: list[tuple[float, float]] | None = getattr(self._open, "inner", None)
        self._open.inner = inner
        cpu_s, wall_s = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            cpu_s, wall_s = time.thread_time() - cpu_s, time.perf_counter() - wall_s
            self._open.inner = outer
            if outer is not None:
                outer.append((cpu_s, wall_s))
            with self._lock:
                own_cpu_s = cpu_s - sum(pair[0] for pair in inner)
                own_wall_s = wall_s - sum(pair[1] for pair in inner)
                self._cpu_s[name] = self._cpu_s.get(name, 0.0) + own_cpu_s
                self._wall_s[name] = self._wall_s.get(name, 0.0) + own_wall_s

    def count(self, name: str, n: int) -> None:
        """Add `n` items to the counter `name`."""
        with self._lock:
            self._items[name] = self._items.get(name, 0) + n

    def counted(self, name: str) -> int:
        """Items of the counter `name` so far."""
        with self._lock:
            return self._items.get(name, 0)

    def absorb(self, summary: Mapping[str, Any]) -> None:
        """Add the `summary` of a timer of another process."""
        with self._lock:
            for name, spent in summary["stages"].items():
                self._cpu_s[name] = self._cpu_s.get(name, 0.0) + spent["cpu_s"]
                self._wall_s[name] = self._wall_s.get(name, 0.0) + spent["wall_s"]
            for name, n in summary["counts"].items():
                self._items[name] = self._items.get(name, 0) + n
            self._others_cpu_s += summary["cpu_s"]
            self._others_peak_mib = max(self._others_peak_mib, summary["peak_memory_mib"])

    def _all_cpu_s(self) -> float:
        return time.process_time() - self._start_cpu_s + self._others_cpu_s

    def summary(self) -> dict[str, Any]:
        """All figures: seconds by stage, counts, totals, peak memory in MiB of the largest process.

        `start_up_cpu_s` is the CPU time of the process before this timer was made.
        """
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak_mib = peak / (1 << 10 if sys.platform != "darwin" else 1 << 20)
        return {
            "stages": {
                name: {"cpu_s": round(self._cpu_s[name], 4), "wall_s": round(self._wall_s[name], 4)}
                for name in self._cpu_s
            },
            "counts": dict(self._items),
            "start_up_cpu_s": round(self._start_cpu_s, 3),
            "cpu_s": round(self._all_cpu_s(), 4),
            "wall_s": round(time.perf_counter() - self._start_wall_s, 4),
            "peak_memory_mib": round(max(peak_mib, self._others_peak_mib), 1),
        }

    def write_json(self, path: str | Path) -> None:
        """Write the summary, whole or not at all."""
        with atomic_outputs(path) as [temporary]:
            temporary.write_text(json.dumps(self.summary(), indent=2) + "\n")

    def table(self, per_bp: int) -> str:
        """The summary as lines of text, with CPU seconds per Mb of `per_bp` bases."""
        megabases = max(per_bp, 1) / 1e6
        lines = [f"{'stage':<14}{'CPU s':>9}{'wall s':>9}{'CPU s/Mb':>11}"]
        for name, cpu_s in self._cpu_s.items():
            lines.append(f"{name:<14}{cpu_s:>9.3f}{self._wall_s[name]:>9.3f}{cpu_s / megabases:>11.4f}")
        total = self._all_cpu_s()
        wall = time.perf_counter() - self._start_wall_s
        lines.append(f"{'all':<14}{total:>9.3f}{wall:>9.3f}{total / megabases:>11.4f}")
        peak = self.summary()["peak_memory_mib"]
        lines.append(f"start-up {self._start_cpu_s:.2f} CPU s, peak memory {peak} MiB, {megabases:.3f} Mb")
        lines.append(", ".join(f"{name} {n:,}" for name, n in self._items.items()))
        return "\n".join(lines)
