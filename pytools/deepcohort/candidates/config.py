"""Settings of candidate finding and local realignment."""

from dataclasses import dataclass, replace

import numpy as np

from deepcohort.candidates.repeat_stutter import SLIPS, StutterRates, by_quality, centred, fitted
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.qualities import quality_table
from deepcohort.reads.types import UNKNOWN_LIBRARY, LibraryProfile


@dataclass(frozen=True, slots=True)
class CandidatesConfig:
    """Thresholds for candidates; realignment.

    Attributes:
        pad_bp: the window given to `find_candidates` must reach this far beyond the region on both
            sides (or to the contig's end).
        min_count: fragments that must show an allele.
        min_fraction_snp, min_fraction_indel: of the depth at the site.
        single_max_depth: a SNP that one fragment shows is a candidate where no more than this cover the
            site. Beyond, 2 or more REF reads weigh so much against it that a base of phred 40 with
            nature's prior (1e-3) cannot win; the number of such sites grows with depth, the gain does
            not (on HG002 variants in 10x reads of art_illumina: 19 of 2,600 SNPs, of which 5 to 9 can win).
        single_cpg_max_depth: the same where a CpG loses its C, which nature does ten times as often.
        single_phased_max_depth: the same within phase_bp of what looks heterozygous: REF reads of the
            other haplotype weigh nothing against it.
        single_min_log10: least log10 P(reads | best genotype with the ALT) / P(reads | without), haplotypes
            of fragments considered, of such a candidate, plus how much likelier than the mean nature
            makes it; others are dropped again. Some way below what the prior of a SNP demands (3.0 to
            3.6), so that the network decides and training sees both sides.
        single_end_bp: and the aligned part of its read reaches this far beyond the SNP on both sides.
        min_fraction_second_indel: of the depth, for a further indel on the anchor of one that passes the
            above: there one fragment is enough (a repeat's two alleles often differ from the reference
            both, and few reads span the longer one).
        single_indel_max_depth: an indel that one read shows is a candidate where no more than this cover the
            site, and it changes a repeat's length or two bases and more.
        single_indel_voted: other indels too where copies of a fragment agree on them.
        single_indel_min_log10, single_indel_repeat_log10: least log10 P(reads | best genotype with the ALT) /
            P(reads | without), haplotypes of reads considered, of such a candidate outside repeats and in
            them; others are dropped again.
        single_indel_phase_bp: heterozygous SNPs within this distance tell those haplotypes; no farther than
            features look, as chunks know candidates so far beyond them.
        min_base_qual: phred; a mismatching base below it shows nothing.
        phase_bp: heterozygous SNPs within this distance tell which haplotype a fragment comes from.
        max_indel_bp: longer indels in a read are not candidates.
        slips: how often reads show another length of a repeat than the molecule has.
        by_place: whether reads of one strand often change the length of a run alike, at some places.
        realign: whether reads are realigned to local haplotypes.
        realign_min_count, realign_min_fraction_snp, realign_min_fraction_indel: as above, for an
            allele to be part of a haplotype.
        realign_margin_bp: of reference on both sides of a disturbance, for reads to hang on by.
        realign_min_clips, realign_min_clip_fraction: reads clipped within a few bp that make a
            disturbance, at least so many and so large a share of the depth.
        realign_crowded_bp: three SNPs within this stretch make a disturbance.
        realign_longest_bp: longer disturbances are cut at multiples of half of this.
    """

    pad_bp: int = 1_000
    min_count: int = 2
    min_fraction_snp: float = 0.12
    min_fraction_indel: float = 0.06
    min_fraction_second_indel: float = 0.1
    single_max_depth: int = 4
    single_cpg_max_depth: int = 7
    single_phased_max_depth: int = 10
    single_min_log10: float = 2.4
    single_end_bp: int = 5
    single_indel_max_depth: int = 4
    single_indel_voted: bool = False
    single_indel_min_log10: float = 1.0
    single_indel_repeat_log10: float = 0.0
    single_indel_phase_bp: int = 400
    min_base_qual: int = ReadsConfig().min_base_qual
    phase_bp: int = 400
    max_indel_bp: int = 500
    slips: StutterRates = SLIPS["illumina"]
    by_place: bool = False
    realign: bool = True
    realign_min_count: int = 1
    realign_min_fraction_snp: float = 0.12
    realign_min_fraction_indel: float = 0.05
    realign_margin_bp: int = 12
    realign_min_clips: int = 2
    realign_min_clip_fraction: float = 0.08
    realign_crowded_bp: int = 20
    realign_longest_bp: int = 320


_MIN_FRACTION_INDEL = {"hifi": 0.1, "ont": 0.12}
_USUAL_SLIPS_LOG10 = {"hifi": -0.4, "ont": -0.2}  # what qualities add to slips in the mean, see `centred`
_SINGLE_INDEL_MAX_DEPTH, _SINGLE_INDEL_PHASE_BP = 10, 5_000  # of long reads
_SINGLE_ERRORS, _MOST_DEEPER = 1e-4, 5  # wrong bases that single_max_depth is made for


def _more(errors: float) -> int:
    """By how many fragments of REF more one of ALT is looked at, where its bases err so seldom: each makes a
    heterozygote half as likely. 0 where errors were not measured."""
    return int(np.clip(np.rint(np.log2(_SINGLE_ERRORS / errors)), 0, _MOST_DEEPER)) if errors > 0 else 0


def _deeper(config: CandidatesConfig, library: LibraryProfile) -> CandidatesConfig:
    """`config` that looks at single fragments among more, where copies or mates are seldom wrong together.

    What mates say counts for indels alone: SNPs hang on bases that one of the two has read as well.
    """
    snps = _more(library.vote_errors)
    return replace(
        config,
        single_max_depth=config.single_max_depth + snps,
        single_cpg_max_depth=config.single_cpg_max_depth + snps,
        single_phased_max_depth=config.single_phased_max_depth + snps,
        single_indel_max_depth=config.single_indel_max_depth + max(snps, _more(library.mate_errors)),
        single_indel_voted=snps > 0,
    )


def candidates_for(platform: str, library: LibraryProfile = UNKNOWN_LIBRARY) -> CandidatesConfig:
    """Settings for reads of a platform and a library."""
    if platform not in SLIPS or platform == "illumina":
        told = by_quality(SLIPS["illumina"], library.slips)
        config = CandidatesConfig(
            slips=told or fitted(SLIPS["illumina"], library.runs),
            by_place=told is not None,
            min_base_qual=library.least_quality,
        )
        return _deeper(config, library)
    slips = SLIPS[platform]
    if library.lowered:
        slips = centred(slips, library.least, quality_table(library), _USUAL_SLIPS_LOG10[platform])
    return CandidatesConfig(
        slips=slips,
        min_fraction_indel=_MIN_FRACTION_INDEL[platform],
        single_indel_max_depth=_SINGLE_INDEL_MAX_DEPTH,
        single_indel_phase_bp=_SINGLE_INDEL_PHASE_BP,
    )
