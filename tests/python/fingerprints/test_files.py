"""Panels and reads as files; the commands."""

import json
import shutil

import numpy as np
import pysam
import pytest
from deepcohort.cli import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.files import read_fingerprint
from deepcohort.fingerprints.io_reads import count_reads, query_place
from deepcohort.fingerprints.io_sites import read_sites
from deepcohort.fingerprints.select import select_rows
from fingerprint_builders import AT, SITE_BP, World
from known_helpers import write_sites
from typer.testing import CliRunner


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words):
    """The message of a command that ends with one."""
    result = invoke(*words)
    assert isinstance(result.exception, DeepcohortError), result.output
    return str(result.exception)


@pytest.mark.parametrize(
    ("cigar", "pos", "at"),
    [
        ([(0, 10)], 104, 4),
        ([(4, 3), (0, 10)], 104, 7),
        ([(0, 3), (1, 2), (0, 7)], 104, 6),
        ([(0, 3), (2, 4), (0, 7)], 104, -1),
        ([(0, 3), (2, 4), (0, 7)], 108, 4),
        ([(5, 9), (0, 3), (3, 50), (7, 2), (8, 5)], 155, 5),
        ([(0, 4)], 104, -1),
    ],
)
def test_query_place(cigar, pos, at):
    """Reads begin at 100; worked by hand."""
    assert query_place(100, cigar, pos) == at


def test_rows_are_spread_frequent_and_apart():
    contig = np.array([0] * 8 + [1] * 3)
    pos = np.array([0, 1_000, 1_100, 2_000, 3_000, 4_000, 5_000, 6_000, 0, 299, 600])
    frequency = np.array([0.5, 0.3, 0.5, 0.01, 0.2, 0.4, 0.1, 0.9, 0.5, 0.5, 0.5])
    is_x = np.array([False] * 8 + [True] * 3)
    every = select_rows(contig, pos, frequency, is_x, FingerprintConfig())
    assert every.tolist() == [0, 1, 4, 5, 6, 7, 8, 10]  # too near: 2, 9; too rare: 3
    few = select_rows(contig, pos, frequency, is_x, FingerprintConfig(max_sites=3, max_x_sites=1))
    assert few.tolist() == [0, 5, 6, 8]  # the most frequent of (0 1 2), (4 5), (6 7)


def test_sites_of_a_panel(tmp_path):
    world = World(tmp_path, 60, 4)
    panel = world.panel(keys=("AF", "EUR_AF", "AFR_AF"))
    sites = read_sites(panel, world.fasta)
    assert sites.populations == ("AFR", "EUR")
    assert len(sites) == 64
    assert sites.is_x.sum() == 4
    assert np.allclose(sites.frequency[:, 0], world.frequency, atol=1e-6)
    assert np.allclose(sites.frequency[:, 1], 1 - world.frequency, atol=1e-6)
    assert sites.n_stretches(~sites.is_x) == 60
    assert read_sites(world.panel("b", keys=("AF",), kind="bcf"), world.fasta).populations == ()


def test_records_that_are_no_plain_snps_are_passed_over(tmp_path):
    world = World(tmp_path, 60)
    rows = [
        (c, p + 1, ".", r, a, "AF=0.5")
        for (c, p), r, a in zip(world.places, world.ref, world.alt, strict=True)
    ]
    c, p, name, r, a, info = rows[0]
    rows[0] = (c, p, name, r, f"{a},{'ACGT'.replace(r, '').replace(a, '')[0]}", "AF=0.2,0.2")
    rows[1] = (*rows[1][:3], rows[1][3], "<DEL>", info)
    rows[2] = (*rows[2][:5], ".")
    rows.insert(4, (*rows[3][:4], "ACGT".replace(rows[3][3], "").replace(rows[3][4], "")[0], info))
    header = ['##INFO=<ID=AF,Number=A,Type=Float,Description="x">']
    sites = read_sites(write_sites(tmp_path, world.contigs, rows, header=header), world.fasta)
    assert sites.contig == tuple(f"s{i}" for i in range(4, 60))


def test_genotypes_are_counted_and_masked_places_left_out(tmp_path):
    world = World(tmp_path, 60)
    rows = [
        (c, p + 1, ".", r, a, ".", "0/1", "1/1", "./.")
        for (c, p), r, a in zip(world.places, world.ref, world.alt, strict=True)
    ]
    path = write_sites(tmp_path, world.contigs, rows, samples=("a", "b", "c"))
    assert set(read_sites(path, world.fasta).frequency[:, 0].tolist()) == {0.75}
    text = world.fasta.read_text().splitlines()
    text[1] = "N" * SITE_BP
    world.fasta.write_text("\n".join(text) + "\n")
    assert read_sites(path, world.fasta).contig[0] == "s1"


