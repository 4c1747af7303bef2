"""Candles and volume: real bodies, axes on round steps, the figures of one bar, scales that hold still."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date

import msgspec

from kraken_tui.market.events import Candle
from kraken_tui.market.session_vwap import DAY_S, SessionVwap, session_vwaps
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.candle_bars import Bar, Canvas, PriceRange, direction_key, draw_bar, draw_volume, row_of
from kraken_tui.tui.draw.format import price, quantity, signed
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, draw_waiting, padded, shorten, width_of
from kraken_tui.units import SECOND
from kraken_tui.words import interval_name

_TIME_STEPS = (5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 7200, 14_400, 43_200, 144_000, 525_600)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LABEL_PITCH = 10
_LEAST_PLOT, _LEAST_HEIGHT = 4, 4

ZOOMS = ((1, 0), (1, 1), (2, 1), (3, 1), (5, 1), (9, 2))
"""(cells of a body, cells between two), from the most bars to the widest."""

_ROOM = (0, 32, 84)
"""Columns from which the first three of `ZOOMS` are chosen by themselves."""

LONGEST_HOLE = 6
"""Bars that intervals of which nothing is known take at most, however long the outage was."""

_TWO_FIGURE_ROWS_FROM = 18


class Look(msgspec.Struct, frozen=True):
    """What part of the candles is looked at, and how.

    Attributes:
        end_s: Begin of the bar at the right edge; None follows the newest.
        zoom: One of `ZOOMS` by number; None for what suits the width.
        hover_s: Begin of the bar under the mouse, whose figures are shown; None for the one at the right edge.
        follow_key: Key that follows the newest bar again, as printed on a keyboard.
    """

    end_s: int | None = None
    zoom: int | None = None
    hover_s: int | None = None
    follow_key: str = "End"


FOLLOW = Look()


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


def bars_of(view: PairView, most: int, end_s: int | None = None) -> list[Bar]:
    """At most `most` intervals up to the newest candle, oldest first.

    Intervals that have no candle are unknown: they are bars without one, at most `LONGEST_HOLE` in a row. While the
    book is stale, the flat candles at the end are left out: without a feed nobody knows that nothing traded.

    Args:
        view: With candles.
        most: Bars wanted.
        end_s: Begin of the last bar wanted; None for the newest.
    """
    candles = view.candles
    stop = len(candles)
    if end_s is not None:
        stop = max(1, bisect_right(candles, end_s, key=lambda candle: candle.begin_s))
    elif view.stale:
        heard_s = (view.now_ns - (view.age_ns or 0)) // SECOND
        while stop > 1 and _idle_after(candles[stop - 1], heard_s):
            stop -= 1
    seconds = view.interval * 60
    bars: list[Bar] = []
    for index in range(stop - 1, -1, -1):
        candle = candles[index]
        if len(bars) >= most:
            break
        if bars:
            hole = (bars[-1].begin_s - candle.begin_s) // seconds - 1
            first = bars[-1].begin_s
            bars.extend(Bar(first - step * seconds, None) for step in range(1, min(hole, LONGEST_HOLE) + 1))
        bars.append(Bar(candle.begin_s, candle))
    del bars[max(0, most) :]
    bars.reverse()
    return bars


def _idle_after(candle: Candle, heard_s: int) -> bool:
    """Whether a candle tells of no trade, and of a time of which nothing was heard."""
    return not candle.trades and not candle.volume and candle.begin_s + candle.interval * 60 > heard_s


def extent(view: PairView, bars: Sequence[Bar], *, following: bool = True) -> tuple[int, int]:
    """Lowest and highest price on the chart in ticks, the last trade included while the chart follows it."""
    lows = [bar.candle.low for bar in bars if bar.candle]
    highs = [bar.candle.high for bar in bars if bar.candle]
    if following and view.last is not None:
        lows.append(view.last)
        highs.append(view.last)
    return min(lows, default=0), max(highs, default=1)


class Layout(msgspec.Struct, frozen=True):
    """Cells of each part of the chart.

    Attributes:
        plot: Columns of bars.
        axis: Columns of the price axis, its marker included.
        figures: Rows of figures under the title.
        rows: Rows of the price chart.
        volume: Rows of the volume chart.
        body: Cells of a body.
        pitch: Columns from bar to bar.
    """

    plot: int
    axis: int
    figures: int
    rows: int
    volume: int
    body: int
    pitch: int

    @property
    def bars(self) -> int:
        """Bars that fit; a column is kept to set the running bar apart."""
        return max(1, (self.plot - 1 + self.pitch - self.body) // self.pitch)

    def column(self, index: int, count: int, running: bool) -> int:
        """Left cell of bar `index` of `count`; the newest stands at the right edge, apart while it runs."""
        back = count - 1 - index
        return self.plot - self.body - back * self.pitch - (1 if running and back else 0)

    def bar_at(self, column: int, count: int, running: bool) -> int | None:
        """Number of the bar at or right before a column; None beside the bars."""
        for index in range(count):
            left = self.column(index, count, running)
            if left <= column < left + max(self.body, self.pitch):
                return index
        return None


def layout_for(view: PairView, width: int, height: int, zoom: int | None = None) -> Layout:
    """Divide the pane; the axis is as wide as the largest price of all candles, so it does not move."""
    precision = view.spec.price_precision if view.spec else 0
    top = max((candle.high for candle in view.candles), default=0)
    axis = min(len(price(max(top, view.last or 0), precision)) + 1, width // 2)
    plot = width - axis - 1
    volume = 0 if height < 8 else 1 if height < 12 else min(6, height // 6)
    figures = 0 if height < 8 else 1 if height < _TWO_FIGURE_ROWS_FROM or width >= 130 else 2
    if zoom is None:
        zoom = usual_zoom(plot)
    body, gap = ZOOMS[max(0, min(zoom, len(ZOOMS) - 1))]
    return Layout(plot, axis, figures, max(1, height - 2 - figures - volume), volume, body, body + gap)


def usual_zoom(plot: int) -> int:
    """Number in `ZOOMS` that suits a plot of so many columns."""
    return sum(plot >= least for least in _ROOM) - 1


def is_running(bars: Sequence[Bar]) -> bool:
    """Whether the last bar is that of an interval which is not over."""
    last = bars[-1].candle if bars else None
    return last is not None and not last.closed


def time_label(begin_s: int, daily: bool) -> str:
    """UTC time of an interval's start: "14:03", or "21 Nov" at midnight and for `daily` ones."""
    days, rest = divmod(begin_s, 86_400)
    if not daily and rest:
        return f"{rest // 3600:02d}:{rest // 60 % 60:02d}"
    day = date.fromordinal(_EPOCH_ORDINAL + days)
    return f"{day.day} {_MONTHS[day.month - 1]}"


