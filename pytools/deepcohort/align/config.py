"""Settings of the align room."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlignConfig:
    """How reads are aligned.

    chunk_bases: bases that bwa and bwa-mem2 take at a time (-K): insert sizes are learned per chunk, so a
        fixed one gives the same alignments whatever the number of threads.
    sort_memory_mb: of each thread of samtools sort.
    level: compression of the lanes' BAMs, which are read once. final_level: of the sample's.
    """

    chunk_bases: int = 10_000_000
    sort_memory_mb: int = 512
    level: int = 1
    final_level: int = 5
