"""Who a sample's reads are from, told at a few known SNPs: swaps, contamination, kin, sex, ancestry."""
