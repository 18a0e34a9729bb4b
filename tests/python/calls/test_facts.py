"""What merge writes about a sample: its notes, its records by FILTER, what is called; shards that disagree."""

import gzip
import json

import numpy as np
import pysam
import pytest
from deepcohort.calls.facts import RecordTally, note_of
from deepcohort.calls.kernels_count import COUNTED_FILTERS, count_records
from deepcohort.calls.merge import merge_shards
from deepcohort.cli.merge import app
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.formats.vcf_header import make_header
from deepcohort.formats.vcf_text import VcfTextReader
from deepcohort.reads.groups import LibraryKey
from deepcohort.reads.libraries import library_line
from deepcohort.reads.library import library_text
from deepcohort.reads.types import LibraryProfile, OwnLibrary
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

LENGTHS = {"a": 5_000}
LIBRARY = LibraryProfile(
    n_reads=1_234,
    read_length_bp=150,
    depth=31.5,
    typical_mapq=42,
    paired_share=0.98,
    odd_share=0.105,
    insert_bp=(170, 400, 650),
    clipped_share=0.02,
    copied_share=0.31,
    drops_copies=True,
    qualities=(2, 11, 25, 37),
)
NOTES = (
    f"deepcohort_library={library_text(LIBRARY)}",
    "deepcohort_unlike_training=Sites=812;Outside=0.0310;Strangest=alt_clip;StrangestShare=0.420;Alarm=yes",
)
BLOCK = "a\t{}\t.\tA\t<NON_REF>\t.\t.\tEND={}\tGT:GQ:DP:MIN_DP:PL\t0/0:60:20:20:0,60,600"


def record(pos, ref, alt, gt, filter_="PASS"):
    return f"a\t{pos}\t.\t{ref}\t{alt}\t30\t{filter_}\t.\tGT:GQ\t{gt}:30"


RECORDS = [
    (record(1, "A", "C,<NON_REF>", "0/1"), "PASS", "snp"),
    (record(2, "A", "C,<NON_REF>", "0/0", "RefCall"), "RefCall", None),
    (record(3, "AT", "A,CT,<NON_REF>", "1|2"), "PASS", "indel"),
    (record(5, "AT", "A,CT,<NON_REF>", "0/2"), "PASS", "snp"),  # the deletion is not called
    (record(7, "A", "ACC,<NON_REF>", "1"), "PASS", "indel"),
    (record(8, "A", "C,<NON_REF>", "0/0", "Disputed"), "Disputed", None),
    (record(9, "A", "C,<NON_REF>", "0/1", "LowQual"), "LowQual", None),  # no call that passes
    (record(10, "A", "C,<NON_REF>", "./."), "PASS", None),
    (record(11, "A", "*,<NON_REF>", "0/1"), "PASS", None),  # a deletion that another record tells
    (record(12, "A", "*,C,<NON_REF>", "1/2"), "PASS", "snp"),
    (record(13, "A", "C", "0/1", "MyFilter;LowQual"), "other", None),
    (record(14, "A", ",".join("CGT") + "," + ",".join(["AA"] * 8), "0/11"), "PASS", "indel"),
    (record(15, "A", "C", "0/1", "PASSED"), "other", None),  # a word that begins like one of ours
]


def shard(path, regions, lines, notes=NOTES, sample="S"):
    header = make_header(sample, LENGTHS, regions, "r.fa", "illumina", "4", (0, 20), notes)
    with pysam.BGZFile(str(path), "w") as out:
        out.write((header + "".join(line + "\n" for line in lines)).encode())
    return path


def counts_of(lines):
    text = "".join(line + "\n" for line in lines).encode()
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])[:-1]
    filters, called = np.zeros(len(COUNTED_FILTERS) + 1, np.int64), np.zeros(2, np.int64)
    # a column of a table of lines, as segments have it
    table = np.zeros((len(lines), 3), np.int64)
    table[:, 2] = starts
    count_records(np.frombuffer(text, np.uint8), table[:, 2], filters, called)
    named = dict(zip((*COUNTED_FILTERS, "other"), filters.tolist(), strict=True))
    return {k: n for k, n in named.items() if n}, dict(zip(("snp", "indel"), called.tolist(), strict=True))


@pytest.mark.parametrize(("line", "filter_", "kind"), RECORDS)
def test_one_record(line, filter_, kind):
    filters, called = counts_of([line])
    assert filters == ({"other": 1, "LowQual": 1} if ";" in line.split("\t")[6] else {filter_: 1})
    assert called == {"snp": int(kind == "snp"), "indel": int(kind == "indel")}


