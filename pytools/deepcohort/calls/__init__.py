"""Genotype probabilities -> genotype calls; VCF and gVCF reading, writing, merging."""
