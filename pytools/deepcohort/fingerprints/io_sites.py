"""The SNPs of a panel that make fingerprints."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.genome import MITOCHONDRIAL_NAMES, pseudo_autosomal, sex_chromosome
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.select import select_rows
from deepcohort.fingerprints.types import FingerprintSites
from deepcohort.known.io_known import SiteRecord
from deepcohort.known.io_panel import PanelKeys, PanelSites, keys_of, populations_of

OPTION = "--fingerprints"
_BASES = frozenset("ACGT")
# what keys of other meaning call themselves (gnomAD, VEP, bcftools +fill-tags)
_NO_POPULATIONS = frozenset(
    (
        "RAW",
        "POPMAX",
        "GRPMAX",
        "MAX",
        "MIN",
        "XX",
        "XY",
        "MALE",
        "FEMALE",
        "HET",
        "HOM",
        "HEMI",
        "JOINT",
        "EXOMES",
        "GENOMES",
        "ADJ",
        "TOTAL",
    )
)


class _Panel(PanelSites):
    """Records with the frequencies in all, and by population."""

    def __init__(self, path: Path, contig_lengths: Mapping[str, int]) -> None:
        super().__init__(path, contig_lengths, option=OPTION)
        info = dict(self._file.header.info)
        self.populations: tuple[str, ...] = ()
        self._by_population: list[PanelKeys] = []
        if self._genotypes is None:
            self.populations, self._by_population = _populations(path, info)

    def _read(self, region: Region) -> Iterator[SiteRecord]:
        if not self._by_population:
            yield from super()._read(region)
            return
        for record in self._file.fetch(region.contig, region.start, region.end):
            alts = record.alts or ()
            if len(alts) != 1:
                yield SiteRecord(record.contig, record.start, record.ref or "", alts, "")
                continue
            shares = [keys.of(record.info, 1)[0] for keys in (self.keys, *self._by_population)]
            yield SiteRecord(record.contig, record.start, record.ref or "", alts, "", tuple(shares))

    def snps(self, region: Region) -> list[tuple[int, str, str, tuple[float, ...]]]:
        """(start, REF, ALT, frequencies) of SNPs of two alleles with a frequency, one record a POS."""
        found: dict[int, tuple[int, str, str, tuple[float, ...]] | None] = {}
        for record in self._records(region):
            shares = record.frequencies or ()
            ref, alt = record.ref.upper(), (record.alts or ("",))[0].upper()
            sound = len(record.alts) == 1 and ref in _BASES and alt in _BASES and shares
            if not region.contains(record.start):
                continue
            if record.start in found or not sound or math.isnan(shares[0]):
                found[record.start] = None
            else:
                found[record.start] = (record.start, ref, alt, tuple(shares))
        return [row for row in found.values() if row is not None]

    def check_base(self, contig: str, start: int, ref: str, reference: ReferenceFasta) -> None:
        """See that REF is the reference's.

        Raises:
            DeepcohortError: it is not.
        """
        there = Region(contig, start, start + 1)
        self._check_ref(SiteRecord(contig, start, ref, (), ""), reference.fetch_codes(there), there)


def _populations(path: Path, info: Mapping[str, Any]) -> tuple[tuple[str, ...], list[PanelKeys]]:
    """Populations whose frequencies INFO gives, and where."""
    names, keys = [], []
    for name in populations_of(info):
        if name.upper() in _NO_POPULATIONS or name.upper().endswith(("_XX", "_XY")):
            continue
        try:
            keys.append(keys_of(path, info, False, name))
        except DeepcohortError:  # AC without AN
            continue
        names.append(name)
    return tuple(names), keys


def read_sites(
    path: Path,
    reference: Path,
    regions: Sequence[Region] | None = None,
    config: FingerprintConfig | None = None,
) -> FingerprintSites:
    """The SNPs of `path` that make fingerprints, the same for every sample.

    Args:
        path: indexed VCF or BCF of SNPs with AC and AN, AF (of populations too), or genotypes.
        regions: disjoint; sites elsewhere are left out; None: all contigs.

    Raises:
        DeepcohortError: as of `PanelSites`; too few usable SNPs.
    """
    config = config or FingerprintConfig()
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
        panel = _Panel(path, lengths)
        try:
            wanted = [Region(c, 0, n) for c, n in lengths.items()] if regions is None else list(regions)
            wanted = [
                r for r in wanted if sex_chromosome(r.contig) != "Y" and r.contig not in MITOCHONDRIAL_NAMES
            ]
            rows = [(r.contig, *row) for r in wanted for row in panel.snps(r)]
            chosen = _chosen(rows, lengths, panel.populations, config)
            if any(
                _is_unknown(fasta, *place) for place in zip(chosen.contig, chosen.pos.tolist(), strict=True)
            ):
                rows = [row for row in rows if not _is_unknown(fasta, row[0], row[1])]
                chosen = _chosen(rows, lengths, panel.populations, config)
            n = int((~chosen.is_x).sum())
            if n < config.min_sites:
                where = "" if regions is None else " where is called"
                raise DeepcohortError(
                    f"{path} has {n} usable SNPs of autosomes{where}, fewer than {config.min_sites}: "
                    f"give {OPTION} biallelic SNPs of frequency {config.min_minor} to {1 - config.min_minor}"
                )
            for contig, start, ref in zip(chosen.contig, chosen.pos.tolist(), chosen.ref, strict=True):
                panel.check_base(contig, start, ref, fasta)
        finally:
            panel.close()
    return chosen


def _is_unknown(reference: ReferenceFasta, contig: str, start: int) -> bool:
    """Whether the reference is masked there."""
    return reference.fetch_text(Region(contig, start, start + 1)).upper() == "N"


def _chosen(
    rows: list[tuple[str, int, str, str, tuple[float, ...]]],
    lengths: Mapping[str, int],
    populations: tuple[str, ...],
    config: FingerprintConfig,
) -> FingerprintSites:
    number = {name: i for i, name in enumerate(lengths)}
    rows.sort(key=lambda row: (number[row[0]], row[1]))
    width = 1 + len(populations)
    shares = np.array([row[4] for row in rows], np.float64).reshape(len(rows), width)
    shares = np.clip(np.where(np.isnan(shares), shares[:, :1], shares), 0.0, 1.0)
    kinds = [_place(row[0], row[1], lengths) for row in rows]
    taken = select_rows(
        np.array([number[row[0]] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        shares[:, 0],
        np.array([kind == "X" for kind in kinds], np.bool_),
        config,
    )
    kept = [rows[i] for i in taken.tolist()]
    places = [(number[row[0]], row[1] // config.linked_bp) for row in kept]
    stretches = {place: i for i, place in enumerate(dict.fromkeys(places))}
    text = "".join(f"{r[0]}\t{r[1]}\t{r[2]}\t{r[3]}\t{r[4]}\n" for r in kept)
    return FingerprintSites(
        contig=tuple(row[0] for row in kept),
        pos=np.array([row[1] for row in kept], np.int64),
        ref=tuple(row[2] for row in kept),
        alt=tuple(row[3] for row in kept),
        frequency=np.clip(shares[taken], config.least_frequency, 1 - config.least_frequency),
        populations=populations,
        is_x=np.array([kinds[i] == "X" for i in taken.tolist()], np.bool_),
        stretch=np.array([stretches[place] for place in places], np.int64),
        digest=hashlib.sha256((" ".join(populations) + "\n" + text).encode()).hexdigest()[:16],
    )


def _place(contig: str, start: int, lengths: Mapping[str, int]) -> str:
    """X, or "" of autosomes and the pseudo-autosomal regions."""
    if sex_chromosome(contig) != "X":
        return ""
    paired = pseudo_autosomal(contig, lengths[contig])
    return "" if any(first <= start < last for first, last in paired) else "X"
