"""The population: rates, kinds of variants, families, made-up genomes."""

import msprime
import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.simulate import spectra
from deepcohort.simulate.config import GenomeConfig, VariantConfig
from deepcohort.simulate.demography import DEMOGRAPHIES, named_demography
from deepcohort.simulate.genome import make_genome
from deepcohort.simulate.kernels import MAX_COPIES, find_tracts
from deepcohort.simulate.pedigree import gamete, inherit, make_people
from deepcohort.simulate.sexes import SexContig, copies, sex_contig
from deepcohort.simulate.types import Person
from deepcohort.simulate.variants import Record, disjoint, simulate_sites


@pytest.fixture(scope="module")
def population():
    """(reference, sites) of 1 Mb for six people."""
    reference = make_genome(GenomeConfig(total_bp=1_000_000, n_contigs=1), 3).contigs["chr1"]
    people = make_people("none", 6)
    config = VariantConfig(demography="constant", recombination_rate=1e-7)
    return reference, simulate_sites("chr1", reference, people, SexContig(), config, np.random.default_rng(8))


def test_rates_are_human(population):
    reference, sites = population
    is_snp = (sites.ref_len == 1) & (np.diff(sites.alt_offset)[sites.site_offset[:-1]] == 1)
    gt = sites.gt.reshape(len(sites), -1, 2)
    snp_het = (gt[is_snp, :, 0] != gt[is_snp, :, 1]).sum(axis=0)
    assert snp_het.mean() / 1e6 == pytest.approx(1.0e-3, rel=0.3)
    hom = ((gt[..., 0] == gt[..., 1]) & (gt[..., 0] > 0)).sum()
    het = (gt[..., 0] != gt[..., 1]).sum()
    assert 1.2 < het / hom < 3.0
    alt = sites.alt_seq[sites.alt_offset[:-1]][sites.site_offset[:-1]][is_snp]
    transitions = np.isin(
        reference[sites.pos[is_snp]] * 4 + alt, [0 * 4 + 2, 2 * 4 + 0, 1 * 4 + 3, 3 * 4 + 1]
    )
    assert transitions.sum() / (~transitions).sum() == pytest.approx(2.1, rel=0.2)
    assert (~is_snp).sum() / is_snp.sum() == pytest.approx(0.16, rel=0.3)
    assert (np.diff(sites.site_offset) > 1).sum() > 5  # multi-allelic sites


def test_indels_fall_in_repeats(population):
    reference, sites = population
    left, _ = find_tracts(reference)
    indel = sites.ref_len != np.diff(sites.alt_offset)[sites.site_offset[:-1]]
    index = left[sites.pos[indel] + 1]
    long_tract = (index % MAX_COPIES >= 6) & (index < MAX_COPIES) | (index >= MAX_COPIES)
    everywhere = left[left > 0]
    share = np.mean((everywhere % MAX_COPIES >= 6) & (everywhere < MAX_COPIES) | (everywhere >= MAX_COPIES))
    assert long_tract.mean() > 0.5
    assert share < 0.02


def test_records_never_overlap(population):
    _, sites = population
    assert np.all(sites.pos[1:] >= sites.pos[:-1] + sites.ref_len[:-1])
    assert sites.gt.max() <= np.diff(sites.site_offset).max()


def test_length_spectra():
    lengths = spectra.free_indel_lengths()
    assert lengths.sum() == pytest.approx(1)
    assert lengths[0] == pytest.approx(0.41, abs=0.03)  # single bases, as in HG002
    assert 0.001 < lengths[49:].sum() < 0.02  # 50 bp and more occur
    rate = spectra.tract_mutability().reshape(-1, MAX_COPIES)
    assert np.all(np.diff(rate, axis=1) >= 0)
    assert rate[0, 10] > 100 * rate[0, 4]


@pytest.mark.parametrize("name", DEMOGRAPHIES)
def test_demographies_run(name):
    demography, population, sources = named_demography(name)
    samples = [msprime.SampleSet(1, population=s, ploidy=1) for s in {*sources, population}]
    trees = msprime.sim_ancestry(samples=samples, demography=demography, random_seed=1)
    assert trees.num_samples == len(samples)


def test_a_demes_file_is_a_demography(tmp_path):
    model = tmp_path / "two.yaml"
    model.write_text(
        "time_units: generations\n"
        "demes:\n"
        "- {name: old, epochs: [{end_time: 500, start_size: 1000}]}\n"
        "- {name: lake, ancestors: [old], epochs: [{start_size: 50}]}\n"
        "- {name: sea, ancestors: [old], epochs: [{start_size: 4000}]}\n"
    )
    assert named_demography(str(model))[1:] == ("sea", ["sea"] * 3)
    pairs = {}
    for deme in ("lake", "sea"):
        demography, population, _ = named_demography(f"{model}:{deme}")
        trees = msprime.sim_ancestry({population: 4}, demography=demography, random_seed=2, num_replicates=40)
        pairs[deme] = np.mean([t.diversity(mode="branch") for t in trees])
    assert pairs["lake"] < 0.5 * pairs["sea"]  # 50 diploids share ancestors soon
    for text, words in (("demes: 3", "not a Demes model"), (None, "cannot be read")):
        bad = tmp_path / "bad.yaml"
        bad.unlink(missing_ok=True)
        if text:
            bad.write_text(text)
        with pytest.raises(DeepcohortError, match=words):
            named_demography(str(bad))
    with pytest.raises(DeepcohortError, match="it has: lake, sea"):
        named_demography(f"{model}:pond")


