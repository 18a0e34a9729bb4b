"""Words every room shares: regions, sequence codes, phred, VCF constants, errors, files."""
