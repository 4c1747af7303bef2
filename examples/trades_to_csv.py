"""Write trades as CSV, without an event loop. Try: python examples/trades_to_csv.py --demo > trades.csv"""

import argparse
import csv
import sys
from itertools import islice

from kraken_tui import KrakenClient, Trade

COLUMNS = ("timestamp", "symbol", "side", "price", "qty", "trade_id")

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--count", type=int, default=20, help="stop after so many trades")
chosen = options.parse_args()

writer = csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore")
writer.writeheader()
with KrakenClient(*chosen.pairs, channels=["trade"], demo=chosen.demo) as client:
    # Every trade counts, so this stream gets a long queue; what it still lost is in `trades.counts`.
    trades = client.events(Trade, queue=100_000)
    for trade in islice(trades, chosen.count):
        writer.writerow(trade.to_dict())
    if trades.counts.dropped:
        print(f"{trades.counts.dropped} trades were lost", file=sys.stderr)
