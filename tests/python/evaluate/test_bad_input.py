"""Every bad input of the evaluator gives one clear line."""

import re
import shutil
from pathlib import Path

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.evaluate.options import plan, read_manifest, read_stratifications
from deepcohort.evaluate.run import evaluate_many, evaluate_set
from deepcohort.evaluate.types import CallSet
from evaluate_builders import index_vcf, vcf_text

SEQUENCE = "ACGTTGCATTAGGCATCCGATTACAGGATCCATTTGACA" * 5
LENGTHS = {"chr1": len(SEQUENCE)}
TRUTH = ["chr1 10 T C 0/1", "chr1 50 T TA 1/1"]


@pytest.fixture
def pair(tmp_path: Path, write_reference):
    """A valid call set (one that tests then spoil) and its reference."""
    reference = write_reference({"chr1": SEQUENCE})
    text = SEQUENCE
    rows = [f"chr1 10 {text[9]} {'A' if text[9] != 'A' else 'C'} 0/1", f"chr1 50 {text[49]} {text[49]}G 1/1"]
    calls = index_vcf(tmp_path / "calls.vcf", vcf_text(rows, LENGTHS))
    truth = index_vcf(tmp_path / "truth.vcf", vcf_text(rows, LENGTHS))
    bed = tmp_path / "confident.bed"
    bed.write_text(f"chr1\t0\t{len(SEQUENCE)}\n")
    return CallSet(calls, truth, bed), reference


def fails(pair_: tuple[CallSet, Path], tmp_path: Path, message: str, **changes: object) -> None:
    """Evaluation of the changed pair fails with one line that matches, and leaves no result."""
    from dataclasses import replace

    call_set, reference = pair_
    with pytest.raises(DeepcohortError, match=message) as caught:
        evaluate_set(replace(call_set, **changes), reference, tmp_path / "out", quiet=True)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_valid_pair_scores_one(pair, tmp_path):
    call_set, reference = pair
    judged = evaluate_set(call_set, reference, tmp_path / "out", quiet=True)
    assert (judged.truth.decision == 2).all()
    assert (judged.calls.decision == 2).all()


def test_truth_of_another_reference(pair, tmp_path):
    other = index_vcf(tmp_path / "other.vcf", vcf_text(["22 10 A C 0/1"], {"22": 1000}))
    fails(pair, tmp_path, "share no contig.*truth: 22; reference: chr1", truth=other)


def test_calls_of_another_length(pair, tmp_path):
    other = index_vcf(tmp_path / "other.vcf", vcf_text(["chr1 10 A C 0/1"], {"chr1": 999}))
    fails(pair, tmp_path, f"contig chr1 is 999 bp.*{len(SEQUENCE)} bp", calls=other)


def test_missing_sample(pair, tmp_path):
    fails(pair, tmp_path, "no sample 'nobody' \\(it has: S\\)", sample="nobody")


def test_choice_of_samples_needed(pair, tmp_path):
    both = vcf_text(["chr1 10 T C 0/1;1/1"], LENGTHS, samples=("A", "B"))
    fails(pair, tmp_path, "has 2 samples .*--sample", calls=index_vcf(tmp_path / "two.vcf", both))


def test_lone_truth_sample_chooses_among_calls(pair, tmp_path):
    call_set, reference = pair
    both = vcf_text(["chr1 10 T C 0/0;0/1"], LENGTHS, samples=("A", "S"))
    from dataclasses import replace

    changed = replace(call_set, calls=index_vcf(tmp_path / "two.vcf", both))
    assert evaluate_set(changed, reference, tmp_path / "out", quiet=True).name == "S"


def test_unindexed(pair, tmp_path):
    Path(f"{pair[0].calls}.tbi").unlink()
    fails(pair, tmp_path, "not indexed; run: tabix -p vcf")


def test_unsorted(pair, tmp_path):
    text = vcf_text(["chr1 50 T TA 1/1", "chr1 10 T C 0/1"], LENGTHS)
    path = tmp_path / "unsorted.vcf.gz"
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(text.encode())
    shutil.copy(f"{pair[0].calls}.tbi", f"{path}.tbi")
    # the borrowed index points into this file: both have one small block
    fails(pair, tmp_path, "not sorted at chr1:10; run: bcftools sort", calls=path)


def test_plain_text_and_plain_gzip(pair, tmp_path):
    import gzip

    plain = tmp_path / "plain.vcf"
    plain.write_text(vcf_text(TRUTH, LENGTHS))
    fails(pair, tmp_path, "not bgzip-compressed", calls=plain)
    zipped = tmp_path / "plain.vcf.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    fails(pair, tmp_path, "compressed by gzip, not bgzip-compressed", calls=zipped)


def test_truncated(pair, tmp_path):
    rows = [f"chr1 {p} {SEQUENCE[p - 1]} {SEQUENCE[p - 1]}A 0/1" for p in range(1, 190)] * 1
    path = tmp_path / "long.vcf.gz"
    body = vcf_text(rows, LENGTHS).encode()
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(body)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    fails(pair, tmp_path, "truncated|cannot be decompressed|damaged", calls=path)


