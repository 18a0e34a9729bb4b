"""Cohort statistics: counts by hand, kinship of simulated relatives, files that MultiQC reads."""

import csv
import json

import numpy as np
import pytest
from deepcohort.cli.stats import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.report.cohort import write_cohort_stats
from deepcohort.report.cohort_config import CohortStatsConfig
from deepcohort.report.cohort_relatedness import degree_of, king_kinship
from typer.testing import CliRunner

HEADER = """##fileformat=VCFv4.3
##FILTER=<ID=LowQual,Description="l">
##INFO=<ID=DENOVO,Number=.,Type=String,Description="d">
##FORMAT=<ID=GT,Number=1,Type=String,Description="g">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="q">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">
##contig=<ID=1,length=100000>
##contig=<ID=X,length=100000>
##contig=<ID=Y,length=100000>
"""
COLUMNS = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT"
ROWS = """1 10 . A G 50 PASS . GT:GQ:DP 0/1:50:10 0/0:30:20 1/1:40:30
1 20 . A C 50 PASS DENOVO=kid GT:GQ:DP 0/1:50:10 0/0:30:20 0/0:40:30
1 30 . AT A 50 PASS . GT:GQ:DP 0/0:50:10 0/1:30:20 ./.:.:0
1 31 . T C,* 50 PASS . GT:GQ:DP 0/0:50:10 0/2:30:20 0/1:9:30
1 40 . G T 5 LowQual . GT:GQ:DP 0/1:50:10 0/1:30:20 1/1:40:30
1 50 . G GTT 50 PASS . GT:GQ:DP 1/1:50:10 0/1:30:20 0/0:40:30"""


def write_vcf(path, samples, rows):
    text = HEADER + "\t".join([*COLUMNS.split(), *samples]) + "\n"
    path.write_text(text + "".join("\t".join(row.split()) + "\n" for row in rows))
    return path


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_counts_by_hand(tmp_path):
    vcf = write_vcf(tmp_path / "a.vcf", ["kid", "dad", "mom"], ROWS.splitlines())
    out = tmp_path / "out"
    summary = write_cohort_stats(vcf, out, {"kid": ("dad", "mom")}, {}, {"kid": "F"}, quiet=True)
    assert summary["sites_pass"] == 5
    assert summary["sites_filtered"] == 1
    assert summary["ti_tv"] == 2.0  # A>G, T>C; A>C
    kid, dad, mom = table(out / "samples.tsv")
    assert (kid["het"], kid["hom_alt"], kid["hom_ref"], kid["missing"]) == ("2", "1", "2", "0")
    assert (kid["snp"], kid["insertion"], kid["deletion"], kid["ti_tv"]) == ("2", "1", "0", "1.0")
    assert (kid["singleton"], kid["de_novo"], kid["mean_dp"]) == ("1", "1", "10.0")
    assert (dad["snp"], dad["deletion"], dad["het"]) == ("0", "1", "3")  # 0/* is heterozygous, no SNP
    assert (mom["missing"], mom["missing_rate"]) == ("1", "0.2")
    (trio,) = table(out / "mendelian.tsv")
    # 20: kid's C is in neither parent; 31: fine; 50: kid 1/1, mom 0/0
    assert (trio["snp_checked"], trio["snp_violations"]) == ("3", "1")
    assert (trio["indel_checked"], trio["indel_violations"]) == ("1", "1")


def relatives(n_sites=8_000, seed=2):
    """Copies of ALT of father, mother, two children and two others."""
    rng = np.random.default_rng(seed)
    f = rng.uniform(0.05, 0.95, n_sites)
    haplotypes = (rng.random((6, 2, n_sites)) < f).astype(np.int8)
    founders = {"dad": 0, "mom": 1, "x": 4, "y": 5}
    pick = rng.integers(0, 2, (4, n_sites))
    columns = np.arange(n_sites)
    children = [
        haplotypes[0, pick[2 * k], columns] + haplotypes[1, pick[2 * k + 1], columns] for k in range(2)
    ]
    rows = [haplotypes[i].sum(axis=0) for i in founders.values()] + children
    return [*founders, "kid", "sib"], np.array(rows, dtype=np.int8).T


def test_kinship_of_relatives():
    names, copies = relatives()
    config = CohortStatsConfig()
    k = king_kinship(copies)
    at = {name: i for i, name in enumerate(names)}
    expected = {
        ("dad", "kid"): "parent-child",
        ("mom", "sib"): "parent-child",
        ("kid", "sib"): "siblings",
        ("dad", "mom"): "unrelated",
        ("x", "kid"): "unrelated",
    }
    for (a, b), relation in expected.items():
        assert degree_of(k.phi[at[a], at[b]], k.ibs0[at[a], at[b]], config) == relation
    assert np.allclose(np.diag(k.phi), 0.5)
    assert degree_of(0.5, 0.0, config) == "duplicate"
    assert k.phi[at["dad"], at["kid"]] == pytest.approx(0.25, abs=0.02)


