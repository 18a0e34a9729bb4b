import json

import pytest
from deepcohort.cohort.summary import cohort_lines, read_scores, terminal_lines, write_summary
from deepcohort.core.errors import DeepcohortError

HEADER = "type\tTP_truth\tFN\tTP_call\tFP\tprecision\trecall\tf1\n"


def make(folder, name, snp, indel):
    (folder / name).mkdir()
    rows = "".join(
        f"{kind}\t" + "\t".join(map(str, c)) + "\t0\t0\t0\n" for kind, c in (("SNP", snp), ("INDEL", indel))
    )
    (folder / name / "summary.tsv").write_text(HEADER + rows)
    return folder / name


def test_lines_and_totals(tmp_path):
    folders = [
        make(tmp_path, "b", (3, 1, 4, 0), (0, 0, 0, 0)),
        make(tmp_path, "a", (9, 1, 8, 2), (1, 1, 1, 0)),
    ]
    lines = terminal_lines(read_scores(folders))
    assert [line.split() for line in lines[1:]] == [
        ["a", "SNP", "0.8000", "0.9000", "1", "2"],
        ["a", "INDEL", "1.0000", "0.5000", "1", "0"],
        ["b", "SNP", "1.0000", "0.7500", "1", "0"],
        ["b", "INDEL", "-", "-", "0", "0"],
        ["all", "SNP", "0.8571", "0.8571", "2", "2"],
        ["all", "INDEL", "1.0000", "0.5000", "1", "0"],
    ]


def test_genotypes_of_the_cohort_are_summed_apart(tmp_path):
    names = ("a", "a.cohort", "b", "b.cohort", "lone.cohort")
    folders = [make(tmp_path, name, (8, 2, 8, k), (1, 0, 1, 0)) for k, name in enumerate(names)]
    lines = [line.split() for line in terminal_lines(read_scores(folders))[1:]]
    totals = {row[0]: (row[4], row[5]) for row in lines if row[0].startswith("all") and row[1] == "SNP"}
    assert totals == {"all": ("6", "6"), "all.cohort": ("4", "4")}


def test_many_samples_are_summed_up(tmp_path):
    folders = [make(tmp_path, f"s{i:02}", (1, 0, 1, 0), (1, 0, 1, 0)) for i in range(13)]
    lines = terminal_lines(read_scores(folders))
    assert [line.split()[:2] for line in lines[1:]] == [["all", "SNP"], ["all", "INDEL"]]


def test_files(tmp_path):
    write_summary([make(tmp_path, "a", (9, 1, 8, 2), (1, 1, 1, 0))], None, tmp_path / "s.txt")
    assert "0.9000" in (tmp_path / "s.txt").read_text()
    write_summary([], None, tmp_path / "none.txt")
    assert (tmp_path / "none.txt").read_text() == ""


def test_a_broken_table_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "summary.tsv").write_text("type\tFN\nSNP\t1\n")
    with pytest.raises(
        DeepcohortError, match=r"summary\.tsv needs a header .*missing: TP_truth, TP_call, FP"
    ):
        read_scores([tmp_path / "a"])


def test_the_cohort_in_a_line(tmp_path):
    path = tmp_path / "cohort.json"
    numbers = {"samples": 3, "sites_pass": 1231, "snp_sites": 1226, "insertion_sites": 3, "deletion_sites": 2}
    numbers |= {"ti_tv": 2.1, "mendelian_checked": 31, "mendelian_violations": 1, "sex_mismatches": []}
    path.write_text(json.dumps(numbers | {"pedigree_mismatches": []}))
    assert cohort_lines(path) == [
        "  1,231 sites in 3 samples: 1,226 SNP, 5 indel; Ti/Tv 2.10; 1 of 31 against Mendel"
    ]
    path.write_text(
        json.dumps(numbers | {"ti_tv": None, "mendelian_checked": 0, "pedigree_mismatches": ["x"]})
    )
    assert cohort_lines(path)[0] == "  1,231 sites in 3 samples: 1,226 SNP, 5 indel"
    assert "does not fit" in cohort_lines(path)[1]
    path.write_text("{}")
    with pytest.raises(DeepcohortError, match="no summary of a cohort"):
        cohort_lines(path)
