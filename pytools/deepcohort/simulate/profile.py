"""Sequencer profiles: what learning writes and the read simulator takes."""

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import DAMAGED_ARCHIVE, read_arrays
from deepcohort.core.errors import DeepcohortError
from deepcohort.simulate.kernels import HOT_RATES, MAX_COPIES, MAX_UNIT
from deepcohort.simulate.long_profile import LongProfile
from deepcohort.simulate.validate import check_profile

PROFILE_VERSION = 4
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED_ARCHIVE, TypeError)
_SCALARS = ("hot_density", "duplicate_rate", "chimera_rate", "splice_rate", "coverage_sd")


def _assets() -> Path:
    """The folder of shipped profiles: DEEPCOHORT_ASSETS, the source tree, or beside an installed package."""
    package = Path(__file__).resolve().parents[1]
    folders = [
        package.parents[1] / "assets",
        package / "assets",
        Path(sys.prefix) / "share/deepcohort/assets",
    ]
    if os.environ.get("DEEPCOHORT_ASSETS"):
        folders = [Path(os.environ["DEEPCOHORT_ASSETS"])]
    return next((f / "profiles" for f in folders if (f / "profiles").is_dir()), folders[0] / "profiles")


ASSETS = _assets()
ADAPTERS = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT")  # TruSeq, public


@dataclass(frozen=True, slots=True)
class IlluminaProfile:
    """Error, quality and fragment model of a short-read run. K qualities, G read classes, C cycles.

    Attributes:
        quals: uint8 (K,), phred alphabet.
        class_cdf: float32 (G,), class of read 1; mate_class_cdf: float32 (G, G), of read 2 given it.
        start_cdf: float32 (2, G, K), first quality by mate and class.
        trans_cdf: float32 (2, G, B, K, K), next quality by mate, class, cycle bin and current one.
        cycle_bin: int16 (C,).
        sub_rate: float32 (K,), substitutions per base by quality.
        cycle_factor: float32 (2, C); context_factor: float32 (64,), by (two bases before, base) in
            read direction: both multiply sub_rate. sub_cdf: float32 (64, 4), base read instead.
        slip_del, slip_ins: float32 (MAX_UNIT * MAX_COPIES,), loss and gain of units per tract passage,
            by (unit - 1) * MAX_COPIES + copies; slip_more: float32 (MAX_UNIT,), chance of each further unit.
        insert_quantiles: float32 (Q,), bp, evenly spaced quantiles of fragment length.
        gc_weight: float32 (21,), relative coverage of fragments by GC in steps of 5 %.
        hot_cdf: float32 (H,), shares of kernels.HOT_RATES among systematic one-strand error sites;
            hot_context: float32 (64,), relative density by context; hot_density: such sites per base
            and strand. error_cdf: float32 (K,), qualities
            of wrong bases.
        duplicate_rate: per fragment. chimera_rate: fragments whose mates do not belong together.
        splice_rate: reads that change to another place in mid-read. coverage_sd: SD of the log of
            depth between neighbourhoods.
    """

    quals: NDArray[np.uint8]
    class_cdf: NDArray[np.float32]
    mate_class_cdf: NDArray[np.float32]
    start_cdf: NDArray[np.float32]
    trans_cdf: NDArray[np.float32]
    cycle_bin: NDArray[np.int16]
    sub_rate: NDArray[np.float32]
    cycle_factor: NDArray[np.float32]
    context_factor: NDArray[np.float32]
    sub_cdf: NDArray[np.float32]
    slip_del: NDArray[np.float32]
    slip_ins: NDArray[np.float32]
    slip_more: NDArray[np.float32]
    insert_quantiles: NDArray[np.float32]
    gc_weight: NDArray[np.float32]
    hot_cdf: NDArray[np.float32]
    hot_context: NDArray[np.float32]
    error_cdf: NDArray[np.float32]
    hot_density: float
    duplicate_rate: float
    chimera_rate: float
    splice_rate: float
    coverage_sd: float

    @property
    def read_length(self) -> int:
        """Cycles per mate."""
        return len(self.cycle_bin)


Profile = IlluminaProfile | LongProfile
_KINDS: dict[str, type[IlluminaProfile] | type[LongProfile]] = {
    "illumina": IlluminaProfile,
    "long": LongProfile,
}


def save_profile(profile: Profile, path: Path) -> None:
    """Write `profile` as a compressed .npz. Transitions are kept as roots in 1/255: some 10 kB, not 300."""
    kind = "illumina" if isinstance(profile, IlluminaProfile) else "long"
    values = {f.name: getattr(profile, f.name) for f in fields(profile)}
    step = np.diff(values["trans_cdf"], axis=-1, prepend=np.float32(0))
    values["trans_cdf"] = np.round(255 * np.sqrt(np.maximum(step, 0))).astype(np.uint8)
    with open(path, "wb") as out:
        np.savez_compressed(out, version=PROFILE_VERSION, kind=kind, **values)


