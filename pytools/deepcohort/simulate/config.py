"""Settings of the simulator; defaults live here and nowhere else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GenomeConfig:
    """A made-up genome. Fractions are of all bases."""

    total_bp: int = 1_000_000
    n_contigs: int = 4
    sex_contigs: bool = False  # the last two contigs become chrX and chrY
    gc_mean: float = 0.41
    gc_sd: float = 0.06  # between waves of some kb
    interspersed_fraction: float = 0.30  # diverged copies of a few families
    segdup_fraction: float = 0.01  # segmental duplications
    str_per_kb: float = 0.27
    homopolymer_per_kb: float = 0.6
    n_run_fraction: float = 0.002


@dataclass(frozen=True, slots=True)
class VariantConfig:
    """Variation among haplotypes. Rates are per bp and generation unless said otherwise."""

    demography: str = "out-of-africa"
    heterozygosity: float = 1.0e-3  # expected SNP difference of two haplotypes, per bp
    recombination_rate: float = 1.2e-8
    indel_ratio: float = 0.20  # indel mutations per SNP; some fall on one site or cancel out
    mnp_ratio: float = 0.009  # changes of neighbouring bases per SNP site; truth lists them base by base
    cluster_ratio: float = 0.026  # SNP sites that bring a neighbour within 10 bp, on the same branch
    multiallelic_ratio: float = 0.12  # repeat-length sites with a second length, beyond chance
    ti_tv: float = 2.1
    # learned: lengths, repeats and duplications as counted in a human benchmark; uniform: 1-20 bp
    # of random sequence anywhere, as naive simulators do (for comparison only)
    indel_spectrum: str = "learned"
    # far above nature's 1.2e-8, so that a genome of 1 Mb shows a few
    de_novo_rate: float = 2.0e-6


@dataclass(frozen=True, slots=True)
class DecoyConfig:
    """What a slice of a genome lacks: similar sequence elsewhere. Fractions are of the reference."""

    decoy_fraction: float = 0.06  # known to the aligner, lends and steals reads
    decoy_divergence: tuple[float, float] = (0.003, 0.15)
    hidden_fraction: float = 0.0005  # unknown to it: collapsed paralogs; above 1 % costs models recall
    hidden_divergence: tuple[float, float] = (0.004, 0.03)
    decoy_size_bp: tuple[int, int] = (300, 5_000)
    hidden_size_bp: tuple[int, int] = (200, 1_500)


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """Sequencing of the samples. Where a pair is (low, high), each sample draws its own value."""

    platform: str = "illumina"
    profiles: tuple[str, ...] = ()  # names or files, drawn per sample; () = the platform's default
    coverage: tuple[float, float] = (30.0, 30.0)
    read_length: tuple[int, int] = (0, 0)  # bp, 0 = the profile's own
    error_multiplier: tuple[float, float] = (1.0, 1.0)
    # random: each stretch of genome maps qualities to 2-8 values of its own, so that no model can
    # learn "this value means error"; none: as the profile has them
    quality_binning: str = "none"
    stutter: float = 1.0  # multiplies the rate at which repeat tracts lose or gain units in reads
    contamination: float = 0.0  # share of reads that come from another sample of the cohort
    aligner: str = "auto"  # bwa for short reads, mappy for long reads


@dataclass(frozen=True, slots=True)
class SimulateConfig:
    """A whole cohort."""

    seed: int = 1
    genome: GenomeConfig = GenomeConfig()
    variants: VariantConfig = VariantConfig()
    shadow: DecoyConfig = DecoyConfig()
    reads: ReadConfig = ReadConfig()
    family: str = "trio"  # trio, quartet or none
    unrelated: int = 2
    sexes: tuple[str, ...] = ()  # of children and unrelated samples in turn; () = XX, XY, XX, ...


PLATFORMS = ("illumina", "hifi", "ont")
ALIGNERS = ("auto", "bwa", "mappy")
QUALITY_BINNINGS = ("none", "random")
INDEL_SPECTRA = ("learned", "uniform")
DEFAULT_PROFILES = {"illumina": "illumina-novaseq-like", "hifi": "hifi", "ont": "ont"}
