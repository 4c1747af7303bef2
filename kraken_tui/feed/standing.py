"""What a replaying session knows beyond what frames can tell it: the counts so far, and the recorded connection.

A session that is brought to a moment by frames of that moment's state counts those frames, and none before. With the
standing of the session that played all of them it counts as that one did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import msgspec

from kraken_tui.feed.counters import FrameCounters
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.policy import ReplayPolicy
from kraken_tui.feed.session import Session

_OF_TRADES = ("gaps", "duplicates", "late", "strays", "restarts")
_OF_FRAMES = tuple(each.name for each in fields(FrameCounters) if each.name != "ignored")


class PairStanding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts of one pair: of its book, of its trades' numbers, and the alarms of its witnesses."""

    book: Mapping[str, int]
    trades: Mapping[str, int]
    alarms: int


class Standing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a session knows beyond what frames can tell.

    Attributes:
        frames: Counts of the feed as a whole, by name.
        ignored: Frames that were not used, by kind.
        pairs: Those of each pair.
        connection: Number of the recorded connection; None where none was told.
    """

    frames: Mapping[str, int]
    ignored: Mapping[str, int]
    pairs: Mapping[str, PairStanding]
    connection: int | str | None


def standing_of(session: Session) -> Standing:
    """The standing of a replaying session."""
    counters, policy = session.counters, session.policy
    connection = policy.connection_id if isinstance(policy, ReplayPolicy) else None
    return Standing(
        {name: getattr(counters, name) for name in _OF_FRAMES},
        dict(counters.ignored),
        {symbol: _pair(pair) for symbol, pair in session.pairs.items()},
        connection if isinstance(connection, int | str) else None,
    )


def _pair(pair: Pair) -> PairStanding:
    counts = pair.stitcher.counters
    return PairStanding(
        {each.name: getattr(counts, each.name) for each in fields(counts)},
        {name: getattr(pair.trades, name) for name in _OF_TRADES},
        pair.alarms,
    )


def restore(session: Session, standing: Standing) -> None:
    """Give a session that was brought to a moment the standing of that moment; unknown names are left out."""
    counters, policy = session.counters, session.policy
    for name in _OF_FRAMES:
        setattr(counters, name, standing.frames.get(name, getattr(counters, name)))
    counters.ignored.clear()
    counters.ignored.update(standing.ignored)
    if isinstance(policy, ReplayPolicy):
        policy.connection_id = standing.connection
    for symbol, told in standing.pairs.items():
        pair = session.pairs.get(symbol)
        if pair is None:
            continue
        counts = pair.stitcher.counters
        for each in fields(counts):
            setattr(counts, each.name, told.book.get(each.name, 0))
        for name in _OF_TRADES:
            setattr(pair.trades, name, told.trades.get(name, 0))
        pair.alarms = told.alarms
