"""A stored cohort in parts: one store per shard, and `cohort.json` beside them that says what they make up.

Parts let a cohort be stored by many tasks, each a shard, and be read by others that cut it differently: a
window is read from the part that holds it, and windows end where a part does (`cut_at`).
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from deepcohort import __version__
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region, intersect, merge_regions
from deepcohort.joint.io_store import CohortStore, StoreWriter, check_names, distinct_names, holds
from deepcohort.joint.pedigree import Pedigree, pedigree_of_rows, pedigree_rows
from deepcohort.joint.window import RecordBatch

MANIFEST = "cohort.json"
_FORMAT = 1
_NAMED = 3  # regions spelt out in one message


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """What a stored cohort says of itself.

    Attributes:
        path: of the store, folder or manifest. samples: names. contigs: name -> bp of its reference.
        regions: where sites may start. pedigree: families and sexes.
    """

    path: Path
    samples: list[str]
    contigs: dict[str, int]
    regions: list[Region]
    pedigree: Pedigree


class StoredCohort:
    """Stores of the same samples in disjoint regions, read as one.

    Attributes:
        path: what messages call it. samples, contigs, pedigree: as in each part.
        regions: of all parts, in their order.
    """

    def __init__(self, path: Path, parts: Sequence[CohortStore]) -> None:
        """See that the parts fit together.

        Raises:
            DeepcohortError: parts that overlap (both named), or were made on different references.
        """
        self.path = path
        self.parts = list(parts)
        first = self.parts[0]
        self.samples, self.contigs = first.samples, first.contigs
        self.pedigree = first.pedigree
        for part in self.parts[1:]:
            if part.contigs != first.contigs:
                raise DeepcohortError(f"{first.path} and {part.path} were made on different references")
        self.regions = [region for part in self.parts for region in part.regions]
        self._parts_at: dict[str, list[tuple[Region, CohortStore]]] = {}
        for part in self.parts:
            for region in part.regions:
                self._parts_at.setdefault(region.contig, []).append((region, part))
        _check_apart(self.samples[0], [(region, part.path) for part in self.parts for region in part.regions])
        for held_parts in self._parts_at.values():
            held_parts.sort(key=lambda pair: pair[0].start)
        self._starts = {name: [r.start for r, _ in held_parts] for name, held_parts in self._parts_at.items()}
        self._current = first

    @property
    def has_phase(self) -> bool:
        """Whether some sample's gVCF tells phase."""
        return any(part.has_phase for part in self.parts)

    def beside_bp(self, pad_bp: int) -> int:
        """How far to both sides of its regions sites can be judged whose records reach `pad_bp` further."""
        return max(0, min(min(part.left_bp, part.pad_bp - pad_bp) for part in self.parts))

    @property
    def labels(self) -> list[str]:
        """Name of each sample's origin, for messages."""
        return [f"{self.path} (sample {name})" for name in self.samples]

    def seek(self, contig: str, pos: int) -> None:
        """Forget what is held; any window may be read next."""
        self._current.seek(contig, pos)

    def read(self, window: Region, pad_bp: int, left_bp: int = 0) -> RecordBatch:
        """Records of all samples that overlap `window` grown by `pad_bp` (right) and `left_bp`.

        Args:
            window: within one region of one part.
        """
        number = bisect_right(self._starts[window.contig], window.start) - 1
        part = self._parts_at[window.contig][number][1]
        if part is not self._current:
            self._current.seek(window.contig, window.start)
            self._current = part
        return part.read(window, pad_bp, left_bp)

    def check_regions(self, wanted: Sequence[Region], pad_bp: int) -> None:
        """See that windows of `wanted` can be read.

        Raises:
            DeepcohortError: a region is not in the store, or too little beside it.
        """
        merged = merge_regions(self.regions)
        absent = [str(r) for r in wanted if not any(holds(region, r) for region in merged)]
        if absent:
            raise DeepcohortError(
                f"stored cohort {self.path} lacks {len(absent)} of {len(wanted)} regions "
                f"({', '.join(absent[:_NAMED])}); give --region or --regions within it"
            )
        for part in self.parts:
            if pad_bp > part.pad_bp:
                raise DeepcohortError(
                    f"stored cohort {part.path} keeps {part.pad_bp} bp beside its regions, "
                    f"{pad_bp} are needed"
                )


