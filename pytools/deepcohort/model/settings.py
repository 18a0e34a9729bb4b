"""Settings of a training run, from a file, an older model and the command line."""

import json
from dataclasses import asdict
from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.names import name_problem
from deepcohort.model.archive import read_model
from deepcohort.model.config import TrainConfig, config_from_dict, read_config


def check_name(name: str) -> None:
    """See that a model can be called `name`, which its files are called after ("": as its platform).

    Raises:
        DeepcohortError: it cannot.
    """
    problem = name_problem(name) if name else None
    if problem is None and "/" in name:
        problem = "holds a /; it names files in the output folder"
    if problem:
        raise DeepcohortError(f"the model's name {name[:40]!r} {problem}; give another --name")


def settings_from(
    path: str | Path | None,
    init_from: str | Path | None,
    assignments: list[str],
    base: TrainConfig | None = None,
) -> TrainConfig:
    """Config of a run: a file's settings (over `base`) or the old model's, then NAME=VALUE texts.

    Raises:
        DeepcohortError: files or settings that do not fit.
    """
    base = base or TrainConfig()
    if path is not None:
        base = read_config(path, base)
    elif init_from is not None:
        base = config_from_dict(read_model(init_from).about["train"])
    values = asdict(base)
    for text in assignments:
        name, sign, value = text.partition("=")
        if not sign:
            raise DeepcohortError(f"--set {text} is not NAME=VALUE")
        try:
            values[name.strip()] = json.loads(value)
        except ValueError:
            values[name.strip()] = value.strip()
    return config_from_dict(values)
