"""The GLnexus oracle as a table: every cell agrees, or stands in glnexus_differences.tsv with its reason.

Reasons (docs/joint.md explains them):
beside: GLnexus merges overlapping records into one site and gives up on samples that hold several of
    them; here each POS is a site, with `*`, and they are called.
span: a reference genotype needs evidence under the whole REF, and some of it is a no-call.
pl: GT and PL of the input disagree; the PL decides.
nothing: PL 0,0,0 is no evidence, so ./. and not 0/0.
depth: GLnexus takes single alleles for unknown below a depth; here a genotype is known or it is not.
kept: GLnexus drops weak or rare alleles; here every called allele is kept.
mnp: MNPs are divided into their substitutions.
"""

import csv
from collections import defaultdict
from pathlib import Path

import pysam
import pytest
from glnexus_oracle import ORACLE_CONFIG, differences, run_case

REASONS = {"beside", "span", "pl", "nothing", "depth", "kept", "mnp", "iupac"}
NO_EXPECTED_VCF = {"discover_alleles_2_trios", "discover_alleles_gvcf", "discover_alleles_gvcf_bogus"}
N_CASES = 51


def documented() -> dict[str, list[tuple[str, str, str, str]]]:
    found = defaultdict(list)
    with (Path(__file__).parent / "glnexus_differences.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            assert row["reason"] in REASONS
            found[row["case"]].append((row["site"], row["sample"], row["expected"], row["ours"]))
    return found


def test_glnexus_cases(shared_data, tmp_path):
    folder = shared_data / "oracles" / "glnexus" / "gvcf_test_cases"
    if not folder.is_dir():
        pytest.skip(f"no GLnexus oracle at {folder}")
    table = documented()
    names = sorted(path.stem for path in folder.glob("*.yml"))
    assert len(names) == N_CASES
    wrong = {}
    for name in names:
        if name in NO_EXPECTED_VCF:  # they test allele discovery alone
            continue
        place = tmp_path / name
        place.mkdir()
        ours, expected, _ = run_case(folder / f"{name}.yml", place, ORACLE_CONFIG)
        assert expected
        with pysam.FastaFile(str(place / "ref.fa")) as fasta:
            rows = differences(ours, expected, lambda c, p, f=fasta: f.fetch(c, p - 1, p))
        if rows != table.get(name, []):
            wrong[name] = (rows, table.get(name))
        (place / "ref.fa").unlink()  # some are 100 MB
    assert wrong == {}
