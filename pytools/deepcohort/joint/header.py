"""The header of the cohort VCF."""

from dataclasses import fields

from deepcohort import __version__
from deepcohort.core.vcf_constants import VCF_VERSION
from deepcohort.joint.config import JointConfig

# key: (Number, Type, Description)
INFO = {
    "AC": ("A", "Integer", "Copies of each alternate allele in called genotypes"),
    "AF": ("A", "Float", "Frequency of each alternate allele in called genotypes, AC / AN"),
    "AN": ("1", "Integer", "Called alleles"),
    "DP": ("1", "Integer", "Sum of the samples' DP"),
    "NS": ("1", "Integer", "Samples with a complete genotype"),
    "F_MISSING": ("1", "Float", "Fraction of samples without a complete genotype"),
    "ExcHet": ("A", "Float", "P-value of excess heterozygosity, exact test, by alternate allele"),
    "HWE": ("A", "Float", "P-value of the exact Hardy-Weinberg test, by alternate allele"),
    "InbreedingCoeff": ("1", "Float", "1 - observed / expected heterozygotes, reference against the rest"),
    "MQ": ("1", "Float", "RMS mapping quality of the reads of carriers, where the gVCFs state it"),
    "SOR": ("1", "Float", "Strand bias: symmetric odds ratio of the carriers' strand counts summed"),
    "FS": ("1", "Float", "Strand bias: phred-scaled p-value of Fisher's exact test on the same counts"),
    "QD": ("1", "Float", "QUAL over the sum of the carriers' DP"),
    "BaseQRankSum": ("1", "Float", "Median of the carriers' z of base qualities, ALT against REF reads"),
    "MQRankSum": ("1", "Float", "Median of the carriers' z of mapping qualities, ALT against REF reads"),
    "ReadPosRankSum": (
        "1",
        "Float",
        "Median of the carriers' z of distances to the nearer end of the read, ALT against REF reads",
    ),
    "DENOVO": (".", "String", "Children in whom an allele is probably new (posterior above 0.5)"),
    "OA": (
        ".",
        "String",
        "Origin of alleles that a gVCF wrote elsewhere or otherwise: ALT index|POS|REF|ALT as written there",
    ),
}
FORMAT = {
    "GT": ("1", "String", "Genotype"),
    "GQ": ("1", "Integer", "Phred-scaled posterior probability that the genotype is wrong"),
    "DP": ("1", "Integer", "Read depth (of a reference block: its least depth)"),
    "AD": ("R", "Integer", "Reads that support each allele; of a reference block DP reads of REF"),
    "PL": ("G", "Integer", "Phred-scaled genotype likelihoods of the sample alone, without any prior"),
    "RNC": (
        "1",
        "String",
        "Reason of no call: NO_COVERAGE, LOW_GQ, CONFLICT (records of the sample contradict each other), "
        "FILTERED (by the gVCF's FILTER); missing where called",
    ),
    "DNQ": ("1", "Integer", "Phred-scaled probability that the child's allele is not new"),
}
PHASE_FORMAT = {
    "PS": (
        "1",
        "Integer",
        "Phase set: 1 = by family, one block per contig (children paternal|maternal, founders "
        "transmitted|untransmitted); else the read block of the sample's gVCF",
    ),
    "PQ": ("1", "Integer", "Phred-scaled probability that the genotype lies the other way in its phase set"),
    "DNO": ("1", "String", "Parent on whose haplotype the child's new allele arose: F(ather) or M(other)"),
}
FILTERS = {
    "PASS": "All filters passed",
    "LowQual": "QUAL below the threshold",
    "ExcHet": "More heterozygotes than Hardy-Weinberg proportions allow: likely a mapping artefact",
}


def settings_text(config: JointConfig) -> str:
    """What `config` sets otherwise than the default, NAME=value after NAME=value; "defaults" if nothing."""
    default = JointConfig()
    found = [
        f"{field.name}={getattr(config, field.name)}"
        for field in fields(config)
        if field.name not in ("cells_per_window", "phase")
        and getattr(config, field.name) != getattr(default, field.name)
    ]
    return " ".join(found) or "defaults"


def header_text(
    contigs: dict[str, int],
    samples: list[str],
    extra: tuple[str, ...] = (),
    reference: str = "",
    config: JointConfig | None = None,
    has_phase: bool = False,
) -> str:
    """Whole header, up to the #CHROM line.

    It names the reference (without its folder) and the settings, but no date, path or way of cutting the
    work: the same input gives the same bytes (docs/decisions/0102-header-of-the-cohort.md).
    """
    lines = [f"##fileformat={VCF_VERSION}", f"##source=deepcohort genotype {__version__}"]
    if reference:
        lines.append(f"##reference={reference}")
    if config is not None:
        lines.append(f"##deepcohort_command=genotype {settings_text(config)}")
    lines += [f'##FILTER=<ID={key},Description="{text}">' for key, text in FILTERS.items()]
    for kind, table in (("INFO", INFO), ("FORMAT", {**FORMAT, **(PHASE_FORMAT if has_phase else {})})):
        lines += [
            f'##{kind}=<ID={key},Number={number},Type={type_},Description="{text}">'
            for key, (number, type_, text) in table.items()
        ]
    lines += [f"##contig=<ID={name},length={length}>" for name, length in contigs.items()]
    lines += extra
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]
    return "\n".join([*lines, "\t".join(columns)]) + "\n"
