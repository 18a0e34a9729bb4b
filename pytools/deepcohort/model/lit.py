"""The LightningModule: a thin coat around a network, a loss and an optimiser."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from deepcohort.model.config import TrainConfig
from deepcohort.model.losses import GenotypeLoss


def make_optimiser(parameters: Any, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser that `config.optimiser` names; `l2` is weight decay (decoupled with adamw)."""
    lr, l2, momentum = config.lr, config.l2, config.momentum
    if config.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=l2, nesterov=momentum > 0)
    if config.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=lr, momentum=momentum, weight_decay=l2)
    if config.optimiser == "adagrad":
        return torch.optim.Adagrad(parameters, lr=lr, weight_decay=l2)
    if config.optimiser == "adadelta":
        return torch.optim.Adadelta(parameters, lr=lr, rho=momentum, weight_decay=l2)
    kind = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
    return kind(parameters, lr=lr, betas=(momentum, 0.999), weight_decay=l2)


def lr_factor(step: int, total_steps: int, config: TrainConfig) -> float:
    """Multiple of `config.lr` at optimiser step `step` of `total_steps`."""
    if step < config.warmup_steps and total_steps > 2 * config.warmup_steps:
        return (step + 1) / (config.warmup_steps + 1)
    t = min(1.0, step / max(1, total_steps))
    last = config.final_lr_fraction
    if config.decay == "linear":
        return 1.0 + (last - 1.0) * t
    if config.decay == "exponential":
        return max(last, 1e-4) ** t
    if config.decay == "cosine":
        return last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * t))
    return 1.0


class GenotypeModule(pl.LightningModule):
    """Trains `network` (a PileupNet or FeatureNet); validates its averaged weights where EMA is on."""

    def __init__(
        self,
        network: nn.Module,
        config: TrainConfig,
        class_counts: tuple[int, ...],
        total_steps: int,
    ) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.total_steps = total_steps
        self.loss = GenotypeLoss(config, class_counts)
        self.average = None
        if config.ema > 0:
            self.average = torch.optim.swa_utils.AveragedModel(network, avg_fn=self._blend, use_buffers=True)
            self.average.requires_grad_(False)  # DDP waits for the gradient of whatever could have one
        self._val: list[Tensor] = []

    def _blend(self, average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        if not average.is_floating_point():
            return current
        # a young average forgets its random start quickly
        decay = min(self.config.ema, (1.0 + float(count)) / (10.0 + float(count)))
        return average * decay + current * (1.0 - decay)

    @property
    def best_network(self) -> nn.Module:
        """The network to use: averaged weights where there are any."""
        return self.average.module if self.average is not None else self.network

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        """Seed dropout by epoch, so that a resumed run equals one that was never killed."""
        if index == 0:  # not at the epoch's start: opening the loader draws from the generator, once or twice
            torch.manual_seed(self.config.seed * 1_000_003 + self.current_epoch)

    def cost(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss that is minimised, of what the network gives."""
        loss: Tensor = self.loss(outputs, labels)
        return loss

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        """Loss of one batch."""
        pixels, features, labels = batch
        return self.logged(self.cost(self.network(pixels, features), labels), len(labels))

    def logged(self, loss: Tensor, n: int) -> Tensor:
        """The loss of a batch of `n` examples and L1 of the weights, logged."""
        if self.config.l1 > 0:
            loss = loss + self.config.l1 * sum(p.abs().sum() for p in self.network.parameters() if p.ndim > 1)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=n)
        return loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then average the weights."""
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            self.average.update_parameters(self.network)

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> None:
        """Cross-entropy and accuracy, whatever the training loss: comparable between runs."""
        pixels, features, labels = batch
        logits = self.best_network(pixels, features).float()
        nll = nn.functional.cross_entropy(logits, labels)
        error = (logits.argmax(dim=1) != labels).float().mean()
        self.log("val_loss", nll, prog_bar=True, batch_size=len(labels), sync_dist=True)
        self.log("val_error", error, prog_bar=True, batch_size=len(labels), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Optimiser and a schedule that moves every step."""
        optimiser = make_optimiser(self.network.parameters(), self.config)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: lr_factor(step, self.total_steps, self.config)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
