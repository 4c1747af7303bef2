"""The heatmap: resting size over time, on the price rows of the book beside it, with the trades on top. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from kraken_tui.market.history.columns import Column
from kraken_tui.market.history.prints import TradeColumn
from kraken_tui.tui.draw.format import clock, quantity
from kraken_tui.tui.draw.heat_below import Cell, draw_below, merged
from kraken_tui.tui.draw.heat_scale import LEVELS, steps_of
from kraken_tui.tui.draw.heat_view import HeatView
from kraken_tui.tui.draw.runs import Line, Run, blank, title_line, width_of

HEAD_ROWS = 2
"""Rows above the cells: title and legend, as many as the book beside it has."""

APART = 2
"""Cells of the running column: a gap, and the column."""

_DENSITY = "  ░░▒▒▒▓▓▓██"
_DENSITY_ASCII = "  ::--++**##"
UNKNOWN = "╱"
UNPROVEN = "╳"
_NOT_MADE = " "
_BOUGHT, _SOLD = "▵▴▲", "▿▾▼"
_DARKEST_FOR_MARKS = 4

_GROUND = [(" ", f"text/heat{level}") for level in range(LEVELS)]
_HALVES = [
    [_GROUND[upper] if upper == lower else ("▀", f"heat{upper}/heat{lower}") for lower in range(LEVELS)]
    for upper in range(LEVELS)
]
_LETTERS = [(letter, "text") for letter in _DENSITY]
_LETTERS_ASCII = [(letter, "text") for letter in _DENSITY_ASCII]
_UNKNOWN_CELLS = ((UNKNOWN, "faint/unknown"), (" ", "faint/unknown"))


class ColumnCells:
    """Cells of complete columns, kept while nothing they are drawn from changes."""

    def __init__(self) -> None:
        self._made_for: tuple[object, ...] = ()
        self._cells: dict[int, tuple[TradeColumn | None, int, Sequence[Cell]]] = {}

    def of(self, view: HeatView, tiers: tuple[float, float], column: Column) -> Sequence[Cell]:
        """The cells of a column, from the topmost row down."""
        made_for = (view.spec, view.step, view.halves, view.high, view.rows, view.scale, tiers, view.width_ns,
                    view.density, view.ascii_only)  # fmt: skip
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
    nothing = [(_NOT_MADE, "text")] * view.rows
    drawn = [nothing if column is None else cells.of(view, tiers, column) for column in view.columns]
    running = nothing if view.running is None else column_cells(view, view.running, tiers)
    drawn += ([("▏", "rule")] * view.rows, running)
    moment = None if view.moment is None else view.moment - view.first
    for row, across in enumerate(zip(*drawn, strict=True)):
        if view.cursor is not None and view.high - row == view.cursor:
            across = tuple(_crossed(cell, "─") for cell in across)
        if moment is not None and 0 <= moment < len(across):
            across = (*across[:moment], _crossed(across[moment], "│"), *across[moment + 1 :])
        lines.append(merged(across))
    below = height - HEAD_ROWS - view.rows
    if below > 0:
        lines += draw_below(view, below)
    return lines[:height]


def draw_no_heatmap(sentence: str, width: int, height: int) -> list[Line]:
    """The pane while there is nothing to draw."""
    lines = [title_line("Heatmap", "", width)]
    lines += [blank(width)] * max(0, height // 2 - 1)
    lines.append(((sentence[:width].center(width), "muted"),))
    return lines


def _title(view: HeatView, width: int) -> Line:
    since = "" if view.since_ns is None else f"known since {clock(view.since_ns)}"
    for name, joint in (("Heatmap", " · "), ("Heat", " ")):
        for count in range(len(view.notes), 0 if name == "Heatmap" else -1, -1):
            text = f"{name} {joint.join(view.notes[:count])}".rstrip()
            if len(text) + 3 <= width and (count > 1 or name == "Heat"):
                return title_line(text, since, width)
    return title_line("", "", width)


def _legend(view: HeatView, width: int) -> Line:
    """The ramp between its cut-offs, first what is below the lower one; then the marks."""
    scale = view.scale
    ramp: list[Run] = []
    parts: list[tuple[Run, ...]] = []
    if scale is not None:
        precision = view.spec.qty_precision
        lower, upper = (quantity(round(lots), precision, 6).strip() for lots in (scale.lower, scale.upper))
        letters = _DENSITY_ASCII if view.ascii_only else _DENSITY
        blocks: tuple[Run, ...] = ((letters[2:], "text"),)
        narrow = len(lower) + len(upper) + LEVELS + 2 > width
        if view.density and narrow:
            blocks = ((letters[2::2], "text"),)
        elif not view.density:
            blocks = tuple((" ", f"text/heat{level}") for level in range(2, LEVELS, 2 if narrow else 1))
            ramp.append((" ", "text/heat1"))
        ramp += [(f"{lower} ", "muted"), *blocks, (f" {upper}", "muted")]
        if width_of(ramp) <= width:
            parts.append(((f" {view.spec.base}", "muted"),))
    bought, sold = ("bid", "ask") if not view.density else ("text", "text")
    parts += [
        ((f"  {_BOUGHT[2]}", bought), (" bought ", "muted"), (_SOLD[2], sold), (" sold", "muted")),
        (("  ", "text"), (f"{UNKNOWN} ", "faint/unknown"), (" unknown", "muted")),
        ((f"  {UNPROVEN} unproven", "muted"),),
    ]
    runs = ramp if width_of(ramp) <= width else []
    for part in parts:
        if width_of((*runs, *part)) <= width:
            runs = [*runs, *part]
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
    index, density = column.index, view.density
    if not column.known and not column.cells:
        return [_unknown(view, index, row) for row in range(view.rows)]
    upper, lower = _levels(view, column)
    cells: list[Cell]
    if density:
        letters = _LETTERS_ASCII if view.ascii_only else _LETTERS
        cells = [letters[max(one, other)] for one, other in zip(upper, lower, strict=True)]
    else:
        cells = [_HALVES[one][other] for one, other in zip(upper, lower, strict=True)]
    if not column.proven:
        cells = [
            _ground(UNPROVEN, "muted", max(one, other), density=density)
            for one, other in zip(upper, lower, strict=True)
        ]
    if min(upper) < 0 or min(lower) < 0:
        for row, (one, other) in enumerate(zip(upper, lower, strict=True)):
            if one < 0 or other < 0:
                cells[row] = _unknown(view, index, row)
    if column.proven:
        for ticks, text, role in ((column.bid, "▔", "bid"), (column.ask, "▁", "ask")):
            if ticks is None:
                continue
            row = view.high - (ticks // view.step if role == "bid" else -(-ticks // view.step))
            if 0 <= row < view.rows:
                # Where both are in one row, the ask is drawn: the bid's line is that of the row below.
                cells[row] = _ground(text, role, max(upper[row], lower[row]), density=density)
    trades = view.trades.get(index)
    if trades is not None:
        for bucket, mark in _marks(view, trades, tiers).items():
            row = view.high - bucket
            if 0 <= row < view.rows:
                cells[row] = _marked(mark, max(upper[row], lower[row], 0), density=density)
    return cells


def _levels(view: HeatView, column: Column) -> tuple[list[int], list[int]]:
    """Brightness of the upper and lower halves of all rows; -1 where nothing is known."""
    factor = 2 if view.halves else 1
    count = factor * view.rows
    # Place of an ask's bucket, and of a bid's, counted from the top.
    asks, bids = factor * view.high, factor * view.high + factor - 1
    levels = [0] * count
    if view.scale is not None:
        steps = steps_of(view.scale)
        for bucket, lots in column.cells.items():
            place = asks - bucket if bucket > 0 else bids + bucket
            if 0 <= place < count:
                level = 1 + bisect_right(steps, lots) if lots else 0
                if level > levels[place]:
                    levels[place] = level
    if column.high is not None and (unknown := min(count, asks - column.high)) > 0:
        levels[:unknown] = [-1] * unknown
    if column.low is not None and (first := max(0, bids - column.low + 1)) < count:
        levels[first:] = [-1] * (count - first)
    return (levels[::2], levels[1::2]) if view.halves else (levels, levels)


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
        size = (lots >= middling) + (lots >= large)
        marks[row] = (_BOUGHT[size], "heat-bought") if bought >= sold else (_SOLD[size], "heat-sold")
    return marks


def _marked(mark: tuple[str, str], level: int, *, density: bool) -> Cell:
    text, role = mark
    # A mark is read on a dark ground only.
    return (text, role) if density else (text, f"{role}/heat{min(level, _DARKEST_FOR_MARKS)}")


def _ground(text: str, role: str, level: int, *, density: bool) -> Cell:
    return (text, role) if density or level < 0 else (text, f"{role}/heat{level}")


def _unknown(view: HeatView, index: int, row: int) -> Cell:
    """One cell of the texture: diagonals on a ground of its own, or a mark in every cell where there are no grounds."""
    return _UNKNOWN_CELLS[0 if view.density or (index + row) % 4 == 0 else 1]


def _crossed(cell: Cell, line: str) -> Cell:
    """A cell under a line of the cursor, which shows where nothing else is."""
    text, style = cell
    if text == "─" and line == "│":
        return "┼", style
    if text not in (" ", "▀", UNKNOWN):
        return cell
    role, _, ground = style.partition("/")
    return line, f"accent/{ground if text != '▀' and ground else role if text == '▀' else 'bg'}"
