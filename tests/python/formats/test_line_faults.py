"""The form of VCF record lines, one fault a case."""

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.formats import vcf_check_kernels as ck
from deepcohort.formats.vcf_check import FAULTS, LineChecker, rules_of
from deepcohort.formats.vcf_declarations import check_declarations, declarations
from deepcohort.formats.vcf_text import Segment, parse_header
from hypothesis import given, settings
from hypothesis import strategies as st

KEYS = {"GT": "1,String", "DP": "1,Integer", "AD": "R,Integer", "PL": "G,Integer", "VAF": "A,Float", "XS": "1,Integer"}  # fmt: skip
HEADER = [
    "##fileformat=VCFv4.3",
    *(f'##FORMAT=<ID={k},Number={v.split(",")[0]},Type={v.split(",")[1]},Description="">' for k, v in KEYS.items()),
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="">', '##INFO=<ID=MQ,Number=1,Type=Float,Description="">',
    '##INFO=<ID=NAMES,Number=.,Type=Integer,Description="">', '##INFO=<ID=DB,Number=0,Type=Flag,Description="">',
    "##contig=<ID=chr1,length=99>",
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb",
]  # fmt: skip
SOUND = (
    "chr1\t7\t.\tAC\tA,<NON_REF>\t3.1e+2\tPASS\tEND=9;X=1\tGT:DP:AD:PL:RNC\t"
    "0/2:8:4,4,0:1,2,3,4,5,6:.\t.|.:.:."
)


def fault(*lines: str, samples: int = 2, **more) -> tuple[int, int]:
    """(line, fault) of the lines below a header of so many samples."""
    text = "".join(line + "\n" for line in lines).encode()
    columns = HEADER[-1].split("\t")[: 9 + samples if samples else 8]
    at, found, _ = ck.find_fault(
        np.frombuffer(text, dtype=np.uint8), rules_of([*HEADER[:-1], "\t".join(columns)], **more)
    )
    return (text[:at].count(b"\n") if at >= 0 else -1), found


def change(column: int, value: str) -> str:
    cells = SOUND.split("\t")
    cells[column] = value
    return "\t".join(cells)


@pytest.mark.parametrize(
    "line",
    [
        SOUND,
        SOUND + "\r",
        change(2, "ä"),
        change(3, "RN"),
        change(4, "a,<INS:ME,X>"),
        change(4, "*,]chr2:9]A"),
        change(4, "A[<c>:3[,.A"),
        change(5, "."),
        change(5, "-1.5"),
        change(7, "."),
        change(7, "SEND=1"),
        change(9, "2"),
        change(9, "2:.:.:7,8,9"),
        change(9, "1|.:1"),
        change(9, "/0/1:8"),
        change(9, "0/0/1:8:.:" + ",".join("0123456789")),
        change(9, ".:8:.,4,.:1,2,3"),
    ],
)
def test_sound_lines_pass(line: str) -> None:
    assert fault(line, SOUND) == (-1, ck.SOUND)


