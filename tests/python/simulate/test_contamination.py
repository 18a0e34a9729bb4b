"""Foreign reads in a sample: they show as the allele fractions that their share makes one expect."""

import dataclasses
from collections import defaultdict

import numpy as np
import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.simulate.cohort import simulate_cohort
from deepcohort.simulate.config import DecoyConfig, GenomeConfig, ReadConfig, SimulateConfig, VariantConfig

CONFIG = SimulateConfig(
    seed=11,
    genome=GenomeConfig(total_bp=60_000, n_contigs=1, interspersed_fraction=0.0, segdup_fraction=0.0),
    variants=VariantConfig(
        heterozygosity=5e-3, demography="constant", indel_ratio=0.02, recombination_rate=1e-6
    ),
    shadow=DecoyConfig(decoy_fraction=0.0, hidden_fraction=0.0),
    reads=ReadConfig(profiles=("simple",), read_length=(100, 100), coverage=(60.0, 60.0)),
    family="none",
    unrelated=2,
)


def simulated(folder, share):
    reads = dataclasses.replace(CONFIG.reads, contamination=share)
    simulate_cohort(folder, dataclasses.replace(CONFIG, reads=reads), quiet=True)
    return folder


def alt_fractions(folder, sample, donor):
    """ALT and all bases of `sample`'s reads by (own copies of ALT, donor's copies), over biallelic SNPs."""
    found = defaultdict(lambda: np.zeros(3, int))  # ALT, all, sites
    with (
        pysam.AlignmentFile(str(folder / f"{sample}.bam")) as bam,
        pysam.VariantFile(str(folder / "cohort.truth.vcf.gz")) as truth,
    ):
        for record in truth:
            if len(record.ref) > 1 or len(record.alts) > 1 or len(record.alts[0]) > 1:
                continue
            counts = [
                c[0]
                for c in bam.count_coverage(record.chrom, record.start, record.stop, quality_threshold=20)
            ]
            copies = tuple(sum(record.samples[who]["GT"]) for who in (sample, donor))
            found[copies] += (counts["ACGT".index(record.alts[0])], sum(counts), 1)
    return found


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_the_donors_alleles_show_by_their_share(tmp_path, share):
    found = alt_fractions(simulated(tmp_path, share), "sample1", "sample2")
    for copies in ((0, 1), (0, 2), (1, 0), (2, 0), (1, 2), (2, 1)):
        alt, depth, sites = found[copies]
        assert sites >= 10, copies
        own, donor = copies
        expected = (1 - share) * own / 2 + share * donor / 2
        # five standard errors of the reads drawn, and a hair for errors and lost reads
        slack = 5 * np.sqrt(max(expected * (1 - expected), 1e-3) / depth) + 0.004
        assert alt / depth == pytest.approx(expected, abs=slack), copies


def test_foreign_reads_take_the_place_of_own_ones(tmp_path):
    names = {}
    for share in (0.0, 0.3):
        (tmp_path / str(share)).mkdir()
        with pysam.AlignmentFile(str(simulated(tmp_path / str(share), share) / "sample1.bam")) as bam:
            names[share] = [":b" in read.query_name for read in bam]
    assert len(names[0.3]) == pytest.approx(len(names[0.0]), rel=0.02)
    assert np.mean(names[0.3]) == pytest.approx(0.3, abs=0.01)
    assert not any(names[0.0])
    truths = [(tmp_path / str(share) / "sample1.truth.vcf.gz").read_bytes() for share in (0.0, 0.3)]
    assert truths[0] == truths[1]


def test_nobody_to_be_contaminated_by(tmp_path):
    reads = dataclasses.replace(CONFIG.reads, contamination=0.1)
    with pytest.raises(DeepcohortError, match="there is none; simulate two or more"):
        simulate_cohort(tmp_path, dataclasses.replace(CONFIG, reads=reads, unrelated=1), quiet=True)
    assert not list(tmp_path.iterdir())
