"""Training of both networks, their calibration, and the model file that comes out."""

import hashlib
import io
import logging
import os
import platform as platform_module
import signal
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import nn

import deepcohort
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs, disk_full_as_error
from deepcohort.model.archive import SUFFIX, read_model, write_model
from deepcohort.model.calibrate import mean_nll
from deepcohort.model.card import model_card
from deepcohort.model.config import TrainConfig, write_config
from deepcohort.model.data import ExampleData, split_mask
from deepcohort.model.ensemble import PARTS, Combination, Outputs, combine
from deepcohort.model.lit import GenotypeModule
from deepcohort.model.net import FeatureNet, PileupNet, check_widths, multiply_adds
from deepcohort.model.onnx_export import export_onnx
from deepcohort.model.predictions import Predictions, naive_probabilities, natural_figures
from deepcohort.model.report import training_report
from deepcohort.model.run_state import (
    CpuClock,
    begin,
    checkpoint_path,
    checkpoint_to_resume,
    identify,
    load_weights,
    mark,
    settings_digest,
    stopped_early,
)
from deepcohort.model.settings import check_name
from deepcohort.model.torch_runtime import networks_of
from deepcohort.pileup.config import encoder_signature
from deepcohort.pileup.features import N_FEATURES
from deepcohort.pileup.shards import Examples, ExampleSet, open_examples

_TERMINATED = 128 + signal.SIGTERM
_SMALL_SEED = 1_000_003


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run gave: the model file, and figures of the test set by predictor (small, cnn, both)."""

    model: Path
    metrics: dict[str, dict[str, float]]


def train(
    examples: Sequence[str | Path],
    output: str | Path,
    config: TrainConfig | None = None,
    name: str = "",
    init_from: str | Path | None = None,
    resume: bool = True,
    quiet: bool = False,
    natural: Sequence[str | Path] = (),
) -> TrainResult:
    """Train the feature model and the CNN on folders of examples; write model, card, report and logs.

    A run that was killed goes on from its last checkpoint in `output` (`resume`), and ends as if it
    had never stopped. `init_from`: a model file to fine-tune. `natural`: folders of examples with natural
    class frequencies and qualities, which calibrate (`model.likelihood_pool`) and are not trained on;
    without them the validation part calibrates.

    Raises:
        DeepcohortError: examples or checkpoints that do not fit, settings that cannot be met here, or a full
            disk (the last checkpoint stays whole).
    """
    config = config or TrainConfig()
    check_name(name)
    output = Path(output)
    try:
        (output / "logs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepcohortError(f"output folder {output} cannot be made: {error}") from error
    with disk_full_as_error(output, "free space and run again: training goes on from its last checkpoint"):
        prepare(config)
        opened = open_examples(examples)
        calibrating = _open_natural(natural, opened)
        return _train_networks(opened, calibrating, output, config, name, init_from, resume, quiet)


def _train_networks(
    opened: ExampleSet,
    calibrating: ExampleSet | None,
    output: Path,
    config: TrainConfig,
    name: str,
    init_from: str | Path | None,
    resume: bool,
    quiet: bool,
) -> TrainResult:
    """`train`, its inputs opened."""
    identity = identify(config, opened, init_from)
    # Lightning starts the other processes of DDP as copies of this command: they only join the CNN
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    clock = CpuClock(begin(output, identity, resume) if rank == 0 else 0.0)
    if rank == 0:
        write_config(output / "train.toml", config)
    cnn, small, parent = _start_networks(config, opened, init_from)
    small_data = ExampleData(opened, replace(config, batch_size=config.small_batch_size), with_pixels=False)
    standardise([cnn, small], small_data, keep=init_from is not None)
    if rank == 0:
        alone = replace(config, devices=1)
        small = fit(
            small, small_data, config.small_epochs, alone, output, "small", resume, quiet, (), identity, clock
        )
    data = ExampleData(opened, config)
    cnn = fit(cnn, data, config.epochs, config, output, "cnn", resume, quiet or rank > 0, (), identity, clock)
    if rank > 0:
        raise SystemExit(0)
    return _finish(
        cnn, small, data, config, opened, calibrating, output, name or opened.platform, parent,
        clock.seconds(),
    )  # fmt: skip


def _open_natural(natural: Sequence[str | Path], opened: ExampleSet) -> ExampleSet | None:
    if not natural:
        return None
    found = open_examples(natural)
    if found.config != opened.config or found.platform != opened.platform:
        raise DeepcohortError(
            f"natural examples in {natural[0]} are {found.platform} pileups of {found.config.shape}, "
            f"the others {opened.platform} of {opened.config.shape}; make them with the same settings"
        )
    return found


def prepare(config: TrainConfig) -> None:
    """Set threads, seeds and determinism; quieten what Lightning says to nobody.

    Raises:
        DeepcohortError: a device that is not here.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
    warnings.filterwarnings("ignore", message=".*srun.*")
    if config.device == "cuda" and not torch.cuda.is_available():
        raise DeepcohortError("no CUDA device is usable here; train with device = 'cpu' or 'auto'")
    if config.threads:
        torch.set_num_threads(config.threads)
    # sums on CUDA would otherwise come in any order
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(config.seed)


