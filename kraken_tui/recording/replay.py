"""Playing a recording through a `Session`, on the recording's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from kraken_tui.errors import RecordingError
from kraken_tui.feed.clock import Clock, SystemClock
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.session import Session
from kraken_tui.market.health import long_time
from kraken_tui.recording.format import GAP, SENT
from kraken_tui.recording.read_ahead import ReadAhead
from kraken_tui.recording.reader import Recorded, Recording, open_recording
from kraken_tui.recording.timeline import Timed, gap_sentence, step_sentence, timeline
from kraken_tui.units import SECOND

__all__ = ["Recording", "RecordingError", "ReplayClock", "open_recording", "run_replay"]

_YIELD_EVERY = 200
_LONGEST_SLEEP_S = 0.25
_POLL_S = 0.002

STUCK_S = 5.0
"""How long a replay at full speed waits for a listener that reads nothing."""

HUNG_S = 2.0
"""How long a replay has waited for the disk before it says so."""

SKIP_S = 3.0
"""How long a gap of the recording is shown before it is skipped, at any speed, in seconds of the computer's time."""


class ReplayClock:
    """The recording's clock: it runs at `speed`, stops while paused, and is what the session and the views see.

    Args:
        speed: 1 for the recording's own pace, 0 for as fast as possible.
        host: The computer's clock.

    Raises:
        ValueError: The speed is negative or not a number.
    """

    def __init__(self, speed: float = 1.0, host: Clock | None = None) -> None:
        self.host = host or SystemClock()
        """The computer's clock."""
        self._speed = _checked(speed)
        self._paused = self._held = False
        self._finished = False
        self._position = 0
        self._since = self.host.now()
        self.start_ns = 0
        self.begun = False
        """Whether the first frame is known, and with it the time."""
        self.problem = ""
        """Why the replay stands still, if it is not paused."""
        self.gap_ns = 0
        """Length of the gap the recording is in now; 0 outside of one."""
        self.next_ns: int | None = None
        """When the frame is due that is waited for."""
        self.changed: Callable[[], None] = lambda: None
        """Called after speed or pause changed; set by the player so that it wakes up."""
        self.arrived: Callable[[], None] = lambda: None
        """Called when the moment that was sought is reached, or given up."""
        self.leaping = False
        """Whether what is played next is another part of the recording: the player then ends without a word."""
        self._target: int | None = None
        self._frozen = False

    @property
    def speed(self) -> float:
        """Current speed; 0 is as fast as possible."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether the clock is stopped."""
        return self._paused

    @property
    def finished(self) -> bool:
        """Whether the recording is over."""
        return self._finished

    @property
    def position_ns(self) -> int:
        """Ns since the recording's first frame."""
        return self.wall() - self.start_ns

    def now(self) -> int:
        """The recording's time, ns; the same as `wall`."""
        return self.wall()

    def wall(self) -> int:
        """The recording's time, ns since the epoch."""
        if self._paused or self._held or self._frozen or self._finished or self._target is not None or not self._speed:
            return self._position
        return self._position + int((self.host.now() - self._since) * self._speed)

    def pause(self, paused: bool) -> None:
        """Stop or continue."""
        self._rebase(self.wall())
        self._paused = paused
        self.changed()

    def hold(self, held: bool) -> None:
        """Stand still while the next frames are not known, or go on."""
        self._rebase(self.wall())
        self._held = held

    @property
    def seeking(self) -> int | None:
        """The moment that is being sought by playing up to it, ns since the epoch."""
        return self._target

    def seek(self, at: int) -> None:
        """Play at full speed up to a moment ahead, even while paused, and stand there as before."""
        self._rebase(self.wall())
        self._target = at
        self.changed()

    def settle(self, at: int | None = None) -> None:
        """The moment sought is reached, or given up.

        Args:
            at: What time it is now; None for that of the last frame played.
        """
        if self._target is not None:
            self._target = None
            self._rebase(self._position if at is None else max(at, self._position))
            self.arrived()

    def leap(self, at: int, target: int) -> None:
        """Another part of the recording is played next: from `at` on, up to `target` at full speed."""
        self.leaping = self._finished = self._frozen = False
        self.problem, self.gap_ns, self.next_ns = "", 0, None
        self._target = target
        self._rebase(at)

    def freeze(self, frozen: bool) -> None:
        """Stand still at any speed while something is waited for, or go on."""
        self._rebase(self.wall())
        self._frozen = frozen
        self.changed()

    def set_speed(self, speed: float) -> None:
        """Change the speed from here on.

        Raises:
            ValueError: The speed is negative or not a number.
        """
        speed = _checked(speed)
        self._rebase(self.wall())
        self._speed = speed
        self.changed()

    def skip(self) -> None:
        """Go to the next frame, over a gap or a silence."""
        if self.next_ns is not None and self.next_ns > self.wall():
            self._rebase(self.next_ns)
            self.changed()

    def begin(self, at: int) -> None:
        """The player found the first frame."""
        self.start_ns = at
        self.begun = True
        self._rebase(at)

    def reach(self, at: int) -> None:
        """The player reached a frame of this time; at full speed that is what moves the clock."""
        if not self._speed or self._target is not None:
            self._position = max(self._position, at)

    def finish(self, at: int) -> None:
        """The recording is over: the clock stays at its last frame."""
        self._rebase(max(at, self._position))
        self._finished = True
        self.settle()

    def wait_s(self, at: int) -> float | None:
        """Seconds of the computer's time until `at`; 0 when it is due, None while paused."""
        if self._target is not None and at <= self._target:
            return 0.0
        if self._paused or self._frozen:
            return None
        if not self._speed:
            return 0.0
        return max(0.0, (at - self.wall()) / SECOND / self._speed)

    def _rebase(self, position: int) -> None:
        self._position = position
        self._since = self.host.now()


