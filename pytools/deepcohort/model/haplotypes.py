"""A second opinion on indels of long reads: what the networks say pooled with the reads' haplotypes.

A multinomial logistic regression of the true number of copies on the networks' probabilities and on
the terms of `pileup.haplotypes`, fitted on simulated reads of many depths. Only indels of which the
networks are not sure are asked for. Numpy alone; runs at call time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.calibrate import FLOOR, softmax
from deepcohort.model.pool import fit_logistic
from deepcohort.model.types import N_CLASSES
from deepcohort.pileup.features import F
from deepcohort.pileup.haplotypes import MAX_MARKERS, REACH_BP, TERM_NAMES

_SURE = 0.999
_RIDGE = 1e-4  # per example, on standardised terms
_TRUST = 0.75  # share of a fitted correction that is made: on samples left out .5 and 1 make more errors
_LEAST_P = 1e-6
_MOST_REACH_BP, _MOST_MARKERS = 50_000, 1_000
LEAST_EXAMPLES = 500
LOGITS = slice(1, 3)  # of the terms: the networks' logits of 1 and 2 copies against 0
TERMS = ("one", "logit_het", "logit_hom", "lean_het", "lean_hom", *TERM_NAMES)
TermsOf = Callable[[NDArray[np.int64]], NDArray[np.float64]]


def unsure_indels(features: NDArray[np.float32], probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
    """Rows of the indels whose probabilities (B, 3) leave a doubt, ascending."""
    return np.flatnonzero((features[:, F.is_snp] == 0) & (probabilities.max(axis=1) < _SURE))


def pooled_terms(probabilities: NDArray[np.floating], terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Terms of the regression, float64 (B, len(TERMS)), of probabilities (B, 3) and haplotype terms."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), _LEAST_P))
    het, hom = logs[:, 1] - logs[:, 0], logs[:, 2] - logs[:, 0]
    own = np.stack([np.ones(len(logs)), het, hom, np.tanh(het / 2), np.tanh(hom / 2)], axis=1)
    return np.concatenate([own, terms], axis=1)


@dataclass(frozen=True, slots=True)
class HaplotypePool:
    """Probabilities of copies from the networks' and the haplotypes.

    Attributes:
        weights: float64 (len(TERMS), 2), added to the networks' logits of 1 and of 2 copies against 0.
        reach_bp, max_markers: see `pileup.haplotypes.haplotype_terms`.
    """

    weights: NDArray[np.float64]
    reach_bp: int = REACH_BP
    max_markers: int = MAX_MARKERS

    def __call__(
        self, features: NDArray[np.float32], probabilities: NDArray[np.float32], terms_of: TermsOf
    ) -> NDArray[np.float32]:
        """`probabilities` float32 (B, 3), of unsure indels judged anew.

        `terms_of` gives the haplotype terms of ascending rows.
        """
        rows = unsure_indels(features, probabilities)
        if not len(rows):
            return probabilities
        terms = pooled_terms(probabilities[rows], terms_of(rows))
        z = np.zeros((len(rows), N_CLASSES))
        # not by BLAS, whose order of sums depends on the number of sites
        z[:, 1:] = terms[:, LOGITS] + (terms[:, :, None] * self.weights).sum(axis=1)
        p = np.maximum(softmax(z), FLOOR)
        out = probabilities.copy()
        out[rows] = p / p.sum(axis=1, keepdims=True)
        return out

    def facts(self) -> dict[str, Any]:
        """As model.json holds it; `haplotype_pool` reads it."""
        return {
            "terms": list(TERMS),
            "reach_bp": self.reach_bp,
            "max_markers": self.max_markers,
            "weights": self.weights.tolist(),
        }


def haplotype_pool(facts: Mapping[str, Any]) -> HaplotypePool:
    """The pool whose `facts` these are.

    Raises:
        ValueError: made for other terms, numbers out of range, or weights of another shape or not finite.
    """
    if tuple(facts.get("terms", ())) != TERMS:
        raise ValueError("its haplotypes are told by other terms")
    numbers = []
    for name, most in (("reach_bp", _MOST_REACH_BP), ("max_markers", _MOST_MARKERS)):
        number = facts.get(name)
        if not isinstance(number, int) or not 1 <= number <= most:
            raise ValueError(f"its haplotypes have a {name} out of range")
        numbers.append(number)
    weights = np.array(facts.get("weights"), np.float64)
    if weights.shape != (len(TERMS), N_CLASSES - 1) or not np.isfinite(weights).all():
        raise ValueError("its haplotypes have weights of another shape, or that are no numbers")
    return HaplotypePool(weights, *numbers)


def fit_haplotypes(terms: NDArray[np.float64], labels: NDArray[np.integer]) -> HaplotypePool:
    """The pool under which `labels` (N,) are likeliest, given `pooled_terms` (N, len(TERMS)).

    Raises:
        DeepcohortError: too few examples, or none of some class.
    """
    counts = np.bincount(labels.astype(np.int64), minlength=N_CLASSES)
    if counts.sum() < LEAST_EXAMPLES or counts.min() == 0:
        raise DeepcohortError(
            f"{counts.sum():,} unsure indels ({', '.join(map(str, counts))} of 0, 1, 2 copies) are too few "
            f"to fit; give more reads, at least {LEAST_EXAMPLES} and some of each"
        )
    weights = fit_logistic(terms, labels.astype(np.int64), terms[:, LOGITS], _RIDGE)
    return HaplotypePool(_TRUST * weights)
