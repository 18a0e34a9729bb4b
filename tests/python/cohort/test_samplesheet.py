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
        ("sample,reads\nA,x*.bam\n", ["row 2: reads 'x*.bam' holds the character '*'"]),
        (
            "sample,reads,sex,platform\nA,a.bam,xy,pacbio\n",
            [
                "row 2: unknown sex 'xy'; write XY",
                "row 2: unknown platform 'pacbio'; use illumina, hifi, ont",
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
