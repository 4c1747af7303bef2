"""The gauge: which way the book is pressed, since when, and what crossing it would cost."""

from __future__ import annotations

from collections.abc import Sequence

from kraken_tui.market.events import Level, Proof, Signal
from kraken_tui.market.views import BookMetrics, PairView, Sample, Signals, Sweep
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_rows import centred, titled
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, fit_fields, join_fields, shorten, width_of
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.words import counted

_VOLUME_WIDTH = 9
_COMPACT_BAR = 15
_LABEL = 10
_WORD = 14
_HEAD, _SHORT_HEAD = 14, 6
_NUMBER = 7
_LEAST_HISTORY = 12

HISTORY_S = 60
"""Seconds of imbalance that the gauge shows."""

_FULL = 0.5
"""Imbalance from which a cell of the history is full: smoothed, it seldom comes near 1."""

_MOST_CELLS, _COMPACT_CELLS = 60, 15
_EIGHTHS = " ▁▂▃▄▅▆▇█"

_SIGNALS = {
    Signal.STRONG_SELL: ("▼▼", "!ask"),
    Signal.SELL: ("▼", "!ask"),
    Signal.NEUTRAL: ("·", "text"),
    Signal.BUY: ("▲", "!bid"),
    Signal.STRONG_BUY: ("▲▲", "!bid"),
}

# Which rows stay when there are too few: lower ranks first. The two rows of the history come and go together.
_RANKS = {"pressure": 0, "upper": 1, "lower": 1, "volume": 4, "vwap": 5, "buy": 2, "sell": 3}


