"""The tape: time and sales, newest first, large trades standing out."""

from __future__ import annotations

from kraken_tui.market.events import Side, Trade
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.format import QuantityFormat, clock, price, quantity
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, draw_waiting, in_cells, on, shorten, title_line

_FINE_TIME_FROM = 38
_NOTIONAL_FROM = 54
_SIZE_MOST = 12
_SCALED_SIZE_MOST = 8


class _Columns:
    """Widths and formats of the tape's columns, the same for every row so that nothing shifts."""

    def __init__(self, view: PairView, width: int) -> None:
        spec = view.spec
        assert spec is not None
        self.precision = spec.price_precision
        self.large = view.large_lots
        self.digits = 3 if width >= _FINE_TIME_FROM else 0
        self.time = 12 if self.digits else 8
        # The whole tape decides, not only what is on screen: columns move when the market does, not at each trade.
        prices = [trade.price for trade in view.tape]
        self.price = max(5, len(price(max(prices, default=0), self.precision)))
        largest = max((trade.qty for trade in view.tape), default=0)
        left = width - self.time - 4 - self.price
        self.notional: QuantityFormat | None = None
        if width >= _NOTIONAL_FROM:
            self.notional = QuantityFormat.fit(
                largest * max(prices, default=0), self.precision + spec.qty_precision, 12, 2
            )
            left -= 13
        self.size = QuantityFormat.fit(largest, spec.qty_precision, max(4, min(_SIZE_MOST, left)))
        if self.size.unit:
            self.size = QuantityFormat.fit(largest, spec.qty_precision, max(4, min(_SCALED_SIZE_MOST, left)), 2)
        self.quote = in_cells(spec.quote)
        self.base = spec.base

    def header(self) -> Line:
        runs: list[Run] = [
            ("time".ljust(self.time + 3), "muted"),
            (self.size.header("size"), "muted"),
            (" " + "price".rjust(self.price), "muted"),
        ]
        if self.notional:
            name = f"value {self.quote}"
            runs.append((" " + self.notional.header(name if len(name) < 12 else "value"), "muted"))
        return tuple(runs)

    def row(self, trade: Trade) -> Line:
        buy = trade.side is Side.BUY
        ground, side_key, size_key = "", "bid" if buy else "ask", "text"
        tail_key, time_key = "faint", "muted"
        if not trade.live:
            side_key = size_key = "muted"
        elif self.large and trade.qty >= self.large:
            ground = "bid-faint" if buy else "ask-faint"
            size_key, tail_key, time_key = on("!bright", ground), on("bright", ground), on("text", ground)
            side_key = on(f"!{side_key}", ground)
        elif self.large and 4 * trade.qty >= self.large:
            size_key = "!bright"
        head, tail = self.size.split(trade.qty)
        fill = on("text", ground)
        runs: list[Run] = [
            (clock(trade.venue_ns, self.digits) + " ", time_key),
            ("▲ " if buy else "▼ ", side_key),
            (head, size_key),
            (tail, tail_key),
            (" ", fill),
            (price(trade.price, self.precision).rjust(self.price), side_key),
        ]
        if self.notional:
            runs.append((" " + self.notional.text(trade.price * trade.qty), time_key if trade.live else "muted"))
        return tuple(runs)


def draw_tape(picture: Picture, width: int, height: int, minimum: int = 0) -> list[Line]:
    """Draw the newest trades, newest first.

    Trades of the subscription's snapshot are muted: they were not seen to happen.

    Args:
        picture: What to draw.
        width: Cells.
        height: Rows; the title takes one, the column headers one.
        minimum: Smallest trade shown, lots.
    """
    view = picture.pair
    if view is None or view.spec is None or not view.tape:
        return draw_waiting("Tape", "No trade yet", width, height)
    note = f"≥ {quantity(minimum, view.spec.qty_precision)}"
    if view.stale:
        note = f"STALE  {note}"
    shown: list[Trade] = []
    for trade in view.tape:
        if len(shown) >= height - 2:
            break
        if trade.qty >= minimum:
            shown.append(trade)
    columns = _Columns(view, width)
    lines = [title_line("Tape", note, width), columns.header()]
    if shown:
        lines += [_padded(columns.row(trade), width) for trade in shown]
    else:
        lines.append(((shorten(f"No trade of {note} {columns.base} among the last {len(view.tape)}", width), "muted"),))
    return lines


def _padded(line: Line, width: int) -> Line:
    """Extend a row with its own background to the pane's edge."""
    used = sum(len(text) for text, _ in line)
    ground = line[0][1].partition("/")[2]
    return (*line, (" " * (width - used), on("text", ground))) if ground and used < width else line
