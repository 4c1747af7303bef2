"""The market of the demo: a thick touch that rests, moves in small steps a few times a second, and trades in runs.

`Simulator` is made to be hard on a client: its touch moves ten times a second and is thin. A person watches this one.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp

from kraken_tui.exchange.depthbook import ASK, Side
from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.latent import EVEN, CrossPrice, Sizes, rank
from kraken_tui.exchange.pairs import PairSpec
from kraken_tui.exchange.simulator import KEEP_LEVELS, Simulator

_TOUCH = 14.0
"""Usual size at the touch, in median orders of the pair."""

_RESTING = 2.5
_TAKER = 0.5
_HOLD_S = 0.45
"""Least seconds between two moves of the touch; they come a little further apart than this."""

_STEP_GAPS = 1.5
_CROSS_SPREAD = 0.8e-4
_RUN_SHARE = 0.35
"""Chance that a taker's order is the first of a run to the same side."""

_RUN_MEAN = 4.5
_FILLS = 1.15


def calm(spec: PairSpec) -> PairSpec:
    """The temper of a pair in the demo: a quarter of the volatility, two thirds of the messages."""
    vol, events = 0.25 * spec.daily_vol, 0.62 * spec.events_per_s
    return replace(spec, daily_vol=vol, events_per_s=events, run_share=_RUN_SHARE)


