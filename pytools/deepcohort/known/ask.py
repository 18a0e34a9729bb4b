"""What is known beforehand of a stretch of the genome, held against its reads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.types import CandidateEvidence
from deepcohort.core.region import Region
from deepcohort.known.config import KnownConfig
from deepcohort.known.evidence import look_up, natural_odds, take_known, without_judged
from deepcohort.known.io_known import KnownSites
from deepcohort.known.io_panel import PanelSites
from deepcohort.known.panel import (
    frequencies_of,
    panel_odds,
    with_panel_alleles,
    without_unlikely,
    worth_a_look,
)
from deepcohort.known.types import GivenAlleles, KnownEvidence
from deepcohort.reads.scan import Near

# a read says something of an allele whose POS it covers, with its soft-clipped start too; the rest is room
_BESIDE_BP = 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """Alleles of a window that the user gave, and those of the panel; None where there is no such file."""

    given: GivenAlleles | None
    panel: GivenAlleles | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Alleles that the user gave, those of the panel, and what the reads say of them."""

    given: GivenAlleles | None
    panel: GivenAlleles | None
    found: KnownEvidence


def stretches_of(given: GivenAlleles, window: Region) -> Near:
    """Where a read must reach to say anything of `given` alleles of `window`."""
    starts = given.alleles.pos + window.start
    return Near.of(starts - _BESIDE_BP, starts + given.alleles.ref_len + _BESIDE_BP)


class KnownFiles:
    """The user's alleles and panel, either or both."""

    def __init__(
        self,
        alleles: Path | None,
        panel: Path | None,
        population: str,
        contig_lengths: Mapping[str, int],
        config: KnownConfig,
    ) -> None:
        """Open what there is.

        Raises:
            DeepcohortError: see `KnownSites` and `PanelSites`.
        """
        self._config = config
        self._given: KnownSites | None = None
        self._panel: PanelSites | None = None
        if alleles is not None:
            self._given = KnownSites(alleles, contig_lengths, "--alleles", config)
        if panel is not None:
            self._panel = PanelSites(panel, contig_lengths, population, config)

    def close(self) -> None:
        """Close the files."""
        for sites in (self._given, self._panel):
            if sites is not None:
                sites.close()

    def fetch(self, window: Region, around: Region, codes: NDArray[np.uint8]) -> Fetched:
        """Known alleles in `around`. `window`: holds it, and the reads. codes: uint8 codes of the window."""
        files = (self._given, self._panel)
        return Fetched(*(None if file is None else file.fetch(window, codes, around) for file in files))

    def ask(
        self,
        known: Fetched,
        window: Region,
        codes: NDArray[np.uint8],
        evidence: CandidateEvidence,
        candidates: CandidatesConfig,
        second_look: bool = False,
    ) -> Asked | None:
        """What the reads say of `known` alleles; None where no file was given.

        Args:
            window, codes: as in `fetch`. second_look: see `without_judged`.
        """
        given, panel = known.given, known.panel
        if panel is not None:
            return Asked(given, panel, self._with_panel(given, panel, window, codes, evidence, candidates))
        if given is None:
            return None
        found = look_up(given, evidence, codes, window, candidates, self._config)
        return Asked(given, None, without_judged(found, candidates) if second_look else found)

    def _with_panel(
        self,
        given: GivenAlleles | None,
        panel: GivenAlleles,
        window: Region,
        codes: NDArray[np.uint8],
        evidence: CandidateEvidence,
        candidates: CandidatesConfig,
    ) -> KnownEvidence:
        """The panel's alleles too, where some read shows them and they are not surely absent."""
        more = worth_a_look(panel, evidence.counts, window.start, self._config)
        asked, by_user = with_panel_alleles(given, more)
        found = look_up(asked, evidence, codes, window, candidates, self._config, by_user)
        found = replace(found, frequency=frequencies_of(found.table, panel, window.start))
        diploid = np.full(len(found.table), 2, np.int8)
        odds = panel_odds(found.table, found.frequency, diploid, self._config)
        odds += natural_odds(found.table, self._config)
        return take_known(found, without_unlikely(found, odds, self._config))
