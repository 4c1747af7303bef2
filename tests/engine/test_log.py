"""The log's file: written by a thread of its own, nothing left out without a word."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from kraken_tui.engine import log as module
from kraken_tui.engine.log import EventLog


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
