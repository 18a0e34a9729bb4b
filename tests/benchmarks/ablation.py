#!/usr/bin/env python3
"""What each part of the simulation, and each network, is worth: errors of models trained without it.

    ablation.py --work DIR --accuracy DIR --reference ref.fa [--platform ont] [--table out.md]

Every variant is a small recipe (two samples of 300 kb) carried out by pytools/make_models.py, which
keeps what is done. The candidates of each set of reads of accuracy.py (kept in --accuracy) are found,
labelled and encoded once; each model is asked for their copies. Counted are candidates called wrongly
(missed, false, or of wrong genotype) in confident regions, SNPs / indels. Variants that are no
candidates are missed by all models alike and are not counted.

Long reads (`--platform ont`, `hifi`) are held against HG002's R10 reads of 25 kb (ont) and against HG002's
variants planted in chr20:6.0-6.5 Mb, which `deepcohort simulate` sequences with a seed of its own.
"""

import argparse
import os
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = os.environ.get("DEEPCOHORT_PYTOOLS", str(ROOT / "pytools"))
sys.path[:0] = [str(Path(__file__).resolve().parent), PACKAGE]

import accuracy  # noqa: E402
import make_models  # noqa: E402
from deepcohort.compose.make_examples import examples_for, make_examples  # noqa: E402
from deepcohort.core.io import ReferenceFasta  # noqa: E402
from deepcohort.core.region import parse_region  # noqa: E402
from deepcohort.model.archive import find_model, read_model  # noqa: E402
from deepcohort.model.load import load_predictor  # noqa: E402
from deepcohort.pileup.features import F  # noqa: E402
from deepcohort.pileup.shards import Examples, open_examples  # noqa: E402

Recipe = dict
BASE: Recipe = {
    "platform": "illumina",
    "passes": 2,
    "simulate": {"heterozygosity": 0.002},
    "run": [
        {"name": "a", "seed": 101, "region": "chr20:1000001-1300000", "coverage": 45,
         "profile": "illumina-pcrfree-2x151", "error_multiplier": 2},
        {"name": "b", "seed": 102, "region": "chr20:4000001-4300000", "coverage": 40,
         "profile": "illumina-hiseq-2x101", "error_multiplier": 2},
    ],
    "train": {"epochs": 4, "small_epochs": 15, "negative_share": 0.12, "one_strand_share": 0.1},
}  # fmt: skip


LONG_RUNS = [
    {"name": "a", "seed": 301, "region": "chr20:1000001-1300000", "coverage": 35},
    {"name": "b", "seed": 302, "region": "chr20:2000001-2300000", "coverage": 30},
]


def long_base(platform: str) -> Recipe:
    """A small recipe of long reads."""
    train = {"epochs": 5, "small_epochs": 20, "negative_share": 0.4}
    return {**BASE, "platform": platform, "run": deepcopy(LONG_RUNS), "train": train}


def with_options(base: Recipe = BASE, **options: object) -> Recipe:
    """`base` with other options of simulate in every run."""
    recipe = deepcopy(base)
    for run in recipe["run"]:
        run.update(options)
    return recipe


def scaled(factor: float, base: Recipe = BASE) -> Recipe:
    """`base` with so many times as much genome."""
    recipe = deepcopy(base)
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


def long_variants(base: Recipe) -> dict[str, Recipe]:
    """As VARIANTS; long reads have one profile each, learned, and find their copies by themselves."""
    return {
        "all of it": base,
        "without stutter": with_options(base, stutter=0),
        "without indel realism": with_options(base, indel_spectrum="uniform"),
        "half the data": scaled(0.5, base),
        "double the data": scaled(2, base),
    }


def candidates(item: accuracy.CallSet, folder: Path, platform: str) -> Examples:
    """Labelled candidates of one set of reads, as they come; made once."""
    out = folder / item.name
    config = replace(examples_for(platform, augment=False), n_buckets=1)
    if not (out / "examples.json").exists():
        with ReferenceFasta(item.reference) as fasta:
            region = parse_region(item.region, fasta.contig_lengths)
        make_examples(
            [item.bam], item.reference, item.truth, item.confident, out, [region], config=config, quiet=True
        )
    opened = open_examples([out])
    return Examples.concatenate([opened.read_bucket(i) for i in range(len(opened.buckets))], opened.config)


def count(sets: list[Examples], model: Path, platform: str, mode: str = "both") -> list[str]:
    """Candidates of each set whose most likely copies are wrong: SNPs / indels."""
    predictor = load_predictor(str(model), platform, "cpu", mode=mode)
    cells = []
    for found in sets:
        p = predictor.predict_lazily(found.features, lambda rows, x=found.pixels: x[rows])
        wrong = p.argmax(axis=1) != found.label
        snp = found.features[:, F.is_snp] > 0
        cells.append(f"{(wrong & snp).sum()} / {(wrong & ~snp).sum()}")
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
    parser.add_argument("--platform", choices=["illumina", "hifi", "ont"], default="illumina")
    parser.add_argument("--only", help="variants, separated by commas")
    parser.add_argument("--table", type=Path, help="Markdown table to write; default stdout")
    args = parser.parse_args()
    ground = make_models.Ground(args.reference)
    base, variants = BASE, VARIANTS
    if args.platform == "illumina":
        real = accuracy.real_sets((args.accuracy / "real").resolve())
        planted = accuracy.planted_sets((args.accuracy / "planted").resolve(), args.region)
    else:
        base = long_base(args.platform)
        variants = long_variants(base)
        folder = (args.accuracy / args.platform).resolve()
        real, planted = accuracy.long_sets(folder, args.platform, args.reference)
    items = [*real, *planted]
    sets = [candidates(item, args.work / "candidates", args.platform) for item in items]
    heads = ["training data", "examples", *(item.name for item in items), "sum real", "sum planted"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]

    def row(name: str, n: str, model: Path, mode: str = "both") -> None:
        cells = count(sets, model, args.platform, mode)
        sums = [total(cells[: len(real)]), total(cells[len(real) :])]
        lines.append("| " + " | ".join([name, n, *cells, *sums]) + " |")
        print(lines[-1], flush=True)

    shipped = Path(find_model("auto", args.platform))
    row("the shipped model", "", shipped)
    row("the shipped model: feature model alone", "", shipped, "small")
    row("the shipped model: CNN alone", "", shipped, "cnn")
    for name, recipe in variants.items():
        if args.only and name not in args.only.split(","):
            continue
        model = make_models.make_model(recipe, ground, args.work / name.replace(" ", "_"))
        facts = read_model(model).about["facts"]
        row(name, f"{facts['training_examples']:,}", model)
        if recipe is base:
            row(f"{name}: feature model alone", "", model, "small")
            row(f"{name}: CNN alone", "", model, "cnn")
    text = "\n".join(lines) + "\n"
    if args.table:
        args.table.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
