"""Spoilt bytes in any input: an annotated VCF or one line, never a trace."""

import gzip
import random
import shutil

import annotate_builders as b
import pytest
from deepcohort.annotate.other_tables import parse_spec
from deepcohort.annotate.packed import pack
from deepcohort.annotate.report import write_report
from deepcohort.annotate.run import AnnotateJob, annotate_vcf
from deepcohort.core.errors import DeepcohortError
from deepcohort.joint.pedigree import EMPTY_PEDIGREE

NAMES = (
    "am.tsv",
    "am.tsv.gz",
    "am.tsv.gz.tbi",
    "am.dcam",
    "in.vcf",
    "in.vcf.gz",
    "t.vcf",
    "t.vcf.gz",
    "t.vcf.gz.tbi",
    "t.tsv",
)
PIECES = (b"\t", b"\n", b",", b"0", b"999999999999", b"-", b"*", b"N" * 40, b"\xff", b";", b"=", b"|", b":")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    b.write_reference(folder)
    b.write_table(folder / "am.tsv")
    b.write_table(folder / "am.tsv.gz", kind="indexed")
    pack(folder / "am.tsv", folder / "am.dcam")
    head = ['##INFO=<ID=AF,Number=A,Type=Float,Description="x">']
    records = [
        b.record(104, "G", "A,C", "0|1:7", name="rs1", info="AF=0.5,0.25", form="GT:GQ"),
        b.record(105, "C", "T", "1|1:7", info="END=105;AF=1", form="GT:GQ"),
        b.record(201, "GCA", "G", "0/1:9", info="AF=0.125", form="GT:GQ"),
    ]
    for name in ("in.vcf", "in.vcf.gz", "t.vcf", "t.vcf.gz"):
        b.write_vcf(folder / name, records, ["S"], head)
    (folder / "t.tsv").write_text("chrom\tpos\tref\talt\tAF\nchr1\t104\tG\tA\t1\nchr1\t105\tC\tA\t1\n")
    return folder


def spoil(data: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(data)) if data else 0
    how = chance.randrange(5)
    if how == 0 and data:
        data[at] = chance.randrange(256)
    elif how == 1:
        del data[at : at + chance.choice([1, 3, 50])]
    elif how == 2:
        del data[at:]
    elif how == 3:
        data[at:at] = chance.choice(PIECES)
    else:
        other = chance.randrange(len(data) + 1)
        data[at:at] = data[other : other + 30]
    return data


@pytest.mark.parametrize("name", NAMES)
def test_spoilt_inputs(base, tmp_path, name):
    chance = random.Random(name)
    for case in range(12):
        folder = tmp_path / str(case)
        shutil.copytree(base, folder)
        data = bytearray((folder / name).read_bytes())
        inside = name.endswith(".gz") and chance.random() < 0.5
        data = bytearray(gzip.decompress(bytes(data))) if inside else data
        for _ in range(chance.choice([1, 1, 2, 5])):
            data = spoil(data, chance)
        (folder / name).write_bytes(gzip.compress(bytes(data)) if inside else bytes(data))
        used = name.removesuffix(".tbi")
        table = folder / (used if used.startswith("am") else chance.choice(["am.dcam", "am.tsv"]))
        vcf = folder / (used if used.startswith("in") else "in.vcf")
        other = folder / (used if used.startswith("t.") else "t.vcf.gz")
        out = folder / "out.vcf.gz"
        try:
            annotate_vcf(
                AnnotateJob(vcf, folder / "ref.fa", out, table, scores=(parse_spec(f"t={other}:AF,AF"),))
            )
            write_report(out, folder / "report", EMPTY_PEDIGREE)
            said = ""
        except DeepcohortError as error:
            said = str(error)
        assert "\n" not in said
        assert not list(folder.glob(".tmp*"))
