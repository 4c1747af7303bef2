"""Commands of an engine reach its worker, before and after it has one; listeners, views and questions besides."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_tui.engine import engine as module
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.options import EngineOptions
from kraken_tui.errors import RecordingError, TimedOut
from kraken_tui.feed.names import NO_WISH, Wish
from kraken_tui.market.events import Health, MarketStatus, Proof
from kraken_tui.market.views import Mode, PairSummary
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from tests.tui import samples


class Worker:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.told.append((name, *given))


class Loop:
    """Calls at once."""

    closed = refuses = False

    def is_closed(self) -> bool:
        return self.closed

    def call_soon_threadsafe(self, function: Any, *given: object) -> None:
        if self.refuses:
            raise RuntimeError("Event loop is closed")
        function(*given)


class Clock:
    """Stands still; `wall` and `now` differ."""

    def __init__(self) -> None:
        self.ns = 10 * SECOND

    def now(self) -> int:
        return self.ns

    def wall(self) -> int:
        return self.ns + 1_700_000_000 * SECOND


def engine(*, begun: bool = True, options: EngineOptions | None = None, **settings: Any) -> tuple[Engine, Worker]:
    made = Engine(Settings(**{"pairs": ("xbt/usd",), **settings}), Clock(), options)  # type: ignore[arg-type]
    worker = Worker()
    if begun:
        made._worker, made._loop = worker, Loop()  # type: ignore[assignment]
    return made, worker


COMMANDS: list[tuple[str, tuple[object, ...], tuple[object, ...]]] = [
    ("show", ("A/B",), ("show", "A/B")),
    ("add_pair", ("a/b",), ("add_pair", "a/b", NO_WISH)),
    ("add_pair", ("a/b", Wish(interval=5)), ("add_pair", "a/b", Wish(interval=5))),
    ("remove_pair", ("A/B",), ("remove_pair", "A/B")),
    ("set_depth", (25,), ("set_depth", 25)),
    ("set_interval", (5,), ("set_interval", 5)),
    ("pause_replay", (True,), ("pause_replay", True)),
    ("set_replay_speed", (2.0,), ("set_replay_speed", 2.0)),
    ("skip_replay", (), ("skip_replay",)),
    ("replay_again", (), ("replay_again",)),
    ("seek_replay", (7,), ("seek_replay", 7)),
    ("seek_fault", (-1,), ("seek_fault", -1)),
    ("cancel_seek", (), ("cancel_seek",)),
    ("reconnect", (), ("reconnect",)),
    ("record", (Path("a"),), ("record", Path("a"))),
    ("record", (None,), ("record", None)),
]


@pytest.mark.parametrize(("command", "given", "told"), COMMANDS, ids=lambda each: str(each)[:20])
def test_a_command_reaches_the_worker_and_waits_for_it(
    command: str, given: tuple[object, ...], told: tuple[object, ...]
) -> None:
    made, worker = engine()
    getattr(made, command)(*given)
    assert worker.told == [told]
    early, worker = engine(begun=False)
    getattr(early, command)(*given)
    assert worker.told == []
    for each in early._pending:
        each(worker)  # type: ignore[arg-type]
    assert worker.told == [told]


def test_after_the_end_a_command_is_nothing() -> None:
    made, worker = engine()
    loop: Any = made._loop
    loop.refuses = True
    made.show("A/B")
    loop.refuses, loop.closed = False, True
    made.show("A/B")
    assert (worker.told, made._pending) == ([], [])


def test_a_line_of_a_program_is_in_the_log_with_its_own_time() -> None:
    made, _ = engine()
    made.note("warning", "late")
    [line] = made._log.lines
    assert (line.ns, line.level, line.text) == (1_700_000_010 * SECOND, "warning", "late")


@pytest.mark.parametrize(
    ("settings", "mode"),
    [({}, Mode.LIVE), ({"demo": True}, Mode.DEMO), ({"replay": Path("day.jsonl")}, Mode.REPLAY)],
)
def test_before_the_first_view_nothing_is_known(settings: dict[str, Any], mode: Mode) -> None:
    made, _ = engine(begun=False, **settings)
    view = made.feed_view
    assert (view.mode, view.state, view.cause, view.system) == (mode, "DISCONNECTED", "starting", "unknown")
    assert view.now_ns == 1_700_000_010 * SECOND
    assert view.made_ns is None
    assert view.tabs == (PairSummary("BTC/USD", None, 0, 0, Proof.CHECKING, stale=False),)
    numbers = (view.version, view.attempt, view.messages, view.invalid, view.checks_ok, view.checks_failed,
               view.resyncs, view.reconnects, view.queue, view.queue_limit, view.dropped)  # fmt: skip
    assert set(numbers) == {0}
    assert (view.retry_in_s, view.heartbeat_age_ns, view.message_rate) == (None, None, 0.0)
    assert (made.view("BTC/USD"), made.published().feed, made.now()) == (None, view, 10 * SECOND)
    assert (made.step(), made.at_rest, made.ended, made.failure, made.keeps_history) == ("", True, False, None, False)
    assert (made.search("btc"), made.is_tokenised("A"), made.symbol_of("xbt/usd"), made.history("A")) == (
        [], False, "BTC/USD", None,
    )  # fmt: skip
    assert made.ask(lambda _: 1) is None
    assert made.stop() is True


def test_what_the_worker_knows_is_asked_of_it() -> None:
    made, _ = engine(options=EngineOptions(history=True))
    made._worker = SimpleNamespace(  # type: ignore[assignment]
        search=lambda text, limit: [text, str(limit)],
        is_tokenised=lambda symbol: symbol == "T",
        symbol_of=lambda name: name.upper(),
        history=lambda symbol: symbol,
    )
    assert (made.search("x"), made.search("x", 3)) == (["x", "50"], ["x", "3"])
    assert (made.is_tokenised("T"), made.is_tokenised("U")) == (True, False)
    assert (made.symbol_of("ab"), made.history("A"), made.keeps_history) == ("AB", "A", True)


HEALTH = Health("A/B", MarketStatus.ACTIVE, "", 1)


def test_listeners_get_the_types_they_want_until_they_go() -> None:
    made, worker = engine()
    everything = made.listen()
    some = made.listen(5, types=(Health,), book_levels=10)
    other = made.listen(types=(int,), book_levels=3, coalesce_ms=1.5, rate=4.0)
    assert worker.told == [("set_book_levels", 0), ("set_book_levels", 10), ("set_book_levels", 10)]
    assert (everything.capacity, some.capacity, other._window, other._interval) == (65_536, 5, 1_500_000, SECOND // 4)
    for event in (HEALTH, 5, True, "x"):
        made._emit(event)
    assert [everything.offered, some.offered, other.offered] == [4, 1, 2]
    made.unlisten(some)
    made._emit(HEALTH)
    assert (some.counts.waiting, some.counts.dropped, everything.offered) == (0, 1, 5)
    late = made.listen(types=(Health,))
    made._emit(HEALTH)
    assert late.offered == 1
    made.abandon(late)
    made._emit(HEALTH)
    assert (late.offered, late.finished, everything.offered) == (1, True, 7)


def test_what_listeners_are_told_can_be_changed_on_the_way() -> None:
    made, _ = engine(options=EngineOptions(transform=lambda event: (event, event) if event != "x" else ()))
    listener = made.listen()
    made._emit("x")
    made._emit(1)
    assert [listener.get(0), listener.get(0), listener.get(0)] == [1, 1, None]


def test_a_listener_that_comes_after_the_end_is_closed() -> None:
    made, _ = engine()
    before = made.listen()
    made.stop()
    assert before.finished
    made._ended = True
    assert made.listen().finished
    assert made.ended
    made._failure = ValueError("x")
    assert not made.ended


def test_who_waits_for_views_or_for_a_failure_is_called() -> None:
    views: list[object] = []
    made, _ = engine(options=EngineOptions(on_publish=views.append))
    called: list[object] = []
    made.on_publish(lambda: called.append(made.feed_view))
    view = samples.feed()
    made._publish(view, {"A/B": samples.pair()})
    assert (views, called, made.view("A/B") is not None) == ([view], [view], True)
    made.on_failure(called.append)
    assert called == [view]
    failure = made._failure = ValueError("x")
    made.on_failure(called.append)
    assert called == [view, failure]


class Thread:
    """Stands for the engine's; `alive` until told."""

    ident = None

    def __init__(self) -> None:
        self.alive = True
        self.joined: list[float] = []

    def is_alive(self) -> bool:
        return self.alive

    def join(self, timeout_s: float) -> None:
        self.joined.append(timeout_s)


