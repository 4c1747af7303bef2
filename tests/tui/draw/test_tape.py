"""The tape."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Side
from kraken_tui.tui.draw.runs import to_ascii
from kraken_tui.tui.draw.tape import draw_tape
from tests.tui import samples as common
from tests.tui.samples_charts import check_styles, picture, text_of


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/BTC", "DOGE/USD", "PEPE/USD"])
@pytest.mark.parametrize("width", [28, 30, 40, 58, 90])
def test_columns_stand_in_line(symbol: str, width: int) -> None:
    lines = draw_tape(picture(common.pair(symbol)), width, 30)
    rows = text_of(lines)
    check_styles(lines)
    assert len(rows) == 30
    assert all(len(row) <= width for row in rows)
    assert {row.index("▲" if "▲" in row else "▼") for row in rows[2:]} == {
        rows[1].index("time") + (13 if width >= 38 else 9)
    }
    price_end = rows[1].index("price") + 5
    for row, trade in zip(rows[2:], common.trades(symbol), strict=False):
        digits = common.spec_of(symbol).price_precision
        text = row[:price_end].split()[-1].replace(",", "")
        assert text == f"{trade.price / 10**digits:.{digits}f}"


def test_newest_first_with_side_size_and_price() -> None:
    view = common.pair()
    rows = text_of(draw_tape(picture(view), 44, 12))[2:]
    for row, trade in zip(rows, view.tape, strict=False):
        time, glyph, size, price = row.split()
        assert time.count(":") == 2
        assert len(time) == 12
        assert glyph == ("▲" if trade.side is Side.BUY else "▼")
        assert price == f"{trade.price / 10:,.1f}"
        assert float(size) == pytest.approx(trade.qty / 10**8, rel=0.005)


def test_value_column_is_price_times_size() -> None:
    view = common.pair()
    row = text_of(draw_tape(picture(view), 58, 12))[2]
    value = float(row.split()[-1].replace(",", ""))
    assert value == pytest.approx(view.tape[0].price * view.tape[0].qty / 10**9, rel=0.005)


def test_large_trades_stand_out_without_colour() -> None:
    base = common.trades(count=3)
    tape = tuple(replace(trade, qty=qty) for trade, qty in zip(base, (10, 25, 100), strict=True))
    lines = draw_tape(picture(replace(common.pair(), tape=tape, large_lots=100)), 30, 10)
    keys = [{key for text, key in line if text.strip()} for line in lines[2:]]
    assert not any(key.startswith("!") for key in keys[0])
    assert "!bright" in keys[1]
    assert all("/" in key for key in keys[2])
    assert any(key.startswith("!bright") for key in keys[2])
    # The background reaches the edge.
    assert len(text_of(lines)[4]) == 30


def test_snapshot_trades_are_muted() -> None:
    tape = tuple(replace(trade, live=False, qty=10**12) for trade in common.trades(count=3))
    lines = draw_tape(picture(replace(common.pair(), tape=tape)), 30, 10)
    assert {key for line in lines[2:] for text, key in line if text.strip()} <= {"muted", "faint"}


def test_minimum_filters_and_is_said() -> None:
    view = common.pair()
    minimum = sorted(trade.qty for trade in view.tape)[len(view.tape) // 2]
    lines = draw_tape(picture(view), 60, 100, minimum)
    assert len(lines) - 2 == sum(trade.qty >= minimum for trade in view.tape)
    title = text_of(lines)[0]
    assert "≥" in title
    lines = draw_tape(picture(view), 60, 30, 10**15)
    assert "No trade of ≥ 10,000,000 BTC" in text_of(lines)[2]


def test_filter_does_not_move_the_columns() -> None:
    view = common.pair()
    few, many = (text_of(draw_tape(picture(view), 44, 30, m))[1] for m in (0, 50_000_000))
    assert few == many


def test_no_trades_and_stale_are_said() -> None:
    assert "No trade yet" in "".join(text_of(draw_tape(picture(replace(common.pair(), tape=())), 30, 10)))
    assert "STALE" in text_of(draw_tape(picture(common.stale()), 30, 10))[0]


def test_every_character_has_one_in_ascii() -> None:
    text = "".join(text_of(to_ascii(draw_tape(picture(), 58, 20))))
    assert text.isascii()
    assert "?" not in text
