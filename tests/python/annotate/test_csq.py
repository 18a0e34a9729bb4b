"""Consequences against bcftools csq itself: alleles alone, and what they make together on haplotypes."""

import gzip
import random
from pathlib import Path

import annotate_builders as b
import pysam
import pysam.bcftools
import pytest
from deepcohort.annotate.first_pass import single_change
from deepcohort.annotate.haplotypes import members_of
from deepcohort.annotate.io_csq import parse_entries, run_csq
from deepcohort.annotate.run import AnnotateJob, annotate_vcf


@pytest.fixture
def cases(shared_data) -> Path:
    return shared_data / "annotation" / "bcftools_csq"


def entries_of(info):
    """csq's entries of a record of one ALT, as this program writes them: type, gene, transcript, amino acids."""
    if "DC_CSQ" not in info:
        return []
    types = info["DC_CSQ"].split("|")
    columns = [types]
    for key in ("DC_GENE", "DC_TRANSCRIPT", "DC_AA"):
        columns.append(info[key].split("|") if key in info else ["."] * len(types))
    return sorted(zip(*columns, strict=True))


def own(vcf, cases, tmp_path, genes="csq.gff3"):
    reference = tmp_path / "csq.fa"
    if not reference.exists():
        reference.write_bytes((cases / "csq.fa").read_bytes())
        pysam.faidx(str(reference))
    annotate_vcf(AnnotateJob(vcf, reference, tmp_path / "own.vcf.gz", genes=cases / genes))
    return [(fields, b.info_of(fields)) for fields in b.records_of(tmp_path / "own.vcf.gz")]


def theirs(vcf, cases, tmp_path, *options, genes="csq.gff3"):
    out = tmp_path / "theirs.vcf"
    pysam.bcftools.csq(
        "-f",
        str(tmp_path / "csq.fa"),
        "-g",
        str(cases / genes),
        "-O",
        "v",
        "-o",
        str(out),
        *options,
        str(vcf),
        catch_stdout=False,
    )
    lines = [
        line.rstrip("\n").split("\t") for line in out.read_text().splitlines() if not line.startswith("#")
    ]
    return [b.info_of(fields).get("BCSQ", "") for fields in lines]


def test_alleles_alone_are_those_of_local_csq(cases, tmp_path):
    found = own(cases / "csq.vcf", cases, tmp_path)
    said = theirs(cases / "csq.vcf", cases, tmp_path, "-l", "-B", "10")
    assert len(found) == len(said) == 33
    for (_, info), text in zip(found, said, strict=True):
        expected = sorted((e.types, e.gene, e.transcript or ".", e.aa or ".") for e in parse_entries(text))
        assert entries_of(info) == expected


def test_joint_changes_are_those_of_haplotype_aware_csq(cases, tmp_path):
    found = own(cases / "csq.vcf", cases, tmp_path)
    said = theirs(cases / "csq.vcf", cases, tmp_path, "-p", "a")
    expected = {e.text for text in said for e in parse_entries(text) if "+" in e.dna}
    assert len(expected) == 8
    assert {text for _, info in found for text in info.get("DC_HAP", "").split(",") if text} == expected
    # each stands in every record that has a part in it, and nowhere else
    for fields, info in found:
        mine = {
            e.text
            for text in expected
            for e in parse_entries(text)
            if (int(fields[1]), fields[3], fields[4]) in members_of(e)
        }
        on_contig = {t for t in mine if (fields[0] == "1") == ("XYZ" in t)}
        assert set(info["DC_HAP"].split(",") if "DC_HAP" in info else ()) == on_contig
    carriers = {info["DC_HAP"]: info["DC_HAP_N"] for _, info in found if "DC_HAP" in info}
    assert [n for text, n in carriers.items() if "107G>A+108T>A" in text] == ["2"]
    assert [n for text, n in carriers.items() if "128T>C+129A>C" in text] == ["1"]


