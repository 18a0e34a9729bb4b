"""Two processes train the CNN together (DDP, gloo on CPU)."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from deepcohort.model.archive import read_model
from deepcohort.model.config import write_config
from model_builders import TINY, write_tiny


@pytest.mark.nightly
def test_two_processes_train_one_model(tmp_path):
    examples = write_tiny(tmp_path / "examples")
    write_config(tmp_path / "train.toml", replace(TINY, devices=2, epochs=2, small_epochs=2))
    command = Path(sys.executable).with_name("deepcohort")
    done = subprocess.run(
        [
            command, "train", "--examples", examples, "--config", tmp_path / "train.toml", "--output",
            tmp_path / "run",
        ],
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "MEMBER: 2/2" in done.stderr  # both took part
    model = read_model(tmp_path / "run" / "illumina.dcmodel")
    assert model.about["train"]["devices"] == 2
    log = (tmp_path / "run" / "logs" / "cnn" / "attempt_00" / "metrics.csv").read_text().splitlines()
    losses = [float(line.split(",")[2]) for line in log[1:] if line.split(",")[2]]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    # each process saw half of the batches
    steps = int(log[-1].split(",")[1]) + 1
    assert steps <= 2 * (sum(model.about["facts"]["labels"]) // (2 * TINY.batch_size)) + 2
