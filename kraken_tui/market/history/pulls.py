"""Pull and stack: size that was added and removed at each price without trading.

Level 2 tells sizes, not orders: an order that is replaced by another of the same size is not seen, an order that moves
is pulled here and stacked there, and of an iceberg only the tip is seen. A level that comes into view or leaves it at
the subscribed depth is counted as neither.

Within every stretch in which the book is proven, at every price: lots after = lots before + stacked - pulled - traded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

from kraken_tui.market.book.aggregation import bucket_of
from kraken_tui.market.events import Side, Trade
from kraken_tui.market.history.book import BookHistory, Moment, Walker
from kraken_tui.market.history.trades import TradeHistory
from kraken_tui.settings import PULL_WINDOWS
from kraken_tui.units import SECOND

WINDOWS_S = PULL_WINDOWS
"""Windows that can be chosen, seconds."""

MATCHED_WITHIN_NS = SECOND
"""A trade and the book message that shows it come by two channels, in either order, this far apart at most."""

_STACKED, _PULLED, _TRADED = 0, 1, 2


class Movement(msgspec.Struct, frozen=True, gc=False):
    """What moved at one price or in one bucket; lots, or lots weighted by their age.

    Attributes:
        stacked: Added.
        pulled: Removed without a trade.
        traded: Removed by trades.
    """

    stacked: float
    pulled: float
    traded: float

    @property
    def net(self) -> float:
        """Stacked less pulled."""
        return self.stacked - self.pulled


class PullStack:
    """Follows one book and its trades from the moment it is made.

    Args:
        book: Past of the book; it may grow in another thread.
        trades: Past of the trades.
        since_ns: Where to begin; what is kept from then on counts.
    """

    def __init__(self, book: BookHistory, trades: TradeHistory, since_ns: int) -> None:
        self._trades = trades
        self._walker = Walker(book)
        self._standing = self._walker.seek(since_ns)
        self._heard_ns = since_ns
        # By second, then by key: lots stacked, pulled, traded.
        self._bins: dict[int, dict[int, list[int]]] = {}
        # By key: (moment, lots) of removals that a trade may still explain, and of trades that no removal showed yet.
        self._unexplained: dict[int, deque[list[int]]] = {}
        self._unseen: dict[int, deque[list[int]]] = {}

    def advance(self, now_ns: int) -> None:
        """Take in everything up to a moment, in the order it was received."""
        heard = iter(self._trades.between(self._heard_ns, now_ns))
        self._heard_ns = max(self._heard_ns, now_ns)
        entry = next(heard, None)
        for moment in self._walker.run(now_ns):
            while entry is not None and entry.ns <= moment.ns:
                self._on_trade(entry.ns, entry.trade)
                entry = next(heard, None)
            self._on_moment(moment)
        while entry is not None:
            self._on_trade(entry.ns, entry.trade)
            entry = next(heard, None)
        self._forget(now_ns)

    def by_bucket(self, now_ns: int, window_s: int, step: int, *, fading: bool = True) -> Mapping[int, Movement]:
        """What moved in each bucket over the last seconds, bids and asks together.

        Args:
            now_ns: The moment, as of the last `advance`.
            window_s: Seconds that count, one of `WINDOWS_S`.
            step: Ticks of a bucket; bids are floored to it, asks ceiled.
            fading: Whether older movement counts less, down to nothing at the end of the window.
        """
        sums: dict[int, list[float]] = {}
        now_s = now_ns // SECOND
        for second, movements in self._bins.items():
            age = now_s - second
            if not 0 <= age < window_s:
                continue
            weight = 1.0 - age / window_s if fading else 1
            for key, lots in movements.items():
                bucket = bucket_of(key, step, Side.SELL) if key > 0 else bucket_of(-key, step, Side.BUY)
                total = sums.setdefault(bucket, [0, 0, 0])
                for kind in (_STACKED, _PULLED, _TRADED):
                    total[kind] += lots[kind] * weight
        return {bucket: Movement(*total) for bucket, total in sums.items()}

    def sides(self, now_ns: int, window_s: int) -> tuple[Movement, Movement]:
        """What moved on all prices of the bids and of the asks over the last seconds, every lot counting whole."""
        sums = ([0, 0, 0], [0, 0, 0])
        now_s = now_ns // SECOND
        for second, movements in self._bins.items():
            if 0 <= now_s - second < window_s:
                for key, lots in movements.items():
                    total = sums[key > 0]
                    for kind in (_STACKED, _PULLED, _TRADED):
                        total[kind] += lots[kind]
        bids, asks = sums
        return Movement(*bids), Movement(*asks)

    def _on_moment(self, moment: Moment) -> None:
        if moment.begins or not self._standing:
            # The book was loaded whole, or is seen for the first time.
            self._standing = True
            return
        for key, before, after in moment.changes:
            if key in moment.edge:
                continue
            if after > before:
                self._count(moment.ns, key, _STACKED, after - before)
            else:
                self._on_removal(moment.ns, key, before - after)

    def _on_removal(self, ns: int, key: int, lots: int) -> None:
        traded = self._matched(self._unseen.get(key), ns, lots)
        if traded:
            self._count(ns, key, _TRADED, traded)
        if lots > traded:
            self._count(ns, key, _PULLED, lots - traded)
            self._unexplained.setdefault(key, deque()).append([ns, lots - traded])

    def _on_trade(self, ns: int, trade: Trade) -> None:
        if not trade.live:
            return
        key = trade.price if trade.side is Side.BUY else -trade.price
        left = trade.qty
        removals = self._unexplained.get(key, ())
        for removal in removals:
            at, lots = removal
            if not lots or ns - at > MATCHED_WITHIN_NS:
                continue
            taken = min(left, lots)
            removal[1] -= taken
            left -= taken
            # It was counted as pulled until the trade was heard.
            self._count(at, key, _PULLED, -taken)
            self._count(at, key, _TRADED, taken)
            if not left:
                return
        self._unseen.setdefault(key, deque()).append([ns, left])

    @staticmethod
    def _matched(waiting: deque[list[int]] | None, ns: int, lots: int) -> int:
        matched = 0
        while waiting and matched < lots:
            at, left = waiting[0]
            if ns - at > MATCHED_WITHIN_NS or not left:
                waiting.popleft()
                continue
            taken = min(left, lots - matched)
            waiting[0][1] -= taken
            matched += taken
        return matched

    def _count(self, ns: int, key: int, kind: int, lots: int) -> None:
        movements = self._bins.setdefault(ns // SECOND, {})
        counts = movements.get(key)
        if counts is None:
            counts = movements[key] = [0, 0, 0]
        counts[kind] += lots

    def _forget(self, now_ns: int) -> None:
        oldest = now_ns // SECOND - max(WINDOWS_S)
        for second in [second for second in self._bins if second < oldest]:
            del self._bins[second]
        for waiting in (self._unexplained, self._unseen):
            for key in [key for key, left in waiting.items() if not left or now_ns - left[-1][0] > MATCHED_WITHIN_NS]:
                del waiting[key]
            for left in waiting.values():
                while now_ns - left[0][0] > MATCHED_WITHIN_NS:
                    left.popleft()
