"""Sex by coverage: from the index alone, told, overruled, and the same for calling and checking."""

import numpy as np
import pysam
import pytest
from deepcohort.calls.ploidy import make_ploidy_map
from deepcohort.cohort.check import check_cohort
from deepcohort.cohort.samplesheet import pedigree_lines
from deepcohort.compose.call_setup import CallRequest, sex_and_note
from deepcohort.core.region import Region
from deepcohort.joint.ploidy import expected_ploidy
from deepcohort.reads.sex import SexEvidence, has_sex_contig, judge_depths, sex_of_reads

LENGTHS = {"chr1": 600_000, "chr2": 300_000, "chrX": 400_000, "chrY": 200_000, "chrM": 16_000}


def write_reads(path, depths, lengths=LENGTHS, read_bp=100, span=1.0):
    """Sorted, indexed reads: `depths` of each contig, over the first `span` of it."""
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": n, "LN": bp} for n, bp in lengths.items()],
    }
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for tid, name in enumerate(lengths):
            n = int(depths.get(name, 0) * lengths[name] * span / read_bp)
            for i in range(n):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.reference_id, read.mapping_quality = f"{name}{i}", tid, 60
                read.reference_start = int(i * (lengths[name] * span - read_bp) / max(n, 1))
                read.cigarstring, read.query_sequence = f"{read_bp}M", "A" * read_bp
                read.query_qualities = pysam.qualitystring_to_array("I" * read_bp)
                out.write(read)
    pysam.index(str(path))
    return path


MALE = {"chr1": 2, "chr2": 2, "chrX": 1, "chrY": 0.9, "chrM": 50}
FEMALE = {"chr1": 2, "chr2": 2, "chrX": 2.1, "chrY": 0.03, "chrM": 50}


@pytest.mark.parametrize(
    ("depths", "sex"),
    [(MALE, "XY"), (FEMALE, "XX"), ({**MALE, "chrX": 2}, "NA"), ({**MALE, "chrY": 0}, "NA")],
)
def test_by_the_index_of_a_bam(tmp_path, depths, sex):
    found = sex_of_reads([write_reads(tmp_path / "a.bam", depths)], [LENGTHS])
    assert found.sex == sex
    assert found.x == pytest.approx(depths["chrX"] / 2, rel=0.1)


def test_by_the_index_of_a_cram(tmp_path):
    # reference, start, span, container, slice, bytes: X takes half the bytes of the others, Y a quarter
    rows = [(0, 0, 300_000, 300_000), (0, 300_000, 300_000, 300_000), (1, 0, 300_000, 300_000)]
    rows += [(2, 0, 400_000, 200_000), (3, 0, 200_000, 50_000), (-1, 0, 0, 9_000)]
    lines = [f"{ref}\t{start}\t{span}\t0\t0\t{n}\n" for ref, start, span, n in rows]
    (tmp_path / "a.cram").write_bytes(b"CRAM")
    (tmp_path / "a.cram.crai").write_text("".join(lines))
    found = sex_of_reads([tmp_path / "a.cram"], [LENGTHS])
    assert (found.sex, found.x, found.y) == ("XY", 0.5, 0.25)


def test_by_a_csi(tmp_path):
    path = write_reads(tmp_path / "a.bam", MALE)
    (tmp_path / "a.bam.bai").unlink()
    pysam.index("-c", str(path))
    assert sex_of_reads([path], [LENGTHS]).sex == "XY"


def test_files_of_one_sample_add_up(tmp_path):
    one = write_reads(tmp_path / "a.bam", {**MALE, "chrX": 0.5, "chrY": 0.4})
    two = write_reads(tmp_path / "b.bam", {"chrX": 0.5, "chrY": 0.5})
    assert sex_of_reads([one, two], [LENGTHS, LENGTHS]).sex == "XY"


def test_what_cannot_be_told(tmp_path):
    big = {**LENGTHS, "chrX": 150_000_000}
    sliced = write_reads(tmp_path / "a.bam", {"chr1": 3, "chrX": 0.01}, big, span=0.02)
    found = sex_of_reads([sliced], [big])
    assert (found.sex, found.x) == ("NA", None)
    assert "too little of X" in found.told()
    assert sex_of_reads([tmp_path / "a.bam"], [{"chr1": 5}]).why == "the reads have no contig X"
    assert "URLs" in sex_of_reads(["https://x/y.bam"], [LENGTHS]).told()
    (tmp_path / "a.bam.bai").unlink()
    assert "does not count reads" in sex_of_reads([sliced], [big]).why


