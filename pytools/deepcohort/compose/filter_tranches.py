"""`deepcohort filter --resource`: tranches of a VCF that is scored already."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from deepcohort.annotate.io_segments import IndexedSegments
from deepcohort.core.errors import DeepcohortError
from deepcohort.filter.tranches import Line, Tranches, write_tranches


def run(vcf: Path, output: Path, resource: Path, levels: Sequence[float]) -> list[Tranches]:
    """Write `vcf` with FILTER by tranches of sensitivity to the alleles of `resource`.

    Raises:
        DeepcohortError: unreadable inputs, a resource without index, no known allele.
    """
    if not resource.exists():
        raise DeepcohortError(f"{resource} does not exist")
    known_alleles = IndexedSegments(resource)

    def known(contig: str) -> Iterator[Line]:
        for segment in known_alleles.of(contig):
            for line in segment.text.split(b"\n")[:-1]:
                _, pos, _, ref, alts, *_ = line.split(b"\t", 5)
                yield int(pos) - 1, ref, alts

    try:
        return write_tranches(vcf, output, levels, known)
    finally:
        known_alleles.close()


def told(tranches: Sequence[Tranches]) -> list[str]:
    """A line for each tranche."""
    return [
        f"{one.kind} {level:g} % of {one.n_known} known alleles: DC_SCORE at least {threshold:.3f}"
        for one in tranches
        for level, threshold in zip(one.levels, one.thresholds, strict=True)
    ]
