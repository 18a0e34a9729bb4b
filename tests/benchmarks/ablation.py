#!/usr/bin/env python3
"""What each part of the simulation, and each network, is worth: accuracy of models trained without it.

    ablation.py --work DIR --accuracy DIR --reference ref.fa --plant truth.vcf.gz [--table out.md]

Every variant is a small recipe (three samples of 400 kb) carried out by pytools/make_models.py, which
keeps what is done; its model then calls the reads of accuracy.py (kept in --accuracy). Printed are
FN + FP of SNPs / indels, summed over depths as well. Needs what accuracy.py needs, but no peers.
"""

import argparse
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = os.environ.get("DEEPCOHORT_PYTOOLS", str(ROOT / "pytools"))
sys.path[:0] = [str(Path(__file__).resolve().parent), PACKAGE]

import accuracy  # noqa: E402
import make_models  # noqa: E402

Recipe = dict
BASE: Recipe = {
    "platform": "illumina",
    "passes": 2,
    "simulate": {"heterozygosity": 0.002},
    "run": [
        {"name": "a", "seed": 101, "region": "chr20:1000001-1400000", "coverage": 45,
         "profile": "illumina-pcrfree-2x151"},
        {"name": "b", "seed": 102, "region": "chr20:4000001-4400000", "coverage": 40,
         "profile": "illumina-hiseq-2x101", "error_multiplier": 2},
        {"name": "c", "seed": 103, "region": "chr20:5000001-5400000", "coverage": 40,
         "profile": "illumina-novaseq-like", "error_multiplier": 4},
    ],
    "train": {"epochs": 4, "small_epochs": 15, "negative_share": 0.12, "one_strand_share": 0.1},
}  # fmt: skip


def with_options(**options: object) -> Recipe:
    """BASE with other options of simulate in every run."""
    recipe = deepcopy(BASE)
    for run in recipe["run"]:
        run.update(options)
    return recipe


def scaled(factor: float) -> Recipe:
    """BASE with so many times as much genome."""
    recipe = deepcopy(BASE)
    for run in recipe["run"]:
        contig, span = run["region"].split(":")
        start, end = map(int, span.split("-"))
        run["region"] = f"{contig}:{start}-{start - 1 + int((end - start + 1) * factor)}"
    return recipe


NO_MAPPING = {"decoys": 0, "hidden_paralogs": 0}
VARIANTS: dict[str, Recipe] = {
    "all of it": BASE,
    "without the learned profile": with_options(profile="simple"),
    "without stutter": with_options(stutter=0),
    "without mis-mapping": with_options(**NO_MAPPING),
    "without indel realism": with_options(indel_spectrum="uniform"),
    "without any of these": with_options(profile="simple", stutter=0, indel_spectrum="uniform", **NO_MAPPING),
    "half the data": scaled(0.5),
    "double the data": scaled(2),
}
# what `deepcohort call` does, with one network only
_ONE_NETWORK = """
import sys
from functools import partial
from deepcohort.cli import call_setup
from deepcohort.cli.call import app
call_setup.load_predictor = partial(call_setup.load_predictor, mode=sys.argv.pop(1))
app()
"""


def call(item: accuracy.CallSet, model: Path, out: Path, mode: str) -> None:
    """Call variants of one set of reads with `model`, by both networks or one alone."""
    arguments = [
        "--reads", item.bam, "--reference", item.reference, "--region", item.region, "--sample", item.sample,
        "--vcf", out, "--model", model, "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": PACKAGE}
    done = subprocess.run(
        [sys.executable, "-c", _ONE_NETWORK, mode, *map(str, arguments)], env=environment, check=False
    )
    if done.returncode:
        sys.exit(f"failed: call of {item.name} with {model}")


def count(items: list[accuracy.CallSet], model: Path, folder: Path, mode: str = "both") -> list[str]:
    """FN + FP of SNPs / indels of every set."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for item in items:
        out = folder / f"{item.name}.vcf.gz"
        call(item, model, out, mode)
        rows = accuracy.errors(item, out, folder / f"{item.name}.eval")
        found = (int(rows[kind]["FN"]) + int(rows[kind]["FP"]) for kind in ("SNP", "INDEL"))
        cells.append(" / ".join(map(str, found)))
    return cells


def total(cells: list[str]) -> str:
    """Sum of `SNP / INDEL` cells."""
    return " / ".join(str(sum(int(cell.split(" / ")[k]) for cell in cells)) for k in (0, 1))


def main() -> None:
    """Parse, make every model, measure it, write one row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--accuracy", type=Path, required=True, help="--work of accuracy.py")
    parser.add_argument("--region", default="chr20:6000001-8000000", help="planted stretch in --accuracy")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--plant", type=Path)
    parser.add_argument("--only", help="variants, separated by commas")
    parser.add_argument("--table", type=Path, help="Markdown table to write; default stdout")
    args = parser.parse_args()
    ground = make_models.Ground(args.reference, args.plant)
    real = accuracy.real_sets((args.accuracy / "real").resolve())
    planted = accuracy.planted_sets((args.accuracy / "planted").resolve(), args.region)
    names = [item.name for item in (*real, *planted)]
    heads = ["training data", "examples", *names, "sum real", "sum planted"]
    lines = [" | ".join(["", *heads, ""]).strip(), "|" + "---|" * len(heads)]

    def row(name: str, n: str, model: Path, mode: str = "both") -> None:
        cells = count(
            [*real, *planted], model, args.work / "calls" / f"{name}.{mode}".replace(" ", "_"), mode
        )
        sums = [total(cells[: len(real)]), total(cells[len(real) :])]
        lines.append("| " + " | ".join([name, n, *cells, *sums]) + " |")
        print(lines[-1], flush=True)

    for name, recipe in VARIANTS.items():
        if args.only and name not in args.only.split(","):
            continue
        work = args.work / name.replace(" ", "_")
        model = make_models.make_model(recipe, ground, work)
        card = model.with_suffix(".md").read_text()
        row(name, card.split("copies: ")[1].split("; ")[1].split(" train")[0], model)
        if name == "all of it":
            row("all of it: feature model alone", "", model, "small")
            row("all of it: CNN alone", "", model, "cnn")
    text = "\n".join(lines) + "\n"
    if args.table:
        args.table.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
