"""The recipe of CONTRIBUTING.md, "A sink": one class and one row, and the sink gets the events of a replay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.engine.engine import Engine
from kraken_tui.engine.events import BookLine
from kraken_tui.errors import ConfigurationError
from kraken_tui.market.events import Trade
from kraken_tui.outputs import SINKS, SinkRow
from kraken_tui.outputs.pump import DONE, Pump, StopAfter
from kraken_tui.outputs.sink import Sink, SinkCounts, SpecOf
from kraken_tui.settings import Settings
from tests.client.client_rig import INSTRUMENTS, book_frame, trade_frame


class Toy:
    """The class: counts books and trades, and says so on standard output."""

    def __init__(self, spec_of: SpecOf, out: Callable[[bytes], None], *, prefix: str = "") -> None:
        self.spec_of, self.out, self.prefix = spec_of, out, prefix
        self.seen: Counter[str] = Counter()
        self.opened = self.closed = False

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self.seen.total(), 0)

    def open(self) -> None:
        self.opened = True

    def write(self, event: object) -> bool:
        if isinstance(event, BookLine | Trade):
            self.seen[type(event).__name__] += 1
            return True
        return False

    def flush(self) -> None:
        pass

    def close(self) -> None:
        if not self.closed:
            self.out(f"{self.prefix}{json.dumps(self.seen, sort_keys=True)}".encode())
        self.closed = True


ROW = SinkRow("toy", "tests.outputs.test_recipe:Toy", extra="toy", options=("prefix",))


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> SinkRow:
    monkeypatch.setitem(SINKS, ROW.name, ROW)
    return SINKS["toy"]


def test_one_class_and_one_row_get_the_events_of_a_replay(row: SinkRow, tmp_path: Path) -> None:
    frames = [INSTRUMENTS, book_frame(1, kind="snapshot"), book_frame(2), trade_frame(1), book_frame(3)]
    path = tmp_path / "day.jsonl"
    path.write_text("".join(json.dumps(frame) + "\n" for frame in frames))
    engine = Engine(Settings(pairs=(), replay=path, speed=0.0))
    listener = engine.listen(book_levels=10)
    written: list[bytes] = []
    sink = row.make(lambda _: None, written.append, prefix="toy ")
    sink.open()
    engine.start()
    try:
        pump = Pump(listener, engine, sink, pytest.fail, pairs=(), stop_after=StopAfter(), stopping=lambda: False)
        assert pump.run() == DONE
        sink.close()
        sink.close()
    finally:
        engine.stop()
    assert written == [b'toy {"BookLine": 3, "Trade": 1}']
    assert sink.counts.written == 4


def test_every_row_makes_a_sink_under_its_own_name() -> None:
    def takes(sink: Sink) -> Any:
        return sink.counts

    for name, row in SINKS.items():
        assert row.name == name
        assert takes(row.make(lambda _: None, lambda _: None)) == (0, 0)


def test_an_option_it_does_not_take_and_a_package_it_lacks_are_one_sentence(row: SinkRow) -> None:
    with pytest.raises(ConfigurationError, match="the sink toy has no option colour"):
        row.make(lambda _: None, lambda _: None, colour="red")
    lacking = SinkRow("far", "no_such_package_of_anyone:Sink", extra="far")
    with pytest.raises(ConfigurationError, match=r"needs the package no_such_package_of_anyone; install .*\[far\]"):
        lacking.make(lambda _: None, lambda _: None)
    with pytest.raises(ImportError):
        SinkRow("broken", "no_such_package_of_anyone:Sink").make(lambda _: None, lambda _: None)
