"""What is wrong in a recording, frame by frame, as the feed itself finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kraken_tui.errors import InvalidMessage
from kraken_tui.feed.events import FeedEvent, Note, Resync, Trades
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged
from kraken_tui.recording.fingerprint import Fingerprint
from kraken_tui.recording.replay import Timed
from kraken_tui.text import clean_text
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
            "recorder gap" or "damaged file".
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
    """

    def __init__(self, session: Session, fingerprint: Fingerprint) -> None:
        self.resyncs: dict[str, Counter[str]] = {}
        self._session = session
        self._fingerprint = fingerprint
        self._rejected = 0
        self._unchecked: set[str] = set()

    def ordinary(self, events: Sequence[FeedEvent]) -> bool:
        """Whether there is nothing to find, nor to hash: most frames are one proven change of a book."""
        for event in events:
            if type(event) is not BookChanged or not event.matched:
                return False
        return not self._unchecked and self._session.counters.rejected == self._rejected

    def look(self, timed: Timed, events: Sequence[FeedEvent]) -> list[Fault]:
        """Find the faults of one received frame, in order.

        Args:
            timed: The frame.
            events: What the session told of it.
        """
        found: list[Fault] = []
        for event in events:
            if isinstance(event, BookChanged):
                if not event.matched or self._unchecked:
                    self._unproven(timed, event, found)
            elif isinstance(event, Resync):
                self._lost(timed, event, found)
            elif isinstance(event, Trades):
                self._gap(timed, event, found)
        if self._session.counters.rejected != self._rejected:
            self._rejected = self._session.counters.rejected
            if not any(isinstance(event, Resync) for event in events):
                self._refused(timed, events, found)
        return found

    def _unproven(self, timed: Timed, event: BookChanged, found: list[Fault]) -> None:
        if event.matched is not None:
            self._unchecked.discard(event.symbol)
        elif event.symbol not in self._unchecked:
            self._unchecked.add(event.symbol)
            expected = "a checksum from 0 to 4294967295"
            found.append(_fault(timed, event.symbol, "no checksum", expected, "none, or no such number"))

    def _lost(self, timed: Timed, event: Resync, found: list[Fault]) -> None:
        self.resyncs.setdefault(event.symbol, Counter())[event.cause] += 1
        expected = _LOST_PROOFS.get(event.cause)
        if expected is None:
            return
        seen = self._session.stitchers[event.symbol].reason.removesuffix(" in the recording")
        if event.expected is not None:
            expected, seen = str(event.expected), str(event.actual)
        found.append(_fault(timed, event.symbol, event.cause, expected, seen))

    def _gap(self, timed: Timed, event: Trades, found: list[Fault]) -> None:
        newest = self._fingerprint.newest_trade.get(event.symbol)
        if newest is None:
            return
        # The feed's own rule: numbers passed over that did not come with this frame.
        ids = sorted(trade.trade_id for trade in event.trades if trade.trade_id > newest)
        if ids and ids[-1] - newest > len(ids):
            expected = next(number for number, there in enumerate(ids, start=newest + 1) if number != there)
            after = next(number for number in ids if number > expected)
            missing = ids[-1] - newest - len(ids)
            seen = f"trade {after}; {missing:,} missing"
            found.append(_fault(timed, event.symbol, "trade gap", f"trade {expected}", seen))

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


def _fault(timed: Timed, symbol: str, kind: str, expected: str, seen: str) -> Fault:
    return Fault(timed.line, timed.ns, clean_text(symbol, 40), kind, clean_text(expected), clean_text(seen))
