"""Flow events: walls, pulls, sweeps, large and filled orders, newest first."""

from __future__ import annotations

from kraken_tui.market.events import FlowEvent, FlowKind, Side
from kraken_tui.tui.format import QuantityFormat, clock, price, shorten, to_ascii
from kraken_tui.tui.pane import Frame, Line, Pane, title_line
from kraken_tui.tui.widgets.parts import draw_waiting

_KIND_KEYS = {
    FlowKind.WALL: "accent",
    FlowKind.PULLED: "warn",
    FlowKind.SWEEP: "!bright",
    FlowKind.LARGE: "!text",
    FlowKind.FILLED: "text",
}
_BY_AGGRESSOR = frozenset({FlowKind.SWEEP, FlowKind.LARGE})
_FINE_TIME_FROM = 42
_SIDE_WIDTH = 7


def _side_of(event: FlowEvent) -> tuple[str, str]:
    """(words, role): the aggressor's direction for trades, the book side for resting orders."""
    buy = event.side is Side.BUY
    role = "bid" if buy else "ask"
    if event.kind is FlowKind.SWEEP:
        return f"{'▲' if buy else '▼'} {event.levels} lv", role
    if event.kind in _BY_AGGRESSOR:
        return ("▲ buy" if buy else "▼ sell"), role
    return ("  bid" if buy else "  ask"), role


def draw_flow(frame: Frame, width: int, height: int) -> list[Line]:
    """Draw the newest flow events: time, kind, size, price, side (or levels of a sweep)."""
    view = frame.pair
    if view is None or view.spec is None or not view.flow:
        return draw_waiting("Flow events", "Nothing remarkable yet", width, height)
    spec = view.spec
    note = f"STALE  {len(view.flow)}" if view.stale else str(len(view.flow))
    digits = 3 if width >= _FINE_TIME_FROM else 0
    price_width = max(len(price(event.price, spec.price_precision)) for event in view.flow)
    used = (13 if digits else 9) + 7 + 3 + price_width + 1 + _SIDE_WIDTH
    size = QuantityFormat.fit(
        max(event.qty for event in view.flow), spec.qty_precision, max(4, min(8, width - used)), 4
    )
    heading = f"{'time':<{13 if digits else 9}}{'event':<7}{size.header('size')}   {'price':>{price_width}}   side"
    lines = [title_line("Flow events", note, width), ((heading, "muted"),)]
    for event in view.flow[: max(0, height - 2)]:
        side, role = _side_of(event)
        head, tail = size.split(event.qty)
        lines.append(
            (
                (clock(event.ns, digits) + " ", "muted"),
                (event.kind.value.ljust(7), _KIND_KEYS[event.kind]),
                (head, "text"),
                (tail, "faint"),
                (" @ ", "muted"),
                (price(event.price, spec.price_precision).rjust(price_width), role),
                (" " + shorten(side, _SIDE_WIDTH), role),
            )
        )
    return lines


class FlowPane(Pane):
    """Flow events of the pair on screen."""

    def __init__(self, *, id: str | None = "flow", classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)

    def draw(self, frame: Frame, width: int, height: int) -> list[Line]:
        """Draw the events."""
        lines = draw_flow(frame, width, height)
        return to_ascii(lines) if frame.ascii_only else lines
