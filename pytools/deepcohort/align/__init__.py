"""FASTQ files -> sorted alignments with duplicates marked, by well-known aligners and samtools."""