def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, Any, Any]:
    made, _ = engine()
    made._thread = thread = Thread()  # type: ignore[assignment]
    monkeypatch.setattr(module, "_ASK_AGAIN_S", 0.001)
    made._published = type(made._published)(replace(made.feed_view, made_ns=10 * SECOND))
    return made, thread, made._loop


def test_a_question_is_answered_in_the_engines_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    made, thread, loop = asked(monkeypatch)
    assert made.ask(lambda _: 7) == 7
    with pytest.raises(ZeroDivisionError):
        made.ask(lambda _: 1 // 0)
    # After its end, and in its own thread, it is answered here.
    loop.closed, thread.alive = True, False
    assert made.ask(lambda _: 8) == 8
    thread.alive = True
    made._thread = threading.current_thread()
    assert made.ask(lambda _: 9) == 9


def test_an_engine_that_does_not_answer_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, thread, loop = asked(monkeypatch)
    calls: list[object] = []
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *given: calls.append(given))
    for _ in range(2):
        with pytest.raises(TimedOut, match="the engine does not answer"):
            made.ask(lambda _: 7, 0.01)
        assert len(calls) == 1, "until it publishes again nobody else waits"
    made._published = type(made._published)(replace(made.feed_view, made_ns=10 * SECOND + 1))
    with pytest.raises(TimedOut):
        made.ask(lambda _: 7, 0.01)
    assert len(calls) == 2
    # Silent for more than two seconds: it is not even asked.
    clock: Any = made._clock
    clock.ns = 12 * SECOND + 2
    made._unanswered_ns = None
    with pytest.raises(TimedOut):
        made.ask(lambda _: 7, 0.01)
    assert len(calls) == 2
    clock.ns = 12 * SECOND + 1
    # One that ended meanwhile changes no more.
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *_: setattr(thread, "alive", False))
    assert made.ask(lambda _: 7, 5) == 7


