"""One pair's trades by their numbers: each told once, in its place, and those that never came counted. Pure.

The exchange numbers the trades of a pair one by one (PROTOCOL.md section 7.2). One number alone proves nothing: it may
be absurd, late, or the first of a numbering that begins again. So a number that does not follow the newest closely is
told, but moves nothing until the next trade has shown which of the two it follows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from kraken_tui.market.events import PLACES, Trade

REMEMBERED = 4000
"""Trades of a numbering, and of those before it, that are known when they come again."""

CLOSE = 64
"""A number at most this far ahead follows the newest by itself."""

_SAME_NS = 1000

LONGEST_GAP = 1_000_000
"""Most trades that are taken for missed, as in an outage; a greater step is another numbering."""


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """What became of some trades.

    Attributes:
        new: Those not told before, in their order, each with its place.
        remarks: (kind, text) of what there is to say about their numbers.
    """

    new: tuple[Trade, ...]
    remarks: tuple[tuple[str, str], ...] = ()


class TradeSequence:
    """Lets each trade of a pair through once.

    Attributes:
        newest: Newest number of the numbering; None before the first trade.
        gaps: Numbers between the first and the newest that never came.
        duplicates: Trades delivered again, and those too old to tell whether they are.
        late: Trades that came after one with a greater number.
        strays: Single numbers that follow nothing.
        restarts: Times the numbering began again somewhere else.
    """

    __slots__ = (
        "_astray",
        "_astray_from",
        "_first",
        "_forgotten",
        "_held",
        "_newest_ns",
        "_others",
        "_shift",
        "_told_since",
        "duplicates",
        "gaps",
        "late",
        "newest",
        "restarts",
        "strays",
    )

    def __init__(self) -> None:
        # Number -> time of the numbering that counts, and (number, timestamp) of strays and earlier numberings.
        self._held: OrderedDict[int, tuple[str, int]] = OrderedDict()
        self._others: OrderedDict[tuple[int, str], None] = OrderedDict()
        self._forgotten: int | None = None
        self._first = 0
        self._newest_ns = 0
        # Place of a number, less the number: not 0 once the numbering began again.
        self._shift = 0
        # The number that followed nothing, until the next one tells; and how many were told since the newest.
        self._astray: int | None = None
        self._astray_from = ("", 0)
        self._told_since = 0
        self.newest: int | None = None
        self.gaps = self.duplicates = self.late = self.strays = self.restarts = 0

    def admit(self, trades: Iterable[Trade]) -> Admitted:
        """Take the trades of one message, oldest first."""
        new: list[Trade] = []
        remarks: list[tuple[str, str]] = []
        for trade in trades:
            number, newest = trade.trade_id, self.newest
            if newest is not None and newest < number <= newest + CLOSE and self._astray is None and not self._others:
                # Nearly all: a number above the newest is none of those held.
                self._follow(trade)
                new.append(trade)
                continue
            if self._is_known(trade):
                self.duplicates += 1
                continue
            placed = self._take(trade, remarks)
            if placed is not None:
                new.append(placed)
        return Admitted(tuple(new), tuple(remarks))

    def _take(self, trade: Trade, remarks: list[tuple[str, str]]) -> Trade | None:
        """Take a trade that does not simply follow; None where it is not new."""
        number, newest = trade.trade_id, self.newest
        if newest is None:
            self._first = number
            self._follow(trade)
            return self._placed(trade)
        if newest < number <= newest + CLOSE:
            self._settle_stray(remarks)
            self._follow(trade)
            return self._placed(trade)
        forgotten = self._forgotten is not None and number <= self._forgotten
        if self._first - CLOSE <= number < newest and number not in self._held and not forgotten:
            self._come_late(trade, remarks)
            return self._placed(trade)
        if self._astray is not None and self._astray < number <= self._astray + CLOSE:
            self._move(trade, remarks)
            return self._placed(trade)
        if number > newest or self._goes_back(trade):
            return self._stray(trade, remarks)
        if forgotten or number in self._held:
            self.duplicates += 1
            return None
        self._remember(trade)
        return self._placed(trade)

    def _is_known(self, trade: Trade) -> bool:
        if (trade.trade_id, trade.timestamp) in self._others:
            return True
        held = self._held.get(trade.trade_id)
        # The same moment may be written with more digits elsewhere.
        return held is not None and (held[0] == trade.timestamp or abs(held[1] - trade.venue_ns) < _SAME_NS)

    def _goes_back(self, trade: Trade) -> bool:
        """Whether a number that should be of the past belongs to a trade of the present."""
        if trade.trade_id in self._held:
            return trade.venue_ns > self._newest_ns
        return trade.venue_ns >= self._newest_ns

    def _come_late(self, trade: Trade, remarks: list[tuple[str, str]]) -> None:
        """A number between others, or shortly before the first."""
        self._remember(trade)
        if trade.trade_id > self._first:
            self.gaps = max(0, self.gaps - 1)
            self.late += 1
            remarks.append(("late", f"trade {trade.trade_id} came after trade {self.newest}"))

    def _follow(self, trade: Trade) -> None:
        """The numbering goes on with this trade."""
        if self.newest is not None:
            self.gaps += trade.trade_id - self.newest - 1
        self.newest, self._newest_ns = trade.trade_id, trade.venue_ns
        self._told_since = 0
        self._remember(trade)

    def _placed(self, trade: Trade) -> Trade:
        return replace(trade, place=(trade.trade_id + self._shift) * PLACES) if self._shift else trade

    def _remember(self, trade: Trade) -> None:
        self._held[trade.trade_id] = (trade.timestamp, trade.venue_ns)
        if len(self._held) > REMEMBERED:
            oldest, _ = self._held.popitem(last=False)
            self._forgotten = oldest if self._forgotten is None else max(self._forgotten, oldest)

    # -- numbers that follow nothing --------------------------------------------------------------------------------

    def _stray(self, trade: Trade, remarks: list[tuple[str, str]]) -> Trade:
        """Tell a trade whose number follows nothing: it stands right after the newest."""
        assert self.newest is not None
        self._settle_stray(remarks)
        self._astray, self._astray_from = trade.trade_id, (trade.timestamp, trade.venue_ns)
        self._told_since += 1
        self._keep_other(trade.trade_id, trade.timestamp)
        return replace(trade, place=(self.newest + self._shift) * PLACES + self._told_since)

    def _settle_stray(self, remarks: list[tuple[str, str]]) -> None:
        """The next trade does not follow the one astray: it was a single one."""
        if self._astray is not None:
            self.strays += 1
            remarks.append(("stray", f"trade number {self._astray} does not follow {self.newest}, passed over"))
            self._astray = None

    def _move(self, trade: Trade, remarks: list[tuple[str, str]]) -> None:
        """A second trade follows the one astray: either all between were missed, or the numbering began again."""
        assert self._astray is not None
        assert self.newest is not None
        astray, step = self._astray, self._astray - self.newest
        self._astray = None
        if 0 < step <= LONGEST_GAP:
            self.gaps += step - 1
        else:
            self.restarts += 1
            remarks.append(("numbering", f"trade numbers began again at {astray} after {self.newest}"))
            for number, (timestamp, _) in self._held.items():
                self._keep_other(number, timestamp)
            self._held.clear()
            self._forgotten = None
            self._first = astray
            self._shift += -step
        self._held[astray] = self._astray_from
        self.newest = astray
        self._follow(trade)

    def _keep_other(self, number: int, timestamp: str) -> None:
        self._others[number, timestamp] = None
        if len(self._others) > REMEMBERED:
            self._others.popitem(last=False)
