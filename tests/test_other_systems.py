"""Windows and macOS, as far as they can be played here; docs/INSTALL.md says that neither was tried."""

from __future__ import annotations

import ast
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import platformdirs.macos
import platformdirs.windows
import pytest

import kraken_tui
from kraken_tui import files
from kraken_tui.terminal import guardian, signals, writer
from tests.rig.without_posix import FUNCTIONS, MODULES, SIGNALS, Lacking

PACKAGE = Path(kraken_tui.__file__).parent
TERMINAL = ("terminal/driver.py", "terminal/guardian_child.py")
"""Modules of POSIX alone: the one is imported where `os.name` is not "nt", the other runs in a process of its own."""

posix = pytest.mark.skipif(os.name == "nt", reason="this is the other system")


def sources() -> list[Path]:
    return [
        path for path in PACKAGE.rglob("*.py") if str(path.relative_to(PACKAGE)).replace(os.sep, "/") not in TERMINAL
    ]


# -- what is imported, and what is named --------------------------------------------------------------------------


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_needs_a_posix_module_to_be_imported(path: Path) -> None:
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    assert not {name.partition(".")[0] for name in found} & MODULES


def test_posix_parts_are_asked_for_before_they_are_used() -> None:
    """Each use of a name that Windows lacks stands in a function that was looked at: it is not reached there."""
    looked_at = {
        "terminal/guardian.py": {"_spawn", "close"},
        "terminal/writer.py": {"write_urgently"},
        "doctor/files.py": {"read_only_folder"},
        "files.py": {"read_private"},
        "trading/audit.py": {"_opened"},
    }
    found: dict[str, set[str]] = {}
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    lacks = FUNCTIONS if node.value.id == "os" else SIGNALS if node.value.id == "signal" else ()
                    if node.attr in lacks:
                        name = str(path.relative_to(PACKAGE)).replace(os.sep, "/")
                        found.setdefault(name, set()).add(function.name)
    assert found == looked_at


# -- as a process -------------------------------------------------------------------------------------------------


