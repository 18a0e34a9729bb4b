"""Run a tiny call, merge, genotype and evaluate for real, so that every kernel is compiled and cached."""

import contextlib
import importlib
import importlib.util
import io
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from deepcohort.annotate.amino_acids import read_substitutions
from deepcohort.calls.merge import merge_shards
from deepcohort.candidates.sample import SampleSettings
from deepcohort.compose.call_shard import call_shard
from deepcohort.compose.io_warm import (
    CONTIG,
    LENGTH_BP,
    write_warm_gvcfs,
    write_warm_inputs,
    write_warm_tables,
)
from deepcohort.compose.job import ShardConfig, job_for
from deepcohort.core.numba_options import COMPILING_TOLD
from deepcohort.core.outputs import scratch_folder
from deepcohort.core.region import Region
from deepcohort.model.feature_model_numpy import small_logits
from deepcohort.paralogs.find import find_paralogs
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.features import FEATURE_NAMES, N_FEATURES
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.types import LibraryProfile, StrandErrors
from deepcohort.simulate.learn_profile import learn_profile

_SIMULATE = ("--samples", 1, "--contigs", 1, "--demography", "constant", "--heterozygosity", 0.004)


# one layer that says nothing
_NO_MODEL = {
    "mean": np.zeros(N_FEATURES, np.float32),
    "low": np.zeros(N_FEATURES, np.float32),
    "high": np.ones(N_FEATURES, np.float32),
    "scale": np.zeros(N_FEATURES, np.float32),
    "w0": np.zeros((3, N_FEATURES), np.float32),
    "b0": np.zeros(3, np.float32),
}


class _FractionPredictor:
    """Guesses copies from the ALT fraction, after painting every site: warms kernels, calls nothing real."""

    name = "warm"
    version = "0"
    platform = "illumina"
    config = PileupConfig()

    def predict_lazily(
        self, features: NDArray[np.float32], pixels_of: Callable[[NDArray[np.int64]], NDArray[np.uint8]]
    ) -> NDArray[np.float32]:
        """P(0, 1, 2 copies), float32 (B, 3)."""
        small_logits(features, _NO_MODEL, "relu")
        pixels_of(np.arange(len(features)))
        fraction = features[:, FEATURE_NAMES.index("vaf")].astype(np.float64)
        p = np.exp(-40.0 * (fraction[:, None] - np.array([0.0, 0.5, 1.0])) ** 2) + 1e-6
        return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def warm_kernels() -> None:
    """Compile and cache every kernel of call, merge, genotype, evaluate, popgen, simulate, profile, examples.

    Two processes share the work, as one compiles on one core only: one calls, one does what needs no calls.
    """
    os.environ[COMPILING_TOLD] = "1"  # these two compile because they are asked to
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for half in [pool.submit(_warm_calling), pool.submit(_warm_cohort)]:
            half.result()


def _warm_calling() -> None:
    with scratch_folder("deepcohort-warm-") as folder:
        reference, bams, _ = write_warm_inputs(folder, odd=True)
        gvcfs = [folder / f"person{i}.g.vcf.gz" for i in range(len(bams))]
        _timed("call", lambda: _call(reference, bams, gvcfs, folder / "person0.vcf.gz"))
        merged, facts = folder / "merged.g.vcf.gz", folder / "facts.json"
        targets = folder / "targets.bed"
        targets.write_text(f"{CONTIG}\t100\t{LENGTH_BP - 100}\ttarget\n")
        _timed("merge", lambda: merge_shards([gvcfs[0]], merged, facts=facts, targets=targets))
        _timed("simulate, profile and examples", lambda: _learn(folder))


def _warm_cohort() -> None:
    with scratch_folder("deepcohort-warm-") as folder:
        reference, _, truth = write_warm_inputs(folder, odd=True)
        named = [text for gvcf in write_warm_gvcfs(folder, reference) for text in ("--gvcf", gvcf)]
        store, cohort_vcf = folder / "cohort.store", folder / "cohort.vcf.gz"
        joint = [*named, "--reference", reference, "--output", cohort_vcf, "--save-cohort", store]
        _timed("genotype", lambda: _run("genotype", joint))
        stored = ["--cohort", store, "--reference", reference, "--output", cohort_vcf]
        _timed("stored cohort", lambda: _run("genotype", stored))
        # arrays of one sample have another layout, for which numba compiles anew
        alone = [*named[:2], "--reference", reference, "--output", cohort_vcf]
        _timed("cohort of one", lambda: _run("genotype", alone))
        _timed("evaluate", lambda: _evaluate(folder, reference, truth))
        _timed("annotate", lambda: _annotate(folder, reference, cohort_vcf, truth))
        _timed("popgen", _popgen)


