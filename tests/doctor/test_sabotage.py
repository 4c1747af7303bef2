"""The doctor finds illness: each check fails where what it looks for is broken on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kraken_tui.doctor import environment, files, network
from kraken_tui.doctor.report import AsyncCheck, Check, Outcome
from kraken_tui.recording import writer as recorder

Break = Callable[[pytest.MonkeyPatch], None]


def attribute(target: object, name: str, value: object) -> Break:
    return lambda patch: patch.setattr(target, name, value)


def no_repair(patch: pytest.MonkeyPatch) -> None:
    def trusting(self: recorder.Recorder) -> None:
        self.bytes = self.path.stat().st_size

    patch.setattr(recorder.Recorder, "_repair", trusting)


CASES: list[tuple[str, Break]] = [
    ("recording read back", attribute(files, "_record", lambda path, _: path.write_bytes(b""))),
    ("recording torn by a crash", no_repair),
    ("second recorder", attribute(recorder, "lock", lambda _: True)),
    ("hostile names", attribute(files, "safe_file_stem", lambda symbol: str(symbol)[:9].replace("/", "-"))),
]


@pytest.mark.parametrize(("name", "break_it"), CASES, ids=[name for name, _ in CASES])
def test_a_broken_part_is_found(monkeypatch: pytest.MonkeyPatch, name: str, break_it: Break) -> None:
    break_it(monkeypatch)
    result = next(one for one in files.CHECKS if one.name == name).result()
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
