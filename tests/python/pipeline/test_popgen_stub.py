"""--mode popgen: the wiring, with stubs."""

from collections import Counter

import pytest
from nextflow_runs import nextflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def test_mode_popgen_simulates_in_shares_trains_and_compares(tmp_path):
    (tmp_path / "my task.toml").write_text("base = 'balancing'\n")
    run = nextflow(
        tmp_path, "-stub", "--mode", "popgen", "--popgen_task", "my task.toml", "--popgen_shards", "3", "--model_name", "mine",
        "--outdir", "out",
    )  # fmt: skip
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks())
    assert counts == {
        "POPGEN_SIMULATE": 6,
        "POPGEN_TRAIN": 1,
        "POPGEN_COMPARE": 1,
        "BUILD_REPORT": 1,
        "WRITE_PROVENANCE": 1,
    }
    assert (tmp_path / "out" / "models" / "mine").is_dir()
    assert (tmp_path / "out" / "popgen" / "comparison").is_dir()