def _checked(speed: float) -> float:
    if not 0 <= speed < 1e6:
        raise ValueError(f"a replay speed of {speed} is not possible; use 0 (as fast as possible) up to 1000000")
    return speed


async def run_replay(
    session: Session,
    recording: Iterable[Recorded] | ReadAhead,
    clock: ReplayClock,
    on_events: Callable[[list[FeedEvent]], None],
    stop_event: asyncio.Event,
    on_frame: Callable[[bytes, int, str], None] | None = None,
    *,
    load: Callable[[], tuple[int, int]] | None = None,
    resumed: bool = False,
) -> int:
    """Play a recording to its end or until told to stop.

    Args:
        session: A session made with `replay=True`.
        recording: Frames in order, read ahead in a thread; or any others, which must not wait for a disk.
        clock: The recording's clock; pause and speed are set on it.
        on_events: Takes what happened, after every frame and before the next is applied.
        stop_event: Ends the replay early.
        on_frame: Takes every raw frame with its time and its direction (`recording.format`).
        load: (events waiting, room) of the fullest listener. At full speed the replay waits while it is more than
            half full, so that a listener that reads loses nothing; one that reads nothing for `STUCK_S` loses by its
            own policy, and counts it.
        resumed: The session was brought to where the recording goes on.

    Returns:
        Frames played.

    Raises:
        RecordingError: The file turned out to be unreadable.
    """
    player = _Player(session, clock, on_events, stop_event, on_frame, begun=resumed)
    return await player.play(recording, _Backpressure(load, stop_event) if load is not None else None)


