"""Another caller's VCF and the reads -> VCF with CNN scores and FILTER set."""
