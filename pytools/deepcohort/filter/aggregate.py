"""One score of an allele from those of its carriers."""

from collections.abc import Sequence

import numpy as np


def allele_score(scores: Sequence[float]) -> float:
    """Log10 odds that an allele is in the cohort, from the log10 odds of each of its n carriers (n > 0).

    The best over k of: the k-th best carrier's, less log10(n / k) (Simes, Biometrika 1986, with odds for
    1/p). A false allele has as many tries to look true as it has carriers; with this toll n independent
    tries pass a threshold no more often than a singleton's one. Carriers that agree pay nothing: n equal
    scores come out as they are. A singleton's is its carrier's, at any number of samples.
    """
    best_first = np.sort(np.asarray(scores, dtype=np.float64))[::-1]
    n = len(best_first)
    return float(np.max(best_first - np.log10(n / np.arange(1, n + 1))))
