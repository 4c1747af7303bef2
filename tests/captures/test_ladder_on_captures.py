"""The ladder on books of the real exchange: its rows hold there too. Skipped where no recordings lie."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.tui.draw.ladder import draw_ladder
from kraken_tui.tui.draw.ladder_rows import LadderRows
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage
from tests.captures.test_captures import MINA, SDK, Book, real
from tests.rig.cells import read_ladder
from tests.tui import samples
from tests.tui.draw.fast_market import moved
from tests.tui.pane_app import texts

_SPAN_S = {"BTC/USD": 51, "MINA/GBP": 60}
"""Seconds the recordings took, over which their messages are spread evenly."""


@pytest.mark.parametrize("body", [10, 20, 33])
@pytest.mark.parametrize("book", real(SDK, MINA), ids=str)
def test_rows_hold_on_a_real_book(book: Book, body: int) -> None:
    frames = [message for frame in book.frames() if isinstance(message := decode(frame), BookMessage)]
    held = OrderBook(book.spec, book.depth)
    rows, seen = LadderRows(), []
    span_ns = _SPAN_S[book.spec.symbol] * 10**9
    next_ns = 0
    for number, message in enumerate(frames):
        data = message.data[0]
        if message.type == "snapshot":
            held.load(data.bids, data.asks)
        else:
            held.apply(data.bids, data.asks)
        now_ns = number * span_ns // len(frames)
        view = replace(
            samples.pair(), symbol=book.spec.symbol, spec=book.spec, depth=book.depth, metrics=None,
            bids=held.bids.top(), asks=held.asks.top(), now_ns=now_ns,
        )  # fmt: skip
        placed = rows.take(view, body, now_ns)
        painted = read_ladder(texts(draw_ladder(Picture(view, samples.feed()), 60, body + 2, placed=placed)))
        assert painted is not None
        assert painted.asks[0].price.count == view.asks[0][0]
        assert painted.bids[0].price.count == view.bids[0][0]
        while next_ns <= now_ns:
            seen.append([*placed.prices])
            next_ns += 500_000_000
    assert len(seen) > 80
    assert moved(seen) <= 0.25
