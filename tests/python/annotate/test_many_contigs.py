"""Contigs by the ten thousand: what is done once, and not once for each of them."""

import annotate_builders as b
import pysam
import pytest
from deepcohort.annotate import text_source
from deepcohort.annotate.genes import read_genes
from deepcohort.annotate.io_segments import IndexedSegments, _SeekingReader, segments_of
from deepcohort.annotate.other_tables import parse_spec
from deepcohort.annotate.run import AnnotateJob, annotate_vcf
from deepcohort.annotate.text_source import ContigNames
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region

N = 300
NAMES = [f"chrs{k}" for k in range(N)]


@pytest.fixture
def named(monkeypatch):
    """Names that are asked what chromosome they are."""
    seen = []
    plain_name = text_source.plain_name
    monkeypatch.setattr(text_source, "plain_name", lambda name: seen.append(name) or plain_name(name))
    return seen


def test_names():
    names = ContigNames(["1", "chr2", "NC_012920.1", "scaffold"])
    asked = ["1", "chr1", "2", "chrM", "MT", "scaffold", "3"]
    assert [names.of(name) for name in asked] == [
        "1",
        "1",
        "chr2",
        "NC_012920.1",
        "NC_012920.1",
        "scaffold",
        None,
    ]


def test_contigs_of_gene_models(tmp_path, named):
    gene = b.GFF.partition("\n")[2]
    text = "##gff-version 3\n" + "".join(gene.replace("1\tt\t", f"s{k}\tt\t") for k in range(N))
    models = read_genes(b.write_genes(tmp_path, text), NAMES)
    assert models.names == {f"s{k}": f"chrs{k}" for k in range(N)}
    assert len(named) < 5 * N


def write_many(tmp_path, per_contig=2):
    """A reference of N contigs, and a VCF with records on each."""
    sequence = "ACGT" * 25
    reference = tmp_path / "many.fa"
    reference.write_text("".join(f">{name}\n{sequence}\n" for name in NAMES))
    pysam.faidx(str(reference))
    lines = ["##fileformat=VCFv4.3", *(f"##contig=<ID={name},length=100>" for name in NAMES)]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
    places = [(name, 1 + 4 * k) for name in NAMES for k in range(per_contig)]
    lines += [f"{name}\t{pos}\t.\tA\tC\t50\tPASS\t." for name, pos in places]
    path = tmp_path / "many.vcf.gz"
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(("\n".join(lines) + "\n").encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return reference, path, places


def records_in(segments):
    return [tuple(line.split(b"\t")[:2]) for s in segments for line in s.text.split(b"\n")[:-1]]


@pytest.mark.parametrize(
    "regions",
    [
        [Region(name, 0, 100) for name in NAMES],
        [Region(name, 0, 1) for name in NAMES],
        [Region(name, *ends) for name in NAMES[::7] for ends in ((0, 2), (3, 5), (8, 9), (20, 30))],
        [Region(NAMES[0], 5, 9), Region(NAMES[-1], 3, 100)],
    ],
)
def test_regions_by_the_index(tmp_path, monkeypatch, regions):
    """A jump inflates megabytes: what was read ahead is taken instead."""
    _, path, places = write_many(tmp_path, per_contig=4)
    jumps, seek = [], _SeekingReader.seek
    monkeypatch.setattr(_SeekingReader, "seek", lambda self, at: jumps.append(at) or seek(self, at))
    expected = [
        (r.contig.encode(), str(pos).encode())
        for r in regions
        for name, pos in places
        if name == r.contig and r.start < pos <= r.end
    ]
    assert records_in(segments_of(path, regions)) == expected
    assert len(jumps) == 1


def test_contigs_by_the_index_in_any_order(tmp_path):
    _, path, places = write_many(tmp_path)
    source = IndexedSegments(path)
    for name in (NAMES[3], NAMES[1], NAMES[2], "absent", NAMES[-1], NAMES[0]):
        here = [(name.encode(), str(pos).encode()) for contig, pos in places if contig == name]
        assert records_in(source.of(name)) == here
    source.close()
    path.with_name("many.vcf.gz.tbi").unlink()
    with pytest.raises(DeepcohortError, match="is not indexed"):
        IndexedSegments(path)


@pytest.mark.parametrize("kind", ["plain", "indexed"])
def test_a_table_of_many_contigs(tmp_path, named, kind):
    reference, vcf, places = write_many(tmp_path)
    rows = "".join(f"{name.removeprefix('chr')}\t{pos}\tA\tC\t{k}\n" for k, (name, pos) in enumerate(places))
    table = b.write_table(tmp_path / "t.tsv.gz", [rows], "#CHROM\tPOS\tREF\tALT\tS\n", "indexed")
    if kind == "plain":
        table = b.write_table(tmp_path / "t.tsv", [rows], "#CHROM\tPOS\tREF\tALT\tS\n")
    regions = tuple(Region(name, 0, 100) for name in NAMES)
    annotate_vcf(
        AnnotateJob(
            vcf, reference, tmp_path / "o.vcf.gz", scores=(parse_spec(f"t={table}:S"),), regions=regions
        )
    )
    found = [b.info_of(fields).get("t_S") for fields in b.records_of(tmp_path / "o.vcf.gz")]
    assert found == [str(k) for k in range(len(places))]
    assert len(named) < 5 * N
