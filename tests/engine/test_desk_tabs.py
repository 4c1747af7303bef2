"""Tabs of a desk: one for each name asked for, with what is wrong with it; and what is noted and told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kraken_tui.engine import desk as module
from kraken_tui.engine.desk import Desk
from kraken_tui.feed.events import Note, PairAdded, Refused, StateChanged
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.market.views import PairSummary
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

NS = 1_700_000_000 * SECOND


class Bench:
    def __init__(self, *names: str, history: bool = False, **settings: Any) -> None:
        self.told: list[object] = []
        self.noted: list[tuple[str, str]] = []
        self.session = Session()
        self.desk = Desk(
            self.session,
            Settings(pairs=names, **settings),
            self.told.append,
            lambda level, text: self.noted.append((level, text)),
            history=history,
        )
        for name in names:
            self.desk.add(name)

    def resolve(self, name: str, symbol: str) -> None:
        self.desk.handle(PairAdded(name, symbol))

    @property
    def problems(self) -> list[tuple[str, str]]:
        return [(summary.symbol, summary.problem) for summary in self.desk.summaries()]


def test_a_name_has_one_tab_under_its_likely_symbol() -> None:
    bench = Bench("xbt/usd", "ethusd", "xbt/usd", "BTC/USD")
    assert bench.desk.names() == (("xbt/usd", "BTC/USD"), ("ethusd", "ETHUSD"))
    bench.resolve("ethusd", "ETH/USD")
    assert bench.desk.names() == (("xbt/usd", "BTC/USD"), ("ethusd", "ETH/USD"))
    assert list(bench.desk.by_symbol) == ["ETH/USD"]
    assert bench.desk.history_wanted == {"ETH/USD"}
    assert [market.symbol for market in bench.desk.markets()] == ["ETH/USD"]


def test_two_names_of_one_pair_share_the_first_tab() -> None:
    bench = Bench("a", "ETH/USD", "b")
    for name in ("a", "b"):
        bench.resolve(name, "BTC/USD")
    assert bench.desk.names() == (("a", "BTC/USD"), ("ETH/USD", "ETH/USD"))


@pytest.mark.parametrize("by", ["xbt/usd", "BTC/USD"])
def test_a_tab_goes_by_its_name_or_its_symbol_and_takes_its_market_along(by: str) -> None:
    bench = Bench("xbt/usd", "ETH/USD")
    bench.resolve("xbt/usd", "BTC/USD")
    bench.desk.remove(by)
    assert bench.desk.names() == (("ETH/USD", "ETH/USD"),)
    bench.desk.remove("BTC/USD")
    assert not bench.desk.by_symbol


def test_a_market_that_nobody_asked_for_gets_a_tab() -> None:
    bench = Bench("ETH/USD")
    market = bench.desk.market("BTC/USD")
    assert bench.desk.market("BTC/USD") is market
    assert bench.desk.names() == (("ETH/USD", "ETH/USD"), ("BTC/USD", "BTC/USD"))
    bench.desk.market("ETH/USD")
    assert len(bench.desk.names()) == 2


def test_a_pair_without_a_market_is_being_checked_and_says_what_is_wrong() -> None:
    bench = Bench("BTC/USD", "ETH/USD")
    [first, _] = bench.desk.summaries()
    assert first == PairSummary("BTC/USD", None, 0, 0, Proof.CHECKING, stale=False, problem="")
    bench.desk.report_problem("ETH/USD", "no data")
    assert bench.problems == [("BTC/USD", ""), ("ETH/USD", "no data")]
    bench.desk.market("ETH/USD")
    assert bench.problems == [("BTC/USD", ""), ("ETH/USD", "no data")]
    bench.desk.report_problem("ETH/USD", "")
    assert bench.problems[1][1] == bench.desk.market("ETH/USD").summary().problem


@pytest.mark.parametrize(
    ("symbol", "channel", "what", "problem"),
    [
        ("BTC/USX", "", "BTC/USX", "no such pair"),
        ("BTC/USX", "book", "BTC/USX book", "book: no such pair"),
        ("btc/usx", "book", "btc/usx book", "book: no such pair"),
        ("BTC/USX", "trade", "BTC/USX trade", ""),
        ("ETH/USD", "", "ETH/USD", ""),
    ],
)
def test_what_leaves_a_pair_without_a_book_is_put_on_its_tab(
    symbol: str, channel: str, what: str, problem: str
) -> None:
    bench = Bench("btc/usx")
    event = Refused(NS, symbol, channel, "no such pair")
    bench.desk.handle(event)
    assert bench.told == [event]
    assert bench.noted == [("error", f"{what} refused: {event.sentence}")]
    assert bench.problems == [("BTC/USX", problem)]
    bench.resolve("btc/usx", "BTC/USD")
    # What is wrong with the name is not wrong with the pair.
    assert bench.problems == [("BTC/USD", bench.desk.market("BTC/USD").summary().problem)]


def test_what_the_connection_says_is_noted_and_its_state_is_told() -> None:
    bench = Bench()
    state = StateChanged(NS, "SUBSCRIBED", "all acknowledged", 0, None)
    for event in (state, Note(NS, "warning", "late")):
        bench.desk.handle(event)
    assert bench.told == [state]
    assert bench.noted == [("info", "connection SUBSCRIBED: all acknowledged"), ("warning", "late")]


def test_the_past_is_kept_where_it_is_wanted_and_as_much_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, float]] = []
    monkeypatch.setattr(module, "MarketHistory", lambda *given: made.append(given))
    assert Bench().desk._new_history() is None
    assert made == []
    Bench(history=True, history_min=2.0, history_mb=3).desk._new_history()
    assert made == [(120 * SECOND, 3 * 2**20)]


def test_history_is_wanted_where_candles_are_missing() -> None:
    bench = Bench("BTC/USD")
    market = bench.desk.market("BTC/USD")
    for lacks in (False, True):
        bench.desk.history_wanted.clear()
        market.lacks_candles = lambda minutes, lacks=lacks: lacks and minutes == 1  # type: ignore[method-assign, misc]
        bench.desk.want_history(market)
        assert bench.desk.history_wanted == ({"BTC/USD"} if lacks else set())


def test_precisions_known_before_reach_a_market_made_later() -> None:
    bench = Bench()
    spec = PairSpec("BTC/USD", "BTC", "USD", 1, 8, status="post_only")
    bench.session.roster.specs["BTC/USD"] = spec
    view = bench.desk.market("BTC/USD").view(NS, heartbeat_age_ns=0, lag_ns=0, connected=True)
    assert view.spec == spec
    other = bench.desk.market("ETH/USD").view(NS, heartbeat_age_ns=0, lag_ns=0, connected=True)
    assert other.spec is None
    assert replace(spec, status="online") != view.spec


def test_a_tick_tells_what_markets_derive() -> None:
    bench = Bench()
    derived: list[object] = [object(), object()]

    ticks: list[int] = []

    class Market:
        def tick(self, ns: int) -> None:
            ticks.append(ns)

        def drain(self) -> list[object]:
            return derived

    bench.desk.by_symbol["BTC/USD"] = Market()  # type: ignore[assignment]
    bench.desk.tick(NS)
    assert (ticks, bench.told) == ([NS], derived)


def test_nobody_wants_levels_of_books_at_first() -> None:
    bench = Bench(interval=15)
    assert (bench.desk.book_levels, bench.desk.history_wanted, bench.desk.pair("BTC/USD")) == (0, set(), None)
    assert bench.desk.interval_of("BTC/USD") == bench.desk.interval == 1
    bench.desk.wish_changed("BTC/USD")
    assert not bench.desk.by_symbol


def test_a_name_that_was_found_before_gets_no_second_tab() -> None:
    bench = Bench("ETH/USD")
    bench.resolve("ETH/USD", "ETH/USD")
    for _ in range(2):
        # What the worker does for each wish.
        bench.desk.add("ethusd")
        bench.session.want("ethusd", NS, NS)
        if bench.session._names.found["ethusd"] is None:
            bench.session._names.found["ethusd"] = "ETH/USD"
            bench.resolve("ethusd", "ETH/USD")
        assert bench.desk.names() == (("ETH/USD", "ETH/USD"),)
    assert [summary.symbol for summary in bench.desk.summaries()] == ["ETH/USD"]
