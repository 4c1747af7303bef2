"""What a program reads from a `KrakenClient`: frozen values with exact prices as ticks, decimals and text."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from kraken_tui.engine.listeners import ListenerCounts
from kraken_tui.market.events import BookState, Level, Proof
from kraken_tui.wire.checksum import checksum_of_units
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.symbols import PairSpec


def exact(units: int, precision: int) -> Decimal:
    """Whole units of 10^-precision as a decimal that keeps all `precision` places."""
    # Made from text: arithmetic would round to the program's decimal context.
    return Decimal(from_units(units, precision))


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One price level, exactly.

    Attributes:
        ticks, lots: Whole units of the pair (`PairSpec`).
        price, qty: The same as decimals.
    """

    ticks: int
    lots: int
    price: Decimal
    qty: Decimal

    @property
    def text(self) -> tuple[str, str]:
        """Price and quantity as the exchange writes them."""
        return f"{self.price:f}", f"{self.qty:f}"


class BestBidAsk(msgspec.Struct, frozen=True, gc=False):
    """The touch.

    Attributes:
        symbol: v2 symbol.
        bid, ask: Best levels; None where the side is empty.
        verified: Whether the book they come from is proven now.
        stale: Whether the feed was late or silent at the last look, at most a second ago.
        venue_ns: The exchange's time of the last book change, ns since the epoch; None where it sent none.
        received_ns: This computer's time of its receipt.
    """

    symbol: str
    bid: Quote | None
    ask: Quote | None
    verified: bool
    stale: bool
    venue_ns: int | None
    received_ns: int

    @property
    def spread(self) -> Decimal | None:
        """Ask minus bid; None where a side is empty. Negative in a crossed book, which the exchange can send."""
        return None if self.bid is None or self.ask is None else self.ask.price - self.bid.price

    @property
    def mid(self) -> Decimal | None:
        """Half way between bid and ask; None where a side is empty."""
        return None if self.bid is None or self.ask is None else (self.ask.price + self.bid.price) / 2


class Book(msgspec.Struct, frozen=True, gc=False):
    """A book at one moment; it never changes.

    Attributes:
        symbol: v2 symbol.
        spec: Precisions that make ticks and lots of it.
        bids, asks: (ticks, lots), best first.
        depth: Levels a side that are subscribed.
        state: Between subscribe and live.
        proof: Whether its checksum is proven.
        reason: Why it is not VERIFIED; "" where it is.
        stale: Whether the feed was late or silent at the last look, at most a second ago.
        checksum: The exchange's last checksum, None where it sent none that is valid.
        timestamp: The exchange's timestamp of the last message, verbatim; None where it sent none.
        venue_ns: The same in ns since the epoch.
        received_ns: This computer's time of its receipt.
    """

    symbol: str
    spec: PairSpec
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    depth: int
    state: BookState
    proof: Proof
    reason: str
    stale: bool
    checksum: int | None
    timestamp: str | None
    venue_ns: int | None
    received_ns: int

    @property
    def verified(self) -> bool:
        """Whether the book is proven: only then may it be trusted."""
        return self.proof is Proof.VERIFIED

    @property
    def best_bid(self) -> Quote | None:
        """Best bid; None where there is none."""
        return self._quote(self.bids[0]) if self.bids else None

    @property
    def best_ask(self) -> Quote | None:
        """Best ask; None where there is none."""
        return self._quote(self.asks[0]) if self.asks else None

    @property
    def touch(self) -> BestBidAsk:
        """Best bid and ask."""
        return BestBidAsk(
            self.symbol, self.best_bid, self.best_ask, self.verified, self.stale, self.venue_ns, self.received_ns
        )

    def bid_quotes(self, levels: int | None = None) -> tuple[Quote, ...]:
        """The best bids with decimals, all or that many."""
        return tuple(map(self._quote, self.bids[:levels]))

    def ask_quotes(self, levels: int | None = None) -> tuple[Quote, ...]:
        """The best asks with decimals, all or that many."""
        return tuple(map(self._quote, self.asks[:levels]))

    def bid_text(self, levels: int | None = None) -> tuple[tuple[str, str], ...]:
        """The best bids as the exchange writes them: (price, quantity)."""
        return tuple(map(self._text, self.bids[:levels]))

    def ask_text(self, levels: int | None = None) -> tuple[tuple[str, str], ...]:
        """The best asks as the exchange writes them: (price, quantity)."""
        return tuple(map(self._text, self.asks[:levels]))

    def own_checksum(self) -> int:
        """CRC32 of the ten best levels a side, computed from this value (PROTOCOL.md section 4.3)."""
        return checksum_of_units(self.asks, self.bids)

    def _quote(self, level: Level) -> Quote:
        spec = self.spec
        return Quote(level[0], level[1], exact(level[0], spec.price_precision), exact(level[1], spec.qty_precision))

    def _text(self, level: Level) -> tuple[str, str]:
        spec = self.spec
        return from_units(level[0], spec.price_precision), from_units(level[1], spec.qty_precision)


class Latency(msgspec.Struct, frozen=True, gc=False):
    """Receipt minus the exchange's timestamp over the last five minutes, corrected by the measured clock offset.

    Attributes:
        count: Measurements.
        p50, p90, p99, p999, worst: Milliseconds; None before the first. Percentiles are upper bounds, at most 5.9 %
            too high.
        clock_offset_ms: This computer's clock minus the exchange's; None before the first ping was answered.
        round_trip_ms: Of the last ping.
    """

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    worst: float | None
    clock_offset_ms: float | None
    round_trip_ms: float | None


class Stats(msgspec.Struct, frozen=True, gc=False):
    """Counts since the start. messages = applied + ignored + rejected; for listeners see `ListenerCounts`.

    Attributes:
        messages: Frames received.
        applied, ignored, rejected: What became of them.
        checks_ok, checks_failed: Checksums compared.
        resyncs: Books fetched anew after a failure.
        reconnects: Connections lost after they were open.
        duplicates: Trades delivered again and left out.
        trade_gaps: Trade numbers that never came while the connection stood.
        listeners: Of all event streams and callbacks together, closed ones included.
        callback_errors: Exceptions raised by callbacks.
        held_back, left_out: With the gap policy BUFFER: events waiting for their book's proof, and those given up.
    """

    messages: int
    applied: int
    ignored: int
    rejected: int
    checks_ok: int
    checks_failed: int
    resyncs: int
    reconnects: int
    duplicates: int
    trade_gaps: int
    listeners: ListenerCounts
    callback_errors: int
    held_back: int
    left_out: int


class Connection(msgspec.Struct, frozen=True, gc=False):
    """Where the connection stands.

    Attributes:
        state: DISCONNECTED, CONNECTING, SUBSCRIBING, SUBSCRIBED, RESYNCING, DEGRADED, COOLDOWN or CLOSED.
        cause: Cause of the last transition, one short clause.
        attempt: Dials that failed since it was last stable.
        retry_in_s: Seconds until the next dial; None where none is planned.
        system: "online", "maintenance", "cancel_only", "post_only" or "unknown".
        url: Where the frames come from.
    """

    state: str
    cause: str
    attempt: int
    retry_in_s: float | None
    system: str
    url: str
