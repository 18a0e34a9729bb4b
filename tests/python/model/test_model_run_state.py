"""What a finished or killed run in a folder is held to: settings, examples, the model it started from."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import read_model
from deepcohort.model.config import read_config
from deepcohort.model.run_state import checkpoint_path, examples_digest
from deepcohort.model.train import train
from deepcohort.pileup.shards import open_examples
from model_builders import TINY, write_tiny


@pytest.fixture
def finished(tiny_run, tmp_path):
    """A copy of a finished run, and all that lies in it."""
    folder = tmp_path / "run"
    shutil.copytree(tiny_run.output, folder)
    return folder, contents(folder)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_other_examples_are_refused_and_nothing_is_written(finished, tmp_path):
    folder, before = finished
    other = write_tiny(tmp_path / "other", seed=1)
    with pytest.raises(DeepcohortError, match="belongs to a run with other examples; name another --output"):
        train([other], folder, TINY, quiet=True)
    assert contents(folder) == before


def test_more_examples_are_other_examples(finished, tiny_run, tmp_path):
    folder, before = finished
    more = write_tiny(tmp_path / "more", n=50, seed=2)
    with pytest.raises(DeepcohortError, match="other examples"):
        train([tiny_run.examples, more], folder, TINY, quiet=True)
    assert contents(folder) == before


def test_a_model_to_start_from_is_refused(finished, tiny_run):
    folder, before = finished
    with pytest.raises(DeepcohortError, match="other --init-from"):
        train([tiny_run.examples], folder, TINY, init_from=tiny_run.model, quiet=True)
    assert contents(folder) == before


def test_all_that_differs_is_told(finished, tiny_run, tmp_path):
    folder, before = finished
    other = write_tiny(tmp_path / "other", seed=1)
    with pytest.raises(DeepcohortError, match="other settings and other examples and other --init-from"):
        train([other], folder, replace(TINY, lr=0.5), init_from=tiny_run.model, quiet=True)
    assert contents(folder) == before


def test_moved_examples_are_the_same(finished, tiny_run, tmp_path):
    folder, _ = finished
    shutil.copytree(tiny_run.examples, tmp_path / "moved")
    opened = [open_examples([path]) for path in (tiny_run.examples, tmp_path / "moved")]
    assert examples_digest(opened[0]) == examples_digest(opened[1])
    again = train([tmp_path / "moved"], folder, TINY, quiet=True)
    assert read_model(again.model).about["version"] == read_model(tiny_run.model).about["version"]


def test_fresh_takes_other_settings_and_leaves_no_old_state(finished, tiny_run, monkeypatch):
    folder, _ = finished
    config = replace(TINY, small_epochs=2, epochs=1, lr=0.01)
    fit = "deepcohort.model.train.fit"

    def killed(network, data, epochs, config, output, label, *rest):
        if label == "cnn":
            raise RuntimeError("killed")
        return original(network, data, epochs, config, output, label, *rest)

    from deepcohort.model.train import fit as original

    monkeypatch.setattr(fit, killed)
    with pytest.raises(RuntimeError, match="killed"):
        train([tiny_run.examples], folder, config, resume=False, quiet=True)
    monkeypatch.setattr(fit, original)
    assert read_config(folder / "train.toml") == config
    # the CNN's state was the old run's: the killed run must be able to go on
    train([tiny_run.examples], folder, config, quiet=True)


def test_the_card_counts_the_seconds_of_all_attempts(finished, tiny_run):
    folder, _ = finished
    seconds = []
    for network in ("small", "cnn"):
        path = checkpoint_path(folder, network)
        saved = torch.load(path, map_location="cpu", weights_only=True)
        seconds.append(saved["deepcohort_cpu_s"])
        saved["deepcohort_cpu_s"] += 7_000.0
        torch.save(saved, path)
    assert 0 < seconds[0] < seconds[1]
    train([tiny_run.examples], folder, TINY, quiet=True)
    (told,) = re.findall(r"(\d+) CPU seconds", (folder / "illumina.md").read_text())
    assert 7_000 + int(seconds[1]) <= int(told) < 7_100


def test_a_checkpoint_of_an_older_deepcohort_is_one_line(finished, tiny_run):
    folder, _ = finished
    path = checkpoint_path(folder, "small")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    del saved["deepcohort_run"]
    torch.save(saved, path)
    with pytest.raises(DeepcohortError, match="made by another deepcohort"):
        train([tiny_run.examples], folder, TINY, quiet=True)


def test_a_setting_of_the_cnn_leaves_the_feature_model_alone(tiny_run, tmp_path):
    config = replace(TINY, batch_norm=False, read_channels=(3,), epochs=1)
    other = read_model(train([tiny_run.examples], tmp_path / "other", config, quiet=True).model)
    mine = read_model(tiny_run.model)
    for name, weights in mine.small.items():
        np.testing.assert_array_equal(weights, other.small[name])


def test_the_card_tells_what_was_tuned(tiny_run, tmp_path):
    config = replace(TINY, epochs=0, small_epochs=1)
    train([tiny_run.examples], tmp_path / "tuned", config, init_from=tiny_run.model, quiet=True)
    version = read_model(tiny_run.model).about["version"]
    assert f"fine-tuned from illumina {version}" in (tmp_path / "tuned" / "illumina.md").read_text()
    assert "fine-tuned" not in (tiny_run.output / "illumina.md").read_text()


@pytest.mark.parametrize("command", ["train", "tune"])
def test_a_wrong_setting_is_told_before_torch_is_loaded(command):
    code = (
        "import sys\n"
        "from importlib import import_module\n"
        "from deepcohort.core.errors import DeepcohortError\n"
        "from typer.testing import CliRunner\n"
        f"app = import_module('deepcohort.cli.{command}').app\n"
        "words = ['--examples', 'e', '--output', 'o', '--set', 'lr=fast', '--set', 'colour=red']\n"
        "done = CliRunner().invoke(app, words)\n"
        "assert isinstance(done.exception, DeepcohortError), done.output\n"
        "assert 'torch' not in sys.modules\n"
        "print(done.exception)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lr is 'fast'" in done.stdout
    assert "'colour' is unknown" in done.stdout
