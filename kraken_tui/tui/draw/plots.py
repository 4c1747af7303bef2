"""Charts of depth, spread, imbalance and latency, for the charts view and the `plot` command.

All stand on a zero baseline between grid lines of round values, each of a whole number of rows, and show what was
measured: steps, with both extremes of a column, never a slope between two points. The filled curve of the depth is
rasterised by plotext, which keeps one figure for the whole process: drawing it is serialised by a lock and starts from
a cleared figure. It is imported at the first picture, not with this module.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, log10
from typing import Any

import msgspec

from kraken_tui.market.events import Level, Proof
from kraken_tui.market.freshness import silence_text
from kraken_tui.market.views import FeedView, PairView, Sample
from kraken_tui.tui.draw.candle_bars import UNKNOWN, Canvas
from kraken_tui.tui.draw.candles import FOLLOW, choose_scale, draw_chart, nice_step
from kraken_tui.tui.draw.format import basis_points, clock, mid_price, price, quantity, signed
from kraken_tui.tui.draw.health import milliseconds
from kraken_tui.tui.draw.runs import Line, draw_waiting, in_cells, shorten, title_line
from kraken_tui.units import SECOND
from kraken_tui.words import counted

_LOCK = threading.Lock()
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
SMALLEST = (24, 7)
"""Columns and rows below which no chart is drawn."""

_GAP_NS = 3 * SECOND
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_COLUMN_S = (1, 2, 5, 10, 15, 30, 60)
_LABEL_PITCH = 12
_GUTTER = 6
_LOWER = " ▁▂▃▄▅▆▇█"
# What plotext draws in, and the roles that stand for it: it knows colours only.
_PENS = {"bid-bar": 2, "ask-bar": 1, "muted": 8}
_ROLES = {f"38;5;{pen}": role for role, pen in _PENS.items()}


# --- frames ---------------------------------------------------------------------------------------------------


class Axis(msgspec.Struct, frozen=True):
    """A value axis with its zero on the lower edge of the plot: grid lines at round values, whole rows apart.

    Attributes:
        step: Value from one grid line to the next.
        count: Steps.
        pitch: Rows a step takes.
    """

    step: float
    count: int
    pitch: int

    @property
    def rows(self) -> int:
        """Rows of the plot."""
        return self.count * self.pitch

    @property
    def top(self) -> float:
        """Value at the upper edge."""
        return self.step * self.count

    def eighths(self, value: float) -> int:
        """Height of a value in eighths of a row; anything above zero is at least one."""
        if value <= 0:
            return 0
        return max(1, min(8 * self.rows, round(8 * self.rows * value / self.top)))


def axis_for(largest: float, rows: int, least: float = 0.0) -> Axis:
    """Choose steps of 1, 2 or 5 x 10^k so that `largest` fits into `rows`, and few rows are left over.

    Args:
        largest: Greatest value to show.
        rows: At least 1.
        least: Smallest step that makes sense.
    """
    largest = max(largest, least) or 1.0
    best: tuple[float, Axis] | None = None
    for wanted in range(1, max(2, min(7, rows // 2 + 1))):
        step = max(least, _round_up(largest / wanted))
        count = max(1, ceil(largest / step - 1e-9))
        if count > rows:
            continue
        axis = Axis(step, count, rows // count)
        # The height that `largest` reaches decides, and each label that is wanted and missing costs a tenth of it.
        reach = axis.rows * largest / axis.top / rows
        score = reach - 0.1 * max(0, min(4, rows // 3) - count)
        if best is None or score > best[0]:
            best = score, axis
    return best[1] if best else Axis(largest, 1, rows)


def _round_up(value: float) -> float:
    """The smallest of 1, 2, 5 x 10^k that is at least `value`."""
    power = 10.0 ** floor(log10(value))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value * 0.999_999)


def _framed(canvas: Canvas, labels: dict[int, str], axis: int, foot: Line) -> list[Line]:
    """The rows of a plot with the labels of their lower edges, and the row under it."""
    rows = [
        (*canvas.runs(row), (f" {shorten(labels.get(row, ''), axis - 1).rjust(axis - 1)}", "muted"))
        for row in range(len(canvas.chars))
    ]
    return [*rows, foot]


def _fill_up(lines: list[Line], title: Line, height: int) -> list[Line]:
    """The whole chart: what rows are left over stay blank under the title."""
    return [title, *[()] * (height - 1 - len(lines)), *lines]


def _grid(canvas: Canvas, row: int) -> None:
    canvas.rule(row, "▁", "rule")


def _foot(columns: int, marks: Iterable[tuple[int, str]], tail: str) -> Line:
    """A row of labels centred on columns; those that would touch are left out."""
    canvas = Canvas(columns, 1)
    free = 0
    for column, label in marks:
        start = max(0, min(columns - len(label), column - len(label) // 2))
        if start >= free and len(label) <= columns:
            canvas.put(0, start, label, "muted")
            free = start + len(label) + 2
    return (*canvas.runs(0), (tail, "muted"))


def _too_small(title: str, width: int, height: int) -> list[Line] | None:
    return draw_waiting(title, "Too small", width, height) if width < SMALLEST[0] or height < SMALLEST[1] else None


def _doubt(view: PairView) -> str:
    """What is wrong with the book; "" while it may be shown as proven and fresh."""
    if view.silent_ns:
        return silence_text(view.silent_ns)
    if view.proof is not Proof.VERIFIED:
        return f"{view.proof.value} {in_cells(view.proof_reason)}".rstrip()
    return "STALE" if view.stale else ""


def _head(title: str, parts: Sequence[str], width: int) -> Line:
    """The title row with the first parts that fit beside it whole; of the very first at least the beginning."""
    kept = [part for part in parts if part]
    room = width - len(title) - 8
    while len(kept) > 1 and len("  ".join(kept)) > room:
        kept.pop()
    return title_line(title, shorten("  ".join(kept), room), width)


# --- depth ----------------------------------------------------------------------------------------------------


def _cumulative(levels: Sequence[Level], sign: int, prices: Sequence[int]) -> list[int]:
    """Lots between the touch and each price of `prices`, which move away from the touch; sign +1 for asks."""
    sums: list[int] = []
    total = index = 0
    for ticks in prices:
        while index < len(levels) and sign * levels[index][0] <= sign * ticks:
            total += levels[index][1]
            index += 1
        sums.append(total)
    return sums


def _curve(levels: Sequence[Level], sign: int, mid2: int, reach2: int, columns: int) -> list[tuple[int, int]]:
    """(half column, lots) of one side's steps from the mid outwards, as far as the book is known."""
    last = levels[-1][0]
    points = [(half, (mid2 + sign * reach2 * half // columns) // 2) for half in range(columns + 1)]
    known = [(half, ticks) for half, ticks in points if sign * ticks <= sign * last]
    sums = _cumulative(levels, sign, [ticks for _, ticks in known])
    return [(half, total) for (half, _), total in zip(known, sums, strict=True) if total]


def _rasterised(width: int, rows: int, top: float, curves: list[tuple[list[tuple[int, int]], str]]) -> list[str]:
    """Filled curves as rows of text with colour codes; x is 0 to 2 x `width`, y 0 to `top`."""
    import plotext

    plot: Any = plotext
    with _LOCK:
        plot.clear_figure()
        try:
            plot.limit_size(False, False)
            plot.plot_size(width, rows)
            plot.canvas_color("default")
            plot.axes_color("default")
            plot.xaxes(False, False)
            plot.yaxes(False, False)
            plot.xticks([])
            plot.yticks([])
            for points, role in curves:
                if points:
                    plot.plot(*zip(*points, strict=True), marker="hd", color=_PENS[role], fillx=True)
            plot.xlim(0, 2 * width)
            plot.ylim(0, top)
            text: str = plot.build()
        finally:
            plot.clear_figure()
    return text.rstrip("\n").split("\n")


def _paint(canvas: Canvas, rows: list[str], ascii_only: bool) -> None:
    """Lay coloured text over a plot; blanks leave what is there."""
    for row, text in enumerate(rows[: len(canvas.chars)]):
        key, column, at = "muted", 0, 0
        for code in _SGR.finditer(text + "\x1b[m"):
            for character in text[at : code.start()]:
                if character != " ":
                    canvas.put(row, column, "#" if ascii_only else character, key)
                column += 1
            key, at = _ROLES.get(code.group(1), "muted"), code.end()


def depth_chart(view: PairView | None, width: int, height: int, *, ascii_only: bool = False) -> list[Line]:
    """Cumulative size by price, bids left of the mid, asks right; each side ends where the book is known no further.

    Args:
        view: Pair with a book; an unproven or stale one is drawn without colours of its sides, and the title says so.
        width: Cells.
        height: Rows, the title row among them.
        ascii_only: Whether the terminal cannot show blocks.
    """
    title = "Depth"
    if view is None or view.spec is None or not view.bids or not view.asks:
        return draw_waiting(title, "No book with two sides yet", width, height)
    if small := _too_small(title, width, height):
        return small
    spec, bids, asks = view.spec, view.bids, view.asks
    mid2 = bids[0][0] + asks[0][0]
    reach2 = max(mid2 - 2 * bids[-1][0], 2 * asks[-1][0] - mid2, 2)
    largest = max(sum(lots for _, lots in side) for side in (bids, asks))
    axis = axis_for(largest, height - 2, 1.0)
    marks = [quantity(round(axis.step * index), spec.qty_precision, 8) for index in range(axis.count + 1)]
    gutter = max(map(len, marks)) + 1
    columns = max(8, width - gutter)
    canvas, labels = Canvas(columns, axis.rows), {}
    for index, label in enumerate(marks):
        row = axis.rows - 1 - index * axis.pitch
        labels[row] = label
        if 0 <= row < axis.rows and index:
            _grid(canvas, row)
    middle = columns // 2
    for row in range(axis.rows):
        canvas.put(row, middle, "│", "accent")
    doubt = _doubt(view)
    levels = f"{counted(max(len(bids), len(asks)), 'level')}, {in_cells(spec.base)}"
    head = _head(title, [doubt, f"mid {mid_price(mid2, spec.price_precision)}", levels], width)
    sides = ((bids, -1, "bid-bar"), (asks, 1, "ask-bar"))
    curves = [
        ([(columns + sign * half, lots) for half, lots in points], "muted" if doubt else role)
        for side, sign, role in sides
        if (points := _curve(side, sign, mid2, reach2, columns))
    ]
    _paint(canvas, _rasterised(columns, axis.rows, axis.top, curves), ascii_only)
    foot = _foot(columns, _price_marks(view, mid2, reach2, columns), " " * gutter)
    return _fill_up(_framed(canvas, labels, gutter, foot), head, height)


def _price_marks(view: PairView, mid2: int, reach2: int, columns: int) -> list[tuple[int, str]]:
    """(column, price) at round prices."""
    spec = view.spec
    assert spec is not None
    low, high = (mid2 - reach2) // 2, (mid2 + reach2) // 2
    pitch = len(price(high, spec.price_precision)) + 4
    step = nice_step(max(1, reach2 * pitch // columns), spec.increment)
    return [
        ((2 * ticks - mid2 + reach2) * columns // (2 * reach2), price(ticks, spec.price_precision))
        for ticks in range(max(1, -(-low // step)) * step, high + 1, step)
    ]


# --- history --------------------------------------------------------------------------------------------------


class Column(msgspec.Struct, frozen=True):
    """What one column of a history covers.

    Attributes:
        low, high: Extremes.
        mean: Of its samples.
    """

    low: float
    high: float
    mean: float


class History(msgspec.Struct, frozen=True):
    """Samples by column, each of so many whole seconds; the newest last.

    Attributes:
        columns: None where the book was not proven.
        seconds: A column's length.
        end_s: End of the newest column, seconds since the epoch.
    """

    columns: list[Column | None]
    seconds: int
    end_s: int


def history_of(
    samples: Sequence[Sample], most: int, figures: Callable[[Sample], tuple[float, float, float]]
) -> History:
    """Gather samples into at most `most` columns that begin at whole multiples of their length.

    So columns do not change but for the newest, and the chart moves by whole columns. A second without a sample of its
    own is covered by the next one, which tells of the time since the sample before; after more than three seconds
    without one nothing is known.

    Args:
        samples: Oldest first, at least one.
        most: At least 1.
        figures: (low, high, mean) of one.
    """
    first_s, last_s = samples[0].ns // SECOND, samples[-1].ns // SECOND
    seconds = next((step for step in _COLUMN_S if last_s // step - first_s // step < most), _COLUMN_S[-1])
    newest, oldest = last_s // seconds, max(first_s // seconds, last_s // seconds - most + 1)
    found: dict[int, list[tuple[float, float, float]]] = {}
    previous: Sample | None = None
    for sample in samples:
        at = sample.ns // SECOND // seconds
        values = figures(sample)
        found.setdefault(at, []).append(values)
        if previous is not None and sample.ns - previous.ns <= _GAP_NS:
            for skipped in range(previous.ns // SECOND // seconds + 1, at):
                found.setdefault(skipped, []).append(values)
        previous = sample
    columns = [_column(found.get(index)) for index in range(oldest, newest + 1)]
    return History(columns, seconds, (newest + 1) * seconds)


def _column(values: list[tuple[float, float, float]] | None) -> Column | None:
    if not values:
        return None
    low, high = min(low for low, _, _ in values), max(high for _, high, _ in values)
    return Column(low, high, sum(mean for _, _, mean in values) / len(values))


def _time_foot(history: History, columns: int, tail: str) -> Line:
    """Labels at round UTC times."""
    first_s = history.end_s - len(history.columns) * history.seconds
    step = next((step for step in _TIME_STEPS_S if step >= history.seconds * _LABEL_PITCH), _TIME_STEPS_S[-1])
    left = columns - len(history.columns)
    moments = range(-(-first_s // step) * step, history.end_s, step)
    marks = [
        (left + (moment - first_s) // history.seconds, clock(moment * SECOND)[: 5 if step >= 60 else 8])
        for moment in moments
    ]
    return _foot(columns, marks, tail)


def _draw_unknown(canvas: Canvas, column: int) -> None:
    for row in range(len(canvas.chars)):
        canvas.put(row, column, UNKNOWN, "rule")


def _draw_range(canvas: Canvas, column: int, low: int, high: int, ascii_only: bool) -> None:
    """One column: a light area from zero to the lower extreme, a full bar from there to the higher one, in eighths."""
    if high <= low:
        low = high - 1
    for row in range(len(canvas.chars)):
        base = 8 * (len(canvas.chars) - 1 - row)
        upper, lower = min(8, max(0, high - base)), min(8, max(0, low - base))
        if not upper:
            continue
        if lower == 8:
            canvas.put(row, column, "." if ascii_only else "░", "rule")
        elif ascii_only:
            canvas.put(row, column, "#", "accent")
        elif upper == 8 and lower:
            # The band above its lower edge: the edge's glyph with both colours changed over.
            canvas.put(row, column, _LOWER[lower], "~accent")
        else:
            canvas.put(row, column, _LOWER[upper], "accent")


def spread_extremes(view: PairView) -> tuple[float, float]:
    """Narrowest and widest spread of the history shown, that of this moment included, in basis points of the mid."""
    low, high = min(sample.narrowest for sample in view.samples), view.widest_spread or 0.0
    if view.metrics is None:
        return low, high
    return min(low, view.metrics.spread_bps), max(high, view.metrics.spread_bps)


def spread_chart(view: PairView | None, width: int, height: int, *, ascii_only: bool = False) -> list[Line]:
    """Spread in basis points of the mid over the last ten minutes: of each column the narrowest and the widest.

    Args:
        view: Pair with `samples`.
        width: Cells.
        height: Rows, the title row among them.
        ascii_only: Whether the terminal cannot show blocks.
    """
    title = "Spread, bps"
    if view is None or not view.samples:
        return draw_waiting(title, "No history yet: a point a second while the book is proven", width, height)
    if small := _too_small(title, width, height):
        return small
    samples = view.samples
    low, high = spread_extremes(view)
    axis = axis_for(high, height - 2)
    decimals = max(0, -floor(log10(axis.step)))
    texts = [f"{axis.step * index:.{decimals}f}" for index in range(axis.count + 1)]
    gutter = max(_GUTTER, max(map(len, texts)) + 1)
    columns = max(8, width - gutter)
    history = history_of(samples, columns, lambda sample: (sample.narrowest, sample.widest, sample.spread_bps))
    newest = history.columns[-1]
    if newest is not None and view.metrics is not None:
        # The header's spread is of this moment; the newest column must not deny it.
        now = view.metrics.spread_bps
        history.columns[-1] = Column(min(newest.low, now), max(newest.high, now), newest.mean)
    canvas, labels = Canvas(columns, axis.rows), {}
    for index, text in enumerate(texts):
        row = axis.rows - 1 - index * axis.pitch
        labels[row] = text
        if row >= 0 and index:
            _grid(canvas, row)
    left = columns - len(history.columns)
    for place, column in enumerate(history.columns, left):
        if column is None:
            _draw_unknown(canvas, place)
        else:
            low_at, high_at = axis.eighths(column.low), axis.eighths(column.high)
            _draw_range(canvas, place, low_at, high_at, ascii_only)
    head = _head(title, [_doubt(view), f"widest {basis_points(high)}", f"narrowest {basis_points(low)}"], width)
    return _fill_up(_framed(canvas, labels, gutter, _time_foot(history, columns, "UTC".rjust(gutter))), head, height)


def _draw_signed(canvas: Canvas, column: int, value: float, ascii_only: bool) -> None:
    """A bar from the zero in the middle: up to 1 above it, down to -1 below it."""
    half = len(canvas.chars) // 2
    length = min(8 * half, max(1, round(abs(value) * 8 * half))) if value else 0
    for index in range(half):
        part = min(8, length - 8 * index)
        if part <= 0:
            break
        if value > 0:
            canvas.put(half - 1 - index, column, "#" if ascii_only else _LOWER[part], "bid")
        elif ascii_only or part == 8:
            canvas.put(half + index, column, "#" if ascii_only else "█", "ask")
        else:
            # The upper part of a cell: its lower part with both colours changed over.
            canvas.put(half + index, column, _LOWER[8 - part], "~ask")


def imbalance_chart(view: PairView | None, width: int, height: int, *, ascii_only: bool = False) -> list[Line]:
    """Imbalance (bid - ask) / (bid + ask) over the last ten minutes: more bids above zero, more asks below.

    Args:
        view: Pair with `samples`.
        width: Cells.
        height: Rows, the title row among them.
        ascii_only: Whether the terminal cannot show blocks.
    """
    title = "Imbalance"
    if view is None or not view.samples:
        return draw_waiting(title, "No history yet: a point a second while the book is proven", width, height)
    if small := _too_small(title, width, height):
        return small
    samples, gutter = view.samples, _GUTTER
    columns = max(8, width - gutter)
    quarter = max(1, (height - 2) // 4)
    history = history_of(samples, columns, lambda sample: (sample.imbalance,) * 3)
    canvas = Canvas(columns, 4 * quarter)
    labels: dict[int, str] = {}
    for index, text in enumerate(("-1.0", "-0.5", "0", "+0.5", "+1.0")):
        row = 4 * quarter - 1 - index * quarter
        labels[row] = text
        if row >= 0 and index:
            _grid(canvas, row)
    left = columns - len(history.columns)
    for place, column in enumerate(history.columns, left):
        if column is None:
            _draw_unknown(canvas, place)
        else:
            _draw_signed(canvas, place, column.mean, ascii_only)
    doubt, levels = _doubt(view), counted(view.metrics.levels, "level") if view.metrics else ""
    now = signed(samples[-1].imbalance if view.metrics is None else view.metrics.imbalance)
    head = _head(title, [doubt, f"last {now}" if doubt else f"now {now}", levels], width)
    return _fill_up(_framed(canvas, labels, gutter, _time_foot(history, columns, "UTC".rjust(gutter))), head, height)


# --- the command line -----------------------------------------------------------------------------------------


def latency_chart(feed: FeedView, width: int, height: int, *, ascii_only: bool = False) -> list[Line]:
    """Histogram of the feed latency of the last five minutes, by upper bound in milliseconds.

    Args:
        feed: With a latency histogram.
        width: Cells.
        height: Rows, the title row among them.
        ascii_only: Whether the terminal cannot show blocks.
    """
    title, latency = "Feed latency, ms", feed.latency
    filled = [index for index, (_, count) in enumerate(latency.histogram) if count]
    if not filled or latency.p50 is None or latency.p99 is None or latency.worst is None:
        return draw_waiting(title, "Nothing measured yet", width, height)
    if small := _too_small(title, width, height):
        return small
    buckets = latency.histogram[filled[0] : filled[-1] + 1]
    axis = axis_for(max(count for _, count in buckets), height - 2, 1.0)
    texts = [f"{round(axis.step * index):,}" for index in range(axis.count + 1)]
    gutter = max(map(len, texts)) + 1
    columns = max(8, width - gutter)
    canvas, labels = Canvas(columns, axis.rows), {}
    for index, text in enumerate(texts):
        row = axis.rows - 1 - index * axis.pitch
        labels[row] = text
        if row >= 0 and index:
            _grid(canvas, row)
    pitch = max(1, columns // len(buckets))
    body = max(1, pitch * 3 // 5)
    marks: list[tuple[int, str]] = []
    for index, (bound, count) in enumerate(buckets):
        left = index * pitch + (pitch - body) // 2
        for place in range(left, left + body):
            _draw_range(canvas, place, 0, axis.eighths(count), ascii_only)
        marks.append((left + body // 2, "more" if bound == float("inf") else f"≤{bound:g}"))
    p50, p99, worst = (milliseconds(value) for value in (latency.p50, latency.p99, latency.worst))
    head = _head(title, [f"p50 {p50}", f"p99 {p99}", f"max {worst}"], width)
    return _fill_up(_framed(canvas, labels, gutter, _foot(columns, marks, " " * gutter)), head, height)


def candle_chart(view: PairView | None, width: int, height: int) -> list[Line]:
    """The candles of the screen under a title that names the pair."""
    scale = choose_scale(view, width, height, None, FOLLOW)
    title = f"{in_cells(view.symbol)} candles" if view is not None else "Candles"
    return draw_chart(view, scale, width, height, title=title)
