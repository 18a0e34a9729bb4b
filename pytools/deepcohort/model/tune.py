"""Hyperparameter search with Optuna: SQLite storage, resumable, pruned; the best config as a file."""

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytorch_lightning as pl
import torch
from optuna.exceptions import StorageInternalError
from pytorch_lightning.callbacks import Callback
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from torch import nn

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs, disk_full_as_error
from deepcohort.model import config as choices
from deepcohort.model.config import TrainConfig, config_from_dict, write_config
from deepcohort.model.data import ExampleData
from deepcohort.model.lit import GenotypeModule
from deepcohort.model.net import FeatureNet, PileupNet
from deepcohort.model.train import fit, prepare, standardise
from deepcohort.pileup.features import N_FEATURES
from deepcohort.pileup.shards import ExampleSet, open_examples

_HEARTBEAT_S = 60
_FEW_TRIALS = 20  # of which importances are noise
_OPENINGS = 10  # tries to open a study while others make it
# Widths are searched as named sizes: Optuna's distributions hold scalars.
_SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "small": ((8, 16, 24), (48, 48)),
    "medium": ((16, 24, 32), (64, 64)),
    "large": ((24, 32, 48), (96, 96)),
}


@dataclass(frozen=True, slots=True)
class TuneResult:
    """Best trial: its number, validation loss, and config."""

    trial: int
    loss: float
    config: TrainConfig


def suggest(trial: optuna.Trial, base: TrainConfig) -> TrainConfig:
    """A config drawn from the field's usual table, over `base` for all that is not searched."""
    optimiser = trial.suggest_categorical("optimiser", choices.OPTIMISERS)
    loss = trial.suggest_categorical("loss", choices.LOSSES)
    size = trial.suggest_categorical("size", tuple(_SIZES))
    values: dict[str, Any] = {
        **asdict(base),
        "optimiser": optimiser,
        "loss": loss,
        "lr": _learning_rate(trial, optimiser),
        "batch_size": trial.suggest_categorical("batch_size", (64, 128, 256, 512)),
        "momentum": trial.suggest_float("momentum", 0.5, 0.99),
        "initialisation": trial.suggest_categorical("initialisation", choices.INITIALISATIONS),
        "batch_norm": trial.suggest_categorical("batch_norm", (True, False)),
        "decay": trial.suggest_categorical("decay", choices.DECAYS),
        "activation": trial.suggest_categorical("activation", choices.ACTIVATIONS),
        "dropout": trial.suggest_float("dropout", 0.0, 0.8),
        "l1": trial.suggest_float("l1", 1e-8, 1e-2, log=True),
        "l2": trial.suggest_float("l2", 1e-6, 1e-1, log=True),
        "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.1),
        "ema": trial.suggest_categorical("ema", (0.0, 0.99, 0.998)),
        "read_channels": _SIZES[size][0],
        "site_channels": _SIZES[size][1],
    }
    values["small_batch_size"] = values["batch_size"]
    if loss == "focal":
        values["focal_gamma"] = trial.suggest_float("focal_gamma", 0.5, 4.0)
    return config_from_dict(values)


def _learning_rate(trial: optuna.Trial, optimiser: str) -> float:
    """Adadelta's steps are shares of those before: its rates lie two orders of magnitude above others'."""
    if optimiser == "adadelta":
        return trial.suggest_float("lr_adadelta", 1e-2, 1e1, log=True)
    return trial.suggest_float("lr", 1e-4, 1e-1, log=True)


class _Report(Callback):
    """Tells Optuna the validation loss of each epoch; stops a trial that is clearly behind."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial
        self.loss = float("inf")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loss = float(trainer.callback_metrics.get("val_loss", float("nan")))
        if loss != loss:  # diverged: no number to compare
            raise optuna.TrialPruned
        self.loss = min(self.loss, loss)
        self.trial.report(loss, trainer.current_epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def tune(
    examples: Sequence[str | Path],
    output: str | Path,
    trials: int = 30,
    config: TrainConfig | None = None,
    network: str = "cnn",
    study_name: str = "deepcohort",
    storage: str | None = None,
    quiet: bool = False,
    full: TrainConfig | None = None,
) -> TuneResult:
    """Run `trials` more trials of the study in `output`, and write best.toml and importance.png.

    `network`: cnn or small. `storage`: the URL of a database, default SQLite in `output`; several
    processes may share it (each adds its own trials). The study goes on where it stopped; a trial that
    was killed counts as failed once it has been silent for two minutes. `full`: where the search trains
    for fewer epochs than is meant, the config whose epochs best.toml gets.

    Raises:
        DeepcohortError: examples, storage or settings that do not fit, no trial that finished, or a full
            disk (finished trials stay in the study).
    """
    base = config or TrainConfig()

    def begin(folder: Path) -> Callable[[optuna.Trial], float]:
        prepare(base)
        return _objective(open_examples(examples), base, network, folder, quiet)

    return run_study(begin, base, output, trials, study_name, storage, full)


def run_study(
    begin: Callable[[Path], Callable[[optuna.Trial], float]],
    base: TrainConfig,
    output: str | Path,
    trials: int,
    study_name: str = "deepcohort",
    storage: str | None = None,
    full: TrainConfig | None = None,
) -> TuneResult:
    """Run `trials` more trials of a study in `output`; `begin` makes what is minimised, given the folder.

    `full`: as in `tune`.

    Raises:
        DeepcohortError: storage that does not fit, no trial that finished, or a full disk.
    """
    output = Path(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepcohortError(f"output folder {output} cannot be made: {error}") from error
    url = storage or f"sqlite:///{(output / 'study.db').resolve()}"
    with disk_full_as_error(output, "free space and run again: the study goes on"):
        objective = begin(output)
        study = _open_study(url, study_name)
        try:
            study.optimize(objective, n_trials=trials)
            return _conclude(study, base, output, full or base)
        except ValueError as error:
            if "dynamic value space" not in str(error):
                raise
            raise DeepcohortError(
                f"study {url} was made by another deepcohort, which searched other values; "
                "name another --output"
            ) from error
        except (SQLAlchemyError, StorageInternalError) as error:
            raise _refused(url, error) from error


def _open_study(url: str, name: str) -> optuna.Study:
    """The study called `name` in the database at `url`, made if it is not there."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    # SQLite has one writer at a time: the others wait for it instead of giving up after 5 s
    connect = {"connect_args": {"timeout": 120}} if url.startswith("sqlite") else {}
    for attempt in range(_OPENINGS):
        try:
            return optuna.create_study(
                study_name=name,
                storage=optuna.storages.RDBStorage(
                    url, engine_kwargs=connect, heartbeat_interval=_HEARTBEAT_S, grace_period=2 * _HEARTBEAT_S
                ),
                load_if_exists=True,
                direction="minimize",
                pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
            )
        except (SQLAlchemyError, StorageInternalError, ImportError) as error:
            # two processes that start together both make the tables: the second finds them next time
            if attempt == _OPENINGS - 1 or isinstance(error, ArgumentError | ImportError):
                raise _refused(url, error) from error
            time.sleep(0.3)
    raise AssertionError("unreachable")


