"""Pictures drawn by plotext, as text of an exact size with ANSI colours: for the charts view and the `plot` command.

plotext keeps one figure for the whole process, so drawing is serialised by a lock and starts from a cleared figure.
It is imported at the first picture, not with this module. Every function returns `height` lines of `width` cells, or
one plain sentence if there is nothing to draw.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from math import floor, log10
from typing import Any

from kraken_tui.market.events import Level, Proof
from kraken_tui.market.freshness import silence_text
from kraken_tui.market.views import FeedView, PairView, Sample
from kraken_tui.tui.draw.candles import bars_of, nice_step, time_label
from kraken_tui.tui.draw.format import basis_points, clock, price, quantity, signed
from kraken_tui.tui.draw.health import milliseconds
from kraken_tui.tui.draw.runs import Line, in_cells, printed, shorten, title_line
from kraken_tui.tui.draw.themes import Palette
from kraken_tui.units import SECOND
from kraken_tui.words import counted, interval_name

_LOCK = threading.Lock()
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_SGR_256 = {
    "black": 0, "red": 1, "green": 2, "yellow": 3, "blue": 4, "magenta": 5, "cyan": 6, "white": 7, "bright_black": 8,
}  # fmt: skip
_SMALLEST = (24, 7)
_GAP_NS = 3 * SECOND
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_TIME_LABELS = 5
_ROUND_BARS = (1, 2, 5, 10, 15, 30, 60, 120, 240)
_BORDER = 2

Colour = str | int | tuple[int, int, int]
"""As plotext takes it: "default", a number of the 256, or red, green and blue."""


def _colour(palette: Palette | None, role: str) -> Colour:
    name = "default" if palette is None else palette.colours[role]
    if name.startswith("#"):
        return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)
    return _SGR_256.get(name, "default")


def _sgr(colour: Colour) -> str:
    if isinstance(colour, tuple):
        return "\x1b[38;2;{};{};{}m".format(*colour)
    return f"\x1b[38;5;{colour}m" if isinstance(colour, int) else ""


def _ansi(line: Line, palette: Palette | None) -> str:
    """A pane's line as ANSI text; without a palette as plain text."""
    if palette is None:
        return "".join(printed(text) for text, _ in line)
    return "".join(f"{_sgr(_colour(palette, key.lstrip('!')))}{printed(text)}\x1b[0m" for text, key in line if text)


def _picture(
    title: str, note: str, width: int, height: int, palette: Palette | None, draw: Callable[[Any], None]
) -> str:
    """One cleared figure under a title row: `draw` is given plotext and adds its data."""
    note = shorten(note, width - len(title) - 8)
    if width < _SMALLEST[0] or height < _SMALLEST[1]:
        return f"{printed(title)}: too small a space."
    import plotext

    with _LOCK:
        plotext.clear_figure()
        plotext.limit_size(False, False)
        plotext.plot_size(width, height - 1)
        plotext.canvas_color("default")
        plotext.axes_color("default")
        plotext.ticks_color(_colour(palette, "muted"))
        plotext.xaxes(True, False)
        plotext.yaxes(True, False)
        try:
            draw(plotext)
            text: str = plotext.build()
        finally:
            plotext.clear_figure()
    rows = text.rstrip("\n").split("\n")
    if palette is None:
        rows = [_ESCAPE.sub("", row) for row in rows]
    return "\n".join([_ansi(title_line(title, note, width), palette), *rows])


