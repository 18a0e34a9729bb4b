"""Whole runs on a hand-made table of every kind of record; nothing else of the VCF changes by a byte."""

import annotate_builders as b
import pysam
import pytest
from deepcohort.annotate.config import LICENCE_NOTE
from deepcohort.annotate.other_tables import parse_spec
from deepcohort.annotate.packed import pack
from deepcohort.annotate.run import AnnotateJob, annotate_vcf
from deepcohort.calls.merge import merge_shards
from deepcohort.cli import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from typer.testing import CliRunner

R = b.CHR1
AM = ("AM_SCORE", "AM_CLASS", "AM_TRANSCRIPT", "AM_UNIPROT", "AM_PROTEIN", "AM_MAX", "AM_SOURCE", "AM_WHY")
# record; what is said of it, in the order of AM (None: no such key)
RECORDS = [
    # without ALT, outside of genes, in the UTR
    ((20, R[19], "."), [None] * 8),
    ((21, R[20], "A" if R[20] != "A" else "C"), [None] * 7 + ["not_coding"]),
    ((104, "G", "A"), ["0.2", "likely_benign", "T1.3", "P1", "A2T", "0.2", "allele", None]),
    ((104, "G", "C"), [None] * 7 + ["not_in_table"]),
    ((104, "G", "T,A"), ["0.564,0.2", "ambiguous,likely_benign", "T1.3,T1.3", "P1,P1", "A2S,A2T", "0.564,0.2", "allele,allele", None]),
    ((104, "GCT", "GAT,G"), ["0.9999,.", "likely_pathogenic,.", "T1.3,.", "P1,.", "A2D,.", "0.9999,.", "allele,.", ".,indel"]),
    ((104, "GC", "*,<DEL>,TA"), [None] * 7 + ["spanning_deletion,symbolic,mnv"]),
    ((105, "C", "G"), ["0.5641|0.1", "likely_pathogenic|likely_benign", "T1.3|T9.1", "P1|P9", "A2G|A7G", "0.5641", "allele", None]),
    ((105, "C", "T"), ["1.0", "likely_pathogenic", "T1.3", "P1", "A2V", "1.0", "allele", None]),
    ((106, "T", "A"), [None] * 7 + ["not_missense"]),
    ((107, "c", "a"), ["0.34", "ambiguous", "T1.3", "P1", "R3S", "0.34", "allele", None]),
    ((108, "G", "A"), ["0.3399", "likely_benign", "T1.3", "P1", "R3H", "0.3399", "allele", None]),
    ((158, "T", "G"), [None] * 7 + ["not_missense"]),
    ((201, "GCA", "G"), [None] * 7 + ["indel"]),
    ((230, R[229], R[229]), [None] * 7 + ["not_bases"]),
]  # fmt: skip


def lines():
    return [
        b.record(
            *fields, "0/0:7" if fields[2] == "." else "0/1:7", info="DP=5;SOMATIC", form="GT:GQ", name="x1"
        )
        for fields, _ in RECORDS
    ]


@pytest.fixture
def world(tmp_path):
    """Folder with ref.fa, genes.gff3, am.tsv, am.dcam and in.vcf.gz."""
    b.write_reference(tmp_path)
    b.write_genes(tmp_path)
    b.write_table(tmp_path / "am.tsv")
    pack(tmp_path / "am.tsv", tmp_path / "am.dcam")
    b.write_vcf(tmp_path / "in.vcf.gz", lines(), ["S1"])
    return tmp_path


def job(folder, **changes):
    told = {
        "vcf": "in.vcf.gz",
        "reference": "ref.fa",
        "output": "out.vcf.gz",
        "alphamissense": "am.tsv",
        "genes": "genes.gff3",
    }
    paths = {k: folder / v for k, v in {**told, **changes}.items() if isinstance(v, str)}
    return AnnotateJob(**{**paths, **{k: v for k, v in changes.items() if not isinstance(v, str)}})


def test_every_kind_of_record(world):
    done = annotate_vcf(job(world))
    records = b.records_of(world / "out.vcf.gz")
    assert len(records) == len(RECORDS) == done.n_records
    for fields, (_, expected) in zip(records, RECORDS, strict=True):
        info = b.info_of(fields)
        assert [info.get(key) for key in AM] == expected, fields
    assert done.n_alleles == 18
    assert done.n_scored == 8
    assert done.licence == "Licensed under TEST terms"


