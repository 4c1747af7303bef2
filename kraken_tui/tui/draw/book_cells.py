"""Rows of the aggregated book as cells: both halves around the price, or all columns at one side of it. Pure."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import msgspec

from kraken_tui.market.book.aggregation import BookRow
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_rows import CUT_LEFT, CUT_RIGHT, RowKeys, cut_key, row_keys
from kraken_tui.tui.draw.book_shape import BookShape, pull_text
from kraken_tui.tui.draw.runs import Line, Run, on

HATCH = "╱"
"""Texture of rows beyond the depth of the book."""

_LARGE, _SMALL = 2, 25


class Knowledge(IntEnum):
    """What is known of one side of a row."""

    ALL = 0
    AT_LEAST = 1
    """The edge of the book runs through it."""
    NOTHING = 2


class Sheet(msgspec.Struct, frozen=True):
    """What all rows of one drawing share; `scale` is the size in lots that fills a bar, `sums` whether sizes grow."""

    shape: BookShape
    scale: int
    sums: bool
    trusted: bool
    stale: bool
    ascii_only: bool


class Half(msgspec.Struct, frozen=True):
    """One side of a row: what is known of it, whether the touch is there, whether its number just changed."""

    known: Knowledge
    touch: bool
    changed: bool


class Marks(msgspec.Struct, frozen=True):
    """What distinguishes a row besides its numbers: its sides, the role of its price, and its rules."""

    bid: Half
    ask: Half
    price: str
    cursor: bool
    rule: str
    rule_key: str


class Singles(msgspec.Struct, frozen=True):
    """The single orders of a row's sides in lots, the head of the queue first, and the numbers of the own ones."""

    bids: tuple[int, ...] = ()
    asks: tuple[int, ...] = ()
    own_bids: frozenset[int] = frozenset()
    own_asks: frozenset[int] = frozenset()


NO_SINGLES = Singles()


@lru_cache(maxsize=2048)
def row_line(sheet: Sheet, row: BookRow, marks: Marks, moved: int = 0, singles: Singles = NO_SINGLES) -> Line:
    """One row of the book; most of them do not change between drawings.

    Args:
        sheet: What all rows share.
        row: Its numbers.
        marks: What distinguishes it.
        moved: Lots stacked less those pulled.
        singles: The orders its bars are made of, where they are known.
    """
    pull = _pull(sheet, moved, marks)
    if sheet.shape.one_side:
        return (*_one_side(sheet, row, marks, singles), *pull, *_traded(sheet, row, marks))
    bids = _bid_half(sheet, row, marks, singles)
    return (*bids, *_price_cells(sheet, row, marks), *_ask_half(sheet, row, marks, singles), *pull)


def _bar(sheet: Sheet, lots: int, sizes: tuple[int, ...], own: frozenset[int], width: int, key: str) -> tuple[Run, ...]:
    """A bar that grows to the right: of its single orders where they are known, else in one."""
    if sizes:
        from kraken_tui.tui.draw.segments import order_bar

        return order_bar(sizes, own, sheet.scale, width, key, ascii_only=sheet.ascii_only)
    return (fmt.bar_right(fmt.eighths(lots, sheet.scale, width), width, key, sheet.ascii_only),)


def _left_bar(sheet: Sheet, lots: int, singles: Singles, width: int, key: str) -> tuple[Run, ...]:
    if singles.bids:
        from kraken_tui.tui.draw.segments import order_bar

        own = singles.own_bids
        return order_bar(singles.bids, own, sheet.scale, width, key, left=True, ascii_only=sheet.ascii_only)
    return fmt.bar_left(fmt.eighths(lots, sheet.scale, width), width, key, sheet.ascii_only, fine=True)


def _one_side(sheet: Sheet, row: BookRow, marks: Marks, singles: Singles) -> tuple[Run, ...]:
    """Price, size and bar. Bids and asks rest in different rows; where the book is crossed the larger is shown."""
    shape = sheet.shape
    _, touch, *price, after, _ = _price_cells(sheet, row, marks)
    touched = marks.bid.touch or marks.ask.touch
    head = (("▸" if touched else " ", touch[1]), *price, (" ", after[1]))
    is_bid = row.bid > row.ask or (row.bid == row.ask and marks.bid.known is not Knowledge.ALL)
    lots, half, side = (row.bid, marks.bid, "bid") if is_bid else (row.ask, marks.ask, "ask")
    if half.known is Knowledge.NOTHING:
        return (*head, *_unknown(shape, marks))
    ground = _ground(marks)
    if not lots:
        return (*head, (" " * shape.resting, on("text", ground)))
    keys = row_keys(side, ground, sheet.trusted, sheet.stale)
    width = shape.bar
    cut: tuple[Run, ...] = ()
    if lots > sheet.scale and width:
        cut, width = ((CUT_RIGHT, cut_key(f"{side}-bar", sheet.trusted)),), width - 1
    sizes, own = (singles.bids, singles.own_bids) if is_bid else (singles.asks, singles.own_asks)
    bar = _bar(sheet, lots, sizes, own, width, keys.bar)
    return (*head, *_number(sheet, lots, half, keys, ground), *bar, *cut)


def _traded(sheet: Sheet, row: BookRow, marks: Marks) -> tuple[Run, ...]:
    """Sold and bought side by side, each after the cell that keeps it apart."""
    ground = "cursor" if marks.cursor else ""
    return (*_volume(sheet, row.sold, "down", ground)[::-1], *_volume(sheet, row.bought, "up", ground)[::-1])