def test_a_record_without_alt_has_one_allele() -> None:
    cells = change(9, "0/0:8:4:0").replace("A,<NON_REF>", ".")
    assert fault(cells) == (-1, ck.SOUND)
    assert fault(cells.replace("0/0", "0/1")) == (0, ck.BAD_GT)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (change(2, "\x00"), ck.BYTE),
        (change(6, "ä"), ck.BYTE),
        (change(7, "a b") + "\x7f", ck.BYTE),
        (change(2, ""), ck.EMPTY),
        (change(0, ""), ck.EMPTY),
        (SOUND + "\tmore", ck.COLUMNS),
        (SOUND.rsplit("\t", 1)[0], ck.COLUMNS),
        ("\t".join(SOUND.split("\t")[:8]), ck.COLUMNS),
        ("", ck.COLUMNS),
        (change(1, "0"), ck.BAD_POS),
        (change(1, "-4"), ck.BAD_POS),
        (change(1, "7.5"), ck.BAD_POS),
        (change(1, "2147483647"), ck.BAD_POS),
        (change(1, "99999999999999999999"), ck.BAD_POS),
        (change(3, "A<"), ck.BAD_REF),
        (change(3, "AX"), ck.BAD_REF),
        (change(3, "."), ck.BAD_REF),
        (change(4, "A,,C"), ck.BAD_ALT),
        (change(4, "<DEL"), ck.BAD_ALT),
        (change(4, "A;C"), ck.BAD_ALT),
        (change(5, "high"), ck.BAD_QUAL),
        (change(5, "1e"), ck.BAD_QUAL),
        (change(5, "1.2.3"), ck.BAD_QUAL),
        (change(9, "0/1:8:4,4,0:.:.:7"), ck.SURPLUS),
        (change(9, "0/3:8"), ck.BAD_GT),
        (change(9, "0/2147483647"), ck.BAD_GT),
        (change(9, "a/1:8"), ck.BAD_GT),
        (change(9, "0/-1:8"), ck.BAD_GT),
        (change(9, "0//1:8"), ck.BAD_GT),
        (change(9, "0/:8"), ck.BAD_GT),
        (change(9, ":8"), ck.BAD_GT),
        (change(9, "0.:8"), ck.BAD_GT),
        (change(7, "X=1;END=6"), ck.BAD_END),
        (change(0, "#chr1"), ck.COMMENT),
        (change(7, "END=A"), ck.BAD_END),
        (change(7, "END=9999999999999"), ck.BAD_END),
        (change(9, "0/1:many"), ck.BAD_VALUE),
        (change(9, "0/1:1.5"), ck.BAD_VALUE),
        (change(9, "0/1:1,2"), ck.COUNT),
        (change(9, "0/1:-2"), ck.NEGATIVE),
        (change(9, "0/1:"), ck.EMPTY),
        (change(9, "0/1:8:4,4"), ck.COUNT),
        (change(9, "0/1:8:4,4,0:1,2,3"), ck.COUNT),
        (change(9, "0/1:8:4,4,0:0,2,-3,4,5,6"), ck.NEGATIVE),
        (change(9, "0/0/1:8:.:1,2,3,4,5,6"), ck.COUNT),
        (change(8, "GT:DP:AD:DP:RNC"), ck.BAD_FORMAT),
        (change(8, "GT:DP:AD:PL:R C"), ck.BAD_FORMAT),
        (change(8, "GT:DP:AD:PL:'"), ck.BAD_FORMAT),
        (change(8, "GT:DP:AD:PL:1X"), ck.BAD_FORMAT),
        (change(8, "DP:GT:AD:PL:RNC"), ck.BAD_FORMAT),
        (change(8, "GT::AD:PL:RNC"), ck.BAD_FORMAT),
        (change(8, ":".join(f"K{i}" for i in range(65))), ck.BAD_FORMAT),
    ],
)
def test_each_fault_is_found_where_it_is(line: str, number: int) -> None:
    assert fault(SOUND, line, SOUND) == (1, number)


@pytest.mark.parametrize(
    ("info", "sound"),
    [
        (".", True), ("AC=1,2", True), ("AC=.", True), ("AC=1,.", True), ("MQ=nan", True), ("MQ=-Infinity", True),
        ("MQ=3e-2", True), ("NAMES=IonExome,Solid", True), ("DB", True), ("DB;X=a=b", True), ("1000G;dbNSFP_GERP++=2", True),
        ("AC=1", False), ("AC=0.5,1", False), ("AC", False), ("AC=", False), ("MQ=0=0", False), ("MQ=infinite", False),
        ("MQ=nano", False), ("MQ=1,2", False), ("DB;DB", False), ("AC=1,2;MQ=3;AC=1,2", False), (";DB", False),
        ("DB;", False), ("AC=1,-2", False), ("=5", False), ("-7", False), ("a b=1", False), ("'=1", False), ("2000G", False),
    ],
)  # fmt: skip
def test_info_is_looked_at_where_asked(info: str, sound: bool) -> None:
    line = change(7, info)
    assert fault(line, info=True) == ((-1, ck.SOUND) if sound else (0, ck.BAD_INFO))
    assert fault(line) == (-1, ck.SOUND)


def test_no_alleles_come_twice_at_a_position() -> None:
    other = change(4, "ACC,<NON_REF>")
    snp = change(4, "C")[:-2].replace("0/2:8:4,4,0:1,2,3,4,5,6", "0/1")
    later = snp.replace("\t7\t", "\t8\t")
    assert fault(snp, SOUND, other, later) == (-1, ck.SOUND)
    assert fault(snp, SOUND, other, snp.replace("PASS", "q"), later) == (3, ck.REPEATED)
    assert fault(snp, snp, repeats=True) == (-1, ck.SOUND)
    assert fault(snp, later, snp) == (-1, ck.SOUND)  # not sorted: for others to tell
    assert fault(snp, snp.replace("chr1", "chr11")) == (-1, ck.SOUND)
    assert fault(SOUND, SOUND) == (-1, ck.SOUND)  # symbolic alleles of one POS may differ in END
    many = [change(4, "A" * n)[:-2].replace("0/2:8:4,4,0:1,2,3,4,5,6", "0/1") for n in range(3, 203)]
    assert fault(*many) == (-1, ck.SOUND)
    assert fault(*many, many[0]) == (200, ck.REPEATED)


