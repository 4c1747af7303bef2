"""Plays recordings through a session as fast as possible and hands its events to a sink.

It is the feed's own session, so what is told has been proven or not exactly as it would have been live. No thread, no
loop: whoever calls decides how long it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kraken_tui.engine.desk import Desk
from kraken_tui.errors import RecordingError
from kraken_tui.feed.events import BookLine, Refused, Trades
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged, BookState, CandleChanged, Proof
from kraken_tui.recording.format import GAP, SENT
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.timeline import Timed, gap_sentence, timeline
from kraken_tui.settings import Settings
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

_STEP_FRAMES = 500
_TICK_NS = SECOND // 10
_OVERLAP_NS = SECOND
_SEAM_NS = 2 * SECOND
_FLOW_LATE_NS = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told.

    Attributes:
        pairs: Only these, by any of their names; none for all.
        levels: Levels a side of every book; 0 for those of snapshots alone, which then are all.
        derived: Whether what a market derives is told, candles and flow events, instead of books and trades.
        books: Whether the market looks at books too; its candles need none.
        begin_ns, end_ns: Receipt of the frames told, from the one up to the other; ns since the epoch.
        interval: Minutes of the candles.
    """

    pairs: tuple[str, ...] = ()
    levels: int = 0
    derived: bool = False
    books: bool = True
    begin_ns: int | None = None
    end_ns: int | None = None
    interval: int = 1


