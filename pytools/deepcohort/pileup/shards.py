"""Labelled examples on disk: compact, globally shuffled, read back at bounded memory.

Each example is thrown into one of `n_buckets` at random as it is made; a bucket is a set of
compressed chunk files. Reading shuffles the order of buckets and the examples within one bucket,
which together is a shuffle of everything, with one bucket in memory.
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import DAMAGED_ARCHIVE, read_arrays
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.text import text_of
from deepcohort.pileup.config import PileupConfig, encoder_signature
from deepcohort.pileup.features import N_FEATURES
from deepcohort.pileup.manifest import check_manifest

MANIFEST = "examples.json"
_COLUMNS = ("pixels", "features", "label", "stretch", "pos")
_TYPES = {"pixels": "|u1", "features": "<f4", "label": "|i1", "stretch": "<u4", "pos": "<i8"}
_MOST_CHUNK_BYTES = 512 << 20  # of one file, unpacked


@dataclass(frozen=True, slots=True)
class Examples:
    """N labelled examples.

    Attributes:
        pixels: uint8 (N, channels, rows, columns). features: float32 (N, F).
        label: int8 (N,), 0, 1 or 2. stretch: uint32 (N,), which piece of which genome it is from:
            training, validation and test sets never share one. pos: int64 (N,), 0-based.
    """

    pixels: NDArray[np.uint8]
    features: NDArray[np.float32]
    label: NDArray[np.int8]
    stretch: NDArray[np.uint32]
    pos: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Examples":
        """The examples `rows`."""
        return Examples(*(getattr(self, c)[rows] for c in _COLUMNS))

    @staticmethod
    def concatenate(parts: Sequence["Examples"], config: PileupConfig) -> "Examples":
        """All `parts` in order."""
        if not parts:
            return Examples(
                np.empty((0, *config.shape), np.uint8),
                np.empty((0, N_FEATURES), np.float32),
                np.empty(0, np.int8),
                np.empty(0, np.uint32),
                np.empty(0, np.int64),
            )
        return Examples(*(np.concatenate([getattr(p, c) for p in parts]) for c in _COLUMNS))


def stretch_id(*words: object) -> int:
    """32-bit name of a stretch, the same in every run."""
    return int.from_bytes(hashlib.blake2b(repr(words).encode(), digest_size=4).digest(), "little")


class ExampleWriter:
    """Collects examples into a folder; whole (with its manifest) only after a clean exit."""

    def __init__(
        self,
        directory: str | Path,
        config: PileupConfig,
        platform: str,
        seed: int,
        n_buckets: int = 16,
        chunk: int = 2_048,
    ) -> None:
        """Prepare `directory`, which must not hold examples yet."""
        self.directory = Path(directory)
        if (self.directory / MANIFEST).exists():
            raise DeepcohortError(
                f"{self.directory} holds examples already; remove it or name another folder"
            )
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeepcohortError(f"output folder {self.directory} cannot be made: {error}") from error
        self.config = config
        self.platform = platform
        self.seed = seed
        bytes_each = math.prod(config.shape) + 4 * N_FEATURES + 13
        self._chunk = max(1, min(chunk, _MOST_CHUNK_BYTES // 4 // bytes_each))
        self._rng = np.random.default_rng([seed, 77])
        self._pending: list[list[Examples]] = [[] for _ in range(n_buckets)]
        self._files: list[list[str]] = [[] for _ in range(n_buckets)]
        self.label_counts = np.zeros(3, dtype=np.int64)

    def add(self, examples: Examples) -> None:
        """Throw `examples` into the buckets."""
        self.label_counts += np.bincount(examples.label, minlength=3)
        bucket_of = self._rng.integers(0, len(self._pending), len(examples))
        for bucket in np.unique(bucket_of):
            self._pending[bucket].append(examples.take(bucket_of == bucket))
            if sum(map(len, self._pending[bucket])) >= self._chunk:
                self._flush(int(bucket))

    def _flush(self, bucket: int) -> None:
        if not self._pending[bucket]:
            return
        examples = Examples.concatenate(self._pending[bucket], self.config)
        name = f"bucket-{bucket:03d}-{len(self._files[bucket]):04d}.npz"
        with atomic_outputs(self.directory / name) as [temporary]:
            write_examples(temporary, examples)
        self._files[bucket].append(name)
        self._pending[bucket] = []

    def close(self, about: dict[str, object] | None = None) -> None:
        """Write what is pending and the manifest."""
        for bucket in range(len(self._pending)):
            self._flush(bucket)
        manifest = {
            "encoder": encoder_signature(self.config),
            "pileup": asdict(self.config),
            "platform": self.platform,
            "seed": self.seed,
            "labels": self.label_counts.tolist(),
            "buckets": [files for files in self._files if files],
            "about": about or {},
        }
        with atomic_outputs(self.directory / MANIFEST) as [temporary]:
            temporary.write_text(json.dumps(manifest, indent=1) + "\n")

    def __enter__(self) -> "ExampleWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not (self.directory / MANIFEST).exists():
            self.close()


def write_examples(path: Path, examples: Examples) -> None:
    """One chunk: a zip of .npy arrays, deflated at level 1 (five times smaller, 100 MB/s)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in _COLUMNS:
            # fixed time stamp: same examples, same bytes
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(getattr(examples, name)))


