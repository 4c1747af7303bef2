"""Any moment of the past against the view that was published then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace

from kraken_tui.engine.desk import Desk
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.views import PairView
from kraken_tui.recording.reader import open_recording
from kraken_tui.recording.replay import timeline
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND

RECORDINGS = Path(__file__).parents[2] / "reference" / "recordings"

OF_THE_MAKING = ("version", "made_ns", "fresh_for_ns", "replayed", "trade_rate", "book_rate", "checks_ok")
"""What tells of the making of a view rather than of the market; counts in it are as of the last note."""


def played(path: Path) -> Iterator[tuple[int, Desk]]:
    """Play a recording through a desk that keeps the past; the time of every frame, and the desk after it."""
    session = Session(replay=True)
    desk = Desk(session, Settings(pairs=()), lambda _: None, lambda _, __: None, history=True)
    begun = False
    for timed in timeline(open_recording(path)):
        if timed.sent:
            continue
        if not begun:
            begun = True
            session.opened(timed.ns, timed.ns)
        session.frame(timed.frame, timed.ns, timed.ns)
        for event in session.take_events():
            desk.handle(event)
        desk.tick(timed.ns)
        yield timed.ns, desk


def view_of(desk: Desk, symbol: str, now: int) -> PairView:
    """The pair's view, of a connection that is well."""
    return desk.by_symbol[symbol].view(now, heartbeat_age_ns=0, lag_ns=0, connected=True)


def told(view: PairView) -> dict[str, object]:
    """What a view tells of the market."""
    fields = asdict(view)
    for name in OF_THE_MAKING:
        del fields[name]
    return fields


@pytest.mark.parametrize("name", ["every-depth", "lost-message", "reconnect", "old-shapes"])
def test_every_moment_is_the_view_of_then(name: str) -> None:
    views: list[PairView] = []
    desk: Desk | None = None
    last = 0
    for number, (now, desk) in enumerate(played(RECORDINGS / f"{name}.jsonl.gz")):
        if now == last and views:
            # Several frames of one nanosecond: the moment is the state after the last of them.
            while views and views[-1].now_ns == now:
                views.pop()
        last = now
        for symbol in desk.by_symbol:
            view = view_of(desk, symbol, now)
            if number % 3 == 0:
                views.append(view)
    assert desk is not None
    compared = 0
    for view in views:
        history = desk.by_symbol[view.symbol].history
        assert history is not None
        then = history.view(view.now_ns)
        if then is None:
            assert not view.bids
            continue
        if view.proof is Proof.VERIFIED:
            compared += 1
            assert told(then) == told(view)
        else:
            assert then.proof is not Proof.VERIFIED
            assert then.metrics is None
    assert compared > 50


def test_nothing_of_later_is_in_a_moment_of_the_past() -> None:
    desk = None
    for _, desk in played(RECORDINGS / "every-depth.jsonl.gz"):
        for symbol in desk.by_symbol:
            view_of(desk, symbol, _)
    assert desk is not None
    history = next(market.history for market in desk.by_symbol.values() if market.history and market.history.since_ns)
    assert history is not None
    since = history.since_ns
    assert since is not None
    assert history.view(since - 1) is None
    for passed in range(0, 80, 7):
        ns = since + passed * SECOND
        view = history.view(ns)
        assert view is not None
        assert all(trade.venue_ns <= ns for trade in view.tape)
        assert all(sample.ns <= ns for sample in view.samples)
        assert all(candle.begin_s * SECOND <= ns for candle in view.candles)
        assert sum(at.count for at in view.traded.values()) <= len(view.tape)


def test_the_bounds_hold() -> None:
    history = MarketHistory(keep_ns=10 * SECOND, keep_bytes=10**9)
    desk = None
    for now, desk in played(RECORDINGS / "every-depth.jsonl.gz"):
        for market in desk.by_symbol.values():
            market.history = market.history if market.history is not history else history
            if market.history is not None and market.history is not history and market.symbol == "BTC/USD":
                history = market.history
                history._keep_ns = history.book._keep_ns = 10 * SECOND
            view_of(desk, market.symbol, now)
    since, until = history.since_ns, history.book.until_ns
    assert since is not None
    assert until is not None
    segment = history.book.segments()[0]
    assert until - segment.times[-1] <= 12 * SECOND or len(history.book.segments()) == 1
    assert history.size < 64 * 2**20
    assert desk is not None
    view = history.view(until)
    assert view is not None
    assert replace(view, version=0).proof is Proof.VERIFIED