class _Player:
    """Plays one recording; see `run_replay` for the arguments."""

    def __init__(
        self,
        session: Session,
        clock: ReplayClock,
        on_events: Callable[[list[FeedEvent]], None],
        stop_event: asyncio.Event,
        on_frame: Callable[[bytes, int, str], None] | None,
        *,
        begun: bool,
    ) -> None:
        self._session = session
        self._clock = clock
        self._on_events = on_events
        self._stop = stop_event
        self._on_frame = on_frame
        self._wake = asyncio.Event()
        self._begun = begun
        self._played = 0
        self._at = clock.wall() if begun else 0
        clock.changed = self._wake.set

    async def play(self, recording: Iterable[Recorded] | ReadAhead, backpressure: _Backpressure | None) -> int:
        """Play to the end or until told to stop; returns the frames played."""
        watcher = asyncio.create_task(_watch(self._stop, self._wake))
        try:
            if isinstance(recording, ReadAhead):
                while not self._stop.is_set() and (batch := await self._next(recording)) is not None:
                    if not self._begun and recording.shape:
                        self._on_events([Note(batch[0].ns if batch else 0, "warning", f"this is {recording.shape}")])
                    await self._play(batch, backpressure)
            else:
                await self._play(timeline(recording), backpressure)
            if not self._clock.leaping:
                self._finish(getattr(recording, "problem", ""))
        finally:
            watcher.cancel()
            if isinstance(recording, ReadAhead):
                recording.close()
        return self._played

    async def _next(self, recording: ReadAhead) -> list[Timed] | None:
        """The next frames; while they are not there the clock stands still, and a disk that hangs is told."""
        batch = recording.take()
        if batch or batch is None:
            return batch
        clock, told, begun = self._clock, False, self._clock.host.now()
        clock.hold(True)
        try:
            while not batch and batch is not None and not self._stop.is_set():
                await recording.wait(_LONGEST_SLEEP_S)
                self._flush()
                batch = recording.take()
                if recording.busy_s >= HUNG_S:
                    clock.problem = f"the disk does not answer since {recording.busy_s:.0f} s"
                    if not told:
                        told = True
                        self._on_events([Note(self._at, "error", f"reading the recording: {clock.problem}")])
        finally:
            clock.hold(False)
            clock.problem = ""
        if told and not self._stop.is_set():
            waited = long_time(clock.host.now() - begun)
            self._on_events([Note(self._at, "warning", f"reading the recording goes on after {waited}")])
        return batch

    async def _play(self, frames: Iterable[Timed], backpressure: _Backpressure | None) -> None:
        """Play some frames, each at its time."""
        clock = self._clock
        for timed in frames:
            if not self._begun:
                self._begun = True
                clock.begin(timed.ns)
                self._session.opened(timed.ns, timed.ns)
            if (timed.step_ns or timed.gap_ns) and clock.seeking is None:
                self._tell(timed)
            if (due := self._due(timed.ns)) is None or due > 0:
                await self._until_due(timed.ns, timed.gap_ns)
            if backpressure is not None and not clock.speed and clock.seeking is None:
                await backpressure.wait()
            if self._stop.is_set():
                break
            self._apply(timed)
            if self._played % _YIELD_EVERY == 0:
                # A burst, or full speed: let the rest of the program run.
                await asyncio.sleep(0)

    def _apply(self, timed: Timed) -> None:
        self._clock.reach(timed.ns)
        self._at = at = timed.ns
        self._played += 1
        if self._on_frame is not None:
            self._on_frame(timed.frame, at, timed.direction)
        if timed.direction == GAP:
            self._session.interrupted(gap_sentence(timed.frame), at, at)
            self._flush()
        elif timed.direction != SENT:
            self._session.frame(timed.frame, at, at)
            self._flush()

    def _finish(self, problem: str) -> None:
        at = self._at
        # What is told from here on is not on the way to a moment any more.
        self._clock.settle()
        if problem:
            self._on_events([Note(at, "warning", problem)])
        self._clock.finish(at)
        self._session.close(at, at, "stopped" if self._stop.is_set() else "end of the recording")
        self._flush()

    def _tell(self, timed: Timed) -> None:
        """Name a gap or a step of the recorder's clock right before it is passed."""
        if timed.step_ns:
            text = f"{step_sentence(timed.step_ns)}; the replay goes on by the exchange's time"
            self._on_events([Note(self._at, "warning", text)])
        if timed.gap_ns:
            text = f"nothing was recorded for {long_time(timed.gap_ns)}; the gap is skipped"
            self._on_events([Note(self._at, "warning", text)])

    def _due(self, ns: int) -> float | None:
        """As `ReplayClock.wait_s`; a frame beyond the moment that is sought shows that it is reached."""
        clock = self._clock
        if clock.seeking is not None and ns > clock.seeking:
            clock.settle(clock.seeking)
        return clock.wait_s(ns)

    async def _until_due(self, ns: int, gap_ns: int) -> None:
        """Wait until the recording's clock is there, through pauses and changes of speed, or until told to stop.

        A gap is shown for a few seconds and then skipped.
        """
        clock = self._clock
        clock.next_ns, clock.gap_ns = ns, gap_ns
        try:
            shown_s, looked = 0.0, clock.host.now()
            while (due := self._due(ns)) is None or due > 0:
                self._flush()
                if self._stop.is_set():
                    return
                if gap_ns and due is not None:
                    left = SKIP_S - shown_s
                    if left <= 0:
                        clock.skip()
                        return
                    due = min(due, left)
                await _sleep(self._wake, due)
                before, looked = looked, clock.host.now()
                if not clock.paused:
                    shown_s += (looked - before) / SECOND
        finally:
            clock.next_ns, clock.gap_ns = None, 0

    def _flush(self) -> None:
        events = self._session.take_events()
        if events:
            self._on_events(events)


class _Backpressure:
    """Holds a replay up while the fullest listener is more than half full, unless that listener reads nothing."""

    def __init__(self, load: Callable[[], tuple[int, int]], stop_event: asyncio.Event) -> None:
        self._load = load
        self._stop = stop_event
        self._stuck = False

    async def wait(self) -> None:
        waiting, room = self._load()
        if 2 * waiting <= room:
            self._stuck = False
            return
        patience = 0.0 if self._stuck else STUCK_S
        while 2 * waiting > room and patience > 0 and not self._stop.is_set():
            await asyncio.sleep(_POLL_S)
            before, (waiting, room) = waiting, self._load()
            patience = patience - _POLL_S if waiting >= before else STUCK_S
        # Once it was waited for in vain, it is not waited for until there is room: the recording would never end.
        self._stuck = 2 * waiting > room


async def _watch(stop_event: asyncio.Event, wake: asyncio.Event) -> None:
    await stop_event.wait()
    wake.set()


async def _sleep(wake: asyncio.Event, due: float | None) -> None:
    wake.clear()
    delay = _LONGEST_SLEEP_S if due is None else min(due, _LONGEST_SLEEP_S)
    timer = asyncio.get_running_loop().call_later(delay, wake.set)
    try:
        await wake.wait()
    finally:
        timer.cancel()
