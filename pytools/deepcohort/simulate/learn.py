"""Learning a short-read profile from real reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import binom

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.simulate.io_learn import LearnReads, read_for_learning
from deepcohort.simulate.kernels import HOT_RATES, MAX_COPIES, MAX_UNIT, find_tracts
from deepcohort.simulate.kernels_learn import (
    Aligned,
    Tracts,
    count_bases,
    count_slips,
    count_transitions,
    pile_up,
)
from deepcohort.simulate.profile import IlluminaProfile, cumulative

MIN_MAPQ = 30
MIN_BASES = 100_000
_N_GROUPS, _N_BINS, _TRIM = 5, 8, 3
_FLANK = 4  # bp a read must reach beyond a tract
_GC_BINS = 21
_WAVE_BP = 500
_LOW_PHRED, _CLIPPED_WRONG = 4, 0.4  # 2 marks bad tails
_CLIP_BP, _CLIP_PHRED = 10, 22  # lesser clips are ends full of errors
_FAINT_RATE, _MAX_HOT_SHARE = 0.05, 0.5  # of all errors, at most, come from hot sites
_OTHER_STRAND = 8  # a heterozygous site hides from so many reads once in 256
_MAX_STRAND_DEPTH, _MAX_SEEN = 60, 12


@dataclass(frozen=True, slots=True)
class Evidence:
    """One contig of one BAM, made ready for counting. `masked` bool (L,): do not learn here."""

    reads: LearnReads
    use: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    mate: NDArray[np.int64]
    end: NDArray[np.int64]
    masked: NDArray[np.bool_]
    pile: NDArray[np.int32]

    @property
    def cigar(self) -> tuple[NDArray, NDArray, NDArray]:
        """CIGAR columns as kernels take them."""
        return self.reads.cigar_op, self.reads.cigar_len, self.reads.cigar_offset

    @property
    def aligned(self) -> Aligned:
        """All columns of the reads as kernels take them."""
        reads = self.reads
        return Aligned(
            reads.pos, self.end, self.use, self.reverse, self.mate, reads.seq, reads.qual, reads.offset,
            *self.cigar,
        )  # fmt: skip


def gather_evidence(bams: list[Path], reference: Path, truth: Path | None = None) -> list[Evidence]:
    """Reads of `bams` with likely variants masked.

    Raises:
        DeepcohortError: see read_for_learning; or too few reads.
    """
    with ReferenceFasta(reference) as fasta:
        found = [_prepare(reads) for bam in bams for reads in read_for_learning(bam, fasta, truth)]
    n_used = sum(int(np.diff(e.reads.offset)[e.use].sum()) for e in found)
    if not any((e.reads.reference < 4).mean() > 0.2 for e in found):
        raise DeepcohortError(f"{reference} holds only N where {bams[0]} has reads; give the full reference")
    if n_used < MIN_BASES:
        raise DeepcohortError(
            f"{', '.join(map(str, bams))}: {n_used} bases in reads of MAPQ {MIN_MAPQ} or more; "
            f"a profile needs {MIN_BASES}, give more reads"
        )
    return found


def _prepare(reads: LearnReads) -> Evidence:
    use = (reads.mapq >= MIN_MAPQ) & (reads.flag & 0xD00 == 0)
    reverse = (reads.flag & 0x10) > 0
    on_reference = np.isin(reads.cigar_op, (0, 2, 3, 7, 8)) * reads.cigar_len
    total = np.concatenate([[0], np.cumsum(on_reference)])
    end = reads.pos + total[reads.cigar_offset[1:]] - total[reads.cigar_offset[:-1]]
    pile = pile_up(
        reads.pos, use, reverse, reads.seq, reads.offset, reads.cigar_op, reads.cigar_len,
        reads.cigar_offset, len(reads.reference),
    )  # fmt: skip
    masked = reads.truth | likely_variants(pile, reads.reference)
    return Evidence(reads, use, reverse, (reads.flag >> 7) & 1, end, masked, pile)


def likely_variants(pile: NDArray[np.int32], reference: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Bases that look like true variation, with their neighbours, bool (L,).

    What one strand shows and _OTHER_STRAND reads or more of the other never do is a systematic error.
    """
    both = pile.sum(axis=1)
    bases = both[:, :4].copy()
    depth = bases.sum(axis=1) + both[:, 4]
    known = reference < 4
    bases[np.flatnonzero(known), reference[known]] = 0
    alt = bases.max(axis=1)
    snp = ((alt >= 3) & (alt > 0.2 * depth)) | ((alt >= 2) & (alt > 0.3 * depth))
    of_alt = np.take_along_axis(pile[:, :, :4], bases.argmax(axis=1)[:, None, None], axis=2)[..., 0]
    one_strand = (of_alt == 0) & (pile[:, :, :5].sum(axis=2) >= _OTHER_STRAND)
    snp &= ~one_strand.any(axis=1)
    gap = both[:, 4:].max(axis=1)
    indel = (gap >= 3) & (gap > 0.25 * depth)
    return _widen(snp, 2) | _widen(indel, 8)


