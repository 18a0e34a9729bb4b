"""A run whose call task and whose head are killed (SIGKILL), then resumed: the same bytes as a run left alone."""

import os
import signal
from pathlib import Path

import pytest
from fuzz_base import make_base
from interrupted_runs import MARKS, finish, process_of, results, start, trace, wait_for

pytestmark = [*MARKS, pytest.mark.nightly]


def test_killed_twice_and_resumed_gives_the_same_bytes(tmp_path: Path) -> None:
    make_base(tmp_path / "base")
    sim = tmp_path / "base" / "sim"
    (sim / "one.csv").write_text("sample,reads\nsample1,sample1.bam\n")
    (alone := tmp_path / "alone").mkdir()
    (struck := tmp_path / "struck").mkdir()
    finish(start(alone, sim), alone)

    head = start(struck, sim)
    os.kill(wait_for(lambda: process_of(struck, b"deepcohort", b"call"), head), signal.SIGKILL)
    wait_for(lambda: process_of(struck, b"deepcohort", b"genotype"), head)
    head.send_signal(signal.SIGKILL)
    head.wait()
    before = {name: row for name, row in trace(struck).items() if row["status"] == "COMPLETED"}
    assert any(int(row["attempt"]) > 1 for row in before.values()), "the killed call was not tried again"

    finish(start(struck, sim, "-resume"), struck)
    after = trace(struck)
    redone = [name for name in before if after[name]["status"] != "CACHED"]
    assert not redone
    assert results(struck) == results(alone)