def test_blocks_are_no_records():
    assert counts_of([BLOCK.format(1, 9), RECORDS[0][0], BLOCK.format(11, 19)]) == (
        {"PASS": 1},
        {"snp": 1, "indel": 0},
    )


def slowly(lines):
    """The same by splitting."""
    filters, called = {}, {"snp": 0, "indel": 0}
    for line in lines:
        _, _, _, ref, alt, _, words, _, _, sample = line.split("\t")
        if alt == "<NON_REF>":
            continue
        for word in words.split(";"):
            name = word if word in COUNTED_FILTERS else "other"
            filters[name] = filters.get(name, 0) + 1
        alleles = [ref, *alt.split(",")]
        numbers = [int(a) for a in sample.split(":")[0].replace("|", "/").split("/") if a.isdecimal()]
        held = [alleles[i] for i in numbers if i and alleles[i][0] not in "<*"]
        if "PASS" in words.split(";") and held:
            called["indel" if any(len(a) != len(ref) for a in held) else "snp"] += 1
    return filters, called


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(RECORDS) - 1), st.booleans()), max_size=12))
def test_against_splitting(picked):
    lines = [
        line for k, block in picked for line in [RECORDS[k][0], *([BLOCK.format(1, 9)] if block else [])]
    ]
    assert counts_of(lines) == slowly(lines)


def test_facts_are_those_of_all_shards_and_lines_stay(tmp_path):
    lines = [row[0] for row in RECORDS]
    whole = shard(tmp_path / "whole.vcf.gz", [Region("a", 0, 200)], [*lines, BLOCK.format(16, 200)])
    one = shard(tmp_path / "1.vcf.gz", [Region("a", 0, 8)], lines[:6])
    two = shard(tmp_path / "2.vcf.gz", [Region("a", 8, 100)], [*lines[6:], BLOCK.format(16, 100)])
    three = shard(tmp_path / "3.vcf.gz", [Region("a", 100, 200)], [BLOCK.format(101, 200)])
    out, facts = tmp_path / "S.g.vcf.gz", tmp_path / "S.json"
    merge_shards([three, one, two], out, facts=facts)
    found = json.loads(facts.read_text())
    assert found.pop("quality")["calls"]["pass"] > 0  # see test_quality.py
    assert found == {
        "sample": "S",
        "sex": None,
        "reads": None,
        "model": "illumina 4",
        "library": {
            "Reads": 1_234,
            "ReadLength": 150,
            "Depth": 31.5,
            "Paired": 0.98,
            "Inserts": [170, 400, 650],
            "OddPairs": 0.105,
            "TypicalMAPQ": 42,
            "Clipped": 0.02,
            "Duplicates": 0.0,
            "Copies": 0.31,
            "CopiesDropped": True,
            "Adapter": "none",
            "Qualities": 4,
        },
        "unlike_training": {
            "Sites": 812,
            "Outside": 0.031,
            "Strangest": "alt_clip",
            "StrangestShare": 0.42,
            "Alarm": True,
        },
        "records": {"PASS": 8, "LowQual": 2, "RefCall": 1, "Disputed": 1, "other": 2},
        "called": {"snp": 3, "indel": 3},
    }
    again = tmp_path / "again.json"
    merge_shards([whole], tmp_path / "again.vcf.gz", facts=again)
    assert again.read_bytes() == facts.read_bytes()
    assert (tmp_path / "again.vcf.gz").read_bytes() == out.read_bytes()
    header = gzip.decompress(out.read_bytes()).decode().splitlines()
    assert [line for line in header if line.startswith(("##deepcohort_library", "##deepcohort_unlike"))] == [
        f"##{note}" for note in NOTES
    ]


def test_a_file_without_notes_has_facts_all_the_same(tmp_path):
    path = shard(tmp_path / "1.vcf.gz", [Region("a", 0, 200)], [RECORDS[0][0]], notes=())
    merge_shards([path], tmp_path / "o.vcf.gz", facts=tmp_path / "o.json")
    facts = json.loads((tmp_path / "o.json").read_text())
    assert (facts["library"], facts["unlike_training"], facts["called"]["snp"]) == (None, None, 1)


