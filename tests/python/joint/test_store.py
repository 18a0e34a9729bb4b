"""Stored cohorts: whatever is stored, merged or added, the cohort VCF has the bytes of doing all at once."""

import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.cli.genotype import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.joint import columns as c
from deepcohort.joint import io_store
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.io_gvcf import GvcfIndex, GvcfStream
from deepcohort.joint.io_store import CohortStore
from deepcohort.joint.store_kernels import get_varint, put_varint
from deepcohort.joint.window import GvcfSource, ReferenceBases
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_helpers import SEQUENCE, block, het, write_gvcf, write_reference
from test_cohort_properties import random_records
from typer.testing import CliRunner

# windows of 44 bp and chunks of 17 bp: records cross many of their edges
SMALL = replace(JointConfig(), cells_per_window=1, max_shift_bp=11)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    write_reference(folder)
    rng = np.random.default_rng(5)
    paths = [write_gvcf(folder, f"S{i}", random_records(rng)[0]) for i in range(7)]
    # strands, mapping quality, FILTER, a sample without PL of the right length, a no-call block
    rows = [
        block(1, 20),
        "c1 21 . A G,<NON_REF> 50 Bad MQ=57 GT:GQ:DP:AD:PL:SB 0/1:30:9:5,4,0:30,0,40,90,90,120:3,2,1,3",
        block(22, 40, dp=0),
        "c1 41 . A C . . . GT:GQ:DP 0/1:.:8",
        block(42, 300),
    ]
    paths.append(write_gvcf(folder, "odd", rows))
    return folder, paths


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(io_store, "_MIN_CHUNK_BP", 17)
    monkeypatch.setattr(io_store, "_CHUNK_SAMPLES_BP", 1)


def vcf(folder, gvcfs, name, config=SMALL, **more):
    out = folder / f"{name}.vcf.gz"
    genotype_cohort(gvcfs, folder / "ref.fa", out, config=config, quiet=True, **more)
    return out.read_bytes()


def store(folder, gvcfs, name, config=SMALL, **more):
    path = folder / f"{name}.store"
    genotype_cohort(gvcfs, folder / "ref.fa", None, config=config, quiet=True, save_store=path, **more)
    return path


@pytest.mark.parametrize("config", [SMALL, replace(SMALL, respect_filter=False), JointConfig()])
def test_one_sample_more(cohort, config):
    folder, paths = cohort
    whole = vcf(folder, paths, "whole", config)
    kept = store(folder, paths[:-1], "kept", config)
    assert vcf(folder, paths[-1:], "added", config, stores=[kept]) == whole
    one = store(folder, paths[-1:], "one", config)
    assert vcf(folder, [], "both", config, stores=[kept, one]) == whole


def test_two_levels(cohort):
    folder, paths = cohort
    whole = vcf(folder, paths, "whole")
    first = [store(folder, paths[i : i + 2], f"batch{i}") for i in range(0, 8, 2)]
    second = [store(folder, [], f"half{i}", stores=first[i : i + 2]) for i in (0, 2)]
    assert vcf(folder, [], "top", stores=second) == whole
    # saving on the way changes nothing, and stores of stores are those of the gVCFs
    saved = folder / "saved.store"
    assert vcf(folder, paths, "again", save_store=saved) == whole
    assert store(folder, [], "whole", stores=second).read_bytes() == saved.read_bytes()


def test_regions_of_a_store(cohort):
    folder, paths = cohort
    kept = store(folder, paths[:5], "regions", regions=[Region("c1", 20, 100), Region("c1", 110, 280)])
    for start, end in ((20, 100), (33, 71), (110, 280), (150, 151), (260, 280)):
        regions = [Region("c1", start, end)]
        expected = vcf(folder, paths, "expected", regions=regions)
        assert vcf(folder, paths[5:], "part", regions=regions, stores=[kept]) == expected
    # without --region: those of the store
    expected = vcf(folder, paths, "all", regions=[Region("c1", 20, 100), Region("c1", 110, 280)])
    assert vcf(folder, paths[5:], "default", stores=[kept]) == expected


