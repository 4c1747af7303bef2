"""The tape."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Print, Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, to_ascii
from kraken_tui.tui.draw.tape import draw_tape, tape_shape
from tests.tui import samples as common
from tests.tui.samples_charts import check_styles, picture, text_of

WIDTHS = [28, 31, 38, 44, 58, 64, 87, 110]


def filtered(view: PairView, tier: int) -> Picture:
    return replace(picture(view), tape_tier=tier)


def of_value(*dollars: int, side: Side = Side.BUY, live: bool = True) -> PairView:
    """A tape of BTC/USD whose prints have these values."""
    prints = tuple(
        Print(side, common.NOW - index, 9 - index, 640_000, 640_000, value * 10**9 // 640_000, value * 10**9, live=live)
        for index, value in enumerate(dollars)
    )
    return replace(common.pair(), prints=prints, last=640_000)


@pytest.mark.parametrize("symbol", common.SYMBOLS)
@pytest.mark.parametrize("width", WIDTHS)
def test_columns_stand_in_line(symbol: str, width: int) -> None:
    view = common.pair(symbol)
    assert view.spec is not None
    lines = draw_tape(picture(view), width, 30)
    rows = text_of(lines)
    check_styles(lines)
    assert all(len(row) <= width for row in rows)
    if "Too narrow" in "".join(rows):
        assert width < 32
        return
    assert len(rows) == 30
    digits = view.spec.price_precision
    end = rows[1].index("price") + 5
    for row, printed in zip(rows[2:], view.prints, strict=False):
        assert row[:end].split()[-1].replace(",", "") == f"{printed.last / 10**digits:.{digits}f}"
        assert row[8 if tape_shape(view, width).time == 0 else 12 :].lstrip()[0] == (
            "▲" if printed.side is Side.BUY else "▼"
        )
        if "value" in rows[1]:
            assert row[end : rows[1].index("value") + 5].strip()[-1].isalnum()


@pytest.mark.parametrize("symbol", common.SYMBOLS)
@pytest.mark.parametrize("width", WIDTHS)
def test_columns_do_not_depend_on_what_is_shown(symbol: str, width: int) -> None:
    """Watched for hours, with any prints, a column keeps its place."""
    view = common.pair(symbol)
    shapes = {tape_shape(replace(view, prints=view.prints[at : at + 3]), width) for at in range(20)}
    largest = replace(view.prints[0], qty=view.prints[0].qty * 10**6, turnover=view.prints[0].turnover * 10**6)
    shapes.add(tape_shape(replace(view, prints=(largest,)), width))
    assert len(shapes) == 1
    heads = {text_of(draw_tape(filtered(view, tier), width, 30))[1] for tier in range(5)}
    assert len(heads) == 1


def test_newest_first_with_side_size_price_and_value() -> None:
    view = common.pair()
    rows = text_of(draw_tape(picture(view), 44, 12))[2:]
    for row, printed in zip(rows, view.prints, strict=False):
        time, glyph, size, price, value = row.split()[:5]
        assert time.count(":") == 2
        assert glyph == ("▲" if printed.side is Side.BUY else "▼")
        assert price == f"{printed.last / 10:,.1f}"
        assert float(size) == pytest.approx(printed.qty / 10**8, abs=0.00005)
        assert float(value.replace(",", "")) == pytest.approx(printed.last * printed.qty / 10**9, abs=0.5)


def test_fills_of_one_order_are_one_row() -> None:
    value = 640_000 * 10**8 + 640_011 * 2 * 10**8
    swept = Print(Side.BUY, common.NOW, 1, 640_000, 640_011, 3 * 10**8, value, 5, 2)
    [row] = text_of(draw_tape(picture(replace(common.pair(), prints=(swept,))), 110, 12))[2:]
    assert row.split()[:8] == [
        "14:03:10.250", "▲", "3.0000", "64,001.1", "192,002", "×5", "64,000.73", "64,000.0"
    ]  # fmt: skip


def test_tiers_stand_out_without_colour() -> None:
    lines = draw_tape(picture(of_value(10, 2_000, 20_000, 70_000, 300_000)), 44, 10)[2:]
    sizes = [line[2][1] for line in lines]
    assert sizes == ["muted", "text", "bright", "!bright", "!bright/bid-faint"]
    bars = [sum(cell in "▏▎▍▌▋▊▉█" for cell in text) for text in text_of(lines)]
    assert bars[0] == 0
    assert bars == sorted(bars)
    assert bars[4] > bars[3] > bars[2]
    # The background reaches the edge.
    assert len(text_of(lines)[4]) == 44


def test_prints_of_the_snapshot_are_muted() -> None:
    lines = draw_tape(picture(of_value(10, 2_000, 300_000, live=False)), 44, 10)
    assert {key for line in lines[2:] for text, key in line if text.strip()} <= {"muted", "faint"}


@pytest.mark.parametrize(("tier", "name", "count"), [(0, "≥ 0", 5), (1, "≥ 1K USD", 4), (2, "≥ 10K USD", 3),
                                                     (3, "≥ 50K USD", 2), (4, "≥ 250K USD", 1)])  # fmt: skip
def test_the_filter_keeps_its_promise_and_is_said(tier: int, name: str, count: int) -> None:
    lines = text_of(draw_tape(filtered(of_value(300_000, 999, 2_000, 10_000, 50_000), tier), 60, 30))
    assert name in lines[0]
    assert len(lines) - 2 == count


def test_nothing_left_by_the_filter_is_said() -> None:
    rows = text_of(draw_tape(filtered(of_value(10), 4), 60, 30))
    assert rows[2] == f"No print of ≥ 250K USD among the last {len(common.pair().tape)} trades"


def title(view: PairView, width: int, tier: int = 0) -> tuple[str, Line]:
    line = draw_tape(filtered(view, tier), width, 10)[0]
    return "".join(text for text, _ in line), line


@pytest.mark.parametrize(
    ("recent", "text", "key"),
    [(10**9 * 1_234_000, "+1.23M", "bid"), (-(10**9) * 66_200, "-66.2K", "ask"), (0, "+0", "muted")],
)
def test_the_delta_of_the_last_minute_is_in_the_heading(recent: int, text: str, key: str) -> None:
    view = common.pair()
    assert view.session is not None
    view = replace(view, session=replace(view.session, recent=recent))
    said, line = title(view, 60)
    assert f"delta 60 s {text} USD" in " ".join(said.split())
    assert any(style == key and text in run for run, style in line)
    for width in range(10, 61):
        said, _ = title(view, width, 4)
        assert len(said) <= max(width, 8)
        assert "delta" in said or text not in said
    assert f"delta {text}" in " ".join(title(view, 31, 4)[0].split())


def test_without_a_trade_since_the_start_there_is_no_delta() -> None:
    assert "delta" not in title(replace(common.pair(), session=None), 60)[0]


def test_a_pair_whose_tiers_are_not_known_has_neither_bars_nor_a_filter() -> None:
    lines = text_of(draw_tape(filtered(replace(common.pair("ETH/BTC"), tiers=()), 3), 60, 10))
    assert "≥ 0" in lines[0]
    assert not any("█" in row or "▏" in row for row in lines)
    assert len(lines) == 10


def test_no_trades_and_stale_are_said() -> None:
    assert "No trade yet" in "".join(text_of(draw_tape(picture(replace(common.pair(), prints=())), 30, 10)))
    assert "STALE" in text_of(draw_tape(picture(common.stale()), 44, 10))[0]


def test_every_character_has_one_in_ascii() -> None:
    text = "".join(text_of(to_ascii(draw_tape(picture(ascii_only=True), 110, 20))))
    assert text.isascii()
    assert "?" not in text
