"""Watch five pairs for round trips that would pay, after fees and depth. Try: python examples/arbitrage.py --demo

It looks and places no order. Nearly always every trip costs something: what is left on the table is less than the fees.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise, permutations

from kraken_tui import Book, BookLine, KrakenClient, KrakenError

PAIRS = ["BTC/USD", "ETH/USD", "ETH/BTC", "BTC/EUR", "ETH/EUR"]


def sold(amount: Decimal, asset: str, other: str, books: Mapping[str, Book]) -> Decimal | None:
    """What an amount of one asset gets of another at once; None where a proven book does not say."""
    if book := books.get(f"{asset}/{other}"):
        cost = book.sweep("sell", size=round(amount, book.spec.qty_precision)) if book.verified else None
        return cost.value if cost and cost.complete else None
    if book := books.get(f"{other}/{asset}"):
        cost = book.sweep("buy", notional=round(amount, book.spec.price_precision)) if book.verified else None
        return cost.filled if cost and cost.complete else None
    return None


def trips(start: str, amount: Decimal, fee: Decimal, books: Mapping[str, Book]) -> Iterator[tuple[str, Decimal]]:
    """Every way from an asset over two others and back, with its result in basis points."""
    assets = {asset for pair in books for asset in pair.split("/")} - {start}
    for between in permutations(sorted(assets), 2):
        route, held = (start, *between, start), amount
        for asset, other in pairwise(route):
            got = sold(held, asset, other, books)
            if got is None:
                break
            held = got * (1 - fee)
        else:
            yield " > ".join(route), 10_000 * (held / amount - 1)


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=PAIRS)
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--start", default="USD,EUR", help="assets that a trip begins and ends with")
options.add_argument("--amount", type=Decimal, default=Decimal(5_000), help="of that asset")
options.add_argument("--fee", type=Decimal, default=Decimal("0.26"), help="taker's fee of each leg, per cent")
options.add_argument("--seconds", type=float, default=2, help="stop after this time")
chosen = options.parse_args()

best: dict[str, Decimal] = {}
with KrakenClient(*chosen.pairs, depth=100, channels=["book"], demo=chosen.demo) as client:
    changes = client.events(BookLine)
    for pair in chosen.pairs:
        try:
            client.wait_verified_sync(pair, timeout=30)
        except KrakenError as error:
            print(f"left out: {error}")
    until = time.monotonic() + chosen.seconds
    while time.monotonic() < until:
        changes.get(timeout=0.5)  # nothing new, nothing to reckon
        books = {pair: book for pair in client.subscriptions() if (book := client.book(pair))}
        for start in chosen.start.split(","):
            for route, bps in trips(start, chosen.amount, chosen.fee / 100, books):
                if bps > best.get(route, Decimal("-Infinity")):
                    best[route] = bps
                    if bps > 0:
                        print(f"{route}: {bps:+.2f} bps now")
print("best of each round trip, after fees:")
for route, bps in sorted(best.items(), key=lambda trip: -trip[1]):
    print(f"{route:<24} {bps:+8.2f} bps")
