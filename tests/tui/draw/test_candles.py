"""Candles: glyphs, axes, stillness."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.tui.draw.candles import (
    PriceRange,
    bars_of,
    choose_range,
    choose_scale,
    draw_candles,
    extent,
    interval_name,
    layout_for,
    nice_step,
    time_axis,
)
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line, to_ascii
from kraken_tui.wire.symbols import PairSpec
from tests.tui import samples as common
from tests.tui.samples_charts import candle, check_styles, picture, text_of, with_candles

WIDE = PriceRange(0, 390)
"""On a chart of 20 price rows, 40 half rows, ten ticks each."""


def column(lines: list[str], x: int, rows: int = 20) -> str:
    return "".join(line[x] for line in lines[1 : 1 + rows])


def drawn(*candles, scale: PriceRange = WIDE, height: int = 26, **changes):
    """(rows as text, column of the newest bar) of a chart with 20 price rows."""
    view = with_candles(*candles, last=None, **changes)
    view = replace(view, now_ns=candles[-1].begin_s * common.SECOND)
    lines = text_of(draw_candles(picture(view), scale, 60, height))
    layout = layout_for(view, 60, height)
    assert layout.rows == 20
    return lines, layout.plot - 1


@pytest.mark.parametrize(
    ("minutes", "name"), [(1, "1m"), (15, "15m"), (60, "1h"), (240, "4h"), (1440, "1d"), (10080, "7d")]
)
def test_interval_names(minutes: int, name: str) -> None:
    assert interval_name(minutes) == name


def test_falling_body_is_solid_with_wicks() -> None:
    lines, x = drawn(candle(0, 300, 350, 150, 200))
    bar = column(lines, x).strip("┈╌ ")
    assert set(bar) <= set("│╷╵┃╽╿╹╻")
    assert "┃" in bar
    assert "║" not in bar
    # High 350 is half row 4, low 150 half row 24: cells 2 to 12.
    assert len(bar) == 11


def test_rising_body_is_hollow_at_every_size() -> None:
    for height in range(1, 120, 7):
        for low in range(100, 140, 10):
            lines, x = drawn(candle(0, low, low + height + 30, low - 30, low + height))
            assert "║" in column(lines, x), (height, low)


def test_falling_body_is_never_hollow() -> None:
    for height in range(1, 120, 7):
        lines, x = drawn(candle(0, 200, 230, 200 - height - 10, 200 - height))
        assert "║" not in column(lines, x)


def test_half_cells_place_ends_to_half_a_row() -> None:
    # Half row of 300 is 9 (lower half of cell 4), of 200 is 19 (lower half of cell 9): full cells between.
    lines, x = drawn(candle(0, 300, 300, 200, 200))
    bar = column(lines, x)
    assert bar[4] == "╻"
    assert bar[5:10] == "┃┃┃┃┃"
    lines, x = drawn(candle(0, 290, 290, 210, 210))
    bar = column(lines, x)
    assert bar[5:9] == "┃┃┃┃"
    assert bar[9] == "╹"


def test_unchanged_candle_is_a_cross() -> None:
    lines, x = drawn(candle(0, 200, 260, 140, 200))
    assert "┼" in column(lines, x)
    lines, x = drawn(candle(0, 200, 200, 200, 200))
    assert column(lines, x).strip("┈╌ ") == "─"


def test_running_candle_is_bold_and_marked() -> None:
    view = with_candles(candle(1, 100, 120, 90, 110), candle(0, 110, 120, 90, 100, closed=False))
    lines = draw_candles(picture(view), PriceRange(50, 150), 60, 26)
    assert any(key == "!fall" for line in lines for _, key in line)
    assert "▴" in text_of(lines)[-1]
    closed = with_candles(candle(1, 100, 120, 90, 110), candle(0, 110, 120, 90, 100))
    lines = draw_candles(picture(replace(closed, stale=True)), PriceRange(50, 150), 60, 26)
    assert "▴" not in text_of(lines)[-1]
    assert not any(key == "!fall" for line in lines for _, key in line)


def test_empty_intervals_are_flat_and_keep_their_place() -> None:
    view = with_candles(candle(5, 100, 120, 90, 110), candle(1, 110, 120, 90, 100), candle(0, 100, 101, 99, 100))
    bars = bars_of(view, 50)
    assert [bar.candle is None for bar in bars] == [False, True, True, True, False, False]
    assert [bar.begin_s - bars[0].begin_s for bar in bars] == [0, 60, 120, 180, 240, 300]
    assert {bar.level for bar in bars[1:4]} == {110}


def test_quiet_time_is_filled_only_while_the_book_is_fresh() -> None:
    view = with_candles(candle(4, 100, 120, 90, 110))
    assert len(bars_of(view, 50)) == 5
    assert len(bars_of(replace(view, stale=True), 50)) == 1


def test_a_gap_of_years_costs_no_more_than_the_screen() -> None:
    old = replace(candle(0, 1, 1, 1, 1), begin_s=0)
    bars = bars_of(with_candles(old, candle(0, 100, 120, 90, 110)), 50)
    assert len(bars) == 50
    assert bars[-1].candle is not None
    assert bars[0].level == 1


def test_a_new_candle_shifts_by_one_column() -> None:
    view = common.pair()
    layout = layout_for(view, 70, 30)
    scale = PriceRange(*extent(view, list(bars_of(view, 500))))
    before = text_of(draw_candles(picture(view), scale, 70, 30))
    last = view.candles[-1]
    grown = (*view.candles[:-1], replace(last, closed=True), replace(last, begin_s=last.begin_s + 60))
    after = text_of(draw_candles(picture(replace(view, candles=grown)), scale, 70, 30))
    for old, new in zip(before[1:21], after[1:21], strict=True):
        if "╌" not in old:
            assert old[1 : layout.plot - 1] == new[: layout.plot - 2]


def test_time_labels_stand_under_round_minutes() -> None:
    view = common.pair()
    layout = layout_for(view, 70, 30)
    bars = bars_of(view, layout.bars)
    row = text_of([time_axis(bars, 1, layout)])[0]
    assert len(row) == layout.plot
    for label in row.replace("▴", "").split():
        hour, minute = map(int, label.split(":"))
        middle = row.index(label) + 2
        index = middle - (layout.plot - len(bars))
        assert bars[index].begin_s % 86_400 == hour * 3600 + minute * 60
        assert minute % 10 == 0


def test_volume_bars_grow_with_volume_and_tell_direction() -> None:
    view = with_candles(
        candle(2, 100, 101, 99, 101, volume=8 * 10**8),
        candle(1, 101, 101, 99, 100, volume=4 * 10**8),
        candle(0, 100, 100, 100, 100, volume=1),
    )
    view = replace(view, now_ns=view.candles[-1].begin_s * common.SECOND)
    lines = draw_candles(picture(view), PriceRange(90, 110), 60, 26)
    x = layout_for(view, 60, 26).plot - 1
    rows = text_of(lines)[21:25]
    assert [row[x - 2] for row in rows] == list("████")
    assert [row[x - 1] for row in rows] == list("  ██")
    assert [row[x] for row in rows] == list("   ▁")
    keys = {key for line in lines[21:25] for _, key in line}
    assert {"bid-bar", "ask-bar", "muted"} <= keys
    assert rows[0].endswith("8")


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
    points = {row.rindex("64,250.1") + 6 for row in lines if row.endswith("64,250.1")}
    labels = [row[-9:] for row in lines[1:21] if row[-9:].strip() and "250.1" not in row]
    assert len(labels) >= 3
    assert len(points) == 1
    numbers = [int(label.strip().replace(",", "")) for label in labels]
    steps = {before - after for before, after in itertools.pairwise(numbers)}
    # One label may be hidden by the badge, which doubles one step.
    step = min(steps)
    assert step in (1, 2, 5, 10, 20, 50, 100)
    assert all(gap in (step, 2 * step) for gap in steps)
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