def test_haploid_matches_homozygous(pair, tmp_path):
    call_set, reference = pair
    from dataclasses import replace

    base = SEQUENCE[9]
    alt = "A" if base != "A" else "C"
    calls = index_vcf(tmp_path / "hap.vcf", vcf_text([f"chr1 10 {base} {alt} 1"], LENGTHS))
    truth = index_vcf(tmp_path / "hom.vcf", vcf_text([f"chr1 10 {base} {alt} 1/1"], LENGTHS))
    judged = evaluate_set(
        replace(call_set, calls=calls, truth=truth), reference, tmp_path / "out", quiet=True
    )
    assert judged.calls.decision.tolist() == [2]
    het = index_vcf(tmp_path / "het.vcf", vcf_text([f"chr1 10 {base} {alt} 0/1"], LENGTHS))
    judged = evaluate_set(replace(call_set, calls=calls, truth=het), reference, tmp_path / "out2", quiet=True)
    assert judged.calls.decision.tolist() == [3]  # the allele is right, the genotype is not


def test_triploid_symbolic_and_breakends_are_left_out_and_counted(pair, tmp_path):
    import json
    from dataclasses import replace

    call_set, reference = pair
    base = SEQUENCE[9]
    rows = [
        f"chr1 10 {base} <DEL> 0/1",
        f"chr1 11 {SEQUENCE[10]} {SEQUENCE[10]}[chr1:100[ 0/1",
        f"chr1 12 {SEQUENCE[11]} * 0/1",
        f"chr1 13 {SEQUENCE[12]} {SEQUENCE[12]}A 0/1/1",
        f"chr1 14 {SEQUENCE[13]} {SEQUENCE[13]}A 0/1 50 LowQual",
        f"chr1 15 {SEQUENCE[14]} {'A' * 1200} 0/1",
    ]
    calls = index_vcf(tmp_path / "odd.vcf", vcf_text(rows, LENGTHS))
    evaluate_set(replace(call_set, calls=calls), reference, tmp_path / "out", quiet=True)
    left = json.loads((tmp_path / "out" / "summary.json").read_text())["left_out"]["calls"]
    assert {k: v for k, v in left.items() if v} == {"symbolic": 3, "ploidy": 1, "filtered": 1, "too_long": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t50\t20", "line 1: start 50 lies after end 20"),
        ("chr1\t-5\t20", "line 1: start and end must be whole numbers"),
        ("chr1\t5\t99999", "line 1: end 99999 lies beyond chr1"),
        ("chr1\tfive\tten", "line 1: start and end must be whole numbers"),
        ("chr9\t5\t10", "names no contig of the reference"),
        ("chr1\t5\t5", "holds no interval"),
        ("# nothing", "holds no interval"),
    ],
)
def test_bad_beds(pair, tmp_path, line, message):
    bed = tmp_path / "bad.bed"
    bed.write_text(line + "\n")
    fails(pair, tmp_path, re.escape(message), confident=bed)


def test_missing_files(pair, tmp_path):
    fails(pair, tmp_path, "calls .*nothing.vcf.gz does not exist", calls=tmp_path / "nothing.vcf.gz")
    fails(pair, tmp_path, "truth .*nothing.vcf.gz does not exist", truth=tmp_path / "nothing.vcf.gz")
    fails(pair, tmp_path, "BED .*nothing.bed does not exist", confident=tmp_path / "nothing.bed")


def test_options_that_contradict():
    with pytest.raises(DeepcohortError) as caught:
        plan([], None, Path("a.bed"), [], None, [], None, None)
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(DeepcohortError, match="exclude each other"):
        plan([Path("a")], Path("t"), None, [], None, [], Path("m"), None)
    with pytest.raises(DeepcohortError, match="1 --name for 2 --vcf"):
        plan([Path("a"), Path("b")], Path("t"), None, [], None, ["x"], None, None)
    assert plan([Path("a")], None, None, [], None, [], None, None) is None


def test_names_must_differ(pair, tmp_path):
    call_set, reference = pair
    with pytest.raises(DeepcohortError, match="several call sets are named calls"):
        evaluate_many([call_set, call_set], reference, tmp_path / "out", quiet=True)


def test_manifest_problems(tmp_path):
    path = tmp_path / "manifest.tsv"
    path.write_text("calls\tcolour\n")
    with pytest.raises(DeepcohortError, match="unknown: colour"):
        read_manifest(path)
    path.write_text("calls\ttruth\na.vcf.gz\t\nb.vcf.gz\tt.vcf.gz\n\tt.vcf.gz\n")
    with pytest.raises(DeepcohortError) as caught:
        read_manifest(path)
    assert str(caught.value).splitlines() == [
        f"manifest {path} line 2 lacks calls or truth",
        f"manifest {path} line 4 lacks calls or truth",
    ]
    path.write_text("calls\ttruth\tname\tdepth\nb.vcf.gz\tt.vcf.gz\tx\t30\n")
    (only,) = read_manifest(path)
    assert (only.calls, only.truth, only.name, only.depth) == (
        tmp_path / "b.vcf.gz",
        tmp_path / "t.vcf.gz",
        "x",
        "30",
    )


def test_stratification_options(tmp_path):
    listing = tmp_path / "giab.tsv"
    listing.write_text("lowmap\tlow/map.bed.gz\n")
    assert read_stratifications(["easy=e.bed", str(listing)]) == {
        "easy": Path("e.bed"),
        "lowmap": tmp_path / "low/map.bed.gz",
    }
    with pytest.raises(DeepcohortError, match="given twice"):
        read_stratifications(["a=x.bed", "a=y.bed"])
    with pytest.raises(DeepcohortError, match=r"neither NAME=file\.bed"):
        read_stratifications(["oops"])
