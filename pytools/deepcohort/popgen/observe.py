"""From simulated alleles to what a caller would give: reads, errors, missing data, phase, ascertainment."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.popgen.config import Observation
from deepcohort.popgen.types import FULL, MISSING, Locus, Observed, Rows


def observe(
    locus: Locus, rows: Rows, observation: Observation, length_bp: float, rng: np.random.Generator
) -> Observed:
    """One look at a locus."""
    if (rows.copies > 1).any():
        return _observe_counts(locus, rows, observation, length_bp, rng)
    phased = observation.phased == "yes" or (observation.phased == "both" and rng.random() < 0.5)
    alleles, positions = _known_sites(locus, rows, observation, rng)
    wrong = rng.uniform(*observation.error)
    if wrong > 0:
        alleles = alleles ^ (rng.random(alleles.shape) < wrong)
    if phased:
        group, copies = rows.group, np.ones(len(rows.group), np.int16)
        share = alleles.astype(np.float64)
    else:
        share, group = _individuals(alleles, rows)
        copies = np.full(len(group), 2, np.int16)
    share = _read(share, group, rows, observation, phased, rng)
    missing = rng.uniform(*observation.missing)
    if missing > 0:
        share[rng.random(share.shape) < missing] = np.nan
    return Observed(
        *variable_matrix(share, copies, positions, observation.polarised), length_bp, group, copies, phased
    )


def _known_sites(
    locus: Locus, rows: Rows, observation: Observation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Sites that are on the array, or all."""
    density, floor = rng.uniform(*observation.density), rng.uniform(*observation.min_maf)
    keep = np.ones(len(locus.positions), bool)
    if density < 1:
        keep &= rng.random(len(keep)) < density
    if floor > 0:
        p = locus.alleles.mean(axis=1)
        keep &= np.minimum(p, 1 - p) >= floor
    return locus.alleles[keep], locus.positions[keep]


