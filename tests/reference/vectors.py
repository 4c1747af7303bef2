"""Worked examples of Kraken's documentation: numbers, and what must come out of them (docs/PROTOCOL.md section 4.4).

Facts only, arranged for the tests.
"""

from __future__ import annotations

from typing import Any

BTC_USD: dict[str, Any] = {
    "price_precision": 1,
    "qty_precision": 8,
    "asks": """45285.2 0.00100000, 45286.4 1.54571953, 45286.6 1.54571109, 45289.6 1.54560911, 45290.2 0.15890660,
        45291.8 1.54553491, 45294.7 0.04454749, 45296.1 0.35380000, 45297.5 0.09945542, 45299.5 0.18772827""",
    "bids": """45283.5 0.10000000, 45283.4 1.54582015, 45282.1 0.10000000, 45281.0 0.10000000, 45280.3 1.54592586,
        45279.0 0.07990000, 45277.6 0.03310103, 45277.5 0.30000000, 45277.3 1.54602737, 45276.6 0.15445238""",
    "asks_text": "452852100000452864154571953452866154571109452896154560911452902158906604529181545534914529474454"
    "74945296135380000452975994554245299518772827",
    "bids_text": "452835100000004528341545820154528211000000045281010000000452803154592586452790799000045277633101"
    "034527753000000045277315460273745276615445238",
    "checksum": 3310070434,
}
"""A BTC/USD snapshot of the checksum guide."""

MATIC_USD: dict[str, Any] = {
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
    "checksum_unpadded": 3830085102,
}
"""The snapshot and update of the book channel's page, whose printed numbers lost their trailing zeros: padded here."""

V1: dict[str, Any] = {
    "asks": """0.05005 0.00000500, 0.05010 0.00000500, 0.05015 0.00000500, 0.05020 0.00000500, 0.05025 0.00000500,
        0.05030 0.00000500, 0.05035 0.00000500, 0.05040 0.00000500, 0.05045 0.00000500, 0.05050 0.00000500""",
    "bids": """0.05000 0.00000500, 0.04995 0.00000500, 0.04990 0.00000500, 0.04980 0.00000500, 0.04975 0.00000500,
        0.04970 0.00000500, 0.04965 0.00000500, 0.04960 0.00000500, 0.04955 0.00000500, 0.04950 0.00000500""",
    "text": "500550050105005015500502050050255005030500503550050405005045500505050050005004995500499050049805"
    "00497550049705004965500496050049555004950500",
    "checksum": 974947235,
}
"""The book of the version 1 guide."""

LEVEL3: dict[str, Any] = {
    "asks": """44939.5 4.52308393, 44939.5 0.00111261, 44939.5 0.00100000, 44939.5 0.01000000, 44950.0 0.10334926,
        44953.0 0.00064537, 44955.0 0.00250000, 44959.6 0.35630000, 44959.6 0.35630000, 44960.1 0.00338072,
        44960.2 0.88967575, 44967.0 3.14392283, 44978.5 0.06778960, 44979.2 0.35630000""",
    "bids": """44939.4 0.88968699, 44939.4 0.45210000, 44939.4 0.10000000, 44939.4 0.14296323, 44939.4 0.25000000,
        44939.4 0.10292988, 44939.4 0.33880000, 44939.4 1.28140860, 44937.1 0.03346877, 44934.7 0.35630000,
        44930.2 0.22734299, 44930.2 0.01000000, 44930.2 0.05550000, 44930.2 0.70000000, 44930.2 0.15000000,
        44928.0 0.00105240, 44919.6 0.33870000, 44919.5 0.07610000, 44912.0 0.35630000, 44909.7 0.06690000,
        44901.9 0.00088982""",
    "checksum": 1063832831,
}
"""Price and quantity of each order of the level 3 guide in the order of the queue: ten price levels a side."""

SIGNING = {
    "uri_path": "/0/private/AddOrder",
    "nonce": "1616492376594",
    "post_data": "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
    "private_key": "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==",
    "api_sign": "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
}
"""The signature of the REST guide, with the key printed there, which is no live one."""

CHECK_VALUE = ("123456789", 3421780262)
"""What every CRC-32 of this kind makes of nine digits."""


def levels(text: str) -> list[tuple[str, str]]:
    """ "price quantity, price quantity" as pairs."""
    return [(price, quantity) for price, quantity in (part.split() for part in text.split(","))]


def without_trailing_zeros(text: str) -> list[tuple[str, str]]:
    """The same levels as a program prints them that went through floats."""
    return [(price.rstrip("0").rstrip("."), quantity.rstrip("0").rstrip(".")) for price, quantity in levels(text)]
