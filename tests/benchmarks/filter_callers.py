#!/usr/bin/env python3
"""What `deepcohort filter` does to calls of bcftools, freebayes and GATK on planted reads.

    filter_callers.py --dev DIR --report DIR --work DIR

DIRs are made by `accuracy.py planted` (reads of variants planted in two stretches of chr20; GATK's calls
too where the GATK variable is set there). Filters are trained on --dev; numbers are of --report, counted
by `deepcohort evaluate`. Two callers are also run wide open, so that many of their records are wrong:
bcftools with `-q 0 -Q 5` and `call -P 0.05`, freebayes with `-C 1 -F 0.1 -m 0 -q 3`. Needs bcftools,
freebayes, bgzip and tabix. What is made is kept in --work.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

CALLERS = {
    "bcftools": "",
    "freebayes": "freebayes -f {ref} -r {region0} {bam} | bgzip -c > {out}",
    "GATK": "",
    "bcftools, open": "bcftools mpileup -Ou -q 0 -Q 5 -a AD,DP -f {ref} -r {region} {bam} "
    "| bcftools call -mv -P 0.05 -Oz -o {out}",
    "freebayes, open": "freebayes -f {ref} -r {region0} -C 1 -F 0.1 -m 0 -q 3 {bam} | bgzip -c > {out}",
}


def shell(command: str) -> None:
    """Run a command; stop with its last words if it fails."""
    done = subprocess.run(["bash", "-ceo", "pipefail", command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"failed: {command}\n{done.stderr[-2000:]}")


def region_of(folder: Path) -> str:
    """The planted stretch: the confident regions and 1 kb on both sides."""
    rows = [line.split() for line in (folder / "confident.bed").read_text().splitlines() if line]
    return f"{rows[0][0]}:{int(rows[0][1]) - 999}-{int(rows[-1][2]) + 1000}"


def calls(folder: Path, depth: str, caller: str, work: Path) -> Path:
    """Indexed calls of one caller, made if they are not there."""
    made = folder / f"planted_{depth}.{caller.lower()}.vcf.gz"
    out = made if made.exists() else work / f"{folder.parent.name}.{depth}.{caller.replace(', ', '_')}.vcf.gz"
    if not out.exists():
        if not CALLERS[caller]:
            sys.exit(f"{made} is missing; run accuracy.py planted")
        contig, span = region_of(folder).split(":")
        start, end = span.split("-")
        words = {
            "ref": folder / "ref.fa",
            "bam": folder / f"art.{depth}.bam",
            "region": f"{contig}:{start}-{end}",
            "region0": f"{contig}:{int(start) - 1}-{end}",
            "out": out,
        }
        shell(CALLERS[caller].format(**words) + f" && tabix -p vcf {out}")
    return out


def deepcohort(*words: object) -> None:
    """Run the command."""
    subprocess.run([sys.executable, "-m", "deepcohort.cli", *map(str, words)], check=True)


def score(vcf: Path, folder: Path, out: Path, by: str) -> dict[str, tuple[float, float]]:
    """F1 of what passes, and the area under precision and recall of everything by QUAL or DC_SCORE."""
    scored = vcf
    if by != "QUAL":  # evaluate reads QUAL: put the score there (shifted, QUAL is not negative)
        scored = out.parent / f"{out.name}.score.vcf.gz"
        text = subprocess.run(["bgzip", "-dc", vcf], capture_output=True, text=True, check=True).stdout
        rows = []
        for line in text.splitlines():
            fields = line.split("\t")
            if not line.startswith("#"):
                value = [x for x in fields[7].split(";") if x.startswith("DC_SCORE=")]
                fields[5] = f"{100 + float(value[0][9:]):.3f}" if value else "100"
            rows.append("\t".join(fields))
        plain = scored.with_suffix("")
        plain.write_text("\n".join(rows) + "\n")
        shell(f"bgzip -f {plain} && tabix -f -p vcf {scored}")
    found: dict[str, list[float]] = {}
    for mode in ((), ("--all-records",)):
        deepcohort(
            "evaluate", "--vcf", scored, "--truth", folder / "truth.vcf.gz", "--confident",
            folder / "confident.bed", "--reference", folder / "ref.fa", "--output", out, "--quiet", *mode,
        )  # fmt: skip
        with open(out / "summary.tsv") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                found.setdefault(row["type"], []).append(float(row["auprc_qual" if mode else "f1"]))
    return {kind: (values[0], values[1]) for kind, values in found.items()}


def main() -> None:
    """Train, filter, count, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--depths", nargs="+", default=["10x", "30x"])
    parser.add_argument("--callers", nargs="+", default=list(CALLERS), choices=list(CALLERS))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print("| calls | depth | | F1 | default | trained | PR area, QUAL | default | trained |")
    print("|---|---|---|---|---|---|---|---|---|")
    for caller in options.callers:
        name = caller.replace(", ", "_")
        trained = options.work / f"{name}.dcfilter"
        manifest = options.work / f"{name}.tsv"
        rows = ["vcf\treads\ttruth\tconfident"]
        for depth in options.depths:
            made = calls(options.dev, depth, caller, options.work)
            rows.append(
                f"{made.resolve()}\t{(options.dev / f'art.{depth}.bam').resolve()}\t"
                f"{(options.dev / 'truth.vcf.gz').resolve()}\t{(options.dev / 'confident.bed').resolve()}"
            )
        manifest.write_text("\n".join(rows) + "\n")
        if not trained.exists():
            deepcohort(
                "filter", "--train", trained, "--manifest", manifest, "--reference", options.dev / "ref.fa"
            )
        for depth in options.depths:
            vcf = calls(options.report, depth, caller, options.work)
            reads = options.report / f"art.{depth}.bam"
            base = ("filter", "--vcf", vcf, "--reads", reads, "--reference", options.report / "ref.fa")
            results = [score(vcf, options.report, options.work / "ev", "QUAL")]
            for how, more in (("default", ()), ("trained", ("--trained", trained))):
                out = options.work / f"{name}.{depth}.{how}.vcf.gz"
                deepcohort(*base, "--output", out, *more)
                results.append(score(out, options.report, options.work / "ev", "DC_SCORE"))
            for kind in ("SNP", "INDEL"):
                cells = [f"{r[kind][0]:.4f}" for r in results] + [f"{r[kind][1]:.4f}" for r in results]
                print(f"| {caller} | {depth} | {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
