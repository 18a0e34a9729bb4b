"""Shards become what one run would have written; everything wrong with them is named."""

import gzip

import pysam
import pytest
from deepcohort.calls.merge import BlockJoiner, merge_files, merge_shards
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.formats import vcf_check
from deepcohort.formats.vcf_header import make_header
from deepcohort.formats.vcf_text import VcfTextReader, parse_header

LENGTHS = {"a": 5_000, "b": 900}
BANDS = (0, 10, 20, 50)


def block(contig, start, end, gq, dp=20, gt="0/0"):
    """A block line; start and end 1-based inclusive."""
    return f"{contig}\t{start}\t.\tA\t<NON_REF>\t.\t.\tEND={end}\tGT:GQ:DP:MIN_DP:PL\t{gt}:{gq}:{dp}:{dp}:0,{gq},{9 * gq}"


def site(contig, pos):
    return f"{contig}\t{pos}\t.\tA\tC,<NON_REF>\t30\tPASS\t.\tGT:GQ:DP:AD:VAF:PL\t0/1:30:9:4,5,0:0.5,0:30,0,30,9,9,9"


def shard(folder, name, regions, lines, sample="S"):
    path = folder / name
    with pysam.BGZFile(str(path), "w") as out:
        header = make_header(sample, LENGTHS, regions, "r.fa", "m", "1", BANDS)
        out.write((header + "".join(line + "\n" for line in lines)).encode())
    return path


def records(path):
    return [line.rstrip("\n") for line in gzip.open(path, "rt") if not line.startswith("#")]


def test_blocks_cut_at_an_edge_are_joined(tmp_path):
    left = shard(tmp_path, "1.vcf.gz", [Region("a", 0, 100)], [site("a", 1), block("a", 2, 100, 60, dp=21)])
    right = shard(
        tmp_path, "2.vcf.gz", [Region("a", 100, 200)], [block("a", 101, 150, 55, dp=19), site("a", 151)]
    )
    out = tmp_path / "out.vcf.gz"
    assert merge_shards([right, left], out) == 3
    assert records(out) == [
        site("a", 1),
        "a\t2\t.\tA\t<NON_REF>\t.\t.\tEND=150;COV=3029,99\tGT:GQ:DP:MIN_DP:PL\t0/0:55:21:19:0,55,495",
        site("a", 151),
    ]
    assert "##deepcohort_region=a:1-200" in gzip.decompress(out.read_bytes()).decode()
    with pysam.TabixFile(str(out)) as file:
        assert len(list(file.fetch("a", 120, 121))) == 1


def test_a_block_through_many_shards(tmp_path):
    paths = [
        shard(
            tmp_path,
            f"{i}.vcf.gz",
            [Region("a", 10 * i, 10 * i + 10)],
            [block("a", 10 * i + 1, 10 * i + 10, 60 - i)],
        )
        for i in range(6)
    ]
    out = tmp_path / "out.vcf.gz"
    assert merge_shards(paths, out) == 1
    assert records(out)[0].split("\t")[7] == "END=60"


@pytest.mark.parametrize(
    ("left", "right", "joins"),
    [
        (block("a", 1, 9, 60), block("a", 10, 20, 50), True),
        (block("a", 1, 9, 60), block("a", 10, 20, 49), False),  # another band
        (block("a", 1, 9, 19), block("a", 10, 20, 10), True),
        (block("a", 1, 9, 60), block("a", 11, 20, 60), False),  # a gap
        (block("a", 1, 9, 60), block("b", 10, 20, 60), False),
        (block("a", 1, 9, 60), block("a", 10, 20, 60, gt="0"), False),  # another ploidy
        (block("a", 1, 9, 0, 0, "./."), block("a", 10, 20, 0, 0, "./."), True),
        (block("a", 1, 9, 0, 0, "./."), block("a", 10, 20, 0, 5), False),
        (site("a", 9), block("a", 10, 20, 60), False),
        (block("a", 1, 9, 60), site("a", 10), False),
    ],
)
def test_joining_rule(left, right, joins):
    header = parse_header(make_header("S", LENGTHS, [], "r.fa", "m", "1", BANDS), "x")
    assert (BlockJoiner(header).join(left.encode(), right.encode()) is not None) == joins


def test_regions_of_shards_may_interleave(tmp_path):
    one = shard(tmp_path, "1.vcf.gz", [Region("a", 0, 10), Region("b", 0, 10)], [site("a", 5), site("b", 5)])
    two = shard(
        tmp_path, "2.vcf.gz", [Region("a", 10, 20), Region("b", 10, 20)], [site("a", 15), site("b", 15)]
    )
    out = tmp_path / "out.vcf.gz"
    merge_shards([two, one], out)
    assert [line.split("\t")[:2] for line in records(out)] == [
        ["a", "5"],
        ["a", "15"],
        ["b", "5"],
        ["b", "15"],
    ]


def test_a_header_is_read_once_however_many_regions(tmp_path, monkeypatch):
    """Assemblies have contigs by the hundred thousand, and a line of the header for each."""
    regions = [Region("a", k, k + 10) for k in range(0, 1_000, 10)]
    path = shard(tmp_path, "1.vcf.gz", regions[::2], [site("a", 5)])
    other = shard(tmp_path, "2.vcf.gz", regions[1::2], [site("a", 995)])
    made, rules_of = [], vcf_check.rules_of
    monkeypatch.setattr(vcf_check, "rules_of", lambda *args: made.append(args) or rules_of(*args))
    merge_shards([path], tmp_path / "out.vcf.gz")
    assert len(made) == 1
    merge_shards([path, other], tmp_path / "both.vcf.gz")
    assert [line.split("\t")[1] for line in records(tmp_path / "both.vcf.gz")] == ["5", "995"]


