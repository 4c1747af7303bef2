"""What several panes of a picture show, so that none of them stands still where another has moved on. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kraken_tui.tui.draw.format import duration, rate
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.panes import Fact
from kraken_tui.units import SECOND


def _own(picture: Picture) -> object:
    """What of the account several panes show; the queue and places in it come with the pair."""
    account, pair = picture.account, picture.pair
    level3 = None if pair is None or pair.level3 is None else (pair.level3.verified, pair.level3.own)
    if account is None:
        return level3
    return (account.version, account.silent_ns // SECOND, level3)


def facts(picture: Picture) -> Mapping[Fact, object]:
    """The shared facts of a picture, as values that differ where a drawing of them would."""
    feed, pair = picture.feed, picture.pair
    latency, recording, replay = feed.latency, feed.recording, feed.replay
    known: dict[Fact, object] = {
        Fact.FEED: (
            feed.state,
            feed.cause,
            feed.fatal,
            feed.silent_ns // SECOND,
            None if feed.retry_in_s is None else int(feed.retry_in_s),
            recording,
            None if replay is None else (replay.position_ns // SECOND, replay.speed, replay.paused, replay.finished),
        ),
        Fact.ACCOUNT: _own(picture),
        Fact.LAST: (feed.tabs, None if pair is None else (pair.symbol, pair.last, pair.last_direction)),
    }
    measured = tuple(None if value is None else round(value, 1) for value in (latency.p50, latency.p99, latency.worst))
    if pair is None:
        return {**dict.fromkeys(Fact), **known, Fact.RATES: measured}
    silent_s = pair.silent_ns // SECOND
    traded_ns = None if pair.last_trade_ns is None else pair.now_ns - pair.last_trade_ns
    return known | {
        Fact.BOOK: (pair.bids, pair.asks, pair.metrics),
        Fact.TRADES: (pair.last_trade_ns, pair.tape[:1]),
        Fact.AGE: tuple(None if ns is None else duration(ns) for ns in (pair.age_ns, traded_ns)),
        Fact.TRUST: (pair.proof, pair.proof_reason, pair.stale, pair.stale_reason, pair.venue, silent_s),
        Fact.RATES: (rate(pair.book_rate), rate(pair.trade_rate), measured),
    }