class Player:
    """Plays files as one session, in the order of their times.

    Args:
        paths: Recordings.
        wanted: What is to be told.
        take: Takes every event.

    Attributes:
        now_ns: Receipt of the frame being played.
        frames, messages: Frames played; those of books among them that were told.
        notes: What was wrong with files that could be read all the same, a sentence each.
    """

    def __init__(self, paths: Sequence[Path], wanted: Wanted, take: Callable[[object], object]) -> None:
        self._paths = paths
        self._wanted = wanted
        self._take = take
        self.session = Session(replay=True, interval=wanted.interval)
        settings = Settings(pairs=(), interval=wanted.interval)
        self._desk = Desk(self.session, settings, self._derived, lambda _level, _text: None) if wanted.derived else None
        self._tick_ns = 0
        self._over = False
        self._telling = wanted.begin_ns is None
        self._sizes = [path.stat().st_size for path in paths]
        self._read_before = 0
        self._recording: Recording | None = None
        self.now_ns = self.frames = self.messages = 0
        self.notes: list[str] = []

    @property
    def share(self) -> float:
        """How much of the files has been read, 0 to 1."""
        read = self._read_before + (0 if self._recording is None else self._recording.position)
        return min(1.0, read / max(1, sum(self._sizes)))

    def spec_of(self, symbol: str) -> PairSpec | None:
        """Precisions of a pair."""
        pair = self.session.pairs.get(symbol)
        return None if pair is None else pair.spec

    def play(self) -> Iterator[None]:
        """Play everything, a few hundred frames a step.

        Raises:
            RecordingError: A file cannot be played, or begins before the one before it ends.
        """
        for name in self._wanted.pairs:
            self.session.want(name)
        before = ""
        for path in self._in_order():
            shown = clean_text(path.name, 80)
            self._recording = recording = Recording(path)
            first = True
            for timed in timeline(recording):
                if first:
                    self._begin_file(timed, shown, before)
                    # A file without frames is nothing to go on from.
                    first, before = False, shown
                if self._wanted.end_ns is not None and timed.ns >= self._wanted.end_ns:
                    self._finish()
                    return
                self._frame(timed)
                if self.frames % _STEP_FRAMES == 0:
                    yield
            if recording.problem:
                self.notes.append(f"{shown}: {recording.problem}")
            if recording.shape:
                self.notes.append(f"{shown} is {recording.shape}")
            self._read_before += path.stat().st_size
            self._recording = None
            yield
        for event in self.session.policy.ended(self.now_ns):
            if isinstance(event, Refused):
                near = f"; nearest: {', '.join(event.nearest)}" if event.nearest else ""
                self.notes.append(f"{event.error}{near}")
        self._finish()

    def _in_order(self) -> list[Path]:
        if len(self._paths) == 1:
            return [*self._paths]
        first = {path: next((timed.ns for timed in timeline(Recording(path))), 0) for path in self._paths}
        return sorted(self._paths, key=lambda path: first[path])

    def _begin_file(self, timed: Timed, shown: str, before: str) -> None:
        if not before:
            self.session.opened(timed.ns, timed.ns)
        elif timed.ns < self.now_ns - _OVERLAP_NS:
            raise RecordingError(f"{shown} begins before {before} ends; export files of the same time one by one")
        elif timed.ns > self.now_ns + _SEAM_NS:
            # The exchange says something every second: here frames are missing, and no book is known until a snapshot.
            self.session.interrupted("nothing was recorded between two files", self.now_ns, self.now_ns)

    # -- frames -------------------------------------------------------------------------------------------------

    def _frame(self, timed: Timed) -> None:
        session, wanted = self.session, self._wanted
        self.now_ns = at = max(self.now_ns, timed.ns)
        self.frames += 1
        if not self._telling and wanted.begin_ns is not None and at >= wanted.begin_ns:
            self._telling = True
            if self._desk is None:
                self._tell_state(wanted.begin_ns)
        if timed.direction == GAP:
            session.interrupted(gap_sentence(timed.frame), at, at)
        elif timed.direction != SENT:
            session.frame(timed.frame, at, at)
        events = session.take_events()
        desk = self._desk
        if desk is not None:
            for event in events:
                if wanted.books or type(event) is not BookChanged:
                    desk.handle(event)
            if at - self._tick_ns >= _TICK_NS:
                self._tick_ns = at
                desk.tick(at)
            return
        if not self._telling:
            return
        for event in events:
            if type(event) is BookChanged:
                self._tell_book(event)
            elif type(event) is Trades:
                for trade in event.trades:
                    self._take(trade)

    def _finish(self) -> None:
        if self._desk is not None:
            self._desk.tick(self.now_ns)
            # Flow events come half a second late; but no candle may end by time that was never recorded.
            self._over = True
            self._desk.tick(self.now_ns + _FLOW_LATE_NS)

    def _tell_book(self, changed: BookChanged) -> None:
        pair = self.session.pairs.get(changed.symbol)
        if pair is not None:
            self.messages += 1
            self._take(_line(changed, pair, self._wanted.levels))

    def _tell_state(self, ns: int) -> None:
        """Books as they stand when the wanted time begins: without them its changes could not be applied."""
        for symbol, pair in self.session.pairs.items():
            if pair.state is BookState.LIVE:
                proven = pair.proof is Proof.VERIFIED
                checksum = pair.book.checksum() if proven else None
                at = pair.stitcher.venue_ns
                changed = BookChanged(symbol, "snapshot", proven, checksum, None, at, ns)
                self._take(_line(changed, pair, self._wanted.levels))

    def _derived(self, event: object) -> None:
        if isinstance(event, CandleChanged):
            if self._over:
                return
            # A candle belongs to its own time, not to that of its last trade.
            begin, end = self._wanted.begin_ns, self._wanted.end_ns
            ns = event.candle.begin_s * SECOND
            if (begin is None or ns >= begin) and (end is None or ns < end):
                self._take(event)
        elif self._telling:
            self._take(event)


def _line(changed: BookChanged, pair: Pair, levels: int) -> BookLine:
    book = pair.book
    if not levels and changed.kind != "snapshot":
        return BookLine(changed, (), (), book.spec, book.depth)
    count = levels or book.depth
    return BookLine(changed, book.bids.top(count), book.asks.top(count), book.spec, book.depth)
