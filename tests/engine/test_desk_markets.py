"""What a desk hands on to the markets it keeps: the interval of their candles, and what the venue says of them."""

from __future__ import annotations

import random

import pytest

from kraken_tui.engine.desk import Desk
from kraken_tui.feed.names import Wish
from kraken_tui.feed.session import Session
from kraken_tui.settings import Settings
from tests.rig.scripted import ScriptedVenue as Venue

PAIRS = ("BTC/USD", "ETH/USD")


@pytest.fixture
def desk() -> Desk:
    """Of a replay whose books have come, with markets that were there before."""
    session, venue = Session(replay=True, rng=random.Random(1)), Venue()
    made = Desk(session, Settings(pairs=PAIRS), lambda _: None, lambda _, __: None)
    for symbol in PAIRS:
        made.add(symbol)
        session.want(symbol)
        made.market(symbol)
    session.opened(0, 0)
    for frame in (venue.welcome(), venue.instruments(), *(venue.book_snapshot(symbol, 10) for symbol in PAIRS)):
        session.frame(frame, 1, 1)
        for event in session.take_events():
            made.handle(event)
    return made


def venues(desk: Desk) -> set[str]:
    views = (market.view(1, heartbeat_age_ns=0, lag_ns=0, connected=True) for market in desk.by_symbol.values())
    return {view.venue for view in views}


def test_a_new_interval_reaches_every_market_and_asks_for_its_history(desk: Desk) -> None:
    desk.history_wanted.clear()
    desk._session.set_interval(None, 15)
    desk.interval_changed()
    views = [market.view(1, heartbeat_age_ns=0, lag_ns=0, connected=True) for market in desk.by_symbol.values()]
    assert [view.interval for view in views] == [15, 15]
    assert desk.history_wanted == set(PAIRS)
    desk.remove("BTC/USD")
    assert list(desk.by_symbol) == ["ETH/USD"]
    assert desk.market("BTC/USD").view(1, heartbeat_age_ns=0, lag_ns=0, connected=True).interval == 15


def test_a_pair_can_have_an_interval_and_a_threshold_of_its_own(desk: Desk) -> None:
    desk.history_wanted.clear()
    desk._session.want("BTC/USD", wish=Wish(interval=10080, large_order=2.5))
    desk.wish_changed("BTC/USD")
    views = {
        symbol: market.view(1, heartbeat_age_ns=0, lag_ns=0, connected=True)
        for symbol, market in desk.by_symbol.items()
    }
    assert {symbol: view.interval for symbol, view in views.items()} == {"BTC/USD": 10080, "ETH/USD": 1}
    assert views["BTC/USD"].large_lots == 250_000_000
    assert views["ETH/USD"].large_lots not in (0, 250_000_000)
    desk._session.set_interval(None, 15)
    desk.interval_changed()
    assert {desk.interval_of(symbol) for symbol in PAIRS} == {15}


def test_what_the_venue_says_reaches_markets_that_were_there_before(desk: Desk) -> None:
    assert venues(desk) == {"ONLINE"}
