"""P23: at any size of the terminal no pane draws outside its place, and no number is cut without a mark.

The panes are drawn into the places that the layout gives them, and read back by the rig's reader of cells, which knows
nothing of how they are drawn: a number that had lost a digit would be another number.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.book import draw_book
from kraken_tui.tui.draw.candles import choose_range, draw_candles
from kraken_tui.tui.draw.flow import draw_flow
from kraken_tui.tui.draw.gauge import draw_gauge
from kraken_tui.tui.draw.header import draw_header
from kraken_tui.tui.draw.health import draw_health
from kraken_tui.tui.draw.ladder import draw_ladder
from kraken_tui.tui.draw.log import draw_log
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.tabs import draw_tabs
from kraken_tui.tui.draw.tape import draw_tape
from kraken_tui.tui.layout import arrange
from kraken_tui.tui.panes import BOOK, stands_in, views
from tests.rig.cells import read_aggregated, read_header, read_ladder
from tests.rig.painted import TrueBook, disagreement, steps_disagreement
from tests.tui import samples
from tests.tui.pane_app import text_of

VIEWS: dict[str, PairView] = {symbol: samples.pair(symbol) for symbol in ("BTC/USD", "PEPE/USD", "DOGE/USD", "ETH/BTC")}
STATES = {**VIEWS, "unverified": samples.unverified(), "empty": samples.empty(), "refused": samples.refused()}
FEED = samples.recording()


def aggregated(picture: Picture, width: int, height: int) -> list[Line]:
    view = picture.pair
    centre = None
    if view is not None and view.spec is not None and view.bids:
        centre = view.bids[0][0] // (picture.choices.grouping * view.spec.increment)
    return draw_book(picture, width, height, centre)


def draw_candles_if_any(picture: Picture, width: int, height: int) -> list[Line]:
    candles = picture.pair.candles if picture.pair is not None else ()
    if not candles:
        return []
    scale = choose_range(min(candle.low for candle in candles), max(candle.high for candle in candles))
    return draw_candles(picture, scale, width, height)


DRAWN: dict[str, Callable[[Picture, int, int], list[Line]]] = {
    "book": aggregated,
    "ladder": draw_ladder,
    "gauge": draw_gauge,
    "header": draw_header,
    "tabs": draw_tabs,
    "tape": draw_tape,
    "flow": draw_flow,
    "health": draw_health,
    "candles": draw_candles_if_any,
    "log": lambda _, width, height: draw_log(FEED.log, width, height),
}


def cells(lines: list[Line], width: int, height: int) -> list[str]:
    """The rows of a pane, which must stay inside it."""
    texts = [text_of(line) for line in lines]
    assert len(texts) <= height, f"{len(texts)} rows in {height}"
    for text in texts:
        assert cell_len(text) == len(text) <= width, f"{len(text)} cells in {width}: {text!r}"
    return [text.ljust(width) for text in texts] + [" " * width] * (height - len(texts))


def true_book(view: PairView) -> TrueBook:
    assert view.spec is not None
    places = (view.spec.price_precision, view.spec.qty_precision)
    return TrueBook(view.bids, view.asks, places, view.depth, 0)


@settings(max_examples=200)
@given(st.integers(0, 2**64))
def test_p23_nothing_is_drawn_outside_and_no_number_is_cut(seed: int) -> None:
    # Hypothesis prefers small numbers, and a small terminal shows nothing.
    rng = Random(seed)
    width, height = rng.randint(0, 400), rng.randint(0, rng.choice((60, 200)))
    view = rng.choice((BOOK.name, BOOK.name, *views()))
    name = rng.choice((*VIEWS, *STATES))
    state = BookChoices(grouping=rng.choice((1, 5, 10, 100)), cumulative=rng.random() < 0.3)
    pair, picture = STATES[name], Picture(STATES[name], FEED, state, rng.random() < 0.3)
    places = arrange(width, height, view, alone=rng.choice([None, None, *stands_in(view)]))
    drawn = {
        pane: cells(DRAWN[pane](picture, place.width, place.height), place.width, place.height)
        for pane, place in places.items()
        if pane in DRAWN
    }
    if name not in VIEWS:
        return
    book = true_book(pair)
    figures = read_header(drawn["header"]).figures if "header" in drawn else {}
    ladder = read_ladder(drawn["ladder"]) if "ladder" in drawn else None
    assert disagreement(book, ladder, figures, harmed=False) == ""
    steps = read_aggregated(drawn["book"]) if "book" in drawn else None
    if steps is not None:
        assert steps_disagreement(book, steps, state.cumulative, harmed=False) == ""
