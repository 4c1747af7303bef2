"""Bars of a candle chart as cells: bodies of blocks, thin wicks, volume. Two price steps a cell."""

from __future__ import annotations

import msgspec

from kraken_tui.market.events import Candle
from kraken_tui.tui.draw.runs import Line

NONE, WICK, BODY = 0, 1, 2

UNKNOWN = "╱"
"""Texture of a time of which nothing is known."""

_WICKS = {(WICK, WICK): "│", (WICK, NONE): "╵", (NONE, WICK): "╷"}
_FLAT = {(False, False): "─", (True, False): "┴", (False, True): "┬", (True, True): "┼"}
_VOLUME = " ▁▂▃▄▅▆▇█"
_VOLUME_ASCII = " .::::###"


class PriceRange(msgspec.Struct, frozen=True):
    """Prices of the top and bottom half rows of the chart, in ticks; `high` is above `low`."""

    low: int
    high: int


class Bar(msgspec.Struct, frozen=True):
    """One interval: its candle, or None where nothing is known of it."""

    begin_s: int
    candle: Candle | None

    @property
    def quiet(self) -> bool:
        """Whether it is known that nothing traded."""
        return self.candle is not None and not self.candle.trades and not self.candle.volume


class Canvas:
    """Characters and style keys of the plot, by row."""

    def __init__(self, columns: int, rows: int) -> None:
        self.chars = [[" "] * columns for _ in range(rows)]
        self.keys = [["text"] * columns for _ in range(rows)]

    def rule(self, row: int, character: str, key: str) -> None:
        """Draw a line across a row, under everything drawn later."""
        columns = len(self.chars[row])
        self.chars[row] = [character] * columns
        self.keys[row] = [key] * columns

    def put(self, row: int, column: int, text: str, key: str) -> None:
        """Write cells; what lies left or right of the plot is left out."""
        chars, keys = self.chars[row], self.keys[row]
        for place, character in enumerate(text, column):
            if 0 <= place < len(chars):
                chars[place] = character
                keys[place] = key

    def runs(self, row: int) -> Line:
        """One row as runs; blanks take the style before them, which saves runs, unless that would colour them."""
        chars, keys = self.chars[row], self.keys[row]
        runs: list[tuple[str, str]] = []
        start, key = 0, keys[0]
        for column, character in enumerate(chars):
            found = keys[column] if character != " " else "text" if key[0] == "~" or "/" in key else key
            if found != key:
                if column > start:
                    runs.append(("".join(chars[start:column]), key))
                start, key = column, found
        runs.append(("".join(chars[start:]), key))
        return tuple(runs)


def row_of(ticks: int, scale: PriceRange, halves: int) -> int:
    """Half row of a price, 0 at the top, kept inside the chart."""
    span = scale.high - scale.low
    row = ((scale.high - ticks) * (halves - 1) * 2 + span) // (2 * span)
    return min(halves - 1, max(0, row))


def direction_key(candle: Candle) -> str:
    """Style key of a candle: rising, falling or unchanged; bold while it runs."""
    key = "rise" if candle.close > candle.open else "fall" if candle.close < candle.open else "text"
    return key if candle.closed else f"!{key}"


def _hollow(top_end: bool, bottom_end: bool, body: int) -> str:
    """One row of a rising body: its outline, closed where it ends with the cell."""
    if body == 1:
        return "▐"
    if top_end and not bottom_end:
        return "▛" + "▀" * (body - 2) + "▜"
    if bottom_end and not top_end:
        return "▙" + "▄" * (body - 2) + "▟"
    if top_end:
        return "▒" * body
    return "▌" + " " * (body - 2) + "▐"


