"""Where live and replay differ."""

from __future__ import annotations

import json
import random

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Note, StateChanged
from kraken_tui.feed.session import Session
from kraken_tui.units import SECOND
from tests.rig.scripted import ScriptedVenue as Venue


def replay(*names: str) -> Session:
    session = Session(depth=100, replay=True, rng=random.Random(1))
    for name in names:
        session.want(name)
    session.opened(0, 0)
    return session


def ack(channel: str, symbol: str, **result: object) -> str:
    granted = {"channel": channel, "symbol": symbol, **result}
    return json.dumps({"method": "subscribe", "success": True, "result": granted, "req_id": 7})


def test_a_recording_is_up_at_once_and_nothing_is_due_sent_or_dialled() -> None:
    session = replay("BTC/USD")
    assert session.state is State.SUBSCRIBED
    session.tick(3600 * SECOND, 3600 * SECOND)
    assert session.state is State.SUBSCRIBED
    assert session.take_sends() == []
    assert not session.wants_dial(3600 * SECOND)
    assert not session.wants_audit(3600 * SECOND)
    assert session.retry_in_s(0) is None
    session.set_depth(10)
    session.set_interval(None, 5)
    assert (session.options.depth, session.options.interval, session.take_sends()) == (100, 5, [])
    assert [event.state for event in session.take_events() if isinstance(event, StateChanged)] == ["SUBSCRIBED"]


def test_what_a_recording_grants_before_the_book_is_met_counts() -> None:
    session, venue = replay(), Venue()
    session.frame(ack("book", "BTC/USD", depth=500), 0, 0)
    session.frame(ack("ticker", "BTC/USD", event_trigger="bbo"), 0, 0)
    session.frame(venue.book_snapshot("BTC/USD", 10), 1, 1)
    pair = session.pairs["BTC/USD"]
    assert (pair.depth, pair.testifies) == (500, True)
    session.frame(venue.book_snapshot("ETH/USD", 10), 2, 2)
    assert (session.pairs["ETH/USD"].depth, session.pairs["ETH/USD"].testifies) == (10, False)
    assert session.pairs["ETH/USD"].witness == "", "a ticker that was not subscribed with bbo testifies to nothing"


def test_an_unreadable_frame_of_a_recording_is_left_out() -> None:
    session = replay()
    session.frame(b"[", 0, 0)
    assert session.state is State.SUBSCRIBED
    assert [event.text for event in session.take_events() if isinstance(event, Note)]
    assert session.counters.invalid == 1


def test_another_connection_in_a_recording_takes_the_proof() -> None:
    session, venue = replay(), Venue()
    status = '{"channel":"status","type":"update","data":[{"system":"online","connection_id":%d}]}'
    session.frame(status % 1, 0, 0)
    session.frame(venue.book_snapshot("BTC/USD", 10), 1, 1)
    session.frame(status % 1, 2, 2)
    assert session.counters.reconnects == 0
    session.frame(status % 2, 3, 3)
    assert session.counters.reconnects == 1
    assert session.stitchers["BTC/USD"].reason == "the recording reconnected"
