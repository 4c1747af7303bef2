"""The engine as its users see it: views, events, commands, endings. Against the local exchange and recordings."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from kraken_tui.engine.engine import Engine
from kraken_tui.engine.events import BookLine
from kraken_tui.engine.listeners import Listener, ListenerClosed
from kraken_tui.engine.log import EventLog
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import Refused
from kraken_tui.feed.limits import Limits
from kraken_tui.market.events import MarketStatus, Proof, Trade
from kraken_tui.market.views import Mode, ReplayView
from kraken_tui.settings import Settings
from kraken_tui.wire.checksum import checksum_of_units


def wait_until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    """Wait for the engine's thread; fails the test when it takes too long."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("the engine did not get there in time")
        time.sleep(0.01)


def drain(listener: Listener) -> list[object]:
    """Everything queued until the engine ended."""
    events = []
    try:
        while True:
            events.append(listener.get(5))
    except ListenerClosed:
        return events


@pytest.fixture
def run() -> Iterator[Callable[..., Engine]]:
    """Start engines that are stopped, whatever the test does."""
    engines: list[Engine] = []

    def start(**settings: object) -> Engine:
        engine = Engine(Settings(**settings))  # type: ignore[arg-type]
        engines.append(engine)
        engine.start()
        return engine

    yield start
    for engine in engines:
        assert engine.stop(5), "the engine's thread did not end"
        assert engine.failure is None


def verified(engine: Engine, symbol: str) -> bool:
    view = engine.view(symbol)
    return view is not None and view.proof is Proof.VERIFIED


def bare_recording(path: Path, frames: list[str]) -> Path:
    path.write_text("\n".join(frames) + "\n")
    return path


SNAPSHOT = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":100.0,"qty":1.00000000}],'
    '"asks":[{"price":100.1,"qty":2.00000000}],"checksum":%d,"timestamp":"2026-01-01T00:00:00.000000Z"}]}'
)
RIGHT = checksum_of_units([(1001, 200_000_000)], [(1000, 100_000_000)])


@pytest.mark.realtime
def test_demo_books_get_proven_and_every_book_line_proves_itself(run: Callable[..., Engine]) -> None:
    engine = Engine(Settings(pairs=("btcusd", "XDGUSD"), demo=True))
    listener = engine.listen(book_levels=10)
    engine.start()
    try:
        wait_until(lambda: verified(engine, "BTC/USD") and verified(engine, "DOGE/USD"))
        wait_until(lambda: engine.feed_view.checks_ok > 50)
        assert engine.feed_view.mode is Mode.DEMO
        assert engine.feed_view.checks_failed == 0
        assert [tab.symbol for tab in engine.feed_view.tabs] == ["BTC/USD", "DOGE/USD"]
    finally:
        assert engine.stop(5)
    lines = [event for event in drain(listener) if isinstance(event, BookLine)]
    assert len(lines) > 50
    for line in lines:
        assert line.changed.verified
        assert checksum_of_units(line.asks, line.bids) == line.changed.checksum


@pytest.mark.realtime
def test_history_fills_candles_and_tape_at_the_start(run: Callable[..., Engine]) -> None:
    engine = run(pairs=("BTC/USD",), demo=True)
    engine.show("BTC/USD")
    wait_until(lambda: (view := engine.view("BTC/USD")) and len(view.candles) > 500 and len(view.tape) > 60)
    engine.set_interval(60)
    wait_until(lambda: (view := engine.view("BTC/USD")) and view.interval == 60 and len(view.candles) > 500)


@pytest.mark.realtime
def test_a_pair_that_does_not_exist_is_refused_and_the_others_go_on(run: Callable[..., Engine]) -> None:
    engine = Engine(Settings(pairs=("BTC/USD", "ETH/USX"), demo=True))
    listener = engine.listen(wants=lambda event: isinstance(event, Refused))
    engine.start()
    try:
        refused = listener.get(10)
        assert refused.symbol == "ETH/USX"
        assert "ETH/USD" in refused.nearest
        wait_until(lambda: verified(engine, "BTC/USD"))
        wait_until(lambda: any("ETH/USD" in tab.problem for tab in engine.feed_view.tabs))
    finally:
        assert engine.stop(5)


