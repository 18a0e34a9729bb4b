"""Candidates in families: alleles that parents do not have, and pairs of a gene, one from each parent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate.annotated import AltNote, Record, carried
from deepcohort.annotate.config import CandidateConfig
from deepcohort.joint.pedigree import Pedigree, person_of


@dataclass(frozen=True, slots=True)
class Trio:
    """A child and both parents, as indices of samples."""

    family: str
    child_name: str
    child: int
    father: int
    mother: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of candidates.tsv: kind is de_novo or compound_het; `pair` numbers the pairs of a child's "
    "gene."""

    family: str
    child: str
    kind: str
    gene: str
    pair: int
    cells: list[object]


def trios_of(pedigree: Pedigree, samples: Sequence[str]) -> list[Trio]:
    """Children of the VCF both of whose parents are in it, in its order."""
    index = {name: i for i, name in enumerate(samples)}
    found = []
    for name in samples:
        family, father, mother, _ = person_of(pedigree, name)
        if father in index and mother in index:
            found.append(Trio(family, name, index[name], index[father], index[mother]))
    return found


@dataclass(frozen=True, slots=True)
class _Inherited:
    """An allele that the child has once, and one parent alone has."""

    source: str
    cells: list[object]
    genotypes: list[str]
    called: str
    order: int


@dataclass(slots=True)
class CandidateFinder:
    """Collects candidates record by record."""

    trios: Sequence[Trio]
    config: CandidateConfig
    _new: list[Candidate] = field(default_factory=list)
    _halves: dict[tuple[int, str], list[_Inherited]] = field(default_factory=dict)
    _n: int = 0

    def see(self, record: Record, note: AltNote, number: int, cells: list[object]) -> None:
        """An allele of interest: ALT `number` (from 1) of a record."""
        if record.filter not in ("PASS", "."):
            return
        alleles = record.alleles()
        copies = carried(alleles, number)
        believable = self._believable(record, alleles)
        self._n += 1
        for t, trio in enumerate(self.trios):
            members = [trio.child, trio.father, trio.mother]
            if copies[trio.child] == 0 or not believable[members].all():
                continue
            outside = np.ones(len(copies), dtype=bool)
            outside[members] = False
            if (copies[outside] > 0).sum() > self.config.max_carriers * outside.sum():
                continue
            self._take(t, trio, record, note, copies, cells)

    def _believable(self, record: Record, alleles: NDArray[np.int64]) -> NDArray[np.bool_]:
        good = (alleles[:, 0] >= 0) & (alleles[:, 1] != -1)
        for key, least in (("GQ", self.config.min_gq), ("DP", self.config.min_dp)):
            values = record.numbers(key)
            if values is not None:
                good &= values >= least
        return good

    def _take(
        self,
        t: int,
        trio: Trio,
        record: Record,
        note: AltNote,
        copies: NDArray[np.int64],
        cells: list[object],
    ) -> None:
        genotypes = [record.genotype(s) for s in (trio.child, trio.father, trio.mother)]
        called = "yes" if trio.child_name in record.info.get("DENOVO", "").split(",") else ""
        from_father, from_mother = copies[trio.father] > 0, copies[trio.mother] > 0
        genes = list(dict.fromkeys(g for g in note.genes if g != ".")) or [""]
        if not from_father and not from_mother:
            row = [
                trio.family,
                trio.child_name,
                "de_novo",
                ", ".join(genes),
                "",
                *cells,
                *genotypes,
                "",
                called,
            ]
            self._new.append(Candidate(trio.family, trio.child_name, "de_novo", ", ".join(genes), 0, row))
        elif from_father != from_mother and copies[trio.child] == 1 and record.alleles()[trio.child, 1] >= 0:
            source = "father" if from_father else "mother"
            for gene in genes:
                if gene:
                    half = _Inherited(source, cells, genotypes, called, self._n)
                    self._halves.setdefault((t, gene), []).append(half)

    def candidates(self) -> list[Candidate]:
        """All of them: new alleles in file order, then pairs by child and gene."""
        found = list(self._new)
        for (t, gene), halves in sorted(
            self._halves.items(), key=lambda item: (item[0][0], item[1][0].order, item[0][1])
        ):
            trio, pair = self.trios[t], 0
            for father in (h for h in halves if h.source == "father"):
                for mother in (h for h in halves if h.source == "mother"):
                    pair += 1
                    for half in sorted((father, mother), key=lambda h: h.order):
                        row = [
                            trio.family, trio.child_name, "compound_het", gene, pair, *half.cells,
                            *half.genotypes, half.source, half.called,
                        ]  # fmt: skip
                        found.append(Candidate(trio.family, trio.child_name, "compound_het", gene, pair, row))
        return found
