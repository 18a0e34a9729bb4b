"""Profiles: files, derived ones, and learning back what was simulated."""

from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.sequence import encode_bases
from deepcohort.simulate.binning import bin_qualities, stretch_cycles
from deepcohort.simulate.cohort import simulate_cohort
from deepcohort.simulate.compare import compare_reads
from deepcohort.simulate.config import DecoyConfig, GenomeConfig, ReadConfig, SimulateConfig
from deepcohort.simulate.io_align import BwaAligner, build_index, write_bam
from deepcohort.simulate.learn import likely_variants, smooth_slips
from deepcohort.simulate.learn_profile import learn_profile
from deepcohort.simulate.profile import ASSETS, IlluminaProfile, load_profile, save_profile
from deepcohort.simulate.qualities import apply_quality_maps, random_quality_maps
from deepcohort.simulate.types import RawReads

BUILT_IN = sorted(p.stem for p in ASSETS.glob("*.npz"))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("learn") / "out"
    config = SimulateConfig(
        seed=4,
        genome=GenomeConfig(total_bp=100_000, n_contigs=1),
        shadow=DecoyConfig(decoy_fraction=0, hidden_fraction=0),
        reads=ReadConfig(coverage=(40.0, 40.0), profiles=("illumina-hiseq-2x101",)),
        family="none",
        unrelated=1,
    )
    simulate_cohort(folder, config, quiet=True)
    return folder


@pytest.mark.parametrize("name", [*BUILT_IN, "simple"])
def test_built_in_profiles_are_sane(name):
    profile = load_profile(name)
    for field in ("start_cdf", "trans_cdf", "sub_cdf", "class_cdf"):
        values = getattr(profile, field)
        assert np.all(values[..., -1] == 1)
        assert np.all(np.diff(values, axis=-1) >= 0)
    assert np.all((profile.sub_rate >= 0) & (profile.sub_rate < 0.76))
    wrong = np.diff(profile.sub_cdf, axis=1, prepend=0)[np.arange(64), np.arange(64) % 4]
    assert np.all(wrong == 0)  # a substitution is never by the base itself
    if isinstance(profile, IlluminaProfile):
        assert np.all(np.diff(profile.insert_quantiles) >= 0)
        assert np.all(np.diff(profile.quals.astype(int)) > 0)
        assert profile.sub_rate[0] > 20 * profile.sub_rate[-1]  # low quality means errors


def test_built_in_profiles_are_small():
    assert len(BUILT_IN) == 8
    for name in BUILT_IN:
        assert (ASSETS / f"{name}.npz").stat().st_size < 100_000


def test_profile_survives_its_file(tmp_path):
    profile = load_profile("illumina-hiseq-2x101")
    save_profile(profile, tmp_path / "p.npz")
    again = load_profile(str(tmp_path / "p.npz"), "illumina")
    # transitions are kept to 1 part in 255 of their roots
    np.testing.assert_allclose(again.trans_cdf, profile.trans_cdf, atol=4e-3)
    assert np.array_equal(again.sub_rate, profile.sub_rate)
    assert again.hot_density == profile.hot_density


def test_files_that_are_no_profiles(tmp_path):
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(DeepcohortError, match="is not a deepcohort profile"):
        load_profile(str(tmp_path / "text.npz"))
    np.savez(tmp_path / "old.npz", version=0, kind="illumina")
    with pytest.raises(DeepcohortError, match="has version 0"):
        load_profile(str(tmp_path / "old.npz"))
    with pytest.raises(DeepcohortError, match=r"built in are: simple, hifi"):
        load_profile("nonesuch")


def test_binned_profile_keeps_the_error_rate():
    profile = load_profile("illumina-hiseq-2x101")
    binned = bin_qualities(profile, (2, 12, 23, 37))
    assert set(binned.quals.tolist()) <= {2, 12, 23, 37}
    assert np.all(np.diff(binned.sub_rate) < 0)
    with pytest.raises(DeepcohortError, match="two or more"):
        bin_qualities(profile, (30,))
    longer = stretch_cycles(profile, 150)
    assert longer.read_length == 150
    assert longer.cycle_bin[-1] == profile.cycle_bin[-1]


