"""ReadBatch and reference -> AlleleCounts, CandidateTable, ReadSupport."""
