"""Say what happens to the connection and the books, with callbacks. Try: python examples/watch_health.py --demo"""

import argparse
import time

from kraken_tui import BookStateChanged, Health, KrakenClient, KrakenError, StateChanged


def say(event: StateChanged | BookStateChanged | Health | KrakenError) -> None:
    if isinstance(event, StateChanged):
        print(f"connection {event.state}: {event.cause}")
    elif isinstance(event, BookStateChanged):
        print(f"{event.symbol} book {event.state}, {event.proof} {event.reason}")
    elif isinstance(event, Health):
        print(f"{event.symbol} is {event.status}: {event.reason}")
    else:
        print(f"trouble: {event}")


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--seconds", type=float, default=5, help="stop after this time")
chosen = options.parse_args()

client = KrakenClient(*chosen.pairs, demo=chosen.demo)
client.on((StateChanged, BookStateChanged, Health), say)
client.on_error(say)
with client:
    time.sleep(chosen.seconds)
    stats = client.stats()
    print(f"{stats.messages} messages, {stats.checks_ok} checksums right, {stats.checks_failed} wrong")