def test_expected_output_of_the_recorded_cases(cases, tmp_path):
    # recorded by an older bcftools: entries' order and the words for complex indels differ since
    blocks = [block.splitlines() for block in (cases / "csq.1.out").read_text().split("\n\n") if block]
    expected = {}
    for block in blocks:
        for line in block:
            pos, ref, alt, text = line.split("\t")
            expected.setdefault((int(pos), ref, alt), set()).update(e.text for e in parse_entries(text))
    n = 0
    for fields, info in own(cases / "csq.vcf", cases, tmp_path):
        joint = set(info["DC_HAP"].split(",")) if "DC_HAP" in info else set()
        for text in expected[int(fields[1]), fields[3], fields[4]]:
            (entry,) = parse_entries(text)
            if (
                "+" in entry.dna
                and "elongation" not in "".join(joint)
                and "stop_gained&" not in "".join(joint)
            ):
                assert text in joint
                n += 1
            elif (
                entry.types in ("missense", "synonymous", "5_prime_utr", "splice_donor", "intron")
                and "+" not in entry.dna
            ):
                assert (entry.types, entry.gene, entry.transcript or ".", entry.aa or ".") in entries_of(info)
                n += 1
    assert n == 15


def test_many_transcripts_of_one_gene(cases, tmp_path):
    found = own(cases / "csq.2.vcf", cases, tmp_path, "csq.2.gff")
    lines = [line for line in (cases / "csq.2.out").read_text().splitlines() if line]
    expected = {(e.transcript, e.aa) for line in lines for e in parse_entries(line)}
    mine = {(t, aa) for _, info in found for _, _, t, aa in entries_of(info)}
    assert len(expected) == 30  # csq keeps 15 of a haplotype unless told otherwise
    assert len(mine) == 48
    assert mine > expected


def test_gene_models_of_gencode_and_refseq_say_the_same(tmp_path):
    vcf = b.write_vcf(
        tmp_path / "in.vcf",
        [
            b.record(90, b.CHR1[89], "A" if b.CHR1[89] != "A" else "C"),
            b.record(105, "C", "A"),
            b.record(106, "T", "A"),
        ],
    )
    reference = b.write_reference(tmp_path)
    gencode = (
        b.GFF.replace("\n1\t", "\nchr1\t").replace("ID=gene:G1;Name=ONE;biotype=", "ID=G1.4;gene_name=ONE;gene_type=")
        .replace("ID=transcript:T1;Parent=gene:G1;biotype=protein_coding", "ID=T1.3;Parent=G1.4;gene_type=protein_coding;transcript_type=protein_coding;gene_name=ONE")
        .replace("Parent=transcript:T1", "Parent=T1.3").replace("mRNA", "transcript")
    )  # fmt: skip
    refseq = (
        b.GFF.replace("\n1\t", "\nNC_000001.11\t").replace("ID=gene:G1;Name=ONE;biotype=", "ID=gene-ONE;Name=ONE;gene_biotype=")
        .replace("ID=transcript:T1;Parent=gene:G1;biotype=protein_coding", "ID=rna-T1;Parent=gene-ONE;gbkey=mRNA").replace("Parent=transcript:T1", "Parent=rna-T1")
    )  # fmt: skip
    said = []
    for text in (b.GFF, gencode, refseq):
        annotate_vcf(AnnotateJob(vcf, reference, tmp_path / "o.vcf.gz", genes=b.write_genes(tmp_path, text)))
        said.append([entries_of(b.info_of(fields)) for fields in b.records_of(tmp_path / "o.vcf.gz")])
    assert said[0] == [
        [("5_prime_utr", "ONE", "T1", ".")],
        [("missense", "ONE", "T1", "2A>2D")],
        [("synonymous", "ONE", "T1", "2A")],
    ]
    assert said[2] == said[0]
    assert [[(t, g, n.replace("T1.3", "T1"), a) for t, g, n, a in entries] for entries in said[1]] == said[0]


@pytest.mark.parametrize(
    ("aa", "change"),
    [("2V>2L", "V2L"), ("12V>11L", None), ("2V", None), ("2V>2*", None), ("2VR>2LR", None), ("2*>2R", None)],
)
def test_single_change(aa, change):
    (entry,) = parse_entries(f"missense|G|T|protein_coding|+|{aa}|1A>C")
    assert single_change(entry) == change


