"""Who publishes what: the same on every machine, one owner for each, and few that move."""

from __future__ import annotations

from collections import Counter

from kraken_tui.outputs.sharding import Shard, producer_of

SYMBOLS = [f"S{number}/USD" for number in range(1000)]


def owners(count: int) -> dict[str, int]:
    return {symbol: number for number in range(1, count + 1) for symbol in Shard(number, count).of(SYMBOLS)}


def test_every_symbol_has_exactly_one_owner() -> None:
    for count in (1, 2, 7):
        found = [symbol for number in range(1, count + 1) for symbol in Shard(number, count).of(SYMBOLS)]
        assert sorted(found) == sorted(SYMBOLS)


def test_the_owners_never_change() -> None:
    """Known values: another version, process or machine must find the same, or pairs are published twice or never."""
    assert {symbol: next(n for n in range(1, 5) if Shard(n, 4).owns(symbol)) for symbol in ("BTC/USD", "ETH/USD")} == {
        "BTC/USD": 2,
        "ETH/USD": 4,
    }
    assert [producer_of(symbol, 5) for symbol in ("BTC/USD", "ETH/USD")] == [0, 2]


def test_parts_are_about_as_large() -> None:
    counts = Counter(owners(8).values())
    assert set(counts) == set(range(1, 9))
    assert max(counts.values()) < 1.4 * len(SYMBOLS) / 8


def test_one_shard_more_moves_only_what_it_takes() -> None:
    before, after = owners(4), owners(5)
    moved = [symbol for symbol in SYMBOLS if before[symbol] != after[symbol]]
    assert {after[symbol] for symbol in moved} == {5}
    assert len(moved) < 0.25 * len(SYMBOLS)


def test_a_publisher_is_the_only_one_unless_told_otherwise() -> None:
    assert Shard() == Shard(1, 1)
    assert str(Shard(2, 5)) == "2/5"
    assert Shard().of(SYMBOLS) == tuple(SYMBOLS)
