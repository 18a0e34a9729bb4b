from pathlib import Path

import pytest
from deepcohort.cohort.samplesheet import parse_samplesheet, pedigree_lines

HEADER = "sample,reads,index,sex,platform,family,father,mother,truth_vcf,truth_bed\n"


def parse(text):
    return parse_samplesheet(text, lambda cell: Path("/data") / cell)


def test_a_family_and_a_stranger():
    sheet = parse(
        HEADER
        + "dad,dad.bam,,XY,,F,,,,\nmum,mum.bam,,XX,,F,,,,\n"
        + "kid,kid.cram,kid.crai,XX,hifi,F,dad,mum,t.vcf.gz,t.bed\nlone,lone.bam,,,,,,,,\n"
    )
    assert sheet.problems == []
    kid, lone = sheet.samples[2], sheet.samples[3]
    assert (kid.reads, kid.indexes) == ((Path("/data/kid.cram"),), (Path("/data/kid.crai"),))
    assert (kid.platform, kid.father, kid.mother, kid.truth_bed) == (
        "hifi",
        "dad",
        "mum",
        Path("/data/t.bed"),
    )
    assert (lone.sex, lone.platform, lone.family, lone.father) == ("NA", "illumina", "lone", None)
    assert pedigree_lines(sheet.samples) == [
        "F\tdad\t0\t0\t1\t0",
        "F\tmum\t0\t0\t2\t0",
        "F\tkid\tdad\tmum\t2\t0",
        "lone\tlone\t0\t0\t0\t0",
    ]


def test_rows_of_one_sample_are_merged_and_blanks_filled():
    sheet = parse("sample,reads,sex\nA,1.bam,\nB,b.bam,XX\nA,2.bam,XY\nA,3.bam,NA\n")
    assert sheet.problems == []
    assert [s.sample for s in sheet.samples] == ["A", "B"]
    assert sheet.samples[0].reads == tuple(Path("/data") / n for n in ("1.bam", "2.bam", "3.bam"))
    assert sheet.samples[0].sex == "XY"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffsample,reads\r\nA,a.bam\r\n",
        "sample , reads\n\nA, a.bam\n\n,\n",
        '"sample","reads"\nA,"a.bam"\n',
    ],
)
def test_what_spreadsheets_do_is_accepted(text):
    sheet = parse(text)
    assert sheet.problems == []
    assert [s.reads for s in sheet.samples] == [(Path("/data/a.bam"),)]


def test_a_path_with_comma_quotes_spaces_and_semicolon():
    sheet = parse('sample,reads\nA,"it\'s, ""my"" data; x.bam"\n')
    assert sheet.problems == []
    assert sheet.samples[0].reads == (Path('/data/it\'s, "my" data; x.bam'),)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["row 1: the samplesheet is empty"]),
        ("sample,reads\n", ["has a header but no rows"]),
        ("sample\treads\nA\ta.bam\n", ["row 1: columns must be separated by commas"]),
        (
            "sample,read\nA,a.bam\n",
            ["row 1: unknown column 'read'; did you mean reads?", "row 1: column 'reads' is missing"],
        ),
        ("sample,reads,reads\nA,a.bam,b.bam\n", ["row 1: column 'reads' appears twice"]),
        ("sample,reads\nA,a.bam,x\n", ["row 2: 3 cells, but the header has 2 columns"]),
        ("sample,reads\n,a.bam\nB,\n", ["row 2: sample is empty", "row 3: reads is empty"]),
        ("sample,reads\nA,a.txt\n", ["row 2: reads 'a.txt' is neither .bam nor .cram"]),
        (
            "sample,reads\na b,a.bam\n$(id),b.bam\n",
            ["row 2: sample 'a b' may hold", "row 3: sample '$(id)' may hold"],
        ),
        ("sample,reads\nA,$(touch x).bam\n", ["row 2: reads '$(touch x).bam' holds the character '$'"]),
        (
            "sample,reads,index\nA,s3://b/a.bam,s3://b/a.bai\nB,s3://b/b.bam,s3://i/b.bam.bai\n",
            ["row 3: index s3://i/b.bam.bai does not lie beside s3://b/b.bam"],
        ),
        ("sample,reads\nA,x*.bam\n", ["row 2: reads 'x*.bam' holds the character '*'"]),
        (
            "sample,reads,sex,platform\nA,a.bam,x,pacbio\n",
            [
                "row 2: unknown sex 'x'; use XX, XY, NA, female, male, F, M, 2, 1, or leave it empty",
                "row 2: unknown platform 'pacbio'; use illumina, hifi, ont",
            ],
        ),
        (
            "sample,reads,contamination\nA,a.bam,5\nB,b.bam,0.5\nC,c.bam,.03\nD,d.bam,0\nE,e.bam,2%\n",
            [
                f"row {k}: contamination {x} is no share of the reads; give 0 to below 0.5"
                for k, x in ((2, "'5'"), (3, "'0.5'"), (6, "'2%'"))
            ],
        ),
        (
            "sample,reads,sex\nA,a.bam,XX\nA,b.bam,XY\n",
            ["row 3: sample A has more than one sex: XX in row 2, XY in row 3"],
        ),
        ("sample,reads\nA,a.bam\nA,./a.bam\n", ["row 3: reads ./a.bam is listed already in row 2"]),
        ("sample,reads,truth_vcf\nA,a.bam,t.vcf.gz\n", ["row 2: truth_vcf is given without truth_bed"]),
        ("sample,reads,father\nA,a.bam,B\n", ["row 2: father B of A is not a sample"]),
        ("sample,reads,father\nA,a.bam,A\n", ["row 2: sample A is its own father"]),
        (
            "sample,reads,sex,family,father\nA,a.bam,XX,F,B\nB,b.bam,XX,F,\n",
            ["row 2: father B of A has sex XX"],
        ),
        (
            "sample,reads,family,father\nA,a.bam,F,B\nB,b.bam,G,\n",
            ["row 2: father B is of family G, A of family F"],
        ),
        (
            "sample,reads,family,father,mother\nA,a.bam,F,B,B\nB,b.bam,F,,\n",
            ["row 2: B is both father and mother of A"],
        ),
        ("sample,reads,family,father\nA,a.bam,F,B\nB,b.bam,F,A\n", ["row 2: sample A is its own ancestor"]),
        ('sample,reads\nA,"a.bam\n', ["not valid CSV"]),
    ],
)
def test_every_problem_is_named_by_row(text, problems):
    found = parse(text).problems
    assert len(found) == len(problems), found
    for want, got in zip(problems, found, strict=True):
        assert want in got
        assert "\n" not in got