def _widen(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    return np.convolve(mask, np.ones(2 * by + 1, np.int64), mode="same") > 0


def learn_illumina(evidence: list[Evidence]) -> IlluminaProfile:
    """Profile of paired short reads.

    Raises:
        DeepcohortError: reads are not of one prevailing length.
    """
    lengths = np.concatenate([np.diff(e.reads.offset)[e.use] for e in evidence])
    cycles = int(np.bincount(lengths).argmax())
    if cycles > 400 or cycles < 25:
        raise DeepcohortError(f"most reads have {cycles} bases; this is for short reads of 25 to 400 bp")
    hot_density, hot_cdf, hot_masks, hot_mass = _hot_spots(evidence)
    by_cycle, by_context = _base_counts(evidence, hot_masks, cycles)
    quals = np.flatnonzero(by_cycle[..., 0].sum(axis=(0, 1)) > 0).astype(np.uint8)
    totals = by_cycle.sum(axis=(0, 1))
    aligned_rate = _substitution_rate(totals[quals], np.zeros(len(quals), np.int64), quals)
    sub_rate = _substitution_rate(totals[quals], _clipped_by_quality(evidence)[quals], quals)
    counts = by_context[:, quals]
    context_factor, sub_cdf = context_model(
        counts.sum(axis=1), (counts.sum(axis=2) * aligned_rate).sum(axis=1)
    )
    _, everywhere = _base_counts(evidence, [np.zeros_like(m) for m in hot_masks], cycles)
    hot_context = _hot_context(everywhere.sum(axis=1), by_context.sum(axis=1))
    slip_del, slip_ins, slip_more = learn_slips(evidence)
    # errors of hot sites that the masks missed are not to be made twice
    plain = float(np.clip(1 - hot_mass * totals[:, 0].sum() / max(1, totals[:, 1].sum()), 0.3, 1.0))
    return IlluminaProfile(
        quals=quals,
        sub_rate=(plain * sub_rate).astype(np.float32),
        cycle_factor=_cycle_factor(by_cycle[:, :, quals], aligned_rate),
        context_factor=context_factor,
        sub_cdf=sub_cdf,
        slip_del=slip_del,
        slip_ins=slip_ins,
        slip_more=slip_more,
        hot_cdf=hot_cdf,
        hot_context=hot_context,
        hot_density=hot_density,
        error_cdf=cumulative(totals[quals, 1] + 0.01),
        coverage_sd=_coverage_sd(evidence),
        **_quality_model(evidence, quals, cycles),
        **_fragment_model(evidence),
    )


def _base_counts(
    evidence: list[Evidence], hot_masks: list[NDArray[np.bool_]], cycles: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums of count_bases over all evidence."""
    parts = [
        count_bases(e.reads.reference, e.masked | hot, e.aligned, cycles, _TRIM)
        for e, hot in zip(evidence, hot_masks, strict=True)
    ]
    return sum(p[0] for p in parts), sum(p[1] for p in parts)  # type: ignore[return-value]


def _substitution_rate(
    counts: NDArray[np.int64], clipped: NDArray[np.int64], quals: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Errors per base by quality; sparse ones lean on what the quality promises.

    Aligners clip bad tails, so that aligned bases of low quality are the better ones: their clipped
    fellows count too, as wrong in _CLIPPED_WRONG of cases.
    """
    promised = np.clip(10 ** (quals.astype(np.float64) / -10.0), 2e-5, 0.6)
    promised *= counts[:, 1].sum() / (counts[:, 0] * promised).sum()
    hidden = np.where(quals <= _LOW_PHRED, clipped, 0)
    wrong = counts[:, 1] + _CLIPPED_WRONG * hidden + 100 * promised
    return (wrong / (counts[:, 0] + hidden + 100)).astype(np.float32)


def _clipped_by_quality(evidence: list[Evidence]) -> NDArray[np.int64]:
    """Bases of long soft clips by quality, int64 (128,); not adapters (fragments shorter than reads)."""
    total = np.zeros(128, np.int64)
    for e in evidence:
        in_read = np.isin(e.reads.cigar_op, (0, 1, 4, 7, 8)) * e.reads.cigar_len
        tail = (e.reads.cigar_op == 4) & (e.reads.cigar_len >= _CLIP_BP)
        size = np.diff(e.reads.offset)
        wanted = np.repeat(e.use & (np.abs(e.reads.tlen) > size), size)
        total += np.bincount(e.reads.qual[np.repeat(tail, in_read) & wanted], minlength=128)
    return total


def _cycle_factor(by_cycle: NDArray[np.int64], sub_rate: NDArray[np.float32]) -> NDArray[np.float32]:
    """Observed over expected errors by mate and cycle, smoothed over five cycles; weighted mean 1."""
    expected = (by_cycle[..., 0] * sub_rate).sum(axis=2)
    errors = by_cycle[..., 1].sum(axis=2)
    window = np.ones(5)
    smooth = [
        (np.convolve(o, window, "same") + 10) / (np.convolve(x, window, "same") + 10)
        for o, x in zip(errors, expected, strict=True)
    ]
    return np.array(smooth, np.float32)


def context_model(
    read_as: NDArray[np.integer] | NDArray[np.floating], expected: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor on the error rate, float32 (64,), and base read instead, float32 (64, 4), by context.

    From counts of the base read, (64, 4), and the errors that qualities alone predict, (64,).
    """
    right = np.arange(64) % 4
    wrong = read_as.astype(np.float64)
    wrong[np.arange(64), right] = 0
    factor = (wrong.sum(axis=1) + 10) / (expected + 10)
    by_base = np.array([wrong[right == b].sum(axis=0) for b in range(4)]) + 1
    by_base /= by_base.sum(axis=1, keepdims=True)
    weights = wrong + 6 * by_base[right]
    weights[np.arange(64), right] = 0
    return factor.astype(np.float32), cumulative(weights)


def _hot_context(everywhere: NDArray[np.int64], plain: NDArray[np.int64]) -> NDArray[np.float32]:
    """Relative density of hot sites by context, float32 (64,): errors that only they bring, per base.

    From counts of the base read, (64, 4), with hot sites and without.
    """
    right = np.arange(64) % 4
    excess = (everywhere - plain).astype(np.float64)
    excess[np.arange(64), right] = 0
    rate = (excess.sum(axis=1) + 0.1 * excess.sum() / 64 + 1) / (everywhere.sum(axis=1) + 1)
    return (rate / rate.mean()).astype(np.float32)


def _hot_spots(
    evidence: list[Evidence],
) -> tuple[float, NDArray[np.float32], list[NDArray[np.bool_]], float]:
    """Sites where one strand errs systematically: density per base and strand, rates, places, mass.

    How often one wrong base is seen k times among n on a strand is explained as chance plus a
    mixture of error rates (non-negative least squares on the counts of k = 2 to 12). Returns the
    density of such sites, the cumulative share of each rate of HOT_RATES, the sites that are plain
    to see (bool (L,) per contig), and the errors per base that the rest of them explain.
    """
    seen = np.zeros((_MAX_STRAND_DEPTH, _MAX_SEEN + 1))
    masks = []
    errors = bases_seen = wrong_seen = all_seen = 0.0
    for e in evidence:
        bases = e.pile[:, :, :4].astype(np.int64)
        depth = bases.sum(axis=2)
        known = np.flatnonzero(e.reads.reference < 4)
        bases[known, :, e.reads.reference[known]] = 0
        top = bases.max(axis=2)
        able = (depth >= 6) & (depth < _MAX_STRAND_DEPTH) & ~e.masked[:, None]
        np.add.at(seen, (depth[able], np.minimum(top[able], _MAX_SEEN)), 1)
        wrong = bases.sum(axis=2)
        errors += float((able & (wrong == 1)).sum())
        bases_seen += float(depth[able & (wrong == 0)].sum())
        wrong_seen, all_seen = wrong_seen + float(wrong[able].sum()), all_seen + float(depth[able].sum())
        masks.append((able & (top >= 3)).any(axis=1))
    chance = errors / max(1.0, bases_seen) / 3  # P(1) / P(0) of a Poisson count is its mean
    weights, missed = _mixture(seen, chance)
    mass = weights * HOT_RATES * missed
    # faint sites stand for whatever makes errors uneven: bad reads and bad ends do so too
    faint = HOT_RATES < _FAINT_RATE
    allowed = max(0.0, _MAX_HOT_SHARE * wrong_seen / max(1.0, all_seen) - float(mass[~faint].sum()))
    weights[faint] *= min(1.0, allowed / max(1e-12, float(mass[faint].sum())))
    density = float(weights.sum())
    share = cumulative(weights + 1e-12)
    return density, share, masks, float((weights * HOT_RATES * missed).sum())


def _mixture(seen: NDArray[np.float64], chance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Density of strand-sites at each of HOT_RATES, and the chance that one shows below 3 errors.

    `seen` float64 (depth, k): strand-sites by depth and count of their commonest wrong base;
    `chance`: rate of one given wrong base elsewhere.
    """
    depths = np.flatnonzero(seen.sum(axis=1))
    number = seen.sum(axis=1)[depths]
    k = np.arange(_MAX_SEEN + 1)
    by_rate = np.array([binom.pmf(k, depths[:, None], rate) for rate in HOT_RATES])  # (rates, depths, k)
    background = 3 * binom.pmf(k, depths[:, None], chance)
    total = number.sum()
    if not total:
        return np.zeros(len(HOT_RATES)), np.ones(len(HOT_RATES))
    columns = np.einsum("d,rdk->kr", number, by_rate)[2:]
    target = seen.sum(axis=0)[2:] - number @ background[:, 2:]
    scale = 1 / np.sqrt(seen.sum(axis=0)[2:] + 2)  # counts vary by their root
    weights, _ = nnls(columns * scale[:, None], np.maximum(target, 0) * scale)
    missed = np.einsum("d,rdk->r", number, by_rate[:, :, :3]) / total
    return weights, missed


def tracts_in(
    reference: NDArray[np.uint8], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Starts, ends and slippage index of the tracts of a reference, and whether each is blocked; (T,).

    Args:
        reference: uint8 codes (L,). truth: bool (L,), where the sample differs: tracts beside are blocked.
    """
    left, _ = find_tracts(reference)
    starts = np.flatnonzero(left)
    index = left[starts].astype(np.int64)
    ends = starts + (index // MAX_COPIES + 1) * (index % MAX_COPIES)
    covered = np.concatenate([[0], np.cumsum(truth)])
    return starts, ends, index, covered[np.minimum(ends + 1, len(left))] > covered[starts - (starts > 0)]


def learn_slips(
    evidence: list[Evidence],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Loss and gain rates by slippage index, and the chance of each further unit by unit length."""
    n_index = MAX_UNIT * MAX_COPIES
    passages = np.zeros(n_index)
    changes = np.zeros((n_index, 2))
    more = np.zeros((MAX_UNIT, 2))
    for e in evidence:
        starts, ends, index, blocked = tracts_in(e.reads.reference, e.reads.truth)
        for _ in range(2):  # first to find tracts whose true length differs, then without them
            tracts = Tracts(starts, ends, index, blocked)
            n, change, per_tract = count_slips(tracts, e.aligned, n_index, _FLANK)
            worst = per_tract.max(axis=1)
            blocked = blocked | ((worst >= 3) & (worst > (0.2 + 0.012 * (index % MAX_COPIES)) * n))
        passages += np.bincount(index, weights=n, minlength=n_index)
        changes += change.sum(axis=2)
        by_unit = change.reshape(MAX_UNIT, MAX_COPIES, 2, -1).sum(axis=(1, 2))
        more[:, 0] += by_unit[:, 2:] @ np.arange(1, by_unit.shape[1] - 1)
        more[:, 1] += by_unit[:, 1:] @ np.arange(1, by_unit.shape[1])
    loss, gain = (smooth_slips(passages, changes[:, side]) for side in range(2))
    return loss, gain, ((more[:, 0] + 2) / (more[:, 1] + 10)).astype(np.float32)


def smooth_slips(
    passages: NDArray[np.float64], changes: NDArray[np.float64], floor: float = 1e-6, growth: float = 1.45
) -> NDArray[np.float32]:
    """Rates by slippage index that grow with copies, from passages and changes by index.

    Where the data are thin, a guess counts as three events: `growth` per copy from `floor`, scaled
    to the unit's total.
    """
    rates = np.zeros((MAX_UNIT, MAX_COPIES))
    copies = np.arange(MAX_COPIES)
    for unit in range(MAX_UNIT):
        n = passages.reshape(MAX_UNIT, MAX_COPIES)[unit]
        k = changes.reshape(MAX_UNIT, MAX_COPIES)[unit]
        first = 1 if unit == 0 else 3
        start = floor if unit == 0 else max(floor, 2e-5 / unit)
        guess = np.minimum(0.12, start * growth ** np.minimum(copies, 24))
        guess = np.minimum(0.3, guess * (k.sum() + 3) / ((n * guess).sum() + 3))
        rate = np.minimum(0.35, (k + 3) / (n + 3 / np.maximum(guess, 1e-9)))
        rates[unit, first:] = np.maximum.accumulate(rate[first:])
    return rates.reshape(-1).astype(np.float32)


def _quality_model(evidence: list[Evidence], quals: NDArray[np.uint8], cycles: int) -> dict[str, Any]:
    """Fields of IlluminaProfile that make quality strings."""
    full = [e.use & (np.diff(e.reads.offset) == cycles) for e in evidence]
    means = [np.add.reduceat(e.reads.qual, e.reads.offset[:-1], dtype=np.float64) / cycles for e in evidence]
    edges = np.quantile(
        np.concatenate([m[f] for m, f in zip(means, full, strict=True)]), [0.04, 0.15, 0.4, 0.75]
    )
    groups = [np.searchsorted(edges, m) for m in means]
    index = np.zeros(256, np.int64)
    index[: len(index)] = np.clip(np.searchsorted(quals, np.arange(256)), 0, len(quals) - 1)
    cycle_bin = (np.arange(cycles) * _N_BINS // cycles).astype(np.int64)
    parts = [
        count_transitions(
            f, e.mate, g, e.reverse, e.reads.qual, e.reads.offset, index, cycle_bin, _N_GROUPS, len(quals)
        )
        for e, f, g in zip(evidence, full, groups, strict=True)
    ]
    first = sum(p[0] for p in parts)
    steps = sum(p[1] for p in parts)
    pooled = steps.sum(axis=2, keepdims=True) + 0.5 * steps.sum(axis=(1, 2), keepdims=True) / _N_GROUPS
    pooled = pooled + 1e-3 * np.eye(len(quals))
    steps = steps + 25 * pooled / pooled.sum(axis=-1, keepdims=True)
    steps = steps / steps.sum(axis=-1, keepdims=True)
    steps[steps < 1.5e-4] = 0
    mates = _mate_groups(evidence, groups, full)
    return {
        "class_cdf": cumulative(mates.sum(axis=1)),
        "mate_class_cdf": cumulative(mates),
        "start_cdf": cumulative(first + 0.05 * first.sum(axis=1, keepdims=True) / _N_GROUPS + 1e-6),
        "trans_cdf": cumulative(steps),
        "cycle_bin": cycle_bin.astype(np.int16),
    }


def _mate_groups(
    evidence: list[Evidence], groups: list[NDArray[np.int64]], full: list[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    """How often read 1 of class i has a mate of class j, float64 (G, G), never zero."""
    table = np.full((_N_GROUPS, _N_GROUPS), 0.5)
    for e, group, f in zip(evidence, groups, full, strict=True):
        first, second = np.flatnonzero(f & (e.mate == 0)), np.flatnonzero(f & (e.mate == 1))
        _, a, b = np.intersect1d(e.reads.name[first], e.reads.name[second], return_indices=True)
        np.add.at(table, (group[first[a]], group[second[b]]), 1)
    return table


def _coverage_sd(evidence: list[Evidence]) -> float:
    """SD of the log of depth between windows of _WAVE_BP, beyond what counting fragments brings."""
    found, weight = 0.0, 0
    for e in evidence:
        first = e.use & (e.mate == 0)
        known = np.add.reduceat(e.reads.reference < 4, np.arange(0, len(e.reads.reference), _WAVE_BP))
        n = np.bincount(e.reads.pos[first] // _WAVE_BP, minlength=len(known))[: len(known)]
        n = n[known == _WAVE_BP][1:-1]
        n = n[n > 0.2 * np.median(n)] if len(n) else n
        if len(n) >= 10:
            found += len(n) * max(0.0, float(n.var() - n.mean())) / float(n.mean()) ** 2
            weight += len(n)
    return float(np.sqrt(np.log1p(found / weight))) if weight else 0.0


def _clipped_well(e: Evidence) -> NDArray[np.bool_]:
    """Reads that lose _CLIP_BP or more good bases at an end, bool (R,): they go on elsewhere.

    Bad tails and adapters (fragments no longer than the read) do not count.
    """
    in_read = np.isin(e.reads.cigar_op, (0, 1, 4, 7, 8)) * e.reads.cigar_len
    stop = np.cumsum(in_read)
    quality = np.concatenate([[0], np.cumsum(e.reads.qual, dtype=np.int64)])
    mean = (quality[stop] - quality[stop - in_read]) / np.maximum(1, in_read)
    good = (e.reads.cigar_op == 4) & (e.reads.cigar_len >= _CLIP_BP) & (mean >= _CLIP_PHRED)
    total = np.concatenate([[0], np.cumsum(good)])
    clipped = total[e.reads.cigar_offset[1:]] > total[e.reads.cigar_offset[:-1]]
    return clipped & (np.abs(e.reads.tlen) > np.diff(e.reads.offset))


def _fragment_model(evidence: list[Evidence]) -> dict[str, Any]:
    """Fields of IlluminaProfile that make fragments."""
    sizes = np.concatenate(
        [e.reads.tlen[e.use & (e.reads.tlen > 0) & (e.reads.flag & 2 > 0)] for e in evidence]
    )
    sizes = sizes[(sizes > 20) & (sizes < 2_000)]
    if len(sizes) < 100:
        raise DeepcohortError("fewer than 100 proper pairs; a short-read profile needs paired reads")
    typical = int(np.median(sizes))
    seen, there = np.zeros(_GC_BINS), np.zeros(_GC_BINS)
    primary = duplicates = paired = odd = spliced = 0
    for e in evidence:
        reference = e.reads.reference
        gc = np.concatenate([[0], np.cumsum((reference == 1) | (reference == 2))])
        start = np.arange(max(0, len(reference) - typical))
        bins = ((gc[start + typical] - gc[start]) / typical * (_GC_BINS - 1) + 0.5).astype(int)
        there += np.bincount(bins, minlength=_GC_BINS)
        left = e.reads.pos[e.use & (e.reads.tlen > 0) & (e.reads.flag & 2 > 0)]
        seen += np.bincount(bins[left[left < len(bins)]], minlength=_GC_BINS)
        good = (e.reads.flag & 0x900 == 0) & (e.reads.mapq >= MIN_MAPQ)
        primary += int(good.sum())
        duplicates += int((good & (e.reads.flag & 0x400 > 0)).sum())
        spliced += int((good & _clipped_well(e)).sum())
        both = good & (e.reads.flag & 0x8 == 0)
        paired += int(both.sum())
        odd += int((both & (~e.reads.mate_near | (np.abs(e.reads.tlen) > 10_000))).sum())
    mean = seen.sum() / there.sum()
    weight = (seen + 2_000 * mean) / (there + 2_000) / mean
    return {
        "insert_quantiles": np.quantile(sizes, np.linspace(0, 1, 101)).astype(np.float32),
        "gc_weight": weight.astype(np.float32),
        "duplicate_rate": duplicates / max(1, primary),
        "chimera_rate": min(0.02, odd / max(1, paired)),
        "splice_rate": min(0.03, spliced / max(1, primary)),
    }
