"""Which alleles of one sample lie on one chromosome, told by its fragments."""
