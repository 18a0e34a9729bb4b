"""Calls and truth -> metrics."""
