"""--phase_cohort: a real run of its subworkflow, where Beagle is installed."""

import shutil

import numpy as np
import pysam
import pytest
from nextflow_runs import REPOSITORY, nextflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1500)]


MAIN = """
include { PHASE_COHORT } from '%s/modules/subworkflows/phase_cohort/main'

workflow {
    def vcf = file("${launchDir}/cohort.vcf.gz")
    PHASE_COHORT(
        channel.of([[id: 'cohort', sample: 'cohort', shard: 'all', n_shards: 1], vcf, file("${vcf}.tbi")]),
        channel.value(file("${launchDir}/shards.bed")), '', channel.value(file("${launchDir}/cohort.ped")),
    )
}
"""
CONFIG = """
process { cpus = 1; memory = '1500 MB'; publishDir = [path: 'out', pattern: '*.vcf.gz*'] }
process { withName: CONCAT_PHASED { ext.prefix = 'phased' } }
"""


def rows(path):
    with pysam.BGZFile(str(path)) as file:
        return [line.split("\t") for line in file.read().decode().splitlines() if line[0] != "#"]


@pytest.mark.skipif(shutil.which("beagle") is None, reason="beagle is not installed")
def test_a_real_run(tmp_path):
    """Two contigs in three shards, one of them with nothing to phase, come back as one file."""
    rng = np.random.default_rng(2)
    founders = rng.integers(0, 2, (6, 60))
    haps = founders[rng.integers(0, 6, (20, 2))]  # (samples, 2, sites)
    lines = ["##fileformat=VCFv4.3", '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">']
    lines += ["##contig=<ID=c1,length=90000>", "##contig=<ID=c2,length=900>"]
    lines += ["##deepcohort_region=c1:1-90000", "##deepcohort_region=c2:1-900"]
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines.append("\t".join([*columns, *(f"S{i}" for i in range(20))]))
    for k in range(60):
        cells = ["/".join(map(str, sorted(pair))) for pair in haps[:, :, k]]
        lines.append("\t".join(["c1", str(1000 * (k + 1)), ".", "A", "C", "50", "PASS", ".", "GT", *cells]))
    lines.append("\t".join(["c2", "5", ".", "A", "C", "50", "PASS", ".", "GT", *["0/1"] * 20]))
    (tmp_path / "cohort.vcf").write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(tmp_path / "cohort.vcf"), preset="vcf")
    (tmp_path / "cohort.ped").write_text("".join(f"S{i}\tS{i}\t0\t0\t0\t-9\n" for i in range(20)))
    (tmp_path / "shards.bed").write_text("c1\t0\t40000\ta\nc1\t40000\t90000\tb\nc2\t0\t900\tc\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.nf").write_text(MAIN % REPOSITORY)
    (project / "nextflow.config").write_text(CONFIG)
    for name in ("lib", "bin"):
        (project / name).symlink_to(REPOSITORY / name)
    run = nextflow(tmp_path, pipeline=project)
    assert run.status == 0, run.text
    before, after = rows(tmp_path / "cohort.vcf.gz"), rows(tmp_path / "out" / "phased.vcf.gz")
    assert [row[:8] for row in before] == [row[:8] for row in after]
    assert before[-1] == after[-1]
    for old, new in zip(before[:-1], after[:-1], strict=True):
        for a, b in zip(old[9:], new[9:], strict=True):
            assert (b[1] == "|") == (a == "0/1")
            assert a == "/".join(sorted(b[:3:2]))