def test_without_genes_only_the_allele_speaks(world):
    annotate_vcf(job(world, genes=None))
    said = [b.info_of(fields).get("AM_WHY") for fields in b.records_of(world / "out.vcf.gz")]
    assert said[1] == said[3] == said[9] == "not_in_table"
    assert said[6] == "spanning_deletion,symbolic,mnv"


def test_nothing_else_changes_by_a_byte(world):
    annotate_vcf(job(world))
    before, after = b.lines_of(world / "in.vcf.gz"), b.lines_of(world / "out.vcf.gz")
    new = [line for line in after if line.startswith(("##INFO=<ID=AM_", "##INFO=<ID=DC_", "##deepcohort_"))]
    kept = [line for line in after if line not in new]
    assert kept[: len(kept) - len(RECORDS)] == [line for line in before if line.startswith("#")]
    for old, line in zip((x for x in before if x[0] != "#"), (x for x in after if x[0] != "#"), strict=True):
        x, y = old.split("\t"), line.split("\t")
        assert x[:7] + x[8:] == y[:7] + y[8:]
        assert y[7].startswith(x[7])
    assert (world / "out.vcf.gz.tbi").exists()
    assert "Licensed under TEST terms" in "".join(new)
    assert LICENCE_NOTE in "".join(new)


def test_htslib_reads_what_is_written(world):
    annotate_vcf(job(world))
    with pysam.VariantFile(str(world / "out.vcf.gz")) as file:
        found = [(r.pos, r.info.get("AM_MAX"), r.info.get("DC_CSQ")) for r in file.fetch("chr1", 103, 105)]
    assert found[2] == (104, (pytest.approx(0.564), pytest.approx(0.2)), ("missense", "missense"))
    assert found[3] == (104, (pytest.approx(0.9999), None), ("missense", "frameshift"))


def test_carriage_returns(world):
    text = "\n".join(b.lines_of(world / "in.vcf.gz")).replace("\n", "\r\n") + "\r\n"
    (world / "dos.vcf").write_text(text, newline="")
    with pytest.raises(DeepcohortError, match="carriage returns"):
        annotate_vcf(job(world, vcf="dos.vcf"))


def test_packed_and_published_and_again(world):
    annotate_vcf(job(world))
    annotate_vcf(job(world, alphamissense="am.dcam", output="packed.vcf.gz"))
    annotate_vcf(job(world, vcf="out.vcf.gz", output="again.vcf.gz"))
    first = (world / "out.vcf.gz").read_bytes()
    assert (world / "packed.vcf.gz").read_bytes() == first
    assert (world / "again.vcf.gz").read_bytes() == first


@pytest.mark.parametrize("kind", ["gzip", "bgzip", "indexed"])
def test_whatever_the_table_is_packed_as(world, kind):
    annotate_vcf(job(world))
    first = (world / "out.vcf.gz").read_bytes()
    b.write_table(world / "am.tsv", kind=kind)
    annotate_vcf(job(world))
    assert (world / "out.vcf.gz").read_bytes() == first


def test_shards_make_the_same_file(world):
    # the second cut lies within a codon, whose SNVs stand on one haplotype
    records = [
        b.record(104, "G", "A", "0|1"),
        b.record(105, "C", "T", "0|1"),
        b.record(230, R[229], "A" if R[229] != "A" else "C", "0/1"),
    ]
    whole = "##deepcohort_region=chr1:1-400"
    b.write_vcf(world / "in.vcf.gz", records, ["S1"], [])
    text = b.lines_of(world / "in.vcf.gz")
    at = next(i for i, line in enumerate(text) if line.startswith("#CHROM"))
    plain = world / "region.vcf"
    plain.write_text("\n".join([*text[:at], whole, *text[at:]]) + "\n")
    annotate_vcf(job(world, vcf="region.vcf"))
    shards = []
    for k, (start, end) in enumerate([(0, 104), (104, 229), (229, 400)]):
        shards.append(world / f"shard{k}.vcf.gz")
        annotate_vcf(job(world, output=shards[-1].name, regions=(Region("chr1", start, end),)))
        assert len(b.records_of(shards[-1])) == 1
    merge_shards(shards, world / "merged.vcf.gz")
    assert (world / "merged.vcf.gz").read_bytes() == (world / "out.vcf.gz").read_bytes()
    assert "DC_HAP=" in b.records_of(world / "merged.vcf.gz")[0][7]


