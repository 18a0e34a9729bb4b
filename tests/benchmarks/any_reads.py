#!/usr/bin/env python3
"""Errors on whatever reads come: libraries, aligners, qualities, lengths and depths, beside the peers.

    any_reads.py --work DIR                                     all rows, all callers, table on stdout
    any_reads.py --work DIR --callers deepcohort --jobs 2       our calls anew, peers from DIR
    any_reads.py --work DIR --callers deepcohort --rows 'lib-*,bowtie2*' --deepcohort CHECKOUT --model FILE

HG002's variants are planted in two regions of GRCh38 chr20 and read by libraries of every kind (qualities and rates of
errors of art_illumina); real reads are taken as they are, thinned and aligned anew. One factor at a time leaves the
base (150 bp, 30x, insert 400, bwa mem); aligner and insert are crossed. Errors are FN + FP of `deepcohort evaluate`.

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
from dataclasses import dataclass
from pathlib import Path

from accuracy import CallSet, quoted
from any_reads_rows import Row, all_rows
from any_reads_sets import locked, make_set
from any_reads_worker import ask

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("bcftools", "freebayes", "gatk")
CALLERS = (*PEERS, "deepcohort")
BCFTOOLS_PRESETS = {"hifi": "-X pacbio-ccs", "ont": "-X ont"}
LIMIT_S = 900  # of one caller on one row


@dataclass(frozen=True)
class Errors:
    """Of one caller on one row, by SNP and INDEL: (true records, missed, false); or why there are none."""

    truth: tuple[int, int] = (0, 0)
    missed: tuple[int, int] = (0, 0)
    false: tuple[int, int] = (0, 0)
    failure: str = ""

    def total(self, kind: int) -> int:
        """FN + FP of SNPs (0) or indels (1)."""
        return self.missed[kind] + self.false[kind]


def main() -> None:
    """Parse, make reads, call, evaluate, print the table."""
    args = parse()
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ["PYTHONPATH"] = str(ROOT / "pytools")
    patterns = args.rows.split(",")
    rows = [row for row in all_rows() if any(fnmatch.fnmatchcase(row.name, p) for p in patterns)]
    if args.list:
        print("\n".join(f"{row.name}\t{'main' if row.main else ''}" for row in rows))
        return
    args.work.mkdir(parents=True, exist_ok=True)
    if args.callers:
        with ThreadPoolExecutor(args.jobs) as pool:
            for row, message in zip(rows, pool.map(lambda row: attempt(row, args), rows), strict=True):
                print(f"{row.name}: {message}", file=sys.stderr, flush=True)
    found = {row.name: kept_errors(row, args.work, args.tag) for row in rows}
    bases = {row.base for row in rows} - set(found)
    known = {row.name: row for row in all_rows()}
    found |= {name: kept_errors(known[name], args.work, args.tag) for name in bases if name in known}
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


def result_file(row: Row, work: Path, caller: str, tag: str) -> Path:
    """Where a caller's errors on a row are kept."""
    return work / "rows" / row.name / f"{caller}{tag if caller == 'deepcohort' else ''}.json"


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


# the table


def kept_errors(row: Row, work: Path, tag: str) -> dict[str, Errors]:
    """Errors kept in `work` by caller, ours as deepcohort."""
    found = {}
    for caller in CALLERS:
        path = result_file(row, work, caller, tag)
        if path.exists():
            found[caller] = Errors(
                **{k: v if k == "failure" else tuple(v) for k, v in json.loads(path.read_text()).items()}
            )
    return found


