"""Candles and volume bars: two price steps a cell, one column a bar, scales that hold still."""

from __future__ import annotations

from datetime import date

import msgspec

from kraken_tui.market.events import Candle
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.format import price, quantity
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, draw_waiting, shorten, title_line
from kraken_tui.units import SECOND

_NONE, _WICK, _BODY = 0, 1, 2

# Indexed by 3 x upper half + lower half of a cell. Rising bodies are hollow, falling ones solid, so that direction
# does not depend on colour; the heavy stroke in the cell of an end closes a hollow body.
_GLYPHS = {
    (True, False): " ╷╻╵│╽╹╿║",
    (False, False): " ╷╻╵│╽╹╿┃",
    (True, True): " |H||HHHH",
    (False, True): " |#||####",
}
"""By (rising, ASCII only)."""
_FLAT = {(False, False): "─", (True, False): "┴", (False, True): "┬", (True, True): "┼"}
_VOLUME = " ▁▂▃▄▅▆▇█"
_VOLUME_ASCII = " .::::###"

_TIME_STEPS = (5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 7200, 14_400, 43_200, 144_000, 525_600)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LABEL_PITCH = 10
_GAP_FROM = 100
_LEAST_PLOT, _LEAST_HEIGHT = 4, 4


class PriceRange(msgspec.Struct, frozen=True):
    """Prices of the top and bottom half rows of the chart, in ticks; `high` is above `low`."""

    low: int
    high: int


class Bar(msgspec.Struct, frozen=True):
    """One column: a candle, or None for an interval without trades, drawn flat at `level` ticks."""

    begin_s: int
    candle: Candle | None
    level: int


def interval_name(minutes: int) -> str:
    """Short name of a candle interval: "1m", "4h", "1d"."""
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def _round_up(lots: int) -> int:
    """A round number of at least `lots`, at most a third larger, as the top of a scale."""
    power = 1
    while power * 10 < lots:
        power *= 10
    return next(
        power * tenths // 10 for tenths in (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100) if power * tenths >= lots * 10
    )


