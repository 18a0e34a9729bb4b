"""Words of the evaluation report: what each number means, beside the number."""

INTRODUCTION = (
    "Calls against truth, compared on haplotypes: two records match if the sequences they spell are the "
    "same, however they are written. Every count is of records inside the confident regions."
)
SUMMARY = (
    "Precision = TP(call) / (TP(call) + FP). Recall = TP(truth) / (TP(truth) + FN). F1 is their harmonic "
    "mean. TP are counted on both sides, because one true record may be called as two. Intervals are "
    "95 %: Wilson for precision and recall, bootstrap over blocks of the genome for F1 and areas."
)
COUNTS = (
    "Wrong genotype: an allele is right but the genotype is not; such a record is one FN and one FP. "
    "Missed and extra records share no allele with the other side."
)
PRECISION_RECALL = (
    "From the best scored call to the worst: what part of the truth is found (right), and what part of the "
    "calls so far is true (up). The curve to trust for rare positives: it does not reward the "
    "billions of bases that nobody would have called. Scores: QUAL or GQ of the calls."
)
OPERATING = (
    "AUPRC: area under the precision-recall steps. R@P: the largest recall of any threshold that keeps "
    "the precision at or above P; 0 if none does. Best F1 and the QUAL at which it is reached. "
    "Intervals: 95 %, 200 bootstrap draws of genome blocks."
)
ROC = (
    "Shown because it is asked for, not because it should steer anything. The false-positive rate divides "
    "by all reference bases where nothing is called, millions to billions of them, so any caller looks "
    "perfect: 1,000 false calls in 3 Gb are a rate of 0.00003 %, and a call set half of which is wrong "
    "still hugs the axis. Compare callers on the precision-recall curves above."
)
CALIBRATION = (
    "GQ promises a probability of error, 10<sup>-GQ/10</sup>. Calls are binned by GQ; the line shows the "
    "error that truth reveals, as phred. On the diagonal GQ means what it says; below it, calls are "
    "over-confident. A bin without any error stands on the diagonal, or at its "
    "interval's upper end where that is higher; one whose calls are too few to come within 10 phred of "
    "the promise says nothing and is left out."
)
LENGTHS = (
    "Errors by length of the indel in bp, deletions left, insertions right. The rate divides FN + FP by "
    "truth + calls of those lengths, where there are ten or more of them."
)
STRATA = (
    "F1 of every stratum with at least five truth records and five calls. Truth records are placed by "
    "their own kind, zygosity and context, calls by theirs. Repeats: longest homopolymer, or stretch with "
    "a period of 2 to 6 bp, that touches the record. GC: within 50 bp on both sides."
)
CONFUSION = (
    "Genotype of truth (rows) against genotype of the call that was paired with it (columns), in per cent "
    "of the row. 'absent' as a row holds false positives, as a column what was missed."
)
PAIRED = (
    "McNemar's exact test asks whether two call sets find different numbers of true records: only records "
    "that one finds and the other does not count. Small p: the difference is not chance. The loci "
    "are listed in the folder <code>differences</code>, each with a command that shows its reads."
)
LEFT_OUT = (
    "Records that took no part: filtered (FILTER is neither PASS nor '.'), symbolic alleles and breakends, "
    "alleles over 1,000 bp, malformed alleles, ploidy that does not fit; and those outside the confident "
    "regions. Too hard: neighbourhoods where the search was given up (see given_up.tsv)."
)
DEPTH = "F1 against the depth that the manifest states for each call set."
WITHOUT_TRUTH = (
    "What can be said without truth. Whole genomes of people have Ti/Tv near 2.0 to 2.1 and het/hom of 1.3 "
    "to 2; far lower Ti/Tv means random errors. Mendelian violations count sites where a child has an "
    "allele that neither parent can have passed on."
)

DEFINITIONS = """
<style>
#mqc_welcome { display: none !important; }
/* MultiQC leaves legends of line plots as dark as on white paper */
[data-bs-theme="dark"] .legendtext { fill: #dcdcdc !important; }
.deepcohort-definitions { max-width: 62rem; display: grid; gap: 0.5rem 1rem;
  grid-template-columns: 9rem 1fr; }
.deepcohort-definitions dt { margin: 0; }
.deepcohort-definitions dd { margin: 0; }
</style>
<dl class="deepcohort-definitions">
<dt>TP (truth)</dt><dd>Truth records that lie on the best matching haplotypes.</dd>
<dt>FN</dt><dd>Truth records that do not: missed, or found with another genotype.</dd>
<dt>TP (call)</dt><dd>Called records on the best matching haplotypes, wherever they lie, if a truth
record inside the confident regions stands behind them.</dd>
<dt>FP</dt><dd>Called records that touch the confident regions and match nothing.</dd>
<dt>Edges</dt><dd>A record counts if one of the bases it changes lies inside a confident region (padding
bases do not count). An insertion must lie strictly inside: between two confident bases.</dd>
<dt>SNP, INDEL</dt><dd>After complex records are cut into parts: SNP if every ALT has the length of REF
(MNPs included), INDEL otherwise.</dd>
<dt>Match</dt><dd>Both sides are replayed on the reference, each genotype in both phases, and the pair of
paths that uses most records of both sides while spelling the same two haplotypes wins.</dd>
<dt>AUPRC</dt><dd>Sum over thresholds of recall gained times precision there (average precision).</dd>
<dt>Interval</dt><dd>95 %. Wilson score for proportions; percentile bootstrap over genome blocks, so
that clustered errors do not count as independent.</dd>
</dl>
"""
