"""The log's file: written by a thread of its own, nothing left out without a word."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kraken_tui.engine import log as module
from kraken_tui.engine.log import EventLog
from kraken_tui.errors import ConfigurationError


def test_lines_are_in_the_file_in_order_after_a_close(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    for number in range(100):
        log.add(number, "info", f"line {number}")
    assert log.close()
    assert log.close()
    assert [line.rpartition("  ")[2] for line in (tmp_path / "log").read_text().splitlines()] == [
        f" line {number}".lstrip() for number in range(100)
    ]


def test_a_file_that_hangs_delays_nobody_and_its_gap_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING_LINES", 4)
    monkeypatch.setattr(module, "_EVERY_S", 0.005)
    free, hangs = threading.Event(), threading.Event()
    real = module._PrivateFile.emit

    def emit(self: module._PrivateFile, record: logging.LogRecord) -> None:
        hangs.set()
        assert free.wait(30)
        real(self, record)

    monkeypatch.setattr(module._PrivateFile, "emit", emit)
    log = EventLog(tmp_path / "log")
    log.add(0, "info", "first")
    assert hangs.wait(5)
    began = time.monotonic()
    for number in range(10):
        log.add(0, "info", f"line {number}")
    assert not log.close()
    assert time.monotonic() - began < 2
    free.set()


def test_what_was_left_out_is_counted_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING_LINES", 4)
    monkeypatch.setattr(module, "_EVERY_S", 0.005)
    free, hangs = threading.Event(), threading.Event()
    real = module._PrivateFile.emit

    def emit(self: module._PrivateFile, record: logging.LogRecord) -> None:
        hangs.set()
        assert free.wait(30)
        real(self, record)

    monkeypatch.setattr(module._PrivateFile, "emit", emit)
    log = EventLog(tmp_path / "log")
    log.add(0, "info", "first")
    assert hangs.wait(5)
    for number in range(10):
        log.add(0, "info", f"line {number}")
    free.set()
    assert log._file is not None
    deadline = time.monotonic() + 5
    while log._file.counts.waiting:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    log.add(0, "info", "last")
    assert log.close()
    texts = [line[32:].strip() for line in (tmp_path / "log").read_text().splitlines()]
    assert texts == ["first", "line 0", "line 1", "line 2", "7 lines missing here: the disk was too slow", "last"]
    assert len(log.lines) == 12, "the screen's log has them all"


def test_without_a_file_the_screen_has_the_last_five_hundred_lines() -> None:
    log = EventLog()
    for number in range(501):
        log.add(number, "info", f"line {number}")
    assert [line.text for line in log.lines] == [f"line {number}" for number in range(1, 501)]
    assert log.changes == 501
    assert log.close() is True


def test_a_line_is_cleaned_cut_and_of_a_known_level() -> None:
    log = EventLog()
    for level in ("info", "warning", "error", "debug"):
        log.add(7, level, "x" * 501)
    log.add(8, "info", "a\x1b[2Jb")
    assert [line.level for line in log.lines] == ["info", "warning", "error", "info", "info"]
    assert {len(line.text) for line in log.lines[:4]} == {500}
    assert log.lines[0].ns == 7
    assert "\x1b" not in log.lines[-1].text


def test_the_file_has_time_level_and_text(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    for level in ("info", "warning", "error"):
        log.add(1_700_000_000_123_456_789, level, "text")
    assert log.close()
    assert (tmp_path / "log").read_text().splitlines() == [
        "2023-11-14T22:13:20.123Z info    text",
        "2023-11-14T22:13:20.123Z warning text",
        "2023-11-14T22:13:20.123Z error   text",
    ]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EventLog(tmp_path)
    assert str(caught.value) == "log_file cannot be written: Is a directory"


def test_a_file_that_takes_no_more_is_said_once_and_the_screen_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY_S", 0.005)

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module._PrivateFile, "shouldRollover", full)
    log = EventLog(tmp_path / "log")
    log.add(1, "info", "first")
    deadline = time.monotonic() + 5
    while len(log.lines) < 2:
        assert time.monotonic() < deadline
        log.poll(2)
        time.sleep(0.002)
    before = log.changes
    log.poll(3)
    log.add(4, "info", "more")
    assert [(line.ns, line.level, line.text) for line in log.lines] == [
        (1, "info", "first"),
        (2, "error", "the log file takes no more lines: No space left on device"),
        (4, "info", "more"),
    ]
    assert (before, log.changes) == (2, 3)
    assert log.close() is True


def test_a_file_begins_again_at_five_megabytes_and_three_old_ones_are_kept(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    assert log._handler is not None
    assert (log._handler.maxBytes, log._handler.backupCount) == (5_000_000, 3)
    log.close()


class Over:
    """Stands for the hand-over to the file's thread."""

    made: list[Over]

    def __init__(self, name: str, work: Any, **options: Any) -> None:
        self.name, self.work, self.options = name, work, options
        self.put_in: list[tuple[tuple[int, str], int]] = []
        self.closed: list[float] = []
        self.left_out = 0
        self.counts = SimpleNamespace(accepted=1)
        Over.made.append(self)

    def put(self, item: tuple[int, str], size: int) -> None:
        self.put_in.append((item, size))

    def resume(self) -> int:
        left_out, self.left_out = self.left_out, 0
        return left_out

    def close(self, wait_s: float = 0.0) -> bool:
        self.closed.append(wait_s)
        return False


