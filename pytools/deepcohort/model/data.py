"""Examples to batches: split by stretch of genome, shuffled anew each epoch, bounded in memory."""

import copy
from collections.abc import Iterator

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.config import TrainConfig
from deepcohort.model.other_strand import seen_from_other_strand
from deepcohort.pileup.features import F
from deepcohort.pileup.shards import Examples, ExampleSet

Batch = tuple[Tensor, Tensor, Tensor]  # pixels uint8, features float32, labels int64
_CACHE_BYTES = 3 << 30  # examples that fit stay in memory between epochs
_FEW_READS = 0.25  # between two reads and three, in the units of n_alt_small
_LIMITS, _LIMIT_ROWS = (
    (0.001, 0.999),
    20_000,
)  # quantiles of features that networks see, rows per bucket for them
_SPLITS = 1_000_003  # prime, for the split by stretch


def split_mask(stretch: NDArray[np.uint32], config: TrainConfig, part: str) -> NDArray[np.bool_]:
    """Which examples belong to `part` (train, validation, test); stretches never straddle parts."""
    # a fixed hash, not the seed: the test set stays unseen through tuning and retraining
    place = (stretch.astype(np.uint64) * np.uint64(2_654_435_761) % np.uint64(_SPLITS)).astype(
        float
    ) / _SPLITS
    test = place < config.test_share
    validation = ~test & (place < config.test_share + config.validation_share)
    return {"test": test, "validation": validation, "train": ~test & ~validation}[part]


