"""The last minute or so of raw frames, with the state before them: what a shared moment is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from kraken_tui.recording.background import Opening
from kraken_tui.units import SECOND

SPAN_NS = 60 * SECOND
"""Least time before now that is kept, as soon as the program has run that long."""

_CHUNK_NS = 30 * SECOND
_MOST_BYTES = 32 * 2**20


@dataclass(slots=True)
class _Chunk:
    """A state and the frames after it."""

    opening: Opening
    frames: list[tuple[bytes, int, str]] = field(default_factory=list)
    bytes: int = 0


class Recent:
    """Keeps the latest frames so that they can be played alone.

    Args:
        opening: Makes the state of this moment.
    """

    def __init__(self, opening: Callable[[], Opening]) -> None:
        self._opening = opening
        self._chunks: deque[_Chunk] = deque()

    def write(self, frame: bytes, wall_ns: int, direction: str) -> None:
        """Take one frame."""
        if self._chunks:
            chunk = self._chunks[-1]
            chunk.frames.append((frame, wall_ns, direction))
            chunk.bytes += len(frame)

    def poll(self, wall_ns: int) -> None:
        """Begin a new part when it is time, and drop what is no longer needed; call it about once a second.

        Args:
            wall_ns: Now, by the clock of the frames.
        """
        chunks = self._chunks
        newest = chunks[-1] if chunks else None
        if newest is None or wall_ns - newest.opening.wall_ns >= _CHUNK_NS or newest.bytes > _MOST_BYTES // 4:
            chunks.append(_Chunk(self._opening()))
        while len(chunks) > 1 and (
            wall_ns - chunks[1].opening.wall_ns >= SPAN_NS or sum(chunk.bytes for chunk in chunks) > _MOST_BYTES
        ):
            chunks.popleft()

    @property
    def size(self) -> int:
        """Memory of the frames held."""
        return sum(chunk.bytes for chunk in self._chunks)

    @property
    def since_ns(self) -> int | None:
        """The first moment that is held, by the clock of the frames."""
        return self._chunks[0].opening.wall_ns if self._chunks else None

    def slice(self, moment_ns: int | None = None) -> tuple[Opening, list[tuple[bytes, int, str]]] | None:
        """A state held and all frames since, in order; None before the first `poll`.

        Args:
            moment_ns: A moment of interest: the state is the last one at least `SPAN_NS` before it, or else the oldest.
        """
        chunks = list(self._chunks)
        while moment_ns is not None and len(chunks) > 1 and chunks[1].opening.wall_ns <= moment_ns - SPAN_NS:
            chunks.pop(0)
        if not chunks:
            return None
        return chunks[0].opening, [frame for chunk in chunks for frame in chunk.frames]
