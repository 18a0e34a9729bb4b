"""Files of alleles that htslib would make something of, though they are no VCF."""

from pathlib import Path

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.known.io_known import KnownSites
from deepcohort.known.io_panel import PanelSites
from known_helpers import write_sites

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


AF = ('##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">',)
WINDOW = Region("chr1", 0, 1000)


@pytest.mark.parametrize("kind", ["vcf.gz", "bcf"])
@pytest.mark.parametrize(("ref", "alt"), [("A", "A"), ("A", "a"), ("AA", "AA")])
def test_an_alt_that_equals_ref_is_no_allele(tmp_path: Path, kind: str, ref: str, alt: str) -> None:
    rows = [("chr1", 100, "x", ref, alt), ("chr1", 200, ".", ref, alt), ("chr1", 200, ".", "A", "C")]
    sites = KnownSites(write_sites(tmp_path, {"chr1": 1000}, rows, kind=kind), {"chr1": 1000}, "--alleles")
    found = sites.fetch(WINDOW, encode_bases("A" * 1000), WINDOW)
    sites.close()
    assert found.alleles.pos.tolist() == [199]
    assert found.symbolic == (99, 199)


@pytest.mark.parametrize("kind", ["vcf.gz", "bcf"])
@pytest.mark.parametrize("frequency", ["-0.3", "30"])
def test_a_frequency_that_is_no_share_is_refused(tmp_path: Path, kind: str, frequency: str) -> None:
    rows = [("chr1", 100, ".", "A", "C", f"AF={frequency}")]
    path = write_sites(tmp_path, {"chr1": 1000}, rows, kind=kind, header=AF)
    with pytest.raises(DeepcohortError, match=f"a frequency of {frequency} at chr1:100"):
        read(path)


def test_a_record_that_stands_twice_in_a_bcf_is_refused(tmp_path: Path) -> None:
    rows = [("chr1", 100, ".", "A", "C", "AF=.3")] * 2
    with pytest.raises(DeepcohortError, match="two records of the same POS, REF and ALT at chr1:100"):
        read(write_sites(tmp_path, {"chr1": 1000}, rows, kind="bcf", header=AF))


def test_records_without_gt_have_no_frequency(tmp_path: Path) -> None:
    rows = [("chr1", 100, ".", "A", "C", ".", "0/1"), ("chr1", 200, ".", "A", "C", ".", "0/1")]
    path = write_sites(tmp_path, {"chr1": 1000}, rows, samples=("s",))
    dp = '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">'
    with pysam.BGZFile(str(path)) as file:
        head, first, second = file.read().decode().rstrip("\n").rsplit("\n", 2)
    text = "\n".join([head.replace("#CHROM", f"{dp}\n#CHROM"), first.replace("GT\t0/1", "DP\t3"), second, ""])
    with pysam.BGZFile(str(path), "w") as file:
        file.write(text.encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    sites = PanelSites(path, {"chr1": 1000})
    found = sites.fetch(WINDOW, encode_bases("A" * 1000), WINDOW)
    sites.close()
    assert str(found.frequency.tolist()) == "[nan, 0.5]"


def test_an_unknown_frequency_does_not_hide_a_known_one(tmp_path: Path) -> None:
    rows = [("chr1", 100, ".", "A", "C", "AF=."), ("chr1", 100, ".", "AA", "CC", "AF=.25")]
    sites = PanelSites(write_sites(tmp_path, {"chr1": 1000}, rows, header=AF), {"chr1": 1000})
    assert sites.fetch(WINDOW, encode_bases("A" * 1000), WINDOW).frequency.tolist() == [0.25, 0.25]
    sites.close()
