"""The loop from a listener to a sink: limits, refusals, the end of the feed, signals."""

from __future__ import annotations

import json
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_tui.engine.listeners import ListenerClosed
from kraken_tui.feed.events import Refused, StateChanged
from kraken_tui.market.events import Candle, CandleChanged
from kraken_tui.market.views import PairView
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.outputs.pump import DONE, FAILED, WRONG_USE, Pump, StopAfter
from tests.outputs.test_jsonlines import CHANGED, NS, SPEC, TRADE, line_of

BOOK = line_of(CHANGED, ((1, 1),), ((2, 2),))
STATE = StateChanged(NS, "CONNECTING", "first dial", 1, None)
END = object()


class Feed:
    """Plays a script of events in virtual time: a number is a wait in seconds, END is the end."""

    def __init__(self, *script: object, fatal: str = "", finished: bool = False) -> None:
        self.script = deque(script)
        self.passed = 0.0
        self.stopped = False
        self.said: list[str] = []
        self.written: list[bytes] = []
        self.failure: BaseException | None = None
        replay = SimpleNamespace(finished=finished)
        self.feed_view: Any = SimpleNamespace(
            fatal=fatal, state="DEGRADED", cause="no answer", replay=replay, made_ns=None, tabs=()
        )
        self.views: dict[str, PairView] = {}

    def now(self) -> int:
        return round(self.passed * 1e9)

    def step(self) -> str:
        return "writing the recording"

    def view(self, symbol: str) -> PairView | None:
        return self.views.get(symbol)

    def get(self, timeout_s: float | None = None) -> object:
        assert timeout_s is not None
        if self.script and isinstance(self.script[0], float):
            wait = self.script.popleft()
            assert isinstance(wait, float)
            step = min(wait, timeout_s)
            self.passed += step
            if wait > step + 1e-9:
                self.script.appendleft(wait - step)
            return None
        if not self.script:
            self.passed += timeout_s
            return None
        event = self.script.popleft()
        if event is END:
            raise ListenerClosed
        if event == "signal":
            self.stopped = True
            return None
        return event

    def run(
        self, *, pairs: tuple[str, ...] = ("BTC/USD",), seconds: float | None = None, count: int | None = None
    ) -> int:
        return Pump(
            self,
            self,
            JsonLines(lambda _: SPEC, self.written.append),
            self.said.append,
            pairs=pairs,
            stop_after=StopAfter(seconds, count),
            stopping=lambda: self.stopped,
            clock=lambda: self.passed,
        ).run()

    @property
    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in b"".join(self.written).splitlines()]


def test_count_stops_after_that_many_book_and_trade_lines() -> None:
    feed = Feed(STATE, BOOK, TRADE, replace(TRADE, live=False), BOOK, BOOK)
    assert feed.run(count=3) == DONE
    assert feed.events == ["state", "book", "trade", "book"]


def test_seconds_stop_in_the_middle_of_a_flood() -> None:
    feed = Feed(BOOK, 0.5, BOOK, 0.6, BOOK)
    assert feed.run(seconds=1.0) == DONE
    assert feed.events == ["book", "book"]
    assert feed.passed == pytest.approx(1.0)


def test_seconds_without_a_single_book_or_trade_fail_and_say_why() -> None:
    feed = Feed(STATE)
    assert feed.run(seconds=2.0) == FAILED
    assert feed.said == ["no book or trade came in 2 s; the connection is DEGRADED: no answer"]


def test_the_end_of_the_events_is_a_good_end_if_anything_came() -> None:
    assert Feed(BOOK, END).run() == DONE
    assert Feed(STATE, END).run() == FAILED
    feed = Feed(BOOK, END)
    feed.run()
    assert feed.events == ["book"]


def test_a_finished_replay_ends_after_its_last_event() -> None:
    feed = Feed(BOOK, BOOK, finished=True)
    assert feed.run() == DONE
    assert feed.events == ["book", "book"]


def test_a_feed_that_failed_for_good_is_said() -> None:
    feed = Feed(BOOK, END, fatal="the recording is damaged")
    assert feed.run() == FAILED
    assert feed.said == ["the recording is damaged"]


def test_when_every_pair_is_refused_the_use_was_wrong() -> None:
    feed = Feed(
        Refused(NS, "foo/usd", "", "Kraken has no such pair"),
        Refused(NS, "foo/usd", "trade", "Kraken has no such pair"),
        Refused(NS, "BAR/USD", "book", "Currency pair not supported BAR/USD", ("BTR/USD",)),
        BOOK,
    )
    assert feed.run(pairs=("foo/usd", "BAR/USD")) == WRONG_USE
    assert feed.events == ["refused"] * 3
    assert feed.said[-1] == "BAR/USD: book: Currency pair not supported BAR/USD; nearest: BTR/USD"


