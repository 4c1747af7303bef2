"""Cumulative delta of the time on screen by the value of the prints it is made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from kraken_tui.market.events import Print, Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.amounts import compact, signed, tier_of
from kraken_tui.tui.draw.format import clock
from kraken_tui.tui.draw.runs import Line, blank, shorten, title_line


def draw_cvd(view: PairView | None, seen_ns: tuple[int, int] | None, width: int, height: int) -> list[Line]:
    """Draw the pane: the delta of all prints of the time on screen, then of each tier of value.

    Args:
        view: The pair.
        seen_ns: From when to when; None before that is known.
        width, height: Cells.
    """
    if view is None or view.spec is None or seen_ns is None:
        return [title_line("CVD", "", width)]
    tiers, spec = view.tiers, view.spec
    prints = [each for each in view.prints if each.live and seen_ns[0] <= each.venue_ns <= seen_ns[1]]
    # Of a tape that does not reach back so far only the larger prints are left.
    reaches = min((trade.venue_ns for trade in view.tape), default=seen_ns[0])
    begin = max(seen_ns[0], reaches)
    prints = [each for each in prints if each.venue_ns >= begin]
    lines = [title_line("CVD", f"since {clock(begin)}", width)]
    rows = [("all prints", prints)]
    for tier in range(len(tiers) + 1 if tiers else 0):
        rows.append((_name(view, tier), [each for each in prints if tier_of(each.turnover, tiers) == tier]))
    for name, chosen in rows:
        delta = _delta(chosen)
        text = signed(delta, spec.qty_precision) if chosen else "·"
        role = "up" if delta > 0 else "down" if delta < 0 else "muted"
        room = width - len(text) - 1
        lines.append(((f" {shorten(name, room)}".ljust(room), "muted"), (text, role), (" ", "text")))
    lines += [blank(width)] * (height - len(lines))
    return lines[:height]


def _delta(prints: Iterable[Print]) -> int:
    return sum(each.qty if each.side is Side.BUY else -each.qty for each in prints)


def _name(view: PairView, tier: int) -> str:
    assert view.spec is not None
    precision = view.spec.price_precision + view.spec.qty_precision
    bounds = [compact(value, precision) for value in view.tiers]
    if not tier:
        return f"< {bounds[0]} {view.spec.quote}"
    return f"≥ {bounds[-1]}" if tier == len(bounds) else f"{bounds[tier - 1]}–{bounds[tier]}"
