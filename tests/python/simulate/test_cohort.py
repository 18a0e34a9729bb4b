"""A whole simulated cohort: files, truth, determinism, bad input."""

import csv
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.sequence import encode_bases
from deepcohort.simulate.alleles import left_align
from deepcohort.simulate.cohort import Inputs, simulate_cohort
from deepcohort.simulate.config import GenomeConfig, ReadConfig, SimulateConfig, VariantConfig

TINY = SimulateConfig(
    seed=5,
    genome=GenomeConfig(total_bp=60_000, n_contigs=3, sex_contigs=True),
    variants=VariantConfig(heterozygosity=4e-3, recombination_rate=1e-6),
    reads=ReadConfig(coverage=(12.0, 12.0), profiles=("illumina-novaseq-like",), read_length=(100, 100)),
    family="trio",
    unrelated=1,
)
PEOPLE = ["father", "mother", "child", "sample1"]


@pytest.fixture(scope="module")
def tiny_cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "with space"
    simulate_cohort(folder, TINY, quiet=True)
    return folder


def _records(path: Path) -> list[pysam.VariantRecord]:
    with pysam.VariantFile(str(path)) as file:
        return list(file)


def test_the_promised_files_are_there(tiny_cohort):
    expected = {"reference.fa", "reference.fa.fai", "cohort.truth.vcf.gz", "cohort.truth.vcf.gz.tbi"}
    expected |= {"samplesheet.csv", "pedigree.ped", "simulation.json", "hidden_paralogs.bed"}
    for name in PEOPLE:
        expected |= {f"{name}.bam", f"{name}.bam.bai", f"{name}.confident.bed"}
        expected |= {f"{name}.truth.vcf.gz", f"{name}.truth.vcf.gz.tbi"}
    assert {p.name for p in tiny_cohort.iterdir()} == expected


def test_samplesheet_and_pedigree(tiny_cohort):
    with open(tiny_cohort / "samplesheet.csv") as lines:
        rows = {row["sample"]: row for row in csv.DictReader(lines)}
    assert list(rows) == PEOPLE
    child = rows["child"]
    assert (child["father"], child["mother"], child["family"]) == ("father", "mother", "family1")
    assert (rows["father"]["sex"], rows["mother"]["sex"]) == ("XY", "XX")
    for row in rows.values():
        assert row["platform"] == "illumina"
        for column in ("reads", "index", "truth_vcf", "truth_bed"):
            assert (tiny_cohort / row[column]).exists()
    ped = [line.split("\t") for line in (tiny_cohort / "pedigree.ped").read_text().splitlines()]
    assert ped[2][:5] == ["family1", "child", "father", "mother", "2"]
    assert json.loads((tiny_cohort / "simulation.json").read_text())["settings"]["seed"] == 5


def test_truth_agrees_with_the_reference_and_is_normalised(tiny_cohort):
    records = _records(tiny_cohort / "cohort.truth.vcf.gz")
    assert len(records) > 60
    end = {}
    with pysam.FastaFile(str(tiny_cohort / "reference.fa")) as fasta:
        for record in records:
            sequence = fasta.fetch(record.chrom).upper()
            assert sequence[record.start : record.stop] == record.ref
            assert record.start >= end.get(record.chrom, 0)  # sorted and disjoint
            end[record.chrom] = record.start + len(record.ref)
            if len(record.alts) == 1:
                codes = encode_bases(sequence)
                pos, ref, _ = left_align(
                    codes, record.start, encode_bases(record.ref), encode_bases(record.alts[0])
                )
                assert (pos, len(ref)) == (record.start, len(record.ref))


def test_children_inherit(tiny_cohort):
    """Every allele of the child comes from the parent of that side, but for de novo variants."""
    checked = 0
    for record in _records(tiny_cohort / "cohort.truth.vcf.gz"):
        if record.chrom != "chr1" or "DENOVO" in record.info:
            continue
        gt = {name: record.samples[name]["GT"] for name in PEOPLE}
        assert gt["child"][0] in gt["mother"]
        assert gt["child"][1] in gt["father"]
        checked += 1
    assert checked > 20