def test_tables_that_name_transcripts_otherwise(world):
    b.write_genes(world, b.GFF.replace("transcript:T1", "transcript:NM_1"))
    done = annotate_vcf(job(world))
    assert "name transcripts otherwise" in done.warnings[0]
    assert b.info_of(b.records_of(world / "out.vcf.gz")[3])["AM_WHY"] == "not_in_table"


def two_genes(gene):
    """T1 of G1 and, at 301-360, T6 of `gene`, which the table does not have."""
    return b.GFF + "".join(
        f"1\tt\t{kind}\t301\t360\t.\t+\t{phase}\t{text}\n"
        for kind, phase, text in [
            ("gene", ".", "ID=gene:G6;Name=SIX;biotype=protein_coding"),
            ("mRNA", ".", f"ID=transcript:T6;Parent=gene:{gene};biotype=protein_coding"),
            ("exon", ".", "Parent=transcript:T6"),
            ("CDS", "0", "ID=CDS:P6;Parent=transcript:T6"),
        ]
    )


@pytest.mark.parametrize(("gene", "why"), [("G6", "gene_not_scored"), ("G1", "transcript_not_scored")])
def test_missense_of_a_transcript_that_is_not_in_the_table(world, gene, why):
    b.write_genes(world, two_genes(gene))
    found = []
    for alt in "ACGT":
        for pos in range(303, 350):
            if alt != R[pos - 1]:
                found.append(b.record(pos, R[pos - 1], alt))
    found.sort(key=lambda line: int(line.split("\t")[1]))
    b.write_vcf(world / "m.vcf", found)
    annotate_vcf(job(world, vcf="m.vcf"))
    said = {}
    for fields in b.records_of(world / "out.vcf.gz"):
        info = b.info_of(fields)
        said.setdefault(info["DC_CSQ"].split("|")[0], set()).add(info["AM_WHY"])
    assert said["missense"] == {why}
    assert said["synonymous"] == {"not_missense"}


def test_multi_base_changes_by_amino_acid(world):
    (world / "aa.tsv").write_text(
        "# terms\nuniprot_id\tprotein_variant\tam_pathogenicity\tam_class\nP1\tA2K\t0.7\tpathogenic\nP1\tA2N\t0.35\tambiguous\nP2\tA2K\t0.1\tbenign\n"
    )
    records = [
        b.record(104, "GC", "AA", "0/1", "0/0"),  # AAT: A2N
        b.record(104, "GCT", "AAA", "0/0", "0/1"),  # AAA: A2K
        b.record(107, "CG", "AA", "0/1", "0/0"),  # not in the table
    ]
    b.write_vcf(world / "in.vcf.gz", records, ["S1", "S2"])
    annotate_vcf(job(world, amino_acids="aa.tsv"))
    infos = [b.info_of(fields) for fields in b.records_of(world / "out.vcf.gz")]
    assert [
        (i.get("AM_SCORE"), i.get("AM_CLASS"), i.get("AM_PROTEIN"), i.get("AM_SOURCE"), i.get("AM_WHY"))
        for i in infos
    ] == [
        ("0.35", "ambiguous", "A2N", "protein", None),
        ("0.7", "likely_pathogenic", "A2K", "protein", None),
        (None, None, None, None, "mnv"),
    ]


