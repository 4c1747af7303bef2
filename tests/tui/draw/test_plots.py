"""Charts of depth, spread, imbalance and latency: sizes, baselines, steps, what is unknown."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.views import LatencyView, PairView, Sample
from kraken_tui.tui.draw.ansi import ansi_text
from kraken_tui.tui.draw.format import signed
from kraken_tui.tui.draw.plots import (
    _cumulative,
    axis_for,
    candle_chart,
    depth_chart,
    history_of,
    imbalance_chart,
    latency_chart,
    spread_chart,
)
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.themes import PALETTES
from tests.tui import samples as common
from tests.tui.samples_charts import candle, check_styles, text_of, with_candles

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
S = common.SECOND
START = common.NOW // (60 * S) * 60 * S

Draw = Callable[[int, int], list[Line]]


def drawings(symbol: str = "BTC/USD") -> dict[str, Draw]:
    view, feed = common.pair(symbol), common.feed()
    return {
        "depth": lambda width, height: depth_chart(view, width, height),
        "spread": lambda width, height: spread_chart(view, width, height),
        "imbalance": lambda width, height: imbalance_chart(view, width, height),
        "latency": lambda width, height: latency_chart(feed, width, height),
        "candles": lambda width, height: candle_chart(view, width, height),
    }


def with_spreads(*ranges: tuple[float, float]) -> PairView:
    """A second each, with the narrowest and the widest spread of it."""
    points = tuple(
        Sample(START + index * S, 1_285_000, high, 0.0, low, high) for index, (low, high) in enumerate(ranges)
    )
    return replace(common.pair(), samples=points)


def test_plotext_is_not_imported_with_the_module() -> None:
    code = "import sys, kraken_tui.tui.draw.plots, kraken_tui.tui.panes.charts; sys.exit('plotext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


@pytest.mark.parametrize("name", sorted(drawings()))
@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD"])
def test_pictures_have_the_exact_size(name: str, symbol: str) -> None:
    draw = drawings(symbol)[name]
    for width, height in ((79, 21), (80, 22), (24, 7), (160, 44), (40, 12)):
        lines = draw(width, height)
        assert len(lines) == height
        assert {len(row) for row in text_of(lines) if row} == {width}
        check_styles(lines)


@pytest.mark.parametrize("draw", [depth_chart, spread_chart, imbalance_chart])
def test_ascii_terminals_get_ascii(draw: Callable[..., list[Line]]) -> None:
    plain = text_of(draw(common.pair(), 80, 22, ascii_only=True))[1:]
    assert set("".join(plain)) & set("#")
    assert not set("".join(plain)) & set("█▀▄▐▌░▅▆▇▃▂")


def test_text_has_the_palette_s_colours_or_none() -> None:
    for draw in drawings().values():
        lines = draw(80, 22)
        plain = ansi_text(lines, None)
        assert "\x1b" not in plain
        assert [len(row) for row in plain.split("\n")] == [len(row) for row in text_of(lines)]
        truecolour, sixteen = ansi_text(lines, PALETTES["light"]), ansi_text(lines, PALETTES["terminal"])
        muted = PALETTES["light"].colours["muted"]
        assert "\x1b[38;2;{};{};{}m".format(*(int(muted[place : place + 2], 16) for place in (1, 3, 5))) in truecolour
        assert "\x1b[38;2;" not in sixteen
        assert "\x1b[38;5;" in sixteen
        assert ESCAPE.sub("", truecolour) == ESCAPE.sub("", sixteen) == "\n".join(text_of(lines))


def test_text_keeps_bold_reverse_and_grounds() -> None:
    line = (("a", "!rise"), ("b", "~bid-bar"), ("c", "fall/rise"), (" ", "text"))
    assert ansi_text([line], PALETTES["terminal"]) == (
        "\x1b[38;5;2;1ma\x1b[0m\x1b[38;5;2;7mb\x1b[0m\x1b[38;5;9;48;5;2mc\x1b[0m "
    )


def test_nothing_to_draw_is_said() -> None:
    for lines in (
        depth_chart(None, 80, 22),
        depth_chart(common.empty(), 80, 22),
        spread_chart(None, 80, 22),
        imbalance_chart(replace(common.pair(), samples=()), 80, 22),
        latency_chart(common.feed(latency=LatencyView()), 80, 22),
        candle_chart(None, 80, 22),
        depth_chart(common.pair(), 20, 5),
    ):
        words = " ".join("".join(text_of(lines)[1:]).split())
        assert re.fullmatch(r"[A-Z][A-Za-z :]+", words), words


def test_depth_sums_are_exact() -> None:
    asks = ((101, 5), (103, 7), (110, 1))
    assert _cumulative(asks, 1, [100, 101, 102, 103, 109, 110]) == [0, 5, 5, 12, 12, 13]
    bids = ((99, 2), (90, 8))
    assert _cumulative(bids, -1, [100, 99, 95, 90, 80]) == [0, 2, 2, 10, 10]


def heights(lines: list[Line], columns: int) -> list[int]:
    """Filled rows of each column, from the bottom row of the plot up to the first blank."""
    rows = text_of(lines)[1:-1]
    found = []
    for x in range(columns):
        height = 0
        for row in reversed(rows):
            if not row or row[x] not in "█▀▄▌▐▙▟▛▜▚▞▖▗▘▝":
                break
            height += 1
        found.append(height)
    return found


def test_depth_is_a_valley_with_the_mid_marked_and_named() -> None:
    lines = depth_chart(common.pair(), 80, 22)
    columns = text_of(lines)[3].rindex(" ", 0, 79)
    found = heights(lines, columns)
    middle = next(x for x, (text) in enumerate(text_of(lines)[2]) if text == "│")
    left, right = found[:middle], found[middle + 1 :]
    tops = [height for height in left if height]
    assert tops == sorted(tops, reverse=True)
    tops = [height for height in right if height]
    assert tops == sorted(tops)
    assert "mid 64,250.05" in text_of(lines)[0]


def test_depth_ends_where_the_book_is_known_no_further() -> None:
    view = replace(common.pair(), bids=((1000, 5), (999, 5)), asks=((1001, 5), (1101, 5)))
    lines = depth_chart(view, 80, 22)
    found = heights(lines, 72)
    assert not any(found[:34]), "bids are known to 99.9 only"
    assert all(found[38:70])


def test_an_unproven_book_loses_its_colours_and_says_why() -> None:
    keys = {key for line in depth_chart(common.pair(), 80, 22) for _, key in line}
    assert {"bid-bar", "ask-bar"} <= keys
    for view, word in ((common.unverified(), "UNVERIFIED"), (common.checking(), "CHECKING"), (common.stale(), "STALE")):
        lines = depth_chart(view, 80, 22)
        assert not {"bid-bar", "ask-bar"} & {key for line in lines for _, key in line}
        assert word in text_of(lines)[0]
        for chart in (spread_chart, imbalance_chart):
            title = text_of(chart(view, 80, 22))[0]
            assert word in title
            assert "now" not in title


def test_spread_says_its_widest_and_narrowest_that_of_this_moment_included() -> None:
    view = with_spreads((0.5, 3), (1, 7), (1, 2))
    assert "widest 7.00  narrowest 0.02" in text_of(spread_chart(view, 80, 22))[0]
    assert view.metrics is not None
    wide = replace(view, metrics=replace(view.metrics, spread_bps=9.0))
    lines = spread_chart(wide, 80, 22)
    assert "widest 9.00  narrowest 0.50" in text_of(lines)[0], "never narrower than the header's"
    newest = [row[73] for row in text_of(lines)[1:-1]]
    assert newest.count("█") > 10, "the newest column reaches from its narrowest to this moment's"
    unproven = replace(common.unverified(), samples=view.samples)
    assert "widest 7.00  narrowest 0.50" in text_of(spread_chart(unproven, 100, 22))[0]


def test_imbalance_tells_the_figure_of_this_very_picture() -> None:
    view = common.pair()
    assert view.metrics is not None
    title = text_of(imbalance_chart(view, 80, 22))[0]
    assert f"now {signed(view.metrics.imbalance)}  10 levels" in title


def test_plain_text_keeps_the_ends_of_bars_that_hang() -> None:
    view = common.pair()
    points = tuple(replace(point, imbalance=-0.45) for point in view.samples)
    lines = imbalance_chart(replace(view, samples=points), 60, 22)
    # 4.5 of the ten rows below zero.
    rows = ansi_text(lines, None).split("\n")
    assert [row[50] for row in rows[11:17]] == ["█", "█", "█", "█", "▀", " "]


def test_spread_draws_both_extremes_of_a_column_and_no_slope() -> None:
    view = replace(with_spreads((1, 1), (1, 4), (4, 4), (2, 2)), metrics=None)
    lines = spread_chart(view, 60, 22)
    rows = text_of(lines)[1:-1]
    assert len(rows) == 20
    # Top 4: five rows to a basis point. Columns stand at the right end of 54.
    columns = ["".join(row[x] for row in rows) for x in range(50, 54)]
    assert columns[0].replace("▁", " ") == " " * 15 + "▇" * 0 + columns[0][15] + "░" * 4
    assert columns[1] == "█" * 15 + "░" * 5
    assert columns[2][0] != " "
    assert set(columns[2][1:]) == {"░"}
    assert set(columns[3][:10]) <= set(" ▁")
    assert set(columns[3][11:]) == {"░"}
    assert [text for text, key in lines[2][:3] if key == "accent"], "the extremes are drawn in the accent"


def test_a_second_without_a_sample_is_covered_and_longer_is_unknown() -> None:
    points = with_spreads(*[(1, 2)] * 20).samples
    covered = history_of(points[:5] + points[6:], 50, lambda s: (s.narrowest, s.widest, s.spread_bps))
    assert None not in covered.columns
    broken = history_of(points[:5] + points[12:], 50, lambda s: (s.narrowest, s.widest, s.spread_bps))
    assert [index for index, column in enumerate(broken.columns) if column is None] == [5, 6, 7, 8, 9, 10, 11]
    view = replace(common.pair(), samples=points[:5] + points[12:])
    for chart in (spread_chart, imbalance_chart):
        assert "╱╱╱╱╱╱╱" in "\n".join(text_of(chart(view, 80, 22)))


@given(st.integers(2, 600), st.integers(8, 200))
def test_history_columns_hold_still(count: int, most: int) -> None:
    points = with_spreads(*[(index % 7, index % 7 + 1) for index in range(count)]).samples
    before = history_of(points[:-1], most, lambda s: (s.narrowest, s.widest, s.spread_bps))
    after = history_of(points, most, lambda s: (s.narrowest, s.widest, s.spread_bps))
    assert len(after.columns) <= most
    assert (after.end_s - points[-1].ns // S) in range(1, after.seconds + 1)
    if before.seconds == after.seconds:
        moved = (after.end_s - before.end_s) // after.seconds
        assert moved in (0, 1)
        kept = after.columns[: len(after.columns) - moved] if moved else after.columns
        old = before.columns[-len(kept) :]
        assert old[:-1][-len(kept) + 1 :] == kept[:-1][-len(old) + 1 :] or len(kept) < 2


def test_imbalance_has_bids_above_zero_and_asks_below() -> None:
    view = common.pair()
    for value, above in ((0.8, True), (-0.8, False)):
        points = tuple(replace(point, imbalance=value) for point in view.samples)
        lines = imbalance_chart(replace(view, samples=points), 80, 23)
        rows = text_of(lines)
        zero = next(index for index, row in enumerate(rows) if row.endswith(" 0"))
        key = "bid" if above else "ask"
        filled = [index for index, line in enumerate(lines) if any(k.lstrip("~") == key for _, k in line)]
        assert filled
        assert all(index <= zero for index in filled) if above else all(index > zero for index in filled)
        # 0.8 of ten rows.
        assert len(filled) == 8


def test_latency_bars_stand_on_zero_and_carry_their_bounds() -> None:
    rows = text_of(latency_chart(common.feed(), 80, 22))
    assert "p50 12  p99 41  max 88" in rows[0]
    assert rows[-2].rstrip().endswith(" 0")
    assert "█" in rows[-2]
    assert rows[-1].split() == ["≤5", "≤10", "≤20", "≤50", "≤100"]


def test_candles_of_plot_are_those_of_the_screen() -> None:
    rising = text_of(candle_chart(with_candles(candle(1, 100, 200, 50, 150), candle(0, 150, 220, 140, 210)), 120, 20))
    falling = text_of(candle_chart(with_candles(candle(1, 200, 220, 50, 100), candle(0, 100, 110, 20, 30)), 120, 20))
    assert "▌▐" in "\n".join(rising[2:15])
    assert "██" not in "\n".join(rising[2:15])
    assert "██" in "\n".join(falling[2:15])
    assert rising[0].startswith("─ BTC/USD candles 1m ")


def test_one_price_for_ever_still_draws() -> None:
    flat = with_candles(*(candle(9 - index, 100, 100, 100, 100) for index in range(10)))
    assert len(candle_chart(flat, 60, 20)) == 20
    points = tuple(replace(point, spread_bps=0.0, imbalance=0.0) for point in common.samples(count=10))
    still = replace(common.pair(), samples=points)
    assert len(spread_chart(still, 60, 20)) == 20
    assert len(imbalance_chart(still, 60, 20)) == 20
    one_each = replace(common.pair(), bids=((100, 5),), asks=((100, 5),))
    assert len(depth_chart(one_each, 60, 20)) == 20


@given(st.floats(1e-6, 1e12), st.integers(1, 80))
def test_axes_hold_their_values_on_round_steps_of_whole_rows(largest: float, rows: int) -> None:
    axis = axis_for(largest, rows)
    assert axis.top >= largest * 0.999_999
    assert 1 <= axis.rows <= rows
    mantissa = float(f"{axis.step:.6e}".split("e")[0])
    assert rows < 2 or axis.count == 1 or mantissa in (1, 2, 5)
    assert axis.eighths(axis.top) == 8 * axis.rows
    assert axis.eighths(0) == 0
    if rows >= 12:
        assert axis.count >= 2
        assert axis.eighths(largest) >= 8 * rows * 0.45


def test_threads_do_not_mix_their_pictures() -> None:
    draw = drawings()
    expected = {name: one(60, 16) for name, one in draw.items()}
    wrong: list[str] = []

    def work(name: str) -> None:
        wrong.extend(name for _ in range(5) if draw[name](60, 16) != expected[name])

    threads = [threading.Thread(target=work, args=(name,)) for name in draw]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
