"""Flow events."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import FlowEvent, FlowKind, Side
from kraken_tui.tui.draw.flow import draw_flow
from kraken_tui.tui.draw.format import price
from kraken_tui.tui.draw.runs import to_ascii
from tests.tui import samples as common
from tests.tui.samples_charts import check_styles, picture, text_of


def event(kind: FlowKind, side: Side, levels: int = 0) -> FlowEvent:
    return FlowEvent("BTC/USD", common.NOW, kind, side, 642_501, 250_000_000, levels)


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (event(FlowKind.WALL, Side.BUY), "wall 2.50 @ 64,250.1 bid"),
        (event(FlowKind.PULLED, Side.SELL), "pulled 2.50 @ 64,250.1 ask"),
        (event(FlowKind.SWEEP, Side.BUY, 6), "sweep 2.50 @ 64,250.1 ▲ 6 lv"),
        (event(FlowKind.LARGE, Side.SELL), "large 2.50 @ 64,250.1 ▼ sell"),
        (event(FlowKind.FILLED, Side.BUY), "filled 2.50 @ 64,250.1 bid"),
    ],
)
def test_each_kind_says_what_happened(flow: FlowEvent, words: str) -> None:
    rows = text_of(draw_flow(picture(replace(common.pair(), flow=(flow,))), 60, 10))
    assert " ".join(rows[2].split()) == f"14:03:10.250 {words}"


@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD", "DOGE/USD"])
@pytest.mark.parametrize("width", [40, 46, 70])
def test_columns_stand_in_line(symbol: str, width: int) -> None:
    lines = draw_flow(picture(common.pair(symbol)), width, 20)
    rows = text_of(lines)
    check_styles(lines)
    assert len({row.rindex(".") for row in rows[2:]}) == 1
    assert len({len(row) for row in rows[2:]}) <= 3
    times = [row.split()[0] for row in rows[2:] if ":" in row]
    assert times or width < 46
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/BTC", "PEPE/USD", "DOGE/USD"])
@pytest.mark.parametrize("width", [1, 12, 20, 26, 28, 30, 32, 34, 38, 42, 60])
def test_a_price_is_never_cut(symbol: str, width: int) -> None:
    view = common.pair(symbol)
    assert view.spec is not None
    rows = text_of(draw_flow(picture(view), width, 20))
    prices = [price(event.price, view.spec.price_precision) for event in view.flow]
    if "event" in "".join(rows[1:2]):
        assert all(text in row[:width] for text, row in zip(prices, rows[2:], strict=False))
        assert not any("<1" in row for row in rows)
    else:
        assert not any(text[:4] in row for text, row in zip(prices, rows[2:], strict=False))


def test_no_more_rows_than_fit() -> None:
    assert len(draw_flow(picture(), 46, 5)) == 5
    assert len(draw_flow(picture(), 46, 2)) == 2


def test_nothing_yet_is_said() -> None:
    assert "Nothing remarkable yet" in "".join(text_of(draw_flow(picture(replace(common.pair(), flow=())), 46, 9)))


def test_every_character_has_one_in_ascii() -> None:
    text = "".join(text_of(to_ascii(draw_flow(picture(), 58, 20))))
    assert text.isascii()
    assert "?" not in text