def flags(row: Row, found: dict[str, dict[str, Errors]]) -> list[str]:
    """Where ours is worse than the best peer, or 1.5 times our row of bwa mem; a cliff is twice the peer (our row where no peer ran) and 10 more."""
    ours = found[row.name].get("deepcohort")
    if ours is None:
        return []
    if ours.failure:
        return ["CLIFF no calls"]
    base = found.get(row.base, {}).get("deepcohort")
    said = []
    for kind, name in enumerate(("SNP", "indel")):
        peers = [e.total(kind) for c, e in found[row.name].items() if c in PEERS and not e.failure]
        mine, own = ours.total(kind), None
        if base and not base.failure and row.base != row.name and base.truth[kind]:
            own = (
                max(base.total(kind), 1) * ours.truth[kind] / base.truth[kind]
            )  # regions may be of other lengths
        measure = min(peers) if peers else own
        if measure is not None and mine > 2 * measure + 10:
            said.append(f"CLIFF {name}")
        elif peers and mine > measure:
            said.append(f"{name} > peer")
        if own is not None and mine > 1.5 * own:
            said.append(f"{name} > 1.5 bwa")
    return said


def cell(errors: Errors | None) -> str:
    """SNP / indel errors of one caller."""
    if errors is None:
        return "-"
    return "no calls" if errors.failure else f"{errors.total(0)} / {errors.total(1)}"


def table(rows: list[Row], found: dict[str, dict[str, Errors]]) -> list[str]:
    """Markdown: a line for each row, then sums over the rows that all of bcftools, freebayes and ours have."""
    callers = ("deepcohort", *PEERS)
    lines = ["| row | true SNP / indel | " + " | ".join(callers) + " | ours missed, false | flags |"]
    lines.append("|---" * (len(callers) + 4) + "|")
    sums, best = {c: [0, 0] for c in callers[:3]}, [0, 0]
    flagged = {"CLIFF": 0, "> peer": 0, "> 1.5 bwa": 0}
    for row in rows:
        here = found[row.name]
        if not here:
            continue
        counted = next((e for e in here.values() if not e.failure), Errors())
        mine, said = here.get("deepcohort"), flags(row, found)
        split = ""
        if mine and not mine.failure:
            split = f"{mine.missed[0]}, {mine.false[0]} / {mine.missed[1]}, {mine.false[1]}"
        cells = " | ".join(cell(here.get(c)) for c in callers)
        lines.append(
            f"| {row.name} | {counted.truth[0]} / {counted.truth[1]} | {cells} | {split} | {'; '.join(said)} |"
        )
        for word in flagged:
            flagged[word] += any(word in s for s in said)
        if all(c in here and not here[c].failure for c in sums):
            for c, total in sums.items():
                total[0], total[1] = total[0] + here[c].total(0), total[1] + here[c].total(1)
            for kind in (0, 1):
                best[kind] += min(here[c].total(kind) for c in PEERS if c in here and not here[c].failure)
    totals = ", ".join(f"{c} {snp} / {indel}" for c, (snp, indel) in sums.items())
    totals += f", best peer of each row {best[0]} / {best[1]}"
    lines += ["", f"Sums over the rows that deepcohort, bcftools and freebayes have: {totals}."]
    absent = [row.name for row in rows if not found[row.name]]
    words = ", ".join(f"{n} {word}" for word, n in flagged.items())
    lines.append(f"Rows flagged: {words}, of {len(rows) - len(absent)}.")
    lines += ["", f"Rows without calls: {', '.join(absent)}."] if absent else []
    return lines


def write_tsv(path: Path, rows: list[Row], found: dict[str, dict[str, Errors]]) -> None:
    """One line for each row, caller and type."""
    with open(path, "w") as out:
        print("row", "caller", "type", "truth", "FN", "FP", "errors", "failure", "flags", sep="\t", file=out)
        for row in rows:
            for caller, errors in found[row.name].items():
                said = "; ".join(flags(row, found)) if caller == "deepcohort" else ""
                for kind, name in enumerate(("SNP", "INDEL")):
                    counts = errors.truth[kind], errors.missed[kind], errors.false[kind], errors.total(kind)
                    print(row.name, caller, name, *counts, errors.failure, said, sep="\t", file=out)


if __name__ == "__main__":
    main()