def _pull(sheet: Sheet, moved: int, marks: Marks) -> tuple[Run, ...]:
    """Stacked less pulled; the large ones stand out."""
    if sheet.shape.pull is None:
        return ()
    large, small = _LARGE * abs(moved) >= sheet.scale, _SMALL * abs(moved) < 4 * sheet.scale
    role = "accent" if large and sheet.trusted else "muted" if small or not sheet.trusted else "text"
    return ((pull_text(sheet.shape, moved), on(role, "cursor" if marks.cursor else "")),)


def _ground(marks: Marks, half: Half | None = None) -> str:
    """Background: of the cursor's row, of the touch's own half and its price, or none."""
    if marks.cursor:
        return "cursor"
    touch = half.touch if half else marks.bid.touch or marks.ask.touch
    return "touch" if touch else ""


def _price_cells(sheet: Sheet, row: BookRow, marks: Marks) -> tuple[Run, ...]:
    """The price between its rules: solid inside the band, dotted outside; ticks outwards at every tenth step."""
    shape, ground = sheet.shape, _ground(marks)
    rule = on(marks.rule_key, "cursor" if marks.cursor else "")
    key = on(marks.price, ground)
    if marks.price in ("bid", "ask"):
        key = row_keys(marks.price, ground, sheet.trusted, sheet.stale).price
    elif marks.price == "text" and not sheet.trusted:
        key = on("muted", ground)
    if marks.bid.touch or marks.ask.touch:
        key = f"!{key}"
    mark = on("bright" if sheet.trusted else "muted", ground)
    return (
        (marks.rule[0], rule),
        ("▸" if marks.bid.touch else " ", mark),
        *fmt.price_runs(row.ticks // shape.divisor, shape.decimals, shape.price, key, on("muted", ground)),
        ("◂" if marks.ask.touch else " ", mark),
        (marks.rule[1], rule),
    )


def _bid_half(sheet: Sheet, row: BookRow, marks: Marks, singles: Singles) -> tuple[Run, ...]:
    shape, half = sheet.shape, marks.bid
    volume = _volume(sheet, row.sold, "down", "cursor" if marks.cursor else "")
    if half.known is Knowledge.NOTHING:
        return (*volume, *_unknown(shape, marks))
    ground = _ground(marks, half)
    if not row.bid:
        return (*volume, (" " * shape.resting, on("text", ground)))
    keys = row_keys("bid", ground, sheet.trusted, sheet.stale)
    width = shape.bar
    bar: tuple[Run, ...] = ()
    if row.bid > sheet.scale and width:
        bar, width = ((CUT_LEFT, cut_key("bid-bar", sheet.trusted)),), width - 1
    bar += _left_bar(sheet, row.bid, singles, width, keys.bar)
    return (*volume, *bar, *_number(sheet, row.bid, half, keys, ground))


def _ask_half(sheet: Sheet, row: BookRow, marks: Marks, singles: Singles) -> tuple[Run, ...]:
    shape, half = sheet.shape, marks.ask
    volume = _volume(sheet, row.bought, "up", "cursor" if marks.cursor else "")[::-1]
    spare: tuple[Run, ...] = ((" " * shape.spare, on("text", "cursor" if marks.cursor else "")),) if shape.spare else ()
    if half.known is Knowledge.NOTHING:
        return (*_unknown(shape, marks), *volume, *spare)
    ground = _ground(marks, half)
    if not row.ask:
        return ((" " * shape.resting, on("text", ground)), *volume, *spare)
    keys = row_keys("ask", ground, sheet.trusted, sheet.stale)
    width = shape.bar
    cut: tuple[Run, ...] = ()
    if row.ask > sheet.scale and width:
        cut, width = ((CUT_RIGHT, cut_key("ask-bar", sheet.trusted)),), width - 1
    bar = _bar(sheet, row.ask, singles.asks, singles.own_asks, width, keys.bar)
    return (*_number(sheet, row.ask, half, keys, ground), *bar, *cut, *volume, *spare)


def _unknown(shape: BookShape, marks: Marks) -> tuple[Run, ...]:
    """The texture of what lies beyond the edge of the book: neither a number nor nothing."""
    return ((HATCH * shape.resting, on("muted", "cursor") if marks.cursor else "rule"),)


def _number(sheet: Sheet, lots: int, half: Half, keys: RowKeys, ground: str) -> tuple[Run, ...]:
    """A size with a cell before and after it; the large ones stand out, and only its own cells show a change."""
    text = sheet.shape.size.text(lots)
    digits = text.lstrip()
    key = keys.size
    if sheet.trusted:
        large, small = _LARGE * lots >= sheet.scale, _SMALL * lots < sheet.scale
        role = "text" if sheet.sums else "!bright" if large else "muted" if small else "text"
        under = "changed" if half.changed and ground != "cursor" else ground
        key = on(role, under)
    after = "+" if half.known is Knowledge.AT_LEAST else " "
    return (
        (" " * (1 + len(text) - len(digits)), on("text", ground)),
        (digits, key),
        (after, keys.label),
    )


def _volume(sheet: Sheet, lots: int, role: str, ground: str) -> tuple[Run, ...]:
    """What traded at a price, in the aggressor's colour, and the cell that keeps it apart."""
    volume = sheet.shape.volume
    if volume is None:
        return ()
    gap = (" ", on("text", ground))
    if not lots:
        return ((" " * volume.width, on("text", ground)), gap)
    # What was traded stays true while the resting book is unproven.
    return ((volume.text(lots), on(role, ground)), gap)
