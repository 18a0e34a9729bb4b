"""The commands train and tune: options passed on, and one run for real by the command line."""

from types import SimpleNamespace

from deepcohort.model.config import TrainConfig, write_config
from model_builders import TINY, write_tiny
from typer.testing import CliRunner


def test_train_passes_its_options_on(tmp_path, monkeypatch):
    import deepcohort.model.train as library
    from deepcohort.cli.train import app

    seen = {}

    def fake(examples, output, settings, name, init_from, resume, quiet, natural):
        seen.update(examples=examples, natural=natural, settings=settings, name=name, resume=resume)
        return SimpleNamespace(model="m", metrics={"cascade": {"errors": 1, "examples": 2}})

    monkeypatch.setattr(library, "train", fake)
    write_config(tmp_path / "c.toml", TINY)
    words = ["--examples", "a", "--examples", "b", "--output", "o", "--config", tmp_path / "c.toml"]
    words += ["--set", "lr=0.5", "--set", "loss=focal", "--name", "mine", "--fresh", "--natural", "n"]
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    assert [str(e) for e in seen["examples"]] == ["a", "b"]
    assert (seen["settings"].lr, seen["settings"].loss, seen["settings"].seed) == (0.5, "focal", TINY.seed)
    assert (seen["name"], seen["resume"]) == ("mine", False)
    assert [str(n) for n in seen["natural"]] == ["n"]


def test_train_for_real(tmp_path):
    from deepcohort.cli.train import app

    write_config(tmp_path / "c.toml", TINY)
    examples = write_tiny(tmp_path / "ex", 200)
    words = ["--examples", examples, "--output", tmp_path / "o", "--config", tmp_path / "c.toml"]
    words += ["--set", "epochs=1", "--set", "small_epochs=1"]
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "o" / "illumina.dcmodel").exists()


def test_tune_passes_its_options_on(tmp_path, monkeypatch):
    import deepcohort.model.tune as library
    from deepcohort.cli.tune import app

    seen = {}

    def fake(examples, output, trials, settings, network, storage, quiet, full):
        seen.update(trials=trials, settings=settings, network=network, storage=storage, full=full)
        return SimpleNamespace(trial=3, loss=0.5)

    monkeypatch.setattr(library, "tune", fake)
    words = ["--examples", "a", "--output", "o", "--trials", 7, "--network", "small", "--set", "epochs=2"]
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    assert "trial 3" in done.output
    assert (seen["trials"], seen["network"], seen["settings"].epochs) == (7, "small", 2)
    assert seen["full"].epochs == TrainConfig().epochs
