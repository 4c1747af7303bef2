"""What is wrong in a recording, frame by frame, as the feed itself finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kraken_tui.errors import InvalidMessage
from kraken_tui.feed.events import FeedEvent, Note, Resync, Trades
from kraken_tui.feed.pair import EARLY
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged, BookState
from kraken_tui.market.health import long_time
from kraken_tui.recording.fingerprint import Fingerprint
from kraken_tui.recording.timeline import GAP_NS, Timed, step_sentence
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage

_LOST_PROOFS = {
    "checksum": "",
    "witness": "book and ticker agree",
    "bad number": "plain decimal numbers of the pair's precision",
}
"""Causes of a resync that are faults, and what was expected; a reconnect or a new precision is not a fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. All text has passed `text.clean_text`.

    Attributes:
        line: Line of the unpacked file, from 1.
        ns: Receipt of the frame, or of the one before a damaged line; ns since the epoch, 0 where unknown.
        symbol: Pair, or "" where the fault concerns none.
        kind: "checksum", "no checksum", "witness", "bad number", "trade gap", "unreadable frame", "rejected frame",
            "book before its snapshot", "clock step", "recorder gap" or "damaged file"; what is worth knowing but no
            fault is a "long gap" or "trade numbering".
        expected, seen: In words or numbers.
    """

    line: int
    ns: int
    symbol: str
    kind: str
    expected: str
    seen: str


class FaultFinder:
    """Looks at what a replaying session made of each frame.

    A book that has lost its proof is one fault until a snapshot restores it, however many checksums fail meanwhile.

    Args:
        session: Plays the recording.
        fingerprint: Is shown the same events, after `look`.

    Attributes:
        resyncs: Times a book lost its proof, by symbol and cause, including causes that are not faults.
        expects_no_proof: Snapshots come without a checksum, as in Kraken's v1 API.
        notes: What is worth knowing of the frames looked at but no fault; the caller takes them out.
    """

    def __init__(self, session: Session, fingerprint: Fingerprint) -> None:
        self.resyncs: dict[str, Counter[str]] = {}
        self.notes: list[Fault] = []
        self.expects_no_proof = False
        self._session = session
        self._counters = session.counters
        self._fingerprint = fingerprint
        self._rejected = 0
        self._unchecked: set[str] = set()
        self._early = 0
        self._without_snapshot: set[str] = set()
        # Missing trades, newest number, strays and new beginnings of the numbering, as last looked at.
        self._numbers: dict[str, tuple[int, int | None, int, int]] = {}

    def ordinary(self, events: Sequence[FeedEvent]) -> bool:
        """Whether there is nothing to find, nor to hash: most frames are one proven change of a book."""
        for event in events:
            if type(event) is not BookChanged or not event.matched:
                return False
        counters = self._counters
        if counters.rejected != self._rejected or counters.deltas_ignored != self._early:
            return False
        return not (self._unchecked or self._without_snapshot)

    def look(self, timed: Timed, events: Sequence[FeedEvent]) -> list[Fault]:
        """Find the faults of one received frame, in order.

        Args:
            timed: The frame.
            events: What the session told of it.
        """
        found: list[Fault] = []
        for event in events:
            if isinstance(event, BookChanged):
                self._without_snapshot.discard(event.symbol)
                if not event.matched or self._unchecked:
                    self._unproven(timed, event, found)
            elif isinstance(event, Resync):
                self._lost(timed, event, found)
            elif isinstance(event, Trades):
                self._gap(timed, event, found)
        if self._session.counters.deltas_ignored != self._early:
            self._early = self._session.counters.deltas_ignored
            self._too_early(timed, found)
        if self._session.counters.rejected != self._rejected:
            self._rejected = self._session.counters.rejected
            if not any(isinstance(event, Resync) for event in events):
                self._refused(timed, events, found)
        return found

    def _unproven(self, timed: Timed, event: BookChanged, found: list[Fault]) -> None:
        if event.matched is None and self.expects_no_proof and self._is_snapshot(timed):
            return
        if event.matched is not None:
            self._unchecked.discard(event.symbol)
        elif event.symbol not in self._unchecked:
            self._unchecked.add(event.symbol)
            expected = "a checksum from 0 to 4294967295"
            found.append(_fault(timed, event.symbol, "no checksum", expected, "none, or no such number"))

    @staticmethod
    def _is_snapshot(timed: Timed) -> bool:
        message = decode(timed.frame)
        return isinstance(message, BookMessage) and message.type == "snapshot"

    def _lost(self, timed: Timed, event: Resync, found: list[Fault]) -> None:
        self.resyncs.setdefault(event.symbol, Counter())[event.cause] += 1
        expected = _LOST_PROOFS.get(event.cause)
        if expected is None:
            return
        seen = self._session.stitchers[event.symbol].reason.removesuffix(" in the recording")
        if event.expected is not None:
            expected, seen = str(event.expected), str(event.actual)
        found.append(_fault(timed, event.symbol, event.cause, expected, seen))

    def _too_early(self, timed: Timed, found: list[Fault]) -> None:
        """Changes of a book nobody knows: one fault for each pair, until its snapshot comes."""
        message = decode(timed.frame)
        rows = message.data if isinstance(message, BookMessage) else []
        for symbol in dict.fromkeys(row.symbol for row in rows):
            pair = self._session.pairs.get(symbol)
            if symbol in self._without_snapshot or (pair is not None and pair.state is BookState.LIVE):
                continue
            self._without_snapshot.add(symbol)
            found.append(_fault(timed, symbol, EARLY, "a snapshot of the book first", "a change of it"))

    def _gap(self, timed: Timed, event: Trades, found: list[Fault]) -> None:
        """Numbers that the feed found missing with this frame, and what else is odd about them."""
        sequence = self._session.pairs[event.symbol].trades
        before = self._numbers.get(event.symbol)
        self._numbers[event.symbol] = (sequence.gaps, sequence.newest, sequence.strays, sequence.restarts)
        if before is None:
            return
        gaps, newest, strays, restarts = before
        ids = sorted({trade.trade_id for trade in event.trades})
        if sequence.restarts != restarts:
            seen = f"numbers that begin again, trade {ids[0]} here"
            self._note(timed, event.symbol, newest, seen)
        elif sequence.gaps > gaps and newest is not None:
            expected = newest + 1
            while expected in ids:
                expected += 1
            after = next((number for number in ids if number > expected), ids[-1])
            seen = f"trade {after}; {sequence.gaps - gaps:,} missing"
            found.append(_fault(timed, event.symbol, "trade gap", f"trade {expected}", seen))
        if sequence.strays != strays:
            self._note(timed, event.symbol, newest, "a single number that follows nothing, in a frame before")

    def _note(self, timed: Timed, symbol: str, newest: int | None, seen: str) -> None:
        expected = "a trade" if newest is None else f"a trade soon after {newest}"
        self.notes.append(_fault(timed, symbol, "trade numbering", expected, seen))

    def _refused(self, timed: Timed, events: Sequence[FeedEvent], found: list[Fault]) -> None:
        """A frame that could not be used, and not because its book had failed before."""
        try:
            message = decode(timed.frame)
        except InvalidMessage as error:
            found.append(_fault(timed, "", "unreadable frame", "a message of the exchange", str(error)))
            return
        if isinstance(message, BookMessage):
            return
        data = getattr(message, "data", None)
        symbol = getattr(data[0], "symbol", "") if isinstance(data, list) and data else ""
        notes = [event.text for event in events if isinstance(event, Note)]
        seen = notes[-1] if notes else "a value that cannot be taken"
        found.append(_fault(timed, symbol, "rejected frame", "values that can be taken", seen))


def of_time(timed: Timed) -> tuple[Fault | None, Fault | None]:
    """(fault, note) of a frame's place in time: the recorder's clock was set, or nothing was recorded for long."""
    fault = note = None
    if timed.step_ns:
        expected = "a clock that goes on, as the exchange's does"
        fault = _fault(timed, "", "clock step", expected, step_sentence(timed.step_ns))
    if timed.gap_ns:
        seen = f"nothing for {long_time(timed.gap_ns)}"
        note = _fault(timed, "", "long gap", f"a frame within {GAP_NS // SECOND} s", seen)
    return fault, note


def _fault(timed: Timed, symbol: str, kind: str, expected: str, seen: str) -> Fault:
    return Fault(timed.line, timed.ns, clean_text(symbol, 40), kind, clean_text(expected), clean_text(seen))
