"""What a picture is drawn from: the newest views, those of a pause, or those of a moment of the past.

All panes get the same: one pair and one feed of one moment. Only what a person must be told at any time (an engine
that hangs, a feed that failed, the recorder) is of now whatever is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from kraken_tui.engine.api import MarketSource
from kraken_tui.market.events import Proof
from kraken_tui.market.freshness import aged, aged_account, aged_feed, held, held_account
from kraken_tui.market.views import FeedView, PairSummary, PairView, Published, tab_of
from kraken_tui.tui.draw.format import clock
from kraken_tui.tui.time_control import TimeControl

if TYPE_CHECKING:
    from kraken_tui.market.history.moments import MarketHistory
    from kraken_tui.market.private_views import AccountView

Move = Callable[[TimeControl, "MarketHistory", int], bool]
"""A step in time: of this control, in this past, with this newest moment; whether it moved."""


class Seen(msgspec.Struct, frozen=True):
    """What one picture is drawn from.

    Attributes:
        pair: The pair on screen, of the moment shown.
        feed: The feed, with tabs of the same moment.
        live: The newest feed.
        newest: The pair as it is now; the same as `pair` while live.
        account: The account; of now in the past too, as it has no past.
    """

    pair: PairView | None
    feed: FeedView
    live: FeedView
    newest: PairView | None
    account: AccountView | None = None


class ShownMoment:
    """Chooses between now, a pause and the past, and builds each moment once.

    Args:
        source: Where views and the past come from.

    Attributes:
        time: Which moment of the past is shown.
        frozen: All that was published when the screen was paused; None while it is not.
    """

    def __init__(self, source: MarketSource) -> None:
        self._source = source
        self.time = TimeControl()
        self.frozen: Published | None = None
        self._built: tuple[tuple[object, ...], PairView | None] = ((), None)
        self._tabs: tuple[tuple[object, ...], tuple[PairSummary, ...]] = ((), ())

    @property
    def moment_ns(self) -> int | None:
        """The moment shown, by the engine's wall clock; None while the screen follows the market."""
        return self.time.moment_ns if self.frozen is None else self.frozen.feed.now_ns

    @property
    def in_past(self) -> bool:
        """Whether a moment of the past is shown, built from what is held of it; a pause is not."""
        return self.time.moment_ns is not None

    def look(self, symbol: str) -> Seen:
        """What a picture of this pair is drawn from now."""
        published = self._source.published()
        now_ns = self._source.now()
        live = aged_feed(published.feed, now_ns)
        newest = published.pairs.get(symbol)
        newest = None if newest is None else aged(newest, now_ns)
        account = None if published.account is None else aged_account(published.account, now_ns)
        if self.frozen is not None:
            pair, feed = held(self.frozen, live, symbol, now_ns)
            return Seen(pair, feed, live, newest, held_account(self.frozen.account, account))
        if self.time.moment_ns is not None:
            pair = self.view(symbol, self.time.moment_ns)
            return Seen(pair, replace(live, tabs=self._tabs_of(live, pair, self.time.moment_ns)), live, newest, account)
        if newest is None:
            return Seen(None, live, live, None, account)
        return Seen(newest, Published(live, {symbol: newest}).agreed().feed, live, newest, account)

    def view(self, symbol: str, ns: int) -> PairView | None:
        """A pair at a moment; None where nothing is known of it. The last one built is kept."""
        history = self._source.history(symbol)
        newest = None if history is None else history.newest
        if history is None or newest is None:
            return None
        key = (symbol, ns, id(history), newest.interval)
        if self._built[0] != key:
            self._built = (key, history.view(ns))
        return self._built[1]

    def _tabs_of(self, live: FeedView, pair: PairView | None, ns: int) -> tuple[PairSummary, ...]:
        key = (ns, tuple((tab.symbol, tab.problem) for tab in live.tabs))
        if self._tabs[0] != key:
            self._tabs = (key, tuple(self._tab_of(tab, ns) for tab in live.tabs))
        return tuple(tab_of(tab, pair) if pair and tab.symbol == pair.symbol else tab for tab in self._tabs[1])

    def _tab_of(self, tab: PairSummary, ns: int) -> PairSummary:
        history = self._source.history(tab.symbol)
        then = None if history is None else history.glance(ns)
        if then is not None:
            return then
        # Of then nothing is known, which is neither a price nor a proof.
        return PairSummary(tab.symbol, None, tab.price_precision, 0, Proof.CHECKING, False, tab.problem)

    def since(self, symbol: str) -> str:
        """Since when the past of a pair is known, in words."""
        history = self._source.history(symbol)
        since = None if history is None else history.since_ns
        return f"Nothing is known yet of {symbol}" if since is None else f"{symbol} known since {clock(since)}"

    # Moving

    def pause(self) -> None:
        """Hold what is published now, all pairs of it; from a pause or the past go back to now."""
        if self.moment_ns is not None:
            self.live()
            return
        published, now_ns = self._source.published(), self._source.now()
        pairs = {symbol: aged(view, now_ns) for symbol, view in published.pairs.items()}
        account = None if published.account is None else aged_account(published.account, now_ns)
        self.frozen = Published(aged_feed(published.feed, now_ns), pairs, account).agreed()

    def live(self) -> bool:
        """Go back to now; whether another moment was shown."""
        paused, self.frozen = self.frozen is not None, None
        return self.time.live() or paused

    def move(self, symbol: str, move: Move) -> str:
        """Move in time, from a pause too.

        Args:
            symbol: The pair on screen, whose past it is.
            move: The step.

        Returns:
            A sentence where there is something to say, such as that nothing older is held; else "".
        """
        history = self._source.history(symbol)
        if history is None or history.since_ns is None:
            return f"There is no past of {symbol} yet." if symbol else "There is no past yet."
        now_ns = max(self._source.published().feed.now_ns, self.moment_ns or 0)
        if self.frozen is not None:
            self.time.moment_ns, self.frozen = self.frozen.feed.now_ns, None
        was_past = self.in_past
        moved = move(self.time, history, now_ns)
        moment = self.time.moment_ns
        if moment is None:
            return "Live again." if was_past else ""
        if moment <= history.since_ns or not moved:
            return f"{self.since(symbol)}."
        return ""
