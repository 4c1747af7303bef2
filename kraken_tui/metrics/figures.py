"""What is told of an engine: one row a metric, computed from its newest views. Knows no HTTP and no Prometheus client.

Names follow Prometheus' rules: base units (seconds, bytes, ratios), `_total` for what only grows. The only label that
tells pairs apart is `symbol`; states are one sample a state, 1 for the one that holds and 0 for the others.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from kraken_tui._version import __version__
from kraken_tui.feed.connection.table import State
from kraken_tui.market.events import BookState, MarketStatus, Proof
from kraken_tui.market.freshness import aged, aged_feed
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.private_views import Level3View, LinkView
from kraken_tui.market.views import FeedView, LatencyView, Mode, PairView, Published, RecordingView
from kraken_tui.units import SECOND

PREFIX = "kraken_tui_"

GAUGE, COUNTER, HISTOGRAM = "gauge", "counter", "histogram"

Labels = Mapping[str, str]
V = TypeVar("V")


@dataclass(slots=True)
class Family:
    """One metric and its samples.

    Attributes:
        name: Without `PREFIX`, with the `_total` of a counter.
        kind: `GAUGE`, `COUNTER` or `HISTOGRAM`.
        help: What it says, a clause.
        samples: (labels, value); of a histogram the counts up to each bound, labelled `le`.
        sum: Of a histogram: the sum of all values.
    """

    name: str
    kind: str
    help: str
    samples: list[tuple[Labels, float]] = field(default_factory=list)
    sum: float = 0.0


More = Callable[[], Iterable[Family]]
"""Further figures, such as those of an output; called for every scrape, in the endpoint's thread."""


class Source(Protocol):
    """What is asked of an engine; see `engine.api.MarketSource`."""

    def published(self) -> Published:
        """All newest views."""
        ...

    def now(self) -> int:
        """Clock to judge views by."""
        ...

    def history(self, symbol: str) -> MarketHistory | None:
        """The past of a pair."""
        ...


@dataclass(frozen=True, slots=True)
class _Row(Generic[V]):
    """One metric of a view; a value of None is left out, for what is not known is not zero.

    Attributes:
        states: Of a metric of states: all of them, and `value` gives the one that holds.
    """

    name: str
    kind: str
    help: str
    value: Callable[[V], float | str | None]
    states: tuple[str, ...] = ()


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / SECOND


