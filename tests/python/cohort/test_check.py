import json
import shutil
from pathlib import Path

import pysam
import pytest
from deepcohort.cli import app
from deepcohort.cohort.check import check_cohort, compare_contigs
from deepcohort.cohort.io import index_reference
from deepcohort.cohort.samplesheet import pedigree_lines
from deepcohort.cohort.types import StoredSamples
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from typer.testing import CliRunner

CONTIGS = {"chr1": 200, "chr2": 100}
VCF = (
    "##fileformat=VCFv4.3\n##contig=<ID=chr1,length=200>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\n"
)


def write_reference(folder: Path, contigs=None) -> Path:
    path = folder / "ref.fa"
    path.write_text(
        "".join(f">{n}\n{'ACGT' * (length // 4)}\n" for n, length in (contigs or CONTIGS).items())
    )
    index_reference(path)
    return path


def write_reads(path: Path, contigs=None, reference: Path | None = None, sample="A", index=True) -> Path:
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": n, "LN": length} for n, length in (contigs or CONTIGS).items()],
        "RG": [{"ID": "1", "SM": sample}],
    }
    mode, extra = ("wc", {"reference_filename": str(reference)}) if path.suffix == ".cram" else ("wb", {})
    with pysam.AlignmentFile(str(path), mode, header=header, **extra) as file:
        read = pysam.AlignedSegment(file.header)
        read.query_name, read.query_sequence, read.flag = "r1", "ACGTACGT", 0
        read.reference_id, read.reference_start, read.mapping_quality = 0, 4, 60
        read.cigarstring = "8M"
        file.write(read)
    if index:
        pysam.index(str(path))
    return path


def check(folder: Path, rows: str, reference: Path, **options):
    sheet = folder / "sheet.csv"
    sheet.write_text(rows)
    return check_cohort(sheet, reference, options.pop("contigs", []), options.pop("regions", None), **options)


def problems_of(folder: Path, rows: str, reference: Path, **options) -> list[str]:
    with pytest.raises(InputProblems) as error:
        check(folder, rows, reference, **options)
    return list(error.value.problems)