def _annotate(folder: Path, reference: Path, cohort: Path, truth: Path) -> None:
    """The table as published, then packed; another table; the report."""
    tables = write_warm_tables(folder, reference)
    read_substitutions(tables["--amino-acids"], {("P", "A2V")})
    packed = folder / "am.dcam"
    _run(
        "annotate", ["--alphamissense", tables["--alphamissense"], "--reference", reference, "--pack", packed]
    )
    base = ["--vcf", cohort, "--reference", reference, "--output", folder / "annotated.vcf.gz"]
    base += ["--scores", f"warm={truth}:ID", "--report", folder / "annotation"]
    for table in (tables["--alphamissense"], packed):
        named = [text for pair in {**tables, "--alphamissense": table}.items() for text in pair]
        _run("annotate", [*base, *named])


def _popgen() -> None:
    """Two loci under selection and two SNPs of a history, observed as haplotypes and as individuals."""
    from deepcohort.popgen.config import Encoding, Observation
    from deepcohort.popgen.encode import encode_loci
    from deepcohort.popgen.shards import make_loci
    from deepcohort.popgen.tasks import built_in

    task = built_in()["balancing"]
    loci = make_loci(task, 1, range(2))
    for phased in ("yes", "no"):
        encode_loci(loci, Encoding(32, (40,), False, task.locus_bp), Observation(phased=phased))
    make_loci(replace(built_in()["cold_stages"], unlinked_snps=2), 1, range(1))


def _evaluate(folder: Path, reference: Path, truth: Path) -> None:
    bed = folder / "confident.bed"
    bed.write_text(f"{CONTIG}\t0\t{LENGTH_BP}\n")
    files = {
        "--vcf": truth,
        "--truth": truth,
        "--confident": bed,
        "--stratification": f"all={bed}",
        "--reference": reference,
        "--output": folder / "evaluation",
    }
    _run("evaluate", [*(text for pair in files.items() for text in pair), "--ref-overlap"])


def _run(command: str, arguments: Sequence[object]) -> None:
    """A subcommand by its options, which are fixed, while the functions behind them may change."""
    app = importlib.import_module(f"deepcohort.cli.{command}").app
    typer.main.get_command(app)([*map(str, arguments), "--quiet"], standalone_mode=False)


def _call(reference: Path, bams: list[Path], gvcfs: list[Path], vcf: Path) -> None:
    whole = [Region(CONTIG, 0, LENGTH_BP)]
    links, _ = find_paralogs(reference, quiet=True)
    misread = StrandErrors(6, 3, False, 0.1, 1e-3, 1e-3, (0.1,) * 10)  # for a kernel of such reads
    reads = ReadsConfig(library=LibraryProfile(strand_errors=(misread,)))
    settings = SampleSettings.for_library("illumina", reads)
    for person, (bam, gvcf) in enumerate(zip(bams, gvcfs, strict=True)):
        name = f"person{person}"
        job = job_for([bam], reference, whole, settings, links, PileupConfig(), sample=name, gvcf=gvcf)
        shard_config = ShardConfig(max_chunk_bp=5_000)
        calls_config = replace(job.calls_config, contamination=0.02)  # for a kernel of such samples
        job = replace(
            job,
            vcf=vcf if person == 0 else None,
            shard_config=shard_config,
            calls_config=calls_config,
        )
        call_shard(job, _FractionPredictor(), quiet=True)


def _learn(folder: Path) -> None:
    """Short reads to a profile and to examples; long reads where their aligner is installed."""
    short = [*_SIMULATE, "--genome-bp", 20_000, "--coverage", 12, "--output", folder / "short"]
    _run("simulate", short)
    bam, reference = folder / "short" / "sample1.bam", folder / "short" / "reference.fa"
    learn_profile([bam], reference, folder / "warm.npz")
    made = {
        "--reads": bam,
        "--reference": reference,
        "--truth": folder / "short" / "sample1.truth.vcf.gz",
        "--output": folder / "examples",
    }
    _run("examples", [text for pair in made.items() for text in pair])
    if importlib.util.find_spec("mappy"):
        long = [*_SIMULATE, "--genome-bp", 60_000, "--coverage", 2, "--platform", "hifi"]
        _run("simulate", [*long, "--output", folder / "long"])


def _timed(what: str, action: Callable[[], object]) -> None:
    start = time.perf_counter()
    silent = io.StringIO()  # what the commands say of their tiny input helps nobody
    with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        action()
    typer.echo(f"{what}: ready after {time.perf_counter() - start:.0f} s")
