"""Where substitutions fall: a C before G mutates ten times as often as other bases."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate import spectra

_TRANSITION = np.array([2, 3, 0, 1], np.uint8)  # A<->G, C<->T
_NEAR_BP = 2_000  # a substitution is moved to a place of its kind within this distance


class SubstitutionPlaces:
    """Places of a contig by CpG class: 0 part of a CpG, 1 a transition would make one, 2 neither."""

    def __init__(self, reference: NDArray[np.uint8], ti_tv: float) -> None:
        before, behind = np.full_like(reference, 4), np.full_like(reference, 4)
        before[1:], behind[:-1] = reference[:-1], reference[1:]
        kind = np.full(len(reference), 2, np.int8)
        kind[((reference == 3) & (behind == 2)) | ((reference == 0) & (before == 1))] = 1
        kind[((reference == 1) & (behind == 2)) | ((reference == 2) & (before == 1))] = 0
        kind[reference > 3] = -1
        self._reference = reference
        self._places = [np.flatnonzero(kind == k) for k in range(3)]
        self._transitions = ti_tv / (1 + ti_tv)

    def draw(self, pos: int, rng: np.random.Generator) -> tuple[int, np.uint8] | None:
        """(position near `pos`, new base) of a substitution, `pos` itself where no place of its kind is near.

        None at an unknown base.
        """
        is_transition = bool(rng.random() < self._transitions)
        shares = spectra.TRANSITION_CLASSES if is_transition else spectra.TRANSVERSION_CLASSES
        places = self._places[int(rng.choice(3, p=shares))]
        low, high = np.searchsorted(places, [pos - _NEAR_BP, pos + _NEAR_BP])
        if low == high:
            return self.draw_at(pos, rng)
        at = int(places[rng.integers(low, high)])
        return at, self._substitute(at, is_transition, rng)

    def draw_at(self, pos: int, rng: np.random.Generator) -> tuple[int, np.uint8] | None:
        """The same at `pos` itself, whatever its neighbours; None at an unknown base or beyond the contig."""
        if not 0 <= pos < len(self._reference) or self._reference[pos] > 3:
            return None
        return pos, self._substitute(pos, bool(rng.random() < self._transitions), rng)

    def _substitute(self, at: int, is_transition: bool, rng: np.random.Generator) -> np.uint8:
        base = _TRANSITION[self._reference[at]]
        return np.uint8(base if is_transition else (base + 1 + 2 * rng.integers(0, 2)) % 4)
