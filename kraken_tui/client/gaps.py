"""What listeners are told about a pair while its book has a gap.

Kraken's public book has no sequence numbers: a gap shows only as a checksum that differs, a snapshot that does not
come, or a lost connection. What closes it is a new snapshot whose checksum matches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import StrEnum

from kraken_tui.engine.events import BookLine, Priced
from kraken_tui.feed.events import BookStateChanged
from kraken_tui.market.events import Proof

HELD_A_PAIR = 10_000
"""Most trades, candles, tickers and flow events held back for one pair; beyond that the oldest are dropped."""


class GapPolicy(StrEnum):
    """What happens to a pair whose book cannot be proven.

    RESYNC: the book is fetched again; until then its events are marked unverified.
    IGNORE: after a wrong checksum the book goes on with the next updates, UNVERIFIED until a snapshot comes for
        another reason (a reconnect, another depth).
    BUFFER: fetched again as with RESYNC; events of the pair are held back until it is proven again. Then its new
        snapshot comes first, and after it, in their order, the trades, candles, tickers and flow events that were
        held back. Books from the gap are left out: the snapshot replaces them.
    """

    RESYNC = "resync"
    IGNORE = "ignore"
    BUFFER = "buffer"


class GapBuffer:
    """Holds back the events of unproven pairs; lives in the engine's thread.

    Attributes:
        left_out: Books replaced by a snapshot, and events beyond `HELD_A_PAIR`.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._proven: set[str] = set()
        self._held: dict[str, deque[object]] = {}

    @property
    def held(self) -> int:
        """Events held back now."""
        return sum(map(len, list(self._held.values())))

    def forget(self, symbol: str) -> None:
        """The pair was unsubscribed."""
        self._proven.discard(symbol)
        self.left_out += len(self._held.pop(symbol, ()))

    def admit(self, event: object) -> Iterator[object]:
        """The events to pass on now that this one came, in order."""
        if isinstance(event, BookStateChanged):
            if event.proof is not Proof.VERIFIED:
                self._proven.discard(event.symbol)
            yield event
        elif isinstance(event, BookLine):
            if not event.verified:
                self._proven.discard(event.symbol)
                self.left_out += 1
                return
            self._proven.add(event.symbol)
            yield event
            yield from self._held.pop(event.symbol, ())
        elif isinstance(event, Priced) and event.symbol not in self._proven:
            held = self._held.setdefault(event.symbol, deque())
            held.append(event)
            if len(held) > HELD_A_PAIR:
                held.popleft()
                self.left_out += 1
        else:
            yield event
