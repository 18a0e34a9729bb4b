"""Genotypes of a cohort kept as VCF Zarr (`deepcohort export --format zarr`, bio2zarr), by contig."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.extras import remedy_for
from deepcohort.popgen.io_scan import ContigGenotypes, likelihoods_of

_NEEDED = ("sample_id", "contig_id", "variant_contig", "variant_position", "variant_allele", "call_genotype")
_BASES = list("ACGT")
_ROWS = 10_000  # variants in memory as they are stored


def is_zarr(path: str | Path) -> bool:
    """Whether a path is VCF Zarr by its looks: a folder, or a zip."""
    path = Path(path)
    return path.is_dir() or path.suffix == ".zip"


class ZarrCohort:
    """A VCF Zarr store, some samples of it."""

    def __init__(self, path: str | Path, wanted: list[str] | None) -> None:
        """Open `path`.

        Raises:
            DeepcohortError: zarr is absent, no VCF Zarr, samples that are not there.
        """
        self.path = Path(path)
        self._group = _open(self.path)
        missing = [name for name in _NEEDED if name not in self._group]
        if missing:
            what = "genotypes" if "call_genotype" in missing else missing[0]
            raise DeepcohortError(f"VCF Zarr {path} has no {what}; popgen scan needs genotypes of a cohort")
        names = [str(name) for name in self._group["sample_id"][:]]
        place, asked = {name: i for i, name in enumerate(names)}, set(wanted or [])
        absent = [name for name in wanted or [] if name not in place]
        if absent or not names:
            told = f"no sample {absent[0]}" if absent else "no samples"
            raise DeepcohortError(f"VCF Zarr {path} has {told}; check --samples")
        chosen = names if wanted is None else [name for name in names if name in asked]
        self.samples = chosen
        self._columns = np.array([place[name] for name in chosen])

    def contigs(self, with_pl: bool) -> Iterator[ContigGenotypes]:
        """Contigs that have biallelic SNPs, in the order of the store.

        Raises:
            DeepcohortError: records out of order, genotypes of more than two alleles, a damaged store.
        """
        try:
            yield from self._contigs(with_pl)
        except DeepcohortError:
            raise
        except Exception as error:  # what zarr and its codecs raise on damage has no common kind
            reason = " ".join(str(error).split())[:200]
            raise DeepcohortError(f"VCF Zarr {self.path} cannot be read: {reason}") from error

    def _contigs(self, with_pl: bool) -> Iterator[ContigGenotypes]:
        group = self._group
        home = np.asarray(group["variant_contig"][:], np.int64)
        positions = np.asarray(group["variant_position"][:], np.int64)
        names = [str(name) for name in group["contig_id"][:]]
        lengths = np.asarray(group["contig_length"][:], np.int64) if "contig_length" in group else None
        edges = [0, *(np.flatnonzero(np.diff(home)) + 1), len(home)]
        seen: set[int] = set()
        for first, last in itertools.pairwise(edges):
            if first == last:
                continue
            k = int(home[first])
            if k in seen or (np.diff(positions[first:last]) < 0).any():
                raise DeepcohortError(f"VCF Zarr {self.path} is not sorted at {names[k]}; export it again")
            seen.add(k)
            parts = [
                self._rows(start, min(start + _ROWS, last), with_pl) for start in range(first, last, _ROWS)
            ]
            own = [
                np.concatenate(column) if column[0] is not None else None
                for column in zip(*parts, strict=True)
            ]
            pos, alleles, phased, pl, depth, sets = own
            if pos is None or not len(pos):
                continue
            length = max(int(lengths[k]) if lengths is not None else 0, int(positions[last - 1]))
            yield ContigGenotypes(names[k], length, pos, alleles, phased, pl, depth, sets)  # type: ignore[arg-type]

    def _rows(self, start: int, end: int, with_pl: bool) -> tuple[NDArray[Any] | None, ...]:
        """Positions, alleles, phase, PL, DP, PS of the rows kept of start to end."""
        group, part = self._group, slice(start, end)
        keep = np.flatnonzero(self._wanted(part))
        calls = np.asarray(group["call_genotype"][part])[keep][:, self._columns]
        if calls.shape[2] > 2:
            raise DeepcohortError(
                f"VCF Zarr {self.path} has genotypes of {calls.shape[2]} alleles; popgen scan takes "
                "haploid and diploid samples"
            )
        alleles = np.full((*calls.shape[:2], 2), -2, np.int8)
        alleles[:, :, : calls.shape[2]] = calls
        phased = np.zeros(alleles.shape[:2], bool)
        if "call_genotype_phased" in group:
            phased = np.asarray(group["call_genotype_phased"][part])[keep][:, self._columns]
        pos = np.asarray(group["variant_position"][part], np.int64)[keep] - 1
        pl = self._numbers("call_PL", part, keep) if with_pl else None
        depth = self._numbers("call_DP", part, keep) if with_pl else None
        pl = None if pl is None else likelihoods_of(pl[:, :, :3])  # the store is as wide as its widest site
        sets = None
        if "call_PS" in group and group["call_PS"].dtype.kind == "i":
            sets = np.maximum(np.asarray(group["call_PS"][part], np.int64)[keep][:, self._columns], -1)
        return pos, alleles, phased, pl, depth, sets

    def _wanted(self, part: slice) -> NDArray[np.bool_]:
        """Biallelic SNPs that pass filters."""
        group = self._group
        text = np.asarray(group["variant_allele"][part]).astype(object).astype(str)
        keep = np.isin(text[:, 0], _BASES) & np.isin(text[:, 1], _BASES) & (text[:, 2:] == "").all(axis=1)
        if "variant_filter" in group and "filter_id" in group:
            passes = np.array([str(name) == "PASS" for name in group["filter_id"][:]])
            keep &= ~np.asarray(group["variant_filter"][part])[:, ~passes].any(axis=1)
        return np.asarray(keep)

    def _numbers(self, key: str, part: slice, keep: NDArray[np.int64]) -> NDArray[np.float32] | None:
        if key not in self._group:
            return None
        values = np.asarray(self._group[key][part])[keep][:, self._columns].astype(np.float32)
        return np.where(values < 0, np.float32(np.nan), values)


def _open(path: Path) -> Any:
    if not path.exists():
        raise DeepcohortError(f"VCF Zarr {path} does not exist; check --vcf")
    try:
        import zarr
        from zarr.storage import ZipStore
    except ImportError as error:
        raise DeepcohortError(
            f"{path} is VCF Zarr, which needs zarr, which is not installed here; {remedy_for('zarr')}"
        ) from error
    try:
        return zarr.open_group(ZipStore(path, mode="r") if path.suffix == ".zip" else str(path), mode="r")
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise DeepcohortError(f"{path} is neither a VCF nor VCF Zarr ({reason}); check --vcf") from error
