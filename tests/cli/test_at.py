"""Commands that begin at a moment of a recording."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RECORDING = Path(__file__).parents[1] / "reference/recordings/every-depth.jsonl.gz"


def kraken_tui(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kraken_tui", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def lines(*arguments: str) -> list[dict[str, object]]:
    ran = kraken_tui("stream", "--replay", str(RECORDING), *arguments)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def books(found: list[dict[str, object]]) -> list[dict[str, object]]:
    return [line for line in found if line["event"] == "book"]


def test_a_stream_from_a_moment_is_the_rest_of_the_whole_one() -> None:
    whole, late = books(lines()), books(lines("--at", "+60"))
    assert 0 < len(late) < len(whole)
    assert late == whole[-len(late) :]


def test_a_stream_with_history_begins_with_the_state() -> None:
    whole, late = lines(), lines("--at", "+60", "--history")
    kinds = [line["event"] for line in late]
    first = next(line for line in late if line["event"] == "book")
    before = kinds.index("book")
    assert {"candle", "trade"} & set(kinds[:before])
    assert first["kind"] == "snapshot"
    assert first["verified"] is True
    # The same ten levels and the same checksum as the last message before told.
    rest = [line for line in books(late) if line["kind"] != "snapshot"]
    at = next(
        number
        for number, line in enumerate(books(whole))
        if line["received"] == rest[0]["received"] and line["symbol"] == rest[0]["symbol"]
    )
    told = [line for line in books(whole)[:at] if line["symbol"] == first["symbol"]][-1]
    assert (told["bids"], told["asks"], told["checksum"]) == (first["bids"], first["asks"], first["checksum"])


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("+9999", "--at: +9999 is outside of the recording, which goes from 20"),
        ("1999-01-01T00:00:00Z", "is outside of the recording, which goes from 20"),
        ("soon", "--at takes a time in UTC such as 14:03:10"),
    ],
)
def test_a_moment_that_is_not_there(at: str, says: str) -> None:
    ran = kraken_tui("stream", "--replay", str(RECORDING), "--at", at)
    assert ran.returncode == 2
    assert says in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_moment_needs_a_recording() -> None:
    ran = kraken_tui("stream", "--demo", "--at", "14:03")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "--at needs --replay or --kafka" in ran.stderr


def test_a_picture_and_a_plot_of_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "moment.svg"
    ran = kraken_tui("snapshot", "--replay", str(RECORDING), "--at", "+60", "--view", "heatmap", "--output", str(path))
    assert ran.returncode == 0, ran.stderr
    assert "01:00" in path.read_text()
    assert "PAUSED" in path.read_text()
    plotted = kraken_tui(
        "plot", "--replay", str(RECORDING), "--at", "+60", "--kind", "heatmap", "--width", "90", "--height", "24"
    )
    assert plotted.returncode == 0, plotted.stderr
    rows = plotted.stdout.splitlines()
    assert len(rows) == 24
    assert "Heatmap" in rows[0]
    assert any(mark in plotted.stdout for mark in "░▒▓█")
    assert "\x1b" not in plotted.stdout, "not a terminal"
