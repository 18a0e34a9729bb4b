"""vcftools, bcftools and GATK take the cohort and the sample's files; skipped where they are not installed."""

import os
import shutil
import subprocess
from dataclasses import replace

import pysam
import pytest
from deepcohort.core.region import Region
from deepcohort.formats.vcf_header import make_header
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from joint_helpers import SEQUENCE, block, het, hom, write_gvcf, write_reference

DOUBTFUL = "13 G T,<NON_REF> . GT:GQ:DP:AD:PL 0/1:2:9:7,2,0:2,0,30,30,40,60"


@pytest.fixture
def cohort(tmp_path):
    write_reference(tmp_path)
    rows = {
        "A": [block(1, 12), het(13, "G", "A"), block(14, 19), hom(20, "C", "CTT"), block(21, 300)],
        "B": [block(1, 12), DOUBTFUL, block(14, 300)],
        **{f"C{i}": [block(1, 300, gq=90)] for i in range(6)},
    }
    gvcfs = [write_gvcf(tmp_path, name, lines) for name, lines in rows.items()]
    out = tmp_path / "cohort.vcf.gz"
    genotype_cohort(
        gvcfs, tmp_path / "ref.fa", out, config=replace(JointConfig(), prior_samples=0.0), quiet=True
    )
    return out


def run(*words, cwd):
    return subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True, check=False)


def test_vcftools_reads_it(cohort):
    if not shutil.which("vcftools"):
        pytest.skip("vcftools is not installed")
    done = run("vcftools", "--gzvcf", cohort, "--freq", "--out", "x", cwd=cohort.parent)
    assert done.returncode == 0, done.stderr
    assert "kept 2 out of a possible 2 Sites" in done.stderr
    assert len((cohort.parent / "x.frq").read_text().splitlines()) == 3


def test_bcftools_filters_by_what_info_says(cohort):
    if not shutil.which("bcftools"):
        pytest.skip("bcftools is not installed")
    done = run(
        "bcftools", "view", "-H", "-i", "INFO/QD>0 && AC>0 && FMT/AD[1:0]>0", cohort, cwd=cohort.parent
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stderr
    assert run("bcftools", "norm", "-c", "e", "-f", "ref.fa", cohort, cwd=cohort.parent).returncode == 0


def test_gatk_finds_nothing_wrong(cohort):
    gatk = os.environ.get("GATK")
    if not gatk:
        pytest.skip("the variable GATK names no launcher of GATK")
    pysam.dict(str(cohort.parent / "ref.fa"), "-o", str(cohort.parent / "ref.dict"))
    done = run(gatk, "ValidateVariants", "-V", cohort, "-R", "ref.fa", cwd=cohort.parent)
    assert done.returncode == 0, done.stderr[-2000:]


def own_gvcf(folder, sample, rows):
    """A gVCF of rows under the header that `call` writes."""
    lengths = {"c1": len(SEQUENCE)}
    header = make_header(sample, lengths, [Region("c1", 0, len(SEQUENCE))], "ref.fa", "m", "1", (0, 20))
    path = folder / f"{sample}.own.g.vcf"
    path.write_text(header + "".join("\t".join(("c1", *row.split())) + "\n" for row in rows))
    return pysam.tabix_index(str(path), preset="vcf", force=True)


def test_a_gvcf_declares_dp_in_info_and_format(tmp_path):
    """GenomicsDBImport loses a DP that FORMAT alone declares, and most sites with it."""
    with pysam.VariantFile(own_gvcf(tmp_path, "A", [])) as file:
        assert "DP" in file.header.info
        assert "DP" in file.header.formats
    assert "##INFO=<ID=DP," not in make_header("A", {"c1": 9}, [], "ref.fa", "m", "1")


def test_gatk_keeps_sites_and_depths_by_its_database(tmp_path):
    gatk = os.environ.get("GATK")
    if not gatk:
        pytest.skip("the variable GATK names no launcher of GATK")
    write_reference(tmp_path)
    pysam.dict(str(tmp_path / "ref.fa"), "-o", str(tmp_path / "ref.dict"))
    called = "13 . G A,<NON_REF> 90 PASS . GT:GQ:DP:AD:PL 1/1:60:20:0,20,0:190,60,0,190,60,190"
    blocks = [
        f"{a} . {SEQUENCE[a - 1]} <NON_REF> . . END={b} GT:GQ:DP:MIN_DP:PL 0/0:60:20:20:0,60,540"
        for a, b in ((1, 12), (14, len(SEQUENCE)))
    ]
    gvcfs = [own_gvcf(tmp_path, name, [blocks[0], called, blocks[1]]) for name in "AB"]
    words = [word for path in gvcfs for word in ("-V", path)]
    done = run(
        gatk, "GenomicsDBImport", *words, "--genomicsdb-workspace-path", "db", "-L", "c1", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    done = run(gatk, "GenotypeGVCFs", "-R", "ref.fa", "-V", "gendb://db", "-O", "o.vcf.gz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    with pysam.VariantFile(str(tmp_path / "o.vcf.gz")) as file:
        found = [(record.pos, [cell["DP"] for cell in record.samples.values()]) for record in file]
    assert found == [(13, [20, 20])]
