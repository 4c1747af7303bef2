"""ticker, trade and ohlc against one another (PROTOCOL.md section 7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_tui.exchange import PAIRS

from .reference import SECOND, START_NS, Client, channel, true_levels


def rows(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for frame in frames for row in frame["data"]]


def test_trade_snapshot_and_sequence() -> None:
    client = Client(pairs=["BTC/USD"])
    [snapshot] = channel(client.subscribe("trade", "BTC/USD", snapshot=True), "trade")
    assert snapshot["type"] == "snapshot"
    assert len(snapshot["data"]) == 50
    live = channel(client.run(30), "trade")
    assert {f["type"] for f in live} == {"update"}
    trades = snapshot["data"] + rows(live)
    ids = [int(t["trade_id"]) for t in trades]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert len(ids) > 60
    assert [t["timestamp"] for t in trades] == sorted(t["timestamp"] for t in trades)
    assert {t["side"] for t in trades} == {"buy", "sell"}
    assert {t["ord_type"] for t in trades} == {"limit", "market"}
    assert set(trades[0]) == {"symbol", "side", "price", "qty", "ord_type", "trade_id", "timestamp"}


def test_trades_seen_live_are_those_of_the_next_snapshot() -> None:
    client = Client(pairs=["BTC/USD"])
    client.subscribe("trade", "BTC/USD")
    live = rows(channel(client.run(60), "trade"))
    client.ask("unsubscribe", channel="trade", symbol=["BTC/USD"])
    [snapshot] = channel(client.subscribe("trade", "BTC/USD", snapshot=True), "trade")
    assert snapshot["data"][-20:] == live[-20:]


@pytest.mark.parametrize(("symbol", "interval"), [("BTC/USD", 1), ("PEPE/USD", 5), ("ETH/BTC", 1)])
def test_running_candle_equals_the_trades(symbol: str, interval: int) -> None:
    client = Client(pairs=[symbol], rate=3.0)
    client.subscribe("trade", symbol)
    [first] = channel(client.subscribe("ohlc", symbol, interval=interval), "ohlc")
    assert first["type"] == "snapshot"
    assert [r["interval_begin"] for r in first["data"]] == sorted(r["interval_begin"] for r in first["data"])
    running = first["data"][-1]
    begin, low, high = running["interval_begin"], Decimal(running["low"]), Decimal(running["high"])
    volume, count = Decimal(running["volume"]), int(running["trades"])
    frames = client.run(75, step_ms=150)
    trades = channel(frames, "trade")
    candles = channel(frames, "ohlc")
    assert len(trades) == len(candles) > 10
    for frame, update in zip(trades, candles, strict=True):
        [candle] = update["data"]
        if candle["interval_begin"] != begin:
            begin, volume, count = candle["interval_begin"], Decimal(0), 0
            low, high = Decimal("Infinity"), Decimal(0)
        for trade in frame["data"]:
            price = Decimal(trade["price"])
            low, high = min(low, price), max(high, price)
            volume += Decimal(trade["qty"])
            count += 1
        assert (Decimal(candle["low"]), Decimal(candle["high"])) == (low, high)
        assert Decimal(candle["close"]) == Decimal(frame["data"][-1]["price"])
        assert (Decimal(candle["volume"]), int(candle["trades"])) == (volume, count)
        assert low <= Decimal(candle["vwap"]) <= high
        assert candle["interval_begin"] <= frame["data"][-1]["timestamp"] < candle["timestamp"]
        assert len(candle["interval_begin"]) == len("2023-10-04T16:25:00.000000000Z")
        assert len(update["timestamp"]) == len("2023-10-04T16:25:00.000000000Z")


def test_ohlc_snapshot_of_every_interval() -> None:
    client = Client(pairs=["BTC/USD"])
    for interval in (1, 5, 15, 30, 60, 240, 1440, 10080, 21600):
        [frame] = channel(client.subscribe("ohlc", "BTC/USD", interval=interval), "ohlc")
        assert {r["interval"] for r in frame["data"]} == {str(interval)}
        assert len(frame["data"]) > 5


def test_ticker_follows_trades() -> None:
    client = Client(pairs=["BTC/USD"])
    client.subscribe("trade", "BTC/USD")
    [snapshot] = channel(client.subscribe("ticker", "BTC/USD"), "ticker")
    volume = Decimal(snapshot["data"][0]["volume"])
    frames = client.run(20)
    trades, tickers = channel(frames, "trade"), channel(frames, "ticker")
    assert len(trades) == len(tickers) > 5
    for trade, ticker in zip(trades, tickers, strict=True):
        row = ticker["data"][0]
        assert row["last"] == trade["data"][-1]["price"]
        assert row["timestamp"] == trade["data"][-1]["timestamp"]
        assert Decimal(row["bid"]) < Decimal(row["ask"])
        assert Decimal(row["low"]) <= Decimal(row["last"]) <= Decimal(row["high"])
        assert Decimal(row["change"]) < Decimal(row["last"])
        percent = Decimal(row["change"]) * 100 / (Decimal(row["last"]) - Decimal(row["change"]))
        assert abs(Decimal(row["change_pct"]) - percent) <= Decimal("0.006")
    added = sum(Decimal(t["qty"]) for f in trades for t in f["data"])
    assert Decimal(tickers[-1]["data"][0]["volume"]) - volume == added


def test_ticker_on_bbo_shows_every_touch_without_a_book() -> None:
    client = Client(pairs=["BTC/USD"])
    ack, _ = client.subscribe("ticker", "BTC/USD", event_trigger="bbo")
    assert '"event_trigger":"bbo"' in ack
    tickers = rows(channel(client.run(20), "ticker"))
    touches = [(t["bid"], t["ask"]) for t in tickers]
    assert len(set(touches)) > 20
    truth = true_levels(client.venue, "BTC/USD", 1)
    assert touches[-1] == (truth["bids"][0][0], truth["asks"][0][0])


def test_ticker_and_day_candles_tell_the_same_story() -> None:
    for symbol in ("BTC/USD", "PEPE/USD", "LINK/USD", "MINA/GBP"):
        client = Client(pairs=[symbol])
        [ticker] = channel(client.subscribe("ticker", symbol), "ticker")
        minutes = client.venue.market(symbol).history.candles(1)
        day = [c for c in minutes if c.begin_s >= (START_NS // SECOND // 60 - 1440) * 60]
        scale = PAIRS[symbol].price_precision
        row = ticker["data"][0]
        assert Decimal(row["high"]) == Decimal(max(c.high for c in day)).scaleb(-scale)
        assert Decimal(row["low"]) == Decimal(min(c.low for c in day)).scaleb(-scale)
        assert int(row["trades"]) == sum(c.count for c in day)


def test_a_market_nobody_watches_sleeps_and_catches_up() -> None:
    client = Client(pairs=["BTC/USD"])
    client.subscribe("trade", "BTC/USD")
    live = rows(channel(client.run(10), "trade"))
    client.ask("unsubscribe", channel="trade", symbol=["BTC/USD"])
    client.clock.ns += 600 * SECOND
    client.peer.advance(client.clock.ns)
    frames = client.subscribe("trade", "BTC/USD", snapshot=True)
    [snapshot] = channel(frames, "trade")
    assert int(snapshot["data"][-1]["trade_id"]) > int(live[-1]["trade_id"]) + 300
    update = rows(channel(client.run(20), "trade"))
    assert int(update[0]["trade_id"]) == int(snapshot["data"][-1]["trade_id"]) + 1
    assert abs(Decimal(update[0]["price"]) / Decimal(snapshot["data"][-1]["price"]) - 1) < Decimal("0.01")