def test_contigs_without_numbers_are_no_autosomes():
    worm = {"I": (1e6, 1e7), "II": (1e6, 1e7), "X": (1e6, 1e7)}
    assert judge_depths(worm, dict.fromkeys(worm, 10_000_000)).sex == "NA"


def test_words():
    assert SexEvidence("XY", 0.51, 0.23).note() == "Sex=XY;From=coverage;X=0.510;Y=0.230"
    assert SexEvidence("XX").note("option") == "Sex=XX;From=option"
    assert "a stated sex overrules it" in SexEvidence("XY", 0.51, 0.23).told()
    assert "called as diploid" in SexEvidence("NA", 0.7, 0.23).told()
    assert has_sex_contig(["chr1", "chrY"])
    assert not has_sex_contig(["chr1", "chrM"])


def test_mitochondria_are_haploid_whoever_they_are_of():
    for sex in ("NA", "XX", "XY"):
        ploidy = make_ploidy_map({"chr1": 100, "chrM": 50}, sex)
        assert set(ploidy.array(Region("chrM", 0, 50)).tolist()) == {1}
        assert set(ploidy.array(Region("chr1", 0, 50)).tolist()) == {2}
    assert expected_ploidy("MT", 16_569, np.array([5, 9]), ["", "XX"]).tolist() == [[1, 1], [1, 1]]


def test_a_ploidy_bed_overrules_that(tmp_path):
    (tmp_path / "p.bed").write_text("chrM\t0\t50\t2\n")
    ploidy = make_ploidy_map({"chrM": 50}, "NA", tmp_path / "p.bed")
    assert set(ploidy.array(Region("chrM", 0, 50)).tolist()) == {2}


@pytest.fixture
def cohort(tmp_path):
    """Reference of made-up contigs, and reads of a man in two files."""
    (tmp_path / "r.fa").write_text(
        "".join(f">{name}\n{'ACGT' * (bp // 4)}\n" for name, bp in LENGTHS.items())
    )
    pysam.faidx(str(tmp_path / "r.fa"))
    for name in "ab":
        write_reads(tmp_path / f"{name}.bam", MALE)
    return tmp_path


def test_check_fills_empty_cells_alone(cohort):
    (cohort / "s.csv").write_text("sample,reads,sex\nA,a.bam,\nB,b.bam,NA\n")
    samples, remarks = check_cohort(cohort / "s.csv", cohort / "r.fa", [], None)
    told = {s.sample: (s.sex, s.as_json()["sex"]) for s in samples}
    assert told == {"A": ("XY", "auto"), "B": ("NA", "NA")}
    assert [r for r in remarks if "sex" in r] == [
        "row 2 (A): sex XY by coverage (depth of X is 0.50, of Y 0.45 of that of autosomes); a stated sex overrules it"
    ]
    assert list(pedigree_lines(samples)) == ["A\tA\t0\t0\t1\t0", "B\tB\t0\t0\t0\t0"]
    _, remarks = check_cohort(cohort / "s.csv", cohort / "r.fa", ["chr1"], None)
    assert not any("sex" in r for r in remarks)  # X and Y are not called


@pytest.mark.parametrize(
    ("given", "sex", "note"),
    [("auto", "XY", "Sex=XY;From=coverage;X=0.500;Y=0.450"), ("XX", "XX", "Sex=XX;From=option")],
)
def test_call_says_what_it_took(cohort, given, sex, note):
    remarks = []
    request = CallRequest((cohort / "a.bam",), cohort / "r.fa", sex=given)
    found = sex_and_note(request, LENGTHS, [Region("chrX", 0, 100)], remarks)
    assert found == (sex, (f"deepcohort_sex={note}",))
    assert bool(remarks) == (given == "auto")
    assert sex_and_note(request, {"chr1": 5}, [], []) == ("NA" if given == "auto" else given, ())