def test_repeats_across_pieces_of_text(tmp_path) -> None:
    snp = (change(4, "C")[:-2].replace("0/2:8:4,4,0:1,2,3,4,5,6", "0/1") + "\n").encode()
    other, snp = (np.frombuffer(text, np.uint8) for text in (snp.replace(b"\tC\t", b"\tT\t"), snp))
    found = checker(tmp_path)
    found.check_text(snp)
    found.check_text(other)
    with pytest.raises(DeepcohortError, match="second record of the same POS, REF and ALT"):
        found.check_text(snp)


def test_end_of_structural_alleles_is_not_looked_at(tmp_path) -> None:
    line = change(4, "<CN0>,<DEL:ME>")
    for end in ("END=2", "END=200"):
        text = line.replace("END=9", end).encode() + b"\n"
        checker(tmp_path).check(Segment("chr1", text, np.array([[6, 200, 0]], dtype=np.int64)))
    with pytest.raises(DeepcohortError, match="beyond the end"):
        checker(tmp_path).check(Segment("chr1", text, np.array([[106, 200, 0]], dtype=np.int64)))
    for alts in ("<CN0>,<NON_REF>", "<*>", "<CN0>,A"):
        assert fault(change(4, alts).replace("END=9", "END=2")) == (0, ck.BAD_END)


def test_ploidy_is_limited_where_asked() -> None:
    line = change(9, "0/0/1:8")
    assert fault(line, max_ploidy=2) == (0, ck.PLOIDY)
    assert fault(line) == (-1, ck.SOUND)


def test_other_samples_are_not_looked_into() -> None:
    line = change(9, "0/9")
    assert fault(line, sample=1) == (-1, ck.SOUND)
    assert fault(line, sample=0) == (0, ck.BAD_GT)
    assert fault(line + "\t0/0", sample=1) == (0, ck.COLUMNS)


def test_a_line_of_sites_alone_and_no_line() -> None:
    sites = "\t".join(SOUND.split("\t")[:8])
    assert fault(sites, sites, samples=0) == (-1, ck.SOUND)
    assert fault(samples=0) == (-1, ck.SOUND)


def slow_values_fit(cell: str, number: str, n_alleles: int, ploidy: int) -> bool:
    """Whether a cell of natural numbers is sound, the long way."""
    values = cell.split(",")
    if values == ["."]:
        return True
    if not all(v == "." or (v.isascii() and v.isdigit() and int(v) < 2**31) for v in values):
        return False
    genotypes = {1: n_alleles, 2: n_alleles * (n_alleles + 1) // 2}[ploidy]
    wanted = {"A": n_alleles - 1, "R": n_alleles, "G": genotypes, "1": 1}[number]
    return len(values) == wanted


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["DP", "AD", "PL"]),
    st.integers(1, 3),
    st.booleans(),
    st.lists(st.text("0123456789.-,x", min_size=0, max_size=3), min_size=1, max_size=7),
)
def test_values_against_the_slow_check(key: str, n_alts: int, haploid: bool, values: list[str]) -> None:
    cell = ",".join(values)
    alts = ",".join("ACG"[:n_alts])
    line = f"chr1\t7\t.\tT\t{alts}\t.\t.\t.\tGT:{key}\t{'0' if haploid else '0/0'}:{cell}"
    number = {"DP": "1", "AD": "R", "PL": "G"}[key]
    sound = slow_values_fit(cell, number, n_alts + 1, 1 if haploid else 2)
    assert (fault(line, samples=1) == (-1, ck.SOUND)) == sound


def checker(tmp_path) -> LineChecker:
    return LineChecker(tmp_path / "x.vcf", HEADER, {"chr1": 99})


def test_the_message_names_file_place_and_fault(tmp_path) -> None:
    text = (SOUND + "\n" + change(9, "0/1:many") + "\n").encode()
    lines = np.array([[6, 9, 0], [6, 9, len(SOUND) + 1]], dtype=np.int64)
    with pytest.raises(DeepcohortError, match=r"x\.vcf holds a malformed line at chr1:7: .* not of the Type"):
        checker(tmp_path).check(Segment("chr1", text, lines))


