"""Recordings for the tests of `KrakenClient`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client.client_rig import INSTRUMENTS, book_frame, trade_frame


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Path]:
    """Write frames as a recording."""

    def write(*frames: object) -> Path:
        path = tmp_path / "frames.jsonl"
        lines = [frame if isinstance(frame, str) else json.dumps(frame) for frame in (INSTRUMENTS, *frames)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def small(recording: Callable[..., Path]) -> Path:
    """A snapshot, a hundred updates and a trade after each."""
    frames: list[dict[str, Any]] = [book_frame(100, kind="snapshot")]
    for number in range(101, 201):
        frames += [book_frame(number), trade_frame(number)]
    return recording(*frames)
