"""The trades of a pair as they were heard, and what they had added up to at any moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from kraken_tui.market.events import Side, Trade
from kraken_tui.market.trades import TAPE_LENGTH
from kraken_tui.market.views import TradedAt

BYTES_PER_TRADE = 400
"""About what one takes, its text and numbers included."""

_TRIM_EVERY = 256


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A trade and when it was heard.

    Attributes:
        ns: Receipt, ns since the epoch; never less than that of the one before.
        trade: The trade.
        counted: Whether it counts into the trades at price, as a trade since the start.
    """

    ns: int
    trade: Trade
    counted: bool


class TradeHistory:
    """Trades in the order they were heard, bounded by time and number. Any thread may read.

    Args:
        keep_ns: How far back it reaches at most; the length of a tape is kept whatever its age.
        most: Trades kept at most.
    """

    def __init__(self, keep_ns: int, most: int) -> None:
        self._keep_ns, self._most = keep_ns, max(most, TAPE_LENGTH)
        # Grows at its end; replaced where the front is cut off, so that a reader keeps what it has.
        self._heard: list[Heard] = []
        self.cut_ns: int | None = None
        """Receipt of the newest trade that was dropped; None while all are held."""

    def __len__(self) -> int:
        return len(self._heard)

    @property
    def size(self) -> int:
        """Bytes held, about."""
        return BYTES_PER_TRADE * len(self._heard)

    def add(self, ns: int, trades: Iterable[Trade], counted: Iterable[Trade]) -> None:
        """Note new trades, by ascending position.

        Args:
            ns: Receipt.
            trades: All that are new.
            counted: Those of them that count into the trades at price.
        """
        ns = max(ns, self._heard[-1].ns) if self._heard else ns
        positions = {trade.position for trade in counted}
        self._heard += [Heard(ns, trade, trade.position in positions) for trade in trades]

    def trim(self, now_ns: int) -> None:
        """Drop what is beyond the bounds; call it about once a second."""
        heard = self._heard
        spare = len(heard) - TAPE_LENGTH
        old = bisect_left(heard, now_ns - self._keep_ns, key=lambda entry: entry.ns)
        drop = max(min(spare, old), len(heard) - self._most)
        if drop >= _TRIM_EVERY:
            self.cut_ns = heard[drop - 1].ns
            self._heard = heard[drop:]

    def clear(self) -> None:
        """Forget everything, as when the precisions changed."""
        if self._heard:
            self.cut_ns = self._heard[-1].ns
        self._heard = []

    def between(self, after_ns: int, until_ns: int) -> Sequence[Heard]:
        """What was heard after one moment, up to and including another."""
        heard = self._heard
        first = bisect_right(heard, after_ns, key=lambda entry: entry.ns)
        return heard[first : bisect_right(heard, until_ns, first, key=lambda entry: entry.ns)]

    def tape_at(self, ns: int, length: int = TAPE_LENGTH) -> tuple[Trade, ...]:
        """The tape as it was at a moment, newest first."""
        heard = self._heard
        end = bisect_right(heard, ns, key=lambda entry: entry.ns)
        # Some are heard late and stand further down, so a few more are looked at.
        trades = [entry.trade for entry in heard[max(0, end - 2 * length) : end]]
        trades.sort(key=lambda trade: trade.position, reverse=True)
        return tuple(trades[:length])

    def traded_at(self, ns: int, now: Mapping[int, TradedAt]) -> Mapping[int, TradedAt]:
        """Trades at price as they were at a moment.

        Args:
            ns: The moment.
            now: As they are after all trades held.
        """
        later = [entry.trade for entry in self.between(ns, 1 << 62) if entry.counted]
        if not later:
            return now
        counts: dict[int, list[int]] = {}
        for trade in later:
            count = counts.setdefault(trade.price, [0, 0, 0])
            count[0] += 1
            count[1 if trade.side is Side.BUY else 2] += trade.qty
        result = dict(now)
        for price, (number, bought, sold) in counts.items():
            at = result.get(price)
            if at is None or at.count <= number:
                result.pop(price, None)
            else:
                result[price] = TradedAt(at.count - number, at.bought - bought, at.sold - sold)
        return MappingProxyType(result)
