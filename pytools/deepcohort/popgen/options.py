"""Settings of popgen's commands, from files and NAME=VALUE words."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.text import text_of
from deepcohort.model.config import TrainConfig
from deepcohort.model.settings import settings_from
from deepcohort.popgen.config import Observation, observation_from, train_defaults


def part_of_text(text: str) -> tuple[int, int]:
    """(K, N) of `K/N`: the K-th of N parts.

    Raises:
        DeepcohortError: other text.
    """
    k, sign, n = text.partition("/")
    if not (sign and k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n)):
        raise DeepcohortError(f"--shard {text} is not K/N with K from 1 to N")
    return int(k), int(n)


def settings_of_options(
    unlinked: bool, config: Path | None, set_: Sequence[str] | None, observe: Sequence[str] | None
) -> tuple[TrainConfig, Observation]:
    """Training settings and observation.

    Args:
        unlinked: whether the task has unlinked SNPs, which have other defaults.
        config: TOML with [train] and [observation]. set_, observe: words NAME=VALUE, which go before it.

    Raises:
        DeepcohortError: an unreadable file, unknown names or values.
    """
    own = {} if config is None else _observation_in(config)
    for text in observe or []:
        name, sign, value = text.partition("=")
        if not sign:
            raise DeepcohortError(f"--observe {text} is not NAME=VALUE")
        try:
            own[name.strip()] = json.loads(value)
        except ValueError:
            own[name.strip()] = value.strip()
    return settings_from(config, None, list(set_ or []), train_defaults(unlinked)), observation_from(own)


def _observation_in(config: Path) -> dict[str, Any]:
    if not config.exists():
        raise DeepcohortError(f"config {config} does not exist")
    try:
        return dict(tomllib.loads(text_of(config)).get("observation", {}))
    except ValueError as error:
        raise DeepcohortError(f"config {config} cannot be read: {error}") from error
