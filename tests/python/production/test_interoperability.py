"""gVCF and cohort VCF are read alike by the tools of the field.

Tools that are not installed are skipped with the reason. Python libraries that are no dependency of ours are looked
for in an environment of their own: DEEPCOHORT_INTEROP=/path/to/venv (pip install scikit-allel sgkit bio2zarr whatshap
hail cyvcf2).
"""

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from deepcohort.compose.io_warm import write_warm_inputs
from deepcohort.core.errors import DeepcohortError

pytestmark = pytest.mark.nightly
# a genotype as sorted allele ids, -1 missing; half-calls are what tools differ about, so they stay as they are
Genotype = tuple[int, ...]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> dict[str, Path]:
    """A cohort VCF and the gVCFs it was made from."""
    from deepcohort.cli import app
    from deepcohort.model.archive import find_model
    from typer.testing import CliRunner

    try:
        find_model("auto", "illumina")
    except DeepcohortError:
        pytest.skip("no model is shipped")
    folder = tmp_path_factory.mktemp("cohort")
    reference, bams, _ = write_warm_inputs(folder)
    out = {"reference": reference, "cohort": folder / "cohort.vcf.gz"}
    words = ["genotype", "-R", str(reference), "-o", str(out["cohort"])]
    for k, bam in enumerate(bams):
        out[f"gvcf{k}"] = folder / f"{k}.g.vcf.gz"
        call = ["call", "-I", str(bam), "-R", str(reference), "-s", f"S{k}", "-o", str(out[f"gvcf{k}"]), "-q"]
        result = CliRunner().invoke(app, call, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        words += ["-V", str(out[f"gvcf{k}"])]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out


def genotype(text: str) -> Genotype:
    """A GT cell; haploid ones are of length one."""
    return tuple(sorted(-1 if allele == "." else int(allele) for allele in re.split(r"[/|]", text)))


def as_text(path: Path) -> tuple[list[str], dict[tuple[str, int, str, str], list[Genotype]]]:
    """Samples, and genotypes by record, from the text alone."""
    samples: list[str] = []
    records = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#CHROM"):
                samples = fields[9:]
            elif not line.startswith("#"):
                at = fields[8].split(":").index("GT")
                key = (fields[0], int(fields[1]), fields[3], fields[4])
                records[key] = [genotype(cell.split(":")[at]) for cell in fields[9:]]
    return samples, records


def matrix(path: Path) -> list[list[Genotype]]:
    return list(as_text(path)[1].values())


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*words: object) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def elsewhere(library: str, script: str, *words: object) -> list[list[Genotype]]:
    """What a script prints as JSON in the environment that holds `library`."""
    folder = os.environ.get("DEEPCOHORT_INTEROP")
    python = Path(folder or "/nowhere") / "bin" / "python"
    if not python.exists():
        pytest.skip("no environment with the libraries; set DEEPCOHORT_INTEROP to one")
    if subprocess.run([str(python), "-c", f"import {library}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{library} is not installed in {folder}")
    told = json.loads(run(python, "-c", script, *words).splitlines()[-1])
    return [[tuple(sorted(cell)) for cell in row] for row in told]


def diploid(rows: list[list[Genotype]]) -> list[list[Genotype]]:
    """Genotypes as libraries of fixed ploidy give them: a haploid one is filled up with -2."""
    return [[tuple(sorted((*cell, -2)[:2])) for cell in row] for row in rows]


@pytest.mark.parametrize("name", ["cohort", "gvcf0"])
def test_bcftools(cohort, name):
    text = run(program("bcftools"), "query", "-f", "[%GT\\t]\\n", cohort[name])
    assert [[genotype(c) for c in line.split("\t") if c] for line in text.splitlines()] == matrix(
        cohort[name]
    )
    run("bcftools", "norm", "--check-ref", "e", "-f", cohort["reference"], "-o", os.devnull, cohort[name])


def test_bcftools_makes_a_vcf_of_the_gvcf(cohort, tmp_path):
    """Reference blocks are understood: one record per base."""
    out = tmp_path / "bases.vcf"
    run(program("bcftools"), "convert", "--gvcf2vcf", "-f", cohort["reference"], "-o", out, cohort["gvcf0"])
    positions = [line.split("\t")[1] for line in out.read_text().splitlines() if not line.startswith("#")]
    covered = 0
    with gzip.open(cohort["gvcf0"], "rt") as file:
        for line in file:
            if not line.startswith("#"):
                fields = line.split("\t")
                end = re.search(r"\bEND=(\d+)", fields[7])
                covered += int(end[1]) - int(fields[1]) + 1 if end else 1
    assert len(positions) == covered


def test_vcftools(cohort, tmp_path):
    """vcftools reads VCF 4.0 to 4.2."""
    program("vcftools")
    with gzip.open(cohort["cohort"], "rt") as file:
        version = file.readline().strip()
    if version not in ("##fileformat=VCFv4.1", "##fileformat=VCFv4.2"):
        pytest.skip(f"vcftools reads no {version}")
    run("vcftools", "--gzvcf", cohort["cohort"], "--extract-FORMAT-info", "GT", "--out", tmp_path / "x")
    lines = (tmp_path / "x.GT.FORMAT").read_text().splitlines()[1:]
    assert [[genotype(c) for c in line.split("\t")[2:]] for line in lines] == matrix(cohort["cohort"])


def test_plink2(cohort, tmp_path):
    """Through pgen and back: the same genotypes; half-calls become missing."""
    words = ("--allow-extra-chr", "--silent", "--out", tmp_path / "x")
    run(program("plink2"), "--vcf", cohort["cohort"], "--vcf-half-call", "missing", "--make-pgen", *words)
    run("plink2", "--pfile", tmp_path / "x", "--export", "vcf", "bgz", *words)
    want = [[(-1, -1) if -1 in cell else cell for cell in row] for row in matrix(cohort["cohort"])]
    assert matrix(tmp_path / "x.vcf.gz") == want


@pytest.mark.parametrize("name", ["cohort", "gvcf0"])
def test_cyvcf2_and_pysam(cohort, name):
    import pysam
    from cyvcf2 import VCF

    got = [[tuple(sorted(cell[:-1])) for cell in record.genotypes] for record in VCF(str(cohort[name]))]
    assert got == matrix(cohort[name])
    with pysam.VariantFile(str(cohort[name])) as file:
        rows = [
            [tuple(sorted(-1 if a is None else a for a in s["GT"])) for s in r.samples.values()] for r in file
        ]
    assert rows == matrix(cohort[name])


@pytest.mark.parametrize("name", ["cohort", "gvcf0"])
def test_scikit_allel(cohort, name):
    script = (
        "import sys, json, allel\n"
        "read = allel.read_vcf(sys.argv[1], fields=['calldata/GT'])\n"
        "print(json.dumps(read['calldata/GT'].tolist()))\n"
    )
    got = elsewhere("allel", script, cohort[name])
    filled = [
        [tuple(-1 if a == -2 else a for a in cell) for cell in row] for row in diploid(matrix(cohort[name]))
    ]
    assert got == [[tuple(sorted(cell)) for cell in row] for row in filled]


@pytest.mark.parametrize("name", ["cohort", "gvcf0"])
def test_sgkit_by_bio2zarr(cohort, name, tmp_path):
    script = (
        "import sys, json, sgkit\n"
        "from bio2zarr import vcf\n"
        "vcf.convert([sys.argv[1]], sys.argv[2], worker_processes=0)\n"
        "print(json.dumps(sgkit.load_dataset(sys.argv[2]).call_genotype.values.tolist()))\n"
    )
    assert elsewhere("sgkit", script, cohort[name], tmp_path / "x.vcz") == diploid(matrix(cohort[name]))


def test_whatshap(cohort):
    """Heterozygous and homozygous biallelic records, as whatshap takes them in."""
    script = (
        "import sys, json\n"
        "from whatshap.vcf import VcfReader\n"
        "rows = []\n"
        "for table in VcfReader(sys.argv[1], only_snvs=False):\n"
        "    columns = [table.genotypes_of(s) for s in table.samples]\n"
        "    for k, variant in enumerate(table.variants):\n"
        "        rows.append([[variant.position + 1]] + [c[k].as_vector() for c in columns])\n"
        "print(json.dumps(rows))\n"
    )
    got = {row[0][0]: row[1:] for row in elsewhere("whatshap", script, cohort["cohort"])}
    want = {
        key[1]: [() if -1 in cell else cell for cell in row]
        for key, row in as_text(cohort["cohort"])[1].items()
    }
    assert got
    assert all(want[pos] == row for pos, row in got.items())


def test_hail(cohort):
    script = (
        "import sys, json, hail as hl\n"
        "hl.init(quiet=True, log='/dev/null')\n"
        "mt = hl.import_vcf(sys.argv[1], force=True, reference_genome=None)\n"
        "rows = mt.GT.collect()\n"
        "n = mt.count_cols()\n"
        "cells = [[-1, -1] if g is None else g.alleles for g in rows]\n"
        "print(json.dumps([cells[k:k + n] for k in range(0, len(cells), n)]))\n"
    )
    want = [[(-1, -1) if -1 in cell else cell for cell in row] for row in matrix(cohort["cohort"])]
    assert elsewhere("hail", script, cohort["cohort"]) == want
