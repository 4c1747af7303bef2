"""Books as a program gets them: a `Book` when it asks, a `BookLine` with every message, the touch of either."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kraken_tui.client.figures import Figures, Held
from kraken_tui.client.values import PairSpec, Quote, exact, quote_of, spec_of, wire_spec_of
from kraken_tui.engine import events as engine
from kraken_tui.market.events import BookState, Level, Proof, Side
from kraken_tui.market.plain import Value, plain
from kraken_tui.wire.checksum import checksum_of_units


class BestBidAsk(Value, frozen=True, gc=False):
    """The touch.

    Attributes:
        symbol: v2 symbol.
        bid, ask: Best levels; None where the side is empty.
        verified: Whether the book they come from is proven.
        stale: Whether the feed was late or silent at the last look, at most a second ago; or the engine does not
            answer or the client of a live feed is closed, and `verified` is False then too.
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


class LevelChange(Value, frozen=True, gc=False):
    """One level that a book message changed.

    Attributes:
        side: BUY for a bid, SELL for an ask.
        price: Of the level.
        before, after: Its size; zero if the level did not exist.
    """

    side: Side
    price: Decimal
    before: Decimal
    after: Decimal


class _Levels(Figures, frozen=True, gc=False):
    """The levels of a book, in units as the engine counts them and in decimals."""

    @property
    def spec(self) -> PairSpec:
        """Precisions of the levels."""
        raise NotImplementedError

    @property
    def bid_ticks_lots(self) -> tuple[Level, ...]:
        """Bids as (ticks, lots), best first."""
        raise NotImplementedError

    @property
    def ask_ticks_lots(self) -> tuple[Level, ...]:
        """Asks as (ticks, lots), best first."""
        raise NotImplementedError

    @property
    def bids(self) -> tuple[Quote, ...]:
        """Bids, best first."""
        return self._quotes(self.bid_ticks_lots)

    @property
    def asks(self) -> tuple[Quote, ...]:
        """Asks, best first."""
        return self._quotes(self.ask_ticks_lots)

    @property
    def best_bid(self) -> Quote | None:
        """Best bid; None on an empty side."""
        return next(iter(self._quotes(self.bid_ticks_lots[:1])), None)

    @property
    def best_ask(self) -> Quote | None:
        """Best ask; None on an empty side."""
        return next(iter(self._quotes(self.ask_ticks_lots[:1])), None)

    def own_checksum(self) -> int:
        """CRC32 of the ten best levels a side, computed from this value (PROTOCOL.md section 4.3)."""
        return checksum_of_units(self.ask_ticks_lots, self.bid_ticks_lots)

    def _quotes(self, levels: tuple[Level, ...]) -> tuple[Quote, ...]:
        spec = self.spec
        price_precision, qty_precision = spec.price_precision, spec.qty_precision
        return tuple([quote_of(level, price_precision, qty_precision) for level in levels])

    def _plain(self, names: tuple[str, ...]) -> dict[str, Any]:
        values = {name: plain(getattr(self, name)) for name in names}
        return values | {
            "bids": [list(quote.text) for quote in self.bids],
            "asks": [list(quote.text) for quote in self.asks],
        }


