"""The depth ladder: exact levels with their running totals."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kraken_tui.market.book import Level


class LadderRow(msgspec.Struct, frozen=True):
    """One level of one side.

    Attributes:
        ticks: Price.
        lots: Size of this level.
        cumulative: Lots from the touch to this level, inclusive.
        percent: `cumulative` as a percentage of the shown side, 0 < percent <= 100.
        notional: Price x size of this level, ticks x lots (10^-(price_precision + qty_precision) quote units).
        cumulative_notional: The same from the touch to this level, inclusive.
    """

    ticks: int
    lots: int
    cumulative: int
    percent: float
    notional: int
    cumulative_notional: int


def ladder(levels: Iterable[Level]) -> tuple[LadderRow, ...]:
    """Rows of one side of the ladder.

    Args:
        levels: (ticks, lots) of one side, best first; exactly the levels that are shown.

    Returns:
        One row a level, best first; empty for an empty side.
    """
    shown = tuple(levels)
    total = sum(lots for _, lots in shown)
    rows: list[LadderRow] = []
    cumulative = cumulative_notional = 0
    for ticks, lots in shown:
        cumulative += lots
        cumulative_notional += ticks * lots
        percent = 100 * cumulative / total if total else 100.0
        rows.append(LadderRow(ticks, lots, cumulative, percent, ticks * lots, cumulative_notional))
    return tuple(rows)
