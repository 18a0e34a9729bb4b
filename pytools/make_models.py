#!/usr/bin/env python3
"""Make shipped models again, from nothing: simulate, make examples, train.

    make_models.py --work DIR [--recipe assets/models/recipes/illumina.toml]
        [--reference ref.fa --plant truth.vcf.gz --plant-confident truth.bed] [--jobs N] [--output DIR]

Each run of a recipe is one `deepcohort simulate` and one `deepcohort examples`; then one
`deepcohort train`. What is done is kept with the command that made it, so that a second start goes on
where the first stopped and a changed recipe repeats what it changes. DIR/<platform>/timing.tsv tells
what each step cost. Without --reference, a made-up genome takes the place of each region, and nothing
is planted.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "assets" / "models" / "recipes"
_MINE = ("name", "passes", "examples_seed", "natural", "region", "plant")  # not options of simulate
Recipe = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """What to simulate on: an indexed FASTA and real variants of it, or nothing."""

    reference: Path | None = None
    plant: Path | None = None
    plant_confident: Path | None = None


class Steps:
    """Runs commands of deepcohort, each once, and keeps what they cost in `folder`/timing.tsv."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, out: Path, fresh: bool, words: list[object]) -> bool:
        """Run `deepcohort words`, which makes the folder `out`; False if that was done before.

        `fresh`: remove what a killed or another command left in `out`. A failure ends this script.
        """
        done = out.with_name(f"{out.name}.done.json")
        made_by = {"command": [str(w) for w in words], "inputs": _inputs(words, out)}
        if done.exists() and json.loads(done.read_text()) == made_by:
            return False
        done.unlink(missing_ok=True)
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "deepcohort.cli", *made_by["command"]], env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"failed: deepcohort {' '.join(made_by['command'])}")
        cpu, wall = usage.ru_utime + usage.ru_stime, time.perf_counter() - began
        with self._lock, open(self.folder / "timing.tsv", "a") as out_file:
            out_file.write(f"{name}\t{cpu:.1f}\t{wall:.1f}\t{usage.ru_maxrss // 1024}\n")
        done.write_text(json.dumps(made_by, indent=1))
        return True


def _inputs(words: list[object], out: Path) -> dict[str, str]:
    """Digests of the markers of folders that a command reads, so that it runs again when they change."""
    found = {}
    for word in words:
        for folder in (Path(str(word)), Path(str(word)).parent):  # a folder, or a file in one
            marker = Path(f"{folder}.done.json")
            if folder == out or not isinstance(word, Path) or not marker.exists():
                continue
            found[str(folder)] = hashlib.blake2b(marker.read_bytes(), digest_size=8).hexdigest()
    return found


def region_bp(region: str) -> int:
    """Length of `contig:start-end`, 1-based inclusive."""
    start, end = map(int, re.findall(r"\d+", region.rpartition(":")[2]))
    return end - start + 1


def simulate_words(run: Recipe, recipe: Recipe, ground: Ground, folder: Path) -> list[object]:
    """The command that makes reads and truth of one run in `folder`."""
    settings = {"platform": recipe["platform"], **recipe.get("simulate", {}), **run}
    words: list[object] = ["simulate", "--output", folder, "--samples", 1, "--quiet"]
    if ground.reference:
        words += ["--reference", ground.reference, "--region", settings["region"]]
        if settings.get("plant") and ground.plant:
            words += ["--plant", ground.plant]
            words += ["--plant-confident", ground.plant_confident] if ground.plant_confident else []
    else:
        words += ["--genome-bp", region_bp(settings["region"]), "--contigs", 1]
    for name, value in settings.items():
        if name not in _MINE:
            words += [f"--{name.replace('_', '-')}", value]
    return words


def simulate_run(run: Recipe, recipe: Recipe, ground: Ground, steps: Steps) -> Path:
    """Reads and truth of one run; returns their folder."""
    reads = steps.folder / "reads" / run["name"]
    steps.run(f"simulate {run['name']}", reads, True, simulate_words(run, recipe, ground, reads))
    return reads


