"""Hidden quantity is a lower bound: never more than there was, whatever the two sockets' order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.market.book.l3_views import OrderChange
from kraken_tui.market.events import Side, Trade
from kraken_tui.market.icebergs import Evidence, IcebergObserver, IcebergSeen

MS = 1_000_000
START = 1_790_000_000_000 * MS


def trade(qty: int, ms: int, side: Side = Side.BUY, price: int = 100, *, live: bool = True) -> Trade:
    return Trade("BTC/USD", side, price, qty, "limit", 1, "", START + ms * MS, live)


def left(order_id: str, before: int, after: int = 0, side: Side = Side.SELL, price: int = 100) -> OrderChange:
    return (side, price, before, after, order_id)


def close(observer: IcebergObserver, ms: int = 20_000) -> list[IcebergSeen]:
    return list(observer.advance(START + ms * MS))


def test_traded_beyond_what_left_was_hidden() -> None:
    observer = IcebergObserver("BTC/USD")
    observer.on_book([left("OA", 10, 3)], START)
    observer.on_trade(trade(12, 1))
    assert not observer.advance(START + 900 * MS), "the window is still open"
    (seen,) = close(observer)
    assert (seen.side, seen.ticks, seen.lots, seen.evidence) == (Side.SELL, 100, 5, Evidence.TRADED)
    assert (seen.traded, seen.left, observer.hidden(Side.SELL, 100), observer.hidden(Side.BUY, 100)) == (12, 7, 5, 0)
    assert seen.evidence.proof
    assert not close(observer, 40_000), "told once"


@pytest.mark.parametrize("late", [False, True])
def test_the_sockets_may_come_in_either_order(late: bool) -> None:
    observer = IcebergObserver("BTC/USD")
    for part in (1, 0) if late else (0, 1):
        if part:
            observer.on_book([left("OA", 10)], START + 400 * MS)
        else:
            observer.on_trade(trade(10, 0))
    assert not close(observer)


def test_a_cancel_only_lowers_the_bound() -> None:
    observer = IcebergObserver("BTC/USD")
    observer.on_trade(trade(12, 0))
    observer.on_book([left("OA", 10), left("OB", 1)], START + MS)
    (seen,) = close(observer)
    assert seen.lots == 1


def test_other_prices_sides_and_history_do_not_count() -> None:
    observer = IcebergObserver("BTC/USD")
    observer.on_trade(trade(5, 0, live=False))
    assert not close(observer)
    observer.on_trade(trade(5, 0))
    observer.on_book([left("OA", 5, price=101), left("OB", 5, side=Side.BUY)], START)
    assert [seen.lots for seen in close(observer)] == [5]


def test_a_gap_ends_all_windows() -> None:
    observer = IcebergObserver("BTC/USD")
    observer.on_trade(trade(5, 0))
    observer.on_gap()
    assert not close(observer)


def test_an_order_that_comes_back_with_its_id_was_reloaded() -> None:
    observer = IcebergObserver("BTC/USD")
    observer.on_book([left("OA", 10), (Side.SELL, 100, 0, 10, "OA")], START)
    observer.on_trade(trade(10, 1))
    (seen,) = close(observer)
    assert (seen.evidence, seen.lots, seen.repeats, seen.evidence.proof) == (Evidence.RELOADED, 10, 1, True)


def test_an_order_put_back_while_others_traded_proves_nothing() -> None:
    observer = IcebergObserver("BTC/USD")
    observer.on_book([left("OA", 10), (Side.SELL, 100, 0, 12, "OA"), left("OB", 4)], START)
    observer.on_trade(trade(4, 1))
    assert not close(observer)


def test_replaced_by_the_same_size_is_likely_and_no_proof() -> None:
    observer = IcebergObserver("BTC/USD")
    for number in range(3):
        ms = number * 200
        observer.on_book([left(f"O{number}", 10), (Side.SELL, 100, 0, 10, f"O{number + 1}")], START + ms * MS)
        observer.on_trade(trade(10, ms))
    seen = close(observer)
    assert [(each.evidence, each.lots, each.repeats) for each in seen] == [
        (Evidence.LIKELY, 10, 2),
        (Evidence.LIKELY, 10, 3),
    ]
    assert not seen[0].evidence.proof
    assert observer.hidden(Side.SELL, 100) == 0
    observer = IcebergObserver("BTC/USD")
    observer.on_book([left("OA", 10), (Side.SELL, 100, 0, 10, "OB")], START)
    assert not close(observer), "nothing was traded: somebody moved an order"


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_never_more_than_was_hidden(seed: int) -> None:
    """A level with an iceberg behind its shown orders, and sockets up to 400 ms apart."""
    rng = Random(seed)
    observer, hidden = IcebergObserver("BTC/USD"), 0
    events: list[tuple[int, Trade | list[OrderChange]]] = []
    now = 0
    for number in range(rng.randrange(1, 40)):
        now += rng.choice((1, 50, 700, 3000))
        size = rng.randrange(1, 100)
        skew = rng.randrange(0, 400)
        if rng.random() < 0.3:
            events.append((now, [left(f"OC{number}", size)]))
            continue
        more = rng.randrange(0, 50) if rng.random() < 0.4 else 0
        hidden += more
        events.append((now, trade(size + more, now)))
        events.append((now + skew, [left(f"OA{number}", size)]))
    for ms, event in sorted(events, key=lambda each: each[0] + rng.randrange(0, 50)):
        if isinstance(event, Trade):
            observer.on_trade(event)
        else:
            observer.on_book(event, START + ms * MS)
        observer.advance(START + (ms - 100) * MS)
    observer.advance(START + (now + 60_000) * MS)
    assert observer.hidden(Side.SELL, 100) <= hidden
