"""Posteriors of whole pedigrees against the sum over every person's genotypes."""

import itertools

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.joint.family_kernels import Inheritance, Population, Samples, pedigree_posteriors
from deepcohort.joint.pedigree import Pedigree, kinship_of, read_pedigree
from deepcohort.joint.prior_kernels import likelihoods
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_helpers import block, genotype, gts, het, hom, write_gvcf, write_reference

# child -> (father, mother); the samples of the cohort, absent ones have names in capitals
PEDIGREES = {
    "trio": ({"kid": ("dad", "mom")}, ["dad", "mom", "kid"]),
    "trio of three generations": (
        {"dad": ("grandpa", "grandma"), "kid": ("dad", "mom")},
        ["kid", "mom", "dad", "grandpa", "grandma"],
    ),
    "half siblings": (
        {"a": ("dad", "mom"), "b": ("dad", "other"), "c": ("dad", "other")},
        ["a", "b", "c", "dad", "mom", "other"],
    ),
    "half siblings of an absent father": (
        {"a": ("DAD", "mom"), "b": ("DAD", "other")},
        ["a", "b", "mom", "other"],
    ),
    "siblings without parents, and a grandmother": (
        {"a": ("DAD", "MOM"), "b": ("DAD", "MOM"), "DAD": ("", "grandma")},
        ["grandma", "a", "b"],
    ),
    "cousins": (
        {"x": ("GRANDPA", "grandma"), "y": ("GRANDPA", "grandma"), "a": ("x", "MX"), "b": ("FY", "y")},
        ["a", "b", "x", "y", "grandma"],
    ),
}
GENOTYPES = [(0, 0), (0, 1), (1, 1)]


def slow_transmission(father, mother, child, rate):
    """P(child's genotype), and the part of it that some mutation made where none would have done."""
    total = clean = 0.0
    for a, b in itertools.product(GENOTYPES[father], GENOTYPES[mother]):
        for new_a, new_b in itertools.product((0, 1), (0, 1)):
            if (a ^ new_a) + (b ^ new_b) == child:
                p = 0.25 * (rate if new_a else 1 - rate) * (rate if new_b else 1 - rate)
                total += p
                clean += p * (not new_a and not new_b)
    return total, clean


def slow_posteriors(parents, samples, likelihood, frequency, rate):
    """Posteriors (N, 3) and P(new allele) of the samples; unnamed parents are persons of their own."""
    parents = {c: (f or f"f of {c}", m or f"m of {c}") for c, (f, m) in parents.items()}
    persons = sorted({*samples, *parents, *(p for pair in parents.values() for p in pair)})
    f = frequency[1]
    prior = [(1 - f) ** 2, 2 * f * (1 - f), f * f]
    posterior, fresh, total = np.zeros((len(samples), 3)), np.zeros(len(samples)), 0.0
    for assigned in itertools.product(range(3), repeat=len(persons)):
        g = dict(zip(persons, assigned, strict=True))
        mass = np.prod([likelihood[i][g[s]] for i, s in enumerate(samples)])
        mass *= np.prod([prior[g[p]] for p in persons if p not in parents])
        steps = {c: slow_transmission(g[a], g[b], g[c], rate) for c, (a, b) in parents.items()}
        mass *= np.prod([step[0] for step in steps.values()])
        total += mass
        for i, s in enumerate(samples):
            posterior[i, g[s]] += mass
            if s in steps:
                fresh[i] += mass * (1 - steps[s][1] / steps[s][0])
    return posterior / total, fresh / total


def fast_posteriors(parents, samples, pl, f, rate):
    kin = kinship_of(Pedigree(parents, {}, {}), samples)
    n = len(samples)
    state, ploidy = np.zeros(n, dtype=np.int8), np.full(n, 2, dtype=np.int8)
    likelihood, out, fresh = np.empty((n, 3)), np.zeros((n, 3)), np.zeros(n)
    likelihoods(pl, state, ploidy, 3, likelihood)
    frequency = np.array([1 - f, f])
    assert len(kin.person_offsets) == 2
    pedigree_posteriors(
        kin, 0, Samples(likelihood, state, ploidy), 2, Population(frequency, 0.0, 1.0),
        Inheritance(rate, True), out, fresh,
    )  # fmt: skip
    return likelihood, frequency, out, fresh