def test_records_come_back_as_they_were(cohort):
    folder, paths = cohort
    kept = CohortStore(store(folder, paths, "records"))
    window = Region("c1", 40, 90)
    batch = kept.read(window, 11)
    for i, path in enumerate(paths):
        source = GvcfSource(GvcfStream(path, GvcfIndex(path)), {"c1"})
        source.seek("c1", 40)
        with ReferenceFasta(folder / "ref.fa") as fasta:
            direct = source.read(window, 11, ReferenceBases.around(fasta, window, 20))
        mine = batch.records[batch.sample_offsets[i] : batch.sample_offsets[i + 1]]
        assert len(mine) == len(direct.records) > 0
        plain = [k for k in range(c.N_COLUMNS) if k not in (c.PL, c.AD, c.SB, c.SEQ)]
        np.testing.assert_array_equal(mine[:, plain], direct.records[:, plain])
        for row, other in zip(mine, direct.records, strict=True):
            for at, n in ((c.PL, c.PL_N), (c.AD, c.AD_N)):
                np.testing.assert_array_equal(
                    batch.numbers[row[at] : row[at] + row[n]],
                    direct.numbers[other[at] : other[at] + other[n]],
                )
            assert (row[c.SB] >= 0) == (other[c.SB] >= 0)
            text = slice(row[c.SEQ], row[c.SEQ] + row[c.SEQ_LEN])
            expected = direct.allele_text[other[c.SEQ] : other[c.SEQ] + other[c.SEQ_LEN]]
            np.testing.assert_array_equal(batch.allele_text[text], expected)


@settings(deadline=None)
@given(st.lists(st.integers(-(2**31), 2**31), min_size=1, max_size=20))
def test_varints(values):
    out = np.zeros(200, dtype=np.uint8)
    at = 0
    for value in values:
        at = put_varint(out, at, value)
    stop, at = at, 0
    for value in values:
        found, at = get_varint(out, at)
        assert found == value
    assert at == stop


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def flip(path):
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(bytes(data))


