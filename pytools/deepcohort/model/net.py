"""The networks, whole on one page.

Rows of a pileup are reads and have no order, columns are positions and have one. So convolutions run
along positions inside each read first; then reads are pooled, in ways that no order can change; then
convolutions run along positions of the pooled picture; then the site features join.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.config import TrainConfig
from deepcohort.model.types import N_CLASSES
from deepcohort.pileup.config import CHANNELS

SUPPORT = CHANNELS.index("support")
SUPPORT_ALT = 255


def activation_layer(name: str) -> nn.Module:
    """The activation called `name` in TrainConfig."""
    return {
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(0.01),
        "elu": nn.ELU(),
        "gelu": nn.GELU(approximate="tanh"),
        "silu": nn.SiLU(),
        "tanh": nn.Tanh(),
        "sigmoid": nn.Sigmoid(),
    }[name]


class Standardise(nn.Module):
    """(x - mean) / sd with constants taken from training data; x is cut to what training has seen."""

    mean: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.register_buffer("low", torch.full((n_features,), -1e30))
        self.register_buffer("high", torch.full((n_features,), 1e30))

    def forward(self, x: Tensor) -> Tensor:
        """Float (B, F) to float (B, F)."""
        return (torch.minimum(torch.maximum(x, self.low), self.high) - self.mean) * self.scale


class FeatureNet(nn.Module):
    """The small model: site features alone, a few thousand multiply-adds."""

    def __init__(self, config: TrainConfig, n_features: int) -> None:
        super().__init__()
        self.standardise = Standardise(n_features)
        widths = [n_features, *config.small_units]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.activation = activation_layer(config.activation)
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(widths[-1], N_CLASSES)
        initialise(self, config)

    def forward(self, pixels: Tensor | None, features: Tensor) -> Tensor:
        """Logits (B, N_CLASSES); `pixels` is ignored."""
        x = self.standardise(features)
        for layer in self.hidden:
            x = self.dropout(self.activation(layer(x)))
        logits: Tensor = self.out(x)
        return logits


def row_tower(config: TrainConfig, channels: int, width: int) -> tuple[list[nn.Module], int, int]:
    """Convolutions along each row of (B, C, R, W), and the channels and width that come out.

    The kernel never spans two rows. Early pooling would blur the columns, which are not smooth, so they
    are pooled before the last layer only.
    """
    layers: list[nn.Module] = []
    for index, filters in enumerate(config.read_channels):
        if index and index == len(config.read_channels) - 1:
            layers.append(nn.MaxPool2d((1, 2)))
            width //= 2
        layers.append(nn.Conv2d(channels, filters, (1, 3), padding=(0, 1), bias=not config.batch_norm))
        if config.batch_norm:
            layers.append(nn.BatchNorm2d(filters))
        layers.append(activation_layer(config.activation))
        channels = filters
    return layers, channels, width


def site_tower(config: TrainConfig, channels: int, width: int) -> tuple[list[nn.Module], int, int]:
    """Convolutions along columns of (B, C, W), rows pooled; and the channels and width that come out."""
    layers: list[nn.Module] = []
    for index, filters in enumerate(config.site_channels):
        if index:
            layers.append(nn.MaxPool1d(2))
            width //= 2
        layers.append(nn.Conv1d(channels, filters, 3, padding=1, bias=not config.batch_norm))
        if config.batch_norm:
            layers.append(nn.BatchNorm1d(filters))
        layers.append(activation_layer(config.activation))
        channels = filters
    return layers, channels, width


class PileupNet(nn.Module):
    """The CNN: pixels uint8 (B, channels, rows, columns) and features float (B, F) to logits."""

    def __init__(self, config: TrainConfig, shape: Sequence[int], n_features: int) -> None:
        super().__init__()
        channels, _, width = shape
        reads, channels, width = row_tower(config, channels, width)
        self.reads = nn.Sequential(*reads)
        # mean over reads, mean over ALT reads, maximum
        sites, channels, width = site_tower(config, 3 * channels, width)
        self.sites = nn.Sequential(*sites)
        self.standardise = Standardise(n_features)
        # without units the network is blind to the features and must read the reads
        self.features = (
            nn.Sequential(nn.Linear(n_features, config.feature_units), activation_layer(config.activation))
            if config.feature_units
            else None
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Sequential(
            nn.Linear(channels * width + config.feature_units, config.head_units),
            activation_layer(config.activation),
            nn.Dropout(config.dropout),
            nn.Linear(config.head_units, N_CLASSES),
        )
        initialise(self, config)

    def forward(self, pixels: Tensor, features: Tensor) -> Tensor:
        """Logits (B, N_CLASSES)."""
        support = pixels[:, SUPPORT].amax(dim=-1)  # (B, R)
        dtype = self.standardise.mean.dtype
        there = (support > 0).to(dtype)[:, None, :, None]  # (B, 1, R, 1)
        alt = (support == SUPPORT_ALT).to(dtype)[:, None, :, None]
        x = self.reads(pixels.to(dtype) * (1.0 / 255.0)) * there  # (B, C, R, W)
        mean = x.sum(dim=2) / there.sum(dim=2).clamp(min=1.0)  # (B, C, W)
        mean_alt = (x * alt).sum(dim=2) / alt.sum(dim=2).clamp(min=1.0)
        x = torch.cat([mean, mean_alt, x.amax(dim=2)], dim=1)  # (B, 3C, W)
        x = self.sites(x).flatten(1)
        if self.features is not None:
            x = torch.cat([x, self.features(self.standardise(features.to(dtype)))], dim=1)
        logits: Tensor = self.head(self.dropout(x))
        return logits


def check_widths(config: TrainConfig, shape: Sequence[int]) -> None:
    """See that pileups of `shape` (channels, rows, columns) are wide enough for the layers.

    Raises:
        DeepcohortError: so many layers halve the columns until none is left.
    """
    halvings = (len(config.read_channels) > 1) + max(0, len(config.site_channels) - 1)
    if shape[2] >> halvings < 1:
        raise DeepcohortError(
            f"training setting site_channels has {len(config.site_channels)} layers: they halve the "
            f"{shape[2]} columns of the pileups until none is left; give fewer"
        )


def initialise(network: nn.Module, config: TrainConfig) -> None:
    """Draw initial weights as `config.initialisation` says; biases start at 0 unless default."""
    if config.initialisation == "default":
        return
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            if config.initialisation == "normal":
                nn.init.normal_(layer.weight, 0.0, config.initial_scale)
            elif config.initialisation == "uniform":
                nn.init.uniform_(layer.weight, -config.initial_scale, config.initial_scale)
            else:
                nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def multiply_adds(network: PileupNet, shape: Sequence[int]) -> int:
    """Multiply-adds of one example, convolutions and dense layers."""
    total = 0
    hooks = []

    def count(layer: nn.Module, _: object, out: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            total += out[0].numel() * int(layer.weight[0].numel())
        elif isinstance(layer, nn.Linear):
            total += int(layer.weight.numel())

    for layer in network.modules():
        hooks.append(layer.register_forward_hook(count))
    was_training = network.training
    network.eval()
    with torch.no_grad():
        n_features = len(network.standardise.mean)
        network(torch.zeros((1, *shape), dtype=torch.uint8), torch.zeros((1, n_features)))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return total
