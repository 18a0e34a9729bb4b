"""Genotypes at the sites of a panel are what Beagle takes, and what it gives back fits them."""

import shutil
import subprocess

import numpy as np
import pysam
import pytest
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.region import Region
from known_helpers import call, given_of, rows_of, sample_of, write_sites

pytestmark = pytest.mark.skipif(
    shutil.which("beagle") is None, reason="beagle is not installed (apt-get install beagle)"
)


def panel_rows(genome, truth, rng):
    """Phased genotypes of 24 people, mosaics of four haplotypes, at the true SNPs and at 200 others."""
    with pysam.VariantFile(str(truth)) as file:
        alleles = {r.pos: (r.ref, r.alts[0]) for r in file if len(r.ref) == len(r.alts[0]) == 1}
    for pos in rng.choice(np.arange(30, LENGTH_BP - 30), 200, replace=False).tolist():
        base = genome[pos - 1]
        alleles.setdefault(pos, (base, "ACGT"["ACGT".index(base) - 1]))
    founders = {pos: rng.permutation([0, 1, 0, 1]) for pos in alleles}
    people = rng.integers(4, size=(24, 2))
    rows = []
    for pos in sorted(alleles):
        genotypes = [f"{founders[pos][a]}|{founders[pos][b]}" for a, b in people]
        rows.append((CONTIG, pos, f"rs{pos}", *alleles[pos], ".", *genotypes))
    return rows


def test_round_trip(tmp_path):
    reference, bams, truth = write_warm_inputs(tmp_path)
    with pysam.FastaFile(str(reference)) as fasta:
        genome = fasta.fetch(CONTIG).upper()
    rows = panel_rows(genome, truth, np.random.default_rng(3))
    names = [f"P{i}" for i in range(24)]
    panel = write_sites(tmp_path, {CONTIG: LENGTH_BP}, rows, name="panel", samples=names)
    whole = Region(CONTIG, 0, LENGTH_BP)
    _, vcf = call(tmp_path, reference, bams[0], [whole], alleles=panel, alleles_only=True)
    assert [(int(x[1]), x[2], x[3], x[4]) for x in rows_of(vcf)] == [row[1:5] for row in rows]
    command = ["beagle", f"ref={panel}", f"gt={vcf}", f"out={tmp_path / 'imputed'}", "seed=1", "nthreads=1"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stdout + done.stderr
    # every marker of the panel is one of ours: none was imputed
    counts = [line.split()[-1] for line in done.stdout.splitlines() if " markers:" in line]
    assert set(counts) == {str(len(rows))}
    ours = {pos: sorted(sample_of(x)["GT"].split("/")) for pos, x in given_of(vcf).items()}
    theirs = {int(x[1]): sorted(sample_of(x)["GT"].split("|")) for x in rows_of(tmp_path / "imputed.vcf.gz")}
    assert theirs == {pos: gt for pos, gt in ours.items() if "." not in gt} | {
        pos: theirs[pos] for pos, gt in ours.items() if "." in gt
    }
