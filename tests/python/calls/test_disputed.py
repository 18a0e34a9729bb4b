"""Disputed records: their text in gVCF and VCF, and who reads them."""

import gzip
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import cyvcf2
import numpy as np
import pysam
import pytest
from calls_builders import make_counts, make_table
from deepcohort.calls.config import CallsConfig
from deepcohort.calls.genotype import genotype_sites
from deepcohort.calls.gvcf import CallsWriter
from deepcohort.calls.merge import merge_shards
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.core.stages import StageTimer
from deepcohort.formats.vcf_header import make_header
from deepcohort.reads.library import library_text
from deepcohort.reads.types import UNKNOWN_LIBRARY

HELD_BACK, HET, HOM_REF = (0.9, 0.09, 0.01), (0.001, 0.998, 0.001), (0.9999, 5e-5, 5e-5)
REFERENCE = "ACGTACGTACGTACGTACGT"
LENGTHS = {"c": len(REFERENCE)}
NOTES = (
    f"deepcohort_library={library_text(UNKNOWN_LIBRARY)}",
    "deepcohort_unlike_training=Sites=0;Outside=0.0000;Strangest=none;StrangestShare=0.000;Alarm=no",
)


def write(folder, rows, probabilities, disputed, ploidy=2):
    """Paths of gVCF and VCF of one chunk, and their lines."""
    n = len(REFERENCE)
    codes, config = encode_bases(REFERENCE), CallsConfig()
    table, plan = make_table(rows), np.full(n, ploidy, np.int8)
    genotyped = genotype_sites(table, np.array(probabilities), codes, 0, plan[table.pos], config)
    paths = [folder / "a.g.vcf.gz", folder / "a.vcf.gz"]
    regions = [Region("c", 0, n)]
    headers = [
        make_header("S", LENGTHS, regions, "ref.fa", "m", "1", bands, NOTES)
        for bands in (config.gq_bands, None)
    ]
    with CallsWriter(LENGTHS, (paths[0], headers[0]), (paths[1], headers[1]), config) as writer:
        counts = make_counts("c", 0, [30] * n, [30] * n, REFERENCE)
        writer.write_chunk(regions[0], counts, genotyped, codes, 0, plan, np.array(disputed, np.int64))
    return paths, [records(path) for path in paths]


def records(path):
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def test_by_hand(tmp_path):
    """0/0 with the ALT that the reads show, in both files; RefCall stays in the gVCF alone."""
    rows = [(2, "G", "T", (14, 16)), (6, "G", "C", (14, 16)), (10, "G", "A", (14, 16))]
    _, (gvcf, vcf) = write(tmp_path, rows, [HELD_BACK, HELD_BACK, HET], [2])
    assert [(x[1], x[4], x[6], x[9].split(":")[0]) for x in gvcf if x[4] != "<NON_REF>"] == [
        ("3", "T,<NON_REF>", "Disputed", "0/0"),
        ("7", "C,<NON_REF>", "RefCall", "0/0"),
        ("11", "A,<NON_REF>", "PASS", "0/1"),
    ]
    disputed = next(x for x in gvcf if x[1] == "3")
    assert disputed[8] == "GT:GQ:DP:AD:VAF:PL"
    gt, gq, dp, ad, vaf, pl = disputed[9].split(":")
    assert (gt, gq, dp, ad, vaf) == ("0/0", "10", "30", "14,16,0", "0.5333,0")
    assert pl.split(",")[:3] == ["0", "10", "20"]
    assert vcf == [
        [
            "c",
            "3",
            ".",
            "G",
            "T",
            disputed[5],
            "Disputed",
            ".",
            disputed[8],
            "0/0:10:30:14,16:0.5333:0,10,20",
        ],
        [*vcf[1][:4], "A", vcf[1][5], "PASS", *vcf[1][7:]],
    ]


def test_a_site_that_is_called_all_the_same_passes(tmp_path):
    """An allele is disputed, another of the same place is called: nothing vanished."""
    rows = [(2, "G", "A", (12, 8)), (2, "G", "T", (12, 10))]
    _, (gvcf, vcf) = write(tmp_path, rows, [HELD_BACK, HET], [2])
    assert [x[6] for x in gvcf if x[1] == "3"] == ["PASS"]
    assert [(x[4], x[6]) for x in vcf] == [("T", "PASS")]


