from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.errors import InvalidMessage, InvalidNumber
from kraken_tui.market.convert import (
    candle_from_wire,
    candles_from_rest,
    decimal_of,
    rescale,
    signed_text,
    ticker_from_wire,
    to_nearest_units,
    trade_from_wire,
    trades_from_rest,
)
from kraken_tui.market.events import Candle, Side, Trade
from kraken_tui.market.views import Ticker
from kraken_tui.wire.messages import OhlcData, TickerData, TradeData
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("MATIC/USD", "MATIC", "USD", 4, 8)
BEGIN_S = 1_696_436_700


def wire_trade(**changes: Any) -> TradeData:
    fields = {
        "symbol": "MATIC/USD",
        "side": "sell",
        "price": "0.5117",
        "qty": "40.00000000",
        "trade_id": 4665906,
        "timestamp": "2023-09-25T07:49:37.708706Z",
        "ord_type": "market",
    }
    return TradeData(**{**fields, **changes})


def wire_candle(**changes: Any) -> OhlcData:
    fields = {
        "symbol": "MATIC/USD",
        "open": "0.5624",
        "high": "0.5628",
        "low": "0.5622",
        "close": "0.5627",
        "volume": "30927.68066226",
        "interval_begin": "2023-10-04T16:25:00.000000000Z",
        "interval": 5,
        "vwap": "0.56261",
        "trades": 12,
    }
    return OhlcData(**{**fields, **changes})


class TestTrade:
    def test_worked_example(self) -> None:
        assert trade_from_wire(wire_trade(), SPEC, live=True) == Trade(
            "MATIC/USD",
            Side.SELL,
            5117,
            4_000_000_000,
            "market",
            4665906,
            "2023-09-25T07:49:37.708706Z",
            1_695_628_177_708_706_000,
            True,
        )
        assert not trade_from_wire(wire_trade(), SPEC, live=False).live

    def test_order_type_is_cleaned(self) -> None:
        assert "\x1b" not in trade_from_wire(wire_trade(ord_type="\x1b[2J"), SPEC, live=True).ord_type

    @pytest.mark.parametrize("changes", [{"side": "both"}, {"side": "BUY"}, {"timestamp": "yesterday"}])
    def test_refused_messages(self, changes: dict[str, str]) -> None:
        with pytest.raises(InvalidMessage):
            trade_from_wire(wire_trade(**changes), SPEC, live=True)

    @pytest.mark.parametrize(
        "changes", [{"price": "0.0"}, {"price": "0.00001"}, {"price": None}, {"qty": "-1"}, {"qty": "NaN"}]
    )
    def test_refused_numbers(self, changes: dict[str, object]) -> None:
        with pytest.raises(InvalidNumber):
            trade_from_wire(wire_trade(**changes), SPEC, live=True)

    @pytest.mark.parametrize(
        ("price", "ticks"), [("0.51171", 5117), ("0.51175", 5118), ("0.51165", 5116), ("0.5", 5000)]
    )
    def test_a_price_from_before_the_precision_was_reduced_is_rounded_as_by_rest(self, price: str, ticks: int) -> None:
        trade = trade_from_wire(wire_trade(price=price, qty="1.123456789"), SPEC, live=False)
        assert (trade.price, trade.qty) == (ticks, 112_345_679)
        row = [price, "1.123456789", "1695628177.7", "s", "l", "", 4665906]
        rest = trades_from_rest([row], SPEC)[0]
        assert (rest.price, rest.qty) == (trade.price, trade.qty)


class TestCandle:
    def test_worked_example(self) -> None:
        candle = candle_from_wire(wire_candle(), SPEC)
        lots = 3_092_768_066_226
        assert candle == Candle(BEGIN_S, 5, 5624, 5628, 5622, 5627, lots, round(Decimal("5626.1") * lots), 12)
        assert candle.vwap == pytest.approx(5626.1)

    def test_prices_from_before_the_precision_was_reduced_are_rounded_in_their_order(self) -> None:
        candle = candle_from_wire(wire_candle(open="0.56241", high="0.56275", low="0.562249", close="0.56275"), SPEC)
        assert (candle.open, candle.high, candle.low, candle.close) == (5624, 5628, 5622, 5628)

    def test_without_vwap_the_close_stands_in(self) -> None:
        candle = candle_from_wire(wire_candle(vwap=None), SPEC)
        assert candle.turnover == 5627 * candle.volume

    def test_an_empty_minute(self) -> None:
        candle = candle_from_wire(
            wire_candle(open="0.5627", high="0.5627", low="0.5627", volume="0.0", vwap="0.0", trades=0), SPEC
        )
        assert (candle.volume, candle.turnover, candle.vwap) == (0, 0, None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"high": "0.5600"},
            {"low": "0.5626"},
            {"open": "0.0", "low": "0.0"},
            {"interval": 0},
            {"trades": -1},
            {"interval_begin": "2023-10-04T16:25:30Z"},
            {"interval_begin": "soon"},
        ],
    )
    def test_impossible(self, changes: dict[str, object]) -> None:
        with pytest.raises(InvalidMessage):
            candle_from_wire(wire_candle(**changes), SPEC)

    def test_refused_numbers(self) -> None:
        with pytest.raises(InvalidNumber):
            candle_from_wire(wire_candle(close="inf"), SPEC)


