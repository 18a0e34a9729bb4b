"""Panels: alleles of an indexed VCF or BCF with their frequencies."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from cyvcf2 import VCF
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.known.config import KnownConfig
from deepcohort.known.io_known import CHECKED_FIRST, KnownSites, SiteRecord, chunks_for

_KEYS_TOLD = 12
_ROUNDED = 1e-3  # by so much a stated frequency may lie above 1


def _values(value: Any, n: int) -> list[float]:
    """`n` numbers of an INFO value, NaN for what is missing."""
    values = list(value) if isinstance(value, tuple) else [value]
    numbers = [math.nan if x is None else float(x) for x in values[:n]]
    return numbers + [math.nan] * (n - len(numbers))


class PanelKeys:
    """Where the frequencies of a file stand: INFO keys, or its genotypes.

    Attributes:
        count, total: of alleles (AC, AN), or "". share: of frequencies (AF), or "". All "": genotypes.
    """

    def __init__(self, count: str = "", total: str = "", share: str = "") -> None:
        self.count, self.total, self.share = count, total, share

    @property
    def text(self) -> str:
        """For people: AC_EUR/AN_EUR, EUR_AF, GT."""
        return f"{self.count}/{self.total}" if self.count else self.share or "GT"

    def of(self, info: Any, n: int) -> tuple[float, ...]:
        """Frequencies of the `n` alternates of a record; NaN where it has none."""
        if self.count:
            total = _values(info.get(self.total), 1)[0]
            if total > 0:
                return tuple(x / total for x in _values(info.get(self.count), n))
            if total == 0 or not self.share:
                return (math.nan,) * n
        return tuple(_values(info.get(self.share), n))


def _named(info: Mapping[str, Any], *spellings: str) -> str:
    """The key of a header's INFO that is one of `spellings`, whatever the case of its letters."""
    keys = {key.lower(): key for key in info}
    return next((keys[x.lower()] for x in spellings if x.lower() in keys), "")


def populations_of(info: Mapping[str, Any]) -> list[str]:
    """Names of the populations that INFO keys give frequencies of (AF_x, x_AF, AC_x, x_AC)."""
    found = set()
    for key in info:
        for word in ("AF", "AC"):
            if key.upper().startswith(f"{word}_"):
                found.add(key[len(word) + 1 :])
            elif key.upper().endswith(f"_{word}"):
                found.add(key[: -len(word) - 1])
    return sorted(found)


def keys_of(
    path: Path, info: Mapping[str, Any], has_genotypes: bool, population: str, option: str = "--panel"
) -> PanelKeys:
    """Where `path`, the user's `option`, states the frequencies (of `population`, "": of all).

    Raises:
        DeepcohortError: the population is unknown, or nothing tells a frequency.
    """
    p = population
    if p:
        count, total = _named(info, f"AC_{p}", f"{p}_AC"), _named(info, f"AN_{p}", f"{p}_AN")
        share = _named(info, f"AF_{p}", f"{p}_AF")
    else:
        count, total, share = _named(info, "AC"), _named(info, "AN"), _named(info, "AF")
    if count and total:
        return PanelKeys(count, total, share)
    if share:
        return PanelKeys(share=share)
    if p:
        names = populations_of(info)
        told = ", ".join(names[:_KEYS_TOLD]) + (", ..." if len(names) > _KEYS_TOLD else "")
        remedy = f"choose from {told}" if names else "leave --panel-population out"
        raise DeepcohortError(f"{path} gives no frequencies of population {p!r} in INFO; {remedy}")
    if has_genotypes:
        return PanelKeys()
    raise DeepcohortError(
        f"{path} tells no frequencies: INFO has neither AC and AN nor AF, and there are no genotypes; "
        f"give {option} another file, or count them first: bcftools +fill-tags"
    )


