"""Flow events."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import FlowEvent, FlowKind, Side
from kraken_tui.tui.draw.flow import draw_flow, flow_shape
from kraken_tui.tui.draw.format import price
from kraken_tui.tui.draw.runs import to_ascii
from tests.tui import samples as common
from tests.tui.samples_charts import check_styles, picture, text_of


def event(kind: FlowKind, side: Side, **more: int) -> FlowEvent:
    return FlowEvent("BTC/USD", common.NOW, kind, side, 642_501, 250_000_000, turnover=642_501 * 250_000_000, **more)


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (event(FlowKind.WALL, Side.BUY), "wall bid 2.5000 64,250.1 160,625"),
        (event(FlowKind.MOVED, Side.SELL, origin=642_491), "moved ask 2.5000 64,250.1 160,625 from 64,249.1"),
        (event(FlowKind.PULLED, Side.SELL), "pulled ask 2.5000 64,250.1 160,625"),
        (
            event(FlowKind.SWEEP, Side.BUY, levels=6, fills=9, origin=642_401),
            "sweep buy 2.5000 64,250.1 160,625 from 64,240.1, 6 levels, 9 fills, average 64,250.10",
        ),
        (event(FlowKind.LARGE, Side.SELL, fills=1, origin=642_501), "large sell 2.5000 64,250.1 160,625"),
        (event(FlowKind.FILLED, Side.BUY), "filled bid 2.5000 64,250.1 160,625"),
    ],
)
def test_each_kind_says_what_happened(flow: FlowEvent, words: str) -> None:
    rows = text_of(draw_flow(picture(replace(common.pair(), flow=(flow,))), 110, 10))
    assert " ".join(rows[2].split()) == f"14:03:10.250 {words}"


@pytest.mark.parametrize("symbol", common.SYMBOLS)
@pytest.mark.parametrize("width", [34, 38, 46, 60, 70, 110])
def test_columns_stand_in_line(symbol: str, width: int) -> None:
    lines = draw_flow(picture(common.pair(symbol)), width, 10)
    rows = text_of(lines)
    check_styles(lines)
    if "event" not in rows[1]:
        assert width < 38
        return
    shape = flow_shape(common.pair(symbol), width)
    assert shape is not None
    at = 0 if shape.time is None else 13 if shape.time else 9
    assert {row[at:].split()[0] for row in rows[2:]} <= {kind.value for kind in FlowKind}
    assert {row[at + 7 :].split()[0] for row in rows[2:]} <= {"bid", "ask", "buy", "sell"}
    times = [row.split()[0] for row in rows[2:] if shape.time is not None]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("symbol", common.SYMBOLS)
@pytest.mark.parametrize("width", [20, 31, 38, 46, 60, 110])
def test_columns_never_change_form_while_watched(symbol: str, width: int) -> None:
    view = common.pair(symbol)
    shapes = {flow_shape(replace(view, flow=view.flow[at : at + 2]), width) for at in range(len(view.flow))}
    huge = replace(view.flow[0], qty=10**9 * view.flow[0].qty)
    shapes |= {flow_shape(replace(view, flow=()), width), flow_shape(replace(view, flow=(huge,)), width)}
    assert len(shapes) == 1


@pytest.mark.parametrize("symbol", common.SYMBOLS)
@pytest.mark.parametrize("width", [1, 12, 20, 26, 28, 30, 32, 34, 38, 42, 60])
def test_a_price_is_never_cut(symbol: str, width: int) -> None:
    view = common.pair(symbol)
    assert view.spec is not None
    rows = text_of(draw_flow(picture(view), width, 10))
    prices = [price(event.price, view.spec.price_precision) for event in view.flow]
    if "event" in "".join(rows[1:2]):
        assert all(text in row[:width] for text, row in zip(prices, rows[2:], strict=False))
        assert all(len(row) <= width for row in rows)
    else:
        assert not any(text[:4] in row for text, row in zip(prices, rows[2:], strict=False))


@pytest.mark.parametrize("width", [60, 70, 80, 90])
def test_details_are_whole_pieces(width: int) -> None:
    swept = event(FlowKind.SWEEP, Side.BUY, levels=6, fills=9, origin=642_401)
    row = text_of(draw_flow(picture(replace(common.pair(), flow=(swept,))), width, 10))[2]
    detail = row.partition("160,625")[2].strip()
    whole = ["from 64,240.1", "6 levels", "9 fills", "average 64,250.10"]
    assert detail == ", ".join(whole[: detail.count(",") - detail.count("64,") + 1]) or not detail


def test_no_more_rows_than_fit() -> None:
    assert len(draw_flow(picture(), 46, 5)) == 5
    assert len(draw_flow(picture(), 46, 2)) == 2
    for height in range(3, 40):
        assert len(draw_flow(picture(), 60, height)) <= height


def test_nothing_yet_is_said() -> None:
    assert "Nothing remarkable yet" in "".join(text_of(draw_flow(picture(replace(common.pair(), flow=())), 46, 9)))


def test_the_heading_says_from_which_size_an_order_is_large() -> None:
    view = common.pair()
    for flow in ((), view.flow):
        lines = text_of(draw_flow(picture(replace(view, large_lots=250_000_000, flow=flow)), 60, 10))
        assert "large ≥ 2.5 BTC" in lines[0]
    assert "large" not in text_of(draw_flow(picture(replace(view, large_lots=0)), 60, 10))[0]


def test_the_session_stands_below_where_there_is_room() -> None:
    view = common.pair()
    session = view.session
    assert session is not None
    rows = text_of(draw_flow(picture(view), 90, 30))
    assert len(rows) == 30
    assert "Session" in rows[24]
    text = [" ".join(row.split()) for row in rows[25:]]
    assert text[0].startswith(f"trades {session.trades} prints {session.prints} VWAP 64,")
    assert text[1].startswith(f"▲ bought {session.bought / 10**8:.4f} BTC {session.bought_for / 10**9:,.0f} USD")
    assert text[2].startswith(f"▼ sold {session.sold / 10**8:.4f} BTC {session.sold_for / 10**9:,.0f} USD")
    assert text[3].startswith(f"CVD {'+' if session.cvd >= 0 else '-'}")
    assert "delta 60 s" in text[3]
    assert text[4].startswith("largest ")
    assert "CVD" in text_of(draw_flow(picture(view), 60, 12))[-1]
    assert not any("CVD" in row for row in text_of(draw_flow(picture(view), 60, 10)))


def test_a_session_without_trades_says_so() -> None:
    rows = text_of(draw_flow(picture(replace(common.pair(), session=None)), 90, 30))
    assert "no trade since the start" in rows[25]
    assert len(rows) == 30


@pytest.mark.parametrize("symbol", common.SYMBOLS)
@pytest.mark.parametrize("width", [24, 38, 46, 70, 110])
@pytest.mark.parametrize("height", [12, 30])
def test_the_session_fits_any_width(symbol: str, width: int, height: int) -> None:
    lines = draw_flow(picture(common.pair(symbol)), width, height)
    check_styles(lines)
    assert all(len(row) <= width for row in text_of(lines))


def test_every_character_has_one_in_ascii() -> None:
    text = "".join(text_of(to_ascii(draw_flow(picture(), 110, 40))))
    assert text.isascii()
    assert "?" not in text


@pytest.mark.parametrize("symbol", common.SYMBOLS)
def test_the_time_of_an_event_is_seen_in_the_narrowest_place_of_the_desk(symbol: str) -> None:
    view = common.pair(symbol)
    shape = flow_shape(view, 38)
    assert shape is not None
    assert shape.time == 0
    rows = text_of(draw_flow(picture(view), 38, 10))
    assert all(len(row.rstrip()) <= 38 for row in rows)
    assert all(row[2] == ":" and row[5] == ":" for row in rows[2:] if row.strip())