class TestTicker:
    def test_worked_example(self) -> None:
        data = TickerData(
            "ALGO/USD",
            bid="0.10025",
            ask="0.10036",
            last="0.10035",
            volume="997038.98383185",
            vwap="0.101485",
            low="0.09979",
            high="0.10285",
            change="-0.00017",
            change_pct="-0.17",
        )
        assert ticker_from_wire(data, PairSpec("ALGO/USD", "ALGO", "USD", 5, 8)) == Ticker(
            last=10035,
            change="-0.00017",
            change_pct="-0.17",
            high=10285,
            low=9979,
            volume=99_703_898_383_185,
            vwap=10148,
            bid=10025,
            ask=10036,
        )

    def test_absent_fields(self) -> None:
        assert ticker_from_wire(TickerData("A/B"), SPEC) == Ticker()

    @pytest.mark.parametrize("field", ["last", "change", "change_pct", "volume"])
    def test_refused(self, field: str) -> None:
        with pytest.raises(InvalidNumber):
            ticker_from_wire(TickerData("A/B", **{field: "NaN"}), SPEC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("-0.17", "-0.17"),
        ("0.17", "0.17"),
        ("1.50", "1.50"),
        (-3, "-3"),
        (0, "0"),
        ("-0.00", "0.00"),
        ("-1e-05", "-0.00001"),
        ("2.5E+2", "250"),
    ],
)
def test_signed_text(value: object, text: str) -> None:
    assert signed_text(value) == text


@pytest.mark.parametrize("value", ["NaN", "+1", "--1", "1e999", "", None, True, 1.5, "-", "\x1b[2J", "1" * 41])
def test_signed_text_refused(value: object) -> None:
    with pytest.raises(InvalidNumber):
        signed_text(value)


class TestNearest:
    @pytest.mark.parametrize(
        ("value", "precision", "units"),
        [
            ("105433.60000", 1, 1_054_336),
            ("0.25", 1, 2),
            ("0.35", 1, 4),
            ("0.251", 1, 3),
            (7, 2, 700),
            ("1762795433.9717445", 9, 1_762_795_433_971_744_500),
            ("1e-3", 2, 0),
        ],
    )
    def test_worked_examples(self, value: object, precision: int, units: int) -> None:
        assert to_nearest_units(value, precision) == units

    @given(st.decimals(0, 10**20, places=12), st.integers(0, 12))
    def test_against_decimal(self, number: Decimal, precision: int) -> None:
        expected = int(number.scaleb(precision).quantize(Decimal(1), ROUND_HALF_EVEN)) if number < 10**14 else None
        units = to_nearest_units(f"{number:f}", precision)
        with localcontext(prec=60):  # the default would round from 28 digits on
            assert abs(units - number * 10**precision) <= Decimal("0.5")
        if expected is not None:
            assert units == expected

    @pytest.mark.parametrize("value", ["-1.5", "１.5", ".5", "1.e5", "5.", "+1.5", "1 .5", "1.5\n", f"{'9' * 50}.5"])
    def test_what_looks_like_the_usual_form_is_refused(self, value: str) -> None:
        with pytest.raises(InvalidNumber):
            to_nearest_units(value, 1)

    @pytest.mark.parametrize("value", ["-1", "NaN", "1e999", "9" * 5000, "１", "", None, True, 1.5, -1, 10**50])
    def test_refused(self, value: object) -> None:
        with pytest.raises(InvalidNumber):
            decimal_of(value)


@given(st.integers(0, 10**20), st.integers(0, 12), st.integers(0, 12))
def test_rescale_is_exact_or_half_to_even(units: int, before: int, after: int) -> None:
    scaled = rescale(units, before, after)
    exact = Decimal(units).scaleb(after - before)
    assert scaled == int(exact.to_integral_value(ROUND_HALF_EVEN))
    assert type(scaled) is int


class TestRest:
    @pytest.mark.parametrize(
        "row",
        [
            [1, "1", "1", "1", "1", "1", "1"],
            [1.5, "1", "1", "1", "1", "1", "1", 1],
            [0, "0", "0", "0", "0", "0", "0", 0],
            [0, "nan", "1", "1", "1", "1", "1", 1],
            [1, "1", "1", "1", "1", "1", "1", 1],
        ],
    )
    def test_odd_candle_rows(self, row: list[object]) -> None:
        with pytest.raises((InvalidMessage, InvalidNumber)):
            candles_from_rest([row], 1, SPEC)

    @pytest.mark.parametrize(
        "row",
        [
            ["1", "1", "1", "x", "l", "", 1],
            ["0", "1", "1", "b", "l", "", 1],
            ["1", "1", "nan", "b", "l", "", 1],
            ["1", "1", "999999999999999", "b", "l", "", 1],
            ["1", "1", "1", "b", "l", "", "one"],
        ],
    )
    def test_odd_trade_rows(self, row: list[object]) -> None:
        with pytest.raises((InvalidMessage, InvalidNumber)):
            trades_from_rest([row], SPEC)

    def test_no_rows(self) -> None:
        assert candles_from_rest([], 1, SPEC) == []
        assert trades_from_rest([], SPEC) == []
