"""Recordings of a running engine: begun in mid-session (C20), on a disk that hangs, and deleted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from kraken_tui.doctor.recording import Examination
from kraken_tui.engine.engine import Engine
from kraken_tui.market.events import Proof
from kraken_tui.recording import writer
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.writer import Recorder
from kraken_tui.settings import Settings
from tests.engine.test_engine import verified, wait_until

PAIRS = ("BTC/USD", "ETH/USD", "DOGE/USD")


@pytest.fixture
def demo() -> Iterator[Engine]:
    engine = Engine(Settings(pairs=PAIRS, demo=True))
    engine.start()
    wait_until(lambda: all(verified(engine, pair) for pair in PAIRS) and engine.feed_view.checks_ok > 60)
    wait_until(lambda: all((view := engine.view(pair)) and view.tape and view.candles for pair in PAIRS))
    yield engine
    engine.stop(5)


def record_for_a_while(engine: Engine, path: Path) -> None:
    engine.record(path)
    wait_until(lambda: (told := engine.feed_view.recording) and told.frames > 30)
    engine.record(None)
    wait_until(lambda: engine.feed_view.recording is None)


@pytest.mark.realtime
def test_c20_what_is_recorded_in_mid_session_plays_at_once_with_every_pair(demo: Engine, tmp_path: Path) -> None:
    for name in ("first.jsonl", "second.jsonl"):
        path = tmp_path / name
        before = {pair: demo.view(pair) for pair in PAIRS}
        record_for_a_while(demo, path)
        header, *lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        assert header["pairs"] == list(PAIRS)
        made = [line["frame"] for line in lines if line.get("dir") == "state"]
        assert [line.get("dir") for line in lines[: len(made)]] == ["state"] * len(made), "the state comes first"
        kinds = [(frame.get("channel"), row["symbol"]) for frame in made for row in frame.get("data", [])
                 if isinstance(frame.get("data"), list) and "symbol" in row]  # fmt: skip
        assert set(kinds) == {(channel, pair) for channel in ("book", "trade", "ticker", "ohlc") for pair in PAIRS}
        found = Examination(path)
        found.play()
        assert found.faults == []
        assert "book before its snapshot" not in found.session.counters.ignored
        assert found.made == len(made)
        assert found.session.counters.checks_ok >= len(PAIRS)
        replayed = Engine(Settings(pairs=(), replay=path, speed=0.01))
        replayed.start()
        wait_until(lambda replayed=replayed: all(verified(replayed, pair) for pair in PAIRS), 5)
        for pair in PAIRS:
            view, was = replayed.view(pair), before[pair]
            assert view is not None
            assert was is not None
            assert (view.spec, view.depth) == (was.spec, was.depth)
            assert view.ticker.high == was.ticker.high
            assert view.last is not None
            assert len(view.tape) >= 10
            assert view.candles
        assert replayed.stop(5)


@pytest.mark.realtime
def test_the_state_a_recording_begins_with_is_the_engines_own_to_the_last_digit(demo: Engine, tmp_path: Path) -> None:
    wait_until(lambda: all(len(demo.view(pair).candles) > 5 for pair in PAIRS))
    assert demo.stop(5)
    # After its end nothing changes any more.
    made, views = demo.ask(lambda worker: (worker._opening(0), {pair: worker.view_now(pair) for pair in PAIRS}))
    recorder = Recorder(tmp_path / "state.jsonl", wall_ns=made.wall_ns)
    for frame in made.frames:
        recorder.write(frame, made.wall_ns, "state")
    recorder.close()
    replayed = Engine(Settings(pairs=(), replay=recorder.path, speed=0))
    replayed.start()
    wait_until(lambda: (view := replayed.feed_view.replay) and view.finished)
    assert replayed.stop(5)
    assert replayed.feed_view.invalid == 0
    assert replayed.feed_view.ignored == ()
    for pair in PAIRS:
        view, was = replayed.view(pair), views[pair]
        assert (view.bids, view.asks, view.spec, view.depth) == (was.bids, was.asks, was.spec, was.depth)
        assert view.ticker == was.ticker
        assert [replace(trade, live=False) for trade in was.tape[:50]] == list(view.tape)
        assert [replace(c, closed=True) for c in view.candles if c.trades] == [
            replace(c, closed=True) for c in was.candles if c.trades
        ]


@pytest.mark.realtime
def test_the_same_file_twice_is_one_recording_without_a_fault(demo: Engine, tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl.gz"
    record_for_a_while(demo, path)
    record_for_a_while(demo, path)
    found = Examination(path)
    found.play()
    # What happened between the two is missing, and only that.
    assert {fault.kind for fault in found.faults} <= {"trade gap"}
    assert found.session.counters.checks_failed == 0


@pytest.mark.realtime
def test_a_part_recorded_from_a_replay_plays_like_it(demo: Engine, tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    record_for_a_while(demo, first)
    replay = Engine(Settings(pairs=(), replay=first, speed=0, record=second))
    replay.start()
    wait_until(lambda: (view := replay.feed_view.replay) and view.finished)
    assert replay.stop(5)
    assert [(one.rx_ns, one.direction, one.frame) for one in Recording(second)] == [
        (one.rx_ns, one.direction, one.frame) for one in Recording(first)
    ]


class Hung:
    """Every write of this process to a recording hangs while `shut`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._open, self.hangs = threading.Event(), threading.Event()
        real = os.write

        def write(fd: int, data: bytes) -> int:
            self.hangs.set()
            assert self._open.wait(60)
            return real(fd, data)

        patch.setattr(writer.os, "write", write)

    def let_go(self) -> None:
        self._open.set()