class PanelSites(KnownSites):
    """Alleles of an indexed VCF or BCF with their frequencies."""

    def __init__(
        self,
        path: Path,
        contig_lengths: Mapping[str, int],
        population: str = "",
        config: KnownConfig | None = None,
        option: str = "--panel",
    ) -> None:
        """Open `path`; `option` is the user's word for it.

        Raises:
            DeepcohortError: as of `KnownSites`; no frequencies, or none of `population`.
        """
        super().__init__(path, contig_lengths, option, config)
        header = self._file.header
        try:
            self.keys = keys_of(path, dict(header.info), _n_samples(path) > 0, population, option)
        except DeepcohortError:
            self.close()
            raise
        self._genotypes: Any = VCF(str(path)) if self.keys.text == "GT" else None

    def close(self) -> None:
        """Close the file."""
        super().close()
        genotypes: Any = getattr(self, "_genotypes", None)
        if genotypes is not None:
            genotypes.close()

    def _cut(self, region: Region) -> None:
        """Frequencies are wanted too: lines are only checked."""
        self._checked(region)

    def _read(self, region: Region) -> Iterator[SiteRecord]:
        """Records that overlap `region` with the frequencies of their alternates."""
        start = -1
        seen: set[tuple[str, tuple[str, ...]]] = set()
        for record in self._counted(region) if self._genotypes is not None else self._stated(region):
            if record.start != start:
                start, seen = record.start, set()
            if (record.ref, record.alts) in seen:  # of a VCF they are refused as all lines are checked
                raise DeepcohortError(
                    f"{self.path} has two records of the same POS, REF and ALT at "
                    f"{record.contig}:{record.pos}; leave one: bcftools norm -d exact"
                )
            seen.add((record.ref, record.alts))
            self._check_shares(record)
            yield record

    def _check_shares(self, record: SiteRecord) -> None:
        shares = record.frequencies or ()
        wrong = [x for x in shares if not (math.isnan(x) or 0.0 <= x <= 1.0 + _ROUNDED)]
        if wrong:
            raise DeepcohortError(
                f"{self.path} has a frequency of {wrong[0]:g} at {record.contig}:{record.pos}, no share of "
                f"alleles; give {self._option} another file, or count them first: bcftools +fill-tags"
            )

    def _stated(self, region: Region) -> Iterator[SiteRecord]:
        """Records with the frequencies that INFO states."""
        for record in self._file.fetch(region.contig, region.start, region.end):
            alts = record.alts or ()
            shares = self.keys.of(record.info, len(alts))
            yield SiteRecord(record.contig, record.start, record.ref or "", alts, "", shares)

    def _counted(self, region: Region) -> Iterator[SiteRecord]:
        """The same of genotypes, counted."""
        for record in self._genotypes(f"{region.contig}:{region.start + 1}-{region.end}"):
            alts = tuple(record.ALT)
            if "GT" not in record.FORMAT:
                yield SiteRecord(record.CHROM, record.start, record.REF, alts, "", (math.nan,) * len(alts))
                continue
            alleles = record.genotype.array()[:, :-1]
            counts = np.bincount(alleles[alleles >= 0].astype(np.int64), minlength=len(alts) + 1)
            total = int(counts.sum())
            shares = tuple(float(x) / total if total else math.nan for x in counts[1 : len(alts) + 1])
            yield SiteRecord(record.CHROM, record.start, record.REF, alts, "", shares)

    def check_first(self, regions: Sequence[Region], reference: ReferenceFasta) -> None:
        """Hold the first alleles of `regions` against `reference`, and see that some have a frequency.

        Raises:
            DeepcohortError: see `fetch`; none has.
        """
        super().check_first(regions, reference)
        records = (record for region in chunks_for(regions) for record in self._records(region))
        first = islice(records, CHECKED_FIRST)
        shares = [share for record in first for share in record.frequencies or ()]
        if shares and all(map(math.isnan, shares)):
            raise DeepcohortError(
                f"{self.path} tells no frequencies: its first records lack {self.keys.text}; "
                "give --panel another file, or count them first: bcftools +fill-tags"
            )

    def _check_number(self, pos: NDArray[np.int64], window: Region) -> None:
        """Any number will do: those that no read shows are passed over."""


def _n_samples(path: Path) -> int:
    with pysam.VariantFile(str(path)) as file:
        return len(file.header.samples)
