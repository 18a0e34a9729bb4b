#!/usr/bin/env python3
"""What a filter would cost and gain: true and false calls that each rule on QUAL, GQ, DP or INFO takes away.

    filters.py --set NAME=CALLS.vcf.gz,EVALUATION [--set ...] [--table out.md]

Sets of one name are pooled. CALLS is a sample's VCF, EVALUATION the folder that `deepcohort evaluate --calls CALLS` wrote. Calls of FILTER
PASS inside the confident regions count; recall is against the truth as evaluated. A rule names what it drops.
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pysam


@dataclass(frozen=True)
class Call:
    """A judged call: whether it is right, an indel, and its numbers by key (absent: not given)."""

    is_true: bool
    is_indel: bool
    numbers: dict[str, float]


def below(key: str, limit: float) -> Callable[[Call], bool]:
    """Whether a call has the number and it lies below the limit."""
    return lambda call: key in call.numbers and call.numbers[key] < limit


def above(key: str, limit: float) -> Callable[[Call], bool]:
    """Whether a call has the number and it lies above the limit."""
    return lambda call: key in call.numbers and call.numbers[key] > limit


RULES: dict[str, Callable[[Call], bool]] = {
    **{f"QUAL < {n}": below("QUAL", n) for n in (6, 10, 13, 20)},
    **{f"GQ < {n}": below("GQ", n) for n in (5, 10, 20)},
    **{f"FS > {n}": above("FS", n) for n in (20, 60)},
    "SOR > 3": above("SOR", 3),
    "SOR > 4": above("SOR", 4),
    "MQ < 40": below("MQ", 40),
    "MQRankSum < -4": below("MQRankSum", -4),
    "ReadPosRankSum < -3": below("ReadPosRankSum", -3),
    "BaseQRankSum < -3": below("BaseQRankSum", -3),
    "QD < 0.3": below("QD", 0.3),
    "QD < 2 (GATK's)": below("QD", 2),
    "DP < 3": below("DP", 3),
}


def read_calls(vcf: Path, evaluation: Path) -> list[Call]:
    """PASS calls that were judged, by the decision of their record."""
    decided = {}
    with pysam.VariantFile(str(evaluation / "annotated.vcf.gz")) as file:
        for record in file:
            decision = record.samples["QUERY"].get("BD")
            if decision in ("TP", "FP"):
                decided[record.contig, record.pos, record.ref, record.alts] = decision == "TP"
    found = []
    with pysam.VariantFile(str(vcf)) as file:
        for record in file:
            key = (record.contig, record.pos, record.ref, record.alts)
            if key not in decided or "PASS" not in record.filter:
                continue
            sample = record.samples[0]
            numbers = {
                name: float(value) for name, value in record.info.items() if isinstance(value, float | int)
            }
            numbers |= {"QUAL": float(record.qual or 0), "GQ": float(sample["GQ"]), "DP": float(sample["DP"])}
            is_indel = any(len(alt) != len(record.ref) for alt in record.alts or ())
            found.append(Call(decided[key], is_indel, numbers))
    return found


def truth_records(evaluation: Path) -> dict[str, int]:
    """True records, SNP and INDEL, as evaluated."""
    with open(evaluation / "summary.tsv", newline="") as file:
        rows = {row["type"]: row for row in csv.DictReader(file, delimiter="\t")}
    return {
        kind: int(rows[kind]["TP_truth"]) + int(rows[kind]["FN"]) for kind in ("SNP", "INDEL") if kind in rows
    }


def f1(true: int, false: int, n_truth: int) -> float:
    """F1 in per cent where every true call is one true record."""
    return 100 * 2 * true / max(2 * true + false + max(n_truth - true, 0), 1)


def table_of(sets: dict[str, tuple[list[Call], dict[str, int]]]) -> list[str]:
    """Markdown rows: for each rule and set the calls lost and won, and F1 of SNPs and indels together."""
    lines = ["| rule | " + " | ".join(sets) + " |", "|---" * (len(sets) + 1) + "|"]
    for name, rule in {"none": lambda _: False, **RULES}.items():
        cells = []
        for calls, truth in sets.values():
            dropped = [call for call in calls if rule(call)]
            lost = sum(call.is_true for call in dropped)
            true = sum(call.is_true for call in calls) - lost
            false = sum(not call.is_true for call in calls) - (len(dropped) - lost)
            score = f1(true, false, sum(truth.values()))
            cells.append(
                f"{true} / {false}, {score:.2f}"
                if name == "none"
                else f"-{lost} / -{len(dropped) - lost}, {score:.2f}"
            )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Read sets, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", action="append", required=True, help="NAME=CALLS.vcf.gz,EVALUATION")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args(arguments)
    sets: dict[str, tuple[list[Call], dict[str, int]]] = {}
    for text in options.set:
        name, _, rest = text.partition("=")
        vcf, _, folder = rest.rpartition(",")
        calls, truth = sets.setdefault(name, ([], {}))
        calls += read_calls(Path(vcf), Path(folder))
        for kind, n in truth_records(Path(folder)).items():
            truth[kind] = truth.get(kind, 0) + n
    lines = table_of(sets)
    print("\n".join(lines))
    if options.table:
        options.table.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
