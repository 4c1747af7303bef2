"""Follow many pairs with bounded queues and print the widest spreads. Try: python examples/many_pairs.py --demo"""

import argparse
import asyncio

from kraken_tui import BestBidAsk, KrakenClient, KrakenError

PAIRS = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "DOGE/USD", "ADA/USD", "LTC/USD", "XLM/USD"]


def spread_bps(touch: BestBidAsk) -> float:
    return float(10_000 * touch.spread / touch.mid) if touch.spread is not None and touch.mid else 0.0


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("pairs", nargs="*", default=PAIRS)
    options.add_argument("--demo", action="store_true", help="use the simulated exchange")
    chosen = options.parse_args()

    async with KrakenClient(*chosen.pairs, channels=["book"], preset="aggregator", demo=chosen.demo) as client:
        touches = []
        for pair in chosen.pairs:
            try:
                touches.append((await client.wait_verified(pair, timeout=30)).touch)
            except KrakenError as error:
                print(error)
        for touch in sorted(touches, key=spread_bps, reverse=True):
            print(f"{touch.symbol:<10} {spread_bps(touch):8.3f} bps")


asyncio.run(main())
