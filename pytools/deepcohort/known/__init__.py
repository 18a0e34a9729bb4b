"""Alleles known beforehand: sites given by the user, and what the reads say of them."""