def load_profile(name: str, platform: str | None = None) -> Profile:
    """The built-in profile called `name`, or the one in the file `name`.

    Raises:
        DeepcohortError: no such profile, not a profile of this version, or not one for `platform`.
    """
    if name == "simple":
        return simple_illumina_profile()
    built_in = ASSETS / f"{name}.npz"
    path = built_in if built_in.exists() else Path(name)
    if not path.is_file():
        known = ", ".join(["simple", *sorted(p.stem for p in ASSETS.glob("*.npz"))])
        raise DeepcohortError(f"profile '{name}' is neither a file nor built in; built in are: {known}")
    try:
        about = read_arrays(path, ("version", "kind"))
        version, kind = int(about["version"].item()), str(about["kind"].item())
        if version != PROFILE_VERSION:
            raise DeepcohortError(
                f"profile {path} has version {version}; make it anew with deepcohort profile"
            )
        values: dict[str, Any] = read_arrays(path, [f.name for f in fields(_KINDS[kind])])
        check_profile(kind, values)
    except _DAMAGED as error:
        raise DeepcohortError(
            f"{path} is not a deepcohort profile, or is damaged ({error}); make one with deepcohort profile"
        ) from error
    if platform and (platform == "illumina") != (kind == "illumina"):
        raise DeepcohortError(
            f"profile {name} is for {kind} reads, not for platform {platform}; choose another"
        )
    values["trans_cdf"] = cumulative(values["trans_cdf"].astype(np.float64) ** 2 + 1e-12)
    for scalar in _SCALARS:
        if scalar in values:
            values[scalar] = float(values[scalar])
    return _KINDS[kind](**values)


def simple_illumina_profile(read_length: int = 150) -> IlluminaProfile:
    """A profile from first principles: four quality bins that decay along the read, 0.2 % errors."""
    quals = np.array([2, 12, 23, 37], np.uint8)
    stay = np.array(
        [
            [0.97, 0.02, 0.0, 0.01],
            [0.02, 0.33, 0.15, 0.5],
            [0.004, 0.06, 0.33, 0.606],
            [0.0004, 0.008, 0.03, 0],
        ]
    )
    n_bins = 10
    trans = np.empty((2, 1, n_bins, 4, 4))
    for b in range(n_bins):
        now = stay.copy()
        now[3, :3] *= 0.4 + 1.6 * b / n_bins
        now[3, 3] = 1 - now[3, :3].sum()
        trans[:, 0, b] = now
    context = np.ones(64, np.float32)
    sub = np.full((64, 4), 1 / 3)
    sub[np.arange(64), np.arange(64) % 4] = 0
    copies = np.arange(MAX_COPIES)
    slip = np.zeros((MAX_UNIT, MAX_COPIES), np.float32)
    slip[0] = np.minimum(0.15, 2e-6 * 1.7 ** np.minimum(copies, 25))
    for unit in range(1, MAX_UNIT):
        slip[unit] = np.minimum(0.08, 2e-5 * 1.5 ** np.minimum(copies, 25) / unit)
    grid = np.linspace(0, 1, 201)
    normal = NormalDist(400, 85)
    inserts = np.array([normal.inv_cdf(min(max(g, 0.001), 0.999)) for g in grid])
    gc = np.exp(-(((np.linspace(0, 1, 21) - 0.45) / 0.35) ** 2))
    return IlluminaProfile(
        quals=quals,
        class_cdf=np.ones(1, np.float32),
        mate_class_cdf=np.ones((1, 1), np.float32),
        start_cdf=cumulative(np.broadcast_to(np.array([0.001, 0.009, 0.04, 0.95]), (2, 1, 4))),
        trans_cdf=cumulative(trans),
        cycle_bin=(np.arange(read_length) * n_bins // read_length).astype(np.int16),
        sub_rate=np.array([0.3, 0.05, 0.006, 0.0004], np.float32),
        cycle_factor=np.ones((2, read_length), np.float32),
        context_factor=context,
        sub_cdf=cumulative(sub),
        slip_del=(0.6 * slip).reshape(-1),
        slip_ins=(0.4 * slip).reshape(-1),
        slip_more=np.full(MAX_UNIT, 0.1, np.float32),
        insert_quantiles=inserts.astype(np.float32),
        gc_weight=gc.astype(np.float32),
        hot_cdf=cumulative(1 / HOT_RATES),
        hot_context=np.ones(64, np.float32),
        error_cdf=cumulative(np.array([0.4, 0.35, 0.15, 0.1])),
        hot_density=1e-3,
        duplicate_rate=0.05,
        chimera_rate=0.001,
        splice_rate=0.002,
        coverage_sd=0.1,
    )


def cumulative(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Cumulative distribution along the last axis, last value exactly 1."""
    total = np.cumsum(weights, axis=-1)
    total /= total[..., -1:]
    total[..., -1] = 1.0
    return np.ascontiguousarray(total, np.float32)