def test_gamete_switches_copies_at_crossovers():
    pos = np.arange(0, 1_000, 10)
    parent = np.stack([np.zeros(100, np.int8), np.ones(100, np.int8)], axis=1)
    rng = np.random.default_rng(2)
    assert len(np.unique(gamete(pos, parent, 1_000, 0.0, rng))) == 1
    switches = [np.abs(np.diff(gamete(pos, parent, 1_000, 0.003, rng))).sum() for _ in range(300)]
    assert np.mean(switches) == pytest.approx(3, rel=0.2)


def test_x_passes_by_sex():
    people = [
        Person("f", "XY"), Person("m", "XX"), Person("son", "XY", "", "f", "m"), Person("girl", "XX", "", "f", "m")
    ]  # fmt: skip
    gt = np.zeros((3, 8), np.int8)
    gt[:, 0:4] = [1, 2, 3, 3]  # father: X 1, PAR copy of Y 2; mother 3 twice
    inherit(gt, np.array([5, 50, 90]), people, SexContig("X"), 100, 0.0, np.random.default_rng(1))
    assert gt[:, 4:6].tolist() == [[3, 2]] * 3  # son: mother's X, father's Y
    assert gt[:, 6:8].tolist() == [[3, 1]] * 3  # daughter: both X


@pytest.mark.parametrize(
    ("role", "sex", "expected"),
    [
        (SexContig(), "XY", [(0, 0, 100), (1, 0, 100)]),
        (SexContig("X", ((0, 10),)), "XX", [(0, 0, 100), (1, 0, 100)]),
        (SexContig("X", ((0, 10), (90, 95))), "XY", [(0, 0, 100), (1, 0, 10), (1, 90, 95)]),
        (SexContig("Y", ((0, 10), (90, 95))), "XY", [(1, 10, 90), (1, 95, 100)]),
        (SexContig("Y"), "XX", []),
    ],
)
def test_copies(role, sex, expected):
    assert copies(Person("p", sex), role, 100) == expected


def test_sex_contigs_by_name():
    assert sex_contig("chrX", 156_040_895, False).par[0] == (10_000, 2_781_479)
    assert sex_contig("Y", 59_373_566, False).role == "Y"
    assert sex_contig("chr20", 1_000, False) == SexContig()
    assert sex_contig("chrX", 1_000, True).par == ((0, 50),)


def test_made_up_genome():
    config = GenomeConfig(total_bp=200_000, n_contigs=3)
    genome, again = make_genome(config, 7), make_genome(config, 7)
    assert sum(genome.lengths.values()) == 200_000
    assert list(genome.contigs) == ["chr1", "chr2", "chr3"]
    for name, codes in genome.contigs.items():
        assert np.array_equal(codes, again.contigs[name])
        assert 0 < (codes == 4).sum() < 0.01 * len(codes)
        gc = np.isin(codes, (1, 2)).mean()
        assert 0.3 < gc < 0.55
    left, _ = find_tracts(genome.contigs["chr1"])
    assert (left >= MAX_COPIES + 5).sum() > 5  # dinucleotide repeats
    assert ((left >= 10) & (left < MAX_COPIES)).sum() > 10  # homopolymers
    assert 0.1 < genome.mask["chr1"].mean() < 0.6
    other = make_genome(config, 8)
    assert not np.array_equal(other.contigs["chr1"], genome.contigs["chr1"])


def test_make_people():
    people = make_people("quartet", 1, ("XY",))
    assert [(p.name, p.sex, p.father) for p in people] == [
        ("father", "XY", ""), ("mother", "XX", ""), ("child", "XY", "father"),
        ("sibling", "XY", "father"), ("sample1", "XY", ""),
    ]  # fmt: skip


def test_uniform_indels_ignore_repeats():
    """The naive spectrum: lengths of 1-20 bp with equal chances; the learned one favours single units."""
    rng = np.random.default_rng(7)
    reference = rng.integers(0, 4, 400_000).astype(np.uint8)
    sizes = {}
    for spectrum in ("learned", "uniform"):
        config = VariantConfig(heterozygosity=4e-3, indel_spectrum=spectrum, demography="constant")
        people = [Person("a", "XX")]
        table = simulate_sites(
            "c", reference, people, sex_contig("c", 1, False), config, np.random.default_rng(3)
        )
        alt_len = table.alt_offset[table.site_offset[:-1] + 1] - table.alt_offset[table.site_offset[:-1]]
        change = np.abs(alt_len - table.ref_len)
        sizes[spectrum] = change[change > 0]
    assert sizes["uniform"].max() <= 20
    assert 9 < sizes["uniform"].mean() < 12
    assert np.median(sizes["learned"]) <= 3


def test_a_record_at_a_contigs_end_takes_no_other_away():
    def record(pos: int, de_novo: int) -> Record:
        return Record(pos, 1, [np.zeros(1, np.uint8)], np.zeros(2, np.int8), de_novo)

    far, near, last = record(10, 0), record(50, 1), record(99, -1)
    assert disjoint([last, near, far], 100) == [far, near]
    # where they meet, what is inherited stays
    assert disjoint([far, record(10, -1)], 100)[0].de_novo == -1