WRONG = [
    ({"alphamissense": None, "genes": None}, "nothing to annotate with"),
    ({"output": "out.vcf"}, "must end in .vcf.gz"),
    ({"output": "in.vcf.gz"}, "is the input"),
    ({"amino_acids": "am.tsv", "genes": None}, "needs --alphamissense"),
    ({"alphamissense": "none.tsv"}, "none.tsv does not exist"),
    ({"genes": "none.gff3"}, "none.gff3 do not exist"),
    ({"vcf": "none.vcf"}, "none.vcf does not exist"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_what_cannot_be_done(world, changes, message):
    before = sorted(p.name for p in world.iterdir())
    with pytest.raises(DeepcohortError, match=message) as error:
        annotate_vcf(job(world, **changes))
    assert "\n" not in str(error.value)
    assert sorted(p.name for p in world.iterdir()) == before


GENES = [
    (b.GFF.replace("\t+\t0\t", "\t+\t.\t"), "line 6: a CDS without phase"),
    (b.GFF.replace("CDS", "exon"), "hold no CDS"),
    (
        b.GFF.replace("ID=gene:G1;Name=ONE;biotype=protein_coding", 'gene_id "G1"; gene_name "ONE";'),
        "are GTF",
    ),
    (b.GFF.replace("\n1\t", "\nchr9\t"), "no contig in common"),
    ("some words\n", "line 1 is no GFF3 line"),
    (b.GFF.replace("ID=transcript:T1", "Name=T1"), "no CDS belongs to a transcript"),
]


@pytest.mark.parametrize(("text", "message"), GENES)
def test_gene_models_that_are_none(world, text, message):
    b.write_genes(world, text)
    with pytest.raises(DeepcohortError, match=message) as error:
        annotate_vcf(job(world))
    assert "\n" not in str(error.value)
    assert not (world / "out.vcf.gz").exists()


def test_vcf_of_another_reference(world):
    moved = [b.record(p, R[p], "A" if R[p] != "A" else "C") for p in range(50, 150)]
    b.write_vcf(world / "m.vcf", moved)
    with pytest.raises(DeepcohortError, match="is not that of reference"):
        annotate_vcf(job(world, vcf="m.vcf"))


def test_position_beyond_the_contig(world):
    b.write_vcf(world / "m.vcf", [b.record(401, "A", "C")])
    with pytest.raises(DeepcohortError, match="chr1:401, which is no position of the reference"):
        annotate_vcf(job(world, vcf="m.vcf", genes=None, alphamissense="am.dcam"))


def test_reference_that_lacks_a_contig(world):
    b.write_vcf(world / "m.vcf", [b.record(5, "A", "C", contig="chr3")])
    with pytest.raises(DeepcohortError, match="has no contig chr3"):
        annotate_vcf(job(world, vcf="m.vcf"))


def test_specs():
    spec = parse_spec("cadd=/x/y.tsv.gz:CHROM=Chrom,POS=start,PHRED,Raw")
    assert (spec.name, str(spec.path), spec.values, spec.keys) == (
        "cadd",
        "/x/y.tsv.gz",
        ("PHRED", "Raw"),
        {"CHROM": "Chrom", "POS": "start"},
    )
    assert parse_spec("dbsnp=s3://b/d.vcf.gz:rsID").wants_rsid
    for bad in ("x", "x=y", "1x=y:AF", "x=:AF", "x=y:QUAL=AF", "x=s3://y/z"):
        with pytest.raises(DeepcohortError):
            parse_spec(bad)


def test_command_line(world):
    runner = CliRunner()
    base = ["annotate", "--vcf", str(world / "in.vcf.gz"), "--reference", str(world / "ref.fa")]
    done = runner.invoke(
        app, [*base, "--alphamissense", str(world / "am.tsv"), "--output", str(world / "o.vcf.gz")]
    )
    assert done.exit_code == 0, done.output
    assert "AlphaMissense: Licensed under TEST terms" in done.output
    assert "15 records, 18 alleles, 8 with a score" in done.output
    packed = runner.invoke(
        app, ["annotate", "--alphamissense", str(world / "am.tsv"), "--pack", str(world / "p.dcam")]
    )
    assert "8 rows, 2 transcripts" in packed.output
    assert (world / "p.dcam").read_bytes() == (world / "am.dcam").read_bytes()
    wrong = runner.invoke(app, ["annotate", "--pack", "p", "--vcf", "v", "--pedigree", "x"])
    assert {"--pack excludes --vcf: pack first, then annotate", "--pack needs --alphamissense"} <= set(
        str(wrong.exception).splitlines()
    )
