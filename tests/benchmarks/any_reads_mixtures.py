#!/usr/bin/env python3
"""Files that hold two unlike libraries, each read group's reads from a row of any_reads.py: errors by one profile and by two.

    any_reads.py --work DIR --callers deepcohort      first: the rows, their truth and reference
    any_reads_mixtures.py --work DIR --output OUT     table on stdout

Of the first row a share of the fragments is taken, of the second those that are left (rows of one library by two aligners
thus share none). Each mixture is called twice: with both read groups of one LB, and with one LB each. Needs samtools.
"""

import argparse
import csv
import fnmatch
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from accuracy import quoted
from any_reads_worker import ask

ROOT = Path(__file__).resolve().parents[2]
BASE, BASE_8X = "base-150bp-30x", "base-150bp-8x"
SPANS_BP = {BASE: 60_000, BASE_8X: 120_000}  # of each of the two regions of such rows
STARTS = (3_000_000, 6_000_000)
EVEN = (0.5, 0.8, 0.2)
LIMIT_S = 900


@dataclass(frozen=True)
class Mixture:
    """`share` of the fragments of row `first`, the others of row `second`; all of them thinned to `thin`."""

    first: str
    second: str
    share: float
    thin: float = 1.0
    span_bp: int = 60_000

    @property
    def name(self) -> str:
        """For files and the table."""
        thinned = f", {self.thin:g} of both" if self.thin < 1 else ""
        return f"{self.first} {round(100 * self.share)} %, {self.second}{thinned}"


def mixtures() -> list[Mixture]:
    """All of them."""
    out = [Mixture(BASE, "lib-mates-out-3000", share) for share in (*EVEN, 0.95, 0.05)]
    seconds = (
        "bowtie2-insert-400", "bowtie2-insert-170", "bowtie2-adapters", "bowtie2-local-insert-600", "lib-chimeras-30",
        "lib-long-insert-chimeras", "lib-mate-elsewhere", "qual-bins2", "qual-none", "lib-duplicates-5",
        "lib-damage-duplicates-5", "rec-mapq20", "lib-adapters", "lib-insert-170",
    )  # fmt: skip
    out += [Mixture(BASE, second, share) for second in seconds for share in EVEN]
    out += [Mixture(BASE, "lib-damage-duplicates-5", share) for share in (0.6, 0.7)]
    out += [Mixture("lib-insert-170", "bowtie2-insert-170", share) for share in EVEN]
    out += [Mixture("lib-adapters", "bowtie2-adapters", share) for share in EVEN]
    out += [Mixture("rec-mapq20", "lib-mates-out-3000", share) for share in EVEN]
    thinned = ("lib-mates-out-3000", "bowtie2-insert-400", "rec-mapq20")
    out += [Mixture(BASE, second, share, 0.34) for second in thinned for share in EVEN]
    out += [Mixture(BASE_8X, "bowtie2-8x", share, span_bp=SPANS_BP[BASE_8X]) for share in EVEN]
    return out


def main() -> None:
    """Make, call, count, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="--work of any_reads.py; is only read")
    parser.add_argument("--output", type=Path, required=True, help="folder for mixtures and calls, kept")
    parser.add_argument("--only", default="*", help="names of mixtures, with * and ?")
    parser.add_argument("--deepcohort", type=Path, default=ROOT, help="checkout whose `call` is judged")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    print("| reads | one profile, SNP / indel | one by library |\n|---|---|---|")
    for mixture in mixtures():
        if fnmatch.fnmatchcase(mixture.name, args.only):
            pooled, own = (judge(mixture, path, args) for path in mixed(mixture, args.work, args.output))
            print(f"| {mixture.name} | {pooled} | {own} |", flush=True)


def mixed(mixture: Mixture, work: Path, output: Path) -> list[Path]:
    """BAMs of the mixture, of one LB and of two; made where they are not there yet."""
    stem = output / mixture.name.replace(" ", "_").replace("%", "").replace(",", "")
    paths = [Path(f"{stem}.{kind}.bam") for kind in ("pooled", "own")]
    if all(Path(f"{path}.bai").exists() for path in paths):
        return paths
    first, second = (quoted(work / "rows" / row / "reads.bam") for row in (mixture.first, mixture.second))
    share, thin = f"7.{round(1e4 * mixture.share):04d}", f"3.{round(1e4 * mixture.thin):04d}"
    thinned = f"samtools view -h -s {thin} -" if mixture.thin < 1 else "samtools view -h -"
    parts = [quoted(f"{stem}.{n}.bam") for n in (1, 2)]
    rename = 'awk \'BEGIN{OFS="\\t"} !/^@/{$1="b_"$1} {print}\''
    group = "samtools addreplacerg -m overwrite_all -r '@RG\\tID:l{0}\\tSM:HG002\\tLB:l{0}\\tPL:ILLUMINA' -O BAM -o {1} -"
    run(f"samtools view -u -s {share} {first} | {thinned} | {group.format(1, parts[0])}")
    rest = f"samtools view -u -s {share} -o /dev/null -U /dev/stdout {second}"
    run(f"{rest} | {thinned} | {rename} | {group.format(2, parts[1])}")
    pooled, own = map(quoted, paths)
    run(f"samtools merge -f {own} {' '.join(parts)}; samtools index {own}; rm {' '.join(parts)}")
    run(
        f"samtools view -H {own} | sed s/LB:l2/LB:l1/ | samtools reheader - {own} > {pooled}; samtools index {pooled}"
    )
    return paths


def run(command: str) -> None:
    """A shell command; ends the script where it fails."""
    done = subprocess.run(["bash", "-ceo", "pipefail", command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}\n{done.stderr}")


def judge(mixture: Mixture, bam: Path, args: argparse.Namespace) -> str:
    """FN + FP of SNPs / indels; or why there are no calls."""
    package, reference = args.deepcohort / "pytools", str(args.work / "ref" / "ref.fa")
    vcf, found = bam.with_suffix(".vcf.gz"), bam.with_suffix(".eval")
    command = [
        "call",
        "--reads",
        str(bam),
        "--reference",
        reference,
        "--sample",
        "HG002",
        "--quiet",
        "--vcf",
        str(vcf),
    ]
    for start in STARTS:
        command += ["--region", f"chr20:{start + 1}-{start + mixture.span_bp}"]
    planted = args.work / "planted" / str(mixture.span_bp)
    evaluate = [
        "evaluate",
        "--vcf",
        str(vcf),
        "--truth",
        str(planted / "truth.vcf.gz"),
        "--reference",
        reference,
    ]
    evaluate += [
        "--confident",
        str(planted / "confident.bed"),
        "--decompose",
        "--quiet",
        "--output",
        str(found),
    ]
    failure = ask(package, command, LIMIT_S) or ask(ROOT / "pytools", evaluate, LIMIT_S)
    if failure:
        return failure
    with open(found / "summary.tsv") as lines:
        kinds = {row["type"]: row for row in csv.DictReader(lines, delimiter="\t")}
    return " / ".join(str(int(kinds[kind]["FN"]) + int(kinds[kind]["FP"])) for kind in ("SNP", "INDEL"))


if __name__ == "__main__":
    main()
