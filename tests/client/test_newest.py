"""What a client keeps of passing events, which errors they mean, and that ticks travel with their precisions."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from kraken_tui.client.events import public
from kraken_tui.client.gaps import GapPolicy
from kraken_tui.client.newest import Newest
from kraken_tui.engine.events import BookLine, FrameRejected
from kraken_tui.errors import (
    ChecksumMismatch,
    ConnectionClosed,
    ConnectionFailed,
    InvalidMessage,
    KrakenError,
    RateLimited,
    SubscriptionFailed,
)
from kraken_tui.feed.events import BookStateChanged, Refused, Resync, SpecChanged, StateChanged
from kraken_tui.market.events import BookChanged, BookState, Proof, Side, Trade
from kraken_tui.wire.checksum import checksum_of_units
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("A/USD", "A", "USD", 1, 8)
BIDS, ASKS = ((10, 5),), ((11, 6),)
RIGHT = checksum_of_units(ASKS, BIDS)


def state(name: str, cause: str = "why", retry_in_s: float | None = None) -> StateChanged:
    return StateChanged(0, name, cause, 2, retry_in_s)


def line(checksum: int, kind: str = "update", verified: bool | None = None) -> BookLine:
    matched = checksum == RIGHT
    proven = matched if verified is None else verified
    return BookLine(BookChanged("A/USD", kind, proven, checksum, None, None, 0, matched=matched), BIDS, ASKS, SPEC)


def errors(newest: Newest, *events: object) -> list[KrakenError]:
    return [each for event in events for each in newest.transform(event) if isinstance(each, KrakenError)]


def test_a_dial_that_fails_and_a_connection_that_is_lost_are_two_errors() -> None:
    newest = Newest()
    (failed,) = errors(newest, state("CONNECTING"), state("DISCONNECTED", "refused", 1.5))
    assert isinstance(failed, ConnectionFailed)
    assert (failed.cause, failed.attempt, failed.retry_in_s) == ("refused", 2, 1.5)
    assert str(failed) == "no connection: refused; next try in 1.5 s"
    assert errors(newest, state("CONNECTING")) == []
    assert newest.trouble is failed, "a dial under way cures nothing yet"
    (closed,) = errors(newest, state("SUBSCRIBING"), state("SUBSCRIBED"), state("DISCONNECTED", "reset", 0.5))
    assert isinstance(closed, ConnectionClosed)
    assert newest.trouble is closed
    errors(newest, state("CONNECTING"), state("SUBSCRIBING"))
    assert newest.trouble is None


def test_a_ban_says_when_it_ends() -> None:
    newest = Newest()
    (banned,) = errors(newest, state("CONNECTING"), state("COOLDOWN", "HTTP 429", 600.0))
    assert isinstance(banned, RateLimited)
    assert banned.retry_after == 600.0


def test_closing_is_no_error_but_explains_why_nothing_comes() -> None:
    newest = Newest()
    assert errors(newest, state("SUBSCRIBED"), state("CLOSED", "closed")) == []
    assert isinstance(newest.trouble, ConnectionClosed)


def test_a_mismatch_a_refusal_and_a_bad_frame_carry_their_facts() -> None:
    newest = Newest()
    mismatch, refused, invalid = errors(
        newest,
        Resync(0, "A/USD", "reconnect"),
        Resync(0, "A/USD", "checksum", 1, 2),
        Refused(0, "A/USX", "", "no such pair", ("A/USD",)),
        FrameRejected(0, None, "not JSON", 1),
    )
    assert isinstance(mismatch, ChecksumMismatch)
    assert (mismatch.expected, mismatch.actual, mismatch.symbol) == (1, 2, "A/USD")
    assert isinstance(refused, SubscriptionFailed)
    assert (refused.symbol, refused.reason, refused.nearest) == ("A/USX", "no such pair", ("A/USD",))
    assert str(refused) == "A/USX: no such pair; nearest: A/USD"
    assert isinstance(invalid, InvalidMessage)
    assert str(invalid) == "not JSON"
    assert newest.refused["A/USX"] is refused


def test_an_ignored_mismatch_is_told_once_a_gap() -> None:
    newest = Newest(GapPolicy.IGNORE)
    assert errors(newest, line(RIGHT, "snapshot")) == []
    first = errors(newest, line(RIGHT ^ 1))
    assert [(type(each), each.expected, each.actual) for each in first] == [(ChecksumMismatch, RIGHT ^ 1, RIGHT)]  # type: ignore[attr-defined]
    assert errors(newest, line(RIGHT ^ 2), line(RIGHT, verified=False)) == []
    assert errors(newest, line(RIGHT, "snapshot")) == []
    assert len(errors(newest, line(RIGHT ^ 1))) == 1


def book_state(proof: Proof) -> BookStateChanged:
    return BookStateChanged(0, "A/USD", BookState.LIVE, proof, str(proof))


def test_a_book_loses_its_proof_at_once_and_gains_it_with_the_levels_that_are_proven() -> None:
    newest = Newest()

    def proven() -> bool:
        book = newest.books.get("A/USD")
        return book is not None and book.state.proof is Proof.VERIFIED

    def after(event: object) -> bool:
        errors(newest, event)
        return proven()

    assert not after(line(RIGHT)), "nothing was said of its proof yet"
    assert "A/USD" not in newest.books
    assert not after(book_state(Proof.CHECKING))
    assert not after(line(RIGHT, verified=False))
    assert not after(book_state(Proof.VERIFIED)), "the levels it holds are older than that"
    assert newest.states["A/USD"].proof is Proof.VERIFIED
    assert after(line(RIGHT, "snapshot"))
    for lost in (Proof.UNVERIFIED, Proof.CHECKING):
        assert not after(book_state(lost))
        assert newest.books["A/USD"].state.proof is lost
        after(book_state(Proof.VERIFIED))
        assert after(line(RIGHT, "snapshot"))
    newest.forget("A/USD")
    assert not proven()


TRADE = Trade("A/USD", Side.BUY, 642001, 5, "limit", 1, "2026-01-01T00:00:00Z", 0)


def test_a_trade_keeps_the_precisions_it_was_made_with() -> None:
    newest = Newest()
    assert list(newest.transform(TRADE)) == [], "ticks of an unknown size are not a price"
    assert newest.left_out == 1
    list(newest.transform(SpecChanged(SPEC)))
    (before,) = newest.transform(TRADE)
    list(newest.transform(SpecChanged(replace(SPEC, price_precision=2))))
    (after,) = newest.transform(TRADE)
    assert [public(each).price for each in (before, after)] == [Decimal("64200.1"), Decimal("6420.01")]


def test_a_trade_held_back_by_a_change_of_precisions_keeps_its_own() -> None:
    newest = Newest(GapPolicy.BUFFER)
    told = [each for event in (SpecChanged(SPEC), TRADE) for each in newest.transform(event)]
    assert told == [SpecChanged(SPEC)]
    finer = replace(SPEC, price_precision=2)
    told = [each for event in (SpecChanged(finer), line(RIGHT, "snapshot")) for each in newest.transform(event)]
    assert public(told[-1]).price == Decimal("64200.1")
