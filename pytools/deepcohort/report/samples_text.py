"""Words of the report's part on samples: what each number means, beside the number."""

INTRODUCTION = (
    "What each sample's gVCF says by itself, without truth. Calls are records of FILTER PASS whose "
    "genotype holds an ALT."
)
DEPTH = (
    "Mean depth of the called bases: reads that callers use (mapped, primary, no duplicates, MAPQ 5 or more)"
)
CALLABLE = "Bases with a genotype of GQ 20 or better, reference or not"
TI_TV = (
    "Transitions over transversions: about 2.0-2.1 in a human genome, 2.8-3.3 in exons; false calls pull "
    "it to 0.5"
)
HET_HOM = (
    "Heterozygous over homozygous ALT genotypes: about 1.3-2 in humans, by ancestry; contamination raises it"
)
LIBRARIES = (
    "Read groups by their library (LB), in the windows that the sample is judged by. A library unlike all of "
    "the sample's reads is judged by its own"
)
DUPLICATES = (
    "Reads marked as duplicates, of those in the windows that the library is judged by; 0: nobody marked them"
)
MAPPED = "Reads that are mapped, of all in the files, by their index"
INSERT = "Median insert size of usual pairs"
CONTAMINATION_SHORT = "Reads of another person, estimated from REF reads at homozygous SNPs"
CALLS = (
    "Ratios tell of trouble before truth does: Ti/Tv falls where many calls are false, het/hom rises "
    "where another person's reads are in the sample and falls where parents are related."
)
GENOTYPES = "Calls by kind and zygosity. A record with an indel counts as indel."
FILTERS = (
    "All records of the gVCF that are no reference block. LowQual: QUAL below the threshold. Disputed: "
    "reads alone speak for a variant, the networks against it. RefCall: looked at and called reference."
)
CHANGES = (
    "SNPs by change of base, both strands together. An excess of C>T (or C>A) at low VAF tells of damaged "
    "DNA."
)
DISTRIBUTIONS = (
    "Of the calls, in per cent of a sample's records. VAF is the share of ALT reads at heterozygous "
    "sites: a single peak near 0.5; a second one, or a shoulder at the left, tells of contamination, "
    "mosaics or misplaced reads."
)
INDELS = "Calls by length. In exons lengths of three and six stand out; elsewhere they fall off evenly."
COVERAGE = (
    "Depth of every called base, from the gVCF's own blocks (INFO COV), without a second pass over the "
    "reads. Callable: bases with a genotype of GQ 20 or better, reference or not."
)
DEPTHS = (
    "Share of the called bases by depth. Each reference block counts with the mean depth of its bases, so "
    "the curves are a little narrower than those of single bases; the table of coverage is exact."
)
CONTIGS = (
    "X and Y of a male, Y alone, should lie at half the depth of the others. Small contigs are not drawn."
)
TARGETS = (
    "Coverage of the intervals given (targets, genes or both). A base without any call counts as 0x and "
    "not callable. On target: share of the called bases' depth that lies in the targets; with padding the "
    "rest lies beside them."
)
ON_TARGET = "Depth inside the targets over depth of all called bases"
WEAK_TARGETS = (
    "The {shown} of {n:,} intervals of which least is callable in some sample (Y of women left out). "
    "All of them, sample by sample: samples/SAMPLE/SAMPLE.targets.tsv."
)
CHECKS = (
    "<b>Contamination</b>: where a SNP of an autosome (DP 15) shows too few REF reads for a heterozygote "
    "(3.3 standard deviations), a read of REF is an error or another person's. The estimate is (share of "
    "REF reads - errors) x 3: errors are half of the reads that show neither allele, and a stranger of "
    "the same population has REF there in one third of the copies. It is right up to about 10 % and too "
    "low beyond; a relative's reads count too little; below 100 such sites nothing is said. Over 1 % look "
    "at the VAF curve; over 3 % mistrust heterozygotes. <b>Sex</b>: by the depth of X and Y over that of "
    "autosomes: XX from X 0.75 and Y below 0.1, XY below X 0.75 and from Y 0.1; anything else is not "
    "told."
)
