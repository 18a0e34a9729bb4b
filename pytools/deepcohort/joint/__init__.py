"""gVCFs -> cohort VCF."""
