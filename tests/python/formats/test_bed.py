"""BED: one file means one thing to every command."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from deepcohort.calls.merge import listed_inputs
from deepcohort.calls.ploidy import read_ploidy_bed
from deepcohort.cli import app
from deepcohort.cohort.io import index_reference
from deepcohort.compose.call_setup import chosen_regions
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.evaluate.run import confident_intervals
from deepcohort.formats.bed import MAX_PROBLEMS, read_bed, write_bed
from deepcohort.joint.inputs import read_shards
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

CONTIGS = {"chr1": 200, "chr2": 90, "track1": 50}
RIGHT = {
    "tabs": b"chr1\t5\t9\nchr2\t0\t90\n",
    "blanks": b"chr1 5 9\nchr2   0 90\n",
    "both": b"chr1 5 9\nchr2\t0\t90\n",
    "CRLF": b"chr1\t5\t9\r\nchr2\t0\t90\r\n",
    "CR CRLF mixed": b"chr1\t5\t9\r\nchr2\t0\t90\n",
    "byte order mark": b"\xef\xbb\xbfchr1\t5\t9\nchr2\t0\t90\n",
    "no last line end": b"chr1\t5\t9\nchr2\t0\t90",
    "headers": b"browser position chr1\ntrack name=x\n#chrom\tstart\tend\nchr1\t5\t9\n\n  \nchr2\t0\t90\n",
    "more columns": b"chr1\t5\t9\tname\t0\t+\nchr2\t0\t90\tname\n",
    "nothing between": b"chr1\t5\t9\nchr1\t7\t7\nchr2\t0\t90\n",
    "leading zeros": b"chr1\t005\t9\nchr2\t0\t090\n",
    "interval list": b"@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:200\nchr1\t6\t9\t+\ta\nchr2\t1\t90\t+\tb\n",
}
WRONG = {
    "two columns": ("chr1\t5", "fewer than 3 columns"),
    "unknown contig": ("chrX\t1\t2", "contig chrX is not in the reference"),
    "other naming": ("1\t1\t2", "did you mean chr1?"),
    "word": ("chr1\ta\t2", "must be whole numbers"),
    "negative": ("chr1\t-1\t2", "must be whole numbers"),
    "decimal point": ("chr1\t1.0\t2", "must be whole numbers"),
    "thousands": ("chr1\t1,000\t2", "must be whole numbers"),
    "underscore": ("chr1\t1_0\t20", "must be whole numbers"),
    "superscript": ("chr1\t1\t\u00b2", "must be whole numbers"),
    "digits of another script": ("chr1\t1\t\u0662", "must be whole numbers"),
    "beyond int64": ("chr1\t1\t99999999999999999999", "must be whole numbers"),
    "reversed": ("chr1\t5\t2", "start 5 lies after end 2"),
    "beyond the contig": ("chr1\t5\t201", "end 201 lies beyond chr1 (200 bp)"),
    "no contig": ("\t5\t20", "no contig in column 1"),
}
EVERY_READER = {
    "call": lambda path: chosen_regions(CONTIGS, (), path),
    "ploidy": lambda path: read_ploidy_bed(path, CONTIGS),
    "confident": lambda path: confident_intervals(path, CONTIGS),
    "shards": lambda path: read_shards(path, CONTIGS),
    "merge": lambda path: listed_inputs([path], None, path),
}


def bed_of(folder: Path, content: bytes) -> Path:
    path = folder / "x.bed"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, lambda b: gzip.compress(b, mtime=0)], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", RIGHT)
def test_ways_to_write_the_same(tmp_path, kind, pack):
    table = read_bed(bed_of(tmp_path, pack(RIGHT[kind])), CONTIGS)
    assert table.regions() == [Region("chr1", 5, 9), Region("chr2", 0, 90)]
    assert (len(table), table.bp) == (2, 94)


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_lines_are_named(tmp_path, kind):
    line, problem = WRONG[kind]
    with pytest.raises(InputProblems) as error:
        read_bed(bed_of(tmp_path, f"#header\nchr1\t0\t9\n{line}\n".encode()), CONTIGS)
    (told,) = error.value.problems
    assert told.startswith(f"{tmp_path / 'x.bed'} line 3: ")
    assert problem in told


@pytest.mark.parametrize("reader", EVERY_READER)
@pytest.mark.parametrize("line", ["chr1\t5\t2\tx\t1", "chr1\t-5\t20\tx\t1", "chr1\tfive\tten\tx\t1"])
def test_every_reader_refuses_the_same(tmp_path, reader, line):
    with pytest.raises(InputProblems, match=r"x\.bed line 1: start"):
        EVERY_READER[reader](bed_of(tmp_path, f"{line}\n".encode()))


@pytest.mark.parametrize("reader", EVERY_READER)
def test_every_reader_takes_blanks_and_intervals_of_no_base(tmp_path, reader):
    path = bed_of(tmp_path, b"chr1 5 9 x 1\nchr2 3 3 x 1\n")
    found = EVERY_READER[reader](path)
    expected = {
        "call": [Region("chr1", 5, 9)],
        "ploidy": [(Region("chr1", 5, 9), 1)],
        "shards": [("x", [Region("chr1", 5, 9)])],
        "merge": ([path], [Region("chr1", 5, 9)]),
    }
    if reader == "confident":
        assert {c: (s.tolist(), e.tolist()) for c, (s, e) in found.items()} == {"chr1": ([5], [9])}
    else:
        assert found == expected[reader]


@pytest.mark.parametrize("reader", [name for name in EVERY_READER if name not in ("confident", "merge")])
@pytest.mark.parametrize("line", ["chr9\t5\t9\tx\t1", "chr1\t5\t201\tx\t1"], ids=["unknown", "beyond"])
def test_every_reader_holds_intervals_against_the_reference(tmp_path, reader, line):
    with pytest.raises(InputProblems, match=r"x\.bed line 1: (contig chr9 is not|end 201 lies beyond)"):
        EVERY_READER[reader](bed_of(tmp_path, f"{line}\n".encode()))


def test_contigs_named_like_headers(tmp_path):
    assert read_bed(bed_of(tmp_path, b"track1\t0\t5\n"), CONTIGS).regions() == [Region("track1", 0, 5)]
    assert read_bed(bed_of(tmp_path, b"track\nbrowser\nchr1\t0\t5\n"), CONTIGS).bp == 5


def test_what_may_be_passed_over(tmp_path):
    path = bed_of(tmp_path, b"chr9\t0\t5\nchr1\t150\t300\nchr1\t220\t230\n")
    table = read_bed(path, CONTIGS, unknown="skip", overhang="cut")
    assert table.regions() == [Region("chr1", 150, 200)]
    with pytest.raises(
        DeepcohortError, match=r"names no contig of the reference \(BED: chr9; reference: chr1"
    ):
        read_bed(bed_of(tmp_path, b"chr9\t0\t5\n"), CONTIGS, unknown="skip")


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"chr1\t5\t5\n"], ids=["empty", "comment", "no base"]
)
def test_a_bed_of_nothing_is_an_error(tmp_path, content):
    with pytest.raises(DeepcohortError, match="holds no interval"):
        read_bed(bed_of(tmp_path, content), CONTIGS)


def test_all_problems_at_once_up_to_a_screen(tmp_path):
    with pytest.raises(InputProblems) as error:
        read_bed(bed_of(tmp_path, b"chr1\n" * (MAX_PROBLEMS + 5)), CONTIGS)
    assert len(error.value.problems) == MAX_PROBLEMS + 1
    assert error.value.problems[-1].endswith("5 more lines are wrong")


@given(
    st.lists(st.tuples(st.sampled_from(sorted(CONTIGS)), st.integers(0, 49), st.integers(0, 20)), min_size=1)
)
def test_union_against_a_mask(tmp_path_factory, drawn):
    """Columns and merged regions against one bool per base."""
    regions = [Region(c, start, min(start + n, CONTIGS[c])) for c, start, n in drawn]
    path = tmp_path_factory.mktemp("bed") / "x.bed"
    write_bed(path, regions)
    if not any(map(len, regions)):
        return
    table = read_bed(path, CONTIGS)
    masks = {c: np.zeros(n, bool) for c, n in CONTIGS.items()}
    for region in regions:
        masks[region.contig][region.start : region.end] = True
    columns = table.columns()
    for contig, mask in masks.items():
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
        starts, ends = columns.get(contig, (np.empty(0), np.empty(0)))
        assert (starts.tolist(), ends.tolist()) == (edges[::2].tolist(), edges[1::2].tolist())
    assert table.merged() == [
        Region(c, int(a), int(b)) for c in sorted(columns) for a, b in zip(*columns[c], strict=True)
    ]
    assert table.regions() == [region for region in regions if len(region)]


def test_examples_names_the_unknown_contig(tmp_path):
    """It ended in a KeyError."""
    reference = tmp_path / "ref.fa"
    reference.write_text(">chr1\n" + "ACGT" * 50 + "\n")
    index_reference(reference)
    bed = bed_of(tmp_path, b"chrX\t0\t5\n")
    words = ["examples", "-I", "x.bam", "-R", str(reference), "--truth", "t.vcf.gz", "--regions", str(bed)]
    result = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out")])
    assert isinstance(result.exception, InputProblems)
    assert "contig chrX is not in the reference" in str(result.exception)


class _Compared(np.ndarray):
    """Counts how often it is compared with something as a whole."""

    n = 0

    def __eq__(self, other: object) -> object:
        _Compared.n += 1
        return np.asarray(self) == other


def test_many_contigs_are_not_looked_for_one_by_one(tmp_path: Path):
    path = tmp_path / "x.bed"
    path.write_text("".join(f"c{k % 50}\t{k}\t{k + 5}\n" for k in range(400)))
    table = read_bed(path, None)
    expected = {
        name: [r for r in table.merged() if r.contig == name] for name in (f"c{k}" for k in range(50))
    }
    object.__setattr__(table, "contig", table.contig.view(_Compared))
    found = table.columns()
    assert _Compared.n < 10
    assert list(found) == list(expected)
    for name, (starts, ends) in found.items():
        assert [Region(name, *pair) for pair in zip(starts.tolist(), ends.tolist(), strict=True)] == expected[
            name
        ]
