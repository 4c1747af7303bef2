"""The imbalance gauge: which side of the book is heavier, by how much, and what crossing it would cost."""

from __future__ import annotations

from kraken_tui.market.events import Proof, Signal
from kraken_tui.market.views import BookMetrics, PairView, Sweep
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_rows import centred, titled
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, fit_fields, join_fields, shorten, width_of
from kraken_tui.wire.symbols import PairSpec

_VOLUME_WIDTH = 9
_COMPACT_BAR = 21
_LABEL = 10
_HEAD = 15

_SIGNALS = {
    Signal.STRONG_SELL: ("▼▼", "!ask"),
    Signal.SELL: ("▼", "!ask"),
    Signal.NEUTRAL: ("·", "text"),
    Signal.BUY: ("▲", "!bid"),
    Signal.STRONG_BUY: ("▲▲", "!bid"),
}

# Which rows stay when there are too few: lower ranks first.
_RANKS = {"scale": 5, "bar": 0, "volume": 2, "vwap": 4, "pressure": 1, "buy": 3, "sell": 3}


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
    if view is None or view.spec is None or view.metrics is None:
        rest = height - 2
        page: list[Line] = [() for _ in range(rest // 2)]
        return [
            titled("Imbalance", "", "muted", width),
            *page,
            centred(no_signals(view, picture.problem), width, "muted"),
        ]
    figures, spec = view.metrics, view.spec
    note, role = f"{figures.levels} levels", "muted"
    if figures.crossed:
        note, role = "✗ crossed by the venue", "bad"
    elif view.stale:
        note, role = "STALE", "stale"
    rows: dict[str, Line] = {
        "scale": _scale(width),
        "bar": imbalance_bar(figures.imbalance, width, picture.ascii_only),
        "volume": _volumes(figures, spec, width),
        "vwap": _vwaps(figures, spec, width),
        "pressure": _pressure(figures, width),
        "buy": _sweep_line(figures.buy_sweep, "buy", spec, width),
        "sell": _sweep_line(figures.sell_sweep, "sell", spec, width),
    }
    kept = sorted(rows, key=lambda name: _RANKS[name])[: height - 1]
    return [titled("Imbalance", note, role, width), *(line for name, line in rows.items() if name in kept)]


def _scale(width: int) -> Line:
    half = (width - 1) // 2
    left = " sell".ljust(half)
    right = "buy ".rjust(width - half - 1)
    return ((left, "muted"), ("│", "rule"), (right, "muted"))


def imbalance_bar(ratio: float, width: int, ascii_only: bool = False) -> Line:
    """A bar from a centre line, to the left for sell and to the right for buy; the full half stands for 1."""
    half = (width - 1) // 2
    length = fmt.eighths(abs(ratio), 1.0, half)
    blank = (" " * half, "text")
    if ratio < 0:
        return (*fmt.bar_left(length, half, "ask-bar", ascii_only, fine=True), ("│", "muted"), blank)
    return (blank, ("│", "muted"), fmt.bar_right(length, half, "bid-bar", ascii_only))


def _label(text: str) -> Run:
    return (f" {text}".ljust(_LABEL), "muted")


def _tone(value: float) -> str:
    return "bid" if value > 0 else "ask" if value < 0 else "text"


def _two_sides(left: tuple[Run, ...], bid: tuple[Run, ...], ask: tuple[Run, ...], width: int) -> Line:
    """A row of the box: a head, then a bid and an ask column at fixed places."""
    gap = 2 if width >= 48 else 1
    head = (*left, (" " * max(0, _HEAD - width_of(left)), "text"))
    if _HEAD + width_of(bid) + width_of(ask) + 2 * gap > width:
        head = tuple((text.rstrip() + " " * (run < len(left)), key) for run, (text, key) in enumerate(left, 1))
    return join_fields(fit_fields(((0, head), (1, bid), (1, ask)), width, gap), gap)


def _volumes(figures: BookMetrics, spec: PairSpec, width: int) -> Line:
    largest = max(figures.bid_volume, figures.ask_volume)
    shape = fmt.QuantityFormat.fit(largest, spec.qty_precision, _VOLUME_WIDTH)
    mark = "≈" if shape.rounded else " "
    sides: list[tuple[Run, ...]] = []
    for name, lots in (("bid", figures.bid_volume), ("ask", figures.ask_volume)):
        head, tail = shape.split(lots)
        sides.append(((f"{name} {mark}", "muted"), (head, name), (tail, "faint")))
    ratio: tuple[Run, ...] = (_label("ratio"), (fmt.signed(figures.imbalance), f"!{_tone(figures.imbalance)}"))
    return _two_sides(ratio, sides[0], sides[1], width)


def _vwaps(figures: BookMetrics, spec: PairSpec, width: int) -> Line:
    sides: list[tuple[Run, ...]] = []
    for name, value in (("bid", figures.bid_vwap), ("ask", figures.ask_vwap)):
        text = fmt.price(round(value), spec.price_precision).rjust(_VOLUME_WIDTH)
        sides.append(((f"{name}  ", "muted"), (text, name)))
    return _two_sides((_label("vwap"),), sides[0], sides[1], width)


def _pressure(figures: BookMetrics, width: int) -> Line:
    glyph, key = _SIGNALS[figures.signal]
    value: tuple[Run, ...] = (_label("pressure"), (fmt.signed(figures.pressure), _tone(figures.pressure)))
    word: tuple[Run, ...] = ((f"{glyph} {figures.signal.value}".ljust(14), key),)
    scale: tuple[Run, ...] = (("from 0.20, strong 0.50", "muted"),)
    short: tuple[Run, ...] = (("0.20 / 0.50", "muted"),)
    for last in (scale, short):
        fields = ((0, value), (0, word), (1, last))
        if sum(width_of(runs) for _, runs in fields) + 4 <= width:
            return join_fields([runs for _, runs in fields], 2)
    return join_fields(fit_fields(((0, value), (1, word)), width, 2), 2)


def _sweep_line(sweep: Sweep | None, side: str, spec: PairSpec, width: int) -> Line:
    role = "ask" if side == "buy" else "bid"
    if sweep is None:
        return (_label("sweep"), (f"{side}: no {role}s to take", "warn"))
    amount = f"{fmt.quantity(sweep.qty, spec.qty_precision, 8)} {shorten(spec.base, 6)}"
    label = " sweep " if side == "buy" else "       "
    name: tuple[Run, ...] = ((label, "muted"), (f"{side:<4} ", "text"), (amount, "text"))
    room = width - width_of(name) - 1
    return join_fields(fit_fields(((0, name), *_sweep_fields(sweep, spec, role, room)), width, 1), 1)


def _sweep_fields(sweep: Sweep, spec: PairSpec, role: str, room: int) -> tuple[tuple[int, tuple[Run, ...]], ...]:
    """Average price and cost in bps; how much the book holds, where that is not enough."""
    if sweep.filled < sweep.qty:
        held = f"only {fmt.quantity(sweep.filled, spec.qty_precision, 9)}"
        full = f"{held} in the book"
        return ((0, ((full if len(full) <= room else shorten(held, room), "warn"),)),)
    average = fmt.fine_price(sweep.average, spec.price_precision, 1)
    cost = f"{fmt.basis_points(sweep.slippage_bps):>5} bps"
    return ((2, ((" " + average, role),)), (1, ((cost, "bright"),)))


def _compact(picture: Picture, width: int, height: int) -> list[Line]:
    view = picture.pair
    if view is None or view.spec is None or view.metrics is None:
        return [((" imbalance  ", "muted"), (shorten(no_signals(view, picture.problem), width - 12), "muted"))]
    figures, spec = view.metrics, view.spec
    glyph, key = _SIGNALS[figures.signal]
    ratio: tuple[Run, ...] = (
        (" imbalance ", "muted"),
        (fmt.signed(figures.imbalance), f"!{_tone(figures.imbalance)}"),
    )
    bar = (("[", "muted"), *imbalance_bar(figures.imbalance, _COMPACT_BAR, picture.ascii_only), ("]", "muted"))
    pressure: tuple[Run, ...] = (("pressure ", "muted"), (fmt.signed(figures.pressure), _tone(figures.pressure)))
    word: tuple[Run, ...] = ((f"{glyph} {figures.signal.value}".ljust(14), key),)
    if view.stale:
        word = ((" STALE ".ljust(14), "badge/stale"),)
    first: list[tuple[int, tuple[Run, ...]]] = [(0, ratio), (2, bar), (1, word), (3, pressure)]
    if figures.crossed:
        first.insert(1, (0, ((" ✗ CROSSED ", "badge/bad"),)))
    costs: list[tuple[int, tuple[Run, ...]]] = []
    for side, sweep in (("buy", figures.buy_sweep), ("sell", figures.sell_sweep)):
        if sweep is not None and sweep.filled == sweep.qty:
            amount = f"{fmt.quantity(sweep.qty, spec.qty_precision, 8)} {shorten(spec.base, 6)}"
            cost = f"{fmt.basis_points(sweep.slippage_bps):>5} bps"
            costs.append((4, ((f"{side} {amount} ", "muted"), (cost, "text"))))
    if height < 2:
        return [join_fields(fit_fields([*first, *costs], width, 2), 2)]
    volume = _volumes(figures, spec, width)
    second = fit_fields([(0, volume), *costs], width, 2)
    return [join_fields(fit_fields(first, width, 2), 2), join_fields(second, 2)]
