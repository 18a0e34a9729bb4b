"""How much of the reads is another person's, by counts drawn from what people are, and by reads."""

import numpy as np
import pytest
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.contamination import AltSites, alt_sites, measure
from deepcohort.reads.contamination_kernels import tally_alleles
from deepcohort.reads.profile import profile_of
from deepcohort.reads.quality_kernels import PlacedReads
from hypothesis import given, settings
from hypothesis import strategies as st
from test_adapters_and_votes import columns_of_rows, random_text


def drawn(rng, n_sites, depth, share, het_at=0.5, error=1e-4, windows=12):
    """Sites with an ALT: a third of them homozygotes, whose stranger has REF by the neutral spectrum."""
    is_hom = rng.random(n_sites) < 1 / 3
    ref_copies = rng.choice([0, 1, 2], n_sites, p=[1 / 2, 1 / 3, 1 / 6])
    at = np.where(rng.random(n_sites) < 0.5, het_at, 1 - het_at)
    of_ref = np.where(is_hom, share * ref_copies / 2 + error, at)
    n = np.maximum(rng.poisson(depth, n_sites), 6)
    n_ref = rng.binomial(n, of_ref)
    kept = 2 * (n - n_ref) > n
    window = rng.integers(0, windows, n_sites)
    return AltSites(window[kept], n_ref[kept], (n - n_ref)[kept], np.full(kept.sum(), 3e-4))


@pytest.mark.parametrize("depth", [8, 15, 30, 60, 200])
@pytest.mark.parametrize("error", [1e-4, 1e-3])
def test_reads_of_one_person_tell_of_none(depth, error):
    rng = np.random.default_rng(depth)
    assert all(measure(drawn(rng, 600, depth, 0.0, error=error)).told == 0 for _ in range(60))


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("depth", [30, 60])
def test_shares_are_told(depth, share):
    rng = np.random.default_rng(1)
    found = [measure(drawn(rng, 600, depth, share)).told for _ in range(40)]
    assert np.mean(found) == pytest.approx(share, rel=0.2)
    assert min(found) > 0.4 * share


def pooled(rng, n_sites, depth, share):
    """Sites of two persons' reads: each has 0, 1 or 2 copies of the ALT, by its frequency."""
    frequency = rng.choice([0.1, 0.3, 0.5, 0.8], n_sites)
    first, second = rng.binomial(2, frequency), rng.binomial(2, frequency)
    of_alt = np.clip(((1 - share) * first + share * second) / 2, 1e-4, 1 - 1e-4)
    n = np.maximum(rng.poisson(depth, n_sites), 6)
    n_alt = rng.binomial(n, of_alt)
    kept = 2 * n_alt > n
    window = rng.integers(0, 12, n_sites)
    return AltSites(window[kept], (n - n_alt)[kept], n_alt[kept], np.full(kept.sum(), 3e-4))


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5])
@pytest.mark.parametrize("depth", [20, 40])
def test_reads_of_two_persons_are_unbalanced(depth, share):
    """Where no share of a stranger's is told, as either may be the sample's."""
    rng = np.random.default_rng(1)
    found = [measure(pooled(rng, 600, depth, share)) for _ in range(20)]
    assert all(one.unbalanced or one.told for one in found)
    assert all(one.is_hint for one in found)


@pytest.mark.parametrize("depth", [8, 30, 200])
@pytest.mark.parametrize("homozygotes", [0.0, 1 / 3, 1.0])
def test_one_persons_alleles_are_balanced(depth, homozygotes):
    """Inbred strains, and crosses of two, too."""
    rng = np.random.default_rng(2)
    for _ in range(30):
        n = np.maximum(rng.poisson(depth, 600), 6)
        n_ref = rng.binomial(n, np.where(rng.random(600) < homozygotes, 1e-4, 0.5))
        kept = 2 * n_ref < n
        window = rng.integers(0, 12, 600)[kept]
        found = measure(AltSites(window, n_ref[kept], (n - n_ref)[kept], np.full(kept.sum(), 3e-4)))
        assert (found.unbalanced, found.told) == (0.0, 0.0)


def test_few_sites_tell_of_nothing():
    rng = np.random.default_rng(1)
    assert all(measure(drawn(rng, 3, 30, 0.05)).told == 0 for _ in range(60))
    assert measure(drawn(rng, 600, 30, 0.05, windows=1)).told == 0  # one place may be a copy's
    assert measure(AltSites(*np.empty((3, 0), np.int64), np.empty(0))).told == 0


@pytest.mark.parametrize("het_at", [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4])
def test_alleles_read_unevenly_are_no_strangers(het_at):
    rng = np.random.default_rng(1)
    assert all(measure(drawn(rng, 600, 30, 0.0, het_at)).told == 0 for _ in range(40))


base = st.tuples(st.integers(0, 4), st.sampled_from([10, 19, 20, 40]))


@settings(max_examples=100, deadline=None)
@given(reads=st.lists(st.tuples(st.integers(95, 130), st.lists(base, min_size=1, max_size=12)), max_size=8))
def test_tally_against_dictionaries(reads):
    offsets = np.cumsum([0, *(len(bases) for _, bases in reads)]).astype(np.int64)
    pos = np.array([p for p, _ in reads], np.int64)
    flat = [pair for _, bases in reads for pair in bases]
    placed = PlacedReads(
        pos, pos + 1, pos + np.diff(offsets), np.array([b for b, _ in flat], np.uint8),
        np.array([q for _, q in flat], np.uint8), offsets[:-1],
    )  # fmt: skip
    wanted = np.zeros((30, 4), np.int32)
    for start, bases in reads:
        for k, (code, quality) in enumerate(bases):
            if k >= 1 and 100 <= start + k < 130 and code < 4 and quality >= 20:
                wanted[start + k - 100, code] += 1
    assert (tally_alleles(placed, 100, 30, 20) == wanted).all()


def test_sites_of_reads():
    rng = np.random.default_rng(3)
    text = random_text(rng, 400)
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    rows = []
    for k in range(20):
        seq = list(text[k : k + 300])
        for site, n_alt in (
            (100, 18),
            (200, 9),
            (250, 20),
            (255, 20),
        ):  # homozygote, heterozygote, two too near
            if k < n_alt:
                seq[site - k] = other[text[site]]
        rows.append({"pos": 1_000 + k, "cigar": [(0, 300)], "seq": "".join(seq)})
    codes = np.array(["ACGT".index(b) for b in text], np.uint8)
    found = alt_sites([columns_of_rows(rows)], [(1_000, codes)])
    assert (found.n_ref.tolist(), found.n_alt.tolist()) == ([2], [18])
    assert found.error[0] == pytest.approx(3e-4, rel=5)


def test_a_read_at_the_very_end_of_a_contig(write_reads, reference_path, reference_text):
    """Its window holds fewer bases than alleles must be apart."""
    lines = [
        f"r{k}\t0\tone\t{50 * k + 1}\t60\t100M\t*\t0\t0\t{reference_text[50 * k :][:100]}\t{'I' * 100}\tRG:Z:a"
        for k in range(60)
    ]
    end = len(reference_text) - 10
    seq = reference_text[end:] + "ACGT" * 20
    lines.append(f"last\t0\tone\t{end + 1}\t60\t10M80S\t*\t0\t0\t{seq}\t{'I' * 90}\tRG:Z:a")
    config, windows = profile_of([write_reads(lines)], reference_path, ReadsConfig())
    assert (windows[-1].start, windows[-1].end) == (end, end + 10)
    assert config.library.n_reads == 61
