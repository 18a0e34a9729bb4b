"""Annotation of a VCF: AlphaMissense by allele, consequences by bcftools csq, any other table; reports."""
