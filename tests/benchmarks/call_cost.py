#!/usr/bin/env python3
"""CPU seconds per Mb of `deepcohort call` beside the peers, on the same reads in the same run.

    call_cost.py --reads X.bam --reference ref.fa --region chr20:6000001-8000000 [--work DIR] [--table out.md]
    call_cost.py --reads HG002.bam --reference b37.20.fa.gz --region 20:10000001-10100000 --copies 20

Each tool runs alone, one thread, user + sys seconds of the process and its children, best of --repeat.
What a tool costs on the first 100 bp of the region is its start-up and is quoted apart. deepcohort
writes gVCF and VCF; bcftools and freebayes write a VCF; GATK HaplotypeCaller writes a gVCF.
`--copies` puts that many copies of the region one after the other, where a set of reads is too short to time.
Peers that are not on PATH are left out (bcftools, freebayes; GATK: a launcher named by the variable GATK).
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from copies import head_of, int32_at, put_int32, slice_of
from deepcohort.formats.bgzf import BgzfWriter

ROOT = Path(__file__).resolve().parents[2]
DEEPCOHORT = ROOT / ".venv" / "bin" / "deepcohort"


@dataclass(frozen=True)
class Cost:
    """Of one run: CPU seconds, peak memory of the largest process in MiB, size of the output in bytes."""

    cpu_s: float
    peak_mib: float
    output_bytes: int


def measure(command: str, output: Path) -> Cost:
    """Run a shell command in a process of its own and read its resource use."""
    child = (
        "import json, resource, subprocess, sys\n"
        "done = subprocess.run(['bash', '-ceo', 'pipefail', sys.argv[1]], capture_output=True, text=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss, done.stderr[-2000:]]))\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", child, command], capture_output=True, text=True, check=True, env=environment
    )
    status, cpu_s, peak_kib, errors = json.loads(done.stdout)
    if status:
        sys.exit(f"failed: {command}\n{errors}")
    return Cost(cpu_s, peak_kib / 1024, output.stat().st_size)


def commands(reads: Path, reference: Path, region: str, work: Path) -> dict[str, tuple[str, Path]]:
    """Shell command and output of each tool that is here."""
    bam, fasta, where = (shlex.quote(str(x)) for x in (reads, reference, region))
    found: dict[str, tuple[str, Path]] = {}
    for name, options in (("deepcohort", ""), ("deepcohort --no-cascade", "--no-cascade")):
        out = work / f"{name.replace(' ', '')}.g.vcf.gz"
        vcf = work / f"{name.replace(' ', '')}.vcf.gz"
        found[name] = (
            f"{shlex.quote(str(DEEPCOHORT))} call --reads {bam} --reference {fasta} --region {where} --sample S "
            f"--gvcf {shlex.quote(str(out))} --vcf {shlex.quote(str(vcf))} --device cpu --quiet {options}",
            out,
        )
    if shutil.which("bcftools"):
        out = work / "bcftools.vcf.gz"
        found["bcftools mpileup + call"] = (
            f"bcftools mpileup -Ou -a AD,DP -f {fasta} -r {where} {bam} "
            f"| bcftools call -mv -Oz -o {shlex.quote(str(out))}",
            out,
        )
    if shutil.which("freebayes"):
        out = work / "freebayes.vcf"
        contig, _, span = region.rpartition(":")
        first, last = span.split("-")
        found["freebayes"] = (
            f"freebayes -f {fasta} -r {shlex.quote(f'{contig}:{int(first) - 1}-{last}')} {bam} "
            f"> {shlex.quote(str(out))}",
            out,
        )
    gatk = os.environ.get("GATK")
    if gatk:
        out = work / "gatk.g.vcf.gz"
        found["GATK HaplotypeCaller -ERC GVCF"] = (
            f"{shlex.quote(gatk)} HaplotypeCaller -ERC GVCF -R {fasta} -I {bam} -L {where} "
            f"-O {shlex.quote(str(out))} --native-pair-hmm-threads 1",
            out,
        )
    return found


def copied(reads: Path, reference: Path, region: str, copies: int, work: Path) -> tuple[Path, Path, str]:
    """Reads, reference and region of `copies` copies of `region` on one contig."""
    bases, data, at = slice_of(reads, reference, region, work)
    length = len(bases)
    fasta, bam, loose = work / "copies.fa", work / "copies.bam", work / "loose.bam"
    fasta.write_text(">copies\n" + bases * copies + "\n")
    pysam.faidx(str(fasta))
    pysam.dict("-o", str(fasta.with_suffix(".dict")), str(fasta), catch_stdout=False)
    with pysam.AlignmentFile(str(reads)) as file:
        groups = [line for line in str(file.header).splitlines() if line.startswith("@RG")]
    pos, mate = (int32_at(data, at + k).astype(np.int64) for k in (8, 28))
    for k in (4, 24):  # contig of the read, of its mate
        put_int32(data, at + k, np.int32(0))
    with BgzfWriter(loose, level=1) as out:
        out.write(head_of({"copies": length * copies}, groups))
        for i in range(copies):
            put_int32(data, at + 8, pos + i * length)
            put_int32(data, at + 28, mate + i * length)
            out.write(memoryview(data))
    pysam.view("-b", "-o", str(bam), str(loose), catch_stdout=False)  # deflated as samtools does
    pysam.index(str(bam))
    return bam, fasta, f"copies:1-{length * copies}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reads", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--region", required=True, help="CONTIG:START-END, 2 Mb or more")
    parser.add_argument("--work", type=Path, default=Path("call_cost_work"))
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--tools", default="", help="comma-separated beginnings of names; default: all")
    parser.add_argument("--copies", type=int, default=1, help="of the region, one after the other")
    parser.add_argument("--table", type=Path, help="append the table here, as Markdown")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    reads, reference, region = options.reads, options.reference, options.region.replace(",", "")
    if options.copies > 1:
        reads, reference, region = copied(reads, reference, region, options.copies, options.work)
    contig, _, span = region.rpartition(":")
    first, last = (int(x) for x in span.split("-"))
    megabases = (last - first + 1) / 1e6
    whole = commands(reads, reference, f"{contig}:{first}-{last}", options.work)
    tiny = commands(reads, reference, f"{contig}:{first}-{first + 99}", options.work)
    wanted = tuple(name for name in options.tools.split(",") if name)
    rows = []
    for name, command in whole.items():
        if wanted and not name.startswith(wanted):
            continue
        measure(*tiny[name])  # warms the page cache and, for deepcohort, compiles what is not compiled
        start_up = min(measure(*tiny[name]).cpu_s for _ in range(options.repeat))
        runs = [measure(*command) for _ in range(options.repeat)]
        best = min(runs, key=lambda run: run.cpu_s)
        rows.append(
            f"| {name} | {best.cpu_s:.2f} | {start_up:.2f} | {(best.cpu_s - start_up) / megabases:.2f} | "
            f"{best.peak_mib:.0f} | {best.output_bytes / megabases / 1e6:.2f} |"
        )
        print(rows[-1], flush=True)
    head = (
        f"{options.reads.name}, {options.region}, {options.copies} of it: {megabases:g} Mb, best of {options.repeat}\n\n"
        "| tool | CPU s | of which start-up | CPU s/Mb apart from start-up | peak MiB | MB/Mb written |\n"
        "|---|---|---|---|---|---|\n"
    )
    if options.table:
        with open(options.table, "a") as out:
            out.write(f"\n{head}" + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
