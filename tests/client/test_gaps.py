"""Events of an unproven pair under the policy BUFFER: held back, then told in the order that was promised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.client.gaps import HELD_A_PAIR, GapBuffer
from kraken_tui.engine.events import BookLine, PricedTrade
from kraken_tui.feed.events import BookStateChanged, Resync
from kraken_tui.market.events import BookChanged, BookState, Proof, Side, Trade
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("A/USD", "A", "USD", 1, 8)


def line(symbol: str, verified: bool = True, kind: str = "update") -> BookLine:
    return BookLine(BookChanged(symbol, kind, verified, 1, None, None, 0), (), (), SPEC)


def trade(symbol: str, number: int) -> PricedTrade:
    return PricedTrade(Trade(symbol, Side.BUY, 1, 1, "limit", number, "", 0), SPEC)


def state(symbol: str, proof: Proof) -> BookStateChanged:
    return BookStateChanged(0, symbol, BookState.LIVE, proof, "")


def told(buffer: GapBuffer, *events: object) -> list[object]:
    return [each for event in events for each in buffer.admit(event)]


def test_what_an_unproven_pair_does_is_held_back_and_comes_after_the_new_snapshot() -> None:
    buffer = GapBuffer()
    assert told(buffer, line("A/USD"), trade("A/USD", 1)) == [line("A/USD"), trade("A/USD", 1)]
    lost, resync = state("A/USD", Proof.UNVERIFIED), Resync(0, "A/USD", "checksum", 1, 2)
    assert told(buffer, lost, resync, line("A/USD", verified=False), trade("A/USD", 2), trade("A/USD", 3)) == [
        lost,
        resync,
    ]
    assert (buffer.held, buffer.left_out) == (2, 1)
    assert told(buffer, trade("B/USD", 9), line("B/USD")) == [line("B/USD"), trade("B/USD", 9)], "other pairs go on"
    found = state("A/USD", Proof.VERIFIED)
    snapshot = line("A/USD", kind="snapshot")
    assert told(buffer, found, snapshot) == [found, snapshot, trade("A/USD", 2), trade("A/USD", 3)]
    assert buffer.held == 0


def test_a_lost_connection_holds_back_too_before_any_wrong_book() -> None:
    buffer = GapBuffer()
    lost = state("A/USD", Proof.UNVERIFIED)
    assert told(buffer, line("A/USD"), lost, trade("A/USD", 1)) == [line("A/USD"), lost]
    assert buffer.held == 1


def test_what_is_held_back_is_bounded_and_what_is_given_up_is_counted() -> None:
    buffer = GapBuffer()
    assert told(buffer, *(trade("A/USD", number) for number in range(HELD_A_PAIR + 5))) == []
    assert (buffer.held, buffer.left_out) == (HELD_A_PAIR, 5)
    assert told(buffer, line("A/USD"))[1] == trade("A/USD", 5)


def test_an_unsubscribed_pair_leaves_nothing_behind() -> None:
    buffer = GapBuffer()
    told(buffer, trade("A/USD", 1))
    buffer.forget("A/USD")
    assert (buffer.held, buffer.left_out) == (0, 1)
    assert told(buffer, line("A/USD")) == [line("A/USD")]


@given(st.lists(st.tuples(st.sampled_from(["line", "bad", "trade", "lost"]), st.sampled_from(["A/USD", "B/USD"]))))
def test_no_unverified_book_is_told_and_every_trade_is_told_once_in_order(moves: list[tuple[str, str]]) -> None:
    buffer = GapBuffer()
    out: list[object] = []
    made = 0
    for kind, symbol in moves:
        made += kind == "trade"
        event = {
            "line": lambda s: line(s),
            "bad": lambda s: line(s, verified=False),
            "trade": lambda s, n=made: trade(s, n),
            "lost": lambda s: state(s, Proof.UNVERIFIED),
        }[kind](symbol)
        out += buffer.admit(event)
    out += [*buffer.admit(line("A/USD")), *buffer.admit(line("B/USD"))]
    assert all(each.verified for each in out if isinstance(each, BookLine))
    for symbol in ("A/USD", "B/USD"):
        numbers = [each.event.trade_id for each in out if isinstance(each, PricedTrade) and each.symbol == symbol]
        assert numbers == sorted(set(numbers))
    assert sum(isinstance(each, PricedTrade) for each in out) == made
