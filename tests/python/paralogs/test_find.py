"""Copies within a reference: found, and written to a table."""

import gzip
import random
from dataclasses import replace

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.paralogs.config import FindConfig
from deepcohort.paralogs.find import find_paralogs
from deepcohort.paralogs.io_table import read_table, table_beside, write_table
from deepcohort.paralogs.types import TILE_BP, Link
from two_copies import two_copies

CONFIG = FindConfig()


def reference_of(folder, contigs):
    path = folder / "ref.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in contigs.items()))
    pysam.faidx(str(path))
    return path


@pytest.mark.parametrize("inverted", [False, True])
def test_both_copies_name_each_other(tmp_path, inverted):
    genome = two_copies(5, inverted)
    links, lengths = find_paralogs(reference_of(tmp_path, {"c": genome.text}), quiet=True)
    assert lengths == {"c": len(genome.text)}
    if inverted:
        shift = genome.first + genome.second + genome.length
        wanted = {True: shift, False: shift}
    else:
        wanted = {True: genome.second - genome.first, False: genome.first - genome.second}
    for (contig, tile), link in links.items():
        is_first = tile * TILE_BP < genome.first + genome.length
        assert (contig, link.contig, link.inverted) == ("c", "c", inverted)
        assert link.shift == wanted[is_first]
    whole = [
        t for t in range(len(genome.text) // TILE_BP) if genome.first <= t * TILE_BP < genome.first + 1_000
    ]
    assert all(("c", t) in links for t in whole)


def test_other_contigs_unknown_bases_and_several_passes(tmp_path):
    genome = two_copies(6, False)
    copy = genome.text[genome.first : genome.first + genome.length]
    rng = random.Random(1)
    far = "".join(rng.choices("ACGT", k=5_000)) + "N" * 300 + copy[:2_500] + "N" * 50
    reference = reference_of(tmp_path, {"a": far, "b": genome.text[:15_000]})
    once, _ = find_paralogs(reference, quiet=True)
    assert {(c, link.contig) for (c, _), link in once.items()} == {("a", "b"), ("b", "a")}
    assert {link.shift for (c, _), link in once.items() if c == "a"} == {genome.first - 5_300}
    often, _ = find_paralogs(reference, replace(CONFIG, most_words=500), quiet=True)
    assert often == once


def test_unique_sequence_and_near_tandems_have_none(tmp_path):
    rng = random.Random(2)
    unit = "".join(rng.choices("ACGT", k=2_500))
    text = "".join(rng.choices("ACGT", k=20_000)) + unit + unit
    links, _ = find_paralogs(reference_of(tmp_path, {"c": text}), quiet=True)
    assert links == {}


def test_words_of_many_copies_say_nothing(tmp_path):
    rng = random.Random(3)
    unit = "".join(rng.choices("ACGT", k=600))
    spacers = ["".join(rng.choices("ACGT", k=7_000)) for _ in range(CONFIG.max_copies + 1)]
    assert (
        find_paralogs(reference_of(tmp_path, {"c": "".join(s + unit for s in spacers)}), quiet=True)[0] == {}
    )


LENGTHS = {"b": 10_000, "a": 3_000}
LINKS = {
    ("b", 1): Link("a", True, 12_345, 40),
    ("a", 1): Link("b", True, 12_345, 40),
    ("b", 0): Link("b", False, 8_000, 13),
}


def test_the_table_is_the_same_bytes_whatever_it_is_called(tmp_path):
    write_table(tmp_path / "one.tsv.gz", LINKS, LENGTHS)
    write_table(tmp_path / "other.tsv.gz", LINKS, LENGTHS)
    assert (tmp_path / "one.tsv.gz").read_bytes() == (tmp_path / "other.tsv.gz").read_bytes()


def test_table_round_trip_in_the_order_of_contigs(tmp_path):
    path = tmp_path / "ref.fa.paralogs.tsv.gz"
    assert table_beside(tmp_path / "ref.fa") is None
    write_table(path, LINKS, LENGTHS)
    assert table_beside(tmp_path / "ref.fa") == path
    assert read_table(path, LENGTHS) == LINKS
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[3:]
    assert [line.split("\t")[:3] for line in lines] == [
        ["b", "0", "2048"],
        ["b", "2048", "4096"],
        ["a", "2048", "3000"],
    ]
    first = path.read_bytes()
    write_table(path, LINKS, LENGTHS)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda raw: raw[: len(raw) // 2], "is damaged"),
        (lambda raw: b"no gzip", "is damaged"),
        (lambda raw: raw[:10] + b"\xff" * len(raw[10:]), "is damaged"),
        (lambda raw: gzip.compress(b"something else\n"), "is no table of `deepcohort paralogs`"),
        (lambda raw: gzip.compress(gzip.decompress(raw).replace(b"\t40\n", b"\n")), "is damaged"),
        (lambda raw: gzip.compress(gzip.decompress(raw).replace(b"12345", b"x")), "is damaged"),
    ],
)
def test_a_spoilt_table_is_one_clear_line(tmp_path, spoil, words):
    path = tmp_path / "t.tsv.gz"
    write_table(path, LINKS, LENGTHS)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DeepcohortError, match=words) as caught:
        read_table(path, LENGTHS)
    assert "\n" not in str(caught.value)


def test_a_table_of_another_reference_is_refused(tmp_path):
    path = tmp_path / "t.tsv.gz"
    write_table(path, LINKS, LENGTHS)
    with pytest.raises(DeepcohortError, match="made for a reference of other contigs"):
        read_table(path, LENGTHS | {"a": 3_001})
