"""Deep reads as truth: what two callers agree on is kept, what they dispute is cut out with its margin."""

import shutil
import subprocess
import sys
from pathlib import Path

import pysam
import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "benchmarks" / "self_labels.py"
sys.path.insert(0, str(SCRIPT.parent))

import self_labels  # noqa: E402

HEAD = """##fileformat=VCFv4.2
##contig=<ID=c,length=600>
##INFO=<ID=END,Number=1,Type=Integer,Description="x">
##ALT=<ID=NON_REF,Description="x">
##FORMAT=<ID=GT,Number=1,Type=String,Description="x">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="x">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS
"""
GVCF = (
    (1, "A", "<NON_REF>", "END=100", "0/0:40"),
    (101, "A", "C,<NON_REF>", ".", "0/1:50"),  # both
    (102, "A", "<NON_REF>", "END=200", "0/0:40"),
    (201, "A", "G,<NON_REF>", ".", "1/1:60"),  # disputed: the other says 0/1
    (202, "A", "<NON_REF>", "END=300", "0/0:40"),
    (301, "A", "T,<NON_REF>", ".", "0/1:12"),  # not sure
    (302, "A", "<NON_REF>", "END=400", "0/0:25"),
    (401, "A", "<NON_REF>", "END=450", "0/0:8"),  # not sure to be absent
    (451, "A", "C,<NON_REF>", ".", "0/0:30"),  # surely absent
    (452, "A", "<NON_REF>", "END=600", "0/0:40"),
)
OTHER = (
    (101, "A", "C", ".", "0/1:9"),
    (201, "A", "G", ".", "0/1:9"),
    (301, "A", "T", ".", "0/1:9"),
    (501, "A", "AC", ".", "0/1:9"),
)


def write(path: Path, rows) -> Path:
    lines = [f"c\t{pos}\t.\t{ref}\t{alt}\t.\t.\t{info}\tGT:GQ\t{gt}\n" for pos, ref, alt, info, gt in rows]
    plain = path.with_suffix("")
    plain.write_text(HEAD + "".join(lines))
    pysam.tabix_index(str(plain), preset="vcf", force=True)
    return path


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
def test_agreed_is_kept_and_disputed_is_cut(tmp_path):
    (tmp_path / "ref.fa").write_text(">c\n" + "A" * 600 + "\n")
    pysam.faidx(str(tmp_path / "ref.fa"))
    words = ["--gvcf", write(tmp_path / "g.vcf.gz", GVCF), "--other", write(tmp_path / "o.vcf.gz", OTHER)]
    words += ["--reference", tmp_path / "ref.fa", "--output", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)], capture_output=True, text=True, check=True
    )
    with pysam.VariantFile(str(tmp_path / "out" / "truth.vcf.gz")) as truth:
        assert [record.pos for record in truth] == [101, 201]
    spans = [tuple(line.split()) for line in (tmp_path / "out" / "confident.bed").read_text().splitlines()]
    assert spans == [
        ("c", "0", "190"), ("c", "211", "290"), ("c", "311", "400"), ("c", "450", "490"), ("c", "511", "600"),
    ]  # fmt: skip
    assert "487 bp are sure; 2 alleles are disputed" in done.stdout


def test_spans_that_touch_are_one_and_what_is_cut_is_gone():
    spans = [("c", 0, 10), ("c", 10, 20), ("d", 5, 9), ("c", 30, 40)]
    assert self_labels.without(spans, []) == [("c", 0, 20), ("c", 30, 40), ("d", 5, 9)]
    cut = [("c", 15, 32), ("c", 0, 2), ("c", 31, 33), ("e", 0, 9)]
    assert self_labels.without(spans, cut) == [("c", 2, 15), ("c", 33, 40), ("d", 5, 9)]
    assert self_labels.without(spans, [("d", 5, 9)]) == [("c", 0, 20), ("c", 30, 40)]
