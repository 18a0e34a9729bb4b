"""Other tools read the cohort VCF, and count what its INFO says."""

import shutil
import subprocess

import numpy as np
import pytest
from deepcohort.joint.genotype import genotype_cohort
from joint_helpers import read_rows, write_gvcf, write_reference
from test_cohort_properties import random_records


@pytest.fixture(scope="module")
def cohort_vcf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readers")
    write_reference(folder)
    rng = np.random.default_rng(8)
    paths = [write_gvcf(folder, f"S{i}", random_records(rng)[0]) for i in range(9)]
    out = folder / "cohort.vcf.gz"
    genotype_cohort(paths, folder / "ref.fa", out, quiet=True)
    return out


def run(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result


def without_half_calls(rows):
    def whole(row):
        return all(
            cell["GT"].count(".") != 1
            for name, cell in row.items()
            if isinstance(cell, dict) and name != "INFO"
        )

    return {key: row for key, row in rows.items() if whole(row)}


def test_plink2(cohort_vcf, tmp_path):
    prefix = tmp_path / "p"
    run("plink2", "--vcf", cohort_vcf, "--vcf-half-call", "m", "--allow-extra-chr", "--freq", "counts",
        "--out", prefix)  # fmt: skip
    lines = (tmp_path / "p.acount").read_text().splitlines()
    names = lines[0].lstrip("#").split("\t")
    counted = [dict(zip(names, line.split("\t"), strict=True)) for line in lines[1:]]
    rows = read_rows(cohort_vcf)
    assert len(counted) == len(rows) > 20
    checked = 0
    for key, found in zip(rows, counted, strict=True):
        assert key.split()[1:] == [found["REF"], found["ALT"]]
        if key in without_half_calls(rows):
            assert (found["ALT_CTS"], found["OBS_CT"]) == (rows[key]["INFO"]["AC"], rows[key]["INFO"]["AN"])
            checked += 1
    assert checked > 20


def test_bcftools(cohort_vcf):
    filled = run("bcftools", "query", "-f", "%POS %REF %ALT|%AC|%AN|%NS\n", cohort_vcf)
    assert not filled.stderr
    again = run("bcftools", "+fill-tags", cohort_vcf, "--", "-t", "AC,AN,NS")
    counted = dict(
        (f"{f[1]} {f[3]} {f[4]}", dict(p.partition("=")[::2] for p in f[7].split(";")))
        for f in (line.split("\t") for line in again.stdout.splitlines() if not line.startswith("#"))
    )
    rows = read_rows(cohort_vcf)
    assert counted.keys() == rows.keys()
    for key, row in without_half_calls(rows).items():
        assert {k: counted[key][k] for k in ("AC", "AN", "NS")} == {
            k: row["INFO"][k] for k in ("AC", "AN", "NS")
        }


def test_cyvcf2(cohort_vcf):
    import cyvcf2

    vcf = cyvcf2.VCF(str(cohort_vcf))
    rows = read_rows(cohort_vcf)
    for record, (key, row) in zip(vcf, rows.items(), strict=True):
        assert f"{record.POS} {record.REF} {','.join(record.ALT)}" == key
        assert record.INFO["AN"] == int(row["INFO"]["AN"])
        assert record.FILTER in (None, *row["FILTER"].split(";"))
