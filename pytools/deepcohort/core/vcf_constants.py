"""Reserved words of VCF 4.3 and the keys deepcohort adds; one meaning each, everywhere."""

VCF_VERSION = "VCFv4.3"
NON_REF = "<NON_REF>"
SPANNING_DELETION = "*"
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
INFO = {
    "END": ("1", "Integer", "End position of the variant or reference block"),
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
    "PS": ("1", "Integer", "Phase set"),
}
