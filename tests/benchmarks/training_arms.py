#!/usr/bin/env python3
"""What training examples are worth: feature models of several arms, paired on labelled candidates of any reads.

    training_arms.py --work DIR --config train.toml --natural ex/nat1,ex/nat2 --arm all=ex/p1,ex/q1 --arm less=ex2/p1,ex2/q1 \
        --set chimeras=sets/a,sets/b --set real=sets/c [--seeds 3]

All folders are of `deepcohort examples`; those of --set are best made with --no-augment. Each arm trains one feature model per
seed, as `deepcohort train` does, without the CNN; a pool is fitted on the natural examples that are not held out. The first arm is
the base: per set errors and -ln p of SNPs and indels, and the difference of -ln p to the base, mean of the seeds, with its
standard error over blocks of 2 kb of a reference (draws of the same reads do not count as independent). "mean" is the base's
networks averaged, beside each of them. Kept networks in --work are not trained again.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from deepcohort.model.config import TrainConfig, read_config
from deepcohort.model.data import ExampleData, split_mask
from deepcohort.model.likelihood_pool import LEAST_EXAMPLES, fit_pool
from deepcohort.model.net import FeatureNet
from deepcohort.model.train import fit, prepare, standardise
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.shards import open_examples
from numpy.typing import NDArray

TYPES = ("SNP", "indel")


@dataclass(frozen=True)
class Candidates:
    """Labelled candidates: features float32 (N, F), copies int64 (N,), name of the 2 kb of genome uint32 (N,)."""

    features: NDArray[np.float32]
    label: NDArray[np.int64]
    stretch: NDArray[np.uint32]

    def is_snp(self) -> NDArray[np.bool_]:
        """Bool (N,)."""
        return np.asarray(self.features[:, F.is_snp] > 0)

    def take(self, rows: NDArray[np.bool_]) -> "Candidates":
        """The rows `rows` bool (N,)."""
        return Candidates(self.features[rows], self.label[rows], self.stretch[rows])


@dataclass(frozen=True)
class Judged:
    """-ln p of the true copies, float64 (N,), and whether others were called, bool (N,)."""

    nll: NDArray[np.float64]
    wrong: NDArray[np.bool_]


def read_candidates(folders: list[Path]) -> Candidates:
    """All examples of these folders, without pictures."""
    found = open_examples(folders)
    buckets = [found.read_bucket(index, False) for index in range(len(found.buckets))]
    return Candidates(
        np.concatenate([b.features for b in buckets]),
        np.concatenate([b.label for b in buckets]).astype(np.int64),
        np.concatenate([b.stretch for b in buckets]),
    )


def trained(folders: list[Path], config: TrainConfig, output: Path) -> FeatureNet:
    """The feature model of these examples, as `deepcohort train` makes it with this seed; kept in `output`."""
    kept = output / "small.pt"
    network = FeatureNet(config, N_FEATURES)
    if not kept.exists():
        prepare(config)
        network = FeatureNet(config, N_FEATURES)
        settings = replace(config, batch_size=config.small_batch_size)
        data = ExampleData(open_examples(folders), settings, with_pixels=False)
        standardise([network], data, keep=False)
        output.mkdir(parents=True, exist_ok=True)
        network = fit(network, data, config.small_epochs, config, output, "small", quiet=True)
        torch.save(network.state_dict(), kept)
    network.load_state_dict(torch.load(kept, weights_only=True))
    return network.eval()


def mean_logits(networks: list[FeatureNet], features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean logits float32 (N, 3)."""
    with torch.inference_mode():
        inputs = torch.from_numpy(np.ascontiguousarray(features))
        return np.asarray(torch.stack([network(None, inputs) for network in networks]).mean(0).numpy())