def test_learning_gives_back_what_was_simulated(simulated, tmp_path):
    """Learn from simulated reads: the figures are those of the profile they were made with."""
    learn_profile(
        [simulated / "sample1.bam"], simulated / "reference.fa", tmp_path / "p.npz",
        simulated / "sample1.truth.vcf.gz",
    )  # fmt: skip
    made, learned = load_profile("illumina-hiseq-2x101"), load_profile(str(tmp_path / "p.npz"))
    assert learned.read_length == made.read_length
    assert np.median(learned.insert_quantiles) == pytest.approx(np.median(made.insert_quantiles), rel=0.05)
    assert learned.duplicate_rate == pytest.approx(made.duplicate_rate, abs=0.003)
    assert learned.hot_density == pytest.approx(made.hot_density, rel=0.6)
    common = np.intersect1d(made.quals, learned.quals)
    a = made.sub_rate[np.searchsorted(made.quals, common)]
    b = learned.sub_rate[np.searchsorted(learned.quals, common)]
    low = common <= 11  # where there are errors enough to count
    assert low.sum() >= 4
    np.testing.assert_allclose(b[low], a[low], rtol=0.45)
    assert np.corrcoef(np.log(a), np.log(b + 1e-7))[0, 1] > 0.9


def test_compare_finds_a_file_like_itself(simulated, tmp_path):
    bam, fasta = simulated / "sample1.bam", simulated / "reference.fa"
    summary = compare_reads(bam, bam, fasta, tmp_path / "cmp", simulated / "sample1.truth.vcf.gz",
                            None, simulated / "sample1.truth.vcf.gz")  # fmt: skip
    assert all(value == pytest.approx(1) for value in summary.values() if not np.isnan(value))
    table = (tmp_path / "cmp" / "comparison.tsv").read_text().splitlines()
    assert table[0].split("\t")[0] == "measurement"
    assert len({line.split("\t")[0] for line in table[1:]}) >= 12
    assert (tmp_path / "cmp" / "comparison.png").read_bytes()[:4] == b"\x89PNG"


def _bwa_mem(bam: Path, region: tuple[str, int, int], fasta: Path, out: Path) -> Path:
    """Pairs of `region` aligned to `fasta` as simulated ones are: the real BAM is another aligner's."""
    copy = out.with_suffix(".fa")
    copy.write_bytes(fasta.read_bytes())
    build_index(ReadConfig(aligner="bwa"), copy)
    mates: dict[str, dict[int, pysam.AlignedSegment]] = {}
    with pysam.AlignmentFile(str(bam)) as reads:
        for read in reads.fetch(*region):
            if not read.is_secondary and not read.is_supplementary and not read.is_duplicate:
                mates.setdefault(read.query_name, {})[read.is_read2] = read
    pairs = [(pair[False], pair[True]) for _, pair in sorted(mates.items()) if len(pair) == 2]
    both = [read for pair in pairs for read in pair]
    seqs = [encode_bases(read.get_forward_sequence()) for read in both]
    quals = [np.array(read.get_forward_qualities(), np.uint8) for read in both]
    raw = RawReads(
        names=[read.query_name for read in both],
        seq=np.concatenate(seqs),
        qual=np.concatenate(quals),
        offset=np.cumsum([0, *map(len, seqs)]),
        duplicate=np.zeros(len(both), bool),
        start=np.zeros(len(both), np.int64),
    )
    with pysam.FastaFile(str(fasta)) as opened:
        lengths = dict(zip(opened.references, opened.lengths, strict=True))
    header = {"SQ": [{"SN": name, "LN": length} for name, length in lengths.items()]}
    header["RG"] = [{"ID": "real", "SM": "real"}]
    write_bam(out, header, [BwaAligner(copy, len(lengths)).align(raw)], "real")
    return out


def test_built_in_profile_resembles_real_reads(shared_data, tmp_path):
    """Reads simulated on NA12878's own variants against the real ones: rates within a third."""
    real = shared_data / "na12878_illumina_52x"
    config = SimulateConfig(
        reads=ReadConfig(coverage=(52.0, 52.0), profiles=("illumina-hiseq-2x101",)), family="none"
    )
    from deepcohort.simulate.cohort import Inputs

    inputs = Inputs(
        reference=real / "hg19.chr20.fa.gz",
        regions=("chr20:9999001-10050000",),
        plant=real / "NA12878.truth.vcf.gz",
    )
    summary = simulate_cohort(tmp_path / "out", config, inputs, quiet=True)
    simulated_bam = tmp_path / "out" / f"{next(iter(summary['samples']))}.bam"
    fasta, truth = tmp_path / "out" / "reference.fa", tmp_path / "out" / "cohort.truth.vcf.gz"
    again = _bwa_mem(real / "NA12878.bam", ("chr20", 9_999_000, 10_050_000), fasta, tmp_path / "mem.bam")
    ratios = compare_reads(again, simulated_bam, fasta, tmp_path / "cmp", truth, fasta, truth)
    for measurement in ("mismatches by quality", "mismatches by cycle, read 1", "base qualities"):
        assert ratios[measurement] == pytest.approx(1, abs=0.34), measurement
    assert ratios["fragment length"] == pytest.approx(1, abs=0.1)
    assert ratios["mean quality by mate"] == pytest.approx(1, abs=0.02)


