"""Training settings: files in and out, and problems reported together."""

import pytest
from deepcohort.cli.train import app
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.model.config import (
    TrainConfig,
    config_from_dict,
    read_config,
    write_config,
)
from deepcohort.model.settings import settings_from
from model_builders import TINY
from typer.testing import CliRunner


def test_toml_round_trip(tmp_path):
    write_config(tmp_path / "a.toml", TINY)
    assert read_config(tmp_path / "a.toml") == TINY


def test_json_and_bare_settings(tmp_path):
    (tmp_path / "a.json").write_text('{"lr": 1, "read_channels": [4, 4], "batch_norm": false}')
    config = read_config(tmp_path / "a.json")
    assert (config.lr, config.read_channels, config.batch_norm) == (1.0, (4, 4), False)
    (tmp_path / "b.toml").write_text("lr = 0.5\n")
    assert read_config(tmp_path / "b.toml").lr == 0.5


def test_all_problems_are_told_together():
    with pytest.raises(InputProblems) as caught:
        config_from_dict({"lrr": 1, "epochs": "many", "batch_norm": 1, "read_channels": 3})
    assert len(caught.value.problems) == 4
    with pytest.raises(InputProblems) as caught:
        TrainConfig(optimiser="lion", loss="l1", dropout=2.0)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "settings",
    [
        {"read_channels": [8.5, 16]}, {"read_channels": [True]}, {"threads": -1}, {"seed": -1},
        {"seed": 2**62}, {"feature_units": -4}, {"head_units": 0}, {"patience": -1},
        {"focal_gamma": float("nan")}, {"class_weights": [-1, 1, 1]}, {"clip_gradient": -1.0},
        {"settle_error": float("nan")}, {"initial_scale": -1.0}, {"warmup_steps": -5},
    ],
)  # fmt: skip
def test_settings_that_training_could_not_meet(settings):
    with pytest.raises(InputProblems, match=next(iter(settings))):
        config_from_dict(settings)


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "[1]"), ("b.toml", "train = 5\n"), ("c.json", '{"train": [1]}')]
)
def test_files_without_settings(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(DeepcohortError, match="holds no settings by name"):
        read_config(tmp_path / name)


@pytest.mark.parametrize("name", ["../x", "a/b", "x\ny", " x", "x" * 129])
def test_a_model_is_not_trained_under_a_name_that_no_file_has(tmp_path, name):
    command = ["--examples", "e", "--output", str(tmp_path / "o"), "--name", name]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, DeepcohortError)
    assert "give another --name" in str(done.exception)
    assert not (tmp_path / "o").exists()


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DeepcohortError, match="does not exist"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "a.toml").write_text("lr = = 3")
    with pytest.raises(DeepcohortError, match="cannot be read"):
        read_config(tmp_path / "a.toml")


def test_assignments_go_over_the_file(tmp_path):
    write_config(tmp_path / "a.toml", TINY)
    config = settings_from(tmp_path / "a.toml", None, ["lr=0.25", "loss=focal", "read_channels=[3]"])
    assert (config.lr, config.loss, config.read_channels, config.seed) == (0.25, "focal", (3,), TINY.seed)
    with pytest.raises(DeepcohortError, match="NAME=VALUE"):
        settings_from(None, None, ["lr"])
