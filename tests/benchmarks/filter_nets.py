"""Networks of filter_networks.py over reads, or over the reference alone, with annotations joined late."""

from dataclasses import dataclass

import numpy as np
import torch
from deepcohort.model.config import TrainConfig
from deepcohort.model.losses import GenotypeLoss
from filter_tensors import DELETED, MIDDLE, Tensors
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 14
LAST = 640  # numbers that the deepest map has
_BATCH, _TEST_BATCH = 64, 256


def planes_of(tensors: Tensors, rows: NDArray[np.int64]) -> Tensor:
    """Records `rows` as float32 (B, CHANNELS, 2 + reads, bp): a row of the reference, one of the ALT, then reads.

    Channels: A, C, G, T, each weighed by how sure the quality makes it; deleted; log of bp inserted; agrees with
    the reference; phred / 40; MAPQ / 60; reverse; proper; first of its pair; shows the ALT; is a read.
    """
    picked = tensors.take(rows)
    b, reads, width = picked.base.shape
    out = torch.zeros(b, CHANNELS, 2 + reads, width)
    for row, codes in enumerate((picked.reference, picked.alternate)):
        text = torch.from_numpy(codes)
        for code in range(DELETED + 1):
            out[:, code, row] = (text == code).float()
    out[:, 5, 1, MIDDLE] = torch.from_numpy(picked.alternate_inserted).float().log1p()
    base, quality = torch.from_numpy(picked.base), torch.from_numpy(picked.quality).float()
    sure = 1 - 10 ** (-quality / 10)
    for code in range(DELETED + 1):
        out[:, code, 2:] = (base == code) * sure
    out[:, 5, 2:] = torch.from_numpy(picked.inserted).float().log1p()
    agrees = base == torch.from_numpy(picked.reference)[:, None, :]
    out[:, 6, 2:] = torch.where(base <= DELETED, torch.where(agrees, sure, -sure), torch.zeros(()))
    out[:, 7, 2:] = quality / 40 * (base < DELETED)
    scalars = torch.from_numpy(picked.scalars).float()
    there = scalars[:, :, :1]
    out[:, 8, 2:] = scalars[:, :, 1:2] / 60
    for k, channel in enumerate((9, 10, 11, 12), start=2):
        out[:, channel, 2:] = scalars[:, :, k : k + 1]
    out[:, 13, 2:] = there
    return out.to(memory_format=torch.channels_last)


def _pair(n_in: int, n_out: int, along_bp: int) -> nn.Sequential:
    """A convolution along positions, then one along reads."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, (1, along_bp), padding=(0, along_bp // 2)),
        nn.ReLU(),
        nn.Conv2d(n_out, n_out, (3, 1), padding=(1, 0), bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(),
    )


class ReadEncoder(nn.Module):
    """Convolutions along positions and along reads apart; max-pooling in the deep layers only."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_pair(CHANNELS, 16, 5), _pair(16, 16, 3))
        self.middle = _pair(16, 32, 3)
        self.deep = _pair(32, 32, 3)
        self.base = nn.Conv2d(16 + 32, 5, 1)  # of masked bases; for learning without labels

    def forward(self, planes: Tensor) -> Tensor:
        """Float (B, LAST) of planes (B, CHANNELS, 34, 41)."""
        middle = self.middle(functional.max_pool2d(self.fine(planes), 2))  # (B, 32, 17, 20)
        deep = self.deep(functional.max_pool2d(middle, 2))  # (B, 32, 8, 10)
        return functional.max_pool2d(deep, 2).flatten(1)

    def bases(self, planes: Tensor) -> Tensor:
        """Logits (B, 5, 34, 41) of the base, or a deletion, at every place."""
        fine = self.fine(planes)
        middle = self.middle(functional.max_pool2d(fine, 2))
        deep = self.deep(functional.max_pool2d(middle, 2))
        return self.base(torch.cat([fine, functional.interpolate(deep, fine.shape[2:])], dim=1))


class ReferenceEncoder(nn.Module):
    """The 1D mode: the reference and the ALT, no reads."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(2 * (DELETED + 2), 32, 5, padding=2), nn.ReLU(), nn.Conv1d(32, 32, 3, padding=1),
            nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(32, 64, 3, padding=1), nn.BatchNorm1d(64),
            nn.ReLU(), nn.MaxPool1d(2),
        )  # fmt: skip

    def forward(self, planes: Tensor) -> Tensor:
        """Float (B, LAST) of planes (B, CHANNELS, 34, 41), of which two rows are looked at."""
        rows = planes[:, : DELETED + 2, :2]  # (B, 6, 2, 41)
        return self.layers(rows.flatten(1, 2)).flatten(1)  # (B, 64 * 10)


class RecordNetwork(nn.Module):
    """An encoder, the caller's annotations late, and two logits: wrong, right."""

    def __init__(self, encoder: nn.Module, n_late: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.squeeze = nn.Linear(LAST, 64)
        self.late = nn.Linear(n_late, 32)
        self.out = nn.Sequential(nn.Dropout(0.2), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 2))

    def forward(self, planes: Tensor, late: Tensor) -> Tensor:
        """Logits (B, 2) of planes (B, CHANNELS, 34, 41) and late inputs (B, n_late)."""
        seen = functional.relu(self.squeeze(self.encoder(planes)))
        return self.out(torch.cat([seen, torch.tanh(self.late(late))], dim=1))


