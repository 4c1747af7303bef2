"""The heatmap: resting size over time, on the price rows of the book beside it, with the trades on top. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kraken_tui.market.history.columns import Column
from kraken_tui.market.history.prints import TradeColumn
from kraken_tui.tui.draw.format import quantity
from kraken_tui.tui.draw.heat_scale import LEVELS, Scale
from kraken_tui.tui.draw.runs import Line, Run, blank, title_line
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import format_timestamp

HEAD_ROWS = 2
"""Rows above the cells: title and legend, as many as the book beside it has."""

APART = 2
"""Cells of the running column: a gap, and the column."""

_DELTA_ROWS = 2
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_DENSITY = "  ░░▒▒▒▓▓▓██"
_UNKNOWN = "·"
_UNPROVEN = "╱"
_NOT_MADE = " "
_MARKS = "·•●"
_LABEL_CELLS = 16
_DARKEST_FOR_MARKS = 4

Cell = tuple[str, str]


class HeatView(msgspec.Struct, frozen=True, gc=False):
    """What one picture of the heatmap is drawn from.

    Attributes:
        spec: Precisions of the pair.
        step: Ticks of one row.
        halves: Whether the columns hold two buckets a row, each half a step.
        high: Bucket of the topmost row, in units of the step.
        rows: Price rows.
        first: Index of the leftmost column.
        columns: Complete columns from there on; None while one is not made yet.
        running: The running column; None before there is a book, and for a moment of the past.
        width_ns: Length of a column.
        trades: Columns of trades by index.
        cvd: Cumulative delta before the first column, lots.
        scale: Lots to brightness; None before there is anything to scale by.
        settings_note: Words for the title: length of a column, grouping, what a cell tells.
        since_ns: From when on the past is held; None before it is.
        cursor: Bucket of the row under the cursor; None without one.
        moment: Index of the column of the moment shown; None when live.
        density: Whether sizes are drawn by characters instead of colours.
        ascii_only: Whether the terminal has no box drawing.
    """

    spec: PairSpec
    step: int
    halves: bool
    high: int
    rows: int
    first: int
    columns: Sequence[Column | None]
    running: Column | None
    width_ns: int
    trades: Mapping[int, TradeColumn]
    cvd: int
    scale: Scale | None
    settings_note: str
    since_ns: int | None = None
    cursor: int | None = None
    moment: int | None = None
    density: bool = False
    ascii_only: bool = False


class ColumnCells:
    """Cells of complete columns, kept while nothing they are drawn from changes."""

    def __init__(self) -> None:
        self._made_for: tuple[object, ...] = ()
        self._cells: dict[int, tuple[TradeColumn | None, int, Sequence[Cell]]] = {}

    def of(self, view: HeatView, tiers: tuple[float, float], column: Column) -> Sequence[Cell]:
        """The cells of a column, from the topmost row down."""
        made_for = (view.spec, view.step, view.halves, view.high, view.rows, view.scale, tiers, view.width_ns,
                    view.cursor, view.density)  # fmt: skip
        if made_for != self._made_for:
            self._made_for = made_for
            self._cells.clear()
        trades = view.trades.get(column.index)
        held = trades.bought + trades.sold if trades is not None else 0
        known = self._cells.get(column.index)
        if known is not None and known[0] is trades and known[1] == held:
            return known[2]
        cells = column_cells(view, column, tiers)
        if len(self._cells) > 2 * len(view.columns) + 100:
            self._cells.clear()
        self._cells[column.index] = (trades, held, cells)
        return cells


def draw_heatmap(view: HeatView, width: int, height: int, cells: ColumnCells) -> list[Line]:
    """Draw the pane.

    Args:
        view: What to draw; its columns fill `width - APART` cells.
        width, height: Cells. Rows below the price rows show delta, cumulative delta and the time.
        cells: Keeps what is drawn for the next picture.
    """
    lines = [_title(view, width), _legend(view, width)]
    tiers = _tiers(view)
    drawn: list[Sequence[Cell]] = []
    nothing = [(_NOT_MADE, "text")] * view.rows
    for column in view.columns:
        drawn.append(nothing if column is None else cells.of(view, tiers, column))
    gap = [("▏", "rule")] * view.rows
    running = nothing if view.running is None else column_cells(view, view.running, tiers)
    drawn += (gap, running)
    moment = None if view.moment is None else view.moment - view.first
    for row, across in enumerate(zip(*drawn, strict=True)):
        if view.cursor is not None and view.high - row == view.cursor:
            across = tuple(_crossed(cell, "─") for cell in across)
        if moment is not None and 0 <= moment < len(across):
            across = (*across[:moment], _crossed(across[moment], "│"), *across[moment + 1 :])
        lines.append(_merged(across))
    below = height - HEAD_ROWS - view.rows
    if below > 0:
        lines += _below(view, width, below)
    return lines[:height]


def draw_no_heatmap(sentence: str, width: int, height: int) -> list[Line]:
    """The pane while there is nothing to draw."""
    lines = [title_line("Heatmap", "", width)]
    lines += [blank(width)] * max(0, height // 2 - 1)
    lines.append(((sentence[:width].center(width), "muted"),))
    return lines


def _title(view: HeatView, width: int) -> Line:
    since = "" if view.since_ns is None else f"known since {format_timestamp(view.since_ns, 0)[11:19]}"
    name = f"Heatmap  {view.settings_note}"
    return title_line(name[: max(0, width - 4)], since, width)


def _legend(view: HeatView, width: int) -> Line:
    scale = view.scale
    runs: list[Run] = []
    if scale is not None:
        precision = view.spec.qty_precision
        runs += [(f" {quantity(round(scale.lower), precision, 7).strip()} ", "muted")]
        if view.density:
            runs.append((_DENSITY[2:], "text"))
        else:
            runs += [(" ", f"text/heat{level}") for level in range(1, LEVELS)]
        runs.append((f" {quantity(round(scale.upper), precision, 7).strip()} {view.spec.base} ", "muted"))
    for part in (
        (("  ", "text"), ("●", "bid"), (" bought ", "muted"), ("●", "ask"), (" sold", "muted")),
        ((f"  {_UNPROVEN} unproven", "muted"), (f"  {_UNKNOWN} unknown", "muted")),
    ):
        if sum(len(text) for text, _ in (*runs, *part)) <= width:
            runs += part
    return tuple(runs)


def _tiers(view: HeatView) -> tuple[float, float]:
    """Lots in one cell from which a mark is middling, and large: half and the largest tenth of those on screen."""
    sizes = sorted(bought + sold for column in view.trades.values() for bought, sold in column.at.values())
    if not sizes:
        return 0.0, 0.0
    # To two digits, so that not every trade changes all marks.
    return tuple(float(f"{sizes[int(len(sizes) * part)]:.1e}") for part in (0.5, 0.9))  # type: ignore[return-value]


def column_cells(view: HeatView, column: Column, tiers: tuple[float, float]) -> Sequence[Cell]:
    """(character, style) of one column, from the topmost row down."""
    if not column.known and not column.cells:
        return [_unknown(column.index, row) for row in range(view.rows)]
    levels = _levels(view, column)
    trades = view.trades.get(column.index)
    marks = _marks(view, trades, tiers) if trades is not None else {}
    touch_bid = None if column.bid is None else column.bid // view.step
    touch_ask = None if column.ask is None else -(-column.ask // view.step)
    cells: list[Cell] = []
    for row, (upper, lower) in enumerate(levels):
        bucket = view.high - row
        mark = marks.get(bucket)
        if mark is not None:
            cells.append(_marked(mark, max(upper, lower, 0), density=view.density))
        elif bucket == touch_ask and column.proven:
            cells.append(_ground("▁", "ask", max(upper, lower), density=view.density))
        elif bucket == touch_bid and column.proven:
            cells.append(_ground("▔", "bid", max(upper, lower), density=view.density))
        elif upper < 0 or lower < 0:
            cells.append(_unknown(column.index, row))
        elif not column.proven:
            cells.append(_ground(_UNPROVEN, "muted", max(upper, lower), density=view.density))
        elif view.density:
            cells.append((_DENSITY[max(upper, lower)], "text"))
        elif upper == lower:
            cells.append((" ", f"text/heat{upper}"))
        else:
            cells.append(("▀", f"heat{upper}/heat{lower}"))
    return cells


def _levels(view: HeatView, column: Column) -> list[tuple[int, int]]:
    """Brightness of the upper and lower half of every row; -1 where nothing is known."""
    cells, scale = column.cells, view.scale
    low = column.low if column.low is not None else -1
    high = column.high if column.high is not None else 1 << 62

    def level(bucket: int, side: int) -> int:
        # `side` is -1 for bids, whose buckets are negated.
        if (side < 0 and bucket < low) or (side > 0 and bucket > high):
            return -1
        lots = cells.get(side * bucket, 0)
        return scale.level(lots) if lots and scale is not None else 0

    result: list[tuple[int, int]] = []
    for bucket in range(view.high, view.high - view.rows, -1):
        if not view.halves:
            both = _either(level(bucket, 1), level(bucket, -1))
            result.append((both, both))
            continue
        # Asks of the row above its lower neighbour's price up to its own; bids from its price up.
        upper = _either(level(2 * bucket, 1), level(2 * bucket + 1, -1))
        lower = _either(level(2 * bucket - 1, 1), level(2 * bucket, -1))
        result.append((upper, lower))
    return result


def _either(one: int, other: int) -> int:
    return -1 if one < 0 or other < 0 else max(one, other)


def _marks(view: HeatView, trades: TradeColumn, tiers: tuple[float, float]) -> dict[int, tuple[str, str]]:
    """(mark, role) by bucket of the step."""
    sums: dict[int, list[int]] = {}
    for bucket, (bought, sold) in trades.at.items():
        for lots, kind in ((bought, 0), (sold, 1)):
            if lots:
                row = bucket if not view.halves else -(-bucket // 2) if kind == 0 else bucket // 2
                sums.setdefault(row, [0, 0])[kind] += lots
    middling, large = tiers
    marks: dict[int, tuple[str, str]] = {}
    for row, (bought, sold) in sums.items():
        lots = bought + sold
        mark = _MARKS[(lots >= middling) + (lots >= large)]
        marks[row] = (mark, "heat-bought" if bought >= sold else "heat-sold")
    return marks


def _marked(mark: tuple[str, str], level: int, *, density: bool) -> Cell:
    text, role = mark
    # A mark is read on a dark ground only.
    return (text, role) if density else (text, f"{role}/heat{min(level, _DARKEST_FOR_MARKS)}")


def _ground(text: str, role: str, level: int, *, density: bool) -> Cell:
    return (text, role) if density or level < 0 else (text, f"{role}/heat{level}")


def _unknown(index: int, row: int) -> Cell:
    return (_UNKNOWN if (index + 2 * row) % 4 == 0 else " ", "faint")


def _crossed(cell: Cell, line: str) -> Cell:
    """A cell under a line of the cursor, which shows where nothing else is."""
    text, style = cell
    if text == "─" and line == "│":
        return "┼", style
    if text not in (" ", "▀"):
        return cell
    role, _, ground = style.partition("/")
    return line, f"accent/{ground if text == ' ' and ground else role if text == '▀' else 'bg'}"


def _merged(cells: Sequence[Cell]) -> Line:
    """Neighbours of one style as one run: a picture has thousands of cells and a few hundred runs."""
    runs: list[Run] = []
    same, style = "", cells[0][1] if cells else ""
    for text, key in cells:
        if key == style:
            same += text
        else:
            runs.append((same, style))
            same, style = text, key
    runs.append((same, style))
    return tuple(runs)


def _below(view: HeatView, width: int, height: int) -> list[Line]:
    """Delta a column, cumulative delta, and the time, on the same columns."""
    count = len(view.columns)
    indices = range(view.first, view.first + count)
    columns = [view.trades.get(index) for index in indices]
    cvd: list[int | None] = []
    total = view.cvd
    since = 0 if view.since_ns is None else view.since_ns // view.width_ns
    for index, column in zip(indices, columns, strict=True):
        total = column.cvd if column is not None else total
        cvd.append(total if index >= since else None)
    running = view.trades.get(view.first + count)
    precision = view.spec.qty_precision
    lines: list[Line] = [_axis(view, count)]
    rest = height - 1
    delta_rows = min(_DELTA_ROWS, rest)
    if delta_rows:
        deltas = [0 if column is None else column.delta for column in columns]
        deltas += [0, running.delta if running is not None else 0]
        lines += _delta(deltas, delta_rows)
    if rest - delta_rows > 0:
        last = running.cvd if running is not None else total
        lines += _cvd(cvd, last, rest - delta_rows, precision, view.spec.base, width)
    return lines[:height]


def _axis(view: HeatView, count: int) -> Line:
    """The time below the columns: a label at every sixteenth column that begins on it."""
    text = [" "] * count
    digits = 5 if view.width_ns >= 60 * SECOND else 8
    for place in range(count):
        index = view.first + place
        if index % _LABEL_CELLS == 0 and place + digits <= count:
            label = format_timestamp(index * view.width_ns, 0)[11 : 11 + digits]
            text[place : place + digits] = label
    return (("".join(text), "muted"),)


def _delta(deltas: Sequence[int], rows: int) -> list[Line]:
    """Bars of the delta: bought above, sold below where there are two rows, else by colour alone with a sign."""
    most = max((abs(delta) for delta in deltas), default=0)
    if rows < 2:
        cells = [(" " if not delta else "+" if delta > 0 else "-", "bid" if delta > 0 else "ask") for delta in deltas]
        return [_merged(cells)]

    def bar(lots: int, role: str) -> Cell:
        if lots <= 0 or not most:
            return " ", "text"
        return _EIGHTHS[max(1, round(8 * lots / most))], role

    above = [bar(delta, "bid-bar") for delta in deltas]
    # Hanging bars are the same eighths with the colours swapped: the cell is filled from its top.
    below: list[Cell] = []
    for delta in deltas:
        if delta >= 0 or not most:
            below.append((" ", "text"))
            continue
        eighths = max(1, round(8 * -delta / most))
        below.append(("█", "ask-bar") if eighths == 8 else (_EIGHTHS[8 - eighths], "bg/ask-bar"))
    return [_merged(above), _merged(below)]


def _cvd(values: Sequence[int | None], last: int, rows: int, precision: int, base: str, width: int) -> list[Line]:
    """The cumulative delta as an area above its lowest value on screen, with its last value."""
    known = [value for value in values if value is not None]
    low, high = min((*known, last)), max((*known, last))
    span = max(1, high - low)
    cells_per_row: list[Line] = []
    heights = [0 if value is None else 1 + round((value - low) / span * (rows * 8 - 1)) for value in values]
    for row in range(rows - 1, -1, -1):
        cells = [(_EIGHTHS[max(0, min(8, height - 8 * row))], "accent") for height in heights]
        cells_per_row.append(_merged(cells))
    sign = "+" if last > 0 else "-" if last < 0 else ""
    label = f" CVD {sign}{quantity(abs(last), precision, 8).strip()} {base} "
    first = cells_per_row[0]
    text = "".join(part for part, _ in first)
    if len(label) < width and text:
        cells_per_row[0] = ((label, "text"), (text[len(label) :], "accent"))
    return cells_per_row
