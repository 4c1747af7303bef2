"""Flow events, newest first, and below them the sums of the session."""

from __future__ import annotations

import msgspec

from kraken_tui.market.events import FlowEvent, FlowKind, Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.amounts import Amounts, compact, size_amounts, value_amounts
from kraken_tui.tui.draw.format import clock, price
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, blank, draw_waiting, on, title_line
from kraken_tui.tui.draw.session import SESSION_ROWS, draw_session, session_row
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.words import counted

_KIND_KEYS = {
    FlowKind.WALL: "accent",
    FlowKind.MOVED: "accent",
    FlowKind.PULLED: "warn",
    FlowKind.SWEEP: "!bright",
    FlowKind.LARGE: "!text",
    FlowKind.FILLED: "text",
}
HEAD_ROWS = 2
"""Rows above the events: title and column headers."""

_PRINTS = frozenset({FlowKind.SWEEP, FlowKind.LARGE})
_TIME = 9
_KIND = 6
_SIDE = 4
_SMALL_SIZE, _SIZE, _FINE_SIZE = 5, 7, 9
_VALUE = 8
_WITH_SESSION = 20
_WITH_SESSION_ROW = 11


class FlowShape(msgspec.Struct, frozen=True):
    """Columns of the events; they follow from the pane's width, the pair and the digits of its price.

    Attributes:
        time: Decimals of the second; None for no time.
        size: Size column.
        price: Cells of a price.
        value: Value column, None where it does not fit.
        detail: Cells for the detail, 0 for none.
    """

    time: int | None
    size: Amounts
    price: int
    value: Amounts | None
    detail: int


def flow_shape(view: PairView, width: int) -> FlowShape | None:
    """Choose columns for `width` cells: time, value, detail and milliseconds come as room allows.

    Returns:
        None where not even kind, size, side and price fit.
    """
    spec = view.spec
    assert spec is not None
    top = max((max(event.price, event.origin or 0) for event in view.flow), default=0)
    cells = max(5, len(price(max(top, view.last or 0), spec.price_precision)))
    left = width - _KIND - 1 - _SIDE - 1 - _SIZE - 1 - cells

    def take(wanted: int) -> bool:
        nonlocal left
        fits = left >= wanted
        left -= wanted * fits
        return fits

    if left < 0:
        return None
    size = _SIZE
    if left < _TIME <= left + _SIZE - _SMALL_SIZE:
        # The long prices of a small coin; its sizes are told in three digits.
        left, size = left + _SIZE - _SMALL_SIZE, _SMALL_SIZE
    time = take(_TIME)
    value = time and take(1 + _VALUE)
    detail = 0
    if value and take(2 + len("from ") + cells):
        detail = len("from ") + cells
    fine = detail and take(4)
    wide = fine and take(_FINE_SIZE - _SIZE)
    if detail:
        detail += max(0, left)
    return FlowShape(
        (3 if fine else 0) if time else None,
        size_amounts(view, _FINE_SIZE if wide else size),
        cells,
        value_amounts(view, _VALUE) if value else None,
        detail,
    )


def _side_of(event: FlowEvent) -> tuple[str, str]:
    """(word, role): what the taker did for prints, the book's side for resting orders."""
    buy = event.side is Side.BUY
    if event.kind in _PRINTS:
        return ("buy" if buy else "sell"), "bid" if buy else "ask"
    return ("bid" if buy else "ask"), "bid" if buy else "ask"


def _detail(event: FlowEvent, spec: PairSpec, width: int) -> str:
    """What the kind has to say beyond the columns, in whole pieces, as many as fit."""
    pieces: list[str] = []
    digits = spec.price_precision
    moved = event.origin is not None and event.origin != event.price
    if moved and event.origin is not None:
        pieces.append(f"from {price(event.origin, digits)}")
    if event.kind is FlowKind.SWEEP:
        pieces.append(counted(event.levels, "level"))
    if event.kind in _PRINTS and event.qty:
        if event.fills > 1:
            pieces.append(f"{event.fills} fills")
        if moved:
            average = (20 * event.turnover + event.qty) // (2 * event.qty)
            pieces.append(f"average {price(average, digits + 1)}")
    text = ""
    for piece in pieces:
        longer = f"{text}, {piece}" if text else piece
        if len(longer) > width:
            break
        text = longer
    return text


