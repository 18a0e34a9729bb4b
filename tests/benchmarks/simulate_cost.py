"""CPU cost of `deepcohort simulate`: one sample of 1 Mb at 30x, by platform and aligner.

    python tests/benchmarks/simulate_cost.py [simulate_cost.md]

Each case is a process of its own, single-threaded, start-up and the making of genome, haplotypes,
aligner index, BAM, index and truth included; user plus system CPU seconds, kernels compiled before.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = {
    "illumina 2x150, bwa": ["--read-length", "150"],
    "illumina 2x150, minimap2": ["--read-length", "150", "--aligner", "mappy"],
    "illumina 2x101 (HiSeq profile), bwa": ["--profile", "illumina-hiseq-2x101"],
    "illumina 2x36, bwa": ["--profile", "illumina-ga1-2x36"],
    "PacBio HiFi, minimap2": ["--platform", "hifi"],
    "Nanopore R10, minimap2": ["--platform", "ont"],
}
TARGET_CPU_S = 60.0


def _cost(arguments: list[str], folder: Path) -> tuple[float, float]:
    """(CPU seconds, peak memory in MB) of one run."""
    command = [str(Path(sys.executable).with_name("deepcohort")), "simulate", "--output", str(folder / "out")]
    command += ["--samples", "1", "--genome-bp", "1000000", "--contigs", "1", "--coverage", "30", "--quiet"]
    pid = subprocess.Popen(command + arguments, stdout=subprocess.DEVNULL).pid
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command + arguments)} failed")
    shutil.rmtree(folder / "out")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Run all cases and write the table."""
    os.environ |= {"OMP_NUM_THREADS": "1"}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for arguments in (["--coverage", "1"], ["--coverage", "1", "--platform", "hifi"]):
            _cost(arguments, Path(name))  # compile the kernels
        for case, arguments in CASES.items():
            seconds, memory = _cost(arguments, Path(name))
            rows.append(f"| {case} | {seconds:.1f} | {memory:.0f} |")
            print(rows[-1], flush=True)
    text = (
        "# Cost of simulating\n\n"
        "One sample, 1 Mb made-up genome, 30x, aligned, sorted and indexed, with truth; user + system CPU\n"
        "seconds of the whole command on one core (`tests/benchmarks/simulate_cost.py`). The aim is under\n"
        f"{TARGET_CPU_S:.0f} s.\n\n| reads | CPU s | peak MB |\n|---|---|---|\n"
    )
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
