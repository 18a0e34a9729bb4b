"""Stage times and progress lines."""

import json
import time

from deepcohort.core import progress
from deepcohort.core.stages import StageTimer


def test_inner_stages_are_not_charged_twice(tmp_path):
    timer = StageTimer()

    def burn(seconds):
        start = time.thread_time()
        while time.thread_time() - start < seconds:
            pass

    with timer.stage("outer"):
        burn(0.02)
        with timer.stage("inner"):
            burn(0.06)
    timer.count("reads", 3)
    timer.count("reads", 4)
    timer.write_json(tmp_path / "x.json")
    found = json.loads((tmp_path / "x.json").read_text())
    assert found["counts"] == {"reads": 7}
    assert 0.02 <= found["stages"]["outer"]["cpu_s"] < 0.05
    assert found["stages"]["inner"]["cpu_s"] >= 0.06
    assert found["peak_memory_mib"] > 10
    assert "reads 7" in timer.table(1_000_000)


def test_progress_speaks_in_mb(monkeypatch, capsys):
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    done = list(progress.track_bp([500_000, 250_000, 250_000], 1_000_000, "calling S", lambda n: n))
    assert done == [500_000, 250_000, 250_000]
    assert capsys.readouterr().err == "calling S: 0.75 Mb of 1.00 Mb after 30 s\n"


def test_quiet_says_nothing(capsys):
    assert list(progress.track(range(3), 3, "x", quiet=True)) == [0, 1, 2]
    assert capsys.readouterr().err == ""