@pytest.mark.parametrize(("start", "end"), [(99, 100), (50, 100)])
def test_records_beyond_their_contig(tmp_path, start: int, end: int) -> None:
    text = (SOUND + "\n").encode()
    with pytest.raises(DeepcohortError, match=r"beyond the end of chr1 \(99 bp\)"):
        checker(tmp_path).check(Segment("chr1", text, np.array([[start, end, 0]], dtype=np.int64)))


def test_every_fault_has_its_words() -> None:
    assert len(FAULTS) == ck.COMMENT + 1


@pytest.mark.parametrize(
    ("old", "new"), [("\ta\tb", "\ta\ta"), ("\tQUAL", "\tQual"), ("##contig", "contig"), ("\ta\tb", "\ta\t")]
)
def test_malformed_headers_are_refused(old: str, new: str, tmp_path) -> None:
    with pytest.raises(DeepcohortError, match="malformed VCF header"):
        parse_header("\n".join(HEADER).replace(old, new) + "\n", tmp_path / "x.vcf")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("##fileformat=VCFv4.3", "##fileformat=BCF", "begins with '##fileformat=BCF'"),
        ("##fileformat=VCFv4.3\n", "", "begins with '##FORMAT"),
        ("Number=1,Type=Float", "Number=one,Type=Float", "no Number"),
        ("Number=1,Type=Float", "Type=Float", "no Number"),
        ("Number=1,Type=Float", "Number=1,Type=Real", "no Type"),
        ("ID=DP,", "", "without ID"),
        ("##contig=<ID=chr1,length=99>", "##contig=", "is not <ID"),
        ("length=99", "length=x", "length that is no number"),
        ("##contig", "##contig=<ID=chr1,length=98>\n##contig", "chr1 stands twice"),
        ("##contig", '##INFO=<ID=AC,Number=1,Type=Integer,Description="">\n##contig', "AC stands twice"),
    ],
)
def test_declarations_that_say_too_little(old: str, new: str, told: str, tmp_path) -> None:
    text = "\n".join(HEADER) + "\n"
    assert old in text
    with pytest.raises(DeepcohortError, match=f"malformed VCF header: .*{told}"):
        parse_header(text.replace(old, new, 1), tmp_path / "x.vcf")


def test_declarations_that_were_cut(tmp_path) -> None:
    cut = ['##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Dep', "##contig=<ID=x,length=5"]
    for line in [*cut, "##FILTER=<ID=LowQual", '##ALT=<ID=DEL,Description="Del']:
        check_declarations([line], tmp_path)  # read rightly all the same
        with pytest.raises(DeepcohortError, match="a declaration that was cut"):
            check_declarations([line], tmp_path, whole=True)
    check_declarations(HEADER, tmp_path, whole=True)


@pytest.mark.parametrize("line", ["##source", "##", "##=x", "##a b=x"])
def test_lines_that_are_not_key_and_value(line: str, tmp_path) -> None:
    check_declarations([line], tmp_path)  # as others write them; nothing is made of it
    with pytest.raises(DeepcohortError, match="a line that is not ##KEY=VALUE"):
        check_declarations([line], tmp_path, whole=True)


def test_declarations_in_other_words(tmp_path) -> None:
    """Other orders of keys, VCF 4.0's -1, VCF 4.4's P and VCF 4.5's LA, the same line twice, commas in quotes."""
    more = [
        '##INFO=<Number=-1,Type=String,ID=X,Description="a, Number=9, \\"b\\", =">', "##contig=<ID=c2,assembly=x>",
        *['##FORMAT=<ID=LAD,Number=LR,Type=Integer,Description="",Source="x">'] * 2,
        '##FORMAT=<ID=PSL,Number=P,Type=String,Description="">',
    ]  # fmt: skip
    header = parse_header("\n".join([*HEADER[:-1], *more, HEADER[-1]]) + "\n", tmp_path / "x.vcf")
    assert set(header.contig_lengths) == {"chr1", "c2"}
    assert [(d.key, d.number) for d in declarations(more)] == [
        ("X", "-1"),
        ("LAD", "LR"),
        ("LAD", "LR"),
        ("PSL", "P"),
    ]


def test_blank_lines_of_headers_are_told(tmp_path) -> None:
    with pytest.raises(DeepcohortError, match="blank line in its header"):
        parse_header("\n" + "\n".join(HEADER) + "\n", tmp_path / "x.vcf")
