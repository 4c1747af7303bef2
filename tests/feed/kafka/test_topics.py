"""Topics, headers and partitions: what publishers and readers must agree on to the bit."""

from __future__ import annotations

import pytest

from kraken_tui.feed.kafka.topics import Stamp, murmur2, partition_of, read_headers
from kraken_tui.wire.symbols import guesses


@pytest.mark.parametrize(
    ("key", "hash_"),
    [
        # From the tests of Apache Kafka's Utils.murmur2.
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_that_of_java(key: str, hash_: int) -> None:
    assert murmur2(key.encode()) == hash_ % 2**32


def test_partitions_as_librdkafka_gave_them() -> None:
    assert {symbol: partition_of(symbol, 4) for symbol in ("BTC/USD", "ETH/USD", "SOL/USD")} == {
        "BTC/USD": 1,
        "ETH/USD": 3,
        "SOL/USD": 0,
    }


def test_headers() -> None:
    headers: list[tuple[str, bytes | None]] = [
        ("event", b"book"), ("verified", b"1"), ("schema", b"1"), ("run", b"ab12"), ("seq", b"7"),
    ]  # fmt: skip
    assert read_headers(headers) == Stamp("ab12", 7, True, "1")


@pytest.mark.parametrize(
    "headers", [None, [], [("seq", None)], [("seq", b"-1")], [("seq", b"x")], [("run", b"x" * 65)]]
)
def test_odd_headers_count_as_absent(headers: list[tuple[str, bytes | None]] | None) -> None:
    assert read_headers(headers) == Stamp()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("BTC/USD", ("BTC/USD",)),
        ("xbt/usd", ("BTC/USD",)),
        ("btcusd", ("BTC/USD",)),
        ("XXBTZUSD", ("BTC/USD",)),
        ("ethbtc", ("ETH/BTC",)),
        ("eth_eur", ("ETH/EUR",)),
    ],
)
def test_a_name_is_guessed_where_no_list_of_pairs_comes(name: str, found: tuple[str, ...]) -> None:
    assert found[0] in guesses(name)
