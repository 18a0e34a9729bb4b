"""Limits of phred-scaled values (VCF 4.3 section 1.6: GQ, PL)."""

MAX_GQ = 99
MAX_PL = 9_999
