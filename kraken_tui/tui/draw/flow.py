"""Flow events: walls, pulls, sweeps, large and filled orders, newest first."""

from __future__ import annotations

from kraken_tui.market.events import FlowEvent, FlowKind, Side
from kraken_tui.tui.draw.format import QuantityFormat, clock, price
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, draw_waiting, shorten, title_line

_KIND_KEYS = {
    FlowKind.WALL: "accent",
    FlowKind.PULLED: "warn",
    FlowKind.SWEEP: "!bright",
    FlowKind.LARGE: "!text",
    FlowKind.FILLED: "text",
}
_BY_AGGRESSOR = frozenset({FlowKind.SWEEP, FlowKind.LARGE})
_SIDE_WIDTH = 7
_LEAST_SIZE = 5
_MOST_SIZE = 8
_MINUTES = -1
# (digits of the second, `_MINUTES` for minute and second alone, None for no time; cells of the time; between size
# and price), the widest first.
_FORMS = ((3, 13, " @ "), (0, 9, " @ "), (0, 9, " "), (_MINUTES, 6, " "), (None, 0, " "))


def _side_of(event: FlowEvent) -> tuple[str, str]:
    """(words, role): the aggressor's direction for trades, the book side for resting orders."""
    buy = event.side is Side.BUY
    role = "bid" if buy else "ask"
    if event.kind is FlowKind.SWEEP:
        return f"{'▲' if buy else '▼'} {event.levels} lv", role
    if event.kind in _BY_AGGRESSOR:
        return ("▲ buy" if buy else "▼ sell"), role
    return ("  bid" if buy else "  ask"), role


def _time(ns: int, digits: int | None) -> str:
    if digits is None:
        return ""
    return f"{clock(ns, 0)[3:]} " if digits == _MINUTES else f"{clock(ns, digits)} "


def _form_for(
    flow: tuple[FlowEvent, ...], precision: int, room: int
) -> tuple[int | None, int, str, QuantityFormat] | None:
    """The widest form whose sizes are numbers in `room` cells for time, size and gap; None if nothing fits."""
    sizes = [event.qty for event in flow]
    for digits, time_width, between in _FORMS:
        width = min(_MOST_SIZE, room - time_width - len(between))
        if width < _LEAST_SIZE:
            continue
        size = QuantityFormat.fit(max(sizes), precision, width, 4)
        if not any(size.text(qty).lstrip().startswith("<") for qty in sizes):
            return digits, time_width, between, size
    return None


def draw_flow(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the newest flow events: time, kind, size, price, side (or levels of a sweep)."""
    view = picture.pair
    if view is None or view.spec is None or not view.flow:
        return draw_waiting("Flow events", "Nothing remarkable yet", width, height)
    spec = view.spec
    note = f"STALE  {len(view.flow)}" if view.stale else str(len(view.flow))
    price_width = max(len(price(event.price, spec.price_precision)) for event in view.flow)
    form = _form_for(view.flow, spec.qty_precision, width - 7 - price_width - 1 - _SIDE_WIDTH)
    if form is None:
        return draw_waiting("Flow events", "Too narrow here", width, height)
    digits, time_width, between, size = form
    gap = " " * len(between)
    heading = f"{'time':<{time_width}}"[:time_width] + f"{'event':<7}{size.header('size')}{gap}{'price':>{price_width}}"
    lines = [title_line("Flow events", note, width), ((heading + "   side", "muted"),)]
    for event in view.flow[: max(0, height - 2)]:
        side, role = _side_of(event)
        head, tail = size.split(event.qty)
        lines.append(
            (
                (_time(event.ns, digits), "muted"),
                (event.kind.value.ljust(7), _KIND_KEYS[event.kind]),
                (head, "text"),
                (tail, "faint"),
                (between, "muted"),
                (price(event.price, spec.price_precision).rjust(price_width), role),
                (" " + shorten(side, _SIDE_WIDTH), role),
            )
        )
    return lines
