"""Long reads: what their haplotypes add must not depend on where the genome is cut."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.candidates.config import candidates_for
from deepcohort.candidates.sample import SampleSettings
from deepcohort.compose.call_shard import ChunkPreparer, features_for
from deepcohort.compose.job import CallJob, job_for
from deepcohort.compose.library_doubts import library_doubts
from deepcohort.core.region import Region
from deepcohort.core.stages import StageTimer
from deepcohort.pileup.config import pileup_for
from deepcohort.pileup.features import F
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.profile import profiled

LENGTH, READ, DEPTH = 120_000, 15_000, 9
BASES = "ACGT"


def noisy(text: str, rng: np.random.Generator) -> tuple[str, str]:
    """(CIGAR, bases) of a read of `text` with 1 % wrong bases and a deletion of 1 to 3 bp every 500 bp."""
    bases = np.array(list(text))
    wrong = rng.random(len(text)) < 0.01
    bases[wrong] = rng.choice(list(BASES), int(wrong.sum()))
    cigar, parts, at = [], [], 0
    for cut in np.sort(rng.choice(np.arange(10, len(text) - 10, 20), len(text) // 500, replace=False)):
        n = int(rng.integers(1, 4))
        cigar += [f"{cut - at}M", f"{n}D"]
        parts.append("".join(bases[at:cut]))
        at = int(cut) + n
    return "".join([*cigar, f"{len(text) - at}M"]), "".join([*parts, *bases[at:]])


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> CallJob:
    """Noisy reads of two haplotypes that differ by a SNP every 1.5 kb, on a genome with runs of one base."""
    folder, rng = tmp_path_factory.mktemp("long"), np.random.default_rng(5)
    text = "".join(rng.choice(list(BASES), LENGTH))
    for at in range(700, LENGTH, 900):
        text = text[:at] + BASES[at % 4] * 11 + text[at + 11 :]
    other = list(text)
    for at in range(1_000, LENGTH, 1_500):
        other[at] = BASES[(BASES.index(text[at]) + 1) % 4]
    haplotypes = text, "".join(other)
    (folder / "r.fa").write_text(f">c\n{text}\n")
    pysam.faidx(str(folder / "r.fa"))
    header = pysam.AlignmentHeader.from_text(
        f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:{LENGTH}\n@RG\tID:1\tSM:S\n"
    )
    starts = np.sort(rng.integers(0, LENGTH - READ, DEPTH * LENGTH // READ))
    with pysam.AlignmentFile(str(folder / "x.bam"), "wb", header=header) as out:
        for i, start in enumerate(starts.tolist()):
            cigar, bases = noisy(haplotypes[i % 2][start : start + READ], rng)
            line = f"r{i}\t0\tc\t{start + 1}\t60\t{cigar}\t*\t0\t0\t{bases}\t{'8' * len(bases)}\tRG:Z:1"
            out.write(pysam.AlignedSegment.fromstring(line, header))
    pysam.index(str(folder / "x.bam"))
    settings = SampleSettings.for_library("ont", ReadsConfig())
    return job_for([folder / "x.bam"], folder / "r.fa", [], settings, {}, pileup_for("ont"))


def prepared(job: CallJob, regions: list[Region]) -> np.ndarray:
    """Features of the candidates of `regions`, each a chunk of its own, float32 (N, F)."""
    preparer = ChunkPreparer(job, StageTimer())
    try:
        return features_for([preparer.prepare(region) for region in regions])
    finally:
        preparer.close()


def test_features_do_not_depend_on_where_the_genome_is_cut(job: CallJob):
    whole = prepared(job, [Region("c", 0, LENGTH)])
    edges = [0, 20_011, 23_000, 41_234, 60_001, 78_900, LENGTH]
    cut = prepared(job, [Region("c", a, b) for a, b in pairwise(edges)])
    assert len(whole) > 200
    assert ((whole[:, F.n_alt_small] < 0.15) & (whole[:, F.is_snp] == 0)).any()  # indels that one read shows
    np.testing.assert_array_equal(whole, cut)


def test_more_reads_know_their_haplotype_from_farther(job: CallJob):
    far = prepared(job, [Region("c", 0, LENGTH)])
    near = prepared(
        replace(job, pileup_config=replace(job.pileup_config, phase_bp=400)), [Region("c", 0, LENGTH)]
    )
    assert far[:, F.phased_fraction].mean() > 0.8 > near[:, F.phased_fraction].mean()


@pytest.mark.parametrize("platform", ["hifi", "ont"])
def test_a_single_read_is_judged_within_what_chunks_know(platform: str):
    assert candidates_for(platform).single_indel_phase_bp <= pileup_for(platform).phase_bp


def test_reads_merged_twice_count_once(job: CallJob, tmp_path: Path):
    """Under other names too; and `call` says so."""
    with pysam.AlignmentFile(job.reads[0]) as once:
        header, lines = once.header, [read.to_string() for read in once]
    with pysam.AlignmentFile(str(tmp_path / "y.bam"), "wb", header=header) as out:
        for line in lines:
            for text in (line, "again_" + line):
                out.write(pysam.AlignedSegment.fromstring(text, header))
    pysam.index(str(tmp_path / "y.bam"))
    whole = [Region("c", 0, LENGTH)]
    twice = replace(job, reads=(str(tmp_path / "y.bam"),))
    np.testing.assert_array_equal(prepared(twice, whole), prepared(job, whole))
    library = profiled(twice.reads, job.reference, job.reads_config).library
    assert library.repeated_share == 0.5
    (told,) = library_doubts(library)
    assert "50% of the reads stand in the files once more" in told
    assert library_doubts(replace(library, repeated_share=0.0)) == []


def misread(text: str, start: int, is_reverse: bool, rng: np.random.Generator) -> str:
    """A read of `text` from `start` on: a third of the forward ones read T at every third C before G."""
    bases = list(text[start : start + READ])
    for at in range(len(bases) - 1):
        is_site = text[start + at : start + at + 2] == "CG" and (start + at) % 3 == 0
        if is_site and not is_reverse and rng.random() < 1 / 3:
            bases[at] = "T"
    return "".join(bases)


def write_misread(folder: Path) -> tuple[Path, Path, set[int]]:
    """Such reads of a genome with some heterozygous CpGs: BAM, FASTA, positions of these."""
    rng = np.random.default_rng(11)
    text = "".join(rng.choice(list(BASES), LENGTH))
    true = [at for at in range(LENGTH - 1) if text[at : at + 2] == "CG"][100::150]
    other = list(text)
    for at in true:
        other[at] = "T"
    (folder / "r.fa").write_text(f">c\n{text}\n")
    pysam.faidx(str(folder / "r.fa"))
    header = pysam.AlignmentHeader.from_text(
        f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:{LENGTH}\n@RG\tID:1\tSM:S\n"
    )
    with pysam.AlignmentFile(str(folder / "x.bam"), "wb", header=header) as out:
        for i, start in enumerate(np.sort(rng.integers(0, LENGTH - READ, 20 * LENGTH // READ)).tolist()):
            flag = 16 * int(rng.random() < 0.5)
            bases = misread((text, "".join(other))[i % 2], start, flag > 0, rng)
            line = f"r{i}\t{flag}\tc\t{start + 1}\t60\t{READ}M\t*\t0\t0\t{bases}\t{'I' * READ}\tRG:Z:1"
            out.write(pysam.AlignedSegment.fromstring(line, header))
    pysam.index(str(folder / "x.bam"))
    return folder / "x.bam", folder / "r.fa", set(true)


def candidates_at(bam: Path, fasta: Path, reads: ReadsConfig, edges: list[int]) -> list[int]:
    """Positions of the candidates of chunks between `edges`."""
    settings = SampleSettings.for_library("hifi", reads)
    preparer = ChunkPreparer(job_for([bam], fasta, [], settings, {}, pileup_for("hifi")), StageTimer())
    try:
        chunks = [preparer.prepare(Region("c", a, b)) for a, b in pairwise(edges)]
    finally:
        preparer.close()
    found = [(chunk.evidence.table.pos[chunk.rows], chunk.region) for chunk in chunks]
    return [int(p) for pos, region in found for p in pos if region.start <= p < region.end]


def test_what_forward_reads_misread_makes_no_candidates(
    tmp_path: Path,
) -> None:
    """But the heterozygotes of the same context, which reads of both strands show, stay; and `call` says so."""
    bam, fasta, true = write_misread(tmp_path)
    config = profiled([bam], fasta, ReadsConfig())
    errors = config.library.strand_errors
    assert {(one.text[1:3], one.text[5:], one.strand) for one in errors} == {("CG", "TG", "forward")}
    unaware = replace(config, library=replace(config.library, strand_errors=()))
    inside = set(range(20_000, 100_000))  # where reads are deep
    n_false = len(set(candidates_at(bam, fasta, unaware, [0, LENGTH])) & inside - true)
    found = candidates_at(bam, fasta, config, [0, LENGTH])
    assert set(found) >= true & inside
    assert len(set(found) & inside - true) < 0.05 * n_false
    assert candidates_at(bam, fasta, config, [0, 20_011, 23_000, 41_234, 60_001, LENGTH]) == found
    (told,) = library_doubts(config.library)
    assert "reads of one strand misread bases alike" in told
    assert library_doubts(unaware.library) == []
