"""Units of time that every part counts in. Imports nothing."""

SECOND = 1_000_000_000
"""Nanoseconds in a second."""
