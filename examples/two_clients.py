"""Two connections to one market: each trade from whichever tells it first. Try: python examples/two_clients.py --demo

Where one connection is lost or late, the other goes on. Run the two on different machines or lines to gain by it.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial

from kraken_tui import KrakenClient, Trade


def local_exchange(running: ExitStack) -> tuple[str, str]:
    """A simulated exchange for both: with `demo=True` each client would have one of its own."""
    command = [sys.executable, "-m", "kraken_tui.exchange", "--port", "0", "--profile", "calm"]
    exchange = running.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    running.callback(exchange.terminate)
    assert exchange.stdout is not None
    socket, rest = exchange.stdout.readline().strip(), exchange.stdout.readline().strip()
    return socket, rest.removesuffix("/0/public/")


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--count", type=int, default=10, help="stop after so many trades")
chosen = options.parse_args()

first: Counter[str] = Counter()
seen: set[tuple[str, int]] = set()
with ExitStack() as running:
    make = partial(KrakenClient, *chosen.pairs)
    if chosen.demo:
        url, rest_url = local_exchange(running)
        make = partial(make, url=url, rest_url=rest_url)
    clients = {name: running.enter_context(make()) for name in ("one", "two")}
    streams = {name: client.events(Trade) for name, client in clients.items()}
    for client in clients.values():
        for pair in chosen.pairs:
            client.wait_verified_sync(pair, timeout=30)
    until = time.monotonic() + 60
    while first.total() < chosen.count and time.monotonic() < until:
        for name, stream in streams.items():
            trade = stream.get(timeout=0.05)
            if trade is None or not trade.live or (trade.symbol, trade.trade_id) in seen:
                continue
            seen.add((trade.symbol, trade.trade_id))
            first[name] += 1
            print(f"{trade.symbol:<10} {trade.trade_id} {trade.side:<4} {trade.price:>12} {trade.qty:>14} by {name}")
    states = ", ".join(f"{name} {client.connection.state}" for name, client in clients.items())
print(f"{first.total()} trades: {first['one']} first from one, {first['two']} first from two; {states}")