# 105 C>A is A2D, 106 T>A alone is silent, together GAA: A2E; 104 G>A on top: AAA, A2K
C, T, G = ("C", "A"), ("T", "A"), ("G", "A")
PHASES = [
    # genotypes at 104, 105, 106 (None: no record); joint changes in order; flagged
    ([None, "0|1", "0|1"], {"2A>2E": 1}, False),
    ([None, "0|1", "1|0"], {}, False),
    ([None, "0/1", "0/1"], {}, True),
    ([None, "1/1", "0/1"], {"2A>2E": 1}, False),
    ([None, "1/1", "1/1"], {"2A>2E": 1}, False),
    ([None, "0|1:50", "0|1:50"], {"2A>2E": 1}, False),
    ([None, "0|1:50", "0|1:90"], {}, True),
    ([None, "1|1:50", "0|1:90"], {"2A>2E": 1}, False),
    (["0|1", "0|1", "0|1"], {"2A>2K": 1}, False),
    (["1|0", "1|1", "0|1"], {"2A>2E": 1, "2A>2N": 1}, False),
    ([None, "1", "1"], {"2A>2E": 1}, False),
    ([None, "0|.", "0|1"], {}, False),
    ([None, "0/0/1", "0/0/1"], {}, False),
    ([None, "0|1 0|0 1/1", "0|1 0|1 1/1"], {"2A>2E": 2}, False),
]  # fmt: skip


@pytest.mark.parametrize(("genotypes", "expected", "flagged"), PHASES)
def test_phase(tmp_path, genotypes, expected, flagged):
    records = []
    for pos, (ref, alt), text in zip((104, 105, 106), (G, C, T), genotypes, strict=True):
        if text is not None:
            records.append(b.record(pos, ref, alt, *text.split(), form="GT:PS" if ":" in text else "GT"))
    n = len(genotypes[-1].split())
    vcf = b.write_vcf(tmp_path / "in.vcf", records, [f"S{i}" for i in range(n)])
    annotate_vcf(
        AnnotateJob(vcf, b.write_reference(tmp_path), tmp_path / "o.vcf.gz", genes=b.write_genes(tmp_path))
    )
    infos = [b.info_of(fields) for fields in b.records_of(tmp_path / "o.vcf.gz")]
    found = {}
    for info in infos:
        if "DC_HAP" in info:
            for text, n_samples in zip(info["DC_HAP"].split(","), info["DC_HAP_N"].split(","), strict=True):
                found[text.split("|")[5]] = int(n_samples)
    assert found == expected
    assert any("DC_UNPHASED" in info for info in infos) == flagged


def test_joint_change_is_looked_up_by_amino_acid(tmp_path):
    (tmp_path / "aa.tsv").write_text(
        "uniprot_id\tprotein_variant\tam_pathogenicity\tam_class\nP1\tA2E\t0.77\tpathogenic\n"
    )
    records = [b.record(105, "C", "A", "0|1"), b.record(106, "T", "A", "0|1")]
    vcf = b.write_vcf(tmp_path / "in.vcf", records, ["S"])
    base = AnnotateJob(
        vcf,
        b.write_reference(tmp_path),
        tmp_path / "o.vcf.gz",
        b.write_table(tmp_path / "am.tsv"),
        tmp_path / "aa.tsv",
        b.write_genes(tmp_path),
    )
    annotate_vcf(base)
    first, second = (b.info_of(fields) for fields in b.records_of(tmp_path / "o.vcf.gz"))
    assert first["DC_HAP"] == second["DC_HAP"] == "missense|ONE|T1|protein_coding|+|2A>2E|105C>A+106T>A"
    assert first["DC_HAP_AM"] == second["DC_HAP_AM"] == "0.77"
    assert (first["AM_SCORE"], second["AM_WHY"]) == ("0.9999", "not_missense")  # each alone
    annotate_vcf(AnnotateJob(vcf, base.reference, base.output, base.alphamissense, None, base.genes))
    first, _ = (b.info_of(fields) for fields in b.records_of(tmp_path / "o.vcf.gz"))
    assert "DC_HAP_AM" not in first
    assert first["DC_HAP_WHY"] == "no_protein_table"


