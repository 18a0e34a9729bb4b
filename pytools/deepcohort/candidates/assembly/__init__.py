"""Alleles assembled where reads are clipped."""

from deepcohort.candidates.assembly.assemble import add_alleles, allele_keys, assemble_alleles

__all__ = ["add_alleles", "allele_keys", "assemble_alleles"]
