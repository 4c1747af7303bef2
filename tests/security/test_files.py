"""Files of the program are their owner's alone from the moment they are made, and links are not followed (X7)."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kraken_tui.cli import crash
from kraken_tui.cli import main as cli
from kraken_tui.engine.log import EventLog
from kraken_tui.errors import ConfigurationError, RecordingError
from kraken_tui.exchange import ExchangeThread
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.websocket import run
from kraken_tui.feed.session import Session
from kraken_tui.recording.writer import Recorder
from kraken_tui.tui.export import svg

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no such modes")


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    """The worst umask there is: modes must not depend on it."""
    former = os.umask(0)
    yield
    os.umask(former)


def modes(folder: Path) -> dict[str, str]:
    """Octal modes of everything below a folder."""
    return {str(path.relative_to(folder)): oct(stat.S_IMODE(path.lstat().st_mode)) for path in folder.rglob("*")}


def check(folder: Path, *, files: int) -> None:
    found = modes(folder)
    assert sum((folder / name).is_file() for name in found) == files
    for name, mode in found.items():
        assert mode == ("0o700" if (folder / name).is_dir() else "0o600"), name


def test_recordings(tmp_path: Path) -> None:
    for suffix in (".jsonl", ".jsonl.gz", ".jsonl.zst"):
        Recorder(tmp_path / "new" / f"day{suffix}", wall_ns=1).close()
    check(tmp_path, files=3)


def test_logs_even_when_they_roll_over(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "kraken-tui.log")
    assert log._handler is not None
    log._handler.maxBytes = 500
    for number in range(40):
        log.add(number, "info", "x" * 100)
    log.close()
    check(tmp_path, files=4)


def test_crash_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "_default_path", lambda: tmp_path / "log" / "crash.log")
    crash.report(ValueError("x"))
    check(tmp_path, files=1)


def test_pictures(tmp_path: Path) -> None:
    for _ in range(2):
        svg.save("<svg/>", tmp_path / "kraken-tui", "a.svg")
    check(tmp_path, files=2)


def test_a_picture_named_by_the_user(tmp_path: Path) -> None:
    assert cli.main(["snapshot", "BTC/USD", "--demo", "--output", str(tmp_path / "a.svg")]) == 0
    check(tmp_path, files=1)
    target = tmp_path / "target"
    target.write_text("mine", encoding="ascii")
    (tmp_path / "link.svg").symlink_to(target)
    assert cli.main(["snapshot", "BTC/USD", "--demo", "--output", str(tmp_path / "link.svg")]) == 1
    assert target.read_text(encoding="ascii") == "mine"


def test_the_dial_budget(tmp_path: Path) -> None:
    async def dial() -> None:
        stop = asyncio.Event()
        session = Session()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        budget = tmp_path / "state" / "dials.json"
        await run(session, exchange.ws_url, SystemClock(), lambda _: None, stop, budget_path=budget)

    with ExchangeThread(pairs=["BTC/USD"]) as exchange:
        asyncio.run(dial())
    check(tmp_path, files=2)  # the budget and its lock


def test_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("mine", encoding="ascii")
    link.symlink_to(target)
    with pytest.raises(RecordingError, match="symbolic link"):
        Recorder(link, wall_ns=1)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        EventLog(link)
    monkeypatch.setattr(crash, "_default_path", lambda: link)
    assert "could not be written" in crash.report(ValueError("x"))
    assert svg.save("<svg/>", tmp_path, "link") != link
    assert target.read_text(encoding="ascii") == "mine"
