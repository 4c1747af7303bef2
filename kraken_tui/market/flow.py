"""Order flow worth a remark: walls that appear, move, are pulled or filled, large prints, sweeps.

The definitions are ours (DESIGN.md section 5). Few are told, each once, in the order of venue time:

- *Large* is a resting size of at least `threshold` lots, or a print of at least `print_threshold` lots, and worth at
  least `least`. The thresholds are the user's choice, or else `factor` times the 98th percentile of the pair's own
  sizes (levels of the book; the latest prints), rounded up to 1, 2 or 5 x 10^n and changed only when they are off by
  half.
- WALL: a level grows to a large size and is still there at the verdict. A level that was large in a snapshot, or comes
  back into the subscribed depth because better ones left, was there before and is only remembered.
- MOVED: a large size leaves one price and exactly that size is added at another price of the same side, within
  `VERDICT_NS` and `NEAR_BPS`, in either order. It stands in place of a wall and a pull. An order that goes on moving
  is told again after `QUIET_NS`.
- PULLED / FILLED: a large level falls below half of the threshold, or of its size where that is less: FILLED when
  trades at that price since the level became large explain at least half of what went, else PULLED. There is no
  verdict before the first trade message. Levels that merely leave the depth are not in the changes and are not judged.
  An order that came and went before its own verdict is not told at all.
- SWEEP: a print through at least `SWEEP_LEVELS` prices, of at least half of the size of a large one.
- LARGE: any other large print. A print is all fills of one taker's order (`market.trades`).

Every verdict waits `VERDICT_NS`, because book and trade messages of one fill, and the halves of a move, arrive in
either order. A wall and its end are reported once per side and price, then nothing for `QUIET_NS`, so that a
flickering order does not flood the list. While the book is not proven, nothing about it is told: `lose`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from heapq import heappop, heappush
from typing import TypeVar

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import FlowEvent, FlowKind, LevelChange, Print, Side, Trade
from kraken_tui.market.trades import continued, print_of
from kraken_tui.units import SECOND

VERDICT_NS = 500_000_000
"""How long every verdict waits for what belongs to it: trades, or the other half of a move."""

PRINT_NS = 50_000_000
"""How long a print waits for further fills, by the wall clock."""

SWEEP_LEVELS = 3
"""Prices a sweep goes through at least."""

NEAR_BPS = 50
"""How far an order can move and still be recognised, in basis points of its price."""

QUIET_NS = 10 * SECOND
"""How long one price, or one moving order, stays silent after an event about it."""

_SET_BACK_NS = SECOND
_KEPT_EVENTS = 500
_KEPT_WALLS = 2000
_KEPT_PRINTS = 500
_FEWEST_SIZES = 20
_PERCENTILE = 0.98
_LOOKED_AT = 16

_Place = tuple[Side, int]
_SizeKey = tuple[Side, int]
_Key = TypeVar("_Key")


def automatic_threshold(sizes: Iterable[int], current: int = 0, factor: float = 1.0) -> int:
    """Size from which an order is large, from the sizes seen.

    Args:
        sizes: Lots of resting levels, or of prints.
        current: Threshold in force; kept while the new one is within a factor of 1.5 of it, so that it rarely changes.
        factor: Multiple of the percentile.

    Returns:
        `factor` times the 98th percentile (nearest rank) rounded up to 1, 2 or 5 x 10^n, at least 1; 0 while fewer
        than 20 sizes are known.
    """
    ordered = sorted(sizes)
    if len(ordered) < _FEWEST_SIZES:
        return 0
    rank = -(-len(ordered) * round(_PERCENTILE * 100) // 100)
    value = max(1, round(ordered[rank - 1] * factor))
    if current and 2 * current <= 3 * value and 2 * value <= 3 * current:
        return current
    power: int = 10 ** (len(str(value)) - 1)
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


@dataclass(slots=True)
class _Wall:
    """A large resting size.

    Attributes:
        lots: Its largest size.
        traded: Lots traded there since.
        known: Price at which the reader knows of it, ticks; None before it was told.
        quiet_ns: Venue time until which its moves are not told.
    """

    lots: int
    traded: int = 0
    known: int | None = None
    quiet_ns: int = 0


class _What(Enum):
    CAME = 1
    WENT = 2
    PRINTED = 3


@dataclass(slots=True)
class _Item:
    """What waits for its verdict.

    Attributes:
        change: Lots that came or went in the one change.
        lots: Lots to report.
        part: Only part of a wall that stays: told only as one end of a move.
        off: Explained by something else.
    """

    what: _What
    place: _Place
    change: int
    lots: int
    ns: int
    due_ns: int
    wall: _Wall
    part: bool = False
    off: bool = False
    printed: Print | None = None


class FlowTracker:
    """Watches one pair.

    Args:
        symbol: v2 symbol, for the events.
        threshold: Lots from which any size is large; 0 for automatic.
        least: Least value of anything told, in ticks x lots; not asked where a threshold is given.
        factor: Multiple of the pair's own 98th percentile from which a size is large.
    """

    def __init__(self, symbol: str, threshold: int = 0, *, least: int = 0, factor: float = 1.0) -> None:
        self._symbol = symbol
        self._automatic = threshold <= 0
        self._factor = factor
        self._least = least if self._automatic else 0
        self.threshold = max(0, threshold)
        self.print_threshold = self.threshold
        self._walls: dict[_Place, _Wall] = {}
        self._pending: deque[_Item] = deque()
        # The same, to be found without searching all of them in a burst: walls that went by place, and both halves
        # of moves by side and size.
        self._went_at: dict[_Place, deque[_Item]] = {}
        self._halves: dict[tuple[_What, _SizeKey], deque[_Item]] = {}
        self._told: dict[_Place, tuple[FlowKind, int]] = {}
        self._run: Print | None = None
        self._run_seen_ns = 0
        self._print_sizes: deque[int] = deque(maxlen=_KEPT_PRINTS)
        self._prints_seen = self._prints_learned = 0
        self._learned_enough = False
        self._ready: list[tuple[int, int, FlowEvent]] = []
        self._events: deque[FlowEvent] = deque(maxlen=_KEPT_EVENTS)
        self._number = 0
        self._now_ns = 0
        self._hears_trades = False
        self._lost = True

    def hear_trades(self) -> None:
        """Note that the trade channel has answered, if only with a snapshot: from now on silence means no trades."""
        self._hears_trades = True

    # The book

    def lose(self) -> None:
        """Forget the book, because it is not proven: nothing about it is told until it is known again."""
        if self._lost:
            return
        self._lost = True
        self._walls.clear()
        self._went_at.clear()
        self._halves.clear()
        self._pending = deque(item for item in self._pending if item.what is _What.PRINTED)

    def on_snapshot(self, book: OrderBook) -> None:
        """Start over from a proven book, without events: its large levels are not new."""
        self.lose()
        self._lost = False
        self.learn(book)
        self._remember_walls(book)

    def _remember_walls(self, book: OrderBook) -> None:
        if self.threshold:
            for side in (book.bids, book.asks):
                for ticks, lots in side:
                    if self._is_large(ticks, lots):
                        self._walls.setdefault((side.side, ticks), _Wall(lots, known=ticks))

    def _is_large(self, ticks: int, lots: int) -> bool:
        return lots >= self.threshold and lots * ticks >= self._least

    def large_lots(self, ticks: int) -> int:
        """Lots from which an order resting at about this price is large; 0 while that is not known."""
        if not self.threshold or ticks <= 0:
            return self.threshold
        return max(self.threshold, -(-self._least // ticks))

    def learn(self, book: OrderBook) -> None:
        """Adapt automatic thresholds to the book and recent prints; cheap enough for once a second."""
        if not self._automatic:
            return
        sizes = [lots for side in (book.bids, book.asks) for _, lots in side]
        first = not self.threshold
        self.threshold = automatic_threshold(sizes, self.threshold, self._factor) or self.threshold
        if self._prints_learned != self._prints_seen or not self._learned_enough:
            self._prints_learned = self._prints_seen
            own = automatic_threshold(self._print_sizes, self.print_threshold, self._factor)
            self._learned_enough = bool(own)
            # Before enough prints are known, only one as large as a large order stands out for certain.
            self.print_threshold = own or self.threshold
        if first:
            self._remember_walls(book)

    def on_changes(self, changes: Sequence[LevelChange], book: OrderBook, ns: int, received_ns: int) -> None:
        """Take in one update that was applied to a book which is proven after it.

        Args:
            changes: What it changed, in its order.
            book: The book after it.
            ns: Venue time of the update.
            received_ns: Wall clock of its receipt.
        """
        self._pass_to(received_ns)
        if self._lost:
            self.on_snapshot(book)
            return
        threshold = self.threshold
        if not threshold:
            return
        walls = self._walls
        for number, (side, ticks, before, after) in enumerate(changes):
            place = (side, ticks)
            if after < threshold and place not in walls:
                continue
            wall = walls.get(place)
            if wall is None:
                if self._is_large(ticks, after):
                    removed = sum(1 for other, _, was, now in changes[:number] if was and not now and other is side)
                    self._appear(place, before, after, book, removed, ns)
            elif 2 * after < min(threshold, wall.lots):
                self._vanish(place, wall, before, after, ns)
            else:
                self._resize(place, wall, before, after, ns)

    def _appear(self, place: _Place, before: int, after: int, book: OrderBook, removed: int, ns: int) -> None:
        while len(self._walls) >= _KEPT_WALLS:
            del self._walls[next(iter(self._walls))]
        wall = self._walls[place] = _Wall(after)
        if before >= self.threshold or (not before and removed and _came_into_depth(book, place, removed)):
            wall.known = place[1]
            return
        self._came(place, after - before, after, ns, wall)

    def _came(self, place: _Place, change: int, lots: int, ns: int, wall: _Wall, *, part: bool = False) -> None:
        other = self._half(_What.WENT, place, change)
        if other is not None:
            other.off = True
            wall.known, wall.quiet_ns = other.wall.known, other.wall.quiet_ns
        self._wait(_What.CAME, place, change, lots, ns, wall, part=part)

    def _vanish(self, place: _Place, wall: _Wall, before: int, after: int, ns: int) -> None:
        del self._walls[place]
        # With no size before, the level was outside the depth and shrank unseen.
        if before:
            self._went(place, before - after, max(wall.lots, before) - after, ns, wall)

    def _went(self, place: _Place, change: int, lots: int, ns: int, wall: _Wall, *, part: bool = False) -> None:
        other = self._half(_What.CAME, place, change)
        if other is not None and 2 * wall.traded < change:
            other.wall.known, other.wall.quiet_ns = wall.known, wall.quiet_ns
            return
        item = self._wait(_What.WENT, place, change, lots, ns, wall, part=part)
        if not part:
            self._went_at.setdefault(place, deque()).append(item)

    def _resize(self, place: _Place, wall: _Wall, before: int, after: int, ns: int) -> None:
        """A wall that stays; part of it may have come from, or gone to, another price."""
        change = after - before
        if after > wall.lots:
            wall.lots, wall.traded = after, 0
        if change >= self.threshold:
            self._came(place, change, change, ns, _Wall(change), part=True)
        elif -change >= self.threshold:
            self._went(place, -change, -change, ns, _Wall(-change, wall.traded, place[1], wall.quiet_ns), part=True)

    def _half(self, what: _What, place: _Place, change: int) -> _Item | None:
        """The nearest size that can be the other half of a move."""
        side, ticks = place
        near: _Item | None = None
        for item in tuple(self._halves.get((what, (side, change)), ()))[-_LOOKED_AT:]:
            distance = abs(item.place[1] - ticks)
            if item.off or 10_000 * distance > NEAR_BPS * ticks:
                continue
            if what is _What.CAME and (item.wall.known is not None or not distance):
                continue
            if what is _What.WENT and 2 * item.wall.traded >= change:
                continue
            if near is None or distance <= abs(near.place[1] - ticks):
                near = item
        return near

    # Trades

    def learn_prints(self, trades: Iterable[Trade]) -> None:
        """Learn usual sizes from trades of the past, by ascending position; nothing is told of them."""
        run: Print | None = None
        for trade in trades:
            joined = run and continued(run, trade)
            if run is not None and joined is None:
                self._note_size(run)
            run = joined or print_of(trade)
        if run is not None:
            self._note_size(run)

    def _note_size(self, run: Print) -> None:
        self._print_sizes.append(run.qty)
        self._prints_seen += 1

    def on_trades(self, trades: Iterable[Trade]) -> None:
        """Take in live trades, by ascending position."""
        self._hears_trades = True
        for trade in trades:
            # A buy takes asks: the wall it eats is on the other side of the book.
            place = (Side.SELL if trade.side is Side.BUY else Side.BUY, trade.price)
            wall = self._walls.get(place)
            if wall is not None:
                wall.traded += trade.qty
            elif place in self._went_at:
                self._went_at[place][0].wall.traded += trade.qty
            joined = None if self._run is None else continued(self._run, trade)
            if joined is None:
                self._end_run()
                joined = print_of(trade)
            self._run, self._run_seen_ns = joined, self._now_ns

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        self._note_size(run)
        limit = self.print_threshold
        swept = run.levels >= SWEEP_LEVELS and 2 * run.qty >= limit
        if limit and (swept or run.qty >= limit) and run.turnover >= self._least:
            place = (run.side, run.last)
            item = self._wait(_What.PRINTED, place, run.qty, run.qty, run.venue_ns, _Wall(run.qty))
            item.printed = run
            item.due_ns = self._run_seen_ns + VERDICT_NS

    # Time

    def _wait(
        self, what: _What, place: _Place, change: int, lots: int, ns: int, wall: _Wall, *, part: bool = False
    ) -> _Item:
        item = _Item(what, place, change, lots, ns, self._now_ns + VERDICT_NS, wall, part)
        self._pending.append(item)
        if what is not _What.PRINTED:
            self._halves.setdefault((what, (place[0], change)), deque()).append(item)
        return item

    def _pass_to(self, now_ns: int) -> None:
        shift = now_ns - self._now_ns
        if shift < -_SET_BACK_NS:
            # The clock was set back: pending items would otherwise wait until it catches up.
            for item in self._pending:
                item.due_ns += shift
            self._run_seen_ns += shift
            self._now_ns = now_ns
        if shift > 0:
            self._now_ns = now_ns
        # Before what comes next, so that it does not matter how often `tick` is called.
        if self._run is not None and self._now_ns - self._run_seen_ns >= PRINT_NS:
            self._end_run()
        while self._pending and self._pending[0].due_ns <= self._now_ns:
            self._judge(self._pending.popleft())

    def tick(self, now_ns: int) -> None:
        """Let time pass: give due verdicts and tell what is due. Call it a few times a second.

        Args:
            now_ns: Wall clock.
        """
        self._pass_to(now_ns)
        if self._ready:
            # What waits may turn out to be older.
            earliest = min((item.ns for item in self._pending if not item.off), default=None)
            if self._run is not None and (earliest is None or self._run.venue_ns < earliest):
                earliest = self._run.venue_ns
            while self._ready and (earliest is None or self._ready[0][0] <= earliest):
                self._events.append(heappop(self._ready)[2])
        if len(self._told) > _KEPT_WALLS:
            horizon = max(ns for _, ns in self._told.values()) - QUIET_NS
            self._told = {place: told for place, told in self._told.items() if told[1] > horizon}

    def _judge(self, item: _Item) -> None:
        if item.what is _What.PRINTED:
            self._judge_print(item)
            return
        _drop(self._halves, (item.what, (item.place[0], item.change)))
        if item.what is _What.CAME:
            self._judge_came(item)
            return
        if not item.part:
            _drop(self._went_at, item.place)
        if item.off or item.part or item.wall.known is None or not self._hears_trades:
            return
        filled = 2 * item.wall.traded >= item.lots
        self._tell(FlowKind.FILLED if filled else FlowKind.PULLED, item.place, item.lots, item.ns)

    def _judge_print(self, item: _Item) -> None:
        printed = item.printed
        assert printed is not None
        sweep = printed.levels >= SWEEP_LEVELS
        self._add(
            FlowEvent(
                self._symbol,
                printed.venue_ns,
                FlowKind.SWEEP if sweep else FlowKind.LARGE,
                printed.side,
                printed.last,
                printed.qty,
                printed.levels if sweep else 0,
                origin=printed.first,
                turnover=printed.turnover,
                fills=printed.count,
            )
        )

    def _judge_came(self, item: _Item) -> None:
        wall, (_, ticks) = item.wall, item.place
        standing = self._walls.get(item.place)
        if standing is None or (standing is not wall and not item.part):
            # It went again: that has a verdict of its own.
            return
        known, wall.known = wall.known, ticks
        if known is None:
            if not item.part:
                self._tell(FlowKind.WALL, item.place, item.lots, item.ns)
        elif known != ticks and item.ns >= wall.quiet_ns:
            wall.quiet_ns = standing.quiet_ns = item.ns + QUIET_NS
            self._told[item.place] = (FlowKind.WALL, item.ns)
            self._report(FlowKind.MOVED, item.place, item.change, item.ns, origin=known)

    def _tell(self, kind: FlowKind, place: _Place, qty: int, ns: int) -> None:
        told = self._told.get(place)
        if told is not None and ns - told[1] < QUIET_NS:
            ends_told_wall = told[0] is FlowKind.WALL and kind is not FlowKind.WALL
            if not ends_told_wall:
                return
        self._told[place] = (kind, ns)
        self._report(kind, place, qty, ns)

    def _report(self, kind: FlowKind, place: _Place, qty: int, ns: int, origin: int | None = None) -> None:
        side, ticks = place
        self._add(FlowEvent(self._symbol, ns, kind, side, ticks, qty, origin=origin, turnover=ticks * qty))

    def _add(self, event: FlowEvent) -> None:
        self._number += 1
        heappush(self._ready, (event.ns, self._number, event))

    def drain(self) -> list[FlowEvent]:
        """Events since the last call, oldest first; at most 500 are kept."""
        if not self._events:
            return []
        events = list(self._events)
        self._events.clear()
        return events


def _drop(queues: dict[_Key, deque[_Item]], key: _Key) -> None:
    """Remove the oldest of one key."""
    queue = queues.get(key)
    if queue:
        queue.popleft()
        if not queue:
            del queues[key]


def _came_into_depth(book: OrderBook, place: _Place, removed: int) -> bool:
    """Whether a new level only filled up the depth after others left (PROTOCOL.md section 4.2)."""
    side, ticks = place
    levels = (book.bids if side is Side.BUY else book.asks).top()
    if len(levels) < book.depth:
        return False
    edge = levels[max(0, len(levels) - removed)][0]
    return ticks <= edge if side is Side.BUY else ticks >= edge
