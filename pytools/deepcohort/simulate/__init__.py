"""Seed -> haplotypes, reads, truth."""
