"""File formats: one strict reader, and one writer, of each."""