def nice_step(least: int, increment: int = 1) -> int:
    """Smallest of 1, 2, 5 x 10^k that is at least `least`, made a multiple of `increment` (all in ticks)."""
    power = 1
    while power * 10 <= least:
        power *= 10
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
    return -(-step // increment) * increment


def choose_range(low: int, high: int, increment: int = 1, previous: PriceRange | None = None) -> PriceRange:
    """Choose the price scale, keeping the previous one while it serves.

    Args:
        low: Lowest price to show, ticks.
        high: Highest price to show, ticks.
        increment: Smallest price step, ticks.
        previous: Scale on screen now; kept while all prices lie in it and fill more than half of it.
    """
    span = max(high - low, 8 * increment)
    if (
        previous is not None
        and previous.low <= low
        and high <= previous.high
        and 2 * span >= previous.high - previous.low
    ):
        return previous
    grid = nice_step(max(1, span // 20), increment)
    middle, pad = (low + high) // 2, span // 2 + span // 32
    bottom = min(low, middle - pad) // grid * grid
    top = -(-max(high, middle + pad) // grid) * grid
    return PriceRange(max(0, bottom) if low >= 0 else bottom, top)


def bars_of(view: PairView, most: int) -> list[Bar]:
    """The newest `most` intervals, oldest first, with intervals without trades filled in flat.

    Intervals after the last candle are filled up to the view's clock only while the book is fresh: without a feed
    nobody knows that nothing traded.
    """
    candles = view.candles[-most:]
    if not candles or most <= 0:
        return []
    seconds = view.interval * 60
    bars: list[Bar] = []
    for candle in candles:
        if bars:
            idle = min(most, (candle.begin_s - bars[-1].begin_s) // seconds - 1)
            level = bars[-1].level
            bars.extend(Bar(candle.begin_s - step * seconds, None, level) for step in range(idle, 0, -1))
        bars.append(Bar(candle.begin_s, candle, candle.close))
    if not view.stale:
        now_s = view.now_ns // SECOND
        missing = min(most, (now_s - bars[-1].begin_s) // seconds)
        last = bars[-1]
        bars.extend(Bar(last.begin_s + (step + 1) * seconds, None, last.level) for step in range(missing))
    return bars[-most:]


def extent(view: PairView, bars: list[Bar]) -> tuple[int, int]:
    """Lowest and highest price on the chart, the last trade included, in ticks."""
    lows = [bar.candle.low if bar.candle else bar.level for bar in bars]
    highs = [bar.candle.high if bar.candle else bar.level for bar in bars]
    if view.last is not None:
        lows.append(view.last)
        highs.append(view.last)
    return min(lows), max(highs)


class Layout(msgspec.Struct, frozen=True):
    """Cells of each part of the chart.

    Attributes:
        plot: Columns of bars.
        axis: Columns of the price axis, its marker included.
        rows: Rows of the price chart.
        volume: Rows of the volume chart.
        pitch: Columns from bar to bar.
    """

    plot: int
    axis: int
    rows: int
    volume: int
    pitch: int

    @property
    def bars(self) -> int:
        """Bars that fit."""
        return (self.plot + self.pitch - 1) // self.pitch

    def column(self, index: int, count: int) -> int:
        """Column of bar `index` of `count`; the newest stands at the right edge."""
        return self.plot - 1 - (count - 1 - index) * self.pitch


def layout_for(view: PairView, width: int, height: int) -> Layout:
    """Divide the pane; the axis is as wide as the largest price of all candles, so it does not move."""
    precision = view.spec.price_precision if view.spec else 0
    top = max((candle.high for candle in view.candles), default=0)
    axis = min(len(price(max(top, view.last or 0), precision)) + 1, width // 2)
    plot = width - axis - 1
    volume = 0 if height < 8 else 1 if height < 12 else min(5, height // 6)
    return Layout(plot, axis, max(1, height - 2 - volume), volume, 2 if plot >= _GAP_FROM else 1)


class _Canvas:
    """Characters and style keys of the plot, by row."""

    def __init__(self, columns: int, rows: int) -> None:
        self.chars = [[" "] * columns for _ in range(rows)]
        self.keys = [["text"] * columns for _ in range(rows)]

    def rule(self, row: int, character: str, key: str) -> None:
        """Draw a line across a row, under everything drawn later."""
        columns = len(self.chars[row])
        self.chars[row] = [character] * columns
        self.keys[row] = [key] * columns

    def runs(self, row: int) -> Line:
        """One row as runs; blanks take the style before them, which saves runs."""
        chars, keys = self.chars[row], self.keys[row]
        runs: list[tuple[str, str]] = []
        start, key = 0, keys[0]
        for column, character in enumerate(chars):
            if keys[column] != key and character != " ":
                if column > start:
                    runs.append(("".join(chars[start:column]), key))
                start, key = column, keys[column]
        runs.append(("".join(chars[start:]), key))
        return tuple(runs)


def _row_of(ticks: int, scale: PriceRange, halves: int) -> int:
    """Half row of a price, 0 at the top, kept inside the chart."""
    span = scale.high - scale.low
    row = ((scale.high - ticks) * (halves - 1) * 2 + span) // (2 * span)
    return min(halves - 1, max(0, row))


def _draw_bar(canvas: _Canvas, column: int, bar: Bar, scale: PriceRange, ascii_only: bool) -> None:
    halves = 2 * len(canvas.chars)
    candle = bar.candle
    if candle is None:
        row = _row_of(bar.level, scale, halves) // 2
        canvas.chars[row][column], canvas.keys[row][column] = "-" if ascii_only else "─", "faint"
        return
    top, bottom = _row_of(candle.high, scale, halves), _row_of(candle.low, scale, halves)
    opened, closed = _row_of(candle.open, scale, halves), _row_of(candle.close, scale, halves)
    rising = candle.close > candle.open
    key = "rise" if rising else "fall" if candle.close < candle.open else "text"
    if not candle.closed:
        key = f"!{key}"
    body_top, body_bottom = min(opened, closed), max(opened, closed)
    if rising and body_bottom < body_top + body_top % 2 + 1:
        # Half cells have no hollow glyph, so a small rising body takes the whole cell of its close.
        body_top, body_bottom = closed // 2 * 2, closed // 2 * 2 + 1
    glyphs = _GLYPHS[rising, ascii_only]
    for row in range(top // 2, bottom // 2 + 1):
        code = 0
        for half in (2 * row, 2 * row + 1):
            state = _BODY if body_top <= half <= body_bottom else _WICK if top <= half <= bottom else _NONE
            code = 3 * code + state
        canvas.chars[row][column] = glyphs[code]
        canvas.keys[row][column] = key
    if candle.open == candle.close:
        row = opened // 2
        flat = _FLAT[top // 2 < row, bottom // 2 > row]
        canvas.chars[row][column] = "-" if ascii_only else flat


def _draw_volume(bars: list[Bar], layout: Layout, ascii_only: bool) -> tuple[list[Line], int]:
    """Rows of the volume chart and its scale in lots, a round number so that the bars do not rescale at every trade."""
    canvas = _Canvas(layout.plot, layout.volume)
    largest = max((bar.candle.volume for bar in bars if bar.candle), default=0)
    scale = _round_up(largest) if largest else 0
    glyphs = _VOLUME_ASCII if ascii_only else _VOLUME
    for index, bar in enumerate(bars):
        candle = bar.candle
        if candle is None or not candle.volume:
            continue
        column = layout.column(index, len(bars))
        eighths = max(1, candle.volume * 8 * layout.volume // scale)
        key = "bid-bar" if candle.close > candle.open else "ask-bar" if candle.close < candle.open else "muted"
        for row in range(layout.volume - 1, -1, -1):
            if eighths <= 0:
                break
            canvas.chars[row][column] = glyphs[min(8, eighths)]
            canvas.keys[row][column] = key
            eighths -= 8
    return [canvas.runs(row) for row in range(layout.volume)], scale


def time_label(begin_s: int, daily: bool) -> str:
    """UTC time of an interval's start: "14:03", or "21 Nov" at midnight and for `daily` ones."""
    days, rest = divmod(begin_s, 86_400)
    if not daily and rest:
        return f"{rest // 3600:02d}:{rest // 60 % 60:02d}"
    day = date.fromordinal(_EPOCH_ORDINAL + days)
    return f"{day.day} {_MONTHS[day.month - 1]}"


def time_axis(bars: list[Bar], interval: int, layout: Layout, ascii_only: bool = False) -> Line:
    """The row of times: labels centred under bars at round times, a mark under the running bar."""
    step = next((s for s in _TIME_STEPS if s % interval == 0 and s // interval * layout.pitch >= _LABEL_PITCH), 525_600)
    row = [" "] * layout.plot
    edge = layout.plot
    running = bool(bars) and (bars[-1].candle is None or not bars[-1].candle.closed)
    if running:
        edge -= 2
    free = 0
    for index, bar in enumerate(bars):
        if bar.begin_s % (step * 60):
            continue
        label = time_label(bar.begin_s, interval >= 1440)
        start = layout.column(index, len(bars)) - len(label) // 2
        if start >= free and start + len(label) <= edge:
            row[start : start + len(label)] = label
            free = start + len(label) + 2
    if running:
        return (("".join(row[:-1]), "muted"), ("^" if ascii_only else "▴", "accent"))
    return (("".join(row), "muted"),)


def _price_axis(
    view: PairView, scale: PriceRange, layout: Layout, picture: Picture
) -> tuple[dict[int, Line], dict[int, str]]:
    """Axis cells by row, and the rule each of those rows carries across the plot ("grid" or "last")."""
    spec = view.spec
    precision, increment = (spec.price_precision, spec.increment) if spec else (0, 1)
    halves = 2 * layout.rows
    step = nice_step(max(1, (scale.high - scale.low) * 4 // layout.rows), increment)
    dropped = 0
    while dropped < precision and step % 10 ** (dropped + 1) == 0:
        dropped += 1
    cells: dict[int, Line] = {}
    rules: dict[int, str] = {}
    width = layout.axis - 1
    # Labels leave out decimals that are always zero, but their points stand in line with the full prices.
    pad = dropped + 1 if dropped and dropped == precision else dropped
    for ticks in range(-(-scale.low // step) * step, scale.high + 1, step):
        row = _row_of(ticks, scale, halves) // 2
        label = price(ticks // 10**dropped, precision - dropped) + " " * pad
        cells[row] = ((" " + shorten(label.rjust(width), width), "muted"),)
        rules[row] = "grid"
    last = view.last if view.last is not None else view.candles[-1].close
    if scale.low <= last <= scale.high:
        role = (
            "stale"
            if view.stale
            else "up"
            if view.last_direction > 0
            else "down"
            if view.last_direction < 0
            else "text"
        )
        row = _row_of(last, scale, halves) // 2
        text = shorten(price(last, precision).rjust(width), width)
        cells[row] = (("<" if picture.ascii_only else "◂", role), (text, f"!badge/{role}"))
        rules[row] = "last"
    cursor = picture.choices.cursor
    if cursor is not None and scale.low <= cursor <= scale.high:
        row = _row_of(cursor, scale, halves) // 2
        cells[row] = ((" " + shorten(price(cursor, precision).rjust(width), width), "!bright/cursor"),)
    return cells, rules


def choose_scale(view: PairView | None, width: int, height: int, previous: PriceRange | None) -> PriceRange | None:
    """The price scale of the chart at this size, the previous one while it still fits; None if no chart is drawn."""
    if view is None or view.spec is None or not view.candles:
        return None
    layout = layout_for(view, width, height)
    if layout.plot < _LEAST_PLOT or height < _LEAST_HEIGHT:
        return None
    low, high = extent(view, bars_of(view, layout.bars))
    return choose_range(low, high, view.spec.increment, previous)


def draw_candles(picture: Picture, scale: PriceRange | None, width: int, height: int) -> list[Line]:
    """Draw the chart, or say what is missing.

    Args:
        picture: What to draw.
        scale: Prices at top and bottom, ticks, from `choose_scale`.
        width: Cells.
        height: Rows; the title takes one, the time axis one.
    """
    view = picture.pair
    if view is None or view.spec is None or not view.candles:
        return draw_waiting("Candles", "Waiting for the first candle", width, height)
    if scale is None:
        return draw_waiting("Candles", "Too small", width, height)
    layout = layout_for(view, width, height)
    bars = bars_of(view, layout.bars)
    canvas = _Canvas(layout.plot, layout.rows)
    cells, rules = _price_axis(view, scale, layout, picture)
    for row, kind in rules.items():
        if picture.ascii_only:
            canvas.rule(row, "." if kind == "grid" else "-", "rule" if kind == "grid" else "muted")
        else:
            canvas.rule(row, "┈" if kind == "grid" else "╌", "rule" if kind == "grid" else "muted")
    for index, bar in enumerate(bars):
        _draw_bar(canvas, layout.column(index, len(bars)), bar, scale, picture.ascii_only)
    note = f"{len(bars)} bars"
    lines = [title_line(f"Candles {interval_name(view.interval)}", f"STALE {note}" if view.stale else note, width)]
    gap, empty = (" ", "text"), ((" " * layout.axis, "text"),)
    lines += [(*canvas.runs(row), gap, *cells.get(row, empty)) for row in range(layout.rows)]
    if layout.volume:
        rows, most = _draw_volume(bars, layout, picture.ascii_only)
        precision = view.spec.qty_precision if view.spec else 0
        label = quantity(most, precision, min(7, layout.axis - 1)) if most else ""
        lines.append((*rows[0], gap, (shorten(label, layout.axis).rjust(layout.axis), "muted")))
        lines += [(*row, gap, *empty) for row in rows[1:]]
    lines.append(
        (
            *time_axis(bars, view.interval, layout, picture.ascii_only),
            gap,
            (("UTC" if layout.axis > 3 else "").rjust(layout.axis), "muted"),
        )
    )
    return lines
