"""Reproduce the GIAB benchmarks from files at hand: HG001 to HG007 against v4.2.1, HG002 against T2T-Q100, by strata.

    python tests/benchmarks/giab.py --data FOLDER --output giab [--samples HG002 HG003] [--dry-run]

Looks in FOLDER for the files that docs/giab.md names, writes samplesheet, parameters and manifest, and runs
pipeline, evaluation and report. What is finished is not done again. --dry-run writes the files, prints the commands and
stops. Exit code 2 and a line per file that is missing.
"""

import argparse
import csv
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# sample -> sex, family, father, mother, and how the BED of v4.2.1 ends
PEOPLE = {
    "HG001": ("XX", "", "", "", "benchmark.bed"),
    "HG002": ("XY", "ashkenazim", "HG003", "HG004", "benchmark_noinconsistent.bed"),
    "HG003": ("XY", "ashkenazim", "", "", "benchmark_noinconsistent.bed"),
    "HG004": ("XX", "ashkenazim", "", "", "benchmark_noinconsistent.bed"),
    "HG005": ("XY", "chinese", "HG006", "HG007", "benchmark.bed"),
    "HG006": ("XY", "chinese", "", "", "benchmark.bed"),
    "HG007": ("XX", "chinese", "", "", "benchmark.bed"),
}
READS = "{sample}.novaseq.pcr-free.35x.dedup.grch38_no_alt.bam"
TRUTH = "{sample}_GRCh38_1_22_v4.2.1_benchmark.vcf.gz"
BED = "{sample}_GRCh38_1_22_v4.2.1_{ending}"
Q100 = ("GRCh38_HG2-T2TQ100-V1.1_smvar.vcf.gz", "GRCh38_HG2-T2TQ100-V1.1_smvar.benchmark.bed")
REFERENCES = (
    "GCA_000001405.15_GRCh38_no_alt_analysis_set.fasta",
    "GCA_000001405.15_GRCh38_no_alt_analysis_set.fna",
    "GRCh38_no_alt_analysis_set.fasta",
)
STRATA = ("GRCh38-all-stratifications.tsv", "GRCh38@all/GRCh38-all-stratifications.tsv")


@dataclass(frozen=True)
class Truth:
    """A truth set of one sample."""

    name: str
    sample: str
    vcf: Path
    bed: Path


@dataclass(frozen=True)
class Plan:
    """Everything a run needs."""

    reference: Path
    reads: dict[str, Path]
    truths: list[Truth]
    strata: Path | None


def find(data: Path, samples: list[str], reads: str, problems: list[str]) -> Plan:
    """Files of `samples` in folder `data`; a line in `problems` for each that is missing."""

    def one(names: tuple[str, ...], companions: tuple[str, ...] = ()) -> Path:
        found = [data / name for name in names if (data / name).exists()]
        if not found:
            problems.append(f"{data} lacks {' or '.join(names)}")
            return data / names[0]
        if companions and not any(Path(f"{found[0]}{suffix}").exists() for suffix in companions):
            problems.append(f"{found[0]} lacks its index ({found[0].name}{companions[0]})")
        return found[0]

    index = (".tbi", ".csi")
    truths = []
    bams = {}
    for sample in samples:
        name = reads.format(sample=sample)
        bams[sample] = one((name, name.replace(".bam", ".cram")), (".bai", ".csi", ".crai"))
        bed = BED.format(sample=sample, ending=PEOPLE[sample][4])
        plain = BED.format(sample=sample, ending="benchmark.bed")
        beds = tuple(dict.fromkeys((bed, f"{bed}.gz", plain, f"{plain}.gz")))
        truths.append(Truth("v4.2.1", sample, one((TRUTH.format(sample=sample),), index), one(beds)))
    if "HG002" in samples and (data / Q100[0]).exists():
        truths.append(Truth("T2T-Q100", "HG002", one((Q100[0],), index), one((Q100[1], f"{Q100[1]}.gz"))))
    strata = next((data / name for name in STRATA if (data / name).exists()), None)
    return Plan(one(REFERENCES), bams, truths, strata)


def write(plan: Plan, output: Path) -> None:
    """Samplesheet, parameters and the manifest of what will be evaluated."""
    output.mkdir(parents=True, exist_ok=True)
    with open(output / "samplesheet.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("sample", "reads", "sex", "platform", "family", "father", "mother"))
        for sample, bam in plan.reads.items():
            sex, family, *parents, _ = PEOPLE[sample]
            parents = [parent if parent in plan.reads else "" for parent in parents]
            rows.writerow((sample, bam.resolve(), sex, "illumina", family, *parents))
    parameters = {
        "samplesheet": str((output / "samplesheet.csv").resolve()),
        "reference": str(plan.reference.resolve()),
        "outdir": str((output / "results").resolve()),
    }
    (output / "params.json").write_text(json.dumps(parameters, indent=1) + "\n")
    with open(output / "manifest.tsv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(("name", "calls", "truth", "confident", "sample", "depth"))
        for truth in plan.truths:
            calls = (output / "results" / "samples" / truth.sample / f"{truth.sample}.vcf.gz").resolve()
            name = f"{truth.sample}_{truth.name}"
            table.writerow((name, calls, truth.vcf.resolve(), truth.bed.resolve(), truth.sample, "35"))


def commands(plan: Plan, output: Path, binaries: Path) -> list[list[str]]:
    """What is run, in order."""
    deepcohort = str(binaries / "deepcohort")
    pipeline = [
        str(binaries / "nextflow"),
        "run",
        str(REPOSITORY),
        "-params-file",
        str(output / "params.json"),
    ]
    pipeline += ["-work-dir", str(output / "work"), "-resume"]
    evaluation = [
        deepcohort,
        "evaluate",
        "--manifest",
        str(output / "manifest.tsv"),
        "-R",
        str(plan.reference),
    ]
    if plan.strata is not None:
        evaluation += ["--stratification", str(plan.strata)]
    evaluation += ["-o", str(output / "evaluation")]
    content = str(output / "content")
    report = [deepcohort, "report", "--evaluation", str(output / "evaluation"), "-o", content]
    config = str(REPOSITORY / "assets" / "multiqc_config.yml")
    page = [
        str(binaries / "multiqc"),
        "--force",
        "--config",
        config,
        "--outdir",
        str(output / "report"),
        content,
    ]
    return [pipeline, evaluation, report, page]


def main() -> int:
    """Check, write, run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds the files of docs/giab.md"
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--samples", nargs="+", choices=list(PEOPLE), default=list(PEOPLE))
    parser.add_argument("--reads", default=READS, help="name of the BAMs, with {sample}")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    problems: list[str] = []
    plan = find(options.data, options.samples, options.reads, problems)
    if problems:
        print("\n".join(f"giab: error: {problem}" for problem in problems), file=sys.stderr)
        return 2
    for absent, what in ((plan.strata, STRATA[0]), (len(plan.truths) > len(plan.reads) or None, Q100[0])):
        if absent is None:
            print(f"giab: without {what}", file=sys.stderr)
    write(plan, options.output)
    for command in commands(plan, options.output, REPOSITORY / ".venv" / "bin"):
        print(shlex.join(command), flush=True)
        if not options.dry_run:
            subprocess.run(command, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