@dataclass(frozen=True)
class Plan:
    """How a network is trained: `steps` of 64 records, loss and sampling ("even": as many wrong as right ones)."""

    steps: int = 300
    lr: float = 2e-3
    loss: str = "cross_entropy"
    sampling: str = "as they come"
    seed: int = 1


def made(mode: str, n_late: int, seed: int) -> RecordNetwork:
    """A fresh network; `mode`: "reads" or "reference"."""
    torch.manual_seed(seed)
    encoder = ReadEncoder() if mode == "reads" else ReferenceEncoder()
    return RecordNetwork(encoder, n_late).to(memory_format=torch.channels_last)


def _batches(right: NDArray[np.bool_], plan: Plan) -> list[NDArray[np.int64]]:
    """Rows of each step: all records in turn, shuffled, or drawn so that half are wrong."""
    rng = np.random.default_rng(plan.seed)
    n = plan.steps * _BATCH
    if plan.sampling == "even":
        halves = [rng.choice(np.flatnonzero(right == kind), n // 2) for kind in (False, True)]
        rows = rng.permutation(np.concatenate(halves))
    else:
        rows = np.concatenate([rng.permutation(len(right)) for _ in range(-(-n // len(right)))])[:n]
    return np.split(rows, plan.steps)


def _thinned(planes: Tensor, generator: torch.Generator) -> Tensor:
    """Planes with up to 30 % of the reads taken away: depth must not be learned by heart."""
    share = 0.7 + 0.3 * torch.rand(len(planes), 1, generator=generator)
    keep = torch.rand(len(planes), planes.shape[2], generator=generator) < share
    keep[:, :2] = True
    return planes * keep[:, None, :, None]


def train(
    network: RecordNetwork, tensors: Tensors, late: NDArray[np.float64], right: NDArray[np.bool_], plan: Plan
) -> None:
    """Train in place, by Adam with a cosine schedule."""
    counts = (int((~right).sum()), int(right.sum()))
    loss_of = GenotypeLoss(TrainConfig(loss=plan.loss, label_smoothing=0.0), counts)
    generator = torch.Generator().manual_seed(plan.seed)
    torch.manual_seed(plan.seed)  # dropout
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.lr, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.lr, plan.steps)
    told, labels = torch.from_numpy(late.astype(np.float32)), torch.from_numpy(right.astype(np.int64))
    network.train()
    for rows in _batches(right, plan):
        logits = network(_thinned(planes_of(tensors, rows), generator), told[rows])
        loss = loss_of(logits, labels[rows])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    network.eval()


def log_odds(network: RecordNetwork, tensors: Tensors, late: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural log odds that each record is right, float64 (N,)."""
    told, out = torch.from_numpy(late.astype(np.float32)), []
    with torch.inference_mode():
        for first in range(0, len(tensors), _TEST_BATCH):
            rows = np.arange(first, min(first + _TEST_BATCH, len(tensors)))
            logits = network(planes_of(tensors, rows), told[rows])
            out.append((logits[:, 1] - logits[:, 0]).double().numpy())
    return np.concatenate(out)


def pretrain(encoder: ReadEncoder, tensors: Tensors, steps: int, seed: int) -> tuple[float, float]:
    """Train in place to tell masked bases (15 %) of real reads; the mean loss of the first and last tenth."""
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps)
    losses = []
    encoder.train()
    for _ in range(steps):
        rows = np.sort(rng.integers(0, len(tensors), _BATCH))
        planes = planes_of(tensors, rows)
        truth = torch.from_numpy(tensors.base[rows]).long()
        mask = (torch.rand(truth.shape, generator=generator) < 0.15) & (truth <= DELETED)
        planes[:, :8, 2:] = planes[:, :8, 2:] * ~mask[:, None]
        logits = encoder.bases(planes)[:, :, 2:].permute(0, 2, 3, 1)  # (B, reads, bp, 5)
        loss = functional.cross_entropy(logits[mask], truth[mask])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    tenth = max(steps // 10, 1)
    return float(np.mean(losses[:tenth])), float(np.mean(losses[-tenth:]))