def _row(event: FlowEvent, spec: PairSpec, shape: FlowShape, lit: bool) -> Line:
    side, role = _side_of(event)
    runs: list[Run] = []
    if shape.time is not None:
        runs.append((clock(event.ns, shape.time) + " ", "muted"))
    runs += [
        (event.kind.value.ljust(_KIND + 1), _KIND_KEYS[event.kind]),
        (side.ljust(_SIDE + 1), role),
        (shape.size.text(event.qty) + " ", "text"),
        (price(event.price, spec.price_precision).rjust(shape.price), role),
    ]
    if shape.value:
        runs.append((" " + shape.value.text(event.turnover or event.price * event.qty), "text"))
    if shape.detail:
        runs.append(("  " + _detail(event, spec, shape.detail), "muted"))
    return tuple((text, on("text" if key == "muted" else key, "cursor")) for text, key in runs) if lit else tuple(runs)


def _header(shape: FlowShape) -> Line:
    time = "" if shape.time is None else "time".ljust(13 if shape.time else 9)
    text = f"{time}{'event':<{_KIND + 1}}{'side':<{_SIDE + 1}}{'size':>{shape.size.width}} {'price':>{shape.price}}"
    if shape.value:
        text += " " + "value".rjust(shape.value.width)
    return ((text, "muted"),)


def draw_flow(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the newest flow events, and the session's sums where there is room for them."""
    view = picture.pair
    if view is None or view.spec is None:
        return draw_waiting("Flow events", "Nothing remarkable yet", width, height)
    below: list[Line] = []
    if height >= _WITH_SESSION:
        below = [blank(width), *draw_session(view, width)]
        below += [blank(width)] * (1 + SESSION_ROWS - len(below))
    elif height >= _WITH_SESSION_ROW and (row := session_row(view, width)):
        below = [row]
    lines = _events(picture, view, view.spec, width, height - len(below))
    lines += [blank(width)] * (height - len(below) - len(lines))
    return lines + below


def _note(view: PairView, spec: PairSpec) -> str:
    """From which size an order is large now."""
    large = f"large ≥ {compact(view.large_lots, spec.qty_precision)} {spec.base}" if view.large_lots else ""
    return "  ".join(part for part in ("STALE" if view.stale else "", large) if part)


def _lit(event: FlowEvent, picture: Picture) -> bool:
    """Whether the cursor means it: by the price it was at, or moved from."""
    prices = (event.price, event.price if event.origin is None else event.origin)
    asks = (event.side is Side.BUY) is (event.kind in _PRINTS)
    return picture.at_cursor(event.ns, min(prices), max(prices), asks=asks)


def events_shown(picture: Picture, height: int) -> tuple[FlowEvent, ...]:
    """The events of the rows of a pane of so many rows, from the third row on."""
    view = picture.pair
    if view is None or view.spec is None:
        return ()
    return view.flow[: max(0, height - _rows_below(picture, height) - HEAD_ROWS)]


def _rows_below(picture: Picture, height: int) -> int:
    session = picture.pair is not None and picture.pair.session is not None
    return 1 + SESSION_ROWS if height >= _WITH_SESSION else int(height >= _WITH_SESSION_ROW and session)


def _events(picture: Picture, view: PairView, spec: PairSpec, width: int, height: int) -> list[Line]:
    if not view.flow:
        waiting = draw_waiting("", "Nothing remarkable yet", width, height)
        return [title_line("Flow events", _note(view, spec), width), *waiting[1:]]
    shape = flow_shape(view, width)
    if shape is None:
        return draw_waiting("Flow events", "Too narrow here", width, height)
    lines = [title_line("Flow events", _note(view, spec), width), _header(shape)]
    lines += [_row(event, spec, shape, _lit(event, picture)) for event in view.flow[: max(0, height - HEAD_ROWS)]]
    return lines[:height]
