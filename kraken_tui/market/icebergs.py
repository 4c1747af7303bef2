"""Hidden quantity, from trades and single orders together.

What was traded at a price beyond what visibly left that level was hidden: a lower bound, and proof. Trades and orders
come on different sockets, so the two are compared over windows of the exchange's time, and all that left a little
before and after counts as visible. A cancel in the window only lowers the bound.

An order that is filled and replaced at once by one of the same size at the same price is no proof: anybody can do that.
It is called likely, with its rule, once it has happened often enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from kraken_tui.market.book.l3_views import OrderChange
from kraken_tui.market.events import Side, Trade
from kraken_tui.units import SECOND


class Evidence(StrEnum):
    """How hidden quantity was told; the value is its rule, for the reader."""

    TRADED = "more was traded at this price than visibly left it"
    RELOADED = "a filled order came back with its own id"
    LIKELY = "filled orders were replaced at once by orders of the same size"

    @property
    def proof(self) -> bool:
        """Whether it proves hidden quantity."""
        return self is not Evidence.LIKELY


class IcebergLimits(msgspec.Struct, frozen=True):
    """Windows, in ns of the exchange's time.

    Attributes:
        margin_ns: How far the two sockets' times of one fill may be apart.
        quiet_ns: Trades at a price belong together that are no further apart.
        longest_ns: Longest window.
        replace_ns: "At once".
        least_repeats: Replacements after which an iceberg is likely.
        kept_prices: Prices watched; the longest quiet are forgotten.
    """

    margin_ns: int = SECOND // 2
    quiet_ns: int = SECOND
    longest_ns: int = 10 * SECOND
    replace_ns: int = SECOND // 10
    least_repeats: int = 2
    kept_prices: int = 2_000


class IcebergSeen(msgspec.Struct, frozen=True, gc=False):
    """Hidden quantity at a price.

    Attributes:
        side: Book side it rests on.
        lots: At least so much was hidden in this window; for a likely one the size that keeps coming back.
        evidence: How it was told.
        traded, left: Lots traded, and lots that visibly left, where that is the evidence.
        repeats: Reloads or replacements so far at this price.
        begin_ns, end_ns: The window, the exchange's time.
    """

    symbol: str
    side: Side
    ticks: int
    lots: int
    evidence: Evidence
    traded: int
    left: int
    repeats: int
    begin_ns: int
    end_ns: int


class _Back(NamedTuple):
    """An order that joined where another, or itself, had just gone."""

    gone_ns: int
    ns: int
    lots: int
    same_id: bool


class _Price:
    """What happened at one price of one side."""

    __slots__ = ("back", "began", "ended", "gone", "left", "reloads", "repeats", "size", "traded")

    def __init__(self) -> None:
        self.traded = self.began = self.ended = 0
        self.left: deque[tuple[int, int]] = deque()
        # (time, id, lots) of orders that went away whole.
        self.gone: deque[tuple[int, str, int]] = deque(maxlen=16)
        self.back: deque[_Back] = deque(maxlen=64)
        self.reloads = self.repeats = self.size = 0


_Place = tuple[Side, int]


class IcebergObserver:
    """One pair.

    Feed it changes of a verified level 3 book, and trades; whatever order they come in, within the margin.

    Args:
        symbol: Of the pair.
        limits: Windows.
    """

    def __init__(self, symbol: str, limits: IcebergLimits | None = None) -> None:
        self.symbol = symbol
        self.limits = limits or IcebergLimits()
        self._prices: dict[_Place, _Price] = {}
        self._hidden: dict[_Place, int] = {}
        self._open: set[_Place] = set()

    def hidden(self, side: Side, ticks: int) -> int:
        """Lots proven to have been hidden at a price so far; 0 where nothing is proven, which is not "none"."""
        return self._hidden.get((side, ticks), 0)

    def on_trade(self, trade: Trade) -> None:
        """Take a trade; those of a snapshot are no observation."""
        if not trade.live:
            return
        place = (Side.SELL if trade.side is Side.BUY else Side.BUY, trade.price)
        at = self._price(place)
        if not at.traded:
            at.began = at.ended = trade.venue_ns
        at.traded += trade.qty
        at.began, at.ended = min(at.began, trade.venue_ns), max(at.ended, trade.venue_ns)
        self._open.add(place)

    def on_book(self, changes: Sequence[OrderChange], venue_ns: int) -> None:
        """Take what one message of a verified book changed."""
        came: list[tuple[_Place, str, int]] = []
        for side, ticks, before, after, order_id in changes:
            place = (side, ticks)
            if after < before:
                at = self._price(place)
                at.left.append((venue_ns, before - after))
                if not after:
                    at.gone.append((venue_ns, order_id, before))
            elif not before:
                came.append((place, order_id, after))
        for place, order_id, lots in came:
            known = self._prices.get(place)
            if known is not None and known.gone:
                self._came(known, order_id, lots, venue_ns)

    def on_gap(self) -> None:
        """The book is not verified, or was loaded again: what left meanwhile is not known, so nothing is concluded."""
        self._prices.clear()
        self._open.clear()

    def advance(self, venue_ns: int) -> tuple[IcebergSeen, ...]:
        """Close the windows that are over.

        Args:
            venue_ns: Exchange's time that both sockets have reached.
        """
        limits, seen = self.limits, []
        for place in list(self._open):
            at = self._prices[place]
            quiet = venue_ns - at.ended >= max(limits.quiet_ns, limits.margin_ns)
            if quiet or (at.ended - at.began >= limits.longest_ns and venue_ns - at.ended >= limits.margin_ns):
                self._open.discard(place)
                seen += self._close(place, at)
        return tuple(seen)

    def _close(self, place: _Place, at: _Price) -> list[IcebergSeen]:
        margin = self.limits.margin_ns
        began, ended, traded = at.began, at.ended, at.traded
        left = sum(lots for ns, lots in at.left if began - margin <= ns <= ended + margin)
        back = [each for each in at.back if began - margin <= each.gone_ns <= ended + margin]
        at.traded = 0
        at.back.clear()
        # What left late may belong to the next window as well: that only lowers its bound.
        while at.left and at.left[0][0] < ended - margin:
            at.left.popleft()
        seen = []
        if traded > left:
            self._hidden[place] = self._hidden.get(place, 0) + traded - left
            if len(self._hidden) > self.limits.kept_prices:
                del self._hidden[next(iter(self._hidden))]
            seen.append(self._seen(place, traded - left, Evidence.TRADED, at, traded, left, began, ended))
        for each in back:
            # Only where all that left was traded is it sure that the order was filled, and not taken away and put back.
            if each.same_id and traded >= left:
                at.reloads += 1
                seen.append(self._seen(place, each.lots, Evidence.RELOADED, at, traded, left, each.gone_ns, each.ns))
            elif not each.same_id:
                at.repeats, at.size = (at.repeats + 1 if at.size == each.lots else 1), each.lots
                if at.repeats >= self.limits.least_repeats:
                    seen.append(self._seen(place, each.lots, Evidence.LIKELY, at, traded, left, each.gone_ns, each.ns))
        return seen

    def _seen(
        self, place: _Place, lots: int, evidence: Evidence, at: _Price, traded: int, left: int, begin: int, end: int
    ) -> IcebergSeen:
        repeats = at.repeats if evidence is Evidence.LIKELY else at.reloads
        return IcebergSeen(self.symbol, *place, lots, evidence, traded, left, repeats, begin, end)

    def _came(self, at: _Price, order_id: str, lots: int, ns: int) -> None:
        """An order joined a level; does one that went away come back in it?"""
        for gone in at.gone:
            gone_ns, gone_id, size = gone
            same = gone_id == order_id
            within = self.limits.margin_ns if same else self.limits.replace_ns
            if 0 <= ns - gone_ns <= within and (lots >= size if same else lots == size):
                at.gone.remove(gone)
                at.back.append(_Back(gone_ns, ns, lots, same))
                return

    def _price(self, place: _Place) -> _Price:
        at = self._prices.get(place)
        if at is None:
            if len(self._prices) >= self.limits.kept_prices:
                self._forget()
            at = self._prices[place] = _Price()
        else:
            while len(at.left) > 1 and at.left[-1][0] - at.left[0][0] > self.limits.longest_ns + 2 * SECOND:
                if at.traded and at.left[0][0] >= at.began - self.limits.margin_ns:
                    break
                at.left.popleft()
        return at

    def _forget(self) -> None:
        """Half of the prices, those that were first seen, unless a window is open."""
        for place in list(self._prices)[: self.limits.kept_prices // 2]:
            if place not in self._open:
                del self._prices[place]
