"""Phase against truth: the numbers of `whatshap compare`, spellings, blocks."""

import csv
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from deepcohort.evaluate.config import VCFEVAL, of_rule
from deepcohort.evaluate.phase import n50
from deepcohort.evaluate.phase_kernels import count_switches
from deepcohort.evaluate.run import evaluate_set
from deepcohort.evaluate.types import CallSet
from deepcohort.report.evaluation import write_report
from evaluate_builders import index_vcf, vcf_text

LENGTH = 60_000
# whatshap 2.8 compare --tsv-pairwise, without and with --only-snvs, of the files `phased_pair` makes:
# intersection blocks, covered variants, assessed pairs, switches, lone switches, flips, Hamming distance
WHATSHAP = {
    (1, "ALL"): (60, 511, 451, 89, 45, 22, 104),
    (1, "SNP"): (53, 385, 332, 67, 39, 14, 73),
    (2, "ALL"): (61, 533, 472, 97, 49, 24, 119),
    (2, "SNP"): (55, 386, 331, 77, 33, 22, 78),
    (3, "ALL"): (59, 513, 454, 65, 43, 11, 113),
    (3, "SNP"): (54, 380, 326, 54, 36, 9, 83),
    (4, "ALL"): (67, 517, 450, 99, 55, 22, 127),
    (4, "SNP"): (65, 370, 305, 76, 44, 16, 78),
}
COLUMNS = ("compared_blocks", "covered", "pairs", "switches", "lone_switches", "flips", "hamming")


def genome(seed: int) -> str:
    """A sequence with short repeats."""
    draw = random.Random(seed)
    return "".join(
        draw.choice("ACGT") * (draw.randint(3, 9) if draw.random() < 0.05 else 1) for _ in range(LENGTH)
    )[:LENGTH]


def phased_pair(seed: int) -> tuple[str, list[str], list[str]]:
    """Reference, and lines of calls and truth: the calls have unphased stretches, blocks that lie within
    others, switches and flips; the truth has no PS where the seed is odd."""
    draw = random.Random(1000 + seed)
    reference = genome(seed)
    calls, truth = [], []
    turned, block, at = False, 1, 100
    while at < LENGTH - 200:
        at += draw.randint(20, 160)
        ref = reference[at]
        kind = draw.random()
        if kind < 0.75:
            alt = draw.choice([base for base in "ACGT" if base != ref])
        elif kind < 0.88:
            alt = ref + "".join(draw.choice("ACGT") for _ in range(draw.randint(1, 6)))
        else:
            ref, alt = reference[at : at + 1 + draw.randint(1, 6)], ref
        hap = draw.random() < 0.5
        truth_set = "" if seed % 2 else f":{100_000 + at // 15_000}"
        if draw.random() < 0.08:
            truth.append(f"c {at + 1} {ref} {alt} 1|1{truth_set}")
            calls.append(f"c {at + 1} {ref} {alt} 1/1:.")
            continue
        truth.append(f"c {at + 1} {ref} {alt} {'1|0' if hap else '0|1'}{truth_set}")
        turned ^= draw.random() < 0.08
        block = at if draw.random() < 0.1 else block
        flipped = draw.random() < 0.05
        inner = 7 if draw.random() < 0.1 else block
        free = draw.random() < 0.15
        gt = "0/1" if free else ("1|0" if hap ^ turned ^ flipped else "0|1")
        calls.append(f"c {at + 1} {ref} {alt} {gt}:{'.' if free else inner}")
    return reference, calls, truth


def write_pair(folder: Path, seed: int) -> tuple[Path, Path, str]:
    """Both as indexed VCFs."""
    reference, calls, truth = phased_pair(seed)
    text = vcf_text(calls, {"c": LENGTH}).replace("GT:GQ\t", "GT:PS\t")
    other = vcf_text(truth, {"c": LENGTH}).replace("GT:GQ\t", "GT\t" if seed % 2 else "GT:PS\t")
    return index_vcf(folder / "calls.vcf", text), index_vcf(folder / "truth.vcf", other), reference


