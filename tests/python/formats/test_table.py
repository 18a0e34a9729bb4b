"""The one reader of tables: what is taken, and what is refused with file and line."""

import gzip

import pytest
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.formats.table import MalformedTable, read_columns, read_table, table_lines


def written(tmp_path, data):
    path = tmp_path / "t.tsv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


TAKEN = {
    "plain": b"a\tb\n1\tx\n2\ty\n",
    "byte order mark": b"\xef\xbb\xbfa\tb\n1\tx\n2\ty\n",
    "CRLF": b"a\tb\r\n1\tx\r\n2\ty\r\n",
    "CR": b"a\tb\r1\tx\r2\ty\r",
    "gzip": gzip.compress(b"a\tb\n1\tx\n2\ty\n"),
    "no end of the last line": b"a\tb\n1\tx\n2\ty",
    "blank lines after the header": b"a\tb\n\n1\tx\n\t\n2\ty\n\n",
    "blanks around cells": b" a\tb \n 1 \tx\n2\t y\n",
    "quotes": b'"a"\tb\n1\t"x"\n"2"\ty\n',
    "columns in another order": b"b\ta\nx\t1\ny\t2\n",
}


@pytest.mark.parametrize("data", TAKEN.values(), ids=TAKEN)
def test_taken(tmp_path, data):
    rows = read_table(written(tmp_path, data), "table", ("a", "b"), known=("a", "b"))
    assert [(row.whole("a"), row["b"]) for row in rows] == [(1, "x"), (2, "y")]


REFUSED = {
    "nothing": (b"", r"table .*t\.tsv is empty; it needs a header with a, b"),
    "blank first line": (b"\na\tb\n1\t2\n", r"t\.tsv line 1 is blank; the header must be the first line"),
    "first line of tabs": (b"\t\na\tb\n", r"t\.tsv line 1 is blank"),
    "missing": (b"a\tc\n1\t2\n", r"needs a header with the columns a, b, separated by tabs; .*missing: b"),
    "commas": (b"a,b\n1,2\n", r"separated by tabs.*missing: a, b; unknown: a,b"),
    "unknown": (b"a\tb\tz\n", r"it may have c; unknown: z"),
    "twice": (b"a\tb\ta\n1\t2\t3\n", r"t\.tsv has two columns a; keep one"),
    "short row": (b"a\tb\n1\t2\n3\n", r"table .*t\.tsv line 3 has 1 cells; its header has 2 columns"),
    "long row": (b"a\tb\n1\t2\t3\n", r"t\.tsv line 2 has 3 cells"),
    "open quote": (b'a\tb\n1\t"x\n', r"t\.tsv line 2 is malformed \(unexpected end of data\)"),
    "text after a quote": (b'a\tb\n1\t"x"y\n', r"t\.tsv line 2 is malformed"),
    "latin-1": (b"a\tb\n\xe9\tx\n", r"t\.tsv is no UTF-8 text"),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(tmp_path, data, message):
    with pytest.raises(DeepcohortError, match=message) as error:
        read_table(written(tmp_path, data), "table", ("a", "b"), known=("a", "b", "c"))
    assert "\n" not in str(error.value)


def test_a_missing_file(tmp_path):
    for read in (read_table, read_columns):
        with pytest.raises(DeepcohortError, match=r"manifest .*none does not exist"):
            read(tmp_path / "none", "manifest", ("a",))


def test_all_wrong_rows_are_told_together_up_to_twenty(tmp_path):
    path = written(tmp_path, "a\tb\n" + "1\n" * 25)
    with pytest.raises(InputProblems) as error:
        read_table(path, "table", ("a",))
    assert len(error.value.problems) == 21
    assert error.value.problems[0] == f"table {path} line 2 has 1 cells; its header has 2 columns"
    assert error.value.problems[-1] == f"table {path}: 5 more lines are wrong"


@pytest.mark.parametrize("cell", ["x", "", "1.5", "1_0", "\u0661", "nan", "inf", "0x10"])
def test_no_whole_number(tmp_path, cell):
    (row,) = read_table(written(tmp_path, f"n\tb\n{cell}\tx\n"), "table", ("n",))
    with pytest.raises(DeepcohortError, match=r"t\.tsv line 2: n must be a (whole )?number, not '"):
        row.whole("n")


def test_numbers(tmp_path):
    (row,) = read_table(written(tmp_path, "n\tx\ty\n-9.0\t1e-3\tnan\n"), "table", ("n",))
    assert (row.whole("n"), row.real("x")) == (-9, 0.001)
    assert row.real("y") != row.real("y")
    with pytest.raises(DeepcohortError, match="x must be a whole number, not '1e-3'"):
        row.whole("x")


def test_line_numbers_count_cells_of_several_lines(tmp_path):
    rows = read_table(written(tmp_path, 'a\tb\n1\t"x\ny"\n\n2\tz\n'), "table", ("a",))
    assert [(row.line, row["b"]) for row in rows] == [(3, "x\ny"), (5, "z")]


def test_the_cut_last_line_of_a_log_is_left_out(tmp_path):
    path = written(tmp_path, "epoch,loss\n1,0.5\n2,0.2")
    rows = read_table(path, "log", ("epoch",), delimiter=",", unfinished=True)
    assert [row["loss"] for row in rows] == ["0.5"]
    assert len(read_table(path, "log", ("epoch",), delimiter=",")) == 2


def test_lists_without_a_header(tmp_path):
    path = written(tmp_path, "\ufeffname\tbed\n# a comment\nx\tx.bed\tmore\n\ny \t y.bed\n")
    rows = read_columns(path, "list", ("name", "bed"))
    assert [(row.line, row["name"], row["bed"]) for row in rows] == [(3, "x", "x.bed"), (5, "y", "y.bed")]
    with pytest.raises(
        InputProblems, match=r"list .*t\.tsv line 2 has no tab between name and bed: 'y y.bed'"
    ):
        read_columns(written(tmp_path, "x\tx.bed\ny y.bed\n"), "list", ("name", "bed"))


def test_lines_of_a_text():
    assert list(table_lines('\ufeffa,b\n\n1,"2,3"\n', ",")) == [(1, ["a", "b"]), (2, []), (3, ["1", "2,3"])]
    with pytest.raises(MalformedTable) as error:
        list(table_lines('a\n"b', ","))
    assert error.value.line == 2