@pytest.mark.realtime
def test_pairs_come_and_go_and_depth_changes_while_it_runs(run: Callable[..., Engine]) -> None:
    engine = run(pairs=("BTC/USD",), demo=True)
    wait_until(lambda: verified(engine, "BTC/USD"))
    assert "ETH/USD" in engine.search("eth")
    engine.add_pair("ethusd")
    wait_until(lambda: verified(engine, "ETH/USD"))
    engine.set_depth(25)
    wait_until(lambda: (view := engine.view("BTC/USD")) and view.depth == 25 and len(view.bids) == 25 and view.proof)
    engine.remove_pair("ETH/USD")
    wait_until(lambda: [tab.symbol for tab in engine.feed_view.tabs] == ["BTC/USD"])
    assert engine.view("ETH/USD") is None


@pytest.mark.realtime
def test_what_it_records_it_can_replay_with_the_same_books(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    live = Engine(Settings(pairs=("BTC/USD", "ETH/USD"), demo=True, record=path))
    live_lines = live.listen(book_levels=10, wants=lambda event: isinstance(event, BookLine | Trade))
    live.start()
    wait_until(lambda: live.feed_view.checks_ok > 60)
    assert live.feed_view.recording is not None
    live.stop(5)
    replay = Engine(Settings(pairs=("BTC/USD", "ETH/USD"), replay=path, speed=0))
    replay_lines = replay.listen(book_levels=10, wants=lambda event: isinstance(event, BookLine | Trade))
    replay.start()
    wait_until(lambda: (view := replay.feed_view.replay) and view.finished)
    replay.stop(5)
    assert drain(replay_lines) == drain(live_lines)


def test_a_recording_plays_on_its_own_clock(tmp_path: Path, run: Callable[..., Engine]) -> None:
    path = bare_recording(tmp_path / "one.jsonl", [SNAPSHOT % RIGHT])
    engine = run(pairs=("BTC/USD",), replay=path, speed=0)
    wait_until(lambda: verified(engine, "BTC/USD"))
    view = engine.view("BTC/USD")
    assert view is not None
    assert (view.bids, view.asks) == (((1000, 100_000_000),), ((1001, 200_000_000),))
    assert view.spec is not None
    assert view.spec.assumed
    assert view.depth == 10
    assert engine.feed_view.mode is Mode.REPLAY
    assert time.gmtime(engine.feed_view.now_ns // 10**9)[:3] == (2026, 1, 1)


def stamped(path: Path, frames: list[str], step_ns: int = 10**9) -> Path:
    """A recording with receive times, one frame every `step_ns`."""
    begin = 1_767_225_600 * 10**9
    lines = (f'{{"rx_ns":{begin + at * step_ns},"frame":{frame}}}' for at, frame in enumerate(frames))
    path.write_text("\n".join(lines) + "\n")
    return path


HEARTBEAT = '{"channel":"heartbeat"}'


def replayed(engine: Engine) -> ReplayView | None:
    return engine.feed_view.replay


def test_the_end_of_a_recording_is_no_fault_and_it_can_be_played_again(
    tmp_path: Path, run: Callable[..., Engine]
) -> None:
    path = stamped(tmp_path / "two.jsonl", [SNAPSHOT % RIGHT, *[HEARTBEAT] * 3])
    engine = run(replay=path, speed=0)
    engine.show("BTC/USD")

    def ended() -> bool:
        view, replay = engine.view("BTC/USD"), replayed(engine)
        return replay is not None and replay.finished and view is not None

    for plays in (1, 2, 3):
        wait_until(ended)
        view = engine.view("BTC/USD")
        assert view is not None
        assert (view.proof, view.stale, view.stale_reason, view.venue) == (Proof.VERIFIED, False, "", view.venue)
        assert view.health.status is MarketStatus.ACTIVE
        replay = replayed(engine)
        assert replay is not None
        assert (replay.position_ns, replay.length_ns) == (3 * 10**9, 3 * 10**9)
        assert engine.feed_view.checks_ok == 1, "counted from the beginning again"
        engine.replay_again()
        wait_until(lambda plays=plays: sum("again" in line.text for line in engine.feed_view.log) == plays)


def test_a_recording_can_be_played_again_before_its_end(tmp_path: Path, run: Callable[..., Engine]) -> None:
    path = stamped(tmp_path / "long.jsonl", [SNAPSHOT % RIGHT, *[HEARTBEAT] * 60])
    engine = run(replay=path, speed=50)
    wait_until(lambda: (view := replayed(engine)) and view.position_ns > 5 * 10**9)
    wait_until(lambda: (view := replayed(engine)) and view.length_ns == 60 * 10**9)
    engine.set_replay_speed(1)
    engine.pause_replay(True)
    wait_until(lambda: (view := replayed(engine)) and view.paused)
    engine.replay_again()
    wait_until(lambda: (view := replayed(engine)) and view.position_ns < 3 * 10**9)
    view = replayed(engine)
    assert view is not None
    assert (view.speed, view.paused, view.finished) == (1, False, False)


def test_nothing_moves_while_a_recording_is_paused(tmp_path: Path, run: Callable[..., Engine]) -> None:
    path = stamped(tmp_path / "long.jsonl", [SNAPSHOT % RIGHT, *[HEARTBEAT] * 60])
    engine = run(replay=path, speed=10)
    engine.show("BTC/USD")
    wait_until(lambda: engine.feed_view.messages > 3 and engine.view("BTC/USD"))
    engine.pause_replay(True)
    wait_until(lambda: (view := replayed(engine)) and view.paused)
    first = engine.published()
    wait_until(lambda: engine.feed_view.version > first.feed.version + 15)
    last = engine.published()
    assert last.feed.message_rate == first.feed.message_rate > 0
    assert last.feed.heartbeat_age_ns == first.feed.heartbeat_age_ns
    one, other = first.pairs["BTC/USD"], last.pairs["BTC/USD"]
    assert (one.age_ns, one.book_rate, one.stale) == (other.age_ns, other.book_rate, other.stale)


def test_what_is_not_understood_is_logged_once_and_at_each_tenfold(tmp_path: Path, run: Callable[..., Engine]) -> None:
    path = stamped(tmp_path / "odd.jsonl", [SNAPSHOT % RIGHT, *['{"channel":"weather"}'] * 57], 10**6)
    engine = run(replay=path, speed=0)
    wait_until(lambda: (view := replayed(engine)) and view.finished)
    wait_until(lambda: any("weather" in line.text for line in engine.feed_view.log))
    lines = [line.text for line in engine.feed_view.log if "weather" in line.text]
    assert 1 <= len(lines) <= 3
    assert all(line.startswith("ignored, not understood: ") for line in lines)


def test_a_wrong_checksum_is_never_shown_as_proven(tmp_path: Path, run: Callable[..., Engine]) -> None:
    path = bare_recording(tmp_path / "wrong.jsonl", [SNAPSHOT % RIGHT, SNAPSHOT % (RIGHT ^ 1)])
    engine = run(pairs=("BTC/USD",), replay=path, speed=0)
    wait_until(lambda: (view := engine.feed_view.replay) and view.finished)
    wait_until(lambda: (view := engine.view("BTC/USD")) and view.proof is Proof.UNVERIFIED)
    view = engine.view("BTC/USD")
    assert view is not None
    assert view.metrics is None
    assert engine.feed_view.checks_failed == 1


def test_a_file_that_is_no_recording_is_one_sentence(tmp_path: Path, run: Callable[..., Engine]) -> None:
    path = tmp_path / "letter.jsonl"
    path.write_text("Dear Sir or Madam\n")
    engine = run(replay=path)
    wait_until(lambda: engine.feed_view.fatal)
    assert "letter.jsonl" in engine.feed_view.fatal
    assert "\n" not in engine.feed_view.fatal


def test_a_recording_that_cannot_be_written_stops_alone(tmp_path: Path, run: Callable[..., Engine]) -> None:
    path = bare_recording(tmp_path / "one.jsonl", [SNAPSHOT % RIGHT])
    engine = run(pairs=("BTC/USD",), replay=path, speed=0, record=path / "x.jsonl")
    wait_until(lambda: engine.feed_view.recording is not None and engine.feed_view.recording.problem)
    wait_until(lambda: verified(engine, "BTC/USD"))


def test_an_error_of_our_own_is_reported_and_ends_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kraken_tui.engine.desk import Desk

    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Desk, "handle", broken)
    engine = Engine(Settings(replay=bare_recording(tmp_path / "one.jsonl", [SNAPSHOT % RIGHT])))
    listener = engine.listen()
    heard = threading.Event()
    engine.on_failure(lambda _: heard.set())
    engine.start()
    assert heard.wait(5)
    assert isinstance(engine.failure, RuntimeError)
    assert drain(listener) == []
    engine.note("info", "commands after the end do no harm")
    assert engine.stop(5)


def test_commands_before_the_start_are_kept(tmp_path: Path) -> None:
    path = bare_recording(tmp_path / "one.jsonl", [SNAPSHOT % RIGHT])
    engine = Engine(Settings(pairs=(), replay=path, speed=0, log_file=tmp_path / "log"))
    engine.add_pair("xbt/usd")
    engine.note("info", "hello \x1b[31m")
    engine.start()
    wait_until(lambda: verified(engine, "BTC/USD"))
    with pytest.raises(RuntimeError):
        engine.start()
    engine.stop(5)
    log = (tmp_path / "log").read_text()
    assert "hello \N{REPLACEMENT CHARACTER}[31m" in log
    assert "\x1b" not in log


def test_a_recording_that_fails_with_its_last_frames_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text('{"channel":"heartbeat"}\n' * 3)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("kraken_tui.recording.writer.os", SimpleNamespace(**{**vars(os), "write": full}))
    target = tmp_path / "new.jsonl"
    engine = Engine(Settings(pairs=(), replay=path, speed=0, record=target))
    engine.start()
    wait_until(lambda: engine.feed_view.replay and engine.feed_view.replay.finished)
    assert engine.stop(5)
    recording = engine.feed_view.recording
    assert recording is not None
    assert recording.problem == f"recording to {target} stopped: No space left on device"
    assert [line.text for line in engine.feed_view.log].count(recording.problem) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_log_file_alone_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log = EventLog(Path("/dev/full"))
    log.add(0, "info", "line 0")

    def told() -> bool:
        log.poll(1)
        return len(log.lines) > 1

    wait_until(told)
    for number in range(1, 3):
        log.add(number, "info", f"line {number}")
    log.close()
    assert [line.text for line in log.lines] == [
        "line 0",
        "the log file takes no more lines: No space left on device",
        "line 1",
        "line 2",
    ]
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="FIFOs are a POSIX thing")
def test_a_pipe_as_log_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="No such device"):
        EventLog(tmp_path / "pipe")