def phase_rows(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of `all` by type."""
    with open(folder / "phase.tsv") as file:
        return {r["type"]: r for r in csv.DictReader(file, delimiter="\t") if r["contig"] == "all"}


def shifted_right(line: str, reference: str) -> str:
    """The same change written with a base more on both sides, and indels as far right as they go."""
    contig, pos, ref, alt, *rest = line.split()
    at, long = int(pos) - 1, ref if len(ref) > len(alt) else alt
    if len(ref) != len(alt):
        changed = long[1:]
        while reference[at + 1 + (len(changed) if long == ref else 0)] == changed[0]:
            at, changed = at + 1, changed[1:] + changed[0]
        anchor = reference[at]
        ref, alt = (anchor + changed, anchor) if long == ref else (anchor, anchor + changed)
    left, right = reference[at - 1], reference[at + len(ref)]
    return " ".join([contig, str(at), left + ref + right, left + alt + right, *rest])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_counts_are_those_of_whatshap_compare(tmp_path: Path, write_reference, seed):
    calls, truth, sequence = write_pair(tmp_path, seed)
    reference = write_reference({"c": sequence})
    evaluate_set(CallSet(calls, truth), reference, tmp_path / "out", quiet=True)
    for kind, row in phase_rows(tmp_path / "out").items():
        assert tuple(int(row[name]) for name in COLUMNS) == WHATSHAP[seed, kind], kind


def test_other_spellings_are_the_same_variants(tmp_path: Path, write_reference):
    """Padded and right-aligned calls count as the trimmed, left-aligned ones do."""
    sequence, lines, _ = phased_pair(1)
    _, truth, _ = write_pair(tmp_path, 1)
    other = [shifted_right(line, sequence) for line in lines]
    assert all(a != b for a, b in zip(lines, other, strict=True))
    text = vcf_text(other, {"c": LENGTH}).replace("GT:GQ\t", "GT:PS\t")
    head = [line for line in text.splitlines() if line.startswith("#")]
    body = sorted((line for line in text.splitlines() if line[0] != "#"), key=lambda r: int(r.split()[1]))
    calls = index_vcf(tmp_path / "other.vcf", "\n".join([*head, *body]) + "\n")
    reference = write_reference({"c": sequence})
    evaluate_set(CallSet(calls, truth), reference, tmp_path / "out", quiet=True)
    row = phase_rows(tmp_path / "out")["ALL"]
    # some right-aligned indels pass a neighbour or reach into it: these stand for other sequences
    assert int(row["covered"]) >= 0.98 * WHATSHAP[1, "ALL"][1]
    assert phase_rows(tmp_path / "out")["SNP"]["switches"] == str(WHATSHAP[1, "SNP"][3])


def test_a_record_of_two_alts_is_one_variant(tmp_path: Path, write_reference):
    """1|2 in the calls, two records in the truth: nothing is won by what the genotype says anyway."""
    sequence = genome(5)
    alts = [base for base in "ACGT" if base != sequence[499]][:2]
    near = next(base for base in "ACGT" if base != sequence[599])
    own = f"c 600 {sequence[599]} {near} 0|1"
    calls = [f"c 500 {sequence[499]} {','.join(alts)} 1|2", own]
    truth = [f"c 500 {sequence[499]} {alts[0]} 1|0", f"c 500 {sequence[499]} {alts[1]} 0|1", own]
    paths = [
        index_vcf(tmp_path / f"{name}.vcf", vcf_text(rows, {"c": LENGTH}))
        for name, rows in (("calls", calls), ("truth", truth))
    ]
    evaluate_set(CallSet(*paths), write_reference({"c": sequence}), tmp_path / "out", quiet=True)
    row = phase_rows(tmp_path / "out")["ALL"]
    assert (row["covered"], row["pairs"], row["switches"]) == ("2", "1", "0")


def test_what_the_calls_alone_tell(tmp_path: Path, write_reference):
    """Blocks of two and more, the share of heterozygotes in them, near pairs; worked by hand."""
    sequence = genome(6)
    places = {1000: "0|1:1000", 1200: "1|0:1000", 1400: "0/1:.", 1500: "0|1:1500", 1600: "1|0:1500",
              3000: "0|1:3000", 3100: "1|0:1500", 5000: "1/1:."}  # fmt: skip
    alt = {p: next(base for base in "ACGT" if base != sequence[p - 1]) for p in places}
    text = vcf_text([f"c {p} {sequence[p - 1]} {alt[p]} {gt}" for p, gt in places.items()], {"c": LENGTH})
    path = index_vcf(tmp_path / "x.vcf", text.replace("GT:GQ\t", "GT:PS\t"))
    out = tmp_path / "out"
    evaluate_set(CallSet(path, path), write_reference({"c": sequence}), out, quiet=True)
    row = phase_rows(out)["ALL"]
    told = ("hets", "phased", "blocks", "near_pairs", "near_phased", "block_n50_bp", "compared", "covered")
    assert [row[name] for name in told] == ["7", "5", "2", "5", "2", "1600", "6", "5"]
    with open(out / "phase_blocks.tsv") as file:
        blocks = [tuple(r.values()) for r in csv.DictReader(file, delimiter="\t")]
    assert blocks == [("c", "1000", "1200", "1000", "2"), ("c", "1500", "3100", "1500", "3")]
    plain = tmp_path / "plain"
    evaluate_set(
        CallSet(path, path), write_reference({"c": sequence}), plain, config=of_rule(VCFEVAL), quiet=True
    )
    assert not (plain / "phase_blocks.tsv").exists()
    written = {path.name: path.read_text() for path in write_report([out, plain], tmp_path / "report")}
    assert '"phased_share": 71.4286' in written["deepcohort_evaluation_phase_mqc.json"]
    assert written["deepcohort_evaluation_phase_blocks_mqc.json"].count("<rect") == 2


def whatshap_oracle(blocks: list[list[bool]]) -> list[int]:
    """Blocks, variants, pairs, switches, flips and Hamming distance, in plain Python."""
    counts = [0] * 6
    for block in blocks:
        if len(block) < 2:
            continue
        encoded = "".join("1" if a != b else "0" for a, b in pairwise(block))
        counts[0] += 1
        counts[1] += len(block)
        counts[2] += len(encoded)
        counts[3] += encoded.count("1")
        counts[4] += sum(len(run) // 2 for run in encoded.split("0"))
        counts[5] += min(sum(block), len(block) - sum(block))
    return counts


def test_switches_against_an_oracle():
    draw = random.Random(3)
    for _ in range(50):
        blocks = [
            [draw.random() < 0.5 for _ in range(draw.randint(1, 12))] for _ in range(draw.randint(0, 6))
        ]
        number = [k for k, block in enumerate(blocks) for _ in block]
        counts = np.zeros(6, dtype=np.int64)
        same = np.array([value for block in blocks for value in block], dtype=bool)
        count_switches(np.array(number, dtype=np.int64), same, counts)
        assert counts.tolist() == whatshap_oracle(blocks)


@pytest.mark.parametrize(
    ("spans", "expected"), [([], 0), ([5], 5), ([1, 1, 8], 8), ([4, 3, 3], 3), ([0, 0], 0)]
)
def test_n50(spans, expected):
    assert n50(np.array(spans, dtype=np.int64)) == expected
