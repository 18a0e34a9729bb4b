"""Kernels against slow plain-Python answers and hand-worked tables."""

import math

import numpy as np
import pytest
from deepcohort.joint.allele_kernels import normalise
from deepcohort.joint.decide_kernels import hwe_p_values
from deepcohort.joint.genotype_kernels import site_quality
from deepcohort.joint.prior_kernels import em_frequencies, likelihoods, posteriors, raise_rare
from deepcohort.joint.text_kernels import put_float, put_int
from glnexus_oracle import primitives
from hypothesis import given, settings
from hypothesis import strategies as st

bases = st.text("ACGT", min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.text("AC", min_size=30, max_size=30), st.integers(8, 20), st.integers(1, 6), bases)
def test_normalise_is_the_slow_one(reference, pos, ref_len, alt):
    ref = reference[pos : pos + ref_len]
    if ref == alt:
        return
    shift = 100
    scratch = np.zeros(shift + 50, dtype=np.uint8)
    scratch[shift : shift + len(alt)] = np.frombuffer(alt.encode(), dtype=np.uint8)
    codes = np.frombuffer(("G" * 100 + reference).encode(), dtype=np.uint8)
    head, tail, at, length = normalise(scratch, shift, shift + len(alt), pos, len(ref), codes, -100, shift)
    text = scratch[head:tail].tobytes().decode()
    padded = "G" * 100 + reference
    expected = primitives(pos, ref, alt, lambda p: padded[p + 100])
    whole = padded[at + 100 : at + 100 + length]
    if len(text) == length:
        found = [(at + i, a, b) for i, (a, b) in enumerate(zip(whole, text, strict=True)) if a != b]
    else:
        found = [(at, whole, text)]
    assert found == expected


def slow_em(pl, inbreeding, ref_pseudo, alt_pseudo):
    """Biallelic EM, diploid, to convergence."""
    likelihood = 10.0 ** (-np.asarray(pl) / 10.0)
    f = 0.25
    for _ in range(20_000):
        p = 1 - f
        prior = np.array(
            [p * p + inbreeding * p * f, 2 * p * f * (1 - inbreeding), f * f + inbreeding * p * f]
        )
        w = likelihood * prior
        w /= w.sum(axis=1, keepdims=True)
        f = (w @ np.array([0, 1, 2])).sum() + alt_pseudo
        f /= 2 * len(pl) + ref_pseudo + alt_pseudo
    return f


@pytest.mark.parametrize("inbreeding", [0.0, 0.3])
def test_em_finds_the_slow_frequencies(inbreeding):
    rng = np.random.default_rng(3)
    pl = rng.integers(0, 60, (40, 3)).astype(np.int32)
    pl -= pl.min(axis=1, keepdims=True)
    state, ploidy = np.zeros(40, dtype=np.int8), np.full(40, 2, dtype=np.int8)
    likelihood, frequency = np.empty((40, 3)), np.empty(2)
    likelihoods(pl, state, ploidy, 3, likelihood)
    em_frequencies(likelihood, state, ploidy, 2, inbreeding, 2.0, 0.02, frequency)
    assert frequency.sum() == pytest.approx(1.0, abs=1e-6)
    assert frequency[1] == pytest.approx(slow_em(pl, inbreeding, 2.0, 0.02), abs=1e-4)


def test_posterior_by_hand():
    # f = 0.5, PL 0,10,20: 0.25 * 1, 0.5 * 0.1, 0.25 * 0.01 = 0.25, 0.05, 0.0025
    state, ploidy = np.zeros(2, dtype=np.int8), np.array([2, 1], dtype=np.int8)
    likelihood, out = np.empty((2, 3)), np.empty((2, 3))
    likelihoods(np.array([[0, 10, 20], [10, 0, 99]], dtype=np.int32), state, ploidy, 3, likelihood)
    posteriors(likelihood, state, ploidy, np.array([0.5, 0.5]), 2, 0.0, 1.0, out)
    assert out[0] == pytest.approx(np.array([0.25, 0.05, 0.0025]) / 0.3025)
    assert out[1, :2] == pytest.approx([1 / 11, 10 / 11])


def slow_hwe(het, rare, common):
    n = het + rare + common
    a = 2 * min(rare, common) + het

    def p(h):
        r = (a - h) // 2
        return math.comb(n, h) * math.comb(n - h, r) * 2**h / math.comb(2 * n, a)

    table = {h: p(h) for h in range(a % 2, a + 1, 2) if h + (a - h) // 2 <= n}
    here = table[het]
    return sum(v for v in table.values() if v <= here * (1 + 1e-9)), sum(
        v for h, v in table.items() if h >= het
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_hwe_against_enumeration(het, rare, common):
    if het + rare + common == 0:
        return
    two_sided, excess = slow_hwe(het, rare, common)
    assert hwe_p_values(het, rare, common) == pytest.approx((two_sided, excess), abs=1e-9)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 4, "0"), (1.0, 4, "1"), (0.5, 4, "0.5"), (1 / 3, 4, "0.3333"), (99.996, 4, "100"),
        (1234.567, 7, "1234.567"), (1e-3, 4, "0.001"), (1.23456e-7, 4, "1.235e-07"), (2e-120, 4, "2e-120"),
        (-0.0256, 4, "-0.0256"), (123456.0, 4, "123500"), (math.nan, 4, "."),
        (1.5e-303, 7, "1.5e-303"), (1.234e-307, 4, "1.234e-307"), (2e-310, 4, "2e-310"), (5e-324, 4, "4.941e-324"),
    ],
)  # fmt: skip
def test_floats(value, digits, text):
    out = np.zeros(64, dtype=np.uint8)
    assert out[: put_float(out, 0, value, digits)].tobytes().decode() == text


@given(st.integers(-(10**12), 10**12))
@settings(deadline=None)
def test_integers(value):
    out = np.zeros(64, dtype=np.uint8)
    assert out[: put_int(out, 0, value)].tobytes().decode() == str(value)


def test_site_quality():
    # prior 0.1 : 0.9, likelihood ratio 90: odds 10, P(reference) = 1 / 11
    assert site_quality(math.log10(90), 0.1) == pytest.approx(10 * math.log10(11))
    assert site_quality(500.0, 0.1) == pytest.approx(10 * (500 + math.log10(1 / 9)))


def test_rare_alleles_are_raised_at_the_references_cost():
    frequency = np.array([0.9, 0.0999, 0.0001])
    raise_rare(frequency, 3, 0.001)
    assert frequency == pytest.approx([0.8991, 0.0999, 0.001])
    alone = np.array([0.001, 0.999, 0.0])
    raise_rare(alone, 3, 0.01)
    assert alone == pytest.approx([0.0005, 0.999, 0.0005])
