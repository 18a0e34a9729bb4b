"""The default rule: truth with overlapping records and `*`; base pairs; phase."""

import csv
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.sequence import encode_bases
from deepcohort.evaluate import base_pair_kernels as bk
from deepcohort.evaluate.config import OVERLAP, VCFEVAL, of_rule
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TP, ContigResult, match_contig
from deepcohort.evaluate.phase import contig_phase, phase_table
from deepcohort.evaluate.run import evaluate_set
from deepcohort.evaluate.types import CallSet
from evaluate_builders import index_vcf, vcf_text
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_properties import Variant, count, table

SETTINGS = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
CASES = (
    Path(os.environ.get("DEEPCOHORT_DATA", Path(__file__).parents[4] / "shared" / "data")).parent / "cases"
)
#            0         1         2         3         4
REFERENCE = "ACGTTGCATTAGGCATCCGATTACAGGATCCATTTGACAAAAAAAAAAATTG" + "ACGGATTCA" * 30


def match(
    calls: list[Variant], truth: list[Variant], reference: str = REFERENCE, rule: str = OVERLAP
) -> ContigResult:
    """Compare two lists of variants by a rule."""
    template = (encode_bases(reference) + np.uint8(1)) % np.uint8(5)
    return match_contig("c", template, table(calls), table(truth), None, of_rule(rule))


def bases(result: ContigResult) -> tuple[float, float, float, float]:
    """Base pairs: of truth, found, of calls, right."""
    sides = (result.truth, result.calls)
    return tuple(float(part.sum()) for side in sides for part in (side.bases, side.bases_right))  # type: ignore[return-value]


def read_tsv(path: Path) -> list[dict[str, str]]:
    """Rows of a table."""
    with open(path) as file:
        return list(csv.DictReader(file, delimiter="\t"))


def at(pos: int, size: int = 1) -> str:
    return REFERENCE[pos : pos + size]


@pytest.mark.parametrize(
    ("case", "snp", "indel", "recall_bp"),
    [
        # TP_truth, FN, FP; base pairs as Aardvark counts them
        ("real_example_007", (4, 4, 0), (5, 0, 0), 42 / 50),
        ("real_example_009", (2, 0, 0), (2, 0, 0), 1.0),
        ("real_example_012", (2, 0, 0), (2, 0, 0), 1.0),
    ],
)
def test_stretches_of_t2t_truth(tmp_path: Path, case, snp, indel, recall_bp):
    """HG002 against T2T-Q100, overlapping records and `*` in the truth."""
    inputs = CASES / "evaluate" / case / "inputs"
    if not inputs.is_dir():
        pytest.skip(f"no evaluation cases at {CASES} (set DEEPCOHORT_DATA)")
    paths = {
        name: index_vcf(tmp_path / f"{name}.vcf", (inputs / f"{name}.vcf").read_text())
        for name in ("truth", "query")
    }
    reference = Path(shutil.copy(inputs / "reference.fa", tmp_path))
    pysam.faidx(str(reference))
    for calls, want in (("query", (snp, indel)), ("truth", None)):
        call_set = CallSet(paths[calls], paths["truth"], inputs / "regions.bed")
        out = tmp_path / calls
        evaluate_set(call_set, reference, out, quiet=True)
        rows = {row["type"]: row for row in read_tsv(out / "summary.tsv")}
        got = tuple(tuple(int(rows[t][c]) for c in ("TP_truth", "FN", "FP")) for t in ("SNP", "INDEL"))
        whole = json.loads((out / "summary.json").read_text())["all"]
        if want is None:  # itself: everything, exactly
            assert [row[1:] for row in got] == [(0, 0), (0, 0)]
            assert all(whole[c] == 1 for c in ("precision", "recall", "recall_bp", "precision_bp", "f1_bp"))
        else:
            assert got == want
            assert (whole["recall_bp"], whole["precision_bp"]) == (pytest.approx(recall_bp, abs=1e-6), 1)


