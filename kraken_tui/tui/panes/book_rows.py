"""What the panes of ladder and aggregated book share: the levels that just changed, and the price that was clicked."""

from __future__ import annotations

from textual.message import Message

from kraken_tui.market.events import Level, Proof
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.book_memory import FLASH_NS, LEAP_NS
from kraken_tui.tui.draw.book_rows import NOTHING_CHANGED, Changed

WHEEL_ROWS = 3
"""Rows a turn of the mouse wheel moves a book."""


class PriceChosen(Message):
    """A row of a book was clicked.

    Attributes:
        ticks: Its price.
    """

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self.ticks = ticks


class ChangeTracker:
    """Notices which levels changed between the views a pane is given.

    Args:
        on: Whether to look at all; every change is painted twice, with and without its brighter background.
    """

    def __init__(self, on: bool = True) -> None:
        self._on = on
        self._symbol = ""
        self._taken_ns = 0
        self._levels: tuple[tuple[Level, ...], tuple[Level, ...]] = ((), ())
        self._changed_ns: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def take(self, view: PairView) -> Changed:
        """Compare with the view before; a first view, another pair or an unproven book changes nothing."""
        if not self._on:
            return NOTHING_CHANGED
        now = view.now_ns
        levels = (view.bids, view.asks)
        leapt = abs(now - self._taken_ns) >= LEAP_NS
        self._taken_ns = now
        if leapt or view.symbol != self._symbol or view.proof is not Proof.VERIFIED:
            self._changed_ns = ({}, {})
        else:
            for old, new, changed in zip(self._levels, levels, self._changed_ns, strict=True):
                _note_changes(old, new, changed, now)
                for ticks in [ticks for ticks, ns in changed.items() if not 0 <= now - ns < FLASH_NS]:
                    del changed[ticks]
        self._symbol = view.symbol
        self._levels = levels
        bids, asks = self._changed_ns
        return Changed(frozenset(bids), frozenset(asks)) if bids or asks else NOTHING_CHANGED


def _note_changes(old: tuple[Level, ...], new: tuple[Level, ...], changed: dict[int, int], now: int) -> None:
    if old is new or not old or not new:
        return
    # Levels past the old end came into view because others left; they did not change.
    best, worst = new[0][0], old[-1][0]
    ascending = best <= worst
    for ticks, _ in set(new) - set(old):
        if (ticks <= worst) if ascending else (ticks >= worst):
            changed[ticks] = now