def make_run(run: Recipe, recipe: Recipe, ground: Ground, steps: Steps) -> Path:
    """Examples of one run; returns their folder."""
    reads = simulate_run(run, recipe, ground, steps)
    out = steps.folder / "examples" / run["name"]
    sample = next(reads.glob("*.bam")).with_suffix("")
    confident = Path(f"{sample}.confident.bed")
    words: list[object] = [
        "examples", "--reads", f"{sample}.bam", "--reference", reads / "reference.fa",
        "--truth", f"{sample}.truth.vcf.gz", "--output", out, "--platform", recipe["platform"],
        "--passes", run.get("passes", recipe["passes"]),
        "--seed", run.get("examples_seed", run["seed"]), "--quiet",
    ]  # fmt: skip
    words += ["--confident", confident] if confident.exists() else []
    words += ["--natural"] if run.get("natural") else []
    if not run.get("natural"):  # calibration sees libraries at the rate of nature
        for name, value in recipe.get("library", {}).items():
            words += ["--set", f"{name}={value}"]
    steps.run(f"examples {run['name']}", out, True, words)
    return out


def make_model(recipe: Recipe, ground: Ground, work: Path, jobs: int = 1) -> Path:
    """Carry out all of `recipe` in the folder `work`; returns the model file, its card beside it."""
    steps = Steps(work)
    with ThreadPoolExecutor(jobs) as pool:
        folders = list(pool.map(lambda run: make_run(run, recipe, ground, steps), recipe["run"]))
    platform = recipe["platform"]
    words: list[object] = ["train", "--output", work / "model", "--name", platform]
    for run, folder in zip(recipe["run"], folders, strict=True):
        words += ["--natural" if run.get("natural") else "--examples", folder]
    for name, value in recipe.get("train", {}).items():
        words += ["--set", f"{name}={value}"]
    # a killed training goes on from its checkpoint; one of other settings or data starts again
    same = work / "model.started.json"
    started = json.dumps([[str(w) for w in words], _inputs(words, work / "model")])
    fresh = not same.exists() or same.read_text() != started
    same.write_text(started)
    steps.run("train", work / "model", fresh, words)
    return work / "model" / f"{platform}.dcmodel"


def cost(work: Path) -> dict[str, float]:
    """CPU seconds by kind of step of everything in `work`/timing.tsv, the last try of each step."""
    last = {}
    for line in (work / "timing.tsv").read_text().splitlines():
        name, cpu, _, _ = line.split("\t")
        last[name] = float(cpu)
    kinds: dict[str, float] = {}
    for name, cpu in last.items():
        kinds[name.split()[0]] = kinds.get(name.split()[0], 0.0) + cpu
    return kinds


def recipe_path(given: str) -> Path:
    """A recipe's file, given as that or as the name of a shipped model."""
    for path in (Path(given), RECIPES / f"{given}.toml"):
        if path.is_file():
            return path
    names = ", ".join(sorted(path.stem for path in RECIPES.glob("*.toml")))
    raise argparse.ArgumentTypeError(f"no file {given}, and no recipe of that name; there are {names}")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--recipe",
        type=recipe_path,
        action="append",
        help="file, or name; default: all of assets/models/recipes",
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for reads, examples and logs")
    parser.add_argument("--reference", type=Path, help="indexed FASTA; default: made-up genomes")
    parser.add_argument("--plant", type=Path, help="VCF of real variants on that reference")
    parser.add_argument("--plant-confident", type=Path, help="BED where --plant is complete")
    parser.add_argument("--jobs", type=int, default=1, help="runs made at a time")
    parser.add_argument("--only-simulate", action="store_true", help="stop when all reads are there")
    parser.add_argument("--output", type=Path, help="where models and cards go; default: --work only")
    args = parser.parse_args()
    ground = Ground(args.reference, args.plant, args.plant_confident)
    for path in args.recipe or sorted(RECIPES.glob("*.toml")):
        recipe = tomllib.loads(path.read_text())
        work = args.work / recipe["platform"]
        if args.only_simulate:
            steps = Steps(work)
            with ThreadPoolExecutor(args.jobs) as pool:
                list(pool.map(lambda run: simulate_run(run, recipe, ground, steps), recipe["run"]))  # noqa: B023
            continue
        model = make_model(recipe, ground, work, args.jobs)
        spent = cost(work)
        parts = ", ".join(f"{kind} {seconds:.0f}" for kind, seconds in spent.items())
        print(f"{model}: {sum(spent.values()):.0f} CPU seconds ({parts}); {work / 'timing.tsv'}")
        if args.output:
            args.output.mkdir(parents=True, exist_ok=True)
            for suffix in (".dcmodel", ".md"):
                shutil.copy(model.with_suffix(suffix), args.output / f"{recipe['platform']}{suffix}")


if __name__ == "__main__":
    main()
