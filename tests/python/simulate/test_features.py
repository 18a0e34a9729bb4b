"""Each thing that the simulator promises does what it says: one check a promise."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.simulate.config import DecoyConfig, VariantConfig
from deepcohort.simulate.decoys import decoys_and_paralogs
from deepcohort.simulate.kernels import find_tracts
from deepcohort.simulate.pedigree import make_people
from deepcohort.simulate.profile import simple_illumina_profile
from deepcohort.simulate.reads import PositionalBias, ShortReadRun, _make_chimeras, coverage_bias, short_reads
from deepcohort.simulate.sexes import SexContig
from deepcohort.simulate.types import Genome, Haplotype
from deepcohort.simulate.variants import simulate_sites

PROFILE = replace(simple_illumina_profile(100), chimera_rate=0.0, splice_rate=0.0, duplicate_rate=0.0)


def haplotype(codes: np.ndarray) -> Haplotype:
    return Haplotype(codes, np.arange(len(codes), dtype=np.int32), *find_tracts(codes))


def reads_of(codes: np.ndarray, profile, depth: float = 20.0):
    run = ShortReadRun.of(profile, 0, error_multiplier=0.0)
    return short_reads(haplotype(codes), PositionalBias.flat(len(codes)), depth, run, "x", 5)


def random_codes(length: int, gc: float = 0.5, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice(4, length, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]).astype(np.uint8)


def sites(**options):
    codes = random_codes(200_000, seed=4)
    config = VariantConfig(heterozygosity=3e-3, demography="constant", **options)
    people = make_people("trio", 0)
    return people, simulate_sites("c", codes, people, SexContig(), config, np.random.default_rng(3))


def snp_gaps(table) -> np.ndarray:
    one = (table.ref_len == 1) & (np.diff(table.alt_offset)[table.site_offset[:-1]] == 1)
    return np.diff(table.pos[one])


def test_fragments_follow_their_gc():
    codes = np.concatenate([random_codes(60_000, 0.3), random_codes(60_000, 0.6)])
    weight = np.where(np.arange(21) < 9, 0.25, 1.0).astype(np.float32)
    raw = reads_of(codes, replace(PROFILE, gc_weight=weight))
    poor, rich = (raw.start < 59_000).sum(), (raw.start > 61_000).sum()
    assert poor / rich == pytest.approx(0.25, rel=0.15)


def test_duplicates_are_copies_and_as_many_as_asked():
    raw = reads_of(random_codes(100_000), replace(PROFILE, duplicate_rate=0.2))
    assert raw.duplicate.mean() == pytest.approx(0.2, rel=0.2)
    originals = set(raw.start[~raw.duplicate].tolist())
    assert set(raw.start[raw.duplicate].tolist()) <= originals
    assert not reads_of(random_codes(100_000), PROFILE).duplicate.any()


def test_mates_of_chimeras_do_not_belong_together():
    before = np.random.default_rng(2).integers(0, 4, (4_000, 100)).astype(np.uint8)
    after = before.copy()
    _make_chimeras(after, replace(PROFILE, chimera_rate=0.1), np.random.default_rng(3))
    changed = (after != before).any(axis=1)
    assert not changed[::2].any()
    assert changed[1::2].mean() == pytest.approx(0.1, rel=0.25)


def test_spliced_reads_change_place_in_the_middle():
    before = np.random.default_rng(2).integers(0, 4, (4_000, 100)).astype(np.uint8)
    after = before.copy()
    _make_chimeras(after, replace(PROFILE, splice_rate=0.1), np.random.default_rng(3))
    changed = after != before
    assert changed.any(axis=1).mean() == pytest.approx(0.1, rel=0.25)
    assert not changed[:, :20].any()


def test_depth_wanders_along_the_genome():
    wave = coverage_bias(500_000, 0.2, np.random.default_rng(4))
    assert wave.max() == 1.0
    assert np.log(wave).std() == pytest.approx(0.2, rel=0.25)
    assert np.corrcoef(wave[:-1], wave[1:])[0, 1] > 0.4
    assert np.ptp(coverage_bias(500_000, 0.0, np.random.default_rng(4))) == 0


def test_no_stutter_no_slips():
    profile = simple_illumina_profile()
    assert ShortReadRun.of(profile, 0, 1.0, stutter=0.0).model.slip_del.max() == 0
    twice = ShortReadRun.of(profile, 0, 1.0, stutter=2.0).model.slip_ins
    once = ShortReadRun.of(profile, 0, 1.0).model.slip_ins
    assert np.allclose(twice, np.minimum(0.3, 2 * once))


def test_similar_sequence_is_as_much_and_as_like_as_asked():
    genome = Genome({"c": random_codes(400_000)})
    config = DecoyConfig(decoy_fraction=0.1, hidden_fraction=0.02, decoy_divergence=(0.05, 0.05))
    decoys, hidden = decoys_and_paralogs(genome, config, 7)
    for shadow, wanted in ((decoys, 0.1), (hidden, 0.02)):
        size = sum(end - start for _, start, end in shadow.origin)
        assert size / 400_000 == pytest.approx(wanted, rel=0.35)
    none, nothing = decoys_and_paralogs(genome, DecoyConfig(decoy_fraction=0, hidden_fraction=0), 7)
    assert not none.copies
    assert not nothing.copies


def test_new_mutations_are_the_childs_alone():
    people, table = sites(de_novo_rate=1e-3)
    new = table.de_novo >= 0
    assert new.sum() > 100
    assert {people[i].father for i in table.de_novo[new]} == {"father"}
    child = int(table.de_novo[new][0])
    others = np.delete(table.gt[new], [2 * child, 2 * child + 1], axis=1)
    assert (others <= 0).all()
    assert ((table.gt[new][:, [2 * child, 2 * child + 1]] > 0).sum(axis=1) == 1).all()
    _, without = sites(de_novo_rate=0.0)
    assert (without.de_novo < 0).all()


def test_mnps_and_clusters_and_second_lengths():
    _, plain = sites(mnp_ratio=0.0, cluster_ratio=0.0, multiallelic_ratio=0.0)
    _, mnps = sites(mnp_ratio=0.3, cluster_ratio=0.0)
    _, clusters = sites(mnp_ratio=0.0, cluster_ratio=0.5)
    _, several = sites(multiallelic_ratio=1.0)
    assert (snp_gaps(mnps) == 1).sum() > 50 > 3 * (snp_gaps(plain) == 1).sum()
    assert (snp_gaps(clusters) <= 10).mean() > 3 * (snp_gaps(plain) <= 10).mean()
    assert (np.diff(several.site_offset) > 1).sum() > (np.diff(plain.site_offset) > 1).sum()


def test_long_indels_occur():
    _, table = sites(indel_ratio=2.0)
    longest = np.diff(table.alt_offset)[table.site_offset[:-1]] - table.ref_len
    assert longest.max() >= 30
    assert longest.min() <= -30
