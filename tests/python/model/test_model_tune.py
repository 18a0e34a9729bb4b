"""The search itself: workers that share a study, a kill, a hopeless trial, the figures that come out."""

import math
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.config import read_config, write_config
from deepcohort.model.tune import suggest, tune
from model_builders import TINY, write_tiny
from optuna.trial import TrialState

COMMAND = Path(sys.executable).with_name("deepcohort")
QUICK = replace(TINY, small_epochs=3)
DEADLINE_S = 400


def trials_of(folder):
    """All trials of the study in `folder`, whatever became of them."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{folder / 'study.db'}"
    return optuna.load_study(study_name="deepcohort", storage=storage).get_trials()


def drawn(trial):
    """A trial's settings, values as text."""
    return tuple(sorted((k, repr(v)) for k, v in trial.params.items()))


def start(examples, study, settings, trials):
    words = ["tune", "--examples", examples, "--output", study, "--config", settings, "--trials", trials]
    words += ["--network", "small", "--quiet"]
    return subprocess.Popen(
        [COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A study that two processes made together, started at the same moment in an empty folder."""
    root = tmp_path_factory.mktemp("searched")
    examples = write_tiny(root / "examples", 300)
    write_config(root / "c.toml", QUICK)
    workers = [start(examples, root / "study", root / "c.toml", 5) for _ in range(2)]
    ends = [worker.communicate(timeout=DEADLINE_S) for worker in workers]
    for worker, (out, err) in zip(workers, ends, strict=True):
        assert worker.returncode == 0, out + err
    return SimpleNamespace(examples=examples, study=root / "study", settings=root / "c.toml")


@pytest.mark.nightly
def test_two_workers_share_one_study(searched):
    trials = trials_of(searched.study)
    assert [t.number for t in trials] == list(range(10))
    assert {t.state for t in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert len({drawn(t) for t in trials}) == 10  # neither repeats the other's draws
    # the best of both is the file that train takes
    best = min((t for t in trials if t.state == TrialState.COMPLETE), key=lambda t: t.value)
    assert read_config(searched.study / "best.toml") == suggest(optuna.trial.FixedTrial(best.params), QUICK)
    assert len((searched.study / "trials.tsv").read_text().splitlines()) == 11


@pytest.mark.nightly
def test_a_killed_search_goes_on(searched, monkeypatch):
    before = trials_of(searched.study)
    killed = start(searched.examples, searched.study, searched.settings, 1_000)
    deadline = time.monotonic() + DEADLINE_S
    while len(trials_of(searched.study)) < len(before) + 2:
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    left = trials_of(searched.study)
    monkeypatch.setattr("deepcohort.model.tune._HEARTBEAT_S", 1)
    time.sleep(3)
    result = tune([searched.examples], searched.study, 1, QUICK, "small", quiet=True)
    after = trials_of(searched.study)
    assert len(after) == len(left) + 1
    assert [(t.state, t.value, t.params) for t in after[:10]] == [
        (t.state, t.value, t.params) for t in before
    ]
    assert not [t for t in after if t.state == TrialState.RUNNING]  # what the kill struck counts as failed
    assert sum(t.state == TrialState.FAIL for t in after) <= 1
    assert len({drawn(t) for t in after if t.params}) == sum(bool(t.params) for t in after)
    done = [t for t in after if t.state == TrialState.COMPLETE]
    assert (result.loss, result.trial) == min((t.value, t.number) for t in done)


@pytest.mark.nightly
def test_the_plot_of_importance_shows_every_setting(searched):
    from matplotlib import image

    lines = (searched.study / "importance.tsv").read_text().splitlines()
    importance = {name: float(value) for name, value in (line.split("\t") for line in lines[1:])}
    assert {"lr", "optimiser", "loss", "batch_size", "decay", "l1", "l2", "dropout"} <= set(importance)
    assert list(importance.values()) == sorted(importance.values(), reverse=True)
    assert sum(importance.values()) == pytest.approx(1, abs=0.01)
    picture = image.imread(searched.study / "importance.png")[..., :3]
    blue = (picture[..., 2] > picture[..., 0] + 0.3).any(axis=1)  # rows of pixels that a bar crosses
    bars = int((np.diff(blue.astype(int)) == 1).sum())
    assert bars >= sum(value > 0.02 for value in importance.values())


def finished(base, number, values, **settings):
    """A trial as if run before: drawn at random but for `settings`, losses `values` by epoch."""
    rng = optuna.samplers.RandomSampler(seed=number)
    study = optuna.create_study(sampler=rng)
    trial = study.ask()
    suggest(trial, base)
    if "lr" in settings and "lr" not in trial.params:  # drawn with Adadelta, which has rates of its own
        settings = {**settings, "optimiser": "sgd"}
        trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    params = {**trial.params, **settings}
    kept = {k: v for k, v in trial.distributions.items() if k in params}
    return optuna.trial.create_trial(
        state=TrialState.COMPLETE,
        params={k: params[k] for k in kept},
        distributions=kept,
        value=min(values),
        intermediate_values=dict(enumerate(values)),
    )


def filled(folder, trials):
    """A study in `folder` that holds `trials`."""
    folder.mkdir()
    study = optuna.create_study(
        study_name="deepcohort", storage=f"sqlite:///{folder / 'study.db'}", direction="minimize"
    )
    study.add_trials(trials)
    return study


def test_a_hopeless_trial_is_pruned(tmp_path):
    """Beside trials whose loss was nil from the start, any trial is hopeless after its second epoch."""
    examples = write_tiny(tmp_path / "examples", 300)
    filled(tmp_path / "study", [finished(QUICK, n, [1e-9] * 3) for n in range(5)])
    result = tune([examples], tmp_path / "study", 1, replace(QUICK, small_epochs=8), "small", quiet=True)
    *_, last = trials_of(tmp_path / "study")
    assert last.state == TrialState.PRUNED
    assert max(last.intermediate_values) <= 1  # not all eight epochs
    assert result.trial < 5
    log = tmp_path / "study" / "trials" / "0005" / "logs" / "small" / "attempt_00" / "metrics.csv"
    epochs = {line.split(",")[0] for line in log.read_text().splitlines()[1:]}
    assert len(epochs) <= 2


def test_importance_finds_what_matters(tmp_path):
    from deepcohort.model.tune import _conclude

    rng = np.random.default_rng(1)
    rates = 10 ** rng.uniform(-4, -1, 60)
    losses = [abs(math.log10(rate) + 2.5) for rate in rates]
    trials = [
        finished(QUICK, n, [loss], lr=rate) for n, (rate, loss) in enumerate(zip(rates, losses, strict=True))
    ]
    full = replace(QUICK, epochs=9, small_epochs=1)
    result = _conclude(filled(tmp_path / "study", trials), QUICK, tmp_path / "study", full)
    lines = (tmp_path / "study" / "importance.tsv").read_text().splitlines()
    assert lines[1].split("\t")[0] == "lr"
    assert float(lines[1].split("\t")[1]) > 0.5
    assert result.loss == min(losses)
    best = read_config(tmp_path / "study" / "best.toml")
    assert best.lr == pytest.approx(rates[int(np.argmin(losses))])
    # what was searched with few epochs is trained with as many as were meant, and never with fewer
    assert (best.epochs, best.small_epochs) == (9, QUICK.small_epochs)


@pytest.mark.parametrize(
    "values",
    [
        {"dropout": 0.1},
        {"dropout": 0.25},
        {"dropout": 0.5},
        {"dropout": 0.75},
        {"l1": 0.01},
        {"l1": 0.001},
        {"l2": 0.01},
        {"l2": 0.001},
        {"lr": 0.1},
        {"lr": 0.0001},
        {"optimiser": "adadelta", "lr": 1.0},
        {"activation": "sigmoid"},
        {"momentum": 0.95},
    ],
    ids=str,
)
def test_the_usual_table_can_be_reached(values):
    """Each value lies in what is searched: Optuna warns of values beyond a distribution, here an error."""
    optimiser = values.get("optimiser", "sgd")
    params = finished(QUICK, 1, [1.0], optimiser=optimiser, loss="log2").params
    params.pop("lr", None)
    params["lr_adadelta" if optimiser == "adadelta" else "lr"] = values.get("lr", 0.05)
    params |= {k: v for k, v in values.items() if k != "lr"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config = suggest(optuna.trial.FixedTrial(params), QUICK)
    assert {k: getattr(config, k) for k in values} == values


def test_a_study_of_other_choices_is_one_line(tmp_path):
    examples = write_tiny(tmp_path / "examples", 200)
    old = finished(QUICK, 0, [1.0])
    choices = optuna.distributions.CategoricalDistribution(("relu", "tanh"))
    trial = optuna.trial.create_trial(
        state=TrialState.COMPLETE,
        params={**old.params, "activation": "relu"},
        distributions={**old.distributions, "activation": choices},
        value=1.0,
    )
    filled(tmp_path / "study", [trial])
    with pytest.raises(DeepcohortError, match="searched other values; name another --output"):
        tune([examples], tmp_path / "study", 1, QUICK, "small", quiet=True)


def test_a_search_repeats_by_its_seed(tmp_path):
    examples = write_tiny(tmp_path / "examples", 200)
    config = replace(QUICK, small_epochs=1)
    for name in ("one", "two"):
        tune([examples], tmp_path / name, 1, config, "small", quiet=True)
    tune([examples], tmp_path / "two", 1, config, "small", quiet=True)
    (one,), (two, second) = trials_of(tmp_path / "one"), trials_of(tmp_path / "two")
    assert (one.params, one.value) == (two.params, two.value)
    assert drawn(second) != drawn(two)  # a search that goes on does not begin anew


@pytest.mark.parametrize("storage", ["nonsense", "nodatabase://x/y", "sqlite:////no/such/folder/study.db"])
def test_a_storage_that_does_not_work_is_one_line(tmp_path, monkeypatch, storage):
    monkeypatch.setattr("deepcohort.model.tune._OPENINGS", 2)
    examples = write_tiny(tmp_path / "examples", 200)
    with pytest.raises(DeepcohortError, match=r"study .* cannot be used: .*--storage") as caught:
        tune([examples], tmp_path / "study", 1, QUICK, "small", storage=storage, quiet=True)
    assert "\n" not in str(caught.value)


def test_a_damaged_study_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("deepcohort.model.tune._OPENINGS", 2)
    examples = write_tiny(tmp_path / "examples", 200)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.db").write_bytes(os.urandom(20_000))
    with pytest.raises(DeepcohortError, match="not a database"):
        tune([examples], tmp_path / "study", 1, QUICK, "small", quiet=True)
