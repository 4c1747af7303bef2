"""The checksum against the exchange's own printed examples (PROTOCOL.md section 4.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kraken_tui.exchange.crc import book_checksum, level_token
from kraken_tui.exchange.depthbook import DepthBook
from kraken_tui.exchange.pairs import scaled
from tests.shared import shared_folder


def side_text(levels: list[list[str]]) -> str:
    return "".join(level_token(price, qty) for price, qty in levels)


@pytest.fixture(scope="module")
def goldens() -> dict[str, Any]:
    path = shared_folder() / "kraken" / "goldens" / "documented-examples.json"
    if not path.exists():
        pytest.skip(f"no documented examples at {path}; set KRAKEN_TUI_SHARED")
    return json.loads(path.read_text())


def test_documented_snapshot(goldens: dict[str, Any]) -> None:
    example = goldens["book_v2_btc_usd"]
    asks, bids = side_text(example["asks"]), side_text(example["bids"])
    assert asks == example["asks_string"]
    assert bids == example["bids_string"]
    assert book_checksum(asks, bids) == example["crc32"]


def test_documented_v1_strings(goldens: dict[str, Any]) -> None:
    example = goldens["book_v1"]
    asks, bids = side_text(example["asks"]), side_text(example["bids"])
    assert asks + bids == example["string"]
    assert book_checksum(asks, bids) == example["crc32"]


def test_a_book_pads_to_its_precision_and_follows_an_update(goldens: dict[str, Any]) -> None:
    example = goldens["book_v2_matic_usd_needs_padding"]
    book = DepthBook(4, 8)

    def put(name: str, rows: list[list[str]]) -> None:
        side = book.bids if name == "bids" else book.asks
        for price, qty in rows:
            side.put(side.sign * scaled(price, 4), scaled(qty, 8))

    for name in ("bids", "asks"):
        put(name, example["snapshot"][name])
    assert book.checksum == example["snapshot"]["crc32"]
    for name in ("bids", "asks"):
        put(name, example["update"][name])
    assert book.checksum == example["update"]["crc32"]


def test_the_crc_is_the_zip_one() -> None:
    assert book_checksum("12345", "6789") == 3_421_780_262
    assert book_checksum("", "") == 0
