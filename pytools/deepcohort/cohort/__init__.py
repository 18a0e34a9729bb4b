"""Before calling: who is in the cohort, whether its files are sound, and how the genome is cut."""
