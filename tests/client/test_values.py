"""Values made of ticks and lots: exact decimals, and plain dicts of them."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui import KrakenClient, Proof, Quote, Side, Signal
from kraken_tui.client.book_metrics import metrics_of
from kraken_tui.client.books import Book, BookLine
from kraken_tui.client.pair_view import view_of
from kraken_tui.client.values import candle_of, derived, exact, flow_of, quote_of, spec_of, ticker_of, trade_of
from kraken_tui.engine import events as engine
from kraken_tui.market import events as market
from kraken_tui.market import views
from kraken_tui.market.events import BookState, FlowKind, MarketStatus
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("A/USD", "A", "USD", price_precision=1, qty_precision=8, increment=5)


@given(st.integers(0, 10**30), st.integers(0, 20))
def test_decimals_are_exact_whatever_the_programs_own_context(units: int, precision: int) -> None:
    with localcontext() as context:
        context.prec = 3
        value = exact(units, precision)
    assert int(value.scaleb(precision)) == units or len(str(units)) > 28
    assert value.as_tuple().exponent == -precision


def test_a_computed_figure_keeps_a_floats_digits() -> None:
    with localcontext() as context:
        context.prec = 3
        assert derived(641613.0402452502, 1) == Decimal("64161.30402452502")
        assert derived(5.0, 0) == 5


def test_trades_and_flow_carry_decimals_beside_the_units() -> None:
    trade = trade_of(market.Trade("A/USD", Side.SELL, 642001, 1, "limit", 7, "t", 9, live=False), SPEC)
    assert (trade.price, trade.qty, trade.price_ticks, trade.qty_lots) == (
        Decimal("64200.1"),
        Decimal("1e-8"),
        642001,
        1,
    )
    assert trade.to_dict() == {
        "symbol": "A/USD",
        "side": "sell",
        "price": "64200.1",
        "qty": "0.00000001",
        "ord_type": "limit",
        "trade_id": 7,
        "timestamp": "t",
        "venue_ns": 9,
        "live": False,
        "price_ticks": 642001,
        "qty_lots": 1,
    }
    flow = flow_of(market.FlowEvent("A/USD", 1, FlowKind.SWEEP, Side.BUY, 15, 100, 3), SPEC)
    assert (flow.price, flow.qty, flow.levels) == (Decimal("1.5"), Decimal("0.000001"), 3)
    assert (flow.origin, flow.value, flow.fills) == (None, Decimal(0), 0)
    moved = market.FlowEvent("A/USD", 1, FlowKind.MOVED, Side.BUY, 15, 100, origin=14, turnover=1500, fills=2)
    flow = flow_of(moved, SPEC)
    assert (flow.origin, flow.value, flow.fills) == (Decimal("1.4"), Decimal("0.0000015"), 2)


def test_a_candle_has_its_turnover_in_the_quote_asset_and_its_vwap_rounded_to_a_tick() -> None:
    candle = candle_of("A/USD", market.Candle(60, 1, 10, 30, 5, 20, 3, 50, 2, closed=True), SPEC)
    assert (candle.open, candle.high, candle.low, candle.close) == tuple(map(Decimal, ("1.0", "3.0", "0.5", "2.0")))
    assert candle.turnover == Decimal(50).scaleb(-9)
    assert candle.vwap == Decimal("1.7")
    assert candle_of("A/USD", market.Candle(60, 1, 1, 1, 1, 1, 0, 0, 0), SPEC).vwap is None


def test_a_ticker_leaves_unknown_what_was_not_sent() -> None:
    ticker = ticker_of(views.Ticker(last=15, change="-0.5", change_pct="-3.2", volume=10), SPEC)
    assert (ticker.last, ticker.change, ticker.change_pct) == (Decimal("1.5"), Decimal("-0.5"), Decimal("-3.2"))
    assert ticker.volume == Decimal("0.0000001")
    assert ticker.to_dict()["high"] is None


def test_a_step_of_price_is_a_decimal() -> None:
    spec = spec_of(SPEC)
    assert spec.price_increment == Decimal("0.5")
    assert (spec.price(15), spec.quantity(15)) == (Decimal("1.5"), Decimal("0.00000015"))


def test_a_book_line_reads_as_the_message_it_came_with() -> None:
    changed = market.BookChanged(
        "A/USD", "update", True, 5, "t", 1, 2, ((Side.BUY, 10, 0, 7), (Side.SELL, 11, 3, 0)), matched=True
    )
    line = BookLine(engine.BookLine(changed, ((10, 7),), ((12, 8),), SPEC))
    assert line.bids == (Quote(Decimal("1.0"), Decimal("0.00000007"), 10, 7),)
    assert line.best_ask is not None
    assert line.best_ask.text == ("1.2", "0.00000008")
    assert (line.bid_ticks_lots, line.ask_ticks_lots) == (((10, 7),), ((12, 8),))
    assert [(each.side, each.price, each.before, each.after) for each in line.changes] == [
        (Side.BUY, Decimal("1.0"), Decimal(0), Decimal("0.00000007")),
        (Side.SELL, Decimal("1.1"), Decimal("0.00000003"), Decimal(0)),
    ]
    facts = (line.symbol, line.kind, line.verified, line.matched, line.checksum, line.timestamp)
    assert facts == ("A/USD", "update", True, True, 5, "t")
    assert (line.venue_ns, line.received_ns) == (1, 2)
    assert json.loads(json.dumps(line.to_dict()))["bids"] == [["1.0", "0.00000007"]]
    assert line.to_dict()["changes"][0]["before"] == "0.00000000"
    assert "Decimal('1.0')" in repr(line)
    empty = BookLine(engine.BookLine(changed, (), (), SPEC))
    assert empty.best_bid is empty.best_ask is None


def test_a_level_seen_before_is_the_same_value_but_not_at_other_precisions() -> None:
    assert quote_of((5, 5), 1, 8) is quote_of((5, 5), 1, 8)
    assert quote_of((5, 5), 2, 8).price == Decimal("0.05")


def test_a_book_becomes_a_plain_dict_with_the_exchanges_own_text() -> None:
    book = Book("A/USD", spec_of(SPEC), ((10, 7),), (), 10, BookState.LIVE, Proof.VERIFIED, "", False, 1, None, None, 5)
    plain = json.loads(json.dumps(book.to_dict()))
    assert (plain["proof"], plain["verified"], plain["bids"], plain["asks"]) == (
        "VERIFIED",
        True,
        [["1.0", "0.00000007"]],
        [],
    )


def metrics() -> views.BookMetrics:
    sweep = views.Sweep(qty=10, filled=7, average=12.5, worst=13, slippage_bps=1.5, levels=2)
    return views.BookMetrics(10, 1, 2.5, 23, 11.6, 0.5, 0.25, Signal.BUY, 1, 2, 10.5, 12.5, 3, 4, sweep, None)


def test_figures_of_a_book_are_prices_and_quantities() -> None:
    found = metrics_of(metrics(), SPEC)
    assert (found.spread, found.mid, found.microprice) == (Decimal("0.1"), Decimal("1.15"), Decimal("1.16"))
    assert (found.bid_vwap, found.ask_vwap, found.ask_depth) == (Decimal("1.05"), Decimal("1.25"), Decimal("4e-8"))
    assert found.buy_sweep is not None
    assert (found.buy_sweep.average, found.buy_sweep.worst) == (Decimal("1.25"), Decimal("1.3"))
    assert found.sell_sweep is None
    assert found.to_dict()["signal"] == "BUY"


def pair_view(spec: PairSpec | None) -> views.PairView:
    return views.PairView(
        symbol="A/USD",
        version=1,
        now_ns=1,
        spec=spec,
        depth=10,
        book_state=BookState.LIVE,
        proof=Proof.VERIFIED,
        proof_reason="",
        checks_ok=1,
        checks_failed=0,
        resyncs=0,
        age_ns=None,
        stale=False,
        stale_reason="",
        venue="ONLINE",
        bids=((10, 1),),
        asks=((12, 1),),
        metrics=metrics(),
        ticker=views.Ticker(last=11),
        last=11,
        last_direction=1,
        last_trade_ns=None,
        tape=(market.Trade("A/USD", Side.BUY, 11, 1, "limit", 1, "t", 0),),
        candles=(market.Candle(60, 1, 10, 30, 5, 20, 3, 50, 2),),
        interval=1,
        flow=(market.FlowEvent("A/USD", 1, FlowKind.WALL, Side.BUY, 15, 100),),
        health=market.Health("A/USD", MarketStatus.ACTIVE, "book moving", 5),
        large_lots=7,
        traded={11: views.TradedAt(1, 1, 0)},
        samples=(views.Sample(1, 23, 2.5, 0.5),),
    )


def test_a_view_is_all_decimals_and_becomes_json() -> None:
    view = view_of(pair_view(SPEC))
    assert (view.last, view.bids[0].price, view.samples[0].mid) == (Decimal("1.1"), Decimal("1.0"), Decimal("1.15"))
    assert dict(view.traded)[Decimal("1.1")].bought == Decimal("1e-8")
    plain = json.loads(json.dumps(view.to_dict()))
    assert plain["traded"] == {"1.1": {"count": 1, "bought": "0.00000001", "sold": "0.00000000"}}
    assert plain["candles"][0]["close"] == "2.0"
    assert plain["health"]["status"] == "active"
    assert plain["large_qty"] == "0.00000007"


def test_without_precisions_a_view_has_no_prices_rather_than_wrong_ones() -> None:
    view = view_of(pair_view(None))
    assert (view.spec, view.last, view.metrics, view.ticker.last) == (None, None, None, None)
    assert (view.bids, view.asks, view.trades, view.candles, view.flow, dict(view.traded)) == ((), (), (), (), (), {})
    assert view.checks_ok == 1


def test_a_client_reads_decimals(small: Path) -> None:
    with KrakenClient("BTC/USD", replay=small) as client:
        client.wait_verified_sync("BTC/USD", timeout=10)
        list(client.events())
        view = client.view("BTC/USD")
        assert view is not None
        assert view.last == client.trades("BTC/USD")[0].price == client.candles("BTC/USD")[-1].close == Decimal("100.1")
        assert view.candles == client.candles("BTC/USD")