def _float_ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` round values from `low` to `high`."""
    step = (high - low) / max(1, most)
    if step <= 0:
        return [low]
    power = 10.0 ** floor(log10(step))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * 0.999_999)
    first, last = -floor(-low / step + 1e-9), floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _rows_between_labels(height: int) -> int:
    return max(2, (height - 3) // 4)


def _trust(view: PairView, note: str) -> tuple[str, bool]:
    """(note with what is wrong with the book in front, whether the book may be shown as proven and fresh)."""
    if view.silent_ns:
        return f"{silence_text(view.silent_ns)}  {note}", False
    if view.proof is not Proof.VERIFIED:
        return f"{view.proof.value} {in_cells(view.proof_reason)}  {note}", False
    return (f"STALE {note}", False) if view.stale else (note, True)


def _now_or_last(view: PairView, figures: str) -> str:
    """Figures of the newest sample, called "now" only while the book is proven and fresh."""
    note, trusted = _trust(view, f"last {figures}")
    return f"now {figures}" if trusted else note


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


def depth_chart(view: PairView | None, width: int, height: int, palette: Palette | None) -> str:
    """Cumulative size by price, bids left of the mid, asks right; the axis spans the deeper side both ways.

    Args:
        view: Pair with a book; an unproven or stale one is drawn without colours of its sides, and the title says so.
        width: Cells.
        height: Rows, the title row among them.
        palette: Colours; None for no ANSI codes at all.
    """
    if view is None or view.spec is None or not view.bids or not view.asks:
        return "Depth curve: no book with two sides yet."
    spec, bids, asks = view.spec, view.bids, view.asks
    mid = (bids[0][0] + asks[0][0]) // 2
    reach = max(mid - bids[-1][0], asks[-1][0] - mid, 1)
    columns = max(2, width - 12)
    offsets = [reach * index // columns for index in range(columns + 1)]
    bid_prices, ask_prices = [mid - offset for offset in offsets], [mid + offset for offset in offsets]
    bid_sums, ask_sums = _cumulative(bids, -1, bid_prices), _cumulative(asks, 1, ask_prices)
    top = max(bid_sums[-1], ask_sums[-1])
    step = nice_step(max(1, top // _rows_between_labels(height)))
    note, trusted = _trust(view, f"{counted(max(len(bids), len(asks)), 'level')}, {in_cells(spec.base)}")

    def draw(plot: Any) -> None:
        lots = 10**spec.qty_precision
        for prices, sums, role in ((bid_prices, bid_sums, "bid-bar"), (ask_prices, ask_sums, "ask-bar")):
            points = [(ticks, total / lots) for ticks, total in zip(prices, sums, strict=True) if total]
            colour = _colour(palette, role if trusted else "muted")
            plot.plot(*zip(*points, strict=True), marker="hd", color=colour, fillx=True)
        plot.xlim(mid - reach, mid + reach)
        plot.ylim(0, top / lots)
        marks = list(range(0, top + 1, step))
        plot.yticks([mark / lots for mark in marks], [quantity(mark, spec.qty_precision, 8) for mark in marks])
        ticks = [mid - reach, mid - reach // 2, mid, mid + reach // 2, mid + reach]
        plot.xticks(ticks, [price(tick, spec.price_precision) for tick in ticks])

    return _picture("Depth curve", note, width, height, palette, draw)


def _buckets(
    samples: Sequence[Sample], value: Callable[[Sample], float], columns: int, worst: bool
) -> list[list[tuple[float, float]]]:
    """Samples as runs of (seconds before the newest, value) points, one a column at most.

    A run ends where the book was unproven for longer than `_GAP_NS`: nothing is drawn there.
    """
    end = samples[-1].ns
    span = max(1, end - samples[0].ns)
    runs: list[list[tuple[float, float]]] = []
    bucket: list[float] = []
    previous: Sample | None = None
    at = -1

    def close() -> None:
        if bucket:
            figure = max(bucket) if worst else sum(bucket) / len(bucket)
            runs[-1].append((-(columns - at) * span / columns / SECOND, figure))
            bucket.clear()

    for sample in samples:
        column = (sample.ns - samples[0].ns) * columns // span
        gap = previous is None or sample.ns - previous.ns > _GAP_NS
        if gap or column != at:
            close()
            at = column
        if gap:
            runs.append([])
        bucket.append(value(sample))
        previous = sample
    close()
    return runs


def _time_ticks(plot: Any, samples: Sequence[Sample]) -> None:
    """A time axis that ends at the newest sample, with labels at round UTC times."""
    end_ns = samples[-1].ns
    span_s = (end_ns - samples[0].ns) / SECOND
    step = next((step for step in _TIME_STEPS_S if span_s / step <= _TIME_LABELS), _TIME_STEPS_S[-1])
    last = end_ns // (step * SECOND) * step
    moments = [last - index * step for index in range(int(span_s // step), -1, -1)]
    marks = [(moment, moment - end_ns / SECOND) for moment in moments]
    marks = [(moment, place) for moment, place in marks if place >= -span_s]
    plot.xlim(-span_s or -1.0, 0)
    plot.xticks(
        [place for _, place in marks], [clock(moment * SECOND)[: 5 if step >= 60 else 8] for moment, _ in marks]
    )


def spread_chart(view: PairView | None, width: int, height: int, palette: Palette | None) -> str:
    """Spread in basis points of the mid over the last ten minutes, the widest of each column.

    Args:
        view: Pair with `samples`.
        width: Cells.
        height: Rows, the title row among them.
        palette: Colours; None for no ANSI codes at all.
    """
    if view is None or len(view.samples) < 2:
        return "Spread: no history yet, one point a second is taken while the book is proven."
    samples = view.samples
    top = max(sample.spread_bps for sample in samples)
    low = min(0.0, min(sample.spread_bps for sample in samples))
    figures = f"{basis_points(samples[-1].spread_bps)}  widest {basis_points(top)} bps"
    note = _now_or_last(view, figures)

    def draw(plot: Any) -> None:
        for run in _buckets(samples, lambda sample: sample.spread_bps, max(2, width - 10), True):
            plot.plot(*zip(*run, strict=True), marker="hd", color=_colour(palette, "accent"))
        ceiling = top * 1.05 or 1.0
        plot.ylim(low, ceiling)
        marks = _float_ticks(low, ceiling, _rows_between_labels(height))
        plot.yticks(marks, [f"{mark:.4g}" for mark in marks])
        _time_ticks(plot, samples)

    return _picture("Spread", note, width, height, palette, draw)


def imbalance_chart(view: PairView | None, width: int, height: int, palette: Palette | None) -> str:
    """Imbalance (bid - ask) / (bid + ask) over the last ten minutes: more bids above zero, more asks below.

    Args:
        view: Pair with `samples`.
        width: Cells.
        height: Rows, the title row among them.
        palette: Colours; None for no ANSI codes at all.
    """
    if view is None or len(view.samples) < 2:
        return "Imbalance: no history yet, one point a second is taken while the book is proven."
    samples = view.samples
    levels = f"{counted(view.metrics.levels, 'level')}  " if view.metrics else ""
    note = levels + _now_or_last(view, signed(samples[-1].imbalance))

    def draw(plot: Any) -> None:
        points = [point for run in _buckets(samples, lambda s: s.imbalance, max(2, width - 10), False) for point in run]
        for sign, role in ((1, "bid"), (-1, "ask")):
            chosen = [point for point in points if sign * point[1] > 0]
            if chosen:
                seconds, values = zip(*chosen, strict=True)
                plot.scatter(seconds, values, marker="hd", color=_colour(palette, role), fillx=True)
        plot.ylim(-1, 1)
        marks = (-1, -0.5, 0, 0.5, 1)
        plot.yticks(marks, [f"{mark:+.1f}" if mark else "0" for mark in marks])
        _time_ticks(plot, samples)

    return _picture("Imbalance", note, width, height, palette, draw)


def latency_chart(feed: FeedView, width: int, height: int, palette: Palette | None) -> str:
    """Histogram of the feed latency of the last five minutes, by upper bound in milliseconds.

    Args:
        feed: With a latency histogram.
        width: Cells.
        height: Rows, the title row among them.
        palette: Colours; None for no ANSI codes at all.
    """
    latency = feed.latency
    filled = [index for index, (_, count) in enumerate(latency.histogram) if count]
    if not filled or latency.p50 is None or latency.p99 is None or latency.worst is None:
        return "Feed latency: nothing measured yet."
    buckets = latency.histogram[filled[0] : filled[-1] + 1]
    top = max(count for _, count in buckets)
    p50, p99, worst = (milliseconds(value) for value in (latency.p50, latency.p99, latency.worst))

    def draw(plot: Any) -> None:
        places = list(range(len(buckets)))
        plot.bar(
            places, [count for _, count in buckets], width=0.6, color=_colour(palette, "accent"), reset_ticks=False
        )
        plot.xticks(places, ["more" if bound == float("inf") else f"≤{bound:g}" for bound, _ in buckets])
        marks = list(range(0, top + 1, nice_step(max(1, top // _rows_between_labels(height)))))
        plot.yticks(marks, [f"{mark:,}" for mark in marks])
        plot.ylim(0, top)
        plot.xlim(-0.7, len(buckets) - 0.3)

    return _picture("Feed latency, ms", f"p50 {p50}  p99 {p99}  max {worst}", width, height, palette, draw)


def candle_chart(view: PairView | None, width: int, height: int, palette: Palette | None) -> str:
    """Candles, one a column: rising ones thin, falling ones solid, so that they differ without colour.

    Args:
        view: Pair with candles.
        width: Cells.
        height: Rows, the title row among them.
        palette: Colours; None for no ANSI codes at all.
    """
    if view is None or view.spec is None or not view.candles:
        return "Candles: none yet."
    spec = view.spec
    axis = len(price(max(candle.high for candle in view.candles), spec.price_precision))
    bars = [bar for bar in bars_of(view, max(2, width - axis - _BORDER)) if bar.candle]
    candles = [bar.candle for bar in bars if bar.candle]
    if not candles:
        return "Candles: no trade in the time shown."
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    seconds = view.interval * 60
    places = [(candle.begin_s - candles[0].begin_s) // seconds for candle in candles]

    def draw(plot: Any) -> None:
        for place, candle in zip(places, candles, strict=True):
            rising = candle.close > candle.open
            colour = _colour(palette, "up" if rising else "down" if candle.close < candle.open else "text")
            plot.plot([place, place], [candle.low, candle.high], marker="│", color=colour)
            body = "║" if rising else "┃" if candle.close < candle.open else "┼"
            plot.plot([place, place], [candle.open, candle.close], marker=body, color=colour)
        plot.ylim(low, high if high > low else low + 1)
        plot.xlim(0, max(places[-1], 1))
        step = nice_step(max(1, (high - low) // _rows_between_labels(height)), spec.increment)
        marks = list(range(-(-low // step) * step, high + 1, step))
        plot.yticks(marks, [price(mark, spec.price_precision) for mark in marks])
        wanted = max(1, (places[-1] + 1) // _TIME_LABELS)
        every = seconds * next((step for step in _ROUND_BARS if step >= wanted), _ROUND_BARS[-1])
        times = [place for place in range(places[-1] + 1) if (candles[0].begin_s + place * seconds) % every == 0]
        plot.xticks(times, [time_label(candles[0].begin_s + place * seconds, view.interval >= 1440) for place in times])

    return _picture(
        f"{in_cells(view.symbol)} candles {interval_name(view.interval)}",
        f"{counted(len(candles), 'bar')}, UTC",
        width,
        height,
        palette,
        draw,
    )
