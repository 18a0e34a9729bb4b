"""BAM/CRAM and a Region -> ReadBatch."""
