"""Candles of all intervals from trades, reconciled with the exchange's own.

Where the numbers come from, in order of authority:

1. A *statement*: a candle of the exchange (the `ohlc` channel, or REST `OHLC`). It replaces the stored candle.
2. Trades, which extend the newest candle until the next statement, in O(1) for all intervals at once.

A trade and the statement that contains it travel on different channels, may arrive in either order, and do not refer
to each other. They are matched by position: a candle of n trades holds the first n trades of its interval, and if the
trade stream is complete since the interval began (ids without a gap), each trade's number in the interval is known.

- Trade number k is added to the newest candle only if that holds fewer than k trades; else it is already included.
- A statement of n trades replaces the candle, and trades after number n are added on top of it again.
- Where the position is unknown (stream joined or torn within the interval), nothing is counted twice: while the
  channel states this interval, trades move only high, low and close, and volume waits for the next statement, some
  milliseconds away. Without the channel, trades since the seed are counted: those that arrived before it are taken
  to be in it up to the last one whose price is the seed's close; trades of a snapshot, and those not after `as_of_ns`,
  are taken to be in it.

Intervals are aligned to the epoch, as Kraken's are. A candle closes when a trade or statement of a later interval
arrives or `roll` passes its end. A late trade still counts towards the newest candle, closed or not. One that is
older amends its own candle if that was built from trades alone, and is dropped if the exchange stated that candle.
For display, intervals without trades are filled with flat candles of zero volume, as REST answers do
(PROTOCOL.md sections 7.3 and 10.1); where trades may have been missed, as during an outage, nothing is filled in.
A time that the exchange has not reached would make everything after it late: the feed lets none through
(`feed.venue_time`), and `seed` drops what begins after its `as_of_ns`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from msgspec.structs import replace
from sortedcontainers import SortedDict

from kraken_tui.market.coarser import merged
from kraken_tui.market.convert import rescale
from kraken_tui.market.events import PLACES, Candle, CandleChanged, Trade
from kraken_tui.settings import INTERVALS
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

MAX_CANDLES = 720
"""Candles an interval keeps and shows: as many as the exchange returns (PROTOCOL.md section 10.1)."""

_RECENT_TRADES = 256
_ANSWER_S = 60
"""Longest a REST answer takes: so much after the request its newest candle may begin."""


class _Series:
    """Candles of one interval. The newest is kept in plain attributes, the older ones as values."""

    __slots__ = (
        "_shown",
        "begin_s",
        "close",
        "closed",
        "finished",
        "high",
        "included_ns",
        "interval",
        "led",
        "length_s",
        "low",
        "older",
        "open",
        "run_begin_s",
        "run_count",
        "stated",
        "stated_older",
        "torn_s",
        "touched",
        "trades",
        "turnover",
        "volume",
    )

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.length_s = interval * 60
        self.older: SortedDict[int, Candle] = SortedDict()
        # Begins of the older candles that the exchange stated.
        self.stated_older: set[int] = set()
        # Closed or amended since the last drain.
        self.finished: deque[Candle] = deque(maxlen=MAX_CANDLES)
        self.begin_s = -1
        self.open = self.high = self.low = self.close = 0
        self.volume = self.turnover = self.trades = 0
        self.closed = False
        # Whether the newest candle rests on a statement, and whether the ohlc channel states this interval.
        self.stated = False
        self.led = False
        # Position of the trade stream: the interval of its last trade, and that trade's number in it; None unless
        # the stream is complete since the start of the interval.
        self.run_begin_s = -1
        self.run_count: int | None = None
        # Trades up to here are in the seed.
        self.included_ns = -1
        self.touched = False
        # From this candle on some may be missing, as after an outage; None if the series is complete.
        self.torn_s: int | None = None
        self._shown: tuple[int, int, tuple[Candle, ...]] | None = None

    @property
    def empty(self) -> bool:
        return self.begin_s < 0

    @property
    def ever_stated(self) -> bool:
        """Whether the exchange stated any of its candles."""
        return self.stated or bool(self.stated_older)

    def newest(self) -> Candle:
        return Candle(
            self.begin_s,
            self.interval,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.turnover,
            self.trades,
            self.closed,
        )

    def tear(self) -> None:
        """What follows does not connect with the newest candle."""
        if self.torn_s is None and not self.empty:
            self.torn_s = self.begin_s
            self._shown = None

    def mend(self) -> None:
        """Nothing is missing any more."""
        if self.torn_s is not None:
            self.torn_s = self._shown = None

    def changed(self) -> None:
        self.touched = True
        self._shown = None

    def on_trade(self, trade: Trade, *, follows: bool, late: bool) -> None:
        """Take in one trade.

        Args:
            trade: The trade.
            follows: It directly follows the trade before it; else the stream is torn here.
            late: It stands before one already seen.
        """
        begin_s = trade.venue_ns // SECOND // self.length_s * self.length_s
        if not late:
            self._count(begin_s, follows)
        if begin_s < self.begin_s:
            self._on_late_trade(begin_s, trade)
        elif begin_s > self.begin_s:
            self._begin_with(begin_s, trade)
        elif late:
            self.run_count = None
            self._on_unplaced(trade, late=True)
        elif self.run_count is None:
            self._on_unplaced(trade, late=False)
        elif self.run_count > self.trades:
            self._extend(trade)

    def _count(self, begin_s: int, follows: bool) -> None:
        """Advance the position of the trade stream by one trade."""
        if not follows:
            self.run_begin_s, self.run_count = begin_s, None
        elif begin_s > self.run_begin_s:
            self.run_begin_s, self.run_count = begin_s, 1
        elif begin_s == self.run_begin_s and self.run_count is not None:
            self.run_count += 1

    def _begin_with(self, begin_s: int, trade: Trade) -> None:
        self._file()
        self.begin_s, self.closed, self.stated = begin_s, False, False
        self.open = self.high = self.low = self.close = trade.price
        self.volume, self.turnover, self.trades = trade.qty, trade.price * trade.qty, 1
        self.changed()

    def _on_unplaced(self, trade: Trade, *, late: bool) -> None:
        """A trade of the newest interval whose number in it is not known."""
        counted = not self.stated or (trade.live and trade.venue_ns > self.included_ns)
        if self.led:
            counted = False
        elif not counted:
            return
        self._extend(trade, counted=counted, closing=not late)

    def _extend(self, trade: Trade, *, counted: bool = True, closing: bool = True) -> None:
        price = trade.price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        if closing:
            self.close = price
        if counted:
            self.volume += trade.qty
            self.turnover += price * trade.qty
            self.trades += 1
        self._mark()

    def _mark(self) -> None:
        self.changed()
        if self.closed:
            self.finished.append(self.newest())

    def _on_late_trade(self, begin_s: int, trade: Trade) -> None:
        candle = self.older.get(begin_s)
        if candle is None or begin_s in self.stated_older:
            return
        amended = replace(
            candle,
            high=max(candle.high, trade.price),
            low=min(candle.low, trade.price),
            volume=candle.volume + trade.qty,
            turnover=candle.turnover + trade.price * trade.qty,
            trades=candle.trades + 1,
        )
        self._keep(amended, stated=False)
        self.finished.append(amended)
        self.changed()

    def _file(self) -> None:
        """Move the newest candle, whose interval is over, to the older ones."""
        if self.empty:
            return
        if not self.closed:
            self.closed = True
            self.finished.append(self.newest())
        self._keep(self.newest(), stated=self.stated)

    def _keep(self, candle: Candle, *, stated: bool) -> None:
        self.older[candle.begin_s] = candle
        if stated:
            self.stated_older.add(candle.begin_s)
        while len(self.older) > MAX_CANDLES:
            begin_s, _ = self.older.popitem(0)
            self.stated_older.discard(begin_s)

    def on_statement(self, candle: Candle, recent: Sequence[Trade], *, from_channel: bool) -> None:
        """Apply one candle of the exchange.

        Args:
            candle: The statement.
            recent: The latest trades, oldest first.
            from_channel: From the ohlc channel rather than a seed.
        """
        if candle.begin_s % self.length_s:
            return
        if candle.begin_s < self.begin_s:
            self._restate_older(candle)
            return
        overtaken = not from_channel and not candle.closed and self.led and self.stated
        if candle.begin_s == self.begin_s and overtaken and candle.trades <= self.trades:
            # The seed was requested before the channel stated more.
            return
        if candle.begin_s > self.begin_s:
            self._file()
            self.begin_s, self.closed = candle.begin_s, candle.closed
            self._take(candle)
        elif self.run_begin_s == self.begin_s and self.run_count is not None:
            own = [trade for trade in recent if self._covers(trade)]
            ahead = max(0, self.run_count - candle.trades)
            if ahead > len(own):
                # More trades than are remembered: the positions cannot be right.
                self.run_count, ahead = None, 0
            self._take(candle)
            for trade in own[len(own) - ahead :]:
                self._extend(trade)
        else:
            newer = () if from_channel or candle.closed else self._after_close(candle, recent)
            self._take(candle)
            for trade in newer:
                self._extend(trade)
        self._mark()

    def _after_close(self, candle: Candle, recent: Sequence[Trade]) -> Sequence[Trade]:
        """Recent trades of the candle's interval that came after the last one at its close."""
        own = [trade for trade in recent if self._covers(trade) and trade.live]
        for index in range(len(own) - 1, -1, -1):
            if own[index].price == candle.close:
                return [trade for trade in own[index + 1 :] if trade.venue_ns > self.included_ns]
        return ()

    def _covers(self, trade: Trade) -> bool:
        return trade.venue_ns // SECOND // self.length_s * self.length_s == self.begin_s

    def _take(self, candle: Candle) -> None:
        self.open, self.high, self.low, self.close = candle.open, candle.high, candle.low, candle.close
        self.volume, self.turnover, self.trades = candle.volume, candle.turnover, candle.trades
        self.closed = self.closed or candle.closed
        self.stated = True

    def _restate_older(self, candle: Candle) -> None:
        """A candle before the newest: the statement wins unless it is older than the stored candle."""
        held = self.older.get(candle.begin_s)
        if held is not None and held.trades > candle.trades:
            return
        closed = replace(candle, closed=True)
        self._keep(closed, stated=True)
        if held != closed:
            self.finished.append(closed)
            self.changed()

    def roll(self, now_s: int) -> bool:
        if self.empty or self.closed or now_s < self.begin_s + self.length_s:
            return False
        self.closed = True
        self._mark()
        return True

    def shown(self, now_s: int) -> tuple[Candle, ...]:
        """Candles up to the interval of `now_s`, at most `MAX_CANDLES`; intervals known to be without trades are flat.

        After a tear nothing is known of an interval until the next one with a candle.
        """
        if self.empty:
            return ()
        last_s = max(self.begin_s, now_s // self.length_s * self.length_s)
        if self._shown is not None and self._shown[:2] == (self.begin_s, last_s):
            return self._shown[2]
        first_s = self.older.peekitem(0)[0] if self.older else self.begin_s
        start_s = max(first_s, last_s - (MAX_CANDLES - 1) * self.length_s)
        held = {candle.begin_s: candle for candle in self.older.values() if candle.begin_s >= start_s}
        held[self.begin_s] = self.newest()
        close = self._close_before(start_s)
        candles: list[Candle] = []
        unknown = self.torn_s is not None and self.torn_s < start_s
        for begin_s in range(start_s, last_s + self.length_s, self.length_s):
            candle = held.get(begin_s)
            if candle is not None:
                unknown = begin_s == self.torn_s
            elif unknown:
                continue
            else:
                over = begin_s + self.length_s <= now_s or begin_s < self.begin_s
                candle = Candle(begin_s, self.interval, close, close, close, close, 0, 0, 0, over)
            close = candle.close
            candles.append(candle)
        self._shown = (self.begin_s, last_s, tuple(candles))
        return self._shown[2]

    def _close_before(self, start_s: int) -> int:
        if self.begin_s < start_s:
            return self.close
        index = self.older.bisect_right(start_s) - 1
        return int(self.older.peekitem(index)[1].close) if index >= 0 else self.open

    def rescaled(self, before: PairSpec, after: PairSpec) -> _Series:
        """The same candles in other precisions, rounded where they are coarser."""
        result = _Series(self.interval)
        for held in [*self.older.values(), *(() if self.empty else (self.newest(),))]:
            candle = _rescaled(held, before, after)
            result._file()
            result.begin_s, result.closed = candle.begin_s, candle.closed
            result._take(candle)
            result.stated = self.stated if candle.begin_s == self.begin_s else candle.begin_s in self.stated_older
        result.finished.clear()
        result.led, result.touched, result.torn_s = self.led, not result.empty, self.torn_s
        return result


def _rescaled(candle: Candle, before: PairSpec, after: PairSpec) -> Candle:
    first, high, low, last = (
        rescale(price, before.price_precision, after.price_precision)
        for price in (candle.open, candle.high, candle.low, candle.close)
    )
    volume = rescale(candle.volume, before.qty_precision, after.qty_precision)
    shift = after.price_precision + after.qty_precision - before.price_precision - before.qty_precision
    # The turnover is a derived sum; a remainder below the new unit is dropped.
    turnover = candle.turnover * 10**shift if shift >= 0 else candle.turnover // 10**-shift
    return replace(candle, open=first, high=high, low=low, close=last, volume=volume, turnover=turnover)


class CandleAggregator:
    """All intervals of one pair.

    Args:
        symbol: v2 symbol, for the events.
        intervals: Minutes.
    """

    def __init__(self, symbol: str, intervals: Iterable[int] = INTERVALS) -> None:
        self._symbol = symbol
        self._series = {interval: _Series(interval) for interval in intervals}
        self._recent: deque[Trade] = deque(maxlen=_RECENT_TRADES)
        self._last: int | None = None
        self._merged: dict[int, tuple[tuple[Candle, ...], tuple[Candle, ...]]] = {}
        # Whether any series may have something to tell; asked after every book message.
        self._collected = False
        self._rolled_s = 0

    def on_trade(self, trade: Trade) -> None:
        """Apply one trade; call it once for each, in the order of their positions (`Tape.add` ensures both)."""
        self._collected = True
        last, position = self._last, trade.position
        # One whose number says nothing stands between two numbers, and may stand for others that never came.
        follows = last is not None and position == (last // PLACES + 1) * PLACES
        late = last is not None and position <= last
        torn = last is not None and not follows and not late
        if not late:
            self._last = position
        self._recent.append(trade)
        for series in self._series.values():
            if torn:
                series.tear()
            series.on_trade(trade, follows=follows, late=late)

    def on_ohlc(self, interval: int, candles: Sequence[Candle], *, snapshot: bool) -> None:
        """Apply candles of the ohlc channel.

        Args:
            interval: Minutes; others than the aggregator's are ignored.
            candles: Oldest first; the last may be running.
            snapshot: Whether they are a snapshot; its closed candles are history and make no events.
        """
        series = self._series.get(interval)
        if series is None:
            return
        series.led = True
        oldest_s = candles[0].begin_s if snapshot and candles else None
        if oldest_s is not None and oldest_s > series.begin_s:
            series.tear()
        self._state(series, candles, from_channel=True, history=snapshot)
        if oldest_s is not None and series.torn_s is not None and oldest_s <= series.torn_s:
            series.mend()

    def seed(self, interval: int, candles: Sequence[Candle], *, as_of_ns: int | None = None) -> None:
        """Apply candles from REST; closed ones make no events.

        Args:
            interval: Minutes; others than the aggregator's are ignored.
            candles: Oldest first, the last one running.
            as_of_ns: A venue time no later than the answer, such as that of the request: trades up to it are
                certainly included. None if unknown.
        """
        series = self._series.get(interval)
        if series is None:
            return
        if as_of_ns is not None:
            series.included_ns = max(series.included_ns, as_of_ns)
            latest_s = as_of_ns // SECOND + _ANSWER_S
            candles = [candle for candle in candles if candle.begin_s <= latest_s]
        series.mend()
        self._state(series, candles, from_channel=False, history=True)

    def _state(self, series: _Series, candles: Sequence[Candle], *, from_channel: bool, history: bool) -> None:
        self._collected = True
        waiting = tuple(series.finished)
        for candle in candles:
            series.on_statement(candle, self._recent, from_channel=from_channel)
        if history:
            series.finished.clear()
            series.finished.extend(waiting)

    def lacks_history(self, interval: int) -> bool:
        """Whether candles may be missing that only the exchange can supply: after an outage longer than the channel's
        snapshot reaches back. Nothing is shown in their place."""
        series = self._series.get(interval)
        return series is not None and series.torn_s is not None

    def unfollow(self, interval: int) -> None:
        """The ohlc channel no longer states this interval: trades alone move it on."""
        series = self._series.get(interval)
        if series is not None:
            series.led = False

    def roll(self, now_ns: int) -> None:
        """Close the candles whose interval is over by the wall clock."""
        now_s = now_ns // SECOND
        if now_s == self._rolled_s and not self._collected:
            return
        self._rolled_s = now_s
        for series in self._series.values():
            self._collected |= series.roll(now_s)

    def candles(self, interval: int, now_ns: int) -> tuple[Candle, ...]:
        """Candles for display up to `now_ns`, oldest first, at most `MAX_CANDLES`.

        An interval without trades is a flat candle of no trades; one of which nothing is known is left out.

        Of an interval that the exchange never stated, as in a recording of another one, they are joined from a shorter
        one that it stated and that reaches further back than the trades.

        Raises:
            KeyError: Not one of the aggregator's intervals.
        """
        own = self._series[interval].shown(now_ns // SECOND)
        if self._series[interval].ever_stated:
            return own
        shorter = [
            series
            for length, series in self._series.items()
            if length < interval and interval % length == 0 and series.ever_stated
        ]
        if not shorter:
            return own
        source = min((series.shown(now_ns // SECOND) for series in shorter), key=lambda candles: candles[0].begin_s)
        known = self._merged.get(interval)
        if known is None or known[0] is not source:
            # The series from which it was made is kept until it changes, and so is this.
            known = self._merged[interval] = (source, merged(source, interval))
        reached = known[1]
        return reached if reached and (not own or reached[0].begin_s <= own[0].begin_s) else own

    def newest(self, interval: int) -> Candle | None:
        """The newest candle that was traded or stated, running or not; None before the first.

        Raises:
            KeyError: Not one of the aggregator's intervals.
        """
        series = self._series[interval]
        return None if series.empty else series.newest()

    def drain(self, interval: int) -> list[CandleChanged]:
        """What changed in one interval since the last call: each candle closed or amended, then the running one.

        Changes of the running candle between two calls come as one event. What other intervals collected meanwhile
        is forgotten.
        """
        events: list[CandleChanged] = []
        if not self._collected:
            return events
        self._collected = False
        for series in self._series.values():
            if series.interval == interval:
                events.extend(CandleChanged(self._symbol, candle) for candle in series.finished)
                if series.touched and not series.closed:
                    events.append(CandleChanged(self._symbol, series.newest()))
            series.finished.clear()
            series.touched = False
        return events

    def rescale(self, before: PairSpec, after: PairSpec) -> None:
        """Convert everything to other precisions, rounded where they are coarser."""
        self._recent.clear()
        self._collected = True
        self._series = {interval: series.rescaled(before, after) for interval, series in self._series.items()}