def test_the_log_file_must_be_writable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^log_file cannot be written: No such file or directory$"):
        Engine(Settings(log_file=tmp_path / "nowhere" / "log"))


def test_header_lines_of_a_recording_name_what_it_is(tmp_path: Path, run: Callable[..., Engine]) -> None:
    source = bare_recording(tmp_path / "one.jsonl", [SNAPSHOT % RIGHT])
    target = tmp_path / "again.jsonl"
    engine = run(pairs=("BTC/USD",), replay=source, speed=0, record=target)
    wait_until(lambda: (view := engine.feed_view.replay) and view.finished)
    engine.record(None)
    wait_until(lambda: engine.feed_view.recording is None)
    header, frame = (json.loads(line) for line in target.read_text().splitlines())
    assert header["format"] == "kraken-tui"
    assert frame["frame"]["channel"] == "book"


def trades_recording(path: Path, count: int) -> Path:
    """A book, then trades with consecutive numbers."""
    trade = (
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":100.1,"qty":0.50000000,'
        '"ord_type":"limit","trade_id":%d,"timestamp":"2026-01-01T00:00:01.000000Z"}]}'
    )
    return bare_recording(path, [SNAPSHOT % RIGHT, *(trade % number for number in range(1, count + 1))])


def is_trade(event: object) -> bool:
    return isinstance(event, Trade)