@pytest.mark.parametrize("name", PEDIGREES)
@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 80), min_size=3, max_size=3), min_size=6, max_size=6),
    st.floats(0.01, 0.6),
    st.sampled_from([1e-6, 1e-3, 0.05]),
)
def test_posteriors_are_the_slow_ones(name, pl, f, rate):
    parents, samples = PEDIGREES[name]
    pl = np.array(pl[: len(samples)], dtype=np.int32)
    pl -= pl.min(axis=1, keepdims=True)
    pl[0] = (30, 0, 40)  # all reference is left to the population
    likelihood, frequency, out, fresh = fast_posteriors(parents, samples, pl, f, rate)
    expected, expected_fresh = slow_posteriors(parents, samples, likelihood, frequency, rate)
    np.testing.assert_allclose(out, expected, atol=1e-6)
    asked = [i for i, s in enumerate(samples) if s in parents]
    np.testing.assert_allclose(fresh[asked], expected_fresh[asked], atol=1e-6)


def test_who_belongs_together():
    parents = {
        "kid": ("dad", "mom"), "lone": ("ABSENT", "GONE"), "x": ("dad", ""),
        "far": ("F", "M"), "CHILD": ("far", "W"),
    }  # fmt: skip
    samples = ["lone", "mom", "far", "kid", "dad", "x"]
    kin = kinship_of(Pedigree(parents, {}, {}), samples)
    # one pedigree: kid with dad and mom, x with dad and an unknown mother; the others have nobody here
    assert kin.person_offsets.tolist() == [0, 5]
    assert sorted(kin.person_sample.tolist()) == [-1, 1, 3, 4, 5]
    assert kin.family_offsets.tolist() == [0, 2]
    members = [
        [kin.person_sample[p] for p in kin.members[a:b]] for a, b in itertools.pairwise(kin.member_offsets)
    ]
    assert sorted(map(list, members)) == [[4, -1, 5], [4, 1, 3]]
    assert kinship_of(Pedigree({}, {}, {}), samples).person_offsets.tolist() == [0]


def test_order_of_samples_and_rows_changes_nothing():
    parents, samples = PEDIGREES["cousins"]
    rng = np.random.default_rng(3)
    pl = rng.integers(0, 30, (len(samples), 3)).astype(np.int32)
    pl -= pl.min(axis=1, keepdims=True)
    *_, expected, _ = fast_posteriors(parents, samples, pl, 0.2, 1e-3)
    order = [3, 0, 4, 2, 1]
    turned = dict(reversed(parents.items()))
    *_, found, _ = fast_posteriors(turned, [samples[i] for i in order], pl[order], 0.2, 1e-3)
    np.testing.assert_allclose(found, expected[order], atol=1e-6)


def test_a_grandchild_speaks_for_the_grandfather(tmp_path):
    """kid is A/A: the father, who is not in the cohort, had an A, and only the weak grandfather may be its source."""
    write_reference(tmp_path)
    reference = [block(1, 300, gq=90)]
    rows = {
        "grandpa": [
            block(1, 12),
            "13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/0:6:2:2,0,0:0,6,60,20,60,80",
            block(14, 300),
        ],
        "grandma": reference,
        "mom": [block(1, 12), het(13, "G", "A"), block(14, 300)],
        "kid": [block(1, 12), hom(13, "G", "A"), block(14, 300)],
        **{f"other{i}": reference for i in range(4)},
    }
    paths = [write_gvcf(tmp_path, name, lines) for name, lines in rows.items()]
    parents = {"DAD": ("grandpa", "grandma"), "kid": ("DAD", "mom")}
    full = genotype(tmp_path, paths, pedigree=Pedigree(parents, {}, {}))["13 G A"]
    assert gts(full, *rows)[:4] == ["0/1", "0/0", "0/1", "1/1"]
    assert "DENOVO" not in full["INFO"]
    short = genotype(tmp_path, paths, pedigree=Pedigree({"kid": parents["kid"]}, {}, {}))["13 G A"]
    assert short["grandpa"]["GT"] in ("0/0", "./.")


def test_own_ancestor(tmp_path):
    ped = tmp_path / "loop.ped"
    ped.write_text("F a b m 1 0\nF b a m 1 0\nF m 0 0 2 0\n")
    with pytest.raises(DeepcohortError, match="makes a, b their own ancestors; check --pedigree"):
        read_pedigree(ped)
