"""What networks said of a test set, and the figures drawn from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.calibrate import mean_nll, softmax
from deepcohort.pileup.features import F

PRECISIONS = (0.70, 0.80, 0.90, 0.99)
NATURAL_PRECISIONS = (*PRECISIONS, 0.999)
# Candidates of 0, 1, 2 copies among reads as they come: in 4 to 40x of HG002 3 % show no variant (7 % below
# 8x), and people have three heterozygous sites for two homozygous ones.
NATURAL_SHARES = (0.03, 0.58, 0.39)
_PRIOR_LOG10 = (0.0, -3.0, -3.3)  # of 0, 1, 2 copies of an allele, by the usual .001 differences per base
_LEAST_NATURAL = 20  # held-out natural examples of each kind, below which the test set stands in for them


def precision_recall(
    score: NDArray[np.floating], truth: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """(precision, recall, area): one point per distinct threshold, by average precision.

    `weight` (N,): how often each example counts, once by default.
    """
    if truth.sum() == 0:
        return np.array([1.0]), np.array([0.0]), float("nan")
    order = np.argsort(-score, kind="stable")
    counts = np.ones(len(order)) if weight is None else weight[order]
    hits = np.cumsum(truth[order] * counts)
    distinct = np.append(np.diff(score[order]) != 0, True)
    precision = (hits / np.cumsum(counts))[distinct]
    recall = (hits / hits[-1])[distinct]
    area = float(np.sum(np.diff(np.concatenate([[0.0], recall])) * precision))
    return precision, recall, area


def recall_at_precision(precision: NDArray[np.float64], recall: NDArray[np.float64], wanted: float) -> float:
    """Best recall at which precision is at least `wanted`, 0 where it never is."""
    fine = precision >= wanted
    return float(recall[fine].max()) if fine.any() else 0.0


def recall_key(precision: float) -> str:
    """Name of the figure "recall at this precision"."""
    return f"recall_at_{100 * precision:g}"


def naive_probabilities(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """P(0, 1, 2 copies) float64 (N, 3) by the likelihood of the reads and a prior, without any network."""
    signed = [features[:, k].astype(np.float64) for k in (F.lod_het, F.lod_hom)]
    het, hom = (np.sign(x) * np.expm1(np.abs(x)) for x in signed)  # log10 over 0 copies
    logs = np.stack([np.zeros(len(het)), het, hom], axis=1) + np.array(_PRIOR_LOG10)
    return softmax(logs * np.log(10.0))


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
            recalls = [recall_key(wanted) for wanted in PRECISIONS]
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
            out[recall_key(wanted)] = recall_at_precision(precision, recall, wanted)
        return out

    def natural_weight(self) -> NDArray[np.float64]:
        """How often each example counts for the classes to have NATURAL_SHARES, float64 (N,)."""
        counts = np.bincount(self.label, minlength=3)
        return np.asarray((np.array(NATURAL_SHARES) * len(self.label) / np.maximum(counts, 1))[self.label])

    def natural_metrics(self, reweigh: bool) -> dict[str, float]:
        """Figures at nature's frequencies, which examples have or (`reweigh`) are given by weights."""
        weight = self.natural_weight() if reweigh else np.ones(len(self.label))
        wrong = self.p.argmax(axis=1) != self.label
        nll = -np.log(np.maximum(self.p[np.arange(len(self.label)), self.label], 1e-12))
        precision, recall, area = precision_recall(1.0 - self.p[:, 0], self.label > 0, weight)
        out = {
            "examples": float(len(self.label)),
            "error_rate": float((wrong * weight).sum() / weight.sum()),
            "nll": float((nll * weight).sum() / weight.sum()),
            "pr_area": area,
        }
        for wanted in NATURAL_PRECISIONS:
            out[recall_key(wanted)] = recall_at_precision(precision, recall, wanted)
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


@dataclass(frozen=True, slots=True)
class NaturalFigures:
    """Figures at nature's frequencies by type of variant and predictor (the naive likelihood among them).

    Attributes:
        source: words on what they were measured on.
        by_type: figures of `Predictions.natural_metrics` by predictor, by "SNP" and "indel".
    """

    source: str
    by_type: dict[str, dict[str, dict[str, float]]]


def natural_figures(test: dict[str, Predictions], held_out: dict[str, Predictions] | None) -> NaturalFigures:
    """Of held-out natural examples where there are enough, else of the test set, reweighed."""
    measured, reweigh = test, True
    source = (
        "The test set, reweighed to " + ", ".join(f"{100 * s:g}" for s in NATURAL_SHARES)
        + " % candidates of 0, 1, 2 copies (HG002)"
    )  # fmt: skip
    if held_out:
        label = next(iter(held_out.values())).label
        if min((label == 0).sum(), (label > 0).sum()) >= _LEAST_NATURAL:
            measured, reweigh = held_out, False
            source = "Natural examples that calibration did not see"
    by_type: dict[str, dict[str, dict[str, float]]] = {}
    for kind in ("SNP", "indel"):
        for part, p in measured.items():
            snp = p.features[:, F.is_snp] > 0
            chosen = p.subset(snp if kind == "SNP" else ~snp)
            if (chosen.label > 0).any() and (chosen.label == 0).any():
                by_type.setdefault(kind, {})[part] = chosen.natural_metrics(reweigh)
    return NaturalFigures(source, by_type)
