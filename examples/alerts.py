"""Alert on moves, wide spreads, large orders and distrusted books. Try: python examples/alerts.py --demo"""

import argparse
import asyncio
from contextlib import suppress
from decimal import Decimal

from kraken_tui import BookLine, BookStateChanged, FlowEvent, Health, KrakenClient


class Alerts:
    """Turns events into sentences: each trouble once, and again only after it was over."""

    def __init__(self, move_bps: Decimal, spread_bps: Decimal) -> None:
        self.move_bps, self.spread_bps = move_bps, spread_bps
        self.told: dict[str, Decimal] = {}  # pair -> mid of its last alert
        self.wide: set[str] = set()

    def of(self, event: object) -> str | None:
        if isinstance(event, BookLine) and event.verified:  # an unproven book alerts nobody of prices
            return self.of_prices(event)
        if isinstance(event, FlowEvent):
            return f"{event.kind} {event.side} {event.qty} at {event.price}, worth {event.value:,.0f}"
        if isinstance(event, BookStateChanged) and event.reason:
            return f"book {event.state}, {event.proof}: {event.reason}"
        if isinstance(event, Health):
            return f"{event.status}: {event.reason}"
        return None

    def of_prices(self, line: BookLine) -> str | None:
        ladder = line.ladder(1)
        if ladder.mid is None or ladder.spread_bps is None:
            return None
        before = self.told.setdefault(line.symbol, ladder.mid)
        moved_bps = 10_000 * (ladder.mid - before) / before
        if abs(moved_bps) >= self.move_bps:
            self.told[line.symbol] = ladder.mid
            return f"moved {moved_bps:+.2f} bps to {ladder.mid}"
        if ladder.spread_bps < self.spread_bps:
            self.wide.discard(line.symbol)
        elif line.symbol not in self.wide:
            self.wide.add(line.symbol)
            return f"spread {ladder.spread_bps:.2f} bps"
        return None


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
    options.add_argument("--demo", action="store_true", help="use the simulated exchange")
    options.add_argument("--move", type=Decimal, default=Decimal("0.1"), help="basis points since the last alert")
    options.add_argument("--spread", type=Decimal, default=Decimal("5"), help="basis points")
    options.add_argument("--seconds", type=float, default=4, help="stop after this time")
    chosen = options.parse_args()

    alerts = Alerts(chosen.move, chosen.spread)
    async with KrakenClient(*chosen.pairs, demo=chosen.demo) as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(chosen.seconds):
                async for event in client.events(BookLine, FlowEvent, BookStateChanged, Health):
                    if said := alerts.of(event):
                        print(f"{event.symbol:<10} {said}")


asyncio.run(main())
