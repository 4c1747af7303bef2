"""What happened before: trades, candles at every interval and the rolling 24 hours, all consistent with each other.

The past is made backwards from the opening price: a thousand trades, the minutes they span summed from them,
older minutes drawn at random back to a day, and then each coarser interval summed from the finer one where that
reaches and drawn beyond it. Live trades are then added to the minutes, and everything else follows. Nothing
is made until it is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from math import exp, sqrt
from random import Random

from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.latent import Sizes
from kraken_tui.exchange.pairs import PairSpec
from kraken_tui.exchange.records import Candle, DayStats, Trade

INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
"""Candle intervals in minutes (PROTOCOL.md section 7.3)."""

REST_ROWS = 720
"""Committed rows of a REST OHLC answer (PROTOCOL.md section 10.1)."""

KEPT_TRADES = 1000
_DAY_S = 86_400
_ROWS = REST_ROWS + 8
_MINUTE_ROWS = 1440 + 8
_RUN_MEAN = 4.5
_RUN_GAP_S = 0.06
_TIERS = ((5, 1), (15, 5), (30, 15), (60, 30), (240, 60), (1440, 240))


def merged(candles: Iterable[Candle], interval: int) -> list[Candle]:
    """Candles summed into a coarser interval.

    Args:
        candles: oldest first.
        interval: minutes, a multiple of theirs.
    """
    width = interval * 60
    result: list[Candle] = []
    for c in candles:
        begin = c.begin_s - c.begin_s % width
        if result and result[-1].begin_s == begin:
            result[-1].join(c)
        else:
            result.append(Candle(begin, c.open, c.high, c.low, c.close, c.lots, c.cost, c.count))
    return result


class History:
    """The past of one pair, and its present as trades come in.

    Args:
        spec: the pair.
        seed: with the symbol, decides the past.
        now_ns: where the past ends, ns since the epoch.
        last_ticks: price at which it ends, in ticks.
        next_trade_id: id that the first live trade will have.
        path: the price in ticks by seconds since the epoch, for a pair that others imply; None for one of its own.

    Attributes:
        trades: the newest thousand, oldest first.
        minutes: candles of one minute, oldest first; minutes without a trade are absent.
    """

    def __init__(
        self,
        spec: PairSpec,
        seed: int,
        now_ns: int,
        last_ticks: int,
        next_trade_id: int,
        path: Callable[[float], float] | None = None,
    ) -> None:
        self.spec = spec
        self._path = path
        self._rng = Random(f"{seed}/{spec.symbol}/history")
        self._anchor = float(spec.price_ticks)
        self._start_s = now_ns // NS
        lots = spec.median_notional * 10 ** (spec.price_precision + spec.qty_precision) / spec.price_ticks
        self._sizes = Sizes(self._rng, 0.5 * lots, spec.qty_min_lots)
        self.trades: deque[Trade] = deque(self._past_trades(now_ns, last_ticks, next_trade_id), maxlen=KEPT_TRADES)
        self.minutes = self._past_minutes()
        self._older: dict[int, list[Candle]] = {}
        self._running: dict[int, Candle] = {}
        self._stats: DayStats | None = None
        self._stats_minute = 0

    # --- the past

    def _past_trades(self, now_ns: int, ticks: int, next_id: int) -> list[Trade]:
        rng, spec = self._rng, self.spec
        mean_gap = 1.0 / spec.trades_per_s
        step = spec.daily_vol * sqrt(mean_gap / _DAY_S)
        half = max(1.0, spec.spread_bps * ticks / 20_000)
        unit = spec.tick_multiple
        mid, ts_ns = float(ticks), now_ns // 1000 * 1000
        trades: list[Trade] = []
        buy, run = True, 0
        # Runs are longer than their gaps say: the time they take is made up for between them.
        between = mean_gap * (1 + _RUN_MEAN * spec.run_share)
        for at in range(1, KEPT_TRADES + 1):
            if run == 0:
                buy = rng.random() < 0.5
                if spec.run_share and rng.random() < spec.run_share:
                    run = rng.randint(2, 7)
            else:
                run -= 1
            price = ticks if at == 1 else max(unit, round((mid + (half if buy else -half)) / unit) * unit)
            kind = "limit" if rng.random() < 0.7 else "market"
            side = "buy" if buy else "sell"
            gap_s = rng.expovariate(1.0 / (between if run == 0 else _RUN_GAP_S))
            ts_ns -= 1000 + int(gap_s * 1_000_000) * 1000
            trades.append(Trade(next_id - at, ts_ns, side, price, self._sizes.draw(), kind))
            mid = self._earlier(ts_ns / NS, mid, step)
        trades.reverse()
        return trades

    def _back(self, ticks: float, sigma: float) -> float:
        """One step of the walk into the past, held loosely to the opening price."""
        pull = 2.0 * sigma * sigma * (self._anchor / ticks - 1.0)
        return max(ticks * exp(self._rng.gauss(0.0, sigma) + pull), 2.0 * self.spec.tick_multiple)

    def _earlier(self, at_s: float, ticks: float, sigma: float) -> float:
        """The price at an earlier time: on the path, if there is one, else a step of the walk."""
        return self._back(ticks, sigma) if self._path is None else self._path(at_s)

    def path(self) -> tuple[list[float], list[int]]:
        """Times in seconds since the epoch and the prices then, oldest first, as far back as there are candles."""
        points: list[tuple[float, int]] = []
        for interval in reversed([i for i in INTERVALS if i <= 1440]):
            candles = self.candles(interval)
            at = bisect_left(points, (candles[0].begin_s, 0))
            points[at:] = [(float(c.begin_s), c.open) for c in candles]
        at = bisect_left(points, (self.trades[0].ts_ns / NS, 0))
        points[at:] = [(t.ts_ns / NS, t.ticks) for t in self.trades]
        return [time for time, _ in points], [ticks for _, ticks in points]

    def _past_minutes(self) -> list[Candle]:
        minutes: list[Candle] = []
        first_full = self.trades[0].ts_ns // NS // 60 * 60 + 60
        for trade in self.trades:
            begin = trade.ts_ns // NS // 60 * 60
            if begin < first_full:
                continue
            if not minutes or minutes[-1].begin_s != begin:
                minutes.append(Candle(begin, trade.ticks, trade.ticks, trade.ticks, trade.ticks))
            minutes[-1].add(trade.ticks, trade.lots)
        floor_s = self._start_s - _MINUTE_ROWS * 60
        oldest = minutes[0].open if minutes else self.trades[-1].ticks
        begin = minutes[0].begin_s if minutes else self._start_s // 60 * 60
        older = self._draw_back(1, min(begin, first_full), floor_s, oldest)
        keep = max(floor_s - floor_s % 300, 0)
        return [c for c in older + minutes if c.begin_s >= keep]

    def _draw_back(self, interval: int, before_s: int, floor_s: int, close: int) -> list[Candle]:
        """Drawn candles from `floor_s` (aligned down to the next coarser interval) up to `before_s`, oldest
        first.
        """
        rng, spec = self._rng, self.spec
        width = interval * 60
        coarser = next((c for c, finer in _TIERS if finer == interval), interval) * 60
        floor_s -= floor_s % coarser
        sigma = spec.daily_vol * sqrt(width / _DAY_S)
        per_candle = spec.trades_per_s * width
        mean_lots = self._sizes.median * 2.4
        unit = spec.tick_multiple
        candles: list[Candle] = []
        price = float(close)
        for begin in range(before_s - width, floor_s - 1, -width):
            busy = exp(rng.gauss(-0.18, 0.6))
            count = self._count(per_candle * busy)
            if count == 0:
                continue
            end = price
            price = self._earlier(begin, price, sigma * (0.6 + 0.4 * busy))
            reach = sigma * sqrt(busy)
            top = max(price, end) * (1.0 + abs(rng.gauss(0.0, reach)) * 0.4) if count > 1 else max(price, end)
            bottom = (
                min(price, end) * (1.0 - min(0.5, abs(rng.gauss(0.0, reach)) * 0.4)) if count > 1 else min(price, end)
            )
            o, h, low, c = (max(unit, round(x / unit) * unit) for x in (price, top, bottom, end))
            lots = max(count * spec.qty_min_lots, int(count * mean_lots * exp(rng.gauss(0.0, 0.8 / sqrt(count)))))
            vwap = min(h, max(low, round((o + h + low + c) / 4)))
            candles.append(Candle(begin, o, max(o, h, c), min(o, low, c), c, lots, vwap * lots, count))
        candles.reverse()
        return candles

    def _count(self, mean: float) -> int:
        """A number of trades about `mean`, with the zeros of a thin market."""
        if mean > 12:
            return max(1, round(self._rng.gauss(mean, sqrt(mean))))
        count, left = 0, exp(-mean)
        u = self._rng.random()
        term = left
        while u > term and count < 60:
            count += 1
            left *= mean / count
            term += left
        return count

    # --- the present

    def add(self, trade: Trade) -> None:
        """Take one live trade."""
        self.trades.append(trade)
        second = trade.ts_ns // NS
        begin = second - second % 60
        if not self.minutes or self.minutes[-1].begin_s < begin:
            self.minutes.append(Candle(begin, trade.ticks, trade.ticks, trade.ticks, trade.ticks))
        self.minutes[-1].add(trade.ticks, trade.lots)
        for interval, candle in self._running.items():
            start = second - second % (interval * 60)
            if candle.begin_s != start:
                candle = self._running[interval] = Candle(start, trade.ticks, trade.ticks, trade.ticks, trade.ticks)
            candle.add(trade.ticks, trade.lots)
        stats = self._stats
        if stats is not None:
            stats.high, stats.low = max(stats.high, trade.ticks), min(stats.low, trade.ticks)
            stats.last = trade.ticks
            stats.lots += trade.lots
            stats.cost += trade.ticks * trade.lots
            stats.count += 1

    def follow(self, interval: int) -> None:
        """Keep the running candle of an interval (minutes) up to date from now on."""
        if interval not in self._running:
            series = self.candles(interval)
            last = series[-1]
            self._running[interval] = Candle(
                last.begin_s, last.open, last.high, last.low, last.close, last.lots, last.cost, last.count
            )

    def running(self, interval: int) -> Candle:
        """The candle of the newest trade, for an interval followed before.

        Raises:
            KeyError: `follow` was not called for the interval.
        """
        return self._running[interval]

    def candles(self, interval: int) -> list[Candle]:
        """Every candle known at an interval (minutes), oldest first, intervals without a trade absent.

        Weeks and half-months are summed from the days and so are fewer than 720.

        Raises:
            ValueError: not one of `INTERVALS`.
        """
        if interval not in INTERVALS:
            raise ValueError(f"no such interval: {interval}")
        if interval == 1:
            return self.minutes
        finer = next((f for c, f in _TIERS if c == interval), 1440)
        recent = merged(self.candles(finer), interval)
        if interval > 1440:
            return recent
        if interval not in self._older:
            floor_s = self._start_s - _ROWS * interval * 60
            oldest = recent[0]
            self._older[interval] = self._draw_back(interval, oldest.begin_s, floor_s, oldest.open)
            # The finer past may begin inside an interval; what it begins with is summed once and then fixed.
        return self._older[interval] + recent

    def stats(self, now_ns: int) -> DayStats:
        """The 24 hours before `now_ns` (ns since the epoch), to the minute."""
        minute = now_ns // NS // 60
        if self._stats is None or minute != self._stats_minute:
            self._stats = self.since((minute - 1440) * 60)
            self._stats_minute = minute
        return self._stats

    def since(self, since_s: int) -> DayStats:
        """Everything from a whole minute (seconds since the epoch) until now; flat at the last price if
        nothing traded.
        """
        at = bisect_left(self.minutes, since_s, key=lambda c: c.begin_s)
        last = self.trades[-1].ticks
        day = self.minutes[at:]
        opened = day[0].open if day else last
        return DayStats(
            opened,
            max((c.high for c in day), default=last),
            min((c.low for c in day), default=last),
            last,
            sum(c.lots for c in day),
            sum(c.cost for c in day),
            sum(c.count for c in day),
        )

    def bridge(self, now_ns: int, next_id: int) -> tuple[int, int]:
        """Invent the trades of a time nobody watched, from the newest trade up to `now_ns`.

        At most five hundred are made however long the gap.

        Args:
            now_ns: ns since the epoch.
            next_id: id of the first.

        Returns:
            The price reached in ticks and the next free trade id.
        """
        rng, spec = self._rng, self.spec
        last = self.trades[-1]
        gap_s = max(0.0, (now_ns - last.ts_ns) / NS)
        count = min(500, int(gap_s * spec.trades_per_s * 0.8))
        if count == 0:
            return last.ticks, next_id
        sigma = spec.daily_vol * sqrt(gap_s / count / _DAY_S)
        times = sorted(rng.randrange(last.ts_ns + 1000, now_ns) // 1000 * 1000 for _ in range(count))
        price, unit = float(last.ticks), spec.tick_multiple
        for ts_ns in times:
            price = self._back(price, sigma)
            side = "buy" if rng.random() < 0.5 else "sell"
            ticks = max(unit, round(price / unit) * unit)
            self.add(
                Trade(
                    next_id,
                    ts_ns,
                    side,
                    ticks,
                    self._sizes.draw(),
                    "limit" if rng.random() < 0.7 else "market",
                )
            )
            next_id += 1
        return self.trades[-1].ticks, next_id

    def rescale(self, spec: PairSpec) -> None:
        """Express everything in another pair's precisions."""
        price = 10.0 ** (spec.price_precision - self.spec.price_precision)
        qty = 10.0 ** (spec.qty_precision - self.spec.qty_precision)
        self.spec = spec
        self._anchor *= price
        self._sizes.median *= qty
        self._sizes.minimum = spec.qty_min_lots
        self.trades = deque(
            (
                Trade(
                    t.trade_id,
                    t.ts_ns,
                    t.side,
                    max(1, round(t.ticks * price)),
                    max(1, round(t.lots * qty)),
                    t.ord_type,
                )
                for t in self.trades
            ),
            maxlen=KEPT_TRADES,
        )
        for c in (
            *self.minutes,
            *self._running.values(),
            *(c for older in self._older.values() for c in older),
        ):
            c.open, c.high, c.low, c.close = (max(1, round(x * price)) for x in (c.open, c.high, c.low, c.close))
            c.lots, c.cost = round(c.lots * qty), round(c.cost * price * qty)
        self._stats = None
