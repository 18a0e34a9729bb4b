"""What is known of a sample at a site: a genotype, or why there is none, as FORMAT RNC orders it."""

OK, NO_COVERAGE, LOW_GQ, CONFLICT, FILTERED = range(5)
