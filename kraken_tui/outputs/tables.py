"""Events as rows of tables: which shapes there are, their columns, and the rows of an event. Knows no file format.

Columns are named as tardis.dev names them where it has them, so that what reads its files reads these. Times are whole
microseconds since the epoch, prices and amounts exact: (units, decimals), never floats.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import BookLine
from kraken_tui.market.events import Candle, CandleChanged, FlowEvent, Level, Side, Trade
from kraken_tui.outputs.sink import SinkCounts, SpecOf
from kraken_tui.units import SCALE, SECOND, VALUE_SCALE
from kraken_tui.wire.symbols import PairSpec

TEXT, TIME, FLAG, WHOLE, CHECKSUM, DECIMAL = "text", "time", "flag", "whole", "checksum", "decimal"
"""Kinds of columns; a value of any of them may be None, for unknown."""

EXCHANGE = "kraken"

_HELD_CANDLES = 3
"""Newest candles of a pair that are held back, for late trades still change them."""

Exact = tuple[int, int]
"""(units, decimals): units x 10^-decimals."""

Row = tuple[Any, ...]


class Column(NamedTuple):
    """One column.

    Attributes:
        name: Its name.
        kind: `TEXT`, `TIME`, `FLAG`, `WHOLE`, `CHECKSUM` or `DECIMAL`.
        scale: Decimals of a `DECIMAL` at most.
    """

    name: str
    kind: str
    scale: int = SCALE


_HEAD = (Column("exchange", TEXT), Column("symbol", TEXT), Column("timestamp", TIME), Column("local_timestamp", TIME))
_SIDED = (Column("side", TEXT), Column("price", DECIMAL), Column("amount", DECIMAL))
_PROOF = (Column("verified", FLAG), Column("checksum", CHECKSUM))
_SIDES = {Side.BUY: "bid", Side.SELL: "ask"}


class Shape(Protocol):
    """What rows are made of which events."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns."""
        ...

    @property
    def left_out(self) -> int:
        """Events without a row, because the precisions of their pair are unknown."""
        ...

    def rows(self, event: object) -> list[Row]:
        """Rows of one event; none for one that the shape does not show."""
        ...

    def rest(self) -> list[Row]:
        """Rows held back so far; there are no more events."""
        ...


class Updates:
    """One row for each changed level, in the order of the message; an amount of 0 removes the level.

    A snapshot is all its levels, of which the book then consists. After each message only the best `depth` levels a
    side are known.
    """

    columns = (*_HEAD, Column("is_snapshot", FLAG), *_SIDED, *_PROOF, Column("depth", WHOLE))

    def __init__(self, *_: object) -> None:
        self.left_out = 0

    def rows(self, event: object) -> list[Row]:
        """See `Shape`."""
        if not isinstance(event, BookLine):
            return []
        changed, spec = event.changed, event.spec
        price, qty = spec.price_precision, spec.qty_precision
        snapshot = changed.kind == "snapshot"
        local = changed.received_ns // 1000
        venue = local if changed.venue_ns is None else changed.venue_ns // 1000
        head = (EXCHANGE, changed.symbol, venue, local, snapshot)
        tail = (changed.verified, changed.checksum, event.depth or None)
        if snapshot:
            sides = (("bid", event.bids), ("ask", event.asks))
            return [
                (*head, side, (ticks, price), (lots, qty), *tail) for side, levels in sides for ticks, lots in levels
            ]
        return [(*head, _SIDES[side], (ticks, price), (lots, qty), *tail) for side, ticks, _, lots in changed.changes]

    def rest(self) -> list[Row]:
        """See `Shape`."""
        return []


class Levels:
    """The best levels a side after each message that changed them, or their proof: one wide row.

    Args:
        levels: How many.
    """

    def __init__(self, levels: int, *_: object) -> None:
        self.left_out = 0
        self._count = levels
        self._last: dict[str, tuple[object, ...]] = {}
        wide = [Column(f"{side}[{n}].{what}", DECIMAL) for n in range(levels) for side in ("asks", "bids")
                for what in ("price", "amount")]  # fmt: skip
        self.columns = (*_HEAD, *wide, *_PROOF)

    def rows(self, event: object) -> list[Row]:
        """See `Shape`."""
        if not isinstance(event, BookLine):
            return []
        changed, spec, count = event.changed, event.spec, self._count
        bids, asks = event.bids[:count], event.asks[:count]
        said = (bids, asks, changed.verified, spec)
        if self._last.get(changed.symbol) == said:
            return []
        self._last[changed.symbol] = said
        local = changed.received_ns // 1000
        venue = local if changed.venue_ns is None else changed.venue_ns // 1000
        row: list[object] = [EXCHANGE, changed.symbol, venue, local]
        for number in range(count):
            row += _cells(asks, number, spec)
            row += _cells(bids, number, spec)
        return [(*row, changed.verified, changed.checksum)]

    def rest(self) -> list[Row]:
        """See `Shape`."""
        return []


def _cells(side: tuple[Level, ...], number: int, spec: PairSpec) -> tuple[Exact | None, Exact | None]:
    if number >= len(side):
        return None, None
    ticks, lots = side[number]
    return (ticks, spec.price_precision), (lots, spec.qty_precision)


class _OfSpec:
    """Shapes of events that do not carry their pair's precisions.

    Args:
        spec_of: Precisions of a symbol.
        clock: Wall clock ns of the moment an event is told.
    """

    def __init__(self, _levels: int, spec_of: SpecOf, clock: Callable[[], int]) -> None:
        self.left_out = 0
        self._spec_of = spec_of
        self._clock = clock

    def _spec(self, symbol: str) -> PairSpec | None:
        spec = self._spec_of(symbol)
        self.left_out += spec is None
        return spec

    def rest(self) -> list[Row]:
        """See `Shape`."""
        return []