def test_other_pipelines_names_of_columns_and_sexes():
    sheet = parse(
        "patient,sex,status,sample,bam,bai,cram,crai\np1,female,0,A,a.bam,x.bai,,\np2,M,1,B,,,b.cram,b.crai\n"
        "p3,2,0,C,c.bam,,,\np4,xy,0,D,d.bam,,,\np5,NA,0,E,e.bam,,,\np6,,0,F,f.bam,,,\n"
    )
    assert sheet.problems == []
    assert [s.sex for s in sheet.samples] == ["XX", "XY", "XX", "XY", "NA", "NA"]
    assert sheet.samples[0].indexes == (Path("/data/x.bai"),)
    assert (sheet.samples[1].reads, sheet.samples[1].indexes) == (
        (Path("/data/b.cram"),),
        (Path("/data/b.crai"),),
    )
    assert sheet.remarks == [
        "row 1: not used: column patient, status",
        "row 3: status 1 (a tumour) is not regarded; its germline variants are called",
    ]


@pytest.mark.parametrize(
    ("header", "remark", "problem"),
    [
        ("sample,reads,phenotype", "row 1: not used: column phenotype", ""),
        ("sample,reads,sample_id", "row 1: not used: column sample_id", ""),
        ("sample,reads,platfrom", "", "unknown column 'platfrom'; did you mean platform?"),
        ("sample,reads,gender", "", "unknown column 'gender'; did you mean sex?"),
        ("sample,reads,father_id", "", "unknown column 'father_id'; did you mean father?"),
        ("sample,bam,bam", "", "column 'bam' appears twice"),
    ],
)
def test_unknown_columns_are_noted_unless_they_look_like_a_slip(header, remark, problem):
    sheet = parse(f"{header}\nA,a.bam,x\n")
    assert sheet.remarks == ([remark] if remark else [])
    assert len(sheet.problems) == bool(problem)
    assert problem in "".join(sheet.problems)


def test_rows_to_align():
    sheet = parse(
        "sample,lane,fastq_1,fastq_2,bam,platform\nA,L2,a2_1.fq.gz,a2_2.fq.gz,,\nA,L1,a1_1.fastq,,,\n"
        "A,,,,a.bam,\nB,,b.fq,,,ont\nB,,c.fq,,,ont\n"
    )
    assert sheet.problems == []
    a, b = sheet.samples
    assert [(lane.name, [f.name for f in lane.files]) for lane in a.lanes] == [
        ("L2", ["a2_1.fq.gz", "a2_2.fq.gz"]),
        ("L1", ["a1_1.fastq"]),
    ]
    assert a.reads == (Path("/data/a.bam"),)
    assert [lane.name for lane in b.lanes] == ["1", "2"]
    assert a.as_json()["lanes"][1] == {"lane": "L1", "fastq": ["/data/a1_1.fastq"]}
    assert "lanes" not in parse("sample,reads\nA,a.bam\n").samples[0].as_json()


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("A,,a.fq,,a.bam,", "row 2: reads and fastq_1 are both given"),
        ("A,,,a.fq,,", "row 2: fastq_2 is given without fastq_1"),
        ("A,,a.txt,,,", "row 2: fastq_1 'a.txt' is none of"),
        ("A,,a.fq,b.fq,,ont", "row 2: platform ont has no pairs"),
        ("A,L 1,a.fq,,,", "row 2: lane 'L 1' may hold"),
        ("A,L1,a.fq,,,\nA,L1,b.fq,,,", "row 3: lane L1 of sample A is in row 2 already"),
        ("A,,a.fq,,,\nB,,./a.fq,,,", "row 3: ./a.fq is listed already in row 2"),
        ("A,,a.fq,a.fq,,", "row 2: a.fq is listed already in row 2"),
        ("A,,$(x).fq,,,", "row 2: fastq_1 '$(x).fq' holds the character '$'"),
        ("A,,,,,", "row 2: reads is empty"),
    ],
)
def test_rows_that_cannot_be_aligned(rows, problem):
    found = parse(f"sample,lane,fastq_1,fastq_2,bam,platform\n{rows}\n").problems
    assert len(found) == 1, found
    assert problem in found[0]


def test_two_names_of_one_cell():
    found = parse("sample,bam,cram\nA,a.bam,a.cram\n").problems
    assert found == ["row 2: bam and cram are both given; give one, or a row for each file"]


def test_contamination_is_told_where_it_is_given():
    sheet = parse("sample,reads,contamination\nA,a.bam,0.03\nA,b.bam,\nB,c.bam,\n")
    assert [sample.as_json().get("contamination") for sample in sheet.samples] == ["0.03", None]
