"""What the state hash holds of a pair of which little is known."""

from __future__ import annotations

from kraken_tui.feed.session import Session
from kraken_tui.recording.fingerprint import Fingerprint
from tests.recording.test_fingerprint import frames, play
from tests.rig.scripted import ScriptedVenue as Venue


def test_a_pair_without_trades_ticker_and_candles_says_so() -> None:
    venue = Venue()
    symbol = next(iter(venue.pairs))
    session, fingerprint = play(frames(venue.welcome(), venue.instruments(), venue.book_snapshot(symbol, 10)))
    pair = fingerprint.document(session)["pairs"][symbol]
    assert (pair["trades"], pair["newest_trade"], pair["trade_gaps"]) == (0, None, 0)
    assert (pair["ticker"], pair["candles"]) == (None, {})


def test_trades_are_counted_and_the_newest_is_the_one_with_the_highest_number() -> None:
    venue = Venue()
    symbol = next(iter(venue.pairs))
    told = [venue.trades(symbol, range(5, 9), "snapshot"), venue.trades(symbol, range(9, 11), "update")]
    session, fingerprint = play(
        frames(venue.welcome(), venue.instruments(), venue.book_snapshot(symbol, 10), *told), Session(replay=True)
    )
    pair = fingerprint.document(session)["pairs"][symbol]
    assert (pair["trades"], pair["newest_trade"]) == (6, 10)
    assert Fingerprint().document(session)["pairs"][symbol]["trades"] == 0