def test_shards_of_different_libraries_are_refused_in_one_line(tmp_path):
    one = shard(tmp_path / "1.vcf.gz", [Region("a", 0, 100)], [])
    other = (NOTES[0].replace("ReadLength=150", "ReadLength=100").replace("MAPQ=42", "MAPQ=60"), NOTES[1])
    two = shard(tmp_path / "2.vcf.gz", [Region("a", 100, 200)], [], notes=other)
    out, facts = tmp_path / "o.vcf.gz", tmp_path / "o.json"
    with pytest.raises(InputProblems) as caught:
        merge_shards([one, two], out, facts=facts)
    (problem,) = caught.value.problems
    assert problem == (
        f"headers of {one} and {two} differ: ##deepcohort_library (ReadLength=150 against ReadLength=100; "
        "TypicalMAPQ=42 against TypicalMAPQ=60); merge only shards of one run"
    )
    assert not out.exists()
    assert not facts.exists()
    alarm = (NOTES[0], NOTES[1].replace("Alarm=yes", "Alarm=no"))
    two = shard(tmp_path / "2.vcf.gz", [Region("a", 100, 200)], [], notes=alarm)
    with pytest.raises(InputProblems, match=r"deepcohort_unlike_training \(Alarm=yes against Alarm=no\)"):
        merge_shards([one, two], out)


def test_facts_of_several_libraries(tmp_path):
    """Their lines come after the sample's, stay in the header, and are refused where they are cut."""
    own = OwnLibrary(LibraryKey("7", "PACBIO", "S"), "a,b;7", LIBRARY, is_apart=True)
    lines = [library_line(own, 4_936, {"Slips": "1.0"}), "<ID=7,Platform=unknown,Reads=3>"]
    notes = (*NOTES, *(f"deepcohort_library={line}" for line in lines))
    path = shard(tmp_path / "1.vcf.gz", [Region("a", 0, 200)], [RECORDS[0][0]], notes=notes)
    merge_shards([path], tmp_path / "o.vcf.gz", facts=tmp_path / "o.json")
    found = json.loads((tmp_path / "o.json").read_text())
    assert found["library"]["Reads"] == 1_234
    first, second = found["libraries"]
    assert second == {"ID": "7", "Platform": "unknown", "Reads": 3}
    assert (first["ID"], first["Platform"], first["Share"], first["Profile"]) == (
        "a,b;7",
        "PACBIO",
        0.25,
        "own",
    )
    assert {key: first[key] for key in found["library"]} == found["library"]
    with pysam.VariantFile(str(tmp_path / "o.vcf.gz")) as file:  # for htslib one of a kind
        assert sum(record.key == "deepcohort_library" for record in file.header.records) == 3
    other = (*notes[:-1], notes[-1].replace("Reads=3", "Reads=4"))
    two = shard(tmp_path / "2.vcf.gz", [Region("a", 200, 300)], [], notes=other)
    with pytest.raises(InputProblems, match=r"deepcohort_library \(Reads=3> against Reads=4>\)"):
        merge_shards([path, two], tmp_path / "p.vcf.gz")
    for text in ("<ID=1,Reads=>", "<ID=1,Reads", "<Reads=1>", "<>"):
        cut = shard(tmp_path / "3.vcf.gz", [Region("a", 0, 100)], [], notes=(f"deepcohort_library={text}",))
        with pytest.raises(DeepcohortError, match="malformed header line"):
            merge_shards([cut], tmp_path / "q.vcf.gz", facts=tmp_path / "q.json")


@pytest.mark.parametrize("value", ["", "Reads", "Reads=1;", "=1", "Reads=;A=1"])
def test_a_malformed_note(tmp_path, value):
    path = shard(tmp_path / "1.vcf.gz", [Region("a", 0, 100)], [], notes=(f"deepcohort_library={value}",))
    with pytest.raises(DeepcohortError, match="malformed header line") as caught:
        merge_shards([path], tmp_path / "o.vcf.gz", facts=tmp_path / "o.json")
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.vcf.gz"]


def test_facts_are_of_one_sample(tmp_path):
    path = shard(tmp_path / "1.vcf.gz", [Region("a", 0, 100)], [], sample="S\tT")
    result = CliRunner().invoke(
        app, ["--input", path, "--output", tmp_path / "o.vcf.gz", "--facts", tmp_path / "f.json"]
    )
    assert isinstance(result.exception, DeepcohortError)
    assert "holds 2 samples; --facts is for the VCF or gVCF of one sample" in str(result.exception)


def test_words_of_a_note(tmp_path):
    assert note_of(["##x=A=1-2;B=1.50;C=no;D=n_alt;E=7"], "x", tmp_path) == {
        "A": [1, 2],
        "B": 1.5,
        "C": False,
        "D": "n_alt",
        "E": 7,
    }
    assert note_of(["##xy=<A=1>"], "x", tmp_path) is None


def test_tally_of_a_reader(tmp_path):
    path = shard(tmp_path / "1.vcf.gz", [Region("a", 0, 200)], [row[0] for row in RECORDS])
    tally, reader = RecordTally(), VcfTextReader(path)
    for segment in reader.segments():
        tally.add(segment)
    reader.close()
    assert tally.records["Disputed"] == 1