def test_it_is_started_once_and_waited_for_as_long_as_is_said() -> None:
    made, worker = engine()
    made._thread = thread = Thread()  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="started before"):
        made.start()
    assert made.stop(0.5) is False
    assert (thread.joined, worker.told, made._over.is_set()) == ([0.5], [("stop",)], True)
    assert not made.at_rest
    thread.alive = False
    assert made.stop() is True
    assert thread.joined == [0.5, module.STOP_TIMEOUT_S]
    assert made.at_rest


def test_what_is_shared_comes_from_the_index_where_that_reaches_and_else_from_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, _ = engine()
    made._thread = Thread()  # type: ignore[assignment]
    made._published = type(made._published)(replace(made.feed_view, made_ns=10 * SECOND))
    now = made.feed_view.now_ns
    reaches: list[int] = []
    index = SimpleNamespace(reaches=lambda ns: reaches.append(ns) or index.whole, whole=True)
    worker: Any = SimpleNamespace(indexer=SimpleNamespace(index=index), recent=lambda ns: ("memory", ns))
    made._worker = worker
    cut: list[tuple[object, ...]] = []
    monkeypatch.setattr("kraken_tui.engine.slicing.slice_of", lambda *given: cut.append(given) or ("cut", 0))
    written: list[tuple[object, ...]] = []
    monkeypatch.setattr("kraken_tui.recording.slices.write_slice", lambda *given: written.append(given) or 5)
    path = Path("x")
    for moment, end in ((now - SECOND, now), (now + SECOND, now + SECOND)):
        assert made.share(path, moment) == 5
        assert cut.pop() == (worker.indexer, moment - 60 * SECOND, end)
        assert written.pop() == (path, "cut", 0)
    assert reaches == [now, now]
    index.whole = False
    made.share(path, now)
    assert written.pop() == (path, "memory", now)
    worker.indexer = None
    made.share(path, now)
    assert written.pop() == (path, "memory", now)
    worker.recent = lambda _: None
    with pytest.raises(RecordingError, match="the last minute of frames is not kept"):
        made.share(path, now)
