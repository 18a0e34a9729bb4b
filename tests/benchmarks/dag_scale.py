"""Whether Nextflow's head holds a large cohort: a stub run of N samples x S shards, time and memory of the head.

    python tests/benchmarks/dag_scale.py --samples 100 --shards 20 --work work/dag

The head does everything that it does on a cluster with -profile slurm: hashes, work folders, scripts, submission, polling,
gathering, publishing, trace, report. Only the cluster is a pretence: an `sbatch` that does the stub's work at once. Prints
a row of the table of docs/scale.md.
"""

import argparse
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# dash where there is one, and nothing that it must start: most of a pretended job's cost is the start of processes
_SBATCH = """#!/bin/sh
# runs the job here and now; a stub's files are made by the shell itself
touch() { for file; do : > "$file"; done; }
: > .command.begin
while read -r line; do case $line in '### name'*) break ;; esac; done < .command.run
case $line in
    *CALL_SHARD*|*MERGE_SAMPLE*|*GENOTYPE_SHARD*) . ./.command.sh ;;  # their stubs need no input
    *) bash .command.run > /dev/null 2>&1; echo "Submitted batch job $$"; exit 0 ;;
esac
printf 'nextflow.trace/v2\\nrealtime=10\\n%%cpu=1000\\npeak_rss=1000\\n' > .command.trace
printf 0 > .exitcode
echo "Submitted batch job $$"
"""
_CONFIG = """
executor {{
    submitRateLimit   = null
    pollInterval      = '200ms'
    queueStatInterval = '1h'
    queueSize         = 2000
}}
process {{ withName: 'SHARD_REFERENCE' {{ ext.stub_shards = {shards} }} }}
"""


def write_inputs(work: Path, samples: int, shards: int) -> None:
    """Files by name only, the pretended cluster's commands, and the settings of the run."""
    (work / "bin").mkdir(parents=True)
    for name, text in (("sbatch", _SBATCH), ("squeue", "#!/bin/sh\n"), ("scancel", "#!/bin/sh\n")):
        (work / "bin" / name).write_text(text)
        (work / "bin" / name).chmod(0o755)
    (work / "reads").mkdir()
    rows = ["sample,reads"]
    for number in range(samples):
        for suffix in (".bam", ".bam.bai"):
            (work / "reads" / f"S{number:05d}{suffix}").touch()
        rows.append(f"S{number:05d},reads/S{number:05d}.bam")
    (work / "cohort.csv").write_text("\n".join(rows) + "\n")
    (work / "ref.fa").write_text(">chr1\nACGT\n")
    (work / "ref.fa.fai").write_text("chr1\t4\t6\t4\t5\n")
    (work / "quick.config").write_text(_CONFIG.format(shards=shards))


def follow(pid: int, work: Path, found: list[int]) -> None:
    """Follow process `pid` until it ends.

    The largest resident memory, MB, goes into `found`; every minute a line goes into progress.tsv, for runs that are
    stopped before their end: seconds, tasks done, resident memory now and at most, MB.
    """
    start = time.monotonic()
    trace = work / "out" / "pipeline_info" / "trace.tsv"
    told = 0.0
    while True:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        sizes = {line.split(":")[0]: line.split() for line in status.splitlines() if line.startswith("Vm")}
        if "VmHWM" in sizes:
            found[0] = max(found[0], int(sizes["VmHWM"][1]) // 1024)
            if time.monotonic() - start > told:
                told += 60
                tasks = trace.read_bytes().count(b"\n") - 1 if trace.exists() else 0
                with open(work / "progress.tsv", "a") as progress:
                    now = int(sizes["VmRSS"][1]) // 1024
                    progress.write(f"{time.monotonic() - start:.0f}\t{tasks}\t{now}\t{found[0]}\n")
        time.sleep(0.5)


def main() -> int:
    """Run it; exit status of the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--work", type=Path, default=Path("work/dag"))
    parser.add_argument("--heap", default="4g", help="of Nextflow's JVM")
    parser.add_argument("--resume", action="store_true", help="again on the folder of an earlier run")
    options = parser.parse_args()
    work = options.work.resolve()
    if not options.resume:
        write_inputs(work, options.samples, options.shards)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NXF_")} | {
        "PATH": f"{work / 'bin'}:{os.environ['PATH']}",
        "NXF_OPTS": f"-Xms500m -Xmx{options.heap}",
        "NXF_ANSI_LOG": "false",
    }
    command = [ROOT / ".venv" / "bin" / "nextflow", "-q", "run", ROOT, "-stub", "-profile", "slurm"]
    command += [
        "-c",
        "quick.config",
        "--samplesheet",
        "cohort.csv",
        "--reference",
        "ref.fa",
        "--outdir",
        "out",
    ]
    if options.resume:
        command.append("-resume")
    start = time.monotonic()
    with open(work / "log", "w") as log:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=work,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        peak = [0]
        watch = threading.Thread(target=follow, args=(process.pid, work, peak), daemon=True)
        watch.start()
        code = process.wait()
    wall = time.monotonic() - start
    # the pretended jobs are the head's children, so this is the CPU time of both
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(work / "out" / "pipeline_info" / "trace.tsv") as trace:
        tasks = sum(1 for _ in trace) - 1
    print(
        f"| {options.samples:,} x {options.shards} | {tasks:,} | {wall:,.0f} | "
        f"{used.ru_utime + used.ru_stime:,.0f} | {1000 * wall / max(1, tasks):.0f} | {peak[0]:,} |"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
