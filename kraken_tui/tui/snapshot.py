"""A picture of the screen without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kraken_tui.engine.api import MarketSource
from kraken_tui.errors import FeedFailed
from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView
from kraken_tui.settings import Settings
from kraken_tui.text import clean_text
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.export.svg import screen_svg
from kraken_tui.tui.panes import views

_POLL_S = 0.02


def has_proven_book(feed: FeedView) -> bool:
    """Whether any pair's book is proven."""
    return any(tab.proof is Proof.VERIFIED for tab in feed.tabs)


async def picture(
    source: MarketSource,
    settings: Settings,
    *,
    size: tuple[int, int],
    view: str,
    until: Callable[[FeedView], bool] | None,
) -> str:
    """Draw one picture without a terminal.

    Args:
        source: A running engine.
        settings: As for the screen.
        size: Columns and rows.
        view: Name of a view.
        until: Says when there is enough to draw; None waits for a proven book of any pair.

    Returns:
        SVG text.

    Raises:
        FeedFailed: The feed failed for good.
        ValueError: There is no such view.
    """
    if view not in views():
        raise ValueError(f'there is no view "{clean_text(view, 40)}"')
    ready = until or has_proven_book
    app = KrakenApp(source, settings, live=False)
    async with app.run_test(size=size) as pilot:
        while True:
            app.tick()
            feed = app.feed
            if feed.fatal:
                raise FeedFailed(feed.fatal)
            if ready(feed):
                _show_a_proven_pair(app, feed)
                if app.pair_view is not None:
                    break
            await asyncio.sleep(_POLL_S)
        app.main.set_view(view)
        await pilot.pause()
        app.tick(everything=True)
        await pilot.pause()
        return screen_svg(app, app.picture_title())


def _show_a_proven_pair(app: KrakenApp, feed: FeedView) -> None:
    """Turn to the first proven pair where the one on screen (say, a refused one) is not proven."""
    proven = [tab.symbol for tab in feed.tabs if tab.proof is Proof.VERIFIED]
    if proven and app.main.symbol not in proven:
        app.main.show_pair(proven[0])
