"""Writing to readers that are slow, go away, or stand still."""

from __future__ import annotations

import os
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from kraken_tui.outputs.pipe import PipeWriter, Unread


@pytest.fixture
def pipe() -> Any:
    read, write = os.pipe()
    ends = SimpleNamespace(read=read, write=write)
    yield ends
    for fd in (ends.read, ends.write):
        if fd is not None:
            os.close(fd)


def test_output_arrives_whole_through_a_pipe_that_is_read_slowly(pipe: Any) -> None:
    data = os.urandom(300_000)
    got = bytearray()

    def read() -> None:
        while len(got) < len(data):
            got.extend(os.read(pipe.read, 1000))

    reader = threading.Thread(target=read)
    reader.start()
    PipeWriter(pipe.write, lambda: False).write(data)
    reader.join(10)
    assert bytes(got) == data


def test_a_reader_that_went_away_is_told_as_broken_pipe(pipe: Any) -> None:
    os.close(pipe.read)
    pipe.read = None
    with pytest.raises(BrokenPipeError):
        PipeWriter(pipe.write, lambda: False).write(b"line\n")


@pytest.mark.realtime
def test_a_signal_frees_the_program_from_a_pipe_nobody_reads(pipe: Any) -> None:
    started = time.monotonic()
    with pytest.raises(Unread):
        PipeWriter(pipe.write, lambda: True).write(b"x" * 1_000_000)
    assert 0.9 < time.monotonic() - started < 3
