"""Every program of examples/ runs as it stands against the simulated exchange, and is short."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = {
    "top_of_book": (["BTC/USD", "--count", "3"], r"(BTC/USD +[\d.]+ +[\d.]+\n){3}"),
    "trades_to_csv": (["--count", "2"], r"timestamp,symbol,side,price,qty,trade_id\n(\S+,BTC/USD,(buy|sell),.*\n){2}"),
    "watch_health": (
        ["BTC/USD", "--seconds", "0.5"],
        r"connection CONN(.*\n)+BTC/USD book LIVE, VERIFIED(.*\n)+",
    ),
    "record_and_replay": (["--seconds", "0.2"], r"day\.jsonl\.gz: (\d+) books, \1 of them proven\n"),
    "many_pairs": (["BTC/USD", "ETH/USD"], r"(\w+/USD +[\d.]+ bps\n){2}"),
}


def test_every_example_is_run_here_and_stays_short() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == PROGRAMS.keys()
    for path in FOLDER.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 40, path.name


@pytest.mark.realtime
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_example_runs_as_it_stands(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = PROGRAMS[name]
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments, "--demo"])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    said = capsys.readouterr()
    assert re.fullmatch(expected, said.out.replace("\r\n", "\n")), said.out
    assert said.err == ""
