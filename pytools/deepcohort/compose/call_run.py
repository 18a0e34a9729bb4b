"""What `deepcohort call` does once it is known what is asked for."""

import sys
from dataclasses import replace

from deepcohort.compose.call_chunks import call_in_chunks
from deepcohort.compose.call_setup import CallRequest, make_job
from deepcohort.compose.call_shard import LONG, SYMBOLIC, call_shard
from deepcohort.compose.job import CallJob
from deepcohort.core.stages import StageTimer
from deepcohort.model.types import DEVICES
from deepcohort.reads.load import open_reads


def _warn_of_mapq_zero(timer: StageTimer, sample: str) -> None:
    """Say so where nothing could be called because every read has MAPQ 0."""
    left_out = timer.counted("MAPQ 0 reads left out")
    if left_out and not timer.counted("reads"):
        print(
            f"deepcohort: warning: no read of {sample} was used, so every genotype is ./.: all in the "
            "regions have MAPQ 0, as if they could belong elsewhere as well; align to a reference without "
            "copies of these sequences, or by an aligner that reports MAPQ",
            file=sys.stderr,
        )


def _warn_of_low_mapq(job: CallJob, timer: StageTimer) -> None:
    """Say so where nothing could be called because no read has the MAPQ that counts."""
    if timer.counted("reads") or timer.counted("MAPQ 0 reads left out"):
        return
    config = replace(job.reads_config, min_mapq=1, only=None, libraries=())
    with open_reads(job.reads, job.reference, config) as source:
        if all(source.first_start(region) is None for region in job.regions):
            return
    print(
        f"deepcohort: warning: no read of {job.sample} was used, so every genotype is ./.: all in the "
        f"regions have a MAPQ below {job.reads_config.min_mapq}, as if they could belong elsewhere as well; "
        "align to a reference without copies of these sequences, or by an aligner that reports MAPQ",
        file=sys.stderr,
    )


def _tell_of_known(request: CallRequest, timer: StageTimer) -> None:
    """Say what of the given alleles and of the panel's was passed over, and why."""
    for kind, path in (("given", request.alleles), ("panel", request.panel)):
        for name in (SYMBOLIC.format(kind), LONG.format(kind)):
            if n := timer.counted(name):
                print(f"deepcohort: note: {path}: {n:,} {name} were passed over", file=sys.stderr)


def _tag_reads(request: CallRequest, sample: str) -> None:
    """Write the reads with the haplotypes of the calls just made."""
    from deepcohort.compose.haplotag_run import tag_reads
    from deepcohort.haplotag.run import TagRequest

    calls = request.vcf or request.gvcf
    assert calls is not None
    assert request.haplotag is not None
    tag_reads(
        TagRequest(
            calls, request.reads, request.reference, request.haplotag, sample, request.platform,
            request.threads,
        )
    )  # fmt: skip


def run_call(request: CallRequest) -> None:
    """Call variants as asked; prints the stages' table to stderr where asked.

    Raises:
        DeepcohortError: see `make_job` and `call_shard.call_shard`.
    """
    timer = StageTimer()
    # with several processes each opens a device of its own; this one has no use for it
    several = request.threads > 1 and request.device in DEVICES
    here = replace(request, device="cpu") if several else request
    with timer.stage("open"):
        job, predictor = make_job(here)
    for note in job.remarks:
        print(f"deepcohort: note: {note}", file=sys.stderr)
    if not call_in_chunks(request, job, predictor, timer):
        if here != request:
            job, predictor = make_job(request)
        call_shard(job, predictor, timer, request.quiet)
    _warn_of_mapq_zero(timer, job.sample)
    _warn_of_low_mapq(job, timer)
    _tell_of_known(request, timer)
    if request.haplotag is not None:
        with timer.stage("haplotag"):
            _tag_reads(request, job.sample)
    if request.profile_stages:
        n_bp = sum(len(region) for region in job.regions)
        print(timer.table(n_bp), file=sys.stderr)
    if request.profile_json is not None:
        timer.write_json(request.profile_json)
