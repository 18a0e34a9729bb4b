"""Long reads: what their haplotypes add must not depend on where the genome is cut."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.candidates.config import candidates_for
from deepcohort.candidates.sample import SampleSettings
from deepcohort.compose.call_setup import _warn_of_repeats
from deepcohort.compose.call_shard import ChunkPreparer, features_for
from deepcohort.compose.job import CallJob, job_for
from deepcohort.core.region import Region
from deepcohort.core.stages import StageTimer
from deepcohort.pileup.config import pileup_for
from deepcohort.pileup.features import F
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import profiled

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


def test_reads_merged_twice_count_once(job: CallJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
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
    _warn_of_repeats("S", library.repeated_share)
    assert "50% of the reads stand in the files once more" in capsys.readouterr().err
    _warn_of_repeats("S", 0.0)
    assert capsys.readouterr().err == ""