def test_sex_chromosomes(tiny_cohort):
    """Males are haploid on X outside the PAR and on Y; nobody else has Y."""
    lengths = json.loads((tiny_cohort / "simulation.json").read_text())["contigs"]
    par = int(0.05 * lengths["chrX"])
    ploidies = set()
    for record in _records(tiny_cohort / "cohort.truth.vcf.gz"):
        father, mother = (record.samples[n]["GT"] for n in ("father", "mother"))
        if record.chrom == "chrX" and record.start >= par:
            assert (len(father), len(mother)) == (1, 2)
            ploidies.add("X")
        if record.chrom == "chrY":
            assert len(father) == 1
            assert mother in ((None,), None)
            ploidies.add("Y")
    assert ploidies == {"X", "Y"}
    depth = {}
    for name in ("father", "mother"):
        with pysam.AlignmentFile(str(tiny_cohort / f"{name}.bam")) as bam:
            for contig in ("chr1", "chrX", "chrY"):
                depth[name, contig] = bam.count(contig) / lengths[contig]
    assert depth["father", "chrX"] < 0.75 * depth["father", "chr1"]
    assert depth["mother", "chrX"] > 0.75 * depth["mother", "chr1"]
    assert depth["mother", "chrY"] < 0.05 * depth["father", "chrY"]


def test_bam_is_what_an_aligner_gives(tiny_cohort):
    with pysam.AlignmentFile(str(tiny_cohort / "child.bam")) as bam:
        header = bam.header.to_dict()
        assert header["HD"]["SO"] == "coordinate"
        assert header["RG"] == [{"ID": "child.1", "SM": "child", "LB": "child.lib1", "PL": "ILLUMINA"}]
        assert all("M5" in sq for sq in header["SQ"])
        assert [sq["SN"] for sq in header["SQ"]] == ["chr1", "chrX", "chrY"]  # no decoys
        last, n, proper, bases, high = (-1, -1), 0, 0, 0, 0
        mates: dict[str, list[pysam.AlignedSegment]] = {}
        for read in bam.fetch():
            assert (read.reference_id, read.reference_start) >= last
            last = (read.reference_id, read.reference_start)
            assert read.get_tag("RG") == "child.1"
            assert read.is_paired
            assert read.is_read1 != read.is_read2
            n += 1
            proper += read.is_proper_pair
            high += read.mapping_quality >= 30
            if not read.is_supplementary:
                bases += read.query_length
                mates.setdefault(read.query_name, []).append(read)
    assert proper > 0.95 * n
    assert high > 0.9 * n
    assert 11 < bases / 50_000 < 13.5  # 12x of 60 kb, less N and Y
    for pair in mates.values():
        if len(pair) == 2:
            a, b = pair
            assert (a.next_reference_start, b.next_reference_start) == (b.reference_start, a.reference_start)
            assert a.mate_is_reverse == b.is_reverse
            assert a.mate_is_unmapped == b.is_unmapped
            assert a.template_length == -b.template_length


def test_reads_show_the_truth(tiny_cohort):
    """At SNPs of chr1, the fraction of reads that show ALT fits the genotype."""
    fractions = {1: [], 2: []}
    with pysam.AlignmentFile(str(tiny_cohort / "mother.bam")) as bam:
        for record in _records(tiny_cohort / "mother.truth.vcf.gz"):
            gt = record.samples[0]["GT"]
            if record.chrom != "chr1" or len(record.ref) > 1 or len(record.alts[0]) > 1 or 2 in gt:
                continue
            counts = bam.count_coverage("chr1", record.start, record.stop, quality_threshold=15)
            total = sum(c[0] for c in counts)
            if total >= 5:
                fractions[sum(gt)].append(counts["ACGT".index(record.alts[0])][0] / total)
    assert len(fractions[1]) > 10
    assert abs(np.mean(fractions[1]) - 0.5) < 0.12
    assert np.mean(fractions[2]) > 0.95


