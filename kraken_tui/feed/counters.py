"""Counts of one feed since its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kraken_tui.feed.pair import Pair
from kraken_tui.wire.decode import NameCounter

OF_PAIRS: dict[str, Callable[[Pair], int]] = {
    "checks_ok": lambda pair: pair.checks_ok,
    "checks_failed": lambda pair: pair.checks_failed,
    "resyncs": lambda pair: pair.resyncs,
    "trade_gaps": lambda pair: pair.trade_gaps,
    "duplicates": lambda pair: pair.trades.duplicates,
    "trades_late": lambda pair: pair.trades.late,
    "trade_strays": lambda pair: pair.trades.strays,
    "trade_restarts": lambda pair: pair.trades.restarts,
    "witness_alarms": lambda pair: pair.alarms,
}
"""Counted by each pair; the totals are sums."""


@dataclass(slots=True)
class FrameCounters:
    """Counts of the feed as a whole: frames = applied + all of ignored + rejected.

    Attributes:
        frames: Frames received.
        applied: Frames that were used.
        ignored: Frames that were not, by kind.
        rejected: Frames that could not be read or held unacceptable values; `invalid` of them could not be read.
        deltas_ignored: Book messages before a snapshot or after an unsubscribe, including removed pairs.
        reconnects: Connections lost after they were open, in a recording too.
        times_ahead: Trades and candles of a time that the exchange had not reached.
        audits, audits_failed: Whole books compared with a second snapshot, and those that were wrong.
    """

    frames: int = 0
    applied: int = 0
    ignored: NameCounter = field(default_factory=NameCounter)
    rejected: int = 0
    invalid: int = 0
    deltas_ignored: int = 0
    reconnects: int = 0
    times_ahead: int = 0
    audits: int = 0
    audits_failed: int = 0


class Counters(FrameCounters):
    """All counts; those of the pairs are read from the pairs, and kept when a pair is removed."""

    __slots__ = ("_pairs", "_removed")

    def __init__(self, pairs: Mapping[str, Pair] | None = None) -> None:
        super().__init__()
        self._pairs: Mapping[str, Pair] = {} if pairs is None else pairs
        self._removed = dict.fromkeys(OF_PAIRS, 0)

    def removing(self, pair: Pair) -> None:
        """Keep the counts of a pair that is about to be removed."""
        for name, count in OF_PAIRS.items():
            self._removed[name] += count(pair)

    def _total(self, name: str) -> int:
        return self._removed[name] + sum(map(OF_PAIRS[name], self._pairs.values()))

    @property
    def checks_ok(self) -> int:
        """Checksums that were right."""
        return self._total("checks_ok")

    @property
    def checks_failed(self) -> int:
        """Checksums that were wrong."""
        return self._total("checks_failed")

    @property
    def resyncs(self) -> int:
        """Books fetched again after a failure."""
        return self._total("resyncs")

    @property
    def trade_gaps(self) -> int:
        """Trade numbers that never came."""
        return self._total("trade_gaps")

    @property
    def duplicates(self) -> int:
        """Trades delivered again."""
        return self._total("duplicates")

    @property
    def trades_late(self) -> int:
        """Trades that came after one with a greater number."""
        return self._total("trades_late")

    @property
    def trade_strays(self) -> int:
        """Single trade numbers that followed nothing."""
        return self._total("trade_strays")

    @property
    def trade_restarts(self) -> int:
        """Times the numbers of a pair's trades began again."""
        return self._total("trade_restarts")

    @property
    def witness_alarms(self) -> int:
        """Books fetched again because the ticker or the number of decimals contradicted them."""
        return self._total("witness_alarms")

    def as_dict(self) -> dict[str, Any]:
        """Every count by its name."""
        own = {each.name: getattr(self, each.name) for each in fields(FrameCounters)}
        return own | {name: getattr(self, name) for name in OF_PAIRS}

    def copy(self) -> Counters:
        """A copy of the counts, for another thread; `ignored` stays shared."""
        other = Counters()
        for each in fields(FrameCounters):
            setattr(other, each.name, getattr(self, each.name))
        other._removed = {name: getattr(self, name) for name in OF_PAIRS}
        return other
