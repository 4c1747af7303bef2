"""Builds the index of a recording in a thread of its own, while it is played."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

from kraken_tui.engine.desk import Desk
from kraken_tui.errors import RecordingError
from kraken_tui.feed.events import Resync
from kraken_tui.feed.session import Session
from kraken_tui.feed.standing import standing_of
from kraken_tui.market.events import BookState, Proof
from kraken_tui.market.health import long_time
from kraken_tui.market.views import PairView
from kraken_tui.recording import sidecar
from kraken_tui.recording.format import GAP, SENT
from kraken_tui.recording.index import Checkpoint, Fault, Index
from kraken_tui.recording.opening import opening_frames
from kraken_tui.recording.reader import Place, open_recording
from kraken_tui.recording.timeline import Timed, Walk, gap_sentence, step_sentence
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND

SPACING_NS = 30 * SECOND
"""Time of the recording between two states."""

SPACING_FRAMES = 1_500
"""Frames between two states, where that is sooner: playing them is what a seek takes."""

TRADES = 200
"""Trades of each pair in a state."""

_PATIENCE_NS = 300 * SECOND
_WORK_S, _REST_S = 0.002, 0.004
_LOOK_EVERY = 20


def resumed(session: Session, settings: Settings) -> Desk:
    """A desk that nobody listens to."""
    return Desk(session, replace(settings, pairs=()), lambda _: None, lambda _level, _text: None)


class Indexer:
    """Builds the index of one recording; it takes about a third of a core, or all of one while somebody waits.

    Args:
        path: The recording.
        settings: Depth and interval of the sessions that will use the states.
        ignore_gaps: As of the session.
        keeps: Whether it may be kept beside the recording.

    Attributes:
        index: What is known so far; another object once one was found beside the recording.
        hurry: Whether somebody waits for it.
    """

    def __init__(self, path: Path, settings: Settings, *, ignore_gaps: bool = False, keeps: bool = True) -> None:
        self._keeps = keeps
        self.index = Index()
        self.hurry = False
        self._path = path
        self._settings = settings
        self._ignore_gaps = ignore_gaps
        self._made_for = (settings.depth, settings.interval, ignore_gaps)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread."""
        if self._thread is None and not self.index.failed:
            self._thread = threading.Thread(target=self.run, name="kraken-tui-indexer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Give up what is not built yet."""
        self._stopped.set()

    def run(self) -> None:
        """Find the index beside the recording, or build it and keep it there; blocks."""
        try:
            found = sidecar.load(self._path, self._made_for)
            if found is not None:
                self.index = found
                return
            of = sidecar.identity(self._path)
            _Building(self).run()
            if self.index.complete and self._keeps:
                sidecar.save(self._path, self.index, self._made_for, of)
        except (RecordingError, OSError) as error:
            self.index.problem = str(error)
            self.index.failed = True
        except Exception as error:
            # A defect of ours, which the player meets too, or which only makes seeking slow: whoever waits must not
            # wait for ever.
            self.index.problem = f"{type(error).__name__}: {error}"
            self.index.failed = True

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()

    def rest(self) -> None:
        """Leave the processor to others, unless somebody waits."""
        if not self.hurry:
            self._stopped.wait(_REST_S)

    @property
    def path(self) -> Path:
        """The recording."""
        return self._path

    def new_session(self) -> tuple[Session, Desk]:
        """A session and a desk as the player's, for all pairs."""
        session = Session(depth=self._settings.depth, interval=self._settings.interval, replay=True)
        session.options.ignore_gaps = self._ignore_gaps
        return session, resumed(session, self._settings)


class _Building:
    """One pass through the recording."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer
        self._index = indexer.index
        self._session, self._desk = indexer.new_session()
        self._recording = open_recording(indexer.path)
        self._walk = Walk(self._recording)
        self._last_ns = self._last_frames = 0
        self._ticked_s = 0
        self._reconnects = 0

    def run(self) -> None:
        index, indexer = self._index, self._indexer
        since = time.perf_counter()
        for timed in self._walk.frames():
            if index.begin_ns is None:
                index.begin_ns = self._last_ns = timed.ns
                self._session.opened(timed.ns, timed.ns)
            self._apply(timed)
            index.frames += 1
            index.known_ns = timed.ns
            if self._is_due(timed):
                self._add(timed)
            if index.frames % _LOOK_EVERY == 0 and time.perf_counter() - since >= _WORK_S:
                if indexer.stopped:
                    return
                indexer.rest()
                since = time.perf_counter()
        index.problem = self._recording.problem
        index.built()
        index.complete = True

    def _apply(self, timed: Timed) -> None:
        session, at = self._session, timed.ns
        if timed.step_ns:
            self._fault(at, "gap", step_sentence(timed.step_ns))
        if timed.gap_ns:
            self._fault(at, "gap", f"nothing was recorded for {long_time(timed.gap_ns)}")
        if timed.direction == GAP:
            self._fault(at, "gap", gap_sentence(timed.frame))
            session.interrupted(gap_sentence(timed.frame), at, at)
        elif timed.direction != SENT:
            session.frame(timed.frame, at, at)
        for event in session.take_events():
            if isinstance(event, Resync) and event.cause != "reconnect":
                self._fault(at, "mismatch", f"{event.symbol}: {event.cause}")
            self._desk.handle(event)
        if session.counters.reconnects != self._reconnects:
            self._reconnects = session.counters.reconnects
            self._fault(at, "session", "another connection begins")
        if at // SECOND != self._ticked_s:
            self._ticked_s = at // SECOND
            self._desk.tick(at)

    def _fault(self, ns: int, kind: str, text: str) -> None:
        self._index.faults.append(Fault(ns, kind, text))

    def _is_due(self, timed: Timed) -> bool:
        waited_ns = timed.ns - self._last_ns
        if waited_ns < SPACING_NS and self._index.frames - self._last_frames < SPACING_FRAMES:
            return False
        if waited_ns >= _PATIENCE_NS:
            return True
        # What made a book unproven is not in a state; it is played over from the state before.
        pairs = self._session.pairs.values()
        return all(pair.state is BookState.LIVE and pair.proof is Proof.VERIFIED for pair in pairs)

    def _add(self, timed: Timed) -> None:
        place = self._place_before(timed.line)
        if place is None:
            return
        self._last_ns, self._last_frames = timed.ns, self._index.frames
        views: dict[str, PairView] = {}
        for symbol, market in self._desk.by_symbol.items():
            views[symbol] = market.view(timed.ns, heartbeat_age_ns=0, lag_ns=None, connected=True, replayed=True)
        frames = opening_frames(self._session, views, whole=True, trades=TRADES)
        self._index.add(
            Checkpoint(
                timed.ns, timed.line, self._index.frames, place, self._walk.pace(), standing_of(self._session),
                self._index.pack(frames),
            )
        )  # fmt: skip

    def _place_before(self, line: int) -> Place | None:
        if not line:
            return None
        return next((place for place in reversed(self._recording.places) if place.line <= line), None)
