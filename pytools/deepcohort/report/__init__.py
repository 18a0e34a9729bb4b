"""Metrics files -> MultiQC content and plots."""
