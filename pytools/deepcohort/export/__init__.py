"""Cohort VCF to formats for analysis, by the tools that keep them."""
