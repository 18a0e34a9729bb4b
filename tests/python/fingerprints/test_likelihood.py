"""Contamination, kinship, populations and persons from made-up counts."""

import itertools

import numpy as np
import pytest
from deepcohort.fingerprints.config import FingerprintConfig
from deepcohort.fingerprints.judge import is_contaminated, judge
from deepcohort.fingerprints.kin import relation_of
from deepcohort.fingerprints.likelihood import (
    SHARES,
    descent_shares,
    foreign_curves,
    genotype_likelihoods,
    over_genotypes,
    same_person_odds,
)
from deepcohort.fingerprints.person import fingerprint_of
from deepcohort.fingerprints.types import AlleleReads, Unit
from fingerprint_builders import child_of, person, reads_of, unlinked_sites

CONFIG = FingerprintConfig()


def taken(reads, sites, name="S"):
    return fingerprint_of(name, [Unit(f"{name}.bam", "", reads)], sites)


def likelihoods(reads, sites):
    return genotype_likelihoods(reads, sites.frequency[:, 0], 1e-3, 0.495, 0.0)


def test_the_curve_is_the_sum_over_genotypes():
    """Against a plain sum over own and foreign genotypes and reads."""
    reads = AlleleReads(*(np.array([n], np.int32) for n in (7, 2, 1)))
    error, het, f, missing = 0.002, 0.49, 0.3, 0.2
    prior = [(1 - f) ** 2, 2 * f * (1 - f), f**2]
    pq = f * (1 - f)
    mine = [prior[0] + missing * pq, 2 * pq * (1 - missing), prior[2] + missing * pq]
    shows = [error, het, 1 - error]
    curve = over_genotypes(foreign_curves(reads, np.array([f]), error, het), np.array([f]), missing)[0]
    for k in (0, 20, 150):
        total = 0.0
        for own, other in itertools.product(range(3), repeat=2):
            p = (1 - SHARES[k]) * shows[own] + SHARES[k] * shows[other]
            total += mine[own] * prior[other] * p**2 * (1 - p) ** 7
        assert curve[k] == pytest.approx(np.log(total), abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.02, 0.05, 0.1])
@pytest.mark.parametrize(("n", "depth", "within"), [(2_000, 30, 0.006), (2_000, 10, 0.013), (300, 30, 0.02)])
def test_contamination(share, n, depth, within):
    """Estimates near the truth, which the interval holds; 0 % is no alarm, 2 % and more at 30x is one."""
    held = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sites = unlinked_sites(n, rng)
        own, foreign = (person(sites.frequency[:, 0], rng) for _ in range(2))
        found = taken(reads_of(own, depth, rng, foreign, share), sites)
        estimate = found.contamination.estimate
        assert abs(estimate - share) < within + 0.08 * share
        held += found.contamination.low - 1e-9 <= share <= found.contamination.high + 1e-9
        if share == 0:
            assert not is_contaminated(found, CONFIG)
        if share >= 0.02 and n * depth >= 9_000 and (n, depth) != (2_000, 10):
            assert is_contaminated(found, CONFIG)
        if share >= 0.05:
            assert is_contaminated(found, CONFIG)
    assert held >= 3


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_child_of_cousins_is_no_less_contaminated(share):
    """A quarter of the heterozygotes is missing: at 10x, foreign reads must not be taken for them."""
    estimates = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sites = unlinked_sites(2_000, rng)
        f = sites.frequency[:, 0]
        own = np.where(rng.random(len(f)) < 0.25, 2 * rng.binomial(1, f), person(f, rng))
        found = taken(reads_of(own, 10, rng, person(f, rng), share), sites).contamination
        estimates.append(found.estimate)
        assert 0.15 <= found.inbreeding <= 0.4
    assert abs(np.mean(estimates) - share) < 0.006


def test_who_contaminates_is_told():
    rng = np.random.default_rng(3)
    sites = unlinked_sites(1_000, rng)
    a, b, c = (person(sites.frequency[:, 0], rng) for _ in range(3))
    found = [
        taken(reads_of(a, 30, rng, b, 0.05), sites, "A"),
        taken(reads_of(b, 30, rng), sites, "B"),
        taken(reads_of(c, 30, rng, person(sites.frequency[:, 0], rng), 0.05), sites, "C"),
    ]
    verdicts, pairs = judge(found, sites, {}, {})
    assert [v.status for v in verdicts] == ["contaminated", "ok", "contaminated"]
    assert [v.contaminant for v in verdicts] == ["B", "", ""]
    assert pairs == []
    assert verdicts[0].warnings[0].endswith("of its reads are foreign, by B")


def test_linked_sites_tell_little():
    """Ninety SNPs of two haplotypes in one place are no ninety SNPs: nothing is said."""
    rng = np.random.default_rng(1)
    sites = unlinked_sites(90, rng)
    near = type(sites)(**{
        **{name: getattr(sites, name) for name in sites.__dataclass_fields__}, "stretch": np.arange(90) // 45,
    })  # fmt: skip
    copies = person(sites.frequency[:, 0], rng)
    found = [taken(reads_of(copies, 30, rng, copies, 0), near, name) for name in "AB"]
    verdicts, pairs = judge(found, near, {}, {})
    assert [v.status for v in verdicts] == ["too few reads"] * 2
    assert pairs == []
    assert found[0].contamination.estimate is None
    apart = [taken(f.reads[0], sites, f.sample) for f in found]
    assert judge(apart, sites, {}, {})[0][0].status == "same person"


