"""Kernels of VCF text: against regular expressions and Python's own numbers."""

import itertools
import math
import random
import re
from collections.abc import Iterator

import numpy as np
import pytest
from deepcohort.formats import vcf_value_kernels as vk
from deepcohort.formats.vcf_scan_kernels import scan_lines


def field(kernel, text: str, *more):
    """The kernel's answer on `text`, which stands between other bytes."""
    return kernel(np.frombuffer(f"7{text}7".encode(), np.uint8), 1, 1 + len(text), *more)


def mixed(seed: int, alphabet: str, most: int, n: int = 600) -> Iterator[str]:
    """Random texts of up to `most` letters."""
    rng = random.Random(seed)
    for _ in range(n):
        yield "".join(rng.choices(alphabet, k=rng.randint(0, most)))


BASES = "ACGTNacgtnRYSWKMBDHVryswkmbdhv"


def test_numbers():
    for text in [*mixed(1, "0123459+-.eE", 12), *mixed(2, "0123456789", 12)]:
        digits = re.fullmatch(r"[0-9]{1,10}", text) is not None
        assert field(vk.natural, text) == (int(text) if digits else -1)
        whole = re.fullmatch(r"-?[0-9]{1,10}", text) is not None and abs(int(text)) < 2**31
        assert field(vk.is_integer, text) == whole
        decimal = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) is not None
        assert field(vk.is_number, text) == (decimal or text == ".")


@pytest.mark.parametrize(
    ("text", "value"), [("2147483647", True), ("2147483648", False), ("-2147483647", True), ("--1", False)]
)
def test_integers_have_32_bits(text, value):
    assert field(vk.is_integer, text) == value


def test_no_finite_number_is_what_python_takes_for_one():
    words = ["nan", "inf", "infinity", "infinit", "nam", "in", "infinitys", "nananana", ""]
    for word, sign in itertools.product(words, ["", "+", "-", "--"]):
        for text in (sign + word, sign + word.upper(), sign + word.capitalize()):
            try:
                want = not math.isfinite(float(text))
            except ValueError:
                want = False
            assert field(vk.is_no_finite_number, text) == want


def test_keys():
    for text in [*mixed(3, "A1.z_Z09+-:[@`{G", 4), "1000G", "1000g", "1000", "G1000", "1001G", "2000G"]:
        assert field(vk.is_key, text) == (re.fullmatch(r"[A-Za-z_][0-9A-Za-z_.]*", text) is not None)
        info = r"[A-Za-z_][0-9A-Za-z_.+-]*|1000G"
        assert field(vk.is_info_key, text) == (re.fullmatch(info, text) is not None)


ALT = rf"[{BASES}]+|\*|<.+>|.*[\[\]].*|\..+|.+\."


def test_alleles():
    for text in [*mixed(4, BASES + "X", 4), *mixed(5, "AG*<>[].-,", 5), *BASES, "x", "1"]:
        assert field(vk.is_ref, text) == (re.fullmatch(rf"[{BASES}]+", text) is not None)
        symbolic = text.startswith("<")  # nothing else that begins so is an ALT
        want = re.fullmatch(r"<.+>" if symbolic else ALT, text) is not None
        assert field(vk.is_alt, text) == want


def up_to_three(words: list[str]) -> Iterator[tuple[str, ...]]:
    """All sequences of up to three of the words."""
    for n in range(4):
        yield from itertools.product(words, repeat=n)


def test_alts_are_counted():
    assert field(vk.count_alts, ".", False) == 0
    for alts in up_to_three(["A", "<A,C>", "*", "A*-", "G]1:5]", "", "x", "<NON_REF>"]):
        for odd in (False, True):
            good = {"A", "<A,C>", "*", "G]1:5]", "<NON_REF>"} | ({"A*-"} if odd else set())
            want = len(alts) if alts and set(alts) <= good else -1
            assert field(vk.count_alts, ",".join(alts), odd) == want


def test_ploidy_of_genotypes():
    for text, n_alts in itertools.product(mixed(7, "012./|", 5), range(3)):
        rest = text[1:] if text[:1] in ("/", "|") else text
        parts = re.split(r"[/|]", rest)
        good = all(p == "." or (p.isdigit() and int(p) <= n_alts) for p in parts)
        assert field(vk.genotype_ploidy, text, n_alts) == (0 if text == "." else len(parts) if good else -1)


def test_end_is_taken_from_info():
    words = ["END=15", "END=0", "END=", "END=x1", "XEND=4", "DP=3", "END", "AEND=5;END=9"]
    for parts in up_to_three(words):
        values = [p[4:] for p in ";".join(parts).split(";") if p.startswith("END=")]
        want = -1
        if values:
            want = int(values[0]) if values[0].isdigit() and int(values[0]) > 0 else -2
        assert field(vk.info_end, ";".join(parts)) == want


def test_number_of_genotypes_is_that_of_multisets():
    for alleles in range(1, 9):
        for ploidy in range(1, 6):
            assert vk.n_genotypes(alleles, ploidy) == math.comb(alleles + ploidy - 1, ploidy)


def test_the_first_byte_that_no_line_holds():
    for text in [*mixed(8, "A\t\r\n\x00\x1f\x7f~ \x0b", 4), *mixed(9, "A\t\r\n~ ", 20, 50)]:
        bad = [i for i, c in enumerate(text) if (c < " " and c not in "\t\r\n") or c == "\x7f"]
        assert vk.first_unprintable(np.frombuffer(text.encode(), np.uint8)) == (bad[0] if bad else -1)


INFOS = [".", "END=70", "DP=1;END=88;X=END=5", "XEND=3", "SEND=4;Y", "Y=1;END=61"]
MORE = ["", "\tGT\t0/1", "\tGT:END=5\t0/1:2"]


def test_lines_are_scanned_for_the_bases_they_cover():
    rng = random.Random(10)
    for _ in range(100):
        rows = [
            (rng.choice(["c1", "c2", "c10"]), rng.randint(1, 3_000_000_000), rng.choice(["A", "ACG", "N" * 20]), rng.choice(INFOS))
            for _ in range(rng.randint(0, 6))
        ]  # fmt: skip
        texts = [
            f"{c}\t{pos}\tid;END=3\t{ref}\tG\t9\tPASS\t{info}{rng.choice(MORE)}\n"
            for c, pos, ref, info in rows
        ]
        lines, new = np.zeros((len(rows), 3), np.int64), np.zeros(len(rows), np.bool_)
        assert scan_lines(np.frombuffer("".join(texts).encode(), np.uint8), lines, new) == len(rows)
        for i, (contig, pos, ref, info) in enumerate(rows):
            ends = [int(p[4:]) for p in info.split(";") if p.startswith("END=")]
            want = [pos - 1, ends[0] if ends else pos - 1 + len(ref), sum(map(len, texts[:i]))]
            assert lines[i].tolist() == want
            assert new[i] == (i == 0 or rows[i - 1][0] != contig)


@pytest.mark.parametrize("bad", ["c1", "c1\tx\t.\tA\tG\t.\t.\t.", "c1\t5", "c1\t5\t.\tA\tG\t.\t.", "\t\t\t"])
def test_a_line_that_is_no_record_is_named(bad):
    good = "c1\t5\t.\tA\tG\t.\t.\t.\n"
    lines, new = np.zeros((3, 3), np.int64), np.zeros(3, np.bool_)
    text = np.frombuffer((good + bad + "\n" + good).encode(), np.uint8)
    assert scan_lines(text, lines, new) == -2
