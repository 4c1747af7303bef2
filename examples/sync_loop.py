"""Look at the market once an interval, in a plain loop without asyncio. Try: python examples/sync_loop.py --demo"""

import argparse
import time

from kraken_tui import KrakenClient, KrakenError

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--every", type=float, default=0.5, help="seconds between two looks")
options.add_argument("--count", type=int, default=3, help="stop after so many looks; 0 for never")
chosen = options.parse_args()

with KrakenClient(*chosen.pairs, demo=chosen.demo) as client:
    for pair in chosen.pairs:
        try:
            client.wait_verified_sync(pair, timeout=30)
        except KrakenError as error:
            print(f"{pair}: {error}")  # it may still come: the feed goes on trying
    looks = 0
    while not chosen.count or looks < chosen.count:
        looks += 1
        for pair in client.subscriptions():
            touch, imbalance = client.best_bid_ask(pair), client.imbalance(pair, 10)
            if touch is None or touch.bid is None or touch.ask is None:
                print(f"{pair:<10} nothing known yet")
            elif not touch.verified or touch.stale or imbalance is None:
                print(f"{pair:<10} not to be trusted now")
            else:
                print(f"{pair:<10} {touch.bid.price:>12} {touch.ask.price:>12} imbalance {imbalance:+.2f}")
        time.sleep(chosen.every)
