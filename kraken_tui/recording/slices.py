"""A stretch of frames as a recording of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kraken_tui.errors import RecordingError
from kraken_tui.recording.background import Opening
from kraken_tui.recording.format import STATE
from kraken_tui.recording.writer import Recorder


def write_slice(path: Path, opening: Opening, frames: Sequence[tuple[bytes, int, str]]) -> int:
    """Write a recording that begins with a state; blocks while it writes.

    Args:
        path: A new file; .gz and .zst are compressed.
        opening: The state before the frames.
        frames: (payload, receipt in ns since the epoch, direction), in order.

    Returns:
        Frames written, those of the state not counted.

    Raises:
        RecordingError: The file cannot be written whole.
    """
    recorder = Recorder(path, wall_ns=opening.wall_ns, url=opening.url, pairs=opening.pairs)
    for frame in opening.frames:
        recorder.write(frame, opening.wall_ns, STATE)
    for frame, rx_ns, direction in frames:
        recorder.write(frame, rx_ns, direction)
    recorder.close()
    if recorder.problem:
        raise RecordingError(recorder.problem)
    return len(frames)