def test_components_part_populations_and_holes_draw_no_sample_to_the_middle(tmp_path):
    rng = np.random.default_rng(5)
    base = rng.uniform(0.1, 0.9, 2_000)
    other = np.clip(base + rng.normal(0, 0.2, 2_000), 0.02, 0.98)
    copies = np.concatenate(
        [rng.binomial(2, base[:, None], (2_000, 8)), rng.binomial(2, other[:, None], (2_000, 8))], axis=1
    ).astype(np.int8)
    copies[rng.random(2_000) < 0.6, 3] = -1  # within what a site may miss: one of 16
    names = [f"s{i}" for i in range(16)]
    words = np.array(["./.", "0/0", "0/1", "1/1"])
    rows = [
        f"1 {i + 1} . A G 50 PASS . GT:GQ:DP " + " ".join(f"{g}:50:30" for g in words[copies[i] + 1])
        for i in range(len(copies))
    ]
    write_cohort_stats(write_vcf(tmp_path / "c.vcf", names, rows), tmp_path / "out", quiet=True)
    head, *lines = [r.split("\t") for r in (tmp_path / "out" / "pca.tsv").read_text().splitlines()]
    assert head == ["sample", "PC1", "PC2", "PC3", "PC4", "embedding1", "embedding2"]
    first = np.array([float(r[1]) for r in lines])
    assert (np.sign(first[:8]) == np.sign(first[0])).all()
    assert (np.sign(first[8:]) == -np.sign(first[0])).all()
    assert abs(first[3]) > 0.7 * np.abs(np.delete(first[:8], 3)).mean()
    places = np.array([[float(v) for v in r[5:]] for r in lines])
    gap = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=-1))
    np.fill_diagonal(gap, np.inf)
    assert ((gap.argmin(axis=1) < 8) == (np.arange(16) < 8)).all()
    content = json.loads((tmp_path / "out" / "deepcohort_embedding_mqc.json").read_text())
    assert len(content["data"]) == 16


def test_sex_pedigree_and_multiqc_files(tmp_path):
    names, copies = relatives(1_500)
    rng = np.random.default_rng(9)
    words = np.array(["0/0", "0/1", "1/1"])
    rows = [
        f"1 {i + 1} . A G 50 PASS . GT:GQ:DP " + " ".join(f"{g}:50:30" for g in words[copies[i]])
        for i in range(len(copies))
    ]
    for i in range(60):  # dad and kid are haploid on X
        cells = [str(rng.integers(0, 2)) if n in ("dad", "kid") else words[rng.integers(0, 3)] for n in names]
        cells = [f"{c}/{c}" if len(c) == 1 else c for c in cells]
        rows.append(f"X {i + 1} . A G 50 PASS . GT:GQ:DP " + " ".join(f"{c}:50:30" for c in cells))
    vcf = write_vcf(tmp_path / "b.vcf", names, rows)
    ped = tmp_path / "b.ped"
    ped.write_text(
        "F kid dad mom 1 0\nF sib dad x 2 0\nF dad 0 0 1 0\nF mom 0 0 2 0\nG x 0 0 2 0\nG y 0 0 1 0\n"
    )
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["--vcf", str(vcf), "--pedigree", str(ped), "--output", str(out), "--quiet"]
    )
    assert result.exit_code == 0, result.output
    sex = {row["sample"]: (row["sex_inferred"], row["sex_check"]) for row in table(out / "samples.tsv")}
    assert sex["dad"] == ("XY", "ok")
    assert sex["mom"] == ("XX", "ok")
    assert sex["y"] == ("XX", "MISMATCH")
    related = {
        (r["sample_1"], r["sample_2"]): (r["observed"], r["check"]) for r in table(out / "relatedness.tsv")
    }
    assert related["dad", "kid"] == ("parent-child", "ok")
    assert related["x", "sib"] == ("unrelated", "MISMATCH")  # the pedigree names the wrong mother
    assert related["mom", "sib"] == ("parent-child", "unexpected")
    summary = json.loads((out / "cohort.json").read_text())
    assert summary["sex_mismatches"] == ["y"]
    for path in out.glob("*_mqc.json"):
        content = json.loads(path.read_text())
        assert content["id"].startswith("deepcohort_")
        assert content["plot_type"] in ("table", "bargraph", "scatter")
        assert content["data"]
    assert len(list(out.glob("*_mqc.json"))) == 6


