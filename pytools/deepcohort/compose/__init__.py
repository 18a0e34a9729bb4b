"""Rooms put together: what a command does, from its settings on."""