def test_same_seed_same_bytes_whatever_the_threads(tmp_path):
    config = dataclasses.replace(TINY, unrelated=0, family="trio")
    config = dataclasses.replace(config, genome=GenomeConfig(total_bp=30_000, n_contigs=2))
    contents = []
    for run, threads in enumerate((1, 2)):
        simulate_cohort(tmp_path / str(run), config, threads=threads, quiet=True)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / str(run)).iterdir()})
    assert contents[0] == contents[1]
    simulate_cohort(tmp_path / "other", dataclasses.replace(config, seed=6), quiet=True)
    assert (tmp_path / "other" / "child.bam").read_bytes() != contents[0]["child.bam"]


def test_ranges_give_each_sample_its_own_settings(tmp_path):
    config = SimulateConfig(
        genome=GenomeConfig(total_bp=20_000, n_contigs=1),
        reads=ReadConfig(
            profiles=("illumina-novaseq-like", "illumina-hiseq-2x101"),
            coverage=(4.0, 20.0),
            read_length=(50, 120),
            error_multiplier=(0.5, 2.0),
            quality_binning="random",
            contamination=0.05,
        ),
        family="none",
        unrelated=3,
    )
    summary = simulate_cohort(tmp_path / "out", config, quiet=True)
    drawn = list(summary["samples"].values())
    assert len({s["coverage"] for s in drawn}) == 3
    assert all(4 <= s["coverage"] <= 20 and 50 <= s["read_length"] <= 120 for s in drawn)
    with pysam.AlignmentFile(str(tmp_path / "out" / "sample1.bam")) as bam:
        reads = list(bam.fetch())
    assert {len(r.query_sequence) for r in reads} == {drawn[0]["read_length"]}
    assert len({q for r in reads for q in r.query_qualities}) <= 8 + 3
    assert any(":b" in r.query_name for r in reads)  # contaminating reads


def test_planted_variants_are_the_truth(tiny_cohort, tmp_path):
    simulate_cohort(
        tmp_path / "out",
        dataclasses.replace(TINY, reads=ReadConfig(coverage=(2.0, 2.0))),
        Inputs(
            reference=tiny_cohort / "reference.fa",
            regions=("chr1:2001-20000",),
            plant=tiny_cohort / "cohort.truth.vcf.gz",
            plant_sample="mother",
            plant_confident=tiny_cohort / "mother.confident.bed",
        ),
        quiet=True,
    )
    wanted = [
        (r.start - 2_000, r.ref, r.alts, r.samples[0]["GT"])
        for r in _records(tiny_cohort / "mother.truth.vcf.gz")
        if r.chrom == "chr1" and r.start > 2_000 and r.start + len(r.ref) < 20_000
    ]
    got = [
        (r.start, r.ref, r.alts, r.samples[0]["GT"])
        for r in _records(tmp_path / "out" / "mother.truth.vcf.gz")
    ]
    assert got == wanted
    assert len(got) > 10


def test_plant_that_disagrees_with_the_reference(tiny_cohort, tmp_path):
    vcf = tmp_path / "bad.vcf"
    vcf.write_text(
        "##fileformat=VCFv4.3\n##contig=<ID=chr1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=G>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
        + "".join(f"chr1\t{pos}\t.\t{'ACGT'[pos % 4]}\tN\t.\t.\t.\tGT\t0/1\n" for pos in range(1_000, 1_020))
    )
    with pytest.raises(DeepcohortError, match=r"bad.vcf: REF . at chr1:10\d\d is . in the reference"):
        simulate_cohort(
            tmp_path / "out", TINY, Inputs(reference=tiny_cohort / "reference.fa", plant=vcf), quiet=True
        )
    assert list((tmp_path / "out").iterdir()) == []  # nothing half-written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reads": ReadConfig(profiles=("nonesuch",))}, "profile 'nonesuch' is neither a file nor built in"),
        ({"reads": ReadConfig(profiles=("hifi",))}, "not for platform illumina"),
        ({"reads": ReadConfig(platform="sanger")}, "platform 'sanger' is unknown"),
        ({"reads": ReadConfig(coverage=(5.0, 1.0))}, "coverage from 5.0 to 1.0 is no range"),
        ({"variants": VariantConfig(demography="martian")}, "demography 'martian' is unknown"),
        ({"family": "clan"}, "family 'clan' is unknown"),
        ({"family": "none", "unrelated": 0}, "a cohort of nobody"),
        ({"sexes": ("ZW",)}, "sex 'ZW' is unknown"),
        ({"genome": GenomeConfig(total_bp=100)}, "do not make 4 contigs"),
    ],
)
def test_bad_settings_say_so_on_one_line(tmp_path, change, message):
    with pytest.raises(DeepcohortError, match=message) as error:
        simulate_cohort(tmp_path / "out", dataclasses.replace(TINY, **change), quiet=True)
    assert "\n" not in str(error.value)