def _cells(upper: int, lower: int, ends: tuple[bool, bool], body: int, rising: bool) -> str:
    """One row of a bar.

    Args:
        upper, lower: What its two halves show.
        ends: Whether the body begins with the upper half, and ends with the lower one.
        body: Cells of a body.
        rising: Hollow rather than filled.
    """
    if upper == lower == BODY:
        return _hollow(*ends, body) if rising else "█" * body
    if BODY in (upper, lower):
        # A wick in the other half of this cell would need a glyph that no font has.
        if rising and body == 1:
            return "▝" if upper == BODY else "▗"
        return ("▀" if upper == BODY else "▄") * body
    return " " * ((body - 1) // 2) + _WICKS.get((upper, lower), "")


def _ascii_cells(upper: int, lower: int, body: int, rising: bool) -> str:
    if BODY in (upper, lower):
        return "#" * body if not rising else "H" if body == 1 else "[" + " " * (body - 2) + "]"
    return "|".rjust((body - 1) // 2 + 1) if WICK in (upper, lower) else ""


def draw_bar(canvas: Canvas, column: int, body: int, bar: Bar, scale: PriceRange, ascii_only: bool) -> None:
    """Draw the body and wicks of one bar; nothing for an interval without trades, a texture for an unknown one.

    Rising bodies are hollow and falling ones filled, so that direction does not depend on colour; where a bar has but
    one cell, rising ones take half its width.

    Args:
        canvas: The plot.
        column: Left cell of its body.
        body: Cells of a body.
        bar: What to draw.
        scale: Prices at top and bottom, ticks.
        ascii_only: Whether the terminal cannot show blocks.
    """
    candle = bar.candle
    if candle is None:
        for row in range(len(canvas.chars)):
            canvas.put(row, column, ("/" if ascii_only else UNKNOWN) * body, "rule")
        return
    if bar.quiet:
        return
    halves = 2 * len(canvas.chars)
    top, bottom = row_of(candle.high, scale, halves), row_of(candle.low, scale, halves)
    opened, closed = row_of(candle.open, scale, halves), row_of(candle.close, scale, halves)
    rising, key = candle.close > candle.open, direction_key(candle)
    body_top, body_bottom = min(opened, closed), max(opened, closed)
    if rising and body > 1 and body_bottom < body_top + body_top % 2 + 1:
        # Half cells have no hollow glyph, so a small rising body takes the whole cell of its close.
        body_top, body_bottom = closed // 2 * 2, closed // 2 * 2 + 1
    for row in range(min(top, body_top) // 2, max(bottom, body_bottom) // 2 + 1):
        upper, lower = (
            BODY if body_top <= half <= body_bottom else WICK if top <= half <= bottom else NONE
            for half in (2 * row, 2 * row + 1)
        )
        ends = body_top == 2 * row, body_bottom == 2 * row + 1
        text = _ascii_cells(upper, lower, body, rising) if ascii_only else _cells(upper, lower, ends, body, rising)
        left = text.lstrip()
        canvas.put(row, column + len(text) - len(left), left, key)
    if candle.open == candle.close:
        row, middle = opened // 2, (body - 1) // 2
        cross = "+" if ascii_only else _FLAT[top // 2 < row, bottom // 2 > row]
        flat = "-" if ascii_only else "─"
        canvas.put(row, column, flat * middle + cross + flat * (body - 1 - middle), key)


def draw_volume(canvas: Canvas, column: int, body: int, bar: Bar, top: int, ascii_only: bool) -> None:
    """Draw the volume of one bar from the bottom; a dot where it is known that nothing traded.

    Args:
        canvas: The rows of the volume chart.
        column: Left cell of the bar.
        body: Cells of the bar.
        bar: What to draw.
        top: Lots at the top of the chart.
        ascii_only: Whether the terminal cannot show blocks.
    """
    candle, last = bar.candle, len(canvas.chars) - 1
    if candle is None:
        return
    if not candle.volume:
        if bar.quiet:
            canvas.put(last, column + (body - 1) // 2, "." if ascii_only else "·", "faint")
        return
    glyphs = _VOLUME_ASCII if ascii_only else _VOLUME
    eighths = max(1, candle.volume * 8 * len(canvas.chars) // top)
    key = "bid-bar" if candle.close > candle.open else "ask-bar" if candle.close < candle.open else "muted"
    for row in range(last, -1, -1):
        if eighths <= 0:
            break
        canvas.put(row, column, glyphs[min(8, eighths)] * body, key)
        eighths -= 8
