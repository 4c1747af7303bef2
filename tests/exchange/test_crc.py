"""The checksum against the exchange's own printed examples (PROTOCOL.md section 4.4)."""

from __future__ import annotations

from kraken_tui.exchange.crc import book_checksum, level_token
from kraken_tui.exchange.depthbook import DepthBook
from kraken_tui.exchange.pairs import scaled
from tests.reference.vectors import BTC_USD, MATIC_USD, V1, levels, without_trailing_zeros


def side_text(side: str) -> str:
    return "".join(level_token(price, qty) for price, qty in levels(side))


def test_documented_snapshot() -> None:
    asks, bids = side_text(BTC_USD["asks"]), side_text(BTC_USD["bids"])
    assert asks == BTC_USD["asks_text"]
    assert bids == BTC_USD["bids_text"]
    assert book_checksum(asks, bids) == BTC_USD["checksum"]


def test_documented_v1_strings() -> None:
    asks, bids = side_text(V1["asks"]), side_text(V1["bids"])
    assert asks + bids == V1["text"]
    assert book_checksum(asks, bids) == V1["checksum"]


def test_a_book_pads_to_its_precision_and_follows_an_update() -> None:
    book = DepthBook(4, 8)
    for side, text in ((book.bids, MATIC_USD["bids"]), (book.asks, MATIC_USD["asks"])):
        # As printed, through floats: the padding is the book's own.
        for price, qty in without_trailing_zeros(text):
            side.put(side.sign * scaled(price, 4), scaled(qty, 8))
    assert book.checksum == MATIC_USD["checksum"]
    for price, qty in without_trailing_zeros(MATIC_USD["update"]):
        book.bids.put(book.bids.sign * scaled(price, 4), scaled(qty, 8))
    assert book.checksum == MATIC_USD["checksum_after"]


def test_the_crc_is_the_zip_one() -> None:
    assert book_checksum("12345", "6789") == 3_421_780_262
    assert book_checksum("", "") == 0