def _start_networks(
    config: TrainConfig, opened: ExampleSet, init_from: str | Path | None
) -> tuple[PileupNet, FeatureNet, str]:
    """The networks before training, and the name and version of the model that they come from, or ""."""
    torch.manual_seed(config.seed)
    check_widths(config, opened.config.shape)
    cnn = PileupNet(config, opened.config.shape, N_FEATURES)
    # a seed of its own: what the CNN draws, by its settings, must not change the feature model
    torch.manual_seed(config.seed + _SMALL_SEED)
    small = FeatureNet(config, N_FEATURES)
    if init_from is None:
        return cnn, small, ""
    file = read_model(init_from)
    if file.pileup != opened.config:
        raise DeepcohortError(
            f"model {init_from} has pileups of {file.pileup.shape}, the examples {opened.config.shape}; "
            "make the examples with the model's settings"
        )
    old_cnn, old_small = networks_of(file)
    try:
        cnn.load_state_dict(old_cnn.state_dict())
        small.load_state_dict(old_small.state_dict())
    except RuntimeError as error:
        raise DeepcohortError(
            f"model {init_from} has layers of other widths than the config; fine-tune with its own train.toml"
        ) from error
    return cnn, small, f"{file.about['name']} {file.about['version']}"


def standardise(networks: Sequence[nn.Module], data: ExampleData, keep: bool) -> None:
    """Set feature statistics; a fine-tuned model keeps those that its weights were made with."""
    if keep:
        return
    mean = torch.tensor(data.feature_mean, dtype=torch.float32)
    # a constant feature carries nothing: scale 0 instead of dividing by nothing
    scale = torch.tensor(np.where(data.feature_sd > 1e-4, 1.0 / np.maximum(data.feature_sd, 1e-4), 0.0))
    for network in networks:
        network.standardise.mean.copy_(mean)  # type: ignore[union-attr, operator]
        network.standardise.scale.copy_(scale.float())  # type: ignore[union-attr, operator]
        for name, limit in (("low", data.feature_low), ("high", data.feature_high)):
            getattr(network.standardise, name).copy_(torch.tensor(limit, dtype=torch.float32))


class _LastCheckpoint(Callback):
    """Writes the state after every epoch, whole before it takes the place of the one before."""

    def __init__(self, path: Path, identity: Mapping[str, str], clock: CpuClock) -> None:
        self.path, self.identity, self.clock = path, identity, clock

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:  # every rank must take part, rank 0 writes
            trainer.save_checkpoint(self.path)
            return
        with atomic_outputs(self.path) as [temporary]:
            trainer.save_checkpoint(temporary)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        mark(checkpoint, self.identity, self.clock)
        # Lightning counts the epoch as unfinished while its last hooks run, and would repeat it
        progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
        for counts in (progress["current"], progress["total"]):
            counts["completed"] = counts["processed"]


class _Progress(Callback):
    """One line per epoch on stderr."""

    def __init__(self, label: str, epochs: int) -> None:
        self.label, self.epochs = label, epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        import sys

        m = {k: float(v) for k, v in trainer.callback_metrics.items()}
        print(
            f"{self.label}: epoch {trainer.current_epoch + 1} of {self.epochs}, "
            f"loss {m.get('train_loss', 0):.4f}, validation loss {m.get('val_loss', 0):.4f}, "
            f"errors {100 * m.get('val_error', 0):.2f} %",
            file=sys.stderr,
            flush=True,
        )


