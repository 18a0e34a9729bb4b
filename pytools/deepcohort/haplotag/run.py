"""A phased VCF and the reads it was called from -> the reads with HP and PS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepcohort import __version__
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.sample import settings_for
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.io_write import write_tagged
from deepcohort.haplotag.sites import SampleSites, read_sites
from deepcohort.haplotag.tags import ContigTags, contig_tags, no_tags
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import ReadGroups, groups_of_sample, samples_of
from deepcohort.reads.load import ReadSource, open_reads


@dataclass(frozen=True, slots=True)
class TagRequest:
    """What to tag; `sample` "": the VCF's only one, which the reads must name too."""

    vcf: Path
    reads: Sequence[Path]
    reference: Path
    output: Path
    sample: str = ""
    platform: str = "illumina"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class TagSummary:
    """What came of it.

    Attributes:
        n_reads: records written. n_tagged: those with tags. n_fragments: with a haplotype.
        n_shown, n_against: see `ContigTags`.
    """

    sample: str
    n_reads: int
    n_tagged: int
    n_fragments: int
    n_shown: int
    n_against: int


class _Tagger:
    """Tags contig by contig; those of one contig are kept at a time."""

    def __init__(
        self,
        sites: Mapping[str, SampleSites],
        source: ReadSource,
        reference: ReferenceFasta,
        candidates: CandidatesConfig,
        config: HaplotagConfig,
    ) -> None:
        self._sites, self._source, self._reference = sites, source, reference
        self._candidates, self._config = candidates, config
        self._contig, self._tags = "", no_tags()
        self.n_fragments = self.n_shown = self.n_against = 0

    def tags_of(self, contig: str) -> ContigTags:
        """Tags of `contig`; contigs are asked for one after the other."""
        if contig != self._contig:
            own = self._sites.get(contig)
            tags = no_tags()
            if own is not None:
                tags = contig_tags(own, self._source, self._reference, self._candidates, self._config)
            self._contig, self._tags = contig, tags
            self.n_fragments += len(tags)
            self.n_shown += tags.n_shown
            self.n_against += tags.n_against
        return self._tags


def haplotag(request: TagRequest, config: HaplotagConfig | None = None) -> TagSummary:
    """Write the reads of `request` with tags and an index.

    Raises:
        DeepcohortError: unreadable or unphased inputs, inputs that do not belong together, or an output
            that cannot be made. Nothing is left half written.
    """
    config = config or HaplotagConfig()
    if request.output.suffix not in (".bam", ".cram"):
        raise DeepcohortError(f"output {request.output} must end in .bam or .cram")
    sample, sites = read_sites(request.vcf, request.sample)
    groups = _own_groups(request, sample)
    own = ReadsConfig(sample=sample)
    settings = settings_for(request.reads, request.reference, request.platform, own)
    with (
        open_reads(request.reads, request.reference, settings.reads) as source,
        ReferenceFasta(request.reference) as reference,
    ):
        _check_contigs(request, sites, reference)
        tagger = _Tagger(sites, source, reference, settings.candidates, config)
        n_reads, n_tagged = write_tagged(
            request.reads, groups, request.reference, request.output, _program(request), tagger.tags_of,
            config, request.threads,
        )  # fmt: skip
    return TagSummary(sample, n_reads, n_tagged, tagger.n_fragments, tagger.n_shown, tagger.n_against)


def _own_groups(request: TagRequest, sample: str) -> Sequence[frozenset[str] | None]:
    """Read groups of the sample in each file, None: all.

    Raises:
        DeepcohortError: unreadable reads, or those of another sample.
    """
    with open_reads(request.reads, request.reference) as source:
        held: list[tuple[str, ReadGroups]] = list(
            zip(map(str, request.reads), source.read_groups, strict=True)
        )
    names = sorted({name for _, groups in held for name in samples_of(groups)})
    if not request.sample and names and sample not in names:
        raise DeepcohortError(
            f"{request.reads[0]} holds reads of {', '.join(names[:3])}, but {request.vcf} is of {sample}; "
            f"if they are one, give --sample {sample}"
        )
    return groups_of_sample(held, sample)[0]


def _check_contigs(request: TagRequest, sites: Mapping[str, SampleSites], reference: ReferenceFasta) -> None:
    unknown = [name for name in sites if name not in reference.contig_lengths]
    if unknown:
        raise DeepcohortError(
            f"{request.vcf} has records of {unknown[0]}, which {request.reference} lacks; give the reference "
            "that it was called on"
        )
    for name, own in sites.items():
        if own.pos[-1] >= reference.contig_lengths[name]:
            raise DeepcohortError(
                f"{request.vcf} has a record at {name}:{own.pos[-1] + 1}, behind the end of {name} in "
                f"{request.reference}; give the reference that it was called on"
            )


def _program(request: TagRequest) -> dict[str, str]:
    """The @PG line: the same whatever the folders."""
    reads = " ".join(f"--reads {path.name}" for path in map(Path, request.reads))
    words = (
        f"deepcohort haplotag --vcf {request.vcf.name} {reads} --reference {request.reference.name} "
        f"--platform {request.platform}"
    )
    return {"ID": "deepcohort", "PN": "deepcohort", "VN": __version__, "CL": words}
