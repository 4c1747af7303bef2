"""One pair as its subscribers hear it: simulator and history in, shared frames out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from random import Random
from typing import TYPE_CHECKING, Protocol

from kraken_tui.exchange import frames
from kraken_tui.exchange.changes import Change
from kraken_tui.exchange.depthbook import Level
from kraken_tui.exchange.faults import Faults, Frame
from kraken_tui.exchange.history import History
from kraken_tui.exchange.latent import CrossPrice
from kraken_tui.exchange.pairs import PairSpec
from kraken_tui.exchange.records import Trade
from kraken_tui.exchange.simulator import Simulator

if TYPE_CHECKING:
    from kraken_tui.exchange.level3 import Level3Book
    from kraken_tui.exchange.private_faults import Jumble

DEPTHS = (10, 25, 100, 500, 1000)
"""Book depths on offer (PROTOCOL.md section 4.1)."""

TRADE_SNAPSHOT = 50
"""Trades in a `trade` snapshot (PROTOCOL.md section 7.2)."""

OHLC_SNAPSHOT = 10
"""Candles in an `ohlc` snapshot. The real length is undocumented; nine rows were seen (PROTOCOL.md section
7.3).
"""

_AWAKE_NS = 2 * frames.NS

Topic = tuple[str, int | str]
"""What a subscriber hears: `("book", depth)`, `("level3", depth)`, `("trade", "")`, `("ticker", event_trigger)`,
`("ohlc", interval)`.
"""


class Listener(Protocol):
    """Anything frames can be delivered to."""

    def push(self, frame: Frame) -> None:
        """Take one frame."""


class OrderDesk(Protocol):
    """What deals with accounts' orders on a market."""

    @property
    def busy(self) -> bool:
        """Whether the market must be played for an order's sake."""

    def on_change(self, change: Change) -> None:
        """Hear of an event of the market."""

    def rebuilt(self) -> None:
        """Hear that the pair has other digits now."""


class Cross:
    """What the markets of a pair's legs imply for its price.

    Args:
        spec: the pair.
        legs: the market of its base and, unless that rate is fixed, the market of its quote.
    """

    def __init__(self, spec: PairSpec, legs: list[Market]) -> None:
        self.legs = legs
        self._digits = [leg.spec.price_precision for leg in legs]
        if len(legs) > 1:
            base, quote = self._digits
            self._factor = 10.0 ** (spec.price_precision - base + quote)
        else:
            self._factor = spec.price_ticks / legs[0].spec.price_ticks

    def implied(self) -> float:
        """The price now, ticks."""
        mids = []
        for leg, digits in zip(self.legs, self._digits, strict=True):
            bid, _, ask, _ = leg.simulator.touch
            mids.append((bid + ask) / 2 * 10.0 ** (digits - leg.spec.price_precision))
        return self._factor * _ratio(mids)

    def past(self) -> Callable[[float], float]:
        """The price in ticks by seconds since the epoch, as far back as there are candles."""
        paths = [leg.history.path() for leg in self.legs]

        def price(at_s: float) -> float:
            known = []
            for times, prices in paths:
                known.append(float(prices[max(0, bisect_right(times, at_s) - 1)]))
            return self._factor * _ratio(known)

        return price


def _ratio(prices: list[float]) -> float:
    return prices[0] / (prices[1] if len(prices) > 1 else 1.0)


