"""Print the proven best bid and ask of each pair whenever they change. Try: python examples/watch.py --demo"""

import argparse
import asyncio

from kraken_tui import BookLine, KrakenClient


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
    options.add_argument("--demo", action="store_true", help="use the simulated exchange")
    options.add_argument("--count", type=int, default=20, help="stop after so many changes")
    chosen = options.parse_args()

    shown: dict[str, tuple[object, object]] = {}
    changes = 0
    async with KrakenClient(*chosen.pairs, demo=chosen.demo) as client:
        async for line in client.events(BookLine):
            if not line.verified or line.best_bid is None or line.best_ask is None:
                continue
            touch = (line.best_bid, line.best_ask)
            if shown.get(line.symbol) == touch:
                continue
            shown[line.symbol] = touch
            print(f"{line.symbol:<10} {line.best_bid.price:>12} {line.best_ask.price:>12}")
            changes += 1
            if changes >= chosen.count:
                break


asyncio.run(main())