@pytest.fixture
def over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[EventLog, Over]]:
    Over.made = []
    monkeypatch.setattr(module, "HandOver", Over)
    log = EventLog(tmp_path / "log")
    yield log, Over.made[0]
    log._close_file()


def test_the_file_has_room_for_five_thousand_lines_and_two_megabytes(over: tuple[EventLog, Over]) -> None:
    log, file = over
    options = {name: value for name, value in file.options.items() if name != "finish"}
    assert options == {"items": 5000, "room": 2_000_000, "every_s": 0.1, "enough": 500_000}
    assert (file.name, file.work, file.options["finish"]) == ("kraken-tui-log", log._write, log._close_file)
    log.add(0, "warning", "text")
    line = "1970-01-01T00:00:00.000Z warning text"
    assert file.put_in == [((logging.WARNING, line), len(line))]
    file.left_out = 3
    log.add(0, "info", "text")
    assert [item[1][25:] for item, _ in file.put_in[1:]] == [
        "warning 3 lines missing here: the disk was too slow", "info    text",
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["poll", "add", "close"])
def test_a_problem_of_the_file_is_told_by_whoever_comes_first(by: str, over: tuple[EventLog, Over]) -> None:
    log, file = over
    log._file_problem = "disk full"
    if by == "poll":
        log.poll(7)
    elif by == "add":
        log.add(7, "info", "more")
    else:
        assert log.close(7) is False
    problem = [(line.ns, line.text) for line in log.lines if line.level == "error"]
    assert problem == [(7, "the log file takes no more lines: disk full")]
    assert file.closed == ([0.2, 0.0] if by == "close" else [0.0])
    assert file.put_in == []
    log.poll(8)
    assert len(log.lines) == (2 if by == "add" else 1)


def test_the_end_waits_a_fifth_of_a_second_and_has_no_time_unless_told(over: tuple[EventLog, Over]) -> None:
    log, file = over
    log._file_problem = "disk full"
    assert log.close() is False
    assert (file.closed, log.lines[-1].ns, module.CLOSE_S) == ([0.2, 0.0], 0, 0.2)


def test_what_the_file_does_not_take_counts_as_failed(
    over: tuple[EventLog, Over], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = over
    lines = [(logging.INFO, "one"), (logging.INFO, "two"), (logging.INFO, "three")]
    assert (log._write(lines), log._file_problem) == (0, "")
    assert log._write([]) == 0
    handler = log._handler
    assert handler is not None
    seen: list[str] = []

    def emit(record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        if len(seen) == 2:
            handler.problem = "disk full"

    monkeypatch.setattr(handler, "emit", emit)
    assert (log._write(lines), log._file_problem, seen) == (2, "disk full", ["one", "two"])
    log._close_file()
    log._file_problem = ""
    assert (log._write(lines), log._file_problem) == (3, "")
