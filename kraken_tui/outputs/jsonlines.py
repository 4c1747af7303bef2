"""Events as JSON lines, one object a line, for pipes and files.

Prices and quantities of a line are text with exactly the pair's decimals, as the exchange writes them, so that a
reader can prove every book line's checksum again from its ten best levels (PROTOCOL.md section 4.3). Strings are
written in ASCII with JSON escapes: nothing that reaches a terminal through a line can act on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from kraken_tui.engine.events import BookLine
from kraken_tui.feed.events import BookStateChanged, Refused, Resync, SpecChanged, StateChanged, TickerChanged
from kraken_tui.feed.private.events import Level3Line, WireOrderLine
from kraken_tui.market.events import CandleChanged, FlowEvent, Health, Level, Trade
from kraken_tui.outputs.private_lines import private_line
from kraken_tui.outputs.sink import SinkCounts, SpecOf
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import format_timestamp

_PAST = ',"live":false'
_CACHED_LEVELS = 20_000
_quote = json.JSONEncoder(ensure_ascii=True).encode


class JsonLines:
    """The sink that writes lines; one instance a stream, since it remembers precisions and written levels.

    Args:
        spec_of: Precisions of a symbol whose book has not been seen yet.
        out: Takes finished lines, in ASCII.
        snapshot_trades: Whether trades from before the subscription are written too.
        tickers: Whether the 24 hour figures are written too.
        proofs: Whether changes of a book's proof are written too, which every book line tells as well.
    """

    def __init__(
        self,
        spec_of: SpecOf = lambda _: None,
        out: Callable[[bytes], None] = lambda _: None,
        *,
        snapshot_trades: bool = False,
        tickers: bool = False,
        proofs: bool = False,
    ) -> None:
        self._out = out
        self._waiting: list[str] = []
        self._written = self._left_out = 0
        self._spec_of = spec_of
        self._snapshot_trades, self._tickers, self._proofs = snapshot_trades, tickers, proofs
        self._specs: dict[str, PairSpec] = {}
        # (price precision, quantity precision) -> level -> its text; most levels of a line stood in the one before.
        self._levels: dict[tuple[int, int], dict[Level, str]] = {}
        self._names: dict[str, str] = {}
        self._last_candle: dict[str, str] = {}
        self._second: int | None = None
        self._second_text = ""

    @property
    def counts(self) -> SinkCounts:
        """See `Sink`; left out are trades, candles and flow events whose precisions are unknown."""
        return SinkCounts(self._written, self._left_out)

    def open(self) -> None:
        """See `Sink`; the output is open already."""

    def write(self, event: object) -> bool:
        """See `Sink`."""
        if isinstance(event, BookLine):
            line: str | None = self.book_line(event)
        elif isinstance(event, Level3Line):
            line = self.level3_line(event)
        else:
            line = self.line(event)
        if line is None:
            return False
        self._waiting.append(line)
        self._written += 1
        return True

    def flush(self) -> None:
        """See `Sink`: one write for all lines that wait."""
        if self._waiting:
            lines, self._waiting = "".join(self._waiting), []
            self._out(lines.encode("ascii"))

    def close(self) -> None:
        """See `Sink`; the output belongs to the caller."""
        self.flush()

    def level3_line(self, book: Level3Line) -> str:
        """Write the single orders after one message; all of a snapshot, those of the ten best levels otherwise."""
        spec = book.spec
        self._specs[book.symbol] = spec
        checksum = "null" if book.checksum is None else book.checksum
        return (
            f'{{"event":"level3","symbol":{self._name(book.symbol)},"kind":"{book.kind}",'
            f'"verified":{"true" if book.verified else "false"},"checksum":{checksum},'
            f'"timestamp":{_text_or_null(book.timestamp)},"received":"{self._received(book.received_ns)}",'
            f'"depth":{book.depth},"bids":[{self._orders(book.bids, spec)}],'
            f'"asks":[{self._orders(book.asks, spec)}]}}\n'
        )

    def _orders(self, orders: tuple[WireOrderLine, ...], spec: PairSpec) -> str:
        price, qty = spec.price_precision, spec.qty_precision
        return ",".join(
            [f'["{from_units(ticks, price)}","{from_units(lots, qty)}",{_quote(name)}]' for ticks, lots, name in orders]
        )

    def line(self, event: object) -> str | None:
        """Write one event other than a book.

        Returns:
            The line with its newline, or None for events that have no line.
        """
        if isinstance(event, Trade):
            return self._trade(event)
        if isinstance(event, CandleChanged):
            return self._candle(event)
        if isinstance(event, Health):
            return self._health(event)
        if isinstance(event, FlowEvent):
            return self._flow(event)
        if isinstance(event, StateChanged):
            cause = _quote(event.cause)
            return f'{{"event":"state","connection":"{event.state}","cause":{cause},"attempt":{event.attempt}}}\n'
        if isinstance(event, Resync):
            return self._resync(event)
        if isinstance(event, Refused):
            return f'{{"event":"refused","symbol":{_quote(event.symbol)},"error":{_quote(event.sentence)}}}\n'
        if isinstance(event, SpecChanged):
            self._specs[event.spec.symbol] = event.spec
        elif isinstance(event, TickerChanged):
            return self._ticker(event) if self._tickers else None
        elif isinstance(event, BookStateChanged):
            return self._proof(event) if self._proofs else None
        return private_line(event)

    def book_line(self, book: BookLine) -> str:
        """Write a book after one message; `verified` is true only where the checksum was proven."""
        changed, spec = book.changed, book.spec
        self._specs[changed.symbol] = spec
        checksum = "null" if changed.checksum is None else changed.checksum
        return (
            f'{{"event":"book","symbol":{self._name(changed.symbol)},"kind":"{changed.kind}",'
            f'"verified":{"true" if changed.verified is True else "false"},"checksum":{checksum},'
            f'"timestamp":{_text_or_null(changed.timestamp)},'
            f'"received":"{self._received(changed.received_ns)}",'
            f'"bids":[{self._side(book.bids, spec)}],"asks":[{self._side(book.asks, spec)}]}}\n'
        )

    def _side(self, levels: tuple[Level, ...], spec: PairSpec) -> str:
        precisions = (spec.price_precision, spec.qty_precision)
        cache = self._levels.get(precisions)
        if cache is None or len(cache) > _CACHED_LEVELS:
            cache = self._levels[precisions] = {}
        parts = []
        for level in levels:
            text = cache.get(level)
            if text is None:
                price, qty = from_units(level[0], precisions[0]), from_units(level[1], precisions[1])
                text = cache[level] = f'["{price}","{qty}"]'
            parts.append(text)
        return ",".join(parts)

    def _received(self, ns: int) -> str:
        """As `format_timestamp`, with the calendar's part remembered for the rest of its second."""
        second, fraction = divmod(ns, SECOND)
        if second != self._second:
            self._second = second
            self._second_text = format_timestamp(second * SECOND, 0)[:-1]
        return f"{self._second_text}.{fraction // 1000:06d}Z"

    def _name(self, symbol: str) -> str:
        name = self._names.get(symbol)
        if name is None:
            name = self._names[symbol] = _quote(symbol)
        return name

    def _spec(self, symbol: str) -> PairSpec | None:
        spec = self._specs.get(symbol) or self._spec_of(symbol)
        if spec is None:
            self._left_out += 1
        else:
            self._specs[symbol] = spec
        return spec

    def _trade(self, trade: Trade) -> str | None:
        if not (trade.live or self._snapshot_trades):
            return None
        spec = self._spec(trade.symbol)
        if spec is None:
            return None
        return (
            f'{{"event":"trade","symbol":{self._name(trade.symbol)},"side":"{trade.side}",'
            f'"price":"{from_units(trade.price, spec.price_precision)}",'
            f'"qty":"{from_units(trade.qty, spec.qty_precision)}",'
            f'"ord_type":{_quote(trade.ord_type)},"trade_id":{trade.trade_id},'
            f'"timestamp":{_text_or_null(trade.timestamp)}{"" if trade.live else _PAST}}}\n'
        )

    def _candle(self, event: CandleChanged) -> str | None:
        candle = event.candle
        spec = self._spec(event.symbol)
        if spec is None:
            return None
        prices = ",".join(
            f'"{name}":"{from_units(ticks, spec.price_precision)}"'
            for name, ticks in (
                ("open", candle.open),
                ("high", candle.high),
                ("low", candle.low),
                ("close", candle.close),
            )
        )
        average = candle.vwap_ticks
        vwap = "null" if average is None else f'"{from_units(average, spec.price_precision)}"'
        line = (
            f'{{"event":"candle","symbol":{self._name(event.symbol)},"interval":{candle.interval},'
            f'"begin":"{format_timestamp(candle.begin_s * SECOND, 0)}",{prices},'
            f'"volume":"{from_units(candle.volume, spec.qty_precision)}","vwap":{vwap},'
            f'"trades":{candle.trades},"closed":{"true" if candle.closed else "false"}}}\n'
        )
        # The running candle is told by the trades and by the exchange's own candle; once is enough.
        if self._last_candle.get(event.symbol) == line:
            return None
        self._last_candle[event.symbol] = line
        return line

    def _health(self, health: Health) -> str:
        age = "null" if health.age_ms is None else health.age_ms
        return (
            f'{{"event":"health","symbol":{self._name(health.symbol)},"status":"{health.status}",'
            f'"age_ms":{age},"reason":{_quote(health.reason)}}}\n'
        )

    def _ticker(self, event: TickerChanged) -> str | None:
        ticker, spec = event.ticker, self._spec(event.symbol)
        if spec is None:
            return None
        price = spec.price_precision
        units = {name: (getattr(ticker, name), price) for name in ("last", "bid", "ask", "high", "low", "vwap")}
        units["volume"] = ticker.volume, spec.qty_precision
        texts = {name: None if value is None else from_units(value, places) for name, (value, places) in units.items()}
        texts |= {"change": ticker.change, "change_pct": ticker.change_pct}
        fields = ",".join(f'"{name}":{_text_or_null(text)}' for name, text in texts.items())
        return f'{{"event":"ticker","symbol":{self._name(event.symbol)},{fields}}}\n'

    def _proof(self, event: BookStateChanged) -> str:
        return (
            f'{{"event":"proof","symbol":{self._name(event.symbol)},"state":"{event.state}","proof":"{event.proof}",'
            f'"reason":{_quote(event.reason)}}}\n'
        )

    def _resync(self, resync: Resync) -> str:
        expected = "null" if resync.expected is None else resync.expected
        actual = "null" if resync.actual is None else resync.actual
        return (
            f'{{"event":"resync","symbol":{self._name(resync.symbol)},"cause":{_quote(resync.cause)},'
            f'"expected":{expected},"actual":{actual}}}\n'
        )

    def _flow(self, flow: FlowEvent) -> str | None:
        spec = self._spec(flow.symbol)
        if spec is None:
            return None
        origin = "null" if flow.origin is None else f'"{from_units(flow.origin, spec.price_precision)}"'
        value = from_units(flow.turnover, spec.price_precision + spec.qty_precision)
        return (
            f'{{"event":"flow","symbol":{self._name(flow.symbol)},"kind":"{flow.kind}","side":"{flow.side}",'
            f'"price":"{from_units(flow.price, spec.price_precision)}",'
            f'"qty":"{from_units(flow.qty, spec.qty_precision)}","levels":{flow.levels},'
            f'"timestamp":"{format_timestamp(flow.ns)}","from":{origin},"value":"{value}","fills":{flow.fills}}}\n'
        )


def _text_or_null(text: str | None) -> str:
    return "null" if text is None else _quote(text)
