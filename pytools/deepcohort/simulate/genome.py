"""A made-up reference genome with the features that make calling hard."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.simulate.config import GenomeConfig
from deepcohort.simulate.sexes import MADE_UP_PAR_SHARE
from deepcohort.simulate.types import Genome

_WAVE_BP = 2_000  # GC changes over stretches of about this size


def make_genome(config: GenomeConfig, seed: int) -> Genome:
    """Contigs chr1, chr2, ... of unequal length, `config.total_bp` in all."""
    if config.n_contigs < (3 if config.sex_contigs else 1) or config.total_bp < 5_000 * config.n_contigs:
        raise DeepcohortError(
            f"{config.total_bp} bp do not make {config.n_contigs} contigs; give 5,000 bp or more for each, "
            "and at least three contigs where two are sex chromosomes"
        )
    rng = np.random.default_rng([seed, 11])
    weights = np.linspace(1.4, 0.6, config.n_contigs)
    lengths = np.floor(config.total_bp * weights / weights.sum()).astype(int)
    lengths[0] += config.total_bp - lengths.sum()
    families = [_background(int(rng.integers(250, 900)), 0.5, 0.0, rng) for _ in range(12)]
    families += [_background(int(rng.integers(2_000, 6_000)), 0.4, 0.0, rng) for _ in range(3)]
    names = [f"chr{i + 1}" for i in range(config.n_contigs)]
    if config.sex_contigs:
        names[-2:] = ["chrX", "chrY"]
    contigs: dict[str, NDArray[np.uint8]] = {}
    mask: dict[str, NDArray[np.bool_]] = {}
    for i, length in enumerate(lengths):
        name = names[i]
        codes = _background(int(length), config.gc_mean, config.gc_sd, rng)
        mask[name] = _plant_interspersed(codes, families, config.interspersed_fraction, rng)
        _plant_tandem(codes, config, rng)
        contigs[name] = codes
    _plant_segdups(contigs, config.segdup_fraction, rng)
    for codes in contigs.values():
        _plant_n(codes, config.n_run_fraction, rng)
    if config.sex_contigs:  # the pseudo-autosomal sequence of Y is masked, as in analysis sets
        par = int(MADE_UP_PAR_SHARE * len(contigs["chrX"]))
        contigs["chrY"][: min(par, len(contigs["chrY"]) // 2)] = 4
    return Genome(contigs, mask, made_up=True)


def _background(length: int, gc_mean: float, gc_sd: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random bases whose GC content wanders; CpG is depleted as in vertebrates."""
    n_waves = length // _WAVE_BP + 2
    step = rng.normal(0, 1, n_waves)
    wave = np.empty(n_waves)
    wave[0] = step[0]
    for i in range(1, n_waves):
        wave[i] = 0.7 * wave[i - 1] + np.sqrt(1 - 0.49) * step[i]
    gc = np.clip(gc_mean + gc_sd * wave, 0.15, 0.8)[np.arange(length) // _WAVE_BP]
    strong = rng.random(length) < gc
    second = rng.random(length) < 0.5
    codes = np.where(strong, np.where(second, 1, 2), np.where(second, 0, 3)).astype(np.uint8)
    cpg = np.flatnonzero((codes[:-1] == 1) & (codes[1:] == 2))
    lost = cpg[rng.random(len(cpg)) < 0.75]
    half = rng.random(len(lost)) < 0.5
    codes[lost[half]] = 3  # CG -> TG
    codes[lost[~half] + 1] = 0  # CG -> CA
    return codes


def _plant_interspersed(
    codes: NDArray[np.uint8], families: list[NDArray[np.uint8]], fraction: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Overwrite `fraction` of `codes` with diverged family copies; returns where."""
    covered = np.zeros(len(codes), bool)
    weights = np.array([1 / len(f) for f in families])
    weights /= weights.sum()
    while covered.sum() < fraction * len(codes) and len(codes) > 10_000:
        family = families[rng.choice(len(families), p=weights)]
        size = int(rng.integers(len(family) // 3, len(family) + 1))
        offset = int(rng.integers(0, len(family) - size + 1))
        copy = family[offset : offset + size].copy()
        _mutate(copy, float(rng.uniform(0.02, 0.22)), rng)
        if rng.random() < 0.5:
            copy = (3 - copy[::-1]).astype(np.uint8)
        at = int(rng.integers(0, len(codes) - size))
        codes[at : at + size] = copy
        covered[at : at + size] = True
    return covered


def _mutate(codes: NDArray[np.uint8], divergence: float, rng: np.random.Generator) -> None:
    """Substitute a fraction of `codes` in place."""
    hit = rng.random(len(codes)) < divergence
    codes[hit] = (codes[hit] + rng.integers(1, 4, int(hit.sum()))) % 4


def _plant_tandem(codes: NDArray[np.uint8], config: GenomeConfig, rng: np.random.Generator) -> None:
    """Short tandem repeats and homopolymers, as many and as long as in human sequence."""
    for _ in range(rng.poisson(config.str_per_kb * len(codes) / 1000)):
        unit = int(rng.choice([2, 3, 4, 5, 6], p=[0.57, 0.09, 0.27, 0.06, 0.01]))
        copies = 3 + rng.geometric(0.4) if rng.random() < 0.8 else 8 + rng.geometric(0.12)
        _put(codes, np.tile(rng.integers(0, 4, unit).astype(np.uint8), int(min(copies, 40))), rng)
    for _ in range(rng.poisson(config.homopolymer_per_kb * len(codes) / 1000)):
        base = rng.choice(4, p=[0.46, 0.04, 0.04, 0.46])
        _put(codes, np.full(int(min(7 + rng.geometric(0.22), 35)), base, np.uint8), rng)


def _put(codes: NDArray[np.uint8], piece: NDArray[np.uint8], rng: np.random.Generator) -> None:
    if len(piece) < len(codes) // 4:
        at = int(rng.integers(0, len(codes) - len(piece)))
        if rng.random() < 0.2:
            _mutate(piece, 0.03, rng)
        codes[at : at + len(piece)] = piece


def _plant_segdups(contigs: dict[str, NDArray[np.uint8]], fraction: float, rng: np.random.Generator) -> None:
    """Copy long pieces elsewhere, 0.5 to 4 % diverged, until `fraction` of the genome is a copy."""
    names = list(contigs)
    total = sum(len(c) for c in contigs.values())
    done = 0
    while done < fraction * total and total > 100_000:
        source, target = (contigs[names[k]] for k in rng.integers(0, len(names), 2))
        size = min(int(rng.integers(1_500, 6_000)), len(source) // 8, len(target) // 8)
        start = int(rng.integers(0, len(source) - size))
        piece = source[start : start + size].copy()
        _mutate(piece, float(rng.uniform(0.005, 0.04)), rng)
        at = int(rng.integers(0, len(target) - size))
        target[at : at + size] = piece
        done += size


def _plant_n(codes: NDArray[np.uint8], fraction: float, rng: np.random.Generator) -> None:
    """One stretch of N inside the contig, as assemblies have."""
    size = int(fraction * len(codes))
    if size:
        at = int(rng.integers(len(codes) // 10, len(codes) - size))
        codes[at : at + size] = 4
