"""VCF Zarr and pgen hold the genotypes of the cohort VCF: every one is counted again."""

import subprocess
from collections import Counter

import cyvcf2
import numpy as np
import pysam
import pytest
from deepcohort.cli.export import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.export.io_export import export_cohort, missing_tools
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.pedigree import read_pedigree
from joint_helpers import SEQUENCE, write_gvcf, write_reference
from test_cohort_properties import random_records
from typer.testing import CliRunner

N_SAMPLES = 9
PED = "fam\tS0\tS1\tS2\t2\t0\nfam\tS1\t0\t0\t1\t0\nfam\tS2\t0\t0\t2\t0\n" + "".join(
    f"S{i}\tS{i}\t0\t0\t{1 + i % 2}\t0\n" for i in range(3, N_SAMPLES)
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Multi-allelic sites, `*`, half-calls and missing genotypes on an autosome, and men's single X."""
    folder = tmp_path_factory.mktemp("export")
    lengths = {"chr1": 300, "chr2": 300, "chrX": 300}
    write_reference(folder, dict.fromkeys(lengths, SEQUENCE))
    rng = np.random.default_rng(3)
    paths = []
    for i in range(N_SAMPLES):
        rows = []
        for contig in ("chr1", "chrX"):
            for row in random_records(rng)[0]:
                pos, ref, alt, info, keys, cell = row.split()
                rows.append(f"{contig} {pos} . {ref} {alt} . . {info} {keys} {cell}")
        # one copy is sure, the other not: ./1
        rows.insert(len(rows) // 2, "chr2 13 . G A,<NON_REF> . . . GT:GQ:DP:PL 0/1:0:9:90,0,0,90,90,90")
        rows.sort(key=lambda row: list(lengths).index(row.split()[0]))
        paths.append(write_gvcf(folder, f"S{i}", rows, lengths))
    (folder / "cohort.ped").write_text(PED)
    out = folder / "cohort.vcf.gz"
    genotype_cohort(
        paths, folder / "ref.fa", out, [Region(name, 0, n) for name, n in lengths.items()],
        pedigree=read_pedigree(folder / "cohort.ped"), config=JointConfig(population_prior=False), quiet=True,
    )  # fmt: skip
    return out


def genotypes(path):
    """Of each site the sorted alleles of each sample (-1 missing; a haploid genotype has one)."""
    found = {}
    for record in cyvcf2.VCF(str(path)):
        calls = [tuple(sorted(call[:-1])) for call in record.genotypes]
        found[record.CHROM, record.POS, record.REF, tuple(record.ALT)] = calls
    return found


def kinds(calls):
    return Counter(call for row in calls.values() for call in row)


def test_zarr_holds_every_genotype(cohort, tmp_path):
    zarr = pytest.importorskip("zarr")
    pytest.importorskip("bio2zarr")
    (path,) = export_cohort(cohort, "zarr", tmp_path / "cohort")
    assert path.name == "cohort.vcz.zip"
    root = zarr.open_group(zarr.storage.ZipStore(path, mode="r"), mode="r")
    expected = genotypes(cohort)
    assert list(root["sample_id"][:]) == [f"S{i}" for i in range(N_SAMPLES)]
    names = list(root["contig_id"][:])
    found = {}
    for i in range(root["variant_position"].shape[0]):
        alleles = [a for a in root["variant_allele"][i] if a]
        key = (
            names[root["variant_contig"][i]],
            int(root["variant_position"][i]),
            alleles[0],
            tuple(alleles[1:]),
        )
        # -2 pads a haploid genotype
        found[key] = [tuple(sorted(int(a) for a in call if a != -2)) for call in root["call_genotype"][i]]
    assert found == expected
    seen = kinds(expected)
    assert {(-1, -1), (0, 0), (0, 1), (1, 1)} <= set(seen)
    assert any(-1 in call and call != (-1,) * len(call) for call in seen), "no half-call was tested"
    assert any(len(call) == 1 for call in seen), "no haploid genotype was tested"
    assert any("*" in key[3] for key in expected)
    assert root["call_PL"].shape[:2] == (len(expected), N_SAMPLES)


def test_pgen_and_back(cohort, tmp_path):
    if missing_tools(["plink2"]):
        pytest.skip("plink2 is not installed")
    paths = export_cohort(cohort, "plink2", tmp_path / "cohort", cohort.parent / "cohort.ped")
    assert [path.name for path in paths] == ["cohort.pgen", "cohort.pvar.zst", "cohort.psam"]
    persons = [line.split("\t") for line in (tmp_path / "cohort.psam").read_text().splitlines()]
    assert persons[0] == ["#FID", "IID", "PAT", "MAT", "SEX"]
    assert persons[1:3] == [["fam", "S0", "S1", "S2", "2"], ["fam", "S1", "0", "0", "1"]]
    back = tmp_path / "back"
    result = subprocess.run(
        ["plink2", "--pfile", tmp_path / "cohort", "vzs", "--allow-extra-chr", "--export", "vcf", "bgz", "--output-chr",
         "chrM", "--out", back], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr

    # a pgen has no half-calls, and writes the one X of a man as it is or doubled
    def plain(calls):
        return {
            (*key[:3], key[3]): [(-1,) if -1 in call else tuple(sorted(set(call))) for call in row]
            for key, row in calls.items()
        }

    expected, found = plain(genotypes(cohort)), plain(genotypes(f"{back}.vcf.gz"))
    assert found.keys() == expected.keys()
    assert kinds(found) == kinds(expected)
    assert found == expected


def test_men_have_two_copies_of_pseudo_autosomal_regions(tmp_path):
    """plink2 counts one copy of a man's X, and takes a heterozygous one for missing."""
    if missing_tools(["plink2"]):
        pytest.skip("plink2 is not installed")
    header = (
        '##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
        "##contig=<ID=chr1,length=300>\n##contig=<ID=chrX,length=156040895>\n"
    )
    rows = ["#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT S1 S2"]
    at = (10_001, 2_781_479, 2_781_480, 155_701_382, 155_701_383)
    rows += [f"chrX {pos} . A C . PASS . GT {'1' if i in (2, 3) else '0/1'} 0/1" for i, pos in enumerate(at)]
    vcf = tmp_path / "a.vcf"
    vcf.write_text(header + "".join("\t".join(row.split()) + "\n" for row in rows))
    pysam.tabix_index(str(vcf), preset="vcf", force=True)
    (tmp_path / "a.ped").write_text(PED)
    export_cohort(tmp_path / "a.vcf.gz", "plink2", tmp_path / "c", tmp_path / "a.ped")
    subprocess.run(
        ["plink2", "--pfile", tmp_path / "c", "vzs", "--freq", "--out", tmp_path / "x"],
        capture_output=True, check=True,
    )  # fmt: skip
    counted = [line.split() for line in (tmp_path / "x.afreq").read_text().splitlines()[1:]]
    assert [(row[0], row[-2], row[-1]) for row in counted] == [
        ("PAR1", "0.5", "4"),
        ("PAR1", "0.5", "4"),
        ("X", "0.666667", "3"),
        ("X", "0.666667", "3"),
        ("PAR2", "0.5", "4"),
    ]


def test_what_cannot_be_exported(cohort, tmp_path, monkeypatch):
    def message(*arguments):
        with pytest.raises(DeepcohortError) as error:
            export_cohort(*arguments)
        return str(error.value)

    assert message(cohort, "hail", tmp_path / "x") == "format 'hail' is unknown; use zarr or plink2"
    empty = tmp_path / "empty.vcf.gz"
    with cyvcf2.VCF(str(cohort)) as vcf:
        header = vcf.raw_header
    (tmp_path / "empty.vcf").write_text(header)
    pysam.tabix_index(str(tmp_path / "empty.vcf"), preset="vcf", force=True)
    assert "holds no record" in message(empty, "zarr", tmp_path / "x")
    (tmp_path / "text.vcf.gz").write_text("hello")
    assert "is not bgzip-compressed" in message(tmp_path / "text.vcf.gz", "zarr", tmp_path / "x")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = message(tmp_path / "gone.vcf.gz", "plink2", tmp_path / "x").splitlines()
    assert found[0].startswith("plink2 is not on PATH; install it")
    assert found[1].endswith("gone.vcf.gz does not exist; check --vcf")
    # a plink2 that fails leaves nothing
    fake = tmp_path / "plink2"
    fake.write_text("#!/bin/sh\necho 'Error: no' >&2\nexit 3\n")
    fake.chmod(0o755)
    assert message(cohort, "plink2", tmp_path / "x").endswith("Error: no")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".tmp", "x"))]


def test_command_line(cohort, tmp_path):
    pytest.importorskip("bio2zarr")
    arguments = ["--vcf", str(cohort), "--format", "zarr", "--output", str(tmp_path / "c")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "c.vcz.zip").exists()
