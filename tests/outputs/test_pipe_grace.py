"""How long a pipe that nobody reads is waited for, with the waiting itself replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from kraken_tui.outputs import pipe as module
from kraken_tui.outputs.pipe import PipeWriter, Unread

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes are not polled there")


class Reader:
    """Reads nothing until `from_s`; counts the seconds that the writer waits."""

    def __init__(self, from_s: float) -> None:
        self.from_s = from_s
        self.now = 50.0
        self.waits: list[float] = []

    def select(self, _r: object, writable: list[int], _x: object, limit_s: float) -> tuple[list[int], ...]:
        self.waits.append(limit_s)
        if self.now - 50.0 >= self.from_s:
            return [], writable, []
        # In binary fractions, so that a second is a second.
        self.now += 0.125
        return [], [], []


@pytest.fixture
def fd() -> Iterator[int]:
    read, write = os.pipe()
    yield write
    os.close(read)
    os.close(write)


def writer(reader: Reader, fd: int, stop_at_s: float, monkeypatch: pytest.MonkeyPatch) -> PipeWriter:
    monkeypatch.setattr(module, "select", SimpleNamespace(select=reader.select))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: reader.now))
    return PipeWriter(fd, lambda: reader.now - 50.0 >= stop_at_s)


def test_an_unread_pipe_is_given_up_a_second_after_the_signal(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(from_s=1e9)
    with pytest.raises(Unread):
        writer(reader, fd, 30.0, monkeypatch).write(b"line\n")
    assert reader.now - 50.0 == 31.0
    assert max(reader.waits) <= 0.1, "a signal is noticed soon"


def test_without_a_signal_it_is_waited_for_without_end(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(from_s=600.0)
    writer(reader, fd, 1e9, monkeypatch).write(b"line\n")
    assert reader.now - 50.0 >= 600.0


def test_a_reader_that_comes_back_within_the_second_gets_the_rest(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(from_s=30.8)
    writer(reader, fd, 30.0, monkeypatch).write(b"line\n")
    assert reader.now - 50.0 < 31.0
