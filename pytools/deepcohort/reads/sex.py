"""Sex of a sample from the depth of X and Y over that of autosomes, by the indexes of its reads alone.

An index counts the reads of each contig (BAM) or the bytes they take (CRAM): nothing else is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.genome import X_NAMES, Y_NAMES, is_numbered
from deepcohort.core.paths import is_remote
from deepcohort.formats.crai import crai_contents
from deepcohort.formats.hts_index import beside, load_index

# XX and XY of whole genomes lie near X 1.0 and 0.5, Y 0.01 and 0.2-0.5 (half of the human Y is N). What lies
# between is not told: exomes, aneuploidies, samples of mixed reads.
_XX_LEAST_X, _XY_X, _Y_BOUND = 0.8, (0.35, 0.65), 0.1
_LEAST_READS = 1_000
_LEAST_COVERED = 0.05  # of X, and of a numbered contig: slices say nothing of a contig
_CRAM_READ_BYTES = 20  # at least, in a slice: bytes stand for reads there


@dataclass(frozen=True, slots=True)
class SexEvidence:
    """Sex "XX", "XY" or "NA"; depths of X and Y over that of the numbered contigs; why these are unknown."""

    sex: str
    x: float | None = None
    y: float | None = None
    why: str = ""

    def told(self) -> str:
        """What a log says of it."""
        if self.x is None:
            return f"sex is unknown ({self.why}): X and Y are called as diploid; state it if they matter"
        depths = f"depth of X is {self.x:.2f}" + ("" if self.y is None else f", of Y {self.y:.2f}")
        if self.sex == "NA":
            return (
                f"sex is unknown ({depths} of that of autosomes): X and Y are called as diploid; state it if "
                "they matter"
            )
        return f"sex {self.sex} by coverage ({depths} of that of autosomes); a stated sex overrules it"

    def note(self, origin: str = "coverage") -> str:
        """The value of a VCF header line."""
        parts = [f"Sex={self.sex}", f"From={origin}"]
        parts += [
            f"{name}={value:.3f}" for name, value in (("X", self.x), ("Y", self.y)) if value is not None
        ]
        return ";".join(parts)


def has_sex_contig(contigs: Sequence[str] | Mapping[str, int]) -> bool:
    """Whether one of the names is X's or Y's."""
    return any(name in contigs for name in X_NAMES | Y_NAMES)


def sex_of_reads(
    reads: Sequence[Path], contigs: Sequence[Mapping[str, int]], indexes: Sequence[Path | None] = ()
) -> SexEvidence:
    """Sex of the sample whose reads these files are.

    Args:
        reads: BAM or CRAM. contigs: lengths by name, in the order of each file's header.
        indexes: one per file; None, and where not given: beside it.
    """
    total: dict[str, tuple[float, float]] = {}
    for number, (path, lengths) in enumerate(zip(reads, contigs, strict=True)):
        if is_remote(path) or "://" in str(path):
            return SexEvidence("NA", why="reads at URLs are not counted")
        index = indexes[number] if number < len(indexes) else None
        try:
            found = _weights(Path(path), list(lengths.items()), index)
        except DeepcohortError:
            return SexEvidence("NA", why=f"the index of {Path(path).name} does not count reads")
        for name, (weight, covered) in found.items():
            before = total.get(name, (0.0, 0.0))
            total[name] = (before[0] + weight, max(before[1], covered))
    return judge_depths(total, {name: bp for lengths in contigs for name, bp in lengths.items()})


def judge_depths(found: Mapping[str, tuple[float, float]], lengths: Mapping[str, int]) -> SexEvidence:
    """Sex by (reads, covered bp) of each contig."""
    x_name = next((name for name in lengths if name in X_NAMES), "")
    y_name = next((name for name in lengths if name in Y_NAMES), "")
    if not x_name:
        return SexEvidence("NA", why="the reads have no contig X")
    whole = [
        name
        for name, (_, covered) in found.items()
        if is_numbered(name) and covered >= _LEAST_COVERED * lengths[name]
    ]
    reads, covered = (sum(found[name][k] for name in whole) for k in range(2))
    x_reads, x_covered = found.get(x_name, (0.0, 0.0))
    if reads < _LEAST_READS or x_covered < _LEAST_COVERED * lengths[x_name]:
        return SexEvidence("NA", why="too little of X or of the numbered contigs has reads")
    depth = reads / covered
    x = x_reads / x_covered / depth
    y = found.get(y_name, (0.0, 0.0))[0] / lengths[y_name] / depth if y_name else None
    if x >= _XX_LEAST_X and (y is None or y < _Y_BOUND):
        return SexEvidence("XX", x, y)
    if _XY_X[0] <= x <= _XY_X[1] and (y is None or y >= _Y_BOUND):
        return SexEvidence("XY", x, y)
    return SexEvidence("NA", x, y)


def mapped_share(reads: Sequence[Path]) -> float | None:
    """Mapped reads of all in the files, by their indexes; None where one does not say (CRAM, URLs)."""
    mapped = total = 0
    for path in map(Path, reads):
        index = None if is_remote(path) else beside(path, (".bai", ".csi"))
        if index is None:
            return None
        try:
            known = load_index(index, f"run: samtools index {path}")
        except DeepcohortError:  # told where the reads are opened
            return None
        counts = [known.read_counts(ref) or (0, 0) for ref in range(known.n_contigs)]
        if not any(sum(pair) for pair in counts):
            return None
        mapped += sum(pair[0] for pair in counts)
        total += sum(map(sum, counts)) + known.n_unplaced
    return mapped / total if total else None


def _weights(
    path: Path, contigs: Sequence[tuple[str, int]], index: Path | None
) -> dict[str, tuple[float, float]]:
    """Reads (or their like) and covered bp of each contig that has any."""
    is_cram = path.suffix.lower() == ".cram"
    index = index or beside(path, (".crai",) if is_cram else (".bai", ".csi"))
    if index is None:
        raise DeepcohortError(f"{path} is not indexed; run: samtools index {path}")
    found: dict[str, tuple[float, float]] = {}
    if is_cram:
        for number, (n_bytes, span) in crai_contents(index, path).items():
            if number < len(contigs):
                name, length = contigs[number]
                found[name] = (n_bytes / _CRAM_READ_BYTES, min(float(length), span))
        return found
    known = load_index(index, f"run: samtools index {path}")
    for number, (name, length) in enumerate(contigs[: known.n_contigs]):
        counts = known.read_counts(number)
        if counts is None:
            if known.span(number) is not None:
                raise DeepcohortError(f"index {index} does not count reads")
            continue
        found[name] = (float(counts[0]), float(min(length, known.covered_bp(number))))
    return found
