#!/usr/bin/env python3
"""Accuracy beside the peers on real and planted reads, counted by `deepcohort evaluate`.

    accuracy.py real    --work DIR    HG002 30x (real reads, never trained on) at 30x, 15x, 10x, 7x
    accuracy.py planted --work DIR    HG002 variants planted in GRCh38 chr20:6-8 Mb, read by
                                      art_illumina (HS25, 2x150), aligned by bwa mem, 30x, 15x, 10x

Needs samtools, bcftools, freebayes, bgzip, tabix and for `planted` art_illumina and bwa on PATH;
GATK through the GATK variable (a launcher), left out where unset. Real data come from DEEPCOHORT_DATA.
Everything made is kept in DIR, so that a second run repeats only the callers named by --redo.
"""

import argparse
import csv
import gzip
import os
import random
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("DEEPCOHORT_DATA", ROOT.parent / "shared" / "data"))
PEERS = ("bcftools", "freebayes", "gatk")
CALLERS = (*PEERS, "deepcohort")


@dataclass(frozen=True)
class CallSet:
    """Reads of one depth and what to hold calls of them against."""

    name: str
    bam: Path
    reference: Path
    region: str
    truth: Path
    confident: Path
    sample: str


def run(command: str) -> None:
    """Run a shell command; its output goes to stderr only when it fails."""
    done = subprocess.run(
        ["bash", "-ceo", "pipefail", command], capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        sys.exit(f"failed: {command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def quoted(path: Path) -> str:
    """`path` for a shell."""
    return shlex.quote(str(path))


def real_sets(work: Path) -> list[CallSet]:
    """HG002 reads at four depths by samtools' seeded subsampling."""
    source = DATA / "hg002_illumina_30x"
    reference = work / "b37.20.fa"  # freebayes reads no bgzipped FASTA
    if not reference.exists():
        run(
            f"bgzip -dc {quoted(source / 'b37.20.fa.gz')} > {quoted(reference)}; samtools faidx {quoted(reference)}"
        )
    sets = []
    for depth, fraction in (("30x", None), ("15x", "42.5"), ("10x", "42.333333"), ("7x", "42.25")):
        bam = source / "HG002.bam"
        if fraction:
            bam = work / f"HG002.{depth}.bam"
            if not bam.exists():
                run(
                    f"samtools view -b -s {fraction} -o {quoted(bam)} {quoted(source / 'HG002.bam')}; samtools index {quoted(bam)}"
                )
        sets.append(
            CallSet(
                f"hg002_{depth}", bam, reference, "20:10000001-10100000",
                source / "HG002.truth.vcf.gz", source / "HG002.confident.bed", "HG002",
            )
        )  # fmt: skip
    return sets


def long_sets(work: Path, platform: str, genome: Path) -> tuple[list[CallSet], list[CallSet]]:
    """(real reads with truth, planted ones) of a long-read platform; `genome`: GRCh38 chr20, first 10 Mb."""
    work.mkdir(parents=True, exist_ok=True)
    known = DATA / "grch38_chr20_chr21" / "HG002.v4.2.1.chr20_1_8M"
    truth, confident = Path(f"{known}.vcf.gz"), Path(f"{known}.bed")
    ont = DATA / "hg002_ont_r10"
    masked = ont / "GRCh38.chr20.masked.fa.gz"
    real = []
    if platform == "ont":
        region, near = "chr20:5050001-5075000", work / "truth.vcf.gz"  # the reference has N elsewhere
        run(f"bcftools view -r {region} -Oz -o {quoted(near)} {quoted(truth)}; tabix -f {quoted(near)}")
        real = [
            CallSet(f"ont_{depth}", bam, masked, region, near, confident, "HG002")
            for depth, bam in thinned(work, ont / "HG002.bam", {"50x": "", "25x": "42.5", "12x": "42.25"})
        ]
    made = work / "planted"
    if not made.exists():
        run(
            f"deepcohort simulate --reference {quoted(genome)} --region chr20:6000001-6500000 --samples 1"
            f" --plant {quoted(truth)} --platform {platform} --coverage 30 --seed 9999 --output {quoted(made)} --quiet"
        )
    planted = [
        CallSet(
            f"planted_{depth}", bam, made / "reference.fa", "chr20:1-500000", made / "HG002.truth.vcf.gz",
            made / "HG002.confident.bed", "HG002",
        )
        for depth, bam in thinned(work, made / "HG002.bam", {"30x": "", "12x": "42.4"})
    ]  # fmt: skip
    return real, planted


def thinned(work: Path, source: Path, depths: dict[str, str]) -> list[tuple[str, Path]]:
    """(name, BAM) of each depth; the value is what `samtools view -s` takes, empty for all reads."""
    found = []
    for name, fraction in depths.items():
        bam = work / f"{source.parent.name}.{name}.bam" if fraction else source
        if not bam.exists():
            run(
                f"samtools view -b -s {fraction} -o {quoted(bam)} {quoted(source)}; samtools index {quoted(bam)}"
            )
        found.append((name, bam))
    return found


def plant(work: Path, first: int, last: int) -> tuple[Path, Path, Path]:
    """Two haplotypes of chr20:first-last (1-based) with HG002's variants, the truth and the reference."""
    source = DATA / "grch38_chr20_chr21"
    reference, truth = work / "ref.fa", work / "truth.vcf.gz"
    if not truth.exists():
        run(
            f"samtools faidx {quoted(source / 'GRCh38.chr20_chr21.10M.fa.gz')} chr20 > {quoted(reference)};"
            f"samtools faidx {quoted(reference)}; bwa index {quoted(reference)}"
        )
        rng = random.Random(1)
        out, reached = [], 0
        with gzip.open(source / "HG002.v4.2.1.chr20_1_8M.vcf.gz", "rt") as lines:
            for line in lines:
                if line.startswith("##"):
                    # the slice is shorter than the chromosome that the truth's header names
                    out += [] if line.startswith("##contig") else [line]
                    continue
                if line.startswith("#"):
                    length = Path(f"{reference}.fai").read_text().split("\t")[1]
                    out.append(f"##contig=<ID=chr20,length={length}>\n")
                    out.append("\t".join([*line.split("\t")[:9], "HG002"]) + "\n")
                    continue
                field = line.rstrip("\n").split("\t")
                pos = int(field[1])
                # bcftools consensus cannot apply overlapping records: they are not planted
                if not first + 500 <= pos <= last - 500 or pos <= reached:
                    continue
                reached = pos + len(field[3])
                alleles = field[9].split(":")[0].replace("/", "|").split("|")
                rng.shuffle(alleles)
                out.append("\t".join([*field[:8], "GT", "|".join(alleles)]) + "\n")
        plain = work / "truth.vcf"
        plain.write_text("".join(out))
        for hap in (1, 2):
            run(
                f"bgzip -kf {quoted(plain)}; tabix -f {quoted(truth)};"
                f"samtools faidx {quoted(reference)} chr20:{first}-{last} |"
                f"bcftools consensus -H {hap} {quoted(truth)} > {quoted(work / f'hap{hap}.fa')}"
            )
        (work / "confident.bed").write_text(f"chr20\t{first + 999}\t{last - 1000}\n")
    return reference, truth, work / "confident.bed"


def planted_sets(work: Path, region: str) -> list[CallSet]:
    """ART reads of the planted haplotypes at three depths, aligned by bwa mem."""
    span = region.split(":")[1]
    first, last = (int(x) for x in span.split("-"))
    reference, truth, confident = plant(work, first, last)
    bam30 = work / "art.30x.bam"
    if not bam30.exists():
        for hap in (1, 2):
            run(
                f"cd {quoted(work)}; art_illumina -q -ss HS25 -i hap{hap}.fa -p -l 150 -f 15 -m 400 -s 80"
                f" -rs {hap} -na -o art{hap}_ -d h{hap}_"
            )
        run(
            f"cd {quoted(work)}; bwa mem -t 1 -R '@RG\\tID:a\\tSM:HG002\\tPL:ILLUMINA' ref.fa"
            " <(cat art1_1.fq art2_1.fq) <(cat art1_2.fq art2_2.fq) 2> bwa.log |"
            " samtools sort -o art.30x.bam - 2> sort.log; samtools index art.30x.bam; rm -f art?_?.fq"
        )
    sets = []
    for depth, fraction in (("30x", None), ("15x", "42.5"), ("10x", "42.333333")):
        bam = work / f"art.{depth}.bam"
        if fraction and not bam.exists():
            run(
                f"samtools view -b -s {fraction} -o {quoted(bam)} {quoted(bam30)}; samtools index {quoted(bam)}"
            )
        sets.append(CallSet(f"planted_{depth}", bam, reference, region, truth, confident, "HG002"))
    return sets


def call(caller: str, item: CallSet, out: Path, options: str) -> None:
    """Write `out` (vcf.gz with index) by `caller`, with its defaults."""
    bam, ref = quoted(item.bam), quoted(item.reference)
    contig, span = item.region.split(":")
    start, end = span.split("-")
    commands = {
        "bcftools": f"bcftools mpileup -Ou -a AD,DP -f {ref} -r {item.region} {bam} | bcftools call -mv -Oz -o {quoted(out)}",
        "freebayes": f"freebayes -f {ref} -r {contig}:{int(start) - 1}-{end} {bam} | bgzip -c > {quoted(out)}",
        "gatk": f"{os.environ.get('GATK', 'gatk')} HaplotypeCaller -R {ref} -I {bam} -L {item.region} -O {quoted(out)}"
        " --native-pair-hmm-threads 1",
        "deepcohort": f"deepcohort call --reads {bam} --reference {ref} --region {item.region} --sample {item.sample}"
        f" --gvcf {quoted(out.with_name(out.name.replace('.vcf.gz', '.g.vcf.gz')))} --vcf {quoted(out)} {options}",
    }
    if caller == "deepcohort" and not Path(f"{item.reference}.paralogs.tsv.gz").exists():
        run(f"deepcohort paralogs --reference {ref} --quiet")
    dictionary = item.reference.with_suffix(".dict")
    if caller == "gatk" and not dictionary.exists():
        run(f"samtools dict {ref} > {quoted(dictionary)}")
    run(f"{commands[caller]}; [ -e {quoted(out)}.tbi ] || tabix -f {quoted(out)}")


def errors(item: CallSet, calls: Path, folder: Path) -> dict[str, dict[str, str]]:
    """Rows of evaluate's summary.tsv by type."""
    run(
        f"deepcohort evaluate --vcf {quoted(calls)} --truth {quoted(item.truth)} --confident {quoted(item.confident)}"
        f" --reference {quoted(item.reference)} --decompose --output {quoted(folder)}"
    )
    with open(folder / "summary.tsv") as lines:
        return {row["type"]: row for row in csv.DictReader(lines, delimiter="\t")}


def main() -> None:
    """Parse, call, evaluate, print one row per set and caller."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", choices=["real", "planted"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--region", default="chr20:6000001-8000000", help="planted stretch")
    parser.add_argument("--callers", default=",".join(CALLERS))
    parser.add_argument("--redo", default="deepcohort", help="callers to run again")
    parser.add_argument("--options", default="", help="more options for deepcohort call")
    parser.add_argument("--tag", default="", help="suffix of this run's deepcohort files")
    args = parser.parse_args()
    work = (args.work / args.sets).resolve()
    work.mkdir(parents=True, exist_ok=True)
    items = real_sets(work) if args.sets == "real" else planted_sets(work, args.region)
    print("set\tcaller\ttype\tTP_truth\tFN\tTP_call\tFP\terrors")
    for item in items:
        for caller in args.callers.split(","):
            tag = args.tag if caller == "deepcohort" else ""
            out = work / f"{item.name}.{caller}{tag}.vcf.gz"
            if caller in args.redo.split(",") or not out.exists():
                Path(f"{out}.tbi").unlink(missing_ok=True)
                call(caller, item, out, args.options)
            rows = errors(item, out, work / f"{item.name}.{caller}{tag}.eval")
            for kind in ("SNP", "INDEL"):
                r = rows[kind]
                total = int(r["FN"]) + int(r["FP"])
                print(
                    item.name,
                    caller + tag,
                    kind,
                    r["TP_truth"],
                    r["FN"],
                    r["TP_call"],
                    r["FP"],
                    total,
                    sep="\t",
                    flush=True,
                )


if __name__ == "__main__":
    main()
