"""Worked examples of Kraken's documentation, with the checksums that must come out (docs/PROTOCOL.md section 4.4)."""

from __future__ import annotations

BTC_USD = {
    "price_precision": 1,
    "qty_precision": 8,
    "asks": """45285.2 0.00100000, 45286.4 1.54571953, 45286.6 1.54571109, 45289.6 1.54560911, 45290.2 0.15890660,
        45291.8 1.54553491, 45294.7 0.04454749, 45296.1 0.35380000, 45297.5 0.09945542, 45299.5 0.18772827""",
    "bids": """45283.5 0.10000000, 45283.4 1.54582015, 45282.1 0.10000000, 45281.0 0.10000000, 45280.3 1.54592586,
        45279.0 0.07990000, 45277.6 0.03310103, 45277.5 0.30000000, 45277.3 1.54602737, 45276.6 0.15445238""",
    "checksum": 3310070434,
}
"""A BTC/USD snapshot of the checksum guide."""

MATIC_USD = {
    "price_precision": 4,
    "qty_precision": 8,
    "asks": """0.5668 4410.79769741, 0.5669 4655.40412487, 0.5670 49844.89424998, 0.5671 24306.41678000,
        0.5672 29783.25223475, 0.5673 57234.71239278, 0.5674 45065.04744000, 0.5675 5912.76380354,
        0.5676 42514.92434778, 0.5677 36304.08470220""",
    "bids": """0.5666 4831.75496356, 0.5665 6658.22734739, 0.5664 18724.91513344, 0.5663 11563.92544914,
        0.5662 14006.65365711, 0.5661 17454.85679807, 0.5660 18097.15470000, 0.5659 33644.89175666,
        0.5658 148.34640000, 0.5657 606.70854372""",
    "checksum": 2439117997,
    "update": "0.5657 1098.39475580",
    "checksum_after": 2114181697,
}
"""The snapshot and update of the book channel's page, whose printed numbers lost their trailing zeros: padded here."""


def levels(text: str) -> list[tuple[str, str]]:
    """ "price quantity, price quantity" as pairs."""
    return [(price, quantity) for price, quantity in (part.split() for part in text.split(","))]


def without_trailing_zeros(text: str) -> list[tuple[str, str]]:
    """The same levels as a program prints them that went through floats."""
    return [(price.rstrip("0").rstrip("."), quantity.rstrip("0").rstrip(".")) for price, quantity in levels(text)]