def draw_gauge(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the gauge: a box with a title from three rows on, one or two dense rows below that.

    Args:
        picture: What to draw.
        width: Cells.
        height: Rows.

    Returns:
        At most `height` lines.
    """
    lines = _compact(picture, width, height) if height < 3 else _box(picture, width, height)
    return lines[: max(0, height)]


def no_signals(view: PairView | None, problem: str = "") -> str:
    """Why the figures are missing."""
    if view is None:
        return "no signals: no such book" if problem else "no signals: waiting for the pair"
    if view.silent_ns:
        return "no signals: engine silent"
    if view.proof is not Proof.VERIFIED:
        return f"no signals: book {view.proof.value.lower()}"
    if not view.bids or not view.asks:
        return "no signals: a side of the book is empty"
    return "no signals yet"


def _box(picture: Picture, width: int, height: int) -> list[Line]:
    view = picture.pair
    if view is None or view.spec is None or view.metrics is None or view.signals is None:
        rest = height - 2
        page: list[Line] = [() for _ in range(rest // 2)]
        return [
            titled("Pressure", "", "muted", width),
            *page,
            centred(no_signals(view, picture.problem), width, "muted"),
        ]
    figures, signals, spec = view.metrics, view.signals, view.spec
    note, role = f"{counted(figures.levels, 'level')}, {_seconds(signals)}", "muted"
    if figures.crossed:
        note, role = "✗ crossed by the venue", "bad"
    elif view.stale:
        note, role = "STALE", "stale"
    side = max(_VOLUME_WIDTH, *(len(text) for text in _vwap_texts(figures, spec)))
    upper, lower = _history(view, signals, width, picture.ascii_only)
    rows: dict[str, Line] = {
        "pressure": _pressure(signals, width, picture.ascii_only),
        "upper": upper,
        "lower": lower,
        "volume": _volumes(figures, spec, width, side),
        "vwap": _vwaps(figures, spec, width, side),
        "buy": _sweep_line(view, figures, "buy", spec, width),
        "sell": _sweep_line(view, figures, "sell", spec, width),
    }
    # In a pane narrower than any layout gives it, what does not fit whole is left out.
    rows = {name: line for name, line in rows.items() if width_of(line) <= width}
    kept = sorted(rows, key=lambda name: _RANKS[name])[: height - 1]
    if "lower" not in kept and "upper" in kept:
        kept[kept.index("upper")] = "buy"
    return [titled("Pressure", note, role, width), *(line for name, line in rows.items() if name in kept)]


def _seconds(signals: Signals) -> str:
    return f"{signals.window_ns / SECOND:g} s"


def imbalance_bar(ratio: float, width: int, ascii_only: bool = False) -> Line:
    """A bar from a centre line, to the left for sell and to the right for buy; the full half stands for 1.

    Args:
        ratio: -1 to +1.
        width: Cells.
        ascii_only: Whether the terminal cannot show blocks.
    """
    half = (width - 1) // 2
    length = fmt.eighths(abs(ratio), 1.0, half)
    blank = (" " * half, "text")
    if ratio < 0:
        return (*fmt.bar_left(length, half, "ask-bar", ascii_only, fine=True), ("│", "muted"), blank)
    return (blank, ("│", "muted"), fmt.bar_right(length, half, "bid-bar", ascii_only))


def _tone(value: float) -> str:
    return "bid" if value > 0 else "ask" if value < 0 else "text"


def _two_sides(name: str, texts: tuple[str, str], side: int, width: int) -> Line:
    """A row of the box: its name, then a bid and an ask column of `side` cells at the same places in every row."""
    gap = 2 if width >= 48 else 1
    columns: list[tuple[Run, ...]] = [
        ((f"{role} ", "muted"), (text.rjust(side), role)) for role, text in zip(("bid", "ask"), texts, strict=True)
    ]
    cells = sum(width_of(column) for column in columns) + 2 * gap
    head = name.ljust(_HEAD if _HEAD + cells <= width else _SHORT_HEAD)
    return join_fields(fit_fields(((0, ((head, "muted"),)), (1, columns[0]), (1, columns[1])), width, gap), gap)


def _volumes(figures: BookMetrics, spec: PairSpec, width: int, side: int) -> Line:
    largest = max(figures.bid_volume, figures.ask_volume)
    shape = fmt.QuantityFormat.fit(largest, spec.qty_precision, _VOLUME_WIDTH)
    return _two_sides("volume", (shape.text(figures.bid_volume), shape.text(figures.ask_volume)), side, width)


def _vwap_texts(figures: BookMetrics, spec: PairSpec) -> tuple[str, str]:
    bid, ask = (fmt.price(round(value), spec.price_precision) for value in (figures.bid_vwap, figures.ask_vwap))
    return bid, ask


def _vwaps(figures: BookMetrics, spec: PairSpec, width: int, side: int) -> Line:
    return _two_sides("vwap", _vwap_texts(figures, spec), side, width)


def _word(signals: Signals) -> Run:
    glyph, key = _SIGNALS[signals.signal]
    return f"{glyph} {signals.signal.value}".ljust(_WORD), key


def _pressure(signals: Signals, width: int, ascii_only: bool) -> Line:
    """Word, number and bar of the one figure that stands behind all three."""
    value = fmt.signed(signals.pressure)
    room = width - _WORD - _NUMBER
    if room < 5:
        return join_fields(fit_fields(((1, (_word(signals),)), (0, ((value, _tone(_shown(value))),))), width, 1), 1)
    bar = imbalance_bar(_shown(value), room, ascii_only)
    return (_word(signals), _number(value), *bar)


def _number(value: str) -> Run:
    return f" {value}".ljust(_NUMBER), _tone(_shown(value))


def _shown(value: str) -> float:
    """A number as it reads: one that reads +0.00 has no bar and no side."""
    return float(value)


def _history(view: PairView, signals: Signals, width: int, ascii_only: bool) -> tuple[Line, Line]:
    """Imbalance of the last minute in two rows, buy above and sell below the line between them."""
    # Word and bar of the pressure stand in the row above, number over number where there is room for that.
    head = _WORD if width - _WORD - _NUMBER >= _LEAST_HISTORY else _LABEL
    label = head + _NUMBER
    cells = _cells(view, min(_MOST_CELLS, max(1, width - label)))
    upper: list[Run] = []
    lower: list[Run] = []
    for value in cells:
        above, below = (" ", "text"), (" ", "text")
        if value is None:
            above = ("·", "faint")
        elif ascii_only:
            mark = "#" if abs(value) >= _FULL else "+" if value > 0 else "-"
            above, below = (mark if value > 0 else " ", "bid-bar"), (mark if value < 0 else " ", "ask-bar")
        else:
            eighths = fmt.eighths(abs(value), _FULL, 1)
            if value > 0:
                above = (_EIGHTHS[eighths], "bid-bar")
            elif eighths == 8:
                below = ("█", "ask-bar")
            elif eighths:
                # A block that hangs from above is the missing lower one in reverse video.
                below = (_EIGHTHS[8 - eighths], "~ask-bar")
        upper.append(above)
        lower.append(below)
    value_text = fmt.signed(signals.imbalance)
    return (
        (("imbalance".ljust(head), "muted"), _number(value_text), *upper),
        ((f"last {HISTORY_S} s".ljust(label), "muted"), *lower),
    )


def _cells(view: PairView, most: int) -> list[float | None]:
    """Mean imbalance of equal parts of the last minute, oldest first; None where there is none.

    Parts begin at whole multiples of their length, so that what has been drawn only moves left, and seldom.
    """
    seconds = -(-HISTORY_S // most)
    count = HISTORY_S // seconds
    last = view.now_ns // (seconds * SECOND)
    found: list[list[float]] = [[] for _ in range(count)]
    for sample in reversed(view.samples):
        at = count - 1 - (last - sample.ns // (seconds * SECOND))
        if at < 0:
            break
        if at < count:
            found[at].append(_calm(sample))
    return [sum(values) / len(values) if values else None for values in found]


def _calm(sample: Sample) -> float:
    return sample.imbalance if sample.calm is None else sample.calm


def _amount(notional: float) -> str:
    """A notional in few cells: "10k", "12.5k", "1M", "0.2"."""
    for unit, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if notional >= unit:
            return f"{notional / unit:.6g}{suffix}"
    return f"{notional:.6g}"


def _sweep_line(view: PairView, figures: BookMetrics, side: str, spec: PairSpec, width: int) -> Line:
    sweep, role = (figures.buy_sweep, "ask") if side == "buy" else (figures.sell_sweep, "bid")
    amount = _amount(figures.sweep_value)
    full = f"sweep {amount} {shorten(spec.quote, 5)}: "
    head = full if width >= 44 else f"sweep {amount}: "
    name: tuple[Run, ...] = ((head if side == "buy" else " " * len(head), "muted"), (f"{side:<4} ", "text"))
    if sweep is None:
        return (*name, (shorten(f"no {role}s to take", width - width_of(name)), "warn"))
    room = width - width_of(name)
    if sweep.filled < sweep.qty:
        return (*name, (_leaves(view, sweep, side, spec, room), "warn"))
    average = fmt.fine_price(sweep.average, spec.price_precision, 1)
    cost = f"{fmt.basis_points(sweep.slippage_bps):>5} bps"
    if len(average) + 1 + len(cost) > room:
        cost = cost.lstrip()
    # The average gives way before the cost.
    return (*name, *join_fields(fit_fields(((1, ((average, role),)), (0, ((cost, "bright"),))), room, 1), 1))


def _leaves(view: PairView, sweep: Sweep, side: str, spec: PairSpec, room: int) -> str:
    """What to say of an order that the book cannot fill: whether it is the book that ends, or what is known of it."""
    levels: Sequence[Level] = view.asks if side == "buy" else view.bids
    held = f"{fmt.quantity(sweep.filled, spec.qty_precision, 9)} {shorten(spec.base, 6)}"
    ends = len(levels) >= view.known_depth
    words = "leaves the known book" if ends else "takes the whole book"
    for text in (f"{words}: {held}", words, "leaves it" if ends else "takes all"):
        if len(text) <= room:
            return text
    return shorten(words, room)


def _compact(picture: Picture, width: int, height: int) -> list[Line]:
    view = picture.pair
    if view is None or view.spec is None or view.metrics is None or view.signals is None:
        return [((" pressure  ", "muted"), (shorten(no_signals(view, picture.problem), width - 11), "muted"))]
    figures, signals, spec = view.metrics, view.signals, view.spec
    value = fmt.signed(signals.pressure)
    word = (" STALE ".ljust(_WORD), "badge/stale") if view.stale else _word(signals)
    bar = (("[", "muted"), *imbalance_bar(_shown(value), _COMPACT_BAR, picture.ascii_only), ("]", "muted"))
    # Word, number and bar are one figure and stand side by side.
    said: tuple[Run, ...] = ((" ", "text"), word, (f" {value} ", _tone(_shown(value))), *bar)
    first: list[tuple[int, tuple[Run, ...]]] = [(0, said), (2, _small_history(view, picture.ascii_only))]
    if figures.crossed:
        first.insert(1, (0, ((" ✗ CROSSED ", "badge/bad"),)))
    costs: list[tuple[int, tuple[Run, ...]]] = []
    amount = _amount(figures.sweep_value)
    for side, sweep in (("buy", figures.buy_sweep), ("sell", figures.sell_sweep)):
        head = f"{amount} {side} " if side == "buy" or height > 1 else f"{side} "
        if sweep is not None and sweep.filled == sweep.qty:
            cost: tuple[Run, ...] = ((f"{fmt.basis_points(sweep.slippage_bps)} bps", "text"),)
        elif sweep is not None:
            cost = ((_leaves(view, sweep, side, spec, 21), "warn"),)
        else:
            cost = (("no book", "warn"),)
        costs.append((3 + (side == "sell"), ((head, "muted"), *cost)))
    if height < 2:
        return [join_fields(fit_fields([*first, *costs], width, 2), 2)]
    volume: Line = ((" ", "text"), *_volumes(figures, spec, width - 1, _VOLUME_WIDTH))
    second = fit_fields([(0, volume), *costs], width, 2)
    return [join_fields(fit_fields(first, width, 2), 2), join_fields(second, 2)]


def _small_history(view: PairView, ascii_only: bool) -> tuple[Run, ...]:
    """Imbalance of the last minute in one row: half a cell high is balanced."""
    runs: list[Run] = [(f"{HISTORY_S} s ", "muted")]
    for value in _cells(view, _COMPACT_CELLS):
        if value is None:
            runs.append(("·", "faint"))
            continue
        level = 4 + round(4 * max(-1.0, min(1.0, value / _FULL)))
        key = "ask-bar" if value < 0 else "bid-bar"
        runs.append(("-.+"[(value >= 0.2) - (value <= -0.2) + 1] if ascii_only else _EIGHTHS[max(1, level)], key))
    return tuple(runs)
