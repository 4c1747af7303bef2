"""What a worker does with commands and events, without a connection."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kraken_tui.engine.log import EventLog
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.worker import Worker, budget_path_for
from kraken_tui.errors import RecordingError
from kraken_tui.feed.events import Note, Resync
from kraken_tui.feed.names import Wish
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND

WALL = 1_700_000_000 * SECOND


class Clock:
    def now(self) -> int:
        return 10 * SECOND

    def wall(self) -> int:
        return WALL


class Bench:
    def __init__(self, *, options: EngineOptions | None = None, **settings: Any) -> None:
        self.told: list[Any] = []
        self.log = EventLog()
        self.worker = Worker(
            Settings(**{"pairs": (), **settings}), Clock(), self.log, publish=lambda *_: None, emit=self.told.append,
            options=options,
        )  # type: ignore[arg-type]  # fmt: skip

    @property
    def noted(self) -> list[tuple[str, str]]:
        return [(line.level, line.text) for line in self.log.lines]


async def test_pairs_come_and_go_with_their_tabs_and_wishes() -> None:
    bench = Bench(interval=5, depth=25)
    worker = bench.worker
    worker.add_pair("xbt/usd\x1b")
    worker.add_pair("eth/usd", Wish(interval=15))
    assert [symbol for _, symbol in worker.names()] == ["BTC/USD\ufffd", "ETH/USD"]
    assert worker._wake.is_set()
    assert (worker.session.options.depth, worker.session.options.interval) == (25, 5)
    worker.remove_pair("eth/usd")
    assert len(worker.names()) == 1
    assert worker.symbol_of("xbt/usd") == "BTC/USD"
    assert (worker.history("BTC/USD"), worker.indexer, worker.recent(WALL)) == (None, None, None)


async def test_depth_interval_and_levels_reach_session_and_desk() -> None:
    worker = Bench().worker
    for command, wanted in (("set_depth", 500), ("set_interval", 15)):
        worker._wake.clear()
        getattr(worker, command)(wanted)
        assert worker._wake.is_set()
    assert (worker.session.options.depth, worker.session.options.interval) == (500, 15)
    worker.set_book_levels(7)
    assert worker._desk.book_levels == 7
    worker.show("A/B")
    assert worker._shown == "A/B"
    assert Bench(options=EngineOptions(book_levels=3)).worker._desk.book_levels == 3


@pytest.mark.parametrize(
    ("command", "given", "told"),
    [
        ("pause_replay", (True,), ("clock.pause", True)),
        ("set_replay_speed", (2.0,), ("clock.set_speed", 2.0)),
        ("skip_replay", (), ("clock.skip",)),
        ("replay_again", (), ("again",)),
        ("seek_replay", (7,), ("seek", 7)),
        ("seek_fault", (-1,), ("seek_fault", -1)),
        ("cancel_seek", (), ("cancel",)),
    ],
)
async def test_commands_of_a_replay_are_nothing_without_one(
    command: str, given: tuple[object, ...], told: tuple[object, ...]
) -> None:
    worker = Bench().worker
    getattr(worker, command)(*given)
    seen: list[tuple[object, ...]] = []

    class Noting:
        def __init__(self, prefix: str = "") -> None:
            self.prefix = prefix

        def __getattr__(self, name: str) -> Any:
            return Noting("clock.") if name == "clock" else lambda *args: seen.append((f"{self.prefix}{name}", *args))

    worker._replay = Noting()  # type: ignore[assignment]
    getattr(worker, command)(*given)
    assert seen == [told]


async def test_on_the_way_to_a_moment_nobody_is_told_anything() -> None:
    bench = Bench()
    for unseen in (True, False):
        bench.worker._replay = SimpleNamespace(unseen=unseen, clock=SimpleNamespace(begun=False))  # type: ignore[assignment]
        bench.worker._emit("event")
        bench.worker._note_seen("info", "line")
    assert (bench.told, bench.noted) == (["event"], [("info", "line")])


async def test_a_frame_goes_to_the_recording_to_the_program_and_to_what_is_kept() -> None:
    kept: list[tuple[bytes, int, str]] = []
    worker = Bench(options=EngineOptions(history=True, on_frame=lambda *given: kept.append(given))).worker
    assert worker._recent is not None
    recorded: list[tuple[object, ...]] = []
    worker._recordings.write = lambda *given: recorded.append(given)  # type: ignore[method-assign]
    worker._recent.poll(WALL)
    worker._on_frame(b"x", WALL, "rx")
    assert kept == recorded == [(b"x", WALL, "rx")]
    found = worker.recent(WALL)
    assert found is not None
    assert found[1] == [(b"x", WALL, "rx")]
    with pytest.raises(RecordingError, match="no longer kept; they go back to 22:13:20"):
        worker.recent(WALL - 1)
    for options in (EngineOptions(history=True, shares=False), EngineOptions(history=False, shares=True)):
        plain = Bench(options=options).worker
        assert plain._recent is None
        plain._on_frame(b"x", WALL, "rx")


async def test_a_recording_begins_and_ends_on_command() -> None:
    worker = Bench().worker
    told: list[tuple[object, ...]] = []
    worker._recordings = SimpleNamespace(  # type: ignore[assignment]
        start=lambda *given: told.append(("start", *given)), stop=lambda *given: told.append(("stop", *given))
    )
    worker.record(Path("a"))
    worker.record(None)
    assert told == [("start", Path("a"), 10 * SECOND), ("stop", 10 * SECOND)]


async def test_a_rejected_frame_is_told_once_with_what_is_known_of_it() -> None:
    bench = Bench()
    worker = bench.worker
    for events, symbol, reason in (
        ([Resync(0, "A/B", "bad number")], "A/B", "an unacceptable number in a book"),
        ([Note(0, "warning", "a word"), Note(0, "warning", "more")], None, "a word"),
        ([], None, "an unacceptable value"),
    ):
        worker.session.counters.rejected += 1
        bench.told.clear()
        worker._take(list(events))
        [told] = [each for each in bench.told if type(each).__name__ == "FrameRejected"]
        assert (told.ns, told.symbol, told.reason, told.count) == (
            WALL,
            symbol,
            reason,
            worker.session.counters.rejected,
        )
        bench.told.clear()
        worker._take([])
        assert bench.told == []


async def test_what_is_not_understood_is_told_first_and_at_each_tenfold_count() -> None:
    bench = Bench()
    worker = bench.worker
    worker._tell_ignored()
    counted = []
    for count in range(1, 120):
        worker.session.census.unknown["a.b"] = count
        before = len(bench.noted)
        worker._tell_ignored()
        if len(bench.noted) > before:
            counted.append(count)
    assert counted == [1, 10, 100]
    assert bench.noted[-1] == ("info", "ignored, not understood: field a.b (100 so far)")
    worker.session.counters.ignored["kind x"] = 7
    assert worker._ignored() == (("field a.b", 119), ("kind x", 7))


async def test_how_long_nothing_was_heard() -> None:
    worker = Bench().worker
    assert worker._silence_ns(5) is None
    assert worker._connected is False
    worker._session = SimpleNamespace(last_frame_ns=7)  # type: ignore[assignment]
    assert [worker._silence_ns(now) for now in (6, 7, 9)] == [0, 0, 2]
    assert Bench(replay=Path("day.jsonl")).worker._connected is True


def test_dials_are_counted_over_restarts_but_not_those_of_this_machine() -> None:
    for local in ("ws://127.0.0.1:5/v2", "ws://localhost/v2", "ws://[::1]:5/"):
        assert budget_path_for(local) is None
    found = budget_path_for("wss://ws.kraken.com/v2")
    assert found is None or found.name == "dials.json"