def fit(
    network: Any,
    data: Any,
    epochs: int,
    config: TrainConfig,
    output: Path,
    label: str,
    resume: bool = True,
    quiet: bool = False,
    callbacks: Sequence[Callback] = (),
    identity: Mapping[str, str] | None = None,
    clock: CpuClock | None = None,
    make_module: Callable[..., GenotypeModule] = GenotypeModule,
) -> Any:
    """Fit `network` for `epochs`; returns its best (averaged) weights, in evaluation mode.

    `data`: batches with `class_counts` and `steps_per_epoch`, as ExampleData. `make_module`: what coats the
    network. Checkpoints are written to output/checkpoints/<label> after every epoch; the last one is never
    removed before the next is whole. They carry `identity` (default: the settings alone) and CPU seconds.

    Raises:
        DeepcohortError: `resume`, and the checkpoint there is damaged or of another identity.
    """
    if epochs == 0:
        return network.eval()
    identity = identity or {"settings": settings_digest(config)}
    last = checkpoint_path(output, label)
    folder = last.parent
    module = make_module(network, config, data.class_counts, epochs * data.steps_per_epoch)
    folder.mkdir(parents=True, exist_ok=True)
    keep: list[Callback] = [_LastCheckpoint(last, identity, clock or CpuClock())]
    if config.patience:
        # both before the epoch's end, where the last checkpoint takes down what they have counted
        best = ModelCheckpoint(
            folder, "best", monitor="val_loss", enable_version_counter=False, save_on_train_epoch_end=False
        )
        keep += [best, EarlyStopping("val_loss", patience=config.patience, check_on_train_epoch_end=False)]
    resumed = checkpoint_to_resume(last, identity) if resume else None
    # CSVLogger empties its folder: each attempt has its own
    attempt = (
        f"attempt_{len(list((output / 'logs' / label).glob('attempt_*'))):02d}" if resumed else "attempt_00"
    )
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[config.device],
        devices=config.devices,
        strategy="ddp" if config.devices > 1 else "auto",
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        gradient_clip_val=config.clip_gradient or None,
        callbacks=[*keep, *callbacks, *([] if quiet else [_Progress(label, epochs)])],
        logger=[
            CSVLogger(str(output / "logs"), label, version=attempt),
            TensorBoardLogger(str(output / "logs"), f"{label}_tensorboard", version=""),
        ],
        enable_checkpointing=bool(config.patience),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        reload_dataloaders_every_n_epochs=1,
        deterministic="warn",
        default_root_dir=str(output),
    )
    try:
        if resumed and config.patience and stopped_early(last):
            load_weights(module, last)
        else:
            trainer.fit(module, datamodule=data, ckpt_path=resumed, weights_only=True)
    except SIGTERMException as stopped:
        # Lightning's own exit status is 0, as if all were well; schedulers know this one and retry
        raise SystemExit(_TERMINATED) from stopped
    if config.patience:
        load_weights(module, folder / "best.ckpt")
    return module.best_network.cpu().eval()


def network_logits(network: nn.Module, data: ExampleData, examples: Examples) -> NDArray[np.float32]:
    """Logits float32 (N, 3) of `examples`."""
    out = []
    with torch.inference_mode():
        for pixels, features, _ in data.batches(examples):
            out.append(network(pixels, features).float().numpy())
    return np.concatenate(out) if out else np.empty((0, 3), np.float32)


def small_weights(small: FeatureNet) -> dict[str, NDArray[np.float32]]:
    """Arrays of small.npz, as model.small wants them."""
    weights = {name: getattr(small.standardise, name) for name in ("mean", "scale", "low", "high")}
    for k, layer in enumerate([*small.hidden, small.out]):
        weights[f"w{k}"], weights[f"b{k}"] = layer.weight, layer.bias  # type: ignore[assignment]
    return {k: v.detach().numpy().astype(np.float32) for k, v in weights.items()}


