"""A stretch of the recording that is being played, as a recording of its own."""

from __future__ import annotations

from kraken_tui.engine.indexer import Indexer
from kraken_tui.market.views import PairView
from kraken_tui.recording.background import Opening
from kraken_tui.recording.format import GAP, SENT
from kraken_tui.recording.opening import opening_frames
from kraken_tui.recording.reader import Recording, open_recording
from kraken_tui.recording.timeline import Timed, Walk, gap_sentence
from kraken_tui.text import clean_text

Slice = tuple[Opening, list[tuple[bytes, int, str]]]
"""A state and the frames after it."""

MOST_BYTES = 256 * 2**20
"""Frames of a stretch that are held at most; what is beyond is left out at its end."""


def slice_of(indexer: Indexer, begin_ns: int, end_ns: int) -> Slice | None:
    """Read a stretch; it plays what lies between the state before and its beginning.

    Args:
        indexer: Knows the recording; what it built so far is used.
        begin_ns: From this moment, or from the first frame, ns since the epoch.
        end_ns: Up to this moment.

    Returns:
        None where the recording has no frame up to then.

    Raises:
        RecordingError: The recording, or the index of it, cannot be read.
    """
    cutter = _Cutter(indexer, begin_ns)
    size = 0
    for timed in cutter.walk.frames():
        if timed.ns > end_ns or size > MOST_BYTES:
            break
        cutter.take(timed)
        size += len(timed.frame) if cutter.opening is not None else 0
    if cutter.opening is None:
        cutter.open()
    return None if cutter.opening is None else (cutter.opening, cutter.frames)


class _Cutter:
    """Plays up to the beginning of a stretch, and keeps the frames from there on."""

    def __init__(self, indexer: Indexer, begin_ns: int) -> None:
        self.opening: Opening | None = None
        self.frames: list[tuple[bytes, int, str]] = []
        self._indexer, self._begin_ns = indexer, begin_ns
        self._session, self._desk = indexer.new_session()
        self._at: int | None = None
        checkpoint = indexer.index.start_for(begin_ns, 0, 0)
        if checkpoint is None:
            self.walk = Walk(open_recording(indexer.path))
            return
        self._begin(checkpoint.ns)
        for frame in indexer.index.opening(checkpoint):
            self._frame(frame, checkpoint.ns)
        self.walk = Walk(Recording(indexer.path, checkpoint.place, checkpoint.line), checkpoint.pace)

    def take(self, timed: Timed) -> None:
        """Take the next frame."""
        if self._at is None:
            self._begin(timed.ns)
        if self.opening is None and timed.ns >= self._begin_ns:
            self.open()
        if self.opening is not None:
            self.frames.append((timed.frame, timed.ns, timed.direction))
            return
        self._at = timed.ns
        if timed.direction == GAP:
            self._session.interrupted(gap_sentence(timed.frame), timed.ns, timed.ns)
        elif timed.direction != SENT:
            self._frame(timed.frame, timed.ns)

    def open(self) -> None:
        """The stretch begins: note the state."""
        at = self._at
        if at is None:
            return
        views: dict[str, PairView] = {}
        for symbol, market in self._desk.by_symbol.items():
            views[symbol] = market.view(at, heartbeat_age_ns=0, lag_ns=None, connected=True, replayed=True)
        frames = opening_frames(self._session, views, whole=True)
        name = clean_text(self._indexer.path.name, 80)
        self.opening = Opening(at, name, tuple(self._desk.by_symbol), tuple(frames), 0)

    def _begin(self, ns: int) -> None:
        self._at = ns
        self._session.opened(ns, ns)

    def _frame(self, frame: bytes, ns: int) -> None:
        self._session.frame(frame, ns, ns)
        for event in self._session.take_events():
            self._desk.handle(event)
