"""The tape: prints, newest first, in tiers of their value.

A print is one row and stays in it; only the newest may still grow while fills of its order arrive. Value decides the
emphasis and the length of the bar (`amounts.share_of_bar`), so that tiers can be told without colour.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import msgspec

from kraken_tui.market.events import Print, Side
from kraken_tui.market.trades import DELTA_S
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.amounts import (
    Amounts,
    compact,
    share_of_bar,
    signed,
    size_amounts,
    tier_of,
    value_amounts,
)
from kraken_tui.tui.draw.format import bar_right, clock, price
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, draw_waiting, in_cells, on, shorten, width_of
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.words import counted

HEAD_ROWS = 2
"""Rows above the prints: title and column headers."""

_SIZE = 7
_FINE_SIZE = 9
_VALUE = 8
_FILLS = 5
_BARS = (3, 6, 12)
_LONGEST_BAR = 24
# (style of the numbers, whether side and price are bold, whether the row has a background), by tier.
_EMPHASIS = (("muted", False, False), ("text", False, False), ("bright", False, False), ("!bright", True, False),
             ("!bright", True, True))  # fmt: skip


class TapeShape(msgspec.Struct, frozen=True):
    """Columns of the tape; they follow from its width, the pair and the digits of its price.

    Attributes:
        time: Decimals of the second.
        price: Cells of a price.
        size: Size column.
        bar: Cells of the bar, 0 for none.
        value: Value column, None where it does not fit.
        fills, average, first: Whether there is a column for the number of fills, their average and the first price.
    """

    time: int
    price: int
    size: Amounts
    bar: int
    value: Amounts | None
    fills: bool
    average: bool
    first: bool


def tape_shape(view: PairView, width: int) -> TapeShape:
    """Choose columns for `width` cells: a bar first, then value, fills, milliseconds, average and first price."""
    spec = view.spec
    assert spec is not None
    top = max((max(each.first, each.last) for each in view.prints), default=0)
    # A growing print must not widen the column: the last price counts too.
    price_cells = max(5, len(price(max(top, view.last or 0), spec.price_precision)))
    left = width - len("00:00:00 ▲ ") - _SIZE - 1 - price_cells

    def take(cells: int) -> bool:
        nonlocal left
        fits = left >= cells
        left -= cells * fits
        return fits

    bar = _BARS[0] if take(1 + _BARS[0]) else 0
    value = take(1 + _VALUE)
    if bar and take(_BARS[1] - _BARS[0]):
        bar = _BARS[1]
    fills = value and take(1 + _FILLS)
    fine = fills and take(4)
    wide_size = fine and take(_FINE_SIZE - _SIZE)
    average = wide_size and take(1 + price_cells + 1)
    if bar and take(_BARS[2] - _BARS[1]):
        bar = _BARS[2]
    first = average and take(1 + price_cells)
    if bar:
        bar = min(_LONGEST_BAR, bar + max(0, left))
    return TapeShape(
        3 if fine else 0,
        price_cells,
        size_amounts(view, _FINE_SIZE if wide_size else _SIZE),
        bar,
        value_amounts(view, _VALUE) if value else None,
        fills,
        average,
        first,
    )


def _header(shape: TapeShape) -> Line:
    time = 12 if shape.time else 8
    text = "time".ljust(time + 3) + "size".rjust(shape.size.width) + " " + "price".rjust(shape.price)
    if shape.value:
        text += " " + "value".rjust(shape.value.width)
    if shape.fills:
        text += " " + "fills".rjust(_FILLS)
    if shape.average:
        text += " " + "average".rjust(shape.price + 1)
    if shape.first:
        text += " " + "from".rjust(shape.price)
    return ((text, "muted"),)


def _row(
    printed: Print, view: PairView, spec: PairSpec, shape: TapeShape, ascii_only: bool, under_cursor: bool, own: str
) -> Line:
    buy = printed.side is Side.BUY
    tier = tier_of(printed.turnover, view.tiers)
    numbers, bold, filled = _EMPHASIS[tier]
    ground = ("bid-faint" if buy else "ask-faint") if filled else ""
    side = ("!" if bold else "") + ("bid" if buy else "ask")
    quiet = "text" if filled else "muted"
    if not printed.live:
        numbers = side = quiet = "muted"
        ground = ""
    if under_cursor:
        ground, numbers, quiet, side = "cursor", "!text", "text", side if printed.live else "text"
    runs: list[Run] = [
        *_when(clock(printed.venue_ns, shape.time), own, quiet, ground),
        ("▲ " if buy else "▼ ", on(side, ground)),
        (shape.size.text(printed.qty) + " ", on(numbers, ground)),
        (price(printed.last, spec.price_precision).rjust(shape.price), on(side, ground)),
    ]
    if shape.value:
        runs.append((" " + shape.value.text(printed.turnover), on(numbers, ground)))
    details = ""
    if shape.fills:
        details += " " + (_count(printed.count) if printed.count > 1 else "").rjust(_FILLS)
    if shape.average:
        details += " " + (_average(printed, spec) if printed.levels > 1 else "").rjust(shape.price + 1)
    if shape.first:
        first = price(printed.first, spec.price_precision) if printed.levels > 1 else ""
        details += " " + first.rjust(shape.price)
    if details:
        runs.append((details, on(quiet, ground)))
    if shape.bar:
        length = max(min(tier, 1), round(8 * shape.bar * share_of_bar(printed.turnover, view.tiers)))
        runs.append((" ", on("text", ground)))
        key = ("bid-bar" if buy else "ask-bar") if printed.live else "faint"
        runs.append(bar_right(length, shape.bar, on(key, ground), ascii_only))
    return tuple(runs)


def _count(fills: int) -> str:
    return f"×{fills}" if fills < 10_000 else "×9999+"[:_FILLS]


def _average(printed: Print, spec: PairSpec) -> str:
    """The average price with one decimal more than a price has, rounded."""
    return price((20 * printed.turnover + printed.qty) // (2 * printed.qty), spec.price_precision + 1)


def _notes(view: PairView, minimum: int, spec: PairSpec) -> list[tuple[Run, ...]]:
    """What the heading says, the longest form first: the filter, and the delta of the last minute."""
    short = f"≥ {compact(minimum, spec.price_precision + spec.qty_precision)}"
    long = f"{short} {in_cells(spec.quote)}" if minimum else short
    if view.session is None:
        return [((long, "muted"),), ((short, "muted"),)]
    delta = view.session.recent
    text = signed(delta, spec.price_precision + spec.qty_precision)
    key = "bid" if delta > 0 else "ask" if delta < 0 else "muted"
    return [
        ((f"{long}   delta {DELTA_S} s ", "muted"), (f"{text} {in_cells(spec.quote)}".rjust(11), key)),
        ((f"{short}  delta {DELTA_S} s ", "muted"), (text.rjust(6), key)),
        ((f"{short}  delta ", "muted"), (text.rjust(6), key)),
        ((short, "muted"),),
    ]


def tape_title(view: PairView, minimum: int, spec: PairSpec, width: int) -> Line:
    """The first row of the pane: its title, the filter in force and the delta; what does not fit is left out whole."""
    head: tuple[Run, ...] = (("─ ", "rule"), ("Tape", "title"), (" ", "rule"))
    for note in _notes(view, minimum, spec):
        stale: tuple[Run, ...] = (("STALE  ", "stale"),) if view.stale else ()
        tail = ((" ", "muted"), *stale, *note, (" ", "muted"))
        rule = width - width_of(head) - width_of(tail)
        if rule >= 1:
            return (*head, ("─" * rule, "rule"), *tail)
    return (*head, ("─" * max(0, width - width_of(head)), "rule"))


def prints_shown(picture: Picture, height: int) -> list[Print]:
    """The prints of the rows of a tape of so many rows, from the third row on."""
    view = picture.pair
    if view is None:
        return []
    tier = min(picture.tape_tier, len(view.tiers))
    minimum = view.tiers[tier - 1] if tier else 0
    return list(islice((each for each in view.prints if each.turnover >= minimum), max(0, height - HEAD_ROWS)))


def draw_tape(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the newest prints, newest first, from the tier in `picture.tape_tier` on.

    Prints of the subscription's snapshot are muted: they were not seen to happen.

    Args:
        picture: What to draw.
        width: Cells.
        height: Rows; the title takes one, the column headers one.
    """
    view = picture.pair
    if view is None or view.spec is None or not view.prints:
        return draw_waiting("Tape", "No trade yet", width, height)
    spec = view.spec
    tier = min(picture.tape_tier, len(view.tiers))
    minimum = view.tiers[tier - 1] if tier else 0
    title = tape_title(view, minimum, spec, width)
    shape = tape_shape(view, width)
    if width < len("00:00:00 ▲ ") + _SIZE + 1 + shape.price:
        return [title, *draw_waiting("", "Too narrow here", width, max(1, height - 1))[1:]]
    own = _own_marks(picture)
    lines = [title, _header(shape)]
    for printed in prints_shown(picture, height):
        low, high = sorted((printed.first, printed.last))
        lit = picture.at_cursor(printed.venue_ns, low, high, asks=printed.side is Side.BUY)
        row = _row(printed, view, spec, shape, picture.ascii_only, lit, own(printed))
        lines.append(_padded(row, width))
    if len(lines) == 2:
        least = f"{compact(minimum, spec.price_precision + spec.qty_precision)} {in_cells(spec.quote)}"
        words = f"No print of ≥ {least} among the last"
        lines.append(((shorten(f"{words} {counted(len(view.tape), 'trade')}", width), "muted"),))
    return lines


def _when(time: str, own: str, quiet: str, ground: str) -> tuple[Run, ...]:
    """The time, and the mark of an own print."""
    if not own:
        return ((f"{time} ", on(quiet, ground)),)
    return ((time, on(quiet, ground)), (own, on("accent", ground)))


def _own_marks(picture: Picture) -> Callable[[Print], str]:
    if picture.account is None:
        return lambda _: ""
    from kraken_tui.tui.draw.own_fills import own_prints

    return own_prints(picture)


def _padded(line: Line, width: int) -> Line:
    """Extend a row with its own background to the pane's edge."""
    used = width_of(line)
    ground = line[0][1].partition("/")[2]
    return (*line, (" " * (width - used), on("text", ground))) if ground and used < width else line
