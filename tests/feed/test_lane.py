"""The short way of a usual book update does exactly what the long way does, whatever comes between."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.stream import BTC, Stream
from kraken_tui.feed import lane as module
from kraken_tui.feed.events import FeedEvent
from kraken_tui.feed.lane import Lane
from kraken_tui.feed.proof.book_history import BookHistory
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged
from kraken_tui.units import SECOND

WALL, LAG, STEP = 1_795_262_400 * SECOND, SECOND // 25, SECOND // 50
"""When the stream begins (benchmarks/stream.py), how late it is, and the time between two messages, ns."""

Frame = bytes
Change = Callable[[Frame], Frame]


def _on(pattern: str, text: str) -> Change:
    return lambda frame: re.sub(pattern, text, frame.decode(), count=1).encode()


SPOILT: dict[str, Change] = {
    "right": lambda frame: frame,
    "wrong checksum": _on(r'"checksum":(\d+)', r'"checksum":1\1'),
    "another wrong checksum": _on(r'"checksum":(\d+)', '"checksum":7'),
    "no checksum": _on(r'"checksum":\d+', '"checksum":null'),
    "checksum true": _on(r'"checksum":\d+', '"checksum":true'),
    "no timestamp": _on(r'"timestamp":"[^"]+"', '"timestamp":null'),
    "bad timestamp": _on(r'"timestamp":"[^"]+"', '"timestamp":"yesterday"'),
    "timestamp of another year": _on(r'"timestamp":"\d{4}', '"timestamp":"1999'),
    "a late timestamp": _on(r'"timestamp":"2026-11-21T12', '"timestamp":"2026-11-21T11'),
    "bad number": _on(r'"qty":[\d.]+', '"qty":-1.0'),
    "more decimals": _on(r'"price":(\d+\.\d)', r'"price":\g<1>0'),
    "an exponent": _on(r'"qty":(\d+)\.(\d{8})', r'"qty":\1\2e-8'),
    "another pair": _on("BTC/USD", "ETH/USD"),
    "two parts": lambda frame: _twice(frame),
    "snapshot": _on('"type":"update"', '"type":"snapshot"'),
    "torn": lambda frame: frame[:-4],
    "an unknown field": _on('"checksum":', '"mood":"good","checksum":'),
}


def _twice(frame: Frame) -> Frame:
    message = json.loads(frame, parse_float=str)
    text = frame.decode()
    begin, end = text.index("[") + 1, text.rindex("]")
    return f"{text[:end]},{text[begin:end]}{text[end:]}".encode() if message else frame


def _session(depth: int = 10) -> tuple[Session, int]:
    """A session that has asked for the book of the stream and was granted it."""
    session = Session(depth=depth, rng=random.Random(1))
    now, wall = 10**12, WALL + LAG
    session.want("BTC/USD")
    session.dialling(now, wall)
    session.opened(now, wall)
    while sends := session.take_sends():
        for text in sends:
            request = json.loads(text)
            params: dict[str, Any] = request.get("params", {})
            for symbol in params.get("symbol", [None]) if request["method"] == "subscribe" else ():
                result = {name: params[name] for name in ("channel", "depth") if name in params}
                result |= {"symbol": symbol} if symbol else {}
                answer = {"method": "subscribe", "success": True, "result": result, "req_id": request.get("req_id")}
                session.frame(json.dumps(answer).encode(), now, wall)
            if params.get("channel") == "instrument":
                session.frame(_INSTRUMENTS, now, wall)
    return session, now


_INSTRUMENTS = json.dumps(
    {
        "channel": "instrument",
        "type": "snapshot",
        "data": {
            "assets": [],
            "pairs": [
                {
                    "symbol": "BTC/USD",
                    "base": "BTC",
                    "quote": "USD",
                    "status": "online",
                    "price_precision": BTC.price_decimals,
                    "price_increment": 0.1,
                    "qty_precision": BTC.qty_decimals,
                    "qty_increment": 1e-8,
                }
            ],
        },
    }
).encode()

_STREAM = Stream(10)
FRAMES = [_STREAM.snapshot(), *(_STREAM.update() for _ in range(400))]


def _played(how: list[tuple[int, str]], *, short: bool, audited: bool, offset: bool) -> dict[str, Any]:
    """All that can be known of a session after the frames, some of them spoilt; `short` with the lane open."""
    session, now = _session()
    taken: list[object] = []
    real = Lane.take

    def take(self: Lane, message: Any, now: int, wall_ns: int) -> Any:
        done = real(self, message, now, wall_ns) if short else None
        taken.append(done)
        return done

    events: list[FeedEvent] = []
    wall = WALL + LAG
    spoilt = dict(how)
    if offset:
        session.latency.offset_ns = now - wall
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lane, "take", take)
        for number, frame in enumerate(FRAMES):
            now, wall = now + STEP, wall + STEP
            session.frame(SPOILT[spoilt.get(number, "right")](frame), now, wall)
            events += session.take_events()
            if number == 3 and audited:
                stitcher = session.stitchers["BTC/USD"]
                stitcher.history = BookHistory(stitcher.book, stitcher.venue_ns)
            if number % 50 == 0:
                session.tick(now, wall)
                events += session.take_events()
    first = min(spoilt, default=len(FRAMES))
    assert any(type(done) is BookChanged for done in taken) == short or first < 3
    pair = session.pairs["BTC/USD"]
    history = pair.stitcher.history
    return {
        "events": events,
        "counters": session.counters.as_dict(),
        "books": [list(side) for side in (pair.book.bids, pair.book.asks)],
        "pair": [pair.stitcher.counters, pair.state, pair.proof, pair.reason, pair.alarms, pair.witness],
        "latency": session.latency.view(now),
        "lag": [session.latency.lag_ns, session.latency.heard_ns, session.latency.uncertain],
        "watchdog": [session.watchdog.last_frame_ns, session.watchdog.heard, session.watchdog.late],
        "behind": list(session.roster.venue.behind),
        "state": [session.state, session.cause],
        "history": None if history is None else list(history._messages),
        "sends": session.take_sends(),
    }


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(FRAMES) - 1), st.sampled_from(sorted(SPOILT))), max_size=30),
    st.booleans(),
    st.booleans(),
)
def test_both_ways_lead_to_the_same_session(how: list[tuple[int, str]], audited: bool, offset: bool) -> None:
    assert _played(how, short=True, audited=audited, offset=offset) == _played(
        how, short=False, audited=audited, offset=offset
    )


@pytest.mark.parametrize("what", sorted(SPOILT))
def test_one_spoilt_message_leads_both_ways_to_the_same_session(what: str) -> None:
    short, long = (_played([(200, what)], short=short, audited=False, offset=True) for short in (True, False))
    assert short == long


def test_nearly_every_frame_takes_the_short_way_and_one_in_many_the_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG_WAY", 50)
    session, now = _session()
    ways: list[bool] = []
    real = Lane.take

    def take(self: Lane, *args: Any) -> Any:
        done = real(self, *args)
        ways.append(type(done) is BookChanged)
        return done

    monkeypatch.setattr(Lane, "take", take)
    wall = WALL + LAG
    for frame in FRAMES:
        now, wall = now + STEP, wall + STEP
        session.frame(frame, now, wall)
    # The snapshot, the first proven update, and every fiftieth of the others.
    assert ways.count(False) == 2 + 399 // 50
    assert session.counters.checks_ok == len(FRAMES)


@pytest.mark.parametrize("leave", ["unwant", "renew", "set_depth", "loss", "doubt", "halt"])
def test_a_book_that_is_left_or_doubted_is_not_updated_the_short_way(leave: str) -> None:
    session, now = _session()
    wall = WALL + LAG
    for frame in FRAMES[:20]:
        now, wall = now + STEP, wall + STEP
        session.frame(frame, now, wall)
    pair = session.pairs["BTC/USD"]
    assert pair.stitcher.steady
    before = list(pair.book.bids), list(pair.book.asks)
    if leave == "unwant":
        session.unwant("BTC/USD", now, wall)
    elif leave == "renew":
        # The book itself does not know of it.
        session.subscriptions.renew("book", "BTC/USD")
    elif leave == "set_depth":
        session.set_depth(100, now, wall)
    elif leave == "loss":
        session.disconnected("gone", now, wall)
    elif leave == "doubt":
        pair.stitcher.doubted(now, wall, "audit", "a level is wrong")
    else:
        pair.touch.ended()
    session.take_events()
    session.frame(FRAMES[20], now + SECOND // 10, wall + SECOND // 10)
    changed = [event for event in session.take_events() if type(event) is BookChanged]
    if leave == "halt":
        # Watched again, from this message on.
        assert len(changed) == 1
        assert pair.touch.watching
    else:
        assert not changed
        assert (list(pair.book.bids), list(pair.book.asks)) == before
