from binascii import crc32
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.wire.checksum import checksum_of_text, checksum_of_units, token
from kraken_tui.wire.digits import from_units, to_units
from tests.reference.vectors import BTC_USD, CHECK_VALUE, LEVEL3, MATIC_USD, V1, levels, without_trailing_zeros

Pairs = list[tuple[str, str]]


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


def sides(example: dict[str, Any]) -> tuple[Pairs, Pairs]:
    """(asks, bids) of a documented book."""
    return levels(example["asks"]), levels(example["bids"])


def test_check_value() -> None:
    text, checksum = CHECK_VALUE
    assert crc32(text.encode()) == bitwise_crc32(text.encode()) == checksum


def test_btc_usd() -> None:
    asks, bids = sides(BTC_USD)
    assert "".join(token(p) + token(q) for p, q in asks) == BTC_USD["asks_text"]
    assert "".join(token(p) + token(q) for p, q in bids) == BTC_USD["bids_text"]
    assert checksum_of_text(asks, bids) == BTC_USD["checksum"]
    units = [[(to_units(p, 1), to_units(q, 8)) for p, q in side] for side in (asks, bids)]
    assert checksum_of_units(*units) == BTC_USD["checksum"]


def test_matic_usd_only_with_padding() -> None:
    asks, bids = sides(MATIC_USD)
    assert checksum_of_text(asks, bids) == MATIC_USD["checksum"]
    printed = [without_trailing_zeros(MATIC_USD[name]) for name in ("asks", "bids")]
    assert checksum_of_text(*printed) == MATIC_USD["checksum_unpadded"]
    bids[-1:] = levels(MATIC_USD["update"])
    assert checksum_of_text(asks, bids) == MATIC_USD["checksum_after"]


def test_v1() -> None:
    asks, bids = sides(V1)
    assert "".join(token(p) + token(q) for side in (asks, bids) for p, q in side) == V1["text"]
    assert checksum_of_text(asks, bids) == V1["checksum"]
    units = [[(to_units(p, 5), to_units(q, 8)) for p, q in side] for side in (asks, bids)]
    assert checksum_of_units(*units) == V1["checksum"]


def test_level3() -> None:
    """Level 3 hashes orders by the same token rule; the example holds exactly ten price levels a side."""
    asks, bids = sides(LEVEL3)
    text = "".join(token(price) + token(qty) for side in (asks, bids) for price, qty in side)
    assert [len({price for price, _ in side}) for side in (asks, bids)] == [10, 10]
    assert [len(side) for side in (asks, bids)] == [14, 21]
    assert crc32(text.encode()) == LEVEL3["checksum"]


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
