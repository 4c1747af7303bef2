"""Helpers for the chart, tape, flow, health and log tests, on top of the common samples."""

from __future__ import annotations

from msgspec.structs import replace

from kraken_tui.market.events import Candle
from kraken_tui.market.views import FeedView, LogLine, PairView
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.paint.styles import styles_of
from tests.tui import samples as common

LONG = (
    "BTC/USD: checksum failed (expected 3310070434, computed 120983422); resynchronising this book only, "
    "the others go on undisturbed"
)
LOG = (
    LogLine(common.NOW - 90 * common.SECOND, "info", "connected to wss://ws.kraken.com/v2 in 212 ms"),
    LogLine(common.NOW - 88 * common.SECOND, "info", "BTC/USD: subscribed, depth 100, snapshot verified"),
    LogLine(common.NOW - 30 * common.SECOND, "warning", LONG),
    LogLine(common.NOW - 29 * common.SECOND, "info", "BTC/USD: book verified again after 0.4 s"),
    LogLine(common.NOW - 12 * common.SECOND, "error", "recording stopped: no space left on device; the view goes on"),
)


def picture(
    pair: PairView | None = None, feed: FeedView | None = None, *, ascii_only: bool = False, **state: int
) -> Picture:
    """A picture of BTC/USD on a healthy feed, unless told otherwise."""
    return Picture(pair or common.pair(), feed or common.feed(), BookChoices(**state), ascii_only)  # type: ignore[arg-type]


def candle(
    index: int, opened: int, high: int, low: int, close: int, *, volume: int = 10**8, closed: bool = True
) -> Candle:
    """A one-minute candle, `index` minutes before the running one."""
    begin = common.NOW // common.SECOND // 60 * 60 - index * 60
    return Candle(begin, 1, opened, high, low, close, volume, volume * close, 3, closed)


def with_candles(*candles: Candle, **changes: object) -> PairView:
    """BTC/USD with these candles; the last trade is the last close."""
    view = replace(common.pair(), candles=candles, last=candles[-1].close)
    return replace(view, **changes)  # type: ignore[arg-type]


def text_of(lines: list[Line]) -> list[str]:
    """Rows as plain text."""
    return ["".join(text for text, _ in line) for line in lines]


def check_styles(lines: list[Line]) -> None:
    """Every style key must be known to every palette."""
    for line in lines:
        for _, key in line:
            for palette in PALETTES:
                styles_of(palette).style(key)
