from binascii import crc32
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.wire.checksum import checksum_of_text, checksum_of_units, token
from kraken_tui.wire.digits import from_units, to_units

Pairs = list[tuple[str, str]]


def padded(levels: list[list[str]], price_precision: int, qty_precision: int) -> Pairs:
    return [(f"{Decimal(p):.{price_precision}f}", f"{Decimal(q):.{qty_precision}f}") for p, q in levels]


def bitwise_crc32(data: bytes) -> int:
    """CRC-32/ISO-HDLC, one bit at a time: shares nothing with zlib."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def slow_checksum(asks: Pairs, bids: Pairs) -> int:
    """Section 4.3 word for word, from text."""
    text = ""
    for side in (asks[:10], bids[:10]):
        for level in side:
            for number in level:
                text += "".join(character for character in number if character != ".").lstrip("0")
    return bitwise_crc32(text.encode())


def test_check_value(goldens: dict[str, Any]) -> None:
    example = goldens["crc32_check_value"]
    assert crc32(example["input"].encode()) == bitwise_crc32(example["input"].encode()) == example["crc32"]


def test_btc_usd(goldens: dict[str, Any]) -> None:
    example = goldens["book_v2_btc_usd"]
    asks, bids = example["asks"], example["bids"]
    assert "".join(token(p) + token(q) for p, q in asks) == example["asks_string"]
    assert "".join(token(p) + token(q) for p, q in bids) == example["bids_string"]
    assert checksum_of_text(asks, bids) == example["crc32"]
    units = [[(to_units(p, 1), to_units(q, 8)) for p, q in side] for side in (asks, bids)]
    assert checksum_of_units(*units) == example["crc32"]


def test_matic_usd_only_with_padding(goldens: dict[str, Any]) -> None:
    example = goldens["book_v2_matic_usd_needs_padding"]
    snapshot = example["snapshot"]
    asks, bids = padded(snapshot["asks"], 4, 8), padded(snapshot["bids"], 4, 8)
    assert checksum_of_text(asks, bids) == snapshot["crc32"]
    assert checksum_of_text(snapshot["asks"], snapshot["bids"]) == snapshot["crc32_if_not_padded"]
    bids[-1] = padded(example["update"]["bids"], 4, 8)[0]
    assert checksum_of_text(asks, bids) == example["update"]["crc32"]


def test_v1(goldens: dict[str, Any]) -> None:
    example = goldens["book_v1"]
    joined = "".join(token(p) + token(q) for side in (example["asks"], example["bids"]) for p, q in side)
    assert joined == example["string"]
    assert checksum_of_text(example["asks"], example["bids"]) == example["crc32"]


def test_level3(goldens: dict[str, Any]) -> None:
    """Level 3 hashes orders by the same token rule; the example holds exactly ten price levels a side."""
    example = goldens["level3_v2_btc_usd"]
    text = "".join(
        token(price) + token(qty) for side in (example["asks"], example["bids"]) for _, price, qty, _ in side
    )
    assert [len({order[1] for order in example[side]}) for side in ("asks", "bids")] == [10, 10]
    assert crc32(text.encode()) == example["crc32"]


LEVELS = st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**14)), max_size=14)


@given(LEVELS, LEVELS, st.integers(0, 10), st.integers(0, 10))
def test_units_text_and_slow_agree(
    asks: list[tuple[int, int]], bids: list[tuple[int, int]], price_precision: int, qty_precision: int
) -> None:
    as_text = [
        [(from_units(ticks, price_precision), from_units(lots, qty_precision)) for ticks, lots in side]
        for side in (asks, bids)
    ]
    expected = slow_checksum(*as_text)
    assert checksum_of_units(asks, bids) == checksum_of_text(*as_text) == expected


FULL = st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**14)), min_size=10, max_size=14)


@settings(max_examples=50)
@given(FULL, FULL, st.integers(0, 5), st.integers(0, 8), st.data())
def test_p7_leading_zeros_do_not_count_and_every_digit_of_the_ten_does(
    asks: list[tuple[int, int]], bids: list[tuple[int, int]], price: int, qty: int, data: st.DataObject
) -> None:
    written = [[(from_units(p, price), from_units(q, qty)) for p, q in side] for side in (asks, bids)]
    checksum = checksum_of_text(*written)
    zeros = st.integers(0, 5)
    padded_text = [[tuple("0" * data.draw(zeros) + number for number in row) for row in side] for side in written]
    assert checksum_of_text(*padded_text) == checksum
    side, row, column = data.draw(st.sampled_from((0, 1))), data.draw(st.integers(0, 9)), data.draw(st.integers(0, 1))
    old = written[side][row][column]
    at = data.draw(st.sampled_from([at for at, character in enumerate(old) if character != "."]))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != old[at]]))
    changed = [list(rows) for rows in written]
    number = old[:at] + digit + old[at + 1 :]
    pair = list(changed[side][row])
    pair[column] = number
    changed[side][row] = (pair[0], pair[1])
    # A digit turned into a leading zero, or made of one, changes the length; any other one digit of the text.
    assert checksum_of_text(*changed) != checksum
    assert checksum_of_text(*changed) == slow_checksum(*changed)


def test_only_ten_levels_count() -> None:
    asks = [(index, 1) for index in range(1, 12)]
    assert checksum_of_units(asks, []) == checksum_of_units(asks[:10], [])
    assert checksum_of_units(asks, []) != checksum_of_units(asks[:9], [])


def test_empty() -> None:
    assert checksum_of_units([], []) == 0


# The documented examples that must hold wherever the tests run (PROTOCOL.md section 4.4).
BTC_ASKS = (
    "45285.2 0.00100000,45286.4 1.54571953,45286.6 1.54571109,45289.6 1.54560911,45290.2 0.15890660,"
    "45291.8 1.54553491,45294.7 0.04454749,45296.1 0.35380000,45297.5 0.09945542,45299.5 0.18772827"
)
BTC_BIDS = (
    "45283.5 0.10000000,45283.4 1.54582015,45282.1 0.10000000,45281.0 0.10000000,45280.3 1.54592586,"
    "45279.0 0.07990000,45277.6 0.03310103,45277.5 0.30000000,45277.3 1.54602737,45276.6 0.15445238"
)


def split(levels: str) -> Pairs:
    return [(price, qty) for price, _, qty in (level.partition(" ") for level in levels.split(","))]


def test_btc_usd_without_recorded_data() -> None:
    assert checksum_of_text(split(BTC_ASKS), split(BTC_BIDS)) == 3310070434
    units = [[(to_units(p, 1), to_units(q, 8)) for p, q in split(side)] for side in (BTC_ASKS, BTC_BIDS)]
    assert checksum_of_units(*units) == 3310070434


def test_v1_without_recorded_data() -> None:
    asks = [(5005 + 5 * index, 500) for index in range(10)]
    bids = [(ticks, 500) for ticks in (5000, 4995, 4990, 4980, 4975, 4970, 4965, 4960, 4955, 4950)]
    assert checksum_of_units(asks, bids) == 974947235


def test_check_value_without_recorded_data() -> None:
    assert bitwise_crc32(b"123456789") == 3421780262