def run(tmp_path: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("KRAKEN_TUI_")}
    env |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path / "state")}
    return subprocess.run(
        [sys.executable, "-m", "tests.rig.without_posix", *argv],
        capture_output=True, text=True, check=False, timeout=90, stdin=subprocess.DEVNULL, env=env,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip


@posix
@pytest.mark.realtime
def test_the_commands_run_without_what_windows_lacks(tmp_path: Path) -> None:
    recording, picture, rows = tmp_path / "a.jsonl", tmp_path / "a.svg", tmp_path / "a.csv"
    done = run(tmp_path, "stream", "--demo", "--count", "20", "--record", str(recording))
    assert (done.returncode, done.stderr) == (0, "")
    assert {json.loads(line)["event"] for line in done.stdout.splitlines()} >= {"book", "state"}
    done = run(tmp_path, "export", str(recording), "--to", "csv", "--output", str(rows))
    assert (done.returncode, done.stderr) == (0, "")
    assert rows.stat().st_size < 10_000_000, "nothing was written at the place of the lock"
    done = run(tmp_path, "snapshot", "--demo", "--size", "80x24", "--output", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED" in picture.read_text(encoding="utf-8")
    done = run(tmp_path, "config", "init")
    assert (done.returncode, done.stderr) == (0, "")
    assert run(tmp_path, "config", "check").returncode == 0
    done = run(tmp_path, "BTC/USD")
    assert done.returncode == 2
    assert "the screen needs a terminal" in done.stderr


@posix
@pytest.mark.realtime
def test_the_self_test_passes_without_what_windows_lacks(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", "--json")
    failed = [check for check in json.loads(done.stdout)["checks"] if check["outcome"] not in ("pass", "skip")]
    assert (failed, done.returncode) == ([], 0)


@posix
@pytest.mark.realtime
def test_the_player_takes_away_what_it_says() -> None:
    code = (
        "import sys; from tests.rig.without_posix import take_away; take_away()\n"
        "import kraken_tui.files as files, kraken_tui.terminal.signals as signals, kraken_tui.cli.limits as limits\n"
        "limits.check_limits()\n"
        "print(files.os.name, hasattr(files.os, 'O_NOFOLLOW'), hasattr(signals.signal, 'SIGHUP'),"
        " [each.name for each in signals.ending_signals()])\n"
        "import kraken_tui.terminal.driver\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout == "nt False False ['SIGINT', 'SIGTERM']\n"
    assert "No module named 'termios'" in done.stderr


# -- piece by piece -----------------------------------------------------------------------------------------------


def test_a_terminal_of_windows_needs_no_term(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal: Any = SimpleNamespace(closed=False, isatty=lambda: True)
    assert signals.obstacle(terminal, terminal, {}) == "TERM is not set"
    monkeypatch.setattr(signals, "os", Lacking())
    assert signals.obstacle(terminal, terminal, {}) == ""


def test_ctrl_break_ends_a_command_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = SimpleNamespace(SIGINT=2, SIGTERM=15, SIGBREAK=21, SIG_IGN=object(), getsignal=lambda number: None)
    monkeypatch.setattr(signals, "signal", lacking)
    assert signals.ending_signals() == (2, 15, 21)


def test_there_is_no_guardian_and_nothing_misses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian, "os", Lacking())
    found = guardian.Guardian()
    found.start()
    found.taken([0, 0, 0, 0, 0, 0, []], 0)
    found.released()
    found.close()
    assert found.pid is None


@posix
def test_on_macos_a_guardian_that_cannot_have_a_session_has_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def posix_spawn(path: str, argv: list[str], env: dict[str, str], **options: Any) -> int:
        asked.append(options)
        if "setsid" in options:
            raise NotImplementedError("setsid is not supported on this platform")
        return 4711

    monkeypatch.setattr(guardian.os, "posix_spawn", posix_spawn)
    assert guardian._spawn(0) == 4711
    assert [("setsid" in each, "setpgroup" in each) for each in asked] == [(True, False), (False, True)]


def test_words_for_a_terminal_are_not_written_where_it_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer.os, "ttyname", lambda _: (_ for _ in ()).throw(OSError("not a terminal")))
    assert not writer.write_urgently(1, "x")


@pytest.mark.parametrize(
    ("system", "kind", "expected"),
    [
        ("macos", "config", "Library/Application Support/kraken-tui"),
        ("macos", "state", "Library/Application Support/kraken-tui"),
        ("macos", "data", "Library/Application Support/kraken-tui"),
        ("macos", "log", "Library/Logs/kraken-tui"),
        ("macos", "pictures", "Pictures"),
        ("windows", "config", "AppData/Local/kraken-tui"),
        ("windows", "state", "AppData/Local/kraken-tui"),
        ("windows", "data", "AppData/Local/kraken-tui"),
        ("windows", "log", "AppData/Local/kraken-tui/Logs"),
        ("windows", "pictures", "Pictures"),
    ],
)
def test_each_system_has_its_own_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, kind: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    known = {"CSIDL_LOCAL_APPDATA": tmp_path / "AppData" / "Local", "CSIDL_MYPICTURES": tmp_path / "Pictures"}
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda name: str(known[name]))
    made = {"macos": platformdirs.macos.MacOS, "windows": platformdirs.windows.Windows}[system]

    def folder(name: str | None = None, appauthor: bool | None = None) -> Path:
        found: Path = getattr(made(name, appauthor), f"user_{kind}_path")
        return found

    monkeypatch.setattr(platformdirs, f"user_{kind}_path", folder)
    assert files.user_folder(kind) == tmp_path / expected


def test_the_driver_is_imported_by_nobody_but_the_one_who_asks_the_system() -> None:
    importers = [
        path.name
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "kraken_tui.terminal.driver"
    ]
    # `leaving` names a type of it, and imports it in `choose_driver`, which is not called on Windows.
    assert set(importers) == {"leaving.py"}
    assert {f"terminal/{found.name}.py" for found in pkgutil.iter_modules([str(PACKAGE / "terminal")])} >= set(TERMINAL)
