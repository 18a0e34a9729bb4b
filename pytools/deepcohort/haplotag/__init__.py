"""Reads of one sample marked with the haplotype that a phased VCF gives them: tags HP and PS."""
