"""Playing a recording through a `Session`, on the recording's own clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import msgspec

from kraken_tui.errors import RecordingError, WireError
from kraken_tui.feed.clock import Clock, SystemClock
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.session import Session
from kraken_tui.recording.format import GAP, SENT, lost_frames
from kraken_tui.recording.reader import Recorded, Recording, open_recording
from kraken_tui.units import SECOND
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage, HeartbeatMessage, Pong, SubscribeAck, TradeMessage
from kraken_tui.wire.timestamps import parse_timestamp
from kraken_tui.words import counted

__all__ = ["Recording", "RecordingError", "ReplayClock", "Timed", "open_recording", "run_replay", "timeline"]

_EPOCH_LIKE = 10**18  # September 2001 in ns: a monotonic clock would need 31 years of uptime.
_LOOK_AHEAD = 5000
_YIELD_EVERY = 200
_LONGEST_SLEEP_S = 0.25
_POLL_S = 0.002

STUCK_S = 5.0
"""How long a replay at full speed waits for a listener that reads nothing."""


class Timed(msgspec.Struct, frozen=True, gc=False):
    """A frame, when it was received, ns since the epoch, and its line in the unpacked file (0 if there is no file)."""

    ns: int
    frame: bytes
    direction: str
    line: int = 0

    @property
    def sent(self) -> bool:
        """Whether the recording program sent it."""
        return self.direction == SENT


def venue_time(frame: bytes) -> tuple[int | None, bool]:
    """(time the exchange wrote into a frame or None, whether it is a heartbeat)."""
    try:
        message = decode(frame)
        if isinstance(message, HeartbeatMessage):
            return None, True
        if isinstance(message, SubscribeAck | Pong):
            return (parse_timestamp(message.time_out) if message.time_out else None), False
        # A trade snapshot is history; a book snapshot's time is the last change, close enough to begin with.
        if isinstance(message, BookMessage) or (isinstance(message, TradeMessage) and message.type != "snapshot"):
            text = message.data[-1].timestamp if message.data else None
            return (parse_timestamp(text) if text else None), False
    except WireError:
        return None, False
    return None, False


def timeline(recorded: Iterable[Recorded]) -> Iterator[Timed]:
    """Give every frame a time since the epoch; it never runs backwards.

    Receive times since the epoch are taken as they are, those of another clock are shifted so that the first
    timestamped frame was received at its own timestamp. Bare frames follow the exchange's timestamps, with
    heartbeats one second apart.
    """
    source = iter(recorded)
    waiting: deque[Recorded] = deque()
    anchor: int | None = None
    for item in source:
        waiting.append(item)
        stamp = item.rx_ns if item.rx_ns is not None and item.rx_ns >= _EPOCH_LIKE else venue_time(item.frame)[0]
        if stamp is not None:
            anchor = stamp
            break
        if len(waiting) >= _LOOK_AHEAD:
            break
    if not waiting:
        return
    last = waiting[-1].rx_ns
    shift = 0 if anchor is None or last is None else anchor - last
    at = anchor if anchor is not None else 0
    if shift and waiting[0].rx_ns is not None:
        at = waiting[0].rx_ns + shift
    beat = at - SECOND
    for item in chain(_emptied(waiting), source):
        if item.rx_ns is not None:
            at = max(at, item.rx_ns + shift)
        else:
            stamp, is_beat = venue_time(item.frame)
            if is_beat:
                beat = at = max(at, beat + SECOND)
            elif stamp is not None:
                at = max(at, stamp)
        yield Timed(at, item.frame, item.direction, item.line)


def gap_sentence(frame: bytes) -> str:
    """What a gap of the recording means, one short clause."""
    lost = lost_frames(frame)
    return f"the recorder lost {counted(lost, 'frame')} here" if lost else "the recorder lost frames here"


def _emptied(first: deque[Recorded]) -> Iterator[Recorded]:
    while first:
        yield first.popleft()


class ReplayClock:
    """The recording's clock: it runs at `speed`, stops while paused, and is what the session and the views see.

    Args:
        speed: 1 for the recording's own pace, 0 for as fast as possible.
        host: The computer's clock.

    Raises:
        ValueError: The speed is negative or not a number.
    """

    def __init__(self, speed: float = 1.0, host: Clock | None = None) -> None:
        self._host = host or SystemClock()
        self._speed = _checked(speed)
        self._paused = False
        self._finished = False
        self._position = 0
        self._since = self._host.now()
        self.start_ns = 0
        self.changed: Callable[[], None] = lambda: None
        """Called after speed or pause changed; set by the player so that it wakes up."""

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
        if self._paused or self._finished or not self._speed:
            return self._position
        return self._position + int((self._host.now() - self._since) * self._speed)

    def pause(self, paused: bool) -> None:
        """Stop or continue."""
        self._rebase(self.wall())
        self._paused = paused
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

    def begin(self, at: int) -> None:
        """The player found the first frame."""
        self.start_ns = at
        self._rebase(at)

    def reach(self, at: int) -> None:
        """The player reached a frame of this time; at full speed that is what moves the clock."""
        if not self._speed:
            self._position = max(self._position, at)

    def finish(self, at: int) -> None:
        """The recording is over: the clock stays at its last frame."""
        self._rebase(max(at, self._position))
        self._finished = True

    def wait_s(self, at: int) -> float | None:
        """Seconds of the computer's time until `at`; 0 when it is due, None while paused."""
        if self._paused:
            return None
        if not self._speed:
            return 0.0
        return max(0.0, (at - self.wall()) / SECOND / self._speed)

    def _rebase(self, position: int) -> None:
        self._position = position
        self._since = self._host.now()


