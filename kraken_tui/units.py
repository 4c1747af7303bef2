"""Units that several parts count in. Imports nothing."""

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

SCALE, VALUE_SCALE = 10, 20
"""Decimals that a price or a quantity, and the product of the two, have at most in tables of typed columns."""