def _finish(
    cnn: PileupNet,
    small: FeatureNet,
    data: ExampleData,
    config: TrainConfig,
    opened: ExampleSet,
    calibrating: ExampleSet | None,
    output: Path,
    name: str,
    parent: str,
    cpu_s: float,
) -> TrainResult:
    """Calibrate on validation (or natural examples), measure on test, write everything."""
    natural, held_out = _natural_outputs(cnn, small, data, config, calibrating)
    found = combine(
        network_outputs(cnn, small, data, data.validation), config.calibration, config.settle_error, natural
    )
    predictions = _test_predictions(found, network_outputs(cnn, small, data, data.test))
    figures = natural_figures(
        with_naive(predictions), with_naive(_test_predictions(found, held_out)) if held_out else None
    )
    macs = multiply_adds(cnn, opened.config.shape)
    metrics = {part: p.metrics() for part, p in predictions.items()}
    about: dict[str, Any] = {
        "name": name,
        "platform": opened.platform,
        "encoder": encoder_signature(opened.config),
        "pileup": asdict(opened.config),
        "activation": config.activation,
        "train": asdict(config),
        **found.facts(),
        "facts": {
            "multiply_adds": macs,
            "labels": opened.labels,
            "training_examples": sum(data.class_counts),
            "metrics": metrics,
            "natural": _natural_metrics(found, held_out),
            "natural_balance": {"source": figures.source, **figures.by_type},
            "code_version": deepcohort.__version__,
            "torch": torch.__version__,
            "machine": platform_module.machine(),
            "examples": opened.about,
            "init_from": parent,
        },
    }
    weights = io.BytesIO()
    torch.save({"cnn": cnn.state_dict(), "small": small.state_dict()}, weights)
    digest = hashlib.blake2b(digest_size=6)
    for tensor in [*cnn.state_dict().values(), *small.state_dict().values()]:
        digest.update(tensor.numpy().tobytes())
    about["version"] = f"{deepcohort.__version__}-{digest.hexdigest()}"
    card = model_card(about, config, cpu_s)
    path = output / f"{name}{SUFFIX}"
    write_model(
        path, about, export_onnx(cnn, opened.config.shape), small_weights(small), weights.getvalue(),
        (output / "train.toml").read_text(), card,
    )  # fmt: skip
    with atomic_outputs(output / f"{name}.md") as [temporary]:
        temporary.write_text(card)
    training_report(output, name, predictions, about, figures)
    return TrainResult(path, metrics)


def network_outputs(cnn: nn.Module, small: nn.Module, data: ExampleData, examples: Examples) -> Outputs:
    """What both networks say of `examples`."""
    return Outputs(
        network_logits(cnn, data, examples),
        network_logits(small, data, examples),
        examples.features,
        examples.label,
    )


def _natural_outputs(
    cnn: nn.Module, small: nn.Module, data: ExampleData, config: TrainConfig, calibrating: ExampleSet | None
) -> tuple[Outputs | None, Outputs | None]:
    """Outputs on natural examples: those that calibrate, and those held out to measure it."""
    if calibrating is None:
        return None, None
    parts, tests = [], []
    for index in range(len(calibrating.buckets)):
        bucket = calibrating.read_bucket(index)
        parts.append(network_outputs(cnn, small, data, bucket))
        tests.append(split_mask(bucket.stretch, config, "test"))
    joined = Outputs(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("cnn", "small", "features", "label"))
    )
    test = np.concatenate(tests)
    return joined.take(~test), joined.take(test)


def _natural_metrics(found: Combination, held_out: Outputs | None) -> dict[str, dict[str, float]]:
    """Per part: examples, errors and mean -ln p of held-out natural examples, and before pooling."""
    if held_out is None or len(held_out.label) == 0:
        return {}
    plain = replace(found, pools={})
    out = {}
    for part in (*PARTS, "cascade"):
        p, before = found.probabilities(part, held_out), plain.probabilities(part, held_out)
        out[part] = {
            "examples": float(len(p)),
            "errors": float((p.argmax(axis=1) != held_out.label).sum()),
            "nll": mean_nll(p, held_out.label),
            "errors_unpooled": float((before.argmax(axis=1) != held_out.label).sum()),
            "nll_unpooled": mean_nll(before, held_out.label),
        }
    return out


def _test_predictions(found: Combination, test: Outputs) -> dict[str, Predictions]:
    """What the report shows: every part and the cascade on the test set."""
    hard = found.probabilities("small", test).max(axis=1) < found.settle
    share = float(hard.mean() if len(hard) else 0.0)
    return {
        part: Predictions(found.probabilities(part, test), test.label, test.features, share)
        for part in (*PARTS, "cascade")
    }


def with_naive(predictions: dict[str, Predictions]) -> dict[str, Predictions]:
    """`predictions` and, first, what the naive likelihood says of the same examples."""
    any_part = next(iter(predictions.values()))
    naive = Predictions(naive_probabilities(any_part.features), any_part.label, any_part.features)
    return {"naive": naive, **predictions}
