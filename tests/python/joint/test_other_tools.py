"""vcftools, bcftools and GATK take the cohort and the sample's files; skipped where they are not installed."""

import os
import shutil
import subprocess
from dataclasses import replace

import pysam
import pytest
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from joint_helpers import block, het, hom, write_gvcf, write_reference

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