def test_names_that_no_file_can_have(tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a.bam")
    long = "A" * 300
    rows = f"sample,reads,index,truth_vcf,truth_bed\nS1,{long}.bam,,,\nS2,a.bam,{long}.bai,{long}.vcf.gz,{long}.bed\n"
    found = problems_of(tmp_path, rows, reference)
    for name in ("bam does not exist", "is not indexed", "vcf.gz does not exist", "bed does not exist"):
        assert any(name in line for line in found), (name, found)


def test_a_sound_cohort(tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a b;'c.bam")
    write_reads(tmp_path / "b.cram", reference=reference)
    samples, remarks = check(tmp_path, "sample,reads\nA,a b;'c.bam\nB,b.cram\n", reference)
    assert [s.indexes[0].name for s in samples] == ["a b;'c.bam.bai", "b.cram.crai"]
    assert (
        remarks == ["row 3 (B): its read groups name A, the samplesheet says B"]
        or "read groups" in remarks[0]
    )


def test_all_problems_of_files_at_once(tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "noindex.bam", index=False)
    whole = write_reads(tmp_path / "cut.bam").read_bytes()
    (tmp_path / "cut.bam").write_bytes(whole[:-28])
    (tmp_path / "text.bam").write_text("hello")
    (tmp_path / "text.bam.bai").write_text("x")
    (tmp_path / "empty.bam").write_text("")
    write_reads(tmp_path / "other.bam", contigs={"1": 200, "2": 100})
    write_reads(tmp_path / "longer.bam", contigs={"chr1": 208, "chr2": 100})
    rows = "sample,reads\n" + "".join(
        f"S{i},{n}.bam\n"
        for i, n in enumerate(["missing", "noindex", "cut", "text", "empty", "other", "longer"])
    )
    found = problems_of(tmp_path, rows, reference)
    wanted = [
        "row 2 (S0): reads", "does not exist",
        "row 3 (S1)", "is not indexed",
        "row 4 (S2)", "is truncated",
        "row 5 (S3)", "is not a readable BAM or CRAM",
        "row 6 (S4)", "is empty",
        "row 7 (S5)", "one says chr1 where the other says 1 (0 of 2 contigs",
        "row 8 (S6)", "chr1 is 208 bp in the reads, 200 bp in the reference (1 of 2 contigs",
    ]  # fmt: skip
    assert len(found) == 7
    for line, row, what in zip(found, wanted[0::2], wanted[1::2], strict=True):
        assert row in line
        assert what in line


def test_a_cram_of_another_reference(tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a.cram", reference=reference)
    (tmp_path / "new").mkdir()
    other = tmp_path / "new" / "ref.fa"
    other.write_text(f">chr1\n{'TGCA' * 50}\n>chr2\n{'ACGT' * 25}\n")
    index_reference(other)
    found = problems_of(tmp_path, "sample,reads\nA,a.cram\n", other)
    assert len(found) == 1
    assert "does not decode: the reference is not the one" in found[0]


def test_truth_must_be_there_and_indexed(tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a.bam")
    (tmp_path / "t.vcf.gz").write_text("x")
    found = problems_of(tmp_path, "sample,reads,truth_vcf,truth_bed\nA,a.bam,t.vcf.gz,t.bed\n", reference)
    assert len(found) == 2
    assert "row 2 (A): truth_bed" in found[0]
    assert "t.vcf.gz is not indexed" in found[1]
    with pysam.BGZFile(str(tmp_path / "t.vcf.gz"), "wb") as out:
        out.write(f"{VCF}chr1\t9\t.\tA\tC\t.\t.\t.\tGT\t0/1\n".encode())
    pysam.tabix_index(str(tmp_path / "t.vcf.gz"), preset="vcf", csi=True)
    (tmp_path / "t.bed").write_text("chr1\t0\t100\n")
    samples, _ = check(tmp_path, "sample,reads,truth_vcf,truth_bed\nA,a.bam,t.vcf.gz,t.bed\n", reference)
    assert samples[0].truth_index == tmp_path / "t.vcf.gz.csi"


def write_truth(tmp_path, contig, bed):
    header = VCF.replace("ID=chr1", f"ID={contig}")
    with pysam.BGZFile(str(tmp_path / "t.vcf.gz"), "wb") as out:
        out.write(f"{header}{contig}\t9\t.\tA\tC\t.\t.\t.\tGT\t0/1\n".encode())
    pysam.tabix_index(str(tmp_path / "t.vcf.gz"), preset="vcf", force=True)
    (tmp_path / "t.bed").write_text(bed)


@pytest.mark.parametrize(
    ("contig", "bed", "called", "expected"),
    [
        ("chr1", "chr1\t0\t100\n", "", []),
        ("chr1", "chr1\t0\t100\nchrUn\t0\t9\n", "chr1", []),
        ("1", "chr1\t0\t100\n", "", ["has records on 1, none of them in the reference"]),
        ("chr1", "1\t0\t100\n", "", ["names no contig of the reference"]),
        ("chr1", "chr1\t100\n", "", ["line 1: fewer than 3 columns"]),
        ("chr1", "chr1\t0\t100\n", "chr2", ["shares nothing with what is to be called"]),
    ],
)
def test_a_truth_of_other_places(tmp_path, contig, bed, called, expected):
    """Without this, evaluation ends the run when everything is called."""
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a.bam")
    write_truth(tmp_path, contig, bed)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("sample,reads,truth_vcf,truth_bed\nA,a.bam,t.vcf.gz,t.bed\n")
    contigs = [called] if called else []
    if not expected:
        check_cohort(sheet, reference, contigs, None)
        return
    with pytest.raises(InputProblems) as caught:
        check_cohort(sheet, reference, contigs, None)
    assert len(caught.value.problems) == len(expected)
    for line, text in zip(caught.value.problems, expected, strict=True):
        assert line.startswith("row 2 (A): truth_")
        assert text in line


@pytest.mark.parametrize("suffix", [".csi", ".tbi"])
def test_a_truth_with_the_index_of_another_file(suffix, tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a.bam")
    for name, n in (("other", 9), ("t", 900)):
        with pysam.BGZFile(str(tmp_path / f"{name}.vcf.gz"), "wb") as out:
            out.write((VCF + "chr1\t9\t.\tA\tC\t.\t.\t.\tGT\t0/1\n" * n).encode())
        pysam.tabix_index(str(tmp_path / f"{name}.vcf.gz"), preset="vcf", csi=suffix == ".csi")
    shutil.copy(tmp_path / f"other.vcf.gz{suffix}", tmp_path / f"t.vcf.gz{suffix}")
    (tmp_path / "t.bed").write_text("chr1\t0\t100\n")
    found = problems_of(tmp_path, "sample,reads,truth_vcf,truth_bed\nA,a.bam,t.vcf.gz,t.bed\n", reference)
    assert len(found) == 1
    assert f"row 2 (A): index {tmp_path}/t.vcf.gz{suffix} does not belong to" in found[0]
    assert "run: tabix" in found[0]


@pytest.mark.parametrize("kind", ["bam", "cram"])
def test_reads_with_the_index_of_another_file(kind, tmp_path):
    """Stale indexes: today's message of the caller, hours later, says that the reads are damaged."""
    reference = write_reference(tmp_path)
    more = reference if kind == "cram" else None
    reads = write_reads(tmp_path / f"a.{kind}", reference=more)
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": n, "LN": bp} for n, bp in CONTIGS.items()],
    }
    extra = {"reference_filename": str(reference)} if more else {}
    with pysam.AlignmentFile(str(tmp_path / f"b.{kind}"), "wc" if more else "wb", header=header, **extra):
        pass
    suffix = "crai" if more else "bai"
    pysam.index(str(tmp_path / f"b.{kind}"))
    shutil.copy(tmp_path / f"b.{kind}.{suffix}", f"{reads}.{suffix}")
    found = problems_of(tmp_path, f"sample,reads\nA,a.{kind}\n", reference)
    assert len(found) == 1
    assert f"a.{kind}.{suffix}" in found[0]
    assert "samtools index" in found[0]


def test_reference_problems_are_reported_with_the_rest(tmp_path):
    found = problems_of(tmp_path, "sample,reads,sex\nA,a.bam,woman\n", tmp_path / "none.fa")
    assert [
        ("unknown sex" in f, "none.fa does not exist" in f, "a.bam does not exist" in f) for f in found
    ] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


@pytest.mark.parametrize(
    ("reads", "wanted", "problems", "remarks"),
    [
        ({"chr1": 200, "chr2": 100}, ["chr1", "chr2"], [], []),
        (
            {"chr2": 100, "chr1": 200, "x": 5},
            ["chr1"],
            [],
            ["1 contigs of the reads are not in the reference"],
        ),
        ({"chr1": 200}, ["chr1"], [], []),
        ({"chr1": 200}, ["chr1", "chr2"], ["the reads lack chr2"], []),
        ({"chr1": 201, "chr2": 100}, ["chr2"], ["contig lengths differ: chr1 is 201 bp"], []),
        ({"z": 1}, ["chr1"], ["no contig in common"], []),
    ],
)
def test_contigs_of_reads_and_reference(reads, wanted, problems, remarks):
    found, said = compare_contigs(reads, CONTIGS, wanted)
    assert len(found) == len(problems)
    assert all(want in got for want, got in zip(problems, found, strict=True))
    assert all(want in got for want, got in zip(remarks, said, strict=True))


def test_relative_paths_start_from_the_sheet_then_from_launch_or_from_base(tmp_path):
    reference = write_reference(tmp_path)
    for name in ("sheets", "launch", "base"):
        (tmp_path / name).mkdir()
    write_reads(tmp_path / "launch" / "a.bam")
    write_reads(tmp_path / "base" / "a.bam")
    sheet = tmp_path / "sheets" / "s.csv"
    sheet.write_text("sample,reads\nA,a.bam\n")
    samples, _ = check_cohort(sheet, reference, [], None, launch=tmp_path / "launch")
    assert samples[0].reads == (tmp_path / "launch" / "a.bam",)
    samples, _ = check_cohort(sheet, reference, [], None, base=tmp_path / "base")
    assert samples[0].reads == (tmp_path / "base" / "a.bam",)


def test_beds_are_intersected(tmp_path):
    (tmp_path / "a.bed").write_text("chr2\t0\t9\nchr1\t5\t20\nchr1\t0\t7\nother\t0\t5\n")
    (tmp_path / "b.bed").write_text("chr1\t6\t8\tshard_1\nchr1\t18\t30\tshard_2\n")
    arguments = ["--bed", str(tmp_path / "a.bed"), "--within", str(tmp_path / "b.bed")]
    result = CliRunner().invoke(app, ["intersect", *arguments, "--output", str(tmp_path / "c.bed")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "c.bed").read_text() == "chr1\t6\t8\nchr1\t18\t20\n"


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "is empty"), (b"hello\n", "cannot be indexed"), (None, "does not exist")]
)
def test_references_that_cannot_be_indexed(tmp_path, content, problem):
    path = tmp_path / "r.fa"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DeepcohortError, match=problem):
        index_reference(path)


def test_a_plain_gzip_reference_is_told_from_bgzip(tmp_path):
    import gzip

    path = tmp_path / "r.fa.gz"
    path.write_bytes(gzip.compress(b">a\nACGT\n"))
    with pytest.raises(DeepcohortError, match="gzip, not bgzip"):
        index_reference(path)


def test_commands_end_to_end(tmp_path):
    reference = tmp_path / "ref.fa"
    reference.write_text(
        ">chr1\n" + "acgtRYKM" * 25 + "\n>gap\n" + "N" * 3000 + "\n>chr2\n" + "ACGT" * 25 + "\n"
    )
    write_reads(tmp_path / "a.bam", contigs={"chr1": 200, "gap": 3000, "chr2": 100})
    (tmp_path / "s.csv").write_text("sample,reads,sex\nA,a.bam,XX\n")
    run = CliRunner().invoke
    result = run(app, ["index", "--reference", str(reference)])
    assert result.exit_code == 0, result.output
    out = tmp_path / "out.json"
    arguments = ["--samplesheet", str(tmp_path / "s.csv"), "--reference", str(reference)]
    result = run(app, ["check", *arguments, "--output", str(out), "--pedigree", str(tmp_path / "p.ped")])
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())[0]["indexes"] == [str(tmp_path / "a.bam.bai")]
    assert (tmp_path / "p.ped").read_text() == "A\tA\t0\t0\t2\t0\n"
    shards = [
        "--reference",
        str(reference),
        "--output",
        str(tmp_path / "s.bed"),
        "--directory",
        str(tmp_path / "d"),
    ]
    result = run(app, ["shard", *shards, "--shard-bp", "150"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "s.bed").read_text() == (
        "chr1\t0\t150\tshard_00001\nchr1\t150\t200\tshard_00002\nchr2\t0\t100\tshard_00002\n"
    )
    assert (tmp_path / "d" / "shard_00002.bed").read_text().count("\n") == 2
    assert sorted(p.name for p in (tmp_path / "d").iterdir()) == ["shard_00001.bed", "shard_00002.bed"]
    (tmp_path / "r.bed").write_text("chr2\t10\t20\nchr2\t15\t30\n")
    result = run(app, ["shard", *shards, "--regions", str(tmp_path / "r.bed"), "--contigs", "chr2,chr1"])
    assert (tmp_path / "s.bed").read_text() == "chr2\t10\t30\tshard_00001\n"
    result = run(app, ["shard", *shards, "--contigs", "chr9"])
    assert isinstance(result.exception, DeepcohortError)
    assert "--contigs names chr9" in str(result.exception)


def stored(path="old", contigs=None, regions=None, **persons) -> StoredSamples:
    contigs = contigs or CONTIGS
    whole = [Region(name, 0, length) for name, length in contigs.items()]
    return StoredSamples(Path(path), contigs, whole if regions is None else regions, persons)


def test_parents_may_be_in_a_stored_cohort(tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a.bam")
    old = stored(F=("fam", "", "", "XY"), M=("fam", "", "", "XX"))
    rows = "sample,reads,family,father,mother\nA,a.bam,fam,F,M\n"
    samples, _ = check(tmp_path, rows, reference, stored=[old])
    assert pedigree_lines(samples, [old]) == [
        "fam\tF\t0\t0\t1\t0", "fam\tM\t0\t0\t2\t0", "fam\tA\tF\tM\t0\t0",
    ]  # fmt: skip
    swapped = "sample,reads,family,father,mother\nA,a.bam,other,M,X\n"
    assert problems_of(tmp_path, swapped, reference, stored=[old]) == [
        "row 2: father M of A has sex XX",
        "row 2: mother X of A is not a sample of this samplesheet (or of --cohort); add it or leave the cell "
        "empty",
    ]


def test_a_stored_cohort_that_does_not_fit(tmp_path):
    reference = write_reference(tmp_path)
    write_reads(tmp_path / "a.bam")
    nobody = ("B", "", "", "NA")
    cohorts = [
        stored("one", A=("A", "", "", "NA"), B=nobody),
        stored("two", B=nobody),
        stored("three", contigs={"chr1": 200, "chr2": 96}),
        stored("four", contigs={"chr1": 200, "chr3": 96}),
        stored("five", regions=[Region("chr1", 0, 150)]),
    ]
    assert problems_of(tmp_path, "sample,reads\nA,a.bam\n", reference, stored=cohorts) == [
        "sample B is in one and in two; keep one",
        "row 2: sample A is already in the stored cohort one; leave it out or rename it",
        f"stored cohort three has contig chr2 of 96 bp, {reference} says 100 bp; use the reference it was made "
        "on",
        f"stored cohort four has contig chr3 of 96 bp, {reference} says absent; use the reference it was made on",
        "stored cohort five lacks chr1:151-200, chr2:1-100, to be called; give --regions or --contigs within it",
    ]
    check(
        tmp_path,
        "sample,reads\nC,a.bam\n",
        reference,
        stored=cohorts[4:],
        regions=bed(tmp_path, "chr1\t3\t150"),
    )


def test_a_stored_cohort_need_not_hold_unknown_bases(tmp_path):
    reference = tmp_path / "ref.fa"
    reference.write_text(f">chr1\n{'ACGT' * 10}{'N' * 120}{'ACGT' * 10}\n>chr2\n{'ACGT' * 25}\n")
    index_reference(reference)
    write_reads(tmp_path / "a.bam")
    known = [Region("chr1", 160, 200), Region("chr1", 0, 40), Region("chr2", 0, 100)]
    check(tmp_path, "sample,reads\nA,a.bam\n", reference, stored=[stored(regions=known)])
    known[0] = Region("chr1", 161, 200)
    found = problems_of(tmp_path, "sample,reads\nA,a.bam\n", reference, stored=[stored(regions=known)])
    assert "lacks chr1:41-161, to be called" in found[0]


def bed(folder: Path, text: str) -> Path:
    path = folder / "some.bed"
    path.write_text(text + "\n")
    return path
