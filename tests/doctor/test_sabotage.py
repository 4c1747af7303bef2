"""The doctor finds illness: each check fails where what it looks for is broken on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import text
from kraken_tui.doctor import books, connection, environment, files, network
from kraken_tui.doctor.report import AsyncCheck, Check, Outcome, Result
from kraken_tui.feed import limits, pair, session
from kraken_tui.feed.connection import backoff, dialler, watchdog
from kraken_tui.feed.proof import stitcher
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.recording import reader as recording
from kraken_tui.recording import writer as recorder

Break = Callable[[pytest.MonkeyPatch], None]


def check(module: Any, name: str) -> Check | AsyncCheck:
    return next(one for one in module.CHECKS if one.name == name)


def attribute(target: object, name: str, value: object) -> Break:
    return lambda patch: patch.setattr(target, name, value)


def limit(**values: float) -> Break:
    """Other defaults of the limits every session starts with."""
    changed = limits.Limits(**values)  # type: ignore[arg-type]
    return lambda patch: patch.setattr(session, "Limits", lambda: changed)


def believe_everything(patch: pytest.MonkeyPatch) -> None:
    """A book that takes the exchange's checksum for its own."""
    real = stitcher.BookStitcher._prove

    def prove(self: Any, kind: str, data: Any, *rest: Any) -> Any:
        expected = stitcher.valid_checksum(data.checksum)
        patch.setattr(OrderBook, "checksum", lambda book: expected)
        return real(self, kind, data, *rest)

    patch.setattr(stitcher.BookStitcher, "_prove", prove)


def nought_is_nought(patch: pytest.MonkeyPatch) -> None:
    """What is missing counts as 0, here and there."""
    patch.setattr(stitcher, "valid_checksum", lambda _: 0)
    patch.setattr(OrderBook, "checksum", lambda _: 0)


def forget_the_ban(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(backoff.DialBudget, "restore", lambda *_: None)


def pongs_count(patch: pytest.MonkeyPatch) -> None:
    real = watchdog.Watchdog.frame
    patch.setattr(watchdog.Watchdog, "frame", lambda self, now, application: real(self, now, application=True))


def no_repair(patch: pytest.MonkeyPatch) -> None:
    def trusting(self: recorder.Recorder) -> None:
        self.bytes = self.path.stat().st_size

    patch.setattr(recorder.Recorder, "_repair", trusting)


CASES: list[tuple[Any, str, Break]] = [
    (books, "wrong checksum", believe_everything),
    (books, "messages lost", believe_everything),
    (books, "messages swapped", believe_everything),
    (books, "no checksum sent", nought_is_nought),
    (books, "no snapshot", limit(snapshot_s=60.0)),
    (books, "acknowledgement lost", limit(ack_s=120.0)),
    (books, "checksum wrong for ever", limit(resync_limit=100, resync_window_s=1.0)),
    (books, "precision changes", attribute(pair.Pair, "set_spec", lambda *_: [])),
    (connection, "half-open connection", limit(feed_deadline_s=20.0)),
    (connection, "pongs alone", pongs_count),
    (connection, "late frames", limit(lag_drop_s=500.0)),
    (connection, "computer sleeps 8 h", attribute(watchdog.Watchdog, "backlog", lambda *_: None)),
    (connection, "nobody listens for 2 h", limit(dial_limit=10_000, backoff_cap_s=5.0)),
    (connection, "accepted, then closed", limit(dial_limit=10_000, backoff_cap_s=5.0)),
    (connection, "ban kept over restarts", forget_the_ban),
    (connection, "ban kept over restarts", attribute(dialler.Dialler, "after_ban", lambda *_: 0.0)),
    (files, "recording torn by a crash", no_repair),
    (files, "bits flipped in a recording", attribute(recording, "_crc_holds", lambda _: True)),
    (files, "second recorder", attribute(recorder, "_lock", lambda _: None)),
    (files, "compression bombs", attribute(recording, "MAX_RATIO", 10**9)),
    (files, "hostile names", attribute(files, "safe_file_stem", lambda symbol: str(symbol)[:9].replace("/", "-"))),
    (files, "hostile texts", attribute(text, "_UNSAFE", frozenset())),
]


@pytest.mark.parametrize(("module", "name", "break_it"), CASES, ids=[f"{case[1]}-{n}" for n, case in enumerate(CASES)])
def test_a_broken_part_is_found(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, break_it: Break) -> None:
    break_it(monkeypatch)
    result = check(module, name).result()
    assert isinstance(result, Result)
    assert result.outcome is Outcome.FAIL, result.seen


def test_a_broken_socket_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cookie-cutter for the checks over sockets: the largest frame is suddenly allowed to be larger."""
    from kraken_tui.feed.connection import sockets

    monkeypatch.setattr(sockets, "MAX_FRAME", 64 << 20)
    monkeypatch.setattr(network, "_LIMIT_S", 2.0)
    found = network.HEAVY_CHECKS[0]
    assert isinstance(found, AsyncCheck)
    result = asyncio.run(found.result())
    assert result.outcome is Outcome.FAIL, result.seen


def test_folders_that_cannot_be_written_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    assert Check("", "", "", environment.folders).result().outcome is Outcome.PASS
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    result = Check("", "", "", environment.folders).result()
    assert result.outcome is Outcome.FAIL
    assert "state folder" in result.seen


def test_package_versions_are_compared_as_numbers() -> None:
    assert environment._within("15.0.1", ">=15,<18")
    assert not environment._within("9.9", ">=15,<18")
    assert not environment._within("18.0", ">=15,<18")
    assert environment._within("2.10", ">=2.4")


@pytest.mark.parametrize(
    ("required", "outcome", "seen"),
    [
        (["pytest>=8", 'zstandard>=0.22; extra == "zstd"'], Outcome.PASS, "pytest "),
        (["pytest>=800"], Outcome.FAIL, "pytest "),
        (["no-such-package>=1"], Outcome.FAIL, "no-such-package is missing"),
    ],
)
def test_missing_and_old_packages_are_found(
    monkeypatch: pytest.MonkeyPatch, required: list[str], outcome: Outcome, seen: str
) -> None:
    monkeypatch.setattr(environment.importlib.metadata, "requires", lambda _: required)
    result = Check("", "", "", environment.packages).result()
    assert result.outcome is outcome
    assert result.seen.startswith(seen)


def test_a_terminal_that_is_too_small_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "10")
    result = Check("", "", "", lambda: environment.terminal("", {"TERM": "xterm"})).result()
    assert result.outcome is Outcome.FAIL
    assert "40x10" in result.seen
    assert Check("", "", "", lambda: environment.terminal("TERM is dumb", {})).result().outcome is Outcome.SKIP
