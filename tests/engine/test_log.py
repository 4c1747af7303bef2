"""The log's file: written by a thread of its own, nothing left out without a word."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

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