def open_stores(paths: Sequence[str | Path]) -> list[StoredCohort]:
    """The stored cohorts at `paths`: stores, or folders of parts; stores of the same samples are one cohort.

    Raises:
        DeepcohortError: something absent, damaged, or not what its folder's manifest says.
    """
    groups: dict[tuple[str, ...], list[CohortStore]] = {}
    names: dict[tuple[str, ...], Path] = {}
    for path in map(Path, paths):
        parts = _parts_of(path) if path.is_dir() else [CohortStore(path)]
        for part in parts:
            key = tuple(part.samples)
            groups.setdefault(key, []).append(part)
            names.setdefault(key, path)
    return [StoredCohort(names[key], parts) for key, parts in groups.items()]


def _parts_of(folder: Path) -> list[CohortStore]:
    manifest = _load(folder / MANIFEST)
    parts = []
    for name, n_bytes, _ in manifest.parts:
        path = folder / name
        if not path.exists():
            raise DeepcohortError(f"stored cohort {folder} lacks its part {name}; copy or make it again")
        if path.stat().st_size != n_bytes:
            raise DeepcohortError(
                f"stored cohort {folder}: {name} has {path.stat().st_size} bytes, {MANIFEST} says {n_bytes}; "
                "the run that wrote it did not finish, repeat it with -resume"
            )
        part = CohortStore(path)
        if part.samples != manifest.samples:
            raise DeepcohortError(f"stored cohort {folder}: {name} is of other samples than {MANIFEST}")
        parts.append(part)
    return parts


@dataclass(frozen=True, slots=True)
class _Manifest:
    """cohort.json: what all parts share, and (file, bytes, regions) of each."""

    samples: list[str]
    contigs: dict[str, int]
    pedigree: Pedigree
    parts: list[tuple[str, int, list[Region]]]


def _load(path: Path) -> _Manifest:
    """The manifest at `path`.

    Raises:
        DeepcohortError: it is absent, or says something else than a manifest does.
    """
    if not path.exists():
        raise DeepcohortError(
            f"{path.parent} is no stored cohort: it has no {MANIFEST}; name the folder that a finished run "
            "made (cohort/store), or its stores one by one"
        )
    try:
        told = json.loads(path.read_text())
        if told["format"] != _FORMAT:
            raise ValueError(f"format {told['format']}, not {_FORMAT}")
        contigs = {str(name): int(length) for name, length in told["contigs"]}
        parts = [
            (str(row["file"]), int(row["bytes"]), [Region(*region) for region in row["regions"]])
            for row in told["parts"]
        ]
        if not parts or not told["samples"]:
            raise ValueError("no part or no sample")
        for name, _, regions in parts:
            if Path(name).name != name or not regions or any(r.contig not in contigs for r in regions):
                raise ValueError(f"part {name}")
        samples, pedigree = distinct_names(told["samples"]), pedigree_of_rows(told["pedigree"])
        check_names(samples, pedigree, contigs)
        return _Manifest(samples, contigs, pedigree, parts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, DeepcohortError) as error:
        raise DeepcohortError(f"{path} is no table of a stored cohort ({error}); make it again") from error


def summarise_store(path: Path) -> StoredSummary:
    """What the stored cohort at `path` holds: a store, a folder of parts, or their cohort.json alone.

    Raises:
        DeepcohortError: it does not exist or cannot be read.
    """
    if path.is_dir():
        _parts_of(path)  # whole, and what the table says
    if path.is_dir() or path.suffix == ".json":
        told = _load(path / MANIFEST if path.is_dir() else path)
        regions = [region for _, _, held in told.parts for region in held]
        return StoredSummary(path, told.samples, told.contigs, regions, told.pedigree)
    store = CohortStore(path)
    return StoredSummary(path, store.samples, store.contigs, store.regions, store.pedigree)


@dataclass(frozen=True, slots=True)
class _Part:
    """A row of the manifest, with what all its parts must share."""

    origin: Path
    file: str
    n_bytes: int
    regions: list[Region]
    samples: list[str]
    contigs: dict[str, int]
    pedigree: Pedigree


def _described(path: Path) -> list[_Part]:
    """Parts at `path`: a store, or the manifest of parts that lie elsewhere."""
    if path.suffix != ".json":
        store = CohortStore(path)
        size = path.stat().st_size
        return [_Part(path, path.name, size, store.regions, store.samples, store.contigs, store.pedigree)]
    told = _load(path)
    return [
        _Part(path / name, name, n_bytes, regions, told.samples, told.contigs, told.pedigree)
        for name, n_bytes, regions in told.parts
    ]


