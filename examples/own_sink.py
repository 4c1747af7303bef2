"""An output of your own: proven touches and trades into SQLite. Try: python examples/own_sink.py --demo

A sink has the methods of `kraken_tui/outputs/sink.py` and a row in `SINKS`; events come in whole ticks and lots. This
part of the package may change between versions, unlike the names that `kraken_tui` exports (docs/LIBRARY.md).
"""

import argparse
import sqlite3
import sys
from pathlib import Path
from typing import Any

from kraken_tui.engine.engine import Engine
from kraken_tui.engine.events import BookLine
from kraken_tui.market.events import Trade
from kraken_tui.outputs import SINKS, SinkRow
from kraken_tui.outputs.pump import Pump, StopAfter
from kraken_tui.outputs.sink import SinkCounts
from kraken_tui.settings import Settings
from kraken_tui.wire.digits import from_units

TABLES = """
CREATE TABLE IF NOT EXISTS touches (ns INTEGER, symbol TEXT, bid TEXT, bid_qty TEXT, ask TEXT, ask_qty TEXT);
CREATE TABLE IF NOT EXISTS trades (trade_id INTEGER, ns INTEGER, symbol TEXT, side TEXT, price TEXT, qty TEXT,
  UNIQUE (symbol, trade_id));
"""


class SqliteSink:
    """Writes one row for each change of a proven touch, and one for each trade; `flush` makes them durable."""

    def __init__(self, spec_of: Any, out: Any, *, file: str = ":memory:") -> None:  # noqa: ARG002 - `out` is stdout
        self.spec_of, self.file = spec_of, file
        self.written = self.left_out = 0
        self.touches: dict[str, object] = {}
        self.database: sqlite3.Connection | None = None

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self.written, self.left_out)

    def open(self) -> None:
        self.database = sqlite3.connect(self.file)
        self.database.executescript(TABLES)

    def write(self, event: object) -> bool:
        if isinstance(event, BookLine) and event.changed.verified and event.bids and event.asks:
            touch = (event.bids[0], event.asks[0])
            if self.touches.get(event.changed.symbol) == touch:
                return False
            self.touches[event.changed.symbol] = touch
            precisions = (event.spec.price_precision, event.spec.qty_precision)
            texts = [from_units(*each) for level in touch for each in zip(level, precisions, strict=True)]
            return self.insert("touches", event.changed.received_ns, event.changed.symbol, *texts)
        if isinstance(event, Trade):
            spec = self.spec_of(event.symbol)
            if spec is None:
                self.left_out += 1
                return False
            price, qty = from_units(event.price, spec.price_precision), from_units(event.qty, spec.qty_precision)
            return self.insert("trades", event.trade_id, event.venue_ns, event.symbol, event.side, price, qty)
        return False

    def insert(self, table: str, *row: object) -> bool:
        assert self.database is not None
        self.database.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        self.written += 1
        return True

    def flush(self) -> None:
        if self.database is not None:
            self.database.commit()

    def close(self) -> None:
        self.flush()
        if self.database is not None:
            self.database.close()
            self.database = None


SINKS["sqlite"] = SinkRow("sqlite", "__main__:SqliteSink", options=("file",))


def complain(sentence: str) -> None:
    print(sentence, file=sys.stderr)


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--seconds", type=float, default=2, help="stop after this time")
options.add_argument("--file", type=Path, default=":memory:", help="database; in memory by default")
chosen = options.parse_args()

engine = Engine(Settings(pairs=tuple(chosen.pairs), demo=chosen.demo))
listener = engine.listen(book_levels=10)
sink = SINKS["sqlite"].make(lambda symbol: getattr(engine.view(symbol), "spec", None), print, file=str(chosen.file))
stop_after = StopAfter(seconds=chosen.seconds)
pump = Pump(
    listener, engine, sink, complain, pairs=engine.settings.pairs, stop_after=stop_after, stopping=lambda: False
)
sink.open()
engine.start()
try:
    code = pump.run()
finally:
    engine.stop()
    sink.close()
print(f"{sink.counts.written} rows in {chosen.file}")
raise SystemExit(code)