def test_of_two_disputed_alleles_the_vcf_shows_the_one_with_more_reads(tmp_path):
    rows = [(2, "G", "A", (0, 9)), (2, "G", "T", (0, 14))]
    _, (gvcf, vcf) = write(tmp_path, rows, [HELD_BACK, HELD_BACK], [2, 2])
    assert [x[4] for x in gvcf if x[1] == "3"] == ["A,T,<NON_REF>"]
    ((_, pos, _, ref, alt, _, filter_, _, _, sample),) = vcf
    assert (pos, ref, alt, filter_) == ("3", "G", "T", "Disputed")
    assert sample.split(":")[3] == "0,14"


@pytest.mark.parametrize(
    ("ref", "alt", "at"), [("GTA", "G", 2), ("G", "GCC", 2), ("GTACGTA", "G", 2), ("GT", "G", 2)]
)
def test_indels(tmp_path, ref, alt, at):
    _, (gvcf, vcf) = write(tmp_path, [(at, ref, alt, (14, 16))], [HELD_BACK], [at])
    assert [(x[3], x[4], x[6]) for x in gvcf if x[4] != "<NON_REF>"] == [
        (ref, f"{alt},<NON_REF>", "Disputed")
    ]
    assert [(x[3], x[4], x[6]) for x in vcf] == [(ref, alt, "Disputed")]


def test_who_is_disputed_is_told_by_where_records_begin(monkeypatch):
    """A replacement of several bases begins where it differs; so does its record."""
    from deepcohort.compose import call_shard
    from deepcohort.compose.job import CallJob

    told = {}
    table = make_table([(2, "GTAC", "GTGG", (14, 16)), (12, "A", "C", (14, 16))])
    codes, region = encode_bases(REFERENCE), Region("c", 0, len(REFERENCE))
    evidence = SimpleNamespace(table=table, support=None, counts=None)
    chunk = call_shard.PreparedChunk(
        region, evidence, np.arange(2), table, np.zeros((2, 1)), codes, region, np.arange(2)
    )
    monkeypatch.setattr(call_shard, "same_site_phase", lambda *_: (np.empty((0, 2), np.int64),) * 2)
    monkeypatch.setattr(call_shard, "site_bias", lambda *_: None)
    job = CallJob([], Path("r.fa"), [region], "S", None)
    writer = SimpleNamespace(write_chunk=lambda *x: told.update(sites=x[2].sites.pos, disputed=x[6]))
    shard = call_shard._ShardWriter(job, None, writer, StageTimer())
    shard._write(chunk, np.array([HELD_BACK, HELD_BACK]), np.array([True, False]))
    assert told["sites"].tolist() == [4, 12]
    assert told["disputed"].tolist() == [4]


def test_haploid(tmp_path):
    _, (gvcf, vcf) = write(tmp_path, [(2, "G", "T", (14, 16))], [(0.9, 0.0, 0.1)], [2], ploidy=1)
    assert [x[9].split(":")[0] for x in (*vcf, *(x for x in gvcf if x[6] == "Disputed"))] == ["0", "0"]


def test_who_reads_them(tmp_path):
    """bcftools, htslib and cyvcf2; the word and the notes stand in the header; merge passes them on."""
    paths, (gvcf, _) = write(tmp_path, [(2, "G", "T", (14, 16))], [HELD_BACK], [2])
    for path in paths:
        with pysam.VariantFile(str(path)) as file:
            assert "Disputed" in file.header.filters
            assert [list(record.filter) for record in file if "T" in record.alts] == [["Disputed"]]
        assert "Disputed" in [variant.FILTER for variant in cyvcf2.VCF(str(path))]
        header = gzip.decompress(path.read_bytes()).decode().splitlines()
        assert {f"##{note}" for note in NOTES} <= set(header)
    merge_shards([paths[0]], tmp_path / "merged.g.vcf.gz")
    assert records(tmp_path / "merged.g.vcf.gz") == gvcf
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not installed")
    for path in paths:
        command = ["bcftools", "view", "-f", "Disputed", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert result.stderr == ""
        shown = [line.split("\t") for line in result.stdout.splitlines() if not line.startswith("#")]
        assert [(x[1], x[6], x[9].split(":")[0]) for x in shown] == [("3", "Disputed", "0/0")]
        assert (
            sum(line.startswith(tuple(f"##{note}" for note in NOTES)) for line in result.stdout.splitlines())
            == 2
        )


def test_hom_ref_is_never_disputed_by_itself(tmp_path):
    _, (gvcf, vcf) = write(tmp_path, [(2, "G", "T", (30, 0))], [HOM_REF], [])
    assert vcf == []
    assert {x[6] for x in gvcf} == {"."}
