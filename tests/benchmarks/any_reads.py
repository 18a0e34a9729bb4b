#!/usr/bin/env python3
"""Errors on whatever reads come: libraries, aligners, qualities, lengths and depths, beside the peers.

    any_reads.py --work DIR                                     all rows, all callers, table on stdout
    any_reads.py --work DIR --seeds 1,2                         two draws of the reads, errors summed over both
    any_reads.py --work DIR --callers deepcohort --jobs 2       our calls anew, peers from DIR
    any_reads.py --work DIR --callers deepcohort --rows 'lib-*,bowtie2*' --deepcohort CHECKOUT --model FILE

HG002's variants are planted in two regions of GRCh38 chr20 and read by libraries of every kind (qualities and rates of
errors of art_illumina); real reads are taken as they are, thinned and aligned anew. One factor at a time leaves the
base (150 bp, 30x, insert 400, bwa mem); aligner and insert are crossed. Errors are FN + FP of `deepcohort evaluate`.
Another seed draws other reads of the same haplotypes and thins real reads otherwise; whole real reads have one seed.

Needs samtools, bcftools, freebayes, bgzip, tabix, art_illumina and the aligners (bwa, bowtie2, minimap2, hisat2,
snap-aligner) on PATH; GATK through the GATK variable (a launcher), left out where unset. Real data come from
DEEPCOHORT_DATA. Reads, peers' calls and their errors are kept in DIR and made once.
"""

import argparse
import csv
import fnmatch
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from accuracy import CallSet, quoted
from any_reads_rows import Row, all_rows
from any_reads_sets import locked, make_set
from any_reads_table import CALLERS, Errors, kept_errors, result_file, table, write_tsv
from any_reads_worker import ask

ROOT = Path(__file__).resolve().parents[2]
BCFTOOLS_PRESETS = {"hifi": "-X pacbio-ccs", "ont": "-X ont"}
LIMIT_S = 900  # of one caller on one row


def main() -> None:
    """Parse, make reads, call, evaluate, print the table."""
    args = parse()
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ["PYTHONPATH"] = str(ROOT / "pytools")
    patterns = args.rows.split(",")
    known = {seed: all_rows(seed) for seed in args.seeds}
    rows = [r for r in known[args.seeds[0]] if any(fnmatch.fnmatchcase(r.name, p) for p in patterns)]
    if args.list:
        print("\n".join(f"{row.name}\t{'main' if row.main else ''}" for row in rows))
        return
    names = {row.name for row in rows}
    args.work.mkdir(parents=True, exist_ok=True)
    if args.callers:
        wanted = [row for seed in args.seeds for row in known[seed] if row.name in names]
        with ThreadPoolExecutor(args.jobs) as pool:
            for row, message in zip(wanted, pool.map(lambda row: attempt(row, args), wanted), strict=True):
                print(f"{row.folder}: {message}", file=sys.stderr, flush=True)
    names |= {row.base for row in rows}
    kept = [row for seed in args.seeds for row in known[seed] if row.name in names]
    found = kept_errors(kept, args.work, args.tag)
    lines = table(rows, found)
    print("\n".join(lines))
    if args.table:
        args.table.write_text("\n".join(lines) + "\n")
        write_tsv(args.table.with_suffix(".tsv"), rows, found)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for reads and calls, kept")
    parser.add_argument("--rows", default="*", help="names of rows, with * and ?, comma-separated")
    parser.add_argument(
        "--seeds", default="1", help="of the draws of reads, comma-separated; the first names the rows"
    )
    parser.add_argument("--callers", default=",".join(CALLERS), help="empty: only the table of what is kept")
    parser.add_argument("--redo", default="deepcohort", help="callers to run again where calls exist")
    parser.add_argument(
        "--deepcohort", type=Path, default=ROOT, help="checkout whose `deepcohort call` is judged"
    )
    parser.add_argument("--model", default="", help="passed to `deepcohort call` on Illumina rows")
    parser.add_argument("--options", default="", help="more options for `deepcohort call`")
    parser.add_argument("--tag", default="", help="keeps several of our states apart in --work")
    parser.add_argument("--jobs", type=int, default=1, help="rows at a time")
    parser.add_argument("--table", type=Path, help="also write the table here, and a .tsv beside it")
    parser.add_argument("--list", action="store_true", help="print names of rows and end")
    args = parser.parse_args()
    unknown = set(args.callers.split(",")) - {*CALLERS, ""}
    if unknown:
        parser.error(f"no such caller: {', '.join(sorted(unknown))}")
    if not all(seed.isdigit() and int(seed) for seed in args.seeds.split(",")):
        parser.error(f"--seeds {args.seeds}: not numbers above 0, comma-separated")
    args.seeds = list(dict.fromkeys(map(int, args.seeds.split(","))))
    args.work, args.deepcohort = args.work.resolve(), args.deepcohort.resolve()
    if args.model:
        args.model = str(Path(args.model).resolve())
    return args


# one row


