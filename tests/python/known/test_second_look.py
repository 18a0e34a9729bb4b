"""Alleles that one sample shows are looked up in the reads of all."""

import gzip
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pysam
import pytest
from deepcohort.calls.merge import merge_shards
from deepcohort.calls.onto import insert_records
from deepcohort.cli.sites import sites as sites_command
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.supported import write_supported
from known_helpers import given_of, rows_of, sample_of

WHOLE = Region(CONTIG, 0, LENGTH_BP)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """(reference, BAMs of two persons, their first gVCFs)."""
    folder = tmp_path_factory.mktemp("cohort")
    reference, bams, _ = write_warm_inputs(folder)
    gvcfs = [_call(folder, reference, bam, f"P{i}", name=f"P{i}") for i, bam in enumerate(bams)]
    return reference, bams, gvcfs


def alleles_of(ref, alt, pos):
    """{(POS, REF, ALT)} without the bases that both share on the right."""
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    return {(pos, ref, alt)}


def _call(folder, reference, bam, sample, regions=(WHOLE,), name="x", **settings):
    from deepcohort.compose.call_shard import CallJob, call_shard
    from naive_predictor import NaivePredictor

    gvcf = folder / f"{name}.g.vcf.gz"
    call_shard(
        CallJob([bam], reference, list(regions), sample, gvcf, **settings), NaivePredictor(), quiet=True
    )
    return gvcf


def test_sites_are_all_alleles_that_somebody_calls(cohort, tmp_path):
    reference, _, gvcfs = cohort
    sites = tmp_path / "sites.vcf.gz"
    n = write_supported(gvcfs, reference, sites, quiet=True)
    found = {(row[1], row[3], row[4]) for row in rows_of(sites)}
    assert n == len(found) == len(rows_of(sites))
    called = set()
    for path in gvcfs:
        for row in rows_of(path):
            held = set(sample_of(row)["GT"].split("/")) - {"0", "."}
            for allele in held:
                alt = row[4].split(",")[int(allele) - 1]
                called |= alleles_of(row[3], alt, row[1])
    assert called
    assert called <= found
    rows = [row for row in rows_of(sites) if row[1] == "2001"]
    assert [row[4] for row in rows] == ["A"]
    assert rows[0][7].startswith("READS=37;CALLED=2")
    # shards, and the stored cohort, give the same
    parts = [tmp_path / f"part{a}.vcf.gz" for a in (0, 2_000, 6_015)]
    for (a, b), part in zip(pairwise([0, 2_000, 6_015, LENGTH_BP]), parts, strict=True):
        write_supported(gvcfs, reference, part, [Region(CONTIG, a, b)], quiet=True)
    merged = tmp_path / "merged.vcf.gz"
    merge_shards(parts, merged, [WHOLE])
    assert merged.read_bytes() == sites.read_bytes()
    store = tmp_path / "my cohort.store"
    genotype_cohort(gvcfs, reference, None, quiet=True, save_store=store)
    listed = tmp_path / "stores.txt"
    listed.write_text(f"{store}\n")
    sites_command(reference, tmp_path / "stored.vcf.gz", cohort_list=listed, quiet=True)
    assert (tmp_path / "stored.vcf.gz").read_bytes() == sites.read_bytes()


def test_a_look_is_put_onto_the_first_call(cohort, tmp_path):
    """Whatever the shards of the look, the same bytes; and every site has evidence in every sample."""
    reference, bams, gvcfs = cohort
    sites = tmp_path / "sites.vcf.gz"
    write_supported(gvcfs, reference, sites, quiet=True)
    settings = {"alleles": sites, "alleles_only": True, "second_look": True}
    seconds = []
    for i, (bam, first) in enumerate(zip(bams, gvcfs, strict=True)):
        whole = _call(tmp_path, reference, bam, f"P{i}", name="look", **settings)
        second = tmp_path / f"P{i}.second.g.vcf.gz"
        n, n_new = insert_records(first, [whole], second)
        assert n == len(rows_of(second))
        assert n_new > 0
        shards = [
            _call(tmp_path, reference, bam, f"P{i}", [Region(CONTIG, a, b)], f"s{a}", **settings)
            for a, b in pairwise([0, 2_001, 3_001, 6_020, LENGTH_BP])
        ]
        cut = tmp_path / "cut.g.vcf.gz"
        insert_records(first, shards[::-1], cut, [WHOLE])
        assert cut.read_bytes() == second.read_bytes()
        assert (tmp_path / "cut.g.vcf.gz.tbi").read_bytes() == (tmp_path / f"{second.name}.tbi").read_bytes()
        kept = [row for row in rows_of(second) if "GIVEN" not in row[7]]
        assert [row for row in rows_of(first) if row in kept] == kept
        # every allele has a record, or the first call one of its own at that POS
        there = {row[1] for row in rows_of(second) if row[4] != "<NON_REF>"}
        assert {row[1] for row in rows_of(sites)} <= there
        # and where the first call had one, nothing was added
        before = {row[1] for row in rows_of(first) if row[4] != "<NON_REF>"}
        assert before.isdisjoint(row[1] for row in rows_of(second) if "GIVEN" in row[7])
        assert insert_records(second, [whole], tmp_path / "again.g.vcf.gz")[1] == 0
        seconds.append(second)
    joint = tmp_path / "joint.vcf.gz"
    genotype_cohort(seconds, reference, joint, quiet=True)
    for row in rows_of(joint):
        assert "." not in [
            dict(zip(row[8].split(":"), cell.split(":"), strict=False))["AD"] for cell in row[9:]
        ]


