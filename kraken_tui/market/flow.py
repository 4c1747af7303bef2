"""Order flow worth a remark: walls that appear, are pulled or filled, large trades, sweeps.

The definitions are ours (DESIGN.md section 5):

- *Large* is a size of at least `threshold` lots: the user's choice, or else the 98th percentile of the sizes resting
  in the book and of recent trades, rounded to 1, 2 or 5 x 10^n and changed only when it is off by half.
- WALL: a level grows to a large size. A level that was large in a snapshot, or comes back into the subscribed depth
  because better ones left, was there before and is only remembered.
- PULLED / FILLED: a large level falls below half of the threshold, or of its size where that is less. Book and
  trade messages of one fill arrive in either order, so the verdict waits `VERDICT_NS`: FILLED when trades at that
  price since the level became large explain at least half of what went, else PULLED. There is no verdict before the
  first trade message. Levels that merely leave the depth are not in the changes and are not judged.
- LARGE: one trade of a large size.
- SWEEP: trades of one aggressor side through at least `SWEEP_LEVELS` prices, each at most `SWEEP_NS` after the one
  before and never back towards the start: what one taker order leaves on the tape.

A wall and its end are reported once per side and price, then nothing for `QUIET_NS`, so that a flickering order does
not flood the list.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import FlowEvent, FlowKind, LevelChange, Side, Trade
from kraken_tui.units import SECOND

VERDICT_NS = 500_000_000
"""How long the verdict on a vanished wall waits for trades."""

SWEEP_NS = 50_000_000
"""Longest pause between two trades of one sweep, venue time."""

SWEEP_LEVELS = 3
"""Prices a sweep goes through at least."""

QUIET_NS = 10 * SECOND
"""How long one price stays silent after an event about it."""

_SET_BACK_NS = SECOND
_KEPT_EVENTS = 500
_KEPT_WALLS = 2000
_KEPT_TRADES = 256
_FEWEST_SIZES = 20
_PERCENTILE = 0.98

_Place = tuple[Side, int]


def automatic_threshold(sizes: Iterable[int], current: int = 0) -> int:
    """Size from which an order is large, from the sizes seen.

    Args:
        sizes: Lots of resting levels and recent trades.
        current: Threshold in force; kept while the new one is within a factor of 1.5 of it, so that it rarely changes.

    Returns:
        The 98th percentile (nearest rank) rounded to the nearest of 1, 2, 5 x 10^n, at least 1; 0 while fewer than
        20 sizes are known.
    """
    ordered = sorted(sizes)
    if len(ordered) < _FEWEST_SIZES:
        return 0
    rank = -(-len(ordered) * round(_PERCENTILE * 100) // 100)
    value = ordered[rank - 1]
    if current and 2 * current <= 3 * value and 2 * value <= 3 * current:
        return current
    power: int = 10 ** (len(str(value)) - 1)
    return min((factor * power for factor in (1, 2, 5, 10)), key=lambda rounded: abs(rounded - value))


@dataclass(slots=True)
class _Wall:
    lots: int
    traded: int = 0


@dataclass(frozen=True, slots=True)
class _Gone:
    place: _Place
    lots: int
    ns: int
    due_ns: int
    wall: _Wall


@dataclass(slots=True)
class _Run:
    """Trades of one aggressor side in close succession."""

    side: Side
    ns: int
    price: int
    qty: int
    seen_ns: int
    prices: int = 1


class FlowTracker:
    """Watches one pair.

    Args:
        symbol: v2 symbol, for the events.
        threshold: Lots from which a size is large; 0 for automatic.
    """

    def __init__(self, symbol: str, threshold: int = 0) -> None:
        self._symbol = symbol
        self._automatic = threshold <= 0
        self.threshold = max(0, threshold)
        self._walls: dict[_Place, _Wall] = {}
        self._gone: deque[_Gone] = deque()
        # The same by place, so that each trade of a burst need not search all of them.
        self._gone_at: dict[_Place, deque[_Gone]] = {}
        self._told: dict[_Place, tuple[FlowKind, int]] = {}
        self._run: _Run | None = None
        self._trade_sizes: deque[int] = deque(maxlen=_KEPT_TRADES)
        self._events: deque[FlowEvent] = deque(maxlen=_KEPT_EVENTS)
        self._now_ns = 0
        self._hears_trades = False

    def hear_trades(self) -> None:
        """Note that the trade channel has answered, if only with a snapshot: from now on silence means no trades."""
        self._hears_trades = True

    def on_snapshot(self, book: OrderBook) -> None:
        """Start over from a snapshot, without events: its large levels are not new."""
        self._walls.clear()
        self._gone.clear()
        self._gone_at.clear()
        self.learn(book)
        self._remember_walls(book)

    def _remember_walls(self, book: OrderBook) -> None:
        if self.threshold:
            for side in (book.bids, book.asks):
                for ticks, lots in side:
                    if lots >= self.threshold:
                        self._walls.setdefault((side.side, ticks), _Wall(lots))

    def learn(self, book: OrderBook) -> None:
        """Adapt an automatic threshold to the book and recent trades; cheap enough for once a second."""
        if not self._automatic:
            return
        sizes = [lots for side in (book.bids, book.asks) for _, lots in side]
        first = not self.threshold
        self.threshold = automatic_threshold([*sizes, *self._trade_sizes], self.threshold) or self.threshold
        if first:
            self._remember_walls(book)

    def on_changes(self, changes: Sequence[LevelChange], book: OrderBook, ns: int, received_ns: int) -> None:
        """Take in one update that was applied to the book.

        Args:
            changes: What it changed, in its order.
            book: The book after it.
            ns: Venue time of the update.
            received_ns: Wall clock of its receipt.
        """
        self._pass_to(received_ns)
        threshold = self.threshold
        if not threshold:
            return
        removed = {Side.BUY: 0, Side.SELL: 0}
        for side, ticks, before, after in changes:
            place = (side, ticks)
            if before and not after:
                removed[side] += 1
            if after < threshold and place not in self._walls:
                continue
            wall = self._walls.get(place)
            if wall is None:
                self._appear(place, before, after, book, removed[side], ns)
            elif 2 * after < min(threshold, wall.lots):
                self._vanish(place, wall, before, after, ns)
            elif after > wall.lots:
                wall.lots, wall.traded = after, 0

    def _appear(self, place: _Place, before: int, after: int, book: OrderBook, removed: int, ns: int) -> None:
        while len(self._walls) >= _KEPT_WALLS:
            del self._walls[next(iter(self._walls))]
        self._walls[place] = _Wall(after)
        was_there = before >= self.threshold or (not before and removed and _came_into_depth(book, place, removed))
        if not was_there:
            self._tell(FlowKind.WALL, place, after, ns)

    def _vanish(self, place: _Place, wall: _Wall, before: int, after: int, ns: int) -> None:
        del self._walls[place]
        # With no size before, the level was outside the depth and shrank unseen.
        if before:
            gone = _Gone(place, max(wall.lots, before) - after, ns, self._now_ns + VERDICT_NS, wall)
            self._gone.append(gone)
            self._gone_at.setdefault(place, deque()).append(gone)

    def on_trades(self, trades: Iterable[Trade]) -> None:
        """Take in live trades, by ascending id."""
        self._hears_trades = True
        for trade in trades:
            self._trade_sizes.append(trade.qty)
            # A buy takes asks: the wall it eats is on the other side of the book.
            place = (Side.SELL if trade.side is Side.BUY else Side.BUY, trade.price)
            wall = self._walls.get(place)
            if wall is not None:
                wall.traded += trade.qty
            elif place in self._gone_at:
                self._gone_at[place][0].wall.traded += trade.qty
            if self.threshold and trade.qty >= self.threshold:
                self._add(FlowKind.LARGE, trade.side, trade.price, trade.qty, trade.venue_ns)
            self._follow(trade)

    def _follow(self, trade: Trade) -> None:
        """Continue or end the run of trades that may be a sweep."""
        run = self._run
        if run is not None and run.side is trade.side and 0 <= trade.venue_ns - run.ns <= SWEEP_NS:
            direction = 1 if trade.side is Side.BUY else -1
            step = (trade.price - run.price) * direction
            if step >= 0:
                run.prices += step > 0
                run.ns, run.price, run.seen_ns = trade.venue_ns, trade.price, self._now_ns
                run.qty += trade.qty
                return
        self._end_run()
        self._run = _Run(trade.side, trade.venue_ns, trade.price, trade.qty, self._now_ns)

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None and run.prices >= SWEEP_LEVELS:
            self._add(FlowKind.SWEEP, run.side, run.price, run.qty, run.ns, run.prices)

    def _pass_to(self, now_ns: int) -> None:
        shift = now_ns - self._now_ns
        if shift < -_SET_BACK_NS:
            # The clock was set back: pending items would otherwise wait until it catches up.
            self._gone = deque(replace(gone, due_ns=gone.due_ns + shift) for gone in self._gone)
            if self._run is not None:
                self._run.seen_ns += shift
            self._now_ns = now_ns
        self._now_ns = max(self._now_ns, now_ns)

    def tick(self, now_ns: int) -> None:
        """Let time pass: end runs of trades, give due verdicts. Call it a few times a second.

        Args:
            now_ns: Wall clock.
        """
        self._pass_to(now_ns)
        if self._run is not None and self._now_ns - self._run.seen_ns >= SWEEP_NS:
            self._end_run()
        while self._gone and self._gone[0].due_ns <= self._now_ns:
            gone = self._gone.popleft()
            same_place = self._gone_at[gone.place]
            same_place.popleft()
            if not same_place:
                del self._gone_at[gone.place]
            if not self._hears_trades:
                continue
            if 2 * gone.wall.traded >= gone.lots:
                self._tell(FlowKind.FILLED, gone.place, gone.lots, gone.ns)
            else:
                self._tell(FlowKind.PULLED, gone.place, gone.lots, gone.ns)
        if len(self._told) > _KEPT_WALLS:
            horizon = max(ns for _, ns in self._told.values()) - QUIET_NS
            self._told = {place: told for place, told in self._told.items() if told[1] > horizon}

    def _tell(self, kind: FlowKind, place: _Place, qty: int, ns: int) -> None:
        told = self._told.get(place)
        if told is not None and ns - told[1] < QUIET_NS:
            ends_told_wall = told[0] is FlowKind.WALL and kind is not FlowKind.WALL
            if not ends_told_wall:
                return
        self._told[place] = (kind, ns)
        self._add(kind, place[0], place[1], qty, ns)

    def _add(self, kind: FlowKind, side: Side, price: int, qty: int, ns: int, levels: int = 0) -> None:
        self._events.append(FlowEvent(self._symbol, ns, kind, side, price, qty, levels))

    def drain(self) -> list[FlowEvent]:
        """Events since the last call, oldest first; at most 500 are kept."""
        events = list(self._events)
        self._events.clear()
        return events


def _came_into_depth(book: OrderBook, place: _Place, removed: int) -> bool:
    """Whether a new level only filled up the depth after others left (PROTOCOL.md section 4.2)."""
    side, ticks = place
    levels = (book.bids if side is Side.BUY else book.asks).top()
    if len(levels) < book.depth:
        return False
    edge = levels[max(0, len(levels) - removed)][0]
    return ticks <= edge if side is Side.BUY else ticks >= edge
