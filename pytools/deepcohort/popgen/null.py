"""How extreme windows are: p values that hold in the cohort at hand, not only in the simulations on average.

Scores are log odds against the first class. `null_p` is the share of simulated neutral loci, in a genome like
the cohort's, that score at least as much: location and spread of held-out neutral scores are regressed on
their context (`background`), and what is left over is pooled. `rank_p` asks nothing of simulations: it is the
place of a window among all windows of the cohort, most of which are neutral.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANY_CALLED = 0.25  # share of windows called that cannot all be selected
FALSE_DISCOVERIES = 0.1
_FLOOR = 1e-12
_RIDGE = 1.0
_LEAST_SPREAD = 0.3  # of the mean spread


def log_odds(p: NDArray[np.floating]) -> NDArray[np.float64]:
    """Score (N,) of class probabilities (N, K): log odds of anything but the first class."""
    first = np.clip(p[:, 0].astype(np.float64), _FLOOR, 1 - _FLOOR)
    return np.log1p(-first) - np.log(first)


@dataclass(frozen=True, slots=True)
class Null:
    """Scores of simulated neutral loci given a row of what is known of their genome (1, then D values).

    Attributes:
        location, spread: float64 (1 + D,), coefficients. least: smallest spread.
        rest: float64 (n,), ascending: (score - location) / spread of held-out neutral loci.
    """

    location: NDArray[np.float64]
    spread: NDArray[np.float64]
    least: float
    rest: NDArray[np.float64]

    def p(self, scores: NDArray[np.floating], known: NDArray[np.floating]) -> NDArray[np.float64]:
        """Share of neutral loci that score at least as much; `known`: (N, D) or (D,)."""
        row = _design(known, len(scores))
        spread = np.maximum(row @ self.spread, self.least)
        rest = (np.asarray(scores, np.float64) - row @ self.location) / spread
        return rank_p(rest, self.rest)

    def facts(self) -> dict[str, Any]:
        """As plain values, for the model file."""
        return {
            "location": self.location.tolist(),
            "spread": self.spread.tolist(),
            "least": self.least,
            "rest": [round(float(v), 5) for v in self.rest],
        }


def null_from_facts(facts: dict[str, Any]) -> Null:
    """From `Null.facts()`."""
    location, spread, rest = (np.asarray(facts[k], np.float64) for k in ("location", "spread", "rest"))
    return Null(location, spread, float(facts["least"]), rest)


def learn_null(scores: NDArray[np.floating], known: NDArray[np.floating]) -> Null:
    """The null of neutral `scores` (n,), given what is `known` (n, D) of their genomes."""
    x, y = _design(known, len(scores)), np.asarray(scores, np.float64)
    penalty = _RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    normal = x.T @ x + penalty
    location = np.asarray(np.linalg.solve(normal, x.T @ y), np.float64)
    gap = y - x @ location
    spread = np.asarray(np.linalg.solve(normal, x.T @ np.abs(gap)), np.float64)
    least = max(_LEAST_SPREAD * float(np.abs(gap).mean()), 1e-6)
    return Null(location, spread, least, np.sort(gap / np.maximum(x @ spread, least)))


def _design(known: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    values = np.broadcast_to(np.asarray(known, np.float64), (n, np.shape(known)[-1]))
    return np.column_stack([np.ones(n), values])


def rank_p(scores: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Share of others that score at least as much, one more counted: never 0."""
    order = np.sort(others)
    above = len(order) - np.searchsorted(order, scores, side="left")
    return np.asarray(np.minimum((1.0 + above) / (1.0 + len(order)), 1.0))


def false_discovery_rates(p: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of Benjamini and Hochberg (1995): the least rate at which each test is a discovery."""
    n = len(p)
    order = np.argsort(p, kind="stable")
    stepped = p[order] * n / np.arange(1, n + 1)
    out = np.empty(n)
    out[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return out


@dataclass(frozen=True, slots=True)
class Extremes:
    """How extreme judged windows (N,) are.

    Attributes:
        score: log odds against the first class. rank: p by rank among the windows (or others given).
        p: by simulated neutral loci in such a genome, NaN without a null. q: false discovery rates of p.
        known: whether the genome's background was known.
    """

    score: NDArray[np.float64]
    rank: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    known: bool

    @property
    def outliers(self) -> int | None:
        """Windows that stand out at a false discovery rate of 10 %; None of a model without a null."""
        return None if np.isnan(self.q).any() else int((self.q <= FALSE_DISCOVERIES).sum())

    @property
    def told(self) -> str:
        """How many do, in words."""
        if self.outliers is None:
            return "the model has no null"
        return f"{self.outliers} windows stand out at a false discovery rate of 10 % (q)"


def extremes_of(
    probabilities: NDArray[np.floating],
    null: Null | None,
    known: NDArray[np.floating],
    has_background: bool,
    others: NDArray[np.floating] | None = None,
) -> Extremes:
    """How extreme windows are by their class probabilities (N, K); `others`: scores to be ranked among."""
    score = log_odds(probabilities)
    rank = rank_p(score, score if others is None else others)
    if null is None:
        nothing = np.full(len(score), np.nan)
        return Extremes(score, rank, nothing, nothing, has_background)
    p = null.p(score, known)
    return Extremes(score, rank, p, false_discovery_rates(p), has_background)


def extremes_notes(found: Extremes, probabilities: NDArray[np.floating], taught: bool) -> list[str]:
    """What people must know of them; `taught`: the model knows genomes of many histories."""
    n, called = len(found.score), int((probabilities.argmax(axis=1) != 0).sum())
    out = []
    if taught and not found.known:
        out.append(
            f"{n} windows do not tell what this genome looks like: they are judged as of an unknown history; "
            "scan more of it, or name a wider scan by --background"
        )
    if n >= 20 and called > MANY_CALLED * n:
        out.append(
            f"{called} of {n} windows are called, more than selection explains: p says how they rank, not "
            "what they are; see rank_p and q of details.tsv"
        )
    return out
