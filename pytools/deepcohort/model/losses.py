"""Losses on logits (B, classes) and labels (B,), mean over the batch."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepcohort.model.config import TrainConfig


class GenotypeLoss(nn.Module):
    """The loss that `config.loss` names; every one honours label smoothing.

    With p the probability of the true class and l = -log p: cross_entropy l; class_weighted w_y l,
    normalised by the weights of the batch; focal (1 - p)^gamma l (Lin et al. 2017); log2 l^2; log3 l^3
    (both press hard on confident errors).
    """

    weights: Tensor

    def __init__(self, config: TrainConfig, class_counts: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.kind = config.loss
        self.gamma = config.focal_gamma
        self.smoothing = config.label_smoothing
        weights = torch.ones(len(class_counts or (1, 1, 1)))
        if config.class_weights:
            weights = torch.tensor(config.class_weights, dtype=torch.float32)
        elif class_counts is not None:
            share = torch.tensor(class_counts, dtype=torch.float32).clamp(min=1.0)
            weights = (share.sum() / share).sqrt()
        self.register_buffer("weights", weights / weights.mean())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar."""
        log_p = functional.log_softmax(logits.float(), dim=1)
        target = functional.one_hot(labels.long(), log_p.shape[1]).to(log_p.dtype)
        target = target * (1.0 - self.smoothing) + self.smoothing / log_p.shape[1]
        if self.kind == "focal":
            cost = (1.0 - log_p.exp()).clamp(min=1e-8) ** self.gamma * -log_p
        elif self.kind == "log2":
            cost = log_p**2
        elif self.kind == "log3":
            cost = -(log_p**3)
        else:
            cost = -log_p
        each = (target * cost).sum(dim=1)
        if self.kind == "class_weighted":
            w = self.weights[labels.long()]
            return (each * w).sum() / w.sum()
        return each.mean()
