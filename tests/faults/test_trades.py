"""F111 to F113: trade numbers and times that are wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from kraken_tui.feed.events import Note, Trades
from tests.faults.helpers import up
from tests.faults.ledger import Ledger
from tests.rig.network import SECOND
from tests.rig.world import World

ABSURD = 10**15
DAY_NS = 86_400 * SECOND
Rows = list[dict[str, Any]]


def rewrite(world: World, change: Callable[[Rows], None], channel: str = "trade") -> None:
    """Change the rows of every live frame of a channel on its way."""

    def mangle(frame: str | bytes) -> list[str | bytes]:
        if f'"channel":"{channel}","type":"update"' not in str(frame):
            return [frame]
        message = json.loads(frame, parse_float=str)
        change(message["data"])
        text = json.dumps(message)
        return [re.sub(r'"(-?[0-9]+\.[0-9]+)"', r"\1", text)]

    world.weather.mangle = mangle


def told(world: World, since: int) -> list[int]:
    """Numbers of the trades told since a moment."""
    return [
        trade.trade_id
        for at, event in world.events
        if isinstance(event, Trades) and event.symbol == "BTC/USD" and at >= since
        for trade in event.trades
    ]


def notes(world: World, words: str) -> list[str]:
    """Log lines that hold some words."""
    return [event.text for _, event in world.events if isinstance(event, Note) and words in event.text]


def test_f111_one_absurd_trade_number(ledger: Ledger) -> None:
    world = up(screen=True)
    sent: list[int] = []

    def change(rows: Rows) -> None:
        for row in rows:
            if row["symbol"] == "BTC/USD":
                if len(sent) == 3:
                    row["trade_id"] = ABSURD
                sent.append(row["trade_id"])

    rewrite(world, change)
    since = world.now
    world.run(120)
    pair = world.client.pairs["BTC/USD"]
    assert len(sent) > 20
    assert told(world, since) == sent
    assert (pair.trades.strays, pair.trades.restarts) == (1, 0)
    assert [trade.trade_id for trade in world.shown("BTC/USD").tape[:3]] == sent[:-4:-1]
    assert len(notes(world, "does not follow")) == 1
    ledger("told once each, the odd one said", f"{len(sent)} of {len(sent)} told, 1 line", "0 lost")


def test_f112_trade_numbers_begin_again(ledger: Ledger) -> None:
    world = up(screen=True)
    sent: list[int] = []
    first: list[int] = []

    def change(rows: Rows) -> None:
        for row in rows:
            if row["symbol"] == "BTC/USD":
                if len(sent) >= 5:
                    first.append(row["trade_id"])
                    row["trade_id"] -= first[0] - 1
                sent.append(row["trade_id"])

    rewrite(world, change)
    since = world.now
    world.run(120)
    pair, shown = world.client.pairs["BTC/USD"], world.shown("BTC/USD")
    assert sent[5:8] == [1, 2, 3]
    assert told(world, since) == sent
    assert (pair.trades.restarts, pair.trades.gaps) == (1, 0)
    assert [trade.trade_id for trade in shown.tape[:3]] == sent[:-4:-1]
    assert shown.last == shown.tape[0].price == shown.candles[-1].close
    assert len(notes(world, "began again")) == 1
    ledger("told once each, said", f"{len(sent)} of {len(sent)} told, 1 line", "0 lost")


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("days", [100, 3650])
def test_f113_trades_of_a_time_that_is_not_yet(every: bool, days: int, ledger: Ledger) -> None:
    world = up(screen=True)
    changed: list[str] = []

    def change(rows: Rows) -> None:
        for row in rows:
            if row["symbol"] == "BTC/USD" and (every or not changed):
                year, rest = int(row["timestamp"][:4]), row["timestamp"][4:]
                row["timestamp"] = f"{year + 10}{rest}" if days > 365 else f"{year + 1}-03-08{rest[6:]}"
                changed.append(row["timestamp"])

    rewrite(world, change)
    world.run(150)
    shown = world.shown("BTC/USD")
    newest = shown.candles[-1]
    assert changed
    assert newest.begin_s * SECOND <= world.start_ns + world.now
    assert sum(candle.trades > 0 for candle in shown.candles[-3:]) >= 2
    assert newest.close == shown.last
    assert changed[-1] in [trade.timestamp for trade in shown.tape], "what the exchange wrote stays readable"
    assert world.client.counters.times_ahead == len(changed)
    assert notes(world, "has not reached")
    ledger("candles go on", f"{len(changed)} dated {days} days ahead, said; candles up to now", "0 hidden")


def test_f113_candles_of_a_time_that_is_not_yet(ledger: Ledger) -> None:
    world = up(screen=True)

    def change(rows: Rows) -> None:
        for row in rows:
            row["interval_begin"] = f"{int(row['interval_begin'][:4]) + 1}{row['interval_begin'][4:]}"

    rewrite(world, change, "ohlc")
    world.run(90)
    shown = world.shown("BTC/USD")
    assert shown.candles[-1].begin_s * SECOND <= world.start_ns + world.now
    assert shown.candles[-1].close == shown.last
    assert world.client.counters.times_ahead > 0
    ledger("left out", "candles of the trades up to now", "0 drawn")
