"""A stored cohort in parts: however it is cut, by shard or by sample, the cohort VCF keeps its bytes."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.cli.genotype import app as genotype_app
from deepcohort.cli.store import app as store_app
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.joint import io_store
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.io_parts import MANIFEST, open_stores, summarise_store, write_manifest
from deepcohort.joint.pedigree import Pedigree
from joint_helpers import SEQUENCE, block, het, hom, write_gvcf, write_reference
from test_cohort_properties import random_records
from typer.testing import CliRunner

TANGLED = {
    "a shard between regions of another": [
        ("one", [Region("c1", 0, 90), Region("c1", 150, 300)]), ("two", [Region("c1", 90, 150)]),
    ],
    "shards that overlap": [("one", [Region("c1", 0, 91)]), ("two", [Region("c1", 90, 150)])],
    "contigs across": [
        ("one", [Region("c1", 0, 90), Region("c2", 0, 40)]), ("two", [Region("c1", 90, 150)]),
    ],
}  # fmt: skip
SMALL = replace(JointConfig(), cells_per_window=1, max_shift_bp=11)
# of two contigs, with a hole (as a run of N leaves) and a shard of two regions
SHARDS = [
    ("one", [Region("c1", 0, 90)]),
    ("two", [Region("c1", 90, 101), Region("c1", 120, 150)]),
    ("three", [Region("c1", 150, 300), Region("c2", 0, 40)]),
]
WHOLE = [region for _, regions in SHARDS for region in regions]


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(io_store, "_MIN_CHUNK_BP", 17)
    monkeypatch.setattr(io_store, "_CHUNK_SAMPLES_BP", 1)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    write_reference(folder, {"c1": SEQUENCE, "c2": SEQUENCE[:40]})
    rng = np.random.default_rng(11)
    lengths = {"c1": 300, "c2": 40}
    paths = []
    # names whose order is not that of the files
    for name in ("S3", "S-1", "S1", "S0", "T", "S2"):
        rows = [*random_records(rng)[0], "c2 1 . A T,<NON_REF> . . . GT:GQ:DP:PL 0/1:50:20:50,0,50,99,99,99"]
        paths.append(write_gvcf(folder, name, rows, lengths))
    return folder, paths


def vcf(folder, gvcfs, name, regions=WHOLE, **more):
    out = folder / f"{name}.vcf.gz"
    genotype_cohort(
        gvcfs, folder / "ref.fa", out, regions, config=SMALL, quiet=True, sort_samples=True, **more
    )
    return out.read_bytes()


def parts(folder, gvcfs, name, shards=SHARDS, **more):
    genotype_cohort(
        gvcfs,
        folder / "ref.fa",
        None,
        config=SMALL,
        quiet=True,
        save_store=folder / name,
        shards=shards,
        **more,
    )
    return folder / name


def test_columns_by_name_and_batches_by_shard(cohort):
    folder, paths = cohort
    whole = vcf(folder, paths, "whole")
    header = next(line for line in gzip.decompress(whole).decode().splitlines() if line.startswith("#CHROM"))
    assert header.split("\t")[9:] == ["S-1", "S0", "S1", "S2", "S3", "T"]
    assert vcf(folder, paths[::-1], "turned") == whole
    first, second = parts(folder, paths[:4], "first"), parts(folder, paths[4:], "second")
    assert vcf(folder, [], "both", stores=[first, second]) == whole
    assert vcf(folder, paths[4:], "more", stores=[first]) == whole
    # the parts one by one, as tasks of a shard take them
    for name, regions in SHARDS:
        stores = [folder / batch / f"{name}.store" for batch in ("first", "second")]
        assert vcf(folder, [], "shard", regions, stores=stores) == vcf(folder, paths, "plain", regions)


@pytest.mark.parametrize(
    "regions",
    [
        [Region("c1", 70, 101)],
        [Region("c1", 95, 97), Region("c1", 140, 170)],
        [Region("c1", 0, 101), Region("c1", 120, 300), Region("c2", 3, 40)],
    ],
)
def test_shards_cut_otherwise_than_the_parts(cohort, regions):
    folder, paths = cohort
    stored = parts(folder, paths[:3], "cut")
    saved = folder / "saved.store"
    again = vcf(folder, paths[3:], "again", regions, stores=[stored], save_store=saved)
    assert again == vcf(folder, paths, "direct", regions)
    assert vcf(folder, [], "next", regions, stores=[saved]) == again


def test_without_regions_those_of_all_parts(cohort):
    folder, paths = cohort
    stored = parts(folder, paths[:3], "default")
    assert vcf(folder, [], "from parts", None, stores=[stored]) == vcf(folder, paths[:3], "plain")


def test_families_and_sexes_stay_with_the_store(tmp_path):
    """A child's new allele needs its parents, and a man's X its sex: nobody has to say so again."""
    write_reference(tmp_path, {"chrX": SEQUENCE})
    lengths = {"chrX": 300}

    def person(name, rows):
        rows = [
            f"chrX {r.split()[0]} . {' '.join(r.split()[1:3])} . . {' '.join(r.split()[3:])}" for r in rows
        ]
        return write_gvcf(tmp_path, name, rows, lengths)

    rows = [block(1, 12), hom(13, "G", "A"), block(14, 300)]
    father, mother = person("F", [block(1, 300)]), person("M", rows)
    child = person("C", [block(1, 12), het(13, "G", "A"), block(14, 300)])
    family = Pedigree({"C": ("F", "M")}, {"F": "XY", "M": "XX", "C": "XX"}, {"F": "f", "M": "f", "C": "f"})
    everything = [Region("chrX", 0, 300)]
    with_family = vcf(tmp_path, [father, mother, child], "known", everything, pedigree=family)
    stored = parts(tmp_path, [father, mother], "old", [("all", everything)], pedigree=family)
    assert vcf(tmp_path, [child], "kept", everything, stores=[stored]) == with_family
    plain = vcf(tmp_path, [father, mother, child], "unknown", everything)
    assert plain != with_family
    # what is said now counts for whom it names
    corrected = Pedigree({}, {"F": "XX"}, {"F": "f", "M": "f", "C": "c"})
    told = vcf(tmp_path, [child], "told", everything, stores=[stored], pedigree=corrected)
    assert told == vcf(tmp_path, [father, mother, child], "direct", everything, pedigree=corrected)
    assert summarise_store(stored).pedigree.sex == {"F": "XY", "M": "XX", "C": "XX"}


def spoil_absent(folder):
    (folder / "two.store").unlink()


def spoil_other_run(folder):
    (folder / "two.store").write_bytes((folder / "two.store").read_bytes() + b"x")


def spoil_samples(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["samples"][0] = "other"
    (folder / MANIFEST).write_text(json.dumps(manifest))


def spoil_table(folder):
    (folder / MANIFEST).write_text("{")


def spoil_keys(key, value=None):
    def spoil(folder):
        manifest = json.loads((folder / MANIFEST).read_text())
        if value is None:
            del manifest[key]
        else:
            manifest[key] = value
        (folder / MANIFEST).write_text(json.dumps(manifest))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_absent, r"lacks its part two\.store"),
        (spoil_other_run, r"two\.store has \d+ bytes, cohort\.json says \d+; the run that wrote it did not"),
        (spoil_samples, r"one\.store is of other samples than cohort\.json"),
        (spoil_table, r"cohort\.json is no table of a stored cohort"),
        (spoil_keys("format", 9), r"no table of a stored cohort \(format 9, not 1\)"),
        (spoil_keys("parts"), r"no table of a stored cohort \('parts'\)"),
        (spoil_keys("samples", []), r"no table of a stored cohort \(no part or no sample\)"),
        (spoil_keys("pedigree", [["x"]]), r"no table of a stored cohort"),
        (
            spoil_keys("parts", [{"file": "../one.store", "bytes": 1, "regions": [["c1", 0, 9]]}]),
            r"no table of a stored cohort \(part \.\./one\.store\)",
        ),
        (
            spoil_keys("parts", [{"file": "one.store", "bytes": 1, "regions": [["c1", 9, 0]]}]),
            r"no table of a stored cohort \(region c1:10-0 is reversed",
        ),
        (spoil_keys("samples", ["A", "B\n##evil"]), r"no table of a stored cohort \(the name"),
        (lambda folder: (folder / MANIFEST).unlink(), r"is no stored cohort: it has no cohort\.json"),
    ],
)
def test_bad_folders(cohort, tmp_path, spoil, message):
    folder, paths = cohort
    stored = tmp_path / "bad"
    genotype_cohort(
        paths[:2], folder / "ref.fa", None, config=SMALL, quiet=True, save_store=stored, shards=SHARDS
    )
    spoil(stored)
    with pytest.raises(DeepcohortError, match=message) as error:
        genotype_cohort(paths[2:], folder / "ref.fa", tmp_path / "out.vcf.gz", quiet=True, stores=[stored])
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.vcf.gz").exists()
    with pytest.raises(DeepcohortError, match=message):  # what `deepcohort check` looks at
        summarise_store(stored)


def test_overlapping_missing_and_foreign_parts_are_named(cohort, tmp_path):
    folder, paths = cohort
    stored = parts(folder, paths[:2], "pieces")
    wide = parts(folder, paths[:2], "wide", [("wide", [Region("c1", 100, 200)])]) / "wide.store"
    other = parts(folder, paths[2:4], "foreign") / "two.store"
    mine = [stored / f"{name}.store" for name, _ in SHARDS]
    with pytest.raises(
        DeepcohortError, match=r"given twice at c1:\d+-\d+, by .*two\.store and .*wide\.store"
    ):
        open_stores([mine[1], wide])
    with pytest.raises(DeepcohortError, match=r"two\.store is of other samples than .*one\.store"):
        write_manifest([mine[0], other], tmp_path / MANIFEST)
    with pytest.raises(DeepcohortError, match=r"no part holds two \(c1:91-101, \.\.\.\) whole"):
        write_manifest([mine[0], mine[2]], tmp_path / MANIFEST, SHARDS)
    with pytest.raises(DeepcohortError, match=r"three\.store holds regions that are in no shard"):
        write_manifest(mine, tmp_path / MANIFEST, SHARDS[:2])
    assert not (tmp_path / MANIFEST).exists()
    with pytest.raises(DeepcohortError, match=r"lacks 1 of 1 regions \(c1:101-121\)"):
        vcf(folder, paths[2:], "gap", [Region("c1", 100, 121)], stores=[stored])


def test_command_lines(cohort, tmp_path):
    folder, paths = cohort
    bed = tmp_path / "shards.bed"
    bed.write_text("".join(f"{r.contig}\t{r.start}\t{r.end}\t{name}\n" for name, rs in SHARDS for r in rs))
    (tmp_path / "family.ped").write_text("f\tS3\t0\tS-1\t1\t0\nf\tS-1\t0\t0\t2\t0\n")

    def run(app, *arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    base = ("--reference", folder / "ref.fa", "--quiet")
    gvcfs = [word for path in paths[:2] for word in ("--gvcf", path)]
    saved = run(
        genotype_app, *base, *gvcfs, "--shards", bed, "--save-cohort", tmp_path / "s", "--pedigree",
        tmp_path / "family.ped",
    )  # fmt: skip
    assert saved.exit_code == 0, saved.output
    assert {path.name for path in (tmp_path / "s").iterdir()} == {
        "one.store", "two.store", "three.store", "cohort.json",
    }  # fmt: skip
    table = (tmp_path / "s" / MANIFEST).read_bytes()
    (tmp_path / "parts.txt").write_text("".join(f"{tmp_path}/s/{name}.store\n" for name, _ in SHARDS))
    again = run(
        store_app,
        "--part-list",
        tmp_path / "parts.txt",
        "--shards",
        bed,
        "--output",
        tmp_path / "s" / MANIFEST,
    )
    assert again.exit_code == 0, again.output
    assert (tmp_path / "s" / MANIFEST).read_bytes() == table
    # the same from tables of single parts, in any order, without the parts at hand
    singles = []
    for name in ("two", "three", "one"):
        write_manifest([tmp_path / "s" / f"{name}.store"], tmp_path / f"{name}.json")
        singles += ["--part", tmp_path / f"{name}.json"]
    joined = run(store_app, *singles, "--shards", bed, "--output", tmp_path / MANIFEST)
    assert joined.exit_code == 0, joined.output
    assert (tmp_path / MANIFEST).read_bytes() == table
    lacking = run(store_app, *singles[:4], "--shards", bed, "--output", tmp_path / "other.json")
    assert "no part holds one (c1:1-90) whole" in str(lacking.exception)
    said = run(store_app, "--cohort", tmp_path / "s")
    assert "S3\tf\t0\tS-1\tXY" in said.output
    assert "2 samples, 0.000 Mb in 5 regions" in said.output
    (tmp_path / "stores.txt").write_text(f"{tmp_path}/s\n")
    added = run(
        genotype_app, *base, "--cohort-list", tmp_path / "stores.txt", "--gvcf", paths[2], "--sort-samples",
        "--output", tmp_path / "out.vcf.gz",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    assert "give both" in str(run(genotype_app, *base, *gvcfs, "--shards", bed).exception)
    assert "give either" in str(run(store_app).exception)
    bed.write_text("c1\t0\t10\tok\nc1\t10\t20\t../up\n")
    unnamed = run(genotype_app, *base, *gvcfs, "--shards", bed, "--save-cohort", tmp_path / "t")
    assert "the row of c1:11-20 has no plain name in column 4" in str(unnamed.exception)


@pytest.mark.parametrize("case", TANGLED)
def test_shards_that_do_not_follow_each_other_are_refused(cohort, tmp_path, case):
    folder, paths = cohort
    with pytest.raises(DeepcohortError, match="shards one and two overlap at c1:91-150, or one lies between"):
        parts(folder, paths, tmp_path / "tangled", TANGLED[case])
    assert not (tmp_path / "tangled").exists()