def test_bad_panels(tmp_path):
    """One line each."""
    world = World(tmp_path, 60)
    bam = world.bam("a", [(world.person(), 3, "g", "A")])
    words = (
        "fingerprint",
        "sample",
        "-I",
        bam,
        "-R",
        world.fasta,
        "-s",
        "A",
        "-o",
        tmp_path / "x.json",
        "--sites",
    )
    rows = [
        (c, p + 1, ".", r, a, "AF=0.5")
        for (c, p), r, a in zip(world.places, world.ref, world.alt, strict=True)
    ]
    af = ['##INFO=<ID=AF,Number=A,Type=Float,Description="x">']
    strange = write_sites(
        tmp_path, {"chrQ": 99_999}, [("chrQ", 5, ".", "A", "C", "AF=0.5")], "strange", header=af
    )
    told = {
        "none": tmp_path / "none.vcf.gz",
        "plain": world.fasta,
        "unindexed": write_sites(tmp_path, world.contigs, rows, "unindexed", index=False, header=af),
        "strange": strange,
        "silent": write_sites(tmp_path, world.contigs, [row[:5] for row in rows], "silent"),
        "few": write_sites(tmp_path, world.contigs, rows[:9], "few", header=af),
        "other": write_sites(
            tmp_path, world.contigs, [(c, p, n, "ACGT"["CGTA".index(r)], "ACGT"["GTAC".index(r)], i) for c, p, n, r, _, i in rows],
            "other", header=af,
        ),
    }  # fmt: skip
    lines = {name: refused(*words, path) for name, path in told.items()}
    assert "does not exist; check --fingerprints" in lines["none"]
    assert "neither a VCF nor a BCF" in lines["plain"]
    assert "is not indexed" in lines["unindexed"]
    assert "shares no contig with the reference" in lines["strange"]
    assert "tells no frequencies" in lines["silent"]
    assert "give --fingerprints another file" in lines["silent"]
    assert "has 9 usable SNPs of autosomes, fewer than 50" in lines["few"]
    assert "belongs to another reference: REF at s0:121" in lines["other"]
    assert all("\n" not in line for line in lines.values())
    assert not (tmp_path / "x.json").exists()


def test_bad_reads(tmp_path):
    world = World(tmp_path, 60)
    bam = world.bam("a", [(world.person(), 3, "g", "A")])
    panel = world.panel()

    def told(*paths):
        reads = [word for path in paths for word in ("-I", path)]
        return refused("fingerprint", "sample", *reads, "-R", world.fasta, "-s", "A", "-o", tmp_path / "x.json", "--sites", panel)  # fmt: skip

    assert "does not exist" in told(tmp_path / "none.bam")
    assert "at a URL" in told("https://example.org/a.bam")
    assert "same file" in told(bam, bam)
    naked = tmp_path / "naked.bam"
    shutil.copy(bam, naked)
    assert "is not indexed; run: samtools index" in told(naked)
    cut = tmp_path / "cut.bam"
    cut.write_bytes(bam.read_bytes()[:-300])
    shutil.copy(f"{bam}.bai", f"{cut}.bai")
    assert "truncated" in told(cut)


def _one_site(world, reads):
    """Counts at the first site of reads (name, flag, MAPQ, base, base quality)."""
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": k, "LN": v} for k, v in world.contigs.items()],
    }
    path = world.folder / "one.bam"
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for name, flag, mapq, base, quality in reads:
            bases = world.text["s0"][50:150].copy()
            bases[AT - 50] = ord(base)
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.flag, read.reference_id, read.reference_start = name, flag, 0, 50
            read.query_sequence, read.mapping_quality, read.cigartuples = (
                bases.tobytes().decode(),
                mapq,
                [(0, 100)],
            )
            read.query_qualities = pysam.qualitystring_to_array(chr(quality + 33) * 100)
            out.write(read)
    pysam.index(str(path))
    unit = count_reads([path], world.fasta, "S", read_sites(world.panel(), world.fasta))[0]
    return unit.reads.ref[0], unit.reads.alt[0], unit.reads.other[0]


