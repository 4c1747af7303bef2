"""The calls of a desk on a live feed, in its past and in a replay: one answer for one moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import (
    BookLine,
    ConfigurationError,
    FlowEvent,
    KrakenClient,
    KrakenError,
    Refused,
    Side,
    SubscriptionFailed,
    Trade,
)
from kraken_tui.client.past import heatmap_of
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec
from tests.client.client_rig import LONG, book_frame, trade_frame, wait_until

NAMES = ("BTC/USD", "btcusd", "XBTUSD", "XXBTZUSD", "xbt/usd")


@pytest.fixture(scope="module")
def desk() -> Iterator[KrakenClient]:
    """A client of the local exchange that keeps the past; ETH/USD has a depth, interval and threshold of its own."""
    client = KrakenClient("BTC/USD", depth=100, history_min=5, demo=True)
    client.subscribe("ethusd", depth=25, interval=21600, large_order=3)
    with client:
        client.wait_verified_sync("BTC/USD", LONG)
        client.wait_verified_sync("ETH/USD", LONG)
        wait_until(lambda: client.trades_at_price("BTC/USD").rows)  # type: ignore[union-attr]
        # A published view, which is what the past begins with.
        wait_until(lambda: client.history("BTC/USD").since_ns)  # type: ignore[union-attr]
        time.sleep(0.5)
        yield client


@pytest.mark.realtime
def test_a_pair_that_is_wanted_again_by_another_name_stays_one(desk: KrakenClient) -> None:
    for name in ("ethusd", "ethusd", "ETHUSD", "XETHZUSD", "ETH/USD", "ethusd"):
        desk.subscribe(name)
    assert sorted(desk.subscriptions()) == ["BTC/USD", "ETH/USD"]
    assert {name for name in desk.subscriptions() if desk.is_subscribed(name)} == {"BTC/USD", "ETH/USD"}


@pytest.mark.realtime
def test_a_pair_has_a_depth_an_interval_and_a_threshold_of_its_own(desk: KrakenClient) -> None:
    books = {symbol: desk.book(symbol) for symbol in ("BTC/USD", "ETH/USD")}
    assert {symbol: book.depth for symbol, book in books.items() if book} == {"BTC/USD": 100, "ETH/USD": 25}
    assert {symbol: len(book.bids) for symbol, book in books.items() if book} == {"BTC/USD": 100, "ETH/USD": 25}
    assert desk.large_orders("ETH/USD").threshold == 3  # type: ignore[union-attr]
    assert desk.large_orders("BTC/USD").threshold != 3  # type: ignore[union-attr]
    wait_until(lambda: len(desk.candles("ETH/USD")) > 5 and len(desk.candles("BTC/USD")) > 5)
    assert {candle.interval for candle in desk.candles("ETH/USD")} == {21600}
    assert {candle.begin_s % (21600 * 60) for candle in desk.candles("ETH/USD")} == {0}
    assert {candle.interval for candle in desk.candles("BTC/USD")} == {1}
    with pytest.raises(ConfigurationError, match="from 1 to 25"):
        desk.imbalance("ETH/USD", 26)


@pytest.mark.realtime
@pytest.mark.parametrize("name", NAMES)
def test_every_call_takes_any_name(desk: KrakenClient, name: str) -> None:
    answers: list[Any] = [
        desk.ladder(name), desk.aggregate(name, 1), desk.imbalance(name), desk.pressure(name), desk.metrics(name),
        desk.sweep(name, "buy", size=1), desk.large_orders(name), desk.trades_at_price(name), desk.profile(name),
        desk.heatmap(name, columns=2), desk.history(name), desk.ticker(name), desk.health(name),
    ]  # fmt: skip
    assert None not in answers
    assert {answer.symbol for answer in answers if hasattr(answer, "symbol")} == {"BTC/USD"}


@pytest.mark.realtime
def test_the_past_is_what_was_live(desk: KrakenClient) -> None:
    seen = []
    for _ in range(5):
        seen.append(desk.view("BTC/USD"))
        time.sleep(0.15)
    for view in seen:
        assert view is not None
        then = view.now_ns
        past = desk.view("BTC/USD", then)
        assert past is not None
        assert (past.bids, past.asks, past.proof) == (view.bids, view.asks, view.proof)
        assert desk.ladder("BTC/USD", at=then) == view.ladder()
        assert desk.aggregate("BTC/USD", 1, 9, at=then) == view.aggregate(1, 9)
        assert desk.imbalance("BTC/USD", 25, at=then) == view.imbalance(25)
        assert desk.pressure("BTC/USD", 25, at=then) == view.pressure(25)
        assert desk.metrics("BTC/USD", 25, at=then) == view.metrics_over(25)
        assert desk.sweep("BTC/USD", "sell", size=2, at=then) == view.sweep("sell", size=2)
        assert desk.trades_at_price("BTC/USD", 1, at=then) == view.trades_at_price(1)
        assert desk.profile("BTC/USD", 1, at=then) == view.profile(1)
        assert desk.large_orders("BTC/USD", 1, at=then) == view.large_orders(1)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=then // 1000)
        assert desk.view("BTC/USD", moment) == desk.view("BTC/USD", then // 1000 * 1000)
    assert len({view.bids for view in seen if view}) > 1
    first = desk.history("BTC/USD")
    assert first is not None
    assert first.since_ns is not None
    assert desk.ladder("BTC/USD", at=first.since_ns - SECOND) is desk.view("BTC/USD", first.since_ns - SECOND) is None


@pytest.mark.realtime
def test_a_profile_of_the_last_seconds_is_part_of_that_of_the_session(desk: KrakenClient) -> None:
    whole, part = desk.profile("BTC/USD", 1), desk.profile("BTC/USD", 1, seconds=300)
    assert whole is not None
    assert part is not None
    assert part.since_ns == part.ns - 300 * SECOND
    # All that was heard live is in the last five minutes.
    assert 0 < whole.total <= part.total
    assert desk.profile("BTC/USD", 1, seconds=0.000001).total == 0  # type: ignore[union-attr]


@pytest.mark.realtime
def test_the_pairs_of_the_exchange_are_told(desk: KrakenClient) -> None:
    specs = desk.pairs()
    assert [spec.symbol for spec in specs] == sorted(spec.symbol for spec in specs)
    assert desk.spec("BTC/USD") in specs
    found = [spec.symbol for spec in desk.pairs("btc")]
    assert sorted(found) == [spec.symbol for spec in specs if "BTC" in spec.symbol] > []
    assert found[-1] == "ETH/BTC"
    assert [spec.symbol for spec in desk.pairs("xbtusd")] == ["BTC/USD"]
    with pytest.raises(ConfigurationError, match="a text"):
        desk.pairs(5)  # type: ignore[arg-type]


@pytest.mark.realtime
@pytest.mark.parametrize("name", ["NOPE", "SOL/USD", "btcusdx"])
def test_nothing_waits_or_is_silent_for_a_pair_that_is_not_subscribed(desk: KrakenClient, name: str) -> None:
    then = desk.view("BTC/USD").now_ns  # type: ignore[union-attr]
    calls: list[Callable[[], object]] = [
        lambda: desk.ladder(name), lambda: desk.ladder(name, 5), lambda: desk.aggregate(name, 1),
        lambda: desk.imbalance(name), lambda: desk.pressure(name), lambda: desk.metrics(name),
        lambda: desk.sweep(name, "buy", size=1), lambda: desk.large_orders(name), lambda: desk.trades_at_price(name),
        lambda: desk.profile(name), lambda: desk.heatmap(name), lambda: desk.history(name), lambda: desk.ticker(name),
        lambda: desk.ladder(name, at=then), lambda: desk.view(name, then),
    ]  # fmt: skip
    started = time.monotonic()
    for call in calls:
        with pytest.raises(KrakenError, match="not subscribed"):
            call()
    assert time.monotonic() - started < 2


@pytest.mark.realtime
def test_a_moment_is_one_or_is_refused(desk: KrakenClient) -> None:
    for moment in (1.5, "now", datetime(2026, 1, 1)):
        with pytest.raises(ConfigurationError, match="ns since the epoch"):
            desk.ladder("BTC/USD", at=moment)  # type: ignore[arg-type]
    for arguments, said in (
        ({"columns": 0}, "1 to 10,000 columns"),
        ({"width_s": 0}, "width_s from 0.01"),
        ({"width_s": "1"}, "in seconds"),
        ({"weighing": "median"}, "average or greatest"),
        ({"step": 0.5}, "not float"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            desk.heatmap("BTC/USD", **arguments)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="seconds"):
        desk.profile("BTC/USD", seconds=0)


@pytest.mark.realtime
def test_what_has_yet_to_come_is_not_known(desk: KrakenClient) -> None:
    now = time.time_ns()
    assert desk.ladder("BTC/USD", at=now) is not None
    for call in (desk.ladder, desk.view, desk.sweep):
        arguments = {"side": "buy", "size": 1} if call == desk.sweep else {}
        assert call("BTC/USD", at=now + 3600 * 10**9, **arguments) is None  # type: ignore[operator]


@pytest.mark.realtime
@pytest.mark.parametrize("name", [None, 7, b"BTC/USD", "", "  ", ["BTC/USD"]])
def test_a_pair_is_named_by_a_text(desk: KrakenClient, name: object) -> None:
    for call in (desk.ladder, desk.book, desk.view, desk.health, desk.candles, desk.history, desk.spec):
        with pytest.raises(ConfigurationError, match="a pair is named by a text such as BTC/USD, not"):
            call(name)  # type: ignore[operator]


def test_without_a_past_every_call_says_how_to_keep_one(small: Path) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        client.wait_verified_sync("BTC/USD", LONG)
        assert client.history("BTC/USD") is None
        for call in (lambda: client.ladder("BTC/USD", at=1), lambda: client.heatmap("BTC/USD")):
            with pytest.raises(ConfigurationError, match="history_min"):
                call()


def test_a_replay_answers_like_a_live_feed(small: Path) -> None:
    with KrakenClient("xbtusd", replay=small, history_min=5) as client:
        for _ in client.events():
            pass
        # The last of a hundred updates left 200 lots, and a trade of 0.5 came after each.
        ladder = client.ladder("BTC/USD")
        assert ladder is not None
        assert [(row.side, row.price, row.qty) for row in ladder.rows] == [
            (Side.SELL, Decimal("100.1"), Decimal(2)),
            (Side.BUY, Decimal("100.0"), Decimal("0.000002")),
        ]
        assert client.imbalance("BTC/USD") == Decimal(repr((200 - 2 * 10**8) / (200 + 2 * 10**8)))
        traded = client.trades_at_price("BTC/USD")
        assert traded is not None
        assert [(row.price, row.count, row.bought, row.sold) for row in traded.rows] == [
            (Decimal("100.1"), 100, Decimal(50), 0)
        ]
        assert client.profile("BTC/USD").poc == Decimal("100.1")  # type: ignore[union-attr]
        past = client.history("BTC/USD")
        assert past is not None
        assert client.ladder("BTC/USD", at=past.until_ns).rows == ladder.rows  # type: ignore[union-attr]
        heat = client.heatmap("BTC/USD", columns=3)
        assert heat is not None
        assert [cell.price for cell in heat.columns[-1].cells] == [Decimal("100.1"), Decimal("100.0")]
        assert [spec.symbol for spec in client.pairs()] == ["BTC/USD"]
        with pytest.raises(KrakenError):
            client.ladder("ETH/USD")


def test_a_threshold_of_ones_own_decides_what_the_tracker_tells(recording: Callable[..., Path]) -> None:
    def told(large: float | None) -> list[FlowEvent]:
        frames = [book_frame(5, kind="snapshot"), trade_frame(1)]
        frames += [book_frame(number) for number in (6, 300_000_000, *range(300_000_001, 300_000_020))]
        # Verdicts wait for venue time: the last frame comes two seconds later.
        late = book_frame(7)
        late["data"][0]["timestamp"] = "2026-01-01T00:00:02.000000Z"
        client = KrakenClient(replay=recording(*frames, late))
        client.subscribe("BTC/USD", large_order=large)
        events = client.events(FlowEvent)
        with client:
            return list(events)

    assert [event.qty for event in told(2.5)][:1] == [Decimal(3)]
    assert told(10) == []


# -- no silent waiting ------------------------------------------------------------------------------------------------


@pytest.mark.realtime
@pytest.mark.parametrize("name", ["btcusd", "BTCUSD", "XBTUSD", "XXBTZUSD", "xbt/usd", "BTC/USD"])
def test_a_stream_finds_its_pair_by_any_name(desk: KrakenClient, name: str) -> None:
    event = desk.events(BookLine, symbols=[name]).get(LONG)
    assert event.symbol == "BTC/USD"


@pytest.mark.realtime
def test_a_stream_of_refused_pairs_ends_with_the_reason() -> None:
    with KrakenClient("BTC/USD", demo=True) as client:
        before = client.events(BookLine, Trade, symbols=["ETH/USX", "nope"])
        partly = client.events(BookLine, symbols=["btcusd", "nope"])
        told = client.events(Refused, symbols=["nope"])
        errors = client.events(KrakenError, symbols=["nope"])
        client.subscribe("ETH/USX", "nope")
        started = time.monotonic()
        for stream in (before, client.events(BookLine, symbols=["NOPE"])):
            with pytest.raises(SubscriptionFailed) as caught:
                for _ in stream:
                    pass
            assert caught.value.symbol in ("ETH/USX", "NOPE", "nope")
        assert time.monotonic() - started < 5
        assert partly.get(LONG).symbol == "BTC/USD"
        assert told.get(LONG).symbol == "nope"
        assert isinstance(errors.get(LONG), SubscriptionFailed)


@pytest.mark.realtime
async def test_a_task_is_told_too() -> None:
    async with KrakenClient("nope", demo=True) as client:
        with pytest.raises(SubscriptionFailed, match="nope"):
            await asyncio.wait_for(anext(client.events(BookLine, symbols=["nope"])), LONG)


# -- the heatmap ------------------------------------------------------------------------------------------------------

SPEC = PairSpec("A/USD", "A", "USD", price_precision=1, qty_precision=2, increment=1)


def test_a_heatmap_is_the_average_of_what_rested() -> None:
    history = MarketHistory(600 * SECOND, 10**7)
    book = OrderBook(SPEC, 10)
    book.bids.put(100, 40)
    book.asks.put(105, 10)
    start = 1_000 * SECOND
    history.book.on_snapshot(start, None, book, proven=True)
    sizes = [(start, 40)]
    for number, lots in enumerate((10, 80, 0, 30, 20), 1):
        ns = start + number * 700_000_000
        before = sizes[-1][1]
        book.bids.put(100, lots)
        history.book.on_update(ns, None, [(Side.BUY, 100, before, lots)], book, proven=number != 4)
        sizes.append((ns, lots))
    for weighing in ("average", "greatest"):
        heat = heatmap_of(
            "A/USD", SPEC, history, step="0.5", columns=5, width_s=1, weighing=weighing, now_ns=start + 5 * SECOND - 1
        )
        assert [column.begin_ns for column in heat.columns] == [start + number * SECOND for number in range(5)]
        for column in heat.columns:
            # A slow reference: the size at every millisecond.
            moments = range(column.begin_ns, column.end_ns, 1_000_000)
            held = [next(lots for ns, lots in reversed(sizes) if ns <= moment) for moment in moments]
            expected = Fraction(sum(held), len(held)) if weighing == "average" else Fraction(max(held))
            bids = [cell for cell in column.cells if cell.side is Side.BUY]
            assert [(cell.price, cell.begin_ns) for cell in bids] == [(Decimal("10.0"), column.begin_ns)]
            assert abs(Fraction(bids[0].qty) - expected / 100) < Fraction(1, 10**6)
            [ask] = [cell for cell in column.cells if cell.side is Side.SELL]
            assert (ask.price, ask.qty) == (Decimal("10.5"), Decimal("0.1"))
            assert column.known
        assert [column.proven for column in heat.columns] == [True, True, False, False, True]
        assert [column.complete for column in heat.columns] == [True] * 4 + [False]
        assert heat.rows == tuple(cell for column in heat.columns for cell in column.cells)
    before = heatmap_of(
        "A/USD", SPEC, history, step=None, columns=3, width_s=1, weighing="average", now_ns=start + SECOND // 2
    )
    assert [(len(column.cells), column.known) for column in before.columns] == [(0, False), (0, False), (2, True)]
