"""Settings of cohort statistics."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CohortStatsConfig:
    """Settings of `deepcohort stats`.

    Attributes:
        max_matrix_sites: sites kept for relatedness and PCA; beyond it every second one is dropped
            and so on, so that the whole genome is sampled evenly in bounded memory.
        min_frequency: minor allele frequency that such a site needs.
        max_missing: fraction of missing genotypes above which it is left out.
        min_relatedness_sites: fewer give no kinship, PCA or pedigree check.
        n_components: of the PCA. max_embedded: more samples get no neighbour embedding (time grows with N^2).
        first_degree, second_degree: KING kinship from which a pair counts as such (Manichaikul 2010).
        duplicate: kinship from which two samples are one person or monozygotic twins.
        min_sex_sites: sites of X (outside the PAR) that the sex check needs.
        max_male_x_het: heterozygosity of X, over that of autosomes, up to which a sample looks XY.
    """

    max_matrix_sites: int = 100_000
    min_frequency: float = 0.02
    max_missing: float = 0.1
    min_relatedness_sites: int = 1_000
    n_components: int = 4
    max_embedded: int = 1_000
    first_degree: float = 0.177
    second_degree: float = 0.0884
    duplicate: float = 0.354
    min_sex_sites: int = 20
    max_male_x_het: float = 0.3
