"""When history is asked for, and in which units it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from kraken_tui.engine.backfill import Backfill
from kraken_tui.engine.desk import Desk
from kraken_tui.feed.events import Candles, PairAdded, SpecChanged
from kraken_tui.feed.rest.client import RestAnswer
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Candle
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

SYMBOL = "BTC/USD"
SPEC = PairSpec(SYMBOL, "BTC", "USD", 1, 8)
DAY = 1_700_006_400
LATER = (DAY + 10**9) * SECOND


class Rest:
    """Answers candles of price 5; `meanwhile` happens while the answer is on its way."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def ohlc(self, symbol: str, interval: int) -> RestAnswer:
        self.asked.append(f"{symbol} {interval}")
        self.meanwhile()
        price = ["5.0"] * 5
        return RestAnswer([[DAY + 60 * interval * n, *price, "2.0", 3] for n in range(100)])

    async def trades(self, symbol: str, *, count: int) -> RestAnswer:
        self.asked.append(f"{symbol} trades")
        return RestAnswer([])


class Bench:
    """History over markets, without a feed."""

    def __init__(self) -> None:
        self.session = Session()
        self.session.roster.specs[SYMBOL] = SPEC
        self.markets = Desk(self.session, Settings(pairs=(SYMBOL,)), lambda _: None, lambda _, __: None)
        self.rest = Rest()
        specs = self.session.specs.get
        self.history = Backfill(self.rest, self.markets, specs, lambda _, __: None, lambda: LATER, lambda: None)  # type: ignore[arg-type]

    def add(self) -> None:
        self.markets.add(SYMBOL)
        self.markets.handle(PairAdded(SYMBOL, SYMBOL))

    def statement(self, *minutes: int) -> None:
        candles = tuple(Candle(DAY + 60 * n, 1, 50, 50, 50, 50, 100, 5000, 1) for n in minutes)
        self.markets.handle(Candles(SYMBOL, 1, candles, snapshot=True))

    def set_interval(self, minutes: int) -> None:
        self.session.set_interval(None, minutes)
        self.markets.interval_changed()

    async def settle(self) -> list[str]:
        """Let the history do what is wanted; returns what it asked."""
        self.rest.asked.clear()
        task = asyncio.create_task(self.history.run())
        self.history.wake()
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        return list(self.rest.asked)


async def test_history_is_fetched_once_a_pair_and_interval() -> None:
    bench = Bench()
    bench.add()
    assert await bench.settle() == ["BTC/USD 1", "BTC/USD trades"]
    bench.add()
    bench.set_interval(5)
    assert await bench.settle() == ["BTC/USD 5"]
    bench.set_interval(1)
    assert await bench.settle() == []


async def test_a_pair_removed_and_wanted_again_gets_its_history_again() -> None:
    bench = Bench()
    bench.add()
    await bench.settle()
    bench.markets.remove(SYMBOL)
    bench.add()
    assert await bench.settle() == ["BTC/USD 1", "BTC/USD trades"]


async def test_candles_of_an_outage_are_fetched_and_not_shown_as_minutes_without_trades() -> None:
    bench = Bench()
    bench.add()
    await bench.settle()
    bench.statement(99, 100)
    assert await bench.settle() == []
    bench.rest.asked.clear()
    bench.statement(190, 191)
    assert bench.markets.by_symbol[SYMBOL].lacks_candles(1)
    assert await bench.settle() == ["BTC/USD 1"]
    bench.statement(191, 192)
    assert await bench.settle() == []


async def test_an_answer_is_read_with_the_precisions_of_its_arrival() -> None:
    bench = Bench()
    bench.add()
    finer = replace(SPEC, price_precision=3)

    def change() -> None:
        bench.session.roster.specs[SYMBOL] = finer
        bench.markets.handle(SpecChanged(finer))

    bench.rest.meanwhile = change
    await bench.settle()
    newest = bench.markets.by_symbol[SYMBOL]._candles.newest(1)
    assert newest is not None
    assert newest.close == 5000


