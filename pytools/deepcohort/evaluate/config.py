"""Settings of an evaluation, each default stated once."""

from dataclasses import dataclass

from deepcohort.core.errors import DeepcohortError


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """How calls are compared with truth. Defaults follow `rtg vcfeval --decompose` (3.12); see `of_rule`.

    Attributes:
        decompose: cut complex records into their smallest parts first.
        all_records: use records whatever their FILTER says.
        squash_ploidy: match alleles, not genotypes (any called ALT on one haplotype).
        ref_overlap: let alleles overlap where either is the same as the reference.
        all_alts: use every ALT of the record instead of the sample's genotype.
        obey_phase: take phased genotypes as written instead of trying both ways.
        ploidy: haplotypes per genotype; haploid genotypes count as homozygous when it is 2.
        identical: where haplotypes cannot be replayed (records that contradict one another), a call is
            right that equals a truth record in position, alleles and genotype.
        base_pairs: count base pairs found and right beside records.
        max_length_bp: longer alleles are left out and counted.
        max_paths, max_iterations: bounds of the search in one neighbourhood; beyond them its
            variants are left out and reported.
        threads: contigs compared at once.
    """

    decompose: bool = True
    all_records: bool = False
    squash_ploidy: bool = False
    ref_overlap: bool = False
    all_alts_calls: bool = False
    all_alts_truth: bool = False
    obey_phase_calls: bool = False
    obey_phase_truth: bool = False
    identical: bool = False
    base_pairs: bool = False
    ploidy: int = 2
    max_length_bp: int = 1000
    max_paths: int = 50_000
    max_iterations: int = 10_000_000
    threads: int = 2

    @property
    def rule(self) -> str:
        """Which of RULES these settings are; `vcfeval` also where single settings were changed."""
        return OVERLAP if self.ref_overlap and self.identical else VCFEVAL


OVERLAP, VCFEVAL = "overlap", "vcfeval"
# what the log says of each rule
RULES = {
    OVERLAP: "records may overlap; reference alleles and * assert nothing, contradictory ones match if alike",
    VCFEVAL: "as rtg vcfeval --decompose; reference alleles are replayed, overlapping records exclude others",
}


def of_rule(rule: str = OVERLAP) -> EvaluateConfig:
    """Settings of a rule: `overlap`, for truth sets of any make, or `vcfeval`, equal to that tool.

    Raises:
        DeepcohortError: no such rule.
    """
    if rule not in RULES:
        raise DeepcohortError(f"--rule {rule[:40]!r} is none of {', '.join(RULES)}")
    return (
        EvaluateConfig()
        if rule == VCFEVAL
        else EvaluateConfig(ref_overlap=True, identical=True, base_pairs=True)
    )