def test_an_allele_of_one_read_is_found(tmp_path):
    """Six reads of a SNP make it a site; one read of another person, which the first call left out, counts."""
    rng = np.random.default_rng(2)
    text = "".join(rng.choice(list("ACGT"), 600))
    reference = tmp_path / "r.fa"
    reference.write_text(f">c\n{text}\n")
    pysam.faidx(str(reference))
    alt = "ACGT"["ACGT".index(text[299]) - 1]
    gvcfs, bams = [], []
    for name, n_alt in (("A", 6), ("B", 1)):
        reads = [(251 + i, text[250 + i : 350 + i]) for i in range(12)]
        reads = [
            (pos, bases[: 300 - pos] + alt + bases[301 - pos :] if i < n_alt else bases)
            for i, (pos, bases) in enumerate(reads)
        ]
        sam = tmp_path / f"{name}.sam"
        lines = [f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:600\n@RG\tID:1\tSM:{name}"]
        lines += [
            f"r{i}\t{16 * (i % 2)}\tc\t{pos}\t60\t100M\t*\t0\t0\t{bases}\t{'I' * 100}\tRG:Z:1"
            for i, (pos, bases) in enumerate(reads)
        ]
        sam.write_text("\n".join(lines) + "\n")
        bam = tmp_path / f"{name}.bam"
        pysam.view("-b", "-o", str(bam), str(sam), catch_stdout=False)
        pysam.index(str(bam))
        gvcfs.append(_call(tmp_path, reference, bam, name, [Region("c", 0, 600)], name))
        bams.append(bam)
    assert "300" not in [row[1] for row in rows_of(gvcfs[1]) if row[4] != "<NON_REF>"]
    sites = tmp_path / "sites.vcf.gz"
    assert write_supported(gvcfs, reference, sites, quiet=True) == 1
    settings = {"alleles": sites, "alleles_only": True, "second_look": True}
    look = _call(tmp_path, reference, bams[1], "B", [Region("c", 0, 600)], "look", **settings)
    second = tmp_path / "second.g.vcf.gz"
    insert_records(gvcfs[1], [look], second)
    (row,) = given_of(second).values()
    assert (row[1], sample_of(row)["AD"]) == ("300", "11,1,0")
    joint = tmp_path / "joint.vcf.gz"
    genotype_cohort([gvcfs[0], second], reference, joint, quiet=True)
    (site,) = rows_of(joint)
    assert site[10].split(":")[site[8].split(":").index("AD")] == "11,1"


def test_what_does_not_belong_together_is_refused(cohort, tmp_path):
    reference, bams, gvcfs = cohort
    sites = tmp_path / "sites.vcf.gz"
    write_supported(gvcfs, reference, sites, quiet=True)
    settings = {"alleles": sites, "alleles_only": True, "second_look": True}
    parts = [
        _call(tmp_path, reference, bams[0], "P0", [Region(CONTIG, a, b)], f"s{a}", **settings)
        for a, b in pairwise([0, 3_000, LENGTH_BP])
    ]
    out = tmp_path / "out.g.vcf.gz"
    with pytest.raises(
        DeepcohortError, match=r"is of sample P0, .*P1\.g\.vcf\.gz of P1; give the second look of the same"
    ):
        insert_records(gvcfs[1], parts, out)
    with pytest.raises(InputProblems, match="no input answers for"):
        insert_records(gvcfs[0], parts[:1], out, [WHOLE])
    with pytest.raises(InputProblems, match="overlap; merge each shard once"):
        insert_records(gvcfs[0], [*parts, parts[0]], out)
    with pytest.raises(DeepcohortError, match=r"has a reference block at .*, which no second look has"):
        insert_records(gvcfs[0], gvcfs[:1], out)
    assert not out.exists()


def test_the_command_line_does_both(cohort, tmp_path):
    """`sites` and `merge --onto` as commands."""
    reference, bams, gvcfs = cohort
    tool = [sys.executable, "-m", "deepcohort.cli"]
    sites, out = tmp_path / "sites.vcf.gz", tmp_path / "out.g.vcf.gz"
    listed = [x for path in gvcfs for x in ("--gvcf", path)]
    done = subprocess.run(
        [*tool, "sites", *listed, "--reference", reference, "--output", sites, "--quiet"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "alleles" in done.stderr
    look = _call(
        tmp_path, reference, bams[0], "P0", alleles=sites, alleles_only=True, second_look=True, name="look"
    )
    done = subprocess.run(
        [*tool, "merge", "--onto", gvcfs[0], "--input", look, "--output", out], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "records of a second look" in done.stderr
    with gzip.open(out, "rt") as file:
        assert any(line.startswith("##INFO=<ID=GIVEN,") for line in file)


def test_reads_that_reach_no_allele_are_not_missed(cohort, tmp_path, monkeypatch):
    """The look takes only reads near its alleles, and says what it says of all reads."""
    from deepcohort.compose import call_shard

    reference, bams, gvcfs = cohort
    sites = tmp_path / "sites.vcf.gz"
    write_supported(gvcfs, reference, sites, quiet=True)
    settings = {"alleles": sites, "alleles_only": True, "second_look": True}
    near = [
        _call(tmp_path, reference, bam, f"P{i}", name=f"near{i}", **settings) for i, bam in enumerate(bams)
    ]
    taken = []
    stretches_of = call_shard.stretches_of
    monkeypatch.setattr(call_shard, "stretches_of", lambda *given: taken.append(stretches_of(*given)))
    every = [
        _call(tmp_path, reference, bam, f"P{i}", name=f"all{i}", **settings) for i, bam in enumerate(bams)
    ]
    assert taken
    assert [path.read_bytes() for path in near] == [path.read_bytes() for path in every]