def _ms(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _states(kind: type[StrEnum]) -> tuple[str, ...]:
    return tuple(map(str, kind))


_UP = frozenset({"SUBSCRIBING", "SUBSCRIBED", "RESYNCING", "DEGRADED"})

_OF_FEED: tuple[_Row[FeedView], ...] = (
    _Row("mode", GAUGE, "Where the frames come from", lambda feed: str(feed.mode), _states(Mode)),
    _Row("connection_state", GAUGE, "State of the connection", lambda feed: feed.state, tuple(map(str, State))),
    _Row("connected", GAUGE, "Whether the connection is open", lambda feed: feed.state in _UP),
    _Row("failed", GAUGE, "Whether the feed failed for good", lambda feed: bool(feed.fatal)),
    _Row("dial_attempts", GAUGE, "Dials that failed since the connection was last stable", lambda feed: feed.attempt),
    _Row("reconnects_total", COUNTER, "Connections lost after they were open", lambda feed: feed.reconnects),
    _Row("pairs", GAUGE, "Pairs that are wanted", lambda feed: len(feed.tabs)),
    _Row(
        "pairs_verified", GAUGE, "Pairs whose book is proven at this moment",
        lambda feed: sum(tab.proof is Proof.VERIFIED for tab in feed.tabs),
    ),
    _Row("messages_total", COUNTER, "Frames received", lambda feed: feed.messages),
    _Row("rejected_messages_total", COUNTER, "Frames that could not be read or used", lambda feed: feed.invalid),
    _Row(
        "ignored_messages_total", COUNTER, "Frames and fields of unknown kinds",
        lambda feed: sum(count for _, count in feed.ignored),
    ),
    _Row("checksums_total", COUNTER, "Checksums compared and right, all pairs", lambda feed: feed.checks_ok),
    _Row("checksum_failures_total", COUNTER, "Checksums that were wrong, all pairs", lambda feed: feed.checks_failed),
    _Row("resyncs_total", COUNTER, "Books fetched again after a failure, all pairs", lambda feed: feed.resyncs),
    _Row(
        "feed_silence_seconds", GAUGE, "Since the last frame of the exchange",
        lambda feed: _seconds(feed.heartbeat_age_ns),
    ),
    _Row(
        "clock_offset_seconds", GAUGE, "This machine's clock minus the exchange's",
        lambda feed: _ms(feed.latency.clock_offset_ms),
    ),
    _Row(
        "ping_round_trip_seconds", GAUGE, "Round trip of the last ping",
        lambda feed: _ms(feed.latency.round_trip_ms),
    ),
    _Row(
        "engine_silence_seconds", GAUGE, "How long the engine has not answered; 0 while it answers",
        lambda feed: _seconds(feed.silent_ns),
    ),
    _Row(
        "engine_loop_lag_seconds", GAUGE, "Worst delay of the engine's rounds in the last ten seconds",
        lambda feed: _seconds(feed.loop_lag_ns),
    ),
    _Row("queue_events", GAUGE, "Events waiting in the fullest queue of a listener", lambda feed: feed.queue),
    _Row("queue_capacity_events", GAUGE, "Room of that queue", lambda feed: feed.queue_limit),
    _Row("dropped_events_total", COUNTER, "Events that listeners lost to a full queue", lambda feed: feed.dropped),
    _Row("recording", GAUGE, "Whether frames are being recorded", lambda feed: feed.recording is not None),
)  # fmt: skip

_OF_RECORDER: tuple[_Row[RecordingView], ...] = (
    _Row("recording_failed", GAUGE, "Whether the recording stopped by itself", lambda view: bool(view.problem)),
    _Row("recording_size_bytes", GAUGE, "Length of the file that is being written", lambda view: view.bytes),
    _Row("recording_frames_total", COUNTER, "Frames written to the recording", lambda view: view.frames),
    _Row("recording_lost_frames_total", COUNTER, "Frames that are missing in the recording", lambda view: view.lost),
    _Row("recording_waiting_frames", GAUGE, "Frames that wait for the disk", lambda view: view.waiting),
    _Row("recording_waiting_bytes", GAUGE, "Memory of the frames that wait for the disk", lambda v: v.waiting_bytes),
)

_OF_PAIR: tuple[_Row[PairView], ...] = (
    _Row("book_verified", GAUGE, "Whether the book is proven", lambda view: view.proof is Proof.VERIFIED),
    _Row("book_stale", GAUGE, "Whether the book is too old to be trusted", lambda view: view.stale),
    _Row("book_age_seconds", GAUGE, "Since the exchange last changed the book", lambda view: _seconds(view.age_ns)),
    _Row("book_state", GAUGE, "State of the book", lambda view: str(view.book_state), _states(BookState)),
    _Row("market_status", GAUGE, "Health of the market", lambda view: str(view.health.status), _states(MarketStatus)),
    _Row("book_checksums_total", COUNTER, "Book messages whose checksum was right", lambda view: view.checks_ok),
    _Row("book_checksum_failures_total", COUNTER, "Book messages whose checksum was wrong", lambda v: v.checks_failed),
    _Row("book_resyncs_total", COUNTER, "Times the book was fetched again after a failure", lambda v: v.resyncs),
    _Row(
        "book_audit_age_seconds", GAUGE, "Since the whole book last matched a second snapshot",
        lambda view: None if view.audited_ns is None else max(0, view.now_ns - view.audited_ns) / SECOND,
    ),
    _Row("trades_total", COUNTER, "Trades told", lambda view: view.session.trades if view.session else 0),
    _Row("missing_trades_total", COUNTER, "Trades that never came, by their numbers", lambda view: view.trade_gaps),
    _Row("best_bid_price", GAUGE, "Best bid of a proven, fresh book, in the quote currency", lambda v: _touch(v, 0)),
    _Row("best_ask_price", GAUGE, "Best ask of a proven, fresh book, in the quote currency", lambda v: _touch(v, 1)),
    _Row(
        "spread_ratio", GAUGE, "Spread of a proven, fresh book as a share of the mid",
        lambda view: view.metrics.spread_bps / 10_000 if _is_true(view) and view.metrics else None,
    ),
    _Row(
        "pressure_ratio", GAUGE, "Smoothed pressure of a proven, fresh book, -1 to +1",
        lambda view: view.signals.pressure if _is_true(view) and view.signals else None,
    ),
)  # fmt: skip

_BUILD = ("build_info", GAUGE, "Version of the program; always 1")
_LATENCY = ("feed_latency_seconds", HISTOGRAM, "Receipt of a frame minus the exchange's timestamp, clocks compared")
_HISTORY = ("history_size_bytes", GAUGE, "Memory of the past of a pair, about")
_OF_LINK: tuple[_Row[LinkView], ...] = (
    _Row("private_connection_state", GAUGE, "State of a private connection", lambda v: v.state, tuple(map(str, State))),
    _Row("private_connection_stopped", GAUGE, "Whether only the user can bring it back", lambda v: v.stopped),
    _Row("private_messages_total", COUNTER, "Frames received on it", lambda v: v.messages),
    _Row("private_reconnects_total", COUNTER, "Times it was lost after it was open", lambda v: v.reconnects),
)
_OF_LEVEL3: tuple[_Row[Level3View], ...] = (
    _Row("level3_verified", GAUGE, "Whether the single orders are proven", lambda v: v.verified),
    _Row("level3_checksums_total", COUNTER, "Messages of single orders that were right", lambda v: v.checks_ok),
    _Row("level3_checksum_failures_total", COUNTER, "Messages of them that were wrong", lambda v: v.checks_failed),
    _Row("level3_resyncs_total", COUNTER, "Times they were fetched again", lambda v: v.resyncs),
)
_POSITION = ("replay_position_seconds", GAUGE, "How far the recording that is played has come")


def names() -> dict[str, tuple[str, str]]:
    """Every metric: (kind, help) by its whole name."""
    rows: Sequence[_Row[Any]] = (*_OF_FEED, *_OF_RECORDER, *_OF_PAIR, *_OF_LINK, *_OF_LEVEL3)
    told = [(row.name, row.kind, row.help) for row in rows]
    return {PREFIX + name: (kind, text) for name, kind, text in (_BUILD, *told, _LATENCY, _HISTORY, _POSITION)}


def figures(source: Source) -> list[Family]:
    """All metrics of an engine as they must be read at this moment.

    Args:
        source: The engine. Only what it has published is looked at, so this never waits for its thread.
    """
    published, now_ns = source.published(), source.now()
    feed = aged_feed(published.feed, now_ns)
    word_ns = feed.made_ns
    views = [aged(view, now_ns, word_ns) for view in published.pairs.values()]
    found = [Family(*_BUILD, [({"version": __version__, "python": platform.python_version()}, 1)])]
    found += _families(_OF_FEED, [({}, feed)])
    found.append(_latency(feed.latency))
    if feed.recording is not None:
        found += _families(_OF_RECORDER, [({}, feed.recording)])
    if feed.replay is not None:
        found.append(Family(*_POSITION, [({}, feed.replay.position_ns / SECOND)]))
    found += _families(_OF_PAIR, [({"symbol": view.symbol}, view) for view in views])
    if published.account is not None:
        found += _families(_OF_LINK, [({"connection": link.name}, link) for link in published.account.links])
    level3 = [({"symbol": view.symbol}, view.level3) for view in views if view.level3 is not None]
    if level3:
        found += _families(_OF_LEVEL3, level3)
    found.append(Family(*_HISTORY, [({"symbol": view.symbol}, size) for view, size in _sizes(source, views)]))
    return found


def _families(rows: Sequence[_Row[V]], of: Sequence[tuple[Labels, V]]) -> list[Family]:
    found = []
    for row in rows:
        if row.states:
            samples: list[tuple[Labels, float]] = []
            for labels, view in of:
                holds = row.value(view)
                samples += [({**labels, "state": state}, float(state == holds)) for state in row.states]
        else:
            values = [(labels, row.value(view)) for labels, view in of]
            samples = [(labels, float(value)) for labels, value in values if value is not None]
        found.append(Family(row.name, row.kind, row.help, samples))
    return found


def _latency(latency: LatencyView) -> Family:
    samples: list[tuple[Labels, float]] = []
    count = 0
    for bound_ms, number in latency.since_start:
        count += number
        samples.append(({"le": "+Inf" if bound_ms == float("inf") else repr(bound_ms / 1000)}, count))
    return Family(*_LATENCY, samples or [({"le": "+Inf"}, 0)], latency.sum_ms / 1000)


def _sizes(source: Source, views: Iterable[PairView]) -> list[tuple[PairView, int]]:
    found = []
    for view in views:
        history = source.history(view.symbol)
        if history is not None:
            found.append((view, history.size))
    return found


def _is_true(view: PairView) -> bool:
    return view.proof is Proof.VERIFIED and not view.stale


def _touch(view: PairView, side: int) -> float | None:
    levels = (view.bids, view.asks)[side]
    if not levels or view.spec is None or not _is_true(view):
        return None
    # Divided by a whole power of ten, the float is the one nearest to the exchange's own digits.
    return float(levels[0][0] / 10**view.spec.price_precision)
