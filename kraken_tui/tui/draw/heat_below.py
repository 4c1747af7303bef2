"""What stands below a heatmap, on its columns of time: the time, delta a column, cumulative delta. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kraken_tui.tui.draw.format import quantity
from kraken_tui.tui.draw.heat_view import HeatView
from kraken_tui.tui.draw.runs import Line, Run
from kraken_tui.units import SECOND
from kraken_tui.wire.timestamps import format_timestamp

Cell = tuple[str, str]
"""(character, style key)."""

_DELTA_ROWS = 2
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LABEL_CELLS = 12
_LABELS_S = (
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1_200,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    86_400,
)


def merged(cells: Sequence[Cell]) -> Line:
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


def draw_below(view: HeatView, height: int) -> list[Line]:
    """Time, delta a column and cumulative delta, as many of them as there are rows."""
    count = len(view.columns)
    indices = range(view.first, view.first + count)
    columns = [view.trades.get(index) for index in indices]
    cvd: list[int | None] = []
    total = view.cvd
    since = 0 if view.since_ns is None else view.since_ns // view.width_ns
    for index, column in zip(indices, columns, strict=True):
        total = column.cvd if column is not None else total
        cvd.append(total if index >= since else None)
    running = view.trades.get(view.first + count) if view.running is not None else None
    lines: list[Line] = [_axis(view, count)]
    rest = height - 1
    delta_rows = min(_DELTA_ROWS, rest)
    if delta_rows:
        deltas = [0 if column is None else column.delta for column in columns]
        deltas += [0, running.delta if running is not None else 0]
        lines += _delta(deltas, delta_rows, ascii_only=view.ascii_only)
    if rest - delta_rows > 0:
        last = running.cvd if running is not None else total
        lines += _cvd(view, cvd, last, rest - delta_rows)
    return lines[:height]


def _axis(view: HeatView, count: int) -> Line:
    """Labels of round times, each beginning below its column."""
    every_s = next((span for span in _LABELS_S if span * SECOND >= _LABEL_CELLS * view.width_ns), _LABELS_S[-1])
    every_ns, text = every_s * SECOND, [" "] * count
    digits = 5 if every_s % 60 == 0 else 8
    begin = view.first * view.width_ns
    for ns in range(-(-begin // every_ns) * every_ns, (view.first + count) * view.width_ns, every_ns):
        place = ns // view.width_ns - view.first
        if place + digits <= count:
            text[place : place + digits] = format_timestamp(ns, 0)[11 : 11 + digits]
    return (("".join(text), "muted"),)


def _delta(deltas: Sequence[int], rows: int, *, ascii_only: bool) -> list[Line]:
    """Bars of the delta: bought above, sold below; in one row, or without such characters, their signs."""
    most = max((abs(delta) for delta in deltas), default=0)
    if rows < 2 or ascii_only:
        cells = [(" " if not delta else "+" if delta > 0 else "-", "bid" if delta > 0 else "ask") for delta in deltas]
        return [_labelled(cells, "delta"), (("", "text"),)][:rows]
    above, below = [], []
    for delta in deltas:
        eighths = max(1, round(8 * abs(delta) / most)) if delta else 0
        above.append((_EIGHTHS[eighths], "bid-bar") if delta > 0 else (" ", "bid-bar"))
        # Hanging bars are the same eighths with the colours swapped: the cell is filled from its top.
        hanging = ("█", "ask-bar") if eighths == 8 else (_EIGHTHS[8 - eighths], "~ask-bar")
        below.append(hanging if delta < 0 else (" ", "text"))
    return [_labelled(above, "delta"), merged(below)]


def _cvd(view: HeatView, values: Sequence[int | None], last: int, rows: int) -> list[Line]:
    """The cumulative delta as an area above its lowest value on screen, with its last value."""
    known = [value for value in values if value is not None]
    low, high = min((*known, last)), max((*known, last))
    span = max(1, high - low)
    heights = [0 if value is None else 1 + round((value - low) / span * (rows * 8 - 1)) for value in values]
    bars = "         #" if view.ascii_only else _EIGHTHS
    sign = "+" if last > 0 else "-" if last < 0 else ""
    label = f"CVD {sign}{quantity(abs(last), view.spec.qty_precision, 8).strip()} {view.spec.base}"
    lines: list[Line] = []
    for row in range(rows - 1, -1, -1):
        eighths = (max(0, min(8, height - 8 * row)) for height in heights)
        cells = [(bars[8 + (eighth > 4)] if view.ascii_only else bars[eighth], "accent") for eighth in eighths]
        lines.append(merged(cells) if lines else _labelled(cells, label, covers=True))
    return lines


def _labelled(cells: list[Cell], label: str, *, covers: bool = False) -> Line:
    """The row with its name at the left, where nothing is drawn or it may cover what is."""
    label = f" {label} "
    if len(label) > len(cells) or not (covers or all(text == " " for text, _ in cells[: len(label)])):
        return merged(cells)
    return merged([*((letter, "muted") for letter in label), *cells[len(label) :]])
