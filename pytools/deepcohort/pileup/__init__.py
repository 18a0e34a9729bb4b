"""ReadBatch, CandidateTable, ReadSupport -> ExampleBatch (pixels and site features)."""
