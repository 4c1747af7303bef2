"""When each frame of a recording happened, on one clock that never runs backwards. Pure.

Receive times are the recorder's, whose clock may be set while it records, and a file may hold several sessions hours
apart. So three things are told apart where the time leaps:

* a *clock step*: the recorder's clock was set, which the exchange's own times did not take part in. The timeline goes
  on by the exchange's times across it;
* a *gap*: nothing was recorded for a minute or longer. It is told, and whoever plays the recording may skip it;
* a single absurd time, which is passed over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from kraken_tui.errors import WireError
from kraken_tui.market.health import long_time
from kraken_tui.recording.format import SENT, lost_frames
from kraken_tui.recording.reader import Recorded
from kraken_tui.units import SECOND
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage, HeartbeatMessage, Pong, SubscribeAck, TradeMessage
from kraken_tui.wire.timestamps import parse_timestamp
from kraken_tui.words import counted

GAP_NS = 60 * SECOND
"""So long without a frame is a gap: Kraken closes a connection that is silent for a minute (PROTOCOL.md section 1)."""

EPOCH_LIKE = 10**18
"""September 2001 in ns: a monotonic clock would need 31 years of uptime."""

_LOOK_AHEAD = 5000
_BACK_NS = SECOND // 4
_AHEAD_NS = 2 * SECOND
_SETTLED_NS = SECOND
_MOST_AHEAD = 2000
_REMEMBERED = 200


class Timed(msgspec.Struct, frozen=True, gc=False):
    """A frame and its place in time.

    Attributes:
        ns: When it was received, ns since the epoch, by the recorder's clock as it was set at the beginning.
        frame: Raw bytes.
        direction: One of `recording.format`.
        line: Its line in the unpacked file; 0 if there is no file.
        gap_ns: Silence before it, where that is a gap; else 0.
        step_ns: By how much the recorder's clock was set, forward or back, right before it; mostly 0.
    """

    ns: int
    frame: bytes
    direction: str
    line: int = 0
    gap_ns: int = 0
    step_ns: int = 0

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
        # A trade snapshot is history; a book snapshot's time is the last change, close enough to begin with.
        if isinstance(message, TradeMessage) and message.type == "snapshot":
            return None, False
        return _written(message), False
    except WireError:
        return None, False


def _present_time(frame: bytes) -> int | None:
    """The time the exchange wrote into a frame, if that is of the moment it was sent: a snapshot's may be older."""
    try:
        message = decode(frame)
        if isinstance(message, BookMessage | TradeMessage) and message.type == "snapshot":
            return None
        return _written(message)
    except WireError:
        return None


def _written(message: object) -> int | None:
    text: str | None = None
    if isinstance(message, SubscribeAck | Pong):
        text = message.time_out
    elif isinstance(message, BookMessage | TradeMessage) and message.data:
        text = message.data[-1].timestamp
    return parse_timestamp(text) if text else None


def gap_sentence(frame: bytes) -> str:
    """What a gap of the recording means, one short clause."""
    lost = lost_frames(frame)
    return f"the recorder lost {counted(lost, 'frame')} here" if lost else "the recorder lost frames here"


