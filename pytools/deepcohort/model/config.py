"""Everything that decides a training run, as one frozen value that is read from and written to TOML."""

import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from math import inf
from pathlib import Path
from typing import Any

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.text import text_of
from deepcohort.model.types import DEVICES

OPTIMISERS = ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw")
DECAYS = ("none", "linear", "exponential", "cosine")
ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid")
INITIALISATIONS = ("default", "normal", "uniform", "glorot")
LOSSES = ("cross_entropy", "class_weighted", "focal", "log2", "log3")
CALIBRATIONS = ("none", "temperature", "isotonic")
PRECISIONS = ("32", "bf16")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run: networks, optimisation, data, bookkeeping. Rates are per step unless named.

    Attributes:
        read_channels: filters of the convolutions along each read, before reads are mixed.
        site_channels: filters of the convolutions along positions, after reads are pooled.
        feature_units, head_units: width of the feature branch and of the head.
        small_units: widths of the small feature model's hidden layers.
        activation, batch_norm, dropout, initialisation: as named.
        initial_scale: standard deviation (normal) or half width (uniform) of initial weights.
        loss: cross_entropy, class_weighted, focal, log2 (squared -log p) or log3 (cubed).
        focal_gamma: exponent of the focal loss. label_smoothing: mass spread over all classes.
        class_weights: for class_weighted; empty = inverse square root of class frequency.
        optimiser, lr, momentum, l1, l2: l2 is decoupled weight decay with adamw.
        decay: schedule over the whole run, down to final_lr_fraction of lr, after warmup_steps.
        batch_size, epochs: of the CNN. small_batch_size, small_epochs: of the feature model.
        ema: decay of the exponential moving average of weights, 0 = none.
        clip_gradient: largest gradient norm, 0 = none.
        patience: epochs without better validation loss before stopping, 0 = never stop early.
        one_strand_share: share kept, in every part, of absent SNPs whose three or more ALT reads all lie
            on one strand. Simulations make them to be known, far more than nature does; unthinned,
            true heterozygous sites that chance reads from one strand are called absent.
        negative_share: share of label 0 in training, by leaving out some; 0 = as they come.
        flip_share: share of training's SNPs that each epoch shows from the reference's other strand.
        validation_share, test_share: of stretches of genome; test is never seen in training or tuning.
        calibration: how validation corrects probabilities.
        settle_error: share of sites settled by features alone that the CNN would have got right instead.
        precision: 32 or bf16 (mixed). devices: of one machine; more than one trains by DDP.
        device: auto, cpu or cuda. threads: of the CPU, 0 = all.
        seed: of weights, order and dropout.
    """

    read_channels: tuple[int, ...] = (16, 24, 32)
    site_channels: tuple[int, ...] = (64, 64)
    feature_units: int = 64
    head_units: int = 96
    small_units: tuple[int, ...] = (64, 48)
    activation: str = "relu"
    batch_norm: bool = True
    dropout: float = 0.1
    initialisation: str = "default"
    initial_scale: float = 0.05
    loss: str = "cross_entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()
    optimiser: str = "adamw"
    lr: float = 2.0e-3
    momentum: float = 0.9
    l1: float = 0.0
    l2: float = 1.0e-3
    decay: str = "cosine"
    final_lr_fraction: float = 0.02
    warmup_steps: int = 100
    batch_size: int = 128
    small_batch_size: int = 512
    epochs: int = 8
    small_epochs: int = 20
    ema: float = 0.998
    clip_gradient: float = 1.0
    patience: int = 0
    one_strand_share: float = 1.0
    negative_share: float = 0.0
    flip_share: float = 0.0
    validation_share: float = 0.08
    test_share: float = 0.08
    calibration: str = "temperature"
    settle_error: float = 5.0e-4
    precision: str = "32"
    device: str = "auto"
    devices: int = 1
    threads: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InputProblems(problems)


def _problems(c: TrainConfig) -> list[str]:
    out = []
    for name, allowed in (
        ("optimiser", OPTIMISERS),
        ("decay", DECAYS),
        ("activation", ACTIVATIONS),
        ("initialisation", INITIALISATIONS),
        ("loss", LOSSES),
        ("calibration", CALIBRATIONS),
        ("precision", PRECISIONS),
        ("device", DEVICES),
    ):
        if getattr(c, name) not in allowed:
            out.append(f"training setting {name} is '{getattr(c, name)}'; choose from {', '.join(allowed)}")
    for name, low, high in (
        ("lr", 1e-8, 10.0),
        ("momentum", 0.0, 0.9999),
        ("dropout", 0.0, 0.95),
        ("label_smoothing", 0.0, 0.5),
        ("ema", 0.0, 0.999999),
        ("l1", 0.0, 1.0),
        ("l2", 0.0, 1.0),
        ("one_strand_share", 0.0, 1.0),
        ("negative_share", 0.0, 0.99),
        ("flip_share", 0.0, 1.0),
        ("validation_share", 0.005, 0.5),
        ("test_share", 0.0, 0.5),
        ("final_lr_fraction", 0.0, 1.0),
        ("batch_size", 1, 1_000_000),
        ("small_batch_size", 1, 1_000_000),
        ("epochs", 0, 100_000),
        ("small_epochs", 1, 100_000),
        ("devices", 1, 1_024),
        ("feature_units", 0, 1_000_000),
        ("head_units", 1, 1_000_000),
        ("initial_scale", 0.0, 100.0),
        ("focal_gamma", 0.0, 100.0),
        ("clip_gradient", 0.0, 1e9),
        ("settle_error", 0.0, 1.0),
        ("warmup_steps", 0, 1_000_000_000),
        ("patience", 0, 100_000),
        ("threads", 0, 100_000),
        ("seed", 0, 2**32 - 1),
    ):
        if not low <= getattr(c, name) <= high:
            out.append(f"training setting {name} is {getattr(c, name)}; it must lie in {low} to {high}")
    if len(c.read_channels) < 1 or min((*c.read_channels, *c.site_channels, *c.small_units, 1)) < 1:
        out.append("training settings read_channels, site_channels and small_units must be positive widths")
    if c.class_weights and not (len(c.class_weights) == 3 and all(0 < w < inf for w in c.class_weights)):
        out.append("training setting class_weights needs three numbers above 0 (0, 1, 2 copies)")
    return out


def config_from_dict(values: dict[str, Any], base: TrainConfig | None = None) -> TrainConfig:
    """A config from plain values over `base`; unknown names and wrong types are all reported together.

    Raises:
        InputProblems: names or types that do not fit, or values out of range.
    """
    known = {f.name: f for f in fields(TrainConfig)}
    defaults = TrainConfig()
    problems = []
    clean: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            problems.append(f"training setting '{name}' is unknown; see: deepcohort train --help")
            continue
        default = getattr(defaults, name)
        if isinstance(default, tuple):
            kinds = (int, float) if name == "class_weights" else (int,)  # the others are widths
            if not isinstance(value, list | tuple) or not all(type(v) in kinds for v in value):
                numbers = "numbers" if name == "class_weights" else "whole numbers"
                problems.append(f"training setting {name} must be a list of {numbers}, not {value!r}")
                continue
            clean[name] = tuple(value)
        elif isinstance(default, bool) or isinstance(value, bool):
            if not (isinstance(default, bool) and isinstance(value, bool)):
                problems.append(f"training setting {name} is {value!r}; expected {type(default).__name__}")
                continue
            clean[name] = value
        elif isinstance(default, float) and isinstance(value, int | float):
            clean[name] = float(value)
        elif isinstance(value, type(default)):
            clean[name] = value
        else:
            problems.append(f"training setting {name} is {value!r}; expected {type(default).__name__}")
    if problems:
        raise InputProblems(problems)
    return replace(base or defaults, **clean)


def read_config(path: str | Path, base: TrainConfig | None = None) -> TrainConfig:
    """Config from a TOML file (settings at top level or under [train]) or a JSON object, over `base`.

    Raises:
        DeepcohortError: missing or malformed file, or settings that do not fit.
    """
    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"config {path} does not exist")
    text = text_of(path)
    try:
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise DeepcohortError(f"config {path} cannot be read: {error}") from error
    settings = values.get("train", values) if isinstance(values, dict) else values
    if not isinstance(settings, dict):
        raise DeepcohortError(f"config {path} holds no settings by name; see: deepcohort train --help")
    return config_from_dict(settings, base)


def write_config(path: str | Path, config: TrainConfig) -> None:
    """Write `config` as TOML that `read_config` takes."""
    lines = ["[train]"]
    for name, value in asdict(config).items():
        lines.append(f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
    with atomic_outputs(path) as [temporary]:
        temporary.write_text("\n".join(lines) + "\n")