def attempt(row: Row, args: argparse.Namespace) -> str:
    """Make the row's reads and calls; a word on how it went, for the log."""
    begun = time.monotonic()
    try:
        item = make_set(row, args.work)
    except SystemExit as stop:
        return f"no reads: {str(stop).strip().splitlines()[-1]}"
    said = [f"reads {time.monotonic() - begun:.0f} s"]
    for caller in args.callers.split(","):
        if caller == "gatk" and not (row.main and "GATK" in os.environ):
            continue
        kept = result_file(row, args.work, caller, args.tag)
        if kept.exists() and caller not in args.redo.split(","):
            continue
        begun = time.monotonic()
        result = judge(row, item, caller, kept.parent, args)
        kept.write_text(json.dumps(vars(result)))
        word = result.failure or f"{result.total(0)}/{result.total(1)}"
        said.append(f"{caller} {word} {time.monotonic() - begun:.0f} s")
    return ", ".join(said)


def judge(row: Row, item: CallSet, caller: str, folder: Path, args: argparse.Namespace) -> Errors:
    """Call and count."""
    tag = args.tag if caller == "deepcohort" else ""
    out = folder / f"{caller}{tag}.vcf.gz"
    for old in (out, Path(f"{out}.tbi")):
        old.unlink(missing_ok=True)
    if caller == "deepcohort":
        failure = our_calls(row, item, out, args)
    else:
        command = peer_command(row, item, caller, out)
        failure = outcome(f"{command}; [ -e {quoted(out)}.tbi ] || tabix -f {quoted(out)}")
    evaluated = folder / f"{caller}{tag}.eval"
    failure = failure or ask(
        ROOT / "pytools",
        ["evaluate", "--vcf", str(out), "--truth", str(item.truth), "--confident", str(item.confident), "--reference",
         str(item.reference), "--decompose", "--quiet", "--threads", "1", "--output", str(evaluated)],
        LIMIT_S,
    )  # fmt: skip
    if failure:
        return Errors(failure=failure)
    with open(evaluated / "summary.tsv") as lines:
        kinds = {row["type"]: row for row in csv.DictReader(lines, delimiter="\t")}
    shutil.copy(evaluated / "annotated.vcf.gz", folder / f"{caller}{tag}.annotated.vcf.gz")
    shutil.rmtree(evaluated)
    counts = [[int(kinds[k][c]) for k in ("SNP", "INDEL")] for c in ("TP_truth", "FN", "FP")]
    truth = (counts[0][0] + counts[1][0], counts[0][1] + counts[1][1])
    return Errors(truth, (counts[1][0], counts[1][1]), (counts[2][0], counts[2][1]))


def our_calls(row: Row, item: CallSet, out: Path, args: argparse.Namespace) -> str:
    """Write `out` by the judged checkout; empty when it went well, else why not."""
    package, reference = args.deepcohort / "pytools", str(item.reference)
    if row.platform == "illumina":
        with locked(item.reference.with_name(f".{item.reference.name}.paralogs.lock")):
            if not Path(f"{reference}.paralogs.tsv.gz").exists():
                failure = ask(package, ["paralogs", "--reference", reference, "--quiet"], LIMIT_S)
                if failure:
                    return failure
    command = ["call", "--reads", str(item.bam), "--reference", reference, "--sample", item.sample, "--quiet"]
    command += ["--platform", row.platform, "--vcf", str(out), *shlex.split(args.options)]
    for region in item.region.split(","):
        command += ["--region", region]
    if args.model and row.platform == "illumina":
        command += ["--model", args.model]
    return ask(package, command, LIMIT_S)


def peer_command(row: Row, item: CallSet, caller: str, out: Path) -> str:
    """Shell command that writes `out` by a peer with its defaults for the platform."""
    bam, ref, regions = quoted(item.bam), quoted(item.reference), item.region.split(",")
    if caller == "bcftools":
        preset = BCFTOOLS_PRESETS.get(row.platform, "")
        pileup = f"bcftools mpileup {preset} -Ou -a AD,DP -f {ref} -r {item.region} {bam}"
        return f"{pileup} | bcftools call -mv -Oz -o {quoted(out)}"
    if caller == "freebayes":
        bed = out.with_suffix(".bed")
        spans = [(r.split(":")[0], *map(int, r.split(":")[1].split("-"))) for r in regions]
        bed.write_text("".join(f"{c}\t{a - 1}\t{b}\n" for c, a, b in spans))
        return f"freebayes -f {ref} -t {quoted(bed)} {bam} | bcftools sort -T {quoted(out)}.tmp -Oz -o {quoted(out)}"
    spans = " ".join(f"-L {r}" for r in regions)
    dictionary = quoted(item.reference.with_suffix(".dict"))
    return (
        f"[ -e {dictionary} ] || samtools dict {ref} > {dictionary};"
        f"{os.environ['GATK']} HaplotypeCaller -R {ref} -I {bam} {spans} -O {quoted(out)} --native-pair-hmm-threads 1"
    )


def outcome(command: str) -> str:
    """Run a shell command; empty when it went well, else the last line it said."""
    done = subprocess.run(
        ["timeout", str(LIMIT_S), "bash", "-ceo", "pipefail", command],
        capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    if done.returncode == 124:
        return f"more than {LIMIT_S} s"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return f"failed: {lines[-1] if lines else done.returncode}" if done.returncode else ""


if __name__ == "__main__":
    main()