def _individuals(alleles: NDArray[np.uint8], rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """Two haplotypes each; a group's odd last haplotype is left out."""
    parts, groups = [], []
    for k, part in enumerate(rows.slices()):
        own = alleles[:, part]
        n = own.shape[1] // 2
        parts.append(own[:, : 2 * n].reshape(len(own), n, 2).mean(axis=2))
        groups.append(np.full(n, k, np.int16))
    return np.concatenate(parts, axis=1), np.concatenate(groups)


def _read(
    share: NDArray[np.float64],
    group: NDArray[np.int16],
    rows: Rows,
    observation: Observation,
    phased: bool,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Expected shares given reads: genotype likelihoods with the sites' frequencies as prior."""
    depth = rng.uniform(*observation.depth)
    if depth > 0:
        per_row = depth / 2 if phased else depth
        n = rng.poisson(per_row, share.shape)
        e = observation.read_error
        alt = rng.binomial(n, share * (1 - e) + (1 - share) * e)
        share = expected_shares(n, alt, e, 1 if phased else 2)
    if observation.pseudo_haploid:
        ancient = np.array(rows.ages_years)[group] > 0
        own = share[:, ancient]
        drawn = (rng.random(own.shape) < own).astype(np.float64)
        share[:, ancient] = np.where(np.isnan(own), np.nan, drawn)
    return share


def expected_shares(
    n: NDArray[np.int64], alt: NDArray[np.int64], error: float, ploidy: int
) -> NDArray[np.float64]:
    """Posterior mean of the ALT share by row from read counts (S, R); NaN without reads."""
    g = np.arange(ploidy + 1) / ploidy
    q = g * (1 - error) + (1 - g) * error
    log_l = alt[..., None] * np.log(q) + (n - alt)[..., None] * np.log1p(-q)
    return posterior_shares(log_l, n == 0)


def posterior_shares(
    log_l: NDArray[np.float64], unseen: NDArray[np.bool_], haploid: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Posterior mean of the ALT share of natural-log likelihoods (S, R, ploidy + 1), with EM frequencies.

    The prior is Hardy-Weinberg's at each site's frequency. Rows that are `unseen` are NaN. `haploid`: (S, R),
    entries of one copy among diploid ones, -inf for the heterozygote.
    """
    ploidy = log_l.shape[-1] - 1
    likelihood = np.exp(log_l - log_l.max(axis=-1, keepdims=True))
    likelihood[unseen] = 0.0
    g = np.arange(ploidy + 1)
    binomial = np.array([1.0, 1.0]) if ploidy == 1 else np.array([1.0, 2.0, 1.0])
    weight = (~unseen).astype(np.float64)
    if haploid is not None:
        weight[haploid] *= 0.5
    seen = np.maximum(weight.sum(axis=1), 1)
    p = np.full(len(log_l), 0.2)
    posterior = likelihood
    for _ in range(20):
        prior = binomial * p[:, None] ** g * (1 - p[:, None]) ** (ploidy - g)
        of_rows = prior[:, None, :]
        if haploid is not None:
            single = np.stack([1 - p, np.zeros(len(p)), p], axis=1)
            of_rows = np.where(haploid[..., None], single[:, None, :], of_rows)
        posterior = likelihood * of_rows
        total = posterior.sum(axis=-1, keepdims=True)
        posterior = np.divide(posterior, total, out=np.zeros_like(posterior), where=total > 0)
        p = np.clip((posterior @ (g / ploidy) * weight).sum(axis=1) / seen, 1e-4, 1 - 1e-4)
    share = posterior @ (g / ploidy)
    return np.where(unseen, np.nan, share)


def variable_matrix(
    share: NDArray[np.float64],
    copies: NDArray[np.int16],
    positions: NDArray[np.float64],
    polarised: bool,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Matrix uint8 and positions of the sites of `share` (S, R; NaN = missing) that vary among rows seen."""
    seen = ~np.isnan(share)
    weight = seen * copies
    total = weight.sum(axis=1)
    known = np.where(seen, share, 0.0)
    p = np.divide((known * weight).sum(axis=1), total, out=np.zeros(len(share)), where=total > 0)
    least = 0.5 / np.maximum(total, 1)  # less than half an allele is no observation of one
    vary = (p > least) & (p < 1 - least)
    known, seen, p = known[vary], seen[vary], p[vary]
    if not polarised:
        flip = p > 0.5
        known[flip] = 1.0 - known[flip]
    return np.where(seen, np.rint(known * FULL), MISSING).astype(np.uint8), positions[vary]


def _observe_counts(
    locus: Locus, rows: Rows, observation: Observation, length_bp: float, rng: np.random.Generator
) -> Observed:
    """Counts of unlinked SNPs by population: alleles not seen are left out at random."""
    counts = locus.alleles.astype(np.int64)
    n = np.broadcast_to(rows.copies.astype(np.int64), counts.shape)
    missing = rng.uniform(*observation.missing)
    seen = n
    if missing > 0:
        # sites differ in how often they are missing, as loci of reduced representation do
        lost = np.clip(rng.beta(3 * missing, 3 * (1 - missing), len(counts)), 0, 0.95)
        seen = rng.binomial(n, 1 - lost[:, None])
        counts = rng.hypergeometric(counts, n - counts, seen)
    wrong = rng.uniform(*observation.error)
    if wrong > 0:
        counts = rng.binomial(counts, 1 - wrong) + rng.binomial(seen - counts, wrong)
    return observe_counts(counts, seen, rows, observation.polarised, length_bp)


def observe_counts(
    counts: NDArray[np.int64], seen: NDArray[np.int64], rows: Rows, polarised: bool, length_bp: float
) -> Observed:
    """An Observed of counts (S, K) among `seen` (S, K) alleles by population."""
    total, derived = seen.sum(axis=1), counts.sum(axis=1)
    vary = (derived > 0) & (derived < total)
    counts, seen = counts[vary], seen[vary]
    share = np.divide(counts, seen, out=np.full(counts.shape, np.nan), where=seen > 0)
    if not polarised:
        flip = 2 * derived[vary] > total[vary]
        share[flip] = 1.0 - share[flip]
    matrix = np.where(np.isnan(share), MISSING, np.rint(np.nan_to_num(share) * FULL)).astype(np.uint8)
    return Observed(
        matrix, np.arange(len(matrix), dtype=np.float64), length_bp, rows.group, rows.copies, True
    )