@pytest.mark.parametrize("depth", [4, 10, 30])
def test_kinship(depth):
    rng = np.random.default_rng(depth)
    sites = unlinked_sites(2_500, rng)
    f = sites.frequency[:, 0]
    father, mother, stranger = (person(f, rng) for _ in range(3))
    son, daughter = (child_of(father, mother, rng) for _ in range(2))
    grandchild = child_of(son, stranger, rng)
    pairs = {
        "same person": (father, father), "parent-child": (father, son), "siblings": (son, daughter),
        "second degree": (father, grandchild), "unrelated": (father, mother),
    }  # fmt: skip
    for relation, (one, other) in pairs.items():
        a, b = (likelihoods(reads_of(copies, depth, rng), sites) for copies in (one, other))
        shares, odds = descent_shares(a, b, f), same_person_odds(a, b, f)
        assert relation_of(*shares, odds, CONFIG) == relation, (relation, shares)
        assert sum(shares) == pytest.approx(1)
        assert (odds > 3) == (relation == "same person")


def test_the_pedigree_is_held_against_the_reads():
    rng = np.random.default_rng(8)
    sites = unlinked_sites(1_500, rng)
    f = sites.frequency[:, 0]
    father, mother, stranger = (person(f, rng) for _ in range(3))
    people = {
        "child": child_of(father, mother, rng), "father": father, "mother": stranger, "aunt": mother, "twin": father,
    }  # fmt: skip
    found = [taken(reads_of(copies, 15, rng), sites, name) for name, copies in people.items()]
    verdicts, pairs = judge(found, sites, {"child": ("father", "mother")}, {})
    checks = {(p.one, p.other): (p.observed, p.expected, p.check) for p in pairs}
    assert checks == {
        ("child", "father"): ("parent-child", "parent-child", "ok"),
        ("child", "mother"): ("unrelated", "parent-child", "MISMATCH"),
        ("child", "aunt"): ("parent-child", "", "unexpected"),
        ("child", "twin"): ("parent-child", "", "unexpected"),
        ("father", "twin"): ("same person", "", "unexpected"),
    }
    lines = [line for v in verdicts for line in v.warnings]
    assert len(lines) == 4  # one line a pair
    assert any(
        line.startswith("child: parent-child of mother as stated, unrelated by the reads") for line in lines
    )
    assert {v.fingerprint.sample: v.status for v in verdicts}["twin"] == "kin; same person"


@pytest.mark.parametrize("depth", [2, 8, 30])
def test_files_of_two_persons(depth):
    """Four read groups, one of them another person's, who is found among the samples."""
    rng = np.random.default_rng(depth)
    sites = unlinked_sites(600, rng)
    a, b = (person(sites.frequency[:, 0], rng) for _ in range(2))
    units = [Unit("x.bam", str(k), reads_of(b if k == 2 else a, depth, rng)) for k in range(4)]
    found = [fingerprint_of("A", units, sites), taken(reads_of(b, depth, rng), sites, "B")]
    verdicts, _ = judge(found, sites, {}, {})
    assert found[0].persons == (
        ("x.bam (read group 0)", "x.bam (read group 1)", "x.bam (read group 3)"), ("x.bam (read group 2)",),
    )  # fmt: skip
    assert verdicts[0].status == "swap"
    assert verdicts[1].status == "ok"
    assert (
        verdicts[0]
        .warnings[0]
        .startswith(
            "A: x.bam (read group 2) is of another person than x.bam (read group 0), x.bam (read group 1), "
            "x.bam (read group 3) (it is B): log10 odds -"
        )
    )
    backwards = fingerprint_of("A", units[::-1], sites)
    assert [sorted(p) for p in backwards.persons] == [sorted(p) for p in found[0].persons]


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_read_groups_of_one_person_are_no_swap(share):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        sites = unlinked_sites(400, rng)
        own, foreign = (person(sites.frequency[:, 0], rng) for _ in range(2))
        units = [Unit("x.bam", str(k), reads_of(own, 1 + 4 * k, rng, foreign, share)) for k in range(5)]
        assert len(fingerprint_of("A", units, sites).persons) == 1


def test_the_nearest_population():
    rng = np.random.default_rng(2)
    sites = unlinked_sites(500, rng, 3)
    found = taken(reads_of(person(sites.frequency[:, 2], rng), 5, rng), sites)
    assert (found.population, found.column) == ("P1", 2)
    assert found.population_odds > 3
    alike = type(sites)(**{
        **{name: getattr(sites, name) for name in sites.__dataclass_fields__},
        "frequency": np.repeat(sites.frequency[:, :1], 4, axis=1),
    })  # fmt: skip
    unsure = taken(reads_of(person(sites.frequency[:, 0], rng), 5, rng), alike)
    assert (unsure.population, unsure.column, unsure.population_odds) == ("P0", 0, 0.0)
