"""Domain adaptation by gradient reversal (Ganin et al. 2016), tried: does it mend a wrong history?

The network of `popgen train` learns classes of labelled loci of one history, while a second head, whose gradient is
reversed, tries to tell them from unlabelled loci of another. It is no part of deepcohort: see docs/experiments/popgen.md.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from deepcohort.model.calibrate import softmax
from deepcohort.model.config import TrainConfig
from deepcohort.model.train import prepare, standardise
from deepcohort.popgen.config import Observation
from deepcohort.popgen.encode import encode_loci
from deepcohort.popgen.null import log_odds
from deepcohort.popgen.shards import Simulations
from deepcohort.popgen.train import LocusData, make_data, make_network, network_outputs, prepare_examples
from deepcohort.popgen.types import Encoded
from torch import Tensor, nn
from torch.nn import functional


class _Reverse(torch.autograd.Function):
    """Identity; the gradient changes its sign and is weighted."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: float) -> Tensor:
        """Pass on."""
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Turn round."""
        return -ctx.weight * gradient, None


@dataclass(frozen=True)
class Adapted:
    """A network trained so, its data, and the score that 1 % of held-out neutral loci pass."""

    network: nn.Module
    data: LocusData
    cut: float

    def probabilities(self, examples: Encoded) -> np.ndarray:
        """Of classes (N, 2)."""
        return softmax(network_outputs(self.network, self.data, examples)[:, :2])  # type: ignore[arg-type]


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    order = rng.permutation(n)
    for start in range(0, n - size + 1, size):
        yield order[start : start + size]


def adapt(source: Simulations, target: Simulations, config: TrainConfig, strength: float) -> Adapted:
    """Train on labelled `source` and unlabelled `target` loci; `strength` 0 is training without adaptation."""
    prepare(config)
    prepared = prepare_examples(source, Observation())
    network, data = make_network(prepared, config), make_data(prepared, config)
    standardise([network], data, keep=False)  # type: ignore[arg-type]
    other = encode_loci(target.read(), prepared.encoding, Observation())
    unknown = (
        prepared.examples.features.shape[1] - other.features.shape[1]
    )  # backgrounds, where there are any
    other = Encoded(
        other.pixels,
        np.pad(other.features, ((0, 0), (0, unknown))),
        other.label,
        np.zeros((len(other), len(prepared.scalings)), np.float32),
    )
    hidden: list[Tensor] = []
    network.head[2].register_forward_hook(lambda module, given, out: hidden.append(out))
    domain = nn.Sequential(nn.Linear(config.head_units, 32), nn.ReLU(), nn.Linear(32, 1))
    optimiser = torch.optim.AdamW(
        [*network.parameters(), *domain.parameters()], lr=config.lr, weight_decay=config.l2
    )
    rng, step = np.random.default_rng(config.seed), 0
    total = config.epochs * data.steps_per_epoch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=total + 1)
    for _ in range(config.epochs):
        network.train()
        for rows in _batches(len(data.parts["train"]), config.batch_size, rng):
            weight = strength * (2 / (1 + math.exp(-10 * step / total)) - 1)
            own = data.batch(data.parts["train"].take(rows))
            strange = data.batch(other.take(rng.choice(len(other), len(rows), replace=False)))
            hidden.clear()
            out = network(torch.cat([own[0], strange[0]]), torch.cat([own[1], strange[1]]))
            loss = functional.cross_entropy(out[: len(rows), :2], own[2][:, 0].long())
            if strength > 0:
                said = domain(_Reverse.apply(hidden[0], weight))[:, 0]
                truth = torch.cat([torch.zeros(len(rows)), torch.ones(len(rows))])
                loss = loss + functional.binary_cross_entropy_with_logits(said, truth)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            step += 1
    network.eval()
    return _settled(network, data)


def _settled(network: nn.Module, data: LocusData) -> Adapted:
    held = [data.parts[name] for name in ("validation", "test")]
    scores = [
        log_odds(softmax(network_outputs(network, data, part)[:, :2])[part.label == 0])  # type: ignore[arg-type]
        for part in held
    ]
    neutral = np.concatenate(scores)
    return Adapted(network, data, float(np.quantile(neutral, 0.99)))
