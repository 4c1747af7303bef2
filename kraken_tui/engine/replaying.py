"""Playing a recording in the engine's loop: on, again, and from any moment.

A moment behind, or far ahead, is reached from a state of the index (`recording.index`): session and desk begin again
there, and what lies between the state and the moment is played at full speed, unseen. A moment that is near ahead is
reached by playing up to it. One the index does not reach yet is waited for, while the picture stands still.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from kraken_tui.engine.indexer import Indexer
from kraken_tui.errors import RecordingError
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.events import FeedEvent
from kraken_tui.feed.session import Session
from kraken_tui.feed.standing import restore
from kraken_tui.market.views import ReplayView
from kraken_tui.recording import replay
from kraken_tui.recording.index import Checkpoint, Fault
from kraken_tui.recording.length import length_ns, outside
from kraken_tui.recording.read_ahead import ReadAhead
from kraken_tui.recording.reader import Recorded, Recording
from kraken_tui.recording.replay import ReplayClock, run_replay
from kraken_tui.settings import Settings
from kraken_tui.settings.moment import Moment, read_moment
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.timestamps import format_timestamp

MOST_FRAMES = 2_000
"""Frames that are played for a seek where fewer would do: they are the past that is seen then."""

LEAD_NS = 300 * SECOND
"""The longest past that is played for a seek."""

MOST_FRAMES_AT_START = 60_000
"""The same for the moment the program begins at, for which nobody waits yet."""

NEAR_NS = 5 * SECOND
"""A moment this near ahead is played up to where the index does not tell how many frames that takes."""

_POLL_S = 0.01
_TICK_NS = SECOND
_VIEW_NS = 10 * SECOND


class Stage(Protocol):
    """What the player asks of the worker."""

    @property
    def session(self) -> Session:
        """The session in use."""
        ...

    def begin_again(self, *, leaping: bool) -> None:
        """Forget what was played; begin a session and a desk with the pairs that are wanted."""
        ...

    def take(self, events: list[FeedEvent]) -> None:
        """Take what happened."""
        ...

    def on_frame(self, frame: bytes, wall_ns: int, direction: str) -> None:
        """Take a raw frame."""
        ...

    def pass_to(self, wall_ns: int, *, look: bool) -> None:
        """Let the recording's time pass while nothing is published; `look` also makes every pair's view."""
        ...

    def arrived(self) -> None:
        """A moment that was sought is reached."""
        ...

    def load(self) -> tuple[int, int]:
        """(waiting, room) of the fullest queue."""
        ...

    def note(self, level: str, text: str) -> None:
        """Add to the log."""
        ...


@dataclass(frozen=True, slots=True)
class Instead:
    """What is played instead of a file; there is no index of it.

    Attributes:
        open_: Opens it.
        name: What it is called.
        length_ns: How long it is, about.
    """

    open_: Callable[[], Iterable[Recorded]]
    name: str
    length_ns: int


class Replaying:
    """Plays one recording.

    Args:
        path: The recording.
        settings: Speed, and the moment to begin at.
        host: The computer's clock.
        stage: The worker.
        stopped: Set when the engine stops.
        ignore_gaps: As of the session.
        instead: What is played instead of a file.
        indexes: Build the index from the start, as somebody will want to seek; else with the first seek.
        keeps_index: Whether it may be kept beside the recording.
    """

    def __init__(
        self,
        path: Path | None,
        settings: Settings,
        host: Clock,
        stage: Stage,
        stopped: asyncio.Event,
        *,
        ignore_gaps: bool,
        indexes: bool,
        keeps_index: bool = True,
        instead: Instead | None = None,
    ) -> None:
        self.path = path or Path()
        self._instead = instead
        self.clock = ReplayClock(settings.speed, host)
        self._settings = settings
        self._host = host
        self._stage = stage
        self._stopped = stopped
        self._cut = asyncio.Event()
        self._indexes = indexes
        self._indexer = Indexer(self.path, settings, ignore_gaps=ignore_gaps, keeps=keeps_index)
        if instead is not None:
            self._indexer.index.failed = True
        self._length_ns = None if instead is None else instead.length_ns
        self._waiting: asyncio.Task[None] | None = None
        self._sought: str = ""
        self._again = False
        self._leap: tuple[Checkpoint | None, int] | None = None
        self._ticked_ns = self._viewed_ns = 0
        self._told_failure = False

    # -- playing ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Play until stopped.

        Raises:
            RecordingError: The file turned out to be unreadable.
        """
        measuring = asyncio.create_task(self._measure(), name="length")
        try:
            self.clock.arrived = self._arrived
            moment = read_moment(self._settings.at)
            if moment is not None and self._instead is None:
                await self._begin_at(moment)
            if self._indexes:
                self._indexer.start()
            while not self._stopped.is_set():
                self._cut.clear()
                await self._play()
                await self._cut.wait()
        finally:
            self._indexer.stop()
            self._give_up_waiting()
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)

    async def _play(self) -> None:
        """Play from the beginning, or from where a seek wants."""
        checkpoint: Checkpoint | None = None
        if self._again:
            self._again, self._leap = False, None
            self.clock = ReplayClock(self.clock.speed, self._host)
            self.clock.arrived = self._arrived
            self._stage.begin_again(leaping=False)
        elif self._leap is not None:
            (checkpoint, target), self._leap = self._leap, None
            checkpoint, opening = self._opening_of(checkpoint)
            begin = self._indexer.index.begin_ns or self.clock.start_ns
            first = not self.clock.begun
            self.clock.leap(begin if checkpoint is None else checkpoint.ns, target)
            if not first:
                self._stage.begin_again(leaping=True)
            if checkpoint is not None:
                if first:
                    self.clock.start_ns, self.clock.begun = begin, True
                self._resume(checkpoint, opening)
        self._ticked_ns = self._viewed_ns = 0
        await run_replay(
            self._stage.session,
            self._reader(checkpoint),
            self.clock,
            self._stage.take,
            self._cut,
            self._on_frame,
            load=self._stage.load,
            resumed=checkpoint is not None,
        )

    def _reader(self, checkpoint: Checkpoint | None) -> ReadAhead:
        path = self.path
        if self._instead is not None:
            return ReadAhead(self._instead.open_)
        if checkpoint is None:
            return ReadAhead(lambda: replay.open_recording(path))
        return ReadAhead(lambda: Recording(path, checkpoint.place, checkpoint.line), checkpoint.pace)

    def _opening_of(self, checkpoint: Checkpoint | None) -> tuple[Checkpoint | None, list[bytes]]:
        """A state and its frames; without them the recording is played from its beginning."""
        if checkpoint is None:
            return None, []
        try:
            return checkpoint, self._indexer.index.opening(checkpoint)
        except RecordingError as error:
            self._stage.note("warning", str(error))
            return None, []

    def _resume(self, checkpoint: Checkpoint, opening: list[bytes]) -> None:
        """Bring the session to a state."""
        session, stage, at = self._stage.session, self._stage, checkpoint.ns
        session.opened(at, at)
        for frame in opening:
            session.frame(frame, at, at)
            stage.take(session.take_events())
        restore(session, checkpoint.standing)

    def _on_frame(self, frame: bytes, wall_ns: int, direction: str) -> None:
        if self.clock.seeking is not None:
            look = wall_ns - self._viewed_ns >= _VIEW_NS
            if look or wall_ns - self._ticked_ns >= _TICK_NS:
                self._ticked_ns = wall_ns
                if look:
                    self._viewed_ns = wall_ns
                self._stage.pass_to(wall_ns, look=look)
        self._stage.on_frame(frame, wall_ns, direction)

    def _arrived(self) -> None:
        self._sought = ""
        self._stage.arrived()

    async def _measure(self) -> None:
        """Find out how long the recording is, beside playing it."""
        if self._instead is None:
            self._length_ns = await asyncio.to_thread(length_ns, self.path, self._stopped.is_set)

    def stop(self) -> None:
        """The engine stops."""
        self._indexer.stop()
        self._cut.set()

    # -- commands ---------------------------------------------------------------------------------------------------

    @property
    def unseen(self) -> bool:
        """Whether what is played now is only on the way to a moment: nobody is told or shown any of it."""
        return self.clock.seeking is not None or self.clock.leaping

    @property
    def indexer(self) -> Indexer:
        """What knows the recording."""
        return self._indexer

    def again(self) -> None:
        """Play from the beginning."""
        self._give_up_waiting()
        self._again = True
        self._cut.set()

    def seek(self, ns: int) -> None:
        """Go to a moment; one outside of the recording counts as its nearest end.

        Args:
            ns: Ns since the epoch, by the recording's clock.
        """
        self._give_up_waiting()
        self._indexer.start()
        clock, index = self.clock, self._indexer.index
        if not clock.begun:
            self._waiting = asyncio.create_task(self._once_begun(ns), name="seek")
            return
        ns = max(ns, clock.start_ns)
        if index.complete:
            ns = min(ns, index.known_ns)
        here = clock.wall()
        ahead = ns >= here and not clock.finished
        if ahead and ns - here <= NEAR_NS:
            clock.seek(ns)
        elif index.reaches(ns):
            if ahead and index.frames_at(ns) - index.frames_at(here) <= MOST_FRAMES:
                clock.seek(ns)
            else:
                self._leap_to(ns)
        else:
            self._waiting = asyncio.create_task(self._wait_for(ns), name="seek")

    def seek_fault(self, direction: int) -> None:
        """Go to the next (+1) or previous (-1) mismatch, gap or session of the recording."""
        self._give_up_waiting()
        self._indexer.start()
        if self.clock.begun:
            self._waiting = asyncio.create_task(self._find_fault(direction), name="seek")

    def cancel(self) -> bool:
        """Give up a seek: the recording goes on from where it is.

        Returns:
            Whether there was one.
        """
        was = self._waiting is not None or self.clock.seeking is not None
        self._give_up_waiting()
        if self.clock.seeking is not None and not self.clock.leaping:
            self.clock.settle()
        return was

    def _leap_to(self, ns: int, *, most_frames: int = MOST_FRAMES) -> None:
        self._leap = (self._indexer.index.start_for(ns, most_frames, LEAD_NS), ns)
        self.clock.leaping = True
        self._cut.set()

    def _give_up_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        self._sought = ""
        if waiting is not None:
            waiting.cancel()

    async def _once_begun(self, ns: int) -> None:
        """Seek as soon as the first frame is known."""
        while not self.clock.begun and not self._stopped.is_set():  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        self._waiting = None
        self.seek(ns)

    async def _wait_for(self, ns: int) -> None:
        """Wait until the index reaches a moment, then go there; where it never will, play up to it."""
        self._sought = f"seeking {format_timestamp(ns, 0)[11:19]}"
        async with self._frozen():
            await self._indexed(partial(self._reaches, ns))
        self._waiting, self._sought = None, ""
        index = self._indexer.index
        if index.complete:
            ns = min(ns, index.known_ns)
        if index.reaches(ns):
            self._leap_to(ns)
        elif ns >= self.clock.wall() and not self.clock.finished:
            self.clock.seek(ns)
        else:
            # From the beginning: there is no state to go on from.
            self._leap_to(ns)

    async def _find_fault(self, direction: int) -> None:
        here = self.clock.wall()
        if direction > 0 and self._fault(here, 1) is None:
            self._sought = "seeking the next mismatch, gap or session"
            async with self._frozen():
                await self._indexed(lambda: self._fault(here, 1) is not None)
        fault = self._fault(here, direction)
        self._waiting, self._sought = None, ""
        if fault is None:
            which = "further" if direction > 0 else "earlier"
            self._stage.note("info", f"the recording holds no {which} mismatch, gap or session")
            return
        self._stage.note("info", f"at {format_timestamp(fault.ns, 3)[11:23]}: {fault.text}")
        self.seek(fault.ns)

    def _fault(self, ns: int, direction: int) -> Fault | None:
        return self._indexer.index.next_fault(ns, direction)

    @contextlib.asynccontextmanager
    async def _frozen(self) -> AsyncIterator[None]:
        """The recording stands still, and the index is built as fast as it can be."""
        self._indexer.hurry = True
        clock = self.clock
        clock.freeze(True)
        try:
            yield
        finally:
            self._indexer.hurry = False
            clock.freeze(False)

    def _reaches(self, ns: int) -> bool:
        return self._indexer.index.reaches(ns)

    async def _indexed(self, enough: Callable[[], bool]) -> None:
        """Wait until the index tells enough, or will tell no more."""
        indexer = self._indexer
        # Looked at, not told: the index is built in another thread, and nobody waits more than a few times an hour.
        while not (  # noqa: ASYNC110
            enough() or indexer.index.complete or indexer.index.failed or self._stopped.is_set()
        ):
            await asyncio.sleep(_POLL_S)

    async def _begin_at(self, moment: Moment) -> None:
        """Find the state for the moment the program begins at."""
        indexer = self._indexer
        indexer.hurry = True
        indexer.start()
        self._sought = f"seeking {clean_text(moment.text, 40)}"
        try:
            await self._indexed(lambda: indexer.index.begin_ns is not None)
            begin = indexer.index.begin_ns
            if begin is None:
                return
            at = moment.within(begin, None)
            if at is not None:
                await self._indexed(partial(self._reaches, at))
        finally:
            indexer.hurry = False
        index = indexer.index
        at = moment.within(begin, index.known_ns if index.complete else None)
        if at is None:
            # The command line looked before; a program, or a file that changed meanwhile, comes here.
            raise RecordingError(outside(moment, begin, index.known_ns))
        self._leap = (index.start_for(at, MOST_FRAMES_AT_START, LEAD_NS), at)

    def poll(self) -> None:
        """Tell what happened to the index; call this a few times a second."""
        index = self._indexer.index
        if index.failed and not self._told_failure and self._instead is None:
            self._told_failure = True
            text = clean_text(index.problem, 120)
            self._stage.note("warning", f"there is no index of the recording, so that seeking takes long: {text}")

    # -- what is shown ----------------------------------------------------------------------------------------------

    def view(self) -> ReplayView | None:
        """The replay for the screen."""
        clock, index = self.clock, self._indexer.index
        position = clock.position_ns if clock.begun else 0
        length = position if clock.finished else self._length_ns
        if index.complete and index.begin_ns is not None:
            length = index.known_ns - index.begin_ns
        if length is not None:
            length = max(length, position)
        seeking = self._sought
        if clock.seeking is not None and not seeking:
            seeking = f"seeking {format_timestamp(clock.seeking, 0)[11:19]}"
        reached = None
        if self._waiting is not None and index.begin_ns is not None:
            reached = max(0, index.known_ns - index.begin_ns)
        return ReplayView(
            clean_text(self.path.name, 80) if self._instead is None else self._instead.name,
            position,
            length,
            clock.speed,
            clock.paused,
            clock.finished,
            gap_ns=clock.gap_ns,
            problem=clock.problem,
            seeking=seeking,
            reached_ns=reached,
            indexed=index.complete,
        )
