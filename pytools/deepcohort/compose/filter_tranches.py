"""`deepcohort filter --resource`: tranches of a VCF that is scored already."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from deepcohort.annotate.io_segments import segments_of
from deepcohort.annotate.text_source import read_index
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.filter.tranches import Line, Tranches, write_tranches

_WHOLE_BP = 1 << 31


def run(vcf: Path, output: Path, resource: Path, levels: Sequence[float]) -> list[Tranches]:
    """Write `vcf` with FILTER by tranches of sensitivity to the alleles of `resource`.

    Raises:
        DeepcohortError: unreadable inputs, a resource without index, no known allele.
    """
    if not resource.exists():
        raise DeepcohortError(f"{resource} does not exist")
    if read_index(resource, is_vcf=True) is None:
        raise DeepcohortError(f"{resource} is not indexed; run: tabix -p vcf {resource}")

    def known(contig: str) -> Iterator[Line]:
        for segment in segments_of(resource, [Region(contig, 0, _WHOLE_BP)]):
            for line in segment.text.split(b"\n")[:-1]:
                _, pos, _, ref, alts, *_ = line.split(b"\t", 5)
                yield int(pos) - 1, ref, alts

    return write_tranches(vcf, output, levels, known)


def told(tranches: Sequence[Tranches]) -> list[str]:
    """A line for each tranche."""
    return [
        f"{one.kind} {level:g} % of {one.n_known} known alleles: DC_SCORE at least {threshold:.3f}"
        for one in tranches
        for level, threshold in zip(one.levels, one.thresholds, strict=True)
    ]