def _checked(speed: float) -> float:
    if not 0 <= speed < 1e6:
        raise ValueError(f"a replay speed of {speed} is not possible; use 0 (as fast as possible) up to 1000000")
    return speed


async def run_replay(
    session: Session,
    recording: Iterable[Recorded],
    clock: ReplayClock,
    on_events: Callable[[list[FeedEvent]], None],
    stop_event: asyncio.Event,
    on_frame: Callable[[bytes, int, str], None] | None = None,
    *,
    load: Callable[[], tuple[int, int]] | None = None,
) -> int:
    """Play a recording to its end or until told to stop.

    Args:
        session: A session made with `replay=True`.
        recording: `Recording` or other frames in order.
        clock: The recording's clock; pause and speed are set on it.
        on_events: Takes what happened, after every frame and before the next is applied.
        stop_event: Ends the replay early.
        on_frame: Takes every raw frame with its time and its direction (`recording.format`).
        load: (events waiting, room) of the fullest listener. At full speed the replay waits while it is more than
            half full, so that a listener that reads loses nothing; one that reads nothing for `STUCK_S` loses by its
            own policy, and counts it.

    Returns:
        Frames played.

    Raises:
        RecordingError: The file turned out to be unreadable.
    """
    player = _Player(session, clock, on_events, stop_event, on_frame)
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
    ) -> None:
        self._session = session
        self._clock = clock
        self._on_events = on_events
        self._stop = stop_event
        self._on_frame = on_frame
        self._wake = asyncio.Event()
        self._played = 0
        self._at = 0
        clock.changed = self._wake.set

    async def play(self, recording: Iterable[Recorded], backpressure: _Backpressure | None) -> int:
        """Play to the end or until told to stop; returns the frames played."""
        clock = self._clock
        watcher = asyncio.create_task(_watch(self._stop, self._wake))
        try:
            for timed in timeline(recording):
                if not self._played:
                    clock.begin(timed.ns)
                    self._session.opened(timed.ns, timed.ns)
                if (due := clock.wait_s(timed.ns)) is None or due > 0:
                    await self._until_due(timed.ns)
                if backpressure is not None and not clock.speed:
                    await backpressure.wait()
                if self._stop.is_set():
                    break
                self._apply(timed)
                if self._played % _YIELD_EVERY == 0:
                    # A burst, or full speed: let the rest of the program run.
                    await asyncio.sleep(0)
            self._finish(getattr(recording, "problem", ""))
        finally:
            watcher.cancel()
        return self._played

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
        if problem:
            self._on_events([Note(at, "warning", problem)])
        self._clock.finish(at)
        self._session.close(at, at, "stopped" if self._stop.is_set() else "end of the recording")
        self._flush()

    async def _until_due(self, ns: int) -> None:
        """Wait until the recording's clock is there, through pauses and changes of speed, or until told to stop."""
        due = self._clock.wait_s(ns)
        while due is None or due > 0:
            self._flush()
            if self._stop.is_set():
                return
            await _sleep(self._wake, due)
            due = self._clock.wait_s(ns)

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