def test_shards_without_records(tmp_path):
    paths = [shard(tmp_path, f"{i}.vcf.gz", [Region("a", 10 * i, 10 * i + 10)], []) for i in range(2)]
    out = tmp_path / "out.vcf.gz"
    assert merge_shards(paths, out) == 0
    assert records(out) == []


def test_missing_and_overlapping_shards_are_named(tmp_path):
    one = shard(tmp_path, "1.vcf.gz", [Region("a", 0, 100)], [])
    two = shard(tmp_path, "2.vcf.gz", [Region("a", 90, 200)], [])
    out = tmp_path / "out.vcf.gz"
    with pytest.raises(InputProblems) as caught:
        merge_shards([one, two], out, [Region("a", 0, 300)])
    overlap, missing = caught.value.problems
    assert "1.vcf.gz (a:1-100)" in overlap
    assert "2.vcf.gz (a:91-200)" in overlap
    assert "a:201-300" in missing
    assert not out.exists()
    with pytest.raises(InputProblems, match="do not list"):
        merge_shards([one], out, [Region("a", 0, 50)])


def test_headers_must_agree(tmp_path):
    one = shard(tmp_path, "1.vcf.gz", [Region("a", 0, 100)], [])
    two = shard(tmp_path, "2.vcf.gz", [Region("a", 100, 200)], [], sample="T")
    with pytest.raises(InputProblems, match="differ"):
        merge_shards([one, two], tmp_path / "out.vcf.gz")


def test_truncated_and_foreign_files(tmp_path):
    whole = shard(tmp_path, "1.vcf.gz", [Region("a", 0, 100)], [site("a", 5)])
    cut = tmp_path / "cut.vcf.gz"
    cut.write_bytes(whole.read_bytes()[:-10])
    with pytest.raises(DeepcohortError, match="truncated"):
        VcfTextReader(cut)
    text = tmp_path / "x.txt"
    text.write_text("hello\n")
    with pytest.raises(DeepcohortError, match="no VCF header"):
        VcfTextReader(text)
    with pytest.raises(DeepcohortError, match="does not exist"):
        VcfTextReader(tmp_path / "none.vcf.gz")
    bad = shard(tmp_path, "bad.vcf.gz", [Region("a", 0, 100)], [site("a", 5), "a\tx\tnonsense"])
    with pytest.raises(DeepcohortError, match="no VCF record"):
        merge_shards([bad], tmp_path / "out.vcf.gz")
    unsorted = shard(tmp_path, "u.vcf.gz", [Region("a", 0, 100)], [site("a", 5), site("a", 3)])
    with pytest.raises(DeepcohortError, match="not sorted"):
        merge_shards([unsorted], tmp_path / "out.vcf.gz")


@pytest.mark.parametrize(
    ("malformed", "message"),
    [(b"x\0y", "has a malformed VCF header"), (b"caf\xe9", "has a header that is not UTF-8 text")],
)
def test_headers_that_htslib_would_not_read(tmp_path, malformed, message):
    path = tmp_path / "1.vcf.gz"
    header = make_header("S", LENGTHS, [Region("a", 0, 100)], "r.fa", "m", "1", BANDS).encode()
    with pysam.BGZFile(str(path), "w") as out:
        out.write(header.replace(b"##FILTER", b"##remark=" + malformed + b"\n##FILTER", 1))
    with pytest.raises(DeepcohortError, match=message) as error:
        merge_shards([path], tmp_path / "out.vcf.gz")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.vcf.gz").exists()


def test_record_outside_the_named_regions(tmp_path):
    stray = shard(tmp_path, "1.vcf.gz", [Region("a", 0, 100)], [site("a", 5), site("a", 500)])
    with pytest.raises(DeepcohortError, match="outside the regions"):
        merge_shards([stray], tmp_path / "out.vcf.gz")


def test_files_that_do_not_name_regions(tmp_path):
    one = shard(tmp_path, "1.vcf.gz", [], [site("a", 5), site("a", 50)])
    two = shard(tmp_path, "2.vcf.gz", [], [site("a", 60), site("b", 5)])
    out = tmp_path / "out.vcf.gz"
    bed = tmp_path / "shards.bed"
    bed.write_text("a\t0\t55\tone\na\t55\t100\ttwo\nb\t0\t900\ttwo\n")
    listed = tmp_path / "list.txt"
    listed.write_text(f"{two}\n{one}\n")
    assert merge_files([], listed, out, bed) == 4
    assert [line.split("\t")[1] for line in records(out)] == ["5", "50", "60", "5"]
    bed.write_text("a\t0\t55\n")
    with pytest.raises(InputProblems, match="outside the shards"):
        merge_files([], listed, out, bed)


def test_argument_problems(tmp_path):
    with pytest.raises(DeepcohortError, match="nothing to merge"):
        merge_files([], None, tmp_path / "o.vcf.gz", None)
    one = shard(tmp_path, "1.vcf.gz", [Region("a", 0, 100)], [])
    with pytest.raises(DeepcohortError, match="more than once"):
        merge_files([one, one], None, tmp_path / "o.vcf.gz", None)
    with pytest.raises(DeepcohortError, match="cannot be read"):
        merge_files([one], tmp_path / "none.txt", tmp_path / "o.vcf.gz", None)


def test_end_key_is_found_wherever_it_stands(tmp_path):
    line = "a\t5\t.\tACG\tA\t.\t.\tCIEND=0,1;END=77;X=END=3\tGT\t0/1"
    path = shard(tmp_path, "1.vcf.gz", [], [line, "a\t9\t.\tACG\tA\t.\t.\t.\tGT\t0/1"])
    reader = VcfTextReader(path)
    (segment,) = list(reader.segments())
    assert segment.lines[:, :2].tolist() == [[4, 77], [8, 11]]
