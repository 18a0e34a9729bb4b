"""Values of other tables by allele, against `bcftools annotate`; IDs; order of contigs; what is wrong with a table."""

import random
import zlib

import annotate_builders as b
import pysam
import pysam.bcftools
import pytest
from deepcohort.annotate.other_tables import parse_spec
from deepcohort.annotate.run import AnnotateJob, annotate_vcf
from deepcohort.core.errors import DeepcohortError

HEAD = [
    '##INFO=<ID=AF,Number=A,Type=Float,Description="x">',
    '##INFO=<ID=AC,Number=R,Type=Integer,Description="x">',
    '##INFO=<ID=SIG,Number=.,Type=String,Description="x">',
    '##INFO=<ID=FLAG,Number=0,Type=Flag,Description="x">',
]


def run(folder, vcf, *specs):
    """Records annotated with tables."""
    parsed = tuple(parse_spec(text) for text in specs)
    annotate_vcf(AnnotateJob(vcf, b.write_reference(folder), folder / "o.vcf.gz", scores=parsed))
    return b.records_of(folder / "o.vcf.gz")


def random_records(chance, n, with_info):
    """Sorted records of SNVs, MNPs and indels, several ALTs of one length each, on both contigs."""
    found = []
    for contig, text in (("chr1", b.CHR1), ("chr2", b.CHR2)):
        for pos in sorted(chance.choices(range(10, 380), k=n)):
            size = chance.choice([1, 1, 1, 2, 3])
            ref = text[pos - 1 : pos - 1 + size]
            alts = {
                "".join(chance.choice("ACGT") for _ in range(chance.choice([1, 1, 2])))
                for _ in range(chance.choice([1, 1, 2]))
            }
            alts = sorted(alt for alt in alts if alt != ref)
            if not alts:
                continue
            info = "."
            if with_info:
                whole = [text[: pos - 1] + alt + text[pos - 1 + size :] for alt in alts]
                # an allele has one value however it is spelled
                info = "AF=" + ",".join(
                    f"0.{zlib.crc32(sequence.encode()) % 889 + 111}" for sequence in whole
                )
            found.append(b.record(pos, ref, ",".join(alts), contig=contig, info=info))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_against_bcftools_annotate(tmp_path, seed):
    chance = random.Random(seed)
    table = [r for r in random_records(chance, 150, True)]
    by_place = {}
    for line in table:  # one record per place: bcftools takes the first of several
        by_place.setdefault(tuple(line.split("\t")[:2]), line)
    table = list(by_place.values())
    wanted = sorted(
        table + random_records(chance, 100, False), key=lambda x: (x.split("\t")[0], int(x.split("\t")[1]))
    )
    wanted = ["\t".join([*x.split("\t")[:7], ".\n"]) for x in wanted]
    chosen = list({tuple(x.split("\t")[:2]): x for x in wanted}.values())
    vcf, source = (
        b.write_vcf(tmp_path / "in.vcf.gz", chosen),
        b.write_vcf(tmp_path / "t.vcf.gz", table, extra=HEAD),
    )
    own = [b.info_of(f).get("t_AF") for f in run(tmp_path, vcf, f"t={source}:AF")]
    out = tmp_path / "theirs.vcf"
    pysam.bcftools.annotate(
        "-a", str(source), "-c", "INFO/AF", "-O", "v", "-o", str(out), str(vcf), catch_stdout=False
    )
    theirs = [
        b.info_of(line.split("\t")).get("AF") for line in out.read_text().splitlines() if line[0] != "#"
    ]
    more = 0
    for x, y, line in zip(own, theirs, chosen, strict=True):
        if x != y:  # bcftools compares spellings, writes 0.3 for 0.30, and knows no left alignment
            assert x is not None, line
            kept = y.split(",") if y else ["."] * len(x.split(","))
            assert all(q == "." or float(p) == float(q) for p, q in zip(x.split(","), kept, strict=True)), (
                line,
                x,
                y,
            )
            more += kept.count(".") > x.split(",").count(".")
    assert sum(x is not None for x in own) > 80
    assert more < len(own) / 4


