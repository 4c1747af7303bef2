"""The length of a recording is known without playing it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest

from kraken_tui.recording import length
from kraken_tui.recording.length import length_ns
from kraken_tui.recording.writer import Recorder
from kraken_tui.units import SECOND

BEGIN = 1_767_225_600 * SECOND
HEARTBEAT = '{"channel":"heartbeat"}'


def lines(count: int) -> Iterable[str]:
    return (f'{{"rx_ns":{BEGIN + at * SECOND},"frame":{HEARTBEAT}}}\n' for at in range(count))


def never(*_: object) -> None:
    pytest.fail("it was read through")


def test_a_plain_file_tells_by_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text("".join(lines(1000)) + '{"rx_ns":17672256')
    monkeypatch.setattr(length, "_read_through", never)
    assert length_ns(path) == 999 * SECOND


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_file_of_ours_tells_by_its_last_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    if suffix.endswith("zst"):
        pytest.importorskip("zstandard")
    path = tmp_path / f"ours{suffix}"
    write_ours(path, [BEGIN + at * SECOND for at in (0, 1, 7)])
    write_ours(path, [BEGIN + at * SECOND for at in (8, 90)])
    monkeypatch.setattr(length, "_read_through", never)
    assert length_ns(path) == 90 * SECOND


def write_ours(path: Path, moments: Iterable[int]) -> None:
    writer = Recorder(path, wall_ns=BEGIN, url="wss://x", pairs=("BTC/USD",))
    for ns in moments:
        writer.write(HEARTBEAT.encode(), ns, "rx")
    writer.close()


def test_a_foreign_archive_and_bare_frames_are_read_through(tmp_path: Path) -> None:
    packed = tmp_path / "foreign.jsonl.gz"
    packed.write_bytes(gzip.compress("".join(lines(50)).encode()))
    assert length_ns(packed) == 49 * SECOND
    bare = tmp_path / "bare.jsonl"
    bare.write_text(f"{HEARTBEAT}\n" * 30)
    assert length_ns(bare) == 29 * SECOND
    assert length_ns(bare, lambda: True) is None


@pytest.mark.parametrize("text", ["", "no recording\n", '{"format":"other"}\n'])
def test_what_cannot_be_read_has_no_length(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(text)
    assert length_ns(path) is None
    assert length_ns(tmp_path / "nowhere.jsonl") is None