class Market:
    """One pair, its subscribers and their frames. The book is built on the first use, the history when first
    told of.

    Args:
        spec: the pair.
        seed: decides the market together with the symbol.
        now_ns: present time, ns since the epoch.
        rate: multiple of the usual message rate.
        faults: asked before each book message.
        make: plays the market.
        cross: what its price follows; None where it wanders by itself.

    Attributes:
        legs: markets that it follows.
        desk: deals with accounts' orders; None until there is one.
    """

    def __init__(
        self,
        spec: PairSpec,
        seed: int,
        now_ns: int,
        rate: float,
        faults: Faults,
        *,
        make: type[Simulator] = Simulator,
        cross: Cross | None = None,
    ) -> None:
        self.spec = spec
        self.legs = cross.legs if cross else []
        self._cross = cross
        self.simulator = make(spec, seed, now_ns, rate, CrossPrice(cross.implied) if cross else None)
        self._seed = seed
        self._faults = faults
        self._history: History | None = None
        self._listeners: dict[Topic, list[Listener]] = {}
        self.desk: OrderDesk | None = None
        self._level3: Level3Book | None = None
        self._jumble: Jumble | None = None

    @property
    def active(self) -> bool:
        """Whether anybody listens, or has an order here."""
        return bool(self._listeners) or (self.desk is not None and self.desk.busy)

    @property
    def level3(self) -> Level3Book:
        """The single orders, made on first use."""
        if self._level3 is None:
            from kraken_tui.exchange.level3 import Level3Book
            from kraken_tui.exchange.private_faults import Jumble

            sim = self.simulator
            rng = Random(f"{self._seed}/{self.spec.symbol}/level3")
            minimum = self.spec.qty_min_lots
            self._level3 = Level3Book(self.spec.symbol, sim.book, rng, minimum, sim.last_change_ns)
            if self._jumble is None:
                self._jumble = Jumble(self._faults.private, f"level3 {self.spec.symbol}")
        return self._level3

    @property
    def book_watched(self) -> bool:
        """Whether anybody hears of the book."""
        return bool(self.simulator.book.depths)

    @property
    def history(self) -> History:
        """The past, made on first use."""
        if self._history is None:
            sim = self.simulator
            last = sim.touch[0] if sim.next_trade_id % 2 else sim.touch[2]
            path = self._cross.past() if self._cross else None
            self._history = History(self.spec, self._seed, sim.now_ns, last, sim.next_trade_id, path)
        return self._history

    def wake(self, now_ns: int) -> None:
        """Bring a market without listeners up to the present without playing every event.

        Args:
            now_ns: ns since the epoch.
        """
        sim = self.simulator
        if self.active or now_ns - sim.now_ns < _AWAKE_NS:
            self.advance(now_ns)
            return
        if self._history is not None:
            ticks, sim.next_trade_id = self._history.bridge(now_ns, sim.next_trade_id)
        else:
            ticks = round(sim.fair.step((now_ns - sim.now_ns) / frames.NS, 1.0))
        sim.leap(now_ns, float(ticks))

    # --- subscribers

    def join(self, topic: Topic, listener: Listener) -> None:
        """Add a subscriber; it hears what happens from now on."""
        self._listeners.setdefault(topic, []).append(listener)
        if topic[0] == "ohlc":
            self.history.follow(int(topic[1]))
        elif topic[0] not in ("book", "level3"):
            _ = self.history
        self._watch()

    def leave(self, topic: Topic, listener: Listener) -> None:
        """Remove a subscriber; unknown ones are ignored."""
        listeners = self._listeners.get(topic, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(topic, None)
            if topic[0] == "level3" and self._level3 is not None:
                self._level3.forget(int(topic[1]))
        self._watch()

    def _watch(self) -> None:
        depths = tuple(sorted(int(value) for name, value in self._listeners if name == "book"))
        if depths != self.simulator.book.depths:
            self.simulator.book.watch(depths)

    # --- snapshots

    def book_snapshot(self, depth: int) -> str | None:
        """The book to a depth; None when a fault withholds it. Its timestamp is that of the newest change."""
        if self._faults.snapshot_withheld(self.spec.symbol, depth):
            return None
        book = self.simulator.book
        checksum = self._faults.checksum(self.spec.symbol, depth, book.checksum)
        return frames.book_frame(
            "snapshot",
            self.spec.symbol,
            self._levels(book.bids.levels(depth)),
            self._levels(book.asks.levels(depth)),
            checksum,
            frames.micro_time(self.simulator.last_change_ns),
        )

    def level3_snapshot(self, depth: int) -> str | None:
        """The single orders to a depth; None when a fault withholds it."""
        book = self.level3
        frame = book.snapshot(depth, self._level3_checksum(book.checksum), self.simulator.last_change_ns)
        return None if self._faults.private.spend("snapshot", "level3") else frame

    def resend_book(self) -> None:
        """Send every book subscriber a snapshot, asked for or not."""
        for topic in list(self._listeners):
            if topic[0] == "book":
                frame = self.book_snapshot(int(topic[1]))
                if frame is not None:
                    self._deliver(topic, frame)

    def trade_snapshot(self) -> str:
        """The newest trades, oldest first."""
        return frames.trade_frame("snapshot", self.spec, list(self.history.trades)[-TRADE_SNAPSHOT:])

    def ticker_snapshot(self) -> str:
        """The touch and the 24 hours."""
        return self._ticker("snapshot", self.simulator.now_ns)

    def ohlc_snapshot(self, interval: int) -> str:
        """The newest candles of an interval (minutes), the running one last."""
        candles = self.history.candles(interval)[-OHLC_SNAPSHOT:]
        return frames.ohlc_frame("snapshot", self.spec, interval, candles, self.simulator.now_ns)

    # --- time

    def advance(self, now_ns: int) -> None:
        """Play the market up to `now_ns` (ns since the epoch) and tell every subscriber."""
        for change in self.simulator.advance(now_ns):
            self._tell(change)

    def play(self, change: Change) -> None:
        """Tell every subscriber of an event that somebody from outside has caused."""
        self._tell(change)

    def rescale(self, spec: PairSpec) -> None:
        """Take on new precisions."""
        same = (spec.price_precision, spec.qty_precision) == (self.spec.price_precision, self.spec.qty_precision)
        if self.desk is not None and not same:
            self.desk.rebuilt()
        self.spec = spec
        self.simulator.rescale(spec)
        if self._level3 is not None and same:
            self._level3.move(self.simulator.book)
        elif self._level3 is not None:
            self._level3 = None
            for topic in list(self._listeners):
                if topic[0] == "level3":
                    frame = self.level3_snapshot(int(topic[1]))
                    if frame is not None:
                        self._deliver(topic, frame)
        if self._history is not None:
            self._history.rescale(spec)

    def _tell(self, change: Change) -> None:
        if change.deltas:
            self._tell_book(change)
        if change.trades and self._history is not None:
            for trade in change.trades:
                self._history.add(trade)
            self._tell_trades(change.trades, change.ts_ns)
        elif change.touch_moved and ("ticker", "bbo") in self._listeners:
            self._deliver(("ticker", "bbo"), self._ticker("update", change.ts_ns))
        if self._level3 is not None:
            self._tell_level3(self._level3, change.ts_ns)
        if self.desk is not None:
            self.desk.on_change(change)

    def _tell_level3(self, book: Level3Book, ts_ns: int) -> None:
        from kraken_tui.exchange.level3 import level3_frame

        updates = book.updates()
        if not updates:
            return
        right = book.checksum
        for depth, (bids, asks) in updates.items():
            checksum = self._level3_checksum(right)
            frame = level3_frame("update", self.spec.symbol, bids, asks, checksum, ts_ns)
            for sent in self._jumble(frame) if self._jumble else (frame,):
                self._deliver(("level3", depth), sent)

    def _level3_checksum(self, right: int) -> int:
        return right ^ 0x5A5A5A5A if self._faults.private.spend("checksum", self.spec.symbol) else right

    def _tell_book(self, change: Change) -> None:
        symbol, faults = self.spec.symbol, self._faults
        timestamp = frames.micro_time(change.ts_ns)
        for depth, (bids, asks) in change.deltas.items():
            checksum = faults.checksum(symbol, depth, change.checksum)
            frame = frames.book_frame("update", symbol, self._levels(bids), self._levels(asks), checksum, timestamp)
            for sent in faults.updates(symbol, depth, frame):
                self._deliver(("book", depth), sent)

    def _tell_trades(self, trades: list[Trade], ts_ns: int) -> None:
        for topic in self._listeners:
            name, value = topic
            if name == "trade":
                self._deliver(topic, frames.trade_frame("update", self.spec, trades))
            elif name == "ticker":
                self._deliver(topic, self._ticker("update", ts_ns))
            elif name == "ohlc":
                candle = self.history.running(int(value))
                self._deliver(topic, frames.ohlc_frame("update", self.spec, int(value), (candle,), ts_ns))

    def _ticker(self, kind: str, ts_ns: int) -> str:
        return frames.ticker_frame(kind, self.spec, self.simulator.touch, self.history.stats(ts_ns), ts_ns)

    def _levels(self, levels: Iterable[Level]) -> str:
        return frames.levels_text(levels, self.spec.price_precision, self.spec.qty_precision)

    def _deliver(self, topic: Topic, frame: str) -> None:
        for listener in self._listeners.get(topic, ()):
            listener.push(frame)