def test_a_replay_at_full_speed_waits_for_a_listener_that_reads(tmp_path: Path) -> None:
    engine = Engine(Settings(replay=trades_recording(tmp_path / "trades.jsonl", 600), speed=0))
    listener = engine.listen(20, wants=is_trade)
    engine.start()
    wait_until(lambda: len(listener) > 10)
    time.sleep(0.05)
    assert len(listener) <= 20
    assert listener.dropped == 0
    wait_until(lambda: engine.feed_view.queue_limit == 20 and engine.feed_view.queue > 10)
    got = [listener.get(5).trade_id for _ in range(600)]
    wait_until(lambda: (view := engine.feed_view.replay) and view.finished)
    assert engine.stop(5)
    assert got == list(range(1, 601))
    assert listener.dropped == 0
    assert listener.offered == 600


def test_a_listener_that_reads_nothing_holds_a_replay_up_only_for_a_while_and_its_losses_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kraken_tui.recording.replay.STUCK_S", 0.4)
    engine = Engine(Settings(replay=trades_recording(tmp_path / "trades.jsonl", 30), speed=0))
    listener = engine.listen(4, wants=is_trade)
    engine.start()
    # Waited for once, not once a frame.
    wait_until(lambda: (view := engine.feed_view.replay) and view.finished)
    wait_until(lambda: engine.feed_view.dropped == 26)
    assert (engine.feed_view.queue, engine.feed_view.queue_limit) == (4, 4)
    assert engine.stop(5)
    assert listener.offered == 30 == listener.dropped + len(listener)


