"""Evidence of a shard on its way to `deepcohort merge`: an .npz file beside the shard's gVCF."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import DAMAGED_ARCHIVE, read_arrays
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.paths import remedy_for
from deepcohort.core.region import Region
from deepcohort.phase.config import PhaseConfig
from deepcohort.phase.types import Evidence

_FORMAT = "deepcohort phase evidence 1"
_NOT_OURS: tuple[type[Exception], ...] = (*DAMAGED_ARCHIVE, TypeError, DeepcohortError)
_DTYPES = {"pos": np.int64, "fragment": np.uint64, "site": np.int32, "odds": np.int8}


def write_evidence(
    path: Path,
    sample: str,
    regions: Sequence[Region],
    found: Sequence[Evidence],
    config: PhaseConfig | None = None,
) -> None:
    """Write the evidence of `sample` in `regions`, to be phased by `config`; the same bytes each time."""
    meta = {
        "format": _FORMAT,
        "sample": sample,
        "regions": [[r.contig, r.start, r.end] for r in regions],
        "contigs": [evidence.contig for evidence in found],
        "min_quality_phred": (config or PhaseConfig()).min_quality_phred,
    }
    arrays = {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}
    for i, evidence in enumerate(found):
        arrays |= {f"{i}.{name}": getattr(evidence, name) for name in _DTYPES}
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """An evidence file; its arrays are read contig by contig.

    Attributes:
        sample: name. regions: that it answers for. contigs: with sites.
        config: how to phase.
    """

    path: Path
    sample: str
    regions: tuple[Region, ...]
    contigs: tuple[str, ...]
    config: PhaseConfig

    def evidence(self, contig: str) -> Evidence | None:
        """Evidence of `contig`; None where the file has no site there.

        Raises:
            DeepcohortError: the file is damaged.
        """
        if contig not in self.contigs:
            return None
        i = self.contigs.index(contig)
        try:
            arrays = read_arrays(self.path, [f"{i}.{name}" for name in _DTYPES])
            evidence = Evidence(contig, *(_typed(arrays[f"{i}.{name}"], t) for name, t in _DTYPES.items()))
            _validate(evidence)
        except DAMAGED_ARCHIVE as error:
            raise _damaged(self.path, error) from error
        return evidence


def open_evidence(path: Path) -> EvidenceFile:
    """The evidence file `path`.

    Raises:
        DeepcohortError: missing, damaged, or another kind of file.
    """
    if not path.is_file():
        raise DeepcohortError(f"{path} does not exist; check the path of the phase evidence")
    try:
        meta = json.loads(bytes(_typed(read_arrays(path, ["meta"])["meta"], np.uint8)))
        if meta["format"] != _FORMAT:
            raise ValueError(f"its format is {str(meta['format'])[:40]!r}")
        regions = tuple(Region(str(name), int(start), int(end)) for name, start, end in meta["regions"])
        config = PhaseConfig(min_quality_phred=int(meta["min_quality_phred"]))
        return EvidenceFile(path, str(meta["sample"]), regions, tuple(map(str, meta["contigs"])), config)
    except _NOT_OURS as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: BaseException) -> DeepcohortError:
    return DeepcohortError(
        f"{path} is no sound file of `deepcohort call --phase-evidence` ({error}); {remedy_for(path)}"
    )


def _typed(array: NDArray[np.generic], dtype: type) -> NDArray[Any]:
    if array.dtype != dtype or array.ndim != 1:
        raise ValueError(f"an array of type {array.dtype} and {array.ndim} dimensions")
    return array


def _validate(evidence: Evidence) -> None:
    """Raises ValueError where the arrays do not fit together."""
    n = len(evidence.fragment)
    if len(evidence.site) != n or len(evidence.odds) != n:
        raise ValueError("arrays of different lengths")
    if (np.diff(evidence.pos) <= 0).any():
        raise ValueError("sites out of order")
    if n and not 0 <= evidence.site.min() <= evidence.site.max() < len(evidence.pos):
        raise ValueError("entries of sites that are not there")
