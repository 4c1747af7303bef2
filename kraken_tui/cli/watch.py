"""Watching without a terminal until there is something to draw, for `snapshot` and `plot`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kraken_tui.cli.console import Interrupted
from kraken_tui.errors import ConfigurationError, FeedFailed
from kraken_tui.feed.channels import leaves_no_book
from kraken_tui.market.events import Proof
from kraken_tui.market.freshness import aged, aged_feed
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.terminal.signals import Signals
from kraken_tui.wire.symbols import canonical

if TYPE_CHECKING:
    from kraken_tui.engine.engine import Engine

DEFAULT_LIMIT_S = 20.0
"""Longest wait for the first proven book if the user gave no time."""

PATIENCE_S = 6.0
"""After this long, draw what has arrived so far."""

_POLL_S = 0.05
_LONGEST_SEEK_S = 3600.0
_CANDLES_WANTED = 30
_SAMPLES_WANTED = 10
_LATENCIES_WANTED = 20


class Watch:
    """Runs an engine until it has seen enough; use it as a context manager in the main thread.

    Args:
        engine: Not started yet.
        pairs: Pairs asked for; none for all that a recording holds.
        seconds: Time the user wants to watch for; None means until there is something to draw.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        engine: Engine,
        pairs: tuple[str, ...],
        seconds: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from kraken_tui.feed.events import Refused

        self._engine = engine
        self._wanted = {canonical(pair) for pair in pairs}
        self._refused: dict[str, str] = {}
        self._listener = engine.listen(wants=lambda event: isinstance(event, Refused))
        self._seconds = seconds
        self._clock = clock
        self._started = clock()
        self._signals = Signals()

    def __enter__(self) -> Watch:
        self._signals.__enter__()
        self._engine.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._engine.stop()
        self._signals.__exit__(*error)

    def picture(self, size: tuple[int, int], view: str) -> str:
        """Draw the screen as SVG.

        Args:
            size: Columns and rows.
            view: Name of a view.

        Raises:
            FeedFailed: See `_is_over`; also if nothing could be drawn in time.
            ConfigurationError: See `_is_over`.
            Interrupted: See `_is_over`.
        """
        from kraken_tui.tui.snapshot import picture

        async def draw() -> str:
            return await asyncio.wait_for(
                picture(self._engine, self._engine.settings, size=size, view=view, until=self._until),
                (self._seconds or DEFAULT_LIMIT_S) + (_LONGEST_SEEK_S if self._stands else 10),
            )

        try:
            return asyncio.run(draw())
        except TimeoutError:
            raise FeedFailed(self._nothing(self._engine.feed_view)) from None

    def _until(self, feed: FeedView) -> bool:
        proven = [tab.proof is Proof.VERIFIED for tab in feed.tabs]
        settled = [tab.proof is Proof.VERIFIED or bool(tab.problem) for tab in feed.tabs]
        ready = bool(proven) and any(proven) and all(settled) and self._has_account()
        return self._is_over(feed, ready=ready, drawable=any(proven))

    def _has_account(self) -> bool:
        """Whether the account, where it is followed, is there, or will not be."""
        account = self._engine.published().account
        if not self._engine.settings.account or account is None:
            return not self._engine.settings.account
        return bool(account.problem) or (bool(account.streams) and all(each.verified for each in account.streams))

    def chart(self, kind: str, width: int, height: int, theme: str, *, colour: bool) -> str:
        """Draw one chart as text.

        Args:
            kind: "candles", "depth", "spread", "imbalance", "latency" or "heatmap".
            width: Columns.
            height: Rows.
            theme: Name of a palette.
            colour: Whether the text may hold colour codes.

        Raises:
            FeedFailed: See `_is_over`.
            ConfigurationError: See `_is_over`.
            Interrupted: See `_is_over`.
        """
        while True:
            feed = aged_feed(self._engine.feed_view, self._engine.now())
            view = self._first_view(feed)
            seen, wanted = _seen(kind, feed, view)
            if self._is_over(feed, ready=seen >= wanted, drawable=seen >= min(wanted, 2)):
                break
            time.sleep(_POLL_S)
        if kind == "heatmap":
            return self._heatmap(feed, view, width, height, theme, colour=colour)
        from kraken_tui.tui.draw import plots as charts
        from kraken_tui.tui.draw.ansi import ansi_text
        from kraken_tui.tui.draw.runs import padded
        from kraken_tui.tui.draw.themes import ALL_PALETTES

        if kind == "latency":
            lines = charts.latency_chart(feed, width, height)
        elif kind == "candles":
            lines = charts.candle_chart(view, width, height)
        else:
            kinds = {"depth": charts.depth_chart, "spread": charts.spread_chart, "imbalance": charts.imbalance_chart}
            lines = kinds[kind](view, width, height)
        return ansi_text([padded(line, width) for line in lines], ALL_PALETTES[theme] if colour else None)

    def _heatmap(
        self, feed: FeedView, view: PairView | None, width: int, height: int, theme: str, *, colour: bool
    ) -> str:
        from kraken_tui.tui.draw.ansi import ansi_text
        from kraken_tui.tui.draw.runs import padded
        from kraken_tui.tui.draw.themes import ALL_PALETTES
        from kraken_tui.tui.still_heatmap import still_heatmap

        history = None if view is None else self._engine.history(view.symbol)
        palette = ALL_PALETTES[theme] if colour else None
        density = palette is None or palette.ansi
        lines = still_heatmap(feed, view, history, self._engine.settings, width, height, density=density)
        return ansi_text([padded(line, width) for line in lines], palette)

    def _first_view(self, feed: FeedView) -> PairView | None:
        if not feed.tabs:
            return None
        symbol = feed.tabs[0].symbol
        self._engine.show(symbol)
        view = self._engine.view(symbol)
        return None if view is None else aged(view, self._engine.now())

    def _is_over(self, feed: FeedView, *, ready: bool, drawable: bool) -> bool:
        """Whether to draw now.

        Args:
            feed: Newest feed view.
            ready: Enough was seen, if the user gave no time.
            drawable: Something was seen.

        Raises:
            ConfigurationError: Every pair was refused.
            FeedFailed: The feed failed, or time ran out with nothing to draw.
            Interrupted: A signal came.
        """
        self._look_for_refusals()
        if self._engine.failure is not None:
            raise self._engine.failure
        if self._signals.number is not None:
            raise Interrupted(self._signals.number)
        if feed.fatal:
            raise FeedFailed(feed.fatal)
        if self._stands:
            return self._has_arrived(feed)
        waited = self._clock() - self._started
        finished = feed.replay is not None and feed.replay.finished
        limit = DEFAULT_LIMIT_S if self._seconds is None else self._seconds
        if waited >= limit or finished:
            if drawable:
                return True
            # A finished replay publishes its last view slightly later, so keep waiting.
            if waited >= limit:
                raise FeedFailed(self._nothing(feed))
        return self._seconds is None and (ready or (drawable and waited >= PATIENCE_S))

    @property
    def _stands(self) -> bool:
        """Whether one moment of a recording is drawn."""
        settings = self._engine.settings
        return settings.replay is not None and bool(settings.at)

    def _has_arrived(self, feed: FeedView) -> bool:
        """Whether the moment that was asked for is there: it is drawn as it was, proven or not."""
        replay = feed.replay
        return replay is not None and not replay.seeking and bool(replay.paused or replay.finished) and bool(feed.tabs)

    def _look_for_refusals(self) -> None:
        while len(self._listener):
            event: Any = self._listener.get(0.0)
            if event is None:
                break
            if leaves_no_book(event):
                self._refused[canonical(event.symbol)] = f"{event.symbol}: {event.sentence}"
        # Without named pairs, a recording shows all it holds, and nothing can be refused.
        if self._wanted and self._refused.keys() >= self._wanted:
            raise ConfigurationError("; ".join(self._refused.values()))

    def _nothing(self, feed: FeedView) -> str:
        waited = self._clock() - self._started
        return f"there was nothing to draw after {waited:.0f} s; the connection is {feed.state}: {feed.cause}"


def _seen(kind: str, feed: FeedView, view: PairView | None) -> tuple[int, int]:
    """(how much there is to draw, how much makes for a good chart)."""
    if kind == "latency":
        return feed.latency.count, _LATENCIES_WANTED
    if view is None:
        return 0, 1
    if kind == "heatmap":
        return len(view.samples) if view.proof is Proof.VERIFIED else 0, _SAMPLES_WANTED
    if kind == "candles":
        return len(view.candles), _CANDLES_WANTED
    if kind in ("spread", "imbalance"):
        return len(view.samples), _SAMPLES_WANTED
    proven = view.proof is Proof.VERIFIED and view.bids and view.asks
    return int(bool(proven)), 1