class Desks:
    """What is asked and noted, with the desk and the answers made by hand."""

    def __init__(self, *symbols: str, shown: str | None = None, channels: tuple[str, ...] | None = None) -> None:
        self.session = Session()
        self.desk = Desk(self.session, Settings(pairs=symbols), lambda _: None, lambda _, __: None)
        self.said: list[tuple[str, str]] = []
        self.seeded: list[str] = []
        self.asked: list[str] = []
        self.candles = RestAnswer([[DAY, *["5.0"] * 5, "2.0", 3]])
        self.trades_answer = RestAnswer([])
        self.meanwhile: Callable[[], None] = lambda: None
        self.history = Backfill(
            self, self.desk, self.session.specs.get, lambda level, text: self.said.append((level, text)),
            lambda: LATER, lambda: shown, channels, self.seeded.append,
        )  # type: ignore[arg-type]  # fmt: skip
        for symbol in symbols:
            self.session.roster.specs[symbol] = replace(SPEC, symbol=symbol)
            self.desk.add(symbol)
            self.desk.handle(PairAdded(symbol, symbol))

    async def ohlc(self, symbol: str, interval: int) -> RestAnswer:
        self.asked.append(f"{symbol} {interval}")
        self.meanwhile()
        return self.candles

    async def trades(self, symbol: str, *, count: int) -> RestAnswer:
        assert count == 200
        self.asked.append(f"{symbol} trades")
        self.meanwhile()
        return self.trades_answer

    async def settle(self) -> list[str]:
        self.asked.clear()
        task = asyncio.create_task(self.history.run())
        self.history.wake()
        for _ in range(40):
            await asyncio.sleep(0)
        task.cancel()
        return list(self.asked)


async def test_the_pair_on_screen_comes_first_and_candles_before_trades() -> None:
    desks = Desks("A/USD", "B/USD", "C/USD", shown="C/USD")
    assert await desks.settle() == [
        "C/USD 1", "A/USD 1", "B/USD 1", "C/USD trades", "A/USD trades", "B/USD trades",
    ]  # fmt: skip
    assert desks.seeded == ["C/USD", "A/USD", "B/USD"]
    assert desks.said == []
    assert not desks.desk.history_wanted
    assert desks.history._first({"Z/USD", "Y/USD"}) == "Y/USD"


@pytest.mark.parametrize(
    ("channels", "asked"),
    [
        ((), []),
        (("ohlc",), ["A/USD 1"]),
        (("trade",), ["A/USD trades"]),
        (("ohlc", "trade"), ["A/USD 1", "A/USD trades"]),
    ],
)
async def test_only_the_history_of_channels_that_are_wanted_is_asked_for(
    channels: tuple[str, ...], asked: list[str]
) -> None:
    desks = Desks("A/USD", channels=channels)
    assert await desks.settle() == asked
    assert desks.seeded == ["A/USD"]


async def test_a_failure_is_a_line_in_the_log_and_is_tried_again_when_asked() -> None:
    desks = Desks("A/USD")
    desks.candles = desks.trades_answer = RestAnswer(None, "HTTP 500")
    assert await desks.settle() == ["A/USD 1", "A/USD trades"]
    assert desks.said == [
        ("warning", "A/USD: no candle history: HTTP 500"),
        ("warning", "A/USD: no recent trades: HTTP 500"),
    ]
    desks.candles = desks.trades_answer = RestAnswer([["odd"]])
    desks.said.clear()
    desks.desk.history_wanted.add("A/USD")
    assert await desks.settle() == ["A/USD 1", "A/USD trades"]
    assert [text.partition(": ")[2].partition(":")[0] for _, text in desks.said] == [
        "candle history left out",
        "recent trades left out",
    ]
    # What was fetched and could not be read is not fetched over and over.
    desks.desk.history_wanted.add("A/USD")
    assert "A/USD trades" not in await desks.settle()


async def test_a_pair_that_went_meanwhile_is_left_alone() -> None:
    desks = Desks("A/USD")
    desks.meanwhile = lambda: desks.desk.remove("A/USD")
    assert await desks.settle() == ["A/USD 1"]
    desks = Desks("A/USD")
    desks.meanwhile = lambda: desks.session.roster.specs.pop("A/USD", None) and None
    assert await desks.settle() == ["A/USD 1"]
    assert desks.said == []
    unknown = Desks("A/USD")
    unknown.session.roster.specs.clear()
    assert await unknown.settle() == []


async def test_nothing_is_done_until_something_is_wanted() -> None:
    desks = Desks("A/USD")
    desks.desk.history_wanted.clear()
    assert await desks.settle() == []
    assert desks.seeded == []
