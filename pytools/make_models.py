#!/usr/bin/env python3
"""Make a shipped model again, from nothing: simulate, make examples, train.

    make_models.py --recipe assets/models/recipes/illumina.toml --work DIR [--reference ref.fa]

Each run of the recipe is one `deepcohort simulate` and one `deepcohort examples`; then one
`deepcohort train`. Runs that are done are kept, so a second start goes on where the first stopped.
Without --reference, a made-up genome takes the place of each region, and nothing is planted.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def deepcohort(*words: object) -> None:
    """Run the command with one thread; its failure ends this script."""
    command = [sys.executable, "-m", "deepcohort.cli", *map(str, words)]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    if done.returncode:
        sys.exit(f"failed: deepcohort {' '.join(map(str, words))}")


def region_bp(region: str) -> int:
    """Length of `contig:start-end`, 1-based inclusive."""
    start, end = map(int, re.findall(r"\d+", region.rpartition(":")[2]))
    return end - start + 1


def simulate(run: dict[str, Any], recipe: dict[str, Any], args: argparse.Namespace) -> Path:
    """Reads and truth of one run; returns their folder."""
    folder: Path = args.work / "reads" / run["name"]
    if (folder / "simulation.json").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)  # a run that was killed
    folder.parent.mkdir(parents=True, exist_ok=True)
    settings = {"platform": recipe["platform"], **recipe.get("simulate", {}), **run}
    words: list[object] = ["simulate", "--output", folder, "--samples", 1, "--quiet"]
    region, plant = settings.pop("region"), settings.pop("plant", False)
    for mine in ("name", "passes", "examples_seed"):
        settings.pop(mine, None)
    if args.reference:
        words += ["--reference", args.reference, "--region", region]
        if plant and args.plant:
            words += ["--plant", args.plant, "--plant-confident", args.plant_confident]
    else:
        words += ["--genome-bp", region_bp(region), "--contigs", 1]
    for name, value in settings.items():
        words += [f"--{name.replace('_', '-')}", value]
    deepcohort(*words)
    return folder


def make_run(run: dict[str, Any], recipe: dict[str, Any], args: argparse.Namespace) -> Path:
    """Examples of one run; returns their folder."""
    out: Path = args.work / "examples" / run["name"]
    if (out / "examples.json").exists():
        return out
    reads = simulate(run, recipe, args)
    shutil.rmtree(out, ignore_errors=True)
    sample = next(reads.glob("*.bam")).with_suffix("")
    confident = Path(f"{sample}.confident.bed")
    known: list[object] = ["--confident", confident] if confident.exists() else []
    deepcohort(
        "examples", "--reads", f"{sample}.bam", "--reference", reads / "reference.fa",
        "--truth", f"{sample}.truth.vcf.gz", *known, "--output", out, "--platform", recipe["platform"],
        "--passes", run.get("passes", recipe["passes"]),
        "--seed", run.get("examples_seed", run["seed"]), "--quiet",
    )  # fmt: skip
    return out


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", type=Path, default=ROOT / "assets/models/recipes/illumina.toml")
    parser.add_argument("--work", type=Path, required=True, help="folder for reads, examples and logs")
    parser.add_argument("--reference", type=Path, help="indexed FASTA; default: made-up genomes")
    parser.add_argument("--plant", type=Path, help="VCF of real variants on that reference")
    parser.add_argument("--plant-confident", type=Path, help="BED where --plant is complete")
    parser.add_argument("--jobs", type=int, default=1, help="runs made at a time")
    parser.add_argument("--output", type=Path, help="where model and card go; default: work/model only")
    args = parser.parse_args()
    recipe = tomllib.loads(args.recipe.read_text())
    with ThreadPoolExecutor(args.jobs) as pool:
        folders = list(pool.map(lambda run: make_run(run, recipe, args), recipe["run"]))
    platform = recipe["platform"]
    words: list[object] = ["train", "--output", args.work / "model", "--name", platform]
    for folder in folders:
        words += ["--examples", folder]
    for name, value in recipe.get("train", {}).items():
        words += ["--set", f"{name}={value}"]
    deepcohort(*words)
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        for suffix in ("dcmodel", "md"):
            shutil.copy(args.work / "model" / f"{platform}.{suffix}", args.output / f"{platform}.{suffix}")


if __name__ == "__main__":
    main()
