"""Candles: glyphs, axes, stillness."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.events import Candle
from kraken_tui.market.session_vwap import session_vwaps
from kraken_tui.tui.draw.candle_bars import Bar, Canvas, PriceRange, draw_bar
from kraken_tui.tui.draw.candles import (
    LONGEST_HOLE,
    ZOOMS,
    Look,
    bars_of,
    choose_range,
    choose_scale,
    draw_candles,
    extent,
    interval_name,
    layout_for,
    nice_step,
    time_axis,
    time_label,
)
from kraken_tui.tui.draw.format import price
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line, to_ascii
from kraken_tui.wire.symbols import PairSpec
from tests.tui import samples as common
from tests.tui.samples_charts import candle, check_styles, picture, text_of, with_candles

WIDE = PriceRange(0, 390)
"""On a chart of 20 price rows, 40 half rows, ten ticks each."""


def column(lines: list[str], x: int, rows: int = 20) -> str:
    return "".join(line[x] for line in lines[3 : 3 + rows])


def drawn(*candles, scale: PriceRange = WIDE, height: int = 28, zoom: int = 0, **changes):
    """(rows as text, left column of the newest bar) of a chart with 20 price rows under two rows of figures."""
    view = with_candles(*candles, last=None, **changes)
    view = replace(view, now_ns=candles[-1].begin_s * common.SECOND)
    lines = text_of(draw_candles(picture(view), scale, 60, height, Look(zoom=zoom)))
    layout = layout_for(view, 60, height, zoom)
    assert (layout.rows, layout.figures) == (20, 2)
    return lines, layout.plot - layout.body


def body_of(candle_, zoom: int, rows: int = 20, scale: PriceRange = WIDE, ascii_only: bool = False) -> list[str]:
    """The cells of one bar by row, without axes."""
    body = ZOOMS[zoom][0]
    canvas = Canvas(body, rows)
    draw_bar(canvas, 0, body, Bar(candle_.begin_s, candle_), scale, ascii_only)
    return ["".join(row) for row in canvas.chars]


@pytest.mark.parametrize(
    ("minutes", "name"), [(1, "1m"), (15, "15m"), (60, "1h"), (240, "4h"), (1440, "1d"), (10080, "7d")]
)
def test_interval_names(minutes: int, name: str) -> None:
    assert interval_name(minutes) == name


@pytest.mark.parametrize("zoom", range(len(ZOOMS)))
def test_falling_body_is_filled_with_thin_wicks(zoom: int) -> None:
    # Half row of 350 is 4, of 300 is 9, of 200 is 19, of 150 is 24.
    body = ZOOMS[zoom][0]
    middle = (body - 1) // 2
    wick = " " * middle + "│" + " " * (body - 1 - middle)
    rows = body_of(candle(0, 300, 350, 150, 200), zoom)
    assert rows[:2] == [" " * body] * 2
    assert rows[2:4] == [wick] * 2
    assert rows[4] == "▄" * body
    assert rows[5:10] == ["█" * body] * 5
    assert rows[10:12] == [wick] * 2
    assert rows[12].strip() == "╵"
    assert "".join(rows[13:]).strip() == ""


def test_rising_body_is_hollow_and_closed_where_it_ends() -> None:
    rows = body_of(candle(0, 200, 300, 200, 300), 2)
    # Half rows 9 to 19: half a cell, then five whole ones.
    assert rows[4:10] == ["▄▄", "▌▐", "▌▐", "▌▐", "▌▐", "▙▟"]
    rows = body_of(candle(0, 210, 310, 210, 310), 3)
    assert rows[4:10] == ["▛▀▜", "▌ ▐", "▌ ▐", "▌ ▐", "▌ ▐", "▀▀▀"]


def test_a_rising_bar_of_one_cell_takes_half_its_width() -> None:
    rows = body_of(candle(0, 200, 300, 200, 300), 0)
    assert rows[4:10] == ["▗", "▐", "▐", "▐", "▐", "▐"]


@pytest.mark.parametrize("zoom", range(len(ZOOMS)))
@pytest.mark.parametrize("ascii_only", [False, True])
def test_up_and_down_differ_without_colour_at_every_height(zoom: int, ascii_only: bool) -> None:
    for height in range(1, 120, 7):
        for low in range(100, 140, 10):
            up = candle(0, low, low + height + 30, low - 30, low + height)
            down = replace(up, open=up.close, close=up.open)
            assert body_of(up, zoom, ascii_only=ascii_only) != body_of(down, zoom, ascii_only=ascii_only)


def test_half_cells_place_ends_to_half_a_row() -> None:
    lines, x = drawn(candle(0, 290, 290, 210, 210))
    bar = column(lines, x)
    assert bar[5:9] == "████"
    assert bar[9] == "▀"


def test_unchanged_candle_is_a_cross() -> None:
    lines, x = drawn(candle(0, 200, 260, 140, 200))
    assert "┼" in column(lines, x)
    assert body_of(candle(0, 200, 200, 200, 200), 2)[9].strip() == "──"


def test_running_candle_stands_apart_is_bold_and_marked() -> None:
    view = with_candles(candle(1, 120, 120, 90, 100), candle(0, 110, 120, 90, 100, closed=False))
    lines = draw_candles(picture(view), PriceRange(50, 150), 60, 28)
    assert any(key == "!fall" for line in lines for _, key in line)
    assert "▴" in text_of(lines)[-1]
    bodies = max(re.findall("█[ ┈╌─]+█", "\n".join(text_of(lines)[3:23])), key=len)
    assert len(bodies) == 4, "a gap of one column and another that sets it apart"
    closed = with_candles(candle(1, 120, 120, 90, 100), candle(0, 110, 120, 90, 100))
    lines = draw_candles(picture(closed), PriceRange(50, 150), 60, 28)
    assert "▴" not in text_of(lines)[-1]
    assert not any(key == "!fall" for line in lines[3:] for _, key in line)


def idle(minute: int, level: int = 110) -> Candle:
    """A minute of which it is known that nothing traded."""
    return replace(candle(minute, level, level, level, level, volume=0), trades=0)


def test_minutes_without_trades_are_gaps_and_keep_their_place() -> None:
    view = with_candles(candle(3, 120, 120, 90, 110), idle(2), idle(1), candle(0, 110, 120, 90, 100))
    bars = bars_of(view, 50)
    assert [bar.quiet for bar in bars] == [False, True, True, False]
    lines, x = drawn(*view.candles, scale=PriceRange(80, 130), zoom=1)
    assert "█" in column(lines, x)
    assert "█" in column(lines, x - 6)
    for quiet in (x - 2, x - 4):
        assert set(column(lines, quiet)) <= set("┈╌─ ")
        assert lines[-2][quiet] == "·"


def test_minutes_of_which_nothing_is_known_are_textured_and_never_bridged() -> None:
    view = with_candles(candle(3, 120, 120, 90, 110), candle(0, 110, 120, 90, 100))
    bars = bars_of(view, 50)
    assert [bar.candle is None for bar in bars] == [False, True, True, False]
    assert [bar.begin_s - bars[0].begin_s for bar in bars] == [0, 60, 120, 180]
    lines, x = drawn(*view.candles, scale=PriceRange(80, 130), zoom=1)
    assert set(column(lines, x - 2)) == {"╱"}


def test_what_a_stale_book_did_not_hear_is_not_drawn_as_quiet() -> None:
    view = with_candles(candle(4, 110, 120, 90, 110), idle(3), idle(2), idle(1), idle(0))
    assert len(bars_of(view, 50)) == 5
    stale = replace(view, stale=True, age_ns=100 * common.SECOND)
    # Heard until 14:01:30, in the middle of a minute.
    assert len(bars_of(stale, 50)) == 2
    assert "STALE" in text_of(draw_candles(picture(stale), PriceRange(50, 150), 60, 28))[0]


def test_a_hole_of_years_is_a_few_bars() -> None:
    old = replace(candle(0, 1, 1, 1, 1), begin_s=0)
    bars = bars_of(with_candles(old, candle(0, 100, 120, 90, 110)), 50)
    assert len(bars) == LONGEST_HOLE + 2
    assert [bars[0].candle, bars[-1].candle is None] == [old, False]


def test_scrolled_back_the_right_edge_is_an_earlier_bar_and_is_said() -> None:
    view = common.pair()
    end = view.candles[-31]
    assert bars_of(view, 20, end.begin_s)[-1].candle == end
    lines = text_of(draw_candles(picture(view), PriceRange(0, 10**6), 100, 28, Look(end_s=end.begin_s)))
    assert "◂ 30 back, End follows" in lines[0]
    assert price(end.close, 1) in lines[1]


def test_figures_are_those_of_the_newest_bar_or_of_the_one_under_the_mouse() -> None:
    view = with_candles(
        candle(1, 1000, 1300, 900, 1100, volume=2 * 10**8), candle(0, 1100, 1200, 1050, 1067, volume=10**8)
    )
    figures = "\n".join(text_of(draw_candles(picture(view), PriceRange(0, 2000), 130, 28))[1:2])
    assert "O 110.0  H 120.0  L 105.0  C 106.7  -3.00 %  vol 1 BTC" in figures
    look = Look(hover_s=view.candles[0].begin_s)
    hovered = text_of(draw_candles(picture(view), PriceRange(0, 2000), 130, 28, look))
    assert "O 100.0  H 130.0  L 90.0  C 110.0  +10.00 %  vol 2 BTC" in hovered[1]
    assert time_label(view.candles[0].begin_s, False) in hovered[-1]


def test_figures_are_whole_or_left_out() -> None:
    for symbol in ("BTC/USD", "DOGE/USD", "PEPE/USD"):
        view = common.pair(symbol)
        last = view.candles[-1]
        whole = {price(ticks, view.spec.price_precision) for ticks in (last.open, last.high, last.low, last.close)}
        for width in range(24, 140, 3):
            rows = text_of(draw_candles(picture(view), PriceRange(0, 10**7), width, 28))[1:3]
            shown = re.findall(r"(?<=[OHLC] )[0-9.,]+", "  ".join(rows))
            assert shown
            assert set(shown) <= whole


def test_session_vwap_is_drawn_and_says_from_when_it_is_known() -> None:
    view = common.pair()
    low, high = extent(view, bars_of(view, 500))
    lines = draw_candles(picture(view), PriceRange(low, high), 130, 28)
    vwap = session_vwaps(view.candles)[-1]
    since = time_label(view.candles[0].begin_s, False)
    assert f"─ vwap {price(vwap.ticks, 1)} since {since}" in text_of(lines)[1]
    axis = [line[-1] for line in lines if line[-1][1] == "accent"]
    assert [text.strip() for text, _ in axis] == [price(vwap.ticks, 1)]
    assert any("──" in text and key == "accent" for line in lines[3:] for text, key in line)
    far = text_of(draw_candles(picture(view), PriceRange(high + 10**5, high + 2 * 10**5), 130, 28))[1]
    assert f"{price(vwap.ticks, 1)} below" in far


def test_a_new_candle_shifts_by_one_bar() -> None:
    view = common.pair()
    scale = PriceRange(*extent(view, bars_of(view, 500)))
    look = Look(zoom=1)
    layout = layout_for(view, 70, 30, 1)
    before = text_of(draw_candles(picture(view), scale, 70, 30, look))
    last = view.candles[-1]
    grown = (*view.candles[:-1], replace(last, closed=True), replace(last, begin_s=last.begin_s + 60))
    after = text_of(draw_candles(picture(replace(view, candles=grown)), scale, 70, 30, look))
    edge = layout.plot - layout.body - 3
    for old, new in zip(before[3:20], after[3:20], strict=True):
        if "╌" not in old and "─" not in old:
            assert old[4:edge] == new[2 : edge - 2]


def test_time_labels_stand_under_round_minutes() -> None:
    view = common.pair()
    for zoom in range(len(ZOOMS)):
        layout = layout_for(view, 90, 30, zoom)
        bars = bars_of(view, layout.bars)
        row = text_of([time_axis(bars, 1, layout)])[0]
        assert len(row) == layout.plot
        for label in row.replace("▴", "").split():
            hour, minute = map(int, label.split(":"))
            index = layout.bar_at(row.index(label) + 2, len(bars), True)
            assert index is not None
            assert bars[index].begin_s % 86_400 == hour * 3600 + minute * 60
            assert minute % 5 == 0


@pytest.mark.parametrize("interval", [10_080, 21_600])
def test_candles_longer_than_a_day_are_labelled_with_their_year(interval: int) -> None:
    view = common.pair()
    first = 1_794_960_000 // 60 // interval
    candles = tuple(
        replace(view.candles[0], begin_s=(first - 40 + number) * interval * 60, interval=interval, closed=True)
        for number in range(40)
    )
    view = replace(view, candles=candles, interval=interval)
    for zoom in range(len(ZOOMS)):
        layout = layout_for(view, 90, 30, zoom)
        bars = bars_of(view, layout.bars)
        row = text_of([time_axis(bars, interval, layout)])[0]
        labels = re.findall(r"\d+ [A-Z][a-z]{2} \d\d", row)
        assert len(labels) >= 2
        assert {time.strftime("%-d %b %y", time.gmtime(bar.begin_s)) for bar in bars} >= set(labels)


def test_every_bar_is_found_under_its_columns() -> None:
    view = common.pair()
    for zoom, (body, _) in enumerate(ZOOMS):
        layout = layout_for(view, 90, 30, zoom)
        for count in (1, layout.bars):
            for running in (False, True):
                for index in range(count):
                    left = layout.column(index, count, running)
                    assert 0 <= left <= layout.plot - body
                    assert {layout.bar_at(left + cell, count, running) for cell in range(body)} == {index}


def test_volume_bars_grow_with_volume_tell_direction_and_name_their_scale() -> None:
    view = with_candles(
        candle(2, 100, 101, 99, 101, volume=8 * 10**8),
        candle(1, 101, 101, 99, 100, volume=4 * 10**8),
        candle(0, 100, 100, 100, 100, volume=1),
    )
    view = replace(view, now_ns=view.candles[-1].begin_s * common.SECOND)
    lines = draw_candles(picture(view), PriceRange(90, 110), 60, 28, Look(zoom=0))
    x = layout_for(view, 60, 28).plot - 1
    rows = text_of(lines)[23:27]
    assert [row[x - 2] for row in rows] == list("████")
    assert [row[x - 1] for row in rows] == list("  ██")
    assert [row[x] for row in rows] == list("   ▁")
    keys = {key for line in lines[23:27] for _, key in line}
    assert {"bid-bar", "ask-bar", "muted"} <= keys
    assert rows[0].endswith("8 BTC" if len(price(view.last, 1)) + 1 >= 5 else "8")
    assert rows[-1].endswith("volume"[: len(price(view.last, 1)) + 1]) or rows[-1].endswith("…")


@pytest.mark.parametrize("symbol", common.SYMBOLS)
def test_words_beside_the_volume_stand_in_the_column_of_the_prices(symbol: str) -> None:
    view = common.pair(symbol)
    assert view.last is not None
    last = view.candles[-1]
    rows = text_of(draw_candles(picture(view), PriceRange(last.low - 50, last.high + 50), 80, 24))
    at = next(row.index("◂") for row in rows if "◂" in row) + 1
    assert next(row for row in rows if row.rstrip().endswith("volume")).index("volume") == at
    assert rows[-1].index("UTC") == at


def test_scale_holds_still_while_prices_move_inside() -> None:
    scale = choose_range(1_000, 1_100)
    assert scale.low < 1_000
    assert scale.high > 1_100
    assert choose_range(1_010, 1_105, previous=scale) == scale
    assert choose_range(1_000, 1_200, previous=scale) != scale
    # Far too loose a scale is tightened.
    assert choose_range(1_000, 1_010, previous=scale) != scale


@given(st.integers(0, 10**24), st.integers(0, 10**24), st.integers(1, 10**6))
@settings(max_examples=200, deadline=None)
def test_any_range_holds_its_prices(first: int, second: int, increment: int) -> None:
    low, high = min(first, second), max(first, second)
    scale = choose_range(low, high, increment)
    assert 0 <= scale.low <= low
    assert high <= scale.high
    assert scale.low < scale.high
    assert choose_range(low, high, increment, scale) == scale


@given(st.integers(1, 10**30), st.integers(1, 10**4))
def test_steps_are_multiples_of_the_increment(least: int, increment: int) -> None:
    step = nice_step(least, increment)
    assert step >= least
    assert step % increment == 0
    assert step < 10 * least + increment


def chart(sample: Picture, width: int, height: int) -> list[Line]:
    """The chart at a scale of its own."""
    lines = draw_candles(sample, choose_scale(sample.pair, width, height, None), width, height)
    return to_ascii(lines) if sample.ascii_only else lines


def test_every_row_fits_and_every_style_exists() -> None:
    for symbol in ("BTC/USD", "ETH/BTC", "DOGE/USD", "PEPE/USD"):
        for width, height in ((50, 26), (70, 30), (130, 40), (30, 10), (24, 6)):
            for ascii_only in (False, True):
                sample = picture(common.pair(symbol), ascii_only=ascii_only)
                lines = chart(sample, width, height)
                assert len(lines) == height
                assert {len(row) for row in text_of(lines)} == {width}, (symbol, width, height)
                text = "".join(text_of(lines))
                assert not ascii_only or (text.isascii() and "?" not in text)
                check_styles(lines)


def test_last_price_badge_has_all_digits_and_its_direction() -> None:
    for direction, role in ((1, "up"), (-1, "down"), (0, "text")):
        view = replace(common.pair(), last_direction=direction)
        lines = chart(picture(view), 60, 26)
        badges = [(line[-2], line[-1]) for line in lines if line[-1][1].startswith("!badge")]
        assert badges == [(("◂", role), ("64,250.1", f"!badge/{role}"))]


def test_stale_price_does_not_look_fresh() -> None:
    lines = chart(picture(common.stale()), 60, 26)
    badges = [line[-1][1] for line in lines if line[-1][1].startswith("!badge")]
    assert badges == ["!badge/stale"]
    assert "STALE" in text_of(lines)[0]


def test_axis_labels_are_round_and_points_in_line() -> None:
    lines = text_of(chart(picture(), 60, 26))
    points = {row.rindex("64,250.1") + 6 for row in lines[3:] if row.endswith("64,250.1")}
    labels = [row[-9:] for row in lines[3:19] if row[-9:].strip() and "◂" not in row and "─" not in row[-9:]]
    assert len(labels) >= 3
    assert len(points) == 1
    numbers = [int(label.strip().replace(",", "")) for label in labels]
    steps = {before - after for before, after in itertools.pairwise(numbers)}
    # Labels may be hidden by the badge and the VWAP, which makes a step wider.
    step = min(steps)
    assert step in (1, 2, 5, 10, 20, 50, 100)
    assert all(gap in (step, 2 * step, 3 * step) for gap in steps)
    assert {label.rstrip()[-1] for label in labels} <= set("0123456789")
    assert all(len(label.rstrip()) == len(labels[0].rstrip()) for label in labels)


def test_cursor_price_is_marked_on_the_axis() -> None:
    view = common.pair()
    sample = replace(picture(view), choices=BookChoices(cursor=view.candles[-5].close))
    lines = chart(sample, 60, 26)
    assert any(line[-1][1] == "!bright/cursor" for line in lines)


def test_midnight_and_daily_candles_show_dates() -> None:
    view = replace(common.pair(), candles=common.candles(count=60, interval=1440), interval=1440)
    assert "Nov" in text_of(chart(picture(view), 70, 20))[-1]
    view = replace(common.pair(), candles=common.candles(count=60, interval=60), interval=60)
    row = text_of(chart(picture(view), 70, 20))[-1]
    assert "21 Nov" in row
    assert ":" in row


@given(
    st.lists(st.tuples(*[st.integers(1, 10**14)] * 4), min_size=1, max_size=40),
    st.integers(0, 10),
    st.integers(20, 120),
    st.integers(4, 40),
)
@settings(max_examples=100, deadline=None)
def test_any_candles_draw_within_their_cells(prices, precision: int, width: int, height: int) -> None:
    bars = [
        candle(len(prices) - 1 - index, o, max(o, h, low, c), min(o, h, low, c), c)
        for index, (o, h, low, c) in enumerate(prices)
    ]
    spec = PairSpec("A/B", "A", "B", precision, 8)
    lines = chart(picture(with_candles(*bars, spec=spec)), width, height)
    assert len(lines) <= height
    assert {len(row) for row in text_of(lines)} <= {width}


def test_nothing_to_draw_is_said() -> None:
    for view in (replace(common.pair(), candles=()), replace(common.pair(), spec=None)):
        assert "Waiting for the first candle" in "".join(text_of(chart(picture(view), 40, 10)))


def test_drawing_is_cheap() -> None:
    sample = picture()
    costs = []
    for _ in range(20):
        start = time.process_time()
        chart(sample, 100, 30)
        costs.append(time.process_time() - start)
    # About 1 ms on the development machine; the bound leaves room for slow runners.
    assert sorted(costs)[10] < 0.006