def bar_label(begin_s: int, interval: int) -> str:
    """Start of a candle as its interval needs it: with the year where a chart of them spans several, "18 Nov 26"."""
    label = time_label(begin_s, interval >= 1440)
    return (
        label if interval <= 1440 else f"{label} {date.fromordinal(_EPOCH_ORDINAL + begin_s // 86_400).year % 100:02d}"
    )


def _label_step(interval: int, pitch: int) -> int:
    """Minutes between two labels: round ones, or so many candles where no round ones begin with them."""
    if interval > 1440:
        return interval * -(-(_LABEL_PITCH + 1) // pitch)
    return next((s for s in _TIME_STEPS if s % interval == 0 and s // interval * pitch >= _LABEL_PITCH), 525_600)


def time_axis(
    bars: Sequence[Bar], interval: int, layout: Layout, ascii_only: bool = False, hover_s: int | None = None
) -> Line:
    """The row of times: labels centred under bars at round times, a mark under the running bar."""
    step = _label_step(interval, layout.pitch)
    canvas = Canvas(layout.plot, 1)
    count, running = len(bars), is_running(bars)
    edge, free, middle = layout.plot, 0, layout.body // 2
    if running:
        edge -= layout.body + 1
        canvas.put(0, layout.column(count - 1, count, running) + (layout.body - 1) // 2, "▴", "accent")
    hovered = next((index for index, bar in enumerate(bars) if bar.begin_s == hover_s), None)
    taken = range(0)
    if hovered is not None:
        label = bar_label(bars[hovered].begin_s, interval)
        start = layout.column(hovered, count, running) + middle - len(label) // 2
        start = max(0, min(start, layout.plot - len(label)))
        canvas.put(0, start, label, "!bright/cursor")
        taken = range(start - 1, start + len(label) + 1)
    for index, bar in enumerate(bars):
        if bar.begin_s % (step * 60):
            continue
        label = bar_label(bar.begin_s, interval)
        start = layout.column(index, count, running) + middle - len(label) // 2
        clear = start + len(label) <= taken.start or start >= taken.stop
        if clear and start >= free and start + len(label) <= edge:
            canvas.put(0, start, label, "muted")
            free = start + len(label) + 2
    line = canvas.runs(0)
    return tuple((text.replace("▴", "^"), key) for text, key in line) if ascii_only else line


class _Chart(msgspec.Struct, frozen=True):
    """All that the parts of one drawing share."""

    view: PairView
    bars: list[Bar]
    scale: PriceRange
    layout: Layout
    look: Look
    vwaps: dict[int, SessionVwap]
    ascii_only: bool
    cursor: int | None
    fills: Sequence[tuple[str, int, int]] = ()

    @property
    def running(self) -> bool:
        return is_running(self.bars)

    def column(self, index: int) -> int:
        return self.layout.column(index, len(self.bars), self.running)

    def row(self, ticks: int) -> int | None:
        """Row of a price; None beyond the scale."""
        if not self.scale.low <= ticks <= self.scale.high:
            return None
        return row_of(ticks, self.scale, 2 * self.layout.rows) // 2

    @property
    def chosen(self) -> Bar:
        """The bar whose figures are shown."""
        hover_s = self.look.hover_s
        return next((bar for bar in self.bars if bar.begin_s == hover_s), self.bars[-1]) if hover_s else self.bars[-1]


def _price_axis(chart: _Chart) -> tuple[dict[int, Line], dict[int, str]]:
    """Axis cells by row, and the rule each of those rows carries across the plot ("grid", "last" or "cursor")."""
    view, scale, layout = chart.view, chart.scale, chart.layout
    spec = view.spec
    precision, increment = (spec.price_precision, spec.increment) if spec else (0, 1)
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
        row = row_of(ticks, scale, 2 * layout.rows) // 2
        label = price(ticks // 10**dropped, precision - dropped) + " " * pad
        cells[row] = ((" " + shorten(label.rjust(width), width), "muted"),)
        rules[row] = "grid"

    def mark(ticks: int, marker: str, marker_key: str, key: str, rule: str = "") -> None:
        row = chart.row(ticks)
        if row is not None:
            cells[row] = ((marker, marker_key), (shorten(price(ticks, precision).rjust(width), width), key))
            if rule:
                rules[row] = rule

    vwap = chart.vwaps.get(chart.bars[-1].begin_s)
    if vwap is not None:
        mark(vwap.ticks, "─", "accent", "accent")
    last = view.last if view.last is not None else view.candles[-1].close
    direction = view.last_direction
    role = "stale" if view.stale else "up" if direction > 0 else "down" if direction < 0 else "text"
    mark(last, "<" if chart.ascii_only else "◂", role, f"!badge/{role}", "last")
    if chart.cursor is not None:
        mark(chart.cursor, " ", "text", "!bright/cursor", "cursor")
    return cells, rules


_RULES = {"grid": ("┈", ".", "rule"), "last": ("╌", "-", "muted"), "cursor": ("╌", "-", "accent")}


def _plot_rows(chart: _Chart) -> list[Line]:
    """The price chart with its axis."""
    layout, canvas = chart.layout, Canvas(chart.layout.plot, chart.layout.rows)
    cells, rules = _price_axis(chart)
    for row, kind in rules.items():
        glyph, plain, key = _RULES[kind]
        canvas.rule(row, plain if chart.ascii_only else glyph, key)
    for index, bar in enumerate(chart.bars):
        vwap = chart.vwaps.get(bar.begin_s)
        at = None if vwap is None else chart.row(vwap.ticks)
        if at is not None:
            length = layout.pitch + (1 if index == len(chart.bars) - 2 and chart.running else 0)
            canvas.put(at, chart.column(index), ("-" if chart.ascii_only else "─") * length, "accent")
    for index, bar in enumerate(chart.bars):
        draw_bar(canvas, chart.column(index), layout.body, bar, chart.scale, chart.ascii_only)
    for glyph, ticks, at_s in chart.fills:
        at = chart.row(ticks)
        index = bisect_right(chart.bars, at_s, key=lambda bar: bar.begin_s) - 1
        if at is not None and index >= 0 and at_s < chart.bars[index].begin_s + chart.view.interval * 60:
            canvas.put(at, chart.column(index) + layout.body // 2, glyph, "!accent")
    gap, empty = (" ", "text"), ((" " * layout.axis, "text"),)
    return [(*canvas.runs(row), gap, *cells.get(row, empty)) for row in range(layout.rows)]


def _beside(word: str, axis: int) -> str:
    """A word in the column of the prices, which begin after their marker: what stands right of it is another pane's."""
    return (f" {word}" if len(word) < axis else shorten(word, axis)).ljust(axis)


def _volume_rows(chart: _Chart) -> list[Line]:
    """The volume chart; its top is a round number, so that the bars do not rescale at every trade."""
    layout, spec = chart.layout, chart.view.spec
    if not layout.volume or spec is None:
        return []
    canvas = Canvas(layout.plot, layout.volume)
    largest = max((bar.candle.volume for bar in chart.bars if bar.candle), default=0)
    top = _round_up(largest) if largest else 0
    for index, bar in enumerate(chart.bars):
        draw_volume(canvas, chart.column(index), layout.body, bar, top, chart.ascii_only)
    label = quantity(top, spec.qty_precision, min(7, layout.axis - 1)) if top else ""
    labels = [label] * (layout.volume > 0)
    if label and len(label) + 1 + len(spec.base) <= layout.axis:
        labels = [f"{label} {spec.base}"]
    elif label:
        labels = [label, spec.base]
    words = {layout.volume - 1: "volume"} if layout.volume > len(labels) else {}
    words |= dict(enumerate(labels[: layout.volume]))
    return [
        (*canvas.runs(row), (" ", "text"), (_beside(words.get(row, ""), layout.axis), "muted"))
        for row in range(layout.volume)
    ]


_Field = tuple[int, tuple[Run, ...]]
"""(rank, runs); the highest rank is dropped first."""


def _bar_fields(chart: _Chart) -> list[_Field]:
    """Time, open, high, low, close, change, volume of the chosen bar, in reading order."""
    view, bar = chart.view, chart.chosen
    spec, candle = view.spec, bar.candle
    time: _Field = (5, ((bar_label(bar.begin_s, view.interval), "muted"),))
    if candle is None:
        return [time, (0, (("nothing known", "muted"),))]
    if spec is None or bar.quiet:
        return [time, (0, (("no trades", "muted"),))]
    # Figures are text: rise and fall are the colours of bodies.
    key = direction_key(candle).replace("rise", "up").replace("fall", "down")

    def figure(name: str, ticks: int, rank: int) -> _Field:
        return rank, ((f"{name} ", "muted"), (price(ticks, spec.price_precision), key if name == "C" else "text"))

    change = signed((candle.close - candle.open) / candle.open * 100)
    volume = quantity(candle.volume, spec.qty_precision, 8)
    return [
        time,
        figure("O", candle.open, 3),
        figure("H", candle.high, 3),
        figure("L", candle.low, 3),
        figure("C", candle.close, 0),
        (1, ((f"{change} %", key),)),
        (2, (("vol ", "muted"), (volume, "text"), (f" {spec.base}".ljust(9 - len(volume)), "muted"))),
    ]


def _vwap_field(chart: _Chart) -> list[_Field]:
    """The session's VWAP; from when it is known, where that is not the session's start."""
    vwap, spec = chart.vwaps.get(chart.chosen.begin_s), chart.view.spec
    if vwap is None or spec is None:
        return []
    since = ""
    if not vwap.whole:
        since = f" since {time_label(vwap.since_s, False)}" if vwap.since_s % DAY_S else " with holes"
    scale = chart.scale
    beyond = " above" if vwap.ticks > scale.high else " below" if vwap.ticks < scale.low else ""
    figure = price(vwap.ticks, spec.price_precision)
    return [
        (4, ((f"{'-' if chart.ascii_only else '─'} vwap ", "accent"), (figure, "accent"), (beyond + since, "muted")))
    ]


def _wrapped(fields: list[_Field], width: int, rows: int) -> list[Line]:
    """Fields in reading order on at most so many rows; those of the highest rank are dropped until the rest fits."""
    fields = list(fields)
    while fields:
        lines: list[list[Run]] = [[]]
        for _, runs in fields:
            if lines[-1] and width_of(lines[-1]) + 2 + width_of(runs) > width:
                lines.append([])
            lines[-1] += [("  ", "text"), *runs] if lines[-1] else runs
        if len(lines) <= rows and all(width_of(line) <= width for line in lines):
            return [tuple(line) for line in lines]
        worst = max(rank for rank, _ in fields)
        fields.remove(next(field for field in reversed(fields) if field[0] == worst))
    return []


def _heading(chart: _Chart, width: int, title: str) -> list[Line]:
    """Title row and figures: what is shown, how far back, and the numbers of one bar."""
    view, look = chart.view, chart.look
    notes: list[Run] = [(f"{len(chart.bars)} bar" + "s" * (len(chart.bars) != 1), "muted")]
    if view.stale:
        notes = [("STALE ", "stale"), *notes]
    if look.end_s is not None:
        back = (view.candles[-1].begin_s - chart.bars[-1].begin_s) // (view.interval * 60)
        notes = [(f"◂ {back:,} back, {look.follow_key} follows", "!accent")]
    left = width - width_of(notes) - len(title) - 6
    if left < 0:
        notes, left = [], width - len(title) - 4
    tail = [(" ", "muted"), *notes, (" ", "muted")] if notes else []
    head: Line = (("─ ", "rule"), (title, "title"), (" " + "─" * (left + 1), "rule"), *tail)
    fields = [*_bar_fields(chart), *_vwap_field(chart)]
    figures = _wrapped(fields, width, chart.layout.figures) if chart.layout.figures else []
    rows = [head, *figures, *[()] * (chart.layout.figures - len(figures))]
    return [padded(row, width) for row in rows]


def choose_scale(
    view: PairView | None, width: int, height: int, previous: PriceRange | None, look: Look = FOLLOW
) -> PriceRange | None:
    """The price scale of the chart at this size, the previous one while it still fits; None if no chart is drawn."""
    if view is None or view.spec is None or not view.candles:
        return None
    layout = layout_for(view, width, height, look.zoom)
    if layout.plot < _LEAST_PLOT or height < _LEAST_HEIGHT:
        return None
    low, high = extent(view, bars_of(view, layout.bars, look.end_s), following=look.end_s is None)
    return choose_range(low, high, view.spec.increment, previous)


def _vwaps_of(view: PairView, bars: Sequence[Bar]) -> dict[int, SessionVwap]:
    first = bisect_right(view.candles, bars[0].begin_s - 1, key=lambda candle: candle.begin_s)
    shown = view.candles[first:]
    pairs = zip(shown, session_vwaps(view.candles, first), strict=True)
    return {candle.begin_s: vwap for candle, vwap in pairs if vwap is not None}


def draw_chart(
    view: PairView | None,
    scale: PriceRange | None,
    width: int,
    height: int,
    *,
    look: Look = FOLLOW,
    ascii_only: bool = False,
    cursor: int | None = None,
    title: str = "Candles",
    fills: Sequence[tuple[str, int, int]] = (),
) -> list[Line]:
    """Draw the chart, or say what is missing.

    Args:
        view: The pair.
        scale: Prices at top and bottom, ticks, from `choose_scale`.
        width: Cells.
        height: Rows; title and time axis take one each, the figures of a bar up to two.
        look: What part is looked at.
        ascii_only: Whether the terminal cannot show blocks.
        cursor: Price to mark, ticks.
        title: Words before the interval's name.
        fills: (mark, ticks, seconds since the epoch by the venue's clock) of each own fill.
    """
    if view is None or view.spec is None or not view.candles:
        return draw_waiting(title, "Waiting for the first candle", width, height)
    if scale is None:
        return draw_waiting(title, "Too small", width, height)
    layout = layout_for(view, width, height, look.zoom)
    bars = bars_of(view, layout.bars, look.end_s)
    chart = _Chart(view, bars, scale, layout, look, _vwaps_of(view, bars), ascii_only, cursor, fills)
    utc = _beside("UTC" if layout.axis > 3 else "", layout.axis)
    return [
        *_heading(chart, width, f"{title} {interval_name(view.interval)}"),
        *_plot_rows(chart),
        *_volume_rows(chart),
        (*time_axis(bars, view.interval, layout, ascii_only, look.hover_s), (" ", "text"), (utc, "muted")),
    ]


def draw_candles(
    picture: Picture, scale: PriceRange | None, width: int, height: int, look: Look = FOLLOW
) -> list[Line]:
    """Draw the chart of the pair on screen; see `draw_chart`."""
    return draw_chart(
        picture.pair,
        scale,
        width,
        height,
        look=look,
        ascii_only=picture.ascii_only,
        cursor=picture.choices.cursor,
        fills=_fills(picture),
    )


def _fills(picture: Picture) -> list[tuple[str, int, int]]:
    if picture.account is None:
        return []
    from kraken_tui.tui.draw.own_fills import fills_of, glyph_of

    return [(glyph_of(fill), ticks, ns // SECOND) for fill, ticks, ns in fills_of(picture)]
