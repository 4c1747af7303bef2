"""What a demo shows of itself: every few minutes one trouble that a feed must come through, in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kraken_tui.exchange.faults import Faults
from kraken_tui.exchange.frames import NS

FIRST_S = 90.0
"""Seconds from the first subscription to the first episode."""

EVERY_S = 150.0
"""Seconds from the start of one episode to the start of the next."""

_NOTICE_S = 2.0
"""Seconds between the announcement and what it announces."""

_EVERY_ONE = 1 << 30
_LAG_S = 7.0
"""More than what a client calls stale, less than what it drops a connection for."""


class Episode(NamedTuple):
    """One trouble.

    Attributes:
        name: which: `proof`, `halt` or `stale`.
        what: in words, such as "a halt on {pair}".
        lasts_s: seconds until the market is as before.
        afterwards_s: seconds for which it is announced beyond that, while the client recovers.
    """

    name: str
    what: str
    lasts_s: float
    afterwards_s: float


EPISODES = (
    Episode("proof", "a lost proof on {pair}", 1.5, 9.0),
    Episode("halt", "a halt on {pair}", 20.0, 4.0),
    Episode("stale", "a stale feed", 16.0, 4.0),
)


class Episodes:
    """Plays the episodes; synchronous, told the time.

    The exchange sends nothing about them that a real one would not send; whoever runs it asks `showing`.

    Args:
        faults: where they are played.

    Attributes:
        showing: what is shown now, such as "a halt on BTC/USD"; "" for nothing. May be read from any thread.
    """

    def __init__(self, faults: Faults) -> None:
        self.showing = ""
        self._faults = faults
        self._count = 0
        self._next_ns = 0
        self._symbol = ""
        self._steps: list[tuple[int, str]] = []

    def advance(self, now_ns: int, symbols: Sequence[str]) -> None:
        """Do what is due.

        Args:
            now_ns: ns since the epoch.
            symbols: pairs whose book somebody watches.
        """
        if self._next_ns == 0:
            if symbols:
                self._next_ns = now_ns + round(FIRST_S * NS)
            return
        if now_ns >= self._next_ns and symbols and not self._steps:
            self._begin(now_ns, symbols)
        while self._steps and now_ns >= self._steps[0][0]:
            self._do(self._steps.pop(0)[1])

    def _begin(self, now_ns: int, symbols: Sequence[str]) -> None:
        episode = EPISODES[self._count % len(EPISODES)]
        # Each round begins with another pair, so that every pair comes through everything.
        turn, number = divmod(self._count, len(EPISODES))
        self._symbol = symbols[(turn + number) % len(symbols)]
        self._count += 1
        self._next_ns = now_ns + round(EVERY_S * NS)
        self.showing = episode.what.format(pair=self._symbol)
        begin = now_ns + round(_NOTICE_S * NS)
        end = begin + round(episode.lasts_s * NS)
        self._steps = [
            (begin, f"{episode.name} begins"),
            (end, f"{episode.name} ends"),
            (end + round(episode.afterwards_s * NS), "over"),
        ]

    def _do(self, step: str) -> None:
        faults, symbol = self._faults, self._symbol
        match step:
            case "proof begins":
                # Snapshots that answer the resyncs are wrong too, so that it lasts long enough to be seen.
                faults.corrupt_checksum(symbol, _EVERY_ONE)
            case "proof ends":
                faults.corrupt_checksum(symbol, 0)
            case "halt begins":
                faults.set_pair_status(symbol, "cancel_only")
            case "halt ends":
                faults.set_pair_status(symbol, "online")
            case "stale begins":
                faults.lag_s = _LAG_S
            case "stale ends":
                faults.lag_s = 0.0
            case "over":
                self.showing = ""