def _refused(url: str, error: BaseException) -> DeepcohortError:
    """One line about a database that does not work, with the database's own reason."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    reason = " ".join(str(cause).split())
    return DeepcohortError(
        f"study {url} cannot be used: {reason}; check --storage, free space, or move it away"
    )


def _sampler(seed: int, number: int) -> optuna.samplers.TPESampler:
    """The sampler of trial `number`: what it draws does not repeat in other processes or after a resume."""
    return optuna.samplers.TPESampler(seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))


def _objective(
    opened: ExampleSet, base: TrainConfig, network: str, output: Path, quiet: bool
) -> Callable[[optuna.Trial], float]:
    small = network == "small"
    data = ExampleData(opened, base, with_pixels=not small)  # decoded once, batched anew per trial

    def make_network(config: TrainConfig) -> nn.Module:
        if small:
            return FeatureNet(config, N_FEATURES)
        return PileupNet(config, opened.config.shape, N_FEATURES)

    return training_objective(make_network, data, base, output, network, quiet)


def training_objective(
    make_network: Callable[[TrainConfig], nn.Module],
    data: Any,
    base: TrainConfig,
    output: Path,
    label: str,
    quiet: bool,
    make_module: Callable[..., GenotypeModule] = GenotypeModule,
) -> Callable[[optuna.Trial], float]:
    """What Optuna minimises: the best validation loss of a training run with the settings it suggests."""

    def objective(trial: optuna.Trial) -> float:
        trial.study.sampler = _sampler(base.seed, trial.number)
        drawn = suggest(trial, base)
        of_trial = data.with_config(drawn)
        torch.manual_seed(base.seed)  # the same weights to start from, whatever ran before
        net = make_network(drawn)
        standardise([net], of_trial, keep=False)
        report = _Report(trial)
        folder = output / "trials" / f"{trial.number:04d}"
        epochs = drawn.small_epochs if label == "small" else drawn.epochs
        fit(
            net, of_trial, epochs, drawn, folder, label, resume=False, quiet=True, callbacks=[report],
            make_module=make_module,
        )  # fmt: skip
        if not quiet:
            print(f"trial {trial.number}: validation loss {report.loss:.5f}", file=sys.stderr, flush=True)
        return report.loss

    return objective


def _conclude(study: optuna.Study, base: TrainConfig, output: Path, full: TrainConfig) -> TuneResult:
    """Write the best config and the figures of a study."""
    done = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    if not done:
        raise DeepcohortError(f"no trial in {output} finished; run more trials or widen the settings")
    best = study.best_trial
    chosen = suggest(optuna.trial.FixedTrial(best.params), base)  # type: ignore[arg-type]
    chosen = replace(
        chosen,
        device=base.device,
        threads=base.threads,
        epochs=max(base.epochs, full.epochs),
        small_epochs=max(base.small_epochs, full.small_epochs),
    )
    write_config(output / "best.toml", chosen)
    with atomic_outputs(output / "trials.tsv") as [temporary]:
        study.trials_dataframe().to_csv(temporary, sep="\t", index=False)
    if len(done) > 1:
        _plot_importance(study, output)
    return TuneResult(best.number, float(best.value or 0.0), chosen)


def _plot_importance(study: optuna.Study, output: Path) -> None:
    """importance.tsv and importance.png: how much each hyperparameter moved the loss."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    try:
        with warnings.catch_warnings():  # that few trials make importances vague
            warnings.simplefilter("ignore", UserWarning)
            importance = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError, ZeroDivisionError):
        return  # too few or identical trials to tell
    rows = sorted(importance.items(), key=lambda item: item[1])
    figure, axes = pyplot.subplots(figsize=(6, 0.3 * len(rows) + 1))
    axes.barh([k.replace("_", " ") for k, _ in rows], [v for _, v in rows])
    n_done = len(study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)))
    vague = ", too few to tell" if n_done < _FEW_TRIALS else ""
    axes.set_xlabel(f"importance for the validation loss ({n_done} finished trials{vague})")
    axes.margins(y=0.01)
    with atomic_outputs(output / "importance.tsv", output / "importance.png") as [table, picture]:
        table.write_text("setting\timportance\n" + "".join(f"{k}\t{v:.5f}\n" for k, v in reversed(rows)))
        figure.savefig(picture, dpi=100, bbox_inches="tight")
    pyplot.close(figure)
