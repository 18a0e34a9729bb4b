"""The network: convolutions along sites within each row, rows pooled by time point, statistics beside it.

Rows of a group have no order: they are pooled to mean, spread and maximum, which no order can change. Each
group (time point, population) has a branch of its own. Inputs are those of the caller's networks (pixels
uint8 and features), so that training, tuning and export are theirs too.
"""

from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor, nn
from torch.nn import functional

from deepcohort.model.config import TrainConfig
from deepcohort.model.lit import GenotypeModule
from deepcohort.model.net import Standardise, activation_layer, initialise, row_tower, site_tower
from deepcohort.model.onnx_export import Graph, add_sequence, as_float32, model_bytes
from deepcohort.popgen.config import QUANTILES, Encoding
from deepcohort.popgen.encode import channels_of, image_shape

_SEEN = 1  # channel: in both kinds of image
_EPSILON = 1e-4


class LocusNet(nn.Module):
    """pixels uint8 (B, C, R, W) and features (B, F) to class logits and quantiles (B, K + P Q)."""

    def __init__(
        self, config: TrainConfig, encoding: Encoding, n_features: int, n_classes: int, n_parameters: int
    ) -> None:
        super().__init__()
        channels = len(channels_of(encoding))
        self.n_classes = n_classes
        self.edges = tuple(pairwise(accumulate(encoding.rows, initial=0)))
        towers, pooled, width = [], 0, encoding.sites
        for first, last in self.edges:
            layers, filters, width = row_tower(config, channels, encoding.sites)
            towers.append(nn.Sequential(*layers))
            pooled += filters * (3 if last - first > 1 else 1)
        self.rows = nn.ModuleList(towers)
        sites, filters, width = site_tower(config, pooled, width)
        self.sites = nn.Sequential(*sites)
        self.standardise = Standardise(n_features)
        self.features = nn.Sequential(
            nn.Linear(n_features, config.feature_units), activation_layer(config.activation)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Sequential(
            nn.Linear(filters * width + config.feature_units, config.head_units),
            activation_layer(config.activation),
            nn.Dropout(config.dropout),
            nn.Linear(config.head_units, n_classes + n_parameters * len(QUANTILES)),
        )
        initialise(self, config)

    def forward(self, pixels: Tensor, features: Tensor) -> Tensor:
        """Logits (B, K), then quantiles of standardised parameters (B, P Q)."""
        dtype = self.standardise.mean.dtype
        pooled = []
        for (first, last), tower in zip(self.edges, self.rows, strict=True):
            own = pixels[:, :, first:last].to(dtype) * (1.0 / 255.0)  # (B, C, R, W)
            x = tower(own)
            if last - first == 1:
                pooled.append(x[:, :, 0])
                continue
            there = (own[:, _SEEN].amax(dim=-1) > 0.5).to(dtype)[:, None, :, None]  # (B, 1, R, 1)
            n = there.sum(dim=2).clamp(min=1.0)
            x = x * there
            mean = x.sum(dim=2) / n  # (B, C, W)
            spread = ((x * x).sum(dim=2) / n - mean * mean).clamp(min=0.0).add(_EPSILON).sqrt()
            pooled += [mean, spread, x.amax(dim=2)]
        x = self.sites(torch.cat(pooled, dim=1)).flatten(1)
        f = self.features(self.standardise(features.to(dtype)))
        out: Tensor = self.head(self.dropout(torch.cat([x, f], dim=1)))
        return out


class LocusModule(GenotypeModule):
    """Trains a LocusNet: the class loss of the table, and the quantile loss of parameters that are there."""

    def __init__(
        self, network: nn.Module, config: TrainConfig, class_counts: tuple[int, ...], total_steps: int
    ) -> None:
        super().__init__(network, config, class_counts, total_steps)
        self.register_buffer("levels", torch.tensor(QUANTILES), persistent=False)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        """Loss of one batch; labels are (B, 1 + P): class, then standardised parameters."""
        pixels, features, targets = batch
        labels, parameters = targets[:, 0].long(), targets[:, 1:]
        k = self.best_k
        out = self.network(pixels, features)
        loss = self.cost(out[:, :k], labels)
        if parameters.shape[1]:
            loss = loss + self.quantile_loss(out[:, k:], parameters)
        return self.logged(loss, len(labels))

    @property
    def best_k(self) -> int:
        """Number of classes."""
        return int(self.network.n_classes)  # type: ignore[arg-type]

    def quantile_loss(self, out: Tensor, parameters: Tensor) -> Tensor:
        """Mean pinball loss over the parameters that a scenario has."""
        q = out.reshape(len(out), parameters.shape[1], len(QUANTILES))
        there = ~torch.isnan(parameters)
        gap = torch.nan_to_num(parameters)[..., None] - q
        levels: Tensor = self.levels  # type: ignore[assignment]
        each = torch.maximum(levels * gap, (levels - 1.0) * gap).mean(dim=-1)
        return (each * there).sum() / there.sum().clamp(min=1)

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> None:
        """Cross-entropy and errors of the classes, and the quantile loss on its own."""
        pixels, features, targets = batch
        labels, parameters = targets[:, 0].long(), targets[:, 1:]
        out = self.best_network(pixels, features).float()
        logits = out[:, : self.best_k]
        n = len(labels)
        self.log("val_loss", functional.cross_entropy(logits, labels), batch_size=n, sync_dist=True)
        error = (logits.argmax(dim=1) != labels).float().mean()
        self.log("val_error", error, batch_size=n, sync_dist=True)
        if parameters.shape[1]:
            cost = self.quantile_loss(out[:, self.best_k :], parameters)
            self.log("val_quantile_loss", cost, batch_size=n, sync_dist=True)


def export_onnx(network: LocusNet, encoding: Encoding) -> bytes:
    """ONNX bytes with the inputs and outputs of `LocusNet.forward`."""
    network = network.eval()
    g = Graph()
    axis = {k: g.constant(_axis(k)) for k in (2, 3)}
    one, half, floor = (g.constant(as_float32(torch.tensor(v))) for v in (1.0, 0.5, 0.0))
    epsilon = g.constant(as_float32(torch.tensor(_EPSILON)))
    whole = g.add(
        "Mul",
        g.add("Cast", "pixels", to=TensorProto.FLOAT),
        g.constant(as_float32(torch.tensor(1.0 / 255.0))),
    )
    pooled = []
    for (first, last), tower in zip(network.edges, network.rows, strict=True):
        own = g.add("Slice", whole, g.constant(_axis(first)), g.constant(_axis(last)), axis[2])
        x = add_sequence(g, tower, own, 1.0)  # type: ignore[arg-type]
        if last - first == 1:
            pooled.append(g.add("Squeeze", x, axis[2]))
            continue
        seen = g.add(
            "Slice", own, g.constant(_axis(_SEEN)), g.constant(_axis(_SEEN + 1)), g.constant(_axis(1))
        )
        there = g.add(
            "Cast",
            g.add("Greater", g.add("ReduceMax", seen, axis[3], keepdims=1), half),
            to=TensorProto.FLOAT,
        )
        n = g.add("Max", g.add("ReduceSum", there, axis[2], keepdims=0), one)
        x = g.add("Mul", x, there)
        mean = g.add("Div", g.add("ReduceSum", x, axis[2], keepdims=0), n)
        square = g.add("Div", g.add("ReduceSum", g.add("Mul", x, x), axis[2], keepdims=0), n)
        variance = g.add("Max", g.add("Sub", square, g.add("Mul", mean, mean)), floor)
        spread = g.add("Sqrt", g.add("Add", variance, epsilon))
        pooled += [mean, spread, g.add("ReduceMax", x, axis[2], keepdims=0)]
    joined = g.add("Concat", *pooled, axis=1) if len(pooled) > 1 else pooled[0]
    site = g.add("Flatten", add_sequence(g, network.sites, joined, 1.0), axis=1)
    shifted = g.add("Sub", "features", g.constant(as_float32(network.standardise.mean)))
    standard = g.add("Mul", shifted, g.constant(as_float32(network.standardise.scale)))
    both = g.add("Concat", site, add_sequence(g, network.features, standard, 1.0), axis=1)
    out = add_sequence(g, network.head, both, 1.0)
    g.nodes.append(helper.make_node("Identity", [out], ["logits"]))
    n_out = int(network.head[-1].out_features)  # type: ignore[arg-type]
    return model_bytes(g, image_shape(encoding), len(network.standardise.mean), n_out)


def _axis(k: int) -> NDArray[np.int64]:
    return np.array([k], np.int64)
