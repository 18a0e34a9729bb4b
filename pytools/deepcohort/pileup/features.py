"""The site features, in column order. Fractions are 0..1; the rest is scaled to be of order 1."""

from collections import namedtuple
from typing import Any

# Each feature and what it says. ALT, REF, OTHER, NONE are the alleles of ReadSupport.
_FEATURES = {
    # naive diploid log10 likelihoods from ReadSupport.log10_ratio, capped by MAPQ
    "lod_het": "signed log1p of log10 L(0/1) - L(0/0)",
    "lod_hom": "signed log1p of log10 L(1/1) - L(0/0)",
    "lod_hom_het": "signed log1p of log10 L(1/1) - L(0/1)",
    "lod_het_raw": "log10 L(0/1) - L(0/0), cut to -10..20, tenths",
    "lod_hom_het_raw": "log10 L(1/1) - L(0/1), cut to -10..10, tenths",
    "lod_forward": "best ALT genotype against 0/0 on forward reads, cut to -10..20, tenths",
    "lod_reverse": "the same on reverse reads",
    "lod_mapq30": "lod_het_raw on reads of MAPQ >= 30 alone",
    "lod_without_top": "lod_het_raw without the read that supports ALT most",
    # depth and balance
    "depth_log": "log1p of informative reads, quarters",
    "depth_ratio": "reads that span the site / mean depth within 100 bp, cut at 3",
    "n_alt_log": "log1p of ALT reads, quarters",
    "n_alt_small": "ALT reads, cut at 10, tenths",
    "n_ref_log": "log1p of REF reads, quarters",
    "vaf": "ALT / (REF + ALT + OTHER)",
    "vaf_het_z": "z score of ALT reads under a fair coin, cut to -5..5, fifths",
    "other_fraction": "OTHER / (REF + ALT + OTHER)",
    "none_fraction": "NONE / all reads that span",
    # qualities
    "quality_alt_mean": "mean phred of ALT reads at the site, fortieths",
    "quality_ref_mean": "mean phred of REF reads at the site, fortieths",
    "quality_alt_max": "best phred of ALT reads, fortieths",
    "quality_alt_sum": "log1p of the sum of ALT phreds, sixths",
    "ratio_alt_mean": "mean log10_ratio of ALT reads, quarters",
    "ratio_ref_mean": "mean log10_ratio of REF reads, quarters",
    "mapq_alt_mean": "mean MAPQ of ALT reads, sixtieths",
    "mapq_ref_mean": "mean MAPQ of REF reads, sixtieths",
    "mapq_alt_low": "fraction of ALT reads of MAPQ < 20",
    "mapq_ref_low": "fraction of REF reads of MAPQ < 20",
    "mapq0_fraction": "MAPQ 0 reads / (those + counted reads) at POS",
    # strand and place in the read
    "alt_forward": "fraction of ALT reads that are forward",
    "ref_forward": "fraction of REF reads that are forward",
    "strand_log_odds": "ln odds ratio of strand and allele, pseudo-count .5, cut to -4..4, quarters",
    "alt_minor_strand": "ALT reads on the rarer strand / ALT reads",
    "alt_end_distance": "mean bp from the site to the nearest end of ALT reads, cut at 50, fiftieths",
    "ref_end_distance": "the same of REF reads",
    "alt_at_end": "fraction of ALT reads with the site within 5 bp of an end",
    "ref_at_end": "the same of REF reads",
    "alt_place_sd": "standard deviation of the site's relative place in ALT reads, x 3",
    "ref_place_sd": "the same of REF reads",
    "alt_cycle": "mean relative sequencing cycle of the site in ALT reads",
    "read_length_log": "log2 of the mean read length, tenths",
    # neighbouring variants
    "alt_clipped": "z score of ALT reads clipped by 5 bp within 300 bp, beside REF reads and library, fifths",
    "ref_clipped": "z score of such REF reads beside the library, fifths",
    "alt_mismatches": "mean mismatches (phred >= 15) near the site in ALT reads, log1p",
    "ref_mismatches": "the same in REF reads",
    "alt_indels": "mean indels near the site in ALT reads, besides one at the site, log1p",
    "ref_indels": "the same in REF reads",
    "alt_odd_pair": "z score of paired ALT reads whose mate lies oddly, beside REF reads and library, fifths",
    "ref_odd_pair": "z score of such REF reads beside the library, fifths",
    "alt_divergence": "differences of ALT reads from REF within 128 bp, per aligned bp, x 10, cut at 2",
    "ref_divergence": "the same of REF reads",
    "alt_unaligned": "mean share of an ALT read's bases that are soft-clipped within 300 bp",
    "ref_unaligned": "the same of REF reads",
    "near_10": "log1p of candidates at other positions within 10 bp",
    "near_50": "log1p of candidates at other positions within 50 bp",
    "nearest_left": "bp to the next candidate on the left, cut at 50, fiftieths",
    "nearest_right": "bp to the next candidate on the right, cut at 50, fiftieths",
    "near_vaf": "largest ALT fraction of other candidates within 10 bp",
    "same_site_alts": "other alternates at this POS, cut at 4, quarters",
    "same_site_vaf": "largest ALT fraction among those",
    "realigned": "1 where the site lies in a realigned window",
    # sequence
    "is_snp": "REF and ALT are one base each",
    "is_insertion": "ALT is longer",
    "is_deletion": "REF is longer",
    "indel_length": "log1p of the length difference, quarters",
    "is_transition": "A<->G or C<->T",
    "homopolymer": "log1p of the run that holds the base after the anchor (SNP: POS), thirds",
    "homopolymer_alt": "log1p of the run of ALT's base on either side of a SNP, thirds",
    "repeat_unit": "unit of the tandem repeat there, sixths of bp (0 = none)",
    "repeat_length": "log1p of its length in bp, quarters",
    "repeat_step": "1 where the length difference is a multiple of the unit",
    "gc": "GC fraction within 50 bp",
    "complexity": "distinct dinucleotides within 15 bp / 16",
    "substitution": "SNP: log10 of how often nature makes it beside these bases, over the mean of all",
    "is_cpg": "SNP: POS is part of a CpG",
    # haplotypes of the fragments, told by heterozygous SNPs within phase_bp (candidates.phase_kernels)
    "lod_het_phased": "as lod_het, where ALT lies on one haplotype and fragments know theirs",
    "lod_het_phased_raw": "the same, log10, cut to -10..20, tenths",
    "lod_hom_het_phased_raw": "log10 L(1/1) - that L(0/1), cut to -10..10, tenths",
    "phase_gain": "log10 that phase adds to lod_het, cut to -3..3, thirds",
    "phased_fraction": "fragments of known haplotype (10:1 or surer) / informative reads",
    "phased_alt_balance": "ALT reads of known haplotype on the rarer one / those, pseudo-count 1",
    "near_hets": "log1p of surely heterozygous SNPs within phase_bp, halves",
    "near_homs": "log1p of surely homozygous SNPs within phase_bp, halves",
    # how variable the neighbourhood is: the age of the two haplotypes' ancestor differs along the genome
    "wide_hets": "log1p of surely heterozygous SNPs within 2 kb, thirds",
    "wide_homs": "log1p of surely homozygous SNPs within 2 kb, thirds",
    "phased_ref_with_alt": "REF reads on the haplotype of most ALT reads / reads on it, pseudo-count 1",
}

FEATURE_NAMES: tuple[str, ...] = tuple(_FEATURES)
FEATURE_MEANINGS: tuple[str, ...] = tuple(_FEATURES.values())
N_FEATURES = len(FEATURE_NAMES)

# Column numbers by name, a compile-time constant inside kernels: out[i, F.vaf]
_Columns = namedtuple("_Columns", FEATURE_NAMES)  # type: ignore[misc]
F: Any = _Columns(*range(N_FEATURES))
