#!/usr/bin/env python3
"""Fit a model's second opinion on indels by haplotypes, on simulated samples, and put it into the file.

    fit_haplotypes.py --model run/ont.dcmodel --reads sim/a --reads sim/b --output fitted [--passes 3]

Each --reads is a folder of `deepcohort simulate`, with one sample. The networks stay as they are; what
was fitted before is replaced. make_models.py runs this for recipes with a [haplotypes] table.
"""

import argparse
import hashlib
import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from deepcohort.core.errors import DeepcohortError
from deepcohort.haplotype_examples import HaplotypeExamples, LabelledSample, haplotype_examples, joined
from deepcohort.model.archive import SUFFIX, read_model, write_members
from deepcohort.model.haplotypes import LOGITS, HaplotypePool, fit_haplotypes
from deepcohort.model.load import load_predictor
from numpy.typing import NDArray


@dataclass(frozen=True)
class HeldOut:
    """Errors, and mean -ln p, of the networks and of the pool on samples that it was not fitted on."""

    n: int
    errors: tuple[int, int]
    nll: tuple[float, float]


def sample_in(folder: Path) -> LabelledSample:
    """The one sample of a folder of `deepcohort simulate`."""
    found = sorted(folder.glob("*.bam"))
    if len(found) != 1:
        raise DeepcohortError(f"{folder} holds {len(found)} BAM files; give a folder with one sample")
    name = found[0].with_suffix("")
    confident = Path(f"{name}.confident.bed")
    return LabelledSample(
        found[0],
        folder / "reference.fa",
        Path(f"{name}.truth.vcf.gz"),
        confident if confident.exists() else None,
    )


def probabilities(pool: HaplotypePool | None, terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(copies) float64 (N, 3) by `pool`, or by the networks alone."""
    z = np.zeros((len(terms), 3))
    z[:, 1:] = terms[:, LOGITS] + (0.0 if pool is None else terms @ pool.weights)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def held_out(parts: list[HaplotypeExamples]) -> HeldOut:
    """Each sample judged by a pool that was fitted on the others."""
    n, errors, nll = 0, [0, 0], [0.0, 0.0]
    for k, part in enumerate(parts):
        others = joined([other for i, other in enumerate(parts) if i != k])
        for which, pool in enumerate((None, fit_haplotypes(others.terms, others.label))):
            p = probabilities(pool, part.terms)
            errors[which] += int((p.argmax(axis=1) != part.label).sum())
            nll[which] -= float(np.log(p[np.arange(len(p)), part.label]).sum())
        n += len(part.label)
    return HeldOut(n, (errors[0], errors[1]), (nll[0] / n, nll[1] / n))


def write_fitted(model: Path, pool: HaplotypePool, section: list[str], output: Path) -> Path:
    """`model` with `pool` and a section for its card, in the folder `output`, the card beside it."""
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(members["model.json"])
    before = about["version"]
    about["haplotypes"] = pool.facts()
    digest = hashlib.blake2b(pool.weights.tobytes(), digest_size=3).hexdigest()
    about["version"] = f"{before.split('+')[0]}+h{digest}"
    members["model.json"] = json.dumps(about, indent=1).encode()
    card = members["card.md"].decode().replace(f"version: {before};", f"version: {about['version']};")
    head, _, tail = card.partition("## Haplotypes\n")
    tail = "## Limits\n" + (tail or head).partition("## Limits\n")[2]
    head = head.partition("## Limits\n")[0]
    members["card.md"] = (head + "\n".join(["## Haplotypes", "", *section, "", ""]) + tail).encode()
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{about['name']}{SUFFIX}"
    write_members(path, members)
    (output / f"{about['name']}.md").write_bytes(members["card.md"])
    read_model(path)
    return path


def fit(model: Path, folders: list[Path], output: Path, passes: int, seed: int, quiet: bool) -> Path:
    """Fit on the samples of `folders` and write the model."""
    file = read_model(model)
    predictor = load_predictor(str(model), file.about["platform"], "cpu")
    parts = [haplotype_examples(sample_in(folder), predictor, passes, seed, quiet) for folder in folders]
    whole = joined(parts)
    pool = fit_haplotypes(whole.terms, whole.label)
    measured = held_out(parts) if len(parts) > 1 else None
    counts = np.bincount(whole.label, minlength=3)
    section = [
        "Indels of which the networks are not sure are judged once more, by the haplotypes of their reads: a",
        f"logistic regression on {len(pool.weights)} terms, fitted on {len(whole.label):,} such indels "
        f"({', '.join(f'{n:,}' for n in counts)} of 0, 1, 2 copies) of {len(parts)} simulated samples,",
        f"{passes} pass(es) at random depths, seed {seed}.",
    ]
    if measured is not None:
        section.append(
            f"Each sample judged by a fit on the others: {measured.errors[0]:,} errors before, "
            f"{measured.errors[1]:,} after; mean -ln p {measured.nll[0]:.4f} before, {measured.nll[1]:.4f} "
            "after."
        )
    print("\n".join(section))
    return write_fitted(model, pool, section, output)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="model file whose networks judge first")
    parser.add_argument("--reads", type=Path, action="append", required=True, help="folder of simulate")
    parser.add_argument("--output", type=Path, required=True, help="folder for the model and its card")
    parser.add_argument("--passes", type=int, default=3, help="how often each stretch is used")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true", help="no progress")
    args = parser.parse_args()
    try:
        print(fit(args.model, args.reads, args.output, args.passes, args.seed, args.quiet))
    except DeepcohortError as error:
        sys.exit(f"fit_haplotypes: {error}")


if __name__ == "__main__":
    main()
