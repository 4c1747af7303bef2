"""The stream's loop: limits, refusals, the end of the feed, signals, and readers that go away or stand still."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_tui.feed.events import Refused, StateChanged
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.outputs.printer import DONE, FAILED, WRONG_USE, EndOfEvents, Limits, Output, StreamPrinter, Unread
from tests.outputs.test_jsonlines import CHANGED, NS, SPEC, TRADE, Line

BOOK = Line(CHANGED, ((1, 1),), ((2, 2),))
STATE = StateChanged(NS, "CONNECTING", "first dial", 1, None)
END = object()


class Feed:
    """Plays a script of events in virtual time: a number is a wait in seconds, END is the end."""

    def __init__(self, *script: object, fatal: str = "", finished: bool = False) -> None:
        self.script = deque(script)
        self.now = 0.0
        self.stopped = False
        self.said: list[str] = []
        self.written: list[bytes] = []
        replay = SimpleNamespace(finished=finished)
        self.feed_view: Any = SimpleNamespace(fatal=fatal, state="DEGRADED", cause="no answer", replay=replay)

    def take(self, timeout_s: float) -> object:
        if self.script and isinstance(self.script[0], float):
            wait = self.script.popleft()
            assert isinstance(wait, float)
            step = min(wait, timeout_s)
            self.now += step
            if wait > step + 1e-9:
                self.script.appendleft(wait - step)
            return None
        if not self.script:
            self.now += timeout_s
            return None
        event = self.script.popleft()
        if event is END:
            raise EndOfEvents
        if event == "signal":
            self.stopped = True
            return None
        return event

    def run(
        self, *, pairs: tuple[str, ...] = ("BTC/USD",), seconds: float | None = None, count: int | None = None
    ) -> int:
        return StreamPrinter(
            self.take,
            self,
            JsonLines(lambda _: SPEC),
            self.written.append,
            self.said.append,
            pairs=pairs,
            limits=Limits(seconds, count),
            stopping=lambda: self.stopped,
            clock=lambda: self.now,
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
    assert feed.now == pytest.approx(1.0)


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


def test_what_waits_together_is_written_together() -> None:
    feed = Feed(*[BOOK] * 600, END)
    feed.run()
    assert len(feed.written) < 5
    assert len(feed.events) == 600


@pytest.fixture
def pipe() -> Any:
    read, write = os.pipe()
    ends = SimpleNamespace(read=read, write=write)
    yield ends
    for fd in (ends.read, ends.write):
        if fd is not None:
            os.close(fd)


def test_output_arrives_whole_through_a_pipe_that_is_read_slowly(pipe: Any) -> None:
    data = os.urandom(300_000)
    got = bytearray()

    def read() -> None:
        while len(got) < len(data):
            got.extend(os.read(pipe.read, 1000))

    reader = threading.Thread(target=read)
    reader.start()
    Output(pipe.write, lambda: False).write(data)
    reader.join(10)
    assert bytes(got) == data


def test_a_reader_that_went_away_is_told_as_broken_pipe(pipe: Any) -> None:
    os.close(pipe.read)
    pipe.read = None
    with pytest.raises(BrokenPipeError):
        Output(pipe.write, lambda: False).write(b"line\n")


@pytest.mark.realtime
def test_a_signal_frees_the_program_from_a_pipe_nobody_reads(pipe: Any) -> None:
    started = time.monotonic()
    with pytest.raises(Unread):
        Output(pipe.write, lambda: True).write(b"x" * 1_000_000)
    assert 0.9 < time.monotonic() - started < 3
