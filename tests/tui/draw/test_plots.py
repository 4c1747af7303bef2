"""plotext pictures and the charts view."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from kraken_tui.market.views import LatencyView
from kraken_tui.tui.draw.plots import (
    _buckets,
    _cumulative,
    _float_ticks,
    candle_chart,
    depth_chart,
    imbalance_chart,
    latency_chart,
    spread_chart,
)
from kraken_tui.tui.draw.themes import PALETTES, Palette
from tests.tui import samples as common
from tests.tui.samples_charts import candle, with_candles

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

Draw = Callable[[int, int, "Palette | None"], str]


def drawings(symbol: str = "BTC/USD") -> dict[str, Draw]:
    view, feed = common.pair(symbol), common.feed()
    return {
        "depth": lambda width, height, palette: depth_chart(view, width, height, palette),
        "spread": lambda width, height, palette: spread_chart(view, width, height, palette),
        "imbalance": lambda width, height, palette: imbalance_chart(view, width, height, palette),
        "latency": lambda width, height, palette: latency_chart(feed, width, height, palette),
        "candles": lambda width, height, palette: candle_chart(view, width, height, palette),
    }


def test_plotext_is_not_imported_with_the_module() -> None:
    code = "import sys, kraken_tui.tui.draw.plots, kraken_tui.tui.panes.charts; sys.exit('plotext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


@pytest.mark.parametrize("name", sorted(drawings()))
@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD"])
def test_pictures_have_the_exact_size(name: str, symbol: str) -> None:
    draw = drawings(symbol)[name]
    for width, height in ((79, 21), (80, 22), (24, 7), (160, 44), (40, 12)):
        for palette in (None, PALETTES["dark"], PALETTES["terminal"]):
            rows = draw(width, height, palette).split("\n")
            assert len(rows) == height
            assert {len(ESCAPE.sub("", row)) for row in rows} == {width}


@pytest.mark.parametrize("name", sorted(drawings()))
def test_colours_follow_the_palette_or_are_absent(name: str) -> None:
    draw = drawings()[name]
    assert "\x1b" not in draw(80, 22, None)
    truecolour, sixteen = draw(80, 22, PALETTES["light"]), draw(80, 22, PALETTES["terminal"])
    muted = PALETTES["light"].colours["muted"]
    assert "\x1b[38;2;{};{};{}m".format(*(int(muted[place : place + 2], 16) for place in (1, 3, 5))) in truecolour
    assert "\x1b[38;2;" not in sixteen
    assert "\x1b[38;5;" in sixteen
    assert ESCAPE.sub("", truecolour) == ESCAPE.sub("", sixteen) == draw(80, 22, None)


def test_nothing_to_draw_is_one_sentence() -> None:
    empty = replace(common.pair(), bids=(), candles=(), samples=())
    for view in (None, empty):
        for chart in (depth_chart, spread_chart, imbalance_chart, candle_chart):
            sentence = chart(view, 80, 22, PALETTES["dark"])
            assert sentence.endswith(".")
            assert "\n" not in sentence
            assert "\x1b" not in sentence
    assert latency_chart(common.feed(latency=LatencyView()), 80, 22, None) == "Feed latency: nothing measured yet."
    assert "too small" in depth_chart(common.pair(), 10, 3, None)


def test_depth_sums_are_exact() -> None:
    asks = ((101, 5), (103, 7), (110, 1))
    assert _cumulative(asks, 1, [100, 101, 102, 103, 109, 110]) == [0, 5, 5, 12, 12, 13]
    bids = ((99, 2), (90, 8))
    assert _cumulative(bids, -1, [100, 99, 95, 90, 80]) == [0, 2, 2, 10, 10]


def test_depth_curve_is_a_valley_around_the_mid() -> None:
    rows = depth_chart(common.pair(), 80, 22, None).split("\n")[1:-2]
    heights = [sum(row[x] in "▀▄█▌▐▙▟▛▜▚▞▖▗▘▝" for row in rows) for x in range(4, 80)]
    middle = min(range(len(heights)), key=lambda x: heights[x])
    assert 30 <= middle <= 45
    assert heights[: middle + 1] == sorted(heights[: middle + 1], reverse=True)
    assert heights[middle:] == sorted(heights[middle:])
    assert "64,250.0" in depth_chart(common.pair(), 80, 22, None)


def test_depth_is_filled_without_gaps_even_where_ticks_are_few() -> None:
    coarse = replace(common.pair(), bids=((100, 5), (98, 5), (90, 7)), asks=((101, 3), (104, 5), (111, 4)))
    for view in (coarse, common.pair(), common.pair("PEPE/USD")):
        bottom = depth_chart(view, 120, 22, None).split("\n")[-3].partition("┤")[2].rstrip()
        assert set(bottom.replace("█", "")) <= set(" ▌▐▄▙▟▖▗")
        assert len(bottom.split()) <= 2


def test_an_unproven_book_loses_its_colours_and_says_why() -> None:
    palette = PALETTES["dark"]
    bid = "\x1b[38;2;{};{};{}m".format(*(int(palette.colours["bid-bar"][i : i + 2], 16) for i in (1, 3, 5)))
    assert bid in depth_chart(common.pair(), 80, 22, palette)
    for view, word in ((common.unverified(), "UNVERIFIED"), (common.checking(), "CHECKING"), (common.stale(), "STALE")):
        picture = depth_chart(view, 80, 22, palette)
        assert bid not in picture
        assert word in picture.split("\n")[0]
        for chart in (spread_chart, imbalance_chart):
            title = ESCAPE.sub("", chart(view, 80, 22, palette).split("\n")[0])
            assert word in title
            assert "now" not in title


def test_spread_says_its_newest_and_widest_figures() -> None:
    view = common.pair()
    points = tuple(replace(point, spread_bps=1.0 + index % 7) for index, point in enumerate(view.samples))
    title = spread_chart(replace(view, samples=points), 80, 22, None).split("\n")[0]
    assert f"now {points[-1].spread_bps:.2f}  widest 7.00 bps" in title


def test_history_is_broken_where_the_book_was_unproven() -> None:
    points = common.samples(count=100)
    broken = points[:40] + points[60:]
    assert len(_buckets(points, lambda point: point.spread_bps, 50, True)) == 1
    runs = _buckets(broken, lambda point: point.spread_bps, 50, True)
    assert len(runs) == 2
    assert all(-99 <= seconds <= 0 for run in runs for seconds, _ in run)


def test_buckets_keep_the_worst_or_the_mean() -> None:
    points = tuple(replace(point, spread_bps=float(index % 2)) for index, point in enumerate(common.samples(count=101)))
    worst = _buckets(points, lambda point: point.spread_bps, 10, True)[0]
    mean = _buckets(points, lambda point: point.spread_bps, 10, False)[0]
    assert {value for _, value in worst} <= {0.0, 1.0}
    assert [value for _, value in mean[:10]] == [0.5] * 10


def test_imbalance_has_bids_above_zero_and_asks_below() -> None:
    view = common.pair()
    for value, above in ((0.8, True), (-0.8, False)):
        points = tuple(replace(point, imbalance=value) for point in view.samples)
        rows = imbalance_chart(replace(view, samples=points), 80, 23, None).split("\n")[1:-2]
        filled = [index for index, row in enumerate(rows) if re.search(r"[▀▄█▌▐▙▟▛▜▚▞▖▗▘▝]", row)]
        zero = next(index for index, row in enumerate(rows) if row.strip().startswith("0┤"))
        assert filled
        assert all(index <= zero if above else index >= zero for index in filled)


def test_latency_bars_carry_their_bounds() -> None:
    picture = latency_chart(common.feed(), 80, 22, None)
    assert "p50 12  p99 41  max 88" in picture
    assert [label for label in picture.split("\n")[-1].split() if label] == ["≤5", "≤10", "≤20", "≤50", "≤100"]


def test_candles_differ_without_colour_and_have_round_times() -> None:
    rising = candle_chart(with_candles(candle(1, 100, 200, 50, 150), candle(0, 150, 220, 140, 210)), 60, 20, None)
    falling = candle_chart(with_candles(candle(1, 200, 220, 50, 100), candle(0, 100, 110, 20, 30)), 60, 20, None)
    assert "║" in rising
    assert "┃" not in rising
    assert "┃" in falling
    assert "║" not in falling
    labels = candle_chart(common.pair(), 80, 20, None).split("\n")[-1].split()
    assert len(labels) >= 3
    assert all(int(label[3:]) % 5 == 0 for label in labels)


def test_one_price_for_ever_still_draws() -> None:
    flat = with_candles(*(candle(9 - index, 100, 100, 100, 100) for index in range(10)))
    assert len(candle_chart(flat, 60, 20, None).split("\n")) == 20
    points = tuple(replace(point, spread_bps=0.0, imbalance=0.0) for point in common.samples(count=10))
    still = replace(common.pair(), samples=points)
    assert len(spread_chart(still, 60, 20, None).split("\n")) == 20
    assert len(imbalance_chart(still, 60, 20, None).split("\n")) == 20
    one_each = replace(common.pair(), bids=((100, 5),), asks=((100, 5),))
    assert len(depth_chart(one_each, 60, 20, None).split("\n")) == 20


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"), [(0, 1, 4, [0, 0.5, 1]), (-1, 1, 4, [-1, -0.5, 0, 0.5, 1]), (3, 3, 4, [3])]
)
def test_round_ticks(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert _float_ticks(low, high, most) == pytest.approx(ticks)


def test_threads_do_not_mix_their_pictures() -> None:
    draw = drawings()
    expected = {name: one(60, 16, None) for name, one in draw.items()}
    wrong: list[str] = []

    def work(name: str) -> None:
        wrong.extend(name for _ in range(5) if draw[name](60, 16, None) != expected[name])

    threads = [threading.Thread(target=work, args=(name,)) for name in draw]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