def write_manifest(
    paths: Sequence[Path], output: Path, shards: Sequence[tuple[str, Sequence[Region]]] = ()
) -> StoredSummary:
    """Write the table that makes stores, which lie or will lie beside it, one cohort; says what it holds.

    Args:
        paths: stores, or manifests of some of the parts (then the stores need not be at hand).
        shards: name and regions of each part there must be; none: what the parts hold is all there is.

    Raises:
        InputProblems: parts of other samples, missing parts, parts nobody asked for; overlapping ones.
    """
    parts = [part for path in paths for part in _described(path)]
    if not parts:
        raise DeepcohortError("no part given; use --part (repeat) or --part-list")
    first = parts[0]
    problems = [
        f"{part.origin} is of other samples than {first.origin}"
        for part in parts[1:]
        if part.samples != first.samples
    ]
    if problems:
        raise InputProblems(problems)
    _check_apart(first.samples[0], [(region, part.origin) for part in parts for region in part.regions])
    order = {name: i for i, name in enumerate(first.contigs)}
    parts.sort(key=lambda part: (order[part.regions[0].contig], part.regions[0].start))
    regions = [region for part in parts for region in part.regions]
    if shards:
        _check_shards(parts, regions, shards)
    manifest = {
        "format": _FORMAT,
        "written_by": f"deepcohort {__version__}",
        "samples": first.samples,
        "contigs": [[name, length] for name, length in first.contigs.items()],
        "pedigree": pedigree_rows(first.pedigree),
        "parts": [
            {
                "file": part.file,
                "bytes": part.n_bytes,
                "regions": [[r.contig, r.start, r.end] for r in part.regions],
            }
            for part in parts
        ],
    }
    with atomic_outputs(output) as (temporary,):
        temporary.write_text(json.dumps(manifest) + "\n")
    return StoredSummary(output, first.samples, first.contigs, regions, first.pedigree)


def _check_apart(sample: str, held: Sequence[tuple[Region, Path]]) -> None:
    """See that no two files hold the same base.

    Raises:
        DeepcohortError: two that do.
    """
    for (one, path), (two, other) in pairwise(sorted(held, key=lambda row: row[0])):
        if one.contig == two.contig and two.start < one.end:
            raise DeepcohortError(f"sample {sample} is given twice at {two}, by {path} and {other}; keep one")


def _check_shards(
    parts: Sequence[_Part], regions: list[Region], shards: Sequence[tuple[str, Sequence[Region]]]
) -> None:
    held = merge_regions(regions)
    problems = []
    for name, part in shards:
        asked = merge_regions(part)
        if sum(map(len, intersect(held, asked))) != sum(map(len, asked)):
            problems.append(f"no part holds {name} ({asked[0]}{', ...' if len(asked) > 1 else ''}) whole")
    table = merge_regions([region for _, part in shards for region in part])
    for store in parts:
        if sum(map(len, intersect(store.regions, table))) != sum(map(len, store.regions)):
            problems.append(f"{store.origin} holds regions that are in no shard")
    if problems:
        raise InputProblems(problems)


class PartsWriter:
    """Writes a stored cohort as one store, or as one part per shard, window after window in genome order."""

    def __init__(
        self,
        parts: Sequence[tuple[Path, Sequence[Region]]],
        make: Callable[[Path, Sequence[Region]], StoreWriter],
    ) -> None:
        self._parts = list(parts)
        self._make = make
        self._next = 0
        self._writer: StoreWriter | None = None

    def add(self, window: Region, batches: Sequence[RecordBatch]) -> None:
        """Records of `window`, which lies within one region of the part whose turn it is."""
        path, regions = self._parts[self._next]
        if self._writer is None:
            self._writer = self._make(path, regions)
        self._writer.add(window, batches)
        if window.contig == regions[-1].contig and window.end == regions[-1].end:
            self._writer.close()
            self._writer = None
            self._next += 1

    def abort(self) -> None:
        """Close what is half-written."""
        if self._writer is not None:
            self._writer.abort()


def cut_at(regions: Sequence[Region], others: Sequence[Region]) -> Iterator[Region]:
    """`regions`, cut wherever one of `others` starts or ends."""
    edges: dict[str, set[int]] = {}
    for other in others:
        edges.setdefault(other.contig, set()).update((other.start, other.end))
    ordered = {contig: sorted(found) for contig, found in edges.items()}
    for region in regions:
        mine = ordered.get(region.contig, [])
        inside = mine[bisect_right(mine, region.start) : bisect_left(mine, region.end)]
        for start, end in pairwise([region.start, *inside, region.end]):
            yield Region(region.contig, start, end)
