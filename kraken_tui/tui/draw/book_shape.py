"""Which columns the aggregated book has at a width. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kraken_tui.market.book.aggregation import BookRow
from kraken_tui.market.history.pulls import Movement
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_memory import BookMemory
from kraken_tui.tui.draw.format import QuantityFormat
from kraken_tui.wire.symbols import PairSpec

_VOLUME_FROM = 18
_PULL, _PULL_DIGITS = 8, 6
_LEAST_BAR = 8
_PRICE_USUAL = 12


class Pulls(msgspec.Struct, frozen=True):
    """Pull and stack as the book shows them.

    Attributes:
        seconds: Over which they are taken.
        at: What moved by bucket, older movement counting less.
        bids, asks: What moved on each side in all, every lot counting whole.
    """

    seconds: int
    at: Mapping[int, Movement]
    bids: Movement
    asks: Movement


class BookShape(msgspec.Struct, frozen=True):
    """Columns of one half; the other half mirrors it. On one side: price, size, bar, pull/stack, sold, bought.

    From the outside in: traded volume, bar, size; pull/stack at the right of all. Bars take all cells that numbers do
    not need.

    Attributes:
        decimals: Decimals of the price column: those of the step, not of the pair.
        divisor: Ticks of one unit in the last of those decimals.
        price: Cells of the price text.
        size: Resting size.
        volume: Traded volume at price, None where it does not fit.
        bar: Cells of the size bar.
        spare: Cells left over at the right edge.
        pull: Size pulled or stacked, without its sign; None where it does not fit.
        one_side: Whether all columns stand at one side of the price.
    """

    decimals: int
    divisor: int
    price: int
    size: QuantityFormat
    volume: QuantityFormat | None
    bar: int
    spare: int
    pull: QuantityFormat | None = None
    one_side: bool = False

    @property
    def resting(self) -> int:
        """Cells of bar and size with the cells that keep them apart."""
        return self.bar + self.size.width + 2


def shows_pulls(width: int, *, one_side: bool, first: bool) -> bool:
    """Whether there is room for pull and stack.

    Args:
        width: Cells of the book.
        one_side: As of the shape.
        first: Whether they come before the traded volume.
    """
    if one_side:
        return width >= 36
    return width >= 2 * (_VOLUME_FROM + 4) + _PRICE_USUAL + _PULL + 1 or (first and width >= 44)


def step_decimals(precision: int, step: int) -> tuple[int, int]:
    """(decimals, ticks of one unit in the last of them) in which a price step is written."""
    divisor = 1
    while precision and step % (10 * divisor) == 0:
        divisor *= 10
        precision -= 1
    return precision, divisor


def book_shape(
    spec: PairSpec,
    step: int,
    shown: Sequence[BookRow],
    width: int,
    memory: BookMemory,
    now_ns: int,
    *,
    pulls: Pulls | None = None,
    one_side: bool = False,
) -> BookShape:
    """Choose columns for `width` cells from the precisions and the magnitudes in sight."""
    decimals, divisor = step_decimals(spec.price_precision, step)
    # With its two marks as wide as its heading at least.
    price = max(3, *(len(fmt.price(row.ticks // divisor, decimals)) for row in (shown[0], shown[-1])))
    pull = None
    if pulls is not None:
        nets = [abs(round(moved.net)) for row in shown if (moved := pulls.at.get(row.index)) is not None]
        pull = memory.pulls.take([net for net in nets if net], spec.qty_precision, _PULL_DIGITS, 4, now_ns)
    room = width - (_PULL + 1 if pull else 0)
    # Each side of the price has a rule and a place for the touch mark; on one side there is a mark and a blank.
    half, spare = (room - price - 2, 0) if one_side else divmod(max(0, room - price - 4), 2)
    sizes = [lots for row in shown for lots in (row.bid, row.ask) if lots]
    most = 6 if half < 20 or one_side else 7 if half < 28 else 8
    size = memory.sizes.take(sizes, spec.qty_precision, most, 4, now_ns)
    volume = None
    fits = half - size.width - 2 - 16 >= _LEAST_BAR if one_side else half >= _VOLUME_FROM
    if fits:
        volumes = [lots for row in shown for lots in (row.bought, row.sold) if lots]
        cells = 6 if half < 24 and not one_side else 7
        volume = memory.volumes.take(volumes, spec.qty_precision, cells, cells, now_ns)
    columns = 2 if one_side else 1
    bar = max(0, half - size.width - 2 - (columns * (volume.width + 1) if volume else 0))
    return BookShape(decimals, divisor, price, size, volume, bar, spare, pull, one_side)


def pull_header(shape: BookShape, pulls: Pulls | None) -> str:
    """Heading of the column of pull and stack, with the cell before it."""
    return f" {f'±{pulls.seconds} s':>{_PULL}}" if shape.pull and pulls else ""


def pull_text(shape: BookShape, lots: int) -> str:
    """A net of stacked less pulled with its sign, and the cell before it; blank where less moved than is shown."""
    if shape.pull is None:
        return ""
    if not lots:
        return " " * (_PULL + 1)
    text = shape.pull.text(abs(lots))
    digits = text.strip()
    if digits.startswith("<"):
        return " " * (_PULL + 1)
    # The sign stands before the first digit; points stay in line.
    return f" {(' ' * (len(text) - len(digits)) + ('+' if lots > 0 else '-') + digits):>{_PULL}}"