def _bam(path: Path, header: dict, reads: list[tuple[int, int]], sort_header: bool = True) -> Path:
    """BAM of 50 bp reads of A at (contig, position)."""
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for i, (contig, pos) in enumerate(reads):
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.flag, read.mapping_quality = f"r{i}", 0, 60
            read.reference_id, read.reference_start = contig, pos
            read.query_sequence, read.cigartuples = "A" * 50, [(0, 50)]
            read.query_qualities = pysam.qualitystring_to_array("I" * 50)
            out.write(read)
    return path


@pytest.mark.parametrize(
    ("contig", "length", "reads", "message"),
    [
        ("c", 1_000, [(0, 500), (0, 100)], "is not sorted by position; run: samtools sort"),
        ("c", 1_000, [], "holds no mapped reads"),
        ("c", 1_000, [(0, 10)] * 5, "a profile needs 100000"),
        ("d", 1_000, [(0, 10)] * 5, "has reads on d, which .* lacks"),
        ("c", 9_000, [(0, 5_000)] * 5, "reach 5050, but .* ends it at 1000"),
    ],
)
def test_reads_that_cannot_be_learned_from(tmp_path, contig, length, reads, message):
    fasta = tmp_path / "r.fa"
    fasta.write_text(">c\n" + "ACGT" * 250 + "\n")
    pysam.faidx(str(fasta))
    bam = _bam(tmp_path / "x.bam", {"SQ": [{"SN": contig, "LN": length}]}, reads)
    with pytest.raises(DeepcohortError, match=message):
        learn_profile([bam], fasta, tmp_path / "p.npz")
    assert not (tmp_path / "p.npz").exists()


def test_a_file_that_is_no_bam(tmp_path):
    fasta = tmp_path / "r.fa"
    fasta.write_text(">c\nACGT\n")
    pysam.faidx(str(fasta))
    (tmp_path / "x.bam").write_text("hello")
    with pytest.raises(DeepcohortError, match="cannot be read as BAM"):
        learn_profile([tmp_path / "x.bam"], fasta, tmp_path / "p.npz")
    with pytest.raises(DeepcohortError, match="cannot be read as BAM"):
        learn_profile([tmp_path / "absent.bam"], fasta, tmp_path / "p.npz")


def test_likely_variants():
    pile = np.zeros((30, 2, 6), np.int32)
    pile[:, :, 0] = 10  # A everywhere, as the reference
    pile[5, :, 1] = 3  # 6 of 26 reads show C: a variant
    pile[20, 0, 1] = 7  # 7 of 17 forward reads, none of 10 reverse ones: an error of that strand
    pile[8:10, 0, 1], pile[8:10, 1] = 7, 0  # no reverse reads to tell
    pile[15, 0, 1] = 2  # 2 of 22: errors
    pile[25, 1, 4] = 9  # deletions
    mask = likely_variants(pile, np.zeros(30, np.uint8))
    assert np.flatnonzero(mask).tolist() == [*range(3, 12), *range(17, 30)]


def test_smooth_slips_follows_the_data_where_there_are_any():
    passages, changes = np.zeros(192), np.zeros(192)
    passages[10], changes[10] = 100_000, 5_000
    rates = smooth_slips(passages, changes)
    assert rates[10] == pytest.approx(0.05, rel=0.01)
    assert np.all(np.diff(rates[:32]) >= 0)
    assert rates[0] == 0


def test_quality_maps_are_monotone_and_few_valued():
    maps = random_quality_maps(500_000, np.random.default_rng(3))
    assert maps.shape == (11, 128)
    assert np.all(np.diff(maps.astype(int), axis=1) >= 0)
    for row in maps:
        assert 2 <= len(set(row[3:].tolist())) <= 8
    assert len({row.tobytes() for row in maps}) > 5
    qual = np.array([2, 30, 40, 2, 30, 40], np.uint8)
    apply_quality_maps(qual, np.array([0, 3, 6]), np.array([0, 120_000]), maps)
    assert qual.tolist() == [*maps[0, [2, 30, 40]], *maps[2, [2, 30, 40]]]
