"""The whole of one evaluation: files in, folder of results out."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region
from deepcohort.evaluate.config import EvaluateConfig
from deepcohort.evaluate.io_bed import Regions, read_bed
from deepcohort.evaluate.io_vcf import VcfFile
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TP, ContigResult, match_contig

_FETCH_BP = 8_000_000


def template_codes(reference: ReferenceFasta, contig: str) -> NDArray[np.uint8]:
    """Codes 1..4 for ACGT and 0 for the rest of one contig, uint8 (L,); fetched in slices to save memory."""
    length = reference.contig_lengths[contig]
    codes = np.empty(length, dtype=np.uint8)
    for start in range(0, length, _FETCH_BP):
        end = min(start + _FETCH_BP, length)
        part = reference.fetch_codes(Region(contig, start, end)) + np.uint8(1)
        part[part == 5] = 0
        codes[start:end] = part
    return codes


def check_contigs(vcf: VcfFile, reference: ReferenceFasta) -> None:
    """Complain if a VCF was made on another reference.

    Raises:
        DeepcohortError: no contig in common, or a header states another length.
    """
    known = reference.contig_lengths
    if vcf.contigs and not any(contig in known for contig in vcf.contigs):
        raise DeepcohortError(
            f"{vcf.role} {vcf.path} and reference {reference.path} share no contig "
            f"({vcf.role}: {', '.join(vcf.contigs[:3])}; reference: {', '.join(list(known)[:3])}); "
            "use the reference the variants were called on"
        )
    for contig, length in vcf.contig_lengths.items():
        if contig in vcf.contigs and contig in known and known[contig] != length:
            raise DeepcohortError(
                f"{vcf.role} {vcf.path} says contig {contig} is {length} bp, reference {reference.path} has "
                f"{known[contig]} bp; use the reference the variants were called on"
            )


def open_pair(
    calls: Path, truth: Path, sample: str | None, truth_sample: str | None
) -> tuple[VcfFile, VcfFile]:
    """Both files with their samples chosen: a lone truth sample serves whatever its name."""
    truth_names = VcfFile(truth, truth_sample, "truth", choose=False).samples
    calls_names = VcfFile(calls, sample, "calls", choose=False).samples
    if sample is None and len(calls_names) > 1 and len(truth_names) == 1 and truth_names[0] in calls_names:
        sample = truth_names[0]
    if truth_sample is None and len(truth_names) > 1 and sample in truth_names:
        truth_sample = sample
    return VcfFile(calls, sample, "calls"), VcfFile(truth, truth_sample, "truth")


def compare(
    calls: VcfFile,
    truth: VcfFile,
    reference: ReferenceFasta,
    confident: Regions | None,
    config: EvaluateConfig,
) -> Iterator[ContigResult]:
    """Compared contigs in reference order, `config.threads` at a time."""
    contigs = [c for c in reference.contig_lengths if c in calls.contigs or c in truth.contigs]
    empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    def one(contig: str) -> ContigResult:
        regions = None if confident is None else confident.get(contig, empty)
        with ReferenceFasta(reference.path) as fasta:
            template = template_codes(fasta, contig)
        return match_contig(contig, template, calls.read(contig), truth.read(contig), regions, config)

    with ThreadPoolExecutor(config.threads) as pool:
        waiting: list[Future[ContigResult]] = []
        for contig in contigs:
            waiting.append(pool.submit(one, contig))
            if len(waiting) > config.threads:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


def evaluate_pair(
    calls: Path,
    truth: Path,
    confident: Path | None,
    reference: Path,
    output: Path,
    sample: str | None = None,
    truth_sample: str | None = None,
    config: EvaluateConfig | None = None,
) -> None:
    """Compare `calls` with `truth` inside `confident` and write the results to folder `output`."""
    config = config or EvaluateConfig()
    with ReferenceFasta(reference) as fasta:
        calls_vcf, truth_vcf = open_pair(calls, truth, sample, truth_sample)
        for vcf in (calls_vcf, truth_vcf):
            check_contigs(vcf, fasta)
        regions = None if confident is None else read_bed(confident, fasta.contig_lengths)
        counts = {kind: np.zeros(4, dtype=np.int64) for kind in ("SNP", "INDEL")}
        for result in compare(calls_vcf, truth_vcf, fasta, regions, config):
            for kind, want in (("SNP", True), ("INDEL", False)):
                for column, side in ((0, result.truth), (2, result.calls)):
                    chosen = side.is_snp == want
                    counts[kind][column] += np.count_nonzero(chosen & (side.decision == TP))
                    missed = np.isin(side.decision, (MISS, ALLELE_ONLY))
                    counts[kind][column + 1] += np.count_nonzero(chosen & missed)
    output.mkdir(parents=True, exist_ok=True)
    with atomic_outputs(output / "summary.tsv") as (path,), open(path, "w") as out:
        out.write("type\tTP_truth\tFN\tTP_call\tFP\tprecision\trecall\tf1\n")
        for kind, (tp_truth, fn, tp_call, fp) in counts.items():
            precision = tp_call / (tp_call + fp) if tp_call + fp else float("nan")
            recall = tp_truth / (tp_truth + fn) if tp_truth + fn else float("nan")
            f1 = 2 * precision * recall / (precision + recall) if precision + recall else float("nan")
            out.write(f"{kind}\t{tp_truth}\t{fn}\t{tp_call}\t{fp}\t{precision:.6f}\t{recall:.6f}\t{f1:.6f}\n")