def random_cohort(path, fasta, genes, n):
    """Phased genotypes of three samples at random alleles in coding sequence of chr21: SNVs, MNPs, indels."""
    chance = random.Random(3)
    spans = []
    with gzip.open(genes, "rt") as file:
        for line in file:
            fields = line.split("\t")
            if len(fields) == 9 and fields[2] == "CDS" and int(fields[4]) < 9_900_000:
                spans.append((int(fields[3]), int(fields[4])))
    found = {}
    with pysam.FastaFile(str(fasta)) as reference:
        for _ in range(n):
            start, end = chance.choice(spans)
            for pos in {chance.randint(start, end) for _ in range(4)}:
                size = chance.choices([1, 2, 3], [12, 1, 1])[0]
                ref = reference.fetch("chr21", pos - 1, pos - 1 + size).upper()
                alt = "".join(chance.choice([x for x in "ACGT" if x != base]) for base in ref)
                if chance.random() < 0.05:
                    alt = ref[0] if size > 1 else ref + chance.choice("ACGT") * chance.choice([1, 3])
                if "N" not in ref:
                    found[pos] = b.record(
                        pos,
                        ref,
                        alt,
                        *(f"{chance.randint(0, 1)}|{chance.randint(0, 1)}" for _ in range(3)),
                        contig="chr21",
                    )
        length = reference.get_reference_length("chr21")
    head = (
        f"##fileformat=VCFv4.3\n##contig=<ID=chr21,length={length}>\n"
        + '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    )
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tC\n"
    kept, reach = [], 0  # no two alleles overlap: csq would leave one out
    for pos in sorted(found):
        if pos > reach:
            kept.append(found[pos])
            reach = pos + len(found[pos].split("\t")[3])
    path.write_text(head + columns + "".join(kept))
    return kept


def test_against_csq_on_ensembls_chr21(shared_data, tmp_path):
    genes = shared_data / "annotation" / "Ensembl.GRCh38.chr21.gff3.gz"
    fasta = shared_data / "grch38_chr20_chr21" / "GRCh38.chr20_chr21.10M.fa.gz"
    renamed = tmp_path / "chr21.gff3"  # csq itself wants the reference's names
    with gzip.open(genes, "rt") as source:
        renamed.write_text(
            "".join(line.replace("21\t", "chr21\t", 1) if line[0] != "#" else line for line in source)
        )
    vcf = tmp_path / "in.vcf"
    records = random_cohort(vcf, fasta, genes, 400)
    assert len(records) > 400
    annotate_vcf(AnnotateJob(vcf, fasta, tmp_path / "own.vcf.gz", genes=genes))
    found = [b.info_of(fields) for fields in b.records_of(tmp_path / "own.vcf.gz")]
    said = {}
    for name in ("alone", "joint"):
        out = tmp_path / f"{name}.vcf"
        run_csq(fasta, renamed, vcf, out, name == "alone", 10)
        said[name] = [
            b.info_of(x.split("\t")).get("BCSQ", "") for x in out.read_text().splitlines() if x[0] != "#"
        ]
    for info, text in zip(found, said["alone"], strict=True):
        assert entries_of(info) == sorted(
            (e.types, e.gene, e.transcript or ".", e.aa or ".") for e in parse_entries(text)
        )
    expected = {e.text for text in said["joint"] for e in parse_entries(text) if "+" in e.dna}
    mine = {text for info in found for text in info.get("DC_HAP", "").split(",") if text}
    assert len(expected) > 50
    assert mine == expected


# M W M * T F L * by the vertebrate mitochondrial code, M * I R ... by the standard one
MITOCHONDRIAL = "G" * 50 + "ATGTGAATAAGAACATTTCTCTAA" + "G" * 50


def with_mitochondrion(tmp_path, genes, samples=(), genotypes=()):
    """Annotated records of chr1:105 and of chrM, and the header."""
    reference = b.write_reference(tmp_path)
    reference.write_text(f">chrM\n{MITOCHONDRIAL}\n{reference.read_text()}")
    pysam.faidx(str(reference))
    places = [(54, "T", "A"), (55, "G", "A"), (56, "A", "G"), (59, "A", "C"), (62, "A", "T")]
    records = [b.record(*place, *genotypes, contig="chrM") for place in places]
    records.append(b.record(105, "C", "A", *genotypes))
    extra = [f"##contig=<ID=chrM,length={len(MITOCHONDRIAL)}>"]
    vcf = b.write_vcf(tmp_path / "in.vcf", records, samples, extra)
    annotate_vcf(AnnotateJob(vcf, reference, tmp_path / "o.vcf.gz", genes=b.write_genes(tmp_path, genes)))
    infos = [b.info_of(fields) for fields in b.records_of(tmp_path / "o.vcf.gz")]
    header = [line for line in b.lines_of(tmp_path / "o.vcf.gz") if line.startswith("##deepcohort_genes")]
    return infos, header[0]


def mitochondrial_gene(place):
    """b.GFF and a gene of the mitochondrion, its contig called `place`."""
    lines = (
        "gene\t51\t74\t.\t+\t.\tID=gene:GM;Name=MITO;biotype=protein_coding",
        "mRNA\t51\t74\t.\t+\t.\tID=transcript:TM;Parent=gene:GM;biotype=protein_coding",
        "exon\t51\t74\t.\t+\t.\tParent=transcript:TM",
        "CDS\t51\t74\t.\t+\t0\tID=CDS:PM;Parent=transcript:TM",
    )
    return b.GFF + "".join(f"{place}\tt\t{line}\n" for line in lines)


@pytest.mark.parametrize("place", ["MT", "chrM", "NC_012920.1"])
def test_the_mitochondrion_has_a_genetic_code_of_its_own(tmp_path, place):
    infos, header = with_mitochondrion(tmp_path, mitochondrial_gene(place))
    assert [entries_of(info)[0] for info in infos] == [
        ("stop_gained", "MITO", "TM", "2W>2*"),  # TGA -> AGA: read as stop_lost, 2*>2R, by the standard code
        ("stop_gained", "MITO", "TM", "2W>2*"),
        ("synonymous", "MITO", "TM", "2W"),
        ("missense", "MITO", "TM", "3M>3I"),
        ("stop_lost", "MITO", "TM", "4*>4S"),
        ("missense", "ONE", "T1", "2A>2D"),
    ]
    assert header.endswith("; genetic code 2 on chrM")


def test_joint_changes_of_the_mitochondrion(tmp_path):
    infos, _ = with_mitochondrion(tmp_path, mitochondrial_gene("MT"), ["S"], ["1"])
    assert {info.get("DC_HAP", "").split("|")[5] for info in infos[:3]} == {"2W>2K"}  # TGA -> AAG
    assert "DC_HAP" not in infos[-1]


def test_the_genetic_code_that_gene_models_tell(tmp_path):
    genes = mitochondrial_gene("MT").replace("ID=CDS:PM;", "ID=CDS:PM;transl_table=3;")
    infos, header = with_mitochondrion(tmp_path, genes)
    assert entries_of(infos[0]) == [("missense", "MITO", "TM", "2W>2R")]  # AGA is R in yeast's
    assert header.endswith("; genetic code 3 on chrM")
    infos, header = with_mitochondrion(tmp_path, genes.replace("transl_table=3", "transl_table=1"))
    assert entries_of(infos[0]) == [("stop_lost", "MITO", "TM", "2*>2R")]
    assert "genetic code" not in header


def test_genes_whose_cds_has_no_transcript(tmp_path):
    """RefSeq writes the mitochondrion's so."""
    genes = b.GFF + (
        "chrM\tt\tgene\t51\t74\t.\t+\t.\tID=gene-ND1;Name=ND1;gene_biotype=protein_coding\n"
        "chrM\tt\tCDS\t51\t74\t.\t+\t0\tID=cds-YP_1;Parent=gene-ND1;gene=ND1;transl_table=2\n"
    )
    infos, _ = with_mitochondrion(tmp_path, genes)
    assert entries_of(infos[0]) == [("stop_gained", "ND1", "ND1", "2W>2*")]
    assert entries_of(infos[-1]) == [("missense", "ONE", "T1", "2A>2D")]


def test_parts_of_several_transcripts(tmp_path):
    """Some gene models name all transcripts of an exon in one line; csq takes one."""
    both = b.GFF.replace("Parent=transcript:T1", "Parent=transcript:T1,transcript:T2")
    genes = both.replace(
        "1\tt\tfive", "1\tt\tmRNA\t61\t180\t.\t+\t.\tID=transcript:T2;Parent=gene:G1;biotype=protein_coding\n1\tt\tfive"
    )  # fmt: skip
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(105, "C", "A"), b.record(165, b.CHR1[164], "A")])
    output = tmp_path / "o.vcf.gz"
    reference = b.write_reference(tmp_path)
    annotate_vcf(AnnotateJob(vcf, reference, output, genes=b.write_genes(tmp_path, genes)))
    first, second = (entries_of(b.info_of(fields)) for fields in b.records_of(output))
    assert first == [("missense", "ONE", name, "2A>2D") for name in ("T1", "T2")]
    assert [entry[:3] for entry in second] == [("3_prime_utr", "ONE", name) for name in ("T1", "T2")]
