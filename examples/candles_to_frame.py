"""Candles as a data frame of polars, pandas or Arrow. Try: python examples/candles_to_frame.py --demo"""

import argparse
import time

from kraken_tui import Candle, KrakenClient, KrakenError, Rows

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--library", choices=["polars", "pandas", "arrow"], default="polars")
options.add_argument("--interval", type=int, default=5, help="minutes of a candle")
options.add_argument("--floats", action="store_true", help="floats in place of exact decimals")
chosen = options.parse_args()

candles: list[Candle] = []
with KrakenClient(*chosen.pairs, interval=chosen.interval, demo=chosen.demo) as client:
    for pair in chosen.pairs:
        client.wait_verified_sync(pair, timeout=30)
        # History comes by REST, a moment after the book.
        until = time.monotonic() + 10
        while len(client.candles(pair)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        # The last one is still running.
        candles += [candle for candle in client.candles(pair) if candle.closed]

rows = Rows(candles, Candle)
try:
    if chosen.library == "pandas":
        frame = rows.to_pandas(floats=chosen.floats)
        print(frame.groupby("symbol")[["begin_time", "close", "volume"]].tail(3))
    elif chosen.library == "arrow":
        print(rows.to_arrow(floats=chosen.floats).slice(0, 3))
    else:
        table = rows.to_polars(floats=chosen.floats)
        print(table.group_by("symbol").tail(3).select("symbol", "begin_time", "close", "volume", "trades"))
except KrakenError as error:
    raise SystemExit(str(error)) from None