def judge(networks: list[FeatureNet], natural: Candidates, sets: dict[str, Candidates]) -> dict[str, Judged]:
    """What the networks' mean, pooled on `natural`, says of each set."""
    pool = fit_pool(mean_logits(networks, natural.features), natural.features, natural.label)
    if pool is None:
        sys.exit(f"--natural: {LEAST_EXAMPLES} SNPs that are not held out are needed to fit a pool")
    out = {}
    for name, found in sets.items():
        p = pool(mean_logits(networks, found.features), found.features)
        true = p[np.arange(len(p)), found.label]
        out[name] = Judged(-np.log(np.maximum(true, 1e-12)), p.argmax(axis=1) != found.label)
    return out


def block_error(difference: NDArray[np.float64], stretch: NDArray[np.uint32]) -> float:
    """Standard error of the sum of `difference` (N,), float, from its sums over pieces of genome (N,)."""
    sums = np.bincount(np.unique(stretch, return_inverse=True)[1], weights=difference)
    return float(np.sqrt((sums**2).sum()))


def rows_for(
    arm: str, runs: list[dict[str, Judged]], base: list[dict[str, Judged]], sets: dict[str, Candidates]
) -> list[str]:
    """Lines of the table: arm, set, type, candidates, errors, -ln p, difference, its standard error, seeds that are better."""
    lines = []
    for name, found in sets.items():
        for kind, chosen in zip(TYPES, (found.is_snp(), ~found.is_snp()), strict=True):
            nll = np.mean([run[name].nll[chosen] for run in runs], axis=0)
            difference = nll - np.mean([run[name].nll[chosen] for run in base], axis=0)
            errors = np.mean([run[name].wrong[chosen].sum() for run in runs])
            better = sum(
                float((a[name].nll - b[name].nll)[chosen].sum()) < 0 for a, b in zip(runs, base, strict=True)
            )
            se = block_error(difference, found.stretch[chosen])
            lines.append(
                f"{arm}\t{name}\t{kind}\t{chosen.sum()}\t{errors:.1f}\t{nll.sum():.1f}\t{difference.sum():+.1f}\t{se:.1f}"
                f"\t{better}/{len(runs)}"
            )
    return lines


def named_folders(text: str) -> tuple[str, list[Path]]:
    """NAME=FOLDER,FOLDER as name and folders."""
    name, sign, folders = text.partition("=")
    if not sign or not name or not folders:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=FOLDER,FOLDER")
    return name, [Path(folder) for folder in folders.split(",")]


def compare(arguments: argparse.Namespace) -> list[str]:
    """Train all arms and return the lines of the table, with a header."""
    config = read_config(arguments.config) if arguments.config else TrainConfig(one_strand_share=0.1)
    natural = read_candidates([Path(folder) for folder in arguments.natural.split(",")])
    held_out = split_mask(natural.stretch, config, "test")
    sets = {name: read_candidates(folders) for name, folders in arguments.set}
    sets["natural, held out"] = natural.take(held_out)
    calibrating = natural.take(~held_out)
    lines = ["arm\tset\ttype\tcandidates\terrors\t-ln p\tto the first arm\tse\tseeds better"]
    base: list[dict[str, Judged]] = []
    for arm, folders in arguments.arm:
        networks = [
            trained(folders, replace(config, seed=seed), arguments.work / arm / str(seed))
            for seed in range(1, arguments.seeds + 1)
        ]
        runs = [judge([network], calibrating, sets) for network in networks]
        base = base or runs
        lines += rows_for(arm, runs, base, sets)
        if runs is base and len(runs) > 1:
            lines += rows_for("mean", [judge(networks, calibrating, sets)] * len(runs), base, sets)
    return lines


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--work", type=Path, required=True, help="folder for the networks")
    out.add_argument("--config", type=Path, help="train.toml, such as a model's own")
    out.add_argument("--natural", required=True, help="folders of examples made with --natural")
    out.add_argument(
        "--arm",
        type=named_folders,
        action="append",
        required=True,
        help="NAME=FOLDER,FOLDER; the first is the base",
    )
    out.add_argument(
        "--set", type=named_folders, action="append", default=[], help="NAME=FOLDER,FOLDER to judge on"
    )
    out.add_argument("--seeds", type=int, default=3)
    return out


if __name__ == "__main__":
    print("\n".join(compare(parser().parse_args())))