def _chance(examples: Examples, seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) per example, by its place and `seed` (the same every epoch)."""
    mixed = (examples.pos.astype(np.uint64) + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) / 2.0**53)


def thin_negatives(examples: Examples, config: TrainConfig, drop: float) -> Examples:
    """Leave out the share `drop` of label 0."""
    if drop <= 0:
        return examples
    return examples.take((examples.label != 0) | (_chance(examples, config.seed) >= drop))


def thin_one_strand(examples: Examples, config: TrainConfig) -> Examples:
    """Leave out absent SNPs seen on one strand alone, but for the share `one_strand_share`."""
    if config.one_strand_share >= 1:
        return examples
    x = examples.features
    absent = (
        (examples.label == 0)
        & (x[:, F.is_snp] > 0)
        & (x[:, F.n_alt_small] > _FEW_READS)
        & (x[:, F.alt_minor_strand] == 0)
    )
    return examples.take(~absent | (_chance(examples, config.seed + 1) < config.one_strand_share))


class _Batches(IterableDataset[Batch]):
    """Training batches of one epoch; the order depends on (seed, epoch) alone."""

    def __init__(self, data: "ExampleData", epoch: int, rank: int, world: int) -> None:
        self.data, self.epoch, self.rank, self.world = data, epoch, rank, world

    def __iter__(self) -> Iterator[Batch]:
        data, size = self.data, self.data.config.batch_size
        rng = np.random.default_rng([data.config.seed, self.epoch])
        held: list[Examples] = []
        for bucket in rng.permutation(len(data.examples.buckets)):
            examples = data.training_bucket(int(bucket))
            order = rng.permutation(len(examples))
            order = order[self.rank :: self.world][: len(order) // self.world]
            examples = examples.take(order)
            if data.config.flip_share > 0:
                examples = seen_from_other_strand(
                    examples, rng.random(len(examples)) < data.config.flip_share
                )
            if held:  # the tail of the last bucket joins this one
                examples = Examples.concatenate([*held, examples], data.examples.config)
                held = []
            whole = len(examples) // size * size
            for start in range(0, whole, size):
                yield to_batch(examples.take(np.arange(start, start + size)))
            if whole < len(examples):
                held = [examples.take(np.arange(whole, len(examples)))]
        if held and len(held[0]) > 1 and self.world == 1:  # batch norm needs two
            yield to_batch(held[0])


class ListedBatches(Dataset[Batch]):
    """Batches already made."""

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Batch:
        return self._batches[index]


def to_batch(examples: Examples) -> Batch:
    """Tensors of `examples`."""
    return (
        torch.from_numpy(np.ascontiguousarray(examples.pixels)),
        torch.from_numpy(np.ascontiguousarray(examples.features)),
        torch.from_numpy(examples.label.astype(np.int64)),
    )


class ExampleData(pl.LightningDataModule):
    """Training and validation batches of an ExampleSet."""

    def __init__(self, examples: ExampleSet, config: TrainConfig, with_pixels: bool = True) -> None:
        """Count classes and take feature statistics, in one pass over the training part.

        Raises:
            DeepcohortError: a class or the validation part is empty.
        """
        super().__init__()
        self.examples, self.config, self.with_pixels = examples, config, with_pixels
        self._cache: dict[int, Examples] = {}
        self._cached_bytes = 0
        self._drop = 0.0
        parts: dict[str, list[Examples]] = {"validation": [], "test": []}
        counts = np.zeros(3, dtype=np.int64)
        n = 0
        seen: list[NDArray[np.float32]] = []
        total = np.zeros(0)
        squares = np.zeros(0)
        for index in range(len(examples.buckets)):
            bucket = thin_one_strand(examples.read_bucket(index, with_pixels), config)
            for name, kept in parts.items():
                kept.append(bucket.take(split_mask(bucket.stretch, config, name)))
            train = bucket.take(split_mask(bucket.stretch, config, "train"))
            self._remember(index, train)
            counts += np.bincount(train.label, minlength=3)
            x = train.features.astype(np.float64)
            n += len(x)
            seen.append(train.features[:_LIMIT_ROWS])
            total = x.sum(axis=0) + (total if total.size else 0.0)
            squares = (x * x).sum(axis=0) + (squares if squares.size else 0.0)
        self.validation = Examples.concatenate(parts["validation"], examples.config)
        self.test = Examples.concatenate(parts["test"], examples.config)
        if len(self.validation) == 0 or counts.min() == 0:
            raise DeepcohortError(
                f"too few examples to train: {counts.tolist()} of 0, 1, 2 copies, {len(self.validation)} for "
                "validation; make more (deepcohort examples --passes, more genome)"
            )
        if config.negative_share > 0:
            wanted = config.negative_share / (1 - config.negative_share) * counts[1:].sum()
            self._drop = max(0.0, 1.0 - wanted / counts[0])
            counts[0] = round(counts[0] * (1 - self._drop))
        self.class_counts = (int(counts[0]), int(counts[1]), int(counts[2]))
        self.feature_mean = total / n
        self.feature_low, self.feature_high = np.quantile(np.concatenate(seen), _LIMITS, axis=0)
        self.feature_sd = np.sqrt(np.maximum(squares / n - self.feature_mean**2, 0.0))

    def with_config(self, config: TrainConfig) -> "ExampleData":
        """The same examples, split and counts, batched as another config says."""
        other = copy.copy(self)
        other.trainer = None
        other.config = config
        return other

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of one epoch, to within a few."""
        return max(1, sum(self.class_counts) // (self.config.batch_size * self.config.devices))

    def _remember(self, index: int, train: Examples) -> None:
        size = train.pixels.nbytes + train.features.nbytes
        if self._cached_bytes + size <= _CACHE_BYTES:
            self._cache[index] = train
            self._cached_bytes += size

    def training_bucket(self, index: int) -> Examples:
        """Training examples of one bucket, from memory where they fitted, negatives thinned."""
        train = self._cache.get(index)
        if train is None:
            bucket = thin_one_strand(self.examples.read_bucket(index, self.with_pixels), self.config)
            train = bucket.take(split_mask(bucket.stretch, self.config, "train"))
        return thin_negatives(train, self.config, self._drop)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of the trainer's current epoch."""
        trainer = self.trainer
        epoch = trainer.current_epoch if trainer else 0
        rank = trainer.global_rank if trainer else 0
        world = trainer.world_size if trainer else 1
        return DataLoader(_Batches(self, epoch, rank, world), batch_size=None, num_workers=0)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation batches, the same every time."""
        return DataLoader(ListedBatches(self.batches(self.validation)), batch_size=None)

    def batches(self, examples: Examples, size: int = 1_024) -> list[Batch]:
        """`examples` in order."""
        return [
            to_batch(examples.take(np.arange(start, min(start + size, len(examples)))))
            for start in range(0, len(examples), size)
        ]
