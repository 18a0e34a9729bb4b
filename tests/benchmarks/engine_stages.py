"""CPU seconds per Mb of each stage of the engine, from BGZF to read support, on any alignment file.

Example (the best of three rounds; the first, which compiles or loads kernels, is thrown away):

    python tests/benchmarks/engine_stages.py --reads HG002.bam --reference ref.fa \
        --region 20:10000001-10100000 --rounds 3

Quotes user+sys CPU of this process (time.process_time), so run it on an otherwise idle machine.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import count_window
from deepcohort.candidates.realign import Realignment
from deepcohort.candidates.select import select_alleles
from deepcohort.candidates.support import weigh_reads
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region, parse_region
from deepcohort.formats.bgzf_blocks import BgzfBlocks
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.merge import join_pieces, merge_files, to_batch

STAGES = ("inflate", "parse", "overlap", "reference", "counts", "realign", "candidates", "support")


@dataclass
class Tally:
    """CPU seconds by stage, and counts."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    reads: int = 0
    bases: int = 0
    realigned: int = 0
    candidates: int = 0

    def run(self, stage: str, work: Callable, *arguments):
        """Result of `work`, its time added to `stage`."""
        start = time.process_time()
        result = work(*arguments)
        self.seconds[stage] += time.process_time() - start
        return result


def one_round(arguments: argparse.Namespace, region: Region) -> Tally:
    """All stages over `region`, chunk by chunk."""
    tally = Tally()
    time_inflation(tally)
    reads_config, config = ReadsConfig(), CandidatesConfig()
    with (
        open_reads(arguments.reads, arguments.reference, reads_config) as source,
        ReferenceFasta(arguments.reference) as fasta,
    ):
        for start in range(region.start, region.end, arguments.chunk_bp):
            chunk = Region(region.contig, start, min(region.end, start + arguments.chunk_bp))
            window = chunk.padded(config.pad_bp, source.contig_lengths[region.contig])
            before = tally.seconds["inflate"]
            files = tally.run(
                "parse", lambda w=window: [join_pieces(list(f.columns(w))) for f in source._files]
            )
            tally.seconds["parse"] -= tally.seconds["inflate"] - before
            columns = tally.run("parse", merge_files, files, reads_config)
            batch = tally.run("overlap", to_batch, columns, reads_config)
            codes = tally.run("reference", fasta.fetch_codes, window)
            counts = tally.run("counts", count_window, batch, codes, window, config)
            done = tally.run("realign", Realignment(batch, counts, codes, window, config).run)
            first, last = chunk.start - window.start, chunk.end - window.start
            alleles, _ = tally.run(
                "candidates", select_alleles, done.counts, done.reads, codes, first, last, config
            )
            tally.run("support", weigh_reads, done.reads, alleles, codes, window, config)
            tally.reads += len(batch)
            tally.bases += len(batch.seq)
            tally.realigned += int(np.count_nonzero(done.changed))
            tally.candidates += len(alleles)
    return tally


_PLAIN_INFLATE = BgzfBlocks._inflate


def time_inflation(tally: Tally) -> None:
    """Charge the inflation of blocks to its own stage of `tally`."""

    def timed(self: BgzfBlocks, offset: int) -> tuple[bytes, int]:
        return tally.run("inflate", _PLAIN_INFLATE, self, offset)

    BgzfBlocks._inflate = timed  # type: ignore[method-assign]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--reads", action="append", required=True)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--region", required=True, help="CONTIG:START-END, 1-based")
    parser.add_argument("--chunk-bp", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with ReferenceFasta(arguments.reference) as fasta:
        region = parse_region(arguments.region, fasta.contig_lengths)
    rounds = [one_round(arguments, region) for _ in range(arguments.rounds + 1)]
    best = min(rounds[1:], key=lambda t: sum(t.seconds.values()))
    mb = len(region) / 1e6
    print("| stage | CPU s/Mb |\n|---|---|")
    for stage in STAGES:
        print(f"| {stage} | {best.seconds[stage] / mb:.3f} |")
    print(f"| **sum** | **{sum(best.seconds.values()) / mb:.3f}** |")
    print(
        f"\n{best.bases / len(region):.1f}x, per Mb: {best.reads / mb:.0f} reads, "
        f"{best.realigned / mb:.0f} realigned, {best.candidates / mb:.0f} candidates"
    )


if __name__ == "__main__":
    main()
