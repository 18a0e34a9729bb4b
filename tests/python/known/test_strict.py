"""Files of alleles that htslib would make something of, though they are no VCF."""

from pathlib import Path

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.known.io_panel import PanelSites

HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000>
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts
"""


def panel(folder: Path, line: str) -> Path:
    path = folder / "x.vcf.gz"
    lines = ["chr1\t50\t.\tA\tC\t.\t.\tAF=.2\tGT\t0/1", line]
    with pysam.BGZFile(str(path), "w") as file:
        file.write((HEADER + "".join(f"{x}\n" for x in lines)).encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def read(path: Path) -> int:
    sites = PanelSites(path, {"chr1": 1000})
    try:
        window = Region("chr1", 0, 1000)
        return len(sites.fetch(window, encode_bases("A" * 1000), window).ids)
    finally:
        sites.close()


def test_a_sound_one_is_read_again_and_again(tmp_path: Path) -> None:
    path = panel(tmp_path, "chr1\t100\t.\tA\tC,G\t.\t.\tAF=.2,.3\tGT\t./2")
    assert read(path) == 3
    sites = PanelSites(path, {"chr1": 1000})
    for window in (Region("chr1", 0, 100), Region("chr1", 99, 300), Region("chr1", 0, 1000)):
        sites.fetch(window, encode_bases("A" * len(window)), window)  # the same line is no repeat
    sites.close()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("chr1\t100\t.\tA\tC\t.\t.\tAF=much\tGT\t0/1", "an INFO key"),
        ("chr1\t100\t.\tA\tC\t.\t.\tAF=.2\tGT", "columns"),
        ("chr1\t100\t.\tA\tC\t.\t.\tAF=.2\tGT\t0/5", "GT"),
        ("chr1\t100\t.\tJ\tC\t.\t.\tAF=.2\tGT\t0/1", "REF"),
        ("chr2\t100\t.\tA\tC\t.\t.\tAF=.2\tGT\t0/1", "does not list"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(DeepcohortError, match=told) as error:
        read(panel(tmp_path, line))
    assert "x.vcf.gz" in str(error.value)
