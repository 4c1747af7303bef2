"""Tells a sink that the engine has stopped answering, since the engine cannot: health events, judged by the reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from kraken_tui.market.events import Health, MarketStatus
from kraken_tui.market.freshness import aged, silence_ns, silence_text
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.units import SECOND

REPEAT_NS = 10 * SECOND
"""Time after which a silence is told again, with its length by then."""


class Source(Protocol):
    """What is asked of the engine; see `engine.api.MarketSource`."""

    @property
    def feed_view(self) -> FeedView:
        """Newest view of the connection."""
        ...

    def now(self) -> int:
        """Clock to judge views by."""
        ...

    def step(self) -> str:
        """What the engine's thread is in."""
        ...

    def view(self, symbol: str) -> PairView | None:
        """Newest view of a pair."""
        ...


class Liveness:
    """Looks at an engine from which nothing comes.

    Args:
        source: The engine.

    Attributes:
        pending: Whether there is something to look for although events come: pairs whose return is to be told.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._told_ns: int | None = None
        self._doubted: dict[str, int] = {}

    @property
    def pending(self) -> bool:
        return bool(self._doubted)

    def look(self) -> tuple[str, list[Health]]:
        """Look once; call it whenever no event came for a moment, and often while `pending`.

        Returns:
            (a sentence for the user or "", health of each pair): stale, when the silence is noticed and every
            `REPEAT_NS` of it; as it is, with the first view from after it.
        """
        source = self._source
        feed, now_ns = source.feed_view, source.now()
        silent_ns = silence_ns(feed.made_ns, now_ns)
        if not silent_ns:
            return self._back(feed)
        if self._told_ns is not None and now_ns - self._told_ns < REPEAT_NS:
            return "", []
        first, self._told_ns = self._told_ns is None, now_ns
        step = source.step()
        sentence = silence_text(silent_ns) + (f"; it is in: {step}" if step else "")
        return (sentence if first else ""), list(self._stale(feed, now_ns, silent_ns))

    def _stale(self, feed: FeedView, now_ns: int, silent_ns: int) -> Iterator[Health]:
        for tab in feed.tabs:
            view = self._source.view(tab.symbol)
            self._doubted[tab.symbol] = now_ns
            if view is None:
                yield Health(tab.symbol, MarketStatus.UNKNOWN, silence_text(silent_ns), None)
            else:
                yield aged(view, now_ns, silent_ns=silent_ns).health

    def _back(self, feed: FeedView) -> tuple[str, list[Health]]:
        sentence = "" if self._told_ns is None else "engine answers again"
        self._told_ns = None
        told: list[Health] = []
        for symbol, since_ns in tuple(self._doubted.items()):
            view = self._source.view(symbol)
            if view is not None and view.made_ns is not None and view.made_ns > since_ns:
                told.append(view.health)
            elif view is not None or any(tab.symbol == symbol for tab in feed.tabs):
                continue
            del self._doubted[symbol]
        return sentence, told
