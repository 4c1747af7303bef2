"""A stream says by itself that nothing new comes because the engine hangs, and that it is back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from msgspec.structs import replace

from kraken_tui.market.events import Health, MarketStatus
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.outputs.liveness import REPEAT_NS, Liveness
from kraken_tui.outputs.pump import Pump, StopAfter
from kraken_tui.units import SECOND
from tests.outputs.test_pump import BOOK, STATE
from tests.tui import samples

MADE = 100 * SECOND


@dataclass
class Hung:
    """An engine whose newest views are of one moment, and a listener to which nothing comes."""

    now_ns: int = MADE
    feed_view: FeedView = field(
        default_factory=lambda: replace(samples.feed(), made_ns=MADE, tabs=samples.feed().tabs[:2])
    )
    views: dict[str, PairView] = field(default_factory=dict)
    failure: BaseException | None = None
    script: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        for tab in self.feed_view.tabs[:1]:
            self.views[tab.symbol] = replace(samples.pair(tab.symbol), made_ns=MADE)

    def now(self) -> int:
        return self.now_ns

    def step(self) -> str:
        return "writing the recording"

    def view(self, symbol: str) -> PairView | None:
        return self.views.get(symbol)

    def publish(self, *symbols: str) -> None:
        self.feed_view = replace(self.feed_view, made_ns=self.now_ns)
        for symbol in symbols:
            self.views[symbol] = replace(samples.pair(symbol), made_ns=self.now_ns)

    def get(self, timeout_s: float | None = None) -> object:
        self.now_ns += round((timeout_s or 0.0) * SECOND)
        event = self.script.pop(0) if self.script and self.now_ns >= MADE + 4 * SECOND else None
        if event is not None:
            self.publish(*(tab.symbol for tab in self.feed_view.tabs))
        return event


def test_each_pair_is_told_once_then_every_ten_seconds_and_once_more_when_it_is_back() -> None:
    engine = Hung()
    first, second = (tab.symbol for tab in engine.feed_view.tabs)
    liveness = Liveness(engine)
    engine.now_ns = MADE + 2 * SECOND
    assert liveness.look() == ("", [])
    engine.now_ns += 1
    sentence, told = liveness.look()
    assert sentence == "engine not answering for 2 s; it is in: writing the recording"
    assert [(health.symbol, health.status) for health in told] == [
        (first, MarketStatus.STALE),
        (second, MarketStatus.UNKNOWN),
    ]
    assert {health.reason for health in told} == {"engine not answering for 2 s"}
    assert told[1].age_ms is None
    engine.now_ns += REPEAT_NS - 1
    assert liveness.look() == ("", [])
    engine.now_ns += 1
    sentence, told = liveness.look()
    assert (sentence, {health.reason for health in told}) == ("", {"engine not answering for 12 s"})
    assert liveness.pending
    engine.publish(first)
    sentence, told = liveness.look()
    # The view may not be newer than what was told; the other pair has none yet.
    assert (sentence, told) == ("engine answers again", [])
    engine.now_ns += SECOND
    engine.publish(first)
    assert liveness.look() == ("", [samples.pair(first).health])
    assert liveness.pending
    engine.feed_view = replace(engine.feed_view, tabs=engine.feed_view.tabs[:1])
    assert liveness.look() == ("", [])
    assert not liveness.pending


def test_a_stream_without_new_lines_says_so_and_says_when_they_come_again() -> None:
    engine = Hung(script=[BOOK, STATE, STATE])
    written: list[bytes] = []
    said: list[str] = []
    pump = Pump(
        engine,
        engine,
        JsonLines(lambda _: None, written.append),
        said.append,
        pairs=(),
        stop_after=StopAfter(seconds=8.0),
        stopping=lambda: False,
        clock=lambda: engine.now_ns / SECOND,
    )
    assert pump.run() == 0
    lines = [json.loads(line) for line in b"".join(written).splitlines()]
    stale, unknown = lines[:2]
    assert (stale["event"], stale["status"], stale["reason"]) == ("health", "stale", "engine not answering for 2 s")
    assert stale["age_ms"] > 2_000
    assert unknown["status"] == "unknown"
    kinds = [(line["event"], line.get("status")) for line in lines[2:]]
    assert kinds[:2] == [("health", "active"), ("health", "active")]
    assert ("book", None) in kinds
    assert said[:2] == ["engine not answering for 2 s; it is in: writing the recording", "engine answers again"]


def test_an_engine_that_answers_is_not_spoken_of() -> None:
    engine = Hung()
    liveness = Liveness(engine)
    assert liveness.look() == ("", [])
    assert not liveness.pending
    assert isinstance(samples.pair().health, Health)


def test_a_pair_that_is_back_is_told_though_one_before_it_is_not() -> None:
    engine = Hung()
    first, second = (tab.symbol for tab in engine.feed_view.tabs)
    engine.publish(first, second)
    liveness = Liveness(engine)
    engine.now_ns += 3 * SECOND
    assert len(liveness.look()[1]) == 2
    engine.now_ns += SECOND
    engine.publish(second)
    assert liveness.look() == ("engine answers again", [samples.pair(second).health])
    assert liveness.pending