def test_all_problems_of_settings_come_together(tmp_path):
    reads = ReadConfig(platform="sanger", aligner="hand", contamination=0.9)
    with pytest.raises(InputProblems) as error:
        simulate_cohort(tmp_path / "out", dataclasses.replace(TINY, reads=reads), quiet=True)
    assert len(error.value.problems) == 3


def test_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeepcohortError, match="cannot be made"):
        simulate_cohort(tmp_path / "file" / "out", TINY, quiet=True)
    if os.geteuid() == 0:
        return  # root may write anywhere
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(DeepcohortError, match="not writable"):
        simulate_cohort(tmp_path / "locked", TINY, quiet=True)


@pytest.mark.parametrize(("platform", "aligner"), [("hifi", "auto"), ("ont", "auto"), ("illumina", "mappy")])
def test_other_platforms_and_aligners(tmp_path, platform, aligner):
    pytest.importorskip("mappy", reason="mappy could not be built here")
    config = SimulateConfig(
        genome=GenomeConfig(total_bp=60_000, n_contigs=1),
        reads=ReadConfig(platform=platform, aligner=aligner, coverage=(20.0, 20.0)),
        family="none",
        unrelated=1,
    )
    simulate_cohort(tmp_path / "out", config, quiet=True)
    with pysam.AlignmentFile(str(tmp_path / "out" / "sample1.bam")) as bam:
        reads = [r for r in bam.fetch() if not r.is_supplementary]
        assert bam.header.to_dict()["PG"][-1]["ID"] == "minimap2"
    assert sum(r.query_length for r in reads) == pytest.approx(20 * 60_000, rel=0.25)
    assert np.mean([r.mapping_quality >= 20 for r in reads]) > 0.9
    if platform != "illumina":
        assert max(r.query_length for r in reads) > 5_000
    else:
        assert np.mean([r.is_proper_pair for r in reads]) > 0.95
        with pysam.FastaFile(str(tmp_path / "out" / "reference.fa")) as fasta:
            sequence = fasta.fetch("chr1").upper()
        for read in [r for r in reads if r.is_mapped][:400]:  # NM is right on both strands, for both mates
            pairs = read.get_aligned_pairs(matches_only=True)
            wrong = sum(read.query_sequence[q] != sequence[r] for q, r in pairs)
            gaps = sum(n for op, n in read.cigartuples if op in (1, 2))
            assert read.get_tag("NM") == wrong + gaps


def test_indexes_of_long_contigs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """.csi in the place of .bai and .tbi where a contig is too long for these, and the samplesheet says so."""
    for module in ("io_outputs", "io_align"):
        monkeypatch.setattr(f"deepcohort.simulate.{module}.TBI_LIMIT_BP", 5_000)
    config = dataclasses.replace(
        TINY, genome=GenomeConfig(total_bp=12_000, n_contigs=1), family="none", unrelated=1
    )
    simulate_cohort(tmp_path / "out", config, quiet=True)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"sample1.bam.csi", "sample1.truth.vcf.gz.csi"} <= names
    assert not [name for name in names if name.endswith((".bai", ".tbi"))]
    rows = list(csv.DictReader((tmp_path / "out" / "samplesheet.csv").open()))
    assert rows[0]["index"] == "sample1.bam.csi"