class Trades(_OfSpec):
    """One row a trade; `side` is the aggressor's, `is_snapshot` marks those from before the subscription."""

    columns = (*_HEAD, Column("id", WHOLE), *_SIDED, Column("is_snapshot", FLAG))

    def rows(self, event: object) -> list[Row]:
        """See `Shape`."""
        if not isinstance(event, Trade) or (spec := self._spec(event.symbol)) is None:
            return []
        price, qty = (event.price, spec.price_precision), (event.qty, spec.qty_precision)
        head = (EXCHANGE, event.symbol, event.venue_ns // 1000, self._clock() // 1000)
        return [(*head, event.trade_id, str(event.side), price, qty, not event.live)]


class Candles(_OfSpec):
    """One row a candle, in the order of time; `timestamp` is its begin, `interval` its length in minutes.

    The newest are held back until the next ones are there. One that the exchange corrects later still has a second row.
    """

    columns = (
        *_HEAD, Column("interval", WHOLE), *(Column(name, DECIMAL) for name in ("open", "high", "low", "close")),
        Column("volume", DECIMAL), Column("vwap", DECIMAL), Column("trades", WHOLE), Column("closed", FLAG),
    )  # fmt: skip

    def __init__(self, levels: int, spec_of: SpecOf, clock: Callable[[], int]) -> None:
        super().__init__(levels, spec_of, clock)
        self._held: dict[tuple[str, int], dict[int, tuple[Candle, int]]] = {}

    def rows(self, event: object) -> list[Row]:
        """See `Shape`."""
        if not isinstance(event, CandleChanged):
            return []
        candle, held = event.candle, self._held.setdefault((event.symbol, event.candle.interval), {})
        held[candle.begin_s] = (candle, self._clock())
        found = []
        while len(held) > _HELD_CANDLES:
            found += self._row(event.symbol, *held.pop(min(held)))
        return found

    def rest(self) -> list[Row]:
        """See `Shape`."""
        held, self._held = self._held, {}
        return [
            row for (symbol, _), candles in held.items() for begin in sorted(candles)
            for row in self._row(symbol, *candles[begin])
        ]  # fmt: skip

    def _row(self, symbol: str, candle: Candle, told_ns: int) -> list[Row]:
        spec = self._spec(symbol)
        if spec is None:
            return []
        price = spec.price_precision
        prices = [(ticks, price) for ticks in (candle.open, candle.high, candle.low, candle.close)]
        average = candle.vwap_ticks
        head = (EXCHANGE, symbol, candle.begin_s * (SECOND // 1000), told_ns // 1000, candle.interval)
        vwap = None if average is None else (average, price)
        return [(*head, *prices, (candle.volume, spec.qty_precision), vwap, candle.trades, candle.closed)]


class Flow(_OfSpec):
    """One row a flow event; `value` is in quote currency, `from_price` where a moved order or a sweep came from."""

    columns = (
        *_HEAD, Column("kind", TEXT), *_SIDED, Column("levels", WHOLE), Column("from_price", DECIMAL),
        Column("value", DECIMAL, VALUE_SCALE), Column("fills", WHOLE),
    )  # fmt: skip

    def rows(self, event: object) -> list[Row]:
        """See `Shape`."""
        if not isinstance(event, FlowEvent) or (spec := self._spec(event.symbol)) is None:
            return []
        price, qty = spec.price_precision, spec.qty_precision
        head = (EXCHANGE, event.symbol, event.ns // 1000, self._clock() // 1000, str(event.kind), str(event.side))
        origin = None if event.origin is None else (event.origin, price)
        value = (event.turnover, price + qty)
        return [(*head, (event.price, price), (event.qty, qty), event.levels, origin, value, event.fills)]


SHAPES: dict[str, Callable[[int, SpecOf, Callable[[], int]], Shape]] = {
    "updates": Updates,
    "levels": Levels,
    "trades": Trades,
    "candles": Candles,
    "flow": Flow,
}
"""Every shape by its name."""


class Table:
    """What the sinks of files of rows have in common; one instance a file.

    Args:
        spec_of: Precisions of a symbol.
        out: Takes the bytes of the file, in order.
        shape: One of `SHAPES`.
        levels: Levels a side of the shape `levels`.
        clock: Wall clock ns of the moment an event is told, for events that do not carry their receipt.

    Raises:
        ConfigurationError: There is no such shape.
    """

    def __init__(
        self,
        spec_of: SpecOf,
        out: Callable[[bytes], None],
        *,
        shape: str = "updates",
        levels: int = 10,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if shape not in SHAPES:
            raise ConfigurationError(f"shape takes one of {', '.join(SHAPES)}")
        self._out = out
        self._name = shape
        self._shape = SHAPES[shape](levels, spec_of, clock)
        self._waiting: list[Row] = []
        self._rows = 0

    @property
    def counts(self) -> SinkCounts:
        """See `Sink`; written are rows."""
        return SinkCounts(self._rows, self._shape.left_out)

    def write(self, event: object) -> bool:
        """See `Sink`."""
        rows = self._shape.rows(event)
        if not rows:
            return False
        self._waiting += rows
        self._rows += len(rows)
        return True

    def _finish(self) -> list[Row]:
        """Everything that waits; no more comes."""
        rest = self._shape.rest()
        self._rows += len(rest)
        rows, self._waiting = [*self._waiting, *rest], []
        return rows
