"""Phase written into the lines of a sample's gVCF and VCF as they pass by."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.vcf_text import Segment
from deepcohort.phase.config import PhaseConfig
from deepcohort.phase.kernels_text import phase_lines
from deepcohort.phase.solve import phase_sites
from deepcohort.phase.types import Evidence, Phases


class EvidenceSource(Protocol):
    """Where evidence comes from: a file of a shard, or memory."""

    def evidence(self, contig: str) -> Evidence | None:
        """Of a contig, or None where it has no site."""


class EvidenceInMemory:
    """Evidence of the contigs that this process has called."""

    def __init__(self, found: Sequence[Evidence]) -> None:
        self._found: Mapping[str, Evidence] = {evidence.contig: evidence for evidence in found}

    def evidence(self, contig: str) -> Evidence | None:
        """Of a contig, or None where it has no site."""
        return self._found.get(contig)


def joined_evidence(parts: Sequence[Evidence]) -> Evidence:
    """Evidence of one contig from shards that share no site: that of one run over all of them.

    Raises:
        DeepcohortError: two parts hold the same site.
    """
    if len(parts) == 1:
        return parts[0]
    first = np.cumsum([0] + [len(part) for part in parts])
    pos = np.concatenate([part.pos for part in parts])
    by_pos = np.argsort(pos)  # one shard may lie between regions of another
    new = np.empty(len(pos), np.int64)
    new[by_pos] = np.arange(len(pos))
    pos = pos[by_pos]
    if (np.diff(pos) <= 0).any():
        raise DeepcohortError(f"two files of phase evidence hold the same sites of {parts[0].contig}")
    fragment = np.concatenate([part.fragment for part in parts])
    site = new[np.concatenate([part.site + n for part, n in zip(parts, first[:-1], strict=True)])]
    odds = np.concatenate([part.odds for part in parts])
    order = np.lexsort((site, fragment))
    return Evidence(parts[0].contig, pos, fragment[order], site[order].astype(np.int32), odds[order])


class PhaseSource:
    """Phases of a sample, contig by contig, each solved once."""

    def __init__(self, sources: Sequence[EvidenceSource], config: PhaseConfig | None = None) -> None:
        self._sources, self._config = sources, config
        self._solved: dict[str, Phases] = {}

    def phases(self, contig: str) -> Phases:
        """Of a contig, from what all sources say of it."""
        if contig not in self._solved:
            parts = [part for source in self._sources if (part := source.evidence(contig)) is not None]
            nothing = np.empty(0, np.int64)
            empty = Phases(contig, nothing, nothing > 0, nothing, nothing.astype(np.int32))
            self._solved[contig] = phase_sites(joined_evidence(parts), self._config) if parts else empty
        return self._solved[contig]


class Phaser:
    """Phases the lines of one file, in genome order."""

    def __init__(self, source: PhaseSource) -> None:
        self._source = source
        self._contigs: set[str] = set()
        self._n_missing = 0
        self.n_phased = 0

    def apply(self, segment: Segment) -> Segment:
        """`segment`, the next lines of a file in genome order, with phase.

        Raises:
            DeepcohortError: a site of the evidence is not heterozygous, or phased already.
        """
        phases = self._of(segment.contig)
        if not len(segment.lines):
            return segment
        first, last = np.searchsorted(phases.pos, (segment.lines[0, 0], segment.lines[-1, 0] + 1))
        if first == last:
            return segment
        own = slice(first, last)
        text, lines, n, wrong = phase_lines(
            np.frombuffer(segment.text, np.uint8), segment.lines, phases.pos[own], phases.flipped[own],
            phases.block[own], phases.quality[own],
        )  # fmt: skip
        if wrong >= 0:
            line = segment.part(wrong, wrong + 1).text[:60].decode(errors="replace")
            raise DeepcohortError(
                "the phase evidence is not of these records: no unphased heterozygous genotype at "
                f"'{line}'; give both files of one run of `deepcohort call`"
            )
        self.n_phased += n
        self._n_missing -= n
        return Segment(segment.contig, text.tobytes(), lines)

    def _of(self, contig: str) -> Phases:
        phases = self._source.phases(contig)
        if contig not in self._contigs:
            self._contigs.add(contig)
            self._n_missing += len(phases)
        return phases

    def finish(self) -> None:
        """See that every phased site was written.

        Raises:
            DeepcohortError: some were not among the lines.
        """
        if self._n_missing:
            raise DeepcohortError(
                f"the phase evidence is not of these records: {self._n_missing:,} of its sites have none; "
                "give both files of one run of `deepcohort call`"
            )
