"""The command as a user runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kraken_tui.cli import main as cli
from kraken_tui.doctor.run import DISK, TIMED, UNTIMED

LIMIT_S = 20.0
"""The promise; a machine shared by several runs gets three times that here."""


@pytest.mark.realtime
def test_this_very_installation_is_well(tmp_path: Path) -> None:
    """Some two dozen checks, none failed, nothing on standard error, nothing left behind."""
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    env = {**os.environ, **folders, "TMPDIR": str(tmp_path)}
    begun = time.monotonic()
    command = [sys.executable, "-m", "kraken_tui", "doctor", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    taken = time.monotonic() - begun
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert [(check["name"], check["seen"]) for check in report["checks"] if check["outcome"] == "fail"] == []
    assert (report["ok"], done.returncode) == (True, 0)
    assert len(report["checks"]) >= 24
    assert taken < 3 * LIMIT_S
    assert list(tmp_path.iterdir()) == []


def test_names_are_unique_and_every_fault_is_cited() -> None:
    names = [check.name for check in (*TIMED, *UNTIMED, *DISK)]
    assert len(set(names)) == len(names) >= 16
    assert sum(check.cites.startswith("F") for check in (*TIMED, *UNTIMED, *DISK)) >= 14


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["doctor", "--url", "ws://127.0.0.1:9"], "--url is for doctor --connect"),
        (["doctor", "BTC/USD"], "PAIR is for doctor --connect"),
        (["doctor", "--depth", "10"], "unknown option --depth; see kraken-tui doctor --help"),
        (["doctor", "--conect"], "unknown option --conect; nearest: --connect; see kraken-tui doctor --help"),
        (["doctor", "--connect", "\x1b[2J"], "PAIR takes a pair name such as BTC/USD, at most 40 characters"),
        (["--demo", "doctor"], "doctor is a command and comes first: kraken-tui doctor PAIR ..."),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str) -> None:
    assert cli.main(argv) == 2
    assert capsys.readouterr().err == f"kraken-tui: {sentence}\n"


def test_an_address_that_cannot_be_used_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--connect", "--url", "ws://ws.kraken.com"]) == 2
    assert "is not encrypted" in capsys.readouterr().err


def test_connect_prints_a_table_and_fails_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert cli.main(["doctor", "--connect", "--url", "ws://127.0.0.1:9/v2"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "127.0.0.1:9 refused the connection" in out
    assert re.search(r"\n2 checks in \d+\.\d s: 1 passed, 1 FAILED\n$", out)
    assert out.isascii()


@pytest.mark.realtime
@pytest.mark.parametrize("columns", [50, 60, 80])
def test_the_table_is_as_wide_as_the_terminal_also_into_a_pager(columns: int) -> None:
    program = "import sys; from kraken_tui.cli.main import main; sys.exit(main(['doctor']))"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "COLUMNS": str(columns)}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    table = done.stdout.splitlines()[:-1]
    assert len(table) > 10
    assert max(map(len, table)) <= columns
