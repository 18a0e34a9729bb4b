"""The form of VCF record lines, one fault a case."""

import numpy as np
import pytest
from deepcohort.calls.kernels_scan import find_fault
from deepcohort.calls.vcf_text import LineChecker, Segment, parse_header
from deepcohort.core.errors import DeepcohortError

DP = np.array([int.from_bytes(b"DP", "big"), int.from_bytes(b"MIN_DP", "big")], dtype=np.uint64)
SOUND = "chr1\t7\t.\tAC\tA,<NON_REF>\t3.1e+2\tPASS\tEND=9;X=1\tGT:DP:AD:PL:RNC\t0/2:8:4,4,0:1,2,.:.\t.|.:.:."


def fault(*lines: str, columns: int = 11) -> tuple[int, int]:
    text = "".join(line + "\n" for line in lines).encode("latin-1")
    return find_fault(np.frombuffer(text, dtype=np.uint8), columns, DP)


def change(column: int, value: str) -> str:
    cells = SOUND.split("\t")
    cells[column] = value
    return "\t".join(cells)


@pytest.mark.parametrize(
    "line",
    [
        SOUND,
        change(4, "."),
        change(4, "*"),
        change(5, "."),
        change(5, "-1.5"),
        change(7, "."),
        change(7, "SEND=1"),
        change(9, "2"),
        change(9, "1|.:-1"),
        change(9, "0/0/1:8"),
    ],
)
def test_sound_lines_pass(line: str) -> None:
    cells = line.split("\t")
    if cells[4] in (".", "*"):  # no second allele: a genotype without it
        line = line.replace("0/2", "0/0")
    assert fault(line, SOUND) == (-1, 0)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (change(2, "\x00"), 1),
        (change(7, "ä"), 1),
        (change(7, "a b") + "\x7f", 1),
        (change(2, ""), 2),
        (SOUND + "\tmore", 2),
        (SOUND.rsplit("\t", 1)[0], 2),
        (SOUND + "\t", 2),
        ("", 2),
        (change(1, "0"), 3),
        (change(1, "-4"), 3),
        (change(1, "2147483647"), 3),
        (change(1, "99999999999999999999"), 3),
        (change(3, "A<"), 4),
        (change(3, "."), 4),
        (change(5, "high"), 5),
        (change(5, "1e"), 5),
        (change(5, "1.2.3"), 5),
        (change(9, "0/1:8:4,4,0:1,2,3:.:7"), 6),
        (change(9, "0/3:8"), 7),
        (change(9, "0/2147483647"), 7),
        (change(9, "a/1:8"), 7),
        (change(9, "0//1:8"), 7),
        (change(9, "0/:8"), 7),
        (change(9, ":8"), 7),
        (change(9, "0.:8"), 7),
        (change(4, "."), 7),
        (change(7, "X=1;END=6"), 8),
        (change(7, "END=A"), 8),
        (change(9, "0/1:many"), 9),
        (change(8, "GT:DP:AD:DP:RNC"), 10),
        (change(8, ":".join(f"K{i}" for i in range(65))), 10),
    ],
)
def test_each_fault_is_found_where_it_is(line: str, number: int) -> None:
    assert fault(SOUND, line, SOUND) == (1, number)


def test_a_line_of_sites_alone_and_no_line() -> None:
    sites = "\t".join(SOUND.split("\t")[:8])
    assert fault(sites, sites, columns=8) == (-1, 0)
    assert fault(columns=8) == (-1, 0)


HEADER = (
    '##fileformat=VCFv4.3\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">\n##contig=<ID=chr1,length=99>\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
)


def test_the_message_names_file_line_and_fault(tmp_path) -> None:
    checker = LineChecker(tmp_path / "x.vcf", parse_header(HEADER, tmp_path / "x.vcf"))
    text = (SOUND + "\n" + change(9, "0/1:many") + "\n").encode()
    lines = np.array([[6, 9, 0], [6, 9, len(SOUND) + 1]], dtype=np.int64)
    with pytest.raises(DeepcohortError, match=r"x\.vcf holds .* no whole number in 'chr1\t7"):
        checker.check(Segment("chr1", text, lines))


@pytest.mark.parametrize(
    ("old", "new"), [("\ta\tb", "\ta\ta"), ("\tQUAL", "\tQual"), ("##contig", "contig"), ("\ta\tb", "\ta\t")]
)
def test_malformed_headers_are_refused(old: str, new: str, tmp_path) -> None:
    with pytest.raises(DeepcohortError, match="malformed VCF header"):
        parse_header(HEADER.replace(old, new), tmp_path / "x.vcf")