def test_a_star_asserts_nothing():
    """A deletion on one haplotype, a SNP within it on the other: 1|2 with `*`, or plain 0|1."""
    deletion = Variant(10, at(10, 6), at(10), "1|0")
    starred = Variant(13, at(13), f"{'A' if at(13) != 'A' else 'C'},*", "2|1")
    plain = Variant(13, at(13), starred.alt[0], "0|1")
    assert count(match([deletion, plain], [deletion, starred])) == (2, 0, 2, 0)
    assert count(match([deletion, plain], [deletion, starred], rule=VCFEVAL)) != (2, 0, 2, 0)
    result = match([deletion], [deletion, starred])
    assert (result.overlapping, result.starred) == (1, 1)
    assert count(result) == (1, 1, 1, 0)


@st.composite
def messy(draw: st.DrawFn) -> list[Variant]:
    """Records that overlap, contradict each other, repeat, and name `*`."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    variants, pos = [], 5
    while pos < 50:
        size = rng.randint(1, 8)
        ref = REFERENCE[pos : pos + rng.choice((1, 1, size))]
        alt = rng.choice((ref[0], ref[0] + "ACGT"[pos % 4] * size, "".join(rng.choice("ACGT") for _ in ref)))
        if alt != ref:
            star = rng.random() < 0.3
            genotypes = ("1|2", "2|1") if star else ("0/1", "1|1", "0|1", "1|0", "1", "./1")
            variants.append(Variant(pos, ref, f"{alt},*" if star else alt, rng.choice(genotypes)))
        pos += rng.choice((0, 1, 2, 5, 12))
    return variants


@SETTINGS
@given(messy())
def test_self_is_exactly_one(variants):
    result = match(variants, variants)
    for side in (result.truth, result.calls):
        assert not np.isin(side.decision, (ALLELE_ONLY, MISS)).any()
    truth, found, called, right = bases(result)
    assert truth == found == called == right


@SETTINGS
@given(messy(), messy())
def test_bases_are_bounded_and_symmetric(calls, truth):
    one, other = bases(match(calls, truth)), bases(match(truth, calls))
    assert 0 <= one[1] <= one[0] + 1e-3
    assert 0 <= one[3] <= one[2] + 1e-3
    assert (one[0], one[2]) == (other[2], other[0])


@SETTINGS
@given(st.text("ACG", max_size=12), st.text("ACG", max_size=12))
def test_edit_distance_against_the_table(x, y):
    a, b = (np.frombuffer(s.encode(), np.uint8) for s in (x, y))
    rows = [list(range(len(y) + 1))]
    for i, letter in enumerate(x, 1):
        rows.append([i])
        for j, other in enumerate(y, 1):
            rows[i].append(
                min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (letter != other))
            )
    assert bk.edit_distance(a, len(x), b, len(y), 30) == rows[-1][-1]
    assert bk.edit_distance(a, len(x), b, len(y), 1) == min(rows[-1][-1], 2)


def test_partial_credit_worked_by_hand():
    """An insertion of ten bases called as eight: all of one type, and half of a homozygous SNP."""
    insertion = Variant(60, at(60), at(60) + "TTTTTTTTTT", "0/1")
    shorter = Variant(60, at(60), at(60) + "TTTTTTTT", "0/1")
    result = match([shorter], [insertion])
    assert count(result) == (0, 1, 0, 1)
    assert bases(result) == (10, 8, 8, 8)
    alt = "A" if at(150) != "A" else "C"
    result = match([Variant(150, at(150), alt, "0/1")], [Variant(150, at(150), alt, "1/1")])
    assert bases(result) == (2, 1, 1, 1)
    result = match([], [insertion])
    assert bases(result) == (10, 0, 0, 0)


def test_written_phase_is_kept():
    """Two heterozygous SNPs in trans called in cis: both genotypes are right, one base is misplaced."""
    first = Variant(100, at(100), "A" if at(100) != "A" else "C", "0|1")
    second = Variant(105, at(105), "A" if at(105) != "A" else "C", "1|0")
    turned = Variant(105, second.ref, second.alt, "0|1")
    free = Variant(105, second.ref, second.alt, "0/1")
    assert bases(match([first, second], [first, second])) == (2, 2, 2, 2)
    assert bases(match([first, free], [first, second])) == (2, 2, 2, 2)
    result = match([first, turned], [first, second])
    assert count(result) == (2, 0, 2, 0)
    assert bases(result) == (2, 1, 2, 1)
    template = (encode_bases(REFERENCE) + np.uint8(1)) % np.uint8(5)
    row = phase_table([contig_phase(result, template)])[-1]
    assert (row["compared"], row["pairs"], row["switches"], row["switch_rate"]) == (2, 1, 1, 1)
    assert phase_table([contig_phase(match([free], [second]), template)]) == []


def test_phase_sets_part_what_they_do_not_join(tmp_path: Path, write_reference):
    """Neighbours in different phase sets are no pair."""
    reference = write_reference({"c": REFERENCE})
    alts = {p: "A" if at(p) != "A" else "C" for p in (99, 104, 119)}
    rows = [f"c {p + 1} {at(p)} {alt} 0|1:{p // 110}" for p, alt in alts.items()]
    text = vcf_text(rows, {"c": len(REFERENCE)}).replace("GT:GQ\t", "GT:PS\t")
    path = index_vcf(tmp_path / "x.vcf", text)
    evaluate_set(CallSet(path, path), reference, tmp_path / "out", quiet=True)
    rows = read_tsv(tmp_path / "out" / "phase.tsv")
    assert [(r["contig"], r["type"], r["compared"], r["pairs"], r["switches"]) for r in rows] == [
        ("c", "SNP", "3", "1", "0"),
        ("c", "ALL", "3", "1", "0"),
        ("all", "SNP", "3", "1", "0"),
        ("all", "ALL", "3", "1", "0"),
    ]


def test_the_log_names_the_rule(tmp_path: Path, write_reference, capsys):
    reference = write_reference({"c": REFERENCE})
    rows = [f"c 11 {at(10, 6)} {at(10)} 1|0", f"c 14 {at(13)} {'A' if at(13) != 'A' else 'C'},* 2|1"]
    path = index_vcf(tmp_path / "x.vcf", vcf_text(rows, {"c": len(REFERENCE)}))
    evaluate_set(CallSet(path, path), reference, tmp_path / "out")
    told = capsys.readouterr().err
    assert "rule overlap" in told
    assert "1 overlapping records and 1 with *" in told
    plain = tmp_path / "plain"
    evaluate_set(CallSet(path, path), reference, plain, config=of_rule(VCFEVAL))
    assert "scored wrongly by this rule" in capsys.readouterr().err
    for name in ("summary.tsv", "extended.tsv"):
        assert "recall_bp" not in (plain / name).read_text()
        rows = read_tsv(tmp_path / "out" / name)
        assert rows
        assert all(row["recall_bp"] == "1.0" for row in rows if row["truth_bp"] != "0.0")
    assert not (plain / "phase.tsv").exists()
    with pytest.raises(DeepcohortError, match=r"--rule 'hap\.py' is none of overlap, vcfeval"):
        of_rule("hap.py")


def test_too_hard_neighbourhoods_hold_no_bases():
    """What the search gives up is neither right nor wrong, in bases too."""
    variants = [
        Variant(60 + 3 * k, at(60 + 3 * k), "ACGT"["ACGT".index(at(60 + 3 * k)) - 1], "0/1")
        for k in range(14)
    ]
    from dataclasses import replace

    template = (encode_bases(REFERENCE) + np.uint8(1)) % np.uint8(5)
    config = replace(of_rule(), max_paths=3)
    result = match_contig("c", template, table(variants[::2]), table(variants[1::2]), None, config)
    hard = result.truth.decision == 5
    assert (result.truth.bases[hard] == 0).all()
    assert (result.truth.bases[~hard & (result.truth.decision != TP)] > 0).all()
