"""What a listener is told of a moment: in which order, how much, and what is not known."""

from __future__ import annotations

from msgspec.structs import replace

from kraken_tui.engine.state_events import TRADES, state_events
from kraken_tui.feed.events import BookLine, SpecChanged
from kraken_tui.market.events import CandleChanged, Health, Proof, Side, Trade
from kraken_tui.market.views import PairView
from tests.tui import samples

VIEW = samples.pair("BTC/USD")
NOW = 1_700_000_000_500_000_000


def trade(number: int, *, live: bool = True) -> Trade:
    return Trade("BTC/USD", Side.BUY, 1, 1, "limit", number, "", 0, live)


def view(**changes: object) -> PairView:
    return replace(VIEW, now_ns=NOW, age_ns=2_000, proof=Proof.VERIFIED, **changes)


def book_of(found: list[object]) -> BookLine:
    (line,) = [event for event in found if isinstance(event, BookLine)]
    return line


def test_the_book_comes_last_and_the_oldest_trade_first() -> None:
    found = list(state_events(view(tape=(trade(3), trade(2), trade(1, live=False))), 10, 77))
    kinds = [type(event) for event in found if type(event) is not CandleChanged]
    assert kinds == [SpecChanged, Trade, Trade, Trade, Health, BookLine]
    trades = [event for event in found if isinstance(event, Trade)]
    assert [(event.trade_id, event.live) for event in trades] == [(1, False), (2, False), (3, False)]
    assert [event.candle for event in found if isinstance(event, CandleChanged)] == list(VIEW.candles)


def test_fifty_trades_are_told_and_where_asked_only_those_from_before() -> None:
    assert TRADES == 50
    tape = tuple(trade(number, live=number > 90) for number in range(100, 0, -1))
    told = [event.trade_id for event in state_events(view(tape=tape), 0) if isinstance(event, Trade)]
    assert told == list(range(51, 101))
    told = [event.trade_id for event in state_events(view(tape=tape), 0, past=True) if isinstance(event, Trade)]
    assert told == list(range(41, 91))


def test_the_book_is_a_snapshot_of_its_own_time() -> None:
    line = book_of(list(state_events(view(), 3, 77)))
    assert (len(line.bids), len(line.asks), line.depth) == (3, 3, VIEW.known_depth)
    changed = line.changed
    assert (changed.kind, changed.verified, changed.checksum) == ("snapshot", True, 77)
    assert (changed.venue_ns, changed.received_ns) == (NOW - 2_000, NOW)
    assert changed.timestamp == "2023-11-14T22:13:20.499998Z"
    unknown = book_of(list(state_events(replace(view(), age_ns=None), 3, 77))).changed
    assert (unknown.venue_ns, unknown.timestamp) == (None, None)


def test_a_book_without_proof_has_no_checksum() -> None:
    changed = book_of(list(state_events(replace(view(), proof=Proof.CHECKING), 3, 77))).changed
    assert (changed.verified, changed.checksum) == (False, None)


def test_one_side_is_a_book_and_no_level_is_none() -> None:
    assert any(isinstance(event, BookLine) for event in state_events(view(bids=()), 1))
    assert any(isinstance(event, BookLine) for event in state_events(view(asks=()), 1))
    assert not any(isinstance(event, BookLine) for event in state_events(view(bids=(), asks=()), 1))
    assert not any(isinstance(event, BookLine) for event in state_events(view(), 0))


def test_of_a_pair_without_precisions_nothing_is_told() -> None:
    assert list(state_events(view(spec=None), 10)) == []