CASES = [
    # record, what a table says of it in AF, AC, SIG, FLAG, ID
    ((104, "G", "A"), ["0.5", "7", "x|y", "1", "rs1"]),
    ((104, "G", "T,A"), [".,0.5", ".,7", ".,x|y", ".,1", ".,rs1"]),
    ((104, "GC", "AC"), ["0.5", "7", "x|y", "1", "rs1"]),
    ((104, "G", "*,C"), [".,0.25", ".,8", ".,x|y", ".,1", ".,rs1"]),
    ((150, b.CHR1[149], "A" if b.CHR1[149] != "A" else "C"), [None] * 5),
    ((205, "ACA", "A"), ["0.125", "3", None, None, "rs2|rs3"]),
]  # fmt: skip
TABLE = [
    b.record(104, "G", "A,C", name="rs1", info="AF=0.5,0.25;AC=9,7,8;SIG=x,y;FLAG"),
    b.record(201, "GCA", "G", name="rs2;rs3", info="AF=0.125;AC=1,3"),
]


@pytest.mark.parametrize("name", ["t.vcf.gz", "t.vcf"])
def test_fields_of_every_number(tmp_path, name):
    table = b.write_vcf(tmp_path / name, TABLE, extra=HEAD)
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(*fields) for fields, _ in CASES])
    records = run(tmp_path, vcf, f"t={table}:AF,AC,SIG,FLAG,ID")
    for fields, (_, expected) in zip(records, CASES, strict=True):
        info = b.info_of(fields)
        assert [info.get(f"t_{key}") for key in ("AF", "AC", "SIG", "FLAG", "ID")] == expected
        assert fields[2] == "."
    types = [line for line in b.lines_of(tmp_path / "o.vcf.gz") if line.startswith("##INFO=<ID=t_")]
    assert [line.split("Type=")[1].split(",")[0] for line in types] == [
        "Float",
        "Integer",
        "String",
        "String",
        "String",
    ]


def test_rsids_go_into_the_id_column(tmp_path):
    table = b.write_vcf(tmp_path / "dbsnp.vcf.gz", TABLE, extra=HEAD)
    records = [
        b.record(104, "G", "A"),
        b.record(104, "G", "C", name="mine"),
        b.record(104, "G", "A", name="rs1;z"),
        b.record(202, "CAC", "C"),
    ]
    found = run(tmp_path, b.write_vcf(tmp_path / "in.vcf", records), f"d={table}:rsID")
    assert [fields[2] for fields in found] == ["rs1", "mine;rs1", "rs1;z", "rs2;rs3"]
    assert [fields[7] for fields in found] == ["."] * 4


def test_tsv_with_named_columns(tmp_path):
    rows = [
        "##made up",
        "#Chrom\tstart\tRef\tAlt\tPHRED\tnote",
        "1\t104\tG\tA\t22.1\ta b;c",
        "1\t104\tG\tC\t.\tx",
        "1\t105\tC\tA\t3\t",
    ]
    table = tmp_path / "cadd.tsv"
    table.write_text("\n".join(rows) + "\n")
    records = [b.record(104, "G", "A"), b.record(104, "G", "C,A"), b.record(105, "C", "A")]
    vcf = b.write_vcf(tmp_path / "in.vcf", records)
    found = [b.info_of(f) for f in run(tmp_path, vcf, f"cadd={table}:POS=start,PHRED,note")]
    assert [i.get("cadd_PHRED") for i in found] == ["22.1", ".,22.1", "3"]
    assert [i.get("cadd_note") for i in found] == ["a%20b%3Bc", "x,a%20b%3Bc", None]
    with pysam.BGZFile(str(tmp_path / "cadd.tsv.gz"), "wb") as out:
        out.write(table.read_bytes())
    pysam.tabix_index(
        str(tmp_path / "cadd.tsv.gz"), seq_col=0, start_col=1, end_col=1, meta_char="#", force=True
    )
    indexed = [
        b.info_of(f) for f in run(tmp_path, vcf, f"cadd={tmp_path / 'cadd.tsv.gz'}:POS=start,PHRED,note")
    ]
    assert indexed == found