BAD = {
    "absent": (lambda p: p.unlink(), {}, "does not exist; check --cohort"),
    "truncated": (cut, {}, "is truncated; make it again"),
    "damaged": (flip, {}, "is damaged at byte 8; make it again"),
    "other file": (lambda p: p.write_bytes(b"text" * 30), {}, "is no stored cohort"),
    "region": (lambda p: None, {"regions": [Region("c1", 0, 300)]}, r"lacks 1 of 1 regions \(c1:1-300\)"),
    "padding": (lambda p: None, {"config": replace(SMALL, max_shift_bp=30_000)}, "keeps 20011 bp beside"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_store(tmp_path, case):
    spoil, more, message = BAD[case]
    write_reference(tmp_path)
    gvcf = write_gvcf(tmp_path, "A", [block(1, 12), het(13, "G", "A"), block(14, 300)])
    path = store(tmp_path, [gvcf], "bad", regions=[Region("c1", 0, 200)])
    spoil(path)
    with pytest.raises(DeepcohortError, match=message) as error:
        vcf(tmp_path, [], "out", **{"stores": [path], **more})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.vcf.gz").exists()
    assert not list(tmp_path.glob(".tmp-*"))


TAIL = struct.Struct("<qqqq8s")


def retell(path, header=None, table=None, chunk=None, tail=None):
    """Change what a store says of itself, with every checksum right: as damage would not, but malice would."""
    data = path.read_bytes()
    table_at, _, header_at, header_size, magic = TAIL.unpack(data[-TAIL.size :])
    body = data[:table_at]
    rows = np.frombuffer(zlib.decompress(data[table_at:header_at]), "<i8").reshape(-1, 7).copy()
    told = json.loads(zlib.decompress(data[header_at : header_at + header_size]))
    if chunk:
        offset, size = rows[0, 3:5]
        raw = bytearray(zlib.decompress(body[offset : offset + size]))
        chunk(raw)
        packed = zlib.compress(raw)
        rows[0, 3], rows[0, 4], rows[0, 6] = len(body), len(packed), zlib.crc32(packed)
        body += packed
    if header:
        header(told)
    if table:
        changed = table(rows)
        rows = rows if changed is None else changed
    packed, head = zlib.compress(rows.tobytes()), zlib.compress(json.dumps(told).encode())
    ends = [len(body), len(packed), len(body) + len(packed), len(head)]
    if tail:
        tail(ends)
    path.write_bytes(body + packed + head + TAIL.pack(*ends, magic))


def put(at, value):
    return lambda target: target.__setitem__(at, value)


def put_head(column, value):
    """A number in the head of the first sample's records."""
    return lambda raw: struct.pack_into("<i", raw, 4 * column, value)


LIES = {
    "negative place of the table": {"tail": put(0, -5)},
    "table of 4 EB": {"tail": put(1, 2**62)},
    "header beyond the end": {"tail": put(2, 2**40)},
    "negative size of the header": {"tail": put(3, -1)},
    "no format": {"header": lambda h: h.pop("format")},
    "samples are a number": {"header": put("samples", 3)},
    "no sample": {"header": put("samples", [])},
    "a sample twice": {"header": put("samples", ["A", "A"])},
    "sample is no text": {"header": put("samples", [["A"]])},
    "region beyond its contig": {"header": put("regions", [["c1", 0, 10**9]])},
    "region without contig": {"header": put("regions", [["c9", 0, 10]])},
    "no region": {"header": put("regions", [])},
    "padding is text": {"header": put("pad_bp", "much")},
    "pedigree of one column": {"header": put("pedigree", [["A"]])},
    "no chunk": {"table": lambda rows: rows[:0]},
    "chunk of no region": {"table": put((0, 0), 7)},
    "chunk that starts late": {"table": put((0, 1), 3)},
    "gap between chunks": {"table": put((1, 1), 20)},
    "last chunk missing": {"table": lambda rows: rows[:-3]},
    "chunk before the file": {"table": put((0, 3), -(2**63))},
    "chunk of negative size": {"table": put((0, 4), -1)},
    "head of no size": {"table": put((0, 5), 0)},
    "head beyond its chunk": {"table": put((0, 5), 2**40)},
    "2e9 records": {"chunk": put_head(1, 2**31 - 1)},
    "a record more": {"chunk": put_head(1, 4)},
    "fewer than no record": {"chunk": put_head(1, -1)},
    "2e9 numbers": {"chunk": put_head(4, 2**31 - 1)},
    "no numbers": {"chunk": put_head(4, 0)},
    "no letters": {"chunk": put_head(5, 0)},
    "too many bytes": {"chunk": put_head(3, 2**31 - 1)},
    "empty chunk": {"chunk": lambda raw: raw.clear()},
    "numbers without end": {"chunk": lambda raw: raw.__setitem__(slice(24, None), b"\xff" * (len(raw) - 24))},
}


@pytest.fixture
def told(tmp_path):
    write_reference(tmp_path)
    gvcf = write_gvcf(tmp_path, "A", [block(1, 12), het(13, "G", "A"), block(14, 300)])
    return store(tmp_path, [gvcf], "told", regions=[Region("c1", 0, 200)])


@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_lies_is_refused(tmp_path, told, lie):
    retell(told, **LIES[lie])
    with pytest.raises(DeepcohortError, match=r"stored cohort \S+ is damaged \(.*make it again") as error:
        vcf(tmp_path, [], "out", stores=[told])
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.vcf.gz").exists()


def test_retelling_the_truth_changes_nothing(tmp_path, told):
    whole = vcf(tmp_path, [], "whole", stores=[told])
    retell(told, chunk=lambda raw: None)
    assert vcf(tmp_path, [], "again", stores=[told]) == whole


def test_any_byte_of_a_chunk_may_lie(tmp_path, told):
    """Refused, or records that genotyping can take: never a read or write beyond an array."""
    sound = told.read_bytes()
    size = []
    retell(told, chunk=lambda raw: size.append(len(raw)))
    refused = 0
    for at in range(size[0]):
        for value in (0, 1, 127, 128, 255):
            told.write_bytes(sound)
            retell(told, chunk=put(at, value))
            try:
                vcf(tmp_path, [], "out", stores=[told])
            except DeepcohortError:
                refused += 1
    assert refused > size[0]


def test_sample_twice_and_other_reference(tmp_path):
    write_reference(tmp_path)
    gvcf = write_gvcf(tmp_path, "A", [block(1, 300)])
    path = store(tmp_path, [gvcf], "one")
    with pytest.raises(
        DeepcohortError, match=r"sample A is given twice, by .*one\.store and .*A\.g\.vcf\.gz"
    ):
        vcf(tmp_path, [gvcf], "out", stores=[path])
    other = tmp_path / "other"
    other.mkdir()
    write_reference(other, {"c1": SEQUENCE[:-1]})
    with pytest.raises(DeepcohortError, match=r"one\.store has contig c1 of 300 bp, .*ref\.fa of 299 bp"):
        vcf(other, [], "out", stores=[path])


def test_command_line(tmp_path):
    reference = write_reference(tmp_path)
    paths = [write_gvcf(tmp_path, name, [block(1, 12), het(13, "G", "A"), block(14, 300)]) for name in "AB"]
    base = ["--reference", str(reference), "--quiet"]

    def run(*arguments):
        return CliRunner().invoke(app, [*base, *(str(a) for a in arguments)])

    saved, added = tmp_path / "a.store", tmp_path / "ab.vcf.gz"
    result = run("--gvcf", paths[0], "--save-cohort", saved)
    assert (result.exit_code, not added.exists()) == (0, True), result.output
    result = run("--cohort", saved, "--gvcf", paths[1], "--output", added)
    assert result.exit_code == 0, result.output
    whole = tmp_path / "whole.vcf.gz"
    run("--gvcf", paths[0], "--gvcf", paths[1], "--output", whole)
    assert added.read_bytes() == whole.read_bytes()
    assert "nothing to write" in str(run("--cohort", saved).exception)
    assert "no gVCF given" in str(run("--output", whole).exception)
