"""Whole processes against the local exchange: exit codes, signals, and what was printed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.wire.checksum import checksum_of_text

pytestmark = pytest.mark.realtime

PROGRAM = [sys.executable, "-m", "kraken_tui"]
NOBODY = "ws://127.0.0.1:9"
"""The discard port: nobody listens there."""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment without the developer's settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KRAKEN_TUI_", "TEXTUAL"))}
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    return {**clean, **folders, "TERM": "xterm-256color"}


def run(env: dict[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *argv], env=env, capture_output=True, text=True, timeout=120, check=False)


def wait_for(condition: Callable[[], bool], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def events(text: str, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    return [event for event in found if event["event"] == kind]


def test_stream_prints_provable_books_and_stops_at_its_count(env: dict[str, str]) -> None:
    done = run(env, "stream", "xbtusd", "--demo", "--count", "40")
    assert (done.returncode, done.stderr) == (0, "")
    books, trades = events(done.stdout, "book"), events(done.stdout, "trade")
    assert len(books) + len(trades) == 40
    assert books[0]["kind"] == "snapshot"
    assert {book["symbol"] for book in books} == {"BTC/USD"}
    for book in books:
        assert book["verified"] is True
        assert len(book["bids"]) == len(book["asks"]) == 10
        assert checksum_of_text(book["asks"], book["bids"]) == book["checksum"]


def test_an_unknown_pair_is_wrong_use(env: dict[str, str]) -> None:
    done = run(env, "stream", "FOO/USD", "--demo")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "FOO/USD" in done.stderr
    assert [event["symbol"] for event in events(done.stdout, "refused")] == ["FOO/USD"]


def test_an_exchange_that_cannot_be_reached_fails_after_the_time_given(env: dict[str, str]) -> None:
    done = run(env, "stream", "BTC/USD", "--url", NOBODY, "--seconds", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("kraken-tui: no book or trade came in 1 s")


def test_a_reader_that_leaves_ends_the_stream_quietly(env: dict[str, str]) -> None:
    stream = subprocess.Popen(
        [*PROGRAM, "stream", "BTC/USD", "--demo"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert stream.stdout is not None
    assert stream.stderr is not None
    stream.stdout.readline()
    stream.stdout.close()
    assert stream.wait(30) == 0
    assert stream.stderr.read() == b""
    stream.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_stream_after_a_whole_line(env: dict[str, str], tmp_path: Path, number: int) -> None:
    path = tmp_path / "lines"
    with path.open("wb") as output:
        stream = subprocess.Popen([*PROGRAM, "stream", "BTC/USD", "--demo"], env=env, stdout=output)
        wait_for(lambda: b'"book"' in path.read_bytes())
        stream.send_signal(number)
        assert stream.wait(10) == 128 + number
    text = path.read_text()
    assert text.endswith("}\n")
    assert events(text, "book")


def test_a_recording_replays_to_the_same_books_and_trades(env: dict[str, str], tmp_path: Path) -> None:
    path = str(tmp_path / "day.jsonl.zst")
    live = run(env, "stream", "BTC/USD", "ETH/USD", "--demo", "--count", "60", "--record", path)
    replayed = run(env, "stream", "BTC/USD", "ETH/USD", "--replay", path)
    assert (live.returncode, replayed.returncode) == (0, 0)
    for kind in ("book", "trade"):
        before, after = events(live.stdout, kind), events(replayed.stdout, kind)
        assert before == after[: len(before)]


def test_snapshot_and_plot_need_no_terminal(env: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    done = run(env, "snapshot", "BTC/USD", "--demo", "--output", str(path), "--size", "100x30")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert path.read_text().startswith("<svg")
    assert "VERIFIED" in path.read_text()
    done = run(env, "plot", "BTC/USD", "--demo", "--kind", "depth", "--width", "60", "--height", "12")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 12


def test_a_picture_of_nothing_is_not_written(env: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    done = run(env, "snapshot", "BTC/USD", "--url", NOBODY, "--output", str(path), "--seconds", "1")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="limits of files are a POSIX thing")
def test_a_recording_that_stops_is_told_and_the_stream_goes_on(env: dict[str, str], tmp_path: Path) -> None:
    recording = tmp_path / "day.jsonl"
    limited = ["/bin/sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *PROGRAM]
    command = [*limited, "stream", "BTC/USD", "--demo", "--count", "60", "--record", str(recording)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    # What is missing in it costs the exit code; the stream itself went on to its end.
    assert done.returncode == 1
    stopped, missing = done.stderr.splitlines()
    assert stopped == f"kraken-tui: recording to {recording} stopped: File too large"
    assert re.fullmatch(rf"kraken-tui: [0-9,]+ frames? missing in the recording {re.escape(str(recording))}", missing)
    assert len(events(done.stdout, "book")) + len(events(done.stdout, "trade")) == 60
    assert recording.stat().st_size <= 8 * 1024
