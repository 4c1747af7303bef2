"""Precisions and depth of a book in a recording that holds no instrument list.

Precisions are at least the most decimals seen in the snapshot. Recordings that went through floats lost trailing
zeros, so more are tried until the snapshot's own checksum matches (PROTOCOL.md section 4.3, padding rule).
"""

from __future__ import annotations

from kraken_tui.errors import InvalidNumber
from kraken_tui.feed.proof.stitcher import valid_checksum
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.settings import DEPTHS
from kraken_tui.wire.digits import decimals
from kraken_tui.wire.messages import BookData
from kraken_tui.wire.symbols import PairSpec

MOST_DECIMALS = 10
"""Largest precision that is tried; Kraken's finest today is 10."""


def infer_spec(data: BookData) -> PairSpec:
    """Guess a pair's precisions from a snapshot and prove them by its checksum if it has one.

    Returns:
        A spec marked `assumed`; if no precision makes the checksum match, the decimals as seen.

    Raises:
        InvalidNumber: A price or quantity is not a number.
    """
    levels = [*data.bids, *data.asks]
    price = max((decimals(level.price) for level in levels), default=0)
    qty = max((decimals(level.qty) for level in levels), default=0)
    seen = _spec(data.symbol, price, qty)
    expected = valid_checksum(data.checksum)
    if expected is None:
        return seen
    candidates = [
        (p, q) for p in range(price, max(price, MOST_DECIMALS) + 1) for q in range(qty, max(qty, MOST_DECIMALS) + 1)
    ]
    for p, q in sorted(candidates, key=lambda pair: (pair[0] + pair[1], pair[0])):
        spec = _spec(data.symbol, p, q)
        book = OrderBook(spec, max(len(levels), 1))
        try:
            book.load(data.bids, data.asks)
        except InvalidNumber:
            continue
        if book.checksum() == expected:
            return spec
    return seen


def infer_depth(data: BookData) -> int:
    """The smallest depth the exchange offers that holds this snapshot."""
    size = max(len(data.bids), len(data.asks))
    return next((depth for depth in DEPTHS if depth >= size), DEPTHS[-1])


def _spec(symbol: str, price_precision: int, qty_precision: int) -> PairSpec:
    base, _, quote = symbol.partition("/")
    return PairSpec(symbol, base, quote, price_precision, qty_precision, assumed=True)
