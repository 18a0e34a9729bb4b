"""Hyperparameter search: the caller's study, on simulated loci."""

from collections.abc import Callable
from pathlib import Path

import optuna

from deepcohort.model.config import TrainConfig
from deepcohort.model.train import prepare
from deepcohort.model.tune import TuneResult, run_study, training_objective
from deepcohort.popgen.config import Observation
from deepcohort.popgen.network import LocusModule
from deepcohort.popgen.shards import Simulations
from deepcohort.popgen.train import make_data, make_network, prepare_examples


def tune(
    simulations: Simulations,
    output: str | Path,
    trials: int,
    config: TrainConfig,
    observation: Observation,
    storage: str | None = None,
    quiet: bool = False,
) -> TuneResult:
    """Run `trials` more trials of the study in `output`; see `model.tune.tune`.

    Raises:
        DeepcohortError: simulations, storage or settings that do not fit.
    """

    def begin(folder: Path) -> Callable[[optuna.Trial], float]:
        prepare(config)
        prepared = prepare_examples(simulations, observation)
        data = make_data(prepared, config)
        return training_objective(
            lambda drawn: make_network(prepared, drawn), data, config, folder, "cnn", quiet, LocusModule
        )

    return run_study(begin, config, output, trials, "popgen", storage)
