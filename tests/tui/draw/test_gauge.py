"""The imbalance gauge."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Signal
from kraken_tui.market.views import BookMetrics, PairView
from kraken_tui.tui.draw.gauge import draw_gauge, imbalance_bar
from kraken_tui.tui.draw.picture import Picture
from tests.tui import samples
from tests.tui.pane_app import text_of, texts


def drawn(view: PairView | None, width: int = 45, height: int = 9) -> list[str]:
    return texts(draw_gauge(Picture(view, samples.feed()), width, height))


def with_figures(**changes: object) -> PairView:
    view = samples.pair()
    figures = view.metrics
    assert isinstance(figures, BookMetrics)
    return replace(view, metrics=replace(figures, **changes))  # type: ignore[arg-type]


def test_the_box_holds_every_figure() -> None:
    view = with_figures(
        imbalance=0.456, pressure=0.31, signal=Signal.BUY, bid_volume=591_200_000, ask_volume=220_700_000,
        bid_vwap=642_491.2, ask_vwap=642_510.4,
    )  # fmt: skip
    lines = drawn(view)
    assert lines[0].startswith("─ Imbalance ─")
    assert lines[0].endswith(" 10 levels ")
    assert (lines[1].split()[0], lines[1].split()[-1]) == ("sell", "buy")
    assert lines[3].split() == ["ratio", "+0.46", "bid", "5.91", "ask", "2.21"]
    assert lines[4].split() == ["vwap", "bid", "64,249.1", "ask", "64,251.0"]
    assert lines[5].split()[:4] == ["pressure", "+0.31", "▲", "BUY"]
    assert "0.20" in lines[5]
    assert "0.50" in lines[5]
    assert lines[6].split()[:4] == ["sweep", "buy", "0.6", "BTC"]
    assert lines[7].split()[0] == "sell"
    assert lines[6].endswith(" bps")


def test_volume_and_vwap_columns_end_in_line() -> None:
    lines = drawn(samples.pair())
    assert len(lines[3]) == len(lines[4])


@pytest.mark.parametrize(
    ("ratio", "left", "right"),
    [(0.0, 0, 0), (1.0, 0, 20), (-1.0, 20, 0), (0.5, 0, 10), (-0.5, 10, 0), (0.001, 0, 1), (-0.001, 1, 0)],
)
def test_the_bar_grows_from_the_middle(ratio: float, left: int, right: int) -> None:
    text = text_of(imbalance_bar(ratio, 41))
    assert len(text) == 41
    assert text[20] == "│"
    assert len(text[:20].strip()) == left
    assert len(text[21:].strip()) == right


def test_the_bar_is_exact_to_an_eighth_on_both_sides() -> None:
    assert ("▌", "~ask-bar") in imbalance_bar(-10.5 / 20, 41)
    assert ("▉", "~ask-bar") in imbalance_bar(-10.125 / 20, 41)
    assert text_of(imbalance_bar(10.5 / 20, 41)).rstrip().endswith("█▌")
    assert text_of(imbalance_bar(-10.5 / 20, 41, ascii_only=True)).count("#") == 11


@pytest.mark.parametrize(
    ("signal", "words", "role"),
    [
        (Signal.STRONG_SELL, "▼▼ STRONG SELL", "!ask"),
        (Signal.SELL, "▼ SELL", "!ask"),
        (Signal.NEUTRAL, "· NEUTRAL", "text"),
        (Signal.BUY, "▲ BUY", "!bid"),
        (Signal.STRONG_BUY, "▲▲ STRONG BUY", "!bid"),
    ],
)
def test_signals_differ_without_colour(signal: Signal, words: str, role: str) -> None:
    for height in (9, 1):
        lines = draw_gauge(Picture(with_figures(signal=signal), samples.feed()), 80, height)
        found = [key for line in lines for text, key in line if text.strip() == words]
        assert found == [role]


@pytest.mark.parametrize("height", [1, 2, 9])
@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (samples.unverified(), "no signals: book unverified"),
        (samples.checking(), "no signals: book checking"),
        (samples.empty(side="bids"), "no signals: a side of the book is empty"),
        (None, "no signals: waiting for the pair"),
    ],
)
def test_no_figures_without_a_proven_book(view: PairView | None, sentence: str, height: int) -> None:
    text = "\n".join(drawn(view, 60, height))
    assert sentence in text
    assert not any(character.isdigit() for character in text)


def test_a_book_too_thin_to_sweep_says_how_much_it_holds() -> None:
    figures = samples.pair().metrics
    assert figures is not None
    assert figures.buy_sweep is not None
    thin = replace(figures.buy_sweep, filled=12_000_000)
    line = drawn(with_figures(buy_sweep=thin), 60)[6]
    assert "only 0.12 known" in line
    assert "bps" not in line
    narrow = drawn(with_figures(buy_sweep=thin), 38)[6]
    assert "only 0.12" in narrow
    assert len(narrow.rstrip()) <= 38
    assert "no bids to take" in drawn(with_figures(sell_sweep=None), 60)[7]


def test_crossed_and_stale_books_are_named() -> None:
    assert "✗ crossed by the venue" in drawn(samples.crossed())[0]
    assert "CROSSED" in drawn(samples.crossed(), 80, 1)[0]
    assert "STALE" in drawn(samples.stale())[0]
    assert "STALE" in drawn(samples.stale(), 80, 1)[0]


def test_one_row_fits_80_columns() -> None:
    (line,) = drawn(with_figures(imbalance=-0.45, signal=Signal.SELL), 80, 1)
    assert "-0.45" in line
    assert "│" in line
    assert "SELL" in line
    assert len(line) <= 80


def test_fewer_rows_keep_the_bar_and_the_pressure_first() -> None:
    assert [len(drawn(samples.pair(), 45, height)) for height in range(3, 11)] == [3, 4, 5, 6, 7, 8, 8, 8]
    third = drawn(samples.pair(), 45, 3)
    assert "█" in third[1]
    assert third[2].split()[0] == "pressure"


def test_the_sweep_is_named_by_its_worth_and_says_where_the_book_ends() -> None:
    figures = samples.pair().metrics
    assert figures is not None
    assert figures.buy_sweep is not None
    view = with_figures(sweep_value=10_000.0)
    assert drawn(view, 60)[6].split()[:4] == ["sweep", "buy", "10,000", "USD"]
    small = with_figures(sweep_value=0.2, buy_sweep=replace(figures.buy_sweep, filled=12_000_000))
    assert "0.2 USD only 0.12 known" in drawn(small, 60)[6]
    assert "0.2 USD only 0.12 in the book" in drawn(replace(small, depth=1000), 60)[6]


def test_what_reads_as_zero_leans_to_neither_side() -> None:
    view = samples.pair()
    assert view.metrics is not None
    for value, tone in ((-0.004, "text"), (0.004, "text"), (-0.006, "ask"), (0.006, "bid")):
        figures = replace(view.metrics, imbalance=value, pressure=value)
        lines = draw_gauge(Picture(replace(view, metrics=figures), samples.feed()), 46, 9)
        keys = {key.lstrip("!") for line in lines for text, key in line if text in ("+0.00", "+0.01", "-0.01")}
        assert keys == {tone}