@pytest.mark.realtime
def test_a_disk_that_hangs_stops_neither_frames_nor_views_nor_the_end(
    demo: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "day.jsonl"
    hung = Hung(monkeypatch)
    try:
        demo.record(path)
        assert hung.hangs.wait(5)
        frames, version, book = demo.feed_view.messages, demo.feed_view.version, demo.view("BTC/USD")
        began = time.monotonic()
        wait_until(lambda: (told := demo.feed_view.recording) and "does not answer" in told.warning)
        hung_s = time.monotonic() - began
        assert hung_s < 4
        assert demo.feed_view.messages > frames + 20
        assert demo.feed_view.version >= version + 5 * hung_s
        view = demo.view("BTC/USD")
        assert view is not None
        assert book is not None
        assert view.proof is Proof.VERIFIED
        assert view.version > book.version
        assert not view.stale
        assert demo.feed_view.recording.waiting > 20
        assert demo.feed_view.recording.lost == 0
        began = time.monotonic()
        assert demo.stop(2)
        assert time.monotonic() - began < 2
        told = demo.feed_view.recording
        assert told is not None
        assert "could not be ended: the disk does not answer" in told.problem
        assert told.lost == told.waiting > 0
    finally:
        hung.let_go()


HANG = """
import os, sys, time
from kraken_tui.recording import writer
from kraken_tui.cli.main import main
real, began = os.write, time.monotonic()
class Os:
    def __getattr__(self, name):
        return getattr(os, name)
    def write(self, fd, data):
        if time.monotonic() - began > 1.5:
            time.sleep(60)
        return real(fd, data)
writer.os = Os()
sys.exit(main(["stream", "--demo", "BTC/USD", "--record", sys.argv[1], "--seconds", "3"]))
"""


@pytest.mark.realtime
def test_stream_ends_in_time_with_a_hung_disk_says_what_is_missing_and_exits_1(tmp_path: Path) -> None:
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", HANG, str(tmp_path / "day.jsonl")],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert run.returncode == 1
    assert "could not be ended: the disk does not answer" in run.stderr
    assert "frames missing in the recording" in run.stderr
    assert time.monotonic() - began < 30, "it does not wait for the disk's minute"


@pytest.mark.realtime
def test_stream_whose_recording_is_deleted_says_so_and_exits_1(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    command = [sys.executable, "-m", "kraken_tui", "stream", "--demo", "BTC/USD", "--record", str(path)]
    run = subprocess.Popen([*command, "--seconds", "6"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: path.exists() and path.stat().st_size > 20_000, 30)
    path.unlink()
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert f"frames missing in the recording {path}" in errors
    found = Examination(path)
    found.play()
    assert found.faults == []
    assert found.made > 3


@pytest.mark.realtime
def test_a_recording_that_is_stopped_is_not_called_a_failure_unless_the_disk_hangs(
    demo: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.record(tmp_path / "day.jsonl")
    wait_until(lambda: (told := demo.feed_view.recording) and told.frames > 10)
    seen: list[str] = []
    demo.on_publish(lambda: seen.append(getattr(demo.feed_view.recording, "problem", "")))
    demo.record(None)
    wait_until(lambda: demo.feed_view.recording is None)
    assert set(seen) == {""}
    assert any(line.text.startswith("recording stopped: ") for line in demo.feed_view.log)
    hung = Hung(monkeypatch)
    try:
        demo.record(tmp_path / "hung.jsonl")
        assert hung.hangs.wait(5)
        wait_until(lambda: (told := demo.feed_view.recording) and told.waiting > 5)
        demo.record(None)
        wait_until(lambda: any("could not be ended" in line.text for line in demo.feed_view.log))
        wait_until(lambda: demo.feed_view.recording is None)
    finally:
        hung.let_go()
    wait_until(lambda: any("recording stopped" in line.text and "hung" in line.text for line in demo.feed_view.log))