def test_mitochondria_are_of_the_mother(tmp_path):
    vcf = write_vcf(tmp_path / "a.vcf", ["kid", "dad", "mom"], ["chrM 10 . A G 50 PASS . GT 1/1 0/0 1/1"])
    vcf.write_text(vcf.read_text().replace("contig=<ID=X,", "contig=<ID=chrM,"))
    write_cohort_stats(vcf, tmp_path / "out", {"kid": ("dad", "mom")}, {}, {}, quiet=True)
    (trio,) = table(tmp_path / "out" / "mendelian.tsv")
    assert (trio["snp_checked"], trio["snp_violations"]) == ("0", "0")


@pytest.mark.parametrize("contig", ["##contig=<ID=1>\n", ""])
def test_header_without_lengths_of_contigs(tmp_path, contig):
    vcf = write_vcf(tmp_path / "a.vcf", ["kid", "dad", "mom"], ROWS.splitlines())
    kept = [line for line in HEADER.splitlines(keepends=True) if not line.startswith("##contig")]
    vcf.write_text(vcf.read_text().replace(HEADER, "".join([*kept, contig])))
    assert write_cohort_stats(vcf, tmp_path / "out", {}, {}, {}, quiet=True)["sites_pass"] == 5


def test_bad_vcf(tmp_path):
    with pytest.raises(DeepcohortError, match="does not exist"):
        write_cohort_stats(tmp_path / "none.vcf", tmp_path / "o")
    with pytest.raises(DeepcohortError, match=r"holds no samples|cannot be read"):
        write_cohort_stats(write_vcf(tmp_path / "c.vcf", [], []), tmp_path / "o")


@pytest.mark.parametrize(
    ("phi", "ibs0", "may_be"),
    [(0.25, 0.0, True), (0.147, 0.0, True), (0.147, 0.02, False), (0.05, 0.0, False), (0.5, 0.0, False)],
)
def test_a_parent_shares_an_allele_everywhere(phi, ibs0, may_be):
    from deepcohort.report.cohort_config import CohortStatsConfig
    from deepcohort.report.cohort_relatedness import is_parent_child

    assert is_parent_child(phi, ibs0, CohortStatsConfig()) is may_be


def test_the_sex_of_men_is_not_told_by_their_pseudo_autosomal_regions(tmp_path):
    # haploid beyond the PAR, where only women have heterozygotes; both have them in the PAR of GRCh38
    rows = [f"1 {i + 1} . A G 50 PASS . GT:GQ:DP 0/1:50:30 0/1:50:30" for i in range(30)]
    rows += [f"X {i + 20_000} . A G 50 PASS . GT:GQ:DP 0/1:50:30 0/1:50:30" for i in range(30)]
    rows += [f"X {i + 5_000_000} . A G 50 PASS . GT:GQ:DP 1:50:30 0/1:50:30" for i in range(30)]
    vcf = write_vcf(tmp_path / "a.vcf", ["man", "woman"], rows)
    vcf.write_text(vcf.read_text().replace("<ID=X,length=100000>", "<ID=X,length=156040895>"))
    summary = write_cohort_stats(vcf, tmp_path / "out", sex={"man": "XY", "woman": "XX"}, quiet=True)
    assert summary["sex_mismatches"] == []
    man, woman = table(tmp_path / "out" / "samples.tsv")
    assert (man["sex_inferred"], man["x_het_rate"]) == ("", "")
    assert (woman["sex_inferred"], woman["sex_check"]) == ("XX", "ok")


def test_what_nothing_is_known_of_is_no_number(tmp_path):
    names, copies = relatives(1_500)
    words = np.array(["0/0", "0/1", "1/1"])
    rows = [
        f"1 {i + 1} . A G 50 PASS . GT:DP " + " ".join(f"{g}:30" for g in [*words[row], "./."])
        for i, row in enumerate(np.repeat(copies, 2, axis=1))
    ]
    names = [f"{name}{k}" for name in names for k in (1, 2)]
    vcf = write_vcf(tmp_path / "a.vcf", [*names, "empty"], rows)
    first = names[0]
    summary = write_cohort_stats(vcf, tmp_path / "out", {first: ("empty", "")}, quiet=True)
    assert f"{first} - empty" not in summary["pedigree_mismatches"]
    (row,) = (r for r in table(tmp_path / "out" / "relatedness.tsv") if r["sample_2"] == "empty")
    assert (row["kinship"], row["ibs0"], row["observed"], row["check"]) == ("", "", "unknown", "")
    assert {row["mean_gq"] for row in table(tmp_path / "out" / "samples.tsv")} == {""}  # the VCF has none

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    for path in (tmp_path / "out").glob("*.json"):
        json.loads(path.read_text(), parse_constant=refuse)