def step_sentence(step_ns: int) -> str:
    """What was done to the recorder's clock, one short clause."""
    return f"the recorder's clock was set {'forward' if step_ns > 0 else 'back'} by {long_time(step_ns)}"


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a timeline has come, so that it can go on from there.

    Attributes:
        at: Time of the last frame, ns since the epoch.
        shift: What makes an ns of the recorder's clock one since the epoch.
        beat: Time of the last heartbeat of bare frames.
        rx: The recorder's time of the last frame.
        known: (recorder's time, exchange's time) of the last frame that tells both.
    """

    at: int
    shift: int
    beat: int
    rx: int | None
    known: tuple[int, int] | None


class Walk:
    """Gives frames their times; see `timeline`.

    Args:
        recorded: Frames in order.
        resume: Where an earlier walk over the frames before these had come; None at the beginning.
    """

    def __init__(self, recorded: Iterable[Recorded], resume: Pace | None = None) -> None:
        self._source = iter(recorded)
        self._walker = None if resume is None else _Pace(self._source, resume.at, resume.shift, resume)

    def pace(self) -> Pace:
        """How far it has come: to the frame that `frames` gave last."""
        assert self._walker is not None
        return self._walker.state()

    def frames(self) -> Iterator[Timed]:
        """Every frame with its time."""
        if self._walker is None:
            self._walker = _first_pace(self._source)
        if self._walker is not None:
            yield from self._walker.run()


def timeline(recorded: Iterable[Recorded]) -> Iterator[Timed]:
    """Give every frame a time since the epoch; it never runs backwards.

    Receive times since the epoch are taken as they are, those of another clock are shifted so that the first
    timestamped frame was received at its own timestamp; where the clock was set, the exchange's times lead. Bare
    frames follow the exchange's timestamps, with heartbeats one second apart.
    """
    return Walk(recorded).frames()


def _first_pace(source: Iterator[Recorded]) -> _Pace | None:
    """Look for the first time since the epoch; None where there is no frame."""
    waiting: deque[Recorded] = deque()
    anchor: int | None = None
    for item in source:
        waiting.append(item)
        stamp = item.rx_ns if item.rx_ns is not None and item.rx_ns >= EPOCH_LIKE else venue_time(item.frame)[0]
        if stamp is not None:
            anchor = stamp
            break
        if len(waiting) >= _LOOK_AHEAD:
            break
    if not waiting:
        return None
    last = waiting[-1].rx_ns
    shift = 0 if anchor is None or last is None else anchor - last
    at = anchor if anchor is not None else 0
    if shift and waiting[0].rx_ns is not None:
        at = waiting[0].rx_ns + shift
    return _Pace(chain(_emptied(waiting), source), at, shift)


def _emptied(first: deque[Recorded]) -> Iterator[Recorded]:
    while first:
        yield first.popleft()


class _Pace:
    """Walks through the frames of one recording.

    Args:
        source: All of them.
        at: Time of the first, ns since the epoch.
        shift: What makes an ns of the recorder's clock one since the epoch.
        resume: Where an earlier walk had come.
    """

    def __init__(self, source: Iterator[Recorded], at: int, shift: int, resume: Pace | None = None) -> None:
        self._source = source
        self._at = at
        self._shift = shift
        self._beat = at - SECOND if resume is None else resume.beat
        self._rx = None if resume is None else resume.rx
        self._begun = resume is not None
        self._known_before = None if resume is None else resume.known
        self._ahead: deque[Recorded] = deque()
        # The last frames, by which a leap is judged.
        self._before: deque[Recorded] = deque(maxlen=_REMEMBERED)

    def state(self) -> Pace:
        """How far it has come."""
        return Pace(self._at, self._shift, self._beat, self._rx, self._known())

    def run(self) -> Iterator[Timed]:
        """Every frame in order."""
        before, ahead, source = self._before, self._ahead, self._source
        while True:
            rx = self._rx
            item = ahead.popleft() if ahead else next(source, None)
            if item is None:
                return
            now = item.rx_ns
            if rx is not None and now is not None and -_BACK_NS <= now - rx <= _AHEAD_NS:
                # Nearly all.
                self._rx = now
                self._at = max(self._at, now + self._shift)
                before.append(item)
                yield Timed(self._at, item.frame, item.direction, item.line)
                continue
            step = 0
            was = self._at
            if now is None:
                self._by_stamp(item)
            else:
                if rx is not None:
                    leap = self._leap(item, now, rx)
                    if leap is None:
                        # A single absurd time: this frame came with the one before.
                        yield Timed(was, item.frame, item.direction, item.line)
                        continue
                    step = leap
                self._shift -= step
                self._rx = now
                self._at = max(was, now + self._shift)
            before.append(item)
            gap = self._at - was if self._begun and self._at - was >= GAP_NS else 0
            self._begun = True
            yield Timed(self._at, item.frame, item.direction, item.line, gap, step)

    def _by_stamp(self, item: Recorded) -> None:
        """A bare frame: its own time, or a second after the last heartbeat."""
        stamp, is_beat = venue_time(item.frame)
        if is_beat:
            self._beat = self._at = max(self._at, self._beat + SECOND)
        elif stamp is not None and (stamp - self._at < GAP_NS or self._lasts(stamp)):
            self._at = max(self._at, stamp)

    def _lasts(self, stamp: int) -> bool:
        """Whether the times that follow a far later one agree with it; where none follows, it is believed."""
        for item in self._look(_REMEMBERED):
            if item.rx_ns is None and (after := _present_time(item.frame)) is not None:
                return after >= stamp - GAP_NS
        return True

    def _leap(self, item: Recorded, now: int, rx: int) -> int | None:
        """By how much the clock was set between two frames; 0 if time really passed, None for an absurd time."""
        following = next(self._look(1), None)
        after = None if following is None else following.rx_ns
        if after is not None and abs(now - rx) >= GAP_NS and abs(after - rx) <= _AHEAD_NS < abs(after - now):
            return None
        known = self._known()
        moved = now - rx
        if moved < 0:
            # Certain, as receive times follow one another; the exchange says how much time passed meanwhile.
            changes = [] if known is None else self._changes(item, now, known)
            step = min(changes, default=moved)
            return min(step, moved)
        if known is None:
            return 0
        changes = self._changes(item, now, known)
        step = min(changes, default=0)
        return min(step, moved) if step > _AHEAD_NS and self._settles(now) else 0

    def _known(self) -> tuple[int, int] | None:
        """(recorder's time, exchange's time) of the last frame before that tells both."""
        for item in reversed(self._before):
            if item.rx_ns is not None and (stamp := _present_time(item.frame)) is not None:
                return item.rx_ns, stamp
        return self._known_before

    def _changes(self, item: Recorded, now: int, known: tuple[int, int]) -> list[int]:
        """How much later each frame after the leap seems to have come than those before it.

        Frames that waited somewhere come late too, but those that follow them less and less: the smallest counts.
        """
        rx, stamp = known
        found: list[int] = []
        for each in chain((item,), self._look(_MOST_AHEAD)):
            if each.rx_ns is None or not now - SECOND <= each.rx_ns <= now + 5 * SECOND:
                break
            if (written := _present_time(each.frame)) is not None:
                found.append((each.rx_ns - rx) - (written - stamp))
        return found

    def _settles(self, now: int) -> bool:
        """Whether enough follows a leap ahead to tell a clock that was set from frames that waited somewhere."""
        return any(each.rx_ns is not None and each.rx_ns - now >= _SETTLED_NS for each in self._look(_MOST_AHEAD))

    def _look(self, most: int) -> Iterator[Recorded]:
        """The next frames, which are still to be played."""
        ahead = self._ahead
        for number in range(most):
            if number >= len(ahead):
                item = next(self._source, None)
                if item is None:
                    return
                ahead.append(item)
            yield ahead[number]
