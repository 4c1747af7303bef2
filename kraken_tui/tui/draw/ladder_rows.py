"""Which price stands in which row of the depth ladder, from one picture to the next: rows hold. Pure.

A row keeps its price. A level that vanishes leaves its row empty, one that appears between two rows waits, and both
are put right at the next settling. Only the touch never waits: it takes an empty row beside the spread, or moves as few
rows as it can. A settling moves few rows too: it prices every row that would show another price, and every row left
empty by how long it has been, and takes the cheapest arrangement in which no level between the touch and the end of
the window is missing.

How much may move is a budget that grows with time, so that no market can make the ladder a blur: in a rush the rows
are settled every few seconds instead of every second, and the ladder says how many levels wait.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

from kraken_tui.market.events import Level
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.book_memory import BarScale
from kraken_tui.units import SECOND

SPREAD = 0
"""Stands for the line between the sides in a list of rows."""

BLANK = -1
"""Stands for a row without a price."""

SETTLE_NS = SECOND
"""Least time between two settlings."""

OVERDUE_NS = 6 * SECOND
"""When a settling is no longer put off while as many levels wait as half the rows: still comes after true and clear."""

MOTION = 0.4
"""Share of the rows that may show another price within a second, on average; the touch may overdraw it."""

_HOLE_COST = 0.4
"""What an empty row costs a settling, in moved rows, for each settling it has been through."""

_RETRY_NS = SETTLE_NS // 4
"""When a settling is tried again that would have moved too much."""

_OFF_CENTRE_COST = 0.02
_REBUILT = 0.6
"""Share of moved rows from which a settling may as well put the touch back into the middle."""


class PlacedRows(msgspec.Struct, frozen=True):
    """The rows of one picture.

    Attributes:
        prices: From the top: a price in ticks, `SPREAD` or `BLANK`.
        waiting: Levels between the touch and the ends of the window that have no row yet.
        held: Whether the rows stand still until mouse or cursor leave.
        scale: Lots that a full bar stands for; 0 to choose by the sizes in sight.
    """

    prices: tuple[int, ...]
    waiting: int = 0
    held: bool = False
    scale: int = 0


class SideKeys(msgspec.Struct, frozen=True):
    """One side of a book as ascending keys: ticks of asks, negated ticks of bids.

    Attributes:
        sign: +1 for asks, -1 for bids.
        keys: From the touch outwards.
        numbers: Number of each level by its key, 0 for the touch.
        full: Whether there may be levels beyond the last: as many are known as were subscribed.
    """

    sign: int
    keys: tuple[int, ...]
    numbers: dict[int, int]
    full: bool

    def number(self, ticks: int) -> int | None:
        """Number of the level at a price, 0 for the touch; None if nothing rests there."""
        return self.numbers.get(self.sign * ticks)

    def known(self, ticks: int) -> bool:
        """Whether the book tells what rests at a price of this side."""
        return not self.full or self.sign * ticks <= self.keys[-1]

    def beyond_touch(self, ticks: int) -> bool:
        """Whether a price lies at the touch or further out."""
        return bool(self.keys) and self.sign * ticks >= self.keys[0]


def side_keys(levels: Sequence[Level], sign: int, depth: int) -> SideKeys:
    """The keys of a side.

    Args:
        levels: Best first.
        sign: +1 for asks, -1 for bids.
        depth: Levels subscribed.
    """
    keys = tuple([sign * ticks for ticks, _ in levels])
    return SideKeys(sign, keys, dict(zip(keys, range(len(keys)), strict=True)), 0 < depth <= len(levels))


def middle_row(body: int, offset: int = 0) -> int:
    """Row of the spread in a fresh window of `body` rows, moved down by `offset`; it may lie outside."""
    return (body - 1) // 2 + offset


def fresh_rows(asks: SideKeys, bids: SideKeys, body: int, line: int) -> tuple[int, ...]:
    """Rows without a past: every level next to the one before, the spread in row `line` (which may lie outside)."""
    rows: list[int] = []
    for row in range(max(0, body)):
        side, number = (asks, line - 1 - row) if row < line else (bids, row - line - 1)
        if row == line:
            rows.append(SPREAD)
        else:
            rows.append(side.sign * side.keys[number] if number < len(side.keys) else BLANK)
    return tuple(rows)


def settled(old: Sequence[int], side: SideKeys, other: SideKeys, ages: dict[int, int]) -> tuple[float, list[int]]:
    """The cheapest rows of one side in which no level is missing between the touch and the last row.

    Every row in turn, from the spread outwards, gets the next level or stays as empty as it is.

    Args:
        old: What stands in these rows now, from the spread outwards.
        side: The levels.
        other: The other side: an empty row must not lie within it.
        ages: Settlings that the empty rows have been through, by price.

    Returns:
        The cost, and the new rows.
    """
    count, sign = len(old), side.sign
    levels = len(side.keys)
    most_holes = count // 3
    # best[holes]: cheapest way to fill the rows so far with that many left empty; `back` says whether the last one is.
    best: dict[int, float] = {0: 0.0}
    back: list[dict[int, bool]] = []
    for row, now in enumerate(old):
        step: dict[int, float] = {}
        came: dict[int, bool] = {}
        hole = now > 0 and side.number(now) is None and side.known(now) and not other.beyond_touch(now)
        hole_cost = _HOLE_COST * (1 + ages.get(now, 0)) if hole else 0.0
        for holes, cost in best.items():
            number = min(row - holes, levels)
            wanted = sign * side.keys[number] if number < levels else BLANK
            total = cost + (wanted != now)
            if total < step.get(holes, count + 1e9):
                step[holes], came[holes] = total, False
            if (
                hole
                and holes < most_holes
                and (number >= levels or sign * now < side.keys[number])
                and (number == 0 or sign * now > side.keys[number - 1])
                and cost + hole_cost < step.get(holes + 1, count + 1e9)
            ):
                step[holes + 1], came[holes + 1] = cost + hole_cost, True
        best = step
        back.append(came)
    holes = min(best, key=lambda each: best[each])
    total = best[holes]
    rows: list[int] = []
    for row in range(count - 1, -1, -1):
        if back[row][holes]:
            rows.append(old[row])
            holes -= 1
        else:
            number = row - holes
            rows.append(sign * side.keys[number] if number < levels else BLANK)
    return total, rows[::-1]


class LadderRows:
    """Places the levels of one ladder, picture after picture."""

    def __init__(self) -> None:
        self._shown_for: tuple[object, ...] = ()
        self._rows: list[int] = []
        self._ages: dict[int, int] = {}
        self._settled_ns = 0
        self._tried_ns = 0
        self._taken_ns = 0
        self._budget = 0.0
        self._scale = BarScale()
        self._book: tuple[object, object] = ((), ())
        self._asks = self._bids = side_keys((), 1, 0)

    def start_over(self) -> None:
        """Forget the rows: the next picture has the touch in the middle."""
        self._shown_for = ()

    def spans(self, ticks: int) -> bool:
        """Whether a price lies between the first and the last row."""
        prices = [price for price in self._rows if price > 0]
        return bool(prices) and prices[-1] <= ticks <= prices[0]

    def take(self, view: PairView, body: int, now_ns: int, *, held: bool = False, offset: int = 0) -> PlacedRows:
        """Place the levels of the newest view.

        Args:
            view: The pair; with a level at least.
            body: Rows of the window.
            now_ns: Of the viewer's clock, ns; only differences count.
            held: Whether the rows must stand still: mouse, cursor or a drag rests there.
            offset: Rows the touch was moved down by hand.
        """
        self._read(view)
        asks, bids = self._asks, self._bids
        spec = view.spec
        shown_for = (view.symbol, body, offset, spec and (spec.price_precision, spec.qty_precision))
        crossed = bool(asks.keys and bids.keys) and -bids.keys[0] >= asks.keys[0]
        line = middle_row(body, offset)
        if shown_for != self._shown_for or crossed:
            self._shown_for = () if crossed else shown_for
            self._rows = list(fresh_rows(asks, bids, body, line))
            self._begin(now_ns, body)
        elif not held:
            passed = min(max(0, now_ns - self._taken_ns), 60 * SECOND) / SECOND
            self._budget = min(float(body), self._budget + MOTION * body * passed)
            self._let_touch_in()
            self._fill_ends()
            if not 0 <= now_ns - self._tried_ns < SETTLE_NS:
                self._settle(line, now_ns, fresh=bool(offset))
        self._taken_ns = now_ns
        return PlacedRows(tuple(self._rows), self._waiting(), held, self._scale.take(self._sizes(view), now_ns))

    def _read(self, view: PairView) -> None:
        if self._book[0] is not view.asks or self._book[1] is not view.bids:
            self._book = (view.asks, view.bids)
            self._asks = side_keys(view.asks, 1, view.known_depth)
            self._bids = side_keys(view.bids, -1, view.known_depth)

    def _begin(self, now_ns: int, body: int) -> None:
        self._scale = BarScale()
        self._ages.clear()
        self._settled_ns = self._tried_ns = now_ns
        self._budget = float(body)

    def _live(self, ticks: int) -> bool:
        return ticks > 0 and (self._asks.number(ticks) is not None or self._bids.number(ticks) is not None)

    def _sizes(self, view: PairView) -> list[int]:
        sizes: list[int] = []
        for ticks in self._rows:
            for side, levels in ((self._asks, view.asks), (self._bids, view.bids)):
                number = side.number(ticks) if ticks > 0 else None
                if number is not None:
                    sizes.append(levels[number][1])
        return sizes

    def _waiting(self) -> int:
        rows = self._rows
        prices = [ticks for ticks in rows if ticks > 0]
        if not prices:
            return 0
        count = 0
        for side, last in ((self._asks, rows[0]), (self._bids, rows[-1])):
            ends = sorted((side.sign * prices[0], side.sign * prices[-1]))
            # With the spread in sight the levels from the touch on belong to the window, else those from its first row;
            # where its last row is free, all others do.
            first = 0 if SPREAD in rows else bisect_left(side.keys, ends[0])
            stop = len(side.keys) if last == BLANK else bisect_right(side.keys, ends[1])
            count += max(0, stop - first - sum(side.number(ticks) is not None for ticks in prices))
        return count

    def _fill_ends(self) -> None:
        """Write levels beyond the last row of a side into free rows there; nothing has to move for them."""
        rows = self._rows
        for side, order in ((self._asks, range(len(rows))), (self._bids, range(len(rows) - 1, -1, -1))):
            free = list(itertools.takewhile(lambda row: rows[row] == BLANK, order))
            if not free or len(free) == len(rows):
                continue
            last = rows[free[-1] + side.sign]
            first = bisect_right(side.keys, side.sign * last) if last > 0 else 0
            for row, key in zip(reversed(free), side.keys[first:], strict=False):
                rows[row] = side.sign * key

    # The touch, at once

    def _let_touch_in(self) -> None:
        """Give best bid and ask a row, and the spread its place between them."""
        rows = self._rows
        if SPREAD not in rows:
            return
        lowest_ask, highest_bid = self._ends()
        ask, bid = self._missing()
        was = rows.index(SPREAD)
        between = lowest_ask < was < highest_bid
        if ask is None and bid is None and between:
            return
        before = tuple(rows)
        if not between:
            rows[was] = BLANK
        while highest_bid - lowest_ask - 1 < min(1 + (ask is not None) + (bid is not None), len(rows)):
            self._make_room(lowest_ask, highest_bid)
            lowest_ask, highest_bid = self._ends()
            ask, bid = self._missing()
        self._put_touch(lowest_ask, highest_bid, ask, bid, was)
        self._budget -= sum(old != new for old, new in zip(before, self._rows, strict=True))
        self._budget = max(self._budget, -float(len(rows)))

    def _ends(self) -> tuple[int, int]:
        """The lowest row that holds an ask (-1 for none), and the highest that holds a bid."""
        rows = self._rows
        asks = [row for row, ticks in enumerate(rows) if ticks > 0 and self._asks.number(ticks) is not None]
        bids = [row for row, ticks in enumerate(rows) if ticks > 0 and self._bids.number(ticks) is not None]
        return (asks[-1] if asks else -1), (bids[0] if bids else len(rows))

    def _missing(self) -> tuple[int | None, int | None]:
        """Best ask and bid where they have no row."""
        ask = self._asks.keys[0] if self._asks.keys else None
        bid = -self._bids.keys[0] if self._bids.keys else None
        return (None if ask in self._rows else ask), (None if bid in self._rows else bid)

    def _make_room(self, lowest_ask: int, highest_bid: int) -> None:
        """Free one row between the sides: move those up to the nearest empty row, or drop the last one of a side."""
        rows = self._rows
        up = next((row for row in range(lowest_ask, -1, -1) if not self._live(rows[row])), None)
        down = next((row for row in range(highest_bid, len(rows)) if not self._live(rows[row])), None)
        ask, bid = self._missing()
        # The spread moves too where the side gives that gets no new row.
        up_cost = (lowest_ask + 1 if up is None else lowest_ask - up) + (bid is not None and ask is None)
        down_cost = (len(rows) if down is None else down) - highest_bid + (ask is not None and bid is None)
        go_up = up_cost < down_cost or (up_cost == down_cost and ask is not None)
        if up is None and down is None and min(lowest_ask + 1, len(rows) - highest_bid) <= len(rows) // 4:
            # Nothing is empty, and a short side must not become shorter.
            go_up = lowest_ask + 1 > len(rows) - highest_bid
        if lowest_ask < 0 or highest_bid >= len(rows):
            go_up = highest_bid >= len(rows)
        if go_up:
            del rows[0 if up is None else up]
            rows.insert(lowest_ask, BLANK)
        else:
            del rows[len(rows) - 1 if down is None else down]
            rows.insert(highest_bid, BLANK)

    def _put_touch(self, lowest_ask: int, highest_bid: int, ask: int | None, bid: int | None, was: int) -> None:
        """Write spread and missing touch into the rows between the sides, where that changes the fewest."""
        rows = self._rows
        zone = rows[lowest_ask + 1 : highest_bid]
        cheapest: tuple[int, list[int]] | None = None
        for at in range(int(ask is not None), len(zone) - int(bid is not None)):
            new = self._zone_with(zone, at, ask, bid)
            moved = sum(old != now for old, now in zip(zone, new, strict=True))
            # Where it makes no difference, the spread stays near its row.
            cost = 100 * moved + abs(lowest_ask + 1 + at - was)
            if cheapest is None or cost < cheapest[0]:
                cheapest = (cost, new)
        if cheapest is not None:
            rows[lowest_ask + 1 : highest_bid] = cheapest[1]

    def _zone_with(self, zone: list[int], at: int, ask: int | None, bid: int | None) -> list[int]:
        """The empty rows between the sides with the spread in row `at`, a touch where one is given, all in order."""
        new = [BLANK if ticks == SPREAD else ticks for ticks in zone]
        first, last = at, at
        if ask is not None:
            first = min(sum(ticks > ask for ticks in zone[:at]), at - 1)
        if bid is not None:
            last = len(zone) - 1 - min(sum(0 < ticks < bid for ticks in zone[at + 1 :]), len(zone) - 2 - at)
        for row, ticks in enumerate(new):
            if ticks < 0:
                continue
            # An empty row beside the spread lies between best bid and best ask, one beyond the touch beyond it.
            if row < at:
                wrong = self._bids.beyond_touch(ticks) or (ask is not None and (ticks > ask) != (row < first))
            else:
                wrong = self._asks.beyond_touch(ticks) or (bid is not None and (ticks < bid) != (row > last))
            if wrong:
                new[row] = BLANK
        new[at] = SPREAD
        if ask is not None:
            new[first] = ask
        if bid is not None:
            new[last] = bid
        return new

    # The settling

    def _settle(self, line: int, now_ns: int, *, fresh: bool) -> None:
        """Put all levels into rows, if the budget allows what that moves."""
        rows = self._rows
        body = len(rows)
        new: Sequence[int]
        if fresh or SPREAD not in rows:
            new = fresh_rows(self._asks, self._bids, body, line)
        else:
            new = self._cheapest(rows.index(SPREAD), line)
        cost = sum(old != now for old, now in zip(rows, new, strict=True))
        if cost > _REBUILT * body:
            new = fresh_rows(self._asks, self._bids, body, line)
            cost = sum(old != now for old, now in zip(rows, new, strict=True))
        overdue = now_ns - self._settled_ns >= OVERDUE_NS and self._waiting() > body // 2
        if cost > self._budget and not overdue:
            self._tried_ns = now_ns - SETTLE_NS + _RETRY_NS
            return
        self._budget = max(self._budget - cost, -float(body))
        self._rows = list(new)
        self._settled_ns = self._tried_ns = now_ns
        self._ages = {ticks: self._ages.get(ticks, 0) + 1 for ticks in new if ticks > 0 and not self._live(ticks)}

    def _cheapest(self, now: int, middle: int) -> list[int]:
        rows = self._rows
        body = len(rows)
        band = max(1, body // 4)
        lines = [row for row in range(now - 2, now + 3) if abs(row - middle) <= band and 0 <= row < body]
        if abs(now - middle) > band:
            lines = [middle]
        cheapest: tuple[float, list[int]] | None = None
        for line in lines:
            up_cost, up = settled(rows[:line][::-1], self._asks, self._bids, self._ages)
            down_cost, down = settled(rows[line + 1 :], self._bids, self._asks, self._ages)
            cost = up_cost + down_cost + (line != now) + _OFF_CENTRE_COST * abs(line - middle)
            if cheapest is None or cost < cheapest[0]:
                cheapest = (cost, [*up[::-1], SPREAD, *down])
        assert cheapest is not None
        return cheapest[1]