class Book(_Levels, frozen=True, gc=False):
    """A book at one moment; it never changes.

    Attributes:
        symbol: v2 symbol.
        spec: Precisions of the levels.
        bid_ticks_lots, ask_ticks_lots: (ticks, lots), best first; in decimals they are `bids` and `asks`.
        depth: Levels a side that are subscribed.
        state: Between subscribe and live.
        proof: Whether its checksum is proven.
        reason: Why it is not VERIFIED; "" where it is.
        stale: Whether the feed was late or silent at the last look, at most a second ago; or the engine does not
            answer or the client of a live feed is closed, and `verified` is False then too.
        checksum: The exchange's last checksum, None where it sent none that is valid.
        timestamp: The exchange's timestamp of the last message, verbatim; None where it sent none.
        venue_ns: The same in ns since the epoch.
        received_ns: This computer's time of its receipt.
        levels: Most levels a side in this value; 0 for `depth`. Nothing is told of those below.
    """

    symbol: str
    spec: PairSpec
    bid_ticks_lots: tuple[Level, ...]
    ask_ticks_lots: tuple[Level, ...]
    depth: int
    state: BookState
    proof: Proof
    reason: str
    stale: bool
    checksum: int | None
    timestamp: str | None
    venue_ns: int | None
    received_ns: int
    levels: int = 0

    def _held(self) -> Held:
        spec, reach = wire_spec_of(self.spec), min(self.levels or self.depth, self.depth)
        bids, asks = self.bid_ticks_lots, self.ask_ticks_lots
        return Held(self.symbol, self.received_ns, spec, bids, asks, reach, self.verified, self.stale)

    @property
    def verified(self) -> bool:
        """Whether the book is proven: only then may it be trusted."""
        return self.proof is Proof.VERIFIED

    @property
    def touch(self) -> BestBidAsk:
        """Best bid and ask."""
        return BestBidAsk(
            self.symbol, self.best_bid, self.best_ask, self.verified, self.stale, self.venue_ns, self.received_ns
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values; a level is [price, quantity] in text, as the exchange writes them."""
        names = ("symbol", "depth", "state", "proof", "reason", "verified", "stale", "checksum", "timestamp")
        return self._plain((*names, "venue_ns", "received_ns"))


class BookLine(_Levels, frozen=True, gc=False):
    """A book right after one message, with the message.

    Its decimals are made when they are asked for: a program that only counts messages pays for none.
    """

    _line: engine.BookLine

    def _held(self) -> Held:
        line = self._line
        told = [levels for levels in (line.levels, line.depth) if levels]
        reach = min(told) if told else max(len(line.bids), len(line.asks), 1)
        return Held(self.symbol, self.received_ns, line.spec, line.bids, line.asks, reach, self.verified)

    @property
    def symbol(self) -> str:
        """v2 symbol."""
        return self._line.changed.symbol

    @property
    def kind(self) -> str:
        """What the message was: "snapshot" or "update"."""
        return self._line.changed.kind

    @property
    def verified(self) -> bool:
        """Whether the checksum after this message matched: only then may the levels be trusted."""
        return self._line.changed.verified

    @property
    def matched(self) -> bool | None:
        """Whether this message's own checksum was right; None where it had none.

        A right one does not make a book verified that lost its proof: only a snapshot does.
        """
        return self._line.changed.matched

    @property
    def checksum(self) -> int | None:
        """The exchange's checksum; None where it sent none that is valid."""
        return self._line.changed.checksum

    @property
    def timestamp(self) -> str | None:
        """The exchange's timestamp, verbatim; None where it sent none."""
        return self._line.changed.timestamp

    @property
    def venue_ns(self) -> int | None:
        """The same in ns since the epoch."""
        return self._line.changed.venue_ns

    @property
    def received_ns(self) -> int:
        """This computer's time of its receipt, ns since the epoch."""
        return self._line.changed.received_ns

    @property
    def changes(self) -> tuple[LevelChange, ...]:
        """Levels the message changed, in its order; empty for a snapshot and where lines were merged.

        Levels that merely left the subscribed depth are not among them.
        """
        spec = self._line.spec
        return tuple(
            LevelChange(
                side,
                exact(ticks, spec.price_precision),
                exact(before, spec.qty_precision),
                exact(after, spec.qty_precision),
            )
            for side, ticks, before, after in self._line.changed.changes
        )

    @property
    def spec(self) -> PairSpec:
        """Precisions of the levels."""
        return spec_of(self._line.spec)

    @property
    def bid_ticks_lots(self) -> tuple[Level, ...]:
        """Bids as (ticks, lots), best first."""
        return self._line.bids

    @property
    def ask_ticks_lots(self) -> tuple[Level, ...]:
        """Asks as (ticks, lots), best first."""
        return self._line.asks

    def to_dict(self) -> dict[str, Any]:
        """As plain values; a level is [price, quantity] in text, as the exchange writes them."""
        names = ("symbol", "kind", "verified", "matched", "checksum", "timestamp", "venue_ns", "received_ns", "changes")
        return self._plain(names)

    def __repr__(self) -> str:
        touch = f"best_bid={self.best_bid}, best_ask={self.best_ask}"
        return f"BookLine(symbol={self.symbol!r}, kind={self.kind!r}, verified={self.verified}, {touch})"
