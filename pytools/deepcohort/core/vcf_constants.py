"""Reserved words of VCF and the keys deepcohort adds; one meaning each, everywhere."""

VCF_VERSION = "VCFv4.2"  # nothing here needs 4.3, which vcftools does not read
NON_REF = "<NON_REF>"
PASS = "PASS"
FILTER_REF_CALL = "RefCall"
FILTER_LOW_QUAL = "LowQual"
FILTER_DISPUTED = "Disputed"

FILTERS = {
    PASS: "All filters passed",
    FILTER_LOW_QUAL: "Genotype quality or site quality below the threshold",
    FILTER_DISPUTED: "Reads alone speak for the variant (log10 odds of 10), the networks against it",
    FILTER_REF_CALL: "Candidate examined and called homozygous reference",
}
# key: (Number, Type, Description)
COVERED_AT = (10, 20, 30)  # x, the depths that COV counts bases of
INFO = {
    "END": ("1", "Integer", "End position of the variant or reference block"),
    "COV": (
        ".",
        "Integer",
        "Of a reference block: sum of its bases' DP and how many of them have DP 10 or more - 20 or more - "
        "30 or more: as far as these lie above MIN_DP (else all have it) and until none has it; "
        "left out where all have MIN_DP",
    ),
    "BaseQRankSum": ("1", "Float", "Z of the rank sum test of base qualities - ALT against REF reads"),
    "FS": ("1", "Float", "Strand bias: phred-scaled p-value of Fisher's exact test"),
    "MQ": ("1", "Float", "RMS mapping quality of the reads that show an allele"),
    "MQRankSum": ("1", "Float", "Z of the rank sum test of mapping qualities - ALT against REF reads"),
    "QD": ("1", "Float", "QUAL over DP of a called site"),
    "RAW_MQandDP": ("2", "Integer", "Sum of squared mapping qualities and reads behind MQ"),
    "ReadPosRankSum": (
        "1",
        "Float",
        "Z of the rank sum test of distances to the nearer end of the read - ALT against REF reads",
    ),
    "SOR": ("1", "Float", "Strand bias: symmetric odds ratio of the strand table"),
}
INFO_GIVEN = {"GIVEN": ("0", "Flag", "The user gave an allele of this site to be genotyped")}
FORMAT = {
    "GT": ("1", "String", "Genotype"),
    "GQ": ("1", "Integer", "Conditional genotype quality, phred"),
    "DP": ("1", "Integer", "Read depth of usable reads at the site"),
    "MIN_DP": ("1", "Integer", "Smallest DP within the reference block"),
    "AD": ("R", "Integer", "Reads that support each allele"),
    "VAF": ("A", "Float", "Fraction of reads that support each alternate allele"),
    "PL": ("G", "Integer", "Phred-scaled genotype likelihoods, normalised to 0"),
    "SB": (
        "4",
        "Integer",
        "Reads by strand: REF forward - REF reverse - ALT forward - ALT reverse (all ALTs together)",
    ),
    "PS": ("1", "Integer", "Phase set: POS of the first phased record of its block"),
    "PQ": ("1", "Integer", "Phred-scaled probability that the alleles are phased wrongly within the set"),
}