@pytest.mark.realtime
def test_the_view_shows_audit_and_witness(run: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Limits(audit_first_s=0.3)
    monkeypatch.setattr("kraken_tui.feed.session.Limits", lambda: quick)
    engine = run(pairs=("BTC/USD",), demo=True)
    engine.show("BTC/USD")
    wait_until(lambda: (view := engine.view("BTC/USD")) and view.audited_ns and view.witness == "agrees")
    view = engine.view("BTC/USD")
    assert view is not None
    assert (view.covered_levels, view.trade_gaps) == (10, 0)
    assert engine.feed_view.latency.p999 is not None


@pytest.mark.realtime
@pytest.mark.parametrize("name", ["asyncio", "uvloop"])
def test_the_engine_runs_on_either_loop(run: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name == "uvloop":
        pytest.importorskip("uvloop", reason="the extra `fast` is not installed")
    monkeypatch.setenv("KRAKEN_TUI_LOOP", name)
    engine = run(pairs=("BTC/USD",), demo=True)
    wait_until(lambda: verified(engine, "BTC/USD"))
    loop = engine._loop
    assert loop is not None
    assert type(loop).__module__.partition(".")[0] == name


@pytest.mark.parametrize("name", ["asyncio", "uvloop"])
def test_a_proxy_that_hangs_up_is_a_lost_connection_and_no_error_of_ours(
    run: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """The library raises in a callback when a proxy closes; it would end a screen, or print a traceback."""
    if name == "uvloop":
        pytest.importorskip("uvloop", reason="the extra `fast` is not installed")
    monkeypatch.setenv("KRAKEN_TUI_LOOP", name)
    for variable in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def hang_up() -> None:
            with contextlib.suppress(OSError):  # the test is over
                while True:
                    connection, _ = proxy.accept()
                    with connection:
                        connection.recv(4096)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with caplog.at_level("ERROR"):
            engine = run(pairs=("BTC/USD",), url="wss://exchange.example/v2", rest_url="http://127.0.0.1:9")
            wait_until(lambda: any(" failed: " in line.text for line in engine.feed_view.log))
            assert engine.stop(5)
        proxy.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert [record.getMessage() for record in caplog.records] == []
