"""The short way of a usual book update, in Python and compiled, does exactly what the long way does."""

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
from kraken_tui import core
from kraken_tui.feed import lane as module
from kraken_tui.feed.dispatch import Dispatch
from kraken_tui.feed.events import FeedEvent
from kraken_tui.feed.lane import Lane
from kraken_tui.feed.proof.book_history import BookHistory
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged
from kraken_tui.units import SECOND

WALL, LAG, STEP = 1_795_262_400 * SECOND, SECOND // 25, SECOND // 50
"""When the stream begins (benchmarks/stream.py), how late it is, and the time between two messages, ns."""

SHORT = ["python", *(["core"] if core.update is not None else [])]
"""The entrances of the short way that this installation has."""

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


def _session(way: str, depth: int = 10) -> tuple[Session, int]:
    """A session that has asked for the book of the stream and was granted it."""
    session = Session(depth=depth, rng=random.Random(1))
    if way != "core":
        session._dispatch._offer = None
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


def _watch(patch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each frame to come takes the short way."""
    ways: list[bool] = []
    real = Dispatch.apply

    def apply(self: Dispatch, *args: Any) -> Any:
        done = real(self, *args)
        ways.append(type(done) is BookChanged)
        return done

    patch.setattr(Dispatch, "apply", apply)
    return ways


def _played(how: list[tuple[int, str]], *, way: str, audited: bool, offset: bool) -> dict[str, Any]:
    """All that can be known of a session after the frames, some of them spoilt; by one of `SHORT`, or "long"."""
    session, now = _session(way)
    events: list[FeedEvent] = []
    wall = WALL + LAG
    spoilt = dict(how)
    if offset:
        session.latency.offset_ns = now - wall
    with pytest.MonkeyPatch.context() as patch:
        ways = _watch(patch)
        if way == "long":
            patch.setattr(Lane, "take", lambda *_: None)
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
    assert any(ways) == (way != "long") or first < 3
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
    long = _played(how, way="long", audited=audited, offset=offset)
    for way in SHORT:
        assert _played(how, way=way, audited=audited, offset=offset) == long


@pytest.mark.parametrize("what", sorted(SPOILT))
def test_one_spoilt_message_leads_both_ways_to_the_same_session(what: str) -> None:
    long = _played([(200, what)], way="long", audited=False, offset=True)
    for way in SHORT:
        assert _played([(200, what)], way=way, audited=False, offset=True) == long


@pytest.mark.parametrize("way", SHORT)
def test_nearly_every_frame_takes_the_short_way_and_one_in_many_the_long(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONG_WAY", 50)
    session, now = _session(way)
    ways = _watch(monkeypatch)
    wall = WALL + LAG
    for frame in FRAMES:
        now, wall = now + STEP, wall + STEP
        session.frame(frame, now, wall)
    # The snapshot, the first proven update, and every fiftieth of the others.
    assert ways.count(False) == 2 + 399 // 50
    assert session.counters.checks_ok == len(FRAMES)


@pytest.mark.parametrize("way", SHORT)
def test_unknown_fields_are_found_in_the_frames_that_go_the_long_way(way: str) -> None:
    session, now = _session(way)
    wall = WALL + LAG
    frames = [FRAMES[0], *(SPOILT["an unknown field"](frame) for frame in FRAMES[1:])]
    for frame in frames:
        now, wall = now + STEP, wall + STEP
        session.frame(frame, now, wall)
    assert session.census.unknown["book.data.mood"] >= 1


@pytest.mark.skipif("core" not in SHORT, reason="there is no compiled core here")
def test_the_core_takes_what_goes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    session, now = _session("core")
    taken: list[bool] = []
    real = Lane.offer

    def offer(self: Lane, *args: Any) -> Any:
        done = real(self, *args)
        taken.append(type(done) is BookChanged)
        return done

    monkeypatch.setattr(session._dispatch, "_offer", offer.__get__(session._dispatch._lane))
    wall = WALL + LAG
    for frame in FRAMES:
        now, wall = now + STEP, wall + STEP
        session.frame(frame, now, wall)
    # The snapshot and the first update, by which the book becomes steady, are Python's.
    assert taken == [False] * 2 + [True] * (len(FRAMES) - 2)


@pytest.mark.parametrize("way", SHORT)
@pytest.mark.parametrize("leave", ["unwant", "renew", "set_depth", "loss", "doubt", "halt"])
def test_a_book_that_is_left_or_doubted_is_not_updated_the_short_way(leave: str, way: str) -> None:
    session, now = _session(way)
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
