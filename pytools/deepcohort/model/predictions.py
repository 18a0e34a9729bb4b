"""What networks said of a test set, and the figures drawn from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.calibrate import mean_nll
from deepcohort.pileup.features import F

PRECISIONS = (0.70, 0.80, 0.90, 0.99)


def precision_recall(
    score: NDArray[np.floating], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """(precision, recall, area): one point per distinct threshold, by average precision."""
    if truth.sum() == 0:
        return np.array([1.0]), np.array([0.0]), float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    distinct = np.append(np.diff(score[order]) != 0, True)
    precision = (hits / np.arange(1, len(order) + 1))[distinct]
    recall = (hits / truth.sum())[distinct]
    area = float(np.sum(np.diff(np.concatenate([[0.0], recall])) * precision))
    return precision, recall, area


def recall_at_precision(precision: NDArray[np.float64], recall: NDArray[np.float64], wanted: float) -> float:
    """Best recall at which precision is at least `wanted`, 0 where it never is."""
    fine = precision >= wanted
    return float(recall[fine].max()) if fine.any() else 0.0


@dataclass(frozen=True, slots=True)
class Predictions:
    """Probabilities (N, 3), labels (N,) and features (N, F) of a test set; `cnn_share` needs the CNN."""

    p: NDArray[np.floating]
    label: NDArray[np.int8]
    features: NDArray[np.float32]
    cnn_share: float = 1.0

    def metrics(self) -> dict[str, float]:
        """The figures of the card."""
        if len(self.label) == 0:
            recalls = [f"recall_at_{round(100 * wanted)}" for wanted in PRECISIONS]
            names = (
                "examples",
                "errors",
                "false_negatives",
                "false_positives",
                "nll",
                "pr_area",
                "cnn_share",
            )
            return dict.fromkeys((*names, *recalls), 0.0)
        variant = self.label > 0
        precision, recall, area = precision_recall(1.0 - self.p[:, 0], variant)
        out = {
            "examples": float(len(self.label)),
            "errors": float((self.p.argmax(axis=1) != self.label).sum()),
            "false_negatives": float((variant & (self.p.argmax(axis=1) == 0)).sum()),
            "false_positives": float((~variant & (self.p.argmax(axis=1) > 0)).sum()),
            "nll": mean_nll(self.p, self.label),
            "pr_area": area,
            "cnn_share": self.cnn_share,
        }
        for wanted in PRECISIONS:
            out[f"recall_at_{round(100 * wanted)}"] = recall_at_precision(precision, recall, wanted)
        return out

    def confusion(self) -> NDArray[np.int64]:
        """Counts (3, 3), truth by call."""
        out = np.zeros((3, 3), dtype=np.int64)
        np.add.at(out, (self.label.astype(int), self.p.argmax(axis=1)), 1)
        return out

    def subset(self, chosen: NDArray[np.bool_]) -> "Predictions":
        """The examples that `chosen` (N,) marks."""
        return Predictions(self.p[chosen], self.label[chosen], self.features[chosen], self.cnn_share)

    def contexts(self) -> list[tuple[str, int, int]]:
        """(context, examples, errors)."""
        f = self.features
        wrong = self.p.argmax(axis=1) != self.label
        run = np.expm1(3 * f[:, F.homopolymer])
        depth = np.expm1(4 * f[:, F.depth_log])
        snp, ins, deletion = f[:, F.is_snp] > 0, f[:, F.is_insertion] > 0, f[:, F.is_deletion] > 0
        groups = {
            "SNP": snp,
            "insertion": ins,
            "deletion": deletion,
            "indel in homopolymer of 6 bp or more": ~snp & (run >= 5.5),
            "indel of 10 bp or more": ~snp & (np.expm1(4 * f[:, F.indel_length]) >= 9.5),
            "tandem repeat of 12 bp or more": np.expm1(4 * f[:, F.repeat_length]) >= 11.5,
            "several alternates": f[:, F.same_site_alts] > 0,
            "another candidate within 10 bp": f[:, F.near_10] > 0,
            "depth below 8": depth < 7.5,
            "depth 8 to 20": (depth >= 7.5) & (depth < 20.5),
            "depth above 20": depth >= 20.5,
            "ALT reads of low MAPQ": f[:, F.mapq_alt_mean] < 0.5,
        }
        return [(k, int(m.sum()), int((m & wrong).sum())) for k, m in groups.items()]
