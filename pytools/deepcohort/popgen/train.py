"""Training: simulations to a model file, by the training system of the caller's networks."""

import hashlib
import io
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import deepcohort
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs, disk_full_as_error
from deepcohort.model.calibrate import fit_calibration, mean_nll, softmax
from deepcohort.model.config import TrainConfig, write_config
from deepcohort.model.data import ListedBatches
from deepcohort.model.train import fit, prepare, standardise
from deepcohort.popgen.archive import SUFFIX, write_pop_model
from deepcohort.popgen.background import Background, learn_background, taught_contexts
from deepcohort.popgen.card import model_card
from deepcohort.popgen.config import QUANTILES, Encoding, Observation, observation_facts
from deepcohort.popgen.encode import encode_loci, encoding_for
from deepcohort.popgen.misfit import learn_familiar
from deepcohort.popgen.network import LocusModule, LocusNet, export_onnx
from deepcohort.popgen.null import learn_null, log_odds
from deepcohort.popgen.shards import Simulations
from deepcohort.popgen.statistics import statistics
from deepcohort.popgen.tasks import Task, task_facts
from deepcohort.popgen.types import Encoded, Loci

Batch = tuple[Tensor, Tensor, Tensor]  # pixels uint8, features float32, targets float32 (B, 1 + P)
_LEAST = 20  # loci of each class


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a parameter is standardised: log where it spans more than a factor of 20."""

    name: str
    mean: float
    sd: float
    log: bool

    def apply(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Standardised values."""
        v = np.log(np.maximum(values, 1e-30)) if self.log else values.astype(np.float64)
        return np.asarray((v - self.mean) / self.sd)


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run gave: the model file, and metrics of the test part."""

    model: Path
    metrics: dict[str, float]


class LocusData(pl.LightningDataModule):
    """Batches of encoded loci: split by locus, shuffled anew each epoch, mirrored at random."""

    def __init__(
        self,
        examples: Encoded,
        config: TrainConfig,
        n_classes: int,
        scalings: list[Scaling],
        looks: int,
        mirror: bool,
    ) -> None:
        """Split examples.

        Raises:
            DeepcohortError: a class is missing or too small.
        """
        super().__init__()
        self.config, self.mirror = config, mirror
        self.parts = {
            name: examples.take(split(len(examples) // looks, config, name).repeat(looks))
            for name in ("train", "validation", "test")
        }
        self.scalings = scalings
        counts = np.bincount(self.parts["train"].label, minlength=n_classes)
        if counts.min() < _LEAST * looks or not len(self.parts["validation"]):
            raise DeepcohortError(
                f"too few loci to train: {counts.tolist()} by class in the training part, at least "
                f"{_LEAST} of each "
                "are needed; simulate more"
            )
        self.class_counts = tuple(int(c) for c in counts)
        x = self.parts["train"].features.astype(np.float64)
        self.feature_mean, self.feature_sd = x.mean(axis=0), x.std(axis=0)
        # no statistic is cut: one beyond the training loci is misfit, which scan tells
        self.feature_low, self.feature_high = np.full((2, x.shape[1]), [[-1e30], [1e30]])

    def with_config(self, config: TrainConfig) -> "LocusData":
        """The same examples, batched as another config says."""
        import copy

        other = copy.copy(self)
        other.trainer = None
        other.config = config
        return other

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of one epoch, to within one."""
        return max(1, len(self.parts["train"]) // self.config.batch_size)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of the trainer's current epoch."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        rng = np.random.default_rng([self.config.seed, epoch])
        train = self.parts["train"]
        order, size = rng.permutation(len(train)), self.config.batch_size
        mirrored = rng.random(len(train)) < 0.5 if self.mirror else np.zeros(len(train), bool)
        return DataLoader(_Shuffled(self, order, mirrored, size), batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation batches, the same every time."""
        return DataLoader(ListedBatches(self.batches(self.parts["validation"])), batch_size=None)

    def batch(self, examples: Encoded) -> Batch:
        """Tensors of examples."""
        columns = [examples.label.astype(np.float32)]
        columns += [
            s.apply(examples.parameters[:, k]).astype(np.float32) for k, s in enumerate(self.scalings)
        ]
        return (
            torch.from_numpy(np.ascontiguousarray(examples.pixels)),
            torch.from_numpy(np.ascontiguousarray(examples.features)),
            torch.from_numpy(np.stack(columns, axis=1)),
        )

    def batches(self, examples: Encoded, size: int = 128) -> list[Batch]:
        """Examples in order."""
        return [
            self.batch(examples.take(np.arange(s, min(s + size, len(examples)))))
            for s in range(0, len(examples), size)
        ]


class _Shuffled(Dataset[Batch]):
    def __init__(
        self, data: LocusData, order: NDArray[np.int64], mirrored: NDArray[np.bool_], size: int
    ) -> None:
        self._data, self._order, self._mirrored, self._size = data, order, mirrored, size

    def __len__(self) -> int:
        return max(1, len(self._order) // self._size)

    def __getitem__(self, index: int) -> Batch:
        rows = self._order[index * self._size : (index + 1) * self._size]
        pixels, features, targets = self._data.batch(self._data.parts["train"].take(rows))
        flip = torch.from_numpy(self._mirrored[rows])
        pixels[flip] = pixels[flip].flip(-1)
        return pixels, features, targets


def split(n: int, config: TrainConfig, part: str) -> NDArray[np.bool_]:
    """Which loci belong to `part`: by a fixed hash of their number, the seed changes nothing."""
    place = (np.arange(n, dtype=np.uint64) * np.uint64(2_654_435_761) % np.uint64(1_000_003)).astype(
        float
    ) / 1_000_003
    test = place < config.test_share
    validation = ~test & (place < config.test_share + config.validation_share)
    return {"test": test, "validation": validation, "train": ~test & ~validation}[part]


def scalings_of(names: tuple[str, ...], parameters: NDArray[np.float32]) -> tuple[list[int], list[Scaling]]:
    """Parameters worth estimating (columns that vary), and how each is standardised."""
    columns, found = [], []
    for k, name in enumerate(names):
        v = parameters[:, k].astype(np.float64)
        v = v[np.isfinite(v)]
        if len(v) < _LEAST or v.std() <= 1e-9 * max(abs(v.mean()), 1e-30):
            continue
        log = bool(v.min() > 0 and v.max() / v.min() > 20)
        w = np.log(v) if log else v
        columns.append(k)
        found.append(Scaling(name, float(w.mean()), float(w.std()), log))
    return columns, found


@dataclass(frozen=True, slots=True)
class Prepared:
    """Simulations encoded for training."""

    simulations: Simulations
    loci: Loci
    encoding: Encoding
    observation: Observation
    examples: Encoded
    scalings: list[Scaling]
    statistics: int
    background: Background | None


def prepare_examples(simulations: Simulations, observation: Observation, limit: int = 0) -> Prepared:
    """Encode simulations (the first `limit`, 0 = all).

    Raises:
        DeepcohortError: all of one class.
    """
    task, loci = simulations.task, simulations.read()
    if len(set(loci.label.tolist())) < 2:
        raise DeepcohortError(f"{simulations.folder} holds loci of one class only; simulate more")
    if limit and limit < len(loci):
        loci = first_loci(loci, limit)
    encoding = encoding_for(loci, task.unlinked_snps > 0, task.locus_bp, task.unlinked_snps)
    examples = encode_loci(loci, encoding, observation)
    columns, scalings = scalings_of(task.parameter_names, loci.parameters)
    n_statistics = examples.features.shape[1]
    background, contexts = _contexts(task, examples)
    examples = replace(
        examples,
        parameters=np.ascontiguousarray(examples.parameters[:, columns]),
        features=np.concatenate([examples.features, contexts], axis=1),
    )
    return Prepared(simulations, loci, encoding, observation, examples, scalings, n_statistics, background)


def _contexts(task: Task, examples: Encoded) -> tuple[Background | None, NDArray[np.float32]]:
    """What genomes look like and each locus's context; no columns where the history is always the same."""
    if not task.priors:
        return None, np.empty((len(examples), 0), np.float32)
    names = [name for name in (*[n for n, _ in task.priors], "mutation_rate") if name in task.parameter_names]
    history = examples.parameters[:, [task.parameter_names.index(name) for name in names]]
    seen_as = examples.features[:, :1]  # phased or not: a cohort is one of them
    if seen_as.std() > 0:
        history = np.column_stack([history, seen_as])
    background, contexts = learn_background(examples.features, history, examples.label == 0)
    return background, contexts.astype(np.float32)


def first_loci(loci: Loci, n: int) -> Loci:
    """The first `n` loci."""
    end = int(loci.offsets[n])
    return Loci(
        loci.alleles[:end], loci.positions[:end], loci.offsets[: n + 1], loci.label[:n],
        loci.parameters[:n], loci.seed[:n], loci.rows,
    )  # fmt: skip


def make_network(p: Prepared, config: TrainConfig) -> LocusNet:
    """A fresh network for prepared simulations."""
    return LocusNet(
        config, p.encoding, p.examples.features.shape[1], len(p.simulations.task.labels), len(p.scalings)
    )


def make_data(p: Prepared, config: TrainConfig) -> LocusData:
    """Batches of prepared simulations."""
    n_classes = len(p.simulations.task.labels)
    examples = p.examples
    if p.background is not None:
        training = split(len(examples) // p.observation.looks, config, "train").repeat(p.observation.looks)
        contexts = taught_contexts(
            examples.features[:, p.statistics :].astype(np.float64), training, config.seed
        )
        features = np.concatenate([examples.features[:, : p.statistics], contexts.astype(np.float32)], axis=1)
        examples = replace(examples, features=features)
    return LocusData(examples, config, n_classes, p.scalings, p.observation.looks, not p.encoding.unlinked)


def train(
    simulations: Simulations,
    output: str | Path,
    config: TrainConfig,
    observation: Observation | None = None,
    name: str = "",
    resume: bool = True,
    quiet: bool = False,
    limit: int = 0,
) -> TrainResult:
    """Train a network on simulations; writes model, card, report and logs into `output`.

    A run that was killed goes on from its last checkpoint. `limit`: learn from the first so many loci.

    Raises:
        DeepcohortError: simulations or checkpoints that do not fit, or a full disk.
    """
    output = Path(output)
    try:
        (output / "logs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepcohortError(f"output folder {output} cannot be made: {error}") from error
    with disk_full_as_error(output, "free space and run again: training goes on from its last checkpoint"):
        prepare(config)
        write_config(output / "train.toml", config)
        began = time.process_time()
        prepared = prepare_examples(simulations, observation or Observation(), limit)
        network = make_network(prepared, config)
        data = make_data(prepared, config)
        standardise([network], data, keep=False)  # type: ignore[arg-type]
        network = fit(
            network, data, config.epochs, config, output, "cnn", resume, quiet, make_module=LocusModule
        )
        return _finish(
            network,
            prepared,
            data,
            config,
            output,
            name or simulations.task.name,
            time.process_time() - began,
        )


def _finish(
    network: LocusNet,
    p: Prepared,
    data: LocusData,
    config: TrainConfig,
    output: Path,
    name: str,
    cpu_s: float,
) -> TrainResult:
    """Calibrate, measure, write the model and what is to be read about it."""
    from deepcohort.popgen.report import training_report

    k = len(p.simulations.task.labels)
    outs = {part: network_outputs(network, data, data.parts[part]) for part in ("validation", "test")}
    temperature = fit_calibration(
        outs["validation"][:, :k],
        data.parts["validation"].label,
        config.calibration if config.calibration != "isotonic" else "temperature",
    ).temperature
    test = data.parts["test"] if len(data.parts["test"]) else data.parts["validation"]
    out = outs["test"] if len(outs["test"]) else outs["validation"]
    probabilities = softmax(out[:, :k] / temperature)
    coverage = parameter_coverage(out[:, k:], test, p.scalings)
    metrics = {
        "loci": float(len(test) // p.observation.looks),
        "accuracy": float((probabilities.argmax(axis=1) == test.label).mean()),
        "nll": mean_nll(probabilities, test.label),
    }
    weights = io.BytesIO()
    torch.save(network.state_dict(), weights)
    digest = hashlib.blake2b(digest_size=6)
    for tensor in network.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    about: dict[str, Any] = {
        "name": name,
        "version": f"{deepcohort.__version__}-{digest.hexdigest()}",
        "labels": list(p.simulations.task.labels),
        "task": _portable(task_facts(p.simulations.task)),
        "rows": p.loci.rows.facts(),
        "encoding": asdict(p.encoding),
        "observation": observation_facts(p.observation),
        "statistics": list(statistic_names(p)),
        "temperature": temperature,
        "parameters": [asdict(s) for s in p.scalings],
        "quantiles": list(QUANTILES),
        "background": None if p.background is None else p.background.facts(),
        "null": _nulls(network, p, data, k, temperature),
        "train": asdict(config),
        "facts": {"loci": len(p.loci), "metrics": metrics, "coverage": coverage, "seed": p.simulations.seed},
    }
    familiar = learn_familiar(
        *(data.parts[part].features[:, : p.statistics] for part in ("train", "validation"))
    )
    card = model_card(about)
    path = output / f"{name}{SUFFIX}"
    write_pop_model(path, about, export_onnx(network, p.encoding), familiar, weights.getvalue(), card)
    with atomic_outputs(output / f"{name}.md") as [temporary]:
        temporary.write_text(card)
    training_report(output, about, probabilities, test.label, cpu_s)
    return TrainResult(path, metrics)


def _nulls(
    network: LocusNet, p: Prepared, data: LocusData, k: int, temperature: float
) -> dict[str, dict[str, Any]]:
    """Scores of held-out loci of the first class, with their genome's background known and unknown."""
    parts = [data.parts[name].take(data.parts[name].label == 0) for name in ("validation", "test")]
    found = {}
    for name in ("known", "unknown"):
        scores, known = [], []
        for part in parts:
            features = part.features.copy()
            if name == "unknown":
                features[:, p.statistics :] = 0.0
            out = network_outputs(network, data, replace(part, features=features))
            scores.append(log_odds(softmax(out[:, :k] / temperature)))
            phased = features[:, :1]
            known.append(
                np.column_stack([phased, features[:, p.statistics :]]) if name == "known" else phased
            )
        found[name] = learn_null(np.concatenate(scores), np.concatenate(known)).facts()
    return found


def _portable(facts: dict[str, Any]) -> dict[str, Any]:
    """Without folders of the machine."""
    return {**facts, "history": Path(facts["history"]).name}


def statistic_names(p: Prepared) -> tuple[str, ...]:
    """Names of the statistics of prepared loci."""
    from deepcohort.popgen.observe import observe

    window = observe(
        p.loci.locus(0), p.loci.rows, p.observation, float(p.encoding.locus_bp), np.random.default_rng(0)
    )
    return statistics(window)[0]


def network_outputs(network: LocusNet, data: LocusData, examples: Encoded) -> NDArray[np.float32]:
    """Outputs float32 (N, K + P Q)."""
    with torch.inference_mode():
        outs = [network(x, f).float().numpy() for x, f, _ in data.batches(examples)]
    width = int(network.head[-1].out_features)  # type: ignore[arg-type]
    return np.concatenate([np.empty((0, width), np.float32), *outs])


def parameter_coverage(
    out: NDArray[np.float32], examples: Encoded, scalings: list[Scaling]
) -> dict[str, dict[str, float]]:
    """Simulation-based calibration: the share of true values below each quantile; R2 of the median."""
    found: dict[str, dict[str, float]] = {}
    q = np.sort(out.reshape(len(out), len(scalings), len(QUANTILES)), axis=2)
    for k, s in enumerate(scalings):
        truth = s.apply(examples.parameters[:, k])
        there = np.isfinite(truth)
        if there.sum() < 2:
            continue
        below = {
            f"{level:g}": float((truth[there] < q[there, k, i]).mean()) for i, level in enumerate(QUANTILES)
        }
        gap = truth[there] - q[there, k, QUANTILES.index(0.5)]
        found[s.name] = {
            **below,
            "r2": float(1 - (gap**2).mean() / max(truth[there].var(), 1e-12)),
            "n": float(there.sum()),
        }
    return found