def test_one_refused_pair_of_two_does_not_stop_the_other() -> None:
    feed = Feed(Refused(NS, "foo/usd", "", "no such pair"), BOOK, END)
    assert feed.run(pairs=("foo/usd", "BTC/USD")) == DONE
    assert feed.events == ["refused", "book"]


def test_a_refused_side_channel_does_not_count() -> None:
    feed = Feed(Refused(NS, "BTC/USD", "ohlc", "no"), BOOK, END)
    assert feed.run() == DONE


def test_a_signal_ends_the_loop_with_the_lines_so_far_written() -> None:
    feed = Feed(BOOK, "signal", BOOK)
    assert feed.run() == DONE
    assert feed.events == ["book"]


def test_a_defect_of_the_engine_is_raised_after_what_came_before_it() -> None:
    feed = Feed(BOOK, END)
    feed.failure = RuntimeError("a defect")
    with pytest.raises(RuntimeError, match="a defect"):
        feed.run()
    assert feed.events == ["book"]


def test_what_waits_together_is_written_together() -> None:
    feed = Feed(*[BOOK] * 600, END)
    feed.run()
    assert [lines.count(b"\n") for lines in feed.written] == [256, 256, 88]


def test_exit_codes_are_as_documented() -> None:
    assert (DONE, FAILED, WRONG_USE) == (0, 1, 2)


def test_a_candle_is_something_of_the_market_too() -> None:
    candle = CandleChanged("BTC/USD", Candle(0, 1, 10, 10, 10, 10, 1, 10, 1))
    assert Feed(candle, END).run() == DONE
    refused = Feed(candle, Refused(NS, "BTC/USD", "", "no such pair"), END)
    assert refused.run() == DONE
    # But it is not one of the books and trades that are counted.
    feed = Feed(candle, BOOK, TRADE, BOOK)
    assert feed.run(count=2) == DONE
    assert feed.events == ["candle", "book", "trade"]


class Watched(Feed):
    """Takes note of how long is waited, and of rounds; its clock also moves with every event."""

    def __init__(self, *script: object, event_s: float = 0.0) -> None:
        super().__init__(*script)
        self.waits: list[float | None] = []
        self.rounds = self.flushed = 0
        self.event_s = event_s

    def get(self, timeout_s: float | None = None) -> object:
        self.waits.append(timeout_s)
        event = super().get(timeout_s)
        self.passed += 0.0 if event is None else self.event_s
        return event

    def run_until(self, seconds: float | None) -> int:
        def each_round() -> None:
            self.rounds += 1

        sink = JsonLines(lambda _: SPEC, self.written.append)
        return Pump(
            self, self, sink, self.said.append, pairs=(), stop_after=StopAfter(seconds),
            stopping=lambda: self.stopped, each_round=each_round, clock=lambda: self.passed,
        ).run()  # fmt: skip


def test_no_wait_is_longer_than_a_tenth_of_a_second_and_none_where_events_wait() -> None:
    feed = Watched(BOOK, BOOK, 0.25, BOOK, END)
    assert feed.run_until(None) == DONE
    assert feed.waits == [0.1, 0.0, 0.0, 0.1, 0.1, 0.1, 0.1, 0.0]
    assert feed.rounds == 5
    feed = Watched(0.25)
    assert feed.run_until(0.25) == FAILED
    assert feed.waits == pytest.approx([0.1, 0.1, 0.05])


def test_a_stream_ends_at_its_time_to_the_event() -> None:
    feed = Watched(*[BOOK] * 20, event_s=0.25)
    assert feed.run_until(1.0) == DONE
    assert len(feed.events) == 4


def test_that_the_engine_hangs_is_written_at_once() -> None:
    feed = Watched(5.0, END)
    feed.feed_view = SimpleNamespace(**vars(feed.feed_view) | {"made_ns": 0, "tabs": (SimpleNamespace(symbol="A/B"),)})
    written: list[float] = []
    sink = JsonLines(lambda _: SPEC, lambda _: written.append(round(feed.passed, 1)))
    Pump(feed, feed, sink, feed.said.append, pairs=(), stop_after=StopAfter(4.0), stopping=lambda: False,
         clock=lambda: feed.passed).run()  # fmt: skip
    assert written == [2.1]