def test_which_reads_count(tmp_path):
    """Fragments vote once; mates that disagree, poor bases, misplaced reads and copies do not."""
    world = World(tmp_path, 60)
    ref, alt = world.ref[0], world.alt[0]
    other = "ACGT".replace(ref, "").replace(alt, "")[0]
    reads = [
        ("ref", 0, 60, ref, 30), ("pair", 99, 60, alt, 30), ("pair", 147, 60, alt, 30), ("split", 99, 60, ref, 30),
        ("split", 147, 60, alt, 30), ("poor", 0, 60, alt, 10), ("lost", 0, 5, alt, 30), ("copy", 1024, 60, alt, 30),
        ("more", 2048, 60, alt, 30), ("odd", 0, 60, other, 30),
    ]  # fmt: skip
    assert _one_site(world, reads) == (1, 1, 1)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A clean man, a swap of files, a contaminated woman of wrong sex, a person under two names, an XY by CRAM."""
    folder = tmp_path_factory.mktemp("cohort")
    world = World(folder, 150, 40)
    man, woman, other = world.person(is_xy=True), world.person(), world.person()
    dirty = world.person()
    rows = [
        ("clean", world.bam("clean", [(man, 20, "c", "clean")]), "XY"),
        ("swapped", world.bam("s1", [(woman, 20, "1", "swapped")]), "XX"),
        ("swapped", world.bam("s2", [(man, 15, "2", "swapped")]), "XX"),
        ("dirty", world.bam("dirty", [(dirty, 18, "d", "dirty"), (other, 2, "d", "dirty")]), "XY"),
        ("other", world.bam("other", [(other, 20, "o", "other")]), "NA"),
        ("again", world.bam("again", [(other, 12, "a", "again")], ".cram"), "NA"),
    ]
    sheet = folder / "cohort.csv"
    sheet.write_text("sample,reads,sex\n" + "".join(f"{s},{path.name},{sex}\n" for s, path, sex in rows))
    panel = world.panel(keys=("AF", "EUR_AF", "AFR_AF"))
    tables = folder / "tables"
    words = ("check", "--samplesheet", sheet, "--reference", world.fasta, "--fingerprints", panel)
    result = invoke(
        *words,
        "--fingerprint-tables",
        tables,
        "--notes",
        folder / "notes.txt",
        "--pedigree",
        folder / "f.ped",
    )
    assert result.exit_code == 0, result.output
    return world, rows, panel, tables, (folder / "notes.txt").read_text().splitlines()


def test_check_tells_what_is_wrong(cohort):
    _, _, _, tables, notes = cohort
    warnings = [note.removeprefix("warning: ") for note in notes if note.startswith("warning: ")]
    assert len(warnings) == 4
    assert warnings[0].startswith(
        "swapped: s2.bam is of another person than s1.bam (it is clean): log10 odds -"
    )
    assert warnings[1].startswith("dirty: contaminated: ")
    assert ", by " in warnings[1]
    assert warnings[2] == "dirty: sex is XX by SNPs of X, XY is stated"
    assert warnings[3].startswith("other: is the same person as again, or a monozygotic twin (kinship 0.")
    lines = (tables / "fingerprints.tsv").read_text().splitlines()
    rows = {
        row[0]: dict(zip(lines[0].split("\t"), row, strict=True))
        for row in (x.split("\t") for x in lines[1:])
    }
    assert {name: row["status"] for name, row in rows.items()} == {
        "again": "same person", "clean": "ok", "dirty": "contaminated; sex", "other": "same person", "swapped": "swap",
    }  # fmt: skip
    assert lines[-1].startswith("clean\t")  # what is wrong stands first
    assert 0.06 < float(rows["dirty"]["contamination"]) < 0.15
    assert float(rows["clean"]["contamination"]) < 0.01
    assert {name: row["sex"] for name, row in rows.items()} == {
        "again": "XX", "clean": "XY", "dirty": "XX", "other": "XX", "swapped": "XX",
    }  # fmt: skip
    assert {row["population"] for row in rows.values()} == {"EUR"}
    statements = [note for note in notes if note.startswith("fingerprint of ")]
    assert len(statements) == 5
    assert statements[0].startswith("fingerprint of clean: ok; contamination 0.")
    assert "; sex XY by SNPs of X; nearest population EUR; 150 sites at " in statements[0]


def test_red_rows_of_the_report(cohort):
    tables = cohort[3]
    section = json.loads((tables / "deepcohort_fingerprints_samples_mqc.json").read_text())
    rules = section["headers"]["status"]["cond_formatting_rules"]
    red = [
        name
        for name, row in section["data"].items()
        if any(r["s_contains"] in row["status"] for r in rules["fail"])
    ]
    assert red == ["again", "dirty", "other", "swapped"]
    assert rules["pass"] == [{"s_eq": "ok"}]
    assert "4 warnings" in section["description"]
    pairs = json.loads((tables / "deepcohort_fingerprints_pairs_mqc.json").read_text())
    assert list(pairs["data"]) == ["other - again"]


def test_sample_by_sample_is_the_same(cohort, tmp_path):
    """`fingerprint sample` and `compare` write what `check` wrote, whatever the order; the summary warns."""
    world, rows, panel, tables, _ = cohort
    common = ("-R", world.fasta, "--sites", panel)
    names = list(dict.fromkeys(name for name, _, _ in rows))
    for name in names[::-1]:
        reads = [word for sample, path, _ in rows if sample == name for word in ("-I", path)]
        result = invoke("fingerprint", "sample", *reads, "-s", name, "-o", tmp_path / f"{name}.json", *common)
        assert result.exit_code == 0, result.output
    ped = world.folder / "f.ped"
    out = tmp_path / "out"
    words = ("fingerprint", "compare", "--fingerprint", tmp_path, "--pedigree", ped, "-o", out, *common)
    result = invoke(*words, "--warnings", tmp_path / "warnings.txt")
    assert result.exit_code == 0, result.output
    assert (out / "fingerprints.tsv").read_bytes() == (tables / "fingerprints.tsv").read_bytes()
    assert len((tmp_path / "warnings.txt").read_text().splitlines()) == 4
    summary = tmp_path / "summary.txt"
    assert invoke("summary", "--fingerprints", out / "fingerprints.json", "-o", summary).exit_code == 0
    assert summary.read_text().count("  Warning: ") == 4
    sites = read_sites(panel, world.fasta)
    first = (tmp_path / "clean.json").read_bytes()
    assert read_fingerprint(tmp_path / "clean.json", sites).sex == "XY"
    result = invoke(
        "fingerprint", "sample", "-I", rows[0][1], "-s", "clean", "-o", tmp_path / "clean.json", *common
    )
    assert (tmp_path / "clean.json").read_bytes() == first


def test_bad_fingerprints(cohort, tmp_path):
    world, rows, panel, _, _ = cohort
    found = tmp_path / "clean.json"
    common = ("-R", world.fasta, "--sites", panel)
    assert (
        invoke("fingerprint", "sample", "-I", rows[0][1], "-s", "clean", "-o", found, *common).exit_code == 0
    )
    bed = tmp_path / "r.bed"
    bed.write_text("".join(f"s{i}\t0\t{SITE_BP}\n" for i in range(60)))
    words = ("fingerprint", "compare", "-o", tmp_path / "out", *common, "--fingerprint")
    assert "at other sites" in refused(*words, found, "--regions", bed)
    assert "are given more than once" in refused(*words, found, "--fingerprint", found)
    (tmp_path / "bad.json").write_text("{}")
    assert "is no fingerprint" in refused(*words, tmp_path / "bad.json")
    (tmp_path / "none").mkdir()
    assert "no fingerprints; check --fingerprint" in refused(*words, tmp_path / "none")
    assert "names s999, not in" in refused(*words, found, "--contigs", "s999")
    assert not (tmp_path / "out").exists()
    (tmp_path / "c.csv").write_text(f"sample,reads\nclean,{rows[0][1]}\n")
    sheet = ("check", "--samplesheet", tmp_path / "c.csv", "-R", world.fasta)
    assert "give --fingerprints" in refused(*sheet, "--fingerprint-tables", tmp_path / "out")


def test_read_groups_of_one_file(tmp_path):
    """Those of the sample count, each apart; lanes of two persons under one name are a swap."""
    world = World(tmp_path, 60)
    one, other = world.person(), world.person()
    panel = world.panel()
    sites = read_sites(panel, world.fasta)
    both = world.bam("both", [(one, 15, "1", "A"), (other, 15, "2", "B"), (other, 15, "3", "A")])
    mine = count_reads([both], world.fasta, "A", sites)
    assert [unit.group for unit in mine] == ["1", "3"]
    assert [unit.group for unit in count_reads([both], world.fasta, "B", sites)] == ["2"]
    result = invoke(
        "fingerprint", "sample", "-I", both, "-R", world.fasta, "-s", "A", "--sites", panel, "-o", tmp_path / "a.json"
    )  # fmt: skip
    assert result.exit_code == 0
    assert result.output.startswith("A: swap; contamination ")
    assert read_fingerprint(tmp_path / "a.json", sites).persons == (
        ("both.bam (read group 1)",), ("both.bam (read group 3)",),
    )  # fmt: skip


def test_files_of_one_name(tmp_path):
    """The pipeline stages them so; a swap must name the right one."""
    world = World(tmp_path, 60)
    panel = world.panel()
    sites = read_sites(panel, world.fasta)
    paths = []
    for k, person in enumerate((world.person(), world.person())):
        made = world.bam(f"p{k}", [(person, 5, "1", "A")])
        (tmp_path / str(k)).mkdir()
        paths.append(tmp_path / str(k) / "x.bam")
        made.rename(paths[k])
        made.with_name(f"{made.name}.bai").rename(f"{paths[k]}.bai")
    paths.append(world.bam("y", [(world.person(), 5, "1", "A")]))
    units = count_reads(paths, world.fasta, "A", sites)
    assert [unit.file for unit in units] == [str(paths[0]), str(paths[1]), "y.bam"]