class CalmSimulator(Simulator):
    """One pair of the demo; takes what `Simulator` takes."""

    spells = EVEN

    def __init__(
        self, spec: PairSpec, seed: int, now_ns: int, rate: float = 1.0, fair: CrossPrice | None = None
    ) -> None:
        self._follows = fair is not None
        self._run_side: Side | None = None
        self._run_left = 0
        self._move_ns = 0
        super().__init__(spec, seed, now_ns, rate, fair)

    # --- shape

    def _shape(self) -> None:
        super()._shape()
        rng, spec = self.rng, self.spec
        lots = spec.median_notional * 10 ** (spec.price_precision + spec.qty_precision) / max(1.0, self.fair.anchor)
        self._touch_lots = max(1.0, _TOUCH * lots)
        self._sizes = Sizes(rng, _RESTING * lots, spec.qty_min_lots)
        self._takers = Sizes(rng, _TAKER * lots, spec.qty_min_lots)
        if self._follows:
            # A cross is quoted by those who hedge in its legs, and pay their spreads too.
            self._spread = max(self._spread, _CROSS_SPREAD * self.fair.anchor)
        self._spread = max(1, round(self._spread / self._unit)) * float(self._unit)
        self._start_share = self._trade_share / ((1 + _RUN_SHARE * _RUN_MEAN) * _FILLS * 1.2)

    def _resting(self, at: int) -> int:
        # Thick at the touch, thinner right behind it, then as usual.
        if at == 0:
            return self._touch_size()
        scale = 1.0 + 1.5 / at + min(at, 200) / 100
        return self._sizes.draw(scale)

    def _touch_size(self) -> int:
        lots: float = self._touch_lots * exp(self.rng.gauss(0.0, 0.55))
        return max(self._sizes.minimum, round(lots))

    def _build(self) -> None:
        super()._build()
        for side in (self.book.bids, self.book.asks):
            for step in (self._round_steps[-1], self._round_steps[-1] * 2, self._round_steps[1]):
                self._wall_at(side, self._round_beyond(side, step), self.last_change_ns)

    def _round_beyond(self, side: Side, step: int) -> int:
        """The nearest round price behind the touch, ticks."""
        return (side.best // step + (1 if side.sign == ASK else 0)) * step

    def _wall_at(self, side: Side, ticks: int, ts_ns: int) -> None:
        key = side.sign * ticks
        if ticks > 0 and key > side.keys[0] + self._gap and key % self._unit == 0 and len(self._walls) < 12:
            side.put(key, self._sizes.wall())
            self._note_wall(side, key, ts_ns + int(self.rng.expovariate(1 / 240.0) * NS) + 30 * NS)

    def leap(self, now_ns: int, ticks: float) -> None:
        """See `Simulator.leap`; a cross leaps to where its legs are."""
        super().leap(now_ns, self.fair.step(0.0, 1.0) if self._follows else ticks)

    # --- what happens

    def _act(self, ts_ns: int) -> None:
        if self.mode not in ("online", "post_only", "limit_only"):
            if self.mode == "cancel_only" and self.rng.random() < 0.3:
                super()._act(ts_ns)
            return
        rng, book = self.rng, self.book
        # The touch of a cross never stands beside the price that its legs imply: that would be free money.
        due = ts_ns >= self._move_ns or (self._follows and not book.bids.best <= self.fair.ticks <= book.asks.best)
        if due and self._follow(ts_ns):
            self._move_ns = ts_ns + int((_HOLD_S + rng.expovariate(1 / 0.35)) * NS)
            return
        if self._walls and rng.random() < 0.05 and self._pull_wall(ts_ns):
            return
        if self.mode == "online" and self._trades_now():
            self._take(ts_ns)
        elif rng.random() < 0.12:
            self._breathe()
        else:
            self._quote(ts_ns)
        for side in (book.bids, book.asks):
            self._tend_tail(side)

    def _trades_now(self) -> bool:
        """Whether this event is a taker's: a run goes on, or one begins."""
        rng = self.rng
        if self._run_left > 0:
            return rng.random() < 0.5
        if rng.random() >= self._start_share:
            return False
        bid, ask = self.book.bids.best, self.book.asks.best
        self._run_side = self.book.asks if rng.random() < self._lean(bid, ask) else self.book.bids
        self._run_left = 1
        if rng.random() < _RUN_SHARE:
            self._run_left += rng.randint(2, 7)
        return True

    def _take(self, ts_ns: int) -> None:
        """One taker order: it leaves something of the touch, but for a rare sweep."""
        rng = self.rng
        self._run_left -= 1
        against = self._run_side
        assert against is not None
        # Rebuilt or rescaled meanwhile: the side of the same sign.
        against = self.book.asks if against.sign == ASK else self.book.bids
        u = rng.random()
        if u < 0.008 and ts_ns >= self._move_ns:
            lots = sum(lots for _, lots in against.levels(rng.randint(2, 4)))
            self._execute(against, int(lots * 0.9), ts_ns, None)
            self.fair.ticks = float(against.best)
            self._move_ns = ts_ns + int(_HOLD_S * NS)
            return
        have = against.lots[against.keys[0]]
        lots = int(have * rng.uniform(0.3, 0.7)) if u < 0.03 else self._takers.draw()
        lots = min(lots, have - self._sizes.minimum)
        if lots >= self._sizes.minimum:
            self._execute(against, lots, ts_ns, None if rng.random() < 0.5 else against.keys[0])

    def _breathe(self) -> None:
        """The size at the touch drifts back to its usual one."""
        side = self.book.bids if self.rng.random() < 0.5 else self.book.asks
        key = side.keys[0]
        lots = side.lots[key]
        other = max(self._sizes.minimum, round(0.8 * lots + 0.2 * self._touch_size()))
        side.put(key, other if other != lots else lots + self._sizes.minimum)

    def _follow(self, ts_ns: int) -> bool:
        """Move the touch a step towards the fair price; False when it is near enough."""
        book = self.book
        bid, ask = book.bids.best, book.asks.best
        mid = (bid + ask) / 2
        off = self.fair.ticks - mid
        wide = ask - bid > 2 * self._spread + self._unit
        if not wide and abs(off) <= self._spread / 2 + (0.0 if self._follows else 0.4 * self._gap):
            return False
        if not self._follows:
            reach = _STEP_GAPS * self._gap * (1.0 if abs(off) < 6 * self._gap else 3.0)
            off = max(-reach, min(reach, off))
        against, behind = (book.asks, book.bids) if off > 0 else (book.bids, book.asks)
        if min(len(against), len(behind)) <= KEEP_LEVELS:
            return False
        target = mid + off + against.sign * self._spread / 2
        key = max(self._snap(against, target), against.keys[0] if off == 0 else -(1 << 62))
        wall = next((w.key for w in self._walls if w.side is against and against.keys[0] <= w.key < key), None)
        if wall is not None and not self._follows and self.rng.random() < 0.9:
            # A wall holds until it is taken or pulled.
            key = wall
            self.fair.ticks = wall * against.sign + behind.sign * self._spread
        return self._shift(against, behind, key, ts_ns)

    def _shift(self, against: Side, behind: Side, key: int, ts_ns: int) -> bool:
        """Make `key` the best of `against`, taking or pulling what stands before it, and let `behind` follow."""
        path = [k for k in against.keys[:40] if k < key]
        if len(path) == 40:
            key = path.pop()
        before = against.keys[0], behind.keys[0]
        for k in path:
            if self.mode == "online" and k == path[0] and self.rng.random() < 0.25:
                self._execute(against, min(against.lots[k], self._takers.draw(1.5)), ts_ns, None)
            if k in against.lots:
                against.put(k, 0)
        if key not in against.lots:
            against.put(key, self._touch_size())
        room = -against.keys[0] + self._unit
        better = max(room, self._snap(behind, against.best + behind.sign * self._spread))
        old = behind.keys[0]
        if better < old:
            # Those who made the old touch move along.
            behind.put(better, self._touch_size())
            if all(w.key != old or w.side is not behind for w in self._walls):
                behind.put(old, self._sizes.draw(1.5))
        return before != (against.keys[0], behind.keys[0])

    def _place(self, side: Side, key: int, lots: int) -> None:
        # Only a move of the touch betters it.
        super()._place(side, max(key, side.keys[0] + self._unit), lots)

    def _at(self, side: Side) -> int:
        count = len(side.keys)
        at = max(1, rank(self.rng))
        return side.keys[at if at < count else self.rng.randrange(1, count)]

    def _flicker(self, side: Side) -> None:
        key = side.keys[self.rng.randrange(1, 12)] if len(side) > KEEP_LEVELS else None
        if key is None:
            return
        lots = side.lots[key]
        for _ in range(self.rng.randint(1, 3)):
            side.put(key, 0)
            side.put(key, lots)
