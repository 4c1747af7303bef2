"""One market in virtual time: a seeded crowd of quotes and trades around a wandering price.

Pure and synchronous: `advance(now_ns)` plays every event up to `now_ns` and yields what changed. The
sequence depends on the seed alone, never on how often `advance` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from kraken_tui.exchange.changes import Change, OwnFill
from kraken_tui.exchange.depthbook import ASK, BID, DepthBook, Side
from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.latent import LIVELY, Arrivals, CrossPrice, FairPrice, Sizes, rank
from kraken_tui.exchange.pairs import PairSpec
from kraken_tui.exchange.records import Trade

_MAX_CATCH_UP_NS = 120 * NS
_MAX_SWEEP_LEVELS = 12
KEEP_LEVELS = 20


@dataclass(slots=True)
class _Wall:
    side: Side
    key: int
    until_ns: int


class Simulator:
    """The book and trades of one pair.

    Args:
        spec: the pair.
        seed: with the symbol, decides everything.
        now_ns: time at which the book stands as built, ns since the epoch.
        rate: multiple of the pair's usual message and trade rates.
        fair: the price that the quotes follow; None for one that wanders by itself.

    Attributes:
        book: the full book; watch depths on it to have deltas in the changes.
        now_ns: how far the market has been played, ns since the epoch.
        last_change_ns: time of the newest event.
        mode: system or pair status; `online` trades, `post_only` and `limit_only` do not match,
            `cancel_only` only removes, anything else stands still.
        next_trade_id: id of the next fill.
    """

    spells = LIVELY

    def __init__(
        self, spec: PairSpec, seed: int, now_ns: int, rate: float = 1.0, fair: CrossPrice | None = None
    ) -> None:
        self.spec = spec
        self.rng = Random(f"{seed}/{spec.symbol}/book")
        self.book = DepthBook(spec.price_precision, spec.qty_precision)
        self.now_ns = now_ns
        self.last_change_ns = now_ns // 1000 * 1000
        self.mode = "online"
        self.next_trade_id = 10_000_000 + self.rng.randrange(80_000_000)
        opening = spec.price_ticks * (1.0 + self.rng.gauss(0.0, 0.002))
        self.fair = FairPrice(self.rng, opening, spec.daily_vol) if fair is None else fair
        self._arrivals = Arrivals(self.rng, spec.events_per_s * rate, self.spells)
        self._trade_share = min(0.25, spec.trades_per_s / spec.events_per_s)
        self._unit = spec.tick_multiple
        lots = spec.median_notional * 10 ** (spec.price_precision + spec.qty_precision) / spec.price_ticks
        self._sizes = Sizes(self.rng, lots, spec.qty_min_lots)
        self._walls: list[_Wall] = []
        self._trades: list[Trade] = []
        self._own: list[OwnFill] = []
        self._shape()
        self._build()
        self._next_ns = self._schedule(self.last_change_ns)

    # --- shape of the book

    def _shape(self) -> None:
        ticks = self.fair.anchor
        unit = self._unit
        self._gap = max(1.1 * unit, self.spec.gap_bps * ticks / 10_000)
        self._spread = max(1.0 * unit, self.spec.spread_bps * ticks / 10_000)
        self._tail = 0.15 * ticks
        step = 10 ** max(0, len(str(int(ticks))) - 3)
        self._round_steps = tuple(max(unit, step * share // 20) for share in (5, 10, 20))

    def _distance(self, at: float) -> float:
        """Ticks from the touch at which the level of rank `at` usually stands."""
        return self._gap * at + self._tail * (at / self.spec.levels) ** 3

    def _build(self) -> None:
        half = self._spread / 2
        unit = self._unit
        for side in (self.book.bids, self.book.asks):
            side.keys.clear()
            side.lots.clear()
            side.dirty = True
            start = self.fair.ticks + side.sign * half
            key = self._snap(side, start)
            for at in range(self.spec.levels):
                if key >= 0 and side.sign == BID:
                    break
                side.keys.append(key)
                side.lots[key] = self._resting(at)
                mean = (self._distance(at + 1) - self._distance(at)) / unit
                key += unit * (1 + int(self.rng.expovariate(1.0 / max(mean - 0.5, 0.05))))
        self._walls.clear()
        if self.book.bids.keys[0] + self.book.asks.keys[0] <= 0:
            raise AssertionError("a new book is crossed")

    def _resting(self, at: int) -> int:
        """Size in lots of a new order at the level of rank `at`."""
        return self._sizes.draw(1.0 + min(at, 200) / 100)

    def _snap(self, side: Side, ticks: float) -> int:
        """The key on `side` at or behind `ticks`, on the price increment: bids down, asks up."""
        unit = self._unit
        return -int(-side.sign * ticks // unit) * unit

    def _schedule(self, after_ns: int) -> int:
        gap = self._arrivals.gap_s(after_ns / NS)
        return after_ns + max(1000, int(gap * 1_000_000) * 1000)

    @property
    def touch(self) -> tuple[int, int, int, int]:
        """Best bid in ticks and lots, best ask in ticks and lots."""
        bids, asks = self.book.bids, self.book.asks
        bid, ask = bids.keys[0], asks.keys[0]
        return -bid, bids.lots[bid], ask, asks.lots[ask]

    def set_rate(self, rate: float) -> None:
        """Change the multiple of the usual message rate from the next event on."""
        self._arrivals.per_s = self.spec.events_per_s * rate

    def leap(self, now_ns: int, ticks: float) -> None:
        """Rebuild the book around another price at another time, for a market nobody was watching.

        Args:
            now_ns: the new present, ns since the epoch.
            ticks: the new fair price in ticks.
        """
        self.fair.ticks = ticks
        self.now_ns = now_ns
        self.last_change_ns = max(self.last_change_ns + 1000, now_ns // 1000 * 1000)
        for side in (self.book.bids, self.book.asks):
            if side.queues is not None:
                side.queues.clear()
        self._build()
        self._next_ns = self._schedule(self.last_change_ns)

    def rescale(self, spec: PairSpec) -> None:
        """Move every price and quantity to another pair's precisions, merging levels that fall together.

        Args:
            spec: the same market with new precisions.
        """
        by_price = 10.0 ** (spec.price_precision - self.spec.price_precision)
        by_qty = 10.0 ** (spec.qty_precision - self.spec.qty_precision)
        old, depths = self.book, self.book.depths
        self.spec, self._unit = spec, spec.tick_multiple
        self.fair.rescale(by_price)
        self.book = DepthBook(spec.price_precision, spec.qty_precision)
        self.book.watch(depths)
        for was, side in ((old.bids, self.book.bids), (old.asks, self.book.asks)):
            for ticks, lots in was.levels(len(was)):
                key = self._snap(side, round(ticks * by_price, 3))
                if key * side.sign <= 0:
                    break
                side.lots[key] = side.lots.get(key, 0) + max(1, round(lots * by_qty))
            side.keys = sorted(side.lots)
        self._sizes.median *= by_qty
        self._sizes.minimum = spec.qty_min_lots
        self._walls.clear()
        self._shape()

    # --- time

    def advance(self, now_ns: int) -> Iterator[Change]:
        """Play every event due by `now_ns`, yielding each right after the book took it.

        A gap of more than two minutes is skipped up to its last two minutes: nobody can have been reading.

        Args:
            now_ns: ns since the epoch; an earlier time than already reached does nothing.
        """
        if now_ns - self._next_ns > _MAX_CATCH_UP_NS and now_ns - self.now_ns > _MAX_CATCH_UP_NS:
            self._next_ns = now_ns - _MAX_CATCH_UP_NS
        while self._next_ns <= now_ns:
            ts_ns = self._next_ns
            self.now_ns = ts_ns
            change = self._event(ts_ns)
            self._next_ns = self._schedule(ts_ns)
            if change is not None:
                yield change
        self.now_ns = max(self.now_ns, now_ns)

    def _event(self, ts_ns: int) -> Change | None:
        dt_s = (ts_ns - self.last_change_ns) / NS
        self.fair.step(dt_s, self._arrivals.vol)
        return self._message(ts_ns, self._act)

    def act(self, act: Callable[[int], None]) -> Change | None:
        """Let somebody from outside do something with the book now, as one event.

        Args:
            act: called with the time of the event, ns since the epoch.
        """
        ts_ns = max(self.last_change_ns + 1000, self.now_ns // 1000 * 1000)
        self._next_ns = max(self._next_ns, ts_ns + 1000)
        return self._message(ts_ns, act)

    def _message(self, ts_ns: int, act: Callable[[int], None]) -> Change | None:
        self.last_change_ns = ts_ns
        book = self.book
        bid, ask = book.bids.keys[0], book.asks.keys[0]
        book.begin()
        self._trades, self._own = [], []
        queued = book.bids.queues is not None
        if queued:
            self._stamp_queues(ts_ns)
        act(ts_ns)
        if queued:
            self._trade_through(ts_ns)
        deltas = book.take()
        moved = book.bids.keys[0] != bid or book.asks.keys[0] != ask
        if not deltas and not self._trades and not moved and not queued:
            return None
        checksum = book.checksum if deltas else 0
        return Change(ts_ns, deltas, checksum, self._trades, self.touch, moved, self._own)

    def _stamp_queues(self, ts_ns: int) -> None:
        for side in (self.book.bids, self.book.asks):
            if side.queues is not None:
                side.queues.now_ns = max(side.queues.now_ns, ts_ns)

    def _trade_through(self, ts_ns: int) -> None:
        """An account's order that stands alone at the touch is taken once the fair price has gone past it."""
        if self.mode != "online":
            return
        for side in (self.book.asks, self.book.bids):
            queues = side.queues
            if queues is None or not queues.own:
                continue
            for _ in range(_MAX_SWEEP_LEVELS):
                key = side.keys[0]
                own = queues.own.get(key, 0)
                if own == 0 or own != side.lots[key] or self.fair.ticks * side.sign <= key:
                    break
                self._take_level(side, key, own, "market", ts_ns)

    # --- what happens

    def _act(self, ts_ns: int) -> None:
        if self.mode not in ("online", "post_only", "limit_only", "cancel_only"):
            return
        rng, book = self.rng, self.book
        if self.mode == "cancel_only":
            side = rng.choice((book.bids, book.asks))
            if len(side) > self.spec.levels // 2:
                self._cancel(side)
            return
        bid, ask = book.bids.best, book.asks.best
        fair = self.fair.ticks
        slack = self._spread * 0.5 + self._gap
        if self._walls and rng.random() < 0.15 and self._pull_wall(ts_ns):
            return
        if (fair > ask + slack or fair < bid - slack) and rng.random() < 0.3:
            up = fair > ask
            self._chase(book.asks if up else book.bids, book.bids if up else book.asks, ts_ns)
        elif ask - bid > 2 * self._spread and rng.random() < 0.4:
            self._improve()
        elif rng.random() < self._trade_share and self.mode == "online":
            self._market_order(book.asks if rng.random() < self._lean(bid, ask) else book.bids, ts_ns)
        else:
            self._quote(ts_ns)
        for side in (book.bids, book.asks):
            self._tend_tail(side)

    def _lean(self, bid: int, ask: int) -> float:
        """Chance that the next taker buys: higher when the fair price is near the ask."""
        return min(0.85, max(0.15, 0.5 + 0.5 * (self.fair.ticks - (bid + ask) / 2) / (ask - bid + self._spread)))

    def _chase(self, against: Side, behind: Side, ts_ns: int) -> None:
        """The fair price has gone through the touch: quotes are taken or pulled, and the other side
        follows.
        """
        rng = self.rng
        beyond = abs(self.fair.ticks - against.best) / self._gap
        if self.mode == "online" and rng.random() < self._trade_share * (3.0 if beyond > 4 else 1.5):
            limit = self._snap(against, self.fair.ticks)
            self._execute(against, self._sizes.draw(0.6 + beyond * 0.5), ts_ns, limit)
            return
        if len(against) <= KEEP_LEVELS:
            return
        order = rng.random()
        pulls = 1 + min(5, int(beyond * rng.random()))
        follow = order < 0.6
        keys = against.keys[:pulls]
        if order < 0.12:
            self._place(against, keys[-1] + int(self._distance(rng.randrange(3, 25))), self._sizes.draw())
        for key in keys:
            against.put(key, 0)
        if follow:
            better = self._follow_key(against, behind)
            if better is not None:
                behind.put(better, self._sizes.draw())

    def _follow_key(self, against: Side, behind: Side) -> int | None:
        """A key that betters `behind` without crossing `against`, near the fair price; none when there is
        no room.
        """
        unit = self._unit
        lowest = -against.keys[0] + unit
        wanted = self._snap(behind, self.fair.ticks + behind.sign * self._spread * self.rng.uniform(0.4, 1.5))
        key = max(lowest, wanted)
        return key if key < behind.keys[0] else None

    def _improve(self) -> None:
        """Somebody quotes inside a wide spread."""
        book = self.book
        side, other = (book.bids, book.asks) if self.rng.random() < 0.5 else (book.asks, book.bids)
        key = self._follow_key(other, side)
        if key is None:
            self._quote(self.last_change_ns)
        else:
            side.put(key, self._sizes.draw())

    def _market_order(self, against: Side, ts_ns: int) -> None:
        """An order out of the blue: mostly small, now and then one that sweeps several levels."""
        rng = self.rng
        if rng.random() < 0.04:
            lots = sum(lots for _, lots in against.levels(rng.randint(3, 10)))
            before = against.best
            self._execute(against, max(1, int(lots * rng.uniform(0.6, 1.0))), ts_ns, None)
            self.fair.ticks += (against.best - before) * rng.uniform(0.0, 0.8)
            return
        limit = against.keys[0] if rng.random() < 0.35 else None
        self._execute(against, self._sizes.draw(0.5), ts_ns, limit)

    def _execute(self, against: Side, lots: int, ts_ns: int, limit: int | None) -> None:
        """Match an order; what a limit order has left rests at its price.

        Args:
            against: the side consumed.
            lots: size.
            ts_ns: time of the fills.
            limit: worst key accepted on `against`; None for a market order.
        """
        side = "buy" if against.sign == ASK else "sell"
        ord_type = "market" if limit is None else "limit"
        for _ in range(_MAX_SWEEP_LEVELS):
            key = against.keys[0]
            if lots <= 0 or len(against) <= KEEP_LEVELS or (limit is not None and key > limit):
                break
            have = against.lots[key]
            filled = min(have, lots)
            if against.queues is None:
                self._fill(side, key * against.sign, filled, ord_type, ts_ns)
                against.put(key, have - filled)
            else:
                self._take_level(against, key, filled, ord_type, ts_ns)
            lots -= filled
        own = self.book.bids if against.sign == ASK else self.book.asks
        if limit is not None and lots > 0 and against.keys[0] > limit:
            self._place(own, -limit, lots)

    def _take_level(self, against: Side, key: int, lots: int, ord_type: str, ts_ns: int) -> None:
        """Trade with the queue at a level: first come, first served."""
        queues = against.queues
        assert queues is not None
        side, ticks = ("buy" if against.sign == ASK else "sell"), key * against.sign
        mixed = key in queues.own
        parts = queues.trade(key, lots)
        if not mixed:
            self._fill(side, ticks, lots, ord_type, ts_ns)
        else:
            for part in parts:
                trade = self.print_trade(side, ticks, part.lots, ord_type, ts_ns)
                if part.own is not None:
                    self._own.append(OwnFill(part.own, trade, part.refill))
        against.set_total(key, against.lots[key] - lots + sum(part.refill for part in parts))

    def take_front(self, against: Side, key: int, lots: int, ord_type: str, ts_ns: int) -> Trade:
        """Trade with the first order of a level, within an event: a taker from outside."""
        queues = against.queues
        assert queues is not None
        part = queues.trade(key, lots)[0]
        trade = self.print_trade("buy" if against.sign == ASK else "sell", key * against.sign, lots, ord_type, ts_ns)
        if part.own is not None:
            self._own.append(OwnFill(part.own, trade, part.refill))
        against.set_total(key, against.lots[key] - lots + part.refill)
        return trade

    def print_trade(self, side: str, ticks: int, lots: int, ord_type: str, ts_ns: int) -> Trade:
        """Record one trade of the event being played."""
        trade = Trade(self.next_trade_id, ts_ns, side, ticks, lots, ord_type)
        self._trades.append(trade)
        self.next_trade_id += 1
        return trade

    def _fill(self, side: str, ticks: int, lots: int, ord_type: str, ts_ns: int) -> None:
        """Record one level's fills; a large one comes from several resting orders."""
        parts = [lots]
        minimum = self._sizes.minimum
        if lots > 4 * minimum and self.rng.random() < 0.25:
            first = self.rng.randint(minimum, lots - minimum)
            parts = [first, lots - first]
        for part in parts:
            self._trades.append(Trade(self.next_trade_id, ts_ns, side, ticks, part, ord_type))
            self.next_trade_id += 1

    def _place(self, side: Side, key: int, lots: int) -> None:
        """Add to the level at a key, kept on the increment, uncrossed and above zero."""
        unit = self._unit
        key = -(-key // unit) * unit
        other = self.book.asks if side.sign == BID else self.book.bids
        key = max(key, -other.keys[0] + unit)
        if key * side.sign > 0:
            side.put(key, side.lots.get(key, 0) + lots)

    def _quote(self, ts_ns: int) -> None:
        """An order is changed, moved, placed or cancelled somewhere in the book."""
        rng, book = self.rng, self.book
        side = book.bids if rng.random() < 0.5 else book.asks
        u = rng.random()
        if u < 0.008:
            self._raise_wall(side, ts_ns)
        elif u < 0.012:
            self._flicker(side)
        elif u < 0.40:
            self._resize(side)
        elif u < 0.58:
            self._move(side)
        else:
            surplus = (len(side) - self.spec.levels) / (0.1 * self.spec.levels)
            if rng.random() < min(0.9, max(0.1, 0.5 - surplus)):
                self._join(side)
            else:
                self._cancel(side)

    def _at(self, side: Side) -> int:
        """Key of the level an event falls on."""
        at = rank(self.rng)
        count = len(side.keys)
        return side.keys[at if at < count else self.rng.randrange(count)]

    def _join(self, side: Side) -> None:
        at = rank(self.rng)
        if at >= self.spec.levels:
            at = self.rng.randrange(self.spec.levels)
        offset = int(self._distance(at + self.rng.random()))
        lots = self._sizes.draw(1.0 + min(at, 200) / 100)
        self._place(side, side.keys[0] + offset, lots)

    def _resize(self, side: Side) -> None:
        key = self._at(side)
        lots = side.lots[key]
        minimum = self._sizes.minimum
        other = max(minimum, int(lots * self.rng.uniform(0.5, 1.4))) if self.rng.random() < 0.6 else self._sizes.draw()
        side.put(key, other if other != lots else lots + minimum)

    def _cancel(self, side: Side) -> None:
        if len(side) > KEEP_LEVELS:
            side.put(self._at(side), 0)

    def _move(self, side: Side) -> None:
        """Cancel and replace in one message, in either order: some engines report the addition first."""
        if len(side) <= KEEP_LEVELS:
            return
        key = self._at(side)
        lots = side.lots[key]
        target = key + self.rng.choice((-2, -1, 1, 1, 2)) * max(self._unit, int(self._gap))
        if self.rng.random() < 0.5:
            side.put(key, 0)
            self._place(side, target, lots)
        else:
            self._place(side, target, lots)
            if side.lots.get(key) == lots:
                side.put(key, 0)

    def _flicker(self, side: Side) -> None:
        """One price toggles several times inside one message, as recorded on the real exchange (section
        4.2).
        """
        key = side.keys[min(self.rng.randrange(12), len(side) - 1)]
        lots = side.lots[key]
        if len(side) <= KEEP_LEVELS:
            return
        for _ in range(self.rng.randint(1, 4)):
            side.put(key, 0)
            side.put(key, lots)
        if self.rng.random() < 0.5:
            side.put(key, 0)

    def _raise_wall(self, side: Side, ts_ns: int) -> None:
        """A conspicuous order at a round price, to be pulled later, often before it trades."""
        rng = self.rng
        step = rng.choice(self._round_steps)
        ticks = side.best
        ticks = (ticks // step + (1 if side.sign == ASK else 0)) * step + side.sign * step * rng.randrange(4)
        if ticks <= 0 or len(self._walls) >= 12:
            self._resize(side)
            return
        self._place(side, side.sign * ticks, self._sizes.wall())
        key = -(-side.sign * ticks // self._unit) * self._unit
        self._note_wall(side, key, ts_ns + int(rng.expovariate(1 / 40.0) * NS) + 3 * NS)

    def _note_wall(self, side: Side, key: int, until_ns: int) -> None:
        self._walls.append(_Wall(side, key, until_ns))

    def _pull_wall(self, ts_ns: int) -> bool:
        """Pull the first wall whose time is up, or that the price has come too near to."""
        for wall in self._walls:
            side = wall.side
            if wall.key not in side.lots:
                self._walls.remove(wall)
                return False
            near = wall.key - side.keys[0] < 2 * self._gap
            if (ts_ns >= wall.until_ns or (near and self.rng.random() < 0.1)) and len(side) > KEEP_LEVELS:
                self._walls.remove(wall)
                rest = side.lots[wall.key] // 40
                side.put(wall.key, rest if rest >= self._sizes.minimum and self.rng.random() < 0.4 else 0)
                return True
        return False

    def _tend_tail(self, side: Side) -> None:
        """Keep the number of levels and their reach near what they were, by working on the outer half."""
        keys, wanted = side.keys, self.spec.levels
        count, reach, last = len(keys), self._distance(wanted), side.last
        if count > wanted + wanted // 4 or (count > wanted // 2 and last - keys[0] > 1.2 * reach):
            side.put(last, 0)
        elif count < wanted - wanted // 50:
            offset = self._distance(wanted * self.rng.uniform(0.5, 1.0))
            key = keys[0] + int(offset) // self._unit * self._unit
            while key in side.lots:
                key += self._unit
            self._place(side, key, self._sizes.draw(3.0))
