"""VCF header lines: one place for the words that every file of ours begins with."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from deepcohort import __version__
from deepcohort.core.region import Region, merge_regions
from deepcohort.core.vcf_constants import FILTERS, FORMAT, INFO, INFO_GIVEN, NON_REF, VCF_VERSION
from deepcohort.formats.bgzf import inflate_blocks, next_block

REGION_KEY = "deepcohort_region"
PHASE_PENDING = "##deepcohort_phase=pending"  # unphased so far: `deepcohort merge` phases all shards together
# a gVCF whose header lacks it loses FORMAT DP in GATK's GenomicsDBImport, and GenotypeGVCFs then most sites
_DP_OF_LINES = ("1", "Integer", "Read depth: stands in FORMAT alone, declared for GenomicsDBImport")
_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"


def block_band_lines(bands: Sequence[int]) -> list[str]:
    """`##GVCFBlock` lines (GATK's convention) that state the GQ bands; `deepcohort merge` reads them."""
    edges = [*bands, 100]
    return [
        f"##GVCFBlock{low}-{high}=minGQ={low}(inclusive),maxGQ={high}(exclusive)"
        for low, high in pairwise(edges)
    ]


def region_lines(regions: Iterable[Region]) -> list[str]:
    """One line per stretch that the file answers for; `deepcohort merge` checks and joins them."""
    return [f"##{REGION_KEY}={region}" for region in merge_regions(regions)]


def contig_lines(contig_lengths: Mapping[str, int]) -> list[str]:
    """`##contig` lines in the order given."""
    return [f"##contig=<ID={name},length={length}>" for name, length in contig_lengths.items()]


def _described(kind: str, key: str, number: str, type_: str, text: str) -> str:
    return f'##{kind}=<ID={key},Number={number},Type={type_},Description="{text}">'


def given_lines() -> list[str]:
    """INFO lines of files with records of alleles that the user gave."""
    return [_described("INFO", key, *values) for key, values in INFO_GIVEN.items()]


def make_header(
    sample: str,
    contig_lengths: Mapping[str, int],
    regions: Iterable[Region],
    reference_name: str,
    model_name: str,
    model_version: str,
    gq_bands: Sequence[int] | None = None,
    notes: Sequence[str] = (),
    given: bool = False,
    phase: str = "",
) -> str:
    """Header text of a single-sample file, newline at the end; a gVCF where `gq_bands` are given.

    `notes`: further lines KEY=VALUE about the sample. `given`: whether the user gave alleles. `phase`: "done"
    where heterozygous sites are phased, "pending" where `deepcohort merge` will phase them.

    It names no command line, time or folder: the same input gives the same bytes.
    """
    lines = [f"##fileformat={VCF_VERSION}", f"##source=deepcohort {__version__}"]
    lines += [f"##deepcohort_model={model_name} {model_version}", f"##reference={reference_name}"]
    lines += [f"##{note}" for note in notes]
    lines += [PHASE_PENDING] if phase == "pending" else []
    if gq_bands is not None:
        lines.append(f'##ALT=<ID={NON_REF[1:-1]},Description="Any allele not listed at this place">')
    wanted = FILTERS if gq_bands is not None or given else FILTERS.keys() - {"RefCall"}
    filters = {key: text for key, text in FILTERS.items() if key in wanted}
    lines += [f'##FILTER=<ID={key},Description="{text}">' for key, text in filters.items()]
    gvcf_only = {"MIN_DP", "END", "COV", "RAW_MQandDP"}
    lines += [
        _described("INFO", k, *v) for k, v in INFO.items() if gq_bands is not None or k not in gvcf_only
    ]
    if gq_bands is not None:
        lines.append(_described("INFO", "DP", *_DP_OF_LINES))
    if given:
        lines += given_lines()
    keys = ["GT", "GQ", "DP", "MIN_DP", "AD", "VAF", "PL", "SB"]
    keys += ["PS", "PQ"] if phase else []
    lines += [_described("FORMAT", k, *FORMAT[k]) for k in keys if gq_bands is not None or k not in gvcf_only]
    if gq_bands is not None:
        lines += block_band_lines(gq_bands)
    lines += contig_lines(contig_lengths)
    lines += region_lines(regions)
    lines.append(f"{_COLUMNS}\t{sample}")
    return "\n".join(lines) + "\n"


def first_record(path: Path) -> int:
    """Virtual offset of the first line after the header of a bgzipped VCF, of the end where there is none."""
    offset = 0
    at_line_start = True
    for text, following in inflate_blocks(path, offset):
        at = 0
        while at < len(text):
            if at_line_start and text[at : at + 1] != b"#":
                return offset << 16 | at
            end = text.find(b"\n", at)
            at_line_start = end >= 0
            at = end + 1 if end >= 0 else len(text)
        offset = following
    return next_block(path, offset << 16)


def declared_formats(header: str, keys: Iterable[str]) -> frozenset[str]:
    """Those of FORMAT's `keys` that a VCF's `header`, as htslib writes it, declares.

    cyvcf2 looks for any other through the whole header, anew for each record.
    """
    return frozenset(key for key in keys if f"##FORMAT=<ID={key}," in header)
