"""A hostile exchange against the whole program: nothing it writes reaches a screen, log or pipe (RELIABILITY.md F98).

Every text field the protocol has is filled with the corpus, through the local exchange.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.engine.engine import Engine
from kraken_tui.exchange import ExchangeThread
from kraken_tui.exchange.faults import Frame
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.export import svg
from kraken_tui.tui.snapshot import has_proven_book

from .corpus import HOSTILE, OURS, WORD, foreign_escapes, unsafe_characters

PAIRS = ("BTC/USD", "ETH/USD")
WELL_FORMED = [text for text in HOSTILE if "\ud800" not in text]
"""A lone surrogate is not JSON: it ends a connection, and with it a test of texts."""


class Poison:
    """Puts texts of the corpus into every frame that passes."""

    def __init__(self) -> None:
        self._random = random.Random(3)
        self.frames = 0

    def text(self) -> str:
        return self._random.choice(WELL_FORMED)

    def __call__(self, frame: Frame) -> Frame:
        if not isinstance(frame, str):
            return frame
        self.frames += 1
        if frame.startswith('{"channel":"book"'):
            # Digits are kept as they are, or every book would be unproven and none drawn.
            return f"{frame[:-1]},{json.dumps('x' + self.text())}:{json.dumps(self.text())}}}"
        if frame.startswith('{"channel":"trade"'):
            return frame.replace('"ord_type":"limit"', f'"ord_type":{json.dumps(self.text())}')
        if frame.startswith('{"channel":"instrument"'):
            return self._instruments(frame)
        if '"method":"subscribe"' in frame and '"success":true' in frame:
            message = json.loads(frame)
            message["result"]["warnings"] = [self.text(), self.text()]
            return json.dumps(message)
        return frame

    def _instruments(self, frame: str) -> str:
        extra = [
            {"symbol": text, "base": text, "quote": text, "status": text, "price_precision": 1, "qty_precision": 8}
            for text in WELL_FORMED
        ]
        poisoned = re.sub(r'"status":"online"', lambda _: f'"status":{json.dumps(self.text())}', frame)
        return poisoned.replace('"pairs":[', '"pairs":[' + json.dumps(extra)[1:-1] + ",")

    def lone_frames(self) -> Iterator[str]:
        """Frames nobody asked for."""
        for text in WELL_FORMED:
            yield json.dumps({"channel": text, "type": text, "data": [{text: text}]})
            yield json.dumps({"method": text, "error": text, "success": False, "symbol": text})
            yield json.dumps({"method": "subscribe", "error": text, "success": False, "symbol": PAIRS[0]})
            yield json.dumps({"error": text, "errorMessage": text})
            status = {"system": text, "version": text, "api_version": text, "connection_id": 1}
            yield json.dumps({"channel": "status", "type": "update", "data": [status]})
            row = {"symbol": PAIRS[0], "side": text, "price": text, "qty": text, "ord_type": text, "trade_id": 1}
            yield json.dumps({"channel": "trade", "type": "update", "data": [{**row, "timestamp": text}]})
            yield json.dumps({"channel": "ticker", "type": "update", "data": [{"symbol": PAIRS[0], "change": text}]})


@pytest.fixture
def exchange() -> Iterator[ExchangeThread]:
    with ExchangeThread(pairs=PAIRS, rate=3.0) as running:
        running.faults.rewrite = Poison()
        yield running


def poison(exchange: ExchangeThread) -> None:
    """Send every lone frame."""
    for frame in Poison().lone_frames():
        exchange.faults.inject(frame)


async def until(condition: Callable[[], Any], limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        await asyncio.sleep(0.02)


@pytest.mark.realtime
async def test_the_screen_and_its_pictures(exchange: ExchangeThread, tmp_path: Path) -> None:
    settings = Settings(
        pairs=(*PAIRS, "QZHOSTILE\u202e"), url=exchange.ws_url, rest_url=exchange.rest_url, svg_dir=tmp_path / "svg"
    )
    engine = Engine(settings)
    app = KrakenApp(engine, settings, live=False)
    shown: list[str] = []
    engine.start()
    try:
        async with app.run_test(size=(160, 48), notifications=True) as pilot:
            await until(lambda: has_proven_book(engine.feed_view))
            poison(exchange)
            await until(lambda: sum(WORD in line.text for line in engine.feed_view.log) > 5)
            exchange.faults.close_all(1001, HOSTILE[3][:100])
            for part in range(2):
                for key in (("f2", "f3", "slash", "q", "z", "escape"), ("f5", "f7", "question_mark", "escape"))[part]:
                    await pilot.press(key)
                    app.tick(everything=True)
                    await pilot.pause()
                    shown += [strip.text for strip in app.screen._compositor.render_strips()]
                picture = svg.screen_svg(app, app.picture_title())
                assert unsafe_characters(picture, "\n") == set()
                assert "<script" not in picture
                assert "<a " not in picture
                await until(lambda: any("1001" in line.text for line in engine.feed_view.log))
            app.save_picture()
            await until(lambda: list((tmp_path / "svg").glob("*.svg")))
            assert len(engine.feed_view.tabs) >= 2
    finally:
        engine.stop()
    assert engine.failure is None
    assert app.crash is None
    text = "\n".join(shown)
    assert unsafe_characters(text, "\n") == set()
    # The harmless part did come through, or the test would prove nothing.
    assert WORD in text


def spoken(exchange: ExchangeThread, tmp_path: Path) -> tuple[bytes, bytes, bytes]:
    """Standard output, standard error and log file of a `stream` that hears all this."""
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    log = tmp_path / "log"
    argv = ["stream", *PAIRS, "NOPE\x1b/USD"[:4] + "/USD", "--snapshot-trades", "--log-file", str(log)]
    argv += ["--url", exchange.ws_url, "--rest-url", exchange.rest_url, "--seconds", "3"]
    stream = subprocess.Popen(
        [sys.executable, "-m", "kraken_tui", *argv],
        env={**os.environ, **folders},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 15
    while not exchange.exchange.connections and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.5)
    poison(exchange)
    time.sleep(0.5)
    exchange.faults.close_all(1008, HOSTILE[6][:40])
    output, errors = stream.communicate(timeout=30)
    assert stream.returncode == 0
    return output, errors, log.read_bytes()


@pytest.mark.realtime
def test_the_stream_its_complaints_and_its_log(exchange: ExchangeThread, tmp_path: Path) -> None:
    output, errors, log = spoken(exchange, tmp_path)
    for line in output.decode("ascii").splitlines():
        json.loads(line)
    assert set(output) - set(range(32, 127)) == {10}
    assert unsafe_characters(errors.decode("utf-8"), "\n") == set()
    assert errors.count(b"\n") == errors.count(b"kraken-tui: ")
    text = log.decode("utf-8")
    assert unsafe_characters(text, "\n") == set()
    assert text.count(WORD) > 5
    stamp = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]{12}Z (?:info|warning|error) +\S")
    assert all(stamp.match(line) for line in text.splitlines())


@pytest.mark.realtime
def test_the_bytes_that_reach_a_terminal(exchange: ExchangeThread, tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect", reason="pseudo terminals are a POSIX thing")
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    argv = ["-m", "kraken_tui", *PAIRS, "--url", exchange.ws_url, "--rest-url", exchange.rest_url]
    env = {**os.environ, **folders, "TERM": "xterm-256color"}
    child = pexpect.spawn(sys.executable, argv, dimensions=(50, 160), env=env, timeout=30)
    received = []
    child.logfile_read = type("Log", (), {"write": lambda _, data: received.append(data), "flush": lambda _: None})()
    child.expect_exact("VERIFIED")
    poison(exchange)
    child.send("\x1b[18~")  # F7: health and log
    child.expect_exact(WORD)
    for key in ("\x1b[15~", "\x1bOR", "\x1bOQ", "?", "\x1b", "/", "q", "\x1b"):
        child.send(key)
        time.sleep(0.25)
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    output = b"".join(received)
    assert foreign_escapes(output) == []
    text = OURS.sub(b"", output).decode("utf-8")
    assert unsafe_characters(text, "\n\r\t\x08") == set()


def test_a_hostile_recording_and_its_name(tmp_path: Path) -> None:
    """Symbols of a file that cannot be shown make no pair; the file's name is shown inert."""
    from kraken_tui.errors import RecordingError
    from kraken_tui.exchange.venue import Venue
    from kraken_tui.feed.session import Session
    from kraken_tui.recording.reader import Recording

    venue = Venue(pairs=["BTC/USD"])
    link = venue.connect()
    frames = link.on_message('{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"]}}')
    snapshot = next(str(frame) for frame in frames if '"snapshot","data"' in str(frame))
    session = Session(depth=10, replay=True)
    session.opened(1, 1)
    for text in HOSTILE:
        session.frame(snapshot.replace('"BTC/USD"', json.dumps(text)), 2, 2)
    session.frame(snapshot, 3, 3)
    safe = {"BTC/USD", *(text for text in HOSTILE if len(text) <= 40 and text.isprintable())}
    assert set(session.stitchers) <= safe
    assert "BTC/USD" in session.stitchers
    path = tmp_path / "\x1b]0;x\x07\u202e[bold]"
    path.write_bytes(b"no recording\n")
    with pytest.raises(RecordingError) as caught:
        list(Recording(path))
    assert unsafe_characters(str(caught.value)) == set()


@pytest.mark.parametrize("text", HOSTILE)
def test_arguments(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    from kraken_tui.cli import main as cli

    word = text.replace("\0", "").encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    for argv in (
        [f"--{word}"], ["plot", "BTC/USD", word], ["stream", "BTC/USD", "--url", word], ["--config", word],
        ["--replay", word], ["stream", "BTC/USD", "--theme", word], ["plot", "BTC/USD", "--kind", word],
        ["snapshot", "BTC/USD", "--output", f"/nowhere/{word}/a.svg"], ["doctor", "--connect", "--url", word],
        ["--record", f"/dev/null/{word}"], ["--seed", word], ["stream", word, "--demo", "--levels", "999"],
    ):  # fmt: skip
        code = cli.main(argv)
        out, err = capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1), argv
        assert unsafe_characters(err, "\n") == set()
        assert len(err) < 1100
