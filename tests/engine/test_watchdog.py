"""The watchdog of the engine's thread, what it says of the thread's step, and the lag of its rounds."""

from __future__ import annotations

import sys
from types import FrameType

from kraken_tui.engine.lag import LoopLag
from kraken_tui.engine.watchdog import Watchdog, step_of, step_of_thread
from kraken_tui.units import SECOND

QUARTER = SECOND // 4


def frame_in(*modules: str, name: str = "work") -> FrameType | None:
    """The innermost frame of calls through these modules, outermost first."""
    namespace: dict[str, object] = {}
    for depth, module in enumerate(reversed(modules)):
        inner = namespace.get("call")
        namespace = {"__name__": module, "inner": inner, "sys": sys}
        body = "sys._getframe()" if depth == 0 else "inner()"
        exec(
            f"def {name if depth == 0 else 'call'}(): return {body}\ncall = {name if depth == 0 else 'call'}", namespace
        )
    call = namespace["call"]
    assert callable(call)
    found = call()
    assert isinstance(found, FrameType)
    return found


def test_a_step_is_told_by_the_innermost_module_that_says_something() -> None:
    engine = ("threading", "kraken_tui.engine.engine", "asyncio.runners")
    assert step_of(frame_in(*engine, "kraken_tui.engine.worker")) == "publishing"
    assert (
        step_of(frame_in(*engine, "kraken_tui.engine.worker", "kraken_tui.recording.writer")) == "writing the recording"
    )
    assert step_of(frame_in(*engine, "kraken_tui.recording.replay", "kraken_tui.files")) == "reading the recording"
    assert step_of(frame_in(*engine, "kraken_tui.engine.log", "logging", "kraken_tui.files")) == "writing the log"
    assert step_of(frame_in(*engine, "kraken_tui.feed.session", "kraken_tui.feed.pair")) == "applying a frame"
    assert step_of(frame_in(*engine, "asyncio.base_events", "socket", name="getaddrinfo")) == "name resolution"
    private = (*engine, "kraken_tui.engine.private_side", "kraken_tui.feed.private.account")
    assert step_of(frame_in(*private, "kraken_tui.market.orders.account")) == "figures of a market"
    assert step_of(frame_in(*private)) == "applying a frame of the account"
    assert step_of(frame_in(*engine, "kraken_tui.feed.private.level3", "kraken_tui.text")) == "applying single orders"
    assert step_of(frame_in(*engine, "kraken_tui.feedback")) == ""
    assert step_of(None) == ""
    assert step_of_thread(None) == step_of_thread(-1) == ""


def looks(watchdog: Watchdog, *moments: tuple[int, int | None]) -> list[tuple[str, str] | None]:
    return [watchdog.look(now, made) for now, made in moments]


def test_one_line_when_the_engine_falls_silent_and_one_when_it_is_back() -> None:
    watchdog = Watchdog(lambda: "writing the recording")
    at = 100 * SECOND
    lines = looks(watchdog, (at, None), (at + QUARTER, at), *((at + n * QUARTER, at) for n in range(2, 9)))
    assert lines == [None] * 9
    assert looks(watchdog, (at + 9 * QUARTER, at), (at + 10 * QUARTER, at)) == [
        ("error", "engine not answering for 2 s; it is in: writing the recording"),
        None,
    ]
    back = at + 18 * SECOND
    watchdog.look(back - QUARTER, at)
    assert looks(watchdog, (back, back), (back + QUARTER, back)) == [
        ("warning", "engine answers again after 18 s; it was in: writing the recording"),
        None,
    ]


def test_a_process_that_stood_still_does_not_blame_its_engine() -> None:
    watchdog = Watchdog(lambda: "")
    at = 100 * SECOND
    assert looks(watchdog, (at, at), (at + 60 * SECOND, at), (at + 62 * SECOND - QUARTER, at)) == [None] * 3
    hung = Watchdog(lambda: "")
    lines = looks(hung, (at, at), *((at + 60 * SECOND + n * QUARTER, at) for n in range(10)))
    assert lines[-1] == ("error", "engine not answering for 62 s")
    assert lines[:-1] == [None] * 10


def test_the_lag_is_the_worst_of_the_last_ten_seconds() -> None:
    lag, period = LoopLag(), SECOND // 10
    for at, worst in (
        (0, 0),
        (100, 0),
        (350, 150),
        (450, 150),
        (460, 150),
        (760, 200),
        (900, 200),
        (10_760, 9_760),
        (20_770, 9_910),
    ):
        lag.begin(at * 1_000_000, period)
        assert lag.worst_ns == worst * 1_000_000, at
    quiet = LoopLag()
    quiet.begin(0, period)
    quiet.begin(3 * period, period)
    for tick in range(4, 103):
        quiet.begin(tick * period, period)
        assert quiet.worst_ns == 2 * period
    quiet.begin(103 * period, period)
    quiet.begin(104 * period, period)
    assert quiet.worst_ns == 0


def test_two_seconds_are_borne_and_not_a_nanosecond_more() -> None:
    at = 100 * SECOND
    for late, line in ((0, None), (1, ("error", "engine not answering for 2 s"))):
        watchdog = Watchdog(lambda: "")
        assert watchdog.look(at + SECOND + QUARTER, at) is None
        assert watchdog.look(at + 2 * SECOND + late, at) == line


def test_a_look_that_is_more_than_a_second_late_excuses_the_engine_for_two_from_then() -> None:
    at = 100 * SECOND
    for late, excused in ((0, False), (1, True)):
        watchdog = Watchdog(lambda: "")
        watchdog.look(at + SECOND + 1, at)
        assert (watchdog.look(at + 2 * SECOND + 1 + late, at) is None) is excused
    watchdog = Watchdog(lambda: "")
    watchdog.look(at, at)
    asleep = at + 5 * SECOND
    moments = [asleep + n * SECOND for n in range(3)]
    assert [watchdog.look(now, at) for now in moments] == [None] * 3
    assert watchdog.look(moments[-1] + 1, at) == ("error", "engine not answering for 7 s")


def test_a_second_silence_is_told_like_the_first() -> None:
    steps = ["publishing", "", "applying a frame"]
    watchdog = Watchdog(lambda: steps.pop(0))
    at = 100 * SECOND
    told = []
    for made in (at, at + 10 * SECOND):
        for now in range(made, made + 4 * SECOND, SECOND):
            told.append(watchdog.look(now, made))
        told.append(watchdog.look(made + 5 * SECOND, made + 5 * SECOND))
    assert [line for line in told if line] == [
        ("error", "engine not answering for 3 s; it is in: publishing"),
        ("warning", "engine answers again after 5.0 s; it was in: publishing"),
        ("error", "engine not answering for 3 s"),
        ("warning", "engine answers again after 5.0 s"),
    ]
