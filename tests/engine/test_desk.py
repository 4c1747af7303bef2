"""Every event of the feed has its way to the markets and listeners, by the table of channels."""

from __future__ import annotations

import random

from kraken_tui.engine.desk import Desk
from kraken_tui.engine.events import BookLine
from kraken_tui.feed import events as feed_events
from kraken_tui.feed.channels import CHANNELS
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged, Proof
from kraken_tui.settings import Settings
from tests.rig.scripted import ScriptedVenue as Venue


def test_no_event_of_the_feed_is_without_a_way() -> None:
    desk = Desk(Session(), Settings(), lambda _: None, lambda _, __: None)
    made = {
        kind for kind in vars(feed_events).values() if isinstance(kind, type) and kind.__module__.endswith("events")
    }
    made = {kind for kind in made if kind.__module__ == feed_events.__name__} - {feed_events.BookLine}
    assert made | {BookChanged} == set(desk._deliver) | set(desk._of_connection)
    assert not set(desk._deliver) & set(desk._of_connection)


def test_no_two_channels_make_the_same_event() -> None:
    kinds = [kind for channel in CHANNELS.values() for kind in channel.deliver]
    assert len(kinds) == len(set(kinds))


def test_a_market_reads_the_feeds_truth_even_where_it_was_made_first() -> None:
    told: list[object] = []
    session, venue = Session(replay=True, rng=random.Random(1)), Venue()
    desk = Desk(session, Settings(pairs=("xbt/usd",)), told.append, lambda _, __: None)
    desk.add("xbt/usd")
    session.want("xbt/usd")
    session.opened(0, 0)
    market = desk.market("BTC/USD")
    assert market.truth is None
    desk.book_levels = 2
    session.frame(venue.book_snapshot("BTC/USD", 10), 1, 1)
    for event in session.take_events():
        desk.handle(event)
    assert market.truth is session.pairs["BTC/USD"]
    view = market.view(1, heartbeat_age_ns=0, lag_ns=0, connected=True)
    assert (view.proof, view.checks_ok, len(view.bids)) == (Proof.VERIFIED, 1, 10)
    [line] = [event for event in told if isinstance(event, BookLine)]
    assert (len(line.bids), len(line.asks), line.verified) == (2, 2, True)
    session.frame(venue.book_update("BTC/USD"), 2, 2)
    assert market.view(2, heartbeat_age_ns=0, lag_ns=0, connected=True).checks_ok == session.counters.checks_ok == 2