@pytest.mark.parametrize("head", ["", "# terms\n", "## terms\n# of use\n"])
def test_tsv_whose_header_has_no_sign(tmp_path, head):
    ref = b.CHR2[4]
    rows = f"2\t5\t{ref}\t{'A' if ref != 'A' else 'C'}\t1\n1\t104\tG\tA\t0.5\n"
    (tmp_path / "t.tsv").write_text(f"{head}chrom\tpos\tref\talt\tAF\n{rows}")
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(104, "G", "A")])
    assert b.info_of(run(tmp_path, vcf, f"t={tmp_path / 't.tsv'}:AF")[0])["t_AF"] == "0.5"


@pytest.mark.parametrize("name", ["t.vcf.gz", "t.vcf"])
def test_contigs_in_another_order(tmp_path, name):
    ref, other = b.CHR2[49], "A" if b.CHR2[49] != "A" else "C"
    table = [
        b.record(50, ref, other, contig="2", info="AF=0.1"),
        *(line.replace("chr1", "1", 1) for line in TABLE),
    ]
    source = b.write_vcf(tmp_path / name, table, extra=HEAD)
    vcf = b.write_vcf(
        tmp_path / "in.vcf",
        [b.record(104, "G", "A"), b.record(201, "GCA", "G"), b.record(50, ref, other, contig="chr2")],
    )
    assert [b.info_of(f)["t_AF"] for f in run(tmp_path, vcf, f"t={source}:AF")] == ["0.5", "0.125", "0.1"]


def test_lines_that_repeat_an_allele(tmp_path):
    table = [
        b.record(104, "G", "A", info="AF=0.5;SIG=x"),
        b.record(104, "GC", "AC", info="AF=0.7;SIG=y"),
        b.record(104, "G", "A", info="SIG=x"),
    ]
    source = b.write_vcf(tmp_path / "t.vcf", table, extra=HEAD)
    info = b.info_of(
        run(tmp_path, b.write_vcf(tmp_path / "in.vcf", [b.record(104, "G", "A")]), f"t={source}:AF,SIG")[0]
    )
    assert (info["t_AF"], info["t_SIG"]) == ("0.5", "x|y")


WRONG = [
    (
        "t.vcf",
        "".join(["##fileformat=VCFv4.2\n", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"]),
        "has no INFO AF",
    ),
    ("t.vcf", "##fileformat=VCFv4.2\nchr1\t1\n", "VCF without its #CHROM line"),
    ("t.tsv", "chrom\tpos\tref\talt\tother\n", "has no column AF"),
    ("t.tsv", "place\tpos\tref\talt\tAF\n", "has no column CHROM; name it as in CHROM=COLUMN"),
    ("t.tsv", "chrom\tpos\tref\talt\tAF\nchr1\t104\tG\n", "too few columns"),
    ("t.tsv", "chrom\tpos\tref\talt\tAF\nchr1\tx\tG\tA\t1\n", "has no position"),
    (
        "t.tsv",
        "chrom\tpos\tref\talt\tAF\nchr1\t104\tG\tA\t1\nchr1\t103\tG\tA\t1\n",
        "is not sorted by position",
    ),
]


@pytest.mark.parametrize(("name", "text", "message"), WRONG)
def test_what_is_wrong_with_a_table(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(104, "G", "A")])
    with pytest.raises(DeepcohortError, match=message) as error:
        run(tmp_path, vcf, f"t={tmp_path / name}:AF")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "o.vcf.gz").exists()


def test_table_of_another_build(tmp_path):
    rows = [f"chr1\t{p}\t{b.CHR1[p]}\tA\t1" for p in range(20, 300) if b.CHR1[p] != "A"]
    (tmp_path / "t.tsv").write_text("chrom\tpos\tref\talt\tAF\n" + "\n".join(rows) + "\n")
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(104, "G", "A")])
    with pytest.raises(DeepcohortError, match="of another build"):
        run(tmp_path, vcf, f"t={tmp_path / 't.tsv'}:AF")


def test_damaged_index(tmp_path):
    table = b.write_vcf(tmp_path / "t.vcf.gz", TABLE, extra=HEAD)
    index = tmp_path / "t.vcf.gz.tbi"
    index.write_bytes(index.read_bytes()[:40])
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(104, "G", "A")])
    with pytest.raises(DeepcohortError, match="is damaged"):
        run(tmp_path, vcf, f"t={table}:AF")
