"""The imbalance gauge."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.book.metrics import signal_of
from kraken_tui.market.events import Signal
from kraken_tui.market.views import BookMetrics, PairView, Sample, Signals
from kraken_tui.tui.draw.gauge import draw_gauge, imbalance_bar
from kraken_tui.tui.draw.picture import Picture
from tests.tui import samples
from tests.tui.pane_app import text_of, texts

SECOND = 1_000_000_000


def drawn(view: PairView | None, width: int = 45, height: int = 9) -> list[str]:
    return texts(draw_gauge(Picture(view, samples.feed()), width, height))


def with_figures(**changes: object) -> PairView:
    view = samples.pair()
    figures = view.metrics
    assert isinstance(figures, BookMetrics)
    return replace(view, metrics=replace(figures, **changes))  # type: ignore[arg-type]


def pressed(pressure: float, signal: Signal, imbalance: float = 0.456) -> PairView:
    return replace(with_figures(), signals=Signals(pressure, imbalance, signal, 4_000_000_000))


def test_the_box_holds_every_figure() -> None:
    view = replace(
        with_figures(bid_volume=591_200_000, ask_volume=220_700_000, bid_vwap=642_491.2, ask_vwap=642_510.4),
        signals=Signals(0.31, 0.456, Signal.BUY, 4_000_000_000),
    )
    lines = drawn(view, 46, 8)
    assert lines[0].startswith("─ Pressure ─")
    assert lines[0].endswith(" 10 levels, 4 s ")
    assert lines[1].split()[:3] == ["▲", "BUY", "+0.31"]
    assert lines[2].split()[:2] == ["imbalance", "+0.46"]
    assert lines[3].split()[:3] == ["last", "60", "s"]
    assert lines[4].split() == ["volume", "bid", "5.91", "ask", "2.21"]
    assert lines[5].split() == ["vwap", "bid", "64,249.1", "ask", "64,251.0"]
    assert lines[6].split() == ["sweep", "10k", "USD:", "buy", "64,250.55", "0.08", "bps"]
    assert lines[7].split() == ["sell", "64,249.88", "0.03", "bps"]
    assert lines[6].index("bps") == lines[7].index("bps")


@pytest.mark.parametrize(("width", "height"), [(46, 8), (38, 8), (80, 1), (100, 2), (60, 9)])
@pytest.mark.parametrize("pressure", [-0.7, -0.31, -0.004, 0.0, 0.004, 0.31, 0.7])
def test_word_number_and_bar_stand_side_by_side_and_agree(pressure: float, width: int, height: int) -> None:
    line = drawn(pressed(pressure, signal_of(pressure), -pressure), width, height)[0 if height < 3 else 1]
    word = line[:15].strip(" ▲▼·")
    assert word == signal_of(pressure).value
    number = line[15:].split()[0]
    assert number == f"{pressure:+.2f}".replace("-0.00", "+0.00")
    bar = line[15 + 1 + len(number) + 1 :].partition("60 s")[0]
    left, _, right = bar.partition("│")
    blocks = "█▉▊▋▌▍▎▏▐▕"
    assert any(mark in left for mark in blocks) == (pressure < -0.005)
    assert any(mark in right for mark in blocks) == (pressure > 0.005)


def history(*calm: float | None, start: int = 0) -> PairView:
    """A minute of imbalance, oldest first, one value a second, None where there was no proven book."""
    last = 100 * 60 * SECOND
    rows = [
        Sample(last - (59 - at - start) * SECOND, 2, 1.0, 0.0, calm=value)
        for at, value in enumerate(calm)
        if value is not None
    ]
    return replace(samples.pair(), samples=tuple(rows), now_ns=last)


def test_the_last_minute_goes_up_for_buy_and_hangs_down_for_sell() -> None:
    view = history(*[1.0] * 15, *[-0.5] * 15, *[0.25] * 15, *[-0.125] * 15)
    lines = draw_gauge(Picture(view, samples.feed()), 81, 8)
    upper, lower = ([(text, key) for text, key in line[2:]] for line in (lines[2], lines[3][:1] + lines[3]))
    assert upper == [*[("█", "bid-bar")] * 15, *[(" ", "text")] * 15, *[("▄", "bid-bar")] * 15, *[(" ", "text")] * 15]
    assert lower == [
        *[(" ", "text")] * 15, *[("█", "ask-bar")] * 15, *[(" ", "text")] * 15, *[("▆", "~ask-bar")] * 15,
    ]  # fmt: skip


def test_time_without_a_proven_book_is_not_balanced() -> None:
    lines = drawn(history(*[0.0] * 30, *[None] * 15, *[0.3] * 15), 81, 8)
    assert lines[2][-60:] == " " * 30 + "·" * 15 + "▅" * 15
    assert drawn(history(*[None] * 60), 81, 8)[2].count("·") == 60


def test_narrow_gauges_take_the_mean_of_some_seconds_and_move_only_once_in_them() -> None:
    def cells(seconds: int) -> str:
        view = history(*[0.5, 0.25, 0.0] * 20)
        moved = replace(view, now_ns=view.now_ns + seconds * SECOND)
        return drawn(moved, 46, 8)[2][-20:]

    assert cells(0) == cells(1) == cells(2)
    assert cells(3)[-1] == "·"
    assert cells(3)[:-1] == cells(0)[1:]
    assert "▄" in cells(0)


def test_the_history_has_an_ascii_form() -> None:
    view = history(*[0.9] * 20, *[-0.9] * 20, *[0.1] * 20)
    box = texts(draw_gauge(Picture(view, samples.feed(), ascii_only=True), 81, 8))
    assert box[2].rstrip().endswith("#" * 20 + " " * 20 + "+" * 20)
    assert box[3].rstrip().endswith("#" * 20)
    row = texts(draw_gauge(Picture(view, samples.feed(), ascii_only=True), 80, 1))[0]
    assert "60 s ++++-----......" in row


def test_volume_and_vwap_columns_end_in_line() -> None:
    lines = drawn(samples.pair())
    assert lines[4].index("bid") == lines[5].index("bid")
    assert abs(lines[4].index("ask") - lines[5].index("ask")) <= 1


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
        lines = draw_gauge(Picture(pressed(0.3, signal), samples.feed()), 80, height)
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


@pytest.mark.parametrize(("depth", "words"), [(100, "leaves the known book"), (500, "takes the whole book")])
def test_a_book_too_thin_to_sweep_says_so_and_how_much_it_holds(depth: int, words: str) -> None:
    figures = samples.pair().metrics
    assert figures is not None
    assert figures.buy_sweep is not None
    thin = replace(figures.buy_sweep, filled=12_000_000)
    view = replace(with_figures(buy_sweep=thin), depth=depth)
    assert drawn(view, 60, 8)[6].split("buy ")[1].strip() == f"{words}: 0.12 BTC"
    assert drawn(view, 38, 8)[6].split("buy ")[1].strip() == words
    assert all(len(line) <= 38 for line in drawn(view, 38, 8))
    assert "no bids to take" in drawn(with_figures(sell_sweep=None), 60)[7]
    assert f"10k buy {words[:20]}" in drawn(view, 120, 1)[0]


@pytest.mark.parametrize(
    ("notional", "text"),
    [(10_000.0, "10k"), (12_500.0, "12.5k"), (0.2, "0.2"), (1e6, "1M"), (999.0, "999"), (2.5e9, "2.5B")],
)
def test_the_size_of_the_sweep_is_named_in_money(notional: float, text: str) -> None:
    assert f"sweep {text} USD: buy" in drawn(with_figures(sweep_value=notional), 60)[6]


def test_crossed_and_stale_books_are_named() -> None:
    assert "✗ crossed by the venue" in drawn(samples.crossed())[0]
    assert "CROSSED" in drawn(samples.crossed(), 80, 1)[0]
    assert "STALE" in drawn(samples.stale())[0]
    assert "STALE" in drawn(samples.stale(), 80, 1)[0]


def test_one_row_fits_80_columns() -> None:
    (line,) = drawn(pressed(-0.45, Signal.SELL), 80, 1)
    assert line.split()[:3] == ["▼", "SELL", "-0.45"]
    assert "│" in line
    assert "60 s" in line
    assert line.endswith("10k buy 0.08 bps")
    assert len(line) <= 80


def test_fewer_rows_keep_the_pressure_and_its_history_first() -> None:
    assert [len(drawn(samples.pair(), 45, height)) for height in range(3, 11)] == [3, 4, 5, 6, 7, 8, 8, 8]
    three, four = drawn(samples.pair(), 45, 3), drawn(samples.pair(), 45, 4)
    assert "SELL" in three[1]
    assert three[2].split()[0] == "sweep"
    assert [line.split()[0] for line in four[2:]] == ["imbalance", "last"]


@pytest.mark.parametrize("symbol", samples.SYMBOLS)
@pytest.mark.parametrize("width", [38, 44, 60, 81])
def test_numbers_stand_under_numbers_and_bars_under_bars(symbol: str, width: int) -> None:
    lines = drawn(samples.pair(symbol), width, 8)
    pressure, imbalance = lines[1], lines[2]
    assert {pressure[14], imbalance[14]} == {" "}
    assert pressure[15] in "+-"
    assert imbalance[15] in "+-"
    assert {line.index("bid ") for line in lines[4:6]} == {lines[4].index("bid ")}
    asks = {line.index("ask ") for line in lines[4:6] if "ask " in line}
    assert len(asks) == 1
    # Nothing of a small coin is left out in the narrowest place the desk gives the gauge.
    assert all("ask " in line for line in lines[4:6])
    assert lines[6].split()[-2].replace(".", "").isdigit()
    assert len(lines[6].split("buy")[1].split()) == 3
