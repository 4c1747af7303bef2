"""How much the flow events say of a market that is as busy as a liquid pair: a few a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from kraken_tui.exchange.pairs import PAIRS
from kraken_tui.exchange.simulator import Simulator
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import FlowEvent, Side, Trade
from kraken_tui.market.flow import FlowTracker
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

START = 1_795_269_790 * SECOND
DEPTH = 100
MINUTES = 3


def told(symbol: str, seed: int) -> list[FlowEvent]:
    """What is told of the demo market in three minutes, played in virtual time."""
    pair = PAIRS[symbol]
    spec = PairSpec(symbol, *symbol.split("/"), pair.price_precision, pair.qty_precision)
    market = Simulator(pair, seed, START)
    market.book.watch((DEPTH,))
    book = OrderBook(spec, DEPTH)
    settings = Settings()
    least = round(settings.flow_value) * 10 ** (spec.price_precision + spec.qty_precision)
    flow = FlowTracker(symbol, least=least, factor=settings.flow_factor)
    flow.hear_trades()

    def wire(levels: Iterable[tuple[int, int]]) -> list[WireLevel]:
        return [
            WireLevel(from_units(ticks, spec.price_precision), from_units(lots, spec.qty_precision))
            for ticks, lots in levels
        ]

    book.load(wire(market.book.bids.levels(DEPTH)), wire(market.book.asks.levels(DEPTH)))
    flow.on_snapshot(book)
    events: list[FlowEvent] = []
    ticked = START
    for change in market.advance(START + 60 * MINUTES * SECOND):
        while ticked < change.ts_ns:
            ticked += SECOND // 10
            flow.tick(ticked)
            if not ticked % SECOND:
                flow.learn(book)
        bids, asks = change.deltas.get(DEPTH, ([], []))
        if bids or asks:
            flow.on_changes(book.apply(wire(bids), wire(asks)), book, change.ts_ns, change.ts_ns)
        flow.on_trades(
            Trade(symbol, Side(fill.side), fill.ticks, fill.lots, "market", fill.trade_id, "", fill.ts_ns)
            for fill in change.trades
        )
        events += flow.drain()
    return events


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/USD"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_liquid_pair_makes_a_few_events_a_minute(symbol: str, seed: int) -> None:
    """It was 86 in 75 s, one order that moved by a dollar being three of them."""
    events = told(symbol, seed)
    kinds = Counter(event.kind for event in events)
    assert 1 <= len(events) <= 12 * MINUTES, kinds
    assert all(event.turnover >= 10_000 * 10 ** (PAIRS[symbol].price_precision + 8) for event in events)
    assert [event.ns for event in events] == sorted(event.ns for event in events)
    assert len({(event.kind, event.ns, event.price, event.side) for event in events}) == len(events)