def read_examples(path: Path, with_pixels: bool = True) -> Examples:
    """One chunk; without pixels (a feature model needs none) `pixels` is (N, 0, 0, 0).

    Raises:
        DeepcohortError: missing or damaged.
    """
    try:
        columns = read_arrays(path, _COLUMNS if with_pixels else _COLUMNS[1:], most=_MOST_CHUNK_BYTES)
        return _sound_examples(columns)
    except DAMAGED_ARCHIVE as error:
        raise DeepcohortError(f"example file {path} is damaged ({error}); make the examples again") from error


def _sound_examples(columns: dict[str, NDArray[Any]]) -> Examples:
    """The examples of these columns; pixels may be absent.

    Raises:
        ValueError: columns of other types, shapes or lengths, unknown labels, features that are no numbers.
    """
    n = len(columns["label"]) if columns["label"].ndim == 1 else -1
    columns.setdefault("pixels", np.empty((max(0, n), 0, 0, 0), np.uint8))
    dimensions = {"pixels": 4, "features": 2}
    for name, array in columns.items():
        if array.dtype.str != _TYPES[name] or array.ndim != dimensions.get(name, 1) or len(array) != n:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")
    if columns["features"].shape[1] != N_FEATURES or not np.isfinite(columns["features"]).all():
        raise ValueError("features of another encoder, or that are no numbers")
    if n and not (columns["label"].min() >= 0 and columns["label"].max() <= 2):
        raise ValueError("labels other than 0, 1 and 2")
    return Examples(*(columns[name] for name in _COLUMNS))


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """Folders of examples, opened."""

    buckets: tuple[tuple[Path, ...], ...]
    config: PileupConfig
    platform: str
    labels: tuple[int, int, int]
    about: tuple[dict[str, object], ...]

    def read_bucket(self, index: int, with_pixels: bool = True) -> Examples:
        """All examples of one bucket, in a fixed order.

        Raises:
            DeepcohortError: a file is missing, damaged, or holds pictures of another size.
        """
        parts = [read_examples(p, with_pixels) for p in self.buckets[index]]
        for path, part in zip(self.buckets[index], parts, strict=True):
            if with_pixels and part.pixels.shape[1:] != self.config.shape:
                raise DeepcohortError(
                    f"example file {path} holds pictures of another size than its folder says; "
                    "make the examples again"
                )
        return Examples.concatenate(parts, self.config)

    def read_all(self, with_pixels: bool = True) -> Iterator[Examples]:
        """Every bucket in turn."""
        for index in range(len(self.buckets)):
            yield self.read_bucket(index, with_pixels)


def _manifest_of(directory: Path) -> dict[str, Any]:
    """The checked manifest of a folder of examples.

    Raises:
        DeepcohortError: there is none, or it is damaged.
    """
    path = directory / MANIFEST
    if not path.exists():
        raise DeepcohortError(
            f"{directory} holds no finished examples ({MANIFEST} is missing); run: deepcohort examples"
        )
    try:
        manifest: dict[str, Any] = json.loads(text_of(path))
        check_manifest(manifest)
    except (ValueError, RecursionError) as error:
        raise DeepcohortError(f"{path} is damaged ({error}); make the examples again") from error
    return manifest


def open_examples(directories: Sequence[str | Path]) -> ExampleSet:
    """Examples of several folders as one set; bucket k joins the folders' buckets k.

    Raises:
        DeepcohortError: no examples there, another encoder, or folders that do not fit together.
    """
    if not directories:
        raise DeepcohortError("no examples given; name at least one folder with --examples")
    manifests = [(directory, _manifest_of(directory)) for directory in map(Path, directories)]
    first = manifests[0][1]
    config = PileupConfig(**first["pileup"])
    for directory, manifest in manifests:
        if manifest["encoder"] != encoder_signature(config):
            raise DeepcohortError(
                f"examples in {directory} were made by another encoder version or pileup size; "
                "make them again"
            )
        if manifest["platform"] != first["platform"]:
            raise DeepcohortError(
                f"examples in {directory} are {manifest['platform']}, others {first['platform']}; "
                "train one model per platform"
            )
    n_buckets = max(len(m["buckets"]) for _, m in manifests)
    buckets: list[list[Path]] = [[] for _ in range(n_buckets)]
    for directory, manifest in manifests:
        for index, files in enumerate(manifest["buckets"]):
            buckets[index] += [directory / name for name in files]
    labels = np.sum([m["labels"] for _, m in manifests], axis=0).tolist()
    return ExampleSet(
        tuple(map(tuple, buckets)),
        config,
        first["platform"],
        (labels[0], labels[1], labels[2]),
        tuple(m["about"] for _, m in manifests),
    )
