"""Cost and memory of `deepcohort genotype` against the number of samples, on simulated gVCFs.

    python tests/benchmarks/joint_scale.py --samples 10 100 1000 --mb 1 --work /tmp/joint_scale \
        --table tests/benchmarks/joint_scale.tsv --plot tests/benchmarks/joint_scale.png

CPU is user + system of the whole command, start-up included; memory is its peak resident set.
"""

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

from joint_simulate import CohortSimulator

TARGET_CPU_S = 0.2  # per sample-Mb
PEERS = {"GATK CombineGVCFs + GenotypeGVCFs": 5.9, "bcftools on BAMs": 4.5}  # CPU s per sample-Mb, at 30x


def make_cohort(folder: Path, n_samples: int, length: int) -> tuple[Path, Path]:
    """Reference and list of gVCFs, made if absent."""
    place = folder / f"n{n_samples}_{length}"
    place.mkdir(parents=True, exist_ok=True)
    reference, listed = place / "ref.fa", place / "gvcfs.txt"
    if not listed.exists():
        cohort = CohortSimulator(length, n_samples)
        cohort.write_reference(reference)
        paths = [cohort.write_gvcf(i, place / f"S{i:04d}.g.vcf.gz") for i in range(n_samples)]
        listed.write_text("".join(f"{path}\n" for path in paths))
    return reference, listed


def measure(command: list[str]) -> tuple[float, float, int]:
    """CPU seconds, peak MiB and most open files of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    handles = peak = 0
    while process.poll() is None:
        try:
            handles = max(handles, len(os.listdir(f"/proc/{process.pid}/fd")))
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, int(status.split("VmHWM:")[1].split()[0]))
            process.wait(0.02)
        except (subprocess.TimeoutExpired, OSError, IndexError):
            continue
    if process.returncode:
        sys.exit(f"failed: {' '.join(command)}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu, peak / 1024, handles


def plot(rows: list[tuple], path: Path) -> None:
    """CPU per sample-Mb and memory against samples."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    samples = [row[0] for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), dpi=90)
    left.loglog(samples, [row[4] for row in rows], "o-", label="deepcohort genotype")
    for (name, value), style in zip(PEERS.items(), (":", "-."), strict=True):
        left.axhline(value, color="grey", linestyle=style, label=name)
    left.axhline(TARGET_CPU_S, color="tab:red", linestyle="--", label="target")
    left.set(xlabel="samples", ylabel="CPU s per sample-Mb")
    left.legend(fontsize=7)
    right.semilogx(samples, [row[5] for row in rows], "o-")
    right.axhline(2048, color="tab:red", linestyle="--")
    right.set(xlabel="samples", ylabel="peak memory, MiB", ylim=(0, 2200))
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Run all sizes and write the table and the plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--mb", type=float, default=1.0)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    length = int(arguments.mb * 1e6)
    rows = []
    for n in arguments.samples:
        reference, listed = make_cohort(arguments.work, n, length)
        output = arguments.work / f"cohort{n}.vcf.gz"
        command = [
            str(Path(sys.executable).parent / "deepcohort"),
            "genotype",
            "--quiet",
            "--gvcf-list",
            str(listed),
        ]
        command += ["--reference", str(reference), "--output", str(output)]
        cpu, peak, handles = measure(command)
        size = sum(os.path.getsize(line.strip()) for line in listed.read_text().splitlines())
        row = (
            n,
            arguments.mb,
            size / 2**20,
            cpu,
            cpu / n / arguments.mb,
            peak,
            handles,
            output.stat().st_size / 2**20,
        )
        rows.append(row)
        print(*row, sep="\t", flush=True)
    names = "samples\tMb\tinput_MiB\tcpu_s\tcpu_s_per_sample_Mb\tpeak_MiB\tmost_open_files\toutput_MiB"
    table = "\n".join([names, *("\t".join(f"{x:.4g}" for x in row) for row in rows)]) + "\n"
    if arguments.table:
        arguments.table.write_text(table)
    if arguments.plot:
        plot(rows, arguments.plot)
    print(table)


if __name__ == "__main__":
    main()
