"""Population genetics by deep learning: simulate, train, compare with classical ways, scan a cohort."""
